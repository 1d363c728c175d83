"""Importers under mutated files: each row becomes a listing that every node accepts, or a sentence with row and field.

The samples are what the writers make of full listings, and files as the other programs write them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Final

from msgspec import structs

from netnode.feeds.mapping import Mapped, to_listing
from netnode.feeds.product import FeedError, NeedsCurrency, Skipped
from netnode.feeds.reading import AUTO, FORMATS, read_feed
from netnode.feeds.writing import FeedWriter, NotCarried, target
from netnode.problems import Problem
from protocol.errors import LocalProtocolError
from protocol.records import Listing, encode_record
from tests.long._garbling import Garbler
from tests.long._input_targets import Target
from tests.protocol.samples import FULL_LISTING, SALT

PLAIN: Final = Listing(
    salt=SALT, key="mug", kind="product", title="Mug", tags=("tea",), description="# A mug"
)
MARKS: Final = {
    "shopify": (",", '"', "\n", "\r\n", ";", "\t", "'", "12.50", "TRUE", "Default Title"),
    "woocommerce": (",", '"', "\n", "\\,", "simple", "variation", "variable", "id:", " | ", ">", "|"),
    "google": (
        "\t",
        "<",
        ">",
        "</item>",
        "<g:price>",
        "&amp;",
        "<![CDATA[",
        "]]>",
        ":",
        "EUR",
        "<item>",
        '"',
    ),
    "nostr": ('"', "[", "]", "{", "}", ",", ":", "30402", "30018", '"tags"', "\\u0000", '"price"', "null"),
    "schemaorg": (
        '"',
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        '"@type"',
        '"@graph"',
        "Product",
        "<script",
        "</script>",
        "itemprop",
    ),
}
STALL: Final = [
    {"kind": 30017, "created_at": 1, "pubkey": "a", "tags": [], "content": json.dumps({
        "id": "s", "name": "Stall", "currency": "eur", "shipping": [
            {"id": "z", "name": "World", "cost": 5, "regions": ["DE", "Worldwide"]}]})},
    {"kind": 30018, "created_at": 2, "pubkey": "a", "tags": [["t", "tea"]], "content": json.dumps({
        "id": "p1", "stall_id": "s", "name": "Mug", "price": 12.5, "currency": "eur", "quantity": 3,
        "images": ["https://example.org/a.jpg"], "specs": [["size", "M"], ["weight", "1"]],
        "shipping": [{"id": "z", "cost": 1}]})},
]  # fmt: skip
GRAPH: Final = {
    "@context": "https://schema.org", "@graph": [
        {"@id": "#g", "@type": "ProductGroup", "name": "Tee", "productGroupID": "tee", "variesBy": ["size"],
         "hasVariant": [{"@type": "Product", "size": "S", "sku": "tee-s", "offers": {
             "@type": "Offer", "price": 10, "priceCurrency": "EUR", "availability": "InStock"}}]},
        {"@type": ["Product"], "name": "Mug", "isVariantOf": {"@id": "#g"}, "weight": {"value": "1", "unitCode": "KGM"},
         "offers": [{"@type": "Offer", "price": "9.90", "priceCurrency": "EUR", "shippingDetails": {
             "shippingRate": {"value": 1, "currency": "EUR"}, "shippingDestination": {"addressCountry": "DE"}}}]},
    ],
}  # fmt: skip
SHOPIFY: Final = (
    "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant SKU,Variant Grams,Variant Price,"
    "Variant Compare At Price,Image Src,Status\n"
    "mug,Mug,<p>Big</p>,Title,Default Title,M-1,300,12.50,15.00,https://example.org/a.jpg,active\n"
    "tee,Tee,,Size,S,,,9,,,\ntee,,,,M,,,9.5,,,draft\n"
)
MICRODATA: Final = (
    '<div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Mug</h1>'
    '<div itemprop="offers" itemscope itemtype="https://schema.org/Offer"><meta itemprop="price" content="9.90">'
    '<meta itemprop="priceCurrency" content="EUR"></div></div>'
)


def samples() -> dict[str, list[str]]:
    """For each format some files that are read without a fault."""
    found: dict[str, list[str]] = {name: [] for name in FORMATS}
    cheap = structs.replace(FULL_LISTING, variants=structs.replace(PLAIN).variants, options=PLAIN.options)
    for name, filename in [(name, "a") for name in FORMATS] + [("google", "a.xml")]:
        for listings in ((PLAIN,), (FULL_LISTING, PLAIN), (cheap,)):
            found[name].append(_written(name, filename, listings))
    found["nostr"].append(json.dumps(STALL))
    found["schemaorg"] += [json.dumps(GRAPH), MICRODATA]
    found["shopify"].append(SHOPIFY)
    return found


def _written(name: str, filename: str, listings: tuple[Listing, ...]) -> str:
    writer = FeedWriter(target(name, filename))
    parts = [writer.head()]
    for listing in listings:
        parts += [part for part in writer.add(listing) if not isinstance(part, NotCarried)]
    return "".join([*parts, writer.foot()])


def judged(name: str, data: bytes) -> str:
    """Reads a file as an import does."""
    listings = skipped = 0
    try:
        for item in read_feed(io.BytesIO(data), format=name, currency="EUR"):
            mapped = item if isinstance(item, Skipped) else to_listing(item, currency="EUR", salt=SALT)
            if isinstance(mapped, Mapped):
                try:
                    encode_record(mapped.listing)
                except LocalProtocolError as error:
                    assert error.text
                listings += 1
            else:
                assert mapped.reason and mapped.row >= 0, mapped
                skipped += 1
    except (FeedError, NeedsCurrency) as error:
        assert isinstance(error, Problem) and error.text and error.code, error
        return error.code
    return "listings" if listings else "skipped" if skipped else "nothing"


def targets() -> tuple[Target, ...]:
    """One for each format, and one that finds out the format by itself."""
    of = samples()

    def drawn(texts: list[str], marks: tuple[str, ...]) -> Callable[[Garbler], bytes]:
        def draw(garbler: Garbler) -> bytes:
            text = garbler.text(texts, marks)
            data = text.encode(
                garbler.chance.choice(("utf-8", "utf-8", "utf-8", "cp1252", "utf-16")), "replace"
            )
            return garbler.bytes(data, (data,)) if garbler.chance.random() < 0.2 else data

        return draw

    made = [
        Target(f"import {name}", drawn(texts, MARKS[name]), lambda data, name=name: judged(name, data))  # type: ignore[misc]
        for name, texts in of.items()
    ]
    everything = [text for texts in of.values() for text in texts]
    marks = tuple({mark: None for marks in MARKS.values() for mark in marks})
    return (*made, Target("import auto", drawn(everything, marks), lambda data: judged(AUTO, data)))
