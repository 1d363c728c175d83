"""Units of credit as an issuer's log names them, and amounts in them as people write them."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from typing import Final

from netnode.ledgers.facts import exponent_of
from netnode.ledgers.ledger import Ledger
from netnode.problems import ExitCode, Problem
from protocol.limits import MAX_INT

COMMISSION_DIGITS: Final = 2
"""Digits behind the point of the unit that a bare commission is counted in [R-CRED-20]."""


def exponents(ledger: Ledger) -> dict[str, int]:
    """The units of an issuer, credited or planned, each with the digits behind its decimal point."""
    planned = [each.plan.unit.name for each in ledger.book.governing.all()]
    return {each: exponent_of(ledger, each) for each in sorted({*ledger.units(), *planned})}


def one_unit(units: Collection[str], unit: str | None, option: str = "--unit") -> str:
    """The unit that is meant: the one named, or the only one there is.

    Args:
        units: those there are.
        unit: the one named; None: none is.
        option: by which one names it.

    Raises:
        Problem: `unit` (exit 2).
    """
    if unit is not None and (unit in units or not units):
        return unit
    known = ", ".join(sorted(units))
    if unit is not None:
        raise Problem(f"This issuer has no credit in {unit!r}. It has: {known}.", ExitCode.USAGE, "unit")
    if len(units) == 1:
        return next(iter(units))
    text = (
        f"Which unit? Add {option} with one of: {known}." if known else "This issuer has given no credit yet."
    )
    raise Problem(text, ExitCode.USAGE, "unit")


def minor(text: str, unit: str, exponent: int) -> int:
    """An amount as typed, in minor units.

    Raises:
        Problem: `amount` (exit 2).
    """
    try:
        value = Decimal(text).scaleb(exponent)
    except InvalidOperation as error:
        raise Problem(f"{text!r} is no amount such as 12.50.", ExitCode.USAGE, "amount") from error
    if not value.is_finite() or value != value.to_integral_value() or not 0 <= value <= MAX_INT:
        raise Problem(
            f"{text} is no amount of {unit}, which has {exponent} digits behind the point.",
            ExitCode.USAGE,
            "amount",
        )
    return int(value)
