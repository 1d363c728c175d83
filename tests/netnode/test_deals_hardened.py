"""What an unlucky owner or a hostile partner brings about in deals, one test each; every one was a fault once."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import UNSET, structs

from netnode.deals.buyer_keys import buyer_signer
from netnode.deals.desk import Make
from netnode.deals.holding import AGAIN_MS, SETTLED_MS
from netnode.deals.known import wanted
from netnode.deals.selling import Accepting
from netnode.deals.wording import why
from netnode.operations import models
from netnode.own.caution import Reason, _count
from netnode.problems import ExitCode, Problem
from netnode.store import Writer, deals, letters, mandates
from protocol.certificate import DAY_MS
from protocol.deals.bodies import Accept, Dispute, Fulfil, Order, Ruling
from protocol.deals.figures import PartStatus
from protocol.deals.mandates import sign_statement
from protocol.deals.table import ROWS
from protocol.letter_bodies import Ask, AskOffer, MandateLetter
from tests.netnode.dealing import Market, market
from tests.netnode.deals_made import goods, known, play
from tests.netnode.test_deals import agreed, named, refused
from tests.netnode.test_deals_restored import put_back
from tests.netnode.test_subscriptions import one, subscribed


async def invoiced(trade: Market, deal: str, number: int | None = None) -> models.Invoice:
    return await trade.seller.services.subscriptions.invoice(models.InvoiceOrder(deal=deal, number=number))


async def left(trade: Market) -> tuple[int | None, int]:
    (counter,) = (await trade.seller.services.stock.show("cap")).counters
    return counter.count, counter.reserved


async def test_pieces_promised_beyond_the_counter_do_not_come_back(tmp_path: Path) -> None:
    """R-DEAL-30: an offer sells whatever the counter says; its end gives back what was there, and no more."""
    async with market(tmp_path) as trade:
        await trade.seller.services.stock.change(models.StockChange(key="cap", count=1))
        made = await trade.seller.services.offers.make(
            models.OfferMake(key="cap", quantity=3, to=trade.buyer.id)
        )
        await trade.post.carry()
        buys = trade.buyer.services.deals
        deal = (await buys.order(models.DealOrder(offer=made.offer))).deal
        await trade.post.carry()
        assert await left(trade) == (0, 3)
        other = (await trade.order()).deal
        await trade.post.carry()
        accept = trade.seller.services.deals.accept(models.DealAccept(deal=other))
        assert "none is left" in (await refused(accept, "sold_out")).text
        await buys.cancel(models.DealEnd(deal=deal))
        await trade.post.carry()
        assert await left(trade) == (1, 0)


async def test_what_was_promised_by_a_clock_that_was_ahead_stays_promised(tmp_path: Path) -> None:
    """R-DEAL-30: a day later, when the clock is set right, the accept lies in the future; the piece is not free."""
    async with market(tmp_path) as trade:
        sells = trade.seller.services
        await sells.stock.change(models.StockChange(key="cap", count=1))
        first, second = [(await trade.order()).deal for _ in range(2)]
        (order, *_) = await trade.post.waiting(trade.buyer)
        await trade.post.carry()
        trade.clock.now += DAY_MS
        await sells.deals.accept(models.DealAccept(deal=first))
        trade.clock.now -= DAY_MS
        assert await left(trade) == (0, 1)
        await trade.post.bring(
            trade.buyer, order
        )  # a letter that comes again: what the deal holds is counted anew
        assert await left(trade) == (0, 1)
        await refused(sells.deals.accept(models.DealAccept(deal=second)), "sold_out")


async def test_a_home_from_before_the_first_invoice_uses_no_number_twice(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await trade.seller.store.write(_copied)
        problem = await refused(invoiced(trade, deal), "copy")
        assert "--number 1" in problem.text
        assert (await invoiced(trade, deal, number=4)).number.endswith("-4")


def _copied(writer: Writer) -> None:
    with writer.transaction():
        _count(writer, 1)


async def test_a_statement_dated_ahead_holds_up_no_other_subscription(tmp_path: Path) -> None:
    """R-MAN-7: a renewal is not dated before a statement in it, so its seller waits; and goes on with the others."""
    async with subscribed(tmp_path) as (trade, first):
        second = (await trade.order(renew=True)).deal
        await trade.post.carry()
        await trade.seller.services.deals.accept(models.DealAccept(deal=second))
        await trade.post.carry()
        await _state_ahead(trade, first)
        turn = (await one(trade.seller, second)).turn
        assert turn is not None
        trade.clock.now = turn.due
        found = await one(trade.seller, first)
        assert found.why == "bad_time" and "clock" in str(found.reason)
        await trade.seller.trading.renewing.run()
        assert [each.turn for each in (await one(trade.seller, second)).renewals] == [1]
        renew = trade.seller.services.subscriptions.renew(models.SubscriptionRenew(deal=first))
        assert (await refused(renew, "bad_time")).exit_code is ExitCode.REFUSED


async def _state_ahead(trade: Market, deal: str) -> None:
    """The buyer says something that is dated a year ahead."""
    row = await trade.buyer.store.read(lambda reader: deals.by_id(reader.connection, bytes.fromhex(deal)))
    secret = trade.buyer.ring.keys.deal_secret
    assert row is not None and row.nonce is not None and secret is not None
    said = sign_statement(
        "inx",
        buyer_signer("inx", secret, row.nonce),
        action="price",
        order=bytes.fromhex(deal),
        number=0,
        time=trade.clock.now + 365 * DAY_MS,
        price=1_250 + 0,
    )
    sold = await trade.seller.store.read(lambda reader: deals.by_id(reader.connection, bytes.fromhex(deal)))
    assert sold is not None

    def put(writer: Writer) -> None:
        with writer.transaction():
            mandates.put_statement(writer, sold.number, said.id, said.data, trade.clock.now)

    await trade.seller.trading.renewing.find()
    await trade.seller.store.write(put)


async def test_nothing_more_is_said_on_a_mandate_that_is_contradicted(tmp_path: Path) -> None:
    """R-MAN-5: two statements with one number end it, and its buyer is told so in a sentence."""
    async with subscribed(tmp_path) as (trade, deal):
        row = await trade.buyer.store.read(lambda reader: deals.by_id(reader.connection, bytes.fromhex(deal)))
        secret = trade.buyer.ring.keys.deal_secret
        assert row is not None and row.nonce is not None and secret is not None
        signer = buyer_signer("inx", secret, row.nonce)
        await trade.buyer.trading.renewing.find()
        for action in ("pause", "end"):
            said = sign_statement(
                "inx",
                signer,
                action=action,  # type: ignore[arg-type]
                order=bytes.fromhex(deal),
                number=0,
                time=trade.clock.now,
            )

            def put(
                writer: Writer, number: int = row.number, id: bytes = said.id, data: bytes = said.data
            ) -> None:
                with writer.transaction():
                    mandates.put_statement(writer, number, id, data, trade.clock.now)

            await trade.buyer.store.write(put)
        problem = await refused(trade.buyer.services.subscriptions.pause(deal), "contradicted")
        assert "Order again." in problem.text


async def test_a_partner_who_asks_without_end_fills_no_outbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netnode.deals.sending.OWED", 5)
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        for number in range(20):
            body = Ask(deal=bytes.fromhex(deal), nonce=number.to_bytes(16, "big"))
            question = trade.buyer.letters.draft(trade.seller.me.id, body)
            await trade.buyer.store.write(letters.queue, question)
        asked = [row for row in await trade.post.waiting(trade.buyer) if row.type == "ask"]
        codes = [await trade.post.bring(trade.buyer, row) for row in asked]
        assert len(await trade.post.waiting(trade.seller)) == 5
        assert {None if each is None else each.code for each in codes} == {None, "busy"}
        await trade.post.carry()


async def test_a_partner_with_many_unknown_deals_fills_no_outbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netnode.deals.sending.OWED", 3)
    async with market(tmp_path) as trade:
        for _ in range(8):
            await agreed(trade)
        await trade.seller.store.write(_lose_all)
        for item in (await trade.buyer.services.deals.list(models.DealsQuery())).items:
            await trade.buyer.services.deals.paid(models.DealMoney(deal=item.deal))
        for row in await trade.post.waiting(trade.buyer):
            assert await trade.post.bring(trade.buyer, row) is None
        assert len(await trade.post.waiting(trade.seller)) == 3
        await trade.post.carry()


def _lose_all(writer: Writer) -> None:
    with writer.transaction() as connection:
        for table in ("sale_due", "reserved", "deal_signer", "deal_enclosure", "deal_message", "deal"):
            connection.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize("code", ["letter_expired", "busy"])
async def test_a_question_that_nobody_took_is_asked_again(tmp_path: Path, code: str) -> None:
    """R-DEAL-32: who was away for longer than a letter lives is asked anew."""
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await put_back(trade, trade.seller)
        await refused(trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal)), "held")
        (question,) = await trade.post.waiting(trade.seller)

        def refuse(writer: Writer) -> None:
            with writer.transaction() as connection:
                connection.execute(
                    "UPDATE outbox SET state = 'refused', code = ?, due = NULL, since = ? WHERE i = ?",
                    (code, trade.clock.now, question.i),
                )

        await trade.seller.store.write(refuse)
        await trade.seller.trading.holding.run()
        assert await trade.post.waiting(trade.seller) == []  # nobody is asked without a pause
        trade.clock.now += AGAIN_MS
        await trade.seller.trading.holding.run()
        assert [row.type for row in await trade.post.waiting(trade.seller)] == ["ask"]
        await trade.post.carry()
        assert (await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal))).state == "fulfilled"


async def test_partners_who_do_not_answer_keep_no_other_from_being_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netnode.deals.holding.AT_ONCE", 2)
    async with market(tmp_path) as trade:
        for _ in range(5):
            await agreed(trade)
        await put_back(trade, trade.seller)
        for _ in range(3):
            await trade.seller.trading.holding.run()
        assert len(await trade.post.waiting(trade.seller)) == 5


async def in_parts(trade: Market) -> str:
    """A contract of two parts, at 40.00 and 60.00."""
    made = await trade.seller.services.offers.make(
        models.OfferMake(
            lines=[
                models.OfferLine(title="Draft", unit_price="40.00", part=1),
                models.OfferLine(title="Text", unit_price="60.00", part=2),
            ],
            currency="EUR",
            to=trade.buyer.id,
        )
    )
    await trade.post.carry()
    deal = (await trade.buyer.services.deals.order(models.DealOrder(offer=made.offer))).deal
    await trade.post.carry()
    return deal


async def test_more_than_is_due_is_paid_only_anyway(tmp_path: Path) -> None:
    """The table allows it while the price is not sent; a slip is money that has to come back."""
    async with market(tmp_path) as trade:
        buys, deal = trade.buyer.services.deals, await in_parts(trade)
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal, part=1))
        await trade.post.carry()
        await buys.cancel(models.DealEnd(deal=deal))
        problem = await refused(buys.paid(models.DealMoney(deal=deal, amount="50.00")), "too_much")
        assert "40.00 EUR" in problem.text and "--anyway" in problem.text
        await refused(buys.paid(models.DealMoney(deal=deal, amount="100.01", anyway=True)), "too_much")
        done = await buys.paid(models.DealMoney(deal=deal, amount="50.00", anyway=True))
        assert done.said == "paid 50.00 EUR"


async def test_a_refund_that_crosses_its_confirmation_is_confirmed_for_the_rest(tmp_path: Path) -> None:
    """R-DEAL-23: the buyer alone brings the deal to rest, without having to guess an amount."""
    async with market(tmp_path) as trade:
        buys, sells, deal = trade.buyer.services.deals, trade.seller.services.deals, await in_parts(trade)
        await buys.paid(models.DealMoney(deal=deal))
        await trade.post.carry()
        await sells.received(models.DealMoney(deal=deal))
        await trade.post.carry()
        await buys.cancel(models.DealEnd(deal=deal))
        await trade.post.carry()
        await buys.receipt(models.DealPartName(deal=deal, part=1))  # it came all the same
        await buys.refunded(models.DealMoney(deal=deal))
        assert (await sells.refund(models.DealMoney(deal=deal))).said == "paid back 100.00 EUR"
        await trade.post.carry()
        assert (await buys.show(deal)).state == "unconfirmed"
        done = await buys.refunded(models.DealMoney(deal=deal))
        assert done.said == "confirms the refund of 40.00 EUR"
        await trade.post.carry()
        sold, bought = await trade.both(deal)
        assert (sold.state, sold.figures) == (bought.state, bought.figures)
        assert (sold.state, sold.figures.refunded.amount) == ("final", "100.00")


async def test_an_offer_above_every_amount_is_refused_in_a_sentence(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        huge = models.OfferLine(title="Moon", unit_price="90000000000000.00", quantity=1_000_000)
        make = trade.seller.services.offers.make(
            models.OfferMake(lines=[huge], currency="EUR", to=trade.buyer.id)
        )
        problem = await refused(make, "usage")
        assert problem.exit_code is ExitCode.USAGE and "more than any amount" in problem.text


async def test_a_seller_put_back_hears_of_the_refund_it_owes(tmp_path: Path) -> None:
    """R-DEAL-31: the deal is closed and all is answered, so nothing but a reminder brings it back."""
    async with market(tmp_path) as trade:
        buys, sells = trade.buyer.services.deals, trade.seller.services.deals
        deal = await agreed(trade)
        await buys.paid(models.DealMoney(deal=deal))
        await trade.post.carry()
        await sells.received(models.DealMoney(deal=deal))
        await sells.cancel(models.DealEnd(deal=deal))
        await trade.post.carry()
        assert (await buys.show(deal)).state == "closed"
        await trade.seller.store.write(_lose_all)
        await put_back(trade, trade.seller)
        days = 0
        while not (await sells.list(models.DealsQuery())).items and days < 10:
            days += 1
            trade.clock.now += DAY_MS
            await trade.buyer.trading.remind()
            await trade.post.carry()
        sold, bought = await trade.both(deal)
        assert [each.id for each in sold.messages] == [each.id for each in bought.messages]
        assert sold.can[0] == "refund"
        assert sold.figures.refund_due.amount == "12.50"
        ways = [each.delivery.state for each in bought.messages if each.own and each.delivery is not None]
        assert ways == ["settled", "settled"]
        item = (await buys.list(models.DealsQuery())).items[0]
        assert item.delivery is not None and item.delivery.state == "settled"
        assert structs.asdict(item)["state"] == "closed"


async def test_a_quiet_deal_is_told_again_ever_more_rarely(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await trade.buyer.services.deals.paid(models.DealMoney(deal=deal))
        await trade.post.carry()
        await trade.seller.services.deals.received(models.DealMoney(deal=deal))
        await trade.post.carry()
        sent: list[int] = []
        for day in range(140):
            await trade.buyer.trading.remind()
            if await trade.post.waiting(trade.buyer):
                sent.append(day)
                await trade.post.carry()
            trade.clock.now += DAY_MS
        assert sent == [1, 2, 4, 8, 16, 32, 64]


async def test_an_own_message_that_this_home_did_not_write_is_the_word_of_a_twin(tmp_path: Path) -> None:
    """R-DEAL-35: two copies of one home run, and nobody has noticed; both stop."""
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        trade.clock.now += DAY_MS
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal))
        await trade.post.carry()

        def forget(writer: Writer) -> None:
            with writer.transaction() as connection:
                connection.execute("DELETE FROM deal_message WHERE own AND at = ?", (trade.clock.now,))

        await trade.seller.store.write(forget)  # so the store is that of the other copy
        await trade.seller.services.deals.cancel(models.DealEnd(deal=deal))
        assert trade.seller.own.caution.alarmed is None
        await trade.post.carry()  # the buyer holds number 1 twice, and sends all of it
        alarm = trade.seller.own.caution.alarmed
        assert alarm is not None and deal[:10] in alarm and "netnode log resume" in alarm
        accept = trade.seller.services.deals.refund(models.DealMoney(deal=deal, amount="1.00"))
        await refused(accept, "twin")
        assert trade.buyer.own.caution.alarmed is None


async def test_an_own_message_of_before_the_start_makes_this_home_an_older_copy(tmp_path: Path) -> None:
    """R-DEAL-35: the store was put back by other means than this program's; all deals are asked about."""
    async with market(tmp_path) as trade:
        deal, other = await agreed(trade), await agreed(trade)
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal))
        await trade.post.carry()

        def forget(writer: Writer) -> None:
            with writer.transaction() as connection:
                connection.execute(
                    "DELETE FROM deal_message WHERE own AND letter = (SELECT max(letter) FROM deal_message)"
                )

        await trade.seller.store.write(forget)
        await trade.buyer.services.deals.receipt(named(deal))
        trade.clock.now += 1
        await trade.post.carry()
        assert trade.seller.own.caution.reason is Reason.BEHIND
        assert trade.seller.own.caution.alarmed is None
        sells = trade.seller.services.deals
        assert [each.type for each in (await sells.show(deal)).messages] == [
            "order",
            "accept",
            "fulfil",
            "receive",
        ]
        await refused(sells.fulfil(models.DealFulfil(deal=other)), "held")
        trade.clock.now += SETTLED_MS
        await trade.seller.trading.holding.run()
        await trade.post.carry()
        assert (await sells.fulfil(models.DealFulfil(deal=other))).state == "fulfilled"


async def test_in_a_dispute_the_list_leads_with_what_its_owner_can_still_say(tmp_path: Path) -> None:
    """What arrived is so whatever the ruling says; paying and delivering hang on it."""
    async with market(tmp_path) as trade:
        buys, sells = trade.buyer.services.deals, trade.seller.services.deals
        deal, other = await agreed(trade), await agreed(trade)
        await buys.paid(models.DealMoney(deal=deal))
        await buys.dispute(models.DealDispute(deal=deal, claim="0"))
        await buys.dispute(models.DealDispute(deal=other, claim="0"))
        await trade.post.carry()
        items = (await sells.list(models.DealsQuery())).items
        assert [each.deal for each in items] == [deal, other]
        assert isinstance(items[0].beside, models.Step)
        assert (items[0].beside.action, items[0].beside.by) == ("payment_received", "seller")
        assert items[0].next is not None and items[0].next.action == "lapse_dispute"
        assert items[1].beside is UNSET
        shown = await sells.show(deal)
        assert isinstance(shown.beside, models.Step) and shown.beside.action == "payment_received"
        assert (await buys.show(deal)).beside is UNSET


async def test_a_buyer_is_told_how_to_ask_for_the_invoice(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        make = trade.buyer.services.subscriptions.invoice(models.InvoiceOrder(deal=deal))
        problem = await refused(make, "not_party")
        command = f'netnode mail send {trade.seller.id} --subject "Invoice for deal {deal[:10]}"'
        assert command in problem.text


def test_every_code_of_the_table_has_words() -> None:
    """A history says why a message has no effect, in a sentence and not in a code."""
    codes = {check.code for row in ROWS.values() for check in row.checks} | {
        "doubled",
        "broken",
        "two_rulings",
    }
    for code in codes:
        assert why(code) != code.replace("_", " "), code


async def test_whoever_asks_for_an_offer_or_a_mandate_without_end_fills_no_outbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netnode.deals.sending.OWED", 3)
    async with subscribed(tmp_path) as (trade, deal):
        await trade.seller.services.offers.make(models.OfferMake(key="cap", price="10.00", code="VIP"))
        for body in (AskOffer(code="VIP"), MandateLetter(order=bytes.fromhex(deal), asks=True)):
            for _ in range(6):
                await trade.buyer.letters.send(trade.seller.me.id, body)
            for row in await trade.post.waiting(trade.buyer):
                await trade.post.bring(trade.buyer, row)
        assert len(await trade.post.waiting(trade.seller)) == 3
        assert {each.code for each in trade.post.refused} == {"busy"}
        await trade.post.carry()


async def test_an_order_that_can_be_neither_accepted_nor_declined_stops_no_other(tmp_path: Path) -> None:
    """Its owner, or another letter, was quicker."""
    tried: list[str] = []

    class Busy:
        async def move(self, deal: bytes, make: Make) -> None:
            code = "contract" if len(tried) % 2 else "sold_out"
            tried.append(code)
            raise Problem("No.", ExitCode.REFUSED, code)

    async with market(tmp_path, 'auto_accept = "on"\n') as trade:
        trade.seller.trading.receiving.changed = _nobody
        for _ in range(2):
            await trade.order()
        await trade.post.carry()
        home = trade.seller
        await Accepting(Busy(), home.store, home.clock, home.trading.settings).look_at_all()  # type: ignore[arg-type]
        assert tried == ["sold_out", "contract"] * 2


async def _nobody(deal: bytes) -> None:
    pass


def test_what_was_sent_out_does_not_come_back_by_a_ruling() -> None:
    """R-DEAL-30: the goods have left the shelf, whoever keeps the money; what was not sent comes back."""
    lines = [structs.replace(each, key="cap") for each in goods(("Cap", 2, 500), ("Hat", 3, 700)).lines]
    bought = structs.replace(goods(("Cap", 2, 500)), lines=tuple(lines))
    played = play(bought)
    start = played.start.body
    assert isinstance(start, Order)
    played.say("seller", Accept(key=start.key, listing=start.listing))
    assert wanted(known(played, bought)) == {("cap", ()): 5}
    played.say("seller", Fulfil(part=0))
    dispute = played.say("buyer", Dispute(claim=0))
    played.say("arbiter", Ruling(dispute=dispute.id, keeps=0, paid=0))
    after = known(played, bought)
    assert {part.status for part in after.state.parts} == {PartStatus.ENDED}
    assert wanted(after) == {("cap", ()): 2}
