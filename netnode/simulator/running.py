"""Runs of the simulator: one seed to its verdict, many over the cores of this computer.

A run happens in one process and reads nothing but its order, so any other process comes to the same trace.
"""

from __future__ import annotations

import multiprocessing
import os
import shlex
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NoReturn

import msgspec

from netnode.problems import ExitCode, Problem
from netnode.simulator.byzantine import KINDS
from netnode.simulator.chance import Stream
from netnode.simulator.options import DEALINGS, FAULTS, MAX_NODES, Options, drawn
from netnode.simulator.playing import play
from netnode.simulator.scenarios import named, staged
from netnode.simulator.scenarios.scenario import Scenario
from netnode.simulator.world import Build

SEEDS_A_PROCESS: Final = 100  # why: what libraries keep in memory is given back now and then


@dataclass(frozen=True, slots=True)
class Order:
    """What to run; what is None follows from the seed.

    Attributes:
        seed: decides everything that nothing else here decides.
        scenario: its name.
        nodes: how many honest nodes.
        until: virtual seconds of trouble; what levels afterwards comes on top.
        without: classes of faults, kinds of dishonest peers and of dealings that are left out.
    """

    seed: int
    scenario: str | None = None
    nodes: int | None = None
    until: float | None = None
    without: tuple[str, ...] = ()

    def replay(self) -> str:
        """The line that runs it again."""
        words = ["netnode", "sim", "--seed", str(self.seed)]
        if self.scenario is not None:
            words += ["--scenario", self.scenario]
        if self.nodes is not None:
            words += ["--nodes", str(self.nodes)]
        if self.until is not None:
            words += ["--until", f"{self.until:g}"]
        for each in self.without:
            words += ["--without", each]
        return shlex.join(words)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one run.

    `rule` and `text` say what did not hold; `trace` hashes everything that happened; `events` counts that; `virtual` is
    how many seconds passed in the run; `marks` are what it covered.
    """

    seed: int
    scenario: str
    options: dict[str, Any]
    verdict: Literal["passed", "failed"]
    trace: str
    events: int
    replay: str
    rule: str = ""
    text: str = ""
    virtual: float = 0.0
    told: int = 0
    marks: dict[str, int] = {}

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        return self.verdict == "passed"


def planned(order: Order) -> tuple[Scenario, Options, Order]:
    """The scenario and options of an order, and the order that names all it needs and so is replayed.

    Raises:
        Problem: there is no such scenario, or nothing of a name that is to be left out (2).
    """
    known = (*FAULTS, *DEALINGS, *KINDS)
    unknown = [each for each in order.without if each not in known]
    if unknown:
        text = f"There is nothing called {unknown[0]!r} to leave out. There are: {', '.join(known)}."
        raise Problem(text, ExitCode.USAGE, "without")
    draws = Stream(order.seed, "plan")
    scenario = staged(draws) if order.scenario is None else named(order.scenario)
    options = scenario.fit(drawn(draws.stream("options"), tuple(KINDS)))
    if order.nodes is not None:
        nodes = max(scenario.least, min(order.nodes, MAX_NODES))
        options = replace(options, nodes=nodes, followers=min(options.followers, nodes - 1))
    if order.until is not None:
        options = replace(options, seconds=order.until)
    options = options.without(*order.without)
    return scenario, options, replace(order, scenario=scenario.name, until=options.seconds)


def run(order: Order, build: Build | None = None) -> Verdict:
    """Runs one seed in this process.

    Args:
        order: what to run.
        build: another outside for its nodes, for tests that take a rule out.

    Raises:
        Problem: there is no such scenario (2).
    """
    scenario, options, whole = planned(order)
    outcome = play(order.seed, scenario.act, options, build)
    return Verdict(
        seed=order.seed,
        scenario=scenario.name,
        options=options.record(),
        verdict="failed" if outcome.rule else "passed",
        trace=outcome.trace,
        events=outcome.events,
        replay=whole.replay(),
        rule=outcome.rule,
        text=outcome.text,
        virtual=round(outcome.virtual, 3),
        told=outcome.told,
        marks=dict(sorted(outcome.marks.items())),
    )


def run_all(orders: Iterable[Order], processes: int | None = None) -> Iterator[Verdict]:
    """Runs many, a process per core; gives the verdicts in the order of the orders.

    Args:
        orders: what to run.
        processes: how many; None for one per core. With one everything runs in this process.

    Raises:
        Problem: there is no such scenario (2).
    """
    waiting = list(orders)
    processes = min(processes or os.cpu_count() or 1, len(waiting))
    if processes <= 1:
        yield from map(run, waiting)
        return
    batch = SEEDS_A_PROCESS * processes
    for start in range(0, len(waiting), batch):
        yield from _batch(waiting[start : start + batch], processes)


def _batch(orders: Sequence[Order], processes: int) -> Iterator[Verdict]:
    """Runs some in fresh processes. A pool that replaces its processes by itself can hang (CPython issue 115634)."""
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _deaf)
    with ExitStack() as undo:
        undo.callback(_end, pool)
        yield from pool.map(run, orders)
        pool.shutdown()
        undo.pop_all()


def _end(pool: ProcessPoolExecutor) -> None:
    """Ends the processes where they stand; nobody waits for their verdicts."""
    pool.shutdown(wait=False, cancel_futures=True)
    for child in multiprocessing.active_children():
        child.terminate()


def _deaf() -> None:
    """Ctrl-C is the business of the first process, which ends the others; they tidy up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)


def _leave(*_: object) -> NoReturn:
    raise SystemExit(1)
