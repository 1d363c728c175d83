"""A peer that says whatever it is told to: handshake and transport as INX has them, and none of its rules.

It does not run `protocol.session`: a dishonest peer may send any message in any phase, number questions as it likes,
seal bytes that are no message, or send bytes that are not sealed at all. What it hears it remembers, within bounds.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from netnode.ports import Link, LinkClosed
from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.shelf import Shelf
from protocol import encoding, messages
from protocol.errors import RemoteProtocolError
from protocol.messages import Body, Hello, Role, Runs, decode_message, encode_message
from protocol.noise import Handshake, Transport
from protocol.session import VERSION, prologue

PATIENCE: Final = 45.0  # seconds a puppet waits for a node; why: longer than any node lets anybody wait
ASKED: Final = 512  # questions remembered; the oldest are forgotten
OPENING: Final = b""  # payload of the first handshake message of a correct peer

Answer = Callable[[Body], Sequence[Body]]
"""What a puppet says to a question, message by message; nothing at all leaves the question open."""


@dataclass(slots=True)
class Ending:
    """How a session ended for a puppet: the code of the node's `bye`, and the code its link closed with."""

    code: str | None = None
    link: int | None = None


@dataclass(slots=True)
class Puppet:
    """One link to a node, from the first byte to the last.

    Args:
        link: open.
        author: who it says that it is.
        network: the network's name.
        ephemeral: 32 bytes of chance.
        now: ms UTC, as this peer's clock has it.
        shelf: what it holds.
        answer: what it says to questions.
    """

    link: Link
    author: Author
    network: str
    ephemeral: bytes
    now: int
    shelf: Shelf
    answer: Answer
    transport: Transport | None = None
    greeting: Hello | None = None
    ending: Ending = field(default_factory=Ending)
    questions: deque[tuple[int, Body]] = field(default_factory=lambda: deque(maxlen=ASKED))
    refusals: Counter[str] = field(default_factory=Counter)
    _waiting: dict[int, asyncio.Queue[Body | None]] = field(default_factory=dict)
    _next: int = 1
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    # -- handshake -------------------------------------------------------------------------------------------
    async def dial(self, identity: bytes, hello: Hello | None) -> None:
        """Goes through the handshake as the side that dialled and tells its hello, if it has one.

        Raises:
            LinkClosed: the node ended it.
        """
        noise = self.noise(True)
        await self.link.send(noise.write(OPENING))
        noise.read(await self.receive())
        await self.link.send(noise.write(identity))
        self.transport = noise.split()
        await self._greet(hello)

    async def accept(self, identity: bytes, hello: Hello | None) -> None:
        """Goes through the handshake as the side that was dialled; as `dial`."""
        noise = self.noise(False)
        noise.read(await self.receive())
        await self.link.send(noise.write(identity))
        noise.read(await self.receive())
        self.transport = noise.split()
        await self._greet(hello)

    def hello(
        self,
        *,
        features: Sequence[int] = (),
        advertised: dict[str, int] | None = None,
        clock: int | None = None,
        versions: Sequence[int] = (VERSION,),
        stamp: tuple[int, bytes] | None = None,
    ) -> Hello:
        """A hello as a correct peer tells it, with what is to be otherwise."""
        return Hello(
            agent="puppet",
            clock=self.now if clock is None else clock,
            features=list(features),
            limits=advertised or {},
            stamp=stamp,
            store=self.shelf.store,
            versions=list(versions),
        )

    def noise(self, initiator: bool) -> Handshake:
        """A handshake of its own, for a step that goes no further."""
        return Handshake(initiator, self.author.session_private, self.ephemeral, prologue(self.network))

    async def _greet(self, hello: Hello | None) -> None:
        if hello is None:
            return
        await self.say(hello)
        while self.greeting is None and self.ending.code is None:
            self.take(await self.receive())

    # -- saying ----------------------------------------------------------------------------------------------
    async def say(self, body: Body, request: int = 0) -> None:
        """Sends one message, whatever the rules say of it. Raises LinkClosed."""
        await self.plain(encode_message(body, request))

    async def say_any(self, type_number: int, request: int, body: object) -> None:
        """Sends a message of any type with any body."""
        await self.plain(encoding.encode([type_number, request, body]))

    async def plain(self, plaintext: bytes) -> None:
        """Seals any bytes as the next message."""
        if self.transport is None:
            raise LinkClosed(text="the handshake is not over")
        await self.link.send(self.transport.encrypt(plaintext))

    async def ask(self, body: Body, *, request: int | None = None) -> list[Body]:
        """Asks and gathers the whole answer; empty when none comes in time. Needs `attending`.

        Raises:
            LinkClosed: the session ended before the answer.
        """
        number = request if request is not None else self._next
        self._next = max(self._next, number) + 1
        arriving: asyncio.Queue[Body | None] = asyncio.Queue()
        self._waiting[number] = arriving
        answers: list[Body] = []
        try:
            await self.say(body, number)
            async with asyncio.timeout(PATIENCE):
                while True:
                    answer = await arriving.get()
                    if answer is None:
                        raise LinkClosed(text="the session ended before the answer")
                    answers.append(answer)
                    if not (isinstance(answer, Runs) and answer.more):
                        return answers
        except TimeoutError:
            return answers
        finally:
            self._waiting.pop(number, None)

    @property
    def outcome(self) -> str | None:
        """How the node took it: the code of its `bye`, how it closed the link, what it refused most, or None."""
        if self.ending.code is not None:
            return self.ending.code or "left"
        if self.ending.link is not None:
            return f"link {self.ending.link}"
        return f"refused {self.refusals.most_common(1)[0][0]}" if self.refusals else None

    # -- hearing ---------------------------------------------------------------------------------------------
    async def receive(self) -> bytes:
        """The next bytes of the link. Raises LinkClosed, also when nothing comes for long."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.link.receive()
        except TimeoutError as error:
            raise LinkClosed(text="the node says nothing") from error
        except LinkClosed as closed:
            self.ending.link = closed.code
            raise

    async def last_words(self) -> None:
        """Hears until the node ends the link, without answering anything. Raises LinkClosed, always."""
        while True:
            data = await self.receive()
            if self.transport is not None:
                self.take(data)

    async def attend(self) -> None:
        """Hears and answers until the link ends; the last words are heard when nothing goes out any more."""
        try:
            while self.transport is not None:
                question = self.take(await self.link.receive())
                if question is not None:
                    number, body = question
                    with suppress(LinkClosed):
                        for told in self.answer(body):
                            await self.say(told, number)
        except LinkClosed as closed:
            self.ending.link = closed.code
        finally:
            self._stir()
            for arriving in self._waiting.values():
                arriving.put_nowait(None)

    async def over(self, seconds: float) -> bool:
        """Waits for the node's last word, so many seconds; whether it came or the link ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.ending.code is None and self.ending.link is None:
                    self._changed.clear()
                    await self._changed.wait()
        return self.ending.code is not None or self.ending.link is not None

    def take(self, data: bytes) -> tuple[int, Body] | None:
        """Takes one sealed message; returns number and body of a question."""
        if self.transport is None:
            raise LinkClosed(text="the handshake is not over")
        try:
            received = decode_message(self.transport.decrypt(data))
        except RemoteProtocolError as error:
            raise AssertionError(f"a node sent what is no message: {error}") from error
        body = received.body
        if body is None:
            return None
        if isinstance(body, Hello):
            self.greeting = body
        elif isinstance(body, messages.Bye):
            self.ending.code = body.code
        elif isinstance(body, messages.Refuse):
            self.refusals[body.code] += 1
        if received.request in self._waiting and messages.MESSAGES[received.type].role is Role.ANSWER:
            self._waiting[received.request].put_nowait(body)
        elif messages.MESSAGES[received.type].role is Role.QUESTION:
            self.questions.append((received.request, body))
            self._stir()
            return received.request, body
        self._stir()
        return None

    def _stir(self) -> None:
        self._changed.set()


@asynccontextmanager
async def attending(puppet: Puppet) -> AsyncIterator[Puppet]:
    """Hears and answers beside the block; the link ends with it."""
    task = asyncio.create_task(puppet.attend(), name=f"puppet {puppet.author.id.hex()[:8]}")
    try:
        yield puppet
    except LinkClosed:
        await puppet.over(PATIENCE)  # the node's last words may be on their way
        raise
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        await puppet.link.close()
        if isinstance(ended, Exception):
            raise ended
