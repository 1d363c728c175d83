"""Teams as the log of their owner makes them: what its ledger knows of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from netnode.ledgers.ledger import Ledger, Offered
from netnode.ledgers.ledgers import Ledgers
from netnode.problems import ExitCode, Problem
from netnode.store import Reader
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.ledger.governing import Governing
from protocol.ledger.signers import Signers
from protocol.records import Admission, Duty, Leave, Move
from protocol.records.team import TeamRules
from protocol.teams.fold import Teams

T = TypeVar("T")
_KINDS = frozenset((Admission.KIND, Duty.KIND, Leave.KIND, Move.KIND))


@dataclass(frozen=True, slots=True)
class OwnerLog:
    """What one log says of its owner's teams, up to and with entry `tip`; to be read before the next `await`."""

    ledger: Ledger
    place: tuple[int, bytes] | None = None
    """Seq and id of the newest entry when it was asked for."""

    @property
    def owner(self) -> bytes:
        """Networker id."""
        return self.ledger.issuer

    @property
    def signers(self) -> Signers:
        """Others whose openers the log has embedded."""
        return self.ledger.book.signers

    @property
    def teams(self) -> Teams:
        """The fold of its records."""
        return self.ledger.book.teams

    @property
    def opportunities(self) -> dict[str, Offered]:
        """By key."""
        return self.ledger.opportunities

    @property
    def governing(self) -> Governing:
        """The plans, and from when each holds."""
        return self.ledger.book.governing

    @property
    def void(self) -> dict[int, str]:
        """Code by seq of the records of teams that have no effect."""
        return {each.seq: each.code for each in self.ledger.wrong if each.kind in _KINDS}

    @property
    def tip(self) -> Entry | None:
        """The newest entry taken in; None before the first."""
        return self.ledger.tip

    def rules_at(self, key: str, now: int) -> TeamRules:
        """The rules of a team for an entry dated `now` (ms UTC), which the fold takes over with such an entry only."""
        held = [
            each
            for each in self.governing.all()
            if each.opportunity == key and each.starts <= now and each.plan.team
        ]
        newest = max(held, key=lambda each: each.starts, default=None)
        return newest.plan.team if newest is not None and newest.plan.team else self.teams.team(key).rules


class TeamLogs:
    """The teams that logs held here make.

    Args:
        ledgers: of the logs held here.
    """

    def __init__(self, ledgers: Ledgers) -> None:
        self._ledgers = ledgers

    async def of(self, owner: bytes) -> OwnerLog:
        """The teams of a networker, level with what is held of their log.

        Raises:
            Problem: `unknown_author` (3): nothing of the log is here; `incomplete` (4): its beginning is missing;
                `unknown` (4): an entry of it is not understood here, or its record is missing.
        """
        return _known(await self._ledgers.of(owner))

    async def study(self, owner: bytes, function: Callable[[Reader, OwnerLog], T]) -> T:
        """Runs ``function(reader, log)`` in a reader lane: for what looks at every member.

        Args:
            owner: networker id.
            function: returns nothing that still refers to the log.

        Raises:
            Problem: as `of`.
        """
        return await self._ledgers.study(owner, lambda reader, ledger: function(reader, _known(ledger)))


def _known(ledger: Ledger) -> OwnerLog:
    if ledger.book.unknown is not None:
        raise Problem(
            f"What the log of {id_text(ledger.issuer)} comes to is unknown from entry {ledger.book.unknown} on: "
            f"{ledger.why}. So nothing can be said of their team now.",
            ExitCode.REFUSED,
            "unknown",
        )
    return OwnerLog(ledger, ledger.place)


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
