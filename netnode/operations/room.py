"""Operations on what this node keeps of others, and on its stamp."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _drop_listing(services: Services, request: models.ListingDrop) -> models.ListingDropped:
    return await services.room.drop_listing(request.ref)


async def _drop_log(services: Services, request: models.LogDrop) -> models.LogDropped:
    return await services.room.drop_log(request)


async def _stamp(services: Services, request: models.Nothing) -> models.StampState:
    return await services.stamps.show()


async def _improve(services: Services, request: models.StampOrder) -> models.StampState:
    return await services.stamps.improve(request.bits)


LISTING_DROP: Final = Operation(
    "listing.drop",
    "POST",
    "/listings/drop",
    "Let go of a listing of somebody else",
    models.ListingDrop,
    models.ListingDropped,
    _drop_listing,
)
LOG_DROP: Final = Operation(
    "log.drop",
    "POST",
    "/logs/drop",
    "Let go of the log of somebody else, or take it again",
    models.LogDrop,
    models.LogDropped,
    _drop_log,
)
STAMP: Final = Operation(
    "stamp.show",
    "GET",
    "/stamp",
    "The proof of work this node shows",
    models.Nothing,
    models.StampState,
    _stamp,
)
STAMP_IMPROVE: Final = Operation(
    "stamp.improve",
    "POST",
    "/stamp/improve",
    "Make a better stamp and publish it in the profile",
    models.StampOrder,
    models.StampState,
    _improve,
    signs=True,
    slow=True,
)
OPERATIONS: Final = (LISTING_DROP, LOG_DROP, STAMP, STAMP_IMPROVE)
