"""Fakes of what signs for credit."""

import msgspec

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from tests.netnode.fake_shared import paged
from tests.netnode.fake_teams import ADA, BEN, TIME

REQUEST = models.CreditRequest(
    request="ab" * 32, own=True, action="transfer", issuer=BEN, holder=ADA, amount="12.50", unit="star",
    recipient=ADA, deal=None, state="queued", code=None, text="", entry=None, at=TIME, expires=TIME + 86_400_000,
)  # fmt: skip
THEIRS = msgspec.structs.replace(
    REQUEST, own=False, holder=BEN, recipient=None, action="payout", state="answered", entry=7
)
LOST = msgspec.structs.replace(REQUEST, state="refused", code="not_covered", text="more than is available")
LIMIT = models.CreditLimit(
    issuer=BEN, unit="star", amount="50.00", expires=TIME + 86_400_000, lasts=None, sent="delivered"
)
CLOSED = models.PeriodClosed(
    team="nx1/linen", plan="ef" * 32, period="2026-01-01", begins=TIME, ends=TIME + 86_400_000, over=True, entry=9,
    hash="cd" * 32, unit="star", total="12.50", count=2,
    awards=[models.ClosedAward(to=ADA, amount="12.50", rule="level", level=1)],
)  # fmt: skip


class FakeCredits:
    def __init__(self, fakes):
        self._fakes = fakes

    async def transfer(self, request):
        return self._moved("transfer", request)

    async def redeem(self, request):
        return self._moved("redeem", request)

    async def payout(self, request):
        if not request.received:
            raise Problem("Add --received.", ExitCode.REFUSED, "not_confirmed")
        return self._moved("payout", request)

    async def accept(self, request):
        self._fakes.sign()
        return LIMIT

    async def limits(self, query):
        return paged([LIMIT], query)

    async def requests(self, query):
        return paged([REQUEST] if query.waiting else [REQUEST, THEIRS, LOST], query)

    async def challenge(self, request):
        self._fakes.sign()
        if (request.request is None) == (request.order is None):
            raise Problem("What is not logged?", ExitCode.USAGE, "usage")
        return models.CreditChallenged(entry="ab" * 32, issuer=BEN)

    async def sales(self, query):
        one = models.CreditSale(deal="cd" * 32, code="path_missing", text="nobody has shown it", again=None)
        return paged([one], query)

    async def publish(self, request):
        self._fakes.sign()
        finding = models.PlanFinding(rule="R5", verdict="warn", text="Switched off.")
        return models.PlanPublished(
            plan="ef" * 32, title="Honest", opportunity=None, entry=8, starts=TIME, findings=[finding]
        )

    async def preview(self, request):
        if request.key == "none":
            raise Problem("It has no plan.", ExitCode.NOT_FOUND, "no_plan")
        return msgspec.structs.replace(CLOSED, entry=None, over=False)

    async def close(self, request):
        self._fakes.sign()
        return CLOSED

    def _moved(self, action, request):
        self._fakes.sign()
        if not request.anyway and request.amount == "999":
            raise Problem("Only 12.50 star is available.", ExitCode.REFUSED, "not_covered")
        return msgspec.structs.replace(REQUEST, action=action, amount=request.amount)
