"""Listings as JSON-LD of schema.org: a Product, or a ProductGroup with its variants."""

from __future__ import annotations

import json
from typing import Any, Final

from msgspec import UNSET

from netnode.feeds.offers import Offer, addresses, money, offers, text
from netnode.feeds.schemaorg import AVAILABILITY, CONDITION, OPTIONS
from netnode.feeds.texts import moment_text
from protocol.records import Image, Listing, Shipping

SCHEMA: Final = "https://schema.org/"
HEAD: Final = f'{{"@context": "{SCHEMA}", "@graph": [\n'
FOOT: Final = "\n]}\n"
# The first name of each meaning is the one to write.
_AVAILABILITY: Final = {word: SCHEMA + name for name, word in reversed(AVAILABILITY.items())}
_CONDITION: Final = {word: SCHEMA + name for name, word in reversed(CONDITION.items())}
_PROPERTY: Final = {name: code for code, name in OPTIONS.items()}


def write(listing: Listing, _time: int) -> str:
    """One node of the graph."""
    found = offers(listing)
    node: dict[str, Any] = {
        "@type": "Product",
        "name": listing.title,
        "description": text(listing.description),
        "url": text(listing.url),
        "brand": {"@type": "Brand", "name": listing.brand} if listing.brand is not UNSET else "",
        "category": text(listing.category),
        "keywords": _keywords(listing),
        "image": [_image(image) for image in addresses(listing)],
    }
    if listing.options is UNSET:
        if listing.sku != listing.key:
            node["productID"] = listing.key
        node |= _choice(listing, found[0])
    else:
        node |= {
            "@type": "ProductGroup",
            "productGroupID": listing.key,
            "variesBy": [SCHEMA + _PROPERTY[name] if name in _PROPERTY else name for name in listing.options],
            "hasVariant": [_full(_variant(listing, listing.options, offer)) for offer in found],
        }
    return json.dumps(_full(node), ensure_ascii=False)


def _full(node: dict[str, Any]) -> dict[str, Any]:
    """A node without the properties that say nothing."""
    return {name: value for name, value in node.items() if value not in ("", [], {}, None)}


def _keywords(listing: Listing) -> Any:
    """A list, or one text whose commas are no separators."""
    tags = [] if listing.tags is UNSET else list(listing.tags)
    return tags if len(tags) != 1 else tags[0].replace(",", "\\,")


def _image(image: Image) -> Any:
    if image.alt is UNSET:
        return text(image.url)
    return {"@type": "ImageObject", "contentUrl": text(image.url), "caption": image.alt}


def _variant(listing: Listing, names: tuple[str, ...], offer: Offer) -> dict[str, Any]:
    node: dict[str, Any] = {"@type": "Product", "name": f"{listing.title} ({', '.join(offer.options)})"}
    more = []
    for name, value in zip(names, offer.options, strict=True):
        if name in _PROPERTY:
            node[_PROPERTY[name]] = value
        else:
            more.append({"@type": "PropertyValue", "name": name, "value": value})
    node["additionalProperty"] = more
    if offer.pictured:
        node["image"] = offer.image
    return node | _choice(listing, offer)


def _choice(listing: Listing, offer: Offer) -> dict[str, Any]:
    node: dict[str, Any] = {"sku": offer.sku, "gtin": offer.gtin, "mpn": offer.mpn}
    if offer.weight is not UNSET:
        node["weight"] = {"@type": "QuantitativeValue", "value": offer.weight, "unitCode": "GRM"}
    rates = () if listing.shipping is UNSET else listing.shipping
    terms = _full(
        {
            **_price(offer),
            "availability": _AVAILABILITY.get(offer.availability),
            "itemCondition": _CONDITION.get(text(listing.condition)),
            "shippingDetails": [_rate(rate) for rate in rates if "*" not in rate.regions],
        }
    )
    return node | {"offers": {"@type": "Offer", **terms} if terms else {}}


def _price(offer: Offer) -> dict[str, Any]:
    if offer.price is UNSET:
        return {}
    currency = text(offer.price.currency)
    node: dict[str, Any] = {"price": offer.amount, "priceCurrency": currency}
    sale = offer.sale
    if sale is not UNSET:
        special = {
            "@type": "UnitPriceSpecification",
            "priceType": f"{SCHEMA}SalePrice",
            "price": offer.reduced,
            "priceCurrency": currency,
            "validFrom": None if sale.from_ is UNSET else moment_text(sale.from_),
            "validThrough": None if sale.until is UNSET else moment_text(sale.until),
        }
        node["priceSpecification"] = _full(special)
    return node


def _rate(rate: Shipping) -> dict[str, Any]:
    node: dict[str, Any] = {
        "@type": "OfferShippingDetails",
        "shippingLabel": text(rate.label),
        "shippingDestination": [_region(place) for place in rate.regions],
    }
    if rate.price is not UNSET and rate.price.currency is not UNSET:
        amount = money(rate.price.amount, rate.price)
        node["shippingRate"] = {"@type": "MonetaryAmount", "value": amount, "currency": rate.price.currency}
    if rate.days is not UNSET:
        least, most = rate.days
        span = {"@type": "QuantitativeValue", "minValue": least, "maxValue": most, "unitCode": "DAY"}
        node["deliveryTime"] = {"@type": "ShippingDeliveryTime", "transitTime": span}
    return _full(node)


def _region(place: str) -> dict[str, Any]:
    country, _, region = place.partition("-")
    return _full({"@type": "DefinedRegion", "addressCountry": country, "addressRegion": region})
