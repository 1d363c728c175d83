"""Sums over an issuer's holders, and the lines of a holder's statement [R-CRED-66, 67, 69]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from protocol.ledger.accounts import Figures
from protocol.ledger.book import Book
from protocol.ledger.effects import (
    Earned,
    Kind,
    Moved,
    Sold,
    Stage,
    Swapped,
    Value,
    awards_of,
    lots_of,
)
from protocol.ledger.union import Union


@dataclass(frozen=True, slots=True)
class Solvency:
    """What an issuer owes in one unit [L1, L2, R16]; minor units.

    Attributes:
        outstanding: all signed figures together: issued + uncovered - redeemed - paid out - clawed back - expired.
        owed: balances alone, without clawbacks due.
        pending: awards whose hold has not ended.
        sums: of all holders, figure by figure; `awarded` is what was issued.
    """

    outstanding: int
    owed: int
    pending: int
    sums: Figures


def solvency(book: Book | Union, unit: str, now: int) -> Solvency:
    """The sums of one unit at a moment, over all holders.

    Args:
        book: one log, or a union of branches.
        unit: as the issuer names it.
        now: ms UTC.
    """
    figures = [book.figures(unit, holder, now) for holder in book.holders(unit)]
    sums = Figures(*(sum(getattr(each, name) for each in figures) for name in Figures.__slots__))
    outstanding = sums.awarded + sums.uncovered - sums.redeemed - sums.paid_out - sums.clawed - sums.expired
    return Solvency(outstanding, sum(each.balance for each in figures), sums.pending, sums)


What = Literal["award", "locked", "paid_out", "received", "redeemed", "sent"]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One effect as a holder's statement shows it.

    Attributes:
        id: of the effect.
        what: it does to the holder.
        unit: of the credit.
        amount: minor units, as awarded or moved.
        remains: of an award after refunds; of anything else the same as `amount`.
        due: ms UTC: an award is payable from then on; 0 for what is moved.
        expires: ms UTC; `NEVER` where it does not.
        rule: of the plan; empty for what is moved.
        level: of the rule.
        base: what the award is of, in the money of the order or the volume of the period; rounded down.
        other: who it was received from or sent to; empty for awards, redemptions and payouts.
    """

    id: bytes
    what: What
    unit: str
    amount: int
    remains: int
    due: int = 0
    expires: int = 0
    rule: str = ""
    level: int = 0
    base: int = 0
    other: bytes = b""


def lines(effects: Mapping[bytes, Value], holder: bytes) -> Iterator[StatementLine]:
    """All that ever changed a holder's figures, in the order of the log.

    Args:
        effects: of a book or a union.
        holder: networker id.
    """
    for id, value in effects.items():
        yield from lines_of(id, value, holder)


def lines_of(id: bytes, value: Value, holder: bytes) -> Iterator[StatementLine]:
    """What one effect does to a holder; nothing when it is not about them."""
    match value:
        case Sold() | Earned():
            for credit in awards_of(value):
                if credit.to == holder:
                    bases = {step.due: step.base for step in credit.steps}
                    for lot in lots_of(value, credit):
                        yield StatementLine(
                            id, "award", credit.unit, lot.gross, lot.net, lot.due, lot.expires, credit.rule,
                            credit.level, int(bases[lot.due]),
                        )  # fmt: skip
        case Moved():
            if value.holder == holder:
                what = _MOVED[value.kind]
                yield StatementLine(id, what, value.unit, value.amount, value.amount, other=value.to)
            if value.to == holder:
                yield StatementLine(
                    id, "received", value.unit, value.amount, value.amount, other=value.holder
                )
        case Swapped():
            if value.holder == holder and value.stage is not Stage.BACK:
                given: What = "sent" if value.stage is Stage.GIVEN else "locked"
                yield StatementLine(id, given, value.unit, value.amount, value.amount, other=value.to)
            if value.to == holder and value.stage is Stage.GIVEN:
                yield StatementLine(
                    id, "received", value.unit, value.amount, value.amount, other=value.holder
                )


_MOVED: Final[Mapping[Kind, What]] = {Kind.TRANSFER: "sent", Kind.REDEEM: "redeemed", Kind.PAYOUT: "paid_out"}
