"""Amounts: exact, with the decimals of their currency, and with sentences that help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netnode.market.money import MoneyError, exponent, parse, show, view
from protocol.identity import id_text
from protocol.limits import MAX_INT
from protocol.records import Per, Price


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "EUR", 1_250),
        ("12.5", "EUR", 1_250),
        ("12", "EUR", 1_200),
        (" 0 ", "EUR", 0),
        ("0.01", "EUR", 1),
        ("12.500", "EUR", 1_250),
        ("007.10", "USD", 710),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.234", "KWD", 1_234),
        ("90071992547409.91", "USD", MAX_INT),
    ],
)
def test_parse(text: str, currency: str, minor: int) -> None:
    assert parse(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "says"),
    [
        ("12.505", "EUR", "3 decimals; EUR has 2"),
        ("500.5", "JPY", "1 decimals; JPY has 0"),
        ("12,50", "EUR", "write a decimal point: 12.50"),
        ("-1", "EUR", "cannot be negative"),
        ("1,234.50", "USD", "is not an amount such as 12.50"),
        ("1 234", "JPY", "is not an amount such as 12"),
        ("", "EUR", "is not an amount"),
        (".5", "EUR", "is not an amount"),
        ("1e3", "EUR", "is not an amount"),
        ("١٢", "EUR", "is not an amount"),
        ("12 EUR", "EUR", "is not an amount"),
        ("90071992547409.92", "USD", "too large; the largest amount is 90071992547409.91"),
        ("9" * 5_000, "USD", "too large"),
        ("1", "EURO", "not an ISO 4217"),
        ("1", "eur", "did you mean EUR?"),
        ("1", "XAU", "not an ISO 4217"),
    ],
)
def test_what_is_no_amount_is_said_in_words(text: str, currency: str, says: str) -> None:
    with pytest.raises(MoneyError) as caught:
        parse(text, currency)
    assert says in str(caught.value)


def test_an_unknown_currency_of_a_peer_is_shown_in_minor_units() -> None:
    assert show(1_250, "QQQ") == "1250"
    with pytest.raises(MoneyError):
        exponent("QQQ")


@given(st.integers(0, MAX_INT), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_show_and_parse_are_inverse(minor: int, currency: str) -> None:
    assert parse(show(minor, currency), currency) == minor


def test_the_json_shape() -> None:
    assert view(Price(amount=parse("12.50", "EUR"), currency="EUR")) == {
        "amount": "12.50",
        "minor": 1_250,
        "currency": "EUR",
    }
    assert view(Price(amount=500, currency="USD", per=Per(count=3, unit="month")), lowest=True) == {
        "amount": "5.00",
        "minor": 500,
        "currency": "USD",
        "per": {"count": 3, "unit": "month"},
        "from": True,
    }
    issuer = b"\x07" * 32
    assert view(Price(amount=40, issuer=issuer, unit="star")) == {
        "amount": "40",
        "minor": 40,
        "issuer": id_text(issuer),
        "unit": "star",
    }
    assert show(-5, "EUR") == "-0.05"
