"""Scenes of tests/vectors/ledger.json in which a sale is raised by what does not count whole."""

from __future__ import annotations

from typing import Any

from protocol.deals.offers import name_buyer
from protocol.records import Redeem
from protocol.signing import Signer
from tests.protocol.author import NETWORK, seed
from tests.protocol.ledger.world import DAY, Deal, World
from tests.vectors.generate.ledger_acts import closed, level, log, made, refund, sold


def bought(world: World, buyer: str, *prices: int, by: str = "ann") -> tuple[Deal, Any]:
    """A deal by which a networker buys in their own name, accepted and paid; nothing is received."""
    key = Signer(seed(world.issuer.name, "buyer", world.deals + 1)).public  # as `World.deal` makes it
    who = world.who(buyer)
    named = name_buyer(NETWORK, who.signer, id=who.id, epoch=0, key=key, seller=world.issuer.id)
    path = world.path(by)
    return world.deal(*prices, path=path, named=named).accept().pay(), path


def raised_own() -> World:
    """Own purchases that are received piece by piece: within the cap, beyond it, after the close of their period."""
    world = made(
        "ann", "bob", personal=12_000, personal_free=False, hold_days=90,
        unilevel=(level(), level("month", when="period")),
    )  # fmt: skip
    sold(world, "ann", 100_000)
    first, path = bought(world, "bob", 1_000, 9_000, 6_000, 5_000)
    other, _ = bought(world, "bob", 500, 4_000)
    for deal, part in ((first, 0), (other, 0), (first, 1), (first, 2), (other, 1)):
        deal.now = max(deal.now, world.now)
        deal.receive(part)
        log(world, deal, path)
    refund(world, other, 4_400)
    third, _ = bought(world, "bob", 400, 20_000)
    third.receive(0)
    log(world, third, path)
    closed(world)
    closed(world)
    for deal, part in ((third, 1), (first, 3)):
        deal.now = world.now
        deal.receive(part)
        log(world, deal, path)
    closed(world)
    refund(world, third, 20_100)
    return world


def paid_by_itself() -> World:
    """Later parts of orders are paid with credit: of the sale itself, of another sale, of somebody else."""
    world = World()
    world.publish()
    path = world.path("ann", "bob")
    deals = [
        world.deal(10_000, 10_000, path=path, commission=1_000).accept().pay(10_000).receive(0)
        for _ in range(3)
    ]
    for deal in deals:
        log(world, deal, path)
    world.now += 3 * 30 * DAY
    for holder, amount, deal in (("bob", 400, deals[0]), ("bob", 300, deals[0]), ("bob", 1_200, deals[1])):
        request = world.request("redeem", holder, amount, unit="EUR", order=deal.id)
        world.write(Redeem(openers=world.openers(holder), request=request))
    for deal in deals:
        deal.now = world.now
        deal.pay(10_000).receive(1)
        log(world, deal, path)
    refund(world, deals[0], 9_000)
    return world
