"""A peer of a later version: unknown kinds, messages, fields, features; it must be tolerated [R-MSG-2] [R-SES-6, 7]."""

from __future__ import annotations

from typing import Final

from netnode.simulator.byzantine.puppet import Puppet
from netnode.simulator.byzantine.scene import Scene, Target
from protocol import encoding, messages
from protocol.messages import Hello

MODES: Final = ("kinds", "messages", "fields", "odd features", "even feature", "only later", "versions")
REFUSED: Final = {"even feature": "feature", "only later": "version"}
"""Modes that open no session, and with which code; all others are tolerated."""


async def newcomer(scene: Scene, mode: str) -> None:
    """Speaks as a later version may: honest throughout, and partly not understood."""
    for target in scene.targets():
        await scene.each([_speak(scene, mode, target)])


async def _speak(scene: Scene, mode: str, target: Target) -> None:
    author = scene.author("newcomer")
    if mode == "kinds":
        for number in range(6):
            kind = 10_001 + number * 7  # odd and even ones: an even kind is critical, and kept all the same
            author.entries.append(author.after(author.tip, kind, author.odd_record(number)))
        author.offer("a thing")
    scene.deeds.sign(author.entries)
    shelf = scene.shelf(author)

    def hello(puppet: Puppet) -> Hello:
        features = {"odd features": [1, 3, 5, 7, 901, 2**50 + 1], "even feature": [900]}.get(mode, [])
        versions = {"only later": [2, 3], "versions": [1, 2, 300]}.get(mode, [1])
        limits_told = {"MAX_OF_LATER": 5, "MAX_OPEN_REQUESTS": 1} if mode == "versions" else {}
        return puppet.hello(features=features, versions=versions, advertised=limits_told)

    async with scene.meeting(target, author, shelf, act=mode, hello=hello) as puppet:
        await puppet.say(shelf.have())
        if mode == "messages":
            next_free = max(messages.MESSAGES) + 1
            for number in (901, 2**52 + 1, next_free, 900, 2**52, next_free + 1):
                await puppet.say_any(number, scene.chance.below(50) + 1, {"later": [1, {"x": None}]})
        elif mode == "fields":
            body = {"after": None, "limit": 5, "zzz": {"of": "later"}}
            await puppet.plain(encoding.encode([messages.HEADS, 77, body]))
            await puppet.plain(encoding.encode([messages.INTEREST, 0, {"all": True, "since": 4}]))
        await puppet.over(10)
