"""Fakes of what reads credit."""

import msgspec

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from tests.netnode.fake_shared import OTHER, paged
from tests.netnode.fake_teams import ADA, BEN, TIME

ZERO = dict.fromkeys(models.CreditFigures.__struct_fields__, "0.00") | {"unit": "star"}
GOOD = models.IssuerStanding(exposed=False, suspected=False, overdue=0, open=0, refused=[], disputed=[])
BAD = models.IssuerStanding(
    exposed=True, suspected=True, overdue=1, open=2, refused=["paid in cash"],
    disputed=[models.DisputedCredit(unit="star", amount="4.00", holders=2, mine="3.00")],
)  # fmt: skip
FACTS = models.PromoterFacts(
    sales=40, refunded=2, refunded_percent="5.00", promoters=7, promoters_paid=6, days_to_payable=30,
    paid_on_time=38, paid_on_time_percent="95.00",
)  # fmt: skip


def figures(**given):
    return models.CreditFigures(**(ZERO | given))


MINE = figures(balance="12.50", available="10.00", locked="2.50", pending="3.00", awarded="12.50")
LINE = models.CreditLine(
    time=TIME, what="award", id="4b" * 32, amount="12.50", remains="12.50", payable=TIME + 86_400_000, expires=None,
    rule="level", level=1, rate="0.05", base="250.00", plan="ef" * 32, other=None, entry=7,
)  # fmt: skip
PERIOD = msgspec.structs.replace(
    LINE,
    id="linen/2023-11-01/group/2",
    rule="group",
    level=2,
    rate=None,
    base=None,
    why="the log is too long",
)
SENT = msgspec.structs.replace(
    LINE, what="sent", amount="-2.00", other=ADA, rule="", level=0, rate="", plan=None
)


class FakeLedgers:
    async def balance(self, query):
        self._known(query.issuer)
        return models.CreditBalance(
            issuer=BEN, holder=ADA, figures=[MINE], standing=BAD, unknown_from=9, why="entry 9: its record is missing",
            branches=["ab" * 32, "cd" * 32],
        )  # fmt: skip

    async def list(self, query):
        one = models.CreditIssuer(
            issuer=BEN,
            figures=[MINE, figures(unit="moon")],
            standing=BAD,
            facts=FACTS,
            unknown_from=None,
            why="",
        )
        lost = models.CreditIssuer(
            issuer=ADA, figures=[], standing=None, facts=None, unknown_from=0, why="not here"
        )
        return paged([one, lost] if query.all else [one], query)

    async def statement(self, query):
        self._known(query.issuer)
        lines = paged([LINE, PERIOD, SENT], query)
        return models.CreditStatement(
            issuer=BEN, holder=ADA, unit="star", from_=query.from_, until=TIME, opening=figures(), closing=MINE,
            posted="12.50", clawed_back="0.00", redeemed="0.00", paid_out="0.00", expired="0.00", received="0.00",
            sent="2.00", uncovered="0.00", standing=GOOD, unknown_from=None, why="", items=lines.items, next=lines.next,
        )  # fmt: skip

    async def audit(self, issuer):
        self._known(issuer)
        wrong = models.WrongEntry(
            seq=7,
            entry="aa" * 32,
            kind="sale",
            time=TIME,
            code="awards_differ",
            text="awards: are not what they are",
        )
        owed = models.UnitOwed(
            unit="star", outstanding="100.00", owed="100.00", pending="5.00", overdue="60.00", issued="120.00",
            clawed_back="0.00", redeemed="20.00", paid_out="0.00", expired="0.00", uncovered="0.00", disputed="4.00",
            holders=6, warning="Much is overdue.",
        )  # fmt: skip
        return models.CreditAudit(
            issuer=BEN, head=12, entries=11, unknown_from=None, why="", wrongs=2, wrong=[wrong], branches=["ab" * 32],
            units=[owed], facts=FACTS, standing=BAD, circles=["4b" * 32],
            unknown_branches=[models.UnknownBranch(seq=41, id="cd" * 32)], unknown_count=90,
        )  # fmt: skip

    async def explain(self, query):
        if query.id != "4b4b":
            raise Problem("No such sale.", ExitCode.NOT_FOUND, "no_sale")
        return models.CreditExplained(
            issuer=BEN, order="4b" * 32, entries=[7], plan="ef" * 32, plan_title="Three levels", base="250.00",
            sentences=["Ada: 12.50 star by level, level 1, sale 4b4b: 5 % of 250.00."],
        )  # fmt: skip

    async def explain_award(self, query):
        if not query.id.startswith("linen/2023-11-01"):
            raise Problem("No such period.", ExitCode.NOT_FOUND, "no_period")
        award = models.ExplainedAward(
            id=PERIOD.id, amount="12.50", remains="12.50", payable=TIME, rule="group", level=2, rate="0.05",
            base="250.00", words=["Ada: 12.50 star by group, step 2, period 2023-11-01: 5 % of 250.00."], why="",
        )  # fmt: skip
        close = models.ExplainedClose(
            plan="ef" * 32, plan_title="Groups", entry=7, time=TIME, unit="star", awards=[award],
            withheld=["Ada: 2.00 star by pool not paid, period 2023-11-01: the plan has a cap."],
        )  # fmt: skip
        elsewhere = msgspec.structs.replace(close, entry=None, time=None, plan_title="", withheld=[])
        return models.AwardExplained(
            issuer=BEN, holder=ADA, team=f"{OTHER}/linen", period="2023-11-01", closes=[close, elsewhere]
        )

    async def replay(self, request):
        rows = [
            models.ReplayedMember(member=ADA, before="3.00", after="1.5", difference="-1.5"),
            models.ReplayedMember(member=BEN, before="0", after="2", difference="2"),
        ]
        page = paged(rows, request)
        plan = models.ReplayedPlan(title="Three levels", unit="star")
        return models.PlanReplayed(
            team=request.team, before=plan, after=models.ReplayedPlan(title=request.plan["title"], unit="star"),
            total=models.ReplayedSum(before="3", after="3.5", difference="0.5"), less=1, more=1,
            items=page.items, next=page.next,
        )  # fmt: skip

    async def period(self, query):
        award = models.PeriodAward(to=ADA, amount="3.00", rule="weak", level=1, words="Ada: 3 star by weak.")
        page = paged([award], query)
        return models.PeriodOpen(
            team=query.team, period="2023-11-01", begins=TIME, ends=TIME + 86_400_000, plan="ef" * 32,
            plan_title="Three levels", unit="star", head=12, sales=4, awarded="12.50", base="250.00", closing="3.00",
            unclosed=True, items=page.items, next=page.next,
        )  # fmt: skip

    def _known(self, issuer):
        if issuer != OTHER:
            raise Problem("Nothing of that log is here.", ExitCode.NOT_FOUND, "unknown_author")
