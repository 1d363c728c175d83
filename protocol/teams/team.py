"""One team as the owner's log has made it so far: the tree, the rules in force, and what was counted for whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET

from protocol import limits
from protocol.records.team import TeamRules
from protocol.teams.tree import Tree
from protocol.teams.used import Used

DAY_MS: Final = 24 * 3_600_000
NO_RULES: Final = TeamRules(
    depth=limits.MAX_TEAM_DEPTH,
    followups=(),
    holding=14,
    missed=1,
    modules=(),
    orphans="roll_up",
    replacement="none",
    spill="breadth",
)
"""In force while no plan of the owner says otherwise."""


@dataclass(frozen=True, slots=True)
class Done:
    """A duty that counts: who did it (None: nobody helped), when (ms UTC), logged by which entry."""

    by: bytes | None
    time: int
    at: int


@dataclass(slots=True)
class Membership:
    """What is counted of one member since they joined, or since they were given another sponsor for neglect.

    Attributes:
        at: the entry that began it.
        since: from when deadlines run, ms UTC.
        rules: in force then; later ones do not touch deadlines that run.
        followups: by step, from 1.
        trainings: by module.
    """

    at: int
    since: int
    rules: TeamRules
    followups: dict[int, Done] = field(default_factory=dict)
    trainings: dict[str, Done] = field(default_factory=dict)

    @property
    def steps(self) -> range:
        """The follow-ups of the plan, counted from 1."""
        return range(1, len(self.rules.followups) + 1)

    def deadline(self, step: int) -> int:
        """Until when a follow-up is due, ms UTC."""
        return self.since + self.rules.followups[step - 1] * DAY_MS

    def missed(self, now: int, at: int | None = None) -> tuple[int, ...]:
        """The follow-ups whose deadline has passed without one, ascending; one that came late counts [R-TEAM-19].

        Args:
            now: ms UTC.
            at: only what entries up to this seq counted; None: all.
        """
        return tuple(
            step for step in self.steps if self.deadline(step) < now and not self._followed(step, at)
        )

    def neglected(self, now: int, at: int | None = None) -> bool:
        """Whether as many were missed as the plan says make a member neglected. Arguments as of `missed`."""
        return bool(self.rules.followups) and len(self.missed(now, at)) >= self.rules.missed

    def _followed(self, step: int, at: int | None) -> bool:
        done = self.followups.get(step)
        return done is not None and (at is None or done.at <= at)

    def due(self, now: int) -> tuple[tuple[int, int], ...]:
        """The follow-ups that are still to come: (step, deadline in ms UTC)."""
        return tuple(
            (step, self.deadline(step))
            for step in self.steps
            if step not in self.followups and self.deadline(step) >= now
        )

    def untrained(self) -> tuple[tuple[str, int | None], ...]:
        """The modules not passed yet: (module, deadline in ms UTC or None)."""
        return tuple(
            (module.key, None if module.days is UNSET else self.since + module.days * DAY_MS)
            for module in self.rules.modules
            if module.key not in self.trainings
        )


@dataclass(slots=True)
class Team:
    """One team of an owner.

    Attributes:
        network: name of the network.
        owner: networker id.
        key: of the opportunity.
        tree: who stands where.
        rules: in force now.
        used: ids of the invites, placings and leavings that have had their effect, so that none has it twice.
        counted: by member, oldest first: what is counted of them, where that is more than when they joined.
        newest: seq of the newest admission.
        eras: rules that took force, oldest first, each with the seq from which on they hold for who joins.
        endings: (seq, ms UTC, member, reason) of everybody who left; the owner's reasons begin with ``owner:``.
    """

    network: str
    owner: bytes
    key: str
    tree: Tree[bytes]
    rules: TeamRules = NO_RULES
    used: Used = field(default_factory=Used)
    counted: dict[bytes, list[Membership]] = field(default_factory=dict)
    endings: list[tuple[int, int, bytes, str]] = field(default_factory=list)
    newest: int = -1
    eras: list[tuple[int, TeamRules]] = field(init=False)

    def __post_init__(self) -> None:
        self.eras = [(0, self.rules)]

    def govern(self, rules: TeamRules) -> None:
        """Rules take force; of who is a member those in force at the admission stay."""
        self.rules = rules
        self.eras.append((self.newest + 1, rules))

    def membership(self, member: bytes, at: int | None = None) -> Membership | None:
        """What is counted of somebody who is a member, now or right after entry `at`; not to be changed."""
        if not self.tree.member(member, at):
            return None
        joined, joined_ms = self.tree.joined(member, at), self.tree.joined_ms(member, at)
        assert joined is not None and joined_ms is not None  # a member
        begun = [each for each in self.counted.get(member, ()) if at is None or each.at <= at]
        if begun and begun[-1].at >= joined:
            return begun[-1]
        return Membership(
            joined, joined_ms, next(rules for seq, rules in reversed(self.eras) if seq <= joined)
        )

    def counting(self, member: bytes) -> Membership:
        """The same of a member, to count more."""
        membership = self.membership(member)
        assert membership is not None  # a member
        known = self.counted.setdefault(member, [])
        if not known or known[-1] is not membership:
            known.append(membership)
        return known[-1]

    def begin(self, member: bytes, at: int, ms: int) -> Membership:
        """Begins to count anew, by the rules in force."""
        membership = Membership(at, ms, self.rules)
        self.counted.setdefault(member, []).append(membership)
        return membership
