"""A rotation among peers: everybody follows it, and what the old key signs afterwards counts nowhere."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from netnode.own.evidence import exhibits, receipts
from netnode.problems import Problem
from netnode.recovering import fetch_log
from netnode.services.settling import OwnWork
from netnode.store import PeerRow
from netnode.sync import dialling
from netnode.telling import Telling
from protocol import limits, messages
from protocol.entry import Entry, sign_entry
from protocol.items import Standing
from protocol.records import encode_record
from protocol.records.openers import Rotation
from protocol.run import run_of
from protocol.signing import Signer
from tests.netnode.mesh import Mesh, NodeUnderTest, Puppet, TestEntropy, keys_of, level, quiet, until
from tests.protocol.author import NETWORK, Author, odd_record, seed


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "BACK_OFF", (0.01, 0.05))


async def rotate(node: NodeUnderTest, at: int = -1) -> Entry:
    """The node's own networker rotates on one of its entries."""
    entry = node.author.rotate(at)
    outcome = await node.gate.admit([entry], durable=True)
    assert outcome.kept == 1
    await node.own.adopt(keys_of(node.author))
    return entry


async def three(mesh: Mesh) -> tuple[NodeUnderTest, NodeUnderTest, NodeUnderTest]:
    ada, bob, eve = [await mesh.node(name) for name in ("ada", "bob", "eve")]
    await ada.join(bob)
    await bob.join(eve)
    await ada.write(70)
    await level(ada, bob, eve)
    return ada, bob, eve


async def test_peers_follow_a_rotation(mesh: Mesh) -> None:
    """Nobody holds what it disowned, and all hold what came after [R-LOG-3] [R-LOG-13]."""
    ada, bob, eve = await three(mesh)
    disowned = ada.author.entries[68:]
    await rotate(ada, 67)
    await ada.write(2)
    await level(ada, bob, eve)
    for node in (ada, bob, eve):
        assert await node.log(ada.id) == ada.author.entries
        assert not set(disowned) & set(await node.log(ada.id))
        state = await node.store.load(ada.id)
        assert state is not None and state.open and state.aside == () and state.openers.epoch == 1


async def test_a_session_of_the_old_key_ends(mesh: Mesh) -> None:
    """Whoever learns of the rotation ends the session; the new certificate opens another one [R-CERT-6]."""
    ada, bob = await mesh.node("ada"), await mesh.node("bob")
    await ada.join(bob)
    await level(ada, bob)
    await until(lambda: bob.sessions() == [ada.id])
    (before,) = bob.keeper.open_sessions()
    await rotate(ada)
    await until(lambda: bob.sessions() == [ada.id] and bob.keeper.open_sessions() != [before])
    (after,) = bob.keeper.open_sessions()
    remote = after.conversation.session.remote
    assert remote is not None and remote.openers.epoch == 1
    await quiet(mesh)
    assert bob.keeper.open_sessions() == [after]


def late(author: Author, tip: Entry) -> list[Entry]:
    """What a thief writes with the old key after `tip`, dated after the rotation."""
    run = []
    for index in range(3):
        tip = author.after(tip, time=tip.time + 10_000, note=("thief", index), place=(0, 0))
        run.append(tip)
    return run


def back_dated(author: Author, tip: Entry) -> list[Entry]:
    return [author.after(tip, time=tip.time, note="thief, back-dated", place=(0, 0))]


def alone(author: Author, tip: Entry) -> list[Entry]:
    return late(author, tip)[2:]


def deep(author: Author, tip: Entry) -> list[Entry]:
    """A whole second branch from below the place the rotation stands on, over an anchor."""
    tip = author.entries[60]
    run = []
    for index in range(8):
        tip = author.after(tip, note=("thief, deep", index), place=(0, 0))
        run.append(tip)
    return run


@pytest.mark.parametrize("attack", [late, back_dated, alone, deep])
async def test_what_the_old_key_signs_afterwards_counts_nowhere(
    mesh: Mesh, attack: Callable[[Author, Entry], list[Entry]]
) -> None:
    """Later or back-dated, alone or in a run: not held, not passed on, and its author is not framed [R-LOG-13, 14]."""
    ada, bob, eve = await three(mesh)
    thief = Author("ada", entries=list(ada.author.entries))
    await rotate(ada)
    await ada.write(1)
    await level(ada, bob, eve)
    forged = attack(thief, ada.author.entries[70])
    for target in ("ada", "bob"):
        mallory = await Puppet.meet(mesh.wires, target, Author(f"mallory {target}"))
        await mallory.tell(messages.Push(runs=[run_of(forged)]))
        own = ada.author.entries[60:65]
        if attack is deep:  # as a proof of fork, too: the newest term is another
            await mallory.tell(messages.Fork(left=run_of(own), right=run_of(forged[:4])))
    await quiet(mesh)
    for node in (ada, bob, eve):
        assert await node.log(ada.id) == ada.author.entries
        (item,) = [item for author, item in (await node.items()).items() if author == ada.id]
        assert item.standing is Standing.HEAD and item.id == ada.author.entries[-1].id
        assert await node.store.read(lambda reader: reader.proof(ada.id)) is None
    shown = await ada.store.read(exhibits, ada.id)
    assert [exhibit.entry for exhibit in shown] == forged  # seen by its owner, with who showed it
    assert shown[-1].shown_by == (Author("mallory ada").id,)
    await ada.own.append([(1, odd_record("still here"))])
    assert ada.own.halted is None


async def test_who_learns_of_the_rotation_later_lets_go_of_the_thief(mesh: Mesh) -> None:
    """A node that took the thief's entries for the owner's drops them with the rotation [R-LOG-13]."""
    ada, bob, eve = await three(mesh)
    await mesh.stop("eve")
    thief = Author("ada", entries=list(ada.author.entries))
    await rotate(ada, 69)
    await level(ada, bob)
    eve = await mesh.node("eve")
    await eve.gate.admit(late(thief, thief.entries[-1]))
    assert len(await eve.log(ada.id)) == 74
    await bob.join(eve)
    await until(lambda: eve.holds(ada.author))
    state = await eve.store.load(ada.id)
    assert state is not None and state.open and state.aside == ()


@pytest.mark.parametrize("known", [False, True])
async def test_a_copied_reveal_with_a_garbage_signature_opens_no_epoch(mesh: Mesh, known: bool) -> None:
    """Neither before nor after the rotation it copies is known [R-LOG-3]."""
    ada, bob, eve = await three(mesh)
    true, _ = ada.author.rotation(ada.author.entries[-1])
    if known:
        await rotate(ada)
        await level(ada, bob, eve)
    mine = Signer(seed("thief"))
    record = encode_record(Rotation(key=mine.public, promise=bytes(32), reveal=ada.author.promised(1).public))
    tip = ada.author.entries[70]
    by_thief = sign_entry(
        NETWORK,
        mine,
        author=ada.id,
        seq=71,
        prev=tip.id,
        epoch=1,
        term=0,
        time=tip.time,
        kind=2,
        record=record,
    )
    garbage = msgspec.structs.replace(true, signature=bytes(64))
    for forged in (by_thief, garbage):
        mallory = await Puppet.meet(mesh.wires, "bob", Author(f"mallory {forged.id.hex()}"))
        await mallory.tell(messages.Push(runs=[run_of([forged])]))
        assert (await mallory.ended()) is not None
    await quiet(mesh)
    for node in (ada, bob, eve):
        state = await node.store.load(ada.id)
        assert state is not None and state.open and state.openers.epoch == int(known)
        assert await node.log(ada.id) == ada.author.entries


async def test_who_knows_of_it_is_seen(mesh: Mesh) -> None:
    """A peer that holds the new epoch is noted with the time; others are asked again."""
    ada, bob, eve = await three(mesh)
    telling = Telling(ada.store, ada.id, ada.keeper.open_sessions, ada.clock)
    await telling.run()
    assert await ada.store.read(receipts) == []  # nothing to know before the first rotation
    await rotate(ada)
    await level(ada, bob, eve)
    await until(lambda: len(ada.sessions()) == 1)
    await telling.run()
    (receipt,) = await ada.store.read(receipts)
    assert (receipt.peer, receipt.epoch, receipt.at) == (bob.id, 1, ada.clock.now_ms())
    ada.clock.now += 5
    await telling.run()
    assert await ada.store.read(receipts) == [receipt]


async def test_a_peer_that_says_nothing_in_time_keeps_nobody_else_from_being_asked(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by a simulated market: the look at who knows of a rotation ended with the first peer that was slow."""
    ada, bob, eve = await three(mesh)
    await rotate(ada)
    await level(ada, bob, eve)
    await until(lambda: ada.sessions() == [bob.id])
    slow = Author("slow")
    await Puppet.meet(mesh.wires, "ada", slow)
    await until(lambda: slow.id in ada.sessions())
    sessions = sorted(ada.keeper.open_sessions(), key=lambda each: each.id != slow.id)
    assert [each.id for each in sessions] == [slow.id, bob.id]
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 1.0)  # bob has to answer within it, on a busy computer too
    await Telling(ada.store, ada.id, lambda: sessions, ada.clock).run()
    assert [each.peer for each in await ada.store.read(receipts)] == [bob.id]


async def test_a_home_left_behind_by_a_rotation_learns_of_it(mesh: Mesh) -> None:
    """It is refused as itself, so it looks at its own log as a stranger; then it publishes nothing [R-CERT-5]."""
    bob = await mesh.node("bob")
    elsewhere = Author("ada")
    elsewhere.write(5)
    left = Author("ada")
    left.entries = list(elsewhere.entries)
    elsewhere.rotate()
    elsewhere.write(2)
    await bob.take(elsewhere)
    ada = await mesh.node("ada", left)

    async def look(address: str) -> None:
        core, dialer = ada.keeper._core, ada.keeper._dialer
        row = PeerRow(addresses=(address,))
        await fetch_log(core, dialer, TestEntropy("look"), ada.id, [row], "test")

    ada.keeper.look_for_rotation = look
    await ada.join(bob)
    await until(lambda: ada.holds(elsewhere), "the rotation is known here")
    with pytest.raises(Problem) as refused:
        await ada.own.append([(1, odd_record("late"))])
    assert refused.value.code == "retired_key"
    waiting = await OwnWork(ada.own, ada.store, ada.projector).waiting()
    assert waiting is not None and (waiting.reason, waiting.by) == ("retired", None)
    assert await OwnWork(bob.own, bob.store, bob.projector).waiting() is None
