"""The node as the command line uses it: `initialise`, `opened` and `run`."""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from netnode import telling, upkeep
from netnode.assembly import Assembly, Ports, agent, assembled, home_keys, services_of, system_ports
from netnode.config import Config
from netnode.home import Home, Running
from netnode.homes.founding import LOCK_SECONDS, initialise
from netnode.homes.refetching import fetch_own_log
from netnode.homes.repairing import repair
from netnode.homes.restoring import restore, verify_backup
from netnode.homes.returning import fetch, take_over
from netnode.keys.keystore import Keys
from netnode.mdns import ZeroconfMulticast
from netnode.nearby import Neighbourhood, look_around
from netnode.operations.runtime import Ready, StartOptions
from netnode.operations.services import Services
from netnode.periodic import Periodic, run_all
from netnode.ports import PEER_PATH
from netnode.problems import ExitCode, Problem
from netnode.services import encryption, standing
from netnode.services.backups import LOOK_SECONDS
from netnode.services.node_services import NodeServices
from netnode.services.ports import Serving
from netnode.session_identity import RENEWAL_SECONDS, SessionIdentity
from netnode.settings import Settings, split_listen
from netnode.store import Store
from netnode.sync.claims import Claims
from netnode.sync.peering import Core
from netnode.sync.ranges import HELD_SECONDS, Held
from netnode.sync.reach import Reach
from netnode.sync.sessions import SessionKeeper
from netnode.system import SystemDisk, freeze_memory, lan_address, retries
from protocol.address import Scope, host_scope, ip_of
from protocol.identity import id_text

__all__ = [
    "fetch",
    "initialise",
    "online",
    "opened",
    "repair",
    "restore",
    "run",
    "take_over",
    "verify_backup",
]

LOG_BYTES: Final = 5 * 1024 * 1024
STAMP_SECONDS: Final = 60.0  # why: a full disk may have room again by then
DAMAGE_SECONDS: Final = 5.0  # why: a look at a variable; what peers take meanwhile they verify
OUTSIDE_SECONDS: Final = 60.0  # why: a look at the clock; peers are asked once an hour
AROUND_SECONDS: Final = 300.0  # why: where the local network could not be looked at, it may be there later
_log = logging.getLogger("netnode")


@asynccontextmanager
async def opened(home: Path, *, passphrase: bytes | None) -> AsyncIterator[Services]:
    """Takes the lock and opens the store without a network; see `operations.runtime.Runtime`."""
    place = Home(home, SystemDisk())
    place.check()
    ports = system_ports()
    with place.lock(retries(LOCK_SECONDS)):
        async with assembled(place, ports, *home_keys(place, ports, passphrase), passphrase) as parts:
            try:
                await parts.projector.level()
            except Problem as problem:  # a full disk must not keep its owner from looking at what is there
                _log.warning("what was stored last is not searchable yet: %s", problem.text)
            yield services_of(parts)


@asynccontextmanager
async def online(home: Path, options: StartOptions) -> AsyncIterator[Services]:
    """Runs the node for the time of one command that needs its peers; see `run` for what it raises."""
    async with _running(home, options) as (services, stopping):
        command = asyncio.current_task()

        async def end() -> None:
            """Ctrl-C and `netnode stop` end the command as well."""
            await stopping.wait()
            if command is not None:
                command.cancel()

        watching = asyncio.create_task(end(), name="end of the command")
        failed: BaseException | None = None
        try:
            yield services
        except asyncio.CancelledError:
            if not stopping.is_set():
                raise
            failed = KeyboardInterrupt()
        except Exception as error:  # raised below as it is, not in the group of the node's tasks
            failed = error
        finally:
            watching.cancel()
    if failed is not None:
        raise failed


async def run(home: Path, options: StartOptions) -> None:
    """Runs the node until SIGTERM, SIGINT or the stop operation; returns after a clean end.

    Raises:
        Problem: the home is locked or not private, the passphrase is wrong, the port is taken, the disk fails.
    """
    async with _running(home, options) as (_, stopping):
        freeze_memory()
        await stopping.wait()


@asynccontextmanager
async def _running(home: Path, options: StartOptions) -> AsyncIterator[tuple[NodeServices, asyncio.Event]]:
    place = Home(home, SystemDisk())
    place.check()
    ports = system_ports()
    with place.lock(retries(LOCK_SECONDS)):
        async with AsyncExitStack() as stack:
            keys, networker = _unlocked(place, ports, options.passphrase)
            stack.enter_context(_logging(place, Config(place.config, ports.disk).settings().log_level))
            parts = await stack.enter_async_context(
                assembled(place, ports, keys, networker, options.passphrase)
            )
            await parts.ring.save()
            yield await stack.enter_async_context(_serving(parts, options))


def _unlocked(home: Home, ports: Ports, passphrase: bytes | None) -> tuple[Keys, bytes]:
    keys, networker = home_keys(home, ports, passphrase)
    if keys is None:
        raise Problem(
            "The keys of this home need their passphrase: give --passphrase-file FILE.",
            ExitCode.USAGE,
            "passphrase_needed",
        )
    return keys, networker


@asynccontextmanager
async def _serving(
    parts: Assembly, options: StartOptions
) -> AsyncIterator[tuple[NodeServices, asyncio.Event]]:
    # Late: aiohttp takes a third of the time of a command that runs without a node.
    from netnode.api.server import ApiServer
    from netnode.api.wellknown import PublicDocument
    from netnode.links import WebSocketDialer, WebSocketListener

    settings, home = parts.settings, parts.home
    dialer = WebSocketDialer()
    listener = WebSocketListener(settings.allow_origins, settings.trusted_proxies)
    try:
        await fetch_own_log(parts, dialer, (*settings.peers, *options.peers))
        identity = await SessionIdentity.of(parts)
    except BaseException:
        await dialer.close()
        raise
    held = None
    if settings.interest == "all":
        held = Held(parts.store, settings.network, parts.ports.entropy, parts.ports.clock)
    reach = Reach(
        settings.network,
        parts.store,
        parts.ports.clock,
        parts.ports.entropy,
        dialer,
        lambda: identity.current,
        agent(),
    )
    core = Core(
        settings.network,
        parts.store,
        parts.gate,
        parts.bus,
        parts.ports.clock,
        parts.own.witness,
        own=parts.own,
        searched_as=_searched_as(parts),
        keeping=parts.keeping,
        stamping=parts.stamping,
        held=held,
        reach=reach,
        claims=Claims(parts.ports.clock),
    )
    sessions = SessionKeeper(
        core, parts.own, lambda: identity.current, settings, parts.ports.entropy, dialer, listener, agent()
    )
    parts.own.skew = sessions.skew
    reach.named = sessions.invited
    parts.keeping.on_wider = sessions.compare_again
    parts.stamping.on_better = sessions.show_stamp
    parts.bus.subscribe(lambda _: parts.stamping.busy())
    chores = [Periodic("renewing the session key", RENEWAL_SECONDS, identity.renew), *upkeep.chores(parts)]
    if held is not None:
        chores.append(Periodic("reading the set of logs", HELD_SECONDS, held.refresh))
    stopping = asyncio.Event()
    damage: list[str] = []
    serving: list[Serving] = []
    neighbourhood = Neighbourhood(parts.ports.clock, parts.own.id)
    services = services_of(
        parts, sessions, stopping.set, lambda: serving[0] if serving else None, neighbourhood
    )
    chores += [
        Periodic("looking from outside", OUTSIDE_SECONDS, services.reaching.look),
        Periodic(
            "working for the stamp", STAMP_SECONDS, parts.stamping.run
        ),  # without end, but for a disk that fails
        Periodic("making a backup", LOOK_SECONDS, services.backups.scheduled),
        Periodic("watching the store", DAMAGE_SECONDS, lambda: _withdraw(parts.store, sessions, damage)),
        Periodic("renewing the encryption keys", encryption.LOOK_SECONDS, services.keys.renew),
        Periodic("standing entries", standing.LOOK_SECONDS, services.keys.keep_standing),
        Periodic(
            "asking who knows the newest key",
            telling.LOOK_SECONDS,
            telling.Telling(parts.store, parts.own.id, sessions.open_sessions, parts.ports.clock).run,
        ),
    ]
    server = ApiServer(
        services,
        home.token(parts.ports.entropy),
        version=version("netnode"),
        extra_routes=[
            listener.route(),
            PublicDocument(services.domains, services.identity, settings.allow_hosts).route(),
        ],
        allow_hosts=settings.allow_hosts,
        allow_origins=settings.allow_origins,
    )
    host, port = await server.start(*split_listen(options.listen or settings.listen))
    ready = _ready(parts.own.id, host, port)
    serving.append(Serving(ready.api, ready.peer, parts.ports.clock.now_ms(), _announced(host, port)))
    listener.addresses = (ready.peer,)
    chores += _around(neighbourhood, settings, serving[0])
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
        _log.info("%s serves peers at %s", ready.id, ready.peer)
        waiting = await services.own.waiting()
        if waiting is not None and (waiting.by is None or waiting.alarm):
            ready = replace(ready, notice=waiting.text)
            _log.warning("%s", waiting.text)
        if options.on_ready is not None:
            options.on_ready(ready)
        async with asyncio.TaskGroup() as group:
            work = [
                group.create_task(parts.projector.run(), name="projector"),
                group.create_task(sessions.run(), name="sessions"),
                group.create_task(run_all(chores), name="chores"),
            ]
            yield services, stopping
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


def _searched_as(parts: Assembly) -> bytes | None:
    """The own networker when peers may search here: a node that keeps few logs has little to answer."""
    settings = parts.settings
    return parts.own.id if settings.interest == "all" and settings.answer_searches == "on" else None


async def _withdraw(store: Store, sessions: SessionKeeper, told: list[str]) -> None:
    """Ends all sessions once damage was met in the store, so that none of it is sent."""
    if store.damaged is not None and not told:
        told.append(store.damaged)
        _log.error("nothing is written or sent any more: %s", store.damaged)
        await sessions.close()


def _around(neighbourhood: Neighbourhood, settings: Settings, serving: Serving) -> list[Periodic]:
    """The chore that announces this node in the local network, where it may be dialled from there."""
    if serving.only_here:
        neighbourhood.why_not = (
            'it listens to this computer only. To change that: netnode config set listen "0.0.0.0:4747"'
        )
        return []
    if settings.mdns == "off":
        neighbourhood.why_not = "the setting mdns is off. To change that: netnode config set mdns on"
        return []
    named = [serving.peer, *serving.announced]
    hosts = [host for each in named if ip_of(host := urlsplit(each).hostname or "") is not None]
    hosts = [host for host in hosts if host_scope(host) is not Scope.LOOPBACK]
    multicast = ZeroconfMulticast()

    async def around() -> None:
        await look_around(neighbourhood, multicast, id_text(neighbourhood.own), serving.port, hosts)

    return [Periodic("looking around in the local network", AROUND_SECONDS, around)]


def _ready(networker: bytes, host: str, port: int) -> Ready:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return Ready(id_text(networker), os.getpid(), f"ws://{shown}:{port}{PEER_PATH}", f"http://{shown}:{port}")


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


def _one_line(record: logging.LogRecord) -> bool:
    """Escapes what does not print: texts of peers are logged, and make no lines of their own."""
    text = record.getMessage()
    if not text.isprintable():
        text = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
    record.msg, record.args = text, None
    return True


@contextmanager
def _logging(home: Home, level: str) -> Iterator[None]:
    """Writes the program's log to node.log of the home, in two files of bounded size."""
    handler = logging.handlers.RotatingFileHandler(
        home.log_file, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"
    )
    handler.addFilter(_one_line)
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
