"""The tables of the catalogue: made from the logs alone, behind them, and never the truth.

`listing` holds what search filters by, in narrow rows; the record stands in a table of its own, so that a look at
10,000 rows stays a look at few pages. `listing_text` keeps an index and no text. A listing that is edited gets a new
`l`, so that l falls with the order in which things came here; a higher one is newer.
"""

from __future__ import annotations

from typing import Final

import apsw

# The version of these tables and of what is put into them: another one found is dropped and made anew.
VERSION: Final = b"8"
_VERSION_NAME: Final = "catalogue"
_CURSOR_NAME: Final = "catalogue_cursor"

TABLES: Final = """
-- What of each log has been taken in: seqs low to high (none when high < low). closed: it ended with a close.
CREATE TABLE IF NOT EXISTS projected(
    n INTEGER PRIMARY KEY, generation INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
    closed INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS projected_closed ON projected(n) WHERE closed;

-- Logs to look at again at a time (ms UTC): an entry falls due, or (0) held entries were replaced. One row a log.
CREATE TABLE IF NOT EXISTS due(n INTEGER PRIMARY KEY, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS due_at ON due(at);
CREATE TRIGGER IF NOT EXISTS log_changed AFTER UPDATE OF generation ON log WHEN new.generation <> old.generation
BEGIN INSERT OR REPLACE INTO due(n, at) VALUES (new.n, 0); END;
CREATE TRIGGER IF NOT EXISTS log_cut AFTER UPDATE OF base ON log
WHEN new.base > old.base AND new.generation = old.generation
BEGIN INSERT OR REPLACE INTO due(n, at) VALUES (new.n, 0); END;
-- Of a head that comes with a new arrival; what a fork or contest lacked below comes without one.
CREATE TRIGGER IF NOT EXISTS log_filled AFTER UPDATE OF base ON log
WHEN new.base < old.base AND new.arrival = old.arrival
BEGIN INSERT OR REPLACE INTO due(n, at) VALUES (new.n, 0); END;
CREATE TRIGGER IF NOT EXISTS log_dropped AFTER DELETE ON log
BEGIN
    INSERT OR REPLACE INTO due(n, at) VALUES (old.n, 0);
    UPDATE projected SET generation = -1 WHERE n = old.n;
END;

-- seq: of the newest listing of the key; withdrawn: of the newest withdrawal; first: of the oldest listing (of a log
-- whose start moved up it may lie below that; nothing is judged by it there).
-- seq and first are NULL while only withdrawals are known. low: the lowest price in 1/10,000 of a major unit.
CREATE TABLE IF NOT EXISTS listing(
    l INTEGER PRIMARY KEY, n INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER, first INTEGER, withdrawn INTEGER,
    time INTEGER, expires INTEGER, indexed INTEGER NOT NULL, low INTEGER, kind TEXT, currency TEXT, category TEXT,
    entry BLOB, UNIQUE(n, key));
CREATE INDEX IF NOT EXISTS listing_time ON listing(time, l) WHERE indexed;
CREATE INDEX IF NOT EXISTS listing_expires ON listing(expires) WHERE indexed AND expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS listing_record(l INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS listing_text USING fts5(
    title, tags, category, brand, codes, summary, description, facet,
    content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2', prefix = '3 4 5');

CREATE TABLE IF NOT EXISTS profile(
    n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, entry BLOB NOT NULL, time INTEGER NOT NULL, name TEXT NOT NULL,
    stamp INTEGER NOT NULL, record BLOB NOT NULL);

-- Newest block of a target, newest report of a target and entry (empty: of the networker as such).
CREATE TABLE IF NOT EXISTS statement(
    n INTEGER NOT NULL, kind INTEGER NOT NULL, target BLOB NOT NULL, subject BLOB NOT NULL, seq INTEGER NOT NULL,
    entry BLOB NOT NULL, time INTEGER NOT NULL, lifted INTEGER NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY(n, kind, target, subject)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS statement_time ON statement(n, time);

-- Reviews whose buyer signed them, as often as somebody carries them; id: SHA-256 of the record, key: the buyer's of
-- the deal, time: by the buyer's clock. Whether the seller made the contract is judged by who reads.
CREATE TABLE IF NOT EXISTS review(
    n INTEGER NOT NULL, seq INTEGER NOT NULL, entry BLOB NOT NULL, seller BLOB NOT NULL, key BLOB NOT NULL,
    time INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY(n, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS review_seller ON review(seller, key);

-- Challenges, by whom they ask. Whether the document holds is judged by who reads.
CREATE TABLE IF NOT EXISTS challenge_entry(
    n INTEGER NOT NULL, seq INTEGER NOT NULL, entry BLOB NOT NULL, issuer BLOB NOT NULL,
    PRIMARY KEY(n, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS challenge_entry_issuer ON challenge_entry(issuer);

-- Plans in logs; whether one has effect, the ledger says.
CREATE TABLE IF NOT EXISTS plan_entry(n INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(n, seq)) WITHOUT ROWID;

-- What is worked out of ledgers for search, by what it is about; mark: of what it rests on.
CREATE TABLE IF NOT EXISTS gist(
    about INTEGER NOT NULL, issuer BLOB NOT NULL, mark BLOB NOT NULL, data BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY(about, issuer)) WITHOUT ROWID;

-- Entries without effect and why; key: that a withdrawal names without a listing before it.
CREATE TABLE IF NOT EXISTS void_entry(
    n INTEGER NOT NULL, seq INTEGER NOT NULL, code TEXT NOT NULL, key TEXT, PRIMARY KEY(n, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS void_entry_key ON void_entry(n, key) WHERE key IS NOT NULL;
"""

_NAMES: Final = (
    "projected", "due", "listing", "listing_record", "listing_text", "profile", "statement", "review",
    "challenge_entry", "gist", "plan_entry", "void_entry",
)  # fmt: skip


def create(connection: apsw.Connection) -> None:
    """Creates the tables where they are missing; older ones are dropped first. Inside a transaction."""
    known = connection.execute("SELECT value FROM meta WHERE name = ?", (_VERSION_NAME,)).get
    if known == VERSION:
        return
    drop(connection)
    connection.execute(TABLES)
    connection.execute("INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", (_VERSION_NAME, VERSION))


def drop(connection: apsw.Connection) -> None:
    """Drops the tables and forgets how far they were. Inside a transaction."""
    connection.execute(
        "DROP TRIGGER IF EXISTS log_changed; DROP TRIGGER IF EXISTS log_cut; DROP TRIGGER IF EXISTS log_filled;"
        "DROP TRIGGER IF EXISTS log_dropped"
    )
    for name in _NAMES:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute("DELETE FROM meta WHERE name IN (?, ?)", (_VERSION_NAME, _CURSOR_NAME))


def cursor(connection: apsw.Connection) -> int:
    """The arrival number up to which logs were taken in."""
    value = connection.execute("SELECT value FROM meta WHERE name = ?", (_CURSOR_NAME,)).get
    return int(value) if value is not None else 0


def set_cursor(connection: apsw.Connection, arrival: int) -> None:
    """Remembers an arrival number. Inside a transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", (_CURSOR_NAME, str(arrival).encode())
    )
