"""The tables of the store, their version, and how a connection is set up.

`entry.place` is ``n << 40 | seq``: the interned networker, then the seq. An entry's id is not stored: it is the hash
of header and signature, and the next header's `prev`. Projections bring tables of their own (`Tables`); those can be
dropped and made again, so they have no part in the version kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import apsw

from netnode.ports import Entropy
from netnode.problems import Problem

VERSION: Final = 3
STORE_ID_BYTES: Final = 16
SECRET_BYTES: Final = 16
OPENINGS_KEPT: Final = 1_000  # why: who was away for longer than that many starts compares all heads once

Tables = Callable[[apsw.Connection], None]
"""Creates the tables of one projection where they are missing; called at every open, inside a transaction."""

Saving = Callable[[apsw.Connection, int], None]
"""Keeps a copy of the store before it is migrated from the version given; what it raises stops the migration."""

# Invites this node made and who joined by which, invites of others that it shows, domains that were looked at.
_REACH: Final = (
    "CREATE TABLE invite(i INTEGER PRIMARY KEY, token BLOB NOT NULL UNIQUE, pin TEXT, expires INTEGER,"
    " uses INTEGER NOT NULL, wrong INTEGER NOT NULL, follow INTEGER NOT NULL, note TEXT NOT NULL,"
    " made INTEGER NOT NULL, revoked INTEGER)",
    "CREATE TABLE invited(i INTEGER NOT NULL REFERENCES invite, n INTEGER NOT NULL REFERENCES networker,"
    " since INTEGER NOT NULL, PRIMARY KEY(i, n)) WITHOUT ROWID",
    "CREATE TABLE joining(n INTEGER PRIMARY KEY REFERENCES networker, token BLOB NOT NULL, pin TEXT,"
    " expires INTEGER, added INTEGER NOT NULL, state TEXT NOT NULL, told TEXT NOT NULL)",
    "CREATE TABLE domain(n INTEGER PRIMARY KEY REFERENCES networker, domain TEXT NOT NULL,"
    " checked INTEGER NOT NULL, fault TEXT NOT NULL)",
)

# Branches of the own log that are not in it, and which peer holds which (its newest entry).
_BRANCHES: Final = (
    "CREATE TABLE branch(n INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, header BLOB NOT NULL,"
    " signature BLOB NOT NULL, record BLOB, PRIMARY KEY(n, seq, id)) WITHOUT ROWID",
    "CREATE TABLE branch_holder(n INTEGER NOT NULL, peer BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL,"
    " PRIMARY KEY(n, peer)) WITHOUT ROWID",
)

# Who is known to hold which opener of the own log, and since when.
_TOLD: Final = (
    "CREATE TABLE told(peer BLOB NOT NULL, epoch INTEGER NOT NULL, term INTEGER NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY(peer, epoch, term)) WITHOUT ROWID",
)

# Addresses of networkers that its owner did not name, what networkers say of their addresses, hosts that broke INX.
_BOOK: Final = (
    "CREATE TABLE address(networker BLOB NOT NULL, address TEXT NOT NULL, source TEXT NOT NULL,"
    " added INTEGER NOT NULL, tried INTEGER NOT NULL, met INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " failures INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY(networker, address)) WITHOUT ROWID",
    "CREATE TABLE stated(networker BLOB PRIMARY KEY, told BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE discouraged(host TEXT PRIMARY KEY, until INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID",
)

# Letters of this node's networker on their way out; letters that came; mail; letters kept for others; who may answer.
# Networkers and buyers without a node are named by their 32 bytes: most of them have no log here.
_LETTERS: Final = (
    "CREATE TABLE outbox(i INTEGER PRIMARY KEY AUTOINCREMENT, recipient BLOB NOT NULL, host BLOB, x25519 BLOB,"
    " type TEXT NOT NULL, content BLOB NOT NULL, first BLOB NOT NULL UNIQUE, id BLOB NOT NULL UNIQUE, key BLOB,"
    " expires INTEGER NOT NULL, made INTEGER NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL, place BLOB,"
    " code TEXT, text TEXT NOT NULL, attempts INTEGER NOT NULL, due INTEGER)",
    "CREATE INDEX outbox_due ON outbox(due) WHERE due IS NOT NULL",
    "CREATE INDEX outbox_to ON outbox(recipient) WHERE due IS NOT NULL",
    "CREATE TABLE letter_known(sender BLOB NOT NULL, id BLOB NOT NULL, expires INTEGER NOT NULL,"
    " PRIMARY KEY(sender, id)) WITHOUT ROWID",
    "CREATE INDEX letter_known_expires ON letter_known(expires)",
    "CREATE TABLE inbox(i INTEGER PRIMARY KEY AUTOINCREMENT, sender BLOB NOT NULL, id BLOB NOT NULL,"
    " first BLOB NOT NULL, type TEXT NOT NULL, content BLOB NOT NULL, epoch INTEGER, key BLOB NOT NULL,"
    " stranger INTEGER NOT NULL, at INTEGER NOT NULL)",
    "CREATE TABLE ack(sender BLOB NOT NULL, id BLOB NOT NULL, PRIMARY KEY(sender, id)) WITHOUT ROWID",
    "CREATE TABLE mail(i INTEGER PRIMARY KEY AUTOINCREMENT, sender BLOB NOT NULL, first BLOB NOT NULL, re BLOB,"
    " subject TEXT NOT NULL, text TEXT NOT NULL, stranger INTEGER NOT NULL, at INTEGER NOT NULL,"
    " read INTEGER NOT NULL, UNIQUE(sender, first))",
    "CREATE TABLE mailbox(i INTEGER PRIMARY KEY AUTOINCREMENT, recipient BLOB NOT NULL, sender BLOB NOT NULL,"
    " id BLOB NOT NULL, carrier BLOB NOT NULL, stranger INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " letter BLOB NOT NULL, since INTEGER NOT NULL, expires INTEGER NOT NULL, attempts INTEGER NOT NULL, due INTEGER,"
    " UNIQUE(recipient, sender, id))",
    "CREATE INDEX mailbox_expires ON mailbox(expires)",
    "CREATE INDEX mailbox_due ON mailbox(due) WHERE due IS NOT NULL",
    "CREATE TABLE correspondent(id BLOB PRIMARY KEY, token BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
)

# Deals: what netnode.store.deals, .offers and .stock keep. `seller`, `buyer` and `arbiter` are whom letters go to.
_DEALS: Final = (
    "CREATE TABLE deal(d INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, role TEXT NOT NULL, seller BLOB NOT NULL,"
    " buyer BLOB NOT NULL, arbiter BLOB, nonce BLOB, offer BLOB, title TEXT NOT NULL, opened INTEGER NOT NULL,"
    " copies INTEGER NOT NULL, asked BLOB, phase TEXT NOT NULL, contract INTEGER NOT NULL,"
    " rank INTEGER NOT NULL, until INTEGER NOT NULL, stale INTEGER, changed INTEGER NOT NULL)",
    "CREATE INDEX deal_rank ON deal(rank, until, d)",
    "CREATE INDEX deal_stale ON deal(stale) WHERE stale IS NOT NULL",
    "CREATE INDEX deal_offer ON deal(offer) WHERE offer IS NOT NULL",
    "CREATE TABLE deal_message(d INTEGER NOT NULL REFERENCES deal, id BLOB NOT NULL, data BLOB NOT NULL,"
    " at INTEGER NOT NULL, own INTEGER NOT NULL, letter INTEGER, PRIMARY KEY(d, id)) WITHOUT ROWID",
    # who was asked for all they have of a deal, since this store is an older copy, and whether they told
    "CREATE TABLE deal_question(d INTEGER NOT NULL REFERENCES deal, networker BLOB NOT NULL, letter INTEGER NOT NULL,"
    " told INTEGER NOT NULL, PRIMARY KEY(d, networker)) WITHOUT ROWID",
    "CREATE TABLE deal_enclosure(d INTEGER NOT NULL REFERENCES deal, hash BLOB NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY(d, hash)) WITHOUT ROWID",
    "CREATE TABLE deal_signer(d INTEGER NOT NULL REFERENCES deal, networker BLOB NOT NULL, entries BLOB NOT NULL,"
    " PRIMARY KEY(d, networker)) WITHOUT ROWID",
    "CREATE TABLE offer(o INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, seller BLOB NOT NULL, own INTEGER NOT NULL,"
    " data BLOB NOT NULL, enclosure BLOB, code TEXT, title TEXT NOT NULL, made INTEGER NOT NULL, ended INTEGER)",
    "CREATE INDEX offer_code ON offer(seller, code) WHERE code IS NOT NULL",
    # variant: its choices joined by U+001F, empty for the listing as a whole
    "CREATE TABLE stock(key TEXT NOT NULL, variant TEXT NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY(key, variant)) WITHOUT ROWID",
    "CREATE TABLE reserved(d INTEGER NOT NULL REFERENCES deal, key TEXT NOT NULL, variant TEXT NOT NULL,"
    " quantity INTEGER NOT NULL, PRIMARY KEY(d, key, variant)) WITHOUT ROWID",
    "CREATE TABLE selling(key TEXT PRIMARY KEY, auto_accept INTEGER NOT NULL) WITHOUT ROWID",
)

# Money: what netnode.store.mandates and .invoices keep.
_MONEY: Final = (
    # of an order with a mandate; asked: the price its seller asks for; agreed: what the buyer consented to when it was
    # asked; stopped: its seller renews it no more; copies: how often the store was a copy when the other side last told
    # its statements; asking: how often it was one when it was asked for them
    "CREATE TABLE mandate(d INTEGER PRIMARY KEY REFERENCES deal, asked INTEGER, agreed INTEGER, word TEXT NOT NULL,"
    " stopped INTEGER NOT NULL, copies INTEGER NOT NULL, asking INTEGER NOT NULL)",
    "CREATE TABLE mandate_statement(d INTEGER NOT NULL REFERENCES mandate, id BLOB NOT NULL, data BLOB NOT NULL,"
    " at INTEGER NOT NULL, letter INTEGER, PRIMARY KEY(d, id)) WITHOUT ROWID",
    # d: of the renewal; first: id of the order it renews
    "CREATE TABLE renewal(d INTEGER PRIMARY KEY REFERENCES deal, first BLOB NOT NULL, turn INTEGER NOT NULL)",
    "CREATE INDEX renewal_first ON renewal(first, turn)",
    "CREATE TABLE invoice(i INTEGER PRIMARY KEY, d INTEGER NOT NULL REFERENCES deal, kind TEXT NOT NULL,"
    " year INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL,"
    " UNIQUE(kind, year, number))",
    "CREATE INDEX invoice_deal ON invoice(d, i)",
)

# Arbiters: consents given here and by others, with the arbiter's openers; the cases whose parties were told of an
# interest of the owner's.
_ARBITERS: Final = (
    "CREATE TABLE consent(c INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, arbiter BLOB NOT NULL, own INTEGER NOT NULL,"
    " data BLOB NOT NULL, text TEXT, openers BLOB NOT NULL, at INTEGER NOT NULL)",
    "CREATE INDEX consent_arbiter ON consent(arbiter, c)",
    "CREATE TABLE case_told(d INTEGER PRIMARY KEY REFERENCES deal)",
)

# Teams: what netnode.store.teams keeps; the teams themselves are in the logs of their owners.
_TEAMS: Final = (
    "CREATE TABLE team_paper(t INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL, owner BLOB NOT NULL,"
    " opportunity TEXT NOT NULL, signer BLOB NOT NULL, recipient BLOB NOT NULL, own INTEGER NOT NULL,"
    " data BLOB NOT NULL, openers BLOB NOT NULL, proof BLOB NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL,"
    " done INTEGER, why TEXT)",
    "CREATE INDEX team_paper_waits ON team_paper(owner, opportunity, name) WHERE done IS NULL",
    "CREATE TABLE team_seen(entry BLOB NOT NULL, witness BLOB NOT NULL, data BLOB NOT NULL, openers BLOB NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY(entry, witness)) WITHOUT ROWID",
    "CREATE TABLE team_row(r INTEGER PRIMARY KEY, opportunity TEXT NOT NULL, ref TEXT NOT NULL,"
    " sponsor TEXT NOT NULL, name TEXT NOT NULL, networker BLOB, invite BLOB, UNIQUE(opportunity, ref))",
    "CREATE INDEX team_row_invite ON team_row(invite) WHERE invite IS NOT NULL",
)

# Credit: what netnode.store.credits keeps beside the ledgers, which are in the logs. due: NULL while nothing waits.
_CREDITS: Final = (
    "CREATE TABLE sale_due(d INTEGER PRIMARY KEY, due INTEGER, code TEXT, text TEXT NOT NULL)",
    "CREATE INDEX sale_due_due ON sale_due(due) WHERE due IS NOT NULL",
    "CREATE TABLE credit_counter(issuer BLOB PRIMARY KEY, newest INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE credit_limit(holder BLOB NOT NULL, issuer BLOB NOT NULL, unit TEXT NOT NULL,"
    " counter INTEGER NOT NULL, data BLOB NOT NULL, openers BLOB NOT NULL, at INTEGER NOT NULL, letter INTEGER,"
    " PRIMARY KEY(holder, issuer, unit)) WITHOUT ROWID",
    "CREATE INDEX credit_limit_at ON credit_limit(at)",
    # recipients: the acceptance limit that came with a transfer; seq, entry: what carries it out
    "CREATE TABLE credit_request(r INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, own INTEGER NOT NULL,"
    " issuer BLOB NOT NULL, holder BLOB NOT NULL, data BLOB NOT NULL, openers BLOB NOT NULL, recipients BLOB,"
    " at INTEGER NOT NULL, letter INTEGER, state TEXT NOT NULL, code TEXT, text TEXT NOT NULL, seq INTEGER,"
    " entry BLOB, done INTEGER, deal BLOB)",
    "CREATE INDEX credit_request_waits ON credit_request(own, r) WHERE state = 'waits'",
    "CREATE INDEX credit_request_deal ON credit_request(deal) WHERE deal IS NOT NULL",
    "CREATE TABLE challenge(id BLOB PRIMARY KEY, author BLOB NOT NULL, issuer BLOB NOT NULL, entry BLOB NOT NULL,"
    " openers BLOB NOT NULL, at INTEGER NOT NULL, letter INTEGER, handed INTEGER) WITHOUT ROWID",
    "CREATE INDEX challenge_issuer ON challenge(issuer, at)",
)

# Swaps, rotations that issuers were told of, releases: what netnode.store.swaps keeps. id: of the whole document;
# proposal: of the same without what its second holder puts in. due: NULL when nothing can come of it any more.
_SWAPS: Final = (
    "CREATE TABLE credit_swap(s INTEGER PRIMARY KEY, proposal BLOB NOT NULL UNIQUE, id BLOB, role TEXT NOT NULL,"
    " sender BLOB NOT NULL, data BLOB NOT NULL, openers BLOB NOT NULL, until INTEGER NOT NULL, text TEXT NOT NULL,"
    " stage TEXT NOT NULL, code TEXT, why TEXT NOT NULL, locked BLOB, swapped BLOB, sent INTEGER, at INTEGER NOT NULL,"
    " due INTEGER)",
    "CREATE INDEX credit_swap_due ON credit_swap(due) WHERE due IS NOT NULL",
    "CREATE INDEX credit_swap_id ON credit_swap(id) WHERE id IS NOT NULL",
    "CREATE TABLE credit_told(issuer BLOB NOT NULL, epoch INTEGER NOT NULL, letter INTEGER NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY(issuer, epoch)) WITHOUT ROWID",
)

# Recommendations made here and by others, codes, and alliances: what netnode.store.referrals and .alliances keep.
_REFERRALS: Final = (
    # role: made here, met by the owner as a buyer, or registered with the owner as the seller; path: the tokens
    "CREATE TABLE referral(r INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, role TEXT NOT NULL, seller BLOB NOT NULL,"
    " listing TEXT, path BLOB NOT NULL, code TEXT, expires INTEGER NOT NULL, first INTEGER NOT NULL,"
    " at INTEGER NOT NULL, sender BLOB NOT NULL, text TEXT NOT NULL)",
    "CREATE INDEX referral_seller ON referral(role, seller)",
    "CREATE UNIQUE INDEX referral_code ON referral(role, code) WHERE code IS NOT NULL AND role <> 'met'",
    "CREATE TABLE alliance(a INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, other BLOB NOT NULL, own INTEGER NOT NULL,"
    " data BLOB NOT NULL, openers BLOB NOT NULL, state TEXT NOT NULL, ending BLOB, text TEXT NOT NULL,"
    " at INTEGER NOT NULL, letter INTEGER)",
    "CREATE INDEX alliance_other ON alliance(other)",
)

# From version n to n + 1: what changes in the tables, beside the same change in TABLES. A new column stands last
# in its table and has a default, as ALTER TABLE puts it there.
_TO_2: Final[tuple[str, ...]] = (
    *_REACH,
    *_BOOK,
    *_BRANCHES,
    *_TOLD,
    "ALTER TABLE log ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE log ADD COLUMN cut INTEGER NOT NULL DEFAULT 0",
    """UPDATE log SET bytes = 512
    + (SELECT 350 * count(*) + 3 * total(length(record)) FROM entry
       WHERE place BETWEEN log.n << 40 AND log.n << 40 | 1099511627775)
    + (SELECT 350 * count(*) + 3 * total(length(record)) FROM aside WHERE aside.n = log.n)
    + (SELECT 350 * count(*) + 3 * total(length(record)) FROM opener WHERE opener.n = log.n)""",
    """CREATE TABLE fallen(
    id BLOB PRIMARY KEY, at INTEGER NOT NULL, bytes INTEGER NOT NULL, owner INTEGER NOT NULL) WITHOUT ROWID""",
    "CREATE TABLE near(peer BLOB PRIMARY KEY, ids BLOB NOT NULL) WITHOUT ROWID",
    "ALTER TABLE blob ADD COLUMN used INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE blob ADD COLUMN own INTEGER NOT NULL DEFAULT 1",
)

# Letters to buyers without a node, and to whom each of them wrote; what they left here to prove who brought them.
_SHOP: Final = (
    "CREATE TABLE box(b INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, until INTEGER NOT NULL)",
    "CREATE INDEX box_until ON box(until)",
    "CREATE TABLE box_partner(b INTEGER NOT NULL REFERENCES box, id BLOB NOT NULL, PRIMARY KEY(b, id)) WITHOUT ROWID",
    "CREATE TABLE box_letter(i INTEGER PRIMARY KEY AUTOINCREMENT, b INTEGER NOT NULL REFERENCES box,"
    " sender BLOB NOT NULL, id BLOB NOT NULL, expires INTEGER NOT NULL, letter BLOB NOT NULL, UNIQUE(b, sender, id))",
    "CREATE INDEX box_letter_expires ON box_letter(expires)",
    "CREATE TABLE witness(id BLOB PRIMARY KEY, seller BLOB NOT NULL, path BLOB NOT NULL, accept BLOB NOT NULL,"
    " openers BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX witness_at ON witness(at, id)",
    "CREATE INDEX witness_seller ON witness(seller)",
    "CREATE TABLE witness_receipt(witness BLOB NOT NULL REFERENCES witness(id), id BLOB NOT NULL,"
    " receipt BLOB NOT NULL, PRIMARY KEY(witness, id)) WITHOUT ROWID",
)

# One for each time that the store was opened: the arrival numbers from `begin` up to the next one have their tags by
# this secret. A copy that is put back, or a second one, goes on with another.
_OPENINGS: Final = ("CREATE TABLE opening(begin INTEGER PRIMARY KEY, secret BLOB NOT NULL)",)
# The newest run that sessions were given before its tables had it: one row.
_PASSED_ON: Final = ("CREATE TABLE passed_on(one INTEGER PRIMARY KEY CHECK(one = 1), run BLOB NOT NULL)",)

_TO_3: Final[tuple[str, ...]] = (
    *_OPENINGS, *_PASSED_ON, *_LETTERS, *_DEALS, *_SHOP, *_MONEY, *_ARBITERS, *_TEAMS, *_CREDITS, *_SWAPS, *_REFERRALS,
)  # fmt: skip

MIGRATIONS: Final[Mapping[int, tuple[str, ...]]] = {1: _TO_2, 2: (*_TO_3, "DROP TABLE arrival")}
"""The statements that lead from version n to n + 1; all that are needed run in one transaction."""

# WAL pages before the writer checkpoints: 80 MB. The default of 1,000 halves the rate on a large store.
CHECKPOINT_PAGES: Final = 20_000
BUSY_MS: Final = 5_000
_COMMON: Final = "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0;"

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
""" + "".join(f"\n{each};" for each in (*_REACH, *_BOOK, *_BRANCHES, *_TOLD, *_TO_3))


def prepare(
    connection: apsw.Connection,
    network: str,
    entropy: Entropy,
    tables: Iterable[Tables] = (),
    saving: Saving | None = None,
) -> None:
    """Makes a fresh connection the writer's: pragmas, tables of this version, tables of the projections.

    Args:
        connection: opened for reading and writing.
        network: the network's name; a store belongs to one network for good.
        entropy: for the store id and the secret of this opening.
        tables: one per projection.
        saving: called before a store of an older version is changed.

    Raises:
        Problem: not a store, of a newer program, or of another network; or of `saving`: nothing was changed.
    """
    set_up_writer(connection)
    fresh = connection.execute("SELECT count(*) FROM sqlite_schema").get == 0
    version = VERSION if fresh else _known_version(connection, network)
    if version < VERSION and saving is not None:
        saving(connection, version)
    with immediate(connection):
        if fresh:
            _create(connection, network, entropy)
        else:
            _migrate(connection, version)
        _open(connection, entropy)
        for create in tables:
            create(connection)


@contextmanager
def immediate(connection: apsw.Connection) -> Iterator[None]:
    """One transaction that writes: whole, or nothing of it. Of what `Writer` writes, `Writer.transaction`."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:  # it failed; a full disk makes SQLite roll back by itself
            connection.execute("ROLLBACK")


def set_up_writer(connection: apsw.Connection) -> None:
    """The pragmas of the one connection that writes and alone checkpoints."""
    connection.set_busy_timeout(BUSY_MS)
    connection.execute(_COMMON)
    if connection.execute("PRAGMA journal_mode = WAL").get != "wal":
        raise Problem(
            f"Cannot open the store {connection.filename}: its disk does not support a write-ahead log."
        )
    connection.execute(
        "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -24000; PRAGMA temp_store = MEMORY;"
        f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}; PRAGMA journal_size_limit = 100000000"
    )


def set_up_reader(connection: apsw.Connection) -> None:
    """The pragmas of a connection that only reads."""
    connection.set_busy_timeout(BUSY_MS)
    connection.execute(_COMMON)
    connection.execute("PRAGMA query_only = ON; PRAGMA cache_size = -8000; PRAGMA wal_autocheckpoint = 0")


def _create(connection: apsw.Connection, network: str, entropy: Entropy) -> None:
    connection.execute(TABLES)
    connection.executemany(
        "INSERT INTO meta(name, value) VALUES (?, ?)",
        [
            ("version", str(VERSION).encode()),
            ("network", network.encode()),
            ("store", entropy.token(STORE_ID_BYTES)),
        ],
    )


def _open(connection: apsw.Connection, entropy: Entropy) -> None:
    """Begins a numbering of arrivals: whatever was numbered since a copy was made is unknown to the copy [R-LOG-18]."""
    begin = newest_arrival(connection) + 1
    connection.execute(
        "INSERT INTO opening(begin, secret) VALUES (?, ?)", (begin, entropy.token(SECRET_BYTES))
    )
    connection.execute(
        "DELETE FROM opening WHERE begin < (SELECT begin FROM opening ORDER BY begin DESC LIMIT 1 OFFSET ?)",
        (OPENINGS_KEPT - 1,),
    )


def newest_arrival(connection: apsw.Connection) -> int:
    """The newest arrival number: of a log, or the one that stands for "nothing yet" in the newest opening.

    -1 in a store that was never opened, so that the first opening begins with 0.
    """
    newest: int = connection.execute(
        "SELECT max(coalesce((SELECT max(arrival) FROM log), -1), coalesce((SELECT max(begin) FROM opening), -1))"
    ).get
    return newest


def _known_version(connection: apsw.Connection, network: str) -> int:
    """The version of a store that is there, of this network and not newer than this program."""
    path = connection.filename
    if connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'").get == 0:
        raise Problem(f"{path} is a database, but not a store of netnode. Move it away or restore a backup.")
    meta: dict[str, bytes] = dict(connection.execute("SELECT name, value FROM meta"))
    version = int(meta.get("version", b"0"))
    if version > VERSION:
        raise Problem(
            f"The store {path} was made by a newer netnode (its version is {version}, this program knows up to"
            f" {VERSION}). Update netnode."
        )
    if meta.get("network") != network.encode():
        raise Problem(
            f"The store {path} belongs to the network {meta.get('network', b'').decode(errors='replace')!r}, not to"
            f" {network!r}. Correct the network in config.toml or use another home."
        )
    return version


def _migrate(connection: apsw.Connection, version: int) -> None:
    for step in range(version, VERSION):
        for statement in MIGRATIONS[step]:
            connection.execute(statement)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'version'", (str(step + 1).encode(),))
