"""How long members stay, and whether they do anything: computed from the log, not claimed [R-TEAM-25..27].

Exact numbers only: a share is a Fraction, or a count beside the count it is of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.teams.disclosure import percentile
from protocol.teams.team import DAY_MS, Team

AGES: Final = (30, 90, 365)
DUPLICATION_DAYS: Final = 90
ACTIVE_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Kept:
    """Of those who joined at least `days` days ago, how many were still members that many days after joining."""

    days: int
    of: int
    kept: int


@dataclass(frozen=True, slots=True)
class Row:
    """Retention of those who joined in one cohort, or below one sponsor."""

    joined: int
    ages: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """What members do.

    Attributes:
        members: how many there are.
        active: how many of them sold something in the last ACTIVE_DAYS.
        of_aged: of those who ever joined, at least DUPLICATION_DAYS ago.
        duplicated: of those, how many brought a member of their own within that time.
        sellers: how many who ever joined have sold something.
        first_sale_days: median of whole days from joining to the first sale, of those who sold; None: nobody did.
    """

    members: int
    active: int
    of_aged: int
    duplicated: int
    sellers: int
    first_sale_days: int | None


def retention(team: Team, now: int) -> Row:
    """Retention of all who ever joined [R-TEAM-25]."""
    return _row(_memberships(team), now)


def by_cohort(team: Team, now: int, cohort: Callable[[int], str]) -> dict[str, Row]:
    """Retention by the time of joining.

    Args:
        team: as the log has made it.
        now: ms UTC.
        cohort: names that of a date (ms UTC), as ``2026-03``.
    """
    groups: dict[str, list[tuple[int, int | None]]] = {}
    for _, joined, left in _memberships(team):
        groups.setdefault(cohort(joined), []).append((joined, left))
    return {name: _row([(b"", *each) for each in groups[name]], now) for name in sorted(groups)}


def by_sponsor(team: Team, now: int) -> dict[bytes, Row]:
    """Retention by the sponsor that members first had, the owner among them."""
    groups: dict[bytes, list[tuple[bytes, int, int | None]]] = {}
    for person, joined, left in _memberships(team):
        first = team.tree.sponsor(person, team.tree.spans(person)[0].joined)
        assert first is not None  # every member has one
        groups.setdefault(first, []).append((person, joined, left))
    return {sponsor: _row(groups[sponsor], now) for sponsor in sorted(groups)}


def activity(team: Team, now: int, sales: Mapping[bytes, Sequence[int]]) -> Activity:
    """What members do [R-TEAM-26].

    Args:
        team: as the log has made it.
        now: ms UTC.
        sales: by member, the dates of the sales they brought, ms UTC, ascending.
    """
    first_joins: dict[bytes, list[int]] = {}
    for person, joined, _ in _memberships(team):
        sponsor = team.tree.sponsor(person, team.tree.spans(person)[0].joined)
        assert sponsor is not None
        first_joins.setdefault(sponsor, []).append(joined)
    aged = duplicated = 0
    waits = []
    for person, joined, _ in _memberships(team):
        if joined + DUPLICATION_DAYS * DAY_MS <= now:
            aged += 1
            duplicated += any(
                each <= joined + DUPLICATION_DAYS * DAY_MS for each in first_joins.get(person, ())
            )
        later = [each for each in sales.get(person, ()) if joined <= each <= now]
        if later:
            waits.append((later[0] - joined) // DAY_MS)
    members = list(team.tree.members())
    active = sum(
        1 for each in members if any(now - ACTIVE_DAYS * DAY_MS < at <= now for at in sales.get(each, ()))
    )
    return Activity(
        len(members), active, aged, duplicated, len(waits), percentile(sorted(waits), 50) if waits else None
    )


def _memberships(team: Team) -> list[tuple[bytes, int, int | None]]:
    """Who, when they first joined, and when they were no member any more; a return does not begin anew."""
    found = []
    for person in team.tree.everybody():
        spans = team.tree.spans(person)
        found.append((person, spans[0].joined_ms, spans[-1].left_ms))
    return found


def _row(memberships: Sequence[tuple[bytes, int, int | None]], now: int) -> Row:
    ages = []
    for days in AGES:
        aged = [(joined, left) for _, joined, left in memberships if joined + days * DAY_MS <= now]
        kept = sum(1 for joined, left in aged if left is None or left >= joined + days * DAY_MS)
        ages.append(Kept(days, len(aged), kept))
    return Row(len(memberships), tuple(ages))
