"""Operations on swaps of credit, and on what is disputed."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _propose(services: Services, request: models.SwapPropose) -> models.CreditSwap:
    return await services.swaps.propose(request)


async def _accept(services: Services, request: models.SwapAccept) -> models.CreditSwap:
    return await services.swaps.accept(request)


async def _decline(services: Services, request: models.SwapDecline) -> models.CreditSwap:
    return await services.swaps.decline(request)


async def _list(services: Services, request: models.SwapsQuery) -> models.Page[models.CreditSwap]:
    return await services.swaps.list(request)


async def _show(services: Services, request: models.SwapName) -> models.CreditSwap:
    return await services.swaps.show(request.swap)


async def _release(services: Services, request: models.CreditRelease) -> models.CreditReleased:
    return await services.swaps.release(request)


SWAP_PROPOSE: Final = Operation(
    "swap.propose",
    "POST",
    "/swaps/propose",
    "Propose to swap credit of one issuer for credit of another",
    models.SwapPropose,
    models.CreditSwap,
    _propose,
    signs=True,
)
SWAP_ACCEPT: Final = Operation(
    "swap.accept",
    "POST",
    "/swaps/accept",
    "Sign a swap that was proposed",
    models.SwapAccept,
    models.CreditSwap,
    _accept,
    signs=True,
)
SWAP_DECLINE: Final = Operation(
    "swap.decline",
    "POST",
    "/swaps/decline",
    "Decline a proposed swap, or take a proposal back",
    models.SwapDecline,
    models.CreditSwap,
    _decline,
)
SWAPS: Final = Operation(
    "swap.list",
    "GET",
    "/swaps",
    "Swaps, the newest first",
    models.SwapsQuery,
    models.Page[models.CreditSwap],
    _list,
    page=True,
)
SWAP_SHOW: Final = Operation(
    "swap.show", "GET", "/swaps/show", "One swap", models.SwapName, models.CreditSwap, _show
)
CREDIT_RELEASE: Final = Operation(
    "credit.release",
    "POST",
    "/credit/release",
    "Let go of what an issuer's rotation left disputed",
    models.CreditRelease,
    models.CreditReleased,
    _release,
    signs=True,
)
OPERATIONS: Final = (SWAP_PROPOSE, SWAP_ACCEPT, SWAP_DECLINE, SWAPS, SWAP_SHOW, CREDIT_RELEASE)
