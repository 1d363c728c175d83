"""Plans in force: which plan a sale follows, and from when a changed one holds [R-CRED-19, 20; R11]."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from heapq import heappop, heappush
from typing import Final

from msgspec import UNSET

from protocol import limits
from protocol.errors import Void
from protocol.plans.activity import Activity
from protocol.plans.document import Compiled, compile_plan, one_level
from protocol.records import encode_record
from protocol.records.plan import Plan, Unit
from protocol.rolls import Roll

DAY: Final = 24 * 3_600_000
_CURRENCY: Final = re.compile("[A-Z]{3}")  # units of commissions are called so, and have two decimal places
_COMMISSIONS: Final = 256  # built-in plans kept compiled: as many as a seller has rates and currencies


@dataclass(slots=True)
class Governed:
    """One plan of a log.

    Attributes:
        hash: SHA-256 of its record; what orders and contents name.
        compiled: ready for evaluation.
        starts: ms UTC: holds from here on.
        ends: ms UTC: another plan of the opportunity holds from here on; None: none is published.
        everybody: that the ledger has met.
        activity: what was sold under it.
        closed: end of its last period that was closed, ms UTC; None: none was.
        stale: number of the oldest closed period whose ranks were not worked out again since a refund; None: of none.
    """

    hash: bytes
    compiled: Compiled
    starts: int
    ends: int | None = None
    everybody: InitVar[Roll[bytes] | None] = None
    activity: Activity[bytes] = field(init=False)
    closed: int | None = None
    stale: int | None = None

    def __post_init__(self, everybody: Roll[bytes] | None) -> None:
        self.activity = Activity(self.compiled, everybody)

    @property
    def plan(self) -> Plan:
        """Its record."""
        return self.compiled.plan

    @property
    def opportunity(self) -> str | None:
        """Key of the opportunity whose team it is of."""
        return None if self.plan.opportunity is UNSET else self.plan.opportunity

    def holds(self, ordered: int, agreed: int) -> bool:
        """Whether an order and its contract fall under it: agreed on since it holds, ordered before it ended."""
        return self.starts <= agreed and (self.ends is None or ordered < self.ends)

    def left(self, begins: int) -> bool:
        """Whether a period that begins then may have awards: what was ordered in time is often received later."""
        return self.ends is None or begins < self.ends or self.activity.sold_since(begins)


class Governing:
    """The plans of one log.

    Args:
        everybody: that its ledger has met.
    """

    __slots__ = ("_by_hash", "_commissions", "_everybody", "_newest", "_units", "_waiting")

    def __init__(self, everybody: Roll[bytes]) -> None:
        self._everybody = everybody
        self._by_hash: dict[bytes, Governed] = {}
        self._commissions: dict[bytes, Governed] = {}  # apart: an order never names one of them by its hash
        self._newest: dict[str, Governed] = {}
        self._waiting: list[tuple[int, int, Governed]] = []  # a heap: start, place among all, plan
        self._units: dict[str, int] = {}  # name -> decimal places

    def take(self, time: int, record: Plan) -> None:
        """Publishes a plan: the first of an opportunity holds at once, a changed one after the notice of that before.

        Args:
            time: date of the entry, ms UTC.
            record: of the entry.

        Raises:
            Void: as `compile_plan`; `already_logged`: this very plan is published; `plan_terms`: as `require_unit` and
                `Compiled.require_closes`.
        """
        compiled = compile_plan(record)
        compiled.require_closes()
        digest = hashlib.sha256(encode_record(record)).digest()
        if digest in self._by_hash:
            raise Void("already_logged", "the plan is published already")
        self.require_unit(record.unit)
        self._units[record.unit.name] = record.unit.exponent
        governed = Governed(digest, compiled, time, everybody=self._everybody)
        if governed.opportunity is not None:
            before = self._newest.get(governed.opportunity)
            if before is not None:
                governed.starts = max(time, before.starts) + before.plan.notice_days * DAY
                before.ends = governed.starts
            self._newest[governed.opportunity] = governed
            heappush(self._waiting, (governed.starts, len(self._by_hash), governed))
        self._by_hash[digest] = governed

    def require_unit(self, unit: Unit) -> None:
        """Refuses a unit that has other decimal places here: it would make another amount of what people hold.

        Raises:
            Void: `plan_terms`.
        """
        known = 2 if _CURRENCY.fullmatch(unit.name) else self._units.get(unit.name, unit.exponent)
        if unit.exponent != known:
            raise Void("plan_terms", f"unit.exponent: {unit.name} has {known} decimal places in this log")

    @property
    def waits(self) -> bool:
        """Whether a plan with a team is published and does not hold yet."""
        return bool(self._waiting)

    def due(self, time: int) -> Iterator[Governed]:
        """The plans with a team that hold from now on, each once, in order of their dates."""
        while self._waiting and self._waiting[0][0] <= time:
            yield heappop(self._waiting)[2]

    def find(self, digest: bytes) -> Governed | None:
        """A plan of this log by its hash."""
        return self._by_hash.get(digest)

    def all(self) -> Iterator[Governed]:
        """Every plan published, in the order of the log."""
        return iter(self._by_hash.values())

    def commission(self, points: int, currency: str) -> Governed:
        """The built-in plan of a bare commission: one object for a rate and currency of this log.

        Args:
            points: basis points of the net price.
            currency: ISO 4217 code, also the unit's name.
        """
        digest, compiled = _commission(points, currency)
        found = self._commissions.get(digest)
        if found is None:
            found = Governed(digest, compiled, 0, everybody=self._everybody)
            self._commissions[digest] = found
        return found


def commission_plan(points: int, currency: str) -> Plan:
    """The plan that a commission of a listing or an alliance stands for [R-CRED-20]."""
    return one_level(
        "commission", Unit(exponent=2, name=currency), currency, min(points, limits.MAX_BASIS_POINTS)
    )


@functools.lru_cache(maxsize=_COMMISSIONS)
def _commission(points: int, currency: str) -> tuple[bytes, Compiled]:
    plan = commission_plan(points, currency)
    return hashlib.sha256(encode_record(plan)).digest(), compile_plan(plan)
