"""How far this computer's clock is from those of the peers its owner chose [R-TIME-1]."""

from __future__ import annotations

import statistics
from typing import Final

from netnode.ports import Clock

SKEW_PEERS: Final = 3  # why: one peer with a wrong clock must not silence a node
SET_MS: Final = 10_000  # why: what moves a clock by so much at once is its owner, or a sleep


class PeerClocks:
    """What the hellos of peers said of the time, kept beside the monotonic clock.

    So the median is right at once when the clock of this computer is set, in sessions that go on.

    Args:
        clock: of this computer.
    """

    __slots__ = ("_ahead", "_clock", "_told")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[bytes, float] = {}  # ms by which a peer's clock is ahead of the monotonic one here
        self._ahead = self._wall_ahead()

    def greeted(self, peer: bytes, told: int) -> None:
        """A peer's hello came, with its clock in ms UTC."""
        self._told[peer] = told - self._monotonic()

    def gone(self, peer: bytes) -> None:
        """A session ended."""
        self._told.pop(peer, None)

    def skew(self) -> int | None:
        """The peers' median less this clock, in ms; None with too few peers to tell."""
        if len(self._told) < SKEW_PEERS:
            return None
        return round(statistics.median(self._told.values()) - self._wall_ahead())

    def was_set(self) -> int | None:
        """By how many ms this computer's clock was set since this was asked last; None: it was not."""
        before, self._ahead = self._ahead, self._wall_ahead()
        moved = round(self._ahead - before)
        return moved if abs(moved) > SET_MS else None

    def _wall_ahead(self) -> float:
        return self._clock.now_ms() - self._monotonic()

    def _monotonic(self) -> float:
        return self._clock.monotonic() * 1000
