"""Operations on reviews."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Final

from netnode.operations import models
from netnode.operations.operation import MIB, Operation, Upload
from netnode.operations.services import Services


async def _write(services: Services, request: models.ReviewWrite) -> models.ReviewPublished:
    return await services.reviews.write(request)


async def _withdraw(services: Services, request: models.ReviewWithdraw) -> models.ReviewPublished:
    return await services.reviews.withdraw(request.deal)


async def _carry(
    services: Services, request: models.Nothing, chunks: AsyncIterable[bytes]
) -> models.ReviewPublished:
    return await services.reviews.carry(chunks)


async def _list(services: Services, request: models.ReviewsQuery) -> models.Reviews:
    return await services.reviews.list(request)


REVIEW_WRITE: Final = Operation(
    "review.write",
    "POST",
    "/reviews/write",
    "Review a deal, as its buyer",
    models.ReviewWrite,
    models.ReviewPublished,
    _write,
    signs=True,
)
REVIEW_WITHDRAW: Final = Operation(
    "review.withdraw",
    "POST",
    "/reviews/withdraw",
    "Take a review back",
    models.ReviewWithdraw,
    models.ReviewPublished,
    _withdraw,
    signs=True,
)
REVIEW_CARRY: Final = Upload(
    "review.carry",
    "/reviews/carry",
    "Carry somebody's review in the own log",
    models.Nothing,
    models.ReviewPublished,
    _carry,
    max_bytes=MIB,
    signs=True,
)
REVIEWS: Final = Operation(
    "review.list",
    "GET",
    "/reviews",
    "Reviews of a seller or listing, by the viewer's own trust",
    models.ReviewsQuery,
    models.Reviews,
    _list,
    page=True,
)
OPERATIONS: Final = (REVIEW_WRITE, REVIEW_WITHDRAW, REVIEW_CARRY, REVIEWS)
