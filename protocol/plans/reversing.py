"""Which awards of a closed period rest on a sale that was refunded later [L11]."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic

from protocol.plans.claims import Line, Stake
from protocol.plans.closed import Settled
from protocol.plans.document import Compiled
from protocol.plans.facts import Exact, P
from protocol.plans.families.binaries import Binaries
from protocol.plans.families.differentials import Differentials, Overrides
from protocol.plans.families.matches import Matches
from protocol.plans.families.pools import Contributions, Pools
from protocol.plans.gates import DUTY
from protocol.plans.ground import Ground


@dataclass(frozen=True, slots=True)
class Reversal(Generic[P]):
    """One award of a closed period, and how much of the volume it rests on was refunded.

    What remains of it is award x (its volume - all reversed volume) / its volume, rounded toward zero.
    """

    source: Hashable
    to: P
    rule: str
    level: int
    volume: Exact


def reversals(
    plan: Compiled, closed: Settled[P], owner: int | None, volume: Exact
) -> tuple[Reversal[P], ...]:
    """The awards that rest on a sale.

    Args:
        plan: in force in the period.
        closed: the period of the sale.
        owner: number of the member whose sale it was; None: nobody's: it counts in the sums of the whole team alone.
        volume: of the refunded part.
    """
    people = closed.ground.people
    everybody = {rule.name for rule in plan.ground if isinstance(rule, Pools)}
    touched = (
        {} if owner is None else {name: set(told) for name, told in _touched(plan, closed.ground, owner)}
    )
    for rule in plan.by_close_matching:
        touched[rule.name] = set(_matched(rule, closed, touched, rule.of & everybody))
    numbers = {(name, to, level) for name, found in touched.items() for to, level in found}
    numbers |= set(_by_duty(closed, touched))
    reached = {(rule, people[to], level) for rule, to, level in numbers}
    awards = closed.awards if everybody else closed.awards.of(to for _, to, _ in numbers)
    return tuple(
        Reversal(award.source, award.to, award.rule, award.level, min(volume, award.volume))
        for award in awards
        if award.rule in everybody
        or (award.rule, award.to, award.level) in reached
        or (award.rule, award.to, None) in reached
    )


_Touched = dict[str, set[tuple[int, int | None]]]
"""Rule -> who is paid on a sale, by number, and on which level; None: whatever the level."""


def _by_duty(closed: Settled[P], touched: _Touched) -> Iterator[tuple[str, int, int]]:
    """Awards for duties (rule, to, level) that were taken from awards which rest on the sale."""
    for (to, rule, level), sources in closed.sources.items():
        found = touched.get(rule.removesuffix(DUTY), ())
        if any((source, level) in found or (source, None) in found for source in sources):
            yield rule, to, level


def _matched(
    rule: Matches, closed: Settled[P], touched: _Touched, pools: Collection[str]
) -> Iterator[tuple[int, int | None]]:
    """Who has a share of what those earned whose awards rest on the sale; those of `pools` do, whosever it was."""
    ground = closed.ground
    paid = {(each.rule.removesuffix(DUTY), each.to) for each in closed.awards}
    paid |= {(each.rule.removesuffix(DUTY), each.to) for each in closed.withheld}
    found = {(name, to) for name in rule.of for to, _ in touched.get(name, ())}
    found |= {(each.removesuffix(DUTY), to) for each, to, _ in _by_duty(closed, touched)}
    if pools:
        numbers = {person: number for number, person in enumerate(ground.people)}
        found |= {(each.rule, numbers[each.to]) for each in closed.awards if each.rule in pools}
    earned = [
        (to, Fraction(1), 1)
        for name, to in sorted(found)
        if name in rule.of and (name, ground.people[to]) in paid
    ]
    claims = rule.claims(earned, lambda number: (ground.seat(one) for one in ground.line(ground.up[number])))
    yield from ((claim.to, claim.level) for claim in claims)


def _touched(
    plan: Compiled, ground: Ground[P], owner: int
) -> Iterator[tuple[str, Iterator[tuple[int, int | None]]]]:
    """What rules that look at sales pay on an owner's."""
    for rule in plan.ground:
        match rule:
            case Differentials():
                yield rule.name, ((each, None) for each in _group(ground, owner, rule.breakaway))
            case Overrides():
                yield rule.name, ((each, level) for each, level in _above(ground, owner, rule.least))
            case Binaries():
                yield rule.name, ((each, None) for each in _placed(ground, owner))
            case Contributions():
                yield rule.name, ((each, None) for each in ground.line(owner))
    first = 0 if plan.plan.origin == "referrer" else 1
    line = Line(owner, True, first, tuple(ground.seat(each) for each in ground.line(owner)))
    for one in plan.by_close:
        claims = one.claims(line, Stake(1, ground.own[owner], ground.end))
        yield one.name, ((claim.to, claim.level) for claim in claims)


def _group(ground: Ground[P], owner: int, away: int | None) -> Iterator[int]:
    """Who has an owner in its group: all above, up to the first that broke away."""
    for number in ground.line(owner):
        yield number
        if away is not None and ground.rank[number] >= away:
            return


def _above(ground: Ground[P], owner: int, least: int) -> Iterator[tuple[int, int]]:
    """Generations above the head of the group that an owner is in."""
    heads = [number for number in ground.line(owner) if ground.rank[number] >= least]
    yield from ((number, generation) for generation, number in enumerate(heads[1:], 1))


def _placed(ground: Ground[P], owner: int) -> Iterator[int]:
    """Everybody above in the placement tree."""
    assert ground.places is not None
    number = ground.places[owner][0]
    while number >= 0:
        yield number
        number = ground.places[number][0]
