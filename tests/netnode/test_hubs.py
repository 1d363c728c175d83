"""Searches at hubs: what they answer, and what of it is believed and shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec import UNSET

from netnode.operations.models import Found, SearchQuery
from netnode.services.finding import CatalogueSearch
from netnode.store import Writer
from netnode.sync.hubs import ask_hubs
from netnode.sync.queries import QueryAnswers
from protocol import limits, messages
from protocol.entry import Entry, parse_wire
from protocol.errors import NotHeld
from protocol.identity import id_text
from protocol.items import Item
from protocol.items import Standing as Of
from protocol.records import Listing, Price, Standing, Withdraw, encode_record
from protocol.run import run_of
from tests.netnode.mesh import NETWORK, NOW, Mesh, NodeUnderTest, Puppet, settings, until
from tests.protocol.author import Author, seed


def offer(author: Author, key: str, **fields: object) -> Entry:
    """Appends a listing."""
    values = {"key": key, "kind": "product", "title": key.capitalize(), **fields}
    record = Listing(salt=seed("hubs", author.name, key, len(author.entries))[:16], **values)  # type: ignore[arg-type]
    entry = author.after(author.entries[-1], Listing.KIND, encode_record(record))
    author.entries.append(entry)
    return entry


async def hub_and_leaf(mesh: Mesh, *authors: Author) -> tuple[NodeUnderTest, NodeUnderTest]:
    """A hub that keeps these logs, and a node in session with it that keeps only its own."""
    hub = await mesh.node("hub", hub=True)
    await hub.take(*authors)
    await hub.projector.level()
    leaf = await mesh.node("leaf", config=settings(interest="followed", hops=0))
    await leaf.join(hub)
    await until(lambda: bool(leaf.sessions()) and bool(hub.sessions()))
    await until(lambda: leaf.keeper.open_sessions()[0].answers_queries)
    return hub, leaf


async def search(node: NodeUnderTest, text: str, **fields: object) -> Found:
    """What the owner of a node finds."""
    await node.projector.level()
    finder = CatalogueSearch(NETWORK, node.store, node.own, node.clock, node.keeper, True)
    return await finder.find(SearchQuery(text=text, **fields))  # type: ignore[arg-type]


async def test_a_listing_that_only_a_hub_keeps_is_found(mesh: Mesh) -> None:
    """It names the hub, and enters no log here [R-QRY-1] [R-QRY-3] [R-QRY-4]."""
    ada = Author("ada")
    cap = offer(ada, "cap", price=Price(amount=1_250, currency="EUR"))
    ada.write(2)
    hub, leaf = await hub_and_leaf(mesh, ada)
    found = await search(leaf, "cap")
    (hit,) = found.items
    assert (hit.entry, hit.seller, hit.hub) == (cap.id.hex(), id_text(ada.id), id_text(hub.id))
    assert hit.later_entries == 2 and found.total == 1
    assert await leaf.log(ada.id) == []
    assert (await search(leaf, "cap", hubs="never")).items == []
    assert (await search(leaf, "nothing like it")).items == []


async def test_the_own_catalogue_decides_what_it_knows(mesh: Mesh) -> None:
    """Where the log of a seller is held up to a hit, a hub says nothing new [R-QRY-4]."""
    ada = Author("ada")
    offer(ada, "cap")
    cap = ada.entries[-1]
    record = Withdraw(salt=bytes(16), key="cap")
    ada.entries.append(ada.after(cap, Withdraw.KIND, encode_record(record)))
    leaf = await mesh.node("leaf")
    finder = asking(leaf, LyingHub(found_of(ada, cap)))
    question = SearchQuery(text="cap")
    assert [item.entry for item in (await finder.find(question)).items] == [cap.id.hex()]
    await leaf.take(ada)
    await leaf.projector.level()
    assert (await finder.find(question)).items == []


async def test_what_the_catalogue_lacks_so_far_is_shown_as_a_hub_told_it(mesh: Mesh) -> None:
    """A log that just came is behind no gap: first the hub's word stands for it, then the catalogue's [R-QRY-4]."""
    ada = Author("ada")
    cap = offer(ada, "cap")
    leaf = await mesh.node("leaf")
    finder = asking(leaf, LyingHub(found_of(ada, cap)))
    await leaf.take(ada)
    (before,) = (await finder.find(SearchQuery(text="cap"))).items
    assert before.hub is not UNSET
    await leaf.projector.level()
    (after,) = (await finder.find(SearchQuery(text="cap"))).items
    assert after.entry == before.entry and after.hub is UNSET


async def test_what_comes_while_a_hub_answers_is_found_once(mesh: Mesh) -> None:
    ada = Author("ada")
    cap = offer(ada, "cap")
    leaf = await mesh.node("leaf")

    async def come() -> None:
        await leaf.take(ada)
        await leaf.projector.level()

    found = await asking(leaf, LyingHub(found_of(ada, cap), meanwhile=come)).find(SearchQuery(text="cap"))
    (item,) = found.items
    assert (item.entry, item.hub, found.total) == (cap.id.hex(), UNSET, 1)


async def test_blocked_sellers_are_not_shown(mesh: Mesh) -> None:
    ada = Author("ada")
    offer(ada, "cap")
    _, leaf = await hub_and_leaf(mesh, ada)
    await leaf.store.write(Writer.block, ada.id, NOW)
    assert (await search(leaf, "cap")).items == []


async def test_prices_are_compared_here_too(mesh: Mesh) -> None:
    """A hub's word is not taken for a price."""
    ada = Author("ada")
    offer(ada, "cap", price=Price(amount=1_250, currency="EUR"))
    offer(ada, "capote", price=Price(amount=9_900, currency="EUR"))
    _, leaf = await hub_and_leaf(mesh, ada)
    found = await search(leaf, "cap", max_price="12.50", currency="EUR")
    assert [hit.key for hit in found.items] == ["cap"]
    assert (await search(leaf, "cap", max_price="12.49", currency="EUR")).items == []
    assert [hit.key for hit in (await search(leaf, "cap", min_price="50")).items] == ["capote"]


async def test_entries_of_a_closed_epoch_need_a_standing(mesh: Mesh) -> None:
    """The hub leaves out what the asker could not believe [R-QRY-3] [R-LOG-12]."""
    ada = Author("ada")
    cap, hat = offer(ada, "cap"), offer(ada, "hat")
    ada.rotate()
    ada.write()
    hub, leaf = await hub_and_leaf(mesh, ada)
    assert [hit.key for hit in (await search(hub, "")).items] == ["hat", "cap"]
    assert (await search(leaf, "")).items == []
    record = Standing(salt=bytes(16), entries=((cap.seq, cap.id),), part=1, parts=1)
    ada.entries.append(ada.after(ada.entries[-1], Standing.KIND, encode_record(record)))
    await hub.take(ada)
    await hub.projector.level()
    assert [hit.entry for hit in (await search(leaf, "")).items] == [cap.id.hex()]
    assert hat.id.hex() not in {hit.entry for hit in (await search(leaf, "")).items}
    answer = await leaf.keeper.open_sessions()[0].query(messages.Query(text="", limit=50))
    assert [run.first for run in answer.hits] == [cap.seq]  # what no standing names is not even sent


async def test_pages_go_on_where_a_message_was_full(mesh: Mesh) -> None:
    """Nothing is lost between pages [R-QRY-5]."""
    authors = [Author(f"seller {number}") for number in range(12)]
    for author in authors:
        offer(author, "lamp", description="x" * 12_000, kind="knowledge")
    _, leaf = await hub_and_leaf(mesh, *authors)
    session = leaf.keeper.open_sessions()[0]
    seen: list[bytes] = []
    cursor, pages = None, 0
    while cursor is not None or not seen:
        found = await session.query(messages.Query(text="lamp", limit=50, cursor=cursor))
        seen += [run.author for run in found.hits]
        cursor, pages = found.next, pages + 1
        assert pages < 20
    assert sorted(seen) == sorted(author.id for author in authors)
    assert pages > 2


async def test_too_many_searches_are_refused(mesh: Mesh) -> None:
    """QUERIES_A_MINUTE, then `rate`; the session goes on, and time gives back [R-QRY-6]."""
    _, leaf = await hub_and_leaf(mesh)
    session = leaf.keeper.open_sessions()[0]
    question = messages.Query(text="x", limit=1)
    for _ in range(limits.QUERIES_A_MINUTE):
        await session.query(question)
    with pytest.raises(NotHeld) as refused:
        await session.query(question)
    assert refused.value.code == "rate"


async def test_time_gives_searches_back(mesh: Mesh) -> None:
    """A sixtieth of QUERIES_A_MINUTE a second [R-QRY-6]."""
    node = await mesh.node("node")
    clock = SteppedClock()
    answers = QueryAnswers(NETWORK, node.store, clock, node.id)
    question = messages.Query(text="x", limit=1)
    for _ in range(limits.QUERIES_A_MINUTE):
        await answers.answer(question)
    for seconds, allowed in ((1.9, False), (0.2, True), (0.1, False), (600.0, True)):
        clock.passed += seconds
        if allowed:
            await answers.answer(question)
        else:
            with pytest.raises(NotHeld):
                await answers.answer(question)


async def test_a_cursor_of_another_search_is_refused(mesh: Mesh) -> None:
    _, leaf = await hub_and_leaf(mesh)
    with pytest.raises(NotHeld) as refused:
        await leaf.keeper.open_sessions()[0].query(messages.Query(text="x", limit=1, cursor=b"\xffno"))
    assert refused.value.code == "cursor"


async def test_a_price_without_currency_ends_the_session(mesh: Mesh) -> None:
    """[R-QRY-2]."""
    hub = await mesh.node("hub", hub=True)
    puppet = await Puppet.meet(mesh.wires, "hub", Author("puppet"))
    puppet.session.ask(messages.Query(text="", limit=1, least=5))
    await puppet.flush()
    bye = await puppet.ended()
    assert bye is not None and bye.code == "bad_message"
    await until(lambda: hub.sessions() == [])


async def test_a_node_that_is_no_hub_refuses(mesh: Mesh) -> None:
    """[R-QRY-1]."""
    node = await mesh.node("node")
    leaf = await mesh.node("leaf")
    await leaf.join(node)
    await until(lambda: bool(leaf.sessions()))
    session = leaf.keeper.open_sessions()[0]
    assert not session.answers_queries
    with pytest.raises(NotHeld):
        await session.query(messages.Query(text="x", limit=1))
    assert (await search(leaf, "x")).items == []


@dataclass
class SteppedClock:
    """A clock that goes on when told."""

    passed: float = 0.0

    def now_ms(self) -> int:
        return NOW

    def monotonic(self) -> float:
        return self.passed

    def elapsed(self) -> float:
        return self.monotonic()


@dataclass
class LyingHub:
    """A session whose peer answers with what it did not verify."""

    found: messages.Found
    id: bytes = b"h" * 32
    outbound: bool = True
    answers_queries: bool = True
    ended: list[str] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def query(self, question: messages.Query) -> messages.Found:
        if self.meanwhile is not None:
            await self.meanwhile()
        return self.found

    def farewell(self, code: str, text: str) -> None:
        self.ended.append(code)


@dataclass
class Asked:
    """The open sessions of a node: one, with this hub."""

    hub: LyingHub

    def open_sessions(self) -> list[LyingHub]:
        return [self.hub]


def asking(node: NodeUnderTest, hub: LyingHub) -> CatalogueSearch:
    """The search of a node whose only peer is this hub."""
    return CatalogueSearch(NETWORK, node.store, node.own, node.clock, Asked(hub), True)  # type: ignore[arg-type]


def found_of(author: Author, entry: Entry) -> messages.Found:
    """The answer whose one hit is this entry."""
    head = Item(Of.HEAD, author.id, 0, 0, entry.seq, entry.id, 0)
    return messages.Found(heads=[head.wire()], hits=[run_of([entry])], openers=[run_of(author.entries[:1])])


async def test_a_lying_hub_loses_its_session(mesh: Mesh) -> None:
    """A hit that is not signed is the hub's fault: it had to verify it [R-QRY-3] [R-QRY-4]."""
    ada = Author("ada")
    cap = offer(ada, "cap")
    forged = parse_wire([cap.header, bytes(64), cap.record])
    head = Item(Of.HEAD, ada.id, 0, 0, forged.seq, forged.id, 0)
    body = messages.Found(heads=[head.wire()], hits=[run_of([forged])], openers=[run_of(ada.entries[:1])])
    hub = LyingHub(body)
    leaf = await mesh.node("leaf")
    (answer,) = await ask_hubs(NETWORK, leaf.store, [hub], messages.Query(text="cap", limit=5), NOW)
    assert answer.hits == () and answer.refused and hub.ended == ["signature"]


async def test_what_was_not_asked_for_is_left_out(mesh: Mesh) -> None:
    """Another kind, another seller, what has expired or lies ahead of the clock."""
    ada = Author("ada")
    entries = [offer(ada, "cap"), offer(ada, "old", expires=NOW - 1), offer(ada, "help", kind="service")]
    head = Item(Of.HEAD, ada.id, 0, 0, entries[-1].seq, entries[-1].id, 0)
    runs = [run_of([entry]) for entry in entries]
    hub = LyingHub(messages.Found(heads=[head.wire()], hits=runs, openers=[run_of(ada.entries[:1])]))
    leaf = await mesh.node("leaf")

    async def keys(now: int = NOW, **fields: Any) -> list[str]:
        question = messages.Query(text="", limit=5, **fields)
        (answer,) = await ask_hubs(NETWORK, leaf.store, [hub], question, now)
        return [hit.listing.key for hit in answer.hits]

    assert await keys() == ["cap", "help"]
    assert await keys(kind="service") == ["help"]
    assert await keys(seller=b"s" * 32) == []
    assert await keys(now=entries[0].time - limits.CLOCK_TOLERANCE_MS - 1) == []
    assert hub.ended == []
