"""What was sold in one period, by the number of the member whose sale it was."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from fractions import Fraction

from protocol import limits
from protocol.plans.buyers import Buyers
from protocol.plans.columns import Column
from protocol.plans.facts import Exact
from protocol.plans.history import History


@dataclass(slots=True)
class Volumes:
    """The sums of one period. Columns grow as numbers are met; a number beyond one, or -1, has nothing.

    Attributes:
        own: volume that counts, by member.
        base: what rates multiply, by member; the same column where the plan counts what it pays on.
        inside: the part of `own` that was bought inside the team, by member; few have any.
        personal: volume that a buyer of the team has used of what own purchases count for.
        led: by buyer, the first referrers of what the buyer bought; few buyers are named (R17).
        outside, told: of the whole team: volume sold outside, and all; presumed receipts in neither (R6).
        total, total_base: volume and base that count, of the whole team.
        history: the sales one by one, for rules by sale that ask what was sold before a place; None: none does.
        changed: members of whom something changed since somebody who watches the period looked; None: nobody does.
    """

    own: Column = field(default_factory=Column)
    base: Column = field(default_factory=Column)
    inside: dict[int, Exact] = field(default_factory=dict)
    personal: dict[Hashable, Exact] = field(default_factory=dict)
    led: dict[Hashable, tuple[Hashable, ...]] = field(default_factory=dict)
    outside: Exact = 0
    told: Exact = 0
    total: Exact = 0
    total_base: Exact = 0
    history: History | None = None
    changed: set[int] | None = None
    _buyers: Buyers = field(default_factory=Buyers)

    def _earlier(self, before: int) -> History | None:
        """What tells of the time before a place; None where the sums do, since nothing was sold after it."""
        return None if self.history is None or self.history.over(before) else self.history

    def owned(self, number: int, before: int | None = None) -> Exact:
        """Own volume of a member; of what was sold before a place, as it stands now, where one is given."""
        if before is not None and (history := self._earlier(before)) is not None:
            return history.owned(number, before)
        return self.own[number] if 0 <= number < len(self.own) else 0

    def sold_outside(self, number: int, before: int | None = None) -> Exact:
        """The part of it that went outside the team."""
        if before is not None and (history := self._earlier(before)) is not None:
            return history.sold_outside(number, before)
        return self.owned(number) - self.inside.get(number, 0)

    def buyers(self, number: int, before: int | None = None) -> int:
        """Different buyers outside the team."""
        if before is not None and (history := self._earlier(before)) is not None:
            return history.buyers(number, before)
        return self._buyers.of(number)

    def outside_buyers(self) -> set[int]:
        """The buyers outside the team of all members together, by number."""
        return self._buyers.everybody()

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

    def meet(self, number: int, buyer: int) -> None:
        """Counts a sale to a buyer outside the team, by the buyer's number."""
        self._note(number)
        self._buyers.meet(number, buyer)

    def part_from(self, number: int, buyer: int) -> None:
        """Takes back one sale to a buyer, which was refunded whole."""
        self._note(number)
        self._buyers.part(number, buyer)

    def _note(self, number: int) -> None:
        if self.changed is not None:
            self.changed.add(number)

    @property
    def outside_share(self) -> Fraction:
        """Of all volume; everything where nothing was sold."""
        return Fraction(self.outside) / self.told if self.told > 0 else Fraction(1)


def _put(column: Column, number: int, value: Exact) -> None:
    column.reach(number + 1)
    column[number] += value
