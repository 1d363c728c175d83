"""The close of a period: the awards of a period plan, published at once [R-CRED-30..33]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec import UNSET

from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.contents import CloseTerms, encode_close, read_terms, states
from protocol.ledger.effects import NEVER, AwardKey, Credited, Earned, Step, period_id
from protocol.ledger.governing import DAY, Governed
from protocol.ledger.state import State
from protocol.plans.closed import Closed
from protocol.plans.evaluate import evaluate_period
from protocol.plans.facts import Award, Exact, Period
from protocol.plans.running import Running, runs
from protocol.plans.surveying import refresh
from protocol.teams.duties import Answers


def take_close(state: State, entry: Entry, content: Iterable[bytes], digest: bytes) -> None:
    """A whole close; `entry` carries its last part [R-CRED-30].

    Args:
        state: before the entry.
        entry: carries the last part.
        content: in pieces.
        digest: SHA-256 of the content.

    Raises:
        Void: in this order: `malformed`, `no_plan`, `already_logged`, `period`, `too_costly`, `awards_differ`.
    """
    governed, period = _due(state, entry, read_terms(content))
    state.spend(entry.seq, state.signers.count)
    awards = _closed(state, entry, governed, period, digest)
    governed.closed = period.end
    rank_again(state, entry.seq, governed)
    due = entry.time + governed.plan.hold_days * DAY
    expires = NEVER if governed.plan.expiry_days is UNSET else due + governed.plan.expiry_days * DAY
    _credit(state, governed, period.label, awards, due, expires)


def _closed(
    state: State, entry: Entry, governed: Governed, period: Period, digest: bytes
) -> Sequence[Award[bytes]]:
    """Closes a period; its awards, while what they were evaluated on is let go of.

    Raises:
        Void: `awards_differ`.
    """
    closed = close_of(state, governed, period)
    pieces = encode_close(closed.awards, begins=period.start, ends=period.end, plan=governed.hash)
    if not states(digest, pieces):
        raise Void("awards_differ", "awards: are not what the plan comes to")
    governed.activity.close(closed, entry.seq)
    return closed.awards


def _due(state: State, entry: Entry, content: CloseTerms) -> tuple[Governed, Period]:
    """The period that is closed next.

    Raises:
        Void: `no_plan`, `period`, `already_logged`.
    """
    governed = state.governing.find(content.plan)
    if governed is None or governed.opportunity is None:
        raise Void("no_plan", "plan: no plan with a team in this log has that hash")
    if governed.closed is not None and content.ends <= governed.closed:
        raise Void("already_logged", "begins: the period is closed already")
    period = period_of(state, governed, content.begins)
    if (period.start, period.end) != (content.begins, content.ends) or period.end > entry.time:
        raise Void("period", "begins: is no period of the plan that is over")
    if period.end <= governed.starts or not governed.left(period.start):
        raise Void("period", "begins: the plan was not in force in that period")
    if governed.closed is not None and period.start != governed.closed:
        raise Void("period", "begins: the period before it is not closed")
    return governed, period


def _credit(
    state: State, governed: Governed, label: str, awards: Sequence[Award[bytes]], due: int, expires: int
) -> None:
    """Awards of a close take effect; of two of one recipient, rule and level the later one."""
    assert governed.opportunity is not None  # `take_close`
    unit, terms = governed.plan.unit.name, (due, expires, due, len(state.dates) - 1)
    kinds: dict[tuple[str, int], int] = {}
    for award in awards:
        key: AwardKey = (award.to, award.rule, award.level, unit)
        kind = kinds.get(key[1:3])
        if kind is None:
            id = period_id(governed.opportunity, governed.hash, label, key)
            kind = kinds[key[1:3]] = state.awards.kind(id, key)
        if not state.award(award.to, kind, award.amount, award.volume, terms):
            id = period_id(governed.opportunity, governed.hash, label, key)
            step = Step(due, expires, award.amount, award.volume, due)
            state.put(id, Earned(Credited(*key, (step,)), 0))


def rank_again(state: State, seq: int, governed: Governed) -> None:
    """Works out the ranks of closed periods again whose sales were refunded, where the steps are left [R-CRED-94].

    Args:
        state: after the entry.
        seq: of it: a refund or a close.
        governed: the plan that the sale follows, or whose period was closed.
    """
    activity = governed.activity
    if governed.stale is None and not activity.stale:
        return
    governed.stale = min(each for each in (governed.stale, *activity.stale) if each is not None)
    activity.age(governed.stale)
    stale, activity.stale = activity.stale, []
    if governed.opportunity is None or not governed.compiled.ranks:
        governed.stale = None
    elif state.affords(seq, state.signers.count * len(stale)):
        activity.stale, governed.stale = stale, None
        refresh(governed.compiled, state.teams.tree(governed.opportunity), activity)


def period_of(state: State, governed: Governed, begins: int) -> Period:
    """The period of a plan that a moment lies in; its place is that of the last critical entry dated before its end."""
    whole = governed.activity.period(begins, 0)
    return governed.activity.period(begins, state.dates.before(whole.end))


def close_of(state: State, governed: Governed, period: Period) -> Closed[bytes]:
    """What a period comes to, as the ledger stands."""
    assert governed.opportunity is not None  # asked before
    team = state.teams.team(governed.opportunity)
    return evaluate_period(governed.compiled, team.tree, governed.activity, period, Answers(team, period.end))


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An open period that was evaluated as a whole; asked like `Running`."""

    closed: Closed[bytes]

    @property
    def period(self) -> Period:
        """Which."""
        return self.closed.period

    @property
    def base(self) -> Exact:
        """Commissionable amount of the period so far."""
        return self.closed.base

    @property
    def closing(self) -> int:
        """What all awards come to now, minor units."""
        return sum(award.amount for award in self.closed.awards)

    def awards(self, first: int, limit: int) -> tuple[Award[bytes], ...]:
        """Some of the awards, in the order of the close."""
        return tuple(self.closed.awards[first : first + limit])


Open = Running[bytes] | Evaluated
"""A period that is not over, as the ledger stands."""


def open_of(state: State, governed: Governed, now: int, before: Open | None = None) -> Open:
    """The period of a plan that a moment lies in, as its close would be now.

    Args:
        state: of the book.
        governed: a plan with a team.
        now: ms UTC, not before the newest entry.
        before: what this was told before, of the same book and plan; brought level where that can be done.
    """
    period = period_of(state, governed, now)
    if isinstance(before, Running) and before.level(period):
        return before
    assert governed.opportunity is not None  # asked before
    if runs(governed.compiled):
        tree = state.teams.team(governed.opportunity).tree
        return Running(governed.compiled, tree, governed.activity, period)
    return Evaluated(close_of(state, governed, period))
