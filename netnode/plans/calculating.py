"""The calculator: a plan, a tree and sales from files, evaluated as a ledger would be, period by period."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic

from netnode.plans.files import FileTeam, Raise, Refund, Sold
from netnode.plans.values import decimal, in_units
from protocol.plans import calendar
from protocol.plans.activity import Activity
from protocol.plans.closed import Closed, MemberState
from protocol.plans.document import Compiled
from protocol.plans.evaluate import Outcome, assess_sale, evaluate_period, raise_sale
from protocol.plans.facts import Award, Duties, Exact, P, SaleFacts, Team, Withheld


@dataclass(frozen=True, slots=True)
class Line(Generic[P]):
    """One line of the result: an award, or what a refund takes back of one (a negative amount).

    Attributes:
        period: name of the period, of an award at its close; None for one of a sale.
    """

    award: Award[P]
    amount: int
    period: str | None


@dataclass(frozen=True, slots=True)
class Result(Generic[P]):
    """All lines in the order in which they arise, and what each member has after the last period.

    Attributes:
        withheld: what did not become an award, each with the name of its period; None for what a sale lacks.
        uncounted: id of a sale that counts less than whole, and the rule that says so.
    """

    lines: tuple[Line[P], ...]
    withheld: tuple[tuple[Withheld[P], str | None], ...]
    uncounted: tuple[tuple[str, str], ...]
    states: dict[P, MemberState]

    @property
    def totals(self) -> dict[P, int]:
        """Minor units by member, of everybody who was ever awarded anything."""
        found: dict[P, int] = {}
        for line in self.lines:
            found[line.award.to] = found.get(line.award.to, 0) + line.amount
        return found


DutiesAt = Callable[[int], Duties[P]]
"""Who did what uplines owe, as of a moment in ms UTC."""


def calculate(
    plan: Compiled, team: Team[P] | None, sold: Sold[P], duties: DutiesAt[P] | None = None
) -> Result[P]:
    """Evaluates everything: sales in their order, then the close of each period, refunds as they come.

    Args:
        plan: compiled.
        team: None for a plan that needs none; of a file, with what members have before.
        sold: sales and refunds; those of one period stand together.
        duties: None: all are done.
    """
    return _Run(plan, team, sold, duties).result()


class _Run(Generic[P]):
    def __init__(
        self, plan: Compiled, team: Team[P] | None, sold: Sold[P], duties: DutiesAt[P] | None
    ) -> None:
        self._plan, self._team, self._sold, self._duties = plan, team, sold, duties
        self._activity: Activity[P] = Activity(plan)
        self._lines: list[Line[P]] = []
        self._withheld: list[tuple[Withheld[P], str | None]] = []
        self._uncounted: list[tuple[str, str]] = []
        self._sales: dict[Hashable, SaleFacts[P]] = {}
        self._awards: dict[Hashable, list[Award[P]]] = {}
        self._left: dict[tuple[str, P, str, int], tuple[Award[P], int, Fraction]] = {}
        self._refunded: dict[Hashable, Fraction] = {}
        self._names: dict[Hashable, str] = {}  # label of a closed period -> what the file calls it
        self._states: dict[P, MemberState] = {}
        self._open: int | None = None
        if isinstance(team, FileTeam):
            for name, before in team.before.items():
                self._activity.begin(
                    name, rank=before.rank, achieved=before.achieved, carry=before.carry, active=before.active
                )

    def result(self) -> Result[P]:
        """Runs through all periods."""
        for line in self._sold.lines:
            match line:
                case Refund():
                    self._reach(line.time)
                    self._refund(line)
                case Raise():
                    self._reach(line.time)
                    self._raise(line)
                case _:
                    self._reach(line.time)
                    self._sell(line)
        if self._open is not None:
            self._close(self._open, self._open + 1)
        return Result(tuple(self._lines), tuple(self._withheld), tuple(self._uncounted), self._states)

    def _reach(self, time: int | None) -> None:
        """Closes the periods that ended before a moment."""
        if time is None:
            return
        number = calendar.number_of(self._plan.plan.period, time)
        if self._open is not None and number > self._open:
            self._close(self._open, number)
        self._open = number if self._open is None else max(number, self._open)

    def _sell(self, sale: SaleFacts[P]) -> None:
        outcome: Outcome[P] = assess_sale(self._plan, self._team, self._activity, sale, self._done(sale.time))
        self._activity.take(sale, self._team)
        self._sales[sale.id] = sale
        self._awards[sale.id] = list(outcome.awards)
        self._lines += (Line(award, award.amount, None) for award in outcome.awards)
        self._withheld += ((one, None) for one in outcome.withheld)
        if outcome.counted.reason is not None:
            self._uncounted.append((str(sale.id), outcome.counted.reason))

    def _raise(self, line: Raise[P]) -> None:
        """Each award of a sale at its larger amount, evaluated as of the first entry [L12]."""
        larger = line.larger
        first, gone = self._sales[larger.id], self._refunded.pop(larger.id, Fraction(0))
        done = self._done(first.time)
        awards = raise_sale(self._plan, self._team, self._activity, first, larger, done, line.time)
        self._activity.take_more(first, larger, self._team, line.time, line.place)
        for award in self._awards[larger.id]:
            self._back(award, int(award.amount * (1 - gone)), 0, None)
        self._lines += (Line(award, award.amount, None) for award in awards)
        self._sales[larger.id], self._awards[larger.id] = larger, list(awards)

    def _done(self, time: int) -> Duties[P] | None:
        return None if self._duties is None else self._duties(time)

    def _close(self, first: int, last: int) -> None:
        for number in range(first, last):
            end = calendar.start_of(self._plan.plan.period, number + 1)
            at = len(self._sold.lines) if self._sold.until is None else self._sold.until(end)
            period = calendar.period_of(self._plan.plan.period, number, at)
            closed: Closed[P] = evaluate_period(
                self._plan, self._team, self._activity, period, self._done(end)
            )
            self._activity.close(closed)
            label = self._names[period.label] = self._label(number)
            self._lines += (Line(award, award.amount, label) for award in closed.awards)
            self._withheld += ((one, label) for one in closed.withheld)
            self._states = closed.states()
            for award in closed.awards:
                self._left[label, award.to, award.rule, award.level] = (award, award.amount, Fraction(0))

    def _label(self, number: int) -> str:
        return self._sold.labels.get(number) or calendar.period_of(self._plan.plan.period, number, 0).label

    def _refund(self, refund: Refund) -> None:
        """What remains of each award is award x base now / base of the sale, toward zero [L11]."""
        sale = self._sales[refund.of]
        before = self._refunded.get(refund.of, Fraction(0))
        part = min(refund.part, 1 - before)
        now = self._refunded[refund.of] = before + part
        for award in self._awards[refund.of]:
            self._back(award, int(award.amount * (1 - before)), int(award.amount * (1 - now)), None)
        for one in self._activity.reverse(sale, part, self._team) if part else ():
            label = self._names[one.source]
            award, left, gone = self._left[label, one.to, one.rule, one.level]
            gone += Fraction(one.volume)
            remains = int(award.amount * max(award.volume - gone, Fraction(0)) / award.volume)
            self._left[label, one.to, one.rule, one.level] = (award, remains, gone)
            self._back(award, left, remains, label)

    def _back(self, award: Award[P], before: int, after: int, period: str | None) -> None:
        if after != before:
            self._lines.append(Line(award, after - before, period))


def document(plan: Compiled, result: Result[str]) -> dict[str, Any]:
    """The result as `plan evaluate --json` gives it: every amount a decimal string."""
    exponent = plan.plan.unit.exponent
    return {
        "awards": [_line(line, exponent) for line in result.lines],
        "totals": {name: in_units(amount, exponent) for name, amount in result.totals.items()},
        "state": {name: _state(plan, state) for name, state in result.states.items()},
    }


def _line(line: Line[str], exponent: int) -> dict[str, Any]:
    award = line.award
    found = {
        "to": award.to,
        "amount": in_units(line.amount, exponent),
        "rule": award.rule,
        "level": award.level,
        "base": in_units(award.base, exponent),
        "rate": decimal(award.rate),
    }
    if award.less:
        found["less"] = in_units(award.less, exponent)
    if line.period is None:
        return {**found, "sale": str(award.source)}
    return {**found, "period": line.period}


def _state(plan: Compiled, state: MemberState) -> dict[str, Any]:
    places = plan.plan.unit.exponent if plan.plan.volume == "amount" else 2

    def text(value: Exact) -> str:
        return in_units(value, places)

    carry: dict[str, Any] = {
        name: {"left": text(left), "right": text(right)} for name, (left, right) in state.carry.items()
    }
    if len(plan.plan.binary) == 1:
        carry = next(iter(carry.values()), {"left": "0", "right": "0"})
    return {"carry": carry, "volume": text(state.volume), "rank": state.rank, "level": state.level}
