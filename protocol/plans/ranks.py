"""Ranks: who qualifies in a period, what is kept by grace, what was ever achieved [R-PLAN-15]."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from protocol.plans.facts import Exact
from protocol.plans.tables import fraction
from protocol.records.plan import Plan, Rank


@dataclass(slots=True)
class Standing:
    """Ranks at the end of a period, by number of the member; -1 for none.

    Attributes:
        given: by hand, where a plan is tried on a file; never falls.
        paid: paid-as: qualified for, or kept by grace.
        achieved: the highest ever.
        missed: periods since `paid` was last qualified for.
    """

    given: array[int]
    paid: array[int]
    achieved: array[int]
    missed: array[int]

    @classmethod
    def empty(cls) -> Standing:
        """Nobody has a rank."""
        return cls(array("b"), array("b"), array("b"), array("b"))

    def grown(self, size: int) -> Standing:
        """A copy with room for so many members."""
        more = size - len(self.paid)
        none, never = array("b", [-1]) * more, array("b", [0]) * more
        return Standing(self.given + none, self.paid + none, self.achieved + none, self.missed + never)


def earned(rank: Rank) -> bool:
    """Whether a rank asks for anything; one that does not is never reached, only given."""
    return bool(
        rank.active_legs
        or rank.group
        or rank.leaders
        or rank.outside_buyers
        or rank.outside_volume
        or rank.own
    )


def qualified(
    plan: Plan,
    up: Sequence[int],
    order: Sequence[int],
    own: Sequence[Exact],
    group: Sequence[Exact],
    outside: Callable[[int], Exact],
    buyers: Callable[[int], int],
    given: array[int],
    active: Sequence[int],
) -> array[int]:
    """The rank that each member qualifies for in a period, in one pass from below.

    The highest rank of which every condition is met; lower ones need not be met. A leader in a leg is anybody in it
    who qualifies, in the same period, for the rank asked for or a higher one, or has it by hand.

    Args:
        plan: its ranks.
        up: number -> number above, -1 at the top.
        order: each after all below.
        own: own volume.
        group: own volume with that of all below.
        outside: volume sold outside the team.
        buyers: different buyers outside.
        given: ranks by hand, -1 for none.
        active: who is active.
    """
    ranks = [(number, rank) for number, rank in enumerate(plan.ranks) if earned(rank)]
    numbers = {rank.name: number for number, rank in enumerate(plan.ranks)}
    found = given[:]
    if not ranks:
        return found
    watched = _watched(plan)
    legs: dict[int, list[int]] = {}  # number -> highest rank of each leg that has one
    live: dict[int, int] = {}  # number -> legs with an active member
    leg_volumes: dict[int, list[Exact]] = {}
    best = given[:]  # highest rank in the group
    alive = bytearray(active)
    for number in order:
        for index, rank in reversed(ranks):
            if index <= found[number]:
                break
            if (
                own[number] >= rank.own
                and _capped(rank, own[number], group[number], leg_volumes.get(number, ())) >= rank.group
                and (not rank.outside_volume or outside(number) >= rank.outside_volume)
                and (not rank.outside_buyers or buyers(number) >= rank.outside_buyers)
                and live.get(number, 0) >= rank.active_legs
                and all(
                    sum(leg >= numbers[one.rank] for leg in legs.get(number, ())) >= one.legs
                    for one in rank.leaders
                )
            ):
                found[number] = index
                break
        best[number] = max(best[number], found[number])
        above = up[number]
        if above < 0:
            continue
        if watched.ranks and best[number] >= 0:
            legs.setdefault(above, []).append(best[number])
            best[above] = max(best[above], best[number])
        if watched.active and alive[number]:
            live[above] = live.get(above, 0) + 1
            alive[above] = 1
        if watched.volumes and group[number]:
            leg_volumes.setdefault(above, []).append(group[number])
    return found


def advanced(plan: Plan, before: Standing, now: array[int]) -> tuple[Standing, bytearray]:
    """Paid-as and achieved after a period, and who achieved a rank for the first time.

    Args:
        plan: its grace.
        before: with room for everybody.
        now: what each qualified for.
    """
    newly = bytearray(len(now))
    after = Standing(before.given, now[:], before.achieved[:], array("b", bytes(len(now))))
    if not plan.ranks:
        return after, newly
    for number, rank in enumerate(now):
        kept = before.paid[number]
        if rank < kept and before.missed[number] < plan.grace:
            after.paid[number], after.missed[number] = kept, before.missed[number] + 1
        if rank > before.achieved[number]:
            after.achieved[number], newly[number] = rank, 1
    return after, newly


@dataclass(frozen=True, slots=True)
class _Watched:
    """What of the legs some rank looks at; the rest is not kept."""

    ranks: bool
    active: bool
    volumes: bool


def _watched(plan: Plan) -> _Watched:
    return _Watched(
        any(rank.leaders for rank in plan.ranks),
        any(rank.active_legs for rank in plan.ranks),
        any(fraction(rank.leg_cap) < 1 for rank in plan.ranks),
    )


def _capped(rank: Rank, own: Exact, group: Exact, legs: Sequence[Exact]) -> Exact:
    """Group volume in which no leg counts for more than its share of what is asked for."""
    if not legs or fraction(rank.leg_cap) >= 1:
        return group
    most = fraction(rank.leg_cap) * rank.group
    return own + sum(min(leg, most) for leg in legs)
