"""Arbiters: consents given and received, and the cases that came to the owner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw
from msgspec import UNSET, UnsetType

from netnode.arbiters.cases import interest
from netnode.arbiters.consents import Consents
from netnode.deals.known import Known, load
from netnode.market import money
from netnode.operations import models
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import deal_views, paging
from netnode.services.ports import OwnLog
from netnode.services.prefixes import ambiguous, span
from netnode.store import Reader, Store, consents, deals
from netnode.store.consents import ConsentRow
from netnode.store.deals import DealRow, Filter
from protocol.deals.bodies import Dispute
from protocol.deals.consent import Consent, parse_consent
from protocol.deals.state import DisputeState
from protocol.identity import id_text
from protocol.limits import MAX_BASIS_POINTS
from protocol.records import Price

_LIST: Final = "consents"
_CASES: Final = "cases"
_NOTHING: Final = bytes(32)


class ArbiterBook:
    """`operations.services.Arbiters`.

    Args:
        store: holds consents and cases.
        own: who rules.
        consents: signs and sends them.
        clock: the date.
    """

    def __init__(self, store: Store, own: OwnLog, consents: Consents, clock: Clock) -> None:
        self._store = store
        self._own = own
        self._consents = consents
        self._clock = clock

    async def offer(self, request: models.ArbiterOffer) -> models.Consent:
        """Consents to rule in deals; durable when it returns.

        Raises:
            Problem: it says too little or contradicts itself (2); the keys are locked (2).
        """
        amount, points = _fee(request)
        seller = None if request.seller is None else views.networker_id(request.seller)
        if seller == self._own.id:
            raise Problem("You cannot rule in deals of your own.", ExitCode.USAGE, "own")
        unsigned = Consent(
            salt=bytes(16),
            amount=amount,
            arbiter=self._own.id,
            currency=UNSET if amount is UNSET or request.currency is None else request.currency,
            epoch=0,
            expires=self._clock.now_ms() + request.expires_in * 1000,
            points=points,
            seller=UNSET if seller is None else seller,
            signature=bytes(64),
            terms=_NOTHING,
            time=0,
        )
        row = await self._consents.give(unsigned, request.terms, self._recipients(request.to))
        return await self._store.read(lambda reader: self._item(reader.connection, row))

    async def send(self, request: models.ArbiterSend) -> models.Consent:
        """Sends an own consent to more networkers.

        Raises:
            Problem: no such consent (3), not an own one (4).
        """
        row = await self._store.read(lambda reader: self._consent(reader, request.consent))
        if row is None:
            raise _unknown(request.consent)
        if not row.own:
            text = "Only its arbiter gives a consent to others. Ask them to send it."
            raise Problem(text, ExitCode.REFUSED, "not_own")
        await self._consents.send(row, self._recipients(request.to))
        return await self._store.read(lambda reader: self._item(reader.connection, row))

    async def list(self, query: models.Listed) -> models.Page[models.Consent]:
        """Consents, the newest first."""
        place = paging.opened(_LIST, query.cursor, int)

        def read(reader: Reader) -> models.Page[models.Consent]:
            rows = consents.page(reader.connection, None if place is None else place[0], query.limit + 1)
            shown = rows[: query.limit]
            items = [self._item(reader.connection, row) for row in shown]
            more = len(rows) > query.limit
            return models.Page(items, paging.seal(_LIST, shown[-1].number) if more else None)

        return await self._store.read(read)

    async def cases(self, query: models.CasesQuery) -> models.Page[models.Case]:
        """Cases, those that wait for the owner first."""
        place = paging.opened(_CASES, query.cursor, int, int, int)
        after = None if place is None else (place[0], place[1], place[2])

        def read(reader: Reader) -> models.Page[models.Case]:
            rows = deals.page(reader.connection, Filter(query.all, "arbiter", None), after, query.limit + 1)
            shown = rows[: query.limit]
            items = [self._case(reader.connection, self._known(reader, row)) for row in shown]
            if len(rows) <= query.limit:
                return models.Page(items)
            last = shown[-1]
            return models.Page(items, paging.seal(_CASES, last.rank, last.until, last.number))

        return await self._store.read(read)

    async def show(self, name: str) -> models.ArbiterShown:
        """A consent with its terms, or a case with the consent that its order holds.

        Raises:
            Problem: there is neither (3).
        """

        def read(reader: Reader) -> models.ArbiterShown:
            row = self._consent(reader, name)
            if row is not None:
                return models.ArbiterShown(
                    consent=self._item(reader.connection, row), terms=row.text or UNSET, case=None
                )
            low, high = span(name)
            rows = [each for each in deals.by_prefix(reader.connection, low, high) if each.role == "arbiter"]
            if len(rows) != 1:
                raise ambiguous(name, "deal") if rows else _unknown(name)
            known = self._known(reader, rows[0])
            signed = known.order.terms.consent
            held = None
            if signed is not UNSET:
                found = parse_consent(signed).id
                held = next(iter(consents.by_prefix(reader.connection, found, found)), None)
            return models.ArbiterShown(
                consent=None if held is None else self._item(reader.connection, held),
                terms=UNSET if held is None else held.text or UNSET,
                case=self._case(reader.connection, known),
            )

        return await self._store.read(read)

    # -- steps -----------------------------------------------------------------------------------------------
    def _recipients(self, to: Sequence[str]) -> Sequence[bytes]:
        found = list(dict.fromkeys(views.networker_id(each) for each in to))
        if self._own.id in found:
            raise Problem("You have your own consent already.", ExitCode.USAGE, "own")
        return found

    def _consent(self, reader: Reader, name: str) -> ConsentRow | None:
        low, high = span(name)
        rows = consents.by_prefix(reader.connection, low, high)
        if len(rows) > 1:
            raise ambiguous(name, "consent")
        return rows[0] if rows else None

    def _known(self, reader: Reader, row: DealRow) -> Known:
        return load(reader.connection, row, self._clock.now_ms())

    def _item(self, connection: apsw.Connection, row: ConsentRow) -> models.Consent:
        consent = parse_consent(row.data).consent
        seller = None if consent.seller is UNSET else consent.seller
        names = views.names(connection, [each for each in (row.arbiter, seller) if each is not None])
        return models.Consent(
            consent=row.id.hex(),
            arbiter=models.DealParty(id=id_text(row.arbiter), name=names.get(row.arbiter, ""), node=True),
            own=row.own,
            state="expired" if consent.expires < self._clock.now_ms() else "open",
            fee=UNSET if consent.amount is UNSET else _money(consent, consent.amount),
            percent=UNSET if consent.points is UNSET else f"{consent.points / 100:g}",
            seller=None
            if seller is None
            else models.DealParty(id=id_text(seller), name=names.get(seller, ""), node=True),
            made=consent.time,
            expires=consent.expires,
        )

    def _case(self, connection: apsw.Connection, known: Known) -> models.Case:
        row = known.row
        shown = deal_views.shown(connection, known, [])
        found = interest(connection, known, self._own.id)
        return models.Case(
            deal=row.id.hex(),
            state=shown.state,
            next=shown.next,
            title=row.title,
            seller=shown.seller,
            buyer=shown.buyer,
            price=shown.figures.price,
            paid=shown.figures.paid,
            fee=shown.arbiter_fee,
            claims=[_claim(known, each) for each in known.state.disputes],
            ruled=known.state.ruling is not None,
            bars=found.bars,
            warnings=list(found.warnings),
        )


def _claim(known: Known, dispute: DisputeState) -> models.Claim:
    body = dispute.message.body
    assert isinstance(body, Dispute)
    said = known.note_of(dispute.message)
    return models.Claim(
        role=dispute.message.role,
        claim=deal_views.price_of(known.order, body.claim),
        text=UNSET if said is None else said.text,
        open=dispute.closed is None,
    )


def _money(consent: Consent, amount: int) -> models.Price:
    return views.price_view(
        Price(amount=amount, currency=consent.currency, issuer=consent.issuer, unit=consent.unit)
    )


def _fee(request: models.ArbiterOffer) -> tuple[int | UnsetType, int | UnsetType]:
    """The fee as an amount, or in basis points."""
    if (request.amount is None) == (request.percent is None):
        text = "What does a ruling cost? Give --fee AMOUNT with --currency, or --fee PERCENT%."
        raise Problem(text, ExitCode.USAGE, "fee")
    if request.percent is not None:
        whole, _, fraction = request.percent.partition(".")
        points = int(whole) * 100 + int(fraction.ljust(2, "0"))
        if points > MAX_BASIS_POINTS:
            raise Problem("A ruling costs at most the whole price: 100 %.", ExitCode.USAGE, "fee")
        return UNSET, points
    if request.currency is None:
        raise Problem("In which currency is the fee? Add --currency, as EUR.", ExitCode.USAGE, "fee")
    try:
        return money.parse(request.amount or "", request.currency), UNSET
    except money.MoneyError as error:
        raise Problem(f"The fee: {error}.", ExitCode.USAGE, "fee") from error


def _unknown(name: str) -> Problem:
    text = f"There is no consent and no case {name[:10]} here. See: netnode arbiter ls, netnode arbiter cases --all"
    return Problem(text, ExitCode.NOT_FOUND, "no_consent")
