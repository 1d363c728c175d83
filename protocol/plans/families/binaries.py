"""Binary: two legs of the placement tree, the weaker pays. Bounded by the company cap alone [R-PLAN-10]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from protocol.plans.claims import Claim
from protocol.plans.facts import Exact, P
from protocol.plans.ground import Ground, leaves_first
from protocol.plans.rounding import exact
from protocol.plans.tables import Curve

Legs = tuple[Exact, Exact]


@dataclass(frozen=True, slots=True)
class Binaries:
    """One binary rule.

    Attributes:
        mode: percent, pairs, cycles, ratio.
        after: carry, flush, net_off.
        curve: rate of the volume matched in the weak leg, by own volume; None with `amount`.
        amount: minor units for each pair or cycle.
        strong, weak: volumes of a pair, cycle or ratio.
        carry_cap: most that a leg keeps; None: no bound.
        scale: base for one unit of volume.
    """

    name: str
    mode: str
    after: str
    curve: Curve | None
    amount: int
    strong: int
    weak: int
    carry_cap: int | None
    scale: Fraction

    def claims(
        self, ground: Ground[P], carry: Mapping[int, Legs], kept: dict[int, Legs]
    ) -> Iterator[Claim[int]]:
        """Matches the legs of everybody; `level` is the number of pairs or cycles, else 1.

        Args:
            ground: with `places`.
            carry: what the legs of each kept from the periods before.
            kept: gets what they keep now.
        """
        assert ground.places is not None
        legs = _legs(ground)
        for number in sorted(carry.keys() - legs.keys()):
            legs[number] = [0, 0]
        members = [number for number in ground.members if number in legs]
        for number in members:
            before = carry.get(number, (0, 0))
            left, right = before[0] + legs[number][0], before[1] + legs[number][1]
            times, matched, rest = self.match(left, right)
            kept[number] = self._keeps(rest)
            claim = self._claim(ground, number, times, matched, left + right)
            if claim is not None:
                yield claim

    def match(self, left: Exact, right: Exact) -> tuple[int, Exact, Legs]:
        """What two volumes match.

        Returns:
            Pairs or cycles (1 for other modes, 0 for nothing), the volume matched in the weak leg, and what is left.
        """
        if self.mode == "percent":
            weak = min(left, right)
            return int(weak > 0), weak, (left - weak, right - weak)
        if self.mode == "pairs":
            times = int(min(left, right) // self.weak)
            return times, times * self.weak, (left - times * self.weak, right - times * self.weak)
        if self.mode == "ratio":
            return self._ratio(left, right)
        times, left, right = cycles(left, right, self.strong, self.weak)
        return times, times * self.weak, (left, right)

    def _ratio(self, left: Exact, right: Exact) -> tuple[int, Exact, Legs]:
        strong, weak = max(left, right), min(left, right)
        matched = min(weak, exact(strong * self.weak, self.strong))
        used = exact(matched * self.strong, self.weak)
        rest = (left - used, right - matched) if left >= right else (left - matched, right - used)
        return int(matched > 0), matched, rest

    def _keeps(self, rest: Legs) -> Legs:
        if self.after == "flush":
            return 0, 0
        if self.after == "carry" and self.carry_cap is not None:
            return min(rest[0], self.carry_cap), min(rest[1], self.carry_cap)
        return rest

    def _claim(
        self, ground: Ground[P], number: int, times: int, matched: Exact, volume: Exact
    ) -> Claim[int] | None:
        if not times:
            return None
        base = exact(matched * self.scale.numerator, self.scale.denominator)
        if self.curve is None:
            return Claim(number, times, base, 0, 1, times * self.amount, volume=volume)
        step = self.curve.step(ground.own[number])
        if not step:
            return None
        rate = self.curve.nums[step - 1]
        return Claim(number, times, base, rate, self.curve.den, rate * base, volume=volume)


def cycles(left: Exact, right: Exact, strong: int, weak: int) -> tuple[int, Exact, Exact]:
    """Cycles that two volumes make: `strong` of the larger one and `weak` of the other, again and again.

    As long as the larger stays the larger, its cycles are counted at once; then the two take turns, and pairs of
    cycles are counted at once but for the last few.

    Args:
        left: a volume; of two equal ones the larger.
        right: a volume.
        strong: at least `weak`.
        weak: above zero.

    Returns:
        Cycles, and what is left of both.
    """
    times = 0
    while max(left, right) >= strong and min(left, right) >= weak:
        large, small, gap = max(left, right), min(left, right), strong - weak
        run = min(large // strong, small // weak)
        if gap:
            run = min(run, max(1, ceil(Fraction(large - small) / gap)))
        both = min(large, small) // (strong + weak) - 1
        if gap and run == 1 and both > 0:
            left, right = left - both * (strong + weak), right - both * (strong + weak)
            times += 2 * int(both)
            continue
        run = int(run)
        if left >= right:
            left, right = left - run * strong, right - run * weak
        else:
            left, right = left - run * weak, right - run * strong
        times += run
    return times, left, right


def _legs(ground: Ground[P]) -> dict[int, list[Exact]]:
    """Number -> volumes of the two legs below, of all who have such."""
    places = ground.places
    assert places is not None
    up = [place[0] for place in places]
    order = leaves_first(up)
    group = list(ground.own)
    legs: dict[int, list[Exact]] = {}
    for number in order:
        parent, leg = places[number]
        if parent < 0:
            continue
        group[parent] += group[number]
        if leg < 2:  # a further place is below its parent, and so in a leg of everybody above that
            legs.setdefault(parent, [0, 0])[leg] += group[number]
    return legs
