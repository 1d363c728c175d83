"""Clocks of the past and of the future: in the hello, in entries, in certificates [R-LOG-9] [R-CERT-2]."""

from __future__ import annotations

from typing import Final

from netnode.simulator.byzantine.scene import Scene, Target
from protocol import limits, messages
from protocol.session import Feature

MODES: Final = ("hello", "future entries", "ancient entries", "last moment", "expired", "valid for too long")
YEAR_MS: Final = 365 * 86_400_000


async def timeless(scene: Scene, mode: str) -> None:
    """Lives in another time: no clock decides what is authentic, but an expired certificate opens no session."""
    for index, target in enumerate(scene.targets()):
        if mode in ("expired", "valid for too long"):
            await scene.each([_papers(scene, mode, target)])
        elif mode == "hello":
            await scene.each([_hello(scene, target, f"{index} {number}") for number in range(4)])
        else:
            await scene.each([_entries(scene, mode, target)])


async def _papers(scene: Scene, mode: str, target: Target) -> None:
    author = scene.author("timeless")
    days = -2 if mode == "expired" else limits.SESSION_KEY_DAYS + 2
    async with scene.knocking(target, author, mode) as puppet:
        await puppet.dial(author.identity(scene.now, days=days), puppet.hello())
        await puppet.last_words()


async def _hello(scene: Scene, target: Target, label: str) -> None:
    """Several strangers with one wrong clock: together they must not silence a node [R-LOG-22]."""
    ahead = scene.now + 20 * YEAR_MS
    async with scene.meeting(
        target, scene.author(f"timeless {label}"), act="hello", source=f"{scene.name} {label}",
        hello=lambda puppet: puppet.hello(clock=ahead, features=[Feature.REACH]),
    ) as puppet:  # fmt: skip
        await puppet.ask(messages.Ping(clock=ahead))
        await puppet.over(30)


async def _entries(scene: Scene, mode: str, target: Target) -> None:
    """A log whose dates are absurd, and in order: it is as good as any other."""
    start = {"future entries": scene.began + 30 * YEAR_MS, "ancient entries": 0}.get(mode, limits.MAX_INT - 3)
    author = scene.author(mode, start=start)
    author.offer("a thing of another time")
    author.write(2)
    scene.deeds.sign(author.entries)
    shelf = scene.shelf(author)
    await scene.show(target, author, shelf, seconds=8, act=mode)
    if mode == "last moment":  # the time cannot go on: an entry dated back is not authentic
        late = author.after(author.tip, time=5)
        scene.deeds.forge("out of time", [late])
        shelf.put([late])
        await scene.show(target, author, shelf, seconds=8, act="dated back")
