"""Works out of ledgers what search says of sellers: folded behind the logs, and in no request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from netnode.bus import Bus, Stored
from netnode.ports import Clock
from netnode.projections import gists
from netnode.projections.gists import About, Gist
from netnode.services.ports import Projector
from netnode.store import Reader, Store

LOOK_SECONDS: Final = 60.0  # why: what comes wakes it; this is for deadlines, and for what was not read then
BREATH_SECONDS: Final = 2.0  # why: logs that change without end cost one look in so long
RESTS: Final = 3  # times as long as a look took; why: strangers who publish all day get a quarter of one lane


@dataclass(frozen=True, slots=True)
class Due:
    """What a look in a thread found.

    Attributes:
        made: issuers whose gists are to be made, with the mark of what there is now.
        gone: those of whom there is nothing to say any more.
        known: all those whose logs may make something due.
    """

    made: Sequence[tuple[bytes, bytes]]
    gone: Sequence[bytes]
    known: frozenset[bytes] = frozenset()


class Gists(Protocol):
    """One kind of gists: whose are due, and how one is made."""

    @property
    def about(self) -> About:
        """Which."""

    @property
    def at_once(self) -> int:
        """How many are made in one look."""

    def due(self, reader: Reader, now: int, folded: Set[bytes]) -> Due:
        """Whose are to be made anew, and whose to be forgotten; in a thread.

        Args:
            reader: of the store.
            now: ms UTC.
            folded: whose ledgers are in memory.
        """

    async def make(self, issuer: bytes) -> bytes:
        """That of an issuer, as JSON, however long it takes."""

    def concerned(self, stored: Stored, known: Set[bytes]) -> bool:
        """Whether what was stored may make some due; `known`: as the last look found."""


class Gisting:
    """Fills the table with one kind of gists.

    Args:
        store: holds it.
        gists: the kind.
        clock: the date.
        folded: whose ledgers are in memory now.
    """

    def __init__(
        self, store: Store, gists: Gists, clock: Clock, folded: Callable[[], frozenset[bytes]]
    ) -> None:
        self._store = store
        self._gists = gists
        self._clock = clock
        self._folded = folded
        self._known: frozenset[bytes] = frozenset()
        self._come = asyncio.Event()

    async def run(self, bus: Bus, projector: Projector) -> None:
        """Looks when something new may change a gist, and now and then.

        Args:
            bus: tells what was stored.
            projector: knows who has listings.

        Raises:
            Problem: the disk.
        """
        leave = bus.subscribe(self._stored)
        try:
            while True:
                self._come.clear()
                await projector.level()
                began = self._clock.monotonic()
                if await self.look():
                    self._come.set()
                await asyncio.sleep(max(BREATH_SECONDS, RESTS * (self._clock.monotonic() - began)))
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._come.wait()
        finally:
            leave()

    async def look(self) -> bool:
        """Brings some of the table level; whether there is more to do.

        Raises:
            Problem: the disk.
        """
        now, about = self._clock.now_ms(), self._gists.about
        due = await self._store.read(self._gists.due, now, self._folded())
        self._known = due.known
        if due.gone:
            await self._store.write(gists.forget, about, due.gone)
        for issuer, mark in due.made[: self._gists.at_once]:  # what comes after the mark is looked at again
            data = await self._gists.make(issuer)
            await self._store.write(gists.put, about, Gist(issuer, mark, data, now))
        return len(due.made) > self._gists.at_once

    def _stored(self, stored: Stored) -> None:
        if self._gists.concerned(stored, self._known):
            self._come.set()
