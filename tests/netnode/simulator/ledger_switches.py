"""Rules of the ledger that an honest node keeps, taken out one at a time; markets of honest people have to notice."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import netnode.issuing.sales
import netnode.ledgers.ledger
import netnode.swapping.deciding
import protocol.ledger.drafting
import protocol.ledger.effects
import protocol.ledger.movements
from protocol.ledger.effects import NEVER, Sold
from protocol.records import RefundEntry, SalePart


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


def folds_are_whole(stack: ExitStack) -> None:
    """A node leaves out what is refunded when it brings a ledger level, and sales that come in parts."""
    take = netnode.ledgers.ledger.Ledger.take

    def forgetful(ledger: Any, entry: Any, *rest: Any, **named: Any) -> None:
        if entry.kind in (RefundEntry.KIND, SalePart.KIND) and entry.seq % 2:
            ledger.tip = entry
            return
        take(ledger, entry, *rest, **named)

    stack.enter_context(patch.object(netnode.ledgers.ledger.Ledger, "take", forgetful))
