"""From deals to the own ledger: sales, refunds, freezes, each logged once whatever ends the process between."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from netnode.bus import Stored
from netnode.issuing import sales
from netnode.mail.letters import Incoming, Later, Refusal, Taken
from netnode.operations import models
from netnode.store import credits as rows
from netnode.store import letters
from protocol import limits, paths
from protocol.certificate import DAY_MS
from protocol.letter_bodies import Ask, Witness
from protocol.paths import sign_referral, token_id
from tests.netnode.issuers import Credits, credits
from tests.netnode.services_home import NETWORK, OpenHome
from tests.protocol.author import Author

SALE, REFUND, FREEZE = 22, 26, 28


async def test_a_sale_by_a_path_pays_its_referrer_after_the_receipt(tmp_path: Path) -> None:
    """[R-CRED-70] [R-PATH-7] Nothing before the receipt; then pending through the hold, then payable."""
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        await market.look()
        assert await market.kinds() == [], "nothing was received yet"
        await market.complete(deal)
        await market.look()
        assert await market.kinds() == [SALE]
        figures = await market.figures("rita")
        assert (figures.pending, figures.available) == (125, 0), "10 % of 12.50"
        market.clock.now += 31 * DAY_MS
        assert (await market.figures("rita")).available == 125
        assert market.post.refused == []


async def test_a_sale_that_was_due_when_the_process_ended_is_logged_when_it_starts(tmp_path: Path) -> None:
    """[R-CRED-70] Killed between the receipt and the sale entry: nothing else has to happen for it."""
    async with credits(tmp_path) as market:
        await market.complete(await market.order(market.token()))
        home, logged = market["sol"], asyncio.Event()

        def stored(told: Stored) -> None:
            if any(entry.kind == SALE for entries in told.entries.values() for entry in entries):
                logged.set()

        leave, issued = home.bus.subscribe(stored), home.services.issued
        started = sales.Sales(issued.sales._means, issued.ledgers, issued.appending)
        async with asyncio.timeout(sales.LOOK_SECONDS / 4), asyncio.TaskGroup() as group:
            running = group.create_task(started.run())
            await logged.wait()
            running.cancel()
        leave()
        assert await market.kinds() == [SALE]


async def test_of_a_path_the_one_nearest_to_the_buyer_earns_a_commission(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        first = market.token("finn")
        await market.sold(first, market.token("rita", first))
        assert (await market.figures("rita")).available == 125
        assert (await market.figures("finn")).available == 0


async def test_a_partial_refund_scales_the_award(tmp_path: Path) -> None:
    """[R-CRED-26] And the rest of it takes the rest."""
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        await market.complete(deal)
        await market.look()
        await market.refund(deal, "5.00")
        await market.look()
        assert await market.kinds() == [SALE, REFUND]
        assert (await market.figures("rita")).pending == 75
        await market.look()
        assert await market.kinds() == [SALE, REFUND], "once"
        await market.refund(deal, "7.50")
        await market.look()
        assert (await market.figures("rita")).pending == 0


@pytest.mark.parametrize("room", [sales.ROOM, limits.MAX_SALE_ENTRIES])
async def test_near_the_last_entry_of_an_order_it_is_raised_when_the_deal_is_closed(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-CRED-92] So a refund or freeze finds a place; before that each payment raises what it pays."""
    monkeypatch.setattr(sales, "ROOM", room)
    waits = room == limits.MAX_SALE_ENTRIES
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        sol, bea = market["sol"].services.deals, market["bea"].services.deals
        await bea.paid(models.DealMoney(deal=deal, amount="5.00"))
        await market.post.carry()
        await sol.received(models.DealMoney(deal=deal))
        await sol.fulfil(models.DealFulfil(deal=deal))
        await market.post.carry()
        await bea.receipt(models.DealPartName(deal=deal))
        await market.post.carry()
        for amount, pending in (("0.00", 50), ("5.00", 50 if waits else 100), ("2.50", 125)):
            if amount != "0.00":
                await bea.paid(models.DealMoney(deal=deal, amount=amount))
                await market.post.carry()
                await sol.received(models.DealMoney(deal=deal))
                await market.post.carry()
            await market.look()
            assert (await market.figures("rita")).pending == pending
        assert await market.kinds() == [SALE] * (2 if waits else 3)


async def test_a_refund_after_the_hold_is_shown_with_its_reason_and_not_logged(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        deal = await market.sold()
        await market.refund(deal, "5.00")
        await market.look()
        assert await market.kinds() == [SALE]
        [(id_, row)] = await market["sol"].store.read(lambda reader: rows.sales(reader.connection, "", 0, 9))
        assert (id_.hex(), row.code) == (deal, "hold_over")
        assert (await market.figures("rita")).available == 125


async def test_a_dispute_of_the_buyer_freezes_and_its_end_thaws(tmp_path: Path) -> None:
    """[R-CRED-28] [R-CRED-29]"""
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        await market.complete(deal)
        await market.look()
        await market["bea"].services.deals.dispute(models.DealDispute(deal=deal, claim="1.00"))
        await market.post.carry()
        await market.look()
        assert await market.kinds() == [SALE, FREEZE]
        market.clock.now += 31 * DAY_MS
        assert (await market.figures("rita")).available == 0, "frozen"
        await market["bea"].services.deals.lapse(models.DealLapse(deal=deal, what="dispute"))
        await market.post.carry()
        await market.look()
        assert await market.kinds() == [SALE, FREEZE, FREEZE]
        assert (await market.figures("rita")).available == 125


@pytest.mark.parametrize("tokens", [True, False])
async def test_a_sale_without_plan_or_path_stays_between_the_two(tmp_path: Path, tokens: bool) -> None:
    """[R-CRED-70] Nobody earns by it, so nothing of it is published."""
    listing: dict[str, object] = {
        "key": "cap", "kind": "product", "title": "Blue cap", "price": "12.50", "currency": "EUR"
    }  # fmt: skip
    async with credits(tmp_path, listing if tokens else None) as market:
        await market.complete(await market.order(*([market.token()] if tokens else [])))
        await market.look()
        assert await market.kinds() == []


async def test_a_crash_between_the_entry_and_its_mark_logs_a_sale_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with credits(tmp_path) as market:
        await market.complete(await market.order(market.token()))

        def dies(*args: object) -> None:
            raise RuntimeError("the process ends here")

        with monkeypatch.context() as patched:
            patched.setattr(rows, "sale_looked", dies)
            with pytest.raises(RuntimeError):
                await market["sol"].services.issued.sales.look()
        assert await market.kinds() == [SALE], "the entry was on disk already"
        await market.look()
        assert await market.kinds() == [SALE]
        assert (await market.figures("rita")).pending == 125


async def test_a_crash_before_the_entry_loses_no_sale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with credits(tmp_path) as market:
        await market.complete(await market.order(market.token()))

        async def dies(*args: object, **more: object) -> None:
            raise RuntimeError("the process ends here")

        with monkeypatch.context() as patched:
            patched.setattr(type(market["sol"].own), "append", dies)
            with pytest.raises(RuntimeError):
                await market["sol"].services.issued.sales.look()
        assert await market.kinds() == []
        await market.look()
        assert await market.kinds() == [SALE]


async def test_a_receipt_dated_ahead_is_logged_once_that_moment_has_come(tmp_path: Path) -> None:
    """The buyer's clock is ahead: the message counts from its date on, and nothing else comes that wakes the seller."""
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        market.clock.now += 5_000
        await market.complete(deal)
        market.clock.now -= 5_000
        await market.look()
        assert await market.kinds() == []
        market.clock.now += 5_000
        await market.look()
        assert await market.kinds() == [SALE]


async def test_a_refund_dated_ahead_is_logged_once_that_moment_has_come(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        await market.complete(deal)
        market.clock.now += 5_000
        await market.refund(deal, "5.00")
        market.clock.now -= 5_000
        await market.look()
        assert await market.kinds() == [SALE]
        market.clock.now += 5_000
        await market.look()
        assert await market.kinds() == [SALE, REFUND]


async def test_a_path_that_comes_while_the_sale_is_looked_at_is_not_missed(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        rest = lambda row: row.type != "witness"  # noqa: E731
        deal = await market.order(market.token(), carried=rest)
        await market.complete(deal, rest)
        sales = market["sol"].services.issued.sales
        append = sales._appending.append

        async def interrupted(make: Any) -> Any:
            sales._appending.append = append  # type: ignore[method-assign]
            await market.post.carry()
            return await append(make)

        sales._appending.append = interrupted  # type: ignore[method-assign]
        await market.look()
        assert await market.kinds() == [SALE]


async def test_a_sale_waits_until_somebody_shows_the_path(tmp_path: Path) -> None:
    """[R-PATH-7] A buyer's node that keeps the path to itself does not cut the referrer out: the witness shows it."""
    async with credits(tmp_path) as market:
        ordered = await market["bea"].services.deals.order(
            models.DealOrder(ref=f"{market['sol'].id}/cap", path=[market.token().hex()])
        )
        deal, post, sol = ordered.deal, market.post, market["sol"]
        await post.carry()
        await sol.services.deals.accept(models.DealAccept(deal=deal))
        held = lambda row: not (row.type == "witness" and row.recipient == sol.me.id)  # noqa: E731
        await post.carry(held)
        sol_, bea = sol.services.deals, market["bea"].services.deals
        await bea.paid(models.DealMoney(deal=deal))
        await post.carry(held)
        await sol_.received(models.DealMoney(deal=deal))
        await sol_.fulfil(models.DealFulfil(deal=deal))
        await post.carry(held)
        await bea.receipt(models.DealPartName(deal=deal))
        await post.carry(held)
        await sol.services.issued.sales.look()
        assert await market.kinds() == []
        [(_, row)] = await sol.store.read(lambda reader: rows.sales(reader.connection, "", 0, 9))
        assert row.code == "path_missing"
        [letter] = [each for each in await post.waiting(market["rita"]) if each.type == "witness"]
        assert await post.bring(market["rita"], letter) is None
        await sol.services.issued.sales.look()
        assert await market.kinds() == [SALE]


async def lost_path(market: Credits) -> str:
    """A sale whose path was told to the seller and lost with its home; the letters that carried it do not come back."""
    lost = lambda row: not (row.type == "witness" and row.recipient == market["sol"].me.id)  # noqa: E731
    deal = await market.order(market.token(), carried=lost)
    await market.complete(deal, lost)
    for home in market.homes.values():
        await home.store.write(
            lambda writer: writer.connection.execute("DELETE FROM outbox WHERE type = 'witness'")
        )
    await market.look()
    assert await market.kinds() == []
    return deal


@pytest.mark.parametrize("asked", ["buyer", "witness"])
async def test_a_seller_asks_for_a_path_that_it_lost(tmp_path: Path, asked: str) -> None:
    """[R-PATH-8] Put back from a backup, say: told once, it would wait for a challenge."""
    async with credits(tmp_path) as market:
        deal = await lost_path(market)
        sol, rita = market["sol"], market["rita"]
        if asked == "witness":  # the host of a buyer without a node
            body = Ask(deal=bytes.fromhex(deal), nonce=bytes(16))
            assert await put(rita, sol, body) == Taken()
            refused = await put(rita, market["finn"], body)
            assert isinstance(refused, Refusal) and refused.code == "no_deal"
            await market.post.carry()
        market.clock.now += 3_700_000
        await market.look()
        await market.look()
        assert await market.kinds() == [SALE]
        assert (await market.figures("rita")).pending == 125


async def test_a_seller_asks_for_a_lost_path_so_often_and_no_more(tmp_path: Path) -> None:
    """[R-PATH-8]"""
    async with credits(tmp_path) as market:
        await lost_path(market)
        held = lambda row: row.type != "ask"  # noqa: E731
        for _ in range(100):
            market.clock.now += DAY_MS // 2
            await market["sol"].services.issued.sales.look()
            await market.post.carry(held)
        asked = [each for each in await market.post.waiting(market["sol"]) if each.type == "ask"]
        assert 2 <= len(asked) <= 4
        [(_, row)] = await market["sol"].store.read(lambda reader: rows.sales(reader.connection, "", 0, 9))
        assert (row.code, row.due) == ("path_missing", None)


async def put(home: OpenHome, sender: OpenHome, body: Ask) -> Taken | Refusal | Later:
    """A letter that a home gets."""
    receiver = home.letters.receiver("ask")
    assert receiver is not None
    keys = sender.ring.keys
    return await receiver(
        Incoming(
            sender=sender.me.id, epoch=keys.epoch, key=keys.signing_key, id=bytes(16), first=bytes(16), stranger=False,
            body=body, at=home.clock.now_ms(),
        )
    )  # fmt: skip


async def test_an_alliance_decides_the_rate_of_a_sale(tmp_path: Path) -> None:
    """[R-CRED-18] [R-ALLY-5] It is embedded, and goes before the commission of the listing."""
    async with credits(tmp_path) as market:
        sol, rita = market["sol"].services.alliances, market["rita"].services.alliances
        made = await sol.propose(models.AlliancePropose(to=market["rita"].id, gives="20", gets="5"))
        await market.post.carry()
        await rita.accept(made.alliance)
        await market.post.carry()
        market.clock.now += 1_000
        await market.complete(await market.order(market.token()))
        await market.look()
        assert (await market.figures("rita")).pending == 250, "20 % of 12.50"


async def test_only_the_path_that_the_order_names_is_taken(tmp_path: Path) -> None:
    """[R-PATH-7] Whoever brings it: nobody puts themselves into the path of an order that names another."""
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        for tokens, order, code in (
            ((market.token("finn"),), bytes.fromhex(deal), "path"),
            ((market.token(),), bytes(32), "no_deal"),
        ):
            opened = paths.path_of(bytes(16), tokens).encode()
            draft = market["finn"].letters.draft(market["sol"].me.id, Witness(order=order, path=opened))
            await market["finn"].store.write(letters.queue, draft)
            await market.post.carry()
            assert market.post.refused[-1].code == code
        await market.complete(deal)
        await market.look()
        assert (await market.figures("rita")).pending == 125
        assert (await market.figures("finn")).pending == 0


async def test_a_sale_of_several_parts_is_logged_as_a_whole_and_refunded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-CRED-11] Referrers who have rotated often bring more openers than one record holds."""
    async with credits(tmp_path) as market:
        carry = market.post.carry

        async def carried(_: object = None) -> int:
            return await carry(lambda row: row.recipient in market.post.homes)

        monkeypatch.setattr(market.post, "carry", carried)  # the referrers have no homes
        tokens: list[bytes] = []
        for name in ("ada", "eve"):
            author = Author(name, NETWORK)
            for _ in range(80):
                author.rotate()
            for home in market.homes.values():
                for outcome in await home.gate.admit_chains([author.entries]):
                    assert outcome.fault is None
            tokens.append(
                sign_referral(
                    NETWORK, author.signer, referrer=author.id, epoch=80, seller=market["sol"].me.id, expires=2**50,
                    prior=token_id(tokens[-1]) if tokens else None,
                )
            )  # fmt: skip
        deal = await market.order(*tokens)
        await market.complete(deal)
        await market.look()
        assert await market.kinds() == [SALE, SALE]
        await market.meet()
        holder = Author("eve", NETWORK).id
        now = market.clock.now

        async def pending() -> int:
            return await market["finn"].services.issued.ledgers.ask(
                market["sol"].me.id, lambda ledger: ledger.figures("EUR", holder, now).pending
            )

        assert await pending() == 125
        await market.refund(deal, "5.00")
        await market.look()
        assert await market.kinds() == [SALE, SALE, REFUND]
        assert await pending() == 75
