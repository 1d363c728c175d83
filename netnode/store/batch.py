"""One transaction's worth of changes to logs, turned into few statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import apsw
import msgspec

from netnode.store import evidence
from netnode.store.rows import (
    ENTRY_BYTES,
    LOG_BYTES,
    LOG_COLUMNS,
    RECORD_COPIES,
    SEQ_MASK,
    Change,
    log_row,
    place_of,
    weight,
)
from protocol.entry import AuthenticEntry
from protocol.errors import LocalProtocolError
from protocol.items import Item
from protocol.log import Drop, Keep, Rejoin, Release, SetAside, Step
from protocol.log_state import LogState
from protocol.run import Run, rebuild

_COLUMNS: Final = [name.strip() for name in LOG_COLUMNS.split(",")]
_INSERT_LOG: Final = (
    f"INSERT INTO log(n, {LOG_COLUMNS}, arrival, bytes, cut, generation)"  # noqa: S608 - constants
    f" VALUES ({'?, ' * (len(_COLUMNS) + 4)}0)"
)
# The state a change starts from is the one stored, or the batch fails: two writers of one log cannot both win.
_UPDATE_LOG: Final = (  # constants alone
    f"UPDATE log SET {', '.join(f'{name} = ?' for name in _COLUMNS)}, arrival = coalesce(?, arrival),"  # noqa: S608
    " bytes = bytes + ?, cut = max(cut, ?), generation = generation + ? WHERE n = ? AND head = ? AND base = ?"
)
# The same for a log that went on and did nothing else: as it stands it is the statement of most commits, so it names
# no column that stays, above all none that triggers of the projections watch.
_GROW_LOG: Final = (
    "UPDATE log SET seq = ?, head = ?, head_time = ?, head_kind = ?, common = ?, arrival = ?, bytes = bytes + ?"
    " WHERE n = ? AND head = ? AND base = ?"
)
_WEIGHED: Final = f"SELECT {ENTRY_BYTES} * count(*) + {RECORD_COPIES} * coalesce(sum(length(record)), 0) FROM"
_INSERT_ENTRY: Final = "INSERT INTO entry(place, header, signature, record) VALUES "
_INSERT_ONE: Final = _INSERT_ENTRY + "(?, ?, ?, ?)"
_ROWS: Final = 32  # entries per statement: fewer calls, and the statement stays in the cache


class _Log(msgspec.Struct):
    """One log of the batch: where it started, where it is now."""

    n: int
    before: LogState | None
    after: LogState
    replaced: bool  # held entries of the main run may have been replaced or cut
    item: Item | None = None
    grown: int = 0  # bytes more than before, as the quotas count them
    cut: bool = False
    went_on: bool = False  # entries follow its tip, and nothing else is new


class Batch:
    """Applies changes inside an open transaction.

    Args:
        connection: the writer's.
        intern: gives the number of a networker's id.
        arrivals: gives the first of so many new arrival numbers.
    """

    __slots__ = ("_arrivals", "_connection", "_intern", "_logs", "_rows", "grown")

    def __init__(
        self,
        connection: apsw.Connection,
        intern: Callable[[bytes], int],
        arrivals: Callable[[int], int],
    ) -> None:
        self._connection = connection
        self._intern = intern
        self._arrivals = arrivals
        self._logs: dict[bytes, _Log] = {}
        self._rows: list[tuple[int, bytes, bytes, bytes | None]] = []  # entries not yet written
        self.grown = 0  # bytes that came, as the quotas count them; what went is not taken off

    def apply(self, changes: Sequence[Change]) -> list[Item]:
        """Writes everything; what is returned is `Writer.commit`'s."""
        for change in changes:
            log = self._log(change)
            for step in change.steps:
                if isinstance(step, Keep):
                    n, entries = log.n, step.entries
                    if change.before is not None and entries[0].seq < change.before.base.seq:
                        entries = self._without_purged(n, entries)
                    self._rows.extend(
                        [(place_of(n, e.seq), e.header, e.signature, e.record) for e in entries]
                    )
                    log.grown += weight(entries)
                else:
                    self._flush()
                    log.grown -= self._weighed(n=log.n, step=step)
                    if isinstance(step, Drop) and not change.cut:  # else a quota lets go of it
                        self._keep_evidence(log.n, self._aside(log.n, step.number))
                    self._move(log.n, step)
        self._flush()
        items = self._write_logs()
        for log in self._logs.values():
            before, after = log.before, log.after
            if before is None or before.openers is not after.openers or before.aside is not after.aside:
                self._write_parts(log)
            if log.grown > 0:
                self.grown += log.grown
        for change in changes:
            if change.proof is not None or (change.before is not None and change.before.fork is not None):
                self._write_proof(change)
        return items

    def _log(self, change: Change) -> _Log:
        author = change.after.author
        log = self._logs.get(author)
        if log is None:
            log = _Log(self._intern(author), change.before, change.after, False)
            self._logs[author] = log
        elif change.before is None or (change.before.tip, change.before.base) != (
            log.after.tip,
            log.after.base,
        ):
            raise LocalProtocolError("a change does not start from the state the one before it led to")
        log.replaced = log.replaced or _replaces(change)
        log.cut = log.cut or change.cut
        log.after = change.after
        return log

    def _without_purged(self, n: int, entries: tuple[AuthenticEntry, ...]) -> tuple[AuthenticEntry, ...]:
        """Entries that come back below a log, without the records this node let go of on purpose."""
        rows = self._connection.execute(
            "SELECT id FROM purged WHERE n = ? AND seq BETWEEN ? AND ?", (n, entries[0].seq, entries[-1].seq)
        )
        gone = {row[0] for row in rows}
        if not gone:
            return entries
        return tuple(
            msgspec.structs.replace(each, record=None) if each.id in gone else each for each in entries
        )

    def _flush(self) -> None:
        """Writes the entries gathered so far, in the order of their places."""
        rows = self._rows
        if not rows:
            return
        if len(rows) > 1:
            rows.sort(key=_place)
        whole = len(rows) - len(rows) % _ROWS
        if whole:
            statement = _INSERT_ENTRY + ", ".join(["(?, ?, ?, ?)"] * _ROWS)
            for start in range(0, whole, _ROWS):
                self._connection.execute(
                    statement, [value for row in rows[start : start + _ROWS] for value in row]
                )
        for row in rows[whole:]:
            self._connection.execute(_INSERT_ONE, row)
        self._rows = []

    def _weighed(self, n: int, step: Step) -> int:
        """What the entries count for that a step is about to delete."""
        match step:
            case Drop(number):
                row = self._connection.execute(f"{_WEIGHED} aside WHERE n = ? AND number = ?", (n, number))
            case Release(first):
                row = self._connection.execute(
                    f"{_WEIGHED} entry WHERE place >= ? AND place < ?", (place_of(n, 0), place_of(n, first))
                )
            case _:
                return 0
        return int(row.get)

    def _move(self, n: int, step: Step) -> None:
        execute = self._connection.execute
        match step:
            case SetAside(number, first):
                execute(
                    "INSERT INTO aside(n, number, seq, header, signature, record)"
                    " SELECT ?, ?, place & ?, header, signature, record FROM entry WHERE place BETWEEN ? AND ?",
                    (n, number, SEQ_MASK, place_of(n, first), place_of(n, SEQ_MASK)),
                )
                execute(
                    "DELETE FROM entry WHERE place BETWEEN ? AND ?",
                    (place_of(n, first), place_of(n, SEQ_MASK)),
                )
            case Rejoin(number, last):
                execute(
                    "INSERT INTO entry(place, header, signature, record) SELECT ? | seq, header, signature, record"
                    " FROM aside WHERE n = ? AND number = ? AND seq <= ?",
                    (place_of(n, 0), n, number, last),
                )
                execute("DELETE FROM aside WHERE n = ? AND number = ? AND seq <= ?", (n, number, last))
            case Drop(number):
                execute("DELETE FROM aside WHERE n = ? AND number = ?", (n, number))
            case Release(first):
                execute(
                    "DELETE FROM entry WHERE place >= ? AND place < ?", (place_of(n, 0), place_of(n, first))
                )
            case Keep():
                raise LocalProtocolError("kept entries are gathered, not moved")

    def _aside(self, n: int, number: int) -> list[evidence.Stored]:
        """What is held in one extent beside a log, the lowest entries first."""
        found: list[Any] = self._connection.execute(
            "SELECT seq, header, signature, record FROM aside WHERE n = ? AND number = ? ORDER BY seq",
            (n, number),
        ).fetchall()
        return found

    def _keep_evidence(self, n: int, rows: Iterable[evidence.Stored]) -> None:
        """What a followed log disowns stays as evidence of what its author owes [R-CRED-61]."""
        followed = self._connection.execute("SELECT EXISTS(SELECT 1 FROM follow WHERE n = ?)", (n,)).get
        if followed:
            evidence.keep(self._connection, n, rows)

    def _write_logs(self) -> list[Item]:
        moved: list[_Log] = []
        for log in self._logs.values():
            log.item = log.after.item()
            log.went_on = _went_on(log)
            if log.went_on or log.before is None or _moved(log.before.item(), log.item):
                moved.append(log)
        first = self._arrivals(len(moved)) if moved else 0
        given = {log.n: number for number, log in enumerate(moved, first)}
        inserts: list[tuple[Any, ...]] = []
        updates: list[tuple[str, tuple[Any, ...]]] = []
        for log in self._logs.values():
            before, after = log.before, log.after
            if before is not None and log.went_on:
                tip = after.tip
                grown = (tip.seq, tip.id, tip.time, tip.kind, tip.seq, given[log.n], log.grown)
                updates.append((_GROW_LOG, (*grown, log.n, before.tip.id, before.base.seq)))
                continue
            row = log_row(after)
            log.grown += _openers_grown(before, after)
            if before is None:
                log.grown += LOG_BYTES
                inserts.append((log.n, *row, given[log.n], log.grown, log.cut))
            else:
                figures = (given.get(log.n), log.grown, log.cut, log.replaced)
                updates.append((_UPDATE_LOG, (*row, *figures, log.n, before.tip.id, before.base.seq)))
        if inserts:
            self._connection.executemany(_INSERT_LOG, inserts)
        for statement, update in updates:
            # Counted one by one: a total would count what triggers of the projections change besides.
            self._connection.execute(statement, update)
            if self._connection.changes() != 1:
                raise LocalProtocolError("a change does not start from the state that is stored")
        return [log.item for log in moved if log.item is not None]

    def _write_parts(self, log: _Log) -> None:
        """Openers, extents and proof, where they are not what they were."""
        n, before, after = log.n, log.before, log.after
        if before is None or before.openers is not after.openers:
            known = before.openers.entries() if before is not None else ()
            entries = after.openers.entries()
            if known != entries:
                if known:
                    self._connection.execute("DELETE FROM opener WHERE n = ?", (n,))
                self._connection.executemany(
                    "INSERT INTO opener(n, epoch, term, seq, id, header, signature, record, rank)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (n, e.epoch, e.term, e.seq, e.id, e.header, e.signature, e.record, rank)
                        for rank, e in enumerate(entries)
                    ],
                )
        if after.aside != (before.aside if before is not None else ()):
            self._connection.execute("DELETE FROM extent WHERE n = ?", (n,))
            self._connection.executemany(
                "INSERT INTO extent(n, number, first, prev, epoch, term, time, opener, last, rank)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        n, each.number, each.base.seq, each.base.prev, each.base.epoch, each.base.term, each.base.time,
                        each.base.opener, each.last, rank,
                    )
                    for rank, each in enumerate(after.aside)
                ],
            )  # fmt: skip

    def _write_proof(self, change: Change) -> None:
        """Keeps the proof of the fork that the log ends up with, while it has one [R-LOG-15]."""
        log = self._logs[change.after.author]
        if log.before is not None and log.before.fork is not None and log.before.fork != log.after.fork:
            former: list[Any] = self._connection.execute(
                "SELECT left, right FROM proof WHERE n = ? AND seq IS NOT ?", (log.n, log.after.fork)
            ).fetchall()
            for side in (side for sides in former for side in sides):
                # Of what the fork's end leaves, this may be all that is here [R-CRED-61].
                entries = rebuild(msgspec.msgpack.decode(side, type=Run))
                self._keep_evidence(log.n, [(e.seq, e.header, e.signature, e.record) for e in entries])
            self._connection.execute(
                "DELETE FROM proof WHERE n = ? AND seq IS NOT ?", (log.n, log.after.fork)
            )
        if change.proof is None or change.proof[0].first != log.after.fork:
            return
        left, right = (msgspec.msgpack.encode(side) for side in change.proof)
        self._connection.execute(
            "INSERT OR IGNORE INTO proof(n, seq, left, right) VALUES (?, ?, ?, ?)",
            (log.n, log.after.fork, left, right),
        )


def _place(row: tuple[int, bytes, bytes, bytes | None]) -> int:
    return row[0]


def _openers_grown(before: LogState | None, after: LogState) -> int:
    """By how much the rows of the openers, which are kept beside the main run, count for more."""
    if before is None:
        return weight(after.openers.entries())
    if before.openers is after.openers:
        return 0
    return weight(after.openers.entries()) - weight(before.openers.entries())


def _went_on(log: _Log) -> bool:
    """Whether a log that is open only grew at its tip."""
    before, after = log.before, log.after
    return (
        before is not None
        and not (log.replaced or log.cut)
        and before.openers is after.openers
        and before.base is after.base
        and before.aside is after.aside
        and before.extents == after.extents
        and before.fork is None
        and after.open
        and before.tip.seq < after.tip.seq
    )


def _moved(before: Item, after: Item) -> bool:
    """Whether peers have to hear of it: another item, or a lower `from` [R-LOG-17]; a higher one is our own affair."""
    return not before.equals(after) or after.held_from < before.held_from


def _replaces(change: Change) -> bool:
    """Whether held entries of the main run may have been replaced or cut, or lost or regained their effect."""
    before, after = change.before, change.after
    if before is None:
        return False
    for step in change.steps:
        if not isinstance(step, Keep) and not (change.cut and isinstance(step, Release)):
            return True
    if before.openers is after.openers and before.fork == after.fork:
        return False
    return (
        before.fork != after.fork
        or after.common < before.common
        or before.item().standing is not after.item().standing
    )
