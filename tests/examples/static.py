"""A static web server on loopback, as anybody would use to look at the browser example."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

EMPTY = '<!doctype html><link rel="icon" href="data:,"><title>Empty</title><body data-state="done"></body>'


async def _empty(_: web.Request) -> web.Response:
    return web.Response(text=EMPTY, content_type="text/html")


@asynccontextmanager
async def serving(folders: Mapping[str, Path]) -> AsyncIterator[str]:
    """Serves folders, and an empty page at ``/``, at a free port; yields ``http://127.0.0.1:port``."""
    app = web.Application()
    app.router.add_get("/", _empty)
    for path, folder in folders.items():
        app.router.add_static(path, folder)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
