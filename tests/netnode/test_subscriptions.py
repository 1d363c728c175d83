"""Subscriptions between two homes: renewals in time, statements of the buyer, prices that both sides said; invoices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from netnode.deals.buyer_keys import buyer_signer
from netnode.deals.renewing import TOLD_AGAIN_MS
from netnode.deals.subscribed import SENTENCES
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.operations import models
from netnode.own.caution import _count
from netnode.problems import Problem
from netnode.store import Writer, deals
from protocol.deals.mandates import sign_statement
from protocol.letter_bodies import MandateLetter
from tests.netnode.dealing import CAP, Market, market
from tests.netnode.services_home import OpenHome

DAY = 86_400_000
BOX = CAP | {"per": "month", "tax": {"rate": "19", "included": True}}


@asynccontextmanager
async def subscribed(path: Path, **wishes: object) -> AsyncIterator[tuple[Market, str]]:
    """A monthly box, ordered for good and accepted."""
    async with market(path, listing=dict(BOX)) as trade:
        ordered = await trade.order(renew=True, **wishes)
        await trade.post.carry()
        await trade.seller.services.deals.accept(models.DealAccept(deal=ordered.deal))
        await trade.post.carry()
        yield trade, ordered.deal


async def one(home: OpenHome, deal: str) -> models.Subscription:
    found = await home.services.subscriptions.list(models.SubscriptionsQuery(deal=deal))
    return found.items[0]


async def turn_round(trade: Market, days: int) -> None:
    """Some days pass, one by one, with the nodes' chores and letters."""
    for _ in range(days):
        trade.clock.now += DAY
        for home in (trade.seller, trade.buyer):
            await home.trading.look()
        await trade.post.carry()


async def refused(code: str, work: object) -> Problem:
    with pytest.raises(Problem) as caught:
        await work  # type: ignore[misc]
    assert caught.value.code == code, caught.value.text
    return caught.value


async def test_each_period_is_a_deal_that_the_sellers_node_makes_in_time(tmp_path: Path) -> None:  # [R-MAN-8]
    async with subscribed(tmp_path) as (trade, deal):
        first = await one(trade.seller, deal)
        assert (first.standing, first.why, first.price.amount, first.per.unit) == (
            "active",
            None,
            "12.50",
            "month",
        )
        assert first.turn is not None and first.turn.turn == 1
        await turn_round(trade, (first.turn.due - trade.clock.now) // DAY - 1)
        assert (await one(trade.seller, deal)).renewals == []
        await turn_round(trade, 2)
        sells, buys = await one(trade.seller, deal), await one(trade.buyer, deal)
        assert [each.turn for each in sells.renewals] == [1] and sells.renewals[0].opened <= first.turn.latest
        assert [(each.turn, each.deal) for each in buys.renewals] == [(1, sells.renewals[0].deal)]
        await turn_round(trade, 3)
        assert len((await one(trade.seller, deal)).renewals) == 1  # not a second one of the same turn
        # The period is paid and delivered as any deal is.
        second = sells.renewals[0].deal
        await trade.buyer.services.deals.paid(models.DealMoney(deal=second))
        await trade.post.carry()
        await trade.seller.services.deals.received(models.DealMoney(deal=second))
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=second))
        await trade.post.carry()
        done = await trade.buyer.services.deals.receipt(models.DealPartName(deal=second))
        await trade.post.carry()
        assert done.state == "final" and not trade.post.refused
        sold, bought = await trade.both(second)
        assert (sold.state, sold.figures) == (bought.state, bought.figures)
        await turn_round(trade, 30)
        assert [each.turn for each in (await one(trade.buyer, deal)).renewals] == [1, 2]


async def test_a_mandate_of_some_turns_ends_with_the_last(tmp_path: Path) -> None:
    async with subscribed(tmp_path, turns=2) as (trade, deal):
        await turn_round(trade, 100)
        found = await one(trade.seller, deal)
        assert [each.turn for each in found.renewals] == [1, 2]
        assert (found.turn, found.why) == (None, "turns")
        await refused("turns", trade.seller.services.subscriptions.renew(models.SubscriptionRenew(deal=deal)))


async def test_a_pause_and_an_end_are_kept_to(tmp_path: Path) -> None:  # [R-MAN-4] [R-MAN-8]
    async with subscribed(tmp_path) as (trade, deal):
        paused = await trade.buyer.services.subscriptions.pause(deal)
        assert paused.standing == "paused" and paused.delivery is not None
        await refused("already", trade.buyer.services.subscriptions.pause(deal))
        await trade.post.carry()
        assert (await one(trade.seller, deal)).why == "mandate_paused"
        await turn_round(trade, 35)
        assert (await one(trade.seller, deal)).renewals == []
        await trade.buyer.services.subscriptions.resume(deal)
        await turn_round(trade, 30)
        assert [each.turn for each in (await one(trade.seller, deal)).renewals] == [
            2
        ]  # the paused one is left out
        ended = await trade.buyer.services.subscriptions.end(deal)
        assert ended.standing == "ended"
        await refused("ended", trade.buyer.services.subscriptions.resume(deal))
        await turn_round(trade, 65)
        found = await one(trade.seller, deal)
        assert [each.turn for each in found.renewals] == [2] and found.why == "mandate_ended"
        assert [each.action for each in found.statements] == ["pause", "resume", "end"]
        assert not trade.post.refused


async def test_a_renewal_that_crosses_an_end_is_cancelled_by_the_buyers_node(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (trade, deal):
        first = await one(trade.seller, deal)
        assert first.turn is not None
        trade.clock.now = first.turn.due
        await trade.buyer.services.subscriptions.end(deal)
        trade.clock.now += 1
        await trade.seller.trading.look()  # it has not heard of the end
        made = (await one(trade.seller, deal)).renewals[0]
        await trade.post.carry()
        await trade.buyer.trading.look()
        await trade.post.carry()
        sold, bought = await trade.both(made.deal)
        assert (sold.state, sold.figures.owed.minor) == (bought.state, 0)
        assert [each.type for each in sold.messages] == ["renewal", "cancel"]
        assert sold.messages[1].void is None


async def test_a_second_renewal_of_one_turn_is_cancelled_by_the_buyers_node(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (trade, deal):
        turn = (await one(trade.seller, deal)).turn
        assert turn is not None
        await turn_round(trade, (turn.due - trade.clock.now) // DAY + 1)
        await trade.seller.store.write(_forget_renewals)  # the seller's node makes it again
        await turn_round(trade, 2)
        found = await one(trade.buyer, deal)
        assert [each.turn for each in found.renewals] == [1, 1]
        states = [(await trade.both(each.deal))[0] for each in found.renewals]
        assert [each.state for each in states] == ["agreed", "final"]
        assert states[1].messages[-1].type == "cancel" and states[1].messages[-1].void is None


def _forget_renewals(writer: Writer) -> None:
    with writer.transaction() as connection:
        connection.execute("DELETE FROM renewal")


async def test_a_period_that_was_paid_is_not_cancelled_by_itself(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (trade, deal):
        first = await one(trade.seller, deal)
        assert first.turn is not None
        trade.clock.now = first.turn.due
        await trade.buyer.services.subscriptions.end(deal)
        trade.clock.now += 1
        await trade.seller.trading.look()
        await trade.post.carry()
        made = (await one(trade.buyer, deal)).renewals[0]
        await trade.buyer.services.deals.paid(models.DealMoney(deal=made.deal))
        await turn_round(trade, 3)
        assert (await trade.buyer.services.deals.show(made.deal)).state == "agreed"


async def test_a_statement_that_was_quicker_than_its_order_is_said_again(tmp_path: Path) -> None:  # [R-MAN-9]
    async with market(tmp_path, listing=dict(BOX)) as trade:
        deal = (await trade.order(renew=True)).deal
        await trade.buyer.services.subscriptions.end(deal)
        await trade.post.carry(lambda row: row.type == "mandate")
        assert [each.code for each in trade.post.refused] == ["no_deal"]
        await trade.post.carry()
        await trade.buyer.trading.look()
        assert not await trade.post.waiting(trade.buyer)
        trade.clock.now += TOLD_AGAIN_MS[0]
        await trade.buyer.trading.look()
        await trade.post.carry()
        assert (await one(trade.seller, deal)).standing == "ended"
        await trade.buyer.trading.look()
        assert not await trade.post.waiting(trade.buyer)


@pytest.mark.parametrize("said", ["dispute", "lapse"])
async def test_a_buyer_who_lost_order_and_renewal_hears_of_both_at_once(tmp_path: Path, said: str) -> None:
    """R-DEAL-31: what a renewal renews comes before it, be it repeated or told to who asks."""
    async with subscribed(tmp_path) as (trade, deal):
        sold, bought = trade.seller.services.deals, trade.buyer.services.deals
        await sold.received(models.DealMoney(deal=deal))
        await sold.fulfil(models.DealFulfil(deal=deal))
        await trade.post.carry()
        await bought.receipt(models.DealPartName(deal=deal))
        await trade.post.carry()
        first = await one(trade.seller, deal)
        assert first.turn is not None
        trade.clock.now = first.turn.due
        await trade.seller.trading.look()
        await trade.post.carry()
        (renewal,) = (await one(trade.seller, deal)).renewals
        if said == "dispute":  # all is answered: the newest words are repeated
            await bought.dispute(models.DealDispute(deal=renewal.deal, claim="1.00", text="No."))
            await trade.post.carry()
        else:  # a word of the seller's is repeated, and who does not know the deal asks for it
            await bought.receipt(models.DealPartName(deal=renewal.deal))
            await trade.post.carry()
            await sold.received(models.DealMoney(deal=renewal.deal, amount="1.00"))
            await trade.post.carry()
        await trade.buyer.store.write(_lose_all)
        trade.clock.now += DAY
        await trade.seller.trading.remind()
        await trade.post.carry()
        shown, kept = await trade.both(renewal.deal)
        assert [each.id for each in kept.messages] == [each.id for each in shown.messages]
        assert (await bought.show(deal)).state == "final"


async def test_a_buyer_who_lost_the_order_hears_of_renewals(tmp_path: Path) -> None:
    """R-DEAL-31: a renewal is refused by who does not have its order, so they are told of that first."""
    async with subscribed(tmp_path) as (trade, deal):
        sold, bought = trade.seller.services.deals, trade.buyer.services.deals
        await sold.received(models.DealMoney(deal=deal))
        await sold.fulfil(models.DealFulfil(deal=deal))
        await trade.post.carry()
        await bought.receipt(models.DealPartName(deal=deal))
        await trade.post.carry()
        first = await one(trade.seller, deal)
        assert first.turn is not None and first.state == "final"  # no reminder of it
        await trade.buyer.store.write(_lose_all)
        trade.clock.now = first.turn.due
        await trade.seller.trading.look()
        await trade.post.carry()
        assert "no_deal" in [each.code for each in trade.post.refused]
        for _ in range(4):
            trade.clock.now += DAY
            await trade.seller.trading.remind()
            await trade.post.carry()
        sells, buys = await one(trade.seller, deal), await one(trade.buyer, deal)
        assert [each.deal for each in buys.renewals] == [each.deal for each in sells.renewals] != []


def _lose_all(writer: Writer) -> None:
    with writer.transaction() as connection:
        for table in (
            "mandate_statement",
            "renewal",
            "mandate",
            "reserved",
            "case_told",
            "deal_question",
            "deal_signer",
            "deal_enclosure",
            "deal_message",
            "deal",
        ):
            connection.execute(f"DELETE FROM {table}")


async def test_nobody_but_the_seller_asks_for_a_price(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (trade, deal):
        asked = MandateLetter(order=bytes.fromhex(deal), price=9_999)
        letter = Incoming(
            sender=b"m" * 32,
            epoch=0,
            key=b"k" * 32,
            id=b"i" * 16,
            first=b"i" * 16,
            stranger=True,
            body=asked,
            at=0,
        )
        for sender, order, code in (
            (b"m" * 32, bytes.fromhex(deal), "not_party"),
            (trade.seller.me.id, b"o" * 32, "no_deal"),
        ):
            given = replace(letter, sender=sender, body=msgspec.structs.replace(asked, order=order))
            answer = await trade.buyer.trading.renewing.take(given)
            assert isinstance(answer, Refusal) and answer.code == code
        assert (await one(trade.buyer, deal)).asked is msgspec.UNSET
        answer = await trade.buyer.trading.renewing.take(replace(letter, sender=trade.seller.me.id))
        assert isinstance(answer, Taken)
        assert (await one(trade.buyer, deal)).asked.minor == 9_999  # type: ignore[union-attr]


async def test_a_price_changes_only_by_consent(tmp_path: Path) -> None:  # [R-MAN-8] [R-MAN-9]
    async with subscribed(tmp_path) as (trade, deal):
        sells, buys = trade.seller.services.subscriptions, trade.buyer.services.subscriptions
        await refused("price", buys.consent(models.SubscriptionPrice(deal=deal)))
        await refused("price", sells.consent(models.SubscriptionPrice(deal=deal)))
        await refused("amount", sells.consent(models.SubscriptionPrice(deal=deal, price="14.005")))
        asked = await sells.consent(models.SubscriptionPrice(deal=deal, price="14.00", text="Post is dearer"))
        assert asked.asked.amount == "14.00" and asked.price.amount == "12.50"  # type: ignore[union-attr]
        await trade.post.carry()
        seen = await one(trade.buyer, deal)
        assert seen.asked_text == "Post is dearer" and seen.price.amount == "12.50"
        await turn_round(trade, 31)
        first = (await one(trade.seller, deal)).renewals[0]
        assert (await trade.buyer.services.deals.show(first.deal)).figures.price.amount == "12.50"
        consented = await buys.consent(models.SubscriptionPrice(deal=deal))
        assert consented.price.amount == "14.00"
        await turn_round(trade, 31)
        second = (await one(trade.seller, deal)).renewals[1]
        shown = await trade.buyer.services.deals.show(second.deal)
        assert shown.figures.price.amount == "14.00" and shown.messages[0].void is None
        # A price that the seller never asked for is not renewed at.
        await buys.consent(models.SubscriptionPrice(deal=deal, price="0.01"))
        await turn_round(trade, 62)
        found = await one(trade.seller, deal)
        assert len(found.renewals) == 2 and found.why == "price" and found.reason == SENTENCES["price"]
        await buys.consent(models.SubscriptionPrice(deal=deal, price="12.50"))  # nor at the old one
        await trade.post.carry()
        assert (await one(trade.seller, deal)).why == "price"
        await buys.consent(models.SubscriptionPrice(deal=deal, price="14.00"))
        await turn_round(trade, 31)
        assert (await one(trade.seller, deal)).renewals[-1].opened > second.opened
        assert not trade.post.refused


async def test_a_seller_can_stop_renewing(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (trade, deal):
        sells = trade.seller.services.subscriptions
        assert (await sells.pause(deal)).why == "stopped"
        await turn_round(trade, 40)
        assert (await one(trade.seller, deal)).renewals == []
        assert (await sells.resume(deal)).why is None
        await refused("not_party", sells.end(deal))
        await turn_round(trade, 31)
        assert len((await one(trade.seller, deal)).renewals) == 1


async def test_after_a_period_that_was_cancelled_the_seller_is_asked(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (trade, deal):
        await turn_round(trade, 30)
        made = (await one(trade.buyer, deal)).renewals[0]
        await trade.buyer.services.deals.cancel(models.DealEnd(deal=made.deal))
        await turn_round(trade, 62)
        found = await one(trade.seller, deal)
        assert len(found.renewals) == 1 and found.why == "not_performed"
        renew = models.SubscriptionRenew(deal=deal)
        await refused("not_performed", trade.seller.services.subscriptions.renew(renew))
        again = models.SubscriptionRenew(deal=deal, anyway=True)
        assert (await trade.seller.services.subscriptions.renew(again)).state == "agreed"
        await refused("renewed", trade.seller.services.subscriptions.renew(renew))


async def test_only_the_order_s_key_speaks_and_only_of_a_mandate_that_is_here(
    tmp_path: Path,
) -> None:  # [R-MAN-9]
    async with subscribed(tmp_path) as (trade, deal):
        await trade.buyer.services.subscriptions.pause(deal)
        (row,) = await trade.post.waiting(trade.buyer)
        forged = row.content[:-70] + bytes([row.content[-70] ^ 1]) + row.content[-69:]
        refusal = await trade.post.bring(trade.buyer, replace(row, content=forged))
        assert refusal is not None and refusal.code in ("signature", "deal_message")
        assert (await one(trade.seller, deal)).statements == []
        assert await trade.post.bring(trade.buyer, row) is None
        assert await trade.post.bring(trade.buyer, row) is None  # twice is once
        assert len((await one(trade.seller, deal)).statements) == 1
        plain = await trade.order()
        await refused("no_mandate", trade.buyer.services.subscriptions.pause(plain.deal))
        await refused("no_deal", trade.buyer.services.subscriptions.pause("ffff"))


async def forgotten(home: OpenHome) -> None:
    """The home is an older copy of itself, from before the last statements."""

    def back(writer: Writer) -> None:
        _copied(writer)
        with writer.transaction() as connection:
            connection.execute("DELETE FROM mandate_statement")
            connection.execute("UPDATE deal SET copies = 1")  # the deal itself was asked for and told

    await home.store.write(back)


async def test_a_buyers_older_copy_asks_before_it_speaks_again(tmp_path: Path) -> None:  # [R-MAN-4]
    async with subscribed(tmp_path) as (trade, deal):
        await trade.buyer.services.subscriptions.pause(deal)
        await trade.post.carry()
        await forgotten(trade.buyer)
        await refused("held", trade.buyer.services.subscriptions.end(deal))
        await trade.buyer.trading.look()
        await turn_round(trade, 1)
        assert [each.action for each in (await one(trade.buyer, deal)).statements] == ["pause"]
        assert (await trade.buyer.services.subscriptions.end(deal)).statements[-1].number == 1
        await turn_round(trade, 1)
        found = await one(trade.seller, deal)
        assert found.standing == "ended" and all(each.void is None for each in found.statements)
        asked = [row for row in trade.post.carried if row.type == "mandate"]
        assert len(asked) == 4  # pause, question, answer, end: it is asked once


async def test_a_sellers_older_copy_asks_before_it_renews(tmp_path: Path) -> None:  # [R-MAN-8]
    async with subscribed(tmp_path) as (trade, deal):
        await trade.buyer.services.subscriptions.pause(deal)
        await trade.post.carry()
        await forgotten(trade.seller)
        found = await one(trade.seller, deal)
        assert found.standing == "active" and found.why == "held"
        trade.clock.now += 29 * DAY
        await trade.seller.trading.look()
        assert (await one(trade.seller, deal)).renewals == []
        await turn_round(trade, 5)
        found = await one(trade.seller, deal)
        assert (found.why, found.renewals) == ("mandate_paused", [])
        assert not trade.post.refused


async def test_a_seller_whose_renewal_lacks_a_statement_hears_it_again(tmp_path: Path) -> None:  # [R-MAN-9]
    """Another copy of the seller's home got it, and the one that goes on asked before it was made."""
    async with subscribed(tmp_path) as (trade, deal):
        turn = (await one(trade.seller, deal)).turn
        assert turn is not None
        await trade.buyer.services.subscriptions.end(deal)
        await trade.post.carry()
        await trade.seller.store.write(_forget_statements)
        await turn_round(trade, (turn.due - trade.clock.now) // DAY + 2)
        found = await one(trade.seller, deal)
        assert (found.standing, len(found.renewals)) == ("ended", 1)
        sold, bought = await trade.both(found.renewals[0].deal)
        assert [each.type for each in sold.messages] == ["renewal", "cancel"]
        assert (sold.state, bought.state) == ("final", "final")
        await turn_round(trade, 5)
        told = [row for row in trade.post.carried if row.type == "mandate"]
        assert len(told) == 2  # it is said again once


def _forget_statements(writer: Writer) -> None:
    with writer.transaction() as connection:
        connection.execute("DELETE FROM mandate_statement")


async def test_subscriptions_are_listed_on_both_sides(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (trade, deal):
        await trade.order()  # no subscription
        for home, role in ((trade.seller, "seller"), (trade.buyer, "buyer")):
            found = await home.services.subscriptions.list(models.SubscriptionsQuery())
            assert [(each.deal, each.role, each.title) for each in found.items] == [(deal, role, "Blue cap")]


# -- invoices --------------------------------------------------------------------------------------------------
async def test_invoices_are_numbered_without_a_gap_and_made_once(tmp_path: Path) -> None:
    async with market(tmp_path, listing=dict(BOX)) as trade:
        work = trade.seller.services.subscriptions
        deals = [(await trade.order()).deal for _ in range(3)]
        await trade.post.carry()
        await refused("no_contract", work.invoice(models.InvoiceOrder(deal=deals[0])))
        for deal in deals:
            await trade.seller.services.deals.accept(models.DealAccept(deal=deal))
        await refused("no_invoice", work.invoice(models.InvoiceOrder(deal=deals[0], credit_note=True)))
        made = [await work.invoice(models.InvoiceOrder(deal=deal)) for deal in (*deals, deals[0])]
        assert [each.number for each in made] == ["2023-1", "2023-2", "2023-3", "2023-1"]
        first = made[0]
        assert (first.total.amount, first.tax.amount, first.net.amount) == ("12.50", "2.00", "10.50")
        assert (first.seller.name, first.buyer.id) == (trade.seller.id, trade.buyer.id)  # it has no profile
        await refused("nothing", work.invoice(models.InvoiceOrder(deal=deals[0], credit_note=True)))
        await trade.seller.services.deals.cancel(models.DealEnd(deal=deals[0], reason="sold_out"))
        credit = [await work.invoice(models.InvoiceOrder(deal=deals[0], credit_note=True)) for _ in range(2)]
        assert [each.number for each in credit] == ["C2023-1", "C2023-1"]
        assert (credit[0].credits, credit[0].total.amount, credit[0].tax.amount) == (
            "2023-1",
            "12.50",
            "2.00",
        )
        trade.clock.now += 366 * DAY
        other = (await trade.order()).deal
        await trade.post.carry()
        await trade.seller.services.deals.accept(models.DealAccept(deal=other))
        page = await work.invoice(models.InvoiceOrder(deal=other, html=True, number=9))
        assert page.number == "2024-9" and "Invoice 2024-9" in str(page.html)
        assert (await work.invoice(models.InvoiceOrder(deal=deals[1]))).number == "2023-2"
        trade.clock.now -= 366 * DAY  # a clock that was wrong: each year goes on where it was
        older = (await trade.order()).deal
        await trade.post.carry()
        await trade.seller.services.deals.accept(models.DealAccept(deal=older))
        assert (await work.invoice(models.InvoiceOrder(deal=older))).number == "2023-4"
        await trade.post.carry()
        await refused(
            "not_party", trade.buyer.services.subscriptions.invoice(models.InvoiceOrder(deal=other))
        )


async def test_an_older_copy_of_a_home_asks_for_the_next_number(tmp_path: Path) -> None:
    async with market(tmp_path, listing=dict(BOX)) as trade:
        work = trade.seller.services.subscriptions
        deals = [(await trade.order()).deal for _ in range(4)]
        await trade.post.carry()
        for deal in deals:
            await trade.seller.services.deals.accept(models.DealAccept(deal=deal))
        await work.invoice(models.InvoiceOrder(deal=deals[0]))
        await trade.seller.store.write(_copied)
        assert "--number 2" in (await refused("copy", work.invoice(models.InvoiceOrder(deal=deals[1])))).text
        await refused("number", work.invoice(models.InvoiceOrder(deal=deals[1], number=1)))
        assert (await work.invoice(models.InvoiceOrder(deal=deals[1], number=7))).number == "2023-7"
        assert (await work.invoice(models.InvoiceOrder(deal=deals[2]))).number == "2023-8"


def _copied(writer: Writer) -> None:
    with writer.transaction():
        _count(writer, 1)


async def test_the_head_of_an_invoice_is_the_owners(tmp_path: Path) -> None:
    head = 'invoice_head = ["1 Dorset Street", "VAT GB 123"]\n'
    async with market(tmp_path, settings=head, listing=dict(BOX)) as trade:
        ordered = await trade.order()
        await trade.post.carry()
        await trade.seller.services.deals.accept(models.DealAccept(deal=ordered.deal))
        found = await trade.seller.services.subscriptions.invoice(models.InvoiceOrder(deal=ordered.deal))
        assert found.seller.lines == ["1 Dorset Street", "VAT GB 123"]


async def test_a_mandate_takes_fifteen_words_and_an_end(tmp_path: Path) -> None:  # [R-MAN-3]
    async with subscribed(tmp_path) as (trade, deal):
        work = trade.buyer.services.subscriptions
        for number in range(15):
            trade.clock.now += 1
            await (work.resume(deal) if number % 2 else work.pause(deal))
        await refused("changes", work.resume(deal))
        assert (await work.end(deal)).standing == "ended"
        await trade.post.carry()
        assert (await one(trade.seller, deal)).standing == "ended" and not trade.post.refused


async def test_a_renewal_stands_for_its_mandate(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (trade, deal):
        await turn_round(trade, 25)
        made = (await one(trade.buyer, deal)).renewals[0]
        assert (await trade.buyer.services.subscriptions.pause(made.deal)).deal == deal
        invoiced = await trade.seller.services.subscriptions.invoice(models.InvoiceOrder(deal=made.deal))
        assert invoiced.period is not None and invoiced.total.amount == "12.50"


async def test_a_home_that_is_asked_first_says_and_renews_nothing(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (trade, deal):
        turn = (await one(trade.seller, deal)).turn
        assert turn is not None
        for home in (trade.seller, trade.buyer):
            await home.store.write(_copied)  # the deals are held until the other side has told all it has
        await refused("held", trade.buyer.services.subscriptions.pause(deal))
        trade.clock.now = turn.due
        await trade.seller.trading.look()
        assert (await one(trade.seller, deal)).renewals == []
        await turn_round(trade, 2)
        assert len((await one(trade.seller, deal)).renewals) == 1
        assert (await trade.buyer.services.subscriptions.pause(deal)).standing == "paused"


async def test_statements_that_never_end_are_not_kept(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (trade, deal):
        paused = await trade.buyer.services.subscriptions.pause(deal)
        keys = trade.buyer.ring.keys
        row = await trade.buyer.store.read(lambda reader: deals.by_id(reader.connection, bytes.fromhex(deal)))
        assert (
            keys.deal_secret is not None and row is not None and row.nonce is not None and paused.statements
        )
        signer = buyer_signer("inx", keys.deal_secret, row.nonce)
        for first in (0, 60):
            said = tuple(
                sign_statement(
                    "inx", signer, action="end", order=row.id, number=0, time=trade.clock.now + each
                ).data
                for each in range(first, first + 60)
            )
            letter = MandateLetter(order=row.id, statements=said)
            answer = await trade.seller.trading.renewing.take(
                Incoming(
                    sender=trade.buyer.me.id, epoch=0, key=b"k" * 32, id=b"i" * 16, first=b"i" * 16, stranger=False,
                    body=letter, at=0,
                )
            )  # fmt: skip
            assert isinstance(answer, Refusal if first else Taken)
            assert (
                len((await one(trade.seller, deal)).statements) == 60
            )  # a letter is taken whole or not at all
        assert (await one(trade.seller, deal)).standing == "ended"  # they contradict each other
        odd = MandateLetter(order=row.id, statements=(b"\x90",))
        wrong = Incoming(
            sender=trade.buyer.me.id, epoch=0, key=b"k" * 32, id=b"j" * 16, first=b"j" * 16, stranger=False,
            body=odd, at=0,
        )  # fmt: skip
        refusal = await trade.seller.trading.renewing.take(wrong)
        assert isinstance(refusal, Refusal) and refusal.code == "deal_message"
