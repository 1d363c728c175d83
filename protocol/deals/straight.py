"""Deals that went straight: what most sets of messages come to, at a fraction of the cost of judging them.

A deal is straight when each message has read all before it and is an accept, a payment, a delivery or a receipt that
the table allows. Whatever else happened, `straight` says so by None, and the set is judged. Where it speaks, it says
what `judge` says; a ledger reads thousands of deals a second this way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET

from protocol.deals import starting
from protocol.deals.bodies import Accept, Fulfil, Order, PaymentReceived, PaymentSent, Receive
from protocol.deals.message import Message


@dataclass(slots=True)
class Straight:
    """What a straight deal has come to.

    Attributes:
        contract: its date, ms UTC; None while there is none.
        fulfilled: the parts that the seller fulfilled, with the message that says so.
        received: the parts that the buyer received.
        newest: date of the newest receipt; None without one.
        sent: by the buyer, as the buyer says; minor units.
        confirmed: by the seller, minor units.
        named: of `sent`, what a confirmation names.
        payments: payments sent that no confirmation names yet.
    """

    contract: int | None
    fulfilled: dict[int, bytes]
    received: set[int]
    newest: int | None
    sent: int
    confirmed: int
    named: int
    payments: dict[bytes, int]

    @property
    def paid(self) -> int:
        """What counts as paid, minor units."""
        return max(self.confirmed, self.named)


def straight(messages: Sequence[Message]) -> Straight | None:
    """What messages come to, each after all it names; None where the deal is not straight.

    Args:
        messages: authentic, of one deal, the start first.
    """
    start = messages[0]
    order = start.body
    if not isinstance(order, Order):
        return None
    fault, binds = starting.judged(start)
    if fault is not None:
        return None
    deal = Straight(start.time if binds else None, {}, set(), None, 0, 0, 0, {})
    newest: dict[str, Message] = {"buyer": start}
    before = start.time
    for message in messages[1:]:
        role = message.role
        own, other = newest.get(role), newest.get("buyer" if role == "seller" else "seller")
        if (
            role == "arbiter"
            or message.previous != (None if own is None else own.id)
            or message.number != (0 if own is None else own.number + 1)
            or message.seen != (() if other is None else (other.id,))
            or message.time < before
            or (own is not None and (message.epoch or 0) < (own.epoch or 0))
            or not _adds(deal, order, message)
        ):
            return None
        newest[role] = message
        before = message.time
    return deal


def _adds(deal: Straight, order: Order, message: Message) -> bool:
    """Takes in a message that the table allows here; False for any other."""
    body = message.body
    if isinstance(body, Accept):
        if deal.contract is not None or message.role != "seller":
            return False
        deal.contract = message.time
        return (body.key, body.listing, body.path) == (order.key, order.listing, order.path)
    if isinstance(body, PaymentReceived):
        deal.confirmed += body.amount
        if body.payment is UNSET:
            return message.role == "seller"
        deal.named += deal.payments.get(body.payment, 0)
        return message.role == "seller" and deal.payments.pop(body.payment, None) is not None
    if deal.contract is None:
        return False
    if isinstance(body, Receive):
        known = body.part < len(order.parts) and body.part not in deal.received
        deal.received.add(body.part)
        deal.newest = message.time
        named = body.fulfil is UNSET or deal.fulfilled.get(body.part) == body.fulfil
        return known and named and message.role == "buyer"
    if isinstance(body, Fulfil):
        known = body.part < len(order.parts) and body.part not in deal.received | deal.fulfilled.keys()
        deal.fulfilled[body.part] = message.id
        return known and message.role == "seller"
    if isinstance(body, PaymentSent):
        deal.sent += body.amount
        deal.payments[message.id] = body.amount
        return message.role == "buyer" and deal.sent <= sum(part.price for part in order.parts)
    return False
