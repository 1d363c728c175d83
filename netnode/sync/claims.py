"""Who fetches which log: what one session asks its peer for, the others need not ask theirs for.

Without it a node that meets four peers at once fetches every log four times. A claim holds a log back from the other
sessions for a moment only, and only once: when it has run out and the log is still not here, everybody may ask; and
when it was given back for nothing, so that peers that take turns in giving nothing hold a log back no longer than one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Iterable
from typing import Final

from netnode.ports import Clock

CLAIM_SECONDS: Final = 5.0  # why: a peer that stalls holds no log back longer than that
CLAIMS: Final = 20_000  # logs claimed at once: about 4 MB; what goes beyond is fetched without a claim


class Claims:
    """The claims of all sessions of a node.

    Args:
        clock: tells when a claim has run out.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._claims: dict[bytes, tuple[object | None, float]] = {}  # None: given back for nothing
        self._spent: deque[tuple[float, bytes]] = deque()  # when to forget that
        self._released = asyncio.Event()

    @property
    def held(self) -> int:
        """How many logs it remembers something of."""
        return len(self._claims)

    def take(self, session: object, authors: Iterable[bytes]) -> set[bytes]:
        """Claims logs for a session; those it may ask for now. The others are on their way from another peer."""
        now = self._clock.monotonic()
        free: set[bytes] = set()
        for author in authors:
            claim = self._claims.get(author)
            if claim is None:
                if len(self._claims) < CLAIMS:
                    self._claims[author] = (session, now + CLAIM_SECONDS)
                free.add(author)
            elif claim[0] is session or claim[1] <= now:
                free.add(author)
        return free

    def release(self, session: object, authors: Iterable[bytes], failed: Iterable[bytes] = ()) -> None:
        """A session asks for these no more: they are here; the peer did not give those that `failed`."""
        now = self._clock.monotonic()
        for author in authors:
            claim = self._claims.get(author)
            if claim is not None and (claim[0] is session or claim[0] is None):
                del self._claims[author]
        for author in sorted(failed):
            claim = self._claims.get(author)
            if claim is not None and claim[0] is session:
                self._claims[author] = (None, now)
                self._spent.append((now + CLAIM_SECONDS, author))
        while self._spent and self._spent[0][0] <= now:
            _, author = self._spent.popleft()
            claim = self._claims.get(author)
            if claim is not None and claim[0] is None and claim[1] + CLAIM_SECONDS <= now:
                del self._claims[author]
        self._released.set()
        self._released = asyncio.Event()

    async def wait(self, session: object, authors: Collection[bytes]) -> None:
        """Returns when none of these is held back from a session any more, after CLAIM_SECONDS at the latest."""
        while True:
            now = self._clock.monotonic()
            ends = [
                claim[1]
                for author in authors
                if (claim := self._claims.get(author)) is not None and claim[0] is not session
            ]
            left = max(ends, default=now) - now
            if left <= 0:
                return
            try:
                async with asyncio.timeout(left):
                    await self._released.wait()
            except TimeoutError:
                return
