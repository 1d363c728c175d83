"""Awards of a close in columns are those that a sale's evaluation would make of the same dues, one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.plans.claims import Claim
from protocol.plans.evaluate import awards_of
from protocol.plans.gates import Due
from protocol.plans.rows import Rests, Sorting
from protocol.rolls import Part

PEOPLE = ("a", "b", "c")
_exact = st.one_of(st.integers(1, 10**6), st.just(2**70), st.fractions(1, 99, max_denominator=7))


@st.composite
def _due(draw: st.DrawFn) -> tuple[Due[int], int]:
    claim = Claim(
        draw(st.integers(0, 2)),
        draw(st.integers(0, 9)),
        draw(_exact),
        draw(st.sampled_from([-1, 0, 3])),
        draw(st.sampled_from([1, 20])),
        draw(_exact),
        less=draw(st.sampled_from([0, 7])),
        volume=draw(_exact),
    )
    reason = draw(st.sampled_from([None, "r5", "cap_member"]))
    due = Due(draw(st.sampled_from(["group", "level"])), claim, 0 if reason is None else draw(_exact), reason)
    return due, draw(st.sampled_from([0, 1, 900, 2**63]))


@given(st.lists(_due(), max_size=12))
def test_awards_and_what_was_held_are_those_made_one_by_one(given: list[tuple[Due[int], int]]) -> None:
    people = Part[str]()
    for each in PEOPLE:
        people.add(each)
    sorting = Sorting(people, "2026-01")
    sorting.take(given)
    awards, held = awards_of(given, "2026-01", PEOPLE.__getitem__)
    for rows, plain in ((sorting.awards, awards), (sorting.held, held)):
        assert len(rows) == len(plain) and tuple(rows) == plain and rows == plain
        assert rows[1:5] == plain[1:5] and [rows[place] for place in range(len(plain))] == list(plain)
        assert rows != [*plain, None]
    rests = Rests(sorting.awards)
    for numbers in ([], [1], [2, 0, 2], [0, 1, 2]):
        wanted = {PEOPLE[number] for number in numbers}
        assert list(rests.of(numbers)) == [each for each in rests if each.to in wanted]
