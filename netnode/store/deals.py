"""Deals in the store: their messages and enclosures as they came, and what lists and chores look for.

Functions of a `Writer`, or of the connection of a reader or writer, so that a move can be judged inside the
transaction that stores it. The messages are the truth; `Noted` is what was made of them at some moment, and is made
again when `stale` has come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import apsw

from netnode.store import credits
from netnode.store.writer import Writer

NEVER: Final = 2**62
"""`until` of what has no date; sorts last."""

MINE, DUE_TO_ME, THEIRS, OVER = 0, 1, 2, 3
"""Ranks: the owner's move; money due to or from the owner; somebody else's move; nothing is left to do."""

OF_A_DEAL: Final = (
    "deal_message", "deal_question", "deal_enclosure", "deal_signer", "reserved", "mandate_statement", "mandate",
    "renewal", "case_told",
)  # fmt: skip
"""What can be kept of a deal before its owner said a word; each table before the one it refers to."""

_UNRULED: Final = (
    "role = 'arbiter' AND NOT EXISTS (SELECT 1 FROM deal_message WHERE deal_message.d = deal.d AND own)"
)
_WAITS: Final = "(rank < :over AND min(until, changed + :longest) >= :now)"

Role = Literal["arbiter", "buyer", "seller"]
_COLUMNS: Final = (
    "d, id, role, seller, buyer, arbiter, nonce, offer, title, opened, copies, asked, phase, contract, rank,"
    " until, stale, changed"
)


@dataclass(frozen=True, slots=True)
class DealRow:
    """A deal; times are ms UTC.

    Attributes:
        number: of the row; 0 for a new one.
        id: of its first message.
        role: the owner's.
        seller: networker id.
        buyer: networker id, or the Ed25519 key of a buyer without a node.
        arbiter: networker id, if the order names one.
        nonce: the key of an own order is derived from it; None where the owner is not the buyer.
        offer: id of the offer it stands on.
        title: of the goods, for lists.
        opened: date of its first message.
        copies: how often the store was a copy when the others last told all they have.
        asked: the nonce of the questions for that; None while nothing is asked.
        phase: as the state had it when it was last looked at.
        contract: whether there was a contract then.
        rank: one of MINE to OVER.
        until: the date of its next step, NEVER without one; where nothing is left to do, NEVER less `changed`.
        stale: from when on `phase`, `rank` and `until` may be otherwise though nothing came; None for never.
        changed: when its newest message was stored.
    """

    number: int
    id: bytes
    role: Role
    seller: bytes
    buyer: bytes
    arbiter: bytes | None
    nonce: bytes | None
    offer: bytes | None
    title: str
    opened: int
    copies: int
    asked: bytes | None = None
    phase: str = ""
    contract: bool = False
    rank: int = MINE
    until: int = NEVER
    stale: int | None = 0
    changed: int = 0

    @property
    def partner(self) -> bytes:
        """Who the owner deals with; an arbiter deals with both, the buyer is named."""
        return self.seller if self.role == "buyer" else self.buyer


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message as it is kept; `letter` is the row of the letter that carries an own one, or repeats another's."""

    id: bytes
    data: bytes
    at: int
    own: bool
    letter: int | None


@dataclass(frozen=True, slots=True)
class Noted:
    """What was made of the messages; see `DealRow`."""

    phase: str
    contract: bool
    rank: int
    until: int
    stale: int | None


# -- writing: inside the transaction of the caller ----------------------------------------------------------
def start(writer: Writer, row: DealRow) -> int:
    """Keeps a new deal; its number."""
    number: int = writer.connection.execute(
        "INSERT INTO deal(id, role, seller, buyer, arbiter, nonce, offer, title, opened, copies, phase, contract, rank,"
        " until, stale, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING d",
        (
            row.id, row.role, row.seller, row.buyer, row.arbiter, row.nonce, row.offer, row.title, row.opened,
            row.copies, row.phase, row.contract, row.rank, row.until, row.stale, row.changed,
        ),
    ).get  # fmt: skip
    return number


def put_message(
    writer: Writer,
    number: int,
    message: bytes,
    data: bytes,
    now: int,
    *,
    own: bool,
    letter: int | None = None,
) -> bool:
    """Keeps a message; False when it is there already, as it is."""
    connection = writer.connection
    connection.execute(
        "INSERT OR IGNORE INTO deal_message(d, id, data, at, own, letter) VALUES (?, ?, ?, ?, ?, ?)",
        (number, message, data, now, own, letter),
    )
    new = connection.changes() > 0
    if new:
        connection.execute("UPDATE deal SET changed = ? WHERE d = ?", (now, number))
        credits.sale_again(writer, number)
    return new


def carried(writer: Writer, number: int, message: bytes, letter: int | None) -> None:
    """Writes down which letter carries an own message, or repeats one of the other side."""
    writer.connection.execute(
        "UPDATE deal_message SET letter = ? WHERE d = ? AND id = ?", (letter, number, message)
    )


def set_buyer(writer: Writer, number: int, buyer: bytes) -> None:
    """Letters to the buyer go to this networker from now on."""
    writer.connection.execute("UPDATE deal SET buyer = ? WHERE d = ?", (buyer, number))


def put_signer(writer: Writer, number: int, networker: bytes, entries: bytes) -> None:
    """Keeps the openers of a networker who signs in a deal; the longest list of them wins."""
    writer.connection.execute(
        "INSERT INTO deal_signer(d, networker, entries) VALUES (?, ?, ?) ON CONFLICT(d, networker)"
        " DO UPDATE SET entries = excluded.entries WHERE length(excluded.entries) > length(entries)",
        (number, networker, entries),
    )


def signers(connection: apsw.Connection, number: int) -> dict[bytes, bytes]:
    """The openers kept with a deal, by networker."""
    return dict(connection.execute("SELECT networker, entries FROM deal_signer WHERE d = ?", (number,)))


def put_enclosure(writer: Writer, number: int, name: bytes, data: bytes) -> None:
    """Keeps an enclosure under its hash."""
    writer.connection.execute(
        "INSERT OR IGNORE INTO deal_enclosure(d, hash, data) VALUES (?, ?, ?)", (number, name, data)
    )


def note(writer: Writer, number: int, noted: Noted) -> None:
    """Writes down what was made of the messages."""
    writer.connection.execute(
        "UPDATE deal SET phase = ?, contract = ?, rank = ?, until = ?, stale = ? WHERE d = ?",
        (noted.phase, noted.contract, noted.rank, noted.until, noted.stale, number),
    )


def ask(writer: Writer, number: int, nonce: bytes, questions: Mapping[bytes, int]) -> None:
    """Writes down by which nonce, and by which letters, the others were asked for all they have."""
    forget_question(writer, number)
    writer.connection.execute("UPDATE deal SET asked = ? WHERE d = ?", (nonce, number))
    writer.connection.executemany(
        "INSERT INTO deal_question(d, networker, letter, told) VALUES (?, ?, ?, 0)",
        [(number, networker, letter) for networker, letter in questions.items()],
    )


def told(writer: Writer, number: int, networker: bytes) -> bool:
    """Writes down that somebody who was asked has told all they have; whether with that everybody has."""
    connection = writer.connection
    connection.execute("UPDATE deal_question SET told = 1 WHERE d = ? AND networker = ?", (number, networker))
    asked = connection.changes() > 0
    left: int = connection.execute(
        "SELECT count(*) FROM deal_question WHERE d = ? AND NOT told", (number,)
    ).get
    return asked and left == 0


def asked_of(connection: apsw.Connection, number: int) -> set[bytes]:
    """Who was asked for all they have of a deal."""
    rows = connection.execute("SELECT networker FROM deal_question WHERE d = ?", (number,))
    return {networker for (networker,) in rows}


def forget_question(writer: Writer, number: int) -> None:
    """The others may be asked again."""
    writer.connection.execute("UPDATE deal SET asked = NULL WHERE d = ?", (number,))
    writer.connection.execute("DELETE FROM deal_question WHERE d = ?", (number,))


def release(writer: Writer, number: int, copies: int) -> None:
    """The others have told all they have, or need not: own moves go on."""
    forget_question(writer, number)
    writer.connection.execute("UPDATE deal SET copies = ? WHERE d = ?", (copies, number))


# -- reading -------------------------------------------------------------------------------------------------
def by_id(connection: apsw.Connection, deal: bytes) -> DealRow | None:
    """One deal by its id."""
    return _one(connection.execute(f"SELECT {_COLUMNS} FROM deal WHERE id = ?", (deal,)))  # noqa: S608 - constants


def by_number(connection: apsw.Connection, number: int) -> DealRow | None:
    """One deal by the number of its row."""
    return _one(connection.execute(f"SELECT {_COLUMNS} FROM deal WHERE d = ?", (number,)))  # noqa: S608


def by_prefix(connection: apsw.Connection, low: bytes, high: bytes) -> list[DealRow]:
    """Deals whose id lies between, both included; two at most, to see whether it is one."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM deal WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 2",  # noqa: S608
        (low, high),
    )
    return [_row(values) for values in found]


def messages(connection: apsw.Connection, number: int) -> list[MessageRow]:
    """All messages of a deal, those stored first at first."""
    return [
        MessageRow(id_, data, at, bool(own), letter)
        for id_, data, at, own, letter in connection.execute(
            "SELECT id, data, at, own, letter FROM deal_message WHERE d = ? ORDER BY at, id", (number,)
        )
    ]


def message(connection: apsw.Connection, number: int, name: bytes) -> bytes | None:
    """The bytes of one message of a deal."""
    data: bytes | None = connection.execute(
        "SELECT data FROM deal_message WHERE d = ? AND id = ?", (number, name)
    ).get
    return data


def has_message(connection: apsw.Connection, number: int, name: bytes) -> bool:
    """Whether a message of a deal is kept."""
    return (
        connection.execute("SELECT 1 FROM deal_message WHERE d = ? AND id = ?", (number, name)).get
        is not None
    )


def count(connection: apsw.Connection, number: int) -> int:
    """How many messages of others are kept of a deal."""
    found: int = connection.execute(
        "SELECT count(*) FROM deal_message WHERE d = ? AND NOT own", (number,)
    ).get
    return found


def spoken(connection: apsw.Connection, number: int) -> bool:
    """Whether a message of the owner is kept of a deal."""
    found = connection.execute("SELECT 1 FROM deal_message WHERE d = ? AND own LIMIT 1", (number,))
    return found.fetchone() is not None


def enclosures(connection: apsw.Connection, number: int) -> dict[bytes, bytes]:
    """The enclosures of a deal by their hash."""
    return dict(connection.execute("SELECT hash, data FROM deal_enclosure WHERE d = ?", (number,)))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deals a list shows; `over`: those too in which nothing is left to do."""

    over: bool = False
    role: Role | None = None
    phase: str | None = None


def page(
    connection: apsw.Connection, wanted: Filter, after: tuple[int, int, int] | None, limit: int
) -> list[DealRow]:
    """Deals in the order in which their owner should look at them: own moves first, the most urgent at first.

    Args:
        connection: a reader's.
        wanted: which.
        after: rank, until and number of the last one of the page before.
        limit: most rows.
    """
    rank, until, number = after or (-1, 0, 0)
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM deal WHERE (:over OR rank < :last) AND (:role IS NULL OR role = :role)"  # noqa: S608
        " AND (:phase IS NULL OR phase = :phase) AND (rank, until, d) > (:rank, :until, :d)"
        " ORDER BY rank, until, d LIMIT :limit",
        {
            "over": wanted.over,
            "last": OVER,
            "role": wanted.role,
            "phase": wanted.phase,
            "rank": rank,
            "until": until,
            "d": number,
            "limit": limit,
        },
    )
    return [_row(values) for values in found]


def stale(connection: apsw.Connection, now: int, limit: int) -> list[int]:
    """Numbers of the deals that time alone may have changed."""
    return [
        number
        for (number,) in connection.execute(
            "SELECT d FROM deal WHERE stale <= ? ORDER BY stale, d LIMIT ?", (now, limit)
        )
    ]


def unasked(connection: apsw.Connection, copies: int, limit: int) -> list[DealRow]:
    """Deals whose others have not told what they have since the store was last a copy, and were not asked for it."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM deal WHERE copies < ? AND rank < ? AND asked IS NULL ORDER BY d LIMIT ?",  # noqa: S608
        (copies, OVER, limit),
    )
    return [_row(values) for values in found]


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A question that nobody will answer.

    Attributes:
        number: of the held deal.
        networker: who was asked.
        code: of the refusal; None where nothing is remembered of the letter any more.
        since: of the refusal, ms UTC; 0 where nothing is remembered.
        other: whether somebody else who was asked has told all they have.
    """

    number: int
    networker: bytes
    code: str | None
    since: int
    other: bool


def turned_away(connection: apsw.Connection, limit: int) -> list[TurnedAway]:
    """Questions that nobody will answer."""
    found = connection.execute(
        "SELECT d, networker, code, coalesce(since, 0), (SELECT max(told) FROM deal_question AS o WHERE o.d = q.d)"
        " FROM deal_question AS q LEFT JOIN outbox ON outbox.i = letter"
        " WHERE NOT told AND (outbox.i IS NULL OR outbox.state = 'refused') ORDER BY d, networker LIMIT ?",
        (limit,),
    )
    return [TurnedAway(d, networker, code, since, bool(other)) for d, networker, code, since, other in found]


def between(connection: apsw.Connection, partner: bytes, since: int) -> int:
    """How many deals the owner bought or sold in with a networker that were opened or went on since then."""
    count: int = connection.execute(
        "SELECT count(*) FROM deal WHERE changed >= ?"
        " AND (role = 'buyer' AND seller = ? OR role = 'seller' AND buyer = ?)",
        (since, partner, partner),
    ).get
    return count


def forget_taken_back(writer: Writer, keep: int, late: int) -> None:
    """Lets go of orders of others that ended, or waited for too long, before the owner said a word in them.

    Args:
        writer: inside a transaction.
        keep: how many stay: the newest.
        late: what was to be accepted before this waited for too long, ms UTC.
    """
    found = writer.connection.execute(
        "SELECT d FROM deal WHERE role = 'seller' AND NOT contract AND (rank = ? OR until < ?) AND NOT EXISTS"
        " (SELECT 1 FROM deal_message WHERE deal_message.d = deal.d AND own) ORDER BY d DESC LIMIT -1 OFFSET ?",
        (OVER, late, keep),
    )
    _forget(writer, found)


def forget_cases(writer: Writer, keep: int, now: int, longest: int) -> None:
    """Lets go of cases that are over, or waited for too long, before their arbiter, the owner, said a word in them.

    Args:
        writer: inside a transaction.
        keep: how many stay: the newest.
        now: ms UTC.
        longest: ms after which a case in which nothing comes waits no more.
    """
    found = writer.connection.execute(
        f"SELECT d FROM deal WHERE {_UNRULED} AND NOT {_WAITS} ORDER BY d DESC LIMIT -1 OFFSET :keep",  # noqa: S608
        {"over": OVER, "now": now, "longest": longest, "keep": keep},
    )
    _forget(writer, found)


def cases(connection: apsw.Connection, party: bytes, now: int, longest: int) -> tuple[int, int]:
    """How many cases wait for the owner's word as their arbiter: in all, and those with one party.

    Args:
        connection: of the store.
        party: networker id of a seller or buyer.
        now: ms UTC.
        longest: ms after which a case in which nothing comes waits no more.
    """
    found = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE :party IN (seller, buyer)) FROM deal"  # noqa: S608 - constants
        f" WHERE {_UNRULED} AND {_WAITS}",
        {"over": OVER, "party": party, "now": now, "longest": longest},
    )
    ((together, of_one),) = found
    return together, of_one


def size(connection: apsw.Connection, number: int) -> int:
    """How many bytes the messages and enclosures of a deal take."""
    found: int = connection.execute(
        "SELECT (SELECT coalesce(sum(length(data)), 0) FROM deal_message WHERE d = :d)"
        " + (SELECT coalesce(sum(length(data)), 0) FROM deal_enclosure WHERE d = :d)",
        {"d": number},
    ).get
    return found


def _forget(writer: Writer, found: Iterable[Any]) -> None:
    gone = [(number,) for (number,) in found]
    for table in OF_A_DEAL:
        writer.connection.executemany(f"DELETE FROM {table} WHERE d = ?", gone)  # noqa: S608 - constants
    writer.connection.executemany("DELETE FROM deal WHERE d = ?", gone)


def undecided(connection: apsw.Connection, now: int) -> int:
    """How many orders of others wait for the owner's word, and their time to accept is not over."""
    found: int = connection.execute(
        "SELECT count(*) FROM deal WHERE role = 'seller' AND NOT contract AND rank < ? AND until >= ?",
        (OVER, now),
    ).get
    return found


def quiet(connection: apsw.Connection, now: int, day: int, longest: int, limit: int) -> list[bytes]:
    """Ids of the deals in which nothing has come since long, though the other side has something to say or to do.

    Their newest own letter arrived; or it was answered, or there never was one, and the next step is not the owner's,
    or a dispute is open, which its arbiter may have lost. Also those, over or not, whose newest own letter found
    nobody, or somebody who could not take it yet: by their clock it was dated ahead, or they did not have the deal that
    it renews.

    Args:
        connection: of the store.
        now: ms UTC.
        day: the first pause; each further one is as long as all before it together.
        longest: ms after which nothing is due any more.
        limit: most ids.
    """
    found = connection.execute(
        "SELECT deal FROM (SELECT open.id AS deal, role, rank, phase, changed, letter, state, code,"
        " coalesce(since, changed) AS since"
        " FROM (SELECT id, role, rank, phase, changed,"
        " (SELECT max(letter) FROM deal_message WHERE d = deal.d) AS letter FROM deal"
        " WHERE rank < :over OR changed > :now - :longest) AS open LEFT JOIN outbox ON outbox.i = letter)"
        " WHERE (rank < :over AND (state = 'delivered' OR ((rank > :mine OR phase = 'disputed')"
        " AND (state = 'settled' OR (letter IS NULL AND role <> 'arbiter'))))"
        " OR (state = 'refused' AND code IN ('bad_time', 'letter_expired', 'no_deal')))"
        " AND :now >= since + max(:day, since - changed) AND since - changed < :longest ORDER BY since LIMIT :limit",
        {"over": OVER, "mine": MINE, "now": now, "day": day, "longest": longest, "limit": limit},
    )
    return [deal for (deal,) in found]


def waiting_orders(connection: apsw.Connection) -> list[bytes]:
    """Ids of the orders that wait for the owner's word, the oldest first."""
    return [
        deal
        for (deal,) in connection.execute(
            "SELECT id FROM deal WHERE role = 'seller' AND NOT contract AND rank = ? ORDER BY d", (MINE,)
        )
    ]


def bought_from(connection: apsw.Connection, seller: bytes) -> list[DealRow]:
    """Deals with a contract by which the owner bought from a seller, the oldest first."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM deal WHERE role = 'buyer' AND seller = ? AND contract ORDER BY d",  # noqa: S608
        (seller,),
    )
    return [_row(each) for each in found]


def sold_by(connection: apsw.Connection, offer: bytes) -> int:
    """How many contracts stand on an offer."""
    found: int = connection.execute("SELECT count(*) FROM deal WHERE offer = ? AND contract", (offer,)).get
    return found


def _one(found: Iterable[Any]) -> DealRow | None:
    rows: Sequence[Any] = list(found)
    return _row(rows[0]) if rows else None


def _row(values: Any) -> DealRow:
    named = dict(zip(DealRow.__slots__, values, strict=True))
    named["contract"] = bool(named["contract"])
    return DealRow(**named)
