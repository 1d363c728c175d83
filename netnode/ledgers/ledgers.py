"""The ledgers of the logs held here, folded when they are asked for and kept level with the store.

    ledger = await ledgers.of(issuer)                   # level; its teams and plans may be read on the event loop
    found = await ledgers.ask(issuer, function)         # function(ledger) in a thread, while nothing is folded
    book = await ledgers.own()                          # the own log's fold, level with what is stored

A log is folded in slices. A ledger that nobody has seen yet is folded in threads; one that was handed out by `of`
on the event loop, a few entries at a time, so that who reads its teams never meets a half of an entry. What takes
long and changes neither teams nor plans, the close of a period and the end of a swap, runs in a thread always.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from netnode.ledgers import evidence
from netnode.ledgers.joining import MOST_FOLDS, Side, beyond
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.reading import AT_ONCE, FEW, Batch, Look, Source, fold, look, next_batch, proved, weighty
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Store, branches
from protocol.errors import LocalProtocolError
from protocol.identity import id_text
from protocol.ledger.book import Book
from protocol.ledger.union import Branch
from protocol.log_state import LogState

HELD: Final = 50_000
"""Critical entries whose ledgers stay in memory; those of a log that was not asked for longest go first, and are folded
again. The own log's stays. Why: an entry with its effects takes about 3 KB."""

_TRIES: Final = 4  # a log that changes its branch while it is folded is folded anew
T = TypeVar("T")


@dataclass(slots=True)
class _Shelf:
    """One log: its ledger, and who may work on it."""

    issuer: bytes
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    ledger: Ledger | None = None
    source: Source | None = None
    mark: evidence.Mark | None = None  # of what the ledger is level with; None: it is not whole
    shown: bool = False  # was handed out: folded on the event loop only
    waiting: int = 0


class Ledgers:
    """The ledgers of the logs held here.

    Args:
        network: the network's name.
        own: networker id of the owner of this node.
        store: holds the logs.
        held: critical entries whose ledgers stay in memory.
    """

    def __init__(self, network: str, own: bytes, store: Store, held: int = HELD) -> None:
        self._network = network
        self._own = own
        self._store = store
        self._held = held
        self._shelves: OrderedDict[bytes, _Shelf] = OrderedDict()

    async def of(self, issuer: bytes) -> Ledger:
        """The ledger of a networker, level with what is held of their log.

        What a close or the end of a swap changes (effects, accounts) may be changing in a thread while another task
        waits: read those by `ask`. Teams, plans, opportunities and signers may be read until the next `await`.

        Raises:
            Problem: `unknown_author` (3): nothing of the log is here; `incomplete` (4): its beginning is missing.
        """
        async with self._turn(issuer) as shelf:
            ledger = await self._level(shelf)
            shelf.shown = True
            return ledger

    async def own(self) -> Book:
        """The fold of the own log, level with it; the same object each time, until the log changes its branch.

        Its `state` may be given to `protocol.ledger.drafting` on the event loop: what it reads again of the log it
        reads from the store at once.

        Raises:
            Problem: as `of`.
        """
        return (await self.of(self._own)).book

    async def ask(self, issuer: bytes, function: Callable[[Ledger], T]) -> T:
        """Runs ``function(ledger)`` in a reader lane, level with the log, while nobody folds it.

        Args:
            issuer: networker id.
            function: returns nothing that still refers to the ledger.

        Raises:
            Problem: as `of`.
        """
        return await self.study(issuer, lambda reader, ledger: function(ledger))

    async def study(self, issuer: bytes, function: Callable[[Reader, Ledger], T]) -> T:
        """The same with a reader of the store: ``function(reader, ledger)``.

        Raises:
            Problem: as `of`.
        """
        async with self._turn(issuer) as shelf:
            ledger = await self._level(shelf)
            return await _finished(self._store.read(function, ledger))

    async def before(self, issuer: bytes, asked: Sequence[tuple[int, Callable[[Ledger], T]]]) -> list[T]:
        """Folds a log once more, and asks it as it stood right before some of its entries.

        It takes as long as the log did, and as much memory while it lasts; the ledger at hand is not touched.

        Args:
            issuer: networker id.
            asked: seqs of entries, rising, each with a function of the ledger, which runs in a thread; it returns
                nothing that still refers to the ledger.

        Raises:
            Problem: `changing` (4): the log changes its branch meanwhile.
        """
        source = Source(self._store, issuer)
        ledger = Ledger(self._book(source))
        found: list[T] = []
        for seq, function in asked:
            try:
                whole = await self._fold(ledger, source, seq - 1, shown=False)
            except LocalProtocolError:  # what it read again was of another branch
                whole = False
            if not whole:
                raise _changing(issuer)
            found.append(await self._run(function, ledger))
        return found

    def holds(self, issuer: bytes) -> bool:
        """Whether a ledger is in memory: asking for it takes no time then."""
        shelf = self._shelves.get(issuer)
        return shelf is not None and shelf.ledger is not None

    def folded(self) -> frozenset[bytes]:
        """Issuers whose ledgers are in memory now: for a thread, which must not ask `holds` while that changes."""
        return frozenset(issuer for issuer in self._shelves if self.holds(issuer))

    @property
    def held(self) -> int:
        """Critical entries whose ledgers are in memory."""
        return sum(shelf.ledger.taken for shelf in self._shelves.values() if shelf.ledger is not None)

    @asynccontextmanager
    async def _turn(self, issuer: bytes) -> AsyncIterator[_Shelf]:
        """Nobody else works on the ledger while the context lasts; then what is too much is let go of."""
        shelf = self._shelves.get(issuer)
        if shelf is None:
            shelf = self._shelves[issuer] = _Shelf(issuer)
        self._shelves.move_to_end(issuer)
        shelf.waiting += 1
        try:
            async with shelf.turn:
                yield shelf
        finally:
            shelf.waiting -= 1
            self._let_go()

    def _let_go(self) -> None:
        held = self.held
        for issuer, shelf in list(self._shelves.items())[:-1]:
            empty = shelf.ledger is None
            if shelf.waiting or (not empty and (held <= self._held or issuer == self._own)):
                continue
            held -= 0 if shelf.ledger is None else shelf.ledger.taken
            del self._shelves[issuer]

    # -- level with the log ----------------------------------------------------------------------------------
    async def _level(self, shelf: _Shelf) -> Ledger:
        for _ in range(_TRIES):
            try:
                ledger = await self._once(shelf)
            except LocalProtocolError:  # what it read again was of another branch
                shelf.ledger = shelf.mark = None
                continue
            except BaseException:
                shelf.ledger = shelf.mark = None  # it may have stopped within an entry
                raise
            if ledger is not None:
                return ledger
        raise _changing(shelf.issuer)

    async def _once(self, shelf: _Shelf) -> Ledger | None:
        """The ledger, level with the log; None when the log changed its branch meanwhile."""
        found = await self._store.read(look, shelf.issuer, shelf.ledger)
        _require_whole(shelf.issuer, found)
        if shelf.ledger is None or found.changed:
            shelf.source = Source(self._store, shelf.issuer)
            shelf.ledger = Ledger(self._book(shelf.source))
            shelf.mark, shelf.shown = None, False
        ledger, source = shelf.ledger, shelf.source
        assert source is not None  # made with the ledger
        if shelf.mark == found.mark and not found.cured:
            return ledger
        if not await self._fold(ledger, source, found.last, shown=shelf.shown):
            shelf.ledger = None
            return None
        if not await self._join(ledger, found):
            return None
        shelf.mark = found.mark
        return ledger

    def _book(self, source: Source) -> Book:
        return Book(self._network, source.issuer, source.read, source.between)

    async def _fold(self, ledger: Ledger, source: Source, last: int, *, shown: bool) -> bool:
        """Folds the log up to an entry; False when it changed its branch meanwhile."""
        place = ledger.place
        batch = await self._next(source.issuer, place, last)
        while batch is not None and batch.entries:
            end = batch.entries[-1]
            if shown:
                whole = await self._take_shown(ledger, source, batch)
            else:
                whole = await _finished(self._store.read(fold, ledger, source, batch))
            if not whole:
                return False
            batch = await self._next(source.issuer, (end.seq, end.id), last)
        return batch is not None

    async def _next(self, issuer: bytes, place: tuple[int, bytes] | None, last: int) -> Batch | None:
        """The next entries, read and their signatures verified.

        Threads that verify let each other work, one that folds does not let them: so verifying has its own turn.
        """
        batch = await self._store.read(next_batch, self._network, issuer, place, last)
        if batch is None:
            return None
        given = list(batch.prepared.items())
        middle = len(given) // 2 if len(given) > FEW else 0
        found = await asyncio.gather(
            *(self._run(proved, part) for part in (given[:middle], given[middle:]) if part)
        )
        return replace(batch, proved=frozenset(seq for part in found for seq in part))

    async def _take_shown(self, ledger: Ledger, source: Source, batch: Batch) -> bool:
        """Folds a batch into a ledger that others may be looking at."""
        since = 0
        for index, entry in enumerate(batch.entries):
            if weighty(entry):
                part = batch.part(index)
                if not await _finished(self._store.read(fold, ledger, source, part)):
                    return False
                since = 0
                continue
            ledger.take(entry, batch.prepared.get(entry.seq), proved=entry.seq in batch.proved)
            since += 1
            if since == AT_ONCE:
                since = 0
                await asyncio.sleep(0)
        return True

    # -- branches --------------------------------------------------------------------------------------------
    async def _join(self, ledger: Ledger, found: Look) -> bool:
        """Brings in what is held beside the log; False when it changed meanwhile."""
        joined, state = ledger.joined, found.state
        assert state is not None and ledger.place is not None  # `_require_whole`, and folded
        again = joined.around != found.around or found.cured
        if not again and joined.places():
            grown = (joined.tip + 1, found.last)
            again = await self._store.read(evidence.reached, state.author, joined.places(), grown)
        if again and not await self._lay(ledger, state, found):
            return False
        joined.tip = found.last
        if joined.sides:
            await self._run(joined.join, ledger)
        else:
            joined.join(ledger)
        return True

    async def _lay(self, ledger: Ledger, state: LogState, found: Look) -> bool:
        """Looks through what lies beside the log, and folds what was not."""
        joined = ledger.joined
        lacking: list[Branch] = []
        sides: list[Side] = []
        if found.beside or state.forked or state.openers.place != (0, 0):
            lacking += await self._store.read(branches.missing, state)
        if found.beside or joined.sides:
            tails, left_out = await self._store.read(evidence.tails, state, frozenset(ledger.settled))
            lacking += left_out
            for tail in tails:
                side = joined.known(tail.head)
                if side is None and joined.folds < MOST_FOLDS:
                    joined.folds += 1
                    side = await self._fold_side(ledger, tail)
                    if side is None:
                        return False
                if side is None:
                    lacking.append(tail.head)
                else:
                    sides.append(replace(side, rotation=tail.rotation))
        joined.lay(sides, lacking, found.around)
        return True

    async def _fold_side(self, ledger: Ledger, tail: evidence.Tail) -> Side | None:
        """What a branch gives beyond the log; None when the log changed meanwhile."""
        source = Source(self._store, ledger.issuer, {each.seq: each for each in tail.entries})
        branch = Ledger(self._book(source))
        if not await self._fold(branch, source, tail.fork, shown=False):
            return None
        if not await self._store.read(fold, branch, source, Batch(tail.entries)):
            return None
        effects = await self._run(beyond, ledger, branch.book.effects, tail.fork)
        logged = {id: branch.logged(id) for id in effects if id not in ledger.book.effects}
        unknown = next(
            ((each.seq, each.id) for each in tail.entries if each.seq == branch.book.unknown), None
        )
        return Side(tail.fork, tail.head, tail.rotation, effects, logged, unknown)

    async def _run(self, function: Callable[..., T], *args: object) -> T:
        return await _finished(self._store.read(lambda reader: function(*args)))


def _require_whole(issuer: bytes, found: Look) -> None:
    name = id_text(issuer)
    if found.state is None:
        raise Problem(
            f"Nothing of the log of {name} is here yet. Follow them, and try again once the log has come: "
            f"netnode follow add {name}",
            ExitCode.NOT_FOUND,
            "unknown_author",
        )
    if found.state.base.seq:
        raise Problem(
            f"The log of {name} is here from entry {found.state.base.seq} on only, so nothing can be computed from "
            f"it. Follow them, and it is fetched whole: netnode follow add {name}",
            ExitCode.REFUSED,
            "incomplete",
        )


def _changing(issuer: bytes) -> Problem:
    return Problem(
        f"The log of {id_text(issuer)} is changing while it is read. Try again in a moment.",
        ExitCode.REFUSED,
        "changing",
    )


async def _finished(work: Awaitable[T]) -> T:
    """Waits for work in a lane also when cancelled: nobody may touch a ledger while a thread does."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(Exception):
            await task
        raise
