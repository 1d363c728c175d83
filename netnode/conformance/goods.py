"""Goods that a member gives back: what was paid for them, and what is owed; section 25.6."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import floor
from typing import Any, Final

from netnode.conformance.faults import demand
from netnode.conformance.limits import MAX_BASIS_POINTS
from netnode.conformance.prices import divided

_DAY_MS: Final = 86_400_000
Map = dict[str, Any]


def paid_for(order: Map, goods: Map, price: int, parts: Collection[int]) -> dict[int, tuple[int, int]]:
    """What was paid for the goods of an order, without shipping: line -> (pieces, amount) [R-TEAM-29].

    Args:
        order: its body.
        goods: its enclosure.
        price: of this deal, in minor units.
        parts: that were received; lines of others are left out.
    """
    whole = sum(part["price"] for part in order["parts"])
    carried = order.get("shipping", 0) + sum(line.get("shipping", 0) for line in goods.get("taxes", []))
    paid = floor(Fraction(price * max(0, whole - carried), whole)) if whole else 0
    shares = divided(paid, [line["amount"] for line in goods["lines"]])
    return {
        number: (line["quantity"], shares[number])
        for number, line in enumerate(goods["lines"])
        if line.get("part", 0) in parts
    }


def owed(
    request: Map,
    paid: Mapping[int, tuple[int, int]],
    returned: Mapping[int, int],
    rule: Sequence[int],
    received: int,
    left: int,
) -> int:
    """What an owner owes for goods given back, in minor units [R-TEAM-29].

    Args:
        request: the statement.
        paid: as `paid_for` has it.
        returned: by line, pieces taken back before.
        rule: days from the receipt, basis points.
        received: the newest receipt, ms UTC.
        left: what the seller has left of what was paid, in minor units.

    Raises:
        Fault: `too_late`, `too_much`.
    """
    days, points = rule
    demand(
        days > 0 and request["time"] - received <= days * _DAY_MS, "too_late", "beyond the days of the rule"
    )
    due = 0
    for line, pieces in request["goods"]:
        bought, amount = paid.get(line, (0, 0))
        demand(pieces + returned.get(line, 0) <= bought, "too_much", f"line {line}")
        due += floor(Fraction(amount * pieces * points, bought * MAX_BASIS_POINTS))
    due = min(due, left)
    demand(request["amount"] <= due, "too_much", "the amount")
    return due
