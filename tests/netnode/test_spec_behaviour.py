"""Requirements of SPEC on a running node that no vector carries and no other test cites."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from netnode.links import PEER_PATH, WebSocketDialer
from netnode.ports import Link, LinkClosed
from netnode.problems import Problem
from netnode.system import SystemEntropy
from protocol import limits, logfile, messages
from protocol.identity import id_text
from protocol.messages import Runs
from protocol.run import Run, rebuild, run_of
from tests.netnode.mesh import Mesh, Puppet, until
from tests.netnode.patience import patience
from tests.netnode.services_home import opened, pieces
from tests.netnode.test_links import serving
from tests.protocol.author import Author

PING, PONG = 0x89, 0x8A


async def test_openers_are_told_in_order_and_judged_one_by_one(mesh: Mesh) -> None:
    """[R-MSG-11] [R-RUN-6] each as a run of one entry; unknown networkers are left out."""
    node = await mesh.node("a")
    author, stranger = Author("turning"), Author("stranger")
    author.write(2)
    first = author.rotate()
    second = author.rotate()
    third = author.settle()
    author.write(1)
    await node.take(author)
    puppet = await Puppet.meet(mesh.wires, "a", Author("puppet"))
    answers = await puppet.ask(messages.AskOpeners(authors=[stranger.id, author.id]))
    runs: list[Run] = [run for answer in answers if isinstance(answer, Runs) for run in answer.runs]
    assert [rebuild(run) for run in runs] == [[each] for each in (author.entries[0], first, second, third)]
    await puppet.link.close()


async def test_rotations_at_neighbouring_seqs_are_no_broken_chain(mesh: Mesh) -> None:
    """[R-RUN-6] [R-LOG-16] in one message two openers of one epoch are two chains: the contest is not missed."""
    node = await mesh.node("a")
    author = Author("torn")
    author.write(5)
    await node.take(author)
    one, _ = author.rotation(author.entries[3], generation=1)
    two, _ = author.rotation(author.entries[4], generation=2)
    assert two.seq == one.seq + 1 and two.prev != one.id
    puppet = await Puppet.meet(mesh.wires, "a", Author("puppet"))
    await puppet.tell(messages.Push(runs=[run_of([one]), run_of([two])]))

    async def contested() -> bool:
        state = await node.gate.state(author.id)
        return state is not None and state.openers.contested == 1

    await until(contested)
    await puppet.link.close()


async def test_a_clock_off_that_of_the_peers_appends_nothing(mesh: Mesh) -> None:
    """[R-TIME-1] the median of the hellos' clocks decides; that of strangers who dialled in does not count."""
    node = await mesh.node("a")
    for name in ("x", "y", "z"):
        stranger = await mesh.node(name)
        stranger.clock.now += limits.CLOCK_TOLERANCE_MS + 1
        await stranger.join(node)
    await until(lambda: len(node.sessions()) == 3)
    await node.own.append([(1_001, b"\x80")])
    for name in ("b", "c", "d"):
        peer = await mesh.node(name)
        peer.clock.now += limits.CLOCK_TOLERANCE_MS + 1
        await node.join(peer)
    await until(lambda: len(node.sessions()) == 6)
    with pytest.raises(Problem) as refused:
        await node.own.append([(1_001, b"\x80")])
    assert refused.value.code == "clock"


async def test_a_silent_link_is_pinged_and_then_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """[R-LINK-3]"""
    monkeypatch.setattr(limits, "HEARTBEAT_SECONDS", 0.05)
    ended: asyncio.Queue[LinkClosed] = asyncio.Queue()

    async def listen(link: Link) -> None:
        try:
            await link.receive()
        except LinkClosed as error:
            ended.put_nowait(error)

    async with serving(listen) as address:
        reader, writer = await asyncio.open_connection(*address.split(":"))
        writer.write(
            f"GET {PEER_PATH} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        async with patience(5):
            assert (await reader.readexactly(2))[0] == PING
            assert (await ended.get()).code == 1006, "nobody answered"
        writer.close()


async def test_pings_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """[R-LINK-3] by the dialler too, while it only waits."""
    answered = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = next(
            line.split(b": ")[1]
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + _accepted(key) + b"\r\n\r\n" + bytes((PING, 0))
        )
        assert (await reader.readexactly(2))[0] == PONG
        answered.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    dialer = WebSocketDialer(SystemEntropy())
    link = await dialer.dial(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{PEER_PATH}")
    waiting = asyncio.create_task(link.receive())
    async with patience(5):
        await answered.wait()
        with pytest.raises(LinkClosed):
            await waiting
    await dialer.close()
    server.close()
    await server.wait_closed()


def _accepted(key: bytes) -> bytes:
    import base64
    import hashlib

    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


async def test_a_file_is_verified_as_if_a_peer_had_sent_it(tmp_path: Path) -> None:
    """[R-FILE-4] what its author did not write is refused, and the next author is read."""
    bad, good = Author("bad"), Author("good")
    bad.write(2)
    good.write(3)
    forged = bad.after(bad.entries[-1], signer=good.signer)
    data = logfile.encode_start("test")
    for run in ([bad.entries[0]], [*bad.entries, forged], [good.entries[0]], good.entries):
        data += logfile.encode_run(run_of(run))
    async with opened(tmp_path, network="test") as node:
        result = await node.services.log.import_file(pieces(data))
        assert result.added == len(bad.entries) + len(good.entries)
        assert [(each.author, each.code) for each in result.refused] == [(id_text(bad.id), "signature")]
