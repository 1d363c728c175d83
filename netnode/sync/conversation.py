"""One session over one link: reads, writes, matches answers to questions, ends in order.

The state machine is `protocol.session`; here are its queues, all bounded, and its deadlines. What arrives goes to
three places: answers to whoever asked, questions to the answering task, notices to the receiver's task. A slow
consumer stops the reader, and so the other side.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import msgspec

from netnode.failures import SESSION, Failures
from netnode.ports import Clock, Link, LinkClosed
from netnode.problems import Problem
from netnode.sync.groups import network_of
from protocol import limits
from protocol.errors import CODES, LocalProtocolError, NotHeld, ProtocolError, RemoteProtocolError
from protocol.messages import Body, Bye, Push, Refuse, Runs
from protocol.session import Arrived, Greeted, Identified, Phase, Session

OUT_BYTES: Final = 256 * 1024  # why: enough to keep a fast link busy, little enough for 256 sessions
FEW: Final = 8  # entries of a push that is taken in on the spot
NOTICES: Final = 64  # why: a few full push messages; then the reader waits
ANSWERS: Final = 2  # messages of one answer that wait for who asked; then the reader waits
LAST_WORDS_SECONDS: Final = 1.0  # why: what came before the end is still taken in, but the end is not put off
_CLOSE_CODES: Final = {"": 1000, "blocked": 1008, "twin": 1008, "busy": 1013, "internal": 1011}
# Refusals that mean something to who asked; any other is as good as `not_here`.
_REFUSALS: Final = frozenset(
    {"cursor", "not_here", "rate", "busy", "gap", "unknown_author"}
    | {"invite", "invite_expired", "invite_used", "invite_pin"}
    | {
        "letter",
        "letter_expired",
        "letter_key",
        "letter_token",
        "mailbox",
        "mailbox_full",
        "blocked",
        "no_stamp",
    }
    | {"unknown_epoch", "contested"}
)
AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)
E = TypeVar("E", bound=Exception)
_log = logging.getLogger("netnode.sync")

OnIdentified = Callable[[Identified], Awaitable[None]]
OnQuestion = Callable[[Body, int], Awaitable[None]]
OnNotice = Callable[[Body], Awaitable[None]]
OnGreeted = Callable[[], None]


class TooSlow(RemoteProtocolError):
    """Nothing wrong came, but nothing came in time either."""


class Conversation:
    """Runs a session.

    Args:
        link: the open link; closed when the conversation ends.
        session: the state machine, new.
        clock: for the certificate's expiry.
        failures: told when this side fails.
    """

    def __init__(self, link: Link, session: Session, clock: Clock, failures: Failures) -> None:
        self.link = link
        self.session = session
        self._clock = clock
        self._failures = failures
        self._out: deque[bytes] = deque()
        self._out_bytes = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._drained = asyncio.Event()
        self._drained.set()
        self._answers: dict[int, _Mailbox] = {}
        self._free = asyncio.Event()
        self._close_code = 1000
        self._questions: asyncio.Queue[tuple[Body, int]] = asyncio.Queue(limits.MAX_OPEN_REQUESTS)
        self._notices: asyncio.Queue[Body] = asyncio.Queue(NOTICES)
        self._untaken = 0  # of them, with the one being taken
        self._on_notice: OnNotice | None = None
        self._ended: tuple[str, str] | None = None
        self._leaving = asyncio.Event()
        self._over = False
        self._refused = False
        self.fault: RemoteProtocolError | None = None  # what this side found wrong with the other
        self.latency = math.inf  # seconds of one round trip in the handshake
        self.greeted = asyncio.Event()

    async def run(
        self,
        on_identified: OnIdentified,
        on_greeted: OnGreeted,
        on_question: OnQuestion,
        on_notice: OnNotice,
        *others: Callable[[], Awaitable[None]],
    ) -> tuple[str, str]:
        """Converses until either side ends.

        Args:
            on_identified: called once, before the hello is taken in; may raise NotHeld or RemoteProtocolError to
                end the session.
            on_greeted: called once, when the other side's hello came, before anything that follows it is looked at;
                what it tells goes out first. May raise NotHeld to end the session.
            on_question: answers one question; called one after the other.
            on_notice: takes one notice; called one after the other.
            others: further work that lives as long as the open session.

        Returns:
            The code and text it ended with; an empty code is a normal end.
        """
        self._on_notice = on_notice
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(), name="session writer")
                group.create_task(self._depart(), name="session end")
                group.create_task(self._serve(on_question), name="session answers")
                group.create_task(self._take(), name="session notices")
                for other in others:
                    group.create_task(self._when_greeted(other), name="session work")
                # Why a task of its own: what arrives resumes it without passing through whoever awaits `run`.
                group.create_task(self._read(on_identified, on_greeted), name="session reader")
        except* _Ended:
            pass
        except* LinkClosed as closed:
            self._ended = self._ended or ("", str(_first(closed)))
        except* LocalProtocolError as error:
            self._failures.outlived(SESSION, _first(error), f"session with {self.network}")
            await self._part(NotHeld("internal", "this side failed"))
        except* ProtocolError as error:
            await self._part(_first(error))
        except* Problem as failed:
            self._failures.outlived(SESSION, _first(failed), f"session with {self.network}")
            await self._part(NotHeld("internal", "this side cannot store or read now"))
        finally:
            self._hang_up()
            await self.link.close(self._close_code)
        return self._ended or ("", "")

    @property
    def network(self) -> str:
        """Where the peer is, for the log."""
        return network_of(self.link.remote)

    # -- sending ---------------------------------------------------------------------------------------------
    def tell(self, body: Body, request: int = 0) -> None:
        """Queues a notice or an answer; nothing when the session has ended."""
        if self._open:
            self.session.tell(body, request)
            self._flush()

    def leave(self, code: str, text: str) -> None:
        """Ends the session from this side, saying why; `run` returns soon after."""
        if self._ended is None:
            self._ended = (code, text)
            self._close_code = _CLOSE_CODES.get(code, 1002)
            self.session.farewell(code, text)
            self._flush()
            self._leaving.set()

    @property
    def has_room(self) -> bool:
        """Whether little is queued."""
        return self._room.is_set()

    async def room(self) -> None:
        """Waits until little is queued: call it between large messages."""
        await self._room.wait()

    @asynccontextmanager
    async def asking(self, body: Body) -> AsyncIterator[Callable[[], Awaitable[Body]]]:
        """Asks a question; yields the function that waits for the next message of its answer.

        Waits while as many questions are open as the other side allows. The function raises RemoteProtocolError
        when no answer comes in time, LinkClosed when the session ended.
        """
        try:
            async with asyncio.timeout(limits.ANSWER_SECONDS):
                while self.session.questions_open >= self.session.may_ask and self._open:
                    self._free.clear()
                    await self._free.wait()
        except TimeoutError as error:
            raise TooSlow("answer", "no answer in time to what was asked before") from error
        if not self._open:
            raise LinkClosed(text="the session has ended")
        request = self.session.ask(body)
        mailbox = self._answers[request] = _Mailbox()
        self._flush()

        async def answer() -> Body:
            try:
                async with asyncio.timeout(limits.ANSWER_SECONDS):
                    return await mailbox.get()
            except TimeoutError as error:
                raise TooSlow("answer", "no answer in time") from error

        try:
            yield answer
        finally:
            del self._answers[request]
            mailbox.close()  # the reader may be waiting for room in it
            self._free.set()

    async def ask(self, body: Body, expected: type[AnswerT]) -> AnswerT:
        """Asks a question with a one-message answer.

        Raises:
            NotHeld: the other side refused; its code if it is known here, else `not_here`.
            RemoteProtocolError: no answer in time, or one of another type.
        """
        async with self.asking(body) as answer:
            return answered(await answer(), expected)

    @property
    def _open(self) -> bool:
        return not self._over and self.session.phase is Phase.OPEN

    def _hang_up(self) -> None:
        """Lets those who ask in other tasks hear that nothing comes any more, also when the link broke."""
        self._over = True
        for mailbox in self._answers.values():
            mailbox.close()
        self._free.set()

    def _flush(self) -> None:
        """Sends what the session has to say: at once, or by the writing task where the link makes it wait."""
        for data in self.session.outgoing():
            if not self._out_bytes and self.link.offer(data):
                continue
            self._out.append(data)
            self._out_bytes += len(data)
            self._drained.clear()
            self._wake.set()
            if self._out_bytes > OUT_BYTES:
                self._room.clear()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._out:
                data = self._out.popleft()
                try:
                    async with asyncio.timeout(limits.IDLE_SECONDS):
                        await self.link.send(data)
                except TimeoutError as error:
                    raise LinkClosed(text="the other side does not read") from error
                self._out_bytes -= len(data)  # until then nothing overtakes it
                if self._out_bytes <= OUT_BYTES:
                    self._room.set()
            self._drained.set()

    async def _depart(self) -> None:
        """Lets the last message out, then ends the session."""
        await self._leaving.wait()
        try:
            async with asyncio.timeout(1.0):
                await self._drained.wait()
        except TimeoutError:
            _log.debug("%s does not read its last message", self.network)
        raise _Ended

    async def _part(self, fault: ProtocolError) -> None:
        """Says why, as far as the session can carry it."""
        if isinstance(fault, RemoteProtocolError) and self._ended is None:
            self.fault = fault  # what was on its way when this side ended the session is nobody's fault
        if self._ended is None:
            self._ended = (fault.code, fault.text)
            self._close_code = _CLOSE_CODES.get(fault.code, 1002)
        self.session.farewell(fault.code, fault.text)
        try:
            async with asyncio.timeout(1.0):
                for data in (*self._out, *self.session.outgoing()):
                    await self.link.send(data)
        except (TimeoutError, LinkClosed):
            _log.debug("could not say goodbye to %s", self.network)

    # -- receiving -------------------------------------------------------------------------------------------
    async def _read(self, on_identified: OnIdentified, on_greeted: OnGreeted) -> None:
        """Takes in what arrives until the session ends."""
        self._flush()
        try:
            async with asyncio.timeout(limits.HANDSHAKE_SECONDS):
                while not self.greeted.is_set() and self.session.phase is not Phase.CLOSED:
                    await self._shake_hands(on_identified, on_greeted)
            while self.session.phase is not Phase.CLOSED:
                events = self.session.receive(await self.link.receive(), self._clock.now_ms())
                self._flush()
                for event in events:
                    if isinstance(event, Arrived):
                        await self._route(event)
                if not events:
                    await self.room()  # it may have been refused: who does not read refusals gets no more
        except TimeoutError as error:
            raise TooSlow("handshake", "the handshake took too long") from error
        except LinkClosed:
            await self._last_words()
            raise
        if not self._leaving.is_set():  # else `_depart` ends the session, once the last message is out
            raise _Ended

    async def _shake_hands(self, on_identified: OnIdentified, on_greeted: OnGreeted) -> None:
        """Takes in one message before the session is open."""
        waiting_since = self._clock.monotonic()
        events = self.session.receive(await self.link.receive(), self._clock.now_ms())
        self._flush()
        for event in events:
            match event:
                case Identified():
                    self.latency = self._clock.monotonic() - waiting_since
                    await on_identified(event)
                case Greeted():
                    on_greeted()
                    self.greeted.set()
                case Arrived():
                    await self._route(event)

    async def _route(self, event: Arrived) -> None:
        body = event.body
        if self._untaken == 0 and event.request == 0 and _is_small(body):
            await self._taken(body)  # a hop to the other task costs as much as the work
        elif isinstance(body, Bye):
            self._ended = self._ended or (body.code, body.text)
            await self._last_words()
        elif event.question is not None:
            mailbox = self._answers.get(event.request)
            if mailbox is not None:
                await mailbox.put(body)
            self._free.set()
        elif event.request:
            await self._questions.put((body, event.request))
        elif isinstance(body, Refuse):
            level = logging.DEBUG if self._refused else logging.INFO  # why: a peer does not fill the log
            self._refused = True
            _log.log(level, "%s refused: %r (%r)", self.network, body.code, body.text)
        else:
            self._untaken += 1
            await self._notices.put(body)

    async def _last_words(self) -> None:
        """Lets those who work on what came before the end finish with it."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._notices.join()
                for mailbox in self._answers.values():
                    mailbox.close()
                while self._answers:
                    self._free.clear()
                    await self._free.wait()
        except TimeoutError:
            _log.debug("what %s said last is dropped", self.network)

    async def _serve(self, on_question: OnQuestion) -> None:
        while True:
            body, request = await self._questions.get()
            await self.room()
            try:
                await on_question(body, request)
            except (NotHeld, RemoteProtocolError) as refusal:
                if _ends(refusal):
                    raise
                self.tell(Refuse(code=refusal.code, text=refusal.text[:500]), request)

    async def _take(self) -> None:
        while True:
            body = await self._notices.get()
            try:
                await self._taken(body)
            finally:
                self._untaken -= 1
                self._notices.task_done()

    async def _taken(self, body: Body) -> None:
        if self._on_notice is None:
            raise LocalProtocolError("a notice before the conversation began")
        try:
            await self._on_notice(body)
        except NotHeld as refusal:
            _log.debug("dropped what %s told: %s", self.network, refusal)
        except RemoteProtocolError as refusal:
            if _ends(refusal):
                raise
            self.tell(Refuse(code=refusal.code, text=refusal.text[:500]))

    async def _when_greeted(self, work: Callable[[], Awaitable[None]]) -> None:
        await self.greeted.wait()
        await work()


class _Ended(Exception):
    """Ends the task group of a session that came to its end."""


class _Mailbox:
    """The messages of one answer on their way from the reader to who asked."""

    __slots__ = ("_arrived", "_closed", "_messages", "_room")

    def __init__(self) -> None:
        self._messages: deque[Body] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._closed = False

    async def put(self, body: Body) -> None:
        """Waits for room; drops the message when nobody waits for it any more."""
        while len(self._messages) >= ANSWERS and not self._closed:
            self._room.clear()
            await self._room.wait()
        if not self._closed:
            self._messages.append(body)
            self._arrived.set()

    async def get(self) -> Body:
        """The next message; raises LinkClosed when none will come."""
        while not self._messages:
            if self._closed:
                raise LinkClosed(text="the session ended before the answer")
            self._arrived.clear()
            await self._arrived.wait()
        self._room.set()
        return self._messages.popleft()

    def close(self) -> None:
        """Takes nothing more; what is there can still be taken out."""
        self._closed = True
        self._arrived.set()
        self._room.set()


def _is_small(body: Body) -> bool:
    """Whether a notice brings so little that nobody waits for its turn: a few entries of one log."""
    return isinstance(body, Push) and len(body.runs) == 1 and len(body.runs[0].entries) <= FEW


def _ends(fault: ProtocolError) -> bool:
    """Whether a fault ends the session [R-SES-12]."""
    code = CODES.get(fault.code)
    return isinstance(fault, RemoteProtocolError) and (code is None or code.closes)


def answered(body: Body, expected: type[AnswerT]) -> AnswerT:
    """The answer, if it is one.

    Raises:
        NotHeld: a refusal.
        RemoteProtocolError: another type.
    """
    if isinstance(body, Refuse):
        known = body.code in _REFUSALS
        raise NotHeld(body.code if known else "not_here", body.text)
    if not isinstance(body, expected):
        raise RemoteProtocolError("answer", f"{type(body).__name__} answers another question")
    return body


def is_last(body: Body) -> bool:
    """Whether no further message of this answer follows."""
    return not (isinstance(body, Runs) and body.more)


def _first(group: ExceptionGroup[E]) -> E:
    while True:
        error = group.exceptions[0]
        if not isinstance(error, ExceptionGroup):
            return error
        group = error
