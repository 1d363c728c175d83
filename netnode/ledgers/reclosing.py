"""Closed periods evaluated once more, for what their awards follow from: a log states of them only the amounts.

A period comes to the same today as at its close, as long as the sales that were logged before are what they were, and
no legs carry anything on. Else what it came to is found by folding the log again, up to the entry before the close.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Final, Literal

from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import HELD, Ledgers
from netnode.ledgers.stakes import QUICK
from protocol.ledger.closing import close_of, period_of
from protocol.ledger.effects import Sold, is_period, is_sale, order_of, read_period_id
from protocol.ledger.figures import StatementLine
from protocol.ledger.governing import Governed
from protocol.plans import calendar
from protocol.plans.facts import Award, Withheld
from protocol.plans.families.binaries import Binaries

MOST: Final = 50_000
"""Members that one statement evaluates at most, those of each period counted: nobody waits longer for a statement."""

KEPT: Final = 1_000
"""Closes of one holder each that were found by folding a log again and are kept: some awards each."""

Why = Literal["branch", "large", "long"]
"""Why it cannot be said what an award follows from: its close is not in the log that is held here; the period has too
many members for a statement; what it rests on has changed, and the log is too long to be folded again."""


@dataclass(frozen=True, slots=True)
class Past:
    """A close in a log.

    Attributes:
        seq: of the entry that carries its last part.
        plan: hash of the plan that was closed.
        begins: first moment of the period, ms UTC.
    """

    seq: int
    plan: bytes
    begins: int


@dataclass(frozen=True, slots=True)
class Reclosed:
    """What a close came to for one holder."""

    awards: tuple[Award[bytes], ...]
    withheld: tuple[Withheld[bytes], ...]

    def award(self, line: StatementLine) -> Award[bytes] | None:
        """The award of a line; None where the line says more than this close gave."""
        wanted = (line.rule, line.level, line.amount)
        return next((each for each in self.awards if (each.rule, each.level, each.amount) == wanted), None)


Told = Mapping[Past, Reclosed | Why]
Again = Mapping[Past, bytes]
"""Closes for which the log has to be folded again, with the id of the entry of each."""
AtHand = tuple[dict[Past, Reclosed | Why], dict[Past, bytes]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How much work an answer is worth.

    Attributes:
        members: that are evaluated, those of each period counted; None: however many there are.
        entries: critical ones of a log that is folded again.
    """

    members: int | None
    entries: int


STATEMENT: Final = Patience(MOST, QUICK)
ONE: Final = Patience(None, HELD)
"""For a question about one period alone. Why there is an end: a second fold takes as much memory as the first."""


def past_of(ledger: Ledger, id: bytes) -> Past | None:
    """The close that made an award; None: it is not in the log that is held here."""
    key, seq = read_period_id(id), ledger.made(id)
    if seq is None or ledger.book.governing.find(key.plan) is None:
        return None
    return Past(seq, key.plan, begins_of(key.label))


def begins_of(label: str) -> int:
    """The first moment of a period, ms UTC.

    Raises:
        ValueError: there is no such day.
    """
    return int(datetime.strptime(label, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1_000


def past_closes(ledger: Ledger, key: str, label: str) -> Iterator[Past]:
    """The closes of a period of a team: more than one where the plan changed within it.

    Raises:
        ValueError: as `begins_of`.
    """
    begins = begins_of(label)
    for governed in ledger.book.governing.all():
        if governed.opportunity == key:
            found = governed.activity.closed(calendar.number_of(governed.plan.period, begins))
            if found is not None and found[0].label == label:
                yield Past(found[1], governed.hash, begins)


def closed_periods(ledger: Ledger, key: str) -> list[str]:
    """The labels of the closed periods of a team, the newest first."""
    labels: set[str] = set()
    for governed in ledger.book.governing.all():
        if governed.opportunity != key or governed.closed is None:
            continue
        number = calendar.number_of(governed.plan.period, governed.closed) - 1
        while (found := governed.activity.closed(number)) is not None:  # none between two is left out
            labels.add(found[0].label)
            number -= 1
    return sorted(labels, reverse=True)


def at_hand(
    ledger: Ledger, holder: bytes, pasts: Iterable[Past], lines: Iterable[StatementLine], patience: Patience
) -> AtHand:
    """What closes came to, as far as it follows from the ledger as it stands; and those that need the log again.

    Args:
        ledger: not changed by it.
        holder: whose awards are wanted.
        pasts: closes in its log.
        lines: the awards of the holder that those closes gave.
        patience: with the answer.
    """
    given: dict[Past, list[StatementLine]] = {past: [] for past in pasts}
    for line in lines:
        past = past_of(ledger, line.id) if is_period(line.id) else None
        if past is not None:
            given.setdefault(past, []).append(line)
    told: dict[Past, Reclosed | Why] = {}
    again: dict[Past, bytes] = {}
    left = patience.members
    for past, mine in given.items():
        if _stands(ledger, past):
            left = None if left is None else left - len(_governed(ledger, past).activity.people)
            if left is not None and left < 0:
                told[past] = "large"
                continue
            found = _reclosed(ledger, past, holder)
            if isinstance(found, Reclosed) and all(found.award(line) is not None for line in mine):
                told[past] = found
                continue
        if ledger.taken > patience.entries:
            told[past] = "long"
        else:
            again[past] = ledger.book.state.read(past.seq).id
    return told, again


class Folding:
    """Finds what closes came to by folding logs again; what it found it keeps, since an entry and all before it stay.

    Args:
        ledgers: of the logs held here.
    """

    __slots__ = ("_kept", "_ledgers")

    def __init__(self, ledgers: Ledgers) -> None:
        self._ledgers = ledgers
        self._kept: OrderedDict[tuple[bytes, bytes], Reclosed] = OrderedDict()  # by entry and holder

    async def told(self, issuer: bytes, holder: bytes, again: Again) -> dict[Past, Reclosed | Why]:
        """What closes of a log came to for a holder.

        Raises:
            Problem: as `Ledgers.before`.
        """
        found: dict[Past, Reclosed | Why] = {}
        for past, entry in again.items():
            if (entry, holder) in self._kept:
                found[past] = self._kept[entry, holder]
        new = sorted(again.keys() - found.keys(), key=_seq)
        if new:
            asked = [(past.seq, partial(_reclosed, past=past, holder=holder)) for past in new]
            found |= zip(new, await self._ledgers.before(issuer, asked), strict=True)
        for past, one in found.items():
            if isinstance(one, Reclosed):
                self._kept[again[past], holder] = one
                self._kept.move_to_end((again[past], holder))
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def _seq(past: Past) -> int:
    return past.seq


def _stands(ledger: Ledger, past: Past) -> bool:
    """Whether a period still comes to what its close came to, as far as that can be seen."""
    plan = _governed(ledger, past)
    if any(isinstance(rule, Binaries) and rule.after != "flush" for rule in plan.compiled.ground):
        return False
    end = plan.activity.period(past.begins, 0).end
    for id, known in ledger.former.items():
        file = ledger.book.order(order_of(id)) if is_sale(id) else None
        if file is None or file.time >= end:
            continue
        values = [*(before for seq, before in known if seq > past.seq), ledger.book.effects[id]]
        sold = [each.base for each in values if isinstance(each, Sold)]
        if any(before != after for before, after in pairwise(sold)):
            return False
    return True


def _governed(ledger: Ledger, past: Past) -> Governed:
    found = ledger.book.governing.find(past.plan)
    assert found is not None  # of its log
    return found


def _reclosed(ledger: Ledger, past: Past, holder: bytes) -> Reclosed | Why:
    state, governed = ledger.book.state, ledger.book.governing.find(past.plan)
    if governed is None:  # the log has changed its branch since it was asked for
        return "branch"
    closed = close_of(state, governed, period_of(state, governed, past.begins))
    return Reclosed(
        tuple(each for each in closed.awards if each.to == holder),
        tuple(each for each in closed.withheld if each.to == holder),
    )
