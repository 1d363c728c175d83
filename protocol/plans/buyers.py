"""Who bought of whom, by numbers: what tells how many different buyers a member has."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from typing import Final

_FEW: Final = 16


class Buyers:
    """Sales to buyers, by number of the member: a chain through columns where there are few, else sales by buyer.

    Most members sell to few, so that a sale takes eight bytes, and four by member.
    """

    __slots__ = ("_before", "_buyer", "_many", "_newest")

    def __init__(self) -> None:
        self._newest = array("I")  # member -> place of the newest sale in the columns, from 1 on; 0: none
        self._buyer = array("I", [0])
        self._before = array("I", [0])  # place of the one before it, of the same member
        self._many: dict[int, dict[int, int]] = {}  # member -> buyer -> sales

    def of(self, member: int) -> int:
        """Different buyers of a member."""
        many = self._many.get(member)
        return len(set(self._chain(member)) if many is None else many)

    def everybody(self) -> set[int]:
        """Different buyers of all members together."""
        found = {buyer for many in self._many.values() for buyer in many}
        for member in range(len(self._newest)):
            found.update(self._chain(member))
        return found

    def meet(self, member: int, buyer: int) -> None:
        """Counts a sale to a buyer."""
        many = self._many.get(member)
        if many is None:
            if sum(1 for _ in self._chain(member)) < _FEW:
                self._link(member, buyer)
                return
            many = self._many[member] = dict(Counter(self._chain(member)))
            self._newest[member] = 0
        many[buyer] = many.get(buyer, 0) + 1

    def part(self, member: int, buyer: int) -> None:
        """Takes back one sale to a buyer who was met."""
        many = self._many.get(member)
        if many is None:
            place = self._newest[member]
            while self._buyer[place] != buyer:
                place = self._before[place]
            # The newest one goes, and what it says stands where the sale stood: which of them came first is not asked.
            newest = self._newest[member]
            self._buyer[place] = self._buyer[newest]
            self._newest[member] = self._before[newest]
            return
        many[buyer] -= 1
        if not many[buyer]:
            del many[buyer]

    def _link(self, member: int, buyer: int) -> None:
        more = member + 1 - len(self._newest)
        if more > 0:
            self._newest.frombytes(bytes(self._newest.itemsize * more))
        self._before.append(self._newest[member])
        self._newest[member] = len(self._buyer)
        self._buyer.append(buyer)

    def _chain(self, member: int) -> Iterator[int]:
        place = self._newest[member] if 0 <= member < len(self._newest) else 0
        while place:
            yield self._buyer[place]
            place = self._before[place]
