"""Numbers of invoices and credit notes: one after the other in each year, without a gap, each used once.

A number is taken in the transaction that stores its document. A home that turned out to be an older copy of itself may
lack documents that were sent out, so it asks for the next number before it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from netnode.deals import invoice
from netnode.deals.desk import SHOWN, no_deal
from netnode.deals.invoice import Document, Heading, Side
from netnode.deals.known import Known, load
from netnode.own.caution import copied
from netnode.own.log import OwnLog
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.settings import Settings
from netnode.store import Store, Writer, deals, invoices
from netnode.store.invoices import InvoiceRow, Kind
from protocol.identity import id_text

_SINCE: Final = "copies_at"


@dataclass(frozen=True, slots=True)
class Made:
    """A document, and the deal as it stands now."""

    document: Document
    known: Known


class Invoices:
    """Makes the documents of the owner's sales, or finds those that were made.

    Args:
        store: holds them.
        own: the seller.
        clock: dates them.
        settings: what stands at their head.
    """

    def __init__(self, store: Store, own: OwnLog, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._own = own
        self._clock = clock
        self._settings = settings

    async def make(self, deal: bytes, kind: Kind, number: int | None = None) -> Made:
        """The invoice of a deal, made once; or the credit note for what was given up since the last one.

        What is owed again after a cancellation or a credit note gets a further invoice.

        Args:
            deal: in which the owner is the seller.
            kind: which.
            number: to go on with, not below the next one; None: the next one.

        Raises:
            Problem: `no_deal` (3); `not_party`, `no_contract`, `enclosure`, `no_invoice`, `nothing`, `copy`, `twin`
                or `number` (4); the disk.
        """
        return await self._store.write(self._make, deal, kind, number, self._clock.now_ms())

    # -- in the writer's lane --------------------------------------------------------------------------------
    def _make(self, writer: Writer, deal: bytes, kind: Kind, number: int | None, now: int) -> Made:
        with writer.transaction(durable=True) as connection:
            row = deals.by_id(connection, deal)
            if row is None:
                raise no_deal(deal.hex())
            if row.role != "seller":
                text = (
                    "Only the seller of a deal writes its invoice. Ask for it: "
                    f'netnode mail send {id_text(row.seller)} --subject "Invoice for deal {deal.hex()[:SHOWN]}"'
                )
                raise Problem(text, ExitCode.REFUSED, "not_party", {"deal": deal.hex()})
            known = load(connection, row, now)
            rows = invoices.of_deal(connection, row.number)
            documents = [msgspec.json.decode(each.data, type=Document) for each in rows]
            before = [each for each in documents if each.kind == kind]
            if kind == "credit_note" and not documents:
                text = "There is no invoice of this deal, so nothing to credit. First: netnode deal invoice"
                raise Problem(text, ExitCode.REFUSED, "no_invoice", {"deal": deal.hex()})
            year = invoice.year_of(now)
            if documents:
                change = invoice.credit_note if kind == "credit_note" else invoice.further
                if change(known, self._heading(writer, known, "", now), documents) is None:
                    return Made(_newest(before, deal), known)
            self._own.caution.require_alone()
            taken = self._number(writer, kind, year, number)
            heading = self._heading(writer, known, invoice.number_text(kind, year, taken), now)
            found = change(known, heading, documents) if documents else invoice.invoice(known, heading)
            assert found is not None
            document = found
            data = msgspec.json.encode(document)
            invoices.put(writer, row.number, InvoiceRow(kind, year, taken, now, data))
            writer.set_meta(_name(kind), copied(writer).times.to_bytes(4, "big"))
            return Made(document, known)

    def _number(self, writer: Writer, kind: Kind, year: int, wanted: int | None) -> int:
        following = invoices.next_number(writer.connection, kind, year)
        if wanted is not None:
            if wanted < following:
                text = f"The number {wanted} is taken; the next one of {year} is {following}."
                raise Problem(text, ExitCode.REFUSED, "number", {"next": following})
            return wanted
        since = writer.get_meta(_name(kind))
        before = 0 if since is None else int.from_bytes(since, "big")
        if copied(writer).times > before:
            known = f"the last one it knows of {year} is number {following - 1}"
            raise Problem(
                "This home is an older copy of itself, so it may lack invoices that you sent: "
                f"{known if following > 1 else f'it knows none of {year}'}. Say once with which number to go on: "
                f"--number {following} if none is missing.",
                ExitCode.REFUSED,
                "copy",
                {"next": following},
            )
        return following

    def _heading(self, writer: Writer, known: Known, number: str, now: int) -> Heading:
        names = views.names(writer.connection, (self._own.id, known.row.buyer))
        seller = Side(
            id=id_text(self._own.id),
            lines=tuple(self._settings.invoice_head),
            name=names.get(self._own.id) or id_text(self._own.id),
        )
        return Heading(number, now, seller, invoice.buyer_side(known, names.get(known.row.buyer, "")))


def _newest(before: Sequence[Document], deal: bytes) -> Document:
    """What was made last, where there is nothing to add to it."""
    if not before:
        text = (
            "Nothing of this deal was given up or paid back since its invoice, so there is nothing to credit."
        )
        raise Problem(text, ExitCode.REFUSED, "nothing", {"deal": deal.hex()})
    return before[-1]


def _name(kind: Kind) -> str:
    return f"{_SINCE}_{kind}"
