"""The parts of one open home, put together; everything that touches the outside comes in through its ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version

from netnode.backups.before_migration import saving
from netnode.bus import Bus
from netnode.config import Config
from netnode.deals.means import Means
from netnode.deals.trading import Trading, trading
from netnode.failures import Failures
from netnode.home import Home
from netnode.ingest import Gate
from netnode.keeping import Keeping
from netnode.keys.keyring import KeyRing
from netnode.keys.keystore import Keys, Keystore
from netnode.ledgers.ledgers import Ledgers
from netnode.ledgers.stakes import stakes
from netnode.mail.office import PostOffice, post_office
from netnode.nearby import Neighbourhood
from netnode.own.caution import Reason, mark
from netnode.own.log import OwnLog
from netnode.ports import Clock, Dialer, Disk, Entropy, Executor, Multicast, Sealer, Web
from netnode.problems import Problem
from netnode.projections import tables
from netnode.projector import Projector
from netnode.quotas import Quotas
from netnode.sealer import HpkeSealer
from netnode.services.node_services import NodeServices, compose
from netnode.services.ports import Serving
from netnode.settings import Settings
from netnode.shop.boxes import ShopBoxes
from netnode.shop.witnesses import Witnesses
from netnode.stamping import Stamping
from netnode.store import GroupCommit, Store
from netnode.store.faults import DAMAGED
from netnode.store.schema import STORE_ID_BYTES, Saving
from netnode.sync.reckoned import Reckoned
from netnode.sync.sessions import SessionKeeper
from netnode.system import SystemClock, SystemDisk, SystemEntropy, ThreadExecutor, machine, own_addresses


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything the node takes from outside; only how it is dialled is the business of who runs it.

    The executor serves one `assembled` and is closed with it. `dialer`, `web` and `multicast` make one where one is
    needed; `machine` is the fingerprint of this computer, `local` gives its IP addresses.
    """

    clock: Clock
    entropy: Entropy
    executor: Executor
    disk: Disk
    sealer: Sealer
    dialer: Callable[[], Dialer]
    web: Callable[[], Web]
    multicast: Callable[[], Multicast]
    machine: Callable[[], str]
    local: Callable[[], Sequence[str]]


PortsMaker = Callable[[], Ports]
"""Makes the ports of one opening of a home, with an executor of their own."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of one open home."""

    home: Home
    settings: Settings
    ports: Ports
    store: Store
    gate: Gate
    keeping: Keeping
    stamping: Stamping
    bus: Bus
    own: OwnLog
    projector: Projector
    ring: KeyRing
    mail: PostOffice
    boxes: ShopBoxes
    witnesses: Witnesses
    trading: Trading
    ledgers: Ledgers
    reckoned: Reckoned
    failures: Failures = field(default_factory=Failures)


def system_ports() -> Ports:
    """The production ports."""
    return Ports(
        clock=SystemClock(),
        entropy=SystemEntropy(),
        executor=ThreadExecutor(),
        disk=SystemDisk(),
        sealer=HpkeSealer(),
        dialer=_web_sockets,
        web=_https,
        multicast=_zeroconf,
        machine=machine,
        local=own_addresses,
    )


# Late: these libraries take a while to load, and most commands need none of them.
def _web_sockets() -> Dialer:
    from netnode.links import WebSocketDialer

    return WebSocketDialer(SystemEntropy())


def _https() -> Web:
    from netnode.web import HttpsFetcher

    return HttpsFetcher()


def _zeroconf() -> Multicast:
    from netnode.mdns import ZeroconfMulticast

    return ZeroconfMulticast()


def agent() -> str:
    """What this program calls itself in a hello."""
    return f"netnode/{version('netnode')}"


@asynccontextmanager
async def assembled(
    home: Home, ports: Ports, keys: Keys | None, networker: bytes, passphrase: bytes | None = None
) -> AsyncIterator[Assembly]:
    """Opens the store of a locked home and builds everything that rests on it; closes both at the end.

    Args:
        home: whose lock the caller holds.
        ports: the outside.
        keys: as opened; None while they stay locked.
        networker: its id, 32 bytes.
        passphrase: what opened the keys, to write changed ones.

    Raises:
        Problem: the settings or the store cannot be read.
    """
    settings = Config(home.config, ports.disk).settings()
    home_key = None if keys is None else keys.backup_key
    before = saving(
        home, settings, home_key, ports.clock, ports.disk, ports.entropy, ports.sealer, version("netnode")
    )
    store = await _own_store(home, ports, settings.network, before)
    try:
        async with GroupCommit(store) as commits:
            bus = Bus()
            keeping = Keeping(store, networker, Quotas.of(settings), ports.clock)
            await keeping.load()
            gate = Gate(settings.network, store, commits, ports.executor, bus, keeping)
            ring = KeyRing(home, ports.disk, ports.entropy, ports.executor, keys, passphrase)
            state = await store.load(networker)
            if state is not None:
                ring.reconcile(state.openers)
            await gate.resume()
            own = OwnLog(settings.network, networker, gate, ports.clock, ring.opened, store)
            ring.tell(own.adopt)
            await own.caution.load()
            if state is None and home.initialised() and own.caution.reason is not Reason.LOST:
                await own.caution.begin(Reason.LOST)
            projector = Projector(store, settings.network, ports.clock, bus)
            stamping = Stamping(
                store,
                settings.network,
                networker,
                ports.clock,
                ports.entropy,
                ports.executor,
                settings.stamp_bits,
            )
            await stamping.load()
            failures = Failures()
            mail = post_office(
                settings, store, ring, own, keeping, stamping, ports.sealer, ports.executor, ports.clock,
                ports.entropy, failures,
            )  # fmt: skip
            boxes = ShopBoxes(store, ports.clock, settings.shop == "on")
            mail.mailbox.boxes = boxes
            witnesses = Witnesses(settings.network, store, own, ports.clock, mail.letters)
            mail.letters.receive("witness", witnesses.take)
            means = Means(settings.network, own, store, ring, mail.letters, ports.clock, ports.entropy)
            yield Assembly(
                home,
                settings,
                ports,
                store,
                gate,
                keeping,
                stamping,
                bus,
                own,
                projector,
                ring,
                mail,
                boxes,
                witnesses,
                trading(settings, means),
                Ledgers(settings.network, networker, store),
                Reckoned(networker, ports.clock, lambda reader: stakes(reader, networker)),
                failures,
            )
    finally:
        await store.close()
        await ports.executor.close()


async def _own_store(home: Home, ports: Ports, network: str, saving: Saving) -> Store:
    """Opens the store; that of a home that is a copy becomes one of its own, and cautious, first [R-LOG-22]."""

    async def opened() -> Store:
        return await Store.open(
            home.store, network, ports.disk, ports.executor, ports.entropy, [tables.create], saving
        )

    _refuse_empty(home)
    here = ports.machine()
    moved = home.moved(here)  # before a store that is gone is made anew
    store = await opened()
    if not moved:
        return store
    try:
        token = ports.entropy.token(STORE_ID_BYTES)
        await store.write(mark, Reason.MOVED, ports.clock.now_ms(), token)
    finally:
        await store.close()
    home.remember(here)
    return await opened()


def _refuse_empty(home: Home) -> None:
    """Refuses a store of zero bytes, which SQLite would take for a new one; a node that dies never leaves one.

    Raises:
        Problem: `damaged`.
    """
    with suppress(OSError):
        if home.initialised() and home.store.stat().st_size == 0:
            raise Problem(
                f"The store {home.store} is damaged: it is empty. To make a new one, run: netnode repair",
                code=DAMAGED,
                details={"path": str(home.store)},
            )


def home_keys(home: Home, ports: Ports, passphrase: bytes | None) -> tuple[Keys | None, bytes]:
    """The opened keys (None when they stay locked) and the networker's id.

    Raises:
        Problem: no keystore, a damaged one, or a wrong passphrase.
    """
    keystore = Keystore(home, ports.disk, ports.entropy)
    public = keystore.public()
    if public.protected and passphrase is None:
        return None, public.networker
    return keystore.open(passphrase if public.protected else None), public.networker


def services_of(
    parts: Assembly,
    sessions: SessionKeeper | None = None,
    stop: Callable[[], None] | None = None,
    serving: Callable[[], Serving | None] = lambda: None,
    neighbourhood: Neighbourhood | None = None,
) -> NodeServices:
    """The services over these parts; see `services.node_services.compose`."""
    services = compose(
        network=parts.settings.network,
        home=parts.home,
        config=Config(parts.home.config, parts.ports.disk),
        version=version("netnode"),
        store=parts.store,
        gate=parts.gate,
        own=parts.own,
        projector=parts.projector,
        clock=parts.ports.clock,
        entropy=parts.ports.entropy,
        executor=parts.ports.executor,
        sessions=sessions,
        ask_hubs=parts.settings.search_hubs == "on",
        serving=serving,
        stop=stop,
        neighbourhood=neighbourhood,
        keeping=parts.keeping,
        stamping=parts.stamping,
        disk=parts.ports.disk,
        ring=parts.ring,
        web=parts.ports.web,
        sealer=parts.ports.sealer,
        machine=parts.ports.machine,
        local=parts.ports.local,
        letters=parts.mail.letters,
        trading=parts.trading,
        ledgers=parts.ledgers,
        reckoned=parts.reckoned,
        failures=parts.failures,
    )
    parts.witnesses.opened = services.issued.sales.changed
    return services
