"""Links over real WebSockets on loopback: both ends, closes, limits, origins."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from netnode import websocket
from netnode.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, FrameReader, closing, frame
from netnode.links import PEER_PATH, WebSocketDialer, WebSocketListener
from netnode.ports import Link, LinkClosed
from netnode.simulator.virtual_time import VirtualLoop
from netnode.system import SystemEntropy
from protocol import limits
from tests.netnode.patience import patience

OnLink = Callable[[Link], Awaitable[None]]


@asynccontextmanager
async def serving(on_link: OnLink | None, listener: WebSocketListener | None = None) -> AsyncIterator[str]:
    """A listener on a free port; yields ``127.0.0.1:port``."""
    listener = listener or WebSocketListener()
    app = web.Application()
    app.add_routes([listener.route()])
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    if on_link is not None:
        await listener.start(on_link)
    try:
        yield f"{host}:{port}"
    finally:
        await listener.close()
        await runner.cleanup()


@pytest.fixture
async def dialer() -> AsyncIterator[WebSocketDialer]:
    made = WebSocketDialer(SystemEntropy())
    yield made
    await made.close()


async def echo(link: Link) -> None:
    try:
        while True:
            await link.send(await link.receive())
    except LinkClosed:
        return


async def test_messages_come_whole_and_in_order(dialer: WebSocketDialer) -> None:
    """One binary message each, up to MAX_NOISE_MESSAGE bytes [R-LINK-1] [R-LINK-2]."""
    async with serving(echo) as address:
        link = await dialer.dial(f"ws://{address}{PEER_PATH}")
        assert link.remote == address
        messages = [b"", b"x", bytes(limits.MAX_NOISE_MESSAGE), b"last"]
        for message in messages:
            await link.send(message)
        assert [await link.receive() for _ in messages] == messages
        await link.close(1000, "enough")
        await link.close()
        with pytest.raises(LinkClosed):
            await link.send(b"more")
        with pytest.raises(LinkClosed):
            await link.receive()


async def test_the_close_code_arrives(dialer: WebSocketDialer) -> None:
    """With its reason, at either side [R-LINK-2]."""
    closed: asyncio.Queue[LinkClosed] = asyncio.Queue()

    async def listen(link: Link) -> None:
        try:
            if await link.receive() == b"close":
                await link.close(1013, "no room " + "x" * 300)
            else:
                await link.receive()
        except LinkClosed as error:
            closed.put_nowait(error)

    async with serving(listen) as address:
        link = await dialer.dial(f"ws://{address}{PEER_PATH}")
        await link.send(b"close")
        with pytest.raises(LinkClosed) as raised:
            await link.receive()
        assert raised.value.code == 1013 and raised.value.text.startswith("no room")
        link = await dialer.dial(f"ws://{address}{PEER_PATH}")
        await link.send(b"stay")
        await link.close(1002, "broke INX")
        assert (await closed.get()).code == 1002


async def test_text_and_oversize_end_the_link(dialer: WebSocketDialer) -> None:
    """1003 for a text message, 1009 before a message is buffered whole [R-LINK-2]."""
    async with serving(echo) as address, aiohttp.ClientSession() as client:
        async with client.ws_connect(f"ws://{address}{PEER_PATH}", compress=0) as socket:
            await socket.send_str("hello")
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1003
        async with client.ws_connect(f"ws://{address}{PEER_PATH}", compress=0) as socket:
            await socket.send_bytes(bytes(limits.MAX_NOISE_MESSAGE + 1))
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1009


async def test_nothing_is_compressed(dialer: WebSocketDialer) -> None:
    """An offer of compression is not taken [R-LINK-1]."""
    async with (
        serving(echo) as address,
        aiohttp.ClientSession() as client,
        client.ws_connect(f"ws://{address}{PEER_PATH}", compress=15) as socket,
    ):
        assert socket.compress == 0


async def test_a_query_is_ignored(dialer: WebSocketDialer) -> None:
    """A node's address may carry one [R-LINK-1]."""
    async with serving(echo) as address:
        link = await dialer.dial(f"ws://{address}{PEER_PATH}?tenant=7")
        await link.send(b"x")
        assert await link.receive() == b"x"
        await link.close()


async def test_what_a_dialler_is_told(dialer: WebSocketDialer) -> None:
    """A sentence for the owner: nobody there, no node there, not an address."""
    with pytest.raises(OSError, match="cannot connect"):
        await dialer.dial("ws://127.0.0.1:1/inx/1")
    async with serving(echo) as address:
        with pytest.raises(OSError, match=r"no INX node answers there \(HTTP 404\)"):
            await dialer.dial(f"ws://{address}/other")
    with pytest.raises(OSError, match="cannot connect"):
        await dialer.dial("ws://")


async def test_a_server_that_never_answers(dialer: WebSocketDialer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt ends in time [R-LINK-4]."""
    monkeypatch.setattr(limits, "HANDSHAKE_SECONDS", 0.05)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(OSError, match="no answer within"):
        await dialer.dial(f"ws://127.0.0.1:{port}{PEER_PATH}")
    server.close()
    await server.wait_closed()


async def test_a_listener_that_is_not_open(dialer: WebSocketDialer) -> None:
    """503 before it starts and after it ends; a plain request is told what to do."""
    listener = WebSocketListener()
    async with serving(None, listener) as address, aiohttp.ClientSession() as client:
        async with client.get(f"http://{address}{PEER_PATH}") as answer:
            assert answer.status == 503
        await listener.start(echo)
        async with client.get(f"http://{address}{PEER_PATH}") as answer:
            assert answer.status == 426 and "WebSocket" in await answer.text()
        link = await dialer.dial(f"ws://{address}{PEER_PATH}")
        await link.send(b"x")
        await link.receive()
        await listener.close()
        with pytest.raises(LinkClosed) as raised:
            await link.receive()
        assert raised.value.code == 1001
        async with client.get(f"http://{address}{PEER_PATH}") as answer:
            assert answer.status == 503


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost:3000", True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("https://shop.example", True),
        ("https://evil.example", False),
        ("https://localhost.evil.example", False),
        ("null", False),
    ],
)
async def test_origins(origin: str | None, allowed: bool) -> None:
    """Pages of this machine and those the owner named may open links; others may not."""
    listener = WebSocketListener(allow_origins=["https://shop.example"])
    async with serving(echo, listener) as address, aiohttp.ClientSession() as client:
        headers = {} if origin is None else {"Origin": origin}
        if allowed:
            async with client.ws_connect(f"ws://{address}{PEER_PATH}", headers=headers) as socket:
                await socket.send_bytes(b"x")
                assert (await socket.receive()).data == b"x"
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(f"ws://{address}{PEER_PATH}", headers=headers)
            assert refused.value.status == 403


@pytest.mark.parametrize(
    ("proxies", "remote"),
    [([], "127.0.0.1"), (["127.0.0.0/8"], "203.0.113.9"), (["10.0.0.0/8"], "127.0.0.1")],
)
async def test_who_is_behind_a_proxy(proxies: list[str], remote: str) -> None:
    """The last address a trusted proxy adds; others are not believed."""
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def note(link: Link) -> None:
        seen.put_nowait(link.remote)

    async with (
        serving(note, WebSocketListener(proxies=proxies)) as address,
        aiohttp.ClientSession() as client,
    ):
        headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
        async with client.ws_connect(f"ws://{address}{PEER_PATH}", headers=headers):
            assert await seen.get() == remote


async def test_a_slow_reader_makes_the_sender_wait(dialer: WebSocketDialer) -> None:
    """What is not read does not pile up here without bound [R-LINK-5]."""
    sent = 0

    async def flood(link: Link) -> None:
        nonlocal sent
        try:
            while sent < 4_000:
                await link.send(bytes(60_000))
                sent += 1
        except LinkClosed:
            return

    async with serving(flood) as address:
        reader, writer = await asyncio.open_connection(*address.split(":"))
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        writer.write(
            f"GET {PEER_PATH} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 1_000, "the socket's buffers and ours, not 240 MB"
        writer.close()
    assert websocket.SEND_BUFFER <= 256 * 1024


async def test_an_abrupt_end(dialer: WebSocketDialer) -> None:
    """A connection that breaks is a closed link, 1006."""
    ended: asyncio.Queue[LinkClosed] = asyncio.Queue()

    async def listen(link: Link) -> None:
        try:
            await link.receive()
        except LinkClosed as error:
            ended.put_nowait(error)

    async with serving(listen) as address, aiohttp.ClientSession() as client:
        socket = await client.ws_connect(f"ws://{address}{PEER_PATH}")
        transport = socket.get_extra_info("socket")
        assert transport is not None
        connection = socket._response.connection
        assert connection is not None and connection.transport is not None
        connection.transport.abort()
        async with patience(5):
            assert (await ended.get()).code in (1000, 1006)


async def test_who_goes_before_the_answer_is_nobodys_fault(
    dialer: WebSocketDialer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed between its request and the answer, a dialler leaves no error in the log."""

    async def gone(self: web.StreamResponse, request: web.BaseRequest) -> None:
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")

    monkeypatch.setattr(web.StreamResponse, "prepare", gone)
    async with serving(echo) as address:
        with pytest.raises((OSError, LinkClosed)):
            await dialer.dial(f"ws://{address}{PEER_PATH}")
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_an_address_is_dialled_as_it_stands() -> None:
    """A page that leads elsewhere is no node: it could lead into the dialler's own network [R-LINK-1]."""
    led: list[str] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        led.append(request.path)
        raise web.HTTPTemporaryRedirect("/other")

    app = web.Application()
    app.router.add_get("/{path:.*}", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    dialer = WebSocketDialer(SystemEntropy())
    try:
        with pytest.raises(OSError, match="leads elsewhere"):
            await dialer.dial(f"ws://127.0.0.1:{port}/inx/1")
    finally:
        await dialer.close()
        await runner.cleanup()
    assert led == ["/inx/1"]


async def test_a_public_dial_leads_to_no_private_address() -> None:
    """Neither written out nor behind a name: strangers told the address [R-BOOK-9]."""
    dialer = WebSocketDialer(SystemEntropy())
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(OSError, match="private network"):
                await dialer.dial(f"ws://{host}:{port}/inx/1", public=True)
    finally:
        server.close()
        await dialer.close()


async def test_offers_are_sent_in_order_until_the_other_side_is_slow(dialer: WebSocketDialer) -> None:
    """What is offered is sent on the spot or not at all; `send` goes on behind it [R-LINK-1]."""
    got: list[bytes] = []
    read, done = asyncio.Event(), asyncio.Event()
    accepted: asyncio.Queue[Link] = asyncio.Queue()

    async def slow(link: Link) -> None:
        accepted.put_nowait(link)
        await read.wait()
        try:
            while True:
                got.append(await link.receive())
        except LinkClosed:
            done.set()

    async with serving(slow) as address:
        link = await dialer.dial(f"ws://{address}{PEER_PATH}")
        far = await accepted.get()
        said: list[bytes] = []
        while link.offer(message := len(said).to_bytes(4) + bytes(60_000)):
            said.append(message)
            assert len(said) < 1_000
        sending = asyncio.create_task(link.send(message))
        said.append(message)
        read.set()
        await sending
        assert far.offer(b"the other way")
        assert await link.receive() == b"the other way"
        await link.close()
        await done.wait()
        assert got == said
        assert not link.offer(b"too late")


@asynccontextmanager
async def raw(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client by hand, its handshake over."""
    reader, writer = await asyncio.open_connection(*address.split(":"))
    writer.write(
        f"GET {PEER_PATH} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in answer and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer  # the pair RFC 6455 gives
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def heard(reader: asyncio.StreamReader) -> bytes:
    """The next short frame of a server."""
    head = await reader.readexactly(2)
    return head + await reader.readexactly(head[1])


@asynccontextmanager
async def by_hand(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server by hand, for one connection; yields its address, and waits until it has ended."""
    done = asyncio.Event()

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.close()
        await writer.wait_closed()
        done.set()

    async with patience(5), await asyncio.start_server(once, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{PEER_PATH}"
        await done.wait()


def accepting(request: bytes) -> bytes:
    """The answer of a server to a dialler's handshake."""
    key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
    )


MASK = b"\x01\x02\x03\x04"


async def test_pings_are_answered_and_closes_too(dialer: WebSocketDialer) -> None:
    """Also between the fragments of a message [R-LINK-2] [R-LINK-3]."""
    async with serving(echo) as address, raw(address) as (reader, writer), patience(5):
        part, rest = frame(BINARY, b"one ", MASK), frame(CONTINUATION, b"message", MASK)
        writer.write(bytes((part[0] & 0x7F,)) + part[1:] + frame(PING, b"there?", MASK) + rest)
        assert await heard(reader) == frame(PONG, b"there?", None)
        assert await heard(reader) == frame(BINARY, b"one message", None)
        writer.write(frame(PONG, b"unasked", MASK) + frame(CLOSE, closing(1001, "bye"), MASK))
        assert await heard(reader) == frame(CLOSE, closing(1001, "bye"), None)
        assert await reader.read() == b""


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(BINARY, b"x", None), 1002),
        (b"\xc2" + frame(BINARY, b"x", MASK)[1:], 1002),
        (frame(CLOSE, b"\x00", MASK), 1002),
        (frame(TEXT, b"x", MASK), 1003),
        (frame(BINARY, bytes(limits.MAX_NOISE_MESSAGE + 1), MASK)[:20], 1009),
    ],
)
async def test_what_breaks_the_link(dialer: WebSocketDialer, data: bytes, code: int) -> None:
    """The code says why, at once, and the connection ends [R-LINK-2]."""
    async with serving(echo) as address, raw(address) as (reader, writer), patience(5):
        writer.write(data)
        assert (await heard(reader))[2:4] == code.to_bytes(2)
        assert await reader.read() == b""


async def test_what_comes_right_behind_the_handshake(dialer: WebSocketDialer) -> None:
    """A server's first message may lie in one packet with its answer."""

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        second = frame(BINARY, b"second", None)
        writer.write(accepting(request) + frame(BINARY, b"first", None) + second[:5])
        await writer.drain()
        writer.write(second[5:])
        await reader.read()

    async with by_hand(hasty) as address:
        link = await dialer.dial(address)
        assert [await link.receive(), await link.receive()] == [b"first", b"second"]
        await link.close()


@pytest.mark.parametrize(
    "headers",
    [
        b"Upgrade: websocket\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
        b"Upgrade: websocket\r\n",
    ],
)
async def test_an_answer_that_proves_nothing(dialer: WebSocketDialer, headers: bytes) -> None:
    """Who did not read the key of the handshake is no WebSocket (RFC 6455 section 4.1)."""

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 x\r\nConnection: Upgrade\r\n" + headers + b"\r\n")
        await reader.read()

    async with by_hand(other) as address:
        with pytest.raises(OSError, match="no INX node answers there"):
            await dialer.dial(address)


async def test_a_silent_link_is_pinged_and_then_ends(
    dialer: WebSocketDialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ping after HEARTBEAT_SECONDS, and then the end, abrupt [R-LINK-3]."""
    monkeypatch.setattr(limits, "HEARTBEAT_SECONDS", 0.05)
    ended: asyncio.Queue[LinkClosed] = asyncio.Queue()

    async def listen(link: Link) -> None:
        try:
            await link.receive()
        except LinkClosed as error:
            ended.put_nowait(error)

    async with serving(listen) as address, raw(address) as (reader, _), patience(5):
        assert await heard(reader) == frame(PING, b"", None)
        assert (await ended.get()).code == 1006
        assert await reader.read() == b""


def test_who_answers_a_ping_in_time_stays() -> None:
    """The ping comes after HEARTBEAT_SECONDS of silence, the end half of that later; in virtual time [R-LINK-3]."""
    beat, told = limits.HEARTBEAT_SECONDS, []

    class Connection(asyncio.Transport):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            told.append((asyncio.get_running_loop().time(), bytes(data)))

        def abort(self) -> None:
            told.append((asyncio.get_running_loop().time(), b"aborted"))

        def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
            """It stays."""

        def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
            """What is written is taken at once."""

    async def main() -> None:
        link = websocket.WebSocketLink("ws://remote", "", None)
        link.take_over(Connection(), lambda _: None)
        await asyncio.sleep(1.4 * beat)  # almost too late
        link.data_received(frame(PONG, b"", MASK))
        await asyncio.sleep(0.9 * beat)
        link.data_received(frame(BINARY, b"also a sign of life", MASK))
        await asyncio.sleep(2 * beat)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    ping = frame(PING, b"", None)
    assert [(round(time / beat, 3), data) for time, data in told] == [
        (1.0, ping),
        (3.3, ping),
        (3.8, b"aborted"),
    ]


async def test_a_dialler_answers_pings_and_masks(dialer: WebSocketDialer) -> None:
    """As a client must (RFC 6455 section 5.3) [R-LINK-3]."""
    said: asyncio.Queue[bytes] = asyncio.Queue()

    async def pinging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(accepting(request) + frame(PING, b"there?", None))
        said.put_nowait(await reader.readexactly(12))
        await reader.read()

    async with by_hand(pinging) as address:
        link = await dialer.dial(address)
        pong = await said.get()
        assert pong == frame(PONG, b"there?", pong[2:6]) and FrameReader(9, masked=True).feed(pong)
        await link.close()


async def test_what_is_not_received_is_not_read(dialer: WebSocketDialer) -> None:
    """The other side waits: TCP tells it [R-LINK-5]."""
    go = asyncio.Event()
    got = 0

    async def slow(link: Link) -> None:
        nonlocal got
        await go.wait()
        try:
            while True:
                got += len(await link.receive())
        except LinkClosed:
            return

    async with serving(slow) as address:
        link = await dialer.dial(f"ws://{address}{PEER_PATH}")
        sent = 0

        async def flood() -> None:
            nonlocal sent
            while sent < 30_000_000:
                await link.send(bytes(60_000))
                sent += 60_000

        flooding = asyncio.create_task(flood())
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 30_000_000, "the sockets' buffers and ours"
        go.set()
        async with patience(20):
            await flooding
            await link.close()
        assert got == sent
