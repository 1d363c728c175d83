"""Chores of a running node: done at the start and every so often, for as long as it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from netnode.problems import Problem

_log = logging.getLogger("netnode")


@dataclass(slots=True)
class Periodic:
    """One chore.

    Args:
        name: of the chore, for the log and for the owner.
        seconds: between the end of one round and the begin of the next.
        run: does one round; a Problem or fault ends only this round, and is kept in `fault` until a round succeeds.
    """

    name: str
    seconds: float
    run: Callable[[], Awaitable[None]]
    fault: str = field(default="", init=False)
    failures: int = field(default=0, init=False)

    async def repeat(self) -> None:
        """Does it until cancelled."""
        while True:
            await self._round()
            await asyncio.sleep(self.seconds)

    async def _round(self) -> None:
        try:
            await self.run()
        except Problem as problem:  # a full disk, say: it is tried again
            self._failed(problem.text)
            _log.error("%s failed: %s", self.name, problem.text)
        except Exception as fault:  # a task root: a fault in a chore must not end the node
            self._failed(f"this side failed ({type(fault).__name__})")
            _log.exception("%s failed", self.name)
        else:
            self.fault = ""

    def _failed(self, text: str) -> None:
        self.fault = text
        self.failures += 1


async def run_all(chores: Sequence[Periodic]) -> None:
    """Runs chores side by side until cancelled."""
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            group.create_task(chore.repeat(), name=chore.name)
