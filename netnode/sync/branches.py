"""Fetches branches of forked and settled logs, which bind their authors like the logs themselves [R-SYNC-19..22].

A log that forked is asked for no further, so what its other branches give to holders would never come. Of logs whose
figures matter here (see `reckoned`) each peer is asked which branches it holds. A branch is proved from
its newest entry, which its author signed, downwards: the id of each entry commits to the one below. It is kept once
it has come down to something held, and the whole of it is then judged as if it had come with the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from netnode.ingest import Gate
from netnode.store import Reader, Store, branches
from netnode.store.evidence import EVIDENCE_BYTES, TIPS_BYTES, size_of
from netnode.sync.conversation import Conversation, answered, is_last
from netnode.sync.reckoned import Reckoned
from protocol import limits, messages
from protocol.branches import authentic
from protocol.entry import Entry, signature_valid
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.log_state import LogState
from protocol.records.fields import Place
from protocol.run import RUN_BYTES, RUN_OVERHEAD, Run, entry_weight, runs_of

PAGE_BYTES: Final = 262_144  # why: what comes too much lies below the place where a branch leaves the log
AT_ONCE: Final = 4  # branches that one node fetches at a time: 16 MiB
FETCH_SECONDS: Final = 60.0  # why: 4 MiB at 70 KB/s; who is slower holds the others up no longer
MOST_ASKED: Final = 32  # branches of one log, of one peer, each time it is asked
MOST_MISSING: Final = MOST_ASKED - limits.MAX_BRANCHES  # of them, at least, that it did not tell of
LONGEST_PAUSE: Final = 60  # comparisons between asking twice: about an hour
SPARED: Final = 1_000  # branches that a peer gave in vain or too slowly, and is not asked for again
_log = logging.getLogger("netnode.sync")


class Turns:
    """Whose branches are on their way, by any session of a node: those of one log one after the other."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._logs: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, author: bytes) -> AsyncIterator[None]:
        """Nobody else fetches branches of that log while the context lasts."""
        lock = self._logs.setdefault(author, asyncio.Lock())
        async with lock, self._slots:
            yield


class Descent:
    """What the answer to one `branch` brings, message by message [R-MSG-16].

    Args:
        question: whose entry, where, and how much.
    """

    __slots__ = ("_at", "_author", "_begun", "_budget", "done")

    def __init__(self, question: messages.AskBranch) -> None:
        self._author = question.author
        self._at: Place = (question.seq, question.id)
        self._budget = question.budget
        self._begun = self.done = False

    def gather(self, reader: Reader) -> list[Run]:
        """The runs of the next message, those of the lowest entries first; afterwards `done` says whether it is last.

        Raises:
            NotHeld: `not_here`: the first entry is not held.
        """
        entries = branches.downwards(reader, self._author, self._at, min(RUN_BYTES, self._budget))
        if not entries and not self._begun:
            raise NotHeld("not_here", "this entry is not held here")
        self._begun = True
        runs: list[Run] = []
        while entries:
            runs = list(runs_of(entries[::-1]))
            weight = sum(map(entry_weight, entries)) + RUN_OVERHEAD * len(runs)
            if weight <= RUN_BYTES or len(entries) == 1:
                self._budget -= weight
                break
            entries = entries[: len(entries) * 3 // 4]
        lowest = entries[-1] if entries else None
        self.done = lowest is None or lowest.seq == 0 or self._budget <= 0
        if lowest is not None:
            self._at = (lowest.seq - 1, lowest.prev)
        return runs


@dataclass(slots=True)
class _Climb:
    """A branch on its way, from the top down.

    Attributes:
        at: the entry that comes next.
        sealed: what stands on its top is held.
        parts: what came, the newest part first, each oldest first.
        bytes: that they count for.
    """

    at: Place
    sealed: bool
    parts: list[list[Entry]]
    bytes: int = 0

    @property
    def entries(self) -> list[Entry]:
        """All of it, oldest first."""
        return [entry for part in reversed(self.parts) for entry in part]


class Branches:
    """Asks one peer for the branches that it holds.

    Args:
        conversation: asks the questions.
        gate: rebuilds runs.
        store: where branches are kept.
        own: the own networker.
        wants: whether anything of a networker's log is taken from this peer.
        level: set once the logs themselves are compared.
        on_kept: called when something new is kept.
        every: seconds between asking twice, at first.
        turns: of all sessions.
        reckoned: whose figures matter here.
    """

    def __init__(
        self,
        conversation: Conversation,
        gate: Gate,
        store: Store,
        own: bytes,
        wants: Callable[[bytes], bool],
        level: asyncio.Event,
        on_kept: Callable[[], None],
        every: float,
        turns: Turns,
        reckoned: Reckoned,
    ) -> None:
        self._conversation = conversation
        self._gate = gate
        self._store = store
        self._own = own
        self._wants = wants
        self._level = level
        self._on_kept = on_kept
        self._every = every
        self._turns = turns
        self._reckoned = reckoned
        self._brought: dict[bytes, asyncio.Event] = {}  # logs somebody waits for
        self._looks = self._over = False
        self._news: set[bytes] = set()  # logs that forked or were settled since
        self._next: dict[bytes, int] = {}  # which of the missing ones comes first, where they are many
        self._wake = asyncio.Event()
        self._spared: set[tuple[bytes, Place]] = set()

    def look(self, author: bytes) -> None:
        """Asks soon, if figures of this networker matter: the log forked or was settled."""
        self._news.add(author)
        self._wake.set()

    def look_anew(self) -> None:
        """Asks soon: somebody is followed now, and there is more room."""
        self._looks = True
        self._spared.clear()
        self._wake.set()

    async def bring(self, author: bytes) -> None:
        """Asks for the branches of one log next; returns when the peer has given them, or the session has ended."""
        if not self._over:
            given = self._brought.setdefault(author, asyncio.Event())
            self._wake.set()
            await given.wait()

    async def run(self) -> None:
        """Asks at the start, when there is news, and at growing pauses, until the session ends."""
        try:
            await self._level.wait()
            loop = asyncio.get_running_loop()
            pause, due = 1, loop.time()
            self._looks = True
            while True:
                self._wake.clear()
                await self._bring()
                if self._looks or self._news:
                    news = None if self._looks else frozenset(self._news)
                    self._looks = False
                    self._news.clear()
                    parted = await self._store.read(self._parted, self._reckoned.asked(), news)
                    await self._ask(parted)
                    if news is None:
                        due = loop.time() + self._every * pause
                    elif parted:
                        pause, due = 1, min(due, loop.time() + self._every)
                try:
                    async with asyncio.timeout_at(due):  # whatever wakes it meanwhile
                        await self._wake.wait()
                    pause = 1 if self._looks else pause
                except TimeoutError:
                    pause, self._looks = min(2 * pause, LONGEST_PAUSE), True
        finally:
            self._over = True
            for given in self._brought.values():
                given.set()

    def _parted(self, reader: Reader, asked: frozenset[bytes], news: frozenset[bytes] | None) -> list[bytes]:
        """Whose branches to ask for; of `news` only, where something came: strangers settle and fork all the time."""
        reckoned = self._reckoned.regular(reader) | asked
        return branches.parted(reader, reckoned if news is None else reckoned & news)

    async def _bring(self) -> None:
        """Asks for what somebody waits for."""
        for author in list(self._brought):
            await self._ask(await self._store.read(branches.parted, (author,)), urgent=True)
            self._brought.pop(author).set()

    async def _ask(self, authors: Sequence[bytes], *, urgent: bool = False) -> None:
        whose = [each for each in authors if self._wants(each)]
        for start in range(0, len(whose), limits.MAX_BRANCHES):
            part = whose[start : start + limits.MAX_BRANCHES]
            try:
                told = await self._conversation.ask(messages.AskBranches(authors=part), messages.Branches)
            except NotHeld as refusal:
                _log.debug("%s tells no branches: %s", self._conversation.network, refusal)
                return
            by_author: dict[bytes, list[tuple[int, int, int, bytes]]] = {author: [] for author in part}
            for author, epoch, term, seq, id in told.branches:
                if author not in by_author or len(by_author[author]) == limits.MAX_BRANCHES:
                    raise RemoteProtocolError("answer", "branches of another log than asked for, or too many")
                by_author[author].append((epoch, term, seq, id))
            for author, named in by_author.items():
                if not urgent:
                    await self._bring()
                await self._take(author, sorted(named))

    async def _take(self, author: bytes, told: Sequence[tuple[int, int, int, bytes]]) -> None:
        """Fetches what the peer tells of, and what is known to be missing [R-SYNC-20].

        An issuer can name more entries than are asked for at a time, and none of them need ever have been: so what
        the peer has comes first, and of what is missing other entries each time.
        """
        state = await self._store.load(author)
        if state is None or state.openers.contested is not None or state.base.seq or state.lacking:
            return
        wanted: dict[Place, tuple[bool, tuple[int, int] | None]] = {}
        for epoch, term, seq, id in told:
            # What a replaced key signed binds nobody, unless a settlement names it or it is held already [R-CRED-68].
            if epoch == state.openers.epoch and term <= state.openers.term:
                wanted[seq, id] = (False, (epoch, term))
        missing = list((await self._store.read(branches.missing, state)).items())
        first = self._next.pop(author, 0) % max(1, len(missing))
        if len(missing) > MOST_MISSING:
            self._next[author] = first + MOST_MISSING
        for place, sealed in (*missing[first:], *missing[:first]):
            wanted[place] = (sealed, None)
        asked = [each for each in wanted.items() if (author, each[0]) not in self._spared]
        for place, (sealed, claimed) in asked[:MOST_ASKED]:
            try:
                async with self._turns.of(author):
                    await self._fetch(state, place, sealed, claimed)
            except NotHeld as refusal:
                if refusal.code == "busy":  # others wait for their turn
                    return

    async def _fetch(
        self, state: LogState, place: Place, sealed: bool, claimed: tuple[int, int] | None
    ) -> None:
        """Fetches a branch from its newest entry down to what is held; keeps what is proved of it.

        Raises:
            NotHeld: the peer does not hold it; `busy`: it sends too slowly, or says that it is.
            RemoteProtocolError: the peer gave something else, or claimed what its author did not sign.
        """
        author = state.author
        if await self._store.read(branches.find, author, place) is not None:
            return
        most = await self._store.read(branches.room, author, self._own)
        climb = _Climb(place, sealed, [])
        below = None
        ended: NotHeld | None = None
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                while below is None and climb.bytes <= most and climb.at[0] >= 0:
                    below = await self._lower(state, climb, claimed)
        except NotHeld as refusal:
            if refusal.code == "unproved":
                self._spare(author, place)
            ended = refusal
        except TimeoutError:
            self._spare(author, place)  # else it would be the first again, and the only one, each time
            ended = NotHeld("busy", "the peer sends too slowly")
        if not climb.parts:
            raise ended or NotHeld("not_here", "there is no room for more of this log")
        entries = climb.entries
        if below is None or size_of(entries) > most:
            if ended is None:
                self._spare(author, place)
            if not sealed:  # it is signed: that a branch is missing can be told from now on
                bound = EVIDENCE_BYTES + TIPS_BYTES
                await self._store.write(branches.take, author, climb.parts[0][-1:], bound)
                self._on_kept()
            if ended is not None:
                raise ended
            return
        count = await self._store.read(_authentic, state, below, entries, sealed)
        if count < len(entries):
            self._spare(author, place)
        if count:
            await self._store.write(branches.take, author, entries[:count])
            self._on_kept()

    def _spare(self, author: bytes, place: Place) -> None:
        if len(self._spared) < SPARED:
            self._spared.add((author, place))

    async def _lower(self, state: LogState, climb: _Climb, claimed: tuple[int, int] | None) -> Entry | None:
        """Asks for the next part; the entry held that the branch stands on, once it has come down to it."""
        author, budget = state.author, min(PAGE_BYTES, self._conversation.session.may_get)
        question = messages.AskBranch(author=author, budget=budget, id=climb.at[1], seq=climb.at[0])
        below: Entry | None = None
        came = False
        async with self._conversation.asking(question) as answer:
            while True:
                body = answered(await answer(), messages.Runs)
                if below is None and (body.runs or not came):
                    came = True
                    entries = await self._linked(author, climb.at, body.runs)
                    if not climb.parts and not climb.sealed:
                        _require_signed(state, entries[-1], claimed)
                    budget -= sum(map(entry_weight, entries))
                    below = await self._joined(author, climb, entries)
                if is_last(body):
                    return below
                if not body.runs or budget < 0:
                    raise RemoteProtocolError("answer", "more of a branch than was asked for")

    async def _linked(self, author: bytes, at: Place, runs: Sequence[Run]) -> list[Entry]:
        """The entries of one message, oldest first: one chain whose newest is the one that was asked for."""
        chains = await self._gate.chains(runs)
        if len(chains) != 1 or chains[0][0].author != author or (chains[0][-1].seq, chains[0][-1].id) != at:
            raise RemoteProtocolError("answer", "other entries than the branch that was asked for")
        return list(chains[0])

    async def _joined(self, author: bytes, climb: _Climb, entries: list[Entry]) -> Entry | None:
        below, first = await self._store.read(_join, author, entries)
        new = entries[first:]
        climb.parts.append(new)
        climb.bytes += sum(map(entry_weight, new))
        climb.at = (entries[0].seq - 1, entries[0].prev)
        return below


def _require_signed(state: LogState, tip: Entry, claimed: tuple[int, int] | None) -> None:
    """The newest entry of a branch proves all below it.

    Raises:
        RemoteProtocolError: `signature`: the peer claimed that it is signed.
        NotHeld: `unproved`: nobody but its author did.
    """
    keys = state.openers.keys(tip.epoch)
    signed = any(signature_valid(state.openers.network, key, tip) for key in keys)
    if claimed is not None and (not signed or tip.place != claimed):
        raise RemoteProtocolError("signature", "the newest entry of a branch is not signed by its author")
    if not signed:
        raise NotHeld("unproved", "a branch whose newest entry its author did not sign")


def _join(reader: Reader, author: bytes, entries: Sequence[Entry]) -> tuple[Entry | None, int]:
    """What a part of a branch stands on, if that is held, and where in the part the branch begins."""
    held = branches.held_between(reader, author, entries[0].seq - 1, entries[-1].seq - 1)
    for index in range(len(entries) - 1, -1, -1):
        entry = entries[index]
        if entry.seq and entry.prev in held:
            return branches.find(reader, author, (entry.seq - 1, entry.prev)), index
    return None, 0


def _authentic(reader: Reader, state: LogState, below: Entry, entries: Sequence[Entry], sealed: bool) -> int:
    return authentic(state.openers, below, entries, sealed=sealed)
