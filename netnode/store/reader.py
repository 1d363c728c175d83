"""Reads the store. Synchronous: every method runs in a reader lane, or in the writer's on the writer's connection."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import apsw
import msgspec

from netnode.store.faults import told
from netnode.store.rows import (
    LOG_COLUMNS,
    SEQ_BITS,
    SEQ_MASK,
    LogRow,
    Missing,
    PeerRow,
    entry_id,
    place_of,
    stored_entry,
    stored_item,
    stored_openers,
)
from netnode.store.schema import newest_arrival
from protocol.entry import Entry
from protocol.errors import LocalProtocolError
from protocol.items import Cursor, Item, Standing
from protocol.log_state import Base, Extent, LogState, Place
from protocol.run import Run

TAG_BYTES: Final = 8
IDS_AT_ONCE: Final = 500  # in one statement: a third of the time of one each
_LOAD: Final = f"SELECT n, {LOG_COLUMNS} FROM log JOIN networker USING (n) WHERE id = ?"  # noqa: S608 - constants
_ITEM: Final = "id, standing, epoch, term, seq, head, base"
_ROW: Final = f"{_ITEM}, head_time, head_kind, common, arrival, generation, bytes, cut"
_FROM_LOG: Final = "FROM networker JOIN log USING (n)"
_ASCENDING: Final = "SELECT header, signature, record FROM entry WHERE place BETWEEN ? AND ? ORDER BY place"
_DESCENDING: Final = f"{_ASCENDING} DESC"
_run: Final = msgspec.msgpack.Decoder(Run).decode
_cursor: Final = msgspec.msgpack.Decoder(Cursor).decode


class StoredLog:
    """The stored entries of one log, as `protocol.log` reads them (`LogView`)."""

    __slots__ = ("_connection", "_n")

    def __init__(self, connection: apsw.Connection, n: int) -> None:
        self._connection = connection
        self._n = n

    def main(self, seq: int) -> Entry | None:
        """The entry of the main run at `seq`."""
        if not 0 <= seq <= SEQ_MASK:
            return None
        row = self._connection.execute(
            "SELECT header, signature, record FROM entry WHERE place = ?", (place_of(self._n, seq),)
        ).fetchone()
        return None if row is None else stored_entry(*row)

    def aside(self, number: int, seq: int) -> Entry | None:
        """The entry at `seq` of an extent set aside."""
        row = self._connection.execute(
            "SELECT header, signature, record FROM aside WHERE n = ? AND number = ? AND seq = ?",
            (self._n, number, seq),
        ).fetchone()
        return None if row is None else stored_entry(*row)


class Reader:
    """Reads the store.

    Args:
        connection: set up by `netnode.store.schema.set_up_reader`, or the writer's.
    """

    __slots__ = ("_network", "_store", "connection")

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        meta: dict[str, bytes] = dict(
            connection.execute("SELECT name, value FROM meta WHERE name IN ('network', 'store')")
        )
        self._network = meta["network"].decode()
        self._store = meta["store"]

    @property
    def store_id(self) -> bytes:
        """The 16 bytes that name this store in cursors."""
        return self._store

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside is of one moment, however many statements it takes.

        Raises:
            Problem: the disk or the file fails.
        """
        with told(self.connection.filename, "read"):
            if self.connection.in_transaction:
                yield
                return
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("COMMIT")

    # -- logs ------------------------------------------------------------------------------------------------
    def load(self, author: bytes) -> LogState | None:
        """The state of a log, equal to the one that was committed; None when nothing of it is held."""
        row = self.connection.execute(_LOAD, (author,)).fetchone()
        if row is None:
            return None
        n, epoch, term, seq, head, head_time, head_kind = row[:7]
        base, prev, base_epoch, base_term, base_time, opener, fork, extents, standing, _ = row[7:]
        if (
            standing != Standing.HEAD
        ):  # the row carries the place that the item names, the tip may be of another
            tip = StoredLog(self.connection, n).main(seq)
            if tip is None:
                raise LocalProtocolError(f"the store lacks entry {seq}, the newest of its log")
            epoch, term = tip.place
        openers = stored_openers(
            self._network,
            author,
            (
                stored_entry(*each)
                for each in self.connection.execute(
                    "SELECT header, signature, record FROM opener WHERE n = ? ORDER BY rank", (n,)
                )
            ),
        )
        return LogState(
            openers,
            Base(base, prev, base_epoch, base_term, base_time, bool(opener)),
            Place(seq, head, epoch, term, head_time, head_kind),
            self._extents(n) if extents else (),
            fork,
            extents,
        )

    def _extents(self, n: int) -> tuple[Extent, ...]:
        rows = self.connection.execute(
            "SELECT number, first, prev, epoch, term, time, opener, last FROM extent WHERE n = ? ORDER BY rank",
            (n,),
        )
        return tuple(
            Extent(number, Base(first, prev, epoch, term, time, bool(opener)), last)
            for number, first, prev, epoch, term, time, opener, last in rows
        )

    def view(self, author: bytes) -> StoredLog:
        """How `protocol.log` reads the held entries of a log; of an unknown one it finds nothing."""
        return StoredLog(self.connection, self._number(author) or 0)

    def item(self, author: bytes) -> Item | None:
        """What is compared of a log [R-LOG-17]; None when nothing of it is held."""
        row = self._one(f"SELECT {_ITEM} {_FROM_LOG} WHERE id = ?", author)
        return None if row is None else stored_item(*row)

    def items_since(self, arrival: int, limit: int) -> list[tuple[int, Item]]:
        """The logs whose item changed after an arrival, in that order, each with its arrival; at most `limit`."""
        rows = self._all(
            f"SELECT arrival, {_ITEM} {_FROM_LOG} WHERE arrival > ? ORDER BY arrival LIMIT ?", arrival, limit
        )
        return [(row[0], stored_item(*row[1:])) for row in rows]

    def items_after(self, author: bytes | None, limit: int) -> list[Item]:
        """Items in byte order of the author's id, after `author` or from the first on."""
        rows = self._all(f"SELECT {_ITEM} {_FROM_LOG} WHERE id > ? ORDER BY id LIMIT ?", author or b"", limit)
        return [stored_item(*row) for row in rows]

    def items_of(self, authors: Sequence[bytes]) -> list[Item]:
        """The items of those of the given logs that are held, in the order given."""
        found: dict[bytes, Item] = {}
        for start in range(0, len(authors), IDS_AT_ONCE):
            part = authors[start : start + IDS_AT_ONCE]
            marks = ",".join("?" * len(part))
            for row in self._all(f"SELECT {_ITEM} {_FROM_LOG} WHERE id IN ({marks})", *part):
                found[row[0]] = stored_item(*row)
        return [found[author] for author in authors if author in found]

    def logs(self, after: bytes | None, limit: int) -> list[LogRow]:
        """A page of the logs held, in byte order of the author's id."""
        rows = self._all(f"SELECT {_ROW} {_FROM_LOG} WHERE id > ? ORDER BY id LIMIT ?", after or b"", limit)
        return [_log_row(row) for row in rows]

    def log(self, author: bytes) -> LogRow | None:
        """One log; None when nothing of it is held."""
        row = self._one(f"SELECT {_ROW} {_FROM_LOG} WHERE id = ?", author)
        return None if row is None else _log_row(row)

    def authors(self) -> list[bytes]:
        """The ids of all logs held, in byte order."""
        return [row[0] for row in self._all(f"SELECT id {_FROM_LOG} ORDER BY id")]

    def counts(self) -> tuple[int, int]:
        """How many entries the main runs hold, and how many logs there are."""
        row = self._one("SELECT total(seq - base + 1), count(*) FROM log")
        return (int(row[0]), row[1]) if row is not None else (0, 0)

    def log_count(self) -> int:
        """How many logs there are."""
        count: int = self.connection.execute("SELECT count(*) FROM log").get
        return count

    # -- arrivals --------------------------------------------------------------------------------------------
    def newest(self) -> Cursor:
        """The cursor that stands for all this store holds now [R-LOG-18]."""
        newest = newest_arrival(self.connection)
        tag = self.tag_of(newest)
        if tag is None:
            raise LocalProtocolError("the store was never opened for writing")
        return Cursor(self._store, newest, tag)

    def tag_of(self, arrival: int) -> bytes | None:
        """The tag of an arrival number in this numbering; None when it is of too long ago."""
        row = self._one("SELECT secret FROM opening WHERE begin <= ? ORDER BY begin DESC LIMIT 1", arrival)
        if row is None:
            return None
        return hashlib.blake2b(arrival.to_bytes(8, "big"), key=row[0], digest_size=TAG_BYTES).digest()

    def knows(self, cursor: Cursor) -> bool:
        """Whether a cursor is one that this store gave out, as it is now."""
        return cursor.store == self._store and self.tag_of(cursor.arrival) == cursor.tag

    def passed_on(self) -> Run | None:
        """The run that was passed on last before its tables had it; they have, unless the process ended between."""
        row = self._one("SELECT run FROM passed_on")
        return None if row is None else _run(row[0])

    # -- entries ---------------------------------------------------------------------------------------------
    def entry(self, author: bytes, seq: int) -> Entry | None:
        """One entry of the main run."""
        return self.view(author).main(seq)

    def entries(
        self, author: bytes, first: int, last: int, max_bytes: int, *, descending: bool = False
    ) -> list[Entry]:
        """Entries of the main run with `first` <= seq <= `last`.

        Args:
            author: whose log.
            first: the lowest seq.
            last: the highest.
            max_bytes: of headers, signatures and records together; the first entry comes whatever its size.
            descending: from `last` down.
        """
        n = self._number(author)
        if n is None or last < first:
            return []
        rows = self.connection.execute(
            _DESCENDING if descending else _ASCENDING,
            (place_of(n, max(first, 0)), place_of(n, min(last, SEQ_MASK))),
        )
        found: list[Entry] = []
        for header, signature, record in rows:
            max_bytes -= len(header) + len(signature) + (0 if record is None else len(record))
            if max_bytes < 0 and found:
                break
            found.append(stored_entry(header, signature, record))
        return found

    def ids(self, author: bytes, seqs: Sequence[int]) -> list[tuple[int, bytes]]:
        """The entry ids at those of the given seqs that the main run holds [R-LOG-19]."""
        n = self._number(author)
        if n is None:
            return []
        found: list[tuple[int, bytes]] = []
        for seq in seqs:
            if not 0 <= seq <= SEQ_MASK:
                continue
            row = self._one("SELECT header, signature FROM entry WHERE place = ?", place_of(n, seq))
            if row is not None:
                found.append((seq, entry_id(*row)))
        return found

    def missing_records(self, limit: int, after: int = 0) -> list[Missing]:
        """Entries whose record never came, in order of `Missing.place`, those above `after`.

        Records that this node let go of are not missing.
        """
        rows = self.connection.execute(
            "SELECT e.place, w.id, e.header, e.signature, p.id FROM entry AS e"
            " JOIN networker AS w ON w.n = e.place >> ?"
            " LEFT JOIN purged AS p ON p.n = e.place >> ? AND p.seq = e.place & ?"
            " WHERE e.record IS NULL AND e.place > ? ORDER BY e.place",
            (SEQ_BITS, SEQ_BITS, SEQ_MASK, after),
        )
        found: list[Missing] = []
        for place, author, header, signature, purged in rows:
            if len(found) >= limit:
                break
            known = entry_id(header, signature)
            if purged != known:
                found.append(Missing(place, author, place & SEQ_MASK, known))
        return found

    def proof(self, author: bytes) -> tuple[Run, Run] | None:
        """Both sides of the proof that the newest term is forked [R-LOG-15]."""
        row = self._one(
            "SELECT left, right FROM proof WHERE n = (SELECT n FROM networker WHERE id = ?)", author
        )
        return None if row is None else (_run(row[0]), _run(row[1]))

    # -- what the node remembers -----------------------------------------------------------------------------
    def meta(self, name: str) -> bytes | None:
        """The value remembered under a name."""
        row = self._one("SELECT value FROM meta WHERE name = ?", name)
        return None if row is None else row[0]

    def cursor(self, peer: bytes) -> Cursor | None:
        """How far the changes of a peer's store were taken in."""
        row = self._one("SELECT cursor FROM cursor WHERE peer = ?", peer)
        return None if row is None else _cursor(row[0])

    def follows(self) -> list[tuple[bytes, int]]:
        """Who is followed and since when (ms UTC), in byte order of the ids."""
        return self._all("SELECT id, since FROM follow JOIN networker USING (n) ORDER BY id")

    def blocked(self) -> list[tuple[bytes, int]]:
        """Who is blocked and since when (ms UTC), in byte order of the ids."""
        return self._all("SELECT id, since FROM blocked JOIN networker USING (n) ORDER BY id")

    def peers(self) -> list[PeerRow]:
        """The book, in the order the peers came into it."""
        return [
            PeerRow(
                p=p,
                id=networker,
                name=name,
                addresses=tuple(json.loads(addresses)),
                inbound=bool(inbound),
                seen=seen,
                note=note,
                added=added,
                invited=bool(invited),
            )
            for p, networker, name, addresses, inbound, seen, note, added, invited in self._all(
                "SELECT p, id, name, addresses, inbound, seen, note, added, invited FROM peer ORDER BY p"
            )
        ]

    # -- the file ---------------------------------------------------------------------------------------------
    def check(self) -> list[str]:
        """What SQLite finds wrong with the file, a line each; none when it is sound. Reads all of it."""
        for (name,) in self._all(
            "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%'"
        ):
            # Why: the check of FTS5 (SQLite 3.54) goes by what this connection read of the index before, and finds
            # corruption where another connection changed it since; a query makes it look anew.
            self.connection.execute(f'SELECT 1 FROM "{name}"(?) LIMIT 1', ('"x"',)).fetchall()  # noqa: S608
        found = [row[0] for row in self._all("PRAGMA integrity_check") if row[0] != "ok"]
        broken = self._all("PRAGMA foreign_key_check")
        return found + [
            f"row {rowid} of {table} names a row of {parent} that is not there"
            for table, rowid, parent, _ in broken
        ]

    # -- statements ------------------------------------------------------------------------------------------
    def _number(self, author: bytes) -> int | None:
        row = self._one("SELECT n FROM networker WHERE id = ?", author)
        return None if row is None else row[0]

    def _one(self, statement: str, *values: Any) -> Any:
        return self.connection.execute(statement, values).fetchone()

    def _all(self, statement: str, *values: Any) -> list[Any]:
        return self.connection.execute(statement, values).fetchall()


def _log_row(row: tuple[Any, ...]) -> LogRow:
    author, _, _, _, seq, _, base, time, kind, common, arrival, generation, size, cut = row
    return LogRow(
        author, stored_item(*row[:7]), base, seq, time, kind, common, arrival, generation, size, bool(cut)
    )
