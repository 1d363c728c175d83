"""Homes put back: what the lost copy asked of issuers is found and asked twice by nobody; what it locked ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.issuing.asking import FOUND, Wish
from netnode.operations import models
from netnode.own.caution import _count
from netnode.problems import Problem
from netnode.store import Reader, Writer
from netnode.store import credits as rows
from tests.netnode.issuers import Credits, credits
from tests.netnode.services_home import OpenHome
from tests.netnode.swapped import AFTER, BEFORE, Four, four

DAY = 24 * 3_600_000


async def forgets(home: OpenHome) -> None:
    """The home is put back from a backup made before it asked for anything."""
    now = home.clock.now

    def forgotten(writer: Writer) -> None:
        with writer.transaction():
            for table in ("credit_request", "credit_swap", "outbox"):
                writer.connection.execute(f"DELETE FROM {table}")
            _count(writer, now)

    await home.store.write(forgotten)


async def asked(market: Credits, **more: object) -> rows.RequestRow:
    wish = Wish("payout", market["sol"].me.id, "EUR", 100)
    return await market["rita"].services.issued.asking.ask(wish, **more)  # type: ignore[arg-type]


async def test_a_request_of_the_lost_copy_is_found_in_the_issuers_log(tmp_path: Path) -> None:
    """[R-CRED-77]"""
    async with credits(tmp_path) as market:
        await market.sold()
        row = await asked(market)
        held = lambda letter: letter.type != "answered"  # noqa: E731
        await market.post.carry(held)
        await forgets(market["rita"])
        await market["sol"].services.issued.answering.look()
        await market.post.carry()
        assert market.post.refused == [], "the answer to a request that is not known here is taken"
        await market.meet()
        for _ in range(2):
            await market["rita"].services.swapping.recovering.look()
        page = await market["rita"].services.credits.requests(models.CreditRequestsQuery())
        [found] = page.items
        assert (found.request, found.own, found.state, found.text) == (row.id.hex(), True, "logged", FOUND)
        entries = await market.entries()
        assert found.entry == entries[-1].seq


async def test_who_was_put_back_is_told_before_it_asks_again(tmp_path: Path) -> None:
    """[R-CRED-77] Once for each issuer: what the lost copy asked for may still be on its way."""
    async with credits(tmp_path) as market:
        await market.sold()
        await forgets(market["rita"])
        market.clock.now += DAY
        with pytest.raises(Problem) as caught:
            await asked(market)
        assert caught.value.code == "put_back"
        await asked(market, anyway=True)
        market.clock.now += DAY
        await asked(market)


async def test_a_home_that_was_put_back_long_ago_asks_as_ever(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        await forgets(market["rita"])
        market.clock.now += 61 * DAY
        await asked(market)


@pytest.mark.parametrize("name", ["ann", "bob"])
async def test_a_swap_that_a_holder_forgot_goes_on(tmp_path: Path, name: str) -> None:
    """[R-CRED-77] Both have signed it, and it is locked; the other holder vanishes for good."""
    async with four(tmp_path) as all_:
        await all_.propose()
        await all_.carry()
        await all_.accept()
        await all_.carry()
        await all_.carry()
        await all_.run("issuer-x")  # locks
        await all_.meet()
        await forgets(all_[name])
        all_.gone.add("bob" if name == "ann" else "ann")
        await _follows(all_, name)
        await all_.settle()
        assert await all_.outcome("issuer-y") == AFTER


@pytest.mark.parametrize("refused", [False, True])
async def test_a_lock_that_its_issuer_forgot_ends(tmp_path: Path, refused: bool) -> None:
    """[R-CRED-84] The home of X is put back from before its lock; Y decides nothing, and the holders vanish."""
    async with four(tmp_path) as all_:
        await all_.propose()
        await all_.carry()
        await all_.accept()
        await all_.carry()
        await all_.carry()
        await all_.run("issuer-x")  # locks
        await all_.meet()
        assert (await all_.outcome("issuer-x"))[0] == (1_000, 600)
        if refused:  # the copy knew the swap as one that was not covered yet
            await _knows(all_["issuer-x"], "refused")
        else:
            await forgets(all_["issuer-x"])
        all_.gone |= {"ann", "bob"}
        await all_.pass_time()
        await all_.settle()
        assert await all_.outcome("issuer-x") == BEFORE
        assert await all_.stage("issuer-x") == "back"
        assert all_["issuer-y"].me.id in dict(await all_["issuer-x"].store.read(Reader.follows))


async def _knows(home: OpenHome, stage: str) -> None:
    """The home is put back from a backup that knew its swap as far as this."""

    def known(writer: Writer) -> None:
        with writer.transaction():
            writer.connection.execute("UPDATE credit_swap SET stage = ?, due = NULL", (stage,))
            _count(writer, home.clock.now)

    await home.store.write(known)


async def _follows(all_: Four, name: str) -> None:
    for each in ("issuer-x", "issuer-y"):
        await all_[name].store.write(Writer.follow, all_[each].me.id, all_.clock.now)
