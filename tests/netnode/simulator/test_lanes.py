"""Blocking work in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from netnode.ports import Lane
from netnode.simulator.chance import Stream
from netnode.simulator.lanes import SimExecutor
from tests.netnode.simulator.test_virtual_time import run


def made(**options: Any) -> SimExecutor:
    return SimExecutor(Stream(1, "lanes"), **options)


@pytest.mark.parametrize("lane", [Lane.WRITER, Lane.VERIFIER])
def test_work_of_a_lane_runs_in_the_order_it_was_given(lane: Lane) -> None:
    async def main() -> list[int]:
        executor, done = made(), []
        await asyncio.gather(*(executor.run(lane, done.append, number) for number in range(200)))
        return done

    assert run(main()) == list(range(200))


def test_work_takes_virtual_time_and_lanes_run_side_by_side() -> None:
    async def main() -> tuple[float, list[Lane]]:
        executor, done = made(), []
        work = [executor.run(lane, done.append, lane) for lane in Lane for _ in range(50)]
        await asyncio.gather(*work)
        return asyncio.get_running_loop().time(), done

    seconds, done = run(main())
    assert 0.05 < seconds < 5
    assert done != sorted(done, key=list(Lane).index)


def test_a_slow_disk_slows_work() -> None:
    async def main(slowness: float) -> float:
        executor = made(slowness=lambda: slowness)
        for _ in range(50):
            await executor.run(Lane.WRITER, lambda: None)
        return asyncio.get_running_loop().time()

    assert run(main(100.0)) > 30 * run(main(1.0))


def test_results_and_errors_come_back() -> None:
    async def main() -> None:
        executor = made()
        assert await executor.run(Lane.READER, lambda a, b: a + b, 1, 2) == 3
        with pytest.raises(ValueError, match="no"):
            await executor.run(Lane.READER, _fails)
        assert executor.idle(Lane.READER)

    run(main())


def _fails() -> None:
    raise ValueError("no")


def test_cancelling_drops_what_has_not_begun() -> None:
    async def main() -> list[str]:
        executor, done = made(), []
        first = asyncio.create_task(executor.run(Lane.WRITER, done.append, "first"))
        second = asyncio.create_task(executor.run(Lane.WRITER, done.append, "second"))
        third = asyncio.create_task(executor.run(Lane.WRITER, done.append, "third"))
        await asyncio.sleep(0)
        assert not executor.idle(Lane.WRITER)
        second.cancel()
        await asyncio.gather(first, third)
        return done

    assert run(main()) == ["first", "third"]


def test_a_crash_drops_what_has_not_begun_and_tells_nobody() -> None:
    async def main() -> tuple[list[int], int]:
        done: list[int] = []
        executor = made()
        work = [asyncio.create_task(executor.run(Lane.WRITER, done.append, each)) for each in range(100)]
        while len(done) < 10:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.0005)
        executor.kill()
        await asyncio.gather(*work, return_exceptions=True)
        at_death = len(done)
        await asyncio.sleep(10)
        assert len(done) == at_death
        with pytest.raises(asyncio.CancelledError):
            await executor.run(Lane.WRITER, done.append, 0)
        await executor.close()
        return done, sum(task.cancelled() for task in work)

    done, cancelled = run(main())
    assert done == list(range(len(done))) and 10 <= len(done) < 100
    assert cancelled >= 100 - len(done)


def test_what_is_done_can_be_lost_to_its_caller() -> None:
    """The crash that comes between a commit and the word of it: found in some seeds."""

    async def main(seed: int) -> bool:
        executor = SimExecutor(Stream(seed, "late"))
        done: list[int] = []
        task = asyncio.create_task(executor.run(Lane.WRITER, done.append, 1))
        while not done:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.0001)
        executor.kill()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    assert 0 < sum(run(main(seed)) for seed in range(100)) < 100


def test_close_waits_for_all_and_takes_nothing_more() -> None:
    async def main() -> list[int]:
        executor, done = made(), []
        work = [asyncio.create_task(executor.run(Lane.WRITER, done.append, each)) for each in range(20)]
        await asyncio.sleep(0)
        await executor.close()
        with pytest.raises(RuntimeError):
            await executor.run(Lane.WRITER, done.append, 0)
        await executor.close()
        await asyncio.gather(*work)
        return done

    assert run(main()) == list(range(20))


def test_after_each_piece_of_work_somebody_looks_before_the_caller_hears() -> None:
    async def main() -> list[str]:
        told: list[str] = []
        executor = made(done=lambda: told.append("look"))
        for _ in range(3):
            await executor.run(Lane.READER, told.append, "work")
            told.append("heard")
        return told

    assert run(main()) == ["work", "look", "heard"] * 3
