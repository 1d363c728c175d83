"""Rules that need no team: shares along the path of a sale, and tiers of a member's own sales."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from protocol.plans.claims import Choice, Claim, Line, Stake
from protocol.plans.facts import P
from protocol.plans.tables import Curve


@dataclass(frozen=True, slots=True)
class Paths:
    """Flat or geometric shares of those who led the buyer.

    Attributes:
        first: of the first step.
        ratio: of each step to the one before; 1 for flat.
        depth: steps that are paid; None: all.
        rest: the owner keeps what the others leave, and is no step.
    """

    name: str
    first: Fraction
    ratio: Fraction
    depth: int | None
    rest: bool
    choice: Choice

    @property
    def bound(self) -> Fraction | None:
        """The sum of the series; None: there is none [R10]."""
        if self.depth is None:
            shares = None if self.ratio >= 1 else self.first / (1 - self.ratio)
        else:
            shares = sum((self.first * self.ratio**step for step in range(self.depth)), Fraction(0))
        if shares is not None and self.rest:
            return max(shares, Fraction(1))
        return shares

    def claims(self, line: Line[P], stake: Stake) -> Iterator[Claim[P]]:
        """The owner, then up; `level` counts the steps from 1, the rest of the owner is level 0."""
        if not self.choice.takes(stake):
            return
        paid = []
        skipped = int(self.rest)
        for number in range(skipped, len(line.seats)):
            level = number + 1 - skipped
            if self.depth is not None and level > self.depth:
                break
            seat, own = line.seats[number], number == 0
            if seat.member and (not own or line.pays_owner):
                share = self.first * self.ratio ** (level - 1)
                head = None if own else line.seats[number - 1].person
                paid.append(_claim(seat.person, level, share, stake, own, head))
        if self.rest and line.pays_owner:
            left = 1 - sum((Fraction(claim.rate, claim.den) for claim in paid), Fraction(0))
            if left > 0:
                yield _claim(line.owner, 0, left, stake, own=True, head=None)
        yield from paid


@dataclass(frozen=True, slots=True)
class OwnSales:
    """Tiers: what the owner earns of a sale, or of its sales of a period; `level` is the step reached."""

    name: str
    curve: Curve
    choice: Choice

    @property
    def bound(self) -> Fraction:
        """The highest rate."""
        return self.curve.top

    def claims(self, line: Line[P], stake: Stake) -> Iterator[Claim[P]]:
        """One claim at most."""
        if not self.choice.takes(stake) or not line.pays_owner:
            return
        value = self.curve.worth(stake.volume, stake.base)
        if value > 0:
            step = self.curve.step(stake.volume)
            less = self.curve.discount(stake.volume, stake.base)
            rate = self.curve.nums[step - 1]
            yield Claim(
                line.owner, step, stake.base, rate, self.curve.den, value, value, less, volume=stake.volume
            )


def _claim(to: P, level: int, share: Fraction, stake: Stake, own: bool, head: P | None) -> Claim[P]:
    value = share.numerator * stake.base
    return Claim(
        to,
        level,
        stake.base,
        share.numerator,
        share.denominator,
        value,
        value if own else 0,
        volume=stake.volume,
        head=head,
    )
