"""What a home that was put back has forgotten: own requests, swaps and locks, found again in logs [R-CRED-77, 84].

A request of the lost copy may be carried out long after the backup. Once the issuer has logged it, the request stands
there with the owner's signature: it is kept again as answered, and a swap is watched again. So nothing that moved the
owner's credit stays untold, and nobody asks for it twice without knowing. Of an issuer the own log tells which swaps
it locked: nobody else ends a lock of which nothing came.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from netnode.deals.means import Means
from netnode.issuing.asking import FOUND, MINDFUL_MS
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.own.caution import copied
from netnode.problems import Problem
from netnode.store import Reader, Writer, credits, swaps
from netnode.store.credits import RequestRow
from netnode.store.swaps import Role, SwapRow
from netnode.store.swaps import Stage as Said
from netnode.swapping.documents import held_openers, packed, proposal_id
from protocol import encoding
from protocol.errors import Void
from protocol.ledger.effects import Moved, Stage, Swapped, Value
from protocol.ledger.statements import Request, Swap, read, statement_id
from protocol.records import Lock, Payout, Redeem, SwapEntry, Transfer, decode_record

_BEFORE: Final = ("proposed", "accepted", "declined", "refused")  # of a swap: as the backup knew it
_log = logging.getLogger("netnode")
_NO_OPENERS: Final = encoding.encode([])


@dataclass(frozen=True, slots=True)
class _Found:
    """Requests with the entries that carried them out, and swaps."""

    requests: tuple[tuple[RequestRow, tuple[int, bytes]], ...]
    swaps: tuple[SwapRow, ...]


class Recovering:
    """Finds what the lost copy of this home asked for, and what it locked.

    Args:
        means: the store.
        ledgers: of the issuers, the owner among them.
    """

    def __init__(self, means: Means, ledgers: Ledgers) -> None:
        self._means = means
        self._ledgers = ledgers
        self._seen: dict[bytes, bytes] = {}  # by issuer the entry up to which nothing more was forgotten

    async def look(self) -> None:
        """Looks into logs that have grown, for as long as the lost copy may have asked for something.

        Raises:
            Problem: the disk.
        """
        now = self._means.clock.now_ms()
        for issuer, tip in await self._means.store.read(self._grown, now):
            try:
                found = await self._ledgers.study(
                    issuer, lambda reader, ledger: self._find(reader, ledger, now)
                )
            except Problem as problem:
                if problem.code not in ("unknown_author", "incomplete", "changing"):
                    raise
                continue
            if found.requests or found.swaps:
                await self._means.store.write(self._keep, found, now)
                _log.warning(
                    "%d requests and %d swaps that this home forgot when it was put back were found in a log: see "
                    "netnode credit requests, netnode credit swap ls",
                    len(found.requests),
                    len(found.swaps),
                )
            self._seen[issuer] = tip

    def _grown(self, reader: Reader, now: int) -> list[tuple[bytes, bytes]]:
        """The issuers to look at, with the newest entry of each; none where this home was not put back lately."""
        put_back = copied(reader)
        if not put_back.times or now > put_back.at + MINDFUL_MS:
            return []
        own = self._means.own.id
        states = [reader.load(id) for id in dict.fromkeys((own, *(id for id, _ in reader.follows())))]
        return [
            (state.author, state.tip.id)
            for state in states
            if state is not None and self._seen.get(state.author) != state.tip.id
        ]

    def _find(self, reader: Reader, ledger: Ledger, now: int) -> _Found:
        own, network = self._means.own.id, self._means.network
        requests: list[tuple[RequestRow, tuple[int, bytes]]] = []
        found: dict[bytes, SwapRow] = {}
        for id, value in ledger.effects.items():
            seq = ledger.made(id)
            if seq is None or not _concerns(value, own, ledger.issuer):
                continue
            if isinstance(value, Moved) and credits.request(reader.connection, id[1:]) is not None:
                continue
            entry = reader.entry(ledger.issuer, seq)
            if entry is None or entry.record is None:
                continue
            try:
                record = decode_record(entry.kind, entry.record)
                match record:
                    case Transfer() | Redeem() | Payout():
                        said = read(Request, record.request)
                        row = RequestRow(
                            0, id[1:], True, ledger.issuer, own, record.request, _NO_OPENERS, None, entry.time,
                            order=None if said.order is UNSET else said.order,
                        )  # fmt: skip
                        requests.append((row, (entry.seq, entry.id)))
                    case Lock() | SwapEntry():
                        swap = _swap(reader, network, own, ledger.issuer, record.document, now)
                        before = swaps.by_proposal(reader.connection, swap.proposal)
                        if before is None or before.stage in _BEFORE:
                            found[id] = swap
                    case _:
                        continue
            except Void:
                continue
        return _Found(tuple(requests), tuple(found.values()))

    def _keep(self, writer: Writer, found: _Found, now: int) -> None:
        with writer.transaction(durable=True) as connection:
            for row, entry in found.requests:
                credits.put_request(writer, row)
                credits.end_request(writer, row.id, now, entry=entry, text=FOUND)
            for swap in found.swaps:
                if swap.role == "locks":
                    writer.follow(read(Swap, swap.data).second.issuer, now)  # its log says what comes of it
                if not swaps.put(writer, swap):
                    before = swaps.by_proposal(connection, swap.proposal)
                    if before is not None and before.stage in _BEFORE:
                        swaps.change(writer, swap)


def _concerns(value: Value, own: bytes, issuer: bytes) -> bool:
    """Whether the owner has asked for a movement, signed the swap that it is of, or locked what is locked still."""
    if issuer == own:
        return isinstance(value, Swapped) and value.stage is Stage.LOCKED
    return isinstance(value, Moved | Swapped) and (
        value.holder == own or (isinstance(value, Swapped) and value.to == own)
    )


def _swap(reader: Reader, network: str, own: bytes, issuer: bytes, data: bytes, now: int) -> SwapRow:
    """A swap that both have signed, to be watched from now on; a lock of the owner's, to be ended."""
    document = read(Swap, data)
    role: Role = "first" if document.first.holder == own else "second"
    stage: Said = "signed"
    if issuer == own:
        role, stage = "locks", "locked"
    openers = held_openers(reader, (document.first.holder, document.second.holder))
    return SwapRow(
        0, proposal_id(network, document), statement_id(network, document), role, document.first.holder, data,
        packed(openers), document.until, FOUND, stage, None, "", None, None, None, now, 0,
    )  # fmt: skip
