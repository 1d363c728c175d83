"""Copies what the node remembers besides logs: who is followed, the book, invites, pictures."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import apsw

from netnode.problems import Problem
from netnode.store import Writer, blobs

# In this order: networkers first, since others name them by number.
COPIED: Final = (
    "networker", "peer", "follow", "blocked", "invite", "invited", "joining", "domain", "branch", "branch_holder",
    "told", "address", "stated", "discouraged", "near", "fallen", "purged",
    "outbox", "letter_known", "inbox", "ack", "mail", "mailbox", "correspondent",
    "deal", "deal_question", "deal_message", "deal_enclosure", "deal_signer", "offer", "stock", "reserved", "selling",
    "witness", "witness_receipt", "box", "box_partner", "box_letter",
    "mandate", "mandate_statement", "renewal", "invoice",
    "consent", "case_told", "team_paper", "team_seen", "team_row",
    "sale_due", "credit_counter", "credit_limit", "credit_request", "challenge",
    "credit_swap", "credit_told",
    "referral", "alliance",
)  # fmt: skip
NOT_COPIED: Final = frozenset({"version", "network", "store"})
"""What `meta` says of the old store alone; and whatever begins with "catalogue"."""


@dataclass(slots=True)
class Copied:
    """How many rows came over by table, and which tables were not whole."""

    rows: dict[str, int] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)


def copy_tables(source: apsw.Connection | None, writer: Writer) -> Copied:
    """Copies every row that can be read into a new store, before any log is put there.

    Args:
        source: the damaged store; None when SQLite cannot open it.
        writer: of the new store.
    """
    copied = Copied()
    with writer.transaction(durable=True) as target:
        for name in COPIED:
            count, whole = _copy(source, target, name)
            copied.rows[name] = count
            if not whole:
                copied.damaged.append(name)
        for name, value in _meta(source):
            target.execute("INSERT OR IGNORE INTO meta(name, value) VALUES (?, ?)", (name, value))
    return copied


def copy_peers(found: apsw.Connection, writer: Writer) -> int:
    """The book as it was gathered from pages, for a store that SQLite cannot open."""
    with writer.transaction(durable=True) as target:
        for row in found.execute(
            "SELECT p, id, name, addresses, inbound, seen, note, added, invited FROM peer ORDER BY p"
        ):
            target.execute(
                "INSERT OR IGNORE INTO peer(p, id, name, addresses, inbound, seen, note, added, invited)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        count: int = target.execute("SELECT count(*) FROM peer").get
    return count


def copy_blob(writer: Writer, found: apsw.Connection, name: bytes) -> bool:
    """Puts one gathered blob into the new store; False when it is not whole."""
    row: Any = found.execute("SELECT manifest, added FROM blob WHERE hash = ?", (name,)).fetchone()
    parts = [name] if not row[0] else [row[0][at : at + 32] for at in range(0, len(row[0]), 32)]
    chunks = [found.execute("SELECT data FROM chunk WHERE hash = ?", (part,)).get for part in parts]
    if any(chunk is None for chunk in chunks):
        return False
    data = b"".join(chunks)
    if hashlib.sha256(data).digest() != name:
        return False
    try:
        blobs.put(writer, data, row[1])
    except Problem as problem:
        if problem.code != "blobs_full":
            raise
        return False
    return True


def _copy(source: apsw.Connection | None, target: apsw.Connection, name: str) -> tuple[int, bool]:
    columns = _columns(target, name)
    if source is None:
        return 0, False
    try:
        common = [column for column in _columns(source, name) if column in columns]
    except apsw.Error:
        return 0, False
    if not common:
        return 0, True  # a table that an older version did not have
    listed = ", ".join(common)
    put = f"INSERT OR IGNORE INTO {name}({listed}) VALUES ({', '.join('?' * len(common))})"  # noqa: S608 - our names
    read = f"SELECT {listed} FROM {name} ORDER BY {_key(target, name)}"  # noqa: S608 - as above
    whole = True
    for direction in ("ASC", "DESC"):  # damage in the middle leaves both ends
        try:
            for row in source.execute(f"{read} {direction}"):
                if name != "peer" or _sound_peer(dict(zip(common, row, strict=True))):
                    _put(target, put, row)
            break
        except apsw.Error:
            whole = False
    count: int = target.execute(f"SELECT count(*) FROM {name}").get  # noqa: S608 - as above
    return count, whole


def _put(target: apsw.Connection, statement: str, row: Any) -> None:
    with suppress(
        apsw.ConstraintError, apsw.MismatchError
    ):  # names a networker that is lost, or is no such row
        target.execute(statement, row)


def _sound_peer(row: dict[str, Any]) -> bool:
    try:
        listed = json.loads(row["addresses"])
    except (TypeError, ValueError, RecursionError):
        return False
    known = row["id"]
    return (
        isinstance(listed, list)
        and all(isinstance(each, str) for each in listed)
        and (known is None or (isinstance(known, bytes) and len(known) == 32))
        and isinstance(row["name"], str)
        and isinstance(row["note"], str)
    )


def _columns(connection: apsw.Connection, name: str) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (name,))]


def _key(connection: apsw.Connection, name: str) -> str:
    rows = connection.execute("SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk LIMIT 1", (name,))
    return str(rows.get)


def _meta(source: apsw.Connection | None) -> list[tuple[str, bytes]]:
    if source is None:
        return []
    try:
        rows = source.execute("SELECT name, value FROM meta").fetchall()
    except apsw.Error:
        return []
    return [
        (name, value)
        for name, value in rows
        if isinstance(name, str)
        and isinstance(value, bytes)
        and name not in NOT_COPIED
        and not name.startswith("catalogue")
    ]
