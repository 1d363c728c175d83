"""How a vector is judged: its input gives what it expects, or is refused with its code; section 17."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from netnode.conformance.checking import Broken, want
from netnode.conformance.entries import Entry, read_entry
from netnode.conformance.faults import Fault

Vector = dict[str, Any]
Judge = Callable[[Vector, Vector], None]
"""Judges one vector, given the whole file it stands in; raises Broken."""

OTHER: Final = "this codec comes to something else"
_SAME: Final = frozenset({"encoding", "not_canonical"})  # either is right of broken bytes, section 3
hexed = bytes.fromhex


def code_of(act: Callable[[], object]) -> str | None:
    """The code something is refused with; None when it is not."""
    try:
        act()
    except Fault as fault:
        return fault.code
    return None


def judged(vector: Vector, judge: Callable[[Vector], Any]) -> Any:
    """What `judge` says of the input; None where the vector wants it refused, and it is, with that code."""
    if "expected" in vector and "error" not in vector:
        try:
            return judge(vector["input"])
        except Fault as fault:
            raise Broken(f"refused with {fault}") from fault
    code = code_of(lambda: judge(vector["input"]))
    codes = _SAME if vector["error"] in _SAME else {vector["error"]}
    want(code in codes, f"{code or 'accepted'}, not {vector['error']}")
    return None


def compared(vector: Vector, judge: Callable[[Vector], Any]) -> None:
    """Fails unless `judge` says what the vector expects."""
    found = judged(vector, judge)
    want(found is None or found == vector["expected"], OTHER)


def plain(value: Any) -> Any:
    """A value as vectors write it, as this codec does."""
    if isinstance(value, list):
        return [plain(element) for element in value]
    if not isinstance(value, dict):
        return value
    [(form, inner)] = value.items()
    match form:
        case "bin":
            return hexed(inner)
        case "map":
            return {key: plain(member) for key, member in inner}
        case "nils":
            return [None] * inner
    return inner


def entry_of(alone: list[str | None]) -> Entry:
    """An entry as vectors write it."""
    return read_entry([None if part is None else hexed(part) for part in alone])


def alone_of(entry: Entry) -> list[str | None]:
    """An entry as vectors write it."""
    return [None if part is None else part.hex() for part in entry.alone()]


def wire(item: list[Any] | None) -> list[Any] | None:
    """An item or cursor with its bytes in hex."""
    return item and [part.hex() if isinstance(part, bytes) else part for part in item]


def from_wire(item: list[Any] | None) -> list[Any] | None:
    """An item or cursor from what vectors write."""
    return item and [hexed(part) if isinstance(part, str) else part for part in item]
