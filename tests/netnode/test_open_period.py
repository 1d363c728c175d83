"""The open statement of a team, level with the log: every sale, refund and new member shows at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netnode.ledgers.ledger import Ledger
from netnode.operations import models
from netnode.projections.views import networker_id
from protocol.identity import id_text
from protocol.ledger.closing import Evaluated, close_of, period_of
from protocol.plans.running import Running
from protocol.records.plan import Differential, Plan, Step
from tests.benchmarks.issued import KEY, NETWORK, Issuer, seven_levels
from tests.netnode.services_home import OpenHome, opened
from tests.protocol.ledger.world import plan_record

MEMBERS = [("ada", None), ("ben", "ada"), ("cleo", "ben"), ("dora", "ada")]


def differential() -> Plan:
    steps = tuple(Step(at=at, rate=(rate, 100)) for at, rate in ((0, 5), (20_000, 10), (60_000, 20)))
    return plan_record(
        differential=(Differential(mode="marginal", name="differential", steps=steps),),
        opportunity=KEY,
        unilevel=(),
    )


async def shown(home: OpenHome, issuer: Issuer, held: int, **query: Any) -> models.PeriodOpen:
    """The statement, after the newest entries of the log have come."""
    home.clock.now = issuer.now
    if fresh := issuer.entries[held:]:
        assert (await home.gate.admit(fresh)).fault is None
    return await home.services.ledgers.period(
        models.PeriodQuery(team=f"{id_text(issuer.author.id)}/{KEY}", **query)
    )


@pytest.mark.parametrize(("plan", "form"), [(differential(), Running), (seven_levels(), Evaluated)])
async def test_a_sale_shows_at_once(tmp_path: Path, plan: Plan, form: type) -> None:
    issuer = Issuer(plan, MEMBERS)
    (governed,) = issuer.book.governing.all()
    async with opened(tmp_path, "viewer", network=NETWORK) as home:
        found = await shown(home, issuer, 0)
        assert (found.sales, found.items, found.closing) == (0, [], "0.00")
        for number, (member, price) in enumerate(
            [("cleo", 30_000), ("dora", 5_000), ("cleo", 45_000), ("ada", 100), ("ben", 70_000)], 1
        ):
            held = len(issuer.entries)
            issuer.sell(member, price)
            found = await shown(home, issuer, held)
            closed = close_of(issuer.book.state, governed, period_of(issuer.book.state, governed, issuer.now))
            awards = [(award.to, award.rule, f"{award.amount / 100:.2f}") for award in closed.awards]
            assert [(networker_id(each.to.id), each.rule, each.amount) for each in found.items] == awards
            assert (found.sales, found.head) == (number, issuer.entries[-1].seq)
            assert found.base == f"{int(closed.base) / 100:.2f}"
            assert found.closing == f"{sum(award.amount for award in closed.awards) / 100:.2f}"
            assert found.awarded == f"{_awarded(issuer) / 100:.2f}"

        def kept(ledger: Ledger) -> object:
            (here,) = ledger.book.governing.all()
            return ledger.open_period(here, issuer.now).open

        ledgers = home.services.issued.ledgers
        first = await ledgers.ask(issuer.author.id, kept)
        assert isinstance(first, form)
        assert (await ledgers.ask(issuer.author.id, kept) is first) is (form is Running)


async def test_a_long_statement_comes_in_pages(tmp_path: Path) -> None:
    issuer = Issuer(differential(), MEMBERS)
    for member in ("ada", "ben", "cleo", "dora"):
        issuer.sell(member, 10_000)
    async with opened(tmp_path, "viewer", network=NETWORK) as home:
        whole = await shown(home, issuer, 0)
        assert len(whole.items) == 4 and whole.next is None
        first = await shown(home, issuer, len(issuer.entries), limit=3)
        rest = await shown(home, issuer, len(issuer.entries), limit=3, cursor=first.next)
        assert [*first.items, *rest.items] == whole.items and rest.next is None


def _awarded(issuer: Issuer) -> int:
    """What all sales award now."""
    return sum(
        step.amount
        for value in issuer.book.effects.values()
        for credit in getattr(value, "awards", ())
        for step in credit.steps
    )
