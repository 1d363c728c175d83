"""Nodes of the local network that announce themselves by mDNS [R-REACH-7, R-REACH-8].

Found nodes are only shown: whoever is in the same café must not be able to make this node talk to theirs, nor learn
by its dialling who is here. The owner adds one with `peer add`; the session proves the id, an announcement proves
nothing. What stands in announcements is bounded in number and form.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from netnode.ports import PEER_PATH, Clock, Multicast
from protocol import limits
from protocol.errors import RemoteProtocolError
from protocol.identity import parse_id
from protocol.uri import address_problem

KEPT: Final = 100  # why: an office has fewer; a flood of made-up ones costs nothing more
_log = logging.getLogger("netnode.nearby")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node that announced itself: id, ``ws://`` addresses, when it was last heard (ms UTC)."""

    id: bytes
    addresses: tuple[str, ...]
    seen: int


class Neighbourhood:
    """What was heard; the newest KEPT.

    Args:
        clock: dates what is heard.
        own: the own networker, which is not shown.
    """

    def __init__(self, clock: Clock, own: bytes) -> None:
        self._clock = clock
        self.own = own
        self._heard: dict[bytes, Neighbour] = {}
        self.looking = False
        self.why_not = "no node is running. Start it with: netnode start"

    def heard(self, name: str, hosts: Sequence[str], port: int) -> None:
        """Takes in an announcement; nothing of one that names no id, no address or no port.

        Args:
            name: the networker's id as text.
            hosts: IP addresses.
            port: where the node listens.
        """
        networker = _id(name)
        told = (f"ws://{f'[{host}]' if ':' in host else host}:{port}{PEER_PATH}" for host in hosts)
        addresses = tuple(each for each in dict.fromkeys(told) if address_problem(each) is None)
        if networker is None or networker == self.own or not addresses:
            return
        addresses = addresses[: limits.MAX_ADDRESSES]
        self._heard.pop(networker, None)
        while len(self._heard) >= KEPT:
            del self._heard[next(iter(self._heard))]  # heard longest ago: a dict keeps the order
        self._heard[networker] = Neighbour(networker, addresses, self._clock.now_ms())

    def gone(self, name: str) -> None:
        """Forgets a node that said goodbye."""
        networker = _id(name)
        if networker is not None:
            self._heard.pop(networker, None)

    def found(self) -> list[Neighbour]:
        """The nodes heard, by id."""
        return [self._heard[each] for each in sorted(self._heard)]


async def look_around(
    neighbourhood: Neighbourhood, multicast: Multicast, name: str, port: int, hosts: Sequence[str]
) -> None:
    """Announces this node and listens to others until cancelled; returns when this network cannot."""
    neighbourhood.looking = True
    try:
        await multicast.run(name, port, hosts, neighbourhood.heard, neighbourhood.gone)
    except OSError as error:
        if neighbourhood.why_not != (why := f"it cannot: {error}."):
            _log.warning("the local network is not looked at: %s", error)
            neighbourhood.why_not = why
    finally:
        neighbourhood.looking = False


def _id(name: str) -> bytes | None:
    try:
        return parse_id(name)
    except RemoteProtocolError:
        return None
