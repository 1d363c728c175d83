"""Stolen keys, rotations, contested identities."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Final

from netnode.services.node_services import NodeServices
from netnode.simulator.nodes import SimNode
from netnode.simulator.options import Options
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import QUIET, Play
from netnode.simulator.scenarios.scenario import Scenario
from netnode.simulator.stored import own_ids
from protocol.identity import id_text

PATIENT_ATTEMPTS: Final = 60  # to rotate, ten seconds apart; why: longer than three networks need [R-LOG-22]


async def theft(play: Play) -> None:
    """A thief writes with a stolen key; the rotation by its owner's words ends that, and the key counts nowhere."""
    await play.begin()
    await play.live(40.0, QUIET, trouble=False)
    victim = play.chance.choice(play.nodes)
    networker = play.oracle.homes[victim.name]
    play.oracle.stolen(networker, 0)
    thief = play.copy(victim, "thief", knowing=False)
    await play.start(thief)
    if play.chance.random() < 0.3:  # both write before they can hear of each other
        await play.act(thief, "publish")
        await play.act(victim, "publish")
    await _write(play, thief, networker, play.options.seconds / 2)
    rotated = ""
    for attempt in range(200):
        rotated = await play.act(victim, "rotate")
        if not rotated:
            break
        if attempt == PATIENT_ATTEMPTS:
            await _forget_silent(victim)
        await _write(play, thief, networker, 10.0)
    if rotated:
        raise Violation("theft", f"{victim.name} cannot replace its stolen key: {rotated}")
    await _write(play, thief, networker, 60.0, retired=True)
    await play.mend(victim)
    await _write(play, thief, networker, 30.0, retired=True)
    await play.stop(thief)
    await play.level()


async def _forget_silent(node: SimNode) -> None:
    """What a node that waits for silent peers tells its owner to do: one that the thief keeps busy stays silent."""
    assert node.parts is not None
    for row in (await node.parts.own.caution.standing()).silent:
        if row.id is not None:
            await node.ask(partial(_forget, id_text(row.id)))


async def _forget(peer: str, services: NodeServices) -> None:
    await services.peers.remove(peer)


async def _write(
    play: Play, thief: SimNode, networker: bytes, seconds: float, *, retired: bool = False
) -> None:
    """The thief publishes for a while, whatever alarms its node raises; what a retired key signs is noted."""
    until = play.now + seconds
    while play.now < until:
        parts = thief.parts
        if parts is not None:
            parts.own.caution._kept = None
            before = parts.store.reading(lambda reader: own_ids(reader.connection, networker))
            await play.act(thief, "publish")
            if retired and thief.parts is parts:
                after = parts.store.reading(lambda reader: own_ids(reader.connection, networker))
                play.oracle.retired.setdefault(networker, set()).update(after - before)
        await asyncio.sleep(play.chance.uniform(0.5, 6.0))
        play.look()


async def contest(play: Play) -> None:
    """Two homes of one networker replace the key at once; one more rotation with the same words ends the contest."""
    await play.begin()
    await play.live(40.0, QUIET, trouble=False)
    source = play.chance.choice(play.nodes)
    networker = play.oracle.homes[source.name]
    copy = play.copy(source, "copy", knowing=False)
    play.oracle.copied(source.name, copy.name)
    play.oracle.contests.add(networker)
    await play.start(copy)
    await play.live(90.0, QUIET, [each for each in play.nodes if each not in (source, copy)], trouble=False)
    names = [node.name for node in play.nodes if node not in (source, copy)]
    half = len(names) // 2
    wall = play.world.network.partition([source.name, *names[:half]], [copy.name, *names[half:]])
    rotated = [await play.act(each, "rotate") for each in (source, copy)]
    if not any(rotated):
        play.seen.mark("contested on purpose")
    await play.live(30.0, QUIET, trouble=False)
    play.world.network.fall(wall)
    await play.live(90.0, QUIET, trouble=False)
    last, other = (
        (source, copy) if rotated[1] or (not rotated[0] and play.chance.random() < 0.5) else (copy, source)
    )
    await play.stop(other)
    await play.mend(last)
    await play.level([node for node in play.nodes if node is not other])


async def rotations(play: Play) -> None:
    """Keys are replaced in the middle of everything, also while others are away."""
    nodes = await play.begin()
    for _ in range(3):
        away = play.chance.choice(nodes)
        await play.stop(away)
        await play.live(play.options.seconds / 6, trouble=True)
        node = play.chance.choice([each for each in nodes if each is not away])
        await play.act(node, "rotate")
        await play.live(play.options.seconds / 6, trouble=True)
        await play.start(away)
    await play.level()


def _calm(options: Options) -> Options:
    return replace(
        options, byzantine=(), faults=(), followers=0, nodes=max(3, options.nodes), skew_ms=0,
        seconds=min(options.seconds, 120.0),
    )  # fmt: skip


def _restless(options: Options) -> Options:
    chosen = tuple(each for each in options.faults if each not in ("clock", "disk_error", "disk_full"))
    return replace(options, byzantine=(), faults=chosen, nodes=max(3, options.nodes), skew_ms=0)


KEYS: Final = (
    Scenario("theft", theft, _calm, least=3, weight=3, marks=("level", "act rotate", "item forked")),
    Scenario("contest", contest, _calm, least=3, marks=("level", "item contested", "mended contested")),
    Scenario("rotations", rotations, _restless, least=3, marks=("level", "act rotate")),
)
