"""Circles of receipts that lead over several issuers: no ledger can see them, whoever holds their logs can [R17].

In the log of one issuer such a circle counts nothing (R-PLAN-13). One over several issuers voids nothing, since a
ledger depends on no other log; it is a warning beside the issuers, as far as orders name their buyers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Final

from netnode.ledgers.ledger import Ledger
from protocol.certificate import DAY_MS
from protocol.ledger.effects import Sold, sale_id
from protocol.limits import MAX_CIRCLE, MAX_CIRCLE_WAYS

LATELY_MS: Final = 90 * DAY_MS
"""Sales of so long are looked at together: circles are closed soon, or nobody earns by them."""

Lead = tuple[bytes, bytes]
"""Who bought, and whose sale it was."""


def leads(ledger: Ledger, since: int) -> dict[bytes, Lead]:
    """Who led whom, by order: sales with a base whose orders name their buyers.

    Args:
        ledger: of the issuer.
        since: ms UTC; earlier sales are left out.
    """
    found = {}
    for order, file in ledger.book.state.orders.items():
        if file.bought is None or file.sold is None or file.time < since:
            continue
        value = ledger.effects.get(sale_id(order))
        if isinstance(value, Sold) and value.base:
            found[order] = (file.bought[0], file.sold[0])
    return found


def closing(mine: Mapping[bytes, Lead], others: Iterable[Lead]) -> list[bytes]:
    """Sales of one issuer that close a circle only together with those of others, by order.

    Args:
        mine: of the issuer, by order.
        others: of other issuers.
    """
    own, all_ = _ways(mine.values()), _ways([*mine.values(), *others])
    return sorted(
        order
        for order, (buyer, seller) in mine.items()
        if _leads(all_, seller, buyer) and not _leads(own, seller, buyer)
    )


def _ways(leads: Iterable[Lead]) -> dict[bytes, set[bytes]]:
    found: dict[bytes, set[bytes]] = {}
    for buyer, by in sorted(set(leads)):
        ways = found.setdefault(buyer, set())
        if len(ways) < MAX_CIRCLE_WAYS:
            ways.add(by)
    return found


def _leads(ways: Mapping[bytes, Set[bytes]], start: bytes, end: bytes) -> bool:
    """Whether steps from who bought to whose sale it was lead from one to the other, as few as R-PLAN-13 allows."""
    reached = {start}
    for _ in range(MAX_CIRCLE - 1):
        reached |= {way for each in reached for way in ways.get(each, ())}
    return end in reached
