"""One peer session of the node: puts conversation, answers, pull and live together [R-SYNC-1..18]."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from netnode.bus import Bus, Stored
from netnode.chains import Outcome, raise_remote
from netnode.failures import Failures
from netnode.ingest import Gate
from netnode.keeping import Keeping
from netnode.own.log import OwnLog, Witness
from netnode.ports import Clock, Link
from netnode.quotas import Distance
from netnode.stamping import Stamping, shown_bits
from netnode.store import Store
from netnode.sync.allowance import Trickle
from netnode.sync.answers import Answers
from netnode.sync.branches import Branches, Turns
from netnode.sync.claims import Claims
from netnode.sync.conduct import Conduct
from netnode.sync.conversation import Conversation
from netnode.sync.exchange import Source, unasked
from netnode.sync.fetching import Admit, Fetching, Progress
from netnode.sync.groups import group_of, host_group, is_loopback
from netnode.sync.interest import Interest, PeerInterest
from netnode.sync.live import Live
from netnode.sync.post import Carrier, Post
from netnode.sync.pull import ANTI_ENTROPY_SECONDS, Pull
from netnode.sync.queries import QueryAnswers
from netnode.sync.ranges import Held, Reconciliation
from netnode.sync.reach import QUESTIONS, Asker, Pinged, Reach
from netnode.sync.reckoned import Reckoned
from protocol import limits, messages, seen
from protocol.address import Told
from protocol.entry import SETTLEMENT, Entry
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.identity import id_text
from protocol.items import Item, Standing, parse_item
from protocol.messages import Body
from protocol.run import Run
from protocol.seen import Seen
from protocol.session import Feature, Identified, Session

_BEHIND = frozenset({"gap", "unknown_author", "unknown_epoch"})  # something before it is missing here
ASK_PEERS_SECONDS: Final = limits.PEERS_HOURS * 3_600.0
PEERS_EARLY: Final = 600.0  # why: clocks of two computers do not run alike
COMING_AGAIN: Final = "coming again with the stamp that was asked for"
_log = logging.getLogger("netnode.sync")


class Sessions(Protocol):
    """What a session needs from the one who keeps all of them."""

    def admit(self, peering: Peering) -> None:
        """Called once the peer is identified. Raises NotHeld (`blocked`, `twin`) to end the session."""

    def greeted(self, peering: Peering, hello: messages.Hello) -> None:
        """Called when the peer's hello came. Raises NotHeld (`twin`, `busy`) to end the session."""

    async def met(self, peering: Peering) -> None:
        """Called when the session is open."""

    def eager(self, peering: Peering) -> bool:
        """Whether this session is among the few that new entries are pushed to."""

    def interest(self) -> Interest:
        """What this node wants now."""

    def interest_changed(self, peering: Peering) -> None:
        """The peer told what it wants."""

    def behind(self, peering: Peering, item: Item) -> None:
        """A peer claims a later head of a log; of the own log that stops appending [R-LOG-21]."""

    def unproved(self, peering: Peering, item: Item) -> None:
        """The peer did not give what it claimed."""

    def named(self, peering: Peering) -> bool:
        """Whether the owner named this peer: added, follows or invited it."""

    @property
    def outreach(self) -> AddressTalk | None:
        """The address book; None while there is none."""

    def told_of_twin(self, peering: Peering) -> None:
        """A peer says that another node of this networker is running."""


class AddressTalk(Protocol):
    """What a session needs from the address book."""

    def answer(self, asker: Source) -> messages.Peers:
        """The answer to `ask_peers`."""

    async def told(self, teller: Source, values: Sequence[object], trickle: Trickle | None) -> None:
        """Takes in `peers`; without a trickle they were asked for."""

    def count(self, host: str, conduct: Conduct, why: str) -> None:
        """Counts an ambiguous fault of a host."""


@dataclass(frozen=True, slots=True)
class Core:
    """What all sessions share."""

    network: str
    store: Store
    gate: Gate
    bus: Bus
    clock: Clock
    witness: Callable[[], Witness | None]
    anti_entropy: float = ANTI_ENTROPY_SECONDS
    own: OwnLog | None = None
    reach: Reach | None = None
    searched_as: bytes | None = None  # this node's networker when it answers queries
    stamping: Stamping | None = None
    keeping: Keeping | None = None  # what is kept of whose log; None: all
    held: Held | None = None  # the set of all logs, where ranges are reconciled
    failures: Failures = field(default_factory=Failures)
    claims: Claims | None = None  # which session fetches what; None: each whatever it lacks
    post: Post | None = None  # where letters go
    turns: Turns = field(default_factory=Turns)  # whose branches are on their way
    reckoned: Reckoned | None = None  # whose branches are asked for; None: of those followed

    @property
    def features(self) -> list[int]:
        """The odd feature bits that this node's hello names."""
        parts = (
            (Feature.REACH, self.reach),
            (Feature.QUERY, self.searched_as),
            (Feature.RANGES, self.held),
            (Feature.LETTERS, self.post),
        )
        return sorted(int(feature) for feature, part in parts if part is not None)


class Peering:
    """One session with one peer, from handshake to goodbye.

    Args:
        core: shared parts of the node.
        sessions: who keeps the sessions.
        link: an open link.
        session: the state machine, new.
        outbound: whether this node dialled.
        address: where it dialled; None for an accepted link.
        named: whether it was dialled because the owner named the peer.
    """

    def __init__(
        self,
        core: Core,
        sessions: Sessions,
        link: Link,
        session: Session,
        *,
        outbound: bool,
        address: str | None,
        named: bool = False,
    ) -> None:
        self._core = core
        self._sessions = sessions
        self.outbound = outbound
        self.address = address
        self.named = named
        self.conversation = Conversation(link, session, core.clock, core.failures)
        self.peer_interest = PeerInterest()
        self._told = sessions.interest()
        self.live = Live(
            self.conversation,
            core.store,
            self._peer_wants,
            lambda: sessions.eager(self),
            self,
        )
        self.ranges = (
            None
            if core.held is None
            else Reconciliation(
                core.held, self.conversation, outbound, self._everything, lambda items: self.pull.note(items)
            )
        )
        self.pull = Pull(
            self.conversation,
            core.gate,
            core.store,
            self._wants,
            self,
            self.live.peer_told,
            lambda item: sessions.behind(self, item),
            lambda item: sessions.unproved(self, item),
            lambda: core.bus.publish(Stored((), source=self)),
            core.anti_entropy,
            core.own,
            self.ranges,
            claims=core.claims or Claims(core.clock),
        )
        self._answers = Answers(
            core.network, self.conversation, core.store, core.clock, self._peer_wants, core.witness
        )
        own = b"" if core.own is None else core.own.id
        self.branches = Branches(
            self.conversation,
            core.gate,
            core.store,
            own,
            lambda author: (author == own or not self.unstamped) and core.gate.wants(author),
            self.pull.level,
            lambda: core.bus.publish(Stored((), source=self)),
            core.anti_entropy,
            core.turns,
            core.reckoned or Reckoned(own, core.clock),
        )
        self._queries = (
            None
            if core.searched_as is None
            else QueryAnswers(core.network, core.store, core.clock, core.searched_as)
        )
        self.pull.withheld = lambda: self.unstamped
        self._fetching = Fetching(self.conversation)
        self.id = b""
        self.stamp_asked = 0  # bits the peer is asked for, unless it is known
        self._bits_shown = 0  # bits of the stamp it showed
        self._own_bits = 0 if core.stamping is None else core.stamping.bits  # as this side's hello shows them
        self.doubted = False  # it told of a twin and was not believed
        self.itself = False  # the peer turned out to be this very node
        self.since = core.clock.now_ms()
        self._trickle = unasked()
        self._asked_at: float | None = None  # when the peer last asked for addresses
        self._was_heard = False  # said anything since its hello

    @property
    def label(self) -> str:
        """Who and where, for the log."""
        return f"{id_text(self.id)[:12] if self.id else 'a stranger'} at {self.conversation.network}"

    async def run(self) -> tuple[str, str]:
        """Runs the session to its end; returns the code and text it ended with."""
        leave = self._core.bus.subscribe(self._stored, ahead=self.live.pass_on)
        try:
            return await self.conversation.run(
                self._identified,
                self._greeted,
                self._question,
                self._notice,
                self._level,
                self.live.run,
                self._fetching.run,
                self.branches.run,
                self._ask_peers,
                self.show_invite,
            )
        finally:
            self._fetching.close()
            if self.ranges is not None:
                self.ranges.close()
            leave()

    @property
    def remote(self) -> str:
        """The address of the other side, for people."""
        return self.conversation.link.remote

    @property
    def answers_pings(self) -> bool:
        """Whether the peer answers pings and dials back."""
        return self._core.reach is not None and self.conversation.session.uses(Feature.REACH)

    @property
    def unstamped(self) -> bool:
        """Whether nothing is taken from the peer: a stranger without the stamp it was asked for [R-STAMP-4]."""
        return (
            self._bits_shown < self.stamp_asked
            and not self._sessions.named(self)
            and (self._core.keeping is None or self._core.keeping.distance(self.id) is Distance.STRANGER)
        )

    @property
    def lacks_stamp(self) -> bool:
        """Whether the peer asked for a better stamp than this side showed, and there is one by now."""
        hello, stamping = self.conversation.session.greeting, self._core.stamping
        return (
            hello is not None and stamping is not None and self._own_bits < hello.stamp_asked <= stamping.bits
        )

    @property
    def asker(self) -> Asker:
        """Who the peer is to this node now."""
        return Asker(self.id, self.conversation.link.host, self._sessions.named(self))

    async def ping(self) -> Pinged:
        """Round trip, clock and the own address as the peer sees it; see `Reach.ping`."""
        return await self._reach().ping(self.conversation, self.asker)

    async def dial_back(self, port: int) -> messages.DialledBack:
        """Lets the peer try to dial this node; see `Reach.ask_back`."""
        return await self._reach().ask_back(self.conversation, self.asker, port)

    @property
    def answers_queries(self) -> bool:
        """Whether the peer says that it answers searches; who asks need not answer any [R-QRY-1]."""
        hello = self.conversation.session.greeting
        return hello is not None and Feature.QUERY in hello.features

    @property
    def takes_letters(self) -> bool:
        """Whether letters can be handed over in this session."""
        return self.conversation.greeted.is_set() and self.conversation.session.uses(Feature.LETTERS)

    async def deliver(self, letter: bytes) -> bool:
        """Hands over a letter; True: the peer keeps it for its recipient. See `Conversation.ask` for what it raises."""
        answer = await self.conversation.ask(messages.Deliver(letter=letter), messages.Delivered)
        return answer.kept

    async def item_of(self, author: bytes) -> Item | None:
        """What the peer holds of a log; None when it holds nothing. See `Conversation.ask` for what it raises."""
        after = (int.from_bytes(author) - 1).to_bytes(len(author)) if any(author) else None
        page = await self.conversation.ask(messages.Heads(after=after, limit=1), messages.Items)
        return next((item for item in map(parse_item, page.items) if item.author == author), None)

    async def query(self, question: messages.Query) -> messages.Found:
        """What the peer finds; see `Conversation.ask`."""
        return await self.conversation.ask(question, messages.Found)

    async def bring_branches(self, author: bytes) -> None:
        """Asks the peer for the branches of a log; returns when it has given them, or the session has ended."""
        await self.branches.bring(author)

    async def see(self, author: bytes, seq: int) -> Seen:
        """The peer's word that it holds an entry; see `Conversation.ask` for what it raises."""
        answer = await self.conversation.ask(messages.See(author=author, seq=seq), messages.Statement)
        return seen.from_value(answer.statement)

    async def show_invite(self) -> None:
        """Shows the peer the invite of it that this node has been given, if there is one."""
        if self._core.reach is not None and self.answers_pings:
            await self._core.reach.show_invite(self.conversation, self.id)

    def _reach(self) -> Reach:
        if self._core.reach is None or not self.answers_pings:
            raise NotHeld("not_here", "this peer's program is older: it answers neither ping nor dial_back")
        return self._core.reach

    async def fetch(self, blob: bytes, admit: Admit, progress: Progress) -> bytes:
        """A whole blob from this peer; see `Fetching.fetch`."""
        return await self._fetching.fetch(blob, admit, progress)

    def farewell(self, code: str, text: str) -> None:
        """Ends the session from this side."""
        self.conversation.leave(code, text)

    def retell(self, interest: Interest) -> None:
        """Tells the peer a changed interest and compares again; nothing when it has not changed."""
        if self.conversation.greeted.is_set() and interest != self._told:
            self._tell(interest)
            self.pull.restart()

    # -- addresses -------------------------------------------------------------------------------------------
    @property
    def group(self) -> str:
        """The network group of the peer: of the address that was dialled, else of where its link comes from."""
        return group_of(self.address) if self.address is not None else host_group(self.source.host)

    @property
    def source(self) -> Source:
        """The peer as one who asks for addresses or tells them."""
        return Source(self.id, self.conversation.link.host, self._is_here)

    @property
    def _is_here(self) -> bool:
        """Whether the peer's link comes from this computer."""
        host = self.conversation.link.host
        return bool(host) and is_loopback(host)

    def tell_peers(self, statements: Sequence[Told]) -> bool:
        """Tells address statements unasked; False when the peer does not take part."""
        if not self.conversation.session.uses(Feature.PEERS):
            return False
        self.conversation.tell(messages.Peers(peers=[told.wire() for told in statements]))
        return True

    async def _ask_peers(self) -> None:
        """Asks for addresses at the start and then once a day [R-BOOK-6]."""
        while self._sessions.outreach is not None and self.conversation.session.uses(Feature.PEERS):
            try:
                answer = await self.conversation.ask(messages.AskPeers(), messages.Peers)
                await self._sessions.outreach.told(self.source, answer.peers, None)
            except NotHeld as refusal:
                _log.debug("%s tells no addresses: %s", self.label, refusal)
            await asyncio.sleep(ASK_PEERS_SECONDS)

    def _peers(self) -> messages.Peers:
        """The answer to `ask_peers`; who asks too often is refused [R-BOOK-6]."""
        now, before = self._core.clock.monotonic(), self._asked_at
        if self._sessions.outreach is None:
            raise NotHeld("not_here", "this node tells no addresses now")
        if before is not None and now - before < ASK_PEERS_SECONDS - PEERS_EARLY:
            self._sessions.outreach.count(
                self.source.host, Conduct.CROWDING, "asks for addresses all the time"
            )
            raise RemoteProtocolError("rate", "addresses are told once a day in a session")
        self._asked_at = now
        return self._sessions.outreach.answer(self.source)

    def _stored(self, stored: Stored) -> None:
        self.live.take(stored)
        for item in stored.items:
            if item.author == self.id:
                self._require_newest_key(item)
            entries = stored.entries.get(item.author, ())
            if item.standing is Standing.FORKED or any(each.kind == SETTLEMENT for each in entries):
                self.branches.look(item.author)

    def _require_newest_key(self, item: Item) -> None:
        """Ends a session whose certificate is of a key that was replaced meanwhile [R-CERT-6]."""
        remote = self.conversation.session.remote
        if remote is not None and item.epoch > remote.openers.epoch:
            self.farewell("", "the signing key was replaced: shake hands anew")

    # -- steps -----------------------------------------------------------------------------------------------
    async def _identified(self, event: Identified) -> None:
        remote = event.remote
        self.id = remote.id
        self._sessions.admit(self)
        known = await self._core.store.load(remote.id)
        if known is not None and known.openers.epoch > remote.openers.epoch:
            # A retired key certifies nothing [R-CERT-5].
            raise RemoteProtocolError("certificate", "the session key is certified by a retired signing key")
        if remote.openers.epoch > 0:
            outcome = await self._core.gate.admit_openers(remote.openers.entries(), self)
            raise_remote([outcome])

    def _greeted(self) -> None:
        hello = self.conversation.session.greeting
        if hello is None:
            raise RemoteProtocolError("unexpected", "no hello yet")
        self._sessions.greeted(self, hello)
        if self.stamp_asked:
            self._bits_shown = shown_bits(self._core.network, self.id, hello.stamp)
            if self.unstamped:
                text = f"show a stamp of {self.stamp_asked} bits: until then nothing is taken from you"
                self.conversation.tell(messages.Refuse(code="no_stamp", text=text))
        if self.outbound and self._core.stamping is not None:
            self._core.stamping.asked(hello.stamp_asked)
        self._tell(self._sessions.interest())  # before anything else [R-SYNC-1]
        if self.outbound and self.lacks_stamp:  # it was made between the dial and this hello
            self.farewell("", COMING_AGAIN)

    async def _level(self) -> None:
        await self._sessions.met(self)
        await self.pull.run()

    async def _question(self, body: Body, request: int) -> None:
        self._heard()
        if isinstance(body, QUESTIONS) and self._core.reach is not None:
            answer = await self._core.reach.answer(body, self.asker)
            self.conversation.tell(answer, request)
            return
        if isinstance(body, messages.AskPeers):
            self.conversation.tell(self._peers(), request)
            return
        if isinstance(body, messages.Query) and self._queries is not None:
            self.conversation.tell(await self._queries.answer(body), request)
            return
        if isinstance(body, messages.Deliver) and self._core.post is not None:
            kept = await self._core.post.deliver(Carrier(self.id, self._is_here), body.letter)
            self.conversation.tell(messages.Delivered(kept=kept), request)
            return
        if self.ranges is not None:
            self.ranges.asked(body)
            if isinstance(body, messages.Ranges):
                self.conversation.tell(await self.ranges.answer(body), request)
                return
        await self._answers.answer(body, request)

    def _heard(self) -> None:
        """Whoever says something else before its interest wants everything [R-SYNC-1]."""
        if self._was_heard:
            return
        self._was_heard = True
        self.peer_interest.told = True
        self.live.begin()
        if self.ranges is not None:
            self.ranges.heard()

    def _everything(self) -> bool:
        """Whether both sides want everything: only then do they compare one set [R-RNG-4]."""
        return self._told.ids is None and self.peer_interest.current.ids is None

    def _tell(self, interest: Interest) -> None:
        self._told = interest
        for part in interest.parts():
            self.conversation.tell(part)

    async def _notice(self, body: Body) -> None:
        match body:
            case messages.Push():
                await self._pushed([run for run in body.runs if self._wants(run.author)])
            case messages.Interest():
                if self.peer_interest.take(body):
                    self._heard()
                    self._sessions.interest_changed(self)
                    if self._core.keeping is not None:
                        await self._core.keeping.near_to(self.id, self.peer_interest.current.ids or ())
                return
            case messages.Have():
                items = [parse_item(item) for item in body.items]
                self.pull.note(items)
            case messages.Fork():
                if self._wants(body.left.author):
                    await self._shown(body)
            case messages.Peers():
                if self._sessions.outreach is not None:
                    await self._sessions.outreach.told(self.source, body.peers, self._trickle)
            case messages.Twin():
                self._sessions.told_of_twin(self)
            case _:
                _log.debug("notice %s ignored", type(body).__name__)
        self._heard()

    async def _shown(self, proof: messages.Fork) -> None:
        self.live.peer_knows(proof.left.author, proof.left.epoch, proof.left.term)
        outcome = await self._core.gate.admit_proof(proof.left, proof.right, self)
        raise_remote([outcome])
        if isinstance(outcome.fault, NotHeld) and outcome.fault.code in _BEHIND:
            left = proof.left
            self.pull.note([Item(Standing.FORKED, left.author, left.epoch, left.term)])

    async def _pushed(self, runs: list[Run]) -> None:
        if not runs:
            return
        chains = await self._core.gate.chains(runs)
        heads: dict[bytes, Entry] = {}
        opened: set[tuple[bytes, int, int]] = set()
        for chain in chains:
            first, last = chain[0], chain[-1]
            if first.is_opener:
                place = (first.author, first.epoch, first.term)
                if place in opened:  # two openers of one place: it knows the contest, or the forked term
                    self.live.peer_knows(*place)
                opened.add(place)
            heads[last.author] = last
            self.live.peer_has(last.author, (last.epoch, last.term, last.seq))
        outcomes = await self._core.gate.admit_chains(chains, self)
        if any(outcome.fault is not None for outcome in outcomes):
            await self._keep_evidence(chains, outcomes)
            raise_remote(outcomes)
            self.pull.note(_unjoined(outcomes, heads))
        for author in sorted({author for author, _, _ in opened}):
            state = await self._core.store.load(author)
            if (
                state is not None and state.base.seq > 0
            ):  # a hole below the opener: does the peer hold what fills it?
                self.pull.look()

    async def _keep_evidence(self, chains: Sequence[Sequence[Entry]], outcomes: list[Outcome]) -> None:
        """Keeps what somebody signed with a replaced key of the own networker: its owner wants to know [R-LOG-13]."""
        own = self._core.own
        if own is None or not any(
            outcome.author == own.id and isinstance(outcome.fault, NotHeld) and outcome.fault.code == "stale"
            for outcome in outcomes
        ):
            return
        state = await self._core.store.load(own.id)
        if state is not None:
            entries = [entry for chain in chains for entry in chain if entry.author == own.id]
            await own.branches.shown(state.openers, self.id, entries)

    # -- interests -------------------------------------------------------------------------------------------
    def _wants(self, author: bytes) -> bool:
        if self.unstamped and (self._core.own is None or author != self._core.own.id):
            return False  # own entries that a stranger brings are news all the same [R-LOG-21]
        return self._told.wants(author) and self._core.gate.wants(author)

    def _peer_wants(self) -> Interest:
        return self.peer_interest.current


def _unjoined(outcomes: list[Outcome], heads: dict[bytes, Entry]) -> list[Item]:
    """Items of pushed runs that did not join what is held: to be fetched like any other."""
    items = []
    for outcome in outcomes:
        if isinstance(outcome.fault, NotHeld) and outcome.fault.code in _BEHIND:
            last = heads[outcome.author]
            items.append(Item(Standing.HEAD, last.author, last.epoch, last.term, last.seq, last.id))
    return items
