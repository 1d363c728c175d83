"""What services need of the rest of the node, as narrow as they use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

from netnode.store import PeerRow, Reader
from netnode.store.invites import JoiningRow
from netnode.sync.clocks import Doubt
from netnode.sync.reach import Pinged
from netnode.sync.reachability import Reachability
from protocol.address import Scope, host_scope
from protocol.entry import Entry
from protocol.messages import DialledBack, Found, Query
from protocol.seen import Seen

P = ParamSpec("P")
T = TypeVar("T")


class Reads(Protocol):
    """Reads a store: the node's, or one that nobody else has opened."""

    async def read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs ``function(reader, ...)`` on one snapshot. Raises Problem."""


class Identified(Protocol):
    """Whose node, or whose backup, it is."""

    @property
    def id(self) -> bytes:
        """The own networker, 32 bytes."""


class OwnLog(Protocol):
    """The one place that signs."""

    @property
    def id(self) -> bytes:
        """The own networker, 32 bytes."""

    async def append(self, records: Sequence[tuple[int, bytes]]) -> list[Entry]:
        """Signs and stores entries (kind, canonical record); on disk when it returns. Raises Problem."""


class Projector(Protocol):
    """Who keeps the projections."""

    async def level(self) -> None:
        """Returns when everything stored before the call is projected."""

    async def level_of(self, networker: bytes) -> None:
        """The same of one log, before the backlog of others."""


class Session(Protocol):
    """One open session."""

    id: bytes
    outbound: bool

    @property
    def group(self) -> str:
        """The network group of the peer."""

    async def fetch(
        self, blob: bytes, admit: Callable[[int], None], progress: Callable[[int, int], None]
    ) -> bytes:
        """A whole blob, proved by its name; `admit` is told its size, `progress` the bytes so far and of the whole.

        Raises NotHeld when it cannot be had there, RemoteProtocolError when what came is not that blob.
        """

    @property
    def answers_queries(self) -> bool:
        """Whether the peer answers searches."""

    async def query(self, question: Query) -> Found:
        """What the peer finds. Raises NotHeld, LinkClosed or RemoteProtocolError."""

    def farewell(self, code: str, text: str) -> None:
        """Ends the session."""

    @property
    def remote(self) -> str:
        """The address of the other side, for people."""

    @property
    def answers_pings(self) -> bool:
        """Whether the peer answers pings and dials back."""

    async def bring_branches(self, author: bytes) -> None:
        """Asks the peer for the branches of a log; returns when it has given them, or the session has ended."""

    async def see(self, author: bytes, seq: int) -> Seen:
        """The peer's word that it holds an entry. Raises NotHeld, LinkClosed or RemoteProtocolError."""

    async def ping(self) -> Pinged:
        """Round trip, clock, the own address there. Raises NotHeld, LinkClosed or RemoteProtocolError."""

    async def dial_back(self, port: int) -> DialledBack:
        """Lets the peer try this node's port. Raises as `ping`."""


class Sessions(Protocol):
    """Who keeps the sessions of a running node."""

    def open_sessions(self) -> Sequence[Session]:
        """The open ones."""

    async def add(self, row: PeerRow) -> PeerRow:
        """Puts a peer into the book and dials it."""

    async def drop(self, row: PeerRow) -> None:
        """Forgets a peer and ends the session with it."""

    async def write_book(self) -> None:
        """Writes the address book down, so that the store says what is so now."""

    async def changed(self) -> None:
        """Who is followed or blocked has changed."""

    async def show_invite(self, networker: bytes) -> None:
        """Shows a peer in session the invite of it that this node was given."""

    async def settled(self, networker: bytes, seconds: float) -> JoiningRow | None:
        """What came of that within so many seconds; None without such an invite."""

    def skew(self) -> int | None:
        """How far this clock is from the peers' median, in ms; None with too few peers to tell."""

    def doubt(self) -> Doubt | None:
        """What speaks against this clock where too few peers tell."""

    @property
    def reachability(self) -> Reachability:
        """What peers say of this node's addresses."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where a running node answers: ``http://host:port``, ``ws://host:port/inx/1``, since when (ms UTC).

    `announced` are the addresses for peers on other computers, empty while it listens on this one only.
    """

    api: str
    peer: str
    started: int
    announced: tuple[str, ...] = ()

    @property
    def only_here(self) -> bool:
        """Whether it listens to this computer only."""
        return not self.announced and host_scope(urlsplit(self.peer).hostname or "") is Scope.LOOPBACK

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.peer).port or 80
