"""What an owner owes for goods that a member bought and has not sold [R-TEAM-29].

The request is signed by the member and by the key of their order; the answer is a `refund` of that deal, or a reason.
A request that is not answered has standing for a challenge, with the contract of that order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from protocol.deals.bodies import Order
from protocol.deals.enclosures import Goods
from protocol.deals.pricing import spread
from protocol.errors import Void
from protocol.records.team import Buyback, TeamRules
from protocol.signing import verify
from protocol.teams.statements import BuybackRequest, bought_bytes
from protocol.teams.team import DAY_MS

DEFAULT: Final = Buyback(days=365, points=9_000)
_WHOLE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Bought:
    """A member's order, as the deal has it.

    Attributes:
        order: its id.
        buyer: networker id.
        received: date of the newest receipt, ms UTC.
        lines: by number of the line: pieces, and what was paid for all of them in minor units, without shipping.
        returned: pieces by line that were taken back already.
    """

    order: bytes
    buyer: bytes
    received: int
    lines: Mapping[int, tuple[int, int]]
    returned: Mapping[int, int]
    left: int | None = None
    """What the seller still has of all that was paid, minor units; None: that is not looked at."""


def lines_of(order: Order, goods: Goods, price: int, parts: Collection[int]) -> dict[int, tuple[int, int]]:
    """What was paid for each line of an order, without shipping and the tax on it: `Bought.lines` [R-TEAM-29].

    Args:
        order: its body.
        goods: its enclosure.
        price: of this deal: that of the order, or of the renewal.
        parts: that were received; lines of others are left out.
    """
    whole = sum(part.price for part in order.parts)
    shipping = min(whole, order.shipping + sum(line.shipping for line in goods.taxes))
    paid = price * (whole - shipping) // whole if whole else 0
    shares = spread(paid, [line.amount for line in goods.lines])
    return {
        number: (line.quantity, share)
        for number, (line, share) in enumerate(zip(goods.lines, shares, strict=True))
        if line.part in parts
    }


def require_bought(network: str, request: BuybackRequest, key: bytes) -> None:
    """Refuses a request whose signer is not shown to be the buyer.

    Args:
        network: name of the network.
        request: as read.
        key: of the order that it names.

    Raises:
        Void: `not_signed`.
    """
    if not verify(key, request.bought, bought_bytes(network, request)):
        raise Void("not_signed", "the request is not signed by the key of its order")


def terms(rules: TeamRules) -> Buyback:
    """The terms of a team."""
    return DEFAULT if rules.buyback is UNSET else rules.buyback


def owed(request: BuybackRequest, bought: Bought, by: Buyback) -> int:
    """What the owner owes on a request, in minor units; each line is rounded down once.

    Args:
        request: its signature is checked.
        bought: the order it names.
        by: the terms in force when the goods were received.

    Raises:
        Void: `names_differ` (another order or buyer), `too_late`, `too_much` (more pieces or money than there is).
    """
    if (request.order, request.signer) != (bought.order, bought.buyer):
        raise Void("names_differ", "the request is about another order, or not by its buyer")
    if not by.days or request.time > bought.received + by.days * DAY_MS:
        raise Void("too_late", f"goods are taken back for {by.days} days")
    due, last = 0, -1
    for line, pieces in request.goods:
        if line <= last:
            raise Void("names_differ", "the lines are not ascending")
        last = line
        count, paid = bought.lines.get(line, (0, 0))
        if pieces > count - bought.returned.get(line, 0):
            raise Void("too_much", f"line {line} has fewer pieces that could be taken back")
        due += paid * pieces * by.points // (count * _WHOLE)
    if bought.left is not None:
        due = min(due, bought.left)
    if request.amount > due:
        raise Void("too_much", f"{request.amount} is asked for, {due} is owed")
    return due
