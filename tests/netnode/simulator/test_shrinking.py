"""A failure made smaller while it still fails by the same rule."""

from __future__ import annotations

from netnode.simulator.running import Order, Verdict, planned
from netnode.simulator.shrinking import shrink


def told(order: Order, rule: str) -> Verdict:
    scenario, options, whole = planned(order)
    return Verdict(
        seed=order.seed,
        scenario=scenario.name,
        options=options.record(),
        verdict="failed" if rule else "passed",
        trace="",
        events=0,
        replay=whole.replay(),
        rule=rule,
    )


def test_what_a_failure_needs_is_left_and_nothing_else() -> None:
    """It needs a crash, three nodes and 40 seconds; smaller runs pass, or fail by another rule."""

    def running(order: Order) -> Verdict:
        _, options, _ = planned(order)
        if not options.has("crash"):
            return told(order, "")
        if options.nodes < 3:
            return told(order, "another")
        return told(order, "durable" if options.seconds >= 40.0 else "")

    seed = next(
        seed
        for seed in range(100)
        if (options := planned(Order(seed, "market"))[1]).has("crash")
        and len(options.faults) > 3
        and options.nodes > 4
    )
    lines: list[str] = []
    whole = Order(seed, "market")
    found = shrink(whole, told(whole, "durable"), 200, running, lines.append)
    _, options, _ = planned(found.order)
    assert (options.faults, options.nodes) == (("crash",), 3) and 40.0 <= options.seconds < 50.0
    assert found.verdict.rule == "durable" and lines[-1] == found.verdict.replay


def test_it_ends_after_so_many_runs() -> None:
    runs: list[Order] = []

    def running(order: Order) -> Verdict:
        runs.append(order)
        return told(order, "")

    whole = Order(3, "market")
    found = shrink(whole, told(whole, "durable"), 7, running, lambda line: None)
    assert len(runs) == found.runs == 7 and found.order == planned(Order(3, "market"))[2]


def test_it_begins_with_what_was_run() -> None:
    """What the command line left out or made smaller stays so."""
    runs: list[Order] = []

    def running(order: Order) -> Verdict:
        runs.append(order)
        return told(order, "")

    whole = Order(3, "market", nodes=3, until=20.0, without=("crash", "stall"))
    found = shrink(whole, told(whole, "durable"), 100, running, lambda line: None)
    assert found.order == whole and found.verdict.replay == whole.replay()
    assert all((order.nodes or 9) <= 3 and (order.until or 99.0) <= 20.0 for order in runs)
    assert all({"crash", "stall"} <= set(order.without) for order in runs)
