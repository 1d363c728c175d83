"""What was sold in one period, by the number of the member whose sale it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from protocol import limits
from protocol.plans.facts import Exact

_FEW: Final = 16


@dataclass(slots=True)
class Volumes:
    """The sums of one period. Lists grow as numbers are met; a number beyond one, or -1, has nothing.

    Attributes:
        own: volume that counts, by member.
        base: what rates multiply, by member; the same list where the plan counts what it pays on.
        inside: the part of `own` that was bought inside the team, by member; few have any.
        personal: volume that a buyer of the team has used of what own purchases count for.
        led: by buyer, the first referrers of what the buyer bought; few buyers are named (R17).
        outside, told: of the whole team: volume sold outside, and all; presumed receipts in neither (R6).
        total, total_base: volume and base that count, of the whole team.
        active, unlocked, first: since which place in the log a member has the plan's own volume, unlocks overrides, and
            has an outside sale; kept for rules by sale, which are evaluated as of any sale.
        changed: members of whom something changed since somebody who watches the period looked; None: nobody does.
    """

    own: list[Exact] = field(default_factory=list)
    base: list[Exact] = field(default_factory=list)
    inside: dict[int, Exact] = field(default_factory=dict)
    personal: dict[Hashable, Exact] = field(default_factory=dict)
    led: dict[Hashable, tuple[Hashable, ...]] = field(default_factory=dict)
    outside: Exact = 0
    told: Exact = 0
    total: Exact = 0
    total_base: Exact = 0
    active: dict[int, int] = field(default_factory=dict)
    unlocked: dict[int, int] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    changed: set[int] | None = None
    # One of each sale, or buyer -> sales where there are many: most members sell to few, and tuples are small.
    _buyers: dict[int, tuple[Hashable, ...] | dict[Hashable, int]] = field(default_factory=dict)

    def owned(self, number: int) -> Exact:
        """Own volume of a member."""
        return self.own[number] if 0 <= number < len(self.own) else 0

    def sold_outside(self, number: int) -> Exact:
        """The part of it that went outside the team."""
        return self.owned(number) - self.inside.get(number, 0)

    def buyers(self, number: int) -> int:
        """Different buyers outside the team."""
        found = self._buyers.get(number)
        return 0 if found is None else len(found if isinstance(found, dict) else set(found))

    def outside_buyers(self) -> set[Hashable]:
        """Everybody outside the team who bought of a member."""
        return {buyer for found in self._buyers.values() for buyer in found}

    def lead(self, buyer: Hashable, referrer: Hashable) -> None:
        """Notes who is paid first for what a networker bought."""
        known = self.led.get(buyer, ())
        if referrer not in known and len(known) < limits.MAX_CIRCLE_WAYS:
            self.led[buyer] = (*known, referrer)

    def circle(self, buyer: Hashable, referrer: Hashable) -> bool:
        """Whether sales so far lead from the referrer back to the buyer [R17]."""
        reached = {referrer}
        newest = reached
        for _ in range(limits.MAX_CIRCLE - 1):
            newest = {one for each in newest for one in self.led.get(each, ())} - reached
            if buyer in newest:
                return True
            if not newest:
                break
            reached = reached | newest
        return False

    def add(self, number: int, volume: Exact, base: Exact) -> None:
        """Adds to a member's own sales; negative amounts take back."""
        self._note(number)
        _put(self.own, number, volume)
        if self.base is not self.own:
            _put(self.base, number, base)

    def meet(self, number: int, buyer: Hashable) -> None:
        """Counts a sale to a buyer."""
        self._note(number)
        known = self._buyers.get(number, ())
        if isinstance(known, dict):
            known[buyer] = known.get(buyer, 0) + 1
        elif len(known) < _FEW:
            self._buyers[number] = (*known, buyer)
        else:
            self._buyers[number] = dict(Counter((*known, buyer)))

    def part_from(self, number: int, buyer: Hashable) -> None:
        """Takes back one sale to a buyer, which was refunded whole."""
        self._note(number)
        known = self._buyers.get(number, ())
        if isinstance(known, dict):
            known[buyer] -= 1
            if not known[buyer]:
                del known[buyer]
        else:
            at = known.index(buyer)
            self._buyers[number] = known[:at] + known[at + 1 :]

    def _note(self, number: int) -> None:
        if self.changed is not None:
            self.changed.add(number)

    @property
    def outside_share(self) -> Fraction:
        """Of all volume; everything where nothing was sold."""
        return Fraction(self.outside) / self.told if self.told > 0 else Fraction(1)


def mark(since: dict[int, int], number: int, at: int, reached: bool) -> None:
    """Notes the place from which on something holds of a member, or that it holds no more."""
    if reached:
        since.setdefault(number, at)
    else:
        since.pop(number, None)


def _put(column: list[Exact], number: int, value: Exact) -> None:
    if number >= len(column):
        column.extend([0] * (number + 1 - len(column)))
    column[number] += value
