from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.projections import facets, search, views
from protocol.identity import id_text
from protocol.kinds import encode_record
from protocol.records import Close, Per, Price, Variant
from tests.netnode.shelf import (
    DAY,
    NOW,
    Put,
    Shelf,
    author,
    block,
    euros,
    inception,
    listing,
    profile,
    withdraw,
)

ANNA, BEN, ME = author(1), author(2), author(3)


@pytest.fixture(scope="module")
def market() -> Iterator[Shelf]:
    shelf = Shelf()
    shelf.put(
        ANNA,
        [
            inception(NOW - 9 * DAY),
            profile("Anna's shop", NOW - 9 * DAY),
            listing(
                "lamp", "Brass lamp", NOW - 8 * DAY, price=euros(4_999), category="Home > Lamps", brand="Lux"
            ),
            listing(
                "shade", "Lampshade", NOW - 7 * DAY, price=euros(1_500), category="Home > Lamps > Shades"
            ),
            listing(
                "book", "Reading by candlelight", NOW - 6 * DAY, summary="Put out the lamp", sku="AB-123"
            ),
            listing(
                "page",
                "Gardens",
                NOW - 5 * DAY,
                description="<p>A <b>caf\u00e9</b> in the&nbsp;garden</p><script>secretword</script>",
                format="html",
                tags=("green", "lamp"),
            ),
            listing("gone", "Old lamp", NOW - 5 * DAY),
            withdraw("gone", NOW - 4 * DAY),
            listing("late", "Expired lamp", NOW - 4 * DAY, expires=NOW - 1),
            listing("soon", "Expiring lantern", NOW - 4 * DAY, expires=NOW + 1),
        ],
    )
    shelf.put(
        BEN,
        [
            inception(NOW - 9 * DAY),
            listing(
                "course",
                "Sales course",
                NOW - 3 * DAY,
                kind="knowledge",
                price=Price(amount=5_000, currency="USD"),
            ),
            listing(
                "shirt",
                "Shirt",
                NOW - 2 * DAY,
                category="Clothing",
                options=("Size", "Colour"),
                variants=(
                    Variant(options=("S", "Red"), price=euros(2_000)),
                    Variant(options=("M", "Teal"), price=euros(1_800), sku="SH-M"),
                ),
            ),
            listing(
                "chair", "Chair", NOW - DAY, price=Price(amount=120, currency="JPY"), category="Homewares"
            ),
            listing(
                "club",
                "Membership",
                NOW - DAY,
                kind="service",
                price=Price(amount=900, currency="EUR", per=Per(count=1, unit="month")),
            ),
        ],
    )
    shelf.settle()
    yield shelf
    shelf.connection.close()


def found(
    shelf: Shelf, text: str = "", now: int = NOW, own: bytes | None = None, **fields: object
) -> list[str]:
    answer = views.search(shelf.connection, models.SearchQuery(text=text, **fields), now, own)  # type: ignore[arg-type]
    assert answer.total == len(answer.items)
    return [item.key for item in answer.items]


def test_where_the_words_stand_decides_the_order(market: Shelf) -> None:
    assert found(market, "lamp") == ["shade", "lamp", "page", "book"] or found(market, "lamp")[2:] == [
        "page",
        "book",
    ]
    assert set(found(market, "lamp")[:2]) == {"lamp", "shade"}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("LAMPS brass", ["lamp"]),
        ("lux", ["lamp"]),
        ("candlelig", ["book"]),
        ("cafe", ["page"]),
        ("CAFÉ garden", ["page"]),
        ("secretword", []),
        ("ab-123", ["book"]),
        ("sh-m", ["shirt"]),
        ("teal", ["shirt"]),
        ("reads", ["book"]),
        ("lamp nowhere", []),
        ("shirt \x00", ["shirt"]),
        ("\ue000k0", []),
    ],
)
def test_words_are_found(market: Shelf, text: str, keys: list[str]) -> None:
    assert found(market, text) == keys


@pytest.mark.parametrize("text", ["", "  ", "!?", '"', "*", "()"])
def test_a_text_without_words_finds_everything_newest_first(market: Shelf, text: str) -> None:
    assert found(market, text) == [
        "club",
        "chair",
        "shirt",
        "course",
        "soon",
        "page",
        "book",
        "shade",
        "lamp",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '"', "lamp AND", "NOT lamp", 'lamp" OR "x', "title:lamp", "{title}: lamp", "lamp*", "^lamp", "NEAR(lamp x)",
        "-lamp", "lamp)", "(", "+", "lamp' --", "a" * 500, "\u0301", "\U0001f600 lamp", "时间", "हिन्दी",
    ],
)  # fmt: skip
def test_no_text_is_syntax(market: Shelf, text: str) -> None:
    found(market, text)


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_any_text_is_a_search(text: str) -> None:
    shelf = Shelf()
    shelf.put(ANNA, [inception(), listing("a", "lamp")])
    shelf.settle()
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    found(shelf, text)
    shelf.connection.close()


def test_a_listing_is_found_by_every_word_of_its_title(market: Shelf) -> None:
    shelf = Shelf()
    title = (
        "Fl\u00fcssiger Stra\u00dfenbau \u0130stanbul \u65f6\u95f4\u7ba1\u7406 na\u00efve co-operation 3.5mm"
    )
    shelf.put(ANNA, [inception(), listing("a", title)])
    shelf.settle()
    for word in [*title.split(), "\u65f6\u95f4", "flussiger", "naive"]:
        assert found(shelf, word) == ["a"], word


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({"kind": "knowledge"}, ["course"]),
        ({"kind": "licence"}, []),
        ({"category": "Home"}, ["shade", "lamp"]),
        ({"category": " home>lamps "}, ["shade", "lamp"]),
        ({"category": "Home > Lamps > Shades"}, ["shade"]),
        ({"category": "Ho"}, []),
        ({"currency": "USD"}, ["course"]),
        ({"currency": "GBP"}, []),
        ({"min_price": "15", "max_price": "20"}, ["shirt", "shade"]),
        ({"min_price": "15.01", "max_price": "20"}, ["shirt"]),
        ({"max_price": "18"}, ["club", "shirt", "shade"]),
        ({"max_price": "17.99"}, ["club", "shade"]),
        ({"min_price": "49.99"}, ["chair", "course", "lamp"]),
        ({"min_price": "50"}, ["chair", "course"]),
        ({"min_price": "50", "currency": "EUR"}, []),
        ({"min_price": "2", "max_price": "1"}, []),
        ({"min_price": "120", "max_price": "120", "currency": "JPY"}, ["chair"]),
        ({"min_price": "999999999999999.99999999"}, []),
        ({"min_price": "0.00000001", "max_price": "9"}, ["club"]),
    ],
)
def test_filters(market: Shelf, fields: dict[str, object], keys: list[str]) -> None:
    assert found(market, **fields) == keys


def test_a_text_and_filters_together(market: Shelf) -> None:
    assert found(market, "lamp", category="Home", max_price="20") == ["shade"]
    assert found(market, "lamp", seller=id_text(ANNA), kind="product", min_price="40") == ["lamp"]
    assert found(market, "lamp", seller=id_text(BEN)) == []
    assert found(market, seller=id_text(BEN)) == ["club", "chair", "shirt", "course"]
    assert found(market, seller=id_text(author(99))) == []


def test_a_seller_that_is_no_id_is_a_problem(market: Shelf) -> None:
    with pytest.raises(Problem) as caught:
        found(market, seller="nx1nonsense")
    assert caught.value.exit_code is ExitCode.USAGE


def test_what_has_expired_is_not_found_even_before_it_leaves_the_index(market: Shelf) -> None:
    assert found(market, "lantern") == ["soon"]
    assert found(market, "lantern", NOW + 1) == []
    assert "soon" not in found(market, "", NOW + 1)


def test_the_shape_of_a_result(market: Shelf) -> None:
    (item,) = views.search(market.connection, models.SearchQuery(text="shirt"), NOW).items
    assert (item.ref, item.seller, item.seller_name) == (f"{id_text(BEN)}/shirt", id_text(BEN), "")
    assert item.price == models.Price(amount="18.00", minor=1_800, currency="EUR", from_=True)
    assert item.variants[1] == models.Variant(
        options={"Size": "M", "Colour": "Teal"},
        price=models.Price(amount="18.00", minor=1_800, currency="EUR"),
        sku="SH-M",
    )
    (item,) = views.search(market.connection, models.SearchQuery(text="brass"), NOW).items
    assert item.seller_name == "Anna's shop" and len(item.entry) == 64
    row = views.listing(market.connection, ANNA, "lamp")
    assert row is not None
    page = views.full(row)
    assert page.fields["title"] == "Brass lamp" and page.price == item.price
    (item,) = views.search(market.connection, models.SearchQuery(text="membership"), NOW).items
    assert item.price is not None and item.price.per == models.Per(1, "month")


def test_blocked_and_closed_sellers_are_not_found() -> None:
    shelf = Shelf()
    for who in (ANNA, BEN, author(4)):
        shelf.put(who, [inception(), listing("a", "lamp")])
    shelf.put(ME, [inception(), block(BEN), listing("mine", "lamp")])
    shelf.put(author(5), [inception(), listing("a", "lamp"), Put(6, encode_record(Close()))])
    shelf.settle()

    def sellers(text: str) -> set[str]:
        query = models.SearchQuery(text=text)
        return {item.seller for item in views.search(shelf.connection, query, NOW, ME).items}

    for text in ("lamp", "", "?!"):
        assert sellers(text) == {id_text(who) for who in (ANNA, author(4), ME)}
    shelf.connection.execute("INSERT INTO blocked(n, since) SELECT n, 0 FROM networker WHERE id = ?", (ANNA,))
    for text in ("lamp", "", "?!"):
        assert sellers(text) == {id_text(who) for who in (author(4), ME)}
    shelf.put(ME, [inception(), block(BEN), listing("mine", "lamp"), block(BEN, lifted=True)])
    shelf.settle()
    assert sellers("lamp") == {id_text(who) for who in (BEN, author(4), ME)}


# -- pages ---------------------------------------------------------------------------------------------------
def crowd(count: int) -> Shelf:
    shelf = Shelf()
    puts = [inception(NOW - 99 * DAY)]
    for index in range(count):
        where = ("title", "tags", "summary")[index % 3]
        fields = {"tags": ("lamp",)} if where == "tags" else {"summary": "lamp"} if where == "summary" else {}
        title = f"lamp {index}" if where == "title" else f"thing {index}"
        puts.append(listing(f"k{index:03}", title, NOW - 98 * DAY + index, **fields))  # type: ignore[arg-type]
    shelf.put(ANNA, puts)
    shelf.settle()
    return shelf


def pages(shelf: Shelf, text: str, limit: int, **fields: object) -> Iterator[models.Found]:
    cursor = None
    while True:
        query = models.SearchQuery(text=text, limit=limit, cursor=cursor, **fields)  # type: ignore[arg-type]
        page = views.search(shelf.connection, query, NOW)
        yield page
        cursor = page.next
        if cursor is None:
            return


@pytest.mark.parametrize("text", ["", "lamp", "thing"])
@pytest.mark.parametrize("graded", [True, False])
@pytest.mark.parametrize("fields", [{}, {"kind": "product"}])
def test_pages_join_without_gap_or_repetition(
    text: str, graded: bool, fields: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not graded:
        monkeypatch.setattr(search, "GRADED_HITS", 0)
    shelf = crowd(50)
    whole = next(pages(shelf, text, 500, **fields))
    parts = [item for page in pages(shelf, text, 7, **fields) for item in page.items]
    assert [item.key for item in parts] == [item.key for item in whole.items]
    assert len({item.key for item in parts}) == whole.total


def test_tiers_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "GRADED_HITS", 0)
    shelf = crowd(9)
    assert found(shelf, "lamp") == ["k006", "k003", "k000", "k007", "k004", "k001", "k008", "k005", "k002"]


def test_a_page_in_hand_stays_true_while_listings_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "GRADED_HITS", 0)
    shelf = crowd(12)
    walk = pages(shelf, "lamp", 5)
    first = [item.key for item in next(walk).items]
    shelf.put(BEN, [inception(), listing("new", "lamp")])
    shelf.connection.execute("INSERT INTO blocked(n, since) VALUES (99, 0)")
    shelf.settle()
    rest = [item.key for page in walk for item in page.items]
    assert len(set(first + rest)) == len(first + rest) == 12


def test_totals_are_exact_up_to_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "COUNTED", 10)
    monkeypatch.setattr(search, "WINDOW", 11)
    for count, more in ((10, False), (11, True), (30, True)):
        shelf = crowd(count)
        for text, fields in (("", {}), ("", {"kind": "product"})):
            page = views.search(shelf.connection, models.SearchQuery(text=text, limit=5, **fields), NOW)  # type: ignore[arg-type]
            assert page.total == 10 and (page.more is True) is more
    # a word that fills the count by itself is not looked up as the beginning of longer ones
    shelf.put(BEN, [inception(), listing("long", "thinglike")])
    shelf.settle()
    page = views.search(shelf.connection, models.SearchQuery(text="thing"), NOW)
    assert page.more is True and all("thing " in item.title for item in page.items)
    assert views.search(shelf.connection, models.SearchQuery(text="thingl"), NOW).total == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"\xff",
        b"[" * 700,
        json.dumps(["x", "newest", 0.0, 1, 1]).encode(),
        json.dumps([1]).encode(),
        b'["x","graded",NaN,1,1]',
    ],
)
def test_a_cursor_of_another_search_is_a_problem(content: bytes) -> None:
    shelf = crowd(3)
    cursor = base64.urlsafe_b64encode(content).decode().rstrip("=")
    with pytest.raises(Problem) as caught:
        views.search(shelf.connection, models.SearchQuery(text="lamp", cursor=cursor), NOW)
    assert caught.value.exit_code is ExitCode.USAGE
    page = views.search(shelf.connection, models.SearchQuery(text="thing", limit=1), NOW)
    with pytest.raises(Problem):
        views.search(shelf.connection, models.SearchQuery(text="lamp", cursor=page.next), NOW)


# -- texts and prices ----------------------------------------------------------------------------------------
def test_what_a_format_adds_is_not_text() -> None:
    assert facets.plain("<b>a</b>", "plain") == "<b>a</b>"
    assert facets.plain("See [the shop](http://hidden.example/x?y) &amp; more", "markdown").split() == [
        "See", "[the", "shop]", ")", "&", "more",
    ]  # fmt: skip
    assert facets.plain("a<STYLE>b</STYLE >c<script>d", "html").split() == ["a", "c"]


def test_hostile_texts_cost_no_time() -> None:
    for piece in ("<", "](", "<script", "&", "<a ", "[", "</script"):
        text = (piece * 40_000)[:40_000]
        facets.plain(text, "markdown")


def test_the_lowest_price_is_of_one_money() -> None:
    put = listing(
        "a",
        options=("Size",),
        variants=(
            Variant(options=("S",), price=euros(300)),
            Variant(options=("M",), price=Price(amount=1, currency="JPY")),
            Variant(options=("L",), price=euros(200)),
        ),
    )
    shelf = Shelf()
    shelf.put(ANNA, [inception(), put])
    shelf.settle()
    row = views.listing(shelf.connection, ANNA, "a")
    assert row is not None
    assert facets.lowest(row.record) == (euros(200), True)


def test_prices_that_cannot_be_compared() -> None:
    assert facets.comparable(Price(amount=5, issuer=bytes(32), unit="pt")) is None
    assert facets.comparable(Price(amount=5, currency="XYZ")) is None
    assert facets.comparable(Price(amount=2**53 - 1, currency="JPY")) == facets.HIGHEST
    assert facets.comparable(Price(amount=1_234, currency="KWD")) == 12_340
