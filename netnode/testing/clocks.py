"""A clock that a test sets: a few bytes in a file, shared with the node that reads them at every look."""

from __future__ import annotations

import mmap
import struct
from datetime import timedelta
from pathlib import Path
from typing import Final

from netnode.system import SystemClock

_OFFSET: Final = struct.Struct("<q")  # milliseconds


def write_offset(path: Path, offset: timedelta) -> None:
    """Sets the clock of every node that reads this file: so much ahead of the computer's, or behind when negative."""
    data = _OFFSET.pack(offset // timedelta(milliseconds=1))
    if not path.exists():
        path.write_bytes(data)
        return
    with path.open("r+b") as file:  # in place: a node has it mapped
        file.write(data)


def read_offset(path: Path) -> timedelta:
    """How far a clock that `write_offset` has set is ahead of the computer's."""
    offset: int = _OFFSET.unpack(path.read_bytes())[0]
    return timedelta(milliseconds=offset)


class OffsetClock:
    """The computer's clock, with the wall clock set off by what the file says now; the monotonic one is as it is.

    Args:
        path: written by `write_offset` before.
    """

    __slots__ = ("_system", "_told")

    def __init__(self, path: Path) -> None:
        self._system = SystemClock()
        with path.open("rb") as file:
            self._told = mmap.mmap(file.fileno(), _OFFSET.size, access=mmap.ACCESS_READ)

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC, as this clock goes."""
        offset: int = _OFFSET.unpack_from(self._told)[0]
        return self._system.now_ms() + offset

    def monotonic(self) -> float:
        """Seconds, never going back."""
        return self._system.monotonic()

    def elapsed(self) -> float:
        """Seconds, never going back, those that the computer slept too."""
        return self._system.elapsed()
