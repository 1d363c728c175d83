"""What orders cost: the arithmetic of section 22.2, in fractions that are rounded where it says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any, Final

from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import MAX_INT

Map = dict[str, Any]
_ALL: Final = 10_000
_PIECES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """The figures of an order: lines as (unit price, amount), a discount, the tax as (amount, of it on shipping)."""

    lines: list[tuple[int, int]]
    discount: int | None
    tax: tuple[int, int] | None
    shipping: int
    price: int
    points: int


def cost(
    listing: Map,
    choices: Sequence[tuple[list[str], int]],
    time: int,
    address: Map | None,
    service: str | None,
    discount: Map | None,
) -> Cost:
    """What the choices (values of a variant, pieces) of a listing cost.

    Raises:
        Fault: with the code of what stands in the way.
    """
    demand(listing["kind"] not in ("opportunity", "want-ad"), "not_offered", "")
    demand("expires" not in listing or time < listing["expires"], "not_offered", "")
    demand(len(choices) > 0, "no_choice", "")
    lines, points, moneys = [], 0, []
    for values, pieces in choices:
        demand(1 <= pieces <= _PIECES, "no_choice", "")
        choice = _choice(listing, values)  # [R-PRICE-1]
        demand("price" in choice, "on_request", "")
        unit = _on_day(choice, time)
        demand(unit * pieces <= MAX_INT, "too_large", "")
        lines.append((unit, unit * pieces))
        points += choice.get("points", 0) * pieces
        moneys.append((_money(choice["price"]), choice["price"].get("per")))
    demand(all(money == moneys[0] for money in moneys), "mixed_money", "")
    goods = sum(amount for _, amount in lines)
    money = moneys[0][0]
    off = None if discount is None else _off(listing, discount, goods, money)
    stated = _shipping(listing, address, service, money)
    after = goods - (off or 0)
    tax, shipping, price = None, stated, after + stated
    if "tax" in listing:  # [R-PRICE-5]
        rate = Fraction(listing["tax"]["rate"], _ALL)
        share = rate / (1 + rate) if listing["tax"]["included"] else rate
        bears = stated if listing["tax"]["shipping"] else 0
        tax = (_half_up((after + bears) * share), _half_up(bears * share))
        if listing["tax"]["included"]:
            shipping -= tax[1]
        else:
            price += tax[0]
    demand(max(price, goods, points) <= MAX_INT, "too_large", "")
    return Cost(lines, off, tax, shipping, price, points)


def divided(total: int, weights: Sequence[int]) -> list[int]:
    """An amount by weights [R-PRICE-7]."""
    whole = sum(weights)
    exact = [
        Fraction(total * weight, whole) if whole else Fraction(total, len(weights)) for weight in weights
    ]
    shares = [floor(share) for share in exact]
    while sum(shares) < total:
        lacking = [share - have for share, have in zip(exact, shares, strict=True)]
        shares[lacking.index(max(lacking))] += 1
    return shares


def check_sums(given: Map) -> int:
    """The price of goods that are not of a listing, whose figures hold [R-PRICE-9].

    Args:
        given: lines as [part, pieces, unit price, amount], discounts as [amount, code], taxes as [amount, included, of
            it on shipping]; of the order the prices of its parts, tax and shipping.

    Raises:
        Fault: `price_differs`.
    """
    lines, taxes = given["lines"], given["taxes"]
    goods, off = sum(line[3] for line in lines), sum(amount for amount, _ in given["discounts"])
    demand(all(pieces * unit == amount for _, pieces, unit, amount in lines), "price_differs", "a line")
    demand(off <= goods, "price_differs", "the discounts")
    demand(all(shipping <= amount for amount, _, shipping in taxes), "price_differs", "a tax")
    added = sum(shipping if included else amount for amount, included, shipping in taxes)
    price: int = goods - off + given["shipping"] + added  # [R-PRICE-6]
    weights = [0] * (max(part for part, *_ in lines) + 1)
    for part, _, _, amount in lines:
        weights[part] += amount
    demand(given["parts"] == divided(price, weights), "price_differs", "the parts")
    demand(given["tax"] == sum(amount for amount, *_ in taxes), "price_differs", "the tax")
    return price


def _half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def _money(price: Map) -> tuple[Any, ...]:
    return price.get("currency"), price.get("issuer"), price.get("unit")


def _choice(listing: Map, values: list[str]) -> Map:
    if "variants" not in listing:
        demand(not values, "no_choice", "")
        return listing
    found = [variant for variant in listing["variants"] if variant["options"] == values]
    demand(len(found) == 1, "no_choice", "")
    taken = {name: listing[name] for name in ("price", "sale", "points") if name in listing}
    if "price" in found[0]:
        taken.pop("sale", None)
    return {**taken, **found[0]}


def _on_day(choice: Map, time: int) -> int:
    """[R-PRICE-2]."""
    sale = choice.get("sale", {"amount": 0, "until": 0})
    holds = sale.get("from", 0) <= time < sale.get("until", time + 1)
    amount: int = sale["amount"] if holds else choice["price"]["amount"]
    return amount


def _off(listing: Map, discount: Map, goods: int, money: tuple[Any, ...]) -> int:
    """[R-PRICE-3]."""
    least = discount.get("least", 0)
    demand(listing["key"] in discount.get("keys", [listing["key"]]), "discount", "")
    demand((not least and "amount" not in discount) or _money(discount) == money, "discount", "")
    demand(goods >= least, "discount", "")
    demand(("amount" in discount) != ("points" in discount), "discount", "")
    if "points" in discount:
        return _half_up(Fraction(goods * discount["points"], _ALL))
    amount: int = discount["amount"]
    return min(goods, amount)


def _shipping(listing: Map, address: Map | None, service: str | None, money: tuple[Any, ...]) -> int:
    """[R-PRICE-4]."""
    if "shipping" not in listing or listing.get("ships") is False:
        demand(service is None, "no_delivery", "")
        return 0
    if address is None:
        raise Fault("no_delivery")
    places = [address["country"], "*"]
    if re.fullmatch("[A-Z0-9]{1,13}", address.get("region", "")):
        places.insert(0, f"{address['country']}-{address['region']}")
    rates = [rate for rate in listing["shipping"] if service is None or rate.get("label") == service]
    holding = [rate for place in places for rate in rates if place in rate["regions"]]
    demand(bool(holding), "no_delivery", "")
    demand("price" in holding[0], "on_request", "")
    demand(_money(holding[0]["price"]) == money, "mixed_money", "")
    amount: int = holding[0]["price"]["amount"]
    return amount
