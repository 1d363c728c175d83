"""From the neutral product to the listing record: the one place for all formats.

Nothing is cut to fit: what exceeds a limit makes the whole product skipped, with its row, column and reason.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

import msgspec
from msgspec import UNSET, UnsetType

from netnode.feeds.product import Choice, NeedsCurrency, Product, Rate, Skipped
from netnode.market.forms import FormError
from netnode.market.listing import proved
from netnode.market.money import MoneyError, parse
from protocol.records import Area, Image, Listing, Per, Price, Sale, Shipping, Variant
from protocol.records.fields import Availability, Condition, Period

# Fields of a record whose column has another name in a product.
_COLUMN: Final = {"variants": "price", "images": "image", "format": "description", "options": "option1"}
_AVAILABILITY: Final[dict[str, Availability]] = {word: word for word in get_args(Availability)}
_CONDITION: Final[dict[str, Condition]] = {word: word for word in get_args(Condition)}
_PERIOD: Final[dict[str, Period]] = {word: word for word in get_args(Period)}
_OWN: Final = ("area", "commission", "expires", "members", "points", "shipping", "tax", "url")
# The listing as a whole is as available as the best of its choices.
_BEST_FIRST: Final = ("in_stock", "preorder", "backorder", "out_of_stock")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A listing, and beside it the private stock: option values -> count (``()`` for a product without variants)."""

    listing: Listing
    stock: Mapping[tuple[str, ...], int]


def keep_own(old: Listing, new: Listing) -> Listing:
    """The next version of an imported listing: what its owner added and no feed says stays, fetched pictures too."""
    kept = {name: getattr(old, name) for name in _OWN if getattr(new, name) is UNSET}
    if old.images is not UNSET and new.images is not UNSET:
        fetched = {image.url: image.hash for image in old.images if image.hash is not UNSET}
        kept["images"] = tuple(
            msgspec.structs.replace(image, hash=fetched[image.url])
            if image.hash is UNSET and image.url in fetched
            else image
            for image in new.images
        )
    return msgspec.structs.replace(new, **kept)


class _Unfit(Exception):
    def __init__(self, row: int, field: str, reason: str) -> None:
        super().__init__(reason)
        self.row, self.field, self.reason = row, field, reason


def to_listing(product: Product, *, currency: str | None, salt: bytes) -> Mapped | Skipped:
    """Makes the listing of a product.

    Args:
        product: from any format.
        currency: for amounts whose currency the file does not name.
        salt: 16 random bytes.

    Returns:
        The listing, or why there is none.

    Raises:
        NeedsCurrency: there is an amount without a currency.
    """
    try:
        listing = proved(_listing(product, currency, salt))
    except _Unfit as unfit:
        return Skipped(unfit.row, product.columns.get(unfit.field, unfit.field), unfit.reason)
    except FormError as error:
        return _skipped(product, error)
    except UnicodeEncodeError:
        return Skipped(
            product.row, product.columns.get("title", "title"), "its texts are not well-formed Unicode"
        )
    stock = {choice.options: choice.stock for choice in product.choices if choice.stock is not None}
    return Mapped(listing, stock)


def _skipped(product: Product, error: FormError) -> Skipped:
    """Finds the row and column of a rule that the finished record breaks."""
    head, _, inner = (error.field or "description").partition(", ")
    name, _, number = head.partition(" ")
    row, column = product.row, name
    if name == "variants" and number.isdigit():
        row = product.choices[int(number) - 1].row
        column = {"options": "value1", "image": "variant_image"}.get(inner.partition(" ")[0], inner)
    column = _COLUMN.get(column, column)
    return Skipped(row, product.columns.get(column, column), error.reason)


def _listing(product: Product, currency: str | None, salt: bytes) -> Listing:
    prices = [_price(choice, currency) for choice in product.choices]
    # A variant leaves out what is as in the listing; a price and its sale go together or not at all.
    common = prices[0] if all(price == prices[0] for price in prices) else (UNSET, UNSET)
    availability = _best(product.choices)
    single = product.choices[0] if not product.options else None
    return Listing(
        salt=salt,
        area=_area(product),
        availability=availability,
        brand=_text(product.brand),
        category=_text(product.category),
        condition=_condition(product),
        description=_text(product.description),
        expires=UNSET if product.expires is None else product.expires,
        format=_format(product),
        gtin=_text(single.gtin) if single else UNSET,
        images=tuple(Image(alt=_text(image.alt), url=image.url) for image in product.images) or UNSET,
        key=_nfc(product.key),
        kind="product",
        members=product.members or UNSET,
        mpn=_text(single.mpn) if single else UNSET,
        options=tuple(map(_nfc, product.options)) or UNSET,
        price=common[0],
        sale=common[1],
        shipping=tuple(_rate(product, rate, currency) for rate in product.shipping) or UNSET,
        ships=UNSET if product.ships is None else product.ships,
        sku=_text(single.sku) if single else UNSET,
        summary=_text(product.summary),
        tags=tuple(dict.fromkeys(map(_nfc, product.tags))) or UNSET,
        title=_nfc(product.title),
        url=_text(product.url),
        variants=UNSET
        if single
        else tuple(
            _variant(choice, price if common[0] is UNSET else (UNSET, UNSET), availability)
            for choice, price in zip(product.choices, prices, strict=True)
        ),
        weight=UNSET if single is None or single.weight is None else single.weight,
    )


def _variant(
    choice: Choice, price: tuple[Price | UnsetType, Sale | UnsetType], listed: Availability | UnsetType
) -> Variant:
    own = _AVAILABILITY.get(choice.availability, UNSET)
    return Variant(
        availability=UNSET if own == listed else own,
        gtin=_text(choice.gtin),
        image=choice.image or UNSET,  # the main image needs no telling
        mpn=_text(choice.mpn),
        options=tuple(map(_nfc, choice.options)),
        price=price[0],
        sale=price[1],
        sku=_text(choice.sku),
        weight=UNSET if choice.weight is None else choice.weight,
    )


def _price(choice: Choice, currency: str | None) -> tuple[Price | UnsetType, Sale | UnsetType]:
    if not choice.price:
        return UNSET, UNSET
    code = choice.currency or currency
    if code is None:
        raise NeedsCurrency
    price = Price(amount=_minor(choice, choice.price, code), currency=code, per=_per(choice))
    if not choice.sale:
        return price, UNSET
    return price, Sale(
        amount=_minor(choice, choice.sale, code),
        from_=UNSET if choice.sale_from is None else choice.sale_from,
        until=UNSET if choice.sale_until is None else choice.sale_until,
    )


def _minor(choice: Choice, amount: str, currency: str) -> int:
    try:
        return parse(amount, currency)
    except MoneyError as error:
        raise _Unfit(choice.row, "price", str(error)) from error


def _per(choice: Choice) -> Per | UnsetType:
    if choice.per is None:
        return UNSET
    count, unit = choice.per
    if unit not in _PERIOD:
        raise _Unfit(choice.row, "price", f"{unit!r} is none of the periods {', '.join(_PERIOD)}")
    return Per(count=count, unit=_PERIOD[unit])


def _rate(product: Product, rate: Rate, currency: str | None) -> Shipping:
    price: Price | UnsetType = UNSET
    if rate.price:
        code = rate.currency or currency
        if code is None:
            raise NeedsCurrency
        try:
            price = Price(amount=parse(rate.price, code), currency=code)
        except MoneyError as error:
            raise _Unfit(product.row, "shipping", str(error)) from error
    return Shipping(
        days=UNSET if rate.days is None else rate.days,
        label=_text(rate.label),
        price=price,
        regions=rate.regions,
    )


def _area(product: Product) -> Area | UnsetType:
    if not product.country:
        return UNSET
    return Area(country=product.country, geohash=_text(product.geohash), region=_text(product.region))


def _best(choices: tuple[Choice, ...]) -> Availability | UnsetType:
    words = {choice.availability for choice in choices}
    if "" in words:  # what one choice leaves open must not come to it from the others
        return UNSET
    return next((_AVAILABILITY[word] for word in _BEST_FIRST if word in words), UNSET)


def _condition(product: Product) -> Condition | UnsetType:
    if not product.condition:
        return UNSET
    if product.condition not in _CONDITION:
        raise _Unfit(product.row, "condition", f"{product.condition!r} is none of {', '.join(_CONDITION)}")
    return _CONDITION[product.condition]


def _format(product: Product) -> Any:
    # Plain is what an absent format means; one form of a listing keeps a second import unchanged.
    return product.format if product.description and product.format not in {"", "plain"} else UNSET


def _text(text: str) -> str | UnsetType:
    return _nfc(text) if text else UNSET


def _nfc(text: str) -> str:
    text.encode()  # raises for halves of surrogate pairs, which JSON can name
    return unicodedata.normalize("NFC", text)
