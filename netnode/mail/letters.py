"""Letters as the rest of the node uses them: written, received by type, and what became of each.

    number = await letters.send(recipient, Mail(text="..."))          # durable when it returns
    draft = letters.draft(recipient, DealLetter(messages=(...)))      # or as a part of another transaction:
    store.letters.queue(writer, draft)                                #   inside `writer.transaction(durable=True)`
    letters.wake()                                                    #   once it is over

A letter that came is durable before its sender is told so, and is then given to the receiver of its type. A receiver
may be given the same letter again after a crash: it must be able to take it twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from netnode.ports import Clock, Entropy
from netnode.problems import ExitCode, Problem
from netnode.store import Store, mailbox
from netnode.store import letters as rows
from netnode.store.letters import Outgoing, OutRow, State
from protocol import letter_bodies, letters, limits
from protocol.certificate import DAY_MS
from protocol.deals.enclosures import ReplyTo
from protocol.errors import LocalProtocolError, NotHeld
from protocol.letter_bodies import LetterBody, Reply
from protocol.letters import Letter

EXPIRES_MS: Final = limits.LETTER_DAYS * DAY_MS


@dataclass(frozen=True, slots=True)
class Incoming:
    """A letter that came, opened, its signature checked.

    Attributes:
        sender: networker id, or the key of a buyer without a node; 32 bytes.
        epoch: of the sender's signing key; None for a bare key.
        key: that signing key.
        id: of the letter.
        first: id under which the same content was sealed first: the same letter, however often it comes.
        stranger: whether its sender was a stranger to this node.
        body: what it says.
        at: when it came, ms UTC.
        reply: where an answer goes, as the sender says; None: they do not.
    """

    sender: bytes
    epoch: int | None
    key: bytes
    id: bytes
    first: bytes
    stranger: bool
    body: LetterBody = field(repr=False)
    at: int
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a letter is: since when (ms UTC), and why it is not further, for machines and for a person."""

    state: State
    at: int
    code: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """The receiver has it, durably or in a transaction that comes before the next one of the store."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The receiver does not take it; its sender is told code and text."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Later:
    """It is too early for the receiver, which is given the letter again in a moment."""


Receiver = Callable[[Incoming], Awaitable[Taken | Refusal | Later]]
"""Takes letters of one type. A Problem it raises (a full disk) leaves the letter for another time."""


class Letters:
    """The letters of this node's networker.

    Args:
        store: holds them.
        clock: dates them.
        entropy: their ids.

    Attributes:
        due: something is to be sent, or somebody was met.
        collecting: the node began a moment ago, and own mailbox hosts may still hand over older letters.
    """

    def __init__(self, store: Store, clock: Clock, entropy: Entropy) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._receivers: dict[str, Receiver] = {}
        self._met: dict[bytes, None] = {}
        self.due = asyncio.Event()
        self.collecting = False

    # -- writing ---------------------------------------------------------------------------------------------
    def draft(
        self,
        recipient: bytes,
        body: LetterBody,
        *,
        reply: ReplyTo | Reply | None = None,
        expires: int | None = None,
        id: bytes | None = None,
    ) -> Outgoing:
        """A letter for `store.letters.queue`.

        Args:
            recipient: networker id, or the key of a buyer without a node; 32 bytes.
            body: what it says.
            reply: where letters to a buyer without a node go, as their order says; of a networker what they said
                themselves, for when nothing of their log is here.
            expires: ms UTC; None: after LETTER_DAYS.
            id: by which the writer knows it again; None: a random one.

        Raises:
            Problem: `letter` (exit 2): it is too long for a letter.
        """
        try:
            content = letter_bodies.encode_content(body)
        except LocalProtocolError as error:
            raise Problem(f"This cannot be sent: {error.text}.", ExitCode.USAGE, "letter") from error
        now = self._clock.now_ms()
        return Outgoing(
            recipient=recipient,
            type=letter_bodies.type_of(body),
            content=content,
            id=id or self._entropy.token(limits.LETTER_ID_BYTES),
            expires=min(now + EXPIRES_MS, expires or now + EXPIRES_MS),
            made=now,
            host=None if reply is None else reply.host or None,
            x25519=None if reply is None else reply.x25519,
        )

    async def send(
        self,
        recipient: bytes,
        body: LetterBody,
        *,
        reply: ReplyTo | Reply | None = None,
        expires: int | None = None,
    ) -> int:
        """Queues a letter, durably; its row number. Arguments and errors as of `draft`.

        Raises:
            Problem: `outbox_full` (exit 4): too many letters wait; or the disk.
        """
        number = await self._store.write(
            rows.queue, self.draft(recipient, body, reply=reply, expires=expires)
        )
        self.wake()
        return number

    def wake(self) -> None:
        """Has what is queued looked at now."""
        self.due.set()

    def met(self, networker: bytes) -> None:
        """A session with this networker is open: what waits for it is looked at now."""
        self._met[networker] = None
        self.wake()

    def just_met(self) -> list[bytes]:
        """Who was met since the last call."""
        met, self._met = list(self._met), {}
        return met

    async def forward(self, data: bytes, carrier: bytes) -> None:
        """Takes a whole letter of somebody else that this node brings on its way, durably.

        Args:
            data: the letter.
            carrier: this node's networker, or whoever is answerable for it.

        Raises:
            NotHeld: `letter_expired`; `mailbox_full`: too many letters are on their way, of all or of this sender.
            RemoteProtocolError: `letter`.
            Problem: the disk.
        """
        letter = letters.parse(data)
        check_expiry(letter, self._clock.now_ms())
        if not await self._store.write(mailbox.forward, letter, carrier, self._clock.now_ms()):
            raise NotHeld("mailbox_full", "too many letters are on their way through this node")
        self.wake()

    async def delivery(self, number: int) -> Delivery | None:
        """What became of a letter, by its row number; None when nothing is remembered of it."""
        row = await self._store.read(rows.out, number)
        return None if row is None else delivery_of(row)

    # -- receiving -------------------------------------------------------------------------------------------
    def receive(self, type: str, receiver: Receiver) -> None:
        """Has letters of a type given to a receiver from now on; letters of a type without one are refused.

        Raises:
            LocalProtocolError: the type has a receiver.
        """
        if type in self._receivers:
            raise LocalProtocolError(f"letters of type {type!r} have a receiver")
        self._receivers[type] = receiver

    def receiver(self, type: str) -> Receiver | None:
        """Who takes letters of a type."""
        return self._receivers.get(type)


def check_expiry(letter: Letter, now: int) -> None:
    """Refuses a letter whose time is over, or too far ahead [R-LET-12].

    Raises:
        NotHeld: `letter_expired`.
    """
    if letter.envelope.expires < now:
        raise NotHeld("letter_expired", "the letter's time is over")
    if letter.envelope.expires > now + EXPIRES_MS + limits.CLOCK_TOLERANCE_MS:
        raise NotHeld("letter_expired", f"a letter lives {limits.LETTER_DAYS} days at most")


def delivery_of(row: OutRow) -> Delivery:
    """How far a letter is, for a person."""
    return Delivery(row.state, row.since, row.code, row.text or None)
