"""What promoters want to know of an issuer, as whoever holds its log computes it [R15, R16].

All of it follows from the log and the branches held of it; nothing is taken from what the issuer says.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median_low
from typing import Final

from netnode.ledgers.ledger import Ledger
from protocol.ledger.effects import NEVER, Earned, Kind, Moved, Sold, Stage, Swapped, awards_of, lots_of
from protocol.ledger.figures import Solvency, solvency

DAY: Final = 24 * 3_600_000
OVERDUE_DAYS: Final = 90
"""Credit that has been payable for longer, and was not used, counts as overdue [R16]."""

OVERDUE_PART: Final = 4
"""More than one part in so many of what is owed being overdue is warned of [R16]."""


@dataclass(frozen=True, slots=True)
class Promoting:
    """How an issuer treats those who promote it.

    Attributes:
        sales: logged, with or without awards.
        refunded: of them, whose base is smaller now than it was.
        promoters: distinct networkers who were credited, the issuer itself left out.
        paid: distinct ones of them whose credit became payable.
        payable_days: days from the log of a sale until its awards are payable, the middle one; None without awards.
        on_time: sales with awards that were logged before the plan's deadline and that no dispute has frozen.
        awarded: sales with awards.
    """

    sales: int
    refunded: int
    promoters: int
    paid: int
    payable_days: int | None
    on_time: int
    awarded: int

    @property
    def refund_points(self) -> int:
        """Refunded sales in basis points of all."""
        return self.refunded * 10_000 // self.sales if self.sales else 0

    @property
    def on_time_points(self) -> int:
        """Sales paid on time in basis points of those with awards."""
        return self.on_time * 10_000 // self.awarded if self.awarded else 0


def promoting(ledger: Ledger, now: int) -> Promoting:
    """The facts of an issuer.

    Args:
        ledger: of the issuer.
        now: ms UTC.
    """
    sales = refunded = on_time = awarded = 0
    promoters: set[bytes] = set()
    paid: set[bytes] = set()
    days: list[int] = []
    for id, value in ledger.effects.items():
        if not isinstance(value, Sold | Earned):
            continue
        credits = [credit for credit in awards_of(value) if credit.to != ledger.issuer]
        promoters |= {credit.to for credit in credits}
        paid |= {
            credit.to
            for credit in credits
            if any(lot.due <= now and lot.net for lot in lots_of(value, credit))
        }
        if isinstance(value, Earned):
            continue
        sales += 1
        refunded += value.base < max(
            (int(step.base) for credit in value.awards for step in credit.steps), default=_sold(value)
        )
        if not credits:
            continue
        awarded += 1
        logged = ledger.logged(id)
        due = max(step.due for credit in credits for step in credit.steps)
        days.append((due - logged) // DAY)
        on_time += _on_time(ledger, id)
    return Promoting(
        sales, refunded, len(promoters), len(paid), median_low(days) if days else None, on_time, awarded
    )


def _sold(value: Sold) -> int:
    """What a sale without awards came to before refunds."""
    return max(0, min(value.earned, value.paid))


def _on_time(ledger: Ledger, id: bytes) -> bool:
    """Whether a sale was logged in time and never frozen; what only a branch has was not paid on time."""
    file = ledger.book.order(id[1:])
    return file is not None and file.at >= file.seqs[0] and file.frozen is None


@dataclass(frozen=True, slots=True)
class Owing:
    """What an issuer owes in one unit [R16]; minor units.

    Attributes:
        unit: name.
        exponent: decimal places.
        solvency: sums over all holders.
        holders: with a balance, a pending award or a clawback due.
        overdue: payable for more than `OVERDUE_DAYS` and not used.
        disputed: disowned by a rotation, and not released by its holders.
    """

    unit: str
    exponent: int
    solvency: Solvency
    holders: int
    overdue: int
    disputed: int

    @property
    def warned(self) -> bool:
        """Whether too much of what is owed is overdue."""
        return self.overdue * OVERDUE_PART > self.solvency.owed


def owing(ledger: Ledger, now: int) -> tuple[Owing, ...]:
    """What an issuer owes, unit by unit.

    Args:
        ledger: of the issuer.
        now: ms UTC.
    """
    units = sorted({*ledger.units(), *(claim.unit for claim in ledger.claims)})
    return tuple(_owing(ledger, unit, now) for unit in units)


def _owing(ledger: Ledger, unit: str, now: int) -> Owing:
    recent = _recent(ledger, unit, now)
    holders = overdue = 0
    for holder in ledger.holders(unit):
        found = ledger.figures(unit, holder, now)
        holders += bool(found.signed or found.pending)
        overdue += max(0, found.balance - recent.get(holder, 0))
    return Owing(
        unit,
        exponent_of(ledger, unit),
        solvency(ledger.union or ledger.book, unit, now),
        holders,
        overdue,
        sum(claim.amount for claim in ledger.claims if claim.unit == unit),
    )


def _recent(ledger: Ledger, unit: str, now: int) -> dict[bytes, int]:
    """By holder, what became payable or was received lately."""
    since = now - OVERDUE_DAYS * DAY
    found: dict[bytes, int] = {}
    for id, value in ledger.effects.items():
        match value:
            case Sold() | Earned():
                for credit in awards_of(value):
                    if credit.unit == unit and credit.steps[-1].due > since:
                        new = sum(lot.net for lot in lots_of(value, credit) if since < lot.due <= now)
                        found[credit.to] = found.get(credit.to, 0) + new
            case Moved():
                if value.kind is Kind.TRANSFER and value.unit == unit and ledger.logged(id) > since:
                    found[value.to] = found.get(value.to, 0) + value.amount
            case Swapped():
                if value.stage is Stage.GIVEN and value.unit == unit and ledger.logged(id) > since:
                    found[value.to] = found.get(value.to, 0) + value.amount
    return found


def exponent_of(ledger: Ledger, unit: str) -> int:
    """Decimal places of a unit: as the newest plan with it says; of a commission's unit, a currency, two."""
    found = [
        governed.plan.unit.exponent
        for governed in ledger.book.governing.all()
        if governed.plan.unit.name == unit
    ]
    return found[-1] if found else 2


def expiring(expires: int) -> int | None:
    """When credit expires, ms UTC; None: never."""
    return None if expires == NEVER else expires
