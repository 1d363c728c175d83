"""One production node of a world: its lives, from starts to stops and crashes, and what happens to its home between.

The node is the one of production but for HTTP: `netnode.assembly`, `netnode.lifetime`, the services. Whoever acts for
its owner calls the services through `SimNode.ask`, so that a crash ends the call as it would end a request.
"""

from __future__ import annotations

import asyncio
import contextvars
import shutil
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import apsw

from netnode.assembly import Assembly, Ports, assembled, home_keys
from netnode.backups.scratch import Watch
from netnode.connecting import Connections
from netnode.home import Home
from netnode.homes import founding, restoring, returning
from netnode.keys.rotating import Grant
from netnode.lifetime import meeting, working
from netnode.operations import models
from netnode.operations.runtime import BackupKey, Created, Fetched, Returned
from netnode.ports import Clock, Dialer, Multicast, Web
from netnode.services.node_services import NodeServices
from netnode.services.ports import Serving
from netnode.simulator.ageing import age
from netnode.simulator.chance import SimEntropy, Stream
from netnode.simulator.clocks import SimClock
from netnode.simulator.disk import SimDisk
from netnode.simulator.lanes import SimExecutor
from netnode.simulator.network import PORT, SimNetwork
from netnode.simulator.outside import SimMulticast, SimSealer, SimWeb
from netnode.simulator.virtual_time import over

S = TypeVar("S")
T = TypeVar("T")

WHOSE: Final = contextvars.ContextVar("netnode.simulator.nodes.WHOSE", default="")
"""The name of the node whose code runs, for its log."""

SETTINGS: Final[Mapping[str, object]] = {
    "backup_every_hours": 0,
    "log_level": "warning",
    "mdns": "off",
    "stamp_asked": 4,
    "stamp_bits": 6,
}
"""Settings of simulated homes, besides those a scenario gives; why: real stamps would take most of a run's time."""

BURIAL_SECONDS: Final = 30.0  # virtual; why: clean-up waits for links and sessions a few seconds at most


class Down(Exception):
    """The node is down, or went down before it answered: nobody knows whether what was asked is done."""


class Surroundings(Protocol):
    """What a node needs of its world."""

    @property
    def network(self) -> SimNetwork:
        """Its network."""

    @property
    def pages(self) -> Mapping[str, bytes]:
        """The web."""

    def chance(self, name: str) -> Stream:
        """A stream of chance of that name."""

    def ports(self, node: SimNode, executor: SimExecutor) -> Ports:
        """The outside for one life of a node."""

    def met(self, node: SimNode, connections: Connections) -> None:
        """Looks at a node that is about to meet peers."""

    def fault(self, name: str, error: BaseException) -> None:
        """A fault of the program, wherever it came up."""


@dataclass(slots=True)
class _Life:
    """One life of a node, from its start to its stop or crash."""

    executor: SimExecutor
    context: contextvars.Context
    stopping: asyncio.Event
    task: asyncio.Task[None] | None = None
    calls: dict[asyncio.Task[Any], None] = field(default_factory=dict)
    dead: bool = False


class SimNode:
    """One node. Make it with `World.found`, `World.place` or `World.clone`.

    Args:
        world: where it lives.
        name: of the node; its host too.
        folder: its home is made in it.
        disk: where the home is.
        clock: its own, for good or bad.

    Attributes:
        created: the new networker with its recovery words; None for a home that came from elsewhere.
        machine: which computer it believes to run on.
        lives: how often it was started.
        changed: what a dishonest owner changed in the program: called in each life before anything runs by itself.
        services: None while it is down.
        parts: None while it is down.
    """

    def __init__(self, world: Surroundings, name: str, folder: Path, disk: SimDisk, clock: SimClock) -> None:
        self.name = name
        self.home = folder
        self.disk = disk
        self.clock = clock
        self.created: Created | None = None
        self.machine = name
        disk.struck = self._struck
        self.lives = 0
        self.changed: Callable[[NodeServices], None] = _nothing
        self.services: NodeServices | None = None
        self.parts: Assembly | None = None
        self.connections: Connections | None = None
        self._world = world
        self._life: _Life | None = None
        self._dying: list[asyncio.Task[Any]] = []
        world.network.place(name)

    @property
    def id(self) -> bytes:
        """The networker, 32 bytes. Raises Problem while the home has none."""
        if self.parts is not None:
            return self.parts.own.id
        ports = self._world.ports(self, self._executor())
        return home_keys(Home(self.home, self.disk), ports, None)[1]

    @property
    def address(self) -> str:
        """Where it is dialled."""
        return self._world.network.address(self.name)

    @property
    def up(self) -> bool:
        """Whether it runs and answers."""
        return self.services is not None

    # -- lives -----------------------------------------------------------------------------------------------
    async def start(self, peers: Sequence[str] = ()) -> None:
        """Starts it, and returns when it meets peers.

        Args:
            peers: addresses or invites, as ``netnode start --peer`` takes them.

        Raises:
            Problem: as the start of a real node.
            Down: it crashed before it was up.
        """
        life = await self._begin()
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        life.task = self._spawn(life, self._live(life, tuple(peers), ready), f"{self.name} lives")
        life.task.add_done_callback(lambda task: self._ended(life, task, ready))
        await ready

    async def stop(self) -> None:
        """Ends it as its owner would; fine when it is down."""
        life = self._life
        if life is None or life.task is None:
            return
        for call in list(life.calls):
            call.cancel()
        life.stopping.set()
        await over(life.task)

    def crash(self, *, silent: bool = False) -> None:
        """The power goes: tasks are gone, links cut, what was not synced is taken back. Fine when it is down.

        Args:
            silent: peers are not told by their links, as when a whole computer goes and not a process.
        """
        life = self._life
        if life is None:
            return
        life.dead = True
        self._down(life)
        self._world.network.die(self.name, silent=silent)
        life.executor.kill()
        self.disk.lose_power()
        self._dying = [each for each in (*life.calls, life.task) if each is not None and not each.done()]
        for task in self._dying:
            task.cancel()

    async def gone(self) -> None:
        """Returns when nothing of a life that crashed runs any more."""
        end = asyncio.get_running_loop().time() + BURIAL_SECONDS
        while self._dying:
            await asyncio.sleep(0.001)
            self._dying = [each for each in self._dying if not each.done()]
            if asyncio.get_running_loop().time() > end:
                names = ", ".join(each.get_name() for each in self._dying)
                self._dying = []
                self._world.fault(self.name, RuntimeError(f"tasks outlive their node: {names}"))

    async def ask(self, work: Callable[[NodeServices], Awaitable[T]]) -> T:
        """Lets the running node do something for its owner: ``await node.ask(lambda each: each.node.status())``.

        Raises:
            Problem: as the service does.
            Down: it is down, or went down before it answered.
        """
        life, services = self._life, self.services
        if life is None or services is None:
            raise Down(f"{self.name} is down")
        task = self._spawn(life, _awaited(work, services), f"{self.name} is asked")
        life.calls[task] = None
        task.add_done_callback(lambda done: life.calls.pop(done, None))
        try:
            await over(task)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.cancelled() or (life.dead and task.exception() is not None):
            raise Down(f"{self.name} went down")
        result: T = task.result()
        return result

    async def _begin(self) -> _Life:
        if self._life is not None:
            raise RuntimeError(f"{self.name} runs already")
        self._life = life = _Life(self._executor(), contextvars.Context(), asyncio.Event())
        life.context.run(WHOSE.set, self.name)
        await self.gone()
        self.disk.revive()
        self.lives += 1
        return life

    def _executor(self) -> SimExecutor:
        chance = self._world.chance(f"executor {self.name} {self.lives}")
        return SimExecutor(chance, lambda: self.disk.slowness, self._look)

    def _struck(self) -> None:
        asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """After each piece of work: the power may have gone in the midst of it."""
        if self.disk.doomed:
            self.crash()

    def _spawn(self, life: _Life, work: Any, name: str) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(work, name=name, context=life.context.copy())

    async def _live(self, life: _Life, peers: tuple[str, ...], ready: asyncio.Future[None]) -> None:
        ports = self._world.ports(self, life.executor)
        place = Home(self.home, ports.disk)
        place.check()
        listener = self._world.network.listener(self.name)
        with place.lock():
            keys, networker = home_keys(place, ports, None)
            async with assembled(place, ports, keys, networker) as parts:
                await parts.ring.save()
                async with meeting(parts, listener, self._front, peers, life.stopping.set) as node:
                    self.changed(node.services)
                    async with working(node):
                        self.services, self.parts, self.connections = node.services, parts, node.connections
                        if not ready.done():  # who started it may have been told to wait no longer
                            ready.set_result(None)
                        await life.stopping.wait()
                        self._down(life)

    @asynccontextmanager
    async def _front(self, connections: Connections, services: NodeServices) -> AsyncIterator[Serving]:
        self._world.met(self, connections)
        host = self._world.network.place(self.name)
        yield Serving(f"http://{host.ip}:{PORT}", host.address, self.clock.now_ms(), (host.address,))

    def _down(self, life: _Life) -> None:
        if self._life is life:
            self.services = self.parts = self.connections = None
            if life.dead:
                self._life = None

    def _ended(self, life: _Life, task: asyncio.Task[None], ready: asyncio.Future[None]) -> None:
        """A life is over: it was stopped, it crashed, it never came up, or the program failed."""
        self._down(life)
        if self._life is life:
            self._life = None
        error = None if task.cancelled() else task.exception()
        if not ready.done():
            ready.set_exception(
                error if error is not None and not life.dead else Down(f"{self.name} went down")
            )
        elif error is not None and not life.dead:
            self._world.fault(self.name, error)

    # -- homes -----------------------------------------------------------------------------------------------
    async def found(self, settings: Mapping[str, object] = {}) -> Created:
        """Makes the home of a new networker, as ``netnode init``.

        Raises:
            Problem: as that does.
            Down: the power went meanwhile.
        """
        await self.gone()
        self.write_settings(settings)
        self.created = await self.offline(lambda ports: founding.found(self.home, ports, self.name, None, ()))
        return self.created

    async def restore(self, file: Path, key: BackupKey) -> models.Restored:
        """Makes the home from a backup, as ``netnode backup restore``. Raises as `found`."""
        return await self.offline(
            lambda ports: restoring.restore(self.home, file, key, Watch(), lambda: ports)
        )

    async def fetch(self, networker: bytes, peers: Sequence[str]) -> Fetched:
        """Brings a log back from peers, as the first half of ``netnode recover``. Raises as `found`."""
        return await self.offline(
            lambda ports: returning.fetched(self.home, ports, networker, peers, lambda answer: None)
        )

    async def take_over(self, networker: bytes, grant: Grant) -> Returned:
        """Rotates to new keys, as its second half. Raises as `found`."""
        return await self.offline(
            lambda ports: returning.taken_over(self.home, ports, networker, grant, None)
        )

    async def offline(self, work: Callable[[Ports], Awaitable[T]]) -> T:
        """Does something with the home while no node runs on it; a crash ends it.

        Raises:
            Down: the power went meanwhile.
        """
        life = await self._begin()
        ports = self._world.ports(self, life.executor)
        life.task = task = self._spawn(life, _awaited(work, ports), f"{self.name} works offline")
        try:
            await over(task)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            if self._life is life:
                self._life = None
        if life.dead:
            if not task.cancelled():
                task.exception()  # looked at: nobody else will
            raise Down(f"{self.name} went down")
        result: T = task.result()
        return result

    def write_settings(self, settings: Mapping[str, object]) -> None:
        """Writes config.toml of a node that is down: these settings, and those of `SETTINGS` they do not name."""
        self._require_down()
        self.disk.revive()
        Home(self.home, self.disk).create()
        lines = [f"{name} = {_toml(value)}" for name, value in {**SETTINGS, **settings}.items()]
        self.disk.write_private(self.home / "config.toml", "\n".join([*lines, ""]).encode())

    def copy(self, folder: Path) -> Path:
        """Copies the home as it stands into a new folder, also while the node runs: a snapshot of its disk."""
        shutil.copytree(self.home, folder, ignore=shutil.ignore_patterns("*-shm", "node.lock", "*.new"))
        return folder

    def put_back(self, folder: Path) -> None:
        """Replaces the home by a copy of it, an older one say; the home can tell. The node must be down."""
        self._require_down()
        for path in sorted(self.home.rglob("*")):
            self.disk.forget(path)
        shutil.rmtree(self.home)
        shutil.copytree(folder, self.home)

    def _require_down(self) -> None:
        if self._life is not None or self._dying:
            raise RuntimeError(f"{self.name} is not down")

    def remember(self) -> None:
        """Lets the home take its place for the one where it has always been."""
        Home(self.home, self.disk).remember(self.machine)

    def age(self, version: int = 1) -> None:
        """Takes the store of a node that is down back to an older version, as a former program left it."""
        self._require_down()
        connection = self.disk.open_database(Home(self.home, self.disk).store, apsw.SQLITE_OPEN_READWRITE)
        try:
            age(connection, version)
        finally:
            connection.close()

    # -- its outside -----------------------------------------------------------------------------------------
    def ports(self, executor: SimExecutor) -> Ports:
        """The ports of one life."""
        entropy = SimEntropy(self._world.chance(f"entropy {self.name} {self.lives}"))
        network = self._world.network
        host = network.place(self.name)

        def dialer() -> Dialer:
            return network.dialer(self.name)

        def web() -> Web:
            return SimWeb(self._world.pages)

        def multicast() -> Multicast:
            return SimMulticast()

        clock: Clock = self.clock
        return Ports(
            clock=clock,
            entropy=entropy,
            executor=executor,
            disk=self.disk,
            sealer=SimSealer(entropy),
            dialer=dialer,
            web=web,
            multicast=multicast,
            machine=lambda: self.machine,
            local=lambda: (host.ip,),
        )


def _nothing(services: NodeServices) -> None:
    """The program of production."""


def told(error: BaseException) -> str:
    """An error with where it came up, for people."""
    return "".join(traceback.format_exception(error))


def _toml(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int) else f'"{value}"'


async def _awaited(work: Callable[[S], Awaitable[T]], given: S) -> T:
    return await work(given)
