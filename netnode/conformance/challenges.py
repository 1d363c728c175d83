"""Challenges: what an issuer is asked for in public, and where that stands; section 27.9."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance import credits, teams
from netnode.conformance.deals import Message, read_message, signed_by
from netnode.conformance.entries import Entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.ledgerfold import Ledger
from netnode.conformance.limits import CHALLENGE_DAYS, MILLISECONDS_PER_DAY
from netnode.conformance.offers import offered_by, read_offer
from netnode.conformance.paths import check_token, hash_of, read_path, read_token
from netnode.conformance.records import read_record
from netnode.conformance.verdicts import binding

Map = dict[str, Any]
Keys = Callable[[bytes, int], list[bytes]]
KIND: Final = 23
TIME_MS: Final = CHALLENGE_DAYS * MILLISECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenge whose document holds.

    Attributes:
        id: of its entry.
        author: networker id of the claimant.
        issuer: networker id of who is asked.
        seq: of the entry in the claimant's log.
        about: what is asked for: "sale", "request" or "buyback".
        document: the statement that asks for it; of a sale its order alone.
        effect: id of the effect that clears it; None: only an answer does.
    """

    id: bytes
    author: bytes
    issuer: bytes
    seq: int
    about: str
    document: Map
    effect: bytes | None


def read_challenge(network: str, entry: Entry, keys: Keys) -> Asked:
    """What a challenge asks for; in this order, the first failure decides [R-CRED-54].

    Args:
        network: the network's name.
        entry: of the claimant's log, whose link and signature hold.
        keys: of a networker in an epoch, as far as they are known; none: they are not.

    Raises:
        Fault: `malformed`; `statement`, `names_differ`, `not_signed`, `no_standing`, `path_differs`.
    """
    record = read_record(KIND, entry.record or b"")
    author, issuer = entry.header.author, record["issuer"]
    if "path" in record:
        contract = _contract(network, record, keys)
        _require_token(network, author, record["path"], contract, keys)
        return Asked(
            entry.id, author, issuer, entry.seq, "sale", {"order": contract.deal}, b"s" + contract.deal
        )
    if "contract" in record:
        request = _goods(network, author, record, keys)
        return Asked(entry.id, author, issuer, entry.seq, "buyback", request, None)
    request = _movement(network, author, record, keys)
    own = credits.statement_id(network, "credit request", request)
    return Asked(entry.id, author, issuer, entry.seq, "request", request, b"m" + own)


def stand(ledger: Ledger, asked: Iterable[Asked], now: int, handed: Mapping[bytes, int]) -> dict[bytes, str]:
    """Where challenges to one issuer stand, by id [R-CRED-55] [R-CRED-56] [R-CRED-57].

    Args:
        ledger: of the issuer, as far as it is known.
        asked: of any claimants.
        now: ms UTC.
        handed: since when the reader had each stored and handed to the issuer, ms UTC.

    Returns:
        `cleared`, `refused`, `no_standing`, `waiting`, `open` or `overdue`.
    """
    found: dict[bytes, str] = {}
    busy: set[bytes] = set()
    for each in sorted(asked, key=lambda one: (one.author, one.seq)):
        state = _stands(ledger, each, now, handed.get(each.id))
        if state in ("open", "overdue"):
            state = "waiting" if each.author in busy else state
            busy.add(each.author)
        found[each.id] = state
    return found


def _stands(ledger: Ledger, asked: Asked, now: int, handed: int | None) -> str:
    if asked.effect is not None and asked.effect in ledger.effects:
        return "cleared"
    if asked.id in ledger.replies:
        return "cleared" if ledger.replies[asked.id] is None else "refused"
    document = asked.document
    if asked.about == "buyback" and not ledger.ever_member(document["opportunity"], asked.author):
        return "no_standing"
    if asked.about == "request":
        available = ledger.available(document["unit"], asked.author, now)
        if now >= document["expires"] or available < document["amount"]:
            return "no_standing"
    return "overdue" if handed is not None and now >= handed + TIME_MS else "open"


# -- documents -----------------------------------------------------------------------------------------------
def _movement(network: str, author: bytes, record: Map, keys: Keys) -> Map:
    try:
        request = credits.read_statement("credit request", record["request"])
    except Fault:
        teams.read_statement("buyback", record["request"])
        raise Fault("no_standing", "goods without the contract of their order") from None
    demand(
        (request["holder"], request["issuer"]) == (author, record["issuer"]), "names_differ", "the request"
    )
    held = any(
        credits.signed_by(network, "credit request", request, key, request["signature"])
        for key in keys(author, request["epoch"])
    )
    demand(held, "not_signed", "the request")
    return request


def _goods(network: str, author: bytes, record: Map, keys: Keys) -> Map:
    """Goods to be taken back, by the contract of their order; it is the key of that order that bought them."""
    request = teams.read_statement("buyback", record["request"])
    demand((request["signer"], request["owner"]) == (author, record["issuer"]), "names_differ", "the request")
    held = any(teams.signed_by(network, "buyback", request, key) for key in keys(author, request["epoch"]))
    demand(held, "not_signed", "the request")
    contract = _contract(network, record, keys)
    demand(contract.deal == request["order"], "names_differ", "another order")
    key = contract.body["key"] if contract.type == "accept" else contract.order["key"]
    demand(teams.bought_by(network, request, key), "not_signed", "by the key of the order")
    return request


def _contract(network: str, record: Map, keys: Keys) -> Message:
    """What binds the issuer to a sale: its accept, its renewal, or an order on its offer to a named buyer."""
    try:
        message = read_message(record["contract"])
    except Fault as fault:
        raise Fault("statement", f"the contract: {fault}") from fault
    issuer = record["issuer"]
    if message.type in ("accept", "renewal"):
        same = message.type == "accept" or message.order["seller"] == issuer
        demand(same, "names_differ", "the contract")
        held = any(signed_by(network, message, key) for key in keys(issuer, message.epoch or 0))
    else:
        quoted = message.type == "order" and "offer" in message.body and binding(message)
        demand(quoted, "no_standing", "the contract")
        offer = read_offer(message.body["offer"])
        demand(offer["seller"] == issuer, "names_differ", "the contract")
        offered = any(offered_by(network, message.body["offer"], key) for key in keys(issuer, offer["epoch"]))
        held = offered and signed_by(network, message, message.body["key"])
    demand(held, "not_signed", "the contract")
    return message


def _require_token(network: str, author: bytes, path: bytes, contract: Message, keys: Keys) -> None:
    """The author signed a token of the path that the contract names."""
    named = contract.body if contract.type == "accept" else contract.order
    try:
        tokens = [read_token(each) for each in read_path(path)[1]]
    except Fault as fault:
        raise Fault("path_differs", str(fault)) from fault
    demand(hash_of(network, path) == named.get("path"), "path_differs", "another path")
    mine = [each for each in tokens if each["referrer"] == author]
    demand(bool(mine), "no_standing", "no token of the author")
    for key in keys(author, mine[0]["epoch"]):
        try:
            check_token(network, mine[0], key)
        except Fault:
            continue
        return
    raise Fault("path_differs", "the author's token is not signed")
