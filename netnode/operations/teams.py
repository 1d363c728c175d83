"""Operations on opportunities and teams."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Final

from netnode.operations import models
from netnode.operations.operation import MAX_FEED, Operation, Upload
from netnode.operations.services import Services


async def _publish(services: Services, request: models.OpportunityPublish) -> models.OpportunityShown:
    return await services.opportunities.publish(request)


async def _show(services: Services, request: models.OpportunityName) -> models.OpportunityShown:
    return await services.opportunities.show(request.team)


async def _list(services: Services, request: models.OpportunitiesQuery) -> models.Page[models.Opportunity]:
    return await services.opportunities.list(request)


async def _close(services: Services, request: models.OpportunityClose) -> models.OpportunityShown:
    return await services.opportunities.close(request.key)


async def _invite(services: Services, request: models.TeamInvite) -> models.TeamPaper:
    return await services.teams.invite(request)


async def _apply(services: Services, request: models.TeamApply) -> models.TeamPaper:
    return await services.teams.apply(request)


async def _admit(services: Services, request: models.TeamAdmit) -> models.TeamDone:
    return await services.teams.admit(request)


async def _import(
    services: Services, request: models.TeamImportQuery, chunks: AsyncIterable[bytes]
) -> models.TeamImported:
    return await services.teams.take_over(request, chunks)


async def _papers(services: Services, request: models.PapersQuery) -> models.Page[models.TeamPaper]:
    return await services.teams.papers(request)


async def _tree(services: Services, request: models.TeamTreeQuery) -> models.Page[models.TeamMember]:
    return await services.teams.tree(request)


async def _duties(services: Services, request: models.TeamQuery) -> models.Page[models.MemberDuties]:
    return await services.teams.duties(request)


async def _neglected(services: Services, request: models.TeamQuery) -> models.Page[models.MemberDuties]:
    return await services.teams.neglected(request)


async def _stats(services: Services, request: models.OpportunityName) -> models.TeamStats:
    return await services.teams.stats(request.team)


async def _duty(services: Services, request: models.TeamDutyDone) -> models.TeamPaper:
    return await services.teams.duty(request)


async def _move(services: Services, request: models.TeamMove) -> models.TeamDone:
    return await services.teams.move(request)


async def _leave(services: Services, request: models.TeamLeave) -> models.TeamDone:
    return await services.teams.leave(request)


OPPORTUNITY_PUBLISH: Final = Operation(
    "opportunity.publish",
    "POST",
    "/opportunities",
    "Publish an opportunity or its next version",
    models.OpportunityPublish,
    models.OpportunityShown,
    _publish,
    signs=True,
)
OPPORTUNITY_SHOW: Final = Operation(
    "opportunity.show",
    "GET",
    "/opportunities/show",
    "An opportunity with its disclosure and what is computed of its team",
    models.OpportunityName,
    models.OpportunityShown,
    _show,
)
OPPORTUNITIES: Final = Operation(
    "opportunity.list",
    "GET",
    "/opportunities",
    "Opportunities of one networker",
    models.OpportunitiesQuery,
    models.Page[models.Opportunity],
    _list,
    page=True,
)
OPPORTUNITY_CLOSE: Final = Operation(
    "opportunity.close",
    "POST",
    "/opportunities/close",
    "Close an own opportunity",
    models.OpportunityClose,
    models.OpportunityShown,
    _close,
    signs=True,
)
TEAM_INVITE: Final = Operation(
    "team.invite",
    "POST",
    "/teams/invite",
    "Invite somebody to a team",
    models.TeamInvite,
    models.TeamPaper,
    _invite,
    signs=True,
)
TEAM_APPLY: Final = Operation(
    "team.apply",
    "POST",
    "/teams/apply",
    "Acknowledge the disclosure and apply",
    models.TeamApply,
    models.TeamPaper,
    _apply,
    signs=True,
)
TEAM_ADMIT: Final = Operation(
    "team.admit",
    "POST",
    "/teams/admit",
    "Admit by an application, or by all that are due",
    models.TeamAdmit,
    models.TeamDone,
    _admit,
    signs=True,
)
TEAM_IMPORT: Final = Upload(
    "team.import",
    "/teams/import",
    "Take a team over from a list: invitations that keep its sponsors",
    models.TeamImportQuery,
    models.TeamImported,
    _import,
    MAX_FEED,
    signs=True,
)
TEAM_PAPERS: Final = Operation(
    "team.papers",
    "GET",
    "/teams/papers",
    "Invites, applications and other papers of teams",
    models.PapersQuery,
    models.Page[models.TeamPaper],
    _papers,
    page=True,
)
TEAM_TREE: Final = Operation(
    "team.tree",
    "GET",
    "/teams/tree",
    "Members of a team, level by level",
    models.TeamTreeQuery,
    models.Page[models.TeamMember],
    _tree,
    page=True,
)
TEAM_DUTIES: Final = Operation(
    "team.duties",
    "GET",
    "/teams/duties",
    "Training and follow-ups of members",
    models.TeamQuery,
    models.Page[models.MemberDuties],
    _duties,
    page=True,
)
TEAM_NEGLECTED: Final = Operation(
    "team.neglected",
    "GET",
    "/teams/neglected",
    "Members whose deadlines were missed",
    models.TeamQuery,
    models.Page[models.MemberDuties],
    _neglected,
    page=True,
)
TEAM_STATS: Final = Operation(
    "team.stats",
    "GET",
    "/teams/stats",
    "Retention, duplication and shape of a team",
    models.OpportunityName,
    models.TeamStats,
    _stats,
)
TEAM_DUTY: Final = Operation(
    "team.duty",
    "POST",
    "/teams/duty",
    "Say that training was passed or a follow-up received",
    models.TeamDutyDone,
    models.TeamPaper,
    _duty,
    signs=True,
)
TEAM_MOVE: Final = Operation(
    "team.move",
    "POST",
    "/teams/move",
    "Move a member, or consent to it",
    models.TeamMove,
    models.TeamDone,
    _move,
    signs=True,
)
TEAM_LEAVE: Final = Operation(
    "team.leave",
    "POST",
    "/teams/leave",
    "Leave a team, or end a membership",
    models.TeamLeave,
    models.TeamDone,
    _leave,
    signs=True,
)
OPERATIONS: Final = (
    OPPORTUNITY_PUBLISH,
    OPPORTUNITY_SHOW,
    OPPORTUNITIES,
    OPPORTUNITY_CLOSE,
    TEAM_INVITE,
    TEAM_APPLY,
    TEAM_ADMIT,
    TEAM_IMPORT,
    TEAM_PAPERS,
    TEAM_TREE,
    TEAM_DUTIES,
    TEAM_NEGLECTED,
    TEAM_STATS,
    TEAM_DUTY,
    TEAM_MOVE,
    TEAM_LEAVE,
)
