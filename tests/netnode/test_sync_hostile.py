"""Peers that break the rules: the session ends with the right code, memory stays bounded, nothing is stored."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from netnode.ports import LinkClosed
from netnode.problems import Problem
from netnode.store import Reader
from netnode.sync import conversation as conversation_module
from netnode.sync.conversation import OUT_BYTES
from protocol import encoding, limits, messages
from protocol.items import Item, Standing
from protocol.messages import Body
from protocol.run import run_of
from protocol.session import Phase
from tests.netnode.mesh import Mesh, Puppet, level, quiet, settings, until
from tests.netnode.wires import WINDOW, MemoryLink
from tests.protocol.author import Author


def far(puppet: Puppet) -> MemoryLink:
    assert isinstance(puppet.link, MemoryLink)
    return puppet.link.other


async def code_of(puppet: Puppet) -> str | None:
    bye = await puppet.ended()
    return None if bye is None else bye.code


async def test_garbage_before_the_handshake(mesh: Mesh) -> None:
    """Closed with 1002, without an answer [R-NOISE-3] [R-NOISE-5]."""
    await mesh.node("a")
    for data in (b"", b"GET / HTTP/1.1\r\n", bytes(31), bytes(limits.MAX_NOISE_MESSAGE + 1)):
        link = mesh.wires.connect("x", "a")
        await link.send(data)
        with pytest.raises(LinkClosed) as closed:
            await link.receive()
        assert closed.value.code == 1002


async def test_garbage_in_an_open_session(mesh: Mesh) -> None:
    """Bytes that do not decrypt end it [R-NOISE-5]."""
    a = await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    await until(lambda: len(a.sessions()) == 1)
    await puppet.link.send(bytes(100))
    assert await code_of(puppet) is None, "nothing can be said any more"
    assert far(puppet).closed is not None and far(puppet).closed[0] == 1002  # type: ignore[index]
    await until(lambda: a.sessions() == [])


async def test_a_handshake_that_stalls(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger that says nothing is left in time [R-LINK-4]."""
    monkeypatch.setattr(limits, "HANDSHAKE_SECONDS", 0.05)
    a = await mesh.node("a")
    link = mesh.wires.connect("x", "a")
    with pytest.raises(LinkClosed) as closed:
        await link.receive()
    assert closed.value.code == 1002
    assert a.sessions() == []


@pytest.mark.parametrize(
    ("body", "request_number", "code"),
    [
        (messages.Hello(agent="x", clock=0, store=bytes(16), versions=[1]), 0, "unexpected"),
        (messages.Runs(), 7, "answer"),
        (messages.Items(items=[]), 0, "answer"),
        (messages.Heads(limit=1), 0, "answer"),
        (messages.Have(items=[[0, b"short"]]), 0, "bad_message"),
        (messages.Have(items=[[7]]), 0, "bad_message"),
        (messages.Changes(cursor=["no"], limit=1), 1, "bad_message"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Body) else str(value),
)
async def test_messages_out_of_turn(mesh: Mesh, body: Body, request_number: int, code: str) -> None:
    """Each ends the session with its code [R-SES-5] [R-SES-8] [R-SES-10] [R-SES-12] [R-MSG-6]."""
    a = await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    await puppet.force(body, request_number)
    assert await code_of(puppet) == code
    assert far(puppet).closed is not None and far(puppet).closed[0] == 1002  # type: ignore[index]
    await until(lambda: a.sessions() == [])


async def test_an_interest_without_end(mesh: Mesh) -> None:
    """More than MAX_INTEREST_TOTAL is `too_large` [R-SYNC-1]."""
    await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"), interest=False)

    async def flood() -> None:
        with contextlib.suppress(LinkClosed):
            for part in range(limits.MAX_INTEREST_TOTAL // 1_500 + 1):
                ids = [(part * 1_500 + index).to_bytes(32, "big") for index in range(1_500)]
                await puppet.tell(messages.Interest(all=False, ids=ids, more=True))

    flooding = asyncio.create_task(flood())
    assert await code_of(puppet) == "too_large"
    await flooding


async def test_a_bad_signature_in_a_push(mesh: Mesh) -> None:
    """What verified before it stays, the session ends [R-SYNC-11] [R-SYNC-18] [R-LOG-10]."""
    log = Author("log")
    log.write(70)
    a = await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    forged = log.after(log.entries[-1], signer=Author("forger").signer)
    await puppet.tell(messages.Push(runs=[run_of([*log.entries, forged])]))
    assert await code_of(puppet) == "signature"
    assert await a.holds(log)


async def test_pushes_of_logs_nobody_wants(mesh: Mesh) -> None:
    """They are dropped; the session goes on [R-SYNC-2] [R-SYNC-11] [R-SYNC-18]."""
    log, wanted = Author("log"), Author("wanted")
    log.write(5)
    wanted.write(5)
    a = await mesh.node("a", config=settings("followed", 0), follows=[wanted])
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    await puppet.tell(messages.Push(runs=[run_of(log.entries), run_of(wanted.entries)]))
    await puppet.tell(messages.Have(items=[[0, log.id, 0, 0, 9, bytes(32), 0]]))
    await puppet.tell(messages.Fork(left=run_of(log.entries[1:2]), right=run_of(log.entries[2:3])))
    await until(lambda: a.holds(wanted))
    await quiet(mesh)
    assert set(await a.items()) == {a.id, wanted.id} and len(a.sessions()) == 1
    await puppet.link.close()


async def test_answers_with_logs_nobody_asked_for(mesh: Mesh) -> None:
    """Runs of other logs in an answer to `get` or `openers` are dropped [R-SYNC-11]."""
    asked, other = Author("asked"), Author("other")
    asked.write(2)
    other.write(2)
    a = await mesh.node("a", config=settings("followed", 0), follows=[asked])
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))

    def answer(question: Body) -> Body | None:
        match question:
            case messages.Heads():
                item = Item(Standing.HEAD, asked.id, 0, 0, 2, asked.entries[2].id)
                store = puppet.session._hello.store
                return messages.Items(cursor=[store, 1, bytes(8)], items=[item.wire()])
            case messages.Get() | messages.AskOpeners():
                return messages.Runs(runs=[run_of(other.entries), run_of(asked.entries)])
            case _:
                return messages.Refuse(code="busy", text="later")

    serving = asyncio.create_task(puppet.serve(answer))
    await until(lambda: a.holds(asked))
    await quiet(mesh)
    assert set(await a.items()) == {a.id, asked.id} and len(a.sessions()) == 1
    await puppet.link.close()
    await serving


async def test_every_question_refused(mesh: Mesh) -> None:
    """The session stays open for what comes live [R-SYNC-18] [R-SES-9]."""
    log = Author("log")
    log.write(2)
    a = await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    serving = asyncio.create_task(puppet.serve(lambda _: messages.Refuse(code="busy", text="later")))
    await until(lambda: len(puppet.questions) >= 1)
    await puppet.tell(messages.Have(items=[Item(Standing.HEAD, log.id, 0, 0, 2, log.entries[2].id).wire()]))
    await until(lambda: any(isinstance(question, messages.Get) for question, _ in puppet.questions))
    await puppet.tell(messages.Push(runs=[run_of(log.entries)]))
    await until(lambda: a.holds(log))
    assert len(a.sessions()) == 1
    await puppet.link.close()
    await serving


@pytest.mark.parametrize("fault", ["no cursor", "other store", "stands still", "unsorted", "twice"])
async def test_pages_that_do_not_go_on(mesh: Mesh, fault: str) -> None:
    """Pages without a good cursor, out of order or standing still end the session [R-MSG-8] [R-MSG-9]."""
    a = await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    store = puppet.session._hello.store
    ids = sorted(Author(f"author {index}").id for index in range(2))
    items = [Item(Standing.HEAD, each, 0, 0, 0, bytes(32)).wire() for each in ids]

    def answer(question: Body) -> Body | None:
        match question:
            case messages.Heads() | messages.Changes():
                cursor = [store, 5, bytes(8)]
                if fault == "no cursor":
                    return messages.Items(items=[])
                if fault == "other store":
                    return messages.Items(cursor=[bytes(16), 5, bytes(8)], items=[])
                if fault == "unsorted":
                    return messages.Items(cursor=cursor, items=items[::-1])
                if fault == "twice":
                    return messages.Items(cursor=cursor, items=[items[0], items[0]])
                return messages.Items(cursor=cursor, items=[], more=isinstance(question, messages.Changes))
            case _:
                return messages.Runs()

    serving = asyncio.create_task(puppet.serve(answer))
    await until(lambda: a.sessions() == [] and len(puppet.questions) > 0)
    byes = [body for body in a.sent if isinstance(body, messages.Bye)]
    assert [bye.code for bye in byes] == ["bad_message"]
    await puppet.link.close()
    await serving


async def test_an_answer_that_never_comes(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait ends, and the session [R-LINK-4]."""
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 0.05)
    await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    serving = asyncio.create_task(puppet.serve(lambda _: None))
    await serving
    assert puppet.questions and puppet.session.phase is Phase.CLOSED


async def test_records_that_do_not_match(mesh: Mesh) -> None:
    """A record that is not the one its header names is the sender's fault [R-MSG-13]."""
    log = Author("log")
    log.write(2)
    a = await mesh.node("a")
    run = run_of(log.entries)
    bare = [
        (time, kind, signature, [entry.record_hash, entry.record_length] if kind % 2 else body)
        for (time, kind, signature, body), entry in zip(run.entries, log.entries, strict=True)
    ]
    await a.gate.admit_runs([type(run)(run.author, 0, 0, 0, run.prev, bare)])
    for records, code in (
        ([(0, b"other")], "record_hash"),
        ([(9, b"")], "answer"),
        ([(0, b""), (0, b"")], "answer"),
    ):
        puppet = await Puppet.meet(mesh.wires, "a", Author(f"x {code} {len(records)} {records[0][0]}"))
        store = puppet.session._hello.store

        def answer(
            question: Body, records: list[tuple[int, bytes]] = records, store: bytes = store
        ) -> Body | None:
            match question:
                case messages.Want():
                    return messages.Records(records=records)
                case _:
                    return messages.Items(cursor=[store, 1, bytes(8)], items=[])

        before = len(a.sent)
        serving = asyncio.create_task(puppet.serve(answer))
        await serving
        byes = [body for body in a.sent[before:] if isinstance(body, messages.Bye)]
        assert [bye.code for bye in byes] == [code]
    assert (await a.log(log.id))[1].record is None


async def test_questions_without_reading_the_answers(mesh: Mesh) -> None:
    """The node answers no faster than the other side reads: its queue stays bounded [R-LINK-5] [R-SES-11]."""
    a = await mesh.node("a")
    log = Author("log")
    log.write(3_000)
    await a.take(log)
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    await until(lambda: len(a.sessions()) == 1)
    (peering,) = a.keeper.open_sessions()
    most = 0

    async def flood() -> None:
        with contextlib.suppress(LinkClosed):
            for request in range(2_000):
                get = messages.Get(budget=4_000_000, wants=[(log.id, 0, 3_000)])
                await puppet.force(get, 1_000 + request)

    flooding = asyncio.create_task(flood())
    for _ in range(200):
        await asyncio.sleep(0.001)
        most = max(most, peering.conversation._out_bytes)
    assert most <= OUT_BYTES + 2 * limits.MAX_MESSAGE + 10_000
    assert isinstance(puppet.link, MemoryLink) and puppet.link.most <= WINDOW + limits.MAX_NOISE_MESSAGE
    flooding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await flooding
    await puppet.link.close()


async def test_unknown_messages_without_reading_the_refusals(mesh: Mesh) -> None:
    """Refusals too are bounded; unknown odd types are ignored [R-MSG-2] [R-LINK-5]."""
    a = await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    await until(lambda: len(a.sessions()) == 1)
    (peering,) = a.keeper.open_sessions()

    async def flood() -> None:
        with contextlib.suppress(LinkClosed):
            for _ in range(20_000):
                puppet.session._send(encoding.encode([901, 0, {}]))
                puppet.session._send(encoding.encode([900, 0, {}]))
                await puppet.flush()

    flooding = asyncio.create_task(flood())
    await asyncio.sleep(0.3)
    assert peering.conversation._out_bytes <= OUT_BYTES + 1_000
    flooding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await flooding
    await puppet.link.close()


async def test_a_slow_reader_gets_less_and_catches_up(mesh: Mesh) -> None:
    """What is live is gathered within bounds; when it reads again it comes level [R-LINK-5] [R-SYNC-13]."""
    a, b = await mesh.node("a"), await mesh.node("b", every=0.2)
    await b.join(a)
    await level(a, b)
    await quiet(mesh)
    ((near, far_end),) = mesh.wires.between("a", "b")
    near.pause()
    logs = [Author(f"log {index}") for index in range(40)]
    for log in logs:
        log.write(60)
        await a.take(log)
    (peering,) = a.keeper.open_sessions()
    assert peering.conversation._out_bytes <= OUT_BYTES + 2 * limits.MAX_MESSAGE
    assert (
        near.most <= WINDOW + limits.MAX_NOISE_MESSAGE and far_end.most <= WINDOW + limits.MAX_NOISE_MESSAGE
    )
    near.pause(False)
    await level(a, b)
    assert await b.holds(*logs)


async def test_an_abandoned_answer_does_not_stop_the_reader(mesh: Mesh) -> None:
    """Who asked leaves before the answer is over: the session goes on [R-LINK-5]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    log = Author("log")
    log.write(3_000)
    await a.take(log)
    await b.join(a)
    await level(a, b)
    await quiet(mesh)
    (peering,) = b.keeper.open_sessions()
    question = messages.Get(budget=4_000_000, wants=[(log.id, 0, 3_000)])
    async with peering.conversation.asking(question) as answer:
        await answer()
        await until(lambda: peering.conversation._answers != {})
    await a.write()
    await level(a, b)
    assert peering.conversation._answers == {}


async def test_more_questions_than_the_other_side_allows_wait(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is refused with `rate`: questions queue here [R-SES-11]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await b.join(a)
    await level(a, b)
    await quiet(mesh)
    (peering,) = b.keeper.open_sessions()
    asked = [peering.conversation.ask(messages.Heads(limit=1), messages.Items) for _ in range(30)]
    pages = await asyncio.gather(*asked)
    assert len(pages) == 30 and not any(isinstance(body, messages.Refuse) for body in a.sent)
    assert conversation_module.NOTICES > 0


async def test_a_false_own_head_does_not_silence_the_node(mesh: Mesh) -> None:
    """A claim of newer own entries counts until its peer does not prove it [R-LOG-21]."""
    a = await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    held: list[tuple[Body, int]] = []

    def answer(question: Body) -> Body | None:
        store = puppet.session._hello.store
        match question:
            case messages.Heads():
                return messages.Items(
                    cursor=[store, 1, bytes(8)], items=[Item(Standing.HEAD, a.id, 0, 0, 50, bytes(32)).wire()]
                )
            case messages.Changes():
                return messages.Items(cursor=[store, 1, bytes(8)], items=[])
            case messages.Get():
                held.append(puppet.questions[-1])
                return None
            case _:
                return messages.Runs()

    serving = asyncio.create_task(puppet.serve(answer))
    await until(lambda: len(held) == 1)
    with pytest.raises(Problem, match="newer entries") as told:
        await a.own.append([(1, a.author.after(a.author.entries[-1]).record or b"")])
    assert told.value.code == "behind"
    await puppet.tell(messages.Runs(), held[0][1])
    await until(lambda: a.asked(messages.Changes) == 1)
    await a.own.append([(1, a.author.after(a.author.entries[-1]).record or b"")])
    assert (await a.store.read(Reader.entry, a.id, 1)) is not None
    await puppet.link.close()
    await serving


async def test_notices_without_end_do_not_fill_the_log(mesh: Mesh, caplog: pytest.LogCaptureFixture) -> None:
    """What a peer can say again and again is written down once a session."""
    await mesh.node("a")
    puppet = await Puppet.meet(mesh.wires, "a", Author("x"))
    with caplog.at_level("INFO", "netnode.sync"):
        for _ in range(50):
            await puppet.tell(messages.Twin())
            await puppet.tell(messages.Refuse(code="rate", text="no"))
        await puppet.ask(messages.Heads(limit=1))
        await quiet(mesh)
    told = [record.getMessage() for record in caplog.records]
    assert len([text for text in told if "another node" in text]) == 1
    assert len([text for text in told if "refused" in text]) == 1
