"""Ranks over periods, and what refunds take back of them [R-PLAN-14, 15, 23]."""

from __future__ import annotations

from fractions import Fraction

import pytest

from protocol.plans import calendar
from protocol.plans.activity import Activity
from protocol.plans.evaluate import evaluate_period, evaluate_sale
from protocol.plans.facts import Award
from protocol.records.money import Per
from tests.protocol.plans.made import DEFAULT, MONTH, closed, paid, plan, sale, team

DAY = 86_400_000
LEVEL = {"unilevel": {"compression": "none", "rates": {"star": ["10%", "5%"]}}}


def month(number: int) -> int:
    """The first moment of a month, January 2026 being 0."""
    return calendar.start_of(
        Per(count=1, unit="month"), calendar.number_of(Per(count=1, unit="month"), MONTH) + number
    )


def close(activity: Activity[str], compiled, people, number: int):
    result = evaluate_period(compiled, people, activity, activity.period(month(number), 10**6))
    activity.close(result)
    return result


def ranks(**conditions) -> dict:
    return {"ranks": [{"name": "star", **conditions}], **LEVEL}


@pytest.mark.parametrize(
    ("conditions", "holds", "fails"),
    [
        ({"own": "10"}, {"top": 1_000}, {"top": 999, "left": 5_000}),
        ({"group": "10"}, {"top": 400, "left": 600}, {"top": 400, "left": 599}),
        # Each leg counts for 5 at most of the 10.
        ({"group": "10", "leg_cap": "50%"}, {"left": 500, "right": 500}, {"left": 5_000, "right": 499}),
        ({"group": "10", "leg_cap": "50%"}, {"top": 500, "deep": 900}, {"top": 499, "deep": 900}),
        ({"outside_volume": "10"}, {"top": 1_000}, {"top": 999}),
        ({"active_legs": 2}, {"deep": 100, "right": 100}, {"deep": 100, "left": 100}),
    ],
)
def test_each_condition_at_its_edge(conditions, holds, fails) -> None:
    """[R-PLAN-15]"""
    people = team({"top": None, "left": "top", "right": "top", "deep": "left"})
    compiled = plan(**ranks(**conditions), active="1")
    for sold, rank in ((holds, "star"), (fails, None)):
        sales = [sale(number, *one) for number, one in enumerate(sold.items())]
        assert closed(compiled, people, sales).states()["top"].rank == rank


def test_different_buyers_make_a_rank() -> None:
    """[R-PLAN-15]"""
    compiled = plan(**ranks(outside_buyers=2))
    for customers, rank in ((("x", "y"), "star"), (("x", "x"), None)):
        sales = [sale(number, "a", 1, customer=who) for number, who in enumerate(customers)]
        assert closed(compiled, team({"a": None}), sales).states()["a"].rank == rank


def test_leaders_count_by_leg_and_higher_ranks_do_too() -> None:
    """[R-PLAN-15]: two leaders in one leg are one leg; a leader may stand deep in it."""
    steps = [
        {"name": "one", "own": "1"},
        {"name": "two", "own": "2"},
        {"name": "three", "leaders": [{"rank": "one", "legs": 2}]},
    ]
    compiled = plan(ranks=steps, **DEFAULT)
    people = team({"top": None, "l": "top", "l2": "l", "r": "top", "r2": "r"})
    both = closed(compiled, people, [sale(1, "l2", 100), sale(2, "r2", 200)]).states()
    assert {name: state.rank for name, state in both.items()} == {
        "top": "three", "l": None, "l2": "one", "r": None, "r2": "two",
    }  # fmt: skip
    one_leg = closed(compiled, people, [sale(1, "l", 100), sale(2, "l2", 200)]).states()
    assert one_leg["top"].rank is None


@pytest.mark.parametrize("used", ["paid_as", "achieved"])
def test_a_rank_is_kept_for_its_grace_and_achieved_for_good(used: str) -> None:
    """[R-PLAN-15]: reached in January, kept in February, lost in March."""
    compiled = plan(**ranks(own="10"), grace=1, rank_used=used)
    people, activity = team({"a": None}), Activity(compiled)
    activity.take(sale(1, "a", 1_000), people)
    seen = []
    for number in range(3):
        state = close(activity, compiled, people, number).states()["a"]
        seen.append((state.rank, state.achieved))
        later = sale(9, "a", 100, time=month(number + 1))
        seen.append(paid(evaluate_sale(compiled, people, activity, later)))
    kept = {"a": 10}
    last = kept if used == "achieved" else {}
    assert seen == [("star", "star"), kept, ("star", "star"), kept, (None, "star"), last]


def test_a_sale_uses_the_rank_of_the_last_closed_period() -> None:
    """[R-PLAN-15]"""
    compiled = plan(**ranks(own="10"))
    people, activity = team({"a": None}), Activity(compiled)
    activity.take(sale(1, "a", 1_000), people)
    assert evaluate_sale(compiled, people, activity, sale(2, "a", 100)) == ()
    close(activity, compiled, people, 0)
    assert paid(evaluate_sale(compiled, people, activity, sale(2, "a", 100, time=month(1)))) == {"a": 10}
    assert evaluate_sale(compiled, people, activity, sale(2, "a", 100)) == ()  # still of January


def test_a_refund_after_the_close_takes_the_rank_back() -> None:
    """[R-PLAN-23]: no refund leaves a rank standing."""
    compiled = plan(**ranks(own="10"))
    people, activity = team({"a": None}), Activity(compiled)
    first = sale(1, "a", 1_000)
    activity.take(first, people)
    close(activity, compiled, people, 0)
    activity.reverse(first, Fraction(1, 100), people)
    assert evaluate_sale(compiled, people, activity, sale(2, "a", 100, time=month(1))) == ()
    assert close(activity, compiled, people, 1).states()["a"].achieved is None


def test_refunds_of_two_closed_months_take_both_ranks_back() -> None:
    """[R-PLAN-23]: that of the newer month does not make the older one be forgotten."""
    compiled = plan(**ranks(own="10"))
    people, activity = team({"a": None, "b": None}), Activity(compiled)
    sales = [sale(1, "a", 1_000), sale(2, "b", 1_000, time=month(1))]
    for number, one in enumerate(sales):
        activity.take(one, people)
        close(activity, compiled, people, number)
    for one in sales:
        activity.reverse(one, Fraction(1, 100), people)
    for number, name in enumerate("ab"):
        assert (
            evaluate_sale(compiled, people, activity, sale(3 + number, name, 100, time=month(1 + number)))
            == ()
        )


def test_a_refund_before_the_close_leaves_its_volume_out() -> None:
    """[R-PLAN-23]"""
    compiled, people = plan(**DEFAULT), team({"a": None, "b": "a"})
    activity: Activity[str] = Activity(compiled)
    one = sale(1, "b", 2_000)
    activity.take(one, people)
    assert activity.reverse(one, Fraction(1, 2), people) == ()
    half = closed(compiled, people, [], activity)
    assert half.awards == closed(compiled, people, [sale(1, "b", 1_000)]).awards


@pytest.mark.parametrize(
    ("fields", "touched"),
    [
        (DEFAULT, {("low", 2), ("mid", 3), ("top", 3)}),
        ({"unilevel": {"compression": "none", "rates": ["5%", "3%"], "when": "period"}}, {("low", 1), ("mid", 2)}),
        ({"pool": {"rank": "star", "share": "5%"}, "ranks": [{"name": "star", "group": "1"}]},
         {(name, 0) for name in ("low", "mid", "top", "side")}),
        ({"tiers": {"mode": "whole", "steps": "5%", "when": "period"}}, {("low", 1)}),
        ({"override": {"mode": "fixed", "rank": "star", "generations": 1, "rates": ["5%"]},
          "ranks": [{"name": "star", "own": "1"}]}, {("mid", 1)}),
        ({"unilevel": {"compression": "none", "rates": ["5%", "3%"], "when": "period"},
          "matching": {"of": ["unilevel"], "rates": ["10%"], "when": "period"}},
         {("low", 1), ("mid", 2), ("mid", 1), ("top", 1)}),
        ({"cdrm": {"mode": 1, "phi": "20%", "theta": "10%"}}, {("low", 0), ("mid", 0), ("top", 0)}),
    ],
)  # fmt: skip
def test_a_refund_after_the_close_names_the_awards_that_rest_on_it(fields, touched) -> None:
    """[R-PLAN-23]: of the line of the sale, on the levels it paid; not of others."""
    compiled = plan(**fields)
    people, activity = team({"top": None, "mid": "top", "low": "mid", "side": "top"}), Activity(compiled)
    sales = [sale(number, name, 4_000) for number, name in enumerate(("low", "mid", "top", "side"))]
    for one in sales:
        activity.take(one, people)
    result = close(activity, compiled, people, 0)
    found = activity.reverse(sales[0], Fraction(1, 4), people)
    matching = {"mid", "low", "top"} if "matching" in fields else set()
    assert {(one.to, one.level) for one in found if one.rule != "matching"} | {
        (one.to, one.level) for one in found if one.rule == "matching" and one.to in matching
    } == touched
    awards: dict[tuple[str, str, int], Award[str]] = {(a.to, a.rule, a.level): a for a in result.awards}
    for one in found:
        award = awards[one.to, one.rule, one.level]
        assert one.source == "2026-01-01" and one.volume == min(1_000, award.volume)


def test_a_refund_takes_carried_volume_as_far_as_it_is_still_there() -> None:
    """[R-PLAN-23]"""
    compiled = plan(
        binary={"mode": "percent", "steps": "10%", "after": "net_off"}, team={"legs": 2}, cap_company="1"
    )
    people = team({"top": None, "l": "top", "r": "top"}, {"l": ("top", 0), "r": ("top", 1)})
    activity: Activity[str] = Activity(compiled)
    sold = sale(1, "l", 1_000)
    for one in (sold, sale(2, "r", 400)):
        activity.take(one, people)
    close(activity, compiled, people, 0)
    activity.reverse(sold, Fraction(1, 2), people)
    state = close(activity, compiled, people, 1).states()["top"]
    assert state.carry == {"binary": (100, 0)}
    activity.reverse(sold, Fraction(1, 2), people)
    assert close(activity, compiled, people, 2).states()["top"].carry == {"binary": (0, 0)}


@pytest.mark.parametrize(
    ("per", "time", "label", "days"),
    [
        (Per(count=1, unit="month"), MONTH + 58 * DAY, "2026-02-01", 28),
        (Per(count=3, unit="month"), MONTH + 58 * DAY, "2026-01-01", 90),
        (Per(count=1, unit="year"), MONTH, "2026-01-01", 365),
        (Per(count=1, unit="week"), MONTH, "2025-12-29", 7),  # Thursday: of the week from Monday
        (Per(count=1, unit="day"), MONTH - 1, "2025-12-31", 1),
    ],
)
def test_periods_by_the_calendar(per, time, label, days) -> None:
    """[R-PLAN-14]"""
    found = calendar.period_of(per, calendar.number_of(per, time), 7)
    assert (found.label, found.end - found.start, found.at) == (label, days * DAY, 7)
    assert found.start <= time < found.end


def test_who_sold_and_left_is_paid_for_it() -> None:
    """[R-PLAN-20]"""

    class Left:
        """`gone` sold, and is no member at the close."""

        def sponsor(self, person: str, at: int | None = None) -> str | None:
            return "top" if person == "gone" else None

        def placement(self, person: str, at: int | None = None) -> None:
            return None

        def member(self, person: str, at: int | None = None) -> bool:
            return person == "top" or (person == "gone" and at is not None and at < 5)

        def members(self, at: int | None = None) -> list[str]:
            return ["top"]

        def joined_ms(self, person: str, at: int | None = None) -> int | None:
            return 0 if person in ("gone", "top") else None

    compiled = plan(**DEFAULT)
    result = closed(compiled, Left(), [sale(1, "gone", 1_000), sale(2, "stranger", 1_000)])
    assert paid(result.awards) == {"gone": 50}
    tiers = plan(tiers={"mode": "whole", "steps": "5%", "when": "period"})
    assert paid(closed(tiers, Left(), [sale(2, "stranger", 1_000)]).awards) == {"stranger": 50}
    assert paid(closed(tiers, None, [sale(2, "stranger", 1_000)]).awards) == {"stranger": 50}


def test_a_closed_period_is_known_with_the_place_of_its_close() -> None:
    compiled, people = plan(**DEFAULT), team({"a": None})
    activity: Activity[str] = Activity(compiled)
    period = activity.period(month(0), 10**6)
    number = calendar.number_of(compiled.plan.period, period.start)
    assert activity.closed(number) is None
    activity.close(evaluate_period(compiled, people, activity, period), 7)
    assert activity.closed(number) == (period, 7)
    assert activity.closed(number + 1) is None
