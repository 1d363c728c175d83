"""What each message of a deal says, and the private documents enclosed with it [R-DEAL-3].

A body is open to whoever gets the message, such as a reader of the sale that embeds it; it holds figures, dates and
hashes only. What is private (goods, address, reasons, references, tracking) is an *enclosure*, of which the message
signs the hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import Count, Currency, Hash, PublicKey, doc
from protocol.records.money import Per
from protocol.records.review import NamedBuyer

Role = Literal["arbiter", "buyer", "seller"]
Duration = Annotated[int, Meta(ge=1, le=limits.MAX_TERM)]
PartNumber = Annotated[int, Meta(ge=0, le=limits.MAX_PARTS - 1)]
Amount = Annotated[int, Meta(ge=1, le=limits.MAX_INT)]
ReasonCode = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z_]{1,32}\Z")]
_Unit = Annotated[str, Meta(min_length=1, max_length=limits.MAX_UNIT)]
_Points = Annotated[int, Meta(ge=0, le=limits.MAX_BASIS_POINTS)]


class Part(Struct, frozen=True, kw_only=True):
    """What is delivered and confirmed by itself: the whole order, or one milestone of it."""

    fulfil_by: Annotated[Duration | UnsetType, doc("ms, in place of that of the terms")] = UNSET
    price: Annotated[Count, doc("minor units, tax and shipping included")]


class Terms(Struct, frozen=True, kw_only=True):
    """How long each step may take, in ms from the message that opened it, and who rules."""

    accept_by: Annotated[Duration, doc("from the order's date: after it the buyer may lapse the order")]
    arbiter: Annotated[Hash | UnsetType, doc("networker id of who rules a dispute; absent: nobody does")] = (
        UNSET
    )
    confirm_by: Annotated[Duration, doc("from a claim's date: after it, it may be presumed")]
    consent: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_CONSENT)] | UnsetType,
        doc("the arbiter's signed consent; given with `arbiter` and only then"),
    ] = UNSET
    dispute_until: Annotated[Duration, doc("from the newest receipt or presumption: the hold")]
    fulfil_by: Annotated[Duration, doc("from the contract, or the newest payment received after it")]
    pay_by: Annotated[Duration, doc("from the contract: after it the seller may lapse the deal")]
    ruling_by: Annotated[Duration, doc("from the dispute: after it the other side may close it unresolved")]


class Mandate(Struct, frozen=True, kw_only=True):
    """The buyer's consent, by signing the order, to be sold the same again every period."""

    notice: Annotated[Duration, doc("ms before a period begins at which its renewal must be dated, at least")]
    per: Annotated[Per, doc("the period")]
    turns: Annotated[
        Annotated[int, Meta(ge=1, le=limits.MAX_TURNS)] | UnsetType,
        doc("most renewals; absent: until the buyer ends it"),
    ] = UNSET


class Order(Struct, frozen=True, kw_only=True):
    """Starts a deal. Signed by a key the buyer made for it."""

    commission: Annotated[_Points | UnsetType, doc("basis points of the base that go to the path")] = UNSET
    currency: Annotated[Currency | UnsetType, doc("ISO 4217 code; else `issuer` and `unit`")] = UNSET
    enclosed: Annotated[Hash, doc("of the enclosure with the goods")]
    issuer: Annotated[Hash | UnsetType, doc("issuer of the credit unit the price is in")] = UNSET
    key: Annotated[PublicKey, doc("the buyer's public Ed25519 key of this deal")]
    listing: Annotated[
        Hash | UnsetType, doc("id of the listing's entry; absent with an offer of free goods")
    ] = UNSET
    mandate: Annotated[Mandate | UnsetType, doc("the order may be renewed")] = UNSET
    named: Annotated[NamedBuyer | UnsetType, doc("which networker buys; an offer to one demands it")] = UNSET
    offer: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_OFFER)] | UnsetType, doc("the signed offer, whole")
    ] = UNSET
    parts: Annotated[
        Annotated[tuple[Part, ...], Meta(min_length=1, max_length=limits.MAX_PARTS)],
        doc("their prices add up to the price of the order"),
    ]
    path: Annotated[Hash | UnsetType, doc("path hash: who led the buyer here")] = UNSET
    plan: Annotated[Hash | UnsetType, doc("hash of the plan that the commission follows")] = UNSET
    points: Annotated[Count | UnsetType, doc("hundredths of a point of the seller's plan")] = UNSET
    seller: Annotated[Hash, doc("networker id")]
    shipping: Annotated[
        Count, doc("part of the price that is for shipping, without its tax, minor units")
    ] = 0
    tax: Annotated[Count, doc("part of the price that is tax, minor units")] = 0
    terms: Annotated[Terms, doc("deadlines and arbiter")]
    unit: Annotated[_Unit | UnsetType, doc("credit unit, as its issuer names it")] = UNSET


class Renewal(Struct, frozen=True, kw_only=True):
    """Starts the deal of one further period under a mandate; the seller sends it, the mandate is the contract."""

    changes: Annotated[
        Annotated[
            tuple[Annotated[bytes, Meta(max_length=limits.MAX_CHANGE)], ...],
            Meta(max_length=limits.MAX_CHANGES),
        ],
        doc("the buyer's statements on the mandate that the seller has seen, in their order"),
    ] = ()
    first: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_ORDER)], doc("the order with the mandate, whole")
    ]
    parts: Annotated[
        Annotated[tuple[Part, ...], Meta(min_length=1, max_length=limits.MAX_PARTS)],
        doc("as in the order, or as the newest `price` of the changes says"),
    ]
    turn: Annotated[
        Annotated[int, Meta(ge=1, le=limits.MAX_TURNS)], doc("1 for the period after the first order's")
    ]


class Accept(Struct, frozen=True, kw_only=True):
    """Makes the contract; repeats of the order what a witness and a review need."""

    enclosed: Annotated[Hash | UnsetType, doc("of the enclosure with the ways to pay")] = UNSET
    key: Annotated[PublicKey, doc("of the order")]
    listing: Annotated[Hash | UnsetType, doc("of the order")] = UNSET
    path: Annotated[Hash | UnsetType, doc("of the order")] = UNSET


class Decline(Struct, frozen=True, kw_only=True):
    """The seller does not want the order."""

    enclosed: Annotated[Hash | UnsetType, doc("of the enclosure with its text")] = UNSET
    reason: Annotated[ReasonCode, doc("as `sold_out`, `price_changed`, `not_delivered_there`, `other`")]


class Cancel(Struct, frozen=True, kw_only=True):
    """Ends the open parts."""

    enclosed: Annotated[Hash | UnsetType, doc("of the enclosure with its text")] = UNSET
    reason: Annotated[ReasonCode, doc("as `sold_out`, `changed_mind`, `other`")]


class PaymentSent(Struct, frozen=True, kw_only=True):
    """The buyer says they paid."""

    amount: Annotated[Amount, doc("minor units")]
    enclosed: Annotated[Hash | UnsetType, doc("of the enclosure with method and reference")] = UNSET


class PaymentReceived(Struct, frozen=True, kw_only=True):
    """The seller confirms a payment."""

    amount: Annotated[Amount, doc("minor units")]
    enclosed: Annotated[Hash | UnsetType, doc("of the enclosure with method and reference")] = UNSET
    payment: Annotated[Hash | UnsetType, doc("the `payment_sent` it confirms, if seen")] = UNSET


class Fulfil(Struct, frozen=True, kw_only=True):
    """The seller says a part was delivered or is on its way."""

    enclosed: Annotated[Hash | UnsetType, doc("of the enclosure with tracking, licence or content")] = UNSET
    part: Annotated[PartNumber, doc("from 0; absent: 0")] = 0


class Receive(Struct, frozen=True, kw_only=True):
    """The buyer's receipt of a part."""

    enclosed: Annotated[Hash | UnsetType, doc("of the enclosure with its text")] = UNSET
    fulfil: Annotated[Hash | UnsetType, doc("the `fulfil` it confirms, if seen")] = UNSET
    part: Annotated[PartNumber, doc("from 0; absent: 0")] = 0


class Refund(Struct, frozen=True, kw_only=True):
    """The seller says they paid back."""

    amount: Annotated[Amount, doc("minor units")]
    enclosed: Annotated[Hash | UnsetType, doc("of the enclosure with reason, method and reference")] = UNSET


class RefundReceived(Struct, frozen=True, kw_only=True):
    """The buyer confirms a refund."""

    amount: Annotated[Amount, doc("minor units")]
    refund: Annotated[Hash | UnsetType, doc("the `refund` it confirms, if seen")] = UNSET
    total: Annotated[Amount, doc("all refunds the buyer has confirmed, this one included")]


class Dispute(Struct, frozen=True, kw_only=True):
    """Opens the one dispute a side has."""

    claim: Annotated[Count, doc("what the seller should keep in its sender's view, minor units")]
    enclosed: Annotated[Hash | UnsetType, doc("of the enclosure with its text")] = UNSET


class Ruling(Struct, frozen=True, kw_only=True):
    """The arbiter's word on a dispute: all parts are closed by it."""

    delivered: Annotated[
        Annotated[tuple[PartNumber, ...], Meta(max_length=limits.MAX_PARTS)],
        doc("the parts found delivered, ascending"),
    ] = ()
    dispute: Annotated[Hash, doc("the dispute it answers")]
    enclosed: Annotated[Hash | UnsetType, doc("of the enclosure with its text")] = UNSET
    keeps: Annotated[Count, doc("what the seller keeps, minor units")]
    paid: Annotated[Count, doc("what was paid, as found; never below what was acknowledged")]


class LapseAccept(Struct, frozen=True, kw_only=True):
    """No accept came in time."""


class LapsePay(Struct, frozen=True, kw_only=True):
    """No payment came in time."""


class LapseFulfil(Struct, frozen=True, kw_only=True):
    """A part was not fulfilled in time."""

    part: Annotated[PartNumber, doc("one whose date has passed; all open parts end")] = 0


class LapseDispute(Struct, frozen=True, kw_only=True):
    """Closes a dispute: its sender withdraws it, or the other side when no ruling came in time."""

    dispute: Annotated[Hash, doc("the dispute")]


class PresumeReceived(Struct, frozen=True, kw_only=True):
    """No receipt of a fulfilled part came in time."""

    fulfil: Annotated[Hash, doc("the `fulfil` that was not confirmed")]


class PresumePayment(Struct, frozen=True, kw_only=True):
    """No word on a payment came in time."""

    payment: Annotated[Hash, doc("the `payment_sent` that was not confirmed")]


class PresumeRefund(Struct, frozen=True, kw_only=True):
    """No word on a refund came in time."""

    refund: Annotated[Hash, doc("the `refund` that was not confirmed")]


DealBody = (
    Order
    | Renewal
    | Accept
    | Decline
    | Cancel
    | PaymentSent
    | PaymentReceived
    | Fulfil
    | Receive
    | Refund
    | RefundReceived
    | Dispute
    | Ruling
    | LapseAccept
    | LapsePay
    | LapseFulfil
    | LapseDispute
    | PresumeReceived
    | PresumePayment
    | PresumeRefund
)

TYPES: Final[Mapping[str, type[DealBody]]] = MappingProxyType(
    {
        "order": Order,
        "renewal": Renewal,
        "accept": Accept,
        "decline": Decline,
        "cancel": Cancel,
        "payment_sent": PaymentSent,
        "payment_received": PaymentReceived,
        "fulfil": Fulfil,
        "receive": Receive,
        "refund": Refund,
        "refund_received": RefundReceived,
        "dispute": Dispute,
        "ruling": Ruling,
        "lapse_accept": LapseAccept,
        "lapse_pay": LapsePay,
        "lapse_fulfil": LapseFulfil,
        "lapse_dispute": LapseDispute,
        "presume_received": PresumeReceived,
        "presume_payment": PresumePayment,
        "presume_refund": PresumeRefund,
    }
)
"""Name on the wire -> body."""
