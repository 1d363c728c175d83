"""Goods that a member bought from the owner: asked to be taken back, paid back in the deal, challenged in public."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from netnode.deals.buyer_keys import buyer_signer
from netnode.ledgers.standing import Standing, standing
from netnode.mail.letters import Incoming, Refusal
from netnode.operations import models
from netnode.problems import Problem
from netnode.store import Writer, teams
from netnode.store.teams import PaperRow
from protocol.certificate import DAY_MS
from protocol.records.team import Buyback
from protocol.teams.letters import BuybackLetter
from protocol.teams.statements import BuybackRequest, read, sign_bought
from tests.netnode.dealing import CAP
from tests.netnode.issuers import Credits
from tests.netnode.services_home import NETWORK
from tests.netnode.test_teams import Company, company, plan
from tests.protocol.author import seed


@asynccontextmanager
async def stocked(path: Path, **rules: Any) -> AsyncIterator[tuple[Company, str]]:
    """A member `bea` who has bought three caps from the owner and received them; the order's id."""
    async with company(path, "bea", "finn") as linen:
        if rules:
            await linen.publish_plan(plan(**rules))
        await linen.join("bea", "sol")
        await linen["sol"].services.listings.publish(dict(CAP))
        for one in linen.homes.values():
            for other in linen.homes.values():
                await one.store.write(Writer.follow, other.me.id, linen.clock.now)
        await linen.meet()
        yield linen, await bought(linen)


async def bought(linen: Company) -> str:
    market = Credits(linen.homes, linen.post, linen.clock)
    deal = await market.order(quantity=3)
    await market.complete(deal)
    return deal


async def listed(linen: Company, name: str, **query: Any) -> list[models.Buyback]:
    return (await linen[name].services.buybacks.list(models.BuybacksQuery(**query))).items


async def ask(linen: Company, *pieces: tuple[int, int], deal: str | None = None) -> models.Buyback:
    request = models.BuybackAsk(team=linen.team, deal=deal, pieces=list(pieces))
    (one,) = (await linen["bea"].services.buybacks.ask(request)).items
    await linen.post.carry()
    return one


async def stands(linen: Company, by: str = "finn") -> Standing:
    """How a third node shows the owner."""
    await linen.meet()
    home = linen[by]
    await home.projector.level()
    for _ in range(2):
        await home.services.issued.challenging.look()
        await linen.post.carry()
    now = linen.clock.now
    return await home.services.issued.ledgers.study(
        linen["sol"].me.id, lambda reader, ledger: standing(reader, NETWORK, ledger, now)
    )


async def test_who_leaves_gives_back_what_is_left_and_gets_the_refund_in_the_deal(tmp_path: Path) -> None:
    """[R-TEAM-29] [R-TEAM-31] Ninety of a hundred of what was paid, by an ordinary refund, once."""
    async with stocked(tmp_path) as (linen, deal):
        page = await linen["bea"].services.buybacks.goods(models.BuybackGoodsQuery(team=linen.team))
        (goods,) = page.items
        assert (goods.deal, [(line.line, line.left) for line in goods.lines]) == (deal, [(0, 3)])
        due = goods.due
        done = await linen["bea"].services.teams.leave(
            models.TeamLeave(team=linen.team, reason="earnings", buyback=True)
        )
        assert [one.kind for one in done.skipped] == ["leaving", "buyback"]
        await linen.post.carry()
        await linen["sol"].services.team_work._admitting.log_papers()
        await linen.meet()
        assert await linen.tree() == []
        (one,) = await listed(linen, "sol", waiting=True)
        assert (one.state, one.amount, one.owed, one.own) == ("waiting", due, due, False)
        assert one.due == one.at + 14 * DAY_MS
        paid = await linen["sol"].services.buybacks.pay(models.BuybackPay(paper=one.paper[:8], method="Bank"))
        assert paid.state == "paid back" and await listed(linen, "sol", waiting=True) == []
        with pytest.raises(Problem) as again:
            await linen["sol"].services.buybacks.pay(models.BuybackPay(paper=one.paper))
        assert again.value.code == "already_logged"
        await linen.post.carry()
        assert [each.state for each in await listed(linen, "bea")] == ["paid back"]
        await linen["bea"].services.deals.refunded(models.DealMoney(deal=deal))
        figures = (await linen["bea"].services.deals.show(deal)).figures
        assert f"{figures.refunded.amount} EUR" == due, figures
        page = await linen["bea"].services.buybacks.goods(models.BuybackGoodsQuery(team=linen.team))
        assert page.items == []


async def test_pieces_are_given_back_once_and_what_was_sold_is_left_out(tmp_path: Path) -> None:
    async with stocked(tmp_path) as (linen, deal):
        await ask(linen, (0, 2), deal=deal)
        with pytest.raises(Problem) as refused:
            await linen["bea"].services.buybacks.ask(
                models.BuybackAsk(team=linen.team, deal=deal, pieces=[(0, 2)])
            )
        assert refused.value.code == "nothing_left" and "1 pieces" in refused.value.text
        (one,) = (await linen["bea"].services.buybacks.goods(models.BuybackGoodsQuery(team=linen.team))).items
        assert [line.left for line in one.lines] == [1]


async def test_pieces_are_taken_back_once_also_by_requests_of_two_members(tmp_path: Path) -> None:
    """[R-TEAM-29] The key of the order can sign for both; and neither is paid where the other is paid meanwhile."""
    async with stocked(tmp_path) as (linen, deal):
        await linen.join("finn", "sol")
        one = await ask(linen, (0, 2), deal=deal)
        said = read(BuybackRequest, (await papers(linen, "sol"))[0].data)
        bea = linen["bea"].services.buybacks._taking_back
        (had,) = await bea.purchases(said.owner, said.opportunity)
        secret = bea._means.ring.keys.deal_secret
        assert secret is not None
        key = buyer_signer(NETWORK, secret, had.goods.salt)
        other = msgspec.structs.replace(said, signer=linen["finn"].me.id, amount=1)
        sent = linen["finn"].services.buybacks._taking_back._papers
        await sent.send("buyback", sign_bought(NETWORK, key, other), linen["sol"].me.id, "")
        await linen.post.carry()
        two = next(each for each in await listed(linen, "sol") if each.paper != one.paper)
        assert two.state == "waiting" and two.owed is not None
        pay = linen["sol"].services.buybacks.pay
        paid = await asyncio.gather(
            *(pay(models.BuybackPay(paper=each.paper)) for each in (one, two)), return_exceptions=True
        )
        assert [each.code for each in paid if isinstance(each, Problem)] == ["too_much"]
        with pytest.raises(Problem) as again:
            unpaid = next(each for each in await listed(linen, "sol") if each.state == "waiting")
            await pay(models.BuybackPay(paper=unpaid.paper))
        assert again.value.code == "too_much"


async def papers(linen: Company, name: str) -> list[PaperRow]:
    """All requests to the owner, as a node keeps them."""
    owner = linen["sol"].me.id
    return await linen[name].store.read(lambda reader: teams.buybacks(reader.connection, owner))


async def test_the_terms_are_those_of_the_plan(tmp_path: Path) -> None:
    async with stocked(tmp_path, buyback=Buyback(days=10, points=5_000)) as (linen, _):
        (one,) = (await linen["bea"].services.buybacks.goods(models.BuybackGoodsQuery(team=linen.team))).items
        assert one.until <= linen.clock.now + 10 * DAY_MS
        linen.clock.now += 11 * DAY_MS
        page = await linen["bea"].services.buybacks.goods(models.BuybackGoodsQuery(team=linen.team))
        assert page.items == []
        with pytest.raises(Problem) as refused:
            await linen["bea"].services.buybacks.ask(models.BuybackAsk(team=linen.team))
        assert refused.value.code == "nothing_left"


async def test_a_request_that_is_not_answered_is_challenged_and_the_owner_suspected(tmp_path: Path) -> None:
    """[R-CRED-54] [R-CRED-76] The refund and its answer clear it everywhere."""
    async with stocked(tmp_path) as (linen, _):
        one = await ask(linen)
        with pytest.raises(Problem) as soon:
            await linen["bea"].services.buybacks.challenge(models.BuybackName(one.paper))
        assert soon.value.code == "too_soon"
        linen.clock.now += 14 * DAY_MS
        assert [each.state for each in await listed(linen, "bea")] == ["overdue"]
        await linen["bea"].services.buybacks.challenge(models.BuybackName(one.paper))
        assert [each.state for each in await listed(linen, "bea")] == ["challenged"]
        found = await stands(linen)
        assert (found.open, found.overdue) == (1, 0)
        await linen["sol"].services.issued.challenging.look()  # the owner has not decided
        linen.clock.now += 14 * DAY_MS
        assert (await stands(linen)).suspected
        (asked,) = await listed(linen, "sol")
        await linen["sol"].services.buybacks.pay(models.BuybackPay(paper=asked.paper))
        for _ in range(2):
            await linen["sol"].services.issued.challenging.look()
        found = await stands(linen)
        assert (found.suspected, found.refused) == (False, ("refunded",))


async def test_a_request_whose_letter_never_came_reaches_the_owner_by_the_challenge(tmp_path: Path) -> None:
    async with stocked(tmp_path) as (linen, _):
        request = models.BuybackAsk(team=linen.team)
        (one,) = (await linen["bea"].services.buybacks.ask(request)).items
        await linen["bea"].store.write(
            lambda writer: writer.connection.execute("DELETE FROM outbox WHERE type = 'team'")
        )
        linen.clock.now += 14 * DAY_MS
        await linen["bea"].services.buybacks.challenge(models.BuybackName(one.paper))
        await linen.post.carry()
        await linen["sol"].services.issued.challenging.look()
        assert [each.paper for each in await listed(linen, "sol", waiting=True)] == [one.paper]


async def test_a_refusal_is_told_and_answers_the_challenge(tmp_path: Path) -> None:
    async with stocked(tmp_path) as (linen, _):
        one = await ask(linen)
        refusal = models.BuybackRefuse(paper=one.paper, code="not_returned", text="Nothing came.")
        assert (await linen["sol"].services.buybacks.refuse(refusal)).state == "refused"
        await linen.post.carry()
        (mine,) = await listed(linen, "bea")
        assert (mine.state, mine.code) == ("refused", "not_returned")
        (left,) = (
            await linen["bea"].services.buybacks.goods(models.BuybackGoodsQuery(team=linen.team))
        ).items
        assert [line.left for line in left.lines] == [3], "it can be asked for again"
        await linen["bea"].services.buybacks.challenge(models.BuybackName(one.paper))
        await linen.post.carry()
        await linen["sol"].services.issued.challenging.look()
        linen.clock.now += 15 * DAY_MS
        found = await stands(linen)
        assert (found.suspected, found.refused) == (False, ("not_returned",))


def incoming(body: Any, sender: bytes, at: int) -> Incoming:
    return Incoming(
        sender=sender, epoch=0, key=bytes(32), id=bytes(16), first=bytes(16), stranger=False, body=body, at=at,
        reply=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("what", "code"), [("other key", "not_signed"), ("other order", "no_deal"), ("no member", "no_member")]
)
async def test_only_who_bought_as_a_member_can_ask(tmp_path: Path, what: str, code: str) -> None:
    """[R-TEAM-31] Nobody asks for the money of others."""
    async with stocked(tmp_path) as (linen, _):
        one = await ask(linen)
        (row,) = await linen["bea"].store.read(
            lambda reader: teams.buybacks(reader.connection, linen["sol"].me.id)
        )
        assert row.id.hex() == one.paper
        said, name = read(BuybackRequest, row.data), "bea"
        match what:
            case "other key":
                said = sign_bought(NETWORK, linen["finn"].me.signer, msgspec.structs.replace(said, amount=1))
            case "other order":
                said = msgspec.structs.replace(said, order=seed("another"))
            case "no member":
                said, name = msgspec.structs.replace(said, signer=linen["finn"].me.id), "finn"
        papers = linen[name].services.buybacks._taking_back._papers
        sent = papers.letter(await papers.send("buyback", said, linen["sol"].me.id, ""))
        desk = linen["sol"].services.buybacks._taking_back._papers
        found = await desk.take(incoming(sent, linen[name].me.id, linen.clock.now))
        assert isinstance(found, Refusal) and found.code == code
        assert len(await listed(linen, "sol")) == 1


async def test_a_refusal_of_a_request_that_was_never_made_or_by_another_is_refused(tmp_path: Path) -> None:
    async with stocked(tmp_path) as (linen, _):
        one = await ask(linen)
        take = linen["bea"].services.buybacks._taking_back.take
        for request, by in ((seed("nothing"), "sol"), (bytes.fromhex(one.paper), "finn")):
            body = BuybackLetter(code="other", request=request)
            found = await take(incoming(body, linen[by].me.id, linen.clock.now))
            assert isinstance(found, Refusal) and found.code == "no_request"
        assert [each.state for each in await listed(linen, "bea")] == ["waiting"]
