"""Keeps the projections level with the logs, behind ingest and never in its way."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from netnode.bus import Bus, Stored
from netnode.ports import Clock
from netnode.problems import Problem
from netnode.projections import catalogue
from netnode.store import Reader, Store, Writer

BUDGET: Final = 2_000  # why: one visit to the writer lane holds ingest up for 100 ms at most
# Why: a clock that jumps is noticed when what waits for it is looked at again
CLOCK_CHECK_SECONDS: Final = 30.0
# Why: while entries stream in, the writer lane and the processor belong to ingest; pages of heads lie 20 ms apart.
QUIET_SECONDS: Final = 0.05
HOLD_SECONDS: Final = 1.0  # why: but a stream without end must not keep what it brings from being found
_log = logging.getLogger("netnode.projections")


class Projector:
    """Advances the projections when something was stored or falls due.

    Args:
        store: where logs and projections are.
        network: the network's name.
        clock: decides what is due.
        bus: tells when something was stored.
    """

    def __init__(self, store: Store, network: str, clock: Clock, bus: Bus) -> None:
        self._store = store
        self._network = network
        self._clock = clock
        self._bus = bus
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._due: int | None = None
        self._timer: asyncio.TimerHandle | None = None  # while something stored waits for quiet
        self._began = 0.0  # when it began to wait
        self._more = False  # was stored since the timer was set

    async def run(self) -> None:
        """Works until cancelled."""
        leave = self._bus.subscribe(self._stored)
        try:
            while True:
                try:
                    await self.level()
                except Problem as problem:  # a full disk, say: the lag shows it, and it is tried again
                    _log.error("projections are behind: %s", problem.text)
                try:
                    async with asyncio.timeout(self._patience()):
                        await self._wake.wait()
                except TimeoutError:
                    continue
                self._wake.clear()
        finally:
            leave()
            if self._timer is not None:
                self._timer.cancel()

    async def level(self) -> None:
        """Returns when everything stored before the call is in the projections.

        Raises:
            Problem: the disk fails.
        """
        while not await self._slice():
            pass

    async def level_of(self, networker: bytes) -> None:
        """Returns when one log is in the projections, before the backlog of all others.

        Raises:
            Problem: the disk fails.
        """
        await self._store.write(_put_first, networker)
        while not await self._slice() and await self._store.read(_waits, networker):
            pass

    async def _slice(self) -> bool:
        """Takes in a bounded number of entries; whether nothing is left."""
        async with self._turn:
            progress = await self._store.write(self._advance)
            if progress.done:
                self._due = progress.wake_at_ms
            return progress.done

    def _advance(self, writer: Writer) -> catalogue.Progress:
        return catalogue.advance(writer.connection, self._network, self._clock.now_ms(), BUDGET)

    def _stored(self, _: Stored) -> None:
        """Called with every batch, so it wakes nobody: a timer looks for a moment without any."""
        self._more = True
        if self._timer is None:
            self._began = self._clock.monotonic()
            self._await_quiet()

    def _await_quiet(self) -> None:
        self._more = False
        self._timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._look)

    def _look(self) -> None:
        """Begins when nothing was stored for a moment, or for long enough."""
        if self._more and self._clock.monotonic() - self._began < HOLD_SECONDS:
            self._await_quiet()
            return
        self._timer = None
        self._wake.set()

    def _patience(self) -> float:
        if self._due is None:
            return CLOCK_CHECK_SECONDS
        return min(max((self._due - self._clock.now_ms()) / 1000, 0.05), CLOCK_CHECK_SECONDS)


def _put_first(writer: Writer, networker: bytes) -> None:
    with writer.transaction() as connection:
        catalogue.put_first(connection, networker)


def _waits(reader: Reader, networker: bytes) -> bool:
    return catalogue.waits(reader.connection, networker)
