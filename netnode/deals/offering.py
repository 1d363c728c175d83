"""Offers: made here, sent to whom they are for or given for a code; and those of others that come [R-DEAL-34]."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import apsw
import msgspec
from msgspec import UNSET

from netnode.deals.desk import title_of
from netnode.deals.known import enclose, read_enclosure
from netnode.deals.means import Means
from netnode.deals.sending import BUSY, may_add
from netnode.deals.signers import Signers, read
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, consents, offers, referrals
from netnode.store.consents import ConsentRow
from netnode.store.offers import OfferRow
from protocol import encoding, limits
from protocol.deals.bodies import Order
from protocol.deals.consent import parse_consent
from protocol.deals.enclosures import Goods
from protocol.deals.offers import Offer, SignedOffer, code_hash, offered_by, parse_offer, sign_offer
from protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocol.letter_bodies import AskOffer, OfferLetter
from protocol.openers import Openers
from protocol.referral_letters import ReferralLetter
from protocol.referrals import normal
from protocol.signing import Signer

PATIENCE: Final = 20.0  # seconds; why: a seller who runs answers within one or two
_LOOK: Final = 0.25
_NO_SIGNATURE: Final = bytes(64)


class Offering:
    """Makes, sends, gives and takes offers.

    Args:
        means: to sign, keep and send.
    """

    def __init__(self, means: Means) -> None:
        self._means = means

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("offer", self.take)
        self._means.letters.receive("ask_offer", self.give)

    async def make(self, unsigned: Offer, goods: Goods | None, code: str | None, title: str) -> OfferRow:
        """Signs an offer and keeps it; one to a named buyer is sent to them. Durable when it returns.

        Args:
            unsigned: the offer; salt, code, epoch, seller, signature and the hash of the goods are put in here.
            goods: what it quotes; None for a discount.
            code: by which it is got; None for one to a named buyer.
            title: for lists.

        Raises:
            Problem: it has a form that nobody would take (2); the keys are locked; the disk.
        """
        keys = self._means.ring.keys
        salt = self._means.entropy.token(limits.SALT_BYTES)
        data: bytes | None = None
        quote = unsigned.quote
        if goods is not None and quote is not UNSET:
            data, name = enclose(
                msgspec.structs.replace(goods, salt=self._means.entropy.token(limits.SALT_BYTES))
            )
            quote = msgspec.structs.replace(quote, enclosed=name)
        whole = msgspec.structs.replace(
            unsigned,
            salt=salt,
            code=UNSET if code is None else code_hash(self._means.network, salt, code),
            epoch=keys.epoch,
            quote=quote,
            seller=self._means.own.id,
            signature=_NO_SIGNATURE,
        )
        try:
            signed = sign_offer(self._means.network, Signer(keys.signing_seed), whole)
        except LocalProtocolError as error:
            raise Problem(f"This offer cannot be made: {error.text}.", ExitCode.USAGE, "offer") from error
        row = OfferRow(
            0, signed.id, self._means.own.id, True, signed.data, data, code, title, self._means.clock.now_ms()
        )
        await self._means.store.write(offers.put, row)
        if whole.buyer is not UNSET:
            await self._means.letters.send(whole.buyer, await self._letter(row), expires=None)
        return row

    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Takes an offer of somebody, if its seller signed it.

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, OfferLetter)
        try:
            signed = parse_offer(body.offer)
        except RemoteProtocolError as error:
            return Refusal(error.code, error.text)
        try:
            given = {
                found.author: found for each in body.openers for found in [read(self._means.network, each)]
            }
            arbiter = await self._means.store.read(self._arbiter, signed, given)
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        keys = await self._means.store.read(self._keys, signed, incoming)
        if not any(offered_by(self._means.network, signed, key) for key in keys):
            return Refusal(
                "signature", "the seller whom the offer names did not sign it, or is not known here"
            )
        buyer = signed.offer.buyer
        if signed.offer.seller == self._means.own.id or (buyer is not UNSET and buyer != self._means.own.id):
            return Refusal("not_party", "the offer is for somebody else")
        data = next(iter(body.enclosures), None)
        goods = None if data is None else read_enclosure(data, Goods)
        quote = signed.offer.quote
        # the bytes that came: what this node would make of them may leave out what it does not know [R-DEAL-4]
        if quote is not UNSET and (
            data is None or goods is None or hashlib.sha256(data).digest() != quote.enclosed
        ):
            return Refusal("enclosure", "the goods of the offer do not come along, or are not those it names")
        title = title_of(goods) if goods is not None else _discount_title(signed.offer)
        row = OfferRow(
            0,
            signed.id,
            signed.offer.seller,
            False,
            signed.data,
            data,
            None,
            title,
            self._means.clock.now_ms(),
        )
        if arbiter is not None:
            await self._means.store.write(consents.put, arbiter)
        await self._means.store.write(offers.put, row)
        return Taken()

    async def give(self, incoming: Incoming) -> Taken | Refusal:
        """Answers who asks for the offer behind a code, or for who recommended by it [R-REF-6].

        Raises:
            Problem: the disk, or a full outbox; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, AskOffer)
        row = await self._means.store.read(
            lambda reader: offers.by_code(reader.connection, self._means.own.id, normal(body.code))
        )
        now, referred = self._means.clock.now_ms(), None
        if row is None:
            referred = await self._means.store.read(
                lambda reader: referrals.by_code(reader.connection, "registered", normal(body.code))
            )
        expires = 0 if referred is None else referred.expires
        if (expires if row is None else parse_offer(row.data).offer.expires) <= now:
            return Refusal("no_offer", "there is no offer by that code, or its time is over")
        if not await self._means.store.read(lambda reader: may_add(reader.connection, incoming.sender)):
            return Refusal("busy", BUSY)
        answer: OfferLetter | ReferralLetter
        if row is not None:
            answer = await self._letter(row)
        else:
            assert referred is not None  # else its time is over
            listing = UNSET if referred.listing is None else referred.listing
            answer = ReferralLetter(code=referred.code or UNSET, listing=listing, path=referred.tokens)
        await self._means.letters.send(incoming.sender, answer, reply=incoming.reply)
        return Taken()

    async def by_code(self, seller: bytes, code: str, listing: str | None, *, wait: bool) -> OfferRow | None:
        """The offer of a seller behind a code, asked for where it is not here; None: it stands for a recommendation.

        Args:
            seller: networker id.
            code: as it was typed.
            listing: key of the listing it is for.
            wait: whether an answer can come while the caller waits.

        Raises:
            Problem: `no_offer` (3): there is none; `offer_asked` (5): the seller has not answered yet.
        """
        code = normal(code)
        found, recommended = await self._known(seller, code)
        if found is not None or recommended:
            return found
        question = await self._means.letters.send(
            seller, AskOffer(code=code, listing=UNSET if listing is None else listing)
        )
        end = self._means.clock.monotonic() + (PATIENCE if wait else 0)
        while self._means.clock.monotonic() < end:
            await asyncio.sleep(_LOOK)
            found, recommended = await self._known(seller, code)
            if found is not None or recommended:
                return found
            delivery = await self._means.letters.delivery(question)
            if delivery is not None and delivery.state == "refused":
                text = (
                    f"The seller does not know the code {code!r}: {delivery.reason or 'no reason was given'}."
                )
                raise Problem(text, ExitCode.NOT_FOUND, "no_offer")
        raise Problem(
            f"The seller is asked what the code {code!r} stands for, and has not answered yet. Order again later; "
            "netnode offer ls shows what came.",
            ExitCode.UNREACHABLE,
            "offer_asked",
        )

    async def _known(self, seller: bytes, code: str) -> tuple[OfferRow | None, bool]:
        """An offer of that code that is here, which its hash tells; else whether it stands for a recommendation."""

        def read(reader: Reader) -> tuple[list[OfferRow], bool]:
            met = referrals.met(reader.connection, seller)
            recommended = any(row.code == code and row.expires > now for row in met)
            return offers.coded(reader.connection, seller), recommended

        now = self._means.clock.now_ms()
        rows, recommended = await self._means.store.read(read)
        for row in rows:
            offer = parse_offer(row.data).offer
            if offer.code == code_hash(self._means.network, offer.salt, code) and offer.expires > now:
                return row, False
        return None, recommended

    async def _letter(self, row: OfferRow) -> OfferLetter:
        """The letter that carries an offer, with the openers of the arbiter whom it names."""
        enclosures = () if row.enclosure is None else (row.enclosure,)
        quote = parse_offer(row.data).offer.quote
        if quote is UNSET or quote.terms.arbiter is UNSET:
            return OfferLetter(offer=row.data, enclosures=enclosures)
        arbiter = quote.terms.arbiter
        kept = await self._means.store.read(lambda reader: consents.openers(reader.connection, arbiter))
        openers = () if kept is None else (encoding.decode(kept, limits.MAX_MESSAGE),)
        return OfferLetter(offer=row.data, enclosures=enclosures, openers=openers)

    def _arbiter(
        self, reader: Reader, signed: SignedOffer, given: Mapping[bytes, Openers]
    ) -> ConsentRow | None:
        """The consent in the offer's terms, proved [R-ARB-2]; kept with the openers that an order needs too."""
        quote = signed.offer.quote
        if quote is UNSET or quote.terms.consent is UNSET:
            return None
        signers = Signers(self._means.network, reader.connection, given)
        signers.check_consent(quote.terms)
        consent = parse_consent(quote.terms.consent)
        entries = signers.entries(consent.consent.arbiter, 0) or []
        return ConsentRow(
            0,
            consent.id,
            consent.consent.arbiter,
            False,
            consent.data,
            None,
            encoding.encode(entries),
            self._means.clock.now_ms(),
        )

    def _keys(self, reader: Reader, signed: SignedOffer, incoming: Incoming) -> Sequence[bytes]:
        offer = signed.offer
        if incoming.sender == offer.seller and incoming.epoch == offer.epoch:
            return (incoming.key,)
        return Signers(self._means.network, reader.connection).keys(offer.seller, offer.epoch, 0)


def enclosed_goods(connection: apsw.Connection, order: Order) -> Goods | None:
    """The goods of the offer that an order is on, as they are kept here."""
    if order.offer is UNSET:
        return None
    row = offers.by_id(connection, parse_offer(order.offer).id)
    return None if row is None or row.enclosure is None else read_enclosure(row.enclosure, Goods)


def _discount_title(offer: Offer) -> str:
    return "" if offer.discount is UNSET else offer.discount.title
