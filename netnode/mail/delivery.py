"""Brings letters on their way: to an open session, by dialling their recipient, to its mailbox hosts [R-LET-11, 16].

One task a recipient, so many at once. What cannot be brought anywhere is tried again after a pause that grows with
each attempt, until the letter's time is over; a letter that a mailbox host keeps is still offered to its recipient
when they meet.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from netnode.failures import Failures
from netnode.mail.letters import Letters
from netnode.mail.public_keys import PublicKeys
from netnode.mail.routes import Routes
from netnode.mail.seals import Seals
from netnode.ports import Clock, Entropy, LinkClosed, RecipientKeys
from netnode.problems import Problem
from netnode.store import Store, mailbox
from netnode.store import letters as rows
from netnode.store.letters import OutRow
from netnode.store.mailbox import Kept
from netnode.sync.peering import Peering
from netnode.sync.post import Carrier
from protocol import limits
from protocol.errors import NotHeld, ProtocolError, RemoteProtocolError
from protocol.identity import id_text
from protocol.letter_bodies import Refused
from protocol.letters import Letter

PARALLEL: Final = 16  # recipients served at once; why: each may wait for a dial
BATCH: Final = 64  # letters to one recipient read at once; why: 4 MB
BACK_OFF_MS: Final = (30_000, 6 * 3_600_000)  # first and longest pause
AT_MAILBOX_MS: Final = 6 * 3_600_000  # until the recipient of a letter that is kept for it is tried again
LOOK_SECONDS: Final = 60.0  # why: the wall clock may be set right meanwhile
LEARN_SECONDS: Final = (
    600.0  # why: a log that was not to be had, or fell to a quota, is no better a minute later
)
VISIT_SECONDS: Final = 600.0  # why: a letter at a mailbox is read within minutes, and a dial costs little
COLLECT_SECONDS: Final = 60.0  # why: what hosts keep comes when met, or half a minute later where that fails
RESTING_SECONDS: Final = 30.0  # after the own disk, or a fault here
TASK: Final = "delivering letters"
FINAL: Final = frozenset({"letter", "letter_expired", "blocked", "unknown_type", "unknown_author"})
"""Codes with which a recipient says that this letter will never be taken."""
AS_IT_IS: Final = FINAL | {"letter_key", "letter_token"}
"""The same of a letter of others, which nobody here can seal or stamp anew [R-LET-15]."""
CROWDED: Final = frozenset({"rate", "busy", "internal"})
"""Codes with which a recipient says that it takes nothing now."""
SHUT: Final = CROWDED | {"mailbox", "answer"}
"""Codes with which a mailbox host says that it keeps nothing for this recipient now, and that of no answer in time."""
_EVER: Final = 2**62
_log = logging.getLogger("netnode.mail")


class Local(Protocol):
    """Takes letters at this node itself."""

    async def deliver(self, carrier: Carrier, data: bytes) -> bool:
        """See `netnode.sync.post.Post`."""


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why a letter did not get further."""

    code: str
    text: str


_NO_ANSWER: Final = _Reason("not_here", "their node does not answer")
_NO_MAILBOX: Final = _Reason("not_here", "their node does not answer, and no mailbox host of theirs took it")
_BLOCKED: Final = (
    "you have blocked them, so this node has no session with them until: netnode peer block {} --lift"
)
_NO_KEYS: Final = _Reason("unknown_author", "nothing is known here of what letters to them are sealed to")


class Delivery:
    """The letters that leave.

    Args:
        own: this node's networker, 32 bytes.
        store: the outbox, and letters of others.
        letters: says when something is to be done.
        seals: seals own letters.
        keys: what they are sealed to.
        routes: ways to networkers.
        local: takes letters whose way ends at this node.
        clock: pauses.
        entropy: jitter of pauses.
        failures: counts what fails.
    """

    def __init__(
        self,
        own: bytes,
        store: Store,
        letters: Letters,
        seals: Seals,
        keys: PublicKeys,
        routes: Routes,
        local: Local,
        clock: Clock,
        entropy: Entropy,
        failures: Failures,
    ) -> None:
        self._own = own
        self._store = store
        self._letters = letters
        self._seals = seals
        self._keys = keys
        self._routes = routes
        self._local = local
        self._clock = clock
        self._entropy = entropy
        self._failures = failures
        self._active: dict[bytes, None] = {}
        self._met: dict[bytes, None] = {}  # to be served whether due or not
        self._resting: dict[bytes, float] = {}
        self._pause = 0.0  # seconds until the next look, at most
        self._learnt: dict[bytes, float] = {}  # recipients whose logs were fetched, and when
        self._reasons: dict[int, _Reason] = {}  # what hosts said in the round that goes on

    # -- rounds ----------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Delivers until cancelled; what fails, a disk say, is tried again."""
        try:
            async with asyncio.TaskGroup() as group:
                self._routes.begin(group)
                group.create_task(self._visit(), name="visiting mailbox hosts")
                while True:
                    self._letters.due.clear()
                    await self._outlives("looking for letters to deliver", lambda: self._round(group))
                    try:
                        async with asyncio.timeout(self._pause):
                            await self._letters.due.wait()
                    except TimeoutError:
                        continue
        finally:
            self._routes.begin(None)
            self._active.clear()

    async def _outlives(self, what: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Does something that may fail without ending the rest; whether it did not."""
        try:
            await work()
        except Exception as error:  # a task root: a disk that fails, say, is tried again
            self._failures.outlived(TASK, error, what)
            return False
        return True

    async def _visit(self) -> None:
        """Sees the own mailbox hosts now and then: they hand over what they keep [R-LET-15]."""

        async def hosts() -> None:
            named = [each for each in await self._routes.mailboxes(self._own) if each != self._own]
            self._letters.collecting = self._letters.collecting and bool(named)
            for host in named:
                await self._routes.reach(host)

        self._letters.collecting = True
        while True:
            await self._outlives("visiting mailbox hosts", hosts)
            if self._letters.collecting:
                await asyncio.sleep(COLLECT_SECONDS)
                self._letters.collecting = False
            await asyncio.sleep(VISIT_SECONDS)

    async def _round(self, group: asyncio.TaskGroup) -> None:
        """Begins to serve whoever is met or due, as many at once as may be, and says when to look again."""
        self._pause = RESTING_SECONDS
        self._met.update(dict.fromkeys(self._letters.just_met()))
        now = self._clock.now_ms()
        due = [
            *await self._store.read(rows.recipients, now),
            *await self._store.read(mailbox.recipients, now),
        ]
        moment = self._clock.monotonic()
        self._resting = {each: until for each, until in self._resting.items() if until > moment}
        for recipient in dict.fromkeys((*self._met, *due)):
            if len(self._active) >= PARALLEL:
                return  # the end of any of them wakes this
            if recipient in self._active or recipient in self._resting:
                continue
            self._met.pop(recipient, None)
            self._active[recipient] = None
            group.create_task(self._guarded(recipient), name=f"letters to {id_text(recipient)[:12]}")
        later = await self._store.read(rows.next_due, now)
        if later is not None:
            self._pause = min(LOOK_SECONDS, (later - now) / 1_000)

    async def _guarded(self, recipient: bytes) -> None:
        try:
            if not await self._outlives(
                f"delivering to {id_text(recipient)[:12]}", lambda: self._serve(recipient)
            ):
                self._resting[recipient] = self._clock.monotonic() + RESTING_SECONDS
        finally:
            self._active.pop(recipient, None)
            self._letters.wake()

    # -- one recipient ---------------------------------------------------------------------------------------
    async def _serve(self, recipient: bytes) -> None:
        """Brings everything for one recipient as far as it goes now, each letter once."""
        now, after, passed = self._clock.now_ms(), 0, 0
        while True:
            session = self._routes.session(recipient)
            before = now if session is None else _EVER
            own = await self._store.read(rows.waiting, recipient, before, BATCH, after)
            others = await self._store.read(
                mailbox.kept_for, recipient, passed, BATCH, session is None, before
            )
            if not own and not others:
                return
            after, passed = own[-1].i if own else after, others[-1].i if others else passed
            if session is None and (others or not all(row.host for row in own)):
                session = await self._routes.reach(recipient)
            if session is None:
                await self._leave_at_hosts(recipient, own, others)
            elif not await self._hand_over(session, own, others):
                return

    async def _hand_over(self, session: Peering, own: Sequence[OutRow], others: Sequence[Kept]) -> bool:
        """Hands letters to their recipient itself; False when it takes no more now."""
        for row in own:
            keys = await self._keys_for(row)
            if keys is None:
                await self._put_off([row], _NO_KEYS)
                continue
            letter = await self._seals.seal(row, keys)
            try:
                kept = await session.deliver(letter.data)
            except NotHeld as refusal:
                if refusal.code in CROWDED:
                    await self._put_off_all(row, _Reason(refusal.code, refusal.text))
                    await self._put_off_others(others)
                    return False
                await self._refused(row, letter, refusal)
            except (LinkClosed, RemoteProtocolError) as error:
                _log.info("%s: a letter was not answered: %s", session.label, error)
                await self._put_off_all(row, _NO_ANSWER)
                await self._put_off_others(others)
                return False
            else:
                await self._arrived(row, letter, kept)
        for index, other in enumerate(others):
            try:
                await session.deliver(other.letter)
            except NotHeld as refusal:
                if refusal.code not in AS_IT_IS:
                    await self._put_off_others([other])
                    continue
                await self._tell_carrier(other, refusal)
            except (LinkClosed, RemoteProtocolError) as error:
                _log.info("%s: a letter was not answered: %s", session.label, error)
                await self._put_off_others(others[index:])
                return False
            await self._store.write(mailbox.remove, [other.i])
        return True

    async def _tell_carrier(self, other: Kept, refusal: NotHeld) -> None:
        """Tells who left a letter here that its recipient does not take it [R-LET-15]."""
        if other.carrier != other.sender:
            return
        body = Refused(code=refusal.code, id=other.id, text=refusal.text[: limits.MAX_REASON])
        try:
            await self._letters.send(other.carrier, body)
        except Problem as problem:
            if problem.code != rows.FULL:
                raise
            _log.warning("the sender of a letter kept here is not told that it is refused: %s", problem.text)

    async def _arrived(self, row: OutRow, letter: Letter, kept: bool) -> None:
        now = self._clock.now_ms()
        if kept:
            await self._put_off([row], _Reason("mailbox", "their node says that it is somebody else's"))
        else:
            await self._store.write(rows.arrived, row.recipient, [letter.envelope.id], now)

    async def _refused(self, row: OutRow, letter: Letter, refusal: NotHeld) -> None:
        """The recipient itself does not take a letter now, or never will."""
        now = self._clock.now_ms()
        if refusal.code in FINAL:
            await self._store.write(
                rows.refused, row.recipient, letter.envelope.id, refusal.code, refusal.text, now
            )
            return
        if refusal.code == "letter_key":  # its log has newer keys than are held here, perhaps
            await self._learn(row.recipient)
            if await self._is_stale(row, letter):
                await self._store.write(rows.again, row.recipient, letter.envelope.id, now)
                return
        await self._put_off([row], _Reason(refusal.code, refusal.text))

    async def _is_stale(self, row: OutRow, letter: Letter) -> bool:
        keys = await self._keys.of(row.recipient)
        return keys is not None and self._seals.key_id(keys) != letter.envelope.key

    async def _keys_for(self, row: OutRow) -> RecipientKeys | None:
        found = await self._keys.of(row.recipient)
        if found is None and row.x25519 is not None:
            return RecipientKeys(row.x25519)
        if found is None:
            await self._learn(row.recipient)
            found = await self._keys.of(row.recipient)
        return found

    async def _learn(self, recipient: bytes) -> None:
        """Brings the log of a recipient here, unless that was tried a moment ago for another letter."""
        now = self._clock.monotonic()
        if self._learnt.get(recipient, -math.inf) > now - LEARN_SECONDS:
            return
        self._learnt = {each: at for each, at in self._learnt.items() if at > now - LEARN_SECONDS}
        self._learnt[recipient] = now
        await self._routes.learn(recipient)

    # -- mailbox hosts ---------------------------------------------------------------------------------------
    async def _leave_at_hosts(self, recipient: bytes, own: Sequence[OutRow], others: Sequence[Kept]) -> None:
        """Leaves letters where their recipient will look for them."""
        named = [each for each in await self._routes.mailboxes(recipient) if each != self._own]
        hosts = dict.fromkeys((*named, *(row.host for row in own if row.host is not None)))
        reason = _NO_MAILBOX if hosts else _NO_ANSWER
        if self._routes.refuses(recipient):
            reason = _Reason("blocked", _BLOCKED.format(id_text(recipient)))
        for host in hosts:
            session = None if host == self._own else await self._routes.reach(host)
            own = await self._leave_at(host, session, own)
            others = await self._pass_on(others, session)
        await self._put_off(own, reason)
        await self._put_off_others(others)

    async def _leave_at(self, host: bytes, session: Peering | None, own: Sequence[OutRow]) -> list[OutRow]:
        """Leaves letters at one host; what it does not keep. One that is shut or silent is not asked again."""
        left: list[OutRow] = []
        shut: _Reason | None = None
        for row in own:
            if shut is not None:
                self._reasons[row.i] = shut
                left.append(row)
            elif not await self._left(row, host, session):
                left.append(row)
                why = self._reasons.get(row.i)
                shut = why if why is not None and why.code in SHUT else None
        return left

    async def _left(self, row: OutRow, host: bytes, session: Peering | None) -> bool:
        """Whether a host keeps a letter of this node."""
        due = self._clock.now_ms() + AT_MAILBOX_MS
        if row.place == host:
            self._reasons.pop(row.i, None)
            await self._store.write(rows.at_mailbox, row.i, host, due, self._clock.now_ms())
            return True
        if session is None and host != self._own:
            return False
        keys = await self._keys_for(row)
        if keys is None:
            await self._put_off([row], _NO_KEYS)
            return True
        letter = await self._seals.seal(row, keys)
        try:
            await self._brought(session, letter.data)
        except ProtocolError as refusal:
            _log.info("a mailbox host of %s keeps no letter: %s", id_text(row.recipient)[:12], refusal)
            self._reasons[row.i] = _Reason(refusal.code, f"a mailbox host of theirs says: {refusal.text}")
            return False
        except LinkClosed:
            return False
        self._reasons.pop(row.i, None)
        await self._store.write(rows.at_mailbox, row.i, host, due, self._clock.now_ms())
        return True

    async def _pass_on(self, others: Sequence[Kept], session: Peering | None) -> Sequence[Kept]:
        """Hands letters of others to a host, and lets go of them; what it does not keep."""
        if session is None:
            return others
        left: list[Kept] = []
        for index, row in enumerate(others):
            try:
                await session.deliver(row.letter)
            except NotHeld as refusal:
                _log.info("%s does not keep a letter: %s", session.label, refusal)
                left.append(row)
            except (LinkClosed, RemoteProtocolError) as error:  # nor would the next be answered
                _log.info("%s: a letter was not answered: %s", session.label, error)
                return [*left, *others[index:]]
            else:
                await self._store.write(mailbox.remove, [row.i])
        return left

    async def _brought(self, session: Peering | None, data: bytes) -> None:
        if session is None:
            await self._local.deliver(Carrier(self._own, here=True), data)
        else:
            await session.deliver(data)

    # -- pauses ----------------------------------------------------------------------------------------------
    async def _put_off(self, own: Sequence[OutRow], reason: _Reason) -> None:
        for row in own:
            why = self._reasons.pop(row.i, reason)
            due = self._clock.now_ms() + self._back_off(row.attempts)
            await self._store.write(rows.put_off, [row.i], due, why.code, why.text)

    async def _put_off_all(self, first: OutRow, reason: _Reason) -> None:
        """Puts off everything to the recipient of a letter that was not taken, by the pause that is due for it."""
        due = self._clock.now_ms() + self._back_off(first.attempts)
        await self._store.write(rows.put_off_all, first.recipient, due, reason.code, reason.text)

    async def _put_off_others(self, others: Sequence[Kept]) -> None:
        for row in others:
            if row.due is not None:
                await self._store.write(
                    mailbox.put_off, [row.i], self._clock.now_ms() + self._back_off(row.attempts)
                )

    def _back_off(self, attempts: int) -> int:
        first, longest = BACK_OFF_MS
        return int(min(first << min(attempts, 20), longest) * self._entropy.uniform(0.8, 1.2))
