"""Records of the catalogue: a listing, and its withdrawal."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import (
    SALT,
    Availability,
    Condition,
    Count,
    Country,
    Hash,
    Key,
    ListingKind,
    Milliseconds,
    Salt,
    TextFormat,
    Url,
    doc,
    malformed,
    one_line,
)
from protocol.records.money import Price, Sale, check_price, check_sale

Days = Annotated[int, Meta(ge=0, le=limits.MAX_DAYS)]
Gtin = Annotated[str, Meta(min_length=1, max_length=limits.MAX_GTIN)]
Mpn = Annotated[str, Meta(min_length=1, max_length=limits.MAX_MPN)]
OptionName = Annotated[str, Meta(min_length=1, max_length=limits.MAX_OPTION_NAME)]
OptionValue = Annotated[str, Meta(min_length=1, max_length=limits.MAX_OPTION_VALUE)]
Region = Annotated[
    str, Meta(min_length=1, max_length=limits.MAX_REGION, pattern=r"^(\*|[A-Z]{2}(-[A-Z0-9]{1,13})?)\Z")
]
Sku = Annotated[str, Meta(min_length=1, max_length=limits.MAX_SKU)]
# Each character is at least one byte; the bytes are counted in `check_listing`.
Tag = Annotated[str, Meta(min_length=1, max_length=limits.MAX_TAG_BYTES)]


class Area(Struct, frozen=True, kw_only=True):
    """A coarse place: never an address."""

    country: Annotated[Country, doc("ISO 3166-1 alpha-2, upper case")]
    geohash: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_GEOHASH, pattern=r"^[0-9b-hjkmnp-z]{1,5}\Z")]
        | UnsetType,
        doc("geohash, lower case"),
    ] = UNSET
    region: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_PLACE)] | UnsetType,
        doc("region or town, for people"),
    ] = UNSET


class Image(Struct, frozen=True, kw_only=True):
    """An image: by hash (a blob), by address, or both."""

    alt: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_ALT)] | UnsetType,
        doc("what it shows, in words"),
    ] = UNSET
    hash: Annotated[Hash | UnsetType, doc("SHA-256 of the blob")] = UNSET
    url: Annotated[Url | UnsetType, doc("where its author found it; nobody fetches it for another")] = UNSET


class Shipping(Struct, frozen=True, kw_only=True):
    """One rate: where to, for how much, how long."""

    days: Annotated[tuple[Days, Days] | UnsetType, doc("[least, most] days until it arrives")] = UNSET
    label: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_LABEL)] | UnsetType,
        doc("name of the service"),
    ] = UNSET
    price: Annotated[Price | UnsetType, doc("paid once (no `per`); absent: agreed in the deal")] = UNSET
    regions: Annotated[
        Annotated[tuple[Region, ...], Meta(min_length=1, max_length=limits.MAX_REGIONS)],
        doc("ISO 3166 country (`DE`) or subdivision (`US-CA`), or `*` for everywhere else"),
    ]


class Tax(Struct, frozen=True, kw_only=True):
    """The one tax on what is sold, at the rate that the seller states."""

    included: Annotated[bool, doc("whether the prices hold it; otherwise it is added to them")]
    rate: Annotated[
        Annotated[int, Meta(ge=0, le=limits.MAX_BASIS_POINTS)], doc("basis points of the price without it")
    ]
    shipping: Annotated[bool, doc("whether shipping bears it as well")]
    title: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_LABEL)], doc("for people, as VAT; one line")
    ]


class Variant(Struct, frozen=True, kw_only=True):
    """One choice of a listing. What it leaves out is as in the listing."""

    availability: Annotated[Availability | UnsetType, doc("never a count: the stock is private")] = UNSET
    gtin: Annotated[Gtin | UnsetType, doc("GTIN, UPC, EAN or ISBN as the seller gives it")] = UNSET
    image: Annotated[
        Annotated[int, Meta(ge=0, le=limits.MAX_IMAGES - 1)] | UnsetType,
        doc("index into the images of the listing"),
    ] = UNSET
    mpn: Annotated[Mpn | UnsetType, doc("the maker's article code")] = UNSET
    options: Annotated[
        Annotated[tuple[OptionValue, ...], Meta(min_length=1, max_length=limits.MAX_OPTIONS)],
        doc("one value for each option of the listing, in its order"),
    ]
    points: Annotated[Count | UnsetType, doc("hundredths of a point, as in the listing")] = UNSET
    price: Annotated[Price | UnsetType, doc("regular price")] = UNSET
    sale: Annotated[Sale | UnsetType, doc("reduced amount")] = UNSET
    sku: Annotated[Sku | UnsetType, doc("the seller's article code")] = UNSET
    weight: Annotated[Count | UnsetType, doc("grams, as shipped")] = UNSET


class Listing(Struct, frozen=True, kw_only=True, rename=SALT):
    """Something offered to the market; the newest entry of a key is its current version."""

    KIND: ClassVar[int] = 3

    salt: Annotated[Salt, doc("16 random bytes")]
    area: Annotated[Area | UnsetType, doc("coarse place of the thing or service")] = UNSET
    availability: Annotated[Availability | UnsetType, doc("never a count: the stock is private")] = UNSET
    brand: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_BRAND)] | UnsetType, doc("brand or maker")
    ] = UNSET
    category: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_CATEGORY)] | UnsetType,
        doc("category path, levels joined by ` > `"),
    ] = UNSET
    commission: Annotated[
        Annotated[int, Meta(ge=0, le=limits.MAX_BASIS_POINTS)] | UnsetType,
        doc("basis points of the price that go to the path of a sale"),
    ] = UNSET
    condition: Annotated[Condition | UnsetType, doc("state of the goods")] = UNSET
    description: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_DESCRIPTION_KNOWLEDGE)] | UnsetType,
        doc("text in `format`; at most 5,000 characters unless `kind` is knowledge, at most 40,960 bytes"),
    ] = UNSET
    expires: Annotated[Milliseconds | UnsetType, doc("from this moment on it is no longer offered")] = UNSET
    format: Annotated[
        TextFormat | UnsetType,
        doc("how `description` is written; absent: plain; sanitised by who displays it"),
    ] = UNSET
    gtin: Annotated[Gtin | UnsetType, doc("GTIN, UPC, EAN or ISBN as the seller gives it")] = UNSET
    images: Annotated[
        Annotated[tuple[Image, ...], Meta(min_length=1, max_length=limits.MAX_IMAGES)] | UnsetType,
        doc("the first is the main one"),
    ] = UNSET
    key: Annotated[Key, doc("the seller's name for it, one line: unique in the log, stable over edits")]
    kind: Annotated[ListingKind, doc("what is offered")]
    members: Annotated[
        Annotated[tuple[Key, ...], Meta(min_length=1, max_length=limits.MAX_MEMBERS)] | UnsetType,
        doc("keys of the same log that this listing groups"),
    ] = UNSET
    mpn: Annotated[Mpn | UnsetType, doc("the maker's article code")] = UNSET
    options: Annotated[
        Annotated[tuple[OptionName, ...], Meta(min_length=1, max_length=limits.MAX_OPTIONS)] | UnsetType,
        doc("names of the options, as Size; given with `variants` and only then"),
    ] = UNSET
    points: Annotated[
        Count | UnsetType, doc("hundredths of a point of the seller's plan; nothing to do with the price")
    ] = UNSET
    price: Annotated[Price | UnsetType, doc("regular price; absent: on request")] = UNSET
    sale: Annotated[Sale | UnsetType, doc("reduced amount")] = UNSET
    shipping: Annotated[
        Annotated[tuple[Shipping, ...], Meta(min_length=1, max_length=limits.MAX_SHIPPING)] | UnsetType,
        doc("rates; the first that names the buyer's subdivision, else country, else `*`, holds"),
    ] = UNSET
    ships: Annotated[bool | UnsetType, doc("whether it needs shipping; absent: not said")] = UNSET
    sku: Annotated[Sku | UnsetType, doc("the seller's article code")] = UNSET
    summary: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_SUMMARY)] | UnsetType,
        doc("plain text for lists"),
    ] = UNSET
    tags: Annotated[
        Annotated[tuple[Tag, ...], Meta(min_length=1, max_length=limits.MAX_TAGS)] | UnsetType,
        doc("words to be found by; at most 255 bytes each"),
    ] = UNSET
    tax: Annotated[Tax | UnsetType, doc("absent: none is stated, and none is charged")] = UNSET
    title: Annotated[Annotated[str, Meta(min_length=1, max_length=limits.MAX_TITLE)], doc("one line")]
    url: Annotated[Url | UnsetType, doc("the seller's own page of it")] = UNSET
    variants: Annotated[
        Annotated[tuple[Variant, ...], Meta(min_length=1, max_length=limits.MAX_VARIANTS)] | UnsetType,
        doc("the choices; given with `options` and only then"),
    ] = UNSET
    weight: Annotated[Count | UnsetType, doc("grams, as shipped")] = UNSET


class Withdraw(Struct, frozen=True, kw_only=True, rename=SALT):
    """Ends a listing; a later listing entry of the key offers it again."""

    KIND: ClassVar[int] = 5

    salt: Annotated[Salt, doc("16 random bytes")]
    key: Annotated[Key, doc("key of the listing")]


def check_listing(record: Listing) -> None:
    """The cross-field rules of a listing [R-REC-5..12].

    Raises:
        Void: `malformed`, with a sentence that names the field.
    """
    one_line("key", record.key)
    one_line("title", record.title)
    if record.tax is not UNSET:
        one_line("tax.title", record.tax.title)
    if record.description is not UNSET:
        _check_description(record.kind, record.description)
    elif record.format is not UNSET:
        malformed("format", "there is no description it could be of")
    if record.price is not UNSET:
        check_price("price", record.price)
    if record.sale is not UNSET:
        check_sale("sale", record.sale, record.price)
    if record.tags is not UNSET:
        for index, word in enumerate(record.tags):
            if len(word) > limits.MAX_TAG_BYTES // 4 and len(word.encode()) > limits.MAX_TAG_BYTES:
                malformed(f"tags[{index}]", f"is longer than {limits.MAX_TAG_BYTES} bytes")
        if len(set(record.tags)) < len(record.tags):
            malformed("tags", "one is named twice")
    if record.images is not UNSET:
        for index, image in enumerate(record.images):
            if image.hash is UNSET and image.url is UNSET:
                malformed(f"images[{index}]", "needs a hash or a url")
    if record.members is not UNSET and (
        record.key in record.members or len(set(record.members)) < len(record.members)
    ):
        malformed("members", "one is named twice, or is the listing itself")
    if record.shipping is not UNSET:
        _check_shipping(record.shipping)
    if record.options is not UNSET or record.variants is not UNSET:
        _check_variants(record)


def _check_description(kind: str, text: str) -> None:
    if kind != "knowledge" and len(text) > limits.MAX_DESCRIPTION:
        malformed("description", f"has {len(text)} characters; at most {limits.MAX_DESCRIPTION} for a {kind}")
    if len(text) > limits.MAX_DESCRIPTION_BYTES // 4 and len(text.encode()) > limits.MAX_DESCRIPTION_BYTES:
        malformed("description", f"has more than {limits.MAX_DESCRIPTION_BYTES} bytes")


def _check_shipping(rates: tuple[Shipping, ...]) -> None:
    for index, rate in enumerate(rates):
        field = f"shipping[{index}]"
        if rate.days is not UNSET and rate.days[0] > rate.days[1]:
            malformed(f"{field}.days", "the least is above the most")
        if rate.price is not UNSET:
            check_price(f"{field}.price", rate.price)
            if rate.price.per is not UNSET:
                malformed(f"{field}.price.per", "shipping is paid once")
        if len(set(rate.regions)) < len(rate.regions):
            malformed(f"{field}.regions", "one is named twice")


def _check_variants(record: Listing) -> None:
    if record.options is UNSET or record.variants is UNSET:
        malformed("options" if record.options is UNSET else "variants", "options and variants come together")
    if len(set(record.options)) < len(record.options):
        malformed("options", "one is named twice")
    images = 0 if record.images is UNSET else len(record.images)
    seen: set[tuple[str, ...]] = set()
    for index, variant in enumerate(record.variants):
        field = f"variants[{index}]"
        if len(variant.options) != len(record.options):
            malformed(
                f"{field}.options", f"has {len(variant.options)} values for {len(record.options)} options"
            )
        if variant.options in seen:
            malformed(f"{field}.options", "the same choice is there twice")
        seen.add(variant.options)
        if variant.image is not UNSET and variant.image >= images:
            malformed(f"{field}.image", f"index {variant.image}, but there are {images} images")
        if variant.price is not UNSET:
            check_price(f"{field}.price", variant.price)
        price = record.price if variant.price is UNSET else variant.price
        if variant.sale is not UNSET:
            check_sale(f"{field}.sale", variant.sale, price)


def check_withdraw(record: Withdraw) -> None:
    """The key of a withdrawal is one line, as that of a listing is.

    Raises:
        Void: `malformed`.
    """
    one_line("key", record.key)
