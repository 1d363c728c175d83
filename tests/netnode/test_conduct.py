"""What a fault means for an address: the table by class, and how scores decay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netnode.sync.conduct import DISCOURAGED_MS, HALF_LIFE_MS, LIMIT, MOST, Conduct, Record, conduct_of
from protocol.errors import CODES, Side

NOW = 1_800_000_000_000
HARMLESS = {"version", "feature", "wrong_id", "certificate", "unknown_message", "bad_uri", "bad_file"}
HARMLESS |= {"letter", "letter_token"}  # who brings a letter need not have written it


def test_every_code_has_its_class(capsys: pytest.CaptureFixture[str]) -> None:
    """The table, printed: `pytest -s tests/netnode/test_conduct.py` shows it [R-BOOK-10]."""
    for code in CODES.values():
        conduct = conduct_of(code.name)
        print(f"{code.name:16} {code.side.value:7} {conduct.name.lower():10} {conduct.value:3}")
        if code.side is not Side.REMOTE or code.name in HARMLESS:
            assert conduct is Conduct.HARMLESS
        elif code.name == "rate":
            assert conduct is Conduct.CROWDING
        else:
            assert conduct is Conduct.VIOLATION and conduct.value >= LIMIT
        assert conduct_of(code.name, slow=True) is Conduct.SLOW
    assert "signature        remote  violation  100" in capsys.readouterr().out
    assert conduct_of("a code of another version") is Conduct.HARMLESS


def test_a_violation_discourages_at_once_for_a_day() -> None:
    record = Record()
    assert record.count("5.6.7.8", Conduct.VIOLATION, "forged", NOW)
    found = record.discouraged("5.6.7.8", NOW + DISCOURAGED_MS - 1)
    assert found is not None and found.why == "forged"
    assert record.discouraged("5.6.7.9", NOW) is None
    assert record.discouraged("5.6.7.8", NOW + DISCOURAGED_MS) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", ""])
def test_this_computer_is_never_discouraged(host: str) -> None:
    """Loopback: disconnect only; the same where the host is not known [R-BOOK-10]."""
    record = Record()
    assert not record.count(host, Conduct.VIOLATION, "forged", NOW)
    assert record.changes() is None


def test_slowness_counts_and_is_forgotten() -> None:
    """Four in a row are too many, the same four over hours are not [R-BOOK-10]."""
    record = Record()
    assert [record.count("5.6.7.8", Conduct.SLOW, "slow", NOW) for _ in range(4)] == [
        False,
        False,
        False,
        True,
    ]
    patient = Record()
    assert not any(
        patient.count("5.6.7.8", Conduct.SLOW, "slow", NOW + turn * HALF_LIFE_MS) for turn in range(100)
    )


def test_what_is_remembered_is_bounded() -> None:
    record = Record()
    for number in range(MOST + 50):
        host = f"{20 + number // 65_536}.{number // 256 % 256}.{number % 256}.1"
        record.count(host, Conduct.VIOLATION, "x", NOW)
        record.count(host.replace("20.", "30.", 1), Conduct.SLOW, "x", NOW)
    kept = record.changes()
    assert kept is not None and len(kept) == MOST and kept[-1].host == host
    assert len(record._scores) == MOST


@given(st.lists(st.tuples(st.sampled_from(list(Conduct)), st.integers(0, HALF_LIFE_MS)), max_size=60))
def test_points_never_exceed_what_was_counted(faults: list[tuple[Conduct, int]]) -> None:
    """Nobody is discouraged for less than the limit's worth of faults."""
    record, now, total = Record(), NOW, 0.0
    for conduct, passed in faults:
        now += passed
        total += conduct.value
        if record.count("5.6.7.8", conduct, "x", now):
            assert total >= LIMIT
            return


def test_an_owner_may_forgive() -> None:
    record = Record()
    record.count("5.6.7.8", Conduct.VIOLATION, "forged", NOW)
    record.forgive("5.6.7.8")
    assert record.discouraged("5.6.7.8", NOW) is None and record.changes() == []
