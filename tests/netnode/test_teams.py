"""A team from its opportunity to its members: real homes, the letters carried by the test, days that pass at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import get_ident
from typing import Any

import msgspec
import pytest

from netnode.mail.letters import Refusal
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.services import team_views
from netnode.store import Reader, Writer
from netnode.teams.importing import read_list
from netnode.teams.witnessing import Witnessing
from protocol import limits, seen
from protocol.certificate import DAY_MS
from protocol.errors import NotHeld
from protocol.identity import parse_id
from protocol.plans.document import one_level
from protocol.records import encode_record
from protocol.records.plan import Plan, Unit
from protocol.records.team import Module
from tests.netnode.dealing import Post, homes_of, meet
from tests.netnode.issuers import PAYING, Credits
from tests.netnode.services_home import NETWORK, OpenHome, TestClock, pieces
from tests.protocol.teams.made import bounded

GIVEN: dict[str, Any] = {
    "key": "linen-team",
    "title": "Linen team",
    "description": "Sell linen.",
    "disclosure": {
        "identity": "Sol Ltd, 1 High Street.",
        "legal": "none",
        "cancellation": "At any time; 90 % back.",
        "references": ["Ask any member."],
        "claims": [
            {"amount": "100.00", "currency": "EUR", "from": 0, "until": 1, "members": 3, "of": 40},
        ],
    },
    "costs": [{"title": "Kit", "purpose": "kit", "amount": "25.00", "currency": "EUR", "required": True}],
}


@dataclass
class Sight:
    """A session with a home that can be asked what it holds."""

    home: OpenHome

    @property
    def id(self) -> bytes:
        return self.home.me.id

    async def see(self, author: bytes, seq: int) -> seen.Seen:
        entry = await self.home.store.read(Reader.entry, author, seq)
        witness = self.home.own.witness()
        if entry is None or witness is None:
            raise NotHeld("not_here", "not held")
        return seen.sign(
            NETWORK, witness.signer, author=author, epoch=entry.epoch, term=entry.term, seq=seq, id=entry.id,
            time=self.home.clock.now_ms(), witness=witness.id, witness_epoch=witness.epoch,
        )  # fmt: skip


@dataclass
class Company:
    """An owner `sol`, whoever else there is, one clock, the post and the meetings between them."""

    homes: dict[str, OpenHome]
    post: Post
    clock: TestClock

    def __getitem__(self, name: str) -> OpenHome:
        return self.homes[name]

    @property
    def team(self) -> str:
        return f"{self['sol'].id}/linen-team"

    async def meet(self) -> None:
        """Each gets what the others' logs have more."""
        await meet(self.homes.values())

    async def witnessed(self, name: str, by: Sequence[str]) -> None:
        """The node of somebody looks for who saw their acknowledgement."""
        home = self[name]
        await self.meet()
        work = home.services.team_work._witnessing
        sights = [Sight(self[each]) for each in by]
        await Witnessing(work._means, work._desk, lambda: sights).run()
        await self.post.carry()

    async def join(self, name: str, sponsor: str, **fields: Any) -> None:
        """The whole way of one member."""
        invited = await self[sponsor].services.teams.invite(
            models.TeamInvite(team=self.team, to=self[name].id, **fields)
        )
        await self.post.carry()
        await self[name].services.teams.apply(models.TeamApply(invite=invited.paper, acknowledged=True))
        await self.witnessed(name, ["wes"])
        self.clock.now += 7 * DAY_MS
        done = await self["sol"].services.teams.admit(models.TeamAdmit())
        assert len(done.entries) == 1, done
        await self.meet()

    async def tree(self, name: str = "sol") -> list[tuple[int, str, str]]:
        """Level, member and sponsor, as somebody's node computes them."""
        page = await self[name].services.teams.tree(models.TeamTreeQuery(team=self.team))
        names = {home.id: each for each, home in self.homes.items()}
        return [(one.level, names[one.member.id], names[one.sponsor.id]) for one in page.items]

    async def publish_plan(self, plan: Plan) -> None:
        await self["sol"].own.append([(Plan.KIND, encode_record(plan))])
        await self.meet()


@asynccontextmanager
async def company(path: Path, *names: str) -> AsyncIterator[Company]:
    async with homes_of(path, "sol", *names, "wes") as (homes, post, clock):
        found = Company(homes, post, clock)
        await found["sol"].services.opportunities.publish(msgspec.convert(GIVEN, models.OpportunityPublish))
        await found.meet()
        yield found


def plan(**rules: Any) -> Plan:
    level = one_level("sales", Unit(exponent=2, name="star"), "EUR", 1_000)
    return msgspec.structs.replace(level, opportunity="linen-team", team=bounded(**rules))


# -- from the opportunity to a member ------------------------------------------------------------------------
async def test_from_an_opportunity_to_an_admitted_member_of_a_member(tmp_path: Path) -> None:
    async with company(tmp_path, "ada", "bob") as linen:
        shown = await linen["bob"].services.opportunities.show(linen.team)
        assert shown.disclosure.legal == "none" and shown.disclosure.claims[0].percent == "7.50"
        assert (shown.disclosure.claims[0].amount, shown.disclosure.claims[0].currency) == ("100.00", "EUR")
        assert shown.costs[0].required and shown.opportunity.state == "open"
        await linen.join("ada", "sol")
        await linen.join("bob", "ada")
        for name in ("sol", "ada", "bob", "wes"):  # every node computes the same tree
            assert await linen.tree(name) == [(1, "ada", "sol"), (2, "bob", "ada")]
        stats = await linen["wes"].services.teams.stats(linen.team)
        assert (stats.members, stats.depth, stats.void) == (2, 2, {})
        assert (await linen["bob"].services.opportunities.show(linen.team)).opportunity.members == 2


async def test_every_node_computes_what_members_sold_from_the_owners_log(tmp_path: Path) -> None:
    """[R-TEAM-26]"""
    async with company(tmp_path, "rita", "bea") as linen:
        await linen.join("rita", "sol")
        for name in ("sol", "bea", "wes"):
            stats = await linen[name].services.teams.stats(linen.team)
            assert (stats.members, stats.active, stats.sellers, stats.first_sale_days) == (1, 0, 0, None)
        await linen["sol"].services.listings.publish(dict(PAYING))
        for one in linen.homes.values():
            await one.store.write(Writer.follow, linen["sol"].me.id, linen.clock.now)
        await linen.meet()
        market = Credits(linen.homes, linen.post, linen.clock)
        linen.clock.now += 3 * DAY_MS
        await market.sold()  # and a month passes
        for name in ("sol", "bea", "wes"):
            stats = await linen[name].services.teams.stats(linen.team)
            assert (stats.active, stats.sellers, stats.first_sale_days) == (0, 1, 3)
        linen.clock.now -= 2 * DAY_MS
        assert (await linen["wes"].services.teams.stats(linen.team)).active == 1


async def test_nobody_applies_without_having_read_what_they_are_told(
    tmp_path: Path,
) -> None:  # [R-TEAM-3] [R-TEAM-4]
    async with company(tmp_path, "ada") as linen:
        invited = await linen["sol"].services.teams.invite(models.TeamInvite(team="linen-team"))
        assert isinstance(invited.invite, str)
        before = await linen["ada"].store.read(lambda reader: reader.log(linen["ada"].me.id))
        with pytest.raises(Problem) as refused:
            await linen["ada"].services.teams.apply(models.TeamApply(invite=invited.invite))
        assert refused.value.code == "not_acknowledged" and "opportunity show" in refused.value.text
        assert await linen["ada"].store.read(lambda reader: reader.log(linen["ada"].me.id)) == before


async def test_seven_days_pass_after_somebody_else_saw_the_acknowledgement(tmp_path: Path) -> None:
    async with company(tmp_path, "ada") as linen:
        invited = await linen["sol"].services.teams.invite(models.TeamInvite(team="linen-team"))
        applied = await linen["ada"].services.teams.apply(
            models.TeamApply(invite=str(invited.invite), acknowledged=True)
        )
        assert applied.state == "waiting"
        await linen.witnessed("ada", ["sol", "ada"])  # their word does not count
        assert not linen.post.carried
        linen.clock.now += DAY_MS
        await linen.witnessed("ada", ["wes"])
        assert [row.type for row in linen.post.carried] == ["team"]
        waiting = await linen["sol"].services.teams.papers(models.PapersQuery(waiting=True))
        application = next(one for one in waiting.items if one.kind == "application")
        assert application.state == "too soon" and application.due == linen.clock.now + 7 * DAY_MS
        linen.clock.now += 7 * DAY_MS - 1
        with pytest.raises(Problem) as refused:
            await linen["sol"].services.teams.admit(models.TeamAdmit(paper=application.paper))
        assert refused.value.code == "too_soon" and refused.value.exit_code is ExitCode.REFUSED
        done = await linen["sol"].services.teams.admit(models.TeamAdmit())
        assert done.entries == [] and [one.state for one in done.skipped] == ["too soon"]
        linen.clock.now += 1
        await linen["sol"].services.teams.admit(models.TeamAdmit(paper=application.paper[:8]))
        assert await linen.tree() == [(1, "ada", "sol")]
        assert (await linen["sol"].services.teams.admit(models.TeamAdmit())).entries == []


async def test_an_invite_by_letter_comes_with_a_word_and_is_for_one(tmp_path: Path) -> None:
    async with company(tmp_path, "ada", "bob") as linen:
        invited = await linen["sol"].services.teams.invite(
            models.TeamInvite(team="linen-team", to=linen["ada"].id, text="Join us.")
        )
        await linen.post.carry()
        papers = await linen["ada"].services.teams.papers(models.PapersQuery())
        assert [(one.kind, one.text, one.own) for one in papers.items] == [("invite", "Join us.", False)]
        with pytest.raises(Problem, match="for somebody else"):
            await linen["bob"].services.teams.apply(
                models.TeamApply(invite=str(invited.invite), acknowledged=True)
            )


async def test_only_members_invite_below_themselves(tmp_path: Path) -> None:
    async with company(tmp_path, "ada") as linen:
        with pytest.raises(Problem) as refused:
            await linen["ada"].services.teams.invite(models.TeamInvite(team=linen.team))
        assert refused.value.code == "no_member"
        with pytest.raises(Problem) as missing:
            await linen["ada"].services.teams.invite(models.TeamInvite(team=f"{linen['sol'].id}/other"))
        assert missing.value.code == "no_opportunity" and missing.value.exit_code is ExitCode.NOT_FOUND


async def test_a_closed_opportunity_invites_nobody_and_keeps_its_team(tmp_path: Path) -> None:  # [R-TEAM-1]
    async with company(tmp_path, "ada") as linen:
        await linen.join("ada", "sol")
        closed = await linen["sol"].services.opportunities.close("linen-team")
        assert closed.opportunity.state == "closed" and closed.opportunity.members == 1
        with pytest.raises(Problem, match="closed"):
            await linen["sol"].services.teams.invite(models.TeamInvite(team="linen-team"))
        listed = await linen["sol"].services.opportunities.list(models.OpportunitiesQuery())
        assert [(one.key, one.state) for one in listed.items] == [("linen-team", "closed")]


async def test_a_cost_of_joining_that_is_no_kit_is_not_published(tmp_path: Path) -> None:  # [R-TEAM-2]
    async with company(tmp_path) as linen:
        fee = {**GIVEN["costs"][0], "purpose": "training"}
        request = msgspec.convert({**GIVEN, "costs": [fee]}, models.OpportunityPublish)
        with pytest.raises(Problem) as refused:
            await linen["sol"].services.opportunities.publish(request)
        assert "costs[0]" in refused.value.text and refused.value.exit_code is ExitCode.USAGE


async def test_a_plan_that_is_only_announced_rules_no_entry_dated_before_it(
    tmp_path: Path,
) -> None:  # [R-TEAM-11]
    async with company(tmp_path, "ada", "bob") as linen:
        await linen.publish_plan(plan())
        await linen.join("ada", "sol")
        await linen.publish_plan(plan(depth=1))  # holds in thirty days
        linen.clock.now += 31 * DAY_MS
        assert (await linen["wes"].services.teams.stats(linen.team)).members == 1  # looks at it when it holds
        linen.clock.now -= 30 * DAY_MS
        await linen.join("bob", "ada")  # and then gets an entry dated before
        assert await linen.tree("wes") == [(1, "ada", "sol"), (2, "bob", "ada")]
        assert (await linen["wes"].services.teams.stats(linen.team)).void == {}


async def test_who_would_stand_too_deep_by_the_time_they_may_join_is_told_before(tmp_path: Path) -> None:
    async with company(tmp_path, "ada", "bob") as linen:
        await linen.publish_plan(plan())
        await linen.join("ada", "sol")
        await linen.publish_plan(plan(depth=1))
        linen.clock.now += 25 * DAY_MS
        invited = await linen["ada"].services.teams.invite(
            models.TeamInvite(team=linen.team, to=linen["bob"].id)
        )
        await linen.post.carry()
        await linen["bob"].services.teams.apply(models.TeamApply(invite=invited.paper, acknowledged=True))
        await linen.witnessed("bob", ["wes"])
        waiting = await linen["sol"].services.teams.papers(models.PapersQuery(waiting=True))
        application = next(one for one in waiting.items if one.kind == "application")
        assert (application.state, application.code) == ("void", "too_deep")
        with pytest.raises(Problem) as refused:
            await linen["sol"].services.teams.admit(models.TeamAdmit(paper=application.paper))
        assert refused.value.code == "too_deep"


# -- what is done and not done -------------------------------------------------------------------------------
async def test_duties_are_signed_by_the_member_and_logged_by_the_owner(tmp_path: Path) -> None:
    async with company(tmp_path, "ada", "bob") as linen:
        await linen.publish_plan(plan(followups=(7,), modules=(Module(key="start"),)))
        await linen.join("ada", "sol")
        await linen.join("bob", "ada")
        teams = linen["bob"].services.teams
        await teams.duty(models.TeamDutyDone(team=linen.team, step=1))
        await teams.duty(models.TeamDutyDone(team=linen.team, module="start", by=linen["ada"].id))
        signed = await papers_of(linen, "bob")
        assert (signed["followup"], signed["training"]) == ("waiting", "waiting")
        await linen.post.carry()
        assert await linen["sol"].services.team_work._admitting.log_papers() == 2
        await linen.meet()
        signed = await papers_of(linen, "bob")
        assert (signed["followup"], signed["training"]) == ("logged", "logged")
        page = await linen["ada"].services.teams.duties(models.TeamQuery(team=linen.team))
        of_bob = next(one for one in page.items if one.member.id == linen["bob"].id)
        assert [(duty.name, duty.done) for duty in of_bob.duties] == [("follow-up 1", True), ("start", True)]
        assert of_bob.duties[0].by is not None and of_bob.duties[0].by.id == linen["ada"].id
        linen.clock.now += DAY_MS
        missed = await linen["bob"].services.teams.neglected(models.TeamQuery(team=linen.team))
        assert [one.member.id for one in missed.items] == [
            linen["ada"].id
        ]  # seven days went by for bob's joining


async def test_a_neglected_member_goes_to_the_next_above_by_their_own_will(tmp_path: Path) -> None:
    async with company(tmp_path, "ada", "bob") as linen:
        await linen.publish_plan(plan(followups=(7,)))
        await linen.join("ada", "sol")
        await linen.join("bob", "ada")
        linen.clock.now += 8 * DAY_MS
        wish = models.TeamMove(team=linen.team, member=linen["bob"].id, sponsor=linen["sol"].id, neglect=True)
        with pytest.raises(Problem) as refused:
            await linen["sol"].services.teams.move(wish)
        assert refused.value.code == "no_consent"
        assert f"who is moved ({linen['bob'].id})" in refused.value.text
        await linen["bob"].services.teams.move(wish)
        await linen.post.carry()
        await linen["sol"].services.teams.move(wish)
        assert await linen.tree() == [(1, "ada", "sol"), (1, "bob", "sol")]


async def test_what_the_own_log_may_not_ask_of_its_readers_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-CRED-93] It would be void, and use up what is left: said before it is signed, and a leaving waits."""
    async with company(tmp_path, "ada", "bob", "cid") as linen:
        await linen.publish_plan(plan(followups=(7,), orphans="roll_up"))
        await linen.join("ada", "sol")
        await linen.join("bob", "ada")
        await linen.join("cid", "bob")
        linen.clock.now += 8 * DAY_MS
        wish = models.TeamMove(team=linen.team, member=linen["bob"].id, sponsor=linen["sol"].id, neglect=True)
        await linen["bob"].services.teams.move(wish)
        await linen["bob"].services.teams.leave(models.TeamLeave(team=linen.team, reason="time"))
        await linen.post.carry()
        monkeypatch.setattr(limits, "LEDGER_STEPS", 0)
        monkeypatch.setattr(limits, "LEDGER_STEPS_ENTRY", 0)
        sol = linen["sol"]
        before = (await sol.store.load(sol.me.id)).tip
        with pytest.raises(Problem, match="more people stand below than this log may ask") as refused:
            await sol.services.teams.move(wish)
        assert refused.value.code == "too_costly"
        assert await sol.services.team_work._admitting.log_papers() == 0
        assert (await sol.store.load(sol.me.id)).tip == before
        monkeypatch.undo()
        assert await sol.services.team_work._admitting.log_papers() == 1
        assert await linen.tree() == [(1, "ada", "sol"), (2, "cid", "ada")]


async def test_places_wait_in_the_holding_place_for_the_sponsor(tmp_path: Path) -> None:
    async with company(tmp_path, "ada", "bob") as linen:
        await linen.publish_plan(plan(legs=2))
        await linen.join("ada", "sol", parent=linen["sol"].id, leg=1)
        await linen.join("bob", "ada")
        page = await linen["sol"].services.teams.tree(models.TeamTreeQuery(team="linen-team"))
        assert [(one.holding, one.leg) for one in page.items] == [(False, 1), (True, None)]
        put = models.TeamMove(team=linen.team, member=linen["bob"].id, parent=linen["ada"].id, leg=0)
        await linen["ada"].services.teams.move(put)
        await linen.post.carry()
        await linen["sol"].services.teams.move(put)
        page = await linen["sol"].services.teams.tree(models.TeamTreeQuery(team="linen-team"))
        assert [(one.holding, one.leg) for one in page.items] == [(False, 1), (False, 0)]


async def papers_of(linen: Company, name: str) -> dict[str, str]:
    """The state of somebody's own papers, by kind."""
    page = await linen[name].services.teams.papers(models.PapersQuery())
    return {one.kind: one.state for one in page.items if one.own}


async def test_a_member_leaves_and_the_line_closes_behind_them(tmp_path: Path) -> None:
    async with company(tmp_path, "ada", "bob") as linen:
        await linen.join("ada", "sol")
        await linen.join("bob", "ada")
        with pytest.raises(Problem, match="Why do you leave"):
            await linen["ada"].services.teams.leave(models.TeamLeave(team=linen.team))
        states = await papers_of(linen, "ada")
        assert states["application"] == "logged", "who was admitted is told so"
        await linen["ada"].services.teams.leave(models.TeamLeave(team=linen.team, reason="support"))
        assert (await papers_of(linen, "ada"))["leaving"] == "waiting"
        await linen.post.carry()
        await linen["sol"].services.team_work.run()
        assert await linen.tree() == [(1, "bob", "sol")]
        await linen.meet()
        assert (await papers_of(linen, "ada"))["leaving"] == "logged"
        assert (await linen["sol"].services.teams.stats("linen-team")).left == {"support": 1}
        done = await linen["sol"].services.teams.leave(
            models.TeamLeave(team="linen-team", member=linen["bob"].id, ended="inactive")
        )
        assert len(done.entries) == 1 and await linen.tree() == []


async def test_a_paper_of_another_signer_or_about_another_team_is_refused(
    tmp_path: Path,
) -> None:  # [R-TEAM-30]
    async with company(tmp_path, "ada", "bob") as linen:
        await linen.join("ada", "sol")
        await linen["ada"].services.teams.leave(models.TeamLeave(team=linen.team, reason="time"))
        row = (await linen.post.waiting(linen["ada"]))[0]
        answer = await linen.post.bring(linen["ada"], replace(row, recipient=linen["bob"].me.id))
        assert isinstance(answer, Refusal) and answer.code == "names_differ"


async def test_what_a_member_does_elsewhere_is_none_of_the_owners_business(
    tmp_path: Path,
) -> None:  # [R-TEAM-23]
    async with company(tmp_path, "ada", "bob") as linen:
        await linen.join("ada", "sol")
        await linen["ada"].services.opportunities.publish(
            msgspec.convert({**GIVEN, "key": "own-team"}, models.OpportunityPublish)
        )
        await linen.meet()
        invited = await linen["ada"].services.teams.invite(
            models.TeamInvite(team="own-team", to=linen["sol"].id)
        )
        await linen.post.carry()
        await linen["sol"].services.teams.apply(models.TeamApply(invite=invited.paper, acknowledged=True))
        await linen.witnessed("sol", ["wes"])
        linen.clock.now += 7 * DAY_MS
        assert len((await linen["ada"].services.teams.admit(models.TeamAdmit())).entries) == 1


async def test_what_speaks_against_an_owner_stands_beside_the_opportunity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is about to join would be owed credit by whoever forked their log."""
    async with company(tmp_path, "ada") as linen:
        opportunities = linen["ada"].services.opportunities
        assert (await opportunities.show(linen.team)).standing is None
        forked = models.IssuerStanding(
            exposed=True, suspected=False, overdue=0, open=0, refused=[], disputed=[]
        )

        class Exposed:
            async def against(self, issuer: bytes) -> models.IssuerStanding | None:
                return forked if issuer == linen["sol"].me.id else None

        monkeypatch.setattr(opportunities, "_standings", Exposed())
        assert (await opportunities.show(linen.team)).standing == forked


# -- a team that is taken over -------------------------------------------------------------------------------
async def test_a_team_is_taken_over_with_its_sponsors(tmp_path: Path) -> None:  # [R-TEAM-27]
    async with company(tmp_path, "ada", "bob") as linen:
        rows = f"ref,sponsor,name,networker\n1,,Ada,{linen['ada'].id}\n2,1,Bob,\n".encode()
        query = models.TeamImportQuery(key="linen-team")
        dry = await linen["sol"].services.teams.take_over(
            models.TeamImportQuery(key="linen-team", dry_run=True), pieces(rows)
        )
        assert (dry.rows, dry.invited, dry.faults) == (2, 0, [])
        done = await linen["sol"].services.teams.take_over(query, pieces(rows))
        assert (done.rows, done.invited, done.waiting) == (2, 1, 1)
        with pytest.raises(Problem, match="Only the owner of a team"):
            await linen["ada"].services.teams.take_over(
                models.TeamImportQuery(key=f"{linen['sol'].id}/linen-team"), pieces(rows)
            )
        whole = models.TeamImportQuery(key=f"{linen['sol'].id}/linen-team", dry_run=True)
        assert (await linen["sol"].services.teams.take_over(whole, pieces(rows))).rows == 2
        await linen.post.carry()
        invite = (await linen["ada"].services.teams.papers(models.PapersQuery())).items[0]
        await linen["ada"].services.teams.apply(models.TeamApply(invite=invite.paper, acknowledged=True))
        await linen.witnessed("ada", ["wes"])
        linen.clock.now += 7 * DAY_MS
        await linen["sol"].services.teams.admit(models.TeamAdmit())
        # now that Ada is a member, Bob's invite is there: a text, since nobody knows his id
        papers = (await linen["sol"].services.teams.papers(models.PapersQuery(waiting=True))).items
        text = next(one for one in papers if one.kind == "invite" and one.own)
        assert text.listed == models.ListedPerson(ref="2", name="Bob") and text.invitee is None
        (again,) = (await linen["sol"].services.teams.papers(models.PapersQuery(paper=text.paper[:8]))).items
        assert again == text
        (hers,) = (await linen["ada"].services.teams.papers(models.PapersQuery(paper=invite.paper))).items
        assert hers.invitee is not None and hers.invitee.id == linen["ada"].id and hers.listed is None
        await linen.meet()
        await linen["bob"].services.teams.apply(models.TeamApply(invite=str(text.invite), acknowledged=True))
        await linen.witnessed("bob", ["wes"])
        linen.clock.now += 7 * DAY_MS
        await linen["sol"].services.teams.admit(models.TeamAdmit())
        assert await linen.tree() == [(1, "ada", "sol"), (2, "bob", "ada")]
        again = await linen["sol"].services.teams.take_over(query, pieces(rows))
        assert (again.invited, again.waiting) == (0, 0)


def test_every_fault_of_a_list_is_told_with_row_and_field() -> None:
    text = "ref,sponsor,name,networker\n1,,Ada,nonsense\n,1,,\n2,9,,\n2,,,\n3,4,,\n4,3,,\n5,3,,\n\n"
    _, faults = read_list("k", text.encode())
    assert [(fault.row, fault.field) for fault in faults] == [
        (2, "networker"), (3, "ref"), (4, "sponsor"), (5, "ref"), (6, "sponsor"), (7, "sponsor"),
    ]  # fmt: skip
    assert read_list("k", b"name\nAda\n")[1][0].field == "ref"
    # a quotation mark that is never closed would swallow all rows below it
    rows, (open_quote,) = read_list("k", b'ref,sponsor,name\n1,,Ada\n2,1,"Bob\n3,1,Cem\n')
    assert len(rows) == 1 and open_quote.row == 3 and "no CSV" in open_quote.problem
    assert "UTF-8" in read_list("k", b"\xff\xfe")[1][0].problem
    rows, faults = read_list("k", "\ufeffRef,Sponsor\r\n1,\r\n2,1\r\n".encode())
    assert not faults and [(row.ref, row.sponsor) for row in rows] == [("1", ""), ("2", "1")]


async def test_a_faulty_list_changes_nothing(tmp_path: Path) -> None:
    async with company(tmp_path) as linen:
        query = models.TeamImportQuery(key="linen-team")
        done = await linen["sol"].services.teams.take_over(query, pieces(b"ref,sponsor\n1,\n2,7\n"))
        assert [(fault.row, fault.field) for fault in done.faults] == [(3, "sponsor")]
        assert (await linen["sol"].services.teams.papers(models.PapersQuery())).items == []
        assert parse_id(linen["sol"].id) == linen["sol"].me.id


async def test_what_looks_at_every_member_runs_beside_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A team may have a million; sessions and letters do not wait for its figures."""
    async with company(tmp_path, "ada") as linen:
        await linen.join("ada", "sol")
        threads: dict[str, int] = {}
        for name in ("stats_view", "member_view", "duties_view", "opportunity_view"):
            made = getattr(team_views, name)

            def noted(*given: Any, name: str = name, made: Any = made) -> Any:
                threads[name] = get_ident()
                return made(*given)

            monkeypatch.setattr(team_views, name, noted)
        services = linen["sol"].services
        await services.teams.stats("linen-team")
        await services.teams.tree(models.TeamTreeQuery(team="linen-team"))
        await services.teams.duties(models.TeamQuery(team="linen-team"))
        await services.opportunities.show("linen-team")
        assert len(threads) == 4 and get_ident() not in threads.values()
