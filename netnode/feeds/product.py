"""The neutral product: what every feed format is read into, before it becomes a listing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from netnode.problems import ExitCode, Problem


class FeedError(Problem):
    """A file that cannot be imported as a whole."""

    def __init__(self, text: str, code: str = "feed", exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(text, exit_code, code)


class NeedsCurrency(FeedError):
    """The file names no currency and none was given; nothing has been read as a price."""

    def __init__(self) -> None:
        super().__init__(
            "The file does not say in which currency its prices are. Give it, for example --currency EUR.",
            "currency",
            ExitCode.USAGE,
        )


class Unfit(Exception):
    """A cell that cannot be taken; ends the reading of its product only.

    `column` is the neutral name; the reader knows what the file calls it.
    """

    def __init__(self, row: int, column: str, reason: str) -> None:
        super().__init__(reason)
        self.row, self.column, self.reason = row, column, reason


@dataclass(frozen=True, slots=True)
class Skipped:
    """A product that makes no listing: the line of the file (header = 1), its column, and why.

    `key` is that of its listing, None where it is not known, empty where the product counts as not there.
    """

    row: int
    field: str
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as the file names it; nothing is fetched."""

    url: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One buyable choice of a product; a product without variants has exactly one, without options.

    Amounts are texts with a decimal point. `currency` is what the file names for them, empty where it names none;
    `per` is the period of a recurring price, as (3, "month").
    `stock` is the private count: it never enters a record.
    """

    row: int
    options: tuple[str, ...] = ()
    price: str = ""
    sale: str = ""
    sale_from: int | None = None
    sale_until: int | None = None
    currency: str = ""
    per: tuple[int, str] | None = None
    sku: str = ""
    gtin: str = ""
    mpn: str = ""
    weight: int | None = None
    availability: str = ""
    stock: int | None = None
    image: int | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """What sending costs, to which regions (`*`, `DE`, `US-CA`); amounts as in a `Choice`."""

    regions: tuple[str, ...]
    label: str = ""
    price: str = ""
    currency: str = ""
    days: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """One product of a feed. Empty texts mean that the file says nothing.

    `columns` gives the file's own column for a field, so that a person finds the place.
    """

    row: int
    key: str
    title: str
    choices: tuple[Choice, ...]
    options: tuple[str, ...] = ()
    summary: str = ""
    description: str = ""
    format: str = ""
    brand: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    condition: str = ""
    ships: bool | None = None
    url: str = ""
    images: tuple[Picture, ...] = ()
    members: tuple[str, ...] = ()
    shipping: tuple[Rate, ...] = ()
    country: str = ""
    region: str = ""
    geohash: str = ""
    expires: int | None = None
    published: bool = True
    columns: Mapping[str, str] = field(default_factory=dict)


Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Format:
    """One feed format.

    Attributes:
        name: as in ``--format``.
        title: for sentences.
        names_currency: whether such a file says its currency.
        recognises: judges the first bytes of a file, decoded.
        read: yields products in the order of the file; the text encoding is already known.
    """

    name: str
    title: str
    names_currency: bool
    recognises: Callable[[str], bool]
    read: Callable[[BinaryIO, str], Iterator[Product | Skipped]]
