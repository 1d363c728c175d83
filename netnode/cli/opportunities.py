"""Commands on opportunities."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import click
import msgspec

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options, passphrase_option
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.operation import bad_request
from netnode.operations.teams import OPPORTUNITIES, OPPORTUNITY_CLOSE, OPPORTUNITY_PUBLISH, OPPORTUNITY_SHOW
from netnode.problems import ExitCode, Problem, disk_problem


@click.group(cls=NodeGroup)
def opportunity() -> None:
    """Opportunities: a business offered to recruits, with all they are told before joining."""


@opportunity.command(cls=NodeCommand, epilog=examples("netnode opportunity publish opportunity.toml"))
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
@click.pass_context
def publish(context: click.Context, /, file: Path, passphrase_file: Path | None) -> None:
    """Publish an opportunity, or its next version, from a TOML or JSON FILE.

    Needed: key, title, description, and the table disclosure with identity, legal, cancellation, references. Also:
    summary, format, costs, obligations, terms, products, plan, opens, closes; in disclosure: claims.
    """
    run = invocation(context)
    try:
        request = msgspec.convert(_fields(file), models.OpportunityPublish)
    except msgspec.ValidationError as error:
        raise bad_request(error) from error
    output.emit(run, call(run, OPPORTUNITY_PUBLISH, request, passphrase_file), show_opportunity)


def _fields(path: Path) -> Any:
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    except UnicodeDecodeError as error:
        raise Problem(f"{path} is not UTF-8 text.", ExitCode.USAGE, "file", {"path": str(path)}) from error
    try:
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise Problem(
            f"{path} cannot be read: {error}.", ExitCode.USAGE, "file", {"path": str(path)}
        ) from error


@opportunity.command(cls=NodeCommand, epilog=examples("netnode opportunity show nx1.../linen-team"))
@click.argument("team", metavar="OWNER/KEY")
@click.pass_context
def show(context: click.Context, team: str) -> None:
    """Show an opportunity: costs, obligations, disclosure, and what its team's log says of those who joined."""
    run = invocation(context)
    output.emit(run, call(run, OPPORTUNITY_SHOW, models.OpportunityName(team)), show_opportunity)


@opportunity.command(
    cls=NodeCommand, name="ls", epilog=examples("netnode opportunity ls", "netnode opportunity ls nx1...")
)
@click.argument("owner", required=False, metavar="[ID]")
@page_options
@click.pass_context
def list_(context: click.Context, owner: str | None, limit: int, cursor: str | None) -> None:
    """List your opportunities, or those of another whose log is here."""
    run = invocation(context)
    query = models.OpportunitiesQuery(owner=owner, limit=limit, cursor=cursor)
    output.emit(run, call(run, OPPORTUNITIES, query), _show_list)


def _show_list(page: models.Page[models.Opportunity]) -> None:
    if not page.items:
        output.say("No opportunities. Publish one with: netnode opportunity publish --help")
        return
    rows = [
        (output.plain(one.key), output.plain(one.title), one.state, f"{one.members:,}", kept(one.retention))
        for one in page.items
    ]
    output.table(("key", "title", "", "members", "stay 90 days"), rows, right=(3,))
    output.more(page.next)


@opportunity.command(cls=NodeCommand, epilog=examples("netnode opportunity close linen-team"))
@click.argument("key")
@passphrase_option
@click.pass_context
def close(context: click.Context, /, key: str, passphrase_file: Path | None) -> None:
    """Close your opportunity KEY: nobody is invited any more. Its team goes on."""
    run = invocation(context)
    output.emit(
        run, call(run, OPPORTUNITY_CLOSE, models.OpportunityClose(key), passphrase_file), show_opportunity
    )


def show_opportunity(found: models.OpportunityShown) -> None:
    """For a person: what they pay, what they are told, and what the log says."""
    one = found.opportunity
    output.pairs(
        (
            ("opportunity", one.team),
            ("title", output.plain(one.title)),
            ("state", one.state),
            ("members", f"{one.members:,} of {one.ever:,} who ever joined"),
            ("stay 30, 90, 365 days", ", ".join(_share(age) for age in one.retention.ages)),
        )
    )
    output.say("", *(output.plain(line) for line in found.description.splitlines()))
    for title, text in (("Obligations", found.obligations), ("Terms", found.terms)):
        if isinstance(text, str):
            output.say("", f"{title}:", *(f"  {output.plain(line)}" for line in text.splitlines()))
    if found.costs:
        rows = [
            (
                output.plain(cost.title),
                output.price_text(cost.price),
                "needed to join" if cost.required else "",
            )
            for cost in found.costs
        ]
        output.say("")
        output.table(("cost", "price", ""), rows, right=(1,))
    told = found.disclosure
    for title, text in (
        ("Who", told.identity),
        ("Legal actions", told.legal),
        ("Cancellation and refund", told.cancellation),
        ("References", "\n".join(told.references)),
    ):
        output.say("", f"{title}:", *(f"  {output.plain(line)}" for line in text.splitlines()))
    if told.claims:
        claims = [
            (
                f"{output.when(claim.from_)[:10]} to {output.when(claim.until)[:10]}",
                f"{claim.amount} {claim.currency or 'in the unit of the plan, smallest parts'}",
                f"{claim.members:,} of {claim.of:,}",
                f"{claim.percent} %",
            )
            for claim in told.claims
        ]
        output.say("", "The owner says:")
        output.table(("in", "earned at least", "members", ""), claims)
    show_earnings(found.earnings)
    output.say("", f"Disclosure {told.hash}")


def show_earnings(found: models.TeamEarnings | None) -> None:
    """What members earned, by the log: no invitation is shown without it."""
    if found is None:
        output.say("", "Earnings: there is no plan yet, so nobody can have earned anything.")
        return
    output.say(
        "",
        f"What members earned from {output.when(found.from_)[:10]} to {output.when(found.until)[:10]}, by the log "
        f"({found.unit}):",
    )
    output.pairs(
        (
            ("  members", f"{found.members:,}, {found.left:,} of them left; all of them are counted"),
            ("  earned nothing", f"{found.zero:,} ({found.zero_percent} %)"),
            ("  half had at most", f"{found.median}; less what they bought {found.net_median}"),
            ("  9 of 10 at most", f"{found.p90}; less what they bought {found.net_p90}"),
            ("  99 of 100 at most", f"{found.p99}; less what they bought {found.net_p99}"),
            ("  bought for more", f"{found.losing:,} than they were awarded"),
        )
    )


def kept(found: models.Retention) -> str:
    """The share that stayed 90 days."""
    return next((_share(age) for age in found.ages if age.days == 90), "")


def _share(age: models.KeptOf) -> str:
    return f"{age.kept * 100 / age.of:.0f} % of {age.of:,}" if age.of else "nobody so long"
