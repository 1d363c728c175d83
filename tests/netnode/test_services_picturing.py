"""Pictures that a feed names: fetched on request, kept over imports, harmless when they cannot be had."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from netnode.operations import models
from netnode.services.node_services import NodeServices
from netnode.services.picturing import PictureFetch
from netnode.web import HttpsFetcher
from protocol.limits import MAX_BLOB
from tests.netnode.services_home import OpenHome, opened, pieces

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
QUERY = models.ImportQuery(currency="EUR", fetch_images=True)


@dataclass
class Shelf:
    """The web as a test has it."""

    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    async def fetch(self, host: str, path: str) -> bytes:
        raise OSError("not here")

    async def picture(self, url: str) -> bytes:
        self.asked.append(url)
        await asyncio.sleep(0)
        if url not in self.files:
            raise OSError("it answers with HTTP 404")
        return self.files[url]


def feed(*rows: tuple[str, str]) -> bytes:
    lines = "".join(f"{key},Product {key},5,true,{url}\n" for key, url in rows)
    return f"Handle,Title,Variant Price,Published,Image Src\n{lines}".encode()


@asynccontextmanager
async def shop(path: Path, shelf: Shelf) -> AsyncIterator[OpenHome]:
    async with opened(path) as home:
        home.services.listings._feeds._pictures = PictureFetch(home.store, home.clock, lambda: shelf)
        yield home


async def images(services: NodeServices, key: str) -> Any:
    return (await services.listings.show(key)).fields["images"]


async def test_pictures_become_blobs_and_are_fetched_once(tmp_path: Path) -> None:
    one, two = "https://shop.example/1.png", "https://shop.example/2.png"
    shelf = Shelf({one: PNG, two: PNG + b"2"})
    async with shop(tmp_path, shelf) as home:
        listings = home.services.listings
        rows = feed(("a", one), ("b", one), ("c", two))
        first = await listings.import_feed(QUERY, pieces(rows))
        assert (first.created, first.pictures, first.not_fetched) == (3, 2, [])
        (image,) = await images(home.services, "a")
        assert (image["hash"], image["url"]) == (hashlib.sha256(PNG).hexdigest(), one)
        assert sorted(shelf.asked) == [one, two]
        again = await listings.import_feed(QUERY, pieces(rows))
        assert (again.unchanged, again.pictures, len(shelf.asked)) == (3, 0, 2)
        plain = await listings.import_feed(models.ImportQuery(currency="EUR"), pieces(rows))
        assert plain.unchanged == 3  # what was fetched stays, whoever imports
        assert "hash" in (await images(home.services, "c"))[0]


async def test_what_cannot_be_had_is_told_and_tried_again(tmp_path: Path) -> None:
    good, gone, text = (f"https://shop.example/{name}" for name in ("good.png", "gone.png", "text.png"))
    shelf = Shelf({good: PNG, text: b"<html>"})
    async with shop(tmp_path, shelf) as home:
        rows = feed(("a", good), ("b", gone), ("c", text))
        told = await home.services.listings.import_feed(QUERY, pieces(rows))
        assert (told.created, told.pictures) == (3, 1)
        assert [(one.row, one.field) for one in told.not_fetched] == [(3, "Image Src"), (4, "Image Src")]
        assert "404" in told.not_fetched[0].reason and "no picture" in told.not_fetched[1].reason
        assert "hash" not in (await images(home.services, "b"))[0]
        shelf.files[gone] = PNG
        later = await home.services.listings.import_feed(QUERY, pieces(rows))
        assert (later.updated, later.unchanged, later.pictures) == (1, 2, 1)


async def test_a_dry_run_fetches_nothing(tmp_path: Path) -> None:
    shelf = Shelf({})
    async with shop(tmp_path, shelf) as home:
        query = models.ImportQuery(currency="EUR", fetch_images=True, dry_run=True)
        await home.services.listings.import_feed(query, pieces(feed(("a", "https://shop.example/1.png"))))
        assert shelf.asked == []


# -- over a real socket --------------------------------------------------------------------------------------
@asynccontextmanager
async def site() -> AsyncIterator[str]:
    async def picture(_: web.Request) -> web.Response:
        return web.Response(body=PNG)

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound("/picture.png")

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            for _ in range(MAX_BLOB // 2**20 + 2):
                await answer.write(bytes(2**20))
        except ConnectionError:
            pass
        return answer

    app = web.Application()
    app.add_routes([web.get("/picture.png", picture), web.get("/moved", moved), web.get("/endless", endless)])
    runner = web.AppRunner(app)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    assert server._server is not None
    try:
        yield f"http://127.0.0.1:{server._server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


async def test_pictures_come_over_http_within_bounds() -> None:
    async with site() as place:
        allowed = HttpsFetcher(allow_private=True)
        assert await allowed.picture(f"{place}/picture.png") == PNG
        assert await allowed.picture(f"{place}/moved") == PNG
        with pytest.raises(OSError, match="404"):
            await allowed.picture(f"{place}/none")
        with pytest.raises(OSError, match="longer"):
            await allowed.picture(f"{place}/endless")
        for address in (place, place.replace("127.0.0.1", "localhost")):
            with pytest.raises(OSError, match="private"):
                await HttpsFetcher().picture(f"{address}/picture.png")
        with pytest.raises(OSError, match="http"):
            await allowed.picture("file:///etc/passwd")
