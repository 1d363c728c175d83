"""The reviews of one seller that count, judged under the keys held here.

A review is in the projection as soon as its buyer signed it. Whether the seller made the contract, who bought and who
led them is judged here, since the logs that tell may come later than the review, or go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET

from netnode.quotas import Distance
from netnode.reviews.trust import Trust
from netnode.store import Reader, deals
from netnode.store.rows import entry_id, place_of, stored_entry
from protocol.deals.reviews import Reviewed, agreed_by, named_in, opened, read_review
from protocol.errors import Void
from protocol.openers import Openers
from protocol.records import Listing, decode_record

MOST: Final = 2_000
"""Receipts of one seller that are judged, the nearest first: half a second of a reader. Floods are strangers'."""


OF_KEY: Final = 64
"""Copies of one key's reviews that are judged, the newest first: who floods with a key hides its own review."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One review that counts.

    Attributes:
        review: what it says.
        distance: how far it comes.
        buyer: the networker who bought, where the review proves it.
        carriers: in whose logs it stands, nearest first.
        entry: id of the entry of the nearest of them.
        listing: key of the listing it is of; None where the listing's entry is not held, or there is none.
        aged: whether the contract is old enough to tell.
        witnessed: whether the path that led the buyer is opened in it, and signed.
    """

    review: Reviewed
    distance: Distance
    buyer: bytes | None
    carriers: tuple[bytes, ...]
    entry: bytes
    listing: str | None
    aged: bool
    witnessed: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """The reviews of a seller that count, nearest and newest first; `more`: there are receipts beyond MOST."""

    counted: tuple[Counted, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class _Copy:
    """A review in one log."""

    carrier: bytes
    entry: bytes
    time: int
    id: bytes
    place: int


def read(reader: Reader, network: str, trust: Trust, seller: bytes, now: int) -> Reading:
    """The reviews of a seller that count [R-REV-7] [R-REV-9].

    Args:
        reader: of the store.
        network: name of the network.
        trust: of the owner.
        seller: networker id.
        now: ms UTC.
    """
    by_key: dict[bytes, list[_Copy]] = {}
    for key, *rest in _rows(reader, seller):
        copy = _Copy(*rest)
        if copy.carrier not in trust.blocked:
            by_key.setdefault(key, []).append(copy)
    nearest = sorted(
        by_key.values(), key=lambda copies: (min(trust.of(each.carrier) for each in copies), -copies[0].time)
    )
    judge = _Judge(reader, network, trust, seller, now)
    found = [each for copies in nearest[:MOST] if (each := judge.newest(copies)) is not None]
    found.sort(key=lambda each: (each.distance, -each.review.record.time, each.review.id))
    return Reading(tuple(found), len(nearest) > MOST)


def _rows(reader: Reader, seller: bytes) -> Iterator[tuple[Any, ...]]:
    """Key, carrier, entry, time, id and place of all copies, of each key the newest by its buyer's clock first."""
    for key, carrier, entry, time, id_, n, seq in reader.connection.execute(
        "SELECT review.key, networker.id, entry, time, review.id, n, seq FROM review JOIN networker USING (n)"
        " WHERE seller = ? ORDER BY key, time DESC, review.id DESC",
        (seller,),
    ):
        yield key, carrier, entry, time, id_, place_of(n, seq)


class _Judge:
    """Judges reviews of one seller; what it has looked up once it does not look up again."""

    def __init__(self, reader: Reader, network: str, trust: Trust, seller: bytes, now: int) -> None:
        self._reader = reader
        self._network = network
        self._trust = trust
        self._seller = seller
        self._now = now
        self._openers: dict[bytes, Openers | None] = {}
        self._keys: dict[bytes, str | None] = {}

    def newest(self, copies: Sequence[_Copy]) -> Counted | None:
        """The newest proved review of one key; None where it was taken back, or none is proved."""
        for copy in copies[:OF_KEY]:
            found = self._proved(copy)
            if found is not None:
                if found.record.rating is UNSET:
                    return None
                return self._counted(found, [each for each in copies if each.id == found.id])
        return None

    def _proved(self, copy: _Copy) -> Reviewed | None:
        record: bytes | None = self._reader.connection.execute(
            "SELECT record FROM entry WHERE place = ?", (copy.place,)
        ).get
        if record is None:
            return None
        try:
            found = read_review(self._network, record)
        except Void:
            return None
        keys = self._of(self._seller, found.epoch)
        return found if any(agreed_by(self._network, found, key) for key in keys) else None

    def _counted(self, found: Reviewed, copies: Sequence[_Copy]) -> Counted:
        copies = sorted(copies, key=lambda each: (self._trust.of(each.carrier), each.carrier))
        carriers = tuple(dict.fromkeys(each.carrier for each in copies))
        buyer = self._buyer(found)
        own = deals.by_id(self._reader.connection, found.deal)
        if own is not None and own.role == "buyer":
            distance = Distance.OWN
        elif buyer is not None:
            distance = self._trust.of(buyer)
        else:
            distance = self._trust.carried(carriers, self._seller)
        return Counted(
            review=found,
            distance=distance,
            buyer=buyer,
            carriers=carriers,
            entry=copies[0].entry,
            listing=self._listing(found),
            aged=found.aged(self._now),
            witnessed=opened(self._network, found, self._of) is not None,
        )

    def _buyer(self, found: Reviewed) -> bytes | None:
        buyer = found.record.buyer
        if not buyer:
            return None
        proved = any(named_in(self._network, found, key) for key in self._of(buyer.id, buyer.epoch))
        return buyer.id if proved else None

    def _of(self, networker: bytes, epoch: int) -> tuple[bytes, ...]:
        """The keys of a networker in an epoch, as the logs held here tell."""
        if networker not in self._openers:
            state = self._reader.load(networker)
            self._openers[networker] = None if state is None else state.openers
        openers = self._openers[networker]
        return () if openers is None else openers.keys(epoch)

    def _listing(self, found: Reviewed) -> str | None:
        if found.listing is None:
            return None
        if found.listing not in self._keys:
            self._keys[found.listing] = self._key(
                found.listing, None if found.record.entry is UNSET else found.record.entry
            )
        return self._keys[found.listing]

    def _key(self, entry: bytes, seq: int | None) -> str | None:
        """The key of the listing whose entry this is: the current version, or the one at the place that is named."""
        connection = self._reader.connection
        current: str | None = connection.execute(
            "SELECT key FROM listing JOIN networker USING (n) WHERE id = ? AND entry = ?",
            (self._seller, entry),
        ).get
        if current is not None or seq is None:
            return current
        n = connection.execute("SELECT n FROM networker WHERE id = ?", (self._seller,)).get
        row = connection.execute(
            "SELECT header, signature, record FROM entry WHERE place = ?", (place_of(n, seq),)
        ).fetchone()
        if row is None or row[2] is None or entry_id(row[0], row[1]) != entry:
            return None
        held = stored_entry(*row)
        record = decode_record(held.kind, row[2])
        return record.key if isinstance(record, Listing) else None
