"""Operations on credit that sign: what holders ask, what issuers publish."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _transfer(services: Services, request: models.CreditTransfer) -> models.CreditRequest:
    return await services.credits.transfer(request)


async def _redeem(services: Services, request: models.CreditMove) -> models.CreditRequest:
    return await services.credits.redeem(request)


async def _payout(services: Services, request: models.CreditPayout) -> models.CreditRequest:
    return await services.credits.payout(request)


async def _accept(services: Services, request: models.CreditAcceptance) -> models.CreditLimit:
    return await services.credits.accept(request)


async def _limits(services: Services, request: models.Listed) -> models.Page[models.CreditLimit]:
    return await services.credits.limits(request)


async def _requests(
    services: Services, request: models.CreditRequestsQuery
) -> models.Page[models.CreditRequest]:
    return await services.credits.requests(request)


async def _challenge(services: Services, request: models.CreditChallenge) -> models.CreditChallenged:
    return await services.credits.challenge(request)


async def _sales(services: Services, request: models.CreditSalesQuery) -> models.Page[models.CreditSale]:
    return await services.credits.sales(request)


async def _publish(services: Services, request: models.PlanPublish) -> models.PlanPublished:
    return await services.credits.publish(request)


async def _preview(services: Services, request: models.PeriodChoice) -> models.PeriodClosed:
    return await services.credits.preview(request)


async def _close(services: Services, request: models.PeriodChoice) -> models.PeriodClosed:
    return await services.credits.close(request)


CREDIT_TRANSFER: Final = Operation(
    "credit.transfer",
    "POST",
    "/credits/transfer",
    "Ask an issuer to give credit to somebody else",
    models.CreditTransfer,
    models.CreditRequest,
    _transfer,
    signs=True,
)
CREDIT_REDEEM: Final = Operation(
    "credit.redeem",
    "POST",
    "/credits/redeem",
    "Ask an issuer to take credit as payment",
    models.CreditMove,
    models.CreditRequest,
    _redeem,
    signs=True,
)
CREDIT_PAYOUT: Final = Operation(
    "credit.payout",
    "POST",
    "/credits/payout",
    "Say that credit was paid out elsewhere",
    models.CreditPayout,
    models.CreditRequest,
    _payout,
    signs=True,
)
CREDIT_ACCEPT: Final = Operation(
    "credit.accept_policy",
    "POST",
    "/credits/limits",
    "Say up to how much of an issuer's credit the owner is willing to hold",
    models.CreditAcceptance,
    models.CreditLimit,
    _accept,
    signs=True,
)
CREDIT_LIMITS: Final = Operation(
    "credit.limits",
    "GET",
    "/credits/limits",
    "What the owner is willing to hold",
    models.Listed,
    models.Page[models.CreditLimit],
    _limits,
    page=True,
)
CREDIT_REQUESTS: Final = Operation(
    "credit.requests",
    "GET",
    "/credits/requests",
    "Requests to issuers, and those of holders to the owner",
    models.CreditRequestsQuery,
    models.Page[models.CreditRequest],
    _requests,
    page=True,
)
CREDIT_CHALLENGE: Final = Operation(
    "credit.challenge",
    "POST",
    "/credits/challenge",
    "Challenge an issuer that logs nothing, in public",
    models.CreditChallenge,
    models.CreditChallenged,
    _challenge,
    signs=True,
)
CREDIT_SALES: Final = Operation(
    "credit.sales",
    "GET",
    "/credits/sales",
    "Own deals that are not in the own ledger, and why",
    models.CreditSalesQuery,
    models.Page[models.CreditSale],
    _sales,
    page=True,
)
PLAN_PUBLISH: Final = Operation(
    "plan.publish",
    "POST",
    "/plans",
    "Publish a plan that the rules allow",
    models.PlanPublish,
    models.PlanPublished,
    _publish,
    signs=True,
)
PERIOD_PREVIEW: Final = Operation(
    "period.preview",
    "GET",
    "/periods/preview",
    "What the close of a period would publish",
    models.PeriodChoice,
    models.PeriodClosed,
    _preview,
)
PERIOD_CLOSE: Final = Operation(
    "period.close",
    "POST",
    "/periods/close",
    "Close the next period of an own plan",
    models.PeriodChoice,
    models.PeriodClosed,
    _close,
    signs=True,
    slow=True,
)
OPERATIONS: Final = (
    CREDIT_TRANSFER,
    CREDIT_REDEEM,
    CREDIT_PAYOUT,
    CREDIT_ACCEPT,
    CREDIT_LIMITS,
    CREDIT_REQUESTS,
    CREDIT_CHALLENGE,
    CREDIT_SALES,
    PLAN_PUBLISH,
    PERIOD_PREVIEW,
    PERIOD_CLOSE,
)
