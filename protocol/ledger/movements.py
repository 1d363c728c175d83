"""Transfers, redemptions and payouts: credit moves when its holder has signed for it [R-CRED-34..42]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from protocol import limits
from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.effects import Kind, Lots, Moved, movement_id
from protocol.ledger.state import State
from protocol.ledger.statements import Action, Limit, Request, read, require_signed, statement_id
from protocol.records import Payout, Redeem, Transfer

_KINDS: Final[Mapping[Action, Kind]] = {
    "payout": Kind.PAYOUT,
    "redeem": Kind.REDEEM,
    "transfer": Kind.TRANSFER,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A request that may be carried out now.

    Attributes:
        request: as read.
        id: of the request.
        to: recipient of a transfer; else empty.
        limit: of the recipient; None: there is none, or none is needed.
        lots: which credit it uses.
    """

    request: Request
    id: bytes
    to: bytes
    limit: Limit | None
    lots: Lots

    @property
    def steps(self) -> int:
        """What a reader keeps of it [R-CRED-93]."""
        return limits.KEPT_STEPS * len(self.lots)


def take_movement(state: State, entry: Entry, record: Transfer | Redeem | Payout) -> None:
    """Carries out a holder's request [R-CRED-34].

    Raises:
        Void: as `judge_movement`; before it `openers`, after it `too_costly`.
    """
    state.admit(record.openers)
    judged = judge_movement(state, record, entry.time, final=True)
    state.spend(entry.seq, judged.steps)
    request = judged.request
    if judged.limit is not None:
        state.limits[judged.to, request.unit] = judged.limit.counter
    state.counters[request.holder, request.counter] = judged.id
    kind = _KINDS[request.action]
    moved = Moved(kind, request.unit, request.holder, judged.to, request.amount, request.counter, judged.lots)
    state.put(movement_id(judged.id), moved)
    file = None if request.order is UNSET else state.orders.kept(request.order)
    if file is not None:
        file.redeem(request.holder, request.unit, request.amount)


def judge_movement(
    state: State, record: Transfer | Redeem | Payout, time: int, *, final: bool = False
) -> Judged:
    """Whether a request may be carried out; nothing is moved.

    Args:
        state: with the record's openers taken in.
        record: of the entry.
        time: date of the entry, ms UTC.
        final: no earlier moment will be asked for.

    Raises:
        Void: in this order: `statement`, `names_differ`, `already_logged`, `not_signed`, `contested_holder`,
            `request_over`, `counter`, `no_limit`, `not_covered`, `over_limit`.
    """
    request = read(Request, record.request)
    if request.issuer != state.issuer or request.action != type(record).__name__.lower():
        raise Void("names_differ", "request: is to another issuer, or asks for something else")
    id = statement_id(state.network, request)
    if movement_id(id) in state.effects:
        raise Void("already_logged", "request: was carried out before")
    require_signed(state.network, request, state.signers.keys(request.holder, request.epoch), state.verify)
    if state.signers.contested(request.holder):
        raise Void(
            "contested_holder", "request: its holder's identity is contested: their credit moves nowhere"
        )
    if time >= request.expires:
        raise Void("request_over", "request: had expired")
    if state.counters.get((request.holder, request.counter), id) != id:
        raise Void("counter", "request: another request or swap of its holder has this counter")
    to = request.recipient if request.recipient is not UNSET else b""
    limit = _limit(state, time, record, request) if isinstance(record, Transfer) else None
    lasts = 0 if limit is None or limit.lasts is UNSET else limit.lasts
    lots = _cover(state, time, request, lasts, final)
    if limit is not None:
        held = state.accounts.figures(request.unit, to, time).balance
        if held + request.amount > limit.amount:
            raise Void("over_limit", "limit: the recipient would hold more than they are willing to")
    return Judged(request, id, to, limit, lots)


def _cover(state: State, time: int, request: Request, lasts: int, final: bool) -> Lots:
    """The credit that is moved: all of what was asked for, and available [L6]."""
    if state.accounts.figures(request.unit, request.holder, time).available < request.amount:
        raise Void("not_covered", "request: asks for more than is available")
    account = state.accounts.account(request.unit, request.holder)
    account.settle(time, final=final)
    lots = account.choose(request.amount, time, lasts)
    if sum(amount for _, amount in lots) < request.amount:
        raise Void("not_covered", "request: asks for more than is available")
    return lots


def _limit(state: State, time: int, record: Transfer, request: Request) -> Limit | None:
    """The recipient's limit; None for a member without one, whose membership is consent [L7]."""
    to = request.recipient
    assert to is not UNSET  # a transfer has one
    if record.limit is UNSET:
        if not state.member(to):
            raise Void("no_limit", "limit: the recipient is no member and has signed none")
        return None
    limit = read(Limit, record.limit)
    if (limit.holder, limit.issuer, limit.unit) != (to, state.issuer, request.unit):
        raise Void("names_differ", "limit: is of somebody else, or for other credit")
    try:
        require_signed(state.network, limit, state.signers.keys(to, limit.epoch), state.verify)
    except Void as error:
        raise Void(error.code, f"limit: {error.text}") from error
    if time >= limit.expires or limit.counter < state.limits.get((to, request.unit), 0):
        raise Void("no_limit", "limit: had expired, or a newer one was used before")
    return limit
