"""Two buyers order the last item at once, again and again: exactly one accept each time.

Every other time their seller accepts both at once; else the node does, by itself, as the orders come.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from netnode.operations import models
from netnode.problems import Problem
from tests.netnode.dealing import Market, Post, market
from tests.netnode.services_home import OpenHome, opened


def options(parser: argparse.ArgumentParser) -> None:
    """How often."""
    parser.add_argument("--rounds", type=int, default=1_000)


def run(chosen: argparse.Namespace) -> str:
    """Runs the rounds."""
    with tempfile.TemporaryDirectory(prefix="netnode-long-") as folder:
        alone = asyncio.run(_races(Path(folder), chosen.rounds))
    return f"{chosen.rounds} times the last item for two buyers at once ({alone} accepted by the node): one accept each"


async def _races(folder: Path, rounds: int) -> int:
    async with market(folder) as trade, opened(folder, "bob", clock=trade.clock) as bob:
        trade.post.homes[bob.me.id] = bob
        await Market(trade.seller, bob, Post({}), trade.clock).meet()
        for number in range(rounds):
            await _race(trade, (trade.buyer, bob), by_itself=number % 2 == 1)
    return rounds // 2


async def _race(trade: Market, buyers: tuple[OpenHome, OpenHome], *, by_itself: bool) -> None:
    """One item, two orders."""
    sells, stock = trade.seller.services.deals, trade.seller.services.stock
    await stock.change(models.StockChange(key="cap", count=1, auto_accept="on" if by_itself else "off"))
    wanted = models.DealOrder(ref=f"{trade.seller.id}/cap")
    orders = [
        each.deal for each in await asyncio.gather(*(each.services.deals.order(wanted) for each in buyers))
    ]
    rows = [(each, row) for each in buyers for row in await trade.post.waiting(each)]
    await asyncio.gather(*(trade.post.bring(home, row) for home, row in rows))
    if not by_itself:
        found = await asyncio.gather(
            *(sells.accept(models.DealAccept(deal=deal)) for deal in orders), return_exceptions=True
        )
        refused = [each.code for each in found if isinstance(each, Problem)]
        assert refused == ["sold_out"], found
    states = [(await sells.show(deal)).state for deal in orders]
    assert states.count("agreed") == 1, states
    (counter,) = (await stock.show("cap")).counters
    assert counter.count == 0, counter
