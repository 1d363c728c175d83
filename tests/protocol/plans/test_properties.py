"""What holds for every tree: bounds, order, splitting; and single functions against naive ones [R-PLAN-19..22]."""

from __future__ import annotations

import random
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol.plans.activity import Activity
from protocol.plans.evaluate import evaluate_period, evaluate_sale
from protocol.plans.families.binaries import cycles
from protocol.plans.families.pools import binary_log
from protocol.plans.rounding import trimmed
from protocol.plans.tables import fraction
from tests.protocol.plans.made import DEFAULT, MONTH, closed, paid, plan, random_tree, sale, team, total

RANKS = [
    {"name": "bronze", "own": "1"},
    {"name": "silver", "group": "20", "leg_cap": "60%"},
    {"name": "gold", "group": "60", "leaders": [{"rank": "silver", "legs": 1}], "active_legs": 1},
]
LEGS = {"legs": 2}
FAMILIES: dict[str, dict[str, Any]] = {
    "default": DEFAULT,
    "whole": {
        "differential": {"mode": "whole", "steps": [["1", "3%"], ["20", "9%"], ["100", "21%"]], "breakaway": "gold"},
        "override": {
            "mode": "difference", "rank": "gold", "generations": 3, "floor": "1%", "rates": {"gold": "5%"},
        },
        "ranks": RANKS,
    },
    "fixed override": {
        "override": {"mode": "fixed", "rank": "silver", "generations": 2, "rates": {"silver": ["3%", "2%"]}},
        "ranks": RANKS,
    },
    "unilevel": {"unilevel": {"compression": "none", "rates": ["10%", "5%", "0", "1/300"]}},
    "unilevel close": {
        "unilevel": {"compression": "inactive", "rates": ["10%", "5%"], "when": "period"}, "active": "5",
    },
    "dynamic": {
        "unilevel": {
            "compression": "dynamic", "when": "period",
            "rates": {"bronze": ["5%"], "silver": ["5%", "4%"], "gold": ["5%", "4%", "3%"]},
        },
        "ranks": RANKS,
    },
    "matrix": {"matrix": {"height": 3, "rates": ["5%", "0", "3%"]}, "team": {"legs": 3}},
    "binary": {
        "binary": {"mode": "percent", "steps": "40%", "after": "carry", "carry_cap": "50"},
        "team": LEGS, "cap_company": "15%",
    },
    "binary cycles": {
        "binary": {"mode": "cycles", "strong": "6", "weak": "3", "amount": "2", "after": "net_off"},
        "team": LEGS, "cap_company": "15%", "cap_member": "20",
    },
    "binary ratio": {
        "binary": {"mode": "ratio", "strong": "2", "weak": "1", "steps": "10%", "after": "flush"},
        "team": LEGS, "cap_company": "5%",
    },
    "generation": {
        "generation": {"boundary": "threshold", "rank": "silver", "rates": ["5%", "3%"], "when": "period"},
        "matching": {"of": ["generation"], "rates": ["20%", "10%"], "when": "period"},
        "ranks": RANKS,
    },
    "same rank": {
        "generation": {"boundary": "same", "rank": "bronze", "rates": {"bronze": ["4%"], "gold": ["5%", "2%"]},
                       "when": "period", "empty": "passes"},
        "ranks": RANKS,
    },
    "leaders": {
        "infinity": {"rates": {"bronze": "2%", "gold": "3%"}, "when": "period", "start": 2},
        "pool": [{"rank": "silver", "share": "2%", "split": "group"},
                 {"name": "new", "rank": "bronze", "share": "1%", "new": True}],
        "tiers": {"mode": "marginal", "steps": [["0", "5%"], ["10", "7%"]], "when": "period"},
        "ranks": RANKS,
    },
    "geometric": {"path": {"mode": "geometric", "first": "10%", "ratio": "50%"}, "share": "40%"},
    "rest": {"path": {"mode": "flat", "first": "10%", "depth": 3, "rest": True}, "share": "40%"},
    "cdrm 1": {"cdrm": {"mode": 1, "phi": "20%", "theta": "15%"}},
    "cdrm 2": {"cdrm": {"mode": 2, "phi": "20%", "theta": "20%"}},
}  # fmt: skip


def tight(fields: dict[str, Any], rounding: str) -> Any:
    """A plan whose declared maximum is its bound."""
    bound = plan(**fields).bound
    return plan(**fields | {"maximum": f"{bound.numerator}/{bound.denominator}", "rounding": rounding})


def trees() -> st.SearchStrategy[tuple[dict[str, str | None], list[int]]]:
    return st.tuples(st.integers(0, 2**32), st.integers(1, 25)).map(_made)


def _made(drawn: tuple[int, int]) -> tuple[dict[str, str | None], list[int]]:
    seed, size = drawn
    chance = random.Random(seed)
    amounts = [chance.choice((0, 1, 7, 333, 999, 2_000, 10_001)) for _ in range(size)]
    return random_tree(seed, size), amounts


def places(tree: dict[str, str | None], legs: int) -> dict[str, tuple[str, int]]:
    """A placement tree: in order, level by level."""
    names = list(tree)
    return {
        name: (names[(number - 1) // legs], (number - 1) % legs)
        for number, name in enumerate(names)
        if number
    }


@pytest.mark.parametrize("rounding", ["down", "half_even"])
@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=12, deadline=None)
@given(trees())
def test_awards_never_come_to_more_than_the_maximum(family, rounding, drawn) -> None:
    """[R-PLAN-22]: of each sale and of the period, in any tree, after rounding; and no award is zero."""
    tree, amounts = drawn
    compiled = tight(FAMILIES[family], rounding)
    people = team(tree, places(tree, 3 if family == "matrix" else 2) if compiled.placed else None)
    activity: Activity[str] = Activity(compiled)
    maximum, share = fraction(compiled.plan.maximum), fraction(compiled.plan.share)
    for number, (name, amount) in enumerate(zip(tree, amounts, strict=True)):
        one = sale(number, name, amount)
        awards = evaluate_sale(compiled, people, activity, one)
        assert total(awards) <= maximum * share * amount
        assert all(award.amount > 0 for award in awards)
        assert len({(award.to, award.rule, award.level) for award in awards}) == len(awards)
        activity.take(one, people)
    result = evaluate_period(compiled, people, activity, activity.period(MONTH, 99))
    assert total(result.awards) <= maximum * share * sum(amounts) == maximum * result.base
    assert all(award.amount > 0 for award in result.awards)
    assert len({(award.to, award.rule, award.level) for award in result.awards}) == len(result.awards)


@pytest.mark.parametrize(
    "family", [name for name in FAMILIES if name not in ("unilevel", "matrix", "geometric", "rest")]
)
@settings(max_examples=8, deadline=None)
@given(trees(), st.randoms(use_true_random=False))
def test_the_order_of_sales_changes_no_close(family, drawn, chance) -> None:
    """[R-PLAN-7, 20]"""
    tree, amounts = drawn
    compiled = plan(**FAMILIES[family])
    people = team(tree, places(tree, 2) if compiled.placed else None)
    sales = [
        sale(number, name, amount) for number, (name, amount) in enumerate(zip(tree, amounts, strict=True))
    ]
    shuffled = list(sales)
    chance.shuffle(shuffled)
    first, second = closed(compiled, people, sales), closed(compiled, people, shuffled)
    assert first.awards == second.awards and first.states() == second.states()


def gross(amount: int) -> Fraction:
    """What the default plan makes of a volume, as a person would reckon it; STEPS in minor units."""
    ends = [0, 1_000, 5_000, 20_000, None]
    rates = [Fraction(5, 100), Fraction(10, 100), Fraction(15, 100), Fraction(20, 100)]
    return sum(
        (rate * max(0, (amount if end is None else min(amount, end)) - start)
         for start, end, rate in zip(ends, ends[1:], rates, strict=False)),
        Fraction(0),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(trees())
def test_the_default_plan_pays_the_differential_of_groups(drawn) -> None:
    """[R-PLAN-19], against groups added up member by member."""
    tree, amounts = drawn
    result = closed(
        plan(**DEFAULT),
        team(tree),
        [sale(n, each, a) for n, (each, a) in enumerate(zip(tree, amounts, strict=True))],
    )
    own = dict(zip(tree, amounts, strict=True))

    def group(name: str) -> int:
        return own[name] + sum(group(each) for each, above in tree.items() if above == name)

    expected = {
        name: int(
            gross(group(name)) - sum(gross(group(each)) for each, above in tree.items() if above == name)
        )
        for name in tree
    }
    assert paid(result.awards) == {name: amount for name, amount in expected.items() if amount}
    for award in result.awards:
        assert award.amount == int(award.rate * award.base - award.less)


@pytest.mark.parametrize("family", ["default", "cdrm 1", "cdrm 2"])
@settings(max_examples=25, deadline=None)
@given(trees(), st.data())
def test_splitting_and_false_sponsors_gain_nothing(family, drawn, data) -> None:
    """One member becomes several, in a chain or side by side, with or without a false sponsor above."""
    tree, amounts = drawn
    compiled = plan(**FAMILIES[family])
    own = dict(zip(tree, amounts, strict=True))
    who = data.draw(st.sampled_from(list(tree)))
    before = _exact(closed(compiled, team(tree), [sale(n, *one) for n, one in enumerate(own.items())]), {who})
    parts = data.draw(st.lists(st.integers(0, own[who]), max_size=3).map(sorted))
    shares = [end - start for start, end in zip((0, *parts), (*parts, own[who]), strict=True)]
    names = [who, *(f"{who}-{number}" for number in range(1, len(shares)))]
    split: dict[str, str | None] = {}
    for name, above in tree.items():
        if name == who:
            split[who] = above
            for number, alias in enumerate(names[1:]):
                split[alias] = names[number] if data.draw(st.booleans()) else above
        elif above == who:
            split[name] = data.draw(st.sampled_from(names))
        else:
            split[name] = above
    sold = [(name, share) for name, share in zip(names, shares, strict=True)]
    sold += [one for one in own.items() if one[0] != who]
    after = _exact(closed(compiled, team(split), [sale(n, *one) for n, one in enumerate(sold)]), set(names))
    assert after <= before


def _exact(result, names: set[str]) -> Fraction:
    """What members get before rounding."""
    return sum(
        (award.rate * award.base - award.less for award in result.awards if award.to in names), Fraction(0)
    )


def test_a_unilevel_does_gain_from_a_false_identity_below() -> None:
    """The other half of the property: the laboratory would be worth nothing could it not find this."""
    compiled = plan(unilevel={"compression": "none", "rates": ["10%", "5%"]})
    honest = evaluate_sale(compiled, team({"a": None}), Activity(compiled), sale(1, "a", 1000))
    false = evaluate_sale(compiled, team({"a": None, "b": "a"}), Activity(compiled), sale(1, "b", 1000))
    assert total(false) > total(honest)


@given(st.integers(0, 400), st.integers(0, 400), st.integers(1, 9), st.integers(0, 9))
def test_cycles_counted_at_once_are_those_counted_one_by_one(left, right, weak, more) -> None:
    """[R-PLAN-19]"""
    strong = weak + more
    expected, rest = 0, [left, right]
    while max(rest) >= strong and min(rest) >= weak:
        large = 0 if rest[0] >= rest[1] else 1
        rest[large] -= strong
        rest[1 - large] -= weak
        expected += 1
    assert cycles(left, right, strong, weak) == (expected, *rest)


def test_cycles_of_great_volumes_take_no_time() -> None:
    times, left, right = cycles(10**15, 10**15 + 7, 2, 1)
    assert times == 2 * (10**15 * 2 + 7) // 6 and left + right < 6


@given(st.integers(1, 10**18))
def test_the_binary_logarithm_is_right_to_its_last_bits(number) -> None:
    """[R-PLAN-24]"""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(number).ln() / Decimal(2).ln() * 2**64
        assert -1 < exact - binary_log(number) < 4


@given(st.lists(st.integers(0, 5), max_size=8), st.integers(0, 30))
def test_units_come_back_from_the_last_awards(amounts, most) -> None:
    """[R-PLAN-21]"""
    left = trimmed(amounts, most)
    assert sum(left) == min(sum(amounts), most)
    assert all(0 <= now <= before for now, before in zip(left, amounts, strict=True))
    whole = [before for before in amounts if before]
    if 0 <= sum(amounts) - most <= len(whole):  # at most one of each: the last ones
        over = sum(amounts) - most
        assert [now for now, before in zip(left, amounts, strict=True) if before] == [
            before - (place >= len(whole) - over) for place, before in enumerate(whole)
        ]


@given(st.integers(0, 40_000), st.integers(0, 40_000), st.integers(1, 20_000))
@example(own=1, below=19_997, more=5)
def test_no_unit_is_worth_buying_to_reach_a_bracket(own, below, more) -> None:
    """The default plan has no cliff: what a further purchase brings is at most the top rate of it, and less than a unit
    where the award was too small before to be one."""
    compiled, tree = plan(**DEFAULT), team({"a": None, "b": "a"})

    def earns(amount: int) -> Fraction:
        return _exact(closed(compiled, tree, [sale(1, "a", amount), sale(2, "b", below)]), {"a"})

    before = earns(own)
    assert earns(own + more) - before <= Fraction(more, 5) + (0 if before else 1)
