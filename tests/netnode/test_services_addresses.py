"""`peer show`, `peer addresses` and the figures of status over a real store."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.operations import models
from netnode.problems import Problem
from netnode.store import PeerRow, Writer
from netnode.sync import address_store
from netnode.sync.address_store import Changes
from netnode.sync.addresses import Known
from netnode.sync.conduct import Discouraged
from protocol.identity import id_text
from tests.netnode.services_home import OpenHome, OpenSession, everything, opened
from tests.protocol.author import Author

BEN, CAT, DAN = Author("ben", "inx"), Author("cat", "inx"), Author("dan", "inx")
WS, SHOP, OLD = "ws://5.6.7.8:4747/inx/1", "wss://shop.example/inx/1", "ws://66.6.6.6/inx/1"


async def filled(node: OpenHome) -> None:
    now = node.clock.now
    known = [
        Known(BEN.id, WS, "5.6.0.0/16", now - 9, tried=True, met=now - 5, attempt=now - 5),
        Known(
            CAT.id, OLD, "81.2.0.0/16", now - 9, attempt=now - 1_000, failures=2, note="no answer within 10 s"
        ),
        Known(CAT.id, SHOP, "81.2.0.0/16", now - 9),
        Known(b"", "ws://9.9.9.9/inx/1", "bootstrap", now - 9),
    ]
    avoided = [
        Discouraged("66.6.6.6", now + 60_000, "a signature that must be valid is not"),
        Discouraged("shop.example", now - 1, "x"),
    ]
    await node.store.write(address_store.save, Changes(known, [], [], [], avoided, [(BEN.id, WS)]))


async def listed(node: OpenHome, limit: int) -> list[models.KnownAddress]:
    book = node.services.addresses.list
    return await everything(lambda cursor: book(models.Listed(limit=limit, cursor=cursor)))


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_the_book_comes_in_pages(tmp_path: Path, limit: int) -> None:
    async with opened(tmp_path) as node:
        await filled(node)
        found = await listed(node, limit)
        assert len(found) == 4 and found[0].id is None
        by = {each.address: each for each in found}
        assert (by[WS].state, by[WS].kept, by[WS].group, by[WS].retry) == ("tried", True, "5.6.0.0/16", None)
        assert (by[OLD].state, by[OLD].failures, by[OLD].failure) == ("new", 2, "no answer within 10 s")
        assert by[OLD].retry == node.clock.now - 1_000 + 120_000
        assert by[OLD].discouraged == node.clock.now + 60_000 and by[OLD].fault is not None
        assert (by[SHOP].group, by[SHOP].discouraged, by[SHOP].source) == (
            "shop.example",
            None,
            "81.2.0.0/16",
        )


async def test_a_peer_is_shown_with_what_its_owner_named_first(tmp_path: Path) -> None:
    async with opened(tmp_path, running=True) as node:
        await filled(node)
        named = PeerRow(id=CAT.id, addresses=("ws://10.0.0.7/inx/1", SHOP), added=1, note="cannot connect")
        await node.store.write(Writer.put_peer, named)
        shown = await node.services.addresses.show(id_text(CAT.id))
        assert [(each.address, each.state) for each in shown.addresses] == [
            ("ws://10.0.0.7/inx/1", "named"), (SHOP, "named"), (OLD, "new"),
        ]  # fmt: skip
        assert shown.peer.id == id_text(CAT.id) and shown.addresses[0].failure == "cannot connect"
        assert await node.services.addresses.show("ws://10.0.0.7/inx/1") == shown
        assert node.sessions is not None and "book" in node.sessions.told  # what is new is written first


async def test_a_peer_of_the_address_book_alone_is_shown(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        await filled(node)
        shown = await node.services.addresses.show(WS)
        assert shown.peer.id == id_text(BEN.id) and [each.address for each in shown.addresses] == [WS]
        unnamed = await node.services.addresses.show("ws://9.9.9.9/inx/1")
        assert unnamed.peer.id is None and len(unnamed.addresses) == 1


@pytest.mark.parametrize("name", [id_text(DAN.id), "ws://1.1.1.1/inx/1", "nonsense"])
async def test_an_unknown_peer_is_not_found(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as node:
        await filled(node)
        with pytest.raises(Problem, match="netnode peer addresses") as caught:
            await node.services.addresses.show(name)
        assert (int(caught.value.exit_code), caught.value.code) == (3, "no_peer")


async def test_status_tells_what_was_dialled_and_accepted(tmp_path: Path) -> None:
    async with opened(tmp_path, running=True) as node:
        await filled(node)
        assert node.sessions is not None
        node.sessions.sessions += [
            OpenSession(BEN.id, group="5.6.0.0/16"), OpenSession(CAT.id, group="5.6.0.0/16"),
            OpenSession(DAN.id, outbound=False, group="66.6.0.0/16"),
        ]  # fmt: skip
        found = await node.services.node.status()
        assert (found.sessions, found.outbound, found.inbound, found.groups) == (3, 2, 1, 1)
        assert (found.addresses, found.tried) == (4, 1)
