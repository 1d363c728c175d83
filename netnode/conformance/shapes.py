"""Types and bounds of values: the columns of SPEC's field tables as functions that say yes or no."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from netnode.conformance.limits import MAX_INT

Shape = Callable[[object], bool]
"""Whether a value is of a type and within its bounds."""


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a field table."""

    shape: Shape
    required: bool = False


def must(shape: Shape) -> Field:
    """A required field."""
    return Field(shape, required=True)


def may(shape: Shape) -> Field:
    """A field that may be left out."""
    return Field(shape)


def int_(low: int = 0, high: int = MAX_INT) -> Shape:
    """An int from `low` to `high`; a bool is none."""
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def bool_(value: object) -> bool:
    """A bool."""
    return isinstance(value, bool)


def bin_(low: int = 0, high: int | None = None) -> Shape:
    """A bin of `low` to `high` bytes; of exactly `low` where `high` is left out."""
    most = low if high is None else high
    return lambda value: isinstance(value, bytes) and low <= len(value) <= most


def any_bin(value: object) -> bool:
    """A bin of any length."""
    return isinstance(value, bytes)


def str_(low: int, high: int, pattern: str = "") -> Shape:
    r"""A str of `low` to `high` characters that matches a pattern from its beginning; its `$` is `\Z` [R-REC-3]."""
    match = re.compile(pattern.replace("$", r"\Z")).match
    return lambda value: isinstance(value, str) and low <= len(value) <= high and match(value) is not None


_CONTROLS: Final = re.compile("[\x00-\x1f\x7f]")


def line(low: int, high: int) -> Shape:
    """A str of one line [R-REC-5]."""
    text = str_(low, high)
    return lambda value: text(value) and isinstance(value, str) and _CONTROLS.search(value) is None


def one_of(*words: str) -> Shape:
    """One of these."""
    return lambda value: isinstance(value, str) and value in words


def array(element: Shape, low: int = 0, high: int = MAX_INT) -> Shape:
    """An array of `low` to `high` elements of one shape."""
    return lambda value: isinstance(value, list) and low <= len(value) <= high and all(map(element, value))


def row(*shapes: Shape) -> Shape:
    """An array of exactly these."""

    def is_(value: object) -> bool:
        return (
            isinstance(value, list)
            and len(value) == len(shapes)
            and all(shape(element) for shape, element in zip(shapes, value, strict=True))
        )

    return is_


def or_nil(shape: Shape) -> Shape:
    """That, or nil."""
    return lambda value: value is None or shape(value)


def table(fields: Mapping[str, Field]) -> Shape:
    """A map with these fields; others are ignored [R-REC-4] [R-MSG-4]."""

    def is_(value: object) -> bool:
        return isinstance(value, dict) and all(
            field.shape(value[name]) if name in value else not field.required
            for name, field in fields.items()
        )

    return is_


def differ(values: list[object]) -> bool:
    """Whether no two of these values are equal."""
    return all(value not in values[:at] for at, value in enumerate(values))
