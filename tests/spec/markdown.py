"""Markdown tables, and the marked places of a document that they are printed into.

A place begins with ``<!-- table:NAME -->`` and ends with ``<!-- /table -->``, each on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

_PLACE: Final = re.compile(
    r"(?P<begin>^<!-- table:(?P<name>[a-z0-9:_-]+) -->\n)(?P<body>.*?)(?P<end>^<!-- /table -->$)", re.M | re.S
)
_OPENING: Final = re.compile(r"<!-- table:(\S+) -->")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, every cell on one line, ending with a line feed.

    Raises:
        ValueError: a row has another number of cells than the header.
    """
    lines = [_row(header), _row(["---"] * len(header))]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"row {row!r} has {len(row)} cells, the header {len(header)}")
        lines.append(_row([_cell(value) for value in row]))
    return "\n".join(lines) + "\n"


def code(value: object) -> str:
    """`value` as inline code."""
    return f"`{value}`"


def places(text: str) -> list[str]:
    """The names of all marked places, in order.

    Raises:
        ValueError: a place is opened but not closed, or its name is malformed.
    """
    names = [match["name"] for match in _PLACE.finditer(text)]
    opened = _OPENING.findall(text)
    if opened != names:
        raise ValueError(f"table markers that do not pair: opened {opened}, complete {names}")
    return names


def fill(text: str, content: Callable[[str], str | None]) -> str:
    """`text` with the body of each place replaced by `content(name)`; None leaves the body as it is."""

    def replace(match: re.Match[str]) -> str:
        body = content(match["name"])
        return match[0] if body is None else f"{match['begin']}\n{body}\n{match['end']}"

    return _PLACE.sub(replace, text)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
