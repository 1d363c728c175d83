"""A node behind a reverse proxy: peers reach it through another name and port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from netnode.testing import Mesh, wait_until


@asynccontextmanager
async def reverse_proxy(upstream: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Forwards WebSockets to `upstream` as nginx does by default, under the path /market.

    Yields its address, and the names of host it passed on.
    """
    hosts: list[str] = []

    async def forward(request: web.Request) -> web.WebSocketResponse:
        here = web.WebSocketResponse(compress=False)
        await here.prepare(request)
        headers = {"Host": "inner.example", "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
        hosts.append(request.host)
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(upstream, headers=headers, compress=0) as there,
        ):

            async def pump(source: aiohttp.ClientWebSocketResponse, target: web.WebSocketResponse) -> None:
                async for message in source:
                    await target.send_bytes(message.data)
                await target.close(code=source.close_code or 1000)

            async with asyncio.TaskGroup() as group:
                group.create_task(pump(there, here))
                group.create_task(pump(here, there))  # type: ignore[arg-type]
        return here

    application = web.Application()
    application.add_routes([web.get("/market/inx", forward)])
    runner = web.AppRunner(application, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"ws://localhost:{port}/market/inx", hosts
    finally:
        await runner.cleanup()


async def test_peers_meet_a_node_through_a_reverse_proxy(mesh: Mesh) -> None:
    inner = await asyncio.to_thread(mesh.start, "inner")
    async with reverse_proxy(inner.peer) as (address, hosts):
        await asyncio.to_thread(inner.ask, "config", "set", "public_address", address)
        invite = await asyncio.to_thread(inner.invite)
        assert str(inner.port) not in invite  # it leads to the proxy, nowhere else
        await asyncio.to_thread(inner.add, "lamp", "Brass lamp")
        outer = await asyncio.to_thread(mesh.start, "outer", "--peer", invite)
        await asyncio.to_thread(
            wait_until, lambda: outer.keys("lamp") == {"lamp"}, "what is behind the proxy is found"
        )
        await asyncio.to_thread(outer.add, "lamp-shade", "Lamp shade")
        await asyncio.to_thread(wait_until, lambda: len(inner.keys("lamp")) == 2, "and the other way")
        assert [peer["addresses"] for peer in await asyncio.to_thread(outer.peers)] == [[address]]
        assert hosts[0].startswith("localhost:")
        assert await asyncio.to_thread(outer.end) == 0
        assert await asyncio.to_thread(inner.end) == 0


async def test_the_api_is_not_served_under_a_foreign_name(mesh: Mesh) -> None:
    node = await asyncio.to_thread(mesh.start, "ada")
    headers = {"Host": "evil.example", "Authorization": f"Bearer {(node.home / 'token').read_text().strip()}"}
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{node.ready.api}/api/v1/status", headers=headers) as answer,
    ):
        assert answer.status in {400, 403, 421}
