"""An impostor that is dialled: states an address as its own and answers there as nobody should [R-NOISE-2]."""

from __future__ import annotations

import asyncio
from typing import Final

from netnode.ports import Link, LinkClosed
from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.scene import Scene, Target
from protocol import address, limits, messages
from protocol.address import Told
from protocol.session import Feature

MODES: Final = ("silent", "garbage", "another", "expired", "echo", "mirror", "go-between", "honest")
# Seconds it waits to be dialled; why: nodes try addresses they only heard of every two minutes
STAYS: Final = 150.0


async def impostor(scene: Scene, mode: str) -> None:
    """Has nodes dial it: says nothing there, or junk, is somebody else, or passes all bytes on to another node."""
    author = scene.author("impostor")
    author.write(3)
    scene.deeds.sign(author.entries)
    listener = scene.stage.listener(scene.name)
    await listener.start(lambda link: _answered(scene, mode, author, link))
    try:
        where = [scene.stage.address(scene.name)]
        statement = address.sign(
            scene.network, author.signer, networker=author.id, epoch=0, addresses=where, time=scene.now
        )
        told = Told(statement, author.openers)
        await scene.each([_tell(scene, target, author, told) for target in scene.targets()])
        await asyncio.sleep(STAYS)
    finally:
        await listener.close()


async def _tell(scene: Scene, target: Target, author: Author, told: Told) -> None:
    """Tells where the impostor is to be dialled, and goes."""
    async with scene.meeting(
        target, author, act="told", hello=lambda puppet: puppet.hello(features=[Feature.PEERS])
    ) as puppet:
        await puppet.say(messages.Peers(peers=[told.wire()]))
        await puppet.over(3)


async def _answered(scene: Scene, mode: str, author: Author, link: Link) -> None:
    """One link that a node dialled."""
    scene.deeds.acts["dialled"] += 1
    try:
        match mode:
            case "silent":
                await _until_closed(link)
            case "garbage":
                await link.receive()
                await link.send(scene.chance.token(scene.chance.below(limits.MAX_NOISE_MESSAGE)))
                await _until_closed(link)
            case "echo":
                while True:
                    await link.send(await link.receive())
            case "mirror" | "go-between":
                await _passed_on(scene, mode, link)
            case _:
                await _as_somebody(scene, mode, author, link)
    except LinkClosed as closed:
        scene.deeds.answered(mode, f"link {closed.code}")
    finally:
        await link.close()


async def _until_closed(link: Link) -> None:
    while True:
        await link.receive()


async def _as_somebody(scene: Scene, mode: str, author: Author, link: Link) -> None:
    """Shakes hands as another networker, with papers that ran out, or as who it said that it is."""
    who = scene.author("somebody else") if mode == "another" else author
    shelf = scene.shelf(author)
    puppet = scene.puppet(link, who, shelf)
    await puppet.accept(who.identity(scene.now, days=-3 if mode == "expired" else 30), puppet.hello())
    scene.deeds.acts["shook hands"] += 1
    await puppet.say(messages.Interest(all=True))
    await puppet.attend()
    scene.deeds.answered(mode, puppet.outcome)


async def _passed_on(scene: Scene, mode: str, link: Link) -> None:
    """Passes all bytes on to another node, or back to the one that dialled."""
    nodes = scene.targets()
    nodes = [each for each in nodes if (_host(each) == link.host) == (mode == "mirror")]
    if not nodes:
        return
    other = await scene.link(nodes[0], f"{scene.name} behind")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(link, other), name="forth")
            group.create_task(_pump(other, link), name="back")
    except* LinkClosed as closed:
        first = closed.exceptions[0]
        scene.deeds.answered(mode, f"link {first.code}" if isinstance(first, LinkClosed) else None)
    finally:
        await other.close()


def _host(target: Target) -> str:
    return target.address.partition("://")[2].partition(":")[0]


async def _pump(source: Link, sink: Link) -> None:
    while True:
        await sink.send(await source.receive())
