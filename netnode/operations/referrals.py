"""Operations on recommendations, on how orders are attributed, and on alliances."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _make(services: Services, request: models.ReferralMake) -> models.ReferralShown:
    return await services.referrals.make(request)


async def _forward(services: Services, request: models.ReferralForward) -> models.ReferralShown:
    return await services.referrals.forward(request)


async def _show(services: Services, request: models.ReferralChoice) -> models.ReferralShown:
    return await services.referrals.show(request)


async def _list(services: Services, request: models.ReferralsQuery) -> models.Page[models.ReferralShown]:
    return await services.referrals.list(request)


async def _orders(services: Services, request: models.ReferralOrders) -> models.Page[models.ReferralOrder]:
    return await services.referrals.orders(request)


async def _policy(services: Services, request: models.AttributionQuery) -> models.AttributionShown:
    return await services.referrals.policy(request)


async def _set_policy(services: Services, request: models.AttributionSet) -> models.AttributionShown:
    return await services.referrals.set_policy(request)


async def _propose(services: Services, request: models.AlliancePropose) -> models.AllianceShown:
    return await services.alliances.propose(request)


async def _accept(services: Services, request: models.AllianceName) -> models.AllianceShown:
    return await services.alliances.accept(request.alliance)


async def _end(services: Services, request: models.AllianceName) -> models.AllianceShown:
    return await services.alliances.end(request.alliance)


async def _alliance(services: Services, request: models.AllianceName) -> models.AllianceShown:
    return await services.alliances.show(request.alliance)


async def _alliances(services: Services, request: models.AlliancesQuery) -> models.Page[models.AllianceShown]:
    return await services.alliances.list(request)


REFER_MAKE: Final = Operation(
    "refer.make", "POST", "/referrals/make", "Recommend a listing or a seller: a link, a code",
    models.ReferralMake, models.ReferralShown, _make, signs=True,
)  # fmt: skip
REFER_FORWARD: Final = Operation(
    "refer.forward", "POST", "/referrals/forward", "Pass a recommendation on",
    models.ReferralForward, models.ReferralShown, _forward, signs=True,
)  # fmt: skip
REFER_SHOW: Final = Operation(
    "refer.show", "POST", "/referrals/show", "What a link, a code or an id says; keep it as what led here",
    models.ReferralChoice, models.ReferralShown, _show,
)  # fmt: skip
REFERRALS: Final = Operation(
    "refer.list", "GET", "/referrals", "Recommendations, the newest first, and what they brought",
    models.ReferralsQuery, models.Page[models.ReferralShown], _list, page=True,
)  # fmt: skip
REFER_ORDERS: Final = Operation(
    "refer.orders", "GET", "/referrals/orders", "Deals brought about, and what the sellers' logs award for them",
    models.ReferralOrders, models.Page[models.ReferralOrder], _orders, page=True,
)  # fmt: skip
ATTRIBUTION: Final = Operation(
    "refer.policy", "GET", "/referrals/policy", "How a seller attributes orders",
    models.AttributionQuery, models.AttributionShown, _policy,
)  # fmt: skip
ATTRIBUTION_SET: Final = Operation(
    "refer.set_policy", "POST", "/referrals/policy", "Change how orders are attributed, and the gift",
    models.AttributionSet, models.AttributionShown, _set_policy, signs=True,
)  # fmt: skip
ALLIANCE_PROPOSE: Final = Operation(
    "alliance.propose", "POST", "/alliances/propose", "Propose an alliance",
    models.AlliancePropose, models.AllianceShown, _propose, signs=True,
)  # fmt: skip
ALLIANCE_ACCEPT: Final = Operation(
    "alliance.accept", "POST", "/alliances/accept", "Accept an alliance; both logs publish it",
    models.AllianceName, models.AllianceShown, _accept, signs=True,
)  # fmt: skip
ALLIANCE_END: Final = Operation(
    "alliance.end", "POST", "/alliances/end", "End an alliance by its notice",
    models.AllianceName, models.AllianceShown, _end, signs=True,
)  # fmt: skip
ALLIANCE_SHOW: Final = Operation(
    "alliance.show", "GET", "/alliances/show", "One alliance",
    models.AllianceName, models.AllianceShown, _alliance,
)  # fmt: skip
ALLIANCES: Final = Operation(
    "alliance.list", "GET", "/alliances", "Alliances and proposals, the newest first",
    models.AlliancesQuery, models.Page[models.AllianceShown], _alliances, page=True,
)  # fmt: skip
OPERATIONS: Final = (
    REFER_MAKE, REFER_FORWARD, REFER_SHOW, REFERRALS, REFER_ORDERS, ATTRIBUTION, ATTRIBUTION_SET,
    ALLIANCE_PROPOSE, ALLIANCE_ACCEPT, ALLIANCE_END, ALLIANCE_SHOW, ALLIANCES,
)  # fmt: skip
