"""Openers: inceptions, rotations and settlements, each verified by itself; sections 8.1 and 8.4."""

from __future__ import annotations

from enum import Enum
from typing import Any

from netnode.conformance.entries import INCEPTION, NOTHING, ROTATION, SETTLEMENT, Entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import MAX_EPOCHS
from netnode.conformance.records import read_record
from netnode.conformance.signatures import check_key
from netnode.conformance.tags import networker_id, promise

Place = tuple[int, int]
"""Epoch and term; they are ordered."""


class Arrival(Enum):
    """What an opener that verified turned out to be."""

    NEWEST = "opens a place above all known"
    SECOND = "opens a place that another opener opens"
    KNOWN = "known already"
    CLOSED = "opens a place that is closed"


def follows(below: Place, opener: Entry) -> bool:
    """Whether an opener opens the place after this one. [R-LOG-3] [R-LOG-4]."""
    epoch, term = below
    expected = {ROTATION: (epoch + 1, 0), SETTLEMENT: (epoch, term + 1)}
    return expected.get(opener.header.kind) == opener.place


class Openers:
    """The openers known of one networker, whatever is held of the log.

    Attributes:
        network: the name of the network.
        epochs: the inception (two where they fork, R-LOG-25) and the rotations, at most two of each epoch. [R-LOG-16]
        settlements: those of the newest term of the newest epoch, two where they fork it. [R-LOG-28]
    """

    def __init__(self, network: str) -> None:
        self.network = network
        self.epochs: dict[int, list[Entry]] = {}
        self.settlements: list[Entry] = []

    # -- what they say -----------------------------------------------------------------------------------------

    @property
    def author(self) -> bytes | None:
        """Whose they are; None while no inception is known."""
        return self.epochs[0][0].header.author if self.epochs else None

    @property
    def for_good(self) -> int | None:
        """The lowest epoch whose openers promise different keys. [R-LOG-16]."""
        return next((epoch for epoch in sorted(self.epochs) if len(self._promises(epoch)) > 1), None)

    @property
    def contested(self) -> int | None:
        """The epoch that is contested, and not healed by a rotation above it. [R-LOG-16]."""
        if self.for_good is not None or not self.epochs:
            return self.for_good
        newest = max(self.epochs)
        return newest if newest > 0 and len(self.epochs[newest]) > 1 else None

    @property
    def newest(self) -> list[Entry]:
        """The opener of the newest place, or the two that contest or fork it."""
        return self.settlements or self.epochs[max(self.epochs)]

    @property
    def place(self) -> Place:
        """The newest place."""
        return self.newest[0].place

    @property
    def forked(self) -> bool:
        """Whether two openers fork the newest term. [R-LOG-14] [R-LOG-25]."""
        return self.contested is None and len(self.newest) > 1

    def keys(self, epoch: int) -> list[bytes]:
        """The signing keys of an epoch: one, or two where it is or was contested. [R-KEY-1]."""
        return [_record(opener)["key"] for opener in self.epochs[epoch]]

    def _promises(self, epoch: int) -> set[bytes]:
        return {_record(opener)["promise"] for opener in self.epochs[epoch]}

    def signs(self, entry: Entry) -> bool:
        """Whether the own signature of an entry verifies under a key of its epoch, which is known. [R-KEY-1]."""
        return any(entry.signed(self.network, key) for key in self.keys(entry.header.epoch))

    def knows(self, entry: Entry) -> bool:
        """Whether this very opener is known."""
        kept = [*self.epochs.get(entry.header.epoch, []), *self.settlements]
        return any(opener.id == entry.id for opener in kept)

    # -- what they admit ---------------------------------------------------------------------------------------

    def admit(self, entry: Entry) -> Arrival:
        """Verifies an opener by itself and takes it in. [R-LOG-5].

        Raises:
            Fault: as [R-LOG-1], [R-LOG-3] or [R-LOG-4] says; `opener` for an entry that is none.
        """
        if self.author is None and entry.header.kind != INCEPTION and entry.opens:
            raise Fault("unknown_author", "no inception is known")
        self.verify(entry)
        if self.knows(entry):
            return Arrival.KNOWN
        if entry.header.kind == SETTLEMENT:
            return self._admit_settlement(entry)
        return self._admit_epoch(entry)

    def _admit_epoch(self, entry: Entry) -> Arrival:
        epoch = entry.header.epoch
        known = self.epochs.setdefault(epoch, [])
        if not known:
            known.append(entry)
            self.settlements = []  # a new epoch closes them [R-LOG-28]
            return Arrival.NEWEST
        if epoch == 0 and self.place != (0, 0):
            return Arrival.SECOND  # and without effect once a later opener is known [R-LOG-25]
        self.epochs[epoch] = _kept([*known, entry])
        return Arrival.SECOND

    def _admit_settlement(self, entry: Entry) -> Arrival:
        if entry.place < self.place:
            return Arrival.CLOSED
        demand(self.contested is None, "contested", "no settlement while the identity is contested")
        if entry.place > self.place:
            self.settlements = [entry]
            return Arrival.NEWEST
        self.settlements = sorted([*self.settlements, entry], key=_order)[:2]
        return Arrival.SECOND

    # -- what they verify --------------------------------------------------------------------------------------

    def verify(self, entry: Entry) -> None:
        """Verifies an opener by itself; whether its place is closed or contested is not looked at.

        Raises:
            Fault: as R-LOG-1, 3 and 4 say, in their order. [R-LOG-5]
        """
        verify = {INCEPTION: self._inception, ROTATION: self._rotation, SETTLEMENT: self._settlement}
        demand(entry.opens, "opener", "its kind opens nothing")
        demand(self.author in (None, entry.header.author), "opener", "of another networker")
        verify[entry.header.kind](entry)

    def _inception(self, entry: Entry) -> None:
        header = entry.header
        demand(header.seq == 0 and header.place == (0, 0) and header.prev == NOTHING, "opener", "its place")
        record = _record(entry)
        demand(header.author == networker_id(self.network, entry.record or b""), "opener", "its id")
        check_key(record["key"])
        demand(entry.signed(self.network, record["key"]), "signature", "of the inception")

    def _rotation(self, entry: Entry) -> None:
        epoch, term = entry.place
        right = 1 <= epoch < MAX_EPOCHS and term == 0 and entry.seq > 0  # [R-LOG-26]
        demand(right, "opener", "its place")
        demand(epoch - 1 in self.epochs, "unknown_epoch", "the epoch below")
        demand(self.for_good is None or self.for_good >= epoch, "contested", "for good")
        record = _record(entry)
        promised = promise(self.network, record["reveal"]) in self._promises(epoch - 1)
        demand(promised, "promise", "a key that was not promised")
        check_key(record["key"])
        check_key(record["reveal"])
        demand(entry.signed(self.network, record["reveal"]), "signature", "of the rotation")

    def _settlement(self, entry: Entry) -> None:
        demand(entry.header.term >= 1 and entry.seq > 0, "opener", "its place")
        demand(entry.header.epoch in self.epochs, "unknown_epoch", "of the settlement")
        demand(self.signs(entry), "signature", "of the settlement")
        _record(entry)


def _order(opener: Entry) -> tuple[int, bytes]:
    """Which openers are kept does not depend on which came first. [R-LOG-16]."""
    return (opener.seq, opener.id)


def _kept(openers: list[Entry]) -> list[Entry]:
    """The two of one epoch that are kept. [R-LOG-16]."""
    ordered = sorted(openers, key=_order)
    lowest: dict[bytes, Entry] = {}
    for opener in ordered:
        lowest.setdefault(_record(opener)["promise"], opener)
    return (list(lowest.values()) if len(lowest) > 1 else ordered)[:2]


def _record(opener: Entry) -> dict[str, Any]:
    """The record of an opener.

    Raises:
        Fault: `opener` when it is malformed or not there. [R-LOG-27]
    """
    try:
        return read_record(opener.header.kind, opener.record or b"")
    except Fault as fault:
        raise Fault("opener", str(fault)) from fault
