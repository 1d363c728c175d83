"""Operations on deals, offers and stock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

from msgspec import Struct

from netnode.operations import models
from netnode.operations.operation import Download, Operation
from netnode.operations.services import Services

Request = TypeVar("Request", bound=Struct)


def _move(
    name: str,
    summary: str,
    request: type[Request],
    handler: Callable[[Services, Request], Awaitable[models.DealState]],
    *,
    slow: bool = False,
) -> Operation[Request, models.DealState]:
    """An operation that sends one message of a deal."""
    return Operation(
        f"deal.{name}",
        "POST",
        f"/deals/{name}",
        summary,
        request,
        models.DealState,
        handler,
        signs=True,
        slow=slow,
    )


async def _order(services: Services, request: models.DealOrder) -> models.DealState:
    return await services.deals.order(request)


async def _accept(services: Services, request: models.DealAccept) -> models.DealState:
    return await services.deals.accept(request)


async def _decline(services: Services, request: models.DealEnd) -> models.DealState:
    return await services.deals.decline(request)


async def _cancel(services: Services, request: models.DealEnd) -> models.DealState:
    return await services.deals.cancel(request)


async def _paid(services: Services, request: models.DealMoney) -> models.DealState:
    return await services.deals.paid(request)


async def _received(services: Services, request: models.DealMoney) -> models.DealState:
    return await services.deals.received(request)


async def _fulfil(services: Services, request: models.DealFulfil) -> models.DealState:
    return await services.deals.fulfil(request)


async def _receipt(services: Services, request: models.DealPartName) -> models.DealState:
    return await services.deals.receipt(request)


async def _refund(services: Services, request: models.DealMoney) -> models.DealState:
    return await services.deals.refund(request)


async def _refunded(services: Services, request: models.DealMoney) -> models.DealState:
    return await services.deals.refunded(request)


async def _dispute(services: Services, request: models.DealDispute) -> models.DealState:
    return await services.deals.dispute(request)


async def _rule(services: Services, request: models.DealRuling) -> models.DealState:
    return await services.deals.rule(request)


async def _lapse(services: Services, request: models.DealLapse) -> models.DealState:
    return await services.deals.lapse(request)


async def _presume(services: Services, request: models.DealPresume) -> models.DealState:
    return await services.deals.presume(request)


async def _ask(services: Services, request: models.DealAsk) -> models.DealState:
    return await services.deals.ask(request)


async def _show(services: Services, request: models.DealName) -> models.DealShown:
    return await services.deals.show(request.deal)


async def _list(services: Services, request: models.DealsQuery) -> models.Page[models.DealItem]:
    return await services.deals.list(request)


def _content(services: Services, request: models.DealContent) -> AsyncIterator[bytes]:
    return services.deals.content(request)


def _export(services: Services, request: models.DealName) -> AsyncIterator[bytes]:
    return services.deals.export(request.deal)


async def _stock(services: Services, request: models.ListingKey) -> models.Stock:
    return await services.stock.show(request.key)


async def _set_stock(services: Services, request: models.StockChange) -> models.Stock:
    return await services.stock.change(request)


async def _make(services: Services, request: models.OfferMake) -> models.OfferItem:
    return await services.offers.make(request)


async def _offers(services: Services, request: models.Listed) -> models.Page[models.OfferItem]:
    return await services.offers.list(request)


async def _offer(services: Services, request: models.OfferName) -> models.OfferShown:
    return await services.offers.show(request.offer)


async def _end(services: Services, request: models.OfferName) -> models.OfferItem:
    return await services.offers.end(request.offer)


ORDER: Final = _move("order", "Order a listing or what an offer quotes", models.DealOrder, _order, slow=True)
ACCEPT: Final = _move("accept", "Accept an order", models.DealAccept, _accept)
DECLINE: Final = _move("decline", "Decline an order", models.DealEnd, _decline)
CANCEL: Final = _move("cancel", "End what is open", models.DealEnd, _cancel)
PAID: Final = _move("paid", "Say that a payment was sent", models.DealMoney, _paid)
RECEIVED: Final = _move("received", "Confirm a payment", models.DealMoney, _received)
FULFIL: Final = _move("fulfil", "Deliver a part", models.DealFulfil, _fulfil)
RECEIPT: Final = _move("receipt", "Confirm a part", models.DealPartName, _receipt)
REFUND: Final = _move("refund", "Say that money was paid back", models.DealMoney, _refund)
REFUNDED: Final = _move("refunded", "Confirm a refund", models.DealMoney, _refunded)
DISPUTE: Final = _move("dispute", "Open a dispute", models.DealDispute, _dispute)
RULE: Final = _move("rule", "Rule on a dispute", models.DealRuling, _rule)
LAPSE: Final = _move("lapse", "End what did not come in time", models.DealLapse, _lapse)
PRESUME: Final = _move("presume", "Presume what was not confirmed in time", models.DealPresume, _presume)
ASK: Final = Operation(
    "deal.ask",
    "POST",
    "/deals/ask",
    "Ask the other side for everything of a deal",
    models.DealAsk,
    models.DealState,
    _ask,
)
DEAL_SHOW: Final = Operation(
    "deal.show",
    "GET",
    "/deals/show",
    "A deal with its whole history",
    models.DealName,
    models.DealShown,
    _show,
)
DEALS: Final = Operation(
    "deal.list",
    "GET",
    "/deals",
    "Deals, those that wait for the owner first",
    models.DealsQuery,
    models.Page[models.DealItem],
    _list,
    page=True,
)
DEAL_CONTENT: Final = Download(
    "deal.content",
    "/deals/content",
    "The file that was delivered in a deal",
    models.DealContent,
    _content,
)
DEAL_EXPORT: Final = Download(
    "deal.export",
    "/deals/export",
    "A deal as a file that proves itself",
    models.DealName,
    _export,
)
STOCK: Final = Operation(
    "listing.stock",
    "GET",
    "/listings/stock",
    "The private stock of an own listing",
    models.ListingKey,
    models.Stock,
    _stock,
)
STOCK_SET: Final = Operation(
    "listing.stock_set",
    "POST",
    "/listings/stock",
    "Set the stock of an own listing",
    models.StockChange,
    models.Stock,
    _set_stock,
)
OFFER_MAKE: Final = Operation(
    "offer.make",
    "POST",
    "/offers/make",
    "Sign an offer",
    models.OfferMake,
    models.OfferItem,
    _make,
    signs=True,
)
OFFERS: Final = Operation(
    "offer.list",
    "GET",
    "/offers",
    "Offers made here and received",
    models.Listed,
    models.Page[models.OfferItem],
    _offers,
    page=True,
)
OFFER_SHOW: Final = Operation(
    "offer.show", "GET", "/offers/show", "One offer in full", models.OfferName, models.OfferShown, _offer
)
OFFER_END: Final = Operation(
    "offer.end", "POST", "/offers/end", "Take an offer back", models.OfferName, models.OfferItem, _end
)
OPERATIONS: Final = (
    ORDER,
    ACCEPT,
    DECLINE,
    CANCEL,
    PAID,
    RECEIVED,
    FULFIL,
    RECEIPT,
    REFUND,
    REFUNDED,
    DISPUTE,
    RULE,
    LAPSE,
    PRESUME,
    ASK,
    DEAL_SHOW,
    DEALS,
    DEAL_CONTENT,
    DEAL_EXPORT,
    STOCK,
    STOCK_SET,
    OFFER_MAKE,
    OFFERS,
    OFFER_SHOW,
    OFFER_END,
)
