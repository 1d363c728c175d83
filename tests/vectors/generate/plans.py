"""Makes tests/vectors/plans.json: plans with trees and sales, and the awards that they come to."""

from __future__ import annotations

from typing import Any, Final

from netnode.plans.reading import plan_from
from protocol.errors import Void
from protocol.plans.activity import Activity
from protocol.plans.document import compile_plan
from protocol.plans.evaluate import evaluate_period, evaluate_sale
from protocol.plans.facts import Award, SaleFacts
from protocol.records import decode_record, encode_record
from protocol.records.plan import Plan
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Plans (chapter 26). `plan`: its record in hex. Members, each below one that stands before it: [name, sponsor or "
    "null, [parent, leg] or null]. Sales in their order, all of one period: {referrer, amount (minor units of the "
    "plan's unit), points (hundredths), buyer (a member or nobody of the team; absent: somebody else each time)}. "
    "`expected`: `sales`, the awards of each sale, then `close`, those of the period, as [recipient, rule, level, "
    "amount]; then `carry`, what the legs of a binary rule keep: name -> [left, right]. Or a code: the plan is void."
)
TIME: Final = 1_767_225_600_000  # 2026-01-01
OPEN: Final = {"r2": False, "r5": False, "r6": False, "r8": False, "r19": False}
CHAIN: Final = [["a", None, None], ["b", "a", ["a", 0]], ["c", "b", ["b", 0]], ["d", "c", ["c", 0]]]
FAN: Final = [
    ["a", None, None],
    ["b", "a", ["a", 0]],
    ["c", "a", ["a", 1]],
    ["d", "b", ["b", 0]],
    ["e", "b", ["b", 1]],
    ["f", "c", ["c", 0]],
    ["g", "f", ["f", 0]],
]
RANKS: Final = [
    {"name": "bronze", "own": "1"},
    {"name": "silver", "group": "20", "leg_cap": "60%"},
    {"name": "gold", "group": "60", "leaders": [{"rank": "silver", "legs": 1}], "active_legs": 1},
]
LEGS: Final = {"team": {"legs": 2}}
MARGINAL: Final = {"mode": "marginal", "steps": [["0", "5%"], ["10", "10%"], ["50", "15%"]]}
LEVELS: Final = {"compression": "none", "rates": ["10%", "5%", "0", "1/3"]}


def written(**fields: Any) -> str:
    """A plan's record in hex."""
    plan = {"title": "Plan", "unit": "ref", "currency": "EUR", "maximum": "1", **fields}
    return encode_record(plan_from(plan, "plan")).hex()


def sold(*amounts: tuple[str, int], **more: Any) -> list[dict[str, Any]]:
    """Sales by their referrers."""
    return [{"referrer": name, "amount": amount, **more} for name, amount in amounts]


ALL_SOLD: Final = sold(
    ("a", 1_000), ("b", 2_345), ("c", 999), ("d", 7_001), ("e", 0), ("f", 4_800), ("g", 333)
)


class Listed:
    """The members of a vector; implements `protocol.plans.facts.Team`."""

    def __init__(self, members: list[list[Any]]) -> None:
        self._sponsors = {name: sponsor for name, sponsor, _ in members}
        self._places = {name: place for name, _, place in members}

    def sponsor(self, person: str, at: int | None = None) -> str | None:
        return self._sponsors.get(person)

    def placement(self, person: str, at: int | None = None) -> tuple[str, int] | None:
        place = self._places.get(person)
        return None if place is None else (place[0], place[1])

    def member(self, person: str, at: int | None = None) -> bool:
        return person in self._sponsors

    def members(self, at: int | None = None) -> list[str]:
        return list(self._sponsors)

    def joined_ms(self, person: str, at: int | None = None) -> int | None:
        return TIME if person in self._sponsors else None


def evaluated(given: dict[str, Any]) -> dict[str, Any]:
    """What `protocol` makes of an input."""
    record = decode_record(Plan.KIND, bytes.fromhex(given["plan"]))
    assert isinstance(record, Plan)
    plan, team = compile_plan(record), Listed(given["members"])
    activity: Activity[str] = Activity(plan)
    sales = []
    for number, one in enumerate(given["sales"]):
        facts = SaleFacts(
            id=number,
            at=number,
            time=TIME,
            amount=one["amount"],
            points=one.get("points", 0),
            referrer=one["referrer"],
            buyer=one.get("buyer"),
            customer=one.get("buyer", number),
        )
        sales.append([told(award) for award in evaluate_sale(plan, team, activity, facts)])
        activity.take(facts, team)
    closed = evaluate_period(plan, team, activity, activity.period(TIME, len(sales)))
    legs = {name: state.carry for name, state in closed.states().items() if state.carry}
    return {
        "sales": sales,
        "close": [told(award) for award in closed.awards],
        "carry": {name: [int(each) for each in next(iter(carry.values()))] for name, carry in legs.items()},
    }


def told(award: Award[str]) -> list[Any]:
    """An award as a vector writes it."""
    return [award.to, award.rule, award.level, award.amount]


def _rows() -> list[tuple[str, str, str, list[list[Any]], list[dict[str, Any]]]]:
    """(name, comment, plan, members, sales)."""
    one = sold(("d", 1_000))
    gold = {"rates": {"bronze": ["5%"], "silver": ["5%", "4%"], "gold": ["5%", "4%", "3%"]}}
    binary = {"mode": "percent", "steps": "10%", "after": "net_off"}
    cycles = {"mode": "cycles", "strong": "12", "weak": "6", "amount": "1", "after": "net_off"}
    ratio = {"mode": "ratio", "strong": "2", "weak": "1", "steps": "10%", "after": "carry", "carry_cap": "9"}
    capped = {**LEGS, "cap_company": "3%"}
    return [
        ("unilevel", "levels with a gap and a third", written(unilevel=LEVELS, **OPEN), CHAIN, one),
        ("unilevel-sponsor", "level 1 is the sponsor", written(unilevel=LEVELS, origin="sponsor", **OPEN), CHAIN, one),
        ("unilevel-close", "at the close, summed", written(unilevel=LEVELS | {"when": "period"}, **OPEN),
         FAN, ALL_SOLD),
        ("inactive", "who is not active is passed over",
         written(unilevel=LEVELS | {"compression": "inactive", "when": "period"}, active="10", **OPEN), FAN, ALL_SOLD),
        ("dynamic", "ranks reached in the period",
         written(unilevel={"compression": "dynamic", "when": "period", **gold}, ranks=RANKS, **OPEN), FAN, ALL_SOLD),
        ("locked", "ten outside buyers are missing: the own level alone", written(unilevel=LEVELS), CHAIN, one),
        ("half-even", "rounded to even, and the last unit taken back",
         written(unilevel={"compression": "none", "rates": ["1.5%", "1.5%"]},
                 maximum="3%", rounding="half_even", **OPEN),
         CHAIN, sold(("d", 100))),
        ("inside", "a member's own purchase counts to nobody",
         written(unilevel=LEVELS, **{name: off for name, off in OPEN.items() if name != "r2"}),
         CHAIN, sold(("c", 1_000), buyer="d")),
        ("self", "a buyer's own link", written(unilevel=LEVELS, **OPEN), CHAIN, sold(("d", 1_000), buyer="d")),
        ("circle", "b's purchase leads to c, c's to d, and d's back to b: the last pays nobody",
         written(unilevel=LEVELS, **OPEN), CHAIN,
         [*sold(("c", 1_000), buyer="b"), *sold(("d", 2_000), buyer="c"), *sold(("b", 3_000), buyer="d"),
          *sold(("d", 4_000), buyer="c")]),
        ("marginal", "the default", written(differential=MARGINAL, **OPEN), FAN, ALL_SOLD),
        ("whole", "whole amounts with breakaway and override",
         written(differential={"mode": "whole", "steps": [["1", "3%"], ["20", "9%"], ["60", "12%"]],
                               "breakaway": "gold"},
                 override={"mode": "difference", "rank": "silver", "generations": 2, "floor": "1%",
                           "rates": {"silver": "4%", "gold": "5%"}}, ranks=RANKS, **OPEN), FAN, ALL_SOLD),
        ("points", "brackets by points, paid on amounts",
         written(differential=MARGINAL, volume="points", **OPEN), FAN,
         [one | {"points": 3_000 - one["amount"] // 7} for one in ALL_SOLD]),
        ("matrix", "amounts with a gap", written(matrix={"height": 3, "amounts": ["1", "0", "0.5"], "least": "10"},
                                                 **LEGS, **OPEN), CHAIN, sold(("d", 999), ("d", 1_000))),
        ("binary", "percent of the weak leg, cut to the company cap", written(binary=binary, **capped, **OPEN),
         FAN, ALL_SOLD),
        ("cycles", "the stronger decided anew each time", written(binary=cycles, **capped, **OPEN), FAN, ALL_SOLD),
        ("ratio", "two to one, what is kept capped", written(binary=ratio, **capped, **OPEN), FAN, ALL_SOLD),
        ("member-cap", "the rest is lost", written(binary=binary, cap_member="1", **capped, **OPEN), FAN, ALL_SOLD),
        ("generation", "by threshold, with matching",
         written(generation={"boundary": "threshold", "rank": "bronze", "rates": ["5%", "3%"], "when": "period"},
                 matching={"of": ["generation"], "rates": ["20%", "10%"], "when": "period"}, ranks=RANKS, **OPEN),
         FAN, ALL_SOLD),
        ("same-rank", "each rank counts its own",
         written(generation={"boundary": "same", "rank": "bronze", "rates": {"bronze": ["4%", "1%"], "silver": ["5%"]},
                             "when": "period"}, ranks=RANKS, **OPEN), FAN, ALL_SOLD),
        ("infinity", "until one of the same rank blocks",
         written(infinity={"rates": {"bronze": "2%", "silver": "3%"}, "when": "period", "start": 2},
                 ranks=RANKS, **OPEN),
         FAN, ALL_SOLD),
        ("fast-start", "sales of the first days", written(fast_start={"days": 1, "rates": ["2%", "1%"]}, **OPEN),
         CHAIN, one),
        ("pools", "by volume, and for a first time",
         written(pool=[{"rank": "silver", "share": "2%", "split": "group"},
                       {"name": "new", "rank": "bronze", "share": "1%", "new": True}], ranks=RANKS, **OPEN),
         FAN, ALL_SOLD),
        ("tiers", "marginal by sale, and by period",
         written(tiers=[{"mode": "marginal", "steps": [["0", "5%"], ["10", "7%"]]},
                        {"name": "month", "mode": "whole", "steps": [["20", "1%"]], "when": "period"}], **OPEN),
         FAN, ALL_SOLD),
        ("geometric", "halves without end", written(path={"mode": "geometric", "first": "50%", "ratio": "50%"}, **OPEN),
         CHAIN, one),
        ("rest", "what is left is the owner's", written(path={"mode": "flat", "first": "10%", "depth": 2, "rest": True},
                                                        **OPEN), CHAIN, one),
        ("cdrm-1", "by x and y", written(cdrm={"mode": 1, "phi": "20%", "theta": "15%"}, **OPEN), FAN, ALL_SOLD),
        ("cdrm-2", "with the logarithm", written(cdrm={"mode": 2, "phi": "20%", "theta": "20%"}, **OPEN),
         FAN, ALL_SOLD),
        ("board", "pays for recruiting", written(board={}, unilevel=LEVELS), CHAIN, one),
        ("joining", "more than the kit costs", written(joining="2", kit_cost="1", unilevel=LEVELS), CHAIN, one),
        ("unbounded", "binary without a company cap", written(binary=binary, **LEGS), FAN, ALL_SOLD),
        ("over", "more than its maximum", written(unilevel=LEVELS, maximum="48.33%"), CHAIN, one),
        ("falling", "rates of a differential that fall",
         written(differential={"mode": "marginal", "steps": [["0", "5%"], ["1", "4%"]]}), FAN, ALL_SOLD),
        ("order", "a cap that would depend on the order of sales", written(unilevel=LEVELS, cap_member="1"),
         CHAIN, one),
        ("no-legs", "a matrix without places", written(matrix={"height": 1, "rates": ["1%"]}), CHAIN, one),
    ]  # fmt: skip


def vectors() -> list[Vector]:
    """All vectors of the file."""
    found = []
    for name, comment, plan, members, sales in _rows():
        given = {"plan": plan, "members": members, "sales": sales}
        try:
            outcome: dict[str, Any] = {"expected": evaluated(given)}
        except Void as error:
            outcome = {"error": error.code}
        requirement = "R-PLAN-2..7" if "error" in outcome else "R-PLAN-10..21"
        found.append(vector(name, comment, requirement, given, **outcome))
    return found
