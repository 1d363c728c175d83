"""Operations on goods that members give back to the owner of a team."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _goods(services: Services, request: models.BuybackGoodsQuery) -> models.Page[models.BuybackGoods]:
    return await services.buybacks.goods(request)


async def _list(services: Services, request: models.BuybacksQuery) -> models.Page[models.Buyback]:
    return await services.buybacks.list(request)


async def _ask(services: Services, request: models.BuybackAsk) -> models.Page[models.Buyback]:
    return await services.buybacks.ask(request)


async def _pay(services: Services, request: models.BuybackPay) -> models.Buyback:
    return await services.buybacks.pay(request)


async def _refuse(services: Services, request: models.BuybackRefuse) -> models.Buyback:
    return await services.buybacks.refuse(request)


async def _challenge(services: Services, request: models.BuybackName) -> models.CreditChallenged:
    return await services.buybacks.challenge(request)


BUYBACK_GOODS: Final = Operation(
    "buyback.goods",
    "GET",
    "/buybacks/goods",
    "What was bought from the owner of a team and can be given back",
    models.BuybackGoodsQuery,
    models.Page[models.BuybackGoods],
    _goods,
    page=True,
)
BUYBACKS: Final = Operation(
    "buyback.list",
    "GET",
    "/buybacks",
    "Requests to take goods back, own ones and members'",
    models.BuybacksQuery,
    models.Page[models.Buyback],
    _list,
    page=True,
)
BUYBACK_ASK: Final = Operation(
    "buyback.ask",
    "POST",
    "/buybacks",
    "Ask the owner of a team to take goods back",
    models.BuybackAsk,
    models.Page[models.Buyback],
    _ask,
    signs=True,
)
BUYBACK_PAY: Final = Operation(
    "buyback.pay",
    "POST",
    "/buybacks/pay",
    "Say that what is owed for goods was paid back",
    models.BuybackPay,
    models.Buyback,
    _pay,
    signs=True,
)
BUYBACK_REFUSE: Final = Operation(
    "buyback.refuse",
    "POST",
    "/buybacks/refuse",
    "Refuse to take goods back",
    models.BuybackRefuse,
    models.Buyback,
    _refuse,
    signs=True,
)
BUYBACK_CHALLENGE: Final = Operation(
    "buyback.challenge",
    "POST",
    "/buybacks/challenge",
    "Challenge an owner in public who does not take goods back",
    models.BuybackName,
    models.CreditChallenged,
    _challenge,
    signs=True,
)
OPERATIONS: Final = (
    BUYBACK_GOODS,
    BUYBACKS,
    BUYBACK_ASK,
    BUYBACK_PAY,
    BUYBACK_REFUSE,
    BUYBACK_CHALLENGE,
)
