"""State machines of session, log, catching up and store, deep: many examples, each of many steps."""

from __future__ import annotations

import argparse
from typing import Final

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.netnode.test_store_machine import Stores
from tests.protocol.test_catching_up_machine import CatchingUp
from tests.protocol.test_log_machine import Logs
from tests.protocol.test_session_machine import Sessions

MACHINES: Final[dict[str, type[RuleBasedStateMachine]]] = {
    "session": Sessions,
    "log": Logs,
    "catching-up": CatchingUp,
    "store": Stores,
}


def options(parser: argparse.ArgumentParser) -> None:
    """Which machines, how many examples of each, and how long one may be."""
    parser.add_argument("--machine", choices=MACHINES, action="append", help="all without it")
    parser.add_argument("--examples", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=50)


def run(chosen: argparse.Namespace) -> str:
    """Runs them; the first that fails ends it, with the shortest steps that fail."""
    names = chosen.machine or list(MACHINES)
    deep = settings(
        max_examples=chosen.examples,
        stateful_step_count=chosen.steps,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        verbosity=Verbosity.normal,
        suppress_health_check=list(HealthCheck),
    )
    for name in names:
        run_state_machine_as_test(MACHINES[name], settings=deep)
        print(f"{name}: {chosen.examples:,} examples of up to {chosen.steps} steps", flush=True)
    return f"{len(names)} machines, {chosen.examples:,} examples each, nothing found"
