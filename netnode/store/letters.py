"""Own letters in the store: those on their way out, those that came, and the ids of what came.

Functions of a `Writer` or a `Reader`, for `Store.write` and `Store.read`; those of a Writer join an open transaction,
so that a deal message and the letter that carries it are one. Letters of others that this node keeps: `mailbox`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import apsw

from netnode.problems import ExitCode, Problem
from netnode.store.reader import Reader
from netnode.store.writer import Writer
from protocol import limits

State = Literal["queued", "at_mailbox", "delivered", "settled", "refused"]
WAITING: Final = 20_000  # letters on their way out; why: 1 GB at most, where nobody takes any
ANSWERS: Final = (
    5_000  # beside them, what the node says by itself of letters that came; why: strangers cause them
)
UNTOLD: Final = 20_000  # letters that came and whose senders are still to be told; why: 1 MB
FINISHED_MS: Final = 400 * 86_400_000  # what came of a letter that is no mail is shown for so long
UNREAD: Final = (
    2_000  # letters that wait for their receiver; why: 100 MB at most, where a receiver cannot go on
)
UNREAD_OF_ONE: Final = 250  # of them, of one sender
KNOWN_OF_ONE: Final = 20_000  # ids of letters of one sender; why: 2 MB in LETTER_DAYS
CORRESPONDENTS: Final = 20_000  # whose tokens are remembered, the newest
FULL: Final = "outbox_full"
OTHER_CLOCK_MS: Final = (30_000, 6 * 3_600_000)  # first and longest pause until who has another date is tried
ANSWERS_TO_ONE: Final = 50  # of them, by one who asks: what became of it they see in the log, or ask again
_ANSWERS: Final = ("ack", "answered", "refused")
_OF_ANSWERS: Final = "type IN ('ack', 'answered', 'refused')"
_OUT: Final = (
    "i, recipient, host, x25519, type, content, first, id, key, expires, made, state, since, place, code, text,"
    " attempts, due"
)
_IN: Final = "i, sender, id, first, type, content, epoch, key, stranger, at"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A letter to be queued.

    Attributes:
        recipient: networker id, or the key of a buyer without a node; 32 bytes.
        type: of the content.
        content: canonical bytes of `letter_bodies.encode_content`, without `first` and `token`.
        id: 16 random bytes.
        expires: ms UTC.
        made: ms UTC.
        host: node that keeps letters for a recipient without a node.
        x25519: what letters to such a recipient are sealed to.
    """

    recipient: bytes
    type: str
    content: bytes = field(repr=False)
    id: bytes
    expires: int
    made: int
    host: bytes | None = None
    x25519: bytes | None = None


@dataclass(frozen=True, slots=True)
class OutRow:
    """A letter on its way out, or at its end: then `due` is None."""

    i: int
    recipient: bytes
    host: bytes | None
    x25519: bytes | None
    type: str
    content: bytes = field(repr=False)
    first: bytes
    id: bytes
    key: bytes | None
    expires: int
    made: int
    state: State
    since: int
    place: bytes | None
    code: str | None
    text: str
    attempts: int
    due: int | None


@dataclass(frozen=True, slots=True)
class InRow:
    """A letter that came and that nobody has looked into yet."""

    i: int
    sender: bytes
    id: bytes
    first: bytes
    type: str
    content: bytes = field(repr=False)
    epoch: int | None
    key: bytes
    stranger: int  # 1: its sender was one
    at: int


@dataclass(frozen=True, slots=True)
class Arriving:
    """A letter that came, opened, its signature checked; `acknowledged`: its sender is to be told by a letter."""

    sender: bytes
    id: bytes
    first: bytes
    expires: int
    type: str
    content: bytes = field(repr=False)
    epoch: int | None
    key: bytes
    stranger: bool
    at: int
    acknowledged: bool
    token: bytes | None = field(default=None, repr=False)


# -- going out -----------------------------------------------------------------------------------------------
def queue(writer: Writer, letter: Outgoing) -> int:
    """Puts a letter into the outbox, durably, or as a part of the durable transaction that is open; its row number.

    The caller wakes the delivery (`Letters.wake`) once the transaction is over.

    Raises:
        Problem: `outbox_full` (exit 4): WAITING letters wait, or ANSWERS of those that the node writes by itself.
    """
    answer = letter.type in _ANSWERS
    most = ANSWERS if answer else WAITING
    with writer.transaction(durable=True) as connection:
        waiting = f"SELECT count(*) FROM outbox WHERE due IS NOT NULL AND ({_OF_ANSWERS}) = ?"  # noqa: S608 - constants
        if connection.execute(waiting, (answer,)).get >= most:
            raise Problem(
                f"{most} letters wait to be delivered: no more are taken until some have arrived.",
                ExitCode.REFUSED,
                FULL,
            )
        number: int = connection.execute(
            "INSERT INTO outbox(recipient, host, x25519, type, content, first, id, expires, made, state, since, text,"
            " attempts, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, '', 0, ?) RETURNING i",
            (
                letter.recipient, letter.host, letter.x25519, letter.type, letter.content, letter.id, letter.id,
                letter.expires, letter.made, letter.made, letter.made,
            ),
        ).get  # fmt: skip
    return number


def crowded(connection: apsw.Connection, recipient: bytes) -> bool:
    """Whether so many letters wait for somebody that what the node says to them by itself is left out."""
    waiting = "SELECT count(*) FROM outbox WHERE recipient = ? AND due IS NOT NULL"
    return bool(connection.execute(waiting, (recipient,)).get >= ANSWERS_TO_ONE)


def written(writer: Writer, first: bytes) -> bool:
    """Whether a letter of this id was put into the outbox before."""
    return writer.connection.execute("SELECT 1 FROM outbox WHERE first = ?", (first,)).get is not None


def settle(writer: Writer, rows: Sequence[int], now: int) -> None:
    """The other side's own words name what these letters brought: nothing is left to do for them."""
    with writer.transaction() as connection:
        connection.executemany(
            "UPDATE outbox SET state = 'settled', since = ?, due = NULL, place = NULL, code = NULL, text = '',"
            " content = x'' WHERE i = ? AND state <> 'settled'",
            [(now, row) for row in rows],
        )


def sealed(writer: Writer, row: OutRow, id: bytes, key: bytes) -> None:
    """Notes under which id and to which key a letter is sealed; a new id durably, before anybody sees it."""
    with writer.transaction(durable=id != row.id) as connection:
        connection.execute("UPDATE outbox SET id = ?, key = ? WHERE i = ?", (id, key, row.i))


def put_off(writer: Writer, rows: Sequence[int], due: int, code: str, text: str) -> None:
    """These letters did not get further; they are tried again at `due` (ms UTC)."""
    with writer.transaction() as connection:
        connection.executemany(
            "UPDATE outbox SET attempts = attempts + 1, due = ?, code = ?, text = ?"
            " WHERE i = ? AND due IS NOT NULL",
            [(due, code, text, row) for row in rows],
        )


def put_off_all(writer: Writer, recipient: bytes, due: int, code: str, text: str) -> None:
    """Nothing gets to this recipient now; all that would be tried before `due` (ms UTC) is tried then."""
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE outbox SET attempts = attempts + 1, due = ?, code = ?, text = ? WHERE recipient = ? AND due < ?",
            (due, code, text, recipient, due),
        )


def at_mailbox(writer: Writer, row: int, host: bytes, due: int, now: int) -> None:
    """A mailbox host keeps this letter; at `due` its recipient is tried again."""
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE outbox SET state = 'at_mailbox', place = ?, since = iif(state = 'at_mailbox', since, ?),"
            " code = NULL, text = '', attempts = attempts + 1, due = ? WHERE i = ? AND due IS NOT NULL",
            (host, now, due, row),
        )


def arrived(writer: Writer, recipient: bytes, ids: Sequence[bytes], now: int) -> int:
    """The recipient has these letters, by their ids of now or of before; how many rows that ended."""
    with writer.transaction() as connection:
        before = connection.total_changes()
        for id in ids:
            connection.execute(
                "UPDATE outbox SET state = 'delivered', since = ?, due = NULL, place = NULL, code = NULL, text = '',"
                " content = iif(type = 'mail', content, x'')"
                " WHERE (id = ? OR first = ?) AND recipient = ? AND due IS NOT NULL",
                (now, id, id, recipient),
            )
        return connection.total_changes() - before


def refused(writer: Writer, who: bytes, id: bytes, code: str, text: str, now: int) -> None:
    """The recipient does not take this letter, also if it had arrived; what was settled stays so.

    One that is over for them and not here is tried again: one of the two clocks is wrong, and may be set right.

    Args:
        writer: of the store.
        who: says so: the recipient, or the mailbox host that keeps it and has heard it from them.
        id: of the letter.
        code: for machines.
        text: for a person.
        now: ms UTC.
    """
    with writer.transaction() as connection:
        if code == "letter_expired":
            connection.execute(
                "UPDATE outbox SET state = 'queued', place = NULL, code = ?, text = ?, attempts = attempts + 1,"
                " due = ? + min(? << min(attempts, 20), ?)"
                " WHERE (id = ? OR first = ?) AND (recipient = ? OR (place = ? AND state = 'at_mailbox'))"
                " AND due IS NOT NULL AND expires > ?",
                (code, text, now, *OTHER_CLOCK_MS, id, id, who, who, now),
            )
            if connection.changes():
                return
        connection.execute(
            "UPDATE outbox SET state = 'refused', since = ?, due = NULL, place = NULL, code = ?, text = ?,"
            " content = iif(type = 'mail', content, x'')"
            " WHERE (id = ? OR first = ?) AND (recipient = ? OR (place = ? AND state = 'at_mailbox'))"
            " AND state IN ('queued', 'at_mailbox', 'delivered')",
            (now, code, text, id, id, who, who),
        )


def again(writer: Writer, who: bytes, id: bytes, now: int) -> None:
    """A letter has to be sealed again, since its key or its signer's is not in force any more; `who` as `refused`."""
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE outbox SET state = 'queued', since = ?, key = x'', place = NULL, due = ?"
            " WHERE (id = ? OR first = ?) AND (recipient = ? OR (place = ? AND state = 'at_mailbox'))"
            " AND due IS NOT NULL",
            (now, now, id, id, who, who),
        )


def out(reader: Reader, row: int) -> OutRow | None:
    """One letter of the outbox."""
    found = _outs(reader, "i = ?", row)
    return found[0] if found else None


def waiting(reader: Reader, recipient: bytes, before: int, limit: int, after: int = 0) -> list[OutRow]:
    """Letters to one recipient that were to be tried before a time (ms UTC), the oldest first, above a number."""
    return _outs(
        reader, "recipient = ? AND due <= ? AND i > ? ORDER BY i LIMIT ?", recipient, before, after, limit
    )


def waits_for(reader: Reader, recipient: bytes) -> int:
    """How many letters to one recipient are on their way."""
    count: int = reader.connection.execute(
        "SELECT count(*) FROM outbox WHERE recipient = ? AND due IS NOT NULL", (recipient,)
    ).get
    return count


def recipients(reader: Reader, now: int) -> list[bytes]:
    """To whom letters are due, whoever waits longest first."""
    found = reader.connection.execute(
        "SELECT recipient FROM outbox WHERE due <= ? GROUP BY recipient ORDER BY min(due), recipient", (now,)
    )
    return [row[0] for row in found]


def written_to(reader: Reader, most: int) -> list[bytes]:
    """To whom letters of the owner are on their way, the longest waiting first; not who is told that a letter came."""
    found = reader.connection.execute(
        "SELECT recipient FROM outbox WHERE due IS NOT NULL AND type != 'ack'"
        " GROUP BY recipient ORDER BY min(i) LIMIT ?",
        (most,),
    )
    return [row[0] for row in found]


def next_due(reader: Reader, now: int) -> int | None:
    """When the next letter falls due after a time, own or others' (ms UTC); None when none does."""
    moments = reader.connection.execute(
        "SELECT (SELECT min(due) FROM outbox WHERE due > :now), (SELECT min(due) FROM mailbox WHERE due > :now)",
        {"now": now},
    ).fetchone()
    return min((each for each in moments or () if each is not None), default=None)


def _outs(reader: Reader, condition: str, *values: Any) -> list[OutRow]:
    found = reader.connection.execute(f"SELECT {_OUT} FROM outbox WHERE {condition}", values)  # noqa: S608 - our words
    return [OutRow(*row) for row in found]


# -- coming in -----------------------------------------------------------------------------------------------
def known(reader: Reader, sender: bytes, id: bytes) -> bool:
    """Whether a letter of this id came before."""
    found = reader.connection.execute(
        "SELECT 1 FROM letter_known WHERE sender = ? AND id = ?", (sender, id)
    ).get
    return found is not None


def take(writer: Writer, letter: Arriving) -> bool:
    """Stores a letter that came, and its id for as long as it could come again, durably; False: it came before."""
    with writer.transaction(durable=True) as connection:
        fresh = (
            connection.execute(
                "SELECT 1 FROM letter_known WHERE sender = ? AND id IN (?, ?)",
                (letter.sender, letter.id, letter.first),
            ).get
            is None
        )
        for id in {letter.id: None, letter.first: None}:
            connection.execute(
                "INSERT INTO letter_known(sender, id, expires) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET expires = max(expires, excluded.expires)",
                (letter.sender, id, letter.expires),
            )
        if letter.acknowledged:
            acknowledge(writer, letter.sender, letter.id)
        if letter.token is not None:
            connection.execute(
                "INSERT OR REPLACE INTO correspondent(id, token, at) VALUES (?, ?, ?)",
                (letter.sender, letter.token, letter.at),
            )
        if fresh:
            connection.execute(
                "INSERT INTO inbox(sender, id, first, type, content, epoch, key, stranger, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    letter.sender, letter.id, letter.first, letter.type, letter.content, letter.epoch, letter.key,
                    letter.stranger, letter.at,
                ),
            )  # fmt: skip
    return fresh


def acknowledge(writer: Writer, sender: bytes, id: bytes) -> None:
    """Has a sender told that this letter is here, unless UNTOLD wait for that already."""
    with writer.transaction(durable=True) as connection:
        if connection.execute("SELECT count(*) FROM ack").get < UNTOLD:
            connection.execute("INSERT OR IGNORE INTO ack(sender, id) VALUES (?, ?)", (sender, id))


def unacknowledged(reader: Reader) -> list[tuple[bytes, list[bytes]]]:
    """Whom to tell of which letters, at most MAX_ACKS of each."""
    found: dict[bytes, list[bytes]] = {}
    for sender, id in reader.connection.execute("SELECT sender, id FROM ack ORDER BY sender, id"):
        ids = found.setdefault(sender, [])
        if len(ids) < limits.MAX_ACKS:
            ids.append(id)
    return list(found.items())


def acknowledged(writer: Writer, letter: Outgoing, ids: Sequence[bytes]) -> None:
    """Queues the letter that acknowledges these."""
    with writer.transaction(durable=True) as connection:
        queue(writer, letter)
        connection.executemany(
            "DELETE FROM ack WHERE sender = ? AND id = ?", [(letter.recipient, id) for id in ids]
        )


def incoming(reader: Reader, after: int, limit: int) -> list[InRow]:
    """Letters that wait for their receiver, in the order in which they came."""
    found: list[Any] = reader.connection.execute(
        f"SELECT {_IN} FROM inbox WHERE i > ? ORDER BY i LIMIT ?",  # noqa: S608 - our words
        (after, limit),
    ).fetchall()
    return [InRow(*row) for row in found]


def done(writer: Writer, row: int, answer: Outgoing | None = None) -> None:
    """A letter that came is dealt with; an answer that refuses it is queued with that."""
    with writer.transaction(durable=answer is not None) as connection:
        if answer is not None:
            queue(writer, answer)
        connection.execute("DELETE FROM inbox WHERE i = ?", (row,))


def unread(reader: Reader, sender: bytes) -> tuple[int, int]:
    """How many letters wait for their receiver: of all, and of one sender."""
    both: Any = reader.connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE sender = ?) FROM inbox", (sender,)
    ).fetchone()
    return both[0], both[1]


def remembered(reader: Reader, sender: bytes) -> int:
    """How many ids of letters of one sender are remembered."""
    count: int = reader.connection.execute(
        "SELECT count(*) FROM letter_known WHERE sender = ?", (sender,)
    ).get
    return count


def token_of(reader: Reader, correspondent: bytes) -> bytes | None:
    """The token this networker or buyer gave, newest first, for letters to them."""
    token: bytes | None = reader.connection.execute(
        "SELECT token FROM correspondent WHERE id = ?", (correspondent,)
    ).get
    return token


# -- figures, and what has had its time ------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Figures:
    """How many letters wait."""

    queued: int
    at_mailbox: int
    refused: int
    incoming: int


def figures(reader: Reader) -> Figures:
    """How many letters wait, out and in."""
    states: dict[str, int] = dict(
        reader.connection.execute(
            "SELECT state, count(*) FROM outbox WHERE due IS NOT NULL OR state = 'refused' GROUP BY state"
        )
    )
    waiting: int = reader.connection.execute("SELECT count(*) FROM inbox").get
    return Figures(states.get("queued", 0), states.get("at_mailbox", 0), states.get("refused", 0), waiting)


def sweep(writer: Writer, now: int) -> int:
    """Ends the letters whose time is over, and forgets what nobody asks for any more; how many ended."""
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE outbox SET since = ?, due = NULL, state = 'refused',"
            " content = iif(type = 'mail', content, x''),"
            " text = iif(text = '', 'nobody took it in time', text), code = 'letter_expired', place = NULL"
            " WHERE expires < ? AND due IS NOT NULL",
            (now, now),
        )
        ended = connection.changes()
        connection.execute("DELETE FROM letter_known WHERE expires < ?", (now - limits.CLOCK_TOLERANCE_MS,))
        connection.execute(
            f"DELETE FROM outbox WHERE due IS NULL AND ({_OF_ANSWERS}"  # noqa: S608 - constants
            " OR (type <> 'mail' AND since < ?))",
            (now - FINISHED_MS,),
        )
        connection.execute(
            "DELETE FROM correspondent WHERE id NOT IN (SELECT id FROM correspondent ORDER BY at DESC, id LIMIT ?)",
            (CORRESPONDENTS,),
        )
    return ended
