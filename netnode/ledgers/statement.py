"""What a holder had of an issuer's unit at the ends of a period, and every line between [L9; CREDITS 5].

The figures at a moment are those of the effects as the log had them then, so opening and closing are what a reader
of that day saw, and the difference is made of the lines of the period.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netnode.ledgers.ledger import Ledger
from protocol.ledger.accounts import Accounts, Figures
from protocol.ledger.effects import Earned, Moved, Sold, Swapped, Value, awards_of
from protocol.ledger.figures import StatementLine, lines_of


@dataclass(frozen=True, slots=True)
class Dated:
    """A line, and when it took place: an award when it was logged, a clawback when the refund was.

    Attributes:
        time: ms UTC.
        seq: of the entry; None where only a branch beside the log has it.
        line: the effect as it is now; of a clawback the award that it lowers.
        clawback: minor units that a refund took off; 0 for everything else.
    """

    time: int
    seq: int | None
    line: StatementLine
    clawback: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """A period of one holder, issuer and unit: figures before it and at its end, and the lines in between."""

    opening: Figures
    closing: Figures
    lines: tuple[Dated, ...]


def statement(ledger: Ledger, unit: str, holder: bytes, start: int, end: int) -> Statement:
    """What changed in a period.

    Args:
        ledger: of the issuer.
        unit: as the issuer names it.
        holder: networker id.
        start: first moment, ms UTC.
        end: first moment after it, ms UTC.
    """
    mine = {id: value for id, value in ledger.effects.items() if _concerns(value, unit, holder)}
    lines: list[Dated] = []
    for id, value in mine.items():
        lines += _lines(ledger, id, value, unit, holder)
    kept = [each for each in lines if start <= each.time < end]
    kept.sort(key=lambda each: (each.time, each.line.id, each.line.rule, each.line.level, each.clawback))
    return Statement(
        figures_at(ledger, mine, unit, holder, start),
        figures_at(ledger, mine, unit, holder, end),
        tuple(kept),
    )


def figures_at(
    ledger: Ledger, effects: Mapping[bytes, Value], unit: str, holder: bytes, moment: int
) -> Figures:
    """What a holder had right before a moment, by the effects as the log had them then."""
    accounts = Accounts()
    for id, value in effects.items():
        then = ledger.at(id, value, moment)
        if then is not None:
            accounts.change(None, then)
    return accounts.figures(unit, holder, moment - 1)


def _concerns(value: Value, unit: str, holder: bytes) -> bool:
    match value:
        case Sold() | Earned():
            return any(credit.to == holder and credit.unit == unit for credit in awards_of(value))
        case Moved() | Swapped():
            return value.unit == unit and holder in (value.holder, value.to)


def _lines(ledger: Ledger, id: bytes, value: Value, unit: str, holder: bytes) -> list[Dated]:
    time, seq = ledger.logged(id), ledger.made(id)
    versions = [before for _, before in ledger.former.get(id, ())]
    first = versions[0] if versions else value
    found = [Dated(time, seq, line) for line in lines_of(id, first, holder) if line.unit == unit]
    for (changed, before), after in zip(ledger.former.get(id, ()), [*versions[1:], value], strict=False):
        was = _by_award(lines_of(id, before, holder), unit)
        for key, line in _by_award(lines_of(id, after, holder), unit).items():
            old = was.get(key)
            if old is None or line.amount > old.amount or line.what != old.what:
                found.append(Dated(ledger.date(changed), changed, _beyond(line, old)))
            elif line.remains < old.remains:
                less = old.remains - line.remains
                found.append(Dated(ledger.date(changed), changed, line, less))
    return found


def _by_award(lines: Iterable[StatementLine], unit: str) -> dict[tuple[str, str, int], StatementLine]:
    """Lines of one effect by rule and level, the steps of one award together."""
    found: dict[tuple[str, str, int], StatementLine] = {}
    for line in lines:
        if line.unit != unit:
            continue
        key = ("award", line.rule, line.level) if line.what == "award" else ("moved", "", 0)
        known = found.get(key)
        found[key] = line if known is None else _sum(known, line)
    return found


def _sum(one: StatementLine, two: StatementLine) -> StatementLine:
    return StatementLine(
        two.id, two.what, two.unit, one.amount + two.amount, one.remains + two.remains, two.due, two.expires,
        two.rule, two.level, two.base, two.other,
    )  # fmt: skip


def _beyond(line: StatementLine, old: StatementLine | None) -> StatementLine:
    """What a later entry of the same sale adds to an award."""
    if old is None or line.what != "award":
        return line
    return StatementLine(
        line.id, line.what, line.unit, line.amount - old.amount, line.remains - old.remains, line.due,
        line.expires, line.rule, line.level, line.base, line.other,
    )  # fmt: skip
