"""Deals between two homes: every move through the services and the stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.operations import models
from netnode.problems import Problem
from tests.netnode.dealing import market


async def test_from_order_to_receipt_both_sides_see_the_same(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        ordered = await trade.order(quantity=2)
        assert (ordered.state, ordered.role) == ("ordered", "buyer")
        assert ordered.next is not None and (ordered.next.action, ordered.next.by) == ("accept", "seller")
        assert ordered.delivery is not None and ordered.delivery.state == "queued"
        await trade.post.carry()
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        accepted = await sells.accept(models.DealAccept(deal=ordered.deal))
        assert accepted.state == "agreed"
        assert accepted.next is not None and accepted.next.by == "buyer"
        await trade.post.carry()
        paid = await buys.paid(models.DealMoney(deal=ordered.deal, method="Bank", reference="RF18"))
        await trade.post.carry()
        await sells.received(models.DealMoney(deal=ordered.deal))
        await sells.fulfil(models.DealFulfil(deal=ordered.deal, tracking="JD0001"))
        await trade.post.carry()
        received = await buys.receipt(models.DealPartName(deal=ordered.deal))
        await trade.post.carry()
        assert paid.state == "agreed" and received.state == "final" and received.next is None
        sold, bought = await trade.both(ordered.deal)
        assert [each.id for each in sold.messages] == [each.id for each in bought.messages]
        assert (sold.state, sold.figures) == (bought.state, bought.figures)
        assert sold.figures.paid.amount == "25.00" and sold.figures.base.amount == "25.00"
        assert [each.reference for each in sold.messages][2] == "RF18"
        assert all(each.void is None for each in sold.messages)
        assert not trade.post.refused


async def test_a_move_that_is_not_possible_says_why_and_what_is(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        ordered = await trade.order()
        with pytest.raises(Problem) as caught:
            await trade.buyer.services.deals.paid(models.DealMoney(deal=ordered.deal, amount="12.50"))
        assert caught.value.code == "not_agreed"
        assert "netnode deal cancel" in caught.value.text
