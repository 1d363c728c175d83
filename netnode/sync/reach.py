"""Being reached: invites shown and checked, ping, dialling back [R-INV-1..6] [R-REACH-1..5].

A peer is dialled back at the IP address its link comes from and nowhere else, so that nobody can point this node at
another computer. Addresses of a local network or of this computer are dialled for peers the owner chose only: behind a
reverse proxy that the settings do not name, every stranger seems to come from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from netnode.ports import PEER_PATH, Clock, Dialer, Entropy, LinkClosed
from netnode.store import Store, invites
from netnode.sync.allowance import Allowance
from netnode.sync.conversation import Conversation
from netnode.sync.reachability import Reachability, kind_of
from protocol import limits
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.messages import DialBack, DialledBack, Hello, Join, Joined, Ping, Pong
from protocol.session import VERSION, LocalIdentity, Session

QUESTIONS: Final = (Join, Ping, DialBack)
DIAL_BACK_SECONDS: Final = 5.0  # why: an open port answers at once; a silent one holds a place here
DIAL_BACKS_AT_ONCE: Final = 2
# For one asker, for all, within so many seconds: guesses at PINs, and what others are made to dial, stay few
# [R-INV-6] [R-REACH-4].
JOINS: Final = (10, 200, 60.0)
DIAL_BACKS: Final = (4, 40, 600.0)
_log = logging.getLogger("netnode.sync")

Named = Callable[[bytes, bool], Awaitable[None]]
"""Told who joined by an invite, and whether the owner wants to follow them."""


@dataclass(frozen=True, slots=True)
class Asker:
    """A peer in session: who, its IP address as seen here (empty: unknown), and whether the owner named it."""

    id: bytes
    host: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Pinged:
    """What a ping brought.

    Attributes:
        milliseconds: the round trip.
        clock: how far the peer's clock is ahead of this one, in ms, less half the round trip.
        address: this node's IP address as the peer sees it; empty when it does not say.
    """

    milliseconds: float
    clock: int
    address: str


class Reach:
    """The part of a node that is asked by `join`, `ping` and `dial_back`, and asks them.

    Args:
        network: the network's name.
        store: the invites.
        clock: expiries, round trips.
        entropy: ephemeral keys.
        dialer: dials back.
        identity: proves nothing here, but a session needs one: dialling back ends before this side shows itself.
        agent: name and version of the program.
    """

    def __init__(
        self,
        network: str,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        dialer: Dialer,
        identity: Callable[[], LocalIdentity],
        agent: str,
    ) -> None:
        self._network = network
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._dialer = dialer
        self._identity = identity
        self._agent = agent
        # What strangers may use up is not what those need who were invited, or whom the owner chose.
        self._joins = {known: Allowance(*JOINS) for known in (True, False)}
        self._dials = {chosen: Allowance(*DIAL_BACKS) for chosen in (True, False)}
        self._dialling = {True: 0, False: 0}
        self._shown = asyncio.Event()
        self.reachability = Reachability()
        self.named: Named | None = None

    # -- answers ---------------------------------------------------------------------------------------------
    async def answer(self, question: Join | Ping | DialBack, asker: Asker) -> Joined | Pong | DialledBack:
        """Answers one question.

        Raises:
            NotHeld: the refusal to send.
            RemoteProtocolError: `rate`.
        """
        match question:
            case Ping():
                return Pong(address=asker.host[:64], clock=self._clock.now_ms())
            case Join():
                return await self._join(question, asker)
            case DialBack():
                return await self._dial_back(question.port, asker)

    async def _join(self, question: Join, asker: Asker) -> Joined:
        """Judges a token [R-INV-4]."""
        known = await self._store.read(invites.known, question.token)
        if not self._joins[known].take(asker.id, self._clock.monotonic()):
            raise RemoteProtocolError("rate", "too many invites shown: try again in a minute")
        admission = await self._store.write(
            invites.admit, question.token, question.pin, asker.id, self._clock.now_ms()
        )
        if admission.code:
            raise NotHeld(admission.code, admission.text)
        if self.named is not None:
            await self.named(asker.id, admission.follow)
        return Joined(followed=admission.follow)

    async def _dial_back(self, port: int, asker: Asker) -> DialledBack:
        """Tries the asker's port at the address its link comes from [R-REACH-3]."""
        kind = kind_of(asker.host)
        if kind is None:
            raise NotHeld("not_here", "this node does not know the address that link comes from")
        if kind != "public" and not asker.chosen:
            raise NotHeld("not_here", "addresses of a local network are dialled back for chosen peers only")
        chosen = asker.chosen
        now = self._clock.monotonic()
        if self._dialling[chosen] >= DIAL_BACKS_AT_ONCE or not self._dials[chosen].take(asker.id, now):
            raise RemoteProtocolError("rate", "too many to dial back: try again in some minutes")
        host = f"[{asker.host}]" if ":" in asker.host else asker.host
        address = f"ws://{host}:{port}{PEER_PATH}"
        self._dialling[chosen] += 1
        try:
            return DialledBack(address=address, reached=await self._answers_at(address, asker.id))
        finally:
            self._dialling[chosen] -= 1

    async def _answers_at(self, address: str, expected: bytes) -> bool:
        """Whether this networker answers there: message 2 of a handshake proves it, and the link ends."""
        try:
            async with asyncio.timeout(DIAL_BACK_SECONDS):
                link = await self._dialer.dial(address)
                try:
                    session = self._session(expected)
                    for data in session.outgoing():
                        await link.send(data)
                    session.receive(await link.receive(), self._clock.now_ms())
                    return True
                finally:
                    await link.close()
        except (TimeoutError, OSError, LinkClosed, RemoteProtocolError) as error:
            _log.debug("dialling back %s: %s", address, error)
            return False

    def _session(self, expected: bytes) -> Session:
        now = self._clock.now_ms()
        hello = Hello(agent=self._agent, clock=now, store=bytes(16), versions=[VERSION])  # never sent
        return Session(
            self._network,
            initiator=True,
            identity=self._identity(),
            hello=hello,
            ephemeral=self._entropy.token(limits.KEY_BYTES),
            expected=expected,
        )

    # -- questions -------------------------------------------------------------------------------------------
    async def ping(self, conversation: Conversation, peer: Asker) -> Pinged:
        """Asks a peer for a sign of life.

        Raises:
            NotHeld, RemoteProtocolError, LinkClosed: as `Conversation.ask`.
        """
        sent, started = self._clock.now_ms(), self._clock.monotonic()
        pong = await conversation.ask(Ping(clock=sent), Pong)
        took = (self._clock.monotonic() - started) * 1000
        now = self._clock.now_ms()
        self.reachability.seen_as(peer.id, pong.address, peer.host, chosen=peer.chosen, now=now)
        return Pinged(took, round(pong.clock - (now - took / 2)), pong.address)

    async def ask_back(self, conversation: Conversation, peer: Asker, port: int) -> DialledBack:
        """Asks a peer to dial this node at a port; raises as `ping`."""
        told = await conversation.ask(DialBack(port=port), DialledBack)
        self.reachability.dialled(
            peer.id,
            told.address,
            peer.host,
            reached=told.reached,
            chosen=peer.chosen,
            now=self._clock.now_ms(),
        )
        return told

    # -- invites of others -----------------------------------------------------------------------------------
    async def show_invite(self, conversation: Conversation, peer: bytes) -> None:
        """Shows the pending invite of a peer to it, and writes down what came of it [R-INV-3]."""
        row = await self._store.read(invites.joining, peer)
        if row is None or row.state != invites.PENDING:
            return
        if row.expires is not None and row.expires <= self._clock.now_ms():
            await self._settle(peer, row.token, invites.REFUSED, "the invite's time is over")
            return
        try:
            joined = await conversation.ask(Join(token=row.token, pin=row.pin), Joined)
        except NotHeld as refusal:
            if refusal.code.startswith("invite"):
                await self._settle(peer, row.token, invites.REFUSED, refusal.text)
            else:  # busy, rate: the next session shows it again
                _log.info("the invite of %s is not judged now: %s", peer.hex()[:8], refusal.text)
            return
        told = "you are followed there" if joined.followed else ""
        await self._settle(peer, row.token, invites.JOINED, told)

    async def settled(self, peer: bytes, seconds: float) -> invites.JoiningRow | None:
        """What came of showing a peer its invite; still pending after so many seconds, or None without one."""
        end = self._clock.monotonic() + seconds
        while True:
            self._shown.clear()
            row = await self._store.read(invites.joining, peer)
            if row is None or row.state != invites.PENDING:
                return row
            try:
                async with asyncio.timeout(max(0.0, end - self._clock.monotonic())):
                    await self._shown.wait()
            except TimeoutError:
                return row

    async def _settle(self, peer: bytes, token: bytes, state: invites.Shown, told: str) -> None:
        await self._store.write(invites.settle, peer, token, state, told)
        self._shown.set()
