"""Makes tests/vectors/prices.json: what orders on listings cost, and how an amount is divided."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET

from protocol import encoding
from protocol.deals.enclosures import Address, DiscountLine, Goods, GoodsLine, TaxLine
from protocol.deals.offers import Discount
from protocol.deals.pricing import Choice, Priced, check_sums, priced, spread
from protocol.errors import Void
from protocol.records import Listing, decode_record
from tests.protocol.deals.made import order
from tests.protocol.samples import SALT
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Prices (section 22.2). `order-*`: the record of a listing, an address and the discount of an offer (hex of their "
    "canonical maps), the choices ([values of the variant, pieces]), the date of the order and the label of the "
    "shipping wanted; `expected` has the lines ([unit price, amount]), the discount, the tax and how much of it is on "
    "shipping, the shipping without tax, the price and the points. Or the order is refused with a code. `spread-*`: "
    "an amount divided by weights. `sums-*`: goods that are not of a listing, with lines [part, pieces, unit price, "
    "amount], discounts [amount, code or null], taxes [amount, whether included, how much of it on shipping], and "
    "the figures of their order; `expected` has the price."
)
NOON: Final = 1_800_000_000_000
EUR: Final = {"amount": 1_000, "currency": "EUR"}
FIVE: Final = EUR | {"amount": 5}
THREE: Final = EUR | {"amount": 3}
STAR: Final = {"amount": 7, "issuer": bytes(32), "unit": "star"}
VAT: Final = {"included": True, "rate": 1_900, "shipping": True, "title": "VAT"}
RATES: Final = [
    {"label": "Post", "price": {"amount": 490, "currency": "EUR"}, "regions": ["DE", "AT"]},
    {"label": "Express", "price": {"amount": 1_290, "currency": "EUR"}, "regions": ["DE"]},
    {"price": {"amount": 2_000, "currency": "EUR"}, "regions": ["US"]},
    {"price": {"amount": 1_500, "currency": "EUR"}, "regions": ["US-CA", "*"]},
    {"regions": ["CH"]},
    {"price": {"amount": 900, "currency": "USD"}, "regions": ["CA"]},
]
SIZES: Final = [
    {"options": ["S"]},
    {"options": ["M"], "price": {"amount": 1_200, "currency": "EUR"}, "points": 3},
    {"options": ["L"], "price": {"amount": 1_300, "currency": "EUR"}, "sale": {"amount": 1_111}},
    {"options": ["XL"], "sale": {"amount": 999, "until": NOON}},
    {"options": ["X"], "price": {"amount": 1_300, "currency": "USD"}},
    {"options": ["year"], "price": {"amount": 9, "currency": "EUR", "per": {"count": 1, "unit": "year"}}},
]


def base(**fields: Any) -> dict[str, Any]:
    """A listing as a map."""
    return {"$": SALT, "key": "k", "kind": "product", "title": "Shirt", "price": EUR} | fields


def given(
    listing: dict[str, Any],
    choices: list[Any] | None = None,
    *,
    time: int = NOON,
    address: dict[str, Any] | None = None,
    service: str | None = None,
    discount: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The input of an order's vector."""
    asked: dict[str, Any] = {
        "listing": encoding.encode(listing).hex(),
        "choices": [[[], 1]] if choices is None else choices,
        "time": time,
    }
    for name, value in (("address", address), ("discount", discount)):
        if value is not None:
            asked[name] = encoding.encode(value).hex()
    return asked if service is None else asked | {"service": service}


def computed(asked: dict[str, Any]) -> Priced:
    """What `protocol` makes of an input."""

    def read(name: str, form: Any) -> Any:
        return encoding.typed(encoding.decode(bytes.fromhex(asked[name])), form) if name in asked else None

    listing = decode_record(Listing.KIND, bytes.fromhex(asked["listing"]))
    assert isinstance(listing, Listing)
    return priced(
        listing,
        [Choice(tuple(values), pieces) for values, pieces in asked["choices"]],
        asked["time"],
        to=read("address", Address),
        service=asked.get("service"),
        discount=read("discount", Discount),
    )


def told(found: Priced) -> dict[str, Any]:
    """A price as a vector writes it."""
    return {
        "lines": [[line.unit_price, line.amount] for line in found.lines],
        "discount": found.discounts[0].amount if found.discounts else None,
        "tax": [found.taxes[0].amount, found.taxes[0].shipping] if found.taxes else None,
        "shipping": found.shipping,
        "price": found.price,
        "points": found.points,
    }


def _orders() -> list[tuple[str, str, int, dict[str, Any]]]:
    """(name, comment, number of the rule, input)."""
    sale = {"amount": 800, "from": NOON, "until": NOON + 10}
    sizes = base(options=["Size"], variants=SIZES, sale={"amount": 900}, points=50)
    shipped = base(shipping=RATES)
    de = {"country": "DE"}
    off = {"points": 1_500, "title": "Spring"}
    fixed = {"amount": 300, "currency": "EUR", "least": 1_000, "title": "3 off"}
    taxed = base(tax=VAT, shipping=RATES)
    added = VAT | {"included": False}
    return [
        ("one", "one piece", 1, given(base())),
        ("many", "several pieces, with points", 1, given(base(points=250), [[[], 7]])),
        ("most", "the most pieces", 1, given(base(), [[[], 1_000_000]])),
        ("credit", "in a credit unit", 1, given(base(price=STAR), [[[], 3]])),
        ("free", "for nothing", 1, given(base(price=EUR | {"amount": 0}, tax=VAT))),
        ("per", "a price per period is that of one", 1,
         given(base(price=EUR | {"per": {"count": 3, "unit": "month"}}))),
        ("no-pieces", "no pieces", 1, given(base(), [[[], 0]])),
        ("too-many", "too many pieces", 1, given(base(), [[[], 1_000_001]])),
        ("nothing", "nothing chosen", 1, given(base(), [])),
        ("options-none-there", "a choice where there is none", 1, given(base(), [[["S"], 1]])),
        ("want-ad", "nothing that is sold", 1, given(base(kind="want-ad"))),
        ("opportunity", "nothing that is sold", 1, given(base(kind="opportunity"))),
        ("expired", "expired at the moment of the order", 1, given(base(expires=NOON))),
        ("not-expired", "one ms before", 1, given(base(expires=NOON + 1))),
        ("on-request", "no price", 1, given({k: v for k, v in base().items() if k != "price"})),
        ("amount-2^53", "an amount too large", 1, given(base(price=EUR | {"amount": 2**53 - 1}), [[[], 2]])),
        ("sum-2^53", "a sum too large", 1, given(base(price=EUR | {"amount": 2**53 - 1}, tax=added))),
        ("points-2^53", "too many points", 1, given(base(points=2**53 - 1), [[[], 2]])),
        ("variant-as-listing", "a variant without a price has price, sale and points of the listing", 1,
         given(sizes, [[["S"], 2]])),
        ("variant-own-price", "with a price it has no sale of the listing, but its own points", 1,
         given(sizes, [[["M"], 2]])),
        ("variant-own-sale", "with a sale of its own", 1, given(sizes, [[["L"], 1]])),
        ("variant-sale-over", "its own sale displaces that of the listing, also when it is over", 1,
         given(sizes, [[["XL"], 1]])),
        ("variants", "several", 1, given(sizes, [[["S"], 1], [["M"], 2], [["S"], 1]])),
        ("variant-unknown", "one that there is not", 1, given(sizes, [[["Q"], 1]])),
        ("variant-none", "none chosen", 1, given(sizes)),
        ("mixed-currency", "two currencies", 1, given(sizes, [[["S"], 1], [["X"], 1]])),
        ("mixed-period", "once and a year", 1, given(sizes, [[["S"], 1], [["year"], 1]])),
        ("sale-before", "one ms before the sale", 2, given(base(sale=sale), time=NOON - 1)),
        ("sale-first", "its first ms", 2, given(base(sale=sale))),
        ("sale-last", "its last ms", 2, given(base(sale=sale), time=NOON + 9)),
        ("sale-over", "the ms after", 2, given(base(sale=sale), time=NOON + 10)),
        ("discount-points", "a share", 3, given(base(), [[[], 3]], discount=off)),
        ("discount-half", "a half is rounded up", 3, given(base(price=FIVE), discount=off | {"points": 1_000})),
        ("discount-below-half", "less is rounded down", 3,
         given(base(price=FIVE), discount=off | {"points": 999})),
        ("discount-amount", "an amount", 3, given(base(), discount=fixed)),
        ("discount-all", "an amount above the goods takes the goods and not the shipping", 3,
         given(taxed, address=de, discount=fixed | {"amount": 9_999})),
        ("discount-whole", "a share of all", 3, given(taxed, address=de, discount=off | {"points": 10_000})),
        ("discount-key", "for this key", 3, given(base(), discount=off | {"keys": ["j", "k"]})),
        ("discount-other-key", "for another key", 3, given(base(), discount=off | {"keys": ["j"]})),
        ("discount-least", "goods of less than it asks for", 3, given(base(), discount=fixed | {"least": 1_001})),
        ("discount-money", "in other money", 3, given(base(), discount=fixed | {"currency": "USD"})),
        ("discount-least-money", "its least in other money", 3,
         given(base(price=STAR, points=1), [[[], 9]], discount=off | {"least": 1, "currency": "EUR"})),
        ("discount-credit", "in credit", 3,
         given(base(price=STAR), [[[], 9]], discount={"amount": 5, "issuer": bytes(32), "unit": "star", "title": "t"})),
        ("discount-both", "amount and share", 3, given(base(), discount=fixed | {"points": 1})),
        ("discount-neither", "neither", 3, given(base(), discount={"title": "t"})),
        ("ship-first", "the first rate that names the country", 4, given(shipped, address=de)),
        ("ship-service", "the rate asked for", 4, given(shipped, address=de, service="Express")),
        ("ship-no-service", "one that there is not", 4, given(shipped, address=de, service="Pigeon")),
        ("ship-service-elsewhere", "one that is not for there", 4,
         given(shipped, address={"country": "AT"}, service="Express")),
        ("ship-subdivision", "the subdivision goes first", 4,
         given(shipped, address={"country": "US", "region": "CA"})),
        ("ship-country", "a subdivision that no rate names", 4,
         given(shipped, address={"country": "US", "region": "NY"})),
        ("ship-region-in-words", "a region in words is no subdivision", 4,
         given(shipped, address={"country": "US", "region": "California"})),
        ("ship-everywhere", "everywhere else", 4, given(shipped, address={"country": "JP"})),
        ("ship-nowhere", "nowhere", 4, given(base(shipping=RATES[:2]), address={"country": "FR"})),
        ("ship-no-address", "no address", 4, given(shipped)),
        ("ship-not", "it needs no shipping", 4, given(base(shipping=RATES, ships=False))),
        ("ship-not-service", "a service where there is none", 4, given(base(), service="Post")),
        ("ship-request", "a rate without a price", 4, given(shipped, address={"country": "CH"})),
        ("ship-money", "a rate in other money", 4, given(shipped, address={"country": "CA"})),
        ("ship-once", "paid once for many pieces", 4, given(shipped, [[[], 9]], address=de)),
        ("tax-included", "inside goods and shipping", 5, given(taxed, address=de)),
        ("tax-goods", "inside the goods only", 5,
         given(base(tax=VAT | {"shipping": False}, shipping=RATES), address=de)),
        ("tax-added", "on top of goods and shipping", 5, given(base(tax=added, shipping=RATES), address=de)),
        ("tax-added-goods", "on top of the goods only", 5,
         given(base(tax=added | {"shipping": False}, shipping=RATES), address=de)),
        ("tax-discount", "of what the discount leaves", 5, given(taxed, [[[], 3]], address=de, discount=off)),
        ("tax-once", "rounded once over all lines", 5, given(base(price=THREE, tax=added), [[[], 1], [[], 1]])),
        ("tax-half", "a half is rounded up", 5, given(base(price=FIVE, tax=added | {"rate": 1_000}))),
        ("tax-below-half", "less is rounded down", 5, given(base(price=FIVE, tax=added | {"rate": 999}))),
        ("tax-zero", "a rate of 0 is stated", 5, given(base(tax=VAT | {"rate": 0}))),
        ("tax-all", "a rate of 100 %", 5, given(base(tax=VAT | {"rate": 10_000}))),
        ("tax-largest", "of the largest amount", 5, given(base(price=EUR | {"amount": 2**53 - 1}, tax=VAT))),
    ]  # fmt: skip


SPREADS: Final = (
    ("even", 10, (1, 1)),
    ("rest-to-the-first", 10, (1, 1, 1)),
    ("largest-remainder", 10, (5, 3, 6)),
    ("zero", 0, (3, 4)),
    ("one", 7, (9,)),
    ("some-zero", 5, (0, 1, 0, 1)),
    ("all-zero", 7, (0, 0, 0)),
    ("large", 2**53 - 1, (2**53 - 1, 1, 2**52)),
    ("fifty", 99, tuple(range(1, 51))),
)


def vectors() -> list[Vector]:
    found: list[Vector] = []
    for name, comment, rule, asked in _orders():
        try:
            outcome: dict[str, Any] = {"expected": told(computed(asked))}
        except Void as error:
            outcome = {"error": error.code}
        found.append(vector(f"order-{name}", comment, f"R-PRICE-{rule}", asked, **outcome))
    for name, total, weights in SPREADS:
        expected = {"shares": list(spread(total, weights))}
        asked = {"total": total, "weights": list(weights)}
        found.append(vector(f"spread-{name}", name.replace("-", " "), "R-PRICE-7", asked, expected=expected))
    return [*found, *_sums()]


def sums(asked: dict[str, Any]) -> dict[str, Any]:
    """What `protocol` says of the figures of free goods."""
    lines = tuple(
        GoodsLine(amount=amount, part=part, quantity=pieces, title="x", unit_price=unit)
        for part, pieces, unit, amount in asked["lines"]
    )
    goods = Goods(
        salt=SALT,
        lines=lines,
        discounts=tuple(
            DiscountLine(amount=amount, code=UNSET if code is None else code, title="x")
            for amount, code in asked["discounts"]
        ),
        taxes=tuple(
            TaxLine(amount=amount, included=included, rate=0, shipping=shipping, title="x")
            for amount, included, shipping in asked["taxes"]
        ),
    )
    told = msgspec.structs.replace(
        order(asked["parts"]), listing=UNSET, tax=asked["tax"], shipping=asked["shipping"]
    )
    check_sums(told, goods)
    return {"price": sum(asked["parts"])}


def _sums() -> list[Vector]:
    """Goods that are not of a listing: lines as [part, pieces, unit price, amount], discounts as [amount, code]."""
    plain = {
        "lines": [[0, 2, 500, 1_000]],
        "discounts": [],
        "taxes": [],
        "shipping": 0,
        "tax": 0,
        "parts": [1_000],
    }
    two = plain | {"lines": [[0, 1, 700, 700], [1, 1, 300, 300]], "parts": [700, 300]}
    codes = [[100, "SPRING"], [50, "FRIEND"], [10, None]]
    taxed = plain | {"taxes": [[160, True, 0]], "tax": 160}
    rows: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("plain", "one line", plain),
        ("parts", "two parts", two),
        ("discounts", "several discounts, two by codes", plain | {"discounts": codes, "parts": [840]}),
        ("discounts-parts", "several discounts, borne by both parts", two | {"discounts": codes, "parts": [588, 252]}),
        ("discounts-all", "discounts of all there is", plain | {"discounts": [[600, "A"], [400, "B"]], "parts": [0]}),
        ("tax-included", "a tax inside", taxed),
        ("tax-added", "a tax on top", taxed | {"taxes": [[190, False, 0]], "tax": 190, "parts": [1_190]}),
        ("tax-shipping", "shipping with its own included tax",
         taxed | {"taxes": [[160, True, 80]], "shipping": 420, "parts": [1_500]}),
        ("two-taxes", "two taxes", taxed | {"taxes": [[100, True, 0], [60, True, 0]]}),
        ("line", "not pieces times unit price", plain | {"lines": [[0, 2, 500, 999]], "parts": [999]}),
        ("too-much-off", "more taken off than there is", plain | {"discounts": [[600, "A"], [401, "B"]], "parts": [0]}),
        ("tax-more-shipping", "more of a tax on the shipping than there is of it",
         taxed | {"taxes": [[160, True, 161]], "parts": [1_161]}),
        ("price", "another price", plain | {"parts": [999]}),
        ("parts-differ", "the same price otherwise divided", two | {"parts": [600, 400]}),
        ("parts-less", "a part that no line belongs to", plain | {"parts": [500, 500]}),
        ("tax-differs", "another tax than its lines", taxed | {"tax": 159}),
        ("shipping", "shipping that the price has not", plain | {"shipping": 1}),
    )  # fmt: skip
    found = []
    for name, comment, asked in rows:
        try:
            outcome: dict[str, Any] = {"expected": sums(asked)}
        except Void as error:
            outcome = {"error": error.code}
        found.append(vector(f"sums-{name}", comment, "R-PRICE-9", asked, **outcome))
    return found
