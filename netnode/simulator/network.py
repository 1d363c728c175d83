"""The network of a world: hosts at addresses, links between them, and everything that goes wrong with links.

All addresses look public, since a node does not dial private ones that strangers told it; nothing leaves the process.
A host behind NAT dials, and cannot be dialled.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from netnode.ports import PEER_PATH, Link, LinkClosed
from netnode.simulator.chance import Stream
from netnode.simulator.links import Line, Pipe, SimLink
from netnode.simulator.virtual_time import VirtualLoop, over
from protocol import limits
from protocol.address import Scope, host_scope

PORT: Final = 4747
_FIRST: Final = (20, 80)  # first bytes of addresses that look public
_GROUPS: Final = 40  # network groups that hosts are spread over
_SHUTDOWN_SECONDS: Final = 60.0

Pair = tuple[str, str]


@dataclass(slots=True)
class Host:
    """One host.

    Attributes:
        name: of the node or peer.
        ip: its address.
        dialled: whether it can be dialled at all.
        refuses: it answers a dial with a refusal.
        stalls: links to it open, and then nobody is there.
        read_rate: bytes per second that it reads; 0: as fast as they come.
        sent: bytes it sent.
        received: bytes it received.
    """

    name: str
    ip: str
    dialled: bool = True
    refuses: bool = False
    stalls: bool = False
    read_rate: float = 0.0
    sent: int = 0
    received: int = 0
    listener: SimListener | None = None
    links: dict[SimLink, None] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it is dialled."""
        return f"ws://{self.ip}:{PORT}{PEER_PATH}"


class SimNetwork:
    """All hosts, links and faults.

    Args:
        loop: virtual time; its trace takes in each message.
        chance: makes streams of chance by name.
        latency: seconds one way, of the slowest pair of hosts; each pair draws from a fifth of it up.
        jitter: seconds, at most.
        bandwidth: bytes per second of a link; 0: no bound.
        fault: told of a fault of a listener that its node did not handle.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        chance: Callable[[str], Stream],
        *,
        latency: float = 0.02,
        jitter: float = 0.005,
        bandwidth: float = 0.0,
        fault: Callable[[str, BaseException], None] = lambda name, error: None,
    ) -> None:
        self.loop = loop
        self.fault = fault
        self.hosts: dict[str, Host] = {}
        self.messages = 0
        self.cut_after: Callable[[str, str], int | None] = lambda source, target: None
        self._chance = chance
        self._latency = latency
        self._jitter = jitter
        self._bandwidth = bandwidth
        self._lines: dict[Pair, tuple[Line, Stream]] = {}
        self._by_ip: dict[str, Host] = {}
        self._walls: dict[int, frozenset[Pair]] = {}
        self._shut: dict[Pair, int] = {}
        self._raised = 0
        self._changed = asyncio.Event()

    # -- places ----------------------------------------------------------------------------------------------
    def place(self, name: str, group: str | None = None) -> Host:
        """The host of a name, put at an address when it is new; the same name and seed give the same address.

        Args:
            name: of the host.
            group: ``"a.b"``, the first two bytes of its address, which are its network group; None draws one.
        """
        host = self.hosts.get(name)
        if host is None:
            chance = self._chance(f"address {name}")
            if group is None:
                which = self._chance(f"group {chance.below(_GROUPS)}")
                group = f"{_FIRST[0] + which.below(_FIRST[1] - _FIRST[0])}.{which.below(256)}"
            while (ip := f"{group}.{chance.below(256)}.{1 + chance.below(254)}") in self._by_ip:
                pass
            host = self.hosts[name] = self._by_ip[ip] = Host(name, ip)
        return host

    def address(self, name: str) -> str:
        """Where a name is dialled."""
        return self.place(name).address

    def dialer(self, name: str) -> SimDialer:
        """Opens links from a name's address."""
        return SimDialer(self, self.place(name))

    def listener(self, name: str) -> SimListener:
        """Accepts links at a name's address."""
        return SimListener(self, self.place(name))

    def line(self, source: str, target: str) -> Line:
        """How the way from one host to another is; may be changed, and concerns new links."""
        return self._way(source, target)[0]

    def _way(self, source: str, target: str) -> tuple[Line, Stream]:
        way = self._lines.get((source, target))
        if way is None:
            chance = self._chance(f"line {source} {target}")
            latency = self._latency * chance.uniform(0.2, 1.0)
            way = self._lines[source, target] = (Line(latency, self._jitter, self._bandwidth), chance)
        return way

    # -- links -----------------------------------------------------------------------------------------------
    def links(self, name: str | None = None) -> list[SimLink]:
        """The open ends at a host, or of all hosts, in the order in which they were opened."""
        hosts = self.hosts.values() if name is None else (self.hosts[name],)
        return [link for host in hosts for link in host.links if link.open]

    def join(self, dialling: Host, listening: Host, address: str) -> tuple[SimLink, SimLink]:
        """Both ends of a new link: of the dialling and of the listening host."""
        near = SimLink(self.loop, dialling.name, urlsplit(address).netloc, listening.ip)
        far = SimLink(self.loop, listening.name, dialling.ip, dialling.ip)
        self._pipe(near, far)
        self._pipe(far, near)
        for host, link in ((dialling, near), (listening, far)):
            for ended in [each for each in host.links if not each.open]:
                del host.links[ended]
            link.reads_at(lambda host=host: host.read_rate)  # type: ignore[misc]
            host.links[link] = None
        return near, far

    def _pipe(self, source: SimLink, end: SimLink) -> None:
        pair = (source.owner, end.owner)
        line, chance = self._way(*pair)
        pipe = Pipe(line, chance, source.owner, end, lambda: pair in self._shut, self._delivered)
        pipe.cut_at = self.cut_after(*pair)
        source.to = pipe
        pipe.look()

    def _delivered(self, pipe: Pipe, data: bytes) -> None:
        self.messages += 1
        self.hosts[pipe.source].sent += len(data)
        self.hosts[pipe.end.owner].received += len(data)
        self.loop.trace.note("message", f"{pipe.source}>{pipe.end.owner}", data)

    # -- faults: ways ----------------------------------------------------------------------------------------
    def wall(self, pairs: Iterable[Pair]) -> int:
        """Lets nothing through from the first to the second host of each pair; the number is for `fall`."""
        self._raised += 1
        shut = frozenset(pairs)
        self._walls[self._raised] = shut
        for pair in sorted(shut):
            self._shut[pair] = self._shut.get(pair, 0) + 1
        self._look(shut)
        return self._raised

    def fall(self, number: int) -> None:
        """Takes a wall away; fine when it is gone."""
        pairs = self._walls.pop(number, frozenset())
        for pair in sorted(pairs):
            self._shut[pair] -= 1
            if not self._shut[pair]:
                del self._shut[pair]
        self._look(pairs)

    def clog(self, source: str, target: str) -> int:
        """Nothing comes from one host to another, while the other direction works."""
        return self.wall([(source, target)])

    def partition(self, *sides: Sequence[str]) -> int:
        """Nothing comes from one side to another; hosts that no side names reach all."""
        return self.wall(
            (one, other)
            for side in sides
            for another in sides
            if another is not side
            for one in side
            for other in another
        )

    def isolate(self, name: str, others: Collection[str] | None = None) -> int:
        """Cuts one host off from others, or from all there are."""
        return self.partition([name], [each for each in (others or self.hosts) if each != name])

    def heal(self) -> None:
        """Takes all walls away, lets everybody accept, read and be cut no more."""
        for number in list(self._walls):
            self.fall(number)
        for host in self.hosts.values():
            host.refuses = host.stalls = False
            host.read_rate = 0.0
        self.cut_after = lambda source, target: None
        for link in self.links():
            if link.to is not None:
                link.to.cut_at = None

    def is_shut(self, source: str, target: str) -> bool:
        """Whether nothing comes from one host to another."""
        return (source, target) in self._shut

    def _look(self, pairs: Collection[Pair]) -> None:
        for link in self.links():
            if link.to is not None and (link.to.source, link.to.end.owner) in pairs:
                link.to.look()
        self._changed.set()
        self._changed = asyncio.Event()

    async def opened(self, source: str, target: str) -> None:
        """Returns once something gets through both ways between two hosts."""
        while self.is_shut(source, target) or self.is_shut(target, source):
            await self._changed.wait()

    # -- faults: links ---------------------------------------------------------------------------------------
    def reset(self, link: SimLink) -> None:
        """Breaks a link for both ends at once; what was on its way is lost."""
        far = link.to.end if link.to is not None else None
        link.broken(text="the link was reset")
        if far is not None:
            far.broken(text="the link was reset")

    def half_open(self, link: SimLink) -> None:
        """This end's host forgets the link; the other side does not hear of it, and finds out by itself."""
        link.broken(text="the link broke")
        if link.to is not None:
            link.to.silence()

    def die(self, name: str, *, silent: bool = False) -> None:
        """A host goes: nobody listens there, and its links end; `silent`: without a word to the others."""
        host = self.hosts[name]
        if host.listener is not None:
            host.listener.kill()
        for link in list(host.links):
            if link.open:
                (self.half_open if silent else self.reset)(link)
        host.links.clear()


class SimDialer:
    """`netnode.ports.Dialer` of one host."""

    def __init__(self, network: SimNetwork, host: Host) -> None:
        self._network = network
        self._host = host
        self._opened: dict[SimLink, None] = {}
        self._closed = False

    async def dial(self, address: str, *, public: bool = False) -> Link:
        """Opens a link. Raises OSError."""
        parts = urlsplit(address)
        network, source = self._network, self._host
        target = network._by_ip.get(parts.hostname or "")
        if public and host_scope(parts.hostname or "") is not Scope.PUBLIC:
            raise OSError("the address leads into a private network")
        if self._closed:
            raise OSError("the dialler is closed")
        try:
            async with asyncio.timeout(limits.HANDSHAKE_SECONDS):
                if target is None:
                    await asyncio.Event().wait()  # nobody there: no answer at all
                    raise OSError("no answer")
                await self._reach(target, parts.port or 80)
        except TimeoutError as error:
            raise OSError(f"no answer within {limits.HANDSHAKE_SECONDS} s") from error
        near, far = network.join(source, target, address)
        for ended in [each for each in self._opened if not each.open]:
            del self._opened[ended]
        self._opened[near] = None
        if not target.stalls and target.listener is not None:
            target.listener.accept(far)
        return near

    async def _reach(self, target: Host, port: int) -> None:
        network, source = self._network, self._host
        way, back = network.line(source.name, target.name), network.line(target.name, source.name)
        await asyncio.sleep(2 * (way.latency + back.latency))  # TCP, then the upgrade to a WebSocket
        await network.opened(source.name, target.name)
        if not target.dialled:
            await asyncio.Event().wait()
        if not target.stalls and (target.refuses or target.listener is None or port != PORT):
            raise OSError("cannot connect: Connection refused")

    async def close(self) -> None:
        """Ends the links it opened."""
        self._closed = True
        for link in list(self._opened):
            await link.close(1001, "")
        self._opened.clear()


class SimListener:
    """`netnode.ports.Listener` of one host. Its tasks run where `start` was called."""

    def __init__(self, network: SimNetwork, host: Host) -> None:
        self._network = network
        self._host = host
        self._on_link: Callable[[Link], Awaitable[None]] | None = None
        self._context: contextvars.Context | None = None
        self._tasks: dict[asyncio.Task[None], SimLink] = {}

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where peers reach it."""
        return (self._host.address,)

    async def start(self, on_link: Callable[[Link], Awaitable[None]]) -> None:
        """Begins to accept."""
        self._on_link = on_link
        self._context = contextvars.copy_context()
        self._host.listener = self

    async def close(self) -> None:
        """Accepts no more and ends the links it accepted."""
        self._leave()
        for link in list(self._tasks.values()):
            await link.close(1001, "the node stops")
        for task in list(self._tasks):
            await _ended(task)

    def kill(self) -> None:
        """Accepts no more; what served the links is cancelled."""
        self._leave()
        for task in list(self._tasks):
            task.cancel()

    def tasks(self) -> list[asyncio.Task[None]]:
        """What serves links now."""
        return list(self._tasks)

    def accept(self, link: SimLink) -> None:
        """Serves a link that was dialled to here."""
        if self._on_link is None:
            return
        serving: Coroutine[Any, Any, None] = self._serve(self._on_link, link)
        task = self._network.loop.create_task(
            serving, name=f"{self._host.name} accepts", context=self._context
        )
        self._tasks[task] = link
        task.add_done_callback(self._served)

    def _leave(self) -> None:
        self._on_link = None
        if self._host.listener is self:
            self._host.listener = None

    async def _serve(self, on_link: Callable[[Link], Awaitable[None]], link: SimLink) -> None:
        try:
            await on_link(link)
        except LinkClosed:
            pass  # as the web server takes it: the link is gone
        finally:
            await link.close()

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._network.fault(self._host.name, error)


async def _ended(task: asyncio.Task[None]) -> None:
    """Waits for the end of a task; one that does not end is cancelled, as the web server does."""
    try:
        async with asyncio.timeout(_SHUTDOWN_SECONDS):
            await over(task)
    except TimeoutError:
        task.cancel()
