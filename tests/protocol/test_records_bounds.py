"""Every bound of every field, in pairs: the last value that is allowed, and the first that is not."""

from __future__ import annotations

from typing import Any

import pytest

from protocol import encoding, limits
from protocol.errors import Void
from protocol.records import Listing, decode_record, encode_record
from tests.protocol.samples import FULL, LEAST, SALT, A

BY_NAME: dict[str, tuple[int, dict[str, Any]]] = {
    type(record).__name__: (record.KIND, encoding.decode(encode_record(record)))  # type: ignore[attr-defined]
    for record in (*LEAST, *FULL)
}
TAX: dict[str, Any] = {"included": False, "rate": 700, "shipping": True, "title": "VAT"}
E = "é"  # two bytes, one character


def listing(**fields: Any) -> dict[str, Any]:
    return {"$": SALT, "key": "k", "kind": "product", "title": "t"} | fields


def length(record: str, field: str, most: int, unit: str = "x", least: int = 1) -> list[Any]:
    """Cases for the length of a text: at and beyond the most, at and below the least."""
    return [
        pytest.param(record, field, unit * size, ok, id=f"{record}.{field}-{size}")
        for size, ok in ((most, True), (most + 1, False), (least, True), (least - 1, False))
    ]


def size(record: str, field: str, exact: int) -> list[Any]:
    return [
        pytest.param(record, field, b"\x07" * count, count == exact, id=f"{record}.{field}-{count}")
        for count in (exact - 1, exact, exact + 1)
    ]


def number(record: str, field: str, most: int, least: int = 0) -> list[Any]:
    return [
        pytest.param(record, field, value, ok, id=f"{record}.{field}-{value}")
        for value, ok in ((most, True), (most + 1, False), (least, True), (least - 1, False))
        if value <= limits.MAX_INT
    ]


def members(record: str, field: str, most: int, make: Any, least: int = 1) -> list[Any]:
    return [
        pytest.param(record, field, [make(i) for i in range(count)], ok, id=f"{record}.{field}-{count}")
        for count, ok in ((most, True), (most + 1, False), (least, True), (least - 1, False))
        if count >= 0
    ]


CASES = [
    *size("Inception", "key", 32),
    *size("Inception", "nonce", 16),
    *size("Inception", "promise", 32),
    *size("Rotation", "key", 32),
    *size("Rotation", "promise", 32),
    *size("Rotation", "reveal", 32),
    *members("Settlement", "branches", 16, lambda i: [i, A], least=0),
    *[
        pytest.param("Settlement", "branches", [[seq, id_]], ok)
        for seq, id_, ok in (
            (limits.MAX_SEQ, A, True),
            (limits.MAX_SEQ + 1, A, False),
            (-1, A, False),
            (1, A[1:], False),
        )
    ],
    pytest.param("Settlement", "branches", [[1, A, 1]], False, id="branch of three"),
    pytest.param("Settlement", "branches", [[2, A], [1, A]], False, id="branches out of order"),
    pytest.param("Settlement", "branches", [[1, A], [1, A]], False, id="branch twice"),
    *length("Close", "reason", 500, E),
    *size("Keys", "x25519", 32),
    *size("Keys", "mlkem768_x25519", 1_216),
    *number("Keys", "until", limits.MAX_INT),
    *members("Standing", "entries", 1_000, lambda i: [i, A]),
    pytest.param("Standing", "entries", [[1, A], [1, A]], False, id="standing twice"),
    *number("Standing", "parts", 256, least=2),
    pytest.param("Standing", "part", 3, True, id="last part"),
    pytest.param("Standing", "part", 4, False, id="part beyond parts"),
    pytest.param("Standing", "part", 0, False, id="part 0"),
    *size("Profile", "$", 16),
    *length("Profile", "name", 100, E),
    *length("Profile", "bio", 2_000, E),
    *members("Profile", "addresses", 8, lambda i: f"wss://{i}.example"),
    *[
        pytest.param("Profile", "addresses", [address], ok, id=f"address-{len(address)}-{address[:9]}")
        for address, ok in (
            ("ws://" + "h" * 250, True),
            ("ws://" + "h" * 251, False),
            ("http://example.org", False),
            ("ws://", False),
        )
    ],
    pytest.param("Profile", "addresses", ["ws://a.example"] * 2, False, id="address twice"),
    *members("Profile", "mailboxes", 4, lambda i: bytes([i + 1]) * 32),
    pytest.param("Profile", "mailboxes", [A, A], False, id="mailbox twice"),
    *[
        pytest.param("Profile", "domain", domain, ok, id=f"domain-{len(domain)}")
        for domain, ok in (
            (".".join(["a" * 63] * 3) + "." + "b" * 61, True),
            (".".join(["a" * 63] * 3) + "." + "b" * 62, False),
            ("a" * 63 + ".org", True),
            ("a" * 64 + ".org", False),
            ("localhost", False),
            ("Example.org", False),
            ("a.org\n", False),
        )
    ],
    *[
        pytest.param("Profile", "stamp", {"bits": bits, "nonce": nonce}, ok)
        for bits, nonce, ok in (
            (64, b"n" * 8, True),
            (65, b"n" * 8, False),
            (-1, b"n" * 8, False),
            (0, b"n" * 7, False),
            (0, b"n" * 9, False),
        )
    ],
    pytest.param("Profile", "name", "two\nlines", False, id="name of two lines"),
    *size("Block", "id", 32),
    *length("Block", "reason", 500),
    *size("Report", "author", 32),
    *size("Report", "entry", 32),
    *length("Report", "text", 2_000, E),
    pytest.param("Report", "reason", "boring", False, id="unknown reason"),
    *length("Withdraw", "key", 128, E),
    pytest.param("Withdraw", "key", "a\tb", False, id="key with a tab"),
    # -- listing
    *size("Listing", "$", 16),
    *length("Listing", "key", 128, E),
    *length("Listing", "title", 150, E),
    *length("Listing", "summary", 500, E),
    *length("Listing", "brand", 150, E),
    *length("Listing", "category", 255, E),
    *length("Listing", "sku", 100, E),
    *length("Listing", "gtin", 50),
    *length("Listing", "mpn", 100),
    *number("Listing", "commission", 10_000),
    *number("Listing", "expires", limits.MAX_INT),
    *number("Listing", "points", limits.MAX_INT),
    *number("Listing", "weight", limits.MAX_INT),
    *members("Listing", "members", 100, lambda i: f"m{i}"),
    pytest.param("Listing", "members", ["a", "a"], False, id="member twice"),
    pytest.param("Listing", "members", ["linen-shirt"], False, id="member of itself"),
    *members("Listing", "tags", 100, lambda i: f"t{i}"),
    pytest.param("Listing", "tags", ["x" * 255], True),
    pytest.param("Listing", "tags", ["x" * 256], False),
    pytest.param("Listing", "tags", [E * 127 + "x"], True, id="tag of 255 bytes"),
    pytest.param("Listing", "tags", [E * 128], False, id="tag of 256 bytes"),
    pytest.param("Listing", "tags", ["a", "a"], False, id="tag twice"),
    pytest.param("Listing", "title", "two\nlines", False, id="title of two lines"),
    pytest.param("Listing", "url", "http://" + "u" * 2_041, True),
    pytest.param("Listing", "url", "http://" + "u" * 2_042, False),
    pytest.param("Listing", "url", "javascript:alert(1)", False),
    *[
        pytest.param("Listing", "tax", TAX | fields, ok, id=f"tax {fields}"[:40])
        for fields, ok in (
            ({"rate": 0}, True),
            ({"rate": 10_000}, True),
            ({"rate": 10_001}, False),
            ({"rate": -1}, False),
            ({"title": "x" * 100}, True),
            ({"title": "x" * 101}, False),
            ({"title": ""}, False),
            ({"title": "a\tb"}, False),
            ({"included": 1}, False),
            ({"shipping": None}, False),
        )
    ],
    *[
        pytest.param(
            "Listing",
            "tax",
            {name: TAX[name] for name in TAX if name != gone},
            False,
            id=f"tax without {gone}",
        )
        for gone in ("included", "rate", "shipping", "title")
    ],
    *members("Listing", "shipping", 50, lambda i: {"regions": [f"D{chr(65 + i % 26)}"]}),
    *[
        pytest.param("Listing", "shipping", [{"regions": ["*"]} | fields], ok)
        for fields, ok in (
            ({"days": [0, 365]}, True),
            ({"days": [0, 366]}, False),
            ({"days": [3, 2]}, False),
            ({"days": [1]}, False),
            ({"label": "l" * 100}, True),
            ({"label": "l" * 101}, False),
            ({"price": {"amount": 0, "currency": "EUR"}}, True),
            ({"price": {"amount": 0}}, False),
            ({"price": {"amount": 1, "currency": "EUR", "per": {"count": 1, "unit": "day"}}}, False),
            ({"regions": ["DE-" + "A" * 13]}, True),
            ({"regions": ["DE-" + "A" * 14]}, False),
            ({"regions": ["de"]}, False),
            ({"regions": ["DE", "DE"]}, False),
            ({"regions": []}, False),
            ({"regions": [f"D{chr(65 + i % 26)}-{i}" for i in range(250)]}, True),
            ({"regions": [f"D{chr(65 + i % 26)}-{i}" for i in range(251)]}, False),
        )
    ],
    *[
        pytest.param("Listing", "area", {"country": "DE"} | fields, ok)
        for fields, ok in (
            ({"geohash": "u33dc"}, True),
            ({"geohash": "u33dca"}, False),
            ({"geohash": "a"}, False),
            ({"geohash": "u33d\n"}, False),
            ({"region": "r" * 100}, True),
            ({"region": "r" * 101}, False),
            ({"country": "DEU"}, False),
            ({"country": "de"}, False),
        )
    ],
    *[
        pytest.param("Listing", "price", price, ok)
        for price, ok in (
            ({"amount": limits.MAX_INT, "currency": "EUR"}, True),
            ({"amount": -1, "currency": "EUR"}, False),
            ({"amount": 5_000, "currency": "eur"}, False),
            ({"amount": 5_000, "currency": "EURO"}, False),
            ({"amount": 5_000}, False),
            ({"amount": 5_000, "issuer": A}, False),
            ({"amount": 5_000, "unit": "star"}, False),
            ({"amount": 5_000, "issuer": A, "unit": "u" * 16}, True),
            ({"amount": 5_000, "issuer": A, "unit": "u" * 17}, False),
            ({"amount": 5_000, "issuer": A, "unit": "a\nb"}, False),
            ({"amount": 5_000, "currency": "EUR", "issuer": A, "unit": "u"}, False),
            ({"amount": 5_000, "currency": "EUR", "unit": "u"}, False),
            ({"amount": 5_000, "currency": "EUR", "per": {"count": 999, "unit": "year"}}, True),
            ({"amount": 5_000, "currency": "EUR", "per": {"count": 1_000, "unit": "year"}}, False),
            ({"amount": 5_000, "currency": "EUR", "per": {"count": 0, "unit": "year"}}, False),
            ({"amount": 5_000, "currency": "EUR", "per": {"count": 1, "unit": "hour"}}, False),
            ({"amount": 4_990, "currency": "EUR"}, True),
            ({"amount": 4_989, "currency": "EUR"}, False),  # the variant's sale is at 4,990
        )
    ],
    *[
        pytest.param("Listing", "sale", sale, ok)
        for sale, ok in (
            ({"amount": 4_990}, True),
            ({"amount": 4_991}, False),
            ({"amount": 1, "from": 5, "until": 6}, True),
            ({"amount": 1, "from": 5, "until": 5}, False),
        )
    ],
    *[
        pytest.param("Listing", field, value, False)
        for field, value in (
            ("kind", "thing"),
            ("availability", "12"),
            ("condition", "old"),
            ("format", "rtf"),
        )
    ],
]


@pytest.mark.parametrize(("record", "field", "value", "ok"), CASES)
def test_bound(record: str, field: str, value: object, ok: bool) -> None:
    kind, fields = BY_NAME[record]
    data = encoding.encode(fields | {field: value})
    if ok:
        assert decode_record(kind, data) is not None
        return
    with pytest.raises(Void) as caught:
        decode_record(kind, data)
    named = caught.value.text.split(":")[0]
    assert named.startswith(field) or (field, named[:8]) in {("price", "variants"), ("parts", "part")}, named


def verdict(fields: dict[str, Any]) -> str | None:
    try:
        decode_record(Listing.KIND, encoding.encode(fields))
    except Void as error:
        return error.text
    return None


@pytest.mark.parametrize(
    ("kind", "text", "ok"),
    [
        ("product", E * 5_000, True),
        ("product", E * 5_001, False),
        ("knowledge", E * 20_000, True),
        ("knowledge", E * 20_001, False),
        ("knowledge", "€" * 13_653 + "x", True),  # 40,960 bytes
        ("knowledge", "€" * 13_653 + "xx", False),
    ],
    ids=lambda value: str(value)[:9],
)
def test_description(kind: str, text: str, ok: bool) -> None:
    found = verdict(listing(kind=kind, description=text))
    assert found is None if ok else found is not None and found.startswith("description")


IMAGE = {"url": "http://a.example"}
OPTIONS = {"options": ["Size"], "variants": [{"options": ["S"]}]}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"format": "html"}, "format"),
        ({"format": "html", "description": "<p>"}, None),
        ({"sale": {"amount": 1}}, "sale"),
        ({"images": [IMAGE] * 10}, None),
        ({"images": [IMAGE] * 11}, "images"),
        ({"images": [{"hash": A}]}, None),
        ({"images": [{"alt": "nothing"}]}, "images[0]"),
        ({"images": [IMAGE | {"alt": "a" * 500}]}, None),
        ({"images": [IMAGE | {"alt": "a" * 501}]}, "images[0].alt"),
        ({"images": [{"hash": A[1:]}]}, "images[0].hash"),
        ({"images": [{"url": "//a.example/b"}]}, "images[0].url"),
        (OPTIONS, None),
        ({"options": ["Size"]}, "variants"),
        ({"variants": [{"options": ["S"]}]}, "options"),
        (OPTIONS | {"options": ["o" * 50]}, None),
        (OPTIONS | {"options": ["o" * 51]}, "options"),
        (OPTIONS | {"options": ["A", "A"]}, "options"),
        (OPTIONS | {"options": ["A", "B"]}, "variants[0].options"),
        ({"options": list("ABC"), "variants": [{"options": list("abc")}]}, None),
        ({"options": list("ABCD"), "variants": [{"options": list("abcd")}]}, "options"),
        (OPTIONS | {"variants": [{"options": ["v" * 100]}]}, None),
        (OPTIONS | {"variants": [{"options": ["v" * 101]}]}, "variants[0].options"),
        (OPTIONS | {"variants": [{"options": ["S"]}, {"options": ["S"]}]}, "variants[1].options"),
        (OPTIONS | {"variants": [{"options": [str(i)]} for i in range(256)]}, None),
        (OPTIONS | {"variants": [{"options": [str(i)]} for i in range(257)]}, "variants"),
        (OPTIONS | {"variants": [{"options": ["S"], "image": 0}], "images": [IMAGE]}, None),
        (OPTIONS | {"variants": [{"options": ["S"], "image": 1}], "images": [IMAGE]}, "variants[0].image"),
        (OPTIONS | {"variants": [{"options": ["S"], "image": 0}]}, "variants[0].image"),
        (OPTIONS | {"variants": [{"options": ["S"], "sale": {"amount": 1}}]}, "variants[0].sale"),
        (OPTIONS | {"variants": [{"options": ["S"], "price": {"amount": 1}}]}, "variants[0].price"),
    ],
)
def test_fields_that_depend_on_each_other(fields: dict[str, Any], named: str | None) -> None:
    found = verdict(listing(**fields))
    assert found is None if named is None else found is not None and found.startswith(named), found
