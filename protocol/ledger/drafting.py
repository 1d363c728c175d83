"""What an issuer states in its entries: the reckoning of the fold, before anything is logged [R-CRED-22]."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from protocol import limits
from protocol.errors import Void
from protocol.ledger.closing import close_of, period_of
from protocol.ledger.contents import AwardLine, SaleContent, encode_close
from protocol.ledger.filed import require_room
from protocol.ledger.governing import Governed
from protocol.ledger.movements import judge_movement
from protocol.ledger.sales import read_messages
from protocol.ledger.selling import assess, judge_freeze, judge_refund
from protocol.ledger.signers import entries_of
from protocol.ledger.state import State
from protocol.plans.facts import Award
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
    messages = read_messages(content.messages)
    require_room(state, messages[0].deal)
    assessed = assess(_draft(state, content.openers), content, seq, time, messages)
    return SaleContent(
        agreement=content.agreement,
        awards=_countable(assessed.lines),
        listing=content.listing,
        messages=content.messages,
        openers=content.openers,
        path=content.path,
        plan=assessed.reckoned.governed.hash,
    )


@dataclass(frozen=True, slots=True)
class DraftedClose:
    """The close of a period, not encoded yet.

    Attributes:
        awards: in their order.
        begins: first moment of the period, ms UTC.
        ends: first moment after it.
        plan: hash of the plan.
    """

    awards: Sequence[Award[bytes]]
    begins: int
    ends: int
    plan: bytes

    def encoded(self) -> Iterator[bytes]:
        """Its content, piece by piece.

        Raises:
            Void: `malformed`: an award is larger than any number of INX.
        """
        return encode_close(self.awards, begins=self.begins, ends=self.ends, plan=self.plan)


def close_with_awards(state: State, governed: Governed, begins: int) -> DraftedClose:
    """The close of the period that a moment lies in; the same bytes whenever it is asked for.

    Raises:
        Void: `too_costly`.
    """
    state.require_steps(
        state.signers.count, "plan: this log has asked too much work of its readers for another close now"
    )
    period = period_of(state, governed, begins)
    closed = close_of(state, governed, period)
    return DraftedClose(closed.awards, period.start, period.end, governed.hash)


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
    require_room(state, order)
    _, _, money = judge_refund(_draft(state, openers), order, messages, time)
    return RefundEntry(base=money.base, messages=messages, openers=openers, order=order)


def freeze(
    state: State, order: bytes, messages: tuple[bytes, ...], openers: tuple[Any, ...], time: int
) -> Freeze:
    """A freeze entry that has effect, or the end of one; arguments and errors as of `refund`."""
    require_room(state, order)
    judge_freeze(_draft(state, openers), order, messages, time)
    return Freeze(messages=messages, openers=openers, order=order)


def require_movement(state: State, record: Transfer | Redeem | Payout, time: int) -> None:
    """Refuses what would be void at this moment.

    Raises:
        Void: what the fold would say of it.
    """
    steps = judge_movement(_draft(state, record.openers), record, time).steps
    state.require_steps(steps, "request: moves credit of more expiries than this log can keep now")


def _draft(state: State, openers: tuple[Any, ...]) -> State:
    draft = state.draft()
    draft.signers.admit(entries_of(openers))
    return draft
