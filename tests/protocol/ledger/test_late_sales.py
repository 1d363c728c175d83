"""Sales that are logged too late, and raises, beside an independent fold of the same log.

What counts for them is what had been sold up to their place in the log.
"""

from __future__ import annotations

from typing import Any

from netnode.conformance.entries import read_entry
from netnode.conformance.ledgerfold import Ledger
from protocol.ledger.contents import encode_content
from protocol.ledger.effects import Sold, sale_id
from protocol.records import ClosePart
from protocol.records.plan import RankRates, Unilevel
from tests.protocol.author import NETWORK
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.joining import join
from tests.protocol.ledger.world import DAY, Deal, World

INACTIVE = Unilevel(compression="inactive", name="level", rates=(RankRates(rates=((1, 10), (1, 20))),))
HOLD = 400


class Team:
    """A team of ann and, below her, bob. Sales are logged when a test says so.

    Args:
        fields: of the plan.
    """

    def __init__(self, **fields: Any) -> None:
        self.world = World()
        self.world.publish(hold_days=HOLD, log_days=3, unilevel=(INACTIVE,), **fields)
        join(self.world, "ann")
        join(self.world, "bob", "ann")

    def deal(self, name: str, *prices: int, **fields: Any) -> Deal:
        """A deal that somebody brought; it is received, and nothing of it is logged."""
        return self.world.deal(*prices, path=self.world.path(name), **fields).accept().pay().receive(0)

    def log(self, name: str, deal: Deal) -> dict[str, int]:
        """Logs it now; who got what of it at last."""
        verdict = self.world.sell(deal, path=self.world.path(name))
        assert verdict.code is None, verdict
        sold = self.world.book.effects[sale_id(deal.id)]
        assert isinstance(sold, Sold)
        names = {self.world.id(each): each for each in self.world.people}
        return {names[each.to]: max(step.amount for step in each.steps) for each in sold.awards}

    def sold(self, name: str, price: int, **fields: Any) -> Deal:
        """A deal that is logged in time."""
        deal = self.deal(name, price, **fields)
        self.log(name, deal)
        return deal

    def refund(self, deal: Deal, amount: int) -> None:
        """Gives back a part of a price."""
        deal.now = max(deal.now, self.world.now)
        deal.refund(amount)
        assert self.world.refund(deal, deal.state().figures.base).code is None

    def close(self) -> None:
        """Closes the next period of the plan, when it is over."""
        world = self.world
        (governed,) = world.book.governing.all()
        begins = governed.starts if governed.closed is None else governed.closed
        content = close_with_awards(world.book.state, governed, begins)
        assert world.parts(ClosePart, encode_content(content), max(world.now, content.ends) + 1).code is None

    def later(self, days: int) -> None:
        """Time goes by."""
        self.world.now += days * DAY

    def judged_alike(self) -> bool:
        """Whether the other implementation finds the whole log in order too."""
        other = Ledger(NETWORK, self.world.issuer.id)
        return {other.take(read_entry(list(each.wire()))) for each in self.world.issuer.entries} == {None}


def test_the_owner_of_a_late_sale_is_active_by_the_sale_itself() -> None:
    """[R-PLAN-15] [R-CRED-21] Other sales made them active at a later place of the log."""
    team = Team(active=100)
    late, soon = team.deal("bob", 800), team.deal("bob", 900)
    assert team.log("bob", soon) == {"bob": 90}
    team.later(20)
    assert team.log("bob", late) == {"bob": 80}
    assert team.judged_alike()


def test_the_owner_of_a_late_sale_is_active_by_what_was_sold_before_its_place_and_the_sale() -> None:
    """[R-PLAN-15] [R-CRED-21] The sale right before its place counts, those after it do not."""
    team = Team(active=5_000)
    early = team.deal("bob", 2_000)
    team.sold("bob", 3_000)
    enough, short = team.deal("bob", 2_000), team.deal("bob", 1_999)
    team.sold("bob", 9_000)
    team.later(4)
    assert team.log("bob", early) == {}
    assert team.log("bob", enough) == {"bob": 200}
    assert team.log("bob", short) == {}
    assert team.judged_alike()


def test_a_late_sale_counts_from_its_own_entry_on() -> None:
    """[R-CRED-21] Its volume makes nobody active in what is evaluated as of a place before that entry."""
    team = Team(active=5_000)
    first, second = team.deal("bob", 4_000), team.deal("bob", 4_000)
    team.sold("ann", 1_000)
    team.later(4)
    assert team.log("bob", first) == team.log("bob", second) == {}
    assert team.log("bob", team.deal("bob", 100)) == {"bob": 10}
    assert team.judged_alike()


def test_what_was_refunded_since_makes_nobody_active_in_a_late_sale() -> None:
    """[R-CRED-21] Neither where the sales after its place still do, nor where the rest of those before it does not."""
    team = Team(active=5_000)
    before = team.sold("bob", 6_000)
    waiting = [team.deal("bob", 1_000) for _ in range(2)]
    team.sold("bob", 9_000)
    team.later(4)
    assert team.log("bob", waiting[0]) == {"bob": 100}
    team.refund(before, 2_001)
    assert team.log("bob", waiting[1]) == {}
    assert team.judged_alike()


def test_a_raise_counts_once_for_who_is_active() -> None:
    """[R-CRED-24] [R-PLAN-15] Neither with its first entry again nor with what was sold after that."""
    team = Team(active=5_000)
    raised = team.deal("bob", 2_000, 2_500)
    assert team.log("bob", raised) == {}
    team.sold("bob", 400)
    assert team.log("bob", raised.receive(1)) == {}
    assert team.judged_alike()


def test_overrides_of_a_late_sale_go_by_the_buyers_before_its_place() -> None:
    """[R-PLAN-16] [R-CRED-21] Who was refunded whole since is none of them, whoever bought later."""
    team = Team(unlock_buyers=2)
    before = [team.sold("ann", 1_000) for _ in range(2)]
    waiting = [team.deal("bob", 1_000) for _ in range(2)]
    team.sold("ann", 1_000)
    team.later(4)
    assert team.log("bob", waiting[0]) == {"ann": 50, "bob": 100}
    team.refund(before[0], 1_000)
    assert team.log("bob", waiting[1]) == {"bob": 100}
    assert team.judged_alike()


def test_overrides_of_a_late_sale_go_by_the_volume_before_its_place() -> None:
    """[R-PLAN-16] [R-CRED-21]"""
    team = Team(unlock_buyers=9, unlock_volume=2_000)
    early = team.deal("bob", 1_000)
    before = team.sold("ann", 2_000)
    waiting = [team.deal("bob", 1_000) for _ in range(2)]
    team.sold("ann", 2_000)
    team.later(4)
    assert team.log("bob", early) == {"bob": 100}
    assert team.log("bob", waiting[0]) == {"ann": 50, "bob": 100}
    team.refund(before, 1)
    assert team.log("bob", waiting[1]) == {"bob": 100}
    assert team.judged_alike()


def test_what_a_raise_adds_after_a_close_counts_from_its_entry_on() -> None:
    """[R-CRED-21] [R-CRED-31] In a later period, a late sale before that entry has nothing of it."""
    team = Team(active=5_000)
    raised = team.deal("bob", 1_000, 9_000)
    team.log("bob", raised)
    team.close()
    team.close()
    team.later(1)
    late = team.deal("bob", 1_000)
    team.later(1)
    raised.now = max(raised.now, team.world.now)
    team.log("bob", raised.receive(1))
    assert team.log("bob", team.deal("bob", 1_000)) == {"bob": 100}
    team.later(4)
    assert team.log("bob", late) == {}
    assert team.judged_alike()


def test_a_refund_after_the_close_of_what_counted_nothing() -> None:
    """[R-CRED-27] [R-PLAN-13] Nothing rests on a kit; who brought it need not be anybody in that period."""
    team = Team(kits=("thing",))
    kit = team.sold("zoe", 1_000)
    team.close()
    team.close()
    team.refund(kit, 1_000)
    assert team.judged_alike()
