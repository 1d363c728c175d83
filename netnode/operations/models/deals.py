"""Deals, stock and offers."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from netnode.operations.models.listings import Price
from netnode.operations.models.mail import Delivery
from netnode.operations.models.shared import (
    ITEMS_DEFAULT,
    Amount,
    Cursor,
    KeyText,
    Limit,
    NetworkerText,
    PartNumber,
    ReferenceText,
)

DealText = Annotated[
    str,
    Meta(pattern="^[0-9a-fA-F]{4,64}$", description="id of a deal in hex, or its first digits, 4 or more"),
]
OfferText = Annotated[
    str, Meta(pattern="^[0-9a-fA-F]{4,64}$", description="id of an offer in hex, or its first digits")
]
Role = Literal["arbiter", "buyer", "seller"]
Phase = Literal["ordered", "agreed", "fulfilled", "unconfirmed", "disputed", "closed", "final", "broken"]
Ended = Literal["declined", "cancelled", "lapsed"]
ReferralToken = Annotated[
    str,
    Meta(pattern="^([0-9a-f]{2}){1,1024}$", description="a referral token, in hex; those of a path in order"),
]
LinkText = Annotated[
    str, Meta(min_length=1, max_length=16_384, description="a referral link: inxref1 and what follows it")
]
Word = Annotated[str, Meta(max_length=2_000)]
Label = Annotated[str, Meta(min_length=1, max_length=150)]
Reason = Annotated[str, Meta(pattern="^[a-z_]{1,32}$", description="one word, as sold_out")]
Pieces = Annotated[int, Meta(ge=1, le=1_000_000)]


class Step(Struct, frozen=True):
    """What the deal waits for: who acts, and until when (ms UTC; null without a date)."""

    action: str
    by: Role
    until: int | None


class DealState(Struct, frozen=True, kw_only=True):
    """What every command on a deal answers.

    `held`: why nothing can be sent in it now. `ended`: how all of it ended without a delivery. `said`: what this
    command said, as the rest of a sentence that begins with its sender.
    """

    deal: str
    state: str
    role: str
    next: Step | None
    delivery: Delivery | None
    held: str | UnsetType = UNSET
    ended: Ended | UnsetType = UNSET
    said: str | UnsetType = UNSET


class DealItem(Struct, frozen=True, kw_only=True):
    """One deal in a list. `ended`: how all of it ended without a delivery.

    `beside`: what its owner can say meanwhile, where somebody else ends a dispute.
    """

    deal: str
    state: str
    role: str
    next: Step | None
    delivery: Delivery | None
    title: str
    partner: str  # networker id; of a buyer without a node: their key in hex
    partner_name: str
    price: Price
    opened: int
    changed: int
    beside: Step | UnsetType = UNSET
    held: str | UnsetType = UNSET
    ended: Ended | UnsetType = UNSET


class DealParty(Struct, frozen=True, kw_only=True):
    """One side: `id` is a networker's, or the key in hex of a buyer without a node."""

    id: str
    name: str
    node: bool


class DealLine(Struct, frozen=True, kw_only=True):
    """One line of the goods, of what is taken off, of tax or shipping; `part` counts milestones from 1."""

    title: str
    amount: Price
    quantity: int | UnsetType = UNSET
    unit_price: Price | UnsetType = UNSET
    key: str | UnsetType = UNSET
    options: list[str] | UnsetType = UNSET
    part: int | UnsetType = UNSET
    text: str | UnsetType = UNSET
    included: bool | UnsetType = UNSET


class DealPart(Struct, frozen=True, kw_only=True):
    """One part, counted from 1: open, fulfilled, received, presumed or ended."""

    part: int
    state: str
    price: Price
    until: int | None


class DealFigures(Struct, frozen=True, kw_only=True):
    """The money, in the deal's currency."""

    price: Price
    paid: Price
    owed: Price
    refunded: Price
    payment_due: Price
    refund_due: Price
    unconfirmed: Price
    base: Price


class DealMessage(Struct, frozen=True, kw_only=True):
    """One message. `void`: why it has no effect; `text` and the fields below are from its enclosure."""

    id: str
    type: str
    role: str
    number: int
    time: int
    said: str  # in a sentence
    void: str | None
    why: str | UnsetType = UNSET  # the void code in words
    waits: bool = False
    own: bool = False
    delivery: Delivery | None = None
    text: str | UnsetType = UNSET
    method: str | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    tracking: str | UnsetType = UNSET
    licence: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    content_type: str | UnsetType = UNSET
    content_bytes: int | UnsetType = UNSET


class PaymentMethod(Struct, frozen=True):
    """One way to pay: what people call it, and where to."""

    label: str
    uri: str


class DealAddress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where goods are sent."""

    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="as DE")]
    name: Label | UnsetType = UNSET
    lines: Annotated[list[Label], Meta(max_length=6)] = []
    postcode: Label | UnsetType = UNSET
    city: Label | UnsetType = UNSET
    region: Label | UnsetType = UNSET


class DealShown(Struct, frozen=True, kw_only=True):
    """One deal with its whole history. `can`: the commands its owner may use now; `beside`: as in a list."""

    deal: str
    state: str
    role: str
    next: Step | None
    delivery: Delivery | None
    title: str
    seller: DealParty
    buyer: DealParty
    arbiter: DealParty | None
    arbiter_fee: Price | UnsetType = UNSET  # of one ruling
    opened: int
    can: list[str]
    figures: DealFigures
    parts: list[DealPart]
    lines: list[DealLine]
    discounts: list[DealLine]
    taxes: list[DealLine]
    shipping: DealLine | None
    listing: str | UnsetType = UNSET  # id of the listing's entry
    offer: str | UnsetType = UNSET
    address: DealAddress | UnsetType = UNSET
    contact: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    payment: list[PaymentMethod] = []
    payment_chosen: str | UnsetType = UNSET
    differs: list[str] = []  # how the order differs from what the owner, its seller, offers now
    messages: list[DealMessage]
    beside: Step | UnsetType = UNSET
    held: str | UnsetType = UNSET
    ended: Ended | UnsetType = UNSET


class DealName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a deal."""

    deal: DealText


class DealsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Deals, those that wait for the owner first. `all`: also those in which nothing is left to do."""

    all: bool = False
    role: Role | None = None
    state: Phase | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class DealOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Orders a listing, or what an offer names.

    `path` or `link` say who recommended it; without them whatever led there before counts, by the seller's policy,
    unless `alone`: nobody did. `gift`: whether what is taken off the first order of who was brought is asked for.
    """

    ref: ReferenceText | None = None
    quantity: Pieces = 1
    variant: Annotated[str, Meta(max_length=512)] | None = None
    offer: OfferText | None = None
    code: KeyText | None = None
    address: DealAddress | None = None
    shipping: Label | None = None
    payment: Label | None = None
    contact: Word | None = None
    note: Word | None = None
    arbiter: NetworkerText | None = None
    renew: bool = False
    turns: Annotated[int, Meta(ge=1, le=1_200)] | None = None
    path: Annotated[list[ReferralToken], Meta(max_length=8)] = []
    link: LinkText | None = None
    alone: bool = False
    gift: bool = True


class DealAccept(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accepts an order. `anyway`: also when it is not what the listing says now."""

    deal: DealText
    anyway: bool = False
    text: Word | None = None


class DealEnd(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Declines or cancels."""

    deal: DealText
    reason: Reason = "other"
    text: Word | None = None


class DealMoney(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment or refund, sent or received. Without an amount: all that is open.

    `anyway`: also a larger payment than is stated or due; a refund is never larger. `redeem`: of a payment that is
    sent: by credit of the seller, who confirms it once the redemption is in their log.
    """

    deal: DealText
    amount: Amount | None = None
    anyway: bool = False
    method: Label | None = None
    reference: Label | None = None
    redeem: bool = False
    text: Word | None = None


class DealFulfil(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Delivers a part, counted from 1. `content` in base64: a digital delivery, sealed to the buyer."""

    deal: DealText
    part: PartNumber | None = None
    tracking: Label | None = None
    url: Annotated[str, Meta(max_length=2_048, pattern="^https?://")] | None = None
    licence: Label | None = None
    content: bytes | None = None
    content_type: Label | None = None
    text: Word | None = None


class DealPartName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a deal, counted from 1; without one: the one that can only be meant."""

    deal: DealText
    part: PartNumber | None = None
    text: Word | None = None


class DealDispute(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Opens a dispute: `claim` is what the seller should keep."""

    deal: DealText
    claim: Amount
    text: Word | None = None


class DealRuling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules on a dispute: what was paid, what the seller keeps, which parts, counted from 1, were delivered."""

    deal: DealText
    keeps: Amount
    paid: Amount | None = None
    delivered: list[PartNumber] = []
    text: Word | None = None


class DealLapse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ends what did not come in time; without `what`: the one thing that did not."""

    deal: DealText
    what: Literal["accept", "pay", "fulfil", "dispute"] | None = None
    part: PartNumber | None = None


class DealPresume(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Takes as confirmed what nobody confirmed in time; without `what`: the one thing that was not."""

    deal: DealText
    what: Literal["received", "payment", "refund"] | None = None
    part: PartNumber | None = None


class DealAsk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks the other side for everything of a deal. `release`: do not wait for the answer."""

    deal: DealText
    release: bool = False


class DealContent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The digital delivery of a part, counted from 1; without one: the newest."""

    deal: DealText
    part: PartNumber | None = None


class DealFault(Struct, frozen=True, kw_only=True):
    """Why a file proves no deal: which message, from 0 (null: none), which field, and what is wrong."""

    message: int | None
    field: str
    reason: str


class DealProof(Struct, frozen=True, kw_only=True):
    """What a file of a deal proves."""

    valid: bool
    state: str | None
    messages: int
    error: DealFault | None


class StockChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sets a counter of an own listing. `uncounted`: nobody counts it any more; `auto_accept` null: as the setting."""

    key: KeyText
    variant: Annotated[str, Meta(max_length=512)] | None = None
    count: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    uncounted: bool = False
    auto_accept: Literal["on", "off", "default"] | None = None


class StockCount(Struct, frozen=True, kw_only=True):
    """One counter: pieces that can still be promised (null: not counted), and those promised in open deals."""

    options: list[str]
    count: int | None
    reserved: int


class Stock(Struct, frozen=True, kw_only=True):
    """The private counters of an own listing."""

    key: str
    auto_accept: bool
    counters: list[StockCount]
