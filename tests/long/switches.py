"""Each rule that a node rests on, taken out: the simulator has to fail within 200 seeds."""

from __future__ import annotations

import argparse

from tests.netnode.simulator.switches import SEEDS, SWITCHES, first_failure


def options(parser: argparse.ArgumentParser) -> None:
    """Which rules, and how many seeds at most."""
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rule", choices=sorted(SWITCHES), action="append")


def run(chosen: argparse.Namespace) -> str:
    """Tries one rule after the other."""
    told = []
    for name in chosen.rule or SWITCHES:
        switch = SWITCHES[name]
        verdict, seeds = first_failure(switch, chosen.first, chosen.seeds)
        assert verdict is not None, f"without the {name} {chosen.seeds} seeds of {switch.scenario} pass"
        assert verdict.rule in switch.tells, f"without the {name}: {verdict.rule}: {verdict.text}"
        print(f"without the {name}: seed {verdict.seed} of {switch.scenario}: {verdict.rule}", flush=True)
        told.append(f"{name} {seeds}")
    return f"seeds until it was noticed: {', '.join(told)}"
