"""Makes a backup: a copy of the store, the keystore and the settings, packed and encrypted into one file."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netnode.backups import archive, format, shelf
from netnode.backups.format import Header, OwnHead, Recipients
from netnode.backups.scratch import Copy, Watch, interrupted, pieces_of, require_room, scratch, write_problem
from netnode.home import Home
from netnode.ports import Disk, Entropy, Sealer
from netnode.problems import ExitCode, Problem, disk_problem
from netnode.store import snapshot
from protocol.identity import id_text

_TRIES: Final = 3  # a rotation may change the keys while the store is copied


@dataclass(frozen=True, slots=True)
class Order:
    """A backup to be made: where to, for whom it opens, and what its header says beside what it finds."""

    target: Path
    networker: bytes
    recipients: Recipients
    created: int  # ms UTC
    program: str


def write_backup(
    home: Home, copy: Copy, order: Order, disk: Disk, entropy: Entropy, sealer: Sealer, watch: Watch
) -> Header:
    """Writes a backup of a home; whatever happens there is a whole file or none.

    Blocking: it runs in a lane. The caller holds the home's lock.

    Args:
        home: what is backed up.
        copy: copies its store.
        order: the backup.
        disk: of the files.
        entropy: for the key of the file.
        sealer: seals it.
        watch: told how far it is.

    Returns:
        The header of the file, which is on disk.

    Raises:
        Problem: there is such a file already, the disk is full, or the store is damaged.
    """
    target = order.target
    if disk.exists(target):
        text = f"{target} is there already, and a backup never replaces a file. Name another one."
        raise Problem(text, ExitCode.REFUSED, "exists", {"path": str(target)})
    size = store_size(home)
    require_room(disk, home.path, size, "a copy of the store")
    _place(home, target.parent)
    _sweep(target)
    with scratch(home) as folder:
        watch.begin("copying", size)
        store = folder / archive.STORE
        keys = _copied(home, copy, store, disk, watch)
        found = snapshot.contents(store, disk, order.networker)
        head = None
        if found.head is not None:
            epoch, term, seq, entry = found.head
            head = OwnHead(epoch, term, seq, entry.hex())
        files = [(archive.KEYS, keys)]
        with suppress(FileNotFoundError):
            files.append((archive.CONFIG, disk.read(home.config)))
        length = store.stat().st_size
        header = Header(
            id=id_text(order.networker),
            created=order.created,
            network=found.network,
            program=order.program,
            store=found.version,
            head=head,
            entries=found.entries,
            logs=found.logs,
            size=length + sum(len(data) for _, data in files),
        )
        require_room(disk, target.parent, header.size, "the backup")
        watch.begin("writing", header.size)
        body = archive.pack(_members(files, store, length, watch))
        try:
            with disk.writing(target) as file:
                format.write(file, header, order.recipients, body, entropy, sealer)
        except OSError as error:
            raise write_problem(error, target) from error
    return header


def _place(home: Home, folder: Path) -> None:
    """Makes the folder of the home's own backups; any other has to be there, since its disk may not be plugged in."""
    try:
        if folder == home.path / shelf.FOLDER:
            folder.mkdir(mode=0o700, exist_ok=True)
        elif not folder.is_dir():
            raise no_folder(folder)
    except OSError as error:
        raise disk_problem(error, "create", folder) from error


def no_folder(folder: Path, more: str = "") -> Problem:
    """The Problem (3) for a folder that is not there: its disk may not be plugged in, so it is not made."""
    text = f"There is no folder {folder}. Plug in its disk, or make it: mkdir -p {shlex.quote(str(folder))}{more}"
    return Problem(text, ExitCode.NOT_FOUND, "no_folder", {"path": str(folder)})


def store_size(home: Home) -> int:
    """The bytes of the store and of its write-ahead log."""
    size = 0
    for name in (home.store.name, f"{home.store.name}-wal"):
        with suppress(OSError):
            size += home.store.with_name(name).stat().st_size
    return size


def _copied(home: Home, copy: Copy, store: Path, disk: Disk, watch: Watch) -> bytes:
    """Copies the store, and returns the keystore that belongs to it."""
    for _ in range(_TRIES):
        try:
            keys = disk.read(home.keys)
            copy(store, watch.stopped)
            if disk.read(home.keys) == keys:
                return keys
        except snapshot.Stopped:
            raise interrupted() from None
        except OSError as error:
            raise disk_problem(error, "read", home.keys) from error
        disk.remove(store)
    raise Problem("The keys kept changing while the backup was made. Try again.", code="backup")


def _members(
    files: Iterable[tuple[str, bytes]], store: Path, length: int, watch: Watch
) -> Iterator[archive.Member]:
    for name, data in files:
        yield archive.Member(name, len(data), watch.counted(iter([data])))
    yield archive.Member(archive.STORE, length, watch.counted(pieces_of(store)))


def _sweep(target: Path) -> None:
    """Removes what a kill left of earlier attempts; nobody else writes these names while the home is locked."""
    with suppress(OSError):
        for leftover in target.parent.glob(f".{target.name}.*.new"):
            leftover.unlink()
