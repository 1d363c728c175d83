"""Matching: a share of what those below earn by other rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from protocol.plans.claims import Claim, Seat
from protocol.plans.facts import Exact
from protocol.plans.tables import Table

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Matches:
    """One matching rule.

    Attributes:
        of: names of the rules whose claims are matched, each as it stands after its gates.
        least: count members of this rank or above in place of members; None: members.
    """

    name: str
    table: Table
    of: frozenset[str]
    least: int | None

    def bound(self, matched: Fraction) -> Fraction:
        """What it comes to at most, given that of the rules it matches [R10]."""
        return self.table.bound * matched

    def claims(
        self, earned: Iterable[tuple[T, Fraction, Exact]], above: Callable[[T], Iterable[Seat[T]]]
    ) -> Iterator[Claim[T]]:
        """Walks up from everybody who earned; `level` counts members, or generations.

        Args:
            earned: who, how much (minor units, exact), and the volume it rests on.
            above: the upline of somebody, nearest first.
        """
        found: dict[tuple[T, int], Claim[T]] = {}
        for person, amount, volume in earned:
            level, head = 0, person
            for seat in above(person):
                if self.least is None or seat.rank >= self.least:
                    level += 1
                    if level > self.table.levels:
                        break
                    rate = self.table.rate(seat.rank, level)
                    if rate and seat.member:
                        self._add(found, seat.person, level, rate, amount, volume, head)
                head = seat.person
        yield from found.values()

    def _add(
        self,
        found: dict[tuple[T, int], Claim[T]],
        to: T,
        level: int,
        rate: int,
        amount: Fraction,
        volume: Exact,
        head: T,
    ) -> None:
        value = rate * amount
        claim = found.get((to, level))
        if claim is None:
            found[to, level] = Claim(
                to, level, amount, rate, self.table.den, value, volume=volume, legs=((head, value),)
            )
            return
        claim.base += amount
        claim.value += value
        claim.volume += volume
        claim.legs += ((head, value),)
