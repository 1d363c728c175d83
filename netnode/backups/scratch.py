"""The one folder of a home for what must not outlive a backup or restore: plain copies of its store and keys.

It has a fixed name, so that what a kill left behind is found and removed by whoever next holds the home's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netnode.home import Home
from netnode.ports import Disk
from netnode.problems import Problem, disk_problem
from netnode.quotas import MIB

NAME: Final = ".scratch"
SPARE: Final = 32 * 1024 * 1024  # why: what else the node writes meanwhile


@dataclass(slots=True)
class Watch:
    """How far the work is, looked at from another thread; `stop` asks it to give up at its next step."""

    doing: str = ""
    done: int = 0
    total: int = 0
    stop: bool = False

    def begin(self, doing: str, total: int) -> None:
        """Begins the next part of the work: a verb such as ``copying``, and how many bytes it is."""
        self.doing, self.done, self.total = doing, 0, total

    def stopped(self) -> bool:
        """Whether to give up."""
        return self.stop

    def step(self, count: int) -> None:
        """Counts bytes.

        Raises:
            Problem: `interrupted`.
        """
        self.done += count
        if self.stop:
            raise interrupted()

    def counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same pieces, counted."""
        for piece in pieces:
            self.step(len(piece))
            yield piece


def interrupted() -> Problem:
    """The Problem of work that was given up on request; it left nothing behind."""
    return Problem("Interrupted; nothing was left half done.", code="interrupted")


@contextmanager
def scratch(home: Home) -> Iterator[Path]:
    """An empty folder, removed with all it holds when the context ends. The caller holds the home's lock.

    Raises:
        Problem: it cannot be made.
    """
    folder = home.path / NAME
    sweep(home)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise disk_problem(error, "create", folder) from error
    try:
        yield folder
    finally:
        sweep(home)


def sweep(home: Home) -> None:
    """Removes what an interrupted backup or restore left in a home; fine when there is nothing."""
    with suppress(OSError):
        home.remove_folder(NAME)


def require_room(disk: Disk, folder: Path, size: int, purpose: str) -> None:
    """Refuses work that would fill the disk, before it begins.

    Args:
        disk: asked.
        folder: where the bytes will go.
        size: how many.
        purpose: what they are, such as ``the backup``.

    Raises:
        Problem: there is no room for them, or the folder cannot be read.
    """
    try:
        free = disk.free(folder)
    except OSError as error:
        raise disk_problem(error, "write", folder) from error
    if free < size + SPARE:
        raise Problem(
            f"There is no room for {purpose} in {folder}: it takes {_mib(size + SPARE)}, and {_mib(free)} are free. "
            "Free some space, or choose another folder.",
            code="disk_full",
            details={"path": str(folder), "needed": size + SPARE, "free": free},
        )


def write_problem(error: OSError, path: Path) -> Problem:
    """The sentence for a disk that failed while a large file was written."""
    return disk_problem(error, "write", path)


def _mib(size: int) -> str:
    return f"{max(1, size // MIB):,} MiB"


def pieces_of(path: Path, size: int = 256 * 1024) -> Iterator[bytes]:
    """The content of a file, piece by piece.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        while piece := file.read(size):
            yield piece


Copy = Callable[[Path, Callable[[], bool]], None]
"""Copies the store to a file that is not there yet; its second argument is asked whether to give up."""
