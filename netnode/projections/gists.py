"""What is worked out of ledgers for search, kept so that a page of results folds none; it can be dropped at any time.

Functions of a `Reader` or `Writer`; who fills the table is `netnode.services.gisting`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from netnode.store import Reader, Writer


class About(IntEnum):
    """What a gist says of an issuer."""

    STANDING = 0  # what speaks against it
    PLANS = 1  # what sales of its listings pay


@dataclass(frozen=True, slots=True)
class Gist:
    """One of one issuer: the mark of what it rests on, itself as JSON, and when it was made (ms UTC)."""

    issuer: bytes
    mark: bytes
    data: bytes = field(repr=False)
    at: int


def planners(reader: Reader, limit: int) -> list[tuple[bytes, int]]:
    """Networkers with listings and plans, those whose logs changed last first: id and length of the log."""
    found: list[Any] = reader.connection.execute(
        "SELECT id, seq + 1 FROM networker JOIN log USING (n)"
        " WHERE EXISTS(SELECT 1 FROM plan_entry WHERE plan_entry.n = log.n)"
        " AND EXISTS(SELECT 1 FROM listing WHERE listing.n = log.n) ORDER BY arrival DESC LIMIT ?",
        (limit,),
    ).fetchall()
    return found


def put(writer: Writer, about: About, gist: Gist) -> None:
    """Keeps one, in the place of what was there."""
    with writer.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO gist(about, issuer, mark, data, at) VALUES (?, ?, ?, ?, ?)",
            (about, gist.issuer, gist.mark, gist.data, gist.at),
        )


def forget(writer: Writer, about: About, issuers: Iterable[bytes]) -> None:
    """There is nothing to say of these any more, or they are too many."""
    with writer.transaction() as connection:
        connection.executemany(
            "DELETE FROM gist WHERE about = ? AND issuer = ?", [(about, each) for each in issuers]
        )


def of(reader: Reader, about: About, issuers: Collection[bytes]) -> dict[bytes, Gist]:
    """Those of some issuers."""
    marks = ", ".join("?" * len(issuers))
    found = reader.connection.execute(
        f"SELECT issuer, mark, data, at FROM gist WHERE about = ? AND issuer IN ({marks})",  # noqa: S608
        (about, *issuers),
    )
    return {row[0]: Gist(*row) for row in found}


def every(reader: Reader, about: About) -> dict[bytes, Gist]:
    """All of them."""
    found = reader.connection.execute("SELECT issuer, mark, data, at FROM gist WHERE about = ?", (about,))
    return {row[0]: Gist(*row) for row in found}
