"""Every worked example that has sales and a tree comes out exactly through a log: entries folded by the book [L9].

What an example gives members from the start and no log can give (an opening carry) leaves it out; ranks are earned in
the month before (see `ledger_path`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.protocol.plans.examples import EXAMPLES, Example
from tests.protocol.plans.ledger_path import LedgerPath, has_no_log

IN_A_LOG = [each for each in EXAMPLES if each.tree is None or not has_no_log(each.tree)]


@pytest.mark.parametrize("example", IN_A_LOG, ids=lambda example: example.name)
def test_example_comes_out_exactly_through_a_log(example: Example, tmp_path: Path) -> None:
    path = LedgerPath(example.plan, example.tree, tmp_path)
    before = path.figures()
    awards = path.run(example.sales)
    if example.awards is not None:
        assert sorted(awards) == sorted(example.awards)
    if example.totals:
        after = path.figures()
        gained = {name: path.gain(before, after, name) for name in {*before, *after, *example.totals}}
        assert {name: amount for name, amount in gained.items() if amount != "0"} == {
            name: amount for name, amount in example.totals.items() if amount != "0"
        }
    for name, legs in example.carry.items():
        assert path.carry(name) == legs


def test_only_an_opening_carry_has_no_log() -> None:
    assert [each.name for each in EXAMPLES if each not in IN_A_LOG] == ["binary_prior_carry"]
