"""Fakes of what people prove to each other: witnesses, reviews, arbiters."""

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from tests.netnode.fake_shared import ME, OTHER, paged


class FakeWitnesses:
    def __init__(self):
        self.one = models.Witness(
            order="ab" * 32, seller=OTHER, listing="cd" * 32, path_hash="ef" * 32,
            accepted=1_700_000_000_000, since=1_700_000_000_000,
            path=[models.PathStep(referrer=ME, campaign="june", expires=1_700_000_000_000, checked=True)],
            receipts=[models.WitnessReceipt(part=0, time=1_700_000_000_000)],
        )  # fmt: skip

    async def list(self, query):
        return paged([self.one], query)

    async def show(self, order):
        if not self.one.order.startswith(order):
            raise Problem(f"No deal {order} is witnessed here.", ExitCode.NOT_FOUND, "no_witness")
        return self.one

    async def export(self, order):
        yield b"INXWIT1\n"


class FakeReviews:
    def __init__(self, services):
        self.services = services
        self.groups = [
            models.RatingGroup(distance="own", average="4.0", receipts=1, aged=1, witnessed=0),
            models.RatingGroup(distance="strangers", average="1.5", receipts=1_000, aged=20, witnessed=3),
        ]
        self.one = models.Review(
            review="ab" * 32, entry="cd" * 32, rating=4, text="Warm.", time=1_700_000_000_000, seller=OTHER,
            seller_name="Ben", listing=f"{OTHER}/cap", title="Blue cap", distance="own", buyer=ME, carriers=[ME],
            agreed=1_690_000_000_000, received=1_699_000_000_000, aged=True, witnessed=False,
        )  # fmt: skip

    async def write(self, request):
        self.services.sign()
        return models.ReviewPublished(review="ab" * 32, entry="cd" * 32, seller=OTHER)

    async def withdraw(self, deal):
        self.services.sign()
        return models.ReviewPublished(review="ab" * 32, entry="cd" * 32, seller=OTHER)

    async def carry(self, chunks):
        self.services.sign()
        data = b"".join([chunk async for chunk in chunks])
        if not data:
            raise Problem("This is no review that could be carried.", ExitCode.REFUSED, "malformed")
        return models.ReviewPublished(review="ab" * 32, entry="cd" * 32, seller=OTHER)

    async def list(self, query):
        found = paged([self.one], query)
        return models.Reviews(ratings=self.groups, items=found.items, next=found.next)


class FakeArbiters:
    def __init__(self, services):
        self.services = services
        ben = models.DealParty(id=OTHER, name="Ben", node=True)
        price = models.Price(amount="12.50", minor=1_250, currency="EUR")
        self.consent = models.Consent(
            consent="ab" * 32, arbiter=models.DealParty(id=ME, name="Ada", node=True), own=True, state="open",
            percent="2.5", seller=None, made=1_700_000_000_000, expires=1_800_000_000_000,
        )  # fmt: skip
        self.case = models.Case(
            deal="cd" * 32, state="disputed", next=None, title="Blue cap", seller=ben,
            buyer=models.DealParty(id="ef" * 32, name="", node=False), price=price, paid=price, fee=price,
            claims=[models.Claim(role="buyer", claim=price, text="The seam was open.", open=True)], ruled=False,
            bars=None, warnings=["The arbiter had one deal with the seller in the last 180 days."],
        )  # fmt: skip

    async def offer(self, request):
        self.services.sign()
        return self.consent

    async def send(self, request):
        return self.consent

    async def list(self, query):
        return paged([self.consent], query)

    async def cases(self, query):
        return paged([self.case], query)

    async def show(self, name):
        if not self.consent.consent.startswith(name) and not self.case.deal.startswith(name):
            raise Problem(f"There is no consent and no case {name} here.", ExitCode.NOT_FOUND, "no_consent")
        return models.ArbiterShown(consent=self.consent, terms="Half each.", case=self.case)
