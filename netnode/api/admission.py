"""How many connections one address may hold at once; aiohttp has no such limit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Admission:
    """Caps on open connections.

    `per_address` bounds a stranger, whatever it asks for. The others bound requests, `loopback` those of all programs
    of this machine together and `total` all of them, and apart from these the links of peers (`peer_loopback` with a
    reverse proxy on this machine, `peer_total`): whatever peers do, the owner's requests find a place.
    """

    per_address: int = 32
    loopback: int = 512
    total: int = 1_024
    peer_loopback: int = 1_088
    peer_total: int = 1_152  # the most sessions a node can be set to, and the handshakes under way

    def admits(
        self, address: str | None, requests: Sequence[str | None], links: Sequence[str | None] = ()
    ) -> bool:
        """Whether one more connection from `address` may stay.

        Args:
            address: where it comes from; None where that is not known.
            requests: addresses of the open connections that carry requests or nothing yet.
            links: addresses of those that carry links.
        """
        if len(requests) >= self.total:
            return False
        if _is_loopback(address):
            return requests.count(address) < self.loopback
        return requests.count(address) + links.count(address) < self.per_address

    def carries(self, address: str | None, links: Sequence[str | None]) -> bool:
        """Whether a connection from `address` may become a link, given the addresses of the others."""
        if len(links) >= self.peer_total:
            return False
        return not _is_loopback(address) or links.count(address) < self.peer_loopback


class Links:
    """Which connections carry links of peers now.

    Args:
        admission: the caps.
    """

    __slots__ = ("_admission", "_carrying")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._carrying: set[asyncio.BaseTransport] = set()

    def __contains__(self, transport: object) -> bool:
        """Whether this connection carries a link."""
        return transport in self._carrying

    @contextmanager
    def carried(self, transport: asyncio.BaseTransport | None) -> Iterator[bool]:
        """Counts a connection as a link for a while; yields False when there is no room for one."""
        others = [address_of(each) for each in self._carrying]
        if transport is None or not self._admission.carries(address_of(transport), others):
            yield False
            return
        self._carrying.add(transport)
        try:
            yield True
        finally:
            self._carrying.discard(transport)


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

    __slots__ = ("_admission", "_links", "_server")

    def __init__(self, server: web.Server, admission: Admission, links: Links) -> None:
        self._server = server
        self._admission = admission
        self._links = links

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admits or aborts the connection."""
        held: tuple[list[str | None], list[str | None]] = ([], [])  # requests, links
        for one in self._server.connections:
            if one.transport is not None:
                held[one.transport in self._links].append(address_of(one.transport))
        stream = cast(asyncio.Transport, transport)
        if not self._admission.admits(address_of(transport), *held):
            stream.abort()
            return
        inner = self._server()
        stream.set_protocol(inner)
        inner.connection_made(stream)
