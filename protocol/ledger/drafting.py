"""What an issuer states in its entries: the reckoning of the fold, before anything is logged [R-CRED-22]."""

from __future__ import annotations

from protocol.ledger.closing import close_of, lines_of, period_of
from protocol.ledger.contents import CloseContent, SaleContent
from protocol.ledger.governing import Governed
from protocol.ledger.selling import assess
from protocol.ledger.signers import entries_of
from protocol.ledger.state import State


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
    draft = state.draft()
    draft.signers.admit(entries_of(content.openers))
    assessed = assess(draft, content, seq, time)
    return SaleContent(
        agreement=content.agreement,
        awards=assessed.lines,
        listing=content.listing,
        messages=content.messages,
        openers=content.openers,
        path=content.path,
        plan=assessed.reckoned.governed.hash,
    )


def close_with_awards(state: State, governed: Governed, begins: int) -> CloseContent:
    """The close of the period that a moment lies in; the same bytes whenever it is asked for."""
    period = period_of(state, governed, begins)
    closed = close_of(state, governed, period)
    return CloseContent(awards=lines_of(closed), begins=period.start, ends=period.end, plan=governed.hash)
