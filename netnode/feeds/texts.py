"""What texts of feeds have in common: keys made of titles, markup told from plain text, moments."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MARKUP: Final = re.compile(r"<[a-zA-Z!/][^>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")
_MOMENT: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)? ?(Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE | re.ASCII,
)


def slug(title: str) -> str:
    """A key from a title: ``Été à Paris!`` -> ``ete-a-paris``; letters without a Latin base stay as they are."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "-", plain).strip("-")


def text_format(text: str) -> str:
    """How a description is written that may be HTML or plain: ``html``, ``plain``, or empty for no text."""
    if not text:
        return ""
    return "html" if _MARKUP.search(text) else "plain"


def absolute(url: str) -> str:
    """An address that leaves out its scheme, with https."""
    return f"https:{url}" if url.startswith("//") else url


def moment(text: str, *, end: bool = False) -> int:
    """A date or time such as ``2030-01-01``, ``2030-01-01 0:00:00`` or ``2030-01-01T00:00+0100``, in ms UTC.

    Args:
        text: without a zone it is UTC.
        end: a date alone means the end of that day.

    Raises:
        ValueError: no such date.
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a date such as 2030-12-31 or 2030-12-31T18:00:00Z")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        value = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "").ljust(6, "0")),
            _zone(zone),
        )
        if end and hour is None:
            value += timedelta(days=1)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a date of the calendar") from None
    number = (value - _EPOCH) // timedelta(milliseconds=1)
    if number < 0:
        raise ValueError(f"{text!r} is before 1970")
    return number


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def moment_text(moment: int, between: str = "T", zone: str = "Z") -> str:
    """Milliseconds UTC as text, with their fraction only where there is one.

    Raises:
        ValueError: beyond the year 9999.
    """
    try:
        value = _EPOCH + timedelta(milliseconds=moment)
    except OverflowError:
        raise ValueError("beyond the year 9999") from None
    return (
        value.replace(tzinfo=None).isoformat(between, "milliseconds" if moment % 1000 else "seconds") + zone
    )
