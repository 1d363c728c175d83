"""Ids by their first hex digits, as people type them."""

from __future__ import annotations

import string
from typing import Final

from netnode.problems import ExitCode, Problem

_DIGITS: Final = 64


def span(name: str) -> tuple[bytes, bytes]:
    """The first and the last id that begin with these hex digits; no id lies between where they are none."""
    digits = name.lower()
    if not digits or not set(digits) <= set(string.hexdigits) or len(digits) > _DIGITS:
        return b"\xff", b""
    return bytes.fromhex(digits.ljust(_DIGITS, "0")), bytes.fromhex(digits.ljust(_DIGITS, "f"))


def ambiguous(name: str, what: str) -> Problem:
    """The Problem of digits that begin two ids."""
    return Problem(f"Two ids begin with {name}: give more digits of the {what}.", ExitCode.USAGE, "ambiguous")
