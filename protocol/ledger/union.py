"""What an issuer owes by all branches of its log together: a fork binds on every branch [R-CRED-60..68; L13].

Each branch is folded by itself. Their effects are joined by id, so neither the order in which branches are found nor
their grouping changes a figure; figures are computed from the union and name the branches they rest on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from protocol.ledger.accounts import Accounts, Figures
from protocol.ledger.effects import Value, join

Branch = tuple[int, bytes]
"""Seq and id of the newest entry of a branch."""


class Union:
    """The union of branches of one log; grows as branches are found.

    Args:
        branches: heads of those that `effects` comes from.
        effects: of one branch, as `Book.effects`.
    """

    __slots__ = ("_accounts", "_branches", "_effects")

    def __init__(self, branches: Iterable[Branch] = (), effects: Mapping[bytes, Value] | None = None) -> None:
        self._branches = set(branches)
        self._effects: dict[bytes, Value] = {}
        self._accounts = Accounts()
        for id, value in (effects or {}).items():
            self._put(id, value)

    def add(self, other: Union) -> None:
        """Takes in what another union has; again changes nothing."""
        self._branches |= other._branches
        for id, value in other._effects.items():
            self._put(id, value)

    def become(self, branches: Iterable[Branch], effects: Mapping[bytes, Value]) -> None:
        """Brings some effects level with branches that went on, where somebody else has joined them.

        Args:
            branches: heads of all of them now.
            effects: those that are another now, as all branches together have them.
        """
        self._branches = set(branches)
        for id, value in effects.items():
            known = self._effects.get(id)
            if value != known:
                self._accounts.change(known, value)
                self._effects[id] = value

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Heads of the branches that the figures rest on, sorted."""
        return tuple(sorted(self._branches))

    @property
    def effects(self) -> Mapping[bytes, Value]:
        """By id."""
        return MappingProxyType(self._effects)

    def figures(self, unit: str, holder: bytes, now: int) -> Figures:
        """What a holder has by all branches together, at a moment (ms UTC)."""
        return self._accounts.figures(unit, holder, now)

    def holders(self, unit: str) -> Iterator[bytes]:
        """Who ever had something of a unit."""
        return self._accounts.holders(unit)

    def has(self, unit: str, holder: bytes) -> bool:
        """Whether somebody ever had something of a unit."""
        return self._accounts.has(unit, holder)

    def units(self) -> tuple[str, ...]:
        """The units that were ever credited."""
        return self._accounts.units()

    def _put(self, id: bytes, value: Value) -> None:
        known = self._effects.get(id)
        joined = value if known is None else join(known, value)
        if joined != known:
            self._accounts.change(known, joined)
            self._effects[id] = joined


@dataclass(frozen=True, slots=True)
class Claim:
    """An award or movement that a rotation disowned and that there is evidence of.

    Attributes:
        id: of the effect.
        holder: who claims it.
        unit: of the credit.
        amount: minor units, beyond what the log itself owes the holder by this effect.
    """

    id: bytes
    holder: bytes
    unit: str
    amount: int


def disputed(log: Mapping[bytes, Value], disowned: Mapping[bytes, Value]) -> Iterator[Claim]:
    """What holders would have by entries that a rotation disowned, and have not by the log [L13].

    Only awards and transfers received count; movements that lower a figure are nobody's claim.

    Args:
        log: effects of the log that goes on, with all branches that settlements left.
        disowned: effects of a branch whose entries above the common part are proved to be older than the rotation.
    """
    for id, value in disowned.items():
        known = log.get(id)
        if known == value:
            continue
        before = {} if known is None else _gains(known)
        for (holder, unit), amount in _gains(value if known is None else join(known, value)).items():
            more = amount - before.get((holder, unit), 0)
            if more > 0:
                yield Claim(id, holder, unit, more)


def _gains(value: Value) -> dict[tuple[bytes, str], int]:
    """What an effect adds to figures, pending included."""
    one = Accounts()
    one.change(None, value)
    found: dict[tuple[bytes, str], int] = {}
    for unit in one.units():
        for holder in one.holders(unit):
            figures = one.figures(unit, holder, 0)
            gain = figures.pending + figures.awarded - figures.clawed + figures.received
            if gain:
                found[holder, unit] = gain
    return found
