"""Duties: what counts is what the member signed and the owner's log embeds [R-TEAM-17..20]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET

from protocol import encoding, limits
from protocol.entry import Entry
from protocol.errors import RemoteProtocolError, Void
from protocol.ledger.signers import Signers
from protocol.records import Duty
from protocol.teams.statements import Followup, Training, read, require_signed
from protocol.teams.team import Team


@dataclass(frozen=True, slots=True)
class Neglected:
    """A member whose deadlines were missed, for sponsor, upline and owner."""

    member: bytes
    sponsor: bytes
    missed: tuple[int, ...]
    oldest: int
    """When the first of them was due, ms UTC."""


def read_duty(data: bytes) -> Training | Followup:
    """A statement of one of the two forms.

    Raises:
        Void: `statement`.
    """
    try:
        value = encoding.decode(data, limits.MAX_STATEMENT)
    except RemoteProtocolError as error:
        raise Void("statement", f"a duty: {error.text}") from error
    return read(Training, data) if isinstance(value, dict) and "module" in value else read(Followup, data)


def judge(team: Team, entry: Entry, record: Duty, signers: Signers) -> Sequence[Training | Followup]:
    """Whether a duty entry has effect: all of its statements count, or none does.

    Raises:
        Void: `statement`, `names_differ`, `no_member`, `no_duty`, `not_signed`.
    """
    found = [read_duty(data) for data in record.statements]
    new = set[tuple[bytes, str | int]]()
    for each in found:
        require_counted(team, each, entry.time)
        named = (each.signer, each.module if isinstance(each, Training) else each.step)
        if named in new:
            raise Void("no_duty", "one duty is there twice")
        new.add(named)
    for each in found:
        require_signed(team.network, each, signers.keys(each.signer, each.epoch))
    return found


def require_counted(team: Team, statement: Training | Followup, now: int) -> None:
    """Refuses a duty that the plan does not name, that was counted, or that a stranger is said to have done.

    Args:
        team: as the log has made it.
        statement: its signature is checked elsewhere.
        now: date of the entry that counts it, ms UTC.

    Raises:
        Void: `names_differ`, `no_member`, `no_duty`.
    """
    if (statement.owner, statement.opportunity) != (team.owner, team.key):
        raise Void("names_differ", "a duty is about another team")
    membership = team.membership(statement.signer)
    if membership is None:
        raise Void("no_member", "who signed a duty is no member")
    if not membership.since <= statement.time <= now:
        raise Void("no_duty", "a duty is dated before the membership, or after the entry")
    by = statement.by
    if by is not UNSET and by != team.owner and not _stood_above(team, statement.signer, by, membership.at):
        raise Void("no_duty", "who is said to have done a duty does not stand above the member")
    if isinstance(statement, Training):
        if statement.module not in (module.key for module in membership.rules.modules):
            raise Void("no_duty", f"the plan has no module {statement.module}")
        if statement.module in membership.trainings:
            raise Void("no_duty", "the module was counted before")
    elif statement.step > len(membership.rules.followups):
        raise Void("no_duty", f"the plan has no follow-up {statement.step}")
    elif statement.step in membership.followups:
        raise Void("no_duty", "the follow-up was counted before")


def _stood_above(team: Team, member: bytes, upper: bytes, since: int) -> bool:
    """Whether somebody stands above a member, or did when their membership began."""
    return upper in team.tree.upline(member) or upper in team.tree.upline(member, since)


def neglected(team: Team, now: int) -> tuple[Neglected, ...]:
    """Members whose deadlines were missed, the longest neglected first.

    Args:
        team: as the log has made it.
        now: ms UTC.
    """
    found = []
    for member in team.tree.members():
        membership, sponsor = team.membership(member), team.tree.sponsor(member)
        if membership is not None and sponsor is not None and membership.neglected(now):
            missed = membership.missed(now)
            found.append(Neglected(member, sponsor, missed, membership.deadline(missed[0])))
    return tuple(sorted(found, key=lambda each: (each.oldest, each.member)))


def fulfilled(team: Team, upline: bytes, head: bytes, now: int, at: int | None = None) -> bool:
    """Whether somebody did their duties to the head of one of their legs [R-TEAM-21].

    For a plan that makes an upline's award depend on it. The sponsor owes the follow-ups; one that somebody above gave
    in their place is missed by the sponsor.

    Args:
        team: as the log has made it.
        upline: who would earn.
        head: the one right below them through whom a sale came.
        now: date of the sale entry, ms UTC.
        at: seq of the sale entry; None: now.
    """
    membership = team.membership(head, at)
    if membership is None or team.tree.sponsor(head, at) != upline or not membership.rules.followups:
        return True
    by_others = sum(
        1
        for step, done in membership.followups.items()
        if done.by != upline and (at is None or done.at <= at) and membership.deadline(step) < now
    )
    return len(membership.missed(now, at)) + by_others < membership.rules.missed


def doer(team: Team, upline: bytes, head: bytes, at: int | None = None) -> bytes | None:
    """Who gave the newest follow-up in place of `upline`: what is withheld goes there; None: nobody did.

    Arguments as of `fulfilled`.
    """
    membership = team.membership(head, at)
    done = [
        each
        for each in (() if membership is None else membership.followups.values())
        if each.by != upline and (at is None or each.at <= at)
    ]
    return max(done, key=lambda each: (each.time, each.at)).by if done else None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a plan asks of duties: `protocol.plans.facts.Duties`.

    Attributes:
        team: as the log has made it.
        now: date of the sale entry, or the end of the period; ms UTC.
    """

    team: Team
    now: int

    def done_by(self, upline: bytes, member: bytes, at: int | None = None) -> bytes | None:
        """Who did what `upline` owes to the head of one of its legs: itself, another, or nobody."""
        if fulfilled(self.team, upline, member, self.now, at):
            return upline
        return doer(self.team, upline, member, at)
