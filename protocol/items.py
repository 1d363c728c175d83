"""Items and cursors: what two nodes compare of one log, and where they left off [R-LOG-17, 18]."""

from __future__ import annotations

import enum
from typing import Any, Final

import msgspec

from protocol import limits
from protocol.errors import RemoteProtocolError

CURSOR_ID_BYTES: Final = 16
CURSOR_TAG_BYTES: Final = 8


class Standing(enum.IntEnum):
    """The first number of an item on the wire."""

    HEAD = 0
    FORKED = 1
    CONTESTED = 2


class Item(msgspec.Struct, frozen=True, gc=False):
    """One log as a node holds it: its head, or that its newest term is forked, or that the identity is contested.

    `seq`, `id` and `held_from` mean something for a head only; `held_from` (SPEC: *from*) is the lowest seq held
    without a hole and takes no part in equality.
    """

    standing: Standing
    author: bytes
    epoch: int
    term: int = 0
    seq: int = 0
    id: bytes = b""
    held_from: int = 0

    def equals(self, other: Item) -> bool:
        """Equal as items: all but `held_from` agree [R-LOG-17]."""
        return (
            self.standing is other.standing
            and self.author == other.author
            and self.epoch == other.epoch
            and self.term == other.term
            and self.seq == other.seq
            and self.id == other.id
        )

    def wire(self) -> list[Any]:
        """The array that stands for the item in messages."""
        match self.standing:
            case Standing.HEAD:
                return [0, self.author, self.epoch, self.term, self.seq, self.id, self.held_from]
            case Standing.FORKED:
                return [1, self.author, self.epoch, self.term]
            case Standing.CONTESTED:
                return [2, self.author, self.epoch]


def parse_item(value: Any) -> Item:
    """Reads the array form.

    Raises:
        RemoteProtocolError: `bad_message`.
    """
    match value:
        case [0, bytes(author), int(epoch), int(term), int(seq), bytes(entry_id), int(held_from)] if (
            len(entry_id) == 32 and 0 <= held_from <= seq <= limits.MAX_SEQ
        ):
            item = Item(Standing.HEAD, author, epoch, term, seq, entry_id, held_from)
        case [1, bytes(author), int(epoch), int(term)]:
            item = Item(Standing.FORKED, author, epoch, term)
        case [2, bytes(author), int(epoch)]:
            item = Item(Standing.CONTESTED, author, epoch)
        case _:
            raise RemoteProtocolError("bad_message", "an item of a form that is not known")
    if len(item.author) != 32 or not (0 <= item.epoch < limits.MAX_EPOCHS and item.term >= 0):
        raise RemoteProtocolError("bad_message", "an item with an author, epoch or term out of bounds")
    if any(type(part) is bool for part in value):
        raise RemoteProtocolError("bad_message", "an item of a form that is not known")
    return item


class Need(enum.Enum):
    """What a node must ask a peer for, given both items of one log."""

    NOTHING = "nothing"  # equal, or the peer is behind: it will ask
    # The peer's head is further on in the same term, or the log is new here and starts there
    ENTRIES = "entries"
    OPENERS = "openers"  # the peer knows a later epoch or term, or a contest
    PROOF = "proof"  # the peer has proof of a fork of our newest term
    BISECT = "bisect"  # same place, other id: one of us has a fork to show
    COMMON = "common"  # the fork or contest is known, but what both branches share is not whole here
    LOWER = "lower"  # equal heads, but the peer holds the log from further down


def need(mine: Item | None, theirs: Item, *, whole: bool = True) -> Need:
    """Compares the items of one log [R-SYNC-5]; pure, so both sides can be tested against each other.

    Args:
        mine: None when nothing of the log is held.
        theirs: what the peer tells.
        whole: whether nothing is lacking of the common part of a forked or contested log (`LogState.lacking`).
    """
    if mine is None:
        return (
            Need.ENTRIES
            if theirs.standing is Standing.HEAD and theirs.epoch == theirs.term == theirs.held_from == 0
            else Need.OPENERS
        )
    settled = Need.NOTHING if whole else Need.COMMON
    if theirs.standing is Standing.CONTESTED:
        # Also of a higher epoch: of two contests the lower one is the item when it is for good, else the higher one is,
        # and no item tells that. So both sides ask, and know the same openers afterwards.
        if mine.standing is not Standing.CONTESTED or mine.epoch != theirs.epoch:
            return Need.OPENERS
        return settled
    if mine.standing is Standing.CONTESTED:
        if theirs.epoch > mine.epoch:
            return Need.OPENERS
        return settled if theirs.epoch == mine.epoch else Need.NOTHING
    if (theirs.epoch, theirs.term) != (mine.epoch, mine.term):
        return Need.OPENERS if (theirs.epoch, theirs.term) > (mine.epoch, mine.term) else Need.NOTHING
    if mine.standing is Standing.FORKED:
        return settled
    if theirs.standing is Standing.FORKED:
        return Need.PROOF
    if theirs.seq > mine.seq:
        return Need.ENTRIES
    if theirs.seq == mine.seq and theirs.id != mine.id:
        return Need.BISECT
    if theirs.seq == mine.seq and theirs.held_from < mine.held_from:
        return Need.LOWER
    return Need.NOTHING


class Cursor(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A place in another node's order of arrival: store id (16 bytes), arrival number, that arrival's tag (8 bytes).

    After a restored backup the numbers are given out anew, with other tags; an unknown tag therefore means that the
    cursor is worth nothing and `heads` comes first [R-LOG-18].
    """

    store: bytes
    arrival: int
    tag: bytes


def parse_cursor(value: Any) -> Cursor:
    """Reads a cursor.

    Raises:
        RemoteProtocolError: `bad_message`.
    """
    match value:
        case [bytes(store), int(arrival), bytes(tag)] if (
            len(store) == CURSOR_ID_BYTES
            and len(tag) == CURSOR_TAG_BYTES
            and type(arrival) is int  # not a bool
            and 0 <= arrival <= limits.MAX_INT
        ):
            return Cursor(store, arrival, tag)
        case _:
            raise RemoteProtocolError(
                "bad_message", "a cursor is an array of store id, arrival number and tag"
            )
