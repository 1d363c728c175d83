"""Files of runs: logs that travel without a session, both ways (sneakernet) [R-FILE-1..4]."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from netnode.chains import Outcome
from netnode.ingest import Gate
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.services.ports import OwnLog, Projector
from netnode.store import Reader, Store
from netnode.sync.harvest import Ends
from protocol import logfile
from protocol.entry import OPENERS, Entry
from protocol.errors import RemoteProtocolError
from protocol.identity import id_text
from protocol.log_state import LogState
from protocol.run import RUN_BYTES, Run, run_of, runs_of

REFUSED_SHOWN: Final = 1_000  # why: the answer is one document
_BATCH_ENTRIES: Final = 2_000  # entries in memory on their way to the gate: about 4 MB
_BATCH_BYTES: Final = 4 * 1024 * 1024
_PAGE: Final = 200  # logs whose ids are in memory at once


class LogFiles:
    """Writes and reads files of runs.

    Args:
        network: the network's name; a file of another one is refused.
        store: where logs are read.
        gate: what is read from a file passes it like everything else.
        own: whose log is written first.
        projector: brings what was read into the catalogue.
    """

    def __init__(self, network: str, store: Store, gate: Gate, own: OwnLog, projector: Projector) -> None:
        self._network = network
        self._store = store
        self._gate = gate
        self._own = own
        self._projector = projector

    # -- writing ---------------------------------------------------------------------------------------------
    async def export(self, author: bytes | None) -> AsyncIterator[bytes]:
        """The file of one log, or of all with the own one first, piece by piece.

        Raises:
            Problem: no log of that author here (3), before the first piece; the disk.
        """
        first = self._own.id if author is None else author
        if author is not None and await self._store.load(author) is None:
            raise Problem(
                f"There is no log of {id_text(author)} here to export.", ExitCode.NOT_FOUND, "no_log"
            )
        yield logfile.encode_start(self._network)
        async for piece in self._log(first):
            yield piece
        after: bytes | None = None
        while author is None:
            page = [row.author for row in await self._store.read(Reader.logs, after, _PAGE)]
            for each in page:
                if each != first:
                    async for piece in self._log(each):
                        yield piece
            if len(page) < _PAGE:
                return
            after = page[-1]

    async def _log(self, author: bytes) -> AsyncIterator[bytes]:
        state = await self._store.load(author)
        if state is None:
            return
        for entry in state.openers.entries():
            yield logfile.encode_run(run_of([entry]))
        seq = state.base.seq
        while seq <= state.tip.seq:
            entries = await self._store.read(self._part, state, seq)
            if not entries:  # replaced while it was being written: what came before stands by itself
                return
            yield b"".join(map(logfile.encode_run, runs_of(entries)))
            seq = entries[-1].seq + 1

    def _part(self, reader: Reader, state: LogState, seq: int) -> list[Entry]:
        """The next entries that fit a block, ending where a signature proves them [R-SYNC-10]."""
        # Stored bytes count more than those of a run, so what fits here fits a block.
        entries = reader.entries(state.author, seq, state.tip.seq, RUN_BYTES)
        end = Ends(self._network, reader, state.author, state.tip.seq).near(entries, state.tip.seq)
        return entries[
            : end or len(entries)
        ]  # blocks of a file join: nothing is left out for want of a signature

    # -- reading ---------------------------------------------------------------------------------------------
    async def take(self, chunks: AsyncIterable[bytes]) -> models.LogImported:
        """Reads a file; what its authors did not write is refused and the rest goes on.

        Raises:
            Problem: the bytes are no such file, of another network, or cut off; what came before is kept.
        """
        reader = logfile.Reader(self._network)
        intake = _Intake(self._gate)
        try:
            async for chunk in chunks:
                for run in reader.feed(chunk):
                    await intake.add(run)
            await intake.finish()
            reader.close()
        except RemoteProtocolError as error:
            await intake.finish()
            await self._projector.level()
            before = f" {intake.added} new entries before that place were taken in." if intake.added else ""
            raise Problem(
                f"It cannot be read as a file of logs: {error.text}.{before} "
                "Write it anew where it comes from, with: netnode log export FILE",
                code="log_file",
            ) from error
        await self._projector.level()
        return models.LogImported(
            added=intake.added, held=intake.held, logs=intake.logs, refused=intake.refused
        )


@dataclass(slots=True)
class _Part:
    """What of one author is on its way to the gate; `first` to `last` count, repeated openers do not."""

    runs: list[Run] = field(default_factory=list)
    first: int | None = None
    last: int = 0

    def put(self, run: Run, *, counts: bool) -> None:
        self.runs.append(run)
        if counts:
            self.first = run.first if self.first is None else self.first
            self.last = run.first + len(run.entries) - 1


class _Intake:
    """Puts the runs of a file into the order the gate can take, in batches that may span authors.

    A file names an author's openers before its runs, where they stand again. The gate takes a log from its beginning
    upwards, so an opener that comes again in a run waits for its turn there; only those that do not (a log held from
    a later seq on, a second opener of a contested epoch) go in by themselves.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._author = b""
        self._leading = True
        self._openers: list[Run] = []
        self._refusing = False
        self._parts: dict[bytes, _Part] = {}
        self._entries = self._bytes = 0
        self.added = 0
        self.held = 0
        self.logs = 0
        self.refused: list[models.LogProblem] = []

    async def add(self, run: Run) -> None:
        """Takes the next run of the file."""
        if run.author != self._author:
            self._flush_openers(None)
            self._author, self._leading, self._openers, self._refusing = run.author, True, [], False
            self.logs += 1
        if self._leading and _is_opener(run) and len(run.entries) == 1 and not self._known(run):
            self._openers.append(run)
            return
        self._leading = False
        if self._refusing:
            return
        self._flush_openers(run)
        self._put(run, counts=True)
        if self._entries >= _BATCH_ENTRIES or self._bytes >= _BATCH_BYTES:
            await self._admit()

    async def finish(self) -> None:
        """Takes in what waits."""
        self._flush_openers(None)
        self._openers = []
        await self._admit()

    def _known(self, run: Run) -> bool:
        return any(_signature(each) == _signature(run) for each in self._openers)

    def _flush_openers(self, run: Run | None) -> None:
        """Sends the openers that must be known before `run`, or, at the end of the author, all that are left."""
        if run is not None and _is_opener(run):
            self._openers = [each for each in self._openers if _signature(each) != _signature(run)]
        waiting: list[Run] = []
        for each in self._openers:
            if run is None or self._precedes(each, run):
                self._put(each, counts=run is None and each.first == 0)
            else:
                waiting.append(each)
        self._openers = waiting

    @staticmethod
    def _precedes(opener: Run, run: Run) -> bool:
        place, other = (opener.epoch, opener.term), (run.epoch, run.term)
        return place < other or (place == other and not _is_opener(run))

    def _put(self, run: Run, *, counts: bool) -> None:
        self._parts.setdefault(run.author, _Part()).put(run, counts=counts)
        self._entries += len(run.entries)
        self._bytes += sum(len(entry[3]) if isinstance(entry[3], bytes) else 64 for entry in run.entries)

    async def _admit(self) -> None:
        parts, self._parts = self._parts, {}
        self._entries = self._bytes = 0
        if not parts:
            return
        try:
            await self._judge(parts)
        except RemoteProtocolError:
            # A run that cannot be rebuilt spoils the whole call: find whose it is.
            for author, part in parts.items():
                try:
                    await self._judge({author: part})
                except RemoteProtocolError as error:
                    self._refuse(author, part.runs[0].first, error.code, error.text)

    async def _judge(self, parts: dict[bytes, _Part]) -> None:
        outcomes = await self._gate.admit_runs(
            [run for part in parts.values() for run in part.runs], self, jump=True
        )
        for outcome in outcomes:
            await self._count(outcome, parts[outcome.author])

    async def _count(self, outcome: Outcome, part: _Part) -> None:
        self.added += outcome.kept
        asked = 0 if part.first is None else part.last - part.first + 1
        if outcome.fault is None:
            self.held += max(0, asked - outcome.kept)
            return
        state = await self._gate.state(outcome.author)
        first = part.runs[0].first if part.first is None else part.first
        seq = first
        if state is not None and state.base.seq <= first <= state.tip.seq:
            seq = min(state.tip.seq, part.last) + 1
            self.held += max(0, seq - first - outcome.kept)
        self._refuse(outcome.author, seq, outcome.fault.code, outcome.fault.text)

    def _refuse(self, author: bytes, seq: int, code: str, text: str) -> None:
        if author == self._author:
            self._refusing = True  # whatever follows of this log rests on what was refused
        if len(self.refused) < REFUSED_SHOWN:
            self.refused.append(models.LogProblem(id_text(author), seq, code, text))


def _is_opener(run: Run) -> bool:
    return run.entries[0][1] in OPENERS if run.entries else False


def _signature(run: Run) -> bytes:
    return run.entries[0][2]
