"""Invites in the store: those made here and who joined by them, and those of others that this node shows.

Functions of a `Writer` or a `Reader`, for `Store.write` and `Store.read`. A token is 128 random bits and a PIN has
only a million values, so neither is hashed: who reads the store has the keys too.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import apsw

from netnode.store.reader import Reader
from netnode.store.writer import Writer
from protocol import limits
from protocol.certificate import DAY_MS

LIVE: Final = 500  # why: invites that still open; more than anybody hands out, and a bound
JOINING: Final = 1_000  # why: invites of others, one per networker; the oldest make room
FORGOTTEN_MS: Final = 90 * DAY_MS  # why: the owner may ask who came by an invite of last month

Shown = Literal["pending", "joined", "refused"]
PENDING: Final = "pending"
JOINED: Final = "joined"
REFUSED: Final = "refused"


State = Literal["open", "expired", "used", "locked", "revoked"]


@dataclass(frozen=True, slots=True)
class InviteRow:
    """An invite made here; times are ms UTC, `expires` and `revoked` None for never."""

    number: int
    token: bytes
    pin: str | None
    expires: int | None
    uses: int
    wrong: int
    follow: bool
    note: str
    made: int
    revoked: int | None
    joined: tuple[tuple[bytes, int], ...] = ()  # networker, since

    def state(self, now: int) -> State:
        """`open`, or why it opens nothing any more: `revoked`, `locked` (too many wrong PINs), `used`, `expired`."""
        if self.revoked is not None:
            return "revoked"
        if self.wrong >= limits.PIN_TRIES:
            return "locked"
        if len(self.joined) >= self.uses:
            return "used"
        if self.expires is not None and self.expires <= now:
            return "expired"
        return "open"


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of a shown token: `code` is empty for one that holds, else of the registry."""

    code: str
    text: str
    follow: bool = False


@dataclass(frozen=True, slots=True)
class JoiningRow:
    """An invite of another networker that this node shows there; `told` is what came of it, for the owner."""

    token: bytes
    pin: str | None
    expires: int | None
    state: Shown
    told: str


# -- made here -----------------------------------------------------------------------------------------------
def make(
    writer: Writer,
    token: bytes,
    pin: str | None,
    expires: int | None,
    uses: int,
    follow: bool,
    note: str,
    now: int,
) -> int | None:
    """Keeps a new invite, durably; None when LIVE ones are open already. Long dead ones are forgotten."""
    with writer.transaction(durable=True) as connection:
        old = now - FORGOTTEN_MS
        forgotten = [
            row.number
            for row in _rows(connection.execute("SELECT * FROM invite ORDER BY i"))
            if max(row.made, row.expires or 0, row.revoked or 0) < old
            and _with_joined(connection, row).state(now) != "open"
        ]
        for dead in forgotten:
            connection.execute("DELETE FROM invited WHERE i = ?", (dead,))
            connection.execute("DELETE FROM invite WHERE i = ?", (dead,))
        live = connection.execute(
            "SELECT count(*) FROM invite WHERE revoked IS NULL AND wrong < ? AND (expires IS NULL OR expires > ?)"
            " AND uses > (SELECT count(*) FROM invited WHERE invited.i = invite.i)",
            (limits.PIN_TRIES, now),
        ).get
        if live >= LIVE:
            return None
        number: int = connection.execute(
            "INSERT INTO invite(token, pin, expires, uses, wrong, follow, note, made)"
            " VALUES (?, ?, ?, ?, 0, ?, ?, ?) RETURNING i",
            (token, pin, expires, uses, follow, note, now),
        ).get
    return number


def made(reader: Reader, before: int | None, limit: int) -> list[InviteRow]:
    """Invites made here with who joined, the newest first, below the number `before`."""
    connection = reader.connection
    rows = _rows(
        connection.execute(
            "SELECT * FROM invite WHERE i < ? ORDER BY i DESC LIMIT ?", (before or 2**62, limit)
        )
    )
    return [_with_joined(connection, row) for row in rows]


def known(reader: Reader, token: bytes) -> bool:
    """Whether a token was made here."""
    return reader.connection.execute("SELECT 1 FROM invite WHERE token = ?", (token,)).get is not None


def revoke(writer: Writer, number: int, now: int) -> bool:
    """Takes an invite back; whether there is one. Who joined by it stays."""
    with writer.transaction(durable=True) as connection:
        connection.execute("UPDATE invite SET revoked = coalesce(revoked, ?) WHERE i = ?", (now, number))
        return bool(connection.changes())


def admit(writer: Writer, token: bytes, pin: str | None, networker: bytes, now: int) -> Admission:
    """Judges a shown token and writes down who joined, durably; a wrong PIN is counted before it is answered.

    Numbered as in R-INV-4: who joined already is told so again, whatever became of the invite since.
    """
    with writer.transaction(durable=True) as connection:
        found = _rows(connection.execute("SELECT * FROM invite WHERE token = ?", (token,)))
        if not found or found[0].revoked is not None:
            return Admission("invite", "there is no such invite, or it was taken back")
        row = _with_joined(connection, found[0])
        if any(each == networker for each, _ in row.joined):
            return Admission("", "", row.follow)
        state = row.state(now)
        if state == "locked":
            return Admission(
                "invite_used", f"too many wrong PINs: after {limits.PIN_TRIES} an invite is over"
            )
        if state == "used":
            return Admission("invite_used", "the invite has been used as often as it may be")
        if state == "expired":
            return Admission("invite_expired", "the invite's time is over")
        if row.pin is not None and pin is None:
            return Admission("invite_pin", "this invite needs its PIN")
        if row.pin is not None and not hmac.compare_digest(row.pin.encode(), str(pin).encode()):
            connection.execute("UPDATE invite SET wrong = wrong + 1 WHERE i = ?", (row.number,))
            left = limits.PIN_TRIES - row.wrong - 1
            if left == 0:
                return Admission("invite_used", "wrong PIN, and it was the last try: ask for another invite")
            tries = "1 try is" if left == 1 else f"{left} tries are"
            return Admission("invite_pin", f"wrong PIN; {tries} left")
        connection.execute(
            "INSERT INTO invited(i, n, since) VALUES (?, ?, ?)", (row.number, writer.intern(networker), now)
        )
        return Admission("", "", row.follow)


# -- made by others ------------------------------------------------------------------------------------------
def expect(
    writer: Writer, networker: bytes, token: bytes, pin: str | None, expires: int | None, now: int
) -> None:
    """Notes the invite of a networker, to be shown there at the next session; a newer one takes its place."""
    with writer.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO joining(n, token, pin, expires, added, state, told) VALUES (?, ?, ?, ?, ?, ?, '')",
            (writer.intern(networker), token, pin, expires, now, PENDING),
        )
        connection.execute(
            "DELETE FROM joining WHERE n NOT IN (SELECT n FROM joining ORDER BY added DESC, n LIMIT ?)",
            (JOINING,),
        )


def joining(reader: Reader, networker: bytes) -> JoiningRow | None:
    """The invite of this networker that this node shows or has shown."""
    found = list(
        reader.connection.execute(
            "SELECT token, pin, expires, state, told FROM joining JOIN networker USING (n) WHERE id = ?",
            (networker,),
        )
    )
    return JoiningRow(*found[0]) if found else None


def settle(writer: Writer, networker: bytes, token: bytes, state: Shown, told: str) -> None:
    """Writes down what came of showing a token; nothing when another invite has taken its place."""
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE joining SET state = ?, told = ?, pin = NULL WHERE n = ? AND token = ?",
            (state, told, writer.intern(networker), token),
        )


# -- rows ----------------------------------------------------------------------------------------------------
def _rows(found: Iterable[Any]) -> list[InviteRow]:
    return [
        InviteRow(number, token, pin, expires, uses, wrong, bool(follow), note, made, revoked)
        for number, token, pin, expires, uses, wrong, follow, note, made, revoked in found
    ]


def _with_joined(connection: apsw.Connection, row: InviteRow) -> InviteRow:
    joined: list[tuple[bytes, int]] = list(
        connection.execute(
            "SELECT id, since FROM invited JOIN networker USING (n) WHERE i = ? ORDER BY since, id",
            (row.number,),
        )
    )
    return replace(row, joined=tuple(joined))
