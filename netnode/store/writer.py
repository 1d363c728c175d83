"""The one connection that writes. Every method runs in the writer lane and is one transaction, or joins an open one.

A transaction that fails leaves nothing behind: neither rows nor what this object remembers between transactions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

import apsw
import msgspec

from netnode.store.batch import Batch
from netnode.store.faults import store_problem
from netnode.store.rows import (
    MAX_NETWORKERS,
    RECORD_COPIES,
    Change,
    PeerRow,
    place_of,
    stored_entry,
)
from netnode.store.schema import CHECKPOINT_PAGES, newest_arrival
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.items import Cursor, Item
from protocol.kinds import is_critical

# Why: a peer may name another store in every session; who is forgotten is compared with anew
CURSORS: Final = 10_000
_INTERNED: Final = 20_000  # ids whose numbers are remembered: about 3 MB


class Writer:
    """Writes the store.

    Args:
        connection: prepared by `netnode.store.schema.prepare`.
    """

    __slots__ = (
        "_arrival",
        "_durable",
        "_failed",
        "_full",
        "_numbers",
        "_stored_arrival",
        "commits",
        "connection",
        "grown",
        "logged",
    )

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._numbers: dict[bytes, int] = {}
        self._arrival: int | None = None  # the newest given out; None: none since the store was opened
        self._stored_arrival: int | None = None  # the same before the open transaction
        self._full = False  # whether the connection is at synchronous=FULL
        self._failed = False  # a part of the open transaction failed
        self._durable: bool | None = None  # of the open transaction; None: there is none
        self.logged = 0  # pages in the write-ahead log
        self.commits = 0  # that wrote something: one without changes touches no disk and shows nothing of it
        connection.set_wal_hook(self._note_logged)
        self.grown = 0  # bytes that logs grew by since the store was opened, as the quotas count them

    # -- the write-ahead log ---------------------------------------------------------------------------------
    def _note_logged(self, _connection: apsw.Connection, _schema: str, pages: int) -> int:
        self.logged = pages
        self.commits += 1
        return 0  # SQLITE_OK

    def checkpoint(self, least: int = CHECKPOINT_PAGES) -> None:
        """Takes the write-ahead log into the database once it is long: some tenths of a second of writing.

        What is committed survives the end of the process without it, and the loss of power with it. A failure does no
        harm: the next commit tries again.

        Args:
            least: how many pages of log are worth it.
        """
        if self.logged >= least:
            with suppress(apsw.Error):
                self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self.logged = 0

    # -- transactions ----------------------------------------------------------------------------------------
    def transaction(self, durable: bool = False) -> _Transaction:
        """One transaction; inside an open one, a part of that.

        Args:
            durable: it survives a loss of power once this returns.

        Raises:
            Problem: the disk is full, read-only or fails; nothing is stored.
            LocalProtocolError: durable, inside a transaction that is not.
        """
        return _Transaction(self, durable)

    def _begin(self, durable: bool) -> bool:
        """Begins a transaction; False: joins the one that is open."""
        if self._durable is not None:
            if durable and not self._durable:
                raise LocalProtocolError("a durable transaction inside one that is not")
            return False
        try:
            self._survive(durable)
            self.connection.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            raise self._told(error) from error
        self._durable, self._failed = durable, False
        self._stored_arrival = self._arrival
        return True

    def _survive(self, durable: bool) -> None:
        """Has the next transaction survive a loss of power, or the end of the process alone."""
        if durable is not self._full:
            self.connection.execute("PRAGMA synchronous = FULL" if durable else "PRAGMA synchronous = NORMAL")
            self._full = durable

    def _told(self, error: apsw.Error) -> Exception:
        """The problem that a failure of the disk or the file is to a person; else the failure itself."""
        return store_problem(error, self.connection.filename, "write") or error

    def _commit(self) -> None:
        try:
            if self._failed:
                raise LocalProtocolError("a part of this transaction failed")
            self.connection.execute("COMMIT")
            self._durable = None
        except apsw.Error as error:
            self._abandon(error)
            raise
        finally:
            if self._durable is not None:
                self._abandon(None)

    def _abandon(self, error: BaseException | None) -> None:
        """Leaves nothing of the open transaction, neither in the file nor here.

        Raises:
            Problem: `error`, or what comes now, is a failure of the disk or the file.
        """
        self._durable = None
        self._numbers.clear()
        # Not read anew: the log with the newest number may be gone, and its cursor is known all the same.
        self._arrival = self._stored_arrival
        try:
            if self.connection.in_transaction:  # a full disk makes SQLite roll back by itself
                self.connection.execute("ROLLBACK")
        except apsw.Error as worse:
            error = worse
        if isinstance(error, apsw.Error):
            problem = store_problem(error, self.connection.filename, "write")
            if problem is not None:
                raise problem from error

    # -- logs ------------------------------------------------------------------------------------------------
    def commit(self, changes: Sequence[Change], durable: bool = False) -> list[Item]:
        """Stores a batch of changes, which may span logs and messages, in one transaction.

        Args:
            changes: those of one log in the order they were made, each from the state the one before led to.
            durable: they survive a loss of power once this returns (own entries) [R-LOG-20].

        Returns:
            The items that changed, one a log.

        Raises:
            Problem: the disk is full, read-only or fails.
            LocalProtocolError: a change does not start from what is stored.
        """
        if not changes:
            return []
        with self.transaction(durable):
            try:
                batch = Batch(self.connection, self.intern, self._arrivals)
                items = batch.apply(changes)
            except apsw.ConstraintError as error:
                raise LocalProtocolError(f"the store holds something else already: {error}") from error
        self.grown += batch.grown
        return items

    def note(self, run: bytes) -> None:
        """Keeps a run that is passed on before it is stored, in the place of the one before.

        Outside a transaction: one statement, one row, a quarter of the time that storing takes. It survives the end
        of the process, as what `commit` stores.

        Args:
            run: encoded.

        Raises:
            Problem: the disk is full, read-only or fails.
        """
        try:
            self._survive(False)
            self.connection.execute("INSERT OR REPLACE INTO passed_on(one, run) VALUES (1, ?)", (run,))
        except apsw.Error as error:
            raise self._told(error) from error

    def forget_note(self) -> None:
        """Lets go of the run that was passed on last: a record in it is to be gone."""
        self.connection.execute("DELETE FROM passed_on")

    def intern(self, networker: bytes) -> int:
        """The number of a networker's id, given out now if it is new. Inside a transaction only."""
        n = self._numbers.get(networker)
        if n is None:
            if self._durable is None:
                raise LocalProtocolError("numbers are given out inside a transaction")
            n = self.connection.execute("SELECT n FROM networker WHERE id = ?", (networker,)).get
            if n is None:
                n = self.connection.execute(
                    "INSERT INTO networker(id) VALUES (?) RETURNING n", (networker,)
                ).get
            if n > MAX_NETWORKERS:
                n = self._free_number(networker)
            if len(self._numbers) >= _INTERNED:
                self._numbers.clear()
            self._numbers[networker] = n
        return int(n)

    def _free_number(self, networker: bytes) -> int:
        """The lowest number that was given back; looked for only once all have been given out."""
        free = self.connection.execute(
            "SELECT n + 1 FROM networker AS a WHERE n < ? AND NOT EXISTS(SELECT 1 FROM networker AS b"
            " WHERE b.n = a.n + 1) ORDER BY n LIMIT 1",
            (MAX_NETWORKERS,),
        ).get
        if free is None or free > MAX_NETWORKERS:
            raise LocalProtocolError(f"a store holds at most {MAX_NETWORKERS} networkers")
        self.connection.execute("UPDATE networker SET n = ? WHERE id = ?", (free, networker))
        return int(free)

    def _arrivals(self, count: int) -> int:
        """The first of `count` new arrival numbers, which are consecutive."""
        if self._arrival is None:
            self._arrival = newest_arrival(self.connection)
        first = self._arrival + 1
        self._arrival += count
        return first

    # -- records ---------------------------------------------------------------------------------------------
    def set_records(self, records: Sequence[tuple[bytes, int, bytes, bytes]]) -> int:
        """Stores records that were missing: (author, seq, entry id, record) each.

        The generation of their logs goes up, their items stay.

        Returns:
            How many were stored; those of entries no longer held, or there already, are passed over.

        Raises:
            RemoteProtocolError: `record_hash`: a record is not the one its header names; nothing is stored.
        """
        stored, touched = 0, set()
        with self.transaction() as connection:
            for author, seq, known, record in records:
                place = place_of(self.intern(author), seq)
                row = connection.execute(
                    "SELECT header, signature FROM entry WHERE place = ? AND record IS NULL", (place,)
                ).get
                if row is None:
                    continue
                entry = stored_entry(row[0], row[1], None)
                if entry.id != known:
                    continue
                if len(record) != entry.record_length or hashlib.sha256(record).digest() != entry.record_hash:
                    raise RemoteProtocolError(
                        "record_hash", f"the record of entry {seq} is not the one its header names"
                    )
                connection.execute("UPDATE entry SET record = ? WHERE place = ?", (record, place))
                self._grow(connection, self.intern(author), RECORD_COPIES * len(record))
                connection.execute(
                    "DELETE FROM purged WHERE n = ? AND seq = ? AND id = ?", (self.intern(author), seq, known)
                )
                touched.add(self.intern(author))
                stored += 1
            self._changed(touched)
        return stored

    def purge_records(self, author: bytes, seqs: Sequence[int]) -> int:
        """Lets go of records for good; the headers stay, and the records are not asked for again.

        Their bytes are overwritten, in the file itself with the next checkpoint (at the latest when the node stops).

        Returns:
            How many there were.

        Raises:
            LocalProtocolError: an entry is of an even kind, whose records are never purged.
        """
        gone = 0
        self.connection.execute("PRAGMA secure_delete = ON")
        try:
            with self.transaction() as connection:
                n = self.intern(author)
                self.forget_note()
                for seq in seqs:
                    row = connection.execute(
                        "SELECT header, signature, length(record) FROM entry"
                        " WHERE place = ? AND record IS NOT NULL",
                        (place_of(n, seq),),
                    ).get
                    if row is None:
                        continue
                    entry = stored_entry(row[0], row[1], None)
                    if is_critical(entry.kind):
                        text = f"the record of entry {seq} is ledger-critical and never purged"
                        raise LocalProtocolError(text)
                    connection.execute("UPDATE entry SET record = NULL WHERE place = ?", (place_of(n, seq),))
                    self._grow(connection, n, -RECORD_COPIES * row[2])
                    connection.execute(
                        "INSERT OR REPLACE INTO purged(n, seq, id) VALUES (?, ?, ?)", (n, seq, entry.id)
                    )
                    gone += 1
                if gone:
                    self._changed({n})
            return gone
        finally:
            self.connection.execute("PRAGMA secure_delete = OFF")

    def _grow(self, connection: apsw.Connection, n: int, size: int) -> None:
        connection.execute("UPDATE log SET bytes = bytes + ? WHERE n = ?", (size, n))
        self.grown += max(0, size)

    def forget_number(self, networker: bytes) -> None:
        """Lets go of the number of a networker that nothing names any more. Inside a transaction only."""
        self._numbers.pop(networker, None)
        self.connection.execute("DELETE FROM networker WHERE id = ?", (networker,))

    def _changed(self, logs: set[int]) -> None:
        self.connection.executemany(
            "UPDATE log SET generation = generation + 1 WHERE n = ?", [(n,) for n in sorted(logs)]
        )

    # -- what the node remembers -----------------------------------------------------------------------------
    def set_meta(self, name: str, value: bytes | None) -> None:
        """Remembers one value under a name; None forgets it."""
        with self.transaction() as connection:
            if value is None:
                connection.execute("DELETE FROM meta WHERE name = ?", (name,))
            else:
                connection.execute("INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", (name, value))

    def get_meta(self, name: str) -> bytes | None:
        """The value under a name, also one set in the open transaction."""
        value: bytes | None = self.connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).get
        return value

    def set_cursor(self, peer: bytes, cursor: Cursor | None) -> None:
        """Remembers how far the changes of a peer's store were taken in; None forgets it [R-LOG-18]."""
        with self.transaction() as connection:
            if cursor is None:
                connection.execute("DELETE FROM cursor WHERE peer = ?", (peer,))
            else:
                connection.execute(
                    "INSERT OR REPLACE INTO cursor(peer, cursor) VALUES (?, ?)",
                    (peer, msgspec.msgpack.encode(cursor)),
                )
                connection.execute(
                    "DELETE FROM cursor WHERE peer IN (SELECT peer FROM cursor WHERE peer != ?"
                    " LIMIT max(0, (SELECT count(*) FROM cursor) - ?))",
                    (peer, CURSORS),
                )

    def follow(self, networker: bytes, since: int) -> None:
        """Follows a networker from `since` (ms UTC) on; one followed already stays as it is."""
        with self.transaction(durable=True) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO follow(n, since) VALUES (?, ?)", (self.intern(networker), since)
            )

    def unfollow(self, networker: bytes) -> bool:
        """Follows a networker no longer; False when it was not followed."""
        return self._remove("DELETE FROM follow WHERE n = (SELECT n FROM networker WHERE id = ?)", networker)

    def block(self, networker: bytes, since: int) -> None:
        """Blocks a networker from `since` (ms UTC) on; one blocked already stays as it is."""
        with self.transaction(durable=True) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO blocked(n, since) VALUES (?, ?)", (self.intern(networker), since)
            )

    def unblock(self, networker: bytes) -> bool:
        """Blocks a networker no longer; False when it was not blocked."""
        return self._remove("DELETE FROM blocked WHERE n = (SELECT n FROM networker WHERE id = ?)", networker)

    def put_peer(self, peer: PeerRow, durable: bool = False) -> int:
        """Stores a peer of the book: a new one when `p` is 0, else in place of the one with that number.

        Args:
            peer: with all its fields.
            durable: it survives a loss of power once this returns; for what the owner asked for.

        Returns:
            Its number.

        Raises:
            LocalProtocolError: another peer has that id.
        """
        values = (
            peer.id,
            peer.name,
            json.dumps(peer.addresses, ensure_ascii=False),
            peer.inbound,
            peer.seen,
            peer.note,
            peer.added,
            peer.invited,
        )
        try:
            with self.transaction(durable) as connection:
                p: int = connection.execute(
                    "INSERT OR ABORT INTO peer(p, id, name, addresses, inbound, seen, note, added, invited)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(p) DO UPDATE SET id = excluded.id,"
                    " name = excluded.name, addresses = excluded.addresses, inbound = excluded.inbound,"
                    " seen = excluded.seen, note = excluded.note, added = excluded.added,"
                    " invited = excluded.invited RETURNING p",
                    (peer.p or None, *values),
                ).get
        except apsw.ConstraintError as error:
            raise LocalProtocolError("another peer of the book has that id") from error
        return p

    def remove_peer(self, p: int) -> bool:
        """Removes a peer from the book; False when it is not there."""
        return self._remove("DELETE FROM peer WHERE p = ?", p)

    def _remove(self, statement: str, key: Any) -> bool:
        with self.transaction(durable=True) as connection:
            connection.execute(statement, (key,))
            return connection.changes() > 0


class _Transaction:
    """What `Writer.transaction` returns. Not a generator: that takes thrice as long, on the way of every entry."""

    __slots__ = ("_durable", "_outermost", "_writer")

    def __init__(self, writer: Writer, durable: bool) -> None:
        self._writer = writer
        self._durable = durable
        self._outermost = False

    def __enter__(self) -> apsw.Connection:
        self._outermost = self._writer._begin(self._durable)
        return self._writer.connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        writer = self._writer
        if not self._outermost:
            if error is not None:  # whoever catches it further out cannot store the half of it
                writer._failed = True
            return
        if error is None:
            writer._commit()
        else:
            writer._abandon(error)
