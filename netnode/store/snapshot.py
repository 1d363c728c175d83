"""A copy of the whole store as it is at one moment, made while others read and write it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from netnode.ports import Disk
from netnode.store.faults import told
from netnode.store.schema import BUSY_MS

_LOOK_EVERY: Final = 20_000  # virtual machine steps between two looks at whether to stop: some ms


class Stopped(Exception):
    """The copy was given up, because its asker wants it no more."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a copy holds; `head` is epoch, term, seq and id of the newest own entry, None without an own log."""

    version: int
    network: str
    head: tuple[int, int, int, bytes] | None
    entries: int
    logs: int


def copy(source: apsw.Connection, into: Path, stopped: Callable[[], bool]) -> None:
    """Copies what is committed; without pages that are free, so nothing erased comes along.

    Args:
        source: any connection to the store, in no transaction.
        into: a file that is not there yet; private from its first byte.
        stopped: asked every so often; True gives up.

    Raises:
        Stopped: so it was.
        Problem: the disk is full, or the store is damaged. Nothing is left at `into`.
    """
    os.close(os.open(into, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with ExitStack() as undo:
        undo.callback(_unlink, into)
        try:
            source.set_progress_handler(stopped, _LOOK_EVERY)
            with told(source.filename, "copy"):
                source.execute("VACUUM INTO ?", (str(into),))
        except apsw.InterruptError:
            raise Stopped from None
        finally:
            source.set_progress_handler(None)
        undo.pop_all()


def copied(path: Path, into: Path, disk: Disk, stopped: Callable[[], bool]) -> None:
    """As `copy`, over a connection of its own to the store at `path`."""
    with told(str(path), "copy"):
        connection = disk.open_database(path, apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(BUSY_MS)
            copy(connection, into, stopped)
        finally:
            connection.close()


def contents(path: Path, disk: Disk, own: bytes) -> Contents:
    """What a copy holds, of whichever version it is.

    Raises:
        Problem: it cannot be read, or is no store.
    """
    with told(str(path), "read"):
        connection = disk.open_database(path, apsw.SQLITE_OPEN_READONLY)
        try:
            meta: dict[str, bytes] = dict(connection.execute("SELECT name, value FROM meta"))
            head = connection.execute(
                "SELECT epoch, term, seq, head FROM log JOIN networker USING (n) WHERE id = ?", (own,)
            ).fetchone()
            counts = connection.execute("SELECT total(seq - base + 1), count(*) FROM log").fetchone()
        finally:
            connection.close()
    entries, logs = (0, 0) if counts is None else counts
    network = meta.get("network", b"").decode(errors="replace")
    return Contents(int(meta.get("version", b"0")), network, head, int(entries), logs)


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
    for end in ("-wal", "-shm", "-journal"):
        with suppress(OSError):
            path.with_name(path.name + end).unlink()
