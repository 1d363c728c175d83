"""Awards of closed periods in words, and their rates in statements, whatever has happened since the close."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from netnode.ledgers import reclosing
from netnode.ledgers.ledgers import Ledgers
from netnode.ledgers.reclosing import Patience
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.store import Writer
from protocol.identity import id_text
from protocol.ledger.contents import encode_content
from protocol.records import ClosePart
from protocol.records.plan import (
    Binary,
    Differential,
    DutyTerms,
    Generation,
    Pool,
    Rank,
    RankRates,
    Step,
)
from protocol.records.team import Position
from protocol.run import run_of
from protocol.teams.team import NO_RULES
from tests.netnode.services_home import OpenHome
from tests.netnode.test_ledgers import home_with, later
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.joining import followup, join
from tests.protocol.ledger.world import DAY, TEAM, Deal, World

STEPS = (Step(at=0, rate=(1, 20)), Step(at=15_000, rate=(1, 10)))
GROUP = Differential(mode="whole", name="group", steps=STEPS)
LEGS = Binary(after="carry", mode="percent", name="legs", steps=(Step(at=0, rate=(1, 10)),))
FOLLOWED = msgspec.structs.replace(NO_RULES, followups=(1,))
DUTY = DutyTerms(rules=("group",), withheld=(1, 1))


class Team:
    """A team of ann and, below her, bob and cal; by a plan that pays at the close of a month.

    Args:
        fields: of the plan.
        members: each with a sponsor; None: the owner.
    """

    def __init__(self, *members: tuple[str, str | None], **fields: Any) -> None:
        self.world = World()
        plan = {"differential": (GROUP,), "hold_days": 200, "title": "Groups", "unilevel": ()} | fields
        self.world.publish(**plan)
        taken: dict[str | None, int] = {}
        for name, sponsor in members or (("ann", None), ("bob", "ann"), ("cal", "ann")):
            above = self.world.issuer.id if sponsor is None else self.world.id(sponsor)
            leg = taken[sponsor] = taken.get(sponsor, -1) + 1
            place = Position(leg=leg, parent=above) if "binary" in fields else None
            assert join(self.world, name, sponsor, place).code is None
        self.begin()

    def begin(self) -> None:
        """Time goes by until the next month."""
        self.world.now = self.governed.activity.period(self.world.now, 0).end + DAY

    @property
    def governed(self) -> Any:
        return next(reversed(list(self.world.book.governing.all())))

    def sold(self, price: int, name: str) -> Deal:
        path = self.world.path(name)
        deal = self.world.deal(price, path=path).complete()
        self.world.now = max(self.world.now, deal.now)
        verdict = self.world.sell(deal, path=path)
        assert verdict.code is None, verdict
        return deal

    def refund(self, deal: Deal, amount: int) -> None:
        deal.now = max(deal.now, self.world.now)
        deal.refund(amount)
        assert self.world.refund(deal, deal.state().figures.base).code is None

    def close(self) -> str:
        """Closes the month; its label."""
        period = self.governed.activity.period(self.world.now, 0)
        content = close_with_awards(self.world.book.state, self.governed, period.start)
        self.world.now = period.end + DAY
        verdict = self.world.parts(ClosePart, encode_content(content), self.world.now)
        assert verdict.code is None, verdict
        return period.label

    @asynccontextmanager
    async def seen(self, path: Path) -> AsyncIterator[Seen]:
        """As a node sees it that holds the log."""
        async with home_with(path, self.world.issuer.entries) as home:
            await home.store.write(Writer.follow, self.world.issuer.id, 1)
            later(home, self.world)
            yield Seen(home, self.world)


class Seen:
    """What a node says of a team."""

    def __init__(self, home: OpenHome, world: World) -> None:
        self.home, self.world = home, world

    async def explained(self, what: str, holder: str, **fields: Any) -> models.AwardExplained:
        asked = models.AwardExplain(id=f"{TEAM}/{what}", holder=id_text(self.world.id(holder)), **fields)
        return await self.home.services.ledgers.explain_award(asked)

    async def words(self, what: str, holder: str) -> list[str]:
        """All sentences, the holder's id left out."""
        told = await self.explained(what, holder)
        found = [
            each for one in told.closes for each in (*(w for a in one.awards for w in a.words), *one.withheld)
        ]
        return [each.removeprefix(f"{id_text(self.world.id(holder))}: ") for each in found]

    async def lines(self, holder: str) -> list[models.CreditLine]:
        asked = models.StatementQuery(
            issuer=id_text(self.world.issuer.id), holder=id_text(self.world.id(holder)), limit=100
        )
        return (await self.home.services.ledgers.statement(asked)).items

    async def figures(self, holder: str) -> list[tuple[str, str, str | None, str | None]]:
        lines = await self.lines(holder)
        assert all(bool(each.why) == (each.rate is None) for each in lines)
        return [(each.what, each.amount, each.rate, each.base) for each in lines]

    async def refused(self, what: str, holder: str = "ann", **fields: Any) -> Problem:
        with pytest.raises(Problem) as found:
            await self.explained(what, holder, **fields)
        return found.value


async def test_an_award_of_a_differential_says_what_it_is_of_and_what_legs_get_first(tmp_path):
    team = Team()
    team.sold(10_000, "bob")
    team.sold(10_000, "cal")
    label = team.close()
    async with team.seen(tmp_path) as seen:
        (line,) = await seen.lines("ann")
        assert line.id == f"{TEAM}/{label}/group/2"
        assert (line.amount, line.rate, line.base, line.why) == ("10.00", "0.1", "200.00", "")
        told = await seen.explained(line.id.removeprefix(f"{TEAM}/"), "ann")
        (close,) = told.closes
        assert (close.plan, close.plan_title, close.unit) == (line.plan, "Groups", "star")
        assert (close.entry, close.time) == (line.entry, line.time)
        (award,) = close.awards
        assert (award.id, award.rate, award.base, award.payable) == (line.id, "0.1", "200.00", line.payable)
        assert award.words == [
            f"{id_text(seen.world.id('ann'))}: 10.00 star by group, step 2, period {label}: 10 % of 200.00 (the "
            "sales of the whole group), less 10.00 (members below are paid first on the same sales)."
        ]
        whole = await seen.explained(label, "ann")  # all rules of the period
        assert whole == told
        named = f"{id_text(seen.world.issuer.id)}/{TEAM}/{label}"
        asked = models.AwardExplain(id=named, holder=id_text(seen.world.id("ann")))
        assert await seen.home.services.ledgers.explain_award(asked) == told


async def test_a_refund_after_the_close_leaves_rate_and_base_as_they_were(tmp_path):
    """What the log alone says no more: by today's sales the period would come to something else."""
    team = Team()
    deal = team.sold(10_000, "bob")
    team.sold(10_000, "cal")
    label = team.close()
    team.refund(deal, 5_000)
    second = team.close()
    team.sold(4_000, "bob")
    third = team.close()
    async with team.seen(tmp_path) as seen:
        assert await seen.figures("bob") == [
            ("award", "5.00", "0.05", "100.00"),
            ("clawback", "-2.50", "0.05", "100.00"),
            ("award", "2.00", "0.05", "40.00"),
        ]
        assert await seen.figures("ann") == [
            ("award", "10.00", "0.1", "200.00"),
            ("clawback", "-2.50", "0.1", "200.00"),
        ]
        first, remains = await seen.words(label, "ann")
        assert "10 % of 200.00 (the sales of the whole group), less 10.00 (members" in first
        assert remains == "Of this, 7.50 star remain, since sales of the period were refunded."
        assert (await seen.words(third, "bob")) == [
            f"2.00 star by group, step 1, period {third}: 5 % of 40.00 (the sales of the whole group)."
        ]
        nothing = await seen.refused(second, "bob")
        assert nothing.code == "no_award" and "nothing was withheld" in nothing.text


async def test_a_pool_and_a_rank_are_explained(tmp_path):
    pool = Pool(name="pool", rank="seller", share=(1, 50))
    team = Team(pool=(pool,), ranks=(Rank(name="seller", own=5_000),), maximum=(1, 5))
    team.sold(10_000, "bob")
    team.sold(6_000, "cal")
    label = team.close()
    async with team.seen(tmp_path) as seen:
        assert await seen.words(f"{label}/pool", "bob") == [
            f"1.60 star by pool, period {label}: 1 % of 160.00 (the sales of the whole team; a pool is divided "
            "among all who qualify)."
        ]
        assert ("award", "1.60", "0.01", "160.00") in await seen.figures("cal")


async def test_legs_that_carry_on_do_not_change_what_an_older_period_came_to(tmp_path):
    two = msgspec.structs.replace(NO_RULES, legs=2)
    team = Team(binary=(LEGS,), differential=(), team=two, cap_company=(1, 2))
    team.sold(1_000, "ann")
    team.sold(10_000, "bob")
    first = team.close()  # nothing is matched, all of it is carried on
    team.sold(1_000, "ann")
    team.sold(4_000, "cal")
    second = team.close()
    team.sold(1_000, "ann")
    team.sold(3_000, "cal")
    third = team.close()
    async with team.seen(tmp_path) as seen:
        found = await seen.figures("ann")
        assert found == [("award", "4.00", "0.1", "40.00"), ("award", "3.00", "0.1", "30.00")]
        assert "10 % of 40.00 (what the weaker leg matches)" in (await seen.words(second, "ann"))[0]
        assert "10 % of 30.00" in (await seen.words(third, "ann"))[0]
        assert (await seen.refused(first)).code == "no_award"


async def test_an_award_says_that_a_cap_cut_it(tmp_path):
    team = Team(cap_member=700, cap_company=(1, 16))
    team.sold(10_000, "bob")
    deal = team.sold(10_000, "cal")
    label = team.close()  # 5 + 5 + 7 of 10: more than the company cap of 12.50
    team.refund(deal, 10_000)  # which would be another one by now
    async with team.seen(tmp_path) as seen:
        (words, remains) = await seen.words(label, "ann")
        assert "10 % of 200.00 (the sales of the whole group), less 10.00 (members" in words
        assert "the plan has a cap for each member and period" in words
        assert "Of this, 2.57 star remain" in remains
        assert "no more than its company cap" in (await seen.words(label, "bob"))[0]
        assert (await seen.figures("bob"))[0][2:] == ("0.05", "100.00")


async def test_what_a_neglected_duty_withheld_is_told_to_both(tmp_path):
    members = (("top", None), ("ann", "top"), ("bob", "ann"), ("cal", "ann"))
    team = Team(*members, team=FOLLOWED, duty=DUTY)
    followup(team.world, "bob", "top")  # what ann owed to bob
    team.sold(10_000, "bob")
    team.sold(10_000, "cal")
    label = team.close()
    async with team.seen(tmp_path) as seen:
        assert await seen.words(label, "ann") == [
            f"10.00 star by group not paid, period {label}: the duties owed to the member through whom it came were "
            "not done."
        ]
        assert await seen.lines("ann") == []
        words = await seen.words(f"{label}/group:duty", "top")
        assert words == [
            f"5.00 star by group:duty, step 2, period {label}: 10 % of 200.00 (the sales of the whole group) was "
            "another's, who did not do the duty that this member did."
        ]
        (line,) = await seen.lines("top")
        assert line.id == f"{TEAM}/{label}/group:duty/2" and line.rate == "0.1"
        other = await seen.refused(f"{label}/level", "top")
        assert other.text.endswith(": there are awards by group:duty.")


async def test_of_two_awards_of_one_rule_and_level_of_a_sale_each_has_its_own_rate(tmp_path):
    """Each rank counts its own generations: two members are of generation 1, and had the rate of the nearer one."""
    rates = (RankRates(rank="seller", rates=((1, 10),)), RankRates(rank="leader", rates=((1, 20),)))
    rule = Generation(boundary="same", name="upper", rank="seller", rates=rates)
    ranks = (Rank(name="seller", own=5_000), Rank(name="leader", own=20_000))
    members = (("top", None), ("ann", "top"), ("bob", "ann"))
    team = Team(*members, differential=(), generation=(rule,), ranks=ranks)
    team.sold(25_000, "top")
    team.sold(6_000, "ann")
    team.close()
    team.sold(10_000, "bob")
    async with team.seen(tmp_path) as seen:
        assert (await seen.figures("ann"))[-1] == ("award", "10.00", "0.1", "100.00")
        assert (await seen.figures("top"))[-1] == ("award", "5.00", "0.05", "100.00")


# -- what cannot be said ---------------------------------------------------------------------------------------
async def test_what_cannot_be_worked_out_again_says_why(tmp_path, monkeypatch):
    team = Team()
    deal = team.sold(10_000, "bob")
    label = team.close()
    async with team.seen(tmp_path / "large") as seen:
        monkeypatch.setattr("netnode.services.ledgers.STATEMENT", Patience(2, 10_000))
        (line,) = await seen.lines("bob")
        assert (line.amount, line.rate, line.base) == ("5.00", None, None)
        assert "too many to work it out again for a statement; `netnode credit explain` takes" in line.why
        assert "5 % of 100.00" in (await seen.words(label, "bob"))[0]
        monkeypatch.undo()
        assert (await seen.lines("bob"))[0].rate == "0.05"
    team.refund(deal, 5_000)
    async with team.seen(tmp_path / "long") as seen:
        monkeypatch.setattr("netnode.services.ledgers.STATEMENT", Patience(None, 5))
        monkeypatch.setattr("netnode.services.explanations.ONE", Patience(None, 5))
        award, clawback = await seen.lines("bob")
        assert (award.rate, clawback.rate, award.why) == (None, None, clawback.why)
        assert "has changed since by a refund" in award.why
        ((told,),) = [each.awards for each in (await seen.explained(label, "bob")).closes]
        assert (told.amount, told.remains, told.rate, told.base) == ("5.00", "2.50", None, None)
        assert told.words[0].endswith(f"Where it comes from cannot be said here: {award.why}.")
        unknown = await seen.refused(f"{label}/level", "bob")
        assert unknown.text.endswith("and whether something was withheld cannot be said here.")


async def test_a_log_that_is_another_one_when_it_is_folded_again_is_said(tmp_path, monkeypatch):
    team = Team()
    deal = team.sold(10_000, "bob")
    label = team.close()
    team.refund(deal, 5_000)
    async with team.seen(tmp_path) as seen:

        async def turned(*args: object, **options: object) -> bool:
            return False

        await seen.lines("bob")  # level
        monkeypatch.setattr("netnode.ledgers.ledgers.Ledgers._fold", turned)
        assert (await seen.refused(label, "bob")).code == "changing"


async def test_a_log_is_folded_again_once_for_what_never_changes(tmp_path, monkeypatch):
    """A page of a statement after another waits no longer than the first; what is kept is bounded."""
    monkeypatch.setattr(reclosing, "KEPT", 1)
    team = Team()
    deal = team.sold(10_000, "bob")
    team.sold(10_000, "cal")
    team.close()
    team.refund(deal, 5_000)
    folds: list[bytes] = []
    before = Ledgers.before

    async def counted(ledgers: Ledgers, issuer: bytes, asked: Any) -> Any:
        folds.append(issuer)
        return await before(ledgers, issuer, asked)

    monkeypatch.setattr(Ledgers, "before", counted)
    async with team.seen(tmp_path) as seen:
        first = await seen.figures("bob")
        assert await seen.figures("bob") == first and len(folds) == 1
        await seen.figures("cal")
        assert len(folds) == 2
        assert await seen.figures("bob") == first and len(folds) == 3  # let go of for cal's


async def test_what_is_no_award_is_refused_in_words(tmp_path):
    team = Team()
    team.sold(10_000, "bob")
    label = team.close()
    open_ = team.governed.activity.period(team.world.now, 0).label
    async with team.seen(tmp_path) as seen:
        issuer = id_text(team.world.issuer.id)
        unknown = await seen.refused("2020-01-01", "bob")
        assert (unknown.code, unknown.exit_code) == ("no_period", ExitCode.NOT_FOUND)
        assert f"Closed so far, by their first days: {label}." in unknown.text
        assert (await seen.refused(label[:8] + "02", "bob")).code == "no_period"
        assert "is no day" in (await seen.refused("2026-13-01", "bob")).text
        early = await seen.refused(open_, "bob")
        assert early.code == "not_closed" and f"netnode period open {issuer}/{TEAM}" in early.text
        other = await seen.refused(f"{label}/pool", "bob")
        assert other.code == "no_award" and "there are awards by group." in other.text
        assert "by group, level 9 for" in (await seen.refused(f"{label}/group/9", "bob")).text
        own = models.AwardExplain(id=f"{TEAM}/{label}", issuer=issuer, holder=issuer)
        with pytest.raises(Problem) as nobody:
            await seen.home.services.ledgers.explain_award(own)
        assert "--holder" in nobody.value.text
        for id, code in ((f"none/{label}", "no_plan"), (f"{TEAM}/{label}/Group", "id")):
            with pytest.raises(Problem) as found:
                await seen.home.services.ledgers.explain_award(models.AwardExplain(id=id))
            assert found.value.code == code
    async with Team().seen(tmp_path / "none") as seen:
        assert "None is closed so far" in (await seen.refused("2020-01-01", "bob")).text


async def test_two_issuers_with_teams_of_one_name_have_to_be_told_apart(tmp_path):
    team = Team()
    team.sold(10_000, "bob")
    label = team.close()
    other = World("other")
    other.publish()
    async with home_with(tmp_path, team.world.issuer.entries, other.issuer.entries) as home:
        for each in (team.world, other):
            await home.store.write(Writer.follow, each.issuer.id, 1)
        later(home, team.world)
        seen = Seen(home, team.world)
        both = await seen.refused(label, "bob")
        assert both.code == "ambiguous" and id_text(other.issuer.id) in both.text
        told = await seen.explained(label, "bob", issuer=id_text(team.world.issuer.id))
        assert told.issuer.id == id_text(team.world.issuer.id)


async def test_a_sale_says_which_period_pays_for_it(tmp_path):
    team = Team()
    deal = team.sold(10_000, "bob")
    label = team.close()
    newer = team.sold(10_000, "bob")
    async with team.seen(tmp_path) as seen:
        issuer = id_text(team.world.issuer.id)

        async def last(order: bytes) -> str:
            asked = models.CreditExplain(id=order.hex())
            return (await seen.home.services.ledgers.explain(asked)).sentences[-1]

        assert (await last(deal.id)).endswith(f"netnode credit explain {TEAM}/{label} --issuer {issuer}")
        assert (await last(newer.id)).endswith(f"not closed: netnode period open {issuer}/{TEAM}")


def test_an_answer_waits_longer_than_a_statement():
    assert reclosing.ONE.members is None and reclosing.STATEMENT.members == reclosing.MOST
    assert reclosing.ONE.entries > reclosing.STATEMENT.entries


async def test_what_only_another_branch_of_the_log_awards_is_told_without_a_rate(tmp_path):
    """[R-CRED-61] It is owed; what it was worked out from is another log than the one held here."""
    team, other = Team(), Team()  # the same entries, until one sells something else
    first = len(team.world.issuer.entries)
    team.sold(10_000, "bob")
    other.sold(4_000, "cal")
    label = team.close()
    assert other.close() == label
    async with team.seen(tmp_path) as seen:
        proof = (run_of(each.world.issuer.entries[first:]) for each in (team, other))
        assert (await seen.home.gate.admit_proof(*proof)).fault is None
        (line,) = await seen.lines("cal")
        assert (line.amount, line.rate, line.base, line.entry) == ("2.00", None, None, None)
        assert "is on another branch of the log" in line.why and line.plan is not None
        told = await seen.explained(label, "cal")
        (close,) = told.closes
        assert (close.entry, close.plan, close.awards[0].rate) == (None, line.plan, None)
        assert (
            f"2.00 star by group, period {label}. Where it comes from cannot be said here"
            in (close.awards[0].words[0])
        )
        assert await seen.figures("bob") == [("award", "5.00", "0.05", "100.00")]


async def test_a_plan_that_changed_within_a_period_leaves_two_closes_of_it(tmp_path):
    team = Team(notice_days=1)
    before = team.governed
    team.world.now += 3 * DAY
    team.sold(10_000, "bob")
    flat = Differential(mode="whole", name="flat", steps=(Step(at=0, rate=(1, 50)),))
    team.world.publish(differential=(flat,), hold_days=200, title="Flat", unilevel=())
    team.world.now += 2 * DAY
    team.sold(5_000, "bob")
    begins = team.world.now
    label = team.close()
    content = close_with_awards(team.world.book.state, before, begins)
    assert team.world.parts(ClosePart, encode_content(content), team.world.now + 1).code is None
    team.world.now += 1
    async with team.seen(tmp_path) as seen:
        told = await seen.explained(label, "bob")
        assert [(each.plan_title, each.awards[0].amount) for each in told.closes] == [
            ("Flat", "1.00"),
            ("Groups", "5.00"),
        ]
        assert (await seen.refused("2020-01-01")).text.count(label) == 1
