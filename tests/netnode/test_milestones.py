"""A service in three milestones between two homes, from offer to invoice: delivered, signed off, paid in parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.operations import models
from netnode.problems import Problem
from tests.netnode.dealing import market


async def test_three_milestones_from_offer_to_final_and_their_invoice(tmp_path: Path) -> None:  # [R-PRICE-7]
    async with market(tmp_path) as trade:
        lines = [
            models.OfferLine(
                title="Drawings", unit_price="1000.05", part=1, days=14, text="Plans of all floors"
            ),
            models.OfferLine(title="Walls", unit_price="150.00", quantity=10, part=2, days=60),
            models.OfferLine(title="Roof", unit_price="500.00", part=3, days=90),
        ]
        tax = models.OfferTax(rate=1900, title="VAT", included=False)
        made = await trade.seller.services.offers.make(
            models.OfferMake(lines=lines, tax=tax, currency="EUR", to=trade.buyer.id)
        )
        await trade.post.carry()
        deal = (await trade.buyer.services.deals.order(models.DealOrder(offer=made.offer))).deal
        await trade.post.carry()
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        # 3,000.05 with 19 % = 3,570.06: each part bears its share, to the cent.
        prices = ["1190.06", "1785.00", "595.00"]
        assert [each.price.amount for each in (await sells.show(deal)).parts] == prices
        invoiced = await trade.seller.services.subscriptions.invoice(models.InvoiceOrder(deal=deal))
        assert [each.amount for each in invoiced.parts] == prices
        assert (invoiced.net.amount, invoiced.tax.amount, invoiced.total.amount) == (
            "3000.05",
            "570.01",
            "3570.06",
        )
        assert [each.part for each in invoiced.lines] == [1, 2, 3]
        assert [each.part for each in (await buys.show(deal)).parts] == [1, 2, 3]
        offered = await trade.buyer.services.offers.show(made.offer)
        assert [each.part for each in offered.lines] == [1, 2, 3]
        for asked, answer in (
            (4, "This deal has the parts 1 to 3; there is no part 4."),
            (None, "Which part do you deliver? Add --part with one of: 1, 2, 3."),
        ):
            with pytest.raises(Problem) as caught:
                await sells.fulfil(models.DealFulfil(deal=deal, part=asked))
            assert caught.value.text == answer
        left = 357_006
        for part, price in enumerate(prices, 1):
            await buys.paid(models.DealMoney(deal=deal, amount=price, reference=f"RF{part}"))
            await trade.post.carry()
            await sells.received(models.DealMoney(deal=deal, amount=price))
            await sells.fulfil(models.DealFulfil(deal=deal, part=part))
            await trade.post.carry()
            await buys.receipt(models.DealPartName(deal=deal, part=part))
            await trade.post.carry()
            left -= int(price.replace(".", ""))
            now = await trade.seller.services.subscriptions.invoice(models.InvoiceOrder(deal=deal))
            assert (now.number, now.money.payment_due.minor, now.total) == (
                invoiced.number,
                left,
                invoiced.total,
            )
        sold, bought = await trade.both(deal)
        assert (sold.state, sold.figures) == (bought.state, bought.figures) == ("final", sold.figures)
        assert sold.figures.base.minor == 357_006 and not trade.post.refused
        said = [each.said for each in sold.messages]
        for part in (1, 2, 3):  # one numbering everywhere; on the wire it begins with 0
            assert f"delivered part {part}" in said and f"confirms the receipt of part {part}" in said
