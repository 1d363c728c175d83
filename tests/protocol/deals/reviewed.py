"""Reviews made by hand: a deal from order to receipt, and what its buyer says of it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from protocol.deals.bodies import Accept, Receive
from protocol.deals.consent import Consent, SignedConsent, sign_consent
from protocol.deals.message import Message, sign
from protocol.deals.offers import Offer, Quote, name_buyer, sign_offer
from protocol.deals.reviews import sign_review
from protocol.paths import Path, path_hash, path_of, sign_referral
from protocol.records import Review
from protocol.signing import Signer
from tests.protocol.author import NETWORK, START, Author
from tests.protocol.deals.made import ARBITER, BUYER, FAR, HOUR, SELLER, TERMS, order

NAMED = Author("nell")
REFERRER = Author("rita")
LISTING = b"l" * 32


def the_path(referrer: Author = REFERRER, seller: Author = SELLER, network: str = NETWORK) -> Path:
    """A path of one token."""
    token = sign_referral(
        network, referrer.signer, referrer=referrer.id, epoch=0, seller=seller.id, expires=FAR
    )
    return path_of(b"p" * 16, [token])


def accepted(
    *, seller: Author = SELLER, key: Signer = BUYER, path: Path | None = None, network: str = NETWORK
) -> Message:
    """A seller's accept of some order."""
    return sign(
        network,
        seller.signer,
        body=Accept(
            key=key.public,
            listing=LISTING,
            path=UNSET if path is None else path_hash(network, path),
        ),
        deal=b"d" * 32,
        role="seller",
        number=0,
        previous=None,
        seen=(b"d" * 32,),
        time=START + HOUR,
        epoch=0,
    )


def bought(network: str = NETWORK, *, named: bool = True, expires: int = FAR) -> Message:
    """An order on an offer of the seller to a named buyer: the contract, without an accept."""
    plain = order()
    quote = Quote(
        currency=plain.currency,
        listing=plain.listing,
        parts=plain.parts,
        terms=plain.terms,
        enclosed=b"g" * 32,
    )
    offer = sign_offer(
        network,
        SELLER.signer,
        Offer(
            salt=b"o" * 16, buyer=NAMED.id if named else UNSET, epoch=0, expires=expires, quote=quote,
            seller=SELLER.id, signature=bytes(64), time=START - HOUR,
        ),
    )  # fmt: skip
    body = msgspec.structs.replace(
        plain,
        named=name_buyer(
            network, NAMED.signer, id=NAMED.id, epoch=0, key=BUYER.public, seller=SELLER.id
        ),
        offer=offer.data,
    )  # fmt: skip
    return sign(
        network, BUYER, body=body, deal=None, role="buyer", number=0, previous=None, seen=(), time=START, epoch=None
    )  # fmt: skip


def received(
    contract: Message,
    *,
    key: Signer = BUYER,
    network: str = NETWORK,
    time: int = START + 9 * HOUR,
    **more: Any,
) -> Message:
    """The buyer's receipt."""
    return sign(
        network,
        key,
        body=Receive(),
        deal=more.get("deal", contract.deal),
        role="buyer",
        number=1,
        previous=b"d" * 32,
        seen=(contract.id,) if not contract.starts else (b"s" * 32,),
        time=time,
        epoch=None,
    )


def reviewed(
    *,
    contract: Message | None = None,
    receipt: Message | None = None,
    key: Signer = BUYER,
    seller: Author = SELLER,
    named: Author | None = None,
    network: str = NETWORK,
    **fields: Any,
) -> bytes:
    """The record of a review; what is not given is of one whole honest deal."""
    contract = contract or accepted(seller=seller, key=key, network=network)
    receipt = receipt or received(contract, key=key, network=network)
    buyer = (
        UNSET
        if named is None
        else name_buyer(network, named.signer, id=named.id, epoch=0, key=key.public, seller=seller.id)
    )
    given: dict[str, Any] = {"rating": 4, "text": "Warm, and in time.", "time": START + 10 * HOUR, **fields}
    return sign_review(
        network,
        key,
        Review(
            salt=b"r" * 16,
            buyer=buyer,
            contract=contract.data,
            receipt=receipt.data,
            seller=seller.id,
            signature=bytes(64),
            **given,
        ),
    )


def consented(network: str = NETWORK, arbiter: Author = ARBITER, **fields: Any) -> SignedConsent:
    """A consent for 2 % of the price."""
    given: dict[str, Any] = {
        "points": 200, "expires": FAR, "time": START - HOUR, "terms": b"t" * 32, "epoch": 0, "arbiter": arbiter.id,
        **fields,
    }  # fmt: skip
    return sign_consent(network, arbiter.signer, Consent(salt=b"c" * 16, signature=bytes(64), **given))


__all__ = [
    "ARBITER", "BUYER", "HOUR", "LISTING", "NAMED", "NETWORK", "REFERRER", "SELLER", "START", "TERMS", "accepted",
    "bought", "consented", "received", "reviewed", "the_path",
]  # fmt: skip
