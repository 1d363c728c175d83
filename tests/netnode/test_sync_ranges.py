"""Nodes that keep many logs compare them by ranges: one exchange for both directions, heads where that fails."""

from __future__ import annotations

import random

import apsw
import pytest

from netnode.store import Reader, Writer
from netnode.sync import ranges
from netnode.sync.ranges import PLACES, Held
from protocol import limits, messages
from protocol.ranges import Elements, element
from protocol.session import Feature
from tests.netnode.mesh import Mesh, NodeUnderTest, Puppet, TestEntropy, level, quiet, settings, until
from tests.protocol.author import NETWORK, Author, seed


@pytest.fixture(scope="module")
def crowd() -> list[Author]:
    """More logs than one page of heads; each can be held one entry shorter."""
    made = [Author(f"crowd {index}") for index in range(limits.RANGES_FROM + 30)]
    for author in made:
        author.write(2)
    return made


async def test_strangers_compare_by_ranges_and_both_level(mesh: Mesh, crowd: list[Author]) -> None:
    """The dialler asks, the listener does not; neither asks for heads; what differs is fetched [R-RNG-5]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(*crowd[:-3])
    await b.take(*crowd[3:])
    ahead = [Author(f"ahead {index}") for index in range(4)]
    for author in ahead:
        author.write(3)
    for index, author in enumerate(ahead):
        long, short = (a, b) if index % 2 else (b, a)
        await long.gate.admit_chains([author.entries])
        await short.gate.admit_chains([author.entries[:2]])
    await a.join(b)
    await level(a, b)
    assert await a.holds(*crowd, *ahead) and await b.holds(*crowd, *ahead)
    await quiet(mesh)
    assert a.asked(messages.Heads) == b.asked(messages.Heads) == 0
    assert 2 <= a.asked(messages.Ranges) <= 5 and b.asked(messages.Ranges) == 0
    told = {item[1] for body in a.sent if isinstance(body, messages.Ranges) for item in body.items}
    lacked = {author.id for author in (*crowd[:3], *ahead[1::2], a.author)}
    assert told == lacked, "items that the other side needs, no others [R-RNG-8]"
    for one, other in ((a, b), (b, a)):
        store = (await other.store.read(Reader.newest)).store
        assert await one.store.read(Reader.cursor, store) is not None, "changes go on from here next time"


async def meet(mesh: Mesh, crowd: list[Author], **of_b: object) -> tuple[NodeUnderTest, NodeUnderTest]:
    """Two nodes that both keep the crowd; one log of a is further on, another of b."""
    a, b = await mesh.node("a"), await mesh.node("b", **of_b)  # type: ignore[arg-type]
    await a.take(*crowd[1:])
    await b.take(*crowd[1:])
    await b.take(crowd[0])
    return a, b


async def test_the_next_meeting_goes_on_from_the_cursor(mesh: Mesh, crowd: list[Author]) -> None:
    """After a reconciliation both use `changes`, and get what came meanwhile [R-RNG-10] [R-SYNC-3]."""
    a, b = await meet(mesh, crowd)
    await a.join(b)
    await level(a, b)
    await quiet(mesh)
    await mesh.stop("a")
    await b.write(2)
    a = await mesh.node("a")
    await level(a, b)
    assert a.asked(messages.Heads) == b.asked(messages.Heads) == 0
    assert a.asked(messages.Ranges) + b.asked(messages.Ranges) <= 6, "those of the first meeting"


async def test_what_is_stored_during_a_reconciliation_is_not_lost(mesh: Mesh, crowd: list[Author]) -> None:
    """Both sets stay as they were when it began; what comes later comes by `changes` or live [R-RNG-3] [R-RNG-10]."""
    a, b = await meet(mesh, crowd)
    await a.join(b)
    await until(lambda: a.asked(messages.Ranges) > 0)
    await a.write(3)
    await b.write(3)
    late = Author("late")
    late.write(2)
    await b.take(late)
    await level(a, b)
    assert await a.holds(crowd[0], late, b.author) and await b.holds(crowd[0], a.author)


async def test_a_listener_begins_when_the_dialler_has_a_cursor(mesh: Mesh, crowd: list[Author]) -> None:
    """Who lost its cursor reconciles, even as listener; the dialler goes on with changes [R-RNG-5]."""
    a, b = await meet(mesh, crowd)
    await a.join(b)
    await level(a, b)
    await quiet(mesh)
    asked = b.asked(messages.Ranges)
    await mesh.stop("a")
    await b.store.write(Writer.set_cursor, (await stopped_store(mesh, "a")), None)
    a = await mesh.node("a")
    await until(lambda: b.asked(messages.Ranges) > asked)
    await level(a, b)
    assert b.asked(messages.Heads) == 0


async def stopped_store(mesh: Mesh, name: str) -> bytes:
    """The store id in the file of a node that does not run."""
    connection = apsw.Connection(str(mesh.folder / f"{name}.sqlite3"))
    try:
        return bytes(connection.execute("SELECT value FROM meta WHERE name = 'store'").get)
    finally:
        connection.close()


async def test_heads_where_the_feature_or_the_interest_is_missing(mesh: Mesh, crowd: list[Author]) -> None:
    """A peer without feature 1, or one that does not want everything, is asked for heads [R-RNG-4]."""
    a, b = await meet(mesh, crowd, ranges=False)
    await a.join(b)
    await level(a, b)
    assert a.asked(messages.Ranges) == 0 and a.asked(messages.Heads) > 0
    await mesh.stop("b")
    c = await mesh.node("c", config=settings(interest="followed", hops=0), follows=crowd)
    await c.take(*crowd)
    await c.join(a)
    await until(lambda: c.asked(messages.Heads) > 0)
    await quiet(mesh)
    assert c.asked(messages.Ranges) == a.asked(messages.Ranges) == 0


async def test_heads_where_the_sets_are_of_very_different_size(mesh: Mesh, crowd: list[Author]) -> None:
    """A small node never asks by ranges, and is refused where its set is less than half [R-RNG-4]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(*crowd)
    await a.join(b)
    await level(a, b)
    assert await b.holds(*crowd)
    assert b.asked(messages.Ranges) == 0
    assert a.asked(messages.Ranges) == 1 and a.asked(messages.Heads) > 0


async def test_forks_and_contests_are_found_by_ranges(mesh: Mesh, crowd: list[Author]) -> None:
    """Forked and contested logs have elements of their own; both sides end with the same items [R-RNG-2]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(*crowd)
    await b.take(*crowd)
    forked = Author("forked")
    forked.write(5)
    other = forked.after(forked.entries[3], note="other")
    await a.take(forked)
    await b.gate.admit_chains([[*forked.entries[:4], other]])
    await a.join(b)
    await level(a, b)
    state = await a.gate.state(forked.id)
    assert state is not None and state.fork == 4
    assert a.asked(messages.Heads) == b.asked(messages.Heads) == 0


@pytest.mark.parametrize("draw", range(3))
async def test_stores_that_differ_nearly_everywhere(mesh: Mesh, crowd: list[Author], draw: int) -> None:
    """Every log is held to another place on each side, some on one side only; both end with all of it [R-RNG-8]."""
    chosen = random.Random(draw)
    a, b = await mesh.node("a"), await mesh.node("b")
    most: dict[bytes, int] = {}
    for node in (a, b):
        parts = [author.entries[: chosen.randint(1, 3)] for author in crowd if chosen.random() < 0.97]
        for outcome in await node.gate.admit_chains(parts):
            assert outcome.fault is None
        most |= {part[0].author: max(part[-1].seq, most.get(part[0].author, 0)) for part in parts}
    await a.join(b)
    await level(a, b)
    assert a.asked(messages.Heads) == b.asked(messages.Heads) == 0
    items = await a.items()
    assert {author: items[author].seq for author in most} == most


# -- a peer that does not keep to it ---------------------------------------------------------------------------
SALT = b"s" * 16
RANGES = [int(Feature.RANGES)]


def cursor_of(name: str) -> list[object]:
    return [seed(name, "store")[:16], 0, bytes(8)]


async def test_a_listener_that_is_left_alone_asks_for_heads(
    mesh: Mesh, crowd: list[Author], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dialler that begins and never ends does not keep the node from levelling [R-RNG-10]."""
    a = await mesh.node("a")
    await a.take(*crowd)
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 0.2)
    puppet = await Puppet.meet(mesh.wires, "a", Author("stalling"), features=RANGES)
    await puppet.ask(
        messages.Ranges(begin=(SALT, cursor_of("stalling"), len(crowd)), splits=[("", bytes(128))])
    )
    await until(lambda: a.asked(messages.Heads) > 0)


@pytest.mark.parametrize(
    "question",
    [
        messages.Ranges(begin=(SALT, cursor_of("puppet"), 5)),
        messages.Ranges(begin=(SALT, cursor_of("puppet"), 5_000_000)),
        messages.Ranges(splits=[("", bytes(128))]),
        messages.Ranges(items=[], last=True),
    ],
)
async def test_questions_that_are_refused(mesh: Mesh, crowd: list[Author], question: messages.Ranges) -> None:
    """Sets of other sizes, rows of a reconciliation that was not begun: refused, the session goes on [R-RNG-4]."""
    a = await mesh.node("a")
    await a.take(*crowd)
    puppet = await Puppet.meet(mesh.wires, "a", Author("puppet"), features=RANGES)
    (answer,) = await puppet.ask(question)
    assert isinstance(answer, messages.Refuse) and answer.code == "not_here"
    await until(lambda: a.asked(messages.Heads) > 0)


@pytest.mark.parametrize(
    "question",
    [
        messages.Ranges(begin=(SALT, [b"o" * 16, 0, bytes(8)], 430)),
        messages.Ranges(
            begin=(SALT, cursor_of("puppet"), 430), splits=[("b", bytes(128)), ("a", bytes(128))]
        ),
        messages.Ranges(begin=(SALT, cursor_of("puppet"), 430), lacking=[("", 1)]),
        messages.Ranges(begin=(SALT, cursor_of("puppet"), 430), items=[[9]]),
    ],
)
async def test_malformed_questions_end_the_session(
    mesh: Mesh, crowd: list[Author], question: messages.Ranges
) -> None:
    """[R-RNG-6] [R-MSG-6]"""
    a = await mesh.node("a")
    await a.take(*crowd)
    puppet = await Puppet.meet(mesh.wires, "a", Author("puppet"), features=RANGES)
    await puppet.force(question, 77)
    bye = await puppet.ended()
    assert bye is not None and bye.code == "bad_message"


async def test_a_node_keeps_few_reconciliations_open(
    mesh: Mesh, crowd: list[Author], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one too many is refused as busy; the oldest gives way after a minute [R-RNG-11]."""
    a = await mesh.node("a")
    await a.take(*crowd)
    puppets = []
    for number in range(PLACES + 1):
        name = f"puppet {number}"
        puppet = await Puppet.meet(mesh.wires, "a", Author(name), features=RANGES)
        puppets.append(puppet)
        question = messages.Ranges(begin=(SALT, cursor_of(name), len(crowd)), splits=[("", bytes(128))])
        (answer,) = await puppet.ask(question)
        if number < PLACES:
            assert isinstance(answer, messages.RangesAnswer) and answer.begin is not None
        else:
            assert isinstance(answer, messages.Refuse) and answer.code == "busy"
    await puppets[-2].link.close()
    await until(lambda: len(a.sessions()) == PLACES)
    puppet = await Puppet.meet(mesh.wires, "a", Author("late puppet"), features=RANGES)
    (answer,) = await puppet.ask(messages.Ranges(begin=(SALT, cursor_of("late puppet"), len(crowd))))
    assert isinstance(answer, messages.RangesAnswer)
    monkeypatch.setattr(ranges, "PLACE_SECONDS", 0.0)
    puppet = await Puppet.meet(mesh.wires, "a", Author("last puppet"), features=RANGES)
    (answer,) = await puppet.ask(messages.Ranges(begin=(SALT, cursor_of("last puppet"), len(crowd))))
    assert isinstance(answer, messages.RangesAnswer)
    (answer,) = await puppets[0].ask(messages.Ranges(splits=[("", bytes(128))]))
    assert isinstance(answer, messages.Refuse) and answer.code == "not_here"
    (answer,) = await puppets[1].ask(messages.Ranges(splits=[("", bytes(128))]))
    assert isinstance(answer, messages.RangesAnswer)


# -- the set -------------------------------------------------------------------------------------------------
async def test_the_set_follows_the_store(mesh: Mesh, crowd: list[Author]) -> None:
    """What is new, what changed and what was dropped is in the next snapshot; the one before stays [R-RNG-3]."""
    a = await mesh.node("a")
    held = Held(a.store, NETWORK, TestEntropy("held"), a.clock)

    async def made() -> Elements:
        return Elements(b"".join(element(NETWORK, item) for _, item in sorted((await a.items()).items())))

    await a.take(*crowd[:5])
    first = await held.snapshot()
    assert first.elements.data == (await made()).data
    assert (await held.snapshot()) == first
    before = first.elements.data
    await a.write(2)
    await a.take(*crowd[5:9])
    second = await held.snapshot()
    assert second.elements.data == (await made()).data != before == first.elements.data
    assert second.cursor == await a.store.read(Reader.newest)
    n = await a.store.read(lambda reader: reader.connection.execute("SELECT max(n) FROM log").get)

    def dropped(writer: Writer) -> None:
        with writer.transaction() as connection:
            for table in ("opener", "log"):
                connection.execute(f"DELETE FROM {table} WHERE n = ?", (n,))

    await a.store.write(dropped)
    third = await held.snapshot()
    assert len(third.elements) == len(second.elements) - 1
    assert third.elements.data == (await made()).data
