"""With one rule taken out the simulator fails; ``python -m tests.long switches`` tries all of them, from any seed."""

from __future__ import annotations

import argparse

import pytest

from netnode.simulator.running import Order, Verdict, run
from tests.long import switches as long_run
from tests.netnode.simulator.switches import SWITCHES, Tried, first_failure, taken_out

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
    "letters are repeated": 0,
    "counters are new": 0,
    "lost locks are found": 0,
}


@pytest.mark.parametrize("name", QUICK)
def test_a_rule_that_is_taken_out_is_missed(name: str) -> None:
    switch = SWITCHES[name]
    tried = first_failure(switch, QUICK[name], 3)
    verdict = tried.verdict
    assert not tried.sick, tried.sick
    assert verdict is not None, "three seeds passed without it"
    assert verdict.rule in switch.tells, verdict.text
    assert verdict.replay.startswith(f"netnode sim --seed {verdict.seed} --scenario {switch.scenario} ")


def test_a_seed_that_fails_with_every_rule_says_nothing() -> None:
    switch = SWITCHES["dates come"]

    def sick(order: Order) -> Verdict:
        with taken_out(switch):
            return run(order)

    tried = first_failure(switch, seeds=1, honest=sick)
    assert (tried.verdict, tried.seeds, [each.seed for each in tried.sick]) == (None, 1, [0])


def test_the_long_run_goes_on_and_sums_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def verdict(seed: int, rule: str) -> Verdict:
        return Verdict(
            seed=seed, scenario="s", options={}, verdict="failed", trace="", events=1, replay="", rule=rule
        )

    found = {
        "quota": Tried(None, 1, (verdict(0, "liveness"),)),
        "dates come": Tried(verdict(4, "quota"), 5, ()),
        "sales are logged": Tried(verdict(7, "sales"), 8, ()),
    }
    monkeypatch.setattr(long_run, "first_failure", lambda switch, *_: found[switch.name])
    with pytest.raises(
        AssertionError, match=r"^1 rules are missed when they are gone; with every rule seed 0 of s"
    ):
        long_run.run(argparse.Namespace(rule=list(found), first=0, seeds=9))
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "with every rule seed 0 of s fails: liveness: "
    assert told[1] == "without the quota no seed of 1 of flood fails"
    assert told[2].startswith("without the dates come: seed 4 of found-future-receipt: quota")
    assert told[3] == "without the sales are logged: seed 7 of credits: sales"
