"""Plans compiled: checked, bounded, with their rates as integers. Only such a plan can be evaluated [R-PLAN-2..10]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final, NoReturn

import msgspec
from msgspec import UNSET, UnsetType

from protocol import limits
from protocol.errors import Void
from protocol.plans.claims import Choice
from protocol.plans.facts import Exact
from protocol.plans.families.binaries import Binaries
from protocol.plans.families.differentials import Differentials, Overrides
from protocol.plans.families.levels import Endless, Generations, Levels, Places
from protocol.plans.families.matches import Matches
from protocol.plans.families.paths import OwnSales, Paths
from protocol.plans.families.pools import Contributions, Pools
from protocol.plans.rounding import exact
from protocol.plans.tables import Curve, Table, fraction
from protocol.records import plan as forms
from protocol.records.money import Per
from protocol.records.plan import Plan, Step

LineRule = Levels | Places | Endless | Generations | Paths | OwnSales
GroundRule = Differentials | Overrides | Binaries | Pools | Contributions

_REFUSED: Final = {
    "board": "a board is filled and split by recruiting: what it pays depends on who joins, not on what is sold",
    "monoline": "one line of all members pays those who joined earlier out of those who joined later",
    "enrolment": "an enrolment bonus pays for recruiting; an award needs a sale (R3)",
}
# In this order rules stand in the awards of a sale and of a period; matching comes last, it looks at the others.
FAMILIES: Final = (
    "differential",
    "override",
    "unilevel",
    "matrix",
    "generation",
    "infinity",
    "fast_start",
    "tiers",
    "path",
    "binary",
    "cdrm",
    "pool",
    "matching",
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A plan that holds together, and whose payout is bounded.

    Attributes:
        plan: its record.
        bound: share of the commissionable amount that its rules come to at most, in any tree.
        ranks: name -> number, rising from 0.
        by_sale: rules evaluated with each sale; `by_sale_matching` after them.
        reach: most seats above an owner that a rule by sale can look at; None: all.
        height: most places above an owner.
        by_close: rules evaluated at the close on each member's own sales; `ground` on the whole team, then matching.
        period_bound: of `bound`, what is paid at the close.
        sale_share: of `plan.maximum`, what that leaves for the sale itself.
    """

    plan: Plan
    bound: Fraction
    period_bound: Fraction
    ranks: Mapping[str, int]
    by_sale: tuple[LineRule, ...]
    by_sale_matching: tuple[Matches, ...]
    by_close: tuple[LineRule, ...]
    ground: tuple[GroundRule, ...]
    by_close_matching: tuple[Matches, ...]
    names: tuple[str, ...]
    reach: int | None
    height: int
    sale_share: Fraction

    @property
    def placed(self) -> bool:
        """Whether a rule looks at the placement tree."""
        return bool(self.plan.matrix or self.plan.binary)

    @property
    def needs_team(self) -> bool:
        """Whether a rule looks at the sponsor tree, or is evaluated at the close."""
        rules = (*self.by_sale, *self.by_close)
        return bool(self.ground or self.by_close) or not all(
            isinstance(rule, (OwnSales, Paths)) for rule in rules
        )

    def require_closes(self) -> None:
        """Refuses for a log what can be evaluated on files only: rules at the close, without a team [R-CRED-19].

        Raises:
            Void: `plan_terms`.
        """
        if self.by_close and self.plan.team is UNSET:
            text = "pays by period and needs a team: without one no period is ever closed, so it would pay nothing"
            _wrong(self.by_close[0].name, text)

    def volume(self, amount: Exact, points: int) -> Exact:
        """What brackets, ranks, legs and pairs count of a sale."""
        return amount if self.plan.volume == "amount" else points

    def base(self, amount: Exact, points: int) -> Exact:
        """What rates multiply: minor units of the plan's unit."""
        share = self.plan.share
        if self.plan.pay_on == "amount":
            return exact(amount * share[0], share[1])
        assert self.plan.point_value is not UNSET
        value = self.plan.point_value
        return exact(points * share[0] * value[0], share[1] * value[1])


def compile_plan(plan: Plan) -> Compiled:
    """Checks a plan and prepares it for evaluation.

    Raises:
        Void: `plan_refused` (board, monoline, enrolment), `plan_joining` (R4), `plan_unbounded` (no bound, or one above
            `maximum`), `plan_terms` (a rule that contradicts itself or the others); the sentence says where and why.
    """
    for family, why in _REFUSED.items():
        if getattr(plan, family):
            raise Void("plan_refused", f"{family}: {why}")
    if plan.joining > plan.kit_cost:
        text = f"joining: costs {plan.joining}, the kit costs the issuer {plan.kit_cost}: no more may be asked for (R4)"
        raise Void("plan_joining", text)
    _check_terms(plan)
    ranks = {rank.name: number for number, rank in enumerate(plan.ranks)}
    reading = _Reading(plan, ranks)
    by_sale, by_close = list(reading.line_rules("sale")), list(reading.line_rules("period"))
    ground = list(reading.ground_rules())
    matching = list(reading.matches())
    names = [rule.name for family in FAMILIES for rule in getattr(plan, family)]
    if not names:
        _wrong("plan", "it has no rule, so it would pay nothing")
    if len(set(names)) < len(names):
        _wrong("name", "two rules have one name")
    sale_bound = _bound(by_sale, [rule for rule, when in matching if when == "sale"])
    period_bound = _bound([*by_close, *ground], [rule for rule, when in matching if when == "period"])
    if plan.cap_company is not UNSET:
        cap = fraction(plan.cap_company)
        period_bound = cap if period_bound is None else min(cap, period_bound)
    bound = None if sale_bound is None or period_bound is None else sale_bound + period_bound
    _check_bound(plan, bound)
    assert bound is not None and period_bound is not None
    return Compiled(
        plan,
        bound,
        period_bound,
        ranks,
        tuple(by_sale),
        tuple(rule for rule, when in matching if when == "sale"),
        tuple(by_close),
        tuple(ground),
        tuple(rule for rule, when in matching if when == "period"),
        tuple(names),
        _reach(by_sale, plan),
        max((one.height for one in plan.matrix), default=0),
        fraction(plan.maximum) - period_bound,
    )


def commissionable(plan: Compiled, base: int, net: int, price: int, currency: str) -> Exact:
    """The amount of a sale that a plan looks at, before the plan's share: base x net / price, at the plan's rate.

    Args:
        plan: the plan in force.
        base: what remains of the price, minor units of the currency [L11].
        net: the price of the order without tax and shipping, discounts taken off.
        price: of the order.
        currency: ISO 4217 code; one that the plan does not name makes it zero.

    Returns:
        Minor units of the plan's unit, exact.
    """
    for one in plan.plan.currencies:
        if one.currency == currency and price > 0:
            return exact(base * net * one.rate[0], price * one.rate[1])
    return 0


def one_level(title: str, unit: forms.Unit, currency: str, commission: int) -> Plan:
    """The plan that a bare commission rate stands for: the referrer's share, no team [R-PLAN-11].

    Args:
        title: for people.
        unit: of the awards; its minor unit is that of the currency.
        currency: of the sales.
        commission: basis points.
    """
    return Plan(
        currencies=(forms.Exchange(currency=currency, rate=(1, 1)),),
        maximum=(commission, limits.MAX_BASIS_POINTS),
        path=(
            forms.Path(depth=1, first=(commission, limits.MAX_BASIS_POINTS), mode="flat", name="commission"),
        ),
        period=Per(count=1, unit="month"),
        title=title,
        unit=unit,
    )


class _Reading:
    """The rules of one plan, read into their families."""

    def __init__(self, plan: Plan, ranks: Mapping[str, int]) -> None:
        self._plan = plan
        self._ranks = ranks

    def line_rules(self, when: str) -> Iterator[LineRule]:
        """Those that look at one line, in the order of FAMILIES."""
        plan = self._plan
        for level in plan.unilevel:
            if level.when == when:
                yield self._unilevel(level)
        for matrix in plan.matrix if when == "sale" else ():
            yield self._matrix(matrix)
        for each in plan.generation:
            if each.when == when:
                yield Generations(
                    each.name,
                    self._table(each.name, each.rates),
                    self._rank(each.name, each.rank),
                    each.boundary == "same",
                    each.empty == "consumes",
                    self._choice(each.name, each),
                )
        for endless in plan.infinity:
            if endless.when == when:
                if any(len(row.rates) > 1 or row.rank is UNSET for row in endless.rates):
                    _wrong(endless.name, "needs one rate for each rank, and none for members without a rank")
                table = self._table(endless.name, endless.rates)
                yield Endless(endless.name, table, endless.start, self._choice(endless.name, endless))
        for fast in plan.fast_start if when == "sale" else ():
            table = self._table(fast.name, fast.rates)
            yield Levels(fast.name, table, "none", self._choice(fast.name, fast), days=fast.days)
        for tiers in plan.tiers:
            if tiers.when == when:
                self._steps(tiers.name, tiers.steps)
                curve = Curve.of(tiers.steps, tiers.mode == "whole")
                yield OwnSales(tiers.name, curve, self._choice(tiers.name, tiers))
        for path in plan.path if when == "sale" else ():
            yield self._path(path)

    def ground_rules(self) -> Iterator[GroundRule]:
        """Those that look at the whole team, in the order of FAMILIES."""
        plan = self._plan
        duties: frozenset[str] = frozenset() if plan.duty is UNSET else frozenset(plan.duty.rules)
        for one in plan.differential:
            self._steps(one.name, one.steps, rising=True)
            away = None if one.breakaway is UNSET else self._rank(one.name, one.breakaway)
            yield Differentials(one.name, Curve.of(one.steps, one.mode == "whole"), away, one.name in duties)
        for over in plan.override:
            table = self._table(over.name, over.rates, floor=over.floor)
            floor = fraction(over.floor) * table.den
            least = self._rank(over.name, over.rank)
            yield Overrides(over.name, table, least, over.generations, over.mode == "fixed", int(floor))
        for binary in plan.binary:
            yield self._binary(binary)
        for cdrm in plan.cdrm:
            if not fraction(cdrm.theta) <= fraction(cdrm.phi) <= 1:
                _wrong(cdrm.name, "theta must be at most phi, and phi at most 1")
            unit = 10**plan.unit.exponent if plan.volume == "amount" else 100
            yield Contributions(cdrm.name, cdrm.mode == 2, fraction(cdrm.phi), fraction(cdrm.theta), unit)
        for pool in plan.pool:
            least = self._rank(pool.name, pool.rank)
            yield Pools(pool.name, fraction(pool.share), least, pool.new, pool.split)

    def matches(self) -> Iterator[tuple[Matches, str]]:
        """Matching rules, each with when it is evaluated."""
        plan = self._plan
        at = {
            rule.name: getattr(
                rule, "when", "sale" if family in ("matrix", "fast_start", "path") else "period"
            )
            for family in FAMILIES
            if family != "matching"
            for rule in getattr(plan, family)
        }
        for one in plan.matching:
            for name in one.of:
                if name not in at:
                    _wrong(one.name, f"matches {name}, which is no rule of another family")
                if at[name] != one.when:
                    _wrong(one.name, f"is evaluated by {one.when}, {name} by {at[name]}: both must be alike")
            least = None if one.rank is UNSET else self._rank(one.name, one.rank)
            yield Matches(one.name, self._table(one.name, one.rates), frozenset(one.of), least), one.when

    def _unilevel(self, one: forms.Unilevel) -> Levels:
        if (one.compression == "rank") != (one.rank is not UNSET):
            _wrong(one.name, "needs `rank` with compression rank, and only then")
        depth = None if one.depth is UNSET else one.depth
        if depth is not None and depth < max(len(row.rates) for row in one.rates):
            _wrong(one.name, "`depth` is less than the levels that have rates")
        return Levels(
            one.name,
            self._table(one.name, one.rates, depth),
            one.compression,
            self._choice(one.name, one),
            -1 if one.rank is UNSET else self._rank(one.name, one.rank),
            None if one.stop is UNSET else self._rank(one.name, one.stop),
        )

    def _matrix(self, one: forms.Matrix) -> Places:
        plan = self._plan
        if plan.team is UNSET or plan.team.legs is UNSET:
            _wrong(one.name, "needs a placement tree: `team.legs`")
        if (one.rates is UNSET) == (one.amounts is UNSET):
            _wrong(one.name, "needs rates or amounts, and not both")
        worth = Fraction(one.least) * fraction(plan.share)
        if one.amounts is not UNSET:
            if plan.volume != plan.pay_on or one.least == 0:
                text = "fixed amounts have no bound: give `least`, the volume that a sale needs to pay them"
                raise Void("plan_unbounded", f"{one.name}: {text}")
            if plan.pay_on == "points" and plan.point_value is not UNSET:
                worth *= fraction(plan.point_value)
        figures = one.rates if one.rates is not UNSET else ()
        table = self._table(one.name, (forms.RankRates(rates=figures),)) if figures else Table(((),), 1)
        amounts = () if one.amounts is UNSET else one.amounts[: one.height]
        choice = self._choice(one.name, one)
        return Places(one.name, table.rows[0][: one.height], table.den, amounts, one.least, choice, worth)

    def _path(self, one: forms.Path) -> Paths:
        if (one.mode == "geometric") != (one.ratio is not UNSET):
            _wrong(one.name, "needs `ratio` in mode geometric, and only then")
        ratio = Fraction(1) if one.ratio is UNSET else fraction(one.ratio)
        if one.depth is UNSET and ratio >= 1:
            raise Void("plan_unbounded", f"{one.name}: has no depth and no ratio below one, so no bound")
        depth = None if one.depth is UNSET else one.depth
        found = Paths(one.name, fraction(one.first), ratio, depth, one.rest, self._choice(one.name, one))
        if one.rest and found.first and found.bound is not None and found.bound > 1:
            raise Void("plan_unbounded", f"{one.name}: the steps come to more than the whole")
        return found

    def _binary(self, one: forms.Binary) -> Binaries:
        plan = self._plan
        if plan.team is UNSET or plan.team.legs is UNSET or plan.team.legs < 2:
            _wrong(one.name, "needs a placement tree with two legs: `team.legs`")
        if (one.steps is UNSET) == (one.amount is UNSET):
            _wrong(one.name, "needs steps or an amount, and not both")
        if one.amount is not UNSET and one.mode not in ("pairs", "cycles"):
            _wrong(one.name, f"an amount is for pairs or cycles, not for {one.mode}")
        if (one.weak is UNSET) != (one.mode == "percent"):
            _wrong(one.name, "needs `weak` with pairs, cycles and ratio, and only then")
        if (one.strong is UNSET) != (one.mode in ("percent", "pairs")):
            _wrong(one.name, "needs `strong` with cycles and ratio, and only then")
        weak = 0 if one.weak is UNSET else one.weak
        strong = weak if one.strong is UNSET else one.strong
        if one.mode != "percent" and not 1 <= weak <= strong:
            _wrong(one.name, "`weak` must be above zero and at most `strong`")
        if one.carry_cap is not UNSET and one.after != "carry":
            _wrong(one.name, "`carry_cap` is for carry")
        if plan.volume != plan.pay_on:
            _wrong(one.name, "legs are counted and paid alike: `volume` and `pay_on` must be the same")
        if one.steps is not UNSET:
            self._steps(one.name, one.steps)
        scale = fraction(plan.share)
        if plan.pay_on == "points" and plan.point_value is not UNSET:
            scale *= fraction(plan.point_value)
        return Binaries(
            one.name,
            one.mode,
            one.after,
            None if one.steps is UNSET else Curve.of(one.steps, whole=True),
            0 if one.amount is UNSET else one.amount,
            strong,
            weak,
            None if one.carry_cap is UNSET else one.carry_cap,
            scale,
        )

    def _rank(self, rule: str, name: str) -> int:
        if name not in self._ranks:
            _wrong(rule, f"names the rank {name}, which the plan does not have")
        return self._ranks[name]

    def _table(
        self,
        rule: str,
        rates: Iterable[forms.RankRates],
        depth: int | None = None,
        floor: forms.Rate = (0, 1),
    ) -> Table:
        rows = list(rates)
        names = [row.rank for row in rows]
        if len(set(names)) < len(names):
            _wrong(rule, "a rank has two rows of rates")
        for name in names:
            if name is not UNSET:
                self._rank(rule, name)
        return Table.of(rows, self._ranks, depth, floor)

    def _steps(self, rule: str, steps: tuple[Step, ...], *, rising: bool = False) -> None:
        for lower, higher in pairwise(steps):
            if lower.at >= higher.at:
                _wrong(rule, "the volumes of its steps do not rise")
            if rising and fraction(lower.rate) > fraction(higher.rate):
                _wrong(rule, "the rates of its steps fall: then a leg could earn more than the group")

    def _choice(
        self,
        rule: str,
        one: forms.Unilevel
        | forms.Matrix
        | forms.Generation
        | forms.Infinity
        | forms.FastStart
        | forms.Tiers
        | forms.Path,
    ) -> Choice:
        only = None if one.only is UNSET else frozenset(one.only)
        if getattr(one, "when", "sale") == "period" and (only is not None or one.turns != "all"):
            _wrong(rule, "picks sales, so it is evaluated by sale")
        return Choice(only, one.turns)


def _check_terms(plan: Plan) -> None:
    """What concerns no rule in particular."""
    for field in ("maximum", "share", "outside_full", "outside_least", "cap_company"):
        rate: forms.Rate | UnsetType = getattr(plan, field)
        if rate is not UNSET and fraction(rate) > 1:
            _wrong(field, "is more than the whole")
    if fraction(plan.outside_least) > fraction(plan.outside_full):
        _wrong("outside_least", "is above `outside_full`")
    if (plan.pay_on == "points") != (plan.point_value is not UNSET):
        _wrong("point_value", "is given where points are paid on, and only there")
    if "amount" in (plan.pay_on, plan.volume) and not plan.currencies:
        _wrong("currencies", "none is named, so no sale would count")
    codes = [one.currency for one in plan.currencies]
    if len(set(codes)) < len(codes):
        _wrong("currencies", "one is named twice")
    sold = {"path", "tiers"}
    if plan.team is UNSET and any(getattr(plan, family) for family in FAMILIES if family not in sold):
        _wrong("team", "is missing: rules that look at a team need one; path and tiers do without")
    by_sale = [rule for family in FAMILIES for rule in getattr(plan, family) if _by_sale(family, rule)]
    if by_sale and (plan.cap_member is not UNSET or plan.cap_company is not UNSET):
        text = (
            "caps of a period depend on the order of sales where a rule pays by sale; give it `when = period`"
        )
        _wrong(by_sale[0].name, text)
    names = [rule.name for family in FAMILIES for rule in getattr(plan, family)]
    if plan.duty is not UNSET:
        for name in plan.duty.rules:
            if name not in names:
                _wrong("duty", f"names {name}, which is no rule of the plan")
        if fraction(plan.duty.withheld) > 1:
            _wrong("duty", "withholds more than the whole")
    for rank in plan.ranks:
        for leader in rank.leaders:
            if leader.rank not in {each.name for each in plan.ranks}:
                _wrong(
                    f"rank {rank.name}", f"asks for leaders of {leader.rank}, which the plan does not have"
                )


def _by_sale(family: str, rule: msgspec.Struct) -> bool:
    return getattr(rule, "when", "sale" if family in ("matrix", "fast_start", "path") else "period") == "sale"


def rule_bounds(
    rules: Iterable[LineRule | GroundRule], matching: Iterable[Matches]
) -> dict[str, Fraction | None]:
    """What each rule comes to at most, of the commissionable amount; None for a rule without a bound.

    Args:
        rules: of one time, by sale or by close.
        matching: of the same time; each rests on the bounds of the rules it names.
    """
    found: dict[str, Fraction | None] = {
        rule.name: None if isinstance(rule, Binaries) else rule.bound for rule in rules
    }
    for one in matching:
        named = [found[name] for name in sorted(one.of)]
        whole = [each for each in named if each is not None]
        found[one.name] = one.bound(sum(whole, Fraction(0))) if len(whole) == len(named) else None
    return found


def _bound(rules: Iterable[LineRule | GroundRule], matching: Iterable[Matches]) -> Fraction | None:
    """What rules come to together; None where one has no bound."""
    total = Fraction(0)
    for bound in rule_bounds(rules, matching).values():
        if bound is None:
            return None
        total += bound
    return total


def _reach(rules: Iterable[LineRule], plan: Plan) -> int | None:
    """Seats that rules which step over nobody can look at; None where one may look further."""
    reach = 0
    for rule in rules:
        match rule:
            case Levels(compression="none"):
                reach = max(reach, rule.table.levels)
            case Paths(depth=int(depth), rest=rest):
                reach = max(reach, depth - (not rest))  # the owner is a step, or gets the rest
            case Places() | OwnSales():
                pass
            case _:
                return None
    return None if plan.matching else reach


def _check_bound(plan: Plan, bound: Fraction | None) -> None:
    if bound is None:
        text = "binary has no bound for a sale: give `cap_company`, so that each period is settled pro rata"
        raise Void("plan_unbounded", f"{plan.binary[0].name}: {text}")
    if bound > fraction(plan.maximum):
        found, most = _percent(bound), _percent(fraction(plan.maximum))
        text = f"its rules can come to {found} of the commissionable amount, `maximum` says {most}"
        raise Void("plan_unbounded", f"maximum: {text}")


def _percent(share: Fraction) -> str:
    """A share for people: exact where a few decimals are, else rounded up."""
    millionths = -(-share * 1_000_000 // 1)
    whole, rest = divmod(int(millionths), 10_000)
    return f"{whole}.{rest:04}".rstrip("0").rstrip(".") + " %"


def _wrong(where: str, text: str) -> NoReturn:
    raise Void("plan_terms", f"{where}: {text}")
