"""Peer exchange: what this node says of its addresses, what it was told of others', what it passes on [R-BOOK-4..9]."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netnode.own.log import Witness
from netnode.ports import Clock, Entropy
from netnode.store import Store
from netnode.sync.addresses import DAY_MS, MINUTE_MS, AddressBook
from netnode.sync.allowance import Trickle
from netnode.sync.conduct import Record
from netnode.sync.groups import host_group, host_of
from protocol import address, limits
from protocol.address import AddressStatement, Scope, Told, decode_told, encode_told, may_travel, scope_of
from protocol.entry import Entry
from protocol.errors import RemoteProtocolError
from protocol.messages import Peers

STATEMENTS: Final = 5_000  # why: 2 MB of memory; a book of that size reaches everybody
NEWS_MS: Final = 10 * MINUTE_MS  # a statement this young and new here is passed on unasked
NEWS_TO: Final = 2  # sessions that news is passed on to: it spreads, and does not flood
BURST: Final = 16  # addresses taken unasked at once: two statements
ROOM: Final = limits.MAX_MESSAGE - 256
AT_ONCE: Final = 16  # statements verified before the event loop has its turn


@dataclass(frozen=True, slots=True)
class Source:
    """The peer that asks or tells: who, at which IP address (empty: unknown), over loopback or not."""

    id: bytes
    host: str
    loopback: bool

    @property
    def group(self) -> str:
        """Its network group."""
        return host_group(self.host) if self.host else "unknown"


def unasked() -> Trickle:
    """How many addresses one session may tell unasked: one every ADDRESS_SECONDS, a few at once [R-BOOK-8]."""
    return Trickle(BURST, limits.ADDRESS_SECONDS)


class PeerExchange:
    """What is known of addresses by signed statements, and the own statement.

    Args:
        network: the network's name.
        store: holds the openers of logs kept here.
        clock: dates statements.
        entropy: whom to tell of.
        own: the own networker id.
        witness: signs; gives None while this node's keys are locked.
        openers: the own inception and rotations.
        announced: the own addresses known now, of any scope, the preferred first.
        book: takes the addresses.
        record: whose addresses are not passed on.
    """

    def __init__(
        self,
        network: str,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        own: bytes,
        witness: Callable[[], Witness | None],
        openers: Callable[[], Sequence[Entry]],
        announced: Callable[[], Sequence[str]],
        book: AddressBook,
        record: Record,
    ) -> None:
        self._network = network
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._own = own
        self._witness = witness
        self._openers = openers
        self._announced = announced
        self._book = book
        self._record = record
        self._told: dict[bytes, Told] = {}
        self._changed: dict[bytes, None] = {}
        self._stated: dict[bool, Told] = {}

    # -- storing ---------------------------------------------------------------------------------------------
    def load(self, rows: Iterable[bytes]) -> None:
        """Takes in what was stored; what cannot be read any more is left."""
        for row in rows:
            try:
                told = decode_told(row)
            except RemoteProtocolError:
                continue
            self._told[told.statement.id] = told

    def changes(self) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
        """What is to be stored since the last call: (networker, statement), and networkers to forget."""
        changed, self._changed = list(self._changed), {}
        kept = [(each, encode_told(self._told[each])) for each in changed if each in self._told]
        return kept, [each for each in changed if each not in self._told]

    # -- telling ---------------------------------------------------------------------------------------------
    def own(self, loopback: bool) -> Told | None:
        """The own statement for a link; None when there is no address to tell there [R-BOOK-5].

        Loopback addresses are told over loopback by nodes that have no public address only: behind a reverse proxy
        every link seems to come from this computer.
        """
        announced = list(dict.fromkeys(self._announced()))
        named = [each for each in announced if scope_of(each) is Scope.PUBLIC]
        if not named and loopback:
            named = [each for each in announced if scope_of(each) is Scope.LOOPBACK]
        witness, openers = self._witness(), tuple(self._openers())
        if not named or witness is None or len(openers) != witness.epoch + 1:
            return None
        now, before = self._clock.now_ms(), self._stated.get(loopback)
        if (
            before is not None
            and before.statement.addresses == named[: limits.MAX_ADDRESSES]
            and before.statement.epoch == witness.epoch
            and 0 <= now - before.statement.time < DAY_MS
        ):
            return before
        statement = address.sign(
            self._network,
            witness.signer,
            networker=witness.id,
            epoch=witness.epoch,
            addresses=named[: limits.MAX_ADDRESSES],
            time=now,
        )
        self._stated[loopback] = Told(statement, openers)
        return self._stated[loopback]

    def answer(self, asker: Source) -> Peers:
        """The own statement, then others in random order, as many as fit [R-BOOK-7]."""
        now, own = self._clock.now_ms(), self.own(asker.loopback)
        others = [told for told in self._told.values() if self._passes(told, asker, now)]
        self._entropy.shuffle(others)
        return _fitting(others if own is None else [own, *others])

    def news(self, told: Told, to: Source) -> bool:
        """Whether a statement taken in just now is to be passed on to a peer unasked [R-BOOK-8]."""
        now = self._clock.now_ms()
        return now - told.statement.time < NEWS_MS and self._passes(told, to, now)

    def _passes(self, told: Told, to: Source, now: int) -> bool:
        statement = told.statement
        return (
            statement.id != to.id
            and address.current(statement, now)
            and may_travel(statement, to.loopback)
            and not any(self._record.discouraged(host_of(each), now) for each in statement.addresses)
        )

    # -- being told ------------------------------------------------------------------------------------------
    async def take(
        self, values: Sequence[Any], teller: Source, refused: Callable[[bytes], bool], trickle: Trickle | None
    ) -> list[Told]:
        """Takes in statements.

        Args:
            values: as they came in `peers`.
            teller: who told them.
            refused: whether sessions with a networker are refused here: its addresses are of no use.
            trickle: what may be taken unasked; None for an answer.

        Returns:
            Those that are new here.

        Raises:
            RemoteProtocolError: `bad_message`, `signature`, `opener` or another code of openers.
        """
        fresh = []
        for number, value in enumerate(values):
            told = address.parse_told(value)
            statement = told.statement
            if not self._wanted(statement, teller) or refused(statement.id):
                continue
            if trickle is not None and not trickle.take(len(statement.addresses), self._clock.monotonic()):
                continue
            proved = await self._proved(told)
            if proved is not None and self._keep(proved, teller):
                fresh.append(proved)
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
        return fresh

    def _wanted(self, statement: AddressStatement, teller: Source) -> bool:
        known = self._told.get(statement.id)
        return (
            statement.id != self._own
            and address.current(statement, self._clock.now_ms())
            and may_travel(statement, teller.loopback and not self._public)
            and (known is None or statement.age > known.statement.age)
        )

    @property
    def _public(self) -> bool:
        return any(scope_of(each) is Scope.PUBLIC for each in self._announced())

    async def _proved(self, told: Told) -> Told | None:
        """The statement with its openers, its signature checked; None when its key is not known or retired."""
        statement = told.statement
        state = await self._store.load(statement.id)
        if state is not None:
            openers = state.openers
            if openers.contested is not None or openers.epoch > statement.epoch:
                return None
            if openers.epoch == statement.epoch:
                address.require_signed(self._network, statement, openers.keys(openers.epoch)[0])
                return Told(statement, tuple(openings[0].entry for openings in openers.epochs))
        if not told.openers:
            return None
        address.require_signed(self._network, statement, address.proved_key(self._network, told))
        return told

    def _keep(self, told: Told, teller: Source) -> bool:
        """Puts the addresses into the book; False when it had no place for any of them."""
        statement, now = told.statement, self._clock.now_ms()
        self._book.only(statement.id, statement.addresses)
        for each in statement.addresses:
            self._book.add(statement.id, each, teller.group, now)
        if not any(self._book.get(statement.id, each) for each in statement.addresses):
            self._forget(statement.id)
            return False
        self._told.pop(statement.id, None)
        self._told[statement.id] = told  # at the end: the dict is in the order of arrival
        self._changed[statement.id] = None
        if len(self._told) > STATEMENTS:
            self._forget(next(iter(self._told)))
        return True

    def _forget(self, networker: bytes) -> None:
        if self._told.pop(networker, None) is not None:
            self._changed[networker] = None

    def sweep(self) -> None:
        """Forgets statements that are too old or whose addresses have all left the book."""
        now = self._clock.now_ms()
        for networker, told in list(self._told.items()):
            statement = told.statement
            held = any(self._book.get(networker, each) for each in statement.addresses)
            if not held or now - statement.time > limits.ADDRESS_DAYS * DAY_MS:
                self._forget(networker)


def _fitting(statements: Sequence[Told]) -> Peers:
    """As many as fit one message."""
    room, values = ROOM, []
    for told in statements[: limits.MAX_PEERS]:
        room -= len(encode_told(told))
        if room < 0:
            break
        values.append(told.wire())
    return Peers(peers=values)
