"""Amounts as people write them, and as INX holds them: integers in minor units of a currency.

How many decimals a currency has comes from ISO 4217. Amounts never pass through a float.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from iso4217 import Currency
from msgspec import UNSET

from protocol.identity import id_text
from protocol.limits import MAX_INT
from protocol.records import Price

_DECIMAL: Final = re.compile(r"(\d+)(?:\.(\d+))?")
_COMMA: Final = re.compile(r"\d+,\d{1,2}")


class MoneyError(ValueError):
    """An amount or currency that cannot be taken; the message is a sentence part for a person."""


@functools.cache
def _exponents() -> Mapping[str, int]:
    return MappingProxyType(
        {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
    )


def exponent(currency: str) -> int:
    """How many decimals a currency has: 2 for EUR, 0 for JPY.

    Raises:
        MoneyError: no ISO 4217 code of money in circulation (gold and the test code have no minor unit).
    """
    try:
        return _exponents()[currency]
    except KeyError:
        hint = f", did you mean {currency.upper()}?" if currency.upper() in _exponents() else ""
        raise MoneyError(f"{currency!r} is not an ISO 4217 currency code such as EUR or USD{hint}") from None


def parse(text: str, currency: str) -> int:
    """Reads an amount.

    Args:
        text: major units with a decimal point, as ``12.50``.
        currency: ISO 4217 code.

    Returns:
        Minor units: 1250.

    Raises:
        MoneyError: not an amount of that currency; the message says what to write instead.
    """
    places = exponent(currency)
    shape = _DECIMAL.fullmatch(text.strip())
    # str.isascii: \d also takes digits of other scripts, which no reader expects in a price.
    if shape is None or not text.isascii():
        hint = ""
        if _COMMA.fullmatch(text.strip()):
            hint = f"; write a decimal point: {text.strip().replace(',', '.')}"
        elif text.strip().startswith("-"):
            hint = "; an amount cannot be negative"
        raise MoneyError(f"{text!r} is not an amount such as {_example(places)}{hint}")
    whole, fraction = shape.group(1), shape.group(2) or ""
    if fraction[places:].strip("0"):
        raise MoneyError(f"{text!r} has {len(fraction)} decimals; {currency} has {places}")
    minor = (
        int(whole) * 10**places + int(fraction[:places].ljust(places, "0") or "0") if len(whole) < 17 else -1
    )
    if not 0 <= minor <= MAX_INT:
        raise MoneyError(f"{text!r} is too large; the largest amount is {show(MAX_INT, currency)}")
    return minor


def show(minor: int, currency: str) -> str:
    """Writes minor units as an amount: 1250, EUR -> ``12.50``.

    A code that ISO 4217 does not know (a peer may use any three letters) has no known decimals: its minor units are
    written as they are.
    """
    places = _exponents().get(currency, 0)
    if not places:
        return str(minor)
    whole, fraction = divmod(abs(minor), 10**places)
    return f"{'-' if minor < 0 else ''}{whole}.{fraction:0{places}}"


def view(price: Price, *, lowest: bool = False) -> dict[str, Any]:
    """The one JSON shape of a price: ``{"amount": "12.50", "minor": 1250, "currency": "EUR"}``.

    Args:
        price: of a listing, variant or shipping rate.
        lowest: the lowest of several variants; adds ``"from": true``.

    Returns:
        A recurring price has ``"per": {"count", "unit"}`` too; one in credit has ``issuer`` (id) and ``unit`` in
        the place of ``currency``, and its amount in minor units, since only the issuer's plan says the decimals.
    """
    shape: dict[str, Any]
    if price.currency is not UNSET:
        shape = {
            "amount": show(price.amount, price.currency),
            "minor": price.amount,
            "currency": price.currency,
        }
    else:
        shape = {"amount": str(price.amount), "minor": price.amount}
        if price.issuer is not UNSET and price.unit is not UNSET:
            shape |= {"issuer": id_text(price.issuer), "unit": price.unit}
    if price.per is not UNSET:
        shape["per"] = {"count": price.per.count, "unit": price.per.unit}
    if lowest:
        shape["from"] = True
    return shape


def _example(places: int) -> str:
    return "12." + "50".ljust(places, "0")[:places] if places else "12"
