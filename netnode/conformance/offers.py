"""What an order holds whole, signed by others: an offer, an arbiter's consent, a named buyer; sections 22.1 and 24."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import demand
from netnode.conformance.limits import (
    HASH_BYTES,
    MAX_BASIS_POINTS,
    MAX_CONSENT,
    MAX_EPOCHS,
    MAX_KEY,
    MAX_MEMBERS,
    MAX_OFFER,
    MAX_PARTS,
    MAX_QUANTITY,
    MAX_TERM,
    MAX_TITLE,
    MAX_TURNS,
    MAX_UNIT,
    SALT_BYTES,
    SIGNATURE_BYTES,
)
from netnode.conformance.listings import PER
from netnode.conformance.shapes import array, bin_, int_, may, must, str_, table
from netnode.conformance.signatures import valid
from netnode.conformance.tags import sha256, tag

Map = dict[str, Any]

EPOCH: Final = int_(0, MAX_EPOCHS - 1)
HASH: Final = bin_(HASH_BYTES)
CURRENCY: Final = str_(3, 3, "^[A-Z]{3}$")
UNIT: Final = str_(1, MAX_UNIT)
POINTS: Final = int_(0, MAX_BASIS_POINTS)
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
    "keys": may(array(str_(1, MAX_KEY), 1, MAX_MEMBERS)),
    "least": may(int_()),
    "points": may(POINTS),
    "title": must(str_(1, MAX_TITLE)),
    "unit": may(UNIT),
})  # fmt: skip
_OFFER: Final = table({
    "$": must(bin_(SALT_BYTES)),
    "buyer": may(HASH),
    "code": may(HASH),
    "count": may(int_(1, MAX_QUANTITY)),
    "discount": may(_DISCOUNT),
    "epoch": must(EPOCH),
    "expires": must(int_()),
    "quote": may(table({**QUOTED, "enclosed": may(HASH)})),
    "seller": must(HASH),
    "signature": must(bin_(SIGNATURE_BYTES)),
    "time": must(int_()),
})  # fmt: skip


_CONSENT: Final = table({
    "$": must(bin_(SALT_BYTES)),
    "amount": may(int_()),
    "arbiter": must(HASH),
    "currency": may(CURRENCY),
    "epoch": must(EPOCH),
    "expires": must(int_()),
    "issuer": may(HASH),
    "points": may(POINTS),
    "seller": may(HASH),
    "signature": must(bin_(SIGNATURE_BYTES)),
    "terms": must(HASH),
    "time": must(int_()),
    "unit": may(UNIT),
})  # fmt: skip


def read_consent(data: bytes) -> Map:
    """An arbiter's consent of a right form [R-ARB-1].

    Raises:
        Fault: `deal_message`, or a code of the encoding.
    """
    consent: Map = decode(data, MAX_CONSENT)
    demand(_CONSENT(consent), "deal_message", "not a consent")
    demand(("amount" in consent) != ("points" in consent), "deal_message", "amount or points")
    unit = [name in consent for name in ("issuer", "unit")]
    money = "amount" in consent
    demand(unit[0] == unit[1] and ("currency" in consent) + unit[0] == money, "deal_message", "its money")
    demand(consent.get("seller") != consent["arbiter"], "deal_message", "the seller itself")
    return consent


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
    return _signed(network, "offer", data, key)


def consented_by(network: str, data: bytes, key: bytes) -> bool:
    """Whether this key signed a consent of a right form [R-ARB-2]."""
    return _signed(network, "consent", data, key)


def fee(consent: Map, price: int) -> int:
    """What a ruling costs: the amount, or the share of the price, a half up [R-ARB-4]."""
    if "amount" in consent:
        return int(consent["amount"])
    whole, rest = divmod(price * consent["points"], 10_000)
    return int(whole + (rest >= 5_000))


def _signed(network: str, purpose: str, data: bytes, key: bytes) -> bool:
    """The signature inside covers the map without it."""
    whole = decode(data, MAX_OFFER)
    signature = whole.pop("signature")
    return valid(key, tag(network, purpose) + encode(whole), signature)


def code_hash(network: str, salt: bytes, code: str) -> bytes:
    """What an offer tells of its code [R-OFF-5]."""
    return sha256(tag(network, "offer code") + encode([salt, code]))


def named_by(network: str, order: Map, key: bytes) -> bool:
    """Whether this key signed that its networker buys with the key of an order [R-OFF-4]."""
    named = order["named"]
    covered = [named["id"], named["epoch"], order["key"], order["seller"]]
    return valid(key, tag(network, "named buyer") + encode(covered), named["signature"])
