"""Fetches from the web what the owner asks for: the document of a domain [R-REACH-10], pictures of a catalogue.

The host comes from a profile, so it may be chosen by an enemy: only https at its own port, no address of a private
network or of this computer (looked at after the name is resolved, and that answer is the one dialled), redirects only
within the same host, little time and few bytes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import abc

from netnode.wellknown import MAX_BYTES
from protocol.address import Scope, host_scope, ip_of
from protocol.limits import MAX_BLOB

SECONDS: Final = 10.0
PICTURE_SECONDS: Final = 30.0
REDIRECTS: Final = 3
_MOVED: Final = frozenset({301, 302, 303, 307, 308})


class HttpsFetcher:
    """`netnode.ports.Web`.

    Args:
        resolver: of names; None for the system's.
        port: of https.
        allow_private: whether addresses of this computer and of private networks may be dialled; for tests.
        context: whom to trust; None for the system's authorities.
        seconds: for the whole.
    """

    def __init__(
        self,
        resolver: abc.AbstractResolver | None = None,
        *,
        port: int = 443,
        allow_private: bool = False,
        context: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._resolver = resolver
        self._port = port
        self._allow_private = allow_private
        self._context = context
        self._seconds = seconds

    async def fetch(self, host: str, path: str) -> bytes:
        """The document at ``https://HOST/PATH``.

        Raises:
            OSError: with a sentence without its end: nothing answers, a redirect elsewhere, too long, an error status.
        """
        resolver = _Checked(self._resolver or aiohttp.ThreadedResolver(), self._allow_private)
        connector = aiohttp.TCPConnector(resolver=resolver, limit=1, ssl=self._context or True)
        origin = f"https://{host}" if self._port == 443 else f"https://{host}:{self._port}"
        if ip_of(host) is not None:
            raise OSError("an IP address is no domain")
        try:
            async with (
                asyncio.timeout(self._seconds),
                aiohttp.ClientSession(connector=connector, headers={"Accept": "application/json"}) as client,
            ):
                return await self._followed(client, origin, path)
        except TimeoutError as error:
            raise OSError(f"no answer within {self._seconds:.0f} s") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise OSError("its TLS certificate is not valid for that name") from error
        except aiohttp.ClientConnectorDNSError as error:
            raise OSError(_plain(error)) from error
        except aiohttp.ClientError as error:
            raise OSError(f"it cannot be reached ({type(error).__name__})") from error

    async def picture(self, url: str) -> bytes:
        """The file at an address that the owner's own catalogue names; redirects are followed where they lead.

        Raises:
            OSError: with a sentence without its end, as `fetch`.
        """
        resolver = _Checked(self._resolver or aiohttp.ThreadedResolver(), self._allow_private)
        parts = urlsplit(url)
        literal = ip_of(parts.hostname or "")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OSError("it is no http address")
        if literal is not None and not self._allow_private and host_scope(parts.hostname) is not Scope.PUBLIC:
            raise OSError("its address is in a private network")
        connector = aiohttp.TCPConnector(resolver=resolver, limit=1, ssl=self._context or True)
        try:
            async with (
                asyncio.timeout(PICTURE_SECONDS),
                aiohttp.ClientSession(connector=connector, headers={"Accept": "image/*"}) as client,
                client.get(url, max_redirects=REDIRECTS, middlewares=(self._stay_public,)) as answer,
            ):
                return await _body(answer, MAX_BLOB)
        except TimeoutError as error:
            raise OSError(f"no answer within {PICTURE_SECONDS:.0f} s") from error
        except aiohttp.ClientConnectorDNSError as error:
            raise OSError(_plain(error)) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise OSError(f"it cannot be fetched ({type(error).__name__})") from error

    async def _stay_public(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Looks at every step of a redirect: an IP address in it is never resolved, so it is judged here."""
        host = request.url.host or ""
        if ip_of(host) is not None and not self._allow_private and host_scope(host) is not Scope.PUBLIC:
            raise aiohttp.ClientError("a private address")
        return await handler(request)

    async def _followed(self, client: aiohttp.ClientSession, origin: str, path: str) -> bytes:
        for _ in range(REDIRECTS + 1):
            async with client.get(origin + path, allow_redirects=False) as answer:
                if answer.status not in _MOVED:
                    return await _body(answer)
                target = answer.url.join(type(answer.url)(answer.headers.get("Location", "")))
            if str(target.origin()) != str(answer.url.origin()):
                raise OSError(f"it leads to another address ({str(target.origin())[:80]})")
            path = urlsplit(str(target)).path or "/"
        raise OSError("it leads round in circles")


class _Checked(abc.AbstractResolver):
    """Resolves names, and gives no address that is not public; aiohttp takes its resolvers as subclasses only."""

    def __init__(self, inner: abc.AbstractResolver, allow_private: bool) -> None:
        self._inner = inner
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[abc.ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [each for each in found if self._allow_private or host_scope(each["host"]) is Scope.PUBLIC]
        if found and not allowed:
            raise OSError("its name leads into a private network")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


async def _body(answer: aiohttp.ClientResponse, most: int = MAX_BYTES) -> bytes:
    if answer.status != 200:
        raise OSError(f"it answers with HTTP {answer.status}")
    data = bytearray()
    while len(data) <= most and (more := await answer.content.read(most + 1 - len(data))):
        data += more
    if len(data) > most:
        raise OSError(f"it is longer than {most // 1024} KiB")
    return bytes(data)


def _plain(error: aiohttp.ClientConnectorDNSError) -> str:
    told = str(error.os_error)
    return told if told.startswith("its name") else "its name leads nowhere"
