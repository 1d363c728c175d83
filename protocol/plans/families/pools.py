"""Shares of the whole: pools and rank bonuses, and what CDRM gives for a member's volume and all below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from protocol.plans.claims import Claim
from protocol.plans.facts import Exact, P
from protocol.plans.ground import Ground

_BITS: Final = 64
_ROOM: Final = 128  # bits of the number that is squared: its errors stay below the last bit that is kept
_LN2: Final = Fraction(12_786_308_645_202_655_659, 1 << _BITS)  # ln 2, its first 64 bits


@dataclass(frozen=True, slots=True)
class Pools:
    """A share of the period's base, divided among members of a rank.

    Attributes:
        least: number of the rank; higher ones share too.
        new: only who has it for the first time.
        split: equal, group, own.
    """

    name: str
    share: Fraction
    least: int
    new: bool
    split: str

    @property
    def bound(self) -> Fraction:
        """The share."""
        return self.share

    def claims(self, ground: Ground[P]) -> Iterator[Claim[int]]:
        """Nobody in the rank: nobody is paid. `level` is 0."""
        sharers = [number for number in ground.members if self._shares(ground, number)]
        weights: list[Exact] = [self._weight(ground, number) for number in sharers]
        whole = sum(weights)
        if whole <= 0:
            return
        pool = ground.total_base * self.share
        for number, weight in zip(sharers, weights, strict=True):
            if weight > 0:
                value = Fraction(pool) * weight / whole
                rate = self.share * weight / whole
                yield Claim(
                    number,
                    0,
                    ground.total_base,
                    rate.numerator,
                    rate.denominator,
                    value * rate.denominator,
                    volume=ground.total,
                )

    def _shares(self, ground: Ground[P], number: int) -> bool:
        if self.new:
            return bool(ground.newly[number]) and ground.achieved[number] >= self.least
        return ground.rank[number] >= self.least

    def _weight(self, ground: Ground[P], number: int) -> Exact:
        match self.split:
            case "group":
                return max(ground.group[number], 0)
            case "own":
                return max(ground.own[number], 0)
            case _:
                return 1


@dataclass(frozen=True, slots=True)
class Contributions:
    """CDRM-1 and CDRM-2: of own volume x and the volume y below, in whole units of what the plan counts.

    Neither can be gained from by splitting; both give at most phi x, so that all together stay below phi [R10].

    Attributes:
        unit: how many of what volumes are counted in make one unit.
    """

    name: str
    logarithmic: bool
    phi: Fraction
    theta: Fraction
    unit: int

    @property
    def bound(self) -> Fraction:
        """The most that x earns."""
        return self.phi

    def claims(self, ground: Ground[P]) -> Iterator[Claim[int]]:
        """`level` is 0."""
        for number in ground.members:
            own, base = ground.own[number], ground.base[number]
            if own <= 0:
                continue
            rate = self._rate(own, ground.group[number])
            if rate > 0:
                value = base * rate.numerator
                yield Claim(
                    number,
                    0,
                    base,
                    rate.numerator,
                    rate.denominator,
                    value,
                    free=base * max(Fraction(0), self._rate(own, own)) * rate.denominator,
                    volume=ground.group[number],
                )

    def _rate(self, own: Exact, group: Exact) -> Fraction:
        """What one unit of own volume earns, given the volume of the group."""
        if not self.logarithmic:
            return self.phi - self.theta / (1 + Fraction(group) / self.unit)
        below = int(group) - int(own)
        gain = Fraction(binary_log(self.unit + int(group)) - binary_log(self.unit + below), 1 << _BITS)
        return self.phi - self.theta * gain * _LN2 * self.unit / own


def binary_log(number: int) -> int:
    """The binary logarithm of an integer above zero, times 2^64, by squaring: the same on every machine."""
    whole = number.bit_length() - 1
    shift = _ROOM - 1 - whole
    mantissa = number << shift if shift >= 0 else number >> -shift
    found = whole
    for _ in range(_BITS):
        mantissa = mantissa * mantissa >> (_ROOM - 1)
        found <<= 1
        if mantissa >> _ROOM:
            mantissa >>= 1
            found |= 1
    return found
