"""Nodes come level: from nothing, with cursors, in a line, by interest, live."""

from __future__ import annotations

import msgspec

from netnode.system import ThreadExecutor
from protocol import messages
from tests.netnode.mesh import Mesh, level, quiet, settings, until
from tests.protocol.author import Author


def authors(count: int, entries: int = 5) -> list[Author]:
    made = [Author(f"author {index}") for index in range(count)]
    for index, author in enumerate(made):
        author.write(entries + index % 7)
    return made


async def test_two_nodes_level_from_nothing_both_ways(mesh: Mesh) -> None:
    """Each pulls what it lacks; the first question is `heads`, cursors are kept [R-SYNC-3] [R-SYNC-11] [R-LOG-18]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    logs = authors(40)
    await a.take(*logs[:25])
    await b.take(*logs[20:])
    await a.join(b)
    await level(a, b)
    assert await a.holds(*logs) and await b.holds(*logs)
    assert a.asked(messages.Heads) == b.asked(messages.Heads) == 1
    await quiet(mesh)
    assert a.sessions() == [b.id] and b.sessions() == [a.id]


async def test_level_with_threads(mesh: Mesh) -> None:
    """The production executor does the same [R-SYNC-3]."""
    a = await mesh.node("a", executor=ThreadExecutor())
    b = await mesh.node("b", executor=ThreadExecutor())
    logs = authors(30, 90)
    await a.take(*logs)
    await b.join(a)
    await level(a, b)
    assert await b.holds(*logs)


async def test_more_than_a_page_of_logs(mesh: Mesh) -> None:
    """Pages of `heads` follow each other by author [R-SYNC-3] [R-MSG-9]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    logs = authors(430, 1)
    await a.take(*logs)
    await b.join(a)
    await level(a, b)
    assert b.asked(messages.Heads) == 2


async def test_interest_comes_before_anything_else(mesh: Mesh) -> None:
    """The message after hello is `interest` [R-SYNC-1] [R-SES-4]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(*authors(3))
    await b.join(a)
    await level(a, b)
    for node in (a, b):
        assert [type(body) for body in node.sent[:2]] == [messages.Hello, messages.Interest]


async def test_a_second_meeting_pays_for_the_difference_only(mesh: Mesh) -> None:
    """`changes` with the kept cursor is the first question; nothing is fetched again [R-SYNC-3] [R-LOG-18]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    logs = authors(20)
    await a.take(*logs)
    await b.join(a)
    await level(a, b)
    await quiet(mesh)
    await mesh.stop("b")
    logs[0].write(3)
    await a.gate.admit(logs[0].entries[-3:])
    b.sent.clear()
    b = await mesh.node("b", b.author)
    await level(a, b)
    await quiet(mesh)
    assert b.asked(messages.Heads) == 0 and b.asked(messages.Changes) == 1
    (get,) = [body for body in b.sent if isinstance(body, messages.Get)]
    assert [(want[0], want[1]) for want in get.wants] == [(logs[0].id, len(logs[0].entries) - 3)]


async def test_an_unknown_cursor_means_heads(mesh: Mesh) -> None:
    """A peer restored to another numbering refuses with `cursor`; `heads` follows [R-LOG-18] [R-SYNC-3]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(*authors(5))
    await b.join(a)
    await level(a, b)
    await quiet(mesh)
    await mesh.stop("b")
    await a.store.write(
        lambda writer: writer.connection.execute("UPDATE opening SET secret = x'0102030405060708'").fetchall()
    )
    fresh = Author("fresh")
    await a.take(fresh)
    b.sent.clear()
    b = await mesh.node("b", b.author)
    await level(a, b)
    assert b.asked(messages.Changes) >= 1 and b.asked(messages.Heads) == 1


async def test_three_in_a_line_live(mesh: Mesh) -> None:
    """What a writes reaches c through b, pushed, and is not sent back [R-SYNC-13] [R-SYNC-14] [R-SYNC-16]."""
    a, b, c = await mesh.node("a"), await mesh.node("b"), await mesh.node("c")
    await a.join(b)
    await b.join(c)
    await level(a, b, c)
    await quiet(mesh)
    for node in (a, b, c):
        node.sent.clear()
    await a.write(3)
    await level(a, b, c)
    await quiet(mesh)
    assert c.author.id in await a.items()
    assert [type(body) for body in c.sent] == []
    assert {type(body) for body in b.sent} == {messages.Push}
    assert b.asked(messages.Get) == 0


async def test_restart_reconnects_and_goes_on_live(mesh: Mesh) -> None:
    """A node that comes back is dialled again and hears of what is new [R-SYNC-13]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.join(b)
    await level(a, b)
    await mesh.stop("b")
    await until(lambda: a.sessions() == [])
    await a.write(2)
    b = await mesh.node("b", b.author)
    await level(a, b)
    await a.write(1)
    await level(a, b)


async def test_followed_only(mesh: Mesh) -> None:
    """With interest `followed` and no hops, only own and followed logs come [R-SYNC-1] [R-SYNC-2]."""
    logs = authors(10)
    a = await mesh.node("a")
    await a.take(*logs)
    b = await mesh.node("b", config=settings("followed", 0), follows=logs[:3])
    await b.join(a)
    await until(lambda: b.holds(*logs[:3]))
    await quiet(mesh)
    assert set(await b.items()) == {b.id} | {log.id for log in logs[:3]}
    (told,) = [body for body in b.sent if isinstance(body, messages.Interest)]
    assert not told.all and sorted(told.ids) == sorted([b.id, *(log.id for log in logs[:3])])
    logs[5].write()
    logs[0].write()
    a.sent.clear()
    await a.gate.admit_chains([logs[5].entries[-1:], logs[0].entries[-1:]])
    await until(lambda: b.holds(logs[0]))
    await quiet(mesh)
    assert logs[5].id not in await b.items()
    pushed = [run.author for body in a.sent if isinstance(body, messages.Push) for run in body.runs]
    assert pushed == [logs[0].id]


async def test_following_someone_fetches_what_the_cursor_passed(mesh: Mesh) -> None:
    """A wider interest begins with `heads`, also when it widened while the node was off [R-SYNC-1] [R-SYNC-7]."""
    logs = authors(4)
    a = await mesh.node("a")
    await a.take(*logs)
    config = settings("followed", 0)
    b = await mesh.node("b", config=config, follows=logs[:1])
    await b.join(a)
    await until(lambda: b.holds(logs[0]))
    await quiet(mesh)
    await b.store.write(lambda writer: writer.follow(logs[1].id, 1))
    await b.keeper.changed()
    await until(lambda: b.holds(logs[1]))
    await quiet(mesh)
    await mesh.stop("b")
    b = await mesh.node("b", b.author, config=config, follows=[logs[2]])
    await until(lambda: b.holds(logs[2]))
    await quiet(mesh)
    assert not await b.holds(logs[3])


async def test_one_hop_takes_in_who_is_met(mesh: Mesh) -> None:
    """Hop 1: the networkers of the sessions, not what they hold of others [R-SYNC-1]."""
    logs = authors(2)
    a = await mesh.node("a")
    await a.take(*logs)
    b = await mesh.node("b", config=settings("followed", 1))
    await b.join(a)
    await until(lambda: b.holds(a.author))
    await quiet(mesh)
    assert set(await b.items()) == {a.id, b.id}


async def test_two_hops_take_in_whom_followed_peers_want(mesh: Mesh) -> None:
    """Hop 2: what a followed peer says it wants [R-SYNC-1]."""
    logs = authors(2)
    a = await mesh.node("a", config=settings("followed", 0), follows=logs[:1])
    await a.take(*logs)
    b = await mesh.node("b", config=settings("followed", 2), follows=[a.author])
    await b.join(a)
    await until(lambda: b.holds(a.author, logs[0]))
    await quiet(mesh)
    assert not await b.holds(logs[1])


async def test_the_seventh_session_is_told_not_pushed_to(mesh: Mesh) -> None:
    """Six sessions get entries, the others items and ask [R-SYNC-13]."""
    hub = await mesh.node("hub")
    nodes = [await mesh.node(f"n{index}") for index in range(8)]
    for node in nodes:
        await node.join(hub)
    await until(lambda: len(hub.sessions()) == 8)
    await level(hub, *nodes)
    await quiet(mesh)
    hub.sent.clear()
    for node in nodes:
        node.sent.clear()
    await hub.write()
    await level(hub, *nodes)
    await quiet(mesh)
    assert hub.asked(messages.Push) == 6 and hub.asked(messages.Have) == 2
    assert sum(node.asked(messages.Get) for node in nodes) == 2


async def test_records_that_were_missing_are_fetched(mesh: Mesh) -> None:
    """Headers held without record are asked for by `want` after levelling [R-SYNC-12] [R-MSG-13]."""
    log = Author("log")
    log.write(700)
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(log)
    bare = [msgspec.structs.replace(entry, record=None) if entry.kind % 2 else entry for entry in log.entries]
    await b.gate.admit_chains([bare])
    assert (await b.log(log.id))[1].record is None
    await b.join(a)
    await until(lambda: b.holds(log))
    assert b.asked(messages.Want) >= 2
    firsts = [body for body in b.sent if isinstance(body, messages.Heads | messages.Want | messages.Changes)]
    assert isinstance(firsts[0], messages.Heads)


async def test_records_let_go_of_are_left_alone(mesh: Mesh) -> None:
    """A record that the peer let go of too is not asked for without end [R-SYNC-12]."""
    log = Author("log")
    log.write(3)
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(log)
    await a.store.write(lambda writer: writer.purge_records(log.id, [2]))
    await b.join(a)
    await level(a, b)
    await quiet(mesh)
    held = await b.log(log.id)
    assert held[2].record is None and held[1] == log.entries[1]
    assert b.asked(messages.Want) <= 1
