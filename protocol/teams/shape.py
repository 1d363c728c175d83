"""What the shape of a team says of it: concentration, depth, recruits for each buyer [R-TEAM-28]."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from protocol.teams.team import Team

RUNNING: Final = 3
"""Periods in a row after which recruitment that outgrows the buyers is warned of."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a team at a moment.

    Attributes:
        members: how many.
        width: how many of them the owner sponsors.
        depth: levels below the owner.
        largest: members in the largest leg of the owner, its head included.
        sponsoring: how many have sponsored somebody who is a member.
        top_sponsored: most members sponsored by one.
    """

    members: int
    width: int
    depth: int
    largest: int
    sponsoring: int
    top_sponsored: int

    @property
    def concentration(self) -> Fraction:
        """Share of the members in the largest leg."""
        return Fraction(self.largest, self.members) if self.members else Fraction(0)


@dataclass(frozen=True, slots=True)
class Growth:
    """One period of a team: members admitted, and different buyers from outside it."""

    recruits: int
    outside_buyers: int

    @property
    def recruits_per_buyer(self) -> Fraction | None:
        """Recruits for each outside buyer; None where nobody bought."""
        return Fraction(self.recruits, self.outside_buyers) if self.outside_buyers else None


def shape(team: Team, at: int | None = None) -> Shape:
    """The shape of a team, now or right after entry `at`."""
    tree = team.tree
    legs = {head: 1 + sum(1 for _ in tree.downline(head, at)) for head in tree.sponsored(team.owner, at)}
    counts = [sum(1 for _ in tree.sponsored(each, at)) for each in tree.members(at)]
    return Shape(
        members=len(counts),
        width=len(legs),
        depth=max((level for _, level in tree.downline(team.owner, at)), default=0),
        largest=max(legs.values(), default=0),
        sponsoring=sum(1 for count in counts if count),
        top_sponsored=max(counts, default=0),
    )


def outgrows(periods: Sequence[Growth]) -> bool:
    """Whether recruitment grew faster than outside buyers in each of the last three periods.

    Growth is the quotient with the period before; from nothing to something is faster than anything, and what does not
    grow does not grow faster.

    Args:
        periods: oldest first; four are needed.
    """
    if len(periods) <= RUNNING:
        return False
    last = periods[-RUNNING - 1 :]
    return all(_faster(before, after) for before, after in itertools.pairwise(last))


def _faster(before: Growth, after: Growth) -> bool:
    if after.recruits <= before.recruits:
        return False
    # after.recruits / before.recruits > after.buyers / before.buyers, without dividing by nothing
    grown, bought = after.recruits * before.outside_buyers, after.outside_buyers * before.recruits
    return grown > bought or (before.outside_buyers == 0 and after.outside_buyers == 0)
