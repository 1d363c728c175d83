"""How much of whose log is kept: the policy of the quotas, pure [R-QUOTA-1..5].

Own logs are kept whole. A log of somebody followed has a quota of its own; a log near to somebody followed has a
smaller one, and all of those together another. Strangers share one pool: while it has room, nobody is limited; when
it is full, the largest logs lose their oldest entries first, down to one common level, and only when that level would
be too low to be of use do whole logs fall, those that changed longest ago first. So a thousand fresh identities take
from strangers alone, and one stranger with a million entries takes from nobody but itself.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from netnode.settings import Settings

MIB: Final = 1024 * 1024
# Why: what is cut is cut by an eighth, so that a log at its quota is not cut at every entry
KEEP: Final = (7, 8)
# Why: room for one entry of any size; of a log cut below that nothing useful is left
LEAST: Final = 128 * 1024


class Distance(enum.IntEnum):
    """How far a networker is from the owner of this node, as trust goes."""

    OWN = 0
    FOLLOWED = 1
    NEAR = 2  # a peer the owner named, or wanted by somebody followed
    STRANGER = 3


@dataclass(frozen=True, slots=True)
class Quotas:
    """Bytes, as the store counts them (`netnode.store.rows.weight`): of one log, and of all of a distance together."""

    followed: int
    near: int
    near_together: int
    pool: int

    @classmethod
    def of(cls, settings: Settings) -> Quotas:
        """As the settings say."""
        return cls(
            settings.quota_followed_mb * MIB,
            settings.quota_near_mb * MIB,
            settings.near_mb * MIB,
            settings.pool_mb * MIB,
        )

    @property
    def smallest(self) -> int:
        """The lowest of the bounds."""
        return min(self.followed, self.near, self.near_together, self.pool)

    def of_log(self, distance: Distance) -> int | None:
        """The most that one log may take; None: as much as it likes, or as the pool has."""
        return {Distance.FOLLOWED: self.followed, Distance.NEAR: self.near}.get(distance)

    def together(self, distance: Distance) -> int | None:
        """The most that all logs of a distance may take together."""
        return {Distance.NEAR: self.near_together, Distance.STRANGER: self.pool}.get(distance)


@dataclass(frozen=True, slots=True)
class Use:
    """What one log takes: its bytes, and when it last changed (a number that only goes up)."""

    author: bytes
    bytes: int
    arrival: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be let go of: logs to cut, each with the bytes it may keep, and logs to let go of whole."""

    cuts: Mapping[bytes, int] = field(default_factory=dict)
    falls: Sequence[bytes] = ()


def plan(uses: Mapping[Distance, Sequence[Use]], quotas: Quotas, *, cutting: bool = True) -> Plan:
    """Brings what is held under the quotas; what is under them already stays as it is.

    Args:
        uses: the logs held, by distance.
        quotas: the bounds.
        cutting: False when cutting did not help (openers alone may take much): then whole logs fall.

    Returns:
        The same for the same logs, in whatever order they stand.
    """
    cuts: dict[bytes, int] = {}
    falls: list[bytes] = []
    for distance in (Distance.FOLLOWED, Distance.NEAR, Distance.STRANGER):
        held = sorted(uses.get(distance, ()), key=_order)
        most = quotas.of_log(distance)
        if most is not None:
            held = [_bounded(each, most, cuts) for each in held]
        together = quotas.together(distance)
        if together is not None and sum(each.bytes for each in held) > together:
            _share(held, _kept(together), cuts, falls, cutting)
    fell = frozenset(falls)
    return Plan({author: size for author, size in cuts.items() if author not in fell}, tuple(falls))


def headroom(uses: Mapping[Distance, Sequence[Use]], quotas: Quotas) -> int:
    """How many bytes may come, whosesoever, before anything can be over a quota: until then nobody has to look."""
    rooms: list[int] = []
    for distance in (Distance.FOLLOWED, Distance.NEAR, Distance.STRANGER):
        held = uses.get(distance, ())
        most, together = quotas.of_log(distance), quotas.together(distance)
        if most is not None:
            rooms.append(most - max((each.bytes for each in held), default=0))
        if together is not None:
            rooms.append(together - sum(each.bytes for each in held))
    return max(0, min(rooms))


def roomy(held: Iterable[Use], most: int) -> bool:
    """Whether less than half of a bound is taken: then what was let go of is wanted again [R-QUOTA-5]."""
    return 2 * sum(each.bytes for each in held) < most


def _bounded(use: Use, most: int, cuts: dict[bytes, int]) -> Use:
    if use.bytes <= most:
        return use
    cuts[use.author] = max(LEAST, _kept(most))
    return Use(use.author, cuts[use.author], use.arrival)


def _share(held: list[Use], goal: int, cuts: dict[bytes, int], falls: list[bytes], cutting: bool) -> None:
    """Cuts to one level, then lets whole logs fall, until no more than `goal` is taken."""
    level = _level([each.bytes for each in held], goal) if cutting else 0
    if cutting:
        for each in held:
            if each.bytes > max(level, LEAST):
                cuts[each.author] = max(level, LEAST)
    if level >= LEAST:
        return
    left = sum(min(each.bytes, LEAST) if cutting else each.bytes for each in held)
    for each in sorted(held, key=_touched):
        if left <= goal:
            return
        falls.append(each.author)
        left -= min(each.bytes, LEAST) if cutting else each.bytes


def _level(sizes: Sequence[int], goal: int) -> int:
    """The highest level such that the sizes, each cut to it, make no more than `goal`."""
    left, count = goal, len(sizes)
    for size in sorted(sizes):
        if size * count > left:
            return left // count
        left -= size
        count -= 1
    return max(sizes, default=0)


def _kept(most: int) -> int:
    return most * KEEP[0] // KEEP[1]


def _order(use: Use) -> bytes:
    return use.author


def _touched(use: Use) -> tuple[int, bytes]:
    return (use.arrival, use.author)
