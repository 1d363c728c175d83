"""What is known of a networker's keys: inception, rotations, settlements [R-LOG-1..5, 14, 16].

Openers are verified by themselves, however they came and whatever lies between: the promised key's hash, then that
key's own signature. `Openers` is a frozen value; `admit` returns a new one. It answers three questions: which
(epoch, term) is the newest, which key signs there, and is the identity contested.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from protocol import limits
from protocol.entry import INCEPTION, NO_PREV, ROTATION, SETTLEMENT, Entry, signature_valid
from protocol.errors import NotHeld, RemoteProtocolError, Void
from protocol.identity import networker_id
from protocol.kinds import decode_record
from protocol.records.openers import Inception, Rotation, Settlement
from protocol.recovery import promise as promise_of
from protocol.signing import check_key

RecordT = TypeVar("RecordT", Inception, Rotation, Settlement)


@dataclass(frozen=True, slots=True)
class Opening:
    """One verified opener with what its record says; a settlement changes neither key nor promise."""

    entry: Entry
    key: bytes
    promise: bytes


@dataclass(frozen=True, slots=True)
class Openers:
    """All openers that count of one networker.

    `epochs[e]` holds the one opener of epoch e, or the two of a contested one. `settlements` holds the opener of the
    newest term of the newest epoch, or the two that fork it; empty in term 0.
    """

    network: str
    author: bytes
    epochs: tuple[tuple[Opening, ...], ...]
    settlements: tuple[Entry, ...] = ()
    # What follows from these is worked out once: every entry that comes is judged by it.
    epoch: int = field(init=False, repr=False, compare=False)  # the newest epoch known
    term: int = field(init=False, repr=False, compare=False)  # the newest term known of the newest epoch
    place: tuple[int, int] = field(init=False, repr=False, compare=False)  # both
    contested: int | None = field(init=False, repr=False, compare=False)  # the epoch at which the identity is
    term_forked: bool = field(
        init=False, repr=False, compare=False
    )  # two openers of the newest term [R-LOG-14]

    def __post_init__(self) -> None:
        epoch = len(self.epochs) - 1
        term = self.settlements[0].term if self.settlements else 0
        # Two settlements, or two inceptions with one record.
        forked = len(self.settlements) > 1 or (epoch == 0 and term == 0 and len(self.epochs[0]) > 1)
        object.__setattr__(self, "epoch", epoch)
        object.__setattr__(self, "term", term)
        object.__setattr__(self, "place", (epoch, term))
        object.__setattr__(self, "contested", _contested(self.epochs))
        object.__setattr__(self, "term_forked", forked)

    @property
    def newest(self) -> tuple[Entry, ...]:
        """The opener of the newest (epoch, term); two when it is contested or forked."""
        return self.settlements or tuple(opening.entry for opening in self.epochs[-1])

    def keys(self, epoch: int) -> tuple[bytes, ...]:
        """The signing keys an epoch may have: one, or two when it was contested; none when it is not known."""
        if epoch > self.epoch:
            return ()
        return tuple(dict.fromkeys(opening.key for opening in self.epochs[epoch]))

    def entries(self) -> tuple[Entry, ...]:
        """Every opener kept, oldest epoch first, the settlements last."""
        return tuple(opening.entry for openings in self.epochs for opening in openings) + self.settlements

    def knows(self, entry: Entry) -> bool:
        """Whether this very opener is among those kept."""
        return any(entry.id == known.id for known in self.entries())

    def admit(self, entry: Entry) -> Openers:
        """Takes in one opener.

        Returns:
            The new value, or this one when the opener is known already or changes nothing.

        Raises:
            RemoteProtocolError: `opener`, `promise`, `key` or `signature`: it does not verify.
            NotHeld: `unknown_epoch` (a rotation between is missing), `stale` (a settlement of a closed term),
                `contested` (the epoch below is contested for good).
        """
        if entry.author != self.author:
            raise RemoteProtocolError("opener", "an opener of another networker")
        if self.knows(entry):
            return self
        if entry.kind == INCEPTION:
            return self._add(0, verify_inception(self.network, entry))
        if entry.kind == ROTATION:
            return self._admit_rotation(entry)
        if entry.kind == SETTLEMENT:
            return self._admit_settlement(entry)
        raise RemoteProtocolError("opener", f"kind {entry.kind} opens nothing")

    def _admit_rotation(self, entry: Entry) -> Openers:
        if not 1 <= entry.epoch <= limits.MAX_EPOCHS - 1 or entry.term != 0 or entry.seq == 0:
            raise RemoteProtocolError("opener", "a rotation opens term 0 of an epoch from 1 on, above seq 0")
        if entry.epoch > self.epoch + 1:
            raise NotHeld("unknown_epoch", f"the rotation to epoch {self.epoch + 1} is not known here")
        promises = {opening.promise for opening in self.epochs[entry.epoch - 1]}
        if len(promises) > 1:
            raise NotHeld("contested", f"epoch {entry.epoch - 1} is contested for good")
        return self._add(entry.epoch, _verify_rotation(self.network, entry, promises.pop()))

    def _admit_settlement(self, entry: Entry) -> Openers:
        if entry.term < 1 or entry.seq == 0:
            raise RemoteProtocolError("opener", "a settlement opens a term from 1 on, above seq 0")
        if entry.epoch > self.epoch:
            raise NotHeld("unknown_epoch", f"the rotation to epoch {entry.epoch} is not known here")
        if not any(signature_valid(self.network, key, entry) for key in self.keys(entry.epoch)):
            raise RemoteProtocolError("signature", "a settlement is signed by the signing key of its epoch")
        _record(entry, Settlement)
        if entry.place < self.place:
            raise NotHeld("stale", "a settlement of a closed term")
        if self.contested is not None:
            raise NotHeld("contested", "only a rotation ends a contest")
        if entry.place > self.place:
            return replace(self, settlements=(entry,))
        return replace(self, settlements=_two(self.settlements, entry))

    def _add(self, epoch: int, opening: Opening) -> Openers:
        """Puts a verified inception or rotation at its epoch; a new epoch ends the terms of the one before."""
        if epoch > self.epoch:
            return replace(self, epochs=(*self.epochs, (opening,)), settlements=())
        known = self.epochs[epoch]
        pair = _pair((*known, opening))
        if pair == known:
            return self
        epochs = self.epochs[:epoch] + (pair,) + self.epochs[epoch + 1 :]
        if epoch > 0 and len({each.promise for each in pair}) > 1:
            return replace(
                self, epochs=epochs[: epoch + 1], settlements=()
            )  # whatever lies above it does not count
        if epoch > 0 and epoch == self.epoch:
            return replace(self, epochs=epochs, settlements=())
        return replace(self, epochs=epochs)


def _contested(epochs: tuple[tuple[Opening, ...], ...]) -> int | None:
    """The epoch at which the identity is contested [R-LOG-16].

    For good at the lowest one with differing promises, else at the newest while it has two openers.
    """
    for epoch, openings in enumerate(epochs):
        if epoch > 0 and len(openings) > 1 and len({opening.promise for opening in openings}) > 1:
            return epoch
    newest = len(epochs) - 1
    return newest if newest > 0 and len(epochs[-1]) > 1 else None


def start(network: str, inception: Entry) -> Openers:
    """What is known of a networker from its inception alone.

    Raises:
        RemoteProtocolError: it does not verify.
    """
    return Openers(network, inception.author, ((verify_inception(network, inception),),))


def verify_inception(network: str, entry: Entry) -> Opening:
    """Checks an inception by itself [R-LOG-1].

    Raises:
        RemoteProtocolError: `opener` (place, record, or an id that is not the hash of the record), `key`, `signature`.
    """
    if entry.kind != INCEPTION or entry.seq != 0 or entry.place != (0, 0) or entry.prev != NO_PREV:
        raise RemoteProtocolError(
            "opener", "an inception is entry 0 of epoch 0 and term 0, without a predecessor"
        )
    record = _record(entry, Inception)
    if entry.record is None or networker_id(network, entry.record) != entry.author:
        raise RemoteProtocolError("opener", "the author's id is not the hash of the inception record")
    if not signature_valid(network, record.key, entry):
        check_key(
            record.key
        )  # only on failure: a signature that verifies proves a good key, at a third of the cost
        raise RemoteProtocolError("signature", "an inception is signed by the key it names")
    return Opening(entry, record.key, record.promise)


def _verify_rotation(network: str, entry: Entry, promise: bytes) -> Opening:
    """Checks a rotation by itself: promised hash first, then that key's own signature [R-LOG-3, 5]."""
    record = _record(entry, Rotation)
    if promise_of(network, record.reveal) != promise:
        raise RemoteProtocolError("promise", "the revealed key is not the one that was promised")
    check_key(record.reveal)
    check_key(record.key)
    if not signature_valid(network, record.reveal, entry):
        raise RemoteProtocolError("signature", "a rotation is signed by the promised key it reveals")
    return Opening(entry, record.key, record.promise)


def _record(entry: Entry, form: type[RecordT]) -> RecordT:
    """The decoded record of an opener; one that is malformed opens nothing."""
    if entry.record is None:
        raise RemoteProtocolError("opener", "an opener travels with its record")
    try:
        record = decode_record(entry.kind, entry.record)
    except Void as error:
        raise RemoteProtocolError("opener", error.text) from error
    if not isinstance(record, form):
        raise RemoteProtocolError("opener", f"kind {entry.kind} is not {form.__name__.lower()}")
    return record


def _order(entry: Entry) -> tuple[int, bytes]:
    """Which of several openers are kept must not depend on the order in which they came: the lowest by this."""
    return (entry.seq, entry.id)


def _pair(openings: tuple[Opening, ...]) -> tuple[Opening, ...]:
    """The openings of one epoch that are kept: two with different promises say more than two alike [R-LOG-16]."""
    ordered = sorted(openings, key=lambda opening: _order(opening.entry))
    by_promise = {opening.promise: opening for opening in reversed(ordered)}
    if len(by_promise) > 1:
        ordered = sorted(by_promise.values(), key=lambda opening: _order(opening.entry))
    return tuple(ordered[:2])


def _two(known: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """The settlements of one term that are kept."""
    return tuple(sorted((*known, entry), key=_order)[:2])
