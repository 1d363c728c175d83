"""Answers searches of peers from the catalogue held here [R-QRY-3]."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from netnode.market.money import MoneyError, exponent
from netnode.ports import Clock
from netnode.problems import Problem
from netnode.projections.facets import KINDS
from netnode.projections.search import Query, find
from netnode.store import Reader, Store
from netnode.sync.allowance import Trickle
from protocol import limits, messages
from protocol.entry import Entry, signature_valid
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Item
from protocol.items import Standing as Of
from protocol.log_state import LogState
from protocol.records import Standing
from protocol.run import RUN_BYTES, RUN_OVERHEAD, entry_weight, run_of
from protocol.standing import named

# Entries above an opener looked through for a standing
STANDINGS_SOUGHT: Final = 2 * limits.MAX_STANDING_PARTS
ITEM_BYTES: Final = 128
MINUTE: Final = 60.0


class QueryAnswers:
    """Answers the searches of one session.

    Args:
        network: the network's name.
        store: where the catalogue and the entries are.
        clock: decides what has expired, and how often may be asked.
        own: id of this node's networker, whose public blocks hide sellers.
    """

    def __init__(self, network: str, store: Store, clock: Clock, own: bytes) -> None:
        self._network = network
        self._store = store
        self._clock = clock
        self._own = own
        self._allowed = Trickle(limits.QUERIES_A_MINUTE, MINUTE / limits.QUERIES_A_MINUTE)

    async def answer(self, question: messages.Query) -> messages.Found:
        """One page of what is found.

        Raises:
            NotHeld: `rate`, or `cursor` of another search.
            RemoteProtocolError: `bad_message`: a price without a currency.
            Problem: the disk fails.
        """
        if question.currency is None and (question.least is not None or question.most is not None):
            raise RemoteProtocolError("bad_message", "a price is in minor units of a currency")
        if not self._allowed.take(1, self._clock.monotonic()):
            raise NotHeld("rate", f"more than {limits.QUERIES_A_MINUTE} searches a minute")
        query = _query(question)
        if query is None:
            return messages.Found()
        return await self._store.read(self._found, query)

    def _found(self, reader: Reader, query: Query) -> messages.Found:
        now = self._clock.now_ms()
        try:
            hits = find(reader.connection, query, now, self._own)
        except Problem as problem:
            raise NotHeld("cursor", "this cursor is of another search") from problem
        page = ProvedPage(self._network, reader)
        taken = 0
        for author, seq, id_ in _entries(reader, hits.rows):
            if not page.take(author, seq, id_):
                break
            taken += 1
        following = hits.next
        if taken < len(hits.rows):  # the message is full: the next page begins with what did not fit
            shorter = Query(
                **{name: getattr(query, name) for name in Query.__slots__} | {"limit": max(taken, 1)}
            )
            following = find(reader.connection, shorter, now, self._own).next
        return page.found(None if following is None else following.encode())


class ProvedPage:
    """Entries with what proves each of them alone, as much as one message takes [R-QRY-3].

    Args:
        network: the network's name.
        reader: of the store.
    """

    __slots__ = (
        "_heads",
        "_hits",
        "_named",
        "_network",
        "_openers",
        "_reader",
        "_room",
        "_standings",
        "_states",
    )

    def __init__(self, network: str, reader: Reader) -> None:
        self._network = network
        self._reader = reader
        self._room = RUN_BYTES
        self._states: dict[bytes, LogState | None] = {}
        self._named: dict[bytes, tuple[list[Entry], frozenset[tuple[int, bytes]]]] = {}
        self._heads: dict[bytes, Item] = {}
        self._hits: list[Entry] = []
        self._openers: list[Entry] = []
        self._standings: list[Entry] = []

    def take(self, author: bytes, seq: int, id_: bytes) -> bool:
        """Takes one hit with what proves it; leaves out what cannot be proved. False when there is no room."""
        entry = self._reader.entry(author, seq)
        if entry is None or entry.id != id_ or entry.record is None:
            return True
        if author not in self._states:
            self._states[author] = self._provable(author)
        state = self._states[author]
        if state is None or not self._signed(state, entry):
            return True
        new = author not in self._heads
        openers = state.openers.entries() if new else ()
        parts = self._standing(state, entry)
        if parts is None:
            return True
        weight = _weight((entry, *openers, *parts)) + ITEM_BYTES * new
        if weight > self._room:
            return not self._hits and weight > RUN_BYTES  # what no message can carry is left out
        self._room -= weight
        self._hits.append(entry)
        self._openers += openers
        self._standings += parts
        self._heads[author] = state.item()
        return True

    def found(self, following: bytes | None) -> messages.Found:
        """The message."""
        return messages.Found(
            heads=[item.wire() for item in self._heads.values()],
            hits=[run_of([entry]) for entry in self._hits],
            next=following,
            openers=[run_of([entry]) for entry in self._openers],
            standings=[run_of([entry]) for entry in self._standings],
        )

    def _provable(self, author: bytes) -> LogState | None:
        """The state of a log whose entries can be believed alone [R-LOG-12]."""
        state = self._reader.load(author)
        return state if state is not None and state.item().standing is Of.HEAD else None

    def _signed(self, state: LogState, entry: Entry) -> bool:
        return any(signature_valid(self._network, key, entry) for key in state.openers.keys(entry.epoch))

    def _standing(self, state: LogState, entry: Entry) -> list[Entry] | None:
        """The parts of the standing that names an entry of a closed place, those not sent yet; None without one."""
        if entry.place == state.openers.place:
            return []
        if entry.author not in self._named:
            first = state.openers.newest[0].seq + 1
            above = self._reader.entries(entry.author, first, first + STANDINGS_SOUGHT, RUN_BYTES * 4)
            parts = [each for each in above if each.kind == Standing.KIND and each.record is not None]
            self._named[entry.author] = parts, named(state.openers, parts)
        parts, names = self._named[entry.author]
        if (entry.seq, entry.id) not in names:
            return None
        sent = {each.id for each in self._standings}
        return [each for each in parts if each.id not in sent]


def _query(question: messages.Query) -> Query | None:
    """The search in the terms of the catalogue; None when nothing can match it."""
    scale = 0
    if question.kind is not None and question.kind not in KINDS:
        return None
    if question.currency is not None:
        try:
            scale = exponent(question.currency)
        except MoneyError:
            return None
    cursor = None if question.cursor is None else question.cursor.decode("ascii", "replace")
    return Query(
        text=question.text,
        kind=question.kind,
        seller=question.seller,
        category=question.category,
        min_price=_major(question.least, scale),
        max_price=_major(question.most, scale),
        currency=question.currency,
        limit=question.limit,
        cursor=cursor,
    )


def _major(minor: int | None, scale: int) -> str | None:
    return None if minor is None else f"{Decimal(minor).scaleb(-scale):f}"


def _entries(reader: Reader, rows: Sequence[int]) -> list[tuple[bytes, int, bytes]]:
    """Author, seq and id of the entries behind rows of the catalogue, in that order."""
    statement = "SELECT id, seq, entry FROM listing JOIN networker USING (n) WHERE l = ?"
    found = (reader.connection.execute(statement, (row,)).fetchone() for row in rows)
    return [row for row in found if row is not None]


def _weight(entries: Sequence[Entry]) -> int:
    return sum(entry_weight(entry) + RUN_OVERHEAD for entry in entries)
