"""Takes in strangers' logs without end while their pool is full: ``python -m tests.netnode.evicting_child PATH``.

Says after each log how many it took; a node that is killed at any moment must leave a consistent store.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from netnode.bus import Bus
from netnode.ingest import Gate
from netnode.keeping import Keeping
from netnode.projections import tables
from netnode.projector import Projector
from netnode.quotas import MIB, Quotas
from netnode.store import GroupCommit, Store
from netnode.system import SystemClock, SystemDisk, SystemEntropy, ThreadExecutor
from protocol.records import Listing, encode_record
from tests.protocol.author import NETWORK, Author, seed

BOUNDS = Quotas(MIB, MIB, MIB, MIB)
BIG = "one that never ends"


def lengthened(author: Author, count: int) -> None:
    """Appends listings, each under a key of its own."""
    for _ in range(count):
        seq = len(author.entries)
        record = Listing(
            salt=seed(author.name, seq)[:16],
            key=f"k{seq}",
            kind="product",
            title="Thing",
            description="x" * 2_000,
        )
        author.entries.append(author.after(author.entries[-1], 3, encode_record(record)))


async def main() -> None:
    """Until killed."""
    executor, clock = ThreadExecutor(), SystemClock()
    store = await Store.open(
        Path(sys.argv[1]), NETWORK, SystemDisk(), executor, SystemEntropy(), [tables.create]
    )
    async with GroupCommit(store) as commits:
        keeping = Keeping(store, bytes(32), BOUNDS, clock)
        await keeping.load()
        bus = Bus()
        gate = Gate(NETWORK, store, commits, executor, bus, keeping)
        projector = Projector(store, NETWORK, clock, bus)
        big = Author(BIG)
        start = 0
        number = int(sys.argv[2])
        while True:
            lengthened(big, 30)
            await gate.admit(big.entries[start:])
            start = len(big.entries)
            for _ in range(10):
                number += 1
                small = Author(f"stranger {number}")
                lengthened(small, 3)
                await gate.admit(small.entries)
            await projector.level()
            print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
