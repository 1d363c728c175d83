"""Sales that are logged too late, beside an independent fold of the same log."""

from __future__ import annotations

from netnode.conformance.entries import read_entry
from netnode.conformance.ledgerfold import Ledger
from protocol.records.plan import RankRates, Unilevel
from tests.protocol.author import NETWORK
from tests.protocol.ledger.world import DAY, World

INACTIVE = Unilevel(compression="inactive", name="level", rates=(RankRates(rates=((1, 10),)),))


def test_the_owner_of_a_late_sale_is_active_by_the_sale_itself() -> None:
    """[R-PLAN-15] [R-CRED-21] Other sales made them active at a later place of the log."""
    world = World()
    world.publish(active=100, unilevel=(INACTIVE,))
    path = world.path("ann")
    late, soon = world.deal(800, path=path), world.deal(900, path=path)
    for deal in (late, soon):
        deal.accept().pay().receive(0)
    world.now = max(late.now, soon.now) + DAY
    assert world.sell(soon, path=path).code is None
    world.now += 20 * DAY
    assert world.sell(late, path=path).code is None
    sold = world.book.effects[b"s" + late.id]
    assert [each.steps[0].amount for each in sold.awards] == [80]  # type: ignore[union-attr]
    other = Ledger(NETWORK, world.issuer.id)
    assert {other.take(read_entry(list(each.wire()))) for each in world.issuer.entries} == {None}
