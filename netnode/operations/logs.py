"""Operations on the logs held here."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from netnode.operations import models
from netnode.operations.operation import MAX_LOG_FILE, Download, Operation, Upload
from netnode.operations.services import Services


async def _entries(services: Services, request: models.EntriesQuery) -> models.Page[models.Entry]:
    return await services.log.entries(request)


async def _logs(services: Services, request: models.Listed) -> models.Page[models.Log]:
    return await services.log.logs(request)


async def _verify(services: Services, request: models.LogChoice) -> models.Verified:
    return await services.log.verify(request.author)


async def _import(
    services: Services, request: models.Nothing, chunks: AsyncIterable[bytes]
) -> models.LogImported:
    return await services.log.import_file(chunks)


def _export(services: Services, request: models.LogChoice) -> AsyncIterator[bytes]:
    return services.log.export(request.author)


ENTRIES: Final = Operation(
    "log.entries",
    "GET",
    "/log",
    "Entries held, own log first",
    models.EntriesQuery,
    models.Page[models.Entry],
    _entries,
    page=True,
)
LOGS: Final = Operation(
    "log.list",
    "GET",
    "/logs",
    "The logs held, own first",
    models.Listed,
    models.Page[models.Log],
    _logs,
    page=True,
)
LOG_VERIFY: Final = Operation(
    "log.verify",
    "GET",
    "/log/verify",
    "Check what is on disk again",
    models.LogChoice,
    models.Verified,
    _verify,
    slow=True,
)
LOG_EXPORT: Final = Download(
    "log.export", "/log/export", "A file of runs of one log or of all", models.LogChoice, _export
)
LOG_IMPORT: Final = Upload(
    "log.import",
    "/log/import",
    "Take in a file of runs",
    models.Nothing,
    models.LogImported,
    _import,
    max_bytes=MAX_LOG_FILE,
)
OPERATIONS: Final = (ENTRIES, LOGS, LOG_VERIFY, LOG_EXPORT, LOG_IMPORT)
