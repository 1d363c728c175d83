"""Blocking work in virtual time: lanes that take some virtual milliseconds for each piece, and run it inline.

Between the moment a piece of work is done and the moment its caller hears of it some time may pass, so a crash can
come between a commit and the word that it is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar, TypeVarTuple

from netnode.ports import Lane
from netnode.simulator.chance import Stream

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

THREADS: Final = {Lane.WRITER: 1, Lane.VERIFIER: 1, Lane.READER: 2}  # as in production
SECONDS: Final = {Lane.WRITER: 0.002, Lane.VERIFIER: 0.0005, Lane.READER: 0.0005}  # mean of one piece of work
LONG: Final = (0.02, 40.0)  # one piece in fifty takes so many times as long
LATE: Final = (0.1, 0.003)  # the caller of one piece in ten hears of it up to so many seconds late

_Work = tuple["asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class _Queue:
    """Work of one lane that waits, and how many threads would be at it."""

    __slots__ = ("busy", "threads", "waiting")

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.busy = 0
        self.waiting: deque[_Work] = deque()


class SimExecutor:
    """`netnode.ports.Executor` in virtual time.

    Args:
        chance: how long each piece of work takes.
        slowness: asked for each piece; 10.0 makes it take ten times as long.
        done: called after each piece of work, before its caller hears of it.
    """

    __slots__ = ("_chance", "_closing", "_dead", "_done", "_lanes", "_pending", "_slowness")

    def __init__(
        self,
        chance: Stream,
        slowness: Callable[[], float] = lambda: 1.0,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self._chance = chance
        self._slowness = slowness
        self._done = done
        self._lanes = {lane: _Queue(threads) for lane, threads in THREADS.items()}
        self._pending: dict[asyncio.Future[Any], None] = {}  # begun, not settled; in order
        self._closing: asyncio.Future[None] | None = None
        self._dead = False

    async def run(self, lane: Lane, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Runs ``function(*args)`` in its lane; a dead one cancels whoever calls, so that nothing is caught."""
        if self._dead:
            raise asyncio.CancelledError
        if self._closing is not None:
            raise RuntimeError("no work is taken any more")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        queue = self._lanes[lane]
        queue.waiting.append((future, function, args))
        self._next(lane, queue)
        return await future

    def idle(self, lane: Lane) -> bool:
        """Whether nothing runs or waits in a lane."""
        queue = self._lanes[lane]
        return not queue.busy and not queue.waiting

    async def close(self) -> None:
        """Waits for all work given so far; `run` raises RuntimeError after."""
        if self._dead:
            return
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_future()
            self._look()
        await asyncio.shield(self._closing)

    def kill(self) -> None:
        """Drops all work that has not begun, and tells nobody of what is done; nothing runs any more."""
        self._dead = True
        for queue in self._lanes.values():
            for future, _, _ in queue.waiting:
                future.cancel()
            queue.waiting.clear()
        for future in self._pending:
            future.cancel()
        self._pending.clear()
        self._look()

    def _next(self, lane: Lane, queue: _Queue) -> None:
        while queue.waiting and queue.busy < queue.threads:
            work = queue.waiting.popleft()
            if work[0].cancelled():
                continue
            queue.busy += 1
            self._pending[work[0]] = None
            seconds = SECONDS[lane] * 2 * self._chance.random() * self._slowness()
            if self._chance.random() < LONG[0]:
                seconds *= LONG[1]
            asyncio.get_running_loop().call_later(seconds, self._work, lane, queue, work)

    def _work(self, lane: Lane, queue: _Queue, work: _Work) -> None:
        if self._dead:
            return
        future, function, args = work
        result, error = None, None
        if not future.cancelled():
            try:
                result = function(*args)
            except Exception as raised:  # the caller hears of it, whatever it is
                error = raised
            self._done()
        queue.busy -= 1
        if self._chance.random() < LATE[0]:
            late = self._chance.uniform(0.0, LATE[1])
            asyncio.get_running_loop().call_later(late, self._settle, future, result, error)
        else:
            self._settle(future, result, error)
        self._next(lane, queue)
        self._look()

    def _settle(self, future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
        self._pending.pop(future, None)
        if not future.done():
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        self._look()

    def _look(self) -> None:
        """Ends the wait of `close` once nothing is left."""
        if self._closing is None or self._closing.done():
            return
        if self._dead or not any(queue.busy or queue.waiting for queue in self._lanes.values()):
            self._closing.set_result(None)
