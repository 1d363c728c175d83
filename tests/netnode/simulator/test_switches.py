"""With one rule taken out the simulator fails; ``python -m tests.long switches`` tries all of them, from any seed."""

from __future__ import annotations

import pytest

from netnode.simulator.running import Order, run
from tests.netnode.simulator.switches import SWITCHES, first_failure

# A seed that notices within some seconds. The others are left to the long run.
QUICK = {
    "signature check": 0,
    "catch-up before append": 0,
    "quota": 0,
    "durability before send": 0,
    "buyers sign": 0,
    "forks bind": 0,
    "silence is shown": 0,
    "sales are logged": 0,
    "dates come": 0,
}


@pytest.mark.parametrize("name", QUICK)
def test_a_rule_that_is_taken_out_is_missed(name: str) -> None:
    switch = SWITCHES[name]
    verdict, _ = first_failure(switch, QUICK[name], 3)
    assert verdict is not None, "three seeds passed without it"
    assert verdict.rule in switch.tells, verdict.text
    assert verdict.replay.startswith(f"netnode sim --seed {verdict.seed} --scenario {switch.scenario} ")
    assert run(Order(verdict.seed, switch.scenario)).passed
