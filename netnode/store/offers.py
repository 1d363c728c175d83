"""Offers in the store: those made here, and those of others that came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import apsw

from netnode.store.writer import Writer

KEPT: Final = 2_000  # why: offers of others; the oldest make room, and may be asked for again
_COLUMNS: Final = "o, id, seller, own, data, enclosure, code, title, made, ended"


@dataclass(frozen=True, slots=True)
class OfferRow:
    """An offer.

    Attributes:
        number: of the row.
        id: SHA-256 of its bytes.
        seller: networker id.
        own: whether it was made here.
        data: the signed bytes.
        enclosure: canonical bytes of the goods.
        code: by which it is got, as the owner typed it.
        title: for lists.
        made: when it was made or came, ms UTC.
        ended: when its seller took it back here, ms UTC.
    """

    number: int
    id: bytes
    seller: bytes
    own: bool
    data: bytes
    enclosure: bytes | None
    code: str | None
    title: str
    made: int
    ended: int | None = None


def put(writer: Writer, row: OfferRow) -> None:
    """Keeps an offer, durably; one that is there stays, but learns its code."""
    with writer.transaction(durable=True) as connection:
        connection.execute(
            "INSERT INTO offer(id, seller, own, data, enclosure, code, title, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(id) DO UPDATE SET code = coalesce(offer.code, excluded.code)",
            (row.id, row.seller, row.own, row.data, row.enclosure, row.code, row.title, row.made),
        )
        connection.execute(
            "DELETE FROM offer WHERE NOT own AND o NOT IN"
            " (SELECT o FROM offer WHERE NOT own ORDER BY made DESC, o DESC LIMIT ?)",
            (KEPT,),
        )


def end(writer: Writer, number: int, now: int) -> None:
    """Takes an own offer back: orders on it are not accepted by themselves any more."""
    with writer.transaction(durable=True) as connection:
        connection.execute("UPDATE offer SET ended = coalesce(ended, ?) WHERE o = ?", (now, number))


def by_id(connection: apsw.Connection, offer: bytes) -> OfferRow | None:
    """One offer by its id."""
    return _first(connection.execute(f"SELECT {_COLUMNS} FROM offer WHERE id = ?", (offer,)))  # noqa: S608 - constants


def by_prefix(connection: apsw.Connection, low: bytes, high: bytes) -> list[OfferRow]:
    """Offers whose id lies between, both included; two at most, to see whether it is one."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM offer WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 2",  # noqa: S608
        (low, high),
    )
    return [_row(values) for values in found]


def by_code(connection: apsw.Connection, seller: bytes, code: str) -> OfferRow | None:
    """The newest offer of a seller that is got by a code and was not taken back."""
    return _first(
        connection.execute(
            f"SELECT {_COLUMNS} FROM offer WHERE seller = ? AND code = ? AND ended IS NULL ORDER BY o DESC LIMIT 1",  # noqa: S608
            (seller, code),
        )
    )


def coded(connection: apsw.Connection, seller: bytes) -> list[OfferRow]:
    """The offers of a seller that came here, the newest first."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM offer WHERE seller = ? AND NOT own ORDER BY o DESC",  # noqa: S608
        (seller,),
    )
    return [_row(values) for values in found]


def page(connection: apsw.Connection, before: int | None, limit: int) -> list[OfferRow]:
    """Offers, the newest first, below the row number `before`."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM offer WHERE o < ? ORDER BY o DESC LIMIT ?",  # noqa: S608
        (before or 2**62, limit),
    )
    return [_row(values) for values in found]


def _first(found: Any) -> OfferRow | None:
    rows = list(found)
    return _row(rows[0]) if rows else None


def _row(values: Any) -> OfferRow:
    named = dict(zip(OfferRow.__slots__, values, strict=True))
    named["own"] = bool(named["own"])
    return OfferRow(**named)
