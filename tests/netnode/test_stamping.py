"""Stamps: made in the background, shown, asked of strangers [R-STAMP-3..5]."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netnode.ports import Lane
from netnode.stamping import CHUNK, Stamping, shown_bits
from netnode.store import Reader, Store, Writer
from netnode.sync.peering import Peering
from netnode.system import SystemDisk
from protocol import messages, stamp
from tests.netnode.mesh import NOW, InlineExecutor, Mesh, TestClock, TestEntropy, settings, until
from tests.protocol.author import NETWORK, Author

ASKING = replace(settings(), stamp_asked=8)


def made(store: Store, aim: int, name: str = "entropy") -> Stamping:
    clock, entropy = TestClock(), TestEntropy(name)
    return Stamping(store, NETWORK, Author("stamped").id, clock, entropy, InlineExecutor(), aim)


async def opened(folder: Path) -> Store:
    return await Store.open(
        folder / "s.sqlite3", NETWORK, SystemDisk(), InlineExecutor(), TestEntropy("store")
    )


async def test_a_stamp_holds_and_is_kept(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    stamping = made(store, 0)
    assert stamping.wire is None and stamping.working_on == (0, 0)
    best = await stamping.improve(10)
    stamp.check(NETWORK, Author("stamped").id, best.bits, best.nonce)
    again = made(store, 0)
    await again.load()
    assert again.current == best and again.wire == (10, best.nonce)
    await store.write(Writer.set_meta, "stamp", bytes((30,)) + best.nonce)  # damaged: it does not hold
    third = made(store, 0)
    await third.load()
    assert third.current is None
    await store.close()


async def test_a_search_goes_on_where_it_stood(tmp_path: Path) -> None:
    """Work that was done is not done again after a restart."""
    store = await opened(tmp_path)
    stamping = made(store, 40)
    for _ in range(100):  # as often as is written down
        await stamping._work()
    assert stamping.working_on == (20, 100 * CHUNK) or stamping.bits == 20
    raw = await store.read(Reader.meta, "stamp_search")
    again = made(store, 40, "other entropy")
    await again.load()
    assert (raw is None) == (stamping.bits == 20) and again.working_on == stamping.working_on
    await store.close()


def test_a_false_stamp_counts_as_none() -> None:
    networker = Author("stamped").id
    nonce = stamp.search(NETWORK, networker, 8, 0, 10_000)
    assert nonce is not None
    assert shown_bits(NETWORK, networker, (8, nonce)) == 8
    assert shown_bits(NETWORK, networker, (40, nonce)) == shown_bits(NETWORK, networker, (99, nonce)) == 0
    assert shown_bits(NETWORK, Author("other").id, (8, nonce)) == 0
    assert shown_bits(NETWORK, networker, None) == shown_bits(NETWORK, networker, (8, b"short")) == 0


async def test_a_stranger_without_a_stamp_reads_but_is_not_read(mesh: Mesh) -> None:
    """It is told so once, and served as any other [R-STAMP-4]."""
    a = await mesh.node("a", config=ASKING, every=0.05)
    b = await mesh.node("b", every=0.05)
    log = Author("log")
    log.write(5)
    await a.take(log)
    await b.join(a)
    await until(lambda: b.holds(log, a.author))
    await b.write(3)
    before = a.asked(messages.Changes)
    await until(lambda: a.asked(messages.Changes) >= before + 3)
    assert await a.store.read(Reader.item, b.id) is None
    refusals = [body for body in a.sent if isinstance(body, messages.Refuse)]
    assert [body.code for body in refusals] == ["no_stamp"]
    assert a.sessions() == [b.id] and a.asked(messages.Get) == 0


async def test_who_is_asked_makes_a_stamp_and_comes_again(mesh: Mesh) -> None:
    """Without its owner doing anything [R-STAMP-5]."""
    a = await mesh.node("a", config=ASKING)
    b = await mesh.node("b", stamps=1)  # so many it makes without being asked
    await b.join(a)
    await until(lambda: a.holds(b.author), "the log of the newcomer")
    shown = [
        0 if body.stamp is None else body.stamp[0] for body in b.sent if isinstance(body, messages.Hello)
    ]
    assert len(shown) == 2 and shown[0] <= 1 and shown[1] == b.stamping.bits == 8


async def test_a_stamp_that_is_made_between_the_dial_and_the_hello_is_shown_too(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by a simulated market: no session was open that could have been told of it [R-STAMP-5]."""
    a = await mesh.node("a", config=ASKING)
    b = await mesh.node("b", stamps=0)
    plain = b.keeper.converse

    async def late(peering: Peering) -> tuple[str, str]:
        await b.stamping.improve(8)
        return await plain(peering)

    monkeypatch.setattr(b.keeper, "converse", late)
    await b.join(a)
    await until(lambda: a.holds(b.author), "the log of the newcomer")
    shown = [body.stamp for body in b.sent if isinstance(body, messages.Hello)]
    assert shown == [None, b.stamping.wire]


async def test_a_better_stamp_than_asked_for_is_not_made_without_bound(mesh: Mesh) -> None:
    a = await mesh.node("a", config=replace(settings(), stamp_asked=40))
    b = await mesh.node("b", stamps=8)
    await b.join(a)
    await until(lambda: b.sessions() == [a.id])
    assert b.stamping.working_on[0] in (0, 8)


async def test_those_who_are_followed_or_named_are_not_held_to_it(mesh: Mesh) -> None:
    """[R-STAMP-4]"""
    b_author = Author("b")
    a = await mesh.node("a", config=ASKING, follows=[b_author])
    b = await mesh.node("b", b_author)
    await b.join(a)
    await until(lambda: a.holds(b.author))
    assert not [body for body in a.sent if isinstance(body, messages.Refuse)]


async def test_a_stranger_that_is_followed_later_is_read(mesh: Mesh) -> None:
    a = await mesh.node("a", config=ASKING, every=0.05)
    b = await mesh.node("b", every=0.05)
    await b.join(a)
    await until(lambda: a.sessions() == [b.id])
    await a.store.write(Writer.follow, b.id, NOW)
    await a.keeper.changed()
    for peering in a.keeper.open_sessions():
        peering.pull.restart()
    await until(lambda: a.holds(b.author))


async def test_work_is_done_beside_the_event_loop(tmp_path: Path) -> None:
    lanes: list[Lane] = []

    class Watched(InlineExecutor):
        def idle(self, lane: object) -> bool:
            return False

        async def run(self, lane, function, *args):
            if function is stamp.search:
                lanes.append(lane)
            return await super().run(lane, function, *args)

    store = await opened(tmp_path)
    stamping = made(store, 0)
    stamping._executor = Watched()
    await stamping.improve(4)
    assert lanes and set(lanes) == {Lane.READER}
    await store.close()
