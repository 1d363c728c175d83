"""Google Merchant product data: tab-separated text, RSS 2.0, or Atom.

Items that share an `item_group_id` are the choices of one product, told apart by color, size, material and pattern.
An item is named by its `id`, which is the SKU; a product whose key is another has it as its group.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO, Final, TypeVar

from netnode.feeds import cells, markup
from netnode.feeds.product import Choice, FeedError, Format, Picture, Product, Rate, Skipped, Unfit
from netnode.feeds.texts import absolute, moment, text_format

T = TypeVar("T")

OPTIONS: Final = {"color": "Color", "size": "Size", "material": "Material", "pattern": "Pattern"}
LABELS: Final = tuple(f"custom_label_{n}" for n in range(5))
MAX_OPTIONS: Final = 3  # why: those of a listing
FIELDS: Final = (
    "id",
    "item_group_id",
    "title",
    "description",
    "link",
    "image_link",
    "additional_image_link",
    "availability",
    "price",
    "sale_price",
    "sale_price_effective_date",
    "brand",
    "gtin",
    "mpn",
    "condition",
    "google_product_category",
    "product_type",
    "product_highlight",
    *LABELS,
    *OPTIONS,
    "shipping_weight",
    "shipping",
)
# Spreadsheets of Google write `image link`, some exporters keep the prefix of the XML.
COLUMNS: Final = {name: (name, name.replace("_", " "), f"g:{name}") for name in FIELDS}
_LISTS: Final = ("additional_image_link", "shipping")
_UNITS: Final = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "lb": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}
_AVAILABILITY: Final = ("in_stock", "out_of_stock", "preorder", "backorder")
_CONDITION: Final = ("new", "refurbished", "used")
_WEIGHT: Final = re.compile(r"([\d.,]+) ?(kg|g|lb|oz)s?", re.IGNORECASE)
_MONEY: Final = re.compile(r"([\d.,'\u2019 ]*\d) ?([A-Za-z]{3})?|([A-Za-z]{3}) ?([\d.,'\u2019 ]*\d)")
_REGION: Final = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,13})?")


def recognises(sample: str) -> bool:
    """Whether it is XML of Google's namespace, or a table with the columns of Google."""
    begin = sample.lstrip("\ufeff \r\n\t")
    if begin.startswith("<"):
        return "base.google.com/ns/1.0" in begin and re.search(r"<(?:\w+:)?(?:rss|feed)\b", begin) is not None
    header, _ = cells.header_of(cells.first_line(sample), COLUMNS)
    own = {"link", "image_link", "availability", "item_group_id", "google_product_category", "product_type"}
    return {"id", "title"} <= set(header.places) and len(own & set(header.places)) > 1


def read(stream: BinaryIO, encoding: str) -> Iterator[Product | Skipped]:
    """Yields products without a group in the order of the file, then the groups; only these are kept in memory.

    Raises:
        FeedError: no such table, broken quotes or XML, a document type.
    """
    begin = stream.read(1024).decode(encoding, errors="ignore").lstrip("\ufeff \r\n\t")
    stream.seek(0)
    if begin.startswith("<"):
        return _read(map(_from_element, markup.items(stream)))
    header, rows = cells.rows(stream, encoding, COLUMNS)
    for column in ("id", "title"):
        if column not in header.places:
            raise FeedError(
                f"The file has no column {column}, as every table for Google Merchant has. "
                "Check the header in its first line."
            )
    return _read(map(_from_row, rows))


@dataclass(frozen=True, slots=True)
class _Item:
    """One item: its texts, of which most are one, and its shipping rates part by part."""

    line: int
    texts: dict[str, list[str]]
    rates: list[dict[str, str]]

    def __getitem__(self, name: str) -> str:
        return next(iter(self.texts.get(name, ())), "")

    def take(self, name: str, turn: Callable[[str], T]) -> T:
        try:
            return turn(self[name])
        except ValueError as error:
            raise Unfit(self.line, name, str(error)) from error


def _from_row(row: cells.Row) -> _Item:
    texts = {
        name: list(cells.listed(text)) if name in _LISTS else [text] for name, text in row.cells.items()
    }  # fmt: skip
    return _Item(row.line, texts, [_rate_parts(text) for text in texts.pop("shipping", [])])


def _from_element(element: markup.Element) -> _Item:
    texts = dict(element.texts)
    if "description" not in texts:
        texts["description"] = texts.get("content", texts.get("summary", []))
    rates = element.parts.get("shipping", [])
    return _Item(element.line, texts, rates + [_rate_parts(text) for text in texts.get("shipping", [])])


def _rate_parts(text: str) -> dict[str, str]:
    """`US:CA:Overnight:16.00 USD`, and after it the least and most days of handling and of transit."""
    parts = [part.strip() for part in text.split(":")]
    if len(parts) < 4:
        parts = [parts[0], *([""] * (4 - len(parts))), *parts[1:]]
    names = ("country", "region", "service", "price", "", "", "min_transit_time", "max_transit_time")
    return dict(zip(names, parts, strict=False))


def _read(items: Iterator[_Item]) -> Iterator[Product | Skipped]:
    groups: dict[str, list[_Item]] = {}
    for item in items:
        if item["item_group_id"]:
            groups.setdefault(item["item_group_id"], []).append(item)
        else:
            yield _judged([item])
    for group in groups.values():
        yield _judged(group)


def _judged(group: list[_Item]) -> Product | Skipped:
    try:
        return _product(group)
    except Unfit as unfit:
        return Skipped(unfit.row, unfit.column, unfit.reason)


def _product(group: list[_Item]) -> Product:
    first = group[0]
    for item in group:
        if not item["id"]:
            raise Unfit(item.line, "id", "is missing")
    if not first["title"]:
        raise Unfit(first.line, "title", "is missing")
    key = first["item_group_id"] or first["id"]
    names, chosen = _options(group)
    images = list(
        dict.fromkeys(
            absolute(url)
            for item in group
            for name in ("image_link", "additional_image_link")
            for url in item.texts.get(name, ())
        )
    )
    description = first["description"]
    return Product(
        row=first.line,
        key=key,
        title=first["title"],
        choices=tuple(
            _choice(item, values, key, images) for item, values in zip(group, chosen, strict=True)
        ),
        options=names,
        summary="; ".join(first.texts.get("product_highlight", ())),
        description=description,
        format=text_format(description),
        brand=first["brand"],
        category=_category(first),
        tags=tuple(dict.fromkeys(first[name] for name in LABELS if first[name])),
        condition=first.take("condition", _condition),
        url=absolute(first["link"]),
        images=tuple(Picture(url) for url in images),
        shipping=_rates(first),
        columns={
            "key": "item_group_id" if first["item_group_id"] else "id",
            "sku": "id",
            "image": "image_link",
            "url": "link",
            "summary": "product_highlight",
            "category": "product_type",
            "tags": "custom_label_0",
            "weight": "shipping_weight",
            "sale": "sale_price",
        },
    )  # fmt: skip


def _options(group: list[_Item]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The names of the options and the values of each item."""
    if not group[0]["item_group_id"]:
        return (), [()]
    # In the order in which the file has them.
    order = dict.fromkeys(name for item in group for name in item.texts if name in OPTIONS)
    there = [name for name in order if any(item[name] for item in group)]
    if len(there) > MAX_OPTIONS:
        there = [name for name in there if len({item[name] for item in group}) > 1]
    chosen = [tuple(item[name] or "-" for name in there) for item in group]
    names = tuple(OPTIONS[name] for name in there)
    if len(set(chosen)) == len(chosen) and (names or len(group) == 1):
        return names, chosen
    # They differ in something that Google has no attribute for: then by their ids.
    return ("Variant",), [(item["id"],) for item in group]


def _choice(item: _Item, options: tuple[str, ...], key: str, images: list[str]) -> Choice:
    price, currency = item.take("price", _money)
    sale, other = item.take("sale_price", _money)
    if sale and other != currency and price:
        raise Unfit(item.line, "sale_price", "is in another currency than the price")
    begin, end = item.take("sale_price_effective_date", _span)
    reduced = bool(price and sale)
    image = absolute(item["image_link"])
    return Choice(
        row=item.line,
        options=options,
        price=price or sale,
        sale=sale if reduced else "",
        sale_from=begin if reduced else None,
        sale_until=end if reduced else None,
        currency=currency or other,
        sku=_sku(item, key),
        gtin=item.take("gtin", cells.code),
        mpn=item.take("mpn", cells.code),
        weight=item.take("shipping_weight", _grams) if item["shipping_weight"] else None,
        availability=item.take("availability", _availability),
        image=images.index(image) if image and options else None,
    )


def _sku(item: _Item, key: str) -> str:
    """The id, unless an export made it of the group because there was no SKU."""
    group = item["item_group_id"]
    if group and (item["id"] == key or re.fullmatch(re.escape(key) + r"#\d+", item["id"])):
        return ""
    return item.take("id", cells.code)


def _category(item: _Item) -> str:
    """The seller's own category where Google's is only a number."""
    listed = item["google_product_category"]
    return item["product_type"] if not listed or listed.isdigit() else listed


def _money(text: str) -> tuple[str, str]:
    if not text:
        return "", ""
    found = _MONEY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an amount with its currency, such as 15.00 USD")
    return cells.amount(found[1] or found[4]), (found[2] or found[3] or "").upper()


def _span(text: str) -> tuple[int | None, int | None]:
    if not text:
        return None, None
    begin, slash, end = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} is not a span of time such as 2030-01-01T00:00Z/2030-02-01T00:00Z")
    return (moment(begin) if begin.strip() else None), (moment(end, end=True) if end.strip() else None)


def _grams(text: str) -> int:
    found = _WEIGHT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a weight such as 1.5 kg")
    return cells.whole(f"{Decimal(cells.amount(found[1])) * _UNITS[found[2].casefold()]:f}")


def _availability(text: str) -> str:
    word = (
        re.sub(r"[ _-]+", "_", text.casefold())
        .replace("pre_order", "preorder")
        .replace("back_order", "backorder")
    )
    if word and word not in _AVAILABILITY:
        raise ValueError(f"{text!r} is none of {', '.join(_AVAILABILITY)}")
    return word


def _condition(text: str) -> str:
    return text.casefold()


def _rates(item: _Item) -> tuple[Rate, ...]:
    """Rates that differ only in where they hold are one."""
    merged: dict[tuple[str, str, str, tuple[int, int] | None], list[str]] = {}
    for parts in item.rates:
        try:
            price, currency = _money(parts.get("price", ""))
            days = _days(parts)
        except ValueError as error:
            raise Unfit(item.line, "shipping", str(error)) from error
        country, region = parts.get("country", "").upper(), parts.get("region", "").upper()
        place = f"{country}-{region}" if region else country
        if not _REGION.fullmatch(place):
            raise Unfit(item.line, "shipping", f"{place!r} is not a country or region such as US or US-CA")
        merged.setdefault((parts.get("service", ""), price, currency, days), []).append(place)
    return tuple(
        Rate(tuple(dict.fromkeys(places)), label, price, currency, days)
        for (label, price, currency, days), places in merged.items()
    )


def _days(parts: dict[str, str]) -> tuple[int, int] | None:
    least, most = parts.get("min_transit_time", ""), parts.get("max_transit_time", "")
    return (cells.whole(least or most), cells.whole(most or least)) if least or most else None


GOOGLE: Final = Format("google", "Google Merchant feed", True, recognises, read)
