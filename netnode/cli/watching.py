"""`netnode watch`: a catalogue file that is imported again whenever it changes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import click

from netnode.cli import output
from netnode.cli.frame import Invocation, NodeCommand, examples, invocation, passphrase_option
from netnode.cli.listings import feed_options, show_import
from netnode.cli.reach import send_file
from netnode.operations import models
from netnode.operations.listings import LISTING_IMPORT
from netnode.problems import Problem
from netnode.system import SystemClock, pause

_OF_THE_FILE: Final = frozenset({"feed", "format", "currency", "too_large"})
_GONE: Final = 2  # looks in a row: some programs remove a file just before they write it anew
Mark = tuple[int, int, int]


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode watch products_export.csv --currency EUR",
        "netnode watch feed.xml --whole --every 60",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@feed_options
@click.option(
    "--every",
    type=click.IntRange(1, 86_400),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How often to look at the file.",
)
@passphrase_option
@click.pass_context
def watch(
    context: click.Context,
    file: Path,
    form: str,
    currency: str | None,
    whole: bool,
    fetch_images: bool,
    every: int,
    passphrase_file: Path | None,
) -> None:
    """Import FILE now, and again whenever it changes, until Ctrl-C; each import is all or nothing."""
    run = invocation(context)
    query = models.ImportQuery(
        format=form, currency=currency, whole=whole, fetch_images=fetch_images, filename=file.name
    )
    watched = _Watched(file)
    _import(run, watched, query, passphrase_file, first=True)
    output.hint(f"Watching {file}. Press Ctrl-C to stop.")
    try:
        while True:
            pause(every)
            changed = watched.changed()
            if (news := watched.news()) is not None:
                output.hint(f"{_now()} UTC", news)
            if changed:
                _import(run, watched, query, passphrase_file, first=False)
    except KeyboardInterrupt:
        output.hint(f"Stopped watching {file}.")


class _Watched:
    """A file, and what of it was imported last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mark: Mark | None = None
        self._seen: Mark | None = None
        self._digest = b""
        self._missed = 0

    def changed(self) -> bool:
        """Whether there is something new in it, and nobody has written to it since the last look."""
        mark, before = self._marked(), self._seen
        self._seen = mark
        self._missed = self._missed + 1 if mark is None else -1 if self._missed >= _GONE else 0
        if mark is None or mark == self._mark or mark != before:
            return False
        if self._hashed() == self._digest:  # touched, or written anew with the same content
            self._mark = mark
            return False
        return True

    def news(self) -> str | None:
        """Said once, after the look that showed it: that the file is gone, that it is back."""
        if self._missed == _GONE:
            return f"{self.path} is gone. The listings stay as they were; it is looked for until it is back."
        return f"{self.path} is back." if self._missed == -1 else None

    def taken(self) -> None:
        """What is there now is being imported."""
        self._mark = self._seen = self._marked()
        self._digest = self._hashed()

    def forget(self) -> None:
        """What was there is still to be imported."""
        self._mark, self._digest = None, b""

    def _marked(self) -> Mark | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns)

    def _hashed(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except OSError:
            return b""


def _import(
    run: Invocation,
    watched: _Watched,
    query: models.ImportQuery,
    passphrase_file: Path | None,
    *,
    first: bool,
) -> None:
    """One import; a file that is wrong now may be right after the next change, so only the first ends the command."""
    watched.taken()
    try:
        result = send_file(
            run, LISTING_IMPORT, query, watched.path, signs=True, passphrase_file=passphrase_file
        )
    except Problem as problem:
        if first:
            raise
        if problem.code not in _OF_THE_FILE:
            watched.forget()  # the node is away, the disk is full: tried again at the next look
        output.hint(f"{_now()} UTC", f"Not imported: {problem.text} The listings stay as they were.")
        return
    output.emit(run, result, _shown)


def _shown(result: Any) -> None:
    output.say(f"{_now()} UTC")
    show_import(result, dry_run=False)


def _now() -> str:
    return output.when(SystemClock().now_ms())
