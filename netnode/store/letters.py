"""Own letters in the store: those on their way out, those that came, and the ids of what came.

Functions of a `Writer` or a `Reader`, for `Store.write` and `Store.read`; those of a Writer join an open transaction,
so that a deal message and the letter that carries it are one. Letters of others that this node keeps: `mailbox`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from netnode.store.reader import Reader
from netnode.store.writer import Writer

State = Literal["queued", "at_mailbox", "delivered", "settled", "refused"]
WAITING: Final = 20_000  # letters on their way out; why: 1 GB at most, where nobody takes any
FINISHED_MS: Final = 400 * 86_400_000  # what came of a letter that is no mail is shown for so long
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
    stranger: bool
    at: int


# -- going out -----------------------------------------------------------------------------------------------
def queue(writer: Writer, letter: Outgoing) -> int:
    """Puts a letter into the outbox, durably, or as a part of the durable transaction that is open; its row number.

    The caller wakes the delivery (`Letters.wake`) once the transaction is over.
    """
    with writer.transaction(durable=True) as connection:
        number: int = connection.execute(
            "INSERT INTO outbox(recipient, host, x25519, type, content, first, id, expires, made, state, since, text,"
            " attempts, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, '', 0, ?) RETURNING i",
            (
                letter.recipient,
                letter.host,
                letter.x25519,
                letter.type,
                letter.content,
                letter.id,
                letter.id,
                letter.expires,
                letter.made,
                letter.made,
                letter.made,
            ),
        ).get
    return number


def settle(writer: Writer, rows: Sequence[int], now: int) -> None:
    """The other side's own words name what these letters brought: nothing is left to do for them."""
    with writer.transaction() as connection:
        connection.executemany(
            "UPDATE outbox SET state = 'settled', since = ?, due = NULL, place = NULL, content = x''"
            " WHERE i = ? AND state <> 'settled'",
            [(now, row) for row in rows],
        )


def out(reader: Reader, row: int) -> OutRow | None:
    """One letter of the outbox."""
    found = _outs(reader, "i = ?", row)
    return found[0] if found else None


def _outs(reader: Reader, condition: str, *values: Any) -> list[OutRow]:
    return [
        OutRow(*row)
        for row in reader.connection.execute(f"SELECT {_OUT} FROM outbox WHERE {condition}", values)  # noqa: S608 - our words
    ]
