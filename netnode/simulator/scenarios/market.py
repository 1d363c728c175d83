"""The market at large: people use their nodes, whatever the seed says goes wrong, and in the end all is level."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from netnode.simulator.options import Options
from netnode.simulator.playing import Play
from netnode.simulator.scenarios.scenario import Scenario


async def market(play: Play) -> None:
    """A market of honest nodes under every fault that the seed draws."""
    await play.begin()
    await play.live()
    await play.level()


def _honest(options: Options) -> Options:
    return replace(options, byzantine=())


MARKET: Final = (Scenario("market", market, _honest, weight=8),)
