"""Offers between two homes: for a named buyer, by a code, by count, with milestones; arbiters in deals [R-DEAL-34]."""

from __future__ import annotations

from pathlib import Path

import msgspec

from netnode.deals.terms import terms_of
from netnode.operations import models
from netnode.store import Reader
from protocol import encoding
from protocol.certificate import DAY_MS
from protocol.deals.bodies import Order, Part, Terms
from protocol.deals.consent import Consent, sign_consent
from protocol.deals.enclosures import Goods, GoodsLine
from protocol.letter_bodies import OfferLetter, decode_content, encode_content
from protocol.signing import Signer
from tests.netnode.dealing import Market, market
from tests.netnode.services_home import opened
from tests.netnode.test_deals import named, refused, with_content


async def by_offer(trade: Market, offer: str, **wishes: object) -> models.DealState:
    return await trade.buyer.services.deals.order(models.DealOrder(offer=offer, **wishes))  # type: ignore[arg-type]


async def test_an_offer_to_a_named_buyer_is_a_contract_once_it_is_ordered(tmp_path: Path) -> None:
    async with market(tmp_path, 'payment = ["Cash=https://shop.example/pay"]\n') as trade:
        await trade.seller.services.stock.change(models.StockChange(key="cap", count=60))
        made = await trade.seller.services.offers.make(
            models.OfferMake(key="cap", quantity=50, price="9.90", to=trade.buyer.id, shipping="4.50")
        )
        assert (made.kind, made.state) == ("quote", "open")
        assert isinstance(made.price, models.Price) and made.price.amount == "499.50"
        await trade.post.carry()
        (got,) = (await trade.buyer.services.offers.list(models.Listed())).items
        assert (got.offer, got.own, got.title) == (made.offer, False, "50 x Blue cap")
        shown = await trade.buyer.services.offers.show(made.offer[:8])
        assert [each.quantity for each in shown.lines] == [50]
        other = await refused(by_offer(trade, made.offer[:8], payment="Gold"), "payment")
        assert "one of: Cash." in other.text
        ordered = await by_offer(
            trade, made.offer[:8], payment="Cash", address=models.DealAddress(country="DE")
        )
        assert ordered.state == "agreed"
        assert [each.uri for each in (await trade.buyer.services.deals.show(ordered.deal)).payment] == [
            "https://shop.example/pay"
        ]
        await trade.post.carry()
        sold = await trade.seller.services.deals.show(ordered.deal)
        assert (sold.state, sold.buyer.id) == ("agreed", trade.buyer.id)
        (counter,) = (await trade.seller.services.stock.show("cap")).counters
        assert (counter.count, counter.reserved) == (10, 50)
        await refused(trade.seller.services.deals.accept(models.DealAccept(deal=ordered.deal)), "not_needed")
        assert (await trade.seller.services.offers.show(made.offer)).offer.state == "used"


async def test_a_code_gives_a_discount_and_only_its_owner_knows_it(tmp_path: Path) -> None:  # [R-OFF-6]
    async with market(tmp_path, 'auto_accept = "on"\n') as trade:
        made = await trade.seller.services.offers.make(
            models.OfferMake(percent="10", code="sum mer", only=["cap"], count=1)
        )
        assert made.code == "SUMMER"
        problem = await refused(trade.order(code="Summer"), "offer_asked")  # nobody answers while nobody runs
        assert "netnode offer ls" in problem.text
        await trade.post.carry()
        ordered = await trade.order(code="summer", quantity=2)
        await trade.post.carry()
        shown = await trade.buyer.services.deals.show(ordered.deal)
        assert (shown.state, shown.figures.price.amount) == ("agreed", "22.50")
        assert [each.amount.amount for each in shown.discounts] == ["2.50"]
        again = await trade.order(code="summer")
        await trade.post.carry()
        waits = await trade.seller.services.deals.show(again.deal)
        assert waits.state == "ordered"
        assert waits.differs == ["the offer was for 1, and all of them are taken"]
        await refused(trade.order(code="winter"), "offer_asked")
        await trade.post.carry()
        assert [each.code for each in trade.post.refused] == ["no_offer"]


async def test_a_code_orders_nothing_but_what_was_asked_for(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        line = models.OfferLine(title="Workshop", unit_price="400.00", quantity=2)
        made = await trade.seller.services.offers.make(
            models.OfferMake(lines=[line], currency="EUR", code="work")
        )
        await refused(trade.order(code="work"), "offer_asked")
        await trade.post.carry()
        told = await refused(trade.order(code="work"), "other_goods")
        assert "2 x Workshop for 800.00 EUR" in told.text and "Blue cap" in told.text
        assert f"netnode deal order --offer {made.offer[:10]}" in told.text
        buys = trade.buyer.services.deals
        ordered = await buys.order(models.DealOrder(ref=trade.seller.id, code="work"))
        assert ordered.said == "ordered 2 x Workshop for 800.00 EUR"
        assert (await trade.order(quantity=2)).said == "ordered 2 x Blue cap for 25.00 EUR"
        await trade.seller.services.offers.make(models.OfferMake(percent="10", code="ten"))
        await refused(buys.order(models.DealOrder(ref=trade.seller.id, code="ten")), "offer_asked")
        await trade.post.carry()
        told = await refused(buys.order(models.DealOrder(ref=trade.seller.id, code="ten")), "ref_needed")
        assert f"netnode deal order {trade.seller.id}/KEY --code TEN" in told.text


async def test_an_offer_is_taken_by_whom_it_is_for_and_from_who_signed_it(tmp_path: Path) -> None:
    async with market(tmp_path) as trade, opened(tmp_path, "cy", clock=trade.clock) as third:
        trade.post.homes[third.me.id] = third
        await trade.seller.services.offers.make(models.OfferMake(key="cap", to=trade.buyer.id))
        (row,) = await trade.post.waiting(trade.seller)
        found = await trade.post.bring(trade.seller, with_content(row, row.content, third.me.id))
        assert found is not None and found.code == "not_party"
        body = decode_content(row.content).body
        assert isinstance(body, OfferLetter)
        # the same goods for whoever reads known fields alone, and not the bytes that the quote names
        other = encoding.encode({**encoding.decode(body.enclosures[0]), "zest": 1})
        for changed, code in (
            (msgspec.structs.replace(body, offer=body.offer.replace(b"time", b"tine")), "deal_message"),
            (msgspec.structs.replace(body, enclosures=()), "enclosure"),
            (msgspec.structs.replace(body, enclosures=(other,)), "enclosure"),
        ):
            content = encode_content(changed)
            found = await trade.post.bring(trade.seller, with_content(row, content, trade.buyer.me.id))
            assert found is not None and found.code == code
        found = await trade.post.bring(trade.buyer, with_content(row, row.content, trade.buyer.me.id))
        assert found is None  # whoever carries it: the seller signed it
        assert len((await trade.buyer.services.offers.list(models.Listed())).items) == 1


async def test_an_offer_taken_back_gives_nothing_any_more(tmp_path: Path) -> None:
    async with market(tmp_path, 'auto_accept = "on"\n') as trade:
        made = await trade.seller.services.offers.make(
            models.OfferMake(off="5.00", currency="EUR", code="FIVE")
        )
        await refused(trade.order(code="five"), "offer_asked")
        await trade.post.carry()
        assert (await trade.seller.services.offers.end(made.offer)).state == "ended"
        ordered = await trade.order(code="five")
        await trade.post.carry()
        waits = await trade.seller.services.deals.show(ordered.deal)
        assert (waits.state, waits.differs) == ("ordered", ["you took the offer back"])
        await refused(trade.buyer.services.offers.end(made.offer), "not_own")


async def test_milestones_are_delivered_and_signed_off_one_by_one(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        lines = [
            models.OfferLine(title="Draft", unit_price="300.00", part=1, days=14),
            models.OfferLine(title="Text", unit_price="700.00", part=2, days=30),
        ]
        made = await trade.seller.services.offers.make(
            models.OfferMake(lines=lines, currency="EUR", to=trade.buyer.id)
        )
        await trade.post.carry()
        deal = (await by_offer(trade, made.offer)).deal
        await trade.post.carry()
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        offered = await trade.buyer.services.offers.show(made.offer)
        assert [each / DAY_MS for each in offered.fulfil_by] == [14, 30]  # what a buyer reads before ordering
        for home in (trade.seller, trade.buyer):
            ends = [each.until for each in (await home.services.deals.show(deal)).parts]
            assert isinstance(ends[0], int) and ends[1] == ends[0] + 16 * DAY_MS
        await refused(sells.fulfil(models.DealFulfil(deal=deal)), "part")  # which one has to be said
        await sells.fulfil(models.DealFulfil(deal=deal, part=1))
        await trade.post.carry()
        await buys.receipt(named(deal))  # the one that is delivered
        await buys.paid(models.DealMoney(deal=deal, amount="300.00"))
        await trade.post.carry()
        await buys.cancel(models.DealEnd(deal=deal, reason="changed_mind"))
        await trade.post.carry()
        await sells.received(models.DealMoney(deal=deal))
        await trade.post.carry()
        sold, bought = await trade.both(deal)
        assert [each.state for each in sold.parts] == ["received", "ended"]
        assert sold.state == bought.state == "final"
        assert sold.figures.base.amount == "300.00"
        assert "cancelled what is open: changed mind" in [each.said for each in sold.messages]


async def test_an_offer_says_enough_or_is_not_made(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        make = trade.seller.services.offers.make
        await refused(make(models.OfferMake()), "usage")
        await refused(make(models.OfferMake(off="5.00")), "usage")  # in which currency?
        await refused(make(models.OfferMake(off="5.00", percent="5", currency="EUR")), "usage")
        await refused(make(models.OfferMake(key="cup")), "no_listing")
        await refused(make(models.OfferMake(key="cap", to=trade.seller.id)), "own")
        await refused(make(models.OfferMake(key="cap", to=trade.buyer.id, count=2)), "usage")
        await refused(make(models.OfferMake(percent="101")), "usage")
        await refused(make(models.OfferMake(percent="5", only=["cap", "cup"])), "no_listing")
        first = await make(models.OfferMake(percent="5", code="five"))
        told = await refused(make(models.OfferMake(percent="6", code="Five")), "code_taken")
        assert f"netnode offer end {first.offer[:10]}" in told.text
        await trade.seller.services.offers.end(first.offer)
        await make(models.OfferMake(percent="6", code="Five"))
        await refused(trade.buyer.services.offers.show("00"), "no_offer")


async def test_a_dispute_reaches_the_arbiter_from_both_sides_and_the_ruling_reaches_both(
    tmp_path: Path,
) -> None:
    async with market(tmp_path) as trade, opened(tmp_path, "ari", clock=trade.clock) as arbiter:
        trade.post.homes[arbiter.me.id] = arbiter
        entries = await arbiter.store.read(Reader.entries, arbiter.me.id, 0, 2**40, 2**40)
        for home in (trade.seller, trade.buyer):
            await home.gate.admit_chains([entries])
        consent = sign_consent(
            "inx",
            Signer(arbiter.ring.keys.signing_seed),
            Consent(
                salt=bytes(16), arbiter=arbiter.me.id, epoch=0, expires=trade.clock.now + 1, points=0,
                signature=bytes(64), terms=bytes(32), time=trade.clock.now,
            ),
        )  # fmt: skip
        terms: Terms = msgspec.structs.replace(
            terms_of(trade.buyer.trading.settings), arbiter=arbiter.me.id, consent=consent.data
        )
        goods = Goods(
            salt=bytes(16), lines=(GoodsLine(amount=1250, quantity=1, title="Blue cap", unit_price=1250),)
        )
        order = Order(
            currency="EUR", enclosed=bytes(32), key=bytes(32), listing=bytes(32), parts=(Part(price=1250),),
            seller=trade.seller.me.id, terms=terms,
        )  # fmt: skip
        deal = (await trade.buyer.trading.desk.order(order, goods)).row.id.hex()
        await trade.post.carry()
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        await sells.accept(models.DealAccept(deal=deal, anyway=True))
        await trade.post.carry()
        await buys.paid(models.DealMoney(deal=deal))
        await trade.post.carry()
        await sells.received(models.DealMoney(deal=deal))
        await sells.fulfil(models.DealFulfil(deal=deal))
        await sells.dispute(models.DealDispute(deal=deal, claim="12.50", text="He does not answer."))
        await trade.post.carry()
        case = await arbiter.services.deals.show(deal)
        assert (case.role, case.state, case.buyer.id) == ("arbiter", "disputed", trade.buyer.id)
        assert [each.title for each in case.lines] == ["Blue cap"]
        assert case.next is not None and (case.next.action, case.next.by) == ("ruling", "arbiter")
        ruled = await arbiter.services.deals.rule(models.DealRuling(deal=deal, keeps="10.00", delivered=[1]))
        assert ruled.state == "closed"
        await trade.post.carry()
        sold, bought = await trade.both(deal)
        assert sold.figures.refund_due.amount == bought.figures.refund_due.amount == "2.50"
        await sells.refund(models.DealMoney(deal=deal))
        await trade.post.carry()
        done = await buys.refunded(models.DealMoney(deal=deal))
        assert done.state == "final"
        await trade.post.carry()
        sold, bought = await trade.both(deal)
        case = await arbiter.services.deals.show(deal)
        ids = [{each.id for each in view.messages} for view in (sold, bought, case)]
        assert ids[0] == ids[1] == ids[2]
        assert not trade.post.refused
