"""Shopify's product CSV, older and newer columns.

One product spans rows that share a handle: the first has the product's columns, the others a further variant or only
a further image. A product without variants has the option `Title` with the value `Default Title`. There is no
currency. A "compare at" price above the price is the regular price, and the price then the sale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, TypeVar

from netnode.feeds import cells
from netnode.feeds.cells import Header, Row
from netnode.feeds.product import Choice, FeedError, Format, Picture, Product, Skipped, Unfit
from netnode.feeds.texts import absolute, slug, text_format

T = TypeVar("T")

COLUMNS: Final = {
    "key": ("handle", "url handle"),
    "title": ("title",),
    "description": ("body (html)", "body html", "description"),
    "brand": ("vendor",),
    "category": ("google shopping / google product category", "product category", "standard product type"),
    "type": ("type", "product type", "custom product type"),
    "tags": ("tags",),
    "published": ("published", "published on online store"),
    "status": ("status",),
    "summary": ("seo description",),
    "sku": ("variant sku", "sku"),
    "gtin": ("variant barcode", "barcode"),
    "mpn": ("google shopping / mpn", "google shopping / manufacturer part number (mpn)"),
    "condition": ("google shopping / condition",),
    "price": ("variant price", "price"),
    "compare": ("variant compare at price", "compare-at price", "compare at price"),
    "tracker": ("variant inventory tracker", "inventory tracker"),
    "stock": ("variant inventory qty", "inventory quantity"),
    "policy": ("variant inventory policy", "continue selling when out of stock"),
    "ships": ("variant requires shipping", "requires shipping"),
    "weight": ("variant grams", "weight value (grams)"),
    "image": ("image src", "product image url"),
    "position": ("image position",),
    "alt": ("image alt text",),
    "variant_image": ("variant image", "variant image url"),
    **{f"option{n}": (f"option{n} name",) for n in (1, 2, 3)},
    **{f"value{n}": (f"option{n} value",) for n in (1, 2, 3)},
}
_NO_VARIANT: Final = "Default Title"


def recognises(sample: str) -> bool:
    """Whether the header is one of Shopify's: a title, a price, and columns that only Shopify has."""
    header, _ = cells.header_of(cells.first_line(sample), COLUMNS)
    found = header.places
    own = {"key", "option1", "compare", "tracker", "policy", "published"} & set(found)
    return "title" in found and "price" in found and ("key" in found or len(own) > 1)


def read(stream: BinaryIO, encoding: str) -> Iterator[Product | Skipped]:
    """Yields the products of a file, one at a time.

    Raises:
        FeedError: no such table, or broken quotes.
    """
    header, rows = cells.rows(stream, encoding, COLUMNS)
    missing = [COLUMNS[column][0].title() for column in ("title", "price") if column not in header.places]
    if missing:
        raise FeedError(
            f"The file has no column {' and no column '.join(missing)}, as every product file of Shopify has. "
            "Check the header in its first line."
        )
    return _read(header, rows)


def _read(header: Header, rows: Iterator[Row]) -> Iterator[Product | Skipped]:
    group: list[Row] = []
    choices: set[tuple[str, ...]] = set()
    for row in rows:
        if group and _begins(row, group[0], choices):
            yield _product(header, group)
            group, choices = [], set()
        group.append(row)
        if _is_variant(row):
            choices.add(_values(row))
    if group:
        yield _product(header, group)


def _begins(row: Row, first: Row, choices: set[tuple[str, ...]]) -> bool:
    """Whether a row begins another product than the rows before it."""
    if row["key"] and row["key"] != first["key"]:
        return True
    if not row["title"]:
        return False
    if not row["key"]:
        return True
    # The same handle again: tools repeat the title with every variant, but a choice that was there is a new product.
    return _is_variant(row) and _values(row) in choices


def _is_variant(row: Row) -> bool:
    return bool(row["price"] or row["sku"] or row["value1"])


def _values(row: Row) -> tuple[str, ...]:
    return tuple(row[f"value{n}"] for n in (1, 2, 3))


def _product(header: Header, group: list[Row]) -> Product | Skipped:
    try:
        return _Reader(header).product(group)
    except Unfit as unfit:
        return Skipped(unfit.row, header.names.get(unfit.column, unfit.column), unfit.reason)


class _Reader:
    """Turns the rows of one product into it."""

    __slots__ = ("_header",)

    def __init__(self, header: Header) -> None:
        self._header = header

    def product(self, group: list[Row]) -> Product:
        first = group[0]
        for row in group:
            if row.surplus:
                raise Unfit(
                    row.line, "", "the row has more cells than the header; check its quotes and separators"
                )
        if not first["title"]:
            raise Unfit(first.line, "title", "the first row of a product has no title")
        variants = [row for row in group if _is_variant(row)] or [first]
        options = self._options(first, variants)
        images = self._images(group)
        places = {picture.url: place for place, picture in enumerate(images)}
        choices = tuple(self._choice(row, len(options), places) for row in variants)
        key = first["key"] or choices[0].sku or slug(first["title"])
        if not key:
            raise Unfit(first.line, "title", "no key can be made of this title; give the product a handle")
        ships = [self._take(row, "ships", cells.truth) for row in variants]
        description = first["description"]
        return Product(
            row=first.line,
            key=key,
            title=first["title"],
            choices=choices,
            options=options,
            summary=first["summary"],
            description=description,
            format=text_format(description),
            brand=first["brand"],
            category=first["category"] or first["type"],
            tags=tuple(dict.fromkeys(word for part in first["tags"].split(",") if (word := part.strip()))),
            condition=first["condition"].casefold(),
            ships=True if True in ships else False if False in ships else None,
            images=images,
            published=self._take(first, "published", cells.truth) is not False
            and first["status"].casefold() in {"", "active"},
            columns=self._header.names,
        )

    def _take(self, row: Row, column: str, turn: Callable[[str], T]) -> T:
        try:
            return turn(row[column])
        except ValueError as error:
            raise Unfit(row.line, column, str(error)) from error

    def _options(self, first: Row, variants: list[Row]) -> tuple[str, ...]:
        values = _values(first)
        if len(variants) == 1 and (values[0] == _NO_VARIANT or not any(values)):
            return ()
        names = tuple(first[f"option{n}"] for n in (1, 2, 3))
        count = max(
            n for n in (0, 1, 2, 3) if n == 0 or names[n - 1] or any(_values(row)[n - 1] for row in variants)
        )
        for n in range(count):
            if not names[n]:
                raise Unfit(first.line, f"option{n + 1}", "has no name, but variants have a value for it")
            for row in variants:
                if not _values(row)[n]:
                    raise Unfit(row.line, f"value{n + 1}", f"this variant has no value for {names[n]}")
        if not count:
            raise Unfit(variants[1].line, "value1", "a second variant, but nothing tells it from the first")
        return names[:count]

    def _images(self, group: list[Row]) -> tuple[Picture, ...]:
        placed: list[tuple[int, int, Picture]] = []
        for order, row in enumerate(group):
            if row["image"]:
                # A file may lack positions; then the order of the rows counts.
                position = self._take(row, "position", cells.whole) if row["position"] else order + 1
                placed.append((position, order, Picture(absolute(row["image"]), row["alt"])))
        found = {picture.url: picture for _, _, picture in sorted(placed, key=lambda place: place[:2])}
        for row in group:
            if row["variant_image"]:
                found.setdefault(absolute(row["variant_image"]), Picture(absolute(row["variant_image"])))
        return tuple(found.values())

    def _choice(self, row: Row, options: int, places: dict[str, int]) -> Choice:
        price = self._take(row, "price", _amount)
        compare = self._take(row, "compare", _amount)
        reduced = bool(price and compare) and _number(compare) > _number(price)
        weight = self._take(row, "weight", cells.whole) if row["weight"] else 0
        if weight < 0:
            raise Unfit(row.line, "weight", f"{row['weight']!r} is below 0")
        availability, stock = self._stock(row)
        return Choice(
            row=row.line,
            options=_values(row)[:options],
            price=compare if reduced else price,
            sale=price if reduced else "",
            sku=self._take(row, "sku", cells.code),
            gtin=self._take(row, "gtin", cells.code),
            mpn=self._take(row, "mpn", cells.code),
            weight=weight or None,  # Shopify writes 0 for a weight nobody entered
            availability=availability,
            stock=stock,
            image=places[absolute(row["variant_image"])] if row["variant_image"] else None,
        )

    def _stock(self, row: Row) -> tuple[str, int | None]:
        """Availability and private count. Stock that Shopify does not track is always there."""
        if "tracker" in self._header.places and not row["tracker"]:
            return "in_stock", None
        if not row["stock"]:
            return "", None
        count = self._take(row, "stock", cells.whole)
        if count > 0:
            return "in_stock", count
        goes_on = row["policy"].casefold() in {"continue", "true"}
        return ("backorder" if goes_on else "out_of_stock"), count


def _amount(text: str) -> str:
    return cells.amount(text) if text else ""


def _number(text: str) -> tuple[int, str]:
    """Orders amounts exactly: whole part, then decimals as text."""
    whole, _, fraction = text.partition(".")
    return int(whole), fraction.rstrip("0")


SHOPIFY: Final = Format("shopify", "Shopify product CSV", False, recognises, read)
