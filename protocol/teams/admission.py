"""Whether an admission has effect, from what it embeds and the owner's log before it [R-TEAM-6..9].

The steps are in order and the first failure decides the code, so that all nodes show the same one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET

from protocol import limits, seen
from protocol.entry import Entry, parse_wire, signature_valid
from protocol.errors import RemoteProtocolError, Void
from protocol.ledger.signers import Signers
from protocol.records import Acknowledgement, Admission, decode_record
from protocol.records.team import Position
from protocol.run import follows
from protocol.teams.statements import Application, Invite, read, require_signed, statement_id
from protocol.teams.team import DAY_MS, Team

WAIT_MS: Final = limits.ACKNOWLEDGED_DAYS * DAY_MS


@dataclass(frozen=True, slots=True)
class Admitted:
    """What an admission says, once it is known to have effect."""

    member: bytes
    sponsor: bytes
    position: Position | None


def judge(team: Team, entry: Entry, record: Admission, signers: Signers) -> Admitted:
    """Whether an admission has effect, by returning what it says.

    Args:
        team: as the log has made it before the entry.
        entry: of the owner's log.
        record: of the entry.
        signers: with the record's openers taken in.

    Raises:
        Void: `statement`, `names_differ`, `invitation_over`, `is_member`, `no_sponsor`, `cycle`, `too_deep`,
            `not_signed`, `not_acknowledged`, `too_soon`, `no_place`.
    """
    invite, application = read(Invite, record.invite), read(Application, record.application)
    _require_names(team, record, invite, application)
    _require_invited(team, record, invite, application)
    _require_room(team, application.signer, invite.sponsor)
    if invite.signer != team.owner:  # what the owner embeds in an entry of their own is their word
        require_signed(team.network, invite, signers.ever(invite.signer, invite.epoch))
    require_signed(team.network, application, signers.keys(application.signer, application.epoch))
    acknowledged = acknowledgement(team, record.acknowledgement, record.disclosure, application, signers.ever)
    _require_seen(team, entry, record, invite, acknowledged, signers)
    position = None if record.position is UNSET else record.position
    if position is not None:
        _require_place(team, application.signer, invite, position)
    return Admitted(application.signer, invite.sponsor, position)


def _require_names(team: Team, record: Admission, invite: Invite, application: Application) -> None:
    """All papers are about this team, this invite and this disclosure [R-TEAM-6]."""
    for paper in (invite, application):
        if paper.owner != team.owner or paper.opportunity != team.key:
            raise Void("names_differ", f"the {type(paper).__name__.lower()} is about another team")
    if application.invite != statement_id(record.invite):
        raise Void("names_differ", "the application is by another invite")
    if invite.disclosure != record.disclosure:
        raise Void("names_differ", "the invite names another disclosure document")


def _require_invited(team: Team, record: Admission, invite: Invite, application: Application) -> None:
    """The invite is the sponsor's or the owner's, for this person, in its time, and unused [R-TEAM-7]."""
    if invite.signer not in (invite.sponsor, team.owner):
        raise Void("names_differ", "the invite is signed by neither sponsor nor owner")
    if invite.for_ not in (UNSET, application.signer):
        raise Void("invitation_over", "the invite is for somebody else")
    if application.time >= invite.expires:
        raise Void("invitation_over", "the invite had expired when the application was signed")
    if statement_id(record.invite) in team.used:
        raise Void("invitation_over", "the invite has admitted somebody")


def _require_room(team: Team, member: bytes, sponsor: bytes) -> None:
    """The member can stand there: no cycle, within the plan's depth [R-TEAM-10]."""
    tree = team.tree
    if member == team.owner or tree.member(member):
        raise Void("is_member", "they are a member already, or the owner")
    if sponsor != team.owner and not tree.member(sponsor):
        raise Void("no_sponsor", "the sponsor is no member")
    if sponsor == member or (tree.known(member) and tree.above(member, sponsor)):
        raise Void("cycle", "the sponsor is or stands below the new member")
    below = tree.height(member) if tree.known(member) else 0
    if tree.depth(sponsor) + 1 + below > team.rules.depth:
        raise Void("too_deep", f"the plan goes {team.rules.depth} levels deep")


def acknowledgement(
    team: Team,
    wires: Sequence[Any],
    disclosure: bytes,
    application: Application,
    keys: Any,
) -> Entry:
    """The member's acknowledgement, proved to be an entry of their log [R-TEAM-8].

    Args:
        team: whose owner and key it names.
        wires: consecutive entries as ``[header, signature, record or nil]``; the first is the acknowledgement, the
            last is signed by itself.
        disclosure: hash of the document that it has to name.
        application: which names its place.
        keys: (networker, epoch) -> keys, those replaced since as well.

    Raises:
        Void: `not_acknowledged`.
    """
    try:
        entries = [parse_wire(wire) for wire in wires]
    except RemoteProtocolError as error:
        raise Void("not_acknowledged", f"the acknowledgement is no entry: {error.text}") from error
    first, last = entries[0], entries[-1]
    if (first.author, (first.seq, first.id)) != (application.signer, application.acknowledgement):
        raise Void("not_acknowledged", "the entry is not the one that the application names")
    for before, entry in itertools.pairwise(entries):
        fault = follows(
            entry,
            seq=before.seq,
            entry_id=before.id,
            place=before.place,
            time=before.time,
            kind=before.kind,
        )
        if fault is not None or entry.author != first.author or entry.is_opener:
            raise Void("not_acknowledged", "the entries after the acknowledgement do not follow each other")
    if not any(signature_valid(team.network, key, last) for key in keys(first.author, last.epoch)):
        raise Void("not_acknowledged", "no key of the member that is known here signed the entry")
    record = None if first.record is None else _decoded(first)
    if not isinstance(record, Acknowledgement):
        raise Void("not_acknowledged", "the entry is no acknowledgement")
    if (record.owner, record.opportunity, record.disclosure) != (team.owner, team.key, disclosure):
        raise Void("not_acknowledged", "the acknowledgement is of another disclosure")
    return first


def _decoded(entry: Entry) -> object:
    assert entry.record is not None
    try:
        return decode_record(entry.kind, entry.record)
    except Void:
        return None


def _require_seen(
    team: Team, entry: Entry, record: Admission, invite: Invite, acknowledged: Entry, signers: Signers
) -> None:
    """Somebody who is none of the three saw the acknowledgement at least 7 days before [R-TEAM-9]."""
    parties = (team.owner, invite.sponsor, acknowledged.author)
    for data in record.seen:
        if seen_by_other(team.network, data, acknowledged, parties, signers.ever, entry.time - WAIT_MS):
            return
    raise Void(
        "too_soon",
        f"nobody but owner, sponsor and member saw the acknowledgement {limits.ACKNOWLEDGED_DAYS} days before",
    )


def seen_by_other(
    network: str, data: bytes, entry: Entry, parties: Sequence[bytes], keys: Any, latest: int
) -> bool:
    """Whether a `seen` statement shows that somebody else had an entry by a date.

    Args:
        network: name of the network.
        data: bytes of the statement.
        entry: what was seen.
        parties: whose word does not count.
        keys: (networker, epoch) -> keys.
        latest: ms UTC.
    """
    try:
        statement = seen.decode(data)
    except RemoteProtocolError:
        return False
    named = (statement.author, statement.epoch, statement.term, statement.seq, statement.id)
    if named != (entry.author, entry.epoch, entry.term, entry.seq, entry.id):
        return False
    if statement.witness in parties or statement.time > latest:
        return False
    return any(
        seen.verify(network, statement, key) for key in keys(statement.witness, statement.witness_epoch)
    )


def _require_place(team: Team, member: bytes, invite: Invite, position: Position) -> None:
    """A place that is given at once is the sponsor's wish, free, and below the sponsor [R-TEAM-13]."""
    if team.tree.placement(member) is not None:
        raise Void("no_place", "they have the place that they had before they left")
    if invite.position != position:
        raise Void("no_place", "the sponsor did not ask for this place")
    require_free(team, invite.sponsor, position)


def require_free(team: Team, sponsor: bytes, position: Position) -> None:
    """Refuses a place that is taken, not there, or not below the sponsor's own.

    Raises:
        Void: `no_place`.
    """
    tree = team.tree
    if tree.legs is None or position.leg >= tree.legs:
        raise Void("no_place", "the plan has no such place")
    if not tree.under(sponsor, position.parent):
        raise Void("no_place", "the place is not below the sponsor's")
    if tree.placed(position.parent, position.leg) is not None:
        raise Void("no_place", "the place is taken")
