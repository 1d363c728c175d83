"""Operations on the keys of the networker."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _show(services: Services, request: models.Nothing) -> models.KeyState:
    return await services.keys.show()


async def _plan(services: Services, request: models.KeyPlanQuery) -> models.KeyPlan:
    return await services.keys.plan(request.last)


async def _rotate(services: Services, request: models.KeyRotation) -> models.KeyRotated:
    return await services.keys.rotate(request)


async def _history(services: Services, request: models.Listed) -> models.Page[models.KeyEpoch]:
    return await services.keys.history(request)


async def _disowned(services: Services, request: models.KeyExhibits) -> models.Page[models.KeyExhibit]:
    return await services.keys.disowned(request)


async def _standing(services: Services, request: models.Nothing) -> models.StandingState:
    return await services.keys.standing()


async def _publish(services: Services, request: models.Nothing) -> models.StandingState:
    return await services.keys.publish_standing()


KEY_SHOW: Final = Operation(
    "key.show", "GET", "/key", "The keys in force", models.Nothing, models.KeyState, _show
)
KEY_PLAN: Final = Operation(
    "key.plan",
    "GET",
    "/key/plan",
    "What a rotation would do, and what it waits for",
    models.KeyPlanQuery,
    models.KeyPlan,
    _plan,
)
KEY_ROTATE: Final = Operation(
    "key.rotate",
    "POST",
    "/key/rotate",
    "Replace the signing key",
    models.KeyRotation,
    models.KeyRotated,
    _rotate,
    signs=True,
    slow=True,
)
KEY_HISTORY: Final = Operation(
    "key.history",
    "GET",
    "/key/history",
    "Rotations, newest first: what they disowned and who knows of them",
    models.Listed,
    models.Page[models.KeyEpoch],
    _history,
    page=True,
)
KEY_DISOWNED: Final = Operation(
    "key.disowned",
    "GET",
    "/key/disowned",
    "Own entries that are out of the log",
    models.KeyExhibits,
    models.Page[models.KeyExhibit],
    _disowned,
    page=True,
)
STANDING: Final = Operation(
    "standing.show",
    "GET",
    "/standing",
    "Whether entries of closed epochs and terms are vouched for",
    models.Nothing,
    models.StandingState,
    _standing,
)
STANDING_PUBLISH: Final = Operation(
    "standing.publish",
    "POST",
    "/standing/publish",
    "Vouch for entries of closed epochs and terms",
    models.Nothing,
    models.StandingState,
    _publish,
    signs=True,
)
OPERATIONS: Final = (
    KEY_SHOW,
    KEY_PLAN,
    KEY_ROTATE,
    KEY_HISTORY,
    KEY_DISOWNED,
    STANDING,
    STANDING_PUBLISH,
)
