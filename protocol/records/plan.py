"""Record of a compensation plan: what a sale pays to whom [R-PLAN-1].

Rates are exact fractions, numerator and denominator: published plans have rates that no number of basis points meets
(a thirtieth of 5 %, two millionths). Volumes and amounts are integers: minor units of the plan's unit, or hundredths
of a point where the plan counts points. What the rules of a plan mean, and which plans are void, protocol.plans says.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import Count, Currency, Key, doc, malformed, one_line
from protocol.records.money import Per
from protocol.records.team import TeamRules, check_rules

Rate = tuple[
    Annotated[int, Meta(ge=0, le=limits.MAX_RATE_PART)], Annotated[int, Meta(ge=1, le=limits.MAX_RATE_PART)]
]
Name = Annotated[str, Meta(min_length=1, max_length=limits.MAX_RULE_NAME, pattern=r"^[a-z0-9][a-z0-9_-]*\Z")]
RankName = Annotated[str, Meta(min_length=1, max_length=limits.MAX_LABEL)]
Number = Annotated[int, Meta(ge=0, le=limits.MAX_RATE_PART)]
Depth = Annotated[int, Meta(ge=1, le=limits.MAX_TEAM_DEPTH)]
PlanDays = Annotated[int, Meta(ge=0, le=limits.MAX_PLAN_DAYS)]
When = Literal["period", "sale"]
Turns = Literal["all", "first", "renewal"]
Rates = Annotated[tuple[Rate, ...], Meta(min_length=1, max_length=limits.MAX_LEVELS)]
Only = Annotated[
    Annotated[tuple[Key, ...], Meta(min_length=1, max_length=limits.MAX_MEMBERS)] | UnsetType,
    doc("keys of the listings whose sales pay here; absent: all"),
]
_NAME = doc("what its awards call it; unique in the plan")
_TURNS = doc(
    "sales that pay here: all, those that are no renewals of a mandate, or renewals alone; absent: all"
)
_WHEN = doc(
    "evaluated for each sale, or once at the close, on the volumes of the period; absent: for each sale"
)


class Unit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What awards are counted in."""

    exponent: Annotated[Annotated[int, Meta(ge=0, le=9)], doc("decimal places: 2 for a hundredth part")]
    name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_UNIT)],
        doc("one line, unique with its issuer"),
    ]


class Exchange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A currency that the sales of a plan are in."""

    currency: Annotated[Currency, doc("ISO 4217 code")]
    rate: Annotated[Rate, doc("minor units of the plan's unit for one minor unit of the currency")]


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One bracket of a rising rate."""

    at: Annotated[Count, doc("volume from which on the rate holds")]
    rate: Annotated[Rate, doc("share of the commissionable amount")]


class RankRates(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the members of one rank earn, level by level."""

    rank: Annotated[
        RankName | UnsetType, doc("this rank and every higher one without a row; absent: everybody")
    ] = UNSET
    rates: Annotated[Rates, doc("the first is that of level 1; zero is a gap: a level that pays nobody")]


RateTable = Annotated[tuple[RankRates, ...], Meta(min_length=1, max_length=limits.MAX_RANKS)]
Steps = Annotated[tuple[Step, ...], Meta(min_length=1, max_length=limits.MAX_STEPS)]
_TABLE = doc("who earns what on which level")
_STEPS = doc("volumes and rates rise from step to step; below the first the rate is zero")


class Leaders(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number of legs with a member of some rank in each."""

    legs: Annotated[Number, doc("how many, each with one such member at least")]
    rank: Annotated[RankName, doc("or a higher one")]


class Rank(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rank, and what a member must have in a period to qualify. What is absent is not asked for."""

    active_legs: Annotated[Number, doc("legs with an active member in each; absent: 0")] = 0
    group: Annotated[
        Count, doc("volume of the member and all below, each leg up to `leg_cap`; absent: 0")
    ] = 0
    leaders: Annotated[
        Annotated[tuple[Leaders, ...], Meta(max_length=limits.MAX_RANKS)],
        doc("legs with leaders in them; absent: none"),
    ] = ()
    leg_cap: Annotated[Rate, doc("share of `group` that one leg counts for at most; absent: all of it")] = (
        1,
        1,
    )
    name: Annotated[RankName, doc("one line; ranks rise in the order they are listed")]
    outside_buyers: Annotated[
        Number, doc("different buyers outside the team, of the member's own sales; absent: 0")
    ] = 0
    outside_volume: Annotated[
        Count, doc("volume of the member's own sales to buyers outside the team; absent: 0")
    ] = 0
    own: Annotated[Count, doc("volume of the member's own sales; absent: 0")] = 0


class DutyTerms(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Awards that a member earns by a leg only where its duties to the head of that leg are done."""

    rules: Annotated[
        Annotated[tuple[Name, ...], Meta(min_length=1, max_length=limits.MAX_RULES)],
        doc("names of the rules"),
    ]
    withheld: Annotated[
        Rate, doc("share that goes to who did the duty instead; where nobody did, the issuer keeps it")
    ]


class Differential(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Per period: the rate of the group's volume on the group, less what each leg's own volume comes to."""

    breakaway: Annotated[RankName | UnsetType, doc("a leg whose head has this rank counts no more")] = UNSET
    mode: Annotated[
        Literal["marginal", "whole"],
        doc("each step's rate on the volume within it, or the rate of the step reached on the whole"),
    ]
    name: Annotated[Name, _NAME]
    steps: Annotated[Steps, _STEPS]


class Override(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Per period: what uplines of a leg that broke away earn of its group."""

    floor: Annotated[Rate, doc("least rate in mode difference; absent: 0")] = (0, 1)
    generations: Annotated[Depth, doc("how many members of the rank or above are paid, upwards")]
    mode: Annotated[
        Literal["difference", "fixed"],
        doc("the rate of the rank less the highest below, or the rate of the rank and generation"),
    ]
    name: Annotated[Name, _NAME]
    rank: Annotated[RankName, doc("at which a leg breaks away")]
    rates: Annotated[RateTable, doc("rates by generation; mode difference uses the first")]


class Unilevel(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Levels up the sponsor tree, each with its rate."""

    compression: Annotated[
        Literal["dynamic", "inactive", "none", "rank"],
        doc(
            "who uses no level up: nobody; who is not active; who is below `rank`; "
            "who has no rate at the level it would take"
        ),
    ]
    depth: Annotated[
        Depth | UnsetType, doc("levels in all; the last rate holds to there; absent: no more")
    ] = UNSET
    name: Annotated[Name, _NAME]
    only: Only = UNSET
    rank: Annotated[RankName | UnsetType, doc("least rank, with compression rank and only then")] = UNSET
    rates: Annotated[RateTable, _TABLE]
    stop: Annotated[RankName | UnsetType, doc("the walk up ends with the first member of this rank")] = UNSET
    turns: Annotated[Turns, _TURNS] = "all"
    when: Annotated[When, _WHEN] = "sale"


class Matrix(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Per sale: levels up the placement tree, whose width and spillover `team` says, each with its rate or amount."""

    amounts: Annotated[
        Annotated[tuple[Count, ...], Meta(min_length=1, max_length=limits.MAX_LEVELS)] | UnsetType,
        doc("minor units by level, in place of `rates`; zero is a gap"),
    ] = UNSET
    height: Annotated[Depth, doc("levels that pay at most")]
    least: Annotated[Count, doc("volume a sale needs to pay amounts; absent: 0")] = 0
    name: Annotated[Name, _NAME]
    only: Only = UNSET
    rates: Annotated[Rates | UnsetType, doc("by level; zero is a gap")] = UNSET
    turns: Annotated[Turns, _TURNS] = "all"


class Binary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Per period: what two legs of the placement tree match of each other."""

    after: Annotated[
        Literal["carry", "flush", "net_off"],
        doc(
            "what the legs keep: what was not matched up to `carry_cap`, nothing, or all that was not matched"
        ),
    ]
    amount: Annotated[Count | UnsetType, doc("minor units for a pair or cycle, in place of `steps`")] = UNSET
    carry_cap: Annotated[Count | UnsetType, doc("most volume that a leg keeps, with carry and only then")] = (
        UNSET
    )
    mode: Annotated[
        Literal["cycles", "pairs", "percent", "ratio"],
        doc(
            "percent: the smaller volume; pairs: whole multiples of `weak` in both; cycles: `strong` of the leg that "
            "is larger at that moment and `weak` of the other, again and again; ratio: `strong` to `weak`"
        ),
    ]
    name: Annotated[Name, _NAME]
    steps: Annotated[
        Steps | UnsetType, doc("rate of the volume matched in the weak leg, by the member's own volume")
    ] = UNSET
    strong: Annotated[Count | UnsetType, doc("with cycles and ratio")] = UNSET
    weak: Annotated[Count | UnsetType, doc("with pairs, cycles and ratio")] = UNSET


class Generation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Levels that count members of a rank in place of members."""

    boundary: Annotated[
        Literal["same", "threshold"],
        doc(
            "what ends a generation: members of the recipient's rank or above, or members of `rank` or above"
        ),
    ]
    empty: Annotated[
        Literal["consumes", "passes"],
        doc("whether a boundary member who is not active uses a generation up; absent: consumes"),
    ] = "consumes"
    name: Annotated[Name, _NAME]
    only: Only = UNSET
    rank: Annotated[RankName, doc("who is paid has this rank or a higher one")]
    rates: Annotated[RateTable, doc("by generation")]
    turns: Annotated[Turns, _TURNS] = "all"
    when: Annotated[When, _WHEN] = "sale"


class Matching(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A share of what members below earn by other rules, up the sponsor tree."""

    name: Annotated[Name, _NAME]
    of: Annotated[
        Annotated[tuple[Name, ...], Meta(min_length=1, max_length=limits.MAX_RULES)],
        doc("names of the rules, each evaluated when this one is; no matching among them"),
    ]
    rank: Annotated[RankName | UnsetType, doc("count members of this rank or above in place of members")] = (
        UNSET
    )
    rates: Annotated[RateTable, _TABLE]
    when: Annotated[When, _WHEN] = "sale"


class Path(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Per sale: what those earn who led the buyer, one by another; needs no team."""

    depth: Annotated[Depth | UnsetType, doc("steps that are paid; absent: all, in mode geometric")] = UNSET
    first: Annotated[Rate, doc("of the first step (geometric), or of every step above the seller's (flat)")]
    mode: Annotated[
        Literal["flat", "geometric"], doc("each step the same rate, or each `ratio` of the one before")
    ]
    name: Annotated[Name, _NAME]
    only: Only = UNSET
    ratio: Annotated[Rate | UnsetType, doc("below one; with geometric and only then")] = UNSET
    rest: Annotated[
        bool, doc("the member whose sale it is keeps what the others leave of the whole; absent: no")
    ] = False
    turns: Annotated[Turns, _TURNS] = "all"


class Cdrm(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Per period: of a member's own volume x and the volume y below (Lv and Moscibroda, 2013)."""

    mode: Annotated[
        Annotated[int, Meta(ge=1, le=2)],
        doc("1: (phi - theta / (1 + x + y)) x; 2: phi x - theta ln((1 + x + y) / (1 + y))"),
    ]
    name: Annotated[Name, _NAME]
    phi: Annotated[Rate, doc("the most that x earns")]
    theta: Annotated[Rate, doc("at most phi: what is held back from who brings nobody")]


class Tiers(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a member earns of its own sales."""

    mode: Annotated[
        Literal["marginal", "whole"],
        doc("each step's rate on the volume within it, or the rate of the step reached on the whole"),
    ]
    name: Annotated[Name, _NAME]
    only: Only = UNSET
    steps: Annotated[Steps, doc("by the volume of one sale, or of the period; rates may fall")]
    turns: Annotated[Turns, _TURNS] = "all"
    when: Annotated[When, _WHEN] = "sale"


class Pool(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Per period: a share of the whole amount, divided among members of a rank."""

    name: Annotated[Name, _NAME]
    new: Annotated[
        bool, doc("only among those who have the rank for the first time: a rank bonus; absent: no")
    ] = False
    rank: Annotated[RankName, doc("or a higher one")]
    share: Annotated[Rate, doc("of the commissionable amount of the period")]
    split: Annotated[
        Literal["equal", "group", "own"],
        doc("by heads, by volume of the group, or by own volume; absent: equal"),
    ] = "equal"


class Infinity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Without end downwards, until a member of the same or a higher rank blocks."""

    name: Annotated[Name, _NAME]
    only: Only = UNSET
    rates: Annotated[RateTable, doc("one rate a rank")]
    start: Annotated[Depth, doc("first level that pays; absent: 1")] = 1
    turns: Annotated[Turns, _TURNS] = "all"
    when: Annotated[When, _WHEN] = "sale"


class FastStart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Per sale: levels up the sponsor tree of a member in its first days. Sales pay, joining never."""

    days: Annotated[PlanDays, doc("from the member's admission")]
    name: Annotated[Name, _NAME]
    only: Only = UNSET
    rates: Annotated[RateTable, _TABLE]
    turns: Annotated[Turns, _TURNS] = "all"


class Refused(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bonus that no valid plan has; named so that a reader can say why the plan is void."""

    name: Annotated[Name, _NAME]


class Plan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A compensation plan. Everything about it is in this record; its name is the hash of the record."""

    KIND: ClassVar[int] = 10

    active: Annotated[Count, doc("own volume in the period that makes a member active; absent: 0")] = 0
    binary: Annotated[
        Annotated[tuple[Binary, ...], Meta(max_length=limits.MAX_RULES)],
        doc("rules of this family; absent: none"),
    ] = ()
    board: Annotated[
        Annotated[tuple[Refused, ...], Meta(max_length=limits.MAX_RULES)], doc("makes the plan void")
    ] = ()
    cap_company: Annotated[
        Rate | UnsetType, doc("of the commissionable amount of a period; what is above is cut pro rata")
    ] = UNSET
    cap_member: Annotated[
        Count | UnsetType, doc("most minor units that a member gets of one period; the rest is not carried")
    ] = UNSET
    cdrm: Annotated[Annotated[tuple[Cdrm, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")] = ()
    currencies: Annotated[
        Annotated[tuple[Exchange, ...], Meta(max_length=limits.MAX_CURRENCIES)],
        doc("a sale in another currency has no commissionable amount; absent: none"),
    ] = ()
    differential: Annotated[
        Annotated[tuple[Differential, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")
    ] = ()
    duty: Annotated[DutyTerms | UnsetType, doc("awards that depend on duties")] = UNSET
    enrolment: Annotated[
        Annotated[tuple[Refused, ...], Meta(max_length=limits.MAX_RULES)], doc("makes the plan void")
    ] = ()
    expiry_days: Annotated[PlanDays | UnsetType, doc("after which posted credit expires; absent: never")] = (
        UNSET
    )
    fast_start: Annotated[
        Annotated[tuple[FastStart, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")
    ] = ()
    generation: Annotated[
        Annotated[tuple[Generation, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")
    ] = ()
    grace: Annotated[
        Annotated[int, Meta(ge=0, le=limits.MAX_PLAN_PERIODS)],
        doc("periods that a rank is kept after the last one in which it was qualified for; absent: 0"),
    ] = 0
    hold_days: Annotated[PlanDays, doc("that an award is pending; absent: 30")] = 30
    idle_periods: Annotated[
        Annotated[int, Meta(ge=0, le=limits.MAX_PLAN_PERIODS)],
        doc("after so many without an own outside sale overrides stop; 0: never; absent: 6"),
    ] = 6
    infinity: Annotated[
        Annotated[tuple[Infinity, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")
    ] = ()
    joining: Annotated[Count, doc("what joining costs, in minor units of the plan's unit; absent: 0")] = 0
    kit_cost: Annotated[Count, doc("what the kit that joining buys costs the issuer; absent: 0")] = 0
    kits: Annotated[
        Annotated[tuple[Key, ...], Meta(max_length=limits.MAX_MEMBERS)],
        doc(
            "keys of listings that are kits, fees, training or ranks: no commissionable amount; absent: none"
        ),
    ] = ()
    log_days: Annotated[PlanDays, doc("within which the issuer logs a sale; absent: 14")] = 14
    matching: Annotated[
        Annotated[tuple[Matching, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")
    ] = ()
    matrix: Annotated[
        Annotated[tuple[Matrix, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")
    ] = ()
    maximum: Annotated[Rate, doc("of the commissionable amount: what all awards come to at most")]
    monoline: Annotated[
        Annotated[tuple[Refused, ...], Meta(max_length=limits.MAX_RULES)], doc("makes the plan void")
    ] = ()
    notice_days: Annotated[PlanDays, doc("before a changed plan holds; absent: 30")] = 30
    opportunity: Annotated[
        Key | UnsetType, doc("key of the opportunity whose team it is of; absent: no team")
    ] = UNSET
    origin: Annotated[
        Literal["referrer", "sponsor"],
        doc("level 1: the member whose sale it is, or that member's sponsor; absent: referrer"),
    ] = "referrer"
    outside_full: Annotated[
        Rate, doc("outside share of volume below which overrides shrink; 0: never; absent: 4/5")
    ] = (4, 5)
    outside_least: Annotated[
        Rate, doc("outside share of volume below which overrides stop; 0: never; absent: 7/10")
    ] = (7, 10)
    override: Annotated[
        Annotated[tuple[Override, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")
    ] = ()
    path: Annotated[Annotated[tuple[Path, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")] = ()
    pay_on: Annotated[
        Literal["amount", "points"],
        doc("what rates multiply: the commissionable amount, or points; absent: amount"),
    ] = "amount"
    period: Annotated[Per, doc("by the calendar, in UTC; weeks begin on Monday")]
    personal: Annotated[Count, doc("volume a period that a member's own purchases count for; absent: 0")] = 0
    personal_free: Annotated[
        bool, doc("own purchases count without bound: for trying plans out; absent: no")
    ] = False
    point_value: Annotated[
        Rate | UnsetType, doc("minor units of a hundredth of a point, where points are paid on")
    ] = UNSET
    pool: Annotated[Annotated[tuple[Pool, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")] = ()
    rank_used: Annotated[
        Literal["achieved", "paid_as"],
        doc("the highest rank ever had, or that of the period with its grace; absent: paid_as"),
    ] = "paid_as"
    ranks: Annotated[
        Annotated[tuple[Rank, ...], Meta(max_length=limits.MAX_RANKS)], doc("rising; absent: none")
    ] = ()
    rounding: Annotated[
        Literal["down", "half_even"], doc("once for each award, to minor units; absent: down")
    ] = "down"
    share: Annotated[Rate, doc("of net price (or points) that is commissionable; absent: all")] = (1, 1)
    team: Annotated[
        TeamRules | UnsetType, doc("what shapes the team; given with `opportunity` and only then")
    ] = UNSET
    tiers: Annotated[Annotated[tuple[Tiers, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")] = ()
    title: Annotated[Annotated[str, Meta(min_length=1, max_length=limits.MAX_TITLE)], doc("one line")]
    unilevel: Annotated[
        Annotated[tuple[Unilevel, ...], Meta(max_length=limits.MAX_RULES)], doc("as `binary`")
    ] = ()
    unit: Annotated[Unit, doc("of all awards")]
    unlock_buyers: Annotated[
        Number, doc("outside buyers in the period that unlock overrides; 0: none needed; absent: 10")
    ] = 10
    unlock_volume: Annotated[
        Count | UnsetType, doc("own outside volume in the period that unlocks them as well")
    ] = UNSET
    volume: Annotated[
        Literal["amount", "points"], doc("what brackets, ranks, legs and pairs count; absent: amount")
    ] = "amount"


def check_plan(record: Plan) -> None:
    """Texts of a plan are one line [R-PLAN-1]. Whether its rules hold together, `protocol.plans.compile_plan` says.

    Raises:
        Void: `malformed`, with a sentence that names the field.
    """
    one_line("title", record.title)
    one_line("unit.name", record.unit.name)
    for number, rank in enumerate(record.ranks):
        one_line(f"ranks[{number}].name", rank.name)
    if len({rank.name for rank in record.ranks}) < len(record.ranks):
        malformed("ranks", "one is named twice")
    if (record.team is UNSET) != (record.opportunity is UNSET):
        malformed("team", "is given with `opportunity`, and only then")
    if record.team is not UNSET:
        check_rules(record.team)
