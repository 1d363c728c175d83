"""Range reconciliation in one session: asks where two large sets of logs differ, or answers [R-RNG-1..11].

One exchange serves both directions: the asker learns the items it lacks and tells those the other side lacks. The
dialler begins; the listener waits for its first question, and begins itself when that is of another kind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from netnode.ports import Clock, Entropy, LinkClosed
from netnode.problems import Problem
from netnode.store import Reader, Store
from netnode.sync.conversation import Conversation
from protocol import limits, messages
from protocol.errors import NotHeld, ProtocolError, RemoteProtocolError
from protocol.items import Cursor, Item, Need, need, parse_cursor, parse_item
from protocol.messages import Body
from protocol.ranges import Asking, Elements, Reply, Salted, answered, comparable, element, rows_of
from protocol.session import Feature

# Why: each open reconciliation keeps a copy of the set (64 bytes a log) once the set has changed
PLACES: Final = 8
PLACE_SECONDS: Final = 60.0  # after which another may take the place of a reconciliation
TOLD_PAGES: Final = 32  # of items told and not yet fetched: about 5 MB
PATIENCE_SECONDS: Final = 3.0  # why: what a listener waits for the dialler to begin, before it begins itself
HELD_SECONDS: Final = 300.0  # why: little has changed then when a session needs the set
PAGE: Final = 2_000  # items read at once when the set is made anew
CHANGED: Final = 5_000  # items changed at most to go on from the set of last time

Level = Callable[[Sequence[Item]], Awaitable[None]]
_log = logging.getLogger("netnode.sync")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All logs held at one moment, and the cursor that stands for it."""

    elements: Elements
    cursor: Cursor


class Held:
    """The set of all logs held, brought up to date when a reconciliation begins.

    Args:
        store: where the logs are.
        network: the network's name.
        entropy: draws salts.
        clock: tells which reconciliations take too long.
    """

    def __init__(self, store: Store, network: str, entropy: Entropy, clock: Clock) -> None:
        self.store = store
        self.network = network
        self._entropy = entropy
        self._clock = clock
        self._newest: Snapshot | None = None
        self._turn = asyncio.Lock()
        self._places: dict[Reconciliation, float] = {}

    async def snapshot(self) -> Snapshot:
        """The set as it is now.

        Raises:
            Problem: the disk fails.
        """
        async with self._turn:
            return await self.store.read(self._refreshed)

    async def refresh(self) -> None:
        """Brings the set up to date ahead of need: to make it anew takes 3 ms for 1,000 logs."""
        await self.snapshot()

    def salt(self) -> bytes:
        """Fresh random bytes, drawn after the snapshot they are used on [R-RNG-3]."""
        return self._entropy.token(limits.SALT_BYTES)

    def enter(self, side: Reconciliation) -> None:
        """Gives a reconciliation one of few places.

        Raises:
            NotHeld: `busy`.
        """
        now = self._clock.monotonic()
        if side not in self._places and len(self._places) >= PLACES:
            oldest = next(iter(self._places))
            if now - self._places[oldest] < PLACE_SECONDS:
                raise NotHeld("busy", "other reconciliations are under way here")
            oldest.close()
        self._places.pop(side, None)
        self._places[side] = now

    def leave(self, side: Reconciliation) -> None:
        """Gives the place back."""
        self._places.pop(side, None)

    def _refreshed(self, reader: Reader) -> Snapshot:
        newest = reader.newest()
        known = self._newest
        if known is not None and known.cursor != newest:
            changed = reader.items_since(known.cursor.arrival, CHANGED)
            last = changed[-1][0] if changed else 0
            if not reader.knows(known.cursor) or len(changed) == CHANGED or last > newest.arrival:
                known = None
            else:
                items = (element(self.network, item) for _, item in changed)
                known = Snapshot(known.elements.changed(items), newest)
        if (
            known is None or len(known.elements) != reader.log_count()
        ):  # a log that was dropped has no arrival
            known = Snapshot(self._made(reader), newest)
        self._newest = known
        return known

    def _made(self, reader: Reader) -> Elements:
        parts: list[bytes] = []
        after: bytes | None = None
        while page := reader.items_after(after, PAGE):
            parts.append(b"".join(element(self.network, item) for item in page))
            after = page[-1].author
        return Elements(b"".join(parts))


class Reconciliation:
    """Both sides of it in one session.

    Args:
        held: the set of this node.
        conversation: asks the questions.
        outbound: whether this node dialled, and so begins.
        everything: whether both sides want everything, as told so far.
        on_told: takes items that come while nobody listens.
    """

    def __init__(
        self,
        held: Held,
        conversation: Conversation,
        outbound: bool,
        everything: Callable[[], bool],
        on_told: Callable[[Iterable[Item]], None],
    ) -> None:
        self._held = held
        self._conversation = conversation
        self._outbound = outbound
        self._everything = everything
        self._on_told = on_told
        self._salted: Salted | None = None
        self._questions = 0
        self._told: asyncio.Queue[list[Item] | None] | None = None
        self._cursor: Cursor | None = None  # of the side that asks
        self._over = False  # the last question came
        self._ended = False  # who listens was told
        self._heard = asyncio.Event()
        self._asked = asyncio.Event()
        self._began = False

    # -- when ------------------------------------------------------------------------------------------------
    def heard(self) -> None:
        """The other side told its interest."""
        self._heard.set()

    def asked(self, question: Body) -> None:
        """The other side asked something: the first that has to do with catching up shows how it goes about it."""
        if isinstance(question, messages.Heads) and question.after is not None:
            return  # after one log only
        if not self._asked.is_set() and isinstance(
            question, messages.Ranges | messages.Heads | messages.Changes
        ):
            self._began = isinstance(question, messages.Ranges)
            if self._began and self._told is None:
                self._told = asyncio.Queue(TOLD_PAGES + 1)
            self._asked.set()

    async def worth(self) -> bool:
        """Whether this session can reconcile ranges, as far as this side knows [R-RNG-4]."""
        if not self._conversation.session.uses(Feature.RANGES):
            return False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._heard.wait()
        except TimeoutError:
            return False
        if not self._everything():
            return False
        return len((await self._held.snapshot()).elements) >= limits.RANGES_FROM

    async def compare(self, level: Level) -> Cursor:
        """Finds and fetches what differs, by asking or by being asked [R-RNG-5].

        Args:
            level: fetches what a page of items needs.

        Returns:
            The cursor from which changes go on.

        Raises:
            NotHeld: it did not come to an end: heads are the way.
            RemoteProtocolError: the other side's fault.
        """
        if not self._outbound and await self._begun():
            async for items in self._listened():
                await level(items)
            if self._cursor is None or not self._over:
                raise NotHeld("not_here", "the other side did not finish its reconciliation")
            return self._cursor
        return await self._ask(level)

    async def _begun(self) -> bool:
        """Waits for the dialler's first question; whether it begins a reconciliation."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._asked.wait()
        except TimeoutError:
            return False
        return self._began

    # -- asking ----------------------------------------------------------------------------------------------
    async def _ask(self, level: Level) -> Cursor:
        self._held.enter(self)
        try:
            snapshot = await self._held.snapshot()
            salt = self._held.salt()
            salted = Salted(snapshot.elements, self._held.network, salt)
            asking = await self._held.store.read(_asking, salted)
            mine = snapshot.cursor
            begin = (salt, [mine.store, mine.arrival, mine.tag], len(snapshot.elements))
            cursor: Cursor | None = None
            theirs: dict[bytes, Item] = {}
            found: list[Item] = []
            while not asking.done:
                rows = asking.question()
                question = messages.Ranges(begin=begin if cursor is None else None, **rows_of(rows))
                answer = await self._conversation.ask(question, messages.RangesAnswer)
                cursor = cursor or self._opened(answer)
                items = [parse_item(item) for item in answer.items]
                await self._held.store.read(_taken, asking, answer, items)
                theirs.update((item.author, item) for item in items if item.author in asking.unmatched)
                found += items
                if len(found) >= limits.MAX_ITEMS and not asking.done:
                    await level(found)
                    found = []
            await _side_by_side(_levelled(level, found), self._tell(asking, theirs))
        finally:
            self._held.leave(self)
        if cursor is None:
            raise RemoteProtocolError("bad_message", "a reconciliation without a cursor")
        return cursor

    def _opened(self, answer: messages.RangesAnswer) -> Cursor:
        if answer.begin is None:
            raise RemoteProtocolError("bad_message", "no cursor in the first answer of a reconciliation")
        return self._of_peer(parse_cursor(answer.begin[0]))

    async def _tell(self, asking: Asking, theirs: dict[bytes, Item]) -> None:
        """Tells the own items that the other side needs; the last message says that it was the last."""
        own = await self._held.store.read(Reader.items_of, list(asking.unmatched))
        lacked = [item.wire() for item in own if need(theirs.get(item.author), item) is not Need.NOTHING]
        for start in range(0, max(len(lacked), 1), limits.MAX_ITEMS):
            page = lacked[start : start + limits.MAX_ITEMS]
            last = start + limits.MAX_ITEMS >= len(lacked)
            await self._conversation.ask(messages.Ranges(items=page, last=last), messages.RangesAnswer)

    # -- answering -------------------------------------------------------------------------------------------
    async def answer(self, question: messages.Ranges) -> messages.RangesAnswer:
        """Answers one question of the other side [R-RNG-7].

        Raises:
            NotHeld: not worth it, not open, busy, or too long: both sides then go on with heads.
            RemoteProtocolError: the question is malformed.
        """
        with ExitStack() as undo:
            undo.callback(self.close)
            answer = await self._answered(question)
            undo.pop_all()
        return answer

    async def _answered(self, question: messages.Ranges) -> messages.RangesAnswer:
        begin = None
        if question.begin is not None:
            begin = await self._open(*question.begin)
        if self._salted is None:
            raise NotHeld("not_here", "no reconciliation is open")
        self._questions += 1
        if self._questions > 2 * limits.MAX_RANGES_QUESTIONS:
            raise NotHeld("not_here", "the reconciliation takes too many questions")
        told = [parse_item(item) for item in question.items]
        reply, items = await self._held.store.read(_replied, self._salted, question)
        if told:
            self._take(told)
        if question.last:
            self._over = True
            self.close()
        return messages.RangesAnswer(
            begin=begin, items=[item.wire() for item in items], left=reply.left, **rows_of(reply)
        )

    async def _open(self, salt: bytes, cursor: list[object], count: int) -> tuple[list[object], int]:
        if self._questions or not self._everything():
            raise NotHeld("not_here", "this session does not reconcile ranges, or not twice")
        self._cursor = self._of_peer(parse_cursor(cursor))
        self._held.enter(self)
        snapshot = await self._held.snapshot()
        own = len(snapshot.elements)
        if not comparable(own, count):
            raise NotHeld("not_here", f"sets of {own} and {count} logs are not reconciled: ask for heads")
        self._salted = Salted(snapshot.elements, self._held.network, salt)
        mine = snapshot.cursor
        return [mine.store, mine.arrival, mine.tag], own

    def _replied(self, reader: Reader, salted: Salted, question: messages.Ranges) -> tuple[Reply, list[Item]]:
        reply = answered(salted, question)
        return reply, reader.items_of(reply.tell)

    def _take(self, items: list[Item]) -> None:
        if self._told is None:
            self._on_told(items)
        elif self._told.qsize() < TOLD_PAGES:
            self._told.put_nowait(items)
        else:
            raise NotHeld("busy", "more items than this node fetches in the time")

    async def _listened(self) -> AsyncIterator[list[Item]]:
        """The pages of items the asker tells, to the last."""
        while self._told is not None:
            try:
                async with asyncio.timeout(limits.ANSWER_SECONDS):
                    page = await self._told.get()
            except TimeoutError:
                break
            if page is None:
                break
            yield page
        self._told = None  # what comes later is for `on_told`

    def close(self) -> None:
        """The reconciliation, or the session, is over; who listens is told."""
        self._held.leave(self)
        self._salted = None
        if self._told is not None and not self._ended:
            self._ended = True
            self._told.put_nowait(None)  # there is room: it has one place more than `_take` fills

    def _of_peer(self, cursor: Cursor) -> Cursor:
        greeting = self._conversation.session.greeting
        if greeting is None or cursor.store != greeting.store:
            raise RemoteProtocolError("bad_message", "a cursor of another store")
        return cursor


async def _levelled(level: Level, items: Sequence[Item]) -> None:
    for start in range(0, len(items), limits.MAX_ITEMS):
        await level(items[start : start + limits.MAX_ITEMS])


async def _side_by_side(*work: Coroutine[None, None, None]) -> None:
    """Does both; of their faults the first is raised, by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each, name="reconciliation")
    except* (ProtocolError, LinkClosed, Problem) as faults:
        fault: BaseException = faults
        while isinstance(fault, BaseExceptionGroup):
            fault = fault.exceptions[0]
        raise fault from None


# Hashing is work for the reader lane, not for the event loop.
def _asking(_: Reader, salted: Salted) -> Asking:
    return Asking(salted)


def _taken(_: Reader, asking: Asking, answer: messages.RangesAnswer, items: list[Item]) -> None:
    asking.take(answer, items)


def _replied(reader: Reader, salted: Salted, question: messages.Ranges) -> tuple[Reply, list[Item]]:
    reply = answered(salted, question)
    return reply, reader.items_of(reply.tell)
