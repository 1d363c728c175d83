"""Subscriptions, invoices and credit notes of this node's networker."""

from __future__ import annotations

from typing import Literal

import apsw
from msgspec import UNSET, UnsetType

from netnode.deals.invoice import Line, Off, Side, Taxed
from netnode.deals.known import load
from netnode.deals.moving import minor_of
from netnode.deals.numbering import Made
from netnode.deals.subscribed import SENTENCES, Subscription, due
from netnode.deals.trading import Trading
from netnode.operations import models
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import deal_views
from netnode.services.deals import one_deal
from netnode.store import Reader, Store
from protocol.deals.mandates import Action, Turn, mandate_of
from protocol.identity import id_text
from protocol.records import Price


class Subscriptions:
    """`operations.services.Subscriptions`.

    Args:
        store: holds the deals.
        trading: makes statements, renewals and documents.
        clock: the date.
    """

    def __init__(self, store: Store, trading: Trading, clock: Clock) -> None:
        self._store = store
        self._trading = trading
        self._clock = clock

    async def list(self, query: models.SubscriptionsQuery) -> models.Page[models.Subscription]:
        """Subscriptions on either side, own orders first; with a deal only that one's.

        Raises:
            Problem: no such deal (3), or one without a mandate (4).
        """
        if query.deal is not None:
            return models.Page([await self._one(query.deal)])
        found = await self._trading.renewing.all()
        return models.Page([await self._view(each) for each in found])

    async def pause(self, name: str) -> models.Subscription:
        """No renewals for now: the buyer's statement, or the seller's will."""
        return await self._turned(name, "pause", stopped=True)

    async def resume(self, name: str) -> models.Subscription:
        """Renewals go on."""
        return await self._turned(name, "resume", stopped=False)

    async def end(self, name: str) -> models.Subscription:
        """No renewals any more, for good: the buyer's statement."""
        deal = await self._deal(name)
        return await self._view(await self._trading.renewing.say(deal, "end"))

    async def consent(self, request: models.SubscriptionPrice) -> models.Subscription:
        """The buyer's consent to a price, or the seller's question for it.

        Raises:
            Problem: no such deal (3); an amount that is none, or missing (2); no effect (4).
        """
        deal = await self._deal(request.deal)
        found = await self._trading.renewing.one(deal)
        price = None if request.price is None else minor_of(found.order, request.price)
        if found.row.role == "buyer":
            return await self._view(await self._trading.renewing.say(deal, "price", price))
        if price is None:
            text = "Say which price to ask the buyer for: --price"
            raise Problem(text, ExitCode.USAGE, "price")
        return await self._view(await self._trading.renewing.ask(deal, price, request.text))

    async def renew(self, request: models.SubscriptionRenew) -> models.DealState:
        """The next renewal, now.

        Raises:
            Problem: no such deal (3); why there is nothing to renew (4).
        """
        known = await self._trading.renewing.renew(await self._deal(request.deal), anyway=request.anyway)
        return await self._store.read(lambda reader: deal_views.state(reader.connection, known))

    async def invoice(self, request: models.InvoiceOrder) -> models.Invoice:
        """The invoice, or a credit note, of a deal.

        Raises:
            Problem: no such deal (3); why there is none (4).
        """
        deal = await self._deal(request.deal)
        kind: Literal["credit_note", "invoice"] = "credit_note" if request.credit_note else "invoice"
        made = await self._trading.invoices.make(deal, kind, request.number)
        html: str | UnsetType = UNSET
        if request.html:
            from netnode.deals.invoice_page import page  # late: most commands need no templates

            html = page(made.document)
        return await self._store.read(lambda reader: _invoice(reader.connection, made, html))

    # -- steps -----------------------------------------------------------------------------------------------
    async def _turned(self, name: str, action: Action, *, stopped: bool) -> models.Subscription:
        deal = await self._deal(name)
        renewing = self._trading.renewing
        if (await renewing.one(deal)).row.role == "buyer":
            return await self._view(await renewing.say(deal, action))
        return await self._view(await renewing.stop(deal, stopped))

    async def _one(self, name: str) -> models.Subscription:
        return await self._view(await self._trading.renewing.one(await self._deal(name)))

    async def _deal(self, name: str) -> bytes:
        return (await self._store.read(lambda reader: one_deal(reader.connection, name))).id

    async def _view(self, found: Subscription) -> models.Subscription:
        return await self._store.read(lambda reader: self._shown(reader, found))

    def _shown(self, reader: Reader, found: Subscription) -> models.Subscription:
        connection, order, row = reader.connection, found.order, found.row
        known = load(connection, row, self._clock.now_ms())
        mandate = mandate_of(found.first)
        partner = row.partner
        kept = found.kept
        return models.Subscription(
            deal=row.id.hex(),
            state=known.state.phase.value,
            role=row.role,
            next=deal_views.step(known),
            delivery=deal_views.delivery(connection, found.letter),
            title=row.title,
            partner=partner.hex() if partner == order.key else id_text(partner),
            partner_name=views.names(connection, [partner]).get(partner, ""),
            standing=found.state.standing.value,
            stopped=kept.stopped,
            why=found.why or None,
            reason=SENTENCES[found.why] if found.why else UNSET,
            price=deal_views.price_of(order, found.state.price),
            asked=UNSET if kept.asked is None else deal_views.price_of(order, kept.asked),
            asked_text=kept.word or UNSET,
            per=models.Per(count=mandate.per.count, unit=mandate.per.unit),
            notice=mandate.notice,
            turns=None if mandate.turns is UNSET else mandate.turns,
            turn=None if found.turn is None else _turn(found.turn),
            renewals=[
                models.SubscriptionRenewal(
                    turn=turn, deal=each.id.hex(), state=each.phase, opened=each.opened
                )
                for turn, each in found.renewals
            ],
            statements=[
                models.SubscriptionStatement(
                    action=each.action,
                    number=each.number,
                    time=each.time,
                    price=UNSET if each.price is None else deal_views.price_of(order, each.price),
                    void=found.state.verdicts.get(each.id),
                    waits=each.id in found.state.waits,
                )
                for each in found.statements
            ],
        )


def _turn(turn: Turn) -> models.SubscriptionTurn:
    return models.SubscriptionTurn(
        turn=turn.number,
        begins=turn.begins,
        ends=turn.ends,
        earliest=turn.earliest,
        latest=turn.latest,
        due=due(turn),
    )


def _invoice(connection: apsw.Connection, made: Made, html: str | UnsetType) -> models.Invoice:
    document, known = made.document, made.known
    figures = known.state.figures
    state = deal_views.state(connection, known)

    def price(amount: int) -> models.Price:
        kind = document.money
        return views.price_view(
            Price(amount=amount, currency=kind.currency, issuer=kind.issuer, unit=kind.unit)
        )

    def goods(line: Line) -> models.InvoiceLine:
        return models.InvoiceLine(
            title=line.title,
            amount=price(line.amount),
            quantity=line.quantity,
            unit_price=price(line.unit_price),
            options=list(line.options) or UNSET,
            text=line.text or UNSET,
            part=line.part + 1 if document.parts else UNSET,
        )

    def taxed(line: Taxed) -> models.InvoiceLine:
        return models.InvoiceLine(
            title=line.title, amount=price(line.amount), rate=line.rate, included=line.included
        )

    def off(line: Off) -> models.InvoiceLine:
        return models.InvoiceLine(title=line.title, amount=price(line.amount))

    return models.Invoice(
        deal=state.deal,
        state=state.state,
        role=state.role,
        next=state.next,
        delivery=state.delivery,
        kind="credit_note" if document.kind == "credit_note" else "invoice",
        number=document.number,
        time=document.time,
        ordered=document.ordered,
        period=document.period,
        credits=document.credits,
        seller=_side(document.seller),
        buyer=_side(document.buyer),
        lines=[goods(line) for line in document.lines],
        discounts=[off(line) for line in document.discounts],
        shipping=None if document.shipping is None else off(document.shipping),
        taxes=[taxed(line) for line in document.taxes],
        parts=[price(amount) for amount in document.parts],
        net=price(document.net),
        tax=price(document.tax),
        total=price(document.total),
        given_up=price(document.given_up),
        paid=price(document.paid),
        money=models.InvoicePaid(
            paid=price(figures.paid),
            refunded=price(max(figures.refund_sent, figures.refund_received)),
            payment_due=price(figures.payment_due),
            refund_due=price(figures.refund_due),
        ),
        html=html,
    )


def _side(side: Side) -> models.InvoiceSide:
    return models.InvoiceSide(id=side.id, name=side.name, lines=list(side.lines))
