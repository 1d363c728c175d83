"""How often somebody may ask for something that costs this node more than an answer."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Trickle:
    """So many at once, and one more every so many seconds.

    Args:
        most: at once.
        every: seconds until one more is allowed.
    """

    most: float
    every: float
    _left: float = field(init=False)
    _at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._left = self.most

    def take(self, count: int, now: float) -> bool:
        """Whether so many are allowed now; counts them when they are. `now`: seconds of a monotonic clock."""
        self._left = min(self.most, self._left + max(0.0, now - self._at) / self.every)
        self._at = now
        if self._left < count:
            return False
        self._left -= count
        return True
