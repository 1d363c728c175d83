"""A machine like a Raspberry Pi: one core and 256 MB for a node that keeps 200,000 entries.

The node runs on one core and may not have more than 256 MB. Where control groups can be made, the kernel holds it to
that, file cache included; elsewhere its private memory is bounded by a limit on its data, and the highest resident
set is looked at. It starts, takes in what another node has, is asked while it does, and searches.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from netnode.testing import Mesh, Node
from tests.benchmarks.growth import copied, grown, resident, selfish
from tests.benchmarks.sources import Workload

ENTRIES: Final = 200_000
MEMORY: Final = 256 * 1024 * 1024
SEARCHES: Final = 100
NUMBERS: Final = 5_000_000
GROUPS: Final = Path("/sys/fs/cgroup")


def options(parser: argparse.ArgumentParser) -> None:
    """Adds its options."""
    parser.add_argument("--entries", type=int, default=ENTRIES)


def run(chosen: argparse.Namespace) -> str:
    """Runs it; the sentence to print."""
    with Mesh() as nodes:  # its folder stays when it fails
        figures = small_machine(nodes, chosen.entries)
    return ", ".join(f"{name}: {value}" for name, value in figures.items())


@contextmanager
def control_group(memory: int) -> Iterator[Path | None]:
    """A control group of so much memory without swap; None where this process may not make one."""
    versions = (
        (GROUPS, {"memory.max": memory, "memory.swap.max": 0}),
        (GROUPS / "memory", {"memory.limit_in_bytes": memory}),
    )
    made = None
    for root, limits in versions:
        group = root / f"netnode-test-{os.getpid()}"
        if not (root / "cgroup.procs").exists():
            continue
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for name, value in limits.items():
                if name == "memory.swap.max" and not (group / name).exists():
                    continue
                (group / name).write_text(str(value))
            made = group
            break
        except OSError:
            group.rmdir()
    try:
        yield made
    finally:
        if made is not None:
            made.rmdir()


def confined(group: Path | None, memory: int) -> Callable[[], None]:
    """What a process does before it runs the node: it goes into the group, and to one core."""

    def confine() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        if group is None:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        else:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    return confine


def small_machine(nodes: Mesh, entries: int = ENTRIES, memory: int = MEMORY) -> dict[str, Any]:
    """Runs it; fails when the node ends, or takes more than it may have."""
    grown(nodes, "small", entries, step=50_000)
    with (
        selfish(nodes, "other", Workload("other", 100, 10), NUMBERS) as other,
        control_group(memory) as group,
    ):
        confine = confined(group, memory)
        began = time.perf_counter()
        node = nodes.start("small", preexec_fn=confine)
        start = time.perf_counter() - began
        up = resident(node)
        rate = copied(node, other, 1_000)
        took = sorted(_search(node, number) for number in range(SEARCHES))
        held = node.api.get("/status")["entries"]
        peak = resident(node, "VmHWM")
        assert held >= entries + 1_000, held
        assert peak * 1e6 < memory, f"{peak} MB at its highest"
        assert node.end() == 0
    return {
        "held to it by": "the data limit and a look at the peak" if group is None else "a control group",
        "entries": held,
        "start s": round(start, 2),
        "entries/s taken in": round(rate),
        "search ms, median": round(statistics.median(took) * 1000, 1),
        "search ms, p99": round(took[int(0.99 * len(took))] * 1000, 1),
        "memory MB, up": up,
        "memory MB, highest": peak,
    }


def _search(node: Node, number: int) -> float:
    began = time.perf_counter()
    node.api.get("/search", text=("ba", "ke lo", "mitu", "amber basket")[number % 4], limit=20)
    return time.perf_counter() - began
