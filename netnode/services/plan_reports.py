"""What a plan was measured to do, and what its members earned: beside every invitation, opportunity and listing [R13].

Both are computed here, from the plan and from the log of who pays; nothing of it is what the owner says.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from itertools import islice
from typing import Final

from netnode.issuing.plans import plan_of, plans_of
from netnode.ledgers.earning import YEAR_MS, earned
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.operations import models
from netnode.plans import reporting
from netnode.plans.laboratory import measure, opened
from netnode.ports import Clock
from netnode.problems import Problem
from netnode.projections import views
from netnode.services.briefs import Briefs
from netnode.services.ledger_views import earnings_view
from netnode.services.team_views import team_name
from netnode.store import Reader, Store
from protocol.ledger.governing import Governed
from protocol.plans.linting import lint
from protocol.records import Plan

TREES: Final = (
    20  # why: half a second for a plan that is met first; `plan lint` and `plan simulate` take any number
)
SEED: Final = 1
KEPT: Final = 200  # plans whose report is remembered; a report is a few KB
BRIEFED: Final = (
    20  # plans of a seller for search; why: half a second each, and any stranger publishes a thousand
)
QUICK: Final = 10_000  # entries of a seller's log that are folded before a listing is shown, a few seconds
_GONE: Final = ("unknown_author", "incomplete", "changing")


Followed = tuple[bytes, Plan, str | None, models.TeamEarnings | None]
"""A plan by its hash, the team it is of, and what the members earned."""


class PlanReports:
    """Measures plans, each once.

    Args:
        store: its lanes do the work.
        ledgers: whose plans hold for what, and what came of them.
        clock: the date.
    """

    def __init__(self, store: Store, ledgers: Ledgers, clock: Clock) -> None:
        self._store = store
        self._ledgers = ledgers
        self._clock = clock
        self._known: OrderedDict[bytes, models.PlanReport] = OrderedDict()
        self._turn = asyncio.Lock()  # one at a time: the lanes are everybody's

    async def of_team(self, owner: bytes, key: str) -> models.PlanReport | None:
        """The report of the newest plan of a team; None without one.

        Raises:
            Problem: as `Ledgers.of`.
        """
        found = await self._ledgers.ask(owner, lambda ledger: _newest(ledger, key))
        return None if found is None else await self._report(*found)

    async def beside(
        self, owner: bytes, key: str
    ) -> tuple[models.TeamEarnings | None, models.PlanReport | None]:
        """What the members of a team earned in a year, and the report of its newest plan.

        Raises:
            Problem: as `Ledgers.of`.
        """
        now = self._clock.now_ms()
        earnings = await self._ledgers.ask(owner, lambda ledger: team_earnings(ledger, key, now))
        return earnings, await self.of_team(owner, key)

    async def of_listing(self, seller: bytes, listing: str) -> models.PlanBeside | None:
        """The plan that a sale of a listing follows, with what its team earned; None: no plan holds for it.

        A seller's log that is long and that nobody has asked for yet is not folded for it.

        Raises:
            Problem: the disk fails.
        """
        entries = await self._store.read(_entries, seller)
        if not entries or (entries > QUICK and not self._ledgers.holds(seller)):
            return None
        now = self._clock.now_ms()
        try:
            found = await self._ledgers.ask(seller, lambda ledger: _followed(ledger, seller, listing, now))
        except Problem as problem:
            if problem.code not in _GONE:
                raise
            return None
        if found is None:
            return None
        digest, plan, team, earnings = found
        return models.PlanBeside(team=team, earnings=earnings, report=await self._report(digest, plan))

    async def briefs(self, seller: bytes) -> Briefs:
        """What the plans of a seller pay, in short, and which listings each is for; however long that takes.

        Raises:
            Problem: the disk fails.
        """
        now = self._clock.now_ms()
        try:
            named, other, found = await self._ledgers.study(
                seller, lambda reader, ledger: _holding(reader, ledger, seller, now)
            )
        except Problem as problem:
            if problem.code not in _GONE:
                raise
            return Briefs()
        plans = [
            _brief(await self._report(digest, plan), plan, team, earnings)
            for digest, plan, team, earnings in found
        ]
        places = {digest: place for place, (digest, *_) in enumerate(found)}
        others = None if other is None else places[other]
        return Briefs(plans, {key: places.get(digest) for key, digest in named.items()}, others)

    async def _report(self, digest: bytes, plan: Plan) -> models.PlanReport:
        async with self._turn:
            known = self._known.get(digest)
            if known is None:
                known = await self._store.read(lambda reader: _measured(digest, plan))
                self._known[digest] = known
                if len(self._known) > KEPT:
                    self._known.popitem(last=False)
            self._known.move_to_end(digest)
        return known


def team_earnings(ledger: Ledger, key: str, now: int) -> models.TeamEarnings | None:
    """What the members of a team earned in the year before now, by the log of its owner; None without a plan."""
    found = earned(ledger, key, now)
    if found is None:
        return None
    unit, exponent, figures = found
    return earnings_view(unit, exponent, now - YEAR_MS, now, figures)


def _newest(ledger: Ledger, key: str) -> tuple[bytes, Plan] | None:
    plans = [each for each in ledger.book.governing.all() if each.opportunity == key]
    return (plans[-1].hash, plans[-1].plan) if plans else None


def _holding(
    reader: Reader, ledger: Ledger, seller: bytes, now: int
) -> tuple[dict[str, bytes], bytes | None, list[Followed]]:
    """By listing the hash of the plan that its sales follow, that of any other listing, and BRIEFED plans at most."""
    named, other = plans_of(ledger, views.keys_in_force(reader.connection, seller), now)
    digests = dict.fromkeys([*([] if other is None else [other]), *named.values()])
    plans = [_by_plan(ledger, seller, digest, now) for digest in islice(digests, BRIEFED)]
    return named, other, [each for each in plans if each is not None]


def _brief(
    report: models.PlanReport, plan: Plan, team: str | None, earnings: models.TeamEarnings | None
) -> models.PlanBrief:
    return models.PlanBrief(
        plan=report.plan,
        team=team,
        most=report.figures.get("maximum", {}).get("share"),
        warns=sum(each.verdict != "pass" for each in report.findings),
        members=None if earnings is None else earnings.members,
        zero_percent=None if earnings is None else earnings.zero_percent,
        net_median=None if earnings is None else earnings.net_median,
        unit=plan.unit.name,
    )


def _followed(ledger: Ledger, seller: bytes, listing: str, now: int) -> Followed | None:
    digest = plan_of(ledger, listing, now)
    return None if digest is None else _by_plan(ledger, seller, digest, now)


def _by_plan(ledger: Ledger, seller: bytes, digest: bytes, now: int) -> Followed | None:
    governed: Governed | None = ledger.book.governing.find(digest)
    if governed is None:
        return None
    key = governed.opportunity
    if key is None:
        return governed.hash, governed.plan, None, None
    return governed.hash, governed.plan, team_name(seller, key), team_earnings(ledger, key, now)


def _measured(digest: bytes, plan: Plan) -> models.PlanReport:
    """What the linter and the laboratory find of a plan, in a reader lane."""
    report = lint(plan)
    compiled, found = report.compiled, None
    if compiled is not None:
        for found in measure(opened(compiled), TREES, SEED):  # noqa: B007 - the last one is whole
            pass
    measured = () if compiled is None or found is None else tuple(reporting.measured(compiled, found))
    return models.PlanReport(
        plan=digest.hex(),
        figures={} if compiled is None or found is None else reporting.document(compiled, found, SEED),
        findings=[
            models.PlanFinding(rule=each.rule, verdict=each.verdict, text=each.text)
            for each in (*report.findings, *measured)
        ],
    )


def _entries(reader: Reader, author: bytes) -> int:
    state = reader.load(author)
    return 0 if state is None else state.tip.seq + 1
