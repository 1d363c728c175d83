"""Logs put straight into the tables of a store, for tests of what is made from them: unsigned, unlinked, quick."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from netnode.projections import tables
from netnode.projections.catalogue import Progress, advance
from netnode.store.rows import place_of
from netnode.store.schema import TABLES
from protocol.entry import NO_PREV, pack_header
from protocol.kinds import encode_record
from protocol.records import Block, Inception, Listing, Price, Profile, Report, Withdraw

NETWORK = "inx"
NOW = 1_800_000_000_000
DAY = 86_400_000
SALT = bytes(16)
SIGNATURE = bytes(64)


@dataclass(frozen=True)
class Put:
    """One entry to be: kind, record bytes (None: gone), time in ms."""

    kind: int
    record: bytes | None
    time: int = NOW - DAY


def inception(time: int = NOW - DAY) -> Put:
    return Put(0, encode_record(Inception(key=bytes(32), nonce=SALT, promise=bytes(32))), time)


def listing(key: str, title: str = "A thing", time: int = NOW - DAY, **fields: Any) -> Put:
    fields.setdefault("kind", "product")
    return Put(3, encode_record(Listing(salt=SALT, key=key, title=title, **fields)), time)


def withdraw(key: str, time: int = NOW - DAY) -> Put:
    return Put(5, encode_record(Withdraw(salt=SALT, key=key)), time)


def profile(name: str, time: int = NOW - DAY, **fields: Any) -> Put:
    return Put(1, encode_record(Profile(salt=SALT, name=name, **fields)), time)


def block(target: bytes, time: int = NOW - DAY, **fields: Any) -> Put:
    return Put(9, encode_record(Block(salt=SALT, id=target, **fields)), time)


def report(target: bytes, time: int = NOW - DAY, **fields: Any) -> Put:
    return Put(11, encode_record(Report(salt=SALT, author=target, **fields)), time)


def malformed(time: int = NOW - DAY) -> Put:
    return Put(3, b"\x80", time)


def euros(minor: int) -> Price:
    return Price(amount=minor, currency="EUR")


def author(number: int) -> bytes:
    return hashlib.sha256(b"author %d" % number).digest()


def entry_bytes(who: bytes, seq: int, put: Put) -> tuple[bytes, bytes]:
    """Header and entry id."""
    record = put.record or b""
    header = pack_header(
        who, seq, NO_PREV, 0, 0, put.time, put.kind, hashlib.sha256(record).digest(), len(record)
    )
    return header, hashlib.sha256(header + SIGNATURE).digest()


class Shelf:
    """A store's tables in memory."""

    def __init__(self, path: str = ":memory:") -> None:
        self.connection = apsw.Connection(path)
        self.connection.execute(TABLES)
        with self.connection:
            tables.create(self.connection)
        self.arrival = 0

    def number(self, who: bytes) -> int:
        n = self.connection.execute("SELECT n FROM networker WHERE id = ?", (who,)).get
        if n is None:
            n = self.connection.execute("INSERT INTO networker(id) VALUES (?) RETURNING n", (who,)).get
        return int(n)

    def put(
        self,
        who: bytes,
        puts: Sequence[Put],
        *,
        base: int = 0,
        common: int | None = None,
        replaced: bool = False,
        arrives: bool = True,
    ) -> None:
        """Makes the main run of a log these entries; the first has seq `base`."""
        n = self.number(who)
        tip = base + len(puts) - 1
        self.connection.execute(
            "DELETE FROM entry WHERE place BETWEEN ? AND ?", (place_of(n, 0), place_of(n, 2**40 - 1))
        )
        self.connection.executemany(
            "INSERT INTO entry(place, header, signature, record) VALUES (?, ?, ?, ?)",
            [
                (place_of(n, seq), entry_bytes(who, seq, put)[0], SIGNATURE, put.record)
                for seq, put in enumerate(puts, base)
            ],
        )
        self.connection.execute(
            "INSERT OR IGNORE INTO log VALUES (?, 0, 0, 0, x'', 0, 0, 0, x'', 0, 0, 0, 0, NULL, 0, 0, 0, ?, 0, 0, 0)",
            (n, -n),
        )
        self.connection.execute(
            "UPDATE log SET seq = ?, head_kind = ?, base = ?, common = ?, generation = generation + ? WHERE n = ?",
            (tip, puts[-1].kind, base, tip if common is None else common, replaced, n),
        )
        if arrives:
            self.arrival += 1
            self.connection.execute("UPDATE log SET arrival = ? WHERE n = ?", (self.arrival, n))

    def advance(self, now: int = NOW, budget: int = 10**9) -> Progress:
        return advance(self.connection, NETWORK, now, budget)

    def settle(self, now: int = NOW) -> None:
        """Advances until nothing is left."""
        while not self.advance(now).done:
            pass

    def dump(self) -> dict[str, list[Any]]:
        """The tables as far as they must be equal however they came about: row numbers aside."""
        rows = self.connection.execute
        return {
            "listing": sorted(
                rows(
                    "SELECT n, key, seq, first, withdrawn, time, expires, indexed, low, kind, currency, category,"
                    " entry, record FROM listing LEFT JOIN listing_record USING (l)"
                ),
                key=repr,
            ),
            "text": sorted(
                rows(
                    "SELECT n, key FROM listing WHERE l IN (SELECT rowid FROM listing_text_docsize) ORDER BY 1, 2"
                )
            ),
            "profile": list(rows("SELECT * FROM profile ORDER BY n")),
            "statement": list(rows("SELECT * FROM statement")),
            "void": list(rows("SELECT * FROM void_entry")),
            "projected": list(rows("SELECT n, low, high, closed FROM projected ORDER BY n")),
            "due": list(rows("SELECT * FROM due ORDER BY n")),
        }
