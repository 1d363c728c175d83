"""Periods by the calendar, in UTC: days, weeks, months and years counted from a moment [R-MAN-2].

A month or year later is the same day of the month at the same time of day; a day that this month does not have is its
last one. Always counted from the first moment, so that the 31st comes back after a February.
"""

from __future__ import annotations

from typing import Final

from protocol.records.money import Per

DAY: Final = 86_400_000  # ms
_MONTHS: Final = {"month": 1, "year": 12}
_DAYS: Final = {"day": 1, "week": 7}
_SHORTEST: Final = {"day": 1, "week": 7, "month": 28, "year": 365}


def later(moment: int, per: Per, turns: int) -> int:
    """The moment so many periods later.

    Args:
        moment: ms UTC, 1970 or later.
        per: the period.
        turns: how many of them, 0 or more.

    Returns:
        ms UTC.
    """
    count = per.count * turns
    if per.unit in _DAYS:
        return moment + count * _DAYS[per.unit] * DAY
    days, time = divmod(moment, DAY)
    year, month, day = date_of(days)
    months = year * 12 + month - 1 + count * _MONTHS[per.unit]
    year, month = months // 12, months % 12 + 1
    return days_to(year, month, min(day, _length(year, month))) * DAY + time


def shortest(per: Per) -> int:
    """A length in ms that no such period falls below."""
    return per.count * _SHORTEST[per.unit] * DAY


def date_of(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar."""
    # Years begin in March here, so that the day of a leap year is the last of its year.
    days += 719_468  # from 0000-03-01
    era, day_of_era = divmod(days, 146_097)
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + era * 400 + (month <= 2), month, day


def days_to(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date of the Gregorian calendar."""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _length(year: int, month: int) -> int:
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return days_to(*following, 1) - days_to(year, month, 1)
