"""The calculator: a plan, a tree and sales from files, evaluated as a ledger would be, period by period."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from netnode.plans.files import FileTeam, Refund, Sold
from netnode.plans.values import decimal, in_units
from protocol.plans import calendar
from protocol.plans.activity import Activity
from protocol.plans.closed import Closed, MemberState
from protocol.plans.document import Compiled
from protocol.plans.evaluate import Outcome, assess_sale, evaluate_period
from protocol.plans.facts import Award, Exact, SaleFacts, Withheld


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the result: an award, or what a refund takes back of one (a negative amount).

    Attributes:
        period: name of the period, of an award at its close; None for one of a sale.
    """

    award: Award[str]
    amount: int
    period: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """All lines in the order in which they arise, and what each member has after the last period."""

    lines: tuple[Line, ...]
    withheld: tuple[Withheld[str], ...]
    uncounted: tuple[
        tuple[str, str], ...
    ]  # id of a sale that counts less than whole, and the rule that says so
    states: dict[str, MemberState]


def calculate(plan: Compiled, team: FileTeam | None, sold: Sold) -> Result:
    """Evaluates everything: sales in their order, then the close of each period, refunds as they come.

    Args:
        plan: compiled.
        team: None for a plan that needs none.
        sold: sales and refunds; those of one period stand together.
    """
    return _Run(plan, team, sold).result()


class _Run:
    def __init__(self, plan: Compiled, team: FileTeam | None, sold: Sold) -> None:
        self._plan, self._team, self._sold = plan, team, sold
        self._activity: Activity[str] = Activity(plan)
        self._lines: list[Line] = []
        self._withheld: list[Withheld[str]] = []
        self._uncounted: list[tuple[str, str]] = []
        self._sales: dict[str, SaleFacts[str]] = {}
        self._awards: dict[str, list[Award[str]]] = {}
        self._left: dict[tuple[str, str, str, int], tuple[Award[str], int, Fraction]] = {}
        self._refunded: dict[str, Fraction] = {}
        self._states: dict[str, MemberState] = {}
        if team is not None:
            for name, before in team.before.items():
                self._activity.begin(
                    name, rank=before.rank, achieved=before.achieved, carry=before.carry, active=before.active
                )

    def result(self) -> Result:
        """Runs through all periods."""
        open_period: int | None = None
        for line in self._sold.lines:
            if isinstance(line, Refund):
                self._refund(line)
                continue
            number = calendar.number_of(self._plan.plan.period, line.time)
            if open_period is not None and number > open_period:
                self._close(open_period, number)
            open_period = number if open_period is None else max(number, open_period)
            self._sell(line)
        if open_period is not None:
            self._close(open_period, open_period + 1)
        return Result(tuple(self._lines), tuple(self._withheld), tuple(self._uncounted), self._states)

    def _sell(self, sale: SaleFacts[str]) -> None:
        outcome: Outcome[str] = assess_sale(self._plan, self._team, self._activity, sale)
        self._activity.take(sale, self._team)
        self._sales[str(sale.id)] = sale
        self._awards[str(sale.id)] = list(outcome.awards)
        self._lines += (Line(award, award.amount, None) for award in outcome.awards)
        self._withheld += outcome.withheld
        if outcome.counted.reason is not None:
            self._uncounted.append((str(sale.id), outcome.counted.reason))

    def _close(self, first: int, last: int) -> None:
        for number in range(first, last):
            period = calendar.period_of(self._plan.plan.period, number, len(self._sold.lines))
            closed: Closed[str] = evaluate_period(self._plan, self._team, self._activity, period)
            self._activity.close(closed)
            label = self._sold.labels.get(number, period.label)
            self._lines += (Line(award, award.amount, label) for award in closed.awards)
            self._withheld += closed.withheld
            self._states = closed.states()
            for award in closed.awards:
                self._left[label, award.to, award.rule, award.level] = (award, award.amount, Fraction(0))

    def _refund(self, refund: Refund) -> None:
        """What remains of each award is award x base now / base of the sale, toward zero [L11]."""
        sale = self._sales[refund.of]
        before = self._refunded.get(refund.of, Fraction(0))
        part = min(refund.part, 1 - before)
        now = self._refunded[refund.of] = before + part
        for award in self._awards[refund.of]:
            self._back(award, int(award.amount * (1 - before)), int(award.amount * (1 - now)), None)
        number = calendar.number_of(self._plan.plan.period, sale.time)
        label = self._sold.labels[number]
        for one in self._activity.reverse(sale, part, self._team) if part else ():
            award, left, gone = self._left[label, one.to, one.rule, one.level]
            gone += Fraction(one.volume)
            remains = int(award.amount * max(award.volume - gone, Fraction(0)) / award.volume)
            self._left[label, one.to, one.rule, one.level] = (award, remains, gone)
            self._back(award, left, remains, label)

    def _back(self, award: Award[str], before: int, after: int, period: str | None) -> None:
        if after != before:
            self._lines.append(Line(award, after - before, period))


def document(plan: Compiled, result: Result) -> dict[str, Any]:
    """The result as `plan evaluate --json` gives it: every amount a decimal string."""
    exponent = plan.plan.unit.exponent
    totals: dict[str, int] = {}
    for line in result.lines:
        totals[line.award.to] = totals.get(line.award.to, 0) + line.amount
    return {
        "awards": [_line(line, exponent) for line in result.lines],
        "totals": {name: in_units(amount, exponent) for name, amount in totals.items()},
        "state": {name: _state(plan, state) for name, state in result.states.items()},
    }


def _line(line: Line, exponent: int) -> dict[str, Any]:
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
