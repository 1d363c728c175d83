"""The tables of a store of version 2, as netnode made them before there were letters and deals; they never change."""

from __future__ import annotations

from typing import Final

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
    arrival INTEGER NOT NULL UNIQUE, generation INTEGER NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0,                       -- what the log takes here, as the quotas count it
    cut INTEGER NOT NULL DEFAULT 0);                        -- 1: its quota moved its start; nothing lower is asked for

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

-- Logs let go of as a whole: by the shared quota (owner 0), which takes them again when there is room, or by the
-- owner (1). They are not asked for.
CREATE TABLE fallen(
    id BLOB PRIMARY KEY, at INTEGER NOT NULL, bytes INTEGER NOT NULL, owner INTEGER NOT NULL) WITHOUT ROWID;
-- What followed peers said they want: 32 bytes each, joined.
CREATE TABLE near(peer BLOB PRIMARY KEY, ids BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE peer(
    p INTEGER PRIMARY KEY, id BLOB UNIQUE, name TEXT NOT NULL, addresses TEXT NOT NULL, inbound INTEGER NOT NULL,
    seen INTEGER, note TEXT NOT NULL, added INTEGER NOT NULL, invited INTEGER NOT NULL);

CREATE TABLE blob(
    b INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, manifest BLOB NOT NULL,
    added INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,                        -- when it was last served or fetched, ms UTC
    own INTEGER NOT NULL DEFAULT 1);                        -- 1: added by the owner; 0: fetched from a peer
-- place: b << 10 | number of the chunk
CREATE TABLE blob_chunk(place INTEGER PRIMARY KEY, data BLOB NOT NULL);

CREATE TABLE invite(i INTEGER PRIMARY KEY, token BLOB NOT NULL UNIQUE, pin TEXT, expires INTEGER, uses INTEGER
    NOT NULL, wrong INTEGER NOT NULL, follow INTEGER NOT NULL, note TEXT NOT NULL, made INTEGER NOT NULL,
    revoked INTEGER);
CREATE TABLE invited(i INTEGER NOT NULL REFERENCES invite, n INTEGER NOT NULL REFERENCES networker, since
    INTEGER NOT NULL, PRIMARY KEY(i, n)) WITHOUT ROWID;
CREATE TABLE joining(n INTEGER PRIMARY KEY REFERENCES networker, token BLOB NOT NULL, pin TEXT, expires
    INTEGER, added INTEGER NOT NULL, state TEXT NOT NULL, told TEXT NOT NULL);
CREATE TABLE domain(n INTEGER PRIMARY KEY REFERENCES networker, domain TEXT NOT NULL, checked INTEGER NOT
    NULL, fault TEXT NOT NULL);
CREATE TABLE address(networker BLOB NOT NULL, address TEXT NOT NULL, source TEXT NOT NULL, added INTEGER NOT
    NULL, tried INTEGER NOT NULL, met INTEGER NOT NULL, attempt INTEGER NOT NULL, failures INTEGER NOT NULL,
    note TEXT NOT NULL, PRIMARY KEY(networker, address)) WITHOUT ROWID;
CREATE TABLE stated(networker BLOB PRIMARY KEY, told BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE discouraged(host TEXT PRIMARY KEY, until INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE branch(n INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, header BLOB NOT NULL,
    signature BLOB NOT NULL, record BLOB, PRIMARY KEY(n, seq, id)) WITHOUT ROWID;
CREATE TABLE branch_holder(n INTEGER NOT NULL, peer BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL,
    PRIMARY KEY(n, peer)) WITHOUT ROWID;
CREATE TABLE told(peer BLOB NOT NULL, epoch INTEGER NOT NULL, term INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY(peer, epoch, term)) WITHOUT ROWID;
"""
