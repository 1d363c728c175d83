"""Offers, which orders hold whole, and named buyers; section 22.1."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import demand
from netnode.conformance.limits import HASH_BYTES, MAX_EPOCHS, MAX_KEY, SALT_BYTES, SIGNATURE_BYTES
from netnode.conformance.listings import PER
from netnode.conformance.shapes import array, bin_, int_, may, must, str_, table
from netnode.conformance.signatures import valid
from netnode.conformance.tags import tag

Map = dict[str, Any]
MAX_OFFER: Final = 8 * 1024
MAX_CONSENT: Final = 4 * 1024
MAX_TERM: Final = 400 * 24 * 3_600_000
MAX_TURNS: Final = 1_200
MAX_PARTS: Final = 50
_LINE: Final = 150  # characters of a title

EPOCH: Final = int_(0, MAX_EPOCHS - 1)
HASH: Final = bin_(HASH_BYTES)
CURRENCY: Final = str_(3, 3, "^[A-Z]{3}$")
UNIT: Final = str_(1, 16)
POINTS: Final = int_(0, 10_000)
_DURATION: Final = int_(1, MAX_TERM)

PARTS: Final = array(table({"fulfil_by": may(_DURATION), "price": must(int_())}), 1, MAX_PARTS)
TERMS: Final = table({
    "accept_by": must(_DURATION),
    "arbiter": may(HASH),
    "confirm_by": must(_DURATION),
    "consent": may(bin_(0, MAX_CONSENT)),
    "dispute_until": must(_DURATION),
    "fulfil_by": must(_DURATION),
    "pay_by": must(_DURATION),
    "ruling_by": must(_DURATION),
})  # fmt: skip
MANDATE: Final = table({"notice": must(_DURATION), "per": must(PER), "turns": may(int_(1, MAX_TURNS))})
NAMED: Final = table({"epoch": must(EPOCH), "id": must(HASH), "signature": must(bin_(SIGNATURE_BYTES))})

QUOTED: Final = {
    "commission": may(POINTS),
    "currency": may(CURRENCY),
    "issuer": may(HASH),
    "listing": may(HASH),
    "mandate": may(MANDATE),
    "parts": must(PARTS),
    "plan": may(HASH),
    "points": may(int_()),
    "shipping": may(int_()),
    "tax": may(int_()),
    "terms": must(TERMS),
    "unit": may(UNIT),
}
"""What an order on a quote repeats of it; `shipping` and `tax` are 0 where absent [R-OFF-3]."""
_DISCOUNT: Final = table({
    "amount": may(int_()),
    "currency": may(CURRENCY),
    "issuer": may(HASH),
    "keys": may(array(str_(1, MAX_KEY), 1, 100)),
    "least": may(int_()),
    "points": may(POINTS),
    "title": must(str_(1, _LINE)),
    "unit": may(UNIT),
})  # fmt: skip
_OFFER: Final = table({
    "$": must(bin_(SALT_BYTES)),
    "buyer": may(HASH),
    "code": may(HASH),
    "count": may(int_(1, 1_000_000)),
    "discount": may(_DISCOUNT),
    "epoch": must(EPOCH),
    "expires": must(int_()),
    "quote": may(table({**QUOTED, "enclosed": may(HASH)})),
    "seller": must(HASH),
    "signature": must(bin_(SIGNATURE_BYTES)),
    "time": must(int_()),
})  # fmt: skip


def read_offer(data: bytes) -> Map:
    """An offer of a right form [R-OFF-1].

    Raises:
        Fault: `deal_message`, or a code of the encoding.
    """
    offer: Map = decode(data, MAX_OFFER)
    demand(_OFFER(offer), "deal_message", "not an offer")
    demand(("quote" in offer) != ("discount" in offer), "deal_message", "a quote or a discount")
    if "quote" in offer:
        demand(not ("buyer" in offer and "count" in offer), "deal_message", "a named buyer, or by count")
        return offer
    discount = offer["discount"]
    demand(("amount" in discount) != ("points" in discount), "deal_message", "amount or points")
    unit = [name in discount for name in ("issuer", "unit")]
    demand(unit[0] == unit[1] and not (unit[0] and "currency" in discount), "deal_message", "its money")
    money = "amount" in discount or discount.get("least", 0) > 0
    demand(not money or unit[0] or "currency" in discount, "deal_message", "no money")
    keys = discount.get("keys", [])
    # The order of SPEC is that of code points, as Python compares; sorting by UTF-8 bytes is the same.
    demand(keys == sorted(set(keys)), "deal_message", "its keys")
    return offer


def offered_by(network: str, data: bytes, key: bytes) -> bool:
    """Whether this key signed an offer of a right form [R-OFF-2]."""
    offer = decode(data, MAX_OFFER)
    signature = offer.pop("signature")
    return valid(key, tag(network, "offer") + encode(offer), signature)


def named_by(network: str, order: Map, key: bytes) -> bool:
    """Whether this key signed that its networker buys with the key of an order [R-OFF-4]."""
    named = order["named"]
    covered = [named["id"], named["epoch"], order["key"], order["seller"]]
    return valid(key, tag(network, "named buyer") + encode(covered), named["signature"])
