"""Challenges: what an issuer was asked for in public, and what became of it [R-CRED-53..57; L14].

Refusing to log is no fork. The claimant publishes the document that obliges the issuer; every reader counts the
deadline for itself, from the day on which it had stored the challenge and handed it to the issuer. Silence is never
proof: an overdue challenge is shown, and changes no ledger.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from protocol import limits, paths
from protocol.deals.bodies import Accept, Order, Renewal
from protocol.deals.message import Message, first_order, parse, signed_by
from protocol.deals.offers import offered_by, parse_offer
from protocol.deals.starting import judged
from protocol.entry import Entry
from protocol.errors import NotHeld, RemoteProtocolError, Void
from protocol.ledger.book import Book
from protocol.ledger.effects import movement_id, sale_id
from protocol.ledger.governing import DAY
from protocol.ledger.statements import Request, read, require_signed, statement_id
from protocol.records import Challenge
from protocol.teams import statements as papers
from protocol.teams.buyback import require_bought
from protocol.teams.statements import BuybackRequest

Keys = Callable[[bytes, int], Sequence[bytes]]
DEADLINE_MS: Final = limits.CHALLENGE_DAYS * DAY


@dataclass(frozen=True, slots=True)
class Demand:
    """A challenge whose document holds: what its author may demand an entry for; one of three.

    Attributes:
        id: of the challenge's entry.
        author: networker id of the claimant.
        issuer: networker id of who is asked.
        seq: of the challenge in its author's log.
        order: id of an order whose sale is not logged.
        request: to move credit.
        buyback: to take goods back.
        effect: id of the effect that would clear it; None: only an answer does.
    """

    id: bytes
    author: bytes
    issuer: bytes
    seq: int
    order: bytes | None = None
    request: Request | None = None
    buyback: BuybackRequest | None = None
    effect: bytes | None = None


class Outcome(enum.Enum):
    """Where a challenge stands for one reader."""

    CLEARED = "cleared"  # what was asked for is logged, or an answer names it
    REFUSED = "refused"  # the issuer has signed a reason, which stays shown
    NO_STANDING = "no_standing"  # the author's credit does not cover the request; was never a member
    WAITING = "waiting"  # another challenge of the author to this issuer is open
    OPEN = "open"
    OVERDUE = "overdue"  # the issuer is suspected


def read_challenge(network: str, entry: Entry, record: Challenge, keys: Keys) -> Demand:
    """Checks what a challenge embeds; in this order, the first failure decides [R-CRED-54].

    Args:
        network: name of the network.
        entry: of the author's log; authentic.
        record: of the entry.
        keys: of (networker, epoch), what the reader knows.

    Raises:
        Void: `statement`, `names_differ`, `not_signed`, `no_standing`; of a path `path_differs`.
    """
    if record.contract is UNSET or record.path is UNSET:
        assert record.request is not UNSET  # one of both
        if record.contract is not UNSET:
            return _buyback(network, entry, record, record.contract, record.request, keys)
        return _request(network, entry, record, record.request, keys)
    contract = _contract(network, record, record.contract, keys)
    try:
        path = paths.read_path(record.path)
        hashed = paths.path_hash(network, path)
        if hashed != _path_of(contract):
            raise Void("path_differs", "path: is not the one that the contract names")
        mine = [each for each in path.referrals if each.referrer == entry.author]
        if not mine:
            raise Void("no_standing", "path: does not name the author")
        paths.check_referral(network, mine[0], keys(entry.author, mine[0].epoch))
    except (RemoteProtocolError, NotHeld) as error:
        raise Void("path_differs", f"path: {error.text}") from error
    return Demand(
        entry.id, entry.author, record.issuer, entry.seq, order=contract.deal, effect=sale_id(contract.deal)
    )


def outcome(demand: Demand, book: Book, now: int, handed: int | None) -> Outcome:
    """Where one challenge stands.

    Args:
        demand: as read.
        book: of the issuer, as far as it is known here.
        now: ms UTC.
        handed: since when the reader has it stored and handed to the issuer, ms UTC; None: it is not handed.
    """
    if demand.effect is not None and demand.effect in book.effects:
        return Outcome.CLEARED
    reply = book.reply(demand.id)
    if reply is not None:
        return Outcome.CLEARED if reply[1] is None else Outcome.REFUSED
    goods = demand.buyback
    if goods is not None and not book.teams.tree(goods.opportunity).known(goods.signer):
        return Outcome.NO_STANDING  # never a member
    request = demand.request
    if request is not None:
        have = book.figures(request.unit, request.holder, now).available
        if now >= request.expires or have < request.amount:
            return Outcome.NO_STANDING
    if handed is None or now < handed + DEADLINE_MS:
        return Outcome.OPEN
    return Outcome.OVERDUE


def outcomes(
    demands: Iterable[Demand], book: Book, now: int, handed: Mapping[bytes, int]
) -> Iterator[tuple[Demand, Outcome]]:
    """Where the challenges of all claimants to one issuer stand; of each claimant one is open at a time.

    Args:
        demands: to this issuer.
        book: of the issuer.
        now: ms UTC.
        handed: id of a challenge -> since when it is handed to the issuer.
    """
    busy: set[bytes] = set()
    for demand in sorted(demands, key=lambda each: (each.author, each.seq)):
        found = outcome(demand, book, now, handed.get(demand.id))
        if found in (Outcome.OPEN, Outcome.OVERDUE):
            if demand.author in busy:
                found = Outcome.WAITING
            busy.add(demand.author)
        yield demand, found


def _request(network: str, entry: Entry, record: Challenge, data: bytes, keys: Keys) -> Demand:
    try:
        request = read(Request, data)
    except Void:
        papers.read(BuybackRequest, data)
        raise Void("no_standing", "request: of goods to be taken back comes with its contract") from None
    if (request.holder, request.issuer) != (entry.author, record.issuer):
        raise Void("names_differ", "request: is of another holder, or to another issuer")
    require_signed(network, request, keys(request.holder, request.epoch))
    effect = movement_id(statement_id(network, request))
    return Demand(entry.id, entry.author, record.issuer, entry.seq, request=request, effect=effect)


def _buyback(
    network: str, entry: Entry, record: Challenge, contract: bytes, data: bytes, keys: Keys
) -> Demand:
    """Goods to be taken back: the issuer has sold them, by that contract, to the author [R-CRED-54]."""
    request = papers.read(BuybackRequest, data)
    if (request.signer, request.owner) != (entry.author, record.issuer):
        raise Void("names_differ", "request: is of another buyer, or to another owner")
    papers.require_signed(network, request, keys(request.signer, request.epoch))
    sold = _contract(network, record, contract, keys)
    if sold.deal != request.order:
        raise Void("names_differ", "contract: is of another order than the request")
    body = sold.body
    require_bought(network, request, body.key if isinstance(body, Accept) else first_order(sold).key)
    return Demand(entry.id, entry.author, record.issuer, entry.seq, buyback=request)


def _contract(network: str, record: Challenge, data: bytes, keys: Keys) -> Message:
    """The message by which the issuer is bound to a sale: its accept, its renewal, or an order on its own offer."""
    try:
        message = parse(data)
    except RemoteProtocolError as error:
        raise Void("statement", f"contract: {error.text}") from error
    body = message.body
    if isinstance(body, Accept | Renewal):
        if isinstance(body, Renewal) and first_order(message).seller != record.issuer:
            raise Void("names_differ", "contract: is of another seller")
        signed = any(signed_by(network, message, key) for key in keys(record.issuer, message.epoch or 0))
    elif isinstance(body, Order) and body.offer is not UNSET and judged(message) == (None, True):
        offer = parse_offer(body.offer)
        if offer.offer.seller != record.issuer:
            raise Void("names_differ", "contract: is of another seller")
        bound = any(offered_by(network, offer, key) for key in keys(record.issuer, offer.offer.epoch))
        signed = bound and signed_by(network, message, body.key)
    else:
        raise Void("no_standing", "contract: does not bind the issuer")
    if not signed:
        raise Void("not_signed", "contract: is not signed by the issuer, or its keys are not known")
    return message


def _path_of(contract: Message) -> bytes | None:
    body = contract.body
    found = body.path if isinstance(body, Accept) else first_order(contract).path
    return None if found is UNSET else found
