"""Letting go of what others published: listings, logs, old records [R-QUOTA-4] [R-QUOTA-6]."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from netnode import upkeep
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.services.room import Room
from netnode.store import Reader
from protocol import messages
from protocol.certificate import DAY_MS
from protocol.identity import id_text
from protocol.records import Listing, Withdraw, encode_record
from tests.netnode.mesh import NOW, Mesh, NodeUnderTest, Puppet, level, settings, until
from tests.protocol.author import Author, seed


def offer(seller: Author, key: str, title: str, time: int | None = None, **fields: Any) -> None:
    """Appends a listing."""
    record = Listing(salt=seed(key, title)[:16], key=key, kind="product", title=title, **fields)
    seller.entries.append(seller.after(seller.entries[-1], 3, encode_record(record), time=time))


def room(node: NodeUnderTest) -> Room:
    return Room(node.store, node.gate, node.keeping, node.own, node.projector)


async def keys(node: NodeUnderTest) -> list[str]:
    await node.projector.level()
    query = "SELECT key FROM listing WHERE indexed ORDER BY key"
    return await node.store.read(lambda reader: [row[0] for row in reader.connection.execute(query)])


async def test_a_dropped_listing_is_gone_here_with_all_versions(mesh: Mesh) -> None:
    """Peers get the headers and are told `gone`; it is asked for again by nobody [R-QUOTA-6]."""
    a, b = await mesh.node("a", every=0.1), await mesh.node("b", every=0.1)
    seller = Author("seller")
    offer(seller, "bad", "First")
    offer(seller, "good", "Other")
    offer(seller, "bad", "Second")
    await a.take(seller)
    await b.take(seller)
    assert await keys(b) == ["bad", "good"]
    done = await room(b).drop_listing(f"{id_text(seller.id)}/bad")
    assert done.records == 2 and await keys(b) == ["good"]
    held = await b.log(seller.id)
    assert [entry.record is None for entry in held] == [False, True, False, True]
    assert [entry.id for entry in held] == [entry.id for entry in seller.entries]
    await b.join(a)
    await level(a, b)
    before = b.asked(messages.Changes)
    await until(lambda: b.asked(messages.Changes) >= before + 2)
    assert await b.log(seller.id) == held and b.asked(messages.Want) == 0
    with pytest.raises(Problem) as refused:
        await room(b).drop_listing(f"{id_text(seller.id)}/bad")
    assert refused.value.exit_code == ExitCode.NOT_FOUND


async def test_records_that_were_dropped_do_not_come_back_from_below(mesh: Mesh) -> None:
    """Not with the entries either, when the log is filled again [R-QUOTA-6]."""
    b = await mesh.node("b")
    seller = Author("seller")
    offer(seller, "bad", "Bad")
    seller.write(20)
    await b.take(seller)
    await room(b).drop_listing(f"{id_text(seller.id)}/bad")
    await b.gate.cut(seller.id, 2_000)
    assert (await b.log(seller.id))[0].seq > 1
    await b.store.write(lambda writer: writer.connection.execute("UPDATE log SET cut = 0"))
    base = (await b.log(seller.id))[0].seq
    assert (await b.gate.admit(seller.entries[:base])).kept == base
    assert (await b.log(seller.id))[1].record is None


async def test_what_may_not_be_dropped_is_said(mesh: Mesh) -> None:
    friend = Author("friend")
    b = await mesh.node("b", follows=[friend])
    for ref in ("tea", f"{id_text(b.id)}/tea"):
        with pytest.raises(Problem, match="withdraw") as refused:
            await room(b).drop_listing(ref)
        assert refused.value.exit_code == ExitCode.REFUSED
    for who, word in ((b.author, "your own"), (friend, "netnode unfollow")):
        with pytest.raises(Problem, match=word) as refused:
            await room(b).drop_log(models.LogDrop(id=id_text(who.id)))
        assert refused.value.exit_code == ExitCode.REFUSED
    with pytest.raises(Problem) as refused:
        await room(b).drop_log(models.LogDrop(id=id_text(Author("x").id), undo=True))
    assert refused.value.exit_code == ExitCode.NOT_FOUND


async def test_a_log_is_dropped_and_taken_again(mesh: Mesh) -> None:
    b = await mesh.node("b")
    seller = Author("seller")
    offer(seller, "tea", "Tea")
    await b.take(seller)
    assert await keys(b) == ["tea"]
    order = models.LogDrop(id=id_text(seller.id))
    assert await room(b).drop_log(order) == models.LogDropped(id=order.id, dropped=True, entries=2)
    assert await keys(b) == [] and await b.store.read(Reader.log, seller.id) is None
    assert (await room(b).drop_log(models.LogDrop(id=order.id, undo=True))).dropped is False
    await b.take(seller)
    assert await keys(b) == ["tea"]


async def test_a_peer_hears_that_a_dropped_record_is_gone(mesh: Mesh) -> None:
    """[R-QUOTA-6] [R-MSG-13]"""
    b = await mesh.node("b")
    seller = Author("seller")
    offer(seller, "bad", "Bad")
    await b.take(seller)
    await room(b).drop_listing(f"{id_text(seller.id)}/bad")
    puppet = await Puppet.meet(mesh.wires, "b", Author("puppet"))
    (answer,) = await puppet.ask(messages.Want(entries=[(seller.id, 1, seller.entries[1].id)]))
    assert isinstance(answer, messages.Records) and answer.gone == [0] and not answer.none


async def test_records_of_listings_that_are_over_go_after_a_time(mesh: Mesh) -> None:
    """Others' alone, and only when the owner sets it."""
    b = await mesh.node("b")
    seller = Author("seller")
    old, recent = NOW - 9 * DAY_MS, NOW - DAY_MS
    offer(seller, "withdrawn", "A", old)
    offer(seller, "expired", "B", old, expires=old + 5)
    offer(seller, "kept", "C", old)
    offer(seller, "lately", "D", old)
    for key, time in (("withdrawn", old), ("lately", recent)):
        record = Withdraw(salt=seed(key)[:16], key=key)
        seller.entries.append(seller.after(seller.entries[-1], 5, encode_record(record), time=time))
    await b.take(seller)
    parts = cast(
        "Any",
        SimpleNamespace(
            settings=replace(settings(), keep_withdrawn_days=0), store=b.store, own=b.own, bus=b.bus,
            projector=b.projector, ports=SimpleNamespace(clock=b.clock),
        ),
    )  # fmt: skip
    assert await upkeep.purge_old(parts) == 0
    parts.settings = replace(settings(), keep_withdrawn_days=5)
    assert await upkeep.purge_old(parts) == 2
    gone = [entry.seq for entry in await b.log(seller.id) if entry.record is None]
    assert gone == [1, 2] and await upkeep.purge_old(parts) == 0
    await b.projector.level()
    assert await keys(b) == ["kept"]


def test_upkeep_has_its_chores(tmp_path: Path) -> None:
    names = [chore.name for chore in upkeep.chores(cast("Any", SimpleNamespace()))]
    assert names == [
        "taking what was stored into the database",
        "keeping to the quotas",
        "letting go of old records",
    ]
