"""C4: bytes that mean nothing, at every phase."""

from __future__ import annotations

from typing import Final

from netnode.conformance.bench import Bench, closed, received
from netnode.conformance.checking import EVERYBODY, KEEPERS, Broken, Check, want
from netnode.conformance.encoding import encode
from netnode.conformance.limits import MAX_DEPTH, MAX_MESSAGE, MAX_NODES
from netnode.conformance.messages import TYPES
from netnode.conformance.websocket import Opcode, SocketClosed, connected

TWIN: Final = TYPES["twin"]
ROUNDS: Final = 12


async def _each(bench: Bench, code: tuple[str, ...], *plaintexts: bytes) -> None:
    for plaintext in plaintexts:
        async with bench.meet() as peer:
            await peer.say(plaintext)
            try:
                await peer.expelled(*code)
            except Broken as broken:
                raise Broken(f"{plaintext[:12].hex()}...: {broken}") from broken
    await bench.alive()


async def _no_value(bench: Bench) -> None:
    whole = encode([TWIN, 0, {}])
    await _each(
        bench, ("encoding",), b"", b"\xc1", b"\xcb" + bytes(8), b"\xd4\x00\x00", whole + b"\x00", whole[:-1]
    )


async def _no_text(bench: Bench) -> None:
    bodies = (b"\xa1\xff", b"\xa3\xed\xa0\x80", b"\xa2\xc0\x80", b"\xa1\x00")
    await _each(bench, ("encoding",), *(b"\x93\x1d\x00\x81\xa1x" + body for body in bodies))


async def _too_great(bench: Bench) -> None:
    await _each(
        bench, ("encoding",), b"\x93\x1d\x00\x81\xa1x\xcf\x00\x20" + bytes(6), b"\x93\x1d\x00\x81\x05\x00"
    )


async def _not_canonical(bench: Bench) -> None:
    await _each(
        bench,
        ("not_canonical",),
        b"\x93\xcc\x1d\x00\x80",  # 29 in two bytes
        b"\x93\x1d\x00\x82\xa1b\x00\xa1a\x00",  # keys out of order
        b"\xdc\x00\x03\x1d\x00\x80",  # an array of 3 with a long head
        b"\x93\x1d\x00\x81\xd9\x01x\x00",  # a str of 1 with a long head
        b"\x93\x1d\x00\x82\xa1a\x00\xa1a\x00",  # a key twice
    )


async def _bombs(bench: Bench) -> None:
    deep = b"\x91" * (MAX_DEPTH + 1) + b"\x90"
    many = b"\xdc" + (MAX_NODES).to_bytes(2, "big") + b"\xc0" * MAX_NODES
    await _each(bench, ("too_large",), deep, many)
    await _each(
        bench,
        ("encoding", "too_large"),
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
    )


async def _deepest(bench: Bench) -> None:
    """What is just within the bounds is read: an unknown field of a message may nest so deep."""
    nested: object = []
    for _ in range(MAX_DEPTH - 2):
        nested = [nested]
    async with bench.meet() as peer:
        await peer.say(encode([1_001, 0, {"x": nested}]))
        await peer.say(encode([1_001, 0, {"x": [None] * (MAX_NODES - 5)}]))
        await peer.say(encode([1_001, 0, {"x": bytes(MAX_MESSAGE - 11)}]))
        await peer.goes_on()


async def _no_message(bench: Bench) -> None:
    await _each(
        bench,
        ("bad_message",),
        encode([]),
        encode({}),
        encode(7),
        encode([TWIN, 0]),
        encode([TWIN, 0, {}, {}]),
        encode([TWIN, True, {}]),
        encode([TWIN, -1, {}]),
        encode(["twin", 0, {}]),
        encode([TWIN, 0, []]),
    )


async def _before_http(bench: Bench) -> None:
    for junk in (
        bench.entropy.token(2_000),
        b"\r\n" * 200,
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01" + bytes(200),
    ):
        _, writer = await connected(bench.target)
        writer.write(junk)
        writer.close()
    await bench.alive()


async def _frames(bench: Bench) -> None:
    """Frames that RFC 6455 does not allow: the link ends."""
    async with bench.linked() as socket:
        wrong = (
            socket.framed(b"x", 3),  # a reserved opcode
            bytes([0xC2]) + socket.framed(b"x")[1:],  # a reserved bit
            socket.framed(bytes(126), Opcode.PING),  # a control frame that is too long
            socket.framed(b"x", Opcode.CONTINUATION),  # goes on with nothing
        )
    for raw in wrong:
        async with bench.linked() as socket:
            await socket.send_raw(raw)
            try:
                await closed(socket, (1002, 1003, 1007, 1009, 1011))
            except Broken as broken:
                raise Broken(f"frame {raw[:2].hex()}: {broken}") from broken
    await bench.alive()


async def _claimed_length(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.socket.send_raw(peer.socket.framed(bytes(4_000), length=1 << 40))
        ending = await peer.ended()
        want(ending.closed in (1009, None), f"close code {ending.closed}, not 1009")
    await bench.alive()


async def _fragments_too_long(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.socket.send(bytes(60_000), fin=False)
        await peer.socket.send(bytes(60_000), Opcode.CONTINUATION)
        ending = await peer.ended()
        want(ending.closed in (1009, None), f"close code {ending.closed}, not 1009")
    await bench.alive()


async def _noise_garbage(bench: Bench) -> None:
    for size in (1, 32, 48, 96, 4_000, 65_535):
        async with bench.linked() as socket:
            await socket.send(bench.entropy.token(size))
            try:
                await received(socket)  # 32 bytes and more are a message 1: any bytes are a key
                await socket.send(bench.entropy.token(size))
                await closed(socket)
            except SocketClosed as end:
                want(end.code in (None, 1002), f"close code {end.code}, not 1002")
    await bench.alive()


async def _random_messages(bench: Bench) -> None:
    """Garbled messages of all types, sealed well: each ends its session with a code, or is passed over."""
    for number in range(ROUNDS):
        async with bench.meet() as peer:
            kind = list(TYPES.values())[number * 3 % len(TYPES)]
            await peer.say(
                encode([kind, 1, {"x": bench.entropy.token(40), "ids": [1], "items": {}, "runs": 0}])
            )
            await peer.ended_or_goes_on()
    await bench.alive()


CHECKS: Final = (
    Check(
        "C4-01",
        "R-ENC-1 R-ENC-6 R-MSG-3",
        EVERYBODY,
        "ends with `encoding` on bytes that are no value",
        _no_value,
    ),
    Check("C4-02", "R-ENC-3", EVERYBODY, "ends with `encoding` on text that is none", _no_text),
    Check(
        "C4-03",
        "R-ENC-2 R-ENC-4",
        EVERYBODY,
        "ends with `encoding` on integers and keys out of bounds",
        _too_great,
    ),
    Check(
        "C4-04",
        "R-ENC-5 R-ENC-2 R-ENC-4",
        EVERYBODY,
        "ends with `not_canonical` on any other encoding",
        _not_canonical,
    ),
    Check(
        "C4-05", "R-ENC-7 R-ENC-8", EVERYBODY, "ends with `too_large` on what nests or counts too far", _bombs
    ),
    Check("C4-06", "R-ENC-7 R-MSG-5 R-MSG-2", EVERYBODY, "reads what is just within the bounds", _deepest),
    Check(
        "C4-07",
        "R-MSG-1 R-MSG-3",
        EVERYBODY,
        "ends with `bad_message` on values that are no message",
        _no_message,
    ),
    Check("C4-08", "R-LINK-1", KEEPERS, "outlives bytes that are no HTTP", _before_http),
    Check(
        "C4-09", "R-LINK-1 R-LINK-2", KEEPERS, "ends a link on frames that RFC 6455 does not allow", _frames
    ),
    Check(
        "C4-10",
        "R-LINK-2",
        EVERYBODY,
        "ends a link on a length beyond the bound, before it reads it",
        _claimed_length,
    ),
    Check(
        "C4-11",
        "R-LINK-2",
        EVERYBODY,
        "ends a link on fragments that grow beyond the bound",
        _fragments_too_long,
    ),
    Check("C4-12", "R-NOISE-3 R-NOISE-5", KEEPERS, "closes on handshakes of random bytes", _noise_garbage),
    Check(
        "C4-13", "R-MSG-3 R-SES-12", EVERYBODY, "outlives messages with bodies of garbage", _random_messages
    ),
)
