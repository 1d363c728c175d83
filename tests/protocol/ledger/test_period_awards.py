"""Awards of periods, of recipients who have few and of those who have thousands: found like in a dict, and as soon."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.ledger.effects import NEVER, AwardKey, Credited, Earned, Step, Value, period_id
from protocol.ledger.holdings import Effects
from protocol.ledger.period_awards import PeriodAwards
from protocol.rolls import Roll

IDS = [sha256(bytes([number])).digest() for number in range(3)]


def _named(to: bytes, level: int, period: int) -> tuple[bytes, AwardKey]:
    key = (to, "group", level, "pv")
    return period_id("team", bytes(32), str(period), key), key


def _closed(awards: PeriodAwards, period: int, lines: list[tuple[int, int]]) -> dict[bytes, Value]:
    """What a close awards that credits these recipients, each by a level; of two that are one, the first."""
    found: dict[bytes, Value] = {}
    for who, level in lines:
        id, key = _named(IDS[who], level, period)
        amount = 1 + len(found)
        added = awards.add(IDS[who], awards.kind(id, key), amount, 100, (period, NEVER, period, period))
        assert added is (id not in found)
        found.setdefault(id, Earned(Credited(*key, (Step(period, NEVER, amount, 100, period),)), 0))
    return found


_lines = st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2]), st.integers(0, 30)), max_size=40)


@given(st.lists(_lines, max_size=8))
def test_awards_are_those_of_a_dict_however_many_somebody_has(closes: list[list[tuple[int, int]]]) -> None:
    awards = PeriodAwards(Roll())
    effects, plain = Effects(Roll(), awards), dict[bytes, Value]()
    for period, lines in enumerate(closes):
        plain |= _closed(awards, period, lines)
    assert list(effects.items()) == list(plain.items())
    assert list(effects) == list(plain)
    for period in range(len(closes) + 1):
        for level in range(32):
            for to in IDS:
                id, _ = _named(to, level, period)
                assert effects.find(id) == plain.get(id)
    for to in IDS:
        mine = [value for value in plain.values() if isinstance(value, Earned) and value.credit.to == to]
        assert [awards.value(place) for place in awards.of("pv", to)] == mine


def test_who_is_paid_every_day_for_years_is_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each close costs more than the one before it: its awards are looked for among all earlier ones."""
    looked, chain = 0, PeriodAwards._chain

    def counted(awards: PeriodAwards, number: int, since: int = 0) -> Iterator[int]:
        nonlocal looked
        for place in chain(awards, number, since):
            looked += 1
            yield place

    monkeypatch.setattr(PeriodAwards, "_chain", counted)
    awards = PeriodAwards(Roll())
    plain: dict[bytes, Value] = {}
    for period in range(1_000):
        plain |= _closed(awards, period, [(0, 1), (0, 2), (1, 1)])
    effects = Effects(Roll(), awards)
    assert all(effects[id] == value for id, value in plain.items())
    assert list(effects.items()) == list(plain.items())
    assert looked < 500
