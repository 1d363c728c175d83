"""Mandates in the store: which deals have one, the buyer's statements on them, and their renewals.

Functions of a `Writer`, or of the connection of a reader or writer. The deals are the truth: `scan` finds those that
came since it was called last.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import apsw
from msgspec import UNSET

from netnode.store.writer import Writer
from protocol.deals.bodies import Order, Renewal
from protocol.deals.message import parse

AT_ONCE: Final = 1_000  # deals looked at in one transaction
_MARK: Final = "mandates_scanned"


@dataclass(frozen=True, slots=True)
class MandateRow:
    """What is kept of one mandate beside its order.

    Attributes:
        number: of the deal's row.
        asked: price that the seller asks for, minor units; None when nobody asked for another.
        agreed: the price the buyer consented to when the seller asked for it; None: that of the order.
        word: what the seller wrote with that.
        stopped: whether the owner, its seller, renews it no more.
        copies: how often the store was a copy when the other side last told the statements it has.
        asking: how often it was one when the other side was asked for them.
    """

    number: int
    asked: int | None
    agreed: int | None
    word: str
    stopped: bool
    copies: int
    asking: int


def scan(connection: apsw.Connection) -> bool:
    """Finds mandates and renewals among new deals, inside the writer's open transaction; whether more are left."""
    mark: bytes | None = connection.execute("SELECT value FROM meta WHERE name = ?", (_MARK,)).get
    last = 0 if mark is None else int.from_bytes(mark, "big")
    rows: list[Any] = connection.execute(
        "SELECT deal.d, data, deal.copies FROM deal JOIN deal_message AS m ON m.d = deal.d AND m.id = deal.id"
        " WHERE deal.d > ? ORDER BY deal.d LIMIT ?",
        (last, AT_ONCE),
    ).fetchall()
    for number, data, copies in rows:
        match parse(data).body:
            case Order(mandate=mandate) if mandate is not UNSET:
                connection.execute(
                    "INSERT OR IGNORE INTO mandate(d, word, stopped, copies, asking) VALUES (?, '', 0, ?, ?)",
                    (number, copies, copies),
                )
            case Renewal(first=first, turn=turn):
                connection.execute(
                    "INSERT OR IGNORE INTO renewal(d, first, turn) VALUES (?, ?, ?)",
                    (number, hashlib.sha256(first).digest(), turn),
                )
            case _:
                pass
        last = number
    if rows:
        connection.execute(
            "INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", (_MARK, last.to_bytes(8, "big"))
        )
    return len(rows) == AT_ONCE


def mandate(connection: apsw.Connection, number: int) -> MandateRow | None:
    """The mandate of a deal."""
    found: Any = connection.execute(
        "SELECT asked, agreed, word, stopped, copies, asking FROM mandate WHERE d = ?", (number,)
    ).fetchone()
    if found is None:
        return None
    asked, agreed, word, stopped, copies, asking = found
    return MandateRow(number, asked, agreed, word, bool(stopped), copies, asking)


def numbers(connection: apsw.Connection, role: str) -> list[int]:
    """Rows of the deals with a mandate in which the owner has a role, the oldest first."""
    return [
        number
        for (number,) in connection.execute(
            "SELECT mandate.d FROM mandate JOIN deal ON deal.d = mandate.d WHERE role = ? ORDER BY mandate.d",
            (role,),
        )
    ]


def ask(writer: Writer, number: int, price: int | None, word: str) -> None:
    """Writes down the price that the seller asks for."""
    writer.connection.execute("UPDATE mandate SET asked = ?, word = ? WHERE d = ?", (price, word, number))


def agree(writer: Writer, number: int, price: int) -> None:
    """Writes down the price that both sides have said."""
    writer.connection.execute("UPDATE mandate SET agreed = ? WHERE d = ?", (price, number))


def stop(writer: Writer, number: int, stopped: bool) -> None:
    """Writes down whether the seller renews it."""
    writer.connection.execute("UPDATE mandate SET stopped = ? WHERE d = ?", (stopped, number))


def told(writer: Writer, number: int, copies: int) -> None:
    """The other side has told all statements it has."""
    writer.connection.execute("UPDATE mandate SET copies = ? WHERE d = ?", (copies, number))


def asking(writer: Writer, number: int, copies: int) -> None:
    """The other side is asked for all statements it has."""
    writer.connection.execute("UPDATE mandate SET asking = ? WHERE d = ?", (copies, number))


def put_statement(writer: Writer, number: int, id: bytes, data: bytes, now: int) -> None:
    """Keeps a statement; one that is there already stays as it is."""
    writer.connection.execute(
        "INSERT OR IGNORE INTO mandate_statement(d, id, data, at, letter) VALUES (?, ?, ?, ?, NULL)",
        (number, id, data, now),
    )


def carried(writer: Writer, number: int, id: bytes, letter: int | None) -> None:
    """Writes down which letter carries an own statement."""
    writer.connection.execute(
        "UPDATE mandate_statement SET letter = ? WHERE d = ? AND id = ?", (letter, number, id)
    )


def statements(connection: apsw.Connection, number: int) -> list[bytes]:
    """The statements on a mandate."""
    return [
        data
        for (data,) in connection.execute(
            "SELECT data FROM mandate_statement WHERE d = ? ORDER BY id", (number,)
        )
    ]


def letter(connection: apsw.Connection, number: int) -> int | None:
    """The row of the letter that carries the newest own statement."""
    found: int | None = connection.execute(
        "SELECT max(letter) FROM mandate_statement WHERE d = ?", (number,)
    ).get
    return found


def renewals(connection: apsw.Connection, first: bytes) -> list[tuple[int, int]]:
    """(turn, number of the deal's row) of the renewals of an order, by turn."""
    return [
        (turn, number)
        for turn, number in connection.execute(
            "SELECT turn, d FROM renewal WHERE first = ? ORDER BY turn, d", (first,)
        )
    ]
