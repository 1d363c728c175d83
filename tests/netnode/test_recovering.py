"""A log is fetched by somebody who has none: whole, from several peers, through the gate."""

from __future__ import annotations

from netnode.bus import Bus
from netnode.recovering import Heard, fetch_log, label
from netnode.store import PeerRow, Reader
from netnode.sync.peering import Core
from protocol.entry import Entry
from protocol.items import Standing
from tests.netnode.mesh import NETWORK, MemoryDialer, Mesh, NodeUnderTest, TestEntropy, quiet
from tests.protocol.author import Author


async def fetch(mesh: Mesh, into: NodeUnderTest, author: Author, *rows: PeerRow) -> list[Heard]:
    core = Core(NETWORK, into.store, into.gate, Bus(), into.clock, lambda: None)
    told: list[Heard] = []
    answers = await fetch_log(
        core, MemoryDialer(mesh.wires, "empty"), TestEntropy("fetch"), author.id, rows, "test", told.append
    )
    assert sorted(map(label, (each.peer for each in told))) == sorted(label(row) for row in rows)
    return answers


def at(name: str, known: bytes | None = None) -> PeerRow:
    return PeerRow(id=known, addresses=(f"ws://{name}",))


async def test_a_whole_log_with_its_rotations(mesh: Mesh) -> None:
    """Openers, entries and records, though nobody knew the inception before; nothing else comes along."""
    lost, other = Author("lost"), Author("other")
    lost.write(70)
    lost.rotate()
    lost.write(70)
    lost.rotate()
    lost.settle()
    other.write(5)
    bob, empty = await mesh.node("bob"), await mesh.node("empty", own=False)
    await bob.take(lost, other)
    (answer,) = await fetch(mesh, empty, lost, at("bob"))
    assert answer.answered and answer.whole and answer.note == ""
    assert answer.peer.id == bob.id and answer.item is not None and answer.item.seq == lost.entries[-1].seq
    assert await empty.log(lost.id) == lost.entries
    assert await empty.store.read(Reader.authors) == [lost.id]
    await quiet(mesh)
    assert set(await bob.store.read(Reader.authors)) == {
        bob.id,
        lost.id,
        other.id,
    }  # the throw-away one is gone
    assert await bob.store.read(Reader.peers) == [] or all(
        row.id != lost.id for row in await bob.store.read(Reader.peers)
    )


async def test_several_peers_of_which_one_knows_more(mesh: Mesh) -> None:
    lost = Author("lost")
    lost.write(20)
    bob, cy, dan = await mesh.node("bob"), await mesh.node("cy"), await mesh.node("dan")
    empty = await mesh.node("empty", own=False)
    await bob.take(lost)
    more: list[Entry] = lost.write(30)
    await cy.take(lost)
    answers = await fetch(mesh, empty, lost, at("bob"), at("cy"), at("dan"), at("nowhere"))
    assert [each.answered for each in answers] == [True, True, True, False]
    assert [None if each.item is None else each.item.seq for each in answers] == [20, 50, None, None]
    assert answers[3].note != ""
    assert (await empty.log(lost.id))[-30:] == more
    assert dan.id == answers[2].peer.id


async def test_a_peer_that_is_somebody_else_is_not_asked(mesh: Mesh) -> None:
    """The id of an invite is checked before anything is told [R-SES-3]."""
    lost = Author("lost")
    bob, empty = await mesh.node("bob"), await mesh.node("empty", own=False)
    await bob.take(lost)
    (answer,) = await fetch(mesh, empty, lost, at("bob", bytes(32)))
    assert not answer.answered and answer.note and await empty.store.read(Reader.authors) == []
    (answer,) = await fetch(mesh, empty, lost, PeerRow(id=bob.id, addresses=("ws://nowhere", "ws://bob")))
    assert answer.answered  # the second address


async def test_a_forked_log_comes_with_its_state(mesh: Mesh) -> None:
    lost = Author("lost")
    lost.write(5)
    bob, empty = await mesh.node("bob"), await mesh.node("empty", own=False)
    await bob.take(lost)
    await bob.gate.admit([lost.after(lost.entries[3], note="other")])
    (answer,) = await fetch(mesh, empty, lost, at("bob"))
    assert answer.item is not None and answer.item.standing is Standing.FORKED
    state = await empty.store.load(lost.id)
    assert state is not None and state.forked


async def test_again_takes_only_what_is_new(mesh: Mesh) -> None:
    lost = Author("lost")
    lost.write(10)
    bob, empty = await mesh.node("bob"), await mesh.node("empty", own=False)
    await bob.take(lost)
    await fetch(mesh, empty, lost, at("bob"))
    lost.write(3)
    await bob.take(lost)
    (answer,) = await fetch(mesh, empty, lost, at("bob"))
    assert answer.whole and await empty.log(lost.id) == lost.entries
