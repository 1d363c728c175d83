"""Commands on blobs: files named by their SHA-256."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options
from netnode.cli.reach import call, send_file, use
from netnode.cli.saving import save
from netnode.operations import models
from netnode.operations.blobs import BLOB_ADD, BLOB_FETCH, BLOB_PROGRESS, BLOB_REMOVE, BLOB_SEND, BLOBS
from netnode.operations.calling import Caller
from netnode.operations.operation import MIB
from netnode.problems import ExitCode, Problem, disk_problem
from protocol.limits import MAX_BLOB

_LOOK_SECONDS: Final = 0.2  # between two looks at how far a fetch is


@click.group(cls=NodeGroup)
def blob() -> None:
    """Files that listings refer to, named by their SHA-256."""


def _hash(context: click.Context, parameter: click.Parameter, value: str) -> str:
    name = value.strip().lower()
    if re.fullmatch(r"[0-9a-f]{64}", name) is None:
        raise Problem(
            f"{value!r} is not the name of a blob: that is its SHA-256, 64 hex digits. See: netnode blob ls",
            ExitCode.USAGE,
            "hash",
        )
    return name


@blob.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode blob add front.jpg",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def add(context: click.Context, file: Path) -> None:
    """Keep a copy of FILE and serve it to whoever asks for its hash."""
    run = invocation(context)
    try:
        size = file.stat().st_size
    except OSError as error:
        raise disk_problem(error, "read", file) from error
    if not file.is_file():
        raise Problem(f"{file} is no file. Give a file.", ExitCode.USAGE, "file", {"path": str(file)})
    if size == 0:
        text = f"{file} is empty, and a blob has at least one byte."
        raise Problem(text, ExitCode.USAGE, "empty", {"path": str(file)})
    if size > MAX_BLOB:
        text = f"{file} is larger than {MAX_BLOB // MIB} MiB, the most a blob has."
        raise Problem(text, ExitCode.USAGE, "too_large", {"path": str(file), "max_bytes": MAX_BLOB})
    kept = send_file(run, BLOB_ADD, models.Nothing(), file, signs=False)
    output.emit(run, kept, lambda answer: output.say(f"Kept {answer.size:,} bytes as {answer.hash}"))


@blob.command(
    cls=NodeCommand, epilog=examples("netnode blob get 17d966...b69f front.jpg     the hash in full")
)
@click.argument("name", metavar="HASH", callback=_hash)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def get(context: click.Context, name: str, file: Path) -> None:
    """Write the blob HASH to FILE; one that is not here is asked for at the connected peers."""
    run = invocation(context)
    if file.is_dir():
        raise Problem(f"{file} is a folder. Give the name of a file in it.", ExitCode.USAGE, "file")
    if not file.parent.is_dir():
        text = f"There is no folder {file.parent}. Make it, or give another file."
        raise Problem(text, ExitCode.USAGE, "file", {"path": str(file)})
    wanted = models.BlobName(name)

    async def work(caller: Caller) -> int:
        await _fetched(caller, wanted)
        return await save(caller.download(BLOB_SEND, wanted), file)

    size = use(run, work)
    answer = {"hash": name, "size": size, "file": str(file)}
    output.emit(run, answer, lambda _: output.say(f"Wrote {size:,} bytes to {file}"))


async def _fetched(caller: Caller, wanted: models.BlobName) -> None:
    """Has the node fetch a blob, with a progress bar on stderr when that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        await caller.call(BLOB_FETCH, wanted)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        watching = asyncio.create_task(_watch(caller, wanted, progress))
        try:
            await caller.call(BLOB_FETCH, wanted)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError, Problem):
                await watching


async def _watch(caller: Caller, wanted: models.BlobName, progress: Progress) -> None:
    task = progress.add_task("Asking peers", total=None)
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        state = await caller.call(BLOB_PROGRESS, wanted)
        if state.size is not None:
            progress.update(task, description="Fetching", total=state.size, completed=state.bytes)


@blob.command(cls=NodeCommand, name="ls", epilog=examples("netnode blob ls"))
@page_options
@click.pass_context
def list_(context: click.Context, limit: int, cursor: str | None) -> None:
    """List the blobs kept in this home."""
    run = invocation(context)
    output.emit(run, call(run, BLOBS, models.Listed(limit=limit, cursor=cursor)), _show_blobs)


def _show_blobs(page: models.Page[models.Blob]) -> None:
    if not page.items:
        output.say("No blobs. Keep a file with: netnode blob add FILE")
        return
    rows = [
        (one.hash, f"{one.size:,}", output.when(one.added), "" if one.own else "fetched")
        for one in page.items
    ]
    output.table(("hash", "bytes", "added (UTC)", ""), rows, right=(1,))
    output.more(page.next)


@blob.command(cls=NodeCommand, epilog=examples("netnode blob rm 17d966...b69f     the hash in full"))
@click.argument("name", metavar="HASH", callback=_hash)
@click.pass_context
def rm(context: click.Context, name: str) -> None:
    """Let go of the blob HASH; refused while a listing of yours shows it."""
    run = invocation(context)
    done = call(run, BLOB_REMOVE, models.BlobName(name))
    output.emit(run, done, lambda _: output.say(f"Removed {name}"))
