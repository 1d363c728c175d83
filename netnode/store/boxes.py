"""Boxes in the store: letters to buyers without a node, which stay until they expire.

Functions of a `Writer` or a `Reader`. A box takes letters of its owner (kept for another device of theirs), of those
its owner wrote to, and a few of strangers, each sort within a bound of its own: nobody fills another's room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import apsw

from netnode.store.reader import Reader
from netnode.store.writer import Writer
from protocol.certificate import DAY_MS
from protocol.letters import Letter

BOXES: Final = (
    100_000  # why: 20 MB without letters; a page that brings so many buyers is a business of its own
)
BYTES: Final = 1024 * 1024 * 1024  # letters in all boxes
LETTERS: Final = 128  # of one sender in one box; why: more than a deal of many parts takes in a month
PARTNERS: Final = (
    16  # to whom the owner of one box writes; why: one deal has a seller, and an arbiter perhaps
)
STRANGERS: Final = 16  # letters in one box of those its owner never wrote to, such as an arbiter
NEW_MS: Final = 7 * DAY_MS  # why: a box that nobody ever answered is forgotten soon, so floods of them are
ANSWERED_MS: Final = 400 * DAY_MS  # why: as long as any deadline of a deal

Kept = Literal["kept", "no_box", "full"]


@dataclass(frozen=True, slots=True)
class Figures:
    """How many boxes there are, how many letters in them, and their bytes."""

    boxes: int
    letters: int
    bytes: int


def open_box(writer: Writer, key: bytes, partner: bytes | None, now: int) -> bool:
    """Opens a box, or keeps it open; `partner`: whom its owner writes to now. Joins an open transaction.

    Returns:
        False: there are BOXES already, or its owner wrote to PARTNERS others.
    """
    with writer.transaction(durable=True) as connection:
        box = _box(connection, key)
        if box is None:
            if connection.execute("SELECT count(*) FROM box").get >= BOXES:
                return False
            box = connection.execute(
                "INSERT INTO box(key, until) VALUES (?, ?) RETURNING b", (key, now + NEW_MS)
            ).get
        else:
            connection.execute("UPDATE box SET until = max(until, ?) WHERE b = ?", (now + NEW_MS, box))
        if partner is not None and partner != key:
            connection.execute("INSERT OR IGNORE INTO box_partner(b, id) VALUES (?, ?)", (box, partner))
            if connection.execute("SELECT count(*) FROM box_partner WHERE b = ?", (box,)).get > PARTNERS:
                connection.execute("DELETE FROM box_partner WHERE b = ? AND id = ?", (box, partner))
                return False
    return True


def put(writer: Writer, letter: Letter, now: int) -> Kept:
    """Puts a letter into its recipient's box, durably; one that is there already is kept."""
    envelope = letter.envelope
    with writer.transaction(durable=True) as connection:
        box = _box(connection, envelope.recipient)
        if box is None:
            return "no_box"
        known = connection.execute(
            "SELECT 1 FROM box_letter WHERE b = ? AND sender = ? AND id = ?",
            (box, envelope.sender, envelope.id),
        ).get
        if known is not None:
            return "kept"
        if not _has_room(connection, box, letter):
            return "full"
        connection.execute(
            "INSERT INTO box_letter(b, sender, id, expires, letter) VALUES (?, ?, ?, ?, ?)",
            (box, envelope.sender, envelope.id, envelope.expires, letter.data),
        )
        if envelope.sender != envelope.recipient:
            connection.execute("UPDATE box SET until = max(until, ?) WHERE b = ?", (now + ANSWERED_MS, box))
    return "kept"


def _has_room(connection: apsw.Connection, box: int, letter: Letter) -> bool:
    sender, owner = letter.envelope.sender, letter.envelope.recipient
    if _bytes(connection) + len(letter.data) > BYTES:
        return False
    wrote_to = "SELECT 1 FROM box_partner WHERE b = ? AND id = ?"
    if sender == owner or connection.execute(wrote_to, (box, sender)).get is not None:
        mine = "SELECT count(*) FROM box_letter WHERE b = ? AND sender = ?"
        return bool(connection.execute(mine, (box, sender)).get < LETTERS)
    strangers = connection.execute(
        "SELECT count(*) FROM box_letter WHERE b = ? AND sender <> ?"
        " AND sender NOT IN (SELECT id FROM box_partner WHERE b = ?)",
        (box, owner, box),
    ).get
    return bool(strangers < STRANGERS)


def letters_in(reader: Reader, key: bytes, after: int, limit: int, now: int) -> list[tuple[int, bytes]]:
    """Number and bytes of the letters of a box above a number, in the order they came; none when there is no box."""
    rows: list[Any] = reader.connection.execute(
        "SELECT i, letter FROM box_letter JOIN box USING (b) WHERE key = ? AND i > ? AND expires > ?"
        " ORDER BY i LIMIT ?",
        (key, after, now, limit),
    ).fetchall()
    return [(number, letter) for number, letter in rows]


def sweep(writer: Writer, now: int) -> None:
    """Lets go of letters whose time is over, and of boxes that are empty and out of use."""
    with writer.transaction() as connection:
        connection.execute("DELETE FROM box_letter WHERE expires <= ?", (now,))
        over = "SELECT b FROM box WHERE until <= ? AND b NOT IN (SELECT b FROM box_letter)"
        connection.execute(f"DELETE FROM box_partner WHERE b IN ({over})", (now,))  # noqa: S608 - our words
        connection.execute(f"DELETE FROM box WHERE b IN ({over})", (now,))  # noqa: S608 - our words


def figures(reader: Reader) -> Figures:
    """What is kept for buyers without a node."""
    connection = reader.connection
    boxes: int = connection.execute("SELECT count(*) FROM box").get
    letters: int = connection.execute("SELECT count(*) FROM box_letter").get
    return Figures(boxes, letters, _bytes(connection))


def _bytes(connection: apsw.Connection) -> int:
    return int(connection.execute("SELECT total(length(letter)) FROM box_letter").get)


def _box(connection: apsw.Connection, key: bytes) -> int | None:
    found: int | None = connection.execute("SELECT b FROM box WHERE key = ?", (key,)).get
    return found
