"""Rates of a rule as integers over one denominator: by rank and level, or by volume."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from msgspec import UNSET

from protocol.plans.facts import Exact
from protocol.plans.rounding import exact
from protocol.records.plan import RankRates, Rate, Step


@dataclass(frozen=True, slots=True)
class Table:
    """Rates by rank and level, numerators over `den`.

    Attributes:
        rows: one a rank; the first is of members without a rank.
        den: of all of them.
    """

    rows: tuple[tuple[int, ...], ...]
    den: int

    @classmethod
    def of(
        cls,
        rates: Sequence[RankRates],
        ranks: Mapping[str, int],
        depth: int | None = None,
        floor: Rate = (0, 1),
    ) -> Table:
        """Reads the rows of a plan.

        Args:
            rates: a rank without a row has that of the next lower one that has.
            ranks: name -> number, from 0 on.
            depth: levels in all; the last rate of each row holds to there.
            floor: another rate that `den` has to fit.
        """
        den = lcm(floor[1], *(rate[1] for row in rates for rate in row.rates))
        given = {
            -1 if row.rank is UNSET else ranks[row.rank]: tuple(
                num * (den // part) for num, part in row.rates
            )
            for row in rates
        }
        rows: list[tuple[int, ...]] = []
        for rank in range(-1, len(ranks)):
            row = given.get(rank, rows[-1] if rows else ())
            if depth is not None and row:
                row = (row + (row[-1],) * (depth - len(row)))[:depth]
            rows.append(row)
        return cls(tuple(rows), den)

    def rate(self, rank: int, level: int) -> int:
        """The numerator for a rank (-1: none) at a level, from 1 on; 0 where there is none."""
        row = self.rows[rank + 1]
        return row[level - 1] if level <= len(row) else 0

    @property
    def levels(self) -> int:
        """The deepest level that pays anybody."""
        return max(map(len, self.rows))

    def best(self, level: int) -> Fraction:
        """The highest rate of a level over all ranks."""
        return Fraction(max((row[level - 1] for row in self.rows if level <= len(row)), default=0), self.den)

    @property
    def bound(self) -> Fraction:
        """The highest rates of all levels together."""
        return sum((self.best(level) for level in range(1, self.levels + 1)), Fraction(0))


@dataclass(frozen=True, slots=True)
class Curve:
    """A rate that rises with the volume, numerators over `den`.

    Attributes:
        ats: volumes from which the steps hold.
        nums: their rates.
        sums: marginal: what all steps below come to at each `ats`.
        whole: the rate of the step reached holds for the whole volume.
    """

    ats: tuple[int, ...]
    nums: tuple[int, ...]
    sums: tuple[int, ...]
    den: int
    whole: bool

    @classmethod
    def of(cls, steps: Sequence[Step], whole: bool) -> Curve:
        """Reads the steps of a plan, which rise by volume."""
        den = lcm(*(step.rate[1] for step in steps))
        nums = tuple(step.rate[0] * (den // step.rate[1]) for step in steps)
        ats = tuple(step.at for step in steps)
        sums = [0]
        for index in range(1, len(ats)):
            sums.append(sums[-1] + nums[index - 1] * (ats[index] - ats[index - 1]))
        return cls(ats, nums, tuple(sums), den, whole)

    def step(self, volume: Exact) -> int:
        """How many steps a volume reaches."""
        return bisect_right(self.ats, volume)

    def worth(self, volume: Exact, base: Exact) -> Exact:
        """What a volume earns on its base, numerator over `den`: rate x base, or the mean rate of all steps x base."""
        step = bisect_right(self.ats, volume)
        if step == 0:
            return 0
        if self.whole:
            return self.nums[step - 1] * base
        if not volume:
            return 0  # a base without volume: sales of goods that bring no points
        found = self.sums[step - 1] + self.nums[step - 1] * (volume - self.ats[step - 1])
        return found if base == volume else exact(found * base, volume)

    def discount(self, volume: Exact, base: Exact) -> Exact:
        """What lower steps make less than the rate of the step reached on the whole base, numerator over `den`."""
        step = bisect_right(self.ats, volume)
        return 0 if step == 0 else self.nums[step - 1] * base - self.worth(volume, base)

    @property
    def top(self) -> Fraction:
        """The highest rate."""
        return Fraction(max(self.nums), self.den)


def fraction(rate: Rate) -> Fraction:
    """A rate of a record."""
    return Fraction(rate[0], rate[1])
