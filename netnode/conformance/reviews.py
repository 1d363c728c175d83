"""Reviews: what in them their buyer signed, and whether a seller's key made the contract; section 24.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance.deals import Message, read_message, signed_by
from netnode.conformance.encoding import encode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.mandates import read_statement
from netnode.conformance.offers import named_by, offered_by, read_offer
from netnode.conformance.paths import hash_of, read_path, read_token
from netnode.conformance.records import read_record
from netnode.conformance.signatures import valid
from netnode.conformance.tags import sha256, tag
from netnode.conformance.verdicts import binding

REVIEW: Final = 19
Map = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Review:
    """A review that its buyer signed; `epoch` is that of the seller's key that has to have made the contract."""

    id: bytes
    record: Map
    contract: Message
    receipt: Message
    key: bytes
    epoch: int | None


def read_review(network: str, data: bytes) -> Review:
    """What needs no key of a networker [R-REV-1] [R-REV-2] [R-REV-4].

    Raises:
        Fault: `malformed`, `signature`.
    """
    record = read_record(REVIEW, data)
    try:
        contract, receipt = read_message(record["contract"]), read_message(record["receipt"])
        opened = read_path(record["path"])[1] if "path" in record else None
    except Fault as fault:
        raise Fault("malformed", str(fault)) from fault
    demand((receipt.type, receipt.role) == ("receive", "buyer"), "malformed", "no receipt")
    demand(receipt.deal == contract.deal, "malformed", "two deals")
    demand(contract.time <= receipt.time <= record["time"], "malformed", "dates")
    told, epoch = _contract(contract, record["seller"])
    if opened is not None:
        demand(hash_of(network, record["path"]) == told.get("path"), "malformed", "another path")
        demand(read_token(opened[0])["seller"] == record["seller"], "malformed", "to another seller")
    _signed_start(network, contract, told["key"])
    demand(signed_by(network, receipt, told["key"]), "signature", "of the receipt")
    rest = {name: value for name, value in record.items() if name != "signature"}
    whole = tag(network, "review") + encode(rest)
    demand(valid(told["key"], whole, record["signature"]), "signature", "of the review")
    return Review(sha256(data), record, contract, receipt, told["key"], epoch)


def _contract(contract: Message, seller: bytes) -> tuple[Map, int | None]:
    """The map that names key and path, and the epoch of the seller's key [R-REV-3]."""
    if contract.type == "accept":
        demand(contract.role == "seller", "malformed", "not the seller's")
        return contract.body, contract.epoch
    demand(contract.type in ("order", "renewal") and binding(contract), "malformed", "no contract")
    order = contract.order
    demand(order["seller"] == seller, "malformed", "another seller")
    return order, contract.epoch if contract.type == "renewal" else int(read_offer(order["offer"])["epoch"])


def _signed_start(network: str, contract: Message, key: bytes) -> None:
    """What the buyer signed of a contract without an accept [R-REV-3]."""
    if contract.type == "order":
        demand(signed_by(network, contract, key), "signature", "of the order")
    if contract.type == "renewal":
        first = read_message(contract.body["first"])
        demand(signed_by(network, first, key), "signature", "of the order")
        for each in contract.body.get("changes", []):
            read_statement(network, each, key)


def agreed_by(network: str, review: Review, key: bytes) -> bool:
    """Whether a key of the seller made the contract [R-REV-3]."""
    if review.contract.type == "order":
        return offered_by(network, review.contract.body["offer"], key)
    return signed_by(network, review.contract, key)


def bought_by(network: str, review: Review, key: bytes) -> bool:
    """Whether the networker named as the buyer signed so with this key [R-REV-5]."""
    named = {"named": review.record["buyer"], "key": review.key, "seller": review.record["seller"]}
    return named_by(network, named, key)
