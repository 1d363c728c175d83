"""A small market for tests of what becomes of its nodes: founded, level, with listings of tea."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from netnode.operations import models
from netnode.simulator.nodes import SimNode
from netnode.simulator.options import Options
from netnode.simulator.world import World

Scene = Callable[[World], Awaitable[Any]]


def run(scene: Scene, seed: int = 1, options: Options | None = None) -> Any:
    with World(seed, options) as world:
        found = world.run(scene(world))
        assert world.faults == []
        return found


def tea(number: int) -> dict[str, object]:
    return {
        "key": f"tea-{number}",
        "kind": "product",
        "title": f"Tea {number}",
        "price": "1.50",
        "currency": "EUR",
    }


async def publish(node: SimNode, number: int) -> models.Published:
    return await node.ask(lambda services: services.listings.publish(tea(number)))


async def head(node: SimNode, author: bytes) -> int | None:
    """The newest entry that a node holds of a log."""
    assert node.parts is not None
    state = await node.parts.store.load(author)
    return None if state is None else state.tip.seq


async def level(world: World, *nodes: SimNode, within: float = 120.0) -> float:
    """Waits until these nodes hold the same of each other's logs."""

    async def so() -> bool:
        heads = [[await head(node, each.id) for each in nodes] for node in nodes]
        return None not in heads[0] and all(each == heads[0] for each in heads)

    return await world.settle(so, within, "level")


async def founded(world: World, count: int, **settings: object) -> list[SimNode]:
    """Nodes that run and know the one before them."""
    nodes = [await world.found(f"n{number}", settings) for number in range(count)]
    for number, node in enumerate(nodes):
        await node.start([nodes[number - 1].address] if number else [])
    return nodes


async def titles(node: SimNode) -> list[str]:
    found = await node.ask(lambda services: services.search.find(models.SearchQuery(text="tea", limit=100)))
    return sorted(each.title for each in found.items)
