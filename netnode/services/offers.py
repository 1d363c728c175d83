"""Offers: made from what a person says, listed, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from netnode.deals.buying import choice_of
from netnode.deals.desk import title_of
from netnode.deals.known import read_enclosure
from netnode.deals.terms import methods_of, terms_of
from netnode.deals.trading import Trading
from netnode.deals.wording import sentence
from netnode.market import money
from netnode.operations import models
from netnode.ports import Clock, Entropy
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging
from netnode.services.listings import named, not_held
from netnode.services.ordering import Consents, find_offer
from netnode.services.ports import OwnLog, Projector
from netnode.store import Reader, Store, deals, offers
from netnode.store.offers import OfferRow
from protocol.certificate import DAY_MS
from protocol.deals.bodies import Part
from protocol.deals.enclosures import Goods, GoodsLine, TaxLine
from protocol.deals.offers import Discount, Offer, Quote, parse_offer
from protocol.deals.pricing import Choice, half_up, part_prices, price_of, priced
from protocol.errors import Void
from protocol.identity import id_text
from protocol.limits import MAX_BASIS_POINTS, MAX_INT, SALT_BYTES
from protocol.records import Listing, Price
from protocol.referrals import normal

_LIST: Final = "offers"
_NO_SALT: Final = bytes(SALT_BYTES)
_ALPHABET: Final = (
    "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # why: nobody mistakes one for another when it is read out
)
_CODE: Final = 8  # characters: 40 bits, guessed by letters alone


class OfferBook:
    """`operations.services.Offers`.

    Args:
        store: holds the offers.
        own: who offers.
        projector: brings the catalogue up to date.
        trading: signs and sends.
        clock: the date.
        entropy: codes.
        consents: of arbiters.
    """

    def __init__(
        self,
        store: Store,
        own: OwnLog,
        projector: Projector,
        trading: Trading,
        clock: Clock,
        entropy: Entropy,
        consents: Consents,
    ) -> None:
        self._consents = consents
        self._store = store
        self._own = own
        self._projector = projector
        self._trading = trading
        self._clock = clock
        self._entropy = entropy

    async def make(self, request: models.OfferMake) -> models.OfferItem:
        """Signs an offer; one to a named buyer leaves at once, others are got by their code. Durable when it returns.

        Raises:
            Problem: it says too little or contradicts itself (2); no such listing (3); the keys are locked (2).
        """
        buyer = None if request.to is None else views.networker_id(request.to)
        if buyer == self._own.id:
            raise Problem("An offer to yourself sells nothing.", ExitCode.USAGE, "own")
        if buyer is not None and (request.code is not None or request.count is not None):
            raise _usage("An offer to one buyer is for that buyer once: leave out --code and --count.")
        discount: Discount | UnsetType = UNSET
        quote: Quote | UnsetType = UNSET
        goods: Goods | None = None
        if request.off is not None or request.percent is not None:
            if request.arbiter is not None:
                raise _usage("A discount has no terms: who orders says who rules. Leave out --arbiter.")
            await self._refuse_unknown(request.only)
            discount, title = self._discount(request)
        else:
            quote, goods = await self._quote(request)
            quote = await self._arbitrated(request, quote)
            title = request.title or title_of(goods)
        code = None if buyer is not None else normal(request.code or self._code())
        now = self._clock.now_ms()
        if code is not None:
            await self._refuse_taken(code, now)
        unsigned = Offer(
            salt=_NO_SALT,
            buyer=UNSET if buyer is None else buyer,
            count=UNSET if request.count is None else request.count,
            discount=discount,
            epoch=0,
            expires=now + request.expires_in * 1000,
            quote=quote,
            seller=self._own.id,
            signature=bytes(64),
            time=now,
        )
        row = await self._trading.offering.make(unsigned, goods, code, title)
        return await self._store.read(lambda reader: self._item(reader, self._kept(reader, row.id)))

    async def list(self, query: models.Listed) -> models.Page[models.OfferItem]:
        """Offers, the newest first."""
        place = paging.opened(_LIST, query.cursor, int)

        def read(reader: Reader) -> models.Page[models.OfferItem]:
            rows = offers.page(reader.connection, None if place is None else place[0], query.limit + 1)
            shown = rows[: query.limit]
            items = [self._item(reader, row) for row in shown]
            more = len(rows) > query.limit
            return models.Page(items, paging.seal(_LIST, shown[-1].number) if more else None)

        return await self._store.read(read)

    async def show(self, name: str) -> models.OfferShown:
        """One offer in full.

        Raises:
            Problem: no such offer (3).
        """
        row = await find_offer(self._store, name)
        return await self._store.read(lambda reader: self._shown(reader, row))

    async def end(self, name: str) -> models.OfferItem:
        """Takes an own offer back: its code gives nothing any more, and orders on it wait for the owner's word.

        Raises:
            Problem: no such offer (3), not an own one (4).
        """
        row = await find_offer(self._store, name)
        if not row.own:
            raise Problem("This offer is not yours to take back.", ExitCode.REFUSED, "not_own")
        await self._store.write(offers.end, row.number, self._clock.now_ms())
        return await self._store.read(lambda reader: self._item(reader, self._kept(reader, row.id)))

    # -- making ----------------------------------------------------------------------------------------------
    async def _refuse_unknown(self, keys: Sequence[str]) -> None:
        """Refuses a discount for listings that are not there. Why: nobody would ever get it, or see why not."""
        if keys:
            await self._projector.level_of(self._own.id)
        for key in keys:
            if await self._store.read(partial(_own_listing, self._own.id, key)) is None:
                raise not_held(key, True)

    async def _refuse_taken(self, code: str, now: int) -> None:
        """Refuses a code by which something else is got still. Why: who has it would get either of both."""
        row = await self._store.read(lambda reader: offers.by_code(reader.connection, self._own.id, code))
        if row is not None and parse_offer(row.data).offer.expires > now:
            name = row.id.hex()[:10]
            text = f"The code {code} is of your offer {name} ({row.title}). Give another code, or first take that one "
            raise Problem(f"{text}back: netnode offer end {name}", ExitCode.REFUSED, "code_taken")

    def _discount(self, request: models.OfferMake) -> tuple[Discount, str]:
        if request.off is not None and request.percent is not None:
            raise _usage("A discount is an amount or a share: give --off once.")
        if request.key is not None or request.lines or request.price is not None:
            raise _usage("A discount names no goods: say with --only KEY which listings it is for.")
        currency = request.currency
        if currency is None and (request.off is not None or request.least is not None):
            raise _usage("In which currency? Add --currency, as EUR.")
        off = None if request.off is None else _minor(request.off, currency)
        points = None if request.percent is None else _points(request.percent)
        if points is not None and points > MAX_BASIS_POINTS:
            raise _usage("More than 100 % cannot be taken off.")
        text = f"{request.percent} %" if request.percent is not None else f"{request.off} {currency}"
        title = request.title or f"{text} off"
        return (
            Discount(
                amount=UNSET if off is None else off,
                currency=UNSET if currency is None else currency,
                keys=tuple(sorted(set(request.only))) or UNSET,
                least=0 if request.least is None else _minor(request.least, currency),
                points=UNSET if points is None else points,
                title=title,
            ),
            title,
        )

    async def _quote(self, request: models.OfferMake) -> tuple[Quote, Goods]:
        if request.key is not None:
            return await self._of_listing(request, request.key)
        if not request.lines:
            raise _usage(
                "Say what is offered: KEY of a listing, --line for anything else, or --off for a discount."
            )
        currency = request.currency
        if currency is None:
            raise _usage("In which currency? Add --currency, as EUR.")
        lines = tuple(
            GoodsLine(
                amount=line.quantity * _minor(line.unit_price, currency),
                part=line.part - 1,
                quantity=line.quantity,
                text=UNSET if line.text is None else line.text,
                title=line.title,
                unit_price=_minor(line.unit_price, currency),
            )
            for line in request.lines
        )
        if sorted({line.part for line in lines}) != list(range(max(line.part for line in lines) + 1)):
            raise _usage("Parts are counted from 1 without gaps.")
        days = {line.part - 1: line.days for line in request.lines if line.days is not None}
        shipping = 0 if request.shipping is None else _minor(request.shipping, currency)
        return self._sum(request, lines, _taxes(request, lines), shipping, days, currency)

    async def _arbitrated(self, request: models.OfferMake, quote: Quote) -> Quote:
        """The quote with the arbiter who is asked for."""
        if request.arbiter is None:
            return quote
        who = views.networker_id(request.arbiter)
        if request.to is not None and who == views.networker_id(request.to):
            raise Problem("An arbiter is neither buyer nor seller.", ExitCode.USAGE, "arbiter")
        consent = await self._consents.consent_of(who, self._own.id)
        terms = msgspec.structs.replace(quote.terms, arbiter=who, consent=consent)
        return msgspec.structs.replace(quote, terms=terms)

    async def _of_listing(self, request: models.OfferMake, key: str) -> tuple[Quote, Goods]:
        seller, key = named(key, self._own.id)
        await self._projector.level_of(self._own.id)
        row = await self._store.read(lambda reader: views.listing(reader.connection, self._own.id, key))
        if row is None or seller != self._own.id:
            raise not_held(key, True)
        if request.lines:
            raise _usage("An offer is of a listing or of other goods: leave out --line, or KEY.")
        choice = choice_of(row.record, request.variant, request.quantity)
        currency = request.currency or _currency(row.record.price)
        shipping = 0 if request.shipping is None else _minor(request.shipping, currency)
        if request.price is None:
            try:
                found = priced(
                    _unshipped(row.record), [Choice(choice.options, choice.quantity)], self._clock.now_ms()
                )
            except Void as void:
                raise Problem(sentence(void.text), ExitCode.REFUSED, void.code) from void
            lines = found.lines
        else:
            each = _minor(request.price, currency)
            lines = (
                GoodsLine(
                    amount=each * choice.quantity,
                    key=key,
                    options=choice.options,
                    quantity=choice.quantity,
                    title=row.record.title,
                    unit_price=each,
                ),
            )
        taxes = _taxes(request, lines)
        tax = row.record.tax
        if request.tax is None and tax is not UNSET:
            taxes = _tax_lines(lines, tax.rate, tax.title, included=tax.included)
        quote, goods = self._sum(request, lines, taxes, shipping, {}, currency)
        return _with_listing(quote, row.entry, row.record.commission), goods

    def _sum(
        self,
        request: models.OfferMake,
        lines: tuple[GoodsLine, ...],
        taxes: tuple[TaxLine, ...],
        shipping: int,
        days: dict[int, int],
        currency: str,
    ) -> tuple[Quote, Goods]:
        settings = self._trading.settings
        price = price_of(lines, (), taxes, shipping)
        if max(price, *(line.amount for line in lines)) > MAX_INT:
            raise _usage("The prices come to more than any amount can be.")
        prices = part_prices(lines, price)
        parts = tuple(
            Part(price=price, fulfil_by=days[part] * DAY_MS if part in days else UNSET)
            for part, price in enumerate(prices)
        )
        quote = Quote(
            currency=currency,
            parts=parts,
            shipping=shipping,
            tax=sum(line.amount for line in taxes),
            terms=terms_of(settings),
        )
        return quote, Goods(salt=_NO_SALT, lines=lines, methods=methods_of(settings), taxes=taxes)

    def _code(self) -> str:
        drawn = self._entropy.token(_CODE)
        return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in drawn)

    # -- showing ---------------------------------------------------------------------------------------------
    def _kept(self, reader: Reader, offer: bytes) -> OfferRow:
        row = offers.by_id(reader.connection, offer)
        assert row is not None  # it was put there just now
        return row

    def _item(self, reader: Reader, row: OfferRow) -> models.OfferItem:
        offer = parse_offer(row.data).offer
        buyer = None if offer.buyer is UNSET else offer.buyer
        names = views.names(reader.connection, [each for each in (row.seller, buyer) if each is not None])

        def party(who: bytes) -> models.DealParty:
            return models.DealParty(id=id_text(who), name=names.get(who, ""), node=True)

        taken = deals.sold_by(reader.connection, row.id)
        off = offer.discount
        price: models.Price | UnsetType = UNSET
        if offer.quote is not UNSET:
            price = _view(offer.quote, sum(part.price for part in offer.quote.parts))
        return models.OfferItem(
            offer=row.id.hex(),
            kind="discount" if offer.quote is UNSET else "quote",
            state=self._state(row, offer, taken),
            own=row.own,
            title=row.title,
            seller=party(row.seller),
            buyer=None if buyer is None else party(buyer),
            code=row.code or UNSET,
            count=offer.count,
            taken=taken,
            price=price,
            percent=UNSET if off is UNSET or off.points is UNSET else f"{off.points / 100:g}",
            off=UNSET if off is UNSET or off.amount is UNSET else _view(off, off.amount),
            least=UNSET if off is UNSET or not off.least else _view(off, off.least),
            only=UNSET if off is UNSET or off.keys is UNSET else list(off.keys),
            made=row.made,
            expires=offer.expires,
        )

    def _state(self, row: OfferRow, offer: Offer, taken: int) -> str:
        if row.ended is not None:
            return "ended"
        if taken >= (1 if offer.count is UNSET and offer.buyer is not UNSET else offer.count or taken + 1):
            return "used"
        return "expired" if offer.expires < self._clock.now_ms() else "open"

    def _shown(self, reader: Reader, row: OfferRow) -> models.OfferShown:
        offer, item = parse_offer(row.data).offer, self._item(reader, row)
        goods = None if row.enclosure is None else read_enclosure(row.enclosure, Goods)
        quote = offer.quote
        if goods is None or quote is UNSET:
            return models.OfferShown(offer=item, lines=[], parts=[], fulfil_by=[], taxes=[])
        # Why: a tax that is in the prices is in that of shipping too; so what a buyer reads adds up.
        shipping = quote.shipping + sum(line.shipping for line in goods.taxes if line.included)
        return models.OfferShown(
            offer=item,
            lines=[
                models.DealLine(
                    title=line.title,
                    amount=_view(quote, line.amount),
                    quantity=line.quantity,
                    unit_price=_view(quote, line.unit_price),
                    key=line.key,
                    options=list(line.options) or UNSET,
                    part=line.part + 1 if len(quote.parts) > 1 else UNSET,
                    text=line.text,
                )
                for line in goods.lines
            ],
            parts=[_view(quote, part.price) for part in quote.parts],
            fulfil_by=[
                quote.terms.fulfil_by if part.fulfil_by is UNSET else part.fulfil_by for part in quote.parts
            ],
            taxes=[
                models.DealLine(title=line.title, amount=_view(quote, line.amount), included=line.included)
                for line in goods.taxes
            ],
            shipping=_view(quote, shipping) if shipping else UNSET,
        )


def _view(priced_in: Quote | Discount, amount: int) -> models.Price:
    price = Price(amount=amount, currency=priced_in.currency, issuer=priced_in.issuer, unit=priced_in.unit)
    return views.price_view(price)


def _own_listing(own: bytes, key: str, reader: Reader) -> views.ListingRow | None:
    return views.listing(reader.connection, own, key)


def _usage(text: str) -> Problem:
    return Problem(text, ExitCode.USAGE, "usage")


def _minor(text: str, currency: str | None) -> int:
    try:
        return money.parse(text, currency or "")
    except money.MoneyError as error:
        raise _usage(f"The amount: {error}.") from error


def _points(percent: str) -> int:
    whole, _, fraction = percent.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))


def _currency(price: Price | UnsetType) -> str:
    if price is UNSET or price.currency is UNSET:
        raise _usage("In which currency? Add --currency, as EUR.")
    return price.currency


def _taxes(request: models.OfferMake, lines: tuple[GoodsLine, ...]) -> tuple[TaxLine, ...]:
    tax = request.tax
    return () if tax is None else _tax_lines(lines, tax.rate, tax.title, included=tax.included)


def _tax_lines(lines: tuple[GoodsLine, ...], rate: int, title: str, *, included: bool) -> tuple[TaxLine, ...]:
    base = sum(line.amount for line in lines)
    amount = half_up(base * rate, MAX_BASIS_POINTS + rate if included else MAX_BASIS_POINTS)
    return (TaxLine(amount=amount, included=included, rate=rate, title=title),)


def _unshipped(listing: Listing) -> Listing:
    """The listing without its rates: the offer says what shipping costs."""
    return msgspec.structs.replace(listing, shipping=UNSET, tax=UNSET)


def _with_listing(quote: Quote, entry: bytes, commission: int | UnsetType) -> Quote:
    return msgspec.structs.replace(quote, listing=entry, commission=commission)
