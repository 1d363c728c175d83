"""A plan, a team and what was sold: the awards. What every reader of a ledger calls [R-PLAN-12..20]."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice
from typing import Generic, TypeVar

from msgspec import UNSET, Struct

from protocol.plans.activity import Activity, Counted
from protocol.plans.claims import Claim, Line, Seat, Stake
from protocol.plans.closed import Closed
from protocol.plans.document import Compiled, GroundRule, LineRule
from protocol.plans.facts import Award, Duties, Exact, P, Period, Reason, SaleFacts, Team, Withheld
from protocol.plans.families.binaries import Binaries
from protocol.plans.families.differentials import Differentials, Overrides
from protocol.plans.families.matches import Matches
from protocol.plans.families.paths import OwnSales
from protocol.plans.gates import Due, Gates, cap_company, cap_members, rounded
from protocol.plans.ground import Ground
from protocol.plans.rounding import down
from protocol.plans.rows import Sorting
from protocol.plans.surveying import refresh, survey
from protocol.plans.tables import fraction

T = TypeVar("T")


class Outcome(Struct, Generic[P], frozen=True, gc=False):
    """What one sale came to.

    Attributes:
        awards: in the order of the plan's rules, then by level.
        withheld: what did not become an award, for explanations.
        counted: whose sale it is, and how much of it counts.
    """

    awards: tuple[Award[P], ...]
    withheld: tuple[Withheld[P], ...]
    counted: Counted[P]


def evaluate_sale(
    plan: Compiled,
    team: Team[P] | None,
    activity: Activity[P],
    sale: SaleFacts[P],
    duties: Duties[P] | None = None,
) -> tuple[Award[P], ...]:
    """The awards that one sale causes by itself, evaluated as of the sale.

    Args:
        plan: the plan in force at the sale.
        team: its team; None for a plan of path rules without one.
        activity: as it stood before the sale, which `activity.take` adds afterwards.
        sale: what was sold.
        duties: asked where the plan has duties.

    Returns:
        In the order of the plan's rules, then by level; the sum is at most `plan.maximum` of the commissionable
        amount [L8, R10].
    """
    return assess_sale(plan, team, activity, sale, duties).awards


def assess_sale(
    plan: Compiled,
    team: Team[P] | None,
    activity: Activity[P],
    sale: SaleFacts[P],
    duties: Duties[P] | None = None,
    counted: Counted[P] | None = None,
) -> Outcome[P]:
    """As `evaluate_sale`, with what did not become an award and why; `counted` where it is known how much counts."""
    refresh(plan, team, activity)
    counted = counted or activity.counted(sale, team)
    if counted.owner is None or not plan.by_sale:
        return Outcome((), (), counted)
    stake = Stake(
        plan.base(sale.amount, sale.points) * counted.part,
        plan.volume(sale.amount, sale.points) * counted.part,
        sale.time,
        sale.listing,
        sale.renewal,
    )
    seat = _seats(plan, team, activity, sale, counted.owner, stake.volume)
    line = _line(plan, team, sale, counted, seat)
    done_by = _done_by(plan, duties, sale.at)

    def position(person: P) -> int:
        return next(
            (place for place, each in enumerate(line.seats) if each.person == person), len(line.seats)
        )

    def locked(person: P) -> Reason | None:
        return activity.locked_at(person, sale.time, sale.before)

    sums = activity.volumes(activity.before(sale.time))
    gates = Gates(plan, sums, locked if activity.locks else None, done_by, position)
    claims = ((rule.name, rule.claims(line, stake)) for rule in plan.by_sale)

    def above(person: P) -> Iterator[Seat[P]]:
        return (seat(each) for each in _upline(team, sale, person)) if team is not None else iter(())

    dues = _matched(claims, gates, plan.by_sale_matching, above)
    base = plan.base(sale.amount, sale.points)
    awards, withheld = awards_of(rounded(plan, dues, plan.sale_share, base), sale.id, lambda person: person)
    return Outcome(awards, withheld, counted)


def raise_sale(
    plan: Compiled,
    team: Team[P] | None,
    activity: Activity[P],
    first: SaleFacts[P],
    larger: SaleFacts[P],
    duties: Duties[P] | None = None,
    time: int | None = None,
) -> tuple[Award[P], ...]:
    """The awards of a sale that a later entry of its order raised, evaluated as of the first entry [L12].

    Args:
        plan: in force at the first entry.
        team: its team.
        activity: with the first entry taken, and whatever came after it; `activity.take_more` follows.
        first: as it was taken.
        larger: the same sale (id, place, time, people) with a larger amount.
        duties: asked where the plan has duties.
        time: date of the later entry, ms UTC; None: that of the sale.
    """
    counted = activity.raised(first, larger, team, time)
    return assess_sale(plan, team, activity, larger, duties, counted).awards


def evaluate_period(
    plan: Compiled,
    team: Team[P] | None,
    activity: Activity[P],
    period: Period,
    duties: Duties[P] | None = None,
) -> Closed[P]:
    """The awards of a period and what each member has at its end; changes nothing of what was sold.

    Every period is closed, also one without period rules: ranks and carry go on from it. `activity.close` takes the
    result over.

    Args:
        plan: the plan in force in the period.
        team: its team; None for a plan of tiers without one.
        activity: fed with all sales and refunds logged before the close.
        period: one that has ended.
        duties: asked where the plan has duties.
    """
    refresh(plan, team, activity)
    ground, standing = survey(plan, team, activity, period)
    people = activity.people
    carry: dict[str, dict[int, tuple[Exact, Exact]]] = {}
    done_by: Callable[[int, int], int | None] | None = None
    asked = _done_by(plan, duties, period.at)
    if asked is not None:

        def done_by(upline: int, head: int) -> int | None:
            found = asked(people[upline], people[head])
            return None if found is None else activity.number(found)

    sums = activity.volumes(period.start)
    gates = Gates(
        plan,
        sums,
        (lambda number: activity.locked(number, period.start)) if activity.locks else None,
        done_by,
        ground.position,
    )
    claims = _close_claims(plan, activity, ground, carry, gates)
    dues = _matched(
        claims,
        gates,
        plan.by_close_matching,
        lambda number: (ground.seat(each) for each in ground.line(ground.up[number])),
    )
    if plan.plan.cap_member is not UNSET:
        dues = cap_members(dues, plan.plan.cap_member)
    if plan.plan.cap_company is not UNSET:
        listed = list(dues)
        cap_company(listed, fraction(plan.plan.cap_company) * ground.total_base)
        dues = iter(listed)
    share = plan.period_bound if plan.by_sale else fraction(plan.plan.maximum)
    amounts = rounded(plan, dues, share, ground.total_base)
    sorting = Sorting(people, period.label)
    sorting.take(amounts)
    return Closed(
        period,
        sorting.awards,
        sorting.held,
        sums.outside_share,
        ground.total_base,
        standing,
        carry,
        ground,
        tuple(plan.ranks),
        tuple(rule.curve for rule in plan.ground if isinstance(rule, Differentials)),
        tuple(rule.curve for rule in plan.by_close if isinstance(rule, OwnSales)),
        gates.sources,
    )


def _close_claims(
    plan: Compiled,
    activity: Activity[P],
    ground: Ground[P],
    carry: dict[str, dict[int, tuple[Exact, Exact]]],
    gates: Gates[int],
) -> Iterator[tuple[str, Iterable[Claim[int]]]]:
    """The claims of all period rules but matching, in the order of the plan."""
    rules: dict[str, LineRule | GroundRule] = {rule.name: rule for rule in (*plan.ground, *plan.by_close)}
    for name in plan.names:
        rule = rules.get(name)
        if rule is None:
            continue
        if isinstance(rule, Binaries):
            kept = carry[name] = {}
            yield name, rule.claims(ground, activity.carry(name), kept)
        elif isinstance(rule, Overrides):
            yield name, gates.ordered(rule.claims(ground))
        elif isinstance(rule, GroundRule):
            yield name, rule.claims(ground)
        else:
            yield name, gates.ordered(_each_member(plan, rule, ground))


def _each_member(plan: Compiled, rule: LineRule, ground: Ground[P]) -> Iterator[Claim[int]]:
    """A rule that looks at lines, on each member's own sales of the period; one claim a recipient and level."""
    first = 0 if plan.plan.origin == "referrer" else 1
    found: dict[tuple[int, int], Claim[int]] = {}
    owners = chain(ground.members, ground.guests) if isinstance(rule, OwnSales) else ground.members
    for owner in owners:
        if ground.base[owner] <= 0:
            continue
        seats = tuple(ground.seat(number) for number in ground.line(owner))
        line = Line(owner, True, first, seats)
        for claim in rule.claims(line, Stake(ground.base[owner], ground.own[owner], ground.end)):
            known = found.get((claim.to, claim.level))
            if claim.head is not None:
                claim.legs = ((claim.head, claim.value - claim.free),)
            if known is None:
                found[claim.to, claim.level] = claim
                continue
            known.base += claim.base
            known.value += claim.value
            known.free += claim.free
            known.less += claim.less
            known.volume += claim.volume
            known.legs += claim.legs
    yield from found.values()


def _matched(
    claims: Iterable[tuple[str, Iterable[Claim[T]]]],
    gates: Gates[T],
    matching: tuple[Matches, ...],
    above: Callable[[T], Iterable[Seat[T]]],
) -> Iterator[Due[T]]:
    """All claims through their gates, then those of the matching rules on what the others left."""
    if not matching:
        for name, given in claims:
            yield from gates.passed(name, given)
        return
    wanted = frozenset[str]().union(*(rule.of for rule in matching))
    earned: dict[str, list[tuple[T, Fraction, Exact]]] = {name: [] for name in wanted}
    for name, given in claims:
        for due in gates.passed(name, given):
            if name in wanted:
                claim = due.claim
                earned[name].append((claim.to, Fraction(claim.value) / claim.den, claim.volume))
            yield due
    for rule in matching:
        found = [each for name in sorted(rule.of) for each in earned[name] if each[1] > 0]
        yield from gates.passed(rule.name, gates.ordered(rule.claims(found, above)))


def awards_of(
    amounts: Iterable[tuple[Due[T], int]], source: Hashable, person: Callable[[T], P]
) -> tuple[tuple[Award[P], ...], tuple[Withheld[P], ...]]:
    """Rounded dues as awards, and what did not become one.

    Args:
        amounts: as `gates.rounded` gives them.
        source: id of the sale, or label of the period.
        person: who a claim's recipient is.
    """
    awards: list[Award[P]] = []
    withheld: list[Withheld[P]] = []
    for due, amount in amounts:
        claim = due.claim
        if amount > 0:
            kept = down(due.kept, claim.den) if due.kept else 0
            num, den = claim.mean(due.kept)
            awards.append(
                Award(
                    person(claim.to),
                    amount,
                    due.rule,
                    claim.level,
                    claim.base,
                    num,
                    den,
                    source,
                    claim.less,
                    claim.volume,
                    kept,
                    due.reason,
                )
            )
        elif due.reason is not None:
            lost = down(due.kept, claim.den)
            withheld.append(Withheld(person(claim.to), lost, due.rule, claim.level, source, due.reason))
    return tuple(awards), tuple(withheld)


def _seats(
    plan: Compiled,
    team: Team[P] | None,
    activity: Activity[P],
    sale: SaleFacts[P],
    owner: P,
    volume: Exact,
) -> Callable[[P], Seat[P]]:
    """Makes seats as of a sale."""
    standing = activity.standing(sale.time, sale.before)
    ranks = standing.paid if plan.plan.rank_used == "paid_as" else standing.achieved
    ranked, time, at, before, referrer = len(ranks), sale.time, sale.at, sale.before, sale.referrer

    def seat(person: P) -> Seat[P]:
        number = activity.known(person) if ranked else None
        inside = team is None or team.member(person, at)
        guest = person == referrer and not inside
        rank = -1 if number is None or number >= ranked or guest else ranks[number]
        active = activity.active(person, time, before, volume if person == owner else 0)
        return Seat(person, rank, active, inside or person == referrer)

    return seat


def _line(
    plan: Compiled,
    team: Team[P] | None,
    sale: SaleFacts[P],
    counted: Counted[P],
    seat: Callable[[P], Seat[P]],
) -> Line[P]:
    owner = counted.owner
    assert owner is not None
    if team is None:
        above: Iterable[P] = sale.path[1:] if sale.path[:1] == (owner,) else ()
    else:
        above = _upline(team, sale, owner)
    people = (owner, *(above if plan.reach is None else islice(above, plan.reach)))
    places: tuple[Seat[P], ...] = ()
    if team is not None and plan.plan.matrix:
        over = () if _guest(team, sale, owner) else _places(team, owner, sale.at)
        places = tuple(map(seat, (owner, *islice(over, plan.height))))
    return Line(
        owner,
        owner != sale.buyer,
        0 if counted.level_one else 1,
        tuple(map(seat, people)),
        places,
        None if team is None else team.joined_ms(owner, sale.at),
    )


def _guest(team: Team[P], sale: SaleFacts[P], person: P) -> bool:
    """Whether somebody referred the sale and is no member: paid for the sale itself, with nobody above [R-PLAN-19]."""
    return person == sale.referrer and not team.member(person, sale.at)


def _upline(team: Team[P], sale: SaleFacts[P], person: P) -> Iterator[P]:
    at = sale.at
    above = None if _guest(team, sale, person) else team.sponsor(person, at)
    while above is not None:
        higher = team.sponsor(above, at)
        if higher is None and not team.member(above, at):
            return  # the owner of the team, who is no member
        yield above
        above = higher


def _places(team: Team[P], person: P, at: int) -> Iterator[P]:
    place = team.placement(person, at)
    while place is not None:
        if team.member(place[0], at) or team.placement(place[0], at) is not None:
            yield place[0]
        place = team.placement(place[0], at)


def _done_by(plan: Compiled, duties: Duties[P] | None, at: int) -> Callable[[P, P], P | None] | None:
    if plan.plan.duty is UNSET or duties is None:
        return None
    return lambda upline, head: duties.done_by(upline, head, at)
