"""Runs the rivals: one run of a workload each, in the unit of the workload."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.rivals.children import HERE, Child, child
from tests.benchmarks.rivals.installing import Rivals

HYPERCORE: Final = "hypercore"
SSB: Final = "ssb-db2"
NOSTR: Final = "nostr-sdk"
GOSSIPSUB: Final = "@libp2p/gossipsub"
DURABILITY: Final = {
    HYPERCORE: "RocksDB, no fsync per batch; one signature per batch",
    SSB: "log file, no fsync; every signature",
    NOSTR: "LMDB; every signature",
    GOSSIPSUB: "nothing is stored; every signature",
}
MESH_SECONDS: Final = 1.5  # a heartbeat and a half: the mesh of the line has formed


@contextmanager
def hypercore_source(rivals: Rivals, entries: int, size: int) -> Iterator[dict[str, Any]]:
    """A process that serves one log; what a copy needs to know."""
    with (
        tempfile.TemporaryDirectory(prefix="rival-") as folder,
        child(
            [*rivals.node, HERE / "hypercore.mjs", rivals.folder, folder, "serve", entries, size]
        ) as source,
    ):
        yield _first(source)


def hypercore_copy(rivals: Rivals, source: dict[str, Any], entries: int) -> float:
    """Seconds of one cold copy."""
    return _copy(rivals, "hypercore.mjs", [entries, source["port"], source["key"]])


@contextmanager
def ssb_source(rivals: Rivals, networkers: int, each: int, size: int) -> Iterator[dict[str, Any]]:
    """A process that serves many feeds; what a copy needs to know."""
    with (
        tempfile.TemporaryDirectory(prefix="rival-") as folder,
        child(
            [*rivals.node, HERE / "ssb.cjs", rivals.folder, folder, "serve", networkers, each, size]
        ) as source,
    ):
        yield _first(source)


def ssb_copy(rivals: Rivals, source: dict[str, Any], entries: int) -> float:
    """Seconds of one cold copy."""
    return _copy(rivals, "ssb.cjs", [entries, source["port"], source["key"], source["feeds"]])


def gossip_line(rivals: Rivals, count: int, size: int, nodes: int, pause: float) -> list[float]:
    """Milliseconds that each of `count` messages took from the first peer of a line to the last."""
    with ExitStack() as stack:
        members: list[Child] = []
        address: list[str] = []
        for _ in range(nodes):
            program = [*rivals.node, HERE / "gossipsub.mjs", rivals.folder, *address]
            members.append(stack.enter_context(child(program)))
            address = [str(members[-1].hear("address"))]
        for place, member in enumerate(members):
            while member.hear("peers") < (1 if place in (0, nodes - 1) else 2):
                pass
        time.sleep(MESH_SECONDS)
        took = []
        for _ in range(count):
            members[0].tell(size)
            begun = members[0].hear("begun")
            took.append((members[-1].hear("arrived") - begun) / 1e6)
            time.sleep(pause)
    return took


class NostrPair:
    """A relay and a client that hold the same events; close it with its context."""

    def __init__(self, relay: Child, client: Child, port: int) -> None:
        self._relay, self._client = relay, client
        self.port = port

    def meet(self, more: int, port: int) -> float:
        """Gives each side so many events of its own; the milliseconds until both are level."""
        for side in (self._relay, self._client):
            side.tell(more)
            side.hear("added")
        self._client.tell(f"sync {port}")
        seconds = float(self._client.hear("seconds"))
        return seconds * 1000


@contextmanager
def nostr_pair(rivals: Rivals, events: int) -> Iterator[NostrPair]:
    """Both processes, with their stores filled."""
    with tempfile.TemporaryDirectory(prefix="rival-") as place:
        folder = Path(place)
        program = [rivals.python, HERE / "nostr.py"]
        with child([*program, folder / "relay", "relay", events, folder / "client"]) as relay:
            port = int(relay.hear("port"))
            with child([*program, folder / "client", "client"]) as client:
                client.hear("ready")
                yield NostrPair(relay, client, port)


def _first(source: Child) -> dict[str, Any]:
    """What a source says when it is ready."""
    found: dict[str, Any] = source.document()
    return found


def _copy(rivals: Rivals, program: str, arguments: list[object]) -> float:
    with (
        tempfile.TemporaryDirectory(prefix="rival-") as folder,
        child([*rivals.node, HERE / program, rivals.folder, folder, "copy", *arguments]) as copier,
    ):
        copier.hear("ready")
        copier.tell("go")
        return float(copier.hear("seconds"))
