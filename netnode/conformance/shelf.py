"""What a peer of ours holds, and its honest answers; a check replaces those that it wants to be others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from netnode.conformance.blobs import cut
from netnode.conformance.encoding import encode
from netnode.conformance.entries import Entry
from netnode.conformance.faults import Fault
from netnode.conformance.items import Item
from netnode.conformance.limits import BLOB_CHUNK
from netnode.conformance.log import Log, stretches
from netnode.conformance.messages import Message
from netnode.conformance.runs import write_run
from netnode.conformance.tags import sha256

Reply = tuple[str, dict[str, Any]]
"""Name and body of one message of an answer."""

Answer = Callable[[Message], Sequence[Reply] | None]
"""How a question is answered; None: not at all."""

ROOM: Final = 40_000  # bytes of entries in one message


def refused(code: str) -> list[Reply]:
    """The answer that refuses a question."""
    return [("refuse", {"code": code, "text": "by the conformance test"})]


def items_page(store: bytes, arrival: int, items: list[Item], *, more: bool = False) -> list[Reply]:
    """The answer `items`."""
    return [("items", {"cursor": [store, arrival, _tag(arrival)], "items": items, "more": more})]


def runs_page(*runs: Sequence[Entry]) -> list[Reply]:
    """The answer `runs`, in one message."""
    return [("runs", {"runs": [write_run(list(run)) for run in runs], "more": False})]


class Shelf:
    """The logs that a peer of ours keeps.

    Attributes:
        store: the id its cursors begin with.
        logs: by author.
        answers: what is told in place of the honest answer, by the name of the question.
    """

    def __init__(self, network: str, store: bytes) -> None:
        self._network = network
        self.store = store
        self.logs: dict[bytes, Log] = {}
        self.blobs: dict[bytes, bytes] = {}
        self.answers: dict[str, Answer] = {}
        self._arrivals: list[bytes] = []

    def put(self, *chains: Sequence[Entry], jump: bool = False) -> None:
        """Takes in what a check wrote; each chain a change of its own."""
        for chain in chains:
            author = chain[0].header.author
            self.logs.setdefault(author, Log(self._network)).receive(list(chain), jump=jump)
            self._arrivals.append(author)

    def hold_from(self, author: bytes, seq: int) -> None:
        """Lets go of what lies below `seq` of a log [R-LOG-29]."""
        log = self.logs[author]
        log.main = [entry for entry in log.main if entry.seq >= seq]

    def item(self, author: bytes) -> Item:
        """The item of a log that is here."""
        item = self.logs[author].item()
        assert item is not None
        return item

    @property
    def cursor(self) -> list[Any]:
        """Of the newest arrival."""
        return [self.store, len(self._arrivals), _tag(len(self._arrivals))]

    def reply(self, question: Message) -> Sequence[Reply] | None:
        """The answer to a question."""
        name = question.name or ""
        if name in self.answers:
            return self.answers[name](question)
        return self.honest(question)

    def honest(self, question: Message) -> Sequence[Reply]:
        """The answer of a node that keeps these logs."""
        body = question.body
        match question.name:
            case "changes":
                return self._changes(body)
            case "heads":
                return self._heads(body)
            case "get":
                return self._get(body)
            case "openers":
                return runs_page(*([entry] for author in body["authors"] for entry in self._openers(author)))
            case "ask_ids":
                return self._ids(body)
            case "want":
                return self._records(body)
            case "fetch":
                return self._chunk(body)
            case _:
                return refused("not_here")

    # -- items -------------------------------------------------------------------------------------------------

    def _changes(self, body: dict[str, Any]) -> list[Reply]:
        store, arrival, tag = body["cursor"]
        if store != self.store or arrival > len(self._arrivals) or tag != _tag(arrival):
            return refused("cursor")
        changed = list(dict.fromkeys(self._arrivals[arrival:]))
        items = [self.item(author) for author in changed]
        return items_page(self.store, len(self._arrivals), items)

    def _heads(self, body: dict[str, Any]) -> list[Reply]:
        after = body.get("after") or b""
        authors = sorted(author for author in self.logs if author > after)
        page = [self.item(author) for author in authors[: body["limit"]]]
        return items_page(self.store, len(self._arrivals), page, more=len(authors) > len(page))

    # -- entries -----------------------------------------------------------------------------------------------

    def _get(self, body: dict[str, Any]) -> list[Reply]:
        replies: list[Reply] = []
        for author, first, last in body["wants"]:
            log = self.logs.get(author)
            if log is None:
                continue
            low, high = min(first, last), max(first, last)
            end = next((e.seq for e in log.main if e.seq >= high and (e.opens or _signs(log, e))), high)
            wanted = [entry for entry in log.main if low <= entry.seq <= end]
            for stretch in stretches(wanted):
                replies += [_runs(part) for part in _parted(stretch)]
        for _, more in replies:
            more["more"] = True
        return [*replies, ("runs", {"runs": [], "more": False})]

    def _openers(self, author: bytes) -> list[Entry]:
        log = self.logs.get(author)
        if log is None:
            return []
        return [
            *(e for epoch in sorted(log.openers.epochs) for e in log.openers.epochs[epoch]),
            *log.openers.settlements,
        ]

    def _ids(self, body: dict[str, Any]) -> list[Reply]:
        log = self.logs.get(body["author"])
        if log is None:
            return refused("not_here")
        place = (body["epoch"], body["term"])
        held = {entry.seq: entry.id for entry in log.main if entry.place == place}
        return [("ids", {"ids": [held.get(seq) for seq in body["seqs"]]})]

    def _records(self, body: dict[str, Any]) -> list[Reply]:
        records, gone, none = [], [], []
        for at, (author, seq, id_) in enumerate(body["entries"]):
            log = self.logs.get(author)
            found = next((e for e in log.main if (e.seq, e.id) == (seq, id_)), None) if log else None
            if found is None:
                none.append(at)
            elif found.record is None:
                gone.append(at)
            else:
                records.append([at, found.record])
        return [("records", {"records": records, "gone": gone, "none": none})]

    def _chunk(self, body: dict[str, Any]) -> list[Reply]:
        data = self.blobs.get(body["hash"])
        if data is None or body["chunk"] * BLOB_CHUNK >= len(data):
            return [("chunk", {"data": None})]
        blob = cut(data)
        told = {"data": blob.chunks[body["chunk"]], "size": len(data)}
        return [("chunk", told if body["chunk"] else {**told, "manifest": blob.manifest})]


def _signs(log: Log, entry: Entry) -> bool:
    try:
        return log.openers.signs(entry)
    except (KeyError, Fault):
        return False


def _parted(stretch: list[Entry]) -> list[list[Entry]]:
    """A stretch in parts that fit a message each; the entries of long logs are all signed."""
    parts: list[list[Entry]] = [[]]
    for entry in stretch:
        if len(encode(write_run([*parts[-1], entry]))) > ROOM and parts[-1]:
            parts.append([])
        parts[-1].append(entry)
    return parts


def _runs(part: list[Entry]) -> Reply:
    return ("runs", {"runs": [write_run(part)]})


def _tag(arrival: int) -> bytes:
    """The tag of an arrival; a shelf is used by one check only."""
    return sha256(b"arrival", arrival.to_bytes(8, "big"))[:8]
