"""Which sessions stand, how they end, and what becomes of work under way when they do."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from netnode.problems import Problem
from netnode.store import PeerRow, Reader, Writer
from netnode.store.blobs import put as put_blob
from netnode.sync import dialling
from netnode.sync.accepting import CROWDED
from netnode.sync.book import STRANGERS, Book
from protocol import blobs, messages, seen
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.items import Item, Standing
from protocol.run import rebuild
from tests.netnode.mesh import NOW, Mesh, Puppet, level, quiet, settings, until
from tests.netnode.wires import MemoryLink
from tests.protocol.author import NETWORK, Author, seed


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "BACK_OFF", (0.01, 0.05))


async def test_a_node_that_dials_itself_notices(mesh: Mesh) -> None:
    """It says so in the book, stops dialling and goes on writing [R-SYNC-17]."""
    a = await mesh.node("a")
    row = await a.keeper.add(PeerRow(addresses=("ws://a",)))

    async def noted() -> bool:
        rows = await a.store.read(Reader.peers)
        return [each.note for each in rows if each.p == row.p] == [dialling.ITSELF]

    await until(noted)
    await quiet(mesh)
    assert len(mesh.wires.links) == 1 and a.sessions() == [] and a.own.halted is None
    await a.own.append([(1, a.author.after(a.author.entries[-1]).record or b"")])


async def test_a_peer_that_its_owner_adds_again_is_dialled_at_once(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the pause after failures has become."""
    monkeypatch.setattr(dialling, "BACK_OFF", (3_600.0, 3_600.0))
    a = await mesh.node("a")
    row = await a.keeper.add(PeerRow(addresses=("ws://b",)))

    async def failed() -> bool:
        rows = await a.store.read(Reader.peers)
        return any(each.note for each in rows if each.p == row.p)

    await until(failed)
    b = await mesh.node("b")
    await a.keeper.add(PeerRow(addresses=("ws://b",)))
    await until(lambda: a.sessions() == [b.id])


async def test_two_nodes_that_dial_each_other_keep_one_session(mesh: Mesh) -> None:
    """Both sides choose the same one, whoever was first [R-SYNC-13]."""
    for turn in range(6):
        a, b = await mesh.node(f"a{turn}"), await mesh.node(f"b{turn}")
        first, second = (a, b) if turn % 2 else (b, a)
        await first.join(second)
        if turn > 3:
            await asyncio.sleep(0.001 * turn)
        await second.join(first, known=turn % 3 == 0)
        await level(a, b)
        await quiet(mesh)
        assert len(mesh.wires.between(a.name, b.name)) == 1
        assert a.sessions() == [b.id] and b.sessions() == [a.id]
        await a.write()
        await level(a, b)


async def test_twins_meet_and_both_halt(mesh: Mesh) -> None:
    """Two nodes of one networker: each finds its own id at the other end [R-LOG-23] [R-SYNC-17]."""
    a, b = await mesh.node("a", Author("same")), await mesh.node("b", Author("same"))
    await a.keeper.add(PeerRow(addresses=("ws://b",)))
    await until(lambda: a.own.halted is not None and b.own.halted is not None)
    for node in (a, b):
        with pytest.raises(Problem, match="Another node of this networker") as told:
            await node.own.append([(1, b"\x80")])
        assert told.value.exit_code == 4


async def test_a_third_node_tells_twins(mesh: Mesh) -> None:
    """A peer with sessions of two nodes of one networker tells both and ends both [R-LOG-23] [R-SYNC-17]."""
    hub = await mesh.node("hub")
    a, b = await mesh.node("a", Author("same")), await mesh.node("b", Author("same"))
    await a.join(hub)
    await until(lambda: hub.sessions() == [a.id])
    await b.join(hub)
    await until(lambda: a.own.halted is not None and b.own.halted is not None)


async def test_a_newer_session_of_the_same_node_takes_over(mesh: Mesh) -> None:
    """Of two dialled by the same side the newer stays: the older may be dead without knowing [R-SES-12]."""
    a = await mesh.node("a")
    peer = Author("peer")
    old = await Puppet.meet(mesh.wires, "a", peer)
    await until(lambda: a.sessions() == [peer.id])
    new = await Puppet.meet(mesh.wires, "a", peer)
    bye = await old.ended()
    assert bye is not None and bye.code == ""
    await until(lambda: a.sessions() == [peer.id])
    assert new.link.other.closed is None  # type: ignore[attr-defined]


async def test_a_blocked_peer_gets_no_session(mesh: Mesh) -> None:
    """Now and when it comes back [R-SES-12]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await b.join(a)
    await level(a, b)
    await a.store.write(Writer.block, b.id, NOW)
    await a.keeper.changed()
    await until(lambda: a.sessions() == [] and len(mesh.wires.links) > 2)
    byes = [body.code for body in a.sent if isinstance(body, messages.Bye)]
    assert byes and set(byes) == {"blocked"}


async def test_no_more_sessions_than_allowed(mesh: Mesh) -> None:
    """One too many of the same standing gets `busy` and close code 1013 [R-BOOK-11]."""
    a = await mesh.node("a", config=settings(max_sessions=2))
    held = [await Puppet.meet(mesh.wires, "a", Author(f"stranger {index}")) for index in range(2)]
    await until(lambda: len(a.sessions()) == 2)
    late = await Puppet.meet(mesh.wires, "a", Author("late"))
    bye = await late.ended()
    assert bye is not None and (bye.code, bye.text) == ("busy", CROWDED)
    assert [link for _, _, link, _ in mesh.wires.links][2].other.closed == (1013, "")
    assert all(puppet.link.other.closed is None for puppet in held)  # type: ignore[attr-defined]


async def test_every_peer_with_an_address_is_dialled(mesh: Mesh) -> None:
    """Whoever the owner put into the book, however many they are, now and after a restart."""
    a = await mesh.node("a")
    others = [await mesh.node(f"peer {index}") for index in range(12)]
    for other in others:
        await a.join(other, known=False)
    await until(lambda: len(a.sessions()) == len(others))
    await mesh.stop("a")
    again = await mesh.node("a again", a.author, home="a")
    await until(lambda: len(again.sessions()) == len(others))


async def test_no_more_is_asked_than_the_other_side_advertised(mesh: Mesh) -> None:
    """The budget of `get` is that of its hello [R-SES-11]."""
    await mesh.node("a")
    peer = Author("peer")
    peer.write(3)
    puppet = await Puppet.meet(mesh.wires, "a", peer, advertised={"MAX_GET_BYTES": 5_000})
    head = Item(Standing.HEAD, peer.id, 0, 0, peer.entries[-1].seq, peer.entries[-1].id).wire()
    await puppet.tell(messages.Have(items=[head]))

    def refused(question: messages.Body) -> messages.Body:
        return messages.Refuse(code="not_here", text="a puppet")

    serving = asyncio.create_task(puppet.serve(refused))
    await until(lambda: any(isinstance(body, messages.Get) for body, _ in puppet.questions))
    assert {body.budget for body, _ in puppet.questions if isinstance(body, messages.Get)} == {5_000}
    await puppet.link.close()
    await serving


async def test_a_clean_end_says_goodbye_both_ways(mesh: Mesh) -> None:
    """`bye` with an empty code, also in sessions this node dialled, within two seconds [R-SES-12]."""
    hub = await mesh.node("hub")
    a, b = await mesh.node("a"), await mesh.node("b")
    await hub.join(a)
    await b.join(hub)
    await level(hub, a, b)
    await quiet(mesh)
    start = asyncio.get_running_loop().time()
    await mesh.stop("hub")
    assert asyncio.get_running_loop().time() - start < 2
    byes = [body for body in hub.sent if isinstance(body, messages.Bye)]
    assert [bye.code for bye in byes] == ["", ""]
    await until(lambda: a.sessions() == [] and b.sessions() == [])


async def test_a_peer_that_does_not_read_cannot_hold_up_the_end(mesh: Mesh) -> None:
    """The node stops within its time [R-LINK-5]."""
    a = await mesh.node("a")
    await a.take(*[Author(f"author {index}") for index in range(50)])
    puppet = await Puppet.meet(mesh.wires, "a", Author("stuck"))
    await until(lambda: len(a.sessions()) == 1)
    start = asyncio.get_running_loop().time()
    await mesh.stop("a")
    assert asyncio.get_running_loop().time() - start < 4
    assert isinstance(puppet.link, MemoryLink)


async def test_forgetting_a_peer_ends_its_session_in_order(mesh: Mesh) -> None:
    """With a goodbye, and it is not dialled again [R-SES-12]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.join(b)
    await level(a, b)
    (row,) = await a.store.read(Reader.peers)
    await a.keeper.drop(row)
    await until(lambda: a.sessions() == [] and b.sessions() == [])
    assert any(isinstance(body, messages.Bye) and body.code == "" for body in a.sent)
    await quiet(mesh)
    assert len(mesh.wires.links) == 1
    await a.keeper.add(replace(row, p=0))
    await until(lambda: a.sessions() == [b.id])


async def test_a_session_cut_in_a_large_get_goes_on_where_it_was(mesh: Mesh) -> None:
    """No entry is lost, and no more than a message is fetched twice [R-SYNC-8] [R-LOG-10]."""
    log = Author("log")
    log.write(4_000)
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(log)

    cuts = iter((14, 11, 9))

    def prepare(source: str, _: str, near: MemoryLink, far: MemoryLink) -> None:
        near.cut_after = next(cuts, None)

    mesh.wires.prepare = prepare
    await b.join(a)
    await until(lambda: b.holds(log))
    gets = [
        want for body in b.sent if isinstance(body, messages.Get) for want in body.wants if want[0] == log.id
    ]
    assert len(gets) > 1 and gets[0][1] == 0
    starts = [first for _, first, _ in gets]
    assert starts == sorted(starts)
    runs = [
        run for body in a.sent if isinstance(body, messages.Runs) for run in body.runs if run.author == log.id
    ]
    in_message = max(len(run.entries) for run in runs)
    assert all(first > 0 for first in starts[1:]) and in_message < 400


async def test_a_dead_dialler_port_is_tried_again(mesh: Mesh) -> None:
    """Nobody listens there yet; when somebody does, a session opens [R-SYNC-13]."""
    a = await mesh.node("a")
    await a.keeper.add(PeerRow(addresses=("ws://b",)))

    async def noted() -> bool:
        return any("nobody listens" in row.note for row in await a.store.read(Reader.peers))

    await until(noted)
    b = await mesh.node("b")

    async def met() -> bool:
        (row,) = await a.store.read(Reader.peers)
        return row.id == b.id and row.note == "" and row.seen == NOW

    await until(met)
    assert a.sessions() == [b.id]


async def test_a_stranger_that_leaves_does_not_leave_a_claim_behind(mesh: Mesh) -> None:
    """It says that there are newer own entries and goes before it is asked for them [R-LOG-21].

    Of a peer that the node chose the claim stands until it is proved or given up: after a restored backup it is true.
    """
    a, friend, stranger = await mesh.node("a"), Author("friend"), Author("stranger")
    head = Item(Standing.HEAD, a.id, 0, 0, 7, bytes(32)).wire()
    record = a.author.after(a.author.entries[-1]).record or b""

    async def claimed(peer: Author) -> None:
        puppet = await Puppet.meet(mesh.wires, "a", peer)
        await puppet.tell(messages.Have(items=[head]))
        serving = asyncio.create_task(
            puppet.serve(
                lambda question: (
                    None
                    if isinstance(question, messages.Get)
                    else messages.Refuse(code="not_here", text="a puppet")
                )
            )
        )
        await until(lambda: any(isinstance(body, messages.Get) for body, _ in puppet.questions))
        with pytest.raises(Problem, match="newer entries"):
            await a.own.append([(1, record)])
        await puppet.link.close()
        await serving
        await until(lambda: a.sessions() == [])

    await claimed(stranger)
    await a.own.append([(1, record)])
    await a.store.write(Writer.follow, friend.id, NOW)
    await a.keeper.changed()
    await claimed(friend)
    with pytest.raises(Problem, match="newer entries"):
        await a.own.append([(1, record)])


async def test_a_stranger_that_dialled_in_cannot_silence_a_node(mesh: Mesh) -> None:
    """`twin` is believed from peers the owner chose [R-SYNC-17]."""
    a = await mesh.node("a")
    author = Author("stranger")
    stranger = await Puppet.meet(mesh.wires, "a", author)
    await stranger.tell(messages.Twin())
    await quiet(mesh)
    assert a.own.halted is None
    await a.store.write(Writer.follow, author.id, 1)
    await a.keeper.changed()
    await stranger.tell(messages.Twin())
    await until(lambda: a.own.halted is not None)


async def test_the_book_forgets_strangers_beyond_a_bound(mesh: Mesh) -> None:
    """Whoever dials in leaves a row; the owner's own peers stay."""
    a = await mesh.node("a")
    book = Book(a.store)
    await book.add(PeerRow(addresses=("ws://chosen",), added=1))
    for number in range(STRANGERS + 5):
        await book.met(seed("stranger", number), None, inbound=True, now=100 + number)
    rows = await book.rows()
    assert len([row for row in rows if not row.addresses]) <= STRANGERS + 1
    assert rows[0].addresses == ("ws://chosen",)
    assert not any(row.id == seed("stranger", 0) for row in rows)


async def test_a_wrong_networker_at_an_address_is_noted(mesh: Mesh) -> None:
    """The dialler goes no further than message 2 [R-SES-3]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.keeper.add(PeerRow(id=Author("other").id, addresses=("ws://b",)))

    async def noted() -> bool:
        return any("another networker" in row.note for row in await a.store.read(Reader.peers))

    await until(noted)
    assert b.sessions() == [] and id_text(b.id) != id_text(a.id)


async def test_a_fault_in_the_book_does_not_end_the_node(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails once while a peer is dialled: it is dialled again [R-SYNC-18]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    book = a.keeper._book
    plain, failures = book.row, [0]

    async def failing(number: int) -> PeerRow | None:
        failures[0] += 1
        if failures[0] <= 2:
            raise Problem("The disk is full.", code="store")
        return await plain(number)

    monkeypatch.setattr(book, "row", failing)
    await a.join(b)
    await until(lambda: a.sessions() == [b.id])
    assert failures[0] >= 3


async def test_a_full_disk_while_a_peer_is_dialled_is_told_in_a_sentence(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Found by a simulated market: it was told with a trace, as a fault of this program is."""
    a = await mesh.node("a")

    async def full(number: int) -> PeerRow | None:
        raise Problem("Cannot write the store: the disk is full.", code="store")

    monkeypatch.setattr(a.keeper._book, "row", full)
    await a.keeper.add(PeerRow(addresses=("ws://b",)))
    await until(lambda: bool(caplog.records))
    told = caplog.records[0]
    assert told.getMessage() == "dialling peer 1 failed: Cannot write the store: the disk is full."
    assert told.levelname == "ERROR" and told.exc_info is None


async def test_a_full_disk_ends_the_session_and_nothing_else(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peer is told `internal`; when there is room again all goes on [R-SYNC-18]."""
    a, b, c = await mesh.node("a"), await mesh.node("b"), await mesh.node("c")
    await b.join(a)
    await level(a, b)
    await quiet(mesh)
    plain = Writer.commit
    full = [True]

    def commit(self: Writer, changes: object, durable: bool = False) -> object:
        if full[0] and self is b_writer:
            raise Problem("Cannot write the store: the disk is full.", code="store")
        return plain(self, changes, durable)  # type: ignore[arg-type]

    b_writer = b.store._writer
    monkeypatch.setattr(Writer, "commit", commit)
    await a.write(3)
    await until(lambda: any(isinstance(body, messages.Bye) and body.code == "internal" for body in b.sent))
    await c.join(a)
    full[0] = False
    await level(a, b, c)


async def test_questions_of_statements_and_blobs(mesh: Mesh) -> None:
    """`see` is answered with a statement that verifies, `fetch` with chunks or nothing [R-MSG-14]."""
    a = await mesh.node("a")
    log = Author("log")
    log.write(3)
    await a.take(log)
    data = bytes(range(256)) * 300
    digest = await a.store.write(put_blob, data, NOW)
    puppet = await Puppet.meet(mesh.wires, "a", Author("asker"))
    (answer,) = await puppet.ask(messages.See(author=log.id, seq=2))
    assert isinstance(answer, messages.Statement)
    assert answer.statement["id"] == log.entries[2].id and answer.statement["witness"] == a.id
    assert answer.statement["time"] == NOW and seen.__name__ and NETWORK
    (answer,) = await puppet.ask(messages.See(author=log.id, seq=9))
    assert isinstance(answer, messages.Refuse) and answer.code == "not_here"
    got = b""
    for chunk in range(blobs.chunk_count(len(data))):
        (answer,) = await puppet.ask(messages.Fetch(hash=digest, chunk=chunk))
        assert isinstance(answer, messages.Chunk) and answer.data is not None and answer.size == len(data)
        got += answer.data
    assert got == data
    (answer,) = await puppet.ask(messages.Fetch(hash=bytes(32), chunk=0))
    assert isinstance(answer, messages.Chunk) and answer.data is None
    (answer,) = await puppet.ask(messages.Fetch(hash=digest, chunk=99))
    assert isinstance(answer, messages.Refuse) and answer.code == "not_here"
    await puppet.link.close()


async def test_a_budget_is_kept_and_what_is_left_is_named(mesh: Mesh) -> None:
    """All answers together bring at most `budget`; `left` says where to go on [R-SYNC-8] [R-SYNC-10]."""
    a = await mesh.node("a")
    logs = [Author(f"log {index}") for index in range(500)]
    for log in logs:
        log.write(2)
    logs[0].write(500)
    await a.take(*logs)
    puppet = await Puppet.meet(mesh.wires, "a", Author("asker"))
    wants: list[tuple[bytes, int, int]] = [(log.id, 0, len(log.entries) - 1) for log in logs]
    got: dict[bytes, list[Entry]] = {}
    for budget in (1, 70_000, 30_000, 4_000_000):
        answers = await puppet.ask(messages.Get(budget=budget, wants=wants))
        runs = [run for body in answers if isinstance(body, messages.Runs) for run in body.runs]
        size = sum(100 + 120 * len(run.entries) for run in runs)
        assert size <= max(budget, 1_000)
        for run in runs:
            got.setdefault(run.author, []).extend(rebuild(run))
        last = answers[-1]
        assert isinstance(last, messages.Runs)
        wants = [(author, first, end) for author, first, end in last.left]
        if not wants:
            break
    assert all(got[log.id] == log.entries for log in logs)
    await puppet.link.close()


async def test_descending_wants_come_in_chunks_from_the_top(mesh: Mesh) -> None:
    """Each chunk joins what came before from below [R-SYNC-9]."""
    a = await mesh.node("a")
    log = Author("log")
    log.write(1_200)
    await a.take(log)
    puppet = await Puppet.meet(mesh.wires, "a", Author("asker"))
    answers = await puppet.ask(messages.Get(budget=4_000_000, wants=[(log.id, 1_150, 3)]))
    runs = [run for body in answers if isinstance(body, messages.Runs) for run in body.runs]
    assert len(runs) > 1
    top = 1_151
    for run in runs:
        assert run.first + len(run.entries) == top
        top = run.first
    assert top == 3
    await puppet.link.close()
