"""Deals whose sides have clocks that differ: what one clock refuses comes once it is right."""

from __future__ import annotations

from pathlib import Path

from netnode.operations import models
from protocol.certificate import DAY_MS
from tests.netnode.dealing import market

HOUR_MS = 3_600_000


async def test_a_cancel_refused_for_the_date_of_its_order_comes_later(tmp_path: Path) -> None:
    """R-DEAL-33: the buyer's clock was ahead, and the buyer has nothing more to say."""
    async with market(tmp_path) as trade:
        deal = (await trade.order()).deal
        trade.clock.now -= 2 * HOUR_MS
        buys = trade.buyer.services.deals
        await buys.cancel(models.DealEnd(deal=deal))
        await trade.post.carry()
        assert [each.code for each in trade.post.refused] == ["bad_time", "bad_time"]
        assert (await buys.show(deal)).state == "final"
        trade.clock.now += DAY_MS + 2 * HOUR_MS
        await trade.buyer.trading.remind()
        await trade.post.carry()
        sold, bought = await trade.both(deal)
        assert [each.type for each in sold.messages] == ["order", "cancel"]
        assert (sold.state, bought.state) == ("final", "final")
        await trade.buyer.trading.remind()
        assert await trade.post.waiting(trade.buyer) == []
