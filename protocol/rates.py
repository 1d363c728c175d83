"""Which rate a sale pays to the path that brought it: alliance, then listing, then plan [R-ALLY-5].

Stated once, here: an *alliance* of the seller with a networker of the path, in force at the order's date and covering
the listing; else the *commission* of the listing version that was ordered; else the seller's *plan*. The first that
there is decides alone; rates are never added. Of two allies in one path the one nearer to the buyer counts. A seller
whose alliance pays less than their listing does is told so when either is published: it would be a reason to hide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from protocol.alliances import Agreement, Ending, in_force, points_of

Source = Literal["alliance", "listing", "plan"]


@dataclass(frozen=True, slots=True)
class Allied:
    """An agreement, with what ended it."""

    agreement: Agreement
    endings: tuple[Ending, ...] = ()


class RateChosen(Struct, frozen=True, gc=False):
    """The rate that wins.

    Attributes:
        source: where it comes from.
        points: basis points of the net price; None: as the plan says.
        ally: networker id, of an alliance.
        agreement: that applies, of an alliance.
    """

    source: Source
    points: int | None
    ally: bytes | None = None
    agreement: Agreement | None = None


def winning_rate(
    seller: bytes,
    referrers: Sequence[bytes],
    listing: str | None,
    commission: int | None,
    alliances: Iterable[Allied],
    at: int,
) -> RateChosen:
    """The rate of a sale.

    Args:
        seller: networker id.
        referrers: of the path, in its order: the last one brought the buyer.
        listing: key of what was ordered; None: goods without a listing.
        commission: of the version of the listing that was ordered, basis points; None: it states none.
        alliances: the seller's.
        at: date of the order, ms UTC.
    """
    held = [each for each in alliances if in_force(each.agreement, at, each.endings)]
    for ally in reversed(referrers) if held else ():
        offered = [
            (points, each.agreement)
            for each in held
            if (points := points_of(each.agreement, seller, ally, listing)) is not None
        ]
        if offered:  # of several agreements with one ally the best for them: neither was ended
            points, agreement = max(offered, key=lambda each: (each[0], each[1].nonce))
            return RateChosen("alliance", points, ally, agreement)
    if commission is not None:
        return RateChosen("listing", commission)
    return RateChosen("plan", None)


def below_listing(points: int, commission: int | None) -> bool:
    """Whether an ally would get less than a stranger who recommends the same listing."""
    return commission is not None and points < commission
