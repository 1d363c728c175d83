"""Bodies and answers of the public routes, as canonical MessagePack; fields in byte order [R-SHOP-1]."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from protocol import limits
from protocol.messages import Found
from protocol.records.fields import Count, Hash, Key, Milliseconds, PublicKey, doc
from protocol.signing import SIGNATURE_BYTES

_Signature = Annotated[bytes, Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]
_Token = Annotated[bytes, Meta(max_length=limits.MAX_REFERRAL)]
_Tokens = Annotated[tuple[_Token, ...], Meta(max_length=limits.MAX_PATH)]
_Message = Annotated[bytes, Meta(max_length=limits.MAX_DEAL_MESSAGE)]
_Receipt = Annotated[bytes, Meta(max_length=limits.MAX_RECEIPT)]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Answer: which node this is."""

    clock: Annotated[Milliseconds, doc("ms UTC, the node's")]
    network: Annotated[str, doc("the network's name")]
    openers: Annotated[
        tuple[list[bytes | None], ...], doc("the node's own: inception and rotations, as entries")
    ]
    stamp: Annotated[Count, doc("bits of the stamp that letters left here show")] = 0
    version: Annotated[int, doc("1")] = 1


class ListingAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for a listing and all that is needed to buy it."""

    key: Annotated[Key | UnsetType, doc("of the listing; absent: only the seller's keys and profile")] = UNSET
    path: Annotated[_Tokens, doc("the tokens that led here so far, the first one first")] = ()
    seller: Annotated[Hash, doc("networker id")]


class ListingTold(msgspec.Struct, frozen=True, kw_only=True):
    """Answer: the listing's entry, the seller's keys and profile, with their proof."""

    clock: Annotated[Milliseconds, doc("ms UTC, the node's")]
    found: Annotated[
        Found, doc("as the body of `found`, message 33; the hits are entries of kinds 8, 3 and 1")
    ]
    path: Annotated[_Tokens, doc("the tokens of the path of an order made now, that of this node the last")]
    plan: Annotated[
        Hash | UnsetType,
        doc("hash of the seller's plan that an order of the listing names, if any holds for it"),
    ] = UNSET


class ReferralAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Asks what a code stands for, as it was typed at checkout."""

    code: Annotated[
        Annotated[str, Meta(min_length=1, max_length=2 * limits.MAX_CODE)], doc("as it was typed")
    ]


class ReferralTold(msgspec.Struct, frozen=True, kw_only=True):
    """Answer: the link that a code stands for at this node."""

    clock: Annotated[Milliseconds, doc("ms UTC, the node's")]
    link: Annotated[str, doc("a referral link, `inxref1...`")]


class LetterLeft(msgspec.Struct, frozen=True, kw_only=True):
    """Leaves a letter to be carried."""

    letter: Annotated[Annotated[bytes, Meta(max_length=limits.MAX_LETTER)], doc("the letter, whole")]
    signature: Annotated[_Signature, doc("by the letter's sender")]
    time: Annotated[Milliseconds, doc("ms UTC, now")]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Answer: it is kept durably, and goes on its way."""

    clock: Annotated[Milliseconds, doc("ms UTC, the node's")]


class Collect(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for the letters of a box."""

    after: Annotated[Count, doc("number of the last letter read before; 0: from the first on")] = 0
    box: Annotated[PublicKey, doc("the buyer's key")]
    signature: Annotated[_Signature, doc("by that key")]
    time: Annotated[Milliseconds, doc("ms UTC, now")]


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """Answer: letters of the box in the order they came."""

    clock: Annotated[Milliseconds, doc("ms UTC, the node's")]
    letters: Annotated[tuple[tuple[int, bytes], ...], doc("number and letter")]
    more: Annotated[bool, doc("whether there are more")] = False


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Leaves what proves that the path led to a sale."""

    accept: Annotated[_Message, doc("the seller's message")]
    openers: Annotated[
        Annotated[tuple[list[Any], ...], Meta(max_length=limits.MAX_EPOCHS)],
        doc("the seller's inception and rotations as entries, where this node may not know them"),
    ] = ()
    path: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_OPENED_PATH)],
        doc("opened: canonical bytes of salt and tokens"),
    ]
    receipts: Annotated[
        Annotated[tuple[_Receipt, ...], Meta(max_length=limits.MAX_PARTS)],
        doc("the buyer's messages `receive`"),
    ] = ()


class ReviewLeft(msgspec.Struct, frozen=True, kw_only=True):
    """Leaves a review to be published."""

    review: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_RECORD)], doc("the record of kind 19, whole")
    ]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of every refusal, with an HTTP status of 400 or more."""

    clock: Annotated[Milliseconds | UnsetType, doc("ms UTC, the node's, where a time was refused")] = UNSET
    code: Annotated[str, doc("of section 14.2")]
    text: Annotated[str, doc("for a person")]
