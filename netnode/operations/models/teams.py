"""Opportunities and teams."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from netnode.operations.models.issuers import IssuerStanding
from netnode.operations.models.listings import Price
from netnode.operations.models.plan_reports import PlanReport, TeamEarnings
from netnode.operations.models.shared import ITEMS_DEFAULT, Amount, Cursor, Limit, NetworkerText

TeamText = Annotated[
    str,
    Meta(min_length=1, max_length=512, description="<owner id>/<key of the opportunity>; own: the key alone"),
]
PaperText = Annotated[
    str, Meta(pattern="^[0-9a-fA-F]{4,64}$", description="id of a paper in hex, or its first digits")
]
OwnTeam = Annotated[
    str, Meta(min_length=1, max_length=128, description="key of an own opportunity, or OWNER/KEY")
]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
Text = Annotated[str, Meta(min_length=1, max_length=5_000)]
Line = Annotated[str, Meta(min_length=1, max_length=500)]
Moment = Annotated[int, Meta(ge=0, description="ms UTC")]
Days = Annotated[int, Meta(ge=1, le=365)]
Leg = Annotated[int, Meta(ge=0, le=999, description="which leg, from 0")]
Purpose = Literal["kit", "other", "service", "tool", "training"]
OpportunityState = Literal["closed", "open", "opens later"]
PaperState = Literal["closed", "due", "logged", "too soon", "void", "waiting"]
LeavingReason = Literal["company", "earnings", "other", "personal", "products", "support", "time"]


class TeamPerson(Struct, frozen=True, kw_only=True):
    """Somebody in a team; `name` is empty where their profile is not known."""

    id: str
    name: str


# -- opportunities -------------------------------------------------------------------------------------------
class CostGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a member pays; only a kit, paid once, may be `required`."""

    title: Annotated[str, Meta(min_length=1, max_length=150)]
    purpose: Purpose
    amount: Amount
    currency: Currency
    required: bool = False
    per: Literal["day", "month", "week", "year"] | None = None


class ClaimGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim of earnings: `members` of `of` had `amount` or more between two dates."""

    amount: Amount
    currency: Currency
    from_: Annotated[Moment, Meta(description="ms UTC")] = field(name="from")
    until: Moment
    members: Annotated[int, Meta(ge=0)]
    of: Annotated[int, Meta(ge=1)]


class DisclosureGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The five items that a prospect is told before joining."""

    identity: Text
    legal: Text
    cancellation: Text
    references: Annotated[list[Line], Meta(min_length=1, max_length=10)]
    claims: Annotated[list[ClaimGiven], Meta(max_length=20)] = []


class OpportunityPublish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An opportunity; one of a key that is there becomes its next version."""

    key: OwnTeam
    title: Annotated[str, Meta(min_length=1, max_length=150)]
    description: Text
    disclosure: DisclosureGiven
    summary: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    format: Literal["html", "markdown", "plain"] | None = None
    costs: Annotated[list[CostGiven], Meta(max_length=20)] = []
    obligations: Text | None = None
    terms: Text | None = None
    products: Annotated[list[str], Meta(max_length=200)] = []
    plan: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="record hash of the plan")] | None = None
    opens: Moment | None = None
    closes: Moment | None = None


class OpportunityName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names an opportunity."""

    team: TeamText


class OpportunityClose(Struct, frozen=True, forbid_unknown_fields=True):
    """Closes an own opportunity: nobody is invited from now on."""

    key: OwnTeam


class OpportunitiesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Opportunities: own ones, or those of somebody whose log is held here."""

    owner: NetworkerText | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class TeamCost(Struct, frozen=True, kw_only=True):
    """Something that a member pays."""

    title: str
    purpose: str
    price: Price
    required: bool


class EarningsClaim(Struct, frozen=True, kw_only=True):
    """A claim of earnings, with its percentage of the members of that time."""

    amount: str
    currency: str | None
    from_: int = field(name="from")
    until: int
    members: int
    of: int
    percent: str


class Disclosure(Struct, frozen=True, kw_only=True):
    """What a prospect is told; `hash` is what they acknowledge."""

    hash: str
    identity: str
    legal: str
    cancellation: str
    references: list[str]
    claims: list[EarningsClaim]


class KeptOf(Struct, frozen=True, kw_only=True):
    """Of `of` who joined at least `days` days ago, `kept` were members that long."""

    days: int
    of: int
    kept: int


class Retention(Struct, frozen=True, kw_only=True):
    """Who joined, and who stayed. `group`: a month, or a sponsor's id; empty: all."""

    group: str
    joined: int
    ages: list[KeptOf]


class Opportunity(Struct, frozen=True, kw_only=True):
    """An opportunity, and what this node computes of its team from the owner's log."""

    team: str
    owner: TeamPerson
    key: str
    title: str
    state: OpportunityState
    summary: str | UnsetType = UNSET
    members: int
    ever: int
    retention: Retention
    earnings: TeamEarnings | None = None  # null: there is no plan yet
    report: PlanReport | None = None


class OpportunityShown(Struct, frozen=True, kw_only=True):
    """An opportunity with all that a prospect reads before joining."""

    opportunity: Opportunity
    description: str
    obligations: str | UnsetType = UNSET
    terms: str | UnsetType = UNSET
    products: list[str]
    plan: str | None
    opens: int | None
    closes: int | None
    costs: list[TeamCost]
    disclosure: Disclosure
    earnings: TeamEarnings | None
    report: PlanReport | None = None  # what its newest plan was measured to do
    standing: IssuerStanding | None = None  # what speaks against its owner, who would owe a member credit
    entry: str


# -- teams ---------------------------------------------------------------------------------------------------
class TeamInvite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Invites somebody below the owner of this node. `to` null: whoever gets the text."""

    team: TeamText
    to: NetworkerText | None = None
    days: Days = 30
    parent: NetworkerText | None = None
    leg: Leg | None = None
    text: Annotated[str, Meta(max_length=2_000)] = ""


class TeamApply(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Applies by an invite: its text, or the id of one that came. `acknowledged`: the disclosure was read."""

    invite: Annotated[str, Meta(min_length=4, max_length=2_048)]
    acknowledged: bool = False


class ListedPerson(Struct, frozen=True):
    """Somebody in a list by which a team was taken over: what the list calls them."""

    ref: str
    name: str


class TeamPaper(Struct, frozen=True, kw_only=True):
    """A signed paper: made here, or come from another.

    `logged`: an own one that has had its effect in the log of the team's owner, where that is somebody else. Beside an
    invite: whom it is for, `invitee` by their id and `listed` by the list that was imported; what members
    earned in a year (`earnings`), and what the plan was measured to do (`report`).
    """

    paper: str
    kind: str
    team: str
    opportunity: str
    signer: TeamPerson
    own: bool
    state: PaperState
    code: str | None = None
    due: int | None = None
    text: str | UnsetType = UNSET
    invite: str | UnsetType = UNSET
    at: int
    invitee: TeamPerson | None = None
    listed: ListedPerson | None = None
    earnings: TeamEarnings | None = None
    report: PlanReport | None = None


class PapersQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Papers of teams, the newest first. `waiting`: only those that something can still come of. `paper`: only this."""

    waiting: bool = False
    paper: PaperText | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class TeamAdmit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Admits by an application; null: all whose days are over."""

    paper: PaperText | None = None


class TeamDone(Struct, frozen=True, kw_only=True):
    """What was appended to the own log: entry ids; `skipped`: applications that wait, and why."""

    entries: list[str]
    skipped: list[TeamPaper]


class TeamImportQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Takes a team over from a CSV file with the columns ref, sponsor, name, networker."""

    key: OwnTeam
    days: Days = 90
    dry_run: bool = False


class ImportFault(Struct, frozen=True, kw_only=True):
    """What is wrong in a row: `row` counts from 1, the heading is row 1."""

    row: int
    field: str
    problem: str


class TeamImported(Struct, frozen=True, kw_only=True):
    """What became of a list. With faults nothing was done."""

    rows: int
    invited: int
    waiting: int
    faults: list[ImportFault]


class TeamQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list about one team."""

    team: TeamText
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class TeamTreeQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Members below somebody, level by level; `below` null: below the owner."""

    team: TeamText
    below: NetworkerText | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class TeamMember(Struct, frozen=True, kw_only=True):
    """A member: where they stand, since when, and how many they sponsor."""

    member: TeamPerson
    level: int
    sponsor: TeamPerson
    joined: int
    sponsors: int
    parent: str | None
    leg: int | None
    holding: bool


class DutyState(Struct, frozen=True, kw_only=True):
    """A duty of a member's: a follow-up (`step`) or a module."""

    name: str
    done: bool
    by: TeamPerson | None
    due: int | None
    missed: bool


class MemberDuties(Struct, frozen=True, kw_only=True):
    """What is counted of one member."""

    member: TeamPerson
    sponsor: TeamPerson
    neglected: bool
    duties: list[DutyState]


class TeamDutyDone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says, by signature, that the owner of this node passed a `module` or got the follow-up `step`."""

    team: TeamText
    module: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    step: Annotated[int, Meta(ge=1, le=12)] | None = None
    by: NetworkerText | None = None


class TeamMove(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Moves a member of an own team, or, in a team of another, consents to it by signature."""

    team: TeamText
    member: NetworkerText
    sponsor: NetworkerText | None = None
    parent: NetworkerText | None = None
    leg: Leg | None = None
    neglect: bool = False


class TeamLeave(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Leaves a team for a `reason`, or, as its owner, ends the membership of `member`.

    `buyback`: who leaves asks the owner to take back all that they bought there and can give back.
    """

    team: TeamText
    reason: LeavingReason | None = None
    buyback: bool = False
    member: NetworkerText | None = None
    ended: Literal["inactive", "terms"] | None = None


class TeamGrowth(Struct, frozen=True, kw_only=True):
    """Recruits of a team in one period, and different buyers from outside it."""

    period: str
    recruits: int
    outside_buyers: int


class TeamStats(Struct, frozen=True, kw_only=True):
    """What is computed of a team; shares are percent with one decimal.

    `active`: members who sold something in the last 30 days; `sellers`: who sold something, of all who ever
    joined; `first_sale_days`: of those the median of whole days from joining to the first sale, none while nobody sold.
    `growth`: the last four periods that are over, oldest first; `outgrown`: in the last three of them recruitment grew
    faster than outside buyers.
    """

    team: str
    members: int
    ever: int
    left: dict[str, int]
    width: int
    depth: int
    concentration: str
    sponsoring: int
    duplicated: int
    duplicated_of: int
    active: int
    sellers: int
    first_sale_days: int | None
    neglected: int
    waiting: int
    all: Retention
    months: list[Retention]
    sponsors: list[Retention]
    growth: list[TeamGrowth]
    outgrown: bool
    void: dict[str, str]
