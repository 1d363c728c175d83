"""An own log is projected before the backlog of others."""

from __future__ import annotations

from pathlib import Path

from netnode.bus import Bus
from netnode.ingest import Gate
from netnode.projections import catalogue, tables, views
from netnode.projector import BUDGET, Projector
from netnode.store import GroupCommit, Store
from netnode.system import SystemClock, SystemDisk, SystemEntropy, ThreadExecutor
from protocol.records import Profile, encode_record
from tests.protocol.author import NETWORK, Author, seed


async def test_one_log_does_not_wait_for_the_backlog_of_others(tmp_path: Path) -> None:
    executor = ThreadExecutor()
    store = await Store.open(
        tmp_path / "store.sqlite3", NETWORK, SystemDisk(), executor, SystemEntropy(), [tables.create]
    )
    other, own = Author("other"), Author("own")
    other.write(BUDGET * 3)
    record = encode_record(Profile(salt=seed("salt")[:16], name="Own"))
    own.entries.append(own.after(own.entries[-1], 1, record))
    async with GroupCommit(store) as commits:
        gate = Gate(NETWORK, store, commits, executor, Bus())
        for author in (other, own):
            assert (await gate.admit(author.entries)).fault is None
        projector = Projector(store, NETWORK, SystemClock(), Bus())
        await projector.level_of(own.id)
        names = await store.read(lambda reader: views.names(reader.connection, [own.id]))
        assert names == {own.id: "Own"}
        assert await store.read(lambda reader: catalogue.lag(reader.connection)) > BUDGET
        await projector.level()
        assert await store.read(lambda reader: catalogue.lag(reader.connection)) == 0
    await store.close()
    await executor.close()
