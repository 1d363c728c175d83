"""What peers say of this node's addresses: how they see it, and whether they could dial back [R-REACH-2..6].

A peer can lie. What one says counts when the owner chose it (dialled, followed or invited it); of others two must say
the same, from two networks. Nothing is kept over a restart: addresses change while a node is off.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from netnode.sync.groups import host_group, host_of
from protocol.address import DAY_MS, host_scope, ip_of

KEPT: Final = 64  # why: more peers than a node asks in a day; the oldest word makes room
Key = TypeVar("Key")
WITNESSES: Final = 2  # peers that were not chosen, of two networks, make one that was


class Verdict(enum.Enum):
    """Whether others can dial this node."""

    YES = "yes"  # from the internet
    LAN = "lan"  # from the local network
    HERE = "here"  # from this computer
    NO = "no"
    UNKNOWN = "unknown"  # nobody was asked


@dataclass(frozen=True, slots=True)
class Said:
    """One peer's newest word on one matter.

    Attributes:
        peer: who said it.
        chosen: whether the owner chose that peer.
        group: the network the peer is in, see `groups.host_group`.
        value: an IP address (how it sees this node) or a `ws://` address (what it dialled).
        reached: for what was dialled: whether this node answered there.
        at: ms UTC.
    """

    peer: bytes
    chosen: bool
    group: str
    value: str
    reached: bool
    at: int


class Reachability:
    """Collects what peers say; bounded, and forgotten after a day."""

    def __init__(self) -> None:
        self._seen: dict[bytes, Said] = {}
        self._dialled: dict[tuple[bytes, str], Said] = {}
        self.checked: int | None = None
        """When peers were last asked to dial back, ms UTC."""

    def seen_as(self, peer: bytes, host: str, peer_host: str, *, chosen: bool, now: int) -> None:
        """A peer says from which IP address this node talks to it.

        Args:
            peer: who says it.
            host: the address it names.
            peer_host: the peer's own address, as this node sees it.
            chosen: whether the owner chose that peer.
            now: ms UTC.
        """
        if kind_of(host) is not None:
            _keep(self._seen, peer, Said(peer, chosen, host_group(peer_host), _plain(host), False, now))

    def dialled(
        self, peer: bytes, address: str, peer_host: str, *, reached: bool, chosen: bool, now: int
    ) -> None:
        """A peer says whether it reached this node at a ``ws://`` address; arguments as of `seen_as`."""
        said = Said(peer, chosen, host_group(peer_host), address, reached, now)
        _keep(self._dialled, (peer, address), said)
        self.checked = now

    def hosts(self, now: int) -> tuple[str, ...]:
        """The IP addresses this node is seen at, by those who count."""
        return tuple(sorted(_agreed(_fresh(self._seen.values(), now))))

    def confirmed(self, now: int) -> tuple[str, ...]:
        """The ``ws://`` addresses at which this node was reached within a day: what it may announce."""
        return tuple(sorted(_agreed(each for each in _fresh(self._dialled.values(), now) if each.reached)))

    def verdict(self, now: int) -> Verdict:
        """Whether others can dial this node, as far as peers said."""
        kinds = {kind_of(host_of(address)) for address in self.confirmed(now)}
        for kind, verdict in (("public", Verdict.YES), ("private", Verdict.LAN), ("loopback", Verdict.HERE)):
            if kind in kinds:
                return verdict
        asked = list(_fresh(self._dialled.values(), now))
        return Verdict.NO if any(not each.reached for each in asked) else Verdict.UNKNOWN


def kind_of(host: str) -> str | None:
    """`public`, `private` (a local network, carrier-grade NAT too) or `loopback`; None when it is no usable IP."""
    address = ip_of(_plain(host))
    if address is None or address.is_multicast or address.is_unspecified:
        return None
    return host_scope(str(address)).value


def _plain(host: str) -> str:
    """Without a zone; an IPv4 address in an IPv6 coat as itself."""
    bare = host.strip("[]").partition("%")[0]
    address = ip_of(bare)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address or bare)


def _keep(table: dict[Key, Said], key: Key, said: Said) -> None:
    table.pop(key, None)
    while len(table) >= KEPT:
        del table[next(iter(table))]  # the oldest word: a dict keeps the order of arrival
    table[key] = said


def _fresh(said: Iterable[Said], now: int) -> Iterator[Said]:
    return (each for each in said if abs(now - each.at) <= DAY_MS)


def _agreed(said: Iterable[Said]) -> set[str]:
    """The values that one chosen peer, or enough others of different networks, say."""
    by_value: dict[str, list[Said]] = {}
    for each in said:
        by_value.setdefault(each.value, []).append(each)
    return {
        value
        for value, words in by_value.items()
        if any(each.chosen for each in words) or len({each.group for each in words}) >= WITNESSES
    }
