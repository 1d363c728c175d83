"""Numbers in the place of ids: as a dict would give them, whatever comes and in whatever order."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.rolls import Part, Roll

_people = st.one_of(
    st.integers(0, 40).map(lambda number: sha256(bytes([number])).digest()),
    st.binary(max_size=33),
    st.text(max_size=2),
    st.none(),
)


@given(st.lists(_people, max_size=60), _people)
def test_a_roll_numbers_as_a_dict_does(people: list[object], other: object) -> None:
    roll, known = Roll[object](), dict[object, int]()
    for each in people:
        assert roll.find(each) == known.get(each)
        assert roll.add(each) == known.setdefault(each, len(known))
    assert len(roll) == len(known)
    assert roll.find(other) == known.get(other)
    assert (other in roll) == (other in known)
    assert [roll[number] for number in range(len(roll))] == list(known)
    assert [roll.said(number) for number in range(len(roll))] == list(known)


@given(st.lists(st.tuples(st.integers(0, 2), _people), max_size=80))
def test_parts_of_one_roll_number_by_themselves(given: list[tuple[int, object]]) -> None:
    roll = Roll[object]()
    parts = [Part(roll), Part(roll), Part[object]()]
    known: list[dict[object, int]] = [{}, {}, {}]
    for which, each in given:
        assert [part.find(each) for part in parts] == [one.get(each) for one in known]
        assert parts[which].add(each) == known[which].setdefault(each, len(known[which]))
    for part, one in zip(parts, known, strict=True):
        assert len(part) == len(one) and list(part) == list(one)
        assert [part[number] for number in range(len(part))] == list(one)
        assert list(part.since(2)) == list(one)[2:]
    assert len(roll) == len({**known[0], **known[1]})


def test_many_ids_are_found_again_when_the_table_has_grown_and_nothing_is_at_hand() -> None:
    roll, ids = Roll[bytes](), [sha256(number.to_bytes(4)).digest() for number in range(20_000)]
    assert [roll.add(id) for id in ids] == list(range(20_000))
    assert [roll.find(id) for id in ids] == list(range(20_000))
    assert [roll[number] for number in range(20_000)] == ids
    assert all(roll.find(sha256(id).digest()) is None for id in ids)


def test_ids_that_fall_on_one_place_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.rolls.hash", lambda id: 7, raising=False)
    roll, ids = Roll[bytes](), [bytes([number]) * 32 for number in range(100)]
    assert [roll.add(id) for id in ids] == list(range(100))
    roll._near.clear()
    assert [roll.find(id) for id in ids] == list(range(100))
    assert roll.find(bytes(31) + b"x") is None


def test_who_comes_while_a_part_is_gone_through_comes_last() -> None:
    part = Part[str]()
    part.add("a")
    seen = []
    for each in part.since(0):
        seen.append(each)
        if len(seen) < 3:
            part.add(each + "b")
    assert seen == ["a", "ab", "abb"]


def test_a_number_that_nobody_has_is_an_error() -> None:
    roll = Roll[str]()
    roll.add("a")
    for number in (-1, 1):
        with pytest.raises(IndexError):
            roll[number]


def test_who_was_looked_for_is_put_in_rightly_whatever_came_between() -> None:
    """The place noted for who was not found may be taken, or the table another one, when they come."""
    ids = [sha256(number.to_bytes(4)).digest() for number in range(300)]
    for between in (0, 1, 40):
        roll, known = Roll[bytes](), dict[bytes, int]()
        for number in range(0, 200, 2):
            assert roll.find(ids[number]) is None
            for other in range(between):
                one = ids[(number + 1 + 2 * other) % 300]
                assert roll.add(one) == known.setdefault(one, len(known))
            roll._near.clear()
            assert roll.find(ids[number]) == known.get(ids[number])
            assert roll.add(ids[number]) == known.setdefault(ids[number], len(known))
        roll._near.clear()
        assert [roll.find(id) for id in ids] == [known.get(id) for id in ids]
