"""The market at large: people use their nodes, what the seed says goes wrong, and in the end all is level."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from netnode.simulator.options import LINK_FAULTS, Options
from netnode.simulator.playing import QUIET, Play
from netnode.simulator.scenarios.scenario import Scenario

BLOBS: Final = {"keep blob": 4, "fetch blob": 8, "publish": 3, "edit": 1, "search": 1}
SEARCHES: Final = {"publish": 6, "edit": 2, "withdraw": 2, "search": 6, "ask hubs": 10, "follow": 1}


async def market(play: Play) -> None:
    """A market of honest nodes under every fault that the seed draws."""
    await play.begin()
    await play.live()
    await play.level()


async def partition(play: Play) -> None:
    """The market falls into two sides that publish on, and heals."""
    nodes = await play.begin()
    await play.live(40.0, QUIET, trouble=False)
    names = [node.name for node in nodes]
    play.chance.shuffle(names)
    cut = 1 + play.chance.below(len(names) - 1)
    wall = play.world.network.partition(names[:cut], names[cut:])
    play.seen.mark("fault partition")
    await play.live()
    play.world.network.fall(wall)
    await play.level()


async def links(play: Play) -> None:
    """Slow, clogged, half-open and broken links, and nothing else."""
    await play.begin()
    await play.live()
    await play.level()


async def blobs(play: Play) -> None:
    """Blobs are kept and fetched, whatever becomes of the links meanwhile."""
    await play.begin()
    await play.live(acts=BLOBS)
    await play.level()


async def searches(play: Play) -> None:
    """Nodes that keep few logs search at hubs that keep all."""
    await play.begin()
    await play.live(acts=SEARCHES)
    await play.level()


def _honest(options: Options) -> Options:
    return replace(options, byzantine=())


def _calm(options: Options) -> Options:
    return replace(options, byzantine=(), faults=tuple(each for each in options.faults if each == "restart"))


def _links(options: Options) -> Options:
    chosen = tuple(each for each in options.faults if each in LINK_FAULTS) or LINK_FAULTS
    return replace(options, byzantine=(), faults=chosen, fault_every=6.0)


def _blobs(options: Options) -> Options:
    chosen = tuple(each for each in options.faults if each in LINK_FAULTS)
    return replace(options, byzantine=(), faults=chosen, blob=max(40_000, options.blob), act_every=5.0)


def _followers(options: Options) -> Options:
    return replace(
        _calm(options), nodes=max(4, options.nodes), followers=max(2, options.nodes // 2), act_every=5.0
    )


MARKET: Final = (
    Scenario("market", market, _honest, weight=10, marks=("level", "crash", "fault disk_full", "get push")),
    Scenario("partition", partition, _calm, marks=("level",)),
    Scenario("links", links, _links, marks=("level", "fault reset", "fault half_open", "fault clog")),
    Scenario("blobs", blobs, _blobs, marks=("level", "blob fetched")),
    Scenario("searches", searches, _followers, least=4, marks=("level", "hub answered")),
)
