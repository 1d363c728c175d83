"""One session of ours with the node: reads all that comes, answers from a shelf, and remembers what was told.

Whatever the node sends is judged as it comes; the first thing that breaks INX fails whichever check meets it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from netnode.conformance.checking import Broken, want
from netnode.conformance.encoding import encode
from netnode.conformance.entries import Entry
from netnode.conformance.faults import Fault
from netnode.conformance.items import Item, same, words
from netnode.conformance.log import Log, stretches
from netnode.conformance.messages import ANSWERS, TYPES, Message, write_message
from netnode.conformance.runs import chains, read_run, write_run
from netnode.conformance.session import Session
from netnode.conformance.shelf import Shelf
from netnode.conformance.websocket import Opcode, Socket, SocketClosed

T = TypeVar("T")

PATIENCE: Final = 10.0  # seconds an honest node has for anything
QUIET: Final = 0.4  # seconds in which nothing may come
LOOK_EVERY: Final = 0.02  # seconds between two looks at what the node tells nobody
_PAGE: Final = 400


@dataclass(frozen=True, slots=True)
class Ending:
    """How the node left: the code of its `bye` (None: it said none), and that of the WebSocket's close."""

    said: str | None
    closed: int | None


@dataclass(slots=True)
class Told:
    """What came unasked.

    Attributes:
        notices: in order, hello left out.
        items: the newest item told of each log by `have`.
        pushed: entries of pushed runs, by author, in order.
    """

    notices: list[Message] = field(default_factory=list)
    items: dict[bytes, Item] = field(default_factory=dict)
    pushed: dict[bytes, list[Entry]] = field(default_factory=dict)

    def take(self, notice: Message) -> None:
        """Remembers a notice."""
        self.notices.append(notice)
        if notice.name == "have":
            self.items |= {item[1]: item for item in notice.body["items"]}
        elif notice.name == "push":
            for run in notice.body["runs"]:
                self.pushed.setdefault(run[0], []).extend(read_run(run))

    def names(self, author: bytes) -> bool:
        """Whether anything told is about this log."""
        forks = (each.body["left"][0] for each in self.notices if each.name == "fork")
        return author in self.items or author in self.pushed or author in forks


class Peer:
    """A session with the node.

    Args:
        socket: open.
        session: after the handshake.
        shelf: what we answer with.
        network: its name.
        asks: how many questions the node may have open here.
    """

    def __init__(self, socket: Socket, session: Session, shelf: Shelf, network: str, asks: int) -> None:
        self.socket, self.session, self.shelf, self.network = socket, session, shelf, network
        self.hello: dict[str, Any] = {}
        self.told = Told()
        self.asked: list[Message] = []  # the node's questions, in order
        self.ending: Ending | None = None
        self.most_open = 0  # questions of the node at once
        self.came: list[str] = []  # names of what the node said first, refusals left out
        self._may_ask = asks
        self._open: set[int] = set()
        self._answers: dict[int, list[Message]] = {}
        self._said: str | None = None
        self._broken: Broken | None = None
        self._news = asyncio.Event()
        self.pongs = 0
        self.reads = asyncio.Event()  # cleared: nothing is read
        self.reads.set()
        socket.on_ping = self._news.set

    # -- reading -----------------------------------------------------------------------------------------------

    async def pump(self) -> None:
        """Reads until the link ends."""
        try:
            while True:
                await self.reads.wait()
                await self._next()
                self._news.set()
        except SocketClosed as closed:
            self.ending = Ending(self._said, closed.code)
        except (Fault, Broken) as fault:
            self._broken = Broken(f"the node sent what breaks INX: {fault}")
            self.socket.drop()
        self._news.set()

    async def _next(self) -> None:
        frame = await self.socket.receive()
        if frame.opcode == Opcode.PONG:
            self.pongs += 1
            return
        want(frame.opcode == Opcode.BINARY, f"a frame with opcode {frame.opcode} [R-LINK-2]")
        message = self.session.read(frame.data)
        if message.name not in (None, "hello", "refuse"):
            self.came.append(str(message.name))
        want(self._said is None, f"{message.name} after bye [R-SES-12]")
        if not self.hello and message.name not in ("refuse", "bye"):
            want(message.name == "hello", f"{message.name or message.type} before hello [R-SES-4]")
            self.hello = message.body
        elif message.name == "hello":
            raise Broken("a second hello [R-SES-4]")
        elif message.name == "bye":
            self._said = str(message.body["code"])
        elif message.name in ANSWERS:
            await self._question(message)
        elif message.request in self._answers:
            self._answers[message.request].append(message)
        else:
            self.told.take(message)

    async def _question(self, question: Message) -> None:
        want(question.request > 0, f"{question.name} without a number [R-SES-8]")
        want(question.request not in self._open, "a number of a question still open [R-SES-8]")
        self._open.add(question.request)
        self.most_open = max(self.most_open, len(self._open))
        want(len(self._open) <= self._may_ask, f"{len(self._open)} questions open [R-SES-11]")
        self.asked.append(question)
        replies = self.shelf.reply(question)
        if replies is not None:
            await self.reply(question, replies)

    async def reply(self, question: Message, replies: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Answers a question of the node."""
        self._open.discard(question.request)
        for name, body in replies:
            await self.tell(name, question.request, **body)

    def raise_broken(self) -> None:
        """Fails when the node sent what breaks INX."""
        if self._broken is not None:
            raise self._broken

    # -- waiting -----------------------------------------------------------------------------------------------

    async def until(self, look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
        """What `look` gives once it gives something; `what` says what is waited for.

        Raises:
            Broken: it did not come in time, or the session ended first.
        """
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._news.clear()
                    found = look()
                    if found:
                        return found
                    if self._broken is not None:
                        raise self._broken
                    if self.ending is not None:
                        raise Broken(f"the node ended the session ({_words(self.ending)}); awaited: {what}")
                    await self._news.wait()
        except TimeoutError as error:
            raise Broken(f"not within {seconds:.0f} s: {what}") from error

    async def quiet(self, look: Callable[[], object], what: str, seconds: float = QUIET) -> None:
        """Fails when `look` gives something within a moment."""
        try:
            async with asyncio.timeout(seconds):
                while not look() and self.ending is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return
        want(self.ending is None, f"the node ended the session ({_words(self.ending)})")
        raise Broken(what)

    async def ended(self, seconds: float = PATIENCE) -> Ending:
        """How the node ends the session."""
        return await self.until(lambda: self.ending, "the end of the session", seconds)

    async def expelled(self, *codes: str, seconds: float = PATIENCE) -> None:
        """Fails unless the node ends the session with one of these codes [R-SES-12]."""
        ending = await self.ended(seconds)
        want(ending.said in codes, f"ended with {_words(ending)}, not with {' or '.join(codes)} [R-SES-12]")
        want(ending.closed in (1002, None), f"close code {ending.closed}, not 1002")

    async def goes_on(self) -> None:
        """Fails unless the session still answers."""
        [page] = await self.ask("heads", after=None, limit=1)
        want(page.name == "items", f"heads is answered by {page.name}")

    def asks(self, name: str, author: bytes | None = None) -> list[Message]:
        """The node's questions of this name so far, of one log where an author is named."""
        return [
            each for each in self.asked if each.name == name and (author is None or author in _authors(each))
        ]

    async def ended_or_goes_on(self) -> None:
        """Returns when the node ended the session by a code of its own, or goes on with it."""
        try:
            await self.goes_on()
        except Broken:
            if self.ending is None:
                raise
            want(self.ending.said is not None or self.ending.closed is not None, "the connection just ended")

    # -- talking -----------------------------------------------------------------------------------------------

    async def tell(self, name: str, request: int = 0, /, **body: object) -> None:
        """Sends a message."""
        await self.socket.send(self.session.tell(name, request, **body))

    async def say(self, plaintext: bytes) -> None:
        """Seals any bytes and sends them."""
        await self.socket.send(self.session.seal(plaintext))

    async def say_body(self, name: str, body: object, request: int = 0) -> None:
        """Sends a message whose body may be wrong."""
        await self.say(encode([TYPES[name], request, body]))

    async def ask(self, name: str, /, **body: object) -> list[Message]:
        """All messages of the answer to a question."""
        number, sealed = self.session.ask(name, **body)
        self._answers[number] = []
        await self.socket.send(sealed)
        return await self.answered(number, name)

    async def ask_as(self, number: int, name: str, /, **body: object) -> None:
        """Sends a question with a number of our choice; `answered` waits for what comes."""
        self.expects(number, name)
        await self.say(write_message(name, number, **body))

    def expects(self, number: int, name: str = "heads") -> None:
        """Counts a question that was sealed by hand as open."""
        self.session.expect(number, name)
        self._answers[number] = []

    def answers(self, number: int) -> list[Message]:
        """What came so far to a question of ours."""
        return self._answers[number]

    async def told_of(self, *authors: bytes) -> None:
        """Tells the items of logs of our shelf by `have`."""
        await self.tell("have", items=[self.shelf.item(author) for author in authors])

    async def answered(self, number: int, what: str, seconds: float = PATIENCE) -> list[Message]:
        """All messages of the answer to the question of this number."""
        found = self._answers[number]

        def whole() -> bool:
            return bool(found) and not (found[-1].name == "runs" and found[-1].body.get("more"))

        await self.until(whole, f"the answer to {what}", seconds)
        return found

    async def one(self, name: str, /, **body: object) -> dict[str, Any]:
        """The body of an answer of one message."""
        [answer] = await self.ask(name, **body)
        want(answer.name == ANSWERS[name], f"{name} is refused with {answer.body.get('code')}")
        return answer.body

    async def refused(self, name: str, /, **body: object) -> str:
        """The code a question is refused with; fails when it is answered."""
        [answer, *_] = await self.ask(name, **body)
        want(answer.name == "refuse", f"{name} is answered, not refused")
        return str(answer.body["code"])

    async def push(self, *runs: Sequence[Entry]) -> None:
        """Pushes runs; each sequence is one chain or a run of it, cut at openers."""
        await self.tell("push", runs=[write_run(part) for run in runs for part in stretches(list(run))])

    # -- logs of the node --------------------------------------------------------------------------------------

    async def heads(self, limit: int = _PAGE) -> dict[bytes, Item]:
        """All items the node tells, page by page [R-MSG-9]."""
        found: dict[bytes, Item] = {}
        after = None
        while True:
            page = await self.one("heads", after=after, limit=limit)
            authors = [item[1] for item in page["items"]]
            want(len(authors) <= limit, f"{len(authors)} items in a page of {limit} [R-MSG-9]")
            rising = authors == sorted(set(authors)) and (after is None or not authors or authors[0] > after)
            want(rising, "a page out of the order of authors [R-MSG-9]")
            found |= {item[1]: item for item in page["items"]}
            if not page.get("more"):
                return found
            want(bool(authors), "an empty page says that more follows [R-MSG-8]")
            after = authors[-1]

    async def item(self, author: bytes) -> Item | None:
        """What the node tells of one log."""
        before = int.from_bytes(author, "big") - 1
        after = None if before < 0 else before.to_bytes(32, "big")
        page = await self.one("heads", after=after, limit=1)
        return next((item for item in page["items"] if item[1] == author), None)

    async def holds(self, author: bytes, item: Item | None, what: str = "") -> None:
        """Waits until the node tells this item of a log; `from` is not compared [R-LOG-17]."""
        await self.polled(author, lambda told: same(told, item), words(item), what)

    async def polled(
        self, author: bytes, fits: Callable[[Item | None], bool], expected: str, what: str = ""
    ) -> None:
        """Looks at what the node tells of a log until it fits: a change in the node is told to nobody who had it."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while not fits(told := await self.item(author)):
            if asyncio.get_running_loop().time() > end:
                raise Broken(f"{what or 'its item of the log'} is {words(told)}, not {expected}")
            await asyncio.sleep(LOOK_EVERY)

    async def runs(self, wants: list[list[Any]], budget: int = 1 << 20) -> list[list[Entry]]:
        """The runs that the node gives for wants, asked for again as long as some are left."""
        runs: list[list[Entry]] = []
        while wants:
            answers = await self.ask("get", wants=wants, budget=budget)
            want(answers[0].name == "runs", f"get is refused with {answers[0].body.get('code')}")
            got = [run for answer in answers for run in answer.body.get("runs", [])]
            runs += map(read_run, got)
            wants = [left for answer in answers for left in answer.body.get("left", [])]
            want(bool(got) or not wants, "nothing came, and something is left [R-SYNC-8]")
        return runs

    async def log(self, author: bytes) -> Log:
        """A log as the node serves it, judged [R-SYNC-10]."""
        item = await self.item(author)
        if item is None:
            raise Broken("it tells no item of the log")
        log = Log(self.network)
        for answer in await self.ask("openers", authors=[author]):
            for run in answer.body.get("runs", []):
                log.receive(read_run(run))
        high = item[4] if item[0] == 0 else 1 << 20
        low = item[6] if item[0] == 0 else 0
        for chain in chains(await self.runs([[author, low, high]])):
            fault = log.receive(chain, jump=True).fault
            want(fault is None or item[0] != 0, f"a run that does not verify: {fault} [R-SYNC-10]")
        return log

    async def serves_from(self, author: bytes, seq: int) -> None:
        """Waits until the node says that it holds a log from this seq on."""
        await self.polled(
            author, lambda item: item is not None and item[0] == 0 and item[6] == seq, f"held from {seq}"
        )

    async def has_record(self, author: bytes, entry: Entry) -> None:
        """Waits until the node serves the record of an entry."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    answer = await self.one("want", entries=[[author, entry.seq, entry.id]])
                    if answer.get("records"):
                        want(answer["records"][0][1] == entry.record, "it serves another record")
                        return
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError as error:
            raise Broken("it does not serve the record it asked for and got [R-SYNC-12]") from error

    async def serves(self, author: bytes, entries: Sequence[Entry], what: str = "the log") -> None:
        """Fails unless the node serves exactly these entries of a log, byte for byte [R-ENC-9]."""
        got = [entry for run in await self.runs([[author, entries[0].seq, 1 << 30]]) for entry in run]
        want([each.id for each in got] == [each.id for each in entries], f"{what} is served otherwise")
        same_bytes = [each.alone() for each in got] == [each.alone() for each in entries]
        want(same_bytes, f"{what} is served with other bytes [R-ENC-9]")


def _words(ending: Ending | None) -> str:
    if ending is None:
        return ""
    return (
        f"bye {ending.said or 'without a code'}" if ending.said is not None else f"close code {ending.closed}"
    )


def _authors(question: Message) -> list[bytes]:
    """Whose logs a question is about."""
    body = question.body
    if "author" in body:
        return [body["author"]]
    rows = body.get("wants") or body.get("entries") or []
    return [*body.get("authors", []), *(row[0] for row in rows)]
