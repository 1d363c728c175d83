"""What buyers without a node left here to prove that this node brought them: path, accept and receipts.

Functions of a `Writer` or a `Reader`, for `Store.write` and `Store.read`. Nothing here says what was ordered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import apsw

from netnode.store.reader import Reader
from netnode.store.writer import Writer

WITNESSES: Final = (
    200_000  # why: about 1 GB; they are what the owner earns by, so none makes room for another
)
OF_SELLER: Final = 20_000  # why: a seller in league with made-up buyers fills a tenth of it


@dataclass(frozen=True, slots=True)
class WitnessRow:
    """One deal: its id, who sold, the opened path, the accept, the receipts by id, openers as bytes, since when."""

    id: bytes
    seller: bytes
    path: bytes = field(repr=False)
    accept: bytes = field(repr=False)
    openers: bytes = field(repr=False)
    at: int
    receipts: tuple[bytes, ...] = field(default=(), repr=False)


def keep(writer: Writer, row: WitnessRow, receipts: Sequence[tuple[bytes, bytes]]) -> bool:
    """Keeps what was left, durably; what is known of a deal stays, receipts are added.

    Args:
        writer: of the store.
        row: of a deal; its `receipts` are not looked at.
        receipts: id and bytes of each.

    Returns:
        False: there is no room for another deal, of this seller or at all.
    """
    with writer.transaction(durable=True) as connection:
        known = connection.execute("SELECT 1 FROM witness WHERE id = ?", (row.id,)).get
        if known is None:
            if _count(connection) >= WITNESSES or _count(connection, row.seller) >= OF_SELLER:
                return False
            connection.execute(
                "INSERT INTO witness(id, seller, path, accept, openers, at) VALUES (?, ?, ?, ?, ?, ?)",
                (row.id, row.seller, row.path, row.accept, row.openers, row.at),
            )
        connection.executemany(
            "INSERT OR IGNORE INTO witness_receipt(witness, id, receipt) VALUES (?, ?, ?)",
            [(row.id, id_, receipt) for id_, receipt in receipts],
        )
    return True


def witness(reader: Reader, order: bytes) -> WitnessRow | None:
    """What is kept of one deal."""
    found = _rows(reader, "SELECT * FROM witness WHERE id = ?", order)
    return found[0] if found else None


def beginning(reader: Reader, order: str) -> list[WitnessRow]:
    """At most two deals whose id in hex begins so."""
    return _rows(reader, "SELECT * FROM witness WHERE lower(hex(id)) GLOB ? ORDER BY id LIMIT 2", f"{order}*")


def witnesses(reader: Reader, before: tuple[int, bytes] | None, limit: int) -> list[WitnessRow]:
    """Deals, the newest first, below a place (at, id) of the page before."""
    at, id_ = before or (2**62, b"")
    return _rows(
        reader,
        "SELECT * FROM witness WHERE (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?",
        at,
        id_,
        limit,
    )


def count(reader: Reader) -> int:
    """How many deals are witnessed here."""
    return _count(reader.connection)


def _count(connection: apsw.Connection, seller: bytes | None = None) -> int:
    if seller is None:
        return int(connection.execute("SELECT count(*) FROM witness").get)
    return int(connection.execute("SELECT count(*) FROM witness WHERE seller = ?", (seller,)).get)


def _rows(reader: Reader, statement: str, *values: Any) -> list[WitnessRow]:
    rows: list[Any] = reader.connection.execute(statement, values).fetchall()
    return [
        WitnessRow(id_, seller, path, accept, openers, at, _receipts(reader.connection, id_))
        for id_, seller, path, accept, openers, at in rows
    ]


def _receipts(connection: apsw.Connection, order: bytes) -> tuple[bytes, ...]:
    found: list[Any] = connection.execute(
        "SELECT receipt FROM witness_receipt WHERE witness = ? ORDER BY id", (order,)
    ).fetchall()
    return tuple(receipt for (receipt,) in found)
