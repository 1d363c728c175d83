"""Beside invitations, opportunities and listings stands what their plan was measured to do, and what came of it."""

from __future__ import annotations

import asyncio
import io
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from msgspec import UNSET

from netnode.cli import listings, opportunities, referrals, teams
from netnode.operations import models
from netnode.projections import catalogue, gists
from netnode.projections.gists import About
from netnode.services import gisting, plan_reports
from tests.netnode.dealing import CAP
from tests.netnode.issuers import Credits, credits
from tests.netnode.mesh import until
from tests.netnode.services_home import OpenHome
from tests.netnode.test_issuing_plans import OPPORTUNITY, alone, opportunity, plan, publish

MEASURED = {"cliff", "depth", "order", "recruiting", "splitting", "sponsors"}


async def offered(market: Credits) -> OpenHome:
    """A team whose plan holds for the cap, as a third node sees it."""
    await opportunity(market)
    await publish(market, plan())
    await market.complete(await market.order(market.token()))
    await market.look()
    finn = market["finn"]
    await market.meet()
    await finn.projector.level()
    return finn


def whole(report: models.PlanReport | None) -> bool:
    return report is not None and {each.rule for each in report.findings} >= MEASURED and bool(report.figures)


def said(show: object, found: object) -> str:
    text = io.StringIO()
    with redirect_stdout(text):
        show(found)  # type: ignore[operator]
    return text.getvalue()


async def test_opportunities_show_what_their_plan_was_measured_to_do(tmp_path: Path) -> None:
    async with credits(tmp_path, dict(CAP)) as market:
        finn = await offered(market)
        team = f"{market['sol'].id}/linen-team"
        found = await finn.services.opportunities.show(models.OpportunityName(team).team)
        assert whole(found.report) and found.earnings is not None
        page = await finn.services.opportunities.list(models.OpportunitiesQuery(owner=market["sol"].id))
        [one] = page.items
        assert (one.report, one.earnings) == (found.report, found.earnings)
        text = said(opportunities.show_opportunity, found)
        assert "measured here" in text and "random trees" in text and "What members earned" in text
        assert "plan warns" in said(opportunities._show_list, page)


async def test_an_invite_shows_it(tmp_path: Path) -> None:
    async with credits(tmp_path, dict(CAP)) as market:
        await offered(market)
        invited = await market["sol"].services.teams.invite(models.TeamInvite(team="linen-team"))
        assert whole(invited.report) and invited.earnings is not None
        assert "random trees" in said(teams._show_paper, invited)


async def test_a_listing_and_a_recommendation_of_it_show_it(tmp_path: Path) -> None:
    async with credits(tmp_path, dict(CAP)) as market:
        finn = await offered(market)
        ref = f"{market['sol'].id}/cap"
        shown = await finn.services.listings.show(ref)
        assert shown.plan is not None and whole(shown.plan.report)
        assert (shown.plan.team, shown.plan.earnings is None) == (f"{market['sol'].id}/linen-team", False)
        assert "random trees" in said(listings._show_one, shown)
        made = await finn.services.referrals.make(models.ReferralMake(subject=ref))
        again = await finn.services.referrals.show(models.ReferralChoice(name=made.link))
        assert made.plan == again.plan == shown.plan
        assert "random trees" in said(referrals._show_one, again)


async def test_what_no_plan_holds_for_shows_none(tmp_path: Path) -> None:
    async with credits(tmp_path, dict(CAP)) as market:
        finn = market["finn"]
        await finn.projector.level()
        ref = f"{market['sol'].id}/cap"
        assert (await finn.services.listings.show(ref)).plan is None
        made = await finn.services.referrals.make(models.ReferralMake(subject=ref))
        assert made.plan is UNSET


async def test_a_long_log_is_not_folded_for_a_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with credits(tmp_path, dict(CAP)) as market:
        finn = await offered(market)
        finn.services.issued.ledgers._shelves.clear()
        monkeypatch.setattr(plan_reports, "QUICK", 3)
        assert (await finn.services.listings.show(f"{market['sol'].id}/cap")).plan is None
        assert not finn.services.issued.ledgers.holds(market["sol"].me.id)


async def test_a_plan_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with credits(tmp_path, dict(CAP)) as market:
        finn = await offered(market)
        ref = f"{market['sol'].id}/cap"
        before = await finn.services.listings.show(ref)
        monkeypatch.setattr(plan_reports, "measure", None)
        assert await finn.services.listings.show(ref) == before


async def test_search_results_show_it_in_short_and_fold_nothing(tmp_path: Path) -> None:
    async with credits(tmp_path, dict(CAP)) as market:
        finn = await offered(market)
        query = models.SearchQuery(text="cap")
        assert (await finn.services.search.find(query)).items[0].plan is UNSET
        assert not await finn.services.briefs.look()
        finn.services.issued.ledgers._shelves.clear()
        found = await finn.services.search.find(query)
        [one] = found.items
        shown = one.plan
        assert not finn.services.issued.ledgers.holds(market["sol"].me.id)
        assert isinstance(shown, models.PlanBrief)
        whole_ = (await finn.services.listings.show(one.ref)).plan
        assert whole_ is not None and whole_.earnings is not None
        assert (shown.team, shown.plan, shown.members) == (
            whole_.team, whole_.report.plan, whole_.earnings.members,
        )  # fmt: skip
        assert shown.warns == sum(each.verdict != "pass" for each in whole_.report.findings)
        assert "earned nothing" in said(listings._show_found, found)


async def test_a_seller_has_so_many_plans_measured_and_no_others_shown_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any stranger may publish a thousand plans, and opportunities that name two hundred listings each."""
    async with credits(tmp_path, dict(CAP)) as market:
        finn, seller = await offered(market), market["sol"].me.id
        products = [*(f"none-{number}" for number in range(199)), "cap"]
        await market["sol"].services.opportunities.publish(
            msgspec.convert(OPPORTUNITY | {"products": products}, models.OpportunityPublish)
        )
        await publish(market, alone("For all else"))
        await finn.projector.level()
        reports = plan_reports.PlanReports(finn.store, finn.services.issued.ledgers, market.clock)
        monkeypatch.setattr(plan_reports, "BRIEFED", 2)
        found = await reports.briefs(seller)
        assert (found.listings, found.others, len(found.plans)) == ({"cap": 1}, 0, 2)
        monkeypatch.setattr(plan_reports, "BRIEFED", 1)
        found = await reports.briefs(seller)
        assert (found.listings, found.others, len(found.plans)) == ({"cap": None}, 0, 1)
        assert found.of("cap") is None and found.of("hat") == found.plans[0]


async def test_a_table_of_briefs_is_made_anew_and_follows_the_log(tmp_path: Path) -> None:
    async with credits(tmp_path, dict(CAP)) as market:
        finn = await offered(market)
        await finn.services.briefs.look()
        before = await finn.store.read(gists.every, About.PLANS)
        await finn.store.write(lambda writer: catalogue.rebuild(writer.connection))
        await finn.projector.level()
        await finn.services.briefs.look()
        assert await finn.store.read(gists.every, About.PLANS) == before != {}
        await market["sol"].services.listings.withdraw("cap")
        await market.meet()
        market.clock.now += 700_000
        await finn.projector.level()
        await finn.services.briefs.look()
        [row] = (await finn.store.read(gists.every, About.PLANS)).values()
        assert row.at == market.clock.now


async def test_a_running_node_measures_by_itself(tmp_path: Path) -> None:
    async with credits(tmp_path, dict(CAP)) as market:
        finn = await offered(market)
        running = asyncio.create_task(finn.services.briefs.run(finn.bus, finn.projector))
        try:
            await until(lambda: _planned(finn), "search shows it")
        finally:
            running.cancel()


async def test_what_strangers_publish_all_day_leaves_the_lane_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that took ten seconds is followed by thirty in which nothing is folded or measured."""
    async with credits(tmp_path, dict(CAP)) as market:
        finn = await offered(market)
        briefs, pauses = finn.services.briefs, list[float]()
        seconds = iter(range(0, 1_000, 10))
        monkeypatch.setattr(
            briefs, "_clock", SimpleNamespace(now_ms=lambda: 0, monotonic=lambda: next(seconds))
        )

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            raise asyncio.CancelledError

        with monkeypatch.context() as patched, pytest.raises(asyncio.CancelledError):
            patched.setattr(gisting.asyncio, "sleep", sleep)
            await briefs.run(finn.bus, finn.projector)
        assert pauses == [30]


async def _planned(home: OpenHome) -> bool:
    found = await home.services.search.find(models.SearchQuery(text="cap"))
    return found.items[0].plan is not UNSET
