"""Links in virtual time, and everything that goes wrong with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from netnode.ports import Link, LinkClosed
from netnode.simulator.chance import Stream
from netnode.simulator.links import BUFFER, DEAD_AFTER, SimLink
from netnode.simulator.network import SimNetwork
from netnode.simulator.virtual_time import VirtualLoop
from netnode.sync.groups import group_of
from protocol import limits
from protocol.address import Scope, host_scope


class Bench:
    """Two hosts, a and b; b echoes nothing, it keeps what comes."""

    def __init__(self, loop: VirtualLoop, **options: Any) -> None:
        self.loop = loop
        self.network = SimNetwork(loop, lambda name: Stream(1, name), **options)
        self.served: list[Link] = []
        self.heard: list[bytes] = []
        self.ended: list[LinkClosed] = []

    async def serve(self, link: Link) -> None:
        self.served.append(link)
        try:
            while True:
                self.heard.append(await link.receive())
        except LinkClosed as closed:
            self.ended.append(closed)

    async def joined(self, serve: Callable[[Link], Awaitable[None]] | None = None) -> tuple[SimLink, SimLink]:
        await self.network.listener("b").start(serve or self.serve)
        near = await self.network.dialer("a").dial(self.network.address("b"))
        await asyncio.sleep(0)
        far = self.network.links("b")[0]
        assert isinstance(near, SimLink)
        return near, far


def run(scene: Callable[[Bench], Awaitable[Any]], **options: Any) -> Any:
    async def main() -> Any:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return await scene(Bench(loop, **options))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


# -- addresses -------------------------------------------------------------------------------------------------
def test_addresses_look_public_and_come_from_seed_and_name() -> None:
    async def scene(bench: Bench) -> list[str]:
        names = [f"host {number}" for number in range(300)]
        found = [bench.network.address(name) for name in names]
        assert found == [bench.network.address(name) for name in names]
        assert len(set(found)) == 300
        assert all(host_scope(bench.network.place(name).ip) is Scope.PUBLIC for name in names)
        assert len(set(map(group_of, found))) == 40
        assert bench.network.place("far", "77.7").ip.startswith("77.7.")
        return found

    assert run(scene) == run(scene)


async def _refused(bench: Bench, address: str, *, public: bool = False) -> tuple[float, str]:
    began = bench.loop.time()
    with pytest.raises(OSError) as told:
        await bench.network.dialer("a").dial(address, public=public)
    return bench.loop.time() - began, str(told.value)


def test_dials_that_come_to_nothing() -> None:
    async def scene(bench: Bench) -> None:
        network = bench.network
        seconds, told = await _refused(bench, network.address("b"))
        assert seconds < 1 and "refused" in told  # nobody listens
        seconds, told = await _refused(bench, "ws://99.1.2.3:4747/inx/1")
        assert seconds == limits.HANDSHAKE_SECONDS and "no answer" in told
        await network.listener("b").start(bench.serve)
        assert "refused" in (await _refused(bench, network.address("b").replace("4747", "4748")))[1]
        network.place("b").refuses = True
        assert "refused" in (await _refused(bench, network.address("b")))[1]
        network.place("b").refuses, network.place("b").dialled = False, False
        assert (await _refused(bench, network.address("b")))[0] == limits.HANDSHAKE_SECONDS
        assert "private" in (await _refused(bench, "ws://10.0.0.1:4747/inx/1", public=True))[1]

    run(scene)


def test_a_host_behind_nat_dials_out() -> None:
    async def scene(bench: Bench) -> None:
        bench.network.place("a").dialled = False
        near, _ = await bench.joined()
        await near.send(b"out")
        await asyncio.sleep(1)
        assert bench.heard == [b"out"]

    run(scene)


# -- open links ------------------------------------------------------------------------------------------------
def test_messages_arrive_whole_and_in_order_whatever_the_jitter() -> None:
    async def scene(bench: Bench) -> None:
        near, far = await bench.joined()
        sent = [bytes([number % 256]) * (1 + number * 7 % 900) for number in range(500)]
        for data in sent:
            await near.send(data)
            if len(data) % 5 == 0:
                await asyncio.sleep(0.01)
        await asyncio.sleep(2)
        assert bench.heard == sent
        assert far.host == bench.network.place("a").ip and near.host == bench.network.place("b").ip
        assert far.remote == far.host and near.remote == f"{near.host}:4747"
        assert bench.network.messages == 500 and bench.network.hosts["a"].sent == sum(map(len, sent))

    run(scene, jitter=0.5)


def test_bytes_take_their_time_on_the_line() -> None:
    async def scene(bench: Bench) -> float:
        near, _ = await bench.joined()
        began = bench.loop.time()
        await near.send(bytes(60_000))
        while not bench.heard:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.01)
        return bench.loop.time() - began

    assert run(scene, latency=0.1, bandwidth=10_000.0) > 6
    assert run(scene, latency=0.1) < 0.2


def test_a_reader_that_does_not_read_stops_the_writer() -> None:
    async def scene(bench: Bench) -> None:
        near, far = await bench.joined(lambda link: asyncio.sleep(10_000))
        sending = asyncio.create_task(_flood(near))
        await asyncio.sleep(60)
        assert BUFFER < far.in_flight <= BUFFER + 1000 and not sending.done()
        for _ in range(200):
            await far.receive()
        await asyncio.sleep(60)
        assert BUFFER < far.in_flight <= BUFFER + 1000
        bench.network.reset(near)
        with pytest.raises(LinkClosed):
            await sending
        bench.network.die("b")

    run(scene)


async def _flood(link: Link) -> None:
    while True:
        await link.send(bytes(1000))


def test_a_slow_reader_takes_its_time() -> None:
    async def scene(bench: Bench) -> float:
        near, _ = await bench.joined()
        bench.network.place("b").read_rate = 1_000.0
        began = bench.loop.time()
        for _ in range(20):
            await near.send(bytes(1_000))
        while len(bench.heard) < 20:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.1)
        return bench.loop.time() - began

    assert 18 < run(scene) < 22


def test_closing_says_why_after_all_that_was_sent() -> None:
    async def scene(bench: Bench) -> None:
        near, far = await bench.joined()
        for number in range(10):
            await near.send(bytes([number]))
        await near.close(1000, "goodbye")
        with pytest.raises(LinkClosed):
            await near.send(b"more")
        with pytest.raises(LinkClosed):
            await near.receive()
        await asyncio.sleep(1)
        assert len(bench.heard) == 10
        assert (bench.ended[0].code, bench.ended[0].text) == (1000, "goodbye") and not far.open

    run(scene)


def test_a_listener_that_closes_ends_its_links() -> None:
    async def scene(bench: Bench) -> None:
        listener = bench.network.listener("b")
        await listener.start(bench.serve)
        near = await bench.network.dialer("a").dial(bench.network.address("b"))
        await asyncio.sleep(0.1)
        await listener.close()
        with pytest.raises(LinkClosed) as told:
            await near.receive()
        assert told.value.code == 1001 and not listener.tasks()
        assert "refused" in (await _refused(bench, bench.network.address("b")))[1]

    run(scene)


def test_a_fault_of_a_listener_is_told() -> None:
    async def broken(link: Link) -> None:
        raise ValueError("a fault")

    async def scene(bench: Bench) -> None:
        bench.network.fault = lambda name, error: told.append((name, str(error)))
        await bench.network.listener("b").start(broken)
        near = await bench.network.dialer("a").dial(bench.network.address("b"))
        with pytest.raises(LinkClosed):
            await near.receive()

    told: list[tuple[str, str]] = []
    run(scene)
    assert told == [("b", "a fault")]


# -- faults ----------------------------------------------------------------------------------------------------
def test_a_clog_holds_one_direction_and_loses_nothing() -> None:
    async def scene(bench: Bench) -> None:
        near, far = await bench.joined()
        wall = bench.network.clog("a", "b")
        await near.send(b"held")
        await far.send(b"through")
        assert await near.receive() == b"through"
        await asyncio.sleep(10)
        assert bench.heard == []
        bench.network.fall(wall)
        await near.send(b"after")
        await asyncio.sleep(1)
        assert bench.heard == [b"held", b"after"]

    run(scene)


def test_a_clog_that_lasts_breaks_the_link_by_its_heartbeat() -> None:
    async def scene(bench: Bench) -> None:
        near, far = await bench.joined()
        began = bench.loop.time()
        bench.network.clog("a", "b")
        with pytest.raises(LinkClosed):
            await near.receive()  # b gives up, and its end gets through
        assert DEAD_AFTER <= bench.loop.time() - began < DEAD_AFTER + 1
        assert bench.ended[0].code == 1006 and not far.open

    run(scene)


def test_a_partition_keeps_sides_apart_and_heals() -> None:
    async def scene(bench: Bench) -> None:
        network = bench.network
        for name in "abcd":
            network.place(name)
        network.partition("ab", "cd")
        assert network.is_shut("a", "c") and network.is_shut("d", "b")
        assert not network.is_shut("a", "b") and not network.is_shut("c", "d")
        network.isolate("a")
        assert network.is_shut("a", "b") and network.is_shut("b", "a") and not network.is_shut("c", "d")
        network.heal()
        assert not any(network.is_shut(one, other) for one in "abcd" for other in "abcd")

    run(scene)


def test_walls_that_overlap_fall_one_by_one() -> None:
    async def scene(bench: Bench) -> None:
        network = bench.network
        first, second = network.clog("a", "b"), network.clog("a", "b")
        network.fall(first)
        assert network.is_shut("a", "b")
        network.fall(first)
        network.fall(second)
        assert not network.is_shut("a", "b")

    run(scene)


def test_a_dial_through_a_wall_waits_for_it_to_fall() -> None:
    async def scene(bench: Bench) -> None:
        wall = bench.network.clog("b", "a")
        bench.loop.call_later(5, bench.network.fall, wall)
        await bench.joined()
        assert bench.loop.time() >= 5
        bench.network.clog("a", "b")
        assert (await _refused(bench, bench.network.address("b")))[0] == limits.HANDSHAKE_SECONDS

    run(scene)


@pytest.mark.parametrize("at", [1, 9, 1000, 5_000, 49_000])
def test_a_reset_can_come_at_any_byte(at: int) -> None:
    """Whole messages before it arrive or are lost with the link; none arrives in part."""

    async def scene(bench: Bench) -> None:
        bench.network.cut_after = lambda source, target: at if source == "a" else None
        near, _ = await bench.joined()
        with pytest.raises(LinkClosed):
            for number in range(100):
                await near.send(bytes([number]) * 1000)
                await asyncio.sleep(0.05)
        whole = at // 1008
        assert bench.heard == [bytes([number]) * 1000 for number in range(len(bench.heard))]
        assert whole - 1 <= len(bench.heard) <= whole  # the last one may have been on its way
        assert bench.ended[0].code == 1006

    run(scene, bandwidth=100_000.0)


def test_a_half_open_link_is_found_out() -> None:
    async def scene(bench: Bench) -> None:
        near, far = await bench.joined()
        began = bench.loop.time()
        bench.network.half_open(near)
        assert not near.open and far.open
        await far.send(b"into the void")
        while far.open:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.5)
        assert DEAD_AFTER <= bench.loop.time() - began < DEAD_AFTER + 1

    run(scene)


def test_a_stall_opens_links_to_nobody() -> None:
    async def scene(bench: Bench) -> None:
        bench.network.place("b").stalls = True
        near = await bench.network.dialer("a").dial(bench.network.address("b"))
        await near.send(b"hello?")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3_600):
                await near.receive()

    run(scene)


def test_a_host_that_dies_cuts_its_links_and_refuses() -> None:
    async def scene(bench: Bench) -> None:
        near, _ = await bench.joined()
        bench.network.die("b")
        with pytest.raises(LinkClosed):
            await near.receive()
        await asyncio.sleep(1)
        assert "refused" in (await _refused(bench, bench.network.address("b")))[1]

    run(scene)


def test_a_dialler_that_closes_ends_what_it_opened() -> None:
    async def scene(bench: Bench) -> None:
        await bench.network.listener("b").start(bench.serve)
        dialer = bench.network.dialer("a")
        near = await dialer.dial(bench.network.address("b"))
        await dialer.close()
        await asyncio.sleep(1)
        assert isinstance(near, SimLink) and not near.open and bench.ended[0].code == 1001
        with pytest.raises(OSError, match="closed"):
            await dialer.dial(bench.network.address("b"))

    run(scene)
