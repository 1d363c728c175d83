"""Letters of others in the store: kept for their recipients, or on their way through this node.

Functions of a `Writer` or a `Reader`. Nobody here can read what is in them. A letter with a `due` is brought on its
way by this node; any other waits for its recipient to come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from netnode.store.reader import Reader
from netnode.store.writer import Writer
from protocol.letters import Letter

ROW_BYTES: Final = 512  # what a letter takes beside its own bytes
FORWARDED: Final = 10_000  # letters on their way through; why: 600 MB at most
OF_SENDER: Final = 128  # of them, of one sender; why: more than a deal of many parts takes in a month
_KEPT: Final = "i, recipient, sender, id, carrier, letter, expires, attempts, due"


@dataclass(frozen=True, slots=True)
class Kept:
    """A letter of others; `due` is None where it waits for its recipient to come."""

    i: int
    recipient: bytes
    sender: bytes
    id: bytes
    carrier: bytes
    letter: bytes = field(repr=False)
    expires: int
    attempts: int
    due: int | None


@dataclass(frozen=True, slots=True)
class Use:
    """What letters for one recipient take: all together, and those one carrier brought."""

    recipient: int
    carrier: int


def keep(writer: Writer, letter: Letter, carrier: bytes, stranger: bool, now: int) -> bool:
    """Keeps a letter for its recipient, durably; False: it was here already."""
    return _insert(writer, letter, carrier, stranger, now, None) is not None


def forward(writer: Writer, letter: Letter, carrier: bytes, now: int) -> bool:
    """Takes a letter that this node brings on its way, durably, or in the durable transaction that is open.

    Returns:
        Whether it is here, now or already; False: FORWARDED are on their way, or OF_SENDER of its sender.
    """
    with writer.transaction(durable=True) as connection:
        together, of_sender = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE sender = ?) FROM mailbox WHERE due IS NOT NULL",
            (letter.envelope.sender,),
        ).fetchone() or (0, 0)
        if together < FORWARDED and of_sender < OF_SENDER:
            _insert(writer, letter, carrier, True, now, now)
            return True
        return holds(Reader(connection), letter)


def _insert(
    writer: Writer, letter: Letter, carrier: bytes, stranger: bool, now: int, due: int | None
) -> int | None:
    envelope = letter.envelope
    with writer.transaction(durable=True) as connection:
        number: int | None = connection.execute(
            "INSERT OR IGNORE INTO mailbox(recipient, sender, id, carrier, stranger, bytes, letter, since, expires,"
            " attempts, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?) RETURNING i",
            (
                envelope.recipient, envelope.sender, envelope.id, carrier, stranger, len(letter.data) + ROW_BYTES,
                letter.data, now, envelope.expires, due,
            ),
        ).get  # fmt: skip
    return number


def holds(reader: Reader, letter: Letter) -> bool:
    """Whether this letter is here."""
    envelope = letter.envelope
    found = reader.connection.execute(
        "SELECT 1 FROM mailbox WHERE recipient = ? AND sender = ? AND id = ?",
        (envelope.recipient, envelope.sender, envelope.id),
    ).get
    return found is not None


def use(reader: Reader, recipient: bytes, carrier: bytes) -> Use:
    """What letters kept for a recipient take here, in bytes; what is on its way through has room of its own."""
    both: Any = reader.connection.execute(
        "SELECT total(bytes), total(bytes) FILTER (WHERE carrier = ?) FROM mailbox WHERE recipient = ?"
        " AND due IS NULL",
        (carrier, recipient),
    ).fetchone()
    return Use(int(both[0]), int(both[1]))


def used_by_strangers(reader: Reader, carrier: bytes) -> tuple[int, int]:
    """What kept letters of strangers take here in bytes: of all, and of those that one carrier brought."""
    both: Any = reader.connection.execute(
        "SELECT total(bytes), total(bytes) FILTER (WHERE carrier = ?) FROM mailbox WHERE stranger"
        " AND due IS NULL",
        (carrier,),
    ).fetchone()
    return int(both[0]), int(both[1])


def kept_for(
    reader: Reader, recipient: bytes, after: int, limit: int, on_their_way: bool = False, before: int = 2**62
) -> list[Kept]:
    """Letters for one recipient, the oldest first, above a number.

    Args:
        reader: of the store.
        recipient: 32 bytes.
        after: a number.
        limit: how many at most.
        on_their_way: only those that this node brings on their way, and that are due before a time.
        before: that time, ms UTC.
    """
    which = " AND due <= ?" if on_their_way else ""
    values = (recipient, after, before, limit) if on_their_way else (recipient, after, limit)
    return _all(reader, f"recipient = ? AND i > ?{which} ORDER BY i LIMIT ?", *values)


def recipients(reader: Reader, now: int) -> list[bytes]:
    """For whom letters that this node brings on their way are due."""
    found = reader.connection.execute(
        "SELECT recipient FROM mailbox WHERE due <= ? GROUP BY recipient ORDER BY min(due), recipient", (now,)
    )
    return [row[0] for row in found]


def put_off(writer: Writer, rows: Sequence[int], due: int) -> None:
    """These letters did not get further; those on their way are tried again at `due`."""
    with writer.transaction() as connection:
        connection.executemany(
            "UPDATE mailbox SET attempts = attempts + 1, due = ? WHERE i = ? AND due IS NOT NULL",
            [(due, row) for row in rows],
        )


def remove(writer: Writer, rows: Sequence[int]) -> None:
    """Lets go of letters that their recipient has, or does not take."""
    with writer.transaction() as connection:
        connection.executemany("DELETE FROM mailbox WHERE i = ?", [(row,) for row in rows])


def sweep(writer: Writer, now: int) -> int:
    """Lets go of letters whose time is over; how many."""
    with writer.transaction() as connection:
        connection.execute("DELETE FROM mailbox WHERE expires < ?", (now,))
        return connection.changes()


def figures(reader: Reader) -> tuple[int, int]:
    """How many letters of others are here, and their bytes."""
    both: Any = reader.connection.execute("SELECT count(*), total(bytes) FROM mailbox").fetchone()
    return int(both[0]), int(both[1])


def _all(reader: Reader, condition: str, *values: Any) -> list[Kept]:
    found = reader.connection.execute(f"SELECT {_KEPT} FROM mailbox WHERE {condition}", values)  # noqa: S608 - our words
    return [Kept(*row) for row in found]
