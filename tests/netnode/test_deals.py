"""Deals between two homes: every move through the services and the stores [R-DEAL-31]."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from netnode.cli.output import when
from netnode.deals import buying
from netnode.deals.holding import SETTLED_MS
from netnode.deals.known import load, read_enclosure
from netnode.deals.receiving import TAKEN_BACK, UNANSWERED, UNDECIDED
from netnode.operations import models
from netnode.own.caution import Reason
from netnode.problems import ExitCode, Problem
from netnode.services.deals import DealBook
from netnode.store import deals, letters, offers
from netnode.store.deals import OF_A_DEAL
from protocol.certificate import DAY_MS
from protocol.deals.enclosures import Goods
from protocol.deals.offers import parse_offer
from protocol.letter_bodies import DealLetter, decode_content, encode_content
from tests.netnode.dealing import Market, market
from tests.netnode.services_home import everything, opened


async def refused(call: object, code: str) -> Problem:
    with pytest.raises(Problem) as caught:
        await call  # type: ignore[misc]
    assert caught.value.code == code, caught.value
    return caught.value


def named(deal: str) -> models.DealPartName:
    return models.DealPartName(deal=deal)


async def agreed(trade: Market, **wishes: object) -> str:
    """A deal with a contract that both sides know."""
    deal = (await trade.order(**wishes)).deal
    await trade.post.carry()
    await trade.seller.services.deals.accept(models.DealAccept(deal=deal))
    await trade.post.carry()
    return deal


async def test_from_order_to_receipt_both_sides_see_the_same(tmp_path: Path) -> None:
    async with market(tmp_path, 'payment = ["Bank=payto://iban/DE02"]\n') as trade:
        ordered = await trade.order(quantity=2)
        assert (ordered.state, ordered.role) == ("ordered", "buyer")
        assert ordered.next is not None and (ordered.next.action, ordered.next.by) == ("accept", "seller")
        assert ordered.delivery is not None and ordered.delivery.state == "queued"
        await trade.post.carry()
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        accepted = await sells.accept(models.DealAccept(deal=ordered.deal))
        assert accepted.state == "agreed"
        assert accepted.next is not None and (accepted.next.action, accepted.next.by) == (
            "payment_sent",
            "buyer",
        )
        await trade.post.carry()
        (way,) = (await buys.show(ordered.deal)).payment
        assert (way.label, way.uri) == ("Bank", "payto://iban/DE02")
        paid = await buys.paid(models.DealMoney(deal=ordered.deal, method="Bank", reference="RF18"))
        await trade.post.carry()
        await sells.received(models.DealMoney(deal=ordered.deal))
        await sells.fulfil(models.DealFulfil(deal=ordered.deal, tracking="JD0001"))
        await trade.post.carry()
        received = await buys.receipt(named(ordered.deal))
        (last,) = await trade.post.waiting(trade.buyer)
        body = decode_content(last.content).body
        assert isinstance(body, DealLetter) and len(body.messages) == 1  # what is answered is not sent again
        await trade.post.carry()
        assert paid.state == "agreed" and received.state == "final" and received.next is None
        sold, bought = await trade.both(ordered.deal)
        assert [each.id for each in sold.messages] == [each.id for each in bought.messages]
        assert (sold.state, sold.figures) == (bought.state, bought.figures)
        assert sold.figures.paid.amount == "25.00" and sold.figures.base.amount == "25.00"
        assert [each.reference for each in sold.messages][2] == "RF18"
        assert all(each.void is None for each in sold.messages)
        # everything but the last word of the buyer is answered, so its letters are done with
        ways = [each.delivery.state for each in bought.messages if each.own and each.delivery is not None]
        assert ways == ["settled", "settled", "delivered"]
        first = await trade.buyer.letters.delivery(1)
        assert first is not None and first.state == "settled"  # nobody tries to deliver it any more
        assert not trade.post.refused


async def test_a_move_that_is_not_possible_says_why_and_what_is(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        ordered = await trade.order()
        deal = ordered.deal
        buys = trade.buyer.services.deals
        problem = await refused(buys.paid(models.DealMoney(deal=deal, amount="12.50")), "not_agreed")
        assert problem.exit_code is ExitCode.REFUSED
        assert problem.text == (
            "`paid` is not possible now: the seller has not accepted the order, so there is no contract. "
            f"What you can do in this deal now: cancel (netnode deal COMMAND {deal[:10]})."
        )
        problem = await refused(buys.accept(models.DealAccept(deal=deal)), "not_party")
        assert problem.text.startswith("`accept` is for the seller; in this deal you are the buyer.")
        early = await refused(buys.lapse(models.DealLapse(deal=deal)), "too_early")
        until = ordered.next.until  # type: ignore[union-attr]
        assert f"it will on {when(until)} UTC" in early.text
        for call in (
            buys.paid(models.DealMoney(deal=deal)),
            buys.presume(models.DealPresume(deal=deal)),
        ):
            assert "has not accepted" in (await refused(call, "not_agreed")).text
        await refused(buys.show("ff" * 32), "no_deal")
        await refused(buys.paid(models.DealMoney(deal=deal, amount="1.234")), "amount")
        before = await buys.show(deal)
        assert len(before.messages) == 1  # nothing of what was refused is there
        assert len(await trade.post.waiting(trade.buyer)) == 1


async def test_letters_may_come_twice_and_in_any_order(tmp_path: Path) -> None:
    """R-DEAL-33."""
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        buys, sells = trade.buyer.services.deals, trade.seller.services.deals
        await buys.paid(models.DealMoney(deal=deal, amount="5.00"))
        await buys.paid(models.DealMoney(deal=deal, amount="7.50"))
        await buys.cancel(models.DealEnd(deal=deal))
        waiting = await trade.post.waiting(trade.buyer)
        assert len(waiting) == 3
        for row in (waiting[2], waiting[0], waiting[1], waiting[2], waiting[0]):
            assert await trade.post.bring(trade.buyer, row) is None
        await trade.post.carry()
        sold, bought = await trade.both(deal)
        assert [each.id for each in sold.messages] == [each.id for each in bought.messages]
        assert sold.figures == bought.figures and sold.figures.unconfirmed.amount == "12.50"
        first = await sells.received(models.DealMoney(deal=deal))
        assert first.state == "unconfirmed"
        assert (await sells.show(deal)).figures.paid.amount == "5.00"  # the oldest of the two


async def test_a_lost_letter_is_asked_for(tmp_path: Path) -> None:
    """A letter carries what the other side has not answered; what is missing all the same is asked for."""
    async with market(tmp_path) as trade:
        deal = (await trade.order()).deal
        await trade.post.carry()
        sells = trade.seller.services.deals
        await sells.accept(models.DealAccept(deal=deal))
        (lost,) = await trade.post.waiting(trade.seller)
        await trade.seller.store.write(letters.settle, [lost.i], trade.clock.now)
        await sells.received(models.DealMoney(deal=deal, amount="12.50"))
        await trade.post.carry()
        assert (await trade.buyer.services.deals.show(deal)).figures.paid.amount == "12.50"

        # The same with a letter that holds its message alone, as one of another program may.
        await sells.fulfil(models.DealFulfil(deal=deal))
        (row,) = await trade.post.waiting(trade.seller)
        body = decode_content(row.content).body
        assert isinstance(body, DealLetter) and len(body.messages) == 3
        alone = structs.replace(body, messages=body.messages[-1:])
        fresh = trade.seller.letters.draft(row.recipient, alone)
        await trade.buyer.store.write(_forget, deal)
        await trade.seller.store.write(letters.settle, [row.i], trade.clock.now)
        await trade.seller.store.write(letters.queue, fresh)
        await trade.post.carry()
        sold, bought = await trade.both(deal)
        assert [each.id for each in sold.messages] == [each.id for each in bought.messages]
        assert {each.type for each in trade.post.carried} >= {"ask"}


def _forget(writer: object, deal: str) -> None:
    """Takes what the seller said from a store, as a lost letter would."""
    with writer.transaction() as connection:  # type: ignore[attr-defined]
        connection.execute("DELETE FROM deal_message WHERE NOT own")


async def test_what_is_not_answered_is_sent_again_when_the_owner_asks(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = (await trade.order()).deal
        (lost,) = await trade.post.waiting(trade.buyer)
        await trade.buyer.store.write(letters.settle, [lost.i], trade.clock.now)
        buys = trade.buyer.services.deals
        again = await buys.ask(models.DealAsk(deal=deal))
        assert again.delivery is not None and again.delivery.state == "queued"
        await trade.post.carry()
        assert (await trade.seller.services.deals.show(deal)).state == "ordered"
        assert [each.type for each in trade.post.carried] == ["deal", "ask", "deal"]
        await trade.seller.services.deals.accept(models.DealAccept(deal=deal))
        await trade.post.carry()
        before = len(trade.post.carried)
        await buys.ask(models.DealAsk(deal=deal))
        await trade.post.carry()
        assert [each.type for each in trade.post.carried[before:]] == ["ask", "deal"]  # all of it is answered


async def test_an_order_that_would_have_no_effect_is_not_sent(tmp_path: Path) -> None:
    """The node that orders judges as the other side would."""
    async with market(tmp_path) as trade:
        made = await trade.seller.services.offers.make(models.OfferMake(key="cap", to=trade.buyer.id))
        await trade.post.carry()
        row = await trade.buyer.store.read(
            lambda reader: offers.by_id(reader.connection, bytes.fromhex(made.offer))
        )
        assert row is not None and row.enclosure is not None
        goods = read_enclosure(row.enclosure, Goods)
        assert goods is not None
        order, goods = buying.of_quote(parse_offer(row.data), goods, buying.Wishes())
        cheaper = structs.replace(order, parts=(structs.replace(order.parts[0], price=1),))
        problem = await refused(trade.buyer.trading.desk.order(cheaper, goods), "order")
        assert "it does not say what the offer says" in problem.text
        assert (await trade.buyer.services.deals.list(models.DealsQuery(all=True))).items == []
        assert await trade.post.waiting(trade.buyer) == []


async def test_a_question_about_a_deal_that_nobody_has_is_not_asked_for_ever(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal))
        await trade.buyer.store.write(_lose_all)
        await trade.seller.store.write(_lose_all)
        assert await trade.post.carry() == 2  # the letter, and the question, which is refused: then silence
        assert [each.code for each in trade.post.refused] == ["no_deal"]


def _lose_all(writer: object) -> None:
    with writer.transaction() as connection:  # type: ignore[attr-defined]
        for table in ("sale_due", "reserved", "deal_signer", "deal_enclosure", "deal_message", "deal"):
            connection.execute(f"DELETE FROM {table}")


async def test_a_buyer_who_lost_the_store_gets_the_deal_back_from_the_seller(tmp_path: Path) -> None:
    """The key of the order is derived from the keystore's secret and the salt of the goods."""
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await trade.buyer.store.write(_lose_all)
        trade.clock.now += 1
        await trade.buyer.own.caution.begin(Reason.LOST)
        trade.clock.now += SETTLED_MS
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal))
        await trade.post.carry()
        await trade.buyer.trading.holding.run()
        await trade.post.carry()
        done = await trade.buyer.services.deals.receipt(named(deal))
        assert done.role == "buyer"
        await trade.post.carry()
        sold, bought = await trade.both(deal)
        assert [each.id for each in sold.messages] == [each.id for each in bought.messages]
        assert not trade.post.refused


async def test_two_orders_of_the_last_piece_make_one_contract(tmp_path: Path) -> None:
    """R-DEAL-30."""
    async with market(tmp_path) as trade:
        await race(trade, 25)


async def race(trade: Market, rounds: int) -> None:
    """Accepts two orders of the last piece at once, again and again."""
    sells = trade.seller.services.deals
    for _ in range(rounds):
        await trade.seller.services.stock.change(models.StockChange(key="cap", count=1))
        orders = [(await trade.order()).deal for _ in range(2)]
        await trade.post.carry()
        found = await asyncio.gather(
            *(sells.accept(models.DealAccept(deal=deal)) for deal in orders), return_exceptions=True
        )
        made = [each for each in found if isinstance(each, models.DealState)]
        others = [each.code for each in found if isinstance(each, Problem)]
        assert (len(made), others) == (1, ["sold_out"]), found
        (counter,) = (await trade.seller.services.stock.show("cap")).counters
        assert counter.count == 0


async def test_orders_are_accepted_by_themselves_and_the_last_piece_once(tmp_path: Path) -> None:
    async with market(tmp_path, 'auto_accept = "on"\n') as trade:
        await trade.seller.services.stock.change(models.StockChange(key="cap", count=3))
        orders = [(await trade.order(quantity=2)).deal for _ in range(2)]
        await trade.post.carry()
        states = [(await trade.buyer.services.deals.show(deal)) for deal in orders]
        assert [each.state for each in states] == ["agreed", "final"]
        assert [each.type for each in states[1].messages] == ["order", "decline"]
        shown = await trade.seller.services.stock.show("cap")
        assert [(each.count, each.reserved) for each in shown.counters] == [(1, 2)]


async def test_what_is_not_as_offered_waits_for_the_owner(tmp_path: Path) -> None:
    async with market(tmp_path, 'auto_accept = "on"\n') as trade:
        old = (await trade.order()).deal
        await trade.seller.services.listings.edit(models.ListingEdit(key="cap", fields={"price": "15.00"}))
        await trade.post.carry()
        sells = trade.seller.services.deals
        shown = await sells.show(old)
        assert shown.state == "ordered"
        assert shown.differs == ["the listing was changed or withdrawn since it was ordered"]
        problem = await refused(sells.accept(models.DealAccept(deal=old)), "differs")
        assert "--anyway" in problem.text
        assert (await sells.accept(models.DealAccept(deal=old, anyway=True))).state == "agreed"

        await trade.seller.services.stock.change(models.StockChange(key="cap", auto_accept="off"))
        await trade.meet()
        waits = (await trade.order()).deal
        await trade.post.carry()
        assert (await sells.show(waits)).state == "ordered"


async def test_an_order_on_other_terms_waits_for_the_owner(tmp_path: Path) -> None:
    async with market(tmp_path, 'auto_accept = "on"\nfulfil_days = 60\npay_days = 3\n') as trade:
        deal = (await trade.order()).deal
        await trade.post.carry()
        sells = trade.seller.services.deals
        shown = await sells.show(deal)
        assert shown.state == "ordered"
        assert shown.differs == [
            "the order leaves 14 days to pay, you ask for at most 3 days",
            "the order leaves 30 days to deliver, you ask for 60 days",
        ]
        assert (await sells.accept(models.DealAccept(deal=deal))).state == "agreed"


async def test_pieces_come_back_when_a_deal_ends_without_them(tmp_path: Path) -> None:
    """R-DEAL-30."""
    async with market(tmp_path) as trade:
        stock, sells = trade.seller.services.stock, trade.seller.services.deals

        async def left() -> tuple[int | None, int]:
            (counter,) = (await stock.show("cap")).counters
            return counter.count, counter.reserved

        await stock.change(models.StockChange(key="cap", count=5))
        cancelled = await agreed(trade, quantity=2)
        assert await left() == (3, 2)
        await trade.buyer.services.deals.cancel(models.DealEnd(deal=cancelled))
        await trade.post.carry()
        assert await left() == (5, 0)
        lapsed = await agreed(trade, quantity=2)
        trade.clock.now += 15 * DAY_MS
        assert (await sells.lapse(models.DealLapse(deal=lapsed))).state == "final"
        assert await left() == (5, 0)
        sold = await agreed(trade, quantity=2)
        await sells.fulfil(models.DealFulfil(deal=sold))
        await trade.post.carry()
        assert await left() == (3, 2)
        # Late goods are kept: what an end gave back is gone again.
        await trade.post.carry()
        await trade.buyer.services.deals.receipt(named(cancelled))
        await trade.post.carry()
        assert (await left())[0] == 1


async def test_what_is_not_authentic_is_refused_with_its_code(tmp_path: Path) -> None:
    """R-DEAL-33."""
    async with market(tmp_path) as trade:
        deal = (await trade.order()).deal
        (row,) = await trade.post.waiting(trade.buyer)
        body = decode_content(row.content).body
        assert isinstance(body, DealLetter)
        (message,) = body.messages

        async def bring(changed: DealLetter, to: bytes | None = None) -> str:
            content = encode_content(changed)
            answer = await trade.post.bring(
                trade.buyer, with_content(row, content, trade.seller.me.id if to is None else to)
            )
            return "" if answer is None else answer.code

        assert await bring(structs.replace(body, enclosures=())) == "enclosure"
        assert (
            await bring(structs.replace(body, messages=(message[:-1] + bytes([message[-1] ^ 1]),)))
            == "signature"
        )
        assert await bring(structs.replace(body, messages=(message[:40],))) == "encoding"
        listing = await trade.seller.services.deals.list(models.DealsQuery(all=True))
        assert listing.items == []
        # The order of another seller, sealed again to somebody else: the buyer's own node has no part as a seller.
        assert await bring(body) == ""
        assert (await trade.seller.services.deals.show(deal)).role == "seller"
        await trade.seller.services.deals.accept(models.DealAccept(deal=deal))
        (answer,) = await trade.post.waiting(trade.seller)
        accept = decode_content(answer.content).body
        assert isinstance(accept, DealLetter)
        signed = accept.messages[0]
        forged = structs.replace(accept, messages=(signed[:-1] + bytes([signed[-1] ^ 1]),))
        row = with_content(answer, encode_content(forged), trade.buyer.me.id)
        found = await trade.post.bring(trade.seller, row)
        assert found is not None and found.code == "signature"
        assert (await trade.buyer.services.deals.show(deal)).state == "ordered"


def with_content(row: letters.OutRow, content: bytes, recipient: bytes) -> letters.OutRow:
    values = {name: getattr(row, name) for name in letters.OutRow.__slots__}
    return letters.OutRow(**{**values, "content": content, "recipient": recipient})


async def test_an_order_for_somebody_else_is_refused(tmp_path: Path) -> None:
    """Re-sealed to a third party, an order proves nothing there."""
    async with market(tmp_path) as trade, opened(tmp_path, "cy", clock=trade.clock) as third:
        await trade.order()
        (row,) = await trade.post.waiting(trade.buyer)
        trade.post.homes[third.me.id] = third
        found = await trade.post.bring(trade.buyer, with_content(row, row.content, third.me.id))
        assert found is not None and found.code == "not_party"
        assert (await third.services.deals.list(models.DealsQuery(all=True))).items == []


async def test_the_list_begins_with_what_waits_for_its_owner(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        sells, buys = trade.seller.services.deals, trade.buyer.services.deals
        waits = [(await trade.order()).deal for _ in range(3)]
        await trade.post.carry()
        await sells.accept(models.DealAccept(deal=waits[1]))
        await sells.decline(models.DealEnd(deal=waits[2]))
        await trade.post.carry()
        own = (await sells.list(models.DealsQuery())).items
        assert [each.deal for each in own] == [waits[0], waits[1]]
        theirs = (await buys.list(models.DealsQuery())).items
        assert [each.deal for each in theirs] == [waits[1], waits[0]]
        assert theirs[0].next is not None and theirs[0].next.action == "payment_sent"
        assert [each.state for each in (await buys.list(models.DealsQuery(all=True))).items][-1] == "final"

        async def page(cursor: str | None) -> models.Page[models.DealItem]:
            return await buys.list(models.DealsQuery(all=True, limit=1, cursor=cursor))

        assert {each.deal for each in await everything(page)} == set(waits)
        trade.clock.now += 8 * DAY_MS  # nobody accepted in time: now it is the buyer's turn
        first = (await buys.list(models.DealsQuery())).items
        turn = {each.deal: each.next.action for each in first if each.next is not None}
        assert turn[waits[0]] == "lapse_accept"


async def test_a_deal_is_named_by_its_first_digits(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = (await trade.order()).deal
        buys = trade.buyer.services.deals
        assert (await buys.show(deal[:6].upper())).deal == deal
        await refused(buys.show("0000" if not deal.startswith("0000") else "ffff"), "no_deal")


async def test_a_file_is_delivered_sealed_and_saved(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await trade.seller.services.deals.fulfil(
            models.DealFulfil(deal=deal, content=b"the manual", content_type="text/plain", licence="K-1")
        )
        await trade.post.carry()
        buys: DealBook = trade.buyer.services.deals
        assert [chunk async for chunk in buys.content(models.DealContent(deal=deal))] == [b"the manual"]
        (shown,) = [each for each in (await buys.show(deal)).messages if each.type == "fulfil"]
        assert (shown.licence, shown.content_bytes) == ("K-1", 10)
        row = await trade.buyer.store.read(
            lambda reader: deals.by_prefix(reader.connection, bytes.fromhex(deal), bytes.fromhex(deal))
        )
        held = await trade.buyer.store.read(
            lambda reader: load(reader.connection, row[0], trade.clock.now).messages.values()
        )
        assert not any(
            b"the manual" in each.data for each in held
        )  # nothing private is in what may enter a log


async def test_a_buyer_whose_clock_is_a_little_ahead_is_answered(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        trade.clock.now += 5_000
        deal = (await trade.order()).deal
        trade.clock.now -= 5_000
        await trade.post.carry()
        sells = trade.seller.services.deals
        assert (await sells.show(deal)).state == "ordered"
        assert (await sells.accept(models.DealAccept(deal=deal))).state == "agreed"
        order, accept = (await sells.show(deal)).messages
        assert accept.time == order.time
        trade.clock.now += 5_000
        await trade.post.carry()
        assert (await trade.buyer.services.deals.show(deal)).state == "agreed"

        trade.clock.now += 3_700_000
        await trade.order()
        trade.clock.now -= 3_700_000
        await trade.post.carry()
        assert [each.code for each in trade.post.refused] == ["bad_time"]


async def test_strangers_cannot_fill_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert UNDECIDED >= 1_000
    monkeypatch.setattr("netnode.deals.receiving.UNDECIDED", 1)
    async with market(tmp_path) as trade:
        trade.post.stranger = True
        await trade.order()
        await trade.order()
        await trade.post.carry()
        assert [each.code for each in trade.post.refused] == ["busy"]
        trade.clock.now += 8 * DAY_MS  # what nobody accepted in time stands in nobody's way
        late = (await trade.order()).deal
        await trade.post.carry()
        assert (await trade.seller.services.deals.show(late)).state == "ordered"
        monkeypatch.setattr("netnode.deals.receiving.TAKEN_BACK", 0)
        trade.clock.now += 40 * DAY_MS  # and in the end it is let go of
        newest = (await trade.order()).deal
        await trade.post.carry()
        there = [each.deal for each in (await trade.seller.services.deals.list(models.DealsQuery())).items]
        assert there == [newest]


async def test_orders_that_strangers_take_back_make_room_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert TAKEN_BACK >= 1_000
    monkeypatch.setattr("netnode.deals.receiving.TAKEN_BACK", 2)
    async with market(tmp_path) as trade:
        trade.post.stranger = True
        buys, sells = trade.buyer.services.deals, trade.seller.services.deals
        kept = (await trade.order()).deal  # declined: the owner said something in it
        await trade.post.carry()
        await sells.decline(models.DealEnd(deal=kept))
        agreed_on = await agreed(trade)
        back = []
        for _ in range(5):
            back.append((await trade.order()).deal)
            await buys.cancel(models.DealEnd(deal=back[-1]))
            await trade.post.carry()
        there = {each.deal for each in (await sells.list(models.DealsQuery(all=True))).items}
        assert there == {kept, agreed_on, *back[-3:]}  # two, and the one that came last
        rows = await trade.seller.store.read(
            lambda reader: reader.connection.execute(
                "SELECT count(*) FROM deal_message WHERE d NOT IN (SELECT d FROM deal)"
                " UNION ALL SELECT count(*) FROM deal_enclosure WHERE d NOT IN (SELECT d FROM deal)"
            ).fetchall()
        )
        assert rows == [(0,), (0,)]
        waits = (await trade.order()).deal
        await trade.post.carry()
        assert (await sells.show(waits)).state == "ordered" and not trade.post.refused


async def test_no_table_of_deals_is_forgotten(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        pairs = await trade.seller.store.read(
            lambda reader: reader.connection.execute(
                "SELECT child.name, parent.'table' FROM sqlite_master AS child, pragma_foreign_key_list(child.name) AS"
                " parent WHERE child.type = 'table'"
            ).fetchall()
        )
    of_deals = {"deal"}
    while more := {child for child, parent in pairs if parent in of_deals} - of_deals:
        of_deals |= more
    agreed_first = {"invoice", "case_told"}
    assert of_deals == {"deal", *OF_A_DEAL} | agreed_first
    assert OF_A_DEAL.index("mandate_statement") < OF_A_DEAL.index("mandate")


async def test_a_stranger_cannot_fill_one_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert UNANSWERED >= 64
    monkeypatch.setattr("netnode.deals.receiving.UNANSWERED", 1)
    async with market(tmp_path) as trade:
        trade.post.stranger = True
        deal = (await trade.order()).deal
        await trade.buyer.services.deals.cancel(models.DealEnd(deal=deal))
        await trade.post.carry()
        assert [each.code for each in trade.post.refused] == ["too_large"]
