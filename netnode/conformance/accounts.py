"""What a set of deal messages with effect comes to: parts, money, disputes; section 21.

Written as SPEC says it, a set at a time: nothing is carried from one set to the next, and each sum is made anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from netnode.conformance.deals import Message

ENDS: Final = frozenset({"decline", "cancel", "lapse_accept", "lapse_pay", "lapse_fulfil"})
OPEN: Final = "open"
FULFILLED: Final = "fulfilled"
RECEIVED: Final = "received"
PRESUMED: Final = "presumed"
DELIVERED: Final = "delivered"
ENDED: Final = "ended"


@dataclass(frozen=True, slots=True)
class Deal:
    """What is the same for every set of a deal's messages.

    Attributes:
        start: the message that started it.
        order: body of the order whose terms hold.
        contract: the date at which the start is the contract, or None.
        void: the start has no effect, so every part has ended.
        seen: of every message in its place, the ids of all it names, directly or through others.
    """

    start: Message
    order: dict[str, Any]
    contract: int | None
    void: bool
    seen: dict[bytes, frozenset[bytes]]

    @property
    def prices(self) -> list[int]:
        """Of the parts."""
        return [part["price"] for part in self.start.body["parts"]]


@dataclass(slots=True)
class Account:
    """What a set comes to; `struck` are those of its messages that have no effect beside another, by code."""

    messages: list[Message]
    contract: int | None = None
    parts: list[str] = field(default_factory=list)
    late: list[bool] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    disputes: dict[bytes, str | None] = field(default_factory=dict)
    ruling: Message | None = None
    struck: dict[bytes, str] = field(default_factory=dict)
    presumed: frozenset[bytes] = frozenset()

    def of(self, *types: str) -> list[Message]:
        """The messages of these types that have effect."""
        return [each for each in self.messages if each.type in types and each.id not in self.struck]

    def find(self, id_: bytes | None, type_: str) -> Message | None:
        """The message of an id, when it is of that type and has effect."""
        return next((each for each in self.of(type_) if each.id == id_), None)

    @property
    def open_disputes(self) -> list[bytes]:
        """Ids of the disputes that nothing has closed."""
        return [id_ for id_, closed in self.disputes.items() if closed is None]

    def unconfirmed(self, claim: Message, confirmation: str, name: str) -> bool:
        """Whether a payment or refund that was sent is neither named by a confirmation nor presumed."""
        named = {each.body.get(name) for each in self.of(confirmation)}
        return claim.id not in named and claim.id not in self.presumed


def account(deal: Deal, messages: Collection[Message]) -> Account:
    """What a set comes to, as R-DEAL-15 and R-DEAL-20 to 23 say.

    Args:
        deal: of all of them.
        messages: with effect by themselves; all that count of what they name is among them.
    """
    found = Account(sorted(messages, key=lambda each: (each.time, each.number, each.id)))
    _strike(deal, found)
    _agree(deal, found)
    _argue(found)
    _presume(deal, found)
    _deliver(deal, found)
    _reckon(deal, found)
    return found


def _strike(deal: Deal, found: Account) -> None:
    """What has no effect beside a message that crosses it."""
    rulings = found.of("ruling")
    for ruling in rulings:
        others = {each.id for each in rulings if ruling.id not in deal.seen[each.id]} - {ruling.id}
        if others - deal.seen[ruling.id]:
            found.struck[ruling.id] = "two_rulings"
        else:
            found.ruling = ruling
    if found.ruling is not None:
        for lapse in found.of("lapse_dispute"):
            if lapse.id not in deal.seen[found.ruling.id]:
                found.struck[lapse.id] = "ruled"
    for lapse in found.of("lapse_pay"):
        if any(lapse.id not in deal.seen[payment.id] for payment in found.of("payment_sent")):
            found.struck[lapse.id] = "paid"


def _agree(deal: Deal, found: Account) -> None:
    dates = [each.time for each in found.of("accept")]
    found.contract = deal.contract if deal.contract is not None else min(dates, default=None)


def _argue(found: Account) -> None:
    """Which disputes there are, and what closed them."""
    contradicted = {
        each.body["dispute"] for each in found.messages if each.id in found.struck and each.type == "ruling"
    }
    for dispute in found.of("dispute"):
        lapsed = {each.role for each in found.of("lapse_dispute") if each.body["dispute"] == dispute.id}
        closed: str | None
        if lapsed:
            closed = "withdrawn" if dispute.role in lapsed else "unresolved"
        elif found.ruling is not None:
            closed = "ruled"
        else:
            closed = "unresolved" if dispute.id in contradicted else None
        found.disputes[dispute.id] = closed


def _presume(deal: Deal, found: Account) -> None:
    """The claims that count as confirmed: none while a dispute is open, after a ruling those that have seen it."""
    if found.open_disputes:
        return
    names = {"presume_received": "fulfil", "presume_payment": "payment", "presume_refund": "refund"}
    found.presumed = frozenset(
        each.body[names[each.type]]
        for each in found.of(*names)
        if found.ruling is None or found.ruling.id in deal.seen[each.id]
    )


def _deliver(deal: Deal, found: Account) -> None:
    for number in range(len(deal.prices)):
        fulfils = [each.id for each in found.of("fulfil") if each.body.get("part", 0) == number]
        if any(each.body.get("part", 0) == number for each in found.of("receive")):
            status = RECEIVED
        elif found.ruling is not None:
            status = DELIVERED if number in found.ruling.body.get("delivered", []) else ENDED
        elif fulfils:
            status = PRESUMED if found.presumed & set(fulfils) else FULFILLED
        else:
            status = ENDED if deal.void or found.of(*ENDS) else OPEN
        found.parts.append(status)
        found.late.append(status == ENDED and bool(found.of("lapse_fulfil")))


def _reckon(deal: Deal, found: Account) -> None:
    prices = list(zip(deal.prices, found.parts, strict=True))
    sent, _, paid = _flow(found, "payment_sent", "payment_received", "payment")
    refund_sent, refund_received, refunded = _flow(found, "refund", "refund_received", "refund")
    owed = sum(price for price, status in prices if status != ENDED)
    earned = sum(price for price, status in prices if status in (RECEIVED, PRESUMED))
    unconfirmed = max(0, sent - paid)
    if found.ruling is not None:
        owed = earned = found.ruling.body["keeps"]
        paid = max(paid, found.ruling.body["paid"])
        unconfirmed = sum(
            each.body["amount"]
            for each in found.of("payment_sent")
            if each.id not in deal.seen[found.ruling.id]
            and found.unconfirmed(each, "payment_received", "payment")
        )
    found.figures = {
        "price": sum(deal.prices),
        "owed": owed,
        "sent": sent,
        "paid": paid,
        "refund_sent": refund_sent,
        "refund_received": refund_received,
        "refund_due": max(0, paid - max(refund_sent, refund_received) - owed),
        "payment_due": max(0, owed - paid) if found.contract is not None else 0,
        "unconfirmed_payments": unconfirmed,
        "unconfirmed_refunds": max(0, refund_sent - refunded),
        "base": max(0, min(earned, paid - min(refund_sent, refund_received))),
    }


def _flow(found: Account, claim: str, confirmation: str, name: str) -> tuple[int, int, int]:
    """What one side says it sent, what the other says it got, and what counts as arrived."""
    sent = sum(each.body["amount"] for each in found.of(claim))
    received = sum(each.body["amount"] for each in found.of(confirmation))
    confirmed = sum(
        each.body["amount"] for each in found.of(claim) if not found.unconfirmed(each, confirmation, name)
    )
    return sent, received, max(received, confirmed)
