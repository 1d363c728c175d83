"""Deals, offers and stock of a node in memory, for the tests of the operations, the API and the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator

from msgspec import UNSET

from netnode.operations import models
from netnode.problems import ExitCode, Problem

DEAL = "3f" * 32
OFFER = "7b" * 32
TIME = 1_760_000_000_000
PRICE = models.Price(amount="12.50", minor=1250, currency="EUR")
NONE = models.Price(amount="0.00", minor=0, currency="EUR")
SELLER = models.DealParty(id="nx1" + "ot" * 29, name="Sol", node=True)
BUYER = models.DealParty(id="nx1" + "me" * 29, name="Ada", node=True)


class FakeDeals:
    """One deal, which stands where the last move put it."""

    def __init__(self, services) -> None:
        self.services = services
        self.state = "ordered"
        self.moves: list[object] = []

    def _moved(self, request, state: str) -> models.DealState:
        self.services.sign()
        self._known(getattr(request, "deal", DEAL))
        self.moves.append(request)
        self.state = state
        return self._state()

    def _known(self, deal: str) -> None:
        if not DEAL.startswith(deal.lower()):
            raise Problem(f"There is no deal {deal} here.", ExitCode.NOT_FOUND, "no_deal")

    def _state(self) -> models.DealState:
        return models.DealState(
            deal=DEAL,
            state=self.state,
            role="buyer",
            next=models.Step("payment_sent", "buyer", TIME),
            delivery=models.Delivery(state="queued", at=TIME),
            ended="cancelled" if self.state == "final" else UNSET,
            said="paid 12.50 EUR",
        )

    async def order(self, request):
        return self._moved(request, "ordered")

    async def accept(self, request):
        return self._moved(request, "agreed")

    async def decline(self, request):
        return self._moved(request, "final")

    async def cancel(self, request):
        return self._moved(request, "final")

    async def paid(self, request):
        return self._moved(request, "agreed")

    async def received(self, request):
        return self._moved(request, "agreed")

    async def fulfil(self, request):
        return self._moved(request, "fulfilled")

    async def receipt(self, request):
        return self._moved(request, "final")

    async def refund(self, request):
        return self._moved(request, "unconfirmed")

    async def refunded(self, request):
        return self._moved(request, "final")

    async def dispute(self, request):
        return self._moved(request, "disputed")

    async def rule(self, request):
        return self._moved(request, "closed")

    async def lapse(self, request):
        return self._moved(request, "final")

    async def presume(self, request):
        return self._moved(request, "final")

    async def ask(self, request):
        self._known(request.deal)
        return self._state()

    async def show(self, name):
        self._known(name)
        return models.DealShown(
            deal=DEAL,
            state=self.state,
            role="buyer",
            next=models.Step("payment_sent", "buyer", TIME),
            delivery=None,
            title="Blue cap",
            seller=SELLER,
            buyer=BUYER,
            arbiter=None,
            opened=TIME,
            can=["paid", "cancel"],
            figures=models.DealFigures(
                price=PRICE,
                paid=NONE,
                owed=PRICE,
                refunded=NONE,
                payment_due=PRICE,
                refund_due=NONE,
                unconfirmed=NONE,
                base=NONE,
            ),
            parts=[models.DealPart(part=1, state="open", price=PRICE, until=TIME)],
            lines=[models.DealLine(title="Blue cap", amount=PRICE, quantity=1, unit_price=PRICE, key="cap")],
            discounts=[],
            taxes=[],
            shipping=None,
            payment=[models.PaymentMethod("Bank transfer", "payto://iban/DE02")],
            address=models.DealAddress(country="DE", name="Ada", lines=["Am Sand 1"]),
            messages=[
                models.DealMessage(
                    id=DEAL,
                    type="order",
                    role="buyer",
                    number=0,
                    time=TIME,
                    said="ordered",
                    void=None,
                    own=True,
                    delivery=models.Delivery(state="settled", at=TIME),
                ),
                models.DealMessage(
                    id="4e" * 32,
                    type="lapse_pay",
                    role="seller",
                    number=1,
                    time=TIME,
                    said="ended the deal: it was not paid in time",
                    void="too_early",
                    why="its time has not come yet",
                    text="\x1b[31mevil",
                ),
            ],
        )

    async def list(self, query):
        state = self._state()
        item = models.DealItem(
            deal=DEAL,
            state=state.state,
            role=state.role,
            next=state.next,
            delivery=state.delivery,
            title="Blue cap",
            partner=SELLER.id,
            partner_name=SELLER.name,
            price=PRICE,
            opened=TIME,
            changed=TIME,
        )
        return models.Page([item] if query.role in (None, "buyer") else [])

    async def content(self, request) -> AsyncIterator[bytes]:
        self._known(request.deal)
        yield b"the manual"

    async def export(self, name) -> AsyncIterator[bytes]:
        self._known(name)
        yield b"a deal"


class FakeOffers:
    """One offer."""

    def __init__(self, services) -> None:
        self.services = services
        self.state = "open"
        self.made: list[models.OfferMake] = []

    def _item(self) -> models.OfferItem:
        return models.OfferItem(
            offer=OFFER,
            kind="quote",
            state=self.state,
            own=True,
            title="Blue cap",
            seller=BUYER,
            buyer=None,
            code="SUMMER",
            count=3,
            taken=1,
            price=PRICE,
            made=TIME,
            expires=TIME,
        )

    async def make(self, request):
        self.services.sign()
        self.made.append(request)
        return self._item()

    async def list(self, query):
        return models.Page([self._item()])

    async def show(self, name):
        if not OFFER.startswith(name.lower()):
            raise Problem(f"There is no offer {name} here.", ExitCode.NOT_FOUND, "no_offer")
        line = models.DealLine(title="Blue cap", amount=PRICE, quantity=1, unit_price=PRICE)
        return models.OfferShown(
            offer=self._item(), lines=[line], parts=[PRICE], fulfil_by=[14 * 86_400_000], taxes=[]
        )

    async def end(self, name):
        self.state = "ended"
        return self._item()


class FakeStock:
    """The counter of one listing."""

    def __init__(self) -> None:
        self.count: int | None = None
        self.auto_accept = False

    async def show(self, key):
        counters = [] if self.count is None else [models.StockCount(options=[], count=self.count, reserved=1)]
        return models.Stock(key=key, auto_accept=self.auto_accept, counters=counters)

    async def change(self, request):
        if request.count is not None or request.uncounted:
            self.count = request.count
        if request.auto_accept is not None:
            self.auto_accept = request.auto_accept == "on"
        return await self.show(request.key)
