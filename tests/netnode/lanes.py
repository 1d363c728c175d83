"""What runs in a lane is another thread's in production: it has no event loop, and wakes no task."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import pytest

_IN_LANE: Final = ContextVar("in a lane", default=False)


@contextmanager
def in_lane() -> Iterator[None]:
    """Hides the running event loop, as from a thread: whoever asks for it, or for its time, fails."""
    loop, token = asyncio.get_running_loop(), _IN_LANE.set(True)
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)
        _IN_LANE.reset(token)


def guard_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has an event that is set or cleared in a lane, or in a thread without a loop, fail whoever does it."""
    for name in ("set", "clear"):
        monkeypatch.setattr(asyncio.Event, name, _guarded(name))


def _guarded(name: str) -> object:
    inner = getattr(asyncio.Event, name)

    def guarded(event: asyncio.Event) -> None:
        stranger = threading.current_thread() is not threading.main_thread()
        if _IN_LANE.get() or (stranger and asyncio._get_running_loop() is None):
            raise AssertionError("an event of the event loop is touched in a lane")
        inner(event)

    return guarded
