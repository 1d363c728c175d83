"""Who is told, and where, when something comes to stand against an issuer whose credit the owner has [R-CRED-95]."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from netnode.ledgers.stakes import notices, stakes
from netnode.operations import models
from netnode.store import Reader, Writer, branches
from protocol.identity import id_text
from tests.netnode.services_home import OpenHome
from tests.netnode.test_ledgers import Market, forked, give, home_with, later, run_of

ADA = "ada"


async def shown(home: OpenHome) -> list[tuple[str, str]]:
    """What the status of the node says of the owner's credit."""
    return [(each.issuer, each.what) for each in (await home.services.node.status()).notices]


async def listed(home: OpenHome) -> list[models.CreditIssuer]:
    return (await home.services.ledgers.list(models.CreditsQuery())).items


async def asked(home: OpenHome, issuer: bytes) -> None:
    """The owner once asked that issuer for something, and follows nobody."""
    await home.store.write(
        lambda writer: writer.connection.execute("INSERT INTO credit_counter VALUES (?, 1)", (issuer,))
    )


def sold(*holders: str) -> Market:
    market = Market()
    for each in holders:
        market.sale(10_000, each)
    return market


async def test_an_issuer_that_rotates_below_what_it_owes_is_told_of_and_stays_listed(
    tmp_path: Any, caplog: Any
) -> None:
    """Nothing of the owner's is in its log any more: the more it has to be seen that there was."""
    market = sold("bob")
    kept = len(market.issuer.entries)
    market.sale(30_000, ADA)
    tail, rotation = list(market.issuer.entries), market.issuer.rotate(kept - 1)
    async with home_with(tmp_path, tail) as home:
        assert home.me.id == market.id(ADA)
        issuer, watch = market.issuer.id, home.services.credit_watch
        await asked(home, issuer)
        later(home, market)
        assert [each.issuer.id for each in await listed(home)] == [id_text(issuer)], "followed or not"
        await watch.run()
        assert [id for id, _ in await home.store.read(Reader.follows)] == [issuer], (
            "who owes is followed by itself"
        )
        assert await shown(home) == []
        assert (await home.gate.admit([rotation])).fault is None
        with caplog.at_level(logging.WARNING, "netnode"):
            for _ in range(2):
                await watch.run()
        assert [each.message for each in caplog.records if "whose credit you have" in each.message] == [
            f"{id_text(issuer)}, whose credit you have, took entries back by which it owed credit; what is proved of "
            "them is shown as disputed"
        ], "once"
        assert await shown(home) == [(id_text(issuer), "disputed")]
        (one,) = await listed(home)
        assert one.figures == [] and one.standing is not None
        assert [(each.amount, each.mine) for each in one.standing.disputed] == [("30.00", "30.00")]
        told = await home.services.ledgers.balance(models.CreditQuery(issuer=id_text(issuer)))
        assert told.standing.disputed[0].mine == "30.00"


async def test_a_fork_is_told_with_the_moment_it_was_noticed_and_no_longer_than_it_stands(
    tmp_path: Any,
) -> None:
    market = sold(ADA)
    common = list(market.issuer.entries)
    market.sale(20_000, ADA)
    left = market.issuer.entries[len(common) :]
    market.issuer.entries = list(common)
    market.book = market.fresh()
    for entry in common:
        market.book.take(entry)
    market.known, market.deals = {ADA}, 50
    market.sale(40_000, "bob")
    right = market.issuer.entries[len(common) :]
    async with home_with(tmp_path, [*common, *left]) as home:
        await home.store.write(Writer.follow, market.issuer.id, 1)
        later(home, market)
        since, watch = home.clock.now, home.services.credit_watch
        assert (await home.gate.admit_proof(run_of(left), run_of(right))).fault is None
        await watch.run()
        home.clock.now += 5
        await watch.run()
        (one,) = await home.store.read(notices)
        assert (one.issuer, one.what, one.since) == (market.issuer.id, "exposed", since)


async def test_what_stands_against_strangers_is_nobodys_notice(tmp_path: Any) -> None:
    """Whose credit the owner does not have, it is shown beside their listings only."""
    market = sold("bob")
    kept = len(market.issuer.entries) - 1
    market.sale(30_000, "bob")
    tail, rotation = list(market.issuer.entries), market.issuer.rotate(kept)
    async with home_with(tmp_path, tail) as home:
        await home.store.write(Writer.follow, market.issuer.id, 1)
        later(home, market)
        assert (await home.gate.admit([rotation])).fault is None
        await home.services.credit_watch.run()
        assert await shown(home) == []


async def test_who_stops_following_an_issuer_does_not_follow_it_again_but_sees_the_credit(
    tmp_path: Any,
) -> None:
    market = sold(ADA)
    async with home_with(tmp_path) as home:
        await asked(home, market.issuer.id)
        await home.services.credit_watch.run()
        await give(home, market.issuer.entries)
        later(home, market)
        await home.services.credit_watch.run()
        assert await home.store.write(Writer.unfollow, market.issuer.id)
        await home.services.credit_watch.run()
        assert await home.store.read(Reader.follows) == []
        assert [each.issuer.id for each in await listed(home)] == [id_text(market.issuer.id)]
        assert market.issuer.id in await home.store.read(stakes, home.me.id)


async def said(home: OpenHome, caplog: Any) -> list[str]:
    """What the log of the node says of issuers in two rounds."""
    caplog.clear()
    with caplog.at_level(logging.WARNING, "netnode"):
        for _ in range(2):
            await home.services.credit_watch.run()
    return [each.message for each in caplog.records if "whose credit you have" in each.message]


@pytest.mark.parametrize("known", [True, False])
async def test_an_issuer_whose_ledger_becomes_unknown_is_told_of_once(
    tmp_path: Any, caplog: Any, known: bool
) -> None:
    """[R-CRED-95] By an entry that this program does not understand, whether or not the credit was seen before."""
    market = sold(ADA)
    async with home_with(tmp_path, list(market.issuer.entries)) as home:
        await home.store.write(Writer.follow, market.issuer.id, 1)
        later(home, market)
        if known:
            assert await said(home, caplog) == [] and await shown(home) == []
        strange = market.issuer.after(market.issuer.entries[-1], 4_998)
        market.issuer.entries.append(strange)
        await give(home, [strange])
        (text,) = await said(home, caplog)
        assert "something is missing here, or not understood" in text
        assert await shown(home) == [(id_text(market.issuer.id), "unknown")]
        await give(home, market.issuer.write())
        assert await said(home, caplog) == [], "once"
        assert await shown(home) == [(id_text(market.issuer.id), "unknown")], "as long as it is true"


async def test_an_issuer_whose_log_is_gone_is_told_of(tmp_path: Any, caplog: Any) -> None:
    """Its start fell to a quota, or all of it: what it owes cannot be computed from the rest."""
    market = sold(ADA)
    async with home_with(tmp_path, list(market.issuer.entries)) as home:
        issuer = market.issuer.id
        await home.store.write(Writer.follow, issuer, 1)
        later(home, market)
        assert await said(home, caplog) == []
        await home.gate.cut(issuer, 600)
        assert len(await said(home, caplog)) == 1
        assert await shown(home) == [(id_text(issuer), "unknown")]
        await home.gate.drop([issuer], 1, lambda connection, n: None, owner=False, remembered=1)
        assert await said(home, caplog) == []
        assert await shown(home) == [(id_text(issuer), "unknown")]
        await home.store.write(Writer.unfollow, issuer)
        assert await said(home, caplog) == []
        assert await shown(home) == [], "who lets go of it is told no more"


async def test_a_branch_that_is_missing_is_told_of_until_it_has_come(tmp_path: Any, caplog: Any) -> None:
    """A settlement names a branch that nobody gave: what the owner has there is in no figure."""
    market, left, right = forked(ADA, "cal")
    opener = market.issuer.settlement(left[-1], branches=[right[-1]])
    async with home_with(tmp_path, [*market.issuer.entries, opener]) as home:
        issuer = market.issuer.id
        await home.store.write(Writer.follow, issuer, 1)
        later(home, market)
        assert len(await said(home, caplog)) == 1
        assert await shown(home) == [(id_text(issuer), "unknown")]
        await home.store.write(branches.take, issuer, right)
        assert await said(home, caplog) == []
        assert await shown(home) == []
