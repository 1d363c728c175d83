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
from typing import TYPE_CHECKING, Final

import msgspec

from netnode.assembly import Assembly, Ports, PortsMaker, assembled, home_keys, services_of, system_ports
from netnode.config import Config
from netnode.home import Home, Running
from netnode.homes.founding import LOCK_SECONDS, initialise
from netnode.homes.repairing import repair
from netnode.homes.restoring import restore, verify_backup
from netnode.homes.returning import fetch, take_over
from netnode.keys.keystore import Keys
from netnode.operations.runtime import Ready, StartOptions
from netnode.operations.services import Services
from netnode.ports import PEER_PATH, Disk
from netnode.problems import ExitCode, Problem
from netnode.services.node_services import NodeServices
from netnode.services.ports import Serving
from netnode.services.settling import notice
from netnode.settings import split_listen
from netnode.system import freeze_memory, lan_address, retries
from protocol.identity import id_text

if TYPE_CHECKING:
    from netnode.links import WebSocketListener

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
_log = logging.getLogger("netnode")


@asynccontextmanager
async def opened(
    home: Path, *, passphrase: bytes | None, making: PortsMaker = system_ports
) -> AsyncIterator[Services]:
    """Takes the lock and opens the store without a network; see `operations.runtime.Runtime`."""
    ports = making()
    place = Home(home, ports.disk)
    place.check()
    with place.lock(retries(LOCK_SECONDS)):
        async with assembled(place, ports, *home_keys(place, ports, passphrase), passphrase) as parts:
            try:
                await parts.projector.level()
            except Problem as problem:  # a full disk must not keep its owner from looking at what is there
                _log.warning("what was stored last is not searchable yet: %s", problem.text)
            yield services_of(parts)


@asynccontextmanager
async def online(
    home: Path, options: StartOptions, *, making: PortsMaker = system_ports
) -> AsyncIterator[Services]:
    """Runs the node for the time of one command that needs its peers; see `run` for what it raises."""
    async with _running(home, options, making) as (services, stopping):
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


async def run(home: Path, options: StartOptions, *, making: PortsMaker = system_ports) -> None:
    """Runs the node until SIGTERM, SIGINT or the stop operation; returns after a clean end.

    Args:
        home: the folder.
        options: how to run it.
        making: the outside; a harness gives another clock, say.

    Raises:
        Problem: the home is locked or not private, the passphrase is wrong, the port is taken, the disk fails.
    """
    async with _running(home, options, making) as (_, stopping):
        freeze_memory()
        await stopping.wait()


@asynccontextmanager
async def _running(
    home: Path, options: StartOptions, making: PortsMaker
) -> AsyncIterator[tuple[NodeServices, asyncio.Event]]:
    ports = making()
    place = Home(home, ports.disk)
    place.check()
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
    from netnode.lifetime import meeting, working
    from netnode.links import WebSocketListener

    stopping = asyncio.Event()
    listener = WebSocketListener(parts.settings.allow_origins, parts.settings.trusted_proxies)
    async with AsyncExitStack() as stack:
        stack.callback(_log.info, "stopped")
        node = await stack.enter_async_context(
            meeting(
                parts,
                listener,
                lambda _, each: _front(parts, listener, each, options),
                options.peers,
                stopping.set,
            )
        )
        stack.enter_context(_until_told(stopping))
        await _tell_ready(parts, node.services, options, node.serving)
        async with working(node):
            yield node.services, stopping


@asynccontextmanager
async def _front(
    parts: Assembly, listener: WebSocketListener, services: NodeServices, options: StartOptions
) -> AsyncIterator[Serving]:
    """The HTTP server: the owner's API, and the route for peers."""
    from netnode.api.server import ApiServer
    from netnode.api.wellknown import PublicDocument
    from netnode.shop.counter import Counter
    from netnode.shop.reviews import ShopReviews
    from netnode.shop.routes import ShopRoutes
    from netnode.shop.short import ShortLinks
    from netnode.shop.turnstile import Turnstile

    settings, home = parts.settings, parts.home
    document = PublicDocument(services.domains, services.identity, settings.allow_hosts)
    public = [listener.route(), document.route()]
    if settings.shop == "on":
        counter = Counter(
            settings.network,
            parts.store,
            parts.own,
            parts.ports.clock,
            parts.mail,
            parts.boxes,
            parts.witnesses,
            ShopReviews(
                settings.network,
                parts.store,
                parts.ports.clock,
                services.reviews if settings.shop_reviews == "on" else None,
            ),
            settings.stamp_asked,
            parts.ledgers,
        )
        turnstile = Turnstile()
        shop = ShopRoutes(
            counter,
            parts.ports.clock,
            document.names,
            settings.allow_origins,
            settings.trusted_proxies,
            turnstile,
            parts.failures,
        )
        short = ShortLinks(
            parts.store,
            parts.ports.clock,
            document.names,
            turnstile,
            settings.trusted_proxies,
            parts.failures,
        )
        public += [*shop.routes(), short.route()]
    server = ApiServer(
        services,
        home.token(parts.ports.entropy),
        version=version("netnode"),
        extra_routes=public,
        allow_hosts=settings.allow_hosts,
        allow_origins=settings.allow_origins,
        failures=parts.failures,
    )
    host, port = await server.start(*split_listen(options.listen or settings.listen))
    try:
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        peer = f"ws://{shown}:{port}{PEER_PATH}"
        listener.addresses = (peer,)
        yield Serving(f"http://{shown}:{port}", peer, parts.ports.clock.now_ms(), _announced(host, port))
    finally:
        home.remove_running()
        await server.close()


@contextmanager
def _until_told(stopping: asyncio.Event) -> Iterator[None]:
    """Takes SIGTERM and SIGINT for the wish to stop."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    try:
        yield
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)


async def _tell_ready(
    parts: Assembly, services: NodeServices, options: StartOptions, serving: Serving
) -> None:
    """Tells other commands, whoever waits for the ready file, and the owner that the node serves."""
    ready = Ready(id_text(parts.own.id), os.getpid(), serving.peer, serving.api)
    parts.home.write_running(Running(ready.pid, ready.api, ready.peer, ready.id))
    _log.info("%s serves peers at %s", ready.id, ready.peer)
    if options.ready_file is not None:
        _write_ready(options.ready_file, ready, parts.ports.disk)
    told = notice(await services.own.waiting())
    if told is not None:
        ready = replace(ready, notice=told)
        _log.warning("%s", told)
    if options.on_ready is not None:
        options.on_ready(ready)


def _announced(host: str, port: int) -> tuple[str, ...]:
    """Where peers on other computers dial when the node listens on all addresses of this one."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104
        return ()
    lan = lan_address()
    return () if lan is None else (f"ws://{lan}:{port}{PEER_PATH}",)


def _write_ready(path: Path, ready: Ready, disk: Disk) -> None:
    """One JSON line, renamed into place so that who waits for it never reads a part."""
    line = msgspec.json.encode({"id": ready.id, "pid": ready.pid, "peer": ready.peer, "api": ready.api})
    try:
        disk.write_private(path, line + b"\n")
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
    # Why: else each line that finds the disk full or read-only is a traceback on the terminal, or in a journal.
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        yield
    finally:
        logging.raiseExceptions = before
        logger.removeHandler(handler)
        handler.close()
