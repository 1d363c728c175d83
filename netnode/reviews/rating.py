"""What reviews come to, for one viewer: per distance, never one number for all [R-REV-10]."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netnode.quotas import Distance
from netnode.reviews.reading import Counted


@dataclass(frozen=True, slots=True)
class Group:
    """The reviews of one distance.

    Attributes:
        distance: how far they come.
        receipts: how many distinct receipts they rest on.
        total: sum of their ratings.
        aged: how many of the receipts are of contracts old enough to tell.
        witnessed: how many of the aged ones were brought about by a path that is opened and signed.
    """

    distance: Distance
    receipts: int
    total: int
    aged: int
    witnessed: int

    @property
    def average(self) -> str:
        """The mean rating, one digit behind the point, half up."""
        tenths = (20 * self.total + self.receipts) // (2 * self.receipts)
        return f"{tenths // 10}.{tenths % 10}"


def rated(reviews: Iterable[Counted]) -> tuple[Group, ...]:
    """The groups that have reviews, the nearest first."""
    groups: dict[Distance, list[Counted]] = {}
    for each in reviews:
        groups.setdefault(each.distance, []).append(each)
    return tuple(
        Group(
            distance=distance,
            receipts=len(found),
            total=sum(each.review.record.rating or 0 for each in found),
            aged=sum(each.aged for each in found),
            witnessed=sum(each.aged and each.witnessed for each in found),
        )
        for distance, found in sorted(groups.items())
    )
