"""Listings that are over, and the entries that carry a listing: for letting go of their records."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import apsw
import msgspec

from netnode.store.rows import SEQ_MASK, place_of
from protocol.errors import Void
from protocol.records import Listing, decode_record

_header: Final = msgspec.msgpack.Decoder(tuple[int, bytes, int, bytes, int, int, int, int, bytes, int]).decode


def ended(connection: apsw.Connection, own: bytes, before: int, limit: int) -> dict[bytes, set[str]]:
    """The keys of others' listings that are over since before a time (ms UTC), by author; at most `limit`."""
    rows = connection.execute(
        "SELECT networker.id, listing.key, entry.header, listing.expires FROM listing JOIN networker USING (n)"
        " LEFT JOIN entry ON listing.withdrawn > listing.seq AND entry.place = listing.n << 40 | listing.withdrawn"
        " WHERE networker.id <> ? AND listing.seq IS NOT NULL"
        " AND (listing.withdrawn > listing.seq OR listing.expires <= ?) ORDER BY listing.l",
        (own, before),
    )
    found: dict[bytes, set[str]] = {}
    count = 0
    for author, key, header, expires in rows:
        withdrawn = header is not None and _header(header)[6] <= before
        if withdrawn or (expires is not None and expires <= before):
            found.setdefault(author, set()).add(key)
            count += 1
            if count == limit:
                break
    return found


def entries_of(connection: apsw.Connection, author: bytes, keys: Collection[str]) -> list[int]:
    """The seqs of all entries held of one log whose record is a listing with one of these keys."""
    n = connection.execute("SELECT n FROM networker WHERE id = ?", (author,)).get
    if n is None:
        return []
    found: list[int] = []
    for place, header, record in connection.execute(
        "SELECT place, header, record FROM entry WHERE place BETWEEN ? AND ? AND record IS NOT NULL ORDER BY place",
        (place_of(n, 0), place_of(n, SEQ_MASK)),
    ):
        if _header(header)[7] != Listing.KIND:
            continue
        try:
            decoded = decode_record(Listing.KIND, record)
        except Void:
            continue
        if isinstance(decoded, Listing) and decoded.key in keys:
            found.append(place & SEQ_MASK)
    return found
