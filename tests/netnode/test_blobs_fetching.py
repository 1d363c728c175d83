"""Blobs go from node to node by hash; whatever a peer sends instead is not kept, and its session ends."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from netnode.problems import ExitCode, Problem
from netnode.services.blobs import HeldBlobs
from netnode.store import blobs
from netnode.sync import fetching
from protocol import blobs as rules
from protocol import limits, messages
from protocol.errors import NotHeld
from protocol.limits import BLOB_CHUNK, MAX_BLOB
from protocol.messages import Body, Chunk, Fetch
from tests.netnode.mesh import Mesh, NodeUnderTest, Puppet, until
from tests.protocol.author import Author, seed

DATA = b"".join(seed("blob", number) for number in range(10 * 1024))[:-7]  # ten chunks, the last one shorter
MOST = 512 * blobs.MIB
NAME = rules.name(DATA)
Answer = Callable[[Fetch], Body | None]


def services(node: NodeUnderTest) -> HeldBlobs:
    return HeldBlobs(node.store, node.own, node.projector, node.clock, node.keeper, MOST)


def honest(question: Fetch, data: bytes = DATA) -> Chunk:
    manifest = rules.manifest(data) if question.chunk == 0 else b""
    return Chunk(data=rules.chunk(data, question.chunk), manifest=manifest, size=len(data))


@asynccontextmanager
async def peer(mesh: Mesh, node: NodeUnderTest, name: str, answer: Answer) -> AsyncIterator[Puppet]:
    """A peer in session with the node that answers `fetch` as told, and everything else with a refusal."""

    def told(body: Body) -> Body | None:
        if isinstance(body, Fetch):
            return answer(body)
        return messages.Refuse(code="not_here", text="a puppet")

    puppet = await Puppet.meet(mesh.wires, node.name, Author(name))
    serving = asyncio.create_task(puppet.serve(told))
    await until(lambda: any(each.id == Author(name).id and each.open for each in opened(node)))
    yield puppet
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@dataclasses.dataclass
class Seen:
    id: bytes
    open: bool


def opened(node: NodeUnderTest) -> list[Seen]:
    return [Seen(each.id, each.conversation.greeted.is_set()) for each in node.keeper.open_sessions()]


def byes(mesh: Mesh, node: NodeUnderTest) -> list[str]:
    """The codes it ended sessions with."""
    return [body.code for body in node.sent if isinstance(body, messages.Bye)]


async def held(node: NodeUnderTest, name: bytes = NAME) -> bool:
    return await node.store.read(blobs.size, name) is not None


async def refused(node: NodeUnderTest, name: bytes = NAME) -> Problem:
    with pytest.raises(Problem) as problem:
        await services(node).fetch(name.hex())
    assert not await held(node, name)
    return problem.value


async def whole(node: NodeUnderTest, name: bytes = NAME) -> bytes:
    return b"".join([chunk async for chunk in services(node).send(name.hex())])


async def test_a_blob_goes_from_node_to_node(mesh: Mesh) -> None:
    """[R-BLOB-1] [R-BLOB-3]"""
    a, b, c = await mesh.node("a"), await mesh.node("b"), await mesh.node("c")
    await a.store.write(blobs.put, DATA, 1)
    await b.join(a)
    await c.join(b)
    await until(lambda: len(b.sessions()) == 2 and all(each.open for each in opened(b)))
    found = await services(b).fetch(NAME.hex())
    assert (found.hash, found.size) == (NAME.hex(), len(DATA)) and await whole(b) == DATA
    asked = [body.chunk for body in b.sent if isinstance(body, Fetch)]
    assert asked[-10:] == list(range(10)), "the first alone, then in order"
    await services(c).fetch(NAME.hex())  # and on from b, which never published it
    assert await whole(c) == DATA
    before = c.asked(Fetch)
    assert (await services(c).fetch(NAME.hex())).size == len(DATA) and c.asked(Fetch) == before


@pytest.mark.parametrize("size", [1, BLOB_CHUNK, BLOB_CHUNK + 1, MAX_BLOB])
async def test_blobs_of_every_size(mesh: Mesh, size: int) -> None:
    a, b = await mesh.node("a"), await mesh.node("b")
    name = await a.store.write(blobs.put, bytes(size), 1)
    await b.join(a)
    await until(lambda: bool(opened(b)) and opened(b)[0].open)
    await services(b).fetch(name.hex())
    assert await whole(b, name) == bytes(size)
    assert b.asked(Fetch) == rules.chunk_count(size)


async def test_progress_is_told(mesh: Mesh) -> None:
    a = await mesh.node("a")
    told: list[tuple[int, int]] = []
    async with peer(mesh, a, "peer", honest):
        (session,) = a.keeper.open_sessions()
        assert (
            await session.fetch(NAME, lambda size: None, lambda done, size: told.append((done, size))) == DATA
        )
    assert [size for _, size in told] == [len(DATA)] * 10
    assert [done for done, _ in told] == sorted(done for done, _ in told) and told[-1][0] == len(DATA)


async def test_few_chunks_are_on_their_way_at_once(mesh: Mesh) -> None:
    a = await mesh.node("a")
    asked: list[int] = []

    def silent(question: Fetch) -> Body | None:
        asked.append(question.chunk)
        return honest(question) if question.chunk == 0 else None

    async with peer(mesh, a, "peer", silent) as puppet:
        asking = services(a)
        waiting = asyncio.create_task(asking.fetch(NAME.hex()))
        await until(lambda: len(asked) == 1 + fetching.IN_FLIGHT)
        shown = await asking.progress(NAME.hex())
        assert (shown.held, shown.size, shown.bytes) == (False, len(DATA), BLOB_CHUNK)
        await puppet.link.close()
        with pytest.raises(Problem, match="does not have it"):
            await waiting
    assert asked == [0, 1, 2, 3, 4]
    shown = await asking.progress(NAME.hex())
    assert (shown.held, shown.size, shown.bytes) == (False, None, 0)


# -- who has it not --------------------------------------------------------------------------------------------
async def test_without_a_session_there_is_nobody_to_ask(mesh: Mesh) -> None:
    a = await mesh.node("a")
    problem = await refused(a)
    assert (problem.exit_code, problem.code) == (ExitCode.UNREACHABLE, "no_session")
    alone = HeldBlobs(a.store, a.own, a.projector, a.clock, None, MOST)
    with pytest.raises(Problem, match="netnode start"):
        await alone.fetch(NAME.hex())


async def test_a_peer_without_it_stays(mesh: Mesh) -> None:
    a, b = await mesh.node("a"), await mesh.node("b")
    await b.join(a)
    await until(lambda: bool(opened(b)) and opened(b)[0].open)
    problem = await refused(b)
    assert (problem.exit_code, problem.code, problem.details["asked"]) == (ExitCode.NOT_FOUND, "no_blob", 1)
    assert b.sessions() == [a.id] and byes(mesh, b) == []


async def test_a_refusal_is_no_fault(mesh: Mesh) -> None:
    a = await mesh.node("a")
    async with peer(mesh, a, "peer", lambda _: messages.Refuse(code="rate", text="later")):
        assert (await refused(a)).code == "no_blob" and len(a.sessions()) == 1


async def test_the_next_session_is_asked(mesh: Mesh) -> None:
    """One has it not, one lets go of it halfway, one lies, one breaks off; the fifth has it."""
    a = await mesh.node("a")
    links: list[Puppet] = []

    def forgets(question: Fetch) -> Body:
        return honest(question) if question.chunk < 5 else Chunk()

    def lies(question: Fetch) -> Body:
        return honest(question) if question.chunk != 5 else Chunk(data=bytes(BLOB_CHUNK), size=len(DATA))

    def breaks(question: Fetch) -> Body | None:
        if question.chunk < 5:
            return honest(question)
        links[0].link.cut()
        return None

    async with (
        peer(mesh, a, "without", lambda _: Chunk()),
        peer(mesh, a, "forgets", forgets),
        peer(mesh, a, "lies", lies),
        peer(mesh, a, "breaks", breaks) as breaking,
        peer(mesh, a, "honest", honest),
    ):
        links.append(breaking)
        assert (await services(a).fetch(NAME.hex())).size == len(DATA)
        assert await whole(a) == DATA
        stay = {Author(name).id for name in ("without", "forgets", "honest")}
        await until(lambda: set(a.sessions()) == stay)
    assert byes(mesh, a) == ["blob"]


# -- what is not that blob -------------------------------------------------------------------------------------
OTHER = bytes(reversed(DATA))


def swapped(question: Fetch) -> Body:
    """Chunks in another order than their manifest."""
    return honest(question) if question.chunk == 0 else honest(Fetch(chunk=10 - question.chunk, hash=NAME))


def changed(**fields: object) -> Answer:
    """An honest answer but for these fields of chunk 0."""
    return lambda question: (
        msgspec.structs.replace(honest(question), **fields) if question.chunk == 0 else honest(question)
    )


def later(**fields: object) -> Answer:
    """An honest answer but for these fields of chunk 7."""
    return lambda question: (
        msgspec.structs.replace(honest(question), **fields) if question.chunk == 7 else honest(question)
    )


LIES: dict[str, Answer] = {
    "a bad chunk": later(data=bytes(BLOB_CHUNK)),
    "a bad first chunk": changed(data=bytes(BLOB_CHUNK)),
    "a short chunk": later(data=b"short"),
    "an empty chunk": later(data=b""),
    "an empty first chunk": changed(data=b""),
    "a long chunk": later(data=bytes(BLOB_CHUNK + 1)),
    "chunks in another order": swapped,
    "another blob, with its own manifest": lambda question: honest(question, OTHER),
    "another blob of one chunk": lambda question: honest(question, b"small"),
    "no manifest": changed(manifest=b""),
    "a manifest too short": changed(manifest=rules.manifest(DATA)[:-32]),
    "a manifest too long": changed(manifest=rules.manifest(DATA) + bytes(32)),
    "a manifest of no whole hashes": changed(manifest=rules.manifest(DATA)[:-1]),
    "a false manifest": changed(manifest=rules.manifest(DATA)[:-32] + bytes(32)),
    "a size too large": changed(size=len(DATA) + BLOB_CHUNK),
    "a size one byte off": changed(size=len(DATA) - 1),
    "the size of one chunk": changed(size=BLOB_CHUNK),
    "no size": changed(size=0),
    "a size that changes": later(size=len(DATA) - 1),
    "a size that goes": later(size=0),
}


@pytest.mark.parametrize("name", LIES)
async def test_false_bytes_end_the_session_and_are_not_kept(mesh: Mesh, name: str) -> None:
    """[R-BLOB-3] [R-BLOB-4] [R-BLOB-5]"""
    a = await mesh.node("a")
    async with peer(mesh, a, "liar", LIES[name]):
        problem = await refused(a)
        assert (problem.exit_code, problem.details["wrong"]) == (ExitCode.NOT_FOUND, 1)
        await until(lambda: a.sessions() == [])
    assert byes(mesh, a) == ["blob"]


async def test_what_is_no_chunk_ends_the_session(mesh: Mesh) -> None:
    a = await mesh.node("a")
    async with peer(mesh, a, "liar", lambda _: None) as puppet:
        waiting = asyncio.create_task(services(a).fetch(NAME.hex()))
        await until(lambda: any(isinstance(body, Fetch) for body, _ in puppet.questions))
        request = next(number for body, number in puppet.questions if isinstance(body, Fetch))
        await puppet.force(messages.Ids(ids=[]), request)
        with pytest.raises(Problem):
            await waiting
        await until(lambda: a.sessions() == [])
    assert byes(mesh, a) == ["answer"]


# -- limits ----------------------------------------------------------------------------------------------------
async def test_a_peer_too_slow_is_left_alone(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "FETCH_SECONDS", 0.05)
    a = await mesh.node("a")
    async with peer(mesh, a, "slow", lambda question: honest(question) if question.chunk < 3 else None):
        assert (await refused(a)).code == "no_blob"
        assert len(a.sessions()) == 1 and byes(mesh, a) == []


async def test_a_peer_that_never_answers_loses_the_session(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = await mesh.node("a")
    async with peer(mesh, a, "mute", lambda _: None):
        monkeypatch.setattr(limits, "ANSWER_SECONDS", 0.05)
        problem = await refused(a)
        assert problem.details["wrong"] == 1
        await until(lambda: a.sessions() == [])
    assert byes(mesh, a) == ["answer"]


async def test_no_room_is_said_before_more_is_asked(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    a = await mesh.node("a")
    monkeypatch.setattr("tests.netnode.test_blobs_fetching.MOST", len(DATA) - 1)
    async with peer(mesh, a, "peer", honest):
        problem = await refused(a)
        assert (problem.exit_code, problem.code) == (ExitCode.REFUSED, "blobs_full")
        assert a.asked(Fetch) == 1 and len(a.sessions()) == 1


async def test_who_asks_for_the_same_blob_waits_for_the_first(mesh: Mesh) -> None:
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.store.write(blobs.put, DATA, 1)
    await b.join(a)
    await until(lambda: bool(opened(b)) and opened(b)[0].open)
    asking = services(b)
    found = await asyncio.gather(*(asking.fetch(NAME.hex()) for _ in range(5)))
    assert {each.size for each in found} == {len(DATA)} and b.asked(Fetch) == 10
    assert asking._turns == {} and asking._progress == {}


async def test_several_blobs_at_once(mesh: Mesh) -> None:
    a, b = await mesh.node("a"), await mesh.node("b")
    names = [await a.store.write(blobs.put, DATA + bytes([number]), 1) for number in range(5)]
    await b.join(a)
    await until(lambda: bool(opened(b)) and opened(b)[0].open)
    asking = services(b)
    await asyncio.gather(*(asking.fetch(name.hex()) for name in names))
    assert [row.hash for row in await b.store.read(blobs.listed, None, 10)] == sorted(names)


async def test_who_gives_up_stops_the_fetch(mesh: Mesh) -> None:
    a = await mesh.node("a")
    asked: list[int] = []

    def slowly(question: Fetch) -> Body | None:
        if question.hash != NAME:
            return Chunk()
        asked.append(question.chunk)
        return honest(question) if question.chunk < 4 else None

    async with peer(mesh, a, "peer", slowly) as puppet:
        waiting = asyncio.create_task(services(a).fetch(NAME.hex()))
        await until(lambda: asked == list(range(8)))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        for body, request in list(puppet.questions):
            if isinstance(body, Fetch) and body.chunk >= 4:
                await puppet.tell(honest(body), request)
        (session,) = a.keeper.open_sessions()
        with pytest.raises(NotHeld, match="does not hold"):  # the session is free for the next one
            await session.fetch(bytes(32), lambda size: None, lambda done, size: None)
        assert not await held(a)
    assert asked == list(range(8))


async def test_a_session_that_is_not_open_is_not_asked(mesh: Mesh) -> None:
    a = await mesh.node("a")
    async with peer(mesh, a, "peer", honest) as puppet:
        (session,) = a.keeper.open_sessions()
        await puppet.link.close()
        await until(lambda: a.sessions() == [])
        with pytest.raises(NotHeld, match="not open"):
            await session.fetch(NAME, lambda size: None, lambda done, size: None)


# -- serving ---------------------------------------------------------------------------------------------------
async def test_what_is_served(mesh: Mesh) -> None:
    a = await mesh.node("a")
    await a.store.write(blobs.put, DATA, 1)
    puppet = await Puppet.meet(mesh.wires, "a", Author("peer"))
    for number in (0, 9, 4):
        (answer,) = await puppet.ask(Fetch(chunk=number, hash=NAME))
        assert answer == honest(Fetch(chunk=number, hash=NAME))
    (answer,) = await puppet.ask(Fetch(chunk=10, hash=NAME))
    assert isinstance(answer, messages.Refuse) and answer.code == "not_here"
    for number in (0, 1):
        (answer,) = await puppet.ask(Fetch(chunk=number, hash=bytes(32)))
        assert answer == Chunk()
    await a.store.write(blobs.remove, NAME)
    (answer,) = await puppet.ask(Fetch(chunk=0, hash=NAME))
    assert answer == Chunk()


async def test_who_asks_without_reading_waits(mesh: Mesh) -> None:
    """Answers that nobody reads are bounded, however many are asked for."""
    a = await mesh.node("a")
    await a.store.write(blobs.put, DATA, 1)
    puppet = await Puppet.meet(mesh.wires, "a", Author("peer"))
    await until(lambda: len(a.sessions()) == 1)
    (session,) = a.keeper.open_sessions()

    async def flood() -> None:
        for number in range(2_000):
            body = messages.encode_message(Fetch(chunk=number % 10, hash=NAME), 2 * number + 100)
            puppet.session._send(body)
            await puppet.flush()

    flooding = asyncio.create_task(flood())
    for _ in range(3_000):
        await asyncio.sleep(0)
        assert session.conversation._out_bytes < 2 * 1024 * 1024
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
