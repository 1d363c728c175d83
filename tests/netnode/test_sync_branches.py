"""Branches of a forked log travel to whoever counts by them: L13 on readers that never held the branch [R-SYNC-19..22].

The proof of a fork may show entries above the place where the branches part, and shows at most 64 of each. What lies
below it and above it comes by `ask_branches` and `branch`, from anybody who holds it, also when the fork is over.
"""

from __future__ import annotations

import asyncio

import pytest

from netnode.ledgers.ledgers import Ledgers
from netnode.ports import Executor, LinkClosed
from netnode.services.branch_questions import BranchQuestions
from netnode.services.ledgers import LedgerBook
from netnode.store import Reader, Writer, branches
from netnode.store import evidence as kept_evidence
from netnode.sync import branches as sync_branches
from netnode.system import ThreadExecutor
from protocol import limits, messages
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.run import Run, entry_weight, rebuild, run_of, runs_of
from tests.netnode.mesh import NOW, Mesh, NodeUnderTest, Puppet, quiet, until
from tests.netnode.test_ledgers import EUR, Market, forked
from tests.protocol.author import NETWORK, Author, seed

EVERY = 0.05  # seconds between two comparisons
DEEP = 130  # entries above the sale: more than the proof of a fork shows


class Fork:
    """An issuer with two branches, a sale on each, far below where the proof of the fork begins."""

    def __init__(self, deep: int = DEEP) -> None:
        self.market, left, right = forked()
        issuer = self.market.issuer
        self.common = issuer.entries[: left[0].seq]
        self.left = [*left, *issuer.branch(left[-1], deep, "left")]
        self.right = [*right, *issuer.branch(right[-1], deep, "right")]
        self.author = Author(issuer.name, entries=[*self.common, *self.left])
        self.id = self.author.id

    def proof(self, above: int = 0) -> tuple[Run, Run]:
        """So many entries above the first difference, to the next anchor at most."""
        sides = []
        for side in (self.left, self.right):
            part = side[above:]
            end = -part[0].seq % limits.ANCHOR_EVERY + 1
            sides.append(run_of(part[:end]))
        return sides[0], sides[1]

    def settled(self, *named: Entry) -> Entry:
        """A settlement on the left branch."""
        return self.author.settlement(
            self.left[-1], branches=sorted(named, key=lambda each: (each.seq, each.id))
        )


async def give(node: NodeUnderTest, *chains: list[Entry]) -> None:
    for chain in chains:
        for start in range(0, len(chain), 64):
            outcome = await node.gate.admit(chain[start : start + 64])
            assert outcome.fault is None, outcome.fault


async def prove(node: NodeUnderTest, fork: Fork, above: int) -> None:
    outcome = await node.gate.admit_proof(*fork.proof(above))
    assert outcome.fault is None, outcome.fault


async def owed(node: NodeUnderTest, fork: Fork) -> tuple[int, int]:
    """Pending of both who sold: the one both branches and the left one owe, and the one only the right one does."""
    ledger = await Ledgers(NETWORK, node.id, node.store).of(fork.id)
    now = fork.market.now
    return tuple(ledger.figures(EUR, fork.market.id(who), now).pending for who in ("bob", "cal"))


BOTH = (3_000, 4_000)


async def reader(
    mesh: Mesh, fork: Fork, name: str = "reader", follows: bool = True, executor: Executor | None = None
) -> NodeUnderTest:
    """A node that holds the left branch and knows of the fork by a proof above the first difference."""
    node = await mesh.node(name, every=EVERY, follows=[fork.author] if follows else [], executor=executor)
    await give(node, [*fork.common, *fork.left])
    await prove(node, fork, 5)
    assert await owed(node, fork) == (3_000, 0)
    return node


async def holder(mesh: Mesh, fork: Fork, name: str = "holder") -> NodeUnderTest:
    """A node that holds the right branch."""
    node = await mesh.node(name, every=EVERY, follows=[fork.author])
    await give(node, [*fork.common, *fork.right])
    return node


async def comes_to(node: NodeUnderTest, fork: Fork, figures: tuple[int, int]) -> None:
    async def so() -> bool:
        return await owed(node, fork) == figures

    await until(so, f"{node.name} comes to {figures}")


async def test_what_lies_below_a_proof_above_the_first_difference_is_owed_too(mesh: Mesh) -> None:
    """[L13] The proof is the same for everybody, and nobody says what is below it unless asked for the branch."""
    fork = Fork()
    a, b = await reader(mesh, fork), await holder(mesh, fork)
    await prove(b, fork, 5)
    await a.join(b)
    await comes_to(a, fork, BOTH)
    await comes_to(b, fork, BOTH)
    assert await a.store.read(branches.missing, await a.store.load(fork.id)) == {}


async def test_branches_are_asked_for_from_a_thread_of_its_own(mesh: Mesh) -> None:
    """In production what the database holds is read in a thread, and all else is known to the loop's alone."""
    fork = Fork()
    a = await reader(mesh, fork, executor=ThreadExecutor())
    await a.join(await holder(mesh, fork))
    await comes_to(a, fork, BOTH)


async def test_what_lies_above_the_proof_is_owed_too(mesh: Mesh) -> None:
    """The proof begins at the first difference; the sale of the branch comes 130 entries later."""
    fork = Fork()
    low = Fork(0)
    fork.right = fork.author.branch(fork.common[-1], DEEP, "right")
    fork.market, fork.left = low.market, [*low.left, *fork.author.branch(low.left[-1], DEEP, "left")]
    late = Market()
    late.people, late.thing, late.counters = fork.market.people, fork.market.thing, fork.market.counters
    late.issuer.entries = [*fork.common, *fork.right]
    late.book = late.fresh()
    for entry in late.issuer.entries:
        late.book.take(entry)
    late.known, late.deals, late.now = set(fork.market.known), 50, fork.market.now
    late.sale(40_000, "cal")
    fork.right = late.issuer.entries[len(fork.common) :]
    a, b = await mesh.node("reader", every=EVERY, follows=[fork.author]), await holder(mesh, fork)
    await give(a, [*fork.common, *fork.left])
    await prove(a, fork, 0)
    assert await owed(a, fork) == (3_000, 0)
    await a.join(b)
    await comes_to(a, fork, BOTH)


@pytest.mark.parametrize("named", [True, False])
async def test_what_a_settlement_left_is_owed_by_who_never_knew_of_a_fork(mesh: Mesh, named: bool) -> None:
    """Nothing tells a reader of the log of a branch, but its settlement or a peer that holds it."""
    fork = Fork()
    a, b = await mesh.node("reader", every=EVERY, follows=[fork.author]), await holder(mesh, fork)
    opener = fork.settled(fork.left[-1], *([fork.right[-1]] if named else []))
    await give(a, [*fork.common, *fork.left, opener])
    await give(b, [opener])  # what it stands on is a hole there, until the log comes
    ledger = await Ledgers(NETWORK, a.id, a.store).of(fork.id)
    assert ledger.lacking == (((fork.right[-1].seq, fork.right[-1].id),) if named else ())
    await a.join(b)
    await comes_to(a, fork, BOTH)
    ledger = await Ledgers(NETWORK, a.id, a.store).of(fork.id)
    assert ledger.lacking == () and ledger.union is not None and len(ledger.union.branches) == 2
    await comes_to(b, fork, BOTH)


async def test_branches_that_nobody_holds_are_in_the_way_of_none(mesh: Mesh) -> None:
    """[R-SYNC-20] Whoever wrote the log can name entries without end that there never were."""
    fork = Fork()
    a, b = await mesh.node("reader", every=EVERY, follows=[fork.author]), await holder(mesh, fork)
    openers: list[Entry] = []
    for name in ("lost", "lost too", "lost as well"):
        lost = fork.author.branch(fork.common[-1], limits.MAX_BRANCHES, name)
        openers.append(fork.author.settlement([*fork.left, *openers][-1], branches=lost))
    await give(a, [*fork.common, *fork.left, *openers])
    await give(b, openers)
    await a.join(b)
    await comes_to(a, fork, BOTH)
    ledger = await Ledgers(NETWORK, a.id, a.store).of(fork.id)
    assert len(ledger.lacking) == 3 * limits.MAX_BRANCHES


async def test_what_proves_a_fork_is_not_read_for_every_entry_of_a_branch(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of a branch has 1,500 entries; to look for each of them in the proof took seconds of a thread."""
    fork = Fork(800)
    a, b = await reader(mesh, fork), await holder(mesh, fork)
    read: list[bytes] = []
    before = Reader.proof

    def counted(reader: Reader, author: bytes) -> tuple[Run, Run] | None:
        read.append(author)
        return before(reader, author)

    monkeypatch.setattr(Reader, "proof", counted)
    await a.join(b)
    await comes_to(a, fork, BOTH)
    assert len(read) < 200


async def test_who_fetched_a_branch_passes_it_on(mesh: Mesh) -> None:
    """[R-MSG-15] [R-MSG-16] From the log, from what was set aside and from what is kept as evidence alike."""
    fork = Fork()
    a, b = await reader(mesh, fork), await holder(mesh, fork)
    await prove(b, fork, 5)
    await a.join(b)
    await comes_to(a, fork, BOTH)
    await mesh.stop("holder")
    c = await reader(mesh, fork, "third")
    await c.join(a)
    await comes_to(c, fork, BOTH)


async def test_what_nobody_holds_is_said_to_be_unknown(mesh: Mesh) -> None:
    """[R-CRED-98] Figures name what is missing: the entry that the other side of the proof stands on."""
    fork = Fork()
    a, b = await reader(mesh, fork), await reader(mesh, fork, "other")
    await a.join(b)
    await until(lambda: b.asked(messages.Refuse) > 0, "the other node has nothing below either")
    below = fork.right[5]
    for node in (a, b):
        ledger = await Ledgers(NETWORK, node.id, node.store).of(fork.id)
        assert ledger.lacking == ((below.seq - 1, below.prev),)
        assert await owed(node, fork) == (3_000, 0)


async def test_branches_of_those_not_followed_are_not_asked_for(mesh: Mesh) -> None:
    fork = Fork()
    a, b = await reader(mesh, fork, follows=False), await holder(mesh, fork)
    await prove(b, fork, 5)
    await a.join(b)
    await until(lambda: b.asked(messages.AskBranches) > 1, "who follows asks")
    assert a.asked(messages.AskBranches) == a.asked(messages.AskBranch) == 0
    await a.store.write(Writer.follow, fork.id, NOW)
    await a.keeper.changed()
    await comes_to(a, fork, BOTH)


async def test_a_stranger_who_settles_all_the_time_has_nobody_asked(mesh: Mesh) -> None:
    """[R-SYNC-19] Every settlement would have every session asked for the branches of every log that matters."""
    fork, stranger = Fork(), Author("stranger")
    a = await mesh.node("reader", follows=[fork.author])
    await give(a, [*fork.common, *fork.left])
    await prove(a, fork, 0)
    b = await mesh.node("other")
    await a.join(b)
    await until(lambda: a.asked(messages.AskBranches) == 1, "asked at the start")
    await give(a, stranger.entries)
    for _ in range(5):
        await give(a, [stranger.settle()])
        await quiet(mesh)
    assert a.asked(messages.AskBranches) == 1
    await give(a, [fork.settled(fork.left[-1])])
    await until(lambda: a.asked(messages.AskBranches) == 2, "asked when the log that matters is settled")


async def test_branches_of_who_may_owe_the_owner_are_asked_for(mesh: Mesh) -> None:
    """[R-SYNC-19] Followed or not: whoever stops following an issuer still has credit of it."""
    fork = Fork()
    a = await mesh.node("reader", every=EVERY, owing=[fork.author])
    b = await holder(mesh, fork)
    await give(a, [*fork.common, *fork.left])
    await prove(a, fork, 5)
    await a.join(b)
    await comes_to(a, fork, BOTH)


def questions(node: NodeUnderTest) -> BranchQuestions:
    return BranchQuestions(node.store, node.reckoned, node.keeper)


async def test_an_audit_of_somebody_not_followed_asks_peers_first(mesh: Mesh) -> None:
    """[R-SYNC-19] Of strangers whom nobody looks at nothing is asked; who is audited is asked about, once an hour."""
    fork = Fork()
    a, b = await reader(mesh, fork, follows=False), await holder(mesh, fork)
    await prove(b, fork, 5)
    await a.join(b)
    await until(lambda: b.asked(messages.AskBranches) > 1, "who follows asks")
    assert a.asked(messages.AskBranches) == 0
    ledgers = Ledgers(NETWORK, a.id, a.store)
    book = LedgerBook(NETWORK, a.store, a.own, ledgers, a.clock, questions(a))
    told = await book.audit(id_text(fork.id))
    assert told.unknown_branches == [] and len(told.branches) == 2
    assert await owed(a, fork) == BOTH
    asked = a.asked(messages.AskBranch)
    await book.audit(id_text(fork.id))
    assert a.asked(messages.AskBranch) == asked
    await book.audit(id_text(fork.market.issuer.id))


async def test_an_audit_waits_so_long_and_then_says_what_is_unknown(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that does not answer holds nobody up."""
    monkeypatch.setattr("netnode.services.branch_questions.WAIT_SECONDS", 0.2)

    class Silent(Thief):
        async def give(self, body: object, request: int) -> None:
            if not isinstance(body, messages.AskBranches):
                await super().give(body, request)

    fork = Fork()
    a = await reader(mesh, fork, follows=False)
    await Silent(fork, fork.right).meet(mesh)
    await until(lambda: len(a.sessions()) == 1, "the session is open")
    book = LedgerBook(NETWORK, a.store, a.own, Ledgers(NETWORK, a.id, a.store), a.clock, questions(a))
    told = await book.audit(id_text(fork.id))
    assert [each.seq for each in told.unknown_branches] == [fork.right[5].seq - 1]
    assert await owed(a, fork) == (3_000, 0)


async def test_logs_that_are_only_looked_at_share_what_is_kept_of_their_branches(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-SYNC-21] Who looks at a thousand strangers fills no disk; those who are followed have their own room."""
    monkeypatch.setattr(branches, "OTHERS_BYTES", 1_000)
    fork = Fork()
    a, b = await reader(mesh, fork, follows=False), await holder(mesh, fork)
    await a.join(b)
    await until(lambda: len(a.sessions()) == 1, "the session is open")
    for _ in range(2):
        await questions(a).bring(fork.id)
        assert await owed(a, fork) == (3_000, 0)
    assert 0 < await a.store.read(branches.room, fork.id, a.id) < 1_000, (
        "the newest entry is kept, and what is missing is told"
    )
    await a.store.write(Writer.follow, fork.id, NOW)
    await a.keeper.changed()
    await comes_to(a, fork, BOTH)


async def test_after_a_rotation_only_what_a_settlement_names_binds(mesh: Mesh) -> None:
    """[R-CRED-68] Whoever has the replaced key can sign branches without end; not what was named before."""
    fork = Fork()
    b = await holder(mesh, fork)
    left = fork.settled(fork.left[-1], fork.right[-1])
    fork.author.entries = [*fork.common, *fork.left, left]
    thief = fork.author.branch(fork.common[-1], 3, "thief")
    rotation = fork.author.rotate()
    await give(b, [left])
    a = await mesh.node("reader", every=EVERY, follows=[fork.author])
    await give(a, [*fork.author.entries[:-1], rotation])
    puppet = await Thief(fork, thief).meet(mesh)
    await until(lambda: puppet.told > 1, "the thief is asked")
    await a.join(b)
    await comes_to(a, fork, BOTH)
    held = {entry.id for entry in await a.store.read(lambda r: list(branches.beside(r, fork.id)))}
    assert held == {entry.id for entry in fork.right}


class Thief:
    """A peer that tells of a branch and serves what a test gives it."""

    def __init__(self, fork: Fork, chain: list[Entry], place: tuple[int, int] | None = None) -> None:
        self.fork = fork
        self.chain = chain
        self.place = place
        self.told = 0
        self.asked: list[messages.AskBranch] = []
        self.gone = asyncio.Event()
        self.why = ""

    async def meet(self, mesh: Mesh, address: str = "reader") -> Thief:
        self.puppet = await Puppet.meet(mesh.wires, address, Author("thief"))
        self.task = asyncio.create_task(self._serve())
        return self

    async def _serve(self) -> None:
        try:
            while True:
                arrived = await self.puppet.next()
                if isinstance(arrived.body, messages.Bye):
                    self.why = arrived.body.code
                elif arrived.request and arrived.question is None:
                    await self.give(arrived.body, arrived.request)
        except LinkClosed:
            self.gone.set()

    async def give(self, body: object, request: int) -> None:
        """Answers a question."""
        await self.puppet.tell(self.answer(body), request)

    def answer(self, body: object) -> object:
        match body:
            case messages.Heads():
                return messages.Items(cursor=[seed("thief", "store")[:16], 0, bytes(8)], items=[])
            case messages.AskBranches():
                self.told += 1
                return messages.Branches(branches=self.tips())
            case messages.AskBranch():
                self.asked.append(body)
                return self.runs(body)
            case _:
                return messages.Refuse(code="not_here", text="a thief")

    def tips(self) -> list[tuple[bytes, int, int, int, bytes]]:
        top = self.chain[-1]
        return [(self.fork.id, *(self.place or top.place), top.seq, top.id)]

    def runs(self, question: messages.AskBranch) -> object:
        found = [each for each in self.chain if each.seq <= question.seq]
        if not found or found[-1].id != question.id:
            return messages.Refuse(code="not_here", text="a thief")
        return messages.Runs(runs=list(runs_of(found[-40:])))


class Strangers(Thief):
    """Serves another log."""

    def runs(self, question: messages.AskBranch) -> object:
        return messages.Runs(runs=[run_of(Author("somebody").entries)])


class Endless(Thief):
    """Says after a part that more follows, and sends nothing more than that."""

    async def give(self, body: object, request: int) -> None:
        if isinstance(body, messages.AskBranch):
            await self.puppet.tell(messages.Runs(runs=self.runs(body).runs, more=True), request)
            await self.puppet.tell(messages.Runs(more=True), request)
        else:
            await super().give(body, request)


class Slow(Thief):
    """Tells of two branches, and of either gives the first part alone."""

    def tips(self) -> list[tuple[bytes, int, int, int, bytes]]:
        return [(self.fork.id, *top.place, top.seq, top.id) for top in self.chain[-2:]]

    async def give(self, body: object, request: int) -> None:
        if isinstance(body, messages.AskBranch):
            self.asked.append(body)
            part = [each for each in self.chain if each.seq <= body.seq][-1:]
            await self.puppet.tell(messages.Runs(runs=list(runs_of(part)), more=True), request)
        else:
            await super().give(body, request)


class Generous(Thief):
    """Sends more than was asked for, all of it the branch that it told of."""

    async def give(self, body: object, request: int) -> None:
        if isinstance(body, messages.AskBranch):
            for end in range(len(self.chain), 0, -40):
                part = list(runs_of(self.chain[max(0, end - 40) : end]))
                await self.puppet.tell(messages.Runs(runs=part, more=True), request)
        else:
            await super().give(body, request)


class Unasked(Thief):
    """Tells of logs that nobody asked about."""

    def tips(self) -> list[tuple[bytes, int, int, int, bytes]]:
        return [(Author("somebody").id, 0, 0, 1, bytes(32))]


class TooMany(Thief):
    """Tells of more branches than a log may have."""

    def tips(self) -> list[tuple[bytes, int, int, int, bytes]]:
        return [(self.fork.id, 0, 0, 9, bytes([number]) * 32) for number in range(limits.MAX_BRANCHES + 1)]


@pytest.mark.parametrize("kind", [Strangers, Endless, Generous, Unasked, TooMany])
async def test_a_peer_that_answers_wrongly_is_sent_away(mesh: Mesh, kind: type[Thief]) -> None:
    """[R-SYNC-20] What does not hash to what was asked for is the sender's fault; so is more than was asked for."""
    fork = Fork()
    a = await reader(mesh, fork)
    chain = fork.author.branch(fork.common[-1], 3_000, "long") if kind is Generous else fork.right
    peer = await kind(fork, chain).meet(mesh)
    await asyncio.wait_for(peer.gone.wait(), 10)
    assert peer.why == "answer"
    assert await owed(a, fork) == (3_000, 0)
    assert not await a.store.read(_kept, fork.id)


async def test_a_slow_peer_is_asked_for_one_branch_and_others_have_their_turn(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-SYNC-21] Four peers that send a part of each of 32 branches would hold all turns for half an hour."""
    monkeypatch.setattr(sync_branches, "FETCH_SECONDS", 0.1)
    fork = Fork(200)
    a = await reader(mesh, fork)
    end = next(each for each in reversed(fork.right) if each.seq % limits.ANCHOR_EVERY == 0)
    peer = await Slow(fork, fork.right[: fork.right.index(end) + 1]).meet(mesh)
    await until(lambda: peer.told > 2, "it was asked again")
    assert len(peer.asked) <= peer.told and not peer.gone.is_set()
    await a.join(await holder(mesh, fork))
    await comes_to(a, fork, BOTH)


def _kept(reader: Reader, author: bytes) -> int:
    return kept_evidence.kept(
        reader.connection,
        reader.connection.execute("SELECT n FROM networker WHERE id = ?", (author,)).get,
    )


async def test_a_branch_that_its_author_did_not_sign_is_a_lie(mesh: Mesh) -> None:
    """Its peer makes up entries above the log: the first answer shows that nobody signed them."""
    fork = Fork()
    a = await reader(mesh, fork)
    stranger = Author("somebody")
    forged = [fork.author.after(fork.common[-1], signer=stranger.signer)]
    for _ in range(99):
        forged.append(fork.author.after(forged[-1], signer=stranger.signer))
    peer = await Thief(fork, forged).meet(mesh)
    await asyncio.wait_for(peer.gone.wait(), 10)
    assert (peer.asked[-1].id, peer.why) == (forged[-1].id, "signature")
    assert not await a.store.read(_kept, fork.id)


async def test_a_branch_too_long_to_keep_is_known_and_not_asked_for_again(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An author who writes branches without end fills no disk; what is not kept of them is told to be unknown."""
    monkeypatch.setattr(branches, "EVIDENCE_BYTES", 40_000)
    fork = Fork()
    a = await mesh.node("reader", every=EVERY, follows=[fork.author])
    await give(a, [*fork.common, *fork.left])
    await prove(a, fork, 0)
    long = fork.author.branch(fork.common[-1], 2_000, "long")
    peer = await Thief(fork, long).meet(mesh)
    await until(lambda: peer.told > 2, "it is asked again")
    assert 2 < len(peer.asked) < 30, "and gave up once"
    held = [
        e
        for e in await a.store.read(lambda r: list(branches.beside(r, fork.id)))
        if e.seq > fork.right[70].seq
    ]
    assert held == long[-1:]
    ledger = await Ledgers(NETWORK, a.id, a.store).of(fork.id)
    assert ledger.lacking == ((long[-1].seq - 1, long[-1].prev),)
    assert await owed(a, fork) == BOTH  # the proof shows the sale on the other one


async def test_a_branch_is_cut_where_an_anchor_fails_like_a_log(mesh: Mesh) -> None:
    """[R-LOG-7] [R-LOG-11] The verdict does not depend on how entries came."""
    fork = Fork(5)
    low = fork.author.branch(fork.right[-1], 80, "low")
    at = next(index for index, each in enumerate(low) if each.is_anchor)
    bad = fork.author.after(low[at - 1], signer=Author("somebody").signer)
    chain = [*fork.right, *low[:at], bad, *fork.author.branch(bad, 20, "high")]
    a = await mesh.node("reader", every=EVERY, follows=[fork.author])
    await give(a, [*fork.common, *fork.left])
    await prove(a, fork, 2)
    peer = await Thief(fork, chain).meet(mesh)
    await comes_to(a, fork, BOTH)
    await until(lambda: peer.told > 2, "and nothing more comes of it")
    held = {entry.id for entry in await a.store.read(lambda r: list(branches.beside(r, fork.id)))}
    assert {each.id for each in chain} & held == {each.id for each in chain[: chain.index(bad)]}


async def test_a_node_serves_no_more_than_was_asked_for(mesh: Mesh) -> None:
    """[R-MSG-15] [R-MSG-16] The newest entry first, downwards in chunks, as far as the budget goes."""
    fork = Fork(400)
    b = await holder(mesh, fork, "reader")
    await prove(b, fork, 5)
    puppet = await Puppet.meet(mesh.wires, "reader", Author("asker"))
    (told,) = await puppet.ask(messages.AskBranches(authors=[fork.id, Author("somebody").id]))
    ends = {(fork.id, 0, 0, each.seq, each.id) for each in (fork.right[-1], rebuild(fork.proof(5)[0])[-1])}
    assert set(told.branches) == ends
    top = fork.right[-1]
    answers = await puppet.ask(messages.AskBranch(author=fork.id, budget=30_000, id=top.id, seq=top.seq))
    found: list[Entry] = []
    for answer in answers:
        part = [entry for run in answer.runs for entry in rebuild(run)]
        found = part + found
    assert found == [*fork.common, *fork.right][-len(found) :]
    assert 25_000 < sum(map(entry_weight, found)) <= 30_000
    (refused,) = await puppet.ask(messages.AskBranch(author=fork.id, budget=1, id=bytes(32), seq=top.seq))
    assert isinstance(refused, messages.Refuse) and refused.code == "not_here"
    (one,) = await puppet.ask(messages.AskBranch(author=fork.id, budget=1, id=top.id, seq=top.seq))
    assert [entry for run in one.runs for entry in rebuild(run)] == [top]
    whole = await puppet.ask(
        messages.AskBranch(author=fork.id, budget=limits.MAX_GET_BYTES, id=top.id, seq=top.seq)
    )
    ids = {entry.id for answer in whole for run in answer.runs for entry in rebuild(run)}
    assert ids == {each.id for each in (*fork.common, *fork.right)}
