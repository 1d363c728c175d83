"""W3, live: one entry through a line of five nodes, four hops, stored at each before it is passed on.

Five real nodes, each a process of its own, each with a session to the next only. The clock starts when the first
node begins to sign a listing, and stops when the last has stored it. The listings come one at a time, each to an idle
line: `PAUSE` lies between an arrival and the next. How long that is decides how cold the caches of all are, of the
rival's too, so the figures of shorter ones stand beside.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

from netnode.testing import Mesh, Node, wait_until
from tests.benchmarks.homes import settle_home
from tests.benchmarks.rivals import running
from tests.benchmarks.rivals.installing import Rivals
from tests.benchmarks.watched import BEGUN, STORED

NODES: Final = 5
ENTRIES: Final = 300
ENTRY_BYTES: Final = 500
RUNS: Final = 3
PAUSE: Final = 0.1  # why: seconds between entries of a market, not a stream; nothing is warm when one comes
SHORTER: Final = (0.02, 0.0)  # the same with these pauses, once each


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def line(folder: Path, count: int, nodes: int = NODES, pause: float = PAUSE) -> list[float]:
    """Milliseconds that each of `count` listings took from the first node to the last."""
    with (
        ExitStack() as stack,
        Mesh(folder) as started,
    ):  # the nodes end first: one whose pipe ends ends itself
        members: list[Node] = []
        notes: list[BinaryIO] = []
        orders: list[BinaryIO] = []
        for number in range(nodes):
            reading, noting = os.pipe()
            ordered, ordering = os.pipe()
            notes.append(stack.enter_context(open(reading, "rb")))
            orders.append(stack.enter_context(open(ordering, "wb", buffering=0)))
            settle_home(
                folder / f"member-{number}", outbound_sessions=0
            )  # or peer exchange makes it a full mesh
            wrapper = (sys.executable, "-m", "tests.benchmarks.watched", str(ordered), str(noting))
            members.append(started.start(f"member-{number}", program=wrapper, pass_fds=[ordered, noting]))
            os.close(noting)
            os.close(ordered)
        for before, after in itertools.pairwise(members):
            after.api.post("/peers/add", {"uri": before.invite()})
        wait_until(
            lambda: all(each.api.get("/status")["entries"] >= 2 * nodes for each in members),
            "all logs are everywhere",
        )
        settle(notes)
        took = []
        for _ in range(count):
            orders[0].write(b"+")
            begun = noted(notes[0], BEGUN)
            stored = noted(notes[-1], STORED)
            took.append((stored - begun) / 1e6)
            time.sleep(pause)
        degrees = [len(each.connected()) for each in members]
        assert degrees == [1] + [2] * (nodes - 2) + [1], f"not a line: {degrees}"
    return took


def noted(file: BinaryIO, what: str) -> int:
    """The time of the next note of that kind, in nanoseconds."""
    while True:
        note = file.readline()
        assert note, "a node ended"
        name, _, at = note.decode().split()
        if name == what:
            return int(at)


def settle(notes: Sequence[BinaryIO], seconds: float = 1.0) -> None:
    """Waits until the line is idle, and forgets what was noted while it was put together."""
    time.sleep(seconds)
    for file in notes:
        os.set_blocking(file.fileno(), False)
        while file.read(65_536):
            pass
        os.set_blocking(file.fileno(), True)


def measure(rounds: int = RUNS, rivals: Rivals | None = None, count: int = ENTRIES) -> dict[str, Any]:
    """Median and p99 in milliseconds; own runs and the rival's take turns, the median of the runs counts."""
    own: list[list[float]] = []
    theirs: list[list[float]] = []
    present = rivals is not None and rivals.has(running.GOSSIPSUB)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="netnode-bench-") as folder:
            own.append(line(Path(folder), count))
        if rivals is not None and present:
            theirs.append(running.gossip_line(rivals, count, ENTRY_BYTES, NODES, PAUSE))
    mine, other = _figures(own), _figures(theirs)
    ratios = _ratios(mine, other)
    shorter: dict[str, Any] = {}
    for pause in SHORTER:
        with tempfile.TemporaryDirectory(prefix="netnode-bench-") as folder:
            ours = _figures([line(Path(folder), count, NODES, pause)])
        rival = (
            _figures([running.gossip_line(rivals, count, ENTRY_BYTES, NODES, pause)])
            if rivals is not None and present
            else {}
        )
        shorter[f"{pause * 1000:.0f} ms"] = {
            "own": ours,
            "rival": rival or None,
            "ratios": _ratios(ours, rival),
        }
    return {
        "own": mine,
        "unit": "ms",
        "rival": other if present else None,
        "ratio": min(ratios.values()) if ratios else None,
        "ratios": ratios,
        "runs": [_figures([run]) for run in own],
        "rival runs": [_figures([run]) for run in theirs],
        "rival name": running.GOSSIPSUB if present else None,
        "entries": count,
        "nodes": NODES,
        "pause ms": round(PAUSE * 1000),
        "shorter pauses": shorter,
        "durability": "the own entry: WAL, synchronous=FULL, before it leaves; at each further node WAL, synchronous="
        "NORMAL: its run before it is passed on, its tables right after, at the last node before the clock stops",
        "rival durability": running.DURABILITY[running.GOSSIPSUB] if present else None,
    }


def _ratios(mine: dict[str, float], other: dict[str, float]) -> dict[str, float] | None:
    return {name: round(other[name] / mine[name], 2) for name in mine} if other else None


def _figures(runs: Sequence[Sequence[float]]) -> dict[str, float]:
    if not runs:
        return {}
    return {
        "median": round(statistics.median(statistics.median(run) for run in runs), 2),
        "p99": round(statistics.median(percentile(run, 0.99) for run in runs), 2),
    }
