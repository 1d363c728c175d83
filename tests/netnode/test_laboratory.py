"""The laboratory of plans: what cheating gains, on worlds drawn from a seed; and the report made of it [R-PLAN-8]."""

from __future__ import annotations

from fractions import Fraction

import pytest

from netnode.plans import laboratory, ready, reporting
from netnode.plans.laboratory import IDENTITIES, Measured, Tally
from netnode.plans.worlds import (
    Draws,
    World,
    draw_world,
    inserted,
    price_of,
    same_work,
    splits,
    thresholds,
    unit_of,
)
from protocol.plans.document import Compiled
from tests.long.plan_splits import tried_in
from tests.protocol.plans.made import DEFAULT, plan

UNILEVEL = {"unilevel": {"compression": "none", "rates": ["10%", "5%"]}}


def measured(compiled: Compiled, trees: int = 12, seed: int = 0) -> Measured:
    *_, found = laboratory.measure(compiled, trees, seed)
    return found


def verdicts(compiled: Compiled, trees: int = 12) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in reporting.measured(compiled, measured(laboratory.opened(compiled), trees)):
        found.setdefault(one.rule, set()).add(one.verdict)
    return found


# -- worlds --------------------------------------------------------------------------------------------------
def test_a_seed_draws_the_same_worlds_everywhere() -> None:
    """The figures of a report are the same for whoever asks: the draws are pinned."""
    draws = Draws(0, 0)
    assert [draws.below(1_000) for _ in range(4)] == [18, 875, 972, 655]
    compiled = plan(**DEFAULT)
    assert draw_world(compiled, Draws(7, 3)) == draw_world(compiled, Draws(7, 3))
    assert draw_world(compiled, Draws(7, 3)) != draw_world(compiled, Draws(7, 4))
    assert draw_world(compiled, Draws(7, 3)) != draw_world(compiled, Draws(8, 3))


def test_worlds_are_about_the_volumes_of_the_plan() -> None:
    compiled = plan(**DEFAULT)
    assert thresholds(compiled) == (1_000, 5_000, 20_000)
    sold = {volume for tree in range(30) for _, volume in draw_world(compiled, Draws(1, tree)).sales}
    assert {999, 1_000, 5_000, 40_000, 1} <= sold
    same = same_work(compiled, Draws(1, 5))
    assert {volume for _, volume in same.sales} and len({volume for _, volume in same.sales}) == 1
    assert [name for name, _ in same.sales] == list(same.sponsors)


def test_points_cost_what_they_are_paid_on_or_one_unit_each() -> None:
    points = plan(**UNILEVEL, volume="points", pay_on="points", point_value="1/2")
    assert (unit_of(points), price_of(points, 250)) == (100, 125)
    assert laboratory.paid(points, World({"a": None}, (("a", 5_000),))) == {"a": 250}
    counted = plan(**UNILEVEL, volume="points", unit={"name": "s", "exponent": 0})
    assert price_of(counted, 250) == Fraction(5, 2)
    assert laboratory.paid(counted, World({"a": None}, (("a", 5_000),))) == {"a": 5}


@pytest.mark.parametrize("count", IDENTITIES)
def test_who_splits_sells_the_same_and_moves_nobody_else(count: int) -> None:
    world = World(
        {"a": None, "m": "a", "x": "m", "y": "m", "z": "x"}, (("m", 500), ("m", 7), ("x", 9), ("z", 1))
    )
    for split, names in splits(world, "m", count, Draws(0, 0)):
        assert len(names) == count == len(set(names)) and set(split.sponsors) == {*world.sponsors, *names}
        assert sum(split.own(name) for name in names) == 507
        assert all(split.own(name) == world.own(name) for name in ("a", "x", "y", "z"))
        assert split.sponsors["x"] in names and split.sponsors["y"] in names and split.sponsors["z"] == "x"
        assert {split.sponsors[name] for name in names} <= {"a", *names}
        assert len(split.group("a")) == len(split.sponsors)  # nobody is lost or stands below itself


def test_a_false_sponsor_sells_nothing_and_stands_above_or_below() -> None:
    world = World({"a": None, "m": "a", "x": "m", "y": "m"}, (("m", 500), ("x", 9)))
    above, below = inserted(world, "m", Draws(0, 1))
    assert above[0].sponsors == {"a": None, "m.false": "a", "m": "m.false", "x": "m", "y": "m"}
    assert below[0].sponsors["m.false"] == "m" and {below[0].sponsors[name] for name in "xy"} <= {
        "m",
        "m.false",
    }
    assert above[0].sales == below[0].sales == world.sales


# -- what is measured ----------------------------------------------------------------------------------------
def test_splitting_under_a_unilevel_gains_what_one_reckons_by_hand() -> None:
    """One member, 100.00: 10.00 honest; with a false identity below 15.00; the tally says half more."""
    compiled = plan(**UNILEVEL)
    world = World({"a": None}, (("a", 10_000),))
    assert laboratory.paid(compiled, world) == {"a": 1_000}
    (chain, names), *_ = splits(world, "a", 2, Draws(0, 0))
    assert sum(laboratory.paid(compiled, chain)[name] for name in names) == 1_500
    tally = Tally("splitting", 2)
    tally.add(4, 1_000, 500)
    tally.add(5, 1_000, -3)
    assert (tally.trees, tally.gained, tally.largest, tally.tree, tally.share) == (
        2,
        1,
        500,
        4,
        Fraction(1, 4),
    )


def test_the_linter_says_that_the_default_plan_gives_nothing_and_unilevel_does() -> None:
    """The acceptance in small; the long run has ten thousand trees."""
    default, unilevel = verdicts(ready.compiled("default")), verdicts(ready.compiled("unilevel"))
    for name in ("splitting", "sponsors", "purchases", "cliff"):
        assert default[name] == {"pass"}, name
    assert unilevel["splitting"] == unilevel["sponsors"] == {"warn"}


@pytest.mark.parametrize("tree", range(20))
def test_no_cheat_gains_under_the_default_plan(tree: int) -> None:
    """A share of `python -m tests.long plan_splits`, on other trees."""
    tried, _ = tried_in(tree, seed=1, members=1)
    assert tried["splitting in 2"] == 4 and tried["splitting in 5, rules on buyers as they are"] == 4


def test_whole_amounts_have_a_cliff_that_is_worth_buying() -> None:
    """10,000.00 at 21 % in place of 15 %: 600.00, and 0.15 of the unit itself."""
    found = measured(laboratory.opened(ready.compiled("whole_amount")), 40)
    assert found.cliff is not None and (found.cliff.amount, found.cliff.at) == (60_015, 1_000_000)
    assert found.tally("purchases").gained > 0
    assert verdicts(ready.compiled("whole_amount"), 40)["cliff"] == {"warn"}


def test_a_false_sponsor_in_a_path_takes_from_others() -> None:
    """Referral paths without a team: the false step pushes everybody above one step away."""
    found = measured(laboratory.opened(ready.compiled("referral")))
    assert found.tally("sponsors").gained > 0 and found.taken > 0


def test_with_its_rules_on_a_plan_pays_less_to_cheats_than_with_them_met() -> None:
    """R5 on: nobody has ten buyers in so small a world, so levels above the own sale are locked."""
    compiled = ready.compiled("unilevel")
    assert measured(compiled).tally("splitting", 2).gained == 0
    assert measured(laboratory.opened(compiled)).tally("splitting", 2).gained > 0


def test_ranks_that_ask_for_buyers_alone_ask_for_one() -> None:
    """A rank that asked for nothing would be reached by nobody."""
    ranks = [{"name": "buyers", "outside_buyers": 10}, {"name": "both", "outside_buyers": 10, "own": "5"}]
    opened = laboratory.opened(plan(**UNILEVEL, ranks=ranks))
    assert [rank.outside_buyers for rank in opened.plan.ranks] == [10, 0]


def test_families_are_measured_one_by_one() -> None:
    leaders = ready.compiled("leaders")
    assert laboratory.families(leaders) == ("unilevel", "infinity", "fast_start", "pool")
    assert laboratory.families(laboratory.alone(leaders, "pool")) == ("pool",)
    assert laboratory.alone(leaders, "unilevel").plan.duty == leaders.plan.duty
    both = laboratory.alone(ready.compiled("generation"), "matching")
    assert laboratory.families(both) == ("generation", "matching")


def test_who_has_no_recruits_needs_none_to_be_paid() -> None:
    assert measured(plan(tiers={"mode": "whole", "steps": "5%"})).recruiting == 0
    assert measured(ready.compiled("matrix")).recruiting == 0  # R5 locks all of it
    assert measured(laboratory.opened(ready.compiled("matrix"))).recruiting > Fraction(1, 2)


# -- the report ----------------------------------------------------------------------------------------------
def test_the_report_names_what_sets_the_maximum() -> None:
    assert reporting.sets_maximum(ready.compiled("default")) == "differential"
    assert reporting.sets_maximum(ready.compiled("binary")) == "cap_company"
    generation = ready.compiled("generation")
    assert reporting.bounds(generation) == {
        "tiers": Fraction(1, 20), "generation": Fraction(1, 10), "matching": Fraction(1, 50),
    }  # fmt: skip
    assert reporting.sets_maximum(generation) == "generation"
    capped = plan(**DEFAULT, cap_company="10%")
    assert reporting.sets_maximum(capped) == "cap_company" and capped.bound == Fraction(1, 10)


def test_the_report_says_how_far_each_rule_pays() -> None:
    levels = {
        name: levels
        for plans in map(ready.compiled, ready.names())
        for name, (levels, text) in reporting.depths(plans).items()
        if text
    }
    assert levels == {
        "binary": None, "cdrm": None, "differential": None, "fast-start": 1, "first-time": 0, "generation": 3,
        "infinity": None, "launch": 0, "matching": 1, "matrix": 4, "override": 2, "path": None, "pool": 0,
        "tiers": 0, "unilevel": 4,
    }  # fmt: skip


def test_what_the_same_work_earns_is_told_by_order_of_joining() -> None:
    flat = measured(plan(tiers={"mode": "whole", "steps": "5%"}))
    assert all(Fraction(4, 100) < share <= Fraction(5, 100) for share in reporting.order(flat))
    assert reporting.order(Measured()) == [0] * 4
    early = reporting.order(measured(laboratory.opened(ready.compiled("matrix")), 40))
    assert early[0] > 2 * early[-1]


def test_shares_are_rounded_up_so_that_nothing_small_becomes_nothing() -> None:
    assert (
        reporting.rounded(Fraction(1, 3)) == "0.333334"
        and reporting.rounded(Fraction(1, 10**9)) == "0.000001"
    )
    assert reporting.percent(Fraction(1, 8)) == "12.5 %" and reporting.percent(Fraction(0)) == "0 %"
