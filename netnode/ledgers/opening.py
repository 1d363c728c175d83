"""The open period of a team, kept level with the log: a new sale shows at once, however large the team is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.ledger.closing import Open, open_of
from protocol.ledger.effects import Sold, Value, posted_by, sale_id
from protocol.ledger.filing import OrderFile
from protocol.ledger.governing import Governed
from protocol.ledger.state import State


class Tally:
    """Sales logged in a time, and what they award now in a unit.

    Args:
        unit: name.
        start: first moment, ms UTC.
        end: first moment after it, ms UTC.
    """

    __slots__ = ("_end", "_start", "_unit", "awarded", "sales")

    def __init__(self, unit: str, start: int, end: int) -> None:
        self._unit, self._start, self._end = unit, start, end
        self.sales = 0
        self.awarded = 0

    def of(self, start: int) -> bool:
        """Whether it is of the period that begins at a moment, ms UTC."""
        return start == self._start

    def count(self, file: OrderFile, old: Value | None, new: Value) -> None:
        """A sale is new, or has another value."""
        if not self._start <= file.time < self._end:
            return
        self.sales += old is None
        self.awarded += self._posted(new) - (0 if old is None else self._posted(old))

    def _posted(self, value: Value) -> int:
        assert isinstance(value, Sold)  # of a sale
        return sum(lot.net for credit, lot in posted_by(value) if credit.unit == self._unit)


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """The open period of one plan, level with the log."""

    open: Open
    tally: Tally


def open_period(
    state: State,
    effects: Mapping[bytes, Value],
    governed: Governed,
    now: int,
    before: OpenPeriod | None,
) -> OpenPeriod:
    """The open period of one plan.

    Args:
        state: of the book.
        effects: of all branches together.
        governed: a plan with a team.
        now: ms UTC, not before the newest entry.
        before: as it was asked for last, its tally told of every sale since; None: look at all there are.
    """
    found = open_of(state, governed, now, None if before is None else before.open)
    period = found.period
    if before is not None and before.tally.of(period.start):
        return OpenPeriod(found, before.tally)
    tally = Tally(governed.plan.unit.name, period.start, period.end)
    for order, file in state.orders.items():
        tally.count(file, None, effects[sale_id(order)])
    return OpenPeriod(found, tally)
