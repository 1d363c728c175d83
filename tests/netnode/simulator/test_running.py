"""One seed to its verdict, many over processes, and the line that runs one again."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from netnode.problems import Problem
from netnode.simulator.chance import Stream
from netnode.simulator.running import Order, planned, run, run_all
from netnode.simulator.scenarios import SCENARIOS, named, staged


def test_an_order_names_all_that_its_replay_needs() -> None:
    scenario, options, whole = planned(Order(5, without=("crash",), nodes=3))
    assert whole.scenario == scenario.name and whole.until == options.seconds
    assert whole.replay() == (
        f"netnode sim --seed 5 --scenario {scenario.name} --nodes 3 --until {options.seconds:g} --without crash"
    )
    assert planned(whole)[:2] == (scenario, options)


def test_what_is_to_be_left_out_has_to_be_there() -> None:
    """A word that is spelled wrong would leave everything on, and look like a run without it."""
    with pytest.raises(Problem, match=r"nothing called 'crsh'.*crash") as told:
        planned(Order(5, without=("crash", "crsh")))
    assert told.value.exit_code == 2
    planned(Order(5, without=("crash", "liar")))


def test_scenarios_have_names_numbers_and_words() -> None:
    assert len({each.name for each in SCENARIOS}) == len(SCENARIOS)
    assert [named(str(number)) for number in range(len(SCENARIOS))] == list(SCENARIOS)
    assert all(each.about and each.about.endswith(".") for each in SCENARIOS)
    with pytest.raises(Problem, match="There is no scenario"):
        named("no such thing")


def test_seeds_draw_every_scenario() -> None:
    assert {staged(Stream(seed, "plan")).name for seed in range(400)} == {each.name for each in SCENARIOS}


def test_the_same_seed_does_the_same_in_another_process_and_under_another_hash_seed() -> None:
    order = Order(1, "market", until=20.0)
    here = run(order)
    code = (
        "from netnode.simulator.running import Order, run; import json\n"
        "found = run(Order(1, 'market', until=20.0)); print(json.dumps([found.trace, found.events]))"
    )
    for hashing in ("0", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hashing}
        out = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        assert json.loads(out.stdout) == [here.trace, here.events]
    assert run(Order(2, "market", until=20.0)).trace != here.trace


def test_many_run_over_processes_in_their_order() -> None:
    orders = [Order(seed, "market", nodes=2, until=5.0) for seed in range(3)]
    verdicts = list(run_all(orders, processes=2))
    assert [each.seed for each in verdicts] == [0, 1, 2] and all(each.passed for each in verdicts)
    assert [each.trace for each in verdicts] == [run(order).trace for order in orders]
