"""What could not be had at once is had later; cut links lose nothing."""

from __future__ import annotations

import asyncio
import random

import pytest

from netnode.store import Reader, Writer
from netnode.sync import dialling
from netnode.system import ThreadExecutor
from protocol import messages
from protocol.items import Item, Standing
from protocol.messages import Body
from protocol.run import run_of
from tests.netnode.mesh import Mesh, NodeUnderTest, Puppet, level, quiet, until
from tests.netnode.wires import MemoryLink
from tests.protocol.author import Author


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "BACK_OFF", (0.01, 0.05))


async def test_a_peer_that_refuses_the_cursor_it_gave_is_asked_for_heads_once(mesh: Mesh) -> None:
    """Heads suffice then until the next comparison of everything [R-SYNC-3]."""
    log = Author("log")
    log.write(5)
    a = await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    store = puppet.session._hello.store
    asked: list[str] = []

    def answer(question: Body) -> Body | None:
        asked.append(type(question).__name__)
        match question:
            case messages.Heads():
                item = Item(Standing.HEAD, log.id, 0, 0, 5, log.entries[5].id)
                return messages.Items(cursor=[store, 7, bytes(8)], items=[item.wire()])
            case messages.Changes():
                return messages.Refuse(code="cursor", text="no")
            case messages.AskOpeners():
                return messages.Runs(runs=[run_of(log.entries[:1])])
            case messages.Get():
                return messages.Runs(runs=[run_of(log.entries)])
            case _:
                return messages.Refuse(code="not_here", text="no")

    async with asyncio.TaskGroup() as group:
        serving = group.create_task(puppet.serve(answer))
        await until(lambda: len(a.sessions()) == 1)
        (peering,) = a.keeper.open_sessions()
        await until(peering.pull.level.is_set)
        assert peering.pull.compared and await a.holds(log)
        assert asked.count("Heads") == asked.count("Changes") == 1
        serving.cancel()


@pytest.mark.parametrize("refusal", ["nothing", "busy"])
async def test_a_cursor_waits_for_what_was_not_given(mesh: Mesh, refusal: str) -> None:
    """It is stored only when the log came, at a later comparison [R-SYNC-7] [R-LOG-18]."""
    log = Author("log")
    log.write(5)
    a = await mesh.node("a", every=0.05)
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    store = puppet.session._hello.store
    gives = False
    gets = 0

    def answer(question: Body) -> Body | None:
        nonlocal gets
        match question:
            case messages.Heads():
                item = Item(Standing.HEAD, log.id, 0, 0, 5, log.entries[5].id)
                return messages.Items(cursor=[store, 7, bytes(8)], items=[item.wire()])
            case messages.Changes():
                return messages.Items(cursor=[store, 7, bytes(8)], items=[])
            case messages.Get():
                gets += 1
                if gives:
                    return messages.Runs(runs=[run_of(log.entries)])
                return messages.Runs() if refusal == "nothing" else messages.Refuse(code="busy", text="later")
            case _:
                return messages.Refuse(code="not_here", text="no")

    serving = asyncio.create_task(puppet.serve(answer))
    await until(lambda: gets >= 3)
    assert await a.store.read(Reader.cursor, store) is None
    gives = True
    await until(lambda: a.holds(log))

    async def stored() -> bool:
        cursor = await a.store.read(Reader.cursor, store)
        return cursor is not None and cursor.arrival == 7

    await until(stored)
    after = gets
    await asyncio.sleep(0.15)
    assert gets == after, "what came is not asked for again"
    await puppet.link.close()
    await serving


async def test_a_peer_that_refuses_to_compare_is_asked_again(mesh: Mesh) -> None:
    """`busy` puts the comparison off to the next round [R-SYNC-18]."""
    a = await mesh.node("a", every=0.05)
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    serving = asyncio.create_task(puppet.serve(lambda _: messages.Refuse(code="busy", text="later")))
    await until(lambda: len(puppet.questions) >= 4)
    assert len(a.sessions()) == 1
    await puppet.link.close()
    await serving


async def test_two_sessions_bring_one_log_at_once(mesh: Mesh) -> None:
    """Interleaved pushes of two peers: neither misses what the other brought [R-SYNC-13] [R-SYNC-14]."""
    log = Author("log")
    a = await mesh.node("a")
    await a.take(log)
    b, c = await mesh.node("b"), await mesh.node("c")
    for node in (b, c):
        await node.join(a)
    await level(a, b, c)
    await quiet(mesh)
    log.write(40)
    for start in range(1, 41, 2):
        await asyncio.gather(
            b.gate.admit(log.entries[start : start + 1]),
            c.gate.admit(log.entries[1 : start + 2]),
        )
    await b.gate.admit(log.entries[1:])
    await until(lambda: a.holds(log))
    await level(a, b, c)
    assert all(node.asked(messages.Fork) == 0 for node in (a, b, c))


@pytest.mark.parametrize("run", range(4))
async def test_cut_links_and_writes_at_random(mesh: Mesh, run: int) -> None:
    """Four nodes on threads, links cut at any message: all come level, and whole."""
    draw = random.Random(run)

    def prepare(source: str, address: str, near: MemoryLink, far: MemoryLink) -> None:
        if draw.random() < 0.6:
            draw.choice((near, far)).cut_after = draw.randrange(1, 40)

    mesh.wires.prepare = prepare
    nodes: list[NodeUnderTest] = []
    for name in "abcd":
        nodes.append(await mesh.node(name, executor=ThreadExecutor() if run % 2 else None, every=0.2))
    for first, second in ((0, 1), (1, 2), (2, 3), (3, 0)):
        await nodes[first].join(nodes[second])
    logs = [Author(f"log {index}") for index in range(6)]
    for index, log in enumerate(logs):
        log.write(draw.randrange(1, 200))
        if index % 2:
            log.rotate(at=draw.randrange(len(log.entries)))
        log.write(3)
        await draw.choice(nodes).take(log)
    for step in range(40):
        node = draw.choice(nodes)
        await node.write(draw.randrange(1, 4))
        if step % 4 == 0 and (links := [link for link in mesh.wires.links if link[2].closed is None]):
            draw.choice(links)[2].cut()
        await asyncio.sleep(0.002)
    mesh.wires.prepare = lambda *_: None
    for _, _, near, far in mesh.wires.links:
        near.cut_after = far.cut_after = None
    await level(*nodes)
    authors = [*logs, *(node.author for node in nodes)]
    for node in nodes:
        for author in authors:
            await until(lambda node=node, author=author: node.holds(author), f"{node.name}: {author.name}")  # type: ignore[misc]
    await until(lambda: all(len(node.sessions()) >= 2 for node in nodes))


def _renumbered(writer: Writer) -> None:
    """What a copy that is put back, and opened, knows of cursors."""
    writer.connection.execute("UPDATE opening SET secret = ?", (bytes(16),))


async def test_a_restarted_store_that_lost_the_newest_arrivals(mesh: Mesh) -> None:
    """Cursors of an earlier numbering are unknown after it; nothing is missed [R-LOG-18]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(*[Author(f"author {index}") for index in range(8)])
    await b.join(a)
    await level(a, b)
    await quiet(mesh)
    await mesh.stop("b")
    await a.store.write(_renumbered)
    await a.take(Author("late"))
    b = await mesh.node("b", b.author)
    await level(a, b)


@pytest.mark.parametrize("run", range(3))
async def test_forks_contests_and_cuts_at_random(mesh: Mesh, run: int) -> None:
    """Branches, rotations and settlements of dishonest authors at different nodes: items end equal [R-LOG-17]."""
    draw = random.Random(1_000 + run)

    def prepare(source: str, address: str, near: MemoryLink, far: MemoryLink) -> None:
        if draw.random() < 0.5:
            draw.choice((near, far)).cut_after = draw.randrange(1, 40)

    mesh.wires.prepare = prepare
    nodes = [await mesh.node(name, every=0.2) for name in "abcd"]
    for first, second in ((0, 1), (1, 2), (2, 3)):
        await nodes[first].join(nodes[second])
    logs = [Author(f"log {index}") for index in range(6)]
    for log in logs:
        log.write(draw.randrange(2, 150))
        for node in draw.sample(nodes, 2):
            await node.gate.admit_chains([log.entries])
    for _ in range(12):
        log, node = draw.choice(logs), draw.choice(nodes)
        at = draw.randrange(1, len(log.entries))
        match draw.randrange(4):
            case 0:
                branch = log.entries[: at + 1]
                for _ in range(draw.randrange(1, 90)):
                    branch = [*branch, log.after(branch[-1], note=draw.random())]
                await node.gate.admit_chains([branch])
            case 1:
                rotation, _ = log.rotation(log.entries[at], generation=draw.randrange(9))
                await node.gate.admit_openers([log.entries[0], rotation])
            case 2:
                await node.gate.admit_openers([log.entries[0], log.settlement(log.entries[at])])
            case 3:
                log.write(draw.randrange(1, 70))
                await node.gate.admit_chains([log.entries])
        await asyncio.sleep(draw.choice((0, 0.005, 0.02)))
    mesh.wires.prepare = lambda *_: None
    for _, _, near, far in mesh.wires.links:
        near.cut_after = far.cut_after = None
    await level(*nodes)
    await asyncio.sleep(0.5)
    await level(*nodes)
