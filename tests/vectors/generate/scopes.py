"""Makes tests/vectors/scopes.json: from where a host can be dialled."""

from __future__ import annotations

from typing import Final

from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Scopes of hosts (section 12.6, R-BOOK-5): the host of an address, an IPv6 address without its brackets. Expected: "
    "`public`, `private` (not to be relayed) or `loopback`. Every range comes with its edges."
)
SCOPES: Final[dict[str, tuple[str, ...]]] = {
    "public": (
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0",
        "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
        "203.0.112.255", "203.0.114.0", "223.255.255.255", "::ffff:8.8.8.8", "2000::", "2001:200::",
        "2001:db7:ffff::", "2001:db9::", "2001:ffff::", "2003::", "3ffe::1", "3fff:1000::", "3fff:ffff::",
        "shop.example", "SHOP.EXAMPLE", "shop.example.", "a.b", "xn--bcher-kva.example", "4u.example",
        "a.local.example", "_x.example",
    ),
    "private": (
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "169.254.0.0",
        "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.0", "192.0.2.255",
        "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255",
        "203.0.113.0", "203.0.113.255", "224.0.0.0", "255.255.255.255", "::ffff:10.0.0.1", "::", "::2",
        "64:ff9b::808:808", "1fff:ffff::", "2001::", "2001:1ff::1", "2001:db8::", "2001:db8:ffff::", "2002::",
        "2002:ffff::", "3fff::", "3fff:fff::", "4000::", "fc00::1", "fdff::1", "fe80::1",
        "ff02::1", "shop", "shop.", "printer.local", "a.lan", "a.home",
        "a.home.arpa", "a.internal", "a.test", "a.invalid", "127.1", "2130706433", "0x7f.1", "1.2.3.4.5",
        "256.1.1.1", "a.1b", "a.-b",
    ),
    "loopback": (
        "127.0.0.0", "127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST", "localhost.",
        "a.localhost",
    ),
}  # fmt: skip


def vectors() -> list[Vector]:
    return [
        vector(f"{scope}-{host}", f"{host} is {scope}", "R-BOOK-5", {"host": host}, expected={"scope": scope})
        for scope, hosts in SCOPES.items()
        for host in hosts
    ]
