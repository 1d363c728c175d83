"""What a command says: one JSON document, or tables and sentences for a person."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from netnode.cli.frame import Invocation, messages
from netnode.operations import models
from netnode.problems import disk_problem
from netnode.system import SystemClock

Answer = TypeVar("Answer")
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS: Final = "\u200c\u200d"  # why: scripts and emoji need them, and they move nothing
_SHORT: Final = 20  # characters: a cell that is never folded
_UNBOUND: Final = 100_000
_WIDE: Final = 200  # columns when stdout is no terminal: text for a pipe is not folded at 80


def plain(text: str) -> str:
    """Text of a peer made safe for a terminal: no control or direction-changing characters, one line."""
    return "".join(
        " " if unicodedata.category(char) in _UNSAFE and char not in _JOINERS else char for char in text
    )


def emit(run: Invocation, answer: Answer, show: Callable[[Answer], None]) -> None:
    """Writes the answer: as one JSON document with --json, else as `show` tells it to a person."""
    if run.json:
        write_json(answer)
    else:
        show(answer)


def write_json(value: object) -> None:
    """Writes one JSON document to stdout."""
    data = msgspec.json.encode(value) + b"\n"
    with _stdout():
        stream = getattr(sys.stdout, "buffer", None)
        if stream is None:
            sys.stdout.write(data.decode())
        else:
            stream.write(data)


@contextmanager
def _stdout() -> Iterator[None]:
    """Says when stdout cannot be written; what is left in its buffer is let go, so that nothing fails twice.

    Raises:
        Problem: the disk behind stdout is full, for instance. A closed pipe stays a BrokenPipeError.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_stdout()
        raise disk_problem(error, "write", Path("stdout")) from error


def abandon_stdout() -> None:
    """Lets stdout lead nowhere from now on: nobody reads it any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write(text: str) -> None:
    """Writes our own text to stdout as it is."""
    with _stdout():
        sys.stdout.write(text)


def say(*sentences: str) -> None:
    """Writes sentences to stdout, each on its own line, control characters taken out."""
    write("".join("\n".join(plain(line) for line in one.split("\n")) + "\n" for one in sentences))


def hint(*sentences: str) -> None:
    """Writes messages to stderr, folded between words at a terminal; a link or cursor is never cut in two."""
    console = messages()
    for sentence in sentences:
        lines = [plain(line) for line in sentence.split("\n")]
        longest = max((len(word) for line in lines for word in line.split()), default=0)
        console.print(Text("\n".join(lines)), soft_wrap=not console.is_terminal or longest > console.width)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Writes a table to stdout; `right` names the columns of numbers.

    Where a terminal is so narrow that words would be cut over lines, each row is a few lines of its own: nobody
    could copy a reference that is in pieces.
    """
    width = None if sys.stdout.isatty() else _WIDE
    console = Console(file=sys.stdout, highlight=False, markup=False, width=width)
    cells = [[plain(cell) for cell in row] for row in rows]
    widest = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, heading in enumerate(headings):
        justify: Literal["left", "right"] = "right" if index in right else "left"
        drawn.add_column(heading, justify=justify, overflow="fold", no_wrap=widest[index] <= _SHORT)
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))
    needed = console.measure(drawn, options=console.options.update(max_width=_UNBOUND)).minimum
    if console.is_terminal and needed > console.width:
        write("\n".join(_lines(headings, row) for row in cells))
        return
    with _stdout():
        console.print(drawn)


def _lines(headings: Sequence[str], row: Sequence[str]) -> str:
    """One row of a table in lines: its first cell, and below it the others that say anything."""
    width = max(map(len, headings))
    more = [f"  {name:<{width}}  {cell}\n" for name, cell in zip(headings[1:], row[1:], strict=True) if cell]
    return f"{row[0]}\n{''.join(more)}"


def pairs(rows: Iterable[tuple[str, str]]) -> None:
    """Writes names and values to stdout, aligned."""
    known = [(name, plain(value)) for name, value in rows]
    width = max((len(name) for name, _ in known), default=0)
    write("".join(f"{name:<{width}}  {value}".rstrip() + "\n" for name, value in known))


def more(next_cursor: str | None) -> None:
    """Says on stderr how to get the next page."""
    if next_cursor is not None:
        hint(f"There is more: add --cursor {next_cursor}")


def price_text(price: models.Price | None, sale: models.Sale | msgspec.UnsetType = msgspec.UNSET) -> str:
    """A price as people write it: `from 12.50 EUR per month`; `9.00 EUR (was 12.50 EUR)` in a sale; `-` without one."""
    if price is None:
        return "-"
    if isinstance(sale, models.Sale) and _holds(sale):
        return f"{price_text(sale.price)} (was {price_text(price)})"
    # Only the issuer's plan says how many decimals its credit has: 500 may be five of what its holders see
    units = f"smallest parts of {price.unit}" if isinstance(price.unit, str) else ""
    unit = price.currency if isinstance(price.currency, str) else units
    words = ["from"] if price.from_ is True else []
    words += [price.amount, unit]
    if isinstance(price.per, models.Per):
        span = price.per.unit if price.per.count == 1 else f"{price.per.count} {price.per.unit}s"
        words.append(f"per {span}")
    return " ".join(words)


def _holds(sale: models.Sale) -> bool:
    """Whether a sale is on now."""
    now = SystemClock().now_ms()
    begun = not isinstance(sale.from_, int) or sale.from_ <= now
    return begun and not (isinstance(sale.until, int) and sale.until <= now)


def when(milliseconds: int | None) -> str:
    """A moment in UTC, to the minute; `-` for none or one that no calendar holds."""
    if milliseconds is None:
        return "-"
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return "-"


def short(identifier: str | None) -> str:
    """An id shortened for a table; the JSON has it whole."""
    if identifier is None:
        return "-"
    return identifier if len(identifier) <= 16 else f"{identifier[:9]}...{identifier[-4:]}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 listing`, `2 listings`."""
    return f"{number:,} {one if number == 1 else (many or one + 's')}"


def size(number: float) -> str:
    """Bytes as people read them: `12.3 MiB`."""
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1024:
            return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"
        number /= 1024
    return f"{number:,.1f} GiB"


def error_document(code: str, text: str, details: dict[str, Any]) -> dict[str, Any]:
    """The one document of a command that failed."""
    return {"error": {"code": code, "text": text, "details": details}}
