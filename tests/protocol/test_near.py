"""Integers near each other: as a list would give them, near or not, and searched as `bisect` searches a list."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.near import Near

_step = st.one_of(st.integers(0, 3), st.sampled_from([2**15 - 1, 2**15, 2**31, 2**40]))


@given(
    st.sampled_from(["h", "i"]),
    st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 150)), _step, st.booleans()), max_size=150),
)
def test_a_row_says_what_a_list_says(
    code: Literal["h", "i"], given: list[tuple[int | None, int, bool]]
) -> None:
    near, plain = Near(code), list[int]()
    for place, value, below in given:
        value = -value if below else value
        if place is None or place >= len(plain):
            near.append(value)
            plain.append(value)
        else:
            near[place] = value
            plain[place] = value
        assert len(near) == len(plain) and near[-1] == plain[-1]
    assert list(near) == plain and [near[place] for place in range(len(plain))] == plain
    for place in (len(plain), -len(plain) - 1):
        with pytest.raises(IndexError):
            near[place]


@given(
    st.sampled_from(["h", "i"]),
    st.lists(_step, max_size=200).filter(lambda steps: sum(steps) < 2**62),
    st.data(),
)
def test_what_rises_is_searched_as_a_list_is(
    code: Literal["h", "i"], steps: list[int], data: st.DataObject
) -> None:
    near, plain = Near(code), list[int]()
    for step in steps:
        plain.append(step + (plain[-1] if plain else 5))
        near.append(plain[-1])
    some = st.integers(0, 2**62) if not plain else st.sampled_from(plain)
    for value in {0, 5, *plain[-1:], data.draw(some), data.draw(some) + 1, data.draw(some) - 1}:
        assert near.left(value) == bisect_left(plain, value)
        assert near.right(value) == bisect_right(plain, value)


def test_a_page_with_one_far_off_is_whole_and_others_stay_near() -> None:
    near = Near("h")
    for value in range(200):
        near.append(value)
    near[70] = 2**40
    assert list(near) == [*range(70), 2**40, *range(71, 200)]
    assert list(near._whole) == [1]
    assert near._offsets.itemsize == 2
