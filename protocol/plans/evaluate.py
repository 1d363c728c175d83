"""A plan, a team and what was sold: the awards. The two functions that every reader of a ledger calls."""

from __future__ import annotations

from protocol.plans.activity import Activity
from protocol.plans.document import Compiled
from protocol.plans.facts import Award, Closed, Duties, P, Period, SaleFacts, Team


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
    raise NotImplementedError


def evaluate_period(
    plan: Compiled,
    team: Team[P],
    activity: Activity[P],
    period: Period,
    duties: Duties[P] | None = None,
) -> Closed[P]:
    """The awards of a period and what each member has at its end; changes nothing.

    Every period is closed, also one without period rules: ranks and carry go on from it. `activity.close` takes the
    result over.

    Args:
        plan: the plan in force in the period.
        team: its team.
        activity: fed with all sales and refunds logged before the close.
        period: one that has ended.
        duties: asked where the plan has duties.
    """
    raise NotImplementedError
