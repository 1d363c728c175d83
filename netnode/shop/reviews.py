"""Reviews that buyers without a node leave here, which the owner's log then carries [R-SHOP-14]."""

from __future__ import annotations

from typing import Final, Protocol

from netnode.ports import Clock
from netnode.store import Reader, Store, deals, shop
from netnode.sync.allowance import Allowance
from protocol.deals.reviews import parse_review
from protocol.errors import NotHeld

LIMITS: Final = (
    4,
    50,
    86_400.0,
)  # of one buyer's key, of all, in so many seconds; why: a log keeps them for good


class Carrying(Protocol):
    """Publishes reviews of others in the own log."""

    async def carry_review(self, data: bytes) -> object:
        """Publishes one as it is; one that is there already changes nothing.

        Raises:
            Void: `malformed`, `signature`: it is none.
            Problem: the seller is not known (`unknown_author`) or did not make the contract (`signature`); a newer one
                is carried (`stale`); or the log takes nothing now.
        """


class ShopReviews:
    """Takes reviews of deals that this node brought about, or made as their seller.

    Args:
        network: the network's name.
        store: knows which deals these are.
        clock: for the rates.
        carrying: publishes them; None: none are taken.
    """

    def __init__(self, network: str, store: Store, clock: Clock, carrying: Carrying | None) -> None:
        self._network = network
        self._store = store
        self._clock = clock
        self._carrying = carrying
        self._allowance = Allowance(*LIMITS)

    async def take(self, data: bytes) -> None:
        """Publishes a review; it is in the log when this returns.

        Raises:
            NotHeld: `not_wanted`: this node takes none, or none of this deal; `rate`.
            Void, Problem: as `Carrying.carry_review`.
        """
        if self._carrying is None:
            raise NotHeld("not_wanted", "this node publishes no reviews of buyers")
        review = parse_review(self._network, data)
        if not await self._store.read(_has_part, review.deal):
            raise NotHeld("not_wanted", "this node has no part in the deal of that review")
        if not self._allowance.take(review.key, self._clock.monotonic()):
            raise NotHeld("rate", "too many reviews were left here today: try again tomorrow")
        await self._carrying.carry_review(data)


def _has_part(reader: Reader, deal: bytes) -> bool:
    if shop.witness(reader, deal) is not None:
        return True
    row = deals.by_id(reader.connection, deal)
    return row is not None and row.role == "seller"
