"""Plans compiled: checked, bounded, with their rates as integers. Only a compiled plan can be evaluated [R-PLAN-2..9]."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from protocol.plans.facts import Exact
from protocol.records.plan import Plan


@dataclass(frozen=True, slots=True)
class Compiled:
    """A plan that holds together, and whose payout is bounded.

    Attributes:
        plan: its record.
        bound: share of the commissionable amount that its rules come to at most, in any tree.
    """

    plan: Plan
    bound: Fraction


def compile_plan(plan: Plan) -> Compiled:
    """Checks a plan and prepares it for evaluation.

    Raises:
        Void: `plan_refused` (board, monoline, enrolment), `plan_joining` (R4), `plan_unbounded` (no bound, or one above
            `maximum`), `plan_terms` (a rule that contradicts itself or the others); the sentence says where and why.
    """
    raise NotImplementedError


def commissionable(plan: Compiled, base: int, net: int, price: int, currency: str) -> Exact:
    """The amount of a sale that a plan looks at, before the plan's share: base x net / price, at the plan's rate.

    Args:
        plan: the plan in force.
        base: what remains of the price, minor units of the currency [L11].
        net: the price of the order without tax and shipping, discounts taken off.
        price: of the order.
        currency: ISO 4217 code; one that the plan does not name makes it zero.

    Returns:
        Minor units of the plan's unit, exact.
    """
    raise NotImplementedError
