"""Hosts that were dialled in vain and rest for a while, whoever is said to answer there [R-BOOK-9].

An address that was only told of proves nothing. Whoever makes a thousand networkers and has all of them state one host
would else have every node dial that host a thousand times, as fast as it refuses.
"""

from __future__ import annotations

from typing import Final

from netnode.ports import Clock

PAUSE_MS: Final = (60_000, 3_600_000)  # after the first failure; it doubles up to the second
MOST: Final = 2_000  # why: more than a node dials in an hour; those that failed longest ago go first


class Resting:
    """Until when which host rests.

    Args:
        clock: tells when a pause is over.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pauses: dict[str, tuple[int, int, int]] = {}  # from when, until when, failures in a row

    def rests(self, host: str) -> bool:
        """Whether it is too early to dial something that was only told of this host."""
        pause = self._pauses.get(host)
        return pause is not None and pause[0] <= self._clock.now_ms() < pause[1]  # a clock set back ends it

    def failed(self, host: str, *, answered: bool) -> None:
        """It was dialled in vain; where INX answered, if another networker, the pause does not grow."""
        failures = 1 if answered else self._pauses.get(host, (0, 0, 0))[2] + 1
        self._pauses.pop(host, None)
        first, longest = PAUSE_MS
        now = self._clock.now_ms()
        self._pauses[host] = (now, now + min(first << min(failures - 1, 16), longest), failures)
        if len(self._pauses) > MOST:
            del self._pauses[next(iter(self._pauses))]

    def met(self, host: str) -> None:
        """Somebody was met there."""
        self._pauses.pop(host, None)
