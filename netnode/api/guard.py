"""Who may call: exact Host, same origin, bearer token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from netnode.api import answers

LOCAL_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_PORT: Final = re.compile(r":[0-9]+$")
_SAME: Final = frozenset({"same-origin", "none"})


def allowed_hosts(port: int, names: Iterable[str], configured: Iterable[str] = ()) -> frozenset[str]:
    """The exact Host values to accept.

    Args:
        port: where this node listens; every name counts with it, and at port 80 without it too.
        names: host names of this machine, IPv6 addresses in brackets.
        configured: values as a reverse proxy passes them on; a bare name counts with the port too.
    """
    hosts = {f"{name}:{port}" for name in names}
    if port == 80:
        hosts.update(names)
    for value in configured:
        hosts.add(value)
        if _PORT.search(value) is None:
            hosts.add(f"{value}:{port}")
    return frozenset(hosts)


class Guard:
    """Decides before anything of a request is looked at.

    Args:
        token: the bearer token of the home.
        hosts: exact Host values, port included. A page at a name that an attacker points here (DNS rebinding)
            sends its own name, which is not among them.
        origins: of web pages that may call besides our own.
    """

    __slots__ = ("_foreign", "_hosts", "_origins", "_token")

    def __init__(self, token: str, hosts: frozenset[str], origins: Iterable[str]) -> None:
        self._token = f"Bearer {token}".encode()
        self._hosts = hosts
        own = {f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")}
        self._foreign = frozenset(origins)
        self._origins = own | self._foreign

    def refusal(self, request: web.Request) -> web.Response | None:
        """The answer to send instead, or None when the request may go on."""
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return answers.error(403, "host", "This node does not answer to that host name.")
        origins = request.headers.getall("Origin", [])
        if any(origin not in self._origins for origin in origins):
            return answers.error(403, "origin", "Requests from other web sites are refused.")
        named = bool(origins) and all(origin in self._foreign for origin in origins)
        sites = request.headers.getall("Sec-Fetch-Site", [])
        if not named and any(site not in _SAME for site in sites):
            return answers.error(403, "origin", "Requests from other web sites are refused.")
        given = request.headers.getall("Authorization", [])
        # surrogateescape: whatever bytes came, the comparison takes the same time and raises nothing
        offered = given[0].encode("utf-8", "surrogateescape") if len(given) == 1 else b""
        if not hmac.compare_digest(offered, self._token):
            refused = answers.error(
                401, "token", "A bearer token is needed; it is in the file `token` of the home."
            )
            refused.headers["WWW-Authenticate"] = "Bearer"
            return refused
        return None
