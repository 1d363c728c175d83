"""The sessions of a node as a set: lets no two sessions with one peer stand, tells all what all must know.

Which of two sessions with one networker stays does not depend on who looks: the one dialled by the smaller id; of two
dialled by the same side the newer, since the older is then dead without knowing.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from netnode.failures import SESSION
from netnode.own.log import OwnLog
from netnode.ports import Dialer, Entropy, Link, LinkClosed, Listener
from netnode.problems import Problem
from netnode.settings import Settings
from netnode.store import PeerRow, Reader, Writer
from netnode.store.invites import JoiningRow
from netnode.sync.accepting import CROWDED
from netnode.sync.addresses import Known
from netnode.sync.allowance import Allowance
from netnode.sync.book import Book
from netnode.sync.clocks import Doubt, PeerClocks
from netnode.sync.dialling import ITSELF, Dialling
from netnode.sync.interest import Interest, of_own
from netnode.sync.outreach import Outreach
from netnode.sync.peering import COMING_AGAIN, Core, Peering
from netnode.sync.places import Places
from netnode.sync.reachability import Reachability
from protocol import limits
from protocol.address import Scope, host_scope
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Item
from protocol.messages import Hello, Twin
from protocol.session import VERSION, Feature, LocalIdentity, Session

EAGER: Final = 6  # sessions that new entries are pushed to; the others are told, and ask
GOODBYE_SECONDS: Final = 2.0
BELIEVED: Final = (1, 3, 600.0)  # of one stranger, of all, in so many seconds: claims of later own entries
BELIEVED_SECONDS: Final = 10.0  # why: an honest peer has proved its claim long before
WATCH_CLOCK_SECONDS: Final = 5.0  # why: a look at two clocks
RETELL_SECONDS: Final = 5.0  # why: whoever comes and goes would have every peer compared with anew
_log = logging.getLogger("netnode.sync")

LOOK_AGAIN_SECONDS: Final = (
    600.0  # why: one look at a peer tells all; those that refuse for other reasons are not bothered
)


class SessionKeeper:
    """All sessions of one node.

    Args:
        core: what sessions share.
        own: the own log.
        identity: what this node proves in handshakes, as of now.
        settings: interest, hops, caps.
        entropy: ephemeral keys and jitter.
        dialer: opens links.
        listener: accepts links.
        agent: name and version of the program.
    """

    def __init__(
        self,
        core: Core,
        own: OwnLog,
        identity: Callable[[], LocalIdentity],
        settings: Settings,
        entropy: Entropy,
        dialer: Dialer,
        listener: Listener,
        agent: str,
    ) -> None:
        self._core = core
        self._own = own
        self._identity = identity
        self._settings = settings
        self._entropy = entropy
        self._dialer = dialer
        self._listener = listener
        self._agent = agent
        self._open: dict[bytes, Peering] = {}
        self._running: dict[Peering, None] = {}  # in the order in which they began
        self._handshakes: set[bytes] = set()
        self._selves: set[bytes] = set()
        self._believed = Allowance(*BELIEVED)
        self._wider = asyncio.Event()  # peers make this node want other logs
        self._clocks = PeerClocks(core.clock)
        self._changed = asyncio.Event()
        self._follows: frozenset[bytes] = frozenset()
        self._blocked: frozenset[bytes] = frozenset()
        self._owner_named: frozenset[bytes] = frozenset()
        self._addressed: frozenset[bytes] = frozenset()  # of those, whose address the owner gave
        self._nowhere = Reachability()
        self._store_id = b""
        self._book = Book(core.store)
        self._dialling = Dialling(self, self._book, dialer, entropy, core.clock, core.failures)
        self.outreach: Outreach | None = None
        self._places: Places | None = None
        self._closing = False
        self.look_for_rotation: Callable[[str], Awaitable[None]] | None = None
        self._looked: dict[str, float] = {}  # address -> when, monotonic

    # -- life ------------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Reads who is followed and blocked and begins to accept links."""
        await self._reread()
        self._store_id = (await self._core.store.read(Reader.newest)).store
        await self._open_book()
        self._own.caution.online, self._own.caution.changed = True, self._ask_own
        await self._listener.start(self._accept)

    async def run(self) -> None:
        """Dials the book until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dialling.run(), name="named peers")
            group.create_task(self._retelling(), name="interest")
            if self.outreach is not None:
                group.create_task(self.outreach.run(), name="address book")

    async def _open_book(self) -> None:
        core, entropy = self._core, self._entropy
        self.outreach = await Outreach.open(
            self, core.network, core.store, self._settings, self._dialer, entropy, core.clock, core.witness,
            lambda: self._identity().openers, self._announced, core.failures,
        )  # fmt: skip
        self._places = Places(
            self._settings.max_sessions, self.outreach.record, self.named, core.clock, entropy.token(32)
        )

    def _announced(self) -> list[str]:
        """Where this node says that it answers: as its owner says, as peers found by dialling back, as it listens."""
        found = self.reachability.confirmed(self._core.clock.now_ms())
        return [*self._settings.public_address, *found, *self._listener.addresses]

    def _ask_own(self) -> None:
        """Asks in every session what the peer holds of the own log, since its answers count anew."""
        for peering in self._open.values():
            peering.pull.look()

    async def close(self) -> None:
        """Says goodbye in every session and accepts no more."""
        self._closing = True
        self._own.caution.online = False
        self._dialling.close()
        if self.outreach is not None:
            self.outreach.close()
        for peering in tuple(self._running):
            peering.farewell("", "the node stops")
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                while self._running:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            _log.info("%d sessions did not end in time", len(self._running))
        if self.outreach is not None:
            try:
                await self.outreach.save()
            except Problem as problem:  # a damaged store or a full disk keeps no node from ending
                _log.error("the address book is not written: %s", problem.text)
        await self._listener.close()

    # -- what operations use ---------------------------------------------------------------------------------
    def open_sessions(self) -> list[Peering]:
        """The open sessions, oldest first."""
        return list(self._open.values())

    async def add(self, row: PeerRow) -> PeerRow:
        """Puts a peer into the book, or adds its addresses to what the book knows of it, and dials it."""
        stored = await self._book.add(row)
        if stored.id is not None:
            self._owner_named |= {stored.id}
            if stored.addresses:
                self._addressed |= {stored.id}
            await self._nearer()
        if self.outreach is not None:
            self.outreach.forgive(stored.addresses)
        self._dialling.keep(stored)
        return stored

    async def write_book(self) -> None:
        """Writes the address book down."""
        if self.outreach is not None:
            await self.outreach.save()

    async def drop(self, row: PeerRow) -> None:
        """Forgets a peer and ends the session with it."""
        self._dialling.stop(row.p)
        await self._core.store.write(Writer.remove_peer, row.p)
        if row.id is not None:
            self._owner_named -= {row.id}
            self._addressed -= {row.id}
            if self.outreach is not None:
                self.outreach.book.only(row.id, ())
            self.end(row.id, "", "forgotten")

    def compare_again(self) -> None:
        """Compares everything with every peer again: more is wanted than before."""
        for peering in self._open.values():
            peering.pull.restart()

    def end(self, networker: bytes, code: str, text: str) -> None:
        """Ends the session with a networker, if there is one."""
        peering = self._open.get(networker)
        if peering is not None:
            peering.farewell(code, text)

    async def changed(self) -> None:
        """Follows or blocks changed: tells every peer the new interest, ends blocked sessions."""
        await self._reread()
        await self._nearer()
        self._changed.set()
        for networker in sorted(self._blocked):
            self.end(networker, "blocked", "no sessions with this networker")
        for peering in self._open.values():
            peering.branches.look_anew()  # somebody's figures matter now
        self._retell()

    async def invited(self, networker: bytes, follow: bool) -> None:
        """Somebody joined by an invite: the owner named them, so they stay in the book."""
        now = self._core.clock.now_ms()
        await self._book.add(PeerRow(id=networker, invited=True, added=now))
        if follow:
            await self._core.store.write(Writer.follow, networker, now)
        await self.changed()
        if (peering := self._open.get(networker)) is not None:
            peering.pull.restart()  # what was not taken from a stranger is taken now

    async def show_invite(self, networker: bytes) -> None:
        """Shows a peer in session the invite of it that this node was given; if this one ends, the next does."""
        peering = self._open.get(networker)
        if peering is not None:
            try:
                await peering.show_invite()
            except (LinkClosed, RemoteProtocolError) as error:
                _log.info("the invite of %s could not be shown: %s", peering.label, error)

    async def settled(self, networker: bytes, seconds: float) -> JoiningRow | None:
        """What came of showing that invite, within so many seconds; None without one."""
        return None if self._core.reach is None else await self._core.reach.settled(networker, seconds)

    @property
    def reachability(self) -> Reachability:
        """What peers say of this node's addresses."""
        return self._nowhere if self._core.reach is None else self._core.reach.reachability

    def skew(self) -> int | None:
        """How far this clock is from the peers' median, in ms; None with too few peers to tell."""
        return self._clocks.skew()

    def doubt(self) -> Doubt | None:
        """What speaks against this clock where too few peers tell."""
        return self._clocks.doubt()

    async def watch_clock(self) -> None:
        """Greets every peer anew once the clock of this computer was set: they know what it was before."""
        moved = self._clocks.was_set()
        if moved is not None:
            _log.warning("this computer's clock was set by %+d s", round(moved / 1000))
            for peering in self.open_sessions():
                peering.farewell("", "the clock of this computer was set")

    # -- what sessions ask -----------------------------------------------------------------------------------
    def admit(self, peering: Peering) -> None:
        """Lets an identified peer go on to its hello, or raises NotHeld."""
        handshake = peering.conversation.session.handshake_hash
        if handshake in self._handshakes:
            self._selves.add(handshake)
            raise NotHeld("twin", ITSELF)
        self._handshakes.add(handshake)
        if peering.id in self._blocked:
            raise NotHeld("blocked", "no sessions with this networker")

    def greeted(self, peering: Peering, hello: Hello) -> None:
        """Opens a session, unless its peer is a twin or in session already.

        Only now, so that nobody ends the session of another before the handshake proved who they are.

        Raises:
            NotHeld: `twin` or `busy`.
        """
        if peering.id == self._own.id:
            if peering.conversation.session.handshake_hash in self._selves:
                peering.itself = True
                raise NotHeld("twin", ITSELF)
            peering.conversation.tell(Twin())
            self._twin(f"It was met at {peering.conversation.link.remote}.")
            raise NotHeld("twin", "another node of this networker is running")
        other = self._open.get(peering.id)
        if other is not None:
            self._choose(peering, hello, other)
        if not peering.outbound and self._places is not None:
            self._places.enter(peering, self._open.values())
        self._open[peering.id] = peering
        # Why it matters who: three strangers with wrong clocks must not silence a node.
        self._clocks.greeted(peering.id, hello.clock, peering.group, chosen=self._chosen(peering))
        if self._settings.interest != "all":
            self._wider.set()

    def _choose(self, peering: Peering, hello: Hello, other: Peering) -> None:
        """Ends one of two sessions with one networker, or both when two nodes speak for it [R-SYNC-17]."""
        known = other.conversation.session.greeting
        if known is not None and known.store != hello.store:
            text = "two nodes of this networker are running"
            for each in (peering, other):
                each.conversation.tell(Twin())
            other.farewell("twin", text)
            raise NotHeld("twin", text)
        if peering.outbound != other.outbound and self._dialler(peering) != min(self._own.id, peering.id):
            raise NotHeld("busy", "a session with this networker is open")
        other.farewell("", "replaced by another session")

    def eager(self, peering: Peering) -> bool:
        """Whether the session is among the first few."""
        for index, each in enumerate(self._open.values()):
            if each is peering:
                return index < EAGER
        return False

    def interest(self) -> Interest:
        """What this node wants now."""
        told: set[bytes] = set()
        for peering in self._open.values():
            if peering.id in self._follows and peering.peer_interest.current.ids is not None:
                told |= peering.peer_interest.current.ids
        return of_own(
            self._settings.interest, self._own.id, self._follows, self._open, told, self._settings.hops
        )

    def interest_changed(self, peering: Peering) -> None:
        """What a followed peer wants is wanted here too, where `hops` is 2."""
        if self._settings.interest != "all" and peering.id in self._follows:
            self._wider.set()

    def behind(self, peering: Peering, item: Item) -> None:
        """Own later heads stop appending until they are here; a stranger could silence this node, so not for long."""
        if item.author != self._own.id:
            return
        if self.named(peering):
            self._own.behind(peering.id, item)
        elif self._believed.take(peering.id, self._core.clock.monotonic()):
            self._own.behind(peering.id, item, BELIEVED_SECONDS)

    def unproved(self, peering: Peering, item: Item) -> None:
        """A claim of own later heads that the peer does not prove is void."""
        if item.author == self._own.id:
            self._own.unproved(peering.id)

    def told_of_twin(self, peering: Peering) -> None:
        """A peer says that a twin is running; a stranger that dialled in is not believed, it could silence anybody."""
        if self._chosen(peering) or peering.id == self._own.id:
            self._twin(f"{peering.label} says that both are connected to it.")
        elif not peering.doubted:  # why: a peer does not fill the log
            peering.doubted = True
            _log.warning("%s says that another node of this networker is running", peering.label)

    def _twin(self, how: str) -> None:
        """Stops appending: two nodes of one networker would fork its log [R-LOG-23]. `converse` makes it durable."""
        self._own.caution.alarm(f"Another node of this networker is running. {how}")

    def named(self, peering: Peering) -> bool:
        """Whether the owner named this peer; who joined by an invite is one of them."""
        return self._chosen(peering) or peering.id in self._owner_named

    def _chosen(self, peering: Peering) -> bool:
        """Whether the owner chose this peer: gave its address, whoever dialled, or follows it."""
        return peering.named or peering.id in self._follows or peering.id in self._addressed

    # -- links -----------------------------------------------------------------------------------------------
    async def _accept(self, link: Link) -> None:
        if self._closing or self._places is None or not self._places.begin(link.host):
            await link.close(1013, CROWDED)
            return
        peering = self.peering(link, None, None)
        number = self._places.wait(peering)
        try:
            await self.converse(peering)
        finally:
            self._places.leave(number, peering)

    def addresses_of(self, networker: bytes) -> list[str]:
        """Where the address book says that a networker answers, the surest first."""
        if self.outreach is None:
            return []
        known = [each for each in self.outreach.book if each.networker == networker]
        return [each.address for each in sorted(known, key=_surest)]

    # -- what dialling asks ----------------------------------------------------------------------------------
    def stands(self, networker: bytes) -> bool:
        """Whether a session with this networker is open."""
        return networker in self._open

    def refuses(self, networker: bytes) -> bool:
        """Whether sessions with this networker are refused."""
        return networker in self._blocked

    async def changed_sessions(self) -> None:
        """Returns when a session ended, or who is refused changed."""
        self._changed.clear()
        await self._changed.wait()

    @property
    def own_id(self) -> bytes:
        """The own networker."""
        return self._own.id

    @property
    def owner_named(self) -> frozenset[bytes]:
        """Networkers that the owner named by an address or an invite."""
        return self._owner_named

    @property
    def followed(self) -> frozenset[bytes]:
        """Networkers that the owner follows."""
        return self._follows

    def peering(
        self, link: Link, address: str | None, expected: bytes | None, *, named: bool = False
    ) -> Peering:
        """A session over a new link, not yet running; one with an address was dialled there."""
        asked = (
            0
            if address is not None or host_scope(link.host) is Scope.LOOPBACK
            else self._settings.stamp_asked
        )
        session = self.session(address is not None, expected, asked)
        peering = Peering(
            self._core, self, link, session, outbound=address is not None, address=address, named=named
        )
        peering.stamp_asked = asked
        return peering

    def show_stamp(self) -> None:
        """A better stamp is made: comes again to those who asked for it [R-STAMP-5]."""
        for peering in tuple(self._open.values()):
            if peering.outbound and peering.lacks_stamp:
                peering.farewell("", COMING_AGAIN)

    def session(self, dialler: bool, expected: bytes | None, asked: int = 0) -> Session:
        """A new session state.

        Args:
            dialler: whether this node dialled.
            expected: the networker expected there.
            asked: bits of a stamp the other side is asked for, if it is a stranger.
        """
        return Session(
            self._core.network,
            initiator=dialler,
            identity=self._identity(),
            hello=Hello(
                agent=self._agent,
                clock=self._core.clock.now_ms(),
                features=sorted({*self._core.features, int(Feature.PEERS)}),
                stamp=None if self._core.stamping is None else self._core.stamping.wire,
                stamp_asked=asked,
                store=self._store_id,
                versions=[VERSION],
            ),
            ephemeral=self._entropy.token(limits.KEY_BYTES),
            expected=expected,
        )

    async def not_certified(self, address: str) -> None:
        """Looks at the own log there as a stranger would: a home left behind by a rotation learns of it [R-CERT-5].

        Else it would go on publishing what reaches nobody.
        """
        if self.look_for_rotation is None:
            return
        now = self._core.clock.monotonic()
        self._looked = {each: at for each, at in self._looked.items() if now - at < LOOK_AGAIN_SECONDS}
        if address in self._looked:
            return
        self._looked[address] = now
        await self.look_for_rotation(address)

    async def converse(self, peering: Peering) -> tuple[str, str]:
        """Runs a session to its end; returns the code and text it ended with."""
        self._running[peering] = None
        try:
            ended = await peering.run()
        except Exception as error:  # a task root: a fault in one session must not end the node
            self._core.failures.outlived(SESSION, error, f"session with {peering.label}")
            ended = ("internal", "this side failed")
        finally:
            self._running.pop(peering, None)
            self._leave(peering)
            if self.outreach is not None:
                self.outreach.judge(peering)
                self.outreach.wake()
        try:
            await self._own.caution.save()
        except Problem as problem:  # in force all the same, until the node ends
            _log.error("the alarm is not kept: %s", problem.text)
        code, text = ended
        # Whoever knocks and says nothing that proves who they are does not fill the log.
        level = logging.INFO if peering.id or peering.outbound else logging.DEBUG
        _log.log(level, "session with %s ended: %s %s", peering.label, code or "ok", text)
        return ended

    def _leave(self, peering: Peering) -> None:
        if peering.conversation.session.remote is not None:
            handshake = peering.conversation.session.handshake_hash
            if (
                peering.outbound or handshake not in self._selves
            ):  # the dialling end has yet to find itself there
                self._handshakes.discard(handshake)
                self._selves.discard(handshake)
        if self._open.get(peering.id) is peering:
            del self._open[peering.id]
            self._clocks.gone(peering.id)
            if not self._chosen(peering):
                self._own.unproved(peering.id)  # else a stranger silences this node by going
        self._changed.set()

    def _dialler(self, peering: Peering) -> bytes:
        return self._own.id if peering.outbound else peering.id

    async def met(self, peering: Peering) -> None:
        """Writes an open session into the book."""
        new = peering.named and peering.id not in self._owner_named
        if peering.named:
            self._owner_named |= {peering.id}
            self._addressed |= {peering.id}
        if self.outreach is not None:
            self.outreach.met(peering)
        if self._core.post is not None:
            self._core.post.met(peering.id)
        address = peering.address if peering.named else None  # else it would be one the owner named
        merged = await self._book.met(
            peering.id, address, inbound=not peering.outbound, now=self._core.clock.now_ms()
        )
        for number in merged:
            self._dialling.stop(number)
        if new:
            await self._nearer()

    async def _nearer(self) -> None:
        """The owner named somebody: their log is no stranger's from now on."""
        if self._core.keeping is not None:
            await self._core.keeping.look(self._core.gate)

    async def _reread(self) -> None:
        self._follows = frozenset(each for each, _ in await self._core.store.read(Reader.follows))
        self._blocked = frozenset(each for each, _ in await self._core.store.read(Reader.blocked))
        rows = await self._book.rows()
        self._owner_named = frozenset(row.id for row in rows if row.id and (row.invited or row.addresses))
        self._addressed = frozenset(row.id for row in rows if row.id and row.addresses)
        wanted = self._settings.interest
        name = (
            [wanted]
            if wanted == "all"
            else [wanted, str(self._settings.hops), *map(bytes.hex, sorted(self._follows))]
        )
        await self._core.store.write(_take_interest, hashlib.sha256(" ".join(name).encode()).digest())

    def _retell(self) -> None:
        interest = self.interest()
        for peering in tuple(self._open.values()):
            peering.retell(interest)

    async def _retelling(self) -> None:
        """Tells every peer what its other peers made this node want, once in RETELL_SECONDS at most."""
        while True:
            await self._wider.wait()
            self._wider.clear()
            self._retell()
            await asyncio.sleep(RETELL_SECONDS)


def _surest(known: Known) -> tuple[bool, int, str]:
    return (not known.tried, -known.met, known.address)


def _take_interest(writer: Writer, digest: bytes) -> None:
    """Forgets all cursors when another interest begins: what they passed over may be wanted now [R-SYNC-7]."""
    if writer.get_meta("interest") == digest:
        return
    with writer.transaction() as connection:
        connection.execute("DELETE FROM cursor")
        writer.set_meta("interest", digest)
