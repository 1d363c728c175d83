"""Faults of deals that the simulator found, each as its own test."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.home import Home
from netnode.homes.founding import initialise
from netnode.keys.keystore import Keystore
from netnode.operations import models
from netnode.problems import Problem
from netnode.system import SystemDisk, SystemEntropy
from protocol import limits
from protocol.certificate import DAY_MS
from tests.netnode.dealing import Market, market
from tests.netnode.services_home import opened
from tests.netnode.test_deals import agreed, named
from tests.netnode.test_deals_restored import copy_of, put_back


async def _offered(found: Market, ahead: int) -> str:
    """An offer to the buyer by a seller whose clock is ahead; its id."""
    found.clock.now += ahead
    made = await found.seller.services.offers.make(
        models.OfferMake(key="cap", price="9.00", to=found.buyer.id)
    )
    await found.post.carry()
    found.clock.now -= ahead
    return made.offer


async def test_an_offer_of_a_clock_a_little_ahead_can_be_ordered_on(tmp_path: Path) -> None:
    async with market(tmp_path) as found:
        offer = await _offered(found, 5_000)
        made = await found.buyer.services.deals.order(models.DealOrder(offer=offer))
        assert made.state == "agreed"


async def test_an_offer_of_a_clock_far_ahead_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async with market(tmp_path) as found:
        offer = await _offered(found, limits.CLOCK_TOLERANCE_MS + 1)
        with pytest.raises(Problem, match="Set the clock") as told:
            await found.buyer.services.deals.order(models.DealOrder(offer=offer))
        assert told.value.code == "clock"


def test_a_backup_made_before_the_first_order_can_bring_that_order_back(tmp_path: Path) -> None:
    """The key of an order is derived from a secret of the keystore, so the secret is there from the beginning."""
    home = tmp_path / "home"
    initialise(home, name="Ada", passphrase=None)
    keys = Keystore(Home(home, SystemDisk()), SystemDisk(), SystemEntropy()).open(None)
    assert keys.deal_secret is not None


async def test_a_buyer_who_lost_a_deal_without_a_word_of_its_seller_hears_of_it(tmp_path: Path) -> None:
    """An order on a quote is the contract by itself, and the buyer confirmed the receipt before it paid."""
    async with market(tmp_path) as trade:
        deals = trade.buyer.services.deals
        offer = await _offered(trade, 0)
        await trade.buyer.trading.desk.secret()
        await copy_of(trade.buyer, tmp_path / "back" / "bea")
        deal = (await deals.order(models.DealOrder(offer=offer))).deal
        await deals.receipt(named(deal))
        await trade.post.carry()
        async with opened(tmp_path / "back", "bea", clock=trade.clock) as back:
            trade.post.homes[back.me.id] = back
            await put_back(trade, back)
            sent: list[int] = []
            for day in range(10):
                await trade.seller.trading.remind()
                if await trade.post.waiting(trade.seller):
                    sent.append(day)
                    await trade.post.carry()
                trade.clock.now += DAY_MS
            assert sent == [1, 3, 7]  # each pause is as long as all before it
            shown = await back.services.deals.show(deal)
            assert [each.type for each in shown.messages] == ["order", "receive"]
            assert (shown.state, shown.figures.payment_due.amount) == ("closed", "9.00")
            await back.trading.holding.run()
            await trade.post.carry()
            await back.services.deals.paid(models.DealMoney(deal=deal))
            assert not trade.post.refused
            assert back.own.caution.alarmed is None


async def test_a_seller_put_back_to_where_a_deal_was_over_hears_what_it_owes(tmp_path: Path) -> None:
    """The money came after the cancel; what the seller said of that is lost, and the buyer has said nothing since."""
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await trade.buyer.services.deals.cancel(models.DealEnd(deal=deal))
        await trade.post.carry()
        await copy_of(trade.seller, tmp_path / "back" / "sol")
        await trade.seller.services.deals.received(models.DealMoney(deal=deal, amount="12.50", anyway=True))
        await trade.post.carry()
        async with opened(tmp_path / "back", "sol", clock=trade.clock) as back:
            trade.post.homes[back.me.id] = back
            await put_back(trade, back)
            assert (await back.services.deals.show(deal)).state == "final"
            trade.clock.now += 2 * DAY_MS
            await trade.buyer.trading.remind()
            await trade.post.carry()
            shown = await back.services.deals.show(deal)
            assert (shown.state, shown.figures.refund_due.amount) == ("closed", "12.50")
            await back.trading.holding.run()
            await trade.post.carry()
            await back.services.deals.refund(models.DealMoney(deal=deal))
            assert back.own.caution.alarmed is None
