"""R17: what credit of a sale paid for of that very sale earns nothing more [R-CRED-24]."""

from __future__ import annotations

from typing import Any

from protocol.ledger.effects import Sold, sale_id
from protocol.ledger.selling import again
from protocol.records import Redeem
from tests.protocol.ledger.world import HOLD, Deal, World


def milestones(*prices: int, **fields: Any) -> tuple[World, Deal, Any]:
    """An order of two parts by ann's path at a commission of ten of a hundred; the first is paid, received, logged."""
    world = World()
    world.publish()
    path = world.path("ann")
    deal = world.deal(*prices or (10_000, 10_000), path=path, commission=1_000, **fields).accept()
    deal.pay(10_000).receive(0)
    assert world.sell(deal, path=path).code is None
    world.now += 2 * HOLD
    deal.now = world.now
    return world, deal, path


def redeem(world: World, holder: str, amount: int, **fields: Any) -> None:
    request = world.request("redeem", holder, amount, unit="EUR", **fields)
    assert world.write(Redeem(openers=world.openers(holder), request=request)).code is None


def award(world: World, deal: Deal) -> list[int]:
    """What the sale's entries have awarded, each."""
    value = world.book.effects[sale_id(deal.id)]
    assert isinstance(value, Sold)
    return [step.amount for credit in value.awards for step in credit.steps]


def test_credit_of_a_sale_that_pays_the_rest_of_it_earns_no_award() -> None:
    """Redeemed for the order by whom the sale had awarded it: a thousand of the second ten thousand."""
    world, deal, path = milestones()
    redeem(world, "ann", 1_000, order=deal.id)
    deal.pay(10_000).receive(1)
    assert world.sell(deal, path=path).code is None
    assert award(world, deal) == [1_000, 1_900]
    told = again(world.book.state, deal.id)
    assert told is not None and [each.amount for each in told[2]] == [1_900], "and explained like that"


def test_other_credit_that_pays_for_a_sale_counts() -> None:
    """For another order, by another holder, of another unit or before the sale: that is money like any other."""
    world, deal, path = milestones()
    other = world.deal(path=path, commission=1_000).complete()
    assert world.sell(other, path=path).code is None
    redeem(world, "ann", 500, order=other.id)
    redeem(world, "ann", 500)
    deal.pay(10_000).receive(1)
    assert world.sell(deal, path=path).code is None
    assert award(world, deal) == [1_000, 2_000]


def test_no_more_is_taken_off_than_the_sale_has_awarded_to_the_holder() -> None:
    world, deal, path = milestones()
    other = world.deal(50_000, path=path, commission=1_000).complete()
    assert world.sell(other, path=path).code is None
    world.now += 2 * HOLD
    deal.now = world.now
    redeem(world, "ann", 4_000, order=deal.id)
    deal.pay(10_000).receive(1)
    assert world.sell(deal, path=path).code is None
    assert award(world, deal) == [1_000, 1_900], "three thousand of it came from another sale"


def test_what_was_awarded_stays_and_refunds_go_on_from_it() -> None:
    """An entry by which nothing more counts raises nothing, and takes nothing back either."""
    world, deal, path = milestones(10_000, 1_000)
    redeem(world, "ann", 1_000, order=deal.id)
    deal.pay(1_000).receive(1)
    assert world.sell(deal, path=path).code is None
    assert award(world, deal) == [1_000, 1_000]
    deal.refund(5_500)
    assert world.refund(deal, 5_500).code is None
    value = world.book.effects[sale_id(deal.id)]
    assert isinstance(value, Sold) and value.base == 5_500
    assert world.book.figures("EUR", world.id("ann"), world.now + 2 * HOLD).signed == 550 - 1_000
