"""The projector follows the bus, the clock, and a disk that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from netnode import projector as projector_module
from netnode.bus import Stored
from netnode.problems import Problem
from netnode.projections import catalogue, views
from protocol.records import Profile, encode_record
from tests.netnode.mesh import Mesh, NodeUnderTest, until
from tests.protocol.author import Author, seed


def named(name: str, time: int | None = None) -> Author:
    author = Author(name)
    record = encode_record(Profile(salt=seed("salt", name)[:16], name=name))
    author.entries.append(author.after(author.entries[-1], 1, record, time=time))
    return author


async def names(node: NodeUnderTest, *authors: Author) -> list[str | None]:
    ids = [author.id for author in authors]
    found = await node.store.read(lambda reader: views.names(reader.connection, ids))
    return [found.get(each) for each in ids]


@asynccontextmanager
async def projecting(node: NodeUnderTest) -> AsyncIterator[None]:
    task = asyncio.create_task(node.projector.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_follows_what_is_stored(mesh: Mesh) -> None:
    a = await mesh.node("a")
    one, two = named("one"), named("two")
    await a.take(one)
    async with projecting(a):
        await until(lambda: is_named(a, one, "one"))
        await a.take(two)
        await until(lambda: is_named(a, two, "two"))
    assert a.bus._subscribers == [], "who ends takes its subscription along"


async def is_named(node: NodeUnderTest, author: Author, name: str) -> bool:
    return await names(node, author) == [name]


async def test_level_returns_when_all_is_taken_in(mesh: Mesh) -> None:
    a = await mesh.node("a")
    authors = [named(f"author {index}") for index in range(30)]
    await a.take(*authors)
    await a.projector.level()
    assert await names(a, *authors) == [author.name for author in authors]
    assert await a.store.read(lambda reader: catalogue.lag(reader.connection)) == 0


async def test_what_is_dated_ahead_comes_when_it_is_due(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projector_module, "CLOCK_CHECK_SECONDS", 0.02)
    a = await mesh.node("a")
    ahead = named("ahead", time=a.clock.now + 3_600_000)
    await a.take(ahead)
    async with projecting(a):
        await a.projector.level()
        assert await names(a, ahead) == [None]
        a.clock.now += 4_000_000
        await until(lambda: is_named(a, ahead, "ahead"))


async def test_a_full_disk_is_tried_again(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task lives on; the next batch, or the next look at the clock, finds room."""
    a = await mesh.node("a")
    one = named("one")
    await a.take(one)
    plain, failures = a.projector._advance, [0]

    def failing(writer: object) -> object:
        failures[0] += 1
        if failures[0] == 1:
            raise Problem("Cannot write the store: the disk is full.", code="store")
        return plain(writer)  # type: ignore[arg-type]

    monkeypatch.setattr(a.projector, "_advance", failing)
    async with projecting(a):
        await until(lambda: failures[0] == 1)
        assert await names(a, one) == [None]
        a.bus.publish(Stored(()))
        await until(lambda: is_named(a, one, "one"))
