"""Whole nodes without HTTP, joined by links in memory: real store, gate, sessions; only the wire is a double."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, MutableSequence, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from netnode.bus import Bus
from netnode.config import Config
from netnode.ingest import Gate
from netnode.keeping import Keeping
from netnode.keys.keystore import Keys
from netnode.own.log import OwnLog
from netnode.ports import Disk, Executor, Lane, Link, LinkClosed
from netnode.projections import tables
from netnode.projector import Projector
from netnode.quotas import Quotas
from netnode.settings import Settings
from netnode.stamping import Stamping
from netnode.store import GroupCommit, PeerRow, Reader, Store, Writer
from netnode.sync.claims import Claims
from netnode.sync.peering import Core
from netnode.sync.ranges import Held
from netnode.sync.reach import Reach
from netnode.sync.reckoned import Reckoned
from netnode.sync.sessions import SessionKeeper
from netnode.system import SystemDisk
from protocol import limits, messages
from protocol.certificate import DAY_MS, certify
from protocol.entry import Entry
from protocol.items import Item
from protocol.messages import Body, Hello, Received, decode_message, encode_message
from protocol.session import Arrived, Event, LocalIdentity, Phase, Session
from tests.netnode.lanes import in_lane
from tests.netnode.patience import patience
from tests.netnode.wires import Wires
from tests.protocol.author import NETWORK, START, Author, seed

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
NOW = START + 10 * DAY_MS
WAIT = 10.0


class TestClock:
    """A wall clock that stands where a test puts it."""

    __test__ = False

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def elapsed(self) -> float:
        return asyncio.get_running_loop().time()


class TestEntropy:
    """Different bytes at each call, the same in each run."""

    __test__ = False

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def token(self, size: int) -> bytes:
        self._count += 1
        drawn = b"".join(seed(self._name, "token", self._count, part) for part in range(size // 32 + 1))
        return drawn[:size]

    def uniform(self, low: float, high: float) -> float:
        return low

    def shuffle(self, members: MutableSequence[Any]) -> None:
        members.reverse()


class InlineExecutor:
    """Runs work on the event loop, one tick later, in the order it was given; the work cannot tell that it does."""

    def idle(self, lane: object) -> bool:
        return False

    async def run(self, lane: Lane, function: Callable[[*Ts], T], *args: *Ts) -> T:
        await asyncio.sleep(0)
        with in_lane():
            return function(*args)

    async def close(self) -> None:
        return


@dataclass
class MemoryDialer:
    wires: Wires
    source: str

    async def dial(self, address: str, *, public: bool = False) -> Link:
        await asyncio.sleep(0)
        return self.wires.connect(self.source, address.removeprefix("ws://"))


@dataclass
class MemoryListener:
    wires: Wires
    name: str

    @property
    def addresses(self) -> tuple[str, ...]:
        return (f"ws://{self.name}",)

    async def start(self, on_link: Callable[[Link], Awaitable[None]]) -> None:
        self.wires.listeners[self.name] = on_link

    async def close(self) -> None:
        self.wires.listeners.pop(self.name, None)


def settings(interest: str = "all", hops: int = 2, max_sessions: int = 64) -> Settings:
    """The defaults, with what a test says."""
    plain = Config(Path("no such file"), SystemDisk()).settings()
    return replace(
        plain,
        network=NETWORK,
        listen="127.0.0.1:0",
        interest=interest,
        hops=hops,
        max_sessions=max_sessions,
        stamp_asked=0,
    )


def session_private(author: Author) -> bytes:
    return seed(author.name, "session")


def keys_of(author: Author) -> Keys:
    """The keys a home of this author has, for epoch 0."""
    epoch = author.entries[-1].epoch
    signing = (
        seed(author.name, "key", 0) if epoch == 0 else seed(author.name, "key", epoch, author.generation or 1)
    )
    return Keys(
        author.id,
        NETWORK,
        epoch,
        author.promise_for(epoch + 1),
        signing,
        session_private(author),
        NOW + 30 * DAY_MS,
        X25519PrivateKey.from_private_bytes(seed(author.name, "backup")).public_key().public_bytes_raw(),
        seed(author.name, "backup key"),
    )


def identity_of(author: Author, entries: Sequence[Entry] | None = None) -> LocalIdentity:
    keys = keys_of(author)
    certificate = certify(NETWORK, author.signer, keys.session_key, NOW + 30 * DAY_MS)
    openers = tuple(e for e in (entries or author.entries) if e.kind in (0, 2))
    return LocalIdentity(author.id, openers, certificate, keys.session_private)


@dataclass
class NodeUnderTest:
    """One node: everything but HTTP. `name` is its address too."""

    name: str
    author: Author
    store: Store
    gate: Gate
    keeping: Keeping
    stamping: Stamping
    bus: Bus
    own: OwnLog
    projector: Projector
    keeper: SessionKeeper
    clock: TestClock
    executor: Executor
    reach: Reach
    reckoned: Reckoned
    sent: list[Body] = field(default_factory=list)

    @property
    def id(self) -> bytes:
        return self.author.id

    async def items(self) -> dict[bytes, Item]:
        """Items of all logs held, without `from`."""
        authors = await self.store.read(Reader.authors)
        return {item.author: item for item in await self.store.read(Reader.items_of, authors)}

    async def log(self, author: bytes) -> list[Entry]:
        return await self.store.read(Reader.entries, author, 0, limits.MAX_SEQ, 2**40)

    async def holds(self, *authors: Author) -> bool:
        """Whether these authors' logs are held as they stand."""
        return all([await self.log(author.id) == author.entries for author in authors])

    async def take(self, *authors: Author) -> None:
        """Takes logs in, as from a file."""
        for author in authors:
            for outcome in await self.gate.admit_chains([author.entries]):
                assert outcome.fault is None, outcome.fault

    async def write(self, count: int = 1) -> None:
        """Appends own entries, through the author that tests compare with."""
        for _ in range(count):
            self.author.write()
            outcome = await self.gate.admit(self.author.entries[-1:], durable=True)
            assert outcome.fault is None and outcome.kept == 1

    async def join(self, other: NodeUnderTest, *, known: bool = True) -> None:
        """Puts the other node into the book and dials it."""
        await self.keeper.add(PeerRow(id=other.id if known else None, addresses=(f"ws://{other.name}",)))

    def asked(self, kind: type[Body]) -> int:
        """How often it sent a message of this type."""
        return sum(isinstance(body, kind) for body in self.sent)

    def sessions(self) -> list[bytes]:
        return [peering.id for peering in self.keeper.open_sessions()]


class Mesh:
    """Makes nodes in a folder and ends them."""

    def __init__(self, folder: Path, wires: Wires, sent: dict[bytes, list[Body]]) -> None:
        self.folder = folder
        self.wires = wires
        self.sent = sent
        self._stacks: dict[str, AsyncExitStack] = {}

    async def node(
        self,
        name: str,
        author: Author | None = None,
        *,
        executor: Executor | None = None,
        every: float = 60.0,
        config: Settings | None = None,
        home: str | None = None,
        own: bool = True,
        follows: Sequence[Author] = (),
        owing: Sequence[Author] = (),
        limit: int = 4_000,
        quotas: Quotas | None = None,
        stamps: int | None = None,
        hub: bool = False,
        disk: Disk | None = None,
        ranges: bool = True,
        now: int = NOW,
    ) -> NodeUnderTest:
        """Starts a node at address `name`; the same `home` again is a restart."""
        author = author or Author(name)
        executor = executor or InlineExecutor()
        stack = AsyncExitStack()
        self._stacks[name] = stack
        clock, entropy = TestClock(now), TestEntropy(f"{name} {len(self.sent)} {len(self.wires.links)}")
        path = self.folder / f"{(home or name).replace('/', '-')}.sqlite3"
        store = await Store.open(path, NETWORK, disk or SystemDisk(), executor, entropy, [tables.create])
        stack.push_async_callback(executor.close)
        stack.push_async_callback(store.close)
        commits = await stack.enter_async_context(GroupCommit(store, limit))
        bus = Bus()
        keeping = Keeping(store, author.id, quotas or Quotas.of(settings()), clock)
        gate = Gate(NETWORK, store, commits, executor, bus, keeping)
        log = OwnLog(NETWORK, author.id, gate, clock, keys_of(author), store)
        await log.caution.load()
        projector = Projector(store, NETWORK, clock, bus)
        if own and await gate.state(author.id) is None:
            outcome = await gate.admit(author.entries, durable=True)
            assert outcome.fault is None
        for each in follows:
            await store.write(Writer.follow, each.id, NOW)
        await keeping.load()
        dialer = MemoryDialer(self.wires, name)
        reach = Reach(NETWORK, store, clock, entropy, dialer, lambda: identity_of(author), "test")
        held = Held(store, NETWORK, entropy, clock) if ranges else None
        reckoned = Reckoned(author.id, clock, lambda reader: [each.id for each in owing])
        core = Core(
            NETWORK,
            store,
            gate,
            bus,
            clock,
            log.witness,
            every,
            log,
            reach=reach,
            held=held,
            keeping=keeping,
            claims=Claims(clock),
            reckoned=reckoned,
        )
        stamping = Stamping(store, NETWORK, author.id, clock, entropy, executor, stamps or 0)
        await stamping.load()
        if stamps is not None:
            core = replace(core, stamping=stamping)
        if hub:
            core = replace(core, searched_as=author.id)
        keeper = SessionKeeper(
            core, log, lambda: identity_of(author), config or settings(), entropy,
            dialer, MemoryListener(self.wires, name), "test",
        )  # fmt: skip
        reach.named = keeper.invited
        log.skew = keeper.skew
        keeping.on_wider = keeper.compare_again
        stamping.on_better = keeper.show_stamp
        await keeper.start()
        group = await stack.enter_async_context(_tasks())
        group.append(asyncio.create_task(keeper.run(), name=f"{name} sessions"))
        if stamps is not None:
            group.append(asyncio.create_task(stamping.run(), name=f"{name} stamping"))
        stack.push_async_callback(keeper.close)
        node = NodeUnderTest(
            name, author, store, gate, keeping, stamping, bus, log, projector, keeper, clock, executor, reach,
            reckoned,
        )  # fmt: skip
        node.sent = self.sent.setdefault(author.id, [])
        await asyncio.sleep(0)
        return node

    async def stop(self, name: str) -> None:
        await self._stacks.pop(name).aclose()

    async def close(self) -> None:
        for name in list(self._stacks):
            await self.stop(name)


@asynccontextmanager
async def _tasks() -> AsyncIterator[list[asyncio.Task[None]]]:
    """Tasks that end with the block; one that failed fails it."""
    tasks: list[asyncio.Task[None]] = []
    yield tasks
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, BaseException) and not isinstance(ended, asyncio.CancelledError):
            raise ended


async def until(predicate: Callable[[], bool | Awaitable[bool]], what: str = "") -> None:
    """Waits until it is so; fails after WAIT seconds."""
    try:
        async with patience(WAIT):
            while True:
                answer = predicate()
                if answer is True or (not isinstance(answer, bool) and await answer):
                    return
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"not within {WAIT} s: {what or predicate}") from None


async def quiet(mesh: Mesh, seconds: float = 0.05) -> None:
    """Waits until no node sends anything for a while."""
    before = -1
    while (count := sum(map(len, mesh.sent.values()))) != before:
        before = count
        await asyncio.sleep(seconds)


async def level(*nodes: NodeUnderTest) -> None:
    """Waits until all nodes hold equal items."""

    async def equal() -> bool:
        first, *rest = [
            {author: (i.standing, i.epoch, i.term, i.seq, i.id) for author, i in (await node.items()).items()}
            for node in nodes
        ]
        return all(each == first for each in rest)

    await until(equal, "equal items")


class Puppet:
    """A peer played by a test: it speaks the session protocol and says whatever the test wants."""

    def __init__(self, link: Link, session: Session) -> None:
        self.link = link
        self.session = session
        self.events: deque[Event] = deque()
        self.questions: list[tuple[Body, int]] = []

    @classmethod
    async def meet(
        cls, wires: Wires, address: str, author: Author, *, hello: bool = True, store: bytes | None = None,
        interest: bool = True, advertised: dict[str, int] | None = None, features: Sequence[int] = (),
        source: str = "",
    ) -> Puppet:  # fmt: skip
        """Dials a node, from an address if one is given, and goes through the handshake."""
        link = wires.connect(source or f"puppet {author.name}", address)
        puppet = cls(link, cls.session_of(author, True, store, advertised, features))
        await puppet.flush()
        while puppet.session.phase in (Phase.AWAIT_2, Phase.GREETING):
            puppet.events.extend(puppet.session.receive(await link.receive(), NOW))
            if hello:
                await puppet.flush()
        if interest:
            await puppet.tell(messages.Interest(all=True))
        return puppet

    @staticmethod
    def session_of(
        author: Author, initiator: bool, store: bytes | None = None, advertised: dict[str, int] | None = None,
        features: Sequence[int] = (),
    ) -> Session:  # fmt: skip
        return Session(
            NETWORK,
            initiator=initiator,
            identity=identity_of(author),
            hello=Hello(
                agent="puppet",
                clock=NOW,
                features=list(features),
                limits=advertised or {},
                store=store or seed(author.name, "store")[:16],
                versions=[1],
            ),
            ephemeral=seed(author.name, "ephemeral"),
        )

    async def flush(self) -> None:
        for data in self.session.outgoing():
            await self.link.send(data)

    async def tell(self, body: Body, request: int = 0) -> None:
        self.session.tell(body, request)
        await self.flush()

    async def force(self, body: Body, request: int = 0) -> None:
        """Sends it, whatever the session thinks of it."""
        self.session._send(encode_message(body, request))
        await self.flush()

    async def ask(self, body: Body) -> list[Body]:
        """Asks and gathers the answer; questions of the node are answered with a refusal."""
        request = self.session.ask(body)
        await self.flush()
        answers: list[Body] = []
        while True:
            arrived = await self.next()
            if arrived.question is None and arrived.request:
                await self.tell(messages.Refuse(code="not_here", text="a puppet"), arrived.request)
            elif arrived.request == request:
                answers.append(arrived.body)
                if not (isinstance(arrived.body, messages.Runs) and arrived.body.more):
                    return answers

    async def next(self, kind: type[Body] | None = None) -> Arrived:
        """The next message, or the next of one type; raises LinkClosed."""
        async with patience(WAIT):
            while True:
                while self.events:
                    event = self.events.popleft()
                    if isinstance(event, Arrived) and (kind is None or isinstance(event.body, kind)):
                        return event
                self.events.extend(self.session.receive(await self.link.receive(), NOW))

    async def serve(self, answer: Callable[[Body], Body | None]) -> None:
        """Answers questions until the link ends; None leaves one open."""
        try:
            while self.session.phase is Phase.OPEN:
                arrived = await self.next()
                if arrived.request and arrived.question is None:
                    self.questions.append((arrived.body, arrived.request))
                    told = answer(arrived.body)
                    if told is not None:
                        await self.tell(told, arrived.request)
        except LinkClosed:
            return

    async def ended(self) -> messages.Bye | None:
        """Reads to the end; the goodbye, if there was one."""
        try:
            while True:
                arrived = await self.next()
                if isinstance(arrived.body, messages.Bye):
                    return arrived.body
        except LinkClosed:
            return None


def spy(monkeypatch: Any) -> dict[bytes, list[Body]]:
    """What every session sends, in plain, by the networker that sends it."""
    sent: dict[bytes, list[Body]] = {}
    plain = Session._send

    def recorded(self: Session, plaintext: bytes) -> None:
        received: Received = decode_message(plaintext)
        if received.body is not None:
            sent.setdefault(self._identity.id, []).append(received.body)
        plain(self, plaintext)

    monkeypatch.setattr(Session, "_send", recorded)
    return sent
