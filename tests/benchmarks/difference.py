"""W2, the difference: two real nodes that both keep 100,000 entries, and 50 more each, come level both ways.

The entries are 10,000 logs of 10; 50 logs are one entry longer here, 50 others there. W2: strangers, without a cursor
of each other. W2a: peers that met before. The clock starts when one begins to connect, and stops when both have
committed what they lacked: handshake, comparison, transfer, verification and commit are inside. Both nodes are fresh
processes, up and idle. The bytes are those of one more meeting, counted on the wire by a relay between the two, in
both directions, the HTTP upgrade included; no time is taken then.

    python -m tests.benchmarks.difference --runs 5
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import apsw

from netnode.testing import Mesh, Node, wait_until
from protocol.logfile import encode_run, encode_start
from protocol.run import run_of
from tests.benchmarks import sources
from tests.benchmarks.meeting import CONNECTS, STORED
from tests.benchmarks.rivals import running
from tests.benchmarks.rivals.installing import Rivals

LOGS: Final = 10_000
EACH: Final = 10
MORE: Final = 50
RUNS: Final = 5
NAMES: Final = ("left", "right")
OWN_ENTRIES: Final = 2  # inception and profile
SETTLE_SECONDS: Final = 0.3  # cursors are written last
PATIENCE: Final = 240.0
MEET_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Member:
    """A running node and the notes it makes."""

    node: Node
    notes: BinaryIO


class Pair:
    """Two homes that keep the same logs, and how often they were given other new entries."""

    def __init__(self, nodes: Mesh, logs: int = LOGS, more: int = MORE) -> None:
        self._nodes = nodes
        self._logs = logs
        self._more = more
        self._next = 0
        if (nodes.folder / NAMES[0]).exists():  # of an earlier call: both hold the same
            for file in nodes.folder.glob("*.ready"):
                file.unlink()
            self._next = self._held() - logs * EACH - len(NAMES) * OWN_ENTRIES
            return
        workload = sources.Workload("W2", logs, EACH)
        file = nodes.folder / "common.inx"
        file.write_bytes(sources.log_file(workload)[0])
        for name in NAMES:
            node = nodes.start(name)
            answer = node.ask("log", "import", file)
            assert answer["added"] == workload.entries and not answer["refused"], answer
            _idle(node)
            node.end()
        file.unlink()

    def _held(self) -> int:
        store = apsw.Connection(str(self._nodes.folder / NAMES[0] / "store.sqlite3"))
        held: int = store.execute("SELECT sum(seq + 1) FROM log").get
        store.close()
        return held

    def meet(self, *, strangers: bool, relay: Relay | None = None) -> float:
        """Gives each side new entries of `more` logs and lets them meet; the seconds until both are level."""
        self._part(strangers)
        with ExitStack() as stack:
            members = [stack.enter_context(self._member(name)) for name in NAMES]
            for member in members:
                self._add(member.node)
            left, right = members
            held = left.node.api.get("/status")["logs"]
            # At first: the own log too
            lacking = self._more if held == self._logs + 2 else self._more + OWN_ENTRIES
            for member in members:
                _idle(member.node)
                _drain(member.notes)
            uri = right.node.invite()
            if relay is not None:
                relay.to(right.node.port)
                uri = uri.replace(str(right.node.port), str(relay.port))
            left.node.api.post("/peers/add", {"uri": uri})
            began = _noted(left.notes, CONNECTS, 1)
            ended = max(_noted(member.notes, STORED, lacking) for member in members)
            for member in members:
                _idle(member.node)
            time.sleep(SETTLE_SECONDS)
        return (ended - began) / 1e9

    def _part(self, strangers: bool) -> None:
        """Neither finds the other by itself; as strangers they keep no cursor of each other either."""
        for name in NAMES:
            store = apsw.Connection(str(self._nodes.folder / name / "store.sqlite3"))
            for table in ("peer", "address", "cursor") if strangers else ("peer", "address"):
                store.execute(f"DELETE FROM {table}")
            store.close()

    def _add(self, node: Node) -> None:
        """The next entry of `more` logs that nobody has."""
        first, self._next = self._next, self._next + self._more
        runs = [run_of(sources.log(number, EACH + 1)[-1:]) for number in range(first, self._next)]
        file = self._nodes.folder / "more.inx"
        file.write_bytes(encode_start(sources.NETWORK) + b"".join(map(encode_run, runs)))
        answer = node.ask("log", "import", file)
        assert answer["added"] == self._more and not answer["refused"], answer

    @contextmanager
    def _member(self, name: str) -> Iterator[Member]:
        reading, writing = os.pipe()
        wrapper = (sys.executable, "-m", "tests.benchmarks.meeting", str(writing))
        with open(reading, "rb", buffering=0) as notes:
            node = self._nodes.start(name, program=wrapper, pass_fds=[writing])
            os.close(writing)
            yield Member(node, notes)
            node.end()


def _idle(node: Node) -> None:
    wait_until(lambda: node.api.get("/status")["lag"] == 0, "the catalogue is level", PATIENCE)


def _drain(notes: BinaryIO) -> None:
    while select.select([notes], [], [], 0)[0]:
        notes.read(4096)


def _noted(notes: BinaryIO, what: str, least: int) -> int:
    """The time at which notes of that kind reached a count, in nanoseconds."""
    count = 0
    line = b""
    end = time.monotonic() + MEET_SECONDS
    while time.monotonic() < end:
        if not select.select([notes], [], [], 1.0)[0]:
            continue
        byte = notes.read(1)
        assert byte, "a node ended"
        if byte != b"\n":
            line += byte
            continue
        name, number, at = line.decode().split()
        line = b""
        if name == what:
            count += int(number)
            if count >= least:
                return int(at)
    raise AssertionError(f"{count} of {least} {what} within {MEET_SECONDS:.0f} s")


class Relay:
    """Passes bytes between two nodes and counts them; close it with `close`."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._target = 0
        self.bytes = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def to(self, port: int) -> None:
        """Begins to count anew; what connects from now on is passed to that port."""
        self._target, self.bytes = port, 0

    def close(self) -> None:
        """Takes no more."""
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:  # somebody still knows this address, from an earlier meeting
                near.close()
                continue
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                with self._lock:
                    self.bytes += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def measure(
    rounds: int = RUNS,
    logs: int = LOGS,
    more: int = MORE,
    kept: Path | None = None,
    rivals: Rivals | None = None,
) -> dict[str, Any]:
    """Both workloads: ``{"W2": row, "W2a": row}``; `own` and `runs` are milliseconds, `bytes` go both ways.

    Args:
        rounds: meetings of each kind; the median counts.
        logs: logs of ten entries that both keep.
        more: logs that are one entry longer on each side.
        rivals: where rust-nostr is installed; its meetings and those of W2 take turns. It knows no peers that met
            before, so W2a stands beside the same figures.
        kept: a folder for the homes, left as it is afterwards and used again; they take a minute to make.
    """
    with ExitStack() as stack:
        folder = kept or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="netnode-bench-")))
        nodes = stack.enter_context(Mesh(folder))
        pair = Pair(nodes, logs, more)
        relay = Relay()
        rival = None
        if rivals is not None and rivals.has(running.NOSTR):
            rival = stack.enter_context(running.nostr_pair(rivals, logs * EACH))
            rival.meet(more, rival.port)  # not counted, as below
        theirs: list[float] = []
        their_bytes = 0
        pair.meet(strangers=True)  # not counted: at first they get each other's own log too
        found = {}
        for name, strangers in (("W2", True), ("W2a", False)):
            took = []
            for _ in range(rounds):
                took.append(pair.meet(strangers=strangers))
                if rival is not None and strangers:
                    theirs.append(rival.meet(more, rival.port))
            if rival is not None and strangers:
                relay.to(rival.port)
                rival.meet(more, relay.port)
                their_bytes = relay.bytes
            pair.meet(strangers=strangers, relay=relay)
            own = statistics.median(took) * 1000
            found[name] = {
                "own": round(own, 1),
                "unit": "ms",
                "rival": round(statistics.median(theirs), 1) if theirs else None,
                "ratio": round(statistics.median(theirs) / own, 2) if theirs else None,
                "rival name": running.NOSTR if theirs else None,
                "rival runs": [round(each, 1) for each in theirs],
                "runs": [round(each * 1000, 1) for each in took],
                "bytes": relay.bytes,
                "bytes_ratio": round(their_bytes / relay.bytes, 2) if theirs else None,
                "rival bytes": their_bytes if theirs else None,
                "entries": logs * EACH,
                "logs": logs,
                "lacking": [more, more],
                "durability": "WAL, synchronous=NORMAL for others' entries",
                "rival durability": running.DURABILITY[running.NOSTR] if theirs else None,
            }
        relay.close()
    return found


def main() -> None:
    """Measures and prints JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.difference", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--logs", type=int, default=LOGS)
    parser.add_argument("--more", type=int, default=MORE)
    parser.add_argument("--keep", type=Path, help="a folder for the homes, used again by the next call")
    chosen = parser.parse_args()
    json.dump(measure(chosen.runs, chosen.logs, chosen.more, chosen.keep), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
