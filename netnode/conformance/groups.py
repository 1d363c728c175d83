"""Contents that are cut into parts, and what a sale's content is; section 27.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from netnode.conformance.encoding import decode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import (
    HASH_BYTES,
    MAX_AGREEMENT,
    MAX_DEAL_MESSAGE,
    MAX_EPOCHS,
    MAX_GROUP_CONTENT,
    MAX_GROUP_PARTS,
    MAX_LEDGER_MESSAGES,
    MAX_LETTER_PARTS,
    MAX_OPENED_PATH,
)
from netnode.conformance.shapes import Field, any_bin, array, bin_, int_, may, must, row, str_, table
from netnode.conformance.tags import sha256

Map = dict[str, Any]
_MOST: Final = MAX_GROUP_CONTENT * MAX_GROUP_PARTS
_ANY: Final = lambda _: True  # noqa: E731 - a shape like the others
_AWARDS: Final = must(array(row(bin_(HASH_BYTES), str_(1, 32), int_(), int_(1))))
_CLOSE: Final = {
    "awards": _AWARDS,
    "begins": must(int_()),
    "ends": must(int_()),
    "plan": must(bin_(HASH_BYTES)),
}
_SALE: Final = {
    "agreement": may(bin_(0, MAX_AGREEMENT)),
    "awards": _AWARDS,
    "listing": may(row(any_bin, any_bin, any_bin)),
    "messages": must(array(bin_(0, MAX_DEAL_MESSAGE), 1, MAX_LEDGER_MESSAGES)),
    "openers": must(array(array(_ANY, 1, MAX_EPOCHS), 0, MAX_LETTER_PARTS)),
    "path": may(bin_(0, MAX_OPENED_PATH)),
    "plan": must(bin_(HASH_BYTES)),
}


class Groups:
    """The group that is under way, if there is one [R-CRED-11] [R-CRED-12]."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, int, Map]] = []  # (seq, kind, record)

    def take(self, seq: int, kind: int, record: Map) -> bytes | None:
        """The content, with its last part.

        Raises:
            Fault: `group`.
        """
        before, self._parts = self._parts, []
        if record["number"] > 1:
            demand(bool(before), "group", "nothing goes before")
            at, of, last = before[-1]
            goes_on = (seq, kind, record["number"]) == (at + 1, of, last["number"] + 1)
            same = (record["count"], record["hash"]) == (last["count"], last["hash"])
            demand(goes_on and same, "group", "does not go on")
        else:
            before = []
        self._parts = [*before, (seq, kind, record)]
        if record["number"] < record["count"]:
            return None
        content = b"".join(each["content"] for _, _, each in self._parts)
        self._parts = []
        demand(sha256(content) == record["hash"], "group", "its hash")
        return content


def read_sale(content: bytes) -> Map:
    """The content of a sale: exactly its fields, canonical.

    Raises:
        Fault: `malformed`.
    """
    return _read(_SALE, content)


def read_close(content: bytes) -> Map:
    """The content of a period close.

    Raises:
        Fault: `malformed`.
    """
    return _read(_CLOSE, content)


def _read(fields: Mapping[str, Field], content: bytes) -> Map:
    try:
        value = decode(content, _MOST, _MOST)
    except Fault as fault:
        raise Fault("malformed", str(fault)) from fault
    demand(table(fields)(value) and value.keys() <= fields.keys(), "malformed", "a content")
    found: Map = value
    return found
