"""Recruits and outside buyers of a team, period by period: what R15 reports, and what it warns of [R-TEAM-28]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.ledger.governing import Governing
from protocol.plans import calendar
from protocol.records.money import Per
from protocol.teams.shape import RUNNING, Growth, outgrows
from protocol.teams.team import Team

_MONTH: Final = Per(count=1, unit="month")


@dataclass(frozen=True, slots=True)
class Grown:
    """How a team grew.

    Attributes:
        periods: the last that are over, oldest first: its first day as 2026-01-31, recruits, outside buyers.
        warned: recruitment grew faster than outside buyers in each of the last three.
    """

    periods: tuple[tuple[str, Growth], ...]

    @property
    def warned(self) -> bool:
        """See above."""
        return outgrows([growth for _, growth in self.periods])


def grown(team: Team, governing: Governing, now: int) -> Grown:
    """What the log says of the periods of the newest plan in force; of months, where there is no plan.

    Args:
        team: as its owner's log has it.
        governing: the plans of that log, with what was sold under each.
        now: ms UTC.
    """
    plans = [each for each in governing.all() if each.opportunity == team.key]
    held = [each for each in plans if each.starts <= now]
    per = held[-1].plan.period if held else _MONTH
    running = calendar.number_of(per, now)
    first = [team.tree.spans(each)[0].joined_ms for each in team.tree.everybody()]
    found = []
    for number in range(running - RUNNING - 1, running):
        period = calendar.period_of(per, number, 0)
        buyers: set[int] = set()
        for plan in plans:
            buyers |= plan.activity.volumes(period.start).outside_buyers()
        recruits = sum(period.start <= joined < period.end for joined in first)
        found.append((period.label, Growth(recruits, len(buyers))))
    return Grown(tuple(found))
