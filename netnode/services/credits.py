"""Credit of the owner and by the owner: requests, limits, challenges; plans and closes of periods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import UNSET

from netnode.issuing.asking import Wish
from netnode.issuing.issuing import Issuing
from netnode.issuing.periods import Close
from netnode.issuing.units import COMMISSION_DIGITS, exponents, minor, one_unit
from netnode.ledgers.facts import exponent_of
from netnode.mail.letters import Delivery
from netnode.operations import models
from netnode.plans import reporting
from netnode.plans.laboratory import measure, opened
from netnode.plans.values import amount_text
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging
from netnode.services.deals import one_deal
from netnode.services.opportunities import own_key
from netnode.services.prefixes import ambiguous, span
from netnode.services.team_views import Names, names_of, team_name
from netnode.store import Reader, credits, shop
from netnode.store.credits import LimitRow, RequestRow
from protocol.errors import Void
from protocol.ledger.effects import movement_id
from protocol.ledger.statements import Limit, Request, read
from protocol.plans.document import Compiled
from protocol.plans.linting import Finding
from protocol.records import Plan, decode_record

_LIMITS: Final = "credit limits"
_REQUESTS: Final = "credit requests"
_SALES: Final = "credit sales"
_GONE: Final = ("unknown_author", "incomplete")


class CreditDesk:
    """`operations.services.Credits`.

    Args:
        issued: what signs and logs.
    """

    def __init__(self, issued: Issuing) -> None:
        self._issued = issued
        self._means = issued.means

    # -- asking ----------------------------------------------------------------------------------------------
    async def transfer(self, request: models.CreditTransfer) -> models.CreditRequest:
        """Asks for a transfer.

        Raises:
            Problem: the unit or amount is none of this issuer (2); `not_covered`, `own` (4); locked keys (2).
        """
        to = views.networker_id(request.to)
        if to == self._means.own.id:
            raise Problem("This is your own id: credit goes to somebody else.", ExitCode.USAGE, "own")
        return await self._ask(await self._wish("transfer", request, recipient=to), request.anyway)

    async def redeem(self, request: models.CreditMove) -> models.CreditRequest:
        """Asks for a redemption that names no deal; as `transfer`."""
        return await self._ask(await self._wish("redeem", request), request.anyway)

    async def payout(self, request: models.CreditPayout) -> models.CreditRequest:
        """Says that credit was paid out; as `transfer`.

        Raises:
            Problem: `not_confirmed` (4): without `received`.
        """
        if not request.received:
            raise Problem(
                f"By this you sign that the issuer has paid you {request.amount} outside of this program, and they owe "
                "you that much less. If the money has arrived, add --received.",
                ExitCode.REFUSED,
                "not_confirmed",
            )
        return await self._ask(await self._wish("payout", request), request.anyway)

    async def accept(self, request: models.CreditAcceptance) -> models.CreditLimit:
        """Signs and sends a limit.

        Raises:
            Problem: the amount is none of that unit (2); `own` (2); locked keys (2).
        """
        issuer = self._issuer(request.issuer)
        _, exponent = await self._unit(issuer, request.unit)
        row = await self._issued.asking.accept(
            issuer,
            request.unit,
            minor(request.amount, request.unit, exponent),
            days=request.days,
            lasts=request.lasts,
            to=None if request.to is None else views.networker_id(request.to),
        )
        return await self._limit(row, await self._names([issuer]))

    async def challenge(self, request: models.CreditChallenge) -> models.CreditChallenged:
        """Publishes a challenge.

        Raises:
            Problem: no such request or witnessed order (3); it was carried out (4); locked keys (2).
        """
        if (request.request is None) == (request.order is None):
            raise Problem("What is not logged? Give --request ID, or --order ID.", ExitCode.USAGE, "usage")
        if request.request is not None:
            row = await self._own_request(request.request)
            if (await self._request(row, await self._names([]))).state == "logged":
                raise Problem("That request is in the issuer's log.", ExitCode.REFUSED, "already_logged")
            made = await self._issued.challenging.claim_request(row)
        else:
            made = await self._issued.challenging.claim_sale(await self._witnessed(request.order or ""))
        names = await self._names([made.issuer])
        return models.CreditChallenged(entry=made.id.hex(), issuer=names.person(made.issuer))

    # -- looking ---------------------------------------------------------------------------------------------
    async def limits(self, query: models.Listed) -> models.Page[models.CreditLimit]:
        """The owner's limits, by issuer and unit."""
        place = paging.opened(_LIMITS, query.cursor, int)
        start = 0 if place is None else place[0]
        own = self._means.own.id
        rows = await self._means.store.read(lambda reader: credits.own_limits(reader.connection, own))
        page = rows[start : start + query.limit]
        names = await self._names(row.issuer for row in page)
        items = [await self._limit(row, names) for row in page]
        end = start + len(page)
        return models.Page(items, paging.seal(_LIMITS, end) if end < len(rows) else None)

    async def requests(self, query: models.CreditRequestsQuery) -> models.Page[models.CreditRequest]:
        """Requests, own ones and those of others, the newest first."""
        place = paging.opened(_REQUESTS, query.cursor, int)
        before: int | None = None if place is None else place[0]
        rows = await self._means.store.read(
            lambda reader: credits.requests(reader.connection, before, query.limit + 1, waiting=query.waiting)
        )
        page = rows[: query.limit]
        names = await self._names(each for row in page for each in _people(row))
        items = [await self._request(row, names) for row in page]
        following = paging.seal(_REQUESTS, page[-1].number) if len(rows) > len(page) else None
        return models.Page(items, following)

    async def sales(self, query: models.CreditSalesQuery) -> models.Page[models.CreditSale]:
        """Own deals of which something is not logged, and why."""
        place = paging.opened(_SALES, query.cursor, int)
        after = 0 if place is None else place[0]
        rows = await self._means.store.read(
            lambda reader: credits.sales(reader.connection, "", after, query.limit + 1)
        )
        page = rows[: query.limit]
        items = [
            models.CreditSale(deal=deal.hex(), code=row.code or "", text=row.text, again=row.due)
            for deal, row in page
        ]
        return models.Page(items, paging.seal(_SALES, page[-1][1].number) if len(rows) > len(page) else None)

    # -- the issuer ------------------------------------------------------------------------------------------
    async def publish(self, request: models.PlanPublish) -> models.PlanPublished:
        """Publishes a plan; see `issuing.plans.Plans.publish`.

        Raises:
            Problem: it is no plan (2); its rules are refused, with the findings (4).
        """
        try:
            plan = decode_record(Plan.KIND, request.plan)
        except Void as void:
            raise Problem(f"This is no plan: {void.text}.", ExitCode.USAGE, "plan") from void
        assert isinstance(plan, Plan)  # by its kind
        found = await self._issued.plans.publish(plan)
        compiled = found.report.compiled
        assert compiled is not None  # else it was not published
        measured = await self._means.store.read(
            lambda reader: _measured(compiled, request.trees, request.seed)
        )
        return models.PlanPublished(
            plan=found.hash.hex(),
            title=plan.title,
            opportunity=None if plan.opportunity is UNSET else plan.opportunity,
            entry=found.seq,
            starts=found.starts,
            findings=[
                models.PlanFinding(rule=each.rule, verdict=each.verdict, text=each.text)
                for each in (*found.report.findings, *measured)
            ],
        )

    async def preview(self, request: models.PeriodChoice) -> models.PeriodClosed:
        """What a close would publish; as `Periods.preview`."""
        key = own_key(request.key, self._means.own.id)
        return await self._closed(await self._issued.periods.preview(key, request.at), request.limit)

    async def close(self, request: models.PeriodChoice) -> models.PeriodClosed:
        """Closes a period; as `Periods.close`."""
        key = own_key(request.key, self._means.own.id)
        return await self._closed(await self._issued.periods.close(key, request.at), request.limit)

    # -- inside ----------------------------------------------------------------------------------------------
    def _issuer(self, text: str) -> bytes:
        issuer = views.networker_id(text)
        if issuer == self._means.own.id:
            raise Problem("This is your own id: nobody holds their own credit.", ExitCode.USAGE, "own")
        return issuer

    async def _unit(self, issuer: bytes, unit: str | None) -> tuple[str, int]:
        """The unit that is meant and its digits; where the log is not held, two."""
        try:
            units = await self._issued.ledgers.ask(issuer, exponents)
        except Problem as problem:
            if problem.code not in _GONE or unit is None:
                raise
            return unit, COMMISSION_DIGITS
        name = one_unit(units, unit)
        return name, units.get(name, COMMISSION_DIGITS)

    async def _wish(self, action: str, request: models.CreditMove, recipient: bytes | None = None) -> Wish:
        issuer = self._issuer(request.issuer)
        unit, exponent = await self._unit(issuer, request.unit)
        amount = minor(request.amount, unit, exponent)
        if amount < 1:
            raise Problem("An amount is at least the smallest part of its unit.", ExitCode.USAGE, "amount")
        return Wish(
            action,  # type: ignore[arg-type]
            issuer,
            unit,
            amount,
            UNSET if recipient is None else recipient,
            days=request.days,
        )

    async def _ask(self, wish: Wish, anyway: bool) -> models.CreditRequest:
        row = await self._issued.asking.ask(wish, anyway=anyway)
        return await self._request(row, await self._names(_people(row)))

    async def _names(self, people: Iterable[bytes]) -> Names:
        return await self._means.store.read(names_of, sorted(set(people)))

    async def _request(self, row: RequestRow, names: Names) -> models.CreditRequest:
        said = read(Request, row.data)
        try:
            exponent, logged = await self._issued.ledgers.ask(
                row.issuer,
                lambda ledger: (exponent_of(ledger, said.unit), movement_id(row.id) in ledger.effects),
            )
        except Problem as problem:
            if problem.code not in _GONE:
                raise
            exponent, logged = COMMISSION_DIGITS, False
        delivery = None
        if row.own and row.letter is not None:
            delivery = await self._means.letters.delivery(row.letter)
        state, code, text = _state(row, logged, delivery)
        return models.CreditRequest(
            request=row.id.hex(),
            own=row.own,
            action=said.action,
            issuer=names.person(row.issuer),
            holder=names.person(row.holder),
            amount=amount_text(said.amount, exponent),
            unit=said.unit,
            recipient=None if said.recipient is UNSET else names.person(said.recipient),
            deal=None if said.order is UNSET else said.order.hex(),
            state=state,
            code=code,
            text=text,
            entry=row.seq,
            at=row.at,
            expires=said.expires,
        )

    async def _limit(self, row: LimitRow, names: Names) -> models.CreditLimit:
        said = read(Limit, row.data)
        _, exponent = await self._unit(row.issuer, row.unit)
        delivery = None if row.letter is None else await self._means.letters.delivery(row.letter)
        return models.CreditLimit(
            issuer=names.person(row.issuer),
            unit=row.unit,
            amount=amount_text(said.amount, exponent),
            expires=said.expires,
            lasts=None if said.lasts is UNSET else said.lasts,
            sent="" if delivery is None else delivery.state,
        )

    async def _closed(self, close: Close, most: int) -> models.PeriodClosed:
        awards = close.awards[:most]
        names = await self._names(each.to for each in awards)
        return models.PeriodClosed(
            team=team_name(self._means.own.id, close.opportunity),
            plan=close.plan.hex(),
            period=close.label,
            begins=close.begins,
            ends=close.ends,
            over=close.over,
            entry=close.entry,
            hash=close.hash.hex(),
            unit=close.unit,
            total=amount_text(close.total, close.exponent),
            count=close.count,
            awards=[
                models.ClosedAward(
                    to=names.person(each.to),
                    amount=amount_text(each.amount, close.exponent),
                    rule=each.rule,
                    level=each.level,
                )
                for each in awards
            ],
        )

    async def _own_request(self, prefix: str) -> RequestRow:
        low, high = span(prefix)
        rows = await self._means.store.read(
            lambda reader: credits.requests_by_prefix(reader.connection, low, high)
        )
        if not rows or not rows[0].own:
            raise Problem(
                f"There is no request {prefix[:10]} of yours. See them with: netnode credit requests",
                ExitCode.NOT_FOUND,
                "no_request",
            )
        if len(rows) > 1:
            raise ambiguous(prefix, "request")
        return rows[0]

    async def _witnessed(self, prefix: str) -> bytes:
        """The order that is meant: a witnessed one, or a deal of the owner."""

        def found(reader: Reader) -> bytes:
            rows = shop.beginning(reader, prefix.lower())
            if len(rows) > 1:
                raise ambiguous(prefix, "order")
            return rows[0].id if rows else one_deal(reader.connection, prefix).id

        return await self._means.store.read(found)


def _measured(plan: Compiled, trees: int, seed: int) -> list[Finding]:
    """What the laboratory finds of a plan; a second or so for 50 trees, in a reader lane."""
    found = None
    for found in measure(opened(plan), trees, seed):  # noqa: B007 - the last one is whole
        pass
    return [] if found is None else list(reporting.measured(plan, found))


def _people(row: RequestRow) -> tuple[bytes, ...]:
    said = read(Request, row.data)
    return (row.issuer, row.holder, *(() if said.recipient is UNSET else (said.recipient,)))


def _state(
    row: RequestRow, logged: bool, delivery: Delivery | None
) -> tuple[models.CreditRequestState, str | None, str]:
    """How far a request is, and why it is not further."""
    if logged:
        return "logged", None, row.text
    if row.state != "waits" or not row.own:
        return row.state, row.code, row.text
    if delivery is None:
        return "delivered", None, ""
    if delivery.state == "refused":
        return "refused", delivery.code, delivery.reason or ""
    return "queued" if delivery.state in ("queued", "at_mailbox") else "delivered", None, ""
