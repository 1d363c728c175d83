"""Homes of simulated production nodes: copied, put back, restored from backups and words, upgraded."""

from __future__ import annotations

from netnode.keys.rotating import Grant, grant
from netnode.keys.words import decode_words
from netnode.operations import models
from netnode.operations.runtime import BackupKey
from netnode.simulator.nodes import SimNode
from netnode.simulator.world import World
from tests.netnode.simulator.lives import founded, head, level, publish, run, titles


def test_a_copied_home_knows_that_it_is_one() -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        await publish(one, 1)
        await level(world, one, other)
        copy = world.clone(one, "copy")
        assert copy.id == one.id
        await one.stop()
        await copy.start()
        waiting = await copy.ask(lambda each: each.own.waiting())
        assert waiting is not None

    run(scene)


def test_a_copy_that_does_not_know_itself_takes_itself_for_the_only_one() -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        await publish(one, 1)
        await level(world, one, other)
        copy = world.clone(one, "copy", knowing=False)
        await one.stop()
        await copy.start()
        assert await copy.ask(lambda each: each.own.waiting()) is None

    run(scene)


def test_an_old_copy_put_back_is_cautious_and_catches_up() -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        await publish(one, 1)
        old = one.copy(world.folder / "old")
        await publish(one, 2)
        await level(world, one, other)
        newest = await head(other, one.id)
        one.crash()
        await one.gone()
        one.put_back(old)
        await one.start()
        await world.settle(lambda: _holds(one, one.id, newest), 120, "it has its own entries back")

    run(scene)


async def _holds(node: SimNode, author: bytes, seq: int | None) -> bool:
    return await head(node, author) == seq


async def _reaches(node: SimNode, author: bytes, seq: int) -> bool:
    return (await head(node, author) or 0) >= seq


def test_a_backup_restored_elsewhere_by_the_words() -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        await publish(one, 1)
        file = world.folder / "tea.backup"
        made = await one.ask(lambda each: each.backups.create(models.BackupOrder(path=str(file))))
        assert made.verified and one.created is not None
        await publish(one, 2)
        await level(world, one, other)
        newest = await head(other, one.id)
        one.crash()
        again = world.place("again")
        entropy = decode_words(" ".join(one.created.words))
        await again.restore(file, BackupKey(entropy=entropy))
        await again.start([other.address])
        await world.settle(lambda: _holds(again, one.id, newest), 120, "the restored node catches up")

    run(scene)


def test_a_networker_comes_back_from_peers_by_its_words() -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        await publish(one, 1)
        await level(world, one, other)
        assert one.created is not None
        networker, entropy = one.id, decode_words(" ".join(one.created.words))
        one.crash()
        again = world.place("again")
        again.write_settings({})
        fetched = await again.fetch(networker, [other.address])
        assert fetched.id == networker and fetched.missing == 0
        returned = await again.take_over(networker, _grant(fetched.network, entropy))
        assert returned.epoch == 1
        await again.start([other.address])
        await publish(again, 2)
        await world.settle(
            lambda: _reaches(other, networker, returned.seq + 1), 120, "peers hold the new epoch"
        )

    run(scene)


def _grant(network: str, entropy: bytes) -> Grant:
    return grant(network, entropy, 1, entropy)


def test_an_old_data_directory_is_upgraded_at_its_start() -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        for number in range(20):
            await publish(one, number)
        await level(world, one, other)
        await other.stop()
        other.age()
        assert await publish(one, 100)
        await other.start([one.address])
        await level(world, one, other)
        assert len(list((other.home / "backups").glob("*"))) == 1  # made before its tables changed
        assert len(await titles(other)) == 21

    run(scene)
