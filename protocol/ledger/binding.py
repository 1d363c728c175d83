"""What an issuer asks before it binds itself to a side of a swap: whoever logs it owes it, covered or not [R-CRED-81].

Every record made here has effect, moves nothing but credit of the holder who signed, and leaves no shortfall.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from protocol import limits
from protocol.entry import parse_wire
from protocol.errors import Void
from protocol.ledger.effects import swap_id
from protocol.ledger.signers import entries_of
from protocol.ledger.state import State
from protocol.ledger.statements import Leg, Swap, statement_id
from protocol.ledger.swaps import judge_end, standing_lock, standing_swap
from protocol.records import Lock, SwapEntry
from protocol.records.fields import Place

Wires = Sequence[Sequence[Any]]
"""Openers of several networkers, as they travel."""


@dataclass(frozen=True, slots=True)
class _Draft:
    author: bytes
    time: int


def lock(state: State, document: bytes, openers: Wires, known: Wires, time: int) -> Lock:
    """The lock of a swap whose first issuer this is.

    Args:
        state: of the own book.
        document: signed by both holders.
        openers: of both holders, whole.
        known: openers known here besides: who has rotated since is not bound by an older key.
        time: date of the entry, ms UTC.

    Raises:
        Void: as `standing_lock`; then `already_logged`, `openers`, `not_signed`, `contested_holder`, `counter`,
            `not_covered`, `too_costly`.
    """
    record = Lock(document=document, openers=_wires(openers))
    found = standing_lock(state.network, _Draft(state.issuer, time), record, state.verify)
    _require_cover(state, found, found.first, openers, known, time)
    return record


def swap(
    state: State, document: bytes, openers: Wires, known: Wires, entries: Sequence[Any], time: int
) -> SwapEntry:
    """The entry that decides a swap whose second issuer this is.

    Args:
        state: of the own book.
        document: signed by both holders.
        openers: of both holders and the first issuer, whole.
        known: as for a lock.
        entries: of the first issuer's log, its lock first, a signed one last.
        time: date of the entry, ms UTC.

    Raises:
        Void: as `standing_swap`; then as `lock`.
    """
    record = SwapEntry(document=document, lock=tuple(entries), openers=_wires(openers))
    found = standing_swap(state.network, _Draft(state.issuer, time), record, state.verify)
    _require_cover(state, found, found.second, openers, known, time)
    return record


def end_by_swap(
    state: State, document: bytes, openers: Wires, known: Wires, entries: Sequence[Any]
) -> SwapEntry:
    """The end of a lock, to the other holder.

    Args:
        state: of the own book.
        document: as locked.
        openers: of the second issuer, up to the epoch of its swap.
        known: newer openers of the second issuer; with any of them its own word does not count any more.
        entries: of the second issuer's log, its swap first, a signed one last.

    Raises:
        Void: as `judge_end`.
    """
    record = SwapEntry(document=document, openers=_wires(openers), swap=tuple(entries))
    judge_end(_draft(state, openers, known), record)
    return record


def end_by_pins(state: State, document: bytes, head: Place, last: Place) -> SwapEntry:
    """The end of a lock, to whom the second issuer's log says.

    Args:
        state: of the own book.
        document: as locked.
        head: as in the document.
        last: of the second issuer's log, dated when the swap's time was over.

    Raises:
        Void: as `judge_end`; `too_costly`.
        Unknown: the second issuer's log is not held here between the two.
    """
    record = SwapEntry(document=document, openers=(), pins=(head, last))
    state.require_steps(
        max(0, last[0] - head[0]), "pins: are further apart than this log may ask its readers to look now"
    )
    judge_end(state.draft(), record)
    return record


def _draft(state: State, openers: Wires, known: Wires) -> State:
    draft = state.draft()
    draft.signers.admit(entries_of(openers))
    for each in known:
        with suppress(Void):  # held elsewhere, but not what follows on what this log knows
            draft.signers.admit(entries_of((each,)))
    return draft


def _require_cover(state: State, found: Swap, leg: Leg, openers: Wires, known: Wires, time: int) -> None:
    """Refuses what the issuer would have to stand in for."""
    id = statement_id(state.network, found)
    if swap_id(id) in state.effects:
        raise Void("already_logged", "document: is logged already")
    draft = _draft(state, openers, known)
    if not draft.signers.keys(leg.holder, leg.epoch):
        raise Void("not_signed", "document: its holder has rotated the key since")
    if draft.signers.contested(leg.holder):
        raise Void("contested_holder", "document: its holder's identity is contested")
    if state.counters.get((leg.holder, leg.counter), id) != id:
        raise Void("counter", "document: another request or swap of its holder has this counter")
    account = state.accounts.account(leg.unit, leg.holder)
    account.settle(time, final=False)
    lots = account.choose(leg.amount, time)
    if account.figures(time).available < leg.amount or sum(amount for _, amount in lots) < leg.amount:
        raise Void("not_covered", "document: more is given than is available")
    state.require_steps(
        limits.KEPT_STEPS * len(lots), "document: gives credit of more expiries than this log can keep now"
    )


def _wires(openers: Wires) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(each) for each in openers)


def openers_until(wires: Iterable[Any], epoch: int) -> tuple[Any, ...]:
    """The openers of one networker up to an epoch, as they travel: inception first, one rotation for each."""
    return tuple(each for each in wires if parse_wire(list(each)).epoch <= epoch)
