"""Any order of arrival of any branches: the core, the second codec and other orders agree on what is held."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from netnode.conformance.entries import read_entry
from netnode.conformance.faults import ENDING, Fault
from netnode.conformance.log import Log
from protocol.entry import CLOSE, Entry
from protocol.errors import ProtocolError
from protocol.items import Standing
from protocol.log import signed_run
from tests.protocol.author import NETWORK, Author
from tests.protocol.branches import STEPS, Universe
from tests.protocol.held import Held

ROUNDS = 12


def others(chain: Sequence[Entry]) -> list[object]:
    """The same entries as the second codec reads them."""
    return [read_entry(entry.wire()) for entry in chain]


class Logs(RuleBasedStateMachine):
    """One author's branches, delivered to a store of the core and to one of the second codec alike."""

    @initialize(name=st.integers(0, 3))
    def begin(self, name: int) -> None:
        self.universe = Universe(Author(f"m{name}"))
        self.held = Held()
        self.log = Log(NETWORK)
        self.jumped = False

    @rule(
        branch=st.integers(0, 30),
        at=st.integers(0, 200),
        tip=st.booleans(),
        step=st.sampled_from([*STEPS, "write", "write", "settle", "rotate"]),
        count=st.sampled_from([1, 1, 2, 3, 5, 8, 40, 63, 64, 65]),
    )
    def grow(self, branch: int, at: int, tip: bool, step: str, count: int) -> None:
        base = self.universe.branches[branch % len(self.universe.branches)]
        self.universe.grow(branch, len(base) - 1 if tip else at, step, count)

    @rule(
        branch=st.integers(0, 30), first=st.integers(0, 200), length=st.sampled_from([1, 2, 5, 30, 65, 300])
    )
    def deliver(self, branch: int, first: int, length: int) -> None:
        chain = self.universe.branches[branch % len(self.universe.branches)]
        first %= len(chain)
        self.receive(chain[first : first + length])

    @rule(branch=st.integers(0, 30), jump=st.booleans())
    def follow(self, branch: int, jump: bool) -> None:
        """What comes after the tip held, as a peer would send it."""
        chain = self.universe.branches[branch % len(self.universe.branches)]
        tip = -1 if self.held.state is None else self.held.state.tip.seq
        self.receive(chain[tip + 1 :] or chain, jump=jump and bool(chain[tip + 1 :]))

    @precondition(lambda self: self.held.state is not None)
    @rule(branch=st.integers(0, 30), length=st.integers(1, 70))
    def fill(self, branch: int, length: int) -> None:
        """What comes below the base held."""
        chain = self.universe.branches[branch % len(self.universe.branches)]
        base = self.held.state.base.seq
        self.receive(chain[max(0, base - length) : base] or chain[:1])

    @precondition(lambda self: self.held.state is not None)
    @rule(branch=st.integers(0, 30), which=st.integers(0, 9))
    def opener(self, branch: int, which: int) -> None:
        """One opener by itself, as an answer to `openers` brings it."""
        openers = [
            entry for entry in self.universe.branches[branch % len(self.universe.branches)] if entry.is_opener
        ]
        self.receive([openers[which % len(openers)]])

    @precondition(lambda self: self.held.state is not None)
    @rule(left=st.integers(0, 30), right=st.integers(0, 30))
    def proof(self, left: int, right: int) -> None:
        """The proof of a fork, true or not."""
        one, two = (self.universe.branches[each % len(self.universe.branches)] for each in (left, right))
        differ = [at for at in range(min(len(one), len(two))) if one[at].id != two[at].id]
        if not differ:
            return
        sides = []
        for branch in (one, two):
            try:
                sides.append(signed_run(self.held.state.openers, branch[differ[0] :]))
            except (ProtocolError, IndexError):
                sides.append(tuple(branch[differ[0] : differ[0] + 1]))
        mine = other = None
        try:
            self.held.proof(*sides)
        except ProtocolError as error:
            mine = error.code
        try:
            self.log.receive_proof(*map(others, sides))
        except Fault as fault:
            other = fault.code
        assert (mine is None) == (other is None) and (mine in ENDING) == (other in ENDING), (mine, other)

    def receive(self, chain: Sequence[Entry], jump: bool = False) -> None:
        self.jumped = self.jumped or jump
        mine = self.held.receive(chain, jump=jump).fault
        other = self.log.receive(others(chain), jump=jump).fault
        codes = mine and mine.code, other and other.code
        assert (codes[0] in ENDING) == (codes[1] in ENDING), codes

    @invariant()
    def alike(self) -> None:
        state = self.held.state
        if state is None:
            assert self.log.item() is None
            return
        assert state.item().wire() == self.log.item()
        assert state.common == self.log.common()
        assert [entry.id for entry in self.held.log()] == [entry.id for entry in self.log.main]

    def teardown(self) -> None:
        """Whoever gets everything, in any order and as often as it takes, holds the same [R-LOG-5, 13, 14, 16]."""
        if not hasattr(self, "universe") or self.jumped:
            return
        stores = [self.held, Held(), Held()]
        for number, store in enumerate(stores):
            settle(store, self.universe.branches, random.Random(number))
        first, *rest = (store.state for store in stores)
        assert first is not None
        for state in rest:
            assert state is not None
            assert first.item().equals(state.item()), (first.item().wire(), state.item().wire())
            assert first.common == state.common
        if (
            first.item().standing is Standing.HEAD
        ):  # `from` may differ: an author can write what nobody can fill
            base = max(store.state.base.seq for store in stores if store.state is not None)
            assert len({tuple(each.id for each in store.log() if each.seq >= base) for store in stores}) == 1


def settle(store: Held, branches: Sequence[Sequence[Entry]], chance: random.Random) -> None:
    """Delivers every branch in parts and in any order until nothing changes any more."""
    for _ in range(ROUNDS):
        before = store.state
        parts = [branch[cut:end] for branch in branches for cut, end in _parts(len(branch), chance)]
        parts += [branch[at:] for branch in branches for at in _breaks(branch)]
        chance.shuffle(parts)
        for part in parts:
            store.receive(part)
        for branch in branches:
            store.receive(branch)
            if store.state is not None and store.state.base.seq:
                store.receive(branch[: store.state.base.seq] or branch[:1])
        if store.state == before:
            return
    raise AssertionError("it does not come to rest")


def _breaks(branch: Sequence[Entry]) -> list[int]:
    """Where a branch does not link, or begins anew: what comes after is told apart too."""
    return [
        at
        for at in range(1, len(branch))
        if branch[at].is_opener
        or branch[at].prev != branch[at - 1].id
        or branch[at].time < branch[at - 1].time
        or branch[at - 1].kind == CLOSE
    ]


def _parts(length: int, chance: random.Random) -> list[tuple[int, int]]:
    ends = sorted({0, length, *(chance.randrange(length + 1) for _ in range(3))})
    return list(itertools.pairwise(ends))


Logs.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestLogs = Logs.TestCase
