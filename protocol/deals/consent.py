"""Consents: an arbiter's signed word to rule in disputes, for a fee, which the terms of an order hold [R-ARB-1..4].

A consent is for one seller or for all; who orders puts it into the order whole, so the parties are bound to an arbiter
who is bound too. Who the arbiter may not be is judged by the order alone, and by an opened path where one is known.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Annotated, NoReturn

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import encoding, limits
from protocol.deals.bodies import Order
from protocol.deals.pricing import half_up
from protocol.errors import LocalProtocolError, RemoteProtocolError, Void
from protocol.paths import Path
from protocol.records.fields import (
    SALT,
    Count,
    Currency,
    Epoch,
    Hash,
    Milliseconds,
    Salt,
    Signature,
    doc,
)
from protocol.signing import Signer
from protocol.signing import verify as verify_signature
from protocol.tags import tag

_Points = Annotated[int, Meta(ge=0, le=limits.MAX_BASIS_POINTS)]
_Unit = Annotated[str, Meta(min_length=1, max_length=limits.MAX_UNIT)]


class Consent(Struct, frozen=True, kw_only=True, rename=SALT):
    """What an arbiter signs; exactly one of `amount` and `points` is there."""

    salt: Annotated[Salt, doc("16 random bytes")]
    amount: Annotated[Count | UnsetType, doc("the fee of one ruling, minor units")] = UNSET
    arbiter: Annotated[Hash, doc("networker id of who signs")]
    currency: Annotated[Currency | UnsetType, doc("of `amount`; else `issuer` and `unit`")] = UNSET
    epoch: Annotated[Epoch, doc("whose signing key of the arbiter signs")]
    expires: Annotated[Milliseconds, doc("an order dated later cannot hold it")]
    issuer: Annotated[Hash | UnsetType, doc("issuer of the credit unit that `amount` is in")] = UNSET
    points: Annotated[_Points | UnsetType, doc("the fee of one ruling, basis points of the price")] = UNSET
    seller: Annotated[Hash | UnsetType, doc("the only seller it is for; absent: for all")] = UNSET
    signature: Annotated[Signature, doc("by the arbiter")]
    terms: Annotated[Hash, doc("SHA-256 of the arbiter's terms, UTF-8 text: who pays the fee, how they rule")]
    time: Annotated[Milliseconds, doc("when it was made")]
    unit: Annotated[_Unit | UnsetType, doc("credit unit, as its issuer names it")] = UNSET


@dataclass(frozen=True, slots=True)
class SignedConsent:
    """A consent of a right form, with its bytes and id (SHA-256 of the bytes)."""

    data: bytes = field(repr=False)
    id: bytes
    consent: Consent


def terms_hash(text: str) -> bytes:
    """What a consent names of its terms."""
    return hashlib.sha256(text.encode()).digest()


def sign_consent(network: str, signer: Signer, unsigned: Consent) -> SignedConsent:
    """Signs a consent, whose `signature` is replaced.

    Args:
        network: name of the network.
        signer: the arbiter's signing key of `unsigned.epoch`.
        unsigned: the consent.

    Raises:
        LocalProtocolError: it has a form that a receiver would refuse; the sentence names the field.
    """
    signature = signer.sign(_covered(network, encoding.encode_struct(unsigned)))
    try:
        return parse_consent(encoding.encode_struct(msgspec.structs.replace(unsigned, signature=signature)))
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"a consent of a wrong form: {error.text}") from error


def parse_consent(data: bytes) -> SignedConsent:
    """Reads a consent; its signature is not checked here [R-ARB-1].

    Raises:
        RemoteProtocolError: `encoding`, `not_canonical`, `too_large`; else `deal_message`, naming the field.
    """
    value = encoding.decode(data, limits.MAX_CONSENT)
    try:
        consent = encoding.typed(value, Consent)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("deal_message", f"consent: {error}") from error
    if (consent.amount is UNSET) == (consent.points is UNSET):
        _wrong("amount", "a fee is either an amount or basis points")
    credit = (consent.issuer is not UNSET, consent.unit is not UNSET)
    money = (consent.currency is not UNSET, all(credit))
    if credit[0] != credit[1] or sum(money) != (consent.amount is not UNSET):
        _wrong(
            "currency", "an amount is either in a currency, or in a unit of an issuer; basis points in none"
        )
    if consent.seller == consent.arbiter:
        _wrong("seller", "an arbiter does not sell in the deals they rule")
    return SignedConsent(data=data, id=hashlib.sha256(data).digest(), consent=consent)


def consented_by(network: str, signed: SignedConsent, key: bytes) -> bool:
    """Whether a key signed the consent: the arbiter's signing key of its epoch [R-ARB-2]."""
    return verify_signature(key, signed.consent.signature, _covered(network, signed.data))


def check_consent(
    consent: Consent,
    *,
    arbiter: bytes,
    seller: bytes,
    buyer: bytes | None,
    time: int,
    path: Path | None = None,
) -> None:
    """Refuses a consent that does not fit its order, or an arbiter with an interest of their own [R-ARB-3].

    Args:
        consent: of the order's terms.
        arbiter: whom the terms name.
        seller: of the order.
        buyer: the networker it names, None where it names none.
        time: the order's date, ms UTC.
        path: the opened path, where it is known.

    Raises:
        Void: `consent`, with a sentence.
    """
    reason = _misfit(consent, arbiter, seller, time) or _interest(arbiter, seller, buyer, path)
    if reason is not None:
        raise Void("consent", reason)


def check_arbiter(order: Order, time: int, path: Path | None = None) -> None:
    """Refuses an order whose terms name an arbiter who has not consented to it, or may not rule in it [R-ARB-3].

    Args:
        order: of a right form.
        time: its date, ms UTC.
        path: the opened path, where it is known.

    Raises:
        Void: `consent`, with a sentence.
    """
    terms = order.terms
    if terms.arbiter is UNSET or terms.consent is UNSET:
        return
    buyer = None if order.named is UNSET else order.named.id
    consent = parse_consent(terms.consent).consent
    check_consent(consent, arbiter=terms.arbiter, seller=order.seller, buyer=buyer, time=time, path=path)


def _misfit(consent: Consent, arbiter: bytes, seller: bytes, time: int) -> str | None:
    if consent.arbiter != arbiter:
        return "the consent in the order is of another arbiter than its terms name"
    if consent.seller not in (UNSET, seller):
        return "the arbiter has consented to rule in deals of another seller"
    if not consent.time <= time <= consent.expires:
        return "the arbiter's consent had not begun or had expired when the order was made"
    return None


def _interest(arbiter: bytes, seller: bytes, buyer: bytes | None, path: Path | None) -> str | None:
    if arbiter == seller:
        return "the seller cannot rule in a deal of their own"
    if arbiter == buyer:
        return "the buyer cannot rule in a deal of their own"
    if path is not None and any(each.referrer == arbiter for each in path.referrals):
        return "the arbiter has led the buyer to the seller, and is paid when the sale stands"
    return None


def fee(consent: Consent, price: int) -> int:
    """What one ruling costs, minor units: in the consent's money, or of the price in the order's; half up."""
    if consent.amount is not UNSET:
        return consent.amount
    assert consent.points is not UNSET  # exactly one of them
    return half_up(price * consent.points, limits.MAX_BASIS_POINTS)


def _wrong(where: str, reason: str) -> NoReturn:
    raise RemoteProtocolError("deal_message", f"consent.{where}: {reason}")


def _covered(network: str, data: bytes) -> bytes:
    """Tag and canonical map without the signature; a field unknown here is covered as it came."""
    fields = encoding.decode(data, limits.MAX_CONSENT)
    del fields["signature"]
    return tag(network, "consent") + encoding.encode(fields)
