"""WooCommerce's product CSV.

Each row is a product or, of the type `variation`, one choice of the product that its cell `Parent` names by SKU or as
`id:N`; variations may stand anywhere in the file, so it is read twice. The other types (simple, variable, grouped,
external, with `virtual` and `downloadable` beside) make one listing each. There is no currency.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import BinaryIO, Final, TypeVar

from netnode.feeds import cells
from netnode.feeds.cells import Header, Row
from netnode.feeds.product import Choice, FeedError, Format, Picture, Product, Skipped, Unfit
from netnode.feeds.texts import absolute, moment, slug, text_format

T = TypeVar("T")

CONDITIONS: Final = ("new", "used", "refurbished")
ATTRIBUTES: Final = 12  # why: WooCommerce writes as many as the richest product has; three can be options
MAX_CHOICES: Final = 256  # why: the most variants of a listing; "any" values are written out up to here
_UNITS: Final = {  # grams in one
    "kg": Decimal(1000),
    "g": Decimal(1),
    "lbs": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}
COLUMNS: Final = {
    "id": ("id",),
    "own_key": ("meta: netnode_key",),
    "type": ("type",),
    "sku": ("sku",),
    "gtin": ("gtin, upc, ean, or isbn", "gtin"),
    "title": ("name",),
    "published": ("published",),
    "visibility": ("visibility in catalog", "visibility in catalogue"),
    "summary": ("short description",),
    "description": ("description",),
    "sale_from": ("date sale price starts",),
    "sale_until": ("date sale price ends",),
    "in_stock": ("in stock?",),
    "stock": ("stock",),
    "backorders": ("backorders allowed?",),
    **{f"weight_{unit}": (f"weight ({unit})",) for unit in _UNITS},
    "sale": ("sale price",),
    "price": ("regular price",),
    "category": ("categories",),
    "tags": ("tags",),
    "image": ("images",),
    "parent": ("parent",),
    "members": ("grouped products",),
    "url": ("external url",),
    "brand": ("brands", "brand"),
    **{f"attribute{n}": (f"attribute {n} name",) for n in range(1, ATTRIBUTES + 1)},
    **{f"values{n}": (f"attribute {n} value(s)",) for n in range(1, ATTRIBUTES + 1)},
}
_ESCAPED: Final = re.compile(r"\\\\n|\\n")


def recognises(sample: str) -> bool:
    """Whether the header is one of WooCommerce's: a name, a price, and columns that only WooCommerce has."""
    header, _ = cells.header_of(cells.first_line(sample), COLUMNS)
    own = {"type", "in_stock", "visibility", "backorders", "members", "category", "sale_from", "own_key"}
    return {"title", "price"} <= set(header.places) and bool(own & set(header.places))


def read(stream: BinaryIO, encoding: str) -> Iterator[Product | Skipped]:
    """Yields the products of a file, one at a time; only its variations are kept in memory.

    Raises:
        FeedError: no such table, or broken quotes.
    """
    header, rows = cells.rows(stream, encoding, COLUMNS)
    missing = [name for column, name in (("title", "Name"),) if column not in header.places]
    if missing:
        raise FeedError(
            f"The file has no column {missing[0]}, as every product file of WooCommerce has. "
            "Check the header in its first line."
        )
    return _read(stream, encoding, header, rows)


@dataclass(slots=True)
class _Known:
    """What the first reading finds: variations by the parent they name, and the keys of the products."""

    variations: dict[str, list[Row]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # by SKU, and as `id:N`
    own: set[str] = field(default_factory=set)  # all keys
    taken: set[str] = field(default_factory=set)

    def key(self, name: str) -> str:
        """The key of the product that a row names; what the file does not have keeps its name."""
        return name if name in self.own else self.keys.get(_reference(name), _reference(name))


def _read(
    stream: BinaryIO, encoding: str, header: Header, rows: Iterator[Row]
) -> Iterator[Product | Skipped]:
    known = _Known()
    for row in rows:
        if "variation" in _types(row):
            known.variations.setdefault(_reference(row["parent"]), []).append(row)
        else:
            known.own.add(_key(row))
            for name in _names(row):
                known.keys.setdefault(name, _key(row))
    stream.seek(0)
    _, rows = cells.rows(stream, encoding, COLUMNS)
    for row in rows:
        if "variation" not in _types(row):
            yield from _products(header, row, known)
    for parent, orphans in known.variations.items():
        if parent not in known.taken:
            reason = (
                f"a variation of {parent!r}, which the file does not have" if parent else "names no parent"
            )
            for row in orphans:
                yield Skipped(row.line, header.names.get("parent", "Parent"), reason)


def _types(row: Row) -> set[str]:
    return {part.strip().casefold() for part in row["type"].split(",")}


def _names(row: Row) -> list[str]:
    """How other rows may name this one."""
    return [*([row["sku"]] if row["sku"] else []), *([_reference(f"id:{row['id']}")] if row["id"] else [])]


def _reference(text: str) -> str:
    return re.sub(r"^id:\s*", "id:", text.strip(), flags=re.IGNORECASE)


def _key(row: Row) -> str:
    if row["own_key"] or row["sku"]:
        return row["own_key"] or row["sku"]
    return f"id:{row['id']}" if row["id"] else slug(row["title"])


def _products(header: Header, row: Row, known: _Known) -> Iterator[Product | Skipped]:
    variations: list[Row] = []
    for name in _names(row):
        if name not in known.taken:
            known.taken.add(name)
            variations += known.variations.get(name, [])
    reader = _Reader(header)
    hidden = [each for each in variations if not reader.shown(each)]
    for each in hidden:
        yield Skipped(
            each.line,
            header.names.get("published", "Published"),
            "this variation is not published in the file",
        )
    try:
        yield reader.product(row, [each for each in variations if each not in hidden], known)
    except Unfit as unfit:
        yield Skipped(unfit.row, header.names.get(unfit.column, unfit.column), unfit.reason)


class _Reader:
    """Turns the rows of one product into it."""

    __slots__ = ("_columns", "_header")

    def __init__(self, header: Header) -> None:
        self._header = header
        weight = next(
            (name for unit in _UNITS if (name := header.names.get(f"weight_{unit}"))), "Weight (kg)"
        )
        self._columns = {**header.names, "weight": weight}

    def shown(self, row: Row) -> bool:
        """Whether the file publishes a row; drafts have 0 and private products -1."""
        return (
            row["published"].casefold() in {"", "1", "true", "yes"}
            and row["visibility"].casefold() != "hidden"
        )

    def product(self, row: Row, variations: list[Row], known: _Known) -> Product:
        for each in (row, *variations):
            if each.surplus:
                raise Unfit(
                    each.line, "", "the row has more cells than the header; check its quotes and separators"
                )
        if not row["title"]:
            raise Unfit(row.line, "title", "is missing")
        key = _key(row)
        if not key:
            raise Unfit(row.line, "title", "no key can be made of this title; give the product a SKU")
        types = _types(row)
        options = _options(row, variations)
        if variations and not options:
            raise Unfit(variations[0].line, "attribute1", "nothing tells this variation from the others")
        images = _images([row, *variations])
        choices = tuple(self._choices(row, variations, options, images)) or (self._choice(row, (), None),)
        description = _unescaped(row["description"])
        return Product(
            row=row.line,
            key=key,
            title=row["title"],
            choices=choices,
            options=tuple(options) if variations else (),
            summary=_unescaped(row["summary"]),
            description=description,
            format=text_format(description),
            brand=", ".join(cells.listed(row["brand"])),
            category=_category(row["category"]),
            tags=cells.listed(row["tags"]),
            condition=_condition(row, options),
            ships=None if types & {"grouped", "external"} else self._ships(types, variations),
            url=absolute(row["url"]),
            images=tuple(Picture(url) for url in images),
            members=tuple(
                dict.fromkeys(
                    known.keys.get(_reference(name), _reference(name))
                    for name in cells.listed(row["members"])
                )
            )
            if "grouped" in types
            else (),
            published=self.shown(row),
            columns=self._columns,
        )

    def _ships(self, types: set[str], variations: list[Row]) -> bool:
        """What is virtual is not sent; of a product with variations, one that is sent is enough."""
        return (
            any("virtual" not in _types(row) for row in variations) if variations else "virtual" not in types
        )

    def _choices(
        self, parent: Row, variations: list[Row], options: list[str], images: list[str]
    ) -> Iterator[Choice]:
        named = {tuple(_attribute(row, name) for name in options) for row in variations}
        written = 0
        for row in variations:
            own = tuple(_attribute(row, name) for name in options)
            for values in self._spelt_out(parent, row, own, options):
                if values == own or values not in named:
                    written += 1
                    if written > MAX_CHOICES:
                        raise Unfit(row.line, "attribute1", f"these are more than {MAX_CHOICES} choices")
                    picture = cells.listed(row["image"])
                    yield self._choice(row, values, images.index(absolute(picture[0])) if picture else None)

    def _spelt_out(
        self, parent: Row, row: Row, own: tuple[str, ...], options: list[str]
    ) -> Iterator[tuple[str, ...]]:
        """The choices of a variation: an empty cell means any of the values that the parent lists."""
        values = [
            (value,) if value else cells.listed(_attribute(parent, name))
            for value, name in zip(own, options, strict=True)
        ]
        for name, found in zip(options, values, strict=True):
            if not found:
                raise Unfit(
                    row.line, "values1", f"has no value for {name}, nor has its parent a list of them"
                )
        return itertools.product(*values)

    def _choice(self, row: Row, options: tuple[str, ...], image: int | None) -> Choice:
        price, sale = self._take(row, "price", _amount), self._take(row, "sale", _amount)
        reduced = bool(price and sale)
        availability, stock = self._stock(row)
        return Choice(
            row=row.line,
            options=options,
            price=price or sale,
            sale=sale if reduced else "",
            sale_from=self._take(row, "sale_from", moment) if reduced and row["sale_from"] else None,
            sale_until=self._take(row, "sale_until", partial(moment, end=True))
            if reduced and row["sale_until"]
            else None,
            sku=self._take(row, "sku", cells.code),
            gtin=self._take(row, "gtin", cells.code),
            weight=self._weight(row),
            availability=availability,
            stock=stock,
            image=image,
        )

    def _weight(self, row: Row) -> int | None:
        for unit, grams in _UNITS.items():
            column = f"weight_{unit}"
            if row[column]:
                return self._take(row, column, partial(_grams, grams))
        return None

    def _stock(self, row: Row) -> tuple[str, int | None]:
        """Availability and private count."""
        count = self._take(row, "stock", cells.whole) if row["stock"] else None
        later = row["backorders"].casefold() in {"1", "notify", "yes", "true"}
        if row["in_stock"].casefold() in {"backorder", "onbackorder"}:
            return "backorder", count
        there = self._take(row, "in_stock", cells.truth)
        if there is None and count is None:
            return "", None
        if there is False or (count is not None and count <= 0):
            return ("backorder" if later and there is not False else "out_of_stock"), count
        return "in_stock", count

    def _take(self, row: Row, column: str, turn: Callable[[str], T]) -> T:
        try:
            return turn(row[column])
        except ValueError as error:
            raise Unfit(row.line, column, str(error)) from error


def _options(parent: Row, variations: list[Row]) -> list[str]:
    """The attributes by which variations differ from each other, in the order of the parent."""
    found: dict[str, None] = {}
    used = {row[f"attribute{n}"] for row in variations for n in range(1, ATTRIBUTES + 1)} - {""}
    for row in (parent, *variations):
        for n in range(1, ATTRIBUTES + 1):
            if row[f"attribute{n}"] in used:
                found[row[f"attribute{n}"]] = None
    return list(found)


def _attribute(row: Row, name: str) -> str:
    wanted = name.casefold()
    for n in range(1, ATTRIBUTES + 1):
        if row[f"attribute{n}"].casefold() == wanted:
            return row[f"values{n}"]
    return ""


def _condition(row: Row, options: list[str]) -> str:
    """The attribute Condition where it says one of ours; a shop may call anything by that name."""
    word = _attribute(row, "condition").casefold()
    return word if word in CONDITIONS and "condition" not in map(str.casefold, options) else ""


def _images(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(absolute(url) for row in rows for url in cells.listed(row["image"])))


def _category(text: str) -> str:
    """The first of the deepest categories: the others are mostly its ancestors."""
    paths = [
        " > ".join(level for part in path.split(">") if (level := part.strip()))
        for path in cells.listed(text)
    ]
    return max(paths, key=lambda path: path.count(" > "), default="")


def _unescaped(text: str) -> str:
    r"""WooCommerce writes a line break as `\n`, and those two characters with one more backslash."""
    return _ESCAPED.sub(lambda found: "\\n" if len(found[0]) == 3 else "\n", text)


def _grams(unit: Decimal, text: str) -> int:
    return cells.whole(f"{Decimal(cells.amount(text)) * unit:f}")


def _amount(text: str) -> str:
    return cells.amount(text) if text else ""


WOOCOMMERCE: Final = Format("woocommerce", "WooCommerce product CSV", False, recognises, read)
