"""schema.org documents through the whole importer: JSON-LD, pages with it, and microdata."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from msgspec import UNSET

from netnode.feeds.documents import read_page
from netnode.feeds.mapping import Mapped, to_listing
from netnode.feeds.product import FeedError, NeedsCurrency, Skipped
from netnode.feeds.reading import detect, read_feed
from netnode.feeds.writing import FeedWriter, NotCarried, target
from protocol.records import Image, Listing, Price, Sale, Shipping, Variant

SALT = bytes(16)
SCHEMA = "https://schema.org/"


def imported(value: Any, currency: str | None = None) -> list[Mapped | Skipped]:
    data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    assert detect(data) == "schemaorg"
    return [
        item if isinstance(item, Skipped) else to_listing(item, currency=currency, salt=SALT)
        for item in read_feed(io.BytesIO(data), currency=currency)
    ]


def one(value: Any) -> Listing:
    (item,) = imported(value)
    assert isinstance(item, Mapped), item
    return item.listing


def product(**fields: Any) -> dict[str, Any]:
    return {"@context": SCHEMA, "@type": "Product", "name": "Mug", "sku": "M1"} | fields


def euros(price: Any, **more: Any) -> dict[str, Any]:
    return {"@type": "Offer", "price": price, "priceCurrency": "EUR"} | more


FULL = product(
    description="For tea.",
    url="https://example.org/mug",
    brand={"@type": "Brand", "name": "Loom"},
    category=["Home", "Home > Mugs"],
    keywords="tea, clay",
    image=[
        "https://example.org/a.jpg",
        {"@type": "ImageObject", "url": "//example.org/b.jpg", "caption": "back"},
    ],
    gtin13="4006381333931",
    mpn="X-1",
    weight={"@type": "QuantitativeValue", "value": 0.35, "unitCode": "KGM"},
    offers=[
        euros(
            15.0,
            availability="https://schema.org/PreOrder",
            itemCondition="http://schema.org/NewCondition",
            priceSpecification={
                "priceType": f"{SCHEMA}SalePrice",
                "price": "12.50",
                "validFrom": "2030-01-01",
                "validThrough": "2030-01-31",
            },
            shippingDetails={
                "@type": "OfferShippingDetails",
                "shippingLabel": "Post",
                "shippingRate": {"value": 4.9, "currency": "EUR"},
                "shippingDestination": [
                    {"addressCountry": "DE"},
                    {"addressCountry": {"name": "US"}, "addressRegion": ["CA", "NY"]},
                ],
                "deliveryTime": {"transitTime": {"minValue": 1, "maxValue": 3}},
            },
        )
    ],
)
LISTING = Listing(
    salt=SALT,
    availability="preorder",
    brand="Loom",
    category="Home > Mugs",
    condition="new",
    description="For tea.",
    gtin="4006381333931",
    images=(Image(url="https://example.org/a.jpg"), Image(alt="back", url="https://example.org/b.jpg")),
    key="M1",
    kind="product",
    mpn="X-1",
    price=Price(amount=1_500, currency="EUR"),
    sale=Sale(amount=1_250, from_=1_893_456_000_000, until=1_896_134_400_000),
    shipping=(
        Shipping(
            days=(1, 3),
            label="Post",
            price=Price(amount=490, currency="EUR"),
            regions=("DE", "US-CA", "US-NY"),
        ),
    ),
    sku="M1",
    tags=("tea", "clay"),
    title="Mug",
    url="https://example.org/mug",
    weight=350,
)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda node: node,
        lambda node: [node],
        lambda node: {"@graph": [{"@type": "WebPage", "mainEntity": node}]},
        lambda node: {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": node}]},
        lambda node: node | {"@type": ["schema:Product", "http://schema.org/Thing"]},
        lambda node: (
            f'<!DOCTYPE html><html><script type="application/ld+json">{json.dumps(node)}</script></html>'
        ),
    ],
)
def test_a_product_in_full_wherever_it_stands(wrap: Any) -> None:
    assert one(wrap(FULL)) == LISTING


def test_microdata() -> None:
    page = """<!doctype html><html><head><title>Shop</title><script>var a = "<div itemscope>";</script></head><body>
      <div itemscope itemtype="https://schema.org/Product">
        <h1 itemprop="name">Clay
           <b>mug</b></h1>
        <meta itemprop="sku" content="M1"><img itemprop="image" src="https://example.org/a.jpg">
        <a itemprop="url" href="https://example.org/mug">more</a>
        <div itemprop="brand" itemscope itemtype="https://schema.org/Brand"><span itemprop="name">Loom</span></div>
        <p itemprop="description">For tea.<p>Not this.
        <div itemprop="offers" itemscope itemtype="https://schema.org/Offer">
          <span itemprop="price" content="15.00">15 Euro</span><meta itemprop="priceCurrency" content="EUR"/>
          <link itemprop="availability" href="https://schema.org/InStock">
        </div>
      </div>
      <div itemscope itemtype="https://schema.org/Product"><data itemprop="name" value="Cup">x</data>"""
    mug, cup = imported(page)
    assert isinstance(mug, Mapped) and isinstance(cup, Mapped)
    assert mug.listing == Listing(
        salt=SALT,
        availability="in_stock",
        brand="Loom",
        description=mug.listing.description,
        images=(Image(url="https://example.org/a.jpg"),),
        key="M1",
        kind="product",
        price=Price(amount=1_500, currency="EUR"),
        sku="M1",
        title="Clay mug",
        url="https://example.org/mug",
    )
    assert str(mug.listing.description).startswith("For tea.")
    assert (cup.listing.key, cup.listing.title) == ("cup", "Cup")


def test_a_page_is_read_however_broken() -> None:
    assert read_page("<p itemprop=x>" + "<div itemscope>" * 2000 + "</p></div><br/></x>").scripts == []
    assert read_page('<div itemscope itemid="#a"><i itemprop="name other">A').items == [
        {"@type": [], "@id": "#a", "name": ["A"], "other": ["A"]}
    ]


@pytest.mark.parametrize(
    "piece", ["<!--", "<a ", "<a x='", "<!a", "<?", "</", "<script>", "<div itemscope itemprop=x>", "<", "a="]
)
def test_a_page_takes_time_in_proportion_to_its_size(piece: str) -> None:
    assert read_page("<html><p " + piece * 100_000).scripts == []
    assert read_page("<html>" + piece * 100_000).scripts == []


def test_scripts_and_comments_are_not_markup() -> None:
    page = read_page(
        '<!-- <i itemscope> --><script>"<i itemscope>"</script><style><i itemscope></style>'
        "<SCRIPT TYPE='application/ld+json; charset=utf-8'>{\"<a>\": 1}</Script ><i itemscope><b itemprop=a>1 &lt; 2 <"
    )
    assert page.scripts == ['{"<a>": 1}']
    assert page.items == [{"@type": [], "a": ["1 < 2 <"]}]


def test_texts_that_are_no_unicode_are_skipped() -> None:
    (item,) = imported('{"@type": "Product", "name": "a\\ud800"}')
    assert item == Skipped(1, "name", "its texts are not well-formed Unicode")


VARIANTS = [
    product(sku="T-S", size="S", offers=euros("5")) | {"@id": "#s"},
    product(sku="T-M", size="M", offers=euros("6", availability="InStock"), image="https://example.org/m")
    | {"@id": "#m"},
]
GROUP = {"@type": "ProductGroup", "productGroupID": "tee", "name": "Tee", "image": "https://example.org/t"}


@pytest.mark.parametrize(
    "document",
    [
        GROUP | {"hasVariant": VARIANTS, "variesBy": ["https://schema.org/size"]},
        [GROUP | {"hasVariant": [{"@id": "#s"}, {"@id": "#m"}], "variesBy": "size"}, *VARIANTS],
        [*(one | {"inProductGroupWithID": "tee"} for one in VARIANTS), GROUP],
        [GROUP | {"@id": "#tee"}, *(one | {"isVariantOf": {"@id": "#tee"}} for one in VARIANTS)],
        [GROUP | {"@id": "#tee"}, *(one | {"isVariantOf": "#tee"} for one in VARIANTS)],
    ],
)
def test_a_group_is_one_product(document: Any) -> None:
    listing = one(document)
    assert (listing.key, listing.title, listing.options) == ("tee", "Tee", ("Size",))
    assert listing.variants == (
        Variant(options=("S",), price=Price(amount=500, currency="EUR"), sku="T-S"),
        Variant(
            availability="in_stock",
            image=1,
            options=("M",),
            price=Price(amount=600, currency="EUR"),
            sku="T-M",
        ),
    )


def test_other_options_and_variants_that_nothing_tells_apart() -> None:
    def litres(value: str) -> dict[str, Any]:
        return product(sku=value, additionalProperty=[{"name": "Volume", "value": value}, "junk"])

    listing = one(GROUP | {"variesBy": "Volume", "hasVariant": [litres("1 l"), litres("2 l")]})
    assert listing.options == ("Volume",)
    listing = one(GROUP | {"hasVariant": [product(sku="a"), product(sku="b")]})
    assert listing.options == ("Variant",)
    assert listing.variants is not UNSET and [each.options for each in listing.variants] == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("offers", "price", "sale"),
    [
        (euros("12.50"), 1_250, None),
        (euros(0.1), 10, None),
        ({"@type": "AggregateOffer", "lowPrice": 9, "priceCurrency": "EUR"}, 900, None),
        ({"@type": "AggregateOffer", "offers": [euros("3"), euros("4")]}, 300, None),
        (
            euros("8", priceSpecification={"priceType": f"{SCHEMA}StrikethroughPrice", "price": "10"}),
            1_000,
            800,
        ),
        (euros("8", priceSpecification=[{"priceType": "ListPrice", "price": "8"}]), 800, None),
        ({"priceSpecification": {"price": "7", "priceCurrency": "EUR"}}, 700, None),
        ({"priceSpecification": {"price": "7", "priceCurrency": "EUR", "priceType": "SalePrice"}}, 700, None),
    ],
)
def test_prices(offers: Any, price: int, sale: int | None) -> None:
    listing = one(product(offers=offers))
    assert listing.price == Price(amount=price, currency="EUR")
    assert listing.sale == (UNSET if sale is None else Sale(amount=sale))


def test_the_count_stays_private() -> None:
    (item,) = imported(product(offers={"inventoryLevel": {"value": 4}}))
    assert isinstance(item, Mapped)
    assert (item.listing.availability, item.stock) == ("in_stock", {(): 4})


@pytest.mark.parametrize(
    ("node", "field", "says"),
    [
        (product(name=""), "name", "is missing"),
        (product(name="!", sku=""), "name", "no key"),
        (product(offers=euros("1,234")), "offers.price", "two ways"),
        (product(offers=euros("1.234")), "offers.price", "decimals"),
        (product(weight={"value": 1, "unitCode": "STN"}), "weight", "no unit"),
        (product(weight="heavy kg"), "weight", "not an amount"),
        (product(url="ftp://example.org"), "url", "must begin with http"),
        (
            product(offers={"shippingDetails": {"shippingDestination": {"addressCountry": "Narnia"}}}),
            "offers.shippingDetails",
            "not a country",
        ),
        (
            product(
                offers=euros(
                    1, priceSpecification={"priceType": "SalePrice", "price": 1, "validFrom": "soon"}
                )
            ),
            "offers.priceSpecification",
            "not a date",
        ),
    ],
)
def test_what_does_not_fit_is_skipped_and_named(node: Any, field: str, says: str) -> None:
    skipped, kept = imported([node, product(sku="K")])
    assert isinstance(skipped, Skipped) and isinstance(kept, Mapped)
    assert (skipped.row, skipped.field) == (1, field)
    assert says in skipped.reason


def test_an_amount_without_a_currency_needs_one() -> None:
    node = product(offers={"price": "5"})
    with pytest.raises(NeedsCurrency):
        imported(node)
    (item,) = imported(node, "EUR")
    assert isinstance(item, Mapped) and item.listing.price == Price(amount=500, currency="EUR")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ('{"@type": "Product",', "not the JSON"),
        ('{"@type": ' + "[" * 100_000, "not the JSON"),
        ('{"@type": "Product", "name": "A", "sku": 1e999999}', "not the JSON"),
        ('{"@type": "Product", "name": "A", "sku": 1e99999999999999999999}', "not the JSON"),
        ('{"@type": "Recipe"}', "no product"),
        ("<!doctype html><p>Hi", "no product"),
        ('<html><script type="application/ld+json">{,}</script>', "A script of the page"),
        ('{"@graph": ' * 100 + "[]" + "}" * 100, "no product"),
    ],
)
def test_what_has_no_products_is_refused_as_a_whole(data: str, says: str) -> None:
    with pytest.raises(FeedError, match=says):
        imported(data)


def test_an_export_is_one_graph() -> None:
    writer = FeedWriter(target("schemaorg"))
    text, *rest = writer.add(LISTING)
    assert rest == []
    document = json.loads(f"{writer.head()}{text}{writer.foot()}")
    assert document["@context"] == SCHEMA
    (node,) = document["@graph"]
    assert (node["@type"], node["sku"], node["offers"]["price"]) == ("Product", "M1", "15.00")
    assert "productID" not in node


def test_rates_for_everywhere_else_are_named() -> None:
    from msgspec import structs

    rate = Shipping(regions=("DE", "*"))
    _, *rest = FeedWriter(target("schemaorg")).add(structs.replace(LISTING, shipping=(rate,)))
    assert rest == [NotCarried("M1", "shipping")]
