"""Listings as rows of WooCommerce's product CSV."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from msgspec import UNSET

from netnode.feeds import cells
from netnode.feeds.offers import Offer, addresses, offers, text
from netnode.feeds.texts import moment_text
from protocol.records import Listing

_ATTRIBUTES: Final = 4  # three options and the condition
_COLUMNS: Final = (
    "Type",
    "SKU",
    "GTIN, UPC, EAN, or ISBN",
    "Name",
    "Published",
    "Visibility in catalog",
    "Short description",
    "Description",
    "Date sale price starts",
    "Date sale price ends",
    "In stock?",
    "Backorders allowed?",
    "Weight (kg)",
    "Sale price",
    "Regular price",
    "Categories",
    "Tags",
    "Images",
    "Parent",
    "Grouped products",
    "External URL",
    "Brands",
    *(
        f"Attribute {n} {part}"
        for n in range(1, _ATTRIBUTES + 1)
        for part in ("name", "value(s)", "visible", "global")
    ),
    "Meta: netnode_key",
)
HEAD: Final = cells.line(_COLUMNS)
_ESCAPED: Final = re.compile(r"\\n|\n")
_IN_STOCK: Final = {
    "": "",
    "in_stock": "1",
    "out_of_stock": "0",
    "backorder": "backorder",
    "preorder": "backorder",
}


def write(listing: Listing, _time: int) -> str:
    """The row of one product, and one for each of its choices."""
    found = offers(listing)
    images = addresses(listing)
    parent = {
        "Type": _type(listing),
        "Name": listing.title,
        "Published": "1",
        "Visibility in catalog": "visible",
        "Short description": _escaped(text(listing.summary)),
        "Description": _escaped(text(listing.description)),
        "Categories": cells.joined([text(listing.category)]),
        "Tags": "" if listing.tags is UNSET else cells.joined(listing.tags),
        "Images": cells.joined([text(image.url) for image in images]),
        "Grouped products": "" if listing.members is UNSET else cells.joined(listing.members),
        "External URL": text(listing.url),
        "Brands": cells.joined([text(listing.brand)]),
    }
    if listing.condition is not UNSET:
        parent |= _attribute(_ATTRIBUTES, "Condition", listing.condition)
    if listing.options is UNSET:
        parent |= _choice(found[0])
        if listing.sku is UNSET or listing.sku != listing.key:
            parent["Meta: netnode_key"] = listing.key
        return _line(parent)
    # Variations name their parent by its SKU; the key is one, since a listing with variants is not sold by itself.
    parent["SKU"] = listing.key
    for n, option in enumerate(listing.options):
        values = dict.fromkeys(offer.options[n] for offer in found)
        parent |= _attribute(n + 1, option, cells.joined(values))
    rows = [_line(parent)]
    for offer in found:
        row = _choice(offer) | {
            "Type": "variation, virtual" if listing.ships is False else "variation",
            "Published": "1",
            "Visibility in catalog": "visible",
            "Parent": listing.key,
            "Images": offer.image if offer.pictured else "",
        }
        for n, option in enumerate(listing.options):
            row |= _attribute(n + 1, option, offer.options[n])
        rows.append(_line(row))
    return "".join(rows)


def _type(listing: Listing) -> str:
    if listing.options is not UNSET:
        return "variable"
    if listing.members is not UNSET:
        return "grouped"
    if listing.url is not UNSET and listing.ships is UNSET:
        return "external"
    return "simple, virtual" if listing.ships is False else "simple"


def _attribute(n: int, name: str, value: str) -> dict[str, str]:
    cells = {"name": name, "value(s)": value, "visible": "1", "global": "0"}
    return {f"Attribute {n} {part}": cell for part, cell in cells.items()}


def _choice(offer: Offer) -> dict[str, str]:
    sale = offer.sale
    return {
        "SKU": offer.sku,
        "GTIN, UPC, EAN, or ISBN": offer.gtin,
        "In stock?": _IN_STOCK[offer.availability],
        "Backorders allowed?": "1" if _IN_STOCK[offer.availability] == "backorder" else "",
        "Weight (kg)": "" if offer.weight is UNSET else f"{Decimal(offer.weight).scaleb(-3):f}",
        "Regular price": offer.amount,
        "Sale price": offer.reduced,
        "Date sale price starts": "" if sale is UNSET or sale.from_ is UNSET else _moment(sale.from_),
        "Date sale price ends": "" if sale is UNSET or sale.until is UNSET else _moment(sale.until),
    }


def _moment(moment: int) -> str:
    return moment_text(moment, " ", "")


def _escaped(written: str) -> str:
    return _ESCAPED.sub(lambda found: "\\n" if found[0] == "\n" else r"\\n", written.replace("\r\n", "\n"))


def _line(row: dict[str, str]) -> str:
    return cells.line([row.get(column, "") for column in _COLUMNS])
