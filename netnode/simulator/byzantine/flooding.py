"""A flooder: as many questions, notices, links and networkers as it can make [R-SES-11] [R-STAMP-4] [R-QUOTA-2]."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from netnode.ports import LinkClosed
from netnode.simulator.byzantine.puppet import Puppet
from netnode.simulator.byzantine.scene import Scene, Target
from protocol import limits, messages
from protocol.items import Item, Standing
from protocol.messages import Hello
from protocol.run import run_of
from protocol.session import Feature

MODES: Final = (
    "questions", "unread answers", "haves", "identities", "sybils", "links", "interests", "unknown messages",
    "addresses asked", "pings",
)  # fmt: skip
IDENTITIES: Final = 150  # fresh networkers of one flood
LINKS: Final = 48  # opened at once from one network block
QUESTIONS: Final = 400
SYBILS: Final = 24


async def flooder(scene: Scene, mode: str) -> None:
    """Sends to each node far more than anybody needs, of one thing at a time."""
    for index, target in enumerate(scene.targets()):
        if mode == "links":
            await scene.each([_link(scene, target, number) for number in range(LINKS)])
        elif mode == "sybils":
            await scene.each([_sybil(scene, target, f"{index} {number}") for number in range(SYBILS)])
        else:
            await scene.each([_flood(scene, mode, target, index)])


async def _flood(scene: Scene, mode: str, target: Target, index: int) -> None:
    author = scene.author(f"flooder {index}")

    def hello(puppet: Puppet) -> Hello:
        return puppet.hello(features=[Feature.PEERS, Feature.REACH])

    async with scene.meeting(target, author, act=mode, hello=hello, interest=mode != "interests") as puppet:
        match mode:
            case "questions":
                await _questions(scene, puppet)
            case "unread answers":
                await _unread(scene, target)
            case "haves":
                await _haves(scene, puppet)
            case "identities":
                await _identities(scene, puppet, index)
            case "interests":
                for part in range(2 * limits.MAX_INTEREST_TOTAL // limits.MAX_INTEREST):
                    ids = [(part * 2_000 + n).to_bytes(32) for n in range(limits.MAX_INTEREST)]
                    await puppet.say(messages.Interest(all=False, ids=ids, more=True))
            case "unknown messages":
                for number in range(QUESTIONS):
                    await puppet.say_any(900 + number % 2, number, {"x": number})
            case "addresses asked":
                for _ in range(40):
                    await puppet.ask(messages.AskPeers())
            case _:
                for _ in range(QUESTIONS // 4):
                    await puppet.ask(messages.Ping(clock=scene.now))
        await puppet.over(5)


async def _questions(scene: Scene, puppet: Puppet) -> None:
    """Many questions at once, more than a session may have open."""
    for number in range(QUESTIONS):
        await puppet.say(messages.Heads(limit=scene.chance.below(limits.MAX_ITEMS) + 1), 1_000 + number)


async def _unread(scene: Scene, target: Target) -> None:
    """Questions with large answers, none of which is read; another link, since this one is read."""
    async with scene.knocking(target, scene.author("deaf"), "unread") as puppet:
        await puppet.dial(puppet.author.identity(scene.now), puppet.hello())
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.IDLE_SECONDS):
                for number in range(QUESTIONS):
                    get = messages.Get(budget=limits.MAX_GET_BYTES, wants=[(target.id, 0, limits.MAX_SEQ)])
                    await puppet.say(get, 5_000 + number)
        await asyncio.sleep(2 * limits.IDLE_SECONDS)
        await puppet.last_words()


async def _haves(scene: Scene, puppet: Puppet) -> None:
    """Heads of logs that do not exist, page after page."""
    for _ in range(12):
        items = [
            Item(Standing.HEAD, scene.chance.token(32), 0, 0, 9, scene.chance.token(32), 0).wire()
            for _ in range(limits.MAX_ITEMS)
        ]
        await puppet.say(messages.Have(items=items))


async def _identities(scene: Scene, puppet: Puppet, index: int) -> None:
    """Logs of networkers that were made for this, each with a little in it."""
    for number in range(IDENTITIES):
        author = scene.author(f"mass {index} {number}")
        author.offer(f"spam {number}")
        scene.deeds.sign(author.entries)
        await puppet.say(messages.Push(runs=[run_of(author.entries)]))


async def _link(scene: Scene, target: Target, number: int) -> None:
    """One of many links: some say nothing, some begin, some come all the way."""
    puppet = scene.puppet(
        await scene.link(target, f"{scene.name} block {number % 3}"), scene.author(f"link {number % 7}")
    )
    try:
        if number % 3 == 1:
            await puppet.link.send(scene.chance.token(32))
        if number % 3 == 2:
            await puppet.dial(puppet.author.identity(scene.now), puppet.hello())
            await asyncio.sleep(scene.chance.uniform(1, 30))
            scene.deeds.acts["let in"] += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                await puppet.link.receive()
    except LinkClosed as closed:
        scene.deeds.answered("links", f"link {closed.code}")
    finally:
        await puppet.link.close()


async def _sybil(scene: Scene, target: Target, label: str) -> None:
    """One of many networkers, each with an address of its own, a stamp that is none and a log to push."""
    author = scene.author(f"sybil {label}")
    author.offer(f"offer {label}")
    scene.deeds.sign(author.entries)
    shelf = scene.shelf(author)
    stamp = (20 + scene.chance.below(40), scene.chance.token(8))
    try:
        async with scene.meeting(
            target, author, shelf, act="sybils", source=f"{scene.name} {label}",
            hello=lambda puppet: puppet.hello(stamp=stamp),
        ) as puppet:  # fmt: skip
            for push in shelf.pushes(author.id):
                await puppet.say(push)
            await puppet.over(scene.chance.uniform(5, 40))
    except LinkClosed:
        scene.deeds.acts["kept out"] += 1
