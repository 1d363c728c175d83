"""What members of a team earned, computed from the owner's log: it stands beside every invitation [R13; R-TEAM-22]."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from netnode.ledgers.ledger import Ledger
from protocol.ledger.effects import Earned, Sold, awards_of, lots_of
from protocol.teams.disclosure import Earnings, earnings

YEAR_MS: Final = 365 * 24 * 3_600_000


def earned(ledger: Ledger, key: str, now: int) -> tuple[str, int, Earnings] | None:
    """What the members of a team earned in the year before now, in the unit of its newest plan.

    Args:
        ledger: of the owner.
        key: of the opportunity.
        now: ms UTC.

    Returns:
        Unit, its decimal places and the figures; None for a team without a plan.
    """
    plans = [each for each in ledger.book.governing.all() if each.opportunity == key]
    if not plans:
        return None
    unit = plans[-1].plan.unit
    start, end = now - YEAR_MS, now + 1
    team = ledger.book.teams.team(key)
    members = set(team.tree.everybody())
    awarded: dict[bytes, int] = {}
    bought: dict[bytes, Fraction] = {}
    for id, value in ledger.effects.items():
        if not isinstance(value, Sold | Earned) or not start <= ledger.logged(id) < end:
            continue
        for credit in awards_of(value):
            if credit.unit == unit.name and credit.to in members:
                awarded[credit.to] = awarded.get(credit.to, 0) + sum(
                    lot.net for lot in lots_of(value, credit)
                )
        file = ledger.book.order(id[1:]) if isinstance(value, Sold) else None
        if file is not None and file.bought is not None and isinstance(value, Sold):
            buyer, sold_in, amount = file.bought
            if buyer in members and sold_in == unit.name:
                bought[buyer] = bought.get(buyer, Fraction(0)) + Fraction(amount) * value.base / file.taken
    spent = {member: int(amount) for member, amount in bought.items()}
    return unit.name, unit.exponent, earnings(team, start, end, awarded, spent)
