"""Checks what is on disk from nothing: every hash, link and signature, as if each log had just come from a stranger.

Nothing is believed that the store says of itself: entries are parsed strictly from their stored bytes, openers are
admitted again from the inception on, and what the row of the log claims is compared with what was found. A log is
read entry by entry on one snapshot, so memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.services.ports import Identified, Reads
from netnode.store import Reader
from netnode.store.rows import SEQ_MASK, place_of, stored_entry
from protocol.entry import INCEPTION, NO_PREV, ROTATION, SETTLEMENT, Entry, parse_entry, signature_valid
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.forks import check_fork
from protocol.identity import id_text
from protocol.openers import Openers, start
from protocol.run import follows, rebuild

PROBLEMS_SHOWN: Final = 1_000  # why: the answer is one document; who has this many needs no more
PROBLEMS_PER_LOG: Final = 20
_PAGE: Final = 200  # logs whose names are in memory at once

Row = tuple[int, bytes, bytes, bytes | None]  # seq, header, signature, record


@dataclass(slots=True)
class _Report:
    """What was found in one log."""

    author: bytes
    entries: int = 0
    problems: list[models.LogProblem] = field(default_factory=list)

    def add(self, seq: int, code: str, text: str) -> None:
        if len(self.problems) < PROBLEMS_PER_LOG:
            self.problems.append(models.LogProblem(id_text(self.author), seq, code, text))


class LogVerification:
    """Verifies stored logs.

    Args:
        network: the network's name.
        store: where they are.
        own: whose log comes first.
    """

    def __init__(self, network: str, store: Reads, own: Identified) -> None:
        self._network = network
        self._store = store
        self._own = own

    async def run(self, author: bytes | None) -> models.Verified:
        """Verifies one log, or all.

        Raises:
            Problem: no log of that author here (3), or the disk fails.
        """
        logs = entries = 0
        problems: list[models.LogProblem] = []
        if author is not None:
            report = await self._store.read(self._checked, author)
            if report is None:
                raise Problem(
                    f"There is no log of {id_text(author)} here, so there is nothing to verify.",
                    ExitCode.NOT_FOUND,
                    "no_log",
                )
            return models.Verified(
                ok=not report.problems, logs=1, entries=report.entries, problems=report.problems
            )
        for text in (await self._store.read(Reader.check))[:PROBLEMS_PER_LOG]:
            problems.append(models.LogProblem(id_text(self._own.id), 0, "store", f"the database: {text}"))
        if await self._store.read(Reader.item, self._own.id) is None:
            text = "your own log is not in the store: put back a backup of the home"
            problems.append(models.LogProblem(id_text(self._own.id), 0, "own_log", text))
        after: bytes | None = None
        while True:
            page = await self._store.read(_authors, after)
            for each in page:
                report = await self._store.read(self._checked, each)
                if report is not None:
                    logs += 1
                    entries += report.entries
                    problems += report.problems[: PROBLEMS_SHOWN - len(problems)]
            if len(page) < _PAGE:
                break
            after = page[-1]
        # The own log's problems first: they are what its owner has to do something about.
        own = id_text(self._own.id)
        problems.sort(key=lambda problem: problem.author != own)
        return models.Verified(ok=not problems, logs=logs, entries=entries, problems=problems)

    # -- in the reader lane ----------------------------------------------------------------------------------
    def _checked(self, reader: Reader, author: bytes) -> _Report | None:
        report = _Report(author)
        try:
            return report if self._examined(reader, author, report) else None
        except (TypeError, ValueError) as error:  # damage can leave values of a kind that was never written
            report.add(0, "store", f"what is stored of this log is damaged: {error}")
            return report

    def _examined(self, reader: Reader, author: bytes, report: _Report) -> bool:
        """Whether there is such a log; what is wrong with it goes into the report."""
        log: Any = reader.connection.execute(
            "SELECT n, base, base_prev, seq, head, fork FROM log JOIN networker USING (n) WHERE id = ?",
            (author,),
        ).fetchone()
        if log is None:
            return False
        n, base, base_prev, tip, head, fork = log
        openers = self._openers(reader, n, report)
        if openers is None:
            return True
        walk = _Walk(self._network, openers, report, base, base_prev)
        for row in _main(reader, n):
            walk.step(*row)
            report.entries += 1
        last = walk.end()
        if last is None or (last.seq, last.id) != (tip, head):
            report.add(tip, "link", "the head that the log is known by is not its newest entry on disk")
        extents: list[Any] = reader.connection.execute(
            "SELECT number, first, prev, last FROM extent WHERE n = ? ORDER BY number", (n,)
        ).fetchall()
        for number, first, prev, end in extents:
            aside = _Walk(self._network, openers, report, first, prev)
            for row in _aside(reader, n, number):
                aside.step(*row)
            last = aside.end()
            if last is None or last.seq != end:
                report.add(end, "link", f"of the entries {first} to {end}, set aside, some are missing")
        if fork is not None:
            self._proof(reader, openers, report, fork)
        return True

    def _openers(self, reader: Reader, n: int, report: _Report) -> Openers | None:
        rows: list[Any] = reader.connection.execute(
            "SELECT seq, header, signature, record FROM opener WHERE n = ? ORDER BY rank", (n,)
        ).fetchall()
        openers: Openers | None = None
        for seq, header, signature, record in rows:
            try:
                entry = parse_entry(header, signature, record)
                openers = start(self._network, entry) if openers is None else openers.admit(entry)
            except ProtocolError as error:
                report.add(seq, error.code, f"opener at seq {seq}: {error.text}")
                return None
        if openers is None or openers.author != report.author:
            report.add(0, "opener", "the inception of this networker is not on disk")
            return None
        return openers

    def _proof(self, reader: Reader, openers: Openers, report: _Report, fork: int) -> None:
        try:
            proof = reader.proof(report.author)
            if proof is None:
                raise RemoteProtocolError("bad_proof", "the proof of the fork is not on disk")
            check_fork(openers, rebuild(proof[0]), rebuild(proof[1]))
        except (ProtocolError, msgspec.MsgspecError) as error:
            code = error.code if isinstance(error, ProtocolError) else "bad_proof"
            report.add(fork, code, f"the fork at seq {fork}: {error}")


class _Walk:
    """Walks up consecutive entries; says what does not hold.

    An entry is proved by its own signature or by the next anchor, opener or signed last entry above it [R-LOG-7, 8].
    """

    __slots__ = ("_before", "_expected", "_network", "_openers", "_prev", "_report", "_unproved")

    def __init__(self, network: str, openers: Openers, report: _Report, first: int, prev: bytes) -> None:
        self._network = network
        self._openers = openers
        self._report = report
        self._expected = first
        self._prev: bytes | None = prev
        self._before: Entry | None = None
        self._unproved: int | None = None  # the lowest seq that nothing has proved yet

    def step(self, seq: int, header: bytes, signature: bytes, record: bytes | None) -> None:
        """Takes the next row."""
        add = self._report.add
        if seq != self._expected:
            add(self._expected, "gap", f"entries {self._expected} to {seq - 1} are not on disk")
            self._prev = self._before = None
        self._expected = seq + 1
        entry = self._parsed(seq, header, signature, record)
        if entry is None:
            self._prev = self._before = None
            return
        if entry.author != self._report.author or entry.seq != seq:
            add(seq, "link", f"the entry stored at seq {seq} belongs to another place")
        before = self._before
        if self._prev is not None and entry.prev != self._prev:
            add(seq, "link", f"entry {seq} does not name the entry before it")
        elif before is not None:
            code = follows(
                entry,
                seq=before.seq,
                entry_id=before.id,
                place=before.place,
                time=before.time,
                kind=before.kind,
            )
            if code is not None:
                add(seq, code, f"entry {seq} may not follow entry {before.seq}")
        if entry.is_opener:
            self._opener(entry)
        elif entry.is_anchor:
            if self._signed(entry):
                self._unproved = None
            else:
                add(seq, "signature", f"anchor {seq} fails its own signature")
                self._unproved = None  # said already
        elif self._unproved is None:
            self._unproved = seq
        self._prev, self._before = entry.id, entry

    def end(self) -> Entry | None:
        """Ends the walk; returns the last entry."""
        last = self._before
        if self._unproved is not None and (last is None or not self._signed(last)):
            self._report.add(
                self._unproved,
                "signature",
                f"no valid signature proves the entries from {self._unproved} on",
            )
        return last

    def _parsed(self, seq: int, header: bytes, signature: bytes, record: bytes | None) -> Entry | None:
        try:
            return parse_entry(header, signature, record)
        except RemoteProtocolError as error:
            self._report.add(seq, error.code, error.text)
            if error.code not in ("record_hash", "record_missing"):
                return None
        return stored_entry(header, signature, None)  # header and links can be judged without the record

    def _opener(self, entry: Entry) -> None:
        """An opener must be one that was verified, or a settlement of a closed term, whose signature says so."""
        if self._openers.knows(entry):
            good = entry.kind != INCEPTION or entry.prev == NO_PREV
        else:
            good = entry.kind == SETTLEMENT and self._signed(entry)
        if not good:
            code = "promise" if entry.kind == ROTATION else "signature"
            self._report.add(entry.seq, code, f"the opener at seq {entry.seq} is none of this networker's")
        self._unproved = None

    def _signed(self, entry: Entry) -> bool:
        return any(signature_valid(self._network, key, entry) for key in self._openers.keys(entry.epoch))


def _authors(reader: Reader, after: bytes | None) -> list[bytes]:
    return [row.author for row in reader.logs(after, _PAGE)]


def _main(reader: Reader, n: int) -> Iterator[Row]:
    rows: Any = reader.connection.execute(
        "SELECT place, header, signature, record FROM entry WHERE place BETWEEN ? AND ? ORDER BY place",
        (place_of(n, 0), place_of(n, SEQ_MASK)),
    )
    for place, header, signature, record in rows:
        yield place & SEQ_MASK, header, signature, record


def _aside(reader: Reader, n: int, number: int) -> Iterator[Row]:
    rows: Any = reader.connection.execute(
        "SELECT seq, header, signature, record FROM aside WHERE n = ? AND number = ? ORDER BY seq",
        (n, number),
    )
    yield from rows
