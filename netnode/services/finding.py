"""Search of everything held here, and at hubs for what is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal, Protocol

import msgspec
from msgspec import UNSET

from netnode.market.money import MoneyError, exponent
from netnode.operations import models
from netnode.ports import Clock
from netnode.projections import catalogue, facets, views
from netnode.services.briefs import glances
from netnode.services.ports import OwnLog, Sessions
from netnode.store import Reader, Store
from netnode.sync.hubs import HubAnswer, ask_hubs
from protocol import limits, messages
from protocol.found import Hit
from protocol.identity import id_text, parse_id
from protocol.records import Listing


class Standings(Protocol):
    """What speaks against sellers as issuers of credit."""

    async def glances(self, issuers: Collection[bytes]) -> dict[bytes, models.IssuerStanding]:
        """Of those something is known against, as far as it takes no time."""


class CatalogueSearch:
    """`operations.services.Search`.

    Args:
        network: the network's name.
        store: where the catalogue is.
        own: whose public blocks hide sellers.
        clock: decides what has expired.
        sessions: where hubs are asked; None when no network is open.
        ask: whether hubs are asked unless a query says otherwise.
        standings: what speaks against sellers as issuers of credit; None: nothing is said of it.
    """

    def __init__(
        self,
        network: str,
        store: Store,
        own: OwnLog,
        clock: Clock,
        sessions: Sessions | None,
        ask: bool,
        standings: Standings | None = None,
    ) -> None:
        self._network = network
        self._store = store
        self._own = own
        self._clock = clock
        self._sessions = sessions
        self._ask = ask
        self._standings = standings

    async def find(self, query: models.SearchQuery) -> models.Found:
        """Searches here, on one snapshot; then at hubs, where that is wanted and here is less than a page.

        Raises:
            Problem: `seller` is no networker id, or the cursor is of another search.
        """
        return await self._judged(await self._find(query))

    async def _judged(self, found: models.Found) -> models.Found:
        """What speaks against sellers stands beside their listings."""
        if self._standings is None or not found.items:
            return found
        sellers = {each.seller: parse_id(each.seller) for each in found.items}
        found = await self._planned(found, sellers)
        against = await self._standings.glances(sorted(set(sellers.values())))
        if not against:
            return found
        items = [
            each
            if sellers[each.seller] not in against
            else msgspec.structs.replace(each, standing=against[sellers[each.seller]])
            for each in found.items
        ]
        return msgspec.structs.replace(found, items=items)

    async def _planned(self, found: models.Found, sellers: Mapping[str, bytes]) -> models.Found:
        """What plans pay for the listings stands beside them, with what came of it [R13]."""
        wanted: dict[bytes, set[str]] = {}
        for each in found.items:
            wanted.setdefault(sellers[each.seller], set()).add(each.key)
        plans = await self._store.read(glances, wanted)
        if not plans:
            return found
        items = [
            msgspec.structs.replace(each, plan=plans.get((sellers[each.seller], each.key), UNSET))
            for each in found.items
        ]
        return msgspec.structs.replace(found, items=items)

    async def _find(self, query: models.SearchQuery) -> models.Found:
        now = self._clock.now_ms()
        found = await self._store.read(
            lambda reader: views.search(reader.connection, query, now, self._own.id)
        )
        room = query.limit - len(found.items)
        wanted = query.hubs == "always" or (query.hubs == "auto" and self._ask and room > 0)
        if self._sessions is None or not wanted or query.cursor is not None:
            return found
        question = _question(query)
        answers = await ask_hubs(self._network, self._store, self._sessions.open_sessions(), question, now)
        if not answers:
            return found
        return await self._store.read(self._merged, answers, query, now)

    def _merged(
        self, reader: Reader, answers: list[HubAnswer], query: models.SearchQuery, now: int
    ) -> models.Found:
        """The catalogue's hits and after them those of hubs that it does not know, on one snapshot [R-QRY-4].

        The catalogue is asked again: what came in while hubs answered is found in it, or it is behind the log that
        the hit is of, and the hub's word stands until it is not.
        """
        found = views.search(reader.connection, query, now, self._own.id)
        authors = {hit.entry.author for answer in answers for hit in answer.hits}
        held = catalogue.held(reader.connection, authors)
        hidden = views.hidden(reader.connection, self._own.id)
        best: dict[tuple[bytes, str], tuple[Hit, bytes]] = {}
        for answer in answers:
            for hit in answer.hits:
                name = (hit.entry.author, hit.listing.key)
                known = best.get(name)
                later = known is None or _place(hit) > _place(known[0])
                shown = hit.entry.author not in hidden and not _decided(hit, held)
                if later and shown and _priced(hit.listing, query):
                    best[name] = (hit, answer.hub)
        names = views.names(reader.connection, {author for author, _ in best})
        extra = [_summary(hit, hub, names.get(hit.entry.author, "")) for hit, hub in best.values()]
        items = [*found.items, *extra][: query.limit]
        return msgspec.structs.replace(
            found,
            items=items,
            total=found.total + len(items) - len(found.items),
            hubs=[
                models.HubAnswer(
                    hub=id_text(answer.hub), hits=len(answer.hits), refused=answer.refused or UNSET
                )
                for answer in answers
            ],
        )


def _question(query: models.SearchQuery) -> messages.Query:
    """What a hub is asked. Prices travel in minor units: without a currency they are compared here alone."""
    least = most = None
    if query.currency is not None:
        least = _minor(query.min_price, query.currency, ROUND_CEILING)
        most = _minor(query.max_price, query.currency, ROUND_FLOOR)
    return messages.Query(
        category=query.category,
        currency=query.currency,
        kind=query.kind,
        least=least,
        limit=min(query.limit, limits.MAX_HITS),
        most=most,
        seller=None if query.seller is None else views.networker_id(query.seller),
        text=query.text[: limits.MAX_QUERY],
    )


def _minor(
    amount: str | None, currency: str, rounding: Literal["ROUND_CEILING", "ROUND_FLOOR"]
) -> int | None:
    if amount is None:
        return None
    try:
        scaled = Decimal(amount).scaleb(exponent(currency))
    except MoneyError:
        return None
    return min(int(scaled.to_integral_value(rounding)), limits.MAX_INT)


def _priced(listing: Listing, query: models.SearchQuery) -> bool:
    """Whether a price lies between the bounds asked for; a hub's word is not taken for it."""
    if query.currency is None and query.min_price is None and query.max_price is None:
        return True
    lowest = facets.lowest(listing)
    if lowest is None or (query.currency is not None and lowest[0].currency != query.currency):
        return False
    value = facets.comparable(lowest[0])
    low = 0 if query.min_price is None else facets.bound(query.min_price, upper=False)
    high = facets.HIGHEST if query.max_price is None else facets.bound(query.max_price, upper=True)
    unbounded = query.min_price is None and query.max_price is None
    return unbounded or (value is not None and low <= value <= high)


def _decided(hit: Hit, held: dict[bytes, tuple[int, tuple[int, int, int]]]) -> bool:
    """Whether the own catalogue knows this listing, or what came after it."""
    low, newest = held.get(hit.entry.author, (0, (-1, 0, 0)))
    return hit.entry.seq >= low and _place(hit) <= newest


def _place(hit: Hit) -> tuple[int, int, int]:
    return (hit.entry.epoch, hit.entry.term, hit.entry.seq)


def _summary(hit: Hit, hub: bytes, name: str) -> models.ListingSummary:
    entry, listing = hit.entry, hit.listing
    row = views.ListingRow(
        seller=entry.author,
        seller_name=name,
        key=listing.key,
        entry=entry.id,
        time=entry.time,
        expires=listing.expires if isinstance(listing.expires, int) else None,
        withdrawn=False,
        raw=entry.record or b"",
        record=listing,
    )
    later = max(0, hit.head.seq - entry.seq)
    return msgspec.structs.replace(views.summary(row), hub=id_text(hub), later_entries=later)
