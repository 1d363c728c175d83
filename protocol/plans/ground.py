"""The whole team at the end of a period, as arrays by member number: what period rules are evaluated on."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Generic

from protocol.plans.claims import Seat
from protocol.plans.columns import Column
from protocol.plans.facts import Exact, P
from protocol.rolls import Part


@dataclass(slots=True)
class Ground(Generic[P]):
    """Arrays of one length; a number names the same member in all of them.

    Attributes:
        people: number -> person. A number whose person is no member any more has -1 in `up` and no volume.
        members: numbers in the order of the team.
        guests: numbers of who sold and is no member: earns tiers only.
        up: number -> number of the sponsor, -1 at the top.
        order: numbers, each after all below it.
        own, base: own volume of the period, and what rates multiply; one column where they are the same.
        group, group_base: with all below.
        rank: that rules use; -1 for none. `achieved`: the highest ever.
        newly: whether a rank was achieved for the first time.
        active: whether the plan's own volume was reached.
        total, total_base: of the period, also what is nobody's own.
        end: ms UTC.
    """

    people: Part[P]
    members: array[int]
    guests: array[int]
    up: array[int]
    order: array[int]
    own: Column
    base: Column
    group: Column
    group_base: Column
    rank: Sequence[int]
    achieved: Sequence[int]
    newly: Sequence[int]
    active: Sequence[int]
    total: Exact
    total_base: Exact
    end: int
    places: list[tuple[int, int]] | None = (
        None  # number -> (parent, leg) of the placement tree, (-1, 0) for none
    )
    _positions: array[int] | None = None

    def kept(self) -> Ground[P]:
        """What a refund after the close looks at: without members, order and groups, which take the most."""
        nothing = array("i")
        return replace(
            self, members=nothing, guests=nothing, order=nothing, group=Column(), group_base=Column(),
            newly=b"", _positions=None,
        )  # fmt: skip

    def seat(self, number: int) -> Seat[int]:
        """A member as a seat of a line."""
        return Seat(number, self.rank[number], bool(self.active[number]))

    def position(self, number: int) -> int:
        """The place of somebody in the order of the team; guests come last."""
        if self._positions is None:  # most plans never ask
            self._positions = array("i", [len(self.up)]) * len(self.up)
            for place, each in enumerate(chain(self.members, self.guests)):
                self._positions[each] = place
        return self._positions[number]

    def line(self, number: int) -> Iterator[int]:
        """A member and everybody above, nearest first."""
        while number >= 0:
            yield number
            number = self.up[number]

    def children(self) -> list[list[int]]:
        """Number -> who stands right below."""
        below: list[list[int]] = [[] for _ in self.up]
        for number in self.members:
            if self.up[number] >= 0:
                below[self.up[number]].append(number)
        return below


def leaves_first(up: Sequence[int]) -> array[int]:
    """Numbers in an order in which each comes after all below it.

    Args:
        up: number -> number above, -1 at the top; without cycles.
    """
    waiting = array("i", bytes(4 * len(up)))
    for above in up:
        if above >= 0:
            waiting[above] += 1
    order = array("i", (number for number, count in enumerate(waiting) if count == 0))
    for number in order:
        above = up[number]
        if above >= 0:
            waiting[above] -= 1
            if waiting[above] == 0:
                order.append(above)
    return order


def summed(up: Sequence[int], order: Sequence[int], values: Column) -> Column:
    """Each member's value with those of all below."""
    found = values.copy()
    for number in order:
        above = up[number]
        if above >= 0:
            found[above] += found[number]
    return found
