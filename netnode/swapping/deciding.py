"""What the owner's node does about swaps as an issuer: it locks, decides and ends locks, or says why not.

A row says what is still to be done; the own ledger says what was done. So a crash between an entry and its row costs
nothing: the next look finds the entry. An issuer is bound by what it logs, covered or not, and logs what is covered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from netnode.deals.means import Means
from netnode.issuing.appending import Appending, Next
from netnode.ledgers.ledgers import Ledgers
from netnode.problems import Problem
from netnode.store import Reader, Writer, swaps
from netnode.store import letters as outbox
from netnode.store.swaps import Stage as Said
from netnode.store.swaps import SwapRow
from netnode.swapping.desk import SwapDesk, keep
from netnode.swapping.documents import (
    Place,
    first_entry,
    held_openers,
    only,
    packed,
    place_of,
    proof,
    proof_beside,
    unpacked,
)
from protocol import limits
from protocol.errors import ProtocolError, Void
from protocol.ledger import binding
from protocol.ledger.binding import openers_until
from protocol.ledger.book import Book
from protocol.ledger.effects import Stage, swap_id
from protocol.ledger.statements import Swap, read, statement_id
from protocol.ledger.swaps import Unknown
from protocol.records import Record, SwapEntry
from protocol.records.fields import Place as EntryPlace

AT_ONCE: Final = 50  # swaps looked at in one round; why: each is an entry at most
MARGIN_MS: Final = 10_000
"""So long before the end of a swap nothing is logged for it any more: the entry is dated when it is written."""
_AGAIN_MS: Final = (5_000, 600_000)  # until a swap that waits is looked at again, at least and at most
_log = logging.getLogger("netnode")


def later(row: SwapRow, now: int) -> int:
    """When a swap that waits is looked at again, ms UTC: soon while it is young."""
    return now + min(_AGAIN_MS[1], max(_AGAIN_MS[0], (now - row.at) // 50))


class Deciding:
    """The issuer's side of swaps.

    Args:
        means: what it acts with.
        ledgers: the own one, and that of the other issuer.
        appending: to the own log.
        desk: writes letters.
    """

    def __init__(self, means: Means, ledgers: Ledgers, appending: Appending, desk: SwapDesk) -> None:
        self._means = means
        self._ledgers = ledgers
        self._appending = appending
        self._desk = desk
        self._place: tuple[int, int] | None = (
            None  # epoch and term in which all that was bound was in the log
        )

    async def look(self) -> None:
        """Does what is due; what cannot be done now waits."""
        now = self._means.clock.now_ms()
        await self._disowned()
        rows = await self._means.store.read(
            lambda reader: swaps.due(reader.connection, now, ("locks", "decides"), AT_ONCE)
        )
        for row in rows:
            try:
                await self._look(row, read(Swap, row.data), now)
            except (Problem, ProtocolError) as problem:  # locked keys, a full disk, a fork: another time
                _log.warning("a swap waits: %s", problem.text)
                await self._keep(row, replace(row, due=later(row, now)))

    async def _disowned(self) -> None:
        """Looks again at swaps whose entries a rotation took out of the log."""
        state = await self._means.store.load(self._means.own.id)
        assert state is not None  # the owner's
        if state.openers.place == self._place:
            return
        after = 0
        while rows := await self._means.store.read(_logged, after):
            after = rows[-1].number
            names = {swap_id(row.id): row for row in rows if row.id is not None}
            for each in await self._appending.missing(names):
                await self._keep(names[each], replace(names[each], due=0))
        self._place = state.openers.place

    async def _look(self, row: SwapRow, document: Swap, now: int) -> None:
        own = self._means.own.id
        id = statement_id(self._means.network, document)
        stage = (await self._ledgers.ask(own, lambda ledger: place_of(ledger, id, own=True))).stage
        if stage is None:
            await self._bind(row, document, now)
        elif row.role == "decides":
            await self._keep(row, replace(row, stage="swapped", code=None, why="", due=None))
        elif stage is Stage.LOCKED:
            await self._end(row, document, now)
        elif stage is Stage.BACK and row.swapped is not None:
            given = await self._end_by_proof(document, row, row.swapped)
            await self._keep(row, replace(row, stage="given" if given else "back", due=None))
        else:
            ended: Said = "given" if stage is Stage.GIVEN else "back"
            await self._keep(row, replace(row, stage=ended, code=None, why="", due=None))

    # -- locking and deciding --------------------------------------------------------------------------------
    async def _bind(self, row: SwapRow, document: Swap, now: int) -> None:
        """Logs the lock, or the swap; or says to both holders why not."""
        if row.role == "decides" and now < document.until and await self._unlocked(row, document):
            await self._keep(row, replace(row, due=later(row, now)))
            return
        holders = (document.first.holder, document.second.holder)
        known = await self._means.store.read(lambda reader: held_openers(reader, holders))
        given = unpacked(row.openers)
        other = document.second.issuer if row.role == "locks" else document.first.issuer

        def made(book: Book, place: Next) -> Sequence[Record]:
            if swap_id(statement_id(self._means.network, document)) in book.effects:
                return ()  # a look before this one has
            time = place.time + MARGIN_MS
            if row.role == "locks":
                return (binding.lock(book.state, row.data, only(given, *holders), known, time),)
            entries = unpacked(row.locked or packed(()))
            if not entries:
                raise Void("no_lock", "the lock did not come along")
            openers = only(given, *holders, document.first.issuer)
            return (binding.swap(book.state, row.data, openers, known, entries, time),)

        try:
            await self._appending.append(made)
        except Void as void:
            refused = replace(row, stage="refused", code=void.code, why=void.text, due=None)
            told = await self._means.store.read(
                lambda reader: [each for each in holders if not outbox.crowded(reader.connection, each)]
            )
            letters = [
                self._desk.letter(
                    holder, "refuse", refused, code=void.code, text=void.text[: limits.MAX_REASON]
                )
                for holder in told
            ]
            await self._means.store.write(keep, row, refused, letters)
            self._means.letters.wake()
            return
        if row.role == "decides":
            await self._keep(row, replace(row, stage="swapped", due=None))
            return
        await self._means.store.write(
            Writer.follow, other, now
        )  # its log says one day what comes of the lock
        await self._keep(row, replace(row, stage="locked", due=later(row, now)))

    async def _unlocked(self, row: SwapRow, document: Swap) -> bool:
        """Whether the first issuer's log, as it is held here, lost its lock by a rotation.

        Then the second holder would give for what nobody owes; the first issuer may lock again.
        """
        id = statement_id(self._means.network, document)
        entries = unpacked(row.locked or packed(()))
        if not entries:
            return False
        epoch = first_entry(entries).epoch
        try:
            found = await self._ledgers.ask(document.first.issuer, lambda ledger: place_of(ledger, id))
        except Problem:  # nothing of that log is here, or not its beginning
            return False
        state = await self._means.store.load(document.first.issuer)
        return found.stage is None and state is not None and state.openers.epoch > epoch

    # -- ending a lock ---------------------------------------------------------------------------------------
    async def _end(self, row: SwapRow, document: Swap, now: int) -> None:
        """Ends a lock by the other issuer's swap, or by two places of its log once its time is over."""
        other = document.second.issuer
        id = statement_id(self._means.network, document)
        place: Place | None = None
        with suppress(Problem):  # nothing of that log is here, or not its beginning
            place = await self._ledgers.ask(other, lambda ledger: place_of(ledger, id))
        ended = False
        if place is not None and place.stage is not None:
            ended = await self._end_by_log(document, row.data, id, place.seq)
        if not ended and row.swapped is not None:
            ended = await self._end_by_proof(document, row, row.swapped)
        if not ended and place is not None and place.tip >= document.until:
            ended = await self._end_by_pins(document, row.data)
        waits = replace(row, stage="locked", code=None, why="", due=0 if ended else later(row, now))
        await self._keep(row, waits)

    async def _end_by_log(self, document: Swap, data: bytes, id: bytes, seq: int | None) -> bool:
        """By a swap that stands in the log, or a branch of it, as it is held here: with the openers of its day."""
        other, network = document.second.issuer, self._means.network
        if seq is None:
            found = await self._means.store.read(proof_beside, network, other, SwapEntry.KIND, id)
        else:
            found = await self._means.store.read(proof, network, other, seq)
        if not found:
            return False
        openers = await self._means.store.read(lambda reader: held_openers(reader, (other,)))
        epoch = first_entry(found).epoch
        upto = tuple(openers_until(each, epoch) for each in openers)
        return await self._append(lambda book: binding.end_by_swap(book.state, data, upto, (), found))

    async def _end_by_proof(self, document: Swap, row: SwapRow, swapped: bytes) -> bool:
        """By what a holder brought, unless the other issuer is known to have rotated since."""
        other = document.second.issuer
        given = only(unpacked(row.openers), other)
        known = await self._means.store.read(lambda reader: held_openers(reader, (other,)))
        entries = unpacked(swapped)
        return await self._append(
            lambda book: binding.end_by_swap(book.state, row.data, given, known, entries)
        )

    async def _end_by_pins(self, document: Swap, data: bytes) -> bool:
        last = await self._means.store.read(_since, document.second.issuer, document.head[0], document.until)
        if last is None:
            return False
        return await self._append(lambda book: binding.end_by_pins(book.state, data, document.head, last))

    async def _append(self, make: Callable[[Book], Record]) -> bool:
        try:
            await self._appending.append(lambda book, place: (make(book),))
        except (Void, Unknown) as reason:
            _log.info("a lock stays: %s", reason)
            return False
        return True

    async def _keep(self, before: SwapRow, row: SwapRow) -> None:
        """Notes what came of a look; a letter that came meanwhile has it looked at again."""
        await self._means.store.write(keep, before, row)


def _logged(reader: Reader, after: int) -> list[SwapRow]:
    return swaps.logged(reader.connection, after, AT_ONCE)


def _since(reader: Reader, author: bytes, above: int, moment: int) -> EntryPlace | None:
    """The first entry of a log above a seq that is dated at a moment or later; dates never fall along a log."""
    state = reader.load(author)
    if state is None or state.tip.seq <= above or state.tip.time < moment:
        return None
    low, high = above + 1, state.tip.seq
    while low < high:
        middle = (low + high) // 2
        entry = reader.entry(author, middle)
        if entry is None:
            return None
        if entry.time >= moment:
            high = middle
        else:
            low = middle + 1
    entry = reader.entry(author, low)
    return None if entry is None else (entry.seq, entry.id)
