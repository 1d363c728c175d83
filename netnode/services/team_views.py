"""Opportunities, teams and papers as answers: what the log says, in the shapes of the operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import UNSET

from netnode.ledgers.ledger import Offered
from netnode.market import money
from netnode.operations import models
from netnode.projections import views
from netnode.store import Reader
from netnode.store.teams import ImportRow, PaperRow
from netnode.teams.admitting import Candidate
from netnode.teams.desk import invite_text
from netnode.teams.growing import grown
from netnode.teams.reading import OwnerLog
from netnode.teams.selling import brought
from protocol.deals.periods import DAY, date_of
from protocol.identity import id_text
from protocol.teams.disclosure import document_hash, read_document
from protocol.teams.duties import neglected
from protocol.teams.retention import Row, activity, by_cohort, by_sponsor, retention
from protocol.teams.shape import shape
from protocol.teams.statements import Invite, read_named
from protocol.teams.team import Team

_WHOLE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Names:
    """The names of networkers that this node knows."""

    known: Mapping[bytes, str]

    def person(self, networker: bytes) -> models.TeamPerson:
        """Somebody, with their name where it is known."""
        return models.TeamPerson(id=id_text(networker), name=self.known.get(networker, ""))


def names_of(reader: Reader, networkers: Iterable[bytes]) -> Names:
    """The names of these."""
    return Names(views.names(reader.connection, networkers))


def team_name(owner: bytes, key: str) -> str:
    """How a team is named everywhere."""
    return f"{id_text(owner)}/{key}"


def opportunity_view(log: OwnerLog, offered: Offered, names: Names, now: int) -> models.Opportunity:
    """An opportunity in a list."""
    record, team = offered.record, log.teams.team(offered.record.key)
    state: str = "open"
    if isinstance(record.closes, int) and now >= record.closes:
        state = "closed"
    elif isinstance(record.opens, int) and now < record.opens:
        state = "opens later"
    return models.Opportunity(
        team=team_name(log.owner, record.key),
        owner=names.person(log.owner),
        key=record.key,
        title=record.title,
        state=msgspec.convert(state, type=models.OpportunityState),
        summary=record.summary,
        members=sum(1 for _ in team.tree.members()),
        ever=sum(1 for _ in team.tree.everybody()),
        retention=retention_view("", retention(team, now)),
    )


def opportunity_shown(
    log: OwnerLog, offered: Offered, names: Names, earnings: models.TeamEarnings | None, now: int
) -> models.OpportunityShown:
    """An opportunity with all that a prospect reads."""
    record = offered.record
    return models.OpportunityShown(
        opportunity=opportunity_view(log, offered, names, now),
        description=record.description,
        obligations=record.obligations,
        terms=record.terms,
        products=[] if record.products is UNSET else list(record.products),
        plan=None if record.plan is UNSET else record.plan.hex(),
        opens=None if record.opens is UNSET else record.opens,
        closes=None if record.closes is UNSET else record.closes,
        costs=[
            models.TeamCost(
                title=cost.title,
                purpose=cost.purpose,
                price=views.price_view(cost.price),
                required=cost.required,
            )
            for cost in record.costs
        ],
        disclosure=disclosure_view(record.disclosure),
        earnings=earnings,
        entry=offered.entry.id.hex(),
    )


def disclosure_view(data: bytes) -> models.Disclosure:
    """A disclosure document.

    Raises:
        Void: it is none; who publishes with this program cannot publish such a one.
    """
    document = read_document(data)
    return models.Disclosure(
        hash=document_hash(data).hex(),
        identity=document.identity,
        legal=document.legal,
        cancellation=document.cancellation,
        references=list(document.references),
        claims=[
            models.EarningsClaim(
                amount=money.show(claim.amount, "" if claim.currency is UNSET else claim.currency),
                currency=None if claim.currency is UNSET else claim.currency,
                from_=claim.from_,
                until=claim.until,
                members=claim.members,
                of=claim.of,
                percent=f"{claim.points // 100}.{claim.points % 100:02}",
            )
            for claim in document.claims
        ],
    )


def retention_view(group: str, row: Row) -> models.Retention:
    """Retention of one group."""
    ages = [models.KeptOf(days=each.days, of=each.of, kept=each.kept) for each in row.ages]
    return models.Retention(group=group, joined=row.joined, ages=ages)


def month_of(ms: int) -> str:
    """The month of a date in UTC, as ``2026-03``."""
    year, month, _ = date_of(ms // DAY)
    return f"{year:04}-{month:02}"


def stats_view(log: OwnerLog, team: Team, now: int, waiting: int) -> models.TeamStats:
    """What is computed of a team."""
    sold = brought(log.ledger.book, team.key)
    found, done, growth = shape(team), activity(team, now, sold), grown(team, log.governing, now)
    left: dict[str, int] = {}
    for *_, reason in team.endings:
        left[reason] = left.get(reason, 0) + 1
    return models.TeamStats(
        team=team_name(team.owner, team.key),
        members=found.members,
        ever=sum(1 for _ in team.tree.everybody()),
        left=dict(sorted(left.items())),
        width=found.width,
        depth=found.depth,
        concentration=f"{found.largest * 100 / found.members:.1f}" if found.members else "0.0",
        sponsoring=found.sponsoring,
        duplicated=done.duplicated,
        duplicated_of=done.of_aged,
        active=done.active,
        sellers=done.sellers,
        first_sale_days=done.first_sale_days,
        neglected=len(neglected(team, now)),
        waiting=waiting,
        all=retention_view("", retention(team, now)),
        months=[retention_view(name, row) for name, row in by_cohort(team, now, month_of).items()],
        sponsors=[retention_view(id_text(each), row) for each, row in by_sponsor(team, now).items()],
        growth=[
            models.TeamGrowth(period=label, recruits=each.recruits, outside_buyers=each.outside_buyers)
            for label, each in growth.periods
        ],
        outgrown=growth.warned,
        void={str(seq): code for seq, code in log.void.items()},
    )


def member_view(team: Team, member: bytes, level: int, names: Names) -> models.TeamMember:
    """A member in the tree."""
    tree = team.tree
    sponsor, place, joined = tree.sponsor(member), tree.placement(member), tree.joined_ms(member)
    assert sponsor is not None and joined is not None  # every member has one
    return models.TeamMember(
        member=names.person(member),
        level=level,
        sponsor=names.person(sponsor),
        joined=joined,
        sponsors=sum(1 for _ in tree.sponsored(member)),
        parent=None if place is None else id_text(place[0]),
        leg=None if place is None else place[1],
        holding=tree.legs is not None and place is None,
    )


def duties_view(team: Team, member: bytes, now: int, names: Names) -> models.MemberDuties:
    """What is counted of a member, and what is due."""
    membership, sponsor = team.membership(member), team.tree.sponsor(member)
    assert membership is not None and sponsor is not None  # every member has them
    found = []
    for step in membership.steps:
        done = membership.followups.get(step)
        found.append(
            models.DutyState(
                name=f"follow-up {step}",
                done=done is not None,
                by=None if done is None or done.by is None else names.person(done.by),
                due=membership.deadline(step),
                missed=step in membership.missed(now),
            )
        )
    waiting = dict(membership.untrained())
    for module in membership.rules.modules:
        passed = membership.trainings.get(module.key)
        due = waiting.get(module.key)
        found.append(
            models.DutyState(
                name=module.key,
                done=passed is not None,
                by=None if passed is None or passed.by is None else names.person(passed.by),
                due=due,
                missed=passed is None and due is not None and due < now,
            )
        )
    return models.MemberDuties(
        member=names.person(member),
        sponsor=names.person(sponsor),
        neglected=membership.neglected(now),
        duties=found,
    )


def invitee(row: PaperRow) -> bytes | None:
    """The only networker whom an invite is for; None where there is none, and for other papers."""
    said = read_named(row.name, row.data)
    return said.for_ if isinstance(said, Invite) and isinstance(said.for_, bytes) else None


def paper_view(
    row: PaperRow, names: Names, candidate: Candidate | None, now: int, listed: ImportRow | None = None
) -> models.TeamPaper:
    """A paper; an application to the own team with what can come of it, an invite with whom it is for."""
    to = invitee(row)
    state, code, due = "waiting", row.why, None
    text = row.text
    if row.why is not None:
        state = "void"
    elif row.done is not None:
        state = "closed"
    elif candidate is not None:
        due = candidate.due
        state = "due" if due is not None and due <= now else "too soon"
        if candidate.void is not None:
            state, code = "void", candidate.void
        if state != "due":
            text = candidate.why
    open_invite = row.name == "invite" and row.done is None
    return models.TeamPaper(
        paper=row.id.hex(),
        kind=row.name,
        team=team_name(row.owner, row.opportunity),
        opportunity=row.opportunity,
        signer=names.person(read_named(row.name, row.data).signer),
        own=row.own,
        state=msgspec.convert(state, type=models.PaperState),
        code=code,
        due=due,
        text=text or UNSET,
        invite=invite_text(row.data) if open_invite else UNSET,
        at=row.at,
        invitee=None if to is None else names.person(to),
        listed=None if listed is None else models.ListedPerson(listed.ref, listed.name),
    )
