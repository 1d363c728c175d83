"""What one dishonest peer sees of the world: its chance, the nodes it can reach, links and networkers of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from netnode.ports import Clock, Dialer, Link, LinkClosed, Listener
from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.deeds import Deeds
from netnode.simulator.byzantine.puppet import PATIENCE, Answer, Puppet, attending
from netnode.simulator.byzantine.shelf import Shelf
from netnode.simulator.chance import Stream
from protocol import messages
from protocol.entry import Entry
from protocol.items import Item, parse_item
from protocol.messages import Hello, Runs
from protocol.run import rebuild

COPIED: Final = 64  # logs copied from a node at most
DAYS_BACK_MS: Final = 10 * 86_400_000


class Target(Protocol):
    """A production node as anybody may know it."""

    @property
    def name(self) -> str:
        """Its name in the world."""

    @property
    def id(self) -> bytes:
        """Its networker."""

    @property
    def address(self) -> str:
        """Where it is dialled."""


class Stage(Protocol):
    """What a dishonest peer needs of the world."""

    @property
    def network_name(self) -> str:
        """Name of the INX network."""

    @property
    def clock(self) -> Clock:
        """The true time."""

    def chance(self, name: str) -> Stream:
        """A stream of chance of that name."""

    def address(self, name: str) -> str:
        """Where that name answers, and dials from."""

    def dialer(self, name: str) -> Dialer:
        """Opens links from that name's address."""

    def listener(self, name: str) -> Listener:
        """Accepts links at that name's address."""

    def targets(self) -> Sequence[Target]:
        """The production nodes that are up, always in the same order."""


class Scene:
    """The world through the eyes of one dishonest peer.

    Args:
        stage: the world.
        name: of the peer; its chance, keys and addresses come from it.
        deeds: where it writes down what it does.
    """

    def __init__(self, stage: Stage, name: str, deeds: Deeds) -> None:
        self.stage = stage
        self.name = name
        self.deeds = deeds
        self.chance = stage.chance(f"byzantine {name}")
        self._secret = self.chance.token(32)
        self._began = self.now

    @property
    def network(self) -> str:
        """Name of the INX network."""
        return self.stage.network_name

    @property
    def began(self) -> int:
        """When this peer came into the world, ms UTC."""
        return self._began

    @property
    def now(self) -> int:
        """ms UTC, truly."""
        return self.stage.clock.now_ms()

    def author(self, label: str, *, start: int | None = None) -> Author:
        """A networker of this peer, the same one for the same label; ten days old unless said otherwise."""
        secret = self._secret + label.encode()
        author = Author(self.network, secret, self._began - DAYS_BACK_MS if start is None else start)
        self.deeds.identities.setdefault(author.id, label)
        self.deeds.sign(author.entries)
        return author

    def targets(self) -> list[Target]:
        """The nodes that are up, in an order of chance."""
        found = list(self.stage.targets())
        self.chance.shuffle(found)
        return found

    def shelf(self, *authors: Author) -> Shelf:
        """A shelf with the logs of these networkers."""
        shelf = Shelf(self.chance.token(16))
        for author in authors:
            shelf.put(author.entries)
        return shelf

    async def pause(self, low: float, high: float) -> None:
        """Lets some virtual time pass."""
        await asyncio.sleep(self.chance.uniform(low, high))

    async def link(self, target: Target, source: str = "") -> Link:
        """An open link to a node, from an address of this peer. Raises LinkClosed."""
        try:
            return await self.stage.dialer(source or self.name).dial(target.address)
        except OSError as error:
            raise LinkClosed(text=str(error)) from error

    def puppet(self, link: Link, author: Author, shelf: Shelf | None = None) -> Puppet:
        """A puppet on a link, before its handshake; it answers honestly from its shelf."""
        shelf = self.shelf() if shelf is None else shelf
        return Puppet(link, author, self.network, self.chance.token(32), self.now, shelf, shelf.answer)

    @asynccontextmanager
    async def knocking(self, target: Target, author: Author, act: str) -> AsyncIterator[Puppet]:
        """A link to a node, for a block that goes through the handshake or not; its end ends the block in peace."""
        puppet = self.puppet(await self.link(target), author)
        try:
            yield puppet
        except LinkClosed:
            return
        finally:
            self.deeds.answered(act, puppet.outcome)
            await puppet.link.close()

    @asynccontextmanager
    async def meeting(
        self,
        target: Target,
        author: Author,
        shelf: Shelf | None = None,
        *,
        act: str,
        answer: Answer | None = None,
        source: str = "",
        hello: Callable[[Puppet], Hello] = Puppet.hello,
        interest: bool = True,
    ) -> AsyncIterator[Puppet]:
        """A session with a node that this peer dialled, answered beside the block; its outcome goes to the deeds.

        Args:
            target: the node.
            author: who this peer says that it is.
            shelf: what it holds; nothing when not given.
            act: what it does there, for the deeds.
            answer: what it says to questions; what an honest peer with that shelf would, when not given.
            source: name of the address it dials from.
            hello: makes its hello.
            interest: whether it wants everything, else it says nothing of that.

        Raises:
            LinkClosed: the node is not there, or ended the session.
        """
        puppet = self.puppet(await self.link(target, source), author, shelf)
        puppet.answer = answer or puppet.answer
        try:
            await puppet.dial(author.identity(self.now), hello(puppet))
            async with attending(puppet):
                if interest:
                    await puppet.say(messages.Interest(all=True))
                yield puppet
        finally:
            self.deeds.answered(act, puppet.outcome)
            await puppet.link.close()

    async def each(self, works: Sequence[Awaitable[object]]) -> None:
        """Does several things at once; what a node cuts short is over, nothing else is forgiven."""
        for ended in await asyncio.gather(*map(forgiving, works), return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended

    async def show(
        self,
        target: Target,
        author: Author,
        shelf: Shelf,
        *,
        seconds: float,
        act: str,
        answer: Answer | None = None,
        hello: Callable[[Puppet], Hello] = Puppet.hello,
        pushed: bytes | None = None,
    ) -> None:
        """Comes with a shelf and stays a while, answering honestly unless told otherwise.

        Args:
            target: the node.
            author: who this peer says that it is.
            shelf: what it holds, and tells of.
            seconds: how long it stays.
            act: for the deeds.
            answer: what it says to questions, if not what is on the shelf.
            hello: makes its hello.
            pushed: the networker whose log it pushes as well.
        """
        with suppress(LinkClosed):
            async with self.meeting(target, author, shelf, act=act, answer=answer, hello=hello) as puppet:
                if shelf.logs:
                    await puppet.say(shelf.have())
                for push in shelf.pushes(pushed) if pushed else ():
                    await puppet.say(push)
                await puppet.over(seconds)

    async def copy(self, target: Target) -> dict[bytes, list[Entry]]:
        """Logs as a node holds them, within bounds."""
        logs: dict[bytes, list[Entry]] = {}
        async with self.meeting(target, self.author("copier"), act="copy") as puppet:
            for item in await items_of(puppet):
                get = messages.Get(budget=1_000_000, wants=[(item.author, item.held_from, item.seq)])
                for part in await puppet.ask(get):
                    if isinstance(part, Runs):
                        for run in part.runs:
                            logs.setdefault(run.author, []).extend(rebuild(run))
                if len(logs) >= COPIED:
                    break
        return logs


async def items_of(puppet: Puppet) -> list[Item]:
    """The first page of what a node tells of its logs."""
    for answer in await puppet.ask(messages.Heads(limit=400)):
        if isinstance(answer, messages.Items):
            return [parse_item(item) for item in answer.items]
    return []


async def forgiving(work: Awaitable[object]) -> None:
    """Does something that a node may end at any time by ending the link."""
    try:
        async with asyncio.timeout(40 * PATIENCE):
            await work
    except LinkClosed:
        return
