"""Listings as rows of Shopify's product CSV (older column names, which all its versions read)."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from netnode.feeds import cells
from netnode.feeds.offers import Offer, addresses, offers, text
from protocol.records import Listing

_COLUMNS: Final = (
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    *(f"Option{n} {part}" for n in (1, 2, 3) for part in ("Name", "Value")),
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Requires Shipping",
    "Variant Barcode",
    "Image Src",
    "Image Position",
    "Image Alt Text",
    "SEO Description",
    "Google Shopping / MPN",
    "Google Shopping / Condition",
    "Variant Image",
    "Variant Weight Unit",
    "Status",
)
HEAD: Final = cells.line(_COLUMNS)
# Tracker, quantity, policy. Stock that is not tracked is always there; the count itself is private.
_STOCK: Final = {
    "": ("shopify", "", "deny"),
    "in_stock": ("", "", "deny"),
    "out_of_stock": ("shopify", "0", "deny"),
    "backorder": ("shopify", "0", "continue"),
    "preorder": ("shopify", "0", "continue"),
}


def write(listing: Listing, _time: int) -> str:
    """The rows of one product: a row for each choice, then for each image that is left."""
    rows = [_choice(listing, offer) for offer in offers(listing)]
    images = addresses(listing)
    rows += [{} for _ in range(len(images) - len(rows))]
    for position, image in enumerate(images, 1):
        rows[position - 1] |= {
            "Image Src": text(image.url),
            "Image Position": str(position),
            "Image Alt Text": text(image.alt),
        }
    rows[0] |= {
        "Title": listing.title,
        "Body (HTML)": text(listing.description),
        "Vendor": text(listing.brand),
        "Type": text(listing.category),
        "Tags": "" if listing.tags is UNSET else ", ".join(listing.tags),
        "Published": "TRUE",
        "SEO Description": text(listing.summary),
        "Google Shopping / Condition": text(listing.condition),
        "Status": "active",
    }
    names = ("Title",) if listing.options is UNSET else listing.options
    rows[0] |= {f"Option{n} Name": name for n, name in enumerate(names, 1)}
    return "".join(
        cells.line([(row | {"Handle": listing.key}).get(column, "") for column in _COLUMNS]) for row in rows
    )


def _choice(listing: Listing, offer: Offer) -> dict[str, str]:
    tracker, quantity, policy = _STOCK[offer.availability]
    values = offer.options or ("Default Title",)
    return {f"Option{n} Value": value for n, value in enumerate(values, 1)} | {
        "Variant SKU": offer.sku,
        "Variant Grams": "" if offer.weight is UNSET else str(offer.weight),
        "Variant Weight Unit": "" if offer.weight is UNSET else "g",
        "Variant Inventory Tracker": tracker,
        "Variant Inventory Qty": quantity,
        "Variant Inventory Policy": policy,
        "Variant Price": offer.reduced or offer.amount,
        "Variant Compare At Price": offer.amount if offer.reduced else "",
        "Variant Requires Shipping": "" if listing.ships is UNSET else str(listing.ships).upper(),
        "Variant Barcode": offer.gtin,
        "Google Shopping / MPN": offer.mpn,
        "Variant Image": offer.image if offer.pictured else "",
    }
