"""Prices: integers in minor units, in an ISO 4217 currency or in an issuer's credit unit."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import Count, Currency, Hash, Milliseconds, Period, doc, malformed, one_line


class Per(Struct, frozen=True, kw_only=True):
    """The period a recurring price covers."""

    count: Annotated[
        Annotated[int, Meta(ge=1, le=limits.MAX_PER_COUNT)], doc("how many units, as 3 (months)")
    ]
    unit: Annotated[Period, doc("length of one unit, by the calendar")]


class Price(Struct, frozen=True, kw_only=True):
    """An amount to pay, once or per period."""

    amount: Annotated[Count, doc("minor units: cents of a currency, the smallest part of a credit unit")]
    currency: Annotated[
        Currency | UnsetType, doc("ISO 4217 code; the code list is not consulted for validity")
    ] = UNSET
    issuer: Annotated[Hash | UnsetType, doc("issuer of the credit unit")] = UNSET
    per: Annotated[Per | UnsetType, doc("the price recurs with this period; absent: paid once")] = UNSET
    unit: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_UNIT)] | UnsetType,
        doc("credit unit, as its issuer names it"),
    ] = UNSET


class Sale(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A reduced amount beside the regular price, in the same currency or unit and period."""

    amount: Annotated[Count, doc("minor units; at most the regular amount")]
    from_: Annotated[Milliseconds | UnsetType, doc("first moment; absent: at once")] = UNSET
    until: Annotated[
        Milliseconds | UnsetType, doc("first moment at which it no longer holds; absent: open")
    ] = UNSET


def check_price(field: str, price: Price) -> None:
    """A price is in a currency or in an issuer's unit, never both [R-REC-6].

    Raises:
        Void: `malformed`, naming `field`.
    """
    credit = price.issuer is not UNSET and price.unit is not UNSET
    if price.currency is not UNSET:
        if price.issuer is not UNSET or price.unit is not UNSET:
            malformed(field, "has a currency and a credit unit: exactly one is allowed")
    elif not credit:
        malformed(field, "needs a currency, or issuer and unit of a credit")
    if price.unit is not UNSET:
        one_line(f"{field}.unit", price.unit)


def check_sale(field: str, sale: Sale, price: Price | UnsetType) -> None:
    """A sale lowers a price that is there, for a time that is not empty [R-REC-7].

    Raises:
        Void: `malformed`, naming `field`.
    """
    if price is UNSET:
        malformed(field, "a sale needs a regular price beside it")
    if sale.amount > price.amount:
        malformed(f"{field}.amount", "is above the regular price")
    if sale.from_ is not UNSET and sale.until is not UNSET and sale.from_ >= sale.until:
        malformed(f"{field}.until", "is not after `from`")
