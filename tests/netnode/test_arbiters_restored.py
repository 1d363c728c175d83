"""Disputes with a home that was put back: an arbiter asks both sides, a side asks the arbiter too [R-DEAL-32]."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.deals.holding import AGAIN_MS
from netnode.operations import models
from netnode.store import Writer, letters
from netnode.store.letters import OutRow
from tests.netnode.services_home import opened
from tests.netnode.test_arbiters import Court, court
from tests.netnode.test_deals_restored import copy_of, put_back


async def held(found: Court, deal: str) -> bool:
    return isinstance((await found.arbiter.services.deals.show(deal)).held, str)


async def asked(found: Court) -> dict[bytes, OutRow]:
    """The arbiter, whose home was put back, asks; the questions by whom they go to."""
    await put_back(found.trade, found.arbiter)
    await found.arbiter.trading.holding.run()
    return {row.recipient: row for row in await found.trade.post.waiting(found.arbiter)}


async def test_an_arbiter_who_was_put_back_asks_both_sides(tmp_path: Path) -> None:  # [R-DEAL-32]
    """What the lost home ruled may be known to one of them alone."""
    async with court(tmp_path) as found:
        deal = await found.disputed()
        seller, buyer = found.trade.seller.me.id, found.trade.buyer.me.id
        questions = await asked(found)
        assert questions.keys() == {seller, buyer}
        for home in (found.trade.seller, found.trade.buyer):
            assert await held(found, deal)
            await found.trade.post.bring(found.arbiter, questions[home.me.id])
            for row in await found.trade.post.waiting(home):
                await found.trade.post.bring(home, row)
                await found.trade.post.bring(home, row)  # one side's answer is one, as often as it comes
        assert not await held(found, deal)


@pytest.mark.parametrize("gone", ["seller", "buyer"])
async def test_an_arbiter_goes_on_by_one_answer_once_the_time_of_the_other_is_over(
    tmp_path: Path, gone: str
) -> None:  # [R-DEAL-32]
    async with court(tmp_path) as found:
        deal = await found.disputed()
        away = getattr(found.trade, gone).me.id
        questions = await asked(found)
        await found.arbiter.store.write(letters.refused, away, questions[away].id, "busy", "", 0)
        await found.trade.post.carry(lambda row: row.recipient != away)
        found.trade.clock.now += AGAIN_MS
        await found.arbiter.trading.holding.run()
        assert await held(found, deal)  # busy is for now: it is asked again
        await found.arbiter.trading.holding.run()
        await found.trade.post.carry(lambda row: row.recipient != away)
        (last,) = await found.trade.post.waiting(found.arbiter)
        assert last.recipient == away
        await found.arbiter.store.write(_over, last.i)
        await found.arbiter.trading.holding.run()
        assert not await held(found, deal)


@pytest.mark.parametrize("copied", ["before the dispute", "in the dispute"])
async def test_a_party_who_was_put_back_asks_the_arbiter_too(
    tmp_path: Path, copied: str
) -> None:  # [R-DEAL-32]
    """A word of the lost home may have reached the arbiter alone: its number is not used twice, and all hear of it."""
    async with court(tmp_path) as found:
        trade, buys = found.trade, found.trade.buyer.services.deals
        await found.consent(trade.buyer, trade.seller)
        deal = (await trade.order(arbiter=found.id)).deal
        await found.carry()
        await trade.seller.services.deals.accept(models.DealAccept(deal=deal))
        await found.carry()
        await buys.paid(models.DealMoney(deal=deal))
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal))
        await found.carry()
        if copied == "before the dispute":
            await copy_of(trade.buyer, tmp_path / "back" / "bea")
        await buys.dispute(models.DealDispute(deal=deal, claim="2.50", text="It never came."))
        await found.carry()
        if copied == "in the dispute":
            await copy_of(trade.buyer, tmp_path / "back" / "bea")
        await buys.receipt(models.DealPartName(deal=deal))
        for row in await trade.post.waiting(trade.buyer):
            if row.recipient == found.arbiter.me.id:
                await trade.post.bring(trade.buyer, row)
        async with opened(tmp_path / "back", "bea", clock=trade.clock) as back:
            await put_back(trade, back)
            trade.post.homes[back.me.id] = back
            for _ in range(3):
                await back.trading.holding.run()
                await found.carry()
            shown = [await each.services.deals.show(deal) for each in (back, trade.seller, found.arbiter)]
            assert not isinstance(shown[0].held, str)
            said = [[message.type for message in each.messages] for each in shown]
            assert said[0] == said[1] == said[2] and said[0][-1] == "receive"


def _over(writer: Writer, row: int) -> None:
    writer.connection.execute(
        "UPDATE outbox SET state = 'refused', code = 'letter_expired', due = NULL WHERE i = ?", (row,)
    )


async def test_a_party_goes_on_once_the_time_of_its_arbiter_is_over(tmp_path: Path) -> None:  # [R-DEAL-32]
    """Of the other side it expects an answer for as long as it takes: most of what it said went there."""
    async with court(tmp_path) as found:
        deal = await found.disputed()
        trade, arbiter, buyer = found.trade, found.arbiter.me.id, found.trade.buyer.me.id
        await put_back(trade, trade.seller)
        for gone in (buyer, arbiter):
            await trade.seller.trading.holding.run()
            await trade.post.carry(lambda row, gone=gone: row.recipient != gone)
            (last,) = await trade.post.waiting(trade.seller)
            assert last.recipient == gone
            await trade.seller.store.write(_over, last.i)
            await trade.seller.trading.holding.run()
            shown = await trade.seller.services.deals.show(deal)
            assert isinstance(shown.held, str) is (gone == buyer)
            trade.clock.now += AGAIN_MS
            await trade.seller.trading.holding.run()
