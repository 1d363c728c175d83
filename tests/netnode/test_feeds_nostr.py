"""Nostr events through the whole importer, and what an export of them says."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from msgspec import UNSET

from netnode.feeds.mapping import Mapped, to_listing
from netnode.feeds.nostr_writing import write
from netnode.feeds.product import FeedError, Product, Skipped
from netnode.feeds.reading import detect, read_feed
from protocol.records import Area, Image, Listing, Per, Price, Shipping, Variant

SALT = bytes(16)


def event(*tags: list[str], kind: int = 30402, content: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "created_at": 1_700_000_000, "tags": list(tags), "content": content, **more}


def classified(*tags: list[str], **more: Any) -> dict[str, Any]:
    return event(["d", "lamp"], ["title", "Lamp"], *tags, **more)


def stalled(**fields: Any) -> dict[str, Any]:
    product = {"id": "p1", "stall_id": "s", "name": "Mug", "price": 12.5, "currency": "eur", "quantity": None}
    return event(["t", "tea"], kind=30018, content=json.dumps(product | fields), pubkey="a")


def imported(value: Any) -> list[Mapped | Skipped]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return [
        item if isinstance(item, Skipped) else to_listing(item, currency=None, salt=SALT)
        for item in read_feed(io.BytesIO(data))
    ]


def one(value: Any) -> Listing:
    (item,) = imported([value])
    assert isinstance(item, Mapped), item
    return item.listing


def refused(value: Any) -> tuple[str, str]:
    (item,) = imported([value])
    assert isinstance(item, Skipped) and item.row == 1, item
    return item.field, item.reason


def test_a_classified_listing_in_full() -> None:
    listing = one(
        classified(
            ["summary", "Bright"],
            ["published_at", "1"],
            ["price", "9.90", "eur", "months"],
            ["status", "active"],
            ["location", "Kreuzberg, DE"],
            ["g", "u33d8b"],
            ["image", "https://example.org/a.jpg", "256x256"],
            ["image", "https://example.org/b.jpg"],
            ["t", "Home > Light", "category"],
            ["t", "brass"],
            ["t", "brass"],
            ["shipping", "Post", "4.90", "EUR", "DE,FR", "1-3"],
            ["shipping", "Others"],
            ["r", "https://example.org/lamp"],
            ["expiration", "1800000000"],
            ["e", "ignored"],
            content="A **lamp**",
        )
    )
    euros = Price(amount=490, currency="EUR")
    assert listing == Listing(
        salt=SALT,
        area=Area(country="DE", geohash="u33d8", region="Kreuzberg"),
        availability="in_stock",
        category="Home > Light",
        description="A **lamp**",
        expires=1_800_000_000_000,
        format="markdown",
        images=(Image(url="https://example.org/a.jpg"), Image(url="https://example.org/b.jpg")),
        key="lamp",
        kind="product",
        price=Price(amount=990, currency="EUR", per=Per(count=1, unit="month")),
        shipping=(
            Shipping(days=(1, 3), label="Post", price=euros, regions=("DE", "FR")),
            Shipping(label="Others", regions=("*",)),
        ),
        summary="Bright",
        tags=("brass",),
        title="Lamp",
        url="https://example.org/lamp",
    )


def test_a_file_may_be_one_event_a_line_or_an_answer_of_a_relay() -> None:
    text = json.dumps(classified())
    other = json.dumps(event(["d", "b"], ["title", "B"]))
    for data in (
        f"{text}\n{other}\n",
        f'["EVENT","s",{text}]\n["EVENT","s",{other}]',
        f'{{"events":[{text},{other}]}}',
    ):
        assert detect(data.encode()) == "nostr"
        assert len(imported(data.encode())) == 2
    assert len(imported(text.encode())) == 1
    assert len(imported(b"\xef\xbb\xbf" + text.encode())) == 1


def test_the_newest_version_of_an_event_holds() -> None:
    old, new = classified(content="old", created_at=1), classified(content="new", created_at=2)
    for row, events in ((2, [new, old]), (1, [old, new])):
        items = {isinstance(item, Mapped): item for item in imported(events)}
        kept, skipped = items[True], items[False]
        assert isinstance(kept, Mapped) and kept.listing.description == "new"
        assert isinstance(skipped, Skipped) and (skipped.row, skipped.field) == (row, "created_at")


def test_a_sold_and_a_draft_listing() -> None:
    assert one(classified(["status", "sold"])).availability == "out_of_stock"
    assert one(classified()).availability is UNSET
    assert refused(classified(kind=30403)) == ("kind", "not published in the file")


def test_markdown_without_signs_is_plain() -> None:
    assert one(classified(content="Just words.")).format is UNSET
    assert one(classified(content="- a list")).format == "markdown"
    assert one(classified(["location", "NYC"])).area is UNSET


@pytest.mark.parametrize(
    ("value", "field", "says"),
    [
        (classified(["price", "1"]), "price", "no currency"),
        (classified(["price", "1", "sats"]), "price", "SATS"),
        (classified(["price", "cheap", "EUR"]), "price", "not an amount"),
        (classified(["price", "1", "EUR", "hour"]), "price", "none of the periods"),
        (classified(["expiration", "soon"]), "expiration", "no time"),
        (classified(["shipping", "Post", "1"]), "shipping", "no currency"),
        (classified(["shipping", "Post", "1", "EUR", "Atlantis"]), "shipping", "form"),
        (event(["d", "x"]), "title", "is missing"),
        (event(["title", "!!"]), "d", "is missing"),
        (event(kind=1), "kind", "no product"),
        ("text", "kind", "no event"),
        (event(kind=30018, content="no JSON"), "content", "not the JSON"),
        (stalled(price=True), "price", "not an amount"),
        (stalled(price=-1), "price", "not an amount"),
        (stalled(price=0.1234), "price", "decimals"),
        (stalled(currency=""), "currency", "is missing"),
        (stalled(quantity=1.5), "quantity", "whole number"),
        (stalled(name=""), "name", "is missing"),
    ],
)
def test_what_does_not_fit_is_skipped_and_named(value: Any, field: str, says: str) -> None:
    found = imported([value, {"kind": 30402, "tags": [["d", "k"], ["title", "K"]]}])
    skipped, kept = found
    assert isinstance(skipped, Skipped) and isinstance(kept, Mapped)
    assert skipped.field == field
    assert says in skipped.reason


def test_a_product_of_a_stall() -> None:
    stall = {
        "id": "s",
        "currency": "EUR",
        "shipping": [
            {"id": "z", "name": "EU", "cost": 1.1, "regions": ["DE", "fr"]},
            {"id": "w", "cost": 9, "regions": ["Worldwide"]},
            {"id": "x", "cost": 9, "regions": ["the moon"]},
        ],
    }
    product = stalled(
        quantity=3,
        specs=[["Brand", "Loom"], ["condition", "Used"], ["gtin", "12345678"], ["colour", "red"]],
        images=["https://example.org/a.jpg"],
        shipping=[{"id": "z", "cost": 0.2}, {"id": "w", "cost": 0}, {"id": "x", "cost": 0}, {"id": "?"}],
    )
    (item,) = imported([product, event(kind=30017, content=json.dumps(stall))])
    assert isinstance(item, Mapped) and item.stock == {(): 3}
    assert item.listing == Listing(
        salt=SALT,
        availability="in_stock",
        brand="Loom",
        condition="used",
        gtin="12345678",
        images=(Image(url="https://example.org/a.jpg"),),
        key="p1",
        kind="product",
        price=Price(amount=1_250, currency="EUR"),
        shipping=(
            Shipping(label="EU", price=Price(amount=130, currency="EUR"), regions=("DE", "FR")),
            Shipping(price=Price(amount=900, currency="EUR"), regions=("*",)),
        ),
        sku="p1",
        tags=("tea",),
        title="Mug",
    )
    assert one(stalled(quantity=0)).availability == "out_of_stock"


@pytest.mark.parametrize(
    ("price", "minor"), [(0.1, 10), (19.99, 1_999), (1e2, 10_000), (7, 700), ("3.50", 350)]
)
def test_prices_are_read_by_their_decimals(price: Any, minor: int) -> None:
    assert one(stalled(price=price)).price == Price(amount=minor, currency="EUR")


@pytest.mark.parametrize(
    "data", [b'{"kind": 30402', b'[{"kind": 30402, "created_at": NaN}]', b'["stall_id",' + b"[" * 100_000]
)
def test_what_is_no_json_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(FeedError, match="not the JSON of Nostr"):
        imported(data)


def test_an_export_is_an_event_to_sign() -> None:
    price = Price(amount=500, currency="EUR", per=Per(count=3, unit="month"))
    listing = Listing(salt=SALT, key="k", kind="product", title="K", price=price, availability="out_of_stock")
    assert json.loads(write(listing, 5_000)) == {
        "kind": 30402,
        "created_at": 5,
        "tags": [
            ["d", "k"],
            ["title", "K"],
            ["published_at", "5"],
            ["price", "5.00", "EUR", "3 months"],
            ["status", "sold"],
        ],
        "content": "",
    }
    cheap, dear = (
        Variant(options=(value,), price=Price(amount=int(value), currency="EUR")) for value in "12"
    )
    two = Listing(salt=SALT, key="k", kind="product", title="K", options=("N",), variants=(cheap, dear))
    assert not [tag for tag in json.loads(write(two, 0))["tags"] if tag[0] == "price"]


def test_events_by_name_are_read_like_a_list() -> None:
    """Examples and some exports are an object of events; what is no event is skipped with its place."""
    event = {"kind": 30402, "content": "", "tags": [["d", "cap"], ["title", "Cap"], ["price", "5", "EUR"]]}
    value = {"first": event, "relays": [{"name": "x"}], "text": "none"}
    items = list(read_feed(io.BytesIO(json.dumps(value).encode()), format="nostr"))
    assert [item.key for item in items if isinstance(item, Product)] == ["cap"]
    assert [item.row for item in items if isinstance(item, Skipped)] == [2, 3]
