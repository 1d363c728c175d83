"""Records of a ledger, and the statements that holders sign; sections 27.1 to 27.9."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import (
    HASH_BYTES,
    MAX_CREDIT_STATEMENT,
    MAX_DEAL_MESSAGE,
    MAX_EPOCHS,
    MAX_GROUP_CONTENT,
    MAX_GROUP_PARTS,
    MAX_INT,
    MAX_LEDGER_MESSAGES,
    MAX_LETTER_PARTS,
    MAX_OPENED_PATH,
    MAX_PROOF,
    MAX_REPLIES,
    MAX_SEQ,
    MAX_UNIT,
    SALT_BYTES,
    SIGNATURE_BYTES,
)
from netnode.conformance.shapes import Field, array, bin_, int_, may, must, one_of, row, str_, table
from netnode.conformance.signatures import valid
from netnode.conformance.tags import sha256, tag

Map = dict[str, Any]

_ID: Final = bin_(HASH_BYTES)
_ANY: Final = lambda _: True  # noqa: E731 - a shape like the others
_OPENERS: Final = must(array(array(_ANY, 1, MAX_EPOCHS), 0, MAX_LETTER_PARTS))
_PAPER: Final = bin_(1, MAX_CREDIT_STATEMENT)
_MESSAGES: Final = must(array(bin_(0, MAX_DEAL_MESSAGE), 1, MAX_LEDGER_MESSAGES))
_PROOF: Final = may(array(lambda value: isinstance(value, list) and len(value) == 3, 1, MAX_PROOF))
_PLACE: Final = row(int_(0, MAX_SEQ), _ID)
_PART: Final[Mapping[str, Field]] = {
    "content": must(bin_(1, MAX_GROUP_CONTENT)),
    "count": must(int_(1, MAX_GROUP_PARTS)),
    "hash": must(_ID),
    "number": must(int_(1, MAX_GROUP_PARTS)),
}
_REPLY: Final[Mapping[str, Field]] = {
    "challenge": must(_ID),
    "entry": may(int_(0, MAX_SEQ)),
    "reason": may(str_(1, 32, "^[a-z_]{1,32}$")),
}

RECORDS: Final[Mapping[int, Mapping[str, Field]]] = {
    20: {"openers": _OPENERS},  # rekey
    22: _PART,  # sale
    23: {  # challenge
        "$": must(bin_(SALT_BYTES)),
        "contract": may(bin_(0, MAX_DEAL_MESSAGE)),
        "issuer": must(_ID),
        "openers": _OPENERS,
        "path": may(bin_(0, MAX_OPENED_PATH)),
        "request": may(_PAPER),
    },
    24: _PART,  # period close
    26: {"base": must(int_()), "messages": _MESSAGES, "openers": _OPENERS, "order": must(_ID)},  # refund
    28: {"messages": _MESSAGES, "openers": _OPENERS, "order": must(_ID)},  # freeze
    30: {"limit": may(_PAPER), "openers": _OPENERS, "request": must(_PAPER)},  # transfer
    32: {"document": must(_PAPER), "openers": _OPENERS},  # lock
    34: {  # swap
        "document": must(_PAPER),
        "lock": _PROOF,
        "openers": _OPENERS,
        "pins": may(row(_PLACE, _PLACE)),
        "swap": _PROOF,
    },
    36: {"openers": _OPENERS, "request": must(_PAPER)},  # redeem
    38: {"openers": _OPENERS, "request": must(_PAPER)},  # payout
    40: {"replies": must(array(table(_REPLY), 1, MAX_REPLIES))},  # answer
    42: {"openers": _OPENERS, "release": must(_PAPER)},  # release
}
"""The field tables of these kinds [R-REC-3]."""


def _part_holds(record: Map) -> bool:
    within: bool = record["number"] <= record["count"]
    return within


def _swap_holds(record: Map) -> bool:
    pins = record.get("pins")
    one = sum(name in record for name in ("lock", "pins", "swap")) == 1
    return one and (pins is None or pins[0][0] < pins[1][0])


def _answer_holds(record: Map) -> bool:
    ids = [reply["challenge"] for reply in record["replies"]]
    one = all(("entry" in reply) != ("reason" in reply) for reply in record["replies"])
    return one and ids == sorted(set(ids))


def _challenge_holds(record: Map) -> bool:
    return ("path" in record) != ("request" in record) and ("contract" in record or "path" not in record)


ACROSS: Final[Mapping[int, Callable[[Map], bool]]] = {
    22: _part_holds,
    23: _challenge_holds,
    24: _part_holds,
    34: _swap_holds,
    40: _answer_holds,
}
"""What fields say of each other."""

_UNIT: Final = must(str_(1, MAX_UNIT))
_AMOUNT: Final = must(int_(1))
_EPOCH: Final = must(int_(0, MAX_EPOCHS - 1))
_SIGNED: Final = {"epoch": _EPOCH, "holder": must(_ID), "issuer": must(_ID)}
_LEG: Final = {**_SIGNED, "amount": _AMOUNT, "counter": must(int_()), "unit": _UNIT}
_STATEMENTS: Final[Mapping[str, Mapping[str, Field]]] = {
    "credit request": {
        **_LEG,
        "action": must(one_of("payout", "redeem", "transfer")),
        "expires": must(int_()),
        "order": may(_ID),
        "recipient": may(_ID),
        "signature": must(bin_(SIGNATURE_BYTES)),
    },
    "credit limit": {
        **_LEG,
        "amount": must(int_(0, MAX_INT)),
        "expires": must(int_()),
        "lasts": may(int_()),
        "signature": must(bin_(SIGNATURE_BYTES)),
    },
    "credit swap": {
        "first": must(table(_LEG)),
        "head": must(_PLACE),
        "second": must(table(_LEG)),
        "signatures": must(row(bin_(SIGNATURE_BYTES), bin_(SIGNATURE_BYTES))),
        "until": must(int_()),
    },
    "credit release": {**_SIGNED, "about": must(_ID), "signature": must(bin_(SIGNATURE_BYTES))},
}


def _request_holds(request: Map) -> bool:
    transfers = request["action"] == "transfer"
    others = request["holder"] not in (request["issuer"], request.get("recipient"))
    goods = "order" not in request or request["action"] == "redeem"
    return ("recipient" in request) == transfers and others and goods


def _swap_of_four(swap: Map) -> bool:
    legs = swap["first"], swap["second"]
    exact = all(leg.keys() <= _LEG.keys() for leg in legs)
    return exact and len({leg[name] for leg in legs for name in ("holder", "issuer")}) == 4


_HOLDS: Final[Mapping[str, Callable[[Map], bool]]] = {
    "credit request": _request_holds,
    "credit swap": _swap_of_four,
}


def read_statement(name: str, data: bytes) -> Map:
    """A statement by its form; its signatures are another question [R-CRED-5] [R-CRED-6] [R-CRED-8].

    Raises:
        Fault: `statement`.
    """
    try:
        value = decode(data, MAX_CREDIT_STATEMENT)
    except Fault as fault:
        raise Fault("statement", str(fault)) from fault
    fields = _STATEMENTS[name]
    demand(table(fields)(value) and value.keys() <= fields.keys(), "statement", name)
    demand(name not in _HOLDS or _HOLDS[name](value), "statement", name)
    found: Map = value
    return found


def image(network: str, name: str, statement: Map) -> bytes:
    """What is signed [R-CRED-5]."""
    bare = {field: value for field, value in statement.items() if field not in ("signature", "signatures")}
    return tag(network, name) + encode(bare)


def statement_id(network: str, name: str, statement: Map) -> bytes:
    """The id of a statement: of what is signed [R-CRED-5]."""
    return sha256(image(network, name, statement))


def signed_by(network: str, name: str, statement: Map, key: bytes, signature: bytes) -> bool:
    """Whether a key made a signature of a statement [R-CRED-5]."""
    return valid(key, image(network, name, statement), signature)
