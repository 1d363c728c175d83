"""Answers a peer's questions from the store [R-SYNC-2, 8..10]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from netnode.own import Witness
from netnode.ports import Clock
from netnode.store import Reader, Store, blobs
from netnode.sync.conversation import Conversation
from netnode.sync.interest import Interest
from protocol import limits, messages, seen
from protocol.entry import Entry, signature_valid
from protocol.errors import NotHeld
from protocol.items import Cursor, Item, parse_cursor
from protocol.messages import Body
from protocol.run import RUN_BYTES, RUN_OVERHEAD, Run, entry_weight, run_of, runs_of

PAGE_SCAN: Final = 4_000  # items looked through for one page, where the peer wants few of them


class Answers:
    """Answers the questions of one session.

    Args:
        network: the network's name.
        conversation: where answers go.
        store: where they come from.
        clock: dates statements.
        interest: what the other side wants, as it says now.
        witness: signs statements; None while this node's keys are locked.
    """

    def __init__(
        self,
        network: str,
        conversation: Conversation,
        store: Store,
        clock: Clock,
        interest: Callable[[], Interest],
        witness: Callable[[], Witness | None],
    ) -> None:
        self._network = network
        self._conversation = conversation
        self._store = store
        self._clock = clock
        self._interest = interest
        self._witness = witness

    async def answer(self, question: Body, request: int) -> None:
        """Answers one question.

        Raises:
            NotHeld: the refusal to send.
            RemoteProtocolError: the question is malformed.
            Problem: the disk fails.
        """
        tell = self._conversation.tell
        match question:
            case messages.Changes():
                cursor = parse_cursor(question.cursor)
                tell(await self._store.read(self._changes, cursor, question.limit), request)
            case messages.Heads():
                tell(await self._store.read(self._heads, question.after, question.limit), request)
            case messages.AskIds():
                tell(await self._store.read(_ids, question), request)
            case messages.Get():
                await self._get(question, request)
            case messages.AskOpeners():
                await self._openers(question, request)
            case messages.AskProof():
                tell(await self._store.read(_proof, question), request)
            case messages.Want():
                tell(await self._store.read(_records, question), request)
            case messages.See():
                await self._see(question, request)
            case messages.Fetch():
                tell(await self._store.read(_chunk, question), request)
            case _:
                raise NotHeld("not_here", "this node does not answer that")

    # -- items -----------------------------------------------------------------------------------------------
    def _changes(self, reader: Reader, cursor: Cursor, limit: int) -> messages.Items:
        if not reader.knows(cursor):
            raise NotHeld("cursor", "this cursor is not known here")
        arrival, interest, more = cursor.arrival, self._interest(), False
        items: list[list[object]] = []
        page, _ = reader.items_since(arrival, PAGE_SCAN)
        for number, item in page:
            if len(items) == limit:
                more = True
                break
            arrival = number
            if interest.wants(item.author):
                items.append(item.wire())
        more = more or len(page) == PAGE_SCAN
        tag = reader.tag_of(arrival) or cursor.tag
        return messages.Items(cursor=[reader.store_id, arrival, tag], items=items, more=more)

    def _heads(self, reader: Reader, after: bytes | None, limit: int) -> messages.Items:
        interest = self._interest()
        newest = reader.newest()
        if interest.ids is None:
            page = reader.items_after(after, limit + 1)
        else:
            wanted = sorted(author for author in interest.ids if after is None or author > after)
            page = reader.items_of(wanted[: limit + 1])
            while len(page) <= limit and len(wanted) > limit + 1:
                wanted = wanted[limit + 1 :]
                page += reader.items_of(wanted[: limit + 1])
        page = sorted(page, key=_author)
        return messages.Items(
            cursor=[newest.store, newest.arrival, newest.tag],
            items=[item.wire() for item in page[:limit]],
            more=len(page) > limit,
        )

    # -- runs ------------------------------------------------------------------------------------------------
    async def _get(self, question: messages.Get, request: int) -> None:
        packer = _Packer(question.budget)
        left: list[tuple[bytes, int, int]] = []
        for index, (author, first, last) in enumerate(question.wants):
            while True:
                if packer.spent:
                    left += [(author, first, last), *question.wants[index + 1 :]]
                    break
                entries = await self._store.read(self._part, author, first, last, packer.room)
                if not entries:
                    break
                descending = first > last
                if not packer.add(entries):
                    await self._send(packer, request)
                    continue
                if descending:
                    first = entries[0].seq - 1
                    done = entries[0].seq <= last
                else:
                    first = entries[-1].seq + 1
                    done = entries[-1].seq >= last
                if done:
                    break
                await self._send(packer, request)
            if left:
                break
        if left:  # they and the runs may be too much for one message
            await self._send(packer, request)
        self._conversation.tell(messages.Runs(runs=packer.take(), left=left), request)

    async def _send(self, packer: _Packer, request: int) -> None:
        runs = packer.take()
        if runs:
            self._conversation.tell(messages.Runs(runs=runs, more=True), request)
            await self._conversation.room()

    def _part(self, reader: Reader, author: bytes, first: int, last: int, room: int) -> list[Entry]:
        """The next entries of a want that fit `room`, lowest first, ending where a signature was verified."""
        if first > last:
            taken = _fitting(reader.entries(author, last, first, room, descending=True), room)
            return taken[::-1]
        taken = _fitting(reader.entries(author, first, last, room), room)
        return self._ended(reader, taken)

    def _ended(self, reader: Reader, entries: list[Entry]) -> list[Entry]:
        """Cuts or extends to an entry whose own signature is known to verify [R-SYNC-10]."""
        if not entries:
            return entries
        state = reader.load(entries[0].author)
        last = entries[-1]
        if state is None or last.is_anchor or last.is_opener or last.seq == state.tip.seq:
            return entries
        keys = state.openers.keys(last.epoch)
        for end in range(len(entries), 0, -1):
            entry = entries[end - 1]
            if entry.is_anchor or entry.is_opener:
                return entries[:end]
            if any(signature_valid(self._network, key, entry) for key in keys):
                return entries[:end]
        return entries

    async def _openers(self, question: messages.AskOpeners, request: int) -> None:
        for author in question.authors:
            state = await self._store.load(author)
            if state is None:
                continue
            runs = [run_of([entry]) for entry in state.openers.entries()]
            for start in range(0, len(runs), 100):
                self._conversation.tell(messages.Runs(runs=runs[start : start + 100], more=True), request)
                await self._conversation.room()
        self._conversation.tell(messages.Runs(), request)

    async def _see(self, question: messages.See, request: int) -> None:
        witness = self._witness()
        entry = await self._store.read(Reader.entry, question.author, question.seq)
        if witness is None or entry is None:
            raise NotHeld("not_here", "this entry is not held here, or this node cannot sign now")
        statement = seen.sign(
            self._network,
            witness.signer,
            author=entry.author,
            epoch=entry.epoch,
            term=entry.term,
            seq=entry.seq,
            id=entry.id,
            time=self._clock.now_ms(),
            witness=witness.id,
            witness_epoch=witness.epoch,
        )
        self._conversation.tell(messages.Statement(statement=msgspec.structs.asdict(statement)), request)


class _Packer:
    """Gathers runs for one message, within the budget of the whole answer."""

    __slots__ = ("_begun", "_budget", "_runs", "_size")

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._begun = False
        self._runs: list[Run] = []
        self._size = 0

    @property
    def room(self) -> int:
        """Bytes left in this message."""
        return max(min(RUN_BYTES - self._size, self._budget), 1)

    @property
    def spent(self) -> bool:
        """Whether the budget is used up."""
        return self._budget <= 0

    def add(self, entries: list[Entry]) -> bool:
        """Adds consecutive entries; False when they fit this message, or the budget, no more.

        The first run of an answer always fits, so that every answer brings something.
        """
        runs = list(runs_of(entries))
        size = sum(entry_weight(entry) for entry in entries) + RUN_OVERHEAD * len(runs)
        if self._begun and size > self._budget:
            self._budget = 0
            return False
        if self._size and self._size + size > RUN_BYTES:
            return False
        self._begun = True
        self._runs += runs
        self._size += size
        self._budget -= size
        return True

    def take(self) -> list[Run]:
        """The runs gathered; empties the message."""
        runs, self._runs, self._size = self._runs, [], 0
        return runs


def _author(item: Item) -> bytes:
    return item.author


def _fitting(entries: list[Entry], room: int) -> list[Entry]:
    """The leading entries that fit `room` as runs; one always does."""
    room -= RUN_OVERHEAD
    for index, entry in enumerate(entries):
        room -= entry_weight(entry) + (RUN_OVERHEAD if entry.is_opener else 0)
        if room < 0 and index:
            return entries[:index]
    return entries


def _ids(reader: Reader, question: messages.AskIds) -> messages.Ids:
    if reader.item(question.author) is None:
        raise NotHeld("not_here", "nothing of this log is held here")
    found = {}
    view = reader.view(question.author)
    for seq in question.seqs:
        entry = view.main(seq)
        if entry is not None and entry.place == (question.epoch, question.term):
            found[seq] = entry.id
    return messages.Ids(ids=[found.get(seq) for seq in question.seqs])


def _proof(reader: Reader, question: messages.AskProof) -> messages.Fork:
    state = reader.load(question.author)
    if state is not None and state.forked and state.openers.place == (question.epoch, question.term):
        if state.openers.term_forked:
            left, right = state.openers.newest
            return messages.Fork(left=run_of([left]), right=run_of([right]))
        stored = reader.proof(question.author)
        if stored is not None:
            return messages.Fork(left=stored[0], right=stored[1])
    raise NotHeld("not_here", "no proof of that fork is held here")


def _records(reader: Reader, question: messages.Want) -> messages.Records:
    gone: list[int] = []
    none: list[int] = []
    records: list[tuple[int, bytes]] = []
    room = RUN_BYTES
    for index, (author, seq, known) in enumerate(question.entries):
        entry = reader.entry(author, seq) if len(author) == len(known) == limits.HASH_BYTES else None
        if entry is None or entry.id != known:
            none.append(index)
        elif entry.record is None:
            gone.append(index)
        else:
            room -= len(entry.record) + 16
            if room < 0:
                break
            records.append((index, entry.record))
    return messages.Records(gone=gone, none=none, records=records)


def _chunk(reader: Reader, question: messages.Fetch) -> messages.Chunk:
    held = blobs.size(reader, question.hash)
    if held is None:
        return messages.Chunk()
    data = blobs.chunk(reader, question.hash, question.chunk)
    if data is None:
        raise NotHeld("not_here", f"a blob of {held} bytes has no chunk {question.chunk}")
    manifest = blobs.manifest(reader, question.hash) if question.chunk == 0 else b""
    return messages.Chunk(data=data, manifest=manifest, size=held)
