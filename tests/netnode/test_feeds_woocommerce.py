"""WooCommerce files through the whole importer: its types, its cells, and what they are known to trip over."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from msgspec import UNSET

from netnode.feeds.mapping import Mapped, to_listing
from netnode.feeds.product import FeedError, NeedsCurrency, Skipped
from netnode.feeds.reading import detect, read_feed
from protocol.records import Image, Listing, Price, Sale, Variant, decode_record, encode_record

SALT = bytes(16)
DAY = 86_400_000
COLUMNS = (
    "ID,Type,SKU,Name,Published,Visibility in catalog,Short description,Description,Date sale price starts,"
    "Date sale price ends,In stock?,Stock,Backorders allowed?,Weight (kg),Sale price,Regular price,Categories,Tags,"
    "Images,Parent,Grouped products,External URL,Brands,Attribute 1 NAME,Attribute 1 value(s),Attribute 2 name,"
    'Attribute 2 value(s),"GTIN, UPC, EAN, or ISBN",Meta: netnode_key'
)
HEADER = next(csv.reader([COLUMNS]))
MUG = {"Type": "simple", "SKU": "MUG", "Name": "Mug", "Regular price": "12.50"}


def table(*rows: dict[str, str], separator: str = ",", header: list[str] = HEADER) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def imported(data: bytes) -> list[Mapped | Skipped]:
    return [
        item if isinstance(item, Skipped) else to_listing(item, currency="EUR", salt=SALT)
        for item in read_feed(io.BytesIO(data), currency="EUR")
    ]


def listings(*rows: dict[str, str]) -> list[Listing]:
    items = imported(table(*rows))
    assert all(isinstance(item, Mapped) for item in items), items
    found = [item.listing for item in items if isinstance(item, Mapped)]
    assert all(decode_record(3, encode_record(listing)) == listing for listing in found)
    return found


def one(**cells: str) -> Listing:
    (listing,) = listings(MUG | {name.replace("_", " "): cell for name, cell in cells.items()})
    return listing


def test_a_row_in_full() -> None:
    row = MUG | {
        "ID": "7",
        "Published": "1",
        "Short description": "For tea.",
        "Description": r"<p>One</p>\n<p>a\\nb</p>",
        "Date sale price starts": "2017-01-01",
        "Date sale price ends": "2030-01-01 0:00:00",
        "In stock?": "1",
        "Stock": "5",
        "Weight (kg)": "0.35",
        "Sale price": "9.90",
        "Categories": r"Home, Home > Kitchen\, dining > Mugs, Gifts",
        "Tags": r"tea, a\, b,, tea",
        "Images": "https://example.org/a.jpg, //example.org/b.jpg",
        "Brands": "Loom",
        "Attribute 1 NAME": "Condition",
        "Attribute 1 value(s)": "New",
        "GTIN, UPC, EAN, or ISBN": "'4006381333931",
    }
    (item,) = imported(table(row))
    assert isinstance(item, Mapped)
    assert item.stock == {(): 5}
    assert item.listing == Listing(
        salt=SALT,
        availability="in_stock",
        brand="Loom",
        category="Home > Kitchen, dining > Mugs",
        condition="new",
        description="<p>One</p>\n<p>a\\nb</p>",
        format="html",
        gtin="4006381333931",
        images=(Image(url="https://example.org/a.jpg"), Image(url="https://example.org/b.jpg")),
        key="MUG",
        kind="product",
        price=Price(amount=1_250, currency="EUR"),
        sale=Sale(amount=990, from_=17_167 * DAY, until=21_915 * DAY),
        ships=True,
        sku="MUG",
        summary="For tea.",
        tags=("tea", "a, b"),
        title="Mug",
        weight=350,
    )


def test_variations_are_folded_into_their_parent_wherever_they_stand() -> None:
    first = {"Type": "variation", "Parent": "TEE", "Attribute 1 NAME": "Color", "Attribute 2 name": "Size"}
    rows = [
        first
        | {
            "Attribute 1 value(s)": "Black",
            "Attribute 2 value(s)": "M",
            "Regular price": "20",
            "SKU": "T-BM",
        },
        {
            "Type": "variable",
            "SKU": "TEE",
            "Name": "Tee",
            "Attribute 1 NAME": "Color",
            "Attribute 1 value(s)": "Black, Green",
            "Attribute 2 name": "Size",
            "Attribute 2 value(s)": "M, L",
            "Images": "http://a.example/1, http://a.example/2",
        },
        MUG,
        first
        | {
            "Attribute 1 value(s)": "Green",
            "Attribute 2 value(s)": "L",
            "Regular price": "20",
            "Sale price": "17.99",
            "Images": "http://a.example/2",
            "In stock?": "0",
        },
    ]
    tee, mug = listings(*rows)
    assert mug.key == "MUG"
    assert (tee.key, tee.sku, tee.options, tee.price) == ("TEE", UNSET, ("Color", "Size"), UNSET)
    twenty = Price(amount=2_000, currency="EUR")
    assert tee.variants == (
        Variant(options=("Black", "M"), price=twenty, sku="T-BM"),
        Variant(
            availability="out_of_stock",
            image=1,
            options=("Green", "L"),
            price=twenty,
            sale=Sale(amount=1_799),
        ),
    )


def test_a_parent_is_named_by_its_id_too() -> None:
    parent = {"ID": "31", "Type": "variable", "Name": "Tee", "Meta: netnode_key": "tee"}
    child = {
        "Type": "variation, virtual",
        "Parent": "ID: 31",
        "Attribute 1 NAME": "Size",
        "Regular price": "1",
    }
    (tee,) = listings(parent, child | {"Attribute 1 value(s)": "S"}, child | {"Attribute 1 value(s)": "M"})
    assert (tee.key, tee.ships, tee.price) == ("tee", False, Price(amount=100, currency="EUR"))
    assert tee.variants == (Variant(options=("S",)), Variant(options=("M",)))


def test_a_variation_for_any_value_stands_for_each_that_is_not_there_by_itself() -> None:
    rows: list[dict[str, str]] = [
        {
            "Type": "variable",
            "SKU": "T",
            "Name": "T",
            "Attribute 1 NAME": "Size",
            "Attribute 1 value(s)": "S, M, L",
        },
        {"Type": "variation", "Parent": "T", "Attribute 1 NAME": "Size", "Regular price": "5"},
        {
            "Type": "variation",
            "Parent": "T",
            "Attribute 1 NAME": "Size",
            "Attribute 1 value(s)": "M",
            "Regular price": "6",
        },
    ]
    (found,) = listings(*rows)
    assert found.variants is not UNSET
    assert [(each.options[0], each.price.amount) for each in found.variants if each.price is not UNSET] == [
        ("S", 500),
        ("L", 500),
        ("M", 600),
    ]
    rows[0]["Attribute 1 value(s)"] = ""
    (item,) = imported(table(*rows))
    assert item == Skipped(
        3, "Attribute 1 value(s)", "has no value for Size, nor has its parent a list of them"
    )


def test_each_type_but_variation_makes_one_listing() -> None:
    found = listings(
        {"Type": "simple, downloadable, virtual", "SKU": "ALBUM", "Name": "Album", "Regular price": "5"},
        {"Type": "external", "Name": "Suite No. 1", "External URL": "https://example.org/suite"},
        {"Type": "variable", "ID": "4", "Name": "Not yet varied"},
        {"Type": "subscription", "SKU": "S", "Name": "A type of a plugin"},
        {"Type": "grouped", "Name": "Best of", "Grouped products": "ALBUM, id:4, id:99"},
    )
    assert [each.key for each in found] == ["ALBUM", "suite-no-1", "id:4", "S", "best-of"]
    assert [each.ships for each in found] == [False, UNSET, True, True, UNSET]
    assert found[1].url == "https://example.org/suite"
    assert (found[4].members, found[4].price) == (("ALBUM", "id:4", "id:99"), UNSET)


def test_members_are_named_by_the_keys_they_get_here() -> None:
    _, group = listings(
        MUG | {"ID": "1", "Meta: netnode_key": "mug"},
        {"Type": "grouped", "Name": "Best", "Grouped products": "MUG, id:1"},
    )
    assert group.members == ("mug",)


@pytest.mark.parametrize(
    ("cells", "availability", "stock"),
    [
        ({"In stock?": "1"}, "in_stock", {}),
        ({"In stock?": "0"}, "out_of_stock", {}),
        ({"In stock?": "backorder"}, "backorder", {}),
        ({"In stock?": "1", "Stock": "-2", "Backorders allowed?": "notify"}, "backorder", {(): -2}),
        ({"In stock?": "1", "Stock": "0"}, "out_of_stock", {(): 0}),
        ({"Stock": "3"}, "in_stock", {(): 3}),
        ({}, UNSET, {}),
    ],
)
def test_stock_stays_private(cells: dict[str, str], availability: object, stock: dict[Any, int]) -> None:
    (item,) = imported(table(MUG | cells))
    assert isinstance(item, Mapped)
    assert (item.listing.availability, item.stock) == (availability, stock)


@pytest.mark.parametrize(
    ("unit", "cell", "grams"), [("kg", "1,5", 1500), ("g", "40", 40), ("lbs", "1", 454), ("oz", "2", 57)]
)
def test_the_header_names_the_unit_of_weight(unit: str, cell: str, grams: int) -> None:
    header = ["Type", "Name", "Regular price", f"Weight ({unit})"]
    row = {"Type": "simple", "Name": "A", "Regular price": "1,5", f"Weight ({unit})": cell}
    (item,) = imported(table(row, header=header, separator=";"))
    assert isinstance(item, Mapped)
    assert (item.listing.weight, item.listing.price) == (grams, Price(amount=150, currency="EUR"))


def test_a_sale_price_alone_is_the_price_and_its_last_day_counts() -> None:
    assert (one(Regular_price="", Sale_price="3").price, one(Regular_price="", Sale_price="3").sale) == (
        Price(amount=300, currency="EUR"),
        UNSET,
    )
    listing = one(Sale_price="3", Date_sale_price_ends="1970-01-02")
    assert listing.sale == Sale(amount=300, until=2 * DAY)


def test_an_attribute_condition_of_other_words_is_no_condition() -> None:
    assert one(**{"Attribute 1 NAME": "condition", "Attribute 1 value(s)": "Used"}).condition == "used"
    assert one(**{"Attribute 1 NAME": "condition", "Attribute 1 value(s)": "mint"}).condition is UNSET


def test_the_apostrophe_before_a_formula_goes() -> None:
    assert one(Name="'=1+1").title == "=1+1"
    assert one(Name="''=1+1").title == "'=1+1"
    assert one(Name="'tis").title == "'tis"


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        (MUG | {"Published": "0"}, "Published", "not published"),
        (MUG | {"Published": "-1"}, "Published", "not published"),
        (MUG | {"Visibility in catalog": "hidden"}, "Published", "not published"),
        (MUG | {"Name": ""}, "Name", "is missing"),
        (MUG | {"Regular price": "1,234"}, "Regular price", "two ways"),
        (MUG | {"Sale price": "13"}, "Sale price", "above the regular price"),
        (MUG | {"Sale price": "1", "Date sale price ends": "soon"}, "Date sale price ends", "not a date"),
        (MUG | {"Sale price": "1", "Date sale price ends": "2030-02-30"}, "Date sale price ends", "calendar"),
        (MUG | {"Weight (kg)": "heavy"}, "Weight (kg)", "not an amount"),
        (MUG | {"In stock?": "maybe"}, "In stock?", "neither true"),
        (MUG | {"Images": "ftp://example.org/a"}, "Images", "must begin with http"),
        ({"Type": "variation", "Parent": "NONE", "Regular price": "1"}, "Parent", "does not have"),
        ({"Type": "variation", "Regular price": "1"}, "Parent", "names no parent"),
    ],
)
def test_what_does_not_fit_is_skipped_whole_and_named(row: dict[str, str], column: str, says: str) -> None:
    skipped, kept = sorted(
        imported(table(row, MUG | {"SKU": "K"})), key=lambda item: isinstance(item, Mapped)
    )
    assert isinstance(skipped, Skipped) and isinstance(kept, Mapped)
    assert (skipped.row, skipped.field) == (2, column)
    assert says in skipped.reason


def test_a_hidden_variation_is_left_out_and_told() -> None:
    child = {"Type": "variation", "Parent": "T", "Attribute 1 NAME": "Size", "Regular price": "1"}
    hidden, tee = imported(
        table(
            {"Type": "variable", "SKU": "T", "Name": "T"},
            child | {"Attribute 1 value(s)": "S", "Published": "0"},
            child | {"Attribute 1 value(s)": "M"},
        )
    )
    assert isinstance(hidden, Skipped) and (hidden.row, hidden.field) == (3, "Published")
    assert isinstance(tee, Mapped) and tee.listing.variants == (Variant(options=("M",)),)


def test_too_many_choices_and_indistinct_ones_are_refused() -> None:
    values = ", ".join(map(str, range(20)))
    parent = {"Type": "variable", "SKU": "T", "Name": "T"}
    child = {"Type": "variation", "Parent": "T", "Regular price": "1"}
    (item,) = imported(table(parent, child, child))
    assert isinstance(item, Skipped) and "nothing tells" in item.reason
    names = {"Attribute 1 NAME": "A", "Attribute 2 name": "B"}
    listed = names | {"Attribute 1 value(s)": values, "Attribute 2 value(s)": values}
    (item,) = imported(table(parent | listed, child | names))
    assert isinstance(item, Skipped) and "more than 256" in item.reason


def test_the_format_is_known_by_its_header_and_has_no_currency() -> None:
    assert detect(table(MUG)) == "woocommerce"
    assert detect(b"Type;SKU;NAME;regular PRICE;In stock?\n") == "woocommerce"
    with pytest.raises(NeedsCurrency):
        read_feed(io.BytesIO(table(MUG)))
    with pytest.raises(FeedError, match="no column Name"):
        read_feed(io.BytesIO(b"Type,SKU\n"), format="woocommerce", currency="EUR")


def test_more_cells_than_the_header_has() -> None:
    (item,) = imported(b"Type,Name,Regular price\nsimple,A,1,surplus\n")
    assert isinstance(item, Skipped) and "more cells" in item.reason
