"""Links over WebSockets: the dialler, and the route that accepts [R-LINK-1..5].

One binary WebSocket message is one link message. Pings keep a link alive through proxies and end a dead one. Nothing
is compressed: the content is encrypted. A browser page may open a link when its Origin is this node, a loopback page
or one that the owner allowed; Noise proves who is who, the check only keeps foreign pages from probing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from netnode.ports import PEER_PATH, Link, LinkClosed
from protocol import limits
from protocol.address import Scope, host_scope, ip_of

# Why: what one slow reader may hold of this node's memory before a send waits
SEND_BUFFER: Final = 256 * 1024
TOO_LONG: Final = limits.MAX_NOISE_MESSAGE + 1  # why: aiohttp refuses a message of as many bytes as its bound
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_log = logging.getLogger("netnode.links")
_WebSocket = aiohttp.ClientWebSocketResponse[bool] | web.WebSocketResponse


class WebSocketLink:
    """A link over an open WebSocket of either side."""

    __slots__ = ("_socket", "host", "remote")

    def __init__(self, socket: _WebSocket, remote: str, host: str) -> None:
        self._socket = socket
        self.remote = remote
        self.host = host

    async def send(self, data: bytes) -> None:
        """Sends one message; waits while the other side reads slowly."""
        try:
            await self._socket.send_bytes(data)
        except (ConnectionError, aiohttp.ClientError, RuntimeError) as error:
            raise LinkClosed(text=str(error)) from error

    def offer(self, data: bytes) -> bool:
        """Sends one message on the spot; False when what was sent before still waits in this process.

        aiohttp has no function that sends without a task to wait in: `send_bytes` is stepped once, which writes.
        """
        writer = self._socket._writer
        if writer is None or writer.transport is None or writer.transport.get_write_buffer_size():
            return False
        sending = self._socket.send_bytes(data)
        try:
            sending.send(None)
        except StopIteration:
            return True
        except (ConnectionError, aiohttp.ClientError, RuntimeError):
            return False  # the link has ended: `send` says so where somebody listens
        sending.close()  # it is written; only the wait until it has gone is left to the next message
        return True

    async def receive(self) -> bytes:
        """The next binary message; a text message breaks the link."""
        try:
            message = await self._socket.receive()
        except (ConnectionError, aiohttp.ClientError, RuntimeError) as error:
            raise LinkClosed(text=str(error)) from error
        if message.type is aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        if message.type is aiohttp.WSMsgType.TEXT:
            await self.close(1003, "binary messages only")
            raise LinkClosed(1003, "the other side sent text")
        code = self._socket.close_code
        raise LinkClosed(1006 if code is None else code, str(message.extra or ""))

    async def close(self, code: int = 1000, text: str = "") -> None:
        """Ends the link, within a second even when the other side does not answer."""
        try:
            async with asyncio.timeout(1.0):
                await self._socket.close(code=code, message=text.encode()[:120])
        except (TimeoutError, ConnectionError, aiohttp.ClientError, RuntimeError):
            _log.debug("link to %s did not close in order", self.remote)


class WebSocketDialer:
    """Opens links. Close it when the node stops."""

    def __init__(self) -> None:
        self._clients: dict[bool, aiohttp.ClientSession] = {}  # by `public`

    async def dial(self, address: str, *, public: bool = False) -> Link:
        """Opens a link to a ``ws://`` or ``wss://`` address; with `public` to no other than public IP addresses.

        Raises:
            OSError: nothing answers there, or no WebSocket does.
            LinkClosed: it closed at once.
        """
        client = self._clients.get(public)
        if client is None:
            client = self._clients[public] = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None),
                middlewares=(_stay,),
                connector=aiohttp.TCPConnector(socket_factory=_public_socket) if public else None,
            )
        try:
            async with asyncio.timeout(limits.HANDSHAKE_SECONDS):
                socket = await client.ws_connect(
                    address,
                    max_msg_size=TOO_LONG,
                    heartbeat=limits.HEARTBEAT_SECONDS,
                    compress=0,
                    autoclose=True,
                )
        except TimeoutError as error:
            raise OSError(f"no answer within {limits.HANDSHAKE_SECONDS} s") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise OSError(_sentence(error)) from error
        peer = socket.get_extra_info("peername")
        return WebSocketLink(
            socket, urlsplit(address).netloc, str(peer[0]) if isinstance(peer, tuple) else ""
        )

    async def close(self) -> None:
        """Ends all links it opened."""
        for client in self._clients.values():
            await client.close()


class WebSocketListener:
    """Accepts links on one route of the node's HTTP server.

    Args:
        allow_origins: pages (``https://example.org``) that may open links besides those of loopback and this host;
            ``*`` for all.
        proxies: addresses of reverse proxies whose ``X-Forwarded-For`` names the peer.
    """

    def __init__(self, allow_origins: Sequence[str] = (), proxies: Sequence[str] = ()) -> None:
        self._origins = frozenset(allow_origins)
        self._proxies = tuple(ipaddress.ip_network(proxy, strict=False) for proxy in proxies)
        self._on_link: Callable[[Link], Awaitable[None]] | None = None
        self._open: set[WebSocketLink] = set()
        self.addresses: tuple[str, ...] = ()

    def route(self) -> web.RouteDef:
        """The route to give to the HTTP server."""
        return web.get(PEER_PATH, self._accept)

    async def start(self, on_link: Callable[[Link], Awaitable[None]]) -> None:
        """Begins to accept; before that, and after `close`, it answers 503."""
        self._on_link = on_link

    async def close(self) -> None:
        """Accepts no more and ends the links it accepted."""
        self._on_link = None
        for link in tuple(self._open):
            await link.close(1001, "the node stops")

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        if self._on_link is None:
            return web.Response(status=503, text="The node is starting or stopping.\n")
        if not self._may_open(request):
            return web.Response(status=403, text="Pages of that origin may not open links to this node.\n")
        socket = web.WebSocketResponse(
            heartbeat=limits.HEARTBEAT_SECONDS,
            max_msg_size=TOO_LONG,
            compress=False,
            writer_limit=SEND_BUFFER,
        )
        if not socket.can_prepare(request).ok:
            return web.Response(
                status=426, text="This is the address of an INX peer: open a WebSocket here.\n"
            )
        try:
            await socket.prepare(request)
        except ConnectionError:  # whoever dialled is gone before the answer
            return web.Response(status=400)
        remote = remote_address(request, self._proxies)
        link = WebSocketLink(socket, remote, remote if ip_of(remote) is not None else "")
        self._open.add(link)
        try:
            await self._on_link(link)
        finally:
            self._open.discard(link)
            await link.close()
        return socket

    def _may_open(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return True
        host = urlsplit(origin).hostname or ""
        if urlsplit(origin).netloc == request.headers.get("Host"):
            return True
        return host == "localhost" or _is_loopback(host)


def remote_address(
    request: web.Request, proxies: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
) -> str:
    """Where a request comes from: the other end, or what one of these reverse proxies says of it."""
    remote = request.remote or ""
    try:
        address = ipaddress.ip_address(remote)
    except ValueError:
        return remote
    forwarded = request.headers.get("X-Forwarded-For", "")
    if forwarded and any(address in proxy for proxy in proxies):
        return forwarded.rsplit(",", 1)[-1].strip()[:64]
    return remote


async def _stay(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """An address is dialled as it stands: a redirect could lead into this node's own network [R-LINK-1]."""
    response = await handler(request)
    if response.status in _REDIRECTS:
        response.close()
        raise OSError("no INX node answers there, but a web page that leads elsewhere")
    return response


def _public_socket(resolved: tuple[Any, ...]) -> socket.socket:
    """A socket to connect by, refused when a name leads into a private network: nobody points this node there."""
    family, kind, protocol, _, where = resolved
    if host_scope(str(where[0])) is not Scope.PUBLIC:
        raise OSError("the address leads into a private network")
    return socket.socket(family, kind, protocol)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sentence(error: Exception) -> str:
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"no INX node answers there (HTTP {error.status})"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return f"cannot connect: {os.strerror(number) if number else error.os_error}"
    return f"cannot connect: {error}"
