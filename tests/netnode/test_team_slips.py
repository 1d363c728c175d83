"""What people do by mistake in teams: told at once, instead of a paper that comes to nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.teams.importing import read_list
from protocol.certificate import DAY_MS
from protocol.records.team import Module
from tests.netnode.test_teams import GIVEN, company, plan


async def test_nobody_is_invited_who_is_in_the_team(tmp_path: Path) -> None:
    async with company(tmp_path, "rita", "tom") as found:
        await found.join("rita", "sol")
        for by, whom in (("sol", "sol"), ("rita", "rita"), ("rita", "sol"), ("sol", "rita")):
            with pytest.raises(Problem, match="invite somebody who is not in it") as refused:
                await found[by].services.teams.invite(models.TeamInvite(team=found.team, to=found[whom].id))
            assert refused.value.exit_code is ExitCode.REFUSED
        await found["rita"].services.teams.invite(models.TeamInvite(team=found.team, to=found["tom"].id))


async def test_who_applies_twice_by_one_invite_has_applied_once(tmp_path: Path) -> None:
    async with company(tmp_path, "rita") as found:
        invited = await found["sol"].services.teams.invite(
            models.TeamInvite(team=found.team, to=found["rita"].id)
        )
        await found.post.carry()
        asked = models.TeamApply(invite=invited.paper, acknowledged=True)
        first = await found["rita"].services.teams.apply(asked)
        assert (await found["rita"].services.teams.apply(asked)).paper == first.paper
        await found.witnessed("rita", ["wes"])
        assert (await found["rita"].services.teams.apply(asked)).paper == first.paper
        found.clock.now += 7 * DAY_MS  # had it come, it would be answered by now
        assert (await found["rita"].services.teams.apply(asked)).paper != first.paper


async def test_a_duty_that_would_not_count_is_not_signed(tmp_path: Path) -> None:
    async with company(tmp_path, "rita") as found:
        await found.publish_plan(plan(modules=(Module(key="start"),), followups=(7,)))
        await found.join("rita", "sol")
        teams = found["rita"].services.teams
        for wrong in ({"module": "strat"}, {"step": 2}, {"module": "start", "by": found["wes"].id}):
            with pytest.raises(Problem, match=r"would not count: .* modules: start; follow-ups: 1"):
                await teams.duty(models.TeamDutyDone(team=found.team, **wrong))
        assert (await teams.papers(models.PapersQuery(waiting=True))).items == []
        await teams.duty(models.TeamDutyDone(team=found.team, module="start"))
        await teams.duty(models.TeamDutyDone(team=found.team, step=1))


async def test_who_is_in_the_team_needs_no_invite_when_it_is_taken_over(tmp_path: Path) -> None:
    async with company(tmp_path, "rita") as found:
        await found.join("rita", "sol")
        rows = f"ref,sponsor,networker\n1,,{found['rita'].id}\n2,1,\n3,,{found['sol'].id}\n"

        async def chunks():
            yield rows.encode()

        done = await found["sol"].services.teams.take_over(
            models.TeamImportQuery(key=msgspec.convert(GIVEN["key"], str)), chunks()
        )
        assert done.invited == 1  # who stands below rita


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_may_be_written_as_spreadsheets_of_any_country_write_it(delimiter: str) -> None:
    text = "\ufeffref,sponsor,name\r\n1,,Zo\u00eb\r\n2,1,Bob\r\n".replace(",", delimiter)
    rows, faults = read_list("k", text.encode())
    assert not faults and [(row.ref, row.sponsor, row.name) for row in rows] == [
        ("1", "", "Zo\u00eb"), ("2", "1", "Bob"),
    ]  # fmt: skip
