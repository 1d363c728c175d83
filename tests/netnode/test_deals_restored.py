"""Deals of a home that was put back: it asks first, loses nothing and contradicts nothing [R-DEAL-32]."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec import UNSET, structs

from netnode.deals.holding import SETTLED_MS
from netnode.operations import models
from netnode.own.caution import Reason, mark
from netnode.problems import ExitCode, Problem
from netnode.store import letters
from protocol.certificate import DAY_MS
from protocol.letter_bodies import DealLetter, decode_content, encode_content
from tests.netnode.dealing import Market, market
from tests.netnode.services_home import OpenHome, opened
from tests.netnode.test_deals import agreed, named, refused


async def copy_of(home: OpenHome, path: Path) -> Path:
    """The home as it is now, for later."""
    await home.store.write(
        lambda writer: writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    )
    return _copied(home.home.path, path)


def _copied(home: Path, path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True)
    for each in home.iterdir():
        if each.is_file():
            shutil.copy(each, path / each.name)
    return path


async def put_back(trade: Market, home: OpenHome) -> None:
    """Marks a copy as what it is, as `netnode backup restore` does."""
    trade.clock.now += 60_000
    await home.store.write(mark, Reason.RESTORED, trade.clock.now, bytes(16))
    trade.clock.now += SETTLED_MS


async def test_a_restored_seller_asks_before_it_says_more(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await copy_of(trade.seller, tmp_path / "back" / "sol")
        # What the copy does not know: the payment is confirmed, and the goods are on their way.
        await trade.buyer.services.deals.paid(models.DealMoney(deal=deal))
        await trade.post.carry()
        await trade.seller.services.deals.received(models.DealMoney(deal=deal))
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal, tracking="JD1"))
        await trade.post.carry()
        async with opened(tmp_path / "back", "sol", clock=trade.clock) as back:
            await put_back(trade, back)
            trade.post.homes[back.me.id] = back
            sells = back.services.deals
            problem = await refused(sells.fulfil(models.DealFulfil(deal=deal)), "held")
            assert problem.exit_code is ExitCode.REFUSED and "--release" in problem.text
            assert isinstance((await sells.show(deal)).held, str)
            (question,) = await trade.post.waiting(back)
            assert question.type == "ask"
            await back.trading.holding.run()  # it is asked once
            assert len(await trade.post.waiting(back)) == 1
            await trade.post.carry()
            shown = await sells.show(deal)
            assert shown.held is not None and not isinstance(shown.held, str)
            assert [each.type for each in shown.messages] == [
                "order", "accept", "payment_sent", "payment_received", "fulfil",
            ]  # fmt: skip
            problem = await refused(sells.fulfil(models.DealFulfil(deal=deal)), "already")
            assert "receipt" not in problem.text
            done = await sells.refund(models.DealMoney(deal=deal, amount="2.00", text="A small one, sorry."))
            assert done.held is not None and not isinstance(done.held, str)
            await trade.post.carry()
            sold, bought = await sells.show(deal), await trade.buyer.services.deals.show(deal)
            assert [each.id for each in sold.messages] == [each.id for each in bought.messages]
            assert all(each.void is None for each in sold.messages)


async def test_a_side_that_knows_nothing_of_it_holds_nothing_up(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = (await trade.order()).deal
        (row,) = await trade.post.waiting(trade.buyer)
        await trade.buyer.store.write(letters.settle, [row.i], trade.clock.now)  # it never arrives
        await put_back(trade, trade.buyer)
        buys = trade.buyer.services.deals
        await refused(buys.cancel(models.DealEnd(deal=deal)), "held")
        await trade.post.carry()
        assert [each.code for each in trade.post.refused] == ["no_deal"]
        await trade.buyer.trading.holding.run()
        assert (await buys.cancel(models.DealEnd(deal=deal))).state == "final"


async def test_the_owner_may_go_on_without_an_answer(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await put_back(trade, trade.seller)
        sells = trade.seller.services.deals
        await refused(sells.fulfil(models.DealFulfil(deal=deal)), "held")
        assert not isinstance((await sells.ask(models.DealAsk(deal=deal, release=True))).held, str)
        assert (await sells.fulfil(models.DealFulfil(deal=deal))).state == "fulfilled"


async def test_an_order_of_before_the_copy_is_held_and_one_of_after_it_is_not(tmp_path: Path) -> None:
    """The lost store may have accepted the first; nobody but this one can have answered the second."""
    async with market(tmp_path) as trade:
        before = (await trade.order()).deal
        await put_back(trade, trade.seller)
        trade.clock.now += 1
        after = (await trade.order()).deal
        await trade.post.carry()
        sells = trade.seller.services.deals
        await refused(sells.accept(models.DealAccept(deal=before)), "held")
        assert (await sells.accept(models.DealAccept(deal=after))).state == "agreed"
        await trade.post.carry()
        assert (await sells.accept(models.DealAccept(deal=before))).state == "agreed"


async def test_nothing_is_said_while_two_copies_run(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        trade.seller.own.caution.alarm("A second node of this networker was seen.")
        with pytest.raises(Problem) as caught:
            await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal))
        assert caught.value.code == "twin"
        trade.buyer.own.caution.alarm("A second node of this networker was seen.")
        with pytest.raises(Problem):
            await trade.order()
        with pytest.raises(Problem):
            await trade.buyer.services.deals.receipt(named(deal))


async def test_an_answer_that_is_not_whole_releases_nothing(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await trade.buyer.services.deals.paid(models.DealMoney(deal=deal))
        await put_back(trade, trade.seller)
        sells = trade.seller.services.deals
        await refused(sells.fulfil(models.DealFulfil(deal=deal)), "held")
        await trade.post.carry(lambda row: row.type == "ask")
        payment, answer = await trade.post.waiting(trade.buyer)
        body = decode_content(answer.content).body
        assert isinstance(body, DealLetter) and body.answers is not UNSET and len(body.messages) == 3
        part = structs.replace(body, messages=body.messages[:-1])
        values = {name: getattr(answer, name) for name in letters.OutRow.__slots__}
        cut = letters.OutRow(**{**values, "content": encode_content(part)})
        assert await trade.post.bring(trade.buyer, cut) is None
        assert isinstance((await sells.show(deal)).held, str)
        assert await trade.post.waiting(trade.seller) == []  # an answer is not asked about again
        await trade.post.bring(trade.buyer, payment)
        assert isinstance((await sells.show(deal)).held, str)
        await trade.post.bring(trade.buyer, answer)
        assert not isinstance((await sells.show(deal)).held, str)


async def test_a_long_deal_is_told_in_several_letters(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        buys, sells = trade.buyer.services.deals, trade.seller.services.deals
        for _ in range(30):
            await buys.paid(models.DealMoney(deal=deal, amount="0.10", text="x" * 2_000))
        for row in await trade.post.waiting(trade.buyer):
            await trade.buyer.store.write(letters.settle, [row.i], trade.clock.now)  # none arrives
        await sells.ask(models.DealAsk(deal=deal))
        await trade.post.carry()
        told = [decode_content(row.content).body for row in trade.post.carried[-2:]]
        assert all(isinstance(each, DealLetter) for each in told)
        assert [each.answers is UNSET for each in told] == [True, False]  # type: ignore[union-attr]
        sold, bought = await trade.both(deal)
        assert [each.id for each in sold.messages] == [each.id for each in bought.messages]
        assert len(sold.messages) == 32 and all(each.void is None for each in sold.messages)


async def test_nobody_is_asked_while_letters_of_the_lost_home_are_on_their_way(tmp_path: Path) -> None:
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await put_back(trade, trade.seller)
        trade.clock.now -= 1
        sells = trade.seller.services.deals
        await refused(sells.fulfil(models.DealFulfil(deal=deal)), "held")
        await trade.seller.trading.holding.run()
        assert await trade.post.waiting(trade.seller) == []
        trade.clock.now += 1
        await trade.seller.trading.holding.run()
        assert [row.type for row in await trade.post.waiting(trade.seller)] == ["ask"]


async def test_what_nobody_answers_is_told_again_after_a_day_and_then_ever_more_rarely(
    tmp_path: Path,
) -> None:
    """A home that was put back knows nothing of orders that came after the backup; its buyers do not wait for ever."""
    async with market(tmp_path) as trade:
        deal = (await trade.order()).deal
        await trade.post.carry()
        sent: list[int] = []
        for day in range(140):
            await trade.buyer.trading.remind()
            if await trade.post.waiting(trade.buyer):
                sent.append(day)
                await trade.post.carry()
            trade.clock.now += DAY_MS
        assert sent == [1, 2, 4, 8, 16, 32, 64]
        await trade.seller.services.deals.accept(models.DealAccept(deal=deal))
        await trade.post.carry()
        await trade.buyer.trading.remind()
        assert await trade.post.waiting(trade.buyer) == []  # it is answered


async def test_both_sides_come_to_hold_a_number_that_was_used_twice(tmp_path: Path) -> None:
    """What the lost home said arrives after all; then each side sends everything, and both see the same."""
    async with market(tmp_path) as trade:
        deal = await agreed(trade)
        await copy_of(trade.seller, tmp_path / "back" / "sol")
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal, tracking="JD1"))
        (late,) = await trade.post.waiting(trade.seller)
        async with opened(tmp_path / "back", "sol", clock=trade.clock) as back:
            await put_back(trade, back)
            trade.post.homes[back.me.id] = back
            sells = back.services.deals
            await sells.ask(models.DealAsk(deal=deal, release=True))  # its owner does not wait
            await sells.cancel(models.DealEnd(deal=deal))
            await trade.post.carry()
            await trade.post.bring(trade.seller, late)
            await trade.post.carry()
            sold, bought = await sells.show(deal), await trade.buyer.services.deals.show(deal)
            assert {each.id for each in sold.messages} == {each.id for each in bought.messages}
            assert len(sold.messages) == 4
            assert (sold.state, sold.figures) == (bought.state, bought.figures)
