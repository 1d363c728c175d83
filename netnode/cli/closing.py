"""Commands that publish plans and close their periods."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click

from netnode.cli import output
from netnode.cli.credits import named
from netnode.cli.frame import Command, NodeCommand, examples, invocation, passphrase_option
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.credits import PERIOD_CLOSE, PERIOD_PREVIEW, PLAN_PUBLISH


@click.command(cls=NodeCommand, epilog=examples("netnode plan publish plan.toml"))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--trees",
    type=click.IntRange(0, 1_000),
    default=50,
    show_default=True,
    help="On how many random trees it is measured, as by plan lint.",
)
@passphrase_option
@click.pass_context
def publish(context: click.Context, /, file: Path, trees: int, passphrase_file: Path | None) -> None:
    """Publish the plan in FILE, unless it is void; a changed plan holds once the notice of the one before is over.

    It holds for the products that its opportunity names; one without an opportunity for all that no opportunity names
    and that has no commission of its own, until the next one like it.
    """
    from netnode.plans.reading import read_plan
    from protocol.records import encode_record

    run = invocation(context)
    request = models.PlanPublish(plan=encode_record(read_plan(file)), trees=trees)
    output.emit(run, call(run, PLAN_PUBLISH, request, passphrase_file), _show_published)


def _choosing(command: Command) -> Command:
    """Adds the team and the period."""
    for option in (
        click.option(
            "--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="Most awards shown."
        ),
        click.option("--at", metavar="DATE", help="A day in the period, as 2026-01-31; else the next one."),
        click.argument("key"),
    ):
        command = option(command)
    return command


@click.command(cls=NodeCommand, epilog=examples("netnode period preview linen-team"))
@_choosing
@click.pass_context
def preview(context: click.Context, key: str, at: str | None, limit: int) -> None:
    """Show what the close of a period of your team would publish, as of now."""
    run = invocation(context)
    request = models.PeriodChoice(key=key, at=_moment(at), limit=limit)
    output.emit(run, call(run, PERIOD_PREVIEW, request), _show_closed)


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode period close linen-team",
        "netnode period close linen-team --at 2026-01-31     again: says what was published",
    ),
)
@_choosing
@passphrase_option
@click.pass_context
def close(
    context: click.Context, /, key: str, at: str | None, limit: int, passphrase_file: Path | None
) -> None:
    """Close the next period of your team that is over: publish what its plan awards."""
    run = invocation(context)
    request = models.PeriodChoice(key=key, at=_moment(at), limit=limit)
    output.emit(run, call(run, PERIOD_CLOSE, request, passphrase_file), _show_closed)


COMMANDS = (preview, close)
"""Of the group `period`."""


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"--at: {text!r} is no date such as 2026-01-31.") from error
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _show_published(one: models.PlanPublished) -> None:
    output.pairs(
        (
            ("plan", f"{output.plain(one.title)} ({one.plan[:16]})"),
            ("opportunity", one.opportunity or "none: it pays by paths alone"),
            ("entry", f"{one.entry:,}"),
            ("holds from", f"{output.when(one.starts)} UTC"),
        )
    )
    warned = [(each.rule, each.text) for each in one.findings if each.verdict == "warn"]
    if warned:
        output.say("", "Whoever looks at the plan is told:")
        output.table(("rule", "what the plan says"), warned)


def _show_closed(one: models.PeriodClosed) -> None:
    state = "not in the log yet" if one.entry is None else f"published, entry {one.entry:,}"
    output.pairs(
        (
            ("team", one.team),
            ("period", f"{one.period}, until {output.when(one.ends)} UTC{'' if one.over else ' (not over)'}"),
            ("state", state),
            ("awards", f"{one.count:,}, together {one.total} {output.plain(one.unit)}"),
            ("hash", one.hash),
        )
    )
    if one.awards:
        output.say("")
        rows = [
            (named(each.to), each.amount, f"{each.rule} {each.level}" if each.level else each.rule)
            for each in one.awards
        ]
        output.table(("member", "amount", "rule"), rows, right=(1,))
    if one.count > len(one.awards):
        output.hint(f"{one.count - len(one.awards):,} more; add --limit, or see credit statement.")
