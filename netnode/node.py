"""The node put together: home, store, gate, projections, sessions, API.

`initialise`, `opened` and `run` are what the command line calls. `Assembly` holds the parts; everything that touches
the outside comes in through its ports.
"""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from netnode import words
from netnode.bus import Bus
from netnode.config import Config, Settings, split_listen
from netnode.home import Home, Running
from netnode.ingest import Gate
from netnode.keystore import Keys, Keystore
from netnode.market import profile
from netnode.operations.services import Created, Ready, Services, StartOptions
from netnode.own import OwnLog
from netnode.ports import PEER_PATH, Clock, Disk, Entropy, Executor, Lane
from netnode.problems import ExitCode, Problem
from netnode.projections import tables
from netnode.projector import Projector
from netnode.services.node_services import NodeServices, compose
from netnode.services.ports import Serving
from netnode.store import GroupCommit, Store
from netnode.sync.peering import Core
from netnode.sync.sessions import SessionKeeper
from netnode.system import (
    SystemClock,
    SystemDisk,
    SystemEntropy,
    ThreadExecutor,
    lan_address,
    machine,
    retries,
)
from protocol import limits
from protocol.certificate import DAY_MS, certify
from protocol.entry import INCEPTION, NO_PREV, Entry, sign_entry
from protocol.identity import id_text, networker_id
from protocol.records import encode_record
from protocol.records.openers import Inception
from protocol.recovery import promise, promised_seed
from protocol.session import LocalIdentity
from protocol.signing import Signer

LOCK_SECONDS: Final = 5.0  # why: another command ends within that; a running node does not
RENEW_BEFORE_MS: Final = 30 * DAY_MS
RENEWAL_SECONDS: Final = 3_600.0  # why: a node may run for years; a look at the clock costs nothing
LOG_BYTES: Final = 5 * 1024 * 1024
_log = logging.getLogger("netnode")


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything the node takes from outside but its links."""

    clock: Clock
    entropy: Entropy
    executor: Executor
    disk: Disk


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of one open home; `sessions` is None without a network."""

    home: Home
    settings: Settings
    ports: Ports
    store: Store
    gate: Gate
    bus: Bus
    own: OwnLog
    projector: Projector
    keys: Keys | None


def initialise(home: Path, *, name: str, passphrase: bytes | None) -> Created:
    """Makes keys, home and the first entries.

    The keystore is written last: a home that was interrupted before holds nothing that ever left it, and is begun
    anew.

    Raises:
        Problem: the home holds a networker already (exit 4), is not private, or the disk fails.
    """
    return asyncio.run(_initialise(Home(home, SystemDisk()), name, passphrase))


async def _initialise(home: Home, name: str, passphrase: bytes | None) -> Created:
    home.create()
    ports = system_ports()
    with home.lock(retries(LOCK_SECONDS)):
        if home.initialised():
            raise Problem(
                f"{home.path} holds a networker already. Use another --home for a new one.",
                ExitCode.REFUSED,
                "initialised",
            )
        home.refuse_lost_keys()
        for leftover in (
            home.store,
            *(home.store.with_name(home.store.name + end) for end in ("-wal", "-shm")),
        ):
            ports.disk.remove(leftover)
        config = Config(home.config, ports.disk)
        config.create()
        network = config.settings().network
        entropy = ports.entropy.token(32)
        keys, inception = _founded(network, entropy, ports)
        async with _assembled(home, ports, keys, keys.networker) as parts:
            outcome = await parts.gate.admit([inception], durable=True)
            if outcome.fault is not None:
                raise Problem(f"The new log was not taken: {outcome.fault.text}.", code="own_log")
            record = profile.from_form({"name": name}, salt=ports.entropy.token(limits.SALT_BYTES))
            await parts.own.append([(record.KIND, encode_record(record))])
            await parts.projector.level()
        spoken = words.encode_words(entropy)
        text = id_text(keys.networker)
        sheet = home.recovery_sheet(text)
        ports.disk.write_private(sheet, words.recovery_sheet(text, network, spoken).encode())
        home.remember(machine())
        Keystore(home, ports.disk, ports.entropy).create(keys, passphrase)
    return Created(text, spoken, home.path, sheet)


def _founded(network: str, entropy: bytes, ports: Ports) -> tuple[Keys, Entry]:
    """New keys and the inception they sign [R-LOG-1, R-LOG-2]."""
    now = ports.clock.now_ms()
    seed = ports.entropy.token(limits.KEY_BYTES)
    signer = Signer(seed)
    promised = promise(network, Signer(promised_seed(network, entropy, 1)).public)
    record = encode_record(Inception(key=signer.public, nonce=ports.entropy.token(16), promise=promised))
    networker = networker_id(network, record)
    keys = Keys(
        networker=networker,
        network=network,
        epoch=0,
        promise=promised,
        signing_seed=seed,
        session_private=ports.entropy.token(limits.KEY_BYTES),
        session_until=now + limits.SESSION_KEY_DAYS * DAY_MS,
    )
    inception = sign_entry(
        network, signer, author=networker, seq=0, prev=NO_PREV, epoch=0, term=0, time=now, kind=INCEPTION,
        record=record,
    )  # fmt: skip
    return keys, inception


@asynccontextmanager
async def opened(home: Path, *, passphrase: bytes | None) -> AsyncIterator[Services]:
    """Takes the lock and opens the store without a network; see `operations.services.Runtime`."""
    place = Home(home, SystemDisk())
    place.check()
    ports = system_ports()
    with place.lock(retries(LOCK_SECONDS)):
        async with _assembled(place, ports, *_keys(place, ports, passphrase)) as parts:
            await parts.projector.level()
            yield _services(parts, None, None, lambda: None)


async def run(home: Path, options: StartOptions) -> None:
    """Runs the node until SIGTERM, SIGINT or the stop operation; returns after a clean end.

    Raises:
        Problem: the home is locked or not private, the passphrase is wrong, the port is taken, the disk fails.
    """
    place = Home(home, SystemDisk())
    place.check()
    ports = system_ports()
    with place.lock(retries(LOCK_SECONDS)):
        async with AsyncExitStack() as stack:
            keys, networker = _keys(place, ports, options.passphrase)
            if keys is None:
                raise Problem(
                    "The keys of this home need their passphrase: give --passphrase-file FILE.",
                    ExitCode.USAGE,
                    "passphrase_needed",
                )
            keys = _renewed(place, ports, keys, options.passphrase)
            stack.enter_context(_logging(place, Config(place.config, ports.disk).settings().log_level))
            parts = await stack.enter_async_context(_assembled(place, ports, keys, networker))
            await _serve(parts, keys, options)


async def _serve(parts: Assembly, keys: Keys, options: StartOptions) -> None:
    # Late: aiohttp takes a third of the time of a command that runs without a node.
    from netnode.api.server import ApiServer
    from netnode.links import WebSocketDialer, WebSocketListener

    settings, home = parts.settings, parts.home
    dialer = WebSocketDialer()
    listener = WebSocketListener(settings.allow_origins, settings.trusted_proxies)
    identity = await _identity(parts, keys)
    core = Core(settings.network, parts.store, parts.gate, parts.bus, parts.ports.clock, parts.own.witness)
    sessions = SessionKeeper(
        core, parts.own, lambda: identity, settings, parts.ports.entropy, dialer, listener, agent()
    )
    parts.own.skew = sessions.skew

    async def renew() -> None:
        """Keeps the session key good while the node runs, for the handshakes to come [R-CERT-2]."""
        nonlocal identity
        current, ports = keys, parts.ports
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            try:
                renewed = await ports.executor.run(
                    Lane.VERIFIER, _renewed, home, ports, current, options.passphrase
                )
                if renewed is not current:
                    identity = await _identity(parts, renewed)
                    current = renewed
            except Problem as problem:  # a full disk, say: the key is good for weeks, and it is tried again
                _log.error("the session key is not renewed: %s", problem.text)

    stopping = asyncio.Event()
    serving: list[Serving] = []
    services = _services(parts, sessions, stopping.set, lambda: serving[0] if serving else None)
    server = ApiServer(
        services,
        home.token(parts.ports.entropy),
        version=version("netnode"),
        extra_routes=[listener.route()],
        allow_hosts=settings.allow_hosts,
        allow_origins=settings.allow_origins,
    )
    host, port = await server.start(*split_listen(options.listen or settings.listen))
    ready = _ready(keys, host, port)
    serving.append(Serving(ready.api, ready.peer, parts.ports.clock.now_ms(), _announced(host, port)))
    listener.addresses = (ready.peer,)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    try:
        await sessions.start()
        for uri in settings.peers:
            await services.peers.dial(uri)
        for uri in options.peers:
            await services.peers.add(uri)
        home.write_running(Running(ready.pid, ready.api, ready.peer, ready.id))
        if options.ready_file is not None:
            _write_ready(options.ready_file, ready)
        _log.info("%s serves peers at %s", id_text(keys.networker), ready.peer)
        if options.on_ready is not None:
            options.on_ready(ready)
        async with asyncio.TaskGroup() as group:
            work = [
                group.create_task(parts.projector.run(), name="projector"),
                group.create_task(sessions.run(), name="sessions"),
                group.create_task(renew(), name="session key"),
            ]
            await stopping.wait()
            await sessions.close()
            for task in work:
                task.cancel()
    finally:
        home.remove_running()
        await sessions.close()
        await server.close()
        await dialer.close()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)
        _log.info("stopped")


def _services(
    parts: Assembly,
    sessions: SessionKeeper | None,
    stop: Callable[[], None] | None,
    serving: Callable[[], Serving | None],
) -> NodeServices:
    return compose(
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
        serving=serving,
        stop=stop,
    )


# -- parts ---------------------------------------------------------------------------------------------------
def system_ports() -> Ports:
    """The production ports."""
    return Ports(SystemClock(), SystemEntropy(), ThreadExecutor(), SystemDisk())


def agent() -> str:
    """What this program calls itself in a hello."""
    return f"netnode/{version('netnode')}"


@asynccontextmanager
async def _assembled(
    home: Home, ports: Ports, keys: Keys | None, networker: bytes
) -> AsyncIterator[Assembly]:
    settings = Config(home.config, ports.disk).settings()
    store = await Store.open(
        home.store, settings.network, ports.disk, ports.executor, ports.entropy, [tables.create]
    )
    try:
        async with GroupCommit(store) as commits:
            bus = Bus()
            gate = Gate(settings.network, store, commits, ports.executor, bus)
            own = OwnLog(settings.network, networker, gate, ports.clock, keys)
            projector = Projector(store, settings.network, ports.clock, bus)
            yield Assembly(home, settings, ports, store, gate, bus, own, projector, keys)
    finally:
        await store.close()
        await ports.executor.close()


def _keys(home: Home, ports: Ports, passphrase: bytes | None) -> tuple[Keys | None, bytes]:
    """The opened keys (None when they stay locked) and the networker's id."""
    keystore = Keystore(home, ports.disk, ports.entropy)
    public = keystore.public()
    if public.protected and passphrase is None:
        return None, public.networker
    return keystore.open(passphrase if public.protected else None), public.networker


def _renewed(home: Home, ports: Ports, keys: Keys, passphrase: bytes | None) -> Keys:
    """A session key that is good for at least a month more."""
    now = ports.clock.now_ms()
    if keys.session_until - now > RENEW_BEFORE_MS:
        return keys
    keystore = Keystore(home, ports.disk, ports.entropy)
    keystore.open(passphrase if keystore.public().protected else None)
    renewed = keys.with_session_key(
        ports.entropy.token(limits.KEY_BYTES), now + limits.SESSION_KEY_DAYS * DAY_MS
    )
    keystore.save(renewed)
    return renewed


async def _identity(parts: Assembly, keys: Keys) -> LocalIdentity:
    state = await parts.gate.state(keys.networker)
    if state is None:
        raise Problem(
            "The own log is not in the store, and it cannot be begun anew. Put back a backup of the home.",
            code="own_log",
        )
    openers = tuple(openings[0].entry for openings in state.openers.epochs)
    certificate = certify(keys.network, Signer(keys.signing_seed), keys.session_key, keys.session_until)
    return LocalIdentity(keys.networker, openers, certificate, keys.session_private)


def _ready(keys: Keys, host: str, port: int) -> Ready:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return Ready(
        id_text(keys.networker), os.getpid(), f"ws://{shown}:{port}{PEER_PATH}", f"http://{shown}:{port}"
    )


def _announced(host: str, port: int) -> tuple[str, ...]:
    """Where peers on other computers dial when the node listens on all addresses of this one."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104
        return ()
    lan = lan_address()
    return () if lan is None else (f"ws://{lan}:{port}{PEER_PATH}",)


def _write_ready(path: Path, ready: Ready) -> None:
    """One JSON line, renamed into place so that who waits for it never reads a part."""
    line = msgspec.json.encode({"id": ready.id, "pid": ready.pid, "peer": ready.peer, "api": ready.api})
    try:
        SystemDisk().write_private(path, line + b"\n")
    except OSError as error:
        raise Problem(
            f"The ready file {path} cannot be written: {error.strerror}.", code="ready_file"
        ) from error


@contextmanager
def _logging(home: Home, level: str) -> Iterator[None]:
    """Writes the program's log to node.log of the home, in two files of bounded size."""
    handler = logging.handlers.RotatingFileHandler(
        home.log_file, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("netnode")
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
    os.chmod(home.log_file, 0o600)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
