"""The store as the node holds it: the writer in its lane, readers in theirs."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import apsw

from netnode.ports import Disk, Entropy, Executor, Lane
from netnode.problems import Problem, disk_problem
from netnode.store import schema
from netnode.store.faults import DAMAGED, FAILING, told
from netnode.store.reader import Reader
from netnode.store.schema import CHECKPOINT_PAGES
from netnode.store.writer import Writer
from protocol.log_state import LogState

P = ParamSpec("P")
T = TypeVar("T")

_WRITE_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
_READ_FLAGS: Final = apsw.SQLITE_OPEN_READONLY
_log = logging.getLogger("netnode.store")


class Store:
    """One writer and as many readers as threads read at once; build it with `Store.open`."""

    __slots__ = ("_disk", "_executor", "_readers", "_writer", "damaged", "failing", "path")

    def __init__(self, path: Path, disk: Disk, executor: Executor, writer: Writer) -> None:
        self.path = path
        self.damaged: str | None = None  # the sentence of the first damage met; nothing is written any more
        self.failing: str | None = None  # the sentence of a failure since the last write that worked
        self._disk = disk
        self._executor = executor
        self._writer: Writer | None = writer
        self._readers: deque[Reader] = deque()  # those no thread is using; its pop and append are atomic

    @classmethod
    async def open(
        cls,
        path: Path,
        network: str,
        disk: Disk,
        executor: Executor,
        entropy: Entropy,
        tables: Iterable[schema.Tables] = (),
        saving: schema.Saving | None = None,
    ) -> Store:
        """Opens the store, made new where there is none.

        Args:
            path: the database file.
            network: the network's name.
            disk: opens the file.
            executor: runs all of the store's work.
            entropy: for the store id and what tags are made with.
            tables: those of the projections.
            saving: keeps a copy before a store of an older version is migrated.

        Raises:
            Problem: it cannot be opened, is no store, of a newer program or of another network; or of `saving`.
        """

        def opened() -> Writer:
            with told(str(path), "open"), ExitStack() as undo:
                try:
                    connection = disk.open_database(path, _WRITE_FLAGS)
                except OSError as error:
                    raise disk_problem(error, "open", path) from error
                undo.callback(connection.close)
                schema.prepare(connection, network, entropy, tables, saving)
                undo.pop_all()
            return Writer(connection)

        return cls(path, disk, executor, await executor.run(Lane.WRITER, opened))

    async def read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs ``function(reader, ...)`` in the reader lane, on one snapshot: ``await store.read(Reader.load, id)``.

        Raises:
            Problem: the disk or the file fails.
        """
        return await self._executor.run(Lane.READER, lambda: self.reading(function, *args, **kwargs))

    def reading(self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same at once, for work that runs in a lane already."""
        try:
            reader = self._readers.pop()
        except IndexError:
            reader = self._open_reader()
        try:
            with reader.snapshot():
                return function(reader, *args, **kwargs)
        except Problem as problem:
            raise self._noted(problem) from problem.__cause__
        finally:
            if self._writer is None:
                reader.connection.close()
            else:
                self._readers.append(reader)

    async def write(
        self, function: Callable[Concatenate[Writer, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs ``function(writer, ...)`` in the writer lane: ``await store.write(Writer.follow, id, now)``.

        Raises:
            Problem: the disk is full, read-only or fails, or damage was met before.
        """
        writer = self._usable()

        def work() -> tuple[T, bool]:
            before = writer.commits
            done = function(writer, *args, **kwargs)
            wrote = writer.commits != before
            writer.checkpoint()
            return done, wrote

        try:
            done, wrote = await self._executor.run(Lane.WRITER, work)
        except Problem as problem:
            raise self._noted(problem) from problem.__cause__
        if wrote:
            self.failing = None
        return done

    def at_hand(self) -> bool:
        """Whether some microseconds of writing may be done at once, on the event loop: a hop to the lane costs more."""
        writer = self._writer
        return writer is not None and writer.logged < CHECKPOINT_PAGES and self._executor.idle(Lane.WRITER)

    def writing(self, function: Callable[Concatenate[Writer, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same as `write` at once, while `at_hand`; never for what has to be durable.

        Raises:
            Problem: as `write`.
        """
        writer = self._usable()
        before = writer.commits
        try:
            done = function(writer, *args, **kwargs)
        except Problem as problem:
            raise self._noted(problem) from problem.__cause__
        if writer.commits != before:
            self.failing = None
        return done

    def _usable(self) -> Writer:
        if self._writer is None:
            raise RuntimeError("the store is closed")
        if self.damaged is not None:  # a write could make it worse
            raise Problem(self.damaged, code=DAMAGED, details={"path": str(self.path)})
        return self._writer

    def _noted(self, problem: Problem) -> Problem:
        if problem.code == FAILING:
            self.failing = problem.text
        if problem.code == DAMAGED and self.damaged is None:
            self.damaged = problem.text
        return problem

    @property
    def grown(self) -> int:
        """Bytes that logs grew by since the store was opened, as the quotas count them; may lag a moment."""
        return 0 if self._writer is None else self._writer.grown

    async def load(self, author: bytes) -> LogState | None:
        """The state of a log; None when nothing of it is held."""
        return await self.read(Reader.load, author)

    async def close(self) -> None:
        """Closes every connection, the writer's last: it takes the write-ahead log into the database.

        Where the disk fails at that, the log stays beside the database, and the next start goes on from both.
        """
        writer, self._writer = self._writer, None
        if writer is None:
            return

        def closed() -> None:
            while self._readers:
                self._readers.pop().connection.close()
            try:
                writer.connection.close()
            except apsw.Error as error:
                _log.error("the write-ahead log of %s stays for the next start: %s", self.path, error)
                writer.connection.close(True)

        await self._executor.run(Lane.WRITER, closed)

    def _open_reader(self) -> Reader:
        if self._writer is None:
            raise RuntimeError("the store is closed")
        with told(str(self.path), "open"):
            connection = self._disk.open_database(self.path, _READ_FLAGS)
            schema.set_up_reader(connection)
            return Reader(connection)
