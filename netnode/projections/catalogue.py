"""The catalogue: listings, profiles and statements, taken from the logs behind a cursor.

`advance` runs in the writer lane and never in the way of ingest: logs whose item changed are taken in the order of
their arrival, a bounded number of entries in one transaction, and the cursor moves in that transaction too. Whatever
ends the process, the next `advance` goes on where the tables stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import apsw
import msgspec

from netnode.projections import tables
from netnode.projections.effects import Batch, drop_author, drop_expired, forget_below
from netnode.store.faults import told
from netnode.store.rows import SEQ_BITS, SEQ_MASK, entry_id, place_of
from netnode.store.schema import immediate
from protocol.entry import CLOSE
from protocol.limits import CLOCK_TOLERANCE_MS
from protocol.records import CODECS

# One transaction: about 0.2 s of the writer lane, during which own entries wait.
ENTRIES_PER_TRANSACTION: Final = 2_000
LOGS_PER_TRANSACTION: Final = 500
_ALL: Final = 2**62
_header: Final = msgspec.msgpack.Decoder(tuple[int, bytes, int, bytes, int, int, int, int, bytes, int]).decode


@dataclass(frozen=True, slots=True)
class Progress:
    """How far `advance` came.

    Args:
        done: nothing is left to take in now.
        taken: entries taken in.
        wake_at_ms: when the next entry falls due or the next listing expires; None when nothing waits.
    """

    done: bool
    taken: int
    wake_at_ms: int | None


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was done of one log: the entries looked at, whether all was, and when the next falls due."""

    count: int
    finished: bool
    due: int | None = None


def advance(connection: apsw.Connection, network: str, now_ms: int, budget_entries: int) -> Progress:
    """Takes in what the logs have more than the tables.

    Args:
        connection: the writer's; no transaction is open.
        network: the network's name.
        now_ms: the clock. An entry dated more than CLOCK_TOLERANCE_MS after it waits, with all behind it.
        budget_entries: about how many entries to take before returning, at least one.

    Raises:
        Problem: the disk is full, read-only or fails; what was taken in before stays.
    """
    taken = 0
    while True:
        with told(connection.filename, "write"), immediate(connection):
            room = max(1, min(ENTRIES_PER_TRANSACTION, budget_entries - taken))
            count, finished = _step(connection, network, now_ms, room)
        taken += count
        if finished or taken >= budget_entries:
            return Progress(finished, taken, _wake_at(connection))


def put_first(connection: apsw.Connection, networker: bytes) -> None:
    """Lets `advance` look at this log before all others, inside an open transaction of the writer."""
    connection.execute(
        "INSERT OR REPLACE INTO due(n, at) SELECT n, 0 FROM log JOIN networker USING (n) WHERE id = ?",
        (networker,),
    )


def forget(connection: apsw.Connection, n: int) -> None:
    """Takes back at once all that a log did which is let go of, inside the transaction that deletes it.

    At once, since its number may be given to another networker.
    """
    drop_author(connection, n, _ALL)
    connection.execute("DELETE FROM due WHERE n = ?", (n,))


def waits(connection: apsw.Connection, networker: bytes) -> bool:
    """Whether a log that was put first has not been taken in yet."""
    row = connection.execute(
        "SELECT 1 FROM due JOIN networker USING (n) WHERE id = ? AND at = 0", (networker,)
    )
    return row.fetchone() is not None


def lag(connection: apsw.Connection) -> int:
    """How many entries stored here the tables have not taken in yet; those that only wait for their time aside."""
    query = """
        SELECT coalesce(sum(max(0, log.common - log.base + 1 - CASE
            WHEN projected.generation = log.generation THEN max(0, projected.high - projected.low + 1)
            ELSE 0 END)), 0)
        FROM log LEFT JOIN projected USING (n)
        WHERE (log.arrival > ? OR log.n IN (SELECT n FROM due WHERE at = 0))
        AND NOT (log.base > 0 AND NOT log.cut AND EXISTS (SELECT 1 FROM extent WHERE extent.n = log.n))
    """
    return int(connection.execute(query, (tables.cursor(connection),)).get)


def held(
    connection: apsw.Connection, networkers: Iterable[bytes]
) -> dict[bytes, tuple[int, tuple[int, int, int]]]:
    """Of each log that the tables know: the lowest seq and the newest place (epoch, term, seq) taken in."""
    query = """
        SELECT projected.low, projected.high, entry.header
        FROM networker JOIN projected USING (n) JOIN log USING (n, generation)
        JOIN entry ON entry.place = (n << ?) | projected.high WHERE networker.id = ?
    """
    found = {}
    for networker in networkers:
        row = connection.execute(query, (SEQ_BITS, networker)).fetchone()
        if row is not None:
            low, high, header = row
            fields = _header(header)
            found[networker] = (low, (fields[4], fields[5], high))
    return found


def rebuild(connection: apsw.Connection) -> None:
    """Drops the tables and makes them empty; `advance` then fills them from the logs anew.

    Args:
        connection: the writer's; no transaction is open.
    """
    with told(connection.filename, "write"), immediate(connection):
        tables.drop(connection)
        tables.create(connection)


def _wake_at(connection: apsw.Connection) -> int | None:
    moments = connection.execute(
        "SELECT (SELECT min(at) FROM due WHERE at > 0),"
        " (SELECT min(expires) FROM listing WHERE indexed AND expires IS NOT NULL)"
    ).fetchone()
    return min((moment for moment in moments or () if moment is not None), default=None)


def _step(connection: apsw.Connection, network: str, now_ms: int, room: int) -> tuple[int, bool]:
    """One transaction's worth: entries taken, and whether nothing is left."""
    batch = Batch(network)
    taken = logs = 0
    finished = False
    while taken < room and logs < LOGS_PER_TRANSACTION:
        due = connection.execute("SELECT n FROM due WHERE at <= ? ORDER BY at, n LIMIT 1", (now_ms,)).get
        arrival = None
        n = due
        if n is None:
            row = connection.execute(
                "SELECT n, arrival FROM log WHERE arrival > ? ORDER BY arrival LIMIT 1",
                (tables.cursor(connection),),
            ).fetchone()
            if row is None:
                finished = True
                break
            n, arrival = row
        done = _take(connection, batch, n, now_ms, room - taken)
        taken += done.count
        logs += 1
        if done.finished:
            if done.due is not None:
                connection.execute("INSERT OR REPLACE INTO due(n, at) VALUES (?, ?)", (n, done.due))
            else:
                connection.execute("DELETE FROM due WHERE n = ?", (n,))
            if arrival is not None:
                tables.set_cursor(connection, arrival)
    batch.write(connection, now_ms)
    if finished:
        expired = drop_expired(connection, now_ms, ENTRIES_PER_TRANSACTION)
        finished = expired < ENTRIES_PER_TRANSACTION
    return taken, finished


def _take(connection: apsw.Connection, batch: Batch, n: int, now_ms: int, room: int) -> _Taken:
    """Takes what one log has more, at most `room` entries."""
    log = connection.execute(
        "SELECT base, common, generation, seq, head_kind,"
        " base > 0 AND NOT cut AND EXISTS (SELECT 1 FROM extent WHERE extent.n = log.n) FROM log WHERE n = ?",
        (n,),
    ).fetchone()
    if log is None:
        return _drop(connection, n, room)
    base, common, generation, tip, head_kind, refetched = log
    if refetched:  # not so where a quota moved the start: nothing below is asked for
        return _Taken(0, True)  # what is held of it will be joined or dropped soon, with a new arrival
    known = connection.execute("SELECT generation, low, high FROM projected WHERE n = ?", (n,)).fetchone()
    if known is not None and known[0] != generation:
        dropped = _drop(connection, n, room)
        if not dropped.finished:
            return dropped
        known = None
    if known is not None and known[1] < base:
        gone = forget_below(connection, n, base, room)
        if gone == room:
            return _Taken(gone, False)
        known = (generation, base, max(known[2], base - 1))
    low, high = (base, base - 1) if known is None or known[1] > known[2] else known[1:]
    count, high, due = _above(connection, batch, n, high, common, now_ms, room)
    below = 0
    if base < low <= high:
        first = max(base, low - (room - count))
        below = _rows(connection, batch, n, first, low - 1)
        low = first
    closed = high == common and (head_kind if common == tip else _kind_at(connection, n, common)) == CLOSE
    connection.execute(
        "INSERT OR REPLACE INTO projected(n, generation, low, high, closed) VALUES (?, ?, ?, ?, ?)",
        (n, generation, low, high, closed),
    )
    return _Taken(count + below, (high == common or due is not None) and (low <= base or low > high), due)


def _kind_at(connection: apsw.Connection, n: int, seq: int) -> int | None:
    """The kind of an entry held; of a forked log the newest that counts lies below the head [R-EFF-4]."""
    row = connection.execute("SELECT header FROM entry WHERE place = ?", (place_of(n, seq),)).fetchone()
    return None if row is None else int(_header(row[0])[7])


def _drop(connection: apsw.Connection, n: int, room: int) -> _Taken:
    gone = drop_author(connection, n, room)
    return _Taken(0 if gone < room else gone, gone < room)


def _above(
    connection: apsw.Connection, batch: Batch, n: int, high: int, common: int, now_ms: int, room: int
) -> tuple[int, int, int | None]:
    """Takes entries above `high`: how many, the new `high`, and when the one that stopped it falls due."""
    last = min(common, high + room)
    count = 0
    for place, header, signature, record in connection.execute(
        "SELECT place, header, signature, record FROM entry WHERE place BETWEEN ? AND ? ORDER BY place",
        (place_of(n, high + 1), place_of(n, last)),
    ):
        fields = _header(header)
        if fields[6] > now_ms + CLOCK_TOLERANCE_MS:
            return count, high, fields[6] - CLOCK_TOLERANCE_MS
        _effect(batch, n, fields, signature, header, record)
        high = place & SEQ_MASK
        count += 1
    return count, last, None


def _rows(connection: apsw.Connection, batch: Batch, n: int, first: int, last: int) -> int:
    """Takes entries below those taken before: they are older, so they are due."""
    count = 0
    for _, header, signature, record in connection.execute(
        "SELECT place, header, signature, record FROM entry WHERE place BETWEEN ? AND ? ORDER BY place",
        (place_of(n, first), place_of(n, last)),
    ):
        _effect(batch, n, _header(header), signature, header, record)
        count += 1
    return count


def _effect(
    batch: Batch, n: int, fields: tuple[Any, ...], signature: bytes, header: bytes, record: bytes | None
) -> None:
    """Hands an entry to the batch, unless its record is gone or of a kind that is unknown here."""
    if record is not None and fields[7] in CODECS:
        batch.take(n, fields[1], fields[2], fields[7], fields[6], entry_id(header, signature), record)
