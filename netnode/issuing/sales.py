"""From own deals to the own ledger: sales, refunds and freezes, logged as soon as the deal gives them [R-CRED-70].

Each message of a deal in which the owner sells marks the deal, in the transaction that stores it; what is marked is
looked at until nothing of it is left to log. What was logged is known from the log itself, so whatever ends the process
between an entry and the mark, nothing is logged twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

from msgspec import UNSET

from netnode.deals.means import Means
from netnode.issuing.appending import Appending, Next, lacking
from netnode.issuing.embedding import Gathered, gather, proofs
from netnode.issuing.tracing import ask_for_path
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, credits, deals
from netnode.store.credits import SaleRow
from protocol.deals.state import DealState, Phase
from protocol.errors import LocalProtocolError, ProtocolError, Void
from protocol.ledger import drafting
from protocol.ledger.book import Book
from protocol.ledger.contents import SaleContent, encode_content
from protocol.ledger.filed import embedded, room
from protocol.ledger.groups import cut
from protocol.records import Record, SalePart

LOOK_SECONDS: Final = 60.0  # why: a message wakes it at once; this is for what the log did not take
AGAIN_MS: Final = 60_000
KEYS_MS: Final = 3_600_000  # why: the log of a referrer whose keys are missing may come
AT_ONCE: Final = 100
LOGGED: Final = "logged"
ROOM: Final = 16
"""Entries of one order kept for refunds, a freeze and its end [R-CRED-92]."""

_PAGE: Final = 1_000
_ROUNDS: Final = 4  # a raise, a refund, a freeze and its end may all be due
_QUIET: Final = frozenset({"no_receipt", "not_agreed"})  # nothing was received and paid yet
_NOTHING: Final = frozenset({"already_logged", "no_dispute", "no_receipt", "no_reduction"})
_CLOSED: Final = (Phase.CLOSED, Phase.FINAL)
_log = logging.getLogger("netnode")


class Sales:
    """Publishes what own deals come to.

    Args:
        means: the deals and the own log.
        ledgers: fold it.
        appending: appends to it.
    """

    def __init__(self, means: Means, ledgers: Ledgers, appending: Appending) -> None:
        self._means = means
        self._ledgers = ledgers
        self._appending = appending
        self._come = asyncio.Event()
        self._place: tuple[int, int] | None = None  # epoch and term in which all logged sales were in the log
        self.before: Callable[[], Awaitable[None]] = _nothing
        """Awaited before each look: what sales rest on is logged first."""
        self.after: Callable[[], Awaitable[None]] = _nothing
        """Awaited after each look, when all sales are in the log that can be."""

    async def changed(self, deal: bytes) -> None:
        """A deal got something new: it is looked at soon."""
        self._come.set()

    async def run(self) -> None:
        """Looks at what is marked, again and again.

        Raises:
            Problem: the disk.
        """
        while True:
            self._come.clear()
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._come.wait()

    async def look(self) -> None:
        """Logs all that can be logged now.

        Raises:
            Problem: the disk.
        """
        if self._means.ring.opened is None:
            return
        await self.before()
        await self._disowned()
        while due := await self._due():
            for number in due:
                await self.look_at(number)
        await self.after()

    async def look_at(self, number: int) -> None:
        """Logs what one deal gives, by the number of its row.

        Raises:
            Problem: the disk.
        """
        now = self._means.clock.now_ms()
        try:
            found = await self._means.store.read(gather, self._means.network, number, now)
        except ProtocolError as error:  # one deal that cannot be read keeps no other from the log
            looked = await self._means.store.read(
                lambda reader: (
                    len(deals.messages(reader.connection, number)),
                    len(deals.enclosures(reader.connection, number)),
                )
            )
            await self._means.store.write(
                credits.sale_looked, SaleRow(number, None, error.code, error.text), *looked
            )
            return
        row = await self._log_of(found, number, now)
        await self._means.store.write(
            credits.sale_looked, row, len(found.known.kept), len(found.known.enclosures)
        )

    # -- one deal --------------------------------------------------------------------------------------------
    async def _log_of(self, found: Gathered, number: int, now: int) -> SaleRow:
        if found.known.role != "seller" or not found.credited:
            return SaleRow(number, None, None, "")
        try:
            for _ in range(_ROUNDS):
                if not await self._appending.append(lambda book, place: _records(book, place, found)):
                    break
        except Void as void:
            if void.code in _QUIET:
                return SaleRow(number, _ahead(found, now), None, "")
            again = now + KEYS_MS if void.code == "openers" else None
            if void.code == "path_missing":
                again = await self._means.store.write(ask_for_path, self._means, found.known, now)
                self._means.letters.wake()
            return SaleRow(number, again, void.code, void.text)
        except ProtocolError as error:  # one deal that cannot be logged keeps no other from the log
            _log.warning("the sale %s is not in the log yet: %s", found.known.row.id.hex()[:10], error.text)
            return SaleRow(number, now + KEYS_MS, error.code, error.text)
        except Problem as problem:
            if problem.exit_code not in (ExitCode.REFUSED, ExitCode.USAGE):
                raise
            _log.warning("the sale %s is not in the log yet: %s", found.known.row.id.hex()[:10], problem.text)
            return SaleRow(number, now + AGAIN_MS, problem.code, problem.text)
        return SaleRow(number, _ahead(found, now), LOGGED, "")

    # -- what is to be looked at -----------------------------------------------------------------------------
    async def _due(self) -> list[int]:
        now = self._means.clock.now_ms()
        return await self._means.store.read(lambda reader: credits.sales_due(reader.connection, now, AT_ONCE))

    async def _disowned(self) -> None:
        """Marks the deals again whose sales a rotation or settlement took out of the log."""
        state = await self._means.store.load(self._means.own.id)
        assert state is not None  # the owner's
        if state.openers.place == self._place:
            return
        after, more = 0, True
        while more:
            rows = await self._means.store.read(_logged, after)
            missing = await self._ledgers.ask(self._means.own.id, partial(_missing, rows))
            if missing:
                await self._means.store.write(_mark, missing)
            after, more = (rows[-1][1].number, True) if rows else (after, False)
        self._place = state.openers.place


async def _nothing() -> None:
    """What there is to do where a node has no teams."""


def _logged(reader: Reader, after: int) -> list[tuple[bytes, SaleRow]]:
    return credits.sales(reader.connection, LOGGED, after, _PAGE)


def _ahead(found: Gathered, now: int) -> int | None:
    """When the next message counts that is dated later than now: by a clock that is ahead, for instance."""
    return min((each.time for each in found.known.messages.values() if each.time > now), default=None)


def _missing(rows: list[tuple[bytes, SaleRow]], ledger: Ledger) -> list[int]:
    return [row.number for deal, row in rows if ledger.book.order(deal) is None]


def _mark(writer: Writer, numbers: list[int]) -> None:
    with writer.transaction(durable=True):
        for number in numbers:
            credits.sale_again(writer, number)


def _records(book: Book, place: Next, found: Gathered) -> tuple[Record, ...]:
    """The next entry that a deal gives: none when all of it is in the log.

    Raises:
        Void: why nothing of it can be logged.
    """
    deal = found.known.row.id
    if book.order(deal) is None:
        return _sale(book, place, found, proofs(found.known, frozenset(), place.time), first=True)
    messages = proofs(found.known, embedded(book.state, deal), place.time)
    if not messages:
        return ()
    openers = lacking(book, dict(found.openers))
    try:
        if room(book.state, deal) > ROOM or _ripe(found.known.state):
            return _sale(book, place, found, messages, first=False)
    except Void as void:
        _require_nothing(void)
    try:
        return (drafting.refund(book.state, deal, messages, openers, place.time),)
    except Void as void:
        _require_nothing(void)
    try:
        return (drafting.freeze(book.state, deal, messages, openers, place.time),)
    except Void as void:
        _require_nothing(void)
    return ()


def _ripe(state: DealState) -> bool:
    """Whether nothing that raises the sale is to come."""
    return state.phase in _CLOSED and not state.figures.payment_due


def _sale(
    book: Book, place: Next, found: Gathered, messages: tuple[bytes, ...], *, first: bool
) -> tuple[Record, ...]:
    """The parts of a sale.

    Raises:
        Void: `path_missing`, or what the fold would say of it.
    """
    if not messages:
        raise Void("no_receipt", "nothing was received and paid yet")
    order = found.order
    if order.path is not UNSET and found.path is None:
        raise Void("path_missing", "nobody has shown yet who led this buyer here")
    new = first and order.listing is not UNSET and order.listing not in book.state.listings
    listing = found.listing if new else None
    content = SaleContent(
        agreement=found.agreement if first else UNSET,
        awards=(),
        listing=UNSET if listing is None else (listing.header, listing.signature, listing.record or b""),
        messages=messages,
        openers=lacking(book, dict(found.openers)),
        path=found.path.encode() if first and found.path is not None else UNSET,
        plan=bytes(32),
    )
    count = 1
    for _ in range(
        _ROUNDS
    ):  # of how many parts it is decides the place of the last, which may decide the awards
        last = place.seq + count - 1
        whole = drafting.sale_with_awards(book.state, content, seq=last, time=place.time)
        try:
            parts = cut(SalePart, encode_content(whole))
        except LocalProtocolError as error:
            raise Void("too_large", error.text) from error
        if len(parts) == count:
            return parts
        count = len(parts)
    raise Void("too_large", "the sale does not come to one number of parts")


def _require_nothing(void: Void) -> None:
    """Passes on what is more than that there is nothing to log."""
    if void.code not in _NOTHING:
        raise void
