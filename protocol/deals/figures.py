"""The money and the parts of a deal, as figures of a set of messages [R-DEAL-20..23]."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class PartStatus(enum.Enum):
    """What became of one part."""

    OPEN = "open"
    FULFILLED = "fulfilled"  # the seller says so
    RECEIVED = "received"  # the buyer says so
    PRESUMED = "presumed"  # no receipt came in time
    DELIVERED = "delivered"  # the arbiter says so
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PartState:
    """One part: its number, price in minor units, status, and whether it ended because the seller was late."""

    number: int
    price: int
    status: PartStatus
    late: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """The money of a deal, in minor units of its currency or unit."""

    price: int  # of the order
    owed: int  # price of the parts not ended, or what a ruling lets the seller keep
    sent: int  # the buyer's payments, as the buyer says
    paid: int  # confirmed, presumed, or found by a ruling
    refund_sent: int  # as the seller says
    refund_received: int  # as the buyer says
    refund_due: int
    payment_due: int
    unconfirmed_payments: int
    unconfirmed_refunds: int
    base: int  # what commissions are reckoned from

    @property
    def unconfirmed(self) -> int:
        """Payments and refunds that one side claims and nothing confirms."""
        return self.unconfirmed_payments + self.unconfirmed_refunds

    @property
    def due(self) -> int:
        """What either side owes the other now; at most one of them does."""
        return self.refund_due + self.payment_due


@dataclass(frozen=True, slots=True)
class Flow:
    """Payments or refunds one way: what the payer says, what the payee confirms, what is confirmed or presumed."""

    sent: int
    received: int
    confirmed: int  # of `sent`: named by a confirmation, or presumed

    @property
    def settled(self) -> int:
        """What counts as having arrived."""
        return max(self.received, self.confirmed)


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a ruling fixes, and the payments sent that it has not seen and that nothing confirms."""

    paid: int
    keeps: int
    unconfirmed: int


def figures(
    parts: tuple[PartState, ...], contract: bool, payments: Flow, refunds: Flow, ruled: Ruled | None
) -> Figures:
    """Everything that follows from the parts and the sums [R-DEAL-20].

    Args:
        parts: of the deal.
        contract: whether there is one: before, nothing is due from the buyer.
        payments: of the buyer; presumptions in it only while they count.
        refunds: of the seller, likewise.
        ruled: of the ruling that stands.
    """
    paid = payments.settled
    owed = sum(part.price for part in parts if part.status is not PartStatus.ENDED)
    earned = sum(part.price for part in parts if part.status in (PartStatus.RECEIVED, PartStatus.PRESUMED))
    unconfirmed = max(0, payments.sent - paid)
    if ruled is not None:
        paid, owed, earned = max(paid, ruled.paid), ruled.keeps, ruled.keeps
        unconfirmed = ruled.unconfirmed
    return Figures(
        price=sum(part.price for part in parts),
        owed=owed,
        sent=payments.sent,
        paid=paid,
        refund_sent=refunds.sent,
        refund_received=refunds.received,
        refund_due=max(0, paid - max(refunds.sent, refunds.received) - owed),
        payment_due=max(0, owed - paid) if contract else 0,
        unconfirmed_payments=unconfirmed,
        unconfirmed_refunds=max(0, refunds.sent - refunds.settled),
        base=max(0, min(earned, paid - min(refunds.sent, refunds.received))),
    )
