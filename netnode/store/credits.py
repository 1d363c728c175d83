"""Credit in the store: what the owner asked issuers for, what holders asked of the owner, limits, sales to be logged.

Functions of a `Writer`, or of the connection of a reader or writer. The ledgers themselves are in the logs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import apsw

from netnode.store.writer import Writer

RequestState = Literal["waits", "answered", "refused"]
WAITING: Final = 5_000  # requests of others that wait; why: 10 MB of what strangers may send
WAITING_OF_ONE: Final = 50  # why: a holder has one unit or two, and asks again when answered
REFUSED: Final = 5_000  # of them, those that were refused are remembered, the newest
LIMITS: Final = 20_000  # limits of others that are kept; why: 20 MB, the oldest make room
LIMITS_OF_ONE: Final = 50  # of them, of one holder; why: for each issuer and unit they trade in
CHALLENGES: Final = 5_000  # challenges to the owner that are kept until they are answered
CHALLENGES_OF_ONE: Final = 20  # of them, of one claimant; why: they are answered one after another
_OPEN: Final = "entry <> x''"  # else it is the mark of one that is over
_REQUEST: Final = (
    "r, id, own, issuer, holder, data, openers, recipients, at, letter, state, code, text, seq, entry, done,"
    " deal"
)


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A holder's request.

    Attributes:
        number: of the row; 0 before it has one.
        id: of the request.
        own: whether the owner made it.
        issuer: networker id of who is asked.
        holder: networker id of who asks.
        data: the signed statement.
        openers: as they travel, a canonical array of arrays of entries.
        recipients: the limit of the recipient that came along; None: none did.
        at: when it was made or came, ms UTC.
        letter: row of the letter that carries it, or its answer.
        state: waits, answered by an entry, or refused.
        code: why it is refused.
        text: that as a sentence.
        seq: of the entry that carries it out.
        entry: its id.
        done: when it ended, ms UTC.
        order: id of the deal that it pays.
    """

    number: int
    id: bytes
    own: bool
    issuer: bytes
    holder: bytes
    data: bytes = field(repr=False)
    openers: bytes = field(repr=False)
    recipients: bytes | None
    at: int
    letter: int | None = None
    state: RequestState = "waits"
    code: str | None = None
    text: str = ""
    seq: int | None = None
    entry: bytes | None = None
    done: int | None = None
    order: bytes | None = None


@dataclass(frozen=True, slots=True)
class LimitRow:
    """The newest acceptance limit of a holder for credit of an issuer, and the openers that came along."""

    holder: bytes
    issuer: bytes
    unit: str
    counter: int
    data: bytes = field(repr=False)
    openers: bytes = field(repr=False)
    at: int
    letter: int | None = None


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """A challenge that this node has met.

    Attributes:
        id: of its entry.
        author: networker id of the claimant.
        issuer: networker id of who is asked.
        entry: canonical `[header, signature, record]`.
        openers: of the author, as they travel.
        at: since when it is stored here, ms UTC.
        letter: row of the letter that hands it to the issuer; None where the owner is the issuer.
        handed: when that was delivered, ms UTC.
    """

    id: bytes
    author: bytes
    issuer: bytes
    entry: bytes = field(repr=False)
    openers: bytes = field(repr=False)
    at: int
    letter: int | None = None
    handed: int | None = None


@dataclass(frozen=True, slots=True)
class SaleRow:
    """An own deal that has something for the own ledger: when it is looked at again, and why nothing is logged yet."""

    number: int
    due: int | None
    code: str | None
    text: str


# -- sales ---------------------------------------------------------------------------------------------------
def sales_due(connection: apsw.Connection, now: int, limit: int) -> list[int]:
    """Numbers of deals to be looked at now, those that wait longest first."""
    return [
        number
        for (number,) in connection.execute(
            "SELECT d FROM sale_due WHERE due <= ? ORDER BY due, d LIMIT ?", (now, limit)
        )
    ]


def sale_looked(writer: Writer, row: SaleRow, messages: int, enclosures: int) -> None:
    """Notes what came of a look, unless the deal has more messages or enclosures by now than were looked at."""
    with writer.transaction(durable=True) as connection:
        connection.execute(
            "UPDATE sale_due SET due = ?, code = ?, text = ? WHERE d = ?"
            " AND (SELECT count(*) FROM deal_message WHERE deal_message.d = sale_due.d) = ?"
            " AND (SELECT count(*) FROM deal_enclosure WHERE deal_enclosure.d = sale_due.d) = ?",
            (row.due, row.code, row.text, row.number, messages, enclosures),
        )


def sale_again(writer: Writer, number: int) -> None:
    """A deal in which the owner sells is looked at again, as a part of the open transaction."""
    writer.connection.execute(
        "INSERT INTO sale_due(d, due, text) SELECT d, 0, '' FROM deal WHERE d = ? AND role = 'seller'"
        " ON CONFLICT(d) DO UPDATE SET due = 0",
        (number,),
    )


def sales(connection: apsw.Connection, code: str, after: int, limit: int) -> list[tuple[bytes, SaleRow]]:
    """Deals whose last look ended with a code, with their ids, by number.

    Args:
        connection: of the store.
        code: of the look; empty: any that says why something is not logged.
        after: number of the last one of the page before.
        limit: most rows.
    """
    found = connection.execute(
        "SELECT deal.id, sale_due.d, due, code, text FROM sale_due JOIN deal USING (d)"
        " WHERE sale_due.d > ? AND iif(? = '', code IS NOT NULL AND code != 'logged', code = ?)"
        " ORDER BY sale_due.d LIMIT ?",
        (after, code, code, limit),
    )
    return [(deal, SaleRow(*rest)) for deal, *rest in found]


def sale_code(connection: apsw.Connection, number: int) -> str | None:
    """What the last look at a deal ended with; None: nothing of it is to be logged yet."""
    code: str | None = connection.execute("SELECT code FROM sale_due WHERE d = ?", (number,)).get
    return code


# -- counters and limits -------------------------------------------------------------------------------------
def next_counter(writer: Writer, issuer: bytes, now: int) -> int:
    """A counter of the owner's for this issuer that no request, swap or limit ever had; inside the open transaction.

    It is the date, or one more than the last: so a store that was put back from a backup does not use one twice.
    """
    newest: int = writer.connection.execute(
        "INSERT INTO credit_counter(issuer, newest) VALUES (?, ?) ON CONFLICT(issuer)"
        " DO UPDATE SET newest = max(newest + 1, excluded.newest) RETURNING newest",
        (issuer, now),
    ).get
    return newest


def put_limit(writer: Writer, row: LimitRow) -> bool:
    """Keeps a limit inside the open transaction, unless a newer one of that holder, issuer and unit is there."""
    connection = writer.connection
    connection.execute(
        "INSERT INTO credit_limit(holder, issuer, unit, counter, data, openers, at, letter)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(holder, issuer, unit) DO UPDATE SET"
        " counter = excluded.counter, data = excluded.data, openers = excluded.openers, at = excluded.at,"
        " letter = excluded.letter WHERE excluded.counter > counter",
        (row.holder, row.issuer, row.unit, row.counter, row.data, row.openers, row.at, row.letter),
    )
    kept = connection.changes() > 0
    if row.letter is None:
        oldest = "SELECT holder, issuer, unit FROM credit_limit WHERE letter IS NULL"
        for where, values, most in (("holder = ?", (row.holder,), LIMITS_OF_ONE), ("true", (), LIMITS)):
            count = connection.execute(f"SELECT count(*) FROM credit_limit WHERE {where}", values).get  # noqa: S608
            connection.execute(
                f"DELETE FROM credit_limit WHERE (holder, issuer, unit) IN ({oldest} AND {where} ORDER BY at LIMIT ?)",  # noqa: S608
                (*values, max(0, count - most)),
            )
    return kept


def limit_of(connection: apsw.Connection, holder: bytes, issuer: bytes, unit: str) -> LimitRow | None:
    """The newest limit of a holder for this credit."""
    rows = _limits(connection, "holder = ? AND issuer = ? AND unit = ?", (holder, issuer, unit))
    return rows[0] if rows else None


def own_limits(connection: apsw.Connection, own: bytes) -> list[LimitRow]:
    """The owner's limits, by issuer and unit."""
    return _limits(connection, "holder = ?", (own,))


def _limits(connection: apsw.Connection, where: str, values: tuple[Any, ...]) -> list[LimitRow]:
    found = connection.execute(
        "SELECT holder, issuer, unit, counter, data, openers, at, letter FROM credit_limit"  # noqa: S608 - constants
        f" WHERE {where} ORDER BY holder, issuer, unit",
        values,
    )
    return [LimitRow(*row) for row in found]


# -- requests ------------------------------------------------------------------------------------------------
def put_request(writer: Writer, row: RequestRow) -> bool:
    """Keeps a request inside the open transaction; False when it is there already, as it is."""
    connection = writer.connection
    connection.execute(
        "INSERT OR IGNORE INTO credit_request(id, own, issuer, holder, data, openers, recipients, at, letter, state,"
        " text, deal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row.id, row.own, row.issuer, row.holder, row.data, row.openers, row.recipients, row.at, row.letter,
            row.state, row.text, row.order,
        ),
    )  # fmt: skip
    return connection.changes() > 0


def carried_by(writer: Writer, request: bytes, letter: int) -> None:
    """Notes which letter carries a request or its answer."""
    writer.connection.execute("UPDATE credit_request SET letter = ? WHERE id = ?", (letter, request))


def end_request(
    writer: Writer,
    request: bytes,
    now: int,
    *,
    entry: tuple[int, bytes] | None = None,
    code: str | None = None,
    text: str = "",
) -> None:
    """Notes what became of a request, inside the open transaction: an entry, or a code; an entry stays."""
    seq, id_ = entry or (None, None)
    writer.connection.execute(
        "UPDATE credit_request SET state = ?1, seq = ?, entry = ?, code = ?, text = ?, done = ?,"
        " openers = iif(own OR ?1 = 'answered', openers, x'90')"  # why: much, and worth nothing any more
        " WHERE id = ?7 AND (state != 'answered' OR ?1 = 'answered')",
        ("refused" if entry is None else "answered", seq, id_, code, text, now, request),
    )


def answered(connection: apsw.Connection, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Requests of others that an entry carried out, above a row number: number and id of each."""
    found: list[Any] = connection.execute(
        "SELECT r, id FROM credit_request WHERE r > ? AND NOT own AND state = 'answered' ORDER BY r LIMIT ?",
        (after, limit),
    ).fetchall()
    return found


def request_again(writer: Writer, request: bytes) -> None:
    """The entry that carried out a request of another left the log: it waits again, inside the open transaction."""
    writer.connection.execute(
        "UPDATE credit_request SET state = 'waits', seq = NULL, entry = NULL, done = NULL WHERE id = ? AND NOT own",
        (request,),
    )


def sweep(writer: Writer) -> None:
    """Forgets requests of others that were refused long ago."""
    with writer.transaction() as connection:
        refused = "SELECT r FROM credit_request WHERE NOT own AND state = 'refused'"
        connection.execute(
            f"DELETE FROM credit_request WHERE r IN ({refused} AND r <= ({refused} ORDER BY r DESC LIMIT 1 OFFSET ?))",  # noqa: S608
            (REFUSED,),
        )


def request(connection: apsw.Connection, id: bytes) -> RequestRow | None:
    """One request by its id."""
    rows = _requests(connection, "id = ?", (id,), 1)
    return rows[0] if rows else None


def request_for(connection: apsw.Connection, issuer: bytes, order: bytes) -> RequestRow | None:
    """The owner's own request that pays a deal, if it was not refused."""
    rows = _requests(connection, "own AND issuer = ? AND deal = ? AND state != 'refused'", (issuer, order), 1)
    return rows[0] if rows else None


def asked_since(connection: apsw.Connection, issuer: bytes, since: int) -> bool:
    """Whether the owner has made a request to an issuer after a moment (ms UTC)."""
    found: bool = connection.execute(
        "SELECT EXISTS(SELECT 1 FROM credit_request WHERE own AND issuer = ? AND at > ? AND letter IS NOT NULL)",
        (issuer, since),
    ).get
    return found


def requests_by_prefix(connection: apsw.Connection, low: bytes, high: bytes) -> list[RequestRow]:
    """Requests whose id lies between, both included; two at most, to see whether it is one."""
    return _requests(connection, "id BETWEEN ? AND ?", (low, high), 2)


def requests(
    connection: apsw.Connection, before: int | None, limit: int, *, waiting: bool = False
) -> list[RequestRow]:
    """Requests, the newest first, below the row number `before`; with `waiting` those nothing has come of."""
    where = "r < ? AND state = 'waits'" if waiting else "r < ?"
    return _requests(connection, where, (before or 2**62,), limit)


def waiting(connection: apsw.Connection, *, own: bool, limit: int) -> list[RequestRow]:
    """Requests nothing has come of yet, the oldest first: own ones, or those of others."""
    return _requests(connection, "state = 'waits' AND own = ?", (own,), limit, "r")


def waits_of(connection: apsw.Connection, holder: bytes) -> tuple[int, int]:
    """How many requests of others wait: of this holder, and of all."""
    count = "SELECT count(*) FROM credit_request WHERE state = 'waits' AND NOT own"
    return connection.execute(f"{count} AND holder = ?", (holder,)).get, connection.execute(count).get


def _requests(
    connection: apsw.Connection, where: str, values: tuple[Any, ...], limit: int, order: str = "r DESC"
) -> list[RequestRow]:
    found = connection.execute(
        f"SELECT {_REQUEST} FROM credit_request WHERE {where} ORDER BY {order} LIMIT ?",  # noqa: S608 - constants
        (*values, limit),
    )
    rows = [dict(zip(RequestRow.__slots__, each, strict=True)) for each in found]
    return [RequestRow(**(row | {"own": bool(row["own"])})) for row in rows]


# -- challenges ----------------------------------------------------------------------------------------------
def put_challenge(writer: Writer, row: ChallengeRow) -> bool:
    """Keeps a challenge inside the open transaction; False when it is there already, as it is."""
    connection = writer.connection
    connection.execute(
        "INSERT OR IGNORE INTO challenge(id, author, issuer, entry, openers, at, letter, handed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (row.id, row.author, row.issuer, row.entry, row.openers, row.at, row.letter, row.handed),
    )
    return connection.changes() > 0


def challenge(connection: apsw.Connection, id: bytes) -> ChallengeRow | None:
    """One challenge that is kept, by the id of its entry."""
    rows = _challenges(connection, f"id = ? AND {_OPEN}", (id,), 1)
    return rows[0] if rows else None


def challenges_full(connection: apsw.Connection, author: bytes, issuer: bytes) -> bool:
    """Whether no room is left for another challenge of somebody to the owner."""
    of_all, of_one = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE author = ?) FROM challenge WHERE issuer = ? AND {_OPEN}",  # noqa: S608
        (author, issuer),
    ).get
    return bool(of_all >= CHALLENGES or of_one >= CHALLENGES_OF_ONE)


def challenge_over(writer: Writer, id: bytes, now: int) -> None:
    """Nothing can come of a challenge any more: of one in a log held here a mark stays, inside the open transaction."""
    connection = writer.connection
    connection.execute("DELETE FROM challenge WHERE id = ?", (id,))
    connection.execute(
        "INSERT INTO challenge(id, author, issuer, entry, openers, at)"
        " SELECT entry, networker.id, issuer, x'', x'', ? FROM challenge_entry JOIN networker USING (n) WHERE entry = ?"
        " LIMIT 1",
        (now, id),
    )


def met_anew(
    connection: apsw.Connection, own: bytes, after: int, limit: int
) -> list[tuple[int, bytes, int, bytes]]:
    """Challenges of or to the owner, or to who is followed, that are in the logs held here and were not looked at.

    Args:
        connection: of the store.
        own: networker id of the owner.
        after: number of the author before; authors come in turn, each with the oldest of theirs.
        limit: most authors.

    Returns:
        Number and id of the author, seq and id of the entry.
    """
    found: list[Any] = connection.execute(
        "SELECT met.n, networker.id, min(seq), met.entry FROM challenge_entry AS met JOIN networker USING (n)"
        " LEFT JOIN challenge ON challenge.id = met.entry WHERE met.n > ?1 AND challenge.id IS NULL"
        " AND (met.issuer = ?2 OR networker.id = ?2 OR met.issuer IN"
        " (SELECT id FROM follow JOIN networker USING (n))) GROUP BY met.n ORDER BY met.n LIMIT ?3",
        (after, own, limit),
    ).fetchall()
    return found


def challenge_handed(writer: Writer, id: bytes, at: int) -> None:
    """Notes that a challenge has been handed to its issuer, inside the open transaction."""
    writer.connection.execute("UPDATE challenge SET handed = ? WHERE id = ? AND handed IS NULL", (at, id))


def challenge_carried(writer: Writer, id: bytes, letter: int | None) -> None:
    """Notes by which letter a challenge is handed over, inside the open transaction."""
    writer.connection.execute("UPDATE challenge SET letter = ? WHERE id = ?", (letter, id))


def challenges_to(connection: apsw.Connection, issuer: bytes) -> list[ChallengeRow]:
    """Challenges to one issuer, those met first at first."""
    return _challenges(connection, f"issuer = ? AND {_OPEN}", (issuer,))


def is_challenged(connection: apsw.Connection, issuer: bytes) -> bool:
    """Whether there is a challenge to an issuer."""
    found: bool = connection.execute(
        f"SELECT EXISTS(SELECT 1 FROM challenge WHERE issuer = ? AND {_OPEN})",  # noqa: S608 - constants
        (issuer,),
    ).get
    return found


def unhanded(connection: apsw.Connection, limit: int) -> list[ChallengeRow]:
    """Challenges that a letter is handing to their issuers."""
    return _challenges(connection, "handed IS NULL AND letter IS NOT NULL", (), limit)


def _challenges(
    connection: apsw.Connection, where: str, values: tuple[Any, ...], limit: int = CHALLENGES
) -> list[ChallengeRow]:
    found = connection.execute(
        "SELECT id, author, issuer, entry, openers, at, letter, handed FROM challenge"  # noqa: S608 - constants
        f" WHERE {where} ORDER BY at, id LIMIT ?",
        (*values, limit),
    )
    return [ChallengeRow(*row) for row in found]
