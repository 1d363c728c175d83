"""Swaps in the store: those the owner makes as a holder, and those that holders ask of the owner as an issuer.

Functions of a `Writer`, or of the connection of a reader or writer. What a swap comes to is in the logs of the two
issuers; here is what was said, what was seen last, and what proves it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import apsw

from netnode.store.writer import Writer

Role = Literal["first", "second", "locks", "decides"]
"""What the owner is in a swap: the holder whose credit is locked, the other one, the issuer of either."""

Stage = Literal[
    "proposed",
    "accepted",
    "declined",
    "signed",
    "locked",
    "swapped",
    "given",
    "back",
    "over",
    "asked",
    "refused",
]
WAITING: Final = 2_000  # swaps of others that wait; why: 10 MB of what strangers may send
WAITING_OF_ONE: Final = 20
STRANGERS: Final = 500  # proposals of those who are not followed; why: they leave room for the others
ENDED: Final = 2_000  # swaps of others of which nothing came; why: 50 MB at most, the oldest make room
KEPT_MS: Final = 400 * 86_400_000  # what came of a swap is shown for so long
_NOTHING: Final = "due IS NULL AND role <> 'first' AND stage IN ('declined', 'over', 'refused')"
_WAITS: Final = (
    "due IS NOT NULL AND stage <> 'back'"  # what went back is looked at again, and nobody waits for it
)
_COLUMNS: Final = (
    "s, proposal, id, role, sender, data, openers, until, text, stage, code, why, locked, swapped, sent, at,"
    " due"
)


@dataclass(frozen=True, slots=True)
class SwapRow:
    """A swap as this node knows it.

    Attributes:
        number: of the row; 0 before it has one.
        proposal: id of the document without what its second holder puts in: the same from the proposal on.
        id: of the document; None before it is accepted.
        role: what the owner is in it.
        sender: who proposed it, or asked for it; 32 bytes.
        data: the document, as far as it is signed.
        openers: of the holders, and of the issuer whose entries came along: a canonical array of arrays of entries.
        until: ms UTC: lock and swap are dated before it.
        text: a word that came along.
        stage: how far it is.
        code: why an issuer or holder refuses.
        why: that as a sentence.
        locked: evidence of the lock: a canonical array of entries, the lock first.
        swapped: evidence of the second issuer's swap, likewise.
        sent: when a letter about this stage was sent last, ms UTC.
        at: when it was made or came, ms UTC.
        due: when it is looked at next, ms UTC; None: nothing can come of it any more.
    """

    number: int
    proposal: bytes
    id: bytes | None
    role: Role
    sender: bytes
    data: bytes = field(repr=False)
    openers: bytes = field(repr=False)
    until: int
    text: str
    stage: Stage
    code: str | None
    why: str
    locked: bytes | None = field(repr=False)
    swapped: bytes | None = field(repr=False)
    sent: int | None
    at: int
    due: int | None


def put(writer: Writer, row: SwapRow) -> bool:
    """Keeps a swap inside the open transaction; False when its proposal is there already, as it is."""
    connection = writer.connection
    connection.execute(
        "INSERT OR IGNORE INTO credit_swap(proposal, id, role, sender, data, openers, until, text, stage, code, why,"
        " locked, swapped, sent, at, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row.proposal, row.id, row.role, row.sender, row.data, row.openers, row.until, row.text, row.stage,
            row.code, row.why, row.locked, row.swapped, row.sent, row.at, row.due,
        ),
    )  # fmt: skip
    new = connection.changes() > 0
    connection.execute(
        f"DELETE FROM credit_swap WHERE {_NOTHING} AND s <= (SELECT s FROM credit_swap WHERE {_NOTHING}"  # noqa: S608
        " ORDER BY s DESC LIMIT 1 OFFSET ?)",
        (ENDED,),
    )
    return new


def change(writer: Writer, row: SwapRow) -> None:
    """Writes a swap that is there anew, inside the open transaction."""
    writer.connection.execute(
        "UPDATE credit_swap SET id = ?, data = ?, openers = ?, stage = ?, code = ?, why = ?, locked = ?, swapped = ?,"
        " sent = ?, due = ? WHERE proposal = ?",
        (
            row.id, row.data, row.openers, row.stage, row.code, row.why, row.locked, row.swapped, row.sent, row.due,
            row.proposal,
        ),
    )  # fmt: skip


def by_proposal(connection: apsw.Connection, proposal: bytes) -> SwapRow | None:
    """A swap by the id of its proposal."""
    rows = _rows(connection, "proposal = ?", (proposal,), 1)
    return rows[0] if rows else None


def by_prefix(connection: apsw.Connection, low: bytes, high: bytes) -> list[SwapRow]:
    """Swaps whose proposal's id lies between, both included; two at most, to see whether it is one."""
    return _rows(connection, "proposal BETWEEN ? AND ?", (low, high), 2)


def page(connection: apsw.Connection, before: int | None, limit: int, *, waiting: bool) -> list[SwapRow]:
    """Swaps, the newest first, below the row number `before`; `waiting`: only those something can come of."""
    return _rows(connection, f"s < ? AND (NOT ? OR ({_WAITS}))", (before or 2**62, waiting), limit)


def due(connection: apsw.Connection, now: int, roles: tuple[Role, Role], limit: int) -> list[SwapRow]:
    """Swaps to be looked at now in which the owner has one of two roles, those that wait longest first."""
    return _rows(connection, "due <= ? AND role IN (?, ?)", (now, *roles), limit, "due, s")


def logged(connection: apsw.Connection, after: int, limit: int) -> list[SwapRow]:
    """Swaps that the owner locked or decided as an issuer, above a row number."""
    where = "s > ? AND role IN ('locks', 'decides') AND stage IN ('locked', 'swapped', 'given', 'back')"
    return _rows(connection, where, (after,), limit, "s")


def full(connection: apsw.Connection, row: SwapRow) -> bool:
    """Whether no room is left for another swap of its sender: proposals and what an issuer is asked apart."""
    waits = f"SELECT count(*) FROM credit_swap WHERE {_WAITS} AND role <> 'first'"  # noqa: S608 - a constant
    if connection.execute(f"{waits} AND sender = ?", (row.sender,)).get >= WAITING_OF_ONE:
        return True
    if row.role != "second":
        return bool(connection.execute(f"{waits} AND role <> 'second'").get >= WAITING)
    followed = "SELECT id FROM follow JOIN networker USING (n)"
    if connection.execute(f"SELECT ? IN ({followed})", (row.sender,)).get:
        return bool(connection.execute(f"{waits} AND role = 'second'").get >= WAITING)
    strangers = f"{waits} AND role = 'second' AND sender NOT IN ({followed})"
    return bool(connection.execute(strangers).get >= STRANGERS)


def sweep(writer: Writer, now: int) -> None:
    """Forgets swaps that ended long ago."""
    with writer.transaction() as connection:
        connection.execute("DELETE FROM credit_swap WHERE due IS NULL AND at < ?", (now - KEPT_MS,))


def _rows(
    connection: apsw.Connection, where: str, values: tuple[Any, ...], limit: int, order: str = "s DESC"
) -> list[SwapRow]:
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM credit_swap WHERE {where} ORDER BY {order} LIMIT ?",  # noqa: S608 - constants
        (*values, limit),
    )
    return [SwapRow(*row) for row in found]


# -- rotations that issuers were told of ---------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ToldRow:
    """An issuer was sent the own rotation to an epoch: by which letter, and when (ms UTC)."""

    issuer: bytes
    epoch: int
    letter: int
    at: int


def put_told(writer: Writer, row: ToldRow) -> None:
    """Notes that a letter carries a rotation, inside the open transaction."""
    writer.connection.execute(
        "INSERT OR REPLACE INTO credit_told(issuer, epoch, letter, at) VALUES (?, ?, ?, ?)",
        (row.issuer, row.epoch, row.letter, row.at),
    )


def told(connection: apsw.Connection) -> list[ToldRow]:
    """Which issuers were told of which epoch."""
    found = connection.execute(
        "SELECT issuer, epoch, letter, at FROM credit_told ORDER BY epoch DESC, issuer"
    )
    return [ToldRow(*row) for row in found]
