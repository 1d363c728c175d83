"""Shopify files through the whole importer: both sets of columns, and every trap they are known for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import pytest
from msgspec import UNSET, structs

from netnode.feeds.mapping import Mapped, keep_own, to_listing
from netnode.feeds.product import FeedError, NeedsCurrency, Product, Skipped
from netnode.feeds.reading import detect, read_feed
from netnode.feeds.texts import slug
from netnode.market.listing import same
from netnode.problems import ExitCode
from protocol.records import Image, Listing, Price, Sale, Variant, decode_record, encode_record

SALT = bytes(16)
# fmt: off
OLDER = [
    "Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name",
    "Option1 Value", "Option2 Name", "Option2 Value", "Variant SKU", "Variant Grams",
    "Variant Inventory Tracker", "Variant Inventory Qty", "Variant Inventory Policy", "Variant Price",
    "Variant Compare At Price", "Variant Requires Shipping", "Variant Barcode", "Image Src",
    "Image Position", "Image Alt Text", "SEO Description", "Google Shopping / Google Product Category",
    "Google Shopping / MPN", "Google Shopping / Condition", "Variant Image", "Status",
]
# fmt: on
NEWER = {
    "Handle": "URL handle",
    "Body (HTML)": "Description",
    "Published": "Published on online store",
    "Option1 Name": "Option1 name",
    "Option1 Value": "Option1 value",
    "Option2 Name": "Option2 name",
    "Option2 Value": "Option2 value",
    "Variant SKU": "SKU",
    "Variant Grams": "Weight value (grams)",
    "Variant Inventory Tracker": "Inventory tracker",
    "Variant Inventory Qty": "Inventory quantity",
    "Variant Inventory Policy": "Continue selling when out of stock",
    "Variant Price": "Price",
    "Variant Compare At Price": "Compare-at price",
    "Variant Requires Shipping": "Requires shipping",
    "Variant Barcode": "Barcode",
    "Image Src": "Product image URL",
    "Image Position": "Image position",
    "Image Alt Text": "Image alt text",
    "SEO Description": "SEO description",
    "Google Shopping / Google Product Category": "Product category",
    "Google Shopping / MPN": "Google Shopping / Manufacturer part number (MPN)",
    "Variant Image": "Variant image URL",
}
MUG = {
    "Handle": "mug",
    "Title": "Mug",
    "Option1 Name": "Title",
    "Option1 Value": "Default Title",
    "Variant Price": "12.50",
}


def table(rows: Iterable[dict[str, str]], *, newer: bool = False, separator: str = ",") -> bytes:
    rows = list(rows)
    columns = [column for column in OLDER if any(column in row for row in rows)]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow([NEWER.get(column, column) if newer else column for column in columns])
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return out.getvalue().encode()


def imported(data: bytes, currency: str = "EUR") -> list[Mapped | Skipped]:
    return [
        item if isinstance(item, Skipped) else to_listing(item, currency=currency, salt=SALT)
        for item in read_feed(io.BytesIO(data), currency=currency)
    ]


def one(*rows: dict[str, str], currency: str = "EUR") -> Listing:
    (item,) = imported(table(rows), currency)
    assert isinstance(item, Mapped), item
    assert decode_record(3, encode_record(item.listing)) == item.listing
    return item.listing


def skipped(*rows: dict[str, str]) -> Skipped:
    (item,) = imported(table(rows))
    assert isinstance(item, Skipped), item
    return item


SHIRT = [
    {
        "Handle": "shirt",
        "Title": "Linen shirt",
        "Body (HTML)": "<p>Soft &amp; light</p>",
        "Vendor": "Nordlicht",
        "Type": "Shirts",
        "Tags": "linen, summer,, linen",
        "Published": "true",
        "Option1 Name": "Size",
        "Option1 Value": "S",
        "Option2 Name": "Colour",
        "Option2 Value": "white",
        "Variant SKU": "LS-S",
        "Variant Grams": "210",
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": "3",
        "Variant Inventory Policy": "deny",
        "Variant Price": "39.90",
        "Variant Compare At Price": "49.90",
        "Variant Requires Shipping": "TRUE",
        "Variant Barcode": "'4006381333931",
        "Image Src": "https://example.org/back.jpg",
        "Image Position": "2",
        "SEO Description": "For summer.",
        "Google Shopping / Google Product Category": "Apparel > Shirts",
        "Google Shopping / MPN": "M1",
        "Google Shopping / Condition": "New",
        "Variant Image": "//example.org/white.jpg",
        "Status": "Active",
    },
    {
        "Handle": "shirt",
        "Option1 Value": "M",
        "Option2 Value": "white",
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": "0",
        "Variant Inventory Policy": "deny",
        "Variant Price": "49.90",
        "Image Src": "https://example.org/front.jpg",
        "Image Position": "1",
        "Image Alt Text": "the front",
    },
    {"Handle": "shirt", "Image Src": "https://example.org/third.jpg", "Image Position": "3"},
]
SHIRT_LISTING = Listing(
    salt=SALT,
    availability="in_stock",
    brand="Nordlicht",
    category="Apparel > Shirts",
    condition="new",
    description="<p>Soft &amp; light</p>",
    format="html",
    images=(
        Image(alt="the front", url="https://example.org/front.jpg"),
        Image(url="https://example.org/back.jpg"),
        Image(url="https://example.org/third.jpg"),
        Image(url="https://example.org/white.jpg"),
    ),
    key="shirt",
    kind="product",
    options=("Size", "Colour"),
    ships=True,
    summary="For summer.",
    tags=("linen", "summer"),
    title="Linen shirt",
    variants=(
        Variant(
            gtin="4006381333931",
            image=3,
            mpn="M1",
            options=("S", "white"),
            price=Price(amount=4_990, currency="EUR"),
            sale=Sale(amount=3_990),
            sku="LS-S",
            weight=210,
        ),
        Variant(
            availability="out_of_stock", options=("M", "white"), price=Price(amount=4_990, currency="EUR")
        ),
    ),
)


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_both_sets_of_columns_make_the_same_listing(newer: bool, separator: str, encoding: str) -> None:
    data = table(SHIRT, newer=newer, separator=separator).decode().encode(encoding)
    (item,) = imported(data)
    assert isinstance(item, Mapped)
    assert item.listing == SHIRT_LISTING
    assert item.stock == {("S", "white"): 3, ("M", "white"): 0}
    assert b"stock\x03" not in encode_record(item.listing)


def test_a_product_without_variants() -> None:
    row = MUG | {"Variant SKU": "M-1", "Variant Grams": "350", "Variant Barcode": "123"}
    listing = one(row)
    assert (listing.options, listing.variants) == (UNSET, UNSET)
    assert (listing.sku, listing.gtin, listing.weight) == ("M-1", "123", 350)
    assert listing.price == Price(amount=1_250, currency="EUR")
    assert one(MUG | {"Variant Grams": "0"}).weight is UNSET


def test_one_price_for_all_variants_stands_once() -> None:
    rows = [
        MUG | {"Option1 Name": "Size", "Option1 Value": "S", "Variant Compare At Price": "20"},
        {"Handle": "mug", "Option1 Value": "L", "Variant Price": "12.50", "Variant Compare At Price": "20"},
    ]
    listing = one(*rows)
    assert (listing.price, listing.sale) == (Price(amount=2_000, currency="EUR"), Sale(amount=1_250))
    assert listing.variants == (Variant(options=("S",)), Variant(options=("L",)))
    # Another amount, and price and sale stand with each variant: none may inherit the sale of another.
    listing = one(rows[0], rows[1] | {"Variant Compare At Price": "", "Variant Price": "9"})
    assert (listing.price, listing.sale) == (UNSET, UNSET)
    assert listing.variants == (
        Variant(options=("S",), price=Price(amount=2_000, currency="EUR"), sale=Sale(amount=1_250)),
        Variant(options=("L",), price=Price(amount=900, currency="EUR")),
    )


@pytest.mark.parametrize("compare", ["", "0", "0.00", "12.50", "12.5", "12,50", "9.99"])
def test_a_former_price_that_is_not_higher_is_no_sale(compare: str) -> None:
    listing = one(MUG | {"Variant Compare At Price": compare})
    assert (listing.price, listing.sale) == (Price(amount=1_250, currency="EUR"), UNSET)


@pytest.mark.parametrize(
    ("tracker", "count", "policy", "availability", "stock"),
    [
        ("shopify", "7", "deny", "in_stock", {(): 7}),
        ("shopify", "0", "deny", "out_of_stock", {(): 0}),
        ("shopify", "-2", "deny", "out_of_stock", {(): -2}),
        ("shopify", "0", "continue", "backorder", {(): 0}),
        ("shopify", "0", "TRUE", "backorder", {(): 0}),
        ("shopify", "", "deny", UNSET, {}),
        ("", "0", "deny", "in_stock", {}),
    ],
)
def test_the_count_becomes_availability_and_stays_beside(
    tracker: str, count: str, policy: str, availability: object, stock: dict[tuple[str, ...], int]
) -> None:
    row = MUG | {
        "Variant Inventory Tracker": tracker,
        "Variant Inventory Qty": count,
        "Variant Inventory Policy": policy,
    }
    (item,) = imported(table([row, MUG | {"Handle": "b", "Variant Inventory Tracker": "shopify"}]))[:1]
    assert isinstance(item, Mapped)
    assert item.listing.availability == availability
    assert item.stock == stock


def test_a_description_without_markup_is_plain() -> None:
    assert one(MUG | {"Body (HTML)": "1 < 2 & 3"}).format is UNSET
    assert one(MUG | {"Body (HTML)": "a &amp; b"}).format == "html"
    assert one(MUG | {"Body (HTML)": "a<br>b"}).format == "html"


def test_keys_fall_back_to_sku_and_title() -> None:
    no_handle = {name: cell for name, cell in MUG.items() if name != "Handle"} | {
        "Tags": "x",
        "Published": "true",
    }
    assert one(no_handle | {"Variant SKU": "M-1"}).key == "M-1"
    assert one(no_handle | {"Title": "Été à Paris!"}).key == "ete-a-paris"
    assert slug("杯子 2") == "杯子-2"
    assert skipped(no_handle | {"Title": "!!!"}).field == "Title"


def test_products_without_handles_are_told_apart_by_their_titles() -> None:
    rows = [
        {
            "Title": "A",
            "Option1 Name": "Size",
            "Option1 Value": "S",
            "Variant Price": "1",
            "Published": "true",
        },
        {"Option1 Value": "M", "Variant Price": "2"},
        {"Title": "B", "Variant Price": "3"},
    ]
    first, second = imported(table(rows))
    assert isinstance(first, Mapped) and isinstance(second, Mapped)
    assert (first.listing.key, second.listing.key) == ("a", "b")
    assert first.listing.variants is not UNSET and len(first.listing.variants) == 2


def test_a_second_product_of_a_key_is_skipped_with_its_row() -> None:
    rows = [MUG, MUG | {"Handle": "cup"}, MUG, MUG | {"Title": "Again"}]
    items = imported(table(rows))
    assert [isinstance(item, Mapped) for item in items] == [True, True, False, False]
    assert items[2:] == [
        Skipped(4, "Handle", "a second product with the key 'mug'; see row 2", "mug"),
        Skipped(5, "Handle", "a second product with the key 'mug'; see row 2", "mug"),
    ]


def test_a_title_repeated_with_every_variant_is_one_product() -> None:
    rows = [MUG | {"Option1 Name": "Size", "Option1 Value": value} for value in ("S", "M", "L")]
    listing = one(*rows)
    assert listing.variants is not UNSET and len(listing.variants) == 3


@pytest.mark.parametrize("hidden", [{"Published": "FALSE"}, {"Status": "draft"}, {"Status": "Archived"}])
def test_what_the_file_does_not_publish_is_not_published(hidden: dict[str, str]) -> None:
    first, second = imported(table([MUG | hidden, MUG | {"Handle": "cup", "Published": "true"}]))
    assert first == Skipped(2, "Published", "not published in the file", "")
    assert isinstance(second, Mapped)


@pytest.mark.parametrize(
    ("rows", "row", "column", "says"),
    [
        ([MUG | {"Title": "x" * 151}], 2, "Title", "more than 150"),
        ([MUG | {"Title": ""}], 2, "Title", "no title"),
        ([MUG | {"Handle": "h" * 129}], 2, "Handle", "more than 128"),
        ([MUG | {"Body (HTML)": "x" * 5_001}], 2, "Body (HTML)", "at most 5000"),
        ([MUG | {"SEO Description": "x" * 501}], 2, "SEO Description", "more than 500"),
        ([MUG | {"Tags": ",".join(map(str, range(101)))}], 2, "Tags", "more than 100"),
        ([MUG | {"Tags": "é" * 200}], 2, "Tags", "255 bytes"),
        ([MUG | {"Variant Price": "12.505"}], 2, "Variant Price", "3 decimals; EUR has 2"),
        ([MUG | {"Variant Price": "1,234"}], 2, "Variant Price", "two ways"),
        ([MUG | {"Variant Price": "free"}], 2, "Variant Price", "not an amount"),
        ([MUG | {"Variant Compare At Price": "x"}], 2, "Variant Compare At Price", "not an amount"),
        ([MUG | {"Variant Grams": "-1"}], 2, "Variant Grams", "below 0"),
        ([MUG | {"Variant Grams": "heavy"}], 2, "Variant Grams", "not a number"),
        ([MUG | {"Variant Barcode": "4.00638E+12"}], 2, "Variant Barcode", "rounded by a spreadsheet"),
        ([MUG | {"Variant Requires Shipping": "maybe"}], 2, "Variant Requires Shipping", "neither true"),
        ([MUG | {"Published": "perhaps"}], 2, "Published", "neither true"),
        ([MUG | {"Google Shopping / Condition": "mint"}], 2, "Google Shopping / Condition", "none of"),
        ([MUG | {"Image Src": "ftp://example.org/a"}], 2, "Image Src", "must begin with http"),
        (
            [MUG, *({"Handle": "mug", "Image Src": f"https://example.org/{n}"} for n in range(11))],
            2,
            "Image Src",
            "more than 10",
        ),
        (
            [MUG | {"Image Src": "http://a.example", "Image Position": "x"}],
            2,
            "Image Position",
            "not a number",
        ),
        (
            [MUG | {"Option1 Name": "Size", "Option1 Value": "S"}, {"Handle": "mug", "Variant Price": "1"}],
            3,
            "Option1 Value",
            "no value for Size",
        ),
        (
            [
                MUG | {"Option1 Name": "Size", "Option1 Value": "S"},
                {"Handle": "mug", "Option1 Value": "S", "Variant Price": "1"},
            ],
            3,
            "Option1 Value",
            "same choice is there twice",
        ),
        (
            [MUG | {"Option1 Name": "", "Option1 Value": "S"}],
            2,
            "Option1 Name",
            "has no name",
        ),
        (
            [
                MUG | {"Option1 Name": "Size", "Option1 Value": "S"},
                {"Handle": "mug", "Option1 Value": "M" * 101, "Variant Price": "1"},
            ],
            3,
            "Option1 Value",
            "more than 100",
        ),
    ],
)
def test_what_does_not_fit_is_skipped_whole_and_named(
    rows: list[dict[str, str]], row: int, column: str, says: str
) -> None:
    found = skipped(*rows)
    assert (found.row, found.field) == (row, column), found
    assert says in found.reason


def test_more_cells_than_the_header_has_skip_the_product_only() -> None:
    data = b"Handle,Title,Variant Price\nmug,Mug,5,oops\ncup,Cup,5\n"
    first, second = imported(data)
    assert isinstance(first, Skipped) and first.row == 2 and "more cells" in first.reason
    assert isinstance(second, Mapped)


def test_a_file_of_no_known_format_fails_as_one_that_cannot_be_read() -> None:
    """One exit code for a file that is wrong, whatever is wrong with it; 2 is for the command line."""
    for data in (b"a,b,c\n1,2,3\n", b"", b"\x00\xff\xfe", b'{"a":'):
        with pytest.raises(FeedError) as caught:
            list(read_feed(io.BytesIO(data), currency="EUR"))
        assert caught.value.exit_code is ExitCode.FAILED, data
    with pytest.raises(FeedError, match="--format excel is unknown") as refused:
        read_feed(io.BytesIO(table([MUG])), format="excel", currency="EUR")
    assert refused.value.exit_code is ExitCode.USAGE


def test_a_currency_is_asked_for_before_anything_is_read() -> None:
    with pytest.raises(NeedsCurrency, match="--currency") as caught:
        read_feed(io.BytesIO(table([MUG])))
    assert caught.value.exit_code is ExitCode.USAGE
    with pytest.raises(FeedError, match="did you mean EUR") as refused:
        read_feed(io.BytesIO(table([MUG])), currency="eur")
    assert refused.value.exit_code is ExitCode.USAGE
    (product,) = read_feed(io.BytesIO(table([MUG])), currency="EUR")
    assert isinstance(product, Product)
    with pytest.raises(NeedsCurrency):
        to_listing(product, currency=None, salt=SALT)


def test_a_file_may_hold_no_product_and_a_product_no_price() -> None:
    assert imported(b"Handle,Title,Variant Price\n") == []
    listing = one(MUG | {"Variant Price": "", "Variant SKU": "M"})
    assert (listing.price, listing.sale, listing.sku) == (UNSET, UNSET, "M")
    assert one({"Handle": "mug", "Title": "Mug", "Variant Price": "", "Vendor": "x"}).price is UNSET


def test_a_second_variant_that_nothing_tells_from_the_first() -> None:
    found = skipped(MUG | {"Option1 Name": "", "Option1 Value": ""}, {"Handle": "mug", "Variant Price": "1"})
    assert (found.row, found.field) == (3, "Option1 Value")


def test_a_header_too_long_to_be_one() -> None:
    with pytest.raises(FeedError, match="no column Title"):
        read_feed(io.BytesIO(b"x" * 140_000), format="shopify", currency="EUR")


def test_unknown_files_and_formats_are_said_in_words() -> None:
    assert detect(b"sep=;\r\nHandle;Title;Variant Price\r\n") == "shopify"
    assert detect(table([MUG])) == detect(table(SHIRT, newer=True)) == "shopify"
    for call in (
        lambda: detect(b"Name,Regular price\nMug,5\n"),
        lambda: detect(b'{"a": 1}'),
        lambda: read_feed(io.BytesIO(b"\n"), currency="EUR"),
    ):
        with pytest.raises(FeedError, match="none of the formats"):
            call()
    with pytest.raises(FeedError, match="--format etsy is unknown; there are: auto, shopify"):
        read_feed(io.BytesIO(b"x"), format="etsy", currency="EUR")
    with pytest.raises(FeedError, match="no column Title and no column Variant Price"):
        read_feed(io.BytesIO(b"Handle,Tags\nx,y\n"), format="shopify", currency="EUR")


def test_the_file_is_a_stream_and_progress_is_told() -> None:
    rows = [MUG | {"Handle": f"mug-{n}", "Body (HTML)": "x" * 2_000} for n in range(400)]
    data = table(rows)
    stream, told = io.BytesIO(data), []
    feed = read_feed(stream, currency="EUR", progress=told.append)
    next(feed)
    assert stream.tell() < len(data) // 4
    assert sum(1 for _ in feed) == 399
    assert told == sorted(told) and told[-1] == len(data)
    assert not stream.closed


def test_a_second_import_says_the_same_and_keeps_what_the_owner_added() -> None:
    again = structs.replace(one(MUG), salt=b"\x01" * 16)
    assert same(one(MUG), again)
    edited = structs.replace(again, commission=500)
    assert same(keep_own(edited, one(MUG)), edited)
    assert not same(keep_own(edited, one(MUG | {"Variant Price": "13"})), edited)


def test_a_record_too_large_is_told_at_the_description() -> None:
    found = skipped(MUG | {"Body (HTML)": "d" * 60_000})
    assert (found.row, found.field) == (2, "Body (HTML)")
    assert "as a whole has 6" in found.reason and "shorten" in found.reason


@pytest.mark.parametrize(
    ("cell", "says"),
    [('"' + "x" * 140_000 + '"', "a cell is too long"), ('"open', "a quoted cell does not end")],
)
def test_a_broken_cell_is_told_in_words(cell: str, says: str) -> None:
    data = f"Handle,Title,Body (HTML),Published,Variant Price\nmug,Mug,{cell},true,1\n".encode()
    with pytest.raises(FeedError, match=f"line 2: {says}"):
        list(read_feed(io.BytesIO(data), currency="EUR"))
