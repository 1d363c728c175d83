"""What families of rules see of a sale and what they say of it, before anything of the plan as a whole is looked at."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic

from msgspec import Struct

from protocol.plans.facts import Exact, P


class Seat(Struct, Generic[P], frozen=True, gc=False):
    """One person of an upline, as of the sale or the close.

    Attributes:
        rank: number of the rank that rules use, -1 for none.
        active: has the plan's own volume in this period or the last one.
        member: False for who has left and still stands there: is never paid.
    """

    person: P
    rank: int
    active: bool = True
    member: bool = True


class Line(Struct, Generic[P], frozen=True, gc=False):
    """Who stands above a sale.

    Attributes:
        owner: the member whose sale it is.
        pays_owner: False where the owner is the buyer too.
        first: number of the first seat in the line of `seats`: 0 when level 1 is the owner, else 1.
        seats: the owner and its upline in the sponsor tree.
        places: the owner and its upline in the placement tree.
        since: ms UTC at which the owner became a member; None for who is none.
    """

    owner: P
    pays_owner: bool
    first: int
    seats: tuple[Seat[P], ...]
    places: tuple[Seat[P], ...] = ()
    since: int | None = None


class Stake(Struct, frozen=True, gc=False):
    """What a sale, or a member's sales of a period, put at stake.

    Attributes:
        base: what rates multiply, minor units of the plan's unit.
        volume: what brackets and conditions count.
        time: ms UTC; of a period, its end.
    """

    base: Exact
    volume: Exact
    time: int = 0
    listing: str | None = None
    renewal: bool = False


class Claim(Struct, Generic[P], gc=False):
    """What one rule gives one member; `value`, `free`, `less` and `rate` are numerators over `den`.

    Attributes:
        free: the part of `value` that is for the member's own sales; the rest are overrides.
        head: the member below the recipient by whom an override came, to whom duties are owed.
        legs: where a claim rests on several legs: each head with its part of `value`; kept only for plans with duties.
    """

    to: P
    level: int
    base: Exact
    rate: int
    den: int
    value: Exact
    free: Exact = 0
    less: Exact = 0
    volume: Exact = 0
    head: P | None = None
    legs: tuple[tuple[P, Exact], ...] = ()

    def mean(self, kept: Exact) -> tuple[int, int]:
        """The rate, which is the mean of several where they make up the claim; `kept` was taken off its value."""
        if self.rate >= 0:
            return self.rate, self.den
        mean = Fraction(self.value + kept) / (self.den * self.base)
        return mean.numerator, mean.denominator


@dataclass(frozen=True, slots=True)
class Choice:
    """Which sales a rule is for."""

    only: frozenset[Hashable] | None
    turns: str

    def takes(self, stake: Stake) -> bool:
        """Whether the rule looks at a sale."""
        if self.only is not None and stake.listing not in self.only:
            return False
        return self.turns == "all" or (self.turns == "renewal") == stake.renewal
