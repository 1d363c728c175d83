"""A small peer for the tests of the example clients: serves given logs, honestly or not, over a real WebSocket."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import messages
from protocol.certificate import certify
from protocol.entry import Entry
from protocol.errors import RemoteProtocolError
from protocol.items import Item, Standing
from protocol.messages import Body
from protocol.run import runs_of
from protocol.session import Arrived, Greeted, LocalIdentity, Phase, Session
from tests.protocol.author import NETWORK, Author

Tamper = Callable[[Body], Body]
DAY_MS = 86_400_000


@dataclass
class Served:
    """One log as the peer tells it: its main run, its openers, and its item."""

    entries: Sequence[Entry]
    openers: Sequence[Entry] = ()
    item: Item | None = None

    def told(self) -> Item:
        if self.item is not None:
            return self.item
        head = self.entries[-1]
        return Item(Standing.HEAD, head.author, head.epoch, head.term, head.seq, head.id, self.entries[0].seq)


@dataclass
class Peer:
    """What it serves, and what it heard.

    `page`: items in one page; `portion`: entries in one answer, the rest is `left`; `questions`: what it asks.
    """

    logs: Sequence[Served] = ()
    page: int = 400
    portion: int = 10_000
    tamper: Tamper = lambda body: body
    questions: Sequence[Body] = ()
    owner: Author = field(default_factory=lambda: Author("a peer"))
    heard: list[Body] = field(default_factory=list)
    address: str = ""

    def session(self) -> Session:
        key = X25519PrivateKey.generate()
        now = time.time_ns() // 1_000_000
        certificate = certify(NETWORK, self.owner.signer, key.public_key().public_bytes_raw(), now + DAY_MS)
        identity = LocalIdentity(
            self.owner.id, (self.owner.entries[0],), certificate, key.private_bytes_raw()
        )
        hello = messages.Hello(agent="test", clock=now, store=bytes(16), versions=[1])
        return Session(
            NETWORK, initiator=False, identity=identity, hello=hello, ephemeral=os.urandom(32), expected=None
        )

    async def converse(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        session = self.session()
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                break
            try:
                events = session.receive(message.data, time.time_ns() // 1_000_000)
            except RemoteProtocolError as error:
                session.farewell(error.code, error.text)
                events = []
            for event in events:
                match event:
                    case Greeted():
                        for question in self.questions:
                            session.ask(question)
                    case Arrived():
                        self.heard.append(event.body)
                        for answer in self.answers(event) if event.question is None else ():
                            session.tell(self.tamper(answer), event.request)
            for data in session.outgoing():
                await socket.send_bytes(data)
            if session.phase is Phase.CLOSED:
                break
        await socket.close()
        return socket

    def answers(self, asked: Arrived) -> Sequence[Body]:
        match asked.body:
            case messages.Heads() as question:
                return [self.heads(question)]
            case messages.AskOpeners(authors=authors):
                openers = [entry for log in self.of(authors) for entry in log.openers]
                return [messages.Runs(runs=list(runs_of([entry])), more=True) for entry in openers] + [
                    messages.Runs()
                ]
            case messages.Get(wants=wants):
                ((author, first, last),) = wants
                (log,) = self.of([author])
                found = [entry for entry in log.entries if first <= entry.seq <= last]
                part, rest = found[: self.portion], found[self.portion :]
                left = [(author, rest[0].seq, last)] if rest else []
                *before, final = runs_of(part)
                return [messages.Runs(runs=[run], more=True) for run in before] + [
                    messages.Runs(runs=[final], left=left)
                ]
        return []

    def heads(self, question: messages.Heads) -> Body:
        items = sorted((log.told() for log in self.logs), key=lambda item: item.author)
        items = [item for item in items if question.after is None or item.author > question.after]
        page = [item.wire() for item in items[: self.page]]
        return messages.Items(cursor=[bytes(16), 1, bytes(8)], items=page, more=len(items) > self.page)

    def of(self, authors: Sequence[bytes]) -> list[Served]:
        return [log for log in self.logs if log.told().author in authors]


@asynccontextmanager
async def serving(peer: Peer) -> AsyncIterator[Peer]:
    """The peer at a free port of loopback."""
    app = web.Application()
    app.router.add_get("/inx/1", peer.converse)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        peer.address = f"ws://127.0.0.1:{port}/inx/1"
        yield peer
    finally:
        await runner.cleanup()
