"""Passes on what is new in one session: pushed to a few, told of to the rest [R-SYNC-13..16].

What is stored is gathered per author until the session's sender comes to it, so a slow peer gets fewer, larger
messages and never holds more than a bound of memory: beyond it only the item is told, and the peer asks.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from netnode.bus import Stored
from netnode.store import Reader, Store
from netnode.sync.conversation import Conversation
from netnode.sync.interest import Interest
from protocol import limits, messages
from protocol.entry import Entry
from protocol.items import Item, Standing
from protocol.log_state import LogState
from protocol.run import RUN_BYTES, RUN_OVERHEAD, Run, entry_weight, run_of, runs_of

PUSH_BYTES: Final = 256 * 1024  # gathered for one session; what goes beyond is told of by item
AT_ONCE_BYTES: Final = 8 * 1024  # goes out without waiting for the sender's turn
FEW: Final = 8  # entries that do so
# Authors remembered per session, and items waiting; anti-entropy finds what is forgotten
TOLD: Final = 10_000

Place = tuple[int, int, int]  # epoch, term, seq


class Live:
    """The telling side of one session.

    Args:
        conversation: carries it.
        store: for proofs of forks.
        interest: what the other side wants.
        eager: whether entries are pushed, not only told of.
        source: batches that came from this session are not sent back.
    """

    def __init__(
        self,
        conversation: Conversation,
        store: Store,
        interest: Callable[[], Interest],
        eager: Callable[[], bool],
        source: object,
    ) -> None:
        self._conversation = conversation
        self._store = store
        self._interest = interest
        self._eager = eager
        self._source = source
        self._peer_has: OrderedDict[bytes, Place] = OrderedDict()
        self._peer_knows: OrderedDict[tuple[bytes, int, int], None] = OrderedDict()
        self._items: OrderedDict[bytes, Item] = OrderedDict()
        self._entries: dict[bytes, list[Entry]] = {}
        self._bytes = 0
        self._sending = False
        self._wake = asyncio.Event()
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """The other side told its interest: from now on what is new goes out [R-SYNC-13]."""
        self._begun.set()

    def peer_has(self, author: bytes, place: Place) -> None:
        """Remembers how far the other side is known to be."""
        if self._peer_has.get(author, (-1, -1, -1)) < place:
            self._peer_has[author] = place
        self._peer_has.move_to_end(author)
        if len(self._peer_has) > TOLD:
            self._peer_has.popitem(last=False)

    def peer_knows(self, author: bytes, epoch: int, term: int) -> None:
        """Remembers that the other side knows that place to be forked, or contested (of term 0)."""
        self._peer_knows[author, epoch, term] = None
        if len(self._peer_knows) > TOLD:
            self._peer_knows.popitem(last=False)

    def peer_told(self, items: Iterable[Item]) -> None:
        """Remembers what the other side said it holds."""
        for item in items:
            if item.standing is Standing.HEAD:
                self.peer_has(item.author, (item.epoch, item.term, item.seq))
            else:
                self.peer_knows(item.author, item.epoch, item.term)

    def take(self, stored: Stored) -> None:
        """Takes a batch from the bus: passes it on at once, or gathers it for the sender's turn."""
        if len(stored.items) == 1 and (
            self._is_told(stored.items[0]) or self._passed_on(stored.items[0], stored)
        ):
            return
        interest = self._interest()
        for item in stored.items:
            author = item.author
            if not interest.wants(author):
                continue
            entries = stored.entries.get(author, ())
            if stored.source is self._source and item.standing is Standing.HEAD:
                if not self._outran(item, entries):
                    continue
                entries = ()
            if len(self._items) < TOLD or author in self._items:
                self._items[author] = item
            weight = sum(entry_weight(entry) for entry in entries)
            pushed = self._eager() or any(entry.is_opener for entry in entries)
            if entries and pushed and self._bytes + weight <= PUSH_BYTES:
                self._entries.setdefault(author, []).extend(entries)
                self._bytes += weight
        if self._items:
            self._wake.set()

    def pass_on(self, news: Stored) -> None:
        """Pushes a few new entries of one log on the spot, before their tables have them [R-SYNC-13].

        Where that cannot be, they wait for `take`.
        """
        if news.source is not self._source:
            self._passed_on(news.items[0], news)

    def _is_told(self, item: Item) -> bool:
        place = (item.epoch, item.term, item.seq)
        return item.standing is Standing.HEAD and self._peer_has.get(item.author, (-1, -1, -1)) >= place

    def _passed_on(self, item: Item, stored: Stored) -> bool:
        """Pushes a few new entries of one log on the spot, if nothing waits before them: the hot path of a market."""
        author = item.author
        entries = stored.entries.get(author, ())
        if stored.source is self._source:
            return bool(entries) and entries[-1].id == item.id and not self._outran(item, entries)
        if (
            not 0 < len(entries) <= FEW
            or self._items
            or self._sending
            or not (self._begun.is_set() and self._conversation.has_room)
            or not (self._interest().wants(author) and self._eager())
        ):
            return False
        first, last = entries[0], entries[-1]
        place = (item.epoch, item.term, item.seq)
        if (
            last.id != item.id  # it is of a fork, or only a part
            or first.place != last.place
            or self._peer_has.get(author, (-1, -1, -1)) >= (first.epoch, first.term, first.seq)
            or sum(map(entry_weight, entries)) > AT_ONCE_BYTES
        ):
            return False
        self._conversation.tell(messages.Push(runs=[run_of(entries)]))
        self.peer_has(author, place)
        return True

    async def run(self) -> None:
        """Sends until the session ends."""
        await self._begun.wait()
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._sending = True
            await self._conversation.room()
            pushed, told, faults = self._sorted()
            for item in faults:
                await self._tell_fault(item)
            for runs in pushed:
                self._conversation.tell(messages.Push(runs=runs))
                await self._conversation.room()
            for start in range(0, len(told), limits.MAX_ITEMS):
                items = [item.wire() for item in told[start : start + limits.MAX_ITEMS]]
                self._conversation.tell(messages.Have(items=items))
                await self._conversation.room()
            self._sending = False

    def _sorted(self) -> tuple[list[list[Run]], list[Item], list[Item]]:
        """Takes what is gathered: runs by message, items to tell, and items of forks and contests that are new."""
        items, self._items = self._items, OrderedDict()
        entries, self._entries, self._bytes = self._entries, {}, 0
        pushed: list[list[Run]] = []
        told: list[Item] = []
        faults: list[Item] = []
        room = 0
        interest = self._interest()
        for author, item in items.items():
            if not interest.wants(author):
                continue
            if item.standing is not Standing.HEAD:
                faults.append(item)
                continue
            place = (item.epoch, item.term, item.seq)
            if self._peer_has.get(author, (-1, -1, -1)) >= place:
                continue
            new = self._lacking(author, entries.get(author, []))
            weight = _weight(new)
            if new and new[-1].id == item.id and weight <= RUN_BYTES:
                if weight > room:
                    pushed.append([])
                    room = RUN_BYTES
                pushed[-1] += runs_of(new)
                room -= weight
            else:
                told.append(item)
            self.peer_has(author, place)
        return pushed, told, faults

    def _lacking(self, author: bytes, entries: list[Entry]) -> list[Entry]:
        """The part of the new entries that the peer is not known to have."""
        epoch, term, seq = self._peer_has.get(author, (-1, -1, -1))
        return [entry for entry in entries if (entry.epoch, entry.term, entry.seq) > (epoch, term, seq)]

    async def _tell_fault(self, item: Item) -> None:
        """A fork goes out with its proof, a contest with its openers: one is enough for every node [R-LOG-15]."""
        if (item.author, item.epoch, item.term) in self._peer_knows:
            return
        self.peer_knows(item.author, item.epoch, item.term)
        state = await self._store.load(item.author)
        if state is None:
            return
        if item.standing is Standing.FORKED and not state.openers.term_forked:
            proof = await self._store.read(Reader.proof, item.author)
            if proof is not None:
                self._conversation.tell(messages.Fork(left=proof[0], right=proof[1]))
            return
        self._conversation.tell(messages.Push(runs=[run_of([entry]) for entry in _revealing(state)]))

    def _outran(self, item: Item, entries: Sequence[Entry]) -> bool:
        """Remembers what came from the other side; whether its log went further than that, by another session."""
        last = entries[-1] if entries else None
        if last is None or last.id == item.id:
            self.peer_has(item.author, (item.epoch, item.term, item.seq))
            return False
        self.peer_has(item.author, (last.epoch, last.term, last.seq))
        return True


def _revealing(state: LogState) -> tuple[Entry, ...]:
    """The openers that show a contest or a forked term."""
    contested = state.openers.contested
    if contested is not None:
        return tuple(opening.entry for opening in state.openers.epochs[contested])
    return state.openers.newest


def _weight(entries: list[Entry]) -> int:
    """Bytes of these entries as runs, at most."""
    return (
        sum(entry_weight(entry) + (RUN_OVERHEAD if entry.is_opener else 0) for entry in entries)
        + RUN_OVERHEAD
    )
