"""What a peer's fault means for its address: left alone, counted, or discouraged [R-BOOK-10].

Discouraged is not banned: the address is not dialled, not told to others, and gets no place here once half of the
places are taken. It ends after a day, since addresses change hands and one may stand for many people. Peers on this
computer are only disconnected.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from netnode.sync.groups import is_loopback
from protocol.errors import CODES, Side

DISCOURAGED_MS: Final = 24 * 3_600_000
RENEWED_MS: Final = 3_600_000  # why: it is written down and told to the owner once an hour at most
MOST: Final = 2_000  # why: an attacker with many addresses must not fill the memory; the oldest go first
LIMIT: Final = 100.0  # points
HALF_LIFE_MS: Final = 600_000  # why: somebody with a bad line is not judged by what happened an hour ago


class Conduct(enum.Enum):
    """The classes of faults; the value is the points a fault of the class counts."""

    HARMLESS = 0  # old software, another clock, a stale address: the session ends, nothing more
    DUPLICATE = 1  # told what this node is known to have: crossing messages do that, a flood too
    SLOW = 25  # a handshake or an answer did not come in time: a bad line, or a slow-loris
    CROWDING = 25  # refused questions in a row, sessions after `busy`: impatient, or a flood
    VIOLATION = 100  # bytes that no correct program sends


# Remote faults that a correct peer can be at: the others are violations.
_AMBIGUOUS: Final = {
    "version": Conduct.HARMLESS,
    "feature": Conduct.HARMLESS,
    "wrong_id": Conduct.HARMLESS,  # whoever told the address was wrong, not who answers there
    "certificate": Conduct.HARMLESS,  # a clock that is off, or a key it does not know to be retired
    "unknown_message": Conduct.HARMLESS,
    "bad_uri": Conduct.HARMLESS,
    "bad_file": Conduct.HARMLESS,
    "letter": Conduct.HARMLESS,  # who brings a letter need not have written it
    "letter_token": Conduct.HARMLESS,
    "rate": Conduct.CROWDING,
}


def conduct_of(code: str, *, slow: bool = False) -> Conduct:
    """The class of a fault that this side found at a peer.

    Args:
        code: of the fault.
        slow: nothing wrong came; nothing came in time.
    """
    if slow:
        return Conduct.SLOW
    known = CODES.get(code)
    if known is None or known.side is not Side.REMOTE:
        return Conduct.HARMLESS
    return _AMBIGUOUS.get(code, Conduct.VIOLATION)


@dataclass(frozen=True, slots=True)
class Discouraged:
    """A host that broke INX, until when (ms UTC), and how."""

    host: str
    until: int
    why: str


@dataclass(slots=True)
class _Score:
    points: float = 0.0
    at: int = 0


@dataclass(slots=True)
class Record:
    """What is remembered of hosts: scores for a while, discouragement for a day."""

    _scores: dict[str, _Score] = field(default_factory=dict)
    _discouraged: dict[str, Discouraged] = field(default_factory=dict)
    _changed: bool = False

    def load(self, rows: Iterable[Discouraged]) -> None:
        """Takes in what was stored."""
        self._discouraged = {row.host: row for row in rows}

    def changes(self) -> list[Discouraged] | None:
        """All of it, when it changed since the last call."""
        if not self._changed:
            return None
        self._changed = False
        return list(self._discouraged.values())

    def count(self, host: str, conduct: Conduct, why: str, now: int) -> bool:
        """Counts a fault; whether the host is discouraged by it.

        Args:
            host: the IP address of the link, or the name that was dialled; empty where it is not known.
            conduct: the class of the fault.
            why: the fault, for the owner.
            now: ms UTC.
        """
        if not host or is_loopback(host) or conduct is Conduct.HARMLESS:
            return False
        known = self._discouraged.get(host)
        if known is not None and known.until - now > DISCOURAGED_MS - RENEWED_MS:
            return False
        score = self._scores.pop(host, None) or _Score(0.0, now)
        points = score.points * 0.5 ** (max(0, now - score.at) / HALF_LIFE_MS) + conduct.value
        if points < LIMIT:
            self._scores[host] = _Score(points, now)  # at the end: the dict is in order of the last fault
            if len(self._scores) > MOST:
                del self._scores[next(iter(self._scores))]
            return False
        self._discouraged.pop(host, None)
        self._discouraged[host] = Discouraged(host, now + DISCOURAGED_MS, why[:200])
        if len(self._discouraged) > MOST:
            del self._discouraged[next(iter(self._discouraged))]
        self._changed = True
        return True

    def discouraged(self, host: str, now: int) -> Discouraged | None:
        """Why and until when a host is discouraged; None when it is not."""
        found = self._discouraged.get(host)
        if found is not None and found.until <= now:
            del self._discouraged[host]
            self._changed = True
            return None
        return found

    def forgive(self, host: str) -> None:
        """The owner named a peer there: what was held against it is forgotten."""
        self._scores.pop(host, None)
        self._changed = self._discouraged.pop(host, None) is not None or self._changed
