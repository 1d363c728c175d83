"""Reviews: what proves that a buyer bought, and that nobody but that buyer wrote it [R-REV-1..6].

A review holds the message that made the contract and the buyer's receipt, so that anybody who knows the seller's
openers can check it, from wherever its bytes come. `parse_review` judges all that needs no key of a networker;
`agreed_by`, `named_in` and `opened` judge the rest, each under the keys it asks for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, NoReturn

import msgspec
from msgspec import UNSET

from protocol import encoding, limits
from protocol.deals import starting
from protocol.deals.bodies import Accept, Order, Receive, Renewal
from protocol.deals.mandates import authentic_renewal
from protocol.deals.message import Message, first_order, parse, signed_by
from protocol.deals.offers import offered_by, parse_offer, proves_buyer
from protocol.errors import ProtocolError, RemoteProtocolError, Void
from protocol.paths import Keys, Path, check_path, path_hash, read_path
from protocol.records import Review, decode_record, encode_record
from protocol.signing import Signer
from protocol.signing import verify as verify_signature
from protocol.tags import tag

AGED_MS: Final = 30 * 24 * 3_600_000
"""From the contract on; a receipt younger than that is easily one of many that were made up in one afternoon."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review that its buyer wrote; whether the seller agreed to the deal is not judged yet.

    Attributes:
        data: the record's bytes, the same in every log that carries it.
        id: SHA-256 of them.
        record: what it says.
        contract: the message that made the contract.
        receipt: the buyer's `receive`.
        key: the buyer's key of that deal.
        listing: id of the listing's entry; None where the deal was of free goods.
        path_hash: that the contract names; None without one.
        epoch: of the seller's signing key that agreed.
    """

    data: bytes = field(repr=False)
    id: bytes
    record: Review = field(repr=False)
    contract: Message = field(repr=False)
    receipt: Message = field(repr=False)
    key: bytes
    listing: bytes | None
    path_hash: bytes | None
    epoch: int

    @property
    def deal(self) -> bytes:
        """Id of the deal."""
        return self.contract.deal

    def aged(self, now: int) -> bool:
        """Whether the contract is at least AGED_MS old [R-REV-8]."""
        return now - self.contract.time >= AGED_MS


def sign_review(network: str, signer: Signer, unsigned: Review) -> bytes:
    """The record of a review, signed; its `signature` is replaced.

    Args:
        network: name of the network.
        signer: the buyer's key of the deal.
        unsigned: the review.

    Raises:
        LocalProtocolError: a field that INX does not allow.
    """
    signature = signer.sign(_covered(network, encode_record(unsigned)))
    return encode_record(msgspec.structs.replace(unsigned, signature=signature))


def parse_review(network: str, data: bytes) -> Reviewed:
    """Reads a review and judges all that needs no key of a networker [R-REV-2..4].

    Raises:
        Void: `malformed`, as `read_review`; else `signature`: the buyer's key did not sign receipt, review or what the
            contract rests on.
    """
    found = read_review(network, data)
    start = found.contract.body
    if isinstance(start, Order) and not signed_by(network, found.contract, found.key):
        raise Void("signature", "the key of the order did not sign it in this network")
    if isinstance(start, Renewal) and not authentic_renewal(network, start):
        raise Void("signature", "the buyer did not sign what the renewal rests on")
    if not signed_by(network, found.receipt, found.key):
        raise Void("signature", "the buyer's key did not sign the receipt in this network")
    if not verify_signature(found.key, found.record.signature, _covered(network, data)):
        raise Void("signature", "the key of the receipt did not sign the review in this network")
    return found


def read_review(network: str, data: bytes) -> Reviewed:
    """Reads a review whose buyer's signatures hold, as was judged when it came; whatever else it takes is judged.

    Raises:
        Void: `malformed`: form, or contract, receipt, path and seller that do not go together.
    """
    record = decode_record(Review.KIND, data)
    assert isinstance(record, Review)  # by its kind
    contract, receipt = _message("contract", record.contract), _message("receipt", record.receipt)
    if not isinstance(receipt.body, Receive) or receipt.role != "buyer":
        _malformed("receipt", "is no buyer's `receive`")
    if receipt.deal != contract.deal:
        _malformed("receipt", "is of another deal than the contract")
    if not contract.time <= receipt.time <= record.time:
        _malformed("time", "a review is not dated before the receipt, nor that before the contract")
    named = _agreed(contract, record.seller)
    _check_path(network, record, named.path)
    return Reviewed(
        data=data,
        id=hashlib.sha256(data).digest(),
        record=record,
        contract=contract,
        receipt=receipt,
        key=named.key,
        listing=named.listing,
        path_hash=named.path,
        epoch=named.epoch,
    )


def agreed_by(network: str, review: Reviewed, key: bytes) -> bool:
    """Whether the seller's signing key of `review.epoch` made the contract [R-REV-3]."""
    body = review.contract.body
    if isinstance(body, Order):
        assert body.offer is not UNSET  # `parse_review` takes no other order
        return offered_by(network, parse_offer(body.offer), key)
    return signed_by(network, review.contract, key)


def named_in(network: str, review: Reviewed, key: bytes) -> bool:
    """Whether the networker that the review names as buyer signed, with this key, that it is theirs [R-REV-5]."""
    buyer = review.record.buyer
    return buyer is not UNSET and proves_buyer(network, buyer, review.key, review.record.seller, key)


def opened(network: str, review: Reviewed, keys: Keys) -> Path | None:
    """The path that led the buyer, if the review opens it and each of its tokens is signed [R-REV-6].

    Args:
        network: name of the network.
        review: the review.
        keys: of networkers.
    """
    if review.record.path is UNSET:
        return None
    path = read_path(review.record.path)
    try:
        check_path(network, path, review.contract.time, keys)
    except ProtocolError:
        return None
    return path


def newer(one: Reviewed, other: Reviewed) -> bool:
    """Whether `one` replaces `other`: of one key, by the writer's own time; of one time, by the higher id [R-REV-7]."""
    return (one.record.time, one.id) > (other.record.time, other.id)


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What a contract says of the deal."""

    key: bytes
    listing: bytes | None
    path: bytes | None
    epoch: int


def _agreed(contract: Message, seller: bytes) -> _Agreed:
    match contract.body:
        case Accept() as accept:
            if contract.role != "seller":
                _malformed("contract", "is no seller's `accept`")
            return _Agreed(accept.key, accept.listing or None, accept.path or None, contract.epoch or 0)
        case Order() | Renewal():
            return _started(contract, seller)
        case _:
            _malformed("contract", f"a `{contract.type}` makes no contract")


def _started(start: Message, seller: bytes) -> _Agreed:
    """Of a deal without an accept: the offer to a named buyer, or the mandate, stands in its place."""
    order = first_order(start)
    if starting.judged(start) != (None, True):
        _malformed("contract", "is an order that waits for its accept, or has no effect")
    if order.seller != seller:
        _malformed("seller", "is not the one of the order")
    epoch = start.epoch or 0
    if isinstance(start.body, Order) and order.offer is not UNSET:
        epoch = parse_offer(order.offer).offer.epoch
    return _Agreed(order.key, order.listing or None, order.path or None, epoch)


def _check_path(network: str, record: Review, named: bytes | None) -> None:
    if record.path is UNSET:
        return
    try:
        path = read_path(record.path)
    except RemoteProtocolError as error:
        raise Void("malformed", f"path: {error.text}") from error
    if path_hash(network, path) != named or path.seller != record.seller:
        _malformed("path", "is not the one that the contract names")


def _message(where: str, data: bytes) -> Message:
    try:
        return parse(data)
    except RemoteProtocolError as error:
        raise Void("malformed", f"{where}: {error.text}") from error


def _malformed(where: str, text: str) -> NoReturn:
    raise Void("malformed", f"{where}: {text}")


def _covered(network: str, data: bytes) -> bytes:
    """Tag and canonical map without the signature; a field unknown here is covered as it came [R-REV-4]."""
    fields = encoding.decode(data, limits.MAX_RECORD)
    del fields["signature"]
    return tag(network, "review") + encoding.encode(fields)
