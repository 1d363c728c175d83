"""What stands between a claim and an award, and which sales count [R-PLAN-10..18]."""

from __future__ import annotations

from fractions import Fraction

import pytest

from protocol.plans.activity import Activity
from protocol.plans.document import commissionable
from protocol.plans.evaluate import assess_sale, evaluate_period, evaluate_sale, raise_sale
from protocol.plans.facts import SaleFacts
from tests.protocol.plans.made import DEFAULT, MONTH, OPEN, closed, paid, plan, run, sale, team

CHAIN = {"top": None, "mid": "top", "low": "mid"}
LEVELS = {"unilevel": {"compression": "none", "rates": ["10%", "5%", "1%"]}, "maximum": "16%"}
DAY = 86_400_000


def without(*switches: str) -> dict[str, bool]:
    """All switches off but these."""
    return {"rules": True} | {name: off for name, off in OPEN.items() if name not in switches}


def test_levels_of_one_sale() -> None:
    (awards,) = run(plan(**LEVELS), team(CHAIN), [sale(1, "low", 999)])
    assert [(one.to, one.level, one.amount) for one in awards] == [
        ("low", 1, 99),
        ("mid", 2, 49),
        ("top", 3, 9),
    ]
    assert all(one.source == 1 and one.rule == "unilevel" and one.base == 999 for one in awards)


def test_nothing_counts_of_a_member_s_own_purchase_r2() -> None:
    """[R-PLAN-13]"""
    compiled = plan(**LEVELS, **without("r2"))
    buyer = sale(1, "mid", 1000, buyer="low")
    assert run(compiled, team(CHAIN), [buyer]) == [()]
    outcome = assess_sale(compiled, team(CHAIN), Activity(compiled), buyer)
    assert outcome.counted.reason == "r2"


def test_personal_consumption_counts_up_to_its_cap_and_two_thirds_come_from_outside() -> None:
    """[R-PLAN-13]: 3.00 a period; half of what came from outside, that is R7."""
    compiled = plan(**LEVELS, **without("r2"), personal="3")
    people = team(CHAIN)
    inside = [sale(number, "mid", 200, buyer="low") for number in (2, 3)]
    assert run(compiled, people, inside) == [(), ()]  # nothing was sold outside: R7
    first, second, third = run(compiled, people, [sale(1, "low", 1000), *inside])
    assert paid(first) == {"low": 100, "mid": 50, "top": 10}
    assert paid(second) == {"mid": 20, "top": 10}
    assert paid(third) == {"mid": 10, "top": 5}  # 1.00 of 2.00 is left
    little = run(compiled, people, [sale(1, "low", 100), inside[0]])
    assert paid(little[1]) == {"mid": 5, "top": 2}  # half of the 1.00 sold outside


@pytest.mark.parametrize(
    "wrong",
    [
        sale(1, "low", 1000, buyer="low"),
        sale(1, "low", 1000, buyer="owner", seller="owner"),
        sale(1, "low", 1000, excluded="r17"),
        sale(1, "low", 1000, excluded="r3"),
        sale(1, "low", 1000, listing="starter-kit"),
    ],
    ids=["buys by own link", "seller buys", "circle", "fee", "kit"],
)
def test_self_dealing_and_kits_pay_nobody(wrong: SaleFacts[str]) -> None:
    """[R-PLAN-13]"""
    compiled = plan(**LEVELS, kits=["starter-kit"])
    assert run(compiled, team(CHAIN), [wrong]) == [()]


def test_ten_outside_buyers_unlock_overrides_and_a_refund_locks_again() -> None:
    """[R-PLAN-16]: as of each sale; the own part is never locked."""
    compiled = plan(**LEVELS, **without("r5"))
    people, activity = team(CHAIN), Activity(compiled)
    for number in range(10):
        activity.take(sale(number, "mid", 100), people)
    eleventh = sale(20, "low", 1000)
    assert paid(evaluate_sale(compiled, people, activity, eleventh)) == {"low": 100, "mid": 50}
    assert [one.to for one in assess_sale(compiled, people, activity, eleventh).withheld] == ["top"]
    early = sale(9, "low", 1000)  # as of the tenth sale of mid, which it does not count
    assert paid(evaluate_sale(compiled, people, activity, early)) == {"low": 100}
    activity.reverse(sale(3, "mid", 100), Fraction(1), people)
    assert paid(evaluate_sale(compiled, people, activity, eleventh)) == {"low": 100}


def test_the_same_buyer_counts_once_and_presumed_receipts_do_not() -> None:
    """[R-PLAN-16]"""
    compiled = plan(**LEVELS, **without("r5"))
    people = team(CHAIN)
    for more in ({"customer": "one"}, {"presumed": True}):
        activity: Activity[str] = Activity(compiled)
        for number in range(10):
            activity.take(sale(number, "mid", 100, **more), people)
        assert paid(evaluate_sale(compiled, people, activity, sale(20, "low", 1000))) == {"low": 100}


def test_an_outside_volume_unlocks_as_well() -> None:
    """[R-PLAN-16]"""
    compiled = plan(**LEVELS, **without("r5"), unlock_volume="10")
    sales = [sale(1, "mid", 999), sale(2, "low", 1000), sale(3, "mid", 1), sale(4, "low", 1000)]
    found = run(compiled, team(CHAIN), sales)
    assert paid(found[1]) == {"low": 100} and paid(found[3]) == {"low": 100, "mid": 50}


def test_overrides_stop_for_who_sells_nothing_r19() -> None:
    """[R-PLAN-16]"""
    compiled = plan(**LEVELS, **without("r19"), idle_periods=2)
    people, activity = team(CHAIN), Activity(compiled)
    activity.take(sale(1, "mid", 100), people)
    for months, expected in ((0, True), (1, True), (2, False)):
        later = sale(50, "low", 1000, time=MONTH + months * 31 * DAY)
        assert ("mid" in paid(evaluate_sale(compiled, people, activity, later))) is expected


def test_overrides_shrink_and_stop_with_the_outside_share_r6() -> None:
    """[R-PLAN-17]: 75 % gives 75/80 of overrides, 69 % none; own sales are not touched."""
    compiled = plan(**DEFAULT, **without("r6"), personal_free=True)
    people = team(CHAIN)
    for inside, factor in ((2_000, Fraction(1)), (2_500, Fraction(75, 80)), (3_100, Fraction(0))):
        sales = [sale(1, "low", 10_000 - inside), sale(2, "mid", inside, buyer="low")]
        result = closed(compiled, people, sales)
        free = closed(plan(**DEFAULT), people, sales)
        whole = {one.to: one for one in free.awards}
        for one in result.awards:
            full = whole[one.to]
            own = result.ground.own[result.ground.people.find(one.to)]
            mean = (full.rate * full.base - full.less + _below(free, one.to)) / full.base
            override = full.rate * full.base - full.less - mean * own
            assert override > 0 or one.to == "low"  # who has nobody below
            assert one.amount == int(mean * own + override * factor)


def _below(result, to: str) -> Fraction:
    """What the legs of a member earn by the curve: the part of `less` that is not of lower steps."""
    (curve,) = result.by_group
    number = result.ground.people.find(to)
    legs = [each for each in result.ground.members if result.ground.up[each] == number]
    return sum(
        (
            Fraction(curve.worth(result.ground.group[leg], result.ground.group[leg])) / curve.den
            for leg in legs
        ),
        Fraction(0),
    )


class Neglect:
    """`mid` neglects `low`; who did it instead."""

    def __init__(self, doer: str | None) -> None:
        self.doer = doer

    def done_by(self, upline: str, member: str, at: int | None = None) -> str | None:
        return self.doer if (upline, member) == ("mid", "low") else upline


@pytest.mark.parametrize(("doer", "gets"), [(None, {}), ("side", {"side": 40})])
def test_what_neglect_withholds_goes_to_who_did_the_duty_never_up(
    doer: str | None, gets: dict[str, int]
) -> None:
    """[R-PLAN-18], by sale and at the close."""
    tree = team({**CHAIN, "side": "top"})
    duty = {"rules": ["unilevel"], "withheld": "80%"}
    for when in ("sale", "period"):
        levels = {"unilevel": {**LEVELS["unilevel"], "when": when}, "maximum": "16%"}
        compiled = plan(**levels, duty=duty)
        activity: Activity[str] = Activity(compiled)
        one = sale(1, "low", 1000)
        awards = evaluate_sale(compiled, tree, activity, one, Neglect(doer))
        activity.take(one, tree)
        period = activity.period(MONTH, 9)
        awards += tuple(evaluate_period(compiled, tree, activity, period, Neglect(doer)).awards)
        assert paid(awards) == {"low": 100, "mid": 10, "top": 10, **gets}
        assert [each.rule for each in awards if each.to == "side"] == ["unilevel:duty"] * len(gets)
        assert {each.reason for each in awards if each.to == "mid"} == {"duty"}


def test_neglect_in_a_differential_takes_the_part_of_that_leg_only() -> None:
    """[R-PLAN-18]"""
    tree = team({"mid": None, "low": "mid", "good": "mid"})
    duty = {"rules": ["differential"], "withheld": "100%"}
    sales = [sale(1, "low", 20_000), sale(2, "good", 20_000)]
    activity: Activity[str] = Activity(plan(**DEFAULT, duty=duty))
    compiled = plan(**DEFAULT, duty=duty)
    for one in sales:
        activity.take(one, tree)
    whole = closed(plan(**DEFAULT), tree, sales)
    cut = evaluate_period(compiled, tree, activity, activity.period(MONTH, 9), Neglect(None))
    assert paid(cut.awards)["mid"] == paid(whole.awards)["mid"] // 2
    assert paid(cut.awards)["good"] == paid(whole.awards)["good"]


def test_a_kept_share_of_a_sale_counts_for_its_currency_only() -> None:
    """[R-PLAN-10]"""
    compiled = plan(**LEVELS, currencies={"EUR": "1", "JPY": "0.006"})
    assert commissionable(compiled, 1190, 1000, 1190, "EUR") == 1000
    assert commissionable(compiled, 595, 1000, 1190, "EUR") == 500
    assert commissionable(compiled, 100, 1000, 3000, "EUR") == Fraction(100, 3)
    assert commissionable(compiled, 1000, 1000, 1000, "JPY") == 600
    assert commissionable(compiled, 1000, 1000, 1000, "USD") == 0


def test_a_raised_sale_is_evaluated_as_of_its_first_entry() -> None:
    """[R-PLAN-23]: by then mid had no outside buyer; afterwards it has ten."""
    compiled = plan(**LEVELS, **without("r5"))
    people, activity = team(CHAIN), Activity(compiled)
    first, larger = sale(0, "low", 500), sale(0, "low", 1000)
    activity.take(first, people)
    for number in range(1, 11):
        activity.take(sale(number, "mid", 100), people)
    assert paid(raise_sale(compiled, people, activity, first, larger)) == {"low": 100}
    activity.take_more(first, larger, people)
    assert activity.volumes(MONTH).total == 2000
    activity.reverse(larger, Fraction(1, 2), people)
    assert activity.volumes(MONTH).total == 1500 and activity.volumes(MONTH).buyers(0) == 1


def test_half_even_gives_units_back_from_the_last_levels() -> None:
    """[R-PLAN-21]: 1.5 and 0.5 round to 2 and 0; 1.5, 1.5 to 2 and 2, of which the bound of 3 takes one back."""
    levels = {"unilevel": {"compression": "none", "rates": ["1.5%", "1.5%"]}, "maximum": "3%"}
    (awards,) = run(plan(**levels, rounding="half_even"), team(CHAIN), [sale(1, "low", 100)])
    assert [(one.to, one.amount) for one in awards] == [("low", 2), ("mid", 1)]


def test_no_referrer_no_award_but_it_counts_in_the_whole() -> None:
    """[R-PLAN-12]"""
    pool = {"pool": {"rank": "x", "share": "10%"}, "ranks": [{"name": "x", "own": "1"}], "maximum": "10%"}
    result = closed(plan(**pool), team(CHAIN), [sale(1, "low", 100), sale(2, None, 900)])
    assert paid(result.awards) == {"low": 100}


def test_active_is_at_the_sale_or_in_the_period_before() -> None:
    """[R-PLAN-15]: the sale that makes its owner active counts for itself."""
    levels = {"unilevel": {"compression": "inactive", "rates": ["10%"]}, "maximum": "10%"}
    people = team(CHAIN)
    sales = [sale(1, "low", 499), sale(2, "mid", 500), sale(3, "low", 100), sale(4, "mid", 100)]
    found = run(plan(**levels, active="5"), people, sales)
    assert [paid(awards) for awards in found] == [{}, {"mid": 50}, {"low": 10}, {"mid": 10}]
    activity: Activity[str] = Activity(compiled := plan(**levels, active="5"))
    activity.take(sale(1, "mid", 500), people)
    for months, expected in ((1, {"mid": 10}), (2, {})):
        later = sale(9, "low", 100, time=MONTH + months * 31 * DAY)
        assert paid(evaluate_sale(compiled, people, activity, later)) == expected


def test_many_buyers_are_counted_and_taken_back_one_by_one() -> None:
    """[R-PLAN-16]"""
    compiled, people = plan(**LEVELS, **without("r5"), unlock_buyers=20), team(CHAIN)
    activity: Activity[str] = Activity(compiled)
    sales = [sale(number, "mid", 100, customer=number % 20) for number in range(40)]
    for one in sales:
        activity.take(one, people)
    number = activity.number("mid")
    assert activity.volumes(MONTH).buyers(number) == 20
    activity.reverse(sales[3], Fraction(1), people)
    assert activity.volumes(MONTH).buyers(number) == 20  # the buyer has another sale
    activity.reverse(sales[23], Fraction(1), people)
    assert activity.volumes(MONTH).buyers(number) == 19
    assert paid(evaluate_sale(compiled, people, activity, sale(99, "low", 1000))) == {"low": 100}


def test_points_are_paid_on_at_their_value() -> None:
    """[R-PLAN-10]: 3 points at 0.50 each, half of it commissionable."""
    compiled = plan(**LEVELS, pay_on="points", point_value="1/2", share="50%")
    (awards,) = run(compiled, team(CHAIN), [sale(1, "low", 9_999, points=3_000)])
    assert paid(awards) == {"low": 75, "mid": 37, "top": 7}


def test_what_several_uplines_lose_to_one_doer_is_one_award() -> None:
    """[R-PLAN-18]: at one level, at the close; a later refund finds it again."""
    levels = {"unilevel": {**LEVELS["unilevel"], "when": "period"}, "maximum": "16%"}
    compiled = plan(**levels, duty={"rules": ["unilevel"], "withheld": "100%"})
    people = team({"a": None, "b": "a", "c": None, "d": "c", "helper": None})

    class Helped:
        def done_by(self, upline: str, member: str, at: int | None = None) -> str | None:
            return "helper"

    activity: Activity[str] = Activity(compiled)
    sales = [sale(1, "b", 1_000), sale(2, "d", 2_000)]
    for one in sales:
        activity.take(one, people)
    result = evaluate_period(compiled, people, activity, activity.period(MONTH, 9), Helped())
    assert [(one.to, one.rule, one.level, one.amount, one.base) for one in result.awards] == [
        ("b", "unilevel", 1, 100, 1_000),
        ("d", "unilevel", 1, 200, 2_000),
        ("helper", "unilevel:duty", 2, 150, 3_000),
    ]
    activity.close(result)
    found = activity.reverse(sales[0], Fraction(1), people)
    assert {(one.to, one.rule) for one in found} == {("b", "unilevel"), ("helper", "unilevel:duty")}
