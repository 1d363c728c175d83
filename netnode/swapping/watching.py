"""The holders' side of swaps: brings proof from one issuer's log to the other, and notes what comes of it.

Both holders do the same, so that either may vanish once the document is signed.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Final

from netnode.deals.means import Means
from netnode.ledgers.ledgers import Ledgers
from netnode.problems import Problem
from netnode.store import Reader, swaps
from netnode.store.letters import Outgoing
from netnode.store.swaps import KEPT_MS, SwapRow
from netnode.store.swaps import Stage as Said
from netnode.swapping.deciding import AT_ONCE, later
from netnode.swapping.desk import SwapDesk, keep
from netnode.swapping.documents import (
    Place,
    held_openers,
    merged,
    packed,
    place_of,
    proof,
    proof_beside,
    unpacked,
)
from protocol.errors import ProtocolError
from protocol.ledger.effects import Stage
from protocol.ledger.statements import Swap, read, statement_id
from protocol.ledger.swap_letters import SwapStep
from protocol.records import Lock, SwapEntry

RESEND_MS: Final = 6 * 3_600_000
"""What an issuer has not acted on is brought again so often; why: it may have lost it with its disk."""

AFTER_MS: Final = 86_400_000
"""Between two looks whether a swap went back for good; why: its second holder is debited only where it did not."""

_log = logging.getLogger("netnode")


class Watching:
    """Watches the own swaps.

    Args:
        means: what it acts with.
        ledgers: of both issuers.
        desk: writes letters.
    """

    def __init__(self, means: Means, ledgers: Ledgers, desk: SwapDesk) -> None:
        self._means = means
        self._ledgers = ledgers
        self._desk = desk

    async def look(self) -> None:
        """Looks at what is due."""
        now = self._means.clock.now_ms()
        rows = await self._means.store.read(
            lambda reader: swaps.due(reader.connection, now, ("first", "second"), AT_ONCE)
        )
        for row in rows:
            try:
                await self._look(row, read(Swap, row.data), now)
            except (Problem, ProtocolError) as problem:  # one that cannot be gone on with keeps no other
                _log.warning("a swap waits: %s", problem.text)
                await self._means.store.write(keep, row, replace(row, due=later(row, now)))

    async def _look(self, before: SwapRow, document: Swap, now: int) -> None:
        if before.id is None:
            over = now >= before.until
            stage: Said = "over" if over else before.stage
            await self._keep(before, replace(before, stage=stage, due=None if over else before.until))
            return
        first = await self._place(document.first.issuer, before.id)
        second = await self._place(document.second.issuer, before.id)
        row = await self._proved(before, document, first, second)
        waits = replace(row, due=later(row, now))
        if first is not None and first.stage is Stage.GIVEN:
            await self._keep(before, replace(row, stage="given", code=None, why="", due=None))
        elif first is not None and first.stage is Stage.BACK and row.swapped is None:
            # The second issuer may show another branch one day, on which it has moved what the second holder gives.
            watched = row.role == "second" and now < row.at + KEPT_MS
            due = now + AFTER_MS if watched else None
            await self._keep(before, replace(row, stage="back", code=None, why="", due=due))
        elif row.swapped is not None:
            await self._bring(before, _at(waits, "swapped"), document.first.issuer, "end", row.swapped, now)
        elif row.locked is not None and now < row.until and (first is None or first.stage is not None):
            await self._bring(before, _at(waits, "locked"), document.second.issuer, "swap", row.locked, now)
        elif row.locked is not None:
            await self._keep(before, _at(waits, "locked"))
        elif now < row.until and row.stage == "signed":
            await self._bring(before, waits, document.first.issuer, "lock", None, now)
        elif first is not None and first.tip >= row.until:  # no lock dated in time can come any more
            await self._keep(before, replace(row, stage="over", due=None))
        else:
            await self._keep(before, waits)

    async def _place(self, issuer: bytes, id: bytes) -> Place | None:
        with suppress(Problem):  # nothing of that log is here yet
            return await self._ledgers.ask(issuer, lambda ledger: place_of(ledger, id))
        return None

    async def _proved(
        self, row: SwapRow, document: Swap, first: Place | None, second: Place | None
    ) -> SwapRow:
        """Keeps what proves the lock and the swap as soon as it is seen: a log may be forked later."""
        network, id = self._means.network, statement_id(self._means.network, document)

        def proved(reader: Reader, place: Place | None, issuer: bytes, kind: int) -> bytes | None:
            if place is None or place.stage is None:
                return None
            if place.seq is None:
                entries = proof_beside(reader, network, issuer, kind, id)
            else:
                entries = proof(reader, network, issuer, place.seq)
            return packed(entries) if entries else None

        def found(reader: Reader) -> SwapRow:
            locked = row.locked or proved(reader, first, document.first.issuer, Lock.KIND)
            swapped = row.swapped or proved(reader, second, document.second.issuer, SwapEntry.KIND)
            issuers = [
                issuer
                for issuer, new in (
                    (document.first.issuer, locked != row.locked),
                    (document.second.issuer, swapped != row.swapped),
                )
                if new
            ]
            openers = merged(unpacked(row.openers), held_openers(reader, issuers))
            return replace(row, locked=locked, swapped=swapped, openers=packed(openers))

        return await self._means.store.read(found)

    async def _bring(
        self, before: SwapRow, row: SwapRow, to: bytes, step: SwapStep, entries: bytes | None, now: int
    ) -> None:
        """Hands the next step to an issuer, unless that was done a short while ago."""
        letters: tuple[Outgoing, ...] = ()
        if row.sent is None or now >= row.sent + RESEND_MS:
            letters = (self._desk.letter(to, step, row, entries=entries),)
            row = replace(row, sent=now)
        await self._means.store.write(keep, before, row, letters)
        if letters:
            self._means.letters.wake()

    async def _keep(self, before: SwapRow, row: SwapRow) -> None:
        await self._means.store.write(keep, before, row)


def _at(row: SwapRow, stage: Said) -> SwapRow:
    return row if row.stage == stage else replace(row, stage=stage, code=None, why="", sent=None)
