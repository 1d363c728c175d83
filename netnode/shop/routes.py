"""The public routes of `/shop/1`: no token, answers as canonical MessagePack [R-SHOP-1..4].

They stand beside the peers' WebSocket and like it need no token of the owner; nothing of the owner's API is reachable
through them. A page of any site may call them at a public name of this node. At a name of this computer or a private
network only pages of this node, of loopback or of `allow_origins` may: no web site that the owner looks at can learn
whose node runs here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from netnode.failures import SHOPPER, Failures
from netnode.links import remote_address
from netnode.ports import Clock
from netnode.problems import Problem
from netnode.shop import bodies
from netnode.shop.counter import Counter
from netnode.shop.turnstile import Turnstile
from netnode.sync.groups import is_loopback
from protocol import encoding, limits
from protocol.address import Scope, host_scope
from protocol.errors import CODES, NotHeld, ProtocolError, RemoteProtocolError

PREFIX: Final = "/shop/1"
CONTENT_TYPE: Final = "application/msgpack"
BODY_SECONDS: Final = 20.0  # why: a body that drips longer holds one of few places
_DAY: Final = "86400"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STATUS: Final = {"not_here": 404, "too_large": 413, "rate": 429, "busy": 503, "internal": 500}
_HELD: Final = 409
_log = logging.getLogger("netnode.shop")
B = TypeVar("B", bound=msgspec.Struct)
_Work = Callable[[Any, bool], Awaitable[msgspec.Struct]]
"""Does what is asked for: the body, and whether it comes from this computer."""


class ShopRoutes:
    """The routes, to be given to the HTTP server.

    Args:
        counter: does the work.
        clock: for the rates.
        known_host: whether a Host header names this node; asked at each request.
        allow_origins: pages that may call at any name of the node.
        proxies: reverse proxies whose ``X-Forwarded-For`` is believed.
        turnstile: the rates.
        failures: told when the node fails at a request.
    """

    def __init__(
        self,
        counter: Counter,
        clock: Clock,
        known_host: Callable[[str], Awaitable[bool]],
        allow_origins: Sequence[str] = (),
        proxies: Sequence[str] = (),
        turnstile: Turnstile | None = None,
        failures: Failures | None = None,
    ) -> None:
        self._counter = counter
        self._clock = clock
        self._known_host = known_host
        self._origins = frozenset(allow_origins)
        self._proxies = tuple(ipaddress.ip_network(each, strict=False) for each in proxies)
        self._turnstile = turnstile or Turnstile()
        self._failures = failures or Failures()

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get(PREFIX, self._served(None, lambda _, here: self._counter.about()), allow_head=False),
            web.post(
                f"{PREFIX}/listing", self._served(bodies.ListingAsked, _anywhere(self._counter.listing))
            ),
            web.post(
                f"{PREFIX}/referral", self._served(bodies.ReferralAsked, _anywhere(self._counter.referral))
            ),
            web.post(f"{PREFIX}/letter", self._served(bodies.LetterLeft, self._counter.letter)),
            web.post(f"{PREFIX}/collect", self._served(bodies.Collect, _anywhere(self._counter.collect))),
            web.post(f"{PREFIX}/witness", self._served(bodies.Left, _anywhere(self._counter.leave))),
            web.post(f"{PREFIX}/review", self._served(bodies.ReviewLeft, _anywhere(self._counter.review))),
            web.options(f"{PREFIX}{{rest:(/[a-z]{{1,16}})?}}", self._preflight),
        ]

    def _served(
        self, form: type[B] | None, work: _Work
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            origin = await self._admitted(request)
            remote = self._remote(request)
            try:
                with self._turnstile.passing(remote, self._clock.monotonic()):
                    body = None if form is None else await read_body(request, form)
                    answer, status = await work(body, _is_here(request, remote)), 200
            except ProtocolError as error:
                answer, status = self._refused(error), _status(error)
            except Problem as problem:
                _log.warning("a request of a shopper failed: %s", problem.code)
                code = problem.code if problem.code in CODES else "internal"
                text = problem.text if problem.code in CODES else "this node failed at the request"
                answer, status = bodies.Refused(code=code, text=text), _STATUS.get(code, _HELD)
            except Exception as error:
                self._failures.outlived(SHOPPER, error, SHOPPER)
                answer, status = bodies.Refused(code="internal", text="this node failed at the request"), 500
            return _answer(answer, status, origin)

        return serve

    async def _preflight(self, request: web.Request) -> web.StreamResponse:
        origin = await self._admitted(request)
        headers = {
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Max-Age": _DAY,
        }
        return web.Response(status=204, headers={**_HEADERS, **_cors(origin), **headers})

    async def _admitted(self, request: web.Request) -> str | None:
        """The Origin to name in the answer; None when the request has none.

        Raises:
            web.HTTPForbidden: the Host is none of this node's, or the page may not call there.
        """
        host = request.headers.get("Host", "")
        if len(request.headers.getall("Host", [])) != 1 or not await self._known_host(host):
            raise web.HTTPForbidden(text="This node does not answer to that host name.\n")
        origin = request.headers.get("Origin")
        if origin is None or origin in self._origins or _near(origin, host):
            return origin
        if host_scope(urlsplit(f"//{host}").hostname or "") is not Scope.PUBLIC:
            raise web.HTTPForbidden(text="Pages of other sites may not call this node at a private name.\n")
        return "*"

    def _remote(self, request: web.Request) -> str:
        return remote_address(request, self._proxies)

    def _refused(self, error: ProtocolError) -> bodies.Refused:
        clock = self._clock.now_ms() if error.code == "clock" else msgspec.UNSET
        return bodies.Refused(clock=clock, code=error.code, text=error.text)


def _anywhere(work: Callable[[Any], Awaitable[msgspec.Struct]]) -> _Work:
    """Work that is done alike for whoever asks."""

    async def done(body: Any, here: bool) -> msgspec.Struct:
        return await work(body)

    return done


def _is_here(request: web.Request, remote: str) -> bool:
    """Whether a program of this computer asks; a proxy here that nobody told of asks by a name of the outside."""
    return is_loopback(remote) and is_loopback(request.url.host or "")


def _status(error: ProtocolError) -> int:
    return _STATUS.get(error.code, _HELD if isinstance(error, NotHeld) else 400)


def _near(origin: str, host: str) -> bool:
    """Whether a page is of this host or of this computer."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.netloc == host or host_scope(parts.hostname or "") is Scope.LOOPBACK


def _cors(origin: str | None) -> dict[str, str]:
    return {} if origin is None else {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _answer(answer: msgspec.Struct, status: int, origin: str | None) -> web.Response:
    return web.Response(
        body=encoding.encode_struct(answer),
        status=status,
        content_type=CONTENT_TYPE,
        headers={**_HEADERS, **_cors(origin)},
    )


async def read_body(request: web.Request, form: type[B]) -> B:
    """The body of a request, of the form it must have.

    Raises:
        RemoteProtocolError: `too_large`, a code of the encoding, or `bad_message`.
        NotHeld: `busy`: it took too long.
    """
    if (
        request.content_type != CONTENT_TYPE
        or request.headers.get("Content-Encoding", "identity") != "identity"
    ):
        raise RemoteProtocolError("bad_message", f"send the body as {CONTENT_TYPE}, without compression")
    if (request.content_length or 0) > limits.MAX_SHOP_BODY:
        raise RemoteProtocolError("too_large", f"a body has at most {limits.MAX_SHOP_BODY} bytes")
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while chunk := await request.content.readany():
                data += chunk
                if len(data) > limits.MAX_SHOP_BODY:
                    raise RemoteProtocolError("too_large", f"a body has at most {limits.MAX_SHOP_BODY} bytes")
    except TimeoutError as error:
        raise NotHeld("busy", "the body of the request took too long") from error
    value = encoding.decode(bytes(data), limits.MAX_SHOP_BODY)
    try:
        return encoding.typed(value, form)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("bad_message", f"the body has a wrong form: {error}") from error
