"""What an owner owes for goods that a member bought and has not sold [R-TEAM-29].

The request is a signed statement; the answer is a `refund` of the deal. A request that is owed and not answered has
standing for a challenge: what is needed to judge it is in the statement and in the deal's messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from protocol.errors import Void
from protocol.records.team import Buyback, TeamRules
from protocol.teams.statements import BuybackRequest
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
    if request.time > bought.received + by.days * DAY_MS:
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
    if request.amount > due:
        raise Void("too_much", f"{request.amount} is asked for, {due} is owed")
    return due
