"""Prices: what an order on a listing costs, computed alike by both sides [R-PRICE-1..9].

Pure exact arithmetic on integers of minor units. There are three roundings and no more, each once over a whole amount:
a discount in basis points, and a tax, half up; the prices of parts, by largest remainder, so that they add up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import msgspec
from msgspec import UNSET, UnsetType

from protocol import limits
from protocol.deals.bodies import Order
from protocol.deals.enclosures import Address, DiscountLine, Goods, GoodsLine, TaxLine
from protocol.deals.offers import Discount
from protocol.errors import Void
from protocol.records.listing import Listing, Shipping, Variant
from protocol.records.money import Per, Price, Sale

_WHOLE: Final = limits.MAX_BASIS_POINTS
_SUBDIVISION: Final = re.compile(r"[A-Z0-9]{1,13}")
_NOT_SOLD: Final = ("opportunity", "want-ad")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a buyer takes of a listing: the values of one variant (none without variants), and how many."""

    options: tuple[str, ...] = ()
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Money:
    """What amounts are counted in: a currency, or a credit unit of an issuer."""

    currency: str | UnsetType = UNSET
    issuer: bytes | UnsetType = UNSET
    unit: str | UnsetType = UNSET

    @classmethod
    def of(cls, priced: Price | Order | Discount) -> Money:
        """That of a price, an order or a discount."""
        return cls(priced.currency, priced.issuer, priced.unit)


@dataclass(frozen=True, slots=True)
class Priced:
    """What an order costs; amounts in minor units of `money`.

    Attributes:
        lines: of the goods, before discount.
        discounts: taken off the goods.
        taxes: included ones are inside the lines and the shipping, others come on top.
        shipping: its price without tax, as in the order.
        service: label of the shipping rate; None without a rate or label.
        money: what all amounts are counted in.
        per: the period that a recurring price covers; None when it is paid once.
        points: hundredths of a point of the seller's plan.
    """

    lines: tuple[GoodsLine, ...]
    discounts: tuple[DiscountLine, ...]
    taxes: tuple[TaxLine, ...]
    shipping: int
    service: str | None
    money: Money
    per: Per | None
    points: int

    @property
    def price(self) -> int:
        """What the buyer pays, all included."""
        return price_of(self.lines, self.discounts, self.taxes, self.shipping)

    @property
    def tax(self) -> int:
        """All tax within the price."""
        return sum(line.amount for line in self.taxes)


def half_up(numerator: int, denominator: int) -> int:
    """The quotient of two integers that are not negative, rounded to the nearest, a half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def price_of(
    lines: Sequence[GoodsLine], discounts: Sequence[DiscountLine], taxes: Sequence[TaxLine], shipping: int
) -> int:
    """Goods less discounts, with shipping and the taxes that are not inside the goods [R-PRICE-6].

    Args:
        lines: of the goods.
        discounts: taken off.
        taxes: of goods and shipping.
        shipping: its price without tax.
    """
    added = sum(line.shipping if line.included else line.amount for line in taxes)
    return sum(line.amount for line in lines) - sum(line.amount for line in discounts) + shipping + added


def spread(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Divides an amount by weights, to the unit: largest remainder, the earlier of two equal ones first [R-PRICE-7].

    Args:
        total: minor units.
        weights: one a share; all zero: equal shares.
    """
    if not any(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda index: (-(total * weights[index] % whole), index))
    for index in order[: total - sum(shares)]:
        shares[index] += 1
    return tuple(shares)


def part_prices(lines: Sequence[GoodsLine], price: int) -> tuple[int, ...]:
    """The prices of the parts of an order: its price, divided as the amounts of their lines [R-PRICE-7].

    Args:
        lines: of the goods; `part` says which part a line belongs to.
        price: of the whole order, so that discounts, taxes and shipping are borne by all parts alike.
    """
    weights = [0] * (max(line.part for line in lines) + 1)
    for line in lines:
        weights[line.part] += line.amount
    return spread(price, weights)


def priced(
    listing: Listing,
    choices: Sequence[Choice],
    time: int,
    *,
    to: Address | None = None,
    service: str | None = None,
    discount: Discount | None = None,
    code: str | None = None,
) -> Priced:
    """What the choices of a listing cost.

    Args:
        listing: the version that the order names.
        choices: at least one.
        time: the order's date, ms UTC: it decides which reduced prices hold.
        to: where the goods go; needed when the listing has shipping rates.
        service: label of the shipping rate wanted; None: the first that holds.
        discount: of the offer the order is on.
        code: by which the buyer came to that offer.

    Raises:
        Void: `not_offered`, `on_request`, `no_choice`, `mixed_money`, `no_delivery`, `discount` or `too_large`; the
            sentence is for the buyer.
    """
    if listing.kind in _NOT_SOLD or (listing.expires is not UNSET and time >= listing.expires):
        _refuse("not_offered", f"{listing.title}: it is not for sale, or was until an earlier date")
    if not choices:
        _refuse("no_choice", f"{listing.title}: nothing is chosen")
    lines, money, per, points = _lines(listing, choices, time)
    goods = sum(line.amount for line in lines)
    discounts = () if discount is None else (_taken_off(listing, discount, code, goods, money),)
    rate = _rate(listing, to, service)
    shipping = 0 if rate is None else _shipping_price(listing, rate, money)
    label = None if rate is None or rate.label is UNSET else rate.label
    taxes = _taxes(listing, goods - sum(line.amount for line in discounts), shipping)
    if any(line.included for line in taxes):
        shipping -= sum(line.shipping for line in taxes)
    found = Priced(lines, discounts, taxes, shipping, label, money, per, points)
    if max(found.price, goods, points) > limits.MAX_INT:
        _refuse("too_large", "the price is above the largest amount there is")
    return found


def check_order(
    listing: Listing, time: int, order: Order, goods: Goods, discount: Discount | None = None
) -> None:
    """An order on a listing says what its goods cost there, to the unit; the seller accepts no other [R-PRICE-8].

    Args:
        listing: the version that the order names.
        time: the order's date, ms UTC.
        order: its body.
        goods: its enclosure.
        discount: of the offer that is in the order.

    Raises:
        Void: as `priced`; `price_differs`: the sentence names the field and both values; `mandate`: its period is
            not that of the price.
    """
    choices = [Choice(line.options, line.quantity) for line in goods.lines]
    code = next((line.code for line in goods.discounts if line.code is not UNSET), None)
    found = priced(
        listing,
        choices,
        time,
        to=None if goods.address is UNSET else goods.address,
        service=None if goods.shipping is UNSET else goods.shipping,
        discount=discount,
        code=code,
    )
    asked = tuple(msgspec.structs.replace(line, text=UNSET) for line in goods.lines)
    for field, given, computed in (
        ("lines", asked, found.lines),
        ("discounts", goods.discounts, found.discounts),
        ("taxes", goods.taxes, found.taxes),
        ("the money", Money.of(order), found.money),
        ("points", 0 if order.points is UNSET else order.points, found.points),
        ("shipping", order.shipping, found.shipping),
    ):
        if given != computed:
            _differs(field, given, computed)
    _agree(order, found.price, found.tax, (found.price,))
    if order.mandate is not UNSET and order.mandate.per != found.per:
        _refuse("mandate", f"{listing.title}: its price does not recur with the period of the mandate")


def check_sums(order: Order, goods: Goods) -> None:
    """The figures of an order of free goods are the sums of its goods [R-PRICE-9].

    Args:
        order: its body.
        goods: its enclosure.

    Raises:
        Void: `price_differs`: the sentence names the field and both values.
    """
    for number, line in enumerate(goods.lines, 1):
        if line.amount != line.quantity * line.unit_price:
            _differs(f"the amount of line {number}", line.amount, line.quantity * line.unit_price)
    price = price_of(goods.lines, goods.discounts, goods.taxes, order.shipping)
    for tax_line in goods.taxes:
        if tax_line.shipping > tax_line.amount:
            _refuse("price_differs", f"{tax_line.title}: more of it is on the shipping than there is of it")
    if sum(line.amount for line in goods.discounts) > sum(line.amount for line in goods.lines):
        _refuse("price_differs", "the discounts are above the goods")
    tax = sum(line.amount for line in goods.taxes)
    _agree(order, price, tax, part_prices(goods.lines, price))


def subdivision(address: Address) -> str | None:
    """The ISO 3166-2 code of an address whose region is written as one: `US-CA`; None for any other."""
    if address.region is UNSET or _SUBDIVISION.fullmatch(address.region) is None:
        return None
    return f"{address.country}-{address.region}"


def price_at(regular: Price, sale: Sale | UnsetType, time: int) -> int:
    """The amount of a price at a moment: the reduced one from `from` until before `until` [R-PRICE-2]."""
    if sale is UNSET:
        return regular.amount
    begun = sale.from_ is UNSET or time >= sale.from_
    over = sale.until is not UNSET and time >= sale.until
    return sale.amount if begun and not over else regular.amount


def _lines(
    listing: Listing, choices: Sequence[Choice], time: int
) -> tuple[tuple[GoodsLine, ...], Money, Per | None, int]:
    lines: list[GoodsLine] = []
    kinds: set[tuple[Money, Per | None]] = set()
    points = 0
    for choice in choices:
        if not 1 <= choice.quantity <= limits.MAX_QUANTITY:
            text = f"{listing.title}: {choice.quantity} pieces cannot be ordered; from 1 to {limits.MAX_QUANTITY}"
            _refuse("no_choice", text)
        variant = _variant(listing, choice.options)
        regular, sale, each = _terms(listing, variant)
        if regular is UNSET:
            _refuse("on_request", f"{listing.title}: its price is on request; ask the seller for an offer")
        kinds.add((Money.of(regular), None if regular.per is UNSET else regular.per))
        unit_price = price_at(regular, sale, time)
        amount = unit_price * choice.quantity
        if amount > limits.MAX_INT:
            _refuse("too_large", f"{listing.title}: the price is above the largest amount there is")
        lines.append(
            GoodsLine(
                amount=amount,
                key=listing.key,
                options=choice.options,
                quantity=choice.quantity,
                title=listing.title,
                unit_price=unit_price,
            )
        )
        points += each * choice.quantity
    if len(kinds) > 1:
        text = (
            f"{listing.title}: these choices are priced in different money or periods; order each by itself"
        )
        _refuse("mixed_money", text)
    money, per = kinds.pop()
    return tuple(lines), money, per, points


def _variant(listing: Listing, options: tuple[str, ...]) -> Variant | None:
    if listing.variants is UNSET or listing.options is UNSET:
        if options:
            _refuse("no_choice", f"{listing.title}: has no variants to choose from")
        return None
    for variant in listing.variants:
        if variant.options == options:
            return variant
    names = ", ".join(listing.options)
    return _refuse(
        "no_choice", f"{listing.title}: there is no such variant; choose a value of each of: {names}"
    )


def _terms(listing: Listing, variant: Variant | None) -> tuple[Price | UnsetType, Sale | UnsetType, int]:
    """Price, sale and points of a choice: a variant has those of the listing that it leaves out [R-PRICE-1]."""
    points = listing.points
    if variant is None:
        return listing.price, listing.sale, 0 if points is UNSET else points
    points = points if variant.points is UNSET else variant.points
    price, sale = (listing.price, listing.sale) if variant.price is UNSET else (variant.price, UNSET)
    return price, sale if variant.sale is UNSET else variant.sale, 0 if points is UNSET else points


def _taken_off(
    listing: Listing, discount: Discount, code: str | None, goods: int, money: Money
) -> DiscountLine:
    """What an offer's discount takes off the goods, at most all of them [R-PRICE-3]."""
    if discount.keys is not UNSET and listing.key not in discount.keys:
        _refuse("discount", f"the discount {discount.title} is not for {listing.title}")
    if (discount.amount is not UNSET or discount.least) and Money.of(discount) != money:
        _refuse("discount", f"the discount {discount.title} is for prices in other money")
    if goods < discount.least:
        _refuse("discount", f"{discount.title}: the goods cost less than it asks for")
    if discount.amount is not UNSET and discount.points is UNSET:
        amount = min(discount.amount, goods)
    elif discount.points is not UNSET and discount.amount is UNSET:
        amount = half_up(goods * discount.points, _WHOLE)
    else:
        _refuse("discount", f"{discount.title}: needs an amount or a share, and not both")
    return DiscountLine(amount=amount, code=UNSET if code is None else code, title=discount.title)


def _rate(listing: Listing, to: Address | None, service: str | None) -> Shipping | None:
    """The rate that holds for an address [R-PRICE-4]."""
    if listing.shipping is UNSET or listing.ships is False:
        if service is not None:
            _refuse("no_delivery", f"{listing.title} has no shipping to choose from")
        return None
    if to is None:
        _refuse("no_delivery", f"{listing.title} is shipped, so the order needs an address")
    rates = [rate for rate in listing.shipping if service is None or rate.label == service]
    for region in (subdivision(to), to.country, "*"):
        for rate in rates:
            if region in rate.regions:
                return rate
    which = "" if service is None else f" by {service}"
    return _refuse("no_delivery", f"{listing.title} is not delivered to {to.country}{which}")


def _shipping_price(listing: Listing, rate: Shipping, money: Money) -> int:
    if rate.price is UNSET:
        text = f"{listing.title}: shipping there is priced on request; ask the seller for an offer"
        _refuse("on_request", text)
    if Money.of(rate.price) != money:
        _refuse("mixed_money", f"{listing.title}: shipping there is priced in other money than the goods")
    return rate.price.amount


def _taxes(listing: Listing, goods: int, shipping: int) -> tuple[TaxLine, ...]:
    """The tax of goods (discount taken off) and, where it bears it, shipping: rounded once over both [R-PRICE-5]."""
    if listing.tax is UNSET:
        return ()
    tax = listing.tax
    whole = _WHOLE + tax.rate if tax.included else _WHOLE
    taxed = shipping if tax.shipping else 0
    return (
        TaxLine(
            amount=half_up((goods + taxed) * tax.rate, whole),
            included=tax.included,
            rate=tax.rate,
            shipping=half_up(taxed * tax.rate, whole),
            title=tax.title,
        ),
    )


def _agree(order: Order, price: int, tax: int, parts: tuple[int, ...]) -> None:
    for field, given, computed in (
        ("the price", sum(part.price for part in order.parts), price),
        ("the prices of the parts", tuple(part.price for part in order.parts), parts),
        ("tax", order.tax, tax),
    ):
        if given != computed:
            _differs(field, given, computed)


def _differs(field: str, given: object, computed: object) -> NoReturn:
    _refuse("price_differs", f"{field}: the order says {given}, its goods come to {computed}")


def _refuse(code: str, text: str) -> NoReturn:
    raise Void(code, text)
