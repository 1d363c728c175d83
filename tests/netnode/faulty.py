"""A disk that fails when told, below SQLite and beside it: full, read-only, in error."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from netnode.system import SystemDisk

FAULTS = {"full": apsw.FullError, "error": apsw.IOError, "readonly": apsw.ReadOnlyError}
ERRNO = {"full": errno.ENOSPC, "error": errno.EIO, "readonly": errno.EROFS}


class FaultyFile(apsw.VFSFile):
    """A file of the real file system whose writes and syncs fail when the disk says so."""

    def __init__(self, disk: FaultyVfs, name: object, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("", name, flags)  # type: ignore[arg-type]

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.fail()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self._disk.fail()
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:
        self._disk.fail()
        super().xTruncate(size)


class FaultyVfs(apsw.VFS):
    """The real file system with a switch.

    `fault` is the failure of every write from now on, or of those after `after` more; None for none.
    """

    def __init__(self, name: str) -> None:
        self.fault: str | None = None
        self.after = 0
        self.failed = 0
        super().__init__(name, "")

    def xOpen(self, name: object, flags: list[int]) -> FaultyFile:
        return FaultyFile(self, name, flags)

    def fail(self) -> None:
        if self.fault is None:
            return
        if self.after > 0:
            self.after -= 1
            return
        self.failed += 1
        raise FAULTS[self.fault](f"a test makes the disk fail: {self.fault}")


class FaultyDisk(SystemDisk):
    """The disk port over it."""

    __slots__ = ("name", "vfs")

    def __init__(self, name: str) -> None:
        self.name = name
        self.vfs = FaultyVfs(name)

    def open_database(self, path: Path, flags: int) -> apsw.Connection:
        return apsw.Connection(str(path), flags=flags, vfs=self.name)

    def write_private(self, path: Path, data: bytes) -> None:
        if self.vfs.fault is not None:
            raise OSError(ERRNO[self.vfs.fault], "a test makes the disk fail")
        super().write_private(path, data)

    @contextmanager
    def failing(self, fault: str, after: int = 0) -> Iterator[None]:
        """Fails while the context lasts, after so many more writes."""
        self.vfs.fault, self.vfs.after = fault, after
        try:
            yield
        finally:
            self.vfs.fault = None
