"""What logs take in the store, and letting go of them: for the quotas.

Functions of a `Writer` or a `Reader`, for `Store.write` and `Store.read`. Bytes are those of `rows.weight`. What is
let go of leaves free pages in the file, which whatever comes next fills: the file does not shrink, and does not grow
past what was once held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import apsw

from netnode.store.reader import Reader
from netnode.store.rows import ENTRY_BYTES, RECORD_COPIES, SEQ_MASK, place_of
from netnode.store.writer import Writer
from protocol.entry import Entry
from protocol.limits import HASH_BYTES

_WEIGHT: Final = f"{RECORD_COPIES} * coalesce(length(record), 0) + {ENTRY_BYTES}"
# The other tables that name a networker
_NAMING: Final = ("follow", "blocked", "invited", "joining", "domain")
_USE: Final = "SELECT id, bytes, arrival, cut FROM log JOIN networker USING (n)"


@dataclass(frozen=True, slots=True)
class LogUse:
    """What one log takes: `bytes` as the quotas count them, `arrival` when it last changed, whether it was `cut`."""

    author: bytes
    bytes: int
    arrival: int
    cut: bool


@dataclass(frozen=True, slots=True)
class Fallen:
    """A log let go of as a whole, `at` ms UTC, that took so many `bytes`; by the owner, or by a quota."""

    author: bytes
    at: int
    bytes: int
    owner: bool


# -- reading -------------------------------------------------------------------------------------------------
def used(reader: Reader) -> int:
    """What all logs take together."""
    size: int = reader.connection.execute("SELECT coalesce(sum(bytes), 0) FROM log").get
    return size


def uses(reader: Reader, above: int = 0) -> list[LogUse]:
    """What each log takes that takes more than `above` bytes, in byte order of the ids."""
    return [_use(row) for row in reader.connection.execute(f"{_USE} WHERE bytes > ? ORDER BY id", (above,))]


def _use(row: tuple[bytes, int, int, int]) -> LogUse:
    return LogUse(row[0], row[1], row[2], bool(row[3]))


def cut(reader: Reader) -> list[bytes]:
    """The logs whose start a quota moved."""
    return [
        row[0] for row in reader.connection.execute("SELECT id FROM log JOIN networker USING (n) WHERE cut")
    ]


def start_after(reader: Reader, author: bytes, size: int, most: int) -> tuple[Entry | None, int]:
    """Where the main run has to begin, so that it takes at least `size` bytes less; the newest entry always stays.

    Args:
        reader: of the store.
        author: whose log.
        size: bytes.
        most: how many entries may be let go of at once.

    Returns:
        The entry that is then the first, and the bytes below it; None when nothing of the log is held.
    """
    n = reader.connection.execute("SELECT n FROM networker WHERE id = ?", (author,)).get
    if n is None:
        return None, 0
    seq = freed = last = 0
    for place, counted in reader.connection.execute(
        f"SELECT place, {_WEIGHT} FROM entry WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?",  # noqa: S608
        (place_of(n, 0), place_of(n, SEQ_MASK), most + 1),
    ):
        seq = place & SEQ_MASK
        freed += last
        if freed >= size:
            break
        last = counted
    return reader.entry(author, seq), freed


def aside_bytes(reader: Reader, author: bytes) -> int:
    """What the branches of a log take that are set aside."""
    size: int = reader.connection.execute(
        f"SELECT coalesce(sum({_WEIGHT}), 0) FROM aside WHERE n = (SELECT n FROM networker WHERE id = ?)",  # noqa: S608
        (author,),
    ).get
    return size


def fallen(reader: Reader) -> list[Fallen]:
    """The logs let go of as a whole, those longest ago first."""
    rows = reader.connection.execute("SELECT id, at, bytes, owner FROM fallen ORDER BY at, id")
    return [Fallen(author, at, size, bool(owner)) for author, at, size, owner in rows]


def near(reader: Reader) -> dict[bytes, frozenset[bytes]]:
    """What followed peers said they want, by peer."""
    return {
        peer: frozenset(ids[start : start + HASH_BYTES] for start in range(0, len(ids), HASH_BYTES))
        for peer, ids in reader.connection.execute("SELECT peer, ids FROM near")
    }


def named(reader: Reader) -> list[bytes]:
    """The peers that the owner put into the book."""
    return [row.id for row in reader.peers() if row.id is not None and (row.invited or row.addresses)]


# -- writing -------------------------------------------------------------------------------------------------
Forget = Callable[[apsw.Connection, int], None]
"""Takes what a log did out of the projections, by the number of its author, inside the transaction."""


def drop(
    writer: Writer, authors: Sequence[bytes], now: int, forget: Forget, *, owner: bool, kept: int
) -> list[bytes]:
    """Lets go of whole logs and remembers that, in one transaction.

    Args:
        writer: of the store.
        authors: whose logs; those not held are only remembered.
        now: ms UTC.
        forget: takes them out of the projections.
        owner: the owner wants it; else a quota does.
        kept: how many of those that a quota let go of are remembered, the newest.

    Returns:
        Those that were held.
    """
    held: list[bytes] = []
    with writer.transaction() as connection:
        writer.forget_note()
        for author in authors:
            row = connection.execute(
                "SELECT n, bytes FROM log JOIN networker USING (n) WHERE id = ?", (author,)
            ).fetchone()
            if row is not None:
                held.append(author)
                _delete(writer, author, row[0], forget)
            connection.execute(
                "INSERT OR REPLACE INTO fallen(id, at, bytes, owner) VALUES (?, ?, ?, ?)",
                (author, now, 0 if row is None else row[1], owner),
            )
        connection.execute(
            "DELETE FROM fallen WHERE NOT owner AND id IN"
            " (SELECT id FROM fallen WHERE NOT owner ORDER BY at DESC, id LIMIT -1 OFFSET ?)",
            (kept,),
        )
    return held


def _delete(writer: Writer, author: bytes, n: int, forget: Forget) -> None:
    execute = writer.connection.execute
    execute("DELETE FROM entry WHERE place BETWEEN ? AND ?", (place_of(n, 0), place_of(n, SEQ_MASK)))
    for table in ("aside", "branch", "extent", "opener", "proof", "purged", "log"):
        execute(f"DELETE FROM {table} WHERE n = ?", (n,))  # noqa: S608 - constants
    forget(writer.connection, n)
    # Numbers are scarce (`MAX_NETWORKERS`), identities are not: one that nothing names any more is given back.
    if all(execute(f"SELECT 1 FROM {table} WHERE n = ?", (n,)).get is None for table in _NAMING):  # noqa: S608
        writer.forget_number(author)


def take_again(writer: Writer, authors: Iterable[bytes]) -> int:
    """Forgets that logs were let go of; returns how many were."""
    with writer.transaction() as connection:
        gone = 0
        for author in authors:
            connection.execute("DELETE FROM fallen WHERE id = ?", (author,))
            gone += connection.changes()
    return gone


def uncut(writer: Writer, authors: Iterable[bytes]) -> None:
    """Wants logs from their beginning again."""
    with writer.transaction() as connection:
        connection.executemany(
            "UPDATE log SET cut = 0 WHERE n = (SELECT n FROM networker WHERE id = ?)",
            [(author,) for author in authors],
        )


def forget_cursors(writer: Writer) -> None:
    """Compares everything with every peer again: what the cursors passed over is wanted now [R-SYNC-7]."""
    with writer.transaction() as connection:
        connection.execute("DELETE FROM cursor")


def set_near(writer: Writer, peer: bytes, ids: Iterable[bytes]) -> None:
    """Remembers what a followed peer wants, in place of what it said before."""
    with writer.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO near(peer, ids) VALUES (?, ?)", (peer, b"".join(sorted(ids)))
        )


def forget_near(writer: Writer, peer: bytes) -> None:
    """Forgets what a peer wants that is followed no longer."""
    with writer.transaction() as connection:
        connection.execute("DELETE FROM near WHERE peer = ?", (peer,))
