"""Keeps what is known of branches of a log that are not in it, in the table `branch`, up to a bound [L13]."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import apsw

from netnode.store.rows import entry_id
from protocol import limits
from protocol.entry import Entry

EVIDENCE_BYTES: Final = 4_194_304  # of one log: a thousand sales; who rotates again and again fills no disk
TIPS_BYTES: Final = limits.MAX_BRANCHES * 65_536
"""More, for newest entries whose branches are too long to keep: what is known to be missing can be told."""

OTHERS_BYTES: Final = (
    16 * EVIDENCE_BYTES
)  # of all logs together that are not followed: the owner only looked at them
Stored = tuple[int, bytes, bytes, bytes | None]
"""Seq, header, signature and record of an entry."""


def kept(connection: apsw.Connection, n: int) -> int:
    """Bytes that are kept of a networker's branches."""
    total: int = connection.execute(
        "SELECT ifnull(sum(length(header) + length(signature) + ifnull(length(record), 0)), 0)"
        " FROM branch WHERE n = ?",
        (n,),
    ).get
    return total


def kept_of_others(connection: apsw.Connection, own: bytes) -> int:
    """Bytes that are kept of the branches of all logs that are neither followed nor the owner's."""
    total: int = connection.execute(
        "SELECT ifnull(sum(length(header) + length(signature) + ifnull(length(record), 0)), 0) FROM branch"
        " WHERE n NOT IN (SELECT n FROM follow) AND n NOT IN (SELECT n FROM networker WHERE id = ?)",
        (own,),
    ).get
    return total


def size_of(entries: Iterable[Entry]) -> int:
    """Bytes that entries count for."""
    return sum(_size((each.seq, each.header, each.signature, each.record)) for each in entries)


def keep(connection: apsw.Connection, n: int, rows: Iterable[Stored], bound: int = EVIDENCE_BYTES) -> None:
    """Keeps entries outside a log as evidence of what its author owes, up to a bound of bytes [R-CRED-61].

    The lowest entries come first: what is above a gap could not be folded. Where there is no room for all of them the
    newest is kept too, as far as TIPS_BYTES go: it tells that what lies below it is missing [R-SYNC-21].
    """
    given = list(rows)
    room = bound - kept(connection, n)
    for row in given:
        room -= _size(row)
        if room < 0:
            if kept(connection, n) + _size(given[-1]) <= EVIDENCE_BYTES + TIPS_BYTES:
                _insert(connection, n, given[-1])
            return
        _insert(connection, n, row)


def _insert(connection: apsw.Connection, n: int, row: Stored) -> None:
    seq, header, signature, record = row
    connection.execute(
        "INSERT OR IGNORE INTO branch(n, seq, id, header, signature, record) VALUES (?, ?, ?, ?, ?, ?)",
        (n, seq, entry_id(header, signature), header, signature, record),
    )


def _size(row: Stored) -> int:
    _, header, signature, record = row
    return len(header) + len(signature) + (0 if record is None else len(record))
