"""Listings as Nostr events of NIP-99, not signed: a signer of the seller's adds key, id and signature."""

from __future__ import annotations

import json
from typing import Final

from msgspec import UNSET

from netnode.feeds.nostr import CATEGORY, LISTING, STATUS
from netnode.feeds.offers import addresses, money, offers, text
from protocol.records import Listing, Shipping

_STATUS: Final = {availability: status for status, availability in STATUS.items()}


def write(listing: Listing, time: int) -> str:
    """One event; a listing with variants has their price only where it is the same for all."""
    tags = [["d", listing.key], ["title", listing.title]]
    if listing.summary is not UNSET:
        tags.append(["summary", listing.summary])
    if time:
        tags.append(["published_at", str(time // 1000)])
    found = offers(listing)
    price = found[0].price
    if price is not UNSET and price.currency is not UNSET and all(offer.price == price for offer in found):
        tag = ["price", found[0].amount, price.currency]
        if price.per is not UNSET:
            per = price.per
            tag.append(per.unit if per.count == 1 else f"{per.count} {per.unit}s")
        tags.append(tag)
    words = {offer.availability for offer in found}
    status = (
        "active" if "in_stock" in words else _STATUS.get(found[0].availability) if len(words) == 1 else None
    )
    if status is not None:
        tags.append(["status", status])
    if listing.area is not UNSET:
        area = listing.area
        tags.append(["location", area.country if area.region is UNSET else f"{area.region}, {area.country}"])
        if area.geohash is not UNSET:
            tags.append(["g", area.geohash])
    tags += [["image", text(image.url)] for image in addresses(listing)]
    if listing.category is not UNSET:
        tags.append(["t", listing.category, CATEGORY])
    tags += [["t", word] for word in (() if listing.tags is UNSET else listing.tags)]
    tags += [_shipping(rate) for rate in (() if listing.shipping is UNSET else listing.shipping)]
    if listing.url is not UNSET:
        tags.append(["r", listing.url])
    if listing.expires is not UNSET and listing.expires % 1000 == 0:
        tags.append(["expiration", str(listing.expires // 1000)])
    event = {"kind": LISTING, "created_at": time // 1000, "tags": tags, "content": text(listing.description)}
    return json.dumps(event, ensure_ascii=False)


def _shipping(rate: Shipping) -> list[str]:
    price = rate.price
    cost = (
        ("", "")
        if price is UNSET or price.currency is UNSET
        else (money(price.amount, price), price.currency)
    )
    days = "" if rate.days is UNSET else f"{rate.days[0]}-{rate.days[1]}"
    return ["shipping", text(rate.label), *cost, ",".join(rate.regions), days]
