"""What members sold, period by period: own volumes, outside buyers, ranks, carry. Fed by the fold of a ledger."""

from __future__ import annotations

from fractions import Fraction
from typing import Generic

from protocol.plans.document import Compiled
from protocol.plans.facts import Closed, P, Period, SaleFacts, Team


class Activity(Generic[P]):
    """The volumes of one plan's sales. One object lives as long as the plan is in force."""

    def __init__(self, plan: Compiled) -> None:
        raise NotImplementedError

    def take(self, sale: SaleFacts[P], team: Team[P] | None) -> None:
        """Adds a sale, after its own awards were evaluated."""
        raise NotImplementedError

    def reverse(self, sale: SaleFacts[P], part: Fraction, team: Team[P] | None) -> None:
        """Takes back a part of a sale that was refunded; what it counted for in rank, tier and unlocking goes too.

        Args:
            sale: as it was taken.
            part: of the sale as it was taken, above 0 and at most 1; later parts are given as they come.
            team: its team.
        """
        raise NotImplementedError

    def period(self, time: int, at: int) -> Period:
        """The period that a moment lies in.

        Args:
            time: ms UTC.
            at: seq of the last entry dated before its end.
        """
        raise NotImplementedError

    def close(self, closed: Closed[P]) -> None:
        """Takes over ranks and carry of a period that was evaluated."""
        raise NotImplementedError
