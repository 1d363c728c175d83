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
from netnode.services.ports import OwnLog, Projector
from netnode.store import Reader, Store
from protocol.errors import LocalProtocolError
from protocol.limits import SALT_BYTES
from protocol.records import Listing, Withdraw, encode_record, merge

T = TypeVar("T")


@dataclass(slots=True)
class _Plan:
    """What a feed comes to; `records` are to be published."""

    records: list[tuple[int, bytes]] = field(default_factory=list)
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    kept: str = ""
    skipped: list[models.Skipped] = field(default_factory=list)
    named: set[str] = field(default_factory=set)  # keys of the products in the file, fit or not
    nameless: bool = False  # a row was skipped before its key was known

    def skip(self, row: int, column: str, reason: str) -> None:
        self.skipped.append(models.Skipped(row, column, reason))


class FeedImport:
    """Imports feeds.

    Args:
        store: where the versions in force are read.
        own: signs.
        projector: brings what was written into the catalogue.
        entropy: salts of records.
        executor: its reader lane touches the file and reads the feed.
        home: the folder that holds the file meanwhile.
    """

    def __init__(
        self,
        store: Store,
        own: OwnLog,
        projector: Projector,
        entropy: Entropy,
        executor: Executor,
        home: Path,
    ) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._entropy = entropy
        self._executor = executor
        self._home = home

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
        if plan.records and not query.dry_run:
            await self._own.append(plan.records)
            await self._projector.level_of(self._own.id)
        return models.Imported(
            created=plan.created,
            updated=plan.updated,
            unchanged=plan.unchanged,
            withdrawn=plan.withdrawn,
            skipped=plan.skipped,
            kept=plan.kept or UNSET,
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
        gone = [key for key in views.keys_in_force(reader.connection, self._own.id) if key not in plan.named]
        for key in gone:
            record = Withdraw(salt=self._entropy.token(SALT_BYTES), key=key)
            plan.records.append((Withdraw.KIND, encode_record(record)))
        plan.withdrawn = len(gone)

    def _take(self, reader: Reader, plan: _Plan, product: Product, currency: str | None) -> None:
        mapped = to_listing(product, currency=currency, salt=self._entropy.token(SALT_BYTES))
        if isinstance(mapped, Skipped):
            plan.skip(mapped.row, mapped.field, mapped.reason)
            return
        new = mapped.listing
        row = views.listing(reader.connection, self._own.id, new.key)
        if row is None or row.withdrawn:
            plan.records.append((Listing.KIND, encode_record(new)))
            plan.created += 1
            return
        column = product.columns.get("key", "key")
        if row.record.kind != new.kind:
            reason = f"you offer a {row.record.kind} under the key {new.key!r}; withdraw it or change the key"
            plan.skip(product.row, column, reason)
            return
        new = keep_own(row.record, new)
        if same(row.record, new):
            plan.unchanged += 1
            return
        try:
            encode_record(new)  # what the owner added and what the feed says may not go together
            data = merge(row.raw, new)
        except LocalProtocolError as error:
            plan.skip(product.row, column, error.text)
            return
        plan.records.append((Listing.KIND, data))
        plan.updated += 1
