"""Recommendations: links and codes made here, what came of them, and how orders are attributed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET

from netnode.ledgers.facts import exponent_of
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.operations import models
from netnode.plans.values import amount_text
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.referring.attributing import policy_of
from netnode.referring.desk import ReferralDesk, link_from
from netnode.services import paging
from netnode.services.identity import OwnIdentity
from netnode.services.invites import Addresses
from netnode.services.ledger_views import percent
from netnode.services.listings import named
from netnode.services.offers import OfferBook
from netnode.services.plan_reports import PlanReports
from netnode.services.ports import OwnLog, Projector
from netnode.services.prefixes import ambiguous, span
from netnode.store import Reader, Store, referrals, shop
from netnode.store.referrals import ReferralRow
from netnode.store.shop import WitnessRow
from protocol import paths
from protocol.address import Scope, host_scope
from protocol.deals.message import parse
from protocol.errors import RemoteProtocolError
from protocol.identity import id_text, parse_id
from protocol.ledger.effects import Sold, sale_id
from protocol.limits import MAX_BASIS_POINTS
from protocol.records.profile import Attribution
from protocol.referrals import Link, is_link, link_of, normal, write_link

_LIST: Final = "recommendations"
_ORDERS: Final = "recommended orders"
_ADDRESSES: Final = 3  # of a link, which people read and copy
_LOOKED: Final = 5_000  # why: witnessed deals that one answer counts; the newest
_GIFT_SECONDS: Final = 400 * 86_400  # why: the longest an offer lasts; set again, the policy makes another


class ReferralBook:
    """`operations.services.Referrals`.

    Args:
        store: links, codes and witnesses.
        own: who recommends.
        projector: brings the catalogue up to date.
        desk: signs tokens.
        ledgers: what sellers' logs award.
        identity: publishes how orders are attributed.
        offers: makes the gift.
        addresses: where this node is announced.
        clock: what is over.
        reports: what plans were measured to do.
    """

    def __init__(
        self,
        store: Store,
        own: OwnLog,
        projector: Projector,
        desk: ReferralDesk,
        ledgers: Ledgers,
        identity: OwnIdentity,
        offers: OfferBook,
        addresses: Addresses,
        clock: Clock,
        reports: PlanReports,
    ) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._desk = desk
        self._ledgers = ledgers
        self._identity = identity
        self._offers = offers
        self._addresses = addresses
        self._clock = clock
        self._reports = reports

    # -- making ----------------------------------------------------------------------------------------------
    async def make(self, request: models.ReferralMake) -> models.ReferralShown:
        """Recommends a listing, or a seller.

        Raises:
            Problem: it is the owner's own (4), such a listing is not offered (3, 4), the code is taken (4) or was
                mistyped (2); locked keys (2).
        """
        seller, key = _subject(request.subject, self._own.id)
        if key is not None:
            await self._projector.level_of(seller)
            offered = await self._store.read(lambda reader: _title(reader, seller, key))
            if not offered and seller == self._own.id:
                raise Problem(
                    f"{request.subject!r} is neither a networker id (nx1...) nor a listing: those of others are "
                    "written SELLER/KEY, as netnode search shows them.",
                    ExitCode.NOT_FOUND,
                    "no_listing",
                )
            if not offered:
                raise Problem(
                    f"There is no listing {key!r} of {id_text(seller)} here, so this node cannot show it to buyers. "
                    "Find listings with: netnode search TEXT",
                    ExitCode.NOT_FOUND,
                    "no_listing",
                )
        row = await self._desk.make(
            seller,
            key,
            days=request.days,
            campaign=request.campaign,
            code=request.code,
            register=request.register,
            to=None if request.to is None else views.networker_id(request.to),
            text=request.text,
        )
        return await self._planned(await self._shown(row))

    async def forward(self, request: models.ReferralForward) -> models.ReferralShown:
        """Passes a recommendation on.

        Raises:
            Problem: the link was mistyped or leads nowhere (2); it is over, has no room, or the owner stands in it (4);
                locked keys (2).
        """
        link = link_from(request.link)
        await self._desk.check(link, link.listing)
        row = await self._desk.make(
            link.path.seller,
            link.listing,
            days=request.days,
            campaign=request.campaign,
            code=request.code,
            prior=link.path.tokens,
            register=request.register,
            to=None if request.to is None else views.networker_id(request.to),
            text=request.text,
        )
        return await self._shown(row)

    # -- looking ---------------------------------------------------------------------------------------------
    async def show(self, request: models.ReferralChoice) -> models.ReferralShown:
        """What a link, a code or an id says: who recommends what, until when, and whether they signed it.

        Raises:
            Problem: the link was mistyped (2), a step of it is not signed (2), it is over (4); no such code or id (3).
        """
        if not is_link(request.name):
            row = await self._one(request.name)
            return await self._planned(await self._shown(row, await self._brought([row])))
        link = link_from(request.name)
        if request.keep:
            await self._desk.check(link, link.listing)
            await self._desk.meet(link)
        checked = await self._checked(link)
        now = self._clock.now_ms()
        name = request.name.strip()
        return await self._planned(
            await self._store.read(lambda reader: _view(reader, link, checked, name, now))
        )

    async def list(self, query: models.ReferralsQuery) -> models.Page[models.ReferralShown]:
        """Recommendations, the newest first; of those made here, what they brought."""
        place = paging.opened(_LIST, query.cursor, int)
        before = None if place is None else place[0]
        rows = await self._store.read(
            lambda reader: referrals.page(reader.connection, query.role, before, query.limit + 1)
        )
        page = rows[: query.limit]
        brought = await self._brought(page)
        items = [await self._shown(row, brought) for row in page]
        return models.Page(items, paging.seal(_LIST, page[-1].number) if len(rows) > len(page) else None)

    async def orders(self, query: models.ReferralOrders) -> models.Page[models.ReferralOrder]:
        """Deals that the owner brought about, the newest first, with what the seller's log awards for each.

        Raises:
            Problem: no such recommendation (3).
        """
        only = None if query.name is None else await self._one(query.name)
        place = paging.opened(_ORDERS, query.cursor, int, str)
        before = None if place is None else (place[0], paging.hexed(place[1]))
        found: list[models.ReferralOrder] = []
        while len(found) < query.limit:
            rows = await self._store.read(shop.witnesses, before, query.limit)
            if not rows:
                return models.Page(found)
            made = await self._made(rows)
            for row in rows:
                before = (row.at, row.id)
                by = made.get(row.id)
                if only is None or (by is not None and by.id == only.id):
                    found.append(await self._order(row, by))
                if len(found) == query.limit:
                    break
        assert before is not None  # a row came
        return models.Page(found, paging.seal(_ORDERS, before[0], before[1].hex()))

    # -- attribution -----------------------------------------------------------------------------------------
    async def policy(self, query: models.AttributionQuery) -> models.AttributionShown:
        """How a seller attributes orders; without one the owner."""
        seller = self._own.id if query.seller is None else views.networker_id(query.seller)
        await self._projector.level_of(seller)
        row = await self._store.read(lambda reader: views.profile(reader.connection, seller))
        policy, code = policy_of(None if row is None else row.record)
        said = UNSET if row is None else row.record.attribution
        points = UNSET if said is UNSET else said.gift_points
        return models.AttributionShown(
            seller=id_text(seller),
            model=policy.model,
            window=policy.window_days,
            bind=policy.bind,
            gift=None if points is UNSET else percent(points),
            gift_code=code,
            published=said is not UNSET,
        )

    async def set_policy(self, request: models.AttributionSet) -> models.AttributionShown:
        """Publishes how orders are attributed; a gift is an offer that is made for it.

        Raises:
            Problem: a gift of more than all (2); locked keys (2).
        """
        now = await self.policy(models.AttributionQuery())
        code, points = now.gift_code, None if now.gift is None else points_of(now.gift)
        if request.gift is not UNSET:
            points = points_of(request.gift) or None
            code = None
            if points is not None:
                made = await self._offers.make(
                    models.OfferMake(
                        percent=request.gift, title="For who was recommended to us", expires_in=_GIFT_SECONDS
                    )
                )
                code = made.code or None
        said = Attribution(
            bind=now.bind if request.bind is UNSET else request.bind,
            gift=UNSET if code is None else code,
            gift_points=UNSET if points is None or code is None else points,
            model=now.model if request.model is UNSET else request.model,
            window=now.window if request.window is UNSET else request.window,
        )
        await self._identity.edit_profile(models.ProfileEdit(), said)
        return await self.policy(models.AttributionQuery())

    # -- inside ----------------------------------------------------------------------------------------------
    async def _one(self, name: str) -> ReferralRow:
        """By a code made here, or by an id."""
        low, high = span(name)

        def read(reader: Reader) -> list[ReferralRow]:
            coded = referrals.by_code(reader.connection, "made", normal(name))
            return [coded] if coded is not None else referrals.by_prefix(reader.connection, low, high)

        rows = await self._store.read(read)
        if not rows:
            raise Problem(
                f"No recommendation here has the code or id {name[:20]!r}: was it typed right? See: netnode refer ls",
                ExitCode.NOT_FOUND,
                "no_referral",
            )
        if len(rows) > 1:
            raise ambiguous(name, "recommendation")
        return rows[0]

    async def _shown(
        self, row: ReferralRow, brought: Mapping[bytes, models.ReferralBrought] | None = None
    ) -> models.ReferralShown:
        link = link_of(row.tokens, row.listing, await self._at() if row.role == "made" else ())
        checked = await self._checked(link)
        found = (brought or {}).get(row.id, models.ReferralBrought(orders=0, received=0, logged=0))
        now = self._clock.now_ms()
        return await self._store.read(
            lambda reader: _view(reader, link, checked, write_link(link), now, row, found)
        )

    async def _planned(self, shown: models.ReferralShown) -> models.ReferralShown:
        """With the plan that sales of the listing follow: nobody is recommended anything without it [R13]."""
        if shown.listing is None:
            return shown
        plan = await self._reports.of_listing(views.networker_id(shown.seller), shown.listing)
        return shown if plan is None else msgspec.structs.replace(shown, plan=plan)

    async def _at(self) -> tuple[str, ...]:
        """Where others reach this node; nothing rather than an address that is good on this computer alone."""
        try:
            announced = await self._addresses.announced()
        except Problem:
            return ()
        hosts = [(each, urlsplit(each).hostname or "") for each in announced]
        return tuple(each for each, host in hosts if host_scope(host) is not Scope.LOOPBACK)[:_ADDRESSES]

    async def _checked(self, link: Link) -> Sequence[bool]:
        """Which tokens are signed; of one that is over too, so that it can be shown."""
        try:
            return await self._desk.check(link, link.listing)
        except Problem as problem:
            if problem.code != "path_expired":
                raise
            return [False] * len(link.path.tokens)

    async def _made(self, rows: Iterable[WitnessRow]) -> dict[bytes, ReferralRow]:
        """By which recommendation made here each deal came, if by one."""

        def read(reader: Reader) -> dict[bytes, ReferralRow]:
            mine: dict[bytes, ReferralRow] = {}
            before: int | None = None
            while page := referrals.page(reader.connection, "made", before, 500):
                mine |= {row.tokens[-1]: row for row in page}
                before = page[-1].number
            return {
                row.id: mine[token]
                for row in rows
                for token in paths.read_path(row.path).tokens
                if token in mine
            }

        return await self._store.read(read)

    async def _brought(self, rows: Iterable[ReferralRow]) -> dict[bytes, models.ReferralBrought]:
        """What recommendations made here brought, among the newest witnessed deals."""
        wanted = {row.id for row in rows if row.role == "made"}
        if not wanted:
            return {}
        witnessed = await self._store.read(shop.witnesses, None, _LOOKED)
        counts = {id_: [0, 0, 0] for id_ in wanted}
        by = await self._made(witnessed)
        for row in witnessed:
            made = by.get(row.id)
            if made is not None and made.id in counts:
                logged, _ = await self._logged(row)
                for place, counted in enumerate((True, bool(row.receipts), logged == "logged")):
                    counts[made.id][place] += counted
        return {
            id_: models.ReferralBrought(orders=orders, received=received, logged=logged)
            for id_, (orders, received, logged) in counts.items()
        }

    async def _order(self, row: WitnessRow, by: ReferralRow | None) -> models.ReferralOrder:
        path = paths.read_path(row.path)
        logged, awards = await self._logged(row)
        names = await self._store.read(lambda reader: views.names(reader.connection, [row.seller]))
        mine = next((each for each in path.referrals if each.referrer == self._own.id), None)
        return models.ReferralOrder(
            order=row.id.hex(),
            seller=id_text(row.seller),
            seller_name=names.get(row.seller),
            campaign=None if mine is None or mine.campaign is UNSET else mine.campaign,
            referral=None if by is None else by.id.hex(),
            accepted=parse(row.accept).time,
            received=len(row.receipts),
            logged=logged,
            awards=[*awards],
        )

    async def _logged(self, row: WitnessRow) -> tuple[models.LoggedState, Sequence[models.ReferralAward]]:
        """Whether the seller's log holds the sale, and what it awards the owner for it."""
        own = self._own.id

        def look(ledger: Ledger) -> tuple[models.LoggedState, Sequence[models.ReferralAward]]:
            sold = ledger.effects.get(sale_id(row.id))
            if not isinstance(sold, Sold):
                if ledger.why:
                    return "unknown", []
                return "not_logged" if row.receipts else "not_due", []
            return "logged", [
                models.ReferralAward(
                    unit=each.unit,
                    rule=each.rule,
                    level=each.level,
                    amount=amount_text(
                        sum(step.amount for step in each.steps), exponent_of(ledger, each.unit)
                    ),
                    due=max(step.due for step in each.steps),
                )
                for each in sold.awards
                if each.to == own and each.steps
            ]

        try:
            return await self._ledgers.ask(row.seller, look)
        except Problem:
            return "unknown", []  # its log is not here, or not whole


def points_of(text: str) -> int:
    """Basis points of a percentage as `models.Percent` allows it.

    Raises:
        Problem: `percent` (2): more than 100.
    """
    whole, _, fraction = text.partition(".")
    points = int(whole) * 100 + int(fraction.ljust(2, "0"))
    if points > MAX_BASIS_POINTS:
        raise Problem(f"{text} % is more than all of it: at most 100.", ExitCode.USAGE, "percent")
    return points


def _subject(text: str, own: bytes) -> tuple[bytes, str | None]:
    """Seller and key that are recommended; a seller alone has no key."""
    try:
        return parse_id(text.strip()), None
    except RemoteProtocolError:
        return named(text.strip(), own)


def _title(reader: Reader, seller: bytes, key: str) -> str | None:
    row = views.listing(reader.connection, seller, key)
    return None if row is None or row.withdrawn else row.record.title


def _view(
    reader: Reader,
    link: Link,
    checked: Sequence[bool],
    text: str,
    now: int,
    row: ReferralRow | None = None,
    brought: models.ReferralBrought | None = None,
) -> models.ReferralShown:
    seller = link.path.seller
    names = views.names(reader.connection, [seller, *(each.referrer for each in link.path.referrals)])
    title = None if link.listing is None else _title(reader, seller, link.listing)
    return models.ReferralShown(
        id="" if row is None else row.id.hex(),
        role="read" if row is None else row.role,
        seller=id_text(seller),
        seller_name=names.get(seller),
        listing=link.listing,
        title=title,
        listed=title is not None,
        code=None if row is None else row.code,
        link=text,
        path=[
            models.ReferralStep(
                referrer=id_text(each.referrer),
                name=names.get(each.referrer),
                campaign=None if each.campaign is UNSET else each.campaign,
                listing=None if each.listing is UNSET else each.listing,
                expires=each.expires,
                checked=sure,
            )
            for each, sure in zip(link.path.referrals, checked, strict=True)
        ],
        expires=link.expires,
        expired=link.expires <= now,
        at=None if row is None else row.at,
        addresses=list(link.at),
        brought=UNSET if row is None or row.role != "made" or brought is None else brought,
    )
