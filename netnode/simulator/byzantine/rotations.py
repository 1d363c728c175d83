"""Rotations that open nothing, and rotations that contest: who copies a reveal, who rotates twice [R-LOG-3, 5, 16]."""

from __future__ import annotations

from typing import Final

from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.scene import Scene, Target
from protocol import messages
from protocol.entry import ROTATION, Entry, sign_entry
from protocol.records import encode_record
from protocol.records.openers import Rotation
from protocol.run import run_of
from protocol.signing import Signer

COPIES: Final = ("garbage signature", "own signature", "retired signature", "before the rotation")
CONTESTS: Final = ("same promise", "different promise", "healed", "two healings")


async def reveal_copier(scene: Scene, mode: str) -> None:
    """Copies the key that a rotation revealed into rotations of its own, with signatures that key never made."""
    victim = scene.author("victim")
    victim.write(scene.chance.below(70) + 2)
    before = scene.shelf(victim)
    retired = victim.signer
    tip = victim.entries[-1 - scene.chance.below(2)]
    victim.rotate()
    victim.write(2)
    scene.deeds.sign(victim.entries)
    scene.deeds.framed[victim.id] = None
    after = scene.shelf(victim)
    known = before if mode == "before the rotation" else after
    for target in scene.targets():
        # Not the victim itself comes: its papers would show the rotation.
        await scene.show(target, scene.author("messenger"), known, seconds=8, act="rotation")
    for index, target in enumerate(scene.targets()):
        forged = _copied(scene, victim, tip, retired, mode)
        scene.deeds.forge("a copied reveal", [forged])
        await scene.each([_send(scene, target, index, forged, mode)])
    for target in scene.targets():
        await scene.show(target, victim, after, seconds=8, act="rotation")


def _copied(scene: Scene, victim: Author, tip: Entry, retired: Signer, mode: str) -> Entry:
    """A rotation with the revealed key and a new signing key of the thief, signed by anybody but that key."""
    thief = Signer(scene.chance.token(32))
    record = encode_record(
        Rotation(key=thief.public, promise=scene.chance.token(32), reveal=victim.promised(1).public)
    )
    signer = {"own signature": thief, "retired signature": retired}.get(mode, Signer(scene.chance.token(32)))
    return sign_entry(
        scene.network, signer, author=victim.id, seq=tip.seq + 1, prev=tip.id, epoch=1, term=0,
        time=tip.time + 1, kind=ROTATION, record=record,
    )  # fmt: skip


async def _send(scene: Scene, target: Target, index: int, forged: Entry, mode: str) -> None:
    async with scene.meeting(target, scene.author(f"thief {index}"), act=mode) as puppet:
        await puppet.say(messages.Push(runs=[run_of([forged])]))
        await puppet.over(10)


async def twice_rotated(scene: Scene, mode: str) -> None:
    """Opens one epoch with two rotations and shows them to different nodes; the same words may end it."""
    author = scene.author("twice")
    author.write(scene.chance.below(60) + 3)
    scene.deeds.sign(author.entries)
    common = list(author.entries)
    first, key = author.rotation(common[-1])
    second, _ = author.rotation(
        common[-1 - scene.chance.below(2)],
        generation=2,
        promised=scene.chance.token(32) if mode == "different promise" else None,
    )
    scene.deeds.sign([first, second])
    scene.deeds.contested[author.id] = None
    targets = scene.targets()
    for index, target in enumerate(targets):
        shelf = scene.shelf()
        opener = first if index % 2 == 0 else second
        shelf.put([*common[: opener.seq], opener])
        await scene.show(
            target, scene.author(f"friend {index}"), shelf, seconds=6, act="contest", pushed=author.id
        )
    if len(targets) == 1:
        shelf = scene.shelf()
        shelf.put([*common[: second.seq], second])
        await scene.show(
            targets[0], scene.author("friend"), shelf, seconds=6, act="contest", pushed=author.id
        )
    if mode in ("healed", "two healings"):
        await _heal(scene, author, [*common[: first.seq], first], key, mode)


async def _heal(scene: Scene, author: Author, chosen: list[Entry], key: Signer, mode: str) -> None:
    """Rotates on with the same words: the contest is over, unless two such rotations go round."""
    author.entries, author.signer = chosen, key
    healings = [author.rotation(author.tip, generation=each)[0] for each in (1, 2)[: 1 + (mode != "healed")]]
    scene.deeds.sign(healings)
    for index, target in enumerate(scene.targets()):
        shelf = scene.shelf()
        shelf.put([*chosen, healings[index % len(healings)]])
        await scene.show(
            target, scene.author(f"healer {index}"), shelf, seconds=6, act="healing", pushed=author.id
        )
    scene.deeds.acts["healed" if mode == "healed" else "contested again"] += 1
