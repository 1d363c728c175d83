"""Reads a log for its fold, in slices: what a reader lane does at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET

from netnode.ledgers import evidence
from netnode.ledgers.ledger import Ledger
from netnode.store import Reader, Store, branches
from protocol.entry import Entry
from protocol.errors import LocalProtocolError
from protocol.kinds import KINDS
from protocol.ledger.preparing import Prepared, prepare
from protocol.ledger.statements import Swap, read
from protocol.log_state import LogState
from protocol.records import ClosePart, SwapEntry, decode_record
from protocol.records.fields import Place
from protocol.signing import verify

AT_ONCE: Final = 16
"""Entries folded on the event loop before others have their turn: a sale takes a tenth of a millisecond, an admission
about one."""

FEW: Final = 8
"""Entries whose signatures one thread verifies: to have another one help takes longer."""

_STEP: Final = 256  # entries of a slice: a tenth of a second
_BYTES: Final = 4 * 1024 * 1024


class Source:
    """What a book asks of the store.

    Args:
        store: asked where no reader is at hand.
        issuer: whose log.
        over: entries of a branch, by seq, in the place of the log's.
    """

    __slots__ = ("_given", "_over", "_store", "issuer")

    def __init__(self, store: Store, issuer: bytes, over: Mapping[int, Entry] | None = None) -> None:
        self.issuer = issuer
        self._store = store
        self._over = over or {}
        # Of each thread its own: while one folds, the event loop may read teams, and another answers for the ledger.
        self._given = threading.local()

    @contextmanager
    def within(self, reader: Reader) -> Iterator[None]:
        """Reads by this reader, from its snapshot, while the context lasts, in this thread."""
        self._given.reader = reader
        try:
            yield
        finally:
            self._given.reader = None

    @property
    def _reader(self) -> Reader | None:
        found: Reader | None = getattr(self._given, "reader", None)
        return found

    def read(self, seq: int) -> Entry:
        """An entry that was folded before."""
        entry = self._over.get(seq)
        if entry is None:
            reader = self._reader
            if reader is not None:
                entry = reader.entry(self.issuer, seq)
            else:
                entry = self._store.reading(Reader.entry, self.issuer, seq)
        if entry is None:
            raise LocalProtocolError(f"entry {seq} of a log that is folded is not in the store")
        return entry

    def between(self, author: bytes, first: Place, last: Place) -> Sequence[Entry] | None:
        """Entries of another log; see `evidence.between`."""
        reader = self._reader
        if reader is not None:
            return evidence.between(reader, author, first, last)
        return self._store.reading(evidence.between, author, first, last)


@dataclass(frozen=True, slots=True)
class Look:
    """What is held of a log now.

    Attributes:
        state: of the log; None: nothing is held.
        changed: the ledger given is of another branch, or what made it unknown is held now.
        mark: changes with the log and what is held beside it.
        around: the same, but for entries by which the log goes on.
        last: seq of its newest entry.
        beside: whether anything is held beside it.
        cured: what made a branch beside it unknown is held now.
    """

    state: LogState | None
    changed: bool = False
    mark: evidence.Mark = ()
    around: evidence.Mark = ()
    last: int = -1
    beside: bool = False
    cured: bool = False


def look(reader: Reader, issuer: bytes, ledger: Ledger | None) -> Look:
    """Looks at a log.

    Args:
        reader: of the store.
        issuer: whose log.
        ledger: as far as it was folded.
    """
    state = reader.load(issuer)
    if state is None:
        return Look(None)
    mark = evidence.mark_of(reader, state)
    beside = evidence.beside(reader, state)
    if ledger is None:
        return Look(state, False, mark, mark[1:], state.tip.seq, beside)
    unknown = ledger.book.unknown
    cured = unknown is not None and _is_known(reader, reader.entry(issuer, unknown))
    changed = cured or not _holds(reader, issuer, ledger.place)
    again = any(_is_known(reader, branches.find(reader, issuer, each)) for each in ledger.joined.unknown())
    return Look(state, changed, mark, mark[1:], state.tip.seq, beside, again)


def _holds(reader: Reader, issuer: bytes, place: tuple[int, bytes] | None) -> bool:
    """Whether an entry is in the log; no entry always is."""
    return place is None or reader.ids(issuer, (place[0],)) == [place]


def _is_known(reader: Reader, entry: Entry | None) -> bool:
    """Whether an entry that made a ledger unknown can be judged by now."""
    if entry is None or entry.record is None or entry.kind not in KINDS:
        return False
    record = decode_record(entry.kind, entry.record)
    if not isinstance(record, SwapEntry) or record.pins is UNSET:
        return True
    head, last = record.pins
    return evidence.between(reader, read(Swap, record.document).second.issuer, head, last) is not None


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive entries, with what was done of them ahead of their turn.

    Attributes:
        entries: of the log, in order.
        prepared: by seq, where something was.
        proved: seqs of those whose signatures verified.
    """

    entries: Sequence[Entry]
    prepared: Mapping[int, Prepared] = field(default_factory=dict)
    proved: Set[int] = frozenset()

    def part(self, index: int) -> Batch:
        """One of its entries."""
        return Batch(self.entries[index : index + 1], self.prepared, self.proved)


def next_batch(
    reader: Reader, network: str, issuer: bytes, place: tuple[int, bytes] | None, last: int
) -> Batch | None:
    """The entries after one, read, no signature verified; None when that one is not in the log any more.

    Args:
        reader: of the store.
        network: its name.
        issuer: whose log.
        place: seq and id of the entry before; None: from the first on.
        last: seq of the last entry wanted.
    """
    if not _holds(reader, issuer, place):
        return None
    first = 0 if place is None else place[0] + 1
    entries = reader.entries(issuer, first, min(last, first + _STEP - 1), _BYTES)
    found = ((entry.seq, prepare(network, entry)) for entry in entries)
    return Batch(entries, {seq: each for seq, each in found if each is not None})


def proved(given: Sequence[tuple[int, Prepared]]) -> list[int]:
    """Of what was prepared, by seq, that of which every signature verifies."""
    return [seq for seq, each in given if all(verify(*claim) for claim in each.claims)]


def fold(reader: Reader, ledger: Ledger, source: Source, batch: Batch) -> bool:
    """Folds a batch; False when the log does not go on from what was folded any more."""
    if not _holds(reader, ledger.issuer, ledger.place):
        return False
    with source.within(reader):
        for entry in batch.entries:
            ledger.take(entry, batch.prepared.get(entry.seq), proved=entry.seq in batch.proved)
    return True


def weighty(entry: Entry) -> bool:
    """Whether an entry may take long: the last part of a close, the end of a swap."""
    return entry.kind in (ClosePart.KIND, SwapEntry.KIND)
