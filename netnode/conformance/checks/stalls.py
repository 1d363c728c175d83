"""C4: peers that say nothing, or too slowly; section 9.1."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

from netnode.conformance.bench import Bench, closed, received
from netnode.conformance.checking import EVERYBODY, KEEPERS, Broken, Check, want
from netnode.conformance.peer import Ending
from netnode.conformance.websocket import SocketClosed, connected, upgrade

HANDSHAKE: Final = 10.0  # HANDSHAKE_SECONDS
GRACE: Final = 6.0
HEARTBEAT: Final = 30.0  # HEARTBEAT_SECONDS
EVERY: Final = 0.5


async def _no_first(bench: Bench) -> None:
    async with bench.linked() as socket:
        await _ends(bench, closed(socket, (1000, 1002, 1008, 1013), HANDSHAKE + GRACE))


async def _ends(bench: Bench, end: Awaitable[object]) -> None:
    """Fails unless the link ends, and not at once."""
    began = bench.clock.monotonic()
    await end
    took = bench.clock.monotonic() - began
    want(took > 1, f"it ends after {took:.1f} s: no time for anybody")
    await bench.alive()


async def _no_third(bench: Bench) -> None:
    async with bench.linked() as socket:
        await socket.send(bench.session().hello_of_noise())
        await received(socket)
        await _ends(bench, closed(socket, (1000, 1002, 1008, 1013), HANDSHAKE + GRACE))


async def _no_hello(bench: Bench) -> None:
    async with bench.meet(greet=False) as peer:
        await peer.until(lambda: peer.hello, "its hello")
        await _ends(bench, peer.ended(HANDSHAKE + GRACE))


async def _half_a_frame(bench: Bench) -> None:
    async with bench.linked() as socket:
        await socket.send_raw(socket.framed(bench.session().hello_of_noise())[:-5])
        await _ends(bench, closed(socket, (1000, 1002, 1008, 1013), HANDSHAKE + GRACE))


async def _drip(bench: Bench) -> None:
    """Message 1, one byte in half a second: each is a sign of life, and yet the handshake has its end."""
    async with bench.linked() as socket:
        frame = socket.framed(bench.session().hello_of_noise())

        async def dripped() -> None:
            for at in range(len(frame)):
                await socket.send_raw(frame[at : at + 1])
                await asyncio.sleep(EVERY)  # the slowness is what is shown

        dripping = asyncio.create_task(dripped(), name="drips")
        try:
            await _ends(bench, closed(socket, (1000, 1002, 1008, 1013), HANDSHAKE + GRACE))
        finally:
            dripping.cancel()
            await asyncio.gather(dripping, return_exceptions=True)


async def _slow_http(bench: Bench) -> None:
    """A request whose headers never end: others are served meanwhile."""
    _, writer = await connected(bench.target)
    try:
        head = upgrade(bench.target, bench.entropy.token(16))
        writer.write(head[:-2])
        for number in range(8):
            writer.write(f"X-{number}: 1\r\n".encode())
            await bench.alive()
    finally:
        writer.close()


async def _not_read(bench: Bench) -> None:
    """Asks for much and reads nothing: others are served meanwhile."""
    async with bench.meet() as peer:
        peer.reads.clear()
        for number in range(1_000, 1_064):
            await peer.ask_as(number, "get", budget=1 << 22, wants=[[bench.known.id, 0, 1 << 30]] * 500)
        for _ in range(3):
            await bench.alive()
        peer.reads.set()
        try:
            await peer.answered(1_000, "the first question")
        except Broken as broken:
            want(peer.ending is not None, str(broken))  # it may have lost patience


async def _never_answers(bench: Bench) -> None:
    """Its questions get no answer: it may leave, with `answer` or without a code, and serves others."""
    shelf = bench.shelf()
    shelf.answers |= {name: lambda _: None for name in ("changes", "heads", "get", "openers", "ranges")}
    async with bench.meet(shelf=shelf, interest=[]) as peer:
        await peer.goes_on()
        await bench.alive()
        try:
            ending: Ending | None = await peer.ended(HEARTBEAT + GRACE)
        except Broken:
            ending = None
        want(
            ending is None or ending.said in (None, "", "answer"), f"it leaves with {ending and ending.said}"
        )
    await bench.alive()


async def _heartbeat(bench: Bench) -> None:
    """On an idle link the node pings; questions of its own put that off."""
    async with bench.meet(interest=[]) as peer:
        await peer.goes_on()
        await peer.until(lambda: peer.socket.pinged, "a ping on an idle link", 2 * HEARTBEAT + GRACE)


async def _dropped(bench: Bench) -> None:
    """Connections that end without a word, at every phase."""
    for phase in range(4):
        async with bench.linked() as socket:
            session = bench.session()
            if phase:
                await socket.send(session.hello_of_noise())
            if phase > 1:
                session.meet((await received(socket)).data)
                await socket.send(session.show())
            if phase > 2:
                try:
                    await received(socket)
                except SocketClosed as end:
                    raise Broken("it ended an honest handshake") from end
            socket.drop()
    await bench.alive()


CHECKS: Final = (
    Check("C4-20", "R-LINK-4", KEEPERS, "closes a link on which no handshake begins", _no_first, slow=True),
    Check("C4-21", "R-LINK-4", KEEPERS, "closes a link whose handshake stops", _no_third, slow=True),
    Check("C4-22", "R-LINK-4", KEEPERS, "ends a session without hello", _no_hello, slow=True),
    Check("C4-23", "R-LINK-4", KEEPERS, "closes a link on which half a frame came", _half_a_frame, slow=True),
    Check("C4-24", "R-LINK-4", KEEPERS, "closes a link that drips", _drip, slow=True),
    Check("C4-25", "R-LINK-5", KEEPERS, "serves others while a request does not end", _slow_http),
    Check("C4-26", "R-LINK-5", KEEPERS, "serves others while a peer asks much and reads nothing", _not_read),
    Check("C4-27", "R-LINK-4", EVERYBODY, "waits for no answer for ever", _never_answers, slow=True),
    Check("C4-28", "R-LINK-3", EVERYBODY, "pings on an idle link", _heartbeat, slow=True),
    Check("C4-29", "R-LINK-4", KEEPERS, "outlives links that end without a word", _dropped),
)
