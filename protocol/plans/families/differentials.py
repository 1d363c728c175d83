"""Differentials, and overrides on legs that broke away: what a group's volume earns, less what its legs earn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from protocol.plans.claims import Claim
from protocol.plans.columns import Column
from protocol.plans.facts import Exact, P
from protocol.plans.ground import Ground
from protocol.plans.rounding import exact
from protocol.plans.tables import Curve, Table


@dataclass(frozen=True, slots=True)
class Differentials:
    """Pays w(own group) - sum of w(each leg's group), w being what the curve makes of a volume.

    The mean rate never falls with the volume, so no claim is negative, and all claims below one head add up to w of
    its group: the top rate bounds them, whatever the tree [R10].

    Attributes:
        breakaway: rank at which a leg's volume leaves the groups above; None: never.
        per_leg: keep each leg's part, for duties.
    """

    name: str
    curve: Curve
    breakaway: int | None
    per_leg: bool

    @property
    def bound(self) -> Fraction:
        """The top rate."""
        return self.curve.top

    def claims(self, ground: Ground[P]) -> Iterator[Claim[int]]:
        """One pass up, one over the members; `level` is the step that the group reached."""
        curve = self.curve
        group, bases = self._groups(ground)
        less = self.less(ground, group, bases)
        below = ground.children() if self.per_leg else None
        for number in ground.members:
            claim = self.claim(number, group[number], bases[number], ground.base[number], less[number])
            if claim is None:
                continue
            if below is not None:
                worth = claim.value + less[number]
                claim.legs = tuple(
                    (leg, _part(worth, bases[leg], claim.base) - curve.worth(group[leg], bases[leg]))
                    for leg in below[number]
                    if not self._away(ground, leg)
                )
            yield claim

    def less(self, ground: Ground[P], group: Column, bases: Column) -> Column:
        """By member, what the groups of the legs earn; numerators over the curve's `den`."""
        curve, up = self.curve, ground.up
        found = Column(len(up))
        for number in ground.order:
            above = up[number]
            if above >= 0 and not self._away(ground, number):
                found[above] += curve.worth(group[number], bases[number])
        return found

    def claim(self, number: int, volume: Exact, base: Exact, own: Exact, less: Exact) -> Claim[int] | None:
        """What one member gets, without its legs; None for nothing.

        Args:
            number: of the member.
            volume: of its group.
            base: of its group.
            own: its own base.
            less: what the groups of its legs earn.
        """
        curve = self.curve
        worth = curve.worth(volume, base)  # again: keeping all of them would be the most memory of a close
        value = worth - less
        if value <= 0:
            return None
        step = curve.step(volume)
        rate = curve.nums[step - 1]
        # For one's own sales at the mean rate of the group; the rest is the legs'.
        free = worth if base == own else _part(worth, own, base)
        gone = less if curve.whole else less + rate * base - worth
        return Claim(number, step, base, rate, curve.den, value, free, gone, volume)

    def _groups(self, ground: Ground[P]) -> tuple[Column, Column]:
        if self.breakaway is None:
            return ground.group, ground.group_base
        group, bases = ground.own.copy(), ground.base.copy()
        for number in ground.order:
            above = ground.up[number]
            if above >= 0 and not self._away(ground, number):
                group[above] += group[number]
                bases[above] += bases[number]
        return group, bases

    def _away(self, ground: Ground[P], number: int) -> bool:
        return self.breakaway is not None and ground.rank[number] >= self.breakaway


@dataclass(frozen=True, slots=True)
class Overrides:
    """What uplines of a leg that broke away earn of its group, generation by generation.

    A generation is a member of the breakaway rank or above. In mode difference each gets the rate of its rank less the
    highest so far on the way up, or the floor where that is more: all together at most the top rate and a floor a
    generation. In mode fixed each gets the rate of its rank and generation.

    Attributes:
        least: number of the breakaway rank.
        floor: numerator over the table's `den`.
    """

    name: str
    table: Table
    least: int
    generations: int
    fixed: bool
    floor: int

    @property
    def bound(self) -> Fraction:
        """See above [R10]."""
        if self.fixed:
            return sum((self.table.best(each) for each in range(1, self.generations + 1)), Fraction(0))
        return self.table.best(1) + self.generations * Fraction(self.floor, self.table.den)

    def claims(self, ground: Ground[P]) -> Iterator[Claim[int]]:
        """One pass up for the groups, then up from each head; `level` is the generation."""
        group, bases = list(ground.own), list(ground.base)
        for number in ground.order:
            above = ground.up[number]
            if above >= 0 and ground.rank[number] < self.least:
                group[above] += group[number]
                bases[above] += bases[number]
        found: dict[tuple[int, int], Claim[int]] = {}
        for head in ground.members:
            if ground.rank[head] >= self.least and bases[head] > 0:
                self._climb(ground, head, group[head], bases[head], found)
        yield from found.values()

    def _climb(
        self,
        ground: Ground[P],
        head: int,
        volume: Exact,
        base: Exact,
        found: dict[tuple[int, int], Claim[int]],
    ) -> None:
        highest, generation = self.table.rate(ground.rank[head], 1), 0
        leg = head
        for number in ground.line(ground.up[head]):
            if ground.rank[number] >= self.least:
                generation += 1
                if generation > self.generations:
                    return
                own = self.table.rate(ground.rank[number], generation if self.fixed else 1)
                rate = own if self.fixed else max(own - highest, self.floor)
                highest = max(highest, own)
                if rate:
                    self._add(found, number, generation, volume, base, rate, leg)
            leg = number

    def _add(
        self,
        found: dict[tuple[int, int], Claim[int]],
        to: int,
        generation: int,
        volume: Exact,
        base: Exact,
        rate: int,
        leg: int,
    ) -> None:
        value = rate * base
        claim = found.get((to, generation))
        if claim is None:
            found[to, generation] = Claim(
                to, generation, base, rate, self.table.den, value, volume=volume, legs=((leg, value),)
            )
            return
        claim.base += base
        claim.value += value
        claim.volume += volume
        claim.legs += ((leg, value),)
        if claim.rate != rate:
            claim.rate = -1  # several: the mean says it


def _part(worth: Exact, base: Exact, whole: Exact) -> Exact:
    """The share of a base in what the whole earns."""
    return exact(worth * base, whole) if base else 0
