"""Invoices and credit notes: what a seller writes of a deal, from its messages alone; amounts in minor units.

A document is made once, with the next number of its year, and never changed. An invoice states the whole price of the
contract; a credit note what of it the seller gave up since, less what earlier ones state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from netnode.deals.known import Known
from netnode.problems import ExitCode, Problem
from protocol.deals.bodies import Order, Part, Renewal
from protocol.deals.enclosures import Address
from protocol.deals.mandates import turn_of
from protocol.deals.message import parse
from protocol.deals.periods import DAY, date_of
from protocol.deals.pricing import half_up
from protocol.deals.state import DealState
from protocol.identity import id_text
from protocol.records.money import Price

_PREFIX: Final = {"invoice": "", "credit_note": "C"}


class Line(Struct, frozen=True, kw_only=True):
    """One line of goods: pieces times unit price."""

    amount: int
    quantity: int
    title: str
    unit_price: int
    options: tuple[str, ...] = ()
    part: int = 0
    text: str | None = None


class Taxed(Struct, frozen=True, kw_only=True):
    """One tax: rate in basis points; `included`: it is inside the lines and shipping."""

    amount: int
    included: bool
    rate: int
    title: str


class Off(Struct, frozen=True, kw_only=True):
    """What is taken off, or charged besides: shipping."""

    amount: int
    title: str


class Side(Struct, frozen=True, kw_only=True):
    """Seller or buyer: networker id, or the key in hex of a buyer without a node; what to write above a letter."""

    id: str
    lines: tuple[str, ...]
    name: str


class Document(Struct, frozen=True, kw_only=True):
    """An invoice or credit note as it was made.

    Attributes:
        kind: `invoice` or `credit_note`.
        number: as people write it: `2026-7`, `C2026-1`.
        time: when it was made, ms UTC.
        deal: its id in hex.
        ordered: date of the order, or of the renewal.
        period: first and last moment of the period that a renewal is for; None for any other deal.
        credits: number of the invoice that a credit note belongs to.
        money: what amounts are in, as a price of 0.
        lines: goods; of a credit note what is credited.
        shipping: with the tax that is included in it.
        taxes: of the whole document.
        parts: prices of the milestones; empty when there is one part.
        net: total less tax.
        tax: the sum of the taxes.
        total: what the buyer owes by it; of a credit note what they do not owe, or get back.
    """

    kind: str
    number: str
    time: int
    deal: str
    ordered: int
    period: tuple[int, int] | None
    credits: str | None
    money: Price
    seller: Side
    buyer: Side
    lines: tuple[Line, ...]
    discounts: tuple[Off, ...]
    shipping: Off | None
    taxes: tuple[Taxed, ...]
    parts: tuple[int, ...]
    net: int
    tax: int
    total: int


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the lines: number, moment, and the two sides."""

    number: str
    time: int
    seller: Side
    buyer: Side


def number_text(kind: str, year: int, number: int) -> str:
    """A number as people write it; credit notes have numbers of their own."""
    return f"{_PREFIX[kind]}{year}-{number}"


def year_of(time: int) -> int:
    """The year of a moment, UTC."""
    return date_of(time // DAY)[0]


def credited(state: DealState) -> int:
    """What of the price its seller has given up: parts that ended, and money paid back beyond what was too much.

    Args:
        state: of the deal.

    Returns:
        Minor units, from 0 to the price.
    """
    figures = state.figures
    back = max(figures.refund_sent, figures.refund_received)
    beyond = max(0, back - max(0, figures.paid - figures.owed))
    return min(figures.price, max(0, figures.price - figures.owed + beyond))


def invoice(known: Known, heading: Heading) -> Document:
    """The invoice of a contract.

    Args:
        known: the deal.
        heading: with the number it gets.

    Raises:
        Problem: `no_contract` (exit 4), or `enclosure`: the goods are not here.
    """
    if not known.state.contract:
        text = "There is no contract in this deal yet, so there is nothing to invoice. First: netnode deal accept"
        raise Problem(text, ExitCode.REFUSED, "no_contract", {"deal": known.row.id.hex()})
    order, goods = known.order, known.goods
    if goods is None:
        text = "What was ordered is not in this home any more, so no invoice can be written."
        raise Problem(text, ExitCode.REFUSED, "enclosure", {"deal": known.row.id.hex()})
    lines = [
        Line(
            amount=each.amount,
            quantity=each.quantity,
            title=each.title,
            unit_price=each.unit_price,
            options=each.options,
            part=each.part,
            text=None if each.text is UNSET else each.text,
        )
        for each in goods.lines
    ]
    discounts = tuple(Off(amount=each.amount, title=each.title) for each in goods.discounts)
    taxes = [
        Taxed(amount=each.amount, included=each.included, rate=each.rate, title=each.title)
        for each in goods.taxes
    ]
    within = sum(each.shipping for each in goods.taxes if each.included)
    label = "Shipping" if goods.shipping is UNSET else f"Shipping: {goods.shipping}"
    shipping = Off(amount=order.shipping + within, title=label) if order.shipping + within else None
    start = known.state.start
    parts = start.body.parts if isinstance(start.body, Order | Renewal) else order.parts
    total, before = _sum(parts), _sum(order.parts)
    if total != before:
        # Another price was agreed for this period: one line for all, the tax in proportion.
        taxes = [_share(each, total, before) for each in taxes]
        added = sum(each.amount for each in taxes if not each.included)
        title = f"{goods.lines[0].title}, at the price agreed"
        lines = [Line(amount=total - added, quantity=1, title=title, unit_price=total - added)]
        discounts, shipping = (), None
    return _document(
        known,
        heading,
        "invoice",
        None,
        lines,
        discounts,
        shipping,
        taxes,
        total,
        tuple(each.price for each in parts),
    )


def credit_note(
    known: Known, heading: Heading, issued: Document, before: Sequence[Document]
) -> Document | None:
    """The credit note for what the seller has given up since the last one; None when that is nothing.

    Args:
        known: the deal.
        heading: with the number it gets.
        issued: the invoice.
        before: the credit notes on it.
    """
    until = credited(known.state)
    done = sum(each.total for each in before)
    if until <= done:
        return None
    # In proportion to all that is credited, less what earlier ones state: a full credit takes the whole tax back.
    taxes = [
        Taxed(
            amount=half_up(each.amount * until, issued.total) - half_up(each.amount * done, issued.total),
            included=True,
            rate=each.rate,
            title=each.title,
        )
        for each in issued.taxes
    ]
    amount = until - done
    line = Line(amount=amount, quantity=1, title=f"Credit on invoice {issued.number}", unit_price=amount)
    return _document(known, heading, "credit_note", issued.number, [line], (), None, taxes, amount, ())


def buyer_side(known: Known, name: str) -> Side:
    """The buyer of a deal, as a letter is addressed.

    Args:
        known: the deal.
        name: of the networker; empty for a buyer without a node.
    """
    goods, order = known.goods, known.order
    address = UNSET if goods is None else goods.address
    node = known.row.buyer != order.key
    given = address.name if address is not UNSET and address.name is not UNSET else name
    return Side(
        id=id_text(known.row.buyer) if node else order.key.hex(),
        lines=address_lines(address),
        name=given or "Buyer",
    )


def address_lines(address: Address | UnsetType) -> tuple[str, ...]:
    """An address below the name, line by line."""
    if address is UNSET:
        return ()
    town = " ".join(text for text in (address.postcode, address.city) if text is not UNSET)
    region = () if address.region is UNSET else (address.region,)
    return (*address.lines, *((town,) if town else ()), *region, address.country)


def _document(
    known: Known,
    heading: Heading,
    kind: str,
    credits: str | None,
    lines: Sequence[Line],
    discounts: tuple[Off, ...],
    shipping: Off | None,
    taxes: Sequence[Taxed],
    total: int,
    parts: tuple[int, ...],
) -> Document:
    order = known.order
    tax = sum(each.amount for each in taxes)
    return Document(
        kind=kind,
        number=heading.number,
        time=heading.time,
        deal=known.row.id.hex(),
        ordered=known.state.start.time,
        period=_period(known),
        credits=credits,
        money=Price(amount=0, currency=order.currency, issuer=order.issuer, unit=order.unit),
        seller=heading.seller,
        buyer=heading.buyer,
        lines=tuple(lines),
        discounts=discounts,
        shipping=shipping,
        taxes=tuple(taxes),
        parts=parts if len(parts) > 1 else (),
        net=total - tax,
        tax=tax,
        total=total,
    )


def _period(known: Known) -> tuple[int, int] | None:
    body = known.state.start.body
    if not isinstance(body, Renewal):
        return None
    turn = turn_of(parse(body.first), body.turn)
    return turn.begins, turn.ends - 1


def _share(tax: Taxed, total: int, before: int) -> Taxed:
    amount = half_up(tax.amount * total, before) if before else 0
    return Taxed(amount=amount, included=tax.included, rate=tax.rate, title=tax.title)


def _sum(parts: Sequence[Part]) -> int:
    return sum(part.price for part in parts)
