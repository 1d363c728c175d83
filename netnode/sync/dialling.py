"""Keeps a session with every peer of the book that has an address: its owner named it, so none is left out."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from netnode.failures import DIALLING, Failures
from netnode.ports import Clock, Dialer, Entropy, Link, LinkClosed
from netnode.store import PeerRow
from netnode.sync.book import Book
from netnode.sync.peering import Peering
from protocol import limits

BACK_OFF: Final = (0.25, 60.0)  # seconds: first and longest wait between attempts
ITSELF: Final = "this is the address of this node itself"


class Host(Protocol):
    """What dialling needs from the one who keeps all sessions."""

    def stands(self, networker: bytes) -> bool:
        """Whether a session with this networker is open."""

    def refuses(self, networker: bytes) -> bool:
        """Whether sessions with this networker are refused."""

    async def changed_sessions(self) -> None:
        """Returns when a session ended, or who is refused changed."""

    def peering(
        self, link: Link, address: str | None, expected: bytes | None, *, named: bool = False
    ) -> Peering:
        """A session over a new link, not yet running."""

    async def converse(self, peering: Peering) -> tuple[str, str]:
        """Runs a session to its end; returns the code and text it ended with."""

    async def met(self, peering: Peering) -> None:
        """Writes an open session into the book."""

    async def not_certified(self, address: str) -> None:
        """A peer that was dialled refused this node's certificate: it may know a rotation that is not known here."""


class Dialling:
    """Dials the peers of the book, one task a peer.

    Args:
        host: keeps the sessions.
        book: the peers.
        dialer: opens links.
        entropy: jitter of pauses.
        clock: tells how long an attempt took.
        failures: told when a dial fails by a fault of this side.
    """

    def __init__(
        self, host: Host, book: Book, dialer: Dialer, entropy: Entropy, clock: Clock, failures: Failures
    ) -> None:
        self._host = host
        self._book = book
        self._dialer = dialer
        self._entropy = entropy
        self._clock = clock
        self._failures = failures
        self._group: asyncio.TaskGroup | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._asked: dict[int, asyncio.Event] = {}  # set where its owner wants it dialled without a pause
        self._dialled: dict[int, Peering] = {}

    async def run(self) -> None:
        """Dials the book until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for row in await self._book.rows():
                    self.keep(row)
                await asyncio.Event().wait()
            finally:
                self._group = None

    def keep(self, row: PeerRow) -> None:
        """Begins to keep a session with a peer, when it has an address; one that is kept is dialled without a pause."""
        if self._group is None or not row.addresses:
            return
        if row.p in self._tasks:
            self._asked[row.p].set()
            return
        self._asked[row.p] = asyncio.Event()
        task = self._group.create_task(self._keep(row.p), name=f"dial {row.p}")
        self._tasks[row.p] = task
        task.add_done_callback(lambda done: self._dialled_out(row.p, done))

    def stop(self, number: int) -> None:
        """Dials a peer no more; a session that is open goes on to its own end, so that it can say goodbye."""
        task = self._tasks.pop(number, None)
        self._asked.pop(number, None)
        if task is not None and number not in self._dialled:
            task.cancel()

    def close(self) -> None:
        """Dials nobody any more."""
        self._group = None
        for number in tuple(self._tasks):
            self.stop(number)

    def _dialled_out(self, number: int, task: asyncio.Task[None]) -> None:
        if self._tasks.get(number) is task:
            del self._tasks[number], self._asked[number]

    async def _keep(self, number: int) -> None:
        """Keeps a session with one peer of the book, with growing pauses between failures."""
        pause, longest = BACK_OFF
        task = asyncio.current_task()
        asked = self._asked[number]
        while self._tasks.get(number) is task:
            asked.clear()
            started = self._clock.monotonic()
            try:
                if not await self._try(number, task):
                    return
            except Exception as error:  # a task root: what fails with one peer must not end the node
                self._failures.outlived(DIALLING, error, f"dialling peer {number}")
            if self._clock.monotonic() - started > max(pause, limits.HANDSHAKE_SECONDS):
                pause = BACK_OFF[0]
            try:
                async with asyncio.timeout(pause * self._entropy.uniform(0.7, 1.3)):
                    await asked.wait()
                pause = BACK_OFF[0]
            except TimeoutError:
                pause = min(pause * 2, longest)

    async def _try(self, number: int, task: asyncio.Task[None] | None) -> bool:
        """Tries every address of a peer once; whether to go on."""
        row = await self._book.row(number)
        if row is None:
            return False
        while row.id is not None and (self._host.stands(row.id) or self._host.refuses(row.id)):
            await self._host.changed_sessions()
        for address in row.addresses:
            note = await self._attempt(number, address, row.id)
            await self._book.note(number, note)
            if note == ITSELF or self._tasks.get(number) is not task:
                return False
        return True

    async def _attempt(self, number: int, address: str, expected: bytes | None) -> str:
        """One session at one address; returns why it ended or did not begin, for the owner."""
        try:
            link = await self._dialer.dial(address)
        except (OSError, LinkClosed) as error:
            return str(error)
        peering = self._host.peering(link, address, expected, named=True)
        self._dialled[number] = peering
        try:
            code, text = await self._host.converse(peering)
        finally:
            del self._dialled[number]
        if code == "certificate":
            await self._host.not_certified(address)
        if self._host.stands(peering.id):  # another session with that peer stands: so this is its address too
            await self._host.met(peering)
        return ITSELF if peering.itself else text if code else ""
