"""Whose credit the owner has or may have, and what the owner is told when something comes to stand against one of them.

Evidence against an issuer is kept of followed logs only, so whoever owes the owner something is followed by itself,
once: who stops following it afterwards does not get it back. What the owner was told stands in the store until it is
over, so that it is said once and shown as long as it is true [R-CRED-95].
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Set
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from netnode.ledgers.evidence import Mark, mark_of
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.ledgers.standing import Question, Standing, questioned, standing
from netnode.ports import Clock
from netnode.problems import Problem
from netnode.store import Reader, Store, Writer
from protocol.identity import id_text

LOOK_SECONDS: Final = (
    60.0  # why: a fork is told within a minute; who looks at the credit itself sees it at once
)
SELDOM_SECONDS: Final = 600.0  # why: whether somebody followed owes the owner something takes a fold to know
LONG_SECONDS: Final = 3_600.0  # why: a log of a million entries takes minutes, and may not stay in memory
What = Literal["disputed", "exposed", "suspected", "unknown"]
T = TypeVar("T")
QUICK: Final = 10_000
"""Entries of a log that are folded before anybody asks, a few seconds; a longer one once somebody asked."""

_NOTICES: Final = "credit notices"
_OWING: Final = "credit issuers"
_SAID: Final[dict[What, str]] = {
    "exposed": "has forked its log; what it owes on any branch it owes",
    "suspected": "has not answered a challenge for more than 14 days",
    "disputed": "took entries back by which it owed credit; what is proved of them is shown as disputed",
    "unknown": "has a log of which something is missing here, or not understood; what it owes cannot be told whole",
}
_log = logging.getLogger("netnode")


class Notice(Struct, frozen=True):
    """That something stands against an issuer who owes the owner: which, and since when this node knows (ms UTC)."""

    issuer: bytes
    what: What
    since: int


def stakes(reader: Reader, own: bytes) -> list[bytes]:
    """Who may owe the owner credit, by id: who is followed, was asked, brought buyers to or has the owner in a team."""
    found = {id for id, _ in reader.follows()} | {own} | owing(reader)
    for (issuer,) in reader.connection.execute(
        "SELECT issuer FROM credit_counter UNION SELECT issuer FROM credit_limit WHERE holder = ?1"
        " UNION SELECT seller FROM witness UNION SELECT seller FROM referral"
        " UNION SELECT owner FROM team_paper WHERE own",
        (own,),
    ):
        found.add(issuer)
    return sorted(found)


def owing(reader: Reader) -> set[bytes]:
    """Who was found to owe the owner something."""
    return set(_read(reader.meta(_OWING), list[bytes]))


def notices(reader: Reader) -> list[Notice]:
    """What stands against issuers who owe the owner something, the newest first."""
    return sorted(_read(reader.meta(_NOTICES), list[Notice]), key=lambda each: (-each.since, each.issuer))


def at_stake(ledger: Ledger, holder: bytes) -> bool:
    """Whether a holder has or had something with an issuer, by any branch or by what a rotation disowned."""
    had = any(ledger.has(unit, holder) for unit in ledger.units())
    return had or any(claim.holder == holder for claim in ledger.claims)


class _Look(Struct, frozen=True):
    """When an issuer was looked at (monotonic seconds), its log then, and whether its ledger was unknown."""

    mark: Mark | None
    at: float
    unknown: bool


class Watch:
    """Looks after the credit that the owner has: follows who owes it, tells what comes to stand against them.

    Args:
        network: name of the network.
        own: networker id of the owner.
        store: keeps what was told.
        ledgers: of the logs held here.
        clock: the date.
    """

    def __init__(self, network: str, own: bytes, store: Store, ledgers: Ledgers, clock: Clock) -> None:
        self._network = network
        self._own = own
        self._store = store
        self._ledgers = ledgers
        self._clock = clock
        self._looks: dict[bytes, _Look] = {}

    async def run(self) -> None:
        """One round.

        Raises:
            Problem: the disk.
        """
        found: list[Notice] = []
        known, before = await self._store.read(owing), await self._store.read(notices)
        told = {(each.issuer, each.what): each.since for each in before}
        now = self._clock.now_ms()
        followed = {id for id, _ in await self._store.read(Reader.follows)}
        for issuer in await self._store.read(stakes, self._own):
            asked = await self._store.read(questioned, issuer)
            if issuer == self._own or (not asked.entries and issuer not in known & followed):
                continue
            mark = await self._store.read(_mark, issuer)
            if not asked.closer and not self._due(issuer, asked, mark, followed, known):
                continue
            owes, against = await self._against(issuer, issuer in known, told)
            self._looks[issuer] = _Look(mark, self._clock.monotonic(), "unknown" in against)
            if not owes:
                continue
            if issuer not in known:
                known.add(issuer)
                await self._store.write(_follow, issuer, sorted(known), now)
            for what in against:
                found.append(Notice(issuer, what, told.get((issuer, what), now)))
        if set(found) != set(before):
            await self._store.write(Writer.set_meta, _NOTICES, msgspec.msgpack.encode(found))
        for each in found:
            if (each.issuer, each.what) not in told:
                _log.warning("%s, whose credit you have, %s", id_text(each.issuer), _SAID[each.what])

    def _due(
        self, issuer: bytes, asked: Question, mark: Mark | None, followed: Set[bytes], known: Set[bytes]
    ) -> bool:
        """Whether to look at somebody of whom nothing but the log speaks: it changed, and it does not take long."""
        last = self._looks.get(issuer)
        quick = asked.entries <= QUICK or self._ledgers.holds(issuer)
        if last is None:
            return quick or issuer in known
        if last.unknown:  # what is missing may have come, also with the log of somebody else
            return True
        since = self._clock.monotonic() - last.at
        if issuer in known:
            return mark != last.mark and (quick or since >= LONG_SECONDS)
        return mark != last.mark and quick and (issuer not in followed or since >= SELDOM_SECONDS)

    async def _against(
        self, issuer: bytes, known: bool, told: Collection[tuple[bytes, What]]
    ) -> tuple[bool, list[What]]:
        """Whether an issuer owes the owner something or did, and what stands against it.

        Args:
            issuer: networker id.
            known: it was found to owe something before.
            told: what the owner was told of all issuers.
        """
        try:
            owes, against = await self._ledgers.study(issuer, self._look)
        except Problem as problem:
            if problem.code == "changing":  # the next round sees
                return known, [what for what in _SAID if (issuer, what) in told]
            return known, ["unknown"]  # nothing of its log is here, or not its beginning
        return owes or (known and "unknown" in against), against

    def _look(self, reader: Reader, ledger: Ledger) -> tuple[bool, list[What]]:
        head = ledger.book.head
        now = max(self._clock.now_ms(), 0 if head is None else head[2])
        found = standing(reader, self._network, ledger, now, self._own)
        against = list(_against(found))
        if ledger.book.unknown is not None or ledger.lacking:
            against.append("unknown")
        return at_stake(ledger, self._own), against


def _against(found: Standing) -> Iterable[What]:
    if found.exposed:
        yield "exposed"
    if found.suspected:
        yield "suspected"
    if found.disputed:
        yield "disputed"


def _mark(reader: Reader, issuer: bytes) -> Mark | None:
    state = reader.load(issuer)
    return None if state is None else mark_of(reader, state)


def _read(data: bytes | None, form: type[list[T]]) -> list[T]:
    return [] if data is None else msgspec.msgpack.decode(data, type=form)


def _follow(writer: Writer, issuer: bytes, known: list[bytes], now: int) -> None:
    with writer.transaction(durable=True):
        writer.follow(issuer, now)
        writer.set_meta(_OWING, msgspec.msgpack.encode(known))
