"""Peer exchange and dialling by itself, in whole nodes: who learns of whom, what is never told, what survives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from netnode.ports import Link
from netnode.problems import Problem
from netnode.store import Reader
from netnode.sync import address_store, dialling, outreach, peering
from netnode.sync.addresses import DAY_MS, HOUR_MS, Known
from netnode.sync.conduct import Conduct
from netnode.sync.groups import group_of
from netnode.sync.sessions import SessionKeeper
from protocol import address, limits, messages
from protocol.address import Told
from protocol.errors import RemoteProtocolError
from protocol.messages import AskPeers, Peers, Refuse
from tests.netnode.mesh import NOW, Mesh, NodeUnderTest, Puppet, quiet, settings, until
from tests.protocol.author import NETWORK, Author

A, B, C, D = "11.1.1.1:4747/inx/1", "22.2.2.2:4747/inx/1", "33.3.3.3:4747/inx/1", "44.4.4.4:4747/inx/1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(dialling, "BACK_OFF", (0.01, 0.05))
    monkeypatch.setattr(outreach, "TICK_SECONDS", 0.02)
    yield


def stated(author: Author, *addresses: str, time: int = NOW, epoch: int = 0) -> Told:
    """A signed statement with its openers."""
    statement = address.sign(
        NETWORK, author.signer, networker=author.id, epoch=epoch, addresses=addresses, time=time
    )
    return Told(statement, tuple(entry for entry in author.entries if entry.kind in (0, 2)))


async def at(mesh: Mesh, name: str, **config: Any) -> NodeUnderTest:
    """A node that answers at the public address in its name, and says so."""
    plain = replace(settings(), public_address=(f"ws://{name}",))
    return await mesh.node(name, config=replace(plain, **config), home=name.partition(":")[0])


def book(node: NodeUnderTest) -> dict[tuple[bytes, str], Known]:
    assert node.keeper.outreach is not None
    return {known.key: known for known in node.keeper.outreach.book}


def talk(node: NodeUnderTest) -> outreach.Outreach:
    assert node.keeper.outreach is not None
    return node.keeper.outreach


async def test_a_line_of_three_becomes_a_triangle(mesh: Mesh) -> None:
    """A knows B, B knows C: A learns of C and dials it [R-BOOK-6] [R-BOOK-7]."""
    a, b, c = await at(mesh, A), await at(mesh, B), await at(mesh, C)
    await b.join(c)
    await until(lambda: b.sessions() == [c.id])
    await a.join(b)
    await until(lambda: sorted(a.sessions()) == sorted([b.id, c.id]))
    known = book(a)[c.id, f"ws://{C}"]
    await until(lambda: book(a)[c.id, f"ws://{C}"].tried)
    assert known.source == group_of(f"ws://{B}")

    async def written() -> bool:
        return any(row.id == c.id for row in await a.store.read(Reader.peers))

    await until(written)
    rows = {row.id: row for row in await a.store.read(Reader.peers)}
    assert rows[c.id].addresses == ()  # the owner did not name it: it is no peer to be kept at any price
    assert rows[b.id].addresses == (f"ws://{B}",)


async def test_who_comes_later_is_told_of_at_once(mesh: Mesh) -> None:
    """C joins when A and B have talked already: news of it reaches A unasked [R-BOOK-8]."""
    a, b, c = await at(mesh, A), await at(mesh, B), await at(mesh, C, outbound_sessions=0)
    await a.join(b)
    await until(lambda: a.asked(AskPeers) == 1 and b.asked(AskPeers) == 1)
    await quiet(mesh)
    assert not [key for key in book(a) if key[0] == c.id]
    await c.join(b)
    await until(lambda: c.id in a.sessions())


async def test_no_more_is_dialled_than_set(mesh: Mesh) -> None:
    """The owner's peers count; with 0 nobody else is dialled."""
    a = await at(mesh, A, outbound_sessions=2)
    z = await at(mesh, "99.9.9.9:4747/inx/1", outbound_sessions=0)
    b = await at(mesh, B, outbound_sessions=0)
    others = [await at(mesh, f"{50 + n}.1.1.1:4747/inx/1", outbound_sessions=0) for n in range(4)]
    for other in others:
        await other.join(b)
    await until(lambda: len(b.sessions()) == 4)
    await z.join(b)
    await a.join(b)
    await until(lambda: len(a.sessions()) == 2)
    await quiet(mesh, 0.1)
    assert len(a.sessions()) == 2 and b.id in a.sessions()
    dialled = [peering.id for peering in z.keeper.open_sessions() if peering.outbound]  # a may have dialled z
    assert dialled == [b.id] and len(book(z)) >= 4


async def test_one_group_gets_one_session(mesh: Mesh) -> None:
    """Two addresses of one /16 are not both dialled [R-BOOK-9]."""
    a, b = await at(mesh, A), await at(mesh, B, outbound_sessions=0)
    near = [await at(mesh, f"66.6.{n}.1:4747/inx/1", outbound_sessions=0) for n in range(3)]
    for each in near:
        await each.join(b)
    await until(lambda: len(b.sessions()) == 3)
    await a.join(b)
    await until(lambda: len(a.sessions()) == 2 and len(book(a)) == 4)
    await quiet(mesh, 0.1)
    assert len(a.sessions()) == 2


@pytest.mark.parametrize(
    "where", ["ws://10.0.0.5/", "ws://127.0.0.1:9/", "ws://192.168.1.1/", "ws://router/", "ws://[fe80::1]/"]
)
async def test_private_addresses_are_neither_told_nor_taken(mesh: Mesh, where: str) -> None:
    """Alone or beside a public one, stated by the networker itself or relayed [R-BOOK-5]."""
    a = await at(mesh, A)
    liar, other = Author("liar"), Author("other")
    puppet = await Puppet.meet(mesh.wires, A, liar, features=[5])
    await puppet.tell(Peers(peers=[stated(liar, where).wire(), stated(other, "ws://5.6.7.8/", where).wire()]))
    await puppet.tell(Peers(peers=[stated(Author("open"), "ws://5.6.7.8/").wire()]))
    await until(lambda: len(book(a)) == 1)
    assert [key[1] for key in book(a)] == ["ws://5.6.7.8/"]
    hidden = await mesh.node("hidden", config=replace(settings(), public_address=(where,)))
    friend = await Puppet.meet(mesh.wires, "hidden", Author("friend"), features=[5])
    (answer,) = await friend.ask(AskPeers())
    assert isinstance(answer, Peers) and answer.peers == []
    assert hidden.sessions() == [Author("friend").id]


async def test_loopback_addresses_travel_between_loopback_peers_only(mesh: Mesh) -> None:
    """A mesh on one computer finds itself; what it says does not leave it [R-BOOK-5]."""
    here = [f"127.0.0.1:{port}/inx/1" for port in (1001, 1002, 1003)]
    a, b, c = [await mesh.node(name, home=f"home {number}") for number, name in enumerate(here)]
    await b.join(c)
    await until(lambda: b.sessions() == [c.id])
    await a.join(b)
    await until(lambda: c.id in a.sessions())
    outside = await Puppet.meet(mesh.wires, here[1], Author("outside"), features=[5], source=A)
    (answer,) = await outside.ask(AskPeers())
    assert isinstance(answer, Peers) and answer.peers == []


async def test_a_public_node_takes_no_loopback_addresses_behind_its_proxy(mesh: Mesh) -> None:
    """Behind a reverse proxy that it does not know everybody seems to come from this computer [R-BOOK-5]."""
    a = await at(mesh, A)
    liar = Author("liar")
    puppet = await Puppet.meet(mesh.wires, A, liar, features=[5], source="127.0.0.1:5/inx/1")
    await puppet.tell(Peers(peers=[stated(liar, "ws://127.0.0.1:22/").wire()]))
    await puppet.tell(Peers(peers=[stated(Author("open"), "ws://5.6.7.8/").wire()]))
    await until(lambda: len(book(a)) == 1)
    assert [key[1] for key in book(a)] == ["ws://5.6.7.8/"]


async def test_only_the_newest_statement_counts(mesh: Mesh) -> None:
    """An older one is left, a newer one takes the addresses of the former away [R-BOOK-4]."""
    a, author = await at(mesh, A), Author("mover")
    puppet = await Puppet.meet(mesh.wires, A, Author("teller"), features=[5])
    for told in (
        stated(author, "ws://5.6.7.8/", time=NOW - 2),
        stated(author, "ws://6.7.8.9/", time=NOW),
        stated(author, "ws://7.8.9.10/", time=NOW - 1),
        stated(Author("last"), "ws://9.9.9.9/"),
    ):
        await puppet.tell(Peers(peers=[told.wire()]))
    await until(lambda: any(key[0] == Author("last").id for key in book(a)))
    assert {key[1] for key in book(a)} == {"ws://6.7.8.9/", "ws://9.9.9.9/"}


@pytest.mark.parametrize("time", [NOW - 31 * DAY_MS, NOW + limits.CLOCK_TOLERANCE_MS + 1])
async def test_old_and_future_statements_are_left(mesh: Mesh, time: int) -> None:
    """[R-BOOK-4]."""
    a = await at(mesh, A)
    puppet = await Puppet.meet(mesh.wires, A, Author("teller"), features=[5])
    await puppet.tell(Peers(peers=[stated(Author("x"), "ws://5.6.7.8/", time=time).wire()]))
    await puppet.tell(Peers(peers=[stated(Author("y"), "ws://5.6.7.9/").wire()]))
    await until(lambda: len(book(a)) == 1)
    assert next(iter(book(a)))[1] == "ws://5.6.7.9/"


async def test_a_statement_ages_out_of_what_is_told(mesh: Mesh) -> None:
    """30 days later it is not passed on [R-BOOK-4]."""
    a = await at(mesh, A)
    puppet = await Puppet.meet(mesh.wires, A, Author("teller"), features=[5])
    await puppet.tell(Peers(peers=[stated(Author("x"), "ws://5.6.7.8/").wire()]))
    await until(lambda: len(book(a)) == 1)
    source = peering.Source(Author("asker").id, "", False)
    assert len(talk(a).answer(source).peers) == 2
    a.clock.now += 31 * DAY_MS
    (own,) = talk(a).answer(source).peers
    assert own[0]["id"] == a.id and own[0]["time"] == a.clock.now


async def test_a_statement_that_is_not_signed_ends_the_session(mesh: Mesh) -> None:
    """Who passes it on has not checked it [R-BOOK-2]."""
    a = await at(mesh, A)
    puppet = await Puppet.meet(mesh.wires, A, Author("teller"), features=[5], source=B)
    told = stated(Author("x"), "ws://5.6.7.8/")
    forged = Told(replace_struct(told.statement, time=NOW - 1), told.openers)
    await puppet.tell(Peers(peers=[forged.wire()]))
    bye = await puppet.ended()
    assert bye is not None and bye.code == "signature"
    await until(lambda: talk(a).record.discouraged("22.2.2.2", NOW) is not None)
    assert book(a) == {}


def replace_struct(statement: address.AddressStatement, **fields: Any) -> address.AddressStatement:
    import msgspec

    return msgspec.structs.replace(statement, **fields)


async def test_a_retired_key_states_no_address(mesh: Mesh) -> None:
    """Whose rotation is known here is found where its newest key says [R-BOOK-3]."""
    a, author = await at(mesh, A), Author("rotated")
    old = stated(author, "ws://66.6.6.6/", time=NOW)
    author.write()
    author.rotate()
    await a.take(author)
    puppet = await Puppet.meet(mesh.wires, A, Author("thief"), features=[5])
    await puppet.tell(Peers(peers=[old.wire()]))
    await puppet.tell(Peers(peers=[stated(Author("mark"), "ws://9.9.9.9/").wire()]))
    await until(lambda: any(key[1] == "ws://9.9.9.9/" for key in book(a)))
    assert len(book(a)) == 1
    fresh = stated(author, "ws://5.6.7.8/", time=NOW - HOUR_MS, epoch=1)
    await puppet.tell(Peers(peers=[Told(fresh.statement).wire()]))  # its openers are known here
    await until(lambda: len(book(a)) == 2)
    assert (author.id, "ws://5.6.7.8/") in book(a)


async def test_statements_without_openers_of_strangers_are_left(mesh: Mesh) -> None:
    """[R-BOOK-3]."""
    a = await at(mesh, A)
    puppet = await Puppet.meet(mesh.wires, A, Author("teller"), features=[5])
    await puppet.tell(Peers(peers=[Told(stated(Author("x"), "ws://5.6.7.8/").statement).wire()]))
    await puppet.tell(Peers(peers=[stated(Author("y"), "ws://5.6.7.9/").wire()]))
    await until(lambda: len(book(a)) == 1)
    assert next(iter(book(a)))[1] == "ws://5.6.7.9/"


async def test_addresses_unasked_come_in_a_trickle(mesh: Mesh) -> None:
    """One every ten seconds after a first few; an answer is taken whole [R-BOOK-8]."""
    a = await at(mesh, A, outbound_sessions=0)
    puppet = await Puppet.meet(mesh.wires, A, Author("flood"), features=[5])
    flood = [stated(Author(f"f{n}"), f"ws://{20 + n}.6.7.8/").wire() for n in range(40)]
    for told in flood:
        await puppet.tell(Peers(peers=[told]))
    asked = await puppet.next(AskPeers)
    await puppet.tell(
        Peers(peers=[stated(Author(f"a{n}"), f"ws://{70 + n}.6.7.8/").wire() for n in range(40)]),
        asked.request,
    )
    await until(lambda: sum(key[0] == Author("a39").id for key in book(a)) == 1)
    flooded = {Author(f"f{n}").id for n in range(40)}
    unasked = sum(key[0] in flooded for key in book(a))
    # A few less than were taken: two may meet in one slot of the book.
    assert 14 <= unasked <= 17 and 37 <= len(book(a)) - unasked <= 40


async def test_asking_too_often_is_refused(mesh: Mesh) -> None:
    """Once at the start and once a day in a session [R-BOOK-6]."""
    await at(mesh, A)
    puppet = await Puppet.meet(mesh.wires, A, Author("asker"), features=[5])
    (first,) = await puppet.ask(AskPeers())
    (second,) = await puppet.ask(AskPeers())
    assert isinstance(first, Peers) and isinstance(second, Refuse) and second.code == "rate"


async def test_an_answer_fits_a_message(mesh: Mesh) -> None:
    """The own statement first, then as many as MAX_PEERS and MAX_MESSAGE allow [R-BOOK-7]."""
    a = await at(mesh, A, outbound_sessions=0)
    many = [
        stated(Author(f"n{n}"), *(f"wss://{n}.{m}.example/{'x' * 120}" for m in range(3))) for n in range(300)
    ]
    for told in many:
        await talk(a).exchange.take(
            [told.wire()], peering.Source(b"", f"{told.statement.id[0]}.1.1.1", False), lambda _: False, None
        )
    puppet = await Puppet.meet(mesh.wires, A, Author("asker"), features=[5])
    (answer,) = await puppet.ask(AskPeers())
    assert isinstance(answer, Peers) and 50 < len(answer.peers) <= limits.MAX_PEERS
    assert answer.peers[0][0]["id"] == a.id
    assert len(messages.encode_message(answer)) > limits.MAX_MESSAGE - 2_000


async def test_who_takes_no_part_is_neither_asked_nor_told(mesh: Mesh) -> None:
    """A peer without the feature bit [R-BOOK-6]."""
    a = await at(mesh, A)
    plain = await Puppet.meet(mesh.wires, A, Author("plain"))
    await until(lambda: a.sessions() == [plain.session._identity.id])
    await quiet(mesh)
    assert a.asked(AskPeers) == 0 and a.asked(Peers) == 0


async def test_a_blocked_networker_is_not_put_into_the_book(mesh: Mesh) -> None:
    from netnode.store import Writer

    a, blocked = await at(mesh, A), Author("blocked")
    await a.store.write(Writer.block, blocked.id, NOW)
    await a.keeper.changed()
    await talk(a).told(
        peering.Source(b"t" * 32, "22.2.2.2", False), [stated(blocked, "ws://5.6.7.8/").wire()], None
    )
    assert book(a) == {}


# -- what survives ---------------------------------------------------------------------------------------------
async def test_two_peers_are_kept_over_a_restart(mesh: Mesh) -> None:
    """The sessions held longest are dialled first, even when the book was flooded meanwhile."""
    a = await at(mesh, A, outbound_sessions=3)
    b = await at(mesh, B, outbound_sessions=0)
    others = [await at(mesh, f"{50 + n}.1.1.1:4747/inx/1", outbound_sessions=0) for n in range(2)]
    for other in others:
        await other.join(b)
    await until(lambda: len(b.sessions()) == 2)
    await a.join(b)
    await until(lambda: len(a.sessions()) == 3)
    a.clock.now += outreach.KEPT_AFTER_MS
    talk(a).wake()
    await until(lambda: len(talk(a)._kept) == 2)
    await mesh.stop(A)
    stored = await b.store.read(address_store.load)
    assert stored.kept == []
    again = await mesh.node(
        A,
        a.author,
        config=replace(settings(), public_address=(f"ws://{A}",), outbound_sessions=2),
        home="11.1.1.1",
    )
    for number in range(3_000):  # what an attacker may have told while the node was off
        talk(again).book.met(number.to_bytes(32, "big"), f"ws://66.6.{number >> 8}.{number & 255}/", "x", NOW)
    await again.keeper.drop(next(row for row in await again.store.read(Reader.peers) if row.id == b.id))
    await until(lambda: {each.id for each in others} <= set(again.sessions()))
    assert not any(known.failures for known in book(again).values())  # nobody of the flood was dialled


async def test_the_book_survives_a_restart(mesh: Mesh) -> None:
    """Addresses, statements and discouraged hosts, in their places."""
    a = await at(mesh, A)
    source = peering.Source(b"t" * 32, "22.2.2.2", False)
    await talk(a).told(
        source, [stated(Author(f"x{n}"), f"ws://{40 + n}.1.1.1/").wire() for n in range(9)], None
    )
    talk(a).count("66.6.6.6", Conduct.VIOLATION, "broke INX")
    before, answer = book(a), {told[0]["id"] for told in talk(a).answer(source).peers}
    await mesh.stop(A)
    again = await at(mesh, A)
    assert {key: (known.source, known.tried) for key, known in book(again).items()} == {
        key: (known.source, known.tried) for key, known in before.items()
    }
    assert {told[0]["id"] for told in talk(again).answer(source).peers} == answer
    found = talk(again).record.discouraged("66.6.6.6", NOW)
    assert found is not None and found.why == "broke INX"


async def test_a_feeler_moves_an_address_to_tried(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short dial that opens no session; who answers is proved [R-BOOK-9]."""
    monkeypatch.setattr(outreach, "FEELER_SECONDS", 0.05)
    a, b = await at(mesh, A, outbound_sessions=1), await at(mesh, B, outbound_sessions=0)
    c = await at(mesh, C, outbound_sessions=0)
    await c.join(b)
    await until(lambda: b.sessions() == [c.id])
    await a.join(b)
    await until(lambda: (c.id, f"ws://{C}") in book(a) and book(a)[c.id, f"ws://{C}"].tried)
    assert a.sessions() == [b.id] and a.id not in c.sessions()


async def test_a_feeler_finds_a_liar_out(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who states the address of another is not met there, and the other is not blamed."""
    monkeypatch.setattr(outreach, "FEELER_SECONDS", 0.02)
    a, b = await at(mesh, A, outbound_sessions=1), await at(mesh, B, outbound_sessions=0)
    liar = Author("liar")
    await a.join(b)
    await until(lambda: a.sessions() == [b.id])
    await at(mesh, C, outbound_sessions=0)
    await talk(a).told(peering.Source(liar.id, "66.6.6.6", False), [stated(liar, f"ws://{C}").wire()], None)
    await until(lambda: book(a)[liar.id, f"ws://{C}"].failures == 1)
    assert book(a)[liar.id, f"ws://{C}"].note == "another networker answers at this address"
    assert talk(a).record.discouraged("33.3.3.3", NOW) is None


async def test_an_address_that_fails_waits_longer_and_longer(mesh: Mesh) -> None:
    """Not every tick anew."""
    a = await at(mesh, A)
    await talk(a).told(
        peering.Source(b"t" * 32, "", False), [stated(Author("off"), "ws://55.5.5.5/").wire()], None
    )
    key = (Author("off").id, "ws://55.5.5.5/")
    await until(lambda: book(a)[key].failures == 1)
    await asyncio.sleep(0.1)
    assert book(a)[key].failures == 1 and "nobody listens" in book(a)[key].note
    a.clock.now += 60_000
    talk(a).wake()
    await until(lambda: book(a)[key].failures == 2)
    assert book(a)[key].dial_after() == a.clock.now + 120_000


async def test_a_bootstrap_address_learns_whose_it_is(mesh: Mesh) -> None:
    """It is dialled like any other address of the book, not kept like a peer the owner named."""
    b = await at(mesh, B, outbound_sessions=0)
    a = await at(mesh, A, bootstrap=(f"ws://{B}",))
    await until(lambda: a.sessions() == [b.id])
    await until(lambda: list(book(a)) == [(b.id, f"ws://{B}")])
    assert a.id not in a.keeper.owner_named and b.id not in a.keeper.owner_named


async def test_a_full_disk_while_an_address_is_dialled_is_told_in_a_sentence(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Found by a simulated market: it was told with a trace, as a fault of this program is."""

    async def full(*args: object, **named: object) -> None:
        raise Problem("Cannot write the store: the disk is full.", code="store")

    monkeypatch.setattr(SessionKeeper, "converse", full)
    await at(mesh, A, bootstrap=(f"ws://{B}",))
    mesh.wires.listeners[B] = _silent
    await until(lambda: bool(caplog.records))
    told = caplog.records[0]
    assert told.getMessage() == f"dialling ws://{B} failed: Cannot write the store: the disk is full."
    assert told.levelname == "ERROR" and told.exc_info is None


async def _silent(link: Link) -> None:
    """Takes a link and says nothing."""


async def test_the_own_address_in_the_bootstrap_list_is_let_go(mesh: Mesh) -> None:
    a = await at(mesh, A, bootstrap=(f"ws://{A}",))
    await until(lambda: len(mesh.wires.links) == 1 and book(a) == {})
    assert a.own.halted is None


# -- who dials in ----------------------------------------------------------------------------------------------
async def test_four_of_one_network_block(mesh: Mesh) -> None:
    """The fifth gets `busy`; one of another block gets in [R-BOOK-11]."""
    a = await at(mesh, A)
    for number in range(4):
        await Puppet.meet(mesh.wires, A, Author(f"p{number}"), source=f"66.6.6.{number}:1/")
    await until(lambda: len(a.sessions()) == 4)
    fifth = await Puppet.meet(mesh.wires, A, Author("fifth"), source="66.6.6.99:1/")
    bye = await fifth.ended()
    assert bye is not None and bye.code == "busy" and "your network" in bye.text
    await Puppet.meet(mesh.wires, A, Author("other"), source="66.6.7.1:1/")
    await until(lambda: len(a.sessions()) == 5)


async def test_the_owners_peers_are_exempt(mesh: Mesh) -> None:
    """Followed or named by an invite: the block's cap and the total do not hold for them [R-BOOK-11]."""
    friend = Author("friend")
    a = await mesh.node("a", config=replace(settings(), max_sessions=4), follows=[friend])
    for number in range(4):
        await Puppet.meet(mesh.wires, "a", Author(f"p{number}"), source=f"66.6.6.{number}:1/")
    await until(lambda: len(a.sessions()) == 4)
    await Puppet.meet(mesh.wires, "a", friend, source="66.6.6.99:1/")
    await until(lambda: friend.id in a.sessions() and len(a.sessions()) == 4)


async def test_a_flood_of_handshakes_leaves_a_place(mesh: Mesh) -> None:
    """Links that say nothing: few of a block, and the oldest gives way to an honest one [R-BOOK-11]."""
    a = await at(mesh, A)
    links = [mesh.wires.connect(f"66.{n}.6.{m}:1/", A) for n in range(10) for m in range(10)]
    await until(lambda: sum(link.other.closed is None for link in links) <= 32)
    refused = [link for link in links if link.other.closed is not None]
    assert {link.other.closed for link in refused} >= {(1013, "no room for another session: try again later")}
    honest = await Puppet.meet(mesh.wires, A, Author("honest"), source="81.2.3.4:1/")
    await until(lambda: a.sessions() == [honest.session._identity.id])


async def test_a_discouraged_host_gets_the_second_half_of_the_places_never(mesh: Mesh) -> None:
    """[R-BOOK-10]."""
    a = await mesh.node("a", config=replace(settings(), max_sessions=4))
    talk(a).count("66.6.6.6", Conduct.VIOLATION, "broke INX")
    first = await Puppet.meet(mesh.wires, "a", Author("first"), source="66.6.6.6:1/")
    await until(lambda: a.sessions() == [first.session._identity.id])
    await Puppet.meet(mesh.wires, "a", Author("second"), source="81.2.3.4:1/")
    await until(lambda: len(a.sessions()) == 2)
    late = await Puppet.meet(mesh.wires, "a", Author("late"), source="66.6.6.6:1/")
    bye = await late.ended()
    assert bye is not None and bye.code == "busy"


async def test_naming_a_peer_forgives_its_host(mesh: Mesh) -> None:
    """The owner knows better: what was held against an address is forgotten [R-BOOK-10]."""
    a, b = await at(mesh, A), await at(mesh, B)
    talk(a).count("22.2.2.2", Conduct.VIOLATION, "broke INX")
    assert talk(a).discouraged(f"ws://{B}") is not None
    await a.join(b)
    assert talk(a).discouraged(f"ws://{B}") is None


async def test_a_discouraged_address_is_neither_dialled_nor_told(mesh: Mesh) -> None:
    """[R-BOOK-10]."""
    a, b = await at(mesh, A), await at(mesh, B, outbound_sessions=0)
    talk(a).count("22.2.2.2", Conduct.VIOLATION, "broke INX")
    source = peering.Source(b"t" * 32, "33.3.3.3", False)
    await talk(a).told(source, [stated(b.author, f"ws://{B}").wire()], None)
    await quiet(mesh, 0.1)
    assert (b.id, f"ws://{B}") in book(a) and a.sessions() == []
    assert [told[0]["id"] for told in talk(a).answer(source).peers] == [a.id]


async def test_a_stranger_that_was_dialled_is_not_believed_in_a_twin(mesh: Mesh) -> None:
    """Only who the owner named or follows may silence this node; the address book names nobody [R-SYNC-17]."""
    a, b = await at(mesh, A), await at(mesh, B, outbound_sessions=0)
    await talk(a).told(
        peering.Source(b"t" * 32, "33.3.3.3", False), [stated(b.author, f"ws://{B}").wire()], None
    )
    await until(lambda: b.id in a.sessions() and a.id in b.sessions())
    (session,) = a.keeper.open_sessions()
    assert session.outbound and not a.keeper.named(session)
    b.keeper.open_sessions()[0].conversation.tell(messages.Twin())
    await until(lambda: session.doubted)
    assert a.own.halted is None
    assert a.keeper.skew() is None


async def test_loopback_is_only_disconnected(mesh: Mesh) -> None:
    """A peer on this computer that breaks INX may come again at once [R-BOOK-10]."""
    a = await at(mesh, A)
    for number in range(3):
        puppet = await Puppet.meet(mesh.wires, A, Author(f"p{number}"), source="127.0.0.1:5/")
        await puppet.force(messages.Hello(agent="x", clock=NOW, store=b"s" * 16, versions=[1]))
        bye = await puppet.ended()
        assert bye is not None and bye.code == "unexpected"
    assert talk(a).record.changes() is None


def test_forged_words_raise() -> None:
    with pytest.raises(RemoteProtocolError):
        address.parse_told([{}, []])
