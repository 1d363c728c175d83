"""The awards of closed periods as a ledger's effects: a close of a million members brings as many at once."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from protocol.ledger.effects import AwardKey, Credited, Earned, Exact, Step
from protocol.plans.columns import Column
from protocol.rolls import Part, Roll

_TO: Final = slice(1, 33)  # of an id: who is credited; see `effects.period_id`
_REST: Final = slice(33, None)
_FEW: Final = 32  # awards of one recipient that are gone through one after another

Terms = tuple[int, int, int, int]
"""Of an award: when it is due, when it expires, the end of its hold (ms UTC), number of the entry that made it."""


class _Row:
    """The awards of one recipient: their places, rising, and their kinds."""

    __slots__ = ("kinds", "places")

    def __init__(self) -> None:
        self.places = array("I")
        self.kinds = array("I")

    def add(self, place: int, kind: int) -> None:
        """The next one."""
        self.places.append(place)
        self.kinds.append(kind)

    def find(self, kind: int, since: int) -> int | None:
        """The place of the award of a kind, none before a place."""
        try:
            return self.places[self.kinds.index(kind, bisect_left(self.places, since))]
        except ValueError:
            return None


class PeriodAwards:
    """Awards of periods by id and by recipient, in the order of the log.

    One that no refund has touched takes 22 bytes. Those of one recipient are chained; of who has many the places stand
    in a row as well, since who is paid each week has some thousands in the end, and each close looks for all of them.

    Args:
        everybody: that the ledger has met.
    """

    __slots__ = (
        "_amounts", "_before", "_few", "_kinds", "_many", "_newest", "_odd", "_people", "_rests", "_said", "_since",
        "_terms", "_terms_of", "_to", "_told", "_volumes",
    )  # fmt: skip

    def __init__(self, everybody: Roll[bytes]) -> None:
        self._people = Part(everybody)
        self._newest = array("I")  # by recipient: one more than the place of the newest award
        self._few = bytearray()  # by recipient: how many awards, up to _FEW
        self._many: dict[int, _Row] = {}  # by recipient, of more than so many
        self._to = array("I")
        self._kinds = Column(code="b")  # place in `_said`
        self._terms_of = Column(code="b")  # place in `_terms`
        self._before = array("I")  # as `_newest`: of the same recipient
        self._amounts = Column()
        self._volumes = Column()
        self._rests: dict[bytes, int] = {}  # what an id has after the recipient -> place in `_said`
        self._said: list[tuple[bytes, str, int, str]] = []  # the same; rule, level, unit
        self._since: list[
            int
        ] = []  # by place in `_said`: how many awards there were before the first of that kind
        self._terms: list[Terms] = []
        self._told: dict[Terms, int] = {}
        self._odd: dict[int, Earned] = {}  # by place: what the columns cannot say

    def __len__(self) -> int:
        return len(self._to)

    def place(self, id: bytes) -> int | None:
        """Where an award stands; None: it is not among them."""
        kind = self._rests.get(id[_REST])
        return None if kind is None else self._place(id[_TO], kind)

    def value(self, place: int) -> Earned:
        """An award as an effect."""
        odd = self._odd.get(place)
        if odd is not None:
            return odd
        _, rule, level, unit = self._said[int(self._kinds[place])]
        due, expires, hold, _ = self._terms[int(self._terms_of[place])]
        step = Step(due, expires, int(self._amounts[place]), self._volumes[place], hold)
        return Earned(Credited(self._people.said(self._to[place]), rule, level, unit, (step,)), 0)

    def id(self, place: int) -> bytes:
        """The id of the effect."""
        return b"p" + self._people.said(self._to[place]) + self._said[int(self._kinds[place])][0]

    def made(self, place: int) -> int:
        """The number of the entry that made an award."""
        return self._terms[int(self._terms_of[place])][3]

    def of(self, unit: str, holder: bytes) -> list[int]:
        """The places of what somebody was credited in a unit, oldest first."""
        number = self._people.find(holder)
        found = [] if number is None else [each for each in self._chain(number) if self._unit(each) == unit]
        return found[::-1]

    def units(self) -> set[str]:
        """The units of all awards."""
        return {unit for _, _, _, unit in self._said}

    def holders(self, unit: str) -> Iterator[bytes]:
        """Who was credited in a unit, in the order of coming."""
        for number in range(len(self._newest)):
            if any(self._unit(place) == unit for place in self._chain(number)):
                yield self._people.said(number)

    # -- changes ---------------------------------------------------------------------------------------------
    def kind(self, id: bytes, key: AwardKey) -> int:
        """The number of a rule, level, unit, period and plan.

        Args:
            id: of the effect of any award of that kind.
            key: of the same award.
        """
        rest = id[_REST]
        found = self._rests.get(rest)
        if found is None:
            found = self._rests[rest] = len(self._said)
            self._said.append((rest, *key[1:]))
            self._since.append(len(self._to))
        return found

    def add(self, to: bytes, kind: int, amount: int, volume: Exact, terms: Terms) -> bool:
        """Adds an award; False: this recipient has one of the kind."""
        if self._place(to, kind) is not None:
            return False
        number, place = self._people.add(to), len(self._to)
        if number == len(self._newest):
            self._newest.append(0)
            self._few.append(0)
        self._count(number, place, kind)
        self._to.append(number)
        self._kinds.append(kind)
        self._terms_of.append(self._term(terms))
        self._before.append(self._newest[number])
        self._amounts.append(amount)
        self._volumes.reach(place + 1)
        self._volumes[place] = volume
        self._newest[number] = place + 1
        return True

    def put(self, id: bytes, value: Earned, made: int) -> None:
        """Gives an award its value; `made` is the number of the entry, which counts for a new one."""
        credit, place = value.credit, self.place(id)
        if place is None:
            step = credit.steps[0]
            terms = (step.due, step.expires, step.hold, made)
            self.add(credit.to, self.kind(id, credit.key), step.amount, step.base, terms)
            place = len(self._to) - 1
        self._odd.pop(place, None)
        if self.value(place) != value:
            self._odd[place] = value

    def _term(self, terms: Terms) -> int:
        found = self._told.get(terms)
        if found is None:
            found = self._told[terms] = len(self._terms)
            self._terms.append(terms)
        return found

    def _count(self, number: int, place: int, kind: int) -> None:
        """Notes one more award of a recipient, before it is linked."""
        many = self._many.get(number)
        if many is None and self._few[number] < _FEW:
            self._few[number] += 1
            return
        if many is None:
            many = self._many[number] = _Row()
            for each in reversed(list(self._chain(number))):
                many.add(each, int(self._kinds[each]))
        many.add(place, kind)

    def _place(self, to: bytes, kind: int) -> int | None:
        number = self._people.find(to)
        if number is None:
            return None
        since, many = self._since[kind], self._many.get(number)
        if many is not None:
            return many.find(kind, since)
        return next((each for each in self._chain(number, since) if self._kinds[each] == kind), None)

    def _chain(self, number: int, since: int = 0) -> Iterator[int]:
        """Newest first, none before a place."""
        place = self._newest[number]
        while place > since:
            yield place - 1
            place = self._before[place - 1]

    def _unit(self, place: int) -> str:
        return self._said[int(self._kinds[place])][3]
