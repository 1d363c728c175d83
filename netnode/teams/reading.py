"""Teams as the log of their owner makes them: folded once, then kept level with what the log has more."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Store
from protocol.entry import Entry
from protocol.errors import Void
from protocol.identity import id_text
from protocol.ledger.governing import Governing
from protocol.ledger.signers import Signers, entries_of
from protocol.records import Admission, Duty, Leave, Move, Opportunity, Plan, decode_record
from protocol.records.team import TeamRules
from protocol.teams.fold import Teams

KEPT: Final = 16  # why: a person is in a few teams; another log is folded again in a second
_STEP: Final = 4_096
_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Offered:
    """The current version of an opportunity."""

    entry: Entry
    record: Opportunity


@dataclass(slots=True)
class OwnerLog:
    """What one log says of its owner's teams, up to and with entry `tip`.

    Attributes:
        owner: networker id.
        signers: others whose openers it has embedded.
        teams: the fold of its records.
        opportunities: by key.
        governing: the plans, and from when each holds.
        void: code by seq of the records of teams that have no effect.
        tip: the newest entry taken in; None before the first.
    """

    owner: bytes
    signers: Signers
    teams: Teams
    opportunities: dict[str, Offered] = field(default_factory=dict)
    governing: Governing = field(default_factory=Governing)
    void: dict[int, str] = field(default_factory=dict)
    tip: Entry | None = None

    def take(self, entry: Entry) -> None:
        """Takes in the next entry."""
        self.tip = entry
        self._govern(entry.time)
        if entry.record is None:
            return
        try:
            record = decode_record(entry.kind, entry.record)
            openers = getattr(record, "openers", None)
            if openers:
                self.signers.admit(entries_of(openers))
            match record:
                case Opportunity():
                    self.opportunities[record.key] = Offered(entry, record)
                case Plan():
                    self.governing.take(entry.time, record)
                    self._govern(entry.time)
                case Admission() | Move() | Leave() | Duty():
                    self.teams.take(entry, record, self.signers)
        except Void as void:
            self.void[entry.seq] = void.code

    def rules_at(self, key: str, now: int) -> TeamRules:
        """The rules of a team for an entry dated `now` (ms UTC), which the fold takes over with such an entry only."""
        held = [
            each
            for each in self.governing.all()
            if each.opportunity == key and each.starts <= now and each.plan.team
        ]
        newest = max(held, key=lambda each: each.starts, default=None)
        return newest.plan.team if newest is not None and newest.plan.team else self.teams.team(key).rules

    def _govern(self, time: int) -> None:
        """Has the plans take force that hold for an entry of this date."""
        for governed in self.governing.due(time):
            if governed.opportunity is not None and governed.plan.team:
                self.teams.govern(governed.opportunity, governed.plan.team)


class TeamLogs:
    """The teams that logs held here make.

    Args:
        network: the network's name.
        store: holds the logs.
    """

    def __init__(self, network: str, store: Store) -> None:
        self._network = network
        self._store = store
        self._kept: OrderedDict[bytes, OwnerLog] = OrderedDict()

    async def of(self, owner: bytes) -> OwnerLog:
        """The teams of a networker, level with what is held of their log.

        Raises:
            Problem: `unknown_author` (3): nothing of the log is here; `incomplete` (4): its beginning is missing.
        """
        known = self._kept.pop(owner, None)
        found = await self._store.read(self._level, owner, known)
        self._kept[owner] = found
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    def _level(self, reader: Reader, owner: bytes, known: OwnerLog | None) -> OwnerLog:
        state = reader.load(owner)
        if state is None:
            raise Problem(
                f"Nothing of the log of {id_text(owner)} is here yet. Follow them, and try again once the log has "
                f"come: netnode follow add {id_text(owner)}",
                ExitCode.NOT_FOUND,
                "unknown_author",
            )
        if state.base.seq:
            raise Problem(
                f"The log of {id_text(owner)} is here from entry {state.base.seq} on only, so their team cannot be "
                f"computed. Follow them, and it is fetched whole: netnode follow add {id_text(owner)}",
                ExitCode.REFUSED,
                "incomplete",
            )
        if known is not None and known.tip is not None:
            held = reader.entry(owner, known.tip.seq)
            if held is None or held.id != known.tip.id:  # a rotation or settlement chose another branch
                known = None
        log = known or OwnerLog(owner, Signers(self._network), Teams(self._network, owner))
        seq = 0 if log.tip is None else log.tip.seq + 1
        while seq <= state.tip.seq:
            part = reader.entries(owner, seq, min(state.tip.seq, seq + _STEP - 1), _BYTES)
            if not part:
                break
            for entry in part:
                log.take(entry)
            seq = part[-1].seq + 1
        return log


def opportunity_of(log: OwnerLog, key: str) -> Offered:
    """The current version of an opportunity.

    Raises:
        Problem: `no_opportunity` (3).
    """
    found = log.opportunities.get(key)
    if found is None:
        raise Problem(
            f"{id_text(log.owner)} offers no opportunity {key!r}. See theirs with: "
            f"netnode opportunity ls {id_text(log.owner)}",
            ExitCode.NOT_FOUND,
            "no_opportunity",
        )
    return found
