"""Listings out to every format and in again: what comes back is equal, or was named."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, structs

from netnode.feeds.mapping import Mapped, to_listing
from netnode.feeds.offers import Offer, offers
from netnode.feeds.product import FeedError, Skipped
from netnode.feeds.reading import AUTO, read_feed
from netnode.feeds.writing import FeedWriter, NotCarried, target
from netnode.market.listing import same, to_form
from protocol.records import Image, Listing, Per, Price, Sale
from tests.netnode.listings_made import LETTERS, SALT, features, listings

# What FEEDS gives to each format; of these, every combination comes back as it was.
SHOPIFY = features(
    "availability brand category condition gtin alts images images_of_variants mpn options plain sale ships unshipped "
    "sku variant_skus summary tags variants weight"
)
WOOCOMMERCE = features(
    "availability brand category condition dates gtin images images_of_variants options plain sale ships sku summary "
    "tags variants variant_skus weight"
)
NOSTR = features("area category images period currencies shipping summary tags url")
GOOGLE = features(
    "availability preorder brand category condition currencies dates gtin images mpn sale sku variant_skus summary "
    "url variants weight"
)
SCHEMAORG = features(
    "alts availability preorder brand category condition currencies dates gtin images mpn options sale sku tags url "
    "variant_skus variants weight"
)
CARRIED = {
    ("schemaorg", "a.json"): SCHEMAORG,
    ("google", "a.tsv"): GOOGLE,
    ("google", "a.XML"): GOOGLE,
    ("shopify", "a.csv"): SHOPIFY,
    ("woocommerce", "a.csv"): WOOCOMMERCE,
    ("nostr", "a.json"): NOSTR,
}
FORMS = list(CARRIED)


def written(found: Iterable[Listing], form: tuple[str, str]) -> tuple[str, dict[str, set[str]], FeedWriter]:
    writer = FeedWriter(target(*form))
    parts = [writer.head()]
    lacking: dict[str, set[str]] = {}
    for listing in found:
        for part in writer.add(listing):
            if isinstance(part, NotCarried):
                lacking.setdefault(part.key, set()).add(part.field)
            else:
                parts.append(part)
    return "".join([*parts, writer.foot()]), lacking, writer


def read_back(text: str, currency: str | None, format: str = AUTO) -> dict[str, Listing]:
    found = {}
    for item in read_feed(io.BytesIO(text.encode()), format=format, currency=currency):
        assert not isinstance(item, Skipped), item
        mapped = to_listing(item, currency=currency, salt=SALT)
        assert isinstance(mapped, Mapped), mapped
        found[mapped.listing.key] = mapped.listing
    return found


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_what_a_format_carries_comes_back_as_it_was(form: tuple[str, str], data: st.DataObject) -> None:
    made = st.lists(listings(CARRIED[form], LETTERS), min_size=1, max_size=3, unique_by=lambda one: one.key)
    found = data.draw(made)
    if form[0] == "woocommerce":  # there, what is not virtual is sent
        found = [structs.replace(one, ships=True if one.ships is UNSET else one.ships) for one in found]
    text, lacking, writer = written(found, form)
    assert writer.exported == len(found)
    assert set().union(*lacking.values()) <= {"currency"}
    back = read_back(text, "EUR")
    for listing in found:
        canonical = read_back(written([back[listing.key]], form)[0], "EUR")[listing.key]
        assert same(canonical, back[listing.key])
        assert _forms(back[listing.key]) == _forms(listing)


def _forms(listing: Listing) -> dict[str, object]:
    """A listing with the fields of its variants filled in, which may be said in two ways."""
    form = to_form(
        structs.replace(listing, price=UNSET, sale=UNSET, availability=UNSET, variants=UNSET, options=UNSET)
    )
    return form | {"options": listing.options, "offers": [_plain(offer) for offer in offers(listing)]}


def _plain(offer: Offer) -> dict[str, object]:
    return {name: getattr(offer, name) for name in Offer.__slots__ if name != "pictured"}


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_what_does_not_come_back_was_named(form: tuple[str, str], data: st.DataObject) -> None:
    found = data.draw(st.lists(listings(), min_size=1, max_size=3, unique_by=lambda one: one.key))
    text, lacking, writer = written(found, form)
    left_out = {key for key, fields in lacking.items() if "listing" in fields}
    left_out |= {one.key for one in found if one.kind == "want-ad"}
    assert writer.exported == len(found) - len(left_out)
    if not writer.exported:
        return
    back = read_back(text, writer.currency or "EUR", form[0])
    assert set(back) == {one.key for one in found} - left_out
    for listing in found:
        if listing.key in left_out:
            continue
        before, after = _forms(listing), _forms(back[listing.key])
        named = {field.removeprefix("variants.").partition(".")[0] for field in lacking.get(listing.key, ())}
        for name in before.keys() | after.keys():
            if before.get(name) == after.get(name):
                continue
            if name in ("offers", "options", "variants"):
                assert named & {
                    "price", "sale", "availability", "sku", "gtin", "mpn", "weight", "points", "image", "images",
                    "options", "variants",
                }  # fmt: skip
            elif name in ("currency", "issuer", "unit", "per"):  # terms of shipping rates
                assert "shipping" in named
            else:
                assert name in named, (name, before.get(name), after.get(name))


def mug(**fields: object) -> Listing:
    made = Listing(
        salt=SALT, key="mug", kind="product", title="Mug", price=Price(amount=1_250, currency="EUR")
    )
    return structs.replace(made, **fields)


@pytest.mark.parametrize("form", ["shopify", "woocommerce"])
def test_no_cell_is_a_formula(form: str) -> None:
    listing = mug(title="=1+1", description="@SUM(A1)", brand="-2+3", tags=("+1", "'=a"), key="=k")
    text, lacking, _ = written([listing], (form, "a.csv"))
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert {"'=1+1", "'@SUM(A1)", "'-2+3", "'=k"} <= set(cells)
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]
    assert lacking == {"=k": {"currency"}} if form == "shopify" else True
    assert read_back(text, "EUR")["=k"].title == "=1+1"


def test_prices_that_would_be_told_wrongly_are_left_out_and_named() -> None:
    found = [
        mug(key="a"),
        mug(key="b", price=Price(amount=5, currency="USD")),
        mug(key="c", price=structs.replace(mug().price, per=Per(count=1, unit="month"))),
        mug(key="d", price=Price(amount=5, issuer=bytes(32), unit="pt")),
        mug(key="e", sale=Sale(amount=1, until=2_000_000_000_000)),
    ]
    text, lacking, writer = written(found, ("shopify", "a.csv"))
    assert writer.currency == "EUR"
    assert lacking == {
        "a": {"currency"},
        "b": {"price"},
        "c": {"price"},
        "d": {"price"},
        "e": {"currency", "sale"},
    }
    back = read_back(text, "EUR")
    assert [back[key].price for key in "bcd"] == [UNSET] * 3
    assert (back["e"].price, back["e"].sale) == (mug().price, UNSET)


def test_what_no_shop_knows_is_named() -> None:
    listing = mug(
        commission=500,
        expires=2_000_000_000_000,
        points=100,
        kind="service",
        images=(Image(hash=bytes(32)), Image(url="https://example.org/a", alt="a")),
    )
    _, lacking, _ = written([listing], ("woocommerce", "a.csv"))
    assert lacking["mug"] == {
        "commission",
        "expires",
        "points",
        "kind",
        "images",
        "images.alt",
        "images.hash",
        "ships",
        "currency",
    }


@pytest.mark.parametrize("form", FORMS)
def test_a_wish_is_not_offered_for_sale(form: tuple[str, str]) -> None:
    text, lacking, writer = written([mug(kind="want-ad", price=UNSET)], form)
    assert (lacking, writer.exported) == ({"mug": {"kind"}}, 0)
    assert "Mug" not in text


def test_unknown_formats_are_refused() -> None:
    with pytest.raises(FeedError, match="there are: shopify"):
        target("excel")
