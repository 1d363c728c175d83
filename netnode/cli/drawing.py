"""Links as QR codes, on a terminal or in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click
import segno

from netnode.cli import output
from netnode.cli.frame import Command, file_option
from netnode.problems import ExitCode, Problem, disk_problem


def qr_options(command: Command) -> Command:
    """Adds --qr and --qr-file."""
    file = file_option("--qr-file", help="Write the QR code to FILE (.svg or .png).")
    drawn = click.option("--qr", is_flag=True, help="Also draw the link as a QR code.")
    return drawn(file(command))


def check_qr_file(file: Path | None) -> None:
    """Before anything is made: a slip in the name must not leave something behind that nobody has.

    Raises:
        Problem: `qr_file` (2).
    """
    if file is not None and file.suffix.lower() not in (".svg", ".png"):
        raise Problem(
            f"{file}: a QR code is written as .svg or .png. Give the file one of these endings.",
            ExitCode.USAGE,
            "qr_file",
        )


def draw(text: str, qr: bool, file: Path | None, to: TextIO) -> None:
    """Draws a link, where that was asked for.

    Args:
        text: the link.
        qr: whether it is drawn on a terminal.
        file: where it is written.
        to: the terminal.

    Raises:
        Problem: it does not fit a QR code (4), or the disk.
    """
    if not qr and file is None:
        return
    check_qr_file(file)
    try:
        code = segno.make(text, error="l", micro=False)
    except segno.DataOverflowError as error:
        raise Problem(
            "This link is too long for a QR code. Give it a short code instead: --code ''.",
            ExitCode.REFUSED,
            "qr_file",
        ) from error
    if qr:
        code.terminal(out=to, compact=True, border=2)
    if file is not None:
        try:
            code.save(str(file), kind=file.suffix.lower()[1:], scale=8, border=4, light="white")
        except OSError as error:
            raise disk_problem(error, "write", file) from error
        output.hint(f"The QR code is in {file}")
