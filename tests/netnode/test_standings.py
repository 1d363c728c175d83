"""What speaks against sellers stands beside search results, though no ledger is folded for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from netnode.operations import models
from netnode.projections import catalogue, gists
from netnode.projections.gists import About
from protocol.certificate import DAY_MS
from tests.netnode.issuers import Credits, credits
from tests.netnode.mesh import until
from tests.netnode.services_home import OpenHome
from tests.netnode.test_issuing_challenges import stands
from tests.netnode.test_rekeying import rotate
from tests.netnode.test_relogging import tip


async def badges(home: OpenHome) -> list[tuple[bool, bool]]:
    """Of what is found: suspected, disputed."""
    await home.projector.level()
    found = await home.services.search.find(models.SearchQuery(text="cap"))
    return [
        (False, False)
        if not isinstance(each.standing, models.IssuerStanding)
        else (each.standing.suspected, bool(each.standing.disputed))
        for each in found.items
    ]


async def look(home: OpenHome) -> None:
    await home.projector.level()
    assert not await home.services.standings.look()


def forget_ledgers(home: OpenHome) -> None:
    home.services.issued.ledgers._shelves.clear()


async def suspected(market: Credits) -> OpenHome:
    """A third node whose owner knows that sol published no sale for 15 days after it was challenged."""
    deal = await market.order(market.token())
    await market.complete(deal)
    await market["rita"].services.issued.challenging.claim_sale(bytes.fromhex(deal))
    await stands(market)
    market.clock.now += 15 * DAY_MS
    return market["finn"]


async def test_an_issuer_that_is_suspected_is_shown_so_in_search(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        finn = await suspected(market)
        await look(finn)
        forget_ledgers(finn)
        assert await badges(finn) == [(True, False)]
        assert not finn.services.issued.ledgers.holds(market["sol"].me.id), "nothing was folded for it"
        await market.look()
        await look(finn)
        assert await badges(finn) == [(False, False)]


async def test_what_a_rotation_disowned_is_shown_in_search(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        last = await tip(market["sol"])
        await market.sold()
        await rotate(market["sol"], last=last)
        await market.meet()
        finn = market["finn"]
        await look(finn)
        forget_ledgers(finn)
        assert await badges(finn) == [(False, True)]


async def test_time_alone_makes_an_open_challenge_overdue(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        await market.complete(deal)
        await market["rita"].services.issued.challenging.claim_sale(bytes.fromhex(deal))
        await stands(market)
        finn = market["finn"]
        await look(finn)
        assert await badges(finn) == [(False, False)]
        market.clock.now += 15 * DAY_MS
        await look(finn)
        assert await badges(finn) == [(True, False)]


async def test_the_table_is_made_anew_from_the_logs(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        finn = await suspected(market)
        await look(finn)
        before = await finn.store.read(gists.every, About.STANDING)
        await finn.store.write(lambda writer: catalogue.rebuild(writer.connection))
        assert await badges(finn) == [(False, False)]
        await look(finn)
        assert await finn.store.read(gists.every, About.STANDING) == before != {}
        assert await badges(finn) == [(True, False)]


async def test_a_running_node_looks_by_itself(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        finn = await suspected(market)
        running = asyncio.create_task(finn.services.standings.run(finn.bus, finn.projector))
        try:
            await until(lambda: _suspects(finn), "it is shown")
        finally:
            running.cancel()


async def _suspects(home: OpenHome) -> bool:
    return await badges(home) == [(True, False)]
