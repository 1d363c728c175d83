"""Operations on subscriptions, invoices and credit notes."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _list(services: Services, request: models.SubscriptionsQuery) -> models.Page[models.Subscription]:
    return await services.subscriptions.list(request)


async def _pause(services: Services, request: models.DealName) -> models.Subscription:
    return await services.subscriptions.pause(request.deal)


async def _resume(services: Services, request: models.DealName) -> models.Subscription:
    return await services.subscriptions.resume(request.deal)


async def _end(services: Services, request: models.DealName) -> models.Subscription:
    return await services.subscriptions.end(request.deal)


async def _consent(services: Services, request: models.SubscriptionPrice) -> models.Subscription:
    return await services.subscriptions.consent(request)


async def _renew(services: Services, request: models.SubscriptionRenew) -> models.DealState:
    return await services.subscriptions.renew(request)


async def _invoice(services: Services, request: models.InvoiceOrder) -> models.Invoice:
    return await services.subscriptions.invoice(request)


SUBSCRIPTIONS: Final = Operation(
    "subscription.list",
    "GET",
    "/subscriptions",
    "Subscriptions, with their renewals and what comes next",
    models.SubscriptionsQuery,
    models.Page[models.Subscription],
    _list,
)
SUBSCRIPTION_PAUSE: Final = Operation(
    "subscription.pause",
    "POST",
    "/subscriptions/pause",
    "No renewals for now",
    models.DealName,
    models.Subscription,
    _pause,
    signs=True,
)
SUBSCRIPTION_RESUME: Final = Operation(
    "subscription.resume",
    "POST",
    "/subscriptions/resume",
    "Renewals go on",
    models.DealName,
    models.Subscription,
    _resume,
    signs=True,
)
SUBSCRIPTION_END: Final = Operation(
    "subscription.end",
    "POST",
    "/subscriptions/end",
    "No renewals any more, for good",
    models.DealName,
    models.Subscription,
    _end,
    signs=True,
)
SUBSCRIPTION_CONSENT: Final = Operation(
    "subscription.consent",
    "POST",
    "/subscriptions/consent",
    "Consent to another price, or ask the buyer for it",
    models.SubscriptionPrice,
    models.Subscription,
    _consent,
    signs=True,
)
SUBSCRIPTION_RENEW: Final = Operation(
    "subscription.renew",
    "POST",
    "/subscriptions/renew",
    "Make the next renewal now",
    models.SubscriptionRenew,
    models.DealState,
    _renew,
    signs=True,
)
INVOICE: Final = Operation(
    "deal.invoice",
    "POST",
    "/deals/invoice",
    "The invoice or credit note of a deal; its number is taken for good",
    models.InvoiceOrder,
    models.Invoice,
    _invoice,
)
OPERATIONS: Final = (
    SUBSCRIPTIONS,
    SUBSCRIPTION_PAUSE,
    SUBSCRIPTION_RESUME,
    SUBSCRIPTION_END,
    SUBSCRIPTION_CONSENT,
    SUBSCRIPTION_RENEW,
    INVOICE,
)
