"""Google Merchant feeds through the whole importer: tables, RSS and Atom, and what XML is refused for."""

from __future__ import annotations

import csv
import io
import textwrap

import pytest
from msgspec import UNSET, structs

from netnode.feeds.google_writing import write_rss, write_tsv
from netnode.feeds.mapping import Mapped, to_listing
from netnode.feeds.product import FeedError, NeedsCurrency, Skipped
from netnode.feeds.reading import detect, read_feed
from netnode.feeds.writing import FeedWriter, NotCarried, target
from protocol.records import Image, Listing, Price, Sale, Shipping, Variant

SALT = bytes(16)
MUG = {
    "id": "M1",
    "title": "Mug",
    "link": "https://example.org/mug",
    "price": "15.00 USD",
    "availability": "in stock",
}


def table(*rows: dict[str, str], separator: str = "\t") -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def rss(*items: str, head: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?>{head}<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>'
        f"<title>Shop</title>{''.join(f'<item>{item}</item>' for item in items)}</channel></rss>"
    ).encode()


def imported(data: bytes, currency: str | None = None) -> list[Mapped | Skipped]:
    return [
        item if isinstance(item, Skipped) else to_listing(item, currency=currency, salt=SALT)
        for item in read_feed(io.BytesIO(data), currency=currency)
    ]


def one(data: bytes) -> Listing:
    (item,) = imported(data)
    assert isinstance(item, Mapped), item
    return item.listing


FULL = {
    "id": "M1",
    "title": "Mug",
    "description": "<p>For tea &amp; more</p>",
    "link": "https://example.org/mug",
    "image_link": "https://example.org/a.jpg",
    "additional_image_link": "https://example.org/b.jpg",
    "availability": "preorder",
    "price": "15.00 USD",
    "sale_price": "12.00 USD",
    "sale_price_effective_date": "2030-01-01T01:00+0100/2030-02-01T00:00:00Z",
    "brand": "Loom",
    "gtin": "4006381333931",
    "mpn": "X-1",
    "condition": "New",
    "google_product_category": "1604",
    "product_type": "Home > Mugs",
    "product_highlight": "For tea.",
    "custom_label_0": "a",
    "custom_label_3": "b",
    "shipping_weight": "0.35 kg",
}
LISTING = Listing(
    salt=SALT,
    availability="preorder",
    brand="Loom",
    category="Home > Mugs",
    condition="new",
    description="<p>For tea &amp; more</p>",
    format="html",
    gtin="4006381333931",
    images=(Image(url="https://example.org/a.jpg"), Image(url="https://example.org/b.jpg")),
    key="M1",
    kind="product",
    mpn="X-1",
    price=Price(amount=1_500, currency="USD"),
    sale=Sale(amount=1_200, from_=1_893_456_000_000, until=1_896_134_400_000),
    shipping=(
        Shipping(days=(1, 3), label="Post", price=Price(amount=490, currency="USD"), regions=("US", "US-CA")),
    ),
    sku="M1",
    summary="For tea.",
    tags=("a", "b"),
    title="Mug",
    url="https://example.org/mug",
    weight=350,
)


def test_a_table_in_full() -> None:
    rates = "US::Post:4.90 USD:0:0:1:3, US:CA:Post:4.90 USD:0:0:1:3"
    assert one(table(FULL | {"shipping": rates})) == LISTING
    spaced = {name.replace("_", " ").upper(): cell for name, cell in (FULL | {"shipping": rates}).items()}
    assert one(table(spaced, separator=";")) == LISTING


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_rss_in_full(encoding: str) -> None:
    def rate(region: str) -> str:
        return (
            f"<g:shipping><g:country>US</g:country>{region}<g:service>Post</g:service><g:price>4.90 USD</g:price>"
            "<g:min_transit_time>1</g:min_transit_time><g:max_transit_time>3</g:max_transit_time></g:shipping>"
        )

    plain = ("title", "description", "link")
    texts = {name: text.replace("&", "&amp;").replace("<", "&lt;") for name, text in FULL.items()}
    names = {name: name if name in plain else f"g:{name}" for name in texts}
    item = "".join(f"<{names[name]}>{text}</{names[name]}>" for name, text in texts.items())
    data = rss(item + rate("") + rate("<g:region>CA</g:region>")).decode()
    if encoding == "cp1252":
        data = data.replace('version="1.0"?', 'version="1.0" encoding="windows-1252"?', 1)
    assert one(data.encode(encoding)) == LISTING


def test_atom() -> None:
    data = textwrap.dedent("""\
        <feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
          <title>Shop</title><link rel="self" href="https://example.org/feed"/>
          <entry>
            <title>Mug</title>
            <link rel="self" href="https://example.org/other"/>
            <link href="https://example.org/mug"/>
            <summary><![CDATA[Tea & more]]></summary>
            <g:id>M1</g:id>
            <g:price>USD 15</g:price>
          </entry>
        </feed>""").encode()
    assert detect(data) == "google"
    assert one(data) == Listing(
        salt=SALT,
        description="Tea & more",
        key="M1",
        kind="product",
        price=Price(amount=1_500, currency="USD"),
        sku="M1",
        title="Mug",
        url="https://example.org/mug",
    )


def test_items_of_a_group_are_one_product_wherever_they_stand() -> None:
    shirt = MUG | {"title": "Shirt", "item_group_id": "G"}
    first, second = imported(
        table(
            shirt | {"id": "S1", "color": "red", "size": "M", "image_link": "https://example.org/1"},
            MUG,
            shirt
            | {
                "id": "G#2",
                "color": "red",
                "size": "L",
                "image_link": "https://example.org/2",
                "price": "9 USD",
            },
        )
    )
    assert isinstance(first, Mapped) and first.listing.key == "M1"
    assert isinstance(second, Mapped)
    assert (second.listing.key, second.listing.options) == ("G", ("Color", "Size"))
    assert second.listing.variants == (
        Variant(options=("red", "M"), price=Price(amount=1_500, currency="USD"), sku="S1"),
        Variant(image=1, options=("red", "L"), price=Price(amount=900, currency="USD")),
    )


def test_a_group_that_differs_in_something_else_is_told_apart_by_ids() -> None:
    listing = one(table(MUG | {"item_group_id": "G"}, MUG | {"item_group_id": "G", "id": "M2"}))
    assert listing.options == ("Variant",)
    assert listing.variants is not UNSET and [each.options for each in listing.variants] == [("M1",), ("M2",)]
    colours = {"item_group_id": "G", "color": "red"}
    listing = one(table(MUG | colours, MUG | colours | {"id": "M2", "color": ""}))
    assert listing.variants is not UNSET and [each.options for each in listing.variants] == [("red",), ("-",)]


@pytest.mark.parametrize(
    ("cells", "column", "says"),
    [
        ({"price": "cheap"}, "price", "not an amount"),
        ({"price": "1,234 USD"}, "price", "two ways"),
        ({"sale_price": "1 EUR"}, "sale_price", "another currency"),
        ({"sale_price": "16 USD"}, "sale_price", "above the regular"),
        ({"sale_price": "1 USD", "sale_price_effective_date": "soon"}, "sale_price_effective_date", "span"),
        ({"availability": "maybe"}, "availability", "none of"),
        ({"condition": "mint"}, "condition", "none of"),
        ({"shipping_weight": "heavy"}, "shipping_weight", "weight"),
        ({"shipping": "Narnia::Post:1 USD"}, "shipping", "not a country"),
        ({"gtin": "4.0E+12"}, "gtin", "rounded"),
        ({"title": ""}, "title", "is missing"),
        ({"id": ""}, "id", "is missing"),
        ({"link": "ftp://example.org"}, "link", "must begin with http"),
    ],
)
def test_what_does_not_fit_is_skipped_and_named(cells: dict[str, str], column: str, says: str) -> None:
    skipped, kept = imported(table(MUG | cells, MUG | {"id": "K"}))
    assert isinstance(skipped, Skipped) and isinstance(kept, Mapped)
    assert (skipped.row, skipped.field) == (2, column)
    assert says in skipped.reason


def test_the_row_of_an_item_is_its_line() -> None:
    item = "<title>A</title>\n<g:id>1</g:id>"
    first, second = imported(rss(item, f"{item}<g:price>x</g:price>".replace(">1<", ">2<")))
    assert isinstance(first, Mapped)
    assert isinstance(second, Skipped) and (second.row, second.field) == (2, "price")


def test_an_amount_without_a_currency_needs_one() -> None:
    data = table(MUG | {"price": "15"})
    with pytest.raises(NeedsCurrency):
        imported(data)
    (item,) = imported(data, "EUR")
    assert isinstance(item, Mapped) and item.listing.price == Price(amount=1_500, currency="EUR")


BOMB = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("head", [BOMB, "<!DOCTYPE rss>", '<!DOCTYPE rss SYSTEM "file:///etc/passwd">'])
def test_document_types_are_refused(head: str) -> None:
    with pytest.raises(FeedError, match="DOCTYPE"):
        imported(rss("<title>&b;</title><g:id>1</g:id>" if "ENTITY" in head else "", head=head))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (rss("<title>A</title>")[:-9], "not well-formed XML in line 1"),
        (rss("<title>&nbsp;</title>"), "not well-formed"),
        (rss("<a>" * 40), "more than 32 deep"),
        (rss().replace(b'version="1.0"?', b'version="1.0" encoding="klingon"?', 1), "encoding"),
    ],
)
def test_broken_xml_is_refused_as_a_whole(data: bytes, says: str) -> None:
    with pytest.raises(FeedError, match=says):
        imported(data)


def test_a_table_without_ids_is_none() -> None:
    with pytest.raises(FeedError, match="no column id"):
        read_feed(io.BytesIO(b"title\tlink\n"), format="google")


@pytest.mark.parametrize("name", ["a.tsv", "a.rss"])
def test_shipping_comes_back_but_for_everywhere_else(name: str) -> None:
    text, *rest = FeedWriter(target("google", name)).add(structs.replace(LISTING))
    assert rest == []
    extra = Shipping(regions=("DE", "*"), price=Price(amount=900, currency="USD"))
    _, *rest = FeedWriter(target("google", name)).add(structs.replace(LISTING, shipping=(extra,)))
    assert rest == [NotCarried("M1", "shipping")]
    assert (
        "<g:min_transit_time>1<" in str(text) if name == "a.rss" else "US::Post:4.90 USD:::1:3" in str(text)
    )


def test_options_that_google_does_not_know_are_named() -> None:
    two = (Variant(options=("1 l",)), Variant(options=("2 l",)))
    listing = Listing(salt=SALT, key="k", kind="product", title="K", options=("Volume",), variants=two)
    for write in (write_tsv, write_rss):
        assert "1 l" not in write(listing, 0)
    _, *rest = FeedWriter(target("google")).add(listing)
    assert rest == [NotCarried("k", "options"), NotCarried("k", "variants.options")]


def test_what_xml_cannot_hold_is_named() -> None:
    listing = Listing(salt=SALT, key="k", kind="product", title="K", description="a\x0bb <&> c")
    text, *rest = FeedWriter(target("google", "a.xml")).add(listing)
    assert "ab &lt;&amp;&gt; c" in str(text)
    assert rest == [NotCarried("k", "description")]
