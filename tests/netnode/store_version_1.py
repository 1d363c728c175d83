"""The tables of a store of version 1, as the first netnode made them. They never change: migrations start from them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from netnode.store import schema
from netnode.system import SystemDisk
from tests.netnode import store_version_2
from tests.netnode.stored import FLAGS

TABLES: Final = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE networker(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE);

CREATE TABLE log(
    n INTEGER PRIMARY KEY REFERENCES networker,
    epoch INTEGER NOT NULL, term INTEGER NOT NULL,          -- as the item says; of a head also the tip's
    seq INTEGER NOT NULL, head BLOB NOT NULL, head_time INTEGER NOT NULL, head_kind INTEGER NOT NULL,
    base INTEGER NOT NULL, base_prev BLOB NOT NULL, base_epoch INTEGER NOT NULL, base_term INTEGER NOT NULL,
    base_time INTEGER NOT NULL, base_opener INTEGER NOT NULL,
    fork INTEGER, extents INTEGER NOT NULL, standing INTEGER NOT NULL, common INTEGER NOT NULL,
    arrival INTEGER NOT NULL UNIQUE, generation INTEGER NOT NULL);

CREATE TABLE opener(
    n INTEGER NOT NULL REFERENCES log, epoch INTEGER NOT NULL, term INTEGER NOT NULL, seq INTEGER NOT NULL,
    id BLOB NOT NULL, header BLOB NOT NULL, signature BLOB NOT NULL, record BLOB NOT NULL,
    rank INTEGER NOT NULL,                                  -- the order in which the pure state keeps them
    PRIMARY KEY(n, epoch, term, id)) WITHOUT ROWID;

CREATE TABLE entry(
    place INTEGER PRIMARY KEY, header BLOB NOT NULL, signature BLOB NOT NULL, record BLOB);
CREATE INDEX entry_gone ON entry(place) WHERE record IS NULL;

-- Records this node let go of on purpose: it does not ask for them again.
CREATE TABLE purged(n INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY(n, seq)) WITHOUT ROWID;

CREATE TABLE aside(
    n INTEGER NOT NULL, number INTEGER NOT NULL, seq INTEGER NOT NULL,
    header BLOB NOT NULL, signature BLOB NOT NULL, record BLOB, PRIMARY KEY(n, number, seq)) WITHOUT ROWID;

CREATE TABLE extent(
    n INTEGER NOT NULL, number INTEGER NOT NULL, first INTEGER NOT NULL, prev BLOB NOT NULL,
    epoch INTEGER NOT NULL, term INTEGER NOT NULL, time INTEGER NOT NULL, opener INTEGER NOT NULL,
    last INTEGER NOT NULL, rank INTEGER NOT NULL, PRIMARY KEY(n, number)) WITHOUT ROWID;

CREATE TABLE proof(
    n INTEGER PRIMARY KEY REFERENCES log, seq INTEGER NOT NULL, left BLOB NOT NULL, right BLOB NOT NULL);

CREATE TABLE arrival(number INTEGER PRIMARY KEY, tag BLOB NOT NULL);

CREATE TABLE cursor(peer BLOB PRIMARY KEY, cursor BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE follow(n INTEGER PRIMARY KEY REFERENCES networker, since INTEGER NOT NULL);
CREATE TABLE blocked(n INTEGER PRIMARY KEY REFERENCES networker, since INTEGER NOT NULL);

CREATE TABLE peer(
    p INTEGER PRIMARY KEY, id BLOB UNIQUE, name TEXT NOT NULL, addresses TEXT NOT NULL, inbound INTEGER NOT NULL,
    seen INTEGER, note TEXT NOT NULL, added INTEGER NOT NULL, invited INTEGER NOT NULL);

CREATE TABLE blob(
    b INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, manifest BLOB NOT NULL,
    added INTEGER NOT NULL);
-- place: b << 10 | number of the chunk
CREATE TABLE blob_chunk(place INTEGER PRIMARY KEY, data BLOB NOT NULL);
"""


def make_store(path: Path, network: str, version: int = 1) -> None:
    """An empty store of an older version."""
    connection = SystemDisk().open_database(path, FLAGS)
    schema.set_up_writer(connection)
    connection.execute({1: TABLES, 2: store_version_2.TABLES}[version])
    connection.executemany(
        "INSERT INTO meta(name, value) VALUES (?, ?)",
        [("version", b"%d" % version), ("network", network.encode()), ("store", bytes(16))],
    )
    connection.execute("INSERT INTO arrival(number, tag) VALUES (0, ?)", (bytes(8),))
    connection.close()
