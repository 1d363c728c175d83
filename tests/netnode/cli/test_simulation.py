"""`netnode sim` on the command line."""

from __future__ import annotations

import json

from netnode.problems import ExitCode


def test_one_seed_tells_options_verdict_trace_and_replay(run) -> None:
    line = ("sim", "--seed", "1", "--scenario", "market", "--nodes", "2", "--until", "5")
    done = run(*line)
    assert done.code == 0
    assert "Verdict   passed" in done.out and "Replay    netnode sim --seed 1 --scenario market" in done.out
    document = json.loads(run(*line, "--json").out)
    (seed,) = document["seeds"]
    assert (document["passed"], document["failed"], seed["verdict"]) == (1, 0, "passed")
    assert {"seed", "scenario", "options", "verdict", "trace", "events", "replay"} <= set(seed)
    assert seed["trace"] in done.out


def test_scenarios_are_listed(run) -> None:
    listed = json.loads(run("sim", "--list", "--json").out)
    assert [each["number"] for each in listed] == list(range(len(listed)))
    assert {"market", "theft", "copies"} <= {each["name"] for each in listed}
    assert "theft" in run("sim", "--list").out


def test_an_unknown_scenario_is_told_before_anything_runs(run) -> None:
    done = run("sim", "--scenario", "nonsense")
    assert done.code == ExitCode.USAGE and "There is no scenario 'nonsense'" in done.err
