"""Who gets a place among the sessions that others dialled: caps, and who makes room when all places are taken.

The owner's peers (followed, named or invited) always get one. Of strangers a network block holds few places, open or
in handshake; when all are taken, a session of the most crowded network group makes room, never one that an attacker
would have to outlast, outrun or out-spread. Peers on this computer count in no block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from netnode.sync.groups import block_of, host_group, is_loopback

BLOCK: Final = 4  # sessions of strangers from one /24 or /48
HALF_OPEN: Final = 32  # handshakes under way at once
HALF_OPEN_BLOCK: Final = 4  # of one block
SPREAD: Final = 4  # protected for the sake of distinct groups
QUICK: Final = 8  # protected for their latency
CROWDED: Final = "no room for another session: try again later"
TOO_MANY: Final = "enough sessions with your network: try again later"


@dataclass(frozen=True, slots=True)
class Guest:
    """One session that a peer dialled, as far as places are concerned.

    Attributes:
        id: the networker.
        host: IP address the link comes from; empty where it is not known.
        since: when it began, ms UTC.
        latency: seconds of one round trip in the handshake.
        mark: keyed hash of its group: nobody can choose to be among the first.
        protected: the owner named it.
    """

    id: bytes
    host: str
    since: int
    latency: float
    mark: int
    protected: bool

    @property
    def group(self) -> str:
        """Its network group; hosts that are not known are one group."""
        return host_group(self.host) if self.host else ""

    @property
    def counted(self) -> bool:
        """Whether it counts in a block."""
        return bool(self.host) and not self.protected and not is_loopback(self.host)


def refused_in_block(newcomer: Guest, guests: Sequence[Guest]) -> bool:
    """Whether the network block of a newcomer holds as many places as a block may."""
    if not newcomer.counted:
        return False
    block = block_of(newcomer.host)
    return sum(guest.counted and block_of(guest.host) == block for guest in guests) >= BLOCK


def leaver(newcomer: Guest, guests: Sequence[Guest]) -> Guest | None:
    """Who makes room for a newcomer when all places are taken; None when the newcomer is refused."""
    rest = [guest for guest in guests if not guest.protected]
    crowd = Counter(guest.group for guest in rest)
    spread: dict[str, Guest] = {}
    for guest in sorted(rest, key=_by_mark):
        spread.setdefault(guest.group, guest)
    rest = _without(rest, list(spread.values())[:SPREAD])
    rest = _without(rest, sorted(rest, key=_by_latency)[:QUICK])
    rest = _without(rest, sorted(rest, key=_by_age)[: len(rest) // 2])
    if not rest:
        if not newcomer.protected:
            return None
        rest = [
            guest for guest in guests if not guest.protected
        ]  # the owner's peer goes before all strangers
        if not rest:
            return None
    most = max(crowd[guest.group] for guest in rest)
    if not newcomer.protected and crowd[newcomer.group] >= most:
        return None  # its own group is the crowded one: no use in trading one for the other
    return max((guest for guest in rest if crowd[guest.group] == most), key=_by_age)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One handshake under way: a number of its own, and the IP address it comes from."""

    number: int
    host: str


def admit_handshake(host: str, waiting: Sequence[Waiting]) -> tuple[bool, Waiting | None]:
    """Whether a new link may begin its handshake, and who gives up its place for that.

    Args:
        host: IP address of the new link.
        waiting: handshakes under way, oldest first.
    """
    block = block_of(host)
    same = sum(block_of(each.host) == block for each in waiting)
    if host and not is_loopback(host) and same >= HALF_OPEN_BLOCK:
        return False, None
    if len(waiting) < HALF_OPEN:
        return True, None
    crowd = Counter(block_of(each.host) for each in waiting)
    most = max(crowd.values())
    if crowd[block] >= most:
        return False, None
    return True, next(each for each in waiting if crowd[block_of(each.host)] == most)


def _without(guests: Sequence[Guest], protected: Sequence[Guest]) -> list[Guest]:
    ids = {guest.id for guest in protected}
    return [guest for guest in guests if guest.id not in ids]


def _by_mark(guest: Guest) -> tuple[int, int, bytes]:
    return (guest.mark, guest.since, guest.id)


def _by_latency(guest: Guest) -> tuple[float, bytes]:
    return (guest.latency, guest.id)


def _by_age(guest: Guest) -> tuple[int, bytes]:
    return (guest.since, guest.id)
