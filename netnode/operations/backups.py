"""Operations on backups of the home."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _create(services: Services, request: models.BackupOrder) -> models.BackupMade:
    return await services.backups.create(request)


async def _verify(services: Services, request: models.BackupChoice) -> models.BackupMade:
    return await services.backups.verify(request.path)


async def _list(services: Services, request: models.BackupsQuery) -> models.Page[models.Backup]:
    return await services.backups.list(request)


async def _progress(services: Services, request: models.Nothing) -> models.BackupProgress:
    return await services.backups.progress()


async def _cancel(services: Services, request: models.Nothing) -> models.Done:
    await services.backups.cancel()
    return models.Done()


BACKUP_CREATE: Final = Operation(
    "backup.create",
    "POST",
    "/backups/create",
    "Write an encrypted backup of the home",
    models.BackupOrder,
    models.BackupMade,
    _create,
    signs=True,
    slow=True,
)
BACKUP_VERIFY: Final = Operation(
    "backup.verify",
    "POST",
    "/backups/verify",
    "Restore a backup to a scratch folder and check all of it",
    models.BackupChoice,
    models.BackupMade,
    _verify,
    signs=True,
    slow=True,
)
BACKUPS: Final = Operation(
    "backup.list",
    "GET",
    "/backups",
    "The backups in a folder, newest first",
    models.BackupsQuery,
    models.Page[models.Backup],
    _list,
    page=True,
)
BACKUP_PROGRESS: Final = Operation(
    "backup.progress",
    "GET",
    "/backups/progress",
    "How far the backup in work is",
    models.Nothing,
    models.BackupProgress,
    _progress,
)
BACKUP_CANCEL: Final = Operation(
    "backup.cancel",
    "POST",
    "/backups/cancel",
    "Give up the backup in work",
    models.Nothing,
    models.Done,
    _cancel,
)
OPERATIONS: Final = (BACKUP_CREATE, BACKUP_VERIFY, BACKUPS, BACKUP_PROGRESS, BACKUP_CANCEL)
