"""What each networker sold for the owner of a team, by the owner's log alone [R-TEAM-26]."""

from __future__ import annotations

from protocol.ledger.book import Book
from protocol.ledger.effects import Sold, sale_id


def brought(book: Book, key: str) -> dict[bytes, list[int]]:
    """The dates of sales by whose own they are, ms UTC, ascending: those of their first entries.

    Sales under the plans of other teams of the owner are left out, and those that were refunded whole.

    Args:
        book: the fold of the owner's log.
        key: of the opportunity.
    """
    found: dict[bytes, list[int]] = {}
    for order, file in book.state.orders.items():
        if file.sold is None or file.sold[1] not in ("", key):
            continue
        value = book.effects[sale_id(order)]
        assert isinstance(value, Sold)  # by its id
        if value.base:
            found.setdefault(file.sold[0], []).append(file.time)
    return found
