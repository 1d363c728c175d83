"""Exact numbers by the number of a member: one to eight bytes each, as long as all are integers that fit."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final, Literal

from protocol.plans.facts import Exact

_WIDER: Final = {"b": "h", "h": "i", "i": "q"}


class Column:
    """A row of exact numbers that grows; a number that does not fit makes it a wider array, or a list, for good.

    Args:
        size: how many zeros it begins with.
        code: of the array that it begins as: `b` where nearly all numbers are small.
    """

    __slots__ = ("values",)

    def __init__(self, size: int = 0, code: Literal["b", "i"] = "i") -> None:
        self.values: array[int] | list[Exact] = array(code, [0]) * size
        """For reading, where every look counts: only until the next change."""

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Exact]:
        return iter(self.values)

    def __getitem__(self, number: int) -> Exact:
        return self.values[number]

    def __setitem__(self, number: int, value: Exact) -> None:
        try:
            self.values[number] = value  # type: ignore[assignment]  # what an array does not take it refuses
        except (OverflowError, TypeError):
            self._widen(value)
            self[number] = value

    def __eq__(self, other: object) -> bool:
        return list(self.values) == list(other.values) if isinstance(other, Column) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def append(self, value: Exact) -> None:
        """Makes it longer by a number."""
        try:
            self.values.append(value)  # type: ignore[arg-type]  # what an array does not take it refuses
        except (OverflowError, TypeError):
            self._widen(value)
            self.append(value)

    def reach(self, size: int) -> None:
        """Makes it at least so long, with zeros."""
        more = size - len(self.values)
        if more > 0:
            if isinstance(self.values, list):
                self.values.extend([0] * more)
            else:
                self.values.frombytes(bytes(self.values.itemsize * more))

    def copy(self, size: int = 0) -> Column:
        """The same numbers, and zeros where they are fewer than so many."""
        other = Column()
        other.values = self.values[:]
        other.reach(size)
        return other

    def _widen(self, value: Exact) -> None:
        """Makes it wider for a value that does not fit: by a step, after which it may still not."""
        values = self.values
        if isinstance(value, int) and isinstance(values, array) and values.typecode in _WIDER:
            self.values = array(_WIDER[values.typecode], values)
        else:  # above 64 bits; a Fraction
            self.values = list(values)
