"""The pictures that a feed names by their addresses: fetched when the owner says so, and kept as blobs.

A picture that cannot be had is told and does no harm: the listing keeps its address. What was fetched is not fetched
again, since the next version of a listing keeps the blob of an address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import msgspec
from msgspec import UNSET

from netnode.market.pictures import HEAD_BYTES, NAMES, media_type
from netnode.operations import models
from netnode.ports import Clock, Web
from netnode.problems import ExitCode, Problem
from netnode.store import Store, blobs
from protocol.records import Image, Listing

AT_ONCE: Final = 4  # why: polite to the shop they come from
MOST: Final = 5_000  # pictures of one import


class Change(Protocol):
    """One product of a feed: row and column of its pictures in the file, and the listing it makes."""

    row: int
    pictures: str
    listing: Listing


class PictureFetch:
    """Fetches pictures.

    Args:
        store: where they are kept.
        clock: dates them.
        web: fetches; made when it is needed.
    """

    def __init__(self, store: Store, clock: Clock, web: Callable[[], Web]) -> None:
        self._store = store
        self._clock = clock
        self._web = web

    async def fetch(self, changes: Sequence[Change]) -> tuple[int, list[models.Skipped]]:
        """Puts the blobs of all addresses into the listings.

        Returns:
            How many pictures were fetched, and those that could not be had.
        """
        wanted: dict[str, Change] = {}
        for change in changes:
            for url in _lacking(change.listing):
                wanted.setdefault(url, change)
        names: dict[str, bytes] = {}
        refused: dict[str, str] = dict.fromkeys(
            list(wanted)[MOST:], f"more than {MOST:,} pictures; import again"
        )
        urls = iter(list(wanted)[:MOST])
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work(urls, names, refused), name="pictures of a feed")
        for change in changes:
            change.listing = _with_blobs(change.listing, names)
        missing = [
            models.Skipped(change.row, change.pictures, f"{url[:200]}: {refused[url]}")
            for url, change in wanted.items()
            if url in refused
        ]
        return len(names), missing

    async def _work(self, urls: Iterable[str], names: dict[str, bytes], refused: dict[str, str]) -> None:
        for url in urls:
            try:
                data = await self._web().picture(url)
                if media_type(data[:HEAD_BYTES]) is None:
                    refused[url] = f"it is no picture; pictures are {NAMES}"
                else:
                    names[url] = await self._store.write(blobs.put, data, self._clock.now_ms())
            except OSError as error:
                refused[url] = str(error)
            except Problem as problem:  # no room for it, and others may be smaller
                if problem.exit_code is not ExitCode.REFUSED:
                    raise
                refused[url] = problem.text


def _lacking(listing: Listing) -> list[str]:
    """The addresses of pictures whose blob is not known."""
    images = () if listing.images is UNSET else listing.images
    return [image.url for image in images if isinstance(image.url, str) and image.hash is UNSET]


def _with_blobs(listing: Listing, names: dict[str, bytes]) -> Listing:
    if listing.images is UNSET:
        return listing
    images = tuple(_named(image, names) for image in listing.images)
    return msgspec.structs.replace(listing, images=images)


def _named(image: Image, names: dict[str, bytes]) -> Image:
    if image.hash is UNSET and isinstance(image.url, str) and image.url in names:
        return msgspec.structs.replace(image, hash=names[image.url])
    return image
