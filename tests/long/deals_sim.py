"""Thousands of random deals in the simulator under every fault: both sides end with equal messages and states.

Deals are counted, not seeds: those of which both sides are honest nodes that were up in the end. What is compared, and
by which two judges, is in netnode/simulator/dealt.py.
"""

from __future__ import annotations

import argparse
from collections import Counter

from netnode.simulator.running import Order, run_all

SCENARIO = "deals"
AT_ONCE = 16  # seeds; why: the count is looked at after each lot


def options(parser: argparse.ArgumentParser) -> None:
    """How many deals, from which seed on."""
    parser.add_argument("--deals", type=int, default=5_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int)


def run(chosen: argparse.Namespace) -> str:
    """Runs seeds until there are so many deals; ends with an assertion when one seed failed."""
    marks: Counter[str] = Counter()
    failures: list[str] = []
    seed = chosen.first
    while marks["deals equal"] < chosen.deals:
        orders = [Order(seed + number, SCENARIO) for number in range(AT_ONCE)]
        for verdict in run_all(orders, chosen.processes):
            marks.update(verdict.marks)
            if not verdict.passed:
                failures.append(f"{verdict.replay}\n  {verdict.rule}: {verdict.text.strip()[-600:]}")
                print(f"failed: {failures[-1]}", flush=True)
        seed += AT_ONCE
        print(
            f"{marks['deals equal']:,} deals of {seed - chosen.first} seeds, {len(failures)} failed",
            flush=True,
        )
        assert len(failures) < AT_ONCE, f"{len(failures)} of {seed - chosen.first} seeds failed"
    assert not failures, f"{len(failures)} of {seed - chosen.first} seeds failed"
    moves = sum(count for name, count in marks.items() if name.startswith("deal "))
    return (
        f"{marks['deals equal']:,} deals of {seed - chosen.first} seeds, {moves:,} moves, {marks['crash']:,} crashes,"
        f" {marks['deals put back']} homes put back: equal messages and states on both sides"
    )
