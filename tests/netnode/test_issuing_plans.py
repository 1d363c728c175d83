"""Plans published, sales that follow them, periods closed: by a seller with a team of members who sell."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from netnode.issuing.plans import plan_of
from netnode.operations import models
from netnode.plans.reading import plan_from
from netnode.problems import ExitCode, Problem
from netnode.services import ordering
from protocol.certificate import DAY_MS
from protocol.records import encode_record
from protocol.records.plan import Plan, Unit
from tests.netnode.issuers import CAP, Credits, credits
from tests.netnode.test_teams import GIVEN
from tests.protocol.ledger.world import plan_record

OPPORTUNITY: dict[str, Any] = GIVEN | {"products": ["cap"]}


def plan(**fields: Any) -> Plan:
    return plan_record(opportunity="linen-team", **fields)


def alone(title: str) -> Plan:
    """Without a team: a tenth for who led the buyer, half of that for the one before, and so on."""
    path = [{"mode": "geometric", "first": "10%", "ratio": "50%"}]
    whole = {"title": title, "unit": "credit", "currency": "EUR", "maximum": "20%", "path": path}
    return plan_from(whole | {"r5": False, "r6": False, "r19": False}, "here")


async def publish(market: Credits, given: Plan) -> models.PlanPublished:
    found = await market["sol"].services.credits.publish(models.PlanPublish(plan=encode_record(given)))
    await market.meet()
    return found


async def opportunity(market: Credits) -> None:
    await market["sol"].services.opportunities.publish(
        msgspec.convert(OPPORTUNITY, models.OpportunityPublish)
    )
    await market.meet()


async def test_an_order_names_the_plan_in_force_and_the_sale_follows_it(tmp_path: Path) -> None:
    """[R-CRED-71] A referrer outside the team earns the first level; a plan without a path earns nobody anything."""
    async with credits(tmp_path, dict(CAP)) as market:
        await opportunity(market)
        published = await publish(market, plan())
        assert published.opportunity == "linen-team" and published.starts == market.clock.now
        deal = await market.order(market.token())
        await market.complete(deal)
        await market.look()
        assert await market.kinds() == [10, 22]
        assert (await market.figures("rita", "star")).pending == 125


async def test_a_changed_plan_is_told_ahead(tmp_path: Path) -> None:
    """[R-CRED-19] And orders name the one before until then."""
    async with credits(tmp_path, dict(CAP)) as market:
        await opportunity(market)
        first = await publish(market, plan())
        second = await publish(market, plan(title="Another"))
        assert second.starts == first.starts + 30 * DAY_MS
        ledger = await market["bea"].services.issued.ledgers.of(market["sol"].me.id)
        assert plan_of(ledger, "cap", market.clock.now) == bytes.fromhex(first.plan)
        assert plan_of(ledger, "cap", second.starts) == bytes.fromhex(second.plan)
        assert plan_of(ledger, "mug", market.clock.now) is None


async def test_a_plan_without_a_team_pays_everybody_of_the_path(tmp_path: Path) -> None:
    """[R-CRED-71] The newest one, where no opportunity names the listing."""
    async with credits(tmp_path, dict(CAP)) as market:
        older = alone("Older")
        newer = alone("Newer")
        for each in (older, newer):
            await publish(market, each)
        ledger = await market["bea"].services.issued.ledgers.of(market["sol"].me.id)
        assert plan_of(ledger, "cap", market.clock.now) == hashlib.sha256(encode_record(newer)).digest()
        first = market.token("finn")
        await market.complete(await market.order(first, market.token("rita", first)))
        await market.look()
        assert [(await market.figures(each, "credit")).pending for each in ("rita", "finn")] == [125, 62]


@pytest.mark.parametrize("named", ["unknown", "of another listing", "replaced"])
async def test_an_order_that_names_another_plan_is_not_accepted_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """[R-CRED-71] Nobody is paid by a plan that the seller does not offer for it."""
    async with credits(tmp_path, dict(CAP)) as market:
        sol = market["sol"].services
        given = alone("Alone")
        digests = {"unknown": b"x" * 32, "of another listing": hashlib.sha256(encode_record(given)).digest()}
        await publish(market, given)
        await opportunity(market)
        digests["replaced"] = bytes.fromhex((await publish(market, plan())).plan)
        await publish(market, plan(title="Another"))
        if named == "replaced":
            market.clock.now += 31 * DAY_MS
        monkeypatch.setattr(ordering, "plan_of", lambda *given: digests[named])
        await sol.stock.change(models.StockChange(key="cap", auto_accept="on"))
        wish = models.DealOrder(ref=f"{market['sol'].id}/cap", path=[market.token().hex()])
        deal = (await market["bea"].services.deals.order(wish)).deal
        await market.post.carry()
        shown = await sol.deals.show(deal)
        assert (shown.state, len(shown.differs)) == ("ordered", 1)
        assert shown.differs[0].startswith("it names a plan that does not hold for that listing")
        with pytest.raises(Problem) as refused:
            await sol.deals.accept(models.DealAccept(deal=deal))
        assert (refused.value.code, refused.value.details["differs"]) == ("differs", shown.differs)
        await sol.deals.accept(models.DealAccept(deal=deal, anyway=True))


async def test_a_plan_that_ends_soon_is_taken_until_it_has_ended(tmp_path: Path) -> None:
    """[R-CRED-19] [R-CRED-71] Ordered before the end, agreed on after it."""
    async with credits(tmp_path, dict(CAP)) as market:
        await opportunity(market)
        await publish(market, plan())
        changed = await publish(market, plan(title="Another"))
        market.clock.now = changed.starts - 1
        wish = models.DealOrder(ref=f"{market['sol'].id}/cap", path=[market.token().hex()])
        deal = (await market["bea"].services.deals.order(wish)).deal
        await market.post.carry()
        market.clock.now = changed.starts + 1
        assert (await market["sol"].services.deals.show(deal)).differs == []
        await market["sol"].services.deals.accept(models.DealAccept(deal=deal))


async def test_a_void_plan_is_refused_with_its_reasons(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await opportunity(market)
        with pytest.raises(Problem) as refused:
            await publish(market, plan(maximum=(1, 100)))
        assert (refused.value.code, refused.value.exit_code) == ("plan_void", ExitCode.REFUSED)
        assert refused.value.details["findings"][0][1] == "void"
        await publish(market, plan())
        with pytest.raises(Problem) as again:
            await publish(market, plan())
        assert again.value.code == "already_logged"
        with pytest.raises(Problem) as nowhere:
            await publish(market, plan_record(opportunity="nothing"))
        assert (nowhere.value.code, nowhere.value.exit_code) == ("no_opportunity", ExitCode.NOT_FOUND)
        assert "which you have not published" in nowhere.value.text
        assert await market.kinds() == [10]


async def test_a_plan_that_would_give_a_unit_other_decimal_places_is_not_published(tmp_path: Path) -> None:
    """[R-CRED-19] 10.00 of it would become 0.1000."""
    async with credits(tmp_path, dict(CAP)) as market:
        await publish(market, alone("First"))
        changed = msgspec.structs.replace(alone("Second"), unit=Unit(name="credit", exponent=4))
        with pytest.raises(Problem) as refused:
            await publish(market, changed)
        assert refused.value.code == "plan_terms"
        assert "credit has 2 decimal places" in refused.value.text
        assert await market.kinds() == [10]


async def test_what_cheating_gains_is_told_when_a_plan_is_published(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await opportunity(market)
        wish = models.PlanPublish(plan=encode_record(plan()), trees=2)
        found = await market["sol"].services.credits.publish(wish)
        rules = {each.rule for each in found.findings}
        assert {"R10", "splitting", "sponsors", "cliff", "recruiting", "depth"} <= rules, rules
        assert any("2 random trees" in each.text for each in found.findings)


async def test_a_period_is_previewed_closed_and_the_same_when_asked_again(tmp_path: Path) -> None:
    """[R-CRED-33]"""
    async with credits(tmp_path, dict(CAP)) as market:
        await opportunity(market)
        await publish(market, plan())
        services = market["sol"].services.credits
        begun = market.clock.now
        await market.complete(await market.order(market.token()))
        await market.look()
        asked = models.PeriodChoice(key="linen-team")
        before = await services.preview(asked)
        assert (before.over, before.entry, before.begins <= begun < before.ends) == (False, None, True)
        with pytest.raises(Problem) as early:
            await services.close(asked)
        assert early.value.code == "not_over"
        market.clock.now = before.ends + DAY_MS
        preview = await services.preview(asked)
        closed = await services.close(asked)
        assert closed.entry is not None and closed.hash == preview.hash
        again = await services.close(models.PeriodChoice(key="linen-team", at=begun))
        assert (again.hash, again.entry) == (closed.hash, closed.entry)
        assert await market.kinds() == [10, 22, 24]
        following = await services.preview(asked)
        assert following.begins == closed.ends
        with pytest.raises(Problem) as nobody:
            await services.preview(models.PeriodChoice(key="mug"))
        assert nobody.value.exit_code == ExitCode.NOT_FOUND
