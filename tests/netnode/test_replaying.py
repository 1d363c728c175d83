"""A changed plan over a team's own log: what every member would have got, beside what they got."""

from __future__ import annotations

import pytest

from netnode.operations import models
from netnode.plans.replaying import Compared, compare, document, replay
from netnode.problems import Problem
from netnode.services.ledgers import _replayed
from protocol.identity import id_text
from protocol.ledger.selling import course
from protocol.plans.document import compile_plan
from protocol.records.plan import RankRates, Step, Tiers, Unilevel
from tests.netnode.test_ledger_teams import Team
from tests.netnode.test_ledgers import home_with
from tests.protocol.ledger.world import HOLD, TEAM, UNIT, World, plan_record


def sold(world: World) -> None:
    """Sales that stayed whole, one raised when its second part was received, one refunded twice."""
    world.publish()
    world.join("ann")
    world.join("bob", "ann")
    for prices in ((10_000,), (7_001,)):
        path = world.path("bob")
        assert world.sell(world.deal(*prices, path=path).complete(), path=path).code is None
    path = world.path("ann")
    parts = world.deal(3_000, 5_000, path=path).accept().pay().receive(0)
    assert world.sell(parts, path=path).code is None
    parts.receive(1)
    assert world.sell(parts, path=path).code is None
    path = world.path("bob")
    back = world.deal(6_000, path=path).complete()
    assert world.sell(back, path=path).code is None
    back.refund(2_500)
    assert world.refund(back, 3_500).code is None
    back.refund(1_000)
    assert world.refund(back, 2_500).code is None


def test_the_plan_in_force_replayed_is_what_the_ledger_says() -> None:
    """[R-PLAN-23, R-CRED-23, 25]: sales, a raise and a refund; else no comparison would mean anything."""
    world = World()
    sold(world)
    now = world.now + HOLD
    result = replay(world.book.state, TEAM, compile_plan(plan_record()))
    totals = result.totals
    for name in ("ann", "bob"):
        figures = world.figures(name, now)
        assert totals[world.id(name)] == figures.awarded - figures.clawed > 0, name
    assert set(totals) == {world.id("ann"), world.id("bob")}


def test_a_changed_plan_stands_beside_the_one_in_force() -> None:
    world = World()
    sold(world)
    state = world.book.state
    old = compile_plan(plan_record())
    twice = tuple(
        Unilevel(
            compression=one.compression,
            name=one.name,
            rates=tuple(
                RankRates(rates=tuple((2 * num, den) for num, den in row.rates)) for row in one.rates
            ),
        )
        for one in plan_record().unilevel
    )
    new = compile_plan(plan_record(unilevel=twice, title="Twice", maximum=(1, 1)))
    members = list(state.teams.team(TEAM).tree.members())
    rows = compare(members, replay(state, TEAM, old), replay(state, TEAM, new))
    assert [each.member for each in rows] == members
    assert all(abs(each.after - 2 * each.before) <= 8 for each in rows) and rows[0].after > rows[0].before


def test_a_plan_by_periods_counts_what_was_raised_and_not_what_was_refunded() -> None:
    """A tenth of what each member's sales came to in the end."""
    world = World()
    sold(world)
    tiers = Tiers(mode="whole", name="tiers", steps=(Step(at=0, rate=(1, 10)),), when="period")
    totals = replay(world.book.state, TEAM, compile_plan(plan_record(unilevel=(), tiers=(tiers,)))).totals
    assert totals == {world.id("ann"): 800, world.id("bob"): (10_000 + 7_001 + 2_500) // 10}


def test_replaying_changes_nothing_in_the_ledger() -> None:
    world = World()
    sold(world)
    before = (
        dict(world.book.effects),
        world.figures("bob"),
        len(world.book.signers.keys(world.id("bob"), 0)),
    )
    replay(world.book.state, TEAM, compile_plan(plan_record(maximum=(1, 1))))
    assert (dict(world.book.effects), world.figures("bob")) == before[:2]
    assert len(world.book.signers.keys(world.id("bob"), 0)) == before[2]


def test_what_happened_to_a_sale_is_told_entry_by_entry() -> None:
    world = World()
    sold(world)
    plan = compile_plan(plan_record())
    courses = [course(world.book.state, order, plan) for order in world.book.state.orders]
    assert [[each.base for each in found] for _, found in courses] == [
        [10_000], [7_001], [3_000, 8_000], [6_000, 3_500, 2_500],
    ]  # fmt: skip
    assert {key for key, _ in courses} == {TEAM}
    assert all(each.facts.amount == each.base for _, found in courses for each in found)
    assert course(world.book.state, bytes(32), plan) == (None, ())


def test_sales_of_no_team_are_no_part_of_a_team_s_history() -> None:
    world = World()
    sold(world)
    plan = compile_plan(plan_record())
    before = replay(world.book.state, TEAM, plan).totals
    path = world.path("bob")
    assert world.sell(world.deal(9_000, path=path, commission=1_000).complete(), path=path).code is None
    assert replay(world.book.state, TEAM, plan).totals == before
    last = list(world.book.state.orders)[-1]
    assert course(world.book.state, last, plan)[0] is None


def test_the_comparison_has_no_differences_between_different_units() -> None:
    old = compile_plan(plan_record())
    rows = [Compared("ann", 150, 100), Compared("bob", 0, 5)]
    alike = document(old, compile_plan(plan_record(title="New")), rows)
    assert alike["members"][0] == {"member": "ann", "before": "1.5", "after": "1", "difference": "-0.5"}
    assert (alike["total"]["difference"], alike["less"], alike["more"]) == ("-0.45", 1, 1)
    unit = type(old.plan.unit)(exponent=0, name="point")
    other = document(old, compile_plan(plan_record(unit=unit)), rows)
    assert (other["total"]["after"], other["total"]["difference"], other["less"]) == ("105", None, None)
    assert alike["before"]["unit"] == UNIT


async def test_a_node_answers_with_every_member_page_by_page(tmp_path) -> None:
    """Also who gets nothing; sums are over all pages."""
    team = Team(("ann", None), ("bob", "ann"), ("cal", None))
    team.sale(10_000, "bob")
    ledger = team.ledger()
    half = compile_plan(plan_record(title="Half", share=(1, 2)))
    async with home_with(tmp_path) as home:
        first = await home.store.read(_replayed, ledger, TEAM, half, team.now, 0, 2)
        last = await home.store.read(_replayed, ledger, TEAM, half, team.now, 2, 2)
    assert (first.before.title, first.after.title, first.after.unit) == ("Three levels", "Half", UNIT)
    assert (first.total.before, first.total.after, first.total.difference) == ("15", "7.5", "-7.5")
    assert (first.less, first.more) == (2, 0) and first.next is not None and last.next is None
    rows = [(one.member.id, one.before, one.after, one.difference) for one in (*first.items, *last.items)]
    assert rows == [
        (id_text(team.id("ann")), "5", "2.5", "-2.5"),
        (id_text(team.id("bob")), "10", "5", "-5"),
        (id_text(team.id("cal")), "0", "0", "0"),
    ]


async def test_a_plan_that_inx_does_not_allow_is_refused_before_it_is_tried(tmp_path) -> None:
    board = {"title": "Board", "unit": "star", "currency": "EUR", "maximum": "20%", "board": {}}
    async with home_with(tmp_path) as home:
        for plan, code in ((board, "plan_refused"), ({"title": "no unit"}, "plan_file")):
            with pytest.raises(Problem) as raised:
                await home.services.ledgers.replay(models.PlanReplay(team="team", plan=plan))
            assert raised.value.code == code
