"""Exact amounts, and the one rounding that an award goes through [L8, L10]."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from protocol.plans.facts import Exact


def exact(numerator: Exact, denominator: Exact) -> Exact:
    """A quotient; an integer where it is one, since integers are what is fast."""
    if denominator == 1:
        return numerator
    if isinstance(numerator, int) and isinstance(denominator, int):
        whole, rest = divmod(numerator, denominator)
        return Fraction(numerator, denominator) if rest else whole
    value = Fraction(numerator) / denominator
    return value.numerator if value.denominator == 1 else value


def down(numerator: Exact, denominator: int) -> int:
    """The quotient of values that are not negative, toward zero."""
    return numerator // denominator  # of a Fraction as well an int


def half_even(numerator: Exact, denominator: int) -> int:
    """The quotient rounded to the nearest, a half to the even one."""
    return round(Fraction(numerator) / denominator)


def trimmed(amounts: Sequence[int], most: int) -> list[int]:
    """Takes single minor units back from the last amounts until their sum is no more than `most` [L10].

    Args:
        amounts: in the order of rules and levels; rounded, so that each is above its exact value by less than one.
        most: what the sum may be.
    """
    left = list(amounts)
    over = sum(left) - most
    while over > 0 and any(left):
        for index in range(len(left) - 1, -1, -1):
            if over <= 0:
                break
            if left[index] > 0:
                left[index] -= 1
                over -= 1
    return left
