"""Messages: their tables and the verdicts on what does not fit them; section 10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance.addresses import is_told
from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.items import is_cursor, is_item
from netnode.conformance.limits import (
    HASH_BYTES,
    MAX_ADDRESS,
    MAX_BLOB,
    MAX_BRANCHES,
    MAX_CATEGORY,
    MAX_GET_BYTES,
    MAX_HITS,
    MAX_IDS,
    MAX_INT,
    MAX_INTEREST,
    MAX_ITEMS,
    MAX_LETTER,
    MAX_MESSAGE,
    MAX_PEERS,
    MAX_QUERY,
    MAX_QUERY_CURSOR,
    MAX_RANGES,
    MAX_RANGES_LIST,
    MAX_RUNS,
    MAX_SEQ,
    MAX_STAMP_BITS,
    MAX_WANTS,
    PIN_DIGITS,
    RANGES_ID_BYTES,
    TOKEN_BYTES,
)
from netnode.conformance.runs import read_run
from netnode.conformance.seen import is_statement
from netnode.conformance.shapes import (
    Field,
    any_bin,
    array,
    bin_,
    bool_,
    int_,
    may,
    must,
    or_nil,
    row,
    str_,
    table,
)

_AUTHOR: Final = bin_(HASH_BYTES)
_SEQ: Final = int_(0, MAX_SEQ)
_WANT: Final = row(_AUTHOR, _SEQ, _SEQ)
_PLACES: Final = array(int_(), 0, MAX_WANTS)
_REASON: Final = {"code": must(str_(0, 32)), "text": must(str_(0, 500))}
_PLACE: Final = {"author": must(_AUTHOR), "epoch": must(int_()), "term": must(int_())}

_PREFIX: Final = str_(0, 64, "[0-9a-f]*$")
_RANGES: Final = {
    "lacking": may(array(row(_PREFIX, int_(1, 2**MAX_RANGES_LIST - 1)), 0, MAX_RANGES)),
    "lists": may(array(row(_PREFIX, bin_(0, MAX_RANGES_LIST * RANGES_ID_BYTES)), 0, MAX_RANGES)),
    "splits": may(array(row(_PREFIX, bin_(16 * RANGES_ID_BYTES)), 0, MAX_RANGES)),
}


def _run(value: object) -> bool:
    """Whether this is a run; a fault of the content of its entries is told when it is read [R-MSG-6]."""
    try:
        read_run(value)
    except Fault as fault:
        return fault.code != "bad_message"
    return True


def _limits(value: object) -> bool:
    return isinstance(value, dict) and len(value) <= 64 and all(map(int_(), value.values()))


NAMES: Final = {
    0: "hello", 2: "changes", 3: "items", 4: "heads", 6: "ask_ids", 7: "ids", 8: "get", 9: "runs", 10: "openers",
    12: "proof", 13: "fork", 14: "want", 15: "records", 16: "see", 17: "seen", 18: "fetch", 19: "chunk",
    20: "interest", 21: "have", 23: "push", 25: "refuse", 27: "bye", 29: "twin",
    30: "ask_peers", 31: "peers", 32: "query", 33: "found", 34: "join", 35: "joined", 36: "ranges",
    37: "ranges_answer", 38: "ping", 39: "pong",
    40: "dial_back", 41: "dialled_back", 42: "deliver", 43: "delivered", 44: "ask_branches",
    45: "branches", 46: "branch",
}  # fmt: skip
TYPES: Final = {name: number for number, name in NAMES.items()}

BODIES: Final[Mapping[str, Mapping[str, Field]]] = {
    "hello": {
        "agent": must(str_(0, 64)),
        "clock": must(int_()),
        "features": may(array(int_(), 0, 64)),
        "kinds": may(or_nil(array(int_()))),
        "limits": may(_limits),
        "stamp": may(or_nil(row(int_(-MAX_INT), any_bin))),  # its bounds: R-STAMP-3
        "stamp_asked": may(int_(0, MAX_STAMP_BITS)),
        "store": must(bin_(16)),
        "versions": must(array(int_(), 1, 16)),
    },
    "changes": {"cursor": must(is_cursor), "limit": must(int_(1, MAX_ITEMS))},
    "items": {
        "cursor": may(or_nil(is_cursor)),
        "items": must(array(is_item, 0, MAX_ITEMS)),
        "more": may(bool_),
    },
    "heads": {"after": may(or_nil(_AUTHOR)), "limit": must(int_(1, MAX_ITEMS))},
    "ask_ids": {**_PLACE, "seqs": must(array(_SEQ, 1, MAX_IDS))},
    "ids": {"ids": must(array(or_nil(bin_(HASH_BYTES)), 0, MAX_IDS))},
    "get": {"budget": must(int_(1, MAX_GET_BYTES)), "wants": must(array(_WANT, 1, MAX_WANTS))},
    "runs": {
        "left": may(array(_WANT, 0, MAX_WANTS)),
        "more": may(bool_),
        "runs": may(array(_run, 0, MAX_RUNS)),  # the vectors leave it out, whatever the table says
    },
    "openers": {"authors": must(array(_AUTHOR, 1, 16))},
    "proof": _PLACE,
    "fork": {"left": must(_run), "right": must(_run)},
    "want": {"entries": must(array(row(_AUTHOR, _SEQ, bin_(HASH_BYTES)), 1, MAX_WANTS))},
    "records": {
        "gone": may(_PLACES),
        "none": may(_PLACES),
        "records": may(array(row(int_(), any_bin), 0, MAX_WANTS)),
    },
    "see": {"author": must(_AUTHOR), "seq": must(_SEQ)},
    "seen": {"statement": must(is_statement)},
    "fetch": {"chunk": must(int_(0, 1_023)), "hash": must(bin_(HASH_BYTES))},
    "chunk": {"data": may(or_nil(any_bin)), "manifest": may(any_bin), "size": may(int_(0, MAX_BLOB))},
    "interest": {"all": must(bool_), "ids": may(array(_AUTHOR, 0, MAX_INTEREST)), "more": may(bool_)},
    "have": {"items": must(array(is_item, 1, MAX_ITEMS))},
    "push": {"runs": must(array(_run, 1, MAX_RUNS))},
    "refuse": _REASON,
    "bye": _REASON,
    "twin": {},
    "query": {
        "category": may(or_nil(str_(0, MAX_CATEGORY))),
        "currency": may(or_nil(str_(3, 3, "[A-Z]{3}"))),
        "cursor": may(or_nil(bin_(0, MAX_QUERY_CURSOR))),
        "kind": may(or_nil(str_(0, 16))),
        "least": may(or_nil(int_())),
        "limit": must(int_(1, MAX_HITS)),
        "most": may(or_nil(int_())),
        "seller": may(or_nil(_AUTHOR)),
        "text": must(str_(0, MAX_QUERY)),
    },
    "found": {
        "heads": may(array(is_item, 0, MAX_HITS)),
        "hits": may(array(_run, 0, MAX_HITS)),
        "next": may(or_nil(bin_(0, MAX_QUERY_CURSOR))),
        "openers": may(array(_run, 0, MAX_RUNS)),
        "standings": may(array(_run, 0, MAX_RUNS)),
    },
    "ask_peers": {},
    "peers": {"peers": may(array(is_told, 0, MAX_PEERS))},
    "join": {"pin": may(or_nil(str_(PIN_DIGITS, PIN_DIGITS))), "token": must(bin_(TOKEN_BYTES))},
    "joined": {"followed": may(bool_)},
    "ranges": {
        "begin": may(or_nil(row(bin_(16), is_cursor, int_()))),
        "items": may(array(is_item, 0, MAX_ITEMS)),
        "last": may(bool_),
        **_RANGES,
    },
    "ranges_answer": {
        "begin": may(or_nil(row(is_cursor, int_()))),
        "items": may(array(is_item, 0, MAX_ITEMS)),
        "left": may(int_(0, 3 * MAX_RANGES)),
        **_RANGES,
    },
    "ping": {"clock": must(int_())},
    "pong": {"address": may(str_(0, 64)), "clock": must(int_())},
    "dial_back": {"port": must(int_(1, 65_535))},
    "dialled_back": {"address": must(str_(0, MAX_ADDRESS)), "reached": must(bool_)},
    "deliver": {"letter": must(bin_(1, MAX_LETTER))},
    "delivered": {"kept": must(bool_)},
    "ask_branches": {"authors": must(array(_AUTHOR, 1, MAX_BRANCHES))},
    "branches": {
        "branches": may(array(row(_AUTHOR, int_(), int_(), _SEQ, bin_(HASH_BYTES)), 0, MAX_BRANCHES**2))
    },
    "branch": {
        "author": must(_AUTHOR),
        "budget": must(int_(1, MAX_GET_BYTES)),
        "id": must(bin_(HASH_BYTES)),
        "seq": must(_SEQ),
    },
}
"""The tables of sections 10.1 to 10.17, by name [R-MSG-4]."""

ANSWERS: Final[Mapping[str, str]] = {
    "changes": "items", "heads": "items", "ask_ids": "ids", "get": "runs", "openers": "runs", "proof": "fork",
    "want": "records", "see": "seen", "fetch": "chunk",
    "query": "found", "ask_peers": "peers", "join": "joined", "ping": "pong", "dial_back": "dialled_back",
    "deliver": "delivered", "ask_branches": "branches", "branch": "runs",
    "ranges": "ranges_answer",
}  # fmt: skip
"""What answers each question, besides `refuse` [R-SES-10]."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        type: its number.
        request: the number of the question, or 0.
        body: its fields, unknown ones included; of an unknown type as it came.
    """

    type: int
    request: int
    body: dict[str, Any]

    @property
    def name(self) -> str | None:
        """None for an unknown type: ignored when odd, refused with `unknown_message` when even [R-MSG-2]."""
        return NAMES.get(self.type)


_FORM: Final = row(int_(), int_(), lambda body: isinstance(body, dict))


def read_message(data: bytes) -> Message:
    """The message in these bytes; phase and request number are not judged here.

    Raises:
        Fault: `too_large`, `encoding`, `not_canonical` or `bad_message`, in the order of [R-MSG-3].
    """
    value = decode(data, MAX_MESSAGE)
    demand(_FORM(value), "bad_message", "no message")  # [R-MSG-1]
    message = Message(*value)
    if message.name is not None:
        demand(table(BODIES[message.name])(message.body), "bad_message", f"the body of {message.name}")
    return message


def write_message(name: str, request: int = 0, /, **body: object) -> bytes:
    """The bytes of a message [R-MSG-1].

    Raises:
        Fault: `local` unless it could be read again.
    """
    data = encode([TYPES[name], request, body])
    try:
        read_message(data)
    except Fault as fault:
        raise Fault("local", str(fault)) from fault
    return data
