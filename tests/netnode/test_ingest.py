"""The gate: what passes, in which order, and what happens when a wait is cancelled or the disk fails."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

import pytest

from netnode import ingest
from netnode.bus import Bus, Stored
from netnode.chains import chains_of, raise_remote
from netnode.ingest import Gate
from netnode.ports import Lane
from netnode.problems import Problem
from netnode.store import GroupCommit, Reader, Store, Writer
from netnode.system import SystemDisk, SystemEntropy, ThreadExecutor
from protocol.entry import Entry
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Standing
from protocol.run import run_of
from tests.netnode.mesh import InlineExecutor
from tests.netnode.patience import patience
from tests.protocol.author import NETWORK, Author

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass
class Held:
    """A lane can be stopped before its work (`shut`); the writer can be made to fail."""

    inner: Any = field(default_factory=InlineExecutor)
    shut: dict[Lane, asyncio.Event] = field(default_factory=dict)
    reached: dict[Lane, asyncio.Event] = field(default_factory=dict)
    late: dict[Lane, asyncio.Event] = field(default_factory=dict)
    fail: int = 0

    def hold(self, lane: Lane) -> tuple[asyncio.Event, asyncio.Event]:
        """Stops a lane; returns (it was reached, let it go on)."""
        self.shut[lane], self.reached[lane] = asyncio.Event(), asyncio.Event()
        return self.reached[lane], self.shut[lane]

    def idle(self, lane: object) -> bool:
        return False

    async def run(self, lane: Lane, function: Callable[[*Ts], T], *args: *Ts) -> T:
        if lane in self.shut:
            self.reached[lane].set()
            await self.shut[lane].wait()
        if lane is Lane.WRITER and self.fail:
            self.fail -= 1
            raise Problem("Cannot write the store: the disk is full.", code="store")
        result: T = await self.inner.run(lane, function, *args)
        if lane in self.late:
            self.late[lane].set()
            await asyncio.Event().wait()  # done, but unheard
        return result

    async def close(self) -> None:
        await self.inner.close()


@dataclass
class Bench:
    gate: Gate
    store: Store
    lanes: Held
    told: list[Stored]
    bus: Bus

    async def log(self, author: Author) -> list[Entry]:
        return await self.store.read(Reader.entries, author.id, 0, 2**40 - 1, 2**40)


@asynccontextmanager
async def bench(path: Path, inner: Any = None, limit: int = 4_000) -> AsyncIterator[Bench]:
    lanes = Held(inner or InlineExecutor())
    store = await Store.open(path / "s.sqlite3", NETWORK, SystemDisk(), lanes, SystemEntropy())
    try:
        async with GroupCommit(store, limit) as commits:
            bus, told = Bus(), list[Stored]()
            bus.subscribe(told.append)
            yield Bench(Gate(NETWORK, store, commits, lanes, bus), store, lanes, told, bus)
    finally:
        await store.close()
        await lanes.close()


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as made:
        yield made


def written(name: str, count: int) -> Author:
    author = Author(name)
    author.write(count)
    return author


def parts(entries: Sequence[Entry], size: int) -> list[list[Entry]]:
    return [list(entries[start : start + size]) for start in range(0, len(entries), size)]


async def test_entries_are_stored_before_the_bus_hears_of_them(gate: Bench) -> None:
    """The bus is told once per batch, after the commit, with the new entries and where they came from [R-SYNC-16]."""
    log = written("log", 5)
    source = object()
    outcome = await gate.gate.admit(log.entries[:3], source=source)
    assert (outcome.kept, outcome.fault) == (3, None)
    await gate.gate.admit(log.entries[3:])
    assert [stored.entries for stored in gate.told] == [
        {log.id: tuple(log.entries[:3])},
        {log.id: tuple(log.entries[3:])},
    ]
    assert gate.told[0].source is source and gate.told[1].source is None
    assert [stored.items[0].seq for stored in gate.told] == [2, 5]
    assert await gate.log(log) == log.entries


async def test_what_is_known_changes_nothing(gate: Bench) -> None:
    """A repeated chain is neither kept nor told of [R-SYNC-14]."""
    log = written("log", 5)
    await gate.gate.admit(log.entries)
    outcome = await gate.gate.admit(log.entries)
    assert (outcome.kept, outcome.fault) == (0, None) and len(gate.told) == 1


async def test_chains_build_on_those_still_on_their_way_to_disk(gate: Bench) -> None:
    """The second chain is judged against the pending state, without waiting for the disk [R-LOG-11]."""
    log = written("log", 40)
    reached, go = gate.lanes.hold(Lane.WRITER)
    tasks = [asyncio.create_task(gate.gate.admit(part)) for part in parts(log.entries, 10)]
    await reached.wait()
    for _ in range(200):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    go.set()
    assert [outcome.kept for outcome in await asyncio.gather(*tasks)] == [10, 10, 10, 10, 1]
    assert len(gate.told) == 5 and await gate.log(log) == log.entries


async def test_filling_keeps_its_order_while_the_disk_is_slow(gate: Bench) -> None:
    """Chunks from the top down, all under way at once, join one after the other [R-SYNC-9]."""
    log = written("log", 300)
    opener = log.rotate()
    await gate.gate.admit(log.entries[:1])
    await gate.gate.admit_openers([opener])
    tasks = [asyncio.create_task(gate.gate.admit(part)) for part in reversed(parts(log.entries[1:-1], 20))]
    outcomes = await asyncio.gather(*tasks)
    assert [outcome.fault for outcome in outcomes] == [None] * len(outcomes)
    assert await gate.log(log) == log.entries


async def test_many_authors_at_once(tmp_path: Path) -> None:
    """With threads: every log ends whole, whatever the interleaving [R-LOG-11]."""
    logs = [written(f"log {index}", 60 + index) for index in range(12)]
    for log in logs[::3]:
        log.rotate(at=40)
        log.write(9)
    async with bench(tmp_path, ThreadExecutor(), limit=100) as made:

        async def feed(log: Author) -> None:
            for part in parts(log.entries, 7):
                (outcome,) = await made.gate.admit_runs([run_of(stretch) for stretch in stretches(part)])
                assert outcome.fault is None

        async with asyncio.TaskGroup() as group:
            for log in logs:
                group.create_task(feed(log))
        for log in logs:
            assert await made.log(log) == log.entries


def stretches(entries: Sequence[Entry]) -> list[list[Entry]]:
    out: list[list[Entry]] = []
    for entry in entries:
        if not out or entry.is_opener:
            out.append([])
        out[-1].append(entry)
    return out


async def test_the_rest_after_entries_were_set_aside(gate: Bench) -> None:
    """A chain whose opener disowns what is held is judged on once that is on disk [R-LOG-13]."""
    log = written("log", 30)
    await gate.gate.admit(log.entries)
    log.rotate(at=10)
    log.write(12)
    log.rotate(at=15)
    log.write(4)
    outcome = await gate.gate.admit(log.entries[11:])
    assert (outcome.fault, outcome.kept) == (None, len(log.entries) - 11)
    assert await gate.log(log) == log.entries
    pushed = [entry for stored in gate.told[1:] for entry in stored.entries[log.id]]
    assert pushed == log.entries[11:], "openers that set entries aside are told of as new"


async def test_chains_of_one_author_in_one_message(gate: Bench) -> None:
    """Overlapping and repeated runs in one message are all judged, in order [R-RUN-6]."""
    log, other = written("log", 20), written("other", 3)
    chains = [log.entries[:10], other.entries, log.entries[5:15], log.entries[15:]]
    outcomes = await gate.gate.admit_chains(chains)
    assert {outcome.author: outcome.kept for outcome in outcomes} == {log.id: 21, other.id: 4}
    assert await gate.log(log) == log.entries


async def test_a_fault_of_the_sender_is_not_covered(gate: Bench) -> None:
    """A later chain of the same author, good or not held, leaves the first fault standing [R-SYNC-18]."""
    log = written("log", 10)
    forged = log.after(log.entries[4], signer=Author("forger").signer)
    outcomes = await gate.gate.admit_chains([[*log.entries[:5], forged], log.entries[8:], log.entries[5:]])
    with pytest.raises(RemoteProtocolError) as raised:
        raise_remote(outcomes)
    assert raised.value.code == "signature"
    assert await gate.log(log) == log.entries, "what verified stays, also what came after"


async def test_runs_that_continue_each_other_are_one_chain(gate: Bench) -> None:
    """And runs that cannot be rebuilt refuse the whole message [R-RUN-2] [R-RUN-6]."""
    log = written("log", 9)
    runs = [run_of(part) for part in parts(log.entries, 4)]
    assert [len(chain) for chain in chains_of(runs)] == [10]
    assert [len(chain) for chain in chains_of(runs[::-1])] == [2, 4, 4]
    broken = type(runs[0])(log.id, 0, 0, 2**40 - 2, bytes(32), runs[0].entries)
    with pytest.raises(RemoteProtocolError):
        await gate.gate.admit_runs([runs[0], broken])
    assert await gate.log(log) == []


@pytest.mark.parametrize("lane", [Lane.VERIFIER, Lane.WRITER])
async def test_a_wait_that_is_cancelled(gate: Bench, lane: Lane) -> None:
    """Nothing is lost that was not cancelled: the next chain finds the true state [R-LOG-20]."""
    log = written("log", 30)
    await gate.gate.admit(log.entries[:10])
    reached, go = gate.lanes.hold(lane)
    task = asyncio.create_task(gate.gate.admit(log.entries[10:20]))
    await reached.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    go.set()
    outcome = await gate.gate.admit(log.entries[10:])
    assert outcome.fault is None
    assert await gate.log(log) == log.entries


async def test_a_verdict_that_nobody_heard(gate: Bench) -> None:
    """Judged, but cancelled before it was queued: the state it led to is forgotten [R-LOG-20]."""
    log = written("log", 30)
    await gate.gate.admit(log.entries[:10])
    gate.lanes.late[Lane.VERIFIER] = asyncio.Event()
    task = asyncio.create_task(gate.gate.admit(log.entries[10:20]))
    await gate.lanes.late[Lane.VERIFIER].wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    del gate.lanes.late[Lane.VERIFIER]
    outcome = await gate.gate.admit(log.entries[20:])
    assert isinstance(outcome.fault, NotHeld) and outcome.fault.code == "gap"
    assert (await gate.gate.admit(log.entries[10:])).fault is None
    assert await gate.log(log) == log.entries


async def test_a_submission_cancelled_for_want_of_room(tmp_path: Path) -> None:
    """Who waits for room in the queue and is cancelled leaves nothing pending behind [R-LINK-5]."""
    async with bench(tmp_path, limit=5) as made:
        log, other, third = written("log", 9), written("other", 9), written("third", 9)
        reached, go = made.lanes.hold(Lane.WRITER)
        first = asyncio.create_task(made.gate.admit(log.entries))
        await reached.wait()
        second = asyncio.create_task(made.gate.admit(other.entries))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not second.done()
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        go.set()
        async with patience(5):
            assert (await first).kept == 10
            assert (await made.gate.admit(other.entries)).kept == 10
            other.rotate(at=5)
            assert (await made.gate.admit(other.entries[6:])).fault is None
            assert (await made.gate.admit(third.entries)).kept == 10


async def test_backpressure(tmp_path: Path) -> None:
    """No more waits for the disk than the bound and one chain per lane [R-LINK-5]."""
    async with bench(tmp_path, limit=50) as made:
        logs = [written(f"log {index}", 20) for index in range(20)]
        reached, go = made.lanes.hold(Lane.WRITER)
        tasks = [asyncio.create_task(made.gate.admit(log.entries)) for log in logs]
        await reached.wait()
        for _ in range(500):
            await asyncio.sleep(0)
        assert sum(made.gate._pending.values()) <= 5, "three of 22 fit, one waits, one is being judged"
        go.set()
        await asyncio.gather(*tasks)
        for log in logs:
            assert await made.log(log) == log.entries


async def test_a_full_disk(gate: Bench) -> None:
    """Everybody who waits is told; nothing of it is believed; later the same chains pass [R-LOG-20]."""
    log, other = written("log", 30), written("other", 3)
    await gate.gate.admit(log.entries[:10])
    reached, go = gate.lanes.hold(Lane.WRITER)
    tasks = [
        asyncio.create_task(gate.gate.admit(chain))
        for chain in (log.entries[10:15], other.entries, log.entries[15:20])
    ]
    await reached.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    gate.lanes.fail = 2
    go.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, Problem) for each in ended), ended
    assert len(gate.told) == 1
    outcome = await gate.gate.admit(log.entries[15:])
    assert isinstance(outcome.fault, NotHeld) and outcome.fault.code == "gap"
    assert (await gate.gate.admit(log.entries[10:])).fault is None
    assert (await gate.gate.admit(other.entries)).kept == 4
    assert await gate.log(log) == log.entries


async def test_a_full_disk_while_the_next_chain_is_judged(gate: Bench) -> None:
    """What was judged against a state that was not stored is not stored either [R-LOG-20]."""
    log = written("log", 20)
    await gate.gate.admit(log.entries[:5])
    reached, go = gate.lanes.hold(Lane.WRITER)
    first = asyncio.create_task(gate.gate.admit(log.entries[5:10]))
    await reached.wait()
    judging, judge = gate.lanes.hold(Lane.VERIFIER)
    second = asyncio.create_task(gate.gate.admit(log.entries[10:]))
    await judging.wait()
    gate.lanes.fail = 1
    judge_later = asyncio.get_running_loop().create_task(first_ends(first, judge))
    go.set()
    ended = await asyncio.gather(first, second, judge_later, return_exceptions=True)
    assert isinstance(ended[0], Problem) and (isinstance(ended[1], Problem) or ended[1].kept == 0)  # type: ignore[union-attr]
    assert (await gate.gate.admit(log.entries[5:])).fault is None
    assert await gate.log(log) == log.entries


async def first_ends(first: asyncio.Task[Any], judge: asyncio.Event) -> None:
    await asyncio.wait_for(asyncio.shield(asyncio.gather(first, return_exceptions=True)), 5)
    judge.set()


async def test_many_logs_with_few_states_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that fell out of the cache is read again [R-LOG-11]."""
    monkeypatch.setattr(ingest, "STATES_KEPT", 8)
    async with bench(tmp_path) as made:
        logs = [written(f"log {index}", 6) for index in range(40)]
        for size in (3, 7):
            for log in logs:
                assert (await made.gate.admit(log.entries[:size])).fault is None
        assert len(made.gate._states) <= 9
        for log in logs:
            assert await made.log(log) == log.entries


async def test_openers_and_proofs_by_themselves(gate: Bench) -> None:
    """Openers count however they come; a proof of an unknown or older term is not held [R-LOG-5] [R-LOG-14]."""
    log = written("log", 6)
    left, right = log.after(log.entries[3], note="l"), log.after(log.entries[3], note="r")
    proof = run_of([left]), run_of([right])
    outcome = await gate.gate.admit_proof(*proof)
    assert isinstance(outcome.fault, NotHeld) and outcome.fault.code == "unknown_author"
    await gate.gate.admit(log.entries)
    outcome = await gate.gate.admit_proof(*proof)
    assert outcome.fault is None
    state = await gate.gate.state(log.id)
    assert state is not None and state.item().standing is Standing.FORKED and state.fork == 4
    kept = await gate.store.read(Reader.proof, log.id)
    assert kept is not None and [type(each[3]) for each in kept[0].entries] == [list], "without odd records"
    again = await gate.gate.admit_proof(*proof)
    assert again.fault is None and len(gate.told) == 2
    rotation = log.rotate(at=6)
    outcome = await gate.gate.admit_openers([rotation])
    assert (outcome.fault, outcome.kept) == (None, 1)
    outcome = await gate.gate.admit_proof(*proof)
    assert isinstance(outcome.fault, NotHeld) and outcome.fault.code == "stale"
    assert await gate.log(log) == log.entries


async def test_openers_of_nobody(gate: Bench) -> None:
    """Without the inception nothing can be verified [R-LOG-5]."""
    log = written("log", 2)
    rotation = log.rotate()
    outcome = await gate.gate.admit_openers([rotation])
    assert isinstance(outcome.fault, NotHeld) and outcome.fault.code == "unknown_author"
    outcome = await gate.gate.admit_openers([log.entries[0], rotation])
    assert (outcome.fault, outcome.kept) == (None, 2)


async def test_durable_entries_are_on_disk(gate: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Own entries ask for a durable transaction [R-LOG-20]."""
    asked: list[bool] = []
    plain = Writer.commit

    def commit(self: Writer, changes: Any, durable: bool = False) -> Any:
        asked.append(durable)
        return plain(self, changes, durable)

    monkeypatch.setattr(Writer, "commit", commit)
    log = written("log", 2)
    await gate.gate.admit(log.entries[:1])
    await gate.gate.admit(log.entries[1:], durable=True)
    assert asked == [False, True]


async def test_a_wait_for_what_just_ended_does_not_stop_the_loop(gate: Bench) -> None:
    """From Python 3.12 on a gather of futures that are done is done at once, before their callbacks ran."""
    door, author = gate.gate, b"a" * 32
    ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    door._pending[author] = 1
    door._waiting[ended] = None

    def stored(done: asyncio.Future[Any]) -> None:
        door._waiting.pop(done, None)
        del door._pending[author]

    ended.add_done_callback(stored)
    ended.set_result([])

    def too_long(*_: object) -> None:
        raise AssertionError("the loop stands still")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(5)
    try:
        await door._settled(author)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert not door._pending


def test_who_passes_on_hears_first() -> None:
    """Subscribers that can wait come after those that cannot, each kind in the order it came."""
    bus, heard = Bus(), list[str]()

    def enter(name: str) -> Callable[[], None]:
        ahead = (lambda _: heard.append(f"ahead {name}")) if name.isupper() else None
        return bus.subscribe(lambda _: heard.append(name), ahead=ahead)

    leave = [enter(name) for name in "aAbB"]
    assert bus.passes_on
    bus.publish(Stored(()))
    assert heard == ["A", "B", "a", "b"]
    bus.pass_on(Stored(()))
    assert heard[4:] == ["ahead A", "ahead B"]
    leave[1]()
    leave[0]()
    assert not bus.passes_on, "nobody but the session that something came from"
    enter("C")
    bus.publish(Stored(()))
    assert heard[6:] == ["B", "C", "b"]
