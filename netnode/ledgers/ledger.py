"""One issuer's ledger as held here: the fold of its log, and the branches that bind it as well [L13]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from netnode.ledgers.joining import Joined
from netnode.ledgers.opening import OpenPeriod, open_period
from protocol.entry import SETTLEMENT, Entry
from protocol.errors import Void
from protocol.kinds import is_critical
from protocol.ledger.accounts import Figures
from protocol.ledger.book import Book
from protocol.ledger.effects import Value, is_sale, order_of
from protocol.ledger.governing import Governed
from protocol.ledger.preparing import Prepared
from protocol.ledger.union import Branch, Claim, Union
from protocol.records import ClosePart, Opportunity, decode_record

MOST_WRONG: Final = 1_000
"""Wrong entries of one log that are remembered, the first ones; the others are counted."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """An entry that has no effect: its place, what it is and why."""

    seq: int
    id: bytes
    kind: int
    time: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Offered:
    """The current version of an opportunity."""

    entry: Entry
    record: Opportunity


class Ledger:
    """What one log comes to.

    Args:
        book: an empty fold of the log.
    """

    __slots__ = (
        "_open",
        "book",
        "former",
        "joined",
        "opportunities",
        "settled",
        "taken",
        "tip",
        "why",
        "wrong",
        "wrongs",
    )

    def __init__(self, book: Book) -> None:
        self.book = book
        """The log itself: what its author's next entry is judged by."""
        self.joined = Joined()
        """With what is held beside the log."""
        self.former: dict[bytes, list[tuple[int, Value]]] = {}
        """By effect that changed: what it was before each entry that changed it, with the seq of that entry."""
        self.opportunities: dict[str, Offered] = {}
        """The current versions, by key."""
        self.wrong: list[Wrong] = []
        """The first entries without effect."""
        self.wrongs = 0
        """How many entries have no effect."""
        self.why = ""
        """The sentence why the ledger is unknown from some entry on."""
        self.settled: set[tuple[int, int]] = set()
        """(epoch, term) of its settlements."""
        self.tip: Entry | None = None
        """The newest entry taken, of whatever kind; None before the first."""
        self._open: dict[bytes, OpenPeriod] = {}  # by plan
        self.taken = 0
        """How many critical entries were folded: what the ledger takes in memory follows it."""

    @property
    def issuer(self) -> bytes:
        """Networker id of the author."""
        return self.book.issuer

    @property
    def place(self) -> tuple[int, bytes] | None:
        """Seq and id of the newest entry taken; None before the first."""
        return None if self.tip is None else (self.tip.seq, self.tip.id)

    def take(self, entry: Entry, prepared: Prepared | None = None, *, proved: bool = False) -> None:
        """Takes the next entry of the log; the arguments are those of `Book.take`."""
        verdict = self.book.take(entry, prepared, proved=proved)
        self.tip = entry
        if not is_critical(entry.kind):
            self._offer(entry)
            return
        self.taken += 1
        if entry.kind == SETTLEMENT:
            self.settled.add(entry.place)
        self.joined.note(verdict.changed, closed=entry.kind == ClosePart.KIND)
        for id in dict.fromkeys(verdict.changed):
            old = self.book.state.replaced.get(id)
            if self._open and is_sale(id):
                self._tell(id, old)
            if old is None:
                continue
            known = self.former.setdefault(id, [])
            if not known or known[-1][0] != entry.seq:
                known.append((entry.seq, old))
        if verdict.code == "unknown":
            self.why = self.why or verdict.text
        elif verdict.code is not None:
            self.wrongs += 1
            if len(self.wrong) < MOST_WRONG:
                wrong = Wrong(entry.seq, entry.id, entry.kind, entry.time, verdict.code, verdict.text)
                self.wrong.append(wrong)

    def _tell(self, id: bytes, old: Value | None) -> None:
        """Tells the open periods of a sale that changed."""
        file, new = self.book.state.orders[order_of(id)], self.book.effects[id]
        for each in self._open.values():
            each.tally.count(file, old, new)

    def _offer(self, entry: Entry) -> None:
        if entry.kind != Opportunity.KIND or entry.record is None:
            return
        try:
            record = decode_record(entry.kind, entry.record)
        except Void:
            return
        assert isinstance(record, Opportunity)  # by its kind
        self.opportunities[record.key] = Offered(entry, record)

    # -- as it was -------------------------------------------------------------------------------------------
    def logged(self, id: bytes) -> int:
        """When an effect was logged first, ms UTC."""
        state = self.book.state
        number = state.effects.made(id)
        return self.joined.logged[id] if number is None else state.dates.time(number)

    def made(self, id: bytes) -> int | None:
        """Seq of the entry that made an effect; None: the log has none of it."""
        state = self.book.state
        number = state.effects.made(id)
        return None if number is None else state.dates.seq(number)

    def date(self, seq: int) -> int:
        """Date of a critical entry, ms UTC."""
        return self.book.state.dates.date(seq)

    def as_of(self, id: bytes, seq: int) -> Value | None:
        """An effect as the log had it right after an entry; None where it came later.

        Args:
            id: of the effect.
            seq: of the entry.
        """
        made = self.made(id)
        if made is None or made > seq:
            return None
        for changed, before in self.former.get(id, ()):
            if changed > seq:
                return before
        return self.book.effects[id]

    def at(self, id: bytes, value: Value, moment: int) -> Value | None:
        """An effect as the log had it before a moment; None where it came later.

        Args:
            id: of the effect.
            value: it has now.
            moment: ms UTC; what is dated then is not in it yet.
        """
        if self.logged(id) >= moment:
            return None
        for seq, before in self.former.get(id, ()):
            if self.date(seq) >= moment:
                return before
        return value

    # -- by all branches -------------------------------------------------------------------------------------
    @property
    def union(self) -> Union | None:
        """With the branches held as evidence; None while there are none."""
        return self.joined.union

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What a rotation disowned, that this store had before, and that its holder has not released [L13]."""
        return self.joined.claims

    @property
    def lacking(self) -> tuple[Branch, ...]:
        """Entries of other branches that are known and not held: what is given there is in no figure [R-CRED-98]."""
        return self.joined.lacking

    @property
    def effects(self) -> Mapping[bytes, Value]:
        """Every effect by id, of all branches together."""
        return self.book.effects if self.union is None else self.union.effects

    def figures(self, unit: str, holder: bytes, now: int) -> Figures:
        """What a holder has by all branches together.

        Args:
            unit: as the issuer names it.
            holder: networker id.
            now: ms UTC.
        """
        return (self.union or self.book).figures(unit, holder, now)

    def holders(self, unit: str) -> Iterator[bytes]:
        """Who ever had something of a unit."""
        return (self.union or self.book).holders(unit)

    def has(self, unit: str, holder: bytes) -> bool:
        """Whether somebody ever had something of a unit."""
        return (self.union or self.book).has(unit, holder)

    def open_period(self, governed: Governed, now: int) -> OpenPeriod:
        """The period of a plan with a team that a moment (ms UTC, not before the newest entry) lies in."""
        before = self._open.get(governed.hash)
        found = open_period(self.book.state, self.effects, governed, now, before)
        if self.union is None:
            self._open[governed.hash] = found
        else:  # what other branches bring is not told
            self._open.clear()
        return found

    def let_go(self) -> None:
        """Forgets the open periods, which take memory that a close needs: the next question lays them out anew."""
        self._open.clear()

    def units(self) -> tuple[str, ...]:
        """The units that were ever credited."""
        return (self.union or self.book).units()
