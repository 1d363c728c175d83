"""A slow-loris: keeps a node waiting at each step, and drips answers that never end [R-LINK-4, 5]."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from netnode.ports import LinkClosed
from netnode.simulator.byzantine.puppet import OPENING, Puppet
from netnode.simulator.byzantine.scene import Scene, Target
from protocol import limits, messages
from protocol.items import Item, Standing
from protocol.messages import Body

MODES: Final = (
    "silent",
    "after noise 1",
    "after noise 3",
    "silent in session",
    "drip",
    "endless answer",
    "deaf",
)
DRIPS: Final = 12


async def slow_loris(scene: Scene, mode: str) -> None:
    """Begins what it does not finish, at every node at once, and begins again when it is cut off."""
    await scene.each([_stall(scene, mode, target) for target in scene.targets()])


async def _stall(scene: Scene, mode: str, target: Target) -> None:
    for _ in range(2):
        with suppress(LinkClosed):
            if mode in ("silent", "after noise 1", "after noise 3"):
                await _in_handshake(scene, mode, target)
            elif mode == "deaf":
                await _deaf(scene, target)
            else:
                await _in_session(scene, mode, target)
        await scene.pause(1, 5)


async def _in_handshake(scene: Scene, mode: str, target: Target) -> None:
    began = asyncio.get_running_loop().time()
    async with scene.knocking(target, scene.author("loris"), mode) as puppet:
        if mode == "after noise 1":
            await puppet.link.send(puppet.noise(True).write(OPENING))
        elif mode == "after noise 3":
            await puppet.dial(puppet.author.identity(scene.now), None)
        await puppet.last_words()
    waited = asyncio.get_running_loop().time() - began
    scene.deeds.acts["let go in time" if waited <= limits.HANDSHAKE_SECONDS + 5 else "held on to"] += 1


async def _deaf(scene: Scene, target: Target) -> None:
    """Never reads: what the node has to say fills the link."""
    async with scene.knocking(target, scene.author("deaf"), "deaf") as puppet:
        await puppet.dial(puppet.author.identity(scene.now), puppet.hello())
        await asyncio.sleep(2 * limits.IDLE_SECONDS)
        await puppet.last_words()


async def _in_session(scene: Scene, mode: str, target: Target) -> None:
    """Claims logs that the node wants, and gives them slowly or not at all."""
    wanted = [each.id for each in scene.targets() if each.id != target.id] or [scene.chance.token(32)]
    shelf = scene.shelf()
    items = [Item(Standing.HEAD, each, 0, 0, 5_000, scene.chance.token(32), 0) for each in sorted(wanted)]
    page = messages.Items(cursor=shelf.cursor(), items=[item.wire() for item in items])

    def answer(question: Body) -> tuple[Body, ...]:
        match question:
            case messages.Heads() if mode != "silent in session":
                return (page,)
            case messages.Changes() if mode != "silent in session":
                return (messages.Items(cursor=shelf.cursor(), items=[]),)
            case _:
                return ()

    async with scene.meeting(target, scene.author("loris"), shelf, act=mode, answer=answer) as puppet:
        if mode == "silent in session":
            await puppet.over(3 * limits.ANSWER_SECONDS)
        else:
            await _drip(scene, mode, puppet)


async def _drip(scene: Scene, mode: str, puppet: Puppet) -> None:
    """Answers a `get` with nothing, again and again just before the node's patience ends."""
    asked: int | None = None
    for _ in range(DRIPS):
        if await puppet.over(limits.ANSWER_SECONDS * 0.9 if mode == "drip" else 0.5):
            return
        gets = [number for number, question in puppet.questions if isinstance(question, messages.Get)]
        asked = gets[-1] if gets else asked
        if asked is not None:
            for _ in range(1 if mode == "drip" else 50):
                await puppet.say(messages.Runs(more=True), asked)
            scene.deeds.acts["drips"] += 1
