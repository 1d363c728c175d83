"""Fakes of opportunities and teams."""

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from tests.netnode.fake_shared import ME, OTHER, paged

TIME = 1_700_000_000_000
ADA = models.TeamPerson(id=ME, name="Ada")
BEN = models.TeamPerson(id=OTHER, name="")
KEPT = models.Retention(
    group="2023-11",
    joined=4,
    ages=[
        models.KeptOf(days=30, of=4, kept=3),
        models.KeptOf(days=90, of=2, kept=1),
        models.KeptOf(days=365, of=0, kept=0),
    ],
)
EARNINGS = models.TeamEarnings(
    unit="star", from_=TIME - 365 * 86_400_000, until=TIME, members=10, left=2, zero=7, zero_percent="70.00",
    median="0.00", p90="5.00", p99="9.00", net_median="-20.00", net_p90="1.00", net_p99="9.00", losing=6, total="14.00",
)  # fmt: skip


class FakeOpportunities:
    def __init__(self, services):
        self.services = services
        one = models.Opportunity(
            team=f"{OTHER}/linen", owner=BEN, key="linen", title="Linen team", state="open", members=3, ever=4,
            retention=KEPT,
        )  # fmt: skip
        price = models.Price(amount="25.00", minor=2_500, currency="EUR")
        self.one = models.OpportunityShown(
            opportunity=one, description="Sell linen.", obligations="Answer.", terms="A month.", products=["hat"],
            plan=None, opens=None, closes=1_893_456_000_000,
            standing=models.IssuerStanding(
                exposed=True, suspected=False, overdue=0, open=0, refused=[], disputed=[]
            ), entry="ab" * 32, earnings=EARNINGS,
            costs=[models.TeamCost(title="Kit", purpose="kit", price=price, required=True)],
            disclosure=models.Disclosure(
                hash="cd" * 32, identity="Sol Ltd.", legal="none", cancellation="At any time.", references=["Ask."],
                claims=[
                    models.EarningsClaim(
                        amount="10000", currency="EUR", from_=0, until=TIME, members=3, of=40, percent="7.50"
                    )
                ],
            ),
        )  # fmt: skip

    async def publish(self, request):
        self.services.sign()
        return self.one

    async def show(self, team):
        if not team.endswith("linen"):
            raise Problem(f"There is no opportunity {team}.", ExitCode.NOT_FOUND, "no_opportunity")
        return self.one

    async def list(self, query):
        return paged([self.one.opportunity], query)

    async def close(self, key):
        self.services.sign()
        return self.one


class FakeTeams:
    def __init__(self, services):
        self.services = services
        self.paper = models.TeamPaper(
            paper="ab" * 32, kind="invite", team=f"{OTHER}/linen", opportunity="linen", signer=BEN, own=True,
            state="waiting", text="Join us.", invite="inxteam1abcd", at=TIME,
            listed=models.ListedPerson(ref="7", name="Bert"),
        )  # fmt: skip
        self.waits = models.TeamPaper(
            paper="cd" * 32, kind="application", team=f"{ME}/linen", opportunity="linen", signer=ADA, own=False,
            state="too soon", due=TIME, at=TIME,
        )  # fmt: skip
        self.done = models.TeamPaper(
            paper="ef" * 32, kind="application", team=f"{OTHER}/linen", opportunity="linen", signer=ADA, own=True,
            state="logged", at=TIME,
        )  # fmt: skip
        self.member = models.TeamMember(
            member=ADA, level=1, sponsor=BEN, joined=TIME, sponsors=2, parent=OTHER, leg=0, holding=False
        )
        self.duties_of = models.MemberDuties(
            member=ADA, sponsor=BEN, neglected=True,
            duties=[
                models.DutyState(name="follow-up 1", done=False, by=None, due=TIME, missed=True),
                models.DutyState(name="start", done=True, by=BEN, due=None, missed=False),
            ],
        )  # fmt: skip

    async def invite(self, request):
        self.services.sign()
        return self.paper

    async def apply(self, request):
        self.services.sign()
        if not request.acknowledged:
            raise Problem("Read what you are told first.", ExitCode.REFUSED, "not_acknowledged")
        return self.paper

    async def admit(self, request):
        self.services.sign()
        return models.TeamDone(entries=["ab" * 32], skipped=[self.waits])

    async def take_over(self, query, chunks):
        self.services.sign()
        data = b"".join([chunk async for chunk in chunks])
        if b"bad" in data:
            fault = models.ImportFault(row=2, field="sponsor", problem="'9' is in no row")
            return models.TeamImported(rows=0, invited=0, waiting=0, faults=[fault])
        return models.TeamImported(rows=2, invited=1, waiting=1, faults=[])

    async def papers(self, query):
        return paged([self.paper] if query.paper is not None else [self.paper, self.waits, self.done], query)

    async def tree(self, query):
        return paged([self.member], query)

    async def duties(self, query):
        return paged([self.duties_of], query)

    async def neglected(self, query):
        return paged([self.duties_of], query)

    async def stats(self, team):
        return models.TeamStats(
            team=team, members=3, ever=4, left={"time": 1}, width=1, depth=2, concentration="100.0", sponsoring=1,
            duplicated=1, duplicated_of=2, active=2, sellers=3, first_sale_days=12, neglected=1,
            waiting=0, all=KEPT, months=[KEPT], sponsors=[KEPT],
            growth=[models.TeamGrowth(period="2026-01-01", recruits=3, outside_buyers=0)], outgrown=True,
            void={"7": "too_soon"},
        )  # fmt: skip

    async def duty(self, request):
        self.services.sign()
        return self.paper

    async def move(self, request):
        self.services.sign()
        return models.TeamDone(entries=[], skipped=[self.paper])

    async def leave(self, request):
        self.services.sign()
        return models.TeamDone(entries=["ab" * 32], skipped=[])


class FakeBuybacks:
    def __init__(self, services):
        self.services = services
        line = models.BuybackLine(line=0, title="Cap", left=3)
        self.left = models.BuybackGoods(deal="ef" * 32, lines=[line], due="27.00 EUR", until=TIME)
        self.mine = models.Buyback(
            paper="ab" * 32, team=f"{OTHER}/linen", deal="ef" * 32, member=ADA, owner=BEN, own=True, lines=[line],
            amount="27.00 EUR", owed="27.00 EUR", code=None, why="", state="overdue", at=TIME, due=TIME, text="",
        )  # fmt: skip
        self.asked = models.Buyback(
            paper="cd" * 32, team=f"{ME}/linen", deal="ef" * 32, member=BEN, owner=ADA, own=False, lines=[line],
            amount="30.00 EUR", owed=None, code="too_late", why="goods are taken back for 365 days", state="waiting",
            at=TIME, due=TIME, text="",
        )  # fmt: skip

    async def goods(self, query):
        return paged([self.left], query)

    async def ask(self, request):
        self.services.sign()
        return models.Page([self.mine], None)

    async def list(self, query):
        return paged([self.mine, self.asked], query)

    async def pay(self, request):
        self.services.sign()
        if not request.paper.startswith("cd"):
            raise Problem("There is no such request.", ExitCode.NOT_FOUND, "no_paper")
        return self.asked

    async def refuse(self, request):
        self.services.sign()
        return self.asked

    async def challenge(self, request):
        self.services.sign()
        return models.CreditChallenged(entry="ab" * 32, issuer=BEN)
