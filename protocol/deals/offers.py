"""Offers: what a seller binds itself to sell, and on which terms, by its signature [R-OFF-1..6].

An offer holds a *quote* (everything of an order that the seller decides), for one named buyer or for as many orders as
it says, or a *discount* on listings. It is no entry of a log: it travels sealed or by a code, and the order that
follows it holds it whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final, NoReturn

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import encoding, limits
from protocol.deals.bodies import Mandate, Order, Part, Terms
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.records.fields import (
    SALT,
    Count,
    Currency,
    Epoch,
    Hash,
    Key,
    Milliseconds,
    Salt,
    Signature,
    doc,
)
from protocol.records.review import NamedBuyer
from protocol.signing import Signer
from protocol.signing import verify as verify_signature
from protocol.tags import tag

_Points = Annotated[int, Meta(ge=0, le=limits.MAX_BASIS_POINTS)]
_Unit = Annotated[str, Meta(min_length=1, max_length=limits.MAX_UNIT)]


class Quote(Struct, frozen=True, kw_only=True):
    """What an order on the offer repeats, field by field."""

    commission: Annotated[_Points | UnsetType, doc("as in the order")] = UNSET
    currency: Annotated[Currency | UnsetType, doc("as in the order")] = UNSET
    enclosed: Annotated[
        Hash | UnsetType, doc("of the enclosure with the goods; that of the order adds the buyer's address")
    ] = UNSET
    issuer: Annotated[Hash | UnsetType, doc("as in the order")] = UNSET
    listing: Annotated[Hash | UnsetType, doc("as in the order")] = UNSET
    mandate: Annotated[Mandate | UnsetType, doc("as in the order")] = UNSET
    parts: Annotated[
        Annotated[tuple[Part, ...], Meta(min_length=1, max_length=limits.MAX_PARTS)], doc("as in the order")
    ]
    plan: Annotated[Hash | UnsetType, doc("as in the order")] = UNSET
    points: Annotated[Count | UnsetType, doc("as in the order")] = UNSET
    shipping: Annotated[Count, doc("as in the order")] = 0
    tax: Annotated[Count, doc("as in the order")] = 0
    terms: Annotated[Terms, doc("as in the order")]
    unit: Annotated[_Unit | UnsetType, doc("as in the order")] = UNSET


class Discount(Struct, frozen=True, kw_only=True):
    """What is taken off the goods of an order, before tax and shipping."""

    amount: Annotated[Count | UnsetType, doc("minor units; either this or `points`")] = UNSET
    currency: Annotated[Currency | UnsetType, doc("of `amount` and `least`; else `issuer` and `unit`")] = (
        UNSET
    )
    issuer: Annotated[Hash | UnsetType, doc("issuer of the credit unit")] = UNSET
    keys: Annotated[
        Annotated[tuple[Key, ...], Meta(min_length=1, max_length=limits.MAX_MEMBERS)] | UnsetType,
        doc("keys of the listings it is for, ascending; absent: all of the seller's"),
    ] = UNSET
    least: Annotated[Count, doc("minor units the goods must cost before it")] = 0
    points: Annotated[_Points | UnsetType, doc("basis points of the goods' amount")] = UNSET
    title: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_TITLE)],
        doc("for people: the title of the order's discount line"),
    ]
    unit: Annotated[_Unit | UnsetType, doc("credit unit, as its issuer names it")] = UNSET


class Offer(Struct, frozen=True, kw_only=True, rename=SALT):
    """An offer as it is signed; exactly one of `discount` and `quote` is there."""

    salt: Annotated[Salt, doc("16 random bytes")]
    buyer: Annotated[Hash | UnsetType, doc("networker id of the one it is for; absent: by count")] = UNSET
    code: Annotated[Hash | UnsetType, doc("hash of the code it is got by, see *codes*")] = UNSET
    count: Annotated[
        Annotated[int, Meta(ge=1, le=limits.MAX_QUANTITY)] | UnsetType,
        doc("how many orders the seller will accept on it; absent: as many as come"),
    ] = UNSET
    discount: Annotated[Discount | UnsetType, doc("taken off an order of listings")] = UNSET
    epoch: Annotated[Epoch, doc("whose signing key of the seller signs")]
    expires: Annotated[Milliseconds, doc("an order dated later needs the seller's accept, who may decline")]
    quote: Annotated[Quote | UnsetType, doc("a fixed offer")] = UNSET
    seller: Annotated[Hash, doc("networker id")]
    signature: Annotated[Signature, doc("by the seller")]
    time: Annotated[Milliseconds, doc("when it was made")]


QUOTED: Final = tuple(name for name in Quote.__struct_fields__ if name != "enclosed")


@dataclass(frozen=True, slots=True)
class SignedOffer:
    """An offer of a right form, with its bytes and id (SHA-256 of the bytes)."""

    data: bytes
    id: bytes
    offer: Offer


def sign_offer(network: str, signer: Signer, unsigned: Offer) -> SignedOffer:
    """Signs an offer, whose `signature` is replaced.

    Args:
        network: name of the network.
        signer: the seller's signing key of `unsigned.epoch`.
        unsigned: the offer.

    Raises:
        LocalProtocolError: the offer has a form that a receiver would refuse; the sentence names the field.
    """
    signature = signer.sign(_covered(network, encoding.encode_struct(unsigned)))
    try:
        return parse_offer(encoding.encode_struct(msgspec.structs.replace(unsigned, signature=signature)))
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"an offer of a wrong form: {error.text}") from error


def parse_offer(data: bytes) -> SignedOffer:
    """Reads an offer; its signature is not checked here [R-OFF-1].

    Raises:
        RemoteProtocolError: `encoding`, `not_canonical`, `too_large`; else `deal_message`, naming the field.
    """
    value = encoding.decode(data, limits.MAX_OFFER)
    try:
        offer = encoding.typed(value, Offer)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("deal_message", f"offer: {error}") from error
    _check(offer)
    return SignedOffer(data=data, id=hashlib.sha256(data).digest(), offer=offer)


def _check(offer: Offer) -> None:
    """Fields that contradict each other [R-OFF-1]."""
    if (offer.quote is UNSET) == (offer.discount is UNSET):
        _wrong("quote", "an offer has either a quote or a discount")
    if offer.quote is not UNSET and offer.buyer is not UNSET and offer.count is not UNSET:
        _wrong("count", "a quote is for a named buyer or by count")
    if offer.discount is not UNSET:
        _check_discount(offer.discount)


def _check_discount(discount: Discount) -> None:
    if (discount.amount is UNSET) == (discount.points is UNSET):
        _wrong("discount.amount", "a discount has either an amount or basis points")
    credit = (discount.issuer is not UNSET, discount.unit is not UNSET)
    money = discount.amount is not UNSET or discount.least > 0
    if (discount.currency is not UNSET and any(credit)) or credit[0] != credit[1]:
        _wrong("discount.currency", "an amount is either in a currency, or in a unit of an issuer")
    if money and discount.currency is UNSET and not any(credit):
        _wrong("discount.currency", "an amount needs its currency or unit")
    if discount.keys is not UNSET and list(discount.keys) != sorted(set(discount.keys)):
        _wrong("discount.keys", "are not ascending")


def _wrong(field: str, reason: str) -> NoReturn:
    raise RemoteProtocolError("deal_message", f"offer.{field}: {reason}")


def offered_by(network: str, offer: SignedOffer, key: bytes) -> bool:
    """Whether a key signed the offer: the seller's signing key of its epoch."""
    return verify_signature(key, offer.offer.signature, _covered(network, offer.data))


def code_hash(network: str, salt: bytes, code: str) -> bytes:
    """What an offer tells of its code [R-OFF-5]: SHA-256(tag("offer code") || canonical [salt, code])."""
    return hashlib.sha256(tag(network, "offer code") + encoding.encode([salt, code])).digest()


def name_buyer(
    network: str, signer: Signer, *, id: bytes, epoch: int, key: bytes, seller: bytes
) -> NamedBuyer:
    """The proof that a networker buys with this key, for the order's `named` [R-OFF-4].

    Args:
        network: name of the network.
        signer: the networker's signing key of `epoch`.
        id: the networker who buys.
        epoch: of its key.
        key: public key of the order.
        seller: networker id.
    """
    return NamedBuyer(epoch=epoch, id=id, signature=signer.sign(_named(network, id, epoch, key, seller)))


def named_by(network: str, order: Order, key: bytes) -> bool:
    """Whether a networker's key signed that it buys with the key of this order; the order has `named`."""
    assert order.named is not UNSET
    return proves_buyer(network, order.named, order.key, order.seller, key)


def proves_buyer(network: str, named: NamedBuyer, buys: bytes, seller: bytes, key: bytes) -> bool:
    """Whether a networker's key signed that the key of a deal is theirs.

    Args:
        network: name of the network.
        named: the proof.
        buys: the key of the order.
        seller: networker id.
        key: the networker's signing key of `named.epoch`.
    """
    return verify_signature(key, named.signature, _named(network, named.id, named.epoch, buys, seller))


def _named(network: str, id: bytes, epoch: int, key: bytes, seller: bytes) -> bytes:
    return tag(network, "named buyer") + encoding.encode([id, epoch, key, seller])


def _covered(network: str, data: bytes) -> bytes:
    """Tag and canonical map without the signature; a field unknown here is covered as it came."""
    fields = encoding.decode(data, limits.MAX_OFFER)
    del fields["signature"]
    return tag(network, "offer") + encoding.encode(fields)
