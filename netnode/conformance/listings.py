"""Listings: their fields and the rules across them; section 7.7."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netnode.conformance.limits import (
    MAX_DESCRIPTION,
    MAX_DESCRIPTION_BYTES,
    MAX_KEY,
    MAX_TAG_BYTES,
    SALT_BYTES,
)
from netnode.conformance.shapes import (
    array,
    bin_,
    bool_,
    differ,
    int_,
    line,
    may,
    must,
    one_of,
    row,
    str_,
    table,
)

_AVAILABILITY: Final = one_of("backorder", "in_stock", "out_of_stock", "preorder")
_URL: Final = str_(8, 2_048, "^https?://")

_AREA: Final = table({
    "country": must(str_(2, 2, "^[A-Z]{2}$")),
    "geohash": may(str_(1, 5, "^[0-9b-hjkmnp-z]{1,5}$")),
    "region": may(str_(1, 100)),
})  # fmt: skip
_IMAGE: Final = table({"alt": may(str_(1, 500)), "hash": may(bin_(32)), "url": may(_URL)})
PER: Final = table({"count": must(int_(1, 999)), "unit": must(one_of("day", "month", "week", "year"))})
PRICE: Final = table({
    "amount": must(int_()),
    "currency": may(str_(3, 3, "^[A-Z]{3}$")),
    "issuer": may(bin_(32)),
    "per": may(PER),
    "unit": may(line(1, 16)),
})  # fmt: skip
_SALE: Final = table({"amount": must(int_()), "from": may(int_()), "until": may(int_())})
_SHIPPING: Final = table({
    "days": may(row(int_(0, 365), int_(0, 365))),
    "label": may(str_(1, 100)),
    "price": may(PRICE),
    "regions": must(array(str_(1, 16, r"^(\*|[A-Z]{2}(-[A-Z0-9]{1,13})?)$"), 1, 250)),
})  # fmt: skip
_TAX: Final = table({
    "included": must(bool_),
    "rate": must(int_(0, 10_000)),
    "shipping": must(bool_),
    "title": must(line(1, 100)),
})  # fmt: skip
_VARIANT: Final = table({
    "availability": may(_AVAILABILITY),
    "gtin": may(str_(1, 50)),
    "image": may(int_(0, 9)),
    "mpn": may(str_(1, 100)),
    "options": must(array(str_(1, 100), 1, 3)),
    "points": may(int_()),
    "price": may(PRICE),
    "sale": may(_SALE),
    "sku": may(str_(1, 100)),
    "weight": may(int_()),
})  # fmt: skip

FIELDS: Final = {
    "$": must(bin_(SALT_BYTES)),
    "area": may(_AREA),
    "availability": may(_AVAILABILITY),
    "brand": may(str_(1, 150)),
    "category": may(str_(1, 255)),
    "commission": may(int_(0, 10_000)),
    "condition": may(one_of("new", "refurbished", "used")),
    "description": may(str_(1, 20_000)),
    "expires": may(int_()),
    "format": may(one_of("html", "markdown", "plain")),
    "gtin": may(str_(1, 50)),
    "images": may(array(_IMAGE, 1, 10)),
    "key": must(line(1, MAX_KEY)),
    "kind": must(one_of("knowledge", "licence", "opportunity", "product", "service", "want-ad")),
    "members": may(array(line(1, MAX_KEY), 1, 100)),
    "mpn": may(str_(1, 100)),
    "options": may(array(str_(1, 50), 1, 3)),
    "points": may(int_()),
    "price": may(PRICE),
    "sale": may(_SALE),
    "shipping": may(array(_SHIPPING, 1, 50)),
    "ships": may(bool_),
    "sku": may(str_(1, 100)),
    "summary": may(str_(1, 500)),
    "tags": may(array(str_(1, 255), 1, 100)),
    "tax": may(_TAX),
    "title": must(line(1, 150)),
    "url": may(_URL),
    "variants": may(array(_VARIANT, 1, 256)),
    "weight": may(int_()),
}
"""The table of kind 3."""

Map = dict[str, Any]


def holds(listing: Map) -> bool:
    """Whether a listing whose fields are right keeps the rules across them."""
    return all((
        all(in_one_unit(price) for price in _prices(listing)),
        _sales(listing),
        _description(listing),
        _tags(listing),
        all(_shipping(rate) for rate in listing.get("shipping", [])),
        _variants(listing),
        _members(listing),
    ))  # fmt: skip


def _prices(listing: Map) -> Iterator[Map]:
    for part in (listing, *listing.get("variants", []), *listing.get("shipping", [])):
        if "price" in part:
            yield part["price"]


def in_one_unit(price: Map) -> bool:
    """[R-REC-6]."""
    if "currency" in price:
        return "issuer" not in price and "unit" not in price
    return "issuer" in price and "unit" in price


def _sales(listing: Map) -> bool:
    """[R-REC-7]."""
    for part in (listing, *listing.get("variants", [])):
        sale, price = part.get("sale"), part.get("price", listing.get("price"))
        if sale is not None:
            if price is None or sale["amount"] > price["amount"]:
                return False
            if "from" in sale and "until" in sale and sale["from"] >= sale["until"]:
                return False
    return True


def _description(listing: Map) -> bool:
    """[R-REC-8]."""
    text = listing.get("description")
    if text is None:
        return "format" not in listing
    short = listing["kind"] == "knowledge" or len(text) <= MAX_DESCRIPTION
    return short and len(text.encode()) <= MAX_DESCRIPTION_BYTES


def _tags(listing: Map) -> bool:
    """[R-REC-9]."""
    tags, images = listing.get("tags", []), listing.get("images", [])
    return (
        differ(tags)
        and all(len(tag.encode()) <= MAX_TAG_BYTES for tag in tags)
        and all("hash" in image or "url" in image for image in images)
    )


def _shipping(rate: Map) -> bool:
    """[R-REC-10]."""
    least, most = rate.get("days", (0, 0))
    return least <= most and "per" not in rate.get("price", {}) and differ(rate["regions"])


def _variants(listing: Map) -> bool:
    """[R-REC-11]."""
    names, variants = listing.get("options", []), listing.get("variants", [])
    if bool(names) != bool(variants) or not differ(names):
        return False
    images = len(listing.get("images", []))
    return differ([variant["options"] for variant in variants]) and all(
        len(variant["options"]) == len(names) and variant.get("image", -1) < images for variant in variants
    )


def _members(listing: Map) -> bool:
    """[R-REC-12]."""
    members = listing.get("members", [])
    return differ(members) and listing["key"] not in members
