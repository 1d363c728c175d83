"""Operations on arbiters: consents and cases."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _offer(services: Services, request: models.ArbiterOffer) -> models.Consent:
    return await services.arbiters.offer(request)


async def _send(services: Services, request: models.ArbiterSend) -> models.Consent:
    return await services.arbiters.send(request)


async def _list(services: Services, request: models.Listed) -> models.Page[models.Consent]:
    return await services.arbiters.list(request)


async def _cases(services: Services, request: models.CasesQuery) -> models.Page[models.Case]:
    return await services.arbiters.cases(request)


async def _show(services: Services, request: models.ArbiterName) -> models.ArbiterShown:
    return await services.arbiters.show(request.name)


ARBITER_OFFER: Final = Operation(
    "arbiter.offer",
    "POST",
    "/arbiters/offer",
    "Consent to rule in deals, for a fee",
    models.ArbiterOffer,
    models.Consent,
    _offer,
    signs=True,
)
ARBITER_SEND: Final = Operation(
    "arbiter.send",
    "POST",
    "/arbiters/send",
    "Send an own consent to more networkers",
    models.ArbiterSend,
    models.Consent,
    _send,
)
CONSENTS: Final = Operation(
    "arbiter.list",
    "GET",
    "/arbiters",
    "Consents given here and received",
    models.Listed,
    models.Page[models.Consent],
    _list,
    page=True,
)
CASES: Final = Operation(
    "arbiter.cases",
    "GET",
    "/arbiters/cases",
    "Deals in which the owner rules",
    models.CasesQuery,
    models.Page[models.Case],
    _cases,
    page=True,
)
ARBITER_SHOW: Final = Operation(
    "arbiter.show",
    "GET",
    "/arbiters/show",
    "A consent with its terms, or a case",
    models.ArbiterName,
    models.ArbiterShown,
    _show,
)
OPERATIONS: Final = (ARBITER_OFFER, ARBITER_SEND, CONSENTS, CASES, ARBITER_SHOW)
