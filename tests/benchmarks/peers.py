"""Many quiet peers in one process: ``python -m tests.benchmarks.peers INVITE COUNT``.

Each has an identity, a log and a session of its own, asks for `changes` once a minute as a node does, and answers
what it is asked. Says {open} when all sessions are open, and {bytes} for each line of stdin: what went over all links
so far, both ways.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Final

import aiohttp
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import limits, messages
from protocol.certificate import DAY_MS, certify
from protocol.items import Item, Standing
from protocol.session import Arrived, Greeted, LocalIdentity, Session
from protocol.uri import parse_invite
from tests.benchmarks import sources

ASKS_EVERY: Final = 60.0
HEADER: Final = 4  # bytes of a WebSocket frame's header, masks left out
AT_ONCE: Final = 8


class Peer:
    """One of them."""

    def __init__(self, number: int, node: bytes) -> None:
        entries = sources.log(number, 2)
        key = X25519PrivateKey.generate()
        now = time.time_ns() // 1_000_000
        certificate = certify(
            sources.NETWORK, sources.signer(number), key.public_key().public_bytes_raw(), now + DAY_MS
        )
        self.entries = entries
        head = entries[-1]
        self.item = Item(Standing.HEAD, head.author, 0, 0, head.seq, head.id, 0).wire()
        self.store = os.urandom(16)
        self.session = Session(
            sources.NETWORK,
            initiator=True,
            identity=LocalIdentity(head.author, (entries[0],), certificate, key.private_bytes_raw()),
            hello=messages.Hello(agent="a quiet peer", clock=now, store=self.store, versions=[1]),
            ephemeral=os.urandom(32),
            expected=node,
        )
        self.bytes = 0
        self.open = asyncio.Event()
        self._cursor: list[object] | None = None

    async def run(self, client: aiohttp.ClientSession, address: str) -> None:
        """Meets the node and stays."""
        async with client.ws_connect(address, max_msg_size=0, compress=0) as socket:
            await self._flush(socket)
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(self._ask(socket))
                async for message in socket:
                    self.bytes += len(message.data) + HEADER
                    for event in self.session.receive(message.data, time.time_ns() // 1_000_000):
                        match event:
                            case Greeted():
                                self.session.tell(messages.Interest(all=True))
                                self.open.set()
                            case Arrived(body=messages.Items() as items):
                                self._cursor = items.cursor
                            case Arrived() if event.request and event.question is None:
                                self._answer(event)
                    await self._flush(socket)
                asking.cancel()

    def _answer(self, asked: Arrived) -> None:
        cursor: list[object] = [self.store, 1, bytes(8)]
        match asked.body:
            case messages.Heads():
                answer: messages.Body = messages.Items(cursor=cursor, items=[], more=False)
            case messages.Changes():
                answer = messages.Items(cursor=cursor, items=[], more=False)
            case _:
                answer = messages.Refuse(code="not_here", text="a quiet peer")
        self.session.tell(answer, asked.request)

    async def _ask(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        await self.open.wait()
        self.session.ask(messages.Heads(after=None, limit=1))
        await self._flush(socket)
        while True:
            await asyncio.sleep(ASKS_EVERY)
            if self._cursor is not None:
                self.session.ask(messages.Changes(cursor=self._cursor, limit=limits.MAX_ITEMS))
                await self._flush(socket)

    async def _flush(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        for data in self.session.outgoing():
            self.bytes += len(data) + HEADER
            await socket.send_bytes(data)


async def meet(uri: str, count: int) -> None:
    """Opens the sessions, then answers stdin."""
    invite = parse_invite(uri)
    peers = [Peer(number, invite.id) for number in range(count)]
    connector = aiohttp.TCPConnector(limit=0)
    loop = asyncio.get_running_loop()

    def counted() -> None:
        if sys.stdin.readline():
            print(json.dumps({"bytes": sum(peer.bytes for peer in peers)}), flush=True)
        else:
            os._exit(0)

    async with aiohttp.ClientSession(connector=connector) as client, asyncio.TaskGroup() as group:
        for start in range(0, count, AT_ONCE):
            part = peers[start : start + AT_ONCE]
            for peer in part:
                group.create_task(peer.run(client, invite.addresses[0]))
            async with asyncio.timeout(60):
                await asyncio.gather(*(peer.open.wait() for peer in part))
        print(json.dumps({"open": count}), flush=True)
        loop.add_reader(sys.stdin, counted)


if __name__ == "__main__":
    asyncio.run(meet(sys.argv[1], int(sys.argv[2])))
