"""Opening a feed: which format it is, and the rules that hold for products of every format."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import BinaryIO, Final

from netnode.feeds import cells
from netnode.feeds.google import GOOGLE
from netnode.feeds.nostr import NOSTR
from netnode.feeds.product import FeedError, Format, NeedsCurrency, Product, Progress, Skipped
from netnode.feeds.schemaorg import SCHEMAORG
from netnode.feeds.shopify import SHOPIFY
from netnode.feeds.woocommerce import WOOCOMMERCE
from netnode.market.money import MoneyError, exponent
from netnode.problems import ExitCode

FORMATS: Final = MappingProxyType(
    {format.name: format for format in (SHOPIFY, WOOCOMMERCE, GOOGLE, NOSTR, SCHEMAORG)}
)
AUTO: Final = "auto"


def detect(sample: bytes, encoding: str = "utf-8-sig") -> str:
    """Names the format of a file by its first bytes.

    Args:
        sample: the beginning of the file; a cut character at its end does no harm.
        encoding: of the text.

    Raises:
        FeedError: none of the known formats; the sentence says which there are.
    """
    text = sample.decode(encoding, errors="ignore")
    for format in FORMATS.values():
        if format.recognises(text):
            return format.name
    titles = ", ".join(format.title for format in FORMATS.values())
    raise FeedError(
        f"The file is in none of the formats known here ({titles}). Its first line is: "
        f"{cells.first_line(text)[:80]!r}. Check the file, or name the format with --format.",
        "format",
    )


def read_feed(
    stream: BinaryIO,
    *,
    format: str = AUTO,
    currency: str | None = None,
    progress: Progress | None = None,
) -> Iterator[Product | Skipped]:
    """Opens a feed; products are read as the result is iterated, one in memory at a time.

    Args:
        stream: the file, seekable; it is read from its beginning and left open.
        format: a name of `FORMATS`, or `AUTO`.
        currency: ISO 4217 code for amounts whose currency the file does not name.
        progress: called with the number of bytes read so far.

    Returns:
        Products to publish, and in between what is skipped: unfit, not published in the file, or of a key that was
        there before.

    Raises:
        FeedError: at once: empty, not text, unknown format, unknown currency; while iterating: broken quotes.
        NeedsCurrency: at once: the format names no currency and none is given.
    """
    if currency is not None:
        try:
            exponent(currency)
        except MoneyError as error:
            raise FeedError(f"--currency: {error}.", "currency", ExitCode.USAGE) from error
    if format != AUTO and format not in FORMATS:
        names = ", ".join((AUTO, *FORMATS))
        raise FeedError(f"--format {format} is unknown; there are: {names}.", "format", ExitCode.USAGE)
    encoding = cells.encoding_of(stream)
    if format == AUTO:
        format = detect(stream.read(cells.SAMPLE), encoding)
        stream.seek(0)
    chosen: Format = FORMATS[format]
    found = chosen.read(stream, encoding)
    if currency is None and not chosen.names_currency:
        raise NeedsCurrency
    return _admitted(stream, found, progress)


def _admitted(
    stream: BinaryIO, found: Iterator[Product | Skipped], progress: Progress | None
) -> Iterator[Product | Skipped]:
    seen: dict[str, int] = {}
    for item in found:
        if progress is not None:
            progress(stream.tell())
        yield item if isinstance(item, Skipped) else _judged(item, seen)
    if progress is not None:
        progress(stream.tell())


def _judged(product: Product, seen: dict[str, int]) -> Product | Skipped:
    before = seen.setdefault(product.key, product.row)
    if before != product.row:
        column = product.columns.get("key", "key")
        return Skipped(
            product.row,
            column,
            f"a second product with the key {product.key!r}; see row {before}",
            product.key,
        )
    if not product.published:
        column = product.columns.get("published", "published")
        return Skipped(product.row, column, "not published in the file", "")  # as if it were not there
    return product
