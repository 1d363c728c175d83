"""Mail in the store: what came from others, beside what was sent (which stays in the outbox).

Functions of a `Writer` or a `Reader`. Both directions are listed together, the newest first: by time, then number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from netnode.store.letters import OutRow, out
from netnode.store.reader import Reader
from netnode.store.writer import Writer

Box = Literal["all", "in", "out"]
Place = tuple[int, int, int]
"""Time, 0 for sent and 1 for received, number: where a mail stands in the list."""

_CAME: Final = "i, sender, first, re, subject, text, at, read"


@dataclass(frozen=True, slots=True)
class MailRow:
    """A mail that came."""

    i: int
    sender: bytes
    first: bytes
    re: bytes | None
    subject: str = field(repr=False)
    text: str = field(repr=False)
    at: int
    read: int  # 0: not yet


def put(
    writer: Writer,
    sender: bytes,
    first: bytes,
    re: bytes | None,
    subject: str,
    text: str,
    stranger: bool,
    at: int,
) -> None:
    """Keeps a mail that came; one that is here already stays as it is."""
    with writer.transaction() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO mail(sender, first, re, subject, text, stranger, at, read)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
            (sender, first, re, subject, text, stranger, at),
        )


def came(reader: Reader, number: int) -> MailRow | None:
    """One mail that came."""
    row: Any = reader.connection.execute(f"SELECT {_CAME} FROM mail WHERE i = ?", (number,)).fetchone()  # noqa: S608
    return None if row is None else MailRow(*row)


def mark_read(writer: Writer, number: int) -> None:
    """Its owner has read a mail."""
    with writer.transaction() as connection:
        connection.execute("UPDATE mail SET read = 1 WHERE i = ? AND NOT read", (number,))


def remove(writer: Writer, number: int) -> None:
    """Lets go of a mail that came: its sender, or all strangers, have room for others then."""
    with writer.transaction(durable=True) as connection:
        connection.execute("DELETE FROM mail WHERE i = ?", (number,))


def remove_sent(writer: Writer, number: int) -> bool:
    """Lets go of a mail that was sent; False while it is on its way."""
    with writer.transaction(durable=True) as connection:
        connection.execute("DELETE FROM outbox WHERE i = ? AND type = 'mail' AND due IS NULL", (number,))
        return connection.changes() > 0


def find(reader: Reader, other: bytes, first: bytes) -> str | None:
    """The id under which a mail that another one answers is shown: one sent to `other`, or one that came from them."""
    number: int | None = reader.connection.execute(
        "SELECT i FROM mail WHERE sender = ? AND first = ?", (other, first)
    ).get
    if number is not None:
        return f"in-{number}"
    number = reader.connection.execute(
        "SELECT i FROM outbox WHERE recipient = ? AND first = ? AND type = 'mail'", (other, first)
    ).get
    return None if number is None else f"out-{number}"


def page(reader: Reader, box: Box, before: Place | None, limit: int) -> list[tuple[Place, MailRow | OutRow]]:
    """The mails below a place of the list, the newest first."""
    found: list[tuple[Place, MailRow | OutRow]] = []
    rows: list[Any] = reader.connection.execute(
        "SELECT at, side, i FROM (SELECT at, 1 AS side, i FROM mail WHERE :box <> 'out'"
        " UNION ALL SELECT made, 0, i FROM outbox WHERE type = 'mail' AND :box <> 'in')"
        " WHERE (at, side, i) < (:at, :side, :i) ORDER BY at DESC, side DESC, i DESC LIMIT :limit",
        {
            "box": box,
            "at": 2**62 if before is None else before[0],
            "side": 2 if before is None else before[1],
            "i": 0 if before is None else before[2],
            "limit": limit,
        },
    ).fetchall()
    for at, side, number in rows:
        row = came(reader, number) if side else out(reader, number)
        if row is not None:
            found.append(((at, side, number), row))
    return found


def unread(reader: Reader) -> int:
    """How many mails that came were not read yet."""
    count: int = reader.connection.execute("SELECT count(*) FROM mail WHERE NOT read").get
    return count


def use(reader: Reader, sender: bytes) -> tuple[int, int]:
    """Bytes of the mails that came: from one sender, and from all strangers together."""
    both: Any = reader.connection.execute(
        "SELECT total(length(CAST(text AS BLOB)) + 512) FILTER (WHERE sender = ?),"
        " total(length(CAST(text AS BLOB)) + 512) FILTER (WHERE stranger) FROM mail",
        (sender,),
    ).fetchone()
    return int(both[0]), int(both[1])
