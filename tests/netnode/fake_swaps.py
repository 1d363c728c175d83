"""A fake of swaps of credit."""

import msgspec

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from tests.netnode.fake_shared import ME, OTHER, paged

TIME = 1_700_000_000_000
SENTENCE = (
    "Your credit stays locked until Yara writes anything dated after 2023-11-21 22:13 UTC. "
    "You cannot lose it, but nobody can promise when."
)
ADA, YARA = models.TeamPerson(id=ME, name="Ada"), models.TeamPerson(id=OTHER, name="Yara")


class FakeSwaps:
    def __init__(self, services):
        self.services = services
        side = models.SwapSide(holder=ADA, issuer=YARA, unit="star", amount="6.00", minor=600)
        self.one = models.CreditSwap(
            swap="ab" * 32, role="second", stage="proposed", next="waits for your answer", first=side, second=side,
            until=TIME, at=TIME, text="as agreed", waits=True, code="not_covered", why="more than is available",
            locked=models.SwapEntry(seq=7, id="cd" * 32), swapped=models.SwapEntry(seq=8, id="ef" * 32),
        )  # fmt: skip

    def _confirmed(self, request):
        self.services.sign()
        if not request.confirmed:
            details = {"sentence": SENTENCE, "until": TIME}
            raise Problem(
                f"{SENTENCE} Say that you have read this: --yes", ExitCode.REFUSED, "not_confirmed", details
            )

    async def propose(self, request):
        self._confirmed(request)
        assert request.until == TIME or request.until is None
        return msgspec.structs.replace(self.one, role="first")

    async def accept(self, request):
        self._confirmed(request)
        return self.one

    async def decline(self, request):
        return msgspec.structs.replace(self.one, stage="declined")

    async def list(self, query):
        return paged([] if query.waiting else [self.one], query)

    async def show(self, name):
        if not self.one.swap.startswith(name):
            raise Problem(f"There is no swap {name} here.", ExitCode.NOT_FOUND, "no_swap")
        return self.one

    async def release(self, request):
        self.services.sign()
        return models.CreditReleased(issuer=request.issuer, about=[request.about or "ab" * 32])
