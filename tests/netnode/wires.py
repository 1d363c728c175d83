"""Links in memory between diallers and listeners."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from netnode.ports import Link, LinkClosed

WINDOW = 256 * 1024  # bytes on their way in one direction before a sender waits


class MemoryLink:
    """One end of a pipe; `other` is the far end."""

    def __init__(self, remote: str) -> None:
        self.remote = remote
        self.host = host_of(remote)
        self.other: MemoryLink = self
        self.inbox: deque[bytes] = deque()
        self.bytes_in = 0
        self.most = 0
        self.closed: tuple[int, str] | None = None
        self.paused = False
        self.cut_after: int | None = None  # receive this many more messages, then the link breaks
        self._changed = asyncio.Event()

    def _stir(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def send(self, data: bytes) -> None:
        far = self.other
        if self.closed is not None or far.closed is not None:
            raise LinkClosed()
        self._deliver(data)
        while far.bytes_in > WINDOW and self.closed is None and far.closed is None:
            await far._changed.wait()

    def offer(self, data: bytes) -> bool:
        far = self.other
        if self.closed is not None or far.closed is not None or far.bytes_in + len(data) > WINDOW:
            return False
        self._deliver(data)
        return True

    def _deliver(self, data: bytes) -> None:
        far = self.other
        far.inbox.append(data)
        far.bytes_in += len(data)
        far.most = max(far.most, far.bytes_in)
        far._stir()

    async def receive(self) -> bytes:
        while self.paused or not self.inbox:
            if self.closed is not None:
                raise LinkClosed(*self.closed)
            if not self.inbox and self.other.closed is not None:
                raise LinkClosed(*self.other.closed)
            await self._changed.wait()
        if self.cut_after is not None:
            if self.cut_after == 0:
                self.cut()
                raise LinkClosed()
            self.cut_after -= 1
        data = self.inbox.popleft()
        self.bytes_in -= len(data)
        self._stir()
        return data

    async def close(self, code: int = 1000, text: str = "") -> None:
        if self.closed is None:
            self.closed = (code, text)
            self._stir()
            self.other._stir()

    def cut(self) -> None:
        """Breaks the link without a word; what was on its way is lost."""
        for end in (self, self.other):
            end.inbox.clear()
            if end.closed is None:
                end.closed = (1006, "cut")
            end._stir()

    def pause(self, paused: bool = True) -> None:
        """Stops reading at this end, or goes on."""
        self.paused = paused
        self._stir()


def host_of(name: str) -> str:
    """The IP address in the name of a node, `192.0.2.1:4747/inx/1`; empty where there is none."""
    host = name.partition("/")[0].rpartition(":")[0]
    return host if re.fullmatch(r"[0-9.]+", host) else ""


def pipe(dialler: str = "dialler", listener: str = "listener") -> tuple[MemoryLink, MemoryLink]:
    near, far = MemoryLink(listener), MemoryLink(dialler)
    near.other, far.other = far, near
    return near, far


class Wires:
    """Joins diallers and listeners by address; owns the accepting side's tasks."""

    def __init__(self) -> None:
        self.listeners: dict[str, Callable[[Link], Awaitable[None]]] = {}
        self.links: list[tuple[str, str, MemoryLink, MemoryLink]] = []
        self.prepare: Callable[[str, str, MemoryLink, MemoryLink], None] = lambda *_: None
        self._group: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Wires]:
        async with asyncio.TaskGroup() as group:
            self._group = group
            yield self
            for _, _, near, _ in self.links:
                near.cut()

    def connect(self, source: str, address: str) -> MemoryLink:
        on_link = self.listeners.get(address)
        if on_link is None or self._group is None:
            raise OSError(f"nobody listens at {address}")
        near, far = pipe(source, address)
        self.prepare(source, address, near, far)
        self.links.append((source, address, near, far))
        self._group.create_task(self._accepted(on_link, far), name=f"accept at {address}")
        return near

    async def _accepted(self, on_link: Callable[[Link], Awaitable[None]], link: MemoryLink) -> None:
        await on_link(link)
        await link.close()

    def between(self, one: str, other: str) -> list[tuple[MemoryLink, MemoryLink]]:
        """Open links between two names, in either direction."""
        return [
            (near, far)
            for source, address, near, far in self.links
            if {source, address} == {one, other} and near.closed is None and far.closed is None
        ]
