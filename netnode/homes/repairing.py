"""A new store made from what can be read of a damaged one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import apsw

from netnode.assembly import Ports, PortsMaker, assembled, system_ports
from netnode.backups.scratch import Watch, require_room, scratch
from netnode.home import Home
from netnode.keys.keystore import Keystore, PublicKeys
from netnode.operations import models
from netnode.own.caution import Reason, mark
from netnode.ports import Disk, Lane
from netnode.problems import ExitCode, Problem, disk_problem
from netnode.projections import tables as catalogue_tables
from netnode.salvage import chains, tables
from netnode.salvage.gathering import Gathered, gather
from netnode.salvage.tables import Copied
from netnode.services.doctor import stored
from netnode.services.logfiles import LogFiles
from netnode.store import Reader, Store
from netnode.store.schema import STORE_ID_BYTES
from netnode.system import retries

LOCK_SECONDS: Final = 5.0
_PAGE: Final = 4096
_ENDS: Final = ("", "-wal", "-shm")
_KEPT: Final = "damaged-"


@dataclass(slots=True)
class _Filled:
    """What came into the new store."""

    copied: Copied
    entries: int = 0
    logs: int = 0
    own_head: int | None = None
    blobs: int = 0
    blobs_lost: int = 0


async def repair(
    home: Path, anyway: bool, watch: Watch, making: PortsMaker = system_ports
) -> models.Repaired:
    """Makes a new store of every entry, peer and picture that can be read of the old one, which is kept beside it.

    Every entry passes the gate: nothing comes back that its author did not sign. The node is cautious afterwards
    [R-LOG-22]. Interrupted, it can be begun again.

    Args:
        home: whose store is damaged; its keys must be there.
        anyway: also a store in which no damage is found.
        watch: told how far it is.
        making: the outside.

    Raises:
        Problem: nothing is wrong with the store (4), a node is running (4), no keys, or the disk.
    """
    ports = making()
    try:
        place = Home(home, ports.disk)
        place.check()
        with place.lock(retries(LOCK_SECONDS)):
            public = Keystore(place, ports.disk, ports.entropy).public()
            source = _source(place)
            watch.begin("examining", 0)
            if source == place.store and not anyway:
                await ports.executor.run(Lane.READER, _require_damage, place, public, ports.disk)
            require_room(ports.disk, place.path, 3 * _size(source), "what is saved of the store")
            with (
                scratch(place) as folder,
                closing(apsw.Connection(str(folder / "found.sqlite3"))) as found,
            ):
                return await _repaired(place, source, folder, found, public, making, ports, watch)
    finally:
        await ports.executor.close()


async def _repaired(
    home: Home,
    source: Path,
    folder: Path,
    found: apsw.Connection,
    public: PublicKeys,
    making: PortsMaker,
    ports: Ports,
    watch: Watch,
) -> models.Repaired:
    watch.begin("reading", _size(source))
    found.execute("PRAGMA journal_mode = OFF").fetchall()
    found.execute("PRAGMA synchronous = OFF").fetchall()
    try:
        gathered = await ports.executor.run(
            Lane.READER, gather, source, found, lambda count: watch.step(count * _PAGE)
        )
    except OSError as error:
        raise disk_problem(error, "read", source) from error
    new = Home(folder, ports.disk)
    with suppress(FileNotFoundError):
        ports.disk.write_private(new.config, ports.disk.read(home.config))
    filled = await _filled(new, source, found, public, making, ports, watch)
    watch.begin("putting it in place", 0)
    kept = _swapped(home, source, new.store, ports)
    own = chains.newest(found, public.networker)
    return models.Repaired(
        kept=str(kept),
        pages=gathered.pages,
        unreadable=gathered.unreadable,
        found=gathered.entries,
        entries=filled.entries,
        logs=filled.logs,
        own_newest=own,
        own_head=filled.own_head,
        peers=filled.copied.rows.get("peer", 0),
        follows=filled.copied.rows.get("follow", 0),
        blobs=filled.blobs,
        lost=_lost(gathered, filled, own),
    )


# -- the new store -------------------------------------------------------------------------------------------
async def _filled(
    new: Home,
    source: Path,
    found: apsw.Connection,
    public: PublicKeys,
    making: PortsMaker,
    ports: Ports,
    watch: Watch,
) -> _Filled:
    copied = await _with_tables(new, source, found, public.network, ports)
    filled = _Filled(copied)
    inner = making()  # closed with what is assembled
    async with assembled(new, inner, None, public.networker) as parts:
        files = LogFiles(public.network, parts.store, parts.gate, parts.own, parts.projector)
        watch.begin(
            "storing", found.execute("SELECT total(length(header) + length(record)) FROM entry").get or 0
        )
        await files.take(_stream(found, public, watch))
        names: list[Any] = found.execute("SELECT hash FROM blob").fetchall()
        for (name,) in names:
            if await parts.store.write(tables.copy_blob, found, name):
                filled.blobs += 1
            else:
                filled.blobs_lost += 1
        filled.entries, filled.logs = await parts.store.read(Reader.counts)
        row = await parts.store.read(Reader.log, public.networker)
        filled.own_head = None if row is None else row.last
    return filled


async def _with_tables(new: Home, source: Path, found: apsw.Connection, network: str, ports: Ports) -> Copied:
    store = await Store.open(
        new.store, network, ports.disk, ports.executor, ports.entropy, [catalogue_tables.create]
    )
    try:
        old = _opened(source, ports.disk)
        try:
            copied = await store.write(lambda writer: tables.copy_tables(old, writer))
        finally:
            if old is not None:
                old.close()
        if not copied.rows.get("peer"):
            copied.rows["peer"] = await store.write(lambda writer: tables.copy_peers(found, writer))
        token = ports.entropy.token(STORE_ID_BYTES)
        await store.write(mark, Reason.REPAIRED, ports.clock.now_ms(), token)  # before own entries come in
        return copied
    finally:
        await store.close()


def _opened(source: Path, disk: Disk) -> apsw.Connection | None:
    """The damaged store, where SQLite still opens it."""
    connection: apsw.Connection | None = None
    try:
        connection = disk.open_database(source, apsw.SQLITE_OPEN_READONLY)
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except (apsw.Error, OSError):
        if connection is not None:
            connection.close()
        return None
    return connection


async def _stream(found: apsw.Connection, public: PublicKeys, watch: Watch) -> AsyncIterator[bytes]:
    for piece in chains.file(found, public.network, public.networker):
        watch.step(len(piece))
        yield piece


# -- places --------------------------------------------------------------------------------------------------
def _source(home: Home) -> Path:
    """The damaged store: in its place, or where an interrupted repair put it."""
    if home.store.exists():
        return home.store
    for folder in sorted(home.path.glob(f"{_KEPT}*"), reverse=True):
        if (folder / home.store.name).exists():
            return folder / home.store.name
    raise Problem(
        f"There is no store in {home.path} to repair. A node that is started brings your log back from its peers: "
        "netnode start",
        ExitCode.NOT_FOUND,
        "no_store",
        {"path": str(home.store)},
    )


def _require_damage(home: Home, public: PublicKeys, disk: Disk) -> None:
    checks, _ = stored.store(home, public, disk)
    if all(check.state != "fail" for check in checks):
        raise Problem(
            f"Nothing is wrong with the store {home.store}. To make it anew all the same: netnode repair --anyway",
            ExitCode.REFUSED,
            "not_damaged",
        )


def _size(source: Path) -> int:
    size = 0
    for end in _ENDS[:2]:
        with suppress(OSError):
            size += source.with_name(source.name + end).stat().st_size
    return size


def _swapped(home: Home, source: Path, new: Path, ports: Ports) -> Path:
    """Puts the damaged store aside and the new one in its place; returns where the damaged one is."""
    when = datetime.fromtimestamp(ports.clock.now_ms() // 1000, UTC).strftime("%Y%m%d-%H%M%S")
    kept = source.parent
    try:
        if source == home.store:
            kept = home.path / f"{_KEPT}{when}"
            kept.mkdir(mode=0o700)
            for end in ("-shm", "-wal", ""):  # the store last: what is not moved whole is begun again
                with suppress(FileNotFoundError):
                    os.replace(source.with_name(source.name + end), kept / (source.name + end))
            ports.disk.sync(home.path)
        os.replace(new, home.store)
        ports.disk.sync(home.path)
    except OSError as error:
        raise disk_problem(error, "write", home.path) from error
    home.remember(ports.machine())
    return kept


# -- what is told --------------------------------------------------------------------------------------------
def _lost(gathered: Gathered, filled: _Filled, own: int | None) -> list[str]:
    lost: list[str] = []
    if own is None:
        lost.append(
            "Nothing of your own log could be read. Your peers have what you published: netnode start"
        )
    elif filled.own_head is None or filled.own_head < own:
        kept = "none of it" if filled.own_head is None else f"it up to entry {filled.own_head}"
        lost.append(
            f"Your log could be read up to entry {own}, with holes; the new store has {kept}. "
            "Your peers bring the rest."
        )
    missing = gathered.entries - filled.entries
    if missing > 0:
        lost.append(
            f"{missing:,} entries stood behind holes or were old branches; peers bring what is missing."
        )
    if gathered.broken:
        lost.append(f"Records that were damaged: {gathered.broken:,}.")
    if filled.copied.damaged or not filled.copied.rows.get("networker"):
        lost.append("Who you follow and whom you block may not be complete. See: netnode following")
    if filled.blobs_lost:
        lost.append(f"Pictures or files that were damaged: {filled.blobs_lost:,}. See: netnode blob ls")
    return lost
