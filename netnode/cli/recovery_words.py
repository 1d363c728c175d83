"""Recovery words in and out: from a file or a hidden prompt, never from the command line; new ones into a new file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeVar

import click

from netnode.cli.asking import ask_back
from netnode.cli.frame import Invocation, file_option
from netnode.cli.output import hint
from netnode.keys import words
from netnode.problems import ExitCode, Problem, disk_problem

_MAX: Final = 64 * 1024  # bytes; a file that is longer is some other file
_TRIES: Final = 3
Command = TypeVar("Command", bound=Callable[..., object])


def words_option(command: Command) -> Command:
    """Adds --words-file to a command that needs the recovery words."""
    option = file_option(
        "--words-file",
        help="File with the 24 recovery words, such as the recovery sheet; else you are asked for them.",
    )
    return option(command)


def known_words(
    run: Invocation, path: Path | None, right: Callable[[bytes], None] = lambda entropy: None
) -> bytes:
    """What the recovery words stand for: from the file, or asked for without showing them.

    Args:
        run: whether anybody can be asked.
        path: of the file; None asks.
        right: raises a Problem for words that are well formed and not the right ones.

    Raises:
        Problem: exit 2 when nobody can be asked; not recovery words, or as `right`.
    """
    if path is not None:
        entropy = words.decode_words(_read(path))
        right(entropy)
        return entropy
    if not run.interactive:
        raise Problem(
            "This needs the recovery words. Give them with --words-file FILE.", ExitCode.USAGE, "words_needed"
        )
    for tried in range(1, _TRIES + 1):
        typed: str = click.prompt("Your 24 recovery words (not shown)", hide_input=True, err=True)
        try:
            entropy = words.decode_words(typed)
            right(entropy)
        except Problem as problem:
            if tried == _TRIES:
                raise
            hint(problem.text)
        else:
            return entropy
    raise AssertionError("the last try returns or raises")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX + 1)
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    if len(data) > _MAX:
        raise Problem(f"{path} is too long for recovery words.", ExitCode.USAGE, "recovery_words")
    return data.decode("utf-8", "replace")


def require_new(path: Path) -> None:
    """Refuses a file that is there already: it may be the sheet with the words in force.

    Raises:
        Problem: exit 4, or the folder is missing.
    """
    if os.path.lexists(path):
        raise Problem(
            f"{path} is there already, and it may be your recovery sheet. Name a new file with --out.",
            ExitCode.REFUSED,
            "exists",
            {"path": str(path)},
        )
    if not path.absolute().parent.is_dir():
        raise Problem(f"There is no folder {path.absolute().parent}.", ExitCode.NOT_FOUND, "no_folder")


def write_sheet(path: Path, sheet: str) -> None:
    """Writes a new recovery sheet, mode 0600, on disk when it returns.

    Raises:
        Problem: there is such a file already, or the disk.
    """
    require_new(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(sheet.encode())
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.absolute().parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise disk_problem(error, "write", path) from error


@contextmanager
def hand_out(
    run: Invocation, path: Path, sheet: str, spoken: Sequence[str], *, ask: bool, doubt: str
) -> Iterator[None]:
    """Writes new words into their file before anything promises them, and asks two back; the body promises them.

    Who breaks off while the words are asked back keeps the old ones, and the new file goes: a sheet of words that were
    never in force would be found too late.

    Args:
        run: whether anybody can be asked.
        path: of the new file.
        sheet: what goes into it.
        spoken: the new words.
        ask: False with --yes.
        doubt: said when the body fails, where the words may or may not be in force then.

    Raises:
        Problem: as `write_sheet`.
    """
    with ExitStack() as undo:
        write_sheet(path, sheet)
        undo.callback(_take_back, path)
        hint(f"Your new recovery words are in {path}. Write them down before you go on.")
        if ask and run.interactive:
            ask_back(spoken)
        undo.pop_all()
        undo.callback(hint, doubt)
        yield
        undo.pop_all()


def _take_back(path: Path) -> None:
    path.unlink(missing_ok=True)
    hint(
        f"Nothing was changed: your old recovery words stay in force. {path} is removed again; destroy what you noted "
        "of it."
    )
