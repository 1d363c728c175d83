"""Arbiters: a dispute from both sides, a ruling, a refund and a review, between three homes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from netnode.deals.holding import SETTLED_MS
from netnode.deals.signers import wire
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.operations import models
from netnode.problems import Problem
from netnode.store import consents, letters, shop
from netnode.store.shop import WitnessRow
from protocol import encoding
from protocol.certificate import DAY_MS
from protocol.deals import transcript
from protocol.deals.consent import parse_consent
from protocol.deals.transcript import Transcript
from protocol.letter_bodies import ConsentLetter, Mail, decode_content
from protocol.openers import start
from tests.netnode.dealing import CAP, Market, market
from tests.netnode.services_home import NETWORK, OpenHome, opened, whole
from tests.netnode.test_subscriptions import _lose_all
from tests.protocol.deals.reviewed import consented, the_path

TERMS = "The side that loses pays the fee within 14 days."


@dataclass
class Court:
    """A market with an arbiter `abe`, whom neither side has met."""

    trade: Market
    arbiter: OpenHome

    @property
    def id(self) -> str:
        return self.arbiter.id

    async def carry(self) -> None:
        """All letters but mails, which people read."""
        await self.trade.post.carry(lambda row: row.type != "mail")

    async def consent(self, *to: OpenHome, **fields: object) -> models.Consent:
        given: dict[str, object] = {
            "percent": "2.5",
            "terms": TERMS,
            "to": [each.id for each in to],
            **fields,
        }
        made = await self.arbiter.services.arbiters.offer(models.ArbiterOffer(**given))  # type: ignore[arg-type]
        await self.carry()
        return made

    async def disputed(self) -> str:
        """A deal that was paid, of which both sides say something else."""
        await self.consent(self.trade.buyer, self.trade.seller)
        ordered = await self.trade.order(arbiter=self.id)
        await self.carry()
        sells, buys = self.trade.seller.services.deals, self.trade.buyer.services.deals
        await sells.accept(models.DealAccept(deal=ordered.deal))
        await self.carry()
        await buys.paid(models.DealMoney(deal=ordered.deal))
        await self.carry()
        await sells.received(models.DealMoney(deal=ordered.deal))
        await sells.fulfil(models.DealFulfil(deal=ordered.deal))
        await self.carry()
        await buys.dispute(models.DealDispute(deal=ordered.deal, claim="2.50", text="The seam was open."))
        await sells.dispute(models.DealDispute(deal=ordered.deal, claim="12.50", text="It left whole."))
        await self.carry()
        return ordered.deal


@asynccontextmanager
async def court(path: Path) -> AsyncIterator[Court]:
    async with market(path) as trade, opened(path, "abe", clock=trade.clock) as arbiter:
        trade.post.homes[arbiter.me.id] = arbiter
        yield Court(trade, arbiter)


async def test_order_dispute_ruling_refund_and_review(
    tmp_path: Path,
) -> None:  # [R-ARB-5] [R-ARB-8] [R-REV-2]
    async with court(tmp_path) as found:
        deal = await found.disputed()
        trade, abe = found.trade, found.arbiter.services
        (case,) = (await abe.arbiters.cases(models.CasesQuery())).items
        assert (case.deal, case.state, case.ruled, case.bars, case.warnings) == (
            deal,
            "disputed",
            False,
            None,
            [],
        )
        assert case.fee is not msgspec.UNSET and case.fee.amount == "0.31"  # 2.5 % of 12.50
        said = {each.role: (each.claim.amount, each.text) for each in case.claims}
        assert said == {"buyer": ("2.50", "The seam was open."), "seller": ("12.50", "It left whole.")}
        for side in await trade.both(deal):
            assert side.arbiter_fee == case.fee
            assert side.next is not None and side.next.until is not None
            assert (side.next.action, side.next.by) == ("ruling", "arbiter")
        shown = await abe.arbiters.show(deal[:8])
        assert shown.terms == TERMS and shown.case == case

        ruled = await abe.deals.rule(
            models.DealRuling(deal=deal, keeps="5.00", paid="12.50", delivered=[1], text="Half is fair.")
        )
        assert ruled.role == "arbiter"
        await found.carry()
        sold, bought = await trade.both(deal)
        assert sold.figures == bought.figures
        assert bought.figures.refund_due.amount == "7.50" and bought.state == "closed"
        assert [each.text for each in bought.messages if each.type == "ruling"] == ["Half is fair."]

        await trade.seller.services.deals.refund(models.DealMoney(deal=deal))
        await found.carry()
        await trade.buyer.services.deals.refunded(models.DealMoney(deal=deal))
        await found.carry()
        sold, bought = await trade.both(deal)
        assert (sold.state, bought.state) == ("final", "final")
        assert bought.figures.base.amount == "5.00"

        await trade.buyer.services.deals.receipt(models.DealPartName(deal=deal))
        await found.carry()
        await trade.buyer.services.reviews.write(models.ReviewWrite(deal=deal, rating=2, text="Ask Abe."))
        await trade.meet()
        await trade.seller.projector.level()
        page = await trade.seller.services.reviews.list(models.ReviewsQuery(ref=f"{trade.seller.id}/cap"))
        assert [(each.rating, each.buyer) for each in page.items] == [(2, trade.buyer.id)]
        assert (await abe.arbiters.cases(models.CasesQuery())).items == []
        assert [each.ruled for each in (await abe.arbiters.cases(models.CasesQuery(all=True))).items] == [
            True
        ]
        assert not trade.post.refused
        for home in (trade.seller, trade.buyer, found.arbiter):  # each of the three can prove it
            proved = transcript.verify(await whole(home.services.deals.export(deal)))
            assert isinstance(proved, Transcript) and proved.state.ruling is not None


async def test_both_sides_send_everything_to_the_arbiter(tmp_path: Path) -> None:  # [R-ARB-5]
    async with court(tmp_path) as found:
        deal = await found.disputed()
        to = [row for row in found.trade.post.carried if row.recipient == found.arbiter.me.id]
        senders = [row for row in to if row.type == "deal"]
        assert len(senders) >= 2
        shown = await found.arbiter.services.deals.show(deal)
        sold, _ = await found.trade.both(deal)
        assert {each.id for each in shown.messages} == {each.id for each in sold.messages}
        assert shown.buyer.id == found.trade.buyer.id


async def test_a_ruling_reaches_a_buyer_whom_the_arbiter_met_later(tmp_path: Path) -> None:  # [R-ARB-5]
    async with court(tmp_path) as found:
        await found.consent(found.trade.buyer, found.trade.seller)
        ordered = await found.trade.order(arbiter=found.id)
        await found.carry()
        sells = found.trade.seller.services.deals
        await sells.accept(models.DealAccept(deal=ordered.deal))
        await sells.dispute(models.DealDispute(deal=ordered.deal, claim="2.00"))
        # The buyer's own copy of the case has not come: to its arbiter the buyer is a key without an address.
        buyer = found.trade.buyer.me.id
        await found.trade.post.carry(lambda row: row.type == "deal" and row.recipient != buyer)
        await found.arbiter.services.deals.rule(models.DealRuling(deal=ordered.deal, keeps="1.00"))
        await found.carry()
        sold, bought = await found.trade.both(ordered.deal)
        assert [each.type for each in bought.messages] == [each.type for each in sold.messages]
        assert bought.messages[-1].type == "ruling"


async def test_a_buyer_whose_case_the_arbiter_lost_tells_it_again(tmp_path: Path) -> None:  # [R-DEAL-31]
    """Another copy of the arbiter's home got it. The buyer could confirm the receipt, but the dispute counts."""
    async with court(tmp_path) as found:
        await found.consent(found.trade.buyer, found.trade.seller)
        ordered = await found.trade.order(arbiter=found.id)
        await found.carry()
        sells, buys = found.trade.seller.services.deals, found.trade.buyer.services.deals
        await sells.accept(models.DealAccept(deal=ordered.deal))
        await found.carry()
        await buys.dispute(models.DealDispute(deal=ordered.deal, claim="2.00"))
        await found.trade.post.carry(lambda row: row.type == "deal" and row.recipient != found.arbiter.me.id)
        (lost,) = await found.trade.post.waiting(found.trade.buyer)
        await found.trade.buyer.store.write(letters.arrived, lost.recipient, [lost.id], found.trade.clock.now)
        await sells.fulfil(models.DealFulfil(deal=ordered.deal))
        await found.carry()
        await found.arbiter.services.deals.rule(models.DealRuling(deal=ordered.deal, keeps="1.00"))
        await found.carry()
        shown = await buys.show(ordered.deal)
        assert (shown.state, shown.messages[-1].type) == ("disputed", "fulfil")  # to the arbiter it is a key
        found.trade.clock.now += 2 * DAY_MS
        await found.trade.buyer.trading.remind()
        await found.carry()
        sold, bought = await found.trade.both(ordered.deal)
        assert [each.id for each in bought.messages] == [each.id for each in sold.messages]
        assert bought.messages[-1].type == "ruling"


async def test_a_ruling_that_was_lost_on_its_way_comes_from_who_has_it(tmp_path: Path) -> None:  # [R-DEAL-31]
    """For those who have it the deal is over, and the arbiter's home with the letter to the buyer is lost."""
    async with court(tmp_path) as found:
        deal = await found.disputed()
        await found.arbiter.services.deals.rule(models.DealRuling(deal=deal, keeps="12.50"))
        lost = next(
            each
            for each in await found.trade.post.waiting(found.arbiter)
            if each.recipient == found.trade.buyer.me.id
        )
        await found.arbiter.store.write(letters.arrived, lost.recipient, [lost.id], found.trade.clock.now)
        await found.carry()
        sold, bought = await found.trade.both(deal)
        assert (sold.state, bought.state) == ("final", "disputed")
        found.trade.clock.now += DAY_MS
        await found.trade.buyer.trading.remind()
        await found.carry()
        sold, bought = await found.trade.both(deal)
        assert [each.id for each in bought.messages] == [each.id for each in sold.messages]
        assert bought.state == "final"


async def test_a_seller_who_hears_of_an_order_from_its_arbiter_writes_to_the_buyer(tmp_path: Path) -> None:
    async with court(tmp_path) as found:
        await found.consent(found.trade.buyer, found.trade.seller)
        sells, buys = found.trade.seller.services.deals, found.trade.buyer.services.deals
        made = await found.trade.seller.services.offers.make(
            models.OfferMake(key="cap", price="9.00", to=found.trade.buyer.id, arbiter=found.id)
        )
        await found.carry()
        deal = (await buys.order(models.DealOrder(offer=made.offer))).deal
        await buys.dispute(models.DealDispute(deal=deal, claim="2.00"))
        seller = found.trade.seller.me.id
        buyers = [
            row.i for row in await found.trade.post.waiting(found.trade.buyer) if row.recipient == seller
        ]
        await found.trade.post.carry(lambda row: row.type == "deal" and row.i not in buyers)
        await found.arbiter.services.deals.rule(models.DealRuling(deal=deal, keeps="9.00", paid="9.00"))
        for row in await found.trade.post.waiting(found.arbiter):
            await found.trade.post.bring(found.arbiter, row)
        assert (await sells.show(deal)).buyer.id == found.trade.buyer.id
        await found.carry()
        sold, bought = await found.trade.both(deal)
        assert [each.id for each in bought.messages] == [each.id for each in sold.messages]


async def test_a_seller_who_lost_a_deal_and_hears_of_it_from_the_arbiter_finds_the_buyer(
    tmp_path: Path,
) -> None:
    async with court(tmp_path) as found:
        deal = await found.disputed()
        sells, buys = found.trade.seller.services.deals, found.trade.buyer.services.deals
        await found.trade.seller.store.write(_lose_all)
        await found.arbiter.services.deals.rule(models.DealRuling(deal=deal, keeps="2.50"))
        seller = found.trade.seller.me.id
        await found.trade.post.carry(lambda row: row.recipient == seller and row.type == "deal")
        assert (await sells.show(deal)).buyer.id != found.trade.buyer.id  # a key, as far as the order shows
        await found.carry()
        await buys.receipt(models.DealPartName(deal=deal))
        await found.carry()
        assert (await sells.show(deal)).buyer.id == found.trade.buyer.id
        found.trade.clock.now += SETTLED_MS
        await found.trade.seller.trading.holding.run()  # it is an older copy, and whom to ask is known now
        await found.carry()
        await sells.refund(models.DealMoney(deal=deal))
        await found.carry()
        assert (await buys.show(deal)).messages[-1].type == "refund"


async def test_the_arbiter_of_a_renewal_gets_the_deal_that_it_renews(tmp_path: Path) -> None:  # [R-DEAL-31]
    listing = CAP | {"per": "month"}
    async with (
        market(tmp_path, listing=listing) as trade,
        opened(tmp_path, "abe", clock=trade.clock) as arbiter,
    ):
        trade.post.homes[arbiter.me.id] = arbiter
        found = Court(trade, arbiter)
        await found.consent(trade.buyer, trade.seller)
        deal = (await trade.order(renew=True, arbiter=found.id)).deal
        await found.carry()
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        await sells.accept(models.DealAccept(deal=deal))
        await sells.received(models.DealMoney(deal=deal))
        await sells.fulfil(models.DealFulfil(deal=deal))
        await found.carry()
        subscription = (
            await trade.seller.services.subscriptions.list(models.SubscriptionsQuery(deal=deal))
        ).items[0]
        assert subscription.turn is not None
        trade.clock.now = subscription.turn.due
        await trade.seller.trading.look()
        await found.carry()
        renewal = next(
            each.deal for each in (await buys.list(models.DealsQuery(all=True))).items if each.deal != deal
        )
        await buys.dispute(models.DealDispute(deal=renewal, claim="2.00"))
        await found.carry()
        assert not trade.post.refused
        await arbiter.services.deals.rule(models.DealRuling(deal=renewal, keeps="1.00"))


async def test_an_order_needs_a_consent_that_holds(tmp_path: Path) -> None:  # [R-ARB-3] [R-ARB-5]
    async with court(tmp_path) as found:
        trade = found.trade

        async def refused() -> Problem:
            with pytest.raises(Problem) as caught:
                await trade.order(arbiter=found.id)
            return caught.value

        assert (await refused()).code == "no_consent"
        await found.consent(trade.buyer, seller=trade.buyer.id)
        assert "another seller" in (await refused()).text
        await found.consent(trade.buyer, expires_in=60)
        trade.clock.now += 61_000
        assert "expired" in (await refused()).text
        await found.consent(trade.buyer, seller=trade.seller.id)
        assert (await trade.order(arbiter=found.id)).state == "ordered"
        for party in (trade.buyer.id, trade.seller.id):
            with pytest.raises(Problem) as caught:
                await trade.order(arbiter=party)
            assert caught.value.code == "arbiter"
        with pytest.raises(Problem) as own:
            await found.consent(seller=found.id)
        assert own.value.code == "own"


async def test_a_seller_does_not_accept_an_arbiter_unseen(tmp_path: Path) -> None:  # [R-ARB-5]
    async with court(tmp_path) as found:
        trade = found.trade
        made = await found.consent(trade.buyer)
        ordered = await trade.order(arbiter=found.id)
        await found.carry()
        sells = trade.seller.services.deals
        assert "arbiter" in (await sells.show(ordered.deal)).differs[0]
        with pytest.raises(Problem) as caught:
            await sells.accept(models.DealAccept(deal=ordered.deal))
        assert caught.value.code == "differs"
        await found.arbiter.services.arbiters.send(
            models.ArbiterSend(consent=made.consent, to=[trade.seller.id])
        )
        await found.carry()
        assert (await sells.accept(models.DealAccept(deal=ordered.deal))).state == "agreed"


async def test_one_arbiter_does_not_displace_the_consents_of_others(tmp_path: Path) -> None:  # [R-ARB-5]
    async with market(tmp_path) as trade:
        store = trade.buyer.store

        def row(number: int, arbiter: bytes) -> consents.ConsentRow:
            id_ = number.to_bytes(32, "big")
            return consents.ConsentRow(0, id_, arbiter, False, b"", "terms", b"", number)

        await store.write(consents.put, row(0, b"a" * 32))
        for number in range(1, consents.OF_ONE + 5):
            await store.write(consents.put, row(number, b"m" * 32))
        kept = await store.read(lambda reader: consents.page(reader.connection, None, 100))
        assert [each.at for each in kept] == [*range(consents.OF_ONE + 4, 4, -1), 0]


async def test_a_consent_that_nobody_signed_is_refused(tmp_path: Path) -> None:  # [R-ARB-2]
    async with court(tmp_path) as found:
        home = found.trade.buyer
        abe = found.arbiter.me
        honest = consented(NETWORK, abe)
        text = "x"

        async def taken(data: bytes, **fields: object) -> Taken | Refusal:
            receiver = home.letters.receiver("consent")
            assert receiver is not None
            body = ConsentLetter(consent=data, text=text, openers=(wire(start(NETWORK, abe.entries[0])),))
            letter = {
                "sender": abe.id, "epoch": 0, "key": abe.signer.public, "id": b"i" * 16, "first": b"i" * 16,
                "stranger": True, "body": body, "at": found.trade.clock.now, **fields,
            }  # fmt: skip
            return await receiver(Incoming(**letter))  # type: ignore[arg-type]

        def code(answer: Taken | Refusal) -> str | None:
            return answer.code if isinstance(answer, Refusal) else None

        good = consented(NETWORK, abe, terms=hashlib.sha256(b"x").digest())
        cheap = encoding.encode_struct(msgspec.structs.replace(good.consent, points=0))
        assert code(await taken(b"\x80")) == "deal_message"
        assert code(await taken(honest.data)) == "consent"  # other terms
        assert code(await taken(cheap)) == "signature"
        assert code(await taken(good.data, sender=b"x" * 32)) == "not_party"
        assert code(await taken(good.data)) is None
        assert code(await taken(good.data)) is None  # again
        assert len((await home.services.arbiters.list(models.Listed())).items) == 1


async def test_an_order_with_a_forged_consent_is_not_taken(tmp_path: Path) -> None:  # [R-ARB-2]
    async with court(tmp_path) as found:
        trade = found.trade
        await found.consent(trade.buyer)
        (row,) = await trade.buyer.store.read(
            lambda reader: consents.of(reader.connection, found.arbiter.me.id)
        )
        forged = encoding.encode_struct(msgspec.structs.replace(parse_consent(row.data).consent, points=0))
        await trade.buyer.store.write(
            lambda writer: writer.connection.execute("UPDATE consent SET data = ?", (forged,))
        )
        await trade.order(arbiter=found.id)
        await found.carry()
        assert [each.code for each in trade.post.refused] == ["signature"]


async def test_an_offer_with_a_forged_consent_is_not_taken(tmp_path: Path) -> None:  # [R-ARB-2]
    async with court(tmp_path) as found:
        trade = found.trade
        await found.consent(trade.seller)
        (row,) = await trade.seller.store.read(
            lambda reader: consents.of(reader.connection, found.arbiter.me.id)
        )
        forged = encoding.encode_struct(msgspec.structs.replace(parse_consent(row.data).consent, points=0))
        await trade.seller.store.write(
            lambda writer: writer.connection.execute("UPDATE consent SET data = ?", (forged,))
        )
        await trade.seller.services.offers.make(
            models.OfferMake(key="cap", to=trade.buyer.id, arbiter=found.id)
        )
        await found.carry()
        assert [each.code for each in trade.post.refused] == ["signature"]
        assert (await trade.buyer.services.offers.list(models.Listed())).items == []


async def test_an_offer_brings_its_arbiter_along(tmp_path: Path) -> None:  # [R-ARB-5]
    async with court(tmp_path) as found:
        trade = found.trade
        await found.consent(trade.seller)
        made = await trade.seller.services.offers.make(
            models.OfferMake(key="cap", to=trade.buyer.id, arbiter=found.id)
        )
        await found.carry()
        ordered = await trade.buyer.services.deals.order(models.DealOrder(offer=made.offer))
        assert ordered.state == "agreed"
        await found.carry()
        await trade.buyer.services.deals.dispute(models.DealDispute(deal=ordered.deal, claim="0"))
        await found.carry()
        (case,) = (await found.arbiter.services.arbiters.cases(models.CasesQuery())).items
        assert case.deal == ordered.deal and not trade.post.refused


async def test_an_offer_outlives_its_arbiters_consent(tmp_path: Path) -> None:  # [R-ARB-3]
    async with court(tmp_path) as found:
        trade = found.trade
        await found.consent(trade.seller, expires_in=60)
        made = await trade.seller.services.offers.make(
            models.OfferMake(key="cap", to=trade.buyer.id, arbiter=found.id)
        )
        await found.carry()
        trade.clock.now += 61_000
        with pytest.raises(Problem) as caught:
            await trade.buyer.services.deals.order(models.DealOrder(offer=made.offer))
        assert caught.value.code == "consent" and "expired" in caught.value.text


async def test_own_deals_with_a_party_are_told_to_both_before_and_in_the_ruling(tmp_path: Path) -> None:
    """[R-ARB-7]"""
    async with court(tmp_path) as found:
        trade = found.trade
        entries = await trade.seller.store.read(
            lambda reader: reader.entries(trade.seller.me.id, 0, 2**40, 2**40)
        )
        await found.arbiter.gate.admit_chains([entries])
        bought = await found.arbiter.services.deals.order(models.DealOrder(ref=f"{trade.seller.id}/cap"))
        assert bought.role == "buyer"
        await found.carry()
        deal = await found.disputed()
        await trade.buyer.services.deals.receipt(models.DealPartName(deal=deal))
        await found.carry()  # the arbiter hears of the deal again
        warning = "The arbiter had one deal with the seller in the last 180 days."
        mails = [row for row in await trade.post.waiting(found.arbiter) if row.type == "mail"]
        assert {row.recipient for row in mails} == {trade.seller.me.id, trade.buyer.me.id}
        assert len(mails) == 2  # once
        for row in mails:
            body = decode_content(row.content).body
            assert isinstance(body, Mail) and body.text == warning
        with pytest.raises(Problem) as long:
            await found.arbiter.services.deals.rule(models.DealRuling(deal=deal, keeps="0", text="x" * 2_000))
        assert long.value.code == "too_large"
        await found.arbiter.services.deals.rule(
            models.DealRuling(deal=deal, keeps="0", text="All of it back.")
        )
        await found.carry()
        for shown in await trade.both(deal):
            text = next(each.text for each in shown.messages if each.type == "ruling")
            assert text == f"{warning}\n\nAll of it back."


async def test_old_deals_are_no_warning(tmp_path: Path) -> None:  # [R-ARB-7]
    async with court(tmp_path) as found:
        trade = found.trade
        entries = await trade.seller.store.read(
            lambda reader: reader.entries(trade.seller.me.id, 0, 2**40, 2**40)
        )
        await found.arbiter.gate.admit_chains([entries])
        await found.arbiter.services.deals.order(models.DealOrder(ref=f"{trade.seller.id}/cap"))
        trade.clock.now += 181 * DAY_MS
        deal = await found.disputed()
        assert (await found.arbiter.services.arbiters.show(deal)).case.warnings == []  # type: ignore[union-attr]


async def test_who_led_the_buyer_cannot_rule(tmp_path: Path) -> None:  # [R-ARB-6]
    async with court(tmp_path) as found:
        deal = await found.disputed()
        path = the_path(found.arbiter.me, found.trade.seller.me, NETWORK)
        row = WitnessRow(
            id=bytes.fromhex(deal), seller=found.trade.seller.me.id, path=path.encode(), accept=b"", openers=b"",
            at=found.trade.clock.now,
        )  # fmt: skip
        await found.arbiter.store.write(shop.keep, row, ())
        with pytest.raises(Problem) as caught:
            await found.arbiter.services.deals.rule(models.DealRuling(deal=deal, keeps="0"))
        assert caught.value.code == "conflict"
        (case,) = (await found.arbiter.services.arbiters.cases(models.CasesQuery())).items
        assert case.bars is not None and "cannot rule" in case.bars


async def test_a_fee_is_told_in_its_own_money(tmp_path: Path) -> None:  # [R-ARB-4]
    async with court(tmp_path) as found:
        made = await found.consent(percent=None, amount="25", currency="USD")
        assert made.fee is not msgspec.UNSET and (made.fee.amount, made.fee.currency) == ("25.00", "USD")
        for wrong in (
            {"amount": "25"},
            {"percent": "2", "amount": "25", "currency": "EUR"},
            {"percent": "101"},
            {},
        ):
            with pytest.raises(Problem) as caught:
                await found.arbiter.services.arbiters.offer(models.ArbiterOffer(terms=TERMS, **wrong))  # type: ignore[arg-type]
            assert caught.value.code == "fee"
        with pytest.raises(Problem) as none:
            await found.arbiter.services.arbiters.show("abcd")
        assert none.value.code == "no_consent"
        assert (await found.arbiter.services.arbiters.show(made.consent[:6])).terms == TERMS
