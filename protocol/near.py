"""Integers that stand near those beside them, as dates and places of a log do: two or four bytes each, not eight.

They stand in pages. A page keeps its first value whole, and of the others how far they are from it; a page in which
one is too far off keeps all of its values whole.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Final, Literal

_PAGE: Final = 6  # bits: values of a page
_IN_PAGE: Final = (1 << _PAGE) - 1
_Bisect = Callable[..., int]


class Near:
    """A row of integers that grows.

    Args:
        code: `h`: two bytes, for what is within 32,767 of its neighbours; `i`: four, within 2,147,483,647.
    """

    __slots__ = ("_firsts", "_offsets", "_whole")

    def __init__(self, code: Literal["h", "i"]) -> None:
        self._firsts = array("q")  # by page
        self._offsets = array(code)
        self._whole: dict[int, array[int]] = {}  # pages in which one is too far off

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[int]:
        return map(self.__getitem__, range(len(self._offsets)))

    def __getitem__(self, number: int) -> int:
        if number < 0:
            number += len(self._offsets)
            if number < 0:
                raise IndexError(number)
        if self._whole:
            whole = self._whole.get(number >> _PAGE)
            if whole is not None:
                return whole[number & _IN_PAGE]
        return self._firsts[number >> _PAGE] + self._offsets[number]

    def __setitem__(self, number: int, value: int) -> None:
        page = number >> _PAGE
        whole = self._whole.get(page)
        if whole is None:
            try:
                self._offsets[number] = value - self._firsts[page]
            except OverflowError:
                whole = self._widened(page)
        if whole is not None:
            whole[number & _IN_PAGE] = value

    def append(self, value: int) -> None:
        """Makes it longer by a number."""
        offsets = self._offsets
        page = len(offsets) >> _PAGE
        if page == len(self._firsts):
            self._firsts.append(value)
        whole = self._whole.get(page)
        if whole is None:
            try:
                offsets.append(value - self._firsts[page])
            except OverflowError:
                whole = self._widened(page)
        if whole is not None:
            whole.append(value)
            offsets.append(0)

    def left(self, value: int) -> int:
        """As `bisect.bisect_left`, of a row that only grew, by values that did not fall."""
        page = max(0, bisect_left(self._firsts, value) - 1)
        return self._within(page, value, bisect_left)

    def right(self, value: int) -> int:
        """As `bisect.bisect_right`, in the same way."""
        page = max(0, bisect_right(self._firsts, value) - 1)
        return self._within(page, value, bisect_right)

    def _within(self, page: int, value: int, bisect: _Bisect) -> int:
        first = page << _PAGE
        whole = self._whole.get(page)
        if whole is not None:
            return first + bisect(whole, value)
        last = min(first + _IN_PAGE + 1, len(self._offsets))
        return first if first == last else bisect(self._offsets, value - self._firsts[page], first, last)

    def _widened(self, page: int) -> array[int]:
        """Keeps the values of a page whole from now on."""
        first = self._firsts[page]
        found = array("q", (first + each for each in self._offsets[page << _PAGE : (page + 1) << _PAGE]))
        self._whole[page] = found
        return found
