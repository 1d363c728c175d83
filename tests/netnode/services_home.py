"""A home with real parts and its services, for tests: no sockets, cheap keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netnode.bus import Bus
from netnode.config import Config
from netnode.deals.means import Means
from netnode.deals.trading import Trading, trading
from netnode.home import Home
from netnode.ingest import Gate
from netnode.keys.keyring import KeyRing
from netnode.keys.keystore import Keys, Keystore
from netnode.mail.letters import Letters
from netnode.own.log import OwnLog
from netnode.projections import tables
from netnode.projector import Projector
from netnode.services.node_services import NodeServices, compose
from netnode.services.ports import Serving
from netnode.shop.witnesses import Witnesses
from netnode.store import GroupCommit, PeerRow, Store
from netnode.store.invites import JoiningRow
from netnode.sync.book import Book
from netnode.sync.clocks import Doubt
from netnode.sync.reachability import Reachability
from netnode.system import SystemDisk, SystemEntropy, ThreadExecutor
from protocol.identity import id_text
from protocol.recovery import backup_public
from tests.protocol.author import Author, seed

NETWORK = "inx"
START = 1_700_000_000_000


class TestClock:
    """A clock that moves when told."""

    __test__ = False

    def __init__(self) -> None:
        self.now = START + 1_000

    def now_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1000

    def elapsed(self) -> float:
        return self.monotonic()


@dataclass
class OpenSession:
    id: bytes
    outbound: bool = True
    group: str = "loopback"


@dataclass
class FakeSessions:
    """Does what services ask of the keeper of sessions, and remembers it."""

    store: Store
    sessions: list[OpenSession] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    reachability: Reachability = field(default_factory=Reachability)
    outcome: JoiningRow | None = None

    async def show_invite(self, networker: bytes) -> None:
        self.told.append(("show", networker))

    async def settled(self, networker: bytes, seconds: float) -> JoiningRow | None:
        return self.outcome

    def skew(self) -> int | None:
        return None

    def doubt(self) -> Doubt | None:
        return None

    def open_sessions(self) -> list[OpenSession]:
        return self.sessions

    async def add(self, row: PeerRow) -> PeerRow:
        stored = await Book(self.store).add(row)
        self.told.append(("add", stored.addresses))
        return stored

    async def drop(self, row: PeerRow) -> None:
        self.told.append(("drop", row.p))
        await self.store.write(lambda writer: writer.remove_peer(row.p))

    async def changed(self) -> None:
        self.told.append("changed")

    async def write_book(self) -> None:
        self.told.append("book")


@dataclass
class OpenHome:
    """The parts a test may look at."""

    me: Author
    home: Home
    store: Store
    gate: Gate
    own: OwnLog
    projector: Projector
    clock: TestClock
    services: NodeServices
    sessions: FakeSessions | None
    stopped: list[bool]
    ring: KeyRing
    letters: Letters
    trading: Trading
    bus: Bus

    @property
    def id(self) -> str:
        return id_text(self.me.id)


@asynccontextmanager
async def opened(
    path: Path,
    name: str = "ada",
    *,
    locked: bool = False,
    running: bool = False,
    network: str = NETWORK,
    clock: TestClock | None = None,
) -> AsyncIterator[OpenHome]:
    """Opens (and founds, the first time) the home of a test author in a folder."""
    clock = clock or TestClock()
    disk, entropy, executor = SystemDisk(), SystemEntropy(), ThreadExecutor()
    home = Home(path / name, disk)
    home.create()
    me = Author(name, network)
    keystore = Keystore(home, disk, entropy)
    if not home.initialised():
        founded = Keys(
            me.id, network, 0, me.promise_for(1), seed(name, "key", 0), bytes(32), START,
            backup_public(network, me.entropy), bytes(32),
        )  # fmt: skip
        keystore.create(founded, None)
    keys = keystore.open(None)
    store = await Store.open(home.store, network, disk, executor, entropy, [tables.create])
    try:
        async with GroupCommit(store) as commits:
            bus = Bus()
            gate = Gate(network, store, commits, executor, bus)
            ring = KeyRing(home, disk, entropy, executor, None if locked else keys, None)
            held = await store.load(me.id)
            if held is not None:
                ring.reconcile(held.openers)
            own = OwnLog(network, me.id, gate, clock, ring.opened, store)
            ring.tell(own.adopt)
            if await gate.state(me.id) is None:
                assert (await gate.admit(me.entries, durable=True)).fault is None
            projector = Projector(store, network, clock, bus)
            sessions = FakeSessions(store) if running else None
            stopped: list[bool] = []
            stop: Callable[[], None] | None = (lambda: stopped.append(True)) if running else None
            serving = Serving("http://127.0.0.1:1", "ws://127.0.0.1:1/inx/1", START) if running else None
            config = Config(home.config, disk)
            letters = Letters(store, clock, entropy)
            letters.receive("witness", Witnesses(network, store, own, clock, letters).take)
            trade = trading(config.settings(), Means(network, own, store, ring, letters, clock, entropy))
            services = compose(
                network=network,
                home=home,
                config=config,
                version="test",
                store=store,
                gate=gate,
                own=own,
                projector=projector,
                clock=clock,
                entropy=entropy,
                executor=executor,
                sessions=sessions,
                serving=lambda: serving,
                stop=stop,
                ring=ring,
                letters=letters,
                trading=trade,
            )
            yield OpenHome(
                me,
                home,
                store,
                gate,
                own,
                projector,
                clock,
                services,
                sessions,
                stopped,
                ring,
                letters,
                trade,
                bus,
            )
    finally:
        await store.close()
        await executor.close()


async def pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    """The bytes as an upload brings them."""
    for start in range(0, len(data), size):
        await asyncio.sleep(0)
        yield data[start : start + size]


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def everything(page: Callable[[str | None], Any]) -> list[Any]:
    """All items of a list, page by page."""
    items: list[Any] = []
    cursor = None
    while True:
        found = await page(cursor)
        items += found.items
        cursor = found.next
        if cursor is None:
            return items


def csv(rows: Iterable[str]) -> bytes:
    """A Shopify file of rows `handle,title,price[,option value]`."""
    lines = ["Handle,Title,Vendor,Option1 Name,Option1 Value,Variant Price"]
    return "\n".join([*lines, *rows]).encode() + b"\n"
