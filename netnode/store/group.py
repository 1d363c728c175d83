"""Group commit: what is submitted while a transaction runs goes into the next one, whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from netnode.store.rows import Change
from netnode.store.store import Store
from netnode.store.writer import Writer
from protocol.items import Item

PENDING_ENTRIES: Final = 4_000  # what may wait: about 3 MB, and a quarter of a second of writing at worst


Ended = Callable[[asyncio.Future[list[Item]]], None]


@dataclass(slots=True)
class _Member:
    changes: Sequence[Change]
    durable: bool
    weight: int
    outcome: asyncio.Future[list[Item]]
    ended: Ended | None

    def end(self) -> None:
        """Tells at once, before any task has its turn; the outcome is known."""
        if self.ended is not None:
            self.ended(self.outcome)


class GroupCommit:
    """Collects changes and commits them, many submissions a transaction. An asynchronous context manager.

    Leaving the context commits what was submitted before.

    Args:
        store: where to.
        limit: the entries that may be pending before `submit` waits.
    """

    __slots__ = ("_closing", "_door", "_limit", "_pending", "_queue", "_room", "_store", "_task", "_wake")

    def __init__(self, store: Store, limit: int = PENDING_ENTRIES) -> None:
        self._store = store
        self._limit = limit
        self._queue: list[_Member] = []
        self._pending = 0
        self._door = asyncio.Lock()  # who waits for room keeps its turn
        self._room = asyncio.Event()
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.TaskGroup | None = None

    async def __aenter__(self) -> GroupCommit:
        self._task = asyncio.TaskGroup()
        await self._task.__aenter__()
        self._task.create_task(self._run(), name="group commit")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing = True
        self._wake.set()
        if self._task is not None:
            # Not told of the error: it would end the task before what is queued is stored.
            await self._task.__aexit__(None, None, None)

    async def submit(
        self, changes: Sequence[Change], durable: bool = False, ended: Ended | None = None
    ) -> asyncio.Future[list[Item]]:
        """Queues changes to be committed together with others, after those submitted before.

        Waits for room in the queue. Once queued they are committed even if nobody waits for the outcome, since
        later changes may start from them.

        Args:
            changes: as for `Writer.commit`.
            durable: makes the whole transaction survive a loss of power.
            ended: called with the future as soon as it is done, in the order of submission, before any task has its
                turn; must not raise.

        Returns:
            A future of the new items of the logs in `changes`; a log that others changed in the same transaction
            has one. It raises Problem when the disk is full, read-only or fails (nobody's changes of that
            transaction are stored), LocalProtocolError when a change does not start from what is stored.

        Raises:
            RuntimeError: the store is closing.
        """
        async with self._door:
            while self._pending > self._limit:
                self._room.clear()
                await self._room.wait()
            if self._closing:
                raise RuntimeError("the store is closing")
            weight = sum(change.weight for change in changes)
            member = _Member(changes, durable, weight, asyncio.get_running_loop().create_future(), ended)
            self._queue.append(member)
            self._pending += weight
            self._wake.set()
        return member.outcome

    def at_hand(self) -> bool:
        """Whether nothing is before a few entries, so that `at_once` may commit them."""
        return not self._queue and not self._closing and self._store.at_hand()

    def at_once(self, changes: Sequence[Change]) -> list[Item]:
        """Commits a few entries on the spot, on the event loop: it takes less than the way to the lane and back.

        Only while `at_hand`; never what has to survive a loss of power.

        Returns:
            As `Writer.commit`.

        Raises:
            Problem: the disk is full, read-only or fails; nothing is stored.
            LocalProtocolError: a change does not start from what is stored.
        """
        return self._store.writing(Writer.commit, changes)

    def note(self, run: bytes) -> None:
        """Keeps a run that is passed on before `at_once` stores it, as `Writer.note`; only while `at_hand`.

        Raises:
            Problem: the disk is full, read-only or fails.
        """
        self._store.writing(Writer.note, run)

    async def _run(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    members, self._queue = self._queue, []
                    await self._commit(members)
                    del members  # else what was stored is kept until something else is
                if self._closing:
                    return
        finally:
            self._closing = True
            _abandon(self._queue)  # only when cancelled; nobody waits for an answer that cannot come

    async def _commit(self, members: list[_Member]) -> None:
        changes = [change for member in members for change in member.changes]
        durable = any(member.durable for member in members)
        try:
            items = await self._store.write(Writer.commit, changes, durable)
        except asyncio.CancelledError:
            _abandon(members)
            raise
        except Exception as error:
            for member in members:
                if not member.outcome.done():
                    member.outcome.set_exception(error)
                member.end()
        else:
            by_author = {each.author: each for each in items}
            for member in members:
                if not member.outcome.done():
                    authors = dict.fromkeys(change.after.author for change in member.changes)
                    member.outcome.set_result([by_author[each] for each in authors if each in by_author])
                member.end()
        finally:
            self._pending -= sum(member.weight for member in members)
            self._room.set()


def _abandon(members: list[_Member]) -> None:
    for member in members:
        member.outcome.cancel()
        member.end()
