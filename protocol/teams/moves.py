"""Whether a move or an end of a membership has effect [R-TEAM-12..16].

No rule lets an owner move a member against their will, but out of the holding place once its days are over; and
nothing here touches what a member is owed.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from protocol.entry import Entry
from protocol.errors import Void
from protocol.identity import id_text
from protocol.ledger.signers import Signers
from protocol.records import Leave, Move
from protocol.teams.admission import require_free
from protocol.teams.statements import Leaving, Placing, read, require_signed, statement_id
from protocol.teams.team import DAY_MS, Team


def judge_move(team: Team, entry: Entry, record: Move, signers: Signers) -> None:
    """Whether a move has effect, by returning.

    Args:
        team: as the log has made it before the entry.
        entry: of the owner's log.
        record: of the entry.
        signers: with the record's openers taken in.

    Raises:
        Void: `no_member`, `statement`, `names_differ`, `not_signed`, `no_consent`, `not_neglected`, `no_sponsor`,
            `cycle`, `too_deep`, `no_place`.
    """
    tree = team.tree
    if not tree.member(record.member):
        raise Void("no_member", "who is moved is no member")
    ids = tuple(statement_id(each) for each in record.statements)
    signed = {each.signer for each in _consents(team, record, signers)}
    if len(set(ids)) < len(ids) or any(each in team.used for each in ids):
        raise Void("no_consent", "a statement was used before")
    if record.reason == "holding":
        _require_placed(team, entry, record, signed)
        return
    assert record.sponsor is not UNSET  # `check_move`
    sponsor = record.sponsor
    before = tree.sponsor(record.member)
    if record.reason == "agreed":
        needed = {record.member, before, sponsor} - {team.owner}
    else:
        needed = {record.member}
        _require_neglected(team, entry, record.member, sponsor)
        if _replacement(team, record.member) == "choice":
            needed |= {sponsor} - {team.owner}
    if needed - signed:
        parts = {record.member: "who is moved", before: "the sponsor now", sponsor: "the new sponsor"}
        missing = [
            f"{part} ({id_text(each)})" for each, part in parts.items() if each in needed - signed and each
        ]
        raise Void("no_consent", f"consent is missing of {' and of '.join(missing)}")
    _require_standing(team, record.member, sponsor)


def _consents(team: Team, record: Move, signers: Signers) -> Sequence[Placing]:
    """The statements of a move, each about this very move and signed by its signer."""
    found = [read(Placing, data) for data in record.statements]
    for each in found:
        about = (each.owner, each.opportunity, each.member, each.sponsor, each.position)
        if about != (team.owner, team.key, record.member, record.sponsor, record.position):
            raise Void("names_differ", "a statement is about another move")
    for each in found:
        require_signed(team.network, each, signers.keys(each.signer, each.epoch))
    return found


def _require_placed(team: Team, entry: Entry, record: Move, signed: set[bytes]) -> None:
    """Out of the holding place: where the sponsor says, or where the rule says once the days are over [R-TEAM-14]."""
    tree, member = team.tree, record.member
    assert record.position is not UNSET  # `check_move`
    position = record.position
    if tree.placement(member) is not None:
        raise Void("no_place", "they have their place")
    sponsor = tree.sponsor(member)
    assert sponsor is not None  # every member has one
    if sponsor in signed or sponsor == team.owner:
        require_free(team, sponsor, position)
        return
    joined = tree.spans(member)[-1].joined_ms
    if entry.time < joined + team.rules.holding * DAY_MS:
        raise Void(
            "no_consent", "the sponsor may choose the place until the days of the holding place are over"
        )
    if tree.legs is None or tree.free_place(sponsor, team.rules.spill) != (position.parent, position.leg):
        raise Void("no_place", "the rule gives another place")


def _require_neglected(team: Team, entry: Entry, member: bytes, sponsor: bytes) -> None:
    """A neglected member may go: to the next sponsor above, or to their choice, as the plan says [R-TEAM-20]."""
    membership = team.membership(member)
    rule = _replacement(team, member)
    if rule == "none" or membership is None:
        raise Void(
            "not_neglected",
            "by the plan that held when they joined, neglected members keep their sponsor (team.replacement)",
        )
    if not membership.neglected(entry.time):
        raise Void("not_neglected", "too few deadlines were missed")
    if rule == "upline" and sponsor != next_sponsor(team, member):
        raise Void("no_sponsor", "the rule gives another sponsor")


def _replacement(team: Team, member: bytes) -> str:
    membership = team.membership(member)
    return "none" if membership is None else membership.rules.replacement


def next_sponsor(team: Team, member: bytes) -> bytes:
    """The nearest member above the sponsor of somebody, or the owner."""
    above = list(team.tree.upline(member))[1:]
    return next((each for each in above if team.tree.member(each)), team.owner)


def _require_standing(team: Team, member: bytes, sponsor: bytes) -> None:
    tree = team.tree
    if sponsor != team.owner and not tree.member(sponsor):
        raise Void("no_sponsor", "the new sponsor is no member")
    if sponsor == tree.sponsor(member):
        raise Void("no_sponsor", "that is their sponsor")
    if sponsor != team.owner and tree.above(member, sponsor):
        raise Void("cycle", "the new sponsor stands below them")
    if tree.depth(sponsor) + 1 + tree.height(member) > team.rules.depth:
        raise Void("too_deep", f"the plan goes {team.rules.depth} levels deep")


def judge_leave(team: Team, record: Leave, signers: Signers) -> str:
    """Whether the end of a membership has effect; its reason [R-TEAM-15].

    Raises:
        Void: `no_member`, `statement`, `names_differ`, `not_signed`.
    """
    if not team.tree.member(record.member):
        raise Void("no_member", "who leaves is no member")
    if record.leaving is UNSET:
        return f"owner:{record.ended}"
    leaving = read(Leaving, record.leaving)
    if (leaving.owner, leaving.opportunity, leaving.signer) != (team.owner, team.key, record.member):
        raise Void("names_differ", "the statement is about another membership")
    if leaving.time < team.tree.spans(record.member)[-1].joined_ms:
        raise Void("names_differ", "the statement is about an earlier membership")
    if (
        statement_id(record.leaving) in team.used
    ):  # dated ahead, by a clock that was, it would end the next one too
        raise Void("names_differ", "the statement has ended a membership")
    require_signed(team.network, leaving, signers.keys(leaving.signer, leaving.epoch))
    return leaving.reason
