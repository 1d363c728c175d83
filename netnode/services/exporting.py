"""Own listings into feeds, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from netnode.feeds.writing import FeedWriter, NotCarried, target
from netnode.operations import models
from netnode.ports import Clock
from netnode.projections import views
from netnode.services.ports import OwnLog, Projector
from netnode.store import Reader, Store

_PAGE: Final = 50  # why: a page is written, read back and compared in one turn of the reader lane


class FeedExport:
    """Exports feeds.

    Args:
        store: where the versions in force are read.
        own: whose listings.
        projector: brings what was written before into the catalogue.
        clock: decides what has expired.
    """

    def __init__(self, store: Store, own: OwnLog, projector: Projector, clock: Clock) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._clock = clock

    async def run(self, query: models.ExportQuery) -> AsyncIterator[bytes]:
        """Yields lines of JSON, each a `models.ExportLine`; the last has the number of listings.

        Raises:
            FeedError: unknown format; before the first line.
        """
        writer = FeedWriter(target(query.format, query.filename))
        await self._projector.level_of(self._own.id)
        yield _line(models.ExportLine(text=writer.head()))
        after: str | None = None
        while True:
            lines, after = await self._store.read(self._page, writer, self._clock.now_ms(), after)
            if lines:
                yield lines
            if after is None:
                break
        yield _line(models.ExportLine(text=writer.foot()))
        yield _line(models.ExportLine(exported=writer.exported, currency=writer.currency or msgspec.UNSET))

    def _page(
        self, reader: Reader, writer: FeedWriter, now: int, after: str | None
    ) -> tuple[bytes, str | None]:
        rows, following = views.listings_of(reader.connection, self._own.id, now, limit=_PAGE, after=after)
        return b"".join(
            _line(
                models.ExportLine(not_carried=models.NotCarried(part.key, part.field))
                if isinstance(part, NotCarried)
                else models.ExportLine(text=part)
            )
            for row in rows
            for part in writer.add(row.record, row.time)
        ), following


def _line(line: models.ExportLine) -> bytes:
    return msgspec.json.encode(line) + b"\n"
