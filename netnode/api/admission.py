"""How many connections one address may hold at once; aiohttp has no such limit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Admission:
    """Caps on open connections.

    `per_address` bounds a stranger, `loopback` all programs of this machine and a reverse proxy together,
    `total` the node's file descriptors.
    """

    per_address: int = 32
    loopback: int = 512
    total: int = 1024

    def admits(self, address: str | None, open_addresses: list[str | None]) -> bool:
        """Whether one more connection from `address` may stay, given the addresses of the open ones."""
        if len(open_addresses) >= self.total:
            return False
        cap = self.loopback if _is_loopback(address) else self.per_address
        return open_addresses.count(address) < cap


def _is_loopback(address: str | None) -> bool:
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def address_of(transport: asyncio.BaseTransport | None) -> str | None:
    """The address of the other end, without its port."""
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) and peer else None


class Doorway(asyncio.Protocol):
    """First protocol of each accepted connection: counts, then hands over to aiohttp or hangs up.

    asyncio calls protocols by this base class's methods, which is why it is one.
    """

    __slots__ = ("_admission", "_server")

    def __init__(self, server: web.Server, admission: Admission) -> None:
        self._server = server
        self._admission = admission

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admits or aborts the connection."""
        held = [address_of(one.transport) for one in self._server.connections if one.transport is not None]
        stream = cast(asyncio.Transport, transport)
        if not self._admission.admits(address_of(transport), held):
            stream.abort()
            return
        inner = self._server()
        stream.set_protocol(inner)
        inner.connection_made(stream)
