"""Numbers in the place of 32-byte ids: a million of them take forty megabytes, as objects in a dict two hundred.

    roll = Roll()               # everybody that a ledger has met, each once
    part = Part(roll)           # some of them, numbered by themselves from 0 on: a tree, a plan's sellers
    number = part.add(id); part[number]; part.find(id)

Ids stand one after another in one row of bytes, and are found by an open-addressed table of their numbers. Any answer
rests on the whole id: the table only says where to look. It is spread by the hash of `bytes`, which is keyed anew in
every process, so nobody can choose ids that fall on one place. Anything that is not 32 bytes long, as the names of
people in a file, is kept in a dict.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterator
from struct import iter_unpack
from typing import Any, Final, Generic, TypeVar, cast

P = TypeVar("P", bound=Hashable)

_ID: Final = 32
_NEAR: Final = 4_096
"""Ids whose objects are kept at hand: who is met now is met again soon, and a dict finds them five times as fast."""

_LEAST: Final = 16  # places of an empty table
_PAGE: Final = 6  # bits: numbers of a page


class Roll(Generic[P]):
    """Everybody once, by a number from 0 on in the order of coming; nobody is ever taken off."""

    __slots__ = ("_gap", "_ids", "_near", "_numbers", "_others", "_places", "_said")

    def __init__(self) -> None:
        self._ids = bytearray()
        self._places = array("I", bytes(4 * _LEAST))  # one more than the number; 0: nobody
        # Who was looked for last and not found, and the free place where they would stand: who is new is looked for a
        # few times before they are put in. It holds while that place of that table is free.
        self._gap: tuple[Any, int, array[int]] = (None, 0, self._places)
        self._near: dict[Any, int] = {}
        self._said: dict[int, Any] = {}
        self._others: dict[int, Any] = {}  # by number, what is no id
        self._numbers: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self._ids) // _ID

    def __getitem__(self, number: int) -> P:
        found = self._said.get(number)
        if found is None:
            found = self.said(number)
            if len(self._said) >= _NEAR:
                self._said.clear()
            self._said[number] = found
            if number not in self._others:
                self._keep(found, number)
        return found

    def said(self, number: int) -> P:
        """Who has a number, not to be asked for soon again: as when all are gone through."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        if number in self._others:
            return self._others[number]  # type: ignore[no-any-return]
        return bytes(self._ids[number * _ID : number * _ID + _ID])  # type: ignore[return-value]

    def __contains__(self, person: P) -> bool:
        return self.find(person) is not None

    def find(self, person: P) -> int | None:
        """The number of somebody; None for who was never met."""
        found = self._near.get(person)
        if found is not None:
            return found
        if not _is_id(person):
            return self._numbers.get(person)
        absent, place, places = self._gap
        if absent == person and places is self._places and not places[place]:
            return None
        number = self._look(person)
        if number is not None:
            self._keep(person, number)
        return number

    def add(self, person: P) -> int:
        """The number of somebody, given when first asked for."""
        found = self._near.get(person)
        if found is not None:
            return found
        if not _is_id(person):
            return self._name(person)
        number = self.find(person)
        if number is None:
            absent, place, places = self._gap
            if absent != person:  # another thread looked for somebody else meanwhile
                return self.add(person)
            number = len(self)
            self._ids += cast(bytes, person)
            places[place] = number + 1
            if 4 * number > 3 * len(self._places):
                self._grow()
        self._keep(person, number)
        return number

    def _name(self, person: P) -> int:
        number = self._numbers.get(person)
        if number is None:
            number = self._numbers[person] = len(self)
            self._others[number] = person
            self._ids += bytes(_ID)
        return number

    def _keep(self, id: Any, number: int) -> None:
        if len(self._near) >= _NEAR:
            self._near.clear()
        self._near[id] = number

    def _look(self, id: Any) -> int | None:
        """The number of an id; where there is none, notes the place where it would stand."""
        ids, places = self._ids, self._places
        last = len(places) - 1
        place = hash(id) & last
        while (number := places[place]) and not ids.startswith(id, (number - 1) * _ID, number * _ID):
            place = (place + 1) & last
        if number:
            return number - 1
        self._gap = (id, place, places)
        return None

    def _grow(self) -> None:
        places = array("I", [0]) * (2 * len(self._places))
        last = len(places) - 1
        for number, (id,) in enumerate(iter_unpack(f"{_ID}s", self._ids)):
            if number in self._others:
                continue
            place = hash(id) & last
            while places[place]:
                place = (place + 1) & last
            places[place] = number + 1
        self._places = places


class Part(Generic[P]):
    """Some of a roll, by numbers of their own from 0 on, in the order of coming.

    Args:
        roll: that has them all; None: one of its own.
    """

    __slots__ = ("_members", "_near", "_pages", "_said", "roll")

    def __init__(self, roll: Roll[P] | None = None) -> None:
        self.roll: Roll[P] = Roll() if roll is None else roll
        self._members = array("I")  # their numbers in the roll
        # Numbers in the roll, a page at a time -> one more than the number here: who comes first in one is likely to
        # have come first in the other, and where they did not, a page costs no more than a few entries of a dict.
        self._pages: dict[int, array[int]] = {}
        self._near: dict[P, int] = {}  # at hand, as in the roll
        self._said: dict[int, P] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, number: int) -> P:
        found = self._said.get(number)
        if found is None:
            if len(self._said) >= _NEAR:
                self._said.clear()
            found = self._said[number] = self.roll[self._members[number]]
        return found

    def said(self, number: int) -> P:
        """As `Roll.said`."""
        return self.roll.said(self._members[number])

    def __iter__(self) -> Iterator[P]:
        return map(self.roll.said, self._members)

    def since(self, first: int) -> Iterator[P]:
        """Who has that number or a higher one; of those, who is there when it ends."""
        while first < len(self._members):
            yield self.roll.said(self._members[first])
            first += 1

    def find(self, person: P) -> int | None:
        """The number of somebody; None for who is not among them."""
        found = self._near.get(person)
        if found is not None:
            return found
        place = self.roll.find(person)
        page = None if place is None else self._pages.get(place >> _PAGE)
        if place is None or page is None:
            return None
        number = page[place & (1 << _PAGE) - 1]
        return self._keep(person, number - 1) if number else None

    def add(self, person: P) -> int:
        """The number of somebody, given when first asked for."""
        found = self._near.get(person)
        if found is not None:
            return found
        place = self.roll.add(person)
        page = self._pages.get(place >> _PAGE)
        if page is None:
            page = self._pages[place >> _PAGE] = array("I", bytes(4 << _PAGE))
        number = page[place & (1 << _PAGE) - 1]
        if not number:
            self._members.append(place)
            number = page[place & (1 << _PAGE) - 1] = len(self._members)
        return self._keep(person, number - 1)

    def _keep(self, person: P, number: int) -> int:
        if len(self._near) >= _NEAR:
            self._near.clear()
        self._near[person] = number
        return number


def _is_id(person: object) -> bool:
    return type(person) is bytes and len(person) == _ID
