"""Worked examples of published plans and public test suites, as plan, tree and sales of the calculator.

Each has the name it is known by and its source. `reading` says how it was read where the source leaves something open.
Figures are what the source states (or derives, where `reading` says so): nothing here was computed by this project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

# What test plans switch off: the examples have no outside buyers, no history and no holds.
OPEN: Final = {
    "r2": False,
    "r5": False,
    "r6": False,
    "r8": False,
    "r19": False,
    "unit": "ref",
    "currency": "EUR",
}
LEGS: Final = {"legs": 2}
BINARY: Final = {**OPEN, "team": LEGS, "maximum": "0.5", "cap_company": "0.5"}


@dataclass(frozen=True)
class Example:
    """One example.

    Attributes:
        awards: what each award comes to, as (to, level) or to -> amount; exactly these exist.
        state: carry, by member, after the last period.
    """

    name: str
    source: str
    plan: Mapping[str, Any]
    tree: Mapping[str, Any] | None
    sales: Sequence[Mapping[str, Any]]
    totals: Mapping[str, str] = field(default_factory=dict)
    carry: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    awards: Sequence[tuple[str, int, str]] | None = None
    reading: str = ""


def placed(parent: str, leg: str) -> dict[str, Any]:
    return {"sponsor": parent, "placement": {"parent": parent, "leg": leg}}


def two_legs(top: str, **more: Any) -> dict[str, Any]:
    return {top: {**more}, "L": placed(top, "left"), "R": placed(top, "right")}


def sold(referrer: str, amount: str, **more: Any) -> dict[str, Any]:
    return {"referrer": referrer, "amount": amount, **more}


def chain(*names: str) -> dict[str, str]:
    """Each below the next; the last is the top."""
    return dict(zip(names, (*names[1:], ""), strict=True))


MLMFORGE: Final = "github.com/mheuss/mlmforge"
ENGINE: Final = "github.com/chocoalano/mlm-engine"
PAIRS: Final = {**BINARY, "binary": {"mode": "pairs", "weak": "100", "amount": "10", "after": "net_off"}}


def percent(after: str = "net_off", **more: Any) -> dict[str, Any]:
    return {**BINARY, "binary": {"mode": "percent", "steps": "10%", "after": after}, **more}


AMWAY: Final = {
    **OPEN,
    "volume": "points",
    "maximum": "21%",
    "differential": {
        "mode": "whole",
        "steps": [
            ["100", "3%"],
            ["300", "6%"],
            ["1000", "9%"],
            ["2000", "12%"],
            ["4000", "15%"],
            ["7000", "18%"],
            ["10000", "21%"],
        ],
    },
}


def amway(**points: str) -> list[dict[str, Any]]:
    return [sold(name, str(int(value) * 60), points=value) for name, value in points.items()]


STAIRSTEP: Final = {
    **OPEN,
    "share": "40%",
    "maximum": "1",
    "ranks": [{"name": name} for name in ("Member", "Bronze", "Silver", "Gold", "Platinum", "Diamond")],
}


def override(**more: Any) -> dict[str, Any]:
    rule = {"mode": "difference", "rank": "Gold", "generations": 1, "rates": {"Gold": "5%"}, **more}
    return {**STAIRSTEP, "override": rule}


LEADERS: Final = {"leader": {"sponsor": "upline", "rank": "Gold"}, "upline": {"rank": "Gold"}}
RANKED: Final = {
    **OPEN,
    "origin": "sponsor",
    "maximum": "1",
    "ranks": [{"name": "associate"}, {"name": "silver"}],
}
DIRECTORS: Final = {
    **OPEN,
    "origin": "sponsor",
    "maximum": "20%",
    "ranks": [{"name": "director"}],
}
MATRIX: Final = {**OPEN, "origin": "sponsor", "team": {"legs": 3}, "maximum": "1"}
CBAR: Final = chain("C", "B", "A", "R")
TIERS: Final = {**OPEN, "maximum": "20%"}


def directors(count: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"0": {"rank": "director"}}
    for number in range(1, count):
        tree[str(number)] = {"sponsor": str(number - 1)}
        if number in (2, 4):
            tree[str(number)]["rank"] = "director"
    return tree


EXAMPLES: Final = (
    Example(
        "binary_pairs_carry_two_months",
        f"{ENGINE} tests/BinaryPairingStrategyTest.php pairs_form_at_the_run_close...",
        PAIRS,
        two_legs("P"),
        [sold("L", "250", period=1), sold("R", "120", period=1), sold("R", "180", period=2)],
        {"P": "20"},
        {"P": {"left": "50", "right": "100"}},
        [("P", 1, "10"), ("P", 1, "10")],
        reading="one pair in each month; the state after the first is its own case below",
    ),
    Example(
        "binary_pairs_carry_two_months, first",
        f"{ENGINE} tests/BinaryPairingStrategyTest.php pairs_form_at_the_run_close...",
        PAIRS,
        two_legs("P"),
        [sold("L", "250", period=1), sold("R", "120", period=1)],
        {"P": "10"},
        {"P": {"left": "150", "right": "20"}},
    ),
    Example(
        "binary_net_off",
        f"{MLMFORGE} engine/network-engine/src/commission/binary.rs net_off_subtracts_matched_from_both_legs",
        percent(),
        two_legs("root"),
        [sold("L", "800"), sold("R", "300")],
        {"root": "30"},
        {"root": {"left": "500", "right": "0"}},
        reading="the payout is derived: 10 % of the weaker 300",
    ),
    Example(
        "binary_prior_carry",
        f"{MLMFORGE} binary.rs prior_carry_forward_adds_to_current_volume",
        percent(),
        two_legs("root", carry={"left": "300", "right": "400"}),
        [sold("L", "200"), sold("R", "100")],
        {"root": "50"},
        reading="the sales are the new volumes, 200 and 100; the 500 of each leg are the sums with the carry",
    ),
    Example(
        "binary_balanced_flush",
        f"{MLMFORGE} binary.rs balanced_legs_weaker_leg_full_flush",
        percent("flush"),
        two_legs("root"),
        [sold("L", "500"), sold("R", "500")],
        {"root": "50"},
        {"root": {"left": "0", "right": "0"}},
    ),
    Example(
        "binary_cycle_200_200_cv100",
        "hbn.zendesk.com article 360022275091 'What Is The Team Bonus (1 Cycle)?'",
        {
            **BINARY,
            "binary": {
                "mode": "cycles",
                "strong": "200",
                "weak": "200",
                "steps": [["100", "12%"]],
                "after": "net_off",
            },
        },
        two_legs("exec"),
        [sold("exec", "100"), sold("L", "200"), sold("R", "200")],
        {"exec": "24"},
        {"exec": {"left": "0", "right": "0"}},
        reading="100 is the executive's own volume, which earns 12 % of the cycle's 200",
    ),
    Example(
        "binary_period_cap",
        f"{MLMFORGE} binary.rs over_cap_clamped",
        percent(cap_member="25"),
        two_legs("root"),
        [sold("L", "500"), sold("R", "500")],
        {"root": "25"},
    ),
    Example(
        "binary_two_pairs",
        f"{ENGINE} tests/BinaryPairingStrategyTest.php",
        PAIRS,
        two_legs("P"),
        [sold("L", "350"), sold("R", "270")],
        {"P": "20"},
        {"P": {"left": "150", "right": "70"}},
    ),
    Example(
        "binary_two_periods_carry_forward",
        f"{MLMFORGE} content/guides/binary.md",
        percent("carry"),
        {
            "You": "",
            "L1": placed("You", "left"),
            "R1": placed("You", "right"),
            "L2": placed("L1", "left"),
            "L3": placed("L1", "right"),
            "R2": placed("R1", "left"),
            "R3": placed("R1", "right"),
        },
        [
            sold("L2", "100", period=1),
            sold("L3", "100", period=1),
            sold("R2", "300", period=1),
            sold("R3", "200", period=1),
            sold("L1", "400", period=2),
            sold("R1", "100", period=2),
        ],
        awards=[
            ("You", 1, "20"),
            ("L1", 1, "10"),
            ("R1", 1, "20"),
            ("You", 1, "40"),
        ],
        carry={"You": {"left": "0", "right": "0"}},
        reading="the volumes of the second period are sold by L1 and R1; L1 and R1 match their own legs in the first, "
        "which the guide does not speak of",
    ),
    Example(
        "binary_pair_12_5",
        f"{ENGINE} tests/BinaryPairingStrategyTest.php",
        {**BINARY, "binary": {"mode": "pairs", "weak": "100", "amount": "12.5", "after": "net_off"}},
        two_legs("P"),
        [sold("L", "330"), sold("R", "300")],
        {"P": "37.5"},
        {"P": {"left": "30", "right": "0"}},
    ),
    Example(
        "company_cap_pro_rata",
        f"{MLMFORGE} content/guides/fundamentals.md (cap 42 % of 1,000,000 against raw 480,000)",
        {
            **OPEN,
            "maximum": "42%",
            "cap_company": "42%",
            "unilevel": {"compression": "none", "rates": ["40%", "10%"], "when": "period"},
        },
        {"A": "", "B": "", "D": "", "C": "D", "E": ""},
        [sold("A", "2500"), sold("B", "250"), sold("C", "800000"), sold("E", "197250")],
        {"A": "875", "B": "87.5", "C": "280000", "D": "70000", "E": "69037.5"},
        reading="the source gives raw totals only; these sales have them: 1,000 and 100 of 480,000. It cuts by a "
        "rounded 12 % (880, 88); the exact cut is 12.5 %",
    ),
    Example(
        "mayflower_flat_override",
        "github.com/mayflower-systems/mayflower wiki Referral-Network-Diagrams",
        {**OPEN, "maximum": "1", "path": {"mode": "flat", "first": "10%", "depth": 2, "rest": True}},
        chain("Carol", "Bob", "Alice"),
        [sold("Carol", "100")],
        {"Carol": "80", "Bob": "10", "Alice": "10"},
    ),
    Example(
        "generation_cap_2",
        f"{MLMFORGE} engine/network-engine/src/commission/generation.rs max_generations_caps_walk",
        {
            **DIRECTORS,
            "generation": {"boundary": "threshold", "rank": "director", "rates": ["10%", "6%"]},
        },
        directors(6),
        [sold("5", "100")],
        {"4": "10", "2": "6"},
        awards=[("4", 1, "10"), ("2", 2, "6")],
        reading="a plan of two generations has two rates; the third of the source is never used",
    ),
    Example(
        "generation_three_directors",
        f"{MLMFORGE} generation.rs multiple_boundaries_threshold_mode",
        {
            **DIRECTORS,
            "generation": {"boundary": "threshold", "rank": "director", "rates": ["10%", "6%", "4%"]},
        },
        directors(7),
        [sold("6", "200")],
        {"4": "20", "2": "12", "0": "8"},
    ),
    Example(
        "dynamic_compression_generous",
        "mlmsoftwaremanual.com 'Dynamic Compression Option'",
        {
            **OPEN,
            "origin": "sponsor",
            "maximum": "40%",
            "ranks": [{"name": name} for name in ("3", "4", "5", "6")],
            "unilevel": {
                "compression": "dynamic",
                "rates": {str(2 + depth): ["10%"] * depth for depth in (1, 2, 3, 4)},
            },
        },
        {
            "H": {"sponsor": "G"},
            "G": {"sponsor": "F", "rank": "6"},
            "F": {"sponsor": "E", "rank": "3"},
            "E": {"sponsor": "D"},
            "D": {"sponsor": "C", "rank": "6"},
            "C": {"sponsor": "B", "rank": "4"},
            "B": {"sponsor": "A", "rank": "6"},
            "A": {"sponsor": "Top", "rank": "6"},
            "Top": {},
        },
        [sold("H", "100")],
        awards=[("G", 1, "10"), ("D", 2, "10"), ("B", 3, "10"), ("A", 4, "10")],
        reading="the source says levels, not amounts: each level pays 10 % here; title 0 is no rank",
    ),
    Example(
        "matrix_rounds_to_zero_drops_award",
        f"{ENGINE} tests/MatrixCommissionStrategyTest.php a_depth_whose_award_rounds_to_zero_earns_nothing",
        {
            **MATRIX,
            "unit": {"name": "ref", "exponent": 6},
            "rounding": "half_even",
            "maximum": "0.000003",
            "matrix": {"height": 2, "rates": ["0.000002", "0.000001"]},
        },
        CBAR,
        [sold("C", "0.4")],
        {"B": "0.000001"},
        reading="the maximum is the sum of the rates: 0.0000012, which the one rounded unit stays below",
    ),
    Example(
        "matrix_fixed_gap",
        f"{ENGINE} same test: a_gap_in_the_depths_is_kept_not_compressed",
        {**MATRIX, "matrix": {"height": 2, "amounts": ["0", "5"], "least": "100"}},
        CBAR,
        [sold("C", "150")],
        {"A": "5"},
        reading="fixed amounts need a least sale to be bounded; 100 as in matrix_fixed_depths",
    ),
    Example(
        "matrix_fixed_depths",
        f"{ENGINE} tests/MatrixCommissionStrategyTest.php",
        {**MATRIX, "matrix": {"height": 4, "amounts": ["10", "5", "2", "1"], "least": "100"}},
        CBAR,
        [sold("C", "150")],
        {"B": "10", "A": "5", "R": "2"},
    ),
    Example(
        "tapfiliate_relative_mlm_angela",
        "support.tapfiliate.com article 1706768",
        {**OPEN, "maximum": "13%", "unilevel": {"compression": "none", "rates": ["10%", "2%", "1%"]}},
        chain("Jim", "Angela", "Betty", "Johnny"),
        [sold("Angela", "100")],
        {"Angela": "10", "Betty": "2", "Johnny": "1"},
    ),
    Example(
        "darpa_recursive_incentive",
        "New Scientist 2009-12-09 dn18260; govtech.com (MIT team)",
        {**OPEN, "maximum": "1", "path": {"mode": "geometric", "first": "50%", "ratio": "50%"}},
        None,
        [{"path": ["finder", "ref1", "ref2", "ref3"], "amount": "4000"}],
        {"finder": "2000", "ref1": "1000", "ref2": "500", "ref3": "250"},
        reading="what remains (250, to charity there) stays with the issuer",
    ),
    Example(
        "matrix_refund_clawback",
        f"{ENGINE} same test: a_later_reversal_claws_matrix_commissions_back",
        {**MATRIX, "matrix": {"height": 2, "amounts": ["10", "5"], "least": "100"}},
        CBAR,
        [sold("C", "150", id="s"), {"refund_of": "s"}],
        {"B": "0", "A": "0"},
        awards=[("B", 1, "10"), ("A", 2, "5"), ("B", 1, "-10"), ("A", 2, "-5")],
    ),
    Example(
        "stairstep_min_override",
        f"{MLMFORGE} engine/network-engine/src/commission/stairstep.rs min_override_floor_applied",
        override(floor="2%"),
        LEADERS,
        [sold("leader", "300")],
        {"upline": "2.4"},
        reading="both have the breakaway rank, so the difference is 0 and the floor of 2 % pays",
    ),
    Example(
        "amway_india_eg2_differential",
        "issuu.com/djatb/docs/asmp_brochure-final_production (Amway India Sales & Marketing Plan), E.g. 2",
        AMWAY,
        {"You": "", "A": "You", "B": "You", "C": "You", "D": "You"},
        amway(You="300", A="300", B="300", C="300", D="300"),
        {"You": "3780", "A": "1080", "B": "1080", "C": "1080", "D": "1080"},
        reading="the brochure gives 4,320 for the four together",
    ),
    Example(
        "stairstep_gen1_min",
        f"{MLMFORGE} stairstep.rs generation_overrides_multi_breakaway: node1 on node3",
        override(floor="2%"),
        LEADERS,
        [sold("leader", "300")],
        {"upline": "2.4"},
    ),
    Example(
        "stairstep_breakaway_guide",
        f"{MLMFORGE} content/guides/stairstep.md",
        {
            **override(floor="1%", rates={"Gold": "5%", "Platinum": "7%", "Diamond": "9%"}),
            "origin": "sponsor",
            "unilevel": {"compression": "none", "rates": ["5%"] * 6, "stop": "Gold"},
        },
        {
            "Carol": {"sponsor": "Mike"},
            "Mike": {"sponsor": "Sam", "rank": "Member"},
            "Sam": {"sponsor": "Gina", "rank": "Silver"},
            "Beth": {"sponsor": "Gina", "rank": "Bronze"},
            "Gina": {"sponsor": "Pat", "rank": "Gold"},
            "Pat": {"sponsor": "Dan", "rank": "Platinum"},
            "Dan": {"rank": "Diamond"},
        },
        [sold("Carol", "300"), sold("Beth", "200")],
        {"Mike": "6", "Sam": "6", "Gina": "10", "Pat": "4"},
    ),
    Example(
        "personal_bonus_600pv_09",
        "fliphtml5.com/lgdvb/rpfv NEW_COMP_PLAN_Aug_21_2023_VBO_ENG p.8",
        {
            **TIERS,
            "maximum": "25%",
            "differential": {
                "mode": "whole",
                "steps": [
                    ["200", "3%"],
                    ["400", "6%"],
                    ["600", "9%"],
                    ["1000", "12%"],
                    ["1400", "15%"],
                    ["2200", "18%"],
                    ["3600", "22%"],
                    ["5000", "25%"],
                ],
            },
        },
        {"BA": ""},
        [sold("BA", "600")],
        {"BA": "54"},
    ),
    Example(
        "stairstep_fixed_override",
        f"{MLMFORGE} stairstep.rs fixed_override_basic",
        override(mode="fixed", rates={"Gold": "8%"}),
        LEADERS,
        [sold("leader", "300")],
        {"upline": "9.6"},
    ),
    Example(
        "amway_india_eg3_differential",
        "issuu.com/djatb/docs/asmp_brochure-final_production (Amway India Sales & Marketing Plan), E.g. 3",
        AMWAY,
        {"X": "", "A": "X", "B": "X", "C": "X", "D": "X"},
        amway(X="1000", A="2000", B="2000", C="1000", D="4000"),
        {"A": "14400", "B": "14400", "C": "5400", "D": "36000", "X": "55800"},
        reading="the volumes of A to D are of their whole groups: here each sold them alone",
    ),
    Example(
        "tiered_marginal_5000",
        "gist.github.com/richardlawrence/1138036",
        {**TIERS, "tiers": {"mode": "marginal", "steps": [["0", "10%"], ["5000", "12%"]], "when": "period"}},
        {"seller": ""},
        [sold("seller", "5000")],
        {"seller": "500"},
    ),
    Example(
        "oracle_step_rates_individual",
        "docs.oracle.com Incentive Compensation 'Examples of Calculating Earnings Using Step Rates'",
        {
            **TIERS,
            "tiers": {
                "mode": "marginal",
                "steps": [["0", "1%"], ["1000", "2%"], ["3000", "3%"], ["8000", "5%"]],
            },
        },
        {"p": ""},
        [sold("p", amount) for amount in ("200", "300", "1500", "1200", "2000", "4500")],
        {"p": "164"},
        awards=[("p", 1, "2"), ("p", 1, "3"), ("p", 2, "20"), ("p", 2, "14"), ("p", 2, "30"), ("p", 3, "95")],
        reading="a tier is [upper end, rate]; each transaction goes through the steps by itself",
    ),
    Example(
        "tiered_whole_sale_75",
        "pastebin.com/F832AA6M",
        {**TIERS, "tiers": {"mode": "whole", "steps": [["0", "10%"], ["50", "15%"], ["100", "20%"]]}},
        {"aff": ""},
        [sold("aff", "75")],
        {"aff": "11.25"},
    ),
    Example(
        "tiered_marginal_6000",
        "gist.github.com/richardlawrence/1138036",
        {**TIERS, "tiers": {"mode": "marginal", "steps": [["0", "10%"], ["5000", "12%"]], "when": "period"}},
        {"seller": ""},
        [sold("seller", "6000")],
        {"seller": "620"},
    ),
    Example(
        "unilevel_test_three_node",
        f"{MLMFORGE} engine/network-engine/src/commission/unilevel.rs basic_walk_three_node_chain",
        {
            **RANKED,
            "share": "40%",
            "unilevel": {
                "compression": "none",
                "rates": {"associate": ["5%"], "silver": ["7%", "6%"]},
            },
        },
        {"3": "2", "2": {"sponsor": "1", "rank": "associate"}, "1": {"rank": "silver"}},
        [sold("3", "100")],
        {"2": "2", "1": "2.4"},
    ),
    Example(
        "infinite_depth_5pct_daily",
        "github.com/bocyn/anyforsoft tests/test_engine.py test_multi_level",
        {
            **OPEN,
            "origin": "sponsor",
            "share": "1/30",
            "rounding": "half_even",
            "maximum": "1",
            "unilevel": {"compression": "none", "rates": ["5%"], "depth": 20, "when": "period"},
        },
        chain("3", "2", "1"),
        [sold("1", "3000"), sold("2", "6000"), sold("3", "9000")],
        {"1": "25", "2": "15"},
        reading="unlimited depth has no bound: 20 levels of 5 % come to the whole; one day is a thirtieth",
    ),
    Example(
        "unilevel_test_multiplier_fallback_0_75",
        f"{MLMFORGE} unilevel.rs walk_multiplier_falls_back_to_plan_level",
        {**RANKED, "share": "30%", "unilevel": {"compression": "none", "rates": {"silver": ["7%"]}}},
        {"2": "1", "1": {"rank": "silver"}},
        [sold("2", "100")],
        {"1": "2.1"},
        reading="broad commission 0.40 and multiplier 0.75 are one share of the net price: 0.30",
    ),
    Example(
        "unilevel_test_formula_multiplier_0_8",
        f"{MLMFORGE} unilevel.rs walk_dollar_amount_formula",
        {**RANKED, "share": "40%", "unilevel": {"compression": "none", "rates": {"silver": ["7%"]}}},
        {"2": "1", "1": {"rank": "silver"}},
        [sold("2", "200")],
        {"1": "5.6"},
        reading="0.50 x 0.80 is one share: 0.40",
    ),
)
