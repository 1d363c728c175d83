"""Reading a form: the plain dict of a TOML file, of command options or of an API request.

Every getter says in a sentence which field of which table is wrong and what to write. Absent, None and an empty text
are the same. Texts are normalised (NFC) here, since the protocol never consults Unicode tables.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NoReturn

from netnode.problems import ExitCode, Problem
from protocol.limits import MAX_INT

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = timedelta(days=1, milliseconds=-1)
_PATH: Final = re.compile(r"(\w+)\[(\d+)\]")
# What msgspec says of a bound, and what a person is told.
_WORDING: Final = (
    (re.compile(r"expected (?:str|bytes) of length >= 1$"), "may not be empty"),
    (re.compile(r"expected str of length <= (\d+)$"), r"has more than \1 characters"),
    (re.compile(r"expected str of length >= 8$"), "must begin with http:// or https://"),  # of addresses only
    (re.compile(r"expected str of length >= (\d+)$"), r"has fewer than \1 characters"),
    (re.compile(r"expected array of length <= (\d+)$"), r"has more than \1 elements"),
    (re.compile(r"expected array of length >= 1$"), "may not be empty"),
    (re.compile(r"expected int <= (\d+)$"), r"is above \1"),
    (re.compile(r"expected int >= (\d+)$"), r"is below \1"),
    (re.compile(r"expected str matching regex '\^https\?://'$"), "must begin with http:// or https://"),
    (re.compile(r"expected str matching regex '\^wss\?://'$"), "must begin with ws:// or wss://"),
    (re.compile(r"expected str matching regex .*$"), "does not have the form this field needs"),
)


class FormError(Problem):
    """A form that cannot become a record. `field` says where in the form, `reason` what is wrong there."""

    def __init__(self, where: str, field: str, reason: str) -> None:
        place = ": ".join(part for part in (where, field) if part)
        super().__init__(
            f"{place}: {reason}." if place else f"{reason}.", ExitCode.USAGE, "form", {"field": field}
        )
        self.field = field
        self.reason = reason


def explain(text: str) -> tuple[str, str]:
    """Turns the sentence of a record's error into (field, reason) in words for a person; elements count from 1."""
    field, _, reason = text.partition(": ")
    if field == "the record":
        return "", f"the listing or profile as a whole has {reason}; shorten its texts"
    for pattern, words in _WORDING:
        reason = pattern.sub(words, reason)
    return _PATH.sub(lambda found: f"{found[1]} {int(found[2]) + 1}", field).replace(".", ", "), reason


def read_toml(data: bytes, where: str) -> dict[str, Any]:
    """Reads a form file.

    Args:
        data: the file's bytes.
        where: its name, for sentences.

    Raises:
        FormError: not UTF-8, or no TOML; the sentence has the line.
    """
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormError(where, "", f"line {line} is not UTF-8; save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise FormError(where, "", f"is not valid TOML: {error}") from error


@dataclass(frozen=True, slots=True)
class Form:
    """One table of a form. `path` is its place in the whole, as ``variants 2``."""

    fields: Mapping[str, Any]
    where: str = ""
    path: str = ""

    def fail(self, name: str, reason: str) -> NoReturn:
        """Ends the reading.

        Raises:
            FormError: always.
        """
        raise FormError(self.where, ", ".join(part for part in (self.path, name) if part), reason)

    def only(self, names: Iterable[str]) -> None:
        """Refuses fields that are not among `names`."""
        known = sorted(names)
        for name in self.fields:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, 1)
                hint = f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(known)}"
                self.fail(str(name), f"is no field of a form like this{hint}")

    def has(self, name: str) -> bool:
        """Whether the field says anything."""
        value = self.fields.get(name)
        return not (value is None or (isinstance(value, str | list | tuple | dict) and not value))

    def text(self, name: str) -> str | None:
        """A text."""
        return self._plain(name, self.fields[name]) if self.has(name) else None

    def needed(self, name: str) -> str:
        """A text that must be there."""
        value = self.text(name)
        if value is None or not value.strip():
            self.fail(name, "is missing")
        return value

    def amount(self, name: str) -> str | None:
        """An amount as text; whole numbers may go without quotes, fractions may not: a float is never exact."""
        if not self.has(name):
            return None
        value = self.fields[name]
        if isinstance(value, float):
            self.fail(name, f'write the amount in quotes: {name} = "{value:.2f}"')
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self._plain(name, value)

    def number(self, name: str, most: int = MAX_INT) -> int | None:
        """A whole number of at least 0; text of digits is taken too, for options of a command."""
        if not self.has(name):
            return None
        value = self.fields[name]
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 17:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.fail(name, f"{value!r} is not a whole number")
        if not 0 <= value <= most:
            self.fail(name, f"{value} is not between 0 and {most}")
        return value

    def flag(self, name: str) -> bool | None:
        """A truth value."""
        value = self.fields.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.fail(name, f"{value!r} is neither true nor false")

    def choice(self, name: str, allowed: Sequence[str]) -> Any:
        """One of `allowed`, or None."""
        value = self.text(name)
        if value is not None and value not in allowed:
            close = difflib.get_close_matches(value, allowed, 1)
            hint = f"; did you mean {close[0]}?" if close else f"; choose one of {', '.join(allowed)}"
            self.fail(name, f"{value!r} is unknown{hint}")
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts; one text alone is a list of one."""
        if not self.has(name):
            return None
        value = self.fields[name]
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list | tuple):
            self.fail(name, "is not a list of texts")
        return tuple(self._plain(f"{name} {index}", member) for index, member in enumerate(value, 1))

    def moment(self, name: str, *, end: bool = False) -> int | None:
        """A date or time, in ms UTC. A time without zone is UTC.

        Args:
            name: of the field.
            end: a date alone is its last moment instead of its first: something until the 31st includes that day.
        """
        if not self.has(name):
            return None
        value = self.fields[name]
        if isinstance(value, int) and not isinstance(value, bool):
            return self.number(name)
        if isinstance(value, str):
            try:
                value = _moment(value.strip())
            except ValueError:
                self.fail(name, f"{value!r} is not a date such as 2030-12-31 or 2030-12-31T18:00:00Z")
        if not isinstance(value, datetime) and isinstance(value, date):
            value = datetime(value.year, value.month, value.day, tzinfo=UTC) + (_LAST if end else timedelta())
        if not isinstance(value, datetime):
            self.fail(name, f"{value!r} is not a date such as 2030-12-31")
        if value.tzinfo is None:
            value = value.replace(tzinfo=UTC)
        moment = (value - _EPOCH) // timedelta(milliseconds=1)
        if moment < 0:
            self.fail(name, "is before 1970")
        return moment

    def table(self, name: str) -> Form | None:
        """A table inside this one."""
        if not self.has(name):
            return None
        value = self.fields[name]
        if not isinstance(value, Mapping):
            self.fail(name, "is not a table of fields")
        return Form(value, self.where, ", ".join(part for part in (self.path, name) if part))

    def tables(self, name: str) -> list[Form]:
        """A list of tables."""
        if not self.has(name):
            return []
        value = self.fields[name]
        if not isinstance(value, list | tuple):
            self.fail(name, f"is not a list of tables; begin each with [[{name}]]")
        forms = []
        for index, member in enumerate(value, 1):
            if not isinstance(member, Mapping):
                self.fail(f"{name} {index}", "is not a table of fields")
            forms.append(Form(member, self.where, f"{name} {index}"))
        return forms

    def _plain(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            self.fail(name, f"{value!r} is not a text; write it in quotes")
        if "\x00" in value:
            self.fail(name, "holds a NUL character, which no text may")
        try:
            value.encode()
        except UnicodeEncodeError:
            self.fail(name, "is not well-formed Unicode text")
        return unicodedata.normalize("NFC", value)


def _moment(text: str) -> date:
    """A date of `2030-12-31`, else a datetime. Raises ValueError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


def moment_text(moment: int) -> str:
    """Milliseconds UTC as a form writes them: ``2030-12-31T18:00:00Z``; ms beyond the year 9999 stay a number."""
    try:
        value = _EPOCH + timedelta(milliseconds=moment)
    except OverflowError:
        return str(moment)
    return value.isoformat(timespec="milliseconds" if moment % 1000 else "seconds").replace("+00:00", "Z")
