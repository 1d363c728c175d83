"""The operation of the doctor."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _examine(services: Services, request: models.Nothing) -> models.Examined:
    return await services.doctor.examine()


DOCTOR: Final = Operation(
    "doctor",
    "GET",
    "/doctor",
    "Check the computer, the home and the store",
    models.Nothing,
    models.Examined,
    _examine,
    slow=True,
)
OPERATIONS: Final = (DOCTOR,)
