"""Amounts of credit as people read them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from netnode.plans.values import amount_text
from protocol.plans.facts import Exact


@pytest.mark.parametrize(
    ("minor", "exponent", "text"),
    [
        (800, 2, "8.00"), (-5, 2, "-0.05"), (0, 2, "0.00"), (123_456, 4, "12.3456"), (-12, 0, "-12"), (7, 0, "7"),
        (Fraction(2_469, 2), 2, "12.345"), (Fraction(1, 3), 0, "1/3"), (Fraction(800), 2, "8.00"),
    ],
)  # fmt: skip
def test_amounts_have_all_decimal_places_of_their_unit(minor: Exact, exponent: int, text: str) -> None:
    assert amount_text(minor, exponent) == text
