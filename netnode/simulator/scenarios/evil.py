"""Dishonest peers among honest ones, quotas under a flood, an address book under siege."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from netnode.simulator.byzantine import KINDS
from netnode.simulator.options import Options
from netnode.simulator.playing import QUIET, Play
from netnode.simulator.scenarios.scenario import Scenario

LOUD: Final = {"publish": 1}


async def evil(play: Play) -> None:
    """Dishonest peers of several kinds work on a market of honest nodes."""
    await play.begin()
    await play.live()
    await play.level()


async def forgeries(play: Play) -> None:
    """Logs with signatures that are none, of dishonest authors: what nothing proves is stored nowhere."""
    await play.begin()
    await play.live(acts=QUIET)
    await play.level()


async def forks(play: Play) -> None:
    """Dishonest authors fork their logs: all nodes come to know it, and agree."""
    await play.begin()
    await play.live(acts=QUIET)
    await play.level()


async def siege(play: Play) -> None:
    """One dishonest peer tries to fill the address books; no network group gets more than its share."""
    await play.begin()
    await play.live(acts=QUIET)
    await play.level()


async def flood(play: Play) -> None:
    """Strangers publish more than a node keeps: the quotas hold, and everybody stays level."""
    await play.begin()
    await play.live(acts=LOUD, trouble=False)
    await play.level()


def _evil(options: Options) -> Options:
    kinds = options.byzantine or ("liar", "forker", "retired-key")
    faults = tuple(each for each in options.faults if each in ("crash", "reset", "restart", "partition"))
    return replace(
        options, byzantine=kinds[:4], faults=faults, skew_ms=0, seconds=max(120.0, options.seconds)
    )


def _forgeries(options: Options) -> Options:
    return replace(_evil(options), byzantine=("bad-signer", "bad-signer", "forger"), faults=(), seconds=120.0)


def _forks(options: Options) -> Options:
    return replace(
        _evil(options), byzantine=("forker", "rollback", "twice-rotated"), faults=(), seconds=120.0
    )


def _siege(options: Options) -> Options:
    return replace(options, byzantine=("eclipser",), faults=(), skew_ms=0, peers=8)


def _flood(options: Options) -> Options:
    return replace(
        options, byzantine=(), faults=(), topology="star", pool_mb=1, near_mb=2, text=20_000, act_every=0.7,
        nodes=max(4, min(5, options.nodes)), followers=0, seconds=45.0, skew_ms=0, bandwidth=0, peers=2,
    )  # fmt: skip


EVIL: Final = (
    Scenario("evil", evil, _evil, weight=8, marks=("level", *(f"evil {kind}" for kind in KINDS))),
    Scenario("forgeries", forgeries, _forgeries, marks=("level", "evil bad-signer", "bye signature")),
    Scenario("forks", forks, _forks, marks=("level", "item forked", "item contested", "tell fork")),
    Scenario("siege", siege, _siege, marks=("level",)),
    Scenario("flood", flood, _flood, least=4, marks=("level", "log cut")),
)
