"""Commands on mail."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.mail import MAIL_REMOVE, MAIL_SEND, MAIL_SHOW, MAILS
from netnode.problems import ExitCode, Problem, disk_problem
from protocol.limits import MAX_MAIL_TEXT


@click.group(cls=NodeGroup)
def mail() -> None:
    """Sealed mail from networker to networker: nobody between can read it."""


@mail.command(
    cls=NodeCommand,
    epilog=examples(
        'netnode mail send nx1... --subject "Your lamp" --text "It leaves today."',
        "netnode mail send nx1... --file letter.txt",
        "netnode mail send nx1... --re in-12 --text Thanks",
    ),
)
@click.argument("to", metavar="ID")
@click.option("--subject", default="", help="One line.")
@click.option("--text", default=None, help="What it says.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, allow_dash=True),
    default=None,
    help="A file with the text; - is stdin.",
)
@click.option("--re", default=None, metavar="MAIL", help="The mail it answers.")
@click.pass_context
def send(
    context: click.Context, to: str, subject: str, text: str | None, file: Path | None, re: str | None
) -> None:
    """Send a mail to the networker ID; it goes on its way while the node runs."""
    run = invocation(context)
    if text is not None and file is not None:
        raise Problem("--text and --file contradict each other. Give one of them.", ExitCode.USAGE, "usage")
    words = text or ("" if file is None else _read(file))
    if len(words) > MAX_MAIL_TEXT:
        raise Problem(
            f"The text has {len(words):,} characters, a mail at most {MAX_MAIL_TEXT:,}. Send it in parts.",
            ExitCode.USAGE,
            "too_large",
        )
    sent = call(run, MAIL_SEND, models.MailDraft(to=to, subject=subject, text=words, re=re))
    output.emit(run, sent, lambda one: output.say(f"{one.id}: {_state(one)}"))


@mail.command(cls=NodeCommand, epilog=examples("netnode mail rm in-12", "netnode mail rm in-3 in-4 out-9"))
@click.argument("names", metavar="MAIL...", nargs=-1, required=True)
@click.pass_context
def rm(context: click.Context, names: tuple[str, ...]) -> None:
    """Remove mails here; the other side keeps theirs. Who filled their room can write again then."""
    run = invocation(context)
    for name in names:
        done = call(run, MAIL_REMOVE, models.MailName(id=name))
    output.emit(run, done, lambda _: output.say(f"Removed: {', '.join(names)}"))


def _read(file: Path) -> str:
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise disk_problem(error, "read", file) from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        text = f"{file} is not UTF-8 text, and a mail carries nothing else."
        raise Problem(text, ExitCode.USAGE, "file", {"path": str(file)}) from error


@mail.command(cls=NodeCommand, name="ls", epilog=examples("netnode mail ls", "netnode mail ls --box in"))
@click.option(
    "--box", type=click.Choice(["all", "in", "out"]), default="all", help="What came, what was sent, or both."
)
@page_options
@click.pass_context
def list_(context: click.Context, box: str, limit: int, cursor: str | None) -> None:
    """List mails, the newest first."""
    run = invocation(context)
    query = models.MailQuery(box=box, limit=limit, cursor=cursor)  # type: ignore[arg-type] # click checked it
    output.emit(run, call(run, MAILS, query), _show_list)


def _show_list(page: models.Page[models.Mail]) -> None:
    if not page.items:
        output.say("No mail. Write one with: netnode mail send ID --subject ...")
        return
    rows = [
        (
            one.id,
            output.when(one.at),
            ("from " if one.delivery is None else "to ") + output.plain(_other(one)),
            output.plain(one.subject),
            _state(one),
        )
        for one in page.items
    ]
    output.table(("mail", "at (UTC)", "with", "subject", "state"), rows)
    output.more(page.next)


@mail.command(cls=NodeCommand, epilog=examples("netnode mail show in-12"))
@click.argument("name", metavar="MAIL")
@click.pass_context
def show(context: click.Context, name: str) -> None:
    """Show the mail MAIL, named as in the list; it counts as read then."""
    run = invocation(context)
    output.emit(run, call(run, MAIL_SHOW, models.MailName(name)), _show)


def _show(one: models.Mail) -> None:
    output.say(
        f"{'from' if one.delivery is None else 'to'} {output.plain(_other(one))} at {output.when(one.at)} UTC",
        f"state: {_state(one)}",
        f"subject: {output.plain(one.subject)}",
        *([f"answers: {one.re}"] if one.re is not None else []),
        "",
        *(output.plain(line) for line in (one.text or "").splitlines()),
    )


def _other(one: models.Mail) -> str:
    known = one.sender if one.delivery is None else one.to
    return f"{one.name} ({known})" if one.name else known


def _state(one: models.Mail) -> str:
    """Where it is, in words."""
    if one.delivery is None:
        return "read" if one.read else "new"
    words = one.delivery.state.replace("_", " ")
    return f"{words}: {output.plain(one.delivery.reason)}" if one.delivery.reason else words
