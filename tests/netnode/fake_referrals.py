"""Fakes of recommendations and alliances."""

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from tests.netnode.fake_shared import ME, OTHER, paged

TIME = 1_700_000_000_000
LINK = "inxref1" + "q" * 60


class FakeReferrals:
    def __init__(self, services):
        self.services = services
        self.asked = []
        self.one = models.ReferralShown(
            id="ab" * 32, role="made", seller=OTHER, seller_name="Sol", listing="cap", title="Blue cap", listed=True,
            code="ANNA", link=LINK, expires=TIME, expired=False, at=TIME,
            path=[models.ReferralStep(referrer=ME, name="Ada", campaign="spring", expires=TIME, checked=True)],
            brought=models.ReferralBrought(orders=3, received=2, logged=1),
        )  # fmt: skip
        self.order = models.ReferralOrder(
            order="cd" * 32, seller=OTHER, seller_name="Sol", campaign="spring", referral="ab" * 32, accepted=TIME,
            received=1, logged="logged",
            awards=[models.ReferralAward(unit="EUR", rule="commission", level=1, amount="1.25", due=TIME)],
        )  # fmt: skip
        self.missing = models.ReferralOrder(
            order="ef" * 32, seller=OTHER, seller_name=None, campaign=None, referral=None, accepted=TIME, received=1,
            logged="not_logged", awards=[],
        )  # fmt: skip

    async def make(self, request):
        self.services.sign()
        self.asked.append(request)
        return self.one

    async def forward(self, request):
        self.services.sign()
        self._mistyped(request.link)
        return self.one

    async def show(self, request):
        self._mistyped(request.name)
        return self.one

    async def list(self, query):
        return paged([self.one] if query.role == "made" else [], query)

    async def orders(self, query):
        return paged([self.order, self.missing], query)

    async def policy(self, query):
        return models.AttributionShown(
            seller=query.seller or ME,
            model="last",
            window=30,
            bind=True,
            gift=None,
            gift_code=None,
            published=False,
        )

    async def set_policy(self, request):
        self.services.sign()
        return models.AttributionShown(
            seller=ME, model="first", window=60, bind=False, gift="10.00", gift_code="R-GIFT", published=True
        )

    def _mistyped(self, text):
        if text.startswith("inxref1") and text != LINK:
            raise Problem("This referral link cannot be used: mistyped.", ExitCode.USAGE, "link")


class FakeAlliances:
    def __init__(self, services):
        self.services = services
        self.one = models.AllianceShown(
            alliance="ab" * 32, other=OTHER, other_name="Sol", own=False, state="proposed", gives="5.00",
            gets="12.50", listings=[], theirs=["cap"], starts=TIME, until=None, notice=30, ends=None, text="Let us.",
            at=TIME, below=["mug"],
        )  # fmt: skip

    async def propose(self, request):
        self.services.sign()
        return self.one

    async def accept(self, name):
        self.services.sign()
        return self.one

    async def end(self, name):
        self.services.sign()
        return self.one

    async def show(self, name):
        if not self.one.alliance.startswith(name):
            raise Problem(f"There is no alliance {name} here.", ExitCode.NOT_FOUND, "no_alliance")
        return self.one

    async def list(self, query):
        return paged([self.one], query)
