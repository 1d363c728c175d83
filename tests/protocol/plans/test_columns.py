"""Exact numbers by member, and buyers by member: as lists and counters of them would be."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from protocol.plans.buyers import Buyers
from protocol.plans.columns import Column

_exact = st.one_of(
    st.integers(-5, 5),
    st.integers(-(2**33), 2**33),
    st.integers(-(2**70), 2**70),
    st.fractions(max_denominator=7),
)


@given(st.lists(st.tuples(st.integers(0, 9), _exact), max_size=30), st.integers(0, 14))
def test_a_column_adds_up_as_a_list_does(given: list[tuple[int, int | Fraction]], size: int) -> None:
    column, plain = Column(3), list[int | Fraction]([0] * 3)
    for number, value in given:
        column.reach(number + 1)
        plain += [0] * (number + 1 - len(plain))
        column[number] += value
        plain[number] += value
        assert list(column) == plain and len(column) == len(plain)
    other = column.copy(size)
    assert list(other) == plain + [0] * (size - len(plain))
    other.reach(1)
    other[0] += 1
    assert list(column) == plain and other != column and column == column.copy()


def test_integers_of_32_bits_take_four_bytes_and_of_64_bits_eight() -> None:
    column = Column(2)
    column[0], column[1] = 2**31 - 1, -(2**31)
    assert memoryview(column.values).itemsize == 4  # type: ignore[arg-type]
    column[1] -= 1
    assert list(column) == [2**31 - 1, -(2**31) - 1]
    column[0], column[1] = 2**63 - 1, -(2**63)
    assert memoryview(column.values).itemsize == 8  # type: ignore[arg-type]
    column[1] -= 1
    assert column.values == [2**63 - 1, -(2**63) - 1]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.booleans()), max_size=150))
def test_buyers_are_counted_as_counters_count_them(given: list[tuple[int, int, bool]]) -> None:
    buyers, plain = Buyers(), [Counter[int](), Counter[int](), Counter[int]()]
    for member, buyer, comes in given:
        if comes:
            buyers.meet(member, buyer)
            plain[member][buyer] += 1
        elif plain[member][buyer]:
            buyers.part(member, buyer)
            plain[member][buyer] -= 1
        plain[member] = +plain[member]
        assert [buyers.of(each) for each in (0, 1, 2, 3, -1)] == [*map(len, plain), 0, 0]
        assert buyers.everybody() == {each for one in plain for each in one}
