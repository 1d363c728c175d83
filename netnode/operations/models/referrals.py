"""Recommendations, codes, how orders are attributed, and what came of it."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from netnode.operations.models.deals import LinkText
from netnode.operations.models.plan_reports import PlanBeside
from netnode.operations.models.shared import ITEMS_DEFAULT, Cursor, Limit, NetworkerText

Subject = Annotated[
    str, Meta(min_length=1, max_length=512, description="<seller id>/<key of the listing>, or the seller id")
]
Campaign = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,32}$", description="1 to 32 of a-z 0-9 _ -")]
CodeText = Annotated[
    str, Meta(max_length=64, description="a word that people type at checkout; empty: the node makes one")
]
ReferralName = Annotated[
    str,
    Meta(
        min_length=4,
        max_length=16_384,
        description="a link, a code of yours, or the id of a recommendation in hex, or its first digits",
    ),
]
Percent = Annotated[
    str, Meta(pattern=r"^[0-9]{1,3}(\.[0-9]{1,2})?$", description="as 12.5, at most two decimals")
]
LoggedState = Literal["logged", "not_due", "not_logged", "unknown"]
"""Whether the seller's log holds the sale: unknown where that log is not here or not readable to its end."""


class ReferralMake(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Recommends a listing, or a seller. `register`: the seller is told the code; `to`: who is sent it."""

    subject: Subject
    campaign: Campaign | None = None
    days: Annotated[int, Meta(ge=1, le=3_650)] = 30
    code: CodeText | None = None
    register: bool = False
    to: NetworkerText | None = None
    text: Annotated[str, Meta(max_length=2_000)] = ""


class ReferralForward(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Passes a recommendation on: the own token names the one before, and expires no later."""

    link: LinkText
    campaign: Campaign | None = None
    days: Annotated[int, Meta(ge=1, le=3_650)] = 30
    code: CodeText | None = None
    register: bool = False
    to: NetworkerText | None = None
    text: Annotated[str, Meta(max_length=2_000)] = ""


class ReferralChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names a recommendation; `keep`: it counts from now on as how this node's owner was led there."""

    name: ReferralName
    keep: bool = False


class ReferralsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Recommendations of a role: made here, met by the owner as a buyer, registered with the owner as the seller."""

    role: Literal["made", "met", "registered"] = "made"
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class ReferralOrders(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Deals that the owner brought about; `name`: by one recommendation alone."""

    name: ReferralName | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class ReferralStep(Struct, frozen=True, kw_only=True):
    """One step of a path; `checked`: its signature was verified with keys known here."""

    referrer: str
    name: str | None = None
    campaign: str | None = None
    listing: str | None = None
    expires: int
    checked: bool


class ReferralBrought(Struct, frozen=True, kw_only=True):
    """How many orders a recommendation brought: accepted, received by the buyer, in the seller's log."""

    orders: int
    received: int
    logged: int


class ReferralShown(Struct, frozen=True, kw_only=True):
    """One recommendation. `listed`: whether the listing is offered as far as this node knows."""

    id: str
    role: Literal["made", "met", "read", "registered"]
    seller: str
    seller_name: str | None
    listing: str | None
    title: str | None = None
    listed: bool
    code: str | None = None
    link: str
    path: list[ReferralStep]
    expires: int
    expired: bool
    at: int | None = None
    addresses: list[str] = []
    brought: ReferralBrought | UnsetType = UNSET
    plan: PlanBeside | UnsetType = UNSET  # shown of one: what a sale of the listing pays, measured


class ReferralAward(Struct, frozen=True, kw_only=True):
    """Credit that the seller's log awards the owner for one deal; amounts in the unit, as decimal numbers."""

    unit: str
    rule: str
    level: int
    amount: str
    due: int


class ReferralOrder(Struct, frozen=True, kw_only=True):
    """One deal that the owner brought about, and what its seller's log says of it."""

    order: str
    seller: str
    seller_name: str | None
    campaign: str | None
    referral: str | None  # id of the recommendation made here, if it was by one
    accepted: int
    received: int  # parts with a receipt
    logged: LoggedState
    awards: list[ReferralAward]


class AttributionSet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes how orders are attributed; what is left out stays. `gift`: percent off a first order; 0 ends it."""

    model: Literal["first", "last"] | UnsetType = UNSET
    window: Annotated[int, Meta(ge=1, le=365)] | UnsetType = UNSET
    bind: bool | UnsetType = UNSET
    gift: Percent | UnsetType = UNSET


class AttributionQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose policy; absent: the own."""

    seller: NetworkerText | None = None


class AttributionShown(Struct, frozen=True, kw_only=True):
    """How a seller attributes orders. `gift`: percent off the first order of a buyer who was brought."""

    seller: str
    model: Literal["first", "last"]
    window: int
    bind: bool
    gift: str | None
    gift_code: str | None
    published: bool
