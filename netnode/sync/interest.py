"""What a node wants to hold, and what its peer does [R-SYNC-1]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protocol import limits, messages
from protocol.errors import RemoteProtocolError


@dataclass(frozen=True, slots=True)
class Interest:
    """Everything (`ids` is None), or a set of networkers."""

    ids: frozenset[bytes] | None = None

    def wants(self, author: bytes) -> bool:
        """Whether logs of this networker are wanted."""
        return self.ids is None or author in self.ids

    def parts(self) -> Iterator[messages.Interest]:
        """The messages that tell it."""
        if self.ids is None:
            yield messages.Interest(all=True)
            return
        ids = sorted(self.ids)
        for start in range(0, max(len(ids), 1), limits.MAX_INTEREST):
            more = start + limits.MAX_INTEREST < len(ids)
            yield messages.Interest(all=False, ids=ids[start : start + limits.MAX_INTEREST], more=more)


def of_own(
    wanted: str, own: bytes, followed: Iterable[bytes], met: Iterable[bytes], told: Iterable[bytes], hops: int
) -> Interest:
    """The interest of a node, by its settings.

    Args:
        wanted: ``all`` or ``followed``.
        own: the node's networker, always wanted.
        followed: networkers followed: hop 0.
        met: networkers of the sessions now open: hop 1.
        told: networkers that followed peers say they want: hop 2.
        hops: how far to go, 0 to 2.
    """
    if wanted == "all":
        return Interest()
    ids = {own, *followed}
    if hops >= 1:
        ids.update(met)
    if hops >= 2:
        ids.update(told)
    return Interest(frozenset(ids)) if len(ids) <= limits.MAX_INTEREST_TOTAL else Interest()


class PeerInterest:
    """The other side's interest, put together from its parts; until it tells, it wants everything."""

    __slots__ = ("_parts", "current", "told")

    def __init__(self) -> None:
        self.current = Interest()
        self.told = False
        self._parts: set[bytes] = set()

    def take(self, part: messages.Interest) -> bool:
        """Takes one part; returns whether it was the last.

        Raises:
            RemoteProtocolError: `too_large`.
        """
        if part.all:
            self.current, self.told = Interest(), True
            self._parts = set()
            return True
        self._parts.update(part.ids)
        if len(self._parts) > limits.MAX_INTEREST_TOTAL:
            raise RemoteProtocolError(
                "too_large", f"an interest of more than {limits.MAX_INTEREST_TOTAL} networkers"
            )
        if part.more:
            return False
        self.current, self.told = Interest(frozenset(self._parts)), True
        self._parts = set()
        return True
