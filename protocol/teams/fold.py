"""All teams of one owner: a fold of the owner's log [R-TEAM-10].

teams = Teams(network, owner)
teams.take(entry, record, signers)      # admission, move, leave, duty, in the order of the log; Void: no effect
teams.govern(key, rules)                # when a plan with rules for the team takes force
teams.tree(key)                         # who stands where, at any entry
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import UNSET

from protocol import limits
from protocol.entry import Entry
from protocol.ledger.signers import Signers
from protocol.records import Admission, Duty, Leave, Move
from protocol.records.team import TeamRules
from protocol.rolls import Roll
from protocol.teams import admission, duties, moves
from protocol.teams.statements import Application, Training, read
from protocol.teams.team import Done, Team
from protocol.teams.tree import Tree
from protocol.teams.used import Again, Used, used_by

TeamRecord = Admission | Move | Leave | Duty


class Teams:
    """The teams that one log makes.

    Args:
        network: name of the network.
        owner: networker id of its author.
        everybody: that its ledger has met; None: each team counts by itself.
        again: tells what statements an entry of the log used up; None: the log cannot be read again.
    """

    __slots__ = ("_again", "_everybody", "_network", "_owner", "_teams")

    def __init__(
        self, network: str, owner: bytes, everybody: Roll[bytes] | None = None, again: Again | None = None
    ) -> None:
        self._network = network
        self._owner = owner
        self._everybody = everybody
        self._again = again
        self._teams: dict[str, Team] = {}

    @property
    def teams(self) -> Mapping[str, Team]:
        """By key of the opportunity."""
        return MappingProxyType(self._teams)

    def team(self, key: str) -> Team:
        """The team of an opportunity; an empty one where nothing was logged yet."""
        known = self._teams.get(key)
        if known is not None:
            return known
        tree = Tree(self._owner, self._everybody)
        return Team(self._network, self._owner, key, tree, used=Used(self._again))

    def tree(self, key: str) -> Tree[bytes]:
        """Who stands where in a team."""
        return self.team(key).tree

    def govern(self, key: str, rules: TeamRules) -> None:
        """Rules take force; deadlines that run already keep theirs [R-TEAM-11].

        Args:
            key: of the opportunity.
            rules: of the plan.
        """
        team = self._teams.setdefault(key, self.team(key))
        team.govern(rules)
        team.tree.set_legs(None if rules.legs is UNSET else rules.legs)

    def steps(self, record: TeamRecord, most: int) -> int:
        """How many people a reader goes through for an entry, those on one line left out [R-CRED-93].

        Args:
            record: of the entry.
            most: of them; how many more there are is of no account.

        Raises:
            Void: `statement`: an application has no right form.
        """
        team = self.team(record.opportunity)
        match record:
            case Leave() if team.rules.orphans == "roll_up":
                several = limits.KEPT_STEPS
                return several * team.tree.count_below(record.member, most // several, deep=False)
            case Move() if record.sponsor is not UNSET:
                return team.tree.count_below(record.member, most)
            case Admission():
                return team.tree.count_below(read(Application, record.application).signer, most)
            case _:
                return 0

    def take(self, entry: Entry, record: TeamRecord, signers: Signers) -> None:
        """Applies one entry, or nothing of it.

        Args:
            entry: of the owner's log; the next one of these kinds.
            record: of the entry, decoded.
            signers: with the record's openers taken in.

        Raises:
            Void: it has no effect; the code says why.
        """
        team = self.team(record.opportunity)
        match record:
            case Admission():
                self._admit(team, entry, record, signers)
            case Move():
                self._move(team, entry, record, signers)
            case Leave():
                self._leave(team, entry, record, signers)
            case Duty():
                self._count(team, entry, record, signers)
        for id in used_by(record):
            team.used.add(id, entry.seq)

    def _admit(self, team: Team, entry: Entry, record: Admission, signers: Signers) -> None:
        admitted = admission.judge(team, entry, record, signers)
        team.tree.join(admitted.member, admitted.sponsor, entry.seq, entry.time)
        if admitted.position is not None:
            team.tree.place(admitted.member, admitted.position.parent, admitted.position.leg, entry.seq)
        team.newest = entry.seq
        self._teams[team.key] = team

    def _move(self, team: Team, entry: Entry, record: Move, signers: Signers) -> None:
        moves.judge_move(team, entry, record, signers)
        if record.position is not UNSET:
            team.tree.place(record.member, record.position.parent, record.position.leg, entry.seq)
        elif record.sponsor is not UNSET:
            team.tree.move(record.member, record.sponsor, entry.seq)
            if record.reason == "neglect":  # a new sponsor gets the time that the first one had
                before = team.membership(record.member)
                assert before is not None  # `judge_move`
                team.begin(record.member, entry.seq, entry.time).trainings.update(before.trainings)

    def _leave(self, team: Team, entry: Entry, record: Leave, signers: Signers) -> None:
        reason = moves.judge_leave(team, record, signers)
        team.tree.leave(record.member, entry.seq, entry.time, roll_up=team.rules.orphans == "roll_up")
        team.endings.append((entry.seq, entry.time, record.member, reason))

    def _count(self, team: Team, entry: Entry, record: Duty, signers: Signers) -> None:
        for each in duties.judge(team, entry, record, signers):
            done = Done(None if each.by is UNSET else each.by, each.time, entry.seq)
            membership = team.counting(each.signer)
            if isinstance(each, Training):
                membership.trainings[each.module] = done
            else:
                membership.followups[each.step] = done
