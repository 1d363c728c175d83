"""Chores of a running node: done at the start and every so often, for as long as it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from netnode.failures import Failures


@dataclass(frozen=True, slots=True)
class Periodic:
    """One chore.

    Args:
        name: of the chore, for the log and for the owner.
        seconds: between the end of one round and the begin of the next.
        run: does one round; what it raises ends only this round.
    """

    name: str
    seconds: float
    run: Callable[[], Awaitable[None]]

    async def repeat(self, failures: Failures) -> None:
        """Does it until cancelled."""
        while True:
            try:
                await self.run()
            except Exception as error:  # a task root: what fails in a chore must not end the node
                failures.outlived(self.name, error, self.name)
            await asyncio.sleep(self.seconds)


async def run_all(chores: Sequence[Periodic], failures: Failures) -> None:
    """Runs chores side by side until cancelled."""
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            group.create_task(chore.repeat(failures), name=chore.name)
