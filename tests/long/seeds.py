"""Whole worlds of nodes, a seed each, over all scenarios; every failure with the line that runs it again."""

from __future__ import annotations

import argparse
from collections import Counter

from netnode.simulator.running import Order, run_all
from netnode.simulator.scenarios import SCENARIOS

REPORT_EVERY = 100


def options(parser: argparse.ArgumentParser) -> None:
    """How many seeds, from which one on, of which scenario."""
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--scenario", choices=[each.name for each in SCENARIOS])
    parser.add_argument("--processes", type=int)


def run(chosen: argparse.Namespace) -> str:
    """Runs them; ends with an assertion when one failed, or when something was never covered."""
    orders = [Order(chosen.first + number, chosen.scenario) for number in range(chosen.seeds)]
    counts: Counter[str] = Counter()
    marks: dict[str, Counter[str]] = {}
    failures: list[str] = []
    for number, verdict in enumerate(run_all(orders, chosen.processes), 1):
        counts[verdict.scenario] += 1
        marks.setdefault(verdict.scenario, Counter()).update(verdict.marks)
        if not verdict.passed:
            failures.append(f"{verdict.replay}\n  {verdict.rule}: {verdict.text.strip()[-600:]}")
            print(f"failed: {failures[-1]}", flush=True)
        if number % REPORT_EVERY == 0:
            print(f"{number} of {len(orders)} seeds, {len(failures)} failed", flush=True)
    for name, count in sorted(counts.items()):
        print(f"  {name}: {count}")
    missed = [
        f"{scenario.name}: {mark}"
        for scenario in SCENARIOS
        if scenario.name in counts
        for mark in scenario.marks
        if not marks[scenario.name][mark]
    ]
    for each in missed:
        print(f"never covered: {each}", flush=True)
    assert not failures, f"{len(failures)} of {len(orders)} seeds failed"
    assert not missed, f"{len(missed)} marks were never covered"
    return f"{len(orders):,} seeds of {len(counts)} scenarios passed, {sum(map(len, marks.values()))} marks covered"
