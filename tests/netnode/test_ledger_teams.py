"""What a ledger says of a team: earnings of its members, the open period, and a new sale at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netnode.ledgers.earning import earned
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.ledgers.reclosing import STATEMENT, at_hand
from netnode.ledgers.statement import Dated
from netnode.operations import models
from netnode.problems import Problem
from netnode.services.ledger_views import line_view
from netnode.services.ledgers import _period
from netnode.teams.growing import grown
from netnode.teams.selling import brought
from protocol.deals.offers import name_buyer
from protocol.identity import id_text
from protocol.ledger.contents import encode_content
from protocol.ledger.figures import lines
from protocol.ledger.groups import cut
from protocol.plans.document import one_level
from protocol.plans.facts import SaleFacts
from protocol.records import ClosePart
from protocol.records.plan import Differential, Step, Unit
from protocol.signing import Signer
from tests.netnode.test_ledgers import EUR, Market, give, home_with, later
from tests.protocol.author import NETWORK, seed
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.world import DAY, TEAM, UNIT, World


class Team(World):
    """An issuer with a team: every member joins right after the plan."""

    def __init__(self, *members: tuple[str, str | None]) -> None:
        super().__init__()
        self.publish()
        self.members = members
        self.enter(self.book)

    def enter(self, book: Any) -> None:
        for name, sponsor in self.members:
            above = self.issuer.id if sponsor is None else self.id(sponsor)
            book.teams.tree(TEAM).join(self.id(name), above, self.issuer.entries[1].seq, self.now)

    def sale(self, price: int, *names: str) -> Any:
        path = self.path(*names) if names else None
        deal = self.deal(price, path=path).complete()
        self.now = max(self.now, deal.now)
        verdict = self.sell(deal, path=path)
        assert verdict.code is None, verdict
        return deal

    def ledger(self) -> Ledger:
        """The fold that a node has of this log."""
        ledger = Ledger(self.fresh())
        for entry in self.issuer.entries:
            ledger.take(entry)
            if entry.seq == 1:  # the plan
                self.enter(ledger.book)
        return ledger


def test_earnings_count_all_members_zeros_and_what_they_bought() -> None:
    team = Team(("ann", None), ("bob", "ann"), ("cal", None), ("dan", None))
    team.sale(10_000, "bob")
    team.sale(5_000, "ann")
    ledger = team.ledger()
    assert not ledger.wrongs, ledger.wrong
    found = earned(ledger, TEAM, team.now)
    assert found is not None
    unit, exponent, figures = found
    assert (unit, exponent) == (UNIT, 2)
    # bob: 10 % of 100; ann: 5 % of 100 and 10 % of 50; cal and dan: nothing
    assert (figures.members, figures.zero, figures.total) == (4, 2, 2_000)
    assert (figures.median, figures.p90) == (0, 1_000)
    assert earned(ledger, "other", team.now) is None
    years = earned(ledger, TEAM, team.now + 400 * DAY)
    assert years is not None and years[2].total == 0  # of the last year only


def test_what_members_buy_is_taken_off_what_they_earn() -> None:
    team = Team(("ann", None), ("cal", None))
    team.sale(10_000, "ann")
    ledger = team.ledger()
    (order,) = ledger.book.state.orders
    file = ledger.book.order(order)
    assert file is not None and file.bought is None  # a buyer who is not named
    file.bought = (team.id("cal"), UNIT, 10_000)
    ledger.book.state.orders.put(order, file)
    found = earned(ledger, TEAM, team.now)
    assert found is not None
    assert (found[2].net_median, found[2].losing) == (-10_000, 1)


async def test_the_open_period_shows_a_new_sale_at_once(tmp_path) -> None:
    team = Team()
    team.sale(10_000)
    async with home_with(tmp_path, team.issuer.entries) as home:
        later(home, team)
        asked = models.PeriodQuery(team=f"{id_text(team.issuer.id)}/{TEAM}")
        before = await home.services.ledgers.period(asked)
        assert (before.sales, before.unclosed, before.plan_title) == (1, False, "Three levels")
        known = len(team.issuer.entries)
        team.sale(20_000)
        later(home, team)
        await give(home, team.issuer.entries[known:])
        after = await home.services.ledgers.period(asked)
        assert (after.sales, after.head) == (2, team.issuer.entries[-1].seq)
        assert before.begins <= team.now < before.ends
        with pytest.raises(Problem) as none:
            await home.services.ledgers.period(models.PeriodQuery(team=f"{id_text(team.issuer.id)}/none"))
        assert none.value.code == "no_plan"


async def test_plans_and_figures_of_a_ledger_handed_out_follow_the_log(tmp_path) -> None:
    """A close is folded in a thread, everything else of a ledger that somebody holds on the event loop."""
    market = Market()
    async with home_with(tmp_path, market.issuer.entries) as home:
        ledgers = Ledgers(market.issuer.network, home.me.id, home.store)
        ledger = await ledgers.of(market.issuer.id)
        assert ledger.units() == ()
        market.sale()
        plan = one_level("bare", Unit(exponent=0, name="point"), EUR, 500)
        assert market.write(plan).code is None
        await give(home, market.issuer.entries[1:])
        assert ledger.units() == ()  # nobody asked yet
        assert (await ledgers.of(market.issuer.id)) is ledger
        assert ledger.units() == (EUR,)
        assert [each.plan.title for each in ledger.book.governing.all()] == [plan.title]


async def test_what_the_close_would_add_is_shown_with_its_reasons(tmp_path) -> None:
    team = Team(("ann", None), ("bob", "ann"))
    step = Step(at=0, rate=(1, 10))
    grouped = Differential(mode="marginal", name="group", steps=(step,))
    team.publish(differential=(grouped,), unilevel=(), title="Groups")
    team.now += 40 * DAY  # a changed plan holds after its notice
    team.sale(10_000, "bob")
    ledger = team.ledger()
    async with home_with(tmp_path) as home:
        shown = await home.store.read(_period, ledger, TEAM, team.now, 0, 50)
    assert (shown.plan_title, shown.sales, shown.awarded) == ("Groups", 1, "0.00")
    assert shown.closing == "10.00"
    assert [(one.to.id, one.amount, one.rule) for one in shown.items] == [
        (id_text(team.id("bob")), "10.00", "group")
    ]
    assert "10 % of 100.00" in shown.items[0].words and " 10.00 " in shown.items[0].words


def test_recruiting_that_outgrows_outside_buyers_is_warned_of() -> None:
    """[R-TEAM-28] R15: members who joined and different outside buyers, period by period, by the log alone."""
    team = Team(("ann", None))
    ledger = team.ledger()
    governed = next(ledger.book.governing.all())
    tree, first = ledger.book.teams.tree(TEAM), governed.activity.period(team.now, 0)
    at, joined, people = first.end, 0, ledger.book.teams.team(TEAM)
    for recruits, buyers in ((1, 1), (2, 1), (4, 1), (8, 1)):
        assert not grown(people, ledger.book.governing, at + DAY).warned
        for number in range(recruits):
            joined += 1
            tree.join(team.id(f"recruit {joined}"), team.id("ann"), 1, at + number)
        for number in range(buyers):
            sale = SaleFacts(
                id=(at, number),
                at=2,
                time=at + number,
                amount=1_000,
                referrer=team.id("ann"),
                customer=number,
            )
            governed.activity.take(sale, tree)
        at = governed.activity.period(at, 0).end
    found = grown(people, ledger.book.governing, at + DAY)
    assert [(each.recruits, each.outside_buyers) for _, each in found.periods] == [
        (1, 1),
        (2, 1),
        (4, 1),
        (8, 1),
    ]
    assert found.warned
    assert not grown(people, ledger.book.governing, at + 40 * DAY).warned  # nobody joined since


def test_what_members_sold_follows_from_the_log_alone() -> None:
    """[R-TEAM-26] Sales by others under the team's plan or a bare commission; not what came back whole."""
    team = Team(("ann", None), ("bob", "ann"), ("cal", None))
    first, second = team.sale(10_000, "bob"), team.sale(10_000, "bob")
    path = team.path("ann")
    bare = team.deal(5_000, path=path, commission=1_000).complete()
    assert team.sell(bare, path=path).code is None
    team.sale(10_000)  # nobody's
    team.sale(10_000, "zoe")  # no member's
    dates = {order: file.time for order, file in team.book.state.orders.items()}

    def found() -> dict[str, list[int]]:
        ledger = team.ledger()
        assert not ledger.wrongs, ledger.wrong
        sold = brought(ledger.book, TEAM)
        return {name: sold[team.id(name)] for name in ("ann", "bob", "cal") if team.id(name) in sold}

    assert found() == {"ann": [dates[bare.id]], "bob": [dates[first.id], dates[second.id]]}
    first.refund(4_000)
    assert team.refund(first, 6_000).code is None
    second.refund(10_000)
    assert team.refund(second, 0).code is None
    assert found() == {"ann": [dates[bare.id]], "bob": [dates[first.id]]}
    other = brought(team.ledger().book, "other")  # a team without a plan here
    assert team.id("ann") in other and team.id("bob") not in other


@pytest.mark.parametrize(
    ("referrer", "origin", "sellers"),
    [("ann", "referrer", []), ("bob", "referrer", ["bob"]), ("bob", "sponsor", [])],
)
def test_what_a_member_buys_is_no_sale_of_theirs(referrer: str, origin: str, sellers: list[str]) -> None:
    """[R-TEAM-26] Where a buyer's own purchase counts as their volume neither."""
    team = Team(("ann", None), ("bob", None))
    team.publish(origin=origin, title="Changed")
    team.now += 40 * DAY  # a changed plan holds after its notice
    path, key = team.path(referrer), Signer(seed(team.issuer.name, "buyer", team.deals + 1))
    named = name_buyer(
        NETWORK, team.who("ann").signer, id=team.id("ann"), epoch=0, key=key.public, seller=team.issuer.id
    )
    deal = team.deal(10_000, path=path, named=named).complete()
    verdict = team.sell(deal, path=path, openers=team.openers(referrer, "ann"))
    assert verdict.code is None, verdict
    assert set(brought(team.ledger().book, TEAM)) == {team.id(each) for each in sellers}


def test_a_kit_is_nobodys_sale() -> None:
    """[R-TEAM-26]"""
    team = Team(("ann", None))
    team.publish(kits=("thing",), title="With a kit")
    team.now += 40 * DAY
    team.sale(10_000, "ann")
    assert brought(team.ledger().book, TEAM) == {}


def test_the_line_of_a_closed_period_names_its_plan_and_its_period() -> None:
    """CREDITS 5: each line says by which plan; of a month in which the plan changed there are two."""
    team = Team(("ann", None))
    step = Step(at=0, rate=(1, 10))
    grouped = Differential(mode="marginal", name="group", steps=(step,))
    team.publish(differential=(grouped,), unilevel=(), title="Groups", hold_days=0)
    *_, governed = team.book.governing.all()
    team.now = governed.starts
    team.sale(10_000, "ann")
    content = close_with_awards(team.book.state, governed, team.now)
    assert team.write(cut(ClosePart, encode_content(content))[0], at=content.ends).code is None
    ledger = team.ledger()
    (line,) = (each for each in lines(ledger.effects, team.id("ann")) if each.id[:1] == b"p")
    told, again = at_hand(ledger, team.id("ann"), (), (line,), STATEMENT)
    assert not again
    shown = line_view(ledger, Dated(content.ends, 1, line), 2, team.id("ann"), str, told)
    assert (shown.plan, shown.amount) == (governed.hash.hex(), "10.00")
    assert (shown.rule, shown.level, shown.rate, shown.base) == ("group", line.level, "0.1", "100.00")
    other = replace(line, amount=999)  # what another branch gave
    unknown = line_view(ledger, Dated(content.ends, 1, other), 2, team.id("ann"), str, told)
    assert unknown.rate is None and "another branch" in unknown.why
    label = governed.activity.period(content.begins, 0).label
    assert shown.id == f"{TEAM}/{label}/group/1"
