"""Asks peers whether they know the newest opener of the own log, so that its owner sees whom a rotation has reached."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from netnode.own.evidence import Receipt, acknowledge, receipts
from netnode.ports import Clock, LinkClosed
from netnode.store import Store
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Item

LOOK_SECONDS: Final = 3.0  # why: its owner looks on; a peer that has said so is asked no more
# Why: a peer that does not keep this log never will know; it is asked again in its next session
TRIES: Final = 40
_log = logging.getLogger("netnode.sync")


class Asked(Protocol):
    """One open session."""

    id: bytes

    async def item_of(self, author: bytes) -> Item | None:
        """What the peer holds of a log; None when it holds nothing. Raises NotHeld or LinkClosed."""


class Telling:
    """Finds out who knows the newest epoch and term of the own log.

    Args:
        store: remembers it.
        networker: whose log, 32 bytes.
        sessions: the open ones.
        clock: dates answers.
    """

    def __init__(
        self, store: Store, networker: bytes, sessions: Callable[[], Sequence[Asked]], clock: Clock
    ) -> None:
        self._store = store
        self._networker = networker
        self._sessions = sessions
        self._clock = clock
        self._tries: dict[Asked, int] = {}

    async def run(self) -> None:
        """Asks everybody in session who is not known to know; nothing before the first rotation or settlement."""
        state = await self._store.load(self._networker)
        if state is None or state.openers.place == (0, 0):
            return
        place = state.openers.place
        known = {each.peer for each in await self._store.read(receipts) if (each.epoch, each.term) >= place}
        sessions = list(self._sessions())
        self._tries = {each: self._tries.get(each, 0) for each in sessions}
        for session in sessions:
            if session.id in known or self._tries[session] >= TRIES:
                continue
            self._tries[session] += 1
            try:
                item = await session.item_of(self._networker)
            except (NotHeld, RemoteProtocolError, LinkClosed) as refusal:  # or it says nothing in time
                _log.debug("a peer does not say what it holds of the own log: %s", refusal)
                continue
            if item is not None and (item.epoch, item.term) >= place:
                receipt = Receipt(session.id, item.epoch, item.term, self._clock.now_ms())
                await self._store.write(acknowledge, [receipt])
