"""What the close of a period leaves: its awards, and what each member has then."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Generic

from protocol.plans.facts import Exact, P, Period, Withheld
from protocol.plans.ground import Ground
from protocol.plans.ranks import Standing
from protocol.plans.rows import Awards, Held, Rests
from protocol.plans.tables import Curve


@dataclass(frozen=True, slots=True)
class MemberState:
    """What a member has at the end of a period.

    Attributes:
        volume: of the member and all below.
        own: of the member's own sales.
        rank: paid-as; None below the first. `achieved`: the highest ever had.
        level: highest step reached in a differential or tiers of the period, from 1 on; 0 for none.
        carry: name of a binary rule -> what its legs keep.
    """

    volume: Exact
    own: Exact
    rank: str | None
    achieved: str | None
    level: int
    carry: Mapping[str, tuple[Exact, Exact]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled(Generic[P]):
    """What of a close is kept for refunds that may follow; the attributes are those of `Closed`, as far as they ask.

    Attributes:
        ground: as of `Ground.kept`.
    """

    period: Period
    awards: Rests[P]
    withheld: Sequence[Withheld[P]]
    ground: Ground[P]
    sources: Mapping[tuple[int, str, int], Collection[int]]


@dataclass(frozen=True, slots=True)
class Closed(Generic[P]):
    """The close of one period: all its awards in a fixed order, and what each member has.

    Attributes:
        awards: by rule in the order of the plan, then by level and member as the family gives them.
        withheld: what did not become an award, for explanations.
        outside: share of the period's volume that went outside the team.
        base: commissionable amount of the period.
        standing: ranks by number of the member in the activity.
        carry: name of a binary rule -> number -> what the legs keep.
        ground: what it was evaluated on.
        names: of the ranks.
        by_group, by_own: steps of differentials and of tiers by period.
        sources: recipient, rule (`NAME:duty`) and level -> from whose awards it was taken; people by their numbers.
    """

    period: Period
    awards: Awards[P]
    withheld: Held[P]
    outside: Fraction
    base: Exact
    standing: Standing
    carry: Mapping[str, Mapping[int, tuple[Exact, Exact]]]
    ground: Ground[P]
    names: tuple[str, ...]
    by_group: tuple[Curve, ...]
    by_own: tuple[Curve, ...]
    sources: Mapping[tuple[int, str, int], Collection[int]]

    def settled(self) -> Settled[P]:
        """What is kept of it."""
        return Settled(self.period, Rests(self.awards), self.withheld, self.ground.kept(), self.sources)

    def state(self, number: int) -> MemberState:
        """What the member of a number has; numbers of all members: `ground.members`."""
        ground = self.ground
        steps = [curve.step(ground.group[number]) for curve in self.by_group]
        steps += [curve.step(ground.own[number]) for curve in self.by_own]
        return MemberState(
            ground.group[number],
            ground.own[number],
            self._rank(self.standing.paid[number]),
            self._rank(self.standing.achieved[number]),
            max(steps, default=0),
            {rule: legs[number] for rule, legs in self.carry.items() if number in legs},
        )

    def states(self) -> dict[P, MemberState]:
        """What each member has."""
        return {self.ground.people[number]: self.state(number) for number in self.ground.members}

    def _rank(self, number: int) -> str | None:
        return self.names[number] if number >= 0 else None
