"""Attacks while nodes crash and their network is cut: what a dishonest peer began must not outlive that."""

from __future__ import annotations

import pytest

from netnode.simulator.byzantine import KINDS
from tests.netnode.simulator.siege import Siege, besieged


async def troubles(siege: Siege) -> None:
    """Power goes at one node, the network between both, now and then; each comes back."""
    world = siege.world
    siege.troubled = True
    ada, ben = siege.nodes
    chance = world.chance("troubles")
    for number in range(3):
        await world.advance(chance.uniform(0.5, 6.0))
        await siege.publish(ada, f"lamp {number}")
        if chance.below(2):
            wall = world.network.partition([ada.name], [ben.name])
            await world.advance(chance.uniform(1.0, 12.0))
            world.network.fall(wall)
        ben.crash(silent=bool(chance.below(2)))
        await ben.gone()
        await world.advance(chance.uniform(0.1, 8.0))
        await ben.start()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", list(KINDS))
def test_attacks_among_crashes_and_cuts(kind: str, seed: int) -> None:
    """[R-LOG-15] [R-LOG-20] nothing false is stored or shown, all level again, and what was published is there."""

    async def then(siege: Siege) -> None:
        ada, ben = siege.nodes
        for number in range(3):
            await siege.reaches(f"lamp {number}", ada, ben)

    besieged(kind, None, then, seed=seed, beside=troubles)
