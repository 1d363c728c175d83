"""What a batch of entries does to the tables: gathered in any order, written once.

Of the listings and withdrawals of a key the one with the highest seq counts, of profiles, blocks and reports
likewise; so it does not matter whether a log comes from its beginning or is filled downwards from its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import apsw
from msgspec import UNSET

from netnode.projections import facets
from protocol import stamp
from protocol.deals.reviews import parse_review
from protocol.errors import Void
from protocol.records import Block, Challenge, Listing, Plan, Profile, Report, Review, Withdraw, decode_record

# An author can fill a node with worthless entries, but not with notes about them: the newest are shown.
VOIDS_KEPT: Final = 1_000


@dataclass(slots=True)
class Key:
    """What a batch says of one key: its newest listing, the seq of its oldest, its withdrawals."""

    newest: int = -1
    first: int | None = None
    time: int = 0
    entry: bytes = b""
    record: bytes = b""
    listing: Listing | None = None
    withdrawals: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """The effects of entries of any logs, gathered for one `write`."""

    network: str
    keys: dict[tuple[int, str], Key] = field(default_factory=dict)
    profiles: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    statements: dict[tuple[int, int, bytes, bytes], tuple[Any, ...]] = field(default_factory=dict)
    reviews: list[tuple[Any, ...]] = field(default_factory=list)
    challenges: list[tuple[Any, ...]] = field(default_factory=list)
    plans: list[tuple[int, int]] = field(default_factory=list)
    voids: list[tuple[int, int, str, str | None]] = field(default_factory=list)

    def take(
        self, n: int, author: bytes, seq: int, kind: int, time: int, entry: bytes, record: bytes
    ) -> None:
        """Notes the effect of one entry that is due. `entry` is its id, `time` ms UTC."""
        try:
            decoded = decode_record(kind, record)
        except Void as error:
            self.voids.append((n, seq, error.code, None))
            return
        match decoded:
            case Listing():
                key = self.keys.setdefault((n, decoded.key), Key())
                key.first = seq if key.first is None else min(seq, key.first)
                if seq > key.newest:
                    key.newest, key.time, key.entry, key.record, key.listing = (
                        seq,
                        time,
                        entry,
                        record,
                        decoded,
                    )
            case Withdraw():
                self.keys.setdefault((n, decoded.key), Key()).withdrawals.append(seq)
            case Profile():
                if n not in self.profiles or self.profiles[n][1] < seq:
                    bits = _stamp_bits(self.network, author, decoded)
                    self.profiles[n] = (n, seq, entry, time, decoded.name, bits, record)
            case Block():
                reason = "" if decoded.reason is UNSET else decoded.reason
                self._state(n, kind, decoded.id, b"", seq, entry, time, decoded.lifted is True, reason, "")
            case Report():
                subject = b"" if decoded.entry is UNSET else decoded.entry
                text = "" if decoded.text is UNSET else decoded.text
                self._state(n, kind, decoded.author, subject, seq, entry, time, False, decoded.reason, text)
            case Review():
                self._review(n, seq, entry, record)
            case Challenge():
                self.challenges.append((n, seq, entry, decoded.issuer))
            case Plan():
                self.plans.append((n, seq))
            case _:
                pass

    def _review(self, n: int, seq: int, entry: bytes, record: bytes) -> None:
        """Notes a review that its buyer signed; one made up by whoever carries it is void [R-REV-2]."""
        try:
            found = parse_review(self.network, record)
        except Void as error:
            self.voids.append((n, seq, error.code, None))
            return
        self.reviews.append((n, seq, entry, found.record.seller, found.key, found.record.time, found.id))

    def _state(self, n: int, kind: int, target: bytes, subject: bytes, seq: int, *rest: Any) -> None:
        place = (n, kind, target, subject)
        if place not in self.statements or self.statements[place][4] < seq:
            self.statements[place] = (*place, seq, *rest)

    def write(self, connection: apsw.Connection, now_ms: int) -> None:
        """Merges the effects into the tables. Inside a transaction."""
        Listings(connection, now_ms).write(self.keys, self.voids)
        connection.executemany(
            "INSERT INTO profile(n, seq, entry, time, name, stamp, record) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(n) DO UPDATE SET seq = excluded.seq, entry = excluded.entry, time = excluded.time,"
            " name = excluded.name, stamp = excluded.stamp, record = excluded.record"
            " WHERE excluded.seq > profile.seq",
            self.profiles.values(),
        )
        connection.executemany(
            "INSERT INTO statement(n, kind, target, subject, seq, entry, time, lifted, reason, text)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(n, kind, target, subject) DO UPDATE SET seq = excluded.seq, entry = excluded.entry,"
            " time = excluded.time, lifted = excluded.lifted, reason = excluded.reason, text = excluded.text"
            " WHERE excluded.seq > statement.seq",
            self.statements.values(),
        )
        connection.executemany(
            "INSERT OR REPLACE INTO review(n, seq, entry, seller, key, time, id) VALUES (?, ?, ?, ?, ?, ?, ?)",
            self.reviews,
        )
        connection.executemany(
            "INSERT OR REPLACE INTO challenge_entry(n, seq, entry, issuer) VALUES (?, ?, ?, ?)",
            self.challenges,
        )
        connection.executemany("INSERT OR REPLACE INTO plan_entry(n, seq) VALUES (?, ?)", self.plans)
        connection.executemany(
            "INSERT OR REPLACE INTO void_entry(n, seq, code, key) VALUES (?, ?, ?, ?)", self.voids
        )
        connection.executemany(
            "DELETE FROM void_entry WHERE n = ?1 AND seq <= (SELECT seq FROM void_entry WHERE n = ?1"
            " ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
            [(n, VOIDS_KEPT) for n in {void[0] for void in self.voids}],
        )


class Listings:
    """Merges keys into `listing` and its full-text index.

    The index takes its words in the order of their rows; a step back makes it write out what it holds in memory. So
    all rows that go are taken out first, in order, and what comes gets higher numbers than anything before.
    """

    __slots__ = ("_connection", "_gone", "_new", "_now", "_unindexed")

    def __init__(self, connection: apsw.Connection, now_ms: int) -> None:
        self._connection = connection
        self._now = now_ms
        self._gone: list[tuple[int]] = []  # rows replaced
        self._unindexed: list[tuple[int]] = []  # rows that leave the index
        self._new: list[tuple[tuple[Any, ...], tuple[str, ...] | None, bytes | None]] = []

    def write(self, keys: dict[tuple[int, str], Key], voids: list[tuple[int, int, str, str | None]]) -> None:
        """Merges keys; withdrawals that name no listing before them are added to `voids`."""
        connection = self._connection
        highest: int = connection.execute("SELECT max(l) FROM listing").get or 0
        healed: list[tuple[int, str, int]] = []
        for (n, name), key in keys.items():
            known = connection.execute(
                "SELECT l, seq, first, withdrawn, indexed FROM listing WHERE n = ? AND key = ?", (n, name)
            ).fetchone()
            first = self._merge(n, name, key, known)
            for seq in key.withdrawals:
                if first is None or first > seq:
                    voids.append((n, seq, "wrong_key", name))
            if first is not None and known is not None and (known[2] is None or first < known[2]):
                healed.append((n, name, first))
        connection.executemany("DELETE FROM listing_text WHERE rowid = ?", sorted(self._unindexed))
        connection.executemany("UPDATE listing SET indexed = 0 WHERE l = ?", self._unindexed)
        connection.executemany("DELETE FROM listing WHERE l = ?", self._gone)
        connection.executemany("DELETE FROM listing_record WHERE l = ?", self._gone)
        connection.executemany("DELETE FROM void_entry WHERE n = ? AND key = ? AND seq > ?", healed)
        numbered = [(highest + index, *new) for index, new in enumerate(self._new, 1)]
        connection.executemany(
            "INSERT INTO listing(l, n, key, seq, first, withdrawn, time, expires, indexed, low, kind, currency,"
            " category, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(row, *values) for row, values, _, _ in numbered],
        )
        connection.executemany(
            "INSERT INTO listing_record(l, record) VALUES (?, ?)",
            [(row, record) for row, _, _, record in numbered if record is not None],
        )
        connection.executemany(
            "INSERT INTO listing_text(rowid, title, tags, category, brand, codes, summary, description, facet)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(row, *words) for row, _, words, _ in numbered if words is not None],
        )

    def _merge(self, n: int, name: str, key: Key, known: tuple[Any, ...] | None) -> int | None:
        """Joins what a batch and the table say of one key; returns the seq of its oldest listing."""
        row, seq, first, withdrawn, indexed = known or (None, None, None, None, 0)
        first = min((value for value in (first, key.first) if value is not None), default=None)
        withdrawn = max((value for value in (withdrawn, *key.withdrawals) if value is not None), default=None)
        listing = key.listing
        if listing is None or (seq is not None and key.newest < seq):
            if row is None:
                self._new.append(((n, name, None, None, withdrawn, None, None, 0, *[None] * 5), None, None))
                return first
            if indexed and withdrawn is not None and withdrawn > seq:
                self._unindexed.append((row,))
            self._connection.execute(
                "UPDATE listing SET first = ?, withdrawn = ? WHERE l = ?", (first, withdrawn, row)
            )
            return first
        if row is not None:
            self._gone.append((row,))
            if indexed:
                self._unindexed.append((row,))
        expires = None if listing.expires is UNSET else listing.expires
        shown = (withdrawn is None or withdrawn < key.newest) and (expires is None or expires > self._now)
        priced = facets.lowest(listing)
        self._new.append(
            (
                (
                    n,
                    name,
                    key.newest,
                    first,
                    withdrawn,
                    key.time,
                    expires,
                    int(shown),
                    None if priced is None else facets.comparable(priced[0]),
                    listing.kind,
                    None if priced is None or priced[0].currency is UNSET else priced[0].currency,
                    None if listing.category is UNSET else facets.category_path(listing.category),
                    key.entry,
                ),
                facets.texts(n, listing) if shown else None,
                key.record,
            )
        )
        return first


def _stamp_bits(network: str, author: bytes, profile: Profile) -> int:
    """The bits of a stamp that holds; a void stamp voids nothing but itself."""
    if profile.stamp is UNSET:
        return 0
    try:
        stamp.check(network, author, profile.stamp.bits, profile.stamp.nonce)
    except Void:
        return 0
    return profile.stamp.bits


def drop_author(connection: apsw.Connection, n: int, room: int) -> int:
    """Takes back what a log's entries did, listings first. Inside a transaction.

    Args:
        n: the author's number.
        room: the most listings to take back now.

    Returns:
        How many listings were; when fewer than `room`, nothing of the author is left.
    """
    rows = connection.execute("SELECT l, indexed FROM listing WHERE n = ? LIMIT ?", (n, room)).fetchall()
    unindexed = sorted((row,) for row, indexed in rows if indexed)
    connection.executemany("DELETE FROM listing_text WHERE rowid = ?", unindexed)
    gone = [(row,) for row, _ in rows]
    connection.executemany("DELETE FROM listing_record WHERE l = ?", gone)
    connection.executemany("DELETE FROM listing WHERE l = ?", gone)
    if len(rows) < room:
        for table in (
            "profile",
            "statement",
            "review",
            "challenge_entry",
            "plan_entry",
            "void_entry",
            "projected",
        ):
            connection.execute(f"DELETE FROM {table} WHERE n = ?", (n,))  # noqa: S608 - constants
    return len(rows)


def forget_below(connection: apsw.Connection, n: int, base: int, room: int) -> int:
    """Takes back what entries below `base` did, which are held no longer. Inside a transaction.

    Args:
        n: the author's number.
        base: the lowest seq held.
        room: the most listings to take back now.

    Returns:
        How many listings were; when fewer than `room`, nothing from below is left.
    """
    rows = connection.execute(
        "SELECT l, indexed, withdrawn >= ? FROM listing WHERE n = ? AND seq < ? LIMIT ?",
        (base, n, base, room),
    ).fetchall()
    connection.executemany(
        "DELETE FROM listing_text WHERE rowid = ?", sorted((row,) for row, indexed, _ in rows if indexed)
    )
    connection.executemany("DELETE FROM listing_record WHERE l = ?", [(row,) for row, _, _ in rows])
    connection.executemany("DELETE FROM listing WHERE l = ?", [(row,) for row, _, known in rows if not known])
    connection.executemany(  # its withdrawal is still held
        "UPDATE listing SET seq = NULL, first = NULL, time = NULL, expires = NULL, indexed = 0, low = NULL,"
        " kind = NULL, currency = NULL, category = NULL, entry = NULL WHERE l = ?",
        [(row,) for row, _, known in rows if known],
    )
    if len(rows) < room:
        connection.execute("DELETE FROM listing WHERE n = ? AND seq IS NULL AND withdrawn < ?", (n, base))
        connection.execute("UPDATE listing SET withdrawn = NULL WHERE n = ? AND withdrawn < ?", (n, base))
        for table in ("profile", "statement", "review", "challenge_entry", "plan_entry", "void_entry"):
            connection.execute(f"DELETE FROM {table} WHERE n = ? AND seq < ?", (n, base))  # noqa: S608 - constants
    return len(rows)


def drop_expired(connection: apsw.Connection, now_ms: int, room: int) -> int:
    """Takes listings out of the full-text index whose time is over; they stay in `listing`. Inside a transaction.

    Returns:
        How many were taken out.
    """
    rows = connection.execute(
        "SELECT l FROM listing WHERE indexed AND expires IS NOT NULL AND expires <= ? ORDER BY expires LIMIT ?",
        (now_ms, room),
    ).fetchall()
    connection.executemany("DELETE FROM listing_text WHERE rowid = ?", sorted(rows))
    connection.executemany("UPDATE listing SET indexed = 0 WHERE l = ?", rows)
    return len(rows)
