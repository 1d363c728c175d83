"""What an issuer states in its entries: the reckoning of the fold, before anything is logged [R-CRED-22]."""

from __future__ import annotations

from typing import Any

from protocol import limits
from protocol.errors import Void
from protocol.ledger.closing import close_of, lines_of, period_of
from protocol.ledger.contents import AwardLine, CloseContent, SaleContent
from protocol.ledger.governing import Governed
from protocol.ledger.movements import judge_movement
from protocol.ledger.selling import assess, judge_freeze, judge_refund
from protocol.ledger.signers import entries_of
from protocol.ledger.state import State
from protocol.records import Freeze, Payout, Redeem, RefundEntry, Transfer


def sale_with_awards(state: State, content: SaleContent, *, seq: int, time: int) -> SaleContent:
    """A sale with the plan and the awards that every reader will come to.

    Args:
        state: of the book, before the sale.
        content: everything but `plan` and `awards`, which are replaced.
        seq: of the entry that will carry it (of several parts, the last).
        time: date of that entry, ms UTC.

    Raises:
        Void: what the fold would say of it.
    """
    assessed = assess(_draft(state, content.openers), content, seq, time)
    return SaleContent(
        agreement=content.agreement,
        awards=_countable(assessed.lines),
        listing=content.listing,
        messages=content.messages,
        openers=content.openers,
        path=content.path,
        plan=assessed.reckoned.governed.hash,
    )


def close_with_awards(state: State, governed: Governed, begins: int) -> CloseContent:
    """The close of the period that a moment lies in; the same bytes whenever it is asked for.

    Raises:
        Void: `malformed`: an award is larger than any number of INX.
    """
    period = period_of(state, governed, begins)
    closed = close_of(state, governed, period)
    return CloseContent(
        awards=_countable(lines_of(closed)), begins=period.start, ends=period.end, plan=governed.hash
    )


def _countable(lines: tuple[AwardLine, ...]) -> tuple[AwardLine, ...]:
    """Refuses what no content can state: its entry would be void."""
    if any(line.amount > limits.MAX_INT for line in lines):
        raise Void("malformed", "awards: one is larger than any number of INX; the plan's unit is too small")
    return lines


def refund(
    state: State, order: bytes, messages: tuple[bytes, ...], openers: tuple[Any, ...], time: int
) -> RefundEntry:
    """A refund entry that has effect.

    Args:
        state: of the book, before it.
        order: id of the order.
        messages: that no entry of the sale embeds yet.
        openers: of the arbiter, as far as they are new to the log.
        time: date of the entry, ms UTC.

    Raises:
        Void: what the fold would say of it.
    """
    _, money = judge_refund(_draft(state, openers), order, messages, time)
    return RefundEntry(base=money.base, messages=messages, openers=openers, order=order)


def freeze(
    state: State, order: bytes, messages: tuple[bytes, ...], openers: tuple[Any, ...], time: int
) -> Freeze:
    """A freeze entry that has effect, or the end of one; arguments and errors as of `refund`."""
    judge_freeze(_draft(state, openers), order, messages, time)
    return Freeze(messages=messages, openers=openers, order=order)


def require_movement(state: State, record: Transfer | Redeem | Payout, time: int) -> None:
    """Refuses what would be void at this moment.

    Raises:
        Void: what the fold would say of it.
    """
    judge_movement(_draft(state, record.openers), record, time)


def _draft(state: State, openers: tuple[Any, ...]) -> State:
    draft = state.draft()
    draft.signers.admit(entries_of(openers))
    return draft
