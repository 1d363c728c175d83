"""A small run that has some of everything; as a program it prints its trace, for tests of what a seed decides."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from netnode.problems import Problem
from netnode.simulator.nodes import Down, SimNode
from netnode.simulator.options import Options
from netnode.simulator.world import World

OPTIONS = Options(latency_ms=40.0, jitter_ms=30.0, bandwidth=500_000)


async def busy(world: World, count: int = 5, rounds: int = 6) -> None:
    """Nodes publish while some of them crash, stop, lose their disks and links, and come back."""
    nodes = [await world.found(f"n{number}") for number in range(count)]
    for number, node in enumerate(nodes):
        await node.start([nodes[number - 1].address] if number else [])
    chance = world.chance("scene")
    async with asyncio.TaskGroup() as group:
        for node in nodes:
            group.create_task(_publish(world, node, rounds))
        for _ in range(rounds):
            await asyncio.sleep(chance.uniform(1, 8))
            await _trouble(world, chance.choice(nodes), chance.below(6))
    for node in nodes:
        if not node.up:
            await node.start()
    world.network.heal()
    await world.advance(30)


async def _publish(world: World, node: SimNode, rounds: int) -> None:
    chance = world.chance(f"scene {node.name}")
    for number in range(rounds):
        fields = {
            "key": f"k{number}", "kind": "product", "title": f"Tea {number} of {node.name}",
            "description": chance.token(200).hex(), "price": "1.50", "currency": "EUR",
        }  # fmt: skip
        with suppress(Down, Problem):
            await node.ask(lambda services, fields=fields: services.listings.publish(fields))  # type: ignore[misc]
        await asyncio.sleep(chance.uniform(0, 8))


async def _trouble(world: World, node: SimNode, kind: int) -> None:
    if not node.up:
        await node.start()
    elif kind == 0:
        node.crash(silent=True)
    elif kind == 1:
        await node.stop()
    elif kind == 2:
        node.disk.doom(commit=2)
    elif kind == 3:
        world.network.isolate(node.name)
    elif kind == 4:
        for link in world.network.links(node.name):
            world.network.reset(link)
    else:
        with node.disk.failing("error"):
            await world.advance(3)


def traced(seed: int, folder: Path | None = None) -> tuple[str, int, list[str]]:
    """Trace, events and faults of the run of a seed."""
    with World(seed, OPTIONS, folder=folder) as world:
        world.run(busy(world))
        return world.trace.hex, world.loop.events, world.faults


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print(each, *traced(int(each)))
