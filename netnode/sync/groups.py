"""Network groups: what one owner of addresses can have many of counts once against eclipse.

A group is the /16 of an IPv4 address, the /32 of an IPv6 address, the last two labels of a name (three where the
second last is as short as in ``co.uk``). Addresses of this computer and of private networks are groups of their own,
one each: nobody far away can fill them.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from protocol.address import Scope, host_scope, ip_of

LOOPBACK: Final = "loopback"
PRIVATE: Final = "private"
SHORT_LABEL: Final = 3  # why: second-level registries (co.uk, com.au) sell names below labels this short


def host_of(address: str) -> str:
    """The host of a ``ws://`` or ``wss://`` address, IPv6 without brackets; empty when there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def group_of(address: str) -> str:
    """The network group of an address to dial."""
    return host_group(host_of(address))


def host_group(host: str) -> str:
    """The network group of a host: an IP address or a name."""
    scope = host_scope(host)
    if scope is Scope.LOOPBACK:
        return LOOPBACK
    if scope is Scope.PRIVATE:
        return PRIVATE
    ip = _plain(host)
    if ip is not None:
        return str(ipaddress.ip_network((ip, 16 if ip.version == 4 else 32), strict=False))
    labels = host.lower().removesuffix(".").split(".")
    count = 3 if len(labels) > 2 and len(labels[-2]) <= SHORT_LABEL else 2
    return ".".join(labels[-count:])


def block_of(host: str) -> str:
    """Where the sessions that dialled in are counted: the /24 of IPv4, the /48 of IPv6, else the host itself."""
    ip = _plain(host)
    if ip is None:
        return host
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


def network_of(remote: str) -> str:
    """Where a peer is, for the log: the network of an IP address, since the address is the mark of a person.

    Args:
        remote: an address that was dialled, or the host a link came from.
    """
    host = host_of(remote) if "://" in remote else remote
    return host if is_loopback(host) else block_of(host)


def is_loopback(host: str) -> bool:
    """Whether a host is this computer."""
    return host_scope(host) is Scope.LOOPBACK


def _plain(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    ip = ip_of(host)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip
