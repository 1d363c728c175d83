"""What holders ask of issuers and issuers publish: requests, limits, challenges, plans, closes of periods."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from netnode.operations.models.ledgers import Moment, UnitText
from netnode.operations.models.plan_reports import PlanFinding
from netnode.operations.models.shared import ITEMS_DEFAULT, Amount, Cursor, Limit, NetworkerText
from netnode.operations.models.teams import OwnTeam, TeamPerson

RequestText = Annotated[
    str,
    Meta(pattern="^[0-9a-fA-F]{4,64}$", description="id of a request or order in hex, or its first digits"),
]
CreditRequestState = Literal["answered", "delivered", "logged", "queued", "refused", "waits"]
RequestDays = Annotated[int, Meta(ge=1, le=30, description="until the request expires")]


class CreditMove(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks an issuer to move credit of the owner. `anyway`: also more than their log, as held here, has."""

    issuer: NetworkerText
    amount: Amount
    unit: UnitText | None = None
    days: RequestDays = 30
    anyway: bool = False


class CreditTransfer(CreditMove, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks an issuer to give credit of the owner to somebody else."""

    to: NetworkerText


class CreditPayout(CreditMove, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says that an issuer has paid credit out elsewhere; `received` confirms that it really did."""

    received: bool = False


class CreditAcceptance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to how much of an issuer's credit the owner is willing to hold; 0 takes that back.

    `lasts`: credit that expires before this moment is not received. `to`: a holder who is told as well.
    """

    issuer: NetworkerText
    amount: Amount
    unit: UnitText
    days: Annotated[int, Meta(ge=1, le=365)] = 90
    lasts: Moment | None = None
    to: NetworkerText | None = None


class CreditLimit(Struct, frozen=True, kw_only=True):
    """A limit of the owner's; `sent`: how far the letter to the issuer is."""

    issuer: TeamPerson
    unit: str
    amount: str
    expires: int
    lasts: int | None
    sent: str


class CreditRequestsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests, own ones and those of others; `waiting`: only those nothing has come of."""

    waiting: bool = False
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class CreditRequest(Struct, frozen=True, kw_only=True):
    """A request. An own one is queued, delivered, answered (an entry is named), logged (that is held here).

    One of somebody else waits, or is answered; either may be refused, with `code` and `text`.
    """

    request: str
    own: bool
    action: str
    issuer: TeamPerson
    holder: TeamPerson
    amount: str
    unit: str
    recipient: TeamPerson | None
    deal: str | None
    state: CreditRequestState
    code: str | None
    text: str
    entry: int | None
    at: int
    expires: int


class CreditChallenge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Challenges an issuer in public: for an own request, or for the sale of an order that this node witnessed."""

    request: RequestText | None = None
    order: RequestText | None = None


class CreditChallenged(Struct, frozen=True, kw_only=True):
    """A challenge in the own log; `entry`: its id."""

    entry: str
    issuer: TeamPerson


class CreditSalesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Own deals of which something is not in the own ledger, for a reason."""

    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class CreditSale(Struct, frozen=True, kw_only=True):
    """One of them: why, and when it is tried again (ms UTC; None: when something new comes)."""

    deal: str
    code: str
    text: str
    again: int | None


class PlanPublish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Publishes a plan: its canonical record in base64; `trees`: on how many random ones it is measured."""

    plan: Annotated[bytes, Meta(max_length=64 * 1024)]
    trees: Annotated[int, Meta(ge=0, le=1_000)] = 0
    seed: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0


class PlanPublished(Struct, frozen=True, kw_only=True):
    """A plan in the own log; `starts`: since when it holds, ms UTC."""

    plan: str
    title: str
    opportunity: str | None
    entry: int
    starts: int
    findings: list[PlanFinding]


class PeriodChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A period of an own team: the next that is not closed, or that which holds a moment."""

    key: OwnTeam
    at: Moment | None = None
    limit: Limit = ITEMS_DEFAULT


class ClosedAward(Struct, frozen=True, kw_only=True):
    """One award of a close."""

    to: TeamPerson
    amount: str
    rule: str
    level: int


class PeriodClosed(Struct, frozen=True, kw_only=True):
    """What the close of a period publishes.

    `hash` is that of its content: who runs it again gets the same. `entry`: seq in the own log, None for a preview.
    `awards` are the first of `count`.
    """

    team: str
    plan: str
    period: str
    begins: int
    ends: int
    over: bool
    entry: int | None
    hash: str
    unit: str
    total: str
    count: int
    awards: list[ClosedAward]
