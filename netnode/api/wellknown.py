"""Serves ``/.well-known/netnode.json``: public, without token, cacheable [R-REACH-9].

Answered is only to names that are this node's own: a page that points a name of its own here (DNS rebinding) must not
learn who the node on this computer is. No other page can read it either, as nothing allows that.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from netnode import wellknown
from netnode.api.answers import SECURITY_HEADERS
from netnode.operations import models
from netnode.operations.services import Domains, Identity

# Why: strangers may ask as often as they like; settings and store are read this often
FRESH_SECONDS: Final = 10.0


class PublicDocument:
    """The document, as read at most FRESH_SECONDS ago.

    Args:
        domains: makes it.
        identity: knows the own domain.
        allow_hosts: further names of this node.
    """

    def __init__(self, domains: Domains, identity: Identity, allow_hosts: Sequence[str] = ()) -> None:
        self._domains = domains
        self._identity = identity
        self._allow_hosts = frozenset(_name(host) for host in allow_hosts)
        self._read: tuple[float, models.WellKnown, frozenset[str]] | None = None
        self._turn = asyncio.Lock()

    def route(self) -> web.RouteDef:
        """The route to give to the HTTP server."""
        return web.get(wellknown.PATH, self._serve, allow_head=False)

    async def names(self, host: str) -> bool:
        """Whether a Host header names this node: its own names, those the owner allowed, or an IP address."""
        _, names = await self._current()
        name = _name(host)
        return name in names or name in self._allow_hosts or _is_ip(name)

    async def _serve(self, request: web.Request) -> web.Response:
        document, _ = await self._current()
        if not await self.names(request.headers.get("Host", "")):
            return web.Response(status=403, text="This node does not answer to that host name.\n")
        return web.Response(
            body=msgspec.json.encode(document),
            content_type="application/json",
            charset="utf-8",
            headers={**SECURITY_HEADERS, "Cache-Control": f"public, max-age={wellknown.MAX_AGE_SECONDS}"},
        )

    async def _current(self) -> tuple[models.WellKnown, frozenset[str]]:
        async with self._turn:
            now = asyncio.get_running_loop().time()
            if self._read is None or now - self._read[0] >= FRESH_SECONDS:
                document = await self._domains.document()
                domain = (await self._identity.profile()).domain
                names = {"localhost", *(urlsplit(each).hostname or "" for each in document.addresses)}
                self._read = (now, document, frozenset(names | ({domain} if domain else set())))
            return self._read[1], self._read[2]


def _name(host: str) -> str:
    """The name in a Host header or setting, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
