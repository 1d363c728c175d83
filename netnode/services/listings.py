"""Own listings, and any listing held here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Protocol

import msgspec
from msgspec import UNSET

from netnode.market.forms import FormError
from netnode.market.listing import edited, from_form, same
from netnode.operations import models
from netnode.ports import Clock, Entropy
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging
from netnode.services.exporting import FeedExport
from netnode.services.importing import FeedImport
from netnode.services.plan_reports import PlanReports
from netnode.services.ports import OwnLog, Projector
from netnode.store import Store
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.identity import id_text, parse_id
from protocol.limits import SALT_BYTES
from protocol.records import Listing, Withdraw, encode_record, merge

_LIST = "own listings"
_LIKE_AN_ID = 40  # characters; an id has 62, and a key that begins like one is shorter


class Ratings(Protocol):
    """What reviews come to."""

    async def ratings(self, seller: bytes, key: str) -> Sequence[models.RatingGroup]:
        """Those of one listing, by the owner's own trust."""


class Standings(Protocol):
    """What speaks against sellers as issuers of credit."""

    async def against(self, issuer: bytes) -> models.IssuerStanding | None:
        """None where nothing is known that does."""


class OwnListings:
    """`operations.services.Listings`. What is published here is judged and written one at a time.

    Args:
        store: where the catalogue is.
        own: signs.
        projector: brings what was written into the catalogue.
        clock: decides what has expired.
        entropy: salts of records.
        feeds: reads feeds.
        export: writes them.
        ratings: what others say of listings.
        standings: what speaks against their sellers.
        reports: what their plans were measured to do.
    """

    def __init__(
        self,
        store: Store,
        own: OwnLog,
        projector: Projector,
        clock: Clock,
        entropy: Entropy,
        feeds: FeedImport,
        export: FeedExport,
        ratings: Ratings,
        standings: Standings,
        reports: PlanReports,
    ) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._clock = clock
        self._entropy = entropy
        self._feeds = feeds
        self._export = export
        self._ratings = ratings
        self._standings = standings
        self._reports = reports
        self._turn = asyncio.Lock()  # between the look at what is in force and the entry that replaces it

    async def publish(self, fields: dict[str, object]) -> models.Published:
        """Publishes a listing under a key that is not in force.

        Raises:
            Problem: the form is wrong (2), the key is in force (4), or as `OwnLog.append`.
        """
        record = from_form(fields, salt=self._salt())
        self._refuse_past(record)
        async with self._turn:
            row = await self._row(record.key)
            if row is not None and row.in_force(self._clock.now_ms()):
                raise Problem(
                    f"There is a listing {record.key!r} already ({row.record.title!r}). Change it with: "
                    f"netnode listing edit {record.key}, or choose another key.",
                    ExitCode.REFUSED,
                    "key_taken",
                    {"key": record.key, "entry": row.entry.hex()},
                )
            return await self._write(record.key, Listing.KIND, encode_record(record))

    async def edit(self, change: models.ListingEdit) -> models.Published:
        """Publishes the next version; unknown fields of the former one go along [R-REC-4].

        Raises:
            Problem: no such listing (3), the change makes no listing (2), or as `OwnLog.append`.
        """
        async with self._turn:
            row = await self._known(change.key)
            record = edited(row.record, change.fields, change.clear, salt=self._salt())
            if "expires" in change.fields:
                self._refuse_past(record)
            if same(row.record, record):
                return self._published(row.key, row.entry)
            try:
                data = merge(row.raw, record)
            except LocalProtocolError as error:
                raise FormError("", change.key, error.text) from error
            return await self._write(row.key, Listing.KIND, data)

    async def withdraw(self, key: str) -> models.Published:
        """Publishes a withdrawal.

        Raises:
            Problem: unknown or withdrawn key (3), or as `OwnLog.append`.
        """
        async with self._turn:
            row = await self._known(key)
            record = Withdraw(salt=self._salt(), key=row.key)
            return await self._write(row.key, Withdraw.KIND, encode_record(record))

    async def list(self, query: models.ListingsQuery) -> models.Page[models.ListingSummary]:
        """Own listings by key."""
        place = paging.opened(_LIST, query.cursor, str)
        now = self._clock.now_ms()
        rows, following = await self._store.read(
            lambda reader: views.listings_of(
                reader.connection,
                self._own.id,
                now,
                everything=query.all,
                limit=query.limit,
                after=None if place is None else place[0],
            )
        )
        return models.Page(
            [views.summary(row) for row in rows],
            None if following is None else paging.seal(_LIST, following),
        )

    async def show(self, ref: str) -> models.Listing:
        """One listing held here, also a withdrawn or expired one.

        Raises:
            Problem: it is not held (3).
        """
        seller, key = named(ref, self._own.id)
        row = await self._store.read(lambda reader: views.listing(reader.connection, seller, key))
        if row is None:
            raise not_held(ref, seller == self._own.id)
        ratings = await self._ratings.ratings(seller, key)
        standing = await self._standings.against(seller)
        plan = await self._reports.of_listing(seller, key)
        return msgspec.structs.replace(views.full(row), ratings=list(ratings), standing=standing, plan=plan)

    async def import_feed(self, query: models.ImportQuery, chunks: AsyncIterable[bytes]) -> models.Imported:
        """Publishes what a feed changes; see `FeedImport.run`."""
        async with self._feeds.spooled(chunks) as file, self._turn:
            return await self._feeds.run(query, file)

    def export_feed(self, query: models.ExportQuery) -> AsyncIterator[bytes]:
        """Writes the own listings in force as a feed; see `FeedExport.run`."""
        return self._export.run(query)

    # -- steps -----------------------------------------------------------------------------------------------
    async def _row(self, key: str) -> views.ListingRow | None:
        """The newest version of an own listing, once the catalogue has all that was written."""
        await self._projector.level_of(self._own.id)
        return await self._store.read(lambda reader: views.listing(reader.connection, self._own.id, key))

    async def _known(self, key: str) -> views.ListingRow:
        seller, key = named(key, self._own.id)
        row = await self._row(key) if seller == self._own.id else None
        if row is None:
            raise not_held(key, True)
        if row.withdrawn:
            raise Problem(
                f"The listing {key!r} was withdrawn. Offer it again with: netnode listing add --key {key}",
                ExitCode.NOT_FOUND,
                "withdrawn",
                {"key": key},
            )
        return row

    def _refuse_past(self, record: Listing) -> None:
        if record.expires is not UNSET and record.expires <= self._clock.now_ms():
            raise FormError("", "expires", "lies in the past, so nobody would see the listing")

    async def _write(self, key: str, kind: int, data: bytes) -> models.Published:
        (entry,) = await self._own.append([(kind, data)])
        await self._projector.level_of(self._own.id)
        return self._published(key, entry.id)

    def _published(self, key: str, entry: bytes) -> models.Published:
        return models.Published(key, f"{id_text(self._own.id)}/{key}", entry.hex())

    def _salt(self) -> bytes:
        return self._entropy.token(SALT_BYTES)


def named(ref: str, own: bytes) -> tuple[bytes, str]:
    """The seller and key that a reference names: `<seller id>/<key>`, or an own key (which may hold a slash).

    Raises:
        Problem: the id of a seller was mistyped or cut off (2).
    """
    head, slash, key = ref.partition("/")
    if slash and key:
        try:
            return parse_id(head), key
        except RemoteProtocolError:
            pass
    # Why not any: an own key may begin so. What is as long as an id was meant as one, and slipped.
    if len(head) >= _LIKE_AN_ID and head.lower().startswith("nx1") and head.isalnum():
        views.networker_id(head)
    return own, ref


def not_held(ref: str, own: bool) -> Problem:
    """The Problem for a listing that is not here."""
    hint = "See yours with: netnode listing ls" if own else "Find listings with: netnode search TEXT"
    return Problem(
        f"There is no listing {ref!r} here. {hint}", ExitCode.NOT_FOUND, "no_listing", {"ref": ref}
    )
