"""What goes wrong in a run: each class of fault as one coroutine that begins it, waits, and takes it back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from netnode.simulator.links import SimLink
from netnode.simulator.nodes import SimNode

if TYPE_CHECKING:
    from netnode.simulator.playing import Play

DAY_MS: Final = 86_400_000
DOWN: Final = (0.5, 40.0)  # virtual seconds a node is away
LONG: Final = (2.0, 90.0)  # virtual seconds most faults last
SLOW: Final = (2_000.0, 60_000.0)  # bytes per second of a slow reader
AWAITS: Final = 3_000  # a crash comes within so many callbacks
COMMITS: Final = 12
STRIKES: Final = 60  # quarters of a virtual second until a crash that did not come comes all the same


class Troubles:
    """Faults of one run.

    Args:
        play: whose options say which classes of faults there are, and how often.
    """

    def __init__(self, play: Play) -> None:
        self._play = play
        self._world = play.world
        self._chance = play.world.chance("troubles")
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._faults: Mapping[str, Callable[[], Awaitable[None]]] = {
            "clock": self._clock,
            "clog": self._clog,
            "crash": self._crash,
            "disk_error": self._disk_error,
            "disk_full": self._disk_full,
            "half_open": self._half_open,
            "partition": self._partition,
            "refuse": self._refuse,
            "reset": self._reset,
            "restart": self._restart,
            "slow_reader": self._slow_reader,
            "stall": self._stall,
        }

    async def run(self) -> None:
        """Lets faults of the classes that are on happen, until cancelled; those begun go on until `end`."""
        if not self._play.options.faults:
            return
        while True:
            await asyncio.sleep(self._chance.uniform(0.2, 2 * self._play.options.fault_every))
            self.begin(self._chance.choice(self._play.options.faults))
            for task in [each for each in self._tasks if each.done()]:
                del self._tasks[task]
                task.result()

    def begin(self, fault: str) -> None:
        """Lets one fault of a class happen now."""
        self._play.seen.mark(f"fault {fault}")
        self._tasks[asyncio.ensure_future(self._faults[fault]())] = None

    async def end(self) -> None:
        """Takes all faults back; nodes that are away stay so."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for error in ended:
            if isinstance(error, Exception):
                raise error
        self._world.network.heal()
        self._world.loop.at_no_event()
        for node in self._world.nodes.values():
            node.disk.fault = None
            node.disk.doom()
            node.clock.skew_ms = 0

    # -- who -------------------------------------------------------------------------------------------------
    def _node(self) -> SimNode:
        return self._chance.choice(self._play.nodes)

    def _some_link(self) -> SimLink | None:
        links = self._world.network.links()
        return self._chance.choice(links) if links else None

    async def _last(self, low: float = LONG[0], high: float = LONG[1]) -> None:
        await asyncio.sleep(self._chance.uniform(low, high))

    # -- links -----------------------------------------------------------------------------------------------
    async def _clog(self) -> None:
        """One or, swizzled, several ways are clogged and open one after the other in another order."""
        nodes = self._play.nodes
        if len(nodes) < 2:
            return
        walls = []
        try:
            for _ in range(1 if self._chance.random() < 0.6 else len(nodes)):
                one, other = self._chance.choice(nodes), self._chance.choice(nodes)
                if one is not other:
                    walls.append(self._world.network.clog(one.name, other.name))
                    await self._last(0.1, 5.0)
            await self._last()
            self._chance.shuffle(walls)
            while walls:
                self._world.network.fall(walls.pop())
                await self._last(0.1, 5.0)
        finally:
            for wall in walls:
                self._world.network.fall(wall)

    async def _partition(self) -> None:
        """Even, one alone, or one that hears and is not heard."""
        network, names = self._world.network, [node.name for node in self._play.nodes]
        self._chance.shuffle(names)
        kind = self._chance.below(3)
        if kind == 0:
            wall = network.partition(names[: len(names) // 2], names[len(names) // 2 :])
        elif kind == 1:
            wall = network.isolate(names[0])
        else:
            wall = network.wall((names[0], other) for other in names[1:])
        try:
            await self._last(5.0, 120.0)
        finally:
            network.fall(wall)

    async def _reset(self) -> None:
        """A link breaks now, or in the middle of a message to come."""
        link = self._some_link()
        if link is None:
            return
        if self._chance.random() < 0.5 or link.to is None:
            self._world.network.reset(link)
        else:
            link.to.cut_at = link.to.sent + self._chance.below(4_000)

    async def _half_open(self) -> None:
        link = self._some_link()
        if link is not None:
            self._world.network.half_open(link)

    async def _refuse(self) -> None:
        host = self._world.network.place(self._node().name)
        host.refuses = True
        try:
            await self._last()
        finally:
            host.refuses = False

    async def _stall(self) -> None:
        host = self._world.network.place(self._node().name)
        host.stalls = True
        try:
            await self._last()
        finally:
            host.stalls = False

    async def _slow_reader(self) -> None:
        host = self._world.network.place(self._node().name)
        host.read_rate = self._chance.uniform(*SLOW)
        try:
            await self._last()
        finally:
            host.read_rate = 0.0

    # -- nodes -----------------------------------------------------------------------------------------------
    async def _crash(self) -> None:
        """The power goes: between two awaits, in the middle of a commit, or of a write; it comes back later."""
        node = self._node()
        if not node.up:
            return
        kind = self._chance.below(3)
        if kind == 0:
            when = self._world.loop.events + 1 + self._chance.below(AWAITS)
            self._world.loop.at_event(when, lambda: self._play.crash(node))
        elif kind == 1:
            node.disk.doom(commit=1 + self._chance.below(COMMITS))
        else:
            node.disk.doom(write=1 + self._chance.below(10 * COMMITS))
        waits = self._chance.uniform(*DOWN)
        life = node.lives
        for _ in range(STRIKES):
            await asyncio.sleep(0.25)
            if not node.up or node.lives != life:
                break
        if node.lives != life:
            return
        if kind and not node.up:
            self._play.fell(node)
        self._play.crash(node)
        await asyncio.sleep(waits)
        await self._play.start(node)

    async def _restart(self) -> None:
        node = self._node()
        await self._play.stop(node)
        await self._last(*DOWN)
        await self._play.start(node)

    async def _disk_full(self) -> None:
        await self._disk("full")

    async def _disk_error(self) -> None:
        await self._disk("error" if self._chance.random() < 0.7 else "readonly")

    async def _disk(self, fault: str) -> None:
        node = self._node()
        if node.disk.fault is None:
            with node.disk.failing(fault, self._chance.below(60)):
                await self._last(1.0, 40.0)

    async def _clock(self) -> None:
        """A wall clock jumps, a little or by days; some are set right again."""
        node = self._node()
        most = self._chance.choice((30_000, 300_000, 2 * DAY_MS))
        by = round(self._chance.uniform(-most, most))
        if abs(by) > 60_000:
            self._play.oracle.wrong_clocks.add(node.name)
        node.clock.jump(by)
        await self._last()
        node.clock.jump(-by)
