"""Commands on the logs held here."""

from __future__ import annotations

from pathlib import Path

import click

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options
from netnode.cli.reach import call, send_file, use
from netnode.cli.saving import save
from netnode.cli.settling import resume, settle
from netnode.operations import models
from netnode.operations.logs import ENTRIES, LOG_EXPORT, LOG_IMPORT, LOG_VERIFY, LOGS
from netnode.problems import ExitCode


@click.group(cls=NodeGroup)
def log() -> None:
    """The signed logs this node holds: yours and those of others."""


@log.command(cls=NodeCommand, name="ls", epilog=examples("netnode log ls", "netnode log ls --author nx1..."))
@click.option("--author", metavar="ID", help="Only this networker's log.")
@page_options
@click.pass_context
def list_(context: click.Context, author: str | None, limit: int, cursor: str | None) -> None:
    """List the entries held, your own log first."""
    run = invocation(context)
    query = models.EntriesQuery(author=author, limit=limit, cursor=cursor)
    output.emit(run, call(run, ENTRIES, query), _show_entries)


def _show_entries(page: models.Page[models.Entry]) -> None:
    if not page.items:
        output.say("No entries.")
        return
    rows = [
        (
            output.short(one.author),
            str(one.seq),
            one.kind_name,
            output.when(one.time),
            one.summary if one.record else "(the record is gone)",
            f"void: {one.void}" if isinstance(one.void, str) else "",
            one.id[:12],
        )
        for one in page.items
    ]
    output.table(("author", "seq", "kind", "time (UTC)", "what", "", "entry"), rows, right=(1,))
    output.more(page.next)


@log.command(cls=NodeCommand, epilog=examples("netnode log heads"))
@page_options
@click.pass_context
def heads(context: click.Context, limit: int, cursor: str | None) -> None:
    """List the logs held, each with its newest entry."""
    run = invocation(context)
    output.emit(run, call(run, LOGS, models.Listed(limit=limit, cursor=cursor)), _show_logs)


def _show_logs(page: models.Page[models.Log]) -> None:
    rows = [
        (
            one.name or "-",
            one.author,
            f"{one.entries:,}",
            output.size(one.bytes),
            f"from {one.first:,}" if one.first else "",
            f"{one.epoch}/{one.term}/{one.seq}",
            one.state,
            one.distance,
        )
        for one in page.items
    ]
    head = ("name", "author", "entries", "room", "", "epoch/term/seq", "state", "distance")
    output.table(head, rows, right=(2, 3))
    output.more(page.next)


@log.command(cls=NodeCommand, epilog=examples("netnode log verify", "netnode log verify --author nx1..."))
@click.option("--author", metavar="ID", help="Only this networker's log.")
@click.pass_context
def verify(context: click.Context, author: str | None) -> None:
    """Check every hash, link and signature on disk again; exit 1 if something is wrong."""
    run = invocation(context)
    result = call(run, LOG_VERIFY, models.LogChoice(author=author))
    output.emit(run, result, _show_verified)
    if not result.ok:
        context.exit(1)


def _show_verified(result: models.Verified) -> None:
    checked = f"{output.counted(result.entries, 'entry', 'entries')} in {output.counted(result.logs, 'log')}"
    if result.ok:
        output.say(f"All is well: {checked} checked.")
        return
    output.say(f"{output.counted(len(result.problems), 'problem')} in {checked}.")
    output.table(
        ("author", "seq", "code", "what is wrong"),
        [(one.author, str(one.seq), one.code, one.text) for one in result.problems],
        right=(1,),
    )


@log.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode log export /media/stick/logs.inx",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--author", metavar="ID", help="Only this networker's log.")
@click.pass_context
def export(context: click.Context, file: Path, author: str | None) -> None:
    """Write the logs to FILE, to carry them to a node that is not connected."""
    run = invocation(context)
    size = use(run, lambda caller: save(caller.download(LOG_EXPORT, models.LogChoice(author=author)), file))
    answer = {"file": str(file), "bytes": size}
    output.emit(run, answer, lambda _: output.say(f"Wrote {size:,} bytes to {file}"))


@log.command(
    cls=NodeCommand,
    name="import",
    epilog=examples(
        "netnode log import /media/stick/logs.inx",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def import_(context: click.Context, file: Path) -> None:
    """Take in the logs of a FILE that `log export` wrote; every entry is verified, exit 4 if one is refused."""
    run = invocation(context)
    result = send_file(run, LOG_IMPORT, models.Nothing(), file, signs=False)
    output.emit(run, result, _show_imported)
    if result.refused:
        context.exit(int(ExitCode.REFUSED))


def _show_imported(result: models.LogImported) -> None:
    output.say(
        f"{output.counted(result.added, 'new entry', 'new entries')} in {output.counted(result.logs, 'log')}, "
        f"{result.held:,} known before, {len(result.refused):,} refused."
    )
    if result.refused:
        output.table(
            ("author", "seq", "code", "why"),
            [(one.author, str(one.seq), one.code, one.text) for one in result.refused],
            right=(1,),
        )


log.add_command(settle)
log.add_command(resume)
