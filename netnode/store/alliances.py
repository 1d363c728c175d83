"""Alliances in the store: agreements proposed, agreed and ended, with the openers of the other networker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import apsw
import msgspec

from netnode.store.writer import Writer
from protocol.alliances import Ending, read_ending

State = Literal["agreed", "ended", "proposed"]
PROPOSED: Final = 1_000  # why: proposals of others that nobody answered; the oldest make room
PROPOSED_BY_ONE: Final = 20  # of them, by one networker
_COLUMNS: Final = "a, id, other, own, data, openers, state, ending, text, at, letter"


@dataclass(frozen=True, slots=True)
class AllianceRow:
    """An agreement with another networker.

    Attributes:
        number: of the row; 0 before it has one.
        id: SHA-256 of what both sign, so that it is the same with one signature and with two.
        other: the other networker, 32 bytes.
        own: whether the owner of this node proposed it.
        data: bytes of the agreement, with the signatures that there are.
        openers: of the other networker as they travel, a canonical array of arrays of entries.
        state: proposed, agreed by both, or ended by one.
        ending: bytes of the end.
        text: a word that came along.
        at: when it last changed, ms UTC.
        letter: row number of the letter that told the other one; None when it came from them.
    """

    number: int
    id: bytes
    other: bytes
    own: bool
    data: bytes = field(repr=False)
    openers: bytes = field(repr=False)
    state: State
    ending: bytes | None = field(repr=False)
    text: str
    at: int
    letter: int | None = None


def put(writer: Writer, row: AllianceRow) -> None:
    """Keeps an agreement, durably or as a part of the durable transaction that is open; in the place of what was."""
    with writer.transaction(durable=True) as connection:
        connection.execute(
            "INSERT INTO alliance(id, other, own, data, openers, state, ending, text, at, letter)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET data = excluded.data,"
            " openers = excluded.openers, state = excluded.state, ending = excluded.ending, at = excluded.at,"
            " letter = excluded.letter",
            (
                row.id, row.other, row.own, row.data, row.openers, row.state, row.ending, row.text, row.at,
                row.letter,
            ),
        )  # fmt: skip
        for where, values, most in (("other = ?", (row.other,), PROPOSED_BY_ONE), ("true", (), PROPOSED)):
            connection.execute(
                "DELETE FROM alliance WHERE a IN (SELECT a FROM alliance WHERE NOT own AND state = 'proposed'"  # noqa: S608
                f" AND {where} ORDER BY a DESC LIMIT -1 OFFSET ?)",
                (*values, most),
            )


def ending_of(row: AllianceRow, own: bytes) -> Ending | None:
    """The end of an agreement as its notice counts: one of the other side from the day on which it came, if later.

    Why: who owes for orders that were made could date it back [R-ALLY-4].

    Args:
        row: of the agreement.
        own: networker id of the owner.

    Raises:
        Void: it has no right form.
    """
    if row.ending is None:
        return None
    ending = read_ending(row.ending)
    return ending if ending.signer == own else msgspec.structs.replace(ending, time=max(ending.time, row.at))


def by_id(connection: apsw.Connection, agreement: bytes) -> AllianceRow | None:
    """An agreement by its id here."""
    rows = _rows(connection, "id = ?", (agreement,), 1)
    return rows[0] if rows else None


def by_prefix(connection: apsw.Connection, low: bytes, high: bytes) -> list[AllianceRow]:
    """Agreements whose id lies between, both included; two at most, to see whether it is one."""
    return _rows(connection, "id BETWEEN ? AND ?", (low, high), 2)


def agreed(connection: apsw.Connection) -> list[AllianceRow]:
    """All that both have signed, those that ended too: whether one was in force is a question of its dates."""
    return _rows(connection, "state <> 'proposed'", (), -1)


def page(connection: apsw.Connection, before: int | None, limit: int) -> list[AllianceRow]:
    """Agreements, the newest first, below the row number `before`."""
    return _rows(connection, "a < ?", (before or 2**62,), limit)


def _rows(connection: apsw.Connection, where: str, values: tuple[Any, ...], limit: int) -> list[AllianceRow]:
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM alliance WHERE {where} ORDER BY a DESC LIMIT ?",  # noqa: S608 - constants
        (*values, limit),
    )
    rows = []
    for each in found:
        named = dict(zip(AllianceRow.__slots__, each, strict=True))
        rows.append(AllianceRow(**(named | {"own": bool(named["own"])})))
    return rows
