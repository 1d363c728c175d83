"""Operations on what proves that this node brought buyers to sellers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from netnode.operations import models
from netnode.operations.operation import Download, Operation
from netnode.operations.services import Services


async def _list(services: Services, request: models.Listed) -> models.Page[models.Witness]:
    return await services.witnesses.list(request)


async def _show(services: Services, request: models.WitnessChoice) -> models.Witness:
    return await services.witnesses.show(request.order)


def _export(services: Services, request: models.WitnessExport) -> AsyncIterator[bytes]:
    return services.witnesses.export(request.order)


WITNESSES: Final = Operation(
    "witness.list",
    "GET",
    "/witnesses",
    "Deals that this node brought about, the newest first",
    models.Listed,
    models.Page[models.Witness],
    _list,
    page=True,
)
WITNESS_SHOW: Final = Operation(
    "witness.show", "GET", "/witnesses/show", "One of them", models.WitnessChoice, models.Witness, _show
)
WITNESS_EXPORT: Final = Download(
    "witness.export",
    "/witnesses/export",
    "A file that proves one of them, or all",
    models.WitnessExport,
    _export,
)
OPERATIONS: Final = (WITNESSES, WITNESS_SHOW, WITNESS_EXPORT)
