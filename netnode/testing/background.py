"""An event loop in a thread of its own, so that proxies work while a test, which is plain code, does something else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
CALL_SECONDS: Final = 30.0  # why: what runs here takes milliseconds; a fault of ours must not hang a test


class Background:
    """A running event loop. `close` ends it."""

    __slots__ = ("_loop", "_thread")

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="netnode-testing", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine there and returns or raises what it does."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)

    def call(self, function: Callable[[], T]) -> T:
        """Calls a function there."""

        async def calling() -> T:
            return function()

        return self.run(calling())

    def close(self) -> None:
        """Ends the loop; what still ran there is cancelled."""
        if self._loop.is_closed():
            return
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
