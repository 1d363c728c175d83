"""Enclosures: the private documents whose hash a message of a deal signs [R-DEAL-4]."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import SALT, Count, Country, Hash, Key, PublicKey, Salt, Url, doc

_Line = Annotated[str, Meta(min_length=1, max_length=limits.MAX_TITLE)]
_Text = Annotated[str, Meta(min_length=1, max_length=limits.MAX_DEAL_TEXT)]
_Rate = Annotated[int, Meta(ge=0, le=limits.MAX_BASIS_POINTS)]


class Address(Struct, frozen=True, kw_only=True):
    """Where goods are sent."""

    city: Annotated[_Line | UnsetType, doc("town")] = UNSET
    country: Annotated[Country, doc("ISO 3166-1 alpha-2")]
    lines: Annotated[
        Annotated[tuple[_Line, ...], Meta(max_length=6)], doc("street and what stands above it")
    ] = ()
    name: Annotated[_Line | UnsetType, doc("who gets it")] = UNSET
    postcode: Annotated[_Line | UnsetType, doc("postal code")] = UNSET
    region: Annotated[_Line | UnsetType, doc("state or province")] = UNSET


class GoodsLine(Struct, frozen=True, kw_only=True):
    """One line of the goods."""

    amount: Annotated[Count, doc("quantity x unit price, minor units, before discount")]
    key: Annotated[Key | UnsetType, doc("key of the listing")] = UNSET
    options: Annotated[
        Annotated[tuple[_Line, ...], Meta(max_length=limits.MAX_OPTIONS)], doc("the variant's choices")
    ] = ()
    part: Annotated[int, Meta(ge=0, le=limits.MAX_PARTS - 1), doc("the part it belongs to; absent: 0")] = 0
    quantity: Annotated[int, Meta(ge=1, le=limits.MAX_QUANTITY), doc("pieces")]
    text: Annotated[_Text | UnsetType, doc("deliverable of a milestone, engraving and the like")] = UNSET
    title: Annotated[_Line, doc("what it is, for people")]
    unit_price: Annotated[Count, doc("minor units")]


class DiscountLine(Struct, frozen=True, kw_only=True):
    """What is taken off."""

    amount: Annotated[Count, doc("minor units")]
    code: Annotated[Key | UnsetType, doc("the code it came by")] = UNSET
    title: Annotated[_Line, doc("for people")]


class TaxLine(Struct, frozen=True, kw_only=True):
    """One tax."""

    amount: Annotated[Count, doc("minor units")]
    included: Annotated[bool, doc("whether it is inside the amounts of the goods and the stated shipping")]
    rate: Annotated[_Rate, doc("basis points")]
    shipping: Annotated[Count, doc("how much of it is on the shipping; absent: 0")] = 0
    title: Annotated[_Line, doc("as VAT 19 %")]


class ReplyTo(Struct, frozen=True, kw_only=True):
    """Where letters to a buyer without a node go."""

    host: Annotated[Hash, doc("networker id of the node that keeps them")]
    x25519: Annotated[PublicKey, doc("what they are sealed to")]


class Method(Struct, frozen=True, kw_only=True):
    """One way to pay the seller."""

    label: Annotated[_Line, doc("for people, as Bank transfer")]
    uri: Annotated[
        Annotated[str, Meta(min_length=3, max_length=limits.MAX_URL, pattern=r"^[a-z][a-z0-9+.-]*:[!-~]+\Z")],
        doc("where to, as `payto://iban/...`; whoever displays it makes a link of https only"),
    ]


class Goods(Struct, frozen=True, kw_only=True, rename=SALT):
    """Enclosed with an order."""

    salt: Annotated[Salt, doc("16 random bytes")]
    address: Annotated[Address | UnsetType, doc("where to")] = UNSET
    contact: Annotated[_Text | UnsetType, doc("how to reach the buyer, as they want")] = UNSET
    discounts: Annotated[
        Annotated[tuple[DiscountLine, ...], Meta(max_length=limits.MAX_GOODS_LINES)], doc("taken off")
    ] = ()
    lines: Annotated[
        Annotated[tuple[GoodsLine, ...], Meta(min_length=1, max_length=limits.MAX_GOODS_LINES)],
        doc("the goods"),
    ]
    methods: Annotated[
        Annotated[tuple[Method, ...], Meta(max_length=limits.MAX_METHODS)],
        doc("with an offer: the ways to pay"),
    ] = ()
    note: Annotated[_Text | UnsetType, doc("a word to the seller")] = UNSET
    payment: Annotated[_Line | UnsetType, doc("label of the payment method chosen")] = UNSET
    reply: Annotated[ReplyTo | UnsetType, doc("of a buyer without a node")] = UNSET
    shipping: Annotated[_Line | UnsetType, doc("label of the shipping rate chosen")] = UNSET
    taxes: Annotated[
        Annotated[tuple[TaxLine, ...], Meta(max_length=limits.MAX_GOODS_LINES)], doc("taxes")
    ] = ()


class Note(Struct, frozen=True, kw_only=True, rename=SALT):
    """Enclosed with any other message."""

    salt: Annotated[Salt, doc("16 random bytes")]
    content: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_DIGITAL)] | UnsetType, doc("a digital delivery, whole")
    ] = UNSET
    content_type: Annotated[_Line | UnsetType, doc("media type of `content`")] = UNSET
    licence: Annotated[_Line | UnsetType, doc("licence or serial number")] = UNSET
    method: Annotated[_Line | UnsetType, doc("label of the payment method used")] = UNSET
    methods: Annotated[
        Annotated[tuple[Method, ...], Meta(max_length=limits.MAX_METHODS)],
        doc("with `accept`: the ways to pay"),
    ] = ()
    reference: Annotated[_Line | UnsetType, doc("the payment's own reference")] = UNSET
    text: Annotated[_Text | UnsetType, doc("reason, claim, or a word")] = UNSET
    tracking: Annotated[_Line | UnsetType, doc("tracking number")] = UNSET
    url: Annotated[Url | UnsetType, doc("tracking page, or place of the content")] = UNSET
