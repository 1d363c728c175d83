"""How far this computer's clock is from those of the peers its owner chose [R-TIME-1], and what speaks against it.

Three chosen peers are enough to publish nothing. With fewer the owner is only warned, and only where two that know
nothing of each other say the same: peers of different networks, a chosen peer, and this computer itself, where its
clock was set while the node ran. So one peer with a wrong clock, or one that lies, is heard nowhere.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from netnode.ports import Clock
from protocol.limits import CLOCK_TOLERANCE_MS

SKEW_PEERS: Final = 3  # why: one peer with a wrong clock must not silence a node
SET_MS: Final = 10_000  # why: what moves a clock by so much at once is its owner


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is noticed of this computer's clock with too few peers to be sure.

    Attributes:
        off: ms by which it seems to be behind; ahead where negative.
        sure: two say so; False: one alone does, so that either may be wrong, which nobody need be troubled with.
        alone: nobody says so: the clock was set while the node ran, and there is no peer to compare it with.
    """

    off: int
    sure: bool
    alone: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """What the hello of a peer said, as ms by which its clock is ahead of the time that passed here."""

    ahead: float
    chosen: bool
    group: str


class PeerClocks:
    """What the hellos of peers said of the time, kept beside the time that passes here, asleep or not.

    So the median is right at once when the clock of this computer is set, in sessions that go on.

    Args:
        clock: of this computer.
    """

    __slots__ = ("_ahead", "_at_start", "_clock", "_told")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[bytes, _Told] = {}
        self._ahead = self._at_start = self._wall_ahead()

    def greeted(self, peer: bytes, told: int, group: str, *, chosen: bool) -> None:
        """A peer's hello came.

        Args:
            peer: its networker id.
            told: its clock, ms UTC.
            group: the network it is in.
            chosen: whether the owner chose it; the clocks of all others silence nobody.
        """
        self._told[peer] = _Told(told - self._passed(), chosen, group)

    def gone(self, peer: bytes) -> None:
        """A session ended."""
        self._told.pop(peer, None)

    def skew(self) -> int | None:
        """The chosen peers' median less this clock, in ms; None with too few of them to tell."""
        chosen = [each.ahead for each in self._told.values() if each.chosen]
        if len(chosen) < SKEW_PEERS:
            return None
        return round(statistics.median(chosen) - self._wall_ahead())

    def doubt(self) -> Doubt | None:
        """What speaks against this clock where `skew` cannot tell; None where nothing does, or `skew` can."""
        if self.skew() is not None:
            return None
        voices = self._voices()
        moved = self._at_start - self._wall_ahead()
        if abs(moved) > CLOCK_TOLERANCE_MS:
            if not voices:
                return Doubt(round(moved), sure=False, alone=True)
            voices.append(moved)
        for sign in (1, -1):
            off = [each for each in voices if sign * each > CLOCK_TOLERANCE_MS]
            if len(off) > 1 and 2 * len(off) > len(voices):
                return Doubt(round(sign * min(sign * each for each in off)), sure=True, alone=False)
            if len(off) == len(voices) == 1:
                return Doubt(round(off[0]), sure=False, alone=False)
        return None

    def was_set(self) -> int | None:
        """By how many ms this computer's clock was set since this was asked last; None: it was not."""
        before, self._ahead = self._ahead, self._wall_ahead()
        moved = round(self._ahead - before)
        return moved if abs(moved) > SET_MS else None

    def _voices(self) -> list[float]:
        """By how many ms this clock is behind that of each chosen peer, and of each network of others.

        Why a network has one voice: whoever runs one peer in it runs as many as they like.
        """
        here = self._wall_ahead()
        chosen = [each for each in self._told.values() if each.chosen]
        others = defaultdict(list)
        for each in self._told.values():
            if not each.chosen and each.group not in {one.group for one in chosen}:
                others[each.group].append(each.ahead)
        told = [each.ahead for each in chosen] + [statistics.median(each) for each in others.values()]
        return [each - here for each in told]

    def _wall_ahead(self) -> float:
        return self._clock.now_ms() - self._passed()

    def _passed(self) -> float:
        return self._clock.elapsed() * 1000
