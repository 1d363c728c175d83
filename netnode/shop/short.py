"""Short referral links for browsers: ``/r/CODE`` says what a code stands for, as a plain page or as JSON [R-REF-5].

Public like the routes of `/shop/1`, bounded like them, and answered at this node's own names alone. No script is in the
page, and nothing of it comes from elsewhere; what strangers wrote stands in it as text.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Final

import msgspec
from aiohttp import web

from netnode.failures import SHOPPER, Failures
from netnode.links import remote_address
from netnode.ports import Clock
from netnode.projections import views
from netnode.shop.turnstile import Turnstile
from netnode.store import Reader, Store, referrals
from netnode.store.referrals import ReferralRow
from protocol.errors import NotHeld, ProtocolError
from protocol.identity import id_text
from protocol.referrals import check_code, link_of, write_link

PATH: Final = "/r/{code}"
_STATUS: Final = {"bad_uri": 400, "not_here": 404, "path_expired": 410, "rate": 429, "busy": 503}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}


class Short(msgspec.Struct, frozen=True, kw_only=True):
    """What a code stands for, as this node knows it. `title` null: the listing is not offered, or it leads to none."""

    code: str
    link: str
    seller: str
    seller_name: str | None
    listing: str | None
    title: str | None
    expires: int


class ShortLinks:
    """The route.

    Args:
        store: of the node.
        clock: says whether a code is over, and bounds the rates.
        known_host: whether a Host header names this node; asked at each request.
        turnstile: the rates, shared with the other public routes.
        proxies: reverse proxies whose ``X-Forwarded-For`` is believed.
        failures: told when the node fails at a request.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        known_host: Callable[[str], Awaitable[bool]],
        turnstile: Turnstile,
        proxies: Sequence[str] = (),
        failures: Failures | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._known_host = known_host
        self._turnstile = turnstile
        self._proxies = tuple(ip_network(each, strict=False) for each in proxies)
        self._failures = failures or Failures()

    def route(self) -> web.RouteDef:
        """The route to give to the HTTP server."""
        return web.get(PATH, self._serve, allow_head=False)

    async def _serve(self, request: web.Request) -> web.Response:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not await self._known_host(hosts[0]):
            raise web.HTTPForbidden(text="This node does not answer to that host name.\n")
        page = "text/html" in request.headers.get("Accept", "")
        try:
            with self._turnstile.passing(remote_address(request, self._proxies), self._clock.monotonic()):
                found = await self._store.read(short, request.match_info["code"], self._clock.now_ms())
        except ProtocolError as error:
            code, text = error.code, error.text
        except Exception as error:
            self._failures.outlived(SHOPPER, error, SHOPPER)
            code, text = "internal", "this node failed at the request"
        else:
            return _page(200, _shown(found)) if page else _json(200, found)
        status = _STATUS.get(code, 500)
        if page:
            return _page(status, f"<h1>This link does not work</h1>\n<p>{html.escape(_sentence(text))}</p>")
        return _json(status, {"error": {"code": code, "text": text}})


def stands_for(reader: Reader, typed: str, now: int) -> ReferralRow:
    """The recommendation that a code stands for: one made here, or registered with the owner as the seller.

    Args:
        reader: of the store.
        typed: the code.
        now: ms UTC.

    Raises:
        RemoteProtocolError: `bad_uri`: it was mistyped.
        NotHeld: `not_here`: no code of this node; `path_expired`.
    """
    connection, code = reader.connection, check_code(typed)
    row = referrals.by_code(connection, "made", code) or referrals.by_code(connection, "registered", code)
    if row is None:
        raise NotHeld("not_here", f"this node has no code {code}: was it typed right?")
    if row.expires <= now:
        raise NotHeld(
            "path_expired", f"the time of the code {code} is over: ask who gave it to you for another"
        )
    return row


def short(reader: Reader, typed: str, now: int) -> Short:
    """What there is to be said of a code.

    Raises:
        RemoteProtocolError, NotHeld: as `stands_for`.
    """
    row = stands_for(reader, typed, now)
    offered = None if row.listing is None else views.listing(reader.connection, row.seller, row.listing)
    return Short(
        code=row.code or "",
        link=write_link(link_of(row.tokens, row.listing)),
        seller=id_text(row.seller),
        seller_name=views.names(reader.connection, [row.seller]).get(row.seller) or None,
        listing=row.listing,
        title=offered.record.title if offered is not None and offered.in_force(now) else None,
        expires=row.expires,
    )


def _shown(found: Short) -> str:
    """The page of a code, for a person who has clicked on it."""
    seller = html.escape(found.seller_name or "a seller without a name")
    title = (
        f"{found.title}, sold by"
        if found.title is not None
        else "Something of"
        if found.listing
        else "Offers of"
    )
    until = datetime.fromtimestamp(found.expires / 1000, UTC).strftime("%Y-%m-%d")
    return (
        f"<h1>{html.escape(title)} {seller}</h1>\n"
        f"<p>Somebody recommends this to you by the code <strong>{html.escape(found.code)}</strong>, "
        f"until {until}. Who recommended it is paid by the seller when you order by this link:</p>\n"
        f"<p><code>{html.escape(found.link)}</code></p>\n"
        "<p>With a node of your own: <code>netnode deal order LINK</code>. Without one, give the link, or the code at "
        f"checkout, to the page where you buy.</p>\n<p>Seller: <code>{html.escape(found.seller)}</code></p>"
    )


def _page(status: int, body: str) -> web.Response:
    head = '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Recommendation</title>\n'
    return web.Response(
        text=f"{head}{body}\n", status=status, content_type="text/html", charset="utf-8", headers=_HEADERS
    )


def _json(status: int, answer: object) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(answer), status=status, content_type="application/json", charset="utf-8",
        headers=_HEADERS,
    )  # fmt: skip


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
