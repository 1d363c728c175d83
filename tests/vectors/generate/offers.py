"""Makes tests/vectors/offers.json: offers, codes, and named buyers."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET

from protocol import encoding, limits
from protocol.deals.bodies import NamedBuyer, Order
from protocol.deals.offers import Discount, code_hash, named_by
from tests.protocol.deals.made import NETWORK, SELLER, order
from tests.protocol.deals.test_offers import DISCOUNT, FRIEND, offer, ordered
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Offers (section 22.1), network `test`. `offer` and the `key` of its seller (hex); expected: its id; `signature`: "
    "it is not the key's; other codes: the form is wrong. `salt` and `code`; expected: the hash of the code. `id`, "
    "`epoch`, `order_key`, `seller`, `signature` of a named buyer, and a `key`; expected: whether the key signed it."
)


def vectors() -> list[Vector]:
    """Valid offers, then each way in which one is wrong; codes; named buyers."""
    return [*_valid(), *_wrong(), *_codes(), *_named()]


def _given(data: bytes, key: bytes = SELLER.signer.public) -> dict[str, str]:
    return {"offer": data.hex(), "key": key.hex()}


def _valid() -> list[Vector]:
    made = (
        ("quote", "a quote to a named buyer", offer()),
        ("quote-count", "a quote for two orders", offer(buyer=UNSET, count=2)),
        ("discount", "a tenth off", offer(quote=UNSET, discount=DISCOUNT, buyer=UNSET)),
        ("discount-amount", "an amount off two listings, by a code",
         offer(quote=UNSET, buyer=UNSET, count=9, code=b"c" * 32, discount=Discount(
             amount=500, currency="EUR", keys=("a", "b"), least=2_000, title="Five off"))),
    )  # fmt: skip
    return [
        vector(name, comment, "R-OFF-1, 2", _given(each.data), expected={"id": each.id.hex()})
        for name, comment, each in made
    ]


def _wrong() -> list[Vector]:
    whole: dict[str, Any] = encoding.decode(offer().data)
    tenth = {"points": 1_000, "title": "x"}

    def discount(**fields: Any) -> dict[str, Any]:
        return {"quote": None, "discount": {**tenth, **fields}}

    changes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("neither", {"quote": None}),
        ("both", {"discount": tenth}),
        ("named-and-counted", {"count": 1}),
        ("salt-15", {"$": bytes(15)}),
        ("no-seller", {"seller": None}),
        ("epoch-192", {"epoch": 192}),
        ("count-0", {"count": 0, "buyer": None}),
        ("no-discount", discount(points=None)),
        ("two-discounts", discount(amount=1, currency="EUR")),
        ("no-money", discount(least=1)),
        ("two-moneys", discount(currency="EUR", unit="u", issuer=bytes(32))),
        ("half-credit", discount(unit="u")),
        ("keys-fall", discount(keys=["b", "a"])),
        ("points-10001", discount(points=10_001)),
    )
    found = []
    for name, change in changes:
        fields = {key: value for key, value in {**whole, **change}.items() if value is not None}
        if "discount" in change:
            fields["discount"] = {
                key: value for key, value in change["discount"].items() if value is not None
            }
        data = encoding.encode(fields)
        found.append(vector(name, "a form that is wrong", "R-OFF-1", _given(data), error="deal_message"))
    terms = {name: value for name, value in whole["quote"]["terms"].items() if name != "consent"}
    unfit = encoding.encode({**whole, "quote": {**whole["quote"], "terms": terms}})
    found.append(
        vector(
            "unfit",
            "a quote that no order can repeat has a right form, and is not signed",
            "R-OFF-1",
            _given(unfit),
            error="signature",
        )
    )
    data = offer().data
    later = encoding.encode({**whole, "expires": whole["expires"] + 1})
    for name, comment, requirement, broken, key, code in (
        ("cut", "the last byte is missing", "R-OFF-1", data[:-1], SELLER.signer.public, "encoding"),
        ("too-long", "too long", "R-OFF-1", bytes(limits.MAX_OFFER + 1), SELLER.signer.public, "too_large"),
        ("later", "it expires later", "R-OFF-2", later, SELLER.signer.public, "signature"),
        ("key", "another key", "R-OFF-2", data, FRIEND.signer.public, "signature"),
    ):
        found.append(vector(name, comment, requirement, _given(broken, key), error=code))
    return found


def _codes() -> list[Vector]:
    return [
        vector(
            f"code-{code}",
            "the hash of a code",
            "R-OFF-5",
            {"salt": (b"s" * 16).hex(), "code": code},
            expected={"hash": code_hash(NETWORK, b"s" * 16, code).hex()},
        )
        for code in ("TEN", "ten")
    ]


def _named() -> list[Vector]:
    start = ordered(offer())
    assert isinstance(start.body, Order)
    named = start.body.named
    assert named is not UNSET
    value = {
        "seller": start.body.seller.hex(),
        "order_key": start.body.key.hex(),
        "id": FRIEND.id.hex(),
        "epoch": 0,
        "signature": named.signature.hex(),
        "key": FRIEND.signer.public.hex(),
    }
    return [
        vector("named", "the networker signed", "R-OFF-4", value, expected={"named": True}),
        vector(
            "named-epoch", "of another epoch", "R-OFF-4", {**value, "epoch": 1}, expected={"named": False}
        ),
        vector(
            "named-other-key",
            "for another key",
            "R-OFF-4",
            {**value, "order_key": SELLER.signer.public.hex()},
            expected={"named": False},
        ),
        vector(
            "named-other-seller",
            "for another seller",
            "R-OFF-4",
            {**value, "seller": FRIEND.id.hex()},
            expected={"named": False},
        ),
    ]


def named(given: Vector) -> bool:
    """Whether a key signed what a vector says of a named buyer."""
    body = msgspec.structs.replace(
        order(),
        key=bytes.fromhex(given["order_key"]),
        seller=bytes.fromhex(given["seller"]),
        named=NamedBuyer(
            epoch=given["epoch"], id=bytes.fromhex(given["id"]), signature=bytes.fromhex(given["signature"])
        ),
    )
    return named_by(NETWORK, body, bytes.fromhex(given["key"]))
