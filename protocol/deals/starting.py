"""What starts a deal: whether its terms are those offered, and whether it is a contract already [R-DEAL-7..9]."""

from __future__ import annotations

from msgspec import UNSET

from protocol.deals.bodies import Order, Renewal
from protocol.deals.mandates import check_mandate, renewal_fault
from protocol.deals.message import Message
from protocol.deals.offers import QUOTED, parse_offer
from protocol.errors import Void


def fault(start: Message) -> str | None:
    """The code why a start has no effect, or None."""
    match start.body:
        case Order() as order:
            return _differs(start.time, order) or _idle(order)
        case _:
            return renewal_fault(start)


def binds(start: Message) -> bool:
    """Whether a start without fault is the contract: no accept is needed.

    It is when the seller has quoted it to this named buyer and the order is dated in time, and for a renewal, to
    which the buyer consented by the mandate.
    """
    match start.body:
        case Order(offer=bytes(data)):
            offer = parse_offer(data).offer
            return offer.quote is not UNSET and offer.buyer is not UNSET and start.time <= offer.expires
        case _:
            return isinstance(start.body, Renewal)


def _idle(order: Order) -> str | None:
    try:
        check_mandate(order)
    except Void as error:
        return error.code
    return None


def _differs(time: int, order: Order) -> str | None:
    if order.offer is UNSET:
        return None
    offer = parse_offer(order.offer).offer
    if offer.time > time:
        return "bad_time"
    buyer = UNSET if order.named is UNSET else order.named.id
    quote = offer.quote
    same = (
        offer.seller == order.seller
        and (offer.buyer is UNSET or offer.buyer == buyer)
        and (quote is UNSET or all(getattr(quote, name) == getattr(order, name) for name in QUOTED))
    )
    return None if same else "terms_differ"
