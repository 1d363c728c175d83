"""The awards of a close in columns: there are as many as members; of what refunds ask about they are kept."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, overload

from msgspec import Struct

from protocol.plans.columns import Column
from protocol.plans.facts import Award, Exact, P, Reason, Withheld
from protocol.plans.gates import Due
from protocol.plans.rounding import down
from protocol.rolls import Part


class Awards(Sequence[Award[P]], Generic[P]):
    """Awards of one period, made when they are asked for: 23 to 39 bytes each.

    Args:
        people: whose numbers the recipients have.
        source: label of the period.
    """

    __slots__ = ("_amount", "_base", "_cut", "_level", "_people", "_rate", "_rates", "_rule", "_rules", "_source",
                 "_taken", "_to", "_volume")  # fmt: skip

    def __init__(self, people: Part[P], source: Hashable) -> None:
        self._people, self._source = people, source
        self._to, self._level = array("I"), Column(code="b")
        self._rule, self._rate = Column(code="b"), Column(code="b")  # places in what follows
        self._rules: list[str] = []
        self._rates: list[tuple[int, int]] = []
        self._amount, self._base, self._taken, self._volume = Column(), Column(), Column(), Column()
        self._cut: dict[int, tuple[int, Reason | None]] = {}  # kept, reason; of those that lost something

    def __len__(self) -> int:
        return len(self._to)

    def __iter__(self) -> Iterator[Award[P]]:
        return map(self._award, range(len(self._to)))

    @overload
    def __getitem__(self, place: int) -> Award[P]: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Award[P], ...]: ...
    def __getitem__(self, place: int | slice) -> Award[P] | tuple[Award[P], ...]:
        found = range(len(self._to))[place]
        return self._award(found) if isinstance(found, int) else tuple(map(self._award, found))

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def _award(self, place: int) -> Award[P]:
        kept, reason = self._cut.get(place, (0, None))
        return Award(
            self._people.said(self._to[place]),
            int(self._amount[place]),
            self._rules[int(self._rule[place])],
            int(self._level[place]),
            self._base[place],
            *self._rates[int(self._rate[place])],
            self._source,
            self._taken[place],
            self._volume[place],
            kept,
            reason,
        )


class Rested(Struct, Generic[P], frozen=True, gc=False):
    """What an award rests on, in the plan's volume; the fields are those of `Award`."""

    to: P
    rule: str
    level: int
    source: Hashable
    volume: Exact


class Rests(Generic[P]):
    """The awards of a closed period, in their order, as far as a refund asks about them: 10 bytes each or 14.

    Once somebody's are asked for, four bytes more.

    Args:
        awards: of which it keeps some columns.
    """

    __slots__ = ("_by_person", "_level", "_people", "_rule", "_rules", "_source", "_to", "_volume")

    def __init__(self, awards: Awards[P]) -> None:
        self._people, self._source = awards._people, awards._source
        self._to, self._level = awards._to, awards._level
        self._rule, self._rules = awards._rule, awards._rules
        self._volume = awards._volume
        self._by_person: array[int] | None = None  # places, by the number of the recipient

    def __iter__(self) -> Iterator[Rested[P]]:
        return map(self._rested, range(len(self._to)))

    def of(self, numbers: Iterable[int]) -> Iterator[Rested[P]]:
        """Those of some recipients, by their numbers, in their order; it does not go through all."""
        to = self._to.__getitem__
        if self._by_person is None:
            self._by_person = array("I", sorted(range(len(self._to)), key=to))
        rows, places = self._by_person, list[int]()
        for number in set(numbers):
            places += rows[bisect_left(rows, number, key=to) : bisect_right(rows, number, key=to)]
        return map(self._rested, sorted(places))

    def _rested(self, place: int) -> Rested[P]:
        rule = self._rules[int(self._rule[place])]
        to, level = self._people.said(self._to[place]), int(self._level[place])
        return Rested(to, rule, level, self._source, self._volume[place])


class Held(Sequence[Withheld[P]], Generic[P]):
    """What of one period did not become an award, in the same way: 10 bytes each or 14; arguments as of `Awards`."""

    __slots__ = ("_amount", "_level", "_people", "_source", "_to", "_why", "_whys")

    def __init__(self, people: Part[P], source: Hashable) -> None:
        self._people, self._source = people, source
        self._to, self._level = array("I"), Column(code="b")
        self._why = Column(code="b")  # place in `_whys`: rule and reason
        self._whys: list[tuple[str, Reason]] = []
        self._amount = Column()

    def __len__(self) -> int:
        return len(self._to)

    def __iter__(self) -> Iterator[Withheld[P]]:
        return map(self._one, range(len(self._to)))

    @overload
    def __getitem__(self, place: int) -> Withheld[P]: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Withheld[P], ...]: ...
    def __getitem__(self, place: int | slice) -> Withheld[P] | tuple[Withheld[P], ...]:
        found = range(len(self._to))[place]
        return self._one(found) if isinstance(found, int) else tuple(map(self._one, found))

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def _one(self, place: int) -> Withheld[P]:
        rule, reason = self._whys[int(self._why[place])]
        to, amount = self._people.said(self._to[place]), int(self._amount[place])
        return Withheld(to, amount, rule, int(self._level[place]), self._source, reason)


class Sorting(Generic[P]):
    """Sorts rounded dues of a close into awards and what did not become one.

    Args:
        people: whose numbers the recipients have.
        source: label of the period.
    """

    __slots__ = ("_rates", "_rules", "_whys", "awards", "held")

    def __init__(self, people: Part[P], source: Hashable) -> None:
        self.awards: Awards[P] = Awards(people, source)
        self.held: Held[P] = Held(people, source)
        self._rates: dict[tuple[int, int], int] = {}
        self._rules: dict[str, int] = {}
        self._whys: dict[tuple[str, Reason], int] = {}

    def take(self, amounts: Iterable[tuple[Due[int], int]]) -> None:
        """Takes what `gates.rounded` gives."""
        for due, amount in amounts:
            if amount > 0:
                self._award(due, amount)
            elif due.reason is not None:
                self._hold(due, due.reason)

    def _award(self, due: Due[int], amount: int) -> None:
        rows, claim, place = self.awards, due.claim, len(self.awards)
        rows._to.append(claim.to)
        rows._level.append(claim.level)
        rows._rule.append(_placed(self._rules, rows._rules, due.rule))
        rows._rate.append(_placed(self._rates, rows._rates, claim.mean(due.kept)))
        for column, value in (
            (rows._amount, amount),
            (rows._base, claim.base),
            (rows._taken, claim.less),
            (rows._volume, claim.volume),
        ):
            column.append(value)
        if due.kept or due.reason is not None:
            rows._cut[place] = (down(due.kept, claim.den) if due.kept else 0, due.reason)

    def _hold(self, due: Due[int], reason: Reason) -> None:
        rows, claim = self.held, due.claim
        rows._to.append(claim.to)
        rows._level.append(claim.level)
        rows._why.append(_placed(self._whys, rows._whys, (due.rule, reason)))
        rows._amount.append(down(due.kept, claim.den))


def _placed(places: dict[Any, int], row: list[Any], value: Any) -> int:
    """The place of a value in a row that has each once."""
    place = places.get(value)
    if place is None:
        place = places[value] = len(row)
        row.append(value)
    return place
