"""An open period kept level with its sales: what its close would come to now, at the cost of what has changed.

A sale changes the groups of the members above it and nothing else, as long as the plan's rules by period are
differentials without breakaway, which look at a member, its group and its legs. Then a new sale costs one walk up the
line of its owner. Everything else (another rule, a cap, a member who moved or left, an outside share that begins to
count) is said by `level`: then the period is evaluated as a whole again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Generic, Protocol

from msgspec import UNSET

from protocol.plans.activity import Activity
from protocol.plans.claims import Claim
from protocol.plans.columns import Column
from protocol.plans.document import Compiled
from protocol.plans.evaluate import awards_of
from protocol.plans.facts import Award, Exact, P, Period, Team
from protocol.plans.families.differentials import Differentials
from protocol.plans.gates import Gates, rounded, shrink
from protocol.plans.ground import Ground
from protocol.plans.surveying import refresh, survey


class Growing(Team[P], Protocol[P]):
    """A team that says what changed of it."""

    revision: int

    def everybody(self, first: int = 0) -> Iterator[P]:
        """Everybody who ever was a member, in the order in which they first joined, from that place on."""


def runs(plan: Compiled) -> bool:
    """Whether the open period of a plan can be kept level."""
    return (
        bool(plan.ground)
        and all(isinstance(rule, Differentials) and rule.breakaway is None for rule in plan.ground)
        and not plan.by_close
        and not plan.by_close_matching
        and plan.plan.rounding == "down"
        and plan.plan.duty is UNSET
        and plan.plan.cap_member is UNSET
        and plan.plan.cap_company is UNSET
    )


class Running(Generic[P]):
    """One open period.

    Args:
        plan: one that `runs`.
        team: its team.
        activity: of the plan; of one activity one period runs at a time.
        period: that is open.
    """

    __slots__ = (
        "_activity", "_amounts", "_gates", "_ground", "_here", "_joined", "_less", "_members", "_plan", "_revisions",
        "_rules", "_share", "_sums", "_team", "closing", "period",
    )  # fmt: skip

    def __init__(self, plan: Compiled, team: Growing[P], activity: Activity[P], period: Period) -> None:
        self._plan = plan
        self._team = team
        self._activity = activity
        self.period = period
        refresh(plan, team, activity)
        self._ground: Ground[P] = survey(plan, team, activity, period)[0]
        self._sums = activity.watched(period.start)
        self._joined = sum(1 for _ in team.everybody())
        self._members = sum(1 for _ in team.members())
        self._here = bytearray(len(self._ground.up))
        for number in self._ground.members:
            self._here[number] = 1
        self._revisions = (team.revision, activity.revision)
        self._share = shrink(plan, self._sums)
        self._gates = Gates[int](
            plan,
            self._sums,
            (lambda number: activity.locked(number, period.start)) if activity.locks else None,
            None,
            self._ground.position,
        )
        self._rules = tuple(rule for rule in plan.ground if isinstance(rule, Differentials))
        ground = self._ground
        self._less = [rule.less(ground, ground.group, ground.group_base) for rule in self._rules]
        self._amounts = [Column(len(ground.up)) for _ in self._rules]
        self.closing = 0
        """What all awards come to now, minor units."""
        for rule, awarded in zip(self._rules, self._amounts, strict=True):
            dues = self._gates.passed(rule.name, rule.claims(ground))
            for due, amount in rounded(plan, dues, plan.period_bound, self.base):
                awarded[due.claim.to] = amount
                self.closing += amount

    @property
    def base(self) -> Exact:
        """Commissionable amount of the period so far."""
        return self._sums.total_base

    def awards(self, first: int, limit: int) -> tuple[Award[P], ...]:
        """Some of the awards, in the order of the close."""
        found = (
            (place, number)
            for place, amounts in enumerate(self._amounts)
            for number in self._ground.members
            if amounts[number]
        )
        made: tuple[Award[P], ...] = ()
        for place, number in islice(found, first, first + limit):
            claim = self._claim(place, number)
            assert claim is not None  # its award has an amount
            dues = self._gates.passed(self._rules[place].name, (claim,))
            amounts = rounded(self._plan, dues, self._plan.period_bound, self.base)
            made += awards_of(amounts, self.period.label, self._activity.people.__getitem__)[0]
        return made

    def level(self, period: Period) -> bool:
        """Takes in what has changed; False where the period has to be evaluated anew.

        Args:
            period: that is open now.
        """
        if (period.start, self._revisions, self._share) != (
            self.period.start,
            (self._team.revision, self._activity.revision),
            shrink(self._plan, self._sums),
        ):
            return False
        touched: set[int] = set()
        for person in self._team.everybody(self._joined):
            self._joined += 1
            touched.update(self._enter(person))
        changed, self._sums.changed = self._sums.changed, set()
        for number in changed or ():
            touched.update(self._sold(number))
        for place in range(len(self._rules)):
            for number in touched:
                self._award(place, number)
        return True

    def _enter(self, person: P) -> Iterator[int]:
        """A new member, whom nobody stands below; what it sold in the period as a guest counts from now on."""
        ground, number = self._ground, self._activity.number(person)
        self._grow(number)
        above = self._team.sponsor(person)
        assert above is not None  # every member has one
        ground.members.insert(self._members, number)  # those who have left and are paid still come last
        self._members += 1
        self._here[number] = 1
        if self._team.member(above):
            ground.up[number] = self._activity.number(above)
            group, base = ground.group[number], ground.group_base[number]
            worths = [rule.curve.worth(group, base) for rule in self._rules]
            for less, worth in zip(self._less, worths, strict=True):
                less[ground.up[number]] += worth
            yield from self._add(ground.up[number], group, base)
        yield number

    def _sold(self, number: int) -> Iterator[int]:
        """A member whose sales have changed."""
        ground, sums = self._ground, self._sums
        self._grow(number)
        volume = sums.owned(number) - ground.own[number]
        base = volume if ground.base is ground.own else sums.base[number] - ground.base[number]
        ground.own[number] += volume
        if ground.base is not ground.own:
            ground.base[number] += base
        yield from self._add(number, volume, base)

    def _add(self, number: int, volume: Exact, base: Exact) -> Iterator[int]:
        """Adds to the groups of a member and of all above."""
        ground = self._ground
        group, bases = ground.group, ground.group_base
        for each in ground.line(number):
            before = [rule.curve.worth(group[each], bases[each]) for rule in self._rules]
            group[each] += volume
            if bases is not group:
                bases[each] += base
            above = ground.up[each]
            if above >= 0:
                for rule, less, worth in zip(self._rules, self._less, before, strict=True):
                    less[above] += rule.curve.worth(group[each], bases[each]) - worth
            yield each

    def _grow(self, number: int) -> None:
        """Makes room for a number that is new."""
        ground = self._ground
        more = number + 1 - len(ground.up)
        if more <= 0:
            return
        ground.up.extend([-1] * more)
        self._here.extend(bytes(more))
        columns = {
            id(each): each for each in (ground.own, ground.base, ground.group, ground.group_base, *self._less)
        }
        for column in columns.values():
            column.reach(number + 1)
        for amounts in self._amounts:
            amounts.reach(number + 1)

    def _claim(self, place: int, number: int) -> Claim[int] | None:
        ground = self._ground
        return self._rules[place].claim(
            number,
            ground.group[number],
            ground.group_base[number],
            ground.base[number],
            self._less[place][number],
        )

    def _award(self, place: int, number: int) -> None:
        """Works one award out anew."""
        amount, claim = 0, self._claim(place, number)
        if claim is not None and self._here[number]:
            dues = self._gates.passed(self._rules[place].name, (claim,))
            ((_, amount),) = rounded(self._plan, dues, self._plan.period_bound, self.base)
        self.closing += amount - int(self._amounts[place][number])
        self._amounts[place][number] = amount
