"""A listing as people write it (a form) and as INX holds it (a record), both ways.

The form is the shape of ``listing add --from FILE.toml``, of the command's options and of the API. Amounts are texts
in major units, times are dates, points and commission are decimals (hundredths of a point, per cent).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar, get_args

import msgspec
from msgspec import UNSET, UnsetType

from netnode.market.forms import Form, FormError, explain, moment_text
from netnode.market.money import MoneyError, parse, show
from protocol import limits
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.identity import id_text, parse_id
from protocol.records import (
    Area,
    Image,
    Listing,
    Per,
    Price,
    Sale,
    Shipping,
    Tax,
    Variant,
    encode_record,
)
from protocol.records.fields import Availability, Condition, ListingKind, Period, TextFormat

T = TypeVar("T")

KINDS: Final[tuple[str, ...]] = get_args(ListingKind)
PRICED: Final = ("price", "currency", "issuer", "unit", "per")
REDUCED: Final = ("sale", "sale_from", "sale_until")
_SAME_IN_VARIANT: Final = ("availability", "gtin", "mpn", "points", "sku", "weight")
FIELDS: Final = (
    "kind",
    "key",
    "title",
    "summary",
    "description",
    "format",
    *PRICED,
    *REDUCED,
    "points",
    "commission",
    "availability",
    "condition",
    "brand",
    "category",
    "tags",
    "sku",
    "gtin",
    "mpn",
    "weight",
    "ships",
    "url",
    "expires",
    "area",
    "images",
    "members",
    "tax",
    "shipping",
    "options",
    "variants",
)
_VARIANT: Final = ("options", "price", *REDUCED, "image", *_SAME_IN_VARIANT)
_PER: Final = re.compile(r"(?:(\d{1,3}) )?(day|week|month|year)s?")
_HUNDREDTHS: Final = re.compile(r"(\d{1,13})(?:\.(\d{1,2}))?")


def from_form(fields: Mapping[str, Any], *, salt: bytes, where: str = "") -> Listing:
    """Makes a listing record of a form.

    Args:
        fields: the form, see `FIELDS`; `kind`, `key` and `title` are needed.
        salt: 16 random bytes.
        where: the name of the file, for sentences.

    Raises:
        FormError: the sentence names file, table and field, and says what is wrong.
    """
    form = Form(fields, where)
    form.only(FIELDS)
    key, title = form.needed("key"), form.needed("title")
    form.needed("kind")
    money = _Money(form)
    images = _images(form)
    options, variants = _variants(form, money)
    shipping = _shipping(form, money)
    area = form.table("area")
    if area is not None:
        area.only(("country", "geohash", "region"))
    record = Listing(
        salt=salt,
        area=UNSET
        if area is None
        else Area(
            country=_country(area),
            geohash=_or(area.text("geohash")),
            region=_or(area.text("region")),
        ),
        availability=_or(form.choice("availability", get_args(Availability))),
        brand=_or(form.text("brand")),
        category=_or(form.text("category")),
        commission=_or(_hundredths(form, "commission", limits.MAX_BASIS_POINTS)),
        condition=_or(form.choice("condition", get_args(Condition))),
        description=_or(form.text("description")),
        expires=_or(form.moment("expires", end=True)),
        format=_or(form.choice("format", get_args(TextFormat))),
        gtin=_or(form.text("gtin")),
        images=images,
        key=key,
        kind=form.choice("kind", KINDS),
        members=_or(form.texts("members")),
        mpn=_or(form.text("mpn")),
        options=options,
        points=_or(_hundredths(form, "points", limits.MAX_INT)),
        price=money.price(form),
        sale=money.sale(form),
        shipping=shipping,
        ships=_or(form.flag("ships")),
        sku=_or(form.text("sku")),
        summary=_or(form.text("summary")),
        tags=_or(form.texts("tags")),
        tax=_tax(form),
        title=title,
        url=_or(form.text("url")),
        variants=variants,
        weight=_or(form.number("weight")),
    )
    money.finish()
    return proved(record, where)


def proved(record: Listing, where: str = "") -> Listing:
    """The record, once every rule of INX accepts it.

    Raises:
        FormError: a limit or a rule of fields together.
    """
    try:
        encode_record(record)
    except LocalProtocolError as error:
        raise FormError(where, *explain(error.text)) from error
    return record


def edited(
    listing: Listing, fields: Mapping[str, Any], clear: Iterable[str], *, salt: bytes, where: str = ""
) -> Listing:
    """The next version of a listing: `fields` replace those of its form, `clear` removes, the rest stays.

    Raises:
        FormError: as `from_form`; also for the key, which cannot change, and for an unknown name to clear.
    """
    form = to_form(listing)
    if fields.get("key", listing.key) != listing.key:
        raise FormError(where, "key", f"cannot change: withdraw {listing.key} and add the new key")
    for name in clear:
        if name not in FIELDS:
            Form({name: None}, where).only(FIELDS)
        form.pop(name, None)
    # A new sort of price displaces the old one whole, else a currency would stand beside a credit unit.
    if "currency" in fields:
        form.pop("issuer", None)
        form.pop("unit", None)
    if "unit" in fields or "issuer" in fields:
        form.pop("currency", None)
    form |= fields
    # What says nothing without its neighbour goes with it, unless it was given just now.
    lonely: tuple[str, ...] = () if _has_price(form) else PRICED
    for needed, names in (("description", ("format",)), ("sale", REDUCED[1:]), ("variants", ("options",))):
        if not Form(form).has(needed):
            lonely += names
    for name in lonely:
        if name not in fields:
            form.pop(name, None)
    return from_form(form, salt=salt, where=where)


def _has_price(form: Mapping[str, Any]) -> bool:
    lists = [form.get(name) for name in ("variants", "shipping")]
    tables = [table for rows in lists if isinstance(rows, list | tuple) for table in rows]
    return any(Form(table).has("price") for table in (form, *tables) if isinstance(table, Mapping))


def same(first: Listing, second: Listing) -> bool:
    """Whether two versions say the same: equal in all but the salt."""
    return msgspec.structs.replace(first, salt=second.salt) == second


def to_form(listing: Listing) -> dict[str, Any]:
    """The form that makes this listing; plain texts, numbers, lists and dicts, fit for TOML and JSON."""
    money = _leading(listing)
    form: dict[str, Any] = {"kind": listing.kind, "key": listing.key, "title": listing.title}
    for name in ("summary", "description", "format", "brand", "category", "condition", "ships", "url"):
        _put(form, name, getattr(listing, name))
    _same_to_form(form, listing)
    _put(form, "commission", listing.commission, _hundredths_text)
    _put(form, "expires", listing.expires, moment_text)
    for name in ("members", "options", "tags"):
        _put(form, name, getattr(listing, name), list)
    if money is not None:
        form |= {name: value for name, value in _price_to_form(money).items() if name != "amount"}
    _put_price(form, listing.price, money)
    _put_sale(form, listing.sale, listing.price)
    if listing.area is not UNSET:
        form["area"] = msgspec.to_builtins(listing.area)
    if listing.images is not UNSET:
        form["images"] = [_image_to_form(image) for image in listing.images]
    _put(form, "tax", listing.tax, _tax_to_form)
    if listing.shipping is not UNSET:
        form["shipping"] = [_rate_to_form(rate, money) for rate in listing.shipping]
    if listing.variants is not UNSET and listing.options is not UNSET:
        form["variants"] = []
        for variant in listing.variants:
            table: dict[str, Any] = {"options": dict(zip(listing.options, variant.options, strict=False))}
            _same_to_form(table, variant)
            _put_price(table, variant.price, money)
            _put_sale(table, variant.sale, listing.price if variant.price is UNSET else variant.price)
            _put(table, "image", variant.image, lambda index: index + 1)
            form["variants"].append(table)
    return form


class _Money:
    """What the prices of one form have in common: currency, or issuer and unit, and period."""

    __slots__ = ("_form", "_per", "_used", "currency", "issuer", "unit")

    def __init__(self, form: Form) -> None:
        self._form = form
        self._used = False
        self.currency = form.text("currency")
        self.unit = form.text("unit")
        self.issuer = _issuer(form)
        self._per = _per(form, "per")

    def price(self, form: Form, *, once: bool = False) -> Price | UnsetType:
        """The price of a table: an amount in the common terms, or a table with its own."""
        if isinstance(form.fields.get("price"), Mapping):
            own = form.table("price")
            if own is None:  # an empty table says nothing
                return UNSET
            own.only(("amount", "currency", "issuer", "unit", "per"))
            return _price(
                own, "amount", own.text("currency"), _issuer(own), own.text("unit"), _per(own, "per")
            )
        if not form.has("price"):
            return UNSET
        self._used = True
        if self.currency is None and (self.unit is None or self.issuer is None):
            self._form.fail("currency", "is missing: a price needs one, or unit and issuer of a credit")
        return _price(form, "price", self.currency, self.issuer, self.unit, UNSET if once else self._per)

    def sale(self, form: Form, base: Price | UnsetType = UNSET) -> Sale | UnsetType:
        """The reduced amount of a table, in the terms of its own price or of `base`."""
        if not form.has("sale"):
            for name in REDUCED[1:]:
                if form.has(name):
                    form.fail(name, "there is no sale it could be of")
            return UNSET
        price = self.price(form)
        price = base if price is UNSET else price
        if price is UNSET:
            form.fail("sale", "needs the regular price beside it")
        currency = None if price.currency is UNSET else price.currency
        return Sale(
            amount=_minor(form, "sale", currency),
            from_=_or(form.moment("sale_from")),
            until=_or(form.moment("sale_until", end=True)),
        )

    def finish(self) -> None:
        """Refuses terms of a price where there is no price."""
        if not self._used:
            for name in PRICED[1:]:
                if self._form.has(name):
                    self._form.fail(name, "there is no price it could be of")


def _price(
    form: Form,
    name: str,
    currency: str | None,
    issuer: bytes | None,
    unit: str | None,
    per: Per | UnsetType,
) -> Price:
    return Price(
        amount=_minor(form, name, currency),
        currency=_or(currency),
        issuer=_or(issuer),
        unit=_or(unit),
        per=per,
    )


def _minor(form: Form, name: str, currency: str | None) -> int:
    if currency is None:
        # The decimals of a credit unit are in its issuer's plan: here it is counted in its smallest part.
        text = form.amount(name) or ""
        if not (text.isascii() and text.isdigit()):
            form.fail(
                name, f"{text!r} is not a whole number; credit is counted in the smallest part of its unit"
            )
        return form.number(name) or 0
    try:
        return parse(form.amount(name) or "", currency)
    except MoneyError as error:
        form.fail(name, str(error))


def _country(area: Form) -> str:
    text = area.needed("country")
    if len(text) != 2 or not text.isascii() or not text.isalpha():
        area.fail("country", f"{text!r} is not a country code of two letters, such as DE")
    return text.upper()


def _issuer(form: Form) -> bytes | None:
    text = form.text("issuer")
    if text is None:
        return None
    try:
        return parse_id(text)
    except RemoteProtocolError as error:
        form.fail("issuer", error.text)


def _per(form: Form, name: str) -> Per | UnsetType:
    if not form.has(name):
        return UNSET
    found = _PER.fullmatch(form.needed(name))
    if found is None or found[1] == "0":
        form.fail(name, f"{form.text(name)!r} is not a period such as month, year or 3 months")
    return Per(count=int(found[1] or 1), unit=_period(found[2]))


def _period(text: str) -> Period:
    unit: Period = next(unit for unit in get_args(Period) if unit == text)
    return unit


def _hundredths(form: Form, name: str, most: int) -> int | None:
    text = form.amount(name)
    if text is None:
        return None
    found = _HUNDREDTHS.fullmatch(text.removesuffix("%").strip()) if text.isascii() else None
    if found is None:
        form.fail(name, f"{text!r} is not a number with at most two decimals, such as 12.5")
    value = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    if value > most:
        form.fail(name, f"{text} is above {_hundredths_text(most)}")
    return value


def _images(form: Form) -> tuple[Image, ...] | UnsetType:
    members = form.fields.get("images")
    if isinstance(members, str):
        members = [members]
    if isinstance(members, list | tuple):
        members = [{"url": member} if isinstance(member, str) else member for member in members]
    images = []
    for table in Form({"images": members}, form.where, form.path).tables("images"):
        table.only(("alt", "hash", "url"))
        digest = table.text("hash")
        if digest is not None and re.fullmatch(r"[0-9a-f]{64}", digest) is None:
            table.fail("hash", "is not a SHA-256 in 64 hex digits")
        images.append(
            Image(
                alt=_or(table.text("alt")),
                hash=UNSET if digest is None else bytes.fromhex(digest),
                url=_or(table.text("url")),
            )
        )
    return _or(tuple(images) or None)


def _tax(form: Form) -> Tax | UnsetType:
    """The tax; a table that only says its rate means one that the prices hold, of goods and shipping alike."""
    table = form.table("tax")
    if table is None:
        return UNSET
    table.only(("included", "rate", "shipping", "title"))
    rate = _hundredths(table, "rate", limits.MAX_BASIS_POINTS)
    return Tax(
        included=table.flag("included") is not False,
        rate=table.fail("rate", "is missing") if rate is None else rate,
        shipping=table.flag("shipping") is not False,
        title=table.text("title") or "VAT",
    )


def _shipping(form: Form, money: _Money) -> tuple[Shipping, ...] | UnsetType:
    rates = []
    for table in form.tables("shipping"):
        table.only(("days", "label", "price", "regions"))
        days = table.fields.get("days")
        if days is not None and not (
            isinstance(days, list | tuple) and len(days) == 2 and all(type(day) is int for day in days)
        ):
            table.fail("days", "write the least and the most days: days = [2, 4]")
        rates.append(
            Shipping(
                days=UNSET if days is None else (days[0], days[1]),
                label=_or(table.text("label")),
                price=money.price(table, once=True),
                regions=tuple(
                    region.upper() for region in table.texts("regions") or table.fail("regions", "is missing")
                ),
            )
        )
    return _or(tuple(rates) or None)


def _variants(
    form: Form, money: _Money
) -> tuple[tuple[str, ...] | UnsetType, tuple[Variant, ...] | UnsetType]:
    tables = form.tables("variants")
    names = form.texts("options")
    base = money.price(form) if tables else UNSET
    variants = []
    for table in tables:
        table.only(_VARIANT)
        chosen = table.fields.get("options")
        if isinstance(chosen, Mapping):
            names = names or tuple(chosen)
            if set(chosen) != set(names):
                table.fail("options", f"needs a value for each of {', '.join(names)}, and for nothing else")
            table_options = table.table("options")
            values = tuple(table_options.needed(name) for name in names) if table_options else ()
        else:
            values = table.texts("options") or ()
        if not values:
            table.fail("options", 'is missing: write for example options = { Size = "M" }')
        image = table.number("image", limits.MAX_IMAGES)
        if image == 0:
            table.fail("image", "images are counted from 1")
        variants.append(
            Variant(
                availability=_or(table.choice("availability", get_args(Availability))),
                gtin=_or(table.text("gtin")),
                image=UNSET if image is None else image - 1,
                mpn=_or(table.text("mpn")),
                options=values,
                points=_or(_hundredths(table, "points", limits.MAX_INT)),
                price=money.price(table),
                sale=money.sale(table, base),
                sku=_or(table.text("sku")),
                weight=_or(table.number("weight")),
            )
        )
    return _or(names), _or(tuple(variants) or None)


# -- record to form --------------------------------------------------------------------------------------------
def _leading(listing: Listing) -> Price | None:
    """The price whose terms the form names once: that of the listing, else of the first variant or rate with one."""
    prices = [listing.price]
    if listing.variants is not UNSET:
        prices += [variant.price for variant in listing.variants]
    if listing.shipping is not UNSET:
        prices += [rate.price for rate in listing.shipping]
    return next((price for price in prices if price is not UNSET), None)


def _price_to_form(price: Price) -> dict[str, Any]:
    form: dict[str, Any] = {"amount": _amount_text(price.amount, price)}
    _put(form, "currency", price.currency)
    _put(form, "issuer", price.issuer, id_text)
    _put(form, "unit", price.unit)
    if price.per is not UNSET:
        per = price.per
        form["per"] = per.unit if per.count == 1 else f"{per.count} {per.unit}s"
    return form


def _put_price(
    form: dict[str, Any], price: Price | UnsetType, leading: Price | None, *, once: bool = False
) -> None:
    if price is UNSET:
        return
    terms = leading
    if once and leading is not None:
        terms = msgspec.structs.replace(leading, per=UNSET)
    if terms is not None and msgspec.structs.replace(price, amount=terms.amount) == terms:
        form["price"] = _amount_text(price.amount, price)
    else:
        form["price"] = _price_to_form(price)


def _put_sale(form: dict[str, Any], sale: Sale | UnsetType, price: Price | UnsetType) -> None:
    if sale is UNSET or price is UNSET:
        return
    form["sale"] = _amount_text(sale.amount, price)
    _put(form, "sale_from", sale.from_, moment_text)
    _put(form, "sale_until", sale.until, moment_text)


def _amount_text(amount: int, price: Price) -> str:
    return str(amount) if price.currency is UNSET else show(amount, price.currency)


def _image_to_form(image: Image) -> dict[str, Any]:
    form: dict[str, Any] = {}
    _put(form, "url", image.url)
    _put(form, "hash", image.hash, bytes.hex)
    _put(form, "alt", image.alt)
    return form


def _tax_to_form(tax: Tax) -> dict[str, Any]:
    return msgspec.structs.asdict(tax) | {"rate": _hundredths_text(tax.rate)}


def _rate_to_form(rate: Shipping, leading: Price | None) -> dict[str, Any]:
    form: dict[str, Any] = {"regions": list(rate.regions)}
    _put(form, "label", rate.label)
    _put(form, "days", rate.days, list)
    _put_price(form, rate.price, leading, once=True)
    return form


def _same_to_form(form: dict[str, Any], record: Listing | Variant) -> None:
    for name in _SAME_IN_VARIANT:
        _put(form, name, getattr(record, name), _hundredths_text if name == "points" else None)


def _put(form: dict[str, Any], name: str, value: Any, turn: Any = None) -> None:
    if value is not UNSET:
        form[name] = value if turn is None else turn(value)


def _hundredths_text(value: int) -> str:
    whole, fraction = divmod(value, 100)
    return f"{whole}.{fraction:02}".rstrip("0").rstrip(".") if fraction else str(whole)


def _or(value: T | None) -> T | UnsetType:
    """UNSET for what the form leaves out."""
    return UNSET if value is None else value
