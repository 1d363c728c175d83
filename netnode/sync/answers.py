"""Answers a peer's questions from the store [R-SYNC-2, 8..10]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from netnode.own.log import Witness
from netnode.ports import Clock
from netnode.store import Reader, Store, blobs, branches
from netnode.sync.branches import Descent
from netnode.sync.conversation import Conversation
from netnode.sync.harvest import Harvest
from netnode.sync.interest import Interest
from protocol import limits, messages, seen
from protocol.errors import NotHeld
from protocol.items import Cursor, Item, parse_cursor
from protocol.messages import Body
from protocol.run import RUN_BYTES, run_of

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
            case messages.AskBranches():
                await self._branches(question, request)
            case messages.AskBranch():
                await self._branch(question, request)
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
        page = reader.items_since(arrival, PAGE_SCAN)
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
        harvest = Harvest(self._network, question)
        while True:
            runs = await self._store.read(harvest.gather)
            if harvest.done and not (harvest.left and runs):
                break
            self._conversation.tell(messages.Runs(runs=runs, more=True), request)
            await self._conversation.room()
            if harvest.done:  # what is left may be too much for one message with the runs
                runs = []
                break
        self._conversation.tell(messages.Runs(runs=runs, left=harvest.left), request)

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

    async def _branches(self, question: messages.AskBranches, request: int) -> None:
        found: list[tuple[bytes, int, int, int, bytes]] = []
        for author in dict.fromkeys(
            question.authors
        ):  # one by one: of a log with many branches it takes a while
            found += await self._store.read(_branches, author)
        self._conversation.tell(messages.Branches(branches=found), request)

    async def _branch(self, question: messages.AskBranch, request: int) -> None:
        descent = Descent(question)
        while not descent.done:
            runs = await self._store.read(descent.gather)
            self._conversation.tell(messages.Runs(runs=runs, more=not descent.done), request)
            await self._conversation.room()

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


def _author(item: Item) -> bytes:
    return item.author


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


def _branches(reader: Reader, author: bytes) -> list[tuple[bytes, int, int, int, bytes]]:
    state = reader.load(author)
    ends = () if state is None else branches.tips(reader, state)
    return [(author, *each.place, each.seq, each.id) for each in ends]


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
