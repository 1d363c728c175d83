"""Letters to this node's networker: judged, kept, acknowledged, given to whoever takes letters of their type."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from netnode.failures import Failures
from netnode.keeping import Keeping
from netnode.mail.letters import Incoming, Later, Letters, Refusal, Taken, check_expiry
from netnode.mail.seals import Seals
from netnode.ports import Clock
from netnode.problems import Problem
from netnode.quotas import Distance
from netnode.store import Reader, Store, mail
from netnode.store import letters as rows
from netnode.store.letters import Arriving, InRow
from netnode.sync.allowance import Allowance
from netnode.sync.post import Carrier
from protocol import letter_bodies, letters, limits
from protocol.errors import NotHeld, ProtocolError, RemoteProtocolError
from protocol.identity import id_text
from protocol.letter_bodies import Ack, Content, Refused, Reply
from protocol.letters import Letter, Opened
from protocol.openers import Openers

MIB: Final = 1024 * 1024
OF_ONE: Final = 64 * MIB  # mail that one sender may leave; why: a person deletes mail when it is read
FAULTS: Final = (20, 200, 60.0)  # of one carrier, of all, in so many seconds; why: each costs an opening
NOTICES: Final = (3, 60, 3_600.0)  # to one claimed sender, to all, in so many seconds: "this is not taken"
NOTICE_MS: Final = 86_400_000  # a notice lives so long; why: the sender may be made up, and nobody take it
TOLD: Final = frozenset({"letter", "letter_key", "letter_token", "unknown_author"})
"""Codes of refusals that the claimed sender of a letter that came by way of another is told [R-LET-18]."""
REPLIES: Final = (
    1_000  # senders of whom is remembered where answers go; why: an answer is sent within moments
)
PAGE: Final = 64
AGAIN_SECONDS: Final = 5.0  # after a full disk, say
_log = logging.getLogger("netnode.mail")


class Inbox:
    """The letters that come.

    Args:
        network: the network's name.
        own: this node's networker, 32 bytes.
        store: keeps them.
        letters: knows who takes which.
        seals: opens them.
        keeping: how far senders are.
        blocked: whether sessions with somebody are refused.
        clock: tells what has had its time.
        asked: bits of a stamp that strangers have to show.
        strangers_bytes: how much mail of strangers is kept, together.
        failures: counts receivers that fail.
    """

    def __init__(
        self,
        network: str,
        own: bytes,
        store: Store,
        letters: Letters,
        seals: Seals,
        keeping: Keeping,
        clock: Clock,
        *,
        asked: int,
        strangers_bytes: int,
        failures: Failures,
    ) -> None:
        self._network = network
        self._own = own
        self._store = store
        self._letters = letters
        self._seals = seals
        self._keeping = keeping
        self._clock = clock
        self._asked = asked
        self._strangers_bytes = strangers_bytes
        self._failures = failures
        self._faults = Allowance(*FAULTS)
        self._faulty: dict[bytes, float] = {}  # carriers that brought too many faulty ones, and until when
        self._notices = Allowance(*NOTICES)
        self._replies: OrderedDict[bytes, Reply] = OrderedDict()
        self._stuck: set[int] = (
            set()
        )  # letters at which their receiver failed: not given again before the next start
        self._come = asyncio.Event()
        self.refuses: Callable[[bytes], bool] = _nobody

    # -- taking ----------------------------------------------------------------------------------------------
    async def take(self, carrier: Carrier, letter: Letter) -> None:
        """Takes a letter to this node's networker; it is on disk when this returns [R-LET-12].

        Raises:
            NotHeld: `blocked`, `letter_expired`, `rate`, `letter_key`, `mailbox_full`, or the sender's keys lack.
            RemoteProtocolError: `letter`, `letter_token`.
            Problem: the disk.
        """
        try:
            await self._take(carrier, letter)
        except ProtocolError as fault:
            if carrier.id != letter.envelope.sender and fault.code in TOLD:
                await self._notify(letter, fault)
            raise

    async def _take(self, carrier: Carrier, letter: Letter) -> None:
        envelope, now = letter.envelope, self._clock.now_ms()
        if self.refuses(envelope.sender) or self.refuses(carrier.id):
            raise NotHeld("blocked", "no letters are taken from this sender")
        check_expiry(letter, now)
        by_way = carrier.id != envelope.sender
        if await self._store.read(rows.known, envelope.sender, envelope.id):
            if by_way and await self._store.read(has_log, envelope.sender):
                # Who brings it again has not heard that it is here.
                await self._store.write(rows.acknowledge, envelope.sender, envelope.id)
                self._come.set()
            return
        stranger = self._stranger(carrier, envelope.sender)
        if stranger:
            await self._admit(carrier, letter, now)
        opened, content = await self._read(carrier, letter)
        arriving = Arriving(
            sender=envelope.sender,
            id=envelope.id,
            first=content.first or envelope.id,
            expires=envelope.expires,
            type=content.type,
            content=opened.content,
            epoch=opened.epoch,
            key=opened.key,
            stranger=stranger,
            at=now,
            acknowledged=by_way and opened.epoch is not None and not isinstance(content.body, Ack | Refused),
            token=content.token,
        )
        await self._require_room(arriving)
        if content.reply is not None:
            self._replies.pop(envelope.sender, None)
            self._replies[envelope.sender] = content.reply
            if len(self._replies) > REPLIES:
                self._replies.popitem(last=False)
        await self._store.write(rows.take, arriving)
        self._come.set()

    def _stranger(self, carrier: Carrier, sender: bytes) -> bool:
        distance = self._keeping.distance
        return distance(sender) is Distance.STRANGER and (
            carrier.id == sender or distance(carrier.id) is Distance.STRANGER
        )

    async def _admit(self, carrier: Carrier, letter: Letter, now: int) -> None:
        """Asks a stranger for a token or a stamp [R-LET-9, R-LET-10]."""
        state = await self._store.load(self._own)
        if not has_token(self._network, letter, None if state is None else state.openers, now):
            require_stamp(self._network, letter, 0 if carrier.here else self._asked)

    async def _read(self, carrier: Carrier, letter: Letter) -> tuple[Opened, Content]:
        """Opens a letter; who brings many that cannot be read has to wait."""
        now = self._clock.monotonic()
        if self._faulty.get(carrier.id, now) > now:
            raise NotHeld("rate", "too many letters that cannot be read")
        self._faulty.pop(carrier.id, None)
        try:
            opened = await self._seals.open(letter)
            return opened, letter_bodies.decode_content(opened.content)
        except ProtocolError as fault:
            if fault.code != "busy" and not self._faults.take(carrier.id, now):
                self._faulty[carrier.id] = now + FAULTS[2]
                while len(self._faulty) > FAULTS[1]:
                    del self._faulty[next(iter(self._faulty))]
            raise

    async def _notify(self, letter: Letter, fault: ProtocolError) -> None:
        """Tells the claimed sender of a letter that came by way of another that it is not taken.

        It cannot be proved that this sender wrote it; who did not will not know its id.
        """
        sender = letter.envelope.sender
        if not self._notices.take(sender, self._clock.monotonic()):
            return
        notice = Refused(code=fault.code, id=letter.envelope.id, text=fault.text[: limits.MAX_REASON])
        draft = self._letters.draft(sender, notice, expires=self._clock.now_ms() + NOTICE_MS)
        try:
            await self._store.write(rows.queue, draft)
        except Problem as problem:
            if problem.code != rows.FULL:
                raise
            _log.info("there is no room to tell the sender of a letter that it is not taken")
        else:
            self._letters.wake()

    async def _require_room(self, letter: Arriving) -> None:
        unread, of_sender = await self._store.read(rows.unread, letter.sender)
        if unread >= rows.UNREAD or of_sender >= rows.UNREAD_OF_ONE:
            raise NotHeld("busy", "too many letters wait to be looked into")
        if await self._store.read(rows.remembered, letter.sender) >= rows.KNOWN_OF_ONE:
            raise NotHeld("busy", "this sender has written too many letters in these days")
        if letter.type != "mail":
            return
        of_one, of_strangers = await self._store.read(mail.use, letter.sender)
        size = len(letter.content)
        if of_one + size > OF_ONE or (letter.stranger and of_strangers + size > self._strangers_bytes):
            raise NotHeld("mailbox_full", "no room for another letter of this sender")

    # -- giving ----------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Gives what came to its receivers, and tells senders what is here, until cancelled.

        Raises:
            Problem: the disk.
        """
        while True:
            self._come.clear()
            failed = await self.give()
            failed = not await self.acknowledge() or failed
            try:
                async with asyncio.timeout(AGAIN_SECONDS if failed else None):
                    await self._come.wait()
            except TimeoutError:
                continue

    async def give(self) -> bool:
        """Gives every letter that waits to its receiver, once; whether one could not be taken now."""
        after, failed = 0, False
        while page := await self._store.read(rows.incoming, after, PAGE):
            for row in page:
                after = row.i
                if row.i in self._stuck:
                    continue
                failed = not await self._give(row) or failed
        return failed

    async def acknowledge(self) -> bool:
        """Writes to senders whose letters came by way of another that they are here [R-LET-17].

        Returns:
            False: the outbox has no room for that now.
        """
        for sender, ids in await self._store.read(rows.unacknowledged):
            letter = self._letters.draft(sender, Ack(ids=tuple(ids)), reply=self._replies.get(sender))
            try:
                await self._store.write(rows.acknowledged, letter, ids)
            except Problem as problem:
                if problem.code != rows.FULL:
                    raise
                _log.warning("acknowledgements wait: %s", problem.text)
                return False
            self._letters.wake()
        return True

    async def _give(self, row: InRow) -> bool:
        """Gives one letter; False when it has to wait."""
        try:
            refusal = await self._received(row)
        except Problem as problem:  # a full disk, say
            _log.error("a letter of type %s waits: %s", row.type, problem.text)
            return False
        except Exception as error:  # a task root: one letter must not keep the others from arriving
            self._failures.outlived("taking a letter", error, f"taking a letter of type {row.type}")
            self._stuck.add(row.i)
            return True
        if isinstance(refusal, Later):
            return False
        answer = None
        if refusal is not None:
            _log.info(
                "a letter of type %s of %s is refused: %s", row.type, id_text(row.sender)[:12], refusal.code
            )
            reply = letter_bodies.decode_content(row.content).reply
            if row.epoch is not None or reply is not None:  # else nobody knows where letters to them go
                body = Refused(code=refusal.code, id=row.id, text=refusal.text[: limits.MAX_REASON])
                answer = self._letters.draft(row.sender, body, reply=reply)
        try:
            await self._store.write(rows.done, row.i, answer)
        except Problem as problem:
            if problem.code != rows.FULL:
                raise
            _log.warning("the sender of a letter is not told that it is refused: %s", problem.text)
            await self._store.write(rows.done, row.i)
        else:
            self._letters.wake()
        return True

    async def _received(self, row: InRow) -> Refusal | Later | None:
        content = letter_bodies.decode_content(row.content)
        now = self._clock.now_ms()
        match content.body:
            case Ack(ids=ids):
                await self._store.write(rows.arrived, row.sender, ids, now)
                return None
            case Refused(code="letter_key", id=id):
                await self._store.write(rows.again, row.sender, id, now)
                self._letters.wake()
                return None
            case Refused(code=code, id=id, text=text):
                await self._store.write(rows.refused, row.sender, id, code, text, now)
                return None
            case None:
                return Refusal("unknown_type", f"letters of type {content.type} are not known here")
        receiver = self._letters.receiver(content.type)
        if receiver is None:
            return Refusal("unknown_type", f"letters of type {content.type} are not taken here")
        answer = await receiver(
            Incoming(
                sender=row.sender,
                epoch=row.epoch,
                key=row.key,
                id=row.id,
                first=row.first,
                stranger=bool(row.stranger),
                body=content.body,
                at=row.at,
                reply=content.reply,
            )
        )
        return None if isinstance(answer, Taken) else answer


def has_token(network: str, letter: Letter, recipient: Openers | None, now: int) -> bool:
    """Whether a letter shows a token of its recipient that holds; one that does not counts as none [R-LET-9].

    Only of a recipient whose log is known here: anybody can make up a bare key and sign tokens with it.
    """
    if letter.token is None or recipient is None:
        return False
    try:
        letters.check_token(network, letter.envelope, letter.token, recipient, now)
    except RemoteProtocolError as fault:
        _log.debug("a token does not hold: %s", fault.text)
        return False
    return True


def require_stamp(network: str, letter: Letter, bits: int) -> None:
    """Refuses a stranger's letter without a stamp [R-LET-10].

    Raises:
        RemoteProtocolError: `letter_token`.
    """
    if bits and not letters.stamped(network, letter, bits):
        raise RemoteProtocolError("letter_token", f"strangers show a token, or a stamp of {bits} bits")


def has_log(reader: Reader, networker: bytes) -> bool:
    """Whether anything of a networker's log is held; of a buyer without a node there is none."""
    return reader.item(networker) is not None


def _nobody(networker: bytes) -> bool:
    return False
