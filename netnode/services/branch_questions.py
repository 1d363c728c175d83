"""Asks peers for the branches of a log that the owner looks at, before it is told what the log comes to [R-SYNC-19]."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from netnode.services.ports import Sessions
from netnode.store import Reader, Store, branches
from netnode.sync.reckoned import Reckoned

WAIT_SECONDS: Final = 5.0  # why: somebody waits for the answer; what comes later is in the next one


class BranchQuestions:
    """Brings what peers in session hold beside a log that forked, was settled or rotated.

    Of logs whose figures matter here anyway peers are asked without being looked at, so nobody waits for them.

    Args:
        store: holds the logs.
        reckoned: remembers whom the owner looked at.
        sessions: None when no network is open.
    """

    def __init__(self, store: Store, reckoned: Reckoned, sessions: Sessions | None) -> None:
        self._store = store
        self._reckoned = reckoned
        self._sessions = sessions

    async def bring(self, issuer: bytes) -> None:
        """Asks every peer in session, and waits for what they give, at most WAIT_SECONDS.

        Raises:
            Problem: the disk fails.
        """
        if self._sessions is None or not await self._store.read(self._concerns, issuer):
            return
        if not self._reckoned.ask(issuer):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS), asyncio.TaskGroup() as group:
                for session in self._sessions.open_sessions():
                    group.create_task(session.bring_branches(issuer), name="branches that were asked for")

    def _concerns(self, reader: Reader, issuer: bytes) -> bool:
        """Whether a log may have branches that nobody asks for yet."""
        return bool(branches.parted(reader, (issuer,))) and issuer not in self._reckoned.regular(reader)
