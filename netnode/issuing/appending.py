"""Entries of the own ledger: drafted on the log as it stands, appended to that place or drafted anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from netnode.deals.means import Means
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.problems import ExitCode, Problem
from netnode.store import Reader
from protocol.entry import Entry, parse_wire
from protocol.errors import LocalProtocolError, Void
from protocol.ledger.book import Book
from protocol.records import Record, encode_record

_TRIES: Final = 5  # why: every try waits for the ledger to be level; listings are published in between


@dataclass(frozen=True, slots=True)
class Next:
    """Where the next entry will stand: its seq, and its date in ms UTC."""

    seq: int
    time: int


Make = Callable[[Book, Next], Iterable[Record]]
"""Makes records that follow the log as it stands, none of them void; may raise Void or Problem. Runs in a thread."""


class Appending:
    """Appends to the own log what rests on the own ledger.

    Args:
        means: the own log.
        ledgers: fold it.
    """

    def __init__(self, means: Means, ledgers: Ledgers) -> None:
        self._means = means
        self._ledgers = ledgers
        self._turn = asyncio.Lock()

    async def append(self, make: Make) -> list[Entry]:
        """Appends what `make` makes; on disk when it returns.

        Args:
            make: called again when the log went on meanwhile; nothing is appended where it makes nothing.

        Raises:
            Void: what `make` says; `too_large`: what somebody else gave for a record does not fit one.
            Problem: `unknown_ledger` (4): an entry of the own log is not known to this program; as `OwnLog.append`.
        """
        own, now = self._means.own, self._means.clock.now_ms
        async with self._turn:
            for _ in range(_TRIES):
                state = await self._means.store.load(own.id)
                assert state is not None  # the owner's
                place = Next(state.tip.seq + 1, max(now(), state.tip.time))
                records = await self._ledgers.ask(own.id, partial(_made, place, make))
                if not records:
                    return []
                try:
                    return await own.append(records, after=state.tip.id)
                except Problem as problem:
                    if problem.code != "log_moved":
                        raise
        raise Problem("The own log goes on all the time. Try again in a moment.", ExitCode.REFUSED, "busy")

    async def place(self, effect: bytes) -> tuple[int, bytes] | None:
        """Seq and id of the entry that gave the own ledger an effect, by the id of the effect; None: it has none.

        Raises:
            Problem: the disk.
        """

        def found(reader: Reader, ledger: Ledger) -> tuple[int, bytes] | None:
            seq = ledger.made(effect)
            ids = () if seq is None else reader.ids(ledger.issuer, (seq,))
            return next(iter(ids), None)

        return await self._ledgers.study(self._means.own.id, found)

    async def missing(self, effects: Collection[bytes]) -> list[bytes]:
        """Of ids of effects those that neither the own log has nor a branch that binds its owner as well [L13].

        Raises:
            Problem: the disk.
        """
        return await self._ledgers.ask(
            self._means.own.id, lambda ledger: [each for each in effects if each not in ledger.effects]
        )


def _made(place: Next, make: Make, ledger: Ledger) -> list[tuple[int, bytes]]:
    book = ledger.book
    if book.unknown is not None:
        raise Problem(
            f"Your own ledger is unknown from entry {book.unknown} on: a newer program wrote there. Update netnode.",
            ExitCode.REFUSED,
            "unknown_ledger",
        )
    return _encoded(make(book, place))


def _encoded(records: Iterable[Record]) -> list[tuple[int, bytes]]:
    """Kind and bytes of each.

    Raises:
        Void: `too_large`: it holds what others sent, such as openers after very many rotations.
    """
    try:
        return [(each.KIND, encode_record(each)) for each in records]
    except LocalProtocolError as error:
        raise Void("too_large", error.text) from error


def lacking(book: Book, given: dict[bytes, list[Any]]) -> tuple[Any, ...]:
    """Of openers as they travel, by networker, what the log lacks: all of who is new, else rotations [R-CRED-1]."""
    found = []
    for author, entries in given.items():
        if author == book.issuer:
            continue
        before = book.signers.knows(author)
        new = [wire for wire in entries if before is None or not before.knows(parse_wire(list(wire)))]
        if new:
            found.append(tuple(new))
    return tuple(found)
