"""Floods, stalls and books full of lies: queues, places and the address book stay within their bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from netnode.problems import Problem
from netnode.simulator.byzantine import Deeds, flooding, stalling
from netnode.simulator.byzantine.scene import Scene
from netnode.simulator.nodes import SimNode
from netnode.simulator.options import Options
from netnode.simulator.world import World
from netnode.sync.accepting import BLOCK, HALF_OPEN_BLOCK
from netnode.sync.conversation import NOTICES, OUT_BYTES
from netnode.sync.groups import block_of, group_of
from netnode.sync.peering import Peering
from netnode.sync.pull import PENDING_ITEMS, UNLEVEL_ITEMS, WHOLE_ANSWER_SECONDS
from protocol import limits, messages
from protocol.identity import id_text
from protocol.items import Item, Standing
from tests.netnode.simulator.siege import Siege, besieged

WATCHED = 60.0  # virtual seconds


async def watching(siege: Siege) -> None:
    """Looks again and again at what each node holds for its peers."""
    for _ in range(int(WATCHED / 0.1)):
        for node in siege.nodes:
            assert node.connections is not None
            keeper = node.connections.sessions
            running = list(keeper._running)
            crowd: dict[str, list[Peering]] = {}
            for each in running:
                bounded(each)
                if not each.outbound and each.id not in siege.ids:
                    crowd.setdefault(block_of(each.conversation.link.host), []).append(each)
            for block, guests in crowd.items():
                assert len(guests) <= BLOCK + HALF_OPEN_BLOCK, f"{len(guests)} sessions of {block}"
        await asyncio.sleep(0.1)


def bounded(peering: Peering) -> None:
    """The queues of one session."""
    conversation = peering.conversation
    assert conversation._out_bytes <= OUT_BYTES + 2 * limits.MAX_NOISE_MESSAGE
    assert conversation._notices.qsize() <= NOTICES
    assert conversation._questions.qsize() <= limits.MAX_OPEN_REQUESTS
    assert len(peering.pull._pending) <= PENDING_ITEMS and len(peering.pull._unlevel) <= UNLEVEL_ITEMS


@pytest.mark.parametrize("mode", flooding.MODES)
def test_a_flood_fills_no_queue(mode: str) -> None:
    """[R-LINK-5] [R-SES-11]"""
    besieged("flooder", mode, beside=watching)


@pytest.mark.parametrize("mode", stalling.MODES)
def test_a_stall_holds_nobody_up(mode: str) -> None:
    """Handshakes that stall end in time, and whoever never reads costs a bounded queue [R-LINK-4, 5]."""
    siege = besieged("slow-loris", mode, beside=watching)
    assert siege.villain.deeds.acts["held on to"] == 0


@pytest.mark.parametrize("mode", ["answers", "unasked", "one networker", "many tellers"])
def test_a_book_is_not_filled_by_one_group(mode: str) -> None:
    """Very many addresses of two network groups reach few buckets, and honest addresses stay [R-BOOK-8]."""

    def false(node: SimNode, honest: list[str]) -> list[str]:
        assert node.connections is not None and node.connections.sessions.outreach is not None
        book = node.connections.sessions.outreach.book
        kept = {known.address for known in book}
        assert any(address in kept for address in honest), "no honest address is left"
        return [address for address in kept if address not in honest]

    async def then(siege: Siege) -> None:
        addresses = [node.address for node in siege.nodes]
        for node in siege.nodes:
            assert node.connections is not None and node.connections.sessions.outreach is not None
            book = node.connections.sessions.outreach.book
            for group in {group_of(each) for each in false(node, addresses)}:
                assert len(book.buckets(tried=True, group=group)) < 8
                assert len(book.buckets(tried=False, group=group)) <= 4 * 64
            assert len(false(node, addresses)) < 700

    siege = besieged("eclipser", mode, then)
    assert siege.villain.deeds.acts["addresses told"] >= 600


def test_a_dialler_shows_itself_to_nobody_but_whom_it_expects() -> None:
    """Who answers at the address of another networker learns nothing of the node that dialled [R-NOISE-2]."""
    siege = besieged("impostor", "another")
    assert siege.villain.deeds.acts["dialled"] > 0 and siege.villain.deeds.acts["shook hands"] == 0


def test_honest_peers_keep_their_places_among_sybils() -> None:
    """All places are taken by two dozen addresses: who was there stays, and whom the owner follows comes in."""

    async def then(siege: Siege) -> None:
        (ada, _) = siege.nodes
        cy = await siege.world.found("cy", {"stamp_asked": 0, "outbound_sessions": 0})
        await ada.ask(lambda services: services.follows.add(id_text(cy.id)))
        siege.nodes.append(cy)
        await cy.start([ada.address])
        await siege.publish(cy, "new")
        await siege.reaches("new", cy, ada)

    async def crowded(siege: Siege) -> None:
        await siege.world.settle(lambda: len(siege.outsiders(siege.nodes[0])) >= 4, 30.0, "a crowd")
        await then(siege)

    besieged("flooder", "sybils", beside=crowded, max_sessions=8, outbound_sessions=1)


def test_a_full_book_does_not_keep_a_node_from_the_honest() -> None:
    """The named peer is gone and the book was filled with lies: a node that starts anew finds the others."""

    async def then(siege: Siege) -> None:
        ada, ben = siege.nodes
        cy = await siege.world.found("cy", {"stamp_asked": 0})
        siege.nodes.append(cy)
        await cy.start([ada.address])
        await siege.world.settle(lambda: len(siege.honest_sessions()["ben"]) == 2, 60.0, "ben meets cy")
        await siege.world.advance(100)
        for node in (ada, ben):
            await node.stop()
        siege.nodes.remove(ada)
        await ben.start()
        await siege.world.settle(lambda: bool(siege.honest_sessions()["ben"]), 60.0, "ben meets cy again")

    besieged("eclipser", "many tellers", then)


def test_sybils_without_a_stamp_are_not_kept() -> None:
    """Two dozen fresh networkers, none of which did the work it is asked for [R-STAMP-4]."""

    async def then(siege: Siege) -> None:
        for node in siege.nodes:
            assert set(await siege.items(node)) <= set(siege.ids)

    besieged("flooder", "sybils", then, stamp_asked=6)


def test_a_peer_the_owner_follows_does_not_silence_a_node_for_ever() -> None:
    """It claims later own entries and drips an answer that never ends: the wait for it does [R-LINK-4] [R-LOG-21]."""
    with World(1, Options(nodes=1)) as world:
        scene = Scene(world, "friend", Deeds())
        friend, shelf = scene.author("friend"), scene.shelf()

        async def main() -> None:
            ada = await world.found("ada", {"stamp_asked": 0})
            await ada.start()
            await ada.ask(lambda services: services.follows.add(id_text(friend.id)))
            claim = Item(Standing.HEAD, ada.id, 0, 0, 500, bytes(32))

            def answer(question: messages.Body) -> Sequence[messages.Body]:
                match question:
                    case messages.Heads():
                        return (messages.Items(cursor=shelf.cursor(), items=[claim.wire()]),)
                    case messages.Get():
                        return ()
                    case _:
                        return shelf.answer(question)

            async def drip() -> None:
                async with scene.meeting(ada, friend, shelf, act="drip", answer=answer) as puppet:
                    while not await puppet.over(20.0):
                        for number, question in puppet.questions:
                            if isinstance(question, messages.Get):
                                await puppet.say(messages.Runs(more=True), number)

            async def published() -> bool:
                fields: dict[str, object] = {"key": "lamp", "kind": "product", "title": "A lamp"}
                try:
                    await ada.ask(lambda services: services.listings.publish(fields))
                except Problem as problem:
                    assert problem.code == "behind"
                    return False
                return True

            async with asyncio.TaskGroup() as group:
                dripping = group.create_task(drip())
                await world.advance(10.0)
                assert not await published()
                await world.settle(published, 2 * WHOLE_ANSWER_SECONDS)
                dripping.cancel()

        world.run(main())
        assert world.faults == []
