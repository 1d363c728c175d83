"""Each family against figures reckoned by hand [R-PLAN-12, 19, 21]."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from netnode.plans.files import FileTeam
from protocol.plans.activity import Activity
from protocol.plans.evaluate import evaluate_sale
from protocol.plans.facts import Award
from tests.protocol.plans.made import MONTH, closed, paid, plan, run, sale, team

DAY = 86_400_000
NAMES = ("s", "m1", "m2", "m3", "m4", "m5")
CHAIN = team({"m5": None, "m4": "m5", "m3": "m4", "m2": "m3", "m1": "m2", "s": "m1"})
RANKS = {"ranks": [{"name": "low"}, {"name": "mid"}, {"name": "high"}]}


def one_sale(
    fields: dict[str, Any], ranks: dict[str, str], idle: tuple[str, ...] = (), **more: Any
) -> list[Award[str]]:
    """A sale of 100.00 by `s`, whose level 1 is m1; ranks by hand."""
    compiled = plan(origin="sponsor", **RANKS, **fields)
    activity: Activity[str] = Activity(compiled)
    for name in NAMES:
        activity.begin(name, rank=ranks.get(name), active=name not in idle)
    return list(evaluate_sale(compiled, CHAIN, activity, sale(1, "s", 10_000, **more)))


def levels(awards: list[Award[str]]) -> list[tuple[str, int, int]]:
    return [(award.to, award.level, award.amount) for award in awards]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"compression": "none"}, [("m1", 1, 1000), ("m3", 3, 300)]),  # m2 has no rank and takes level 2
        (
            {"compression": "inactive"},
            [("m1", 1, 1000), ("m4", 3, 300)],
        ),  # m3 is not active; m2 takes level 2
        ({"compression": "rank", "rank": "mid"}, [("m3", 1, 1000), ("m4", 2, 500)]),  # m1 is below mid
        ({"compression": "dynamic"}, [("m1", 1, 1000), ("m3", 2, 500), ("m4", 3, 300)]),
    ],
)
def test_the_four_ways_of_compression(rule, expected) -> None:
    rates = {"low": ["10%"], "mid": ["10%", "5%", "3%"]}
    ranks = {"m1": "low", "m3": "mid", "m4": "high"}
    assert levels(one_sale({"unilevel": {"rates": rates, **rule}}, ranks, idle=("m3",))) == expected


def test_the_last_rate_holds_to_the_depth_and_a_member_who_left_is_never_paid() -> None:
    unilevel = {"compression": "none", "rates": ["2%", "1%"], "depth": 4}
    assert levels(one_sale({"unilevel": unilevel}, {})) == [
        ("m1", 1, 200), ("m2", 2, 100), ("m3", 3, 100), ("m4", 4, 100),
    ]  # fmt: skip

    class Left(FileTeam):
        """m2 left and still stands there."""

        def member(self, person: str, at: int | None = None) -> bool:
            return person != "m2" and super().member(person, at)

    for compression, expected in (
        ("none", [("s", 1), ("m1", 2)]),
        ("inactive", [("s", 1), ("m1", 2), ("m3", 3)]),
    ):
        compiled = plan(unilevel={"compression": compression, "rates": ["5%", "4%", "3%"]})
        awards = evaluate_sale(compiled, Left(CHAIN.sponsors), Activity(compiled), sale(1, "s", 10_000))
        assert [(award.to, award.level) for award in awards] == expected


def test_the_walk_stops_at_a_rank_also_at_the_owner() -> None:
    unilevel = {"compression": "none", "rates": ["2%"] * 5, "stop": "mid"}
    assert [one[0] for one in levels(one_sale({"unilevel": unilevel}, {"m3": "high"}))] == ["m1", "m2", "m3"]
    assert one_sale({"unilevel": unilevel}, {"s": "mid"}) == []


def test_generations_by_threshold_consume_or_pass_empty_ones() -> None:
    rule = {"boundary": "threshold", "rank": "mid", "rates": ["10%", "5%", "3%"]}
    ranks = {"m1": "low", "m2": "mid", "m3": "high", "m5": "mid"}
    for empty, expected in (("consumes", [("m2", 1), ("m5", 3)]), ("passes", [("m2", 1), ("m5", 2)])):
        awards = one_sale({"generation": {**rule, "empty": empty}}, ranks, idle=("m3",))
        assert [(award.to, award.level) for award in awards] == expected


def test_generations_of_the_same_rank_count_for_each_rank_by_itself() -> None:
    """m3 is high: no generation of its own rank or above lies below it, though m1 is mid."""
    rule = {"boundary": "same", "rank": "mid", "rates": {"mid": ["10%", "4%"], "high": ["5%", "2%"]}}
    ranks = {"m1": "mid", "m3": "high", "m4": "mid", "m5": "high"}
    assert levels(one_sale({"generation": rule}, ranks)) == [
        ("m1", 1, 1000),
        ("m3", 1, 500),
        ("m5", 2, 200),
    ]  # m4 has met m1 and m3: its third generation has no rate


def test_infinity_pays_each_rank_once_and_a_higher_one_blocks() -> None:
    rule = {"rates": {"mid": "2%", "high": "3%"}, "start": 2}
    ranks = {"m1": "high", "m2": "mid", "m3": "mid", "m4": "high", "m5": "mid"}
    assert levels(one_sale({"infinity": rule}, ranks)) == [("m2", 2, 200), ("m4", 4, 300)]


def test_fast_start_pays_on_sales_of_the_first_days_only() -> None:
    compiled = plan(fast_start={"days": 30, "rates": ["5%"]}, origin="sponsor")
    people = FileTeam({"a": None, "b": "a"}, joined={"b": MONTH})
    for days, expected in ((29, {"a": 50}), (30, {})):
        one = sale(1, "b", 1_000, time=MONTH + days * DAY)
        assert paid(evaluate_sale(compiled, people, Activity(compiled), one)) == expected


def test_matching_pays_on_what_the_gates_left() -> None:
    """The level award of m1 is 10.00: m2 has half of it, m3 a tenth; m4 by rank only."""
    fields = {"unilevel": {"compression": "none", "rates": ["10%"]}}
    by_level = {**fields, "matching": {"of": ["unilevel"], "rates": ["50%", "10%"]}}
    assert levels(one_sale(by_level, {}))[1:] == [("m2", 1, 500), ("m3", 2, 100)]
    by_rank = {**fields, "matching": {"of": ["unilevel"], "rates": ["50%"], "rank": "high"}}
    assert levels(one_sale(by_rank, {"m3": "mid", "m4": "high"}))[1:] == [("m4", 1, 500)]


def test_listings_and_renewals_have_rates_of_their_own() -> None:
    fields = {
        "unilevel": [
            {"name": "lamp", "compression": "none", "rates": ["20%"], "only": ["lamp"]},
            {"name": "first", "compression": "none", "rates": ["5%"], "turns": "first"},
            {"name": "again", "compression": "none", "rates": ["1%"], "turns": "renewal"},
        ]
    }
    assert [one.rule for one in one_sale(fields, {}, listing="lamp")] == ["lamp", "first"]
    assert [one.rule for one in one_sale(fields, {}, listing="chair", renewal=True)] == ["again"]


def test_breakaway_takes_the_volume_of_a_leg_out_of_the_groups_above() -> None:
    steps = [["1", "10%"], ["100", "20%"]]
    fields = {"differential": {"mode": "whole", "steps": steps, "breakaway": "star"},
              "ranks": [{"name": "star", "own": "90"}]}  # fmt: skip
    people = team({"top": None, "star": "top", "small": "top"})
    result = closed(
        plan(**fields), people, [sale(1, "star", 9_000), sale(2, "small", 500), sale(3, "top", 500)]
    )
    assert paid(result.awards) == {"top": 50, "star": 900, "small": 50}
    without = {"differential": {"mode": "whole", "steps": steps}}
    kept = closed(
        plan(**without), people, [sale(1, "star", 9_000), sale(2, "small", 500), sale(3, "top", 500)]
    )
    assert paid(kept.awards) == {"top": 2_000 - 950, "star": 900, "small": 50}


def test_a_pool_is_shared_by_heads_or_volume_and_new_ranks_once() -> None:
    people, ranks = team({"a": None, "b": "a", "c": None}), {"ranks": [{"name": "star", "own": "1"}]}
    sales = [sale(1, "a", 1_000), sale(2, "b", 3_000), sale(3, "c", 50)]
    for split, expected in (("equal", {"a": 202, "b": 202}), ("own", {"a": 101, "b": 303}),
                            ("group", {"a": 231, "b": 173})):  # fmt: skip
        fields = {"pool": {"rank": "star", "share": "10%", "split": split}, **ranks}
        assert paid(closed(plan(**fields), people, sales).awards) == expected


def test_who_buys_is_not_paid_for_it_but_its_upline_is() -> None:
    """[R-PLAN-12]: origin sponsor, a purchase by `s` itself."""
    compiled = plan(origin="sponsor", unilevel={"compression": "none", "rates": ["5%"]},
                    tiers={"mode": "whole", "steps": "10%"})  # fmt: skip
    bought = sale(1, None, 1_000, buyer="s")
    assert paid(evaluate_sale(compiled, CHAIN, Activity(compiled), bought)) == {"m1": 50}


def test_a_referrer_outside_the_team_earns_its_own_level_only() -> None:
    compiled = plan(unilevel={"compression": "none", "rates": ["5%", "4%"]})
    assert paid(evaluate_sale(compiled, CHAIN, Activity(compiled), sale(1, "friend", 1_000))) == {
        "friend": 50
    }


def test_the_company_cap_cuts_all_alike_after_the_member_cap() -> None:
    """Raw 10, 30 and 60; the member cap leaves 10, 30, 40; the company cap half of that."""
    tiers = {"mode": "whole", "steps": "10%", "when": "period"}
    compiled = plan(tiers=tiers, cap_member="40", cap_company="4%")
    sales = [sale(1, "s", 10_000), sale(2, "m1", 30_000), sale(3, "m2", 60_000)]
    result = closed(compiled, CHAIN, sales)
    assert paid(result.awards) == {"s": 500, "m1": 1_500, "m2": 2_000}
    assert [award.reason for award in result.awards] == ["cap_member", "cap_company", "cap_company"]


def test_overrides_by_difference_look_at_the_highest_rank_below() -> None:
    """Of the group of `low`: mid gets 7 - 5, its equal above the floor, top 9 - 7."""
    ranks = [{"name": name, "own": own} for name, own in (("five", "10"), ("seven", "20"), ("nine", "30"))]
    rule = {"mode": "difference", "rank": "five", "generations": 3, "floor": "1%",
            "rates": {"five": "5%", "seven": "7%", "nine": "9%"}}  # fmt: skip
    people = team({"top": None, "same": "top", "mid": "same", "low": "mid"})
    sales = [
        sale(n, *one)
        for n, one in enumerate((("top", 3_000), ("same", 2_000), ("mid", 2_000), ("low", 1_000)))
    ]
    result = closed(plan(override=rule, ranks=ranks), people, sales)
    assert levels(list(result.awards)) == [
        ("top", 1, 40),  # 2 % of the group of same
        ("top", 2, 40),  # 2 % of that of mid
        ("top", 3, 20),  # 2 % of that of low
        ("same", 1, 20),  # the floor of that of mid
        ("same", 2, 10),  # the floor of that of low
        ("mid", 1, 20),  # 2 % of that of low
    ]
    assert [award.rate for award in result.awards] == [Fraction(each, 100) for each in (2, 2, 2, 1, 1, 2)]


@pytest.mark.parametrize(
    ("rule", "pays", "keeps"),
    [
        ({"mode": "percent", "after": "flush"}, 300, (0, 0)),
        ({"mode": "percent", "after": "net_off"}, 300, (4_000, 0)),
        ({"mode": "percent", "after": "carry"}, 300, (4_000, 0)),
        ({"mode": "percent", "after": "carry", "carry_cap": "25"}, 300, (2_500, 0)),
        ({"mode": "pairs", "weak": "8", "after": "net_off"}, 240, (4_600, 600)),
        ({"mode": "ratio", "strong": "4", "weak": "1", "after": "net_off"}, 175, (0, 1_250)),
        ({"mode": "ratio", "strong": "2", "weak": "1", "after": "net_off"}, 300, (1_000, 0)),
        ({"mode": "cycles", "strong": "20", "weak": "10", "after": "net_off"}, 300, (1_000, 0)),
    ],
)
def test_what_a_binary_pays_and_what_its_legs_keep(rule, pays, keeps) -> None:
    """70.00 against 30.00, ten percent of what is matched in the weak leg."""
    people = team({"top": None, "l": "top", "r": "top"}, {"l": ("top", 0), "r": ("top", 1)})
    compiled = plan(binary={"steps": "10%", **rule}, team={"legs": 2}, cap_company="1")
    result = closed(compiled, people, [sale(1, "l", 7_000), sale(2, "r", 3_000)])
    assert paid(result.awards) == {"top": pays}
    assert result.states()["top"].carry == {"binary": keeps}


def test_a_base_without_volume_earns_nothing_by_marginal_steps() -> None:
    """Goods that bring no points are paid on amounts: there is no mean rate of no volume [R-PLAN-19]."""
    steps = [["0", "5%"], ["10", "10%"]]
    people = team({"top": None, "low": "top"})
    sales = [sale(1, "low", 5_000, points=0), sale(2, "top", 1_000, points=500)]
    compiled = plan(differential={"mode": "marginal", "steps": steps}, volume="points")
    assert paid(closed(compiled, people, sales).awards) == {"top": 300}
    tiers = plan(tiers={"mode": "marginal", "steps": steps}, volume="points")
    assert run(tiers, people, sales[:1]) == [()]
