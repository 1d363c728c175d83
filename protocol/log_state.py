"""What a node holds of one log: the value that `protocol.log` judges chains against [R-LOG-13..17]."""

from __future__ import annotations

from typing import Protocol

import msgspec

from protocol import limits
from protocol.entry import Entry
from protocol.items import Item, Standing
from protocol.openers import Openers


class Place(msgspec.Struct, frozen=True):
    """What must be known of an entry to link another one to it."""

    seq: int
    id: bytes
    epoch: int
    term: int
    time: int
    kind: int

    @property
    def place(self) -> tuple[int, int]:
        """(epoch, term)."""
        return (self.epoch, self.term)


class Base(msgspec.Struct, frozen=True):
    """The lowest entry held without a hole: its seq, and what the one below it must be."""

    seq: int
    prev: bytes
    epoch: int
    term: int
    time: int
    opener: bool


class Extent(msgspec.Struct, frozen=True):
    """Linked entries set aside: a former main run, or its disowned end. `base` is its lowest entry."""

    number: int
    base: Base
    last: int


class LogState(msgspec.Struct, frozen=True):
    """One log as held here. A value: `receive` and `receive_proof` return new ones."""

    openers: Openers
    base: Base
    tip: Place
    aside: tuple[Extent, ...] = ()
    fork: int | None = None  # the lowest seq of the newest (epoch, term) at which two entries are known
    extents: int = 0  # how many extents were ever numbered

    @property
    def author(self) -> bytes:
        """The networker's id, 32 bytes."""
        return self.openers.author

    @property
    def forked(self) -> bool:
        """Whether the newest term is known to be forked."""
        return self.fork is not None or self.openers.term_forked

    @property
    def open(self) -> bool:
        """Whether entries other than openers may still be accepted."""
        return not self.forked and self.openers.contested is None

    @property
    def common(self) -> int:
        """The seq up to which the log may have effect: the tip, or the last common entry below a fork or contest."""
        if self.open:
            return self.tip.seq
        limit = self.fork if self.fork is not None else self.tip.seq + 1
        contested = self.openers.contested
        if contested is not None:
            limit = min(limit, *(each.entry.seq for each in self.openers.epochs[contested]))
        elif self.openers.term_forked:
            limit = min(limit, *(entry.seq for entry in self.openers.newest))
        return limit - 1

    @property
    def lacking(self) -> tuple[tuple[int, int], ...]:
        """What a forked or contested log lacks of its common part, which its item does not tell [R-SYNC-6].

        Returns:
            (first, last) seqs of what may have effect and is not held; first > last below the base, which is filled
            from the top down. Empty for a log that is open.
        """
        if self.open:
            return ()
        missing: list[tuple[int, int]] = []
        if self.fork is not None and self.tip.seq < self.fork - 1:
            last = self.fork - 1
            missing.append(
                (self.tip.seq + 1, last + -last % limits.ANCHOR_EVERY)
            )  # as far as a proof may lie
        if self.base.seq > 0:
            missing.append((self.base.seq - 1, 0))
        return tuple(missing)

    def item(self) -> Item:
        """What is compared with other nodes [R-LOG-17]."""
        contested = self.openers.contested
        if contested is not None:
            return Item(Standing.CONTESTED, self.author, contested)
        epoch, term = self.openers.place
        if self.forked:
            return Item(Standing.FORKED, self.author, epoch, term)
        return Item(Standing.HEAD, self.author, epoch, term, self.tip.seq, self.tip.id, self.base.seq)


class LogView(Protocol):
    """How stored entries of the log in question are read."""

    def main(self, seq: int) -> Entry | None:
        """The entry of the main run at `seq`."""

    def aside(self, number: int, seq: int) -> Entry | None:
        """The entry at `seq` of an extent set aside."""
