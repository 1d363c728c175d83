"""Recommendations in the store: links made here, links that led the owner somewhere, codes that others registered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import apsw

from netnode.store.writer import Writer
from protocol import encoding, limits
from protocol.paths import token_id

Role = Literal["made", "met", "registered"]
MET: Final = 5_000  # why: links that led the owner somewhere; those met longest ago make room
MET_OF_ONE: Final = (
    200  # of them, to one seller; why: who sells writes what a code stands for, unasked as well
)
REGISTERED: Final = 10_000  # why: about 10 MB; codes of others with the owner
REGISTERED_BY_ONE: Final = 100  # why: one referrer cannot take all words
_COLUMNS: Final = "r, id, role, seller, listing, path, code, expires, first, at, sender, text"


@dataclass(frozen=True, slots=True)
class ReferralRow:
    """A recommendation.

    Attributes:
        number: of the row; 0 before it has one.
        id: `referral_id`.
        role: made here, met by the owner as a buyer, or registered with the owner as the seller.
        seller: who is recommended, 32 bytes.
        listing: key of the listing it leads to.
        tokens: in order.
        code: that stands for it; of one that was met, the code that was typed.
        expires: earliest end of its tokens, ms UTC.
        first: when it was made or met first, ms UTC.
        at: when it was met last, ms UTC.
        sender: whom it came from, 32 bytes; the owner where it was made or typed here.
        text: a word that came along.
    """

    number: int
    id: bytes
    role: Role
    seller: bytes
    listing: str | None
    tokens: tuple[bytes, ...] = field(repr=False)
    code: str | None
    expires: int
    first: int
    at: int
    sender: bytes
    text: str = ""

    @property
    def token(self) -> bytes:
        """Id of its newest token: of one made here, that of the owner."""
        return token_id(self.tokens[-1])


def referral_id(role: Role, tokens: Sequence[bytes], code: str | None) -> bytes:
    """By what a recommendation is named here: 32 bytes."""
    return hashlib.sha256(encoding.encode([role, list(tokens), code])).digest()


def put(writer: Writer, row: ReferralRow) -> bool:
    """Keeps a recommendation, durably or as a part of the durable transaction that is open; one met again gets a date.

    Returns:
        False: its code stands for another one, or there is no room for another code of its sender.
    """
    with writer.transaction(durable=True) as connection:
        known = bool(_rows(connection, "id = ?", (row.id,), 1))
        if row.role == "registered" and not known:
            over = "DELETE FROM referral WHERE role = 'registered' AND expires <= ?"
            connection.execute(f"{over} AND code = ?", (row.at, row.code))
            if _full(connection, row.sender):
                connection.execute(over, (row.at,))
            if _full(connection, row.sender):
                return False
        taken = (
            row.code is not None and row.role != "met" and by_code(connection, row.role, row.code) is not None
        )
        if taken and not known:
            return False
        connection.execute(
            "INSERT INTO referral(id, role, seller, listing, path, code, expires, first, at, sender, text)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(id) DO UPDATE SET at = max(at, excluded.at)",
            (
                row.id, row.role, row.seller, row.listing, encoding.encode(list(row.tokens)), row.code, row.expires,
                row.first, row.at, row.sender, row.text,
            ),
        )  # fmt: skip
        for where, values, most in (("seller = ?", (row.seller,), MET_OF_ONE), ("true", (), MET)):
            connection.execute(
                f"DELETE FROM referral WHERE r IN (SELECT r FROM referral WHERE role = 'met' AND {where}"  # noqa: S608
                " ORDER BY at DESC, r DESC LIMIT -1 OFFSET ?)",
                (*values, most),
            )
    return True


def _full(connection: apsw.Connection, sender: bytes) -> bool:
    of_all, of_one = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE sender = ?) FROM referral WHERE role = 'registered'",
        (sender,),
    ).get
    return bool(of_all >= REGISTERED or of_one >= REGISTERED_BY_ONE)


def by_code(connection: apsw.Connection, role: Role, code: str) -> ReferralRow | None:
    """What a code stands for, among those made here or those registered here."""
    rows = _rows(connection, "role = ? AND code = ?", (role, code), 1)
    return rows[0] if rows else None


def by_prefix(connection: apsw.Connection, low: bytes, high: bytes) -> list[ReferralRow]:
    """Recommendations whose id lies between, both included; two at most, to see whether it is one."""
    return _rows(connection, "id BETWEEN ? AND ?", (low, high), 2)


def met(connection: apsw.Connection, seller: bytes) -> list[ReferralRow]:
    """What led the owner to a seller, the newest first."""
    return _rows(connection, "role = 'met' AND seller = ?", (seller,), limits.MAX_INT)


def page(connection: apsw.Connection, role: Role, before: int | None, limit: int) -> list[ReferralRow]:
    """Recommendations of a role, the newest first, below the row number `before`."""
    return _rows(connection, "role = ? AND r < ?", (role, before or 2**62), limit)


def _rows(connection: apsw.Connection, where: str, values: tuple[Any, ...], limit: int) -> list[ReferralRow]:
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM referral WHERE {where} ORDER BY r DESC LIMIT ?",  # noqa: S608 - constants
        (*values, limit),
    )
    rows = []
    for each in found:
        named = dict(zip(ReferralRow.__slots__, each, strict=True))
        named["tokens"] = tuple(encoding.decode(named["tokens"], limits.MAX_OPENED_PATH))
        rows.append(ReferralRow(**named))
    return rows
