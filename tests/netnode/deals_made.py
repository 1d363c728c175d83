"""Deals as a node holds them, made by hand for tests: a play of messages with its goods."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from netnode.deals.invoice import Heading, Side
from netnode.deals.known import Known, enclose
from netnode.store.deals import DealRow, MessageRow
from protocol.deals.bodies import Order, Part
from protocol.deals.enclosures import Address, DiscountLine, Goods, GoodsLine, TaxLine
from protocol.deals.pricing import part_prices, price_of
from protocol.deals.state import judge
from tests.protocol.deals.made import Play, order, started

ADA = Address(
    name="Ada Byron", lines=("c/o Babbage", "1 Dorset St"), postcode="W1U 4EE", city="London", country="GB"
)
HEADING = Heading(
    "2026-1",
    1_769_860_800_000,
    Side(id="nx1seller", name="Ben's <Lamps>", lines=("Kiel",)),
    Side(id="nx1buyer", name="Ada", lines=()),
)


def goods(
    *lines: tuple[str, int, int],
    discount: int = 0,
    taxes: tuple[TaxLine, ...] = (),
    address: Address | Any = UNSET,
    **more: Any,
) -> Goods:
    """Goods of lines (title, quantity, unit price), each a part of its own when there are several."""
    return Goods(
        salt=bytes(16),
        address=address,
        discounts=(DiscountLine(amount=discount, title="Spring"),) if discount else (),
        lines=tuple(
            GoodsLine(amount=quantity * price, part=part, quantity=quantity, title=title, unit_price=price)
            for part, (title, quantity, price) in enumerate(lines)
        ),
        taxes=taxes,
        **more,
    )


def ordered(bought: Goods, shipping: int = 0, **more: Any) -> Order:
    """The order of goods, in euros, with the figures that they come to."""
    price = price_of(bought.lines, bought.discounts, bought.taxes, shipping)
    return msgspec.structs.replace(
        order(),
        enclosed=enclose(bought)[1],
        parts=tuple(Part(price=each) for each in part_prices(bought.lines, price)),
        shipping=shipping,
        tax=sum(line.amount for line in bought.taxes),
        **more,
    )


def play(bought: Goods, shipping: int = 0, **more: Any) -> Play:
    """A deal that begins with the order of goods."""
    return Play(started(ordered(bought, shipping, **more)))


def known(played: Play, bought: Goods | None, now: int | None = None) -> Known:
    """The deal as its seller's node holds it."""
    start = played.start
    at = played.now if now is None else now
    row = DealRow(
        number=1, id=start.id, role="seller", seller=b"s" * 32, buyer=b"b" * 32, arbiter=None, nonce=None, offer=None,
        title="", opened=start.time, copies=0,
    )  # fmt: skip
    messages = {each.id: each for each in played.messages}
    kept = {
        name: MessageRow(name, each.data, at, each.role == "seller", None) for name, each in messages.items()
    }
    enclosed = {} if bought is None else {enclose(bought)[1]: enclose(bought)[0]}
    return Known(row, messages, kept, enclosed, judge(messages.values(), at), at)
