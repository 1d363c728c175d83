"""What people do to get another sponsor or a place in a team: wishes, consents, moves [R-TEAM-12..14, 20].

Who has to consent hears of a wish outside of the program, as people do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.simulator.crediting.promised import Wish
from netnode.simulator.crediting.teaming import TEAM, own_team, teams_of
from protocol.identity import id_text, parse_id

if TYPE_CHECKING:
    from netnode.simulator.actors import Act, Stall

NEWEST: Final = 8  # wishes that people still think of
_PAGE: Final = 100


async def wish_for_sponsor(stall: Stall) -> None:
    """A member wants another sponsor, and signs that."""
    teams = [each for each in await teams_of(stall) if not own_team(stall, each)]
    if not teams:
        return
    team, own = stall.chance.choice(teams), stall.id_of(stall.node)
    members = {each.member.id: each for each in await _members(stall, team)}
    mine = members.get(id_text(own))
    owner = team.partition("/")[0]
    others = [each for each in (*members, owner) if each != id_text(own)]
    others = [each for each in others if mine is not None and each != mine.sponsor.id]
    if mine is not None and others:
        sponsor = stall.chance.choice(others)
        wish = Wish(team, own, parse_id(mine.sponsor.id), parse_id(sponsor))
        # Before it is signed: the answer may be lost with the power.
        stall.oracle.credits.wishes.append(wish)
        await _consent(stall, wish)


async def consent_to_move(stall: Stall) -> None:
    """Whom a member leaves or comes to signs that too."""
    own = stall.id_of(stall.node)
    wishes = [each for each in stall.oracle.credits.wishes[-NEWEST:] if own in (each.sponsor, each.to)]
    wishes = [each for each in wishes if not own_team(stall, each.team)]
    for wish in wishes:
        await _consent(stall, wish)


async def move_member(stall: Stall) -> None:
    """The owner moves who has wished for it, whoever has consented by now, and places who waits for a place."""
    own = f"{id_text(stall.id_of(stall.node))}/{TEAM}"
    wishes = [each for each in stall.oracle.credits.wishes[-NEWEST:] if each.team == own]
    neglected = await _neglected(stall, own) if wishes else frozenset()
    for wish in wishes:
        neglect = stall.chance.random() < (0.7 if wish.member in neglected else 0.1)
        request = models.TeamMove(
            team=own, member=id_text(wish.member), sponsor=id_text(wish.to), neglect=neglect
        )
        await _moved(stall, request, "neglect" if neglect else "agreed")
    members = await _members(stall, own) if await teams_of(stall) else []
    waiting = [each.member.id for each in members if each.holding]
    if waiting:
        parents = [own.partition("/")[0], *(each.member.id for each in members if each.parent is not None)]
        request = models.TeamMove(
            team=own, member=stall.chance.choice(waiting), parent=stall.chance.choice(parents),
            leg=stall.chance.below(2),
        )  # fmt: skip
        await _moved(stall, request, "holding")


async def _moved(stall: Stall, request: models.TeamMove, reason: str) -> None:
    try:
        done = await stall.services.teams.move(request)
    except Problem as problem:
        if problem.exit_code is not ExitCode.REFUSED:
            raise
        stall.seen.mark(f"team move refused {problem.code}")
        return
    for entry in done.entries:
        stall.told(entry, "move")
        stall.seen.mark(f"team moved {reason}")


async def _consent(stall: Stall, wish: Wish) -> None:
    stall.oracle.credits.consents.add((wish.team, wish.member, wish.to, stall.id_of(stall.node)))
    request = models.TeamMove(team=wish.team, member=id_text(wish.member), sponsor=id_text(wish.to))
    await stall.services.teams.move(request)
    stall.seen.mark("team move consented")


async def _neglected(stall: Stall, team: str) -> frozenset[bytes]:
    """Members whom nobody followed up in time, as the node lists them [R-TEAM-19]."""
    page = await stall.services.teams.neglected(models.TeamQuery(team=team, limit=_PAGE))
    found = frozenset(parse_id(each.member.id) for each in page.items)
    if found:
        stall.seen.mark("team neglected")
    return found


async def _members(stall: Stall, team: str) -> list[models.TeamMember]:
    return (await stall.services.teams.tree(models.TeamTreeQuery(team=team, limit=_PAGE))).items


REPLACING_ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "wish for sponsor": (wish_for_sponsor, 3),
    "consent to move": (consent_to_move, 5),
    "move member": (move_member, 3),
}
"""What there is to do, and how often it is done in a market that has teams."""
