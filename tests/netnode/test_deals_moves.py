"""What the commands of a deal find by themselves: amounts, parts, variants, what is confirmed, presumed or lapsed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from netnode.cli.deal_views import show_proved
from netnode.operations import models
from netnode.problems import ExitCode
from protocol.certificate import DAY_MS
from protocol.deals import transcript
from tests.netnode.dealing import CAP, Market, market
from tests.netnode.test_deals import agreed, named, refused

SHIRT: dict[str, object] = {
    "key": "cap",
    "kind": "product",
    "title": "Shirt",
    "price": "49.00",
    "currency": "EUR",
    "tax": {"rate": "19", "title": "VAT 19 %"},
    "shipping": [
        {"regions": ["DE"], "price": "4.90", "label": "Post"},
        {"regions": ["DE", "AT"], "price": "9.90", "label": "Express"},
    ],
    "variants": [
        {"options": {"Size": "M", "Colour": "blue"}, "sku": "S-M"},
        {"options": {"Size": "L", "Colour": "blue"}, "price": "52.00"},
    ],
}
TO = models.DealAddress(country="DE", name="Bea", lines=["Am Sand 1"], city="Ulm")


def money(deal: str, amount: str | None = None, **more: Any) -> models.DealMoney:
    return models.DealMoney(deal=deal, amount=amount, **more)


async def said(trade: Market, deal: str) -> list[str]:
    """The types of all messages, the same on both sides."""
    sold, bought = await trade.both(deal)
    assert [(each.id, each.void) for each in sold.messages] == [
        (each.id, each.void) for each in bought.messages
    ]
    return [each.type for each in sold.messages]


async def test_what_nobody_confirms_is_presumed_in_time(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        await buys.paid(money(deal))
        await trade.post.carry()
        await sells.fulfil(models.DealFulfil(deal=deal))
        await refused(sells.presume(models.DealPresume(deal=deal)), "too_early")
        await refused(buys.presume(models.DealPresume(deal=deal)), "too_early")
        trade.clock.now += 15 * DAY_MS
        presumed = await sells.presume(models.DealPresume(deal=deal))
        await trade.post.carry()
        assert (await buys.presume(models.DealPresume(deal=deal))).state == "final"
        await trade.post.carry()
        assert presumed.state == "unconfirmed"
        assert (await said(trade, deal))[-2:] == ["presume_received", "presume_payment"]
        await sells.refund(money(deal, "1.00"))
        await refused(sells.presume(models.DealPresume(deal=deal, what="refund")), "too_early")
        await refused(sells.presume(models.DealPresume(deal=deal, what="payment")), "not_party")
        trade.clock.now += 15 * DAY_MS
        assert (await sells.presume(models.DealPresume(deal=deal))).state == "final"


async def test_refunds_are_found_and_confirmed(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        await refused(sells.refund(money(deal)), "nothing_due")
        await buys.paid(money(deal))
        await trade.post.carry()
        await refused(buys.paid(money(deal)), "nothing_due")
        await sells.received(money(deal))
        await sells.cancel(models.DealEnd(deal=deal, reason="sold_out"))
        await trade.post.carry()
        assert (await sells.refund(money(deal, text="Sorry."))).state == "unconfirmed"
        await trade.post.carry()
        assert (await buys.refunded(money(deal))).state == "final"
        await trade.post.carry()
        await refused(buys.refunded(money(deal)), "nothing_due")
        await refused(sells.refund(money(deal, "0")), "amount")
        sold, _ = await trade.both(deal)
        assert sold.figures.refunded.amount == "12.50"
        assert (await said(trade, deal))[-3:] == ["cancel", "refund", "refund_received"]


async def test_more_money_than_is_stated_or_due_is_confirmed_only_when_asked_twice(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        await buys.paid(money(deal, "2.50"))
        await buys.paid(money(deal, "10.00"))
        await trade.post.carry()
        told = await refused(sells.received(money(deal, "1000")), "too_much")
        assert "1000.00 EUR" in told.text and "12.50 EUR" in told.text and "--anyway" in told.text
        await sells.received(money(deal, "10.00"))
        await refused(sells.received(money(deal, "3.00")), "too_much")
        await sells.received(money(deal, "3.00", anyway=True))
        assert (await sells.show(deal)).figures.refund_due.amount == "0.50"
        await sells.refund(money(deal))
        await trade.post.carry()
        await refused(buys.refunded(money(deal, "5.00")), "too_much")  # for a refund the protocol says so


async def test_payments_stated_are_confirmed_beside_another_sum_only_when_asked_twice(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        await buys.paid(money(deal, "2.50"))
        await buys.paid(money(deal, "10.00"))
        await trade.post.carry()
        await sells.received(money(deal, "9.00"))  # of the 10.00 stated, a fee was taken
        await sells.received(money(deal))
        told = await refused(sells.received(money(deal)), "too_much")
        assert "21.50 EUR" in told.text and "12.50 EUR" in told.text and "--anyway" in told.text
        await sells.received(money(deal, anyway=True))
        assert (await sells.show(deal)).figures.refund_due.amount == "9.00"


async def test_what_cannot_be_said_is_refused_with_its_bound(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        told = await refused(sells.presume(models.DealPresume(deal=deal)), "nothing_open")
        assert told.text.startswith("There is nothing to presume")
        told = await refused(buys.paid(money(deal, "13.00")), "too_much")
        assert "It can be 12.50 EUR at most." in told.text


@pytest.mark.parametrize("how", ["declined", "cancelled", "lapsed"])
async def test_how_a_deal_ended_is_told_beside_its_state(tmp_path: Path, how: str) -> None:
    async with market(tmp_path) as trade:
        deal = (await trade.order()).deal
        await trade.post.carry()
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        assert (await buys.show(deal)).ended is UNSET
        if how == "declined":
            done = await sells.decline(models.DealEnd(deal=deal))
        elif how == "cancelled":
            done = await buys.cancel(models.DealEnd(deal=deal))
        else:
            trade.clock.now += 40 * DAY_MS
            done = await buys.lapse(models.DealLapse(deal=deal))
        await trade.post.carry()
        (item,) = (await buys.list(models.DealsQuery(all=True))).items
        assert (done.state, done.ended, item.ended) == ("final", how, how)
        assert {each.ended for each in await trade.both(deal)} == {how}


async def test_a_payment_without_an_amount_says_which_one_was_stated(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        assert (await buys.paid(money(deal))).said == "paid 12.50 EUR"
        await trade.post.carry()
        assert (await sells.received(money(deal))).said == "confirms the payment of 12.50 EUR"


async def test_a_dispute_is_withdrawn_or_closed_unresolved(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        await refused(buys.lapse(models.DealLapse(deal=deal, what="dispute")), "no_dispute")
        above = await refused(buys.dispute(models.DealDispute(deal=deal, claim="1000.00")), "too_much")
        assert "keep" in above.text  # a slip would cost the one dispute that a side has
        opened = await buys.dispute(models.DealDispute(deal=deal, claim="0"))
        assert opened.state == "disputed" and opened.next is not None
        assert (opened.next.action, opened.next.by) == ("lapse_dispute", "buyer")
        await trade.post.carry()
        await refused(sells.rule(models.DealRuling(deal=deal, keeps="0")), "not_party")
        await refused(sells.lapse(models.DealLapse(deal=deal, what="dispute")), "too_early")
        assert (await buys.lapse(models.DealLapse(deal=deal))).state == "agreed"
        await trade.post.carry()
        await refused(buys.dispute(models.DealDispute(deal=deal, claim="0")), "dispute_used")
        await sells.dispute(models.DealDispute(deal=deal, claim="12.50"))
        await trade.post.carry()
        trade.clock.now += 31 * DAY_MS
        await refused(buys.lapse(models.DealLapse(deal=deal)), "what")  # the delivery, or the dispute?
        assert (await buys.lapse(models.DealLapse(deal=deal, what="dispute"))).state == "agreed"
        ended = await buys.lapse(models.DealLapse(deal=deal))
        await trade.post.carry()
        assert ended.state == "final"
        assert (await said(trade, deal))[-2:] == ["lapse_dispute", "lapse_fulfil"]


@pytest.mark.parametrize("text", ["S-M", "m, blue", "blue / M", "Size=M, Colour=Blue"])
async def test_a_variant_is_named_as_people_do(tmp_path: Path, text: str) -> None:
    async with market(tmp_path, listing=SHIRT) as trade:
        deal = (await trade.order(variant=text, address=TO, shipping="Express")).deal
        shown = await trade.buyer.services.deals.show(deal)
        assert shown.lines[0].options == ["M", "blue"]
        assert shown.figures.price.amount == "58.90"
        assert shown.shipping is not None and shown.shipping.title == "Express"
        assert [(tax.title, tax.included) for tax in shown.taxes] == [("VAT 19 %", True)]


async def test_an_order_that_cannot_be_made_says_what_to_change(tmp_path: Path) -> None:
    async with market(tmp_path, listing=SHIRT) as trade:
        for wishes, code, words in (
            ({}, "variant", "Size=M, Colour=blue (S-M)"),
            ({"variant": "XL"}, "variant", "has no variant 'XL'"),
            ({"variant": "blue"}, "variant", "has no variant"),
            ({"variant": "S-M"}, "no_delivery", "--country"),
            ({"variant": "S-M", "address": models.DealAddress(country="US")}, "no_delivery", "US"),
            ({"variant": "S-M", "address": models.DealAddress(country="DE")}, "address", "--line and --city"),
            ({"variant": "S-M", "address": TO, "renew": True}, "renew", "--renew"),
            ({"variant": "S-M", "address": TO, "arbiter": trade.seller.id}, "arbiter", "neither"),
        ):
            problem = await refused(trade.order(**wishes), code)  # type: ignore[arg-type]
            assert words in problem.text, problem.text
        sells = trade.seller.services.deals
        await refused(sells.order(models.DealOrder(ref="cap", variant="S-M", address=TO)), "own")
        await refused(sells.order(models.DealOrder()), "ref_needed")
        problem = await refused(
            trade.buyer.services.deals.order(models.DealOrder(ref=f"{trade.seller.id}/no")), "no_listing"
        )
        assert problem.exit_code is ExitCode.NOT_FOUND
        await trade.seller.services.listings.withdraw("cap")
        await trade.meet()
        await refused(trade.order(variant="S-M", address=TO), "not_offered")


async def test_stock_of_variants_is_counted_each_by_itself(tmp_path: Path) -> None:
    async with market(tmp_path, listing=SHIRT) as trade:
        stock = trade.seller.services.stock
        await refused(stock.change(models.StockChange(key="cap", count=3)), "variant")
        await stock.change(models.StockChange(key="cap", variant="S-M", count=1))
        await agreed(trade, variant="L, blue", address=TO, quantity=7)  # nobody counts these
        await agreed(trade, variant="S-M", address=TO)
        last = (await trade.order(variant="S-M", address=TO)).deal
        await trade.post.carry()
        problem = await refused(trade.seller.services.deals.accept(models.DealAccept(deal=last)), "sold_out")
        assert "cap (M, blue) none is left" in problem.text
        shown = await stock.show("cap")
        assert {tuple(each.options): (each.count, each.reserved) for each in shown.counters} == {
            ("L", "blue"): (None, 7),
            ("M", "blue"): (0, 1),
        }
        await stock.change(models.StockChange(key="cap", variant="S-M", uncounted=True))
        assert (await trade.seller.services.deals.accept(models.DealAccept(deal=last))).state == "agreed"


async def test_an_exported_deal_proves_itself_and_a_flipped_bit_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal, tracking="JD1"))
        await trade.post.carry()
        await trade.buyer.services.deals.receipt(named(deal))
        await trade.post.carry()
        files = [
            b"".join([chunk async for chunk in home.services.deals.export(deal)])
            for home in (trade.seller, trade.buyer)
        ]
        assert files[0] == files[1]
        proved = transcript.verify(files[0])
        assert isinstance(proved, transcript.Transcript) and len(proved.messages) == 4
        show_proved(proved)
        told = capsys.readouterr().out
        assert (
            trade.seller.id in told and deal in told and "12.50 EUR" in told and "done but for money" in told
        )
        for place in range(0, len(files[0]), 97):
            flipped = bytearray(files[0])
            flipped[place] ^= 1
            found = transcript.verify(bytes(flipped))
            assert isinstance(found, transcript.Fault) and found.reason, place


async def test_a_code_is_asked_for_while_the_buyer_waits(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        made = await trade.seller.services.offers.make(
            models.OfferMake(key="cap", price="10.00", code="VIP", count=5)
        )
        offering = trade.buyer.trading.offering
        waiting = asyncio.create_task(offering.by_code(trade.seller.me.id, "vip", "cap", wait=True))
        await asyncio.sleep(0)
        while not waiting.done():
            await trade.post.carry()
            await asyncio.sleep(0.01)
        assert (await waiting).id.hex() == made.offer
        deal = (await trade.order(code="vip")).deal
        await trade.post.carry()
        shown = await trade.seller.services.deals.show(deal)
        assert (shown.state, shown.differs, shown.figures.price.amount) == ("ordered", [], "10.00")
        wrong = asyncio.create_task(offering.by_code(trade.seller.me.id, "vap", "cap", wait=True))
        await asyncio.sleep(0)
        while not wrong.done():
            await trade.post.carry()
            await asyncio.sleep(0.01)
        await refused(wrong, "no_offer")


async def test_an_order_on_an_older_version_may_be_accepted_as_it_was(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        old = (await trade.order()).deal
        await trade.post.carry()
        for price in ("13.00", "14.00"):
            fields: dict[str, Any] = {"price": price}
            await trade.seller.services.listings.edit(models.ListingEdit(key="cap", fields=fields))
        shown = await trade.seller.services.deals.show(old)
        assert shown.differs == ["the listing was changed or withdrawn since it was ordered"]
        assert CAP["price"] == "12.50" and shown.figures.price.amount == "12.50"
