"""Feeds into the own log: everything is read and compared before anything is written."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from msgspec import UNSET

from netnode.feeds.mapping import keep_own, to_listing
from netnode.feeds.product import Product, Skipped
from netnode.feeds.reading import read_feed
from netnode.market.listing import same
from netnode.operations import models
from netnode.operations.operation import MAX_FEED, bounded
from netnode.ports import Entropy, Executor, Lane
from netnode.problems import disk_problem
from netnode.projections import views
from netnode.services.picturing import PictureFetch
from netnode.services.ports import OwnLog, Projector
from netnode.store import Reader, Store
from protocol.errors import LocalProtocolError
from protocol.limits import SALT_BYTES
from protocol.records import Listing, Withdraw, encode_record, merge

T = TypeVar("T")


@dataclass(slots=True)
class _Change:
    """One product of the file that makes a listing: its next version, and the bytes of the one in force."""

    row: int
    column: str  # of its key
    pictures: str  # column of its pictures
    listing: Listing
    old: Listing | None = None
    raw: bytes = b""


@dataclass(slots=True)
class _Plan:
    """What a feed comes to."""

    changes: list[_Change] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  # keys to withdraw
    kept: str = ""
    skipped: list[models.Skipped] = field(default_factory=list)
    named: set[str] = field(default_factory=set)  # keys of the products in the file, fit or not
    nameless: bool = False  # a row was skipped before its key was known

    def skip(self, row: int, column: str, reason: str) -> None:
        self.skipped.append(models.Skipped(row, column, reason))


@dataclass(slots=True)
class _Outcome:
    """What is to be published, and the counts that are told."""

    records: list[tuple[int, bytes]] = field(default_factory=list)
    created: int = 0
    updated: int = 0
    unchanged: int = 0


class FeedImport:
    """Imports feeds.

    Args:
        store: where the versions in force are read.
        own: signs.
        projector: brings what was written into the catalogue.
        entropy: salts of records.
        executor: its reader lane touches the file and reads the feed.
        home: the folder that holds the file meanwhile.
        pictures: fetches the pictures that a feed names.
    """

    def __init__(
        self,
        store: Store,
        own: OwnLog,
        projector: Projector,
        entropy: Entropy,
        executor: Executor,
        home: Path,
        pictures: PictureFetch,
    ) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._entropy = entropy
        self._executor = executor
        self._home = home
        self._pictures = pictures

    @asynccontextmanager
    async def spooled(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[BinaryIO]:
        """Holds an upload in a nameless file of the home, mode 0600; it is gone whatever ends the process.

        Raises:
            Problem: it is larger than MAX_FEED, or the disk.
        """
        file = await self._disk(self._open)
        try:
            async for chunk in bounded(chunks, MAX_FEED):
                await self._disk(partial(file.write, chunk))
            await self._disk(partial(file.seek, 0))
            yield file
        finally:
            file.close()

    async def run(self, query: models.ImportQuery, file: BinaryIO) -> models.Imported:
        """Publishes what a feed changes, all in one; a second run finds everything unchanged.

        Args:
            query: format and currency; `dry_run` writes nothing.
            file: the feed, seekable.

        Raises:
            Problem: as `feeds.reading.read_feed`, among them NeedsCurrency (2); or as `OwnLog.append`. Nothing is
                written then.
        """
        await self._projector.level_of(self._own.id)
        plan = await self._store.read(self._planned, query, file)
        fetched = 0
        missing: list[models.Skipped] = []
        if query.fetch_images and not query.dry_run:
            fetched, missing = await self._pictures.fetch(plan.changes)
        outcome = self._settled(plan)
        if outcome.records and not query.dry_run:
            await self._own.append(outcome.records)
            await self._projector.level_of(self._own.id)
        return models.Imported(
            created=outcome.created,
            updated=outcome.updated,
            unchanged=outcome.unchanged,
            withdrawn=len(plan.gone),
            skipped=plan.skipped,
            kept=plan.kept or UNSET,
            pictures=fetched,
            not_fetched=missing,
        )

    def _open(self) -> BinaryIO:
        # A file without a name, where the system has such; TemporaryFile unlinks it at once elsewhere.
        return cast("BinaryIO", tempfile.TemporaryFile(dir=self._home, prefix=".import-"))

    async def _disk(self, work: Callable[[], T]) -> T:
        try:
            return await self._executor.run(Lane.READER, work)
        except OSError as error:
            raise disk_problem(error, "write", self._home) from error

    # -- in the reader lane ----------------------------------------------------------------------------------
    def _planned(self, reader: Reader, query: models.ImportQuery, file: BinaryIO) -> _Plan:
        plan = _Plan()
        for item in read_feed(file, format=query.format, currency=query.currency):
            if isinstance(item, Skipped):
                plan.skip(item.row, item.field, item.reason)
                plan.nameless = plan.nameless or item.key is None
                plan.named.update([] if item.key is None else [item.key])
            else:
                plan.named.add(item.key)
                self._take(reader, plan, item, query.currency)
        if query.whole:
            self._withdraw(reader, plan)
        return plan

    def _withdraw(self, reader: Reader, plan: _Plan) -> None:
        """Withdraws what the file does not have; never on the word of a file that could not be read to its end."""
        if plan.nameless:
            plan.kept = "rows were skipped before it was known which listing they are of"
            return
        if not plan.named:
            plan.kept = "the file has no products"
            return
        held = views.keys_in_force(reader.connection, self._own.id)
        plan.gone = [key for key in held if key not in plan.named]

    def _take(self, reader: Reader, plan: _Plan, product: Product, currency: str | None) -> None:
        mapped = to_listing(product, currency=currency, salt=self._entropy.token(SALT_BYTES))
        if isinstance(mapped, Skipped):
            plan.skip(mapped.row, mapped.field, mapped.reason)
            return
        new = mapped.listing
        pictures = product.columns.get("image", "image")
        column = product.columns.get("key", "key")
        row = views.listing(reader.connection, self._own.id, new.key)
        if row is None or row.withdrawn:
            plan.changes.append(_Change(product.row, column, pictures, new))
            return
        if row.record.kind != new.kind:
            reason = f"you offer a {row.record.kind} under the key {new.key!r}; withdraw it or change the key"
            plan.skip(product.row, column, reason)
            return
        new = keep_own(row.record, new)
        plan.changes.append(_Change(product.row, column, pictures, new, row.record, row.raw))

    # -- what is published -----------------------------------------------------------------------------------
    def _settled(self, plan: _Plan) -> _Outcome:
        outcome = _Outcome()
        for change in plan.changes:
            if change.old is not None and same(change.old, change.listing):
                outcome.unchanged += 1
                continue
            try:  # what the owner added, or pictures, and what the feed says may not go together
                data = encode_record(change.listing)
                if change.old is not None:
                    data = merge(change.raw, change.listing)
            except LocalProtocolError as error:
                plan.skip(change.row, change.column, error.text)
                continue
            outcome.records.append((Listing.KIND, data))
            if change.old is None:
                outcome.created += 1
            else:
                outcome.updated += 1
        for key in plan.gone:
            record = Withdraw(salt=self._entropy.token(SALT_BYTES), key=key)
            outcome.records.append((Withdraw.KIND, encode_record(record)))
        return outcome
