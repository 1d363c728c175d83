"""The life of simulated production nodes: founding, meeting, crashes at any moment, disks and clocks that are wrong."""

from __future__ import annotations

import asyncio

import pytest

from netnode.operations import models
from netnode.problems import Problem
from netnode.simulator.nodes import Down, SimNode
from netnode.simulator.world import World
from netnode.store import Reader
from protocol.identity import id_text, parse_id
from tests.netnode.simulator.lives import founded, level, publish, run, titles


# -- life ------------------------------------------------------------------------------------------------------
def test_five_nodes_meet_replicate_and_find_a_listing() -> None:
    async def scene(world: World) -> None:
        nodes = await founded(world, 5)
        await publish(nodes[0], 1)
        await level(world, *nodes)
        await world.settle(lambda: _found(nodes[4], ["Tea 1"]), 30, "the listing is found")
        assert {node.id for node in nodes} == {
            parse_id(node.created.id) for node in nodes if node.created is not None
        }

    run(scene)


async def _found(node: SimNode, wanted: list[str]) -> bool:
    return await titles(node) == wanted


def test_a_node_that_stopped_catches_up_when_it_is_back() -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        await other.stop()
        assert not other.up and other.services is None
        with pytest.raises(Down):
            await publish(other, 1)
        await publish(one, 1)
        await other.start()
        await level(world, one, other)
        assert other.lives == 2 + 1  # founding was one

    run(scene)


def test_who_waits_no_longer_for_a_node_to_come_up_does_it_no_harm() -> None:
    async def scene(world: World) -> None:
        [one] = await founded(world, 1)
        await one.stop()
        starting = asyncio.get_running_loop().create_task(one.start())
        await asyncio.sleep(0)
        starting.cancel()
        await world.settle(lambda: _up(one), 30, "it is up")
        await publish(one, 1)

    run(scene)


async def _up(node: SimNode) -> bool:
    return node.up


@pytest.mark.parametrize("silent", [False, True])
def test_what_was_told_published_survives_a_crash(silent: bool) -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        for number in range(5):
            await publish(one, number)
        one.crash(silent=silent)
        assert not one.up
        await one.gone()
        await one.start()
        assert len((await one.ask(lambda each: each.listings.list(models.ListingsQuery()))).items) == 5
        await publish(one, 5)
        await level(world, one, other)

    run(scene)


@pytest.mark.parametrize("seed", range(12))
def test_a_crash_at_any_await_loses_nothing_that_was_told(seed: int) -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        chance, told = world.chance("scene"), 0
        for life in range(4):
            world.loop.at_event(world.loop.events + chance.below(1_500), one.crash)
            number = 0
            try:
                while one.up and number < 30:
                    await publish(one, 100 * life + number)
                    number += 1
                    told += 1
            except Down:
                pass
            world.loop.at_no_event()
            one.crash()
            await one.start()
            held = await one.ask(lambda each: each.listings.list(models.ListingsQuery(limit=200)))
            assert told <= len(held.items) <= told + life + 1  # what was not told may have been done
        await level(world, one, other)

    run(scene, seed)


@pytest.mark.parametrize("seed", range(12))
def test_a_crash_at_the_kth_commit_or_write(seed: int) -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        chance = world.chance("scene")
        told: list[int] = []
        for life in range(4):
            if chance.below(2):
                one.disk.doom(commit=1 + chance.below(8))
            else:
                one.disk.doom(write=1 + chance.below(40))
            for number in range(20):
                try:
                    await publish(one, 100 * life + number)
                except (Down, Problem):
                    break
                told.append(100 * life + number)
            one.crash()
            await one.start()
            held = await one.ask(lambda each: each.listings.list(models.ListingsQuery(limit=200)))
            assert {f"tea-{number}" for number in told} <= {each.key for each in held.items}
        await level(world, one, other)

    run(scene, seed)


def test_a_crash_while_it_starts() -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        crashed = 0
        for events in range(1, 60):
            one.crash()
            await one.gone()
            world.loop.at_event(world.loop.events + events, one.crash)
            try:
                await one.start()
            except Down:
                crashed += 1
                await one.start()
            world.loop.at_no_event()
        assert 30 < crashed < 59  # up to the end of a start, and after it
        await publish(one, 1)
        await level(world, one, other)

    run(scene)


def test_a_crash_while_a_home_is_founded() -> None:
    """A home that was interrupted before its keystore stood is begun anew."""

    async def scene(world: World) -> None:
        again = stood = 0
        for number, events in enumerate(range(1, 60, 2)):
            node = world.place(f"n{number}")
            world.loop.at_event(world.loop.events + events, node.crash)
            try:
                await node.found()
            except Down:
                await node.gone()
                try:
                    await node.found()
                    again += 1
                except Problem as problem:
                    assert problem.code == "initialised"
                    stood += 1
            world.loop.at_no_event()
            await node.start()
            await publish(node, 1)
            node.crash()
            await node.gone()
        assert again > 10 and stood, (again, stood)

    run(scene)


def test_a_second_start_and_a_second_life_are_refused() -> None:
    async def scene(world: World) -> None:
        (node,) = await founded(world, 1)
        with pytest.raises(RuntimeError, match="runs already"):
            await node.start()
        with pytest.raises(ValueError, match="already"):
            world.place("n0")

    run(scene)


def test_a_start_that_fails_says_why() -> None:
    async def scene(world: World) -> None:
        node = world.place("empty")
        node.write_settings({})
        with pytest.raises(Problem, match="netnode init"):
            await node.start()
        assert not node.up
        await node.found()
        await node.start()

    run(scene)


def test_a_call_ends_with_the_crash_of_its_node() -> None:
    async def scene(world: World) -> None:
        one, _ = await founded(world, 2)
        waiting = asyncio.create_task(one.ask(lambda services: asyncio.sleep(1_000)))
        await world.advance(1)
        one.crash()
        with pytest.raises(Down):
            await waiting

    run(scene)


def test_who_stops_waiting_for_a_call_ends_it() -> None:
    async def scene(world: World) -> None:
        (node,) = await founded(world, 1)
        ended = asyncio.Event()

        async def work(services: object) -> None:
            try:
                await asyncio.sleep(1_000)
            finally:
                ended.set()

        waiting = asyncio.create_task(node.ask(work))
        await world.advance(1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await world.advance(0.1)
        assert ended.is_set() and node.up

    run(scene)


def test_nodes_keep_nothing_open_while_they_are_down() -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        one.crash()
        await one.gone()
        await other.stop()
        assert one.parts is None and other.parts is None and not world.targets()
        assert world.network.links() == []
        assert [each for each in asyncio.all_tasks() if each.get_name().startswith("n")] == []

    run(scene)


def test_a_reader_sees_what_the_node_stored() -> None:
    async def scene(world: World) -> int:
        (node,) = await founded(world, 1)
        await publish(node, 1)
        assert node.parts is not None
        return (await node.parts.store.read(Reader.counts))[0]

    assert run(scene) >= 3


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_written_after_a_crash(seed: int) -> None:
    """Whatever still unwinds in a node that crashed: its home stays as the loss of power left it."""

    def home(node: SimNode) -> dict[str, bytes]:
        files = [path for path in node.home.rglob("*") if path.is_file() and path.name != "node.lock"]
        return {str(path): path.read_bytes() for path in files}

    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        after: list[dict[str, bytes]] = []

        def crash() -> None:
            one.crash()
            after.append(home(one))

        world.loop.at_event(world.loop.events + world.chance("scene").below(2_500), crash)
        try:
            for number in range(20):
                await publish(one, number)
                await one.ask(lambda each: each.backups.create(models.BackupOrder()))
                await one.ask(lambda each: each.peers.add(other.address))
        except (Down, Problem):
            pass
        if not after:
            crash()
        world.loop.at_no_event()
        await one.gone()
        await world.advance(60)
        assert home(one) == after[0]
        await one.start()
        await publish(one, 100)

    run(scene, seed)


# -- disks and clocks ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["full", "error", "readonly"])
def test_a_disk_that_fails_and_works_again(fault: str) -> None:
    async def scene(world: World) -> None:
        one, other = await founded(world, 2)
        with one.disk.failing(fault):
            with pytest.raises(Problem, match=r"disk|read-only"):
                for number in range(200):
                    await publish(one, number)
            await publish(other, 1)
            await world.advance(20)
        await publish(one, 500)
        await level(world, one, other)

    run(scene)


def test_a_clock_that_is_wrong_keeps_a_node_from_publishing_until_it_is_right() -> None:
    async def scene(world: World) -> None:
        nodes = await founded(world, 4)
        for node in nodes[1:]:
            await nodes[0].ask(lambda each, node=node: each.peers.add(node.address))
            # Followed: their clocks count whoever of the two dials first.
            await nodes[0].ask(lambda each, node=node: each.follows.add(id_text(node.id)))
        await world.settle(lambda: _sessions(nodes[0]) == 3, 120, "all meet")
        nodes[0].clock.jump(3_600_000)
        await nodes[0].stop()
        await nodes[0].start()
        await world.settle(lambda: _sessions(nodes[0]) == 3, 120, "all meet again")
        with pytest.raises(Problem, match="clock"):
            await publish(nodes[0], 1)
        nodes[0].clock.jump(-3_600_000)
        await nodes[0].stop()
        await nodes[0].start()
        await world.settle(lambda: _sessions(nodes[0]) == 3, 120, "all meet once more")
        await publish(nodes[0], 1)
        await level(world, *nodes)

    run(scene)


def _sessions(node: SimNode) -> int:
    return 0 if node.connections is None else len(node.connections.sessions.open_sessions())
