"""Buyers without a node, at the end: what their shop took came to the seller, and what they brought about pays."""

from __future__ import annotations

from collections.abc import Sequence

from netnode.simulator.crediting.watching import CreditWatch
from netnode.simulator.dealt import sides
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Oracle, Violation
from protocol.ledger.effects import Sold, sale_id


def require_shoppers(core: Sequence[SimNode], oracle: Oracle, watch: CreditWatch) -> int:
    """Each message that a shop said it keeps is at the seller's.

    Args:
        core: honest, up, and level; letters have arrived.
        oracle: who was served.
        watch: folded the sellers' logs.

    Returns:
        How many of their orders are sales in a log that pay somebody.

    Raises:
        Violation: `shoppers`.
    """
    homes = {oracle.homes[node.name]: node.name for node in core}
    held = {
        side.row.id: set(side.messages)
        for kept in sides(core).values()
        for side in kept
        if side.role == "seller"
    }
    count = 0
    for shopper in oracle.credits.shoppers:
        parties = {oracle.homes.get(shopper.host), shopper.seller}
        if not parties <= set(homes) or parties & oracle.put_back:
            continue
        lost = shopper.kept - held.get(shopper.deal, set())
        if lost:
            text = (
                f"{shopper.host} took {len(lost)} messages to {homes[shopper.seller]} that never came there"
            )
            raise Violation("shoppers", f"{text}, in the deal {shopper.deal.hex()[:10]}")
        for audit in watch.audits(shopper.seller):
            sold = audit.book.effects.get(sale_id(shopper.deal))
            count += isinstance(sold, Sold) and bool(sold.awards)
    return count
