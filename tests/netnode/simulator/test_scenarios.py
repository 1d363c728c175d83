"""A fixed small share of the seeds: each scenario once; ``python -m tests.long seeds`` runs thousands."""

from __future__ import annotations

import pytest

from netnode.simulator.running import Order, run
from netnode.simulator.scenarios import SCENARIOS

ELSEWHERE = ("credits", "swaps", "teams")  # seeds of these are run by test_crediting


@pytest.mark.parametrize("name", [each.name for each in SCENARIOS if each.name not in ELSEWHERE])
def test_a_seed_of_each_scenario_holds(name: str) -> None:
    verdict = run(Order(1, name, nodes=4, until=60.0))
    assert verdict.passed, f"{verdict.replay}\n{verdict.rule}: {verdict.text}"
    assert verdict.marks["level"] == 1
