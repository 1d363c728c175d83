"""Listings as items of a Google Merchant feed: lines of a tab-separated table, or items of RSS 2.0."""

from __future__ import annotations

import html
import re
from typing import Final

from msgspec import UNSET

from netnode.feeds import cells
from netnode.feeds.google import FIELDS, LABELS, OPTIONS
from netnode.feeds.offers import Offer, addresses, money, offers, text
from netnode.feeds.texts import moment_text
from protocol.records import Listing, Price, Shipping

TSV_HEAD: Final = cells.line(FIELDS, "\t")
RSS_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">\n<channel>\n'
    "<title>Products</title>\n<link>https://localhost/</link>\n<description>Products</description>\n"
)
RSS_FOOT: Final = "</channel>\n</rss>\n"
_PLAIN: Final = ("title", "description", "link")  # elements of RSS itself
_RATE: Final = ("country", "region", "service", "price", "", "", "min_transit_time", "max_transit_time")
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATTRIBUTE: Final = {"colour": "color"} | {name: name for name in OPTIONS}


def write_tsv(listing: Listing, _time: int) -> str:
    """A line for each choice."""
    rows = []
    for item in _items(listing):
        row = {name: values[0] for name, values in item.items() if values}
        row["additional_image_link"] = cells.joined(item.get("additional_image_link", ()))
        row["shipping"] = cells.joined(":".join(parts) for parts in _rates(listing))
        rows.append(cells.line([row.get(name, "") for name in FIELDS], "\t"))
    return "".join(rows)


def write_rss(listing: Listing, _time: int) -> str:
    """An item for each choice."""
    rates = "".join(
        "<g:shipping>"
        + "".join(_element(name, part) for name, part in zip(_RATE, parts, strict=False) if name and part)
        + "</g:shipping>\n"
        for parts in _rates(listing)
    )
    return "".join(
        "<item>\n"
        + "".join(f"{_element(name, value)}\n" for name, values in item.items() for value in values if value)
        + rates
        + "</item>\n"
        for item in _items(listing)
    )


def _element(name: str, value: str) -> str:
    tag = name if name in _PLAIN else f"g:{name}"
    return f"<{tag}>{html.escape(_NO_XML.sub('', value), quote=False)}</{tag}>"


def _items(listing: Listing) -> list[dict[str, list[str]]]:
    images = [text(image.url) for image in addresses(listing)]
    tags = () if listing.tags is UNSET else listing.tags
    common = {
        "title": [listing.title],
        "description": [text(listing.description)],
        "link": [text(listing.url)],
        "brand": [text(listing.brand)],
        "condition": [text(listing.condition)],
        "product_type": [text(listing.category)],
        "product_highlight": [text(listing.summary)],
        **{name: [tag] for name, tag in zip(LABELS, tags, strict=False)},
    }
    found = offers(listing)
    return [
        _name(listing, offer, number) | common | _choice(listing, offer, images)
        for number, offer in enumerate(found, 1)
    ]


def _name(listing: Listing, offer: Offer, number: int) -> dict[str, list[str]]:
    """The id is the SKU; without one it is made of the key, in a way that a reader knows."""
    if listing.options is not UNSET:
        return {"id": [offer.sku or f"{listing.key}#{number}"], "item_group_id": [listing.key]}
    if offer.sku == listing.key:
        return {"id": [listing.key]}
    return {"id": [offer.sku or listing.key], "item_group_id": [listing.key]}


def _choice(listing: Listing, offer: Offer, images: list[str]) -> dict[str, list[str]]:
    names = () if listing.options is UNSET else listing.options
    attributes = {
        _ATTRIBUTE[name.casefold()]: [value]
        for name, value in zip(names, offer.options, strict=True)
        if name.casefold() in _ATTRIBUTE
    }
    main = offer.image or (images[0] if images else "")
    return {
        "image_link": [main],
        "additional_image_link": [url for url in images if url != main],
        "availability": [offer.availability],
        "price": [_money(offer.amount, offer.price)],
        "sale_price": [_money(offer.reduced, offer.price)],
        "sale_price_effective_date": [_span(offer)],
        "gtin": [offer.gtin],
        "mpn": [offer.mpn],
        **attributes,
        "shipping_weight": ["" if offer.weight is UNSET else f"{offer.weight} g"],
    }


def _money(amount: str, price: object) -> str:
    return f"{amount} {text(price.currency)}" if amount and isinstance(price, Price) else ""


def _span(offer: Offer) -> str:
    sale = offer.sale
    if sale is UNSET or (sale.from_ is UNSET and sale.until is UNSET):
        return ""
    begin = "" if sale.from_ is UNSET else moment_text(sale.from_)
    return f"{begin}/{'' if sale.until is UNSET else moment_text(sale.until)}"


def _rates(listing: Listing) -> list[list[str]]:
    """Google states rates country by country, and knows no `everywhere else`."""
    rates = () if listing.shipping is UNSET else listing.shipping
    return [_rate(rate, region) for rate in rates for region in rate.regions if region != "*"]


def _rate(rate: Shipping, place: str) -> list[str]:
    country, _, region = place.partition("-")
    price = "" if rate.price is UNSET else _money(money(rate.price.amount, rate.price), rate.price)
    days = [] if rate.days is UNSET else ["", "", *map(str, rate.days)]
    return [country, region, text(rate.label), price, *days]
