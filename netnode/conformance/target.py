"""Where the node under test answers, as a person names it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from netnode.conformance.faults import Fault
from netnode.conformance.links import read_link
from netnode.problems import ExitCode, Problem

PATH = "/inx/1"


@dataclass(frozen=True, slots=True)
class Target:
    """The address of a node.

    Attributes:
        url: as it is dialled.
        expected: the networker expected there; None to learn it.
    """

    url: str
    secure: bool
    host: str
    port: int
    path: str
    expected: bytes | None = None

    @property
    def netloc(self) -> str:
        """Host and port, as HTTP writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether the node is on this computer: then it may ask us for no stamp [R-STAMP-4]."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def read_target(text: str) -> Target:
    """The target that a person means.

    Args:
        text: a `ws://` or `wss://` address, with or without the path, or an `inx:` link.

    Raises:
        Problem: it is neither, or a link without an address.
    """
    if not text.lower().startswith("inx:"):
        return _target(text, None)
    try:
        link = read_link(text)
    except Fault as fault:
        raise Problem(f"This is no invite link of INX ({fault}).", ExitCode.USAGE, "usage") from fault
    if not link.addresses:
        text = "The link names no address. Give one with an address, or the node's ws:// address."
        raise Problem(text, ExitCode.USAGE, "usage")
    return _target(link.addresses[0], link.networker)


def _target(address: str, expected: bytes | None) -> Target:
    wrong = Problem(
        f"{address[:200]} is no address of a node. Give one such as ws://127.0.0.1:4747, or an inx: link.",
        ExitCode.USAGE,
        "usage",
    )
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in ("ws", "wss") or not parts.hostname or not address.isascii():
        raise wrong
    secure = parts.scheme == "wss"
    path = (parts.path if parts.path not in ("", "/") else PATH) + (f"?{parts.query}" if parts.query else "")
    return Target(address, secure, parts.hostname, port or (443 if secure else 80), path, expected)
