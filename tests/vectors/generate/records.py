"""Makes tests/vectors/records.json: records of every kind, whole, at their bounds and beyond."""

from __future__ import annotations

from typing import Any, Final

from protocol import encoding
from protocol.records import Challenge, Listing, Withdraw, encode_record
from tests.protocol import test_records_bounds as bounds
from tests.protocol import test_records_codec as codec
from tests.protocol.samples import FULL, LEAST, SALT
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Records (sections 6.2 and 7): kind and bytes (hex) of a record, which is valid, or void with `malformed`. "
    "`least-*` and `full-*`: with the required fields only, and with all. `bound-*`: one field at its bound and "
    "beyond. `across-*`: fields that contradict each other. `form-*`: bytes that are no canonical record. "
    "`unknown-*`: unknown fields, which are ignored and kept. An unknown kind is not judged."
)


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def add(name: str, comment: str, requirement: str, kind: int, data: bytes, ok: bool) -> None:
        outcome: dict[str, Any] = {"expected": {"valid": True}} if ok else {"error": "malformed"}
        found.append(vector(name, comment, requirement, {"kind": kind, "record": data.hex()}, **outcome))

    for group, samples in (("least", LEAST), ("full", FULL)):
        for record in samples:
            name = type(record).__name__.lower()
            kind: int = record.KIND  # type: ignore[attr-defined]
            data = encode_record(record)
            add(f"{group}-{name}", f"{name}, {group}", "R-REC-1", kind, data, True)
            value = encoding.decode(data)
            if group == "least":
                for field in value:
                    rest = {key: member for key, member in value.items() if key != field}
                    add(
                        f"lacks-{name}-{field}",
                        "a required field is missing",
                        "R-REC-2",
                        kind,
                        encoding.encode(rest),
                        False,
                    )
            more = encoding.encode({**value, "zz unknown": {"a": [1, b"x", None]}})
            add(f"unknown-{group}-{name}", "an unknown field", "R-REC-4", kind, more, True)
    for index, case in enumerate(bounds.CASES):
        record_name, field, value, ok = case.values
        kind, fields = bounds.BY_NAME[record_name]
        add(
            f"bound-{index}-{record_name.lower()}-{field}",
            case.id or "",
            "R-REC-3",
            kind,
            encoding.encode(fields | {field: value}),
            ok,
        )
    across = bounds.test_fields_that_depend_on_each_other.pytestmark[0].args[1]  # type: ignore[attr-defined]
    for index, (changed, named) in enumerate(across):
        data = encoding.encode(bounds.listing(**changed))
        add(
            f"across-{index}",
            f"{named} is wrong" if named else "fits",
            _rule(changed),
            Listing.KIND,
            data,
            named is None,
        )
    texts = bounds.test_description.pytestmark[0].args[1]  # type: ignore[attr-defined]
    for index, (listed, text, ok) in enumerate(texts):
        if listed == "knowledge":
            text = "x" * len(text)  # the limit in bytes is tested elsewhere: the file stays small
            ok = len(text) <= 20_000
            if len(text) < 20_000:
                continue
        data = encoding.encode(bounds.listing(kind=listed, description=text))
        add(
            f"across-description-{index}",
            f"{len(text)} characters for a {listed}",
            "R-REC-8",
            Listing.KIND,
            data,
            ok,
        )
    price = {"amount": 5, "currency": "EUR"}
    unit = {"amount": 5, "issuer": bytes(32), "unit": "star"}
    rate = {"regions": ["DE"]}
    for name, rule, changed, ok in (
        ("price-unit", 6, {"price": unit}, True),
        ("price-both", 6, {"price": price | unit}, False),
        ("price-neither", 6, {"price": {"amount": 5}}, False),
        ("price-issuer-alone", 6, {"price": {"amount": 5, "issuer": bytes(32)}}, False),
        ("price-unit-alone", 6, {"price": {"amount": 5, "unit": "star"}}, False),
        ("unit-line", 5, {"price": unit | {"unit": "a\nb"}}, False),
        ("sale-equal", 7, {"price": price, "sale": {"amount": 5}}, True),
        ("sale-above", 7, {"price": price, "sale": {"amount": 6}}, False),
        ("sale-times", 7, {"price": price, "sale": {"amount": 5, "from": 1, "until": 2}}, True),
        ("sale-no-time", 7, {"price": price, "sale": {"amount": 5, "from": 2, "until": 2}}, False),
        ("key-line", 5, {"key": "a\nb"}, False),
        ("key-delete", 5, {"key": "a\x7f"}, False),
        ("title-tab", 5, {"title": "a\tb"}, False),
        ("title-separator", 5, {"title": "a\u2028b"}, True),
        ("tax-title-line", 5, {"tax": {"included": True, "rate": 1, "shipping": False, "title": "a\nb"}}, False),
        ("tags-twice", 9, {"tags": ["a", "a"]}, False),
        ("tag-255", 9, {"tags": ["\u00e9" * 127 + "a"]}, True),
        ("tag-256", 9, {"tags": ["\u00e9" * 128]}, False),
        ("days", 10, {"shipping": [rate | {"days": [3, 3]}]}, True),
        ("days-turned", 10, {"shipping": [rate | {"days": [3, 2]}]}, False),
        ("shipping-per", 10, {"shipping": [rate | {"price": price | {"per": {"count": 1, "unit": "day"}}}]}, False),
        ("shipping-price", 10, {"shipping": [rate | {"price": price}]}, True),
        ("region-twice", 10, {"shipping": [{"regions": ["DE", "DE"]}]}, False),
        ("members", 12, {"members": ["a", "b"]}, True),
        ("members-twice", 12, {"members": ["a", "a"]}, False),
        ("members-itself", 12, {"members": ["k"]}, False),
    ):  # fmt: skip
        data = encoding.encode(bounds.listing(**changed))  # type: ignore[arg-type]
        add(f"across-{name}", name, f"R-REC-{rule}", Listing.KIND, data, ok)
    asked = {"$": SALT, "issuer": bytes(32), "openers": []}
    for name, fields, ok in (
        ("sale", ("contract", "path"), True),
        ("credit", ("request",), True),
        ("buyback", ("contract", "request"), True),
        ("nothing", (), False),
        ("contract", ("contract",), False),
        ("path", ("path",), False),
        ("path-request", ("path", "request"), False),
        ("all", ("contract", "path", "request"), False),
    ):
        data = encoding.encode(asked | dict.fromkeys(fields, b"x"))
        add(f"across-challenge-{name}", f"a challenge: {name}", "R-CRED-54", Challenge.KIND, data, ok)
    nested = encoding.encode(bounds.listing(price=price | {"zz": 1}))
    add("unknown-nested", "an unknown field in a nested map", "R-REC-4", Listing.KIND, nested, True)
    forms = codec.test_bytes_that_are_no_canonical_record_are_void.pytestmark[0].args[1]  # type: ignore[attr-defined]
    for case in forms:
        (data,) = case.values
        if len(data) < 6_000:
            add(f"form-{case.id.replace(' ', '-')}", case.id, "R-REC-2", Withdraw.KIND, data, False)
    for kind in (15, 44, 999, 1_000):
        add(
            f"unknown-kind-{kind}",
            "not judged",
            "R-KIND-2" if kind % 2 else "R-KIND-3",
            kind,
            b"\xff" + SALT,
            True,
        )
    return found


def _rule(changed: dict[str, Any]) -> str:
    for field, rule in (("variants", 11), ("options", 11), ("sale", 7), ("format", 8), ("images", 9)):
        if field in changed:
            return f"R-REC-{rule}"
    return "R-REC-3"
