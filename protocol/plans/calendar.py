"""Periods of a plan by the calendar, in UTC, half-open; the same for everybody [L12]."""

from __future__ import annotations

from typing import Final

from protocol.deals.periods import DAY, date_of, days_to
from protocol.plans.facts import Period
from protocol.records.money import Per

_MONDAY: Final = -3  # 1969-12-29, in days from 1970-01-01: the Monday before
_MONTHS: Final = {"month": 1, "year": 12}
_DAYS: Final = {"day": (1, 0), "week": (7, _MONDAY)}


def number_of(per: Per, time: int) -> int:
    """The number of the period that a moment (ms UTC) lies in; the one of 1970-01-01 is 0."""
    days = time // DAY
    if per.unit in _DAYS:
        length, first = _DAYS[per.unit]
        return (days - first) // (length * per.count)
    year, month, _ = date_of(days)
    return ((year - 1970) * 12 + month - 1) // (_MONTHS[per.unit] * per.count)


def start_of(per: Per, number: int) -> int:
    """The first moment of a period, ms UTC."""
    if per.unit in _DAYS:
        length, first = _DAYS[per.unit]
        return (number * length * per.count + first) * DAY
    months = number * _MONTHS[per.unit] * per.count
    return days_to(1970 + months // 12, months % 12 + 1, 1) * DAY


def period_of(per: Per, number: int, at: int) -> Period:
    """A period by its number; `at` is the seq of the last entry dated before its end."""
    start = start_of(per, number)
    year, month, day = date_of(start // DAY)
    return Period(f"{year:04}-{month:02}-{day:02}", start, start_of(per, number + 1), at)
