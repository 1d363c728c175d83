"""Holders ask, issuers answer: transfers within limits, redemptions that pay a deal, payouts, each logged once."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.issuing.asking import Wish
from netnode.issuing.units import one_unit
from netnode.operations import models
from netnode.problems import Problem
from netnode.store import credits as rows
from netnode.store.credits import RequestRow
from tests.netnode.issuers import PAYING, Credits, credits

TRANSFER, REDEEM, PAYOUT = 30, 36, 38


async def ask(market: Credits, action: str, amount: int, *, by: str = "rita", **more: object) -> RequestRow:
    wish = Wish(action, market["sol"].me.id, "EUR", amount, **more)  # type: ignore[arg-type]
    return await market[by].services.issued.asking.ask(wish, anyway=True)


async def outcome(market: Credits, row: RequestRow, by: str = "rita") -> tuple[str, str | None]:
    found = await market[by].store.read(lambda reader: rows.request(reader.connection, row.id))
    assert found is not None
    return found.state, found.code


async def accepts(market: Credits, name: str, amount: int) -> None:
    await market[name].services.issued.asking.accept(market["sol"].me.id, "EUR", amount, days=30)
    await market.post.carry()


async def test_a_transfer_moves_within_the_recipients_limit_and_not_beyond(tmp_path: Path) -> None:
    """[R-CRED-73] [R-CRED-74]"""
    async with credits(tmp_path) as market:
        await market.sold()
        to = market["finn"].me.id
        refused = await ask(market, "transfer", 25, recipient=to)
        await market.post.carry()
        await market.look()
        assert await outcome(market, refused) == ("refused", "no_limit"), (
            "nobody holds credit against their will"
        )
        await accepts(market, "finn", 100)
        taken = await ask(market, "transfer", 80, recipient=to)
        beyond = await ask(market, "transfer", 25, recipient=to)
        await market.post.carry()
        await market.look()
        assert await outcome(market, taken) == ("answered", None)
        assert await outcome(market, beyond) == ("refused", "over_limit")
        assert await market.kinds() == [22, TRANSFER]
        assert (await market.figures("finn", by="bea")).available == 80
        assert (await market.figures("rita")).available == 45
        assert market.post.refused == []


async def test_credit_of_another_unit_is_named_where_it_does_not_pay(tmp_path: Path) -> None:
    """Who has 1.25 EUR is not told only that they have 0.00 of what they asked for."""
    async with credits(tmp_path) as market:
        await market.sold()
        with pytest.raises(Problem, match=r"Only 0.00 tokens.*What you have in EUR is another credit"):
            await market["rita"].services.issued.asking.ask(
                Wish("payout", market["sol"].me.id, "tokens", 1), anyway=False
            )


async def test_more_than_there_is_is_refused_and_nothing_is_logged(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        row = await ask(market, "payout", 126)
        stranger = await ask(market, "payout", 1, by="bea")
        await market.post.carry()
        await market.look()
        assert await outcome(market, row) == ("refused", "not_covered")
        assert await outcome(market, stranger, "bea") == ("refused", "not_covered")
        assert await market.kinds() == [22]


async def test_a_payout_is_recorded_by_the_word_of_who_was_paid(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        row = await ask(market, "payout", 100)
        await market.post.carry()
        await market.look()
        assert await outcome(market, row) == ("answered", None)
        figures = await market.figures("rita")
        assert (figures.available, figures.paid_out) == (25, 100)


async def test_a_redemption_waits_for_a_clock_that_is_behind_the_own_words(tmp_path: Path) -> None:
    """As every move of that deal does; nothing is asked of the issuer."""
    async with credits(tmp_path) as market:
        deal, bea = await market.order(), market["bea"].services
        market.clock.now += 7_200_000
        await bea.deals.paid(models.DealMoney(deal=deal, amount="1.00"))
        market.clock.now -= 7_200_000
        with pytest.raises(Problem, match="the clock is behind") as waits:
            await bea.deals.paid(models.DealMoney(deal=deal, redeem=True))
        assert waits.value.code == "waits"
        assert (await bea.credits.requests(models.CreditRequestsQuery())).items == []


async def test_a_redemption_pays_a_deal(tmp_path: Path) -> None:
    """[R-CRED-75] The seller's node confirms the payment once the redemption is logged, and once."""
    async with credits(tmp_path, PAYING | {"price": "1.00"}) as market:
        for _ in range(10):
            await market.complete(await market.order(market.token()))
        await market.look()
        market.clock.now += 31 * 24 * 3_600_000
        assert (await market.figures("rita")).available == 100
        rita, sol = market["rita"].services, market["sol"].services
        ordered = await rita.deals.order(models.DealOrder(ref=f"{market['sol'].id}/cap"))
        await market.post.carry()
        await sol.deals.accept(models.DealAccept(deal=ordered.deal))
        await market.post.carry()
        for _ in range(2):  # again is the same
            await rita.deals.paid(models.DealMoney(deal=ordered.deal, redeem=True))
            await market.post.carry()
            await market.look()
        assert await market.kinds() == [22] * 10 + [REDEEM]
        shown = await rita.deals.show(ordered.deal)
        money = shown.figures
        assert (money.paid.amount, money.unconfirmed.amount) == ("1.00", "0.00")
        assert (await market.figures("rita")).available == 0
        [row] = await market["rita"].store.read(lambda reader: rows.requests(reader.connection, None, 9))
        assert (row.state, row.order) == ("answered", bytes.fromhex(ordered.deal))


async def test_a_redemption_for_a_deal_it_cannot_pay_is_refused(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        deal = await market.sold()
        other = await ask(market, "redeem", 100, order=bytes(32))
        paid = await ask(market, "redeem", 100, order=bytes.fromhex(deal))
        await market.post.carry()
        await market.look()
        assert await outcome(market, other) == ("refused", "no_deal")
        assert await outcome(market, paid) == ("refused", "too_much")


async def test_a_crash_between_the_entry_and_its_answer_moves_credit_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        row = await ask(market, "payout", 100)
        await market.post.carry()

        def dies(*args: object, **more: object) -> None:
            raise RuntimeError("the process ends here")

        with monkeypatch.context() as patched:
            patched.setattr(rows, "end_request", dies)
            with pytest.raises(RuntimeError):
                await market["sol"].services.issued.answering.look()
        assert await market.kinds() == [22, PAYOUT]
        await market.look()
        assert await market.kinds() == [22, PAYOUT]
        assert await outcome(market, row) == ("answered", None)
        found = await market["rita"].store.read(lambda reader: rows.request(reader.connection, row.id))
        entries = await market.entries()
        assert found is not None and (found.seq, found.entry) == (entries[-1].seq, entries[-1].id)


async def test_a_request_that_comes_again_is_answered_again(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        await ask(market, "payout", 100)
        [letter] = [each for each in await market.post.waiting(market["rita"]) if each.type == "request"]
        await market.post.carry()
        await market.look()
        assert await market.post.bring(market["rita"], letter) is None
        answers = [each for each in await market.post.waiting(market["sol"]) if each.type == "answered"]
        assert len(answers) == 1
        await market.look()
        assert await market.kinds() == [22, PAYOUT]


async def test_requests_of_others_in_somebodys_name_are_not_taken(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        await ask(market, "payout", 100)
        [letter] = [each for each in await market.post.waiting(market["rita"]) if each.type == "request"]
        refused = await market.post.bring(market["finn"], letter)
        assert refused is not None and refused.code == "not_holder"


async def test_counters_go_on_after_a_store_was_put_back(tmp_path: Path) -> None:
    """[R-CRED-72] A counter used twice would cost its holder; one is never below the date."""
    async with credits(tmp_path) as market:
        store, issuer, now = market["rita"].store, market["sol"].me.id, market.clock.now
        first = await store.write(lambda writer: rows.next_counter(writer, issuer, now))
        again = await store.write(lambda writer: rows.next_counter(writer, issuer, now))
        assert (first, again) == (now, now + 1)
        await store.write(lambda writer: writer.connection.execute("DELETE FROM credit_counter"))
        assert await store.write(lambda writer: rows.next_counter(writer, issuer, now + 60_000)) > again


async def test_a_crash_between_a_redemption_and_its_answer_confirms_the_payment_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-CRED-75]"""
    async with credits(tmp_path, PAYING | {"price": "1.00", "commission": "100"}) as market:
        await market.sold()
        rita, sol = market["rita"].services, market["sol"].services
        ordered = await rita.deals.order(models.DealOrder(ref=f"{market['sol'].id}/cap"))
        await market.post.carry()
        await sol.deals.accept(models.DealAccept(deal=ordered.deal))
        await market.post.carry()
        await rita.deals.paid(models.DealMoney(deal=ordered.deal, redeem=True))
        await market.post.carry()

        def dies(*args: object, **more: object) -> None:
            raise RuntimeError("the process ends here")

        with monkeypatch.context() as patched:
            patched.setattr(rows, "end_request", dies)
            with pytest.raises(RuntimeError):
                await sol.issued.answering.look()
        await market.look()
        assert (await market.kinds()).count(REDEEM) == 1
        shown = await sol.deals.show(ordered.deal)
        assert [each.type for each in shown.messages].count("payment_received") == 1
        [row] = await market["rita"].store.read(lambda reader: rows.requests(reader.connection, None, 9))
        assert row.state == "answered"


def test_who_names_no_unit_is_told_by_which_option() -> None:
    """A swap has two units, each with an option of its own."""
    with pytest.raises(Problem, match="Which unit\\? Add --give-unit with one of: EUR, ray"):
        one_unit(["ray", "EUR"], None, "--give-unit")
