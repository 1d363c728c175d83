"""Links over WebSockets: the dialler, and the route that accepts [R-LINK-1..5].

One binary WebSocket message is one link message. Pings keep a link alive through proxies and end a dead one. Nothing
is compressed: the content is encrypted. A browser page may open a link when its Origin is this node, a loopback page
or one that the owner allowed; Noise proves who is who, the check only keeps foreign pages from probing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from netnode.ports import PEER_PATH, Entropy, Link, LinkClosed
from netnode.websocket import WebSocketLink
from protocol import limits
from protocol.address import Scope, host_scope, ip_of

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class WebSocketDialer:
    """Opens links. Close it when the node stops.

    Args:
        entropy: for keys of handshakes and masks of frames.
    """

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
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
        key = base64.b64encode(self._entropy.token(16))
        try:
            async with asyncio.timeout(limits.HANDSHAKE_SECONDS):
                answer = await client.get(
                    address,
                    headers={
                        "Upgrade": "websocket",
                        "Connection": "Upgrade",
                        "Sec-WebSocket-Version": "13",
                        "Sec-WebSocket-Key": key.decode(),
                    },
                )
        except TimeoutError as error:
            raise OSError(f"no answer within {limits.HANDSHAKE_SECONDS} s") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise OSError(_sentence(error)) from error
        connection = answer.connection
        if (
            answer.status != 101
            or answer.headers.get("Upgrade", "").lower() != "websocket"
            or answer.headers.get("Sec-WebSocket-Accept") != _accepting(key)
            or "Sec-WebSocket-Extensions" in answer.headers  # none were asked for
        ):
            answer.close()
            raise OSError(f"no INX node answers there (HTTP {answer.status})")
        if connection is None or connection.transport is None or connection.protocol is None:
            raise LinkClosed(text="it closed at once")
        peer = connection.transport.get_extra_info("peername")
        host = str(peer[0]) if isinstance(peer, tuple) else ""
        link = WebSocketLink(urlsplit(address).netloc, host, self._entropy)
        former = connection.protocol

        def lost(error: BaseException | None) -> None:
            former.connection_lost(error)
            answer.close()

        link.take_over(connection.transport, lost)
        former.set_parser(_Tail(link), None)
        return link

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
        if not web.WebSocketResponse().can_prepare(request).ok:
            return web.Response(
                status=426, text="This is the address of an INX peer: open a WebSocket here.\n"
            )
        response = web.StreamResponse(
            status=101,
            headers={
                "Upgrade": "websocket",
                "Connection": "upgrade",
                "Sec-WebSocket-Accept": _accepting(request.headers["Sec-WebSocket-Key"].encode()),
            },
        )
        response.force_close()
        try:
            await response.prepare(request)
        except ConnectionError:  # whoever dialled is gone before the answer
            return web.Response(status=400)
        former, transport = request.protocol, request.transport
        if transport is None:
            return response
        remote = remote_address(request, self._proxies)
        link = WebSocketLink(remote, remote if ip_of(remote) is not None else "", None)
        link.take_over(transport, former.connection_lost)
        tail: Any = _Tail(link)  # aiohttp names one class here and calls two functions of it
        former.set_parser(tail)
        self._open.add(link)
        try:
            await self._on_link(link)
        finally:
            self._open.discard(link)
            await link.close()
        return response

    def _may_open(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return True
        host = urlsplit(origin).hostname or ""
        if urlsplit(origin).netloc == request.headers.get("Host"):
            return True
        return host == "localhost" or _is_loopback(host)


class _Tail:
    """Gives a link the bytes that came right behind the handshake: what aiohttp takes for a parser."""

    __slots__ = ("_link",)

    def __init__(self, link: WebSocketLink) -> None:
        self._link = link

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Takes them."""
        self._link.data_received(data)
        return False, b""

    def feed_eof(self) -> None:
        """The link hears of that by itself."""


def _accepting(key: bytes) -> str:
    """What proves that a server read the key of a handshake (RFC 6455 section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode()


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
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return f"cannot connect: {os.strerror(number) if number else error.os_error}"
    return f"cannot connect: {error}"
