"""Operations on invites, on being reached, and on domains."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _make(services: Services, request: models.InviteOrder) -> models.InviteMade:
    return await services.invites.make(request)


async def _invites(services: Services, request: models.Listed) -> models.Page[models.Invite]:
    return await services.invites.list(request)


async def _revoke(services: Services, request: models.InviteNumber) -> models.Done:
    await services.invites.revoke(request.number)
    return models.Done()


async def _ping(services: Services, request: models.PingOrder) -> models.Pinged:
    return await services.reaching.ping(request.peer)


async def _check(services: Services, request: models.Nothing) -> models.Netcheck:
    return await services.reaching.check()


async def _nearby(services: Services, request: models.Listed) -> models.Page[models.Neighbour]:
    return await services.reaching.nearby(request)


async def _verify(services: Services, request: models.DomainChoice) -> models.DomainCheck:
    return await services.domains.verify(request.id)


async def _domains(services: Services, request: models.Listed) -> models.Page[models.DomainCheck]:
    return await services.domains.list(request)


async def _document(services: Services, request: models.Nothing) -> models.WellKnown:
    return await services.domains.document()


INVITE_MAKE: Final = Operation(
    "invite.make",
    "POST",
    "/invites/make",
    "Make an invite with a token",
    models.InviteOrder,
    models.InviteMade,
    _make,
)
INVITES: Final = Operation(
    "invite.list",
    "GET",
    "/invites",
    "Invites made here, and who joined by them",
    models.Listed,
    models.Page[models.Invite],
    _invites,
    page=True,
)
INVITE_REVOKE: Final = Operation(
    "invite.revoke",
    "POST",
    "/invites/revoke",
    "Take an invite back",
    models.InviteNumber,
    models.Done,
    _revoke,
)
PING: Final = Operation(
    "peer.ping",
    "POST",
    "/peers/ping",
    "Ask a peer for a sign of life",
    models.PingOrder,
    models.Pinged,
    _ping,
)
NETCHECK: Final = Operation(
    "netcheck",
    "POST",
    "/netcheck",
    "Where this node can be reached; asks peers to dial back",
    models.Nothing,
    models.Netcheck,
    _check,
    slow=True,
)
NEARBY: Final = Operation(
    "peer.nearby",
    "GET",
    "/peers/nearby",
    "Nodes in the local network",
    models.Listed,
    models.Page[models.Neighbour],
    _nearby,
    page=True,
)
DOMAIN_VERIFY: Final = Operation(
    "domain.verify",
    "POST",
    "/domains/verify",
    "Look whether the domain of a profile names its networker",
    models.DomainChoice,
    models.DomainCheck,
    _verify,
    slow=True,
)
DOMAINS: Final = Operation(
    "domain.list",
    "GET",
    "/domains",
    "Domains that were looked at",
    models.Listed,
    models.Page[models.DomainCheck],
    _domains,
    page=True,
)
DOMAIN_DOCUMENT: Final = Operation(
    "domain.document",
    "GET",
    "/domains/document",
    "What the own domain should serve at /.well-known/netnode.json",
    models.Nothing,
    models.WellKnown,
    _document,
)
OPERATIONS: Final = (
    INVITE_MAKE,
    INVITES,
    INVITE_REVOKE,
    PING,
    NETCHECK,
    NEARBY,
    DOMAIN_VERIFY,
    DOMAINS,
    DOMAIN_DOCUMENT,
)
