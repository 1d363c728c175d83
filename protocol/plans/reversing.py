"""Which awards of a closed period rest on a sale that was refunded later [L11]."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic

from protocol.plans.claims import Line, Stake
from protocol.plans.closed import Closed
from protocol.plans.document import Compiled
from protocol.plans.facts import Exact, P
from protocol.plans.families.binaries import Binaries
from protocol.plans.families.differentials import Differentials, Overrides
from protocol.plans.families.matches import Matches
from protocol.plans.families.pools import Contributions, Pools
from protocol.plans.ground import Ground

_DUTY = ":duty"


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


def reversals(plan: Compiled, closed: Closed[P], owner: int | None, volume: Exact) -> tuple[Reversal[P], ...]:
    """The awards that rest on a sale.

    Args:
        plan: in force in the period.
        closed: the period of the sale.
        owner: number of the member whose sale it was; None: nobody's: it counts in the sums of the whole team alone.
        volume: of the refunded part.
    """
    touched = (
        {} if owner is None else {name: set(told) for name, told in _touched(plan, closed.ground, owner)}
    )
    everybody: set[tuple[P, int | None]] = {(to, None) for to in closed.ground.people}
    touched |= {rule.name: everybody for rule in plan.ground if isinstance(rule, Pools)}
    for rule in plan.by_close_matching:
        touched[rule.name] = set(_matched(rule, closed, touched))
    found = []
    for award in closed.awards:
        name = award.rule.removesuffix(_DUTY)
        reached = touched.get(name, ())
        if (
            name != award.rule
        ):  # who did the duty of somebody in the line: by level, since the award names no leg
            rests = any(level in (award.level, None) for _, level in reached)
        else:
            rests = (award.to, award.level) in reached or (award.to, None) in reached
        if rests:
            found.append(Reversal(award.source, award.to, award.rule, award.level, min(volume, award.volume)))
    return tuple(found)


def _matched(
    rule: Matches, closed: Closed[P], touched: Mapping[str, set[tuple[P, int | None]]]
) -> Iterator[tuple[P, int | None]]:
    """Who is paid, on which level, for what others were paid that rests on the sale."""
    ground = closed.ground
    numbers = {person: number for number, person in enumerate(ground.people)}
    for award in closed.awards:
        reached = touched.get(award.rule.removesuffix(_DUTY), ())
        if award.rule in rule.of and ((award.to, award.level) in reached or (award.to, None) in reached):
            level = 0
            for number in ground.line(ground.up[numbers[award.to]]):
                if rule.least is None or ground.rank[number] >= rule.least:
                    level += 1
                    yield ground.people[number], level


def _touched(
    plan: Compiled, ground: Ground[P], owner: int
) -> Iterator[tuple[str, Iterator[tuple[P, int | None]]]]:
    """Rule -> who is paid on an owner's sales, and on which level; None: whatever the level."""
    people = ground.people
    for rule in plan.ground:
        match rule:
            case Differentials():
                yield rule.name, ((people[each], None) for each in _group(ground, owner, rule.breakaway))
            case Overrides():
                yield rule.name, ((people[each], level) for each, level in _above(ground, owner, rule.least))
            case Binaries():
                yield rule.name, ((people[each], None) for each in _placed(ground, owner))
            case Contributions():
                yield rule.name, ((people[each], None) for each in ground.line(owner))
    first = 0 if plan.plan.origin == "referrer" else 1
    line = Line(owner, True, first, tuple(ground.seat(each) for each in ground.line(owner)))
    for one in plan.by_close:
        claims = one.claims(line, Stake(1, ground.own[owner], ground.end))
        yield one.name, ((people[claim.to], claim.level) for claim in claims)


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
