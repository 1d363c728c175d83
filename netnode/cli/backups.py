"""Commands on backups: create, verify, restore, ls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from netnode.backups import reading
from netnode.backups.format import Opener
from netnode.backups.scratch import Watch
from netnode.cli import output
from netnode.cli.frame import (
    Invocation,
    NodeCommand,
    NodeGroup,
    examples,
    file_option,
    invocation,
    page_options,
    passphrase_option,
)
from netnode.cli.reach import call, known_passphrase, use
from netnode.cli.recovery_words import known_words, words_option
from netnode.home import Home, named_home
from netnode.keys.keystore import Keystore
from netnode.operations import models
from netnode.operations.backups import (
    BACKUP_CANCEL,
    BACKUP_CREATE,
    BACKUP_PROGRESS,
    BACKUP_VERIFY,
    BACKUPS,
)
from netnode.operations.calling import Caller
from netnode.operations.operation import Operation, Request
from netnode.operations.runtime import BackupKey
from netnode.problems import ExitCode, Problem
from netnode.sealer import HpkeSealer
from netnode.system import SystemDisk, SystemEntropy
from protocol.recovery import backup_seed

Answer = TypeVar("Answer")
Look = Callable[[], Awaitable[models.BackupProgress]]
_LOOK_SECONDS: Final = 0.2
_DOING: Final = {
    "copying": "Copying the store",
    "writing": "Writing the backup",
    "reading": "Opening the backup",
    "verifying": "Checking every entry",
    "examining": "Examining the store",
    "storing": "Storing what was found",
}


@click.group(cls=NodeGroup)
def backup() -> None:
    """Encrypted copies of this home: keys, settings, logs, peers, pictures."""


@backup.command(
    cls=NodeCommand,
    epilog=examples("netnode backup create /media/stick/", "netnode backup create shop.backup --no-verify"),
)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--no-verify", is_flag=True, help="Do not restore it to a scratch folder to check it.")
@passphrase_option
@click.pass_context
def create(context: click.Context, file: Path | None, no_verify: bool, passphrase_file: Path | None) -> None:
    """Write a backup to FILE, or to a folder that is there; the node may go on running meanwhile.

    The name of a file has an ending, such as .backup. Without FILE it goes to the folder of the setting backup_folder.
    Your recovery words open it, on any computer.
    """
    run = invocation(context)
    order = models.BackupOrder(path=None if file is None else _absolute(file), verify=not no_verify)
    made = _watched(run, BACKUP_CREATE, order, passphrase_file)
    output.emit(run, made, lambda answer: _show_made(run, answer))


def _show_made(run: Invocation, made: models.BackupMade) -> None:
    one = made.backup
    output.say(f"Wrote {one.path} ({_size(one.size)}).")
    if made.verified:
        output.say(f"It was restored to a scratch folder and checked: {_contents(made)}.")
    else:
        output.say(f"It was not checked. To check it: netnode backup verify {one.path}")
    if Path(one.path).is_relative_to(run.home.path):
        output.say(
            "It is on the same disk as your node. Copy it to another one, or name a folder there once and for all: "
            "netnode config set backup_folder DIR"
        )
    output.say("Your recovery words open it; keep them apart from it.")


def _contents(made: models.BackupMade) -> str:
    one = made.backup
    if one.head is None:
        return "your keys and settings; your log was not in the store"
    own = output.counted(made.own_entries, "entry of your own", "entries of your own")
    return f"{own}, {output.counted(one.logs, 'log')} in all"


@backup.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode backup verify shop.backup",
        "netnode backup verify shop.backup --words-file recovery-nx1abcde.txt",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@file_option(
    "--words-file", help="Open it with the 24 recovery words in this file instead of the keys of this home."
)
@passphrase_option
@click.pass_context
def verify(context: click.Context, file: Path, words_file: Path | None, passphrase_file: Path | None) -> None:
    """Restore FILE to a scratch folder, check every entry of yours, and remove it again.

    The keys of this home open its own backups; with --words-file no home is needed.
    """
    run = invocation(context)
    if words_file is not None:
        key = _words_key(run, file, words_file)
        made = in_process(lambda watch: run.runtime.verify_backup(file, key, watch))
    else:
        if not run.home.initialised():
            text = f"There is no networker in {run.home.path} whose keys open it. Give --words-file FILE."
            raise Problem(text, ExitCode.NOT_FOUND, "no_home", {"path": str(run.home.path)})
        made = _watched(run, BACKUP_VERIFY, models.BackupChoice(path=_absolute(file)), passphrase_file)
    output.emit(run, made, _show_verified)


def _show_verified(made: models.BackupMade) -> None:
    one = made.backup
    output.say(
        f"The backup is good: {_contents(made)}.",
        f"  made    {output.when(one.created)} UTC by netnode {one.program}",
        f"  of      {one.id}",
        "To make a home of it: netnode --home DIR backup restore FILE",
    )


@backup.command(
    cls=NodeCommand,
    epilog=examples("netnode backup restore shop.backup --words-file recovery-nx1abcde.txt"),
)
@click.argument("file", type=click.Path(path_type=Path))
@words_option
@click.option(
    "--key-home",
    metavar="DIR",
    help="Open it with the keys of this other home of yours instead of the words.",
)
@passphrase_option
@click.pass_context
def restore(
    context: click.Context,
    file: Path,
    words_file: Path | None,
    key_home: str | None,
    passphrase_file: Path | None,
) -> None:
    """Make a home from the backup FILE; the folder named by --home must be empty.

    Without --words-file you are asked for the recovery words. The keys stay under the passphrase they had.
    """
    run = invocation(context)
    if words_file is not None and key_home is not None:
        raise Problem("Give --words-file or --key-home, not both.", ExitCode.USAGE, "usage")
    if run.home.initialised():
        raise Problem(
            f"{run.home.path} holds a networker already, and a restore never replaces one. Name a new folder: "
            "netnode --home DIR backup restore FILE",
            ExitCode.REFUSED,
            "home_not_empty",
            {"path": str(run.home.path)},
        )
    if not file.is_file():
        text = f"There is no file {file}. 'netnode backup ls' shows the backups of a home."
        raise Problem(text, ExitCode.NOT_FOUND, "no_file", {"path": str(file)})
    if key_home is not None:
        key = _home_key(run, named_home(key_home), passphrase_file)
    else:
        key = _words_key(run, file, words_file)
    restored = in_process(lambda watch: run.runtime.restore(run.home.path, file, key, watch))
    output.emit(run, restored, _show_restored)


def _show_restored(restored: models.Restored) -> None:
    output.say(
        f"{restored.home} is your home again, as it was on {output.when(restored.created)} UTC.",
        f"  you     {restored.id}",
        f"  log     {output.counted(restored.own_entries, 'entry', 'entries')} of your own",
        "",
        "What you published after that is fetched from your peers when the node runs. Until they have answered it "
        "publishes nothing, so that your log does not split in two.",
        "  netnode start      meet your peers and catch up"
        + ("; the passphrase is the one you had" if restored.protected else ""),
        "  netnode status     see what it still waits for",
        "Do not run the old home again, should you find it: two of them would split your log.",
    )


@backup.command(
    cls=NodeCommand, name="ls", epilog=examples("netnode backup ls", "netnode backup ls /media/stick")
)
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@page_options
@click.pass_context
def list_(context: click.Context, folder: Path | None, limit: int, cursor: str | None) -> None:
    """List the backups in FOLDER, or in the folder of the setting backup_folder, newest first."""
    run = invocation(context)
    query = models.BackupsQuery(
        folder=None if folder is None else _absolute(folder), limit=limit, cursor=cursor
    )
    output.emit(run, call(run, BACKUPS, query), _show_backups)


def _show_backups(page: models.Page[models.Backup]) -> None:
    if not page.items:
        output.say("No backups here yet. Make one with: netnode backup create")
        return
    rows = [
        (
            output.when(one.created) if one.created is not None else "damaged",
            _size(one.size),
            "" if one.head is None else str(one.head.seq),
            Path(one.path).name,
        )
        for one in page.items
    ]
    output.table(("made (UTC)", "size", "own seq", "file"), rows, right=(1, 2))
    output.say(f"In {Path(page.items[0].path).parent}")
    output.more(page.next)


# -- keys ----------------------------------------------------------------------------------------------------
def _words_key(run: Invocation, file: Path, words_file: Path | None) -> BackupKey:
    """The recovery words, from the file or asked for until they open the backup."""
    header = reading.read_header(file)

    def opens(entropy: bytes) -> None:
        opener = Opener(words=backup_seed(header.network, entropy))
        reading.require_opens(file, opener, HpkeSealer())

    return BackupKey(known_words(run, words_file, opens))


def _home_key(run: Invocation, path: Path, passphrase_file: Path | None) -> BackupKey:
    home = Home(path, SystemDisk())
    home.check()
    passphrase = None
    if Keystore(home, SystemDisk(), SystemEntropy()).public().protected:
        passphrase = known_passphrase(Invocation(home, run.json, run.given), passphrase_file)
    return BackupKey(home=path, passphrase=passphrase)


# -- progress ------------------------------------------------------------------------------------------------
def _watched(
    run: Invocation,
    operation: Operation[Request, models.BackupMade],
    request: Request,
    passphrase_file: Path | None,
) -> models.BackupMade:
    """Calls a slow operation with a progress bar; Ctrl-C gives the work up wherever it is done."""

    async def work(caller: Caller) -> models.BackupMade:
        async def look() -> models.BackupProgress:
            return await caller.call(BACKUP_PROGRESS, models.Nothing())

        try:
            return await _shown(caller.call(operation, request), look)
        except asyncio.CancelledError:
            with suppress(Problem):
                await caller.call(BACKUP_CANCEL, models.Nothing())
            raise

    return use(run, work, operation.signs, passphrase_file)


def in_process(work: Callable[[Watch], Awaitable[Answer]]) -> Answer:
    """Does the work here, with a progress bar."""
    watch = Watch()

    async def look() -> models.BackupProgress:
        return models.BackupProgress(doing=watch.doing, done=watch.done, total=watch.total)

    async def shown() -> Answer:
        try:
            return await _shown(work(watch), look)
        except asyncio.CancelledError:
            watch.stop = True
            raise

    return asyncio.run(shown())


async def _shown(work: Awaitable[Answer], look: Look) -> Answer:
    console = Console(stderr=True)
    if not console.is_terminal:
        return await work
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        watching = asyncio.create_task(_watch(look, progress))
        try:
            return await work
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError, Problem):
                await watching


async def _watch(look: Look, progress: Progress) -> None:
    doing, task = "", progress.add_task("Beginning", total=None)
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        state = await look()
        if state.doing != doing:  # a bar of its own for each part of the work
            progress.remove_task(task)
            doing = state.doing
            task = progress.add_task(_DOING.get(doing, doing), total=state.total or None)
        progress.update(task, completed=state.done)


def _absolute(path: Path) -> str:
    return str(path.expanduser().absolute())


def _size(size: int) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:,} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size = size / 1024  # type: ignore[assignment]
    return f"{size:,.1f} GiB"
