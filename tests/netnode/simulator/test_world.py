"""A world: what its seed decides, that nothing else does, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from netnode.simulator.virtual_time import Deadlock
from netnode.simulator.world import World
from tests.netnode.simulator.scene import busy, traced

SEEDS = ("1", "2", "3")


def in_a_process(hashes: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hashes}
    command = [sys.executable, "-m", "tests.netnode.simulator.scene", *SEEDS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_seed_has_one_trace_in_every_process() -> None:
    """Neither hashes of bytes and text nor addresses of objects decide anything."""
    said = {in_a_process(hashes) for hashes in ("0", "1", "4242")}
    assert len(said) == 1
    lines = said.pop().splitlines()
    assert [line.split()[0] for line in lines] == list(SEEDS)
    assert len({line.split()[1] for line in lines}) == len(SEEDS)  # other seeds, other traces
    assert all(line.endswith("[]") for line in lines)  # no fault


def test_nor_does_the_folder_or_what_ran_before(tmp_path: Path) -> None:
    first = traced(1)
    traced(2)
    long = tmp_path / ("a" * 80)
    long.mkdir()
    assert traced(1, long) == first


def test_a_fault_anywhere_is_kept() -> None:
    async def scene(world: World) -> None:
        logger = logging.getLogger("netnode.somewhere")
        try:
            raise ValueError("in a chore")
        except ValueError:
            logger.exception("a chore failed")
        logger.warning("only said")
        asyncio.get_running_loop().create_task(_broken())
        await world.advance(1)
        gc.collect()

    with World(1) as world:
        world.run(scene(world))
    assert len(world.faults) == 2
    assert "in a chore" in world.faults[0] and "in a task" in world.faults[1]
    assert any("only said" in line for line in world.log)


async def _broken() -> None:
    raise ValueError("in a task")


def test_a_run_that_stands_still_says_where() -> None:
    async def scene(world: World) -> None:
        await asyncio.create_task(asyncio.Event().wait(), name="the forgotten one")

    with World(1) as world, pytest.raises(Deadlock, match="the forgotten one"):
        world.run(scene(world))


def test_what_does_not_settle_is_told() -> None:
    async def scene(world: World) -> None:
        assert await world.settle(lambda: world.loop.time() > 5, 10) == 5.25
        await world.settle(lambda: False, 10, "the sun rises in the west")

    with World(1) as world, pytest.raises(AssertionError, match="the sun rises in the west"):
        world.run(scene(world))
    assert world.loop.time() < 16


def test_nothing_is_left_of_a_world(tmp_path: Path) -> None:
    logger = logging.getLogger("netnode")
    before = (logger.handlers[:], logger.propagate, logger.level, gc.isenabled(), threading.active_count())
    with World(1, folder=tmp_path) as world:
        world.run(busy(world, 3, 3))
    assert list(tmp_path.iterdir()) == []
    assert before == (
        logger.handlers,
        logger.propagate,
        logger.level,
        gc.isenabled(),
        threading.active_count(),
    )


def test_worlds_leave_no_files_open_and_no_memory_behind(tmp_path: Path) -> None:
    figures = []
    for seed in range(10):
        with World(seed, folder=tmp_path) as world:
            world.run(busy(world, 3, 2))
        del world
        gc.collect()
        figures.append((len(os.listdir("/dev/fd")), len(gc.get_objects())))
    files, objects = zip(*figures, strict=True)
    assert files[-1] <= files[0]
    assert objects[-1] < objects[3] * 1.02
