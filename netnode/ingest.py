"""The one gate every entry passes, own or foreign.

Chains are judged in the verifier lane against the newest known state of their log, which may still be on its way to
disk; what was found authentic goes to the group commit, in the order it was judged, and to the bus once stored. A
chain that has to look at stored entries (it overlaps, fills, forks or opens) waits until its log is on disk.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVarTuple

import msgspec
from msgspec.structs import replace

from netnode.bus import Bus, Stored
from netnode.chains import NOTHING, Chain, Outcome, appended, bare, chains_of, reads_store
from netnode.ports import Executor, Lane
from netnode.problems import Problem
from netnode.store import Change, GroupCommit, Reader, Store, room
from netnode.wanting import Everything, Keeping
from protocol.entry import Entry
from protocol.errors import NotHeld, ProtocolError, RemoteProtocolError
from protocol.items import Item
from protocol.log import (
    Admission,
    Drop,
    Step,
    hold_from,
    receive,
    receive_opener,
    receive_proof,
)
from protocol.log_state import LogState
from protocol.run import Run, rebuild, run_of

STATES_KEPT: Final = 4_096  # why: about 2 KB each; a log not among them costs one read
FEW: Final = 8  # entries judged at once; why: a turn of the verifier lane costs more
PASSED_ON_BYTES: Final = 8 * 1024  # why: what is larger takes longer to send than to store
RELEASED_AT_ONCE: Final = 20_000  # entries; why: a tenth of a second of the writer lane

Watch = Callable[[Change], Awaitable[None]]
Ts = TypeVarTuple("Ts")


@dataclass(slots=True)
class _Verdicts:
    """What one visit to the verifier lane found; `rest` has to wait for the disk."""

    outcomes: dict[bytes, Outcome]
    rest: list[Chain] = field(default_factory=list)


class Gate:
    """Admits entries to the store, and lets go of them again.

    Args:
        network: the network's name.
        store: where logs are read.
        commits: where changes go.
        executor: its verifier lane judges.
        bus: told of what was stored.
        keeping: says what is kept.
    """

    def __init__(
        self,
        network: str,
        store: Store,
        commits: GroupCommit,
        executor: Executor,
        bus: Bus,
        keeping: Keeping | None = None,
    ) -> None:
        self._network = network
        self._store = store
        self._commits = commits
        self._executor = executor
        self._bus = bus
        self._keeping = keeping or Everything()
        self._door = asyncio.Lock()
        self._states: OrderedDict[bytes, LogState] = OrderedDict()
        self._pending: dict[bytes, int] = {}
        self._waiting: dict[asyncio.Future[list[Item]], None] = {}
        self._stale = False
        self._watched: tuple[bytes, Watch] | None = None

    def watch(self, author: bytes, watch: Watch) -> None:
        """Has `watch` called before a change to this author's log that came from a peer is stored [R-LOG-21]."""
        self._watched = (author, watch)

    async def admit_runs(
        self, runs: Sequence[Run], source: object | None = None, *, jump: bool = False
    ) -> list[Outcome]:
        """Admits runs as they came in a message; `jump` as for `protocol.log.receive`.

        Returns:
            One outcome per author, once everything kept is stored.

        Raises:
            RemoteProtocolError: a run cannot be rebuilt; nothing of the message is kept.
            Problem: the disk fails.
        """
        return await self._admit(await self.chains(runs), source, jump=jump)

    async def admit_chains(self, chains: Sequence[Chain], source: object | None = None) -> list[Outcome]:
        """Admits chains that `chains` rebuilt, as `admit_runs`."""
        return await self._admit(list(chains), source)

    async def admit(
        self,
        chain: Chain,
        *,
        durable: bool = False,
        source: object | None = None,
        head: bytes | None = None,
    ) -> Outcome:
        """Admits consecutive entries of one author.

        Args:
            chain: the entries, oldest first.
            durable: they survive a loss of power once this returns; for own entries [R-LOG-20].
            source: the session they came from.
            head: the id of the newest entry that must be held; with another one nothing is judged (`gap`), so that an
                own entry written at the wrong place proves no fork.

        Returns:
            What became of them, once they are stored.

        Raises:
            Problem: the disk fails.
        """
        (outcome,) = await self._admit([chain], source, durable, head=head)
        return outcome

    async def admit_openers(
        self, entries: Sequence[Entry], source: object | None = None, *, durable: bool = False
    ) -> Outcome:
        """Admits openers of one author that came by themselves (handshake, answer to `openers`) [R-LOG-5].

        Args:
            entries: at least one, in order of epoch.
            source: the session they came from.
            durable: as for `admit`.
        """
        author = entries[0].author
        outcome = Outcome(author)
        await self._make_room()
        async with self._door:
            for entry in entries:
                await self._settled(author)
                future = await self._decide(source, durable, (), self._judge_opener, entry, outcome)
                if future is not None:
                    await asyncio.shield(future)  # who stops waiting does not end the commit
        return outcome

    async def admit_proof(self, left: Run, right: Run, source: object | None = None) -> Outcome:
        """Admits a proof of fork: two runs, or the two openers of one term [R-LOG-14] [R-LOG-15].

        Raises:
            RemoteProtocolError: a side cannot be rebuilt, or they are of two networkers.
            Problem: the disk fails.
        """
        if left.author != right.author:
            raise RemoteProtocolError("bad_proof", "the two sides are of two networkers")
        sides = rebuild(left), rebuild(right)
        if sides[0][0].is_opener and sides[1][0].is_opener:
            return await self.admit_openers([sides[0][0], sides[1][0]], source)
        outcome = Outcome(left.author)
        await self._make_room()
        async with self._door:
            await self._settled(left.author)
            future = await self._decide(source, False, (), self._judge_proof, sides, outcome)
            if future is not None:
                await asyncio.shield(future)  # who stops waiting does not end the commit
        return outcome

    async def chains(self, runs: Sequence[Run]) -> list[Chain]:
        """Rebuilds runs as `chains_of`, off the event loop unless they are few entries."""
        if len(runs) == 1 and len(runs[0].entries) <= FEW:
            return chains_of(runs)
        return await self._executor.run(Lane.VERIFIER, chains_of, runs)

    async def state(self, author: bytes) -> LogState | None:
        """The newest state of a log that is on disk."""
        known = self._states.get(author)
        if known is not None and not self._door.locked() and not self._stale and author not in self._pending:
            return known
        return await self._store.load(author)

    def wants(self, author: bytes) -> bool:
        """Whether a log is asked for and taken here: not one that was let go of as a whole [R-QUOTA-4]."""
        return self._keeping.wants(author)

    def lower(self, author: bytes) -> bool:
        """Whether a log is asked for below what is held of it [R-QUOTA-3]."""
        return self._keeping.lower(author)

    # -- letting go ------------------------------------------------------------------------------------------
    async def cut(self, author: bytes, size: int) -> None:
        """Moves the start of a log up until it takes `size` bytes less, or holds its newest entry alone [R-LOG-29].

        The openers stay known. Branches set aside go first: they are fetched again where they are needed.

        Raises:
            Problem: the disk fails.
        """
        while size > 0:
            freed = [0]
            async with self._door:
                await self._settled(author)
                future = await self._decide(None, False, (), self._judge_cut, author, size, freed)
            if future is None:
                return
            await asyncio.shield(future)
            size -= freed[0]

    async def drop(
        self, authors: Sequence[bytes], now: int, forget: room.Forget, *, owner: bool, remembered: int
    ) -> None:
        """Lets go of whole logs, with all that search and lists made of them, and remembers that.

        Args:
            authors: whose.
            now: ms UTC.
            forget: takes them out of the projections, in the same transaction.
            owner: the owner wants it; else a quota does.
            remembered: as `netnode.store.room.drop`.

        Raises:
            Problem: the disk fails.
        """
        async with self._door:
            await self._settled(*authors)
            with self._stale_unless_done():
                await self._store.write(room.drop, authors, now, forget, owner=owner, kept=remembered)
                await self._executor.run(Lane.VERIFIER, self._forget, authors)
        self._bus.publish(Stored(()))

    def _forget(self, authors: Sequence[bytes]) -> None:
        for author in authors:
            self._states.pop(author, None)

    def _judge_cut(self, author: bytes, size: int, freed: list[int]) -> list[Change]:
        state = self._known(author)
        if state is None:
            return []
        steps: list[Step] = [Drop(extent.number) for extent in state.aside]
        if steps:
            freed[0] = self._store.reading(room.aside_bytes, author)
        after = replace(state, aside=())
        left = size - freed[0]
        if left > 0:
            first, released = self._store.reading(room.start_after, author, left, RELEASED_AT_ONCE)
            if first is not None and first.seq > state.base.seq:
                after, step = hold_from(after, first)
                steps.append(step)
                freed[0] += released
        if not steps:
            return []
        self._states[author] = after
        return [Change(state, after, steps, cut=True)]

    async def _make_room(self) -> None:
        if self._keeping.full():
            await self._keeping.sweep(self)

    # -- judging ---------------------------------------------------------------------------------------------
    async def _admit(
        self,
        chains: list[Chain],
        source: object | None,
        durable: bool = False,
        jump: bool = False,
        head: bytes | None = None,
    ) -> list[Outcome]:
        if len(chains) == 1 and not (durable or jump or head):
            outcome = self._at_once(chains[0], source)
            if outcome is not None:
                return [outcome]
        outcomes: dict[bytes, Outcome] = {}
        stored: list[asyncio.Future[list[Item]]] = []
        if not durable:  # own entries are never in the way of a quota
            await self._make_room()
        async with self._door:  # until the last chain is judged: what came later may build on it
            while chains:
                verdicts = _Verdicts(outcomes)
                future = await self._decide(
                    source, durable, chains, self._judge, chains, verdicts, jump, head
                )
                if future is not None:
                    stored.append(future)
                chains = verdicts.rest
                if chains:
                    await self._settled(*{chain[0].author for chain in chains})
        for future in stored:
            await asyncio.shield(future)  # who stops waiting does not end the commit
        return list(outcomes.values())

    def _at_once(self, chain: Chain, source: object | None) -> Outcome | None:
        """Judges, stores and tells of a few new entries of one log on the spot; None where that is not to be done.

        The way of an entry that is passed on from node to node: it needs some microseconds, and each turn of a lane
        or of a task would cost as much again. Whatever is not a plain continuation of a known log, or would overtake
        something, goes the long way.
        """
        author = chain[0].author
        state = self._states.get(author)
        if (
            state is None
            or len(chain) > FEW
            or self._stale
            or author in self._pending
            or self._door.locked()
            or (self._watched is not None and self._watched[0] == author)
            or not self._commits.at_hand()
            or self._keeping.full()
            or reads_store(state, chain)
        ):
            return None
        outcome = Outcome(author)
        self._stale = True  # until it is done: nobody else has a turn meanwhile
        admission = receive(self._network, state, chain, NOTHING)
        outcome.add(admission)
        change = self._change(state, admission)
        if change is not None:
            news = Stored((change.after.item(),), appended((change,)), source)
            self._pass_on(news)
            self._commits.at_once((change,))
        self._stale = False
        if change is not None:
            self._bus.publish(news)
        return outcome

    def _pass_on(self, news: Stored) -> None:
        """Lets sessions have a few entries before the tables do: these take four times as long as a note of the run.

        What ends the process between the two loses nothing: `resume` takes the note up.
        """
        (item,) = news.items
        entries = news.entries.get(item.author, ())
        if not (entries and self._bus.passes_on):
            return
        run = msgspec.msgpack.encode(run_of(entries))
        if len(run) <= PASSED_ON_BYTES:
            self._commits.note(run)
            self._bus.pass_on(news)

    async def resume(self) -> None:
        """Takes in what was passed on by an earlier process that ended before its tables had it.

        Raises:
            Problem: the disk fails.
        """
        noted = await self._store.read(Reader.passed_on)
        if noted is not None:
            await self.admit_runs([noted])

    async def _decide(
        self,
        source: object | None,
        durable: bool,
        few: Sequence[Chain],
        judge: Callable[[*Ts], list[Change]],
        *args: *Ts,
    ) -> asyncio.Future[list[Item]] | None:
        """Judges in the verifier lane and queues the changes, under the door; None when there are none.

        Where `few`, the chains to be judged, are next to nothing, they are judged at once: nobody else uses the
        states under the door.

        A wait that is cancelled between the two, or a commit that fails, leaves states in the cache that the disk
        will never have; then the cache is emptied first.
        """
        if self._stale:
            await self._settled(*self._pending)
            await self._executor.run(Lane.VERIFIER, self._states.clear)
            self._stale = False
        with self._stale_unless_done():
            if self._at_hand(few):
                changes = judge(*args)
            else:
                changes = await self._executor.run(Lane.VERIFIER, judge, *args)
            if self._stale:  # what this was judged against was not stored after all
                raise Problem("The store failed while entries were taken in. Try again.", code="store")
            return await self._submit(changes, source, durable) if changes else None

    @contextmanager
    def _stale_unless_done(self) -> Iterator[None]:
        """What ends early inside may leave states in the cache that the disk does not have."""
        done = False
        try:
            yield
            done = True
        finally:
            if not done:
                self._stale = True

    def _at_hand(self, chains: Sequence[Chain]) -> bool:
        """Whether judging these needs some microseconds and nothing of the disk."""
        if len(chains) != 1 or len(chains[0]) > FEW:
            return False
        state = self._states.get(chains[0][0].author)
        return state is not None and not reads_store(state, chains[0])

    def _judge(
        self, chains: list[Chain], verdicts: _Verdicts, jump: bool, head: bytes | None
    ) -> list[Change]:
        """Runs in the verifier lane, or where the event loop does."""
        self._trim()
        changes: list[Change] = []
        waiting: set[bytes] = set()
        touched: set[bytes] = set()
        for chain in chains:
            author = chain[0].author
            state = self._known(author)
            if head is not None and (state is None or state.tip.id != head):
                text = "the log went on since the entry was written"
                verdicts.outcomes[author] = Outcome(author, fault=NotHeld("gap", text))
                continue
            if author in waiting or (
                reads_store(state, chain) and (author in touched or self._pending.get(author))
            ):
                waiting.add(author)
                verdicts.rest.append(chain)
                continue
            outcome = verdicts.outcomes.setdefault(author, Outcome(author))
            chain = self._allowed(state, chain, outcome)
            if not chain:
                continue
            admission = self._receive(state, chain, jump)
            change = self._change(state, admission)
            if change is not None:
                changes.append(change)
                touched.add(author)
            outcome.add(admission)
            if admission.rest:
                waiting.add(author)
                verdicts.rest.append(admission.rest)
        return changes

    def _allowed(self, state: LogState | None, chain: Chain, outcome: Outcome) -> Chain:
        """The part of a chain that may be kept: not what a quota let go of [R-QUOTA-3] [R-QUOTA-4]."""
        first = chain[0]
        if state is None:
            refusal = self._keeping.refusal(first.author)
            if refusal is None:
                return chain
            outcome.fault = outcome.fault or refusal
            return ()
        below = state.base.seq - first.seq
        if below <= 0 or self._keeping.lower(first.author):
            return chain
        lower = chain[:below]
        if any(entry.is_opener and not state.openers.knows(entry) for entry in lower):
            return chain  # openers count, however they came [R-LOG-5]
        if len(lower) == len(chain):
            outcome.fault = outcome.fault or NotHeld(
                "quota", "the quota of this log has no room for what lies below"
            )
        return chain[below:]

    def _receive(self, state: LogState | None, chain: Chain, jump: bool) -> Admission:
        if jump and state is not None and state.base.seq < state.tip.seq:  # entries would be let go of
            jump = not self._keeping.whole(state.author)
        if not reads_store(state, chain):
            return receive(self._network, state, chain, NOTHING, jump=jump)
        author = chain[0].author
        return self._store.reading(
            lambda reader: receive(self._network, state, chain, reader.view(author), jump=jump)
        )

    def _judge_opener(self, entry: Entry, outcome: Outcome) -> list[Change]:
        state = self._known(entry.author)
        if not self._allowed(state, [entry], outcome):
            return []
        if state is None:
            admission = receive(self._network, None, [entry], NOTHING)
        else:
            admission = self._store.reading(
                lambda reader: receive_opener(state, entry, reader.view(entry.author))
            )
        outcome.add(admission)
        change = self._change(state, admission)
        return [] if change is None else [change]

    def _judge_proof(self, sides: tuple[list[Entry], list[Entry]], outcome: Outcome) -> list[Change]:
        state = self._known(outcome.author)
        try:
            if state is None:
                raise NotHeld("unknown_author", "the openers of this networker are not known here")
            after = receive_proof(state, *sides)
        except ProtocolError as error:
            outcome.fault = error
            return []
        change = self._change(state, Admission(after, proof=(tuple(sides[0]), tuple(sides[1]))))
        return [] if change is None else [change]

    def _known(self, author: bytes) -> LogState | None:
        state = self._states.get(author)
        if state is None:
            state = self._store.reading(Reader.load, author)
            if state is not None:
                self._states[author] = state
        return state

    def _change(self, before: LogState | None, admission: Admission) -> Change | None:
        after = admission.state
        if after is None or (after == before and not admission.steps):
            return None
        self._states[after.author] = after
        self._states.move_to_end(after.author)
        proof = None
        if (
            admission.proof is not None
            and after.fork is not None
            and (before is None or before.fork != after.fork)
        ):
            proof = (bare(admission.proof[0]), bare(admission.proof[1]))
        return Change(before, after, admission.steps, proof)

    def _trim(self) -> None:
        if len(self._states) > STATES_KEPT:
            settled = [author for author in self._states if author not in self._pending]
            for author in settled[: len(self._states) - STATES_KEPT * 3 // 4]:
                del self._states[author]

    # -- committing ------------------------------------------------------------------------------------------
    async def _submit(
        self, changes: list[Change], source: object | None, durable: bool
    ) -> asyncio.Future[list[Item]]:
        if source is not None and self._watched is not None:
            for change in changes:
                if change.after.author == self._watched[0]:
                    await self._watched[1](change)
        future = await self._commits.submit(
            changes, durable, lambda done: self._stored(done, changes, source)
        )
        # Queued, and not stored yet: nobody else had a turn since it was queued.
        for change in changes:
            author = change.after.author
            self._pending[author] = self._pending.get(author, 0) + 1
        self._waiting[future] = None
        return future

    def _stored(self, done: asyncio.Future[list[Item]], changes: list[Change], source: object | None) -> None:
        """Runs on the event loop when a transaction ended, before whoever waits for it goes on."""
        self._waiting.pop(done, None)
        self._withdraw(changes)
        if done.cancelled() or done.exception() is not None:
            self._stale = True  # later states may rest on what was not stored
            return
        self._bus.publish(Stored(done.result(), appended(changes), source))

    def _withdraw(self, changes: list[Change]) -> None:
        for change in changes:
            author = change.after.author
            self._pending[author] -= 1
            if not self._pending[author]:
                del self._pending[author]

    async def _settled(self, *authors: bytes) -> None:
        """Waits until nothing of these logs is on its way to disk."""
        while any(author in self._pending for author in authors):
            await asyncio.shield(asyncio.gather(*self._waiting, return_exceptions=True))
            # Why: from Python 3.12 on all that is done at once when they are, and then `_stored` has yet to run.
            await asyncio.sleep(0)
