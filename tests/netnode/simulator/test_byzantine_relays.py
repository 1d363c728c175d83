"""Relays that cheat: what they hide comes by any honest way, as soon as there is one."""

from __future__ import annotations

from netnode.simulator.byzantine import villain
from netnode.simulator.options import Options
from netnode.simulator.world import World
from tests.netnode.simulator.siege import Near, Siege

PLAIN = {"stamp_asked": 0, "outbound_sessions": 0}


def test_records_that_a_relay_took_out_come_from_others() -> None:
    """Whoever got a log without its records asks its peers for them again, within one session [R-SYNC-12]."""
    with World(1, Options(nodes=3)) as world:
        siege = Siege(world, villain("censor", "relay", "records"))

        async def main() -> None:
            ada, ben, cy = [await world.found(name, PLAIN) for name in ("ada", "ben", "cy")]
            siege.nodes += [ada, ben, cy]
            for node in (ada, ben):
                await node.start()
            await cy.start([ben.address])
            await siege.publish(ada, "lamp")
            await siege.villain.run(Near(world, [ada, ben]))
            for node in (ben, cy):
                listings = [entry for entry in await siege.log(node, ada.id) if entry.kind == 3]
                assert listings and all(entry.record is None for entry in listings)
            await cy.ask(lambda services: services.peers.add(ada.address))
            await siege.reaches("lamp", ada, cy)
            await siege.reaches("lamp", ada, ben, within=600.0)

        world.run(main())
        assert world.faults == []
