"""Cases: what an arbiter may not rule on, and what the parties should know before the arbiter does [R-ARB-6..8]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import apsw
import msgspec
from msgspec import UNSET

from netnode.deals.desk import Make, Move
from netnode.deals.known import Known, load
from netnode.deals.moving import note
from netnode.mail.letters import Letters
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Store, Writer, consents, deals, shop
from netnode.store import letters as outbox
from protocol import letter_bodies
from protocol.certificate import DAY_MS
from protocol.limits import MAX_DEAL_TEXT
from protocol.paths import read_path

RECENT_MS: Final = 180 * DAY_MS
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Interest:
    """What may move an arbiter in a case.

    Attributes:
        bars: why the owner may not rule in it at all, in a sentence; None when they may.
        warnings: what both parties are told, in sentences.
    """

    bars: str | None
    warnings: tuple[str, ...]


def interest(connection: apsw.Connection, known: Known, own: bytes) -> Interest:
    """What this node knows of its owner's interest in a case [R-ARB-6] [R-ARB-7].

    Args:
        connection: of the store.
        known: the deal in which the owner is the arbiter.
        own: the owner's networker id.
    """
    row = known.row
    warnings: list[str] = []
    for who, name in ((row.seller, "seller"), (row.buyer, "buyer")):
        if who == known.order.key:
            continue  # a key of this one deal, which nobody deals with twice
        count = deals.between(connection, who, known.now - RECENT_MS)
        if count:
            times = "one deal" if count == 1 else f"{count:,} deals"
            warnings.append(f"The arbiter had {times} with the {name} in the last 180 days.")
    return Interest(_bars(connection, known, own), tuple(warnings))


def _bars(connection: apsw.Connection, known: Known, own: bytes) -> str | None:
    kept = shop.witness(Reader(connection), known.row.id)
    if kept is not None and any(each.referrer == own for each in read_path(kept.path).referrals):
        return (
            "You brought this buyer to the seller, and are paid when the sale stands: you cannot rule in this deal. "
            "Tell both parties: netnode mail send ID"
        )
    return None


def ruling(make: Make, own: bytes) -> Make:
    """A ruling by somebody who may rule, which says what both parties should know of its arbiter [R-ARB-6] [R-ARB-7].

    Args:
        make: the ruling.
        own: the owner's networker id.
    """

    def judged(known: Known, connection: apsw.Connection) -> Move:
        if known.role != "arbiter":
            return make(known, connection)
        found = interest(connection, known, own)
        if found.bars is not None:
            raise Problem(found.bars, ExitCode.REFUSED, "conflict", {"deal": known.row.id.hex()})
        move = make(known, connection)
        if not found.warnings:
            return move
        said = "" if move.note is None or move.note.text is UNSET else f"\n\n{move.note.text}"
        text = " ".join(found.warnings) + said
        if len(text) > MAX_DEAL_TEXT:
            raise Problem(
                f"The ruling's text leaves no room for what the parties must know of you: {' '.join(found.warnings)} "
                f"Shorten it by {len(text) - MAX_DEAL_TEXT:,} characters.",
                ExitCode.USAGE,
                "too_large",
            )
        enclosed = note(text=text) if move.note is None else msgspec.structs.replace(move.note, text=text)
        return replace(move, note=enclosed)

    return judged


class Cases:
    """Tells the parties of a case, as soon as it comes, what they should know of its arbiter.

    Args:
        own: the owner's networker id.
        store: holds the cases.
        letters: carry the word.
        clock: the date.
    """

    def __init__(self, own: bytes, store: Store, letters: Letters, clock: Clock) -> None:
        self._own = own
        self._store = store
        self._letters = letters
        self._clock = clock

    async def look(self, deal: bytes) -> None:
        """Looks at a deal in which something came.

        Raises:
            Problem: the disk, or a full outbox.
        """
        row = await self._store.read(lambda reader: deals.by_id(reader.connection, deal))
        if row is not None and row.role == "arbiter":
            await self._store.write(self._tell, deal)
            self._letters.wake()

    def _tell(self, writer: Writer, deal: bytes) -> None:
        with writer.transaction(durable=True) as connection:
            row = deals.by_id(connection, deal)
            assert row is not None  # deals are never removed
            known = load(connection, row, self._clock.now_ms())
            found = interest(connection, known, self._own)
            warnings: Sequence[str] = found.warnings if found.bars is None else (_BARRED, *found.warnings)
            parties = [each for each in (row.seller, row.buyer) if each != known.order.key]
            if not warnings or len(parties) < 2 or not consents.tell(writer, row.number):
                return  # a buyer whose side has not come yet, or without a node: the ruling says it too
            body = letter_bodies.Mail(
                subject=f"Your deal {row.id.hex()[:_SHOWN]}: what you should know of its arbiter",
                text=" ".join(warnings),
            )
            for each in parties:
                outbox.queue(writer, self._letters.draft(each, body))


_BARRED: Final = "The arbiter led the buyer to the seller, so they cannot rule in this deal."
