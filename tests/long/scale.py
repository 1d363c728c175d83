"""How a network grows: production nodes in virtual time, from 10 to 1,000, each keeping the logs of all.

Every size is a network of its own. Each node is given the logs of all others in a file, so that no time goes into what
`tests.benchmarks` measures; then it dials one node drawn by chance and finds the rest by the exchange of addresses.
Measured is what the network does by itself from there on: sessions, idle traffic, single publications one after the
other, and a crowd that publishes at once while others are away. Ed25519 and all other rules are on.

With ``--write`` the figures go to tests/long/scale.json, from which SPEC.md prints them.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import resource
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from netnode.assembly import Assembly
from netnode.bus import Stored, Subscriber
from netnode.services.node_services import NodeServices
from netnode.simulator.nodes import SimNode
from netnode.simulator.options import Options
from netnode.simulator.world import World
from netnode.store.reader import Reader
from protocol.identity import id_text

SIZES: Final = (10, 30, 100, 300, 1_000)
MEASURED: Final = Path(__file__).with_name("scale.json")
LATENCY_MS: Final = 80.0  # one way, the slowest pair; others from a fifth of it up
JITTER_MS: Final = 20.0
PUBLICATIONS: Final = 10
IN_MEMORY: Final = 300  # nodes whose homes fit into memory
CROWD: Final = 20  # networkers that publish at once, at most
SETTINGS: Final[dict[str, object]] = {"stamp_asked": 0, "stamp_bits": 0}
IDLE_SECONDS: Final = 600.0
PATIENCE_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one size; times are virtual seconds, bytes what one node receives on average."""

    nodes: int
    sessions: float
    hops: float
    reach_95: float
    reach_all: float
    publication_bytes: float
    publication_messages: float
    level: float
    level_bytes: float
    idle_bytes_hour: float
    store_kb: float
    memory_mb: float


def options(parser: argparse.ArgumentParser) -> None:
    """Which sizes."""
    parser.add_argument("--nodes", type=int, nargs="+", default=list(SIZES), metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="put the figures where SPEC.md takes them from")


def run(chosen: argparse.Namespace) -> str:
    """Runs them one after the other."""
    rows = []
    for nodes in chosen.nodes:
        began = time.monotonic()
        rows.append(grown(nodes, chosen.seed))
        print(
            f"{json.dumps(asdict(rows[-1]))}  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True
        )
    if chosen.write:
        told = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
        told["growth"] = [asdict(row) for row in rows]
        MEASURED.write_text(json.dumps(told, indent=1) + "\n")
    worst = max(rows, key=lambda row: row.nodes)
    return (
        f"{', '.join(str(row.nodes) for row in rows)} nodes level and quiet; at {worst.nodes:,} nodes "
        f"95 % have a publication after {worst.reach_95:.2f} s"
    )


def grown(nodes: int, seed: int = 0) -> Row:
    """One network of so many nodes. Raises AssertionError when it does not become level and quiet."""
    folder = Path(tempfile.gettempdir()) if nodes > IN_MEMORY else None
    with World(seed, Options(latency_ms=LATENCY_MS, jitter_ms=JITTER_MS), folder=folder) as world:
        row = world.run(_Network(world).measured(nodes))
        assert not world.faults, world.faults[:3]
        return row


class _Network:
    def __init__(self, world: World) -> None:
        self.world = world
        self.nodes: list[SimNode] = []
        self.newest: dict[tuple[str, bytes], tuple[int, float]] = {}  # of whom, at whom: seq, when

    async def measured(self, count: int) -> Row:
        gc.collect()
        memory = _resident_kb()
        await self._begin(count)
        await self._meet()
        gc.collect()
        memory = _resident_kb() - memory
        idle = await self._idle()
        times, hops, size, messages = await self._publish()
        level, level_bytes = await self._crowd()
        stores = [(node.home / "store.sqlite3").stat().st_size for node in self.nodes]
        return Row(
            nodes=count,
            sessions=round(statistics.mean(len(each) for each in self._peers().values()), 1),
            hops=round(hops, 2),
            reach_95=round(statistics.median(_share(each, 0.95) for each in times), 3),
            reach_all=round(max(max(each) for each in times), 3),
            publication_bytes=round(size),
            publication_messages=round(messages, 2),
            level=round(level, 2),
            level_bytes=round(level_bytes),
            idle_bytes_hour=round(idle),
            store_kb=round(statistics.mean(stores) / 1024),
            memory_mb=round(memory / 1024 / count, 2),
        )

    async def _begin(self, count: int) -> None:
        """Makes the nodes, each with the logs of all."""
        for number in range(count):
            node = await self.world.found(f"node-{number}", SETTINGS)
            self.nodes.append(node)
            await node.start()
        await self.world.advance(5)  # until each has published its encryption key
        first, *others = self.nodes
        for node in others:
            log = await node.ask(partial(_log, author=id_text(node.id)))
            await first.ask(partial(_take, file=log))
        logs = await first.ask(partial(_log, author=None))
        for node in others:
            await node.ask(partial(_take, file=logs))
        for node in self.nodes:
            _parts(node).bus.subscribe(self._seen(node.name))

    def _seen(self, name: str) -> Subscriber:
        def stored(told: Stored) -> None:
            for author, entries in told.entries.items():
                self.newest[name, author] = (entries[-1].seq, self.world.loop.time())

        return stored

    async def _meet(self) -> None:
        """Lets each dial one other, and waits until nobody finds more peers."""
        chance = self.world.chance("who knows whom")
        for number, node in enumerate(self.nodes[1:], 1):
            address = self.nodes[chance.below(number)].address
            await node.ask(lambda services, address=address: services.peers.add(address))  # type: ignore[misc]
        before = 0
        end = self.world.loop.time() + PATIENCE_SECONDS
        while True:
            await self.world.advance(60)
            now = sum(len(each) for each in self._peers().values())
            if now == before or self.world.loop.time() > end:
                return
            before = now

    def _peers(self) -> dict[bytes, list[bytes]]:
        found = {}
        for node in self.nodes:
            assert node.connections is not None
            found[node.id] = [each.id for each in node.connections.sessions.open_sessions()]
        return found

    async def _idle(self) -> float:
        before = self._received()
        await self.world.advance(IDLE_SECONDS)
        return (self._received() - before) / len(self.nodes) * 3600 / IDLE_SECONDS

    def _received(self) -> int:
        return sum(host.received for host in self.world.network.hosts.values())

    async def _publish(self) -> tuple[list[list[float]], float, float, float]:
        """One listing after the other; times until it is at each node, hops between them, bytes and messages."""
        chance = self.world.chance("who publishes")
        times, hops, sizes, counts = [], [], [], []
        for number in range(PUBLICATIONS):
            node = self.nodes[chance.below(len(self.nodes))]
            received, messages, began = self._received(), self.world.network.messages, self.world.loop.time()
            seq = await self._add(node, f"single-{number}")
            others = [each for each in self.nodes if each is not node]
            held = partial(self._held, others, node.id, seq)
            await self.world.settle(held, PATIENCE_SECONDS, "it is at all")
            await self.world.advance(3)  # what was announced meanwhile
            times.append([self.newest[each.name, node.id][1] - began for each in others])
            sizes.append(self._received() - received)
            counts.append(self.world.network.messages - messages)
            hops.append(_distance(self._peers(), node.id))
        each = len(self.nodes) * PUBLICATIONS
        return times, statistics.mean(hops), sum(sizes) / each, sum(counts) / each

    async def _add(self, node: SimNode, key: str) -> int:
        fields = {"kind": "product", "key": key, "title": f"Lamp {key}", "description": "A lamp. " * 40}
        await node.ask(lambda services: services.listings.publish(fields))
        return self.newest[node.name, node.id][0]

    def _held(self, nodes: Sequence[SimNode], author: bytes, seq: int) -> bool:
        return all(self.newest.get((each.name, author), (0, 0.0))[0] >= seq for each in nodes)

    async def _crowd(self) -> tuple[float, float]:
        """A tenth is away while some of the others publish; seconds from the return until all hold equal items."""
        chance = self.world.chance("the crowd")
        drawn = list(self.nodes)
        chance.shuffle(drawn)
        tenth = max(1, len(drawn) // 10)
        away, publishing = drawn[:tenth], drawn[tenth : tenth + min(tenth, CROWD)]
        for node in away:
            node.crash()
            await node.gone()
        for node in publishing:
            await self._add(node, "crowd")
        await self.world.advance(30)
        received, began = self._received(), self.world.loop.time()
        for node in away:
            await node.start()
            _parts(node).bus.subscribe(self._seen(node.name))
        level = await _items(publishing[0])
        waiting = list(self.nodes)

        async def equal() -> bool:
            while waiting and await _items(waiting[-1]) == level:
                waiting.pop()
            return not waiting

        await self.world.settle(equal, PATIENCE_SECONDS, "all hold equal items")
        took = self.world.loop.time() - began
        return took, (self._received() - received) / len(away)


def _parts(node: SimNode) -> Assembly:
    assert node.parts is not None
    return node.parts


async def _log(services: NodeServices, author: str | None) -> bytes:
    return b"".join([piece async for piece in services.log.export(author)])


async def _take(services: NodeServices, file: bytes) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield file

    await services.log.import_file(pieces())


async def _items(node: SimNode) -> list[tuple[object, ...]]:
    """The items of all logs held, without what fingerprints leave out [R-LOG-17]."""
    store = _parts(node).store
    found = await store.read(Reader.items_of, await store.read(Reader.authors))
    return [(each.author, each.standing, each.epoch, each.term, each.seq, each.id) for each in found]


def _share(times: list[float], share: float) -> float:
    """When so large a share of the nodes had it."""
    return sorted(times)[max(0, math.ceil(len(times) * share) - 1)]


def _distance(peers: dict[bytes, list[bytes]], start: bytes) -> float:
    """The mean number of sessions between one node and the others, on the shortest ways."""
    found, edge = {start: 0}, deque([start])
    while edge:
        at = edge.popleft()
        for each in peers[at]:
            if each not in found:
                found[each] = found[at] + 1
                edge.append(each)
    return statistics.mean(each for id_, each in found.items() if id_ != start)


def _resident_kb() -> int:
    """Memory of this process that is resident, in KiB."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * resource.getpagesize() // 1024
