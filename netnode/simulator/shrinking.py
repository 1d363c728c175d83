"""Makes a run that fails smaller while it still fails: fewer faults, fewer nodes, less time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from netnode.simulator.running import Order, Verdict, planned, run

LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest order found that fails by the same rule, its verdict, and how many runs that took."""

    order: Order
    verdict: Verdict
    runs: int


def shrink(
    order: Order,
    failed: Verdict,
    most: int = 60,
    running: Callable[[Order], Verdict] = run,
    heard: Callable[[str], None] = print,
) -> Shrunk:
    """Tries smaller orders one after the other; keeps each that fails by the same rule.

    Args:
        order: what was run.
        failed: its verdict.
        most: runs at most.
        running: runs an order.
        heard: told of each that got smaller.
    """
    order, verdict, runs = planned(order)[2], failed, 0
    smaller = True
    while smaller and runs < most:
        smaller = False
        for tried in _smaller(order):
            if runs >= most:
                break
            runs += 1
            found = running(tried)
            if not found.passed and found.rule == failed.rule:
                order, verdict, smaller = tried, found, True
                heard(verdict.replay)
                break
    return Shrunk(order, verdict, runs)


def _smaller(order: Order) -> Iterator[Order]:
    """Orders a step smaller, the largest steps first."""
    scenario, options, whole = planned(order)
    seconds = options.seconds
    for share in (4, 2):
        if seconds / share >= LEAST_SECONDS:
            yield replace(whole, until=float(int(seconds / share)))
    parts = [*options.byzantine, *options.faults, *options.dealings]
    if len(parts) > 1:
        half = len(parts) // 2
        yield replace(whole, without=(*whole.without, *parts[:half]))
        yield replace(whole, without=(*whole.without, *parts[half:]))
    for each in parts:
        yield replace(whole, without=(*whole.without, each))
    for nodes in (options.nodes // 2, options.nodes - 1):
        if scenario.least <= nodes < options.nodes:
            yield replace(whole, nodes=nodes)
    if seconds * 0.8 >= LEAST_SECONDS and int(seconds * 0.8) < seconds:
        yield replace(whole, until=float(int(seconds * 0.8)))
