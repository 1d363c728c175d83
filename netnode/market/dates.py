"""Dates as people write them, of any year: a peer may name a moment that no calendar of this program holds."""

from __future__ import annotations

from protocol.deals.periods import DAY, date_of

_MINUTE = 60_000


def day(ms: int) -> str:
    """The day of a moment (ms UTC): ``2026-03-01``."""
    year, month, day_ = date_of(ms // DAY)
    return f"{year:04}-{month:02}-{day_:02}"


def minute(ms: int) -> str:
    """A moment (ms UTC) to the minute: ``2026-03-01 09:30``."""
    hours, minutes = divmod(ms % DAY // _MINUTE, 60)
    return f"{day(ms)} {hours:02}:{minutes:02}"
