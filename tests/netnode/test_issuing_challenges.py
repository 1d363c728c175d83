"""An issuer that logs nothing is challenged in public by what obliges it; what it logs or answers clears it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from netnode.issuing.asking import Wish
from netnode.ledgers.standing import Standing, standing
from netnode.mail.letters import Incoming, Refusal
from netnode.problems import Problem
from netnode.store import credits as rows
from netnode.store import letters as outbox
from protocol.certificate import DAY_MS
from tests.netnode.issuers import Credits, credits
from tests.netnode.mesh import until
from tests.netnode.services_home import NETWORK, OpenHome

SALE, PAYOUT, ANSWER = 22, 38, 40


async def stands(market: Credits, by: str = "finn") -> Standing:
    """How a third node shows sol."""
    await market.meet()
    home = market[by]
    await home.projector.level()
    await home.services.issued.challenging.look()
    await market.post.carry()
    await home.services.issued.challenging.look()
    now = market.clock.now
    return await home.services.issued.ledgers.study(
        market["sol"].me.id, lambda reader, ledger: standing(reader, NETWORK, ledger, now)
    )


async def test_a_sale_that_is_not_published_is_challenged_by_its_referrer(tmp_path: Path) -> None:
    """[R-CRED-76] Shown as suspected 14 days after it was handed over; publishing the sale clears it."""
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        await market.complete(deal)
        made = await market["rita"].services.issued.challenging.claim_sale(bytes.fromhex(deal))
        found = await stands(market)
        assert (found.open, found.overdue) == (1, 0)
        market.clock.now += 14 * DAY_MS
        assert (await stands(market)).suspected
        met = await market["sol"].store.read(
            lambda reader: rows.challenges_to(reader.connection, market["sol"].me.id)
        )
        assert [each.id for each in met] == [made.id], "it was handed over"
        await market["sol"].services.issued.challenging.look()
        assert await market.kinds() == [SALE]
        assert not (await stands(market)).suspected
        with pytest.raises(Problem, match="is in the issuer's log"):
            await market["rita"].services.issued.challenging.claim_sale(bytes.fromhex(deal))


async def test_a_challenge_is_looked_at_when_it_comes(tmp_path: Path) -> None:
    """By letter at its issuer, in a log at who follows the issuer: nobody waits for the next round."""
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        sol, finn, rita = market["sol"], market["finn"], market["rita"]
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(home.services.issued.challenging.run(home.bus, home.projector))
                for home in (sol, finn)
            ]
            await rita.services.issued.challenging.claim_sale(bytes.fromhex(deal))
            await market.meet()
            await until(lambda: _met(finn, sol), "it is met in the log")
            await market.post.carry()
            await until(lambda: _answers(market), "it is answered")
            for each in tasks:
                each.cancel()


async def _met(home: OpenHome, issuer: OpenHome) -> bool:
    return bool(await home.store.read(lambda reader: rows.challenges_to(reader.connection, issuer.me.id)))


async def _answers(market: Credits) -> bool:
    return ANSWER in await market.kinds()


async def test_a_challenge_for_what_was_not_paid_is_answered_with_the_reason(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        await market["rita"].services.issued.challenging.claim_sale(bytes.fromhex(deal))
        await market.post.carry()
        for _ in range(2):
            await market["sol"].services.issued.challenging.look()
        assert await market.kinds() == [ANSWER], "once"
        market.clock.now += 15 * DAY_MS
        found = await stands(market)
        assert (found.suspected, found.refused) == (False, ("unpaid",))


async def test_all_challenges_of_one_claimant_are_answered_in_one_look(tmp_path: Path) -> None:
    """[R-CRED-55] [R-CRED-76] One is open at a time, and the next as soon as that has its answer: nobody waits."""
    async with credits(tmp_path) as market:
        await market.sold()
        rita = market["rita"].services.issued
        unpaid = [await market.order(market.token()) for _ in range(3)]
        for deal in unpaid[:2]:
            await rita.challenging.claim_sale(bytes.fromhex(deal))
        row = await rita.asking.ask(Wish("payout", market["sol"].me.id, "EUR", 100))
        await rita.challenging.claim_request(row)
        await rita.challenging.claim_sale(bytes.fromhex(unpaid[2]))
        await market.post.carry(lambda letter: letter.type == "challenge")
        await market["sol"].services.issued.challenging.look()
        assert await market.kinds() == [SALE, ANSWER, ANSWER, PAYOUT, ANSWER]


async def test_who_challenges_twice_for_one_thing_has_one_challenge_in_the_log(tmp_path: Path) -> None:
    """[R-CRED-55] A second one would wait behind the first, and stand in the log for good."""
    async with credits(tmp_path) as market:
        await market.sold()
        rita = market["rita"].services.issued
        row = await rita.asking.ask(Wish("payout", market["sol"].me.id, "EUR", 100))
        other = await rita.asking.ask(Wish("payout", market["sol"].me.id, "EUR", 1))
        first = await rita.challenging.claim_request(row)
        assert (await rita.challenging.claim_request(row)).id == first.id
        assert (await rita.challenging.claim_request(other)).id != first.id


async def test_a_request_that_never_reached_its_issuer_is_carried_out_by_a_challenge(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        wish = Wish("payout", market["sol"].me.id, "EUR", 100)
        row = await market["rita"].services.issued.asking.ask(wish)
        await market["rita"].store.write(
            lambda writer: writer.connection.execute("DELETE FROM outbox WHERE type = 'request'")
        )
        await market["rita"].services.issued.challenging.claim_request(row)
        await market.post.carry()
        await market["sol"].services.issued.challenging.look()
        assert await market.kinds() == [SALE, PAYOUT]
        await market.post.carry()
        found = await market["rita"].store.read(lambda reader: rows.request(reader.connection, row.id))
        assert found is not None and found.state == "answered"


async def test_a_request_outlives_the_time_that_its_issuer_has_to_answer_a_challenge(tmp_path: Path) -> None:
    """An issuer that waits until the request is over would never be shown as suspected [R-CRED-55, 56]."""
    async with credits(tmp_path) as market:
        await market.sold()
        row = await market["rita"].services.issued.asking.ask(Wish("payout", market["sol"].me.id, "EUR", 100))
        market.clock.now += DAY_MS
        await market["rita"].services.issued.challenging.claim_request(row)
        assert (await stands(market)).open == 1
        market.clock.now += 14 * DAY_MS
        assert (await stands(market)).suspected


async def test_an_issuer_that_refuses_the_letter_has_been_handed_the_challenge(tmp_path: Path) -> None:
    """[R-CRED-76] Else whoever says no to letters would never be shown as suspected."""
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        await market.complete(deal)

        async def refuse(_: Incoming) -> Refusal:
            return Refusal("busy", "not today")

        market["sol"].services.issued.means.letters._receivers["challenge"] = refuse
        await market["rita"].services.issued.challenging.claim_sale(bytes.fromhex(deal))
        assert not (await stands(market)).suspected
        market.clock.now += 14 * DAY_MS
        assert (await stands(market)).suspected


async def test_a_challenge_that_nobody_took_in_time_is_handed_over_when_its_issuer_is_back(
    tmp_path: Path,
) -> None:
    """[R-CRED-56, 76] Silence is no proof: its time begins only then."""
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        await market.complete(deal)
        sol, rita = market["sol"], market["rita"].services.issued
        await rita.challenging.claim_sale(bytes.fromhex(deal))

        async def overdue() -> int:
            now = market.clock.now
            found = await rita.ledgers.study(
                sol.me.id, lambda reader, ledger: standing(reader, NETWORK, ledger, now)
            )
            assert found.open + found.overdue == 1
            return found.overdue

        for _ in range(2):  # it is away for longer than a letter lives, twice
            market.clock.now += 31 * DAY_MS
            await market["rita"].store.write(outbox.sweep, market.clock.now)
            await rita.challenging.look()
        assert await overdue() == 0
        await market.post.carry()
        await rita.challenging.look()
        market.clock.now += 13 * DAY_MS
        assert await overdue() == 0
        market.clock.now += DAY_MS
        assert await overdue() == 1


async def test_who_brought_nobody_has_nothing_to_show(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        with pytest.raises(Problem) as refused:
            await market["finn"].services.issued.challenging.claim_sale(bytes.fromhex(deal))
        assert refused.value.code == "no_witness"
