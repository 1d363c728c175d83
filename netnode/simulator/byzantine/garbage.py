"""Bytes that are nothing: oversize and garbage at each step of handshake and session [R-NOISE-5] [R-MSG-3]."""

from __future__ import annotations

from typing import Final

from netnode.simulator.byzantine.puppet import OPENING
from netnode.simulator.byzantine.scene import Scene, Target
from protocol import encoding, limits, messages
from protocol.messages import encode_message

BEFORE: Final = ("first message", "third message", "identity", "hello")
IN_SESSION: Final = (
    "not sealed", "too long", "empty", "not a value", "not canonical", "deep", "many", "not a message",
    "wrong body", "cut off",
)  # fmt: skip
MODES: Final = BEFORE + IN_SESSION
CODES: Final = {
    "hello": "unexpected", "not a value": "encoding", "not canonical": "not_canonical",
    "deep": "too_large", "many": "too_large", "not a message": "bad_message", "wrong body": "bad_message",
    "cut off": "encoding", "empty": "encoding",
}  # fmt: skip
"""With which code a node ends the session, where it can still say one."""


async def garbler(scene: Scene, mode: str) -> None:
    """Sends every node bytes that no correct program sends, at one step of the way."""
    for target in scene.targets():
        await scene.each([_before(scene, mode, target) if mode in BEFORE else _within(scene, mode, target)])


async def _before(scene: Scene, mode: str, target: Target) -> None:
    size = scene.chance.choice((0, 1, 31, 48, 200, limits.MAX_NOISE_MESSAGE, limits.MAX_NOISE_MESSAGE + 1))
    junk = scene.chance.token(size)
    async with scene.knocking(target, scene.author("garbler"), mode) as puppet:
        match mode:
            case "first message":
                await puppet.link.send(junk)
            case "third message":
                await puppet.link.send(puppet.noise(True).write(OPENING))
                await puppet.receive()
                await puppet.link.send(junk)
            case "identity":
                await puppet.dial(scene.chance.token(200), None)
            case _:
                await puppet.dial(puppet.author.identity(scene.now), None)
                await puppet.say(messages.Interest(all=True))
        await puppet.last_words()


async def _within(scene: Scene, mode: str, target: Target) -> None:
    async with scene.meeting(target, scene.author("garbler"), act=mode) as puppet:
        match mode:
            case "not sealed":
                await puppet.link.send(scene.chance.token(scene.chance.below(300)))
            case "too long":
                await puppet.link.send(scene.chance.token(limits.MAX_NOISE_MESSAGE + 1))
            case _:
                await puppet.plain(_plaintext(scene, mode))
        await puppet.over(10)


def _plaintext(scene: Scene, mode: str) -> bytes:
    good = encode_message(messages.Heads(limit=1), 1)
    match mode:
        case "empty":
            return b""
        case "not a value":
            return b"\xc1" + scene.chance.token(20)
        case "not canonical":
            return good[:1] + b"\xcc" + good[1:]  # the type as a longer integer than it needs
        case "deep":
            return b"\x93\x02\x01" + b"\x91" * 40 + b"\xc0"
        case "many":
            return b"\x93\x02\x01\xdc\xea\x60" + b"\xc0" * 60_000
        case "not a message":
            return encoding.encode(scene.chance.choice(([], {}, [1], ["a", 0, {}], [4, -1, {}], [4, 0, []])))
        case "wrong body":
            body = scene.chance.choice(({}, {"limit": 0}, {"limit": 401}, {"after": b"short", "limit": 1}))
            return encoding.encode([messages.HEADS, 1, body])
        case _:
            return good[:-1]
