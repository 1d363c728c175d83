"""What starts a deal: whether its terms are those offered, and whether it is a contract already [R-DEAL-7..9]."""

from __future__ import annotations

from msgspec import UNSET

from protocol.deals.bodies import Order
from protocol.deals.consent import check_arbiter
from protocol.deals.mandates import check_mandate, renewal_fault
from protocol.deals.message import Message
from protocol.deals.offers import QUOTED, Offer, parse_offer
from protocol.errors import Void


def judged(start: Message) -> tuple[str | None, bool]:
    """The code why a start has no effect (None: it has), and whether it is the contract by itself.

    It is when the seller has quoted it to this named buyer and the order is dated in time, and for a renewal, to
    which the buyer consented by the mandate.
    """
    order = start.body
    if not isinstance(order, Order):
        fault = renewal_fault(start)
        return fault, fault is None
    offer = UNSET if order.offer is UNSET else parse_offer(order.offer).offer
    fault = (None if offer is UNSET else _differs(start.time, order, offer)) or _unfit(start.time, order)
    if fault is not None or offer is UNSET or offer.quote is UNSET or offer.buyer is UNSET:
        return fault, False
    return None, start.time <= offer.expires


def _unfit(time: int, order: Order) -> str | None:
    """The code of a mandate that can never be used, or of an arbiter who cannot rule here [R-ARB-3]."""
    try:
        check_mandate(order)
        check_arbiter(order, time)
    except Void as error:
        return error.code
    return None


def _differs(time: int, order: Order, offer: Offer) -> str | None:
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
