"""Papers of strangers: forged, endless, too long; members are admitted and their papers logged all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from netnode.mail.letters import Refusal, Taken
from netnode.operations import models
from netnode.problems import Problem
from netnode.store import teams
from netnode.store.teams import PaperRow
from protocol import encoding, seen
from protocol.entry import Entry, parse_wire
from protocol.teams.letters import TeamLetter
from protocol.teams.statements import Application, Invite, Leaving, sign, statement_id
from tests.netnode.services_home import NETWORK, OpenHome
from tests.netnode.test_credit_letters import LONG, hand, openers
from tests.netnode.test_teams import Company, company
from tests.protocol.author import Author

EVE = Author("eve", NETWORK)


def leaving(linen: Company, author: Author, key: str = "linen-team") -> bytes:
    unsigned = Leaving(
        epoch=author.entries[-1].epoch, opportunity=key, owner=linen["sol"].me.id, reason="time",
        signature=bytes(64), signer=author.id, time=linen.clock.now,
    )  # fmt: skip
    return sign(NETWORK, author.signer, unsigned)


def invite(linen: Company, author: Author, number: int = 0) -> bytes:
    unsigned = Invite(
        disclosure=bytes(32), epoch=0, expires=2**50, nonce=number.to_bytes(16, "big"), opportunity="linen-team",
        owner=linen["sol"].me.id, signature=bytes(64), signer=author.id, sponsor=author.id,
    )  # fmt: skip
    return sign(NETWORK, author.signer, unsigned)


def application(linen: Company, author: Author, by: bytes, place: tuple[int, bytes]) -> bytes:
    unsigned = Application(
        acknowledgement=place, epoch=0, invite=statement_id(by), opportunity="linen-team", owner=linen["sol"].me.id,
        signature=bytes(64), signer=author.id, time=linen.clock.now,
    )  # fmt: skip
    return sign(NETWORK, author.signer, unsigned)


async def apply(linen: Company, name: str = "ada") -> Entry:
    """Somebody applies; their acknowledgement, which nobody else has seen yet."""
    invited = await linen["sol"].services.teams.invite(models.TeamInvite(team="linen-team"))
    await linen[name].services.teams.apply(models.TeamApply(invite=str(invited.invite), acknowledged=True))
    rows = await papers(linen[name], "application")
    return parse_wire(encoding.decode(rows[0].proof)[0])


async def papers(home: OpenHome, name: str) -> list[PaperRow]:
    rows = await home.store.read(lambda reader: teams.page(reader.connection, None, 1_000))
    return [row for row in rows if row.name == name]


def forged(entry: Entry, witness: bytes) -> bytes:
    said = seen.sign(
        NETWORK, EVE.signer, author=entry.author, epoch=0, term=0, seq=entry.seq, id=entry.id, time=1,
        witness=witness, witness_epoch=0,
    )  # fmt: skip
    return seen.encode(said)


@pytest.mark.parametrize("at", ["the applicant", "the owner"])
async def test_words_that_their_witness_did_not_sign_keep_nobody_out(tmp_path: Path, at: str) -> None:
    """[R-TEAM-9] Else who knows an acknowledgement could plant them before the true ones come."""
    async with company(tmp_path, "ada") as linen:
        entry = await apply(linen)
        plants = tuple(forged(entry, each) for each in (linen["wes"].me.id, bytes(32), bytes([1]) * 32))
        about = {"acknowledgement": (list(entry.wire()),), "seen": plants, "openers": openers(EVE)}
        by = invite(linen, EVE)
        if at == "the owner":
            said = application(linen, EVE, by, (entry.seq, entry.id))
            body = TeamLetter(name="application", statement=said, invite=by, **about)
            assert isinstance(await hand(linen["sol"], EVE, body), Refusal)
        else:
            await hand(linen["ada"], EVE, TeamLetter(name="invite", statement=by, **about))
        await linen.witnessed("ada", ["wes"])
        linen.clock.now += 7 * 24 * 3_600_000
        assert len((await linen["sol"].services.teams.admit(models.TeamAdmit())).entries) == 1


async def test_an_application_without_its_acknowledgement_is_refused(tmp_path: Path) -> None:
    """[R-TEAM-30]"""
    async with company(tmp_path, "ada") as linen:
        by = invite(linen, EVE)
        said = application(linen, EVE, by, (1, bytes(32)))
        for entries in ((), (5,), (list(EVE.entries[0].wire()),)):
            body = TeamLetter(
                name="application", statement=said, invite=by, openers=openers(EVE), acknowledgement=entries
            )
            assert isinstance(await hand(linen["sol"], EVE, body), Refusal)
        assert (await linen["sol"].services.teams.admit(models.TeamAdmit())).entries == []


async def test_invites_of_strangers_push_out_no_application_nor_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teams, "STRANGERS", 3)
    async with company(tmp_path, "ada") as linen:
        wish = models.TeamInvite(team="linen-team", to=linen["ada"].id)
        word = await linen["sol"].services.teams.invite(wish)
        await linen.post.carry()
        await linen["ada"].services.teams.apply(models.TeamApply(invite=word.paper, acknowledged=True))
        for name in ("ada", "sol"):
            for number in range(9):
                body = TeamLetter(name="invite", statement=invite(linen, EVE, number), openers=openers(EVE))
                await hand(linen[name], EVE, body)
        await linen.witnessed("ada", ["wes"])
        linen.clock.now += 7 * 24 * 3_600_000
        assert len((await linen["sol"].services.teams.admit(models.TeamAdmit())).entries) == 1


async def test_papers_of_one_push_out_none_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teams, "OF_ONE", 3)
    async with company(tmp_path, "ada") as linen:
        bob = Author("bob", NETWORK)
        for author, count in ((bob, 1), (EVE, 9)):
            for number in range(count):
                body = TeamLetter(
                    name="invite", statement=invite(linen, author, number), openers=openers(author)
                )
                assert await hand(linen["ada"], author, body) == Taken()
        kept = [row.signer for row in await papers(linen["ada"], "invite")]
        assert (kept.count(bob.id), kept.count(EVE.id)) == (1, 3)


async def test_papers_that_can_have_no_effect_are_forgotten_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teams, "STRANGERS", 3)
    async with company(tmp_path, "ada") as linen:
        await linen.join("ada", "sol")
        elsewhere = TeamLetter(name="leaving", statement=leaving(linen, EVE, "no-team"), openers=openers(EVE))
        refused = await hand(linen["sol"], EVE, elsewhere)
        assert isinstance(refused, Refusal) and refused.code == "no_opportunity"
        for _ in range(9):
            linen.clock.now += 1
            body = TeamLetter(name="leaving", statement=leaving(linen, EVE), openers=openers(EVE))
            assert await hand(linen["sol"], EVE, body) == Taken()
            await linen["sol"].services.team_work.run()
        found = await papers(linen["sol"], "leaving")
        assert [row.why for row in found] == ["no_member"] * 3
        assert all(len(row.openers) == 1 for row in found)


async def test_a_paper_whose_openers_fit_no_record_holds_up_no_other(tmp_path: Path) -> None:
    async with company(tmp_path, "ada", "bob") as linen:
        for name in ("ada", "bob"):
            await linen.join(name, "sol")
        ada = Author("ada", NETWORK)
        for _ in range(LONG):
            ada.rotate()
        body = TeamLetter(name="leaving", statement=leaving(linen, ada), openers=openers(ada))
        assert await hand(linen["sol"], ada, body) == Taken()
        await linen["bob"].services.teams.leave(models.TeamLeave(team=linen.team, reason="time"))
        await linen.post.carry()
        await linen["sol"].services.team_work.run()
        assert await linen.tree() == [(1, "ada", "sol")]


async def test_openers_of_others_make_no_paper_longer(tmp_path: Path) -> None:
    """Of those whose logs are here more is known than the letter says."""
    async with company(tmp_path, "ada") as linen:
        await linen.join("ada", "sol")
        brought: list[Any] = []
        for number in range(8):
            other = Author(f"other {number}", NETWORK)
            for _ in range(40):
                other.rotate()
            for outcome in await linen["sol"].gate.admit_chains([other.entries]):
                assert outcome.fault is None
            brought += openers(Author(f"other {number}", NETWORK))
        body = TeamLetter(name="leaving", statement=leaving(linen, EVE), openers=(*openers(EVE), *brought))
        assert await hand(linen["sol"], EVE, body) == Taken()
        await linen["sol"].services.team_work.run()
        assert [row.why for row in await papers(linen["sol"], "leaving")] == ["no_member"]


async def test_two_admissions_at_once_make_one_entry(tmp_path: Path) -> None:
    async with company(tmp_path, "ada") as linen:
        await apply(linen)
        await linen.witnessed("ada", ["wes"])
        linen.clock.now += 7 * 24 * 3_600_000
        (row,) = await papers(linen["sol"], "application")
        choice = models.TeamAdmit(paper=row.id.hex())
        done = await asyncio.gather(
            *(linen["sol"].services.teams.admit(choice) for _ in range(3)), return_exceptions=True
        )
        assert all(isinstance(each, Problem | models.TeamDone) for each in done), done
        stats = await linen["sol"].services.teams.stats(linen.team)
        assert (stats.members, stats.void) == (1, {})
