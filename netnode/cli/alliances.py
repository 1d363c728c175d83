"""Commands on alliances: proposed, accepted, shown, ended."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options, passphrase_option
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.referrals import (
    ALLIANCE_ACCEPT,
    ALLIANCE_END,
    ALLIANCE_PROPOSE,
    ALLIANCE_SHOW,
    ALLIANCES,
)

_EXAMPLE: Final = "3f9c2a71"


@click.group(cls=NodeGroup)
def alliance() -> None:
    """Agree with another networker to recommend each other's listings, at rates that both sign."""


@alliance.command(
    cls=NodeCommand,
    epilog="The rate of an alliance goes before the commission of a listing, and that before the plan; the first that "
    "there is decides alone, and rates are never added.\n\n"
    + examples(
        "netnode alliance propose nx1... --give 12.5 --get 10",
        "netnode alliance propose nx1... --give 20 --get 20 --listing linen-shirt --until 2027-01-01",
    ),
)
@click.argument("other", metavar="ID")
@click.option(
    "--give", "gives", required=True, metavar="PERCENT", help="What you pay for a sale they bring you."
)
@click.option(
    "--get", "gets", required=True, metavar="PERCENT", help="What they pay for a sale you bring them."
)
@click.option("--listing", "listings", multiple=True, metavar="KEY", help="Only for yours. Repeatable.")
@click.option("--theirs", multiple=True, metavar="KEY", help="Only for theirs. Repeatable.")
@click.option("--until", type=click.DateTime(("%Y-%m-%d",)), help="First day after it; without it, open.")
@click.option("--notice", type=click.IntRange(0, 365), default=30, show_default=True, help="Days, to end it.")
@click.option("--text", default="", help="A word to them.")
@passphrase_option
@click.pass_context
def propose(
    context: click.Context, /, other: str, until: datetime | None, passphrase_file: Path | None, **given: Any
) -> None:
    """Propose an alliance to the networker ID; it holds once they have accepted."""
    run = invocation(context)
    ends = None if until is None else int(until.replace(tzinfo=UTC).timestamp() * 1000)
    given |= {name: list(given[name]) for name in ("listings", "theirs")}
    request = models.AlliancePropose(to=other, until=ends, **given)
    output.emit(run, call(run, ALLIANCE_PROPOSE, request, passphrase_file), _show_one)


@alliance.command(cls=NodeCommand, epilog=examples(f"netnode alliance accept {_EXAMPLE}"))
@click.argument("name", metavar="ALLIANCE")
@passphrase_option
@click.pass_context
def accept(context: click.Context, name: str, passphrase_file: Path | None) -> None:
    """Accept what another networker proposed; both logs publish it."""
    run = invocation(context)
    output.emit(run, call(run, ALLIANCE_ACCEPT, models.AllianceName(name), passphrase_file), _show_one)


@alliance.command(cls=NodeCommand, epilog=examples(f"netnode alliance end {_EXAMPLE}"))
@click.argument("name", metavar="ALLIANCE")
@passphrase_option
@click.pass_context
def end(context: click.Context, name: str, passphrase_file: Path | None) -> None:
    """End an alliance; what is ordered within its notice still counts."""
    run = invocation(context)
    output.emit(run, call(run, ALLIANCE_END, models.AllianceName(name), passphrase_file), _show_one)


@alliance.command(cls=NodeCommand, epilog=examples(f"netnode alliance show {_EXAMPLE}"))
@click.argument("name", metavar="ALLIANCE")
@click.pass_context
def show(context: click.Context, name: str) -> None:
    """Show one alliance or proposal."""
    run = invocation(context)
    output.emit(run, call(run, ALLIANCE_SHOW, models.AllianceName(name)), _show_one)


def _show_one(one: models.AllianceShown) -> None:
    rows = [
        ("alliance", one.alliance[:10]),
        ("with", f"{one.other_name or ''} {one.other}".strip()),
        ("state", _state(one)),
        ("you pay", f"{one.gives} % of {_of(one.listings, 'your')}"),
        ("they pay", f"{one.gets} % of {_of(one.theirs, 'their')}"),
        ("from", f"{output.when(one.starts)} UTC"),
        ("until", "open" if one.until is None else f"{output.when(one.until)} UTC"),
        ("notice", output.counted(one.notice, "day")),
    ]
    if one.text:
        rows.append(("says", one.text))
    output.pairs(rows)
    if one.below:
        output.hint(
            f"These listings pay who is no ally more, so an ally would rather not be one: {', '.join(one.below)}"
        )
    if one.state == "proposed" and not one.own:
        output.hint(f"Accept it with: netnode alliance accept {one.alliance[:10]}")


def _state(one: models.AllianceShown) -> str:
    if one.state == "proposed":
        return "proposed by you" if one.own else "proposed to you"
    return (
        f"ends {output.when(one.ends)} UTC" if one.state == "ending" and one.ends is not None else one.state
    )


def _of(keys: list[str], whose: str) -> str:
    return f"{whose} {', '.join(keys)}" if keys else f"all {whose} listings"


@alliance.command(cls=NodeCommand, name="ls", epilog=examples("netnode alliance ls"))
@page_options
@click.pass_context
def list_(context: click.Context, limit: int, cursor: str | None) -> None:
    """List alliances and proposals, the newest first."""
    run = invocation(context)
    output.emit(run, call(run, ALLIANCES, models.AlliancesQuery(limit=limit, cursor=cursor)), _show_page)


def _show_page(page: models.Page[models.AllianceShown]) -> None:
    if not page.items:
        output.say("No alliance yet. Propose one with: netnode alliance propose ID --give 10 --get 10")
        return
    rows = [
        (
            one.alliance[:10],
            one.other_name or output.short(one.other),
            f"{one.gives} %",
            f"{one.gets} %",
            _state(one),
        )
        for one in page.items
    ]
    output.table(("alliance", "with", "you pay", "they pay", "state"), rows, right=(2, 3))
    output.more(page.next)
