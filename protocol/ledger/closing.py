"""The close of a period: the awards of a period plan, published at once [R-CRED-30..33]."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET

from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.contents import AwardLine, read_close
from protocol.ledger.effects import NEVER, Credited, Earned, Step, period_id
from protocol.ledger.governing import DAY, Governed
from protocol.ledger.state import State
from protocol.plans.closed import Closed
from protocol.plans.evaluate import evaluate_period
from protocol.plans.facts import Award, Exact, Period
from protocol.plans.running import Running, runs
from protocol.teams.duties import Answers


def take_close(state: State, entry: Entry, data: bytes) -> None:
    """A whole close; `entry` carries its last part [R-CRED-30].

    Raises:
        Void: in this order: `malformed`, `no_plan`, `period`, `already_logged`, `awards_differ`.
    """
    content = read_close(data)
    governed = state.governing.find(content.plan)
    if governed is None or governed.opportunity is None:
        raise Void("no_plan", "plan: no plan with a team in this log has that hash")
    if governed.closed is not None and content.ends <= governed.closed:
        raise Void("already_logged", "begins: the period is closed already")
    period = period_of(state, governed, content.begins)
    if (period.start, period.end) != (content.begins, content.ends) or period.end > entry.time:
        raise Void("period", "begins: is no period of the plan that is over")
    if period.end <= governed.starts or not governed.left(period.start):
        raise Void("period", "begins: the plan was not in force in that period")
    if governed.closed is not None and period.start != governed.closed:
        raise Void("period", "begins: the period before it is not closed")
    closed = close_of(state, governed, period)
    if content.awards != lines_of(closed):
        raise Void("awards_differ", "awards: are not what the plan comes to")
    governed.activity.close(closed, entry.seq)
    governed.closed = period.end
    due = entry.time + governed.plan.hold_days * DAY
    expires = NEVER if governed.plan.expiry_days is UNSET else due + governed.plan.expiry_days * DAY
    unit = governed.plan.unit.name
    for award in closed.awards:
        step = Step(due, expires, award.amount, award.volume, due)
        credit = Credited(award.to, award.rule, award.level, unit, (step,))
        state.put(period_id(governed.opportunity, governed.hash, period.label, credit.key), Earned(credit, 0))


def period_of(state: State, governed: Governed, begins: int) -> Period:
    """The period of a plan that a moment lies in; its place is that of the last critical entry dated before its end."""
    whole = governed.activity.period(begins, 0)
    return governed.activity.period(begins, state.before(whole.end))


def close_of(state: State, governed: Governed, period: Period) -> Closed[bytes]:
    """What a period comes to, as the ledger stands."""
    assert governed.opportunity is not None  # asked before
    team = state.teams.team(governed.opportunity)
    return evaluate_period(governed.compiled, team.tree, governed.activity, period, Answers(team, period.end))


def lines_of(closed: Closed[bytes]) -> tuple[AwardLine, ...]:
    """The awards of a close as its content states them."""
    return tuple(AwardLine(each.to, each.rule, each.level, each.amount) for each in closed.awards)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An open period that was evaluated as a whole; asked like `Running`."""

    closed: Closed[bytes]

    @property
    def period(self) -> Period:
        """Which."""
        return self.closed.period

    @property
    def base(self) -> Exact:
        """Commissionable amount of the period so far."""
        return self.closed.base

    @property
    def closing(self) -> int:
        """What all awards come to now, minor units."""
        return sum(award.amount for award in self.closed.awards)

    def awards(self, first: int, limit: int) -> tuple[Award[bytes], ...]:
        """Some of the awards, in the order of the close."""
        return self.closed.awards[first : first + limit]


Open = Running[bytes] | Evaluated
"""A period that is not over, as the ledger stands."""


def open_of(state: State, governed: Governed, now: int, before: Open | None = None) -> Open:
    """The period of a plan that a moment lies in, as its close would be now.

    Args:
        state: of the book.
        governed: a plan with a team.
        now: ms UTC, not before the newest entry.
        before: what this was told before, of the same book and plan; brought level where that can be done.
    """
    period = period_of(state, governed, now)
    if isinstance(before, Running) and before.level(period):
        return before
    assert governed.opportunity is not None  # asked before
    if runs(governed.compiled):
        tree = state.teams.team(governed.opportunity).tree
        return Running(governed.compiled, tree, governed.activity, period)
    return Evaluated(close_of(state, governed, period))
