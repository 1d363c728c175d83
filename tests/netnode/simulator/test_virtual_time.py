"""An event loop in virtual time: jumps, orders, deadlocks, livelocks, refusals."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Coroutine
from typing import Any

import pytest

from netnode.simulator import virtual_time
from netnode.simulator.virtual_time import Deadlock, Livelock, VirtualLoop


def run(main: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def test_a_day_passes_in_no_time() -> None:
    async def main() -> float:
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    assert run(main()) == 86_400


def test_timers_fire_in_order_and_at_their_moment() -> None:
    async def main() -> list[tuple[float, int]]:
        loop, fired = asyncio.get_running_loop(), []
        for number, after in enumerate((3.0, 1.0, 2.0, 1.0, 0.0)):
            loop.call_later(after, lambda each=number: fired.append((loop.time(), each)))
        await asyncio.sleep(10)
        return fired

    assert run(main()) == [(0.0, 4), (1.0, 1), (1.0, 3), (2.0, 2), (3.0, 0)]


def test_of_many_timers_of_one_moment_the_first_set_fires_first() -> None:
    async def main() -> list[int]:
        loop, fired = asyncio.get_running_loop(), []
        for number in range(1000):
            loop.call_later(1.0, fired.append, number)
        await asyncio.sleep(2)
        return fired

    assert run(main()) == list(range(1000))


def test_timeouts_work_and_cancelled_timers_go() -> None:
    async def main() -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        for _ in range(5_000):
            async with asyncio.timeout(1e6):
                await asyncio.sleep(0.001)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return len(loop._timers)

    assert run(main()) < 1_000


def test_a_deadlock_is_told_at_once_with_every_task() -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait(), name="the waiting one")

    with pytest.raises(Deadlock, match=r"the waiting one: Event\.wait") as told:
        run(main())
    assert "no timer stands at 0.000 s" in str(told.value)


def test_a_livelock_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "BUSY", 2_000)

    async def main() -> None:
        while True:  # noqa: ASYNC110 - that is the fault
            await asyncio.sleep(0)

    with pytest.raises(Livelock, match="no end") as told:
        run(main())
    assert "2001 callbacks at 0.000 s" in str(told.value)


def test_work_that_lets_time_pass_is_no_livelock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "BUSY", 2_000)

    async def main() -> int:
        for _ in range(20):
            for _ in range(200):
                await asyncio.sleep(0)
            await asyncio.sleep(0.001)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return loop.events

    assert run(main()) > 2_000


def test_threads_are_refused() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(RuntimeError, match="no threads"):
            loop.call_soon_threadsafe(print)
        with pytest.raises(RuntimeError, match="no threads"):
            await asyncio.to_thread(print)

    run(main())


def test_sockets_are_refused() -> None:
    async def main() -> None:
        with pytest.raises((NotImplementedError, RuntimeError)):
            await asyncio.open_connection("127.0.0.1", 9)

    run(main())


def test_an_action_comes_between_two_awaits() -> None:
    async def main() -> tuple[int, int]:
        loop, count = asyncio.get_running_loop(), 0
        assert isinstance(loop, VirtualLoop)
        acted = []
        loop.at_event(loop.events + 50, lambda: acted.append(count))
        for _ in range(100):
            count += 1
            await asyncio.sleep(0)
        return acted[0], count

    acted, count = run(main())
    assert 40 < acted < 60 and count == 100


_CANCELS = """
import asyncio
from netnode.simulator.virtual_time import VirtualLoop
ended = []
async def one(number):
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(number)
async def main():
    keep = [object() for _ in range(%d)]
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(one(number))
            await asyncio.sleep(1)
            raise ValueError
    except* ValueError:
        pass
with asyncio.Runner(loop_factory=VirtualLoop) as runner:
    runner.run(main())
print(ended)
"""


def test_a_task_group_cancels_in_one_order_in_every_process() -> None:
    """asyncio keeps tasks in sets, by their address; here they are numbered."""
    said = {
        subprocess.run([sys.executable, "-c", _CANCELS % count], capture_output=True, check=True).stdout
        for count in (1, 1001, 5003)
    }
    assert len(said) == 1
