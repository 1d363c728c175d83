"""A home made from a backup, and a backup proved without a home."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from netnode.assembly import Ports, PortsMaker, system_ports
from netnode.backups import archive, reading
from netnode.backups.format import Header, Opener
from netnode.backups.scratch import NAME, Watch, scratch
from netnode.home import Home
from netnode.keys.keystore import Keystore
from netnode.operations import models
from netnode.operations.runtime import BackupKey
from netnode.own.caution import Reason, mark
from netnode.ports import Lane
from netnode.problems import ExitCode, Problem, disk_problem
from netnode.projections import tables
from netnode.services.backups import told
from netnode.services.proving import Proof, prove
from netnode.store import Store
from netnode.system import retries
from protocol.recovery import backup_seed

LOCK_SECONDS: Final = 5.0
_STORE_ID: Final = 16
_LOCK: Final = "node.lock"
_MOVED: Final = (archive.STORE, archive.CONFIG, archive.KEYS)  # the keys last: with them the home is one


async def restore(
    home: Path, file: Path, key: BackupKey, watch: Watch, making: PortsMaker = system_ports
) -> models.Restored:
    """Makes a home from a backup: proved whole first, then put in place; whatever happens it is there or not.

    The node of it is cautious: it asks its peers for what it published since, before it publishes [R-LOG-22].

    Raises:
        Problem: the home is not empty (4), the key does not open the backup (4), it is damaged, or the disk.
    """
    ports = making()
    try:
        header = reading.read_header(file)
        opener = _opener(header, key, ports)
        reading.require_opens(file, opener, ports.sealer)
        place = Home(home, ports.disk)
        place.create()
        with place.lock(retries(LOCK_SECONDS)):
            _require_empty(place)
            with scratch(place) as folder:
                header, proof = await _proved(file, opener, folder, ports, watch)
                await _make_cautious(folder, header, ports)
                _put_in_place(folder, place, ports)
            public = Keystore(place, ports.disk, ports.entropy).public()
    finally:
        await ports.executor.close()
    backup = told(file, header)
    return models.Restored(
        home=str(place.path),
        id=header.id,
        created=header.created,
        head=backup.head,
        own_entries=proof.own_entries,
        protected=public.protected,
    )


async def verify_backup(
    file: Path, key: BackupKey, watch: Watch, making: PortsMaker = system_ports
) -> models.BackupMade:
    """Restores a backup to a temporary folder and checks all of it; no home is needed.

    Raises:
        Problem: the key does not open it (4), it is damaged, or the disk.
    """
    ports = making()
    try:
        header = reading.read_header(file)
        opener = _opener(header, key, ports)
        with tempfile.TemporaryDirectory(prefix="netnode-") as name:
            header, proof = await _proved(file, opener, Path(name), ports, watch)
    except OSError as error:
        raise disk_problem(error, "write", Path(tempfile.gettempdir())) from error
    finally:
        await ports.executor.close()
    return models.BackupMade(backup=told(file, header), verified=True, own_entries=proof.own_entries)


def _opener(header: Header, key: BackupKey, ports: Ports) -> Opener:
    words = None if key.entropy is None else backup_seed(header.network, key.entropy)
    home = None
    if key.home is not None:
        place = Home(key.home, ports.disk)
        place.check()
        home = Keystore(place, ports.disk, ports.entropy).open(key.passphrase).backup_key
    return Opener(words, home)


async def _proved(
    file: Path, opener: Opener, folder: Path, ports: Ports, watch: Watch
) -> tuple[Header, Proof]:
    header, _ = await ports.executor.run(
        Lane.READER, reading.unpack, file, opener, folder, ports.disk, ports.sealer, watch
    )
    watch.begin("verifying", 0)
    return header, await prove(folder, header, str(file), ports.disk, ports.executor, ports.entropy)


async def _make_cautious(folder: Path, header: Header, ports: Ports) -> None:
    store = await Store.open(
        folder / archive.STORE, header.network, ports.disk, ports.executor, ports.entropy, [tables.create]
    )
    try:
        fresh = ports.entropy.token(_STORE_ID)
        await store.write(mark, Reason.RESTORED, ports.clock.now_ms(), fresh)
    finally:
        await store.close()


def _require_empty(home: Home) -> None:
    """Refuses a home in which anything is; what an interrupted restore left behind is removed.

    Raises:
        Problem: `home_not_empty` (4).
    """
    names = {path.name for path in home.path.iterdir()} - {_LOCK}
    if NAME in names and archive.KEYS not in names:
        leftovers = {NAME, archive.STORE, f"{archive.STORE}-wal", f"{archive.STORE}-shm", archive.CONFIG}
        if names <= leftovers:
            for name in names - {NAME}:
                (home.path / name).unlink()
            return
    if names:
        raise Problem(
            f"{home.path} is not empty, and a restore never replaces anything. Name a new folder: "
            "netnode --home DIR backup restore FILE",
            ExitCode.REFUSED,
            "home_not_empty",
            {"path": str(home.path)},
        )


def _put_in_place(folder: Path, home: Home, ports: Ports) -> None:
    with _undone(home):
        for name in _MOVED:
            with suppress(FileNotFoundError):  # a backup may have no settings
                os.replace(folder / name, home.path / name)
                ports.disk.sync(home.path)
        home.remember(ports.machine())


@contextmanager
def _undone(home: Home) -> Iterator[None]:
    """Takes back what was moved into the home when it does not come to its end."""
    try:
        yield
    except OSError as error:
        for name in reversed(_MOVED):
            with suppress(OSError):
                (home.path / name).unlink()
        raise disk_problem(error, "write", home.path) from error
