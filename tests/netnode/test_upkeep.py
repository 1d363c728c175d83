"""What a node does to its store by itself."""

from __future__ import annotations

from netnode.operations import models
from netnode.simulator.options import Options
from netnode.simulator.world import World
from netnode.store.reader import Reader


def test_a_loss_of_power_costs_at_most_a_minute_of_what_peers_sent() -> None:
    with World(1, Options()) as world:

        async def lived() -> None:
            ada = await world.found("ada", {"outbound_sessions": 0})
            ben = await world.found("ben", {"outbound_sessions": 0})
            await ada.start()
            await ben.start([ada.address])
            await world.advance(65)
            world.network.isolate("ben")
            ben.crash()
            await ben.gone()
            await ben.start()
            assert ben.parts is not None
            authors = await ben.parts.store.read(Reader.authors)
            assert sorted(authors) == sorted([ada.id, ben.id])
            peers = await ben.ask(lambda services: services.peers.list(models.Listed(limit=10)))
            assert [list(each.addresses) for each in peers.items] == [[ada.address]]

        world.run(lived())
        assert not world.faults


def test_a_peer_that_the_owner_added_is_there_after_a_loss_of_power_at_once() -> None:
    with World(2, Options()) as world:

        async def lived() -> None:
            ben = await world.found("ben", {"outbound_sessions": 0})
            await ben.start()
            await world.advance(2)
            await ben.ask(lambda services: services.peers.add("ws://20.1.2.3:4747/inx/1"))
            ben.crash()
            await ben.gone()
            await ben.start()
            peers = await ben.ask(lambda services: services.peers.list(models.Listed(limit=10)))
            assert [list(each.addresses) for each in peers.items] == [["ws://20.1.2.3:4747/inx/1"]]

        world.run(lived())
        assert not world.faults
