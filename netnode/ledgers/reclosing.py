"""Closed periods evaluated once more, for what their awards follow from: a log states of them only the amounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from netnode.ledgers.ledger import Ledger
from protocol.ledger.closing import close_of, period_of
from protocol.ledger.figures import StatementLine
from protocol.plans.closed import Closed
from protocol.plans.facts import Award

MOST: Final = 50_000
"""Members that one answer evaluates at most, those of each period counted: nobody waits longer for a statement."""


class Reclosing:
    """The closes of a ledger for one answer. What a refund or a later close has changed since is not found again.

    Args:
        ledger: not changed by it.
    """

    __slots__ = ("_closes", "_ledger", "_left")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._closes: dict[tuple[str, str], Closed[bytes] | None] = {}
        self._left = MOST

    def award(self, line: StatementLine) -> Award[bytes] | None:
        """The award of a line with rate and base [R-CRED-69].

        Returns:
            None where the period comes to another amount today, or is too large to be evaluated for an answer.
        """
        to, (_, _, _, label, _, plan) = line.id[1:33], line.id[33:].decode().split("\0")
        closed = self._closed(label, plan)
        for each in () if closed is None else closed.awards:
            if (each.to, each.rule, each.level, each.amount) == (to, line.rule, line.level, line.amount):
                return each
        return None

    def _closed(self, label: str, plan: str) -> Closed[bytes] | None:
        if (label, plan) not in self._closes:
            self._closes[label, plan] = self._evaluated(label, plan)
        return self._closes[label, plan]

    def _evaluated(self, label: str, plan: str) -> Closed[bytes] | None:
        state = self._ledger.book.state
        governed = state.governing.find(bytes.fromhex(plan))
        if governed is None:  # of another branch
            return None
        self._left -= len(governed.activity.people)
        if self._left < 0:
            return None
        begins = int(datetime.strptime(label, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1_000
        return close_of(state, governed, period_of(state, governed, begins))
