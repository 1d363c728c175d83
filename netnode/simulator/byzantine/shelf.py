"""What a puppet holds and how an honest peer would answer from it: liars begin here and change what they like."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from protocol import limits, messages
from protocol.entry import Entry
from protocol.items import Item, Standing
from protocol.messages import Body
from protocol.run import RUN_BYTES, Run, entry_weight, rebuild, run_of, runs_of


@dataclass(slots=True)
class Shelf:
    """Logs in memory.

    Attributes:
        store: id of the store, 16 bytes, as in its cursors.
        logs: the entries held of each networker, oldest first.
        arrivals: whose log changed, in the order of the changes.
    """

    store: bytes
    logs: dict[bytes, list[Entry]] = field(default_factory=dict)
    arrivals: list[bytes] = field(default_factory=list)

    def put(self, entries: Iterable[Entry]) -> None:
        """Holds these entries of one log instead of what was held of it from the first of them on."""
        new = list(entries)
        author, first = new[0].author, new[0].seq
        kept = [entry for entry in self.logs.get(author, ()) if entry.seq < first]
        self.logs[author] = kept + new
        self.arrivals.append(author)

    def item(self, author: bytes) -> Item | None:
        """What it tells of a log."""
        held = self.logs.get(author)
        if not held:
            return None
        tip = held[-1]
        return Item(Standing.HEAD, author, tip.epoch, tip.term, tip.seq, tip.id, held[0].seq)

    def have(self) -> messages.Have:
        """The items of all logs held, at most one message of them."""
        return messages.Have(items=[item.wire() for item in self._items(None, limits.MAX_ITEMS)])

    def pushes(self, author: bytes) -> list[messages.Push]:
        """A log, in as many messages as it needs."""
        return [messages.Push(runs=runs) for runs in _parts(self.logs[author])]

    def answer(self, question: Body) -> Sequence[Body]:
        """What an honest peer with this shelf answers."""
        match question:
            case messages.Heads():
                page = self._items(question.after, question.limit + 1)
                wire = [item.wire() for item in page[: question.limit]]
                return (messages.Items(cursor=self.cursor(), items=wire, more=len(page) > question.limit),)
            case messages.Changes():
                return (self._changes(question),)
            case messages.Get():
                return self._runs(question)
            case messages.AskOpeners():
                return (
                    messages.Runs(runs=[r for author in question.authors for r in self._openers(author)]),
                )
            case messages.AskIds():
                return (self._ids(question),)
            case messages.Want():
                return (self._records(question),)
            case messages.Fetch():
                return (messages.Chunk(),)
            case messages.AskPeers():
                return (messages.Peers(),)
            case messages.Ping():
                return (messages.Pong(clock=question.clock),)
            case messages.Query():
                return (messages.Found(),)
            case _:
                return (messages.Refuse(code="not_here", text="nothing of that is here"),)

    def cursor(self) -> list[object]:
        """The cursor of the newest arrival."""
        return [self.store, len(self.arrivals), self._tag(len(self.arrivals))]

    def _tag(self, arrival: int) -> bytes:
        return hashlib.sha256(self.store + arrival.to_bytes(8, "big")).digest()[:8]

    def _items(self, after: bytes | None, limit: int) -> list[Item]:
        authors = sorted(author for author in self.logs if after is None or author > after)
        return [item for author in authors[:limit] if (item := self.item(author)) is not None]

    def _changes(self, question: messages.Changes) -> Body:
        match question.cursor:
            case [bytes(store), int(arrival), bytes(tag)] if store == self.store and tag == self._tag(
                arrival
            ):
                changed = list(dict.fromkeys(self.arrivals[arrival:]))[: limits.MAX_ITEMS]
                items = [item.wire() for author in changed if (item := self.item(author)) is not None]
                return messages.Items(cursor=self.cursor(), items=items)
            case _:
                return messages.Refuse(code="cursor", text="not a cursor of this peer")

    def _runs(self, question: messages.Get) -> list[Body]:
        runs: list[list[Run]] = []
        for author, first, last in question.wants:
            low, high = min(first, last), max(first, last)
            parts = _parts([e for e in self.logs.get(author, ()) if low <= e.seq <= high])
            runs += parts[::-1] if first > last else parts
        told: list[Body] = [messages.Runs(runs=each, more=True) for each in runs]
        return [*told, messages.Runs()]

    def _openers(self, author: bytes) -> list[Run]:
        return [run_of([entry]) for entry in self.logs.get(author, ()) if entry.is_opener]

    def _ids(self, question: messages.AskIds) -> Body:
        place = (question.epoch, question.term)
        held = {e.seq: e.id for e in self.logs.get(question.author, ()) if e.place == place}
        return messages.Ids(ids=[held.get(seq) for seq in question.seqs])

    def _records(self, question: messages.Want) -> Body:
        found: list[tuple[int, bytes]] = []
        none: list[int] = []
        room = RUN_BYTES
        for number, (author, seq, entry_id) in enumerate(question.entries):
            entry = next((e for e in self.logs.get(author, ()) if e.seq == seq and e.id == entry_id), None)
            if entry is None or entry.record is None:
                none.append(number)
                continue
            room -= len(entry.record) + 16
            if room < 0:
                break
            found.append((number, entry.record))
        return messages.Records(none=none, records=found)


def _parts(entries: Sequence[Entry]) -> list[list[Run]]:
    """Runs of these entries, cut so that a message carries each part; parts end at anchors or openers."""
    parts: list[list[Entry]] = [[]]
    room = RUN_BYTES
    for entry in entries:
        room -= entry_weight(entry) + 100
        if parts[-1] and (room < 0 or (len(parts[-1]) >= 128 and parts[-1][-1].is_anchor)):
            parts.append([])
            room = RUN_BYTES - entry_weight(entry)
        parts[-1].append(entry)
    return [list(runs_of(part)) for part in parts if part]


def unsigned(entries: Sequence[Entry]) -> Run:
    """A run of these entries whose signatures are zeros."""
    run = run_of(entries)
    bare = [(time, kind, bytes(64), record) for time, kind, _, record in run.entries]
    return Run(run.author, run.epoch, run.term, run.first, run.prev, bare)


def stripped(run: Run) -> Run:
    """A run whose odd records are said to be gone."""
    kept: list[tuple[int, int, bytes, bytes | list[Any]]] = [
        (e.time, e.kind, e.signature, [e.record_hash, e.record_length] if e.kind % 2 else e.record or b"")
        for e in rebuild(run)
    ]
    return Run(run.author, run.epoch, run.term, run.first, run.prev, kept)
