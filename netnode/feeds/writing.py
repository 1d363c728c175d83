"""Listings into a feed, with an account of what the feed does not carry.

Nothing is believed about a format: each listing is written, read back by the format's own reader and compared, and
every field that does not come back as it was is named.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from netnode.feeds import (
    google_writing,
    nostr_writing,
    schemaorg_writing,
    shopify_writing,
    woocommerce_writing,
)
from netnode.feeds.mapping import Mapped, to_listing
from netnode.feeds.offers import offers, text
from netnode.feeds.product import FeedError, NeedsCurrency, Skipped
from netnode.feeds.reading import read_feed
from netnode.problems import ExitCode
from protocol.records import Image, Listing, Price, Sale

# Fields compared as they are; those of `offers`, of images and of shipping are compared one by one.
_WHOLE: Final = (
    "area",
    "brand",
    "category",
    "commission",
    "condition",
    "description",
    "expires",
    "format",
    "kind",
    "members",
    "options",
    "shipping",
    "ships",
    "summary",
    "tags",
    "tax",
    "title",
    "url",
)
_PER_CHOICE: Final = ("price", "sale", "availability", "sku", "gtin", "mpn", "weight", "points", "image")
# A feed is a list of offers: a wish or an invitation among them would be read as one.
_NO_OFFERS: Final = ("want-ad", "opportunity")
# Why: the first moment of the year 10000, which no feed can write
END_OF_CALENDAR: Final = 253_402_300_800_000
WHOLE_LISTING: Final = "listing"


@dataclass(frozen=True, slots=True)
class Target:
    """How a format is written.

    Attributes:
        format: the name of its reader.
        head: what the file begins with.
        between: what stands between two listings.
        foot: what it ends with.
        write: the text of one listing, and when it was published in ms.
        currency: whether it names the currency of a price.
        dates: whether it says from when to when a sale holds; one without its dates would hold for ever.
        periods: whether it says that a price recurs; a monthly price without it would be read as paid once.
    """

    format: str
    head: str
    between: str
    foot: str
    write: Callable[[Listing, int], str]
    currency: bool = True
    dates: bool = False
    periods: bool = False


@dataclass(frozen=True, slots=True)
class NotCarried:
    """A field of a listing that the file does not have, or not as it was; `variants.price` is of some variant."""

    key: str
    field: str


TARGETS: Final = MappingProxyType(
    {
        "shopify": Target(
            "shopify", shopify_writing.HEAD, "", "", shopify_writing.write, currency=False
        ),
        "woocommerce": Target(
            "woocommerce", woocommerce_writing.HEAD, "", "", woocommerce_writing.write, currency=False, dates=True
        ),
        "google": Target(
            "google", google_writing.TSV_HEAD, "", "", google_writing.write_tsv, dates=True
        ),
        "schemaorg": Target(
            "schemaorg", schemaorg_writing.HEAD, ",\n", schemaorg_writing.FOOT, schemaorg_writing.write, dates=True
        ),
        "nostr": Target("nostr", "[\n", ",\n", "\n]\n", nostr_writing.write, periods=True),
    }
)  # fmt: skip

_RSS: Final = Target(
    "google", google_writing.RSS_HEAD, "", google_writing.RSS_FOOT, google_writing.write_rss, dates=True
)
_XML_SUFFIXES: Final = (".xml", ".rss")


def target(format: str, filename: str = "") -> Target:
    """The way to write a format; the suffix of the file decides where a format has two.

    Raises:
        FeedError: unknown format.
    """
    if format not in TARGETS:
        raise FeedError(
            f"--format {format} cannot be written; there are: {', '.join(TARGETS)}.", "format", ExitCode.USAGE
        )
    xml = filename.casefold().endswith(_XML_SUFFIXES)
    return _RSS if format == "google" and xml else TARGETS[format]


class FeedWriter:
    """Writes one file, listing by listing.

    Attributes:
        exported: listings written so far.
        currency: of the amounts in a file whose format names none: that of the first price.
    """

    __slots__ = ("_target", "currency", "exported")

    def __init__(self, target: Target) -> None:
        self._target = target
        self.exported = 0
        self.currency: str | None = None

    def head(self) -> str:
        """The beginning of the file."""
        return self._target.head

    def foot(self) -> str:
        """The end of the file."""
        return self._target.foot

    def add(self, listing: Listing, time: int = 0) -> Iterator[str | NotCarried]:
        """Yields the text of a listing published at `time` (ms), then what it does not carry."""
        if listing.kind in _NO_OFFERS:
            yield NotCarried(listing.key, "kind")
            return
        stated = self._stated(listing)
        written = self._target.write(stated, time)
        back = self._read_back(written)
        if back is None or back.key != listing.key:
            yield NotCarried(listing.key, WHOLE_LISTING)
            return
        yield (self._target.between if self.exported else "") + written
        self.exported += 1
        if not self._target.currency and any(offer.price is not UNSET for offer in offers(stated)):
            yield NotCarried(listing.key, "currency")
        for field in not_equal(listing, back):
            yield NotCarried(listing.key, field)

    def _read_back(self, written: str) -> Listing | None:
        file = io.BytesIO(f"{self._target.head}{written}{self._target.foot}".encode())
        # Read as whoever imports it will, who says the currency once for the whole file.
        currency = self.currency or "USD"
        try:
            items = list(read_feed(file, format=self._target.format, currency=currency))
            if len(items) != 1 or isinstance(items[0], Skipped):
                return None
            back = to_listing(items[0], currency=currency, salt=bytes(16))
        except (FeedError, NeedsCurrency):
            return None
        return back.listing if isinstance(back, Mapped) else None

    def _stated(self, listing: Listing) -> Listing:
        """The listing without prices that the feed would tell wrongly."""
        price, sale = self._sayable(listing.price, listing.sale)
        variants = listing.variants
        if variants is not UNSET:
            changed = []
            for variant, offer in zip(variants, offers(listing), strict=True):
                own = self._sayable(offer.price, offer.sale)
                changed.append(msgspec.structs.replace(variant, price=own[0], sale=own[1]))
            price, sale, variants = UNSET, UNSET, tuple(changed)
        return msgspec.structs.replace(listing, price=price, sale=sale, variants=variants)

    def _sayable(
        self, price: Price | UnsetType, sale: Sale | UnsetType
    ) -> tuple[Price | UnsetType, Sale | UnsetType]:
        if price is UNSET or price.currency is UNSET or (price.per is not UNSET and not self._target.periods):
            return UNSET, UNSET
        if not self._target.currency:
            self.currency = self.currency or price.currency
            if price.currency != self.currency:
                return UNSET, UNSET
        if sale is not UNSET:
            dates = [date for date in (sale.from_, sale.until) if date is not UNSET]
            if dates and not (self._target.dates and max(dates) < END_OF_CALENDAR):
                sale = UNSET
        return price, sale


def not_equal(listing: Listing, back: Listing) -> list[str]:
    """The fields in which a listing differs from what was read back, in the words of a listing's form."""
    fields = [
        name for name in _WHOLE if _plain(getattr(listing, name)) != _plain(getattr(back, name))
    ]  # fmt: skip
    fields += _images(listing.images, back.images)
    prefix = "" if listing.variants is UNSET else "variants."
    before, after = offers(listing), offers(back)
    if len(before) != len(after):
        fields.append("variants")
        fields += [name for name in ("price", "sale") if getattr(listing, name) != getattr(back, name)]
    for name in _PER_CHOICE:
        if name == "image" and not prefix:
            continue  # the main image, and the images are named already
        if any(getattr(one, name) != getattr(other, name) for one, other in zip(before, after, strict=False)):
            fields.append(prefix + name)
    if prefix and any(one.options != other.options for one, other in zip(before, after, strict=False)):
        fields.append("variants.options")
    return fields


def _plain(value: Any) -> Any:
    """A value to compare: white space around a text says nothing."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value.strip().replace("\r\n", "\n"))
    return value


def _images(before: tuple[Image, ...] | UnsetType, after: tuple[Image, ...] | UnsetType) -> list[str]:
    old = () if before is UNSET else before
    new = () if after is UNSET else after
    fields = []
    if [text(image.url) for image in old] != [text(image.url) for image in new]:
        fields.append("images")
    alts = {image.url: image.alt for image in new}
    if any(image.alt is not UNSET and alts.get(image.url) != image.alt for image in old):
        fields.append("images.alt")
    if any(image.hash is not UNSET for image in old):
        fields.append("images.hash")
    return fields
