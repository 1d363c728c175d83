"""Credit of issuers, as their logs make it: figures, statements, audits, what promoters want to know."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from netnode.operations.models.issuers import IssuerStanding
from netnode.operations.models.shared import ITEMS_DEFAULT, Cursor, Limit, NetworkerText
from netnode.operations.models.teams import TeamPerson, TeamText

UnitText = Annotated[str, Meta(min_length=1, max_length=32, description="unit as the issuer names it")]
Moment = Annotated[int, Meta(ge=0, description="ms UTC")]
IdText = Annotated[
    str, Meta(pattern="^[0-9a-fA-F]{4,80}$", description="order of a sale in hex, or its first digits")
]
AwardText = Annotated[
    str,
    Meta(
        min_length=12,
        max_length=700,
        pattern="/[0-9]{4}-[0-9]{2}-[0-9]{2}(/|$)",
        description="KEY/PERIOD, KEY/PERIOD/RULE or KEY/PERIOD/RULE/LEVEL, as a statement shows it",
    ),
]
LineKind = Literal["award", "clawback", "locked", "paid_out", "received", "redeemed", "sent"]


class CreditFigures(Struct, frozen=True, kw_only=True):
    """What one holder has of one issuer and unit; decimals in the unit.

    balance - clawback_due = awarded - clawed_back + received - sent - redeemed - paid_out - expired + uncovered.
    """

    unit: str
    balance: str
    available: str
    pending: str
    locked: str
    clawback_due: str
    awarded: str
    clawed_back: str
    received: str
    sent: str
    redeemed: str
    paid_out: str
    expired: str
    uncovered: str


class PromoterFacts(Struct, frozen=True, kw_only=True):
    """How an issuer treats promoters, computed here from its log; percentages as decimals."""

    sales: int
    refunded: int
    refunded_percent: str
    promoters: int
    promoters_paid: int
    days_to_payable: int | None
    paid_on_time: int
    paid_on_time_percent: str


class UnknownBranch(Struct, frozen=True, kw_only=True):
    """A branch of a log that is known by its entry `id` at `seq`, and not held: what it gives is in no figure.

    Where `unknown_branches` stands it has the lowest, at most 20, of `unknown_count` in all.
    """

    seq: int
    id: str


class CreditQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures of one holder; `holder` null: the owner of this node."""

    issuer: NetworkerText
    holder: NetworkerText | None = None


class CreditBalance(Struct, frozen=True, kw_only=True):
    """What a holder has of one issuer. `unknown_from`: seq from which nothing can be said, `why` says why.

    `branches`: ids of the newest entries of the branches that the figures rest on, where there are several.
    """

    issuer: TeamPerson
    holder: TeamPerson
    figures: list[CreditFigures]
    standing: IssuerStanding
    unknown_from: int | None
    unknown_branches: list[UnknownBranch] = []
    unknown_count: int = 0
    why: str
    branches: list[str]


class CreditsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Issuers: the owner, and whom it follows. `all` lists also those of whom the owner has nothing."""

    all: bool = False
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class CreditIssuer(Struct, frozen=True, kw_only=True):
    """One issuer: what the owner of this node has of it, and how it treats promoters."""

    issuer: TeamPerson
    figures: list[CreditFigures]
    standing: IssuerStanding | None
    facts: PromoterFacts | None
    unknown_from: int | None
    unknown_branches: list[UnknownBranch] = []
    unknown_count: int = 0
    why: str


class StatementQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement of one holder, issuer and unit. `unit` null: the only one; `from`, `until`: ms UTC."""

    issuer: NetworkerText
    unit: UnitText | None = None
    holder: NetworkerText | None = None
    from_: Moment = field(name="from", default=0)
    until: Moment | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class CreditLine(Struct, frozen=True, kw_only=True):
    """One line. `id`: order of a sale, request or document of a movement in hex; of a period as `AwardExplain` has it.

    `amount` is signed as it changes the holder's credit; of an award what was credited then, before refunds. `rate`
    is empty where there is none, `rate` and `base` are null where they are not known, and `why` says why.
    """

    time: int
    what: LineKind
    id: str
    amount: str
    remains: str
    payable: int | None
    expires: int | None
    rule: str
    level: int
    rate: str | None
    base: str | None
    plan: str | None
    other: TeamPerson | None
    entry: int | None
    why: str = ""


class CreditStatement(Struct, frozen=True, kw_only=True):
    """Figures before and at the end of a period, what changed between, and the lines."""

    issuer: TeamPerson
    holder: TeamPerson
    unit: str
    from_: int = field(name="from")
    until: int
    opening: CreditFigures
    closing: CreditFigures
    posted: str
    clawed_back: str
    redeemed: str
    paid_out: str
    expired: str
    received: str
    sent: str
    uncovered: str
    standing: IssuerStanding
    unknown_from: int | None
    unknown_branches: list[UnknownBranch] = []
    unknown_count: int = 0
    why: str
    items: list[CreditLine]
    next: str | None = None


class IssuerName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names an issuer."""

    issuer: NetworkerText


class WrongEntry(Struct, frozen=True, kw_only=True):
    """An entry that has no effect, and why."""

    seq: int
    entry: str
    kind: str
    time: int
    code: str
    text: str


class UnitOwed(Struct, frozen=True, kw_only=True):
    """What an issuer owes in one unit; decimals in the unit. `overdue`: payable for more than 90 days and not used."""

    unit: str
    outstanding: str
    owed: str
    pending: str
    overdue: str
    issued: str
    clawed_back: str
    redeemed: str
    paid_out: str
    expired: str
    uncovered: str
    disputed: str
    holders: int
    warning: str


class CreditAudit(Struct, frozen=True, kw_only=True):
    """What the log of an issuer comes to, recomputed here.

    `entries`: critical ones that were recomputed. `wrong`: the first of `wrongs` entries without effect. `circles`:
    orders of the last 90 days, at most 20, whose buyer and referrer lead to each other by sales of other issuers.
    """

    issuer: TeamPerson
    head: int | None
    entries: int
    unknown_from: int | None
    unknown_branches: list[UnknownBranch] = []
    unknown_count: int = 0
    why: str
    wrongs: int
    wrong: list[WrongEntry]
    branches: list[str]
    units: list[UnitOwed]
    facts: PromoterFacts
    standing: IssuerStanding
    circles: list[str] = []


class CreditExplain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks where the awards of a sale come from; `issuer` null: looked for at the owner and whom it follows."""

    id: IdText
    issuer: NetworkerText | None = None


class CreditExplained(Struct, frozen=True, kw_only=True):
    """The awards of one sale, in words: each with sale, level, rate, base and plan."""

    issuer: TeamPerson
    order: str
    entries: list[int]
    plan: str
    plan_title: str
    base: str
    sentences: list[str]


class AwardExplain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks where awards of a closed period come from; `id` may begin with the owner's id and a slash.

    `issuer` null: looked for at the owner of this node and whom it has credit of; `holder` null: the owner.
    """

    id: AwardText
    issuer: NetworkerText | None = None
    holder: NetworkerText | None = None


class ExplainedAward(Struct, frozen=True, kw_only=True):
    """One award of a period, in words. `rate` and `base` are null where they are not known, and `why` says why.

    `amount` is what the close gave, `remains` what refunds left of it; `payable` is in ms UTC.
    """

    id: str
    amount: str
    remains: str
    payable: int
    rule: str
    level: int
    rate: str | None
    base: str | None
    words: list[str]
    why: str


class ExplainedClose(Struct, frozen=True, kw_only=True):
    """What a close gave a holder, and what did not become an award and why, in words.

    `entry` and `time` (ms UTC) are null where the entry is on another branch of the log.
    """

    plan: str
    plan_title: str
    entry: int | None
    time: int | None
    unit: str
    awards: list[ExplainedAward]
    withheld: list[str]


class AwardExplained(Struct, frozen=True, kw_only=True):
    """What a holder was awarded for a period of a team: several closes where the plan changed within it."""

    issuer: TeamPerson
    holder: TeamPerson
    team: str
    period: str
    closes: list[ExplainedClose]


class PeriodQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The open period of a team's plan."""

    team: TeamText
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class PlanReplay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan to be tried on all that a team's log has; `plan` as in files, numbers as text."""

    team: TeamText
    plan: dict[str, Any]
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class ReplayedPlan(Struct, frozen=True, kw_only=True):
    """One of the two plans of a comparison."""

    title: str
    unit: str


class ReplayedSum(Struct, frozen=True, kw_only=True):
    """Decimals in the unit of each plan; `difference` null where the units are not the same."""

    before: str
    after: str
    difference: str | None


class ReplayedMember(Struct, frozen=True, kw_only=True):
    """What a member gets by the plan in force, and would have got by the other one."""

    member: TeamPerson
    before: str
    after: str
    difference: str | None


class PlanReplayed(Struct, frozen=True, kw_only=True):
    """Every member, in the order of the team; `less` and `more` count those who would have got so."""

    team: str
    before: ReplayedPlan
    after: ReplayedPlan
    total: ReplayedSum
    less: int | None
    more: int | None
    items: list[ReplayedMember]
    next: str | None = None


class PeriodAward(Struct, frozen=True, kw_only=True):
    """What a member would get if the period were closed now."""

    to: TeamPerson
    amount: str
    rule: str
    level: int
    words: str


class PeriodOpen(Struct, frozen=True, kw_only=True):
    """The period that is not over, as the log stands: it changes with every sale.

    `sales` and `awarded` are of sales logged in it; `awards` what its close would add now.
    """

    team: str
    period: str
    begins: int
    ends: int
    plan: str
    plan_title: str
    unit: str
    head: int
    sales: int
    awarded: str
    base: str
    closing: str
    unclosed: bool
    items: list[PeriodAward]
    next: str | None = None
