"""Ledgers with a team by two implementations that share no code: random logs, right and wrong, come to the same.

`python -m tests.long two_judges --ledgers N` judges more of them.
"""

from __future__ import annotations

import pytest

from tests.netnode.ledgers_random import compare, play

FEW = 40


@pytest.mark.parametrize("first", range(0, FEW, 10))
def test_random_ledgers_of_teams_come_to_the_same(first: int) -> None:
    """[R-CRED-7] [R-CRED-13..33] [R-CRED-60] [R-PLAN-20..23] [R-TEAM-10..16] by both, entry by entry."""
    assert sum(compare(seed) for seed in range(first, first + 10)) > 100


@pytest.mark.parametrize("first", range(0, FEW, 10))
def test_random_ledgers_of_late_sales_come_to_the_same(first: int) -> None:
    """[R-CRED-21] [R-PLAN-15..17] Sales logged long after others that came later, and raises, by both."""
    assert sum(compare(seed, late=True) for seed in range(first, first + 10)) > 100


def test_late_ledgers_have_what_is_told_of_a_place() -> None:
    """Late sales in a period in which their members sold more since; late ones that are raised and refunded."""
    later = raised = 0
    for seed in range(FEW):
        orders = play(seed, late=True).world.book.state.orders.values()
        for file in orders:
            if file.at < file.seqs[0]:
                later += any(file.at < other.seqs[0] < file.seqs[0] for other in orders)
                raised += len(file.seqs) > 1
    assert later > FEW // 2 and raised > FEW // 4


def test_what_is_judged_has_all_that_a_team_brings() -> None:
    """Sales that are raised, closes with awards, refunds after a close, and departures, right and wrong ones."""
    codes: set[tuple[int, str | None]] = set()
    awarded = reversed_ = 0
    for seed in range(FEW):
        world = play(seed).world
        codes |= {
            (entry.kind, each.code) for entry, each in zip(world.issuer.entries, world.verdicts, strict=True)
        }
        for effect in world.book.effects.values():
            awarded += type(effect).__name__ == "Earned"
            reversed_ += getattr(effect, "reversed", 0) != 0
    assert awarded > FEW // 2 and reversed_ > 2
    assert {(kind, None) for kind in (10, 12, 14, 16, 18, 22, 24, 26)} <= codes
    assert {(24, "period"), (24, "awards_differ"), (22, "awards_differ"), (26, "hold_over")} <= codes
