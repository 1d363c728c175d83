"""Edges of families and figures that the worked examples do not reach [R-PLAN-10, 13, 15, 17..23]."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netnode.plans.files import FileTeam
from protocol.errors import Void
from protocol.plans.activity import Activity
from protocol.plans.document import compile_plan, rule_bounds
from protocol.plans.evaluate import evaluate_period, evaluate_sale
from protocol.plans.families.pools import Contributions
from protocol.plans.tables import Curve
from protocol.records.plan import Step
from tests.protocol.plans.made import DEFAULT, MONTH, closed, paid, plan, run, sale, team
from tests.protocol.plans.test_document import read
from tests.protocol.plans.test_gates import without

LINE = {"top": None, "mid": "top", "low": "mid"}
LEGS = {"team": {"legs": 2}, "cap_company": "1"}
PLACES = {"l": ("top", 0), "r": ("top", 1)}
WINGS = {"top": None, "l": "top", "r": "top"}
STAR = [{"name": "star", "own": "10"}]


@pytest.mark.parametrize(
    "rule",
    [
        {"matrix": {"height": 3, "rates": ["5%", "3%"], "only": ["lamp"]}, "team": {"legs": 2}},
        {"infinity": {"rates": {"star": "5%"}, "only": ["lamp"]}, "ranks": STAR},
        {
            "generation": {"boundary": "same", "rank": "star", "rates": ["5%"], "only": ["lamp"]},
            "ranks": STAR,
        },
        {"path": {"mode": "flat", "first": "5%", "depth": 2, "only": ["lamp"]}},
        {"tiers": {"mode": "whole", "steps": "5%", "only": ["lamp"]}},
        {"unilevel": {"compression": "none", "rates": ["5%"], "only": ["lamp"]}},
    ],
    ids=lambda rule: next(iter(rule)),
)
def test_a_rule_for_one_listing_pays_on_no_other(rule: dict[str, Any]) -> None:
    """[R-PLAN-19]"""
    compiled = plan(**rule)
    people = FileTeam(dict(LINE), {"low": ("mid", 0), "mid": ("top", 0)})
    activity: Activity[str] = Activity(compiled)
    for name in LINE if compiled.ranks else ():
        activity.begin(name, rank="star")
    other = sale(1, "low", 1_000, listing="chair")
    assert evaluate_sale(compiled, people, activity, other) == ()
    assert evaluate_sale(compiled, people, activity, sale(1, "low", 1_000, listing="lamp")) != ()


def test_a_rank_without_a_rate_does_not_block_infinity() -> None:
    """[R-PLAN-19]: `mid` has the lower rank, which has no row."""
    ranks = [{"name": "low", "own": "1"}, {"name": "high", "own": "10"}]
    compiled = plan(infinity={"rates": {"high": "5%"}}, ranks=ranks)
    activity: Activity[str] = Activity(compiled)
    activity.begin("mid", rank="low")
    activity.begin("top", rank="high")
    assert paid(evaluate_sale(compiled, team(LINE), activity, sale(1, "low", 1_000))) == {"top": 50}


def test_a_zero_rate_of_matching_pays_nobody_at_that_level() -> None:
    compiled = plan(
        unilevel={"compression": "none", "rates": ["10%"]},
        matching={"of": ["unilevel"], "rates": ["0", "50%"]},
    )
    (awards,) = run(compiled, team(LINE), [sale(1, "low", 1_000)])
    assert paid(awards) == {"low": 100, "top": 50}


def test_who_buys_for_oneself_along_a_path_gets_no_step_and_no_rest() -> None:
    """[R-PLAN-12]: with `origin` sponsor the buyer is the owner."""
    for rest, expected in ((False, {"mid": 100}), (True, {"mid": 200})):
        path = {"mode": "geometric", "first": "20%", "ratio": "50%", "depth": 2, "rest": rest}
        compiled = plan(path=path, origin="sponsor", team={})
        bought = sale(1, None, 1_000, buyer="low")
        found = paid(evaluate_sale(compiled, team(LINE), Activity(compiled), bought))
        assert {name: found[name] for name in found if name == "mid"} == expected and "low" not in found


def test_a_path_whose_steps_are_the_whole_leaves_no_rest() -> None:
    compiled = plan(path={"mode": "flat", "first": "50%", "depth": 2, "rest": True})
    path = ("a", "b", "c")
    awards = evaluate_sale(compiled, None, Activity(compiled), sale(1, "a", 100, path=path))
    assert [(one.to, one.level, one.amount) for one in awards] == [("b", 1, 50), ("c", 2, 50)]


def test_tiers_below_the_first_step_pay_nothing() -> None:
    compiled = plan(tiers={"mode": "marginal", "steps": [["10", "5%"]]})
    few, enough = run(compiled, None, [sale(1, "a", 1_000), sale(2, "a", 2_000)])
    assert few == () and paid(enough) == {"a": 50}


def test_the_own_bracket_of_a_binary_has_to_be_reached() -> None:
    """[R-PLAN-19]: the step is that of own volume."""
    binary = {"mode": "percent", "steps": [["5", "10%"]], "after": "flush"}
    compiled = plan(binary=binary, **LEGS)
    sales = [sale(1, "l", 1_000), sale(2, "r", 1_000)]
    people = team(WINGS, PLACES)
    assert closed(compiled, people, sales).awards == ()
    assert paid(closed(compiled, people, [*sales, sale(3, "top", 500)]).awards) == {"top": 100}


def test_what_legs_keep_is_matched_in_a_month_in_which_neither_sells() -> None:
    """The company cap needs something sold."""
    compiled = plan(binary={"mode": "percent", "steps": "10%", "after": "net_off"}, **LEGS)
    activity: Activity[str] = Activity(compiled)
    activity.begin("top", carry={"binary": (300, 500)})
    result = closed(compiled, team(WINGS, PLACES), [sale(1, "top", 1_000)], activity)
    assert paid(result.awards) == {"top": 30}
    assert result.states()["top"].carry == {"binary": (0, 200)}


def test_what_legs_kept_of_who_has_nobody_below_any_more_is_matched_too() -> None:
    compiled = plan(binary={"mode": "percent", "steps": "10%", "after": "net_off"}, **LEGS)
    activity: Activity[str] = Activity(compiled)
    activity.begin("alone", carry={"binary": (300, 500)})
    result = closed(compiled, team({"alone": None}), [sale(1, "alone", 1_000)], activity)
    assert paid(result.awards) == {"alone": 30}


def test_what_stands_in_a_third_place_is_in_a_leg_of_who_is_above_its_parent() -> None:
    """[R-PLAN-19, 23]: `low` sells in the third place of `l`: in no leg of `l`, in the left one of `top`."""
    compiled = plan(binary={"mode": "percent", "steps": "10%", "after": "net_off"}, **LEGS)
    people = team({**WINGS, "low": "l"}, {**PLACES, "low": ("l", 2)})
    activity: Activity[str] = Activity(compiled)
    sold = sale(1, "low", 1_000)
    activity.take(sold, people)
    period = activity.period(MONTH, 9)
    result = evaluate_period(compiled, people, activity, period)
    activity.close(result)
    before = activity.carry("binary")[activity.number("top")]
    activity.reverse(sold, Fraction(1, 4), people)
    after = activity.carry("binary")[activity.number("top")]
    assert before == (1_000, 0) and after == (750, 0)


def test_who_stands_below_one_who_left_is_in_the_group_of_the_next_member_above() -> None:
    """[R-PLAN-20]: at the close."""

    class Left(FileTeam):
        def members(self, at: int | None = None) -> list[str]:
            return ["top", "low"]

        def member(self, person: str, at: int | None = None) -> bool:
            return person in self.members(at)

    result = closed(plan(**DEFAULT), Left(dict(LINE)), [sale(1, "low", 2_000)])
    assert result.states()["top"].volume == 2_000 and "mid" not in result.states()


def test_a_place_below_one_whom_nobody_knows_counts_in_no_leg() -> None:
    compiled = plan(binary={"mode": "percent", "steps": "10%", "after": "flush"}, **LEGS)
    people = team(WINGS, {"l": ("gone", 0), "r": ("top", 1)})
    assert closed(compiled, people, [sale(1, "l", 1_000), sale(2, "r", 1_000)]).awards == ()


def test_who_is_switched_off_is_never_active() -> None:
    """In files only: `active = false`, by sale and at the close."""
    rule = {"boundary": "threshold", "rank": "star", "rates": ["5%"], "when": "period"}
    compiled = plan(generation=rule, ranks=STAR)
    sales = [sale(1, "low", 1_000), sale(2, "mid", 1_000)]
    activity: Activity[str] = Activity(compiled)
    activity.begin("mid", active=False)
    whole = paid(closed(compiled, team(LINE), sales).awards)
    assert paid(closed(compiled, team(LINE), sales, activity).awards) == {"low": whole["low"]}


def test_an_override_without_a_rate_pays_nothing_and_several_rates_are_told_as_their_mean() -> None:
    """[R-PLAN-19, 20]: `top` stands one generation above heads of two ranks."""
    ranks = [{"name": "star", "own": "10"}, {"name": "moon", "own": "50"}]
    override = {"mode": "difference", "rank": "star", "generations": 2, "rates": {"star": "5%", "moon": "9%"}}
    compiled = plan(override=override, ranks=ranks)
    people = team({"top": None, "a": "top", "b": "top", "c": "top"})
    sales = [sale(1, "top", 9_000), sale(2, "a", 1_000), sale(3, "b", 6_000), sale(4, "c", 2_000)]
    (award,) = closed(compiled, people, sales).awards
    assert (award.to, award.amount, award.base, award.rate) == ("top", 120, 3_000, Fraction(4, 100))
    floor = plan(override={**override, "floor": "1%"}, ranks=ranks)
    (award,) = closed(floor, people, sales).awards
    assert (award.amount, award.base) == (180, 9_000) and award.rate == Fraction(2, 100)


def test_a_pool_by_volume_leaves_out_who_has_none() -> None:
    pool = {"rank": "star", "share": "10%", "split": "own"}
    compiled = plan(pool=pool, ranks=STAR)
    activity: Activity[str] = Activity(compiled)
    activity.begin("top", rank="star")
    result = closed(compiled, team(LINE), [sale(1, "low", 1_000)], activity)
    assert paid(result.awards) == {"low": 100}


def test_cdrm_whose_theta_is_phi_pays_nothing_worth_a_unit() -> None:
    """x of one cent with nobody below: (phi - phi / 1.01) x is no whole cent; phi of zero pays nobody."""
    for phi in ("20%", "0"):
        compiled = plan(cdrm={"mode": 1, "phi": phi, "theta": phi})
        assert closed(compiled, team({"a": None}), [sale(1, "a", 1)]).awards == ()


def test_duties_withhold_only_of_rules_that_are_named() -> None:
    """[R-PLAN-18]"""

    class Neglected:
        def done_by(self, upline: str, member: str, at: int | None = None) -> str | None:
            return None

    levels = {"compression": "none", "rates": ["10%", "5%"]}
    fields = {"unilevel": [{"name": "kept", **levels}, {"name": "bound", **levels}]}
    compiled = plan(**fields, duty={"rules": ["bound"], "withheld": "100%"})
    awards = evaluate_sale(compiled, team(LINE), Activity(compiled), sale(1, "low", 1_000), Neglected())
    assert [(one.to, one.rule) for one in awards] == [("low", "kept"), ("mid", "kept"), ("low", "bound")]


def test_the_owner_of_a_team_is_in_nobody_s_upline() -> None:
    """A ledger's tree has the owner at its root, who is no member and is paid nothing."""

    class Owned(FileTeam):
        def sponsor(self, person: str, at: int | None = None) -> str | None:
            return "owner" if person == "top" else super().sponsor(person, at)

    compiled = plan(unilevel={"compression": "none", "rates": ["5%"] * 4})
    awards = evaluate_sale(compiled, Owned(dict(LINE)), Activity(compiled), sale(1, "low", 100))
    assert list(paid(awards)) == ["low", "mid", "top"]


def test_places_of_who_left_and_has_none_are_no_level() -> None:
    compiled = plan(matrix={"height": 3, "rates": ["5%", "3%"]}, team={"legs": 2})
    people = FileTeam({"top": None, "low": "top"}, {"low": ("gone", 0)})
    assert (
        evaluate_sale(compiled, people, Activity(compiled), sale(1, "low", 1_000))
        == run(compiled, FileTeam({"top": None, "low": "top"}), [sale(1, "low", 1_000)])[0]
    )


def test_a_purchase_of_nothing_counts_whole_and_one_without_a_base_by_r2_alone() -> None:
    """[R-PLAN-13]: points bought inside a team, where the plan pays on the amount."""
    levels = {"unilevel": {"compression": "none", "rates": ["10%"]}}
    compiled = plan(**levels, **without("r2"), personal="3", volume="points")
    people, activity = team(LINE), Activity(compiled)
    assert activity.counted(sale(1, "mid", 0, buyer="low"), people).part == 1
    found = activity.counted(sale(2, "mid", 0, points=600, buyer="low"), people)
    assert (found.part, found.reason) == (Fraction(1, 2), "r2")


def test_what_members_buy_without_a_referrer_is_their_sponsor_s_sale() -> None:
    """[R-PLAN-12]"""
    compiled = plan(unilevel={"compression": "none", "rates": ["10%"]})
    found = evaluate_sale(compiled, team(LINE), Activity(compiled), sale(1, None, 1_000, buyer="low"))
    assert paid(found) == {"mid": 100}


def test_a_currency_that_is_named_twice_is_told() -> None:
    """[R-PLAN-6]"""
    record = read(unilevel={"compression": "none", "rates": ["1%"]})
    with pytest.raises(Void, match="named twice"):
        compile_plan(msgspec.structs.replace(record, currencies=record.currencies * 2))


def test_points_bound_amounts_and_legs_by_their_value() -> None:
    """[R-PLAN-5]: 6.00 for a sale of 10 points, each worth 2.00; and pairs counted in points."""
    fields = {"pay_on": "points", "volume": "points", "point_value": "2"}
    amounts = plan(matrix={"height": 1, "amounts": ["6"], "least": "10"}, team={"legs": 2}, **fields)
    assert amounts.bound == Fraction(6, 20)
    pairs = plan(binary={"mode": "percent", "steps": "10%", "after": "flush"}, **LEGS, **fields)
    people = team(WINGS, PLACES)
    sales = [sale(1, "l", 1, points=1_000), sale(2, "r", 1, points=1_000)]
    assert paid(closed(pairs, people, sales).awards) == {"top": 200}


def test_a_plan_of_paths_alone_needs_no_team() -> None:
    assert not plan(path={"mode": "flat", "first": "5%", "depth": 2}).needs_team
    assert not plan(tiers={"mode": "whole", "steps": "5%"}).needs_team
    assert plan(tiers={"mode": "whole", "steps": "5%", "when": "period"}).needs_team
    assert plan(**DEFAULT).needs_team


def test_matching_of_what_has_no_bound_has_none() -> None:
    """Only the company cap bounds a binary, and so what matches it."""
    compiled = plan(
        binary={"mode": "percent", "steps": "10%", "after": "flush"},
        matching={"of": ["binary"], "rates": ["50%"], "when": "period"},
        **LEGS,
    )
    assert rule_bounds(compiled.ground, compiled.by_close_matching) == {"binary": None, "matching": None}


def test_a_volume_below_the_first_step_reaches_none() -> None:
    curve = Curve.of((Step(at=10, rate=(1, 10)), Step(at=20, rate=(1, 5))), whole=False)
    assert (curve.worth(9, 9), curve.discount(9, 9), curve.step(9)) == (0, 0, 0)
    assert (curve.worth(30, 30), curve.discount(30, 30)) == (10 + 20, 30 * 2 - 30)
    assert curve.worth(30, 60) == 2 * curve.worth(30, 30)


def test_a_rank_by_hand_is_not_taken_away_by_a_lower_one_that_is_met() -> None:
    """[R-PLAN-15]"""
    ranks = [{"name": "low", "own": "1"}, {"name": "high", "group": "1000"}]
    compiled = plan(**DEFAULT, ranks=ranks)
    activity: Activity[str] = Activity(compiled)
    activity.begin("a", rank="high")
    state = closed(compiled, team({"a": None}), [sale(1, "a", 100)], activity).states()["a"]
    assert (state.rank, state.achieved) == ("high", "high")


def test_two_closes_of_one_period_are_the_same() -> None:
    compiled, people = plan(**DEFAULT), team(LINE)
    activity: Activity[str] = Activity(compiled)
    activity.take(sale(1, "low", 5_000), people)
    period = activity.period(MONTH, 9)
    first, second = (evaluate_period(compiled, people, activity, period) for _ in range(2))
    assert first.awards == second.awards


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(0, 10**8), st.integers(1, 20))
def test_cdrm_keeps_what_makes_it_safe(above: int, below: int, rest: int, theta: int) -> None:
    """[R-PLAN-19]: R(a, b + y) + R(b, y) <= R(a + b, y), equal in mode 2; at most phi x, rising with x and y."""
    for logarithmic in (False, True):
        rule = Contributions("cdrm", logarithmic, Fraction(20, 100), Fraction(theta, 100), 100)

        def reward(own: int, under: int, rule: Contributions = rule) -> Fraction:
            return rule._rate(own, own + under) * own

        two, one = reward(above, below + rest) + reward(below, rest), reward(above + below, rest)
        assert two == one if logarithmic else two <= one
        assert 0 <= reward(above, rest) <= Fraction(20, 100) * above
        tiny = Fraction(1, 10**9)  # the logarithm is right to 64 bits
        assert reward(above, rest) <= reward(above, rest + below) + tiny
        assert reward(above, rest) <= one + tiny
