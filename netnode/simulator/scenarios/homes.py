"""Homes that are lost, put back, copied, upgraded or crash: what their owners were told stays, and no log forks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from netnode.keys.rotating import grant
from netnode.keys.words import decode_words
from netnode.operations import models
from netnode.operations.runtime import BackupKey
from netnode.own.caution import GROUPS
from netnode.services.node_services import NodeServices
from netnode.simulator.nodes import SimNode
from netnode.simulator.options import Options
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import QUIET, Play
from netnode.simulator.scenarios.scenario import Scenario
from netnode.simulator.stored import disk_copy, own_ids

MEET_SECONDS: Final = 90.0  # virtual; why: whoever was refused dials again after a minute at the latest
STOPPED_ROUNDS: Final = 6  # why: two minutes, longer than any catching up without a second home takes
COPY_SECONDS: Final = 900.0  # virtual; why: an exact clone is seen by what it wrote two minutes after a start


async def crashes(play: Play) -> None:
    """The power goes again and again: between awaits, in commits, in writes."""
    await play.begin()
    await play.live()
    await play.level()


async def disks(play: Play) -> None:
    """Disks are full, read-only or in error for a while."""
    await play.begin()
    await play.live()
    await play.level()


async def clocks(play: Play) -> None:
    """Wall clocks jump, by seconds or by days, and are set right."""
    await play.begin()
    await play.live()
    await play.level()


async def copies(play: Play) -> None:
    """Two copies of one home run at once: both stop, and its owner goes on with one of them."""
    await play.begin()
    await play.live(40.0, QUIET, trouble=False)
    source = play.chance.choice(play.nodes)
    knowing = play.chance.random() < 0.4
    copy = play.copy(source, "copy", knowing=knowing)
    play.oracle.copied(source.name, copy.name)
    common = [each.address for each in play.nodes if each not in (source, copy)]
    for address in common:  # whom an owner chose is believed: a stranger that dials in could silence anybody
        await source.ask(partial(_meet, address))
    if play.chance.random() < 0.5:  # each writes while it does not hear of the other
        wall = play.world.network.isolate(copy.name)
        await play.start(copy, common)
        await play.live(play.options.seconds / 2, QUIET, [source, copy], trouble=False)
        play.world.network.fall(wall)
    await play.start(copy, common)
    await play.live(60.0, QUIET, trouble=False)
    await _one_stops(play, source, copy, both=knowing)
    last, other = (source, copy) if play.chance.random() < 0.5 else (copy, source)
    await play.stop(other)
    await play.live(MEET_SECONDS, QUIET, [last], trouble=False)
    await play.mend(last)
    await play.level([node for node in play.nodes if node is not other])


async def _meet(address: str, services: NodeServices) -> None:
    await services.peers.add(address)


async def _one_stops(play: Play, *homes: SimNode, both: bool) -> None:
    """Both publish nothing any more [R-LOG-23]; of exact clones, which peers cannot tell apart, one stops at least.

    That one sees what the other wrote since it started. A clone may find every peer in session with the other home,
    and kept there: it reaches nobody, and splits no log that anybody could see, until the other home is gone.
    """
    until = play.now + COPY_SECONDS
    rounds = dict.fromkeys(homes, 0)  # in which a home refused to publish, in a row
    while play.now < until:
        codes = {home: await play.act(home, "publish") for home in homes}
        rounds = {home: rounds[home] + 1 if code else 0 for home, code in codes.items()}
        if all(codes.values()) if both else any(code in ("twin", "forked") for code in codes.values()):
            return
        if not both and max(rounds.values()) == STOPPED_ROUNDS:  # it knows that it lacks what the other wrote
            return
        await play.live(20.0, QUIET, trouble=False)
    if not both and _unheard(play, homes):
        play.seen.mark("clone unheard")
        return
    raise Violation(
        "copies", f"{homes[0].name} and its copy still publish after {COPY_SECONDS:.0f} s side by side"
    )


def _unheard(play: Play, homes: Sequence[SimNode]) -> bool:
    """Whether nobody holds anything that one of these homes wrote and the others have not."""
    networker = play.oracle.homes[homes[0].name]
    told = play.safety.held(networker, [node.name for node in play.nodes if node not in homes])
    own = [play.safety.held(networker, [home.name]) for home in homes]
    return any(told.isdisjoint(held.difference(*own[:at], *own[at + 1 :])) for at, held in enumerate(own))


async def restore(play: Play) -> None:
    """An old copy of a home is put back: it catches up before it publishes, and nobody takes it for a forker."""
    await play.begin()
    await play.live(60.0, QUIET, trouble=False)
    node = play.chance.choice(play.nodes)
    kept = node.copy(play.world.folder / "kept")
    await play.live(60.0, QUIET, trouble=False)
    if play.chance.random() < 0.5:
        await play.stop(node)
    else:
        play.crash(node)
        await node.gone()
    play.put_back(node, kept)
    await _goes_on(play, node)


async def backup(play: Play) -> None:
    """A computer is lost and its home comes back from an encrypted backup, on another computer."""
    await play.begin()
    await play.live(60.0, QUIET, trouble=False)
    node = play.chance.choice(play.nodes)
    file = play.world.folder / "backup.inxb"
    made = await node.ask(lambda each: each.backups.create(models.BackupOrder(path=str(file))))
    await play.live(60.0, QUIET, trouble=False)
    play.crash(node)
    await node.gone()
    networker = play.oracle.homes.pop(node.name)
    again = play.world.place("again")
    words = decode_words(" ".join(play.words(node)))
    await again.restore(Path(made.backup.path), BackupKey(entropy=words))
    play.inherit(node, again, networker)
    with disk_copy(again.home) as connection:
        play.oracle.replaced(again.name, own_ids(connection, networker))
    await _goes_on(play, again, [each.address for each in play.nodes if each is not again])


async def recover(play: Play) -> None:
    """Computer and backups are gone: the log comes back from peers, with a new key from the recovery words."""
    await play.begin()
    await play.live(90.0, QUIET, trouble=False)
    node = play.chance.choice(play.nodes)
    play.crash(node)
    await node.gone()
    networker = play.oracle.homes.pop(node.name)
    others = [each for each in play.nodes if each.up]
    held = play.safety.held(networker, [each.name for each in others])
    again = play.world.place("again")
    again.write_settings({"outbound_sessions": 4})
    got = await again.fetch(networker, [each.address for each in others])
    words = decode_words(" ".join(play.words(node)))
    given = grant(got.network, words, got.epoch + 1, words)
    await again.take_over(networker, given)
    play.inherit(node, again, networker)
    play.oracle.rotated.add(networker)
    play.oracle.replaced(again.name, held)
    with disk_copy(again.home) as connection:
        lost = held - own_ids(connection, networker)
    if lost:
        raise Violation("recover", f"{len(lost)} entries that peers hold did not come back")
    await _goes_on(play, again, [each.address for each in others])


async def upgrade(play: Play) -> None:
    """A node starts on the data of an older version, and goes on with all of it."""
    await play.begin()
    await play.live(60.0, QUIET, trouble=False)
    node = play.chance.choice(play.nodes)
    await play.stop(node)
    node.age()
    play.safety.replaced(node.name)
    if not await play.start(node):
        raise Violation("upgrade", f"{node.name} does not start on a store of version 1")
    await play.live()
    await play.level()


async def _goes_on(play: Play, node: SimNode, peers: list[str] | None = None) -> None:
    """A home that may lack own entries starts: it publishes only with all that reachable peers hold."""
    silent = [] if play.chance.random() < 0.6 else [play.chance.choice(play.nodes)]
    for each in silent:
        if each is not node:
            await play.stop(each)
    for each in play.nodes:
        if each is not node and each not in silent:
            await play.start(each)
    networker = play.oracle.homes[node.name]
    held = play.safety.held(networker, [each.name for each in play.nodes if each is not node])
    await play.start(node, peers or [])
    await play.act(node, "publish")  # at once, before any peer was met
    await play.live(100.0, QUIET, [each for each in play.nodes if each is not node], trouble=False)
    assert node.parts is not None
    caution = await node.parts.own.caution.standing()
    if node in silent or not silent or caution.groups >= GROUPS:  # else it waits for as long as it takes
        await play.mend(node)
        await _nothing_missing(play, node, held)
    for each in silent:
        await play.start(each)
    await play.live(60.0, QUIET, trouble=False)
    await play.level()


async def _nothing_missing(play: Play, node: SimNode, held: set[bytes]) -> None:
    assert node.parts is not None
    own = node.parts.store.reading(lambda reader: own_ids(reader.connection, play.oracle.homes[node.name]))
    if held - own:
        raise Violation(
            "catch_up", f"{node.name} published without {len(held - own)} entries that peers hold"
        )


def _only(*faults: str, every: float = 8.0) -> partial[Options]:
    return partial(_with, faults, every)


def _with(faults: tuple[str, ...], every: float, options: Options) -> Options:
    return replace(
        options, byzantine=(), faults=faults, fault_every=every, act_every=min(5.0, options.act_every)
    )


def _calm(options: Options) -> Options:
    return replace(options, byzantine=(), faults=(), followers=0, nodes=max(3, options.nodes), skew_ms=0)


def _met(options: Options) -> Options:
    """Everybody reaches a common peer."""
    return replace(_calm(options), topology="star", peers=0, seconds=min(120.0, options.seconds))


HOMES: Final = (
    Scenario("crashes", crashes, _only("crash"), weight=4, marks=("level", "crash")),
    Scenario("disks", disks, _only("disk_error", "disk_full"), marks=("level", "fault disk_error")),
    Scenario("clocks", clocks, _only("clock"), marks=("level", "act publish clock")),
    Scenario("copies", copies, _met, least=3, marks=("level", "alarmed", "mended forked", "mended twin")),
    Scenario("restore", restore, _calm, least=3, marks=("level", "cautious moved", "mended by waiting")),
    Scenario("backup", backup, _calm, least=3, marks=("level", "cautious restored")),
    Scenario("recover", recover, _calm, least=3, marks=("level",)),
    Scenario("upgrade", upgrade, _calm, marks=("level",)),
)
