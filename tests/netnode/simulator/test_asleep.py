"""A computer that slept for weeks: what was due meanwhile is done as soon as it wakes."""

from __future__ import annotations

from netnode.simulator.world import World
from protocol.certificate import DAY_MS
from protocol.records import Keys
from tests.netnode.simulator.correspondents import received, send, three
from tests.netnode.simulator.lives import level, run


def test_who_wakes_after_weeks_can_be_written_to_at_once() -> None:  # [R-KEYS-2]
    """The keys that letters are sealed to are over by then; nobody waits an hour for new ones."""

    async def scene(world: World) -> None:
        one, two, host = await three(world)
        await world.advance(60)
        for node in (one, two, host):
            node.clock.jump(50 * DAY_MS)
        await world.advance(120)
        await level(world, one, two)
        assert one.parts is not None
        rows = await one.parts.store.read(lambda reader: reader.entries(two.id, 0, 99, 2**24))
        assert sum(entry.kind == Keys.KIND for entry in rows) == 2
        await send(one, two, "lamp")
        await world.advance(120)
        assert await received(two) == ["lamp"]

    run(scene)
