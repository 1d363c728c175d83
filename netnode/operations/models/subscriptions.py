"""Subscriptions, invoices and credit notes."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from netnode.operations.models.deals import DealText, Step
from netnode.operations.models.listings import Per, Price
from netnode.operations.models.mail import Delivery
from netnode.operations.models.shared import Amount

Word = Annotated[str, Meta(max_length=2_000)]


class SubscriptionTurn(Struct, frozen=True, kw_only=True):
    """A period that can be renewed: when it begins and ends, and when its renewal may be dated; ms UTC."""

    turn: int
    begins: int
    ends: int
    earliest: int
    latest: int
    due: int  # from when on the seller's node makes the renewal


class SubscriptionRenewal(Struct, frozen=True, kw_only=True):
    """One renewal that was made: the deal of that period."""

    turn: int
    deal: str
    state: str
    opened: int


class SubscriptionStatement(Struct, frozen=True, kw_only=True):
    """One statement of the buyer. `void`: why it has no effect."""

    action: str
    number: int
    time: int
    price: Price | UnsetType = UNSET
    void: str | None
    waits: bool = False


class Subscription(Struct, frozen=True, kw_only=True):
    """A mandate, and the deal of its first period.

    `standing` is active, paused or ended, as the buyer says; `stopped`: its seller, the owner, renews it no more.
    `why`: why no renewal will be made, as a word; null when one will. `asked`: the price that the seller asks for.
    """

    deal: str
    state: str
    role: str
    next: Step | None
    delivery: Delivery | None
    title: str
    partner: str
    partner_name: str
    standing: Literal["active", "paused", "ended"]
    stopped: bool
    why: str | None
    reason: str | UnsetType = UNSET
    price: Price
    asked: Price | UnsetType = UNSET
    asked_text: str | UnsetType = UNSET
    per: Per
    notice: int  # ms before a period at which its renewal is dated, at least
    turns: int | None
    turn: SubscriptionTurn | None
    renewals: list[SubscriptionRenewal]
    statements: list[SubscriptionStatement]


class SubscriptionsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Subscriptions of the owner, on either side; with a deal only that one's."""

    deal: DealText | None = None


class SubscriptionPrice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the buyer: consents to a price, without one to what the seller asks. Of the seller: asks for a price."""

    deal: DealText
    price: Amount | None = None
    text: Word = ""


class SubscriptionRenew(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Makes the next renewal now. `anyway`: also after a period that ended unperformed."""

    deal: DealText
    anyway: bool = False


class InvoiceOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Makes an invoice or credit note, or gives the one there is. `number`: to go on with; `html`: as a page too."""

    deal: DealText
    credit_note: bool = False
    number: Annotated[int, Meta(ge=1, le=999_999_999)] | None = None
    html: bool = False


class InvoiceSide(Struct, frozen=True, kw_only=True):
    """Seller or buyer, as on a letter."""

    id: str
    name: str
    lines: list[str]


class InvoiceLine(Struct, frozen=True, kw_only=True):
    """One line: of goods with pieces and unit price, of a tax with its rate in basis points."""

    title: str
    amount: Price
    quantity: int | UnsetType = UNSET
    unit_price: Price | UnsetType = UNSET
    options: list[str] | UnsetType = UNSET
    text: str | UnsetType = UNSET
    part: int | UnsetType = UNSET
    rate: int | UnsetType = UNSET
    included: bool | UnsetType = UNSET


class InvoicePaid(Struct, frozen=True, kw_only=True):
    """The money of the deal as it stands now."""

    paid: Price
    refunded: Price
    payment_due: Price
    refund_due: Price


class Invoice(Struct, frozen=True, kw_only=True):
    """An invoice or credit note as it was made, and the deal as it stands now.

    An invoice is of what was left of the deal when it was made: `given_up` of the price was cancelled or paid back
    before, is one of the `discounts` and not in `total`; `paid` is what the seller had got and kept by then. Parts are
    counted from 1; `parts` are their prices as agreed.
    """

    deal: str
    state: str
    role: str
    next: Step | None
    delivery: Delivery | None
    kind: Literal["credit_note", "invoice"]
    number: str
    time: int
    ordered: int
    period: tuple[int, int] | None  # first and last moment of what a renewal is for
    credits: str | None  # number of the invoice that a credit note takes from, or a further invoice adds to
    seller: InvoiceSide
    buyer: InvoiceSide
    lines: list[InvoiceLine]
    discounts: list[InvoiceLine]
    shipping: InvoiceLine | None
    taxes: list[InvoiceLine]
    parts: list[Price]
    net: Price
    tax: Price
    total: Price
    given_up: Price
    paid: Price
    money: InvoicePaid
    html: str | UnsetType = UNSET
