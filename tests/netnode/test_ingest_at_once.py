"""A few entries at once: judged, passed on, stored and told of on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from netnode.bus import Stored
from netnode.ports import Lane
from netnode.problems import Problem
from netnode.store import Reader, Writer
from protocol.entry import Entry
from protocol.errors import NotHeld
from protocol.run import rebuild
from tests.netnode.test_ingest import Bench, Held, bench, written


async def on_the_spot(made: Bench, entries: Sequence[Entry]) -> list[Any] | None:
    """What `admit_chains` gives when nothing had to be judged in turn; else None, and it is taken all the same."""
    long_way: list[object] = []
    judge = made.gate._judge
    with pytest.MonkeyPatch.context() as watched:
        watched.setattr(made.gate, "_judge", lambda *args: long_way.append(args) or judge(*args))
        outcomes = await made.gate.admit_chains([list(entries)])
    return None if long_way else outcomes


class Idle(Held):
    """Lanes with nothing to do."""

    def idle(self, lane: object) -> bool:
        return lane not in self.shut


@asynccontextmanager
async def idle_bench(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr("tests.netnode.test_ingest.Held", Idle)
    async with bench(path) as made:
        yield made


async def test_a_few_new_entries_are_taken_on_the_spot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are judged, stored and told of as any other: what does not simply follow takes the long way [R-SYNC-16]."""
    async with idle_bench(tmp_path, monkeypatch) as made:
        log, other = written("log", 40), written("other", 3)
        assert await on_the_spot(made, log.entries[:2]) is None, "an unknown log"
        (outcome,) = await on_the_spot(made, log.entries[2:5]) or ()
        assert (outcome.kept, outcome.fault, outcome.author) == (3, None, log.id)
        assert made.told[-1].entries == {log.id: tuple(log.entries[2:5])}
        assert made.told[-1].items[0].id == log.entries[4].id
        assert await made.log(log) == log.entries[:5]
        (outcome,) = await on_the_spot(made, log.entries[6:8]) or ()
        assert isinstance(outcome.fault, NotHeld) and outcome.fault.code == "gap" and not outcome.kept
        assert await on_the_spot(made, log.entries[3:6]) is None, "partly known"
        assert await on_the_spot(made, log.entries[6:30]) is None, "many"
        assert await on_the_spot(made, other.entries) is None, "another unknown log"
        await made.gate.admit(log.entries)
        assert await made.log(log) == log.entries


async def test_nothing_is_taken_on_the_spot_before_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While something is on its way to disk, what comes later queues behind it [R-LOG-20]."""
    async with idle_bench(tmp_path, monkeypatch) as made:
        log = written("log", 8)
        await made.gate.admit(log.entries[:2])
        reached, go = made.lanes.hold(Lane.WRITER)
        first = asyncio.create_task(made.gate.admit(log.entries[2:4], durable=True))
        await reached.wait()
        second = asyncio.create_task(on_the_spot(made, log.entries[4:6]))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not second.done()
        del made.lanes.shut[Lane.WRITER]
        go.set()
        await first
        assert await second is None
        assert await on_the_spot(made, log.entries[6:8]) is not None
        assert await made.log(log) == log.entries[:8]


async def test_a_disk_that_fails_on_the_spot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told; what was judged is forgotten, and the same chain passes later [R-LOG-20]."""
    async with idle_bench(tmp_path, monkeypatch) as made:
        log = written("log", 8)
        await made.gate.admit(log.entries[:2])
        told = len(made.told)

        def fail(*_: object) -> Any:
            raise Problem("Cannot write the store: the disk is full.", code="store")

        with monkeypatch.context() as broken:
            broken.setattr(Writer, "commit", fail)
            with pytest.raises(Problem):
                await on_the_spot(made, log.entries[2:5])
        assert len(made.told) == told
        outcome = await made.gate.admit(log.entries[5:6])
        assert isinstance(outcome.fault, NotHeld), "nothing is built on what was not stored"
        assert (await made.gate.admit(log.entries[2:])).fault is None
        assert await made.log(log) == log.entries


async def test_what_was_passed_on_is_not_lost_before_its_tables_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends, or a disk that fails, right after sessions were given an entry [R-SYNC-16]."""
    log = written("log", 12)
    heard: list[tuple[int, bool]] = []

    def ahead(news: Stored) -> None:
        (item,) = news.items
        noted = made.store.reading(Reader.passed_on)
        held = made.store.reading(Reader.load, log.id)
        assert noted is not None and rebuild(noted) == list(news.entries[log.id])
        heard.append((item.seq, held is not None and held.tip.seq == item.seq))

    def fail(*_: object) -> Any:
        raise Problem("Cannot write the store: the disk is full.", code="store")

    async with idle_bench(tmp_path, monkeypatch) as made:
        await made.gate.admit(log.entries[:2])
        made.bus.subscribe(lambda _: None, ahead=ahead)
        assert await on_the_spot(made, log.entries[2:4]) is not None
        assert heard == [] and made.store.reading(Reader.passed_on) is None, "nobody else to pass it on to"
        made.bus.subscribe(lambda _: None, ahead=lambda _: None)
        assert await on_the_spot(made, log.entries[4:6]) is not None
        assert heard == [(5, False)]
        with monkeypatch.context() as broken:
            broken.setattr(Writer, "commit", fail)
            with pytest.raises(Problem):
                await on_the_spot(made, log.entries[6:9])
        assert heard == [(5, False), (8, False)] and await made.log(log) == log.entries[:6]
    async with bench(tmp_path) as again:
        await again.gate.resume()
        assert await again.log(log) == log.entries[:9]
        assert again.told[-1].entries == {log.id: tuple(log.entries[6:9])}
        await again.gate.resume()
        assert len(again.told) == 1, "it is known by now"


async def test_a_note_that_fails_gives_nothing_to_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be kept is not passed on, and neither is what is large."""
    log = written("log", 6)
    heard: list[Stored] = []

    def fail(*_: object) -> Any:
        raise Problem("Cannot write the store: the disk is full.", code="store")

    async with idle_bench(tmp_path, monkeypatch) as made:
        for _ in range(2):
            made.bus.subscribe(lambda _: None, ahead=heard.append)
        await made.gate.admit(log.entries[:2])
        with monkeypatch.context() as broken:
            broken.setattr(Writer, "note", fail)
            with pytest.raises(Problem):
                await on_the_spot(made, log.entries[2:4])
            assert heard == [] and await made.log(log) == log.entries[:2]
        with monkeypatch.context() as narrow:
            narrow.setattr("netnode.ingest.PASSED_ON_BYTES", 100)
            await made.gate.admit(log.entries[2:4])
            assert await on_the_spot(made, log.entries[4:]) is not None
        assert heard == [] and await made.log(log) == log.entries
