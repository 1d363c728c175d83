"""C1: the Noise handshake and the transport after it."""

from __future__ import annotations

from typing import Final

from netnode.conformance.author import Author
from netnode.conformance.bench import Bench, closed, received
from netnode.conformance.checking import EVERYBODY, KEEPERS, Broken, Check, want
from netnode.conformance.faults import Fault
from netnode.conformance.messages import write_message
from netnode.conformance.session import Session
from netnode.conformance.websocket import SocketClosed

MESSAGE_2: Final = 96  # bytes of message 2 without its payload, section 9.2


async def _shows_itself(bench: Bench) -> None:
    session = bench.session()
    async with bench.linked() as socket:
        await socket.send(session.hello_of_noise())
        answer = (await received(socket)).data
        want(len(answer) > MESSAGE_2, f"message 2 of {len(answer)} bytes")
        try:
            session.meet(answer)
        except Fault as fault:
            raise Broken(f"message 2: {fault}") from fault
        want(session.peer is not None and session.peer.id == bench.known.id, "another networker than before")


async def _fresh(bench: Bench) -> None:
    seen = []
    for _ in range(3):
        async with bench.linked() as socket:
            await socket.send(bench.session().hello_of_noise())
            seen.append((await received(socket)).data[:32])
    want(len(set(seen)) == len(seen), "an ephemeral key came twice")


async def _payload_of_1(bench: Bench) -> None:
    session = bench.session()
    async with bench.linked() as socket:
        await socket.send(session.hello_of_noise(b"anything at all"))
        session.meet((await received(socket)).data, bench.known.id)
        await socket.send(session.show())
        want(len((await received(socket)).data) > 0, "no hello")


async def _another_network(bench: Bench) -> None:
    other = "other-network" if bench.network != "other-network" else "inx"
    own = Author(other, bench.entropy, bench.now())
    static, ephemeral = bench.entropy.token(32), bench.entropy.token(32)
    session = Session(own.networker, dialler=True, static=static, ephemeral=ephemeral, now=bench.now())
    async with bench.linked() as socket:
        await socket.send(session.hello_of_noise())
        try:
            session.meet((await received(socket)).data)
        except (Fault, SocketClosed):
            return
        raise Broken("message 2 decrypts under the prologue of another network")


async def _too_short(bench: Bench) -> None:
    for first in (b"", bytes(31)):
        async with bench.linked() as socket:
            await socket.send(first)
            await closed(socket)
    async with bench.linked() as socket:
        session = bench.session()
        await socket.send(session.hello_of_noise())
        await received(socket)
        await socket.send(bytes(63))
        await closed(socket)


async def _zeros(bench: Bench) -> None:
    for key in (bytes(32), b"\x01" + bytes(31)):  # of small order: what X25519 gives is zeros
        async with bench.linked() as socket:
            await socket.send(key)
            await closed(socket)


async def _third_garbled(bench: Bench) -> None:
    session = bench.session()
    async with bench.linked() as socket:
        await socket.send(session.hello_of_noise())
        session.meet((await received(socket)).data, bench.known.id)
        third = bytearray(session.show())
        third[-1] ^= 1
        await socket.send(bytes(third))
        await closed(socket)


async def _does_not_decrypt(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.socket.send(bytes(40))
        ending = await peer.ended()
        want(ending.said in (None, "handshake"), f"bye {ending.said}")
        want(ending.closed in (1002, None), f"close code {ending.closed}, not 1002")


async def _repeated(bench: Bench) -> None:
    async with bench.meet() as peer:
        sealed = peer.session.tell("refuse", 0, code="not_here", text="twice")
        await peer.socket.send(sealed)
        await peer.socket.send(sealed)
        ending = await peer.ended()
        want(ending.said in (None, "handshake"), f"bye {ending.said}")


async def _skipped(bench: Bench) -> None:
    async with bench.meet() as peer:
        peer.session.seal(write_message("refuse", 0, code="not_here", text="never sent"))
        await peer.tell("refuse", 0, code="not_here", text="its count is one too high")
        ending = await peer.ended()
        want(ending.said in (None, "handshake"), f"bye {ending.said}")


CHECKS: Final = (
    Check(
        "C1-10",
        "R-NOISE-1 R-SES-1 R-SES-2 R-CERT-1 R-CERT-2 R-CERT-4 R-ID-1 R-LOG-1 R-KEY-1",
        KEEPERS,
        "shows itself in message 2 by a payload that verifies in every part",
        _shows_itself,
    ),
    Check("C1-11", "R-SES-2", KEEPERS, "takes a fresh ephemeral key for each handshake", _fresh),
    Check("C1-12", "R-SES-2", KEEPERS, "ignores a payload of message 1", _payload_of_1),
    Check("C1-13", "R-SES-1 R-TAG-1", KEEPERS, "speaks with its own network only", _another_network),
    Check("C1-14", "R-NOISE-3", KEEPERS, "closes on handshake messages that are too short", _too_short),
    Check("C1-15", "R-NOISE-6", KEEPERS, "closes on an ephemeral key that gives zeros", _zeros),
    Check("C1-16", "R-NOISE-5", KEEPERS, "closes when message 3 does not decrypt", _third_garbled),
    Check(
        "C1-17",
        "R-NOISE-5",
        EVERYBODY,
        "ends a session for good on bytes that do not decrypt",
        _does_not_decrypt,
    ),
    Check("C1-18", "R-NOISE-4", EVERYBODY, "ends a session when a message is repeated", _repeated),
    Check("C1-19", "R-NOISE-4", EVERYBODY, "ends a session when a count is skipped", _skipped),
)
