"""A world: one seed, and everything that follows from it.

Two worlds of one seed and one scenario do the same, event by event; nothing of one is left when it is closed.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from netnode.assembly import Ports
from netnode.connecting import Connections
from netnode.simulator.chance import Stream
from netnode.simulator.clocks import SimClock
from netnode.simulator.disk import SimDisk
from netnode.simulator.lanes import SimExecutor
from netnode.simulator.network import SimDialer, SimListener, SimNetwork
from netnode.simulator.nodes import WHOSE, SimNode, told
from netnode.simulator.options import Options
from netnode.simulator.trace import Trace
from netnode.simulator.virtual_time import Stuck, VirtualLoop
from netnode.sync.sessions import SessionKeeper
from protocol.tags import DEFAULT_NETWORK

T = TypeVar("T")

Build = Callable[[SimNode, SimExecutor], Ports]
"""Makes the outside of a node; a test that switches a rule off gives another one."""

ENDED_AT_ONCE: Final = 50  # nodes; why: what a thousand do at one moment looks as if it had no end
LOG_LINES: Final = 2_000  # newest lines of all nodes' logs that are kept
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


class World:
    """Nodes, their network and everything that happens to them. Use it as a context, and `run` a scenario in it.

    Args:
        seed: decides everything.
        options: sizes, rates and faults; what a link is like is read of it here.
        keep: the newest lines of the trace that are kept.
        build: makes the outside of each node.
        folder: homes are made in a new folder in it; None takes memory where there is some.

    Attributes:
        pages: the web of this world, by address.
        faults: faults of the program that came up anywhere: whatever stands here fails a run.
        log: newest lines of all nodes' logs.
        observers: called with each node that is about to meet peers, and its keeper of sessions.
    """

    def __init__(
        self,
        seed: int,
        options: Options | None = None,
        *,
        keep: int = 0,
        build: Build = SimNode.ports,
        folder: Path | None = None,
    ) -> None:
        self.seed = seed
        self.options = options or Options()
        self.loop = VirtualLoop(lambda now: Trace(now, keep))
        self.trace = self.loop.trace
        self.clock = SimClock(self.loop)
        self.network = SimNetwork(
            self.loop,
            self.chance,
            latency=self.options.latency_ms / 1000,
            jitter=self.options.jitter_ms / 1000,
            bandwidth=self.options.bandwidth,
            fault=self.fault,
        )
        self.nodes: dict[str, SimNode] = {}
        self.pages: dict[str, bytes] = {}
        self.faults: list[str] = []
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.observers: list[Callable[[SimNode, SessionKeeper], None]] = []
        self._build = build
        where = folder or (_MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else None)
        self.folder = Path(tempfile.mkdtemp(prefix="netnode-sim-", dir=where))

    # -- life ------------------------------------------------------------------------------------------------
    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Runs a scenario to its end, then crashes all nodes. Once per world.

        Raises:
            Stuck: nothing goes on, or no time passes; says where each task waits.
        """
        logger = logging.getLogger("netnode")
        before = (logger.propagate, logger.level)
        collecting = gc.isenabled()
        listener = _Listener(self)
        gc.disable()  # a collector that runs when it likes would close things at other moments in each run
        self.loop.set_exception_handler(self._unhandled)
        logger.addHandler(listener)
        logger.propagate = False
        logger.setLevel(logging.WARNING)
        runner = asyncio.Runner(loop_factory=lambda: self.loop)
        try:
            return runner.run(self._through(main))
        finally:
            with suppress(Stuck):
                runner.close()
            logger.removeHandler(listener)
            logger.propagate = before[0]
            logger.setLevel(before[1])
            if collecting:
                gc.enable()

    async def _through(self, main: Coroutine[Any, Any, T]) -> T:
        try:
            return await main
        finally:
            nodes = list(self.nodes.values())
            for start in range(0, len(nodes), ENDED_AT_ONCE):
                some = nodes[start : start + ENDED_AT_ONCE]
                for node in some:
                    node.crash()
                for node in some:
                    await node.gone()

    def close(self) -> None:
        """Removes all that is left of it."""
        for node in self.nodes.values():
            node.disk.close()
        if not self.loop.is_closed():
            self.loop.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def advance(self, seconds: float) -> None:
        """Lets virtual time pass."""
        await asyncio.sleep(seconds)

    async def settle(
        self, so: Callable[[], bool | Awaitable[bool]], within: float, what: str = "", every: float = 0.25
    ) -> float:
        """Waits until something is so, and returns how many virtual seconds that took.

        Args:
            so: asked now and then.
            within: virtual seconds.
            what: for the error.
            every: virtual seconds between two looks.

        Raises:
            AssertionError: it is not so in time.
        """
        began = self.loop.time()
        while True:
            found = so()
            if found if isinstance(found, bool) else await found:
                return self.loop.time() - began
            if self.loop.time() - began >= within:
                raise AssertionError(f"not within {within:.0f} virtual seconds: {what or so}")
            await asyncio.sleep(every)

    # -- what is in it ---------------------------------------------------------------------------------------
    def chance(self, name: str) -> Stream:
        """A stream of chance of that name."""
        return Stream(self.seed, name)

    @property
    def network_name(self) -> str:
        """Name of the INX network."""
        return DEFAULT_NETWORK

    def address(self, name: str) -> str:
        """Where a name answers, and dials from."""
        return self.network.address(name)

    def dialer(self, name: str) -> SimDialer:
        """Opens links from a name's address."""
        return self.network.dialer(name)

    def listener(self, name: str) -> SimListener:
        """Accepts links at a name's address."""
        return self.network.listener(name)

    def targets(self) -> Sequence[SimNode]:
        """The nodes that are up, in the order in which they came into the world."""
        return [node for node in self.nodes.values() if node.up]

    def place(self, name: str, *, skew_ms: int = 0) -> SimNode:
        """A node with an empty home.

        Args:
            name: of the node.
            skew_ms: by how much its clock is wrong.
        """
        if name in self.nodes:
            raise ValueError(f"there is a node {name} already")
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        disk = SimDisk(
            str(folder),
            self.chance(f"disk {name}"),
            lambda changes: self.trace.note("commit", name, str(changes).encode()),
        )
        node = self.nodes[name] = SimNode(self, name, folder / "home", disk, SimClock(self.loop, skew_ms))
        return node

    async def found(self, name: str, settings: Mapping[str, object] = {}, *, skew_ms: int = 0) -> SimNode:
        """A node with the home of a new networker, not started. Raises as `SimNode.found`."""
        node = self.place(name, skew_ms=skew_ms)
        await node.found(settings)
        return node

    def clone(self, node: SimNode, name: str, *, knowing: bool = True) -> SimNode:
        """A second computer with a copy of a node's home; not started.

        Args:
            node: up or down.
            name: of the new one.
            knowing: whether the copy can tell that it is one; the clone of a whole machine cannot.
        """
        copied = self.place(name)
        node.copy(copied.home)
        if not knowing:
            copied.remember()
        return copied

    # -- what nodes ask --------------------------------------------------------------------------------------
    def ports(self, node: SimNode, executor: SimExecutor) -> Ports:
        """The outside for one life of a node."""
        return self._build(node, executor)

    def met(self, node: SimNode, connections: Connections) -> None:
        """Lets the observers look at a node that is about to meet peers."""
        for observer in self.observers:
            observer(node, connections.sessions)

    def fault(self, name: str, error: BaseException) -> None:
        """Notes a fault of the program."""
        self.faults.append(f"{self.loop.time():.3f} {name}: {told(error)}")

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self.fault("the loop", error)
        else:
            self.faults.append(f"{self.loop.time():.3f} the loop: {context.get('message')}")


class _Listener(logging.Handler):
    """Takes in what nodes log; what is logged with a traceback is a fault of the program."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        world = self._world
        line = f"{world.loop.time():.3f} {WHOSE.get()} {record.levelname} {record.getMessage()}"
        world.log.append(line)
        node = world.nodes.get(WHOSE.get())
        if node is not None and node.disk.dead:
            return  # what the rest of a node says while its power is off is nobody's fault
        if record.exc_info is not None and record.exc_info[1] is not None:
            world.faults.append(f"{line}\n{told(record.exc_info[1])}")
