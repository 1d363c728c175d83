"""The private stock of own listings: what can still be promised, and whether orders are accepted by themselves."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from netnode.deals.buying import choice_of
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services.listings import named, not_held
from netnode.services.ports import OwnLog, Projector
from netnode.settings import Settings
from netnode.store import Store, stock
from protocol.records import Listing

_AUTO: Final = MappingProxyType({"on": True, "off": False, "default": None})


class Stocks:
    """`operations.services.Stocks`.

    Args:
        store: holds the counters.
        own: whose listings.
        projector: brings the catalogue up to date.
        settings: say whether orders are accepted by themselves where the listing does not.
    """

    def __init__(self, store: Store, own: OwnLog, projector: Projector, settings: Settings) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._settings = settings

    async def show(self, key: str) -> models.Stock:
        """The counters of an own listing.

        Raises:
            Problem: no such listing (3).
        """
        return await self._shown((await self._listing(key)).key)

    async def change(self, request: models.StockChange) -> models.Stock:
        """Sets a counter, or how orders are accepted; durable when it returns.

        Raises:
            Problem: no such listing (3), no such variant (2).
        """
        record = await self._listing(request.key)
        if request.auto_accept is not None:
            await self._store.write(stock.set_auto_accept, record.key, _AUTO[request.auto_accept])
        if request.count is not None and request.uncounted:
            raise Problem("Give a count, or --uncounted, not both.", ExitCode.USAGE, "usage")
        if request.count is not None or request.uncounted:
            options = choice_of(record, request.variant, 1).options
            pieces = None if request.uncounted else request.count
            await self._store.write(stock.put, record.key, options, pieces)
        return await self._shown(record.key)

    async def _listing(self, key: str) -> Listing:
        seller, key = named(key, self._own.id)
        await self._projector.level_of(self._own.id)
        row = await self._store.read(lambda reader: views.listing(reader.connection, self._own.id, key))
        if row is None or seller != self._own.id:
            raise not_held(key, True)
        return row.record

    async def _shown(self, key: str) -> models.Stock:
        rows, said = await self._store.read(
            lambda reader: (stock.of(reader.connection, key), stock.auto_accept(reader.connection, key))
        )
        return models.Stock(
            key=key,
            auto_accept=self._settings.auto_accept == "on" if said is None else said,
            counters=[
                models.StockCount(options=list(row.options), count=row.count, reserved=row.reserved)
                for row in rows
            ],
        )
