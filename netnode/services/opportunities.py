"""Opportunities: own ones published, and those of others with what a prospect reads before joining."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET

from netnode.market import money
from netnode.operations import models
from netnode.ports import Clock, Entropy
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging, team_views
from netnode.services.listings import Standings
from netnode.services.plan_reports import PlanReports, team_earnings
from netnode.services.ports import OwnLog
from netnode.store import Reader
from netnode.teams.reading import OwnerLog, TeamLogs, opportunity_of
from protocol.errors import LocalProtocolError, Void
from protocol.limits import SALT_BYTES
from protocol.records import Opportunity, Per, Price, encode_record
from protocol.records.opportunity import Cost
from protocol.teams.disclosure import Claim, Document, encode_document

_LIST: Final = "opportunities"
_WHOLE: Final = 10_000


class Opportunities:
    """`operations.services.Opportunities`.

    Args:
        own: signs.
        logs: the teams of logs held here.
        clock: the date.
        entropy: salts of records.
        reports: measures plans.
        standings: what speaks against owners, as issuers of credit.
    """

    def __init__(
        self,
        own: OwnLog,
        logs: TeamLogs,
        clock: Clock,
        entropy: Entropy,
        reports: PlanReports,
        standings: Standings,
    ) -> None:
        self._own = own
        self._logs = logs
        self._clock = clock
        self._entropy = entropy
        self._reports = reports
        self._standings = standings

    async def publish(self, request: models.OpportunityPublish) -> models.OpportunityShown:
        """Publishes an opportunity, or its next version; on disk when it returns.

        Raises:
            Problem: a field that INX does not allow (2), naming it; or as `OwnLog.append`.
        """
        try:
            document = encode_document(_document(request.disclosure))
            data = encode_record(self._record(request, document))
        except (Void, LocalProtocolError) as error:
            raise Problem(
                f"This opportunity cannot be published: {error.text}.", ExitCode.USAGE, "opportunity"
            ) from error
        await self._own.append([(Opportunity.KIND, data)])
        return await self._shown(self._own.id, request.key)

    async def show(self, team: str) -> models.OpportunityShown:
        """An opportunity with its disclosure. Raises Problem 3 where there is none."""
        owner, key = named(team, self._own.id)
        return await self._shown(owner, key)

    async def list(self, query: models.OpportunitiesQuery) -> models.Page[models.Opportunity]:
        """Opportunities of one networker, by key."""
        after = paging.opened(_LIST, query.cursor, str)
        owner = self._own.id if query.owner is None else views.networker_id(query.owner)
        now = self._clock.now_ms()

        def found(reader: Reader, log: OwnerLog) -> models.Page[models.Opportunity]:
            keys = sorted(key for key in log.opportunities if after is None or key > after[0])
            page = keys[: query.limit]
            names = team_views.names_of(reader, [owner])
            items = [
                msgspec.structs.replace(
                    team_views.opportunity_view(log, log.opportunities[key], names, now),
                    earnings=team_earnings(log.ledger, key, now),
                )
                for key in page
            ]
            return models.Page(items, paging.seal(_LIST, page[-1]) if len(keys) > len(page) else None)

        listed = await self._logs.study(owner, found)
        items = [
            msgspec.structs.replace(each, report=await self._reports.of_team(owner, each.key))
            for each in listed.items
        ]
        return models.Page(items, listed.next)

    async def close(self, key: str) -> models.OpportunityShown:
        """Closes an own opportunity; its team goes on. Raises Problem 3 where there is none."""
        key = own_key(key, self._own.id)
        log = await self._logs.of(self._own.id)
        record = opportunity_of(log, key).record
        now = self._clock.now_ms()
        fields = {name: getattr(record, name) for name in record.__struct_fields__}
        opens = record.opens if record.opens is UNSET or record.opens <= now else UNSET
        fields |= {"closes": now, "opens": opens, "salt": self._entropy.token(SALT_BYTES)}
        await self._own.append([(Opportunity.KIND, encode_record(Opportunity(**fields)))])
        return await self._shown(self._own.id, key)

    async def _shown(self, owner: bytes, key: str) -> models.OpportunityShown:
        now = self._clock.now_ms()

        def found(reader: Reader, log: OwnerLog) -> models.OpportunityShown:
            offered = opportunity_of(log, key)
            names = team_views.names_of(reader, [owner])
            earnings = team_earnings(log.ledger, key, now)
            return team_views.opportunity_shown(log, offered, names, earnings, now)

        try:
            shown = await self._logs.study(owner, found)
        except Void as void:
            raise Problem(
                f"This opportunity has no disclosure that can be read, so nobody can join: {void.text}.",
                ExitCode.REFUSED,
                void.code,
            ) from void
        report, standing = await self._reports.of_team(owner, key), await self._standings.against(owner)
        return msgspec.structs.replace(shown, report=report, standing=standing)

    def _record(self, request: models.OpportunityPublish, document: bytes) -> Opportunity:
        return Opportunity(
            salt=self._entropy.token(SALT_BYTES),
            closes=UNSET if request.closes is None else request.closes,
            costs=tuple(_cost(index, cost) for index, cost in enumerate(request.costs)),
            description=request.description,
            disclosure=document,
            format=UNSET if request.format is None else request.format,
            key=request.key,
            obligations=UNSET if request.obligations is None else request.obligations,
            opens=UNSET if request.opens is None else request.opens,
            plan=UNSET if request.plan is None else bytes.fromhex(request.plan),
            products=tuple(request.products) or UNSET,
            summary=UNSET if request.summary is None else request.summary,
            terms=UNSET if request.terms is None else request.terms,
            title=request.title,
        )


def named(team: str, own: bytes) -> tuple[bytes, str]:
    """Owner and key of a team as people name it: ``<owner id>/<key>``, or the key of an own one.

    Raises:
        Problem: `usage` (2): what stands before the first ``/`` is no networker id.
    """
    if not team.startswith("nx1"):
        return own, team
    owner, _, key = team.partition("/")
    if not key:
        raise Problem(f"Which team? Write {owner}/KEY.", ExitCode.USAGE, "team")
    return views.networker_id(owner), key


def own_key(team: str, own: bytes) -> str:
    """The key of an own team, named with its owner or without.

    Raises:
        Problem: as `named`; or it is another's (4).
    """
    owner, key = named(team, own)
    if owner != own:
        raise Problem("Only the owner of a team can do that.", ExitCode.REFUSED, "not_owner")
    return key


def _cost(index: int, cost: models.CostGiven) -> Cost:
    return Cost(
        price=Price(
            amount=_amount(f"costs[{index}].amount", cost.amount, cost.currency),
            currency=cost.currency,
            per=UNSET if cost.per is None else Per(count=1, unit=cost.per),
        ),
        purpose=cost.purpose,
        required=cost.required,
        title=cost.title,
    )


def _document(given: models.DisclosureGiven) -> Document:
    claims = [
        Claim(
            amount=_amount(f"disclosure.claims[{index}].amount", claim.amount, claim.currency),
            currency=claim.currency,
            from_=claim.from_,
            members=claim.members,
            of=claim.of,
            points=min(claim.members * _WHOLE // claim.of, _WHOLE),
            until=claim.until,
        )
        for index, claim in enumerate(given.claims)
    ]
    return Document(
        cancellation=given.cancellation,
        claims=tuple(claims),
        identity=given.identity,
        legal=given.legal,
        references=tuple(given.references),
    )


def _amount(field: str, amount: str, currency: str) -> int:
    try:
        return money.parse(amount, currency)
    except money.MoneyError as error:
        raise Problem(f"{field}: {error}.", ExitCode.USAGE, "amount", {"field": field}) from error
