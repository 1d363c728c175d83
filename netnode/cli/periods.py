"""Commands on the periods of a plan."""

from __future__ import annotations

import click

from netnode.cli import output
from netnode.cli.credits import named
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.ledgers import PERIOD_OPEN


@click.group(cls=NodeGroup)
def period() -> None:
    """Periods of a team's plan: the open one, its preview, its close."""


@period.command(
    cls=NodeCommand,
    name="open",
    epilog=examples("netnode period open linen-team", "netnode period open nx1.../linen-team"),
)
@click.argument("team", metavar="[OWNER/]KEY")
@page_options
@click.pass_context
def open_(context: click.Context, team: str, limit: int, cursor: str | None) -> None:
    """Show the period of a team that is not over, as it stands with the newest sale.

    What its close would award changes until the period ends; what sales award by themselves is in it already.
    """
    run = invocation(context)
    query = models.PeriodQuery(team=team, limit=limit, cursor=cursor)
    output.emit(run, call(run, PERIOD_OPEN, query), _show_open)


def _show_open(found: models.PeriodOpen) -> None:
    output.pairs(
        (
            ("period", f"{found.period}, until {output.when(found.ends)} UTC"),
            ("plan", f"{output.plain(found.plan_title)} ({found.plan[:16]})"),
            ("sales so far", f"{found.sales:,}, commissionable {found.base} {found.unit}"),
            ("awarded by sales", f"{found.awarded} {found.unit}"),
            ("close would add", f"{found.closing} {found.unit}"),
            ("log up to entry", f"{found.head:,}"),
        )
    )
    if found.unclosed:
        output.say("A period before this one is not closed yet: ranks and what is carried over may change.")
    if found.items:
        output.say("")
        rows = [
            (named(one.to), one.amount, f"{one.rule} {one.level}" if one.level else one.rule, one.words)
            for one in found.items
        ]
        output.table(("member", "amount", "rule", "why"), rows, right=(1,))
    output.more(found.next)
