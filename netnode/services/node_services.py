"""All services of one node, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from netnode.config import Config
from netnode.encryption import EncryptionRenewal
from netnode.home import Home
from netnode.ingest import Gate
from netnode.keyring import KeyRing
from netnode.keystore import Keystore
from netnode.operations.settings import FileConfiguration
from netnode.own import OwnLog
from netnode.ports import Clock, Disk, Entropy, Executor
from netnode.services.backups import HomeBackups
from netnode.services.blobs import HeldBlobs
from netnode.services.exporting import FeedExport
from netnode.services.finding import CatalogueSearch
from netnode.services.follows import FollowList
from netnode.services.identity import OwnIdentity
from netnode.services.importing import FeedImport
from netnode.services.keys import OwnKeys
from netnode.services.listings import OwnListings
from netnode.services.logfiles import LogFiles
from netnode.services.logs import HeldLogs
from netnode.services.moderation import Statements
from netnode.services.peers import PeerBook
from netnode.services.ports import Projector, Serving, Sessions
from netnode.services.rotations import Rotations
from netnode.services.settling import OwnWork
from netnode.services.status import LiveState
from netnode.services.verifying import LogVerification
from netnode.standing import StandingEntries
from netnode.store import Store
from netnode.system import SystemDisk


@dataclass(frozen=True, slots=True)
class NodeServices:
    """`operations.services.Services`."""

    node: LiveState
    identity: OwnIdentity
    listings: OwnListings
    search: CatalogueSearch
    peers: PeerBook
    follows: FollowList
    log: HeldLogs
    keys: OwnKeys
    own: OwnWork
    blobs: HeldBlobs
    backups: HomeBackups
    moderation: Statements
    config: FileConfiguration


def compose(
    *,
    network: str,
    home: Home,
    config: Config,
    version: str,
    store: Store,
    gate: Gate,
    own: OwnLog,
    projector: Projector,
    clock: Clock,
    entropy: Entropy,
    executor: Executor,
    sessions: Sessions | None = None,
    ask_hubs: bool = True,
    serving: Callable[[], Serving | None] = lambda: None,
    stop: Callable[[], None] | None = None,
    disk: Disk | None = None,
    ring: KeyRing | None = None,
) -> NodeServices:
    """Builds the services.

    Args:
        network: the network's name.
        home: where uploads are held meanwhile; shown in the status.
        config: the settings file.
        version: of the program.
        store: the open store.
        gate: what files of logs pass.
        own: signs.
        projector: keeps the catalogue level.
        clock: dates and expiries.
        entropy: salts of records.
        executor: runs what touches files.
        sessions: None when no network is open.
        ask_hubs: whether searches ask peers that keep more.
        serving: where the running node answers; asked at each call, since ports are known late.
        stop: asks the running node to end; None when none is running.
        disk: of the files of the home; None takes the system's.
        ring: the keys; None: they stay locked.
    """
    disk = disk or SystemDisk()
    ring = ring or KeyRing(home, disk, entropy, executor, None, None)
    backups = HomeBackups(
        home, store, own.id, lambda: ring.opened, config, clock, entropy, executor, disk, version
    )
    keys = OwnKeys(
        network,
        store,
        gate,
        own,
        ring,
        Keystore(home, disk, entropy).public,
        own.caution,
        clock,
        entropy,
        EncryptionRenewal(ring, own, store, clock, entropy),
        StandingEntries(store, own, projector, clock, entropy),
        Rotations(store, own),
        sessions,
    )
    feeds = FeedImport(store, own, projector, entropy, executor, home.path)
    export = FeedExport(store, own, projector, clock)
    work = OwnWork(own, store, projector)
    return NodeServices(
        node=LiveState(store, own, clock, home.path, version, sessions, serving, stop, backups, work.waiting),
        identity=OwnIdentity(store, own, projector, entropy),
        listings=OwnListings(store, own, projector, clock, entropy, feeds, export),
        search=CatalogueSearch(network, store, own, clock, sessions, ask_hubs),
        peers=PeerBook(store, own, clock, config, executor, sessions, serving),
        follows=FollowList(store, own, clock, sessions),
        log=HeldLogs(
            store,
            own,
            LogVerification(network, store, own),
            LogFiles(network, store, gate, own, projector),
        ),
        keys=keys,
        own=work,
        blobs=HeldBlobs(store, own, projector, clock, sessions),
        backups=backups,
        moderation=Statements(store, own, projector, entropy),
        config=FileConfiguration(config, made=True),
    )
