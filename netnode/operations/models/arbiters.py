"""Arbiters: consents, and the cases that come to one."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from netnode.operations.models.deals import DealParty, Step
from netnode.operations.models.listings import Price
from netnode.operations.models.shared import ITEMS_DEFAULT, Amount, Cursor, Limit, NetworkerText

ConsentText = Annotated[
    str, Meta(pattern="^[0-9a-fA-F]{4,64}$", description="id of a consent in hex, or its first digits")
]
CaseText = Annotated[
    str,
    Meta(
        pattern="^[0-9a-fA-F]{4,64}$", description="id of a consent or of a deal in hex, or its first digits"
    ),
]


class ArbiterOffer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent to rule in deals: the fee of one ruling is `amount` in `currency`, or `percent` of the price."""

    amount: Amount | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] | None = None
    percent: Annotated[str, Meta(pattern=r"^[0-9]{1,3}([.][0-9]{1,2})?$")] | None = None
    terms: Annotated[str, Meta(min_length=1, max_length=10_000, description="who pays the fee, how you rule")]
    seller: NetworkerText | None = None
    to: Annotated[list[NetworkerText], Meta(max_length=50)] = []
    expires_in: Annotated[int, Meta(ge=60, le=400 * 86_400, description="seconds")] = 365 * 86_400


class ArbiterSend(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sends an own consent to more networkers."""

    consent: ConsentText
    to: Annotated[list[NetworkerText], Meta(min_length=1, max_length=50)]


class ArbiterName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a consent, or a deal in which the owner is the arbiter."""

    name: CaseText


class Consent(Struct, frozen=True, kw_only=True):
    """One consent. `fee`: an amount; else `percent` of the price. `seller` null: for all sellers."""

    consent: str
    arbiter: DealParty
    own: bool
    state: Literal["open", "expired"]
    fee: Price | UnsetType = UNSET
    percent: str | UnsetType = UNSET
    seller: DealParty | None
    made: int
    expires: int


class Claim(Struct, frozen=True, kw_only=True):
    """What one side says the seller should keep."""

    role: str
    claim: Price
    text: str | UnsetType = UNSET
    open: bool


class Case(Struct, frozen=True, kw_only=True):
    """A deal in which the owner is the arbiter. `bars`: why the owner may not rule; `warnings`: told to both sides."""

    deal: str
    state: str
    next: Step | None
    title: str
    seller: DealParty
    buyer: DealParty
    price: Price
    paid: Price
    fee: Price | UnsetType = UNSET
    claims: list[Claim]
    ruled: bool
    bars: str | None
    warnings: list[str]


class CasesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cases, those that wait for the owner first. `all`: also those that are over."""

    all: bool = False
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class ArbiterShown(Struct, frozen=True, kw_only=True):
    """A consent with its terms, a case, or both: a case with the consent that its order holds."""

    consent: Consent | None
    terms: str | UnsetType = UNSET
    case: Case | None
