"""Ends the nodes of a mesh whose own process ended without doing so: by SIGKILL, or a signal that nothing takes.

The guard is a process of its own, this file run as a program. It is told of every node through a pipe, whose end is the
end of the process that holds the other side, however that came.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

LOOKS: Final = 100
LOOK_EVERY: Final = 0.1  # seconds; together what a node may take to end after a signal


class Guard:
    """Watches over this process; `close` ends it, and what still runs of what it was told."""

    __slots__ = ("_process",)

    def __init__(self) -> None:
        # -I -S: it needs nothing that is installed, and starts in milliseconds. A session of its own: Ctrl-C passes it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )

    def watch(self, name: str, pid: int) -> None:
        """Takes a process, which leads a session, into its care; it takes the place of an earlier one of that name."""
        if self._process.stdin is not None:
            self._process.stdin.write(f"{pid} {name}\n".encode())

    def close(self) -> None:
        """Ends it; a second call does nothing."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


def _guard() -> None:
    pids: dict[str, int] = {}
    for line in sys.stdin.buffer:
        pid, _, name = line.decode().partition(" ")
        pids[name] = int(pid)
    for number in (signal.SIGTERM, signal.SIGCONT):  # one that is paused takes the first after the second
        _send(pids.values(), number)
    for _ in range(LOOKS):
        if not any(map(_lives, pids.values())):
            return
        threading.Event().wait(LOOK_EVERY)
    _send(pids.values(), signal.SIGKILL)


def _send(pids: Iterable[int], number: int) -> None:
    for pid in filter(_lives, pids):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _lives(pid: int) -> bool:
    """Whether it runs still; one that got its number later leads no session, but for rare chance."""
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


if __name__ == "__main__":
    _guard()
