"""Commands on what proves that this node brought buyers to sellers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options
from netnode.cli.reach import call, use
from netnode.cli.saving import save
from netnode.operations import models
from netnode.operations.operation import MIB
from netnode.operations.witnesses import WITNESS_EXPORT, WITNESS_SHOW, WITNESSES
from netnode.problems import ExitCode, Problem, disk_problem

MAX_FILE: Final = 256 * MIB  # why: some hundred thousand deals; read whole, as it is verified
_SHORT: Final = 16


@click.group(cls=NodeGroup)
def witness() -> None:
    """Deals of buyers whom this node brought to their sellers, and what proves it."""


@witness.command(cls=NodeCommand, name="ls", epilog=examples("netnode witness ls"))
@page_options
@click.pass_context
def list_(context: click.Context, limit: int, cursor: str | None) -> None:
    """List the deals that this node brought about, the newest first."""
    run = invocation(context)
    output.emit(run, call(run, WITNESSES, models.Listed(limit=limit, cursor=cursor)), _show_page)


def _show_page(page: models.Page[models.Witness]) -> None:
    if not page.items:
        output.say("No deal yet. Buyers come by the public routes of this node: netnode config get shop")
        return
    rows = [
        (
            one.order[:_SHORT],
            one.seller_name or output.short(one.seller),
            output.when(one.accepted),
            " > ".join(step.name or output.short(step.referrer) for step in one.path),
            output.counted(len(one.receipts), "receipt") if one.receipts else "",
        )
        for one in page.items
    ]
    output.table(("order", "seller", "accepted (UTC)", "path", "received"), rows)
    output.more(page.next)


@witness.command(cls=NodeCommand, epilog=examples("netnode witness show 4be0c94d3a521f0e"))
@click.argument("order")
@click.pass_context
def show(context: click.Context, order: str) -> None:
    """Show one deal by its ORDER, or by the beginning of that id."""
    run = invocation(context)
    output.emit(run, call(run, WITNESS_SHOW, models.WitnessChoice(order.strip().lower())), _show_one)


def _show_one(one: models.Witness) -> None:
    output.pairs(
        (
            ("order", one.order),
            ("seller", f"{one.seller_name or ''} {one.seller}".strip()),
            ("listing", one.listing or "-"),
            ("path hash", one.path_hash),
            ("accepted", output.when(one.accepted)),
            *(("received", f"part {each.part}, {output.when(each.time)}") for each in one.receipts),
        )
    )
    for number, step in enumerate(one.path, 1):
        note = "" if step.checked else "; signature not checked: the keys are not known here"
        campaign = f", campaign {step.campaign}" if step.campaign else ""
        output.say(
            f"{number}. {step.name or ''} {step.referrer}{campaign}, until {output.when(step.expires)}{note}"
        )


@witness.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode witness export sales.inxw", "netnode witness export one.inxw --order 4be0c94d3a521f0e"
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--order", metavar="ORDER", help="Only this deal.")
@click.pass_context
def export(context: click.Context, file: Path, order: str | None) -> None:
    """Write to FILE what proves the deals to anybody, with all keys that are needed to check it."""
    run = invocation(context)
    asked = models.WitnessExport(order=None if order is None else order.strip().lower())
    size = use(run, lambda caller: save(caller.download(WITNESS_EXPORT, asked), file))
    answer = {"file": str(file), "bytes": size}
    output.emit(run, answer, lambda _: output.say(f"Wrote {size:,} bytes to {file}"))


@witness.command(cls=NodeCommand, epilog=examples("netnode witness verify sales.inxw"))
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def verify(context: click.Context, file: Path) -> None:
    """Check what a FILE of witnesses proves, without a node or network; exit 1 if something is wrong."""
    from netnode.services.witnesses import verified  # late: most commands check no signatures

    run = invocation(context)
    try:
        if file.stat().st_size > MAX_FILE:
            text = f"{file} is larger than {MAX_FILE // MIB} MiB. Export the deals one by one with --order."
            raise Problem(text, ExitCode.USAGE, "too_large")
        data = file.read_bytes()
    except OSError as error:
        raise disk_problem(error, "read", file) from error
    result = verified(data)
    output.emit(run, result, _show_verified)
    if not result.valid:
        context.exit(int(ExitCode.FAILED))


def _show_verified(result: models.WitnessesVerified) -> None:
    for one in result.witnesses:
        _show_one(one)
        output.say("")
    if result.error is None:
        output.say(f"All is well: {output.counted(len(result.witnesses), 'deal')} proved.")
    else:
        fault = result.error
        output.say(f"Deal {fault.number} is not proved. {fault.piece}: {fault.reason} ({fault.code}).")
