"""Mandates as this node holds them: their order, what the buyer said since, their renewals, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import apsw

from netnode.deals.desk import no_deal
from netnode.deals.holding import copied_times, holding
from netnode.deals.known import Known, load
from netnode.problems import ExitCode, Problem
from netnode.store import deals, mandates
from netnode.store.deals import DealRow
from netnode.store.letters import OutRow
from protocol.certificate import DAY_MS
from protocol.deals.bodies import Order, Renewal
from protocol.deals.mandates import (
    MandateState,
    Standing,
    Statement,
    Turn,
    mandate_state,
    next_turn,
    parse_statement,
)
from protocol.deals.message import Message, parse
from protocol.deals.state import PartStatus

AHEAD_MS: Final = 2 * DAY_MS  # why: a node that is off for a weekend still makes its renewals in time
SENTENCES: Final = {
    "no_contract": "There is no contract in this deal, so there is nothing to renew.",
    "held": "This home is an older copy of itself; the other side is asked first what it has of this mandate.",
    "bad_time": "The buyer's newest statement is dated ahead of this computer's clock: renewals go on at its date.",
    "mandate_ended": "The buyer has ended this mandate.",
    "mandate_paused": "The buyer has paused this mandate.",
    "stopped": "You renew this mandate no more. To go on: netnode deal resume",
    "turns": "The last period of this mandate was renewed.",
    "renewed": "The next period is renewed already, or its renewal would be too early.",
    "price": "The buyer has consented to a price that you did not ask for. To ask: netnode deal consent --price",
    "not_performed": "The period before ended unperformed. To go on all the same: netnode deal renew --anyway",
}
"""Why no renewal is made: a word for machines, a sentence for the seller."""


def due(turn: Turn) -> int:
    """The moment from which on a seller's node makes a renewal: well before the last one, ms UTC."""
    return max(turn.earliest, turn.latest - min(AHEAD_MS, (turn.latest - turn.earliest) // 2))


@dataclass(frozen=True, slots=True)
class Subscription:
    """A mandate as this node holds it.

    Attributes:
        row: of the deal whose order gives it.
        first: that order.
        order: its body.
        kept: what is kept of the mandate.
        statements: of the buyer, by number.
        state: what they come to.
        renewals: (turn, row of its deal), by turn.
        turn: the next period that can be renewed; None when there is none.
        why: the reason why no renewal will be made, in a word; empty when one will.
        letter: row of the letter with the newest own statement.
        behind: whether this home is an older copy that may lack statements which the other side holds.
    """

    row: DealRow
    first: Message
    order: Order
    kept: mandates.MandateRow
    statements: tuple[Statement, ...]
    state: MandateState
    renewals: tuple[tuple[int, DealRow], ...]
    turn: Turn | None
    why: str
    letter: int | None
    behind: bool


def of_deal(connection: apsw.Connection, deal: bytes, now: int) -> Subscription:
    """The mandate of a deal, or of the deal that a renewal renews.

    Args:
        connection: of a reader or the writer.
        deal: id of a deal.
        now: the clock, ms UTC.

    Raises:
        Problem: `no_deal` (3), `no_mandate` (4).
    """
    row = deals.by_id(connection, deal)
    if row is None:
        raise no_deal(deal.hex())
    start = _start(connection, row)
    if isinstance(start.body, Renewal):
        first = deals.by_id(connection, parse(start.body.first).id)
        row = row if first is None else first
    if mandates.mandate(connection, row.number) is None:
        text = "This deal is no subscription: its order gives no mandate."
        raise Problem(text, ExitCode.REFUSED, "no_mandate", {"deal": deal.hex()})
    return read(connection, row, now)


def read(connection: apsw.Connection, row: DealRow, now: int) -> Subscription:
    """The mandate of a deal whose row is known to have one; arguments as of `of_deal`."""
    first = _start(connection, row)
    assert isinstance(first.body, Order)
    kept = mandates.mandate(connection, row.number)
    assert kept is not None
    said = [parse_statement(data) for data in mandates.statements(connection, row.number)]
    statements = tuple(sorted(said, key=lambda each: (each.number, each.id)))
    state = mandate_state(first, statements)
    renewed: list[tuple[int, DealRow]] = []
    for turn, number in mandates.renewals(connection, first.id):
        found = deals.by_number(connection, number)
        if found is not None:
            renewed.append((turn, found))
    done = {turn for turn, _ in renewed}
    following = next_turn(first, now)
    if following is not None and following.number in done:
        following = next_turn(first, following.latest + 1)
    node = row.buyer != first.body.key  # a buyer without a node answers no questions
    behind = node and kept.copies < copied_times(connection)
    ahead = any(each.time > now for each in statements if each.id in state.verdicts)  # it would go along
    return Subscription(
        row=row,
        first=first,
        order=first.body,
        kept=kept,
        statements=statements,
        state=state,
        renewals=tuple(renewed),
        turn=following,
        why=_why(connection, row, kept, state, first.body, renewed, following, behind, ahead, now),
        letter=mandates.letter(connection, row.number),
        behind=behind,
    )


def _why(
    connection: apsw.Connection,
    row: DealRow,
    kept: mandates.MandateRow,
    state: MandateState,
    order: Order,
    renewed: Sequence[tuple[int, DealRow]],
    following: Turn | None,
    behind: bool,
    ahead: bool,
    now: int,
) -> str:
    """Why no renewal will be made, in a word; empty when one will."""
    agreed = sum(part.price for part in order.parts) if kept.agreed is None else kept.agreed
    for holds, word in (
        (not row.contract, "no_contract"),
        (state.standing is Standing.ENDED, "mandate_ended"),
        (state.standing is Standing.PAUSED, "mandate_paused"),
        (ahead, "bad_time"),
        (kept.stopped, "stopped"),
        (following is None, "turns"),
        (state.price not in (agreed, kept.asked), "price"),
        (behind or (row.role == "seller" and holding(connection, row) is not None), "held"),
    ):
        if holds:
            return word
    last = renewed[-1][1] if renewed else row
    parts = load(connection, last, now).state.parts
    return "not_performed" if all(part.status is PartStatus.ENDED for part in parts) else ""


def all_of(connection: apsw.Connection, roles: Sequence[str], now: int) -> list[Subscription]:
    """The mandates in which the owner has one of these roles, by role, the oldest first."""
    rows = [
        deals.by_number(connection, number) for role in roles for number in mandates.numbers(connection, role)
    ]
    return [read(connection, row, now) for row in rows if row is not None]


def unwanted(connection: apsw.Connection, now: int) -> list[tuple[bytes, str]]:
    """Renewals that own statements forbid, or that are the second of their turn, with the reason of the cancel."""
    unwanted: list[tuple[bytes, str]] = []
    for found in all_of(connection, ("buyer",), now):
        met: set[int] = set()
        for turn, row in found.renewals:
            start = _start(connection, row)
            said = [each for each in found.statements if each.time <= start.time]
            forbidden = mandate_state(found.first, said).standing is not Standing.ACTIVE
            reason = "repeat" if turn in met else "mandate" if forbidden else ""
            met.add(turn)
            if reason and row.contract and _untouched(load(connection, row, now)):
                unwanted.append((row.id, reason))
    return unwanted


def lost_by_seller(connection: apsw.Connection, found: Subscription, letter: OutRow | None) -> bool:
    """Whether the newest renewal lacks an own statement though that had arrived before it came [R-MAN-9].

    The seller's node was put back from a backup, or another copy of it got the statement.

    Args:
        connection: of a reader or the writer.
        found: an own mandate.
        letter: the one that carries its newest statement; None where there is none, or nothing is remembered of it.
    """
    if not found.renewals:
        return False
    _, row = found.renewals[-1]
    start = _start(connection, row)
    assert isinstance(start.body, Renewal)
    came = min(each.at for each in deals.messages(connection, row.number))
    if letter is not None and (letter.state != "delivered" or letter.since >= came):
        return False
    lacking = (each for each in found.statements if each.data not in start.body.changes)
    return any(each.time <= start.time for each in lacking)


def _untouched(known: Known) -> bool:
    """Whether nothing was delivered or paid yet, so that a cancel harms nobody."""
    open_ = any(part.status is PartStatus.OPEN for part in known.state.parts)
    return open_ and known.state.figures.sent == 0 and known.state.figures.paid == 0


def _start(connection: apsw.Connection, row: DealRow) -> Message:
    data = deals.message(connection, row.number, row.id)
    assert data is not None
    return parse(data)
