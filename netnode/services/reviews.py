"""Reviews: written of own deals, carried for others, and shown by the owner's own trust."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from typing import Any, Final

import apsw
from msgspec import UNSET, UnsetType

from netnode.deals.buyer_keys import buyer_signer
from netnode.deals.known import Known, load
from netnode.keys.keyring import KeyRing
from netnode.operations import models
from netnode.ports import Clock, Entropy
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.quotas import Distance
from netnode.reviews.rating import rated
from netnode.reviews.reading import Counted, Reading, read
from netnode.reviews.trust import trust_of
from netnode.services import paging
from netnode.services.deals import one_deal
from netnode.services.listings import named
from netnode.services.ports import OwnLog, Projector
from netnode.store import Reader, Store
from protocol.deals.bodies import Accept, Receive
from protocol.deals.message import Message
from protocol.deals.offers import name_buyer
from protocol.deals.reviews import Reviewed, agreed_by, newer, parse_review, sign_review
from protocol.errors import LocalProtocolError, RemoteProtocolError, Void
from protocol.identity import id_text, parse_id
from protocol.limits import MAX_RECORD, SALT_BYTES
from protocol.records import NamedBuyer, Review
from protocol.signing import Signer

_LIST: Final = "reviews"
_SHOWN: Final = 10
_DISTANCES: Final[dict[Distance, models.ReviewDistance]] = {
    Distance.OWN: "own",
    Distance.FOLLOWED: "followed",
    Distance.NEAR: "near",
    Distance.STRANGER: "strangers",
}


class ReviewBook:
    """`operations.services.Reviews`.

    Args:
        network: name of the network.
        store: holds deals and reviews.
        own: publishes.
        projector: brings what was written into the catalogue.
        ring: signs for the buyer of own deals.
        clock: dates reviews.
        entropy: salts.
    """

    def __init__(
        self,
        network: str,
        store: Store,
        own: OwnLog,
        projector: Projector,
        ring: KeyRing,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._network = network
        self._store = store
        self._own = own
        self._projector = projector
        self._ring = ring
        self._clock = clock
        self._entropy = entropy

    async def write(self, request: models.ReviewWrite) -> models.ReviewPublished:
        """Reviews a deal and publishes that in the own log; one that was written before is replaced.

        Raises:
            Problem: no such deal (3), the owner did not buy in it or has not confirmed a receipt (4), or as
                `OwnLog.append`.
        """
        return await self._state(request.deal, request.rating, request.text, unnamed=request.unnamed)

    async def withdraw(self, deal: str) -> models.ReviewPublished:
        """Publishes that what was said of a deal is taken back; copies in others' logs stay, and count no more.

        Raises:
            Problem: as `write`; or the owner's log carries no review of it (3).
        """
        return await self._state(deal, None, None, unnamed=False)

    async def carry(self, chunks: AsyncIterable[bytes]) -> models.ReviewPublished:
        """Publishes the review of another in the own log, as it is.

        Raises:
            Problem: it is none, or nobody signed it (4); the seller's keys are not known here (3); a newer one by
                the same buyer is carried here (4); or as `OwnLog.append`.
        """
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if len(data) > MAX_RECORD:
                raise Problem("This file is too long for a review.", ExitCode.REFUSED, "too_large")
        try:
            return await self.carry_review(bytes(data))
        except Void as void:
            raise Problem(
                f"This is no review that could be carried: {void.text}.", ExitCode.REFUSED, void.code
            ) from void

    async def carry_review(self, data: bytes) -> models.ReviewPublished:
        """Publishes the review of another; one that is carried already is not published again.

        Args:
            data: the record, whole.

        Raises:
            Void: `malformed`, `signature`: it is none, or its buyer did not sign it.
            Problem: as `carry`.
        """
        found = parse_review(self._network, data)
        await self._projector.level_of(self._own.id)
        known = await self._store.read(self._carried, found)
        if known is not None:
            return known
        return await self._publish(found)

    async def list(self, query: models.ReviewsQuery) -> models.Reviews:
        """Reviews of a seller or listing, nearest and newest first, with what all of them come to.

        Raises:
            Problem: the reference names neither (2).
        """
        seller, key = _subject(query.ref, self._own.id)
        place = paging.opened(_LIST, query.cursor, int)
        first = 0 if place is None else place[0]
        await self._projector.level_of(seller)  # not all: the logs of carriers may be many

        def found(reader: Reader) -> models.Reviews:
            reading = self._read(reader, seller)
            wanted = [each for each in reading.counted if key is None or each.listing == key]
            page = wanted[first : first + query.limit]
            following = first + len(page)
            return models.Reviews(
                ratings=groups(wanted),
                items=_shown(reader, seller, page),
                next=paging.seal(_LIST, following) if following < len(wanted) else None,
                more=reading.more,
            )

        return await self._store.read(found)

    async def ratings(self, seller: bytes, key: str) -> Sequence[models.RatingGroup]:
        """What the reviews of one listing come to."""

        def found(reader: Reader) -> Sequence[models.RatingGroup]:
            return groups([each for each in self._read(reader, seller).counted if each.listing == key])

        return await self._store.read(found)

    # -- writing ---------------------------------------------------------------------------------------------
    async def _state(
        self, name: str, rating: int | None, text: str | None, *, unnamed: bool
    ) -> models.ReviewPublished:
        keys = self._ring.keys
        now = self._clock.now_ms()
        await self._projector.level_of(self._own.id)
        known, before = await self._store.read(self._deal, name, now)
        if rating is None and before is None:
            text = f"You have not reviewed the deal {known.row.id.hex()[:_SHOWN]}."
            raise Problem(text, ExitCode.NOT_FOUND, "no_review")
        contract, receipt = _proofs(known)
        if keys.deal_secret is None or known.row.nonce is None:
            text = "The key of this order is not in this home, so nobody here can sign a review of it."
            raise Problem(text, ExitCode.REFUSED, "no_key")
        signer = buyer_signer(self._network, keys.deal_secret, known.row.nonce)
        order = known.order
        buyer: NamedBuyer | UnsetType = UNSET
        if rating is not None and not unnamed:
            buyer = order.named or name_buyer(
                self._network,
                Signer(keys.signing_seed),
                id=self._own.id,
                epoch=keys.epoch,
                key=order.key,
                seller=order.seller,
            )
        seq = await self._store.read(_seq, order.seller, order.listing)
        unsigned = Review(
            salt=self._entropy.token(SALT_BYTES),
            buyer=buyer,
            contract=contract.data,
            entry=UNSET if seq is None else seq,
            rating=UNSET if rating is None else rating,
            receipt=receipt.data,
            seller=order.seller,
            signature=bytes(64),
            text=UNSET if text is None else text,
            time=max(now, receipt.time, 0 if before is None else before.record.time + 1),
        )
        try:
            data = sign_review(self._network, signer, unsigned)
        except LocalProtocolError as error:
            raise Problem(
                f"This review cannot be published: {error.text}.", ExitCode.USAGE, "review"
            ) from error
        return await self._publish(parse_review(self._network, data))

    def _deal(self, reader: Reader, name: str, now: int) -> tuple[Known, Reviewed | None]:
        """The deal that an id or its first digits name, and the newest own review of it."""
        known = load(reader.connection, one_deal(reader.connection, name), now)
        if known.role != "buyer":
            raise Problem(
                "Only the buyer of a deal reviews it. Of a buyer without a node you can carry the review: "
                "netnode review carry FILE",
                ExitCode.REFUSED,
                "not_buyer",
            )
        found = self._own_copies(reader, known.order.seller, known.order.key)
        newest: Reviewed | None = None
        for each in found:
            if newest is None or newer(each, newest):
                newest = each
        return known, newest

    def _own_copies(self, reader: Reader, seller: bytes, key: bytes) -> Sequence[Reviewed]:
        rows: list[Any] = reader.connection.execute(
            "SELECT record FROM review JOIN networker USING (n) JOIN entry ON entry.place = review.n << 40 | review.seq"
            " WHERE seller = ? AND key = ? AND networker.id = ? AND record IS NOT NULL",
            (seller, key, self._own.id),
        ).fetchall()
        return [parse_review(self._network, record) for (record,) in rows]

    def _carried(self, reader: Reader, found: Reviewed) -> models.ReviewPublished | None:
        """Where the own log carries it already; refuses one that should not be carried."""
        state = reader.load(found.record.seller)
        if state is None:
            raise Problem(
                f"The seller {id_text(found.record.seller)} is not known here, so nobody here can tell whether they "
                "sold. Follow them first: netnode follow ID",
                ExitCode.NOT_FOUND,
                "unknown_author",
            )
        if not any(agreed_by(self._network, found, key) for key in state.openers.keys(found.epoch)):
            text = "The seller whom this review names did not make that contract."
            raise Problem(text, ExitCode.REFUSED, "signature")
        for each in self._own_copies(reader, found.record.seller, found.key):
            if each.id == found.id:
                entry: bytes = reader.connection.execute(
                    "SELECT entry FROM review JOIN networker USING (n) WHERE review.id = ? AND networker.id = ?",
                    (found.id, self._own.id),
                ).get
                return _published(found, entry)
            if newer(each, found):
                text = "You carry a newer review by the same buyer of the same deal."
                raise Problem(text, ExitCode.REFUSED, "stale")
        return None

    async def _publish(self, review: Reviewed) -> models.ReviewPublished:
        (entry,) = await self._own.append([(Review.KIND, review.data)])
        await self._projector.level_of(self._own.id)
        return _published(review, entry.id)

    # -- reading ---------------------------------------------------------------------------------------------
    def _read(self, reader: Reader, seller: bytes) -> Reading:
        return read(reader, self._network, trust_of(reader, self._own.id), seller, self._clock.now_ms())


def groups(reviews: Sequence[Counted]) -> list[models.RatingGroup]:
    """What reviews come to, as JSON shows it."""
    return [
        models.RatingGroup(
            distance=_DISTANCES[group.distance],
            average=group.average,
            receipts=group.receipts,
            aged=group.aged,
            witnessed=group.witnessed,
        )
        for group in rated(reviews)
    ]


def _shown(reader: Reader, seller: bytes, reviews: Sequence[Counted]) -> list[models.Review]:
    connection = reader.connection
    names = views.names(connection, [seller, *(each.buyer for each in reviews if each.buyer is not None)])
    titles = _titles(connection, seller, {each.listing for each in reviews if each.listing is not None})
    return [
        models.Review(
            review=each.review.id.hex(),
            entry=each.entry.hex(),
            rating=each.review.record.rating or 0,
            text=each.review.record.text,
            time=each.review.record.time,
            seller=id_text(seller),
            seller_name=names.get(seller, ""),
            listing=None if each.listing is None else f"{id_text(seller)}/{each.listing}",
            title=UNSET if each.listing is None else titles.get(each.listing, UNSET),
            distance=_DISTANCES[each.distance],
            buyer=None if each.buyer is None else id_text(each.buyer),
            buyer_name=UNSET if each.buyer is None else names.get(each.buyer, UNSET),
            carriers=[id_text(carrier) for carrier in each.carriers],
            agreed=each.review.contract.time,
            received=each.review.receipt.time,
            aged=each.aged,
            witnessed=each.witnessed,
        )
        for each in reviews
    ]


def _titles(connection: apsw.Connection, seller: bytes, keys: set[str]) -> dict[str, str]:
    rows = {key: views.listing(connection, seller, key) for key in keys}
    return {key: row.record.title for key, row in rows.items() if row is not None}


def _proofs(known: Known) -> tuple[Message, Message]:
    """The message that made the contract, and the buyer's newest receipt."""
    effective = [each for each in known.ordered() if known.state.verdicts.get(each.id, "waits") is None]
    accept = next((each for each in effective if isinstance(each.body, Accept)), None)
    receipts = [each for each in effective if isinstance(each.body, Receive)]
    if not known.state.contract or not receipts:
        shown = known.row.id.hex()[:_SHOWN]
        raise Problem(
            "A review rests on your receipt, so that nobody can review what they did not get. When you have got it: "
            f"netnode deal receipt {shown}",
            ExitCode.REFUSED,
            "no_receipt",
        )
    return accept or known.state.start, receipts[-1]


def _seq(reader: Reader, seller: bytes, entry: bytes | UnsetType) -> int | None:
    """The place of a listing's entry in its seller's log; None where it is not its current version."""
    if entry is UNSET:
        return None
    found: int | None = reader.connection.execute(
        "SELECT seq FROM listing JOIN networker USING (n) WHERE id = ? AND entry = ?", (seller, entry)
    ).get
    return found


def _published(review: Reviewed, entry: bytes) -> models.ReviewPublished:
    return models.ReviewPublished(
        review=review.id.hex(), entry=entry.hex(), seller=id_text(review.record.seller)
    )


def _subject(ref: str, own: bytes) -> tuple[bytes, str | None]:
    """The seller, and the key of the listing where one is named."""
    try:
        return parse_id(ref), None
    except RemoteProtocolError as error:
        seller, key = named(ref, own)
        if "/" not in ref and ref.lower().startswith("nx1"):
            raise Problem(f"{ref!r} is no networker id: {error.text}.", ExitCode.USAGE, "id") from error
        return seller, key
