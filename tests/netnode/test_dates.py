"""Dates of any year."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from netnode.market import dates


@pytest.mark.parametrize("ms", [0, 1, 59_999, 1_700_000_000_000, 1_709_164_799_999, 253_402_300_799_999])
def test_a_date_is_that_of_the_calendar(ms: int) -> None:
    assert dates.minute(ms) == datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M")


def test_a_moment_beyond_every_calendar_is_written_too() -> None:
    assert dates.minute(2**53 - 1) == "287396-10-12 08:59"
    assert dates.day(2**53 - 1) == "287396-10-12"
