"""Letters between people of whom one blocked the other, in private or in public: each is told what is the matter."""

from __future__ import annotations

import pytest

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.simulator.nodes import SimNode
from netnode.simulator.world import World
from protocol.identity import id_text
from tests.netnode.simulator.correspondents import arrives, delivery, received, send, state, three
from tests.netnode.simulator.lives import run


async def blocked(node: SimNode, other: SimNode, *, lifted: bool = False) -> None:
    order = models.PeerBlock(id=id_text(other.id), lifted=lifted)
    await node.ask(lambda services: services.peers.block(order))


async def says(node: SimNode, other: SimNode, *, lifted: bool = False) -> None:
    statement = models.BlockPublish(id=id_text(other.id), lifted=lifted)
    await node.ask(lambda services: services.moderation.block(statement))


async def refused(node: SimNode, other: SimNode) -> str:
    with pytest.raises(Problem) as caught:
        await send(node, other, "hello?")
    assert (caught.value.code, caught.value.exit_code) == ("blocked", ExitCode.REFUSED)
    return caught.value.text


def test_who_is_blocked_in_public_writes_no_mail() -> None:
    async def scene(world: World) -> None:
        one, two, _ = await three(world)
        first = await send(one, two, "before")
        await arrives(world, one, first)
        await says(two, one)
        second = await send(one, two, "after")

        async def told() -> bool:
            return await state(one, second) == "refused"

        await world.settle(told, 300, "its sender is told")
        found = await delivery(one, second)
        assert found.code == "blocked" and "blocked you in public" in found.reason
        assert await received(two) == ["before"]
        assert f"netnode moderate block {id_text(one.id)} --lift" in await refused(two, one)
        await says(two, one, lifted=True)
        third = await send(one, two, "again")
        await arrives(world, one, third)
        await arrives(world, two, await send(two, one, "an answer"))
        assert await received(two) == ["again", "before"]

    run(scene)


def test_a_letter_to_somebody_who_was_blocked_says_so() -> None:
    async def scene(world: World) -> None:
        one, two, host = await three(world, mailbox="off")
        await host.stop()
        await two.stop()
        name = await send(one, two, "lamp")
        await blocked(one, two)
        await two.start()

        async def told() -> bool:
            return (await delivery(one, name)).code == "blocked"

        await world.settle(told, 3_600, "it is put off once more")
        found = await delivery(one, name)
        assert found.state == "queued" and "does not answer" not in found.reason
        assert f"netnode peer block {id_text(two.id)} --lift" in found.reason
        assert f"netnode peer block {id_text(two.id)} --lift" in await refused(one, two)
        assert await received(two) == []
        await blocked(one, two, lifted=True)
        await arrives(world, one, name, 7_200)
        assert await received(two) == ["lamp"]

    run(scene)
