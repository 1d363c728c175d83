"""How often somebody may ask for something that costs this node more than an answer."""

from __future__ import annotations

from collections import deque
from typing import Final

KEPT: Final = 1_000  # why: askers remembered; who fills it with fresh identities pays a handshake for each


class Allowance:
    """So many times within so many seconds, for each asker and for all together.

    Args:
        each: times for one asker.
        total: times for all.
        seconds: the window.
    """

    def __init__(self, each: int, total: int, seconds: float) -> None:
        self._each = each
        self._total = total
        self._seconds = seconds
        self._all: deque[tuple[float, bytes]] = deque()

    def take(self, asker: bytes, now: float) -> bool:
        """Whether one more is allowed now; counts it when it is.

        Args:
            asker: who asks.
            now: seconds of a monotonic clock.
        """
        while self._all and self._all[0][0] <= now - self._seconds:
            self._all.popleft()
        if len(self._all) >= min(self._total, KEPT):
            return False
        if sum(1 for _, each in self._all if each == asker) >= self._each:
            return False
        self._all.append((now, asker))
        return True
