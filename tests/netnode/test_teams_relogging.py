"""What an owner's own rotation took out of their teams is logged again, once; what cannot be is told to them."""

from __future__ import annotations

from pathlib import Path

from netnode.operations import models
from netnode.store import Writer
from protocol.certificate import DAY_MS
from protocol.records import Admission, ClosePart, Duty, Leave, Move, encode_record
from protocol.records.team import Module
from tests.netnode.dealing import CAP
from tests.netnode.issuers import credits
from tests.netnode.services_home import OpenHome
from tests.netnode.test_issuing_plans import opportunity, publish
from tests.netnode.test_issuing_plans import plan as priced
from tests.netnode.test_rekeying import rotate
from tests.netnode.test_relogging import tip
from tests.netnode.test_teams import Company, company, plan


async def settles(linen: Company, rounds: int = 2) -> None:
    for _ in range(rounds):
        await linen["sol"].services.issued.sales.look()
        await linen["sol"].services.team_work.run()
    await linen.meet()


async def kinds(home: OpenHome) -> list[int]:
    """Of the log as it goes on, by who holds it."""
    count = await tip(home)
    found = await home.store.read(lambda reader: reader.entries(home.me.id, 0, count, 2**40))
    return [each.kind for each in found]


async def not_again(home: OpenHome) -> dict[str, str]:
    """By kind why entries are not logged again."""
    page = await home.services.keys.disowned(models.KeyExhibits())
    return {one.entry.kind_name: one.why for one in page.items if one.why}


async def test_admissions_are_logged_again(tmp_path: Path) -> None:
    async with company(tmp_path, "ada", "bob") as linen:
        sol = linen["sol"]
        await linen.publish_plan(plan(modules=(Module(key="start"),)))
        last = await tip(sol)
        await linen.join("ada", "sol")
        await linen.join("bob", "ada")
        await linen["bob"].services.teams.duty(models.TeamDutyDone(team=linen.team, module="start"))
        await linen.post.carry()
        await settles(linen)
        before = await linen.tree("bob")
        linen.clock.now += DAY_MS
        await rotate(sol, last=last)
        await linen.meet()
        assert await linen.tree("bob") == []
        await settles(linen)
        assert await linen.tree("bob") == before == [(1, "ada", "sol"), (2, "bob", "ada")]
        refused = await not_again(sol)
        assert "dated before the membership" in refused.pop("duty"), "which begins with the new entry"
        assert refused == {}
        found = await kinds(sol)
        await _forget_that_it_was_noted(sol)
        await settles(linen)
        assert await kinds(sol) == found, "nothing twice, also after a crash"


async def test_who_left_is_not_brought_back(tmp_path: Path) -> None:
    """Their leaving would be about an earlier membership; whom they had brought the owner is told of."""
    async with company(tmp_path, "ada", "bob") as linen:
        sol = linen["sol"]
        last = await tip(sol)
        await linen.join("ada", "sol")
        await linen.join("bob", "ada")
        await linen["ada"].services.teams.leave(models.TeamLeave(team=linen.team, reason="time"))
        await linen.post.carry()
        await settles(linen)
        linen.clock.now += DAY_MS
        await rotate(sol, last=last)
        await settles(linen)
        assert await linen.tree("bob") == []
        assert "sponsor is no member" in (await not_again(sol)).pop("admission")


async def test_a_leaving_is_logged_again(tmp_path: Path) -> None:
    async with company(tmp_path, "ada") as linen:
        sol = linen["sol"]
        await linen.join("ada", "sol")
        last = await tip(sol)
        await linen["ada"].services.teams.leave(models.TeamLeave(team=linen.team, reason="time"))
        await linen.post.carry()
        await settles(linen)
        linen.clock.now += DAY_MS
        await rotate(sol, last=last)
        assert Leave.KIND not in await kinds(sol)
        await settles(linen)
        assert await linen.tree("ada") == [] and (await kinds(sol)).count(Leave.KIND) == 1


async def test_a_duty_of_who_stayed_a_member_is_logged_again(tmp_path: Path) -> None:
    async with company(tmp_path, "ada") as linen:
        sol = linen["sol"]
        await linen.publish_plan(plan(modules=(Module(key="start"),)))
        await linen.join("ada", "sol")
        last = await tip(sol)
        await linen["ada"].services.teams.duty(models.TeamDutyDone(team=linen.team, module="start"))
        await linen.post.carry()
        await settles(linen)
        linen.clock.now += DAY_MS
        await rotate(sol, last=last)
        assert Duty.KIND not in await kinds(sol)
        await settles(linen)
        assert (await kinds(sol)).count(Duty.KIND) == 1
        assert await not_again(sol) == {}


async def _forget_that_it_was_noted(home: OpenHome) -> None:
    """The process ended before it was noted."""
    await home.store.write(lambda writer: writer.set_meta("relogged", None))
    home.services.issued.sales.before.__self__._place = None  # type: ignore[attr-defined]


async def test_who_left_since_is_not_admitted_again(tmp_path: Path) -> None:
    async with company(tmp_path, "ada") as linen:
        sol = linen["sol"]
        last = await tip(sol)
        await linen.join("ada", "sol")
        await rotate(sol, last=last)
        await settles(linen)
        await linen["ada"].services.teams.leave(models.TeamLeave(team=linen.team, reason="time"))
        await linen.post.carry()
        await settles(linen)
        await _forget_that_it_was_noted(sol)
        await settles(linen)
        assert await linen.tree("ada") == []


async def test_what_nobody_here_has_papers_of_is_told_to_the_owner(tmp_path: Path) -> None:
    """Whoever had the key may have written it."""
    async with company(tmp_path, "ada", "bob") as linen:
        sol = linen["sol"]
        await linen.join("bob", "sol")
        last = await tip(sol)
        await linen.join("ada", "sol")
        ended = Leave(ended="terms", member=linen["bob"].me.id, openers=(), opportunity="linen-team")
        await sol.own.append([(Leave.KIND, encode_record(ended))])
        await rotate(sol, last=last)
        await sol.store.write(_burnt)
        await settles(linen)
        assert Admission.KIND not in (await kinds(sol))[last + 1 :]
        found = await not_again(sol)
        assert "whoever had your key" in found["admission"]
        assert "end it again" in found["leave"]


def _burnt(writer: Writer) -> None:
    with writer.transaction():
        writer.connection.execute("DELETE FROM team_paper")


async def test_a_move_is_made_again(tmp_path: Path) -> None:
    async with company(tmp_path, "ada", "bob") as linen:
        sol = linen["sol"]
        await linen.join("ada", "sol")
        await linen.join("bob", "sol")
        last = await tip(sol)
        wish = models.TeamMove(team=linen.team, member=linen["bob"].id, sponsor=linen["ada"].id)
        for name in ("bob", "ada"):
            await linen[name].services.teams.move(wish)
        await linen.post.carry()
        await sol.services.teams.move(wish)
        await linen.meet()
        moved = await linen.tree("ada")
        await rotate(sol, last=last)
        await settles(linen)
        assert await linen.tree("ada") == moved
        assert (await kinds(sol)).count(Move.KIND) == 1


async def test_a_period_that_was_closed_is_closed_again_after_its_sales(tmp_path: Path) -> None:
    async with credits(tmp_path, dict(CAP)) as market:
        sol = market["sol"]
        await opportunity(market)
        await publish(market, priced())
        last = await tip(sol)
        services = sol.services.credits
        await market.complete(await market.order(market.token()))
        await market.look()
        asked = models.PeriodChoice(key="linen-team")
        market.clock.now = (await services.preview(asked)).ends + DAY_MS
        await services.close(asked)
        await rotate(sol, last=last)
        assert ClosePart.KIND not in await kinds(sol)
        for _ in range(2):
            await market.look()
            await _forget_that_it_was_noted(sol)
        assert await market.kinds() == [10, 22, ClosePart.KIND]
        assert await not_again(sol) == {}
