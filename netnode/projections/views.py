"""The catalogue as people see it: rows of the tables in the shapes of `netnode.operations.models`.

Here alone a listing's record becomes a summary or a page. All functions read; several calls that must agree belong
into one transaction of the reader.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import apsw
import msgspec
from msgspec import UNSET, UnsetType

from netnode.market import money
from netnode.market.listing import to_form
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.projections import facets
from netnode.projections.search import Query, find, hidden_sellers
from netnode.store.rows import SEQ_MASK, place_of
from protocol.errors import RemoteProtocolError
from protocol.identity import id_text, parse_id
from protocol.records import Block, Listing, Price, Profile, Report, Sale, decode_record

T = TypeVar("T")

_kind_of: Final = msgspec.msgpack.Decoder(
    tuple[int, bytes, int, bytes, int, int, int, int, bytes, int]
).decode
NAMELESS: Final = ""  # the name of a networker whose profile is not known here
_COLUMNS: Final = """
    networker.id, coalesce(profile.name, ''), listing.key, listing.entry, listing.time, listing.expires,
    coalesce(listing.withdrawn > listing.seq, 0), listing_record.record
    FROM listing JOIN listing_record USING (l) JOIN networker ON networker.n = listing.n
    LEFT JOIN profile ON profile.n = listing.n
"""


@dataclass(frozen=True, slots=True)
class ListingRow:
    """One listing with its record; `withdrawn`: no longer offered, the record is of its last version."""

    seller: bytes
    seller_name: str
    key: str
    entry: bytes
    time: int
    expires: int | None
    withdrawn: bool
    raw: bytes
    record: Listing

    def in_force(self, now_ms: int) -> bool:
        """Whether it is offered at that time."""
        return not self.withdrawn and (self.expires is None or self.expires > now_ms)


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """The profile in force; `stamp`: bits of a stamp that holds."""

    networker: bytes
    entry: bytes
    seq: int
    time: int
    stamp: int
    raw: bytes
    record: Profile


def _row(values: tuple[Any, ...]) -> ListingRow:
    seller, name, key, entry, time, expires, withdrawn, raw = values
    record = decode_record(Listing.KIND, raw)
    assert isinstance(record, Listing)
    return ListingRow(seller, name, key, entry, time, expires, bool(withdrawn), raw, record)


# -- shapes --------------------------------------------------------------------------------------------------
def price_view(price: Price, *, lowest: bool = False) -> models.Price:
    """A price as JSON shows it."""
    return msgspec.convert(money.view(price, lowest=lowest), models.Price)


def _sale_view(price: Price | UnsetType, sale: Sale | UnsetType) -> models.Sale | UnsetType:
    """A sale as JSON shows it: in the money and period of the regular price."""
    if price is UNSET or sale is UNSET:
        return UNSET
    reduced = price_view(msgspec.structs.replace(price, amount=sale.amount))
    return models.Sale(price=reduced, from_=sale.from_, until=sale.until)


def summary(row: ListingRow) -> models.ListingSummary:
    """A listing as one line of a list."""
    record = row.record
    return models.ListingSummary(
        **_shared(row),
        summary=record.summary,
        availability=record.availability,
        condition=record.condition,
        category=record.category,
        expires=UNSET if row.expires is None else row.expires,
    )


def full(row: ListingRow) -> models.Listing:
    """A listing with all its fields."""
    return models.Listing(**_shared(row), fields=to_form(row.record))


def _shared(row: ListingRow) -> dict[str, Any]:
    record = row.record
    seller = id_text(row.seller)
    priced = facets.lowest(record)
    return {
        "ref": f"{seller}/{row.key}",
        "key": row.key,
        "entry": row.entry.hex(),
        "seller": seller,
        "seller_name": row.seller_name,
        "title": record.title,
        "kind": record.kind,
        "price": None if priced is None else price_view(priced[0], lowest=priced[1]),
        "sale": _sale_view(record.price, record.sale),
        "variants": _variants(record),
        "time": row.time,
        "withdrawn": True if row.withdrawn else UNSET,
    }


def _variants(record: Listing) -> list[models.Variant]:
    if record.variants is UNSET or record.options is UNSET:
        return []
    shapes = []
    for variant in record.variants:
        price = _or(variant.price, record.price)
        shapes.append(
            models.Variant(
                options=dict(zip(record.options, variant.options, strict=True)),
                price=None if price is UNSET else price_view(price),
                sale=_sale_view(price, _or(variant.sale, record.sale if variant.price is UNSET else UNSET)),
                sku=variant.sku,
                availability=_or(variant.availability, record.availability),
                gtin=variant.gtin,
            )
        )
    return shapes


def _or(value: T | UnsetType, fallback: T | UnsetType) -> T | UnsetType:
    return fallback if value is UNSET else value


# -- listings ------------------------------------------------------------------------------------------------
def search(
    connection: apsw.Connection, query: models.SearchQuery, now_ms: int, own: bytes | None = None
) -> models.Found:
    """Searches the catalogue.

    Args:
        connection: a reader's.
        query: what is looked for.
        now_ms: the clock.
        own: id of this node's networker, whose public blocks hide sellers.

    Raises:
        Problem: `seller` is no networker id, or the cursor is of another search.
    """
    seller = None if query.seller is None else networker_id(query.seller)
    hits = find(
        connection,
        Query(
            text=query.text,
            kind=query.kind,
            seller=seller,
            category=query.category,
            min_price=query.min_price,
            max_price=query.max_price,
            currency=query.currency,
            limit=query.limit,
            cursor=query.cursor,
        ),
        now_ms,
        own,
    )
    items = [summary(row) for row in rows_of(connection, hits.rows)]
    return models.Found(total=hits.total, items=items, next=hits.next, more=True if hits.more else UNSET)


def hidden(connection: apsw.Connection, own: bytes | None) -> set[bytes]:
    """Sellers whose listings are not shown: blocked here, blocked in public by the owner, or with a closed log."""
    numbers = json.dumps(hidden_sellers(connection, own))
    rows = connection.execute(
        "SELECT id FROM networker WHERE n IN (SELECT value FROM json_each(?))", (numbers,)
    )
    return {id_ for (id_,) in rows}


def networker_id(text: str) -> bytes:
    """The 32 bytes of an id as people write it.

    Raises:
        Problem: it is none.
    """
    try:
        return parse_id(text)
    except RemoteProtocolError as error:
        reason = error.text if text.lower().startswith("nx1") else "an id begins with nx1"
        raise Problem(f"{text!r} is no networker id: {reason}.", ExitCode.USAGE, "id") from error


def rows_of(connection: apsw.Connection, numbers: Iterable[int]) -> list[ListingRow]:
    """The listings with these row numbers, in that order; those gone meanwhile are left out."""
    wanted = list(numbers)
    found = {
        values[0]: _row(values[1:])
        for values in connection.execute(
            f"SELECT listing.l, {_COLUMNS} WHERE listing.l IN (SELECT value FROM json_each(?))",  # noqa: S608
            (json.dumps(wanted),),
        )
    }
    return [found[row] for row in wanted if row in found]


def listing(connection: apsw.Connection, seller: bytes, key: str) -> ListingRow | None:
    """One listing, also a withdrawn or expired one; None when there is none here."""
    values = connection.execute(
        f"SELECT {_COLUMNS} WHERE networker.id = ? AND listing.key = ? AND listing.seq IS NOT NULL",
        (seller, key),
    ).fetchone()
    return None if values is None else _row(values)


def listings_of(
    connection: apsw.Connection,
    seller: bytes,
    now_ms: int,
    *,
    everything: bool = False,
    limit: int = models.ITEMS_DEFAULT,
    after: str | None = None,
) -> tuple[list[ListingRow], str | None]:
    """The listings of one networker by key.

    Args:
        connection: a reader's.
        seller: their id.
        now_ms: the clock.
        everything: withdrawn and expired ones too.
        limit: most listings to return.
        after: the cursor of this page: the last key of the one before.

    Returns:
        The listings, and the cursor of the next page or None.
    """
    conditions = "networker.id = :seller AND listing.key > :after AND listing.seq IS NOT NULL"
    if not everything:
        conditions += (
            " AND (listing.withdrawn IS NULL OR listing.withdrawn < listing.seq)"
            " AND (listing.expires IS NULL OR listing.expires > :now)"
            " AND listing.n NOT IN (SELECT n FROM projected WHERE closed)"
        )
    values = {"seller": seller, "after": after or "", "now": now_ms, "limit": limit + 1}
    rows = [
        _row(each)
        for each in connection.execute(
            f"SELECT {_COLUMNS} WHERE {conditions} ORDER BY listing.key LIMIT :limit", values
        )
    ]
    return rows[:limit], rows[limit - 1].key if len(rows) > limit else None


def keys_in_force(connection: apsw.Connection, seller: bytes) -> list[str]:
    """The keys of all listings that a networker has not withdrawn, expired ones too."""
    rows = connection.execute(
        "SELECT key FROM listing JOIN networker USING (n) WHERE id = ? AND seq IS NOT NULL"
        " AND (withdrawn IS NULL OR withdrawn < seq) ORDER BY key",
        (seller,),
    )
    return [key for (key,) in rows]


def showing(connection: apsw.Connection, seller: bytes, blob: bytes, now_ms: int) -> str | None:
    """The key of a networker's listing in force whose record names this blob; None when none does."""
    values = connection.execute(
        "SELECT listing.key FROM listing JOIN listing_record USING (l) JOIN networker ON networker.n = listing.n"
        " WHERE networker.id = :seller AND (listing.withdrawn IS NULL OR listing.withdrawn < listing.seq)"
        " AND (listing.expires IS NULL OR listing.expires > :now) AND instr(listing_record.record, :blob) > 0"
        " ORDER BY listing.key LIMIT 1",
        {"seller": seller, "blob": blob, "now": now_ms},
    ).fetchone()
    return None if values is None else values[0]


def blobs_shown(connection: apsw.Connection, sellers: Iterable[bytes], now_ms: int) -> frozenset[bytes]:
    """The blobs that these networkers' listings in force show."""
    found: set[bytes] = set()
    for seller in sellers:
        for (record,) in connection.execute(
            "SELECT listing_record.record FROM listing JOIN listing_record USING (l)"
            " WHERE listing.n = (SELECT n FROM networker WHERE id = ?)"
            " AND (listing.withdrawn IS NULL OR listing.withdrawn < listing.seq)"
            " AND (listing.expires IS NULL OR listing.expires > ?)",
            (seller, now_ms),
        ):
            listing = decode_record(Listing.KIND, record)
            if isinstance(listing, Listing) and listing.images is not UNSET:
                found.update(image.hash for image in listing.images if image.hash is not UNSET)
    return frozenset(found)


def count_listings(connection: apsw.Connection, now_ms: int, seller: bytes | None = None) -> int:
    """How many listings are in force, of all sellers or of one."""
    if seller is None:
        query = "SELECT count(*) FROM listing WHERE indexed"
        late = "SELECT count(*) FROM listing WHERE indexed AND expires IS NOT NULL AND expires <= ?"
        return int(connection.execute(query).get) - int(connection.execute(late, (now_ms,)).get)
    return int(
        connection.execute(
            "SELECT count(*) FROM listing WHERE n = (SELECT n FROM networker WHERE id = ?) AND indexed"
            " AND (expires IS NULL OR expires > ?)",
            (seller, now_ms),
        ).get
    )


def in_force(
    connection: apsw.Connection, networker: bytes, now_ms: int, below: int
) -> list[tuple[int, bytes]]:
    """The entries of a networker below a seq that are in force now: listings, profile, blocks, reports, reviews.

    Returns:
        (seq, entry id), seq ascending.
    """
    rows = connection.execute(
        "WITH author(n) AS (SELECT n FROM networker WHERE id = :id)"
        " SELECT seq, entry FROM listing WHERE n = (SELECT n FROM author) AND seq < :below"
        " AND (withdrawn IS NULL OR withdrawn < seq) AND (expires IS NULL OR expires > :now)"
        " UNION SELECT seq, entry FROM profile WHERE n = (SELECT n FROM author) AND seq < :below"
        " UNION SELECT seq, entry FROM statement WHERE n = (SELECT n FROM author) AND seq < :below AND NOT lifted"
        " UNION SELECT seq, entry FROM review WHERE n = (SELECT n FROM author) AND seq < :below"
        " ORDER BY seq",
        {"id": networker, "now": now_ms, "below": below},
    )
    return [(seq, entry) for seq, entry in rows]


# -- networkers ----------------------------------------------------------------------------------------------
def profile(connection: apsw.Connection, networker: bytes) -> ProfileRow | None:
    """The profile in force of a networker; None when none is known here."""
    values: Any = connection.execute(
        "SELECT id, entry, seq, time, stamp, record FROM profile JOIN networker USING (n) WHERE id = ?",
        (networker,),
    ).fetchone()
    if values is None:
        return None
    record = decode_record(Profile.KIND, values[5])
    assert isinstance(record, Profile)
    known, entry, seq, time, stamp, raw = values
    return ProfileRow(known, entry, seq, time, stamp, raw, record)


def profile_view(row: ProfileRow) -> models.Profile:
    """A profile as JSON shows it."""
    record = row.record
    return models.Profile(
        id=id_text(row.networker),
        name=record.name,
        bio="" if record.bio is UNSET else record.bio,
        addresses=[] if record.addresses is UNSET else list(record.addresses),
        domain=None if record.domain is UNSET else record.domain,
        mailboxes=[] if record.mailboxes is UNSET else [id_text(host) for host in record.mailboxes],
        entry=row.entry.hex(),
    )


def names(connection: apsw.Connection, networkers: Iterable[bytes]) -> dict[bytes, str]:
    """The names of those networkers whose profile is known here."""
    wanted = json.dumps([networker.hex() for networker in networkers])
    return dict(
        connection.execute(
            "SELECT id, name FROM profile JOIN networker USING (n)"
            " WHERE id IN (SELECT unhex(value) FROM json_each(?))",
            (wanted,),
        )
    )


# -- statements ----------------------------------------------------------------------------------------------
def blocks(connection: apsw.Connection, author: bytes, target: bytes) -> bool:
    """Whether a block of one networker by another is in force, as its log says in public."""
    found = connection.execute(
        "SELECT 1 FROM statement JOIN networker USING (n)"
        " WHERE networker.id = ? AND kind = ? AND target = ? AND subject = x'' AND NOT lifted",
        (author, Block.KIND, target),
    )
    return found.fetchone() is not None


def statements(
    connection: apsw.Connection,
    authors: Iterable[bytes],
    *,
    limit: int = models.ITEMS_DEFAULT,
    cursor: str | None = None,
) -> models.Page[models.Moderation]:
    """The blocks and reports in force by these networkers, newest first.

    A report of an entry names the listing if that entry is its newest version here, otherwise the networker.

    Raises:
        Problem: the cursor is none of this list.
    """
    before = _statement_cursor(cursor)
    values = {
        "authors": json.dumps([author.hex() for author in authors]),
        "limit": limit + 1,
        "time": before[0],
        "n": before[1],
        "seq": before[2],
    }
    rows: list[Any] = connection.execute(
        "SELECT statement.time, statement.n, statement.seq, statement.kind, networker.id, statement.entry,"
        " statement.target, statement.reason, statement.text,"
        " (SELECT listing.key FROM networker AS owner JOIN listing ON listing.n = owner.n"
        "  WHERE owner.id = statement.target AND statement.subject <> x'' AND listing.entry = statement.subject)"
        " FROM statement JOIN networker ON networker.n = statement.n"
        " WHERE networker.id IN (SELECT unhex(value) FROM json_each(:authors)) AND NOT statement.lifted"
        " AND (statement.time, statement.n, statement.seq) < (:time, :n, :seq)"
        " ORDER BY statement.time DESC, statement.n DESC, statement.seq DESC LIMIT :limit",
        values,
    ).fetchall()
    items = []
    for time, _, _, kind, author, entry, target, reason, text, key in rows[:limit]:
        assert kind in (Block.KIND, Report.KIND)
        shown = f"{reason}: {text}" if text else reason
        items.append(
            models.Moderation(
                type="block" if kind == Block.KIND else "report",
                author=id_text(author),
                entry=entry.hex(),
                target=id_text(target) if key is None else f"{id_text(target)}/{key}",
                reason=shown,
                time=time,
            )
        )
    following = ".".join(map(str, rows[limit - 1][:3])) if len(rows) > limit else None
    return models.Page(items, following)


def _statement_cursor(cursor: str | None) -> tuple[int, int, int]:
    if cursor is None:
        return (2**63 - 1, 0, 0)
    parts = cursor.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts):
        raise Problem(
            "The cursor does not belong to this list. Begin again without it.", ExitCode.USAGE, "cursor"
        )
    time, n, seq = map(int, parts)
    return (time, n, seq)


def voids(connection: apsw.Connection, author: bytes, first: int, last: int) -> dict[int, str]:
    """The codes of the void entries of one log from seq `first` to `last`; of each log the newest are known.

    A withdrawal without a listing before it is judged only where the log is held from its beginning and no record of
    a listing before it is gone [R-EFF-1].
    """
    rows: list[Any] = connection.execute(
        "SELECT void_entry.seq, void_entry.code, void_entry.key IS NULL, log.n, log.base FROM void_entry"
        " JOIN networker USING (n) JOIN log USING (n)"
        " WHERE networker.id = ? AND void_entry.seq BETWEEN ? AND ?",
        (author, first, last),
    ).fetchall()
    if all(certain for _, _, certain, _, _ in rows):
        return {seq: code for seq, code, _, _, _ in rows}
    n, base = rows[0][3:]
    known = -1 if base > 0 else _first_gone_listing(connection, n)
    return {seq: code for seq, code, certain, _, _ in rows if certain or seq < known}


def _first_gone_listing(connection: apsw.Connection, n: int) -> int:
    """The seq of the oldest listing whose record is gone, so that its key is not known; above all seqs if none is."""
    places = (place_of(n, 0), place_of(n, SEQ_MASK))
    query = "SELECT place, header FROM entry WHERE record IS NULL AND place BETWEEN ? AND ? ORDER BY place"
    for place, header in connection.execute(query, places):
        if _kind_of(header)[7] == Listing.KIND:
            return int(place) & SEQ_MASK
    return SEQ_MASK + 1
