"""A team that was kept elsewhere, taken over from a list: invitations that keep its sponsors.

The list is a CSV file with the columns ``ref`` (what the old list calls the person), ``sponsor`` (the ref of their
sponsor; empty: the owner), and where known ``name`` and ``networker``. Nobody becomes a member by it: each gets an
invite below their sponsor as soon as that sponsor is a member, and joins like anybody else.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netnode.store.teams import ImportRow
from protocol.errors import RemoteProtocolError
from protocol.identity import parse_id
from protocol.limits import MAX_KEY, MAX_NAME

COLUMNS: Final = ("ref", "sponsor", "name", "networker")
MOST_ROWS: Final = 100_000
_DELIMITERS: Final = (",", ";", "\t")  # why: spreadsheets write the one of their country


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in which row (the heading is row 1) and field."""

    row: int
    field: str
    problem: str


def read_list(key: str, data: bytes, known: Sequence[ImportRow] = ()) -> tuple[list[ImportRow], list[Fault]]:
    """The rows of a list, and all that is wrong in it.

    Args:
        key: of the opportunity.
        data: the file.
        known: rows of earlier lists, whom sponsors may be too.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [Fault(1, "", "the file is not UTF-8 text: save it as CSV UTF-8")]
    heading = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=heading.count)  # the first of them where none is there
    # strict: a quotation mark that is never closed would take all rows below it for one name
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = [str(name).strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in ("ref", "sponsor") if name not in columns]
    if missing:
        return [], [
            Fault(1, missing[0], f"there is no column {missing[0]!r}; the first row names ref and sponsor")
        ]
    reader.fieldnames = columns
    rows, faults, seen = list[ImportRow](), list[Fault](), dict[str, int]()
    number = 1
    try:
        for number, values in enumerate(reader, 2):
            row = _row(key, number, values, faults)
            if number > MOST_ROWS:
                faults.append(Fault(number, "", f"more than {MOST_ROWS:,} rows: split the file"))
                break
            if row is None:
                continue
            if row.ref in seen:
                faults.append(Fault(number, "ref", f"{row.ref!r} is in row {seen[row.ref]} already"))
                continue
            seen[row.ref] = number
            rows.append(row)
    except csv.Error as error:
        text = f"from here on this is no CSV: {error}; is a quotation mark missing?"
        faults.append(Fault(number + 1, "", text))
    _check_sponsors(rows, seen, {row.ref: row.sponsor for row in known}, faults)
    return rows, sorted(faults, key=lambda fault: (fault.row, fault.field))


def _row(key: str, number: int, values: Mapping[str, str | None], faults: list[Fault]) -> ImportRow | None:
    ref, sponsor, name, person = ((values.get(column) or "").strip() for column in COLUMNS)
    if not any((ref, sponsor, name, person)):
        return None
    found = len(faults)
    for field, value in (("ref", ref), ("sponsor", sponsor)):
        if len(value) > MAX_KEY:
            faults.append(Fault(number, field, f"is longer than {MAX_KEY} characters"))
    if not ref:
        faults.append(Fault(number, "ref", "is empty: give what your old list calls this person"))
    if len(name) > MAX_NAME:
        faults.append(Fault(number, "name", f"is longer than {MAX_NAME} characters"))
    networker = None
    if person:
        try:
            networker = parse_id(person)
        except RemoteProtocolError as error:
            faults.append(Fault(number, "networker", f"is no networker id: {error.text}"))
    return None if len(faults) > found else ImportRow(key, ref, sponsor, name, networker, None)


def _check_sponsors(
    rows: Sequence[ImportRow], numbers: Mapping[str, int], known: Mapping[str, str], faults: list[Fault]
) -> None:
    """Sponsors are in the list, and nobody stands below themselves."""
    sponsors = dict(known) | {row.ref: row.sponsor for row in rows}
    safe = {""}
    for row in rows:
        if row.sponsor and row.sponsor not in sponsors:
            faults.append(Fault(numbers[row.ref], "sponsor", f"{row.sponsor!r} is in no row"))
            continue
        line: dict[str, None] = {}
        ref = row.ref
        while ref not in safe and ref not in line:
            line[ref] = None
            ref = sponsors.get(ref, "")
        if ref in line:
            if ref == row.ref:
                faults.append(
                    Fault(numbers[row.ref], "sponsor", "stands below themselves, directly or through others")
                )
        else:
            safe.update(line)
