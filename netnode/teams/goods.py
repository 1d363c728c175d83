"""Goods that a member bought from the owner of a team, as the deal has them: what is owed for taking them back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import apsw

from netnode.deals import moving
from netnode.deals.desk import Make, Move
from netnode.deals.known import Known, load
from netnode.store import deals, teams
from netnode.store.teams import PaperRow
from protocol.deals.bodies import Accept, PresumeReceived, Receive, Refund, Role
from protocol.deals.message import Message
from protocol.deals.state import PartStatus
from protocol.errors import Void
from protocol.ledger.challenges import DEADLINE_MS
from protocol.records.team import Buyback
from protocol.teams.buyback import Bought, lines_of, owed, require_bought
from protocol.teams.statements import BuybackRequest, read

_ARRIVED: Final = (PartStatus.RECEIVED, PartStatus.PRESUMED, PartStatus.DELIVERED)


@dataclass(frozen=True, slots=True)
class Claim:
    """A request to take goods back, with its deal as it stands.

    Attributes:
        paper: the request.
        said: it, read.
        known: the deal; None: it is not kept here any more.
        refund: the message of the deal that answers it; None: nothing was paid back for it.
    """

    paper: PaperRow
    said: BuybackRequest
    known: Known | None
    refund: Message | None

    @property
    def due(self) -> int:
        """Until when it has to be answered, ms UTC: from then on it can be challenged."""
        return self.paper.at + DEADLINE_MS

    @property
    def open(self) -> bool:
        """Whether it waits for the owner's answer."""
        return self.refund is None and self.paper.why is None


def claim_of(connection: apsw.Connection, paper: PaperRow, role: Role, now: int) -> Claim:
    """A request as it stands.

    Args:
        connection: of the store.
        paper: the request.
        role: the own one in the deal that it is about.
        now: ms UTC.
    """
    said = read(BuybackRequest, paper.data)
    known = deal_of(connection, said.order, role, now)
    return Claim(paper, said, known, None if known is None else refund_for(known, paper.id))


def deal_of(connection: apsw.Connection, order: bytes, role: Role, now: int) -> Known | None:
    """The own deal of an order, in one role; None: there is none here."""
    row = deals.by_id(connection, order)
    return load(connection, row, now) if row is not None and row.role == role else None


def require_sold(connection: apsw.Connection, network: str, request: BuybackRequest, now: int) -> Known:
    """The deal by which the owner sold what a request is about.

    Raises:
        Void: `no_deal`; `not_signed`: not by the key of its order.
    """
    known = deal_of(connection, request.order, "seller", now)
    if known is None:
        raise Void("no_deal", "nothing was sold here by that order")
    require_bought(network, request, known.order.key)
    return known


def refund_for(known: Known, request: bytes) -> Message | None:
    """The refund that answers a request: its reference is the request's id [R-TEAM-31]."""
    for each in moving.effective(known, Refund):
        note = known.note_of(each)
        if note is not None and note.reference == request.hex():
            return each
    return None


def repaid(claim: Claim, by: Buyback, method: str | None, now: int) -> Make:
    """The refund that answers a request, which is owed when it is made: others may have been paid back since.

    Args:
        claim: the request.
        by: the terms that held when the goods were received.
        method: how it was paid.
        now: ms UTC.
    """
    said, paper = claim.said, claim.paper.id

    def make(known: Known, connection: apsw.Connection) -> Move:
        if refund_for(known, paper) is not None:
            raise Void("already_logged", "that request was paid back before")
        worth(replace(claim, known=known), claims_about(connection, said, "seller", now), by)
        return Move(Refund(amount=said.amount), moving.note(method=method, reference=paper.hex()))

    return make


def contract_of(known: Known) -> Message:
    """The message that made the contract: the accept, else the start (a renewal, an order on an offer)."""
    accepted = moving.effective(known, Accept)
    return accepted[0] if accepted else known.state.start


def bought(known: Known, claims: Iterable[Claim], buyer: bytes) -> Bought | None:
    """What a member bought by a deal, and what of it was taken back.

    Args:
        known: the deal.
        claims: requests; those about this deal count that were paid back.
        buyer: who asks.

    Returns:
        None while nothing was received, or where the goods are not here.
    """
    goods = known.goods
    parts = {part.number for part in known.state.parts if part.status in _ARRIVED}
    dates = [each.time for form in (Receive, PresumeReceived) for each in moving.effective(known, form)]
    if goods is None or not parts or not (dates or known.state.ruling):
        return None
    figures = known.state.figures
    returned: Counter[int] = Counter()
    for claim in claims:
        if claim.said.order == known.row.id and claim.refund is not None:
            returned.update(dict(claim.said.goods))
    ruling = known.state.ruling
    return Bought(
        order=known.row.id,
        buyer=buyer,
        received=max([*dates, *([] if ruling is None else [ruling.time])]),
        lines=lines_of(known.order, goods, figures.price, parts),
        returned=returned,
        left=max(0, figures.paid - max(figures.refund_sent, figures.refund_received)),
    )


def worth(claim: Claim, claims: Iterable[Claim], by: Buyback) -> int:
    """What is owed on a request, minor units.

    Args:
        claim: the request; nothing was paid back for it yet.
        claims: all requests about the same order, whoever made them.
        by: the terms that held when the goods were received.

    Raises:
        Void: `no_deal`, `no_receipt`; as `protocol.teams.buyback.owed`.
    """
    if claim.known is None:
        raise Void("no_deal", "nothing was sold here by that order")
    found = bought(claim.known, claims, claim.said.signer)
    if found is None:
        raise Void("no_receipt", "nothing of that order was received")
    return owed(claim.said, found, by)


def claims_to(connection: apsw.Connection, owner: bytes, now: int) -> list[Claim]:
    """All own requests to an owner, the oldest first."""
    return [claim_of(connection, row, "buyer", now) for row in teams.buybacks(connection, owner) if row.own]


def claims_about(connection: apsw.Connection, request: BuybackRequest, role: Role, now: int) -> list[Claim]:
    """All requests about the order of one, the oldest first, whoever made them.

    The key of an order can sign requests of several members: its pieces are taken back once all the same.
    """
    rows = teams.buybacks(connection, request.owner, request.order)
    return [claim_of(connection, row, role, now) for row in rows]


def asked_for(claims: Iterable[Claim], order: bytes) -> Counter[int]:
    """Pieces by line of an order that requests ask for which nobody has refused."""
    found: Counter[int] = Counter()
    for claim in claims:
        if claim.said.order == order and (claim.open or claim.refund is not None):
            found.update(dict(claim.said.goods))
    return found
