"""Worlds for the laboratory of plans: a team and what it sold, drawn from a seed; and what a cheat makes of them.

The draws are a hash of the seed, so whoever lints a plan, on any machine, sees the same trees and the same figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, TypeVar

from msgspec import UNSET

from netnode.plans.files import FileTeam, place_rest
from protocol.plans.document import FAMILIES, Compiled
from protocol.plans.facts import Exact
from protocol.plans.rounding import exact

T = TypeVar("T")
MOST: Final = 16
"""Members of a world at most; why: gains show in small teams, and a report is waited for."""

_SHAPES: Final = (1, 3, 30)  # how far up a newcomer's sponsor is at most: a line, a bush, a star
_BYTES: Final = 8  # bytes of a draw


class Draws:
    """Whole numbers from a seed, the same everywhere; nothing secret may rest on them.

    Args:
        seed: of the laboratory.
        tree: number of the world.
    """

    __slots__ = ("_count", "_name")

    def __init__(self, seed: int, tree: int) -> None:
        self._name = f"plan laboratory {seed} {tree} "
        self._count = 0

    def below(self, bound: int) -> int:
        """A whole number from 0 to below `bound`."""
        self._count += 1
        digest = hashlib.sha256(f"{self._name}{self._count}".encode()).digest()
        return int.from_bytes(digest[:_BYTES], "big") % bound

    def choice(self, members: Sequence[T]) -> T:
        """One of them."""
        return members[self.below(len(members))]


@dataclass(frozen=True, slots=True)
class World:
    """A team and its sales of a month; each sale is to another buyer outside the team.

    Attributes:
        sponsors: member -> sponsor, in the order of joining.
        sales: member, and what the plan counts of the sale (minor units of its unit, or hundredths of a point).
        extra: sales of the first month alone.
    """

    sponsors: dict[str, str | None]
    sales: tuple[tuple[str, int], ...]
    extra: tuple[tuple[str, int], ...] = ()

    def team(self, plan: Compiled) -> FileTeam:
        """The trees of it; the placement tree follows the plan's spillover."""
        found = FileTeam(dict(self.sponsors))
        if plan.placed:
            place_rest(found, plan, "world")
        return found

    def own(self, member: str) -> int:
        """What a member sold in a month."""
        return sum(volume for name, volume in self.sales if name == member)

    def below(self, member: str) -> list[str]:
        """Who stands right below a member."""
        return [name for name, sponsor in self.sponsors.items() if sponsor == member]

    def group(self, member: str) -> list[str]:
        """A member and all below, the member first."""
        found = [member]
        for name in found:
            found += self.below(name)
        return found

    def bought(self, member: str, volume: int) -> World:
        """With a purchase in the first month through a member."""
        return replace(self, extra=(*self.extra, (member, volume)))

    def without_recruits(self, member: str) -> World:
        """Without all below a member, and what they sold."""
        gone = set(self.group(member)[1:])
        return World(
            {name: sponsor for name, sponsor in self.sponsors.items() if name not in gone},
            tuple(sale for sale in self.sales if sale[0] not in gone),
        )


def draw_world(plan: Compiled, draws: Draws, most: int = MOST) -> World:
    """A world in which the plan's volumes are within reach.

    Args:
        plan: compiled.
        draws: decide everything.
        most: members at most.
    """
    sponsors: dict[str, str | None] = {"m1": None}
    window = draws.choice(_SHAPES)
    for number in range(2, 2 + draws.below(most)):
        top = draws.below(20) == 0
        sponsors[f"m{number}"] = None if top else f"m{max(1, number - 1 - draws.below(window))}"
    sizes = thresholds(plan) or (unit_of(plan) * 100,)
    sales = []
    for name in sponsors:
        for _ in range(draws.below(4)):
            size = draws.choice(sizes)
            sales.append((name, max(1, draws.choice((size // 7, size // 3, size - 1, size, size * 2, 1)))))
    return World(sponsors, tuple(sales))


def same_work(plan: Compiled, draws: Draws) -> World:
    """A world in which everybody sells the same: what differs is when they joined, and below whom."""
    world = draw_world(plan, draws)
    sizes = thresholds(plan) or (unit_of(plan) * 100,)
    size = max(1, draws.choice(sizes) // (1 + draws.below(5)))
    return replace(world, sales=tuple((name, size) for name in world.sponsors))


def thresholds(plan: Compiled) -> tuple[int, ...]:
    """Volumes at which something of a plan changes, rising: steps, ranks, pairs, unlocking."""
    record = plan.plan
    found: set[object] = {record.active, record.unlock_volume}
    for rank in record.ranks:
        found |= {rank.group, rank.own, rank.outside_volume}
    for family in FAMILIES:
        for rule in getattr(record, family):
            found |= {getattr(rule, name, 0) for name in ("least", "strong", "weak")}
            steps = getattr(rule, "steps", ())
            found |= {step.at for step in steps} if isinstance(steps, tuple) else set()
    return tuple(sorted(each for each in found if isinstance(each, int) and each > 0))


def unit_of(plan: Compiled) -> int:
    """What one whole unit of volume is counted as."""
    return 10**plan.plan.unit.exponent if plan.plan.volume == "amount" else 100


def price_of(plan: Compiled, volume: int) -> Exact:
    """Net price of a volume in minor units of the plan's unit: of points what they are paid on, else one unit each."""
    if plan.plan.volume == "amount":
        return volume
    value = plan.plan.point_value
    if value is not UNSET:
        return exact(volume * value[0], value[1])
    return exact(volume * 10**plan.plan.unit.exponent, 100)


# -- what a cheat does ---------------------------------------------------------------------------------------
def splits(world: World, who: str, count: int, draws: Draws) -> Iterator[tuple[World, tuple[str, ...]]]:
    """One member as several, in the ways that are known to pay: each with the names that are one person.

    In a line with everything at its lower end; in a line and side by side with sales and legs divided by chance; and
    in a line with sales above and legs below.

    Args:
        world: honest.
        who: the member.
        count: identities in all, at least 2.
        draws: divide.
    """
    names = (who, *(f"{who}.{number}" for number in range(2, count + 1)))
    line: dict[str, str | None] = {name: above for above, name in pairwise(names)}
    beside: dict[str, str | None] = dict.fromkeys(names[1:], world.sponsors[who])
    last = names[-1]
    yield _divided(world, names, line, [last], [last], draws), names
    yield _divided(world, names, line, [who], [last], draws), names
    yield _divided(world, names, line, names, names, draws), names
    yield _divided(world, names, beside, names, names, draws), names


def _divided(
    world: World,
    names: tuple[str, ...],
    aliases: dict[str, str | None],
    sellers: Sequence[str],
    heads: Sequence[str],
    draws: Draws,
) -> World:
    who = names[0]
    sponsors: dict[str, str | None] = {}
    for name, sponsor in world.sponsors.items():
        sponsors[name] = draws.choice(heads) if sponsor == who else sponsor
        if name == who:
            sponsors |= aliases
    sales: list[tuple[str, int]] = []
    for name, volume in world.sales:
        if name != who:
            sales.append((name, volume))
            continue
        cut = draws.below(volume) if len(sellers) > 1 else 0
        sales += [(draws.choice(sellers), part) for part in (volume - cut, cut) if part]
    return World(sponsors, tuple(sales))


def inserted(world: World, who: str, draws: Draws) -> Iterator[tuple[World, tuple[str, ...]]]:
    """A false sponsor who sells nothing: above a member, and between it and its legs.

    Args:
        world: honest.
        who: the member.
        draws: decide whether all legs go below the false sponsor.
    """
    false = f"{who}.false"
    sponsors: dict[str, str | None] = {}
    for name, sponsor in world.sponsors.items():
        if name == who:
            sponsors[false] = sponsor
        sponsors[name] = false if name == who else sponsor
    yield replace(world, sponsors=sponsors), (who, false)
    some = draws.below(2)
    sponsors = {}
    for name, sponsor in world.sponsors.items():
        moved = sponsor == who and not (some and draws.below(2))
        sponsors[name] = false if moved else sponsor
        if name == who:
            sponsors[false] = who
    yield replace(world, sponsors=sponsors), (who, false)
