"""What a check works with: sessions with the node, fresh authors, and the news that the node is still well."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from netnode.conformance.author import Author
from netnode.conformance.checking import Broken, Skipped, want
from netnode.conformance.entries import Entry
from netnode.conformance.faults import Fault
from netnode.conformance.limits import MAX_NOISE_MESSAGE, STAMP_NONCE_BYTES
from netnode.conformance.noise import public
from netnode.conformance.owners import Owner
from netnode.conformance.peer import PATIENCE, Peer
from netnode.conformance.session import Session
from netnode.conformance.shelf import Shelf
from netnode.conformance.stamps import hashed
from netnode.conformance.target import Target
from netnode.conformance.websocket import Frame, NoUpgrade, Socket, SocketClosed
from netnode.ports import Clock, Entropy

STORE_BYTES: Final = 16
MOST_BITS: Final = 22  # of a stamp that is made for a check: seconds of work
TRIES_AT_ONCE: Final = 20_000
ASK_EVERY: Final = 0.5  # seconds between two requests for the same
FEATURES: Final = (1, 3, 5, 7, 9)
ASKS: Final = 8

T = TypeVar("T")

Payload = Callable[[bytes], bytes]
"""An identity payload, from the public session key."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the first session told of the node.

    Attributes:
        id: its networker.
        agent: what its program calls itself.
        features: that its hello names.
        all: whether it wants everything.
        asks_stamp: bits it asks of strangers; 0 on this computer.
        logs: how many logs it keeps.
    """

    id: bytes
    agent: str
    features: frozenset[int]
    all: bool
    asks_stamp: int
    logs: int


@dataclass(frozen=True, slots=True)
class Bench:
    """The surroundings of one check.

    Attributes:
        target: where the node answers.
        network: the name of its network.
        known: what is known of it.
        owner: who does what only its owner may; None: nobody does.
    """

    target: Target
    network: str
    known: Known
    clock: Clock
    entropy: Entropy
    owner: Owner | None = None

    # -- our side ----------------------------------------------------------------------------------------------

    def now(self) -> int:
        """Milliseconds UTC."""
        return self.clock.now_ms()

    def author(self) -> Author:
        """A fresh networker."""
        return Author(self.network, self.entropy, self.now())

    def shelf(self) -> Shelf:
        """An empty shelf with a fresh store id."""
        return Shelf(self.network, self.entropy.token(STORE_BYTES))

    def session(self, own: Author | None = None) -> Session:
        """The dialler's side of a session."""
        static, ephemeral = self.entropy.token(32), self.entropy.token(32)
        networker = (own or self.author()).networker
        return Session(networker, dialler=True, static=static, ephemeral=ephemeral, now=self.now())

    def hello(self, shelf: Shelf, **changes: object) -> dict[str, Any]:
        """The body of our hello."""
        return {
            "agent": "conformance",
            "clock": self.now(),
            "features": list(FEATURES),
            "kinds": None,
            "limits": {},
            "stamp": None,
            "stamp_asked": 0,
            "store": shelf.store,
            "versions": [1],
            **changes,
        }

    def needs(self, feature: int, what: str) -> None:
        """Skips the check unless the node names a feature."""
        if feature not in self.known.features:
            raise Skipped(f"the node does not name feature {feature} ({what})")

    def takes_logs(self) -> None:
        """Skips the check unless the node takes logs of strangers."""
        if not self.known.all:
            raise Skipped("the node's interest does not name strangers, so it need not take their logs")
        if self.known.asks_stamp > MOST_BITS:
            text = (
                f"the node asks strangers for a stamp of {self.known.asks_stamp} bits, more than is made here"
            )
            raise Skipped(text)

    def asks_stamp(self) -> None:
        """Skips the check unless the node asks us for a stamp that can be made here."""
        if self.target.loopback:
            raise Skipped("a peer on the same computer is asked for no stamp")
        if not 0 < self.known.asks_stamp <= MOST_BITS:
            raise Skipped(f"the node asks strangers for {self.known.asks_stamp} bits")

    async def stamp(self, own: Author) -> list[Any] | None:
        """A stamp of the bits the node asks for; None when it asks for none, or for too many."""
        return await self.stamp_of(own.id)

    async def stamp_of(self, name: bytes) -> list[Any] | None:
        """The same for a networker id, or the key of a buyer without a node [R-LET-10]."""
        bits = self.known.asks_stamp
        if not 0 < bits <= MOST_BITS:
            return None
        begun = hashlib.sha256(hashed(self.network, name, bits, b""))
        nonce = 0
        while True:
            for _ in range(TRIES_AT_ONCE):
                nonce += 1
                work = begun.copy()
                work.update(nonce.to_bytes(STAMP_NONCE_BYTES, "big"))
                if int.from_bytes(work.digest()[:8], "big") >> 64 - bits == 0:
                    return [bits, nonce.to_bytes(STAMP_NONCE_BYTES, "big")]
            await asyncio.sleep(0)  # other checks go on meanwhile

    # -- sessions ----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def linked(self, headers: tuple[str, ...] = (), query: str = "") -> AsyncIterator[Socket]:
        """A link, before any handshake."""
        try:
            socket = await Socket.open(self.target, self.entropy, headers, query)
        except OSError as error:
            raise Broken(f"the node cannot be reached any more: {error}") from error
        except NoUpgrade as error:
            raise Broken(f"the node does not open a link: {error}") from error
        try:
            yield socket
        finally:
            await socket.close()

    @asynccontextmanager
    async def shaken(
        self, own: Author | None = None, payload: Payload | None = None
    ) -> AsyncIterator[tuple[Socket, Session]]:
        """A link on which message 3 went, whether or not the node likes it."""
        session = self.session(own)
        async with self.linked() as socket:
            await socket.send(session.hello_of_noise())
            try:
                session.meet((await received(socket)).data, self.known.id)
            except (Fault, SocketClosed) as fault:
                raise Broken(f"message 2 of the handshake: {fault}") from fault
            await socket.send(session.show(None if payload is None else payload(public(session.static))))
            yield socket, session

    @asynccontextmanager
    async def meet(
        self,
        own: Author | None = None,
        *,
        shelf: Shelf | None = None,
        hello: dict[str, Any] | None = None,
        payload: Payload | None = None,
        interest: list[bytes] | None = None,
        greet: bool = True,
        tell: bool = True,
        gives: bool = True,
    ) -> AsyncIterator[Peer]:
        """A session with the node.

        Args:
            own: who we are; None for somebody new.
            shelf: what we hold; None for nothing.
            hello: what our hello says otherwise.
            payload: an identity payload in place of the plain one.
            interest: the networkers we want; None for all.
            greet: whether our hello goes out.
            tell: whether our interest goes out.
            gives: whether the node is to take something from us, which may need a stamp.
        """
        own, shelf = own or self.author(), shelf or self.shelf()
        asks = max(1, (hello or {}).get("limits", {}).get("MAX_OPEN_REQUESTS", ASKS))
        stamp = await self.stamp(own) if gives else None
        async with self.shaken(own, payload) as (socket, session):
            peer = Peer(socket, session, shelf, self.network, asks)
            reading = asyncio.create_task(peer.pump(), name="reads what the node says")
            try:
                if greet:
                    await peer.tell("hello", **self.hello(shelf, **{"stamp": stamp, **(hello or {})}))
                    await peer.until(lambda: peer.hello, "the node's hello")
                    if tell:
                        await peer.tell(
                            "interest", all=interest is None, ids=sorted(interest or []), more=False
                        )
                yield peer
                peer.raise_broken()
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    # -- logs shown to the node --------------------------------------------------------------------------------

    async def settle(self, peer: Peer) -> None:
        """Returns when the node has worked on what this peer told so far: a later, right log was taken."""
        author = self.author()
        await peer.push(author.log(1))
        what = "of a right log that was pushed its item"
        await peer.polled(author.id, lambda item: item is not None, "one: it takes nothing [R-SYNC-11]", what)

    async def show(self, *chains: list[Entry], codes: tuple[str, ...] = ()) -> None:
        """Pushes chains, each a message, in a session of its own; then the node expels us with one of the codes."""
        self.takes_logs()
        async with self.meet() as peer:
            for chain in chains:
                await peer.push(chain)
            if codes:
                await peer.expelled(*codes)
            else:
                await self.settle(peer)

    async def keeps(self, author: bytes, entries: list[Entry]) -> None:
        """Fails unless the node tells and serves exactly these entries as the log of an author."""
        async with self.meet(gives=False) as peer:
            tip = entries[-1]
            head = [0, author, *tip.place, tip.seq, tip.id, entries[0].seq]
            await peer.holds(author, head)
            await peer.serves(author, entries)

    async def tells(self, author: bytes, item: list[Any] | None) -> None:
        """Waits, in a new session, until the node tells this item of a log."""
        async with self.meet(gives=False) as peer:
            await peer.holds(author, item)

    async def awaited(self, look: Callable[[], Awaitable[T | None]], what: str) -> T:
        """What a look at the node gives, once it gives something; `what` it is says who fails."""
        for _ in range(round(PATIENCE / ASK_EVERY)):
            found = await look()
            if found is not None:
                return found
            await asyncio.sleep(ASK_EVERY)
        raise Broken(f"within {PATIENCE:.0f} s there is not {what}")

    async def alive(self) -> None:
        """Fails unless the node answers an honest peer."""
        async with self.meet(interest=[], gives=False) as peer:
            await peer.goes_on()


async def received(socket: Socket, seconds: float = PATIENCE) -> Frame:
    """The next frame of a link.

    Raises:
        Broken: nothing came.
        SocketClosed: the link ended.
    """
    try:
        async with asyncio.timeout(seconds):
            return await socket.receive()
    except TimeoutError as error:
        raise Broken(f"nothing came within {seconds:.0f} s") from error


async def closed(socket: Socket, codes: tuple[int, ...] = (1002,), seconds: float = PATIENCE) -> None:
    """Fails unless the node says nothing more and closes the link with one of the codes (or just ends it)."""
    try:
        frame = await received(socket, seconds)
    except SocketClosed as end:
        want(end.code in (None, *codes), f"close code {end.code}, not {codes[0]}")
        return
    except Broken as error:
        raise Broken(f"the link is not closed within {seconds:.0f} s") from error
    raise Broken(
        f"a message of {len(frame.data)} bytes in place of the end; at most {MAX_NOISE_MESSAGE} may come"
    )
