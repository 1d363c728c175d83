"""Whom a node dials by itself, beside the peers its owner named: enough of them, spread over networks [R-BOOK-9].

Every few seconds it looks whether enough sessions stand, tests now and then an address it only heard of (a *feeler*),
and writes the address book down. The two sessions it has held longest are the first it dials after a restart: who
floods the book while the node is off does not get all its places.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Final, Protocol

from netnode.failures import DIALLING, Failures
from netnode.own.log import Witness
from netnode.ports import Clock, Dialer, Entropy, Link, LinkClosed
from netnode.problems import Problem
from netnode.settings import Settings
from netnode.store import Store
from netnode.sync import address_store, probe
from netnode.sync.address_store import Changes
from netnode.sync.addresses import AddressBook, Key, Known
from netnode.sync.allowance import Trickle
from netnode.sync.book import peer_row
from netnode.sync.conduct import Conduct, Discouraged, Record, conduct_of
from netnode.sync.conversation import TooSlow
from netnode.sync.exchange import NEWS_TO, PeerExchange, Source
from netnode.sync.groups import LOOPBACK, PRIVATE, group_of, host_of, network_of
from netnode.sync.peering import Peering
from netnode.sync.resting import Resting
from protocol.address import Scope, Told, scope_of
from protocol.entry import Entry
from protocol.messages import Peers
from protocol.session import Session

TICK_SECONDS: Final = 5.0
FEELER_SECONDS: Final = 120.0
SAVE_SECONDS: Final = 30.0  # why: what is lost by a crash is heard again
KEPT: Final = 2  # peers kept over a restart
KEPT_AFTER_MS: Final = 60_000  # why: a session of some seconds has proved nothing
LOCAL: Final = frozenset({LOOPBACK, PRIVATE})  # may be dialled more than once: nobody far away can fill them
_log = logging.getLogger("netnode.sync")


class Host(Protocol):
    """What dialling by itself needs from the one who keeps all sessions."""

    def stands(self, networker: bytes) -> bool:
        """Whether a session with this networker is open."""

    def refuses(self, networker: bytes) -> bool:
        """Whether sessions with this networker are refused."""

    def open_sessions(self) -> list[Peering]:
        """The open sessions, oldest first."""

    @property
    def own_id(self) -> bytes:
        """The own networker."""

    @property
    def owner_named(self) -> Collection[bytes]:
        """Networkers that the owner named: they are dialled elsewhere."""

    @property
    def followed(self) -> Collection[bytes]:
        """Networkers that the owner follows: dialled first."""

    def session(self, dialler: bool, expected: bytes | None) -> Session:
        """A new session state."""

    def peering(
        self, link: Link, address: str | None, expected: bytes | None, *, named: bool = False
    ) -> Peering:
        """A session over a new link, not yet running."""

    async def converse(self, peering: Peering) -> tuple[str, str]:
        """Runs a session to its end."""

    async def not_certified(self, address: str) -> None:
        """A peer that was dialled refused this node's certificate: it may know a rotation that is not known here."""


class Outreach:
    """The address book at work; build it with `Outreach.open`.

    Args:
        host: keeps the sessions.
        book: the addresses.
        record: discouraged hosts.
        exchange: signed statements.
        store: keeps all of it.
        settings: how many sessions to keep, bootstrap addresses.
        dialer: opens links.
        entropy: whom to dial.
        clock: back-off, ages.
        kept: peers of the last run to dial first.
        failures: told when a dial fails by a fault of this side.
    """

    def __init__(
        self,
        host: Host,
        book: AddressBook,
        record: Record,
        exchange: PeerExchange,
        store: Store,
        settings: Settings,
        dialer: Dialer,
        entropy: Entropy,
        clock: Clock,
        kept: Sequence[Key],
        failures: Failures,
    ) -> None:
        self._host = host
        self.book = book
        self.record = record
        self.exchange = exchange
        self._store = store
        self._target = settings.outbound_sessions
        self._bootstrap = settings.bootstrap
        self._dialer = dialer
        self._entropy = entropy
        self._clock = clock
        self._first = list(kept)
        self._resting = Resting(clock)
        self._kept = list(kept)
        self._stored_kept = list(kept)
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._failures = failures
        self._wake = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._saved_at = clock.monotonic()
        self._felt_at = clock.monotonic()

    @classmethod
    async def open(
        cls,
        host: Host,
        network: str,
        store: Store,
        settings: Settings,
        dialer: Dialer,
        entropy: Entropy,
        clock: Clock,
        witness: Callable[[], Witness | None],
        openers: Callable[[], Sequence[Entry]],
        announced: Callable[[], Sequence[str]],
        failures: Failures,
    ) -> Outreach:
        """Reads the book; see the class and `PeerExchange` for the arguments."""
        key = await store.write(address_store.secret, entropy)
        stored = await store.read(address_store.load)
        book, record = AddressBook(key), Record()
        book.load(stored.addresses)
        record.load(stored.discouraged)
        exchange = PeerExchange(
            network, store, clock, entropy, host.own_id, witness, openers, announced, book, record
        )
        exchange.load(stored.statements)
        made = cls(
            host,
            book,
            record,
            exchange,
            store,
            settings,
            dialer,
            entropy,
            clock,
            stored.kept[:KEPT],
            failures,
        )
        made._begin()
        return made

    def _begin(self) -> None:
        """Takes in the bootstrap addresses."""
        now = self._clock.now_ms()
        listed = {known.address for known in self.book}
        for uri in self._bootstrap:
            try:
                row = peer_row(uri, now)
            except Problem as problem:
                _log.warning("a bootstrap address is passed over: %s", problem.text)
                continue
            for address in row.addresses:
                if row.id != self._host.own_id and address not in listed:
                    self.book.add(row.id or b"", address, "bootstrap", now)

    # -- life ------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Dials until cancelled; writes the book down at the end."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                while True:
                    await self._round()
                    self._wake.clear()
                    try:
                        async with asyncio.timeout(TICK_SECONDS):
                            await self._wake.wait()
                    except TimeoutError:
                        continue
        finally:
            self._group = None

    def close(self) -> None:
        """Dials nobody any more; sessions that stand go on to their own end."""
        self._group = None

    def wake(self) -> None:
        """Looks again soon: a session ended, or an address was learned."""
        self._wake.set()

    async def _round(self) -> None:
        try:
            self.book.decide(self._clock.now_ms())
            self._note_met()
            self._note_kept()
            if self._group is not None:
                while self._missing() > 0 and (known := self._candidate()) is not None:
                    self._start(self._group, known, self._connect)
                self._feel(self._group)
            if self._clock.monotonic() - self._saved_at >= SAVE_SECONDS:
                await self.save()
        except Problem as problem:  # a full disk, say: the next round tries again
            _log.error("the address book is not written: %s", problem.text)

    async def save(self) -> None:
        """Writes down what changed."""
        self._saved_at = self._clock.monotonic()
        self.exchange.sweep()
        addresses, gone = self.book.changes()
        statements, unsaid = self.exchange.changes()
        kept = None if self._kept == self._stored_kept else list(self._kept)
        changes = Changes(addresses, gone, statements, unsaid, self.record.changes(), kept)
        if changes:
            await self._store.write(address_store.save, changes)
            self._stored_kept = list(self._kept)

    # -- what sessions ask -----------------------------------------------------------------------------------
    def answer(self, asker: Source) -> Peers:
        """The answer to `ask_peers`."""
        return self.exchange.answer(asker)

    async def told(self, teller: Source, values: Sequence[object], trickle: Trickle | None) -> None:
        """Takes in `peers`, asked for or (with a trickle) not, and passes news on to a few others.

        Raises:
            RemoteProtocolError: what was told is malformed or not signed.
        """
        fresh = await self.exchange.take(values, teller, self._host.refuses, trickle)
        if fresh:
            self.wake()
        elif trickle is not None:
            self.count(teller.host, Conduct.DUPLICATE, "tells what is known already")
        others = [each for each in self._host.open_sessions() if each.id != teller.id]
        self._entropy.shuffle(others)
        for told in fresh:
            self._pass_on(told, others)

    def _pass_on(self, told: Told, others: Sequence[Peering]) -> None:
        sent = 0
        for each in others:
            if sent < NEWS_TO and self.exchange.news(told, each.source) and each.tell_peers([told]):
                sent += 1

    def met(self, peering: Peering) -> None:
        """An outbound session is open: its address is good, whoever named it."""
        address = peering.address
        if address is None:
            return
        known = self.book.get(b"", address)
        if known is not None:  # a bootstrap address: now it is known whose it is
            self.book.forget(known.key)
        if known is not None or self.book.get(peering.id, address) is not None:
            self.book.met(peering.id, address, "bootstrap", self._clock.now_ms())

    def judge(self, peering: Peering) -> None:
        """Counts the fault a session ended with, if this side found one [R-BOOK-10].

        One that ended otherwise stood until now.
        """
        fault = peering.conversation.fault
        if fault is not None:
            conduct = conduct_of(fault.code, slow=isinstance(fault, TooSlow))
            # The name under which it was dialled as well as the IP address it led to.
            for host in sorted({peering.conversation.link.host, host_of(peering.address or "")}):
                self.count(host, conduct, fault.text)
        elif peering.outbound and peering.conversation.greeted.is_set() and peering.id != self._host.own_id:
            self.met(peering)

    def count(self, host: str, conduct: Conduct, why: str) -> None:
        """Counts a fault against a host."""
        if self.record.count(host, conduct, why, self._clock.now_ms()):
            _log.warning("%s is discouraged for a day: %s", network_of(host), why)

    def forgive(self, addresses: Sequence[str]) -> None:
        """The owner named a peer at these addresses: what was held against their hosts is forgotten."""
        for address in addresses:
            self.record.forgive(host_of(address))

    def discouraged(self, address: str) -> Discouraged | None:
        """Whether the host of an address is discouraged."""
        return self.record.discouraged(host_of(address), self._clock.now_ms())

    # -- sessions --------------------------------------------------------------------------------------------
    def _missing(self) -> int:
        """How many sessions to dial; those to the owner's peers count as well."""
        standing = sum(1 for peering in self._host.open_sessions() if peering.outbound)
        return self._target - standing - len(self._dialling())

    def _dialling(self) -> list[Key]:
        return [key for key in self._tasks if not self._host.stands(key[0])]

    def _groups(self) -> set[str]:
        """Network groups with an outbound session, or one on its way."""
        dialled = [each.address for each in self._host.open_sessions() if each.outbound and each.address]
        return {group_of(address) for address in (*dialled, *(key[1] for key in self._tasks))} - LOCAL

    def _candidate(self) -> Known | None:
        now, groups = self._clock.now_ms(), self._groups()
        busy = {key[0] for key in self._tasks if key[0]}

        def usable(known: Known) -> bool:
            return (
                known.group not in groups
                and known.networker not in busy
                and known.key not in self._tasks
                and self._dialable(known, now)
            )

        while self._first:
            known = self.book.get(*self._first.pop(0))
            # It was dialled just before the restart, perhaps: no reason to wait.
            if known is not None and usable(known if known.failures else replace(known, attempt=0)):
                return known
        wanted = [known for known in self.book if known.networker in self._host.followed and usable(known)]
        if wanted:
            return wanted[self._draw(len(wanted))]
        tried = self._draw(2) == 0
        return self.book.pick(self._draw, usable, tried=tried) or self.book.pick(
            self._draw, usable, tried=not tried
        )

    def _dialable(self, known: Known, now: int) -> bool:
        networker = known.networker
        return (
            not known.waits(now)
            and networker != self._host.own_id
            and networker not in self._host.owner_named
            and not self._host.stands(networker)
            and not self._host.refuses(networker)
            and self.record.discouraged(known.host, now) is None
            and (known.tried or known.group in LOCAL or not self._resting.rests(known.host))
        )

    def _draw(self, below: int) -> int:
        return int.from_bytes(self._entropy.token(8), "big") % below

    def _start(
        self, group: asyncio.TaskGroup, known: Known, work: Callable[[Known], Awaitable[None]]
    ) -> None:
        self.book.attempted(known.key, self._clock.now_ms())
        self._tasks[known.key] = group.create_task(self._guarded(known, work), name=f"dial {known.address}")

    async def _guarded(self, known: Known, work: Callable[[Known], Awaitable[None]]) -> None:
        try:
            await work(known)
        except Exception as error:  # a task root: what fails with one peer must not end the node
            self._failures.outlived(DIALLING, error, f"dialling {known.address}")
        finally:
            del self._tasks[known.key]
            self.wake()

    async def _connect(self, known: Known) -> None:
        """Keeps one session with an address of the book until it ends."""
        try:
            link = await self._dialer.dial(known.address, public=_is_public(known))
        except (OSError, LinkClosed) as error:
            self._failed(known, str(error), answered=False)
            return
        peering = self._host.peering(link, known.address, known.networker or None)
        code, text = await self._host.converse(peering)
        if code == "certificate":
            await self._host.not_certified(known.address)
        if peering.itself:
            self.book.forget(known.key)
        elif code == "busy" or not peering.conversation.greeted.is_set():
            self._failed(known, text, answered=peering.conversation.session.remote is not None)
        else:
            self._resting.met(known.host)

    def _failed(self, known: Known, note: str, *, answered: bool) -> None:
        self.book.failed(known.key, note, self._clock.now_ms())
        self._resting.failed(known.host, answered=answered)

    # -- feelers ---------------------------------------------------------------------------------------------
    def _feel(self, group: asyncio.TaskGroup) -> None:
        """Tests one address every FEELER_SECONDS: who holds a contested place, else one only heard of."""
        if self._target == 0 or self._clock.monotonic() - self._felt_at < FEELER_SECONDS:
            return
        self._felt_at = self._clock.monotonic() - self._entropy.uniform(0.0, FEELER_SECONDS / 4)
        now = self._clock.now_ms()

        def usable(known: Known) -> bool:
            return bool(known.networker) and known.key not in self._tasks and self._dialable(known, now)

        contested = [holder for _, holder in self.book.contests() if usable(holder)]
        known = contested[0] if contested else self.book.pick(self._draw, usable, tried=False)
        if known is not None:
            self._start(group, known, self._test)

    async def _test(self, known: Known) -> None:
        session = self._host.session(True, known.networker)
        fault = await probe.fault_at(
            self._dialer, known.address, session, self._clock, public=_is_public(known)
        )
        now = self._clock.now_ms()
        if fault:
            self._failed(known, fault, answered=False)
        else:
            self._resting.met(known.host)
            self.book.met(*known.key, known.source, now)

    def _note_met(self) -> None:
        """An address that is stated only after it was dialled is one where somebody was met."""
        for peering in self._host.open_sessions():
            known = self.book.get(peering.id, peering.address or "")
            if peering.outbound and known is not None and not known.tried and known.met < peering.since:
                self.met(peering)

    def _note_kept(self) -> None:
        """The two sessions of the book held longest are those to begin with after a restart."""
        now = self._clock.now_ms()
        held = [
            (peering.id, peering.address)
            for peering in self._host.open_sessions()
            if peering.outbound
            and not peering.named
            and peering.address
            and now - peering.since >= KEPT_AFTER_MS
        ]
        known = [key for key in held if self.book.get(*key) is not None]
        if known:
            # One that ended is replaced when another one stands long enough, not before.
            rest = [key for key in self._kept if key not in known]
            self._kept = [*known, *rest][:KEPT]


def _is_public(known: Known) -> bool:
    return scope_of(known.address) is Scope.PUBLIC
