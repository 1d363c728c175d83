"""An author of bad inner signatures, and a sender that cuts runs where nothing proves them [R-LOG-7, 8, 10]."""

from __future__ import annotations

from typing import Final

from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.scene import Scene, Target
from protocol import limits, messages
from protocol.entry import Entry
from protocol.records import Close, encode_record
from protocol.run import run_of
from protocol.signing import Signer

MODES: Final = ("valid middle", "bad anchor", "cut off", "unproved tail", "out of time", "after close")


async def bad_signer(scene: Scene, mode: str) -> None:
    """Signs some entries of its log with nothing, so that only later signatures prove them, or none does."""
    author = scene.author("scribbler")
    garbage = Signer(scene.chance.token(32))
    good, bad = [author.tip], list[Entry]()
    for _ in range(limits.ANCHOR_EVERY + scene.chance.below(limits.ANCHOR_EVERY)):
        tip = (bad or good)[-1]
        spoiled = _spoils(scene, mode, tip.seq + 1)
        entry = author.after(tip, signer=garbage if spoiled else author.signer)
        if bad or (spoiled and mode == "bad anchor"):
            bad.append(entry)
        else:
            good.append(entry)
    good, more = _end(author, mode, good, garbage)
    bad += more
    author.entries = good
    scene.deeds.sign(good)
    scene.deeds.forge(mode, bad)
    for index, target in enumerate(scene.targets()):
        await scene.each([_send(scene, target, index, mode, good, bad)])
    shelf = scene.shelf(author)
    for target in scene.targets():
        await scene.show(target, author, shelf, seconds=8, act="the good part")


def _spoils(scene: Scene, mode: str, seq: int) -> bool:
    """Whether an entry gets a signature that is none."""
    anchor = seq % limits.ANCHOR_EVERY == 0
    if mode == "bad anchor":
        return anchor
    return mode in ("valid middle", "cut off") and not anchor and scene.chance.below(3) > 0


def _end(author: Author, mode: str, good: list[Entry], garbage: Signer) -> tuple[list[Entry], list[Entry]]:
    """What ends the log: a signature that proves what is before it, or entries that nothing proves."""
    tip = good[-1]
    match mode:
        case "valid middle" | "cut off":
            return [*good, author.after(tip)], []
        case "unproved tail":
            tail = [author.after(tip, signer=garbage)]
            return good, [*tail, author.after(tail[0], signer=garbage)]
        case "out of time":
            return good, [author.after(tip, time=tip.time - 1)]
        case "after close":
            closed = author.after(tip, Close.KIND, encode_record(Close()))
            return [*good, closed], [author.after(closed)]
        case _:
            return good, []


async def _send(
    scene: Scene, target: Target, index: int, mode: str, good: list[Entry], bad: list[Entry]
) -> None:
    async with scene.meeting(target, scene.author(f"sender {index}"), act=mode) as puppet:
        whole = [*good, *bad]
        if mode == "cut off":
            whole = whole[: scene.chance.below(len(whole) - 2) + 2]
        await puppet.say(messages.Push(runs=[run_of(whole)]))
        await puppet.over(8)
