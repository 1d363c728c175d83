"""Swaps by four nodes: end to end, with anybody gone at any step, too late, not covered [R-CRED-80..86]."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from protocol.records import Lock, SwapEntry
from tests.netnode.swapped import AFTER, BEFORE, NAMES, Four, four

Step = Callable[[Four], Awaitable[object]]


async def test_a_swap_goes_from_proposal_to_the_end(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        proposed = await all_.propose(text="as agreed")
        assert (proposed.stage, proposed.role, proposed.first.amount) == ("proposed", "first", "6.00")
        await all_.carry()
        shown = await all_["bob"].services.swaps.show(all_.swap)
        assert (shown.role, shown.stage, shown.text) == ("second", "proposed", "as agreed")
        assert (await all_.accept()).stage == "accepted"
        await all_.settle()
        for name in NAMES:
            assert await all_.outcome(name) == AFTER, name
        assert [await all_.stage(name) for name in NAMES] == ["given", "swapped", "given", "given"]
        assert (
            len(await all_.kinds("issuer-x", Lock.KIND)),
            len(await all_.kinds("issuer-x", SwapEntry.KIND)),
        ) == (1, 1)
        assert len(await all_.kinds("issuer-y", SwapEntry.KIND)) == 1
        assert not all_.post.refused
        page = await all_["ann"].services.swaps.list(models.SwapsQuery(waiting=True))
        assert not page.items


# -- anybody gone, at any step -------------------------------------------------------------------------------
async def _propose(all_: Four) -> None:
    if "ann" in all_.here:
        await all_.propose()


async def _accept(all_: Four) -> None:
    if "bob" in all_.here:
        page = await all_["bob"].services.swaps.list(models.SwapsQuery())
        if page.items:
            all_.swap = page.items[0].swap
            await all_.accept()


async def _tick(all_: Four) -> None:
    all_.clock.now += 10_000
    await all_.meet()


STEPS: tuple[Step, ...] = (
    _propose,
    Four.carry,
    _accept,
    Four.carry,  # ann signs
    Four.carry,  # bob and X have the document
    lambda all_: all_.run("issuer-x"),  # locks
    _tick,
    lambda all_: all_.run("ann", "bob"),  # bring the lock to Y
    Four.carry,
    lambda all_: all_.run("issuer-y"),  # decides
    _tick,
    lambda all_: all_.run("ann", "bob"),  # bring the swap to X
    Four.carry,
    lambda all_: all_.run("issuer-x"),
)


@pytest.mark.parametrize("late", [False, True], ids=["back in time", "back after T"])
@pytest.mark.parametrize("step", range(1, len(STEPS)))
@pytest.mark.parametrize("who", NAMES)
async def test_whoever_vanishes_at_whichever_step_nobody_loses(
    tmp_path: Path, who: str, step: int, late: bool
) -> None:
    async with four(tmp_path) as all_:
        for number, act in enumerate(STEPS):
            if number == step:
                all_.gone.add(who)
            await act(all_)
        await all_.settle(3)
        if late:
            await all_.pass_time()
            await all_.settle(3)
        all_.gone.clear()
        await all_.pass_time()
        await all_.settle(4)
        found = {await all_.outcome(name) for name in NAMES}
        assert found in ({AFTER}, {BEFORE})
