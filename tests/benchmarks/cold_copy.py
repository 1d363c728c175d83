"""W1, the cold copy: 10,000 entries from one real node to a fresh one over loopback, verified and committed.

The clock starts when the fresh node, up and idle, is told its peer (the request to add it); it stops when another
connection to its store sees the last entry committed. So dialling, handshake, comparison, transfer, verification and
commit are inside, the start of the process is not. The store is looked at every 2 ms: that is the resolution.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from netnode.bus import Bus
from netnode.ingest import Gate
from netnode.projections import tables
from netnode.store import GroupCommit, Store
from netnode.system import SystemDisk, SystemEntropy, ThreadExecutor
from netnode.testing import PROGRAM, Mesh, Node, wait_until
from tests.benchmarks import sources
from tests.benchmarks.rivals import running
from tests.benchmarks.rivals.installing import Rivals
from tests.benchmarks.sources import Workload

LOOK_EVERY: Final = 0.002
RUNS: Final = 3
ENTRY_BYTES: Final = 500  # of a rival's entries
PATIENCE: Final = 120.0


@dataclass(frozen=True, slots=True)
class Copy:
    """One measured copy, in seconds from the request to add the peer."""

    first: float  # until the first commit was seen
    committed: float
    searchable: float


@contextmanager
def source_node(nodes: Mesh, workload: Workload) -> Iterator[tuple[Node, float]]:
    """A running node that holds the workload's logs; with the mean size of their entries in bytes."""
    data, entry_bytes = sources.log_file(workload)
    file = nodes.folder / f"{workload.name}.inx"
    file.write_bytes(data)
    node = nodes.start(f"source-{workload.name.lower()}")
    answer = node.ask("log", "import", file)
    assert answer["added"] == workload.entries and not answer["refused"], answer
    wait_until(lambda: node.api.get("/status")["lag"] == 0, "the source is level", PATIENCE)
    yield node, entry_bytes
    node.end()


def copied(
    nodes: Mesh, source: Node, workload: Workload, name: str, wrapper: Sequence[str] = PROGRAM
) -> Copy:
    """Copies everything to a fresh node once."""
    fresh = nodes.start(name, program=wrapper)
    expected = source.api.get("/status")["entries"] + fresh.api.get("/status")["entries"]
    invite = source.invite()
    store = apsw.Connection(str(fresh.home / "store.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    store.set_busy_timeout(1000)
    began = time.perf_counter()
    fresh.api.post("/peers/add", {"uri": invite})
    first = committed = 0.0
    version = None
    while not committed:
        now = time.perf_counter() - began
        assert now < PATIENCE, f"{workload.name}: not copied within {PATIENCE:.0f} s"
        newest = store.execute("PRAGMA data_version").fetchone()
        if newest != version:
            version = newest
            held = store.execute("SELECT sum(seq + 1) FROM log").fetchone()
            assert held is not None
            if held[0] > 2 + workload.networkers // 2 and not first:
                first = time.perf_counter() - began
            if held[0] >= expected:
                committed = time.perf_counter() - began
                break
        time.sleep(LOOK_EVERY)
    wait_until(lambda: fresh.api.get("/status")["lag"] == 0, "what was copied can be searched", PATIENCE)
    searchable = time.perf_counter() - began
    counted = store.execute("SELECT count(*) FROM entry").fetchone()
    assert counted is not None and counted[0] >= workload.entries
    store.close()
    fresh.end()
    return Copy(first, committed, searchable)


def gate_alone(workload: Workload) -> float:
    """Entries a second that the gate judges and commits in one process, fed runs from memory."""
    made = list(sources.runs(workload))

    async def fed(folder: Path) -> float:
        executor = ThreadExecutor()
        disk = SystemDisk()
        store = await Store.open(
            folder / "store.sqlite3", sources.NETWORK, disk, executor, SystemEntropy(), [tables.create]
        )
        try:
            async with GroupCommit(store) as commits:
                gate = Gate(sources.NETWORK, store, commits, executor, Bus())
                batches = [made[start : start + 8] for start in range(0, len(made), 8)]
                room = asyncio.Semaphore(8)

                async def feed(batch: list[Any]) -> int:
                    async with room:
                        return sum(outcome.kept for outcome in await gate.admit_runs(batch))

                began = time.perf_counter()
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(feed(batch)) for batch in batches]
                took = time.perf_counter() - began
                assert sum(task.result() for task in tasks) == workload.entries
                return workload.entries / took
        finally:
            await store.close()
            await executor.close()

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(fed(Path(folder)))


Beside = Callable[[], float]


@contextmanager
def beside(workload: Workload, rivals: Rivals | None) -> Iterator[tuple[str, Beside] | None]:
    """The rival of a workload and what makes one copy with it, in seconds; None when it is not installed."""
    entries, size = workload.entries, ENTRY_BYTES
    if rivals is None:
        yield None
    elif workload.networkers == 1 and rivals.has(running.HYPERCORE):
        with running.hypercore_source(rivals, entries, size) as source:
            yield running.HYPERCORE, lambda: running.hypercore_copy(rivals, source, entries)
    elif workload.networkers > 1 and rivals.has(running.SSB):
        with running.ssb_source(rivals, workload.networkers, workload.each, size) as source:
            yield running.SSB, lambda: running.ssb_copy(rivals, source, entries)
    else:
        yield None


def measure(workload: Workload, rounds: int = RUNS, rivals: Rivals | None = None) -> dict[str, Any]:
    """All figures of one workload; rates are entries a second. Own runs and the rival's take turns."""
    copies: list[Copy] = []
    theirs: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="netnode-bench-") as folder,
        Mesh(Path(folder)) as nodes,
        source_node(nodes, workload) as (source, entry_bytes),
        beside(workload, rivals) as rival,
    ):
        for number in range(rounds):
            copies.append(copied(nodes, source, workload, f"fresh-{number}"))
            if rival is not None:
                theirs.append(workload.entries / rival[1]())
    own = statistics.median(workload.entries / copy.committed for copy in copies)
    rates = [workload.entries / copy.committed for copy in copies]
    return {
        "own": round(own),
        "unit": "entries/s",
        "entries": workload.entries,
        "networkers": workload.networkers,
        "entry bytes": round(entry_bytes),
        "runs": [round(rate) for rate in rates],
        "seconds": {
            "first commit": round(statistics.median(copy.first for copy in copies), 3),
            "committed": round(statistics.median(copy.committed for copy in copies), 3),
            "searchable": round(statistics.median(copy.searchable for copy in copies), 3),
            "resolution": LOOK_EVERY,
        },
        "gate alone": round(statistics.median(gate_alone(workload) for _ in range(rounds))),
        "durability": "WAL, synchronous=NORMAL for others' entries",
        "rival": round(statistics.median(theirs)) if theirs else None,
        "ratio": round(own / statistics.median(theirs), 2) if theirs else None,
        "rival name": None if rival is None else rival[0],
        "rival runs": [round(rate) for rate in theirs],
        "rival durability": None if rival is None else running.DURABILITY[rival[0]],
    }
