"""Numbers as people write them in plan files, and back: exact, never through a float."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final, NoReturn

from netnode.problems import ExitCode, Problem
from protocol.plans.facts import Exact

_NUMBER: Final = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?(?:/([0-9]{1,20}))?\s*(%?)")
_LONG: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:/[0-9]+)?\s*%?")


def wrong(place: str, text: str) -> NoReturn:
    """Ends the reading of a file.

    Raises:
        Problem: always; `place` names the file and the key.
    """
    raise Problem(f"{place}: {text}", ExitCode.USAGE, "plan_file")


def number(place: str, value: Any) -> Fraction:
    """A number of at least 0: ``0.05``, ``5%``, ``1/30``, ``12`` or an integer.

    Raises:
        Problem: it is something else; a TOML or JSON float too, since that is not exact: put it in quotes.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        if isinstance(value, float):
            wrong(place, f'{value} is not exact; write it in quotes, as "{value}"')
        wrong(place, f"{value!r} is no number")
    text = str(value).strip()
    found = _NUMBER.fullmatch(text)
    if found is None and _NUMBER.fullmatch(text.removeprefix("-")):
        wrong(place, f"{value!r} is below zero")
    if found is None and _LONG.fullmatch(text.removeprefix("-")):
        wrong(place, f"{value!r} is too long: at most 20 digits on each side of the point")
    if found is None or (found[3] is not None and int(found[3]) == 0):
        wrong(place, f'{value!r} is no number; write as "12.5", "5%" or "1/30"')
    whole, decimals, part, percent = found.groups()
    result = Fraction(int(whole)) + (Fraction(int(decimals), 10 ** len(decimals)) if decimals else 0)
    return result / int(part or 1) / (100 if percent else 1)


def scaled(place: str, value: Any, exponent: int, what: str) -> int:
    """A number as an integer of `exponent` decimal places.

    Raises:
        Problem: no number, or one with more decimal places.
    """
    found = number(place, value) * int(10**exponent)
    if found.denominator != 1:
        wrong(place, f"{value!r} has more than the {exponent} decimal places of {what}")
    return found.numerator


def decimal(value: Exact) -> str:
    """A number as a decimal string without needless zeros; as a fraction where no decimals are exact."""
    exact = Fraction(value)
    places, rest = 0, exact.denominator
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    if rest != 1:
        return f"{exact.numerator}/{exact.denominator}"
    sign = "-" if exact < 0 else ""
    digits = str(abs(exact.numerator) * 10**places // exact.denominator).rjust(places + 1, "0")
    whole, part = (digits[:-places], digits[-places:].rstrip("0")) if places else (digits, "")
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def in_units(value: Exact, exponent: int) -> str:
    """Minor units as a decimal string of whole units."""
    return decimal(Fraction(value) / 10**exponent)


def amount_text(value: Exact, exponent: int) -> str:
    """Minor units as people write amounts, with all decimal places of the unit; a fraction of one as `in_units`."""
    if value.denominator != 1:
        return in_units(value, exponent)
    digits = str(abs(int(value))).rjust(exponent + 1, "0")
    whole, rest = (digits[:-exponent], f".{digits[-exponent:]}") if exponent else (digits, "")
    return f"{'-' if value < 0 else ''}{whole}{rest}"
