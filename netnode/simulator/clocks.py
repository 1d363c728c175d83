"""The clock of one node: virtual time with an error of its own."""

from __future__ import annotations

from typing import Final

from netnode.simulator.virtual_time import VirtualLoop

START_MS: Final = 1_798_761_600_000  # why: 1 January 2027, a date all records of a run are near to


class SimClock:
    """`netnode.ports.Clock` over virtual time.

    Args:
        loop: whose time it tells.
        skew_ms: by how much its wall clock is ahead of the true time; may be negative.
        drift: how much faster it runs, as a share: 0.0001 gains 8.6 s a day.
    """

    __slots__ = ("_loop", "drift", "skew_ms")

    def __init__(self, loop: VirtualLoop, skew_ms: int = 0, drift: float = 0.0) -> None:
        self._loop = loop
        self.skew_ms = skew_ms
        self.drift = drift

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC, as this clock has it."""
        return START_MS + self.skew_ms + int(self._loop.time() * (1.0 + self.drift) * 1000)

    def monotonic(self) -> float:
        """Seconds, never going back: jumps of the wall clock do not touch it."""
        return self._loop.time()

    def elapsed(self) -> float:
        """The same: computers of a simulated world do not sleep."""
        return self._loop.time()

    def jump(self, milliseconds: int) -> None:
        """Sets the wall clock forward, or back."""
        self.skew_ms += milliseconds
