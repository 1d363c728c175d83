"""Deals in the shapes that people and programs read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw
import msgspec
from msgspec import UNSET, UnsetType

from netnode.deals.holding import holding, sentence
from netnode.deals.known import Known
from netnode.deals.wording import SAID, amount_text, commands, why
from netnode.mail.letters import delivery_of
from netnode.operations import models
from netnode.projections import views
from netnode.store import Reader
from netnode.store import letters as outbox
from netnode.store.deals import DealRow, MessageRow
from protocol.deals.bodies import (
    Cancel,
    Decline,
    Dispute,
    Fulfil,
    LapseAccept,
    LapseFulfil,
    LapsePay,
    Order,
    PaymentReceived,
    PaymentSent,
    Receive,
    Refund,
    RefundReceived,
    Ruling,
)
from protocol.deals.consent import fee, parse_consent
from protocol.deals.enclosures import Address, Goods
from protocol.deals.message import Message
from protocol.deals.moves import Next, moves
from protocol.deals.state import PartStatus
from protocol.identity import id_text
from protocol.records import Price


def price_of(order: Order, amount: int) -> models.Price:
    """An amount of a deal, in its currency or unit."""
    price = Price(amount=amount, currency=order.currency, issuer=order.issuer, unit=order.unit)
    return views.price_view(price)


def arbiter_fee(order: Order, price: int) -> models.Price | UnsetType:
    """What a ruling costs, as the consent in the order says [R-ARB-4]; absent without an arbiter.

    Args:
        order: whose terms hold.
        price: of the deal, minor units.
    """
    if order.terms.consent is UNSET:
        return UNSET
    consent = parse_consent(order.terms.consent).consent
    due = fee(consent, price)
    if consent.amount is UNSET:
        return price_of(order, due)
    return views.price_view(
        Price(amount=due, currency=consent.currency, issuer=consent.issuer, unit=consent.unit)
    )


def step(known: Known) -> models.Step | None:
    """The next step: the owner's own one where there is one."""
    found = known.steps
    return _step(found[0]) if found else None


def _beside(known: Known) -> models.Step | UnsetType:
    return UNSET if known.beside is None else _step(known.beside)


def _step(found: Next) -> models.Step:
    return models.Step(found.action, found.by, found.until)


def delivery(connection: apsw.Connection, letter: int | None) -> models.Delivery | None:
    """How far a letter is."""
    row = None if letter is None else outbox.out(Reader(connection), letter)
    if row is None:
        return None
    found = delivery_of(row)
    return models.Delivery(state=found.state, at=found.at, code=found.code, reason=found.reason)


def own_delivery(connection: apsw.Connection, known: Known) -> models.Delivery | None:
    """How far the newest own message is."""
    newest = known.state.newest.get(known.role)
    kept = None if newest is None else known.kept.get(newest.id)
    return None if kept is None else _way(connection, known, kept)


def _way(connection: apsw.Connection, known: Known, kept: MessageRow) -> models.Delivery | None:
    """How far an own message is: settled once the other side names it, whatever becomes of its letters."""
    found = delivery(connection, kept.letter)
    if kept.id in known.state.settled:
        return models.Delivery(state="settled", at=kept.at if found is None else found.at)
    return found


def held(connection: apsw.Connection, row: DealRow) -> str | UnsetType:
    """Why nothing can be sent in a deal now."""
    return UNSET if holding(connection, row) is None else sentence(row)


def ended(known: Known) -> models.Ended | UnsetType:
    """How all parts of a deal ended without a delivery; absent while that is not so, or where a ruling ended them."""
    if any(part.status is not PartStatus.ENDED for part in known.state.parts):
        return UNSET
    for message in reversed(known.ordered()):
        if known.state.verdicts.get(message.id, "waits") is not None:
            continue
        match message.body:
            case Decline():
                return "declined"
            case Cancel():
                return "cancelled"
            case LapseAccept() | LapsePay() | LapseFulfil():
                return "lapsed"
            case _:
                pass
    return UNSET


def moved(connection: apsw.Connection, known: Known) -> models.DealState:
    """What a command answers that has said something."""
    newest = known.state.newest.get(known.role)
    told: str | UnsetType = UNSET if newest is None else said(known, newest)
    if newest is not None and isinstance(newest.body, Order):  # why: whoever orders sees what binds them
        told = f"{told} {known.row.title} for {amount_text(known.order, known.state.figures.price)}"
    return msgspec.structs.replace(state(connection, known), said=told)


def state(connection: apsw.Connection, known: Known) -> models.DealState:
    """What a command on a deal answers."""
    return models.DealState(
        deal=known.row.id.hex(),
        state=known.state.phase.value,
        role=known.role,
        next=step(known),
        delivery=own_delivery(connection, known),
        held=held(connection, known.row),
        ended=ended(known),
    )


def item(connection: apsw.Connection, known: Known) -> models.DealItem:
    """A deal in a list."""
    row = known.row
    return models.DealItem(
        deal=row.id.hex(),
        state=known.state.phase.value,
        role=known.role,
        next=step(known),
        delivery=own_delivery(connection, known),
        title=row.title,
        partner=_name_of(row, row.partner, known),
        partner_name=views.names(connection, [row.partner]).get(row.partner, ""),
        price=price_of(known.order, known.state.figures.price),
        opened=row.opened,
        changed=row.changed,
        beside=_beside(known),
        held=held(connection, row),
        ended=ended(known),
    )


def shown(connection: apsw.Connection, known: Known, differs: list[str]) -> models.DealShown:
    """A deal with its whole history.

    Args:
        connection: of the store.
        known: the deal.
        differs: how the order is not what its seller offers.
    """
    row, order, goods, figures = known.row, known.order, known.goods, known.state.figures
    names = views.names(
        connection, [each for each in (row.seller, row.buyer, row.arbiter) if each is not None]
    )

    def money_of(amount: int) -> models.Price:
        return price_of(order, amount)

    def party(who: bytes) -> models.DealParty:
        node = who != order.key
        return models.DealParty(id=_name_of(row, who, known), name=names.get(who, ""), node=node)

    until = {each.part: each.until for each in known.steps if each.action == "fulfil"}
    return models.DealShown(
        deal=row.id.hex(),
        state=known.state.phase.value,
        role=known.role,
        next=step(known),
        delivery=own_delivery(connection, known),
        title=row.title,
        seller=party(row.seller),
        buyer=party(row.buyer),
        arbiter=None if row.arbiter is None else party(row.arbiter),
        arbiter_fee=arbiter_fee(order, figures.price),
        opened=row.opened,
        can=_commands(known),
        figures=models.DealFigures(
            price=money_of(figures.price),
            paid=money_of(figures.paid),
            owed=money_of(figures.owed),
            refunded=money_of(max(figures.refund_sent, figures.refund_received)),
            payment_due=money_of(figures.payment_due),
            refund_due=money_of(figures.refund_due),
            unconfirmed=money_of(figures.unconfirmed),
            base=money_of(figures.base),
        ),
        parts=[
            models.DealPart(
                part=part.number + 1,
                state=part.status.value,
                price=money_of(part.price),
                until=until.get(part.number) if part.status.value == "open" else None,
            )
            for part in known.state.parts
        ],
        **_goods(goods, money_of, order),
        listing=UNSET if order.listing is UNSET else order.listing.hex(),
        offer=UNSET if row.offer is None else row.offer.hex(),
        payment=_methods(known, goods),
        differs=differs,
        messages=[_message(connection, known, each) for each in known.ordered()],
        beside=_beside(known),
        held=held(connection, row),
        ended=ended(known),
    )


def _commands(known: Known) -> list[str]:
    """What its owner can do now, the next step first."""
    next_own = [each.action for each in known.steps if each.by == known.role]
    types = moves(known.state, known.role, known.now)
    return commands([*(each for each in next_own if each in types), *types])


def _name_of(row: DealRow, who: bytes, known: Known) -> str:
    """The id of a side: a key in hex stands for a buyer without a node."""
    return who.hex() if who == known.order.key else id_text(who)


def _goods(goods: Goods | None, money_of: Callable[[int], models.Price], order: Order) -> dict[str, Any]:
    if goods is None:
        return {"lines": [], "discounts": [], "taxes": [], "shipping": None}
    # Why: a tax that is in the prices is in the price of shipping too, as in the listing; so the lines add up.
    shipping = order.shipping + sum(line.shipping for line in goods.taxes if line.included)
    return {
        "lines": [
            models.DealLine(
                title=line.title,
                amount=money_of(line.amount),
                quantity=line.quantity,
                unit_price=money_of(line.unit_price),
                key=line.key,
                options=list(line.options) or UNSET,
                part=line.part + 1 if len(order.parts) > 1 else UNSET,
                text=line.text,
            )
            for line in goods.lines
        ],
        "discounts": [
            models.DealLine(title=line.title, amount=money_of(line.amount)) for line in goods.discounts
        ],
        "taxes": [
            models.DealLine(title=line.title, amount=money_of(line.amount), included=line.included)
            for line in goods.taxes
        ],
        "shipping": models.DealLine(title=goods.shipping or "", amount=money_of(shipping))
        if shipping or goods.shipping
        else None,
        "address": UNSET if goods.address is UNSET else _address(goods.address),
        "contact": goods.contact,
        "note": goods.note,
        "payment_chosen": goods.payment,
    }


def _address(address: Address) -> models.DealAddress:
    given = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in msgspec.structs.asdict(address).items()
        if value is not UNSET
    }
    return msgspec.convert(given, models.DealAddress)


def _methods(known: Known, goods: Goods | None) -> list[models.PaymentMethod]:
    """The ways to pay, as the newest accept with effect says them, else the offer."""
    found = () if goods is None else goods.methods
    for message in known.ordered():
        note = known.note_of(message)
        if message.role == "seller" and note is not None and note.methods and not _void(known, message):
            found = note.methods
    return [models.PaymentMethod(each.label, each.uri) for each in found]


def _void(known: Known, message: Message) -> str | None:
    return known.state.verdicts.get(message.id)


def _message(connection: apsw.Connection, known: Known, message: Message) -> models.DealMessage:
    kept, note, void = known.kept[message.id], known.note_of(message), _void(known, message)
    return models.DealMessage(
        id=message.id.hex(),
        type=message.type,
        role=message.role,
        number=message.number,
        time=message.time,
        said=said(known, message),
        void=void,
        why=UNSET if void is None else why(void),
        waits=message.id in known.state.waits,
        own=kept.own,
        delivery=_way(connection, known, kept) if kept.own else None,
        text=UNSET if note is None else note.text,
        method=UNSET if note is None else note.method,
        reference=UNSET if note is None else note.reference,
        tracking=UNSET if note is None else note.tracking,
        licence=UNSET if note is None else note.licence,
        url=UNSET if note is None else note.url,
        content_type=UNSET if note is None else note.content_type,
        content_bytes=UNSET if note is None or note.content is UNSET else len(note.content),
    )


def said(known: Known, message: Message) -> str:
    """What a message says, as the rest of a sentence that begins with its sender."""
    order, body = known.order, message.body
    places = {"amount": "", "claim": "", "paid": "", "keeps": "", "part": "", "why": ""}
    match body:
        case PaymentSent() | PaymentReceived() | Refund() | RefundReceived():
            places["amount"] = amount_text(order, body.amount)
        case Dispute():
            places["claim"] = amount_text(order, body.claim)
        case Ruling():
            places["paid"], places["keeps"] = amount_text(order, body.paid), amount_text(order, body.keeps)
        case Decline() | Cancel() if body.reason != "other":
            places["why"] = f": {body.reason.replace('_', ' ')}"
        case Fulfil() | Receive() | LapseFulfil() if len(order.parts) > 1:
            places["part"] = f"{' of' * isinstance(body, Receive)} part {body.part + 1}"
        case _:
            pass
    return SAID.get(message.type, message.type).format(**places)
