"""Gathers what the pages of a damaged store hold into a database of its own, sorted and judged piece by piece."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import apsw

from netnode.salvage.pages import Pages, Row, Value
from protocol.entry import parse_entry
from protocol.errors import RemoteProtocolError
from protocol.limits import BLOB_CHUNK, MAX_BLOB
from protocol.signing import SIGNATURE_BYTES

HEADER_BYTES: Final = range(80, 512)  # of an encoded header, with room
_TABLES: Final = """
CREATE TABLE entry(
    author BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, prev BLOB NOT NULL, epoch INTEGER NOT NULL,
    term INTEGER NOT NULL, opener INTEGER NOT NULL, header BLOB NOT NULL, signature BLOB NOT NULL, record BLOB,
    PRIMARY KEY(author, seq, id)) WITHOUT ROWID;
CREATE TABLE chunk(hash BLOB PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE blob(hash BLOB PRIMARY KEY, size INTEGER NOT NULL, manifest BLOB NOT NULL, added INTEGER NOT NULL);
CREATE TABLE peer(p INTEGER PRIMARY KEY, id BLOB, name TEXT NOT NULL, addresses TEXT NOT NULL, inbound INTEGER NOT NULL,
    seen INTEGER, note TEXT NOT NULL, added INTEGER NOT NULL, invited INTEGER NOT NULL);
"""


@dataclass(slots=True)
class Gathered:
    """What was found."""

    pages: int = 0
    unreadable: int = 0  # pages of which rows could not be read
    broken: int = 0  # rows that look like entries and are not whole
    entries: int = field(default=0)


def gather(path: Path, into: apsw.Connection, step: Callable[[int], None]) -> Gathered:
    """Reads every page of a database, and keeps what it knows: entries, blobs, peers.

    Args:
        path: the damaged database; it is only read.
        into: an empty database.
        step: told of each page; may raise to give up.

    Raises:
        OSError: the file cannot be read at all.
    """
    into.execute(_TABLES)
    found = Gathered()
    pages = Pages(path)
    try:
        into.execute("BEGIN")
        for number in pages:
            step(1)
            found.pages += 1
            try:
                rows = pages.rows(number)
            except OSError:  # a sector that the disk gives no more
                found.unreadable += 1
                continue
            for row in rows:
                _sort(row, into, found)
        into.execute("COMMIT")
    finally:
        pages.close()
    found.unreadable += pages.unreadable
    found.entries = into.execute("SELECT count(*) FROM entry").get
    return found


def _sort(row: Row, into: apsw.Connection, found: Gathered) -> None:
    values = row.values
    for index in range(len(values) - 1):
        header, signature = values[index], values[index + 1]
        if (
            isinstance(header, bytes)
            and len(header) in HEADER_BYTES
            and isinstance(signature, bytes)
            and len(signature) == SIGNATURE_BYTES
        ):
            record = values[index + 2] if index + 2 < len(values) else None
            _entry(header, signature, record if isinstance(record, bytes) else None, into, found)
            return
    if row.number is None or not values or values[0] is not None:
        return
    if len(values) == 2 and isinstance(values[1], bytes) and 0 < len(values[1]) <= BLOB_CHUNK:
        data = values[1]
        into.execute("INSERT OR IGNORE INTO chunk VALUES (?, ?)", (hashlib.sha256(data).digest(), data))
    elif _is_blob(values):
        into.execute("INSERT OR IGNORE INTO blob VALUES (?, ?, ?, ?)", values[1:5])
    elif _is_peer(values):
        into.execute(
            "INSERT OR REPLACE INTO peer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (row.number, *values[1:9])
        )


def _entry(
    header: bytes, signature: bytes, record: bytes | None, into: apsw.Connection, found: Gathered
) -> None:
    try:
        entry = parse_entry(header, signature, record)
    except RemoteProtocolError as error:
        if error.code != "record_hash":
            found.broken += error.code != "record_missing" or record is not None
            return
        found.broken += 1
        try:
            entry = parse_entry(header, signature, None)  # the header is good; the record can be asked for
        except RemoteProtocolError:
            return
    into.execute(
        "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET record = coalesce(record, excluded.record)",
        (
            entry.author, entry.seq, entry.id, entry.prev, entry.epoch, entry.term, entry.is_opener,
            entry.header, entry.signature, entry.record,
        ),
    )  # fmt: skip


def _is_blob(values: tuple[Value, ...]) -> bool:
    match values[:5]:
        case (None, bytes(name), int(size), bytes(manifest), int()):
            return len(name) == 32 and 0 < size <= MAX_BLOB and len(manifest) % 32 == 0
    return False


def _is_peer(values: tuple[Value, ...]) -> bool:
    match values[:9]:
        case (None, bytes() | None as known, str(), str(addresses), int(), int() | None, str(), int(), int()):
            try:
                listed = json.loads(addresses)
            except (ValueError, RecursionError):
                return False
            whole = isinstance(listed, list) and all(isinstance(each, str) for each in listed)
            return whole and (known is None or len(known) == 32)
    return False
