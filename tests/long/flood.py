"""One stranger with a million entries: what a node keeps of them, and how much disk that takes [R-QUOTA-2]."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netnode.bus import Bus
from netnode.ingest import Gate
from netnode.keeping import Keeping
from netnode.projections import tables
from netnode.projector import Projector
from netnode.quotas import Distance, Quotas
from netnode.store import GroupCommit, Store
from netnode.system import SystemClock, SystemDisk, SystemEntropy, ThreadExecutor
from protocol.entry import Entry
from protocol.limits import ANCHOR_EVERY
from protocol.records import Listing, encode_record
from tests.protocol.author import NETWORK, Author, seed

BATCH: Final = 10 * ANCHOR_EVERY
WORDS: Final = (
    "a thing of no use that takes room in other people's machines and is written down again and again. " * 4
)


@dataclass(frozen=True, slots=True)
class Flooded:
    """Entries sent and held, what these count for in the quotas, and the most that the files took, in bytes."""

    sent: int
    held: int
    counted: int
    database: int
    log: int


def chains(entries: int) -> Iterator[list[Entry]]:
    """Listings of one author, each under a key of its own."""
    author = Author("flood")
    tip = author.entries[0]
    part = [tip]
    for seq in range(1, entries):
        record = Listing(
            salt=seed("flood", seq)[:16],
            key=f"k{seq}",
            kind="product",
            title=f"Thing {seq}",
            description=WORDS,
        )
        tip = author.after(tip, 3, encode_record(record))
        part.append(tip)
        if len(part) == BATCH or seq == entries - 1:
            yield part
            part = []


def size_of(path: Path) -> int:
    """Bytes of a file; 0 without one."""
    return path.stat().st_size if path.exists() else 0


async def flooded(folder: Path, entries: int, bounds: Quotas) -> Flooded:
    """Sends the flood through the gate of a fresh store; looks at the files after every batch."""
    executor, clock = ThreadExecutor(), SystemClock()
    store = await Store.open(
        folder / "store.sqlite3", NETWORK, SystemDisk(), executor, SystemEntropy(), [tables.create]
    )
    database = log = sent = 0
    try:
        async with GroupCommit(store) as commits:
            keeping = Keeping(store, bytes(32), bounds, clock)
            bus = Bus()
            gate = Gate(NETWORK, store, commits, executor, bus, keeping)
            projector = Projector(store, NETWORK, clock, bus)
            for part in chains(entries):
                outcome = await gate.admit(part)
                assert outcome.kept == len(part), outcome.fault
                sent += len(part)
                if sent % (16 * BATCH) == 0:
                    await projector.level()
                database = max(database, size_of(store.path))
                log = max(log, size_of(store.path.with_name(f"{store.path.name}-wal")))
            await keeping.look(gate)
            await projector.level()
            figures = {each.distance: each for each in await keeping.figures()}
            (held, _) = await store.read(lambda reader: reader.counts())
            return Flooded(sent, held, figures[Distance.STRANGER].bytes, database, log)
    finally:
        await store.close()
        await executor.close()


def options(parser: argparse.ArgumentParser) -> None:
    """Adds how many entries, and the room they may take."""
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--pool-mb", type=int, default=256, help="room of all strangers together")


def run(chosen: argparse.Namespace) -> str:
    """The flood at full length."""
    size = chosen.pool_mb << 20
    with tempfile.TemporaryDirectory(prefix="netnode-flood-") as folder:
        found = asyncio.run(flooded(Path(folder), chosen.entries, Quotas(size, size, size, size)))
    assert found.counted <= size and found.database <= 1.25 * size
    return (
        f"{found.sent:,} entries of one stranger, {found.held:,} held: they count for {found.counted >> 20} of"
        f" {chosen.pool_mb} MiB, the database took {found.database >> 20} MiB at most, its log {found.log >> 20} MiB"
    )
