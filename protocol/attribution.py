"""To whom a sale is attributed, when a buyer came by several ways [R-ALLY-6..9].

A *touch* is a path that a buyer's client has met: by a link, or by a code typed at checkout. The seller's policy says
which touch an order names; the buyer's client applies it, so that every way in gives the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

DAY_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Policy:
    """How a seller attributes sales.

    Attributes:
        model: whether the first or the last touch within the window counts.
        window_days: how long a touch counts.
        bind: whether a customer stays with who brought their first order.
    """

    model: Literal["first", "last"] = "last"
    window_days: int = 30
    bind: bool = True


@dataclass(frozen=True, slots=True)
class Touch:
    """A path that a buyer's client has met.

    Attributes:
        path: the tokens, as they came.
        time: when, ms UTC.
        code: whether it was typed at checkout.
        expires: the earliest end of its tokens, ms UTC.
        listing: key of the one listing it recommends; None: any of the seller's.
    """

    path: tuple[bytes, ...]
    time: int
    code: bool
    expires: int
    listing: str | None = None


def attributed(
    policy: Policy, touches: Sequence[Touch], listing: str, at: int, bound: Touch | None = None
) -> Touch | None:
    """The touch that an order names; None: nobody brought the buyer.

    In this order: whom the customer is bound to; a code, the newest; a link within the window, the first or the last.

    Args:
        policy: of the seller.
        touches: of the client with this seller, in any order.
        listing: key of what is ordered.
        at: date of the order, ms UTC.
        bound: the touch that this customer's first order named, or a newer one of the same referrers: by tokens that
            are over nobody is paid [R-REF-9].
    """
    if policy.bind and bound is not None and at < bound.expires and bound.listing in (None, listing):
        return bound
    usable = [each for each in touches if each.time <= at < each.expires and each.listing in (None, listing)]
    codes = [each for each in usable if each.code]
    if codes:
        return max(codes, key=_when)
    links = [each for each in usable if at < each.time + policy.window_days * DAY_MS]
    if not links:
        return None
    return min(links, key=_when) if policy.model == "first" else max(links, key=_when)


def _when(touch: Touch) -> tuple[int, tuple[bytes, ...]]:
    return (
        touch.time,
        touch.path,
    )  # the path decides a tie, so that the order in which touches are held does not
