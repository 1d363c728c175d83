"""Stock: how many of a listing or variant can still be promised, and which deals hold how many [R-DEAL-30].

A listing without a counter is not counted. All counting happens inside the transaction that stores the move it belongs
to, so that two orders of the last piece cannot both be accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import apsw

from netnode.store.deals import OVER
from netnode.store.writer import Writer

_SEPARATOR: Final = "\x1f"  # why: no option's value holds a control character
Wanted = Mapping[tuple[str, tuple[str, ...]], int]
"""Pieces by key of the listing and choices of the variant."""


class SoldOut(Exception):
    """Fewer pieces are left than a deal needs.

    Args:
        key: of the listing.
        options: choices of the variant.
        left: pieces that can still be promised.
        wanted: pieces needed.
    """

    def __init__(self, key: str, options: tuple[str, ...], left: int, wanted: int) -> None:
        super().__init__(f"{left} of {wanted} pieces of {key} {options}")
        self.key = key
        self.options = options
        self.left = left
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class StockRow:
    """One counter: pieces that can still be promised, and those promised in deals that are not over."""

    key: str
    options: tuple[str, ...]
    count: int | None
    reserved: int


def hold(writer: Writer, number: int, wanted: Wanted, *, strict: bool) -> None:
    """Makes a deal hold so many pieces, no more and no less. Inside a transaction only.

    Args:
        writer: of the store.
        number: of the deal's row.
        wanted: pieces; none lets go of all.
        strict: whether it may fail; else a counter may fall below zero, for what is sold whatever the counter says:
            what comes back later fills that up first.

    Raises:
        SoldOut: strict, and fewer are left; the caller's transaction has to end without effect.
    """
    connection = writer.connection
    before = {
        (key, variant): quantity
        for key, variant, quantity in connection.execute(
            "SELECT key, variant, quantity FROM reserved WHERE d = ?", (number,)
        )
    }
    after = {(key, _SEPARATOR.join(options)): quantity for (key, options), quantity in wanted.items()}
    for key, variant in sorted({*before, *after}):
        more = after.get((key, variant), 0) - before.get((key, variant), 0)
        left = _left(connection, key, variant)
        if more and left is not None:
            if strict and more > left:
                raise SoldOut(key, _options(variant), max(0, left), more)
            connection.execute(
                "UPDATE stock SET count = ? WHERE key = ? AND variant = ?", (left - more, key, variant)
            )
    connection.execute("DELETE FROM reserved WHERE d = ?", (number,))
    connection.executemany(
        "INSERT INTO reserved(d, key, variant, quantity) VALUES (?, ?, ?, ?)",
        [(number, key, variant, quantity) for (key, variant), quantity in sorted(after.items()) if quantity],
    )


def put(writer: Writer, key: str, options: tuple[str, ...], pieces: int | None) -> None:
    """Sets how many can be promised from now on; None counts no longer. Durable when it returns."""
    variant = _SEPARATOR.join(options)
    with writer.transaction(durable=True) as connection:
        if pieces is None:
            connection.execute("DELETE FROM stock WHERE key = ? AND variant = ?", (key, variant))
        else:
            connection.execute("INSERT OR REPLACE INTO stock VALUES (?, ?, ?)", (key, variant, pieces))


def of(connection: apsw.Connection, key: str) -> list[StockRow]:
    """The counters of a listing, and what deals hold of it without one."""
    found: Iterable[tuple[str, int]] = connection.execute(
        "SELECT variant, sum(quantity) FROM reserved JOIN deal USING (d) WHERE key = ? AND rank < ?"
        " GROUP BY variant",
        (key, OVER),
    )
    held = dict(found)
    counts = dict(connection.execute("SELECT variant, max(0, count) FROM stock WHERE key = ?", (key,)))
    return [
        StockRow(key, _options(variant), counts.get(variant), held.get(variant, 0))
        for variant in sorted({*held, *counts})
    ]


def set_auto_accept(writer: Writer, key: str, accepts: bool | None) -> None:
    """Whether orders of a listing are accepted by themselves; None: as the setting says."""
    with writer.transaction(durable=True) as connection:
        connection.execute("DELETE FROM selling WHERE key = ?", (key,))
        if accepts is not None:
            connection.execute("INSERT INTO selling(key, auto_accept) VALUES (?, ?)", (key, accepts))


def auto_accept(connection: apsw.Connection, key: str) -> bool | None:
    """What `set_auto_accept` said of a listing."""
    found = connection.execute("SELECT auto_accept FROM selling WHERE key = ?", (key,)).get
    return None if found is None else bool(found)


def _left(connection: apsw.Connection, key: str, variant: str) -> int | None:
    """What can still be promised, below zero where too much is; None when nobody counts."""
    found: int | None = connection.execute(
        "SELECT count FROM stock WHERE key = ? AND variant = ?", (key, variant)
    ).get
    return found


def _options(variant: str) -> tuple[str, ...]:
    return tuple(variant.split(_SEPARATOR)) if variant else ()
