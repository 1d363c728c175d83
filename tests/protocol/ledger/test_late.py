"""Sales that are logged too late, or raised later, are evaluated as they would have been in time [L12]."""

from __future__ import annotations

from typing import Any

from netnode.conformance.entries import read_entry
from netnode.conformance.ledgerfold import Ledger
from protocol.ledger.contents import encode_content
from protocol.ledger.effects import Sold, sale_id
from protocol.records import ClosePart
from protocol.records.plan import Rank, RankRates, Unilevel
from tests.protocol.author import NETWORK
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.joining import join, leave
from tests.protocol.ledger.world import DAY, HOLD, World


def awarded(world: World, order: bytes) -> dict[str, int]:
    """Who was awarded how much of a sale."""
    value = world.book.effects[sale_id(order)]
    assert isinstance(value, Sold)
    names = {world.id(name): name for name in world.people}
    return {names[each.to]: max(step.amount for step in each.steps) for each in value.awards}


def sold(world: World, name: str, *prices: int) -> Any:
    path = world.path(name)
    deal = world.deal(*prices or (10_000,), path=path).complete()
    world.sell(deal, path=path)
    return deal


def test_logging_late_takes_no_override_away() -> None:
    """[R-CRED-21] Overrides that were unlocked at the contract stay so, whenever the issuer logs the sale."""
    world = World()
    world.publish(unlock_buyers=1)
    join(world, "ann")
    join(world, "bob", "ann")
    sold(world, "ann")
    sold(world, "ann")
    path = world.path("bob")
    deal = world.deal(path=path).complete()
    world.now = deal.now + 2 * HOLD  # two months later nobody has sold anything in the new period
    world.sell(deal, path=path)
    assert awarded(world, deal.id) == {"bob": 1_000, "ann": 500}


def test_a_close_after_a_sale_changes_nothing_of_its_raise() -> None:
    """[R-CRED-21] [R-PLAN-23] A raise goes by the ranks of the closes before the first entry."""
    rates = (RankRates(rates=((1, 10),)), RankRates(rank="seller", rates=((1, 5), (1, 10))))
    world = World()
    world.publish(
        ranks=(Rank(name="seller", own=5_000),),
        unilevel=(Unilevel(compression="none", name="level", rates=rates),),
    )
    join(world, "ann")
    join(world, "bob", "ann")
    world.now += 10 * DAY
    sold(world, "ann")
    path = world.path("bob")
    world.now += 20 * DAY
    deal = world.deal(4_000, 6_000, path=path).accept().pay().receive(0)
    world.sell(deal, path=path)
    assert awarded(world, deal.id) == {"bob": 400}  # December is not closed yet: nobody has a rank
    (governed,) = world.book.governing.all()
    for _ in range(2):
        content = close_with_awards(world.book.state, governed, governed.closed or governed.starts)
        world.parts(ClosePart, encode_content(content), max(world.now, content.ends) + 1)
    deal.now = world.now
    deal.receive(1)
    world.sell(deal, path=path)
    assert awarded(world, deal.id) == {"bob": 1_000}
    assert awarded(world, sold(world, "bob").id) == {"bob": 1_000, "ann": 1_000}


def test_who_sold_before_joining_has_no_rank_by_it() -> None:
    """[R-PLAN-15] A member qualifies; who sold as a guest of the team begins without a rank."""
    rates = (RankRates(rates=((1, 10),)), RankRates(rank="seller", rates=((1, 5),)))
    world = World()
    world.publish(
        ranks=(Rank(name="seller", own=5_000),),
        unilevel=(Unilevel(compression="none", name="level", rates=rates),),
        rank_used="achieved",
    )
    sold(world, "zoe")
    (governed,) = world.book.governing.all()
    content = close_with_awards(world.book.state, governed, governed.starts)
    world.parts(ClosePart, encode_content(content), content.ends + 1)
    join(world, "zoe")
    assert awarded(world, sold(world, "zoe").id) == {"zoe": 1_000}


def test_who_sold_and_left_stands_in_the_order_of_their_first_sales() -> None:
    """[R-PLAN-21] Whatever closes looked at them before, and whoever joined first."""
    world = World()
    month = Unilevel(compression="none", name="month", rates=(RankRates(rates=((1, 10),)),), when="period")
    world.publish(unilevel=(month,))
    (governed,) = world.book.governing.all()
    contents = []
    for name in ("ann", "bob"):
        join(world, name)
    for number in range(2):
        begins = governed.starts if governed.closed is None else governed.closed
        content = close_with_awards(world.book.state, governed, begins)
        contents.append(content)
        assert world.parts(ClosePart, encode_content(content), max(world.now, content.ends) + 1).code is None
        if not number:
            for name in ("bob", "ann"):
                sold(world, name)
            for name in ("bob", "ann"):
                assert leave(world, name).code is None
    assert [each.to for each in contents[1].awards] == [world.id("bob"), world.id("ann")]
    other = Ledger(NETWORK, world.issuer.id)
    assert {other.take(read_entry(list(each.wire()))) for each in world.issuer.entries} == {None}
