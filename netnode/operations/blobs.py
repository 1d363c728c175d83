"""Operations on blobs: bytes named by their SHA-256."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from netnode.operations import models
from netnode.operations.operation import Download, Operation, Upload
from netnode.operations.services import Services
from protocol.limits import MAX_BLOB


async def _add(services: Services, request: models.Nothing, chunks: AsyncIterable[bytes]) -> models.BlobSize:
    return await services.blobs.add(chunks)


async def _fetch(services: Services, request: models.BlobName) -> models.BlobSize:
    return await services.blobs.fetch(request.hash)


async def _progress(services: Services, request: models.BlobName) -> models.BlobProgress:
    return await services.blobs.progress(request.hash)


def _send(services: Services, request: models.BlobName) -> AsyncIterator[bytes]:
    return services.blobs.send(request.hash)


async def _list(services: Services, request: models.Listed) -> models.Page[models.Blob]:
    return await services.blobs.list(request)


async def _remove(services: Services, request: models.BlobName) -> models.Done:
    await services.blobs.remove(request.hash)
    return models.Done()


BLOB_ADD: Final = Upload(
    "blob.add", "/blobs/add", "Keep a blob", models.Nothing, models.BlobSize, _add, max_bytes=MAX_BLOB
)
BLOB_FETCH: Final = Operation(
    "blob.fetch",
    "POST",
    "/blobs/fetch",
    "Bring a blob here from an open session",
    models.BlobName,
    models.BlobSize,
    _fetch,
    slow=True,
)
BLOB_PROGRESS: Final = Operation(
    "blob.progress",
    "GET",
    "/blobs/progress",
    "How far a blob is here",
    models.BlobName,
    models.BlobProgress,
    _progress,
)
BLOB_SEND: Final = Download("blob.send", "/blobs/send", "The bytes of a blob held", models.BlobName, _send)
BLOBS: Final = Operation(
    "blob.list", "GET", "/blobs", "The blobs held", models.Listed, models.Page[models.Blob], _list, page=True
)
BLOB_REMOVE: Final = Operation(
    "blob.remove", "POST", "/blobs/remove", "Let go of a blob", models.BlobName, models.Done, _remove
)
OPERATIONS: Final = (BLOB_ADD, BLOB_FETCH, BLOB_PROGRESS, BLOB_SEND, BLOBS, BLOB_REMOVE)
