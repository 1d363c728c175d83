"""Invoices and credit notes: what a seller writes of a deal, from its messages alone; amounts in minor units.

A document is made once, with the next number of its year, and never changed. An invoice states the price of the
contract less what the seller had given up when it was made; a credit note what was given up since, a further invoice
what is owed again since, such as goods that came after a cancellation. Together they state what the buyer owes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

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
_GONE: Final = "Cancelled or paid back before this invoice"


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
        credits: number of the invoice that a credit note takes from, or a further invoice adds to.
        money: what amounts are in, as a price of 0.
        lines: goods; of a credit note what is credited.
        shipping: with the tax that is included in it.
        taxes: of the whole document.
        parts: prices of the milestones as agreed; empty when there is one part.
        net: total less tax.
        tax: the sum of the taxes.
        total: what the buyer owes by it; of a credit note what they do not owe, or get back.
        given_up: of an invoice: what of the price was cancelled or paid back before it, and is not in the total.
        paid: of an invoice: what the seller had got and kept by then.
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
    given_up: int = 0
    paid: int = 0


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
    """The invoice of a contract: of what is left of it now.

    Args:
        known: the deal.
        heading: with the number it gets.

    Raises:
        Problem: `no_contract` (exit 4), `nothing`: all of it was given up, or `enclosure`: the goods are not here.
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
        added = _added(taxes)
        title = f"{goods.lines[0].title}, at the price agreed"
        lines = [Line(amount=total - added, quantity=1, title=title, unit_price=total - added)]
        discounts, shipping = (), None
    gone = credited(known.state)
    if gone and gone == total:
        text = "All of this deal was cancelled or paid back, so there is nothing to invoice."
        raise Problem(text, ExitCode.REFUSED, "nothing", {"deal": known.row.id.hex()})
    if gone:
        left = [_share(each, total - gone, total) for each in taxes]
        # Why not just what is gone: lines are without a tax that is added below them, and have to add up.
        off = gone - (_added(taxes) - _added(left))
        discounts, taxes = (*discounts, Off(amount=off, title=_GONE)), left
    figures = known.state.figures
    document = _document(
        known,
        heading,
        "invoice",
        None,
        lines,
        discounts,
        shipping,
        taxes,
        total - gone,
        tuple(each.price for each in parts),
    )
    kept = figures.paid - max(figures.refund_sent, figures.refund_received)
    return replace(document, given_up=gone, paid=max(0, kept))


def credit_note(known: Known, heading: Heading, made: Sequence[Document]) -> Document | None:
    """The credit note for what the seller has given up since the last document; None when that is nothing.

    Args:
        known: the deal.
        heading: with the number it gets.
        made: the documents of the deal so far, an invoice first.
    """
    amount = _stated(made) - _owed(known, made)
    if amount <= 0:
        return None
    newest = [each for each in made if each.kind == "invoice"][-1].number
    return _change(known, heading, made, "credit_note", -amount, f"Credit on invoice {newest}", newest)


def further(known: Known, heading: Heading, made: Sequence[Document]) -> Document | None:
    """The invoice of what is owed again since the last document, such as goods that came after all; None for nothing.

    Args:
        known: the deal.
        heading: with the number it gets.
        made: the documents of the deal so far, an invoice first.
    """
    amount = _owed(known, made) - _stated(made)
    if amount <= 0:
        return None
    return _change(
        known, heading, made, "invoice", amount, f"Owed again after {made[-1].number}", made[0].number
    )


def _owed(known: Known, made: Sequence[Document]) -> int:
    """What documents should come to, as of now."""
    return made[0].total + made[0].given_up - credited(known.state)


def _stated(made: Sequence[Document]) -> int:
    """What the documents so far come to."""
    return sum(each.total if each.kind == "invoice" else -each.total for each in made)


def _change(
    known: Known, heading: Heading, made: Sequence[Document], kind: str, by: int, title: str, of: str
) -> Document:
    """A document of one line that makes all of them come to `by` more."""
    first, until = made[0], _stated(made) + by
    taxes = []
    for number, tax in enumerate(first.taxes):
        # In proportion to all that is owed, less what stands already: a full credit takes the whole tax back.
        target = half_up(tax.amount * until, first.total) if first.total else 0
        stands = sum(
            each.taxes[number].amount * (1 if each.kind == "invoice" else -1)
            for each in made
            if number < len(each.taxes)
        )
        share = max(0, target - stands if by > 0 else stands - target)
        taxes.append(Taxed(amount=share, included=True, rate=tax.rate, title=tax.title))
    amount = abs(by)
    line = Line(amount=amount, quantity=1, title=title, unit_price=amount)
    return _document(known, heading, kind, of, [line], (), None, taxes, amount, ())


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


def _added(taxes: Sequence[Taxed]) -> int:
    return sum(each.amount for each in taxes if not each.included)


def _sum(parts: Sequence[Part]) -> int:
    return sum(part.price for part in parts)
