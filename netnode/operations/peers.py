"""Operations on peers, follows and public statements about others."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services

JOIN_SECONDS: Final = 8.0  # why: long enough for a dial and an answer, short enough for a person at a prompt


async def _invite(services: Services, request: models.Nothing) -> models.Invitation:
    return await services.peers.invite()


async def _peers(services: Services, request: models.Listed) -> models.Page[models.Peer]:
    return await services.peers.list(request)


async def _add(services: Services, request: models.PeerUri) -> models.Peer:
    return await services.peers.add(request.uri, request.pin, patience=JOIN_SECONDS)


async def _remove(services: Services, request: models.PeerName) -> models.Done:
    await services.peers.remove(request.peer)
    return models.Done()


async def _refuse(services: Services, request: models.PeerBlock) -> models.Peer:
    return await services.peers.block(request)


async def _follows(services: Services, request: models.Listed) -> models.Page[models.Follow]:
    return await services.follows.list(request)


async def _follow(services: Services, request: models.Networker) -> models.Follow:
    return await services.follows.add(request.id)


async def _unfollow(services: Services, request: models.Networker) -> models.Done:
    await services.follows.remove(request.id)
    return models.Done()


async def _block(services: Services, request: models.BlockPublish) -> models.Stated:
    return await services.moderation.block(request)


async def _report(services: Services, request: models.ReportPublish) -> models.Stated:
    return await services.moderation.report(request)


async def _statements(services: Services, request: models.Listed) -> models.Page[models.Moderation]:
    return await services.moderation.list(request)


INVITE: Final = Operation(
    "invite", "GET", "/invite", "The URI that leads here", models.Nothing, models.Invitation, _invite
)
PEERS: Final = Operation(
    "peer.list", "GET", "/peers", "The book", models.Listed, models.Page[models.Peer], _peers, page=True
)
PEER_ADD: Final = Operation(
    "peer.add", "POST", "/peers/add", "Add a peer to the book", models.PeerUri, models.Peer, _add
)
PEER_REMOVE: Final = Operation(
    "peer.remove", "POST", "/peers/remove", "Forget a peer", models.PeerName, models.Done, _remove
)
PEER_BLOCK: Final = Operation(
    "peer.block",
    "POST",
    "/peers/block",
    "Refuse sessions with a networker",
    models.PeerBlock,
    models.Peer,
    _refuse,
)
FOLLOWS: Final = Operation(
    "follow.list",
    "GET",
    "/follows",
    "Everybody followed",
    models.Listed,
    models.Page[models.Follow],
    _follows,
    page=True,
)
FOLLOW: Final = Operation(
    "follow.add", "POST", "/follows/add", "Follow a networker", models.Networker, models.Follow, _follow
)
UNFOLLOW: Final = Operation(
    "follow.remove", "POST", "/follows/remove", "Unfollow", models.Networker, models.Done, _unfollow
)
MODERATION: Final = Operation(
    "moderation.list",
    "GET",
    "/moderation",
    "Blocks and reports of this networker and those it follows",
    models.Listed,
    models.Page[models.Moderation],
    _statements,
    page=True,
)
BLOCK: Final = Operation(
    "moderation.block",
    "POST",
    "/moderation/block",
    "Publish a block of a networker",
    models.BlockPublish,
    models.Stated,
    _block,
    signs=True,
)
REPORT: Final = Operation(
    "moderation.report",
    "POST",
    "/moderation/report",
    "Publish a report of a listing or networker",
    models.ReportPublish,
    models.Stated,
    _report,
    signs=True,
)
OPERATIONS: Final = (
    INVITE,
    PEERS,
    PEER_ADD,
    PEER_REMOVE,
    PEER_BLOCK,
    FOLLOWS,
    FOLLOW,
    UNFOLLOW,
    MODERATION,
    BLOCK,
    REPORT,
)
