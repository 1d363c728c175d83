"""Orders from what a person asks for: which listing, which variant, which offer, to where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import UNSET, UnsetType

from netnode.deals import buying
from netnode.deals.buying import Wishes
from netnode.deals.desk import title_of
from netnode.deals.known import Known, read_enclosure
from netnode.deals.leading import path_of_order
from netnode.deals.terms import terms_of
from netnode.deals.trading import Trading
from netnode.deals.wording import amount_text
from netnode.issuing.plans import plan_of
from netnode.ledgers.ledgers import Ledgers
from netnode.operations import models
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.referring.attributing import customer, touch_of
from netnode.referring.desk import link_from
from netnode.services.listings import named, not_held
from netnode.services.ports import OwnLog, Projector
from netnode.services.prefixes import ambiguous, span
from netnode.store import Store, offers
from netnode.store.offers import OfferRow
from protocol import limits
from protocol.deals.enclosures import Address, Goods
from protocol.deals.offers import SignedOffer, parse_offer
from protocol.errors import RemoteProtocolError
from protocol.identity import id_text, parse_id
from protocol.paths import Path
from protocol.referrals import normal


class Consents(Protocol):
    """Which arbiters have signed that they rule in deals."""

    async def consent_of(self, arbiter: bytes, seller: bytes) -> bytes:
        """The signed consent of an arbiter for deals with a seller; Problem 3 when none is here."""


class Ordering:
    """Makes orders.

    Args:
        store: the catalogue and the offers.
        own: who orders.
        projector: brings the catalogue up to date.
        trading: sends the order.
        clock: the date.
        online: whether an answer to a question can come while somebody waits.
        consents: of arbiters; None: nobody keeps any.
        ledgers: tell which plan of a seller holds; None: no order names one.
    """

    def __init__(
        self,
        store: Store,
        own: OwnLog,
        projector: Projector,
        trading: Trading,
        clock: Clock,
        online: bool,
        consents: Consents | None = None,
        ledgers: Ledgers | None = None,
    ) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._trading = trading
        self._clock = clock
        self._online = online
        self._consents = consents
        self._ledgers = ledgers

    async def order(self, request: models.DealOrder) -> Known:
        """Orders a listing, or what an offer quotes; durable when it returns.

        Raises:
            Problem: the listing or offer is not here (3); it cannot be ordered so (2, 4); the seller has not answered
                what a code stands for (5).
        """
        request = _by_link(request)
        wishes = _wishes(request)
        offer: SignedOffer | None = None
        if request.offer is not None:
            row = await find_offer(self._store, request.offer)
            offer = parse_offer(row.data)
            self._refuse_expired(offer)
            if offer.offer.quote is not UNSET:
                return await self._on_quote(request, row, offer, wishes)
        if request.ref is None:
            raise Problem(
                "Name what you order: netnode deal order REF, as netnode search prints it.",
                ExitCode.USAGE,
                "ref_needed",
            )
        return await self._on_listing(request, request.ref, offer, wishes)

    async def _on_quote(
        self, request: models.DealOrder, row: OfferRow, offer: SignedOffer, wishes: Wishes
    ) -> Known:
        if row.own:
            raise Problem("This is your own offer.", ExitCode.USAGE, "own")
        goods = _quoted(row)
        quantity = request.quantity if request.quantity not in (1, goods.lines[0].quantity) else None
        asked = (("--variant", request.variant), ("--shipping", request.shipping), ("--qty", quantity))
        for option, given in asked:
            if given is not None:
                text = f"The offer says all of what is sold and how: leave out {option}."
                raise Problem(text, ExitCode.USAGE, "usage")
        order, ordered = buying.of_quote(offer, goods, wishes)
        if request.path and offer.offer.buyer is not UNSET:
            text = "The offer is to you alone, so nobody else led you to it: leave out --path."
            raise Problem(text, ExitCode.USAGE, "path")
        key = next((line.key for line in ordered.lines if line.key is not UNSET), None)
        path = await self._path(request, offer.offer.seller, key)
        return await self._trading.desk.order(order, ordered, path)

    async def _on_listing(
        self, request: models.DealOrder, ref: str, offer: SignedOffer | None, wishes: Wishes
    ) -> Known:
        if (whole := _seller_alone(ref)) is not None and whole != self._own.id:
            return await self._by_code_alone(request, whole, wishes)
        seller, key = named(ref, self._own.id)
        if seller == self._own.id:
            raise Problem(
                f"{ref!r} names a listing of your own. To order somebody's, give SELLER/KEY as netnode search prints.",
                ExitCode.USAGE,
                "own",
            )
        await self._projector.level_of(seller)
        row = await self._store.read(lambda reader: views.listing(reader.connection, seller, key))
        now = self._clock.now_ms()
        if row is None:
            raise not_held(ref, False) if request.link is None else _not_here(request.link, seller)
        if not row.in_force(now):
            text = f"{row.record.title} is no longer offered: it was withdrawn, or its time is over."
            raise Problem(text, ExitCode.REFUSED, "not_offered")
        choice = buying.choice_of(row.record, request.variant, request.quantity)
        code = request.code
        if code is not None:
            kept = await self._trading.offering.by_code(seller, code, key, wait=self._online)
            offer = offer if kept is None else parse_offer(kept.data)
            if kept is not None and offer is not None and offer.offer.quote is not UNSET:
                _refuse_other_goods(code, row.record.title, key, kept, offer)
                return await self._on_quote(request, kept, offer, wishes)
        if offer is not None and offer.offer.seller != seller:
            raise Problem("This offer is of another seller.", ExitCode.USAGE, "offer")
        path, gift = await self._led(request, seller, key)
        if offer is None and gift is not None and request.gift:
            offer, code = await self._gift(seller, gift, key), gift
        arbiter, consent = await self._arbiter(request.arbiter, seller)
        terms = terms_of(self._trading.settings, arbiter, consent)
        order, goods = buying.of_listing(
            row.record, row.entry, seller, choice, terms, wishes, now, offer, None if offer is None else code
        )
        if order.commission is UNSET:
            order = msgspec.structs.replace(order, plan=await self._plan(seller, key, now))
        return await self._trading.desk.order(order, goods, path)

    async def _by_code_alone(self, request: models.DealOrder, seller: bytes, wishes: Wishes) -> Known:
        """Orders what a seller offers by a code, whatever that is."""
        name = id_text(seller)
        if request.code is None:
            text = f"This names a seller and no listing: netnode deal order {name}/KEY. See what they offer with: "
            raise Problem(f"{text}netnode search --seller {name}", ExitCode.USAGE, "ref_needed")
        kept = await self._trading.offering.by_code(seller, request.code, None, wait=self._online)
        offer = None if kept is None else parse_offer(kept.data)
        if kept is None or offer is None or offer.offer.quote is UNSET:
            code = normal(request.code)
            text = f"The code {code} stands for no goods of its own, so name what you order by it: "
            raise Problem(f"{text}netnode deal order {name}/KEY --code {code}", ExitCode.USAGE, "ref_needed")
        return await self._on_quote(request, kept, offer, wishes)

    async def _plan(self, seller: bytes, key: str, now: int) -> bytes | UnsetType:
        """Hash of the plan that a sale of this listing follows, as far as the seller's log is held here."""
        if self._ledgers is None:
            return UNSET
        try:
            ledger = await self._ledgers.of(seller)
        except Problem as problem:
            if problem.code in ("unknown_author", "incomplete"):
                return UNSET
            raise
        return plan_of(ledger, key, now) or UNSET

    async def _gift(self, seller: bytes, code: str, key: str) -> SignedOffer | None:
        """The offer for who was brought; None: the seller gives it no more [R-REF-8].

        Raises:
            Problem: `offer_asked` (5): the seller has not answered yet.
        """
        try:
            kept = await self._trading.offering.by_code(seller, code, key, wait=self._online)
        except Problem as problem:
            if problem.code == "no_offer":
                return None
            if problem.code != "offer_asked":
                raise
            raise Problem(
                "This seller takes something off the first order of who was recommended to them, and has not answered "
                "for it yet. Order again in a while, or without it: --no-gift",
                ExitCode.UNREACHABLE,
                problem.code,
            ) from problem
        return None if kept is None else parse_offer(kept.data)

    async def _led(
        self, request: models.DealOrder, seller: bytes, key: str
    ) -> tuple[Path | None, str | None]:
        """Who an order is attributed to, and the code of the gift that it takes [R-ALLY-6..9]."""
        given = await self._path(request, seller, key)
        if request.alone:
            return None, None
        now = self._clock.now_ms()
        who = await self._store.read(customer, seller)
        code = None if request.code is None else normal(request.code)
        touch = who.touch(key, now, None if given is None else touch_of(given.tokens, now), code)
        if touch is None:
            return None, None
        if given is None or given.tokens != touch.path:
            given = await self._checked(touch.path, seller, key)
        return given, who.gift_code()

    async def _path(self, request: models.DealOrder, seller: bytes, key: str | None) -> Path | None:
        if not request.path:
            return None
        if request.alone:
            text = "Either somebody led you here or nobody did: leave out --path, or --nobody."
            raise Problem(text, ExitCode.USAGE, "path")
        return await self._checked([bytes.fromhex(each) for each in request.path], seller, key)

    async def _checked(self, tokens: Sequence[bytes], seller: bytes, key: str | None) -> Path:
        means = self._trading.means
        return await path_of_order(
            means.network,
            self._store,
            means.entropy.token(limits.SALT_BYTES),
            tokens,
            seller,
            key,
            self._clock.now_ms(),
        )

    def _refuse_expired(self, offer: SignedOffer) -> None:
        if offer.offer.expires < self._clock.now_ms():
            raise Problem(
                "The time of this offer is over. Ask the seller for another one.", ExitCode.REFUSED, "expired"
            )

    async def _arbiter(
        self, arbiter: str | None, seller: bytes
    ) -> tuple[bytes | UnsetType, bytes | UnsetType]:
        if arbiter is None:
            return UNSET, UNSET
        who = views.networker_id(arbiter)
        if who in (self._own.id, seller):
            raise Problem("An arbiter is neither buyer nor seller.", ExitCode.USAGE, "arbiter")
        if self._consents is None:
            text = f"No consent of {id_text(who)} to rule in deals is here."
            raise Problem(text, ExitCode.NOT_FOUND, "no_consent")
        return who, await self._consents.consent_of(who, seller)


async def find_offer(store: Store, name: str) -> OfferRow:
    """The offer that an id, or its first digits, name.

    Raises:
        Problem: none (3), or two (2).
    """
    low, high = span(name)
    rows = await store.read(lambda reader: offers.by_prefix(reader.connection, low, high))
    if not rows:
        text = f"There is no offer {name[:10]} here. See all with: netnode offer ls"
        raise Problem(text, ExitCode.NOT_FOUND, "no_offer")
    if len(rows) > 1:
        raise ambiguous(name, "offer")
    return rows[0]


def _seller_alone(ref: str) -> bytes | None:
    """The networker that a reference is; None where it names a listing."""
    try:
        return parse_id(ref)
    except RemoteProtocolError:
        return None


def _quoted(row: OfferRow) -> Goods:
    """The goods of an offer.

    Raises:
        Problem: `no_offer` (3): they are not here.
    """
    goods = None if row.enclosure is None else read_enclosure(row.enclosure, Goods)
    if goods is None:
        raise Problem("The goods of this offer are not here.", ExitCode.NOT_FOUND, "no_offer")
    return goods


def _refuse_other_goods(code: str, title: str, key: str, row: OfferRow, offer: SignedOffer) -> None:
    """Refuses a code of an offer of other goods than were named. Why: an order binds, and is for what it shows.

    Raises:
        Problem: `other_goods` (exit 4).
    """
    goods, quote = _quoted(row), offer.offer.quote
    if quote is UNSET or any(line.key == key for line in goods.lines):
        return
    price = amount_text(quote, sum(part.price for part in quote.parts))
    raise Problem(
        f"The code {normal(code)} is of an offer of {title_of(goods)} for {price}, not of {title}. To order that: "
        f"netnode deal order --offer {row.id.hex()[:10]}",
        ExitCode.REFUSED,
        "other_goods",
    )


def _by_link(request: models.DealOrder) -> models.DealOrder:
    """What is ordered by a referral link: the listing it leads to, by its tokens.

    Raises:
        Problem: `link` (2): it was mistyped or cut, or leads to no listing and none is named.
    """
    if request.link is None:
        return request
    link = link_from(request.link)
    if request.path:
        text = "The link says who recommended this: leave out --path."
        raise Problem(text, ExitCode.USAGE, "path")
    ref = request.ref
    if ref is None and request.offer is None:
        if link.listing is None:
            seller = id_text(link.path.seller)
            raise Problem(
                f"This link recommends a seller and no listing. See what they offer: netnode search --seller {seller}; "
                f"then: netnode deal order {seller}/KEY --path LINK",
                ExitCode.USAGE,
                "link",
            )
        ref = f"{id_text(link.path.seller)}/{link.listing}"
    return msgspec.structs.replace(request, ref=ref, path=[each.hex() for each in link.path.tokens])


def _not_here(link: str, seller: bytes) -> Problem:
    """The Problem for a link to a listing that is not here yet, and how it comes here."""
    at = "".join(f"?a={each}" for each in link_from(link).at[:1])
    return Problem(
        "The listing that this link leads to is not here yet. Meet the node that shows it, then order again: netnode "
        f'peer add "inx:{id_text(seller)}{at}"'
        if at
        else "The listing that this link leads to is not here yet. Ask who sent it for an address of their node "
        "(netnode invite), meet it with netnode peer add, then order again.",
        ExitCode.NOT_FOUND,
        "no_listing",
    )


def _wishes(request: models.DealOrder) -> Wishes:
    address: Address | UnsetType = UNSET
    if request.address is not None:
        given = request.address
        address = Address(
            city=given.city,
            country=given.country,
            lines=tuple(given.lines),
            name=given.name,
            postcode=given.postcode,
            region=given.region,
        )
    return Wishes(
        address=address,
        contact=request.contact or UNSET,
        note=request.note or UNSET,
        payment=request.payment or UNSET,
        service=request.shipping,
        renew=request.renew,
        turns=request.turns or UNSET,
    )
