"""Statements that were used: as a set of them would say, however their marks fall, and with few entries read again."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.teams import used
from protocol.teams.used import Used

IDS = [sha256(bytes([number])).digest() for number in range(60)]


class Log:
    """What each entry uses, by its seq; counts how often it is asked."""

    def __init__(self) -> None:
        self.entries: dict[int, tuple[bytes, ...]] = {}
        self.asked = 0

    def again(self, seq: int) -> tuple[bytes, ...]:
        self.asked += 1
        return self.entries[seq]


@given(
    st.lists(st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True), max_size=40), st.booleans()
)
def test_what_was_used_is_among_them_and_nothing_else(entries: list[list[bytes]], alone: bool) -> None:
    log, plain = Log(), set[bytes]()
    found = Used(None if alone else log.again)
    for place, ids in enumerate(entries):
        seq = place * 2**31
        new = tuple(each for each in ids if each not in plain)
        assert [each in found for each in ids] == [each in plain for each in ids]
        log.entries[seq] = new
        for each in new:
            found.add(each, seq)
        plain.update(new)
        assert len(found) == len(plain)
    assert {each for each in IDS if each in found} == plain


def test_statements_that_share_a_mark_are_told_apart_by_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used, "_MARK", 0)  # all of them share it
    log = Log()
    found = Used(log.again)
    for seq, each in enumerate(IDS[:30]):
        log.entries[seq] = (each,)
        assert each not in found
        found.add(each, seq)
    assert all(each in found for each in IDS[:30]) and not any(each in found for each in IDS[30:])


def test_the_log_is_read_for_what_comes_again_and_for_nothing_else() -> None:
    log = Log()
    found = Used(log.again)
    for seq in range(5_000):
        id = sha256(seq.to_bytes(4)).digest()
        log.entries[seq] = (id,)
        assert id not in found
        found.add(id, seq)
    assert log.asked < 5  # by chance, one in 2**32 / 5,000
    log.asked = 0
    assert all(sha256(seq.to_bytes(4)).digest() in found for seq in range(0, 5_000, 50))
    assert 100 <= log.asked < 105
