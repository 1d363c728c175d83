"""Operations on addresses: what is known of one peer's, and the whole address book."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _show(services: Services, request: models.PeerName) -> models.PeerShown:
    return await services.addresses.show(request.peer)


async def _list(services: Services, request: models.Listed) -> models.Page[models.KnownAddress]:
    return await services.addresses.list(request)


PEER_SHOW: Final = Operation(
    "peer.show", "GET", "/peers/show", "One peer and its addresses", models.PeerName, models.PeerShown, _show
)
PEER_ADDRESSES: Final = Operation(
    "peer.addresses",
    "GET",
    "/peers/addresses",
    "The address book: addresses that peers told",
    models.Listed,
    models.Page[models.KnownAddress],
    _list,
    page=True,
)
OPERATIONS: Final = (PEER_SHOW, PEER_ADDRESSES)
