"""Operations on the own log: what holds it up, its branches, and going on."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _branches(services: Services, request: models.Nothing) -> models.Branches:
    return await services.own.branches()


async def _settle(services: Services, request: models.Settle) -> models.Settled:
    return await services.own.settle(request.branch, request.first)


async def _resume(services: Services, request: models.Resume) -> models.Resumed:
    return await services.own.resume(anyway=request.anyway)


LOG_BRANCHES: Final = Operation(
    "log.branches",
    "GET",
    "/log/branches",
    "The branches of the own log, if it is forked",
    models.Nothing,
    models.Branches,
    _branches,
)
LOG_SETTLE: Final = Operation(
    "log.settle",
    "POST",
    "/log/settle",
    "End a fork of the own log, or take its newest entries back",
    models.Settle,
    models.Settled,
    _settle,
    signs=True,
)
LOG_RESUME: Final = Operation(
    "log.resume",
    "POST",
    "/log/resume",
    "Publish again after a copy or a backup",
    models.Resume,
    models.Resumed,
    _resume,
)
OPERATIONS: Final = (LOG_BRANCHES, LOG_SETTLE, LOG_RESUME)
