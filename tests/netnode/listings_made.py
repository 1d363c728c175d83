"""Listings made at random for the tests of feeds: any that a record can be, or only what a format carries."""

from __future__ import annotations

import unicodedata
from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET

from protocol.errors import LocalProtocolError
from protocol.records import Area, Image, Listing, Per, Price, Sale, Shipping, Tax, Variant, encode_record

SALT = bytes(16)


def features(words: str) -> frozenset[str]:
    """The features that a text names."""
    return frozenset(words.split())


ALL = features(
    "area availability preorder brand category commission condition currencies credit dates expires gtin hashes alts "
    "html kinds markdown members mpn options sale period points plain shipping ships unshipped sku summary tags tax "
    "url variants weight images formulas images_of_variants variant_skus"
)
LETTERS = "abcXYZ 019éß杯"
AWKWARD = LETTERS + "=+-@'\",;:\\|>#[]{}/_."


def _texts(letters: str, most: int, *, lines: bool = False) -> st.SearchStrategy[str]:
    found = st.text(letters + ("\n" if lines else ""), min_size=1, max_size=most)
    return found.map(lambda text: unicodedata.normalize("NFC", " ".join(text.split(" ")).strip())).filter(
        bool
    )


def listings(has: frozenset[str] = ALL, letters: str = AWKWARD) -> st.SearchStrategy[Listing]:
    """Listings with the named features and, of these, any combination.

    A listing that breaks a rule of fields together is drawn again.
    """
    return st.composite(_listing)(has, letters).filter(_sound)


def _sound(listing: Listing) -> bool:
    try:
        encode_record(listing)
    except LocalProtocolError:
        return False
    return True


def _listing(draw: Any, has: frozenset[str], letters: str) -> Listing:
    def maybe(feature: str, strategy: st.SearchStrategy[Any]) -> Any:
        return draw(st.just(UNSET) | strategy) if feature in has else UNSET

    texts = _texts(letters, 12)
    words = ["in_stock", "out_of_stock", "backorder", *(["preorder"] if "preorder" in has else [])]
    urls = st.integers(0, 99).map(lambda n: f"https://example.org/{n}.jpg")
    image = st.builds(
        Image,
        alt=st.just(UNSET) | texts if "alts" in has else st.just(UNSET),
        hash=st.just(UNSET) | st.binary(min_size=32, max_size=32) if "hashes" in has else st.just(UNSET),
        url=urls,
    )
    images = maybe(
        "images", st.lists(image, min_size=1, max_size=4, unique_by=lambda one: one.url).map(tuple)
    )
    gtin = st.from_regex(r"[0-9]{8,14}", fullmatch=True)
    code = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,9}", fullmatch=True)

    def priced() -> tuple[Any, Any]:
        price = draw(st.just(UNSET) | _prices(has))
        if price is UNSET or "sale" not in has or not price.amount:
            return price, UNSET
        sale = st.builds(Sale, amount=st.integers(0, price.amount - 1))
        if "dates" in has:
            day = st.integers(0, 40_000).map(lambda n: n * 43_200_000)
            sale |= st.builds(
                Sale, amount=st.integers(0, price.amount - 1), from_=day, until=day.map(lambda n: n + 2**42)
            )
        return price, draw(st.just(UNSET) | sale)

    options: Any = UNSET
    variants: Any = UNSET
    if "variants" in has and draw(st.booleans()):
        names = ["Color", "Size", "Material"] if "options" not in has else None
        options = tuple(
            draw(
                st.lists(
                    st.sampled_from(names) if names else _texts(letters, 8),
                    min_size=1,
                    max_size=3,
                    unique_by=str.casefold,
                )
            )
        )
        if names:
            options = tuple(sorted(options, key=names.index))
        values = st.tuples(*[_texts(letters, 6) for _ in options])
        chosen = draw(
            st.lists(values, min_size=2, max_size=4, unique_by=lambda one: tuple(map(str.casefold, one)))
        )
        made = []
        for each in chosen:
            price, sale = priced()
            made.append(
                Variant(
                    availability=maybe("availability", st.sampled_from(words)),
                    gtin=maybe("gtin", gtin),
                    image=UNSET
                    if images is UNSET or "images_of_variants" not in has
                    else draw(st.just(UNSET) | st.integers(0, len(images) - 1)),
                    mpn=maybe("mpn", code),
                    options=each,
                    points=maybe("points", st.integers(0, 999)),
                    price=price,
                    sale=sale,
                    sku=maybe("variant_skus", code),
                    weight=maybe("weight", st.integers(1, 99_999)),
                )
            )
        variants = tuple(made)
    single = options is UNSET
    price, sale = priced() if single or "kinds" in has else (UNSET, UNSET)
    description = draw(st.just(UNSET) | _texts(letters, 40, lines=True))
    return Listing(
        salt=SALT,
        area=maybe("area", st.builds(Area, country=st.just("DE"), region=st.just(UNSET) | texts)),
        availability=maybe("availability", st.sampled_from(words)) if single else UNSET,
        brand=maybe("brand", texts),
        category=maybe("category", texts),
        commission=maybe("commission", st.integers(0, 10_000)),
        condition=maybe("condition", st.sampled_from(["new", "used", "refurbished"])),
        description=description,
        expires=maybe("expires", st.integers(0, 2**45)),
        format=UNSET if description is UNSET else maybe("markdown", st.sampled_from(["markdown", "html"])),
        gtin=maybe("gtin", gtin) if single else UNSET,
        images=images,
        key=draw(_texts(letters, 12)),
        kind=draw(st.sampled_from(["product", "service", "want-ad"])) if "kinds" in has else "product",
        members=maybe("members", st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple)),
        mpn=maybe("mpn", code) if single else UNSET,
        options=options,
        points=maybe("points", st.integers(0, 999)),
        price=price,
        sale=sale,
        shipping=maybe("shipping", st.lists(_rates(letters), min_size=1, max_size=3).map(tuple)),
        ships=maybe("ships", st.booleans())
        if "unshipped" in has
        else ("ships" in has and draw(st.booleans())) or UNSET,
        sku=maybe("sku", code) if single else UNSET,
        summary=maybe("summary", texts),
        tags=maybe("tags", st.lists(texts, min_size=1, max_size=4, unique=True).map(tuple)),
        tax=maybe(
            "tax",
            st.builds(
                Tax,
                included=st.booleans(),
                rate=st.integers(0, 10_000),
                shipping=st.booleans(),
                title=texts,
            ),
        ),
        title=draw(texts),
        url=maybe("url", urls),
        variants=variants,
        weight=maybe("weight", st.integers(1, 99_999)) if single else UNSET,
    )


def _prices(has: frozenset[str]) -> st.SearchStrategy[Price]:
    amounts = st.integers(0, 10**7)
    codes = st.sampled_from(["EUR", "USD", "JPY"]) if "currencies" in has else st.just("EUR")
    found = st.builds(Price, amount=amounts, currency=codes)
    if "period" in has:
        per = st.builds(Per, count=st.integers(1, 12), unit=st.sampled_from(["day", "week", "month", "year"]))
        found |= st.builds(Price, amount=amounts, currency=codes, per=per)
    if "credit" in has:
        found |= st.builds(Price, amount=amounts, issuer=st.just(bytes(32)), unit=st.just("pt"))
    return found


def _rates(letters: str) -> st.SearchStrategy[Shipping]:
    regions = st.lists(st.sampled_from(["*", "DE", "US-CA", "FR"]), min_size=1, max_size=3, unique=True).map(
        tuple
    )
    return st.builds(
        Shipping,
        days=st.just(UNSET) | st.tuples(st.integers(0, 3), st.integers(3, 9)),
        label=st.just(UNSET) | _texts(letters, 8),
        price=st.just(UNSET) | st.builds(Price, amount=st.integers(0, 9_999), currency=st.just("EUR")),
        regions=regions,
    )
