"""Swaps of two issuers' credits, without secrets and without trust in either [R-CRED-43..52].

Whether a lock or a swap *stands* is a function of its own entry: it embeds all openers it needs. So what the first
issuer logs is binding for whoever reads it in the second's log, and the other way round, whatever else either has
logged. What its holder could not move (no cover, a retired key, a counter used before) the issuer bears.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from msgspec import UNSET

from protocol import limits
from protocol.entry import Entry, parse_wire, signature_valid
from protocol.errors import RemoteProtocolError, Void
from protocol.ledger.effects import NEVER, NO_COUNTER, Lots, Stage, Swapped, swap_id
from protocol.ledger.signers import Signers, entries_of
from protocol.ledger.state import State
from protocol.ledger.statements import Leg, Swap, Verify, read, require_both, statement_id
from protocol.records import Lock, SwapEntry, decode_record
from protocol.run import linked


class Unknown(Exception):
    """What an entry rests on is not held here: neither void nor valid."""


class Dated(Protocol):
    """What counts of an entry beside its record; of one that is not signed yet as well."""

    @property
    def author(self) -> bytes:
        """Whose log."""

    @property
    def time(self) -> int:
        """Its date, ms UTC."""


# -- what stands by itself -----------------------------------------------------------------------------------
def standing_lock(network: str, entry: Dated, record: Lock, verify: Verify) -> Swap:
    """The document of a lock that binds its issuer [R-CRED-44].

    Raises:
        Void: in this order: `openers`, `statement`, `names_differ`, `request_over`, `not_signed`.
    """
    signers = Signers(network)
    signers.admit(entries_of(record.openers))
    document = read(Swap, record.document)
    if document.first.issuer != entry.author:
        raise Void("names_differ", "document: another issuer locks")
    _require_standing(network, entry, document, signers, verify)
    return document


def standing_swap(network: str, entry: Dated, record: SwapEntry, verify: Verify) -> Swap:
    """The document of a swap that its issuer has decided [R-CRED-46].

    Raises:
        Void: in this order: `openers`, `statement`, `names_differ`, `request_over`, `not_signed`, `no_lock`.
    """
    signers = Signers(network)
    signers.admit(entries_of(record.openers))
    document = read(Swap, record.document)
    if document.second.issuer != entry.author or record.lock is UNSET:
        raise Void("names_differ", "document: another issuer decides")
    _require_standing(network, entry, document, signers, verify)
    lock = _foreign(network, signers.ever, document.first.issuer, record.lock, Lock.KIND, "no_lock")
    try:
        found = standing_lock(network, lock, _record(lock, Lock), verify)
    except Void as error:
        raise Void("no_lock", f"lock: {error.text}") from error
    if statement_id(network, found) != statement_id(network, document):
        raise Void("no_lock", "lock: is of another swap")
    return document


def _require_standing(network: str, entry: Dated, document: Swap, signers: Signers, verify: Verify) -> None:
    if entry.time >= document.until:
        raise Void("request_over", "document: its time is over")
    require_both(
        network,
        document,
        signers.ever(document.first.holder, document.first.epoch),
        signers.ever(document.second.holder, document.second.epoch),
        verify,
    )


def _foreign(
    network: str,
    keys: Callable[[bytes, int], Sequence[bytes]],
    author: bytes,
    wires: Sequence[Any],
    kind: int,
    code: str,
) -> Entry:
    """The first of consecutive entries of another log, which the last one's signature proves."""
    try:
        entries = [parse_wire(list(wire)) for wire in wires]
    except RemoteProtocolError as error:
        raise Void(code, f"{error.text}") from error
    first, last = entries[0], entries[-1]
    if first.author != author or first.kind != kind or linked(entries) < len(entries):
        raise Void(
            code, "the entries embedded are not those of the other issuer, or do not follow each other"
        )
    if first.place != last.place:
        raise Void(code, "the entries embedded are of two terms")
    if not any(signature_valid(network, key, last) for key in keys(author, last.epoch)):
        raise Void(
            code, "the last entry embedded is not signed by the other issuer, or its openers are missing"
        )
    return first


def _record(entry: Entry, form: type[Any]) -> Any:
    record = None if entry.record is None else decode_record(entry.kind, entry.record)
    if not isinstance(record, form):
        raise Void("malformed", "the entry embedded has no record")
    return record


# -- in the log that locks, and in the one that decides ------------------------------------------------------
def take_lock(state: State, entry: Entry, record: Lock) -> None:
    """Holds what the first side gives [R-CRED-45].

    Raises:
        Void: as `standing_lock`; `already_logged`.
    """
    document = standing_lock(state.network, entry, record, state.verify)
    id = statement_id(state.network, document)
    if swap_id(id) in state.effects:
        raise Void("already_logged", "document: is logged already")
    side = _side(state, entry, id, document.first, document.second.holder, record.openers)
    state.put(swap_id(id), msgspec.structs.replace(side, stage=Stage.LOCKED))


def take_swap(state: State, entry: Entry, record: SwapEntry) -> None:
    """Decides as the second issuer, or ends the lock as the first [R-CRED-46..49].

    Raises:
        Void: as `standing_swap`; for the end of a lock `too_costly`, and those of `judge_end`.
        Unknown: the other log is not held where it is pinned.
    """
    if record.lock is not UNSET:
        document = standing_swap(state.network, entry, record, state.verify)
        id = statement_id(state.network, document)
        if swap_id(id) in state.effects:
            raise Void("already_logged", "document: is logged already")
        state.put(
            swap_id(id), _side(state, entry, id, document.second, document.first.holder, record.openers)
        )
        return
    if record.pins is not UNSET:  # each entry between is read
        (first, _), (last, _) = record.pins
        state.spend(entry.seq, max(0, last - first))
    id, ended = judge_end(state, record)
    state.put(id, ended)


def judge_end(state: State, record: SwapEntry) -> tuple[bytes, Swapped]:
    """What a lock comes to by its end: id of the effect, and its value then; nothing but signers is changed.

    Raises:
        Void: in this order: `statement`, `no_lock`, `openers`, `no_swap`, `already_logged`.
        Unknown: the other log is not held where it is pinned.
    """
    document = read(Swap, record.document)
    id = swap_id(statement_id(state.network, document))
    side = state.effects.get(id)
    if not isinstance(side, Swapped) or document.first.issuer != state.issuer:
        raise Void("no_lock", "document: this log has no lock of it")
    given = _embedded(state, document, record) if record.pins is UNSET else _pinned(state, document, record)
    stage = Stage.GIVEN if given else Stage.BACK
    if stage <= side.stage:
        raise Void("already_logged", "document: its lock has ended")
    return id, msgspec.structs.replace(side, stage=stage)


def _side(
    state: State, entry: Entry, id: bytes, leg: Leg, to: bytes, openers: Sequence[Sequence[Any]]
) -> Swapped:
    """What this log owes for its side of a swap, moved by its holder as far as they could, else by the issuer."""
    with suppress(
        Void
    ):  # they verify by themselves, but may not after what this log holds, in a contest for good
        state.signers.admit(entries_of(openers))
    free = state.counters.setdefault((leg.holder, leg.counter), id) == id
    bound = (
        free and bool(state.signers.keys(leg.holder, leg.epoch)) and not state.signers.contested(leg.holder)
    )
    holder = leg.holder if bound else state.issuer
    lots: Lots = ()
    if bound:
        account = state.accounts.account(leg.unit, holder)
        account.settle(entry.time, final=True)
        available = account.figures(entry.time).available
        lots = account.choose(min(leg.amount, available), entry.time)
        if not state.affords(entry.seq, limits.KEPT_STEPS * len(lots)):
            lots = ()  # it binds all the same: the issuer bears what nobody can keep
    rest = leg.amount - sum(amount for _, amount in lots)
    if rest:
        lots = _with(lots, rest)
    counter = leg.counter if bound else NO_COUNTER
    return Swapped(Stage.GIVEN, leg.unit, holder, to, leg.amount, counter, lots)


def _with(lots: Lots, rest: int) -> Lots:
    """What is not covered is of no class that expires."""
    sums = dict(lots)
    sums[NEVER] = sums.get(NEVER, 0) + rest
    return tuple(sorted(sums.items()))


def _embedded(state: State, document: Swap, record: SwapEntry) -> bool:
    """Whether the entries embedded prove the second issuer's swap, signed with a key that counts in this log."""
    assert record.swap is not UNSET  # asked before
    state.signers.admit(entries_of(record.openers))
    swap = _foreign(
        state.network, state.signers.keys, document.second.issuer, record.swap, SwapEntry.KIND, "no_swap"
    )
    if not _swaps(state, swap, document):
        raise Void("no_swap", "swap: does not decide this swap")
    return True


def _pinned(state: State, document: Swap, record: SwapEntry) -> bool:
    """Whether the second issuer's log has swapped between two places of it [R-CRED-49]."""
    assert record.pins is not UNSET  # asked before
    head, last = record.pins
    if head != document.head:
        raise Void("no_swap", "pins: begin at another place than the one in the document")
    entries = state.between(document.second.issuer, head, last)
    if entries is None:
        raise Unknown("the other issuer's log is not held here up to the place that is pinned")
    if not entries or (entries[-1].seq, entries[-1].id) != last or entries[-1].time < document.until:
        raise Void("no_swap", "pins: the second place is dated before the swap's time is over")
    if entries[0].prev != head[1] or linked(entries) < len(entries):
        raise Void("no_swap", "pins: the second place does not descend from the first")
    return any(_swaps(state, each, document) for each in entries)


def _swaps(state: State, entry: Entry, document: Swap) -> bool:
    """Whether an entry of the second issuer decides a swap."""
    if entry.kind != SwapEntry.KIND or entry.record is None or entry.author != document.second.issuer:
        return False
    try:
        record = _record(entry, SwapEntry)
        if statement_id(state.network, read(Swap, record.document)) != statement_id(state.network, document):
            return False  # of the many between two places no signature is looked at
        standing_swap(state.network, entry, record, state.verify)
    except Void:
        return False
    return True
