"""The registry of scenarios: what happens in a run, by name and number.

A bug that was found becomes a scenario of its own, named in `found`: what a seed does changes with the code.
"""

from __future__ import annotations

from typing import Final

from netnode.problems import ExitCode, Problem
from netnode.simulator.chance import Stream
from netnode.simulator.scenarios.credits import CREDITS
from netnode.simulator.scenarios.credits_evil import CREDITS_EVIL
from netnode.simulator.scenarios.deals import DEALS
from netnode.simulator.scenarios.deals_evil import DEALS_EVIL
from netnode.simulator.scenarios.evil import EVIL
from netnode.simulator.scenarios.found import FOUND
from netnode.simulator.scenarios.homes import HOMES
from netnode.simulator.scenarios.keys import KEYS
from netnode.simulator.scenarios.letters import LETTERS
from netnode.simulator.scenarios.market import MARKET
from netnode.simulator.scenarios.scenario import Scenario

SCENARIOS: Final[tuple[Scenario, ...]] = (
    *MARKET,
    *HOMES,
    *KEYS,
    *EVIL,
    *LETTERS,
    *DEALS,
    *DEALS_EVIL,
    *CREDITS,
    *CREDITS_EVIL,
    *FOUND,
)


def named(text: str) -> Scenario:
    """A scenario by its name or its number.

    Raises:
        Problem: there is none (2).
    """
    for number, scenario in enumerate(SCENARIOS):
        if text in (scenario.name, str(number)):
            return scenario
    names = ", ".join(scenario.name for scenario in SCENARIOS)
    raise Problem(f"There is no scenario {text!r}. There are: {names}.", ExitCode.USAGE, "scenario")


def staged(draws: Stream) -> Scenario:
    """The scenario that a seed draws."""
    return draws.weighted({scenario: scenario.weight for scenario in SCENARIOS})
