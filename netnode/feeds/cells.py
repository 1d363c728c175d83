"""Tables of text cells as spreadsheets save them: encodings, separators, and amounts written in other habits."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, BinaryIO, Final

from netnode.feeds.product import FeedError

SAMPLE: Final = 64 * 1024
SEPARATORS: Final = ",;\t"
_BLOCK: Final = 256 * 1024
_SEP_LINE: Final = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_POINT: Final = re.compile(r"\d+(?:\.\d+)?")
_COMMA: Final = re.compile(r"\d+,\d{1,2}")
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:[.,]\d{3}){2,}")
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_PREFIXED: Final = re.compile(r"'+[=+\-@\t\r]")
_COMMA_BETWEEN: Final = re.compile(r"(?<!\\),")
_SCIENTIFIC: Final = re.compile(r"\d+(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its first line in the file (the header is line 1), and its cells by canonical column."""

    line: int
    cells: Mapping[str, str]
    surplus: int = 0  # cells beyond the header's that say something

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Header:
    """Which canonical column stands where, and what the file calls it."""

    places: Mapping[str, int]
    names: Mapping[str, str]


class _Borrowed(io.RawIOBase):
    """A stream that stays open when the wrappers around it are closed: it belongs to the caller."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def encoding_of(stream: BinaryIO) -> str:
    """Finds the text encoding of a whole file; leaves the stream at its beginning.

    UTF-8 and UTF-16 by their marks, else UTF-8 if all of it is, else Windows-1252, which spreadsheets write.

    Raises:
        FeedError: empty, a workbook or another binary file.
    """
    stream.seek(0)
    head = stream.read(4)
    stream.seek(0)
    if not head:
        raise FeedError("The file is empty.")
    if head.startswith(b"PK\x03\x04") or head.startswith(b"\xd0\xcf\x11\xe0"):
        raise FeedError("The file is a workbook of a spreadsheet. Save it as CSV (UTF-8) and import that.")
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for candidate in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        if _decodes(stream, candidate):
            stream.seek(0)
            return candidate
    raise FeedError("The file is not text in UTF-8 or Windows-1252. Save it as CSV (UTF-8) and import that.")


def _decodes(stream: BinaryIO, encoding: str) -> bool:
    stream.seek(0)
    # Not utf-8-sig piece by piece: at the end of the file it forgives a mark that is cut off.
    decoder = codecs.getincrementaldecoder("utf-8" if encoding == "utf-8-sig" else encoding)()
    try:
        while block := stream.read(_BLOCK):
            if "\x00" in decoder.decode(block):
                return False
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def header_of(first: str, aliases: Mapping[str, Sequence[str]]) -> tuple[Header, str]:
    """Reads a header line.

    Args:
        first: the line.
        aliases: canonical column -> its names in lower case.

    Returns:
        The columns found, under the separator that finds most of them, and that separator.
    """
    known = {name: column for column, names in aliases.items() for name in names}
    best: tuple[Header, str] = (Header({}, {}), ",")
    for separator in SEPARATORS:
        try:
            cells = next(csv.reader([first], delimiter=separator), [])
        except csv.Error:
            continue
        places: dict[str, int] = {}
        names: dict[str, str] = {}
        for place, cell in enumerate(cells):
            column = known.get(" ".join(cell.lstrip("\ufeff").split()).casefold())
            if column is not None and column not in places:
                places[column] = place
                names[column] = cell.lstrip("\ufeff").strip()
        if len(places) > len(best[0].places):
            best = Header(places, names), separator
    return best


def first_line(text: str) -> str:
    """The header line of a sample, without the `sep=` line that spreadsheets put before it."""
    lines = text.lstrip("\ufeff").splitlines()
    if lines and _SEP_LINE.fullmatch(lines[0]):
        lines = lines[1:]
    return lines[0] if lines else ""


def rows(
    stream: BinaryIO, encoding: str, aliases: Mapping[str, Sequence[str]]
) -> tuple[Header, Iterator[Row]]:
    """Reads a table row by row.

    Returns:
        The header, and an iterator that reads as it goes.

    Raises:
        FeedError: (also from the iterator) the quotes of a row do not match, or a cell is too long.
    """
    text = io.TextIOWrapper(io.BufferedReader(_Borrowed(stream)), encoding=encoding, newline="")
    line = 1
    first = text.readline()
    if _SEP_LINE.fullmatch(first):
        line, first = 2, text.readline()
    header, separator = header_of(first.rstrip("\r\n"), aliases)
    return header, _rows(text, header, len(_split(first, separator)), separator, line)


def _split(first: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([first.rstrip("\r\n")], delimiter=separator), [])
    except csv.Error:
        return []


def _rows(text: io.TextIOWrapper, header: Header, width: int, separator: str, before: int) -> Iterator[Row]:
    reader = csv.reader(text, delimiter=separator, strict=True)
    line = before + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            what = (
                "a cell is too long"
                if "field limit" in str(error)
                else "a quoted cell does not end as it should"
            )
            raise FeedError(
                f"The file is broken in the row that begins at line {line}: {what}. "
                "Check that its quotes match; a quote inside a cell is written twice."
            ) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            found = {
                column: unprefixed(cells[place].strip())
                for column, place in header.places.items()
                if place < len(cells) and cells[place].strip()
            }
            yield Row(line, found, sum(1 for cell in cells[width:] if cell.strip()))
        line = before + reader.line_num + 1


def unprefixed(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    return cell[1:] if _PREFIXED.match(cell) else cell


def prefixed(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `unprefixed` is its inverse."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def listed(text: str) -> tuple[str, ...]:
    r"""The members of a cell ``a, b\, c`` -> ``("a", "b, c")``, each once."""
    found = (part.replace("\\,", ",").strip() for part in _COMMA_BETWEEN.split(text))
    return tuple(dict.fromkeys(part for part in found if part))


def joined(members: Iterable[str]) -> str:
    """The inverse of `listed`."""
    return ", ".join(member.replace(",", "\\,") for member in members)


def line(row: Iterable[str], separator: str = ",") -> str:
    """One line of a table, safe to open in a spreadsheet."""
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerow([prefixed(cell.strip()) for cell in row])
    return out.getvalue()


def amount(text: str) -> str:
    """An amount in any of the usual habits, as ``1234.50``.

    Raises:
        ValueError: no amount, or one that can be read in two ways (``1,234``); nothing is guessed about money.
    """
    plain = re.sub(r"[\s'\u2019]", "", text)
    if plain.isascii():
        if _POINT.fullmatch(plain):
            return plain
        if _COMMA.fullmatch(plain):
            return plain.replace(",", ".")
        if _GROUPED.fullmatch(plain):
            last = max(plain.rfind(","), plain.rfind("."))
            both = "," in plain and "." in plain
            whole = re.sub("[.,]", "", plain[:last] if both else plain)
            return f"{whole}.{plain[last + 1 :]}" if both else whole
        if re.fullmatch(r"\d{1,3},\d{3}", plain):
            raise ValueError(f"{text!r} can be read in two ways; write {plain.replace(',', '')} or the like")
    raise ValueError(f"{text!r} is not an amount such as 1234.50")


def whole(text: str) -> int:
    """A count such as ``3``, ``-2``, ``250.0`` or ``250,4``, rounded half up.

    Raises:
        ValueError: no number, or none that a shop can mean.
    """
    try:
        number = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not number.is_finite() or abs(number) >= 10**15:
        raise ValueError(f"{text!r} is not a number that can be meant")
    return int(number.to_integral_value(ROUND_HALF_UP))


def code(text: str) -> str:
    """An article code or barcode, without the apostrophe that spreadsheets put before numbers kept as text.

    Raises:
        ValueError: a spreadsheet has turned it into a rounded number.
    """
    plain = text.removeprefix("'").strip()
    if _SCIENTIFIC.fullmatch(plain) and "+" in plain:
        raise ValueError(f"{text!r} was rounded by a spreadsheet; format the column as text and save again")
    return plain


def truth(text: str) -> bool | None:
    """TRUE, false, yes, 1 ... ; None for an empty cell.

    Raises:
        ValueError: neither.
    """
    word = text.strip().casefold()
    if not word:
        return None
    if word in {"true", "yes", "1", "wahr", "vrai", "verdadero"}:
        return True
    if word in {"false", "no", "0", "falsch", "faux", "falso"}:
        return False
    raise ValueError(f"{text!r} is neither true nor false")
