"""Stores that were told different things catch up by the table of needs: equal items, then silence."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from protocol.items import Need, Standing, need
from protocol.messages import Ranges, RangesAnswer
from protocol.ranges import Asking, Elements, Salted, answered, element, rows_of
from tests.protocol.author import NETWORK, Author
from tests.protocol.branches import STEPS, Universe
from tests.protocol.pulling import Node, level

HONEST = ["write", "write", "write", "settle", "rotate", "unsigned"]


class CatchingUp(RuleBasedStateMachine):
    """Two or three nodes and two authors, one of them with a thief and a careless copy."""

    @initialize(count=st.integers(2, 3), name=st.integers(0, 2))
    def begin(self, count: int, name: int) -> None:
        self.nodes = [Node() for _ in range(count)]
        self.universes = [Universe(Author(f"c{name}{number}")) for number in range(2)]
        self.authors = [universe.author.id for universe in self.universes]

    @rule(
        which=st.integers(0, 1),
        branch=st.integers(0, 20),
        at=st.integers(0, 100),
        tip=st.booleans(),
        step=st.sampled_from([*HONEST, *(name for name in STEPS if name != "gap")]),
        count=st.sampled_from([1, 2, 3, 30, 64]),
    )
    def grow(self, which: int, branch: int, at: int, tip: bool, step: str, count: int) -> None:
        universe = self.universes[which]
        base = universe.branches[branch % len(universe.branches)]
        universe.grow(branch, len(base) - 1 if tip else at, step, count)

    @rule(
        number=st.integers(0, 2),
        which=st.integers(0, 1),
        branch=st.integers(0, 20),
        first=st.sampled_from([0, 0, 0, 1, 5, 40]),
        length=st.sampled_from([1, 3, 50, 200]),
    )
    def push(self, number: int, which: int, branch: int, first: int, length: int) -> None:
        """Whoever writes tells one node, the whole of it or a part."""
        universe = self.universes[which]
        chain = universe.branches[branch % len(universe.branches)]
        first %= len(chain)
        self.nodes[number % len(self.nodes)].take(self.authors[which], chain[first : first + length])

    @rule(one=st.integers(0, 2), other=st.integers(0, 2), which=st.integers(0, 1), times=st.integers(1, 3))
    def meet(self, one: int, other: int, which: int, times: int) -> None:
        """A short meeting: a few questions, then the link is gone."""
        asks, answers = self.nodes[one % len(self.nodes)], self.nodes[other % len(self.nodes)]
        for _ in range(times):
            asks.pull(answers, self.authors[which])

    def teardown(self) -> None:
        if not hasattr(self, "nodes"):
            return
        level(self.nodes, self.authors)
        for author in self.authors:
            items = [node.item(author) for node in self.nodes]
            if any(item is not None for item in items):
                first = items[0]
                assert first is not None
                for item in items[1:]:
                    assert item is not None and first.equals(item), (first.wire(), item and item.wire())
                    needed = need(first, item), need(item, first)
                    assert set(needed) <= {Need.NOTHING, Need.LOWER}, needed
                if first.standing is Standing.HEAD:
                    assert len({node.logs[author].state.tip.id for node in self.nodes}) == 1  # type: ignore[union-attr]
        self.compared()

    def compared(self) -> None:
        """Fingerprints of equal sets are equal: one question, and nothing to tell."""
        sets = [
            Elements().changed(
                element(NETWORK, item) for author in self.authors if (item := node.item(author)) is not None
            )
            for node in self.nodes[:2]
        ]
        asking, answering = (Salted(each, NETWORK, bytes(16)) for each in sets)
        ask = Asking(asking)
        reply = answered(answering, Ranges(**rows_of(ask.question())))
        ask.take(RangesAnswer(**rows_of(reply)), [])
        assert ask.done and not ask.unmatched and not reply.tell


CatchingUp.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestCatchingUp = CatchingUp.TestCase
