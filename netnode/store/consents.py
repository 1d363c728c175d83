"""Consents of arbiters in the store: those given here, and those of others that came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import apsw

from netnode.store.writer import Writer

KEPT: Final = (
    1_000  # consents of arbiters whom the owner neither follows nor had a contract with; the oldest make room
)
OF_ONE: Final = 16  # of one arbiter, whoever they are; why: nobody displaces those of all others
_STRANGE: Final = (
    "NOT own AND arbiter NOT IN (SELECT id FROM follow JOIN networker USING (n)"
    " UNION SELECT arbiter FROM deal WHERE contract AND role <> 'arbiter' AND arbiter IS NOT NULL)"
)
_COLUMNS: Final = "c, id, arbiter, own, data, text, openers, at"


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """A consent.

    Attributes:
        number: of the row.
        id: SHA-256 of its bytes.
        arbiter: networker id.
        own: whether it was given here.
        data: the signed bytes.
        text: the arbiter's terms; None where they did not come along, as with an offer.
        openers: the arbiter's, canonical bytes as they travel.
        at: when it was given or came, ms UTC.
    """

    number: int
    id: bytes
    arbiter: bytes
    own: bool
    data: bytes = field(repr=False)
    text: str | None
    openers: bytes = field(repr=False)
    at: int


def put(writer: Writer, row: ConsentRow) -> None:
    """Keeps a consent, durably; one that is there stays, but learns its terms."""
    with writer.transaction(durable=True) as connection:
        connection.execute(
            "INSERT INTO consent(id, arbiter, own, data, text, openers, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(id) DO UPDATE SET text = coalesce(consent.text, excluded.text)",
            (row.id, row.arbiter, row.own, row.data, row.text, row.openers, row.at),
        )
        connection.execute(
            "DELETE FROM consent WHERE NOT own AND arbiter = :arbiter AND c NOT IN (SELECT c FROM consent"
            " WHERE NOT own AND arbiter = :arbiter ORDER BY at DESC, c DESC LIMIT :most)",
            {"arbiter": row.arbiter, "most": OF_ONE},
        )
        connection.execute(
            f"DELETE FROM consent WHERE {_STRANGE} AND c NOT IN"  # noqa: S608 - constants
            f" (SELECT c FROM consent WHERE {_STRANGE} ORDER BY at DESC, c DESC LIMIT ?)",
            (KEPT,),
        )


def by_prefix(connection: apsw.Connection, low: bytes, high: bytes) -> list[ConsentRow]:
    """Consents whose id lies between, both included; two at most, to see whether it is one."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM consent WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 2",  # noqa: S608 - constants
        (low, high),
    )
    return [_row(values) for values in found]


def of(connection: apsw.Connection, arbiter: bytes) -> list[ConsentRow]:
    """The consents of an arbiter, the newest first."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM consent WHERE arbiter = ? ORDER BY c DESC",  # noqa: S608
        (arbiter,),
    )
    return [_row(values) for values in found]


def page(connection: apsw.Connection, before: int | None, limit: int) -> list[ConsentRow]:
    """Consents, the newest first, below the row number `before`."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM consent WHERE c < ? ORDER BY c DESC LIMIT ?",  # noqa: S608
        (before or 2**62, limit),
    )
    return [_row(values) for values in found]


def openers(connection: apsw.Connection, arbiter: bytes) -> bytes | None:
    """The openers that came with the newest consent of an arbiter."""
    found: bytes | None = connection.execute(
        "SELECT openers FROM consent WHERE arbiter = ? ORDER BY c DESC LIMIT 1", (arbiter,)
    ).get
    return found


def tell(writer: Writer, deal: int) -> bool:
    """Notes, inside the open transaction, that the parties of a case are told; False when they were before."""
    writer.connection.execute("INSERT OR IGNORE INTO case_told(d) VALUES (?)", (deal,))
    return writer.connection.changes() > 0


def _row(values: Any) -> ConsentRow:
    named = dict(zip(ConsentRow.__slots__, values, strict=True))
    named["own"] = bool(named["own"])
    return ConsentRow(**named)
