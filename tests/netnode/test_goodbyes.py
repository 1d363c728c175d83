"""A session that this side ends while the other is still sending [R-SES-12]."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from netnode.failures import Failures
from netnode.ports import LinkClosed
from netnode.sync.conversation import Conversation
from protocol.messages import Bye, Heads, Items
from protocol.session import Arrived, Session
from tests.netnode.patience import patience
from tests.netnode.wires import MemoryLink
from tests.protocol.author import NETWORK, Author, seed
from tests.protocol.test_session import NOW, hello, identity


class _Clock:
    def now_ms(self) -> int:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def elapsed(self) -> float:
        return self.monotonic()


class _Stuck(MemoryLink):
    """A link that nothing leaves by while it is stuck."""

    def __init__(self, remote: str) -> None:
        super().__init__(remote)
        self.free = asyncio.Event()
        self.free.set()

    def offer(self, data: bytes) -> bool:
        return self.free.is_set() and super().offer(data)

    async def send(self, data: bytes) -> None:
        await self.free.wait()
        await super().send(data)


async def _nothing(*_: object) -> None:
    """Takes what is not looked at here."""


@dataclass
class _Pair:
    """A conversation that has greeted, and the other side, which does nothing by itself."""

    here: Conversation
    near: _Stuck
    far: MemoryLink
    there: Session
    running: asyncio.Task[tuple[str, str]]

    async def take(self) -> list[object]:
        """The other side takes one message, and sends what that makes it say."""
        events = self.there.receive(await self.far.receive(), NOW)
        for data in self.there.outgoing():
            await self.far.send(data)
        return list(events)


async def _greeted() -> _Pair:
    near, far = _Stuck("far"), MemoryLink("near")
    near.other, far.other = far, near
    sides = [
        Session(
            NETWORK,
            initiator=dials,
            identity=identity(Author(name)),
            hello=hello(),
            ephemeral=seed("e" + name),
        )
        for name, dials in (("a", True), ("b", False))
    ]
    here = Conversation(near, sides[0], _Clock(), Failures())
    running = asyncio.create_task(here.run(_nothing, lambda: None, _nothing, _nothing))
    pair = _Pair(here, near, far, sides[1], running)
    for _ in range(3):  # two of the handshake, and the hello
        await pair.take()
    await here.greeted.wait()
    return pair


async def test_a_message_that_crosses_the_goodbye_is_dropped() -> None:
    """The goodbye still goes out, and the session ends as this side said, by nobody's fault."""
    pair = await _greeted()
    pair.near.free.clear()
    pair.here.leave("twin", "another copy runs")
    pair.there.ask(Heads(limit=10))
    for data in pair.there.outgoing():
        await pair.far.send(data)
    for _ in range(10):  # until this side has taken it
        await asyncio.sleep(0)
    assert not pair.near.inbox
    pair.near.free.set()
    [farewell] = await pair.take()
    assert farewell == Arrived(Bye(code="twin", text="another copy runs"), 0)
    assert await pair.running == ("twin", "another copy runs")
    assert pair.here.fault is None


async def test_who_asked_hears_at_once_that_this_side_ended_the_session() -> None:
    """A letter on its way when a session is replaced by another goes by that one, not half a minute later."""
    pair = await _greeted()
    asked = asyncio.create_task(pair.here.ask(Heads(limit=10), Items))
    await asyncio.sleep(0)
    pair.here.leave("", "replaced by another session")
    await pair.running
    with pytest.raises(LinkClosed):
        async with patience(1.0):
            await asked


async def test_who_asks_in_a_session_whose_link_broke_hears_at_once() -> None:
    """A letter was being sealed when the other side died; it goes by another way, not half a minute later."""
    pair = await _greeted()
    await pair.far.close()
    await pair.running
    with pytest.raises(LinkClosed):
        async with patience(1.0):
            await pair.here.ask(Heads(limit=10), Items)


async def test_who_waits_for_leave_to_ask_hears_at_once_that_the_link_broke() -> None:
    """As many questions are open as the other side allows, and nobody waits for their answers any more."""
    pair = await _greeted()
    for _ in range(pair.here.session.may_ask):
        async with pair.here.asking(Heads(limit=10)):
            pass
    asked = asyncio.create_task(pair.here.ask(Heads(limit=10), Items))
    await asyncio.sleep(0)
    await pair.far.close()
    await pair.running
    with pytest.raises(LinkClosed):
        async with patience(1.0):
            await asked
