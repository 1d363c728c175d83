"""A small share of `python -m tests.long ledger_ops`: the fold equals a naive ledger after each operation."""

from __future__ import annotations

import pytest

from tests.protocol.ledger.branches import play


@pytest.mark.parametrize("number", range(16))
def test_the_fold_equals_a_naive_ledger_after_each_of_many_random_operations(number: int) -> None:
    outcomes = play(number, 60)
    assert sum(outcomes.values()) == 60
