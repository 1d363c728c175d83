"""Operations on listings: the own ones, feeds, and the search of everything held."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from netnode.operations import models
from netnode.operations.operation import MAX_FEED, Download, Operation, Upload
from netnode.operations.services import Services


async def _add(services: Services, request: models.ListingAdd) -> models.Published:
    return await services.listings.publish(request.fields)


async def _edit(services: Services, request: models.ListingEdit) -> models.Published:
    return await services.listings.edit(request)


async def _withdraw(services: Services, request: models.ListingKey) -> models.Published:
    return await services.listings.withdraw(request.key)


async def _list(services: Services, request: models.ListingsQuery) -> models.Page[models.ListingSummary]:
    return await services.listings.list(request)


async def _show(services: Services, request: models.ListingRef) -> models.Listing:
    return await services.listings.show(request.ref)


async def _import(
    services: Services, request: models.ImportQuery, chunks: AsyncIterable[bytes]
) -> models.Imported:
    return await services.listings.import_feed(request, chunks)


def _export(services: Services, request: models.ExportQuery) -> AsyncIterator[bytes]:
    return services.listings.export_feed(request)


async def _search(services: Services, request: models.SearchQuery) -> models.Found:
    return await services.search.find(request)


LISTING_ADD: Final = Operation(
    "listing.add",
    "POST",
    "/listings/add",
    "Publish a listing",
    models.ListingAdd,
    models.Published,
    _add,
    signs=True,
)
LISTING_EDIT: Final = Operation(
    "listing.edit",
    "POST",
    "/listings/edit",
    "Publish the next version of a listing",
    models.ListingEdit,
    models.Published,
    _edit,
    signs=True,
)
LISTING_WITHDRAW: Final = Operation(
    "listing.withdraw",
    "POST",
    "/listings/withdraw",
    "Take a listing from the market",
    models.ListingKey,
    models.Published,
    _withdraw,
    signs=True,
)
LISTINGS: Final = Operation(
    "listing.list",
    "GET",
    "/listings",
    "The own listings",
    models.ListingsQuery,
    models.Page[models.ListingSummary],
    _list,
    page=True,
)
LISTING_SHOW: Final = Operation(
    "listing.show",
    "GET",
    "/listings/show",
    "One listing in full",
    models.ListingRef,
    models.Listing,
    _show,
)
LISTING_IMPORT: Final = Upload(
    "listing.import",
    "/listings/import",
    "Publish the listings of a feed",
    models.ImportQuery,
    models.Imported,
    _import,
    max_bytes=MAX_FEED,
    signs=True,
)
LISTING_EXPORT: Final = Download(
    "listing.export",
    "/listings/export",
    "The own listings as a feed: lines of JSON with its text and with what it does not carry",
    models.ExportQuery,
    _export,
)
SEARCH: Final = Operation(
    "search",
    "GET",
    "/search",
    "Search every listing held here",
    models.SearchQuery,
    models.Found,
    _search,
    page=True,
)
OPERATIONS: Final = (
    LISTING_ADD,
    LISTING_EDIT,
    LISTING_WITHDRAW,
    LISTINGS,
    LISTING_SHOW,
    LISTING_IMPORT,
    LISTING_EXPORT,
    SEARCH,
)
