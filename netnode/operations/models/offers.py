"""Offers: quotes for a named buyer or by count, discounts by a code."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from netnode.operations.models.deals import DealLine, DealParty, Label, OfferText, Pieces, Word
from netnode.operations.models.listings import Price
from netnode.operations.models.shared import Amount, KeyText, NetworkerText, PartNumber

Days = Annotated[int, Meta(ge=1, le=400)]


class OfferLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of free goods; `part` counts milestones from 1, `days` how long that one may take."""

    title: Label
    unit_price: Amount
    quantity: Pieces = 1
    text: Word | None = None
    part: PartNumber = 1
    days: Days | None = None


class OfferTax(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tax on free goods: `rate` in basis points."""

    rate: Annotated[int, Meta(ge=0, le=10_000)]
    title: Label
    included: bool = True


class OfferMake(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offer: of an own listing (`key`), of free goods (`lines`), or a discount (`off` or `percent`)."""

    key: KeyText | None = None
    variant: Annotated[str, Meta(max_length=512)] | None = None
    quantity: Pieces = 1
    price: Amount | None = None
    lines: Annotated[list[OfferLine], Meta(max_length=100)] = []
    tax: OfferTax | None = None
    shipping: Amount | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] | None = None
    off: Amount | None = None
    percent: Annotated[str, Meta(pattern=r"^[0-9]{1,3}([.][0-9]{1,2})?$")] | None = None
    least: Amount | None = None
    only: Annotated[list[KeyText], Meta(max_length=50)] = []
    title: Label | None = None
    to: NetworkerText | None = None
    code: KeyText | None = None
    count: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    expires_in: Annotated[int, Meta(ge=60, le=400 * 86_400, description="seconds")] = 14 * 86_400
    arbiter: NetworkerText | None = None


class OfferName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names an offer."""

    offer: OfferText


class OfferItem(Struct, frozen=True, kw_only=True):
    """One offer in a list. `kind`: quote or discount; `state`: open, expired, used or ended."""

    offer: str
    kind: str
    state: str
    own: bool
    title: str
    seller: DealParty
    buyer: DealParty | None
    code: str | UnsetType = UNSET
    count: int | UnsetType = UNSET
    taken: int = 0
    price: Price | UnsetType = UNSET
    percent: str | UnsetType = UNSET
    off: Price | UnsetType = UNSET
    least: Price | UnsetType = UNSET
    only: list[str] | UnsetType = UNSET
    made: int
    expires: int


class OfferShown(Struct, frozen=True, kw_only=True):
    """One offer in full. `fulfil_by`: how long each part may take, in ms after the contract or its payment."""

    offer: OfferItem
    lines: list[DealLine]
    parts: list[Price]
    fulfil_by: list[int]
    taxes: list[DealLine]
    shipping: Price | UnsetType = UNSET
