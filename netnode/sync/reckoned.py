"""Whose figures matter at this node, so that branches of their logs are asked for [R-SYNC-19]."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from netnode.ports import Clock
from netnode.store import Reader

MOST_ASKED: Final = 64
"""Logs whose branches are asked for because the owner looked at them; the one looked at longest ago goes first."""

ASKED_SECONDS: Final = 3_600.0  # why: a peer that holds the branch may come within the hour


def nobody(reader: Reader) -> Iterable[bytes]:
    """Nobody may owe the owner anything."""
    return ()


class Reckoned:
    """Whose branches are asked for: the owner's, those followed, who may owe the owner, whom the owner looks at.

    Of anybody else's log nothing is asked, whatever peers tell of it.

    Args:
        own: networker id of the owner.
        clock: how long ago the owner looked at whom.
        owing: reads who may owe the owner something.
    """

    __slots__ = ("_asked", "_clock", "_owing", "_own")

    def __init__(self, own: bytes, clock: Clock, owing: Callable[[Reader], Iterable[bytes]] = nobody) -> None:
        self._own = own
        self._clock = clock
        self._owing = owing
        self._asked: OrderedDict[bytes, float] = OrderedDict()  # whom the owner looked at: when, monotonic

    def ask(self, author: bytes) -> bool:
        """The owner looks at what a networker owes; False: that was so within the hour, and peers are asked already."""
        now = self._clock.monotonic()
        fresh = author in self._asked and now - self._asked[author] < ASKED_SECONDS
        self._asked[author] = now
        self._asked.move_to_end(author)
        while len(self._asked) > MOST_ASKED:
            self._asked.popitem(last=False)
        return not fresh

    def regular(self, reader: Reader) -> set[bytes]:
        """Whose branches are asked for whether the owner looks or not."""
        return {self._own, *(id for id, _ in reader.follows()), *self._owing(reader)}

    def asked(self) -> frozenset[bytes]:
        """Whom the owner looked at within the hour. A reader's thread is handed it: `ask` changes it meanwhile."""
        since = self._clock.monotonic() - ASKED_SECONDS
        return frozenset(each for each, at in self._asked.items() if at > since)
