"""The gate over a real store, restarted at any time, beside a log held in memory: the same entries, items and proofs.

What `test_store_model.py` does with the writer alone, this does with everything between a session and the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from netnode.store import Reader
from protocol.entry import Entry
from protocol.errors import ProtocolError
from protocol.log import signed_run
from protocol.run import run_of, runs_of
from tests.netnode.test_ingest import Bench, bench
from tests.protocol.author import Author
from tests.protocol.branches import STEPS, Universe
from tests.protocol.held import Held

T = TypeVar("T")
EVERYTHING = 2**40


class Stores(RuleBasedStateMachine):
    """Two authors' branches through a gate, and through two logs in memory."""

    @initialize(name=st.integers(0, 2))
    def begin(self, name: int) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="netnode-test-")
        self.runner = asyncio.Runner()
        self.stack = contextlib.AsyncExitStack()
        self.universes = [Universe(Author(f"s{name}{number}")) for number in range(2)]
        self.held = [Held(), Held()]
        self.bench = self.opened()

    def opened(self) -> Bench:
        return self.done(self.stack.enter_async_context(bench(Path(self.folder.name))))

    def done(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @rule()
    def restart(self) -> None:
        """Everything in memory is gone; what was told to be stored is there."""
        self.done(self.stack.aclose())
        self.bench = self.opened()

    @rule(
        which=st.integers(0, 1),
        branch=st.integers(0, 20),
        at=st.integers(0, 100),
        tip=st.booleans(),
        step=st.sampled_from([*STEPS, "write", "write"]),
        count=st.sampled_from([1, 2, 3, 30, 64]),
    )
    def grow(self, which: int, branch: int, at: int, tip: bool, step: str, count: int) -> None:
        universe = self.universes[which]
        base = universe.branches[branch % len(universe.branches)]
        universe.grow(branch, len(base) - 1 if tip else at, step, count)

    @rule(
        which=st.integers(0, 1),
        branch=st.integers(0, 20),
        first=st.sampled_from([0, 0, 0, 1, 2, 5, 30, 64]),
        length=st.sampled_from([1, 2, 5, 40, 200]),
    )
    def admit(self, which: int, branch: int, first: int, length: int) -> None:
        chain = self.chain(which, branch)
        first %= len(chain)
        self.taken(which, chain[first : first + length])

    @rule(which=st.integers(0, 1), branch=st.integers(0, 20))
    def follow(self, which: int, branch: int) -> None:
        chain, state = self.chain(which, branch), self.held[which].state
        self.taken(which, chain[0 if state is None else state.tip.seq + 1 :] or chain)

    @rule(which=st.integers(0, 1), branch=st.integers(0, 20))
    def admit_runs(self, which: int, branch: int) -> None:
        """A whole branch as a message carries it; runs that follow each other are one chain [R-RUN-6]."""
        chain = self.chain(which, branch)
        if any(after.prev != before.id for before, after in itertools.pairwise(chain)):
            return
        (outcome,) = self.done(self.bench.gate.admit_runs(list(runs_of(chain))))
        fault = self.held[which].receive(chain).fault
        assert (outcome.fault and outcome.fault.code) == (fault and fault.code)

    @precondition(lambda self: any(held.state is not None for held in self.held))
    @rule(which=st.integers(0, 1), left=st.integers(0, 20), right=st.integers(0, 20))
    def proof(self, which: int, left: int, right: int) -> None:
        held = self.held[which]
        one, two = self.chain(which, left), self.chain(which, right)
        differ = [at for at in range(min(len(one), len(two))) if one[at].id != two[at].id]
        if held.state is None or not differ or one[differ[0]].is_opener or two[differ[0]].is_opener:
            return
        try:
            sides = [signed_run(held.state.openers, branch[differ[0] :]) for branch in (one, two)]
        except (ProtocolError, IndexError):
            return
        if any(len(list(runs_of(side))) != 1 for side in sides):
            return
        outcome = self.done(self.bench.gate.admit_proof(run_of(sides[0]), run_of(sides[1])))
        code = None
        try:
            held.proof(*sides)
        except ProtocolError as error:
            code = error.code
        assert (outcome.fault and outcome.fault.code) == code

    def chain(self, which: int, branch: int) -> list[Entry]:
        branches = self.universes[which].branches
        return branches[branch % len(branches)]

    def taken(self, which: int, chain: Sequence[Entry]) -> None:
        outcome = self.done(self.bench.gate.admit(list(chain)))
        admission = self.held[which].receive(chain)
        assert (outcome.fault and outcome.fault.code) == (admission.fault and admission.fault.code)

    @invariant()
    def alike(self) -> None:
        if not hasattr(self, "bench"):
            return
        for universe, held in zip(self.universes, self.held, strict=True):
            author = universe.author.id
            state = self.done(self.bench.store.read(Reader.load, author))
            assert state == held.state
            rows = self.done(self.bench.store.read(Reader.entries, author, 0, EVERYTHING, EVERYTHING))
            assert rows == held.log()
            if state is not None and state.fork is not None:
                told = self.done(self.bench.store.read(Reader.proof, author))
                assert told is not None and told[0].first == told[1].first == state.fork

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        self.done(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()


Stores.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestStores = Stores.TestCase
