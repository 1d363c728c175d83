"""The holder of a retired key: what was signed with it after the rotation must frame nobody [R-LOG-12, 13, 14]."""

from __future__ import annotations

from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.scene import Scene, Target, items_of
from protocol import messages
from protocol.entry import Entry
from protocol.records import Standing, encode_record
from protocol.run import run_of
from protocol.signing import Signer

MODES = ("fork", "proof", "back-dated", "settlement", "certificate", "standing")


async def retired_key(scene: Scene, mode: str) -> None:
    """Signs with the key that a rotation replaced: forks, proofs, back-dated listings, settlements, certificates."""
    victim = scene.author("victim")
    victim.write(scene.chance.below(100) + 10)
    victim.offer("lamp")
    old = list(victim.entries)
    retired = victim.signer
    victim.rotate()
    victim.write(scene.chance.below(10) + 1)
    scene.deeds.sign(victim.entries)
    scene.deeds.framed[victim.id] = None
    honest = scene.shelf(victim)
    for target in scene.targets():
        await scene.show(target, victim, honest, seconds=10, act="rotation")
    for index, target in enumerate(scene.targets()):
        await scene.each([_attack(scene, mode, target, victim, old, retired, index)])
    for target in scene.targets()[:2]:  # who was never told the rotation in time learns of it now
        await scene.show(target, victim, honest, seconds=10, act="rotation")


async def _attack(
    scene: Scene, mode: str, target: Target, victim: Author, old: list[Entry], retired: Signer, index: int
) -> None:
    at = scene.chance.below(len(old) - 2) + 1
    forged = victim.branch(old[at - 1], 5 + scene.chance.below(70), "framed", signer=retired)
    if mode == "certificate":
        await _old_papers(scene, target, victim, old, retired)
        return
    async with scene.meeting(target, scene.author(f"thief {index}"), act=mode) as puppet:
        if not any(item.author == victim.id and item.epoch > 0 for item in await items_of(puppet)):
            scene.deeds.acts["spared"] += 1  # it could be shown a fork, and would be right to believe it
            return
        match mode:
            case "fork":
                await puppet.say(messages.Push(runs=[run_of(forged)]))
            case "proof":
                await puppet.say(messages.Fork(left=run_of(old[at : at + 1]), right=run_of(forged[:1])))
            case "back-dated":
                forged = [victim.after(old[-1], 3, victim.listing("back-dated", "evil"), signer=retired)]
                await puppet.say(messages.Push(runs=[run_of(forged)]))
                await puppet.say(
                    messages.Have(items=[[0, victim.id, 0, 0, forged[-1].seq, forged[-1].id, 0]])
                )
            case "settlement":
                keep, victim.signer = victim.signer, retired
                forged = [victim.settlement(old[-1])]
                victim.signer = keep
                await puppet.say(messages.Push(runs=[run_of(forged)]))
            case _:
                named = [victim.after(old[-1], 3, victim.listing("named", "evil"), signer=retired)]
                record = Standing(
                    salt=scene.chance.token(16), entries=((named[0].seq, named[0].id),), part=1, parts=1
                )
                speaks = victim.after(victim.tip, 7, encode_record(record), signer=retired)
                forged = [*named, speaks]
                await puppet.say(messages.Push(runs=[run_of(named)]))
                scene.deeds.forge("a retired key", forged)
                await puppet.say(messages.Push(runs=[run_of([speaks])]))
        scene.deeds.forge("a retired key", forged)
        await puppet.over(10)


async def _old_papers(
    scene: Scene, target: Target, victim: Author, old: list[Entry], retired: Signer
) -> None:
    """Shakes hands as the victim did before the rotation, or with its new openers and the old key."""
    keep, victim.signer = victim.signer, retired
    openers = old[:1] if scene.chance.below(2) else list(victim.openers)
    papers = victim.identity(scene.now, openers=openers)
    victim.signer = keep
    async with scene.knocking(target, victim, "certificate") as puppet:
        await puppet.dial(papers, puppet.hello())
        await puppet.last_words()
