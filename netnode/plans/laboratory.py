"""The laboratory: what cheating gains under a plan, measured on worlds drawn from a seed.

Keys are free, so outside buyers can be made up: unless told otherwise a plan is measured with the rules on buyers
(R2, R5, R6, R19) switched off, that is, as if the cheat met them. A gain is what all names of the cheat are paid
more than the honest member, after rounding; of a purchase, less its price.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import msgspec
from msgspec import UNSET

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
from protocol.plans import calendar
from protocol.plans.activity import Activity
from protocol.plans.closed import Closed
from protocol.plans.document import FAMILIES, Compiled, compile_plan
from protocol.plans.evaluate import evaluate_period, evaluate_sale
from protocol.plans.facts import Award, Exact, SaleFacts
from protocol.plans.ranks import earned

IDENTITIES: Final = (2, 3, 5)
"""Into how many a member is split."""

_FIRST: Final = 1_767_225_600_000  # 2026-01-01, ms UTC: any month would do
_QUARTERS: Final = 4


@dataclass(slots=True)
class Tally:
    """What one way of cheating gained.

    Attributes:
        what: splitting, sponsors, purchases.
        count: identities, where it is splitting.
        trees: worlds in which it was tried.
        gained: of them, those in which it gained.
        largest: gain in one world, minor units.
        tree: number of that world; None: nowhere.
        honest, gain: what the honest member was paid in all worlds, and what cheating gained on top.
    """

    what: str
    count: int = 0
    trees: int = 0
    gained: int = 0
    largest: Exact = 0
    tree: int | None = None
    honest: Exact = 0
    gain: Exact = 0

    def add(self, tree: int, honest: Exact, gain: Exact) -> None:
        """Notes the best gain of a world."""
        self.trees += 1
        self.honest += honest
        if gain > 0:
            self.gained += 1
            self.gain += gain
            if gain > self.largest:
                self.largest, self.tree = gain, tree

    @property
    def share(self) -> Fraction:
        """Gain of what the honest members were paid; 0 where they were paid nothing."""
        return Fraction(self.gain) / Fraction(self.honest) if self.honest else Fraction(0)


@dataclass(frozen=True, slots=True)
class Cliff:
    """One unit of volume, and what it pays.

    Attributes:
        amount: minor units that the member gets more.
        at: volume that it reaches.
    """

    amount: int
    at: int


@dataclass(slots=True)
class Measured:
    """Everything that was measured of one plan.

    Attributes:
        trees: worlds.
        tallies: by way of cheating.
        taken: minor units that a false sponsor took from others.
        cliff: the largest; None: no unit pays more than any other would.
        paid, recruited: all awards, and what of them members would not have had without recruits.
        quarters: of those who joined first to last: sold and paid, where everybody sold the same.
    """

    trees: int = 0
    tallies: list[Tally] = field(default_factory=list)
    taken: int = 0
    cliff: Cliff | None = None
    paid: int = 0
    recruited: int = 0
    quarters: list[tuple[Exact, int]] = field(default_factory=lambda: [(0, 0)] * _QUARTERS)

    def tally(self, what: str, count: int = 0) -> Tally:
        """That of a way of cheating."""
        for each in self.tallies:
            if (each.what, each.count) == (what, count):
                return each
        self.tallies.append(Tally(what, count))
        return self.tallies[-1]

    @property
    def recruiting(self) -> Fraction:
        """Share of all awards that needs recruits."""
        return Fraction(self.recruited, self.paid) if self.paid else Fraction(0)


def opened(plan: Compiled) -> Compiled:
    """A plan as if everybody met its rules on buyers: R2, R5, R6, R19, and what its ranks ask of buyers."""
    ranks = (msgspec.structs.replace(rank, outside_buyers=0) for rank in plan.plan.ranks)
    free = msgspec.structs.replace(
        plan.plan,
        ranks=tuple(
            now if earned(now) else before for now, before in zip(ranks, plan.plan.ranks, strict=True)
        ),
        idle_periods=0,
        outside_full=(0, 1),
        outside_least=(0, 1),
        personal_free=True,
        unlock_buyers=0,
    )
    return compile_plan(free)


def alone(plan: Compiled, family: str) -> Compiled:
    """A plan with the rules of one family; of matching, with those it matches."""
    kept = {rule.name for rule in getattr(plan.plan, family)}
    if family == "matching":
        kept |= {name for rule in plan.plan.matching for name in rule.of}
    rules: dict[str, Any] = {
        each: tuple(rule for rule in getattr(plan.plan, each) if rule.name in kept)
        for each in FAMILIES
        if getattr(plan.plan, each)
    }
    duty = plan.plan.duty
    if duty is not UNSET:
        names = tuple(name for name in duty.rules if name in kept)
        rules["duty"] = msgspec.structs.replace(duty, rules=names) if names else UNSET
    return compile_plan(msgspec.structs.replace(plan.plan, **rules))


def families(plan: Compiled) -> tuple[str, ...]:
    """Those that a plan has rules of."""
    return tuple(family for family in FAMILIES if getattr(plan.plan, family))


def measure(plan: Compiled, trees: int, seed: int) -> Iterator[Measured]:
    """Measures world by world.

    Args:
        plan: evaluated as it is; `opened` first to measure what is left of it against made-up buyers.
        trees: how many worlds.
        seed: of all of them.

    Yields:
        The same object after each world, one more in it.
    """
    found = Measured()
    for tree in range(trees):
        _add(found, plan, tree, Draws(seed, tree))
        yield found


def paid(plan: Compiled, world: World) -> Counter[str]:
    """What each member gets in a world: of a month; of two with the same sales, where ranks or legs carry over."""
    team = None if plan.plan.team is UNSET else world.team(plan)
    activity: Activity[str] = Activity(plan)
    found: Counter[str] = Counter()
    per = plan.plan.period
    first, at = calendar.number_of(per, _FIRST), 0
    closes = bool(plan.ground or plan.by_close or plan.plan.ranks)
    for month in range(_months(plan)):
        start = calendar.start_of(per, first + month)
        for member, volume in (*world.sales, *(() if month else world.extra)):
            at += 1
            sale = _sale(plan, world, member, volume, at, start, pathless=team is not None)
            if plan.by_sale:
                _pay(found, evaluate_sale(plan, team, activity, sale))
            activity.take(sale, team)
        if closes:
            closed: Closed[str] = evaluate_period(plan, team, activity, activity.period(start, at))
            activity.close(closed)
            _pay(found, closed.awards)
    return found


def _months(plan: Compiled) -> int:
    return 2 if plan.plan.ranks or plan.plan.binary else 1


def _sale(
    plan: Compiled, world: World, member: str, volume: int, at: int, time: int, *, pathless: bool
) -> SaleFacts[str]:
    path: tuple[str, ...] = ()
    above: str | None = None if pathless else member
    while above is not None:
        path, above = (*path, above), world.sponsors[above]
    return SaleFacts(
        id=at,
        at=at,
        time=time,
        amount=price_of(plan, volume),
        points=volume * 100 // unit_of(plan),
        referrer=member,
        customer=at,
        path=path,
    )


def _pay(found: Counter[str], awards: Iterable[Award[str]]) -> None:
    for award in awards:
        found[award.to] += award.amount


def _sum(found: Counter[str], names: Iterable[str]) -> int:
    return sum(found[name] for name in names)


def _add(found: Measured, plan: Compiled, tree: int, draws: Draws) -> None:
    world = draw_world(plan, draws)
    who = draws.choice(tuple(world.sponsors))
    honest = paid(plan, world)
    before = honest[who]
    found.trees += 1
    for count in IDENTITIES:
        best = max(
            _sum(paid(plan, split), names) - before for split, names in splits(world, who, count, draws)
        )
        found.tally("splitting", count).add(tree, before, best)
    best = 0
    for false, names in inserted(world, who, draws):
        after = paid(plan, false)
        best = max(best, _sum(after, names) - before)
        found.taken += sum(max(0, honest[name] - after[name]) for name in world.sponsors if name not in names)
    found.tally("sponsors").add(tree, before, best)
    gain = max((each for each in _purchases(found, plan, world, who, before, draws)), default=0)
    found.tally("purchases").add(tree, before, gain)
    _recruits(found, plan, world, honest, draws)
    _order(found, plan, draws)


def _purchases(
    found: Measured, plan: Compiled, world: World, who: str, before: int, draws: Draws
) -> Iterator[Exact]:
    """What own purchases gain beyond their price: up to a threshold, and the last unit before it alone."""
    through = draws.choice(world.group(who))
    sold = sum(world.own(name) for name in world.group(who))
    one = unit_of(plan)
    marks = [(mark, mark - now) for mark in thresholds(plan) for now in {sold, world.own(who)} if mark > now]
    chosen = [draws.choice(marks)] if marks else []
    chosen += [marks[0]] if marks else []
    for mark, missing in chosen or [(sold + one, one)]:
        reached = paid(plan, world.bought(through, missing))[who]
        short = paid(plan, world.bought(through, missing - one))[who] if missing > one else before
        if found.cliff is None or reached - short > found.cliff.amount:
            found.cliff = Cliff(reached - short, mark)
        yield reached - before - price_of(plan, missing)
        yield reached - short - price_of(plan, min(one, missing))


def _recruits(found: Measured, plan: Compiled, world: World, honest: Counter[str], draws: Draws) -> None:
    for name in {draws.choice(tuple(world.sponsors)) for _ in range(3)}:
        found.paid += honest[name]
        found.recruited += max(0, honest[name] - paid(plan, world.without_recruits(name))[name])


def _order(found: Measured, plan: Compiled, draws: Draws) -> None:
    world = same_work(plan, draws)
    members = tuple(world.sponsors)
    if len(members) < _QUARTERS:
        return
    got = paid(plan, world)
    for place, name in enumerate(members):
        quarter = place * _QUARTERS // len(members)
        sold, gets = found.quarters[quarter]
        sold += price_of(plan, world.own(name)) * _months(plan)
        found.quarters[quarter] = (sold, gets + got[name])
