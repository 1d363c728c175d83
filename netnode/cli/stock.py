"""The command on stock."""

from __future__ import annotations

from typing import Any

import click

from netnode.cli import output
from netnode.cli.frame import NodeCommand, examples, invocation
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.deals import STOCK, STOCK_SET


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode listing stock cap                     how many are left",
        "netnode listing stock cap 12                  there are 12 to sell",
        "netnode listing stock linen-shirt 3 --variant M",
        "netnode listing stock cap --auto-accept on    accept orders of it by itself",
    ),
)
@click.argument("key")
@click.argument("count", required=False, type=click.IntRange(0))
@click.option("--variant", metavar="TEXT", help="Its values, as 'M / blue', or its SKU.")
@click.option("--uncounted", is_flag=True, help="Do not count it any more: there is always enough.")
@click.option(
    "--auto-accept",
    type=click.Choice(("on", "off", "default")),
    help="Accept orders of it by itself; default: as the setting auto_accept says.",
)
@click.pass_context
def stock(context: click.Context, /, key: str, count: int | None, uncounted: bool, **given: Any) -> None:
    """Show or set how many pieces of the listing KEY can still be sold; only you see it."""
    run = invocation(context)
    if count is None and not uncounted and given["auto_accept"] is None:
        answer = call(run, STOCK, models.ListingKey(key))
    else:
        answer = call(run, STOCK_SET, models.StockChange(key=key, count=count, uncounted=uncounted, **given))
    output.emit(run, answer, _show)


def _show(found: models.Stock) -> None:
    if not found.counters:
        output.say(
            f"Nobody counts {found.key}: there is always enough. To count: netnode listing stock {found.key} 12"
        )
    else:
        rows = [
            (
                ", ".join(one.options) or found.key,
                "not counted" if one.count is None else f"{one.count:,}",
                f"{one.reserved:,}",
            )
            for one in found.counters
        ]
        output.table(("what", "can be sold", "in open deals"), rows, right=(1, 2))
    output.say(
        "New orders of it are accepted by themselves."
        if found.auto_accept
        else "New orders of it wait until you accept or decline them; see: netnode deal ls"
    )
