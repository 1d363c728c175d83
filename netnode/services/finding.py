"""Search of everything held here."""

from __future__ import annotations

from netnode.operations import models
from netnode.ports import Clock
from netnode.projections import views
from netnode.services.ports import OwnLog
from netnode.store import Store


class CatalogueSearch:
    """`operations.services.Search`.

    Args:
        store: where the catalogue is.
        own: whose public blocks hide sellers.
        clock: decides what has expired.
    """

    def __init__(self, store: Store, own: OwnLog, clock: Clock) -> None:
        self._store = store
        self._own = own
        self._clock = clock

    async def find(self, query: models.SearchQuery) -> models.Found:
        """Searches, on one snapshot.

        Raises:
            Problem: `seller` is no networker id, or the cursor is of another search.
        """
        now = self._clock.now_ms()
        return await self._store.read(
            lambda reader: views.search(reader.connection, query, now, self._own.id)
        )
