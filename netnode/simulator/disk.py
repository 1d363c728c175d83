"""The disk of one node: real files in a folder, over which failures and losses of power happen as they do on disks.

Syncing costs nothing, but is remembered: a loss of power takes back what was written to a database since the last sync
of each file, all of it or some, since a disk writes in an order of its own. What replaces a file whole
(`write_private`, `writing`) is durable when it returns, as the port promises. A file that was removed may come back.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import apsw

from netnode.simulator.chance import Stream

FAULTS: Final = {"full": apsw.FullError, "error": apsw.IOError, "readonly": apsw.ReadOnlyError}
ERRNO: Final = {"full": errno.ENOSPC, "error": errno.EIO, "readonly": errno.EROFS}
ROOM: Final = 10 * 1024**3  # bytes that are free on a disk that is not full
_TORN: Final = 512  # bytes a disk writes whole or not at all


@dataclass(slots=True)
class _Image:
    """One file of a database: its size, and what was written since its last sync.

    Each write is kept as (offset, how many bytes, what stood there, the size before); a cut as (new size, -1, ...).
    """

    path: str
    size: int
    unsynced: list[tuple[int, int, bytes, int]] = field(default_factory=list)


class _File(apsw.VFSFile):
    """A file of the real file system under the eyes of its disk."""

    def __init__(self, disk: SimDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name or "")
        super().__init__("", name, flags)
        self._image = disk.image(path)

    def xWrite(self, data: bytes, offset: int) -> None:
        image, end = self._image, offset + len(data)
        self._disk.allow(end > image.size)
        if image.path:
            old = b""
            if offset < image.size:
                old = super().xRead(min(end, image.size) - offset, offset)
            image.unsynced.append((offset, len(data), old, image.size))
            image.size = max(image.size, end)
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        image = self._image
        self._disk.allow(grows=False)
        if image.path and size < image.size:
            image.unsynced.append((size, -1, super().xRead(image.size - size, size), image.size))
            image.size = size
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._disk.allow(grows=False)
        self._image.unsynced.clear()


class _Vfs(apsw.VFS):
    """The file system of SQLite, for one disk."""

    def __init__(self, disk: SimDisk, name: str) -> None:
        self._disk = disk
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self._disk.allow(grows=False)
        self._disk.forget(filename)
        super().xDelete(filename, syncdir)


class SimDisk:
    """`netnode.ports.Disk` of one node, for all its lives. `close` it.

    Args:
        name: of the disk, no other one's in this process.
        chance: what survives a loss of power.
        committed: called in each commit with a number that tells how many rows changed since the file was opened.

    Attributes:
        fault: the failure of writes from now on, a key of FAULTS; None for none. A full disk fails what makes a file
            grow.
        after: so many writes are still done before.
        slowness: how many times as long everything takes; see `netnode.simulator.lanes`.
        commits: transactions committed so far.
        writes: writes of database files so far.
        failed: writes that failed by a fault.
        doomed: the power went in the middle of something: see `doom`.
        struck: called then.
    """

    def __init__(
        self, name: str, chance: Stream, committed: Callable[[int], None] = lambda changes: None
    ) -> None:
        self.name = name
        self.fault: str | None = None
        self.after = 0
        self.slowness = 1.0
        self.commits = 0
        self.writes = 0
        self.failed = 0
        self.doomed = False
        self.struck: Callable[[], None] = lambda: None
        self._dead = False
        self._chance = chance
        self._committed = committed
        self._doom_commit: int | None = None
        self._doom_write: int | None = None
        self._images: dict[str, _Image] = {}
        self._removed: dict[Path, bytes] = {}
        self._identities: dict[Path, int] = {}
        self._given = 0
        self._open: list[apsw.Connection] = []
        self._vfs = _Vfs(self, name)

    # -- the port --------------------------------------------------------------------------------------------
    def open_database(self, path: Path, flags: int) -> apsw.Connection:
        """Opens a SQLite database."""
        if flags & apsw.SQLITE_OPEN_CREATE:
            if not path.exists():
                self._require(path)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if self._dead:
            raise OSError(errno.EIO, "the power is off", str(path))
        connection = apsw.Connection(str(path), flags=flags, vfs=self.name)
        connection.set_commit_hook(lambda: self._commit(connection))
        self._open = [each for each in self._open if _is_open(each)]
        self._open.append(connection)
        return connection

    def read(self, path: Path) -> bytes:
        """The whole content."""
        return path.read_bytes()

    def write_private(self, path: Path, data: bytes) -> None:
        """Replaces the file, mode 0600."""
        with self.writing(path) as file:
            file.write(data)

    @contextmanager
    def writing(self, path: Path) -> Iterator[BinaryIO]:
        """A new private file that takes its name when the context ends well."""
        self._require(path)
        self._given += 1
        beside = path.with_name(f".{path.name}.{self._given}.new")
        with ExitStack() as undo:
            undo.callback(self._give_up, beside)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                yield file
            self._require(path)
            os.replace(beside, path)
            undo.pop_all()
        self._identities.pop(path, None)

    def _give_up(self, beside: Path) -> None:
        if not self._dead:
            with suppress(OSError):
                os.unlink(beside)

    def free(self, path: Path) -> int:
        """The bytes that may still be written."""
        return 0 if self.fault == "full" else ROOM

    def remove(self, path: Path) -> None:
        """Removes the file; until the folder is synced, a loss of power brings it back."""
        self._require(path, grows=False)
        with suppress(FileNotFoundError):
            self._removed[path] = path.read_bytes()
            path.unlink()

    def remove_folder(self, path: Path) -> None:
        """Removes a folder with all that is in it, for good."""
        self._require(path, grows=False)
        shutil.rmtree(path)

    def exists(self, path: Path) -> bool:
        """Whether there is something at this path."""
        return path.exists()

    def permissions(self, path: Path) -> int:
        """The permission bits."""
        return path.stat().st_mode & 0o7777

    def identity(self, path: Path) -> int:
        """A number that a file keeps; see `forget`."""
        path.stat()
        if path not in self._identities:
            self._given += 1
            self._identities[path] = self._given
        return self._identities[path]

    def sync(self, path: Path) -> None:
        """What is in the folder, and what was removed from it, stays so."""
        self._require(path, grows=False)
        for removed in [each for each in self._removed if each.parent == path]:
            del self._removed[removed]

    @property
    def dead(self) -> bool:
        """Whether the power is off."""
        return self._dead

    # -- failures --------------------------------------------------------------------------------------------
    @contextmanager
    def failing(self, fault: str, after: int = 0) -> Iterator[None]:
        """Fails while the context lasts, after so many more writes."""
        self.fault, self.after = fault, after
        try:
            yield
        finally:
            self.fault = None

    def doom(self, *, commit: int | None = None, write: int | None = None) -> None:
        """The power goes in the middle of the k-th commit, or the k-th write of a database, from now on (1: the next).

        Then everything fails at once, and `doomed` tells who looks on to crash the node.
        """
        self._doom_commit = None if commit is None else self.commits + commit
        self._doom_write = None if write is None else self.writes + write

    def lose_power(self) -> None:
        """Everything fails from now on; what was not synced is taken back, some of it or all."""
        self._dead = True
        for connection in filter(_is_open, self._open):
            # The last connection would take the log into the database, and remove it.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.close(True)
        self._open.clear()
        for path in sorted(self._images):
            self._take_back(self._images[path])
            with suppress(OSError):
                os.unlink(f"{path.removesuffix('-wal')}-shm")  # memory
        self._images.clear()
        for removed in sorted(self._removed):
            if self._chance.below(2) and not removed.exists():
                removed.write_bytes(self._removed[removed])
                removed.chmod(0o600)
        self._removed.clear()

    def revive(self) -> None:
        """The power is back: the disk works again. A fault goes on."""
        self._dead = self.doomed = False
        self._doom_commit = self._doom_write = None

    def forget(self, path: Path | str) -> None:
        """The file is another one from now on: it was deleted, or a copy was put in its place."""
        self._images.pop(str(path), None)
        self._identities.pop(Path(path), None)

    def close(self) -> None:
        """Lets go of everything; the files stay."""
        for connection in self._open:
            connection.close(True)
        self._open.clear()
        self._vfs.unregister()

    # -- what the files of databases ask ---------------------------------------------------------------------
    def image(self, path: str) -> _Image:
        """What is known of a file that is opened; one without a name is kept nowhere."""
        if not path:
            return _Image("", 0)
        found = self._images.get(path)
        if found is None:
            size = 0
            with suppress(OSError):
                size = os.stat(path).st_size
            found = self._images[path] = _Image(path, size)
        return found

    def allow(self, grows: bool) -> None:
        """Raises what a write meets now."""
        if self._dead:
            raise apsw.IOError("the power is off")
        self.writes += 1
        if self._doom_write is not None and self.writes >= self._doom_write:
            self._strike()
            raise apsw.IOError("the power goes off")
        if self._fails(grows):
            raise FAULTS[self.fault or ""](f"the simulated disk fails: {self.fault}")

    def _require(self, path: Path, grows: bool = True) -> None:
        if self._dead:
            raise OSError(errno.EIO, "the power is off", str(path))
        if self._fails(grows):
            raise OSError(ERRNO[self.fault or ""], "the simulated disk fails", str(path))

    def _fails(self, grows: bool) -> bool:
        if self.fault is None or (self.fault == "full" and not grows):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.failed += 1
        return True

    def _commit(self, connection: apsw.Connection) -> bool:
        if self._dead:
            return False  # writing it will fail
        self.commits += 1
        if self._doom_commit is not None and self.commits >= self._doom_commit:
            self._strike()
        else:
            self._committed(connection.total_changes())
        return False

    def _strike(self) -> None:
        self._dead = self.doomed = True
        self.struck()

    # -- a loss of power -------------------------------------------------------------------------------------
    def _take_back(self, image: _Image) -> None:
        """Undoes what was not synced, then does again what the disk had written by itself."""
        if not image.unsynced or not os.path.exists(image.path):
            return
        kept: list[tuple[int, bytes | None]] = []
        with open(image.path, "r+b") as file:
            for offset, length, old, size in reversed(image.unsynced):
                if length < 0:
                    kept.append((offset, None))
                    file.seek(offset)
                    file.write(old)
                    continue
                file.seek(offset)
                kept.append((offset, file.read(length)))
                file.seek(offset)
                file.write(old)
                file.truncate(size)
            kept.reverse()
            for offset, data in self._survivors(kept):
                if data is None:
                    file.truncate(offset)
                else:
                    file.seek(offset)
                    file.write(data)

    def _survivors(self, done: list[tuple[int, bytes | None]]) -> list[tuple[int, bytes | None]]:
        """Nothing, the first writes with the last of them torn, or any of them."""
        kind = self._chance.below(3)
        if kind == 0:
            return []
        if kind == 1:
            whole = done[: self._chance.below(len(done) + 1)]
            if whole and (last := whole[-1][1]) is not None:
                whole[-1] = (whole[-1][0], last[: _TORN * self._chance.below(len(last) // _TORN + 1)])
            return whole
        return [each for each in done if self._chance.below(2)]


def _is_open(connection: apsw.Connection) -> bool:
    try:
        connection.changes()
    except apsw.ConnectionClosedError:
        return False
    return True
