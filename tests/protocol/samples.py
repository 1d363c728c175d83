"""A record of every kind: the least that is valid, and the fullest."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from protocol.records import (
    Area,
    Block,
    Close,
    Image,
    Inception,
    Keys,
    Listing,
    NamedBuyer,
    Per,
    Price,
    Profile,
    Report,
    Review,
    Rotation,
    Sale,
    Settlement,
    Shipping,
    Stamp,
    Standing,
    Tax,
    Variant,
    Withdraw,
)

SALT: Final = bytes(range(1, 17))
A: Final = b"\xaa" * 32
B: Final = b"\xbb" * 32

LEAST: Final[tuple[Struct, ...]] = (
    Inception(key=A, nonce=SALT, promise=B),
    Profile(salt=SALT, name="Ada"),
    Rotation(key=A, promise=B, reveal=A),
    Listing(salt=SALT, key="k", kind="product", title="t"),
    Settlement(branches=()),
    Withdraw(salt=SALT, key="k"),
    Close(),
    Standing(salt=SALT, entries=((0, A),), part=1, parts=1),
    Keys(until=0, x25519=A),
    Block(salt=SALT, id=A),
    Report(salt=SALT, author=A, reason="spam"),
    Review(salt=SALT, contract=b"", receipt=b"", seller=A, signature=A + B, time=0),
)

FULL_LISTING: Final = Listing(
    salt=SALT,
    area=Area(country="DE", geohash="u33dc", region="Berlin"),
    availability="in_stock",
    brand="Nordlicht",
    category="Clothing > Shirts",
    commission=1_500,
    condition="new",
    description="Soft **linen**.",
    expires=1_900_000_000_000,
    format="markdown",
    gtin="4006381333931",
    images=(
        Image(alt="front", hash=A, url="https://example.org/a.jpg"),
        Image(url="http://example.org/b.jpg"),
    ),
    key="linen-shirt",
    kind="product",
    members=("belt", "hat"),
    mpn="LS-1",
    options=("Size", "Colour"),
    points=2_550,
    price=Price(amount=4_990, currency="EUR", per=Per(count=3, unit="month")),
    sale=Sale(amount=3_990, from_=1, until=2),
    shipping=(
        Shipping(days=(1, 3), label="Post", price=Price(amount=490, currency="EUR"), regions=("DE", "AT-9")),
        Shipping(regions=("*",)),
    ),
    ships=True,
    sku="LS",
    summary="A shirt for summer.",
    tags=("linen", "été"),
    tax=Tax(included=True, rate=1_900, shipping=True, title="VAT"),
    title="Linen shirt",
    url="https://example.org/shirt",
    variants=(
        Variant(
            availability="backorder",
            gtin="1",
            image=1,
            mpn="m",
            options=("S", "white"),
            points=1,
            price=Price(amount=7, issuer=B, unit="star"),
            sale=Sale(amount=6),
            sku="LS-S",
            weight=210,
        ),
        Variant(options=("M", "white"), sale=Sale(amount=4_990)),
    ),
    weight=250,
)

FULL: Final[tuple[Struct, ...]] = (
    Profile(
        salt=SALT,
        addresses=("ws://198.51.100.7:7400/inx/1", "wss://node.example.org/inx/1"),
        bio="Shirts since 1987.\nAnd hats.",
        domain="shop.example.org",
        mailboxes=(A, B),
        name="Ada",
        stamp=Stamp(bits=20, nonce=b"12345678"),
    ),
    FULL_LISTING,
    Settlement(branches=((5, A), (5, B), (9, A))),
    Close(reason="moved"),
    Standing(salt=SALT, entries=((3, A), (7, B)), part=2, parts=3),
    Keys(mlkem768_x25519=b"\x05" * 1_216, until=1_900_000_000_000, x25519=A),
    Block(salt=SALT, id=A, lifted=True, reason="settled"),
    Report(salt=SALT, author=A, entry=B, reason="counterfeit", text="Not linen."),
    Review(
        salt=SALT,
        buyer=NamedBuyer(epoch=1, id=B, signature=A + B),
        contract=b"accept",
        entry=5,
        path=b"path",
        rating=5,
        receipt=b"receive",
        seller=A,
        signature=B + A,
        text="Warm.",
        time=1_700_000_000_000,
    ),
)
