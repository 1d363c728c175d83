"""Opens a backup: into a folder, file by file, each only when its bytes are proved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from netnode.backups import archive, format
from netnode.backups.format import Header, Opener
from netnode.backups.scratch import Watch, require_room, write_problem
from netnode.ports import Disk, Sealer
from netnode.problems import disk_problem


def read_header(path: Path) -> Header:
    """The header of a backup; nothing of it is proved.

    Raises:
        Problem: no such file, or no backup.
    """
    with _opened(path) as file:
        return format.read_head(file, str(path)).header


def require_opens(path: Path, opener: Opener, sealer: Sealer) -> None:
    """Whether the key of a backup can be had, asked before anything is made.

    Raises:
        Problem: no backup, or `backup_key` (4).
    """
    with _opened(path) as file:
        format.file_key(format.read_head(file, str(path)), opener, sealer, str(path))


def unpack(
    path: Path, opener: Opener, folder: Path, disk: Disk, sealer: Sealer, watch: Watch
) -> tuple[Header, list[str]]:
    """Opens a backup into an empty private folder.

    Blocking: it runs in a lane.

    Args:
        path: the backup.
        opener: what opens it.
        folder: where its files go, each 0600 and on disk when this returns.
        disk: of the files.
        sealer: opens the key.
        watch: told how far it is.

    Returns:
        The header, now proved, and the names of the files.

    Raises:
        Problem: it does not open, was altered, lacks a file, or the disk is full.
    """
    name = str(path)
    with _opened(path) as file:
        head = format.read_head(file, name)
        key = format.file_key(head, opener, sealer, name)
        require_room(disk, folder, head.header.size, "what the backup holds")
        watch.begin("reading", head.header.size)
        pieces = watch.counted(format.chunks(file, head, key, name))
        names = _written(pieces, folder, disk, name)
    if not {archive.KEYS, archive.STORE} <= set(names):
        raise format.damaged(name)
    return head.header, names


def _written(pieces: Iterator[bytes], folder: Path, disk: Disk, name: str) -> list[str]:
    try:
        return archive.unpack(pieces, lambda member: disk.writing(folder / member), name)
    except OSError as error:
        raise write_problem(error, folder) from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    with file:
        try:
            yield file
        except OSError as error:
            raise disk_problem(error, "read", path) from error
