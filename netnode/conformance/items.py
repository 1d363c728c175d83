"""Items, cursors, and what one node needs of another; sections 8.4, 8.5 and 11.2."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.faults import demand
from netnode.conformance.limits import HASH_BYTES, MAX_EPOCHS, MAX_INT, MAX_SEQ
from netnode.conformance.shapes import bin_, int_, row

HEAD: Final = 0
FORKED: Final = 1
CONTESTED: Final = 2

_AUTHOR: Final = bin_(HASH_BYTES)
_EPOCH: Final = int_(0, MAX_EPOCHS - 1)
_ITEMS: Final = (
    row(int_(0, 0), _AUTHOR, _EPOCH, int_(), int_(0, MAX_SEQ), bin_(HASH_BYTES), int_(0, MAX_SEQ)),
    row(int_(1, 1), _AUTHOR, _EPOCH, int_()),
    row(int_(2, 2), _AUTHOR, _EPOCH),
)
_CURSOR: Final = row(bin_(16), int_(0, MAX_INT), bin_(8))

Item = list[Any]
"""As on the wire: `[0, author, epoch, term, seq, id, from]`, `[1, author, epoch, term]` or `[2, author, epoch]`."""


def is_item(value: object) -> bool:
    """Whether this is an item [R-LOG-17]."""
    if not isinstance(value, list) or not any(shape(value) for shape in _ITEMS):
        return False
    return value[0] != HEAD or bool(value[6] <= value[4])


def is_cursor(value: object) -> bool:
    """Whether this is a cursor [R-LOG-18]."""
    return _CURSOR(value)


def check_item(value: object) -> None:
    """Raises `bad_message` unless this is an item [R-MSG-6]."""
    demand(is_item(value), "bad_message", "no item")


def check_cursor(value: object) -> None:
    """Raises `bad_message` unless this is a cursor [R-MSG-6]."""
    demand(is_cursor(value), "bad_message", "no cursor")


def same(told: Item | None, item: Item | None) -> bool:
    """Whether two items are equal: in all but `from`."""
    return told == item or (told is not None and item is not None and told[:6] == item[:6])


def words(item: Item | None) -> str:
    """An item for people."""
    if item is None:
        return "none"
    if item[0] == HEAD:
        return f"the head {item[4]} of place {item[2]}.{item[3]}, held from {item[6]}"
    return f"forked at {item[2]}.{item[3]}" if item[0] == FORKED else f"contested at {item[2]}"


def need(mine: Item | None, theirs: Item) -> str:
    """What has to be asked for when a peer tells `theirs`: the name in the table of R-SYNC-5."""
    if mine is None:
        whole = theirs[0] == HEAD and theirs[2:4] == [0, 0] and theirs[6] == 0
        return "ENTRIES" if whole else "OPENERS"
    if mine[0] == CONTESTED:
        asks = theirs[2] != mine[2] if theirs[0] == CONTESTED else theirs[2] > mine[2]
        return "OPENERS" if asks else "NOTHING"
    if theirs[0] == CONTESTED:
        return "OPENERS"
    if theirs[2:4] != mine[2:4]:
        return "OPENERS" if theirs[2:4] > mine[2:4] else "NOTHING"
    if mine[0] == FORKED:
        return "NOTHING"
    return "PROOF" if theirs[0] == FORKED else _need_of_heads(mine, theirs)


def _need_of_heads(mine: Item, theirs: Item) -> str:
    """The same, of two heads of one place."""
    if theirs[4] != mine[4]:
        return "ENTRIES" if theirs[4] > mine[4] else "NOTHING"
    if theirs[5] != mine[5]:
        return "BISECT"
    return "LOWER" if theirs[6] < mine[6] else "NOTHING"
