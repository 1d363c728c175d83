"""What a running node does to its store by itself: quotas, old records, safety from a loss of power."""

from __future__ import annotations

from typing import Final

from netnode.assembly import Assembly
from netnode.bus import Stored
from netnode.periodic import Periodic
from netnode.projections import ended
from netnode.store import Reader, Writer
from protocol.certificate import DAY_MS

QUOTA_SECONDS: Final = 120.0  # why: distances change by themselves too, as followed peers say whom they want
RECORDS_SECONDS: Final = 3_600.0
POWER_SECONDS: Final = 60.0  # why: what peers sent since then is fetched again after a loss of power
LISTINGS_AT_ONCE: Final = 500  # why: a bounded round; the next one goes on


def chores(parts: Assembly) -> list[Periodic]:
    """The chores of this node."""

    async def quotas() -> None:
        await parts.keeping.look(parts.gate)

    async def records() -> None:
        await purge_old(parts)

    async def power() -> None:
        await parts.store.write(Writer.checkpoint, 1)

    return [
        Periodic("taking what was stored into the database", POWER_SECONDS, power),
        Periodic("keeping to the quotas", QUOTA_SECONDS, quotas),
        Periodic("letting go of old records", RECORDS_SECONDS, records),
    ]


async def purge_old(parts: Assembly) -> int:
    """Lets go of the records of others' listings that are over since `keep_withdrawn_days` [R-QUOTA-6].

    Returns:
        How many.

    Raises:
        Problem: the disk fails.
    """
    days = parts.settings.keep_withdrawn_days
    if not days:
        return 0
    before = parts.ports.clock.now_ms() - days * DAY_MS
    done = 0
    await parts.projector.level()
    for author, keys in (await parts.store.read(_ended, parts.own.id, before)).items():
        seqs = await parts.store.read(_entries, author, keys)
        done += await parts.store.write(Writer.purge_records, author, seqs)
    if done:
        parts.bus.publish(Stored(()))
    return done


def _ended(reader: Reader, own: bytes, before: int) -> dict[bytes, set[str]]:
    return ended.ended(reader.connection, own, before, LISTINGS_AT_ONCE)


def _entries(reader: Reader, author: bytes, keys: set[str]) -> list[int]:
    return ended.entries_of(reader.connection, author, keys)
