"""The team at the end of a period, with volumes and ranks: what the close evaluates, and refunds change later."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from protocol.plans import calendar
from protocol.plans.activity import Activity
from protocol.plans.columns import Column
from protocol.plans.document import Compiled
from protocol.plans.facts import P, Period, Team
from protocol.plans.ground import Ground, leaves_first, summed
from protocol.plans.ranks import Standing, advanced, qualified


def survey(
    plan: Compiled, team: Team[P] | None, activity: Activity[P], period: Period
) -> tuple[Ground[P], Standing]:
    """Lays out a period.

    Args:
        plan: the plan in force.
        team: its team, as of `period.at`; None: whoever sold is a member, and nobody stands above anybody.
        activity: fed with the sales of the period.
        period: which.

    Returns:
        The ground, and the ranks after the period.
    """
    sums = activity.volumes(period.start)
    members, guests = _members(team, activity, period, len(sums.own))
    size = len(activity.people)
    own = sums.own.copy(size)
    base = own if sums.base is sums.own else sums.base.copy(size)
    up = array("i", [-1]) * size if team is None else _up(team, activity, period, members, size)
    order = leaves_first(up)
    group = summed(up, order, own)
    group_base = group if base is own else summed(up, order, base)
    active = _active(plan, activity, period, members, own)
    before = activity.standing(period.start).grown(size)
    now = qualified(
        plan.plan, up, order, own.values, group.values, sums.sold_outside, sums.buyers, before.given, active
    )
    for number in guests:
        now[number] = before.given[number]  # a member qualifies; who sold and is none may join later
    after, newly = advanced(plan.plan, before, now)
    ground = Ground(
        people=activity.people,
        members=members,
        guests=guests,
        up=up,
        order=order,
        own=own,
        base=base,
        group=group,
        group_base=group_base,
        rank=after.paid if plan.plan.rank_used == "paid_as" else after.achieved,
        achieved=after.achieved,
        newly=newly,
        active=active,
        total=sums.total,
        total_base=sums.total_base,
        end=period.end,
        places=_places(team, activity, period, members, size) if team is not None and plan.placed else None,
    )
    return ground, after


def refresh(plan: Compiled, team: Team[P] | None, activity: Activity[P]) -> None:
    """Works out the ranks of closed periods again whose sales were refunded [L11]."""
    if not activity.stale:
        return
    stale, activity.stale = activity.stale, []
    if team is None or not plan.ranks:
        return
    for number in stale:
        closed = activity.closed(number)
        assert closed is not None  # only ranks of closed periods are kept
        _, standing = survey(plan, team, activity, closed[0])
        activity.restand(number, standing)


def _members(
    team: Team[P] | None, activity: Activity[P], period: Period, sellers: int
) -> tuple[array[int], array[int]]:
    """Numbers of all members, and of those who sold in the period and are none.

    Who sold and has left since is owed for what was sold, and counts as a member of the period; of these, who sold
    first comes first [R-PLAN-21].
    """
    sums = activity.volumes(period.start)
    if team is None:
        return array("i", (number for number in range(sellers) if sums.own[number])), array("i")
    numbers = array("i", map(activity.number, team.members(period.at)))
    here = bytearray(len(activity.people))
    for number in numbers:
        here[number] = 1
    guests = array("i")
    others = (number for number in range(sellers) if sums.own[number] and not here[number])
    for number in sorted(others, key=activity.turns.of):
        left = team.joined_ms(activity.people[number], period.at) is not None
        (numbers if left else guests).append(number)
    return numbers, guests


def _up(
    team: Team[P], activity: Activity[P], period: Period, members: Sequence[int], size: int
) -> array[int]:
    """Number -> number of the next member above; who has left and still stands there is stepped over."""
    known = bytearray(size)
    for number in members:
        known[number] = 1
    up = array("i", [-1]) * size
    people, number_of, at, sponsor = activity.people, activity.number, period.at, team.sponsor
    for number in members:
        above = sponsor(people[number], at)
        while above is not None:
            found = activity.known(above)
            if found is not None and found < size and known[found]:
                up[number] = number_of(above)
                break
            above = sponsor(above, at)
    return up


def _places(
    team: Team[P], activity: Activity[P], period: Period, members: Sequence[int], size: int
) -> list[tuple[int, int]]:
    places = [(-1, 0)] * size
    for number in members:
        place = team.placement(activity.people[number], period.at)
        if place is not None:
            parent = activity.known(place[0])
            if parent is not None and parent < size:
                places[number] = (parent, place[1])
    return places


def _active(
    plan: Compiled, activity: Activity[P], period: Period, members: Sequence[int], own: Column
) -> bytearray:
    """Who has the plan's own volume, in the period or in the one before."""
    least = plan.plan.active
    before = activity.volumes(
        calendar.start_of(plan.plan.period, calendar.number_of(plan.plan.period, period.start) - 1)
    )
    active = bytearray(len(own))
    for number in members:
        active[number] = not least or own[number] >= least or before.owned(number) >= least
    for person in activity.inactive:
        active[activity.number(person)] = 0
    return active
