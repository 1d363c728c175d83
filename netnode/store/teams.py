"""Papers of teams in the store: statements made here and those of others, who saw what, rows of a team taken over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import apsw

from netnode.store.writer import Writer
from protocol import encoding, limits
from protocol.entry import parse_wire

STRANGERS: Final = (
    2_000  # why: papers of others that nothing came of; the oldest make room, and may be sent again
)
OF_ONE: Final = 50  # of them, of one signer; why: a member's trainings are logged within seconds
SEEN: Final = 12_000  # statements of who saw an entry; beyond, those of no paper that is kept are forgotten
_POOLS: Final = (
    ("done IS NULL AND name = 'invite'", 1),
    ("done IS NULL AND name <> 'invite'", 1),
    ("done IS NOT NULL AND why IS NOT NULL", 1),
    ("done IS NOT NULL AND name = 'invite'", 2),  # why: by which others applied; they wait a week and longer
)
_COLUMNS: Final = (
    "t, id, name, owner, opportunity, signer, recipient, own, data, openers, proof, text, at, done, why"
)


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A signed statement.

    Attributes:
        number: of the row; 0 before it has one.
        id: SHA-256 of its bytes.
        name: which statement: ``invite`` and so on.
        owner: of the team, 32 bytes.
        opportunity: key of the team.
        signer: who signed it, 32 bytes.
        recipient: whom it went to; empty: nobody yet, or an invite for whoever has it.
        own: whether it was made here.
        data: the signed bytes.
        openers: as they travel, a canonical array of arrays of entries.
        proof: of an application: the acknowledgement's entries, a canonical array.
        text: a word that came along.
        at: when it was made or came, ms UTC.
        done: when something came of it: sent with its evidence (an own application), logged (at the owner's).
        why: code with which it cannot have effect.
    """

    number: int
    id: bytes
    name: str
    owner: bytes
    opportunity: str
    signer: bytes
    recipient: bytes
    own: bool
    data: bytes = field(repr=False)
    openers: bytes = field(repr=False)
    proof: bytes = field(repr=False)
    text: str
    at: int
    done: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class SeenRow:
    """That a networker saw an entry: the statement and the witness's openers, as they travel."""

    entry: bytes
    witness: bytes
    data: bytes = field(repr=False)
    openers: bytes = field(repr=False)
    at: int


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row of a team that is taken over.

    Attributes:
        opportunity: key of the team.
        ref: what the old list calls the person.
        sponsor: what it calls their sponsor; empty: the owner.
        name: for people.
        networker: who they are, once known: as the list says, or by the invite they used.
        invite: id of the invite made for them; None while their sponsor is not admitted.
    """

    opportunity: str
    ref: str
    sponsor: str
    name: str
    networker: bytes | None
    invite: bytes | None


# -- papers --------------------------------------------------------------------------------------------------
def put(writer: Writer, row: PaperRow) -> None:
    """Keeps a paper, durably or as a part of the durable transaction that is open; one that is there stays as it is."""
    with writer.transaction(durable=True) as connection:
        connection.execute(
            "INSERT INTO team_paper(id, name, owner, opportunity, signer, recipient, own, data, openers,"
            " proof, text, at, done, why) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(id) DO UPDATE SET done = coalesce(done, excluded.done)",
            (
                row.id, row.name, row.owner, row.opportunity, row.signer, row.recipient, row.own, row.data,
                row.openers, row.proof, row.text, row.at, row.done, row.why,
            ),
        )  # fmt: skip
        _make_room(connection, f"{_POOLS[0][0]} AND signer = ?", (row.signer,), OF_ONE)
        _make_room(connection, f"{_POOLS[1][0]} AND signer = ?", (row.signer,), OF_ONE)
        for where, times in _POOLS:
            _make_room(connection, where, (), times * STRANGERS)


def _make_room(connection: apsw.Connection, where: str, values: tuple[bytes, ...], most: int) -> None:
    connection.execute(
        f"DELETE FROM team_paper WHERE t IN (SELECT t FROM team_paper WHERE NOT own AND {where}"  # noqa: S608
        " ORDER BY t DESC LIMIT -1 OFFSET ?)",
        (*values, most),
    )


def close(writer: Writer, paper: bytes, now: int, why: str | None = None) -> None:
    """Notes that something came of a paper, or, with `why`, that nothing can."""
    with writer.transaction(durable=True) as connection:
        connection.execute("UPDATE team_paper SET done = ?, why = ? WHERE id = ?", (now, why, paper))
        connection.execute(  # why: much, and worth nothing any more
            "UPDATE team_paper SET openers = x'90', proof = x'90' WHERE id = ? AND NOT own AND why IS NOT NULL",
            (paper,),
        )
        if why is not None:
            _make_room(connection, _POOLS[2][0], (), STRANGERS)


def reopen(writer: Writer, paper: bytes) -> None:
    """The entry that a paper had its effect by left the log: it waits again, inside the open transaction."""
    writer.connection.execute("UPDATE team_paper SET done = NULL WHERE id = ? AND why IS NULL", (paper,))


def by_id(connection: apsw.Connection, paper: bytes) -> PaperRow | None:
    """A paper by its id."""
    rows = _papers(connection, "id = ?", (paper,), 1)
    return rows[0] if rows else None


def by_prefix(connection: apsw.Connection, low: bytes, high: bytes) -> list[PaperRow]:
    """Papers whose id lies between, both included; two at most, to see whether it is one."""
    return _papers(connection, "id BETWEEN ? AND ?", (low, high), 2)


def page(connection: apsw.Connection, before: int | None, limit: int) -> list[PaperRow]:
    """Papers, the newest first, below the row number `before`."""
    return _papers(connection, "t < ?", (before or 2**62,), limit)


def waiting(connection: apsw.Connection, owner: bytes, key: str, names: tuple[str, ...]) -> list[PaperRow]:
    """Papers of some kinds about a team that nothing came of yet, the oldest first."""
    marks = ", ".join("?" * len(names))
    where = f"owner = ? AND opportunity = ? AND done IS NULL AND name IN ({marks})"
    return _papers(connection, where, (owner, key, *names), -1, "t")


def unsent(connection: apsw.Connection) -> list[PaperRow]:
    """Own applications that wait for somebody who saw the acknowledgement, the oldest first."""
    return _papers(connection, "own AND name = 'application' AND done IS NULL", (), -1, "t")


def applications(connection: apsw.Connection, owner: bytes, key: str) -> list[PaperRow]:
    """Own applications to a team, the newest first."""
    return _papers(
        connection, "own AND name = 'application' AND owner = ? AND opportunity = ?", (owner, key), -1
    )


def requests(connection: apsw.Connection, before: int | None) -> list[PaperRow]:
    """All requests to take goods back, own ones and others', the newest first, below the row number `before`."""
    return _papers(connection, "name = 'buyback' AND t < ?", (before or 2**62,), -1)


def buybacks(connection: apsw.Connection, owner: bytes, naming: bytes | None = None) -> list[PaperRow]:
    """Requests to take goods back to an owner, the oldest first: all, or those that name an order, as some may."""
    where = "name = 'buyback' AND owner = ?"
    if naming is None:
        return _papers(connection, where, (owner,), -1, "t")
    return _papers(connection, f"{where} AND instr(data, ?) > 0", (owner, naming), -1, "t")


def _papers(
    connection: apsw.Connection, where: str, values: tuple[Any, ...], limit: int, order: str = "t DESC"
) -> list[PaperRow]:
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM team_paper WHERE {where} ORDER BY {order} LIMIT ?",  # noqa: S608 - constants
        (*values, limit),
    )
    rows = []
    for each in found:
        named = dict(zip(PaperRow.__slots__, each, strict=True))
        rows.append(PaperRow(**(named | {"own": bool(named["own"])})))
    return rows


# -- who saw what --------------------------------------------------------------------------------------------
def put_seen(writer: Writer, row: SeenRow) -> None:
    """Keeps that somebody saw an entry, durably; the first statement of each counts, since it is the oldest."""
    with writer.transaction(durable=True) as connection:
        connection.execute(
            "INSERT OR IGNORE INTO team_seen(entry, witness, data, openers, at) VALUES (?, ?, ?, ?, ?)",
            (row.entry, row.witness, row.data, row.openers, row.at),
        )
        if connection.execute("SELECT count(*) FROM team_seen").get > SEEN:
            _forget_seen(connection, row.entry)


def _forget_seen(connection: apsw.Connection, but: bytes) -> None:
    """Forgets who saw the entries of papers that are kept no longer."""
    kept = {but}
    for row in _papers(connection, "name = 'application'", (), -1):
        kept |= {parse_wire(each).id for each in encoding.decode(row.proof, limits.MAX_MESSAGE)[:1]}
    entries = connection.execute("SELECT DISTINCT entry FROM team_seen").fetchall()
    connection.executemany(
        "DELETE FROM team_seen WHERE entry = ?", [(entry,) for (entry,) in entries if entry not in kept]
    )


def seen_of(connection: apsw.Connection, entry: bytes) -> list[SeenRow]:
    """Who saw an entry, who saw it first first."""
    found = connection.execute(
        "SELECT entry, witness, data, openers, at FROM team_seen WHERE entry = ? ORDER BY at, witness",
        (entry,),
    )
    return [SeenRow(*row) for row in found]


# -- a team that is taken over -------------------------------------------------------------------------------
def import_rows(connection: apsw.Connection, key: str) -> list[ImportRow]:
    """The rows of a team, in the order of the list."""
    found = connection.execute(
        "SELECT opportunity, ref, sponsor, name, networker, invite FROM team_row WHERE opportunity = ? ORDER BY r",
        (key,),
    )
    return [ImportRow(*row) for row in found]


def row_of_invite(connection: apsw.Connection, invite: bytes) -> ImportRow | None:
    """The row whose invite it is; None for an invite of no list."""
    found = connection.execute(
        "SELECT opportunity, ref, sponsor, name, networker, invite FROM team_row WHERE invite = ?", (invite,)
    ).fetchone()
    return None if found is None else ImportRow(*found)


def put_rows(writer: Writer, rows: list[ImportRow]) -> None:
    """Adds rows, durably and all of them; one that is there gets the new sponsor and name, and keeps its invite."""
    with writer.transaction(durable=True) as connection:
        connection.executemany(
            "INSERT INTO team_row(opportunity, ref, sponsor, name, networker, invite) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(opportunity, ref) DO UPDATE SET sponsor = excluded.sponsor, name = excluded.name,"
            " networker = coalesce(excluded.networker, team_row.networker)",
            [(row.opportunity, row.ref, row.sponsor, row.name, row.networker, row.invite) for row in rows],
        )


def row_invited(writer: Writer, key: str, ref: str, invite: bytes) -> None:
    """Notes the invite of a row, durably."""
    with writer.transaction(durable=True) as connection:
        connection.execute(
            "UPDATE team_row SET invite = ? WHERE opportunity = ? AND ref = ?", (invite, key, ref)
        )


def row_joined(writer: Writer, invite: bytes, networker: bytes) -> None:
    """Notes who used the invite of a row, durably; nothing for an invite of no row."""
    with writer.transaction(durable=True) as connection:
        connection.execute("UPDATE team_row SET networker = ? WHERE invite = ?", (networker, invite))
