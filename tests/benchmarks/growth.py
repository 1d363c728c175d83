"""W4, growth: a real node whose store holds a million listings: its start, its memory, ingest and search.

The store is filled below the gate, with entries nobody signed, and the catalogue is built from them, before the clock
runs. Then, of a node on that home: `start`, from the command to the ready file; `memory`, its resident set when it is
up, after ingest, and at its highest; `ingest`, a cold copy of 10,000 signed entries from another node, committed on
top of all the others; `search`, queries that mix common and rare words, beginnings, filters and further pages.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from netnode.projections import catalogue
from netnode.store.schema import set_up_reader, set_up_writer
from netnode.testing import Mesh, Node, wait_until
from tests.benchmarks import search_scale, sources
from tests.benchmarks.cold_copy import LOOK_EVERY, PATIENCE
from tests.benchmarks.homes import settle_home
from tests.benchmarks.live import percentile
from tests.benchmarks.sources import Workload
from tests.netnode import shelf

LISTINGS: Final = 1_000_000
QUERIES: Final = 1_600
STEP: Final = 100_000  # listings filled in at once; progress is told after each
NUMBERS: Final = 5_000_000  # of the networkers that are copied on top: none of those in the store


def resident(node: Node, what: str = "VmRSS") -> float:
    """Megabytes of a node's resident set, or of its peak (`VmHWM`)."""
    for line in Path(f"/proc/{node.process.pid}/status").read_text().splitlines():
        if line.startswith(what):
            return round(int(line.split()[1]) * 1024 / 1e6, 1)
    return 0.0


def grown(nodes: Mesh, name: str, listings: int, step: int = STEP) -> Path:
    """A home that holds so many listings; returns its store."""
    settle_home(
        nodes.folder / name, outbound_sessions=0, pool_mb=100_000, near_mb=100_000, quota_near_mb=100_000
    )
    nodes.start(name).end()
    store = nodes.folder / name / "store.sqlite3"
    connection = apsw.Connection(str(store))
    set_up_writer(connection)
    words = search_scale.Words(random.Random(1))
    places = search_scale.categories(words)
    first = 10
    for start in range(0, listings, step):
        part = min(step, listings - start)
        with connection:
            search_scale.fill(connection, part, words, places, first)
            first += part // search_scale.PER_LOG
        while not catalogue.advance(connection, sources.NETWORK, shelf.NOW, 10**9).done:
            pass
        print(f"  {start + part:,} listings in the store", file=sys.stderr, flush=True)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return store


def started(nodes: Mesh, name: str) -> tuple[Node, float]:
    """Starts a node on a home; the seconds until it serves."""
    began = time.perf_counter()
    node = nodes.start(name)
    return node, time.perf_counter() - began


@contextmanager
def selfish(nodes: Mesh, name: str, workload: Workload, first: int) -> Iterator[Node]:
    """A node that holds a workload's logs and takes nothing of others."""
    settle_home(nodes.folder / name, interest="followed", hops=0, outbound_sessions=0)
    node = nodes.start(name)
    file = nodes.folder / f"{name}.inx"
    file.write_bytes(sources.log_file(workload, first)[0])
    answer = node.ask("log", "import", file)
    assert answer["added"] == workload.entries and not answer["refused"], answer
    wait_until(lambda: node.api.get("/status")["lag"] == 0, "the source is level", PATIENCE)
    yield node
    node.end()


def copied(node: Node, source: Node, entries: int) -> float:
    """Entries a second that the node takes in from another, dialling and comparing included."""
    store = apsw.Connection(str(node.home / "store.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    store.set_busy_timeout(1000)
    newest = store.execute("SELECT max(n) FROM log").get
    invite = source.invite()
    began = time.perf_counter()
    node.api.post("/peers/add", {"uri": invite})
    end = began + PATIENCE
    while (store.execute("SELECT sum(seq + 1) FROM log WHERE n > ?", (newest,)).get or 0) < entries:
        assert time.perf_counter() < end, "not copied in time"
        time.sleep(LOOK_EVERY)
    took = time.perf_counter() - began
    store.close()
    return entries / took


def searched(store: Path, listings: int, queries: int) -> dict[str, float]:
    """Median and p99 of searches, in milliseconds."""
    reader = apsw.Connection(str(store), apsw.SQLITE_OPEN_READONLY)
    set_up_reader(reader)
    words = search_scale.Words(random.Random(1))
    places = search_scale.categories(words)
    words.rng = random.Random(2)
    asked = search_scale.queries(words, places, listings // search_scale.PER_LOG, queries)
    took = search_scale.measure(reader, asked)
    reader.close()
    every = [value for values in took.values() for value in values]
    return {"p50 ms": round(percentile(every, 0.5), 2), "p99 ms": round(percentile(every, 0.99), 2)}


def measure(
    rounds: int = 3, listings: int = LISTINGS, entries: int = 10_000, queries: int = QUERIES
) -> dict[str, Any]:
    """All figures; starts are medians of `rounds`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="netnode-bench-")))
        nodes = stack.enter_context(Mesh(folder))
        store = grown(nodes, "grown", listings)
        seconds = []
        for _ in range(rounds):
            node, took = started(nodes, "grown")
            seconds.append(took)
            up = resident(node)
            node.end()
        rates = {}
        node, _ = started(nodes, "grown")
        for name, workload in (
            ("1 networker", Workload("one", 1, entries)),
            ("many networkers", Workload("many", entries // 10, 10)),
        ):
            with selfish(nodes, f"source-{workload.name}", workload, NUMBERS + workload.networkers) as source:
                rates[name] = round(copied(node, source, entries))
        after, peak = resident(node), resident(node, "VmHWM")
        node.end()
        found = searched(store, listings, queries)
        size = store.stat().st_size
    return {
        "listings": listings,
        "store MB": round(size / 1e6),
        "start s": round(statistics.median(seconds), 2),
        "starts s": [round(each, 2) for each in seconds],
        "memory MB": {"up": up, "after ingest": after, "highest": peak},
        "ingest entries/s": rates,
        "search": found,
        "must": {"ingest entries/s": 15_000, "search p99 ms": 50, "start s": 2, "memory MB": 300},
    }
