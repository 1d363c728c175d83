"""Which plans are void: their terms, and what they pay at most; sections 26.1 and 26.4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from netnode.conformance.faults import demand

Map = dict[str, Any]

FAMILIES: Final = (
    "differential", "override", "unilevel", "matrix", "generation", "infinity", "fast_start", "tiers", "path",
    "binary", "cdrm", "pool", "matching",
)  # fmt: skip
"""In the order of their awards [R-PLAN-21]."""
CLOSING: Final = ("differential", "override", "binary", "cdrm", "pool")
"""Families that are evaluated at the close alone."""
_REFUSED: Final = ("board", "monoline", "enrolment")
_ABSENT: Final[Mapping[str, Any]] = {
    "active": 0, "currencies": [], "grace": 0, "hold_days": 30, "idle_periods": 6, "joining": 0, "kit_cost": 0,
    "kits": [], "log_days": 14, "notice_days": 30, "origin": "referrer", "outside_full": [4, 5],
    "outside_least": [7, 10], "pay_on": "amount", "personal": 0, "personal_free": False, "rank_used": "paid_as",
    "ranks": [], "rounding": "down", "share": [1, 1], "unlock_buyers": 10, "volume": "amount",
    **{family: [] for family in (*FAMILIES, *_REFUSED)},
}  # fmt: skip


def complete(plan: Map) -> Map:
    """A plan with the values that stand for absent fields [R-PLAN-1]."""
    return {**_ABSENT, **plan}


def rate_of(pair: list[int]) -> Fraction:
    """A rate [R-PLAN-1]."""
    return Fraction(pair[0], pair[1])


def rules_of(plan: Map) -> Iterator[tuple[str, Map]]:
    """(family, rule), in the order of their awards."""
    for family in FAMILIES:
        for rule in plan[family]:
            yield family, rule


def closes(family: str, rule: Map) -> bool:
    """Whether a rule is evaluated at the close; else by sale."""
    return family in CLOSING or rule.get("when") == "period"


def rank_of(plan: Map, name: str) -> int:
    """The number of a rank, from 0 on; ranks rise."""
    return [rank["name"] for rank in plan["ranks"]].index(name)


def levels_of(plan: Map, rule: Map, rank: int) -> list[Fraction]:
    """The rates of a rank (-1: none), from level 1 on: its row's, or the next lower row's [R-PLAN-19]."""
    found: list[Fraction] = []
    best = -2
    for row in rule["rates"]:
        number = rank_of(plan, row["rank"]) if "rank" in row else -1
        if best < number <= rank:
            best, found = number, [rate_of(rate) for rate in row["rates"]]
    if found and "depth" in rule:
        found = (found + [found[-1]] * rule["depth"])[: max(rule["depth"], 0)]
    return found


def rate_at(plan: Map, rule: Map, rank: int, level: int) -> Fraction:
    """rate(rank, level) [R-PLAN-19]."""
    found = levels_of(plan, rule, rank)
    return found[level - 1] if 1 <= level <= len(found) else Fraction(0)


def scale(plan: Map) -> Fraction | None:
    """Base for one unit of volume; None where the two count different things."""
    if plan["volume"] != plan["pay_on"]:
        return None
    worth = rate_of(plan["point_value"]) if plan["pay_on"] == "points" else Fraction(1)
    return worth * rate_of(plan["share"])


def longest(plan: Map, rule: Map) -> int:
    """The deepest level that some rank has a rate of."""
    return max(len(levels_of(plan, rule, rank)) for rank in range(-1, len(plan["ranks"])))


def _by_level(plan: Map, rule: Map, levels: int) -> Fraction:
    ranks = range(-1, len(plan["ranks"]))
    return sum(
        (max(rate_at(plan, rule, rank, level) for rank in ranks) for level in range(1, levels + 1)),
        Fraction(0),
    )


def _path(rule: Map) -> Fraction | None:
    first = rate_of(rule["first"])
    ratio = rate_of(rule["ratio"]) if rule["mode"] == "geometric" else Fraction(1)
    if "depth" in rule:
        total = sum((first * ratio**step for step in range(rule["depth"])), Fraction(0))
    elif ratio < 1:
        total = first / (1 - ratio)
    else:
        return None
    return max(total, Fraction(1)) if rule.get("rest", False) else total


def _matrix(plan: Map, rule: Map) -> Fraction | None:
    if "rates" in rule:
        return sum(map(rate_of, rule["rates"][: rule["height"]]), Fraction(0))
    worth = scale(plan)
    least = rule.get("least", 0)
    return Fraction(sum(rule["amounts"][: rule["height"]])) / (least * worth) if worth and least else None


def bound_of(plan: Map, family: str, rule: Map) -> Fraction | None:
    """What a rule pays of a base at most; None: without bound [R-PLAN-19]."""
    match family:
        case "differential" | "tiers":
            highest: Fraction = max(rate_of(step["rate"]) for step in rule["steps"])
            return highest
        case "override":
            if rule["mode"] == "fixed":
                return _by_level(plan, rule, rule["generations"])
            generations: int = rule["generations"]
            return _by_level(plan, rule, 1) + generations * rate_of(rule.get("floor", [0, 1]))
        case "unilevel" | "fast_start":
            return _by_level(plan, rule, longest(plan, rule))
        case "matrix":
            return _matrix(plan, rule)
        case "generation":
            if rule["boundary"] == "threshold":
                return _by_level(plan, rule, longest(plan, rule))
            ranks = range(rank_of(plan, rule["rank"]), len(plan["ranks"]))
            return sum((sum(levels_of(plan, rule, rank), Fraction(0)) for rank in ranks), Fraction(0))
        case "infinity":
            return sum((rate_at(plan, rule, rank, 1) for rank in range(len(plan["ranks"]))), Fraction(0))
        case "path":
            return _path(rule)
        case "cdrm":
            return rate_of(rule["phi"])
        case "pool":
            return rate_of(rule["share"])
        case "matching":
            named = [bound_of(plan, *each) for each in rules_of(plan) if each[1]["name"] in rule["of"]]
            if None in named:
                return None
            matched: Fraction = sum(filter(None, named), Fraction(0))
            return _by_level(plan, rule, longest(plan, rule)) * matched
    return None  # binary


def bounds(plan: Map) -> tuple[Fraction | None, Fraction | None]:
    """What rules by sale, and rules at the close, pay at most; None: without bound [R-PLAN-5]."""
    sums: list[Fraction | None] = [Fraction(0), Fraction(0)]
    for family, rule in rules_of(plan):
        at, more = int(closes(family, rule)), bound_of(plan, family, rule)
        known = sums[at]
        sums[at] = None if known is None or more is None else known + more
    cap = plan.get("cap_company")
    if cap is not None:
        sums[1] = rate_of(cap) if sums[1] is None else min(rate_of(cap), sums[1])
    return sums[0], sums[1]


def check(plan: Map) -> None:
    """A plan that pays [R-PLAN-2].

    Args:
        plan: complete.

    Raises:
        Fault: `plan_refused`, `plan_joining`, `plan_terms`, `plan_unbounded`.
    """
    demand(not any(plan[family] for family in _REFUSED), "plan_refused")
    demand(plan["joining"] <= plan["kit_cost"], "plan_joining")
    for held, text in _terms(plan):
        demand(held, "plan_terms", text)
    by_sale, at_close = bounds(plan)
    demand(by_sale is not None and at_close is not None, "plan_unbounded", "no bound")
    total = (by_sale or 0) + (at_close or 0)
    demand(total <= rate_of(plan["maximum"]), "plan_unbounded", "above its maximum")


def _terms(plan: Map) -> Iterator[tuple[bool, str]]:
    """[R-PLAN-6] [R-PLAN-7]."""
    rules = list(rules_of(plan))
    names = [rule["name"] for _, rule in rules]
    yield bool(names), "no rule"
    yield len(set(names)) == len(names), "a name twice"
    yield _named(plan) <= {rank["name"] for rank in plan["ranks"]}, "a rank"
    for name in ("maximum", "share", "outside_full", "outside_least", "cap_company"):
        yield rate_of(plan.get(name, [0, 1])) <= 1, name
    if "duty" in plan:
        yield rate_of(plan["duty"]["withheld"]) <= 1 and set(plan["duty"]["rules"]) <= set(names), "duty"
    yield rate_of(plan["outside_least"]) <= rate_of(plan["outside_full"]), "outside_least"
    yield ("point_value" in plan) == (plan["pay_on"] == "points"), "point_value"
    currencies = [each["currency"] for each in plan["currencies"]]
    yield len(set(currencies)) == len(currencies), "a currency twice"
    yield bool(currencies) or (plan["volume"], plan["pay_on"]) == ("points", "points"), "currencies"
    teamless = all(family in ("path", "tiers") for family, _ in rules)
    yield "team" in plan or teamless, "no team"
    legs = plan.get("team", {}).get("legs", 0)
    yield legs >= 1 or not plan["matrix"], "no places"
    yield legs >= 2 or not plan["binary"], "no legs"
    by_sale = any(not closes(family, rule) for family, rule in rules)
    yield not by_sale or not ({"cap_member", "cap_company"} & plan.keys()), "a cap by sale"
    for family, rule in rules:
        yield not ({"only", "turns"} & rule.keys()) or not closes(family, rule), "only, turns"
        yield from _rule(plan, family, rule)


def _named(plan: Map) -> set[str]:
    """All ranks that a plan names."""
    found = {leader["rank"] for rank in plan["ranks"] for leader in rank.get("leaders", [])}
    for family, rule in rules_of(plan):
        found |= {rule[field] for field in ("rank", "stop", "breakaway") if field in rule}
        if family != "matrix":
            found |= {row["rank"] for row in rule.get("rates", []) if "rank" in row}
    return found


def _rule(plan: Map, family: str, rule: Map) -> Iterator[tuple[bool, str]]:
    steps = rule.get("steps", [])
    yield all(low["at"] < high["at"] for low, high in pairwise(steps)), "steps"
    if "rates" in rule and family != "matrix":
        rows = [row.get("rank") for row in rule["rates"]]
        yield len(set(rows)) == len(rows), "a row twice"
    match family:
        case "differential":
            rising = all(rate_of(low["rate"]) <= rate_of(high["rate"]) for low, high in pairwise(steps))
            yield rising, "rates fall"
        case "unilevel":
            yield ("rank" in rule) == (rule["compression"] == "rank"), "rank"
            yield rule.get("depth", 1_000) >= max(len(row["rates"]) for row in rule["rates"]), "depth"
        case "matrix":
            yield ("rates" in rule) != ("amounts" in rule), "rates or amounts"
        case "path":
            yield ("ratio" in rule) == (rule["mode"] == "geometric"), "ratio"
            yield rate_of(rule.get("ratio", [0, 1])) < 1, "ratio"
            yield "depth" in rule or rule["mode"] == "geometric", "depth"
        case "cdrm":
            yield rate_of(rule["theta"]) <= rate_of(rule["phi"]) <= 1, "theta"
        case "infinity":
            yield all("rank" in row and len(row["rates"]) == 1 for row in rule["rates"]), "rows"
        case "binary":
            yield from _binary(plan, rule)
        case "matching":
            others = {
                each["name"]: closes(other, each) for other, each in rules_of(plan) if other != "matching"
            }
            mine = closes(family, rule)
            yield all(others.get(name) is mine for name in rule["of"]), "of"


def _binary(plan: Map, rule: Map) -> Iterator[tuple[bool, str]]:
    mode = rule["mode"]
    yield ("steps" in rule) != ("amount" in rule), "steps or amount"
    yield "amount" not in rule or mode in ("pairs", "cycles"), "amount"
    yield ("weak" in rule) == (mode != "percent"), "weak"
    yield ("strong" in rule) == (mode in ("cycles", "ratio")), "strong"
    yield 1 <= rule.get("weak", 1) <= rule.get("strong", rule.get("weak", 1)), "weak, strong"
    yield "carry_cap" not in rule or rule["after"] == "carry", "carry_cap"
    yield plan["volume"] == plan["pay_on"], "volume"
