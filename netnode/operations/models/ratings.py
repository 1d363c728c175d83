"""What reviews come to."""

from typing import Literal

from msgspec import Struct

Distance = Literal["own", "followed", "near", "strangers"]


class RatingGroup(Struct, frozen=True, kw_only=True):
    """Reviews of one distance. `near`: of networkers whom those you follow follow, or passed on by them.

    `receipts`: distinct receipts they rest on; `aged`: those of contracts at least 30 days old; `witnessed`: the aged
    ones whose buyers were led by a path that is opened and signed.
    """

    distance: Distance
    average: str  # of 5
    receipts: int
    aged: int
    witnessed: int
