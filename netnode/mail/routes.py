"""Ways to a networker: an open session, or one made by dialling where the networker answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from msgspec import UNSET

from netnode.failures import DIALLING, Failures
from netnode.ports import Dialer, Link, LinkClosed
from netnode.projections import views
from netnode.store import PeerRow, Reader, Store
from netnode.sync.peering import Peering
from protocol import limits
from protocol.address import Scope, scope_of

LINGER_SECONDS: Final = 60.0  # why: an answer may come at once; a session that nobody needs is ended
LEAST_SECONDS: Final = 1.0  # why: sums of seconds are rounded, and a look may come a hair too early
ADDRESSES: Final = 4  # of one networker, tried in one round; why: each may take HANDSHAKE_SECONDS
ASKED: Final = 3  # peers asked for the log of a networker that does not answer itself
_log = logging.getLogger("netnode.mail")


class Sessions(Protocol):
    """What routes need of the one who keeps all sessions."""

    def open_sessions(self) -> list[Peering]:
        """The open sessions, oldest first."""

    def stands(self, networker: bytes) -> bool:
        """Whether a session with this networker is open."""

    def refuses(self, networker: bytes) -> bool:
        """Whether sessions with this networker are refused."""

    def addresses_of(self, networker: bytes) -> list[str]:
        """Where the address book says that a networker answers, the surest first."""

    def peering(
        self, link: Link, address: str | None, expected: bytes | None, *, named: bool = False
    ) -> Peering:
        """A session over a new link, not yet running."""

    async def converse(self, peering: Peering) -> tuple[str, str]:
        """Runs a session to its end; returns the code and text it ended with."""


Fetch = Callable[[bytes, Sequence[PeerRow]], Awaitable[object]]
"""Brings the log of a networker here from these peers, as much as they have."""


class Routes:
    """Finds a session with a networker that takes letters.

    Args:
        store: addresses of peers and profiles.
        dialer: opens links.
        sessions: keeps the sessions.
        fetch: brings logs here.
        failures: counts sessions that fail.
    """

    def __init__(
        self, store: Store, dialer: Dialer, sessions: Sessions, fetch: Fetch, failures: Failures
    ) -> None:
        self._store = store
        self._dialer = dialer
        self._sessions = sessions
        self._fetch = fetch
        self._failures = failures
        self._group: asyncio.TaskGroup | None = None
        self._used: dict[Peering, float] = {}  # sessions made here, and when they were last needed

    def begin(self, group: asyncio.TaskGroup | None) -> None:
        """Sessions that are dialled from now on live in this group; with None nobody is dialled."""
        self._group = group

    def session(self, networker: bytes) -> Peering | None:
        """The open session with a networker, where it takes letters."""
        for peering in self._sessions.open_sessions():
            if peering.id == networker and peering.takes_letters:
                if peering in self._used:
                    self._used[peering] = asyncio.get_running_loop().time()
                return peering
        return None

    async def reach(self, networker: bytes) -> Peering | None:
        """The open session with a networker, or one made now; None when it does not answer, or takes no letters."""
        if self._sessions.refuses(networker):
            return None
        for address in (await self.addresses(networker))[:ADDRESSES]:
            if self._sessions.stands(networker):
                break
            await self._dial(address, networker)
        return self.session(networker)

    def refuses(self, networker: bytes) -> bool:
        """Whether this node's owner refuses sessions with a networker."""
        return self._sessions.refuses(networker)

    async def addresses(self, networker: bytes) -> list[str]:
        """Where a networker answers, as far as is known here: as its owner named it, as it says itself."""
        found = await self._store.read(_known, networker)
        return list(dict.fromkeys((*found, *self._sessions.addresses_of(networker))))

    async def mailboxes(self, networker: bytes) -> tuple[bytes, ...]:
        """The mailbox hosts that a networker's profile names, the preferred first."""
        return await self._store.read(mailboxes, networker)

    async def learn(self, networker: bytes) -> None:
        """Brings the log of a networker here, from where it answers or from peers that may hold it."""
        own = PeerRow(id=networker, addresses=tuple(await self.addresses(networker))[:ADDRESSES])
        others = [
            PeerRow(id=each.id, addresses=(each.address,))
            for each in self._sessions.open_sessions()
            if each.address is not None and each.id != networker
        ]
        asked = [each for each in (own, *others[:ASKED]) if each.addresses]
        if asked:
            await self._fetch(networker, asked)

    async def _dial(self, address: str, networker: bytes) -> None:
        """Opens a session at an address; it is open, or has failed, when this returns."""
        if self._group is None:
            return
        try:
            link = await self._dialer.dial(address, public=scope_of(address) is Scope.PUBLIC)
        except (OSError, LinkClosed) as error:
            _log.debug("%s does not answer: %s", address, error)
            return
        peering = self._sessions.peering(link, address, networker)
        ended = asyncio.Event()
        self._group.create_task(self._converse(peering, ended), name=f"letters to {address}")
        greeted = self._group.create_task(peering.conversation.greeted.wait(), name="greeting")
        greeted.add_done_callback(lambda _: ended.set())
        try:
            async with asyncio.timeout(limits.HANDSHAKE_SECONDS + 1.0):
                await ended.wait()
        except TimeoutError:
            _log.debug("%s does not come to an end with its handshake", address)
        finally:
            greeted.cancel()

    async def _converse(self, peering: Peering, ended: asyncio.Event) -> None:
        self._used[peering] = asyncio.get_running_loop().time()
        self._look_later(peering, LINGER_SECONDS)
        try:
            await self._sessions.converse(peering)
        except Exception as error:  # a task root: a fault in one session must not end the node
            self._failures.outlived(DIALLING, error, f"a session with {peering.label}")
        finally:
            del self._used[peering]
            ended.set()

    def _look_later(self, peering: Peering, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._leave_idle, peering)

    def _leave_idle(self, peering: Peering) -> None:
        """Ends a session that nobody needed for a while."""
        used = self._used.get(peering)
        if used is None:
            return
        left = used + LINGER_SECONDS - asyncio.get_running_loop().time()
        if left < LEAST_SECONDS:
            peering.farewell("", "the letters are delivered")
        else:
            self._look_later(peering, left)


def _known(reader: Reader, networker: bytes) -> list[str]:
    named = [address for row in reader.peers() if row.id == networker for address in row.addresses]
    profile = views.profile(reader.connection, networker)
    told = () if profile is None or profile.record.addresses is UNSET else profile.record.addresses
    # Anybody may write into a profile that it answers on this computer, or in this network.
    return [*named, *(address for address in told if scope_of(address) is Scope.PUBLIC)]


def mailboxes(reader: Reader, networker: bytes) -> tuple[bytes, ...]:
    """The mailbox hosts that a networker's profile names, the preferred first."""
    profile = views.profile(reader.connection, networker)
    if profile is None or profile.record.mailboxes is UNSET:
        return ()
    return profile.record.mailboxes
