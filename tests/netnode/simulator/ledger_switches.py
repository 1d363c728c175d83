"""Rules of the ledger that an honest node keeps, taken out one at a time; markets of honest people have to notice."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import netnode.issuing.sales
import netnode.ledgers.ledger
import netnode.swapping.deciding
import netnode.teams.taking_back
import protocol.ledger.drafting
import protocol.ledger.effects
import protocol.ledger.movements
import protocol.teams.moves
from netnode.shop import bodies
from netnode.shop.counter import Counter
from protocol.errors import Void
from protocol.ledger.effects import NEVER, Sold
from protocol.records import RefundEntry, SalePart
from protocol.records.team import Buyback


def movements_are_covered(stack: ExitStack) -> None:
    """Whoever asks for more than there is gets it [L6]."""

    def boundless(state: Any, time: int, request: Any, *_: Any) -> Any:
        return ((NEVER, request.amount),)

    stack.enter_context(patch.object(protocol.ledger.movements, "_cover", boundless))


def recipients_consent(stack: ExitStack) -> None:
    """Credit is given to whoever the holder names [L7]."""
    stack.enter_context(patch.object(protocol.ledger.movements, "_limit", lambda *_: None))


def refunds_take_back(stack: ExitStack) -> None:
    """An award stays whole whatever is refunded [L11]."""

    def whole(value: Any) -> int | None:
        return 2**50 if isinstance(value, Sold) else None

    stack.enter_context(patch.object(protocol.ledger.effects, "_standing", whole))


def drafts_are_judged(stack: ExitStack) -> None:
    """A request is logged before anybody looked whether it has effect [L16]."""
    stack.enter_context(patch.object(protocol.ledger.drafting, "require_movement", lambda *_: None))


def dates_come(stack: ExitStack) -> None:
    """What a clock dated ahead is not looked at when its moment comes."""
    stack.enter_context(patch.object(netnode.issuing.sales, "_ahead", lambda *_: None))


def sales_are_logged(stack: ExitStack) -> None:
    """A seller's node logs no sale, whoever asks."""
    stack.enter_context(patch.object(netnode.issuing.sales, "_records", lambda *_: ()))


def swaps_go_back(stack: ExitStack) -> None:
    """A lock whose time is over stays."""

    async def never(*_: Any) -> bool:
        return False

    stack.enter_context(patch.object(netnode.swapping.deciding.Deciding, "_end_by_pins", never))


def goods_have_a_rate(stack: ExitStack) -> None:
    """For goods that are given back all is paid back that was paid for them [R-TEAM-29]."""
    whole = Buyback(days=365, points=10_000)
    stack.enter_context(patch.object(netnode.teams.taking_back, "terms", lambda _: whole))


def moves_are_agreed(stack: ExitStack) -> None:
    """An owner moves whom they want to whom they want [R-TEAM-12]."""

    def everybody(team: Any, record: Any, signers: Any) -> Any:
        people = (record.member, team.tree.sponsor(record.member), record.sponsor)
        return [SimpleNamespace(signer=each) for each in people]

    stack.enter_context(patch.object(protocol.teams.moves, "_consents", everybody))


def challenges_are_answered(stack: ExitStack) -> None:
    """Who is asked in public for goods to be taken back says nothing, whatever they decided [R-CRED-76]."""

    async def undecided(*_: Any) -> None:
        return None

    stack.enter_context(patch.object(netnode.teams.taking_back.TakingBack, "answer", undecided))


def shops_carry_letters(stack: ExitStack) -> None:
    """A shop takes letters of buyers without a node, and keeps them to itself [R-SHOP-7]."""

    async def kept(counter: Any, left: Any, here: bool) -> bodies.Kept:
        return bodies.Kept(clock=left.time)

    stack.enter_context(patch.object(Counter, "letter", kept))


def shops_bear_witness(stack: ExitStack) -> None:
    """A shop forgets what proves that it brought a buyer [R-SHOP-10]."""

    async def forgotten(counter: Any, left: Any) -> bodies.Kept:
        return bodies.Kept(clock=0)

    stack.enter_context(patch.object(Counter, "leave", forgotten))


def refunds_are_logged(stack: ExitStack) -> None:
    """What was given back, or ruled, stays out of the log [L11]."""

    def none(*_: Any) -> Any:
        raise Void("no_reduction", "nothing is taken off")

    stack.enter_context(patch.object(protocol.ledger.drafting, "refund", none))


def folds_are_whole(stack: ExitStack) -> None:
    """A node leaves out what is refunded when it brings a ledger level, and sales that come in parts."""
    take = netnode.ledgers.ledger.Ledger.take

    def forgetful(ledger: Any, entry: Any, *rest: Any, **named: Any) -> None:
        if entry.kind in (RefundEntry.KIND, SalePart.KIND) and entry.seq % 2:
            ledger.tip = entry
            return
        take(ledger, entry, *rest, **named)

    stack.enter_context(patch.object(netnode.ledgers.ledger.Ledger, "take", forgetful))
