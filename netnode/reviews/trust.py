"""How far a review comes from the owner of this node [R-REV-9].

The distance of a review is that of the networker who says in it, by signature, that they bought. One that says no
such thing stands a step further than the nearest networker who carries it: they know who gave it to them, or say so.
A seller's own log lends no trust to what is said of the seller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netnode.quotas import Distance
from netnode.store import Reader, room


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the owner trusts how far: those followed, and those that these say they want."""

    own: bytes
    followed: frozenset[bytes]
    near: frozenset[bytes]
    blocked: frozenset[bytes]

    def of(self, networker: bytes) -> Distance:
        """How far a networker is."""
        if networker == self.own:
            return Distance.OWN
        if networker in self.followed:
            return Distance.FOLLOWED
        return Distance.NEAR if networker in self.near else Distance.STRANGER

    def carried(self, carriers: Iterable[bytes], seller: bytes) -> Distance:
        """How far a review is that names no buyer.

        Args:
            carriers: in whose logs it stands.
            seller: whom it is about.
        """
        nearest = min((self.of(each) for each in carriers if each != seller), default=Distance.STRANGER)
        return Distance(min(nearest + 1, Distance.STRANGER))


def trust_of(reader: Reader, own: bytes) -> Trust:
    """The owner's trust as the store has it now."""
    followed = frozenset(each for each, _ in reader.follows())
    near: set[bytes] = set()
    for peer, wanted in room.near(reader).items():
        if peer in followed:
            near |= wanted
    return Trust(own, followed, frozenset(near), frozenset(each for each, _ in reader.blocked()))
