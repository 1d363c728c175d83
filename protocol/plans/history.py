"""The sales of one period in their order: what somebody had sold when an earlier entry of the log was made.

Kept only for plans whose rules by sale ask who is active or unlocked [R-PLAN-15, 16]: sales that are logged too late
and sales that are raised are evaluated as of an earlier place [R-CRED-21]. What was refunded since is gone there too.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from protocol.plans.columns import Column
from protocol.plans.facts import Exact


class History:
    """Sales with the places of their entries, thirty bytes each, linked to the one before of the same member."""

    __slots__ = ("_before", "_buyers", "_newest", "_places", "_volumes")

    def __init__(self) -> None:
        self._places = array("q")  # rising
        self._volumes = Column()
        self._buyers = array("I")  # one more than who bought outside the team; 0: it counts as none
        self._before = array("I")  # as of `_newest`
        self._newest = array("I")  # member -> one more than the index of the newest sale; 0: there is none

    def add(self, number: int, place: int, volume: Exact, buyer: int | None) -> None:
        """Notes a sale.

        Args:
            number: of the member whose sale it is.
            place: seq of the entry that brought it, above those noted before.
            volume: that counts.
            buyer: number of who bought it outside the team; None: it does not count as sold outside.
        """
        if number >= len(self._newest):
            self._newest.frombytes(bytes(self._newest.itemsize * (number + 1 - len(self._newest))))
        index = len(self._places)
        self._places.append(place)
        self._volumes.reach(index + 1)
        self._volumes[index] = volume
        self._buyers.append(0 if buyer is None else buyer + 1)
        self._before.append(self._newest[number])
        self._newest[number] = index + 1

    def change(self, place: int, volume: Exact, buyer: int | None) -> None:
        """Replaces what counts of a sale, by its place; `buyer` None also when all of it was refunded."""
        index = bisect_left(self._places, place)
        self._volumes[index] = volume
        self._buyers[index] = 0 if buyer is None else buyer + 1

    def over(self, before: int) -> bool:
        """Whether everything was sold before a place."""
        return not self._places or self._places[-1] < before

    def owned(self, number: int, before: int) -> Exact:
        """Own volume of a member, of what was sold before a place."""
        return sum(self._volumes[index] for index in self._sales(number, before))

    def sold_outside(self, number: int, before: int) -> Exact:
        """The part of it that went outside the team."""
        return sum(self._volumes[index] for index in self._sales(number, before) if self._buyers[index])

    def buyers(self, number: int, before: int) -> int:
        """Different buyers outside the team before a place."""
        found = {self._buyers[index] for index in self._sales(number, before)}
        return len(found - {0})

    def _sales(self, number: int, before: int) -> Iterator[int]:
        """Indices of a member's sales before a place, the newest first."""
        index = self._newest[number] if 0 <= number < len(self._newest) else 0
        while index:
            if self._places[index - 1] < before:
                yield index - 1
            index = self._before[index - 1]
