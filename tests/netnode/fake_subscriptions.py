"""A subscription of a node in memory, for the tests of the operations, the API and the command line."""

from __future__ import annotations

from msgspec import UNSET, structs

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from tests.netnode.fake_deals import BUYER, DEAL, NONE, PRICE, SELLER, TIME

DAY = 86_400_000


def a_subscription(**changes) -> models.Subscription:
    found = models.Subscription(
        deal=DEAL,
        state="final",
        role="buyer",
        next=None,
        delivery=models.Delivery(state="at_mailbox", at=TIME),
        title="Blue cap",
        partner=SELLER.id,
        partner_name=SELLER.name,
        standing="active",
        stopped=False,
        why=None,
        price=PRICE,
        per=models.Per(count=1, unit="month"),
        notice=3 * DAY,
        turns=None,
        turn=models.SubscriptionTurn(
            turn=2, begins=TIME, ends=TIME + 30 * DAY, earliest=TIME - 30 * DAY, latest=TIME - 3 * DAY,
            due=TIME - 5 * DAY,
        ),
        renewals=[models.SubscriptionRenewal(turn=1, deal="9a" * 32, state="agreed", opened=TIME - 35 * DAY)],
        statements=[
            models.SubscriptionStatement(action="price", number=0, time=TIME, price=PRICE, void=None),
            models.SubscriptionStatement(action="pause", number=2, time=TIME, void=None, waits=True),
        ],
    )  # fmt: skip
    return structs.replace(found, **changes)


class FakeSubscriptions:
    """One subscription, which stands where the last statement put it."""

    def __init__(self, services) -> None:
        self.services = services
        self.one = a_subscription()
        self.asked: list[object] = []

    def _said(self, name: str, **changes) -> models.Subscription:
        self.services.sign()
        self._known(name)
        self.one = structs.replace(self.one, **changes)
        return self.one

    def _known(self, name: str) -> None:
        if not DEAL.startswith(name.lower()):
            raise Problem(f"There is no deal {name} here.", ExitCode.NOT_FOUND, "no_deal")

    async def list(self, query):
        if query.deal is not None:
            self._known(query.deal)
        return models.Page([self.one])

    async def pause(self, name):
        return self._said(name, standing="paused", why="mandate_paused", reason="The buyer has paused it.")

    async def resume(self, name):
        return self._said(name, standing="active", why=None, reason=UNSET)

    async def end(self, name):
        return self._said(name, standing="ended", why="mandate_ended", turn=None)

    async def consent(self, request):
        self.asked.append(request)
        return self._said(request.deal, asked=models.Price(amount="14.00", minor=1400, currency="EUR"))

    async def renew(self, request):
        self.services.sign()
        self._known(request.deal)
        self.asked.append(request)
        return models.DealState(deal="9a" * 32, state="agreed", role="seller", next=None, delivery=None)

    async def invoice(self, request):
        self._known(request.deal)
        self.asked.append(request)
        return models.Invoice(
            deal=DEAL,
            state="agreed",
            role="seller",
            next=None,
            delivery=None,
            kind="credit_note" if request.credit_note else "invoice",
            number="C2026-1" if request.credit_note else "2026-1",
            time=TIME,
            ordered=TIME,
            period=None,
            credits="2026-1" if request.credit_note else None,
            seller=models.InvoiceSide(id=SELLER.id, name=SELLER.name, lines=[]),
            buyer=models.InvoiceSide(id=BUYER.id, name=BUYER.name, lines=["1 Dorset St", "GB"]),
            lines=[models.InvoiceLine(title="Blue cap", amount=PRICE, quantity=1, unit_price=PRICE)],
            discounts=[],
            shipping=None,
            taxes=[models.InvoiceLine(title="VAT", amount=NONE, rate=1900, included=True)],
            parts=[],
            net=PRICE,
            tax=NONE,
            total=PRICE,
            given_up=NONE,
            paid=NONE,
            money=models.InvoicePaid(paid=NONE, refunded=NONE, payment_due=PRICE, refund_due=NONE),
            html="<!doctype html>\n" if request.html else UNSET,
        )
