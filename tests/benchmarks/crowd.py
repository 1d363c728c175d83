"""W6, idle and crowd: what a session costs while nothing happens.

One real node is met by many peers, which one other process plays with sessions of its own identity each. Memory is
the node's resident set before and after, once both are quiet; CPU and bytes are those of `SECONDS` in which nothing
happens. The bytes are what the node sends and receives on all its peer links, counted by the peers, the frames of
WebSocket included, those of TCP not.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from netnode.testing import Mesh, wait_until
from tests.benchmarks.homes import settle_home
from tests.benchmarks.rivals.children import child

SESSIONS: Final = 256
SECONDS: Final = 130.0  # two rounds of anti-entropy, and pings
QUIET: Final = 5.0


def resident(pid: int) -> int:
    """Bytes of the resident set."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(sessions: int = SESSIONS, seconds: float = SECONDS, quiet: float = QUIET) -> dict[str, Any]:
    """All figures, per session."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="netnode-bench-")))
        nodes = stack.enter_context(Mesh(folder))
        settle_home(folder / "crowded", max_sessions=sessions + 10, outbound_sessions=0)
        node = nodes.start("crowded")
        time.sleep(quiet)
        pid = node.process.pid
        alone = resident(pid)
        alone_cpu = processor(pid)
        time.sleep(quiet)
        alone_cpu = (processor(pid) - alone_cpu) / quiet
        peers = stack.enter_context(
            child([sys.executable, "-m", "tests.benchmarks.peers", node.invite(), sessions])
        )
        assert peers.hear("open") == sessions
        wait_until(lambda: node.api.get("/status")["sessions"] >= sessions, "all sessions are open", 30.0)
        time.sleep(quiet)
        crowded = resident(pid)
        peers.tell("count")
        before = peers.hear("bytes")
        cpu, began = processor(pid), time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - began
        used = (processor(pid) - cpu) / passed - alone_cpu
        peers.tell("count")
        after = peers.hear("bytes")
        later = resident(pid)
    each = (max(crowded, later) - alone) / sessions
    return {
        "sessions": sessions,
        "KB a session": round(each / 1000, 1),
        "bytes an hour and session": round((after - before) / sessions * 3600 / passed),
        "CPU ms an hour and session": round(used * 3_600_000 / sessions, 1),
        "MB of the node alone": round(alone / 1e6, 1),
        "MB with all sessions": round(later / 1e6, 1),
        "seconds watched": round(passed),
        "must": {"KB a session": 150, "bytes an hour and session": 50_000},
    }
