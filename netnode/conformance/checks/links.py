"""C1: WebSocket links."""

from __future__ import annotations

from typing import Final

from netnode.conformance.bench import Bench, closed, received
from netnode.conformance.checking import EVERYBODY, KEEPERS, Check, want
from netnode.conformance.limits import MAX_NOISE_MESSAGE
from netnode.conformance.websocket import Opcode

FRAGMENT: Final = 7


async def _plain(bench: Bench) -> None:
    offers = ("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",)
    async with bench.linked(offers) as socket:
        want("sec-websocket-extensions" not in socket.headers, "it accepts an extension")
        want("sec-websocket-protocol" not in socket.headers, "it names a subprotocol")
        await socket.send(bench.session().hello_of_noise())
        await received(socket)


async def _query(bench: Bench) -> None:
    async with bench.linked(query="&x=1" if "?" in bench.target.path else "?x=1") as socket:
        await socket.send(bench.session().hello_of_noise())
        await received(socket)


async def _text(bench: Bench) -> None:
    async with bench.linked() as socket:
        await socket.send(b"hello", Opcode.TEXT)
        await closed(socket, (1003,))
    async with bench.meet() as peer:
        await peer.socket.send(b"hello", Opcode.TEXT)
        ending = await peer.ended()
        want(ending.closed == 1003, f"close code {ending.closed}, not 1003")


async def _long(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.socket.send(bytes(MAX_NOISE_MESSAGE + 1))
        ending = await peer.ended()
        want(
            ending.closed in (1009, None), f"close code {ending.closed}, not 1009"
        )  # what is unread may reset it


async def _fragments(bench: Bench) -> None:
    async with bench.meet() as peer:
        number, sealed = peer.session.ask("heads", after=None, limit=1)
        peer.expects(number)
        parts = [sealed[at : at + FRAGMENT] for at in range(0, len(sealed), FRAGMENT)]
        for at, part in enumerate(parts):
            opcode = Opcode.CONTINUATION if at else Opcode.BINARY
            await peer.socket.send(part, opcode, fin=at == len(parts) - 1)
            if at == 1:  # a control frame may come between fragments
                await peer.socket.send(b"between", Opcode.PING)
        await peer.answered(number, "heads in fragments")


async def _pings(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.socket.send(b"are you there", Opcode.PING)
        await peer.until(lambda: peer.pongs, "a pong")


CHECKS: Final = (
    Check("C1-01", "R-LINK-1", KEEPERS, "declines compression and subprotocols", _plain),
    Check("C1-02", "R-LINK-1", KEEPERS, "ignores a query in the path", _query),
    Check("C1-03", "R-LINK-2", EVERYBODY, "ends a link on a text message, close code 1003", _text),
    Check(
        "C1-04", "R-LINK-2 R-NOISE-3", EVERYBODY, "ends a link on a longer message, close code 1009", _long
    ),
    Check("C1-05", "R-LINK-2", EVERYBODY, "puts a fragmented message together", _fragments),
    Check("C1-06", "R-LINK-3", EVERYBODY, "answers pings with pongs", _pings),
)
