"""Which awards of a closed period a refund reaches, and by how much [R-PLAN-23]."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from protocol.plans.activity import Activity
from protocol.plans.document import Compiled
from protocol.plans.evaluate import evaluate_period, raise_sale
from protocol.plans.facts import SaleFacts
from tests.protocol.plans.made import MONTH, plan, sale, team
from tests.protocol.plans.test_gates import without

LEGS = {"legs": 2}


def refunded(
    compiled: Compiled, people, sales: list[SaleFacts[str]], part: Fraction = Fraction(1)
) -> dict[tuple[str, str, int], int]:
    """Volume reversed by award, after a part of the first sale is refunded when its period is closed."""
    activity: Activity[str] = Activity(compiled)
    for one in sales:
        activity.take(one, people)
    activity.close(evaluate_period(compiled, people, activity, activity.period(MONTH, 9)))
    found = activity.reverse(sales[0], part, people)
    return {(one.to, one.rule, one.level): one.volume for one in found}


@pytest.mark.parametrize(("which", "reached"), [(0, {"d": 1, "c": 2}), (1, {"b": 1, "helper": 2})])
def test_an_award_for_a_duty_rests_on_the_sales_of_the_award_it_was_taken_from(
    which: int, reached: dict[str, int]
) -> None:
    """`helper` got something of what a had at level 2 by b's sale; d's at level 2 is another line, and not its own."""
    level = {"compression": "none", "rates": ["10%", "5%"], "when": "period"}
    compiled = plan(unilevel=level, duty={"rules": ["unilevel"], "withheld": "100%"})
    people = team({"a": None, "b": "a", "c": None, "d": "c", "helper": None})

    class Helped:
        def done_by(self, upline: str, member: str, at: int | None = None) -> str | None:
            return "helper" if upline == "a" else upline

    for part in (Fraction(1), Fraction(1, 4)):
        activity: Activity[str] = Activity(compiled)
        sales = [sale(1, "d", 2_000), sale(2, "b", 1_000)]
        for one in sales:
            activity.take(one, people)
        period = activity.period(MONTH, 9)
        activity.close(evaluate_period(compiled, people, activity, period, Helped()))
        found = activity.reverse(sales[which], part, people)
        assert {one.to: one.level for one in found} == reached
        assert {one.volume for one in found} == {sales[which].amount * part}
        assert {one.rule for one in found if one.to == "helper"} <= {"unilevel:duty"}


def test_a_match_rests_on_the_sales_of_those_whose_awards_it_matches() -> None:
    """Two levels and a match of one: of a sale of e's e and d are paid, and what d and c match of them rests on it.

    b matches c's own awards, which rest on the sales of c and d.
    """
    levels = {"compression": "none", "rates": ["10%", "5%"], "when": "period"}
    match = {"of": ["unilevel"], "rates": ["50%"], "when": "period"}
    compiled = plan(unilevel=levels, matching=match)
    people = team({"a": None, "b": "a", "c": "b", "d": "c", "e": "d"})
    sales = [sale(number, name, 1_000) for number, name in enumerate("edc", 1)]
    for which, matched in ((0, {"d", "c"}), (1, {"c", "b"}), (2, {"b", "a"})):
        found = refunded(
            compiled, people, [sales[which], *(each for each in sales if each is not sales[which])]
        )
        assert {to for to, rule, _ in found if rule == "matching"} == matched
        assert {to for to, rule, _ in found if rule == "unilevel"} == {"edcba"[which], "edcba"[which + 1]}


def test_a_pair_is_reversed_by_what_was_refunded_of_either_leg() -> None:
    compiled = plan(
        binary={"mode": "pairs", "weak": "3", "amount": "1", "after": "flush"}, team=LEGS, cap_company="1"
    )
    people = team({"top": None, "l": "top", "r": "top"}, {"l": ("top", 0), "r": ("top", 1)})
    sales = [sale(1, "l", 1_000), sale(2, "r", 400)]
    assert refunded(compiled, people, sales) == {("top", "binary", 1): 1_000}
    assert refunded(compiled, people, sales, Fraction(1, 10)) == {("top", "binary", 1): 100}


def test_a_leg_that_broke_away_takes_its_refund_with_it() -> None:
    """`low` broke away: its refund does not touch what `top` earned of `mid`."""
    compiled = plan(
        differential={"mode": "whole", "steps": [["0", "5%"], ["20", "10%"]], "breakaway": "star"},
        ranks=[{"name": "star", "own": "50"}],
    )
    people = team({"top": None, "low": "top"})
    sales = [sale(1, "low", 5_000), sale(2, "top", 1_000)]
    assert refunded(compiled, people, sales) == {("low", "differential", 2): 5_000}


def test_generations_above_a_head_are_reached_level_by_level() -> None:
    """Override, second generation and not the first, where the sale is of a group in between."""
    compiled = plan(
        override={"mode": "fixed", "rank": "star", "generations": 2, "rates": ["5%", "3%"]},
        ranks=[{"name": "star", "own": "10"}],
    )
    people = team({"top": None, "mid": "top", "low": "mid", "leaf": "low"})
    sales = [sale(1, "leaf", 100), *(sale(n, who, 1_000) for n, who in enumerate(("top", "mid", "low"), 2))]
    found = refunded(compiled, people, sales)
    assert set(found) == {("mid", "override", 1), ("top", "override", 2)}


def test_a_refund_of_what_nobody_owns_reaches_what_rests_on_the_sums_of_all() -> None:
    """[R-PLAN-23] A pool pays of everything that was sold."""
    ranks = [{"name": "x", "own": "1"}]
    people, sales = team({"a": None}), [sale(1, None, 900), sale(2, "a", 100)]
    pool = plan(pool={"rank": "x", "share": "10%"}, ranks=ranks, maximum="10%")
    assert refunded(pool, people, sales) == {("a", "pool", 0): 900}
    whole = plan(differential={"mode": "whole", "steps": [["0", "5%"]]}, ranks=ranks)
    assert refunded(whole, people, sales) == {}


def test_a_refund_of_tiers_without_a_team_takes_nothing_out_of_legs() -> None:
    compiled = plan(tiers={"mode": "whole", "steps": "5%", "when": "period"})
    assert refunded(compiled, None, [sale(1, "a", 900)]) == {("a", "tiers", 1): 900}


@pytest.mark.parametrize(("months", "paid"), [(0, True), (1, True), (2, False)])
def test_idle_members_lose_overrides_at_the_close_too_r19(months: int, paid: bool) -> None:
    """[R-PLAN-16]"""
    level = {"compression": "none", "rates": ["10%", "5%"], "when": "period"}
    compiled = plan(unilevel=level, **without("r19"), idle_periods=2)
    people, activity = team({"mid": None, "low": "mid"}), Activity(compiled)
    activity.take(sale(1, "mid", 100), people)
    later = MONTH + months * 31 * 86_400_000
    activity.take(sale(2, "low", 1_000, time=later), people)
    result = evaluate_period(compiled, people, activity, activity.period(later, 9))
    assert (50 in [award.amount for award in result.awards if award.to == "mid" and award.level == 2]) is paid


def test_overrides_are_locked_at_the_close_without_outside_buyers_r5() -> None:
    """[R-PLAN-16]"""
    level = {"compression": "none", "rates": ["10%", "5%"], "when": "period"}
    compiled = plan(unilevel=level, **without("r5"))
    people, activity = team({"mid": None, "low": "mid"}), Activity(compiled)
    activity.take(sale(1, "low", 1_000), people)
    result = evaluate_period(compiled, people, activity, activity.period(MONTH, 9))
    assert {award.to for award in result.awards} == {"low"}
    assert [(one.to, one.reason) for one in result.withheld] == [("mid", "r5")]


def test_a_match_of_a_pool_rests_on_every_sale() -> None:
    compiled = plan(
        pool={"rank": "star", "share": "10%"},
        ranks=[{"name": "star", "own": "1"}],
        matching={"of": ["pool"], "rates": ["50%"], "when": "period"},
    )
    people = team({"top": None, "low": "top", "other": None})
    sales = [sale(1, "other", 1_000), sale(2, "low", 1_000)]
    assert set(refunded(compiled, people, sales)) >= {
        ("low", "pool", 0),
        ("other", "pool", 0),
        ("top", "matching", 1),
    }


def test_of_a_purchase_that_counted_in_part_no_more_counts_when_it_is_raised_after_the_close() -> None:
    """R2 and R7: what one's own purchases count for is not made larger by splitting their receipt over months."""
    level = {"compression": "none", "rates": ["10%"], "when": "period"}
    off = dict.fromkeys(("r5", "r6", "r8", "r19"), False)
    compiled = plan(unilevel=level, rules=True, personal="3", **off)
    people, activity = team({"a": None, "b": "a"}), Activity(compiled)
    first = sale(2, "a", 1_000, buyer="b", customer="b")
    for one in (sale(1, "a", 10_000), first):
        activity.take(one, people)
    assert activity.volumes(MONTH).total == 10_300
    activity.close(evaluate_period(compiled, people, activity, activity.period(MONTH, 9)))
    later = MONTH + 40 * 86_400_000
    activity.take_more(first, sale(2, "a", 5_000, buyer="b", customer="b"), people, later)
    assert activity.volumes(later).total == 0
    assert activity.volumes(MONTH).total == 10_300


def test_refunds_take_no_more_of_a_purchase_that_counted_in_part_than_counted() -> None:
    """[L11] [R-CRED-31] What others sold is not touched: buyer and seller alone cannot lower what rests on that."""
    compiled, people, activity = own_purchases(when="period")
    facts = bought(2, 1_000)
    activity.take(facts, people)
    activity.close(evaluate_period(compiled, people, activity, activity.period(MONTH, 9)))
    reversed_ = [Fraction(0), *(each.volume for each in activity.reverse(facts, Fraction(1, 2), people))]
    assert (activity.volumes(MONTH).total, sum(reversed_)) == (10_150, 150)
    for number in (1, 2, 3):
        later, larger = MONTH + number * 40 * 86_400_000, bought(2, 1_000 * (number + 1))
        activity.take_more(facts, larger, people, later, 10 + number)
        assert (activity.volumes(MONTH).total, activity.volumes(later).total) == (10_150, 0)
        assert activity.volumes(later).told > 0, "told of, like all that R2 lets count nothing"
        assert activity.reverse(larger, Fraction(1, 4), people) == (), "what came last goes first"
        facts = larger
    for each in activity.reverse(facts, Fraction(3, 4), people):
        reversed_.append(each.volume)
    assert (activity.volumes(MONTH).total, sum(reversed_)) == (10_000, 300)


def own_purchases(**rules: Any) -> tuple[Compiled, Any, Activity[str]]:
    """A plan in which own purchases of 300 in a month count; `a` has sold 10,000 outside, `b` stands below `a`."""
    level = {"compression": "none", "rates": ["10%"]} | rules
    off = dict.fromkeys(("r5", "r6", "r8", "r19"), False)
    compiled = plan(unilevel=level, rules=True, personal="3", **off)
    people, activity = team({"a": None, "b": "a"}), Activity(compiled)
    activity.take(sale(1, "a", 10_000), people)
    return compiled, people, activity


def bought(number: int, amount: int) -> SaleFacts[str]:
    return sale(number, "a", amount, buyer="b", customer="b")


def test_an_own_purchase_that_is_raised_counts_up_to_the_cap_and_no_further() -> None:
    """[R-PLAN-23] R2: else one piece is received within the cap, and the rest of the order pays the upline too."""
    compiled, people, activity = own_purchases()
    first, larger = bought(2, 100), bought(2, 5_000)
    activity.take(first, people)
    (award,) = raise_sale(compiled, people, activity, first, larger)
    assert award.amount == 30, "ten of a hundred of 300"
    activity.take_more(first, larger, people)
    assert activity.volumes(MONTH).total == 10_300
    activity.take(bought(3, 100), people)
    assert activity.volumes(MONTH).total == 10_300, "the cap is used up"
    activity.reverse(larger, Fraction(1), people)
    assert activity.volumes(MONTH).total == 10_000
    activity.take(bought(4, 400), people)
    assert activity.volumes(MONTH).total == 10_300, "and free again after the refund"


def test_two_own_purchases_that_are_raised_share_one_cap() -> None:
    compiled, people, activity = own_purchases()
    firsts = [bought(2, 10), bought(3, 10)]
    for first in firsts:
        activity.take(first, people)
    paid = []
    for first, larger in zip(firsts, (bought(2, 5_000), bought(3, 5_000)), strict=True):
        paid += [each.amount for each in raise_sale(compiled, people, activity, first, larger)]
        activity.take_more(first, larger, people)
    assert activity.volumes(MONTH).total == 10_300
    assert paid == [29, 1]


def test_an_own_purchase_that_is_raised_after_the_close_has_the_cap_of_that_month() -> None:
    """[R-PLAN-23] [R-CRED-31] What is added counts in the later month, and a refund takes back that first."""
    compiled, people, activity = own_purchases(when="period")
    first, larger = bought(2, 100), bought(2, 5_000)
    activity.take(first, people)
    activity.close(evaluate_period(compiled, people, activity, activity.period(MONTH, 9)))
    later = MONTH + 40 * 86_400_000
    activity.take_more(first, larger, people, later, 10)
    assert (activity.volumes(MONTH).total, activity.volumes(later).total) == (10_100, 300)
    activity.reverse(larger, Fraction(4_900, 5_000), people)
    assert (activity.volumes(MONTH).total, activity.volumes(later).total) == (10_100, 0)
    activity.reverse(larger, Fraction(100, 5_000), people)
    assert (activity.volumes(MONTH).total, activity.volumes(later).total) == (10_000, 0)


def test_what_is_added_to_an_own_purchase_keeps_two_thirds_outside() -> None:
    """[R-PLAN-23] R7: also where the cap of own purchases is far off."""
    level = {"compression": "none", "rates": ["10%"]}
    compiled = plan(
        unilevel=level, rules=True, personal="1000", **dict.fromkeys(("r5", "r6", "r8", "r19"), False)
    )
    people, activity = team({"a": None, "b": "a"}), Activity(compiled)
    activity.take(sale(1, "a", 1_000), people)
    first = bought(2, 100)
    activity.take(first, people)
    activity.take_more(first, bought(2, 5_000), people)
    assert activity.volumes(MONTH).total == 1_500
