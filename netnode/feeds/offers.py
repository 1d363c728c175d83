"""What a listing offers, choice by choice, with all that a variant takes from its listing filled in.

Writers of feeds work on this, and the comparison of what a feed has carried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec import UNSET, UnsetType

from netnode.market.money import show
from protocol.records import Image, Listing, Price, Sale, Variant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Offer:
    """One choice; `image` is the address of its own or the main image, `pictured` whether it names one itself."""

    options: tuple[str, ...]
    price: Price | UnsetType
    sale: Sale | UnsetType
    availability: str
    sku: str
    gtin: str
    mpn: str
    weight: int | UnsetType
    points: int | UnsetType
    image: str
    pictured: bool = False

    @property
    def amount(self) -> str:
        """The regular amount as text, empty without one."""
        return "" if self.price is UNSET else money(self.price.amount, self.price)

    @property
    def reduced(self) -> str:
        """The reduced amount as text, empty without one."""
        return "" if self.sale is UNSET or self.price is UNSET else money(self.sale.amount, self.price)


def offers(listing: Listing) -> list[Offer]:
    """The choices of a listing; one without options where it has no variants."""
    pictures = () if listing.images is UNSET else listing.images
    if listing.variants is UNSET:
        return [
            Offer(
                options=(),
                price=listing.price,
                sale=listing.sale,
                availability=text(listing.availability),
                sku=text(listing.sku),
                gtin=text(listing.gtin),
                mpn=text(listing.mpn),
                weight=listing.weight,
                points=listing.points,
                image=_address(pictures, 0),
            )
        ]
    return [_of_variant(listing, variant, pictures) for variant in listing.variants]


def _of_variant(listing: Listing, variant: Variant, pictures: Sequence[Image]) -> Offer:
    # A price and its sale go together: a variant with its own price has not the sale of the listing.
    return Offer(
        options=variant.options,
        price=_or(variant.price, listing.price),
        sale=_or(variant.sale, listing.sale if variant.price is UNSET else UNSET),
        availability=text(_or(variant.availability, listing.availability)),
        sku=text(_or(variant.sku, listing.sku)),
        gtin=text(_or(variant.gtin, listing.gtin)),
        mpn=text(_or(variant.mpn, listing.mpn)),
        weight=_or(variant.weight, listing.weight),
        points=_or(variant.points, listing.points),
        image=_address(pictures, 0 if variant.image is UNSET else variant.image),
        pictured=variant.image is not UNSET,
    )


def addresses(listing: Listing) -> list[Image]:
    """The images that have an address; others exist only as blobs."""
    return [] if listing.images is UNSET else [image for image in listing.images if image.url is not UNSET]


def money(amount: int, price: Price) -> str:
    """An amount in the currency of a price."""
    return show(amount, price.currency) if price.currency is not UNSET else str(amount)


def text(value: str | UnsetType) -> str:
    """The text, empty where there is none."""
    return "" if value is UNSET else value


def _address(pictures: Sequence[Image], index: int) -> str:
    return text(pictures[index].url) if index < len(pictures) else ""


def _or(value: T | UnsetType, other: T | UnsetType) -> T | UnsetType:
    return other if value is UNSET else value
