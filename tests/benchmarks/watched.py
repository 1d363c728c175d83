"""The program itself, with a clock beside it: ``python -m tests.benchmarks.watched IN OUT ARGUMENTS...``.

Runs `netnode ARGUMENTS` as it is. Each byte that comes from the file descriptor IN makes it append one listing of
about 500 bytes to its own log. To OUT it writes a line at two moments: when an own entry is about to be signed, and
when entries are stored, before they are passed on. The clock is CLOCK_MONOTONIC, which all processes of a machine
share.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Final

from netnode.bus import Bus, Stored
from netnode.cli.main import main
from netnode.own.log import OwnLog
from netnode.projector import Projector
from protocol.entry import Entry
from protocol.records import Listing
from tests.benchmarks import sources

BEGUN: Final = "begun"  # an own entry is about to be signed
STORED: Final = "stored"  # followed by how many entries


def watch(orders: int, notes: int) -> None:
    """Puts the clock around what is measured."""
    publish, append, project, opened = Bus.publish, OwnLog.append, Projector.run, OwnLog.__init__
    owns: list[OwnLog] = []
    ordered: set[asyncio.Task[list[Entry]]] = set()

    def note(what: str, count: int) -> None:
        os.write(notes, f"{what} {count} {time.monotonic_ns()}\n".encode())

    def noted(self: Bus, stored: Stored) -> None:
        if count := sum(map(len, stored.entries.values())):
            note(STORED, count)
        publish(self, stored)

    async def appended(self: OwnLog, records: Sequence[tuple[int, bytes]]) -> list[Entry]:
        note(BEGUN, len(records))
        return await append(self, records)

    def remembered(self: OwnLog, *args: object, **kwargs: object) -> None:
        opened(self, *args, **kwargs)  # type: ignore[arg-type]
        owns.append(self)

    def order() -> None:
        given = os.read(orders, 1_000)
        if not given:  # the benchmark is gone, and did not get to end its nodes
            asyncio.get_running_loop().remove_reader(orders)
            signal.raise_signal(signal.SIGTERM)
        for _ in given:
            record = sources.listing_record(0, len(ordered))
            ordered.add(asyncio.ensure_future(owns[-1].append([(Listing.KIND, record)])))

    async def running(self: Projector) -> None:
        asyncio.get_running_loop().add_reader(orders, order)
        await project(self)

    Bus.publish = noted  # type: ignore[method-assign]
    OwnLog.append = appended  # type: ignore[method-assign]
    OwnLog.__init__ = remembered  # type: ignore[method-assign]
    Projector.run = running  # type: ignore[method-assign]


if __name__ == "__main__":
    watch(int(sys.argv.pop(1)), int(sys.argv.pop(1)))
    main()
