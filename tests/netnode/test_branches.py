"""A fork of the own log: its branches are fetched, and a settlement ends it without recovery words."""

from __future__ import annotations

import asyncio

import pytest

from netnode.own.caution import Reason
from netnode.problems import ExitCode, Problem
from netnode.store import Reader
from netnode.sync import dialling
from protocol.entry import SETTLEMENT, Entry
from protocol.items import Standing
from protocol.kinds import decode_record
from protocol.records import Settlement
from tests.netnode.mesh import Mesh, NodeUnderTest, level, quiet, until
from tests.protocol.author import Author, odd_record

RECORD = (1, odd_record("own"))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "BACK_OFF", (0.01, 0.05))


def two_branches(author: Author, ours: int, theirs: int) -> list[Entry]:
    """Writes a common part and the own branch; returns another branch of the same term."""
    author.write(70)
    common = author.entries[-1]
    author.write(ours, "ours")
    other: list[Entry] = []
    for index in range(theirs):
        other.append(author.after(other[-1] if other else common, note=f"theirs {index}"))
    return other


async def forked(mesh: Mesh, ours: int, theirs: int) -> tuple[NodeUnderTest, NodeUnderTest, list[Entry]]:
    """A node and a peer that hold different branches of its log, in session."""
    a, b = await mesh.node("a"), await mesh.node("b")
    other = two_branches(a.author, ours, theirs)
    await a.take(a.author)
    assert (await b.gate.admit([*a.author.entries[:71], *other])).fault is None
    await a.join(b)

    async def known() -> bool:
        state = await a.store.load(a.id)
        assert state is not None
        branches = await a.own.branches.known(state)
        return len(branches) == 2 and all(
            len(each.entries) == (ours if each.main else theirs) for each in branches
        )

    await until(known, "the branch of the peer was fetched")
    await until(a.own.caution.caught_up)
    return a, b, other


async def test_the_other_branch_is_fetched_and_named(mesh: Mesh) -> None:
    """Whole, with its records; the one with the most entries is proposed; both are named [R-LOG-4] [R-LOG-34]."""
    a, b, other = await forked(mesh, 3, 5)
    assert a.own.caution.reason is Reason.BEHIND
    with pytest.raises(Problem, match="netnode log settle") as raised:
        await a.own.append([RECORD])
    assert (raised.value.code, raised.value.exit_code) == ("forked", ExitCode.REFUSED)
    state = await a.store.load(a.id)
    assert state is not None and state.common == 70
    first, second = await a.own.branches.known(state)
    assert list(first.entries) == other and first.whole and not first.main and first.peers == 1
    assert list(second.entries) == a.author.entries[71:] and second.main and second.whole

    entry, chosen, left = await a.own.settle(second.tip.id)
    assert chosen == second and left == [first]
    assert (entry.kind, entry.prev, entry.term) == (SETTLEMENT, second.tip.id, 1)
    named = decode_record(SETTLEMENT, entry.record or b"")
    assert named == Settlement(branches=tuple(sorted([first.named, second.named])))
    (after,) = await a.own.append([RECORD])
    assert (after.seq, after.term) == (75, 1)
    await level(a, b)
    assert (await b.items())[a.id].standing is Standing.HEAD


async def test_the_log_goes_on_with_the_other_branch(mesh: Mesh) -> None:
    """It takes the place of the one held here, which is kept beside the log [R-LOG-4] [R-LOG-13]."""
    a, b, other = await forked(mesh, 3, 66)
    entry, chosen, left = await a.own.settle()
    assert list(chosen.entries) == other and entry.prev == other[-1].id
    assert [each.main for each in left] == [True]
    assert await a.log(a.id) == [*a.author.entries[:71], *other, entry]
    await a.own.append([RECORD])
    await level(a, b)

    async def alike() -> bool:
        return await b.log(a.id) == await a.log(a.id)

    await until(alike)
    kept = await a.store.read(
        lambda reader: {row[0] for row in reader.connection.execute("SELECT id FROM branch")}
    )
    assert {each.id for each in a.author.entries[71:]} <= kept


async def test_a_third_node_agrees(mesh: Mesh) -> None:
    """Whoever held whichever branch ends with the one that goes on; nobody stays forked."""
    a, b, _ = await forked(mesh, 2, 4)
    c = await mesh.node("c")
    await c.join(b)
    await level(b, c)
    await a.own.settle()
    await level(a, b, c)
    assert (await c.items())[a.id].standing is Standing.HEAD

    async def alike() -> bool:
        return await a.log(a.id) == await b.log(a.id) == await c.log(a.id)

    await until(alike, "all three hold the whole log")


async def test_two_settlements_of_one_term(mesh: Mesh) -> None:
    """Two copies settled alike: the next settlement heals it, whichever branch it takes [R-LOG-14]."""
    for main in (False, True):
        name = f"me {main}"
        a, b = await mesh.node(name), await mesh.node(f"b {main}")
        a.author.write(4)
        ours = a.author.settlement(a.author.entries[-1])
        theirs = a.author.settlement(a.author.entries[2])
        tail = a.author.after(theirs, note="tail")
        await a.take(a.author)
        await a.gate.admit([ours])
        await b.take(a.author)
        await b.gate.admit_openers([theirs])
        await b.gate.admit([tail])
        await a.join(b)

        async def known(a: NodeUnderTest = a) -> bool:
            state = await a.store.load(a.id)
            return state is not None and len(await a.own.branches.known(state)) == 2

        await until(known)
        await until(a.own.caution.caught_up)
        state = await a.store.load(a.id)
        assert state is not None
        branches = await a.own.branches.known(state)
        assert {each.tip.id for each in branches} == {ours.id, tail.id}
        assert all(each.whole for each in branches)
        pick = next(each for each in branches if each.main is main)
        entry, _, _ = await a.own.settle(pick.tip.id)
        assert (entry.term, entry.prev) == (2, pick.tip.id)
        await a.own.append([RECORD])
        await level(a, b)
        assert (await b.items())[a.id].standing is Standing.HEAD
        await mesh.stop(name)
        await mesh.stop(f"b {main}")


async def test_settling_needs_a_fork_and_a_branch_that_is_here(mesh: Mesh) -> None:
    """And that the node is caught up."""
    a = await mesh.node("a")
    with pytest.raises(Problem, match="not forked") as raised:
        await a.own.settle()
    assert raised.value.exit_code is ExitCode.REFUSED
    other = two_branches(a.author, 2, 5)
    await a.take(a.author)
    await a.gate.admit(other)
    state = await a.store.load(a.id)
    assert state is not None and state.forked
    with pytest.raises(Problem, match="No branch") as raised:
        await a.own.settle(bytes(32))
    assert raised.value.exit_code is ExitCode.NOT_FOUND
    await a.own.caution.begin(Reason.RESTORED)
    with pytest.raises(Problem, match="restored"):
        await a.own.settle()
    await a.own.caution.resume(anyway=True)
    entry, chosen, _ = await a.own.settle()
    assert chosen.main and entry.term == 1 and a.own.caution.reason is None


async def test_a_branch_that_is_not_whole_cannot_go_on(mesh: Mesh) -> None:
    """Only its end is known: the common part is not reached."""
    a = await mesh.node("a")
    other = two_branches(a.author, 1, 5)
    await a.take(a.author)
    await a.gate.admit(other)
    state = await a.store.load(a.id)
    assert state is not None
    await a.own.branches.take(state.openers, b"p" * 32, other[2:])
    branches = await a.own.branches.known(state)
    assert [each.whole for each in branches] == [True, True, False]
    with pytest.raises(Problem, match="not here as a whole"):
        await a.own.settle(branches[-1].tip.id)


async def test_only_what_the_own_key_signed_is_kept_as_a_branch(mesh: Mesh) -> None:
    """A peer cannot fill the store, or the owner's view, with what it made up."""
    a = await mesh.node("a")
    other = two_branches(a.author, 1, 3)
    await a.take(a.author)
    await a.gate.admit(other)
    state = await a.store.load(a.id)
    assert state is not None
    thief = Author("thief")
    forged = [a.author.after(a.author.entries[70], note="forged", signer=thief.signer)]
    await a.own.branches.take(state.openers, b"p" * 32, forged)
    await a.own.branches.take(state.openers, b"p" * 32, [])
    broken = [*other[:2], a.author.after(a.author.entries[70], note="unlinked")]
    await a.own.branches.take(state.openers, b"q" * 32, broken)
    rows = await a.store.read(
        lambda reader: [row[0] for row in reader.connection.execute("SELECT id FROM branch ORDER BY seq")]
    )
    assert rows == [each.id for each in other[:2]]


async def test_what_another_copy_disowned_is_kept(mesh: Mesh) -> None:
    """The other copy settled below entries of this one: they leave the log, not the computer [R-LOG-34]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    a.author.write(5)
    await a.take(a.author)
    settled = a.author.settlement(a.author.entries[2])
    await b.gate.admit([*a.author.entries[:3], settled])
    await a.join(b)
    await level(a, b)
    rows = await a.store.read(
        lambda reader: [row[0] for row in reader.connection.execute("SELECT id FROM branch ORDER BY seq")]
    )
    assert rows == [each.id for each in a.author.entries[3:]]
    assert (await a.store.read(Reader.entry, a.id, 4)) is None
    await until(a.own.caution.caught_up)
    (entry,) = await a.own.append([RECORD])
    assert (entry.seq, entry.term) == (5, 2)


async def test_what_left_through_a_hole_is_kept_once_it_is_dropped(mesh: Mesh) -> None:
    """The other copy settled higher up: what was set aside meanwhile and stays in the log is no evidence."""
    a, b = await mesh.node("a"), await mesh.node("b")
    a.author.write(200)
    await a.take(a.author)
    higher = [a.author.entries[150]]
    for index in range(100):
        higher.append(a.author.after(higher[-1], note=f"higher {index}"))
    settled = a.author.settlement(higher[60])
    await b.gate.admit([*a.author.entries[:151], *higher[1:61], settled])
    await a.gate.admit_openers([settled], b)  # before what lies below it
    rows = lambda reader: [row[0] for row in reader.connection.execute("SELECT seq FROM branch ORDER BY seq")]  # noqa: E731
    assert await a.store.read(rows) == []
    await a.join(b)
    await level(a, b)
    await until(lambda: a.own.caution.reason is not None)

    async def alike() -> bool:
        return await a.log(a.id) == await b.log(a.id)

    await until(alike)
    assert await a.store.read(rows) == list(range(151, 201))


async def test_appends_and_a_settlement_take_turns(mesh: Mesh) -> None:
    """However they come: one after the other, in one log."""
    a = await mesh.node("a")
    other = two_branches(a.author, 2, 1)
    await a.take(a.author)
    await a.gate.admit(other)
    results = await asyncio.gather(
        a.own.append([RECORD]), a.own.settle(), a.own.append([RECORD]), a.own.settle(), return_exceptions=True
    )
    assert [isinstance(each, Problem) for each in results] == [True, False, False, True]
    await quiet(mesh)
    assert (await a.items())[a.id].standing is Standing.HEAD
