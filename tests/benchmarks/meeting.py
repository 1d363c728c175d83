"""The program itself, with a clock beside it: ``python -m tests.benchmarks.meeting FD ARGUMENTS...``.

Runs `netnode ARGUMENTS` as it is and writes a line to the file descriptor when it connects to a peer, and whenever
entries were stored, with how many. The clock is CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Final

from netnode.bus import Bus, Stored
from netnode.cli.main import main
from netnode.links import WebSocketDialer
from netnode.ports import Link

CONNECTS: Final = "connects"
STORED: Final = "stored"


def watch(descriptor: int) -> None:
    """Puts the notes around what is measured."""
    publish, dial = Bus.publish, WebSocketDialer.dial

    def note(what: str, count: int) -> None:
        os.write(descriptor, f"{what} {count} {time.monotonic_ns()}\n".encode())

    def published(self: Bus, stored: Stored) -> None:
        note(STORED, sum(map(len, stored.entries.values())))
        publish(self, stored)

    async def dialled(self: WebSocketDialer, *what: Any, **how: Any) -> Link:
        note(CONNECTS, 1)
        return await dial(self, *what, **how)

    Bus.publish = published  # type: ignore[method-assign]
    WebSocketDialer.dial = dialled  # type: ignore[method-assign]


if __name__ == "__main__":
    watch(int(sys.argv.pop(1)))
    main()
