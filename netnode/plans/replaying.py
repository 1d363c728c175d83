"""A changed plan over what has happened: what every member would have got, beside what they get by the one in force.

From files, or from a team's own log: there each sale is evaluated as of its entry, raised and refunded as it was, with
the tree and the duties of that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic

from netnode.plans.calculating import Result, calculate
from netnode.plans.files import Raise, Refund, Sold
from netnode.plans.values import in_units
from protocol.ledger.selling import Happened, course
from protocol.ledger.state import State
from protocol.plans.document import Compiled
from protocol.plans.facts import P, SaleFacts
from protocol.teams.duties import Answers


@dataclass(frozen=True, slots=True)
class Compared(Generic[P]):
    """What a member gets by the plan as it is, and by the changed one; minor units of each plan's unit."""

    member: P
    before: int
    after: int


def compare(members: Iterable[P], before: Result[P], after: Result[P]) -> list[Compared[P]]:
    """Every member, also who gets nothing, and whoever else gets something; in the order of the team."""
    old, new = before.totals, after.totals
    everybody = dict.fromkeys([*members, *old, *new])
    return [Compared(member, old.get(member, 0), new.get(member, 0)) for member in everybody]


def replay(state: State, opportunity: str, plan: Compiled) -> Result[bytes]:
    """What a plan makes of everything that a log has of a team, the open period included.

    Args:
        state: of the book.
        opportunity: key.
        plan: any, in force or not.
    """
    team = state.teams.team(opportunity)
    found: list[tuple[int, SaleFacts[bytes] | Raise[bytes] | Refund]] = []
    for order in state.orders:
        key, happened = course(state, order, plan)
        if key == opportunity:
            found += _lines(happened)
    found.sort(key=lambda each: each[0])
    sold = Sold(tuple(line for _, line in found), {}, state.dates.before)
    return calculate(plan, team.tree, sold, lambda time: Answers(team, time))


def _lines(happened: tuple[Happened, ...]) -> Iterable[tuple[int, SaleFacts[bytes] | Raise[bytes] | Refund]]:
    """What was logged of one sale, as the calculator has it: each with its place."""
    first, *others = happened
    yield first.seq, first.facts
    taken = left = first.base
    for each in others:
        if each.base > taken:
            yield each.seq, Raise(each.facts, each.time, each.seq)
            taken = left = each.base
        elif each.base < left:
            yield each.seq, Refund(each.seq, each.facts.id, Fraction(left - each.base, taken), each.time)
            left = each.base


def document(before: Compiled, after: Compiled, members: Sequence[Compared[P]]) -> dict[str, Any]:
    """The comparison: amounts are decimal strings; no differences where the plans credit different units."""
    old, new = before.plan.unit, after.plan.unit
    alike = old == new

    def row(first: int, second: int) -> dict[str, Any]:
        return {
            "before": in_units(first, old.exponent),
            "after": in_units(second, new.exponent),
            "difference": in_units(second - first, old.exponent) if alike else None,
        }

    return {
        "before": {"title": before.plan.title, "unit": old.name},
        "after": {"title": after.plan.title, "unit": new.name},
        "members": [{"member": each.member, **row(each.before, each.after)} for each in members],
        "total": row(sum(each.before for each in members), sum(each.after for each in members)),
        "less": sum(each.after < each.before for each in members) if alike else None,
        "more": sum(each.after > each.before for each in members) if alike else None,
    }
