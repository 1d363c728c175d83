"""Operations on credit that read: figures, statements, audits, the open period."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _balance(services: Services, request: models.CreditQuery) -> models.CreditBalance:
    return await services.ledgers.balance(request)


async def _list(services: Services, request: models.CreditsQuery) -> models.Page[models.CreditIssuer]:
    return await services.ledgers.list(request)


async def _statement(services: Services, request: models.StatementQuery) -> models.CreditStatement:
    return await services.ledgers.statement(request)


async def _audit(services: Services, request: models.IssuerName) -> models.CreditAudit:
    return await services.ledgers.audit(request.issuer)


async def _explain(services: Services, request: models.CreditExplain) -> models.CreditExplained:
    return await services.ledgers.explain(request)


async def _explain_award(services: Services, request: models.AwardExplain) -> models.AwardExplained:
    return await services.ledgers.explain_award(request)


async def _period(services: Services, request: models.PeriodQuery) -> models.PeriodOpen:
    return await services.ledgers.period(request)


async def _replay(services: Services, request: models.PlanReplay) -> models.PlanReplayed:
    return await services.ledgers.replay(request)


CREDIT_BALANCE: Final = Operation(
    "credit.balance",
    "GET",
    "/credits/balance",
    "What a holder has of an issuer",
    models.CreditQuery,
    models.CreditBalance,
    _balance,
)
CREDITS: Final = Operation(
    "credit.list",
    "GET",
    "/credits",
    "Issuers: what you have of each, and how it treats promoters",
    models.CreditsQuery,
    models.Page[models.CreditIssuer],
    _list,
    page=True,
    slow=True,
)
CREDIT_STATEMENT: Final = Operation(
    "credit.statement",
    "GET",
    "/credits/statement",
    "Figures before and after a period, and the lines between",
    models.StatementQuery,
    models.CreditStatement,
    _statement,
    page=True,
    slow=True,
)
CREDIT_AUDIT: Final = Operation(
    "credit.audit",
    "GET",
    "/credits/audit",
    "Every award and balance of an issuer recomputed from its log",
    models.IssuerName,
    models.CreditAudit,
    _audit,
    slow=True,
)
CREDIT_EXPLAIN: Final = Operation(
    "credit.explain",
    "GET",
    "/credits/explain",
    "The awards of one sale in words",
    models.CreditExplain,
    models.CreditExplained,
    _explain,
    slow=True,
)
CREDIT_EXPLAIN_AWARD: Final = Operation(
    "credit.explain_award",
    "GET",
    "/credits/explain/award",
    "The awards of one holder and closed period in words",
    models.AwardExplain,
    models.AwardExplained,
    _explain_award,
    slow=True,
)
PERIOD_OPEN: Final = Operation(
    "period.open",
    "GET",
    "/periods/open",
    "The open period of a team as it stands now",
    models.PeriodQuery,
    models.PeriodOpen,
    _period,
    page=True,
    slow=True,
)
PLAN_REPLAY: Final = Operation(
    "plan.replay",
    "POST",
    "/plans/replay",
    "What a plan would have paid on all that a team's log has; changes nothing",
    models.PlanReplay,
    models.PlanReplayed,
    _replay,
    slow=True,
)
OPERATIONS: Final = (
    CREDIT_BALANCE,
    CREDITS,
    CREDIT_STATEMENT,
    CREDIT_AUDIT,
    CREDIT_EXPLAIN,
    CREDIT_EXPLAIN_AWARD,
    PERIOD_OPEN,
    PLAN_REPLAY,
)
