"""Fetches from one peer what it has and this node lacks [R-SYNC-3..7].

Items come from three sources: pages of `changes` or `heads` at the start and now and then (anti-entropy), `have`
notices, and runs that did not join. All end in `_level`, which asks until both sides' items agree or the peer has
nothing more to give.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from netnode.ingest import Gate, Outcome, raise_remote
from netnode.store import Reader, Store, Writer
from netnode.sync.bisect import first_difference
from netnode.sync.conversation import Conversation, answered, is_last
from protocol import limits, messages
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Cursor, Item, Need, Standing, need, parse_cursor, parse_item
from protocol.messages import Body
from protocol.run import Run

IN_FLIGHT: Final = 8  # messages on their way through the gate at once
ROUNDS: Final = 4  # openers, then entries, then what they revealed: enough for any honest log
ANTI_ENTROPY_SECONDS: Final = 60.0
PENDING_ITEMS: Final = 10_000  # of `have` notices; what is dropped comes with the next anti-entropy

Want = tuple[bytes, int, int]


@dataclass(slots=True)
class _Wanted:
    item: Item
    rounds: int = 0


class Pull:
    """The asking side of replication in one session.

    Args:
        conversation: asks the questions.
        gate: takes the answers.
        store: where own items and the cursor are.
        wants: whether a networker's log is wanted here.
        source: what the bus is told entries came from.
        on_behind: called when the peer holds a later head of a log, before it is fetched.
    """

    def __init__(
        self,
        conversation: Conversation,
        gate: Gate,
        store: Store,
        wants: Callable[[bytes], bool],
        source: object,
        on_behind: Callable[[Item], None],
    ) -> None:
        self._conversation = conversation
        self._gate = gate
        self._store = store
        self._wants = wants
        self._source = source
        self._on_behind = on_behind
        self._pending: OrderedDict[bytes, Item] = OrderedDict()
        self._wake = asyncio.Event()
        self._again = False
        self.level = asyncio.Event()  # set once the first comparison is through

    def note(self, items: Iterable[Item]) -> None:
        """Remembers items the peer told of; they are fetched soon."""
        for item in items:
            if self._wants(item.author) and len(self._pending) < PENDING_ITEMS:
                self._pending[item.author] = item
        self._wake.set()

    def restart(self) -> None:
        """Compares everything again, as after a change of interest."""
        self._again = True
        self._wake.set()

    async def run(self) -> None:
        """Levels with the peer, then follows its notices until the session ends."""
        await self._compare(fresh=False)
        self.level.set()
        while True:
            try:
                async with asyncio.timeout(ANTI_ENTROPY_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                await self._compare(fresh=False)
            self._wake.clear()
            while self._pending:
                page = [
                    self._pending.popitem(last=False)[1]
                    for _ in range(min(len(self._pending), limits.MAX_ITEMS))
                ]
                await self._level(page)
            if self._again:
                self._again = False
                await self._compare(fresh=True)

    # -- pages of items --------------------------------------------------------------------------------------
    async def _compare(self, *, fresh: bool) -> None:
        hello = self._conversation.session.greeting
        if hello is None:
            raise RemoteProtocolError("unexpected", "no hello yet")
        cursor = None if fresh else await self._store.read(Reader.cursor, hello.store)
        if cursor is None:
            cursor = await self._heads(hello.store)
        try:
            await self._changes(hello.store, cursor)
        except NotHeld as refusal:
            if refusal.code != "cursor":
                raise
            await self._changes(hello.store, await self._heads(hello.store))

    async def _changes(self, peer: bytes, cursor: Cursor) -> None:
        more = True
        while more:
            question = messages.Changes(
                cursor=[cursor.store, cursor.arrival, cursor.tag], limit=limits.MAX_ITEMS
            )
            page = await self._conversation.ask(question, messages.Items)
            after = _cursor(page, peer)
            if page.more and after.arrival <= cursor.arrival:
                raise RemoteProtocolError("bad_message", "a page of changes that does not go on")
            await self._level([parse_item(item) for item in page.items])
            if after != cursor:
                await self._store.write(Writer.set_cursor, peer, after)
            cursor, more = after, page.more

    async def _heads(self, peer: bytes) -> Cursor:
        """Levels with all heads; returns the cursor from which changes go on [R-SYNC-3]."""
        first: Cursor | None = None
        after: bytes | None = None
        more = True
        while more:
            page = await self._conversation.ask(
                messages.Heads(after=after, limit=limits.MAX_ITEMS), messages.Items
            )
            first = first or _cursor(page, peer)
            items = [parse_item(item) for item in page.items]
            authors = [item.author for item in items]
            if authors != sorted(set(authors)) or (after is not None and authors and authors[0] <= after):
                raise RemoteProtocolError("bad_message", "heads come in order of author, each once")
            await self._level(items)
            more = page.more and bool(items)
            after = authors[-1] if authors else after
        if first is None:
            raise RemoteProtocolError("bad_message", "no page of heads")
        await self._store.write(Writer.set_cursor, peer, first)
        return first

    # -- levelling -------------------------------------------------------------------------------------------
    async def _level(self, items: Sequence[Item]) -> None:
        """Fetches until own items equal these or the peer gives no more."""
        wanted = [_Wanted(item) for item in items if self._wants(item.author)]
        for _ in range(ROUNDS):
            if not wanted:
                return
            own = await self._store.read(_items_of, [each.item.author for each in wanted])
            gets: list[Want] = []
            openers: list[bytes] = []
            rest: list[_Wanted] = []
            for each in wanted:
                mine = own.get(each.item.author)
                match need(mine, each.item):
                    case Need.NOTHING:
                        continue
                    case Need.ENTRIES:
                        start = 0 if mine is None else mine.seq + 1
                        gets.append((each.item.author, max(start, each.item.held_from), each.item.seq))
                    case Need.LOWER:
                        gets.append((each.item.author, _floor(mine), each.item.held_from))
                    case Need.OPENERS:
                        openers.append(each.item.author)
                    case Need.PROOF:
                        await self._proof(each.item)
                    case Need.BISECT:
                        await self._bisect(each.item)
                self._on_behind(each.item)
                rest.append(each)
            if openers:
                await self._openers(openers)
            if gets:
                for author in await self._get(gets):
                    diverged = next((each for each in rest if each.item.author == author), None)
                    if diverged is not None:
                        await self._bisect(diverged.item)
            wanted = rest

    async def _get(self, wants: list[Want]) -> set[bytes]:
        """Fetches runs; returns the authors whose logs turned out to differ further down."""
        diverged: set[bytes] = set()
        while wants:
            part, wants = wants[: limits.MAX_WANTS], wants[limits.MAX_WANTS :]
            outcomes, left = await self._ask_runs(messages.Get(budget=limits.MAX_GET_BYTES, wants=part))
            raise_remote(outcomes)
            diverged.update(outcome.author for outcome in outcomes if outcome.diverged)
            if left and sum(outcome.kept for outcome in outcomes) == 0:
                break  # the peer gives nothing of use: another will
            wants = left + wants
        return diverged

    async def _ask_runs(self, question: Body) -> tuple[list[Outcome], list[Want]]:
        """Asks for runs and feeds them to the gate while more come."""
        outcomes: list[Outcome] = []
        room = asyncio.Semaphore(IN_FLIGHT)

        async def admit(runs: Sequence[Run]) -> None:
            try:
                outcomes.extend(await self._gate.admit_runs(runs, self._source, jump=True))
            finally:
                room.release()

        async with self._conversation.asking(question) as answer, asyncio.TaskGroup() as group:
            while True:
                body = answered(await answer(), messages.Runs)
                if body.runs:
                    await room.acquire()
                    group.create_task(admit(body.runs), name="admit runs")
                if is_last(body):
                    break
        return outcomes, list(body.left)

    async def _openers(self, authors: list[bytes]) -> None:
        for start in range(0, len(authors), 16):
            question = messages.AskOpeners(authors=authors[start : start + 16])
            async with self._conversation.asking(question) as answer:
                while True:
                    body = answered(await answer(), messages.Runs)
                    for chain in await self._gate.chains(body.runs):
                        for entry in chain:
                            raise_remote([await self._gate.admit_openers([entry], self._source)])
                    if is_last(body):
                        break

    async def _proof(self, item: Item) -> None:
        question = messages.AskProof(author=item.author, epoch=item.epoch, term=item.term)
        try:
            proof = await self._conversation.ask(question, messages.Fork)
        except NotHeld:
            return
        raise_remote([await self._gate.admit_proof(proof.left, proof.right, self._source)])

    async def _bisect(self, item: Item) -> None:
        """Finds the first entry at which both logs differ and takes the proof of the fork [R-LOG-19]."""
        if item.standing is not Standing.HEAD:
            return
        seq = await first_difference(self._conversation, self._store, item)
        if seq is None:
            return
        end = seq + -seq % limits.ANCHOR_EVERY
        await self._ask_runs(
            messages.Get(budget=limits.MAX_GET_BYTES, wants=[(item.author, seq, min(end, item.seq))])
        )


def _items_of(reader: Reader, authors: Sequence[bytes]) -> dict[bytes, Item]:
    return {item.author: item for item in reader.items_of(authors)}


def _floor(mine: Item | None) -> int:
    return 0 if mine is None else mine.held_from - 1


def _cursor(page: messages.Items, peer: bytes) -> Cursor:
    if page.cursor is None:
        raise RemoteProtocolError("bad_message", "a page of items without a cursor")
    cursor = parse_cursor(page.cursor)
    if cursor.store != peer:
        raise RemoteProtocolError("bad_message", "a cursor of another store")
    return cursor
