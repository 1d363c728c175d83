"""Fetches from one peer what it has and this node lacks [R-SYNC-3..7].

Items come from three sources: pages of `changes` or `heads` at the start and now and then (anti-entropy), `have`
notices, and runs that did not join. All end in `_level`, which asks until both sides' items agree or the peer has
nothing more to give.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netnode.chains import Outcome, raise_remote
from netnode.ingest import Gate
from netnode.own.log import OwnLog
from netnode.ports import LinkClosed
from netnode.store import Reader, Store, Writer
from netnode.sync.bisect import first_difference
from netnode.sync.claims import Claims
from netnode.sync.conversation import Conversation, answered, is_last
from netnode.sync.own_first import OwnFirst
from netnode.sync.ranges import Reconciliation
from protocol import limits, messages
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Cursor, Item, Need, Standing, need, parse_cursor, parse_item
from protocol.run import Run

IN_FLIGHT: Final = 8  # messages on their way through the gate at once
# Openers, entries, what they revealed, what lies below; a log that stands still is left earlier
ROUNDS: Final = 8
ANTI_ENTROPY_SECONDS: Final = 60.0
PENDING_ITEMS: Final = 4_000  # of `have` notices; what is dropped comes with the next anti-entropy
UNLEVEL_ITEMS: Final = 4_000  # that the peer could not give; they hold its cursor back
PUT_OFF_ITEMS: Final = 4_000  # why: a session looks so far ahead of the others before it waits for them
LONGEST_PAUSE: Final = 60  # comparisons between asking twice for the same records: about an hour
# Why: 4 MiB at 14 KB/s; who sends a little now and then is not waited for
WHOLE_ANSWER_SECONDS: Final = 300.0
OPENERS_ASKED: Final = 16  # authors in one question

Want = tuple[bytes, int, int]
Wish = tuple[bytes, int, bytes]
_log = logging.getLogger("netnode.sync")


class Pull:
    """The asking side of replication in one session.

    Args:
        conversation: asks the questions.
        gate: takes the answers.
        store: where own items and the cursor are.
        wants: whether a networker's log is wanted here.
        source: what the bus is told entries came from.
        on_told: called with the items the peer told of.
        on_behind: called when the peer claims a later head of a log, before it is fetched.
        on_unproved: called when it did not give what it claimed.
        on_records: called when missing records were stored.
        every: seconds between two comparisons of everything that changed.
        own: the own log, asked for first while this node is cautious; None for a node that has none to lose.
        ranges: compares large sets in place of heads; None where this node does not.
        claims: which session fetches what.
    """

    def __init__(
        self,
        conversation: Conversation,
        gate: Gate,
        store: Store,
        wants: Callable[[bytes], bool],
        source: object,
        on_told: Callable[[Iterable[Item]], None],
        on_behind: Callable[[Item], None],
        on_unproved: Callable[[Item], None],
        on_records: Callable[[], None],
        every: float = ANTI_ENTROPY_SECONDS,
        own: OwnLog | None = None,
        ranges: Reconciliation | None = None,
        *,
        claims: Claims,
    ) -> None:
        self._conversation = conversation
        self._gate = gate
        self._store = store
        self._wants = wants
        self._source = source
        self._on_told = on_told
        self._on_behind = on_behind
        self._on_unproved = on_unproved
        self._on_records = on_records
        self._every = every
        self._ranges = ranges
        self._claims = claims
        self._put_off: dict[bytes, Item] = {}  # another session fetches these
        self._at: Cursor | None = None  # how far this session came
        self._unlevel: dict[bytes, Item] = {}
        self._pending: OrderedDict[bytes, Item] = OrderedDict()
        self._wake = asyncio.Event()
        self._again = self._soon = False
        # Comparisons so far, and with which one records are asked for again
        self._idle, self._ask_again = 0, 1
        self._missed = 0  # where that goes on
        self.withheld: Callable[[], bool] = lambda: False
        """Whether nothing is taken from this peer for now; then no cursor moves over it."""
        self._compared = False  # everything the peer tells was looked at once
        self._own_id = None if own is None else own.id
        self._first = None if own is None else OwnFirst(conversation, store, own, self._level_own)
        self.level = asyncio.Event()  # set once the first comparison is through

    @property
    def compared(self) -> bool:
        """Whether everything the peer tells was looked at once."""
        return self._compared

    def note(self, items: Iterable[Item]) -> None:
        """Remembers items the peer told of, or that its pushes lead to; they are fetched soon."""
        for item in items:
            if self._wants(item.author) and len(self._pending) < PENDING_ITEMS:
                self._pending[item.author] = item
        self._wake.set()

    def look(self) -> None:
        """Asks soon what changed, without waiting for the next anti-entropy."""
        self._soon = True
        self._wake.set()

    def restart(self) -> None:
        """Compares everything again, as after a change of interest."""
        self._again = True
        self._wake.set()

    async def run(self) -> None:
        """Levels with the peer, then follows its notices until the session ends."""
        await self._ask_own()
        await self._compare()
        await self._missing()
        if self._first is not None and self._compared:
            await self._first.compared(self._own_id not in self._unlevel)
        self.level.set()
        while True:
            try:
                async with asyncio.timeout(self._every):
                    await self._wake.wait()
            except TimeoutError:
                await self._retry()
                await self._compare()
                await self._missing_again()
            self._wake.clear()
            await self._ask_own()
            while self._pending:
                page = [
                    self._pending.popitem(last=False)[1]
                    for _ in range(min(len(self._pending), limits.MAX_ITEMS))
                ]
                await self._level(page)
            await self._settle()
            if self._again or self._soon:
                self._soon = False
                await self._compare()

    async def _ask_own(self) -> None:
        """Asks for the own log first, where that is due [R-LOG-22]."""
        if self._first is not None:
            await self._first.ask()

    async def _level_own(self, item: Item) -> bool:
        """Fetches what an item tells of; whether all of it is here."""
        await self._level([item])
        held = await self._store.read(_held, [item.author])
        return held[item.author].needs(item) is Need.NOTHING

    # -- pages of items --------------------------------------------------------------------------------------
    async def _compare(self) -> None:
        """Levels with what changed since the cursor, or with everything; a refusal puts it off [R-SYNC-3].

        A peer that refuses the cursor it gave with the heads is not asked for them again before the next time.
        """
        hello = self._conversation.session.greeting
        if hello is None:
            raise RemoteProtocolError("unexpected", "no hello yet")
        try:
            fresh = self._again  # the cursor is one the peer gave just now
            if self._again:
                self._again = False
                self._at = await self._heads(hello.store)
            elif self._at is None:
                self._at = await self._store.read(Reader.cursor, hello.store)
            if self._at is None:
                self._at, fresh = await self._all(hello.store), True
            while not await self._followed(hello.store) and not fresh:
                self._at, fresh = await self._all(hello.store), True
            self._compared = True
        except NotHeld as refusal:
            _log.info("comparing with %s is put off: %s", self._conversation.network, refusal)

    async def _followed(self, peer: bytes) -> bool:
        """Levels with what changed since the cursor; False when the peer does not know it."""
        try:
            await self._changes(peer)
        except NotHeld as refusal:
            if refusal.code != "cursor":
                raise
            return False
        return True

    async def _changes(self, peer: bytes) -> None:
        more = True
        while more and self._at is not None:
            at = self._at
            question = messages.Changes(cursor=[at.store, at.arrival, at.tag], limit=limits.MAX_ITEMS)
            page = await self._conversation.ask(question, messages.Items)
            after = _cursor(page, peer)
            if after.arrival < at.arrival or (page.more and after.arrival == at.arrival):
                raise RemoteProtocolError("bad_message", "a page of changes that does not go on")
            await self._level([parse_item(item) for item in page.items])
            if after != at:
                self._at = after
                await self._keep_cursor(peer, after)
            more = page.more

    async def _keep_cursor(self, peer: bytes, cursor: Cursor) -> None:
        """Stores a cursor when everything up to it is level and no wider interest waits [R-SYNC-7]."""
        await self._settle()
        if not self._unlevel and not self._again and not self.withheld():
            await self._store.write(Writer.set_cursor, peer, cursor)

    async def _retry(self) -> None:
        """Asks again for what the peer could not give; the cursor moves on once it did."""
        if not self._unlevel or self._at is None:
            return
        items = list(self._unlevel.values())
        for start in range(0, len(items), limits.MAX_ITEMS):
            await self._level(items[start : start + limits.MAX_ITEMS])
        await self._keep_cursor(self._at.store, self._at)

    async def _missing(self) -> None:
        """Asks for records whose headers are held without them [R-SYNC-12]."""
        after = 0
        while after := await self._some_missing(after):
            pass

    async def _missing_again(self) -> None:
        """Asks for some of them again, at growing pauses: the peer may have got them since."""
        self._idle += 1
        if self._idle >= self._ask_again:
            self._ask_again = min(2 * self._ask_again, self._idle + LONGEST_PAUSE)
            self._missed = await self._some_missing(self._missed)

    async def _some_missing(self, after: int) -> int:
        """Asks for a page of them, those above a place; returns the last one's place, 0 at the end."""
        missing = await self._store.read(Reader.missing_records, limits.MAX_WANTS, after)
        wanted = [(each.author, each.seq, each.id) for each in missing if self._wants(each.author)]
        while wanted:
            try:
                answer = await self._conversation.ask(messages.Want(entries=wanted), messages.Records)
            except NotHeld:
                return 0
            wanted = await self._records(wanted, answer)
        return missing[-1].place if len(missing) == limits.MAX_WANTS else 0

    async def _records(self, wanted: list[Wish], answer: messages.Records) -> list[Wish]:
        """Stores the records of an answer; returns what it left out, nothing when it named no place [R-MSG-13]."""
        places = [*answer.gone, *answer.none, *(place for place, _ in answer.records)]
        named = set(places)
        if len(named) < len(places) or any(place >= len(wanted) for place in places):
            raise RemoteProtocolError("answer", "a place named twice, or beyond the question")
        if answer.records:
            found = [(*wanted[place], record) for place, record in answer.records]
            if await self._store.write(Writer.set_records, found):
                self._on_records()
        return [wish for place, wish in enumerate(wanted) if place not in named] if named else []

    async def _all(self, peer: bytes) -> Cursor:
        """Levels with everything, by ranges where that is worth it; returns the cursor from which changes go on."""
        if self._ranges is not None and await self._ranges.worth():
            try:
                cursor = await self._ranges.compare(self._level)
            except NotHeld as refusal:
                _log.info("no ranges with %s: %s", self._conversation.network, refusal)
            else:
                await self._keep_cursor(peer, cursor)
                return cursor
        return await self._heads(peer)

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
        await self._keep_cursor(peer, first)
        return first

    # -- levelling -------------------------------------------------------------------------------------------
    async def _level(self, items: Sequence[Item]) -> None:
        """Fetches until own items equal these or the peer gives no more."""
        self._on_told(items)
        claimed: set[bytes] = set()
        done: set[bytes] = set()
        try:
            await self._levelled(items, claimed, done)
        finally:
            self._claims.release(self, done, claimed - done)
        if len(self._put_off) > PUT_OFF_ITEMS:
            await self._settle()

    async def _settle(self) -> None:
        """Levels with what was put off while other sessions fetched it; mostly all of it is here by then."""
        while self._put_off:
            items, self._put_off = list(self._put_off.values()), {}
            await self._claims.wait(self, [item.author for item in items])
            for start in range(0, len(items), limits.MAX_ITEMS):
                await self._level(items[start : start + limits.MAX_ITEMS])

    async def _levelled(self, items: Sequence[Item], claimed: set[bytes], done: set[bytes]) -> None:
        """The work of `_level`; adds the authors that this session claims, and those that are level."""
        wanted = {item.author: item for item in items if self._wants(item.author)}
        for item in items:
            if item.author not in wanted:  # let go of meanwhile: nothing waits for it [R-QUOTA-4]
                self._unlevel.pop(item.author, None)
        before: dict[bytes, _Own] = {}
        for _ in range(ROUNDS):
            own = await self._store.read(_held, list(wanted))
            own |= {each: own[each].from_its_start() for each in own if not self._gate.lower(each)}
            needed = {
                author: (item, needs)
                for author, item in wanted.items()
                if (needs := own[author].needs(item)) is not Need.NOTHING
            }
            for author in [author for author in wanted if author not in needed]:
                self._unlevel.pop(author, None)
                done.add(author)
                del wanted[author]
            stuck = [author for author in wanted if before.get(author) == own[author]]
            for author in stuck:
                self._give_up(wanted.pop(author))
                del needed[author]
            if not wanted:
                return
            for item, _ in needed.values():
                self._on_behind(item)
            free = self._claims.take(self, needed)
            claimed |= free
            for author in [each for each in needed if each not in free and each != self._own_id]:
                self._put_off[author] = wanted.pop(author)
                del needed[author]
            before = {author: own[author] for author in wanted}
            await self._round(needed, own)
        for item in wanted.values():
            self._give_up(item)

    def _give_up(self, item: Item) -> None:
        """The peer claims what it does not give: it is asked again later, others may have it."""
        self._on_unproved(item)
        if len(self._unlevel) < UNLEVEL_ITEMS and self._wants(item.author):
            self._unlevel[item.author] = item

    async def _round(self, needed: Mapping[bytes, tuple[Item, Need]], own: Mapping[bytes, _Own]) -> None:
        """Asks once for what each item needs [R-SYNC-6]; what is refused stays as it is."""
        gets: list[Want] = []
        openers: list[bytes] = []
        for author, (item, needs) in needed.items():
            mine = own[author].item
            match needs:
                case Need.ENTRIES:
                    start = 0 if mine is None else mine.seq + 1
                    gets.append((author, max(start, item.held_from), item.seq))
                case Need.LOWER:
                    gets.append((author, _floor(mine), item.held_from))
                case Need.COMMON:
                    gets += [(author, first, last) for first, last in own[author].lacking]
                case Need.OPENERS:
                    openers.append(author)
                case Need.PROOF:
                    await self._unless_refused(self._proof(item))
                case Need.BISECT:
                    await self._unless_refused(self._bisect(item))
                case Need.NOTHING:
                    pass
        for start in range(0, len(openers), OPENERS_ASKED):
            await self._unless_refused(self._openers(openers[start : start + OPENERS_ASKED]))
        diverged: set[bytes] = set()
        if gets:
            await self._unless_refused(self._get(gets, diverged))
        for author in sorted(diverged & needed.keys()):
            await self._unless_refused(self._bisect(needed[author][0]))

    async def _unless_refused(self, asking: Coroutine[None, None, None]) -> None:
        try:
            await asking
        except NotHeld as refusal:
            _log.debug("%s gives nothing: %s", self._conversation.network, refusal)

    async def _get(self, wants: list[Want], diverged: set[bytes]) -> None:
        """Fetches runs; adds the authors whose logs turned out to differ further down."""
        while wants:
            part, wants = wants[: limits.MAX_WANTS], wants[limits.MAX_WANTS :]
            outcomes, left = await self._ask_runs(part)
            raise_remote(outcomes)
            diverged.update(outcome.author for outcome in outcomes if outcome.diverged)
            if left and sum(outcome.kept for outcome in outcomes) == 0:
                left = []  # the peer gives nothing of use: another will
            wants = left + wants

    async def _ask_runs(self, wants: list[Want]) -> tuple[list[Outcome], list[Want]]:
        """Asks for runs and feeds them to the gate while more come; those of other logs are dropped [R-SYNC-11]."""
        outcomes: list[Outcome] = []
        room = asyncio.Semaphore(IN_FLIGHT)
        asked = {author for author, _, _ in wants}
        ended: LinkClosed | NotHeld | None = None

        async def admit(runs: Sequence[Run]) -> None:
            try:
                outcomes.extend(await self._gate.admit_runs(runs, self._source, jump=True))
            finally:
                room.release()

        question = messages.Get(budget=self._conversation.session.may_get, wants=wants)
        async with self._conversation.asking(question) as answer, asyncio.TaskGroup() as group:
            try:
                async with asyncio.timeout(WHOLE_ANSWER_SECONDS):
                    while True:
                        body = await answer()
                        runs = (
                            [run for run in body.runs if run.author in asked]
                            if isinstance(body, messages.Runs)
                            else []
                        )
                        if runs:
                            await room.acquire()
                            group.create_task(admit(runs), name="admit runs")
                        if is_last(body):
                            break
            except LinkClosed as error:  # what came before is taken in
                ended = error
            except TimeoutError:
                ended = NotHeld("busy", "an answer without end")
        if ended is not None:
            raise ended
        last = answered(body, messages.Runs)
        left = [want for want in last.left if want[0] in asked]
        return outcomes, left

    async def _openers(self, authors: list[bytes]) -> None:
        question = messages.AskOpeners(authors=authors)
        try:
            async with (
                asyncio.timeout(WHOLE_ANSWER_SECONDS),
                self._conversation.asking(question) as answer,
            ):
                while True:
                    body = answered(await answer(), messages.Runs)
                    for chain in await self._gate.chains(body.runs):
                        if chain[0].author in authors:
                            raise_remote([await self._gate.admit_openers(chain, self._source)])
                    if is_last(body):
                        break
        except TimeoutError:
            raise NotHeld("busy", "an answer without end") from None

    async def _proof(self, item: Item) -> None:
        question = messages.AskProof(author=item.author, epoch=item.epoch, term=item.term)
        proof = await self._conversation.ask(question, messages.Fork)
        if proof.left.author != item.author:
            raise RemoteProtocolError("answer", "the proof of another log")
        raise_remote([await self._gate.admit_proof(proof.left, proof.right, self._source)])

    async def _bisect(self, item: Item) -> None:
        """Finds the first entry at which both logs differ and takes the proof of the fork [R-LOG-19]."""
        if item.standing is not Standing.HEAD:
            return
        await self._openers([item.author])  # two settlements of one term lie below what would be compared
        seq = await first_difference(self._conversation, self._store, item)
        if seq is None:
            return
        end = seq + -seq % limits.ANCHOR_EVERY
        outcomes, _ = await self._ask_runs([(item.author, seq, min(end, item.seq))])
        raise_remote(outcomes)


@dataclass(frozen=True, slots=True)
class _Own:
    """What is held of one log: its item, and what it lacks of the common part below a fork or contest."""

    item: Item | None
    lacking: tuple[tuple[int, int], ...] = ()
    lower: bool = True

    def from_its_start(self) -> _Own:
        """The same of a log whose quota moved its start: nothing below is asked for [R-QUOTA-3]."""
        return _Own(self.item, tuple(each for each in self.lacking if each[0] <= each[1]), lower=False)

    def needs(self, theirs: Item) -> Need:
        """What to ask a peer with that item for."""
        needs = need(self.item, theirs, whole=not self.lacking)
        return Need.NOTHING if needs is Need.LOWER and not self.lower else needs


def _held(reader: Reader, authors: Sequence[bytes]) -> dict[bytes, _Own]:
    held = {author: _Own(None) for author in authors}
    for item in reader.items_of(authors):
        state = None if item.standing is Standing.HEAD else reader.load(item.author)
        held[item.author] = _Own(item, () if state is None else state.lacking)
    return held


def _floor(mine: Item | None) -> int:
    return 0 if mine is None else mine.held_from - 1


def _cursor(page: messages.Items, peer: bytes) -> Cursor:
    if page.cursor is None:
        raise RemoteProtocolError("bad_message", "a page of items without a cursor")
    cursor = parse_cursor(page.cursor)
    if cursor.store != peer:
        raise RemoteProtocolError("bad_message", "a cursor of another store")
    return cursor
