"""Each rule that a node rests on, taken out: the simulator has to fail within 200 seeds.

A seed whose run fails with every rule in place says nothing of the rule that is taken out: it is told, the next seed
is tried, and in the end the whole has failed, after every rule had its turn.
"""

from __future__ import annotations

import argparse
from functools import cache

from netnode.simulator.running import run as simulate
from tests.netnode.simulator.switches import SEEDS, SWITCHES, Switch, Tried, first_failure


def options(parser: argparse.ArgumentParser) -> None:
    """Which rules, and how many seeds at most."""
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rule", choices=sorted(SWITCHES), action="append")


def run(chosen: argparse.Namespace) -> str:
    """Tries one rule after the other."""
    honest = cache(simulate)
    told: list[str] = []
    wrong: dict[str, None] = {}
    for name in chosen.rule or SWITCHES:
        switch = SWITCHES[name]
        tried = first_failure(switch, chosen.first, chosen.seeds, honest)
        for each in tried.sick:
            text = f"with every rule seed {each.seed} of {each.scenario} fails: {each.rule}: {each.text}"
            print(text, flush=True)
            wrong[text] = None
        found = judged(switch, tried)
        if found:
            wrong[found] = None
        else:
            told.append(f"{name} {tried.seeds}")
    assert not wrong, f"{len(told)} rules are missed when they are gone; {'; '.join(wrong)}"
    return f"seeds until it was noticed: {', '.join(told)}"


def judged(switch: Switch, tried: Tried) -> str:
    """Tells what came of a rule; why it was not noticed as it has to be, empty where it was."""
    verdict = tried.verdict
    if verdict is None:
        text = wrong = f"without the {switch.name} no seed of {tried.seeds} of {switch.scenario} fails"
    else:
        text = f"without the {switch.name}: seed {verdict.seed} of {switch.scenario}: {verdict.rule}"
        wrong = "" if verdict.rule in switch.tells else f"{text}: {verdict.text}"
    print(wrong or text, flush=True)
    return wrong
