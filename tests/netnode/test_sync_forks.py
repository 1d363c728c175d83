"""Rotations, settlements, forks and contests travel between nodes; afterwards all agree and are quiet."""

from __future__ import annotations

import asyncio
import copy

from netnode.store import Reader
from protocol import limits, messages
from protocol.entry import Entry
from protocol.items import Item, Standing
from protocol.run import run_of
from tests.netnode.mesh import Mesh, NodeUnderTest, Puppet, level, quiet, until
from tests.protocol.author import Author, odd_record


def branch(author: Author, at: int, count: int, note: str) -> list[Entry]:
    """Another branch of the log above entry `at`."""
    return [*author.entries[: at + 1], *author.branch(author.entries[at], count, note)]


async def take(node: NodeUnderTest, entries: list[Entry]) -> None:
    for outcome in await node.gate.admit_chains([entries]):
        assert outcome.fault is None, outcome.fault


async def standing(node: NodeUnderTest, author: Author) -> Standing | None:
    item = (await node.items()).get(author.id)
    return None if item is None else item.standing


async def settle_forked(mesh: Mesh, author: Author, *nodes: NodeUnderTest) -> None:
    async def forked() -> bool:
        return all([await standing(node, author) is Standing.FORKED for node in nodes])

    await until(forked, "all know the fork")
    await level(*nodes)
    await quiet(mesh)
    before = {node.name: len(node.sent) for node in nodes}
    await quiet(mesh, 0.1)
    assert before == {node.name: len(node.sent) for node in nodes}


async def test_a_log_with_rotations_and_settlements(mesh: Mesh) -> None:
    """Openers first, the newest stretch, then downwards through the hole [R-SYNC-5] [R-SYNC-6] [R-SYNC-9]."""
    log = Author("log")
    log.write(150)
    log.rotate()
    log.write(200)
    log.settle()
    log.write(70)
    log.rotate()
    log.write(3)
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(log)
    await b.join(a)
    await until(lambda: b.holds(log))
    await level(a, b)
    wants = [
        want for body in b.sent if isinstance(body, messages.Get) for want in body.wants if want[0] == log.id
    ]
    assert any(first > last for _, first, last in wants)
    assert b.asked(messages.AskOpeners) == 1


async def test_a_large_log_from_the_top_down(mesh: Mesh) -> None:
    """Several answers, each with its budget, none lost on the way [R-SYNC-8] [R-SYNC-9]."""
    log = Author("log")
    log.write(3_000)
    log.rotate()
    log.write(2)
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(log)
    await b.join(a)
    await until(lambda: b.holds(log))


async def test_what_a_rotation_disowned_goes(mesh: Mesh) -> None:
    """A node with entries above the branch point drops them when the rotation comes [R-SYNC-15] [R-LOG-13]."""
    log = Author("log")
    log.write(40)
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(log)
    await b.join(a)
    await until(lambda: b.holds(log))
    await quiet(mesh)
    a.sent.clear()
    log.rotate(at=20)
    log.write(5)
    for outcome in await a.gate.admit_chains([log.entries[21:]]):
        assert outcome.fault is None
    await until(lambda: b.holds(log))
    await level(a, b)
    assert any(
        entry.first == 21 for body in a.sent if isinstance(body, messages.Push) for entry in body.runs
    ), "the opener itself was pushed"


async def test_a_fork_shown_by_two_nodes_that_level(mesh: Mesh) -> None:
    """Different branches far below the heads: bisected, proved, passed on [R-SYNC-6] [R-LOG-15] [R-LOG-19]."""
    log = Author("log")
    log.write(3_000)
    other = branch(log, 700, 2_500, "other")
    a, b, c = await mesh.node("a"), await mesh.node("b"), await mesh.node("c")
    await a.take(log)
    await take(b, other)
    await c.join(b)
    await level(b, c)
    await quiet(mesh)
    await a.join(b)
    await settle_forked(mesh, log, a, b, c)
    for node in (a, b, c):
        state = await node.gate.state(log.id)
        assert state is not None and state.fork == 701
        proof = await node.store.read(Reader.proof, log.id)
        assert proof is not None and proof[0].first == 701
    assert sum(node.asked(messages.AskIds) for node in (a, b, c)) <= 8


async def test_equal_heads_seq_bisected(mesh: Mesh) -> None:
    """Same place, other id [R-SYNC-5] [R-LOG-14]."""
    log = Author("log")
    log.write(10)
    other = branch(log, 9, 1, "other")
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(log)
    await take(b, other)
    await b.join(a)
    await settle_forked(mesh, log, a, b)


async def test_a_fork_by_push(mesh: Mesh) -> None:
    """A live entry that does not link to the head held shows the fork [R-SYNC-14] [R-SYNC-15]."""
    log = Author("log")
    log.write(10)
    a, b, c = await mesh.node("a"), await mesh.node("b"), await mesh.node("c")
    await a.take(log)
    await a.join(b)
    await b.join(c)
    await until(lambda: c.holds(log))
    await quiet(mesh)
    left, right = branch(log, 10, 1, "left"), branch(log, 10, 2, "right")
    await a.gate.admit_chains([left[-1:]])
    await c.gate.admit_chains([right[-2:]])
    await settle_forked(mesh, log, a, b, c)
    assert any(body.left.author == log.id for body in b.sent if isinstance(body, messages.Fork))


async def test_a_fork_is_healed_by_a_settlement(mesh: Mesh) -> None:
    """All take the settlement and go on with the branch it chose [R-LOG-15] [R-LOG-4]."""
    log = Author("log")
    log.write(10)
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(log)
    await take(b, branch(log, 5, 8, "other"))
    await b.join(a)
    await settle_forked(mesh, log, a, b)
    log.settle()
    log.write(2)
    for outcome in await a.gate.admit_chains([log.entries[-3:]]):
        assert outcome.fault is None
    await until(lambda: b.holds(log))
    await level(a, b)


async def test_a_newcomer_learns_of_the_fork(mesh: Mesh) -> None:
    """A node that holds nothing takes openers and proof [R-SYNC-5] [R-MSG-12]."""
    log = Author("log")
    log.write(10)
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(log)
    other = branch(log, 5, 8, "other")
    await a.gate.admit_chains([other[6:]])
    assert await standing(a, log) is Standing.FORKED
    await b.join(a)
    await settle_forked(mesh, log, a, b)
    assert b.asked(messages.AskProof) == 1


async def test_a_contested_identity_goes_round(mesh: Mesh) -> None:
    """Two rotations of one epoch: everybody knows, and is quiet [R-LOG-16] [R-SYNC-15]."""
    log = Author("log")
    log.write(5)
    mine, _ = log.rotation(log.entries[-1], generation=1)
    thief, _ = log.rotation(log.entries[3], generation=2, promises=bytes(32))
    a, b, c = await mesh.node("a"), await mesh.node("b"), await mesh.node("c")
    await a.take(log)
    await a.join(b)
    await b.join(c)
    await until(lambda: c.holds(log))
    await quiet(mesh)
    await a.gate.admit([mine])
    await c.gate.admit_openers([thief])

    async def contested() -> bool:
        return all([await standing(node, log) is Standing.CONTESTED for node in (a, b, c)])

    await until(contested)
    await level(a, b, c)
    await quiet(mesh)
    for node in (a, b, c):
        state = await node.gate.state(log.id)
        assert state is not None and {e.id for e in state.openers.newest} == {mine.id, thief.id}


async def test_two_settlements_of_one_term(mesh: Mesh) -> None:
    """They fork the term; they travel as openers, not as a proof [R-LOG-14] [R-MSG-12]."""
    log = Author("log")
    log.write(5)
    one, two = log.settlement(log.entries[-1]), log.settlement(log.entries[3])
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(log)
    await a.join(b)
    await until(lambda: b.holds(log))
    await a.gate.admit([one])
    await b.gate.admit_openers([two])
    await settle_forked(mesh, log, a, b)
    assert a.asked(messages.Fork) == b.asked(messages.Fork) == 0


async def test_a_proof_of_an_unknown_log_makes_the_node_ask(mesh: Mesh) -> None:
    """The openers are fetched, then the proof counts [R-SYNC-14] [R-SYNC-15]."""
    log = Author("log")
    log.write(6)
    other = branch(log, 3, 3, "other")
    b = await mesh.node("b")
    a = await mesh.node("a")
    await a.join(b)
    await level(a, b)
    await quiet(mesh)
    await a.gate.admit_chains([log.entries, other[4:]])
    await settle_forked(mesh, log, a, b)


async def test_a_proof_with_large_records_fits_a_message(mesh: Mesh) -> None:
    """Records of odd kinds are left out of a proof [R-LOG-11] [R-LOG-14]."""
    log = Author("log")
    log.write(1)
    left, right = copy.copy(log), copy.copy(log)
    for side, letter in ((left, b"l"), (right, b"r")):
        side.entries = list(log.entries)
        for _ in range(13):
            side.entries.append(
                side.after(side.entries[-1], record=letter * 4_000, signer=Author("forger").signer)
            )
        side.entries.append(side.after(side.entries[-1], record=letter))
    a, b = await mesh.node("a"), await mesh.node("b")
    await take(a, left.entries)
    await take(b, right.entries)
    await a.join(b)
    await settle_forked(mesh, log, a, b)


async def test_a_false_proof_ends_the_session(mesh: Mesh) -> None:
    """`bad_proof` is the sender's fault [R-SYNC-18] [R-SES-12]."""
    log = Author("log")
    log.write(4)
    a = await mesh.node("a")
    await a.take(log)
    liar = await Puppet.meet(mesh.wires, "a", Author("liar"))
    fake = log.after(log.entries[2], signer=Author("liar").signer, note="fake")
    await liar.tell(messages.Fork(left=run_of(log.entries[3:4]), right=run_of([fake])))
    bye = await liar.ended()
    assert bye is not None and bye.code == "bad_proof"
    assert await standing(a, log) is Standing.HEAD


async def test_a_proof_of_two_networkers_ends_the_session(mesh: Mesh) -> None:
    """The sides of a proof are of one log [R-LOG-14]."""
    one, two = Author("one"), Author("two")
    a = await mesh.node("a")
    await a.take(one, two)
    liar = await Puppet.meet(mesh.wires, "a", Author("liar"))
    await liar.tell(messages.Fork(left=run_of(one.entries[:1]), right=run_of(two.entries[:1])))
    bye = await liar.ended()
    assert bye is not None and bye.code == "bad_proof"


async def test_a_retired_key_gets_no_session(mesh: Mesh) -> None:
    """Who knows the rotation refuses the certificate of the epoch before [R-CERT-5]."""
    thief = Author("owner")
    owner = Author("owner")
    owner.rotate()
    a = await mesh.node("a")
    await a.take(owner)
    puppet = await Puppet.meet(mesh.wires, "a", thief, interest=False)
    bye = await puppet.ended()
    assert bye is not None and bye.code == "certificate"
    assert a.sessions() == []


async def test_a_retired_key_does_not_end_the_session_of_the_owner(mesh: Mesh) -> None:
    """The open session stays when an impostor with the old key comes [R-CERT-5]."""
    owner = Author("owner")
    owner.rotate()
    a, b = await mesh.node("a"), await mesh.node("owner", owner)
    await b.join(a)
    await until(lambda: a.holds(owner))
    await until(lambda: a.sessions() == [owner.id])
    before = a.keeper.open_sessions()
    puppet = await Puppet.meet(mesh.wires, "a", Author("owner"), interest=False)
    bye = await puppet.ended()
    assert bye is not None and bye.code == "certificate"
    assert a.keeper.open_sessions() == before


async def test_openers_of_a_handshake_are_taken_in(mesh: Mesh) -> None:
    """The identity payload shows rotations before anything else does [R-CERT-4] [R-LOG-5]."""
    owner = Author("owner")
    owner.write(3)
    a = await mesh.node("a")
    await a.take(owner)
    owner.rotate()
    owner.write(1)
    puppet = await Puppet.meet(mesh.wires, "a", owner)
    await until(lambda: a.sessions() == [owner.id])
    state = await a.gate.state(owner.id)
    assert state is not None and state.openers.epoch == 1
    await puppet.link.close()


async def test_a_log_held_from_higher_up(mesh: Mesh) -> None:
    """A peer that holds a log from s on gives what it has, from s; lower comes from elsewhere [R-LOG-29] [R-LOG-30]."""
    log = Author("log")
    log.write(900)
    a, b, c = await mesh.node("a", every=0.2), await mesh.node("b"), await mesh.node("c")
    await a.gate.admit(log.entries[:1])
    (outcome,) = await a.gate.admit_runs([run_of(log.entries[600:])], jump=True)
    assert outcome.fault is None
    item = (await a.items())[log.id]
    assert (item.seq, item.held_from) == (900, 600)
    await b.join(a)
    await level(a, b)
    assert (await b.items())[log.id].held_from == 600
    await c.take(log)
    await b.join(c)
    await until(lambda: b.holds(log))
    await until(lambda: a.holds(log), "and from b to a, which heard of the lower start")
    await quiet(mesh)


async def test_false_heads_do_not_loop(mesh: Mesh) -> None:
    """Who claims what it does not give is asked once a round, and the cursor stays behind it [R-SYNC-7]."""
    log = Author("log")
    log.write(4)
    a = await mesh.node("a")
    await a.take(log)
    liar = Author("liar")
    puppet = await Puppet.meet(mesh.wires, "a", liar)
    tag = bytes(8)
    claims = [
        Item(Standing.HEAD, log.id, 0, 0, 1_000, bytes(32)),
        Item(Standing.HEAD, log.id, 3, 0, 1_000, bytes(32)),
        Item(Standing.FORKED, log.id, 0, 0),
        Item(Standing.CONTESTED, log.id, 1),
        Item(Standing.HEAD, log.id, 0, 0, 4, bytes(32)),
    ]
    for index in range(8):
        claims.append(Item(Standing.HEAD, Author(f"nobody {index}").id, 0, 0, 10, bytes(32)))
    rest = list(claims)

    def answer(question: messages.Body) -> messages.Body | None:
        store = puppet.session._hello.store
        match question:
            case messages.Heads():
                return messages.Items(cursor=[store, 1, tag], items=[])
            case messages.Changes():
                if rest:
                    return messages.Items(
                        cursor=[store, question.cursor[1] + 1, tag], items=[rest.pop(0).wire()], more=True
                    )
                return messages.Items(cursor=[store, question.cursor[1], tag], items=[])
            case messages.AskIds():
                return messages.Ids(ids=[bytes(32)] * len(question.seqs))
            case messages.Get() | messages.AskOpeners():
                return messages.Runs()
            case _:
                return messages.Refuse(code="not_here", text="no")

    serving = asyncio.create_task(puppet.serve(answer))
    await until(lambda: not rest)
    await quiet(mesh)
    assert len(puppet.questions) <= 6 * len(claims)
    cursor = await a.store.read(Reader.cursor, puppet.session._hello.store)
    assert cursor is not None and cursor.arrival <= 2
    assert await a.holds(log) and a.sessions() == [liar.id]
    await puppet.link.close()
    await serving


def test_limits_of_the_mesh() -> None:
    assert limits.MAX_IDS < 3_000, "or the deep bisect has nothing to narrow"


async def test_a_log_signed_only_at_anchors_is_passed_on_whole(mesh: Mesh) -> None:
    """A run ends where a signature verifies, whatever the budget; else honest nodes part over it [R-SYNC-10]."""
    log = Author("log")
    forger = Author("forger").signer
    for index in range(300):
        signer = None if (index + 1) % 64 == 0 or index == 299 else forger
        log.entries.append(log.after(log.entries[-1], record=odd_record("x" * 600, index), signer=signer))
    a, b = await mesh.node("a"), await mesh.node("b")
    await take(a, log.entries)
    await a.join(b)

    async def whole() -> bool:
        state = await b.store.load(log.id)
        return state is not None and state.tip.id == log.entries[-1].id

    await until(whole, "b has all")


async def test_the_common_part_of_a_fork_reaches_a_fresh_node(mesh: Mesh) -> None:
    """A node that learns of the fork before the log still gets what both branches share [R-SYNC-6] [R-LOG-15]."""
    log = Author("log")
    log.write(90)
    left, right = copy.copy(log), copy.copy(log)
    for side, note in ((left, "l"), (right, "r")):
        side.entries = list(log.entries)
        side.write(5, note=note)
    a, b, late = await mesh.node("a"), await mesh.node("b"), await mesh.node("late")
    await take(a, left.entries)
    await take(b, right.entries)
    await a.join(b)
    await settle_forked(mesh, log, a, b)
    await late.join(a)

    async def common() -> bool:
        state = await late.store.load(log.id)
        return state is not None and state.common == 90 and state.base.seq == 0 and state.tip.seq >= 90

    await until(common, "the late one has the common part")
    await quiet(mesh)


async def test_two_settlements_at_different_places_fork_from_the_lower_one(mesh: Mesh) -> None:
    """Nothing above either settlement has effect, though their entries differ only further up [R-LOG-14] [R-LOG-15]."""
    log = Author("log")
    log.write(20)
    left, right = copy.copy(log), copy.copy(log)
    left.entries, right.entries = list(log.entries[:11]), list(log.entries[:16])
    for side in (left, right):
        side.settle()
        side.write(10)
    a, b = await mesh.node("a"), await mesh.node("b")
    await take(a, left.entries)
    await take(b, right.entries)
    await a.join(b)

    async def common(node: NodeUnderTest) -> bool:
        state = await node.store.load(log.id)
        return state is not None and state.forked and state.common == 10

    await until(lambda: common(a), "a knows both settlements")
    await until(lambda: common(b), "b knows both settlements")
    await quiet(mesh)


async def test_an_author_lets_go_of_nothing_for_what_lies_above_a_gap(mesh: Mesh) -> None:
    """A home left behind by a rotation keeps what it wrote, also where others hold the log from higher up only."""
    a = await mesh.node("a")
    a.author.write(8)
    await a.gate.admit(a.author.entries)
    a.author.rotate()
    await a.gate.admit(a.author.entries[-1:])
    a.author.write(12)
    (outcome,) = await a.gate.admit_runs([run_of(a.author.entries[-4:])], jump=True)
    assert outcome.fault is not None and outcome.fault.code == "gap"
    item = (await a.items())[a.id]
    assert (item.epoch, item.seq, item.held_from) == (1, 9, 0)
    await a.gate.admit_runs([run_of(a.author.entries[10:])], jump=True)
    assert await a.holds(a.author)
