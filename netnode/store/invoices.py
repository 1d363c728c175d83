"""Invoices and credit notes in the store: numbered without a gap in each year, and never changed once made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import apsw

from netnode.store.writer import Writer

Kind = Literal["credit_note", "invoice"]


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One document: its kind, number within its year, date (ms UTC) and content as it was made."""

    kind: Kind
    year: int
    number: int
    at: int
    data: bytes


def next_number(connection: apsw.Connection, kind: Kind, year: int) -> int:
    """The number that the next document of a kind gets in a year."""
    found: int = connection.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM invoice WHERE kind = ? AND year = ?", (kind, year)
    ).get
    return found


def put(writer: Writer, deal: int, row: InvoiceRow) -> None:
    """Keeps a document, inside the transaction in which its number was asked for.

    Args:
        writer: the store's.
        deal: number of the deal's row.
        row: the document.
    """
    writer.connection.execute(
        "INSERT INTO invoice(d, kind, year, number, at, data) VALUES (?, ?, ?, ?, ?, ?)",
        (deal, row.kind, row.year, row.number, row.at, row.data),
    )


def of_deal(connection: apsw.Connection, deal: int) -> list[InvoiceRow]:
    """The documents of a deal, the oldest first."""
    return [
        InvoiceRow(kind, year, number, at, data)
        for kind, year, number, at, data in connection.execute(
            "SELECT kind, year, number, at, data FROM invoice WHERE d = ? ORDER BY i", (deal,)
        )
    ]
