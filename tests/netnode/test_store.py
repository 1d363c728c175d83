"""The store in its lanes, the schema and its version, and group commit."""

from __future__ import annotations

import asyncio
import gc
import stat
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from netnode.ports import Lane
from netnode.problems import Problem
from netnode.store import Change, GroupCommit, Reader, Store, Writer, schema
from netnode.system import SystemDisk, SystemEntropy, ThreadExecutor
from protocol.errors import LocalProtocolError
from protocol.items import Item
from tests.netnode.stored import FLAGS, open_writer
from tests.netnode.test_store_writer import admitted
from tests.protocol.author import NETWORK, Author


class Inline:
    """Runs everything at once in one thread, as the simulator does."""

    def idle(self, lane: object) -> bool:
        return False

    async def run(self, lane: Lane, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    async def close(self) -> None:
        return None


class Stepped(Inline):
    """Work of the writer lane waits for `go` once it is `held`; `calls` counts it."""

    def __init__(self) -> None:
        self.go = asyncio.Semaphore(0)
        self.held = False
        self.calls = 0

    def idle(self, lane: object) -> bool:
        return False

    async def run(self, lane: Lane, function: Callable[..., Any], *args: Any) -> Any:
        if lane is Lane.WRITER and self.held:
            await self.go.acquire()
            self.calls += 1
        return function(*args)


@asynccontextmanager
async def opened(path: Path, executor: Any, tables: tuple[schema.Tables, ...] = ()) -> AsyncIterator[Store]:
    store = await Store.open(path, NETWORK, SystemDisk(), executor, SystemEntropy(), tables)
    try:
        yield store
    finally:
        await store.close()
        await executor.close()


@asynccontextmanager
async def stepping(executor: Stepped) -> AsyncIterator[None]:
    """Holds the writer lane; an end, even by a failed assertion, lets it go."""
    executor.held = True
    try:
        yield
    finally:
        executor.held = False
        for _ in range(10):
            executor.go.release()


async def settle() -> None:
    """Lets every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("executor", [Inline, ThreadExecutor])
async def test_the_store_in_its_lanes(executor: type[Any], tmp_path: Path) -> None:
    author = Author("a")
    author.write(30)
    change, _ = admitted(author.entries)
    path = tmp_path / "store.sqlite3"
    async with opened(path, executor()) as store:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [each.seq for each in await store.write(Writer.commit, [change], durable=True)] == [
            change.after.tip.seq
        ]
        assert (await store.read(Reader.newest)).arrival == 1
        assert await store.load(author.id) == change.after
        found = await asyncio.gather(*(store.read(Reader.entry, author.id, seq) for seq in range(31)))
        assert found == author.entries
        assert await store.read(lambda reader: reader.counts()) == (31, 1)
        with pytest.raises(ZeroDivisionError):
            await store.read(lambda reader: 1 // 0)
        assert await store.read(Reader.counts) == (31, 1)
    assert not SystemDisk().exists(tmp_path / "store.sqlite3-wal")  # the log was taken in
    await store.close()
    with pytest.raises(RuntimeError, match="closed"):
        store.reading(Reader.counts)
    with pytest.raises(RuntimeError, match="closed"):
        await store.write(Writer.get_meta, "x")


async def test_what_is_read_at_once_is_of_one_moment(tmp_path: Path) -> None:
    author = Author("a")
    change, _ = admitted(author.entries)
    async with opened(tmp_path / "s", Inline()) as store:
        writer = open_writer(tmp_path / "s")

        def twice(reader: Reader) -> tuple[Any, Any]:
            first = reader.counts()
            writer.commit([change])
            return first, reader.counts()

        assert await store.read(twice) == ((0, 0), (0, 0))
        assert await store.read(Reader.counts) == (1, 1)
        writer.connection.close()


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    async with opened(tmp_path / "s", Inline()) as store:
        with pytest.raises(Problem, match="read-only"):
            await store.read(lambda reader: reader.connection.execute("DELETE FROM opening"))
        assert (await store.read(Reader.newest)).arrival == 0


async def test_only_the_writer_checkpoints_and_foreign_schemas_are_not_trusted(tmp_path: Path) -> None:
    async with opened(tmp_path / "s", Inline()) as store:

        def pragmas(holder: Reader | Writer) -> dict[str, Any]:
            names = ("journal_mode", "foreign_keys", "trusted_schema", "wal_autocheckpoint", "mmap_size")
            return {name: holder.connection.execute(f"PRAGMA {name}").get for name in names}

        common = {"journal_mode": "wal", "foreign_keys": 1, "trusted_schema": 0, "mmap_size": 0}
        assert await store.read(pragmas) == common | {"wal_autocheckpoint": 0}
        assert await store.write(pragmas) == common | {"wal_autocheckpoint": 0}  # it counts pages itself


async def test_a_long_write_ahead_log_is_taken_in_by_the_lane(tmp_path: Path) -> None:
    """Never on the event loop: that takes some tenths of a second."""

    def insert(writer: Writer) -> None:
        with writer.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO meta(name, value) VALUES ('test', ?)", (str(writer.logged),)
            )

    def pages(writer: Writer) -> int:
        return writer.logged

    def log_size() -> int:
        return Path(f"{store.path}-wal").stat().st_size

    executor = ThreadExecutor()
    async with opened(tmp_path / "s", executor) as store:
        await store.write(insert)
        logged = await store.write(pages)
        assert logged > 0 and store.at_hand()
        store.writing(insert)
        assert await store.write(pages) > logged

        def long(writer: Writer) -> None:
            writer.logged = schema.CHECKPOINT_PAGES

        assert store._writer is not None
        long(store._writer)
        assert not store.at_hand()
        await store.write(pages)
        assert await store.write(pages) == 0 and store.at_hand()
        before = log_size()
        await store.write(insert)
        assert log_size() == before  # begun from its start


async def test_a_lane_at_work_is_not_at_hand(tmp_path: Path) -> None:
    executor = ThreadExecutor()
    async with opened(tmp_path / "s", executor) as store:
        holding, let = threading.Event(), threading.Event()

        def hold(_: Writer) -> None:
            holding.set()
            let.wait(10)

        waiting = asyncio.create_task(store.write(hold))
        await asyncio.to_thread(holding.wait)
        assert not store.at_hand()
        let.set()
        await waiting
        assert store.at_hand()


# -- schema ------------------------------------------------------------------------------------------------
async def test_a_store_keeps_its_id_and_makes_tables_of_projections(tmp_path: Path) -> None:
    def create(connection: apsw.Connection) -> None:
        connection.execute("CREATE TABLE IF NOT EXISTS listing(l INTEGER PRIMARY KEY)")

    ids = []
    for tables in ((), (create,), (create,)):
        async with opened(tmp_path / "s", Inline(), tables) as store:
            ids.append(await store.read(lambda reader: reader.store_id))
            found = await store.read(
                lambda reader: (
                    reader.connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'listing'").get
                )
            )
            assert found == len(tables)
    assert len(set(ids)) == 1 and len(ids[0]) == 16


async def test_tables_that_cannot_be_made_leave_no_half_store(tmp_path: Path) -> None:
    def create(connection: apsw.Connection) -> None:
        connection.execute("CREATE TABLE half(a)")
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        async with opened(tmp_path / "s", Inline(), (create,)):
            pass
    async with opened(tmp_path / "s", Inline()) as store:
        assert (await store.read(Reader.newest)).arrival == 0


async def refused(path: Path) -> str:
    with pytest.raises(Problem) as caught:
        await Store.open(path, NETWORK, SystemDisk(), Inline(), SystemEntropy())
    return caught.value.text


async def test_what_is_no_store_of_this_program_is_told(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_bytes(b"not a database at all" * 100)
    assert "it is damaged: it is no database" in await refused(path)
    path.unlink()
    connection = SystemDisk().open_database(path, FLAGS)
    connection.execute("CREATE TABLE recipes(a)")
    connection.close()
    assert "not a store of netnode" in await refused(path)
    assert "it is a folder" in await refused(tmp_path)


async def test_a_store_of_a_newer_program_or_another_network_is_told(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    writer = open_writer(path)
    writer.set_meta("version", str(schema.VERSION + 1).encode())
    writer.connection.close()
    assert "newer netnode" in await refused(path)
    connection = SystemDisk().open_database(path, FLAGS)
    connection.execute("UPDATE meta SET value = ? WHERE name = 'version'", (str(schema.VERSION).encode(),))
    connection.execute("UPDATE meta SET value = ? WHERE name = 'network'", (b"other",))
    connection.close()
    assert "belongs to the network 'other', not to 'test'" in await refused(path)


async def test_an_older_store_is_brought_up_step_by_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = open_writer(tmp_path / "s")
    writer.set_meta("version", b"1")
    writer.connection.close()
    monkeypatch.setattr(schema, "VERSION", 3)
    monkeypatch.setattr(
        schema,
        "MIGRATIONS",
        {
            1: ("CREATE TABLE two(a)",),
            2: ("ALTER TABLE two RENAME TO three",),
        },
    )
    async with opened(tmp_path / "s", Inline()) as store:
        assert await store.read(Reader.meta, "version") == b"3"
        assert (
            await store.read(lambda reader: reader.connection.execute("SELECT count(*) FROM three").get) == 0
        )


# -- group commit ------------------------------------------------------------------------------------------
def parts(author: Author, *cuts: int) -> list[Change]:
    """The changes that store a log piece by piece."""
    held, changes, first = None, [], 0
    for cut in (*cuts, len(author.entries)):
        change, held = admitted(author.entries[first:cut], held)
        changes.append(change)
        first = cut
    return changes


async def stored(commits: GroupCommit, changes: list[Change], durable: bool = False) -> list[Item]:
    """Submits and waits for the outcome."""
    return await (await commits.submit(changes, durable))


async def test_what_is_submitted_while_one_runs_is_committed_together(tmp_path: Path) -> None:
    one, two = Author("a"), Author("b")
    one.write(30)
    two.write(5)
    first, second, third = parts(one, 10, 20)
    (beside,) = parts(two)
    executor = Stepped()
    async with opened(tmp_path / "s", executor) as store, GroupCommit(store) as commits:
        async with stepping(executor):
            running = asyncio.ensure_future(stored(commits, [first]))
            await settle()
            waiting = [
                asyncio.ensure_future(stored(commits, [second])),
                asyncio.ensure_future(stored(commits, [beside], durable=True)),
                asyncio.ensure_future(stored(commits, [third])),
            ]
            await settle()
            assert not running.done() and executor.calls == 0
            executor.go.release()
            await settle()
            assert await running == [first.after.item()] and not any(each.done() for each in waiting)
            executor.go.release()
            newest = [third.after.item()], [beside.after.item()]
            assert [await task for task in waiting] == [newest[0], newest[1], newest[0]]
            assert (await store.read(Reader.newest)).arrival == 3
            assert executor.calls == 2  # the first, then all the others
        assert await store.load(one.id) == third.after
        assert await store.write(lambda writer: writer.connection.execute("PRAGMA synchronous").get) == 2


async def test_a_failure_fails_its_whole_transaction_and_no_other(tmp_path: Path) -> None:
    one, two = Author("a"), Author("b")
    one.write(20)
    first, second = parts(one, 10)
    (beside,) = parts(two)
    async with opened(tmp_path / "s", Inline()) as store, GroupCommit(store) as commits:
        tasks = [asyncio.ensure_future(stored(commits, [change])) for change in (second, beside)]
        for task in tasks:
            with pytest.raises(LocalProtocolError, match="state that is stored"):
                await task
        assert await stored(commits, [first]) == [first.after.item()]
        assert await stored(commits, [beside]) == [beside.after.item()]
        assert (await store.read(Reader.newest)).arrival == 2


async def test_who_submits_too_much_waits_in_turn(tmp_path: Path) -> None:
    author = Author("a")
    author.write(50)
    changes = parts(author, 10, 20, 30, 40)
    executor = Stepped()
    async with opened(tmp_path / "s", executor) as store, GroupCommit(store, limit=15) as commits:
        async with stepping(executor):
            tasks = [asyncio.ensure_future(stored(commits, [change])) for change in changes]
            await settle()
            executor.go.release()  # those that had room
            await settle()
            assert [task.done() for task in tasks] == [True, True, False, False, False]
            tasks[4].cancel()  # not queued yet: it leaves no trace
            await settle()
        items = [change.after.item() for change in changes]
        assert [(await task)[0] for task in tasks[:4]] == [items[1], items[1], items[2], items[3]]
        assert await store.load(author.id) == changes[3].after


async def test_what_is_queued_is_stored_although_nobody_waits(tmp_path: Path) -> None:
    author = Author("a")
    author.write(10)
    first, second = parts(author, 5)
    executor = Stepped()
    async with opened(tmp_path / "s", executor) as store:
        async with GroupCommit(store) as commits, stepping(executor):
            tasks = [asyncio.ensure_future(stored(commits, [change])) for change in (first, second)]
            await settle()
            for task in tasks:
                task.cancel()
            await settle()
        assert await store.load(author.id) == second.after
        with pytest.raises(RuntimeError, match="closing"):
            await commits.submit([first])


async def test_who_waits_is_told_when_the_commits_are_cancelled(tmp_path: Path) -> None:
    author = Author("a")
    (change,) = parts(author)
    executor = Stepped()
    async with opened(tmp_path / "s", executor) as store, stepping(executor):
        waiting: list[asyncio.Future[Any]] = []

        async def node() -> None:
            async with GroupCommit(store) as commits:
                waiting.extend(asyncio.ensure_future(stored(commits, [change])) for _ in range(2))
                await asyncio.Event().wait()

        task = asyncio.ensure_future(node())
        await settle()
        task.cancel()
        await settle()
        assert not task.done()  # it stores what was submitted first
        task.cancel()
        await settle()
        assert task.cancelled() and all(each.cancelled() for each in waiting)


async def test_a_check_after_others_wrote_finds_nothing(tmp_path: Path) -> None:
    """FTS5 checked itself by a stale picture of its index and told of corruption that was not there."""
    async with opened(tmp_path / "s", Inline()) as store:

        def table(writer: Writer) -> None:
            writer.connection.execute("CREATE VIRTUAL TABLE words USING fts5(text)")

        def write(writer: Writer, round_: int) -> None:
            with writer.transaction() as connection:
                for number in range(50 if round_ % 5 == 0 else 1):
                    text = " ".join(f"w{(round_ * 7 + number * each) % 400}" for each in range(20))
                    connection.execute("INSERT INTO words(text) VALUES (?)", (text,))

        await store.write(table)
        for round_ in range(120):
            await store.write(write, round_)
            assert await store.read(Reader.check) == []


async def test_what_was_stored_is_not_kept_until_something_else_is(tmp_path: Path) -> None:
    author = Author("a")
    async with opened(tmp_path / "s", Inline()) as store, GroupCommit(store) as commits:
        (change,) = parts(author)
        future = await commits.submit([change])
        await future
        await settle()
        held = weakref.ref(future)  # kept beside the change, so that it tells of both
        del future
        gc.collect()
        assert held() is None
