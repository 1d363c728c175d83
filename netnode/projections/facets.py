"""What of a listing is searched: its texts, its lowest price, and the words of the column `facet`.

Filters are words of the full-text index too, so that a text and its filters are intersected in one pass, at any size.
A facet begins with a character of private use, which no word of a query does.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from msgspec import UNSET

from netnode.market.money import MoneyError, exponent
from protocol.records import Listing, Price

MARK: Final = "\ue000"
# Prices are compared in 1/10,000 of a major unit: no currency has more than 4 decimals.
SCALE: Final = 4
HIGHEST: Final = 2**63 - 1
KINDS: Final = ("product", "service", "opportunity", "licence", "knowledge", "want-ad")
# Neither pattern looks at a character more often than twice: texts come from strangers.
_TAG: Final = re.compile(r"<[^<>]*>")
_LINK_TARGET: Final = re.compile(r"\]\([^()\s]*")
_SILENT: Final = ("script", "style")


def lowest(listing: Listing) -> tuple[Price, bool] | None:
    """The price to show: the lowest among the variants, and whether others are higher.

    Only prices in the same money and period are compared: those of the listing, or else of its first priced variant.
    """
    prices = [] if listing.price is UNSET else [listing.price]
    if listing.variants is not UNSET:
        own = [listing.price if each.price is UNSET else each.price for each in listing.variants]
        prices = [price for price in own if price is not UNSET] or prices
    if not prices:
        return None
    first = prices[0] if listing.price is UNSET else listing.price
    alike = [price for price in prices if _money(price) == _money(first)] or [
        price for price in prices if _money(price) == _money(prices[0])
    ]
    best = min(alike, key=lambda price: price.amount)
    return best, any(price.amount != best.amount for price in alike)


def _money(price: Price) -> tuple[object, ...]:
    return (price.currency, price.issuer, price.unit, price.per)


def comparable(price: Price) -> int | None:
    """The amount in 1/10,000 of a major unit; None for credit and for currencies with unknown decimals."""
    if price.currency is UNSET:
        return None
    try:
        places = exponent(price.currency)
    except MoneyError:
        return None
    return min(price.amount * 10 ** (SCALE - places), HIGHEST) if places <= SCALE else None


def bound(amount: str, *, upper: bool) -> int:
    """A limit of a query (decimal, major units) in the unit of `comparable`."""
    scaled = Decimal(amount).scaleb(SCALE)
    return min(int(scaled.to_integral_value(ROUND_FLOOR if upper else ROUND_CEILING)), HIGHEST)


def category_path(text: str) -> str:
    """A category as it is compared: levels joined by `` > ``, case and spaces at the ends aside."""
    return " > ".join(level for level in (part.strip().casefold() for part in text.split(">")) if level)


# -- facets --------------------------------------------------------------------------------------------------
def kind_facet(kind: str) -> str:
    """The word all listings of a kind share."""
    return f"{MARK}k{KINDS.index(kind)}"


def seller_facet(n: int) -> str:
    """The word all listings of a seller share."""
    return f"{MARK}s{n}"


def currency_facet(currency: str) -> str:
    """The word all listings priced in a currency share; digits, because letters would be stemmed."""
    return f"{MARK}m" + "".join(f"{ord(letter):03d}" for letter in currency)


def category_facet(path: str) -> str:
    """The word all listings at or below a category share."""
    return f"{MARK}c{int.from_bytes(hashlib.sha256(path.encode()).digest()[:6], 'big')}"


def price_facets(low: int, high: int, currency: str | None) -> list[str]:
    """The words of all prices from `low` to `high`, of one currency or of any; both ends hold others too.

    Prices between the same powers of two share a word.
    """
    money = "" if currency is None else currency_facet(currency)
    first, last = ((value // 10**SCALE).bit_length() for value in (low, high))
    return [f"{money or MARK}p{number}" for number in range(first, last + 1)]


# -- texts ---------------------------------------------------------------------------------------------------
def plain(text: str, form: str) -> str:
    """The words of a description, without what its format adds."""
    if form == "plain":
        return text
    if form == "markdown":
        text = _LINK_TARGET.sub("] ", text)
    for name in _SILENT:
        text = _without(text, name)
    return html.unescape(_TAG.sub(" ", text))


def _without(text: str, name: str) -> str:
    """Drops elements whose content is not meant to be read; one that never ends takes the rest."""
    folded = text.lower()
    if len(folded) != len(text):
        return text  # a letter that changes its length in lower case: indexing a script is the lesser harm
    parts, at = [], 0
    while (start := folded.find(f"<{name}", at)) >= 0:
        parts.append(text[at:start])
        end = folded.find(f"</{name}", start)
        if end < 0:
            return " ".join(parts)
        at = end
    return " ".join([*parts, text[at:]])


def texts(n: int, listing: Listing) -> tuple[str, ...]:
    """The columns of `listing_text` in their order."""
    category = "" if listing.category is UNSET else listing.category
    description = ""
    if listing.description is not UNSET:
        description = plain(
            listing.description, "plain" if listing.format is UNSET else listing.format
        ).replace(MARK, " ")
    tags = [] if listing.tags is UNSET else list(listing.tags)
    if listing.variants is not UNSET:
        tags += {value for variant in listing.variants for value in variant.options}
    return (
        listing.title,
        " ".join(sorted(tags)),
        category,
        "" if listing.brand is UNSET else listing.brand,
        " ".join(_codes(listing)),
        "" if listing.summary is UNSET else listing.summary,
        description,
        " ".join(_facets(n, listing, category_path(category))),
    )


def _codes(listing: Listing) -> Iterator[str]:
    owners: list[Any] = [listing, *(() if listing.variants is UNSET else listing.variants)]
    for owner in owners:
        yield from (code for code in (owner.sku, owner.gtin, owner.mpn) if code is not UNSET)


def _facets(n: int, listing: Listing, path: str) -> Iterator[str]:
    yield kind_facet(listing.kind)
    yield seller_facet(n)
    levels = path.split(" > ") if path else []
    for depth in range(1, len(levels) + 1):
        yield category_facet(" > ".join(levels[:depth]))
    priced = lowest(listing)
    if priced is not None and priced[0].currency is not UNSET:
        yield currency_facet(priced[0].currency)
        low = comparable(priced[0])
        if low is not None:
            yield from price_facets(low, low, None)
            yield from price_facets(low, low, priced[0].currency)
